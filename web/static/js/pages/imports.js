/** A spreadsheet of the visitor's: what it means, cell by cell, and then all of it or nothing. */

import { get, send } from "../core/api.js";
import { instant } from "../core/clock.js";
import { fill, h, say } from "../core/dom.js";
import { actButton } from "../core/forms.js";
import { chip, table } from "../core/parts.js";
import { faults } from "../core/problem.js";
import { language, t } from "../core/words.js";

const XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const FIRST = 50;

/**
 * Return the panel. `kind` is that of the import, `columns` are those of a table that shows what
 * the rows mean, and `refresh` shows the page anew.
 */
export function importPanel({ kind, columns, refresh }) {
  const page = { kind, columns, refresh, found: h("div", { class: "live stack" }), past: h("div", { class: "stack" }) };
  return h(
    "details",
    { class: "panel", id: `import-${kind}`, ontoggle: ({ target }) => target.open && showPast(page) },
    h("summary", {}, t("page.imports.title")),
    h("p", { class: "note" }, t(kind === "offers" ? "page.imports.note_offers" : "page.imports.note_requests")),
    files(kind),
    dropField(page),
    page.found,
    page.past,
  );
}

function files(kind) {
  const link = (path, format, text) =>
    h("a", { href: `/api/v1/imports/${kind}/${path}?format=${format}&lang=${language}`, download: true }, text);
  return h(
    "ul",
    {},
    h("li", {}, link("template", "xlsx", t("page.imports.template_xlsx"))),
    h("li", {}, link("template", "csv", t("page.imports.template_csv"))),
    h("li", {}, link("own", "xlsx", t("page.imports.own"))),
  );
}

/** A field that takes a file dropped on it as well as one that is chosen. */
function dropField(page) {
  const id = `import-file-${page.kind}`;
  const input = h("input", {
    id,
    type: "file",
    accept: ".xlsx,.csv",
    "aria-describedby": `${id}-hint`,
    onchange: () => input.files[0] && look(page, input.files[0]),
  });
  const mark = (isOver) => (event) => {
    event.preventDefault();
    zone.classList.toggle("over", isOver);
  };
  const zone = h(
    "div",
    {
      class: "field drop",
      ondragover: mark(true),
      ondragleave: mark(false),
      ondrop: (event) => {
        mark(false)(event);
        const [file] = event.dataTransfer.files;
        if (file) look(page, file);
      },
    },
    h("label", { for: id }, t("page.imports.file")),
    input,
    h("span", { class: "hint", id: `${id}-hint` }, t("page.imports.file_hint")),
  );
  page.reset = () => {
    input.value = "";
  };
  return zone;
}

/** Ask what a file means, and show it. */
async function look(page, file) {
  const asked = (page.asked = (page.asked ?? 0) + 1);
  const text = t("page.imports.reading", { name: file.name });
  fill(page.found, h("label", {}, text, h("progress", {})));
  const isBook = file.name.toLowerCase().endsWith(".xlsx");
  try {
    const content = new Blob([await file.arrayBuffer()], { type: isBook ? XLSX : "text/csv" });
    const shown = await send("POST", `/imports/${page.kind}/preview`, content);
    // Another file was chosen meanwhile: what this one means is not to stand in its place.
    if (asked !== page.asked) return;
    fill(page.found, shown.faults_total > 0 ? bad(shown) : good(page, shown, content));
  } catch (error) {
    if (error.status === undefined) throw error;
    if (asked !== page.asked) return;
    fill(page.found, h("p", { class: "banner bad", role: "alert" }, faults(error).map(({ text: said }) => said)));
  }
  page.reset();
}

function bad(shown) {
  return [
    h("p", { class: "banner bad", role: "alert" }, t("page.imports.bad", { count: shown.faults_total, rows: shown.rows })),
    shown.sheet && h("p", { class: "note" }, t("page.imports.sheet", { sheet: shown.sheet })),
    table({
      rows: shown.faults,
      columns: [
        { label: t("page.imports.cell"), cell: ({ column, row }) => h("span", { class: "mono" }, column ? `${column}${row}` : t("page.imports.row", { row })) },
        { label: t("page.imports.header"), cell: ({ header }) => h("bdi", {}, header) },
        { label: t("page.imports.rule"), cell: ({ text }) => text },
        { label: t("page.imports.figure"), cell: ({ figure }) => h("bdi", { class: "mono" }, figure ?? "") },
      ],
    }),
    shown.faults_total > shown.faults.length && h("p", { class: "note" }, t("page.imports.more_faults", { count: shown.faults.length })),
  ];
}

function good(page, shown, content) {
  const count = shown.items.length;
  const rows = h("div", {});
  const list = (items) =>
    fill(
      rows,
      table({
        rows: items,
        columns: [
          { label: t("page.imports.rows"), cell: (item) => t("page.imports.row", { row: item.rows.join(t("word.comma")) }) },
          ...page.columns.map((column) => ({ ...column, cell: (item) => column.cell(item.meaning) })),
        ],
      }),
      items.length < count &&
        h("p", { class: "foot" }, h("button", { class: "quiet", type: "button", onclick: () => list(shown.items) }, t("page.imports.all", { count }))),
    );
  list(shown.items.slice(0, FIRST));
  const query = `digest=${shown.digest}&ends_at=${encodeURIComponent(shown.ends_at)}`;
  return [
    shown.earlier
      ? h("p", { class: "banner warn" }, t("page.imports.earlier"))
      : h("p", { class: "banner good" }, t("page.imports.good", { count, rows: shown.rows })),
    rows,
    !shown.earlier &&
      h(
        "p",
        { class: "foot" },
        actButton({
          label: t("page.imports.act", { count }),
          confirm: () => ({
            title: t("page.imports.ask", { count }),
            note: t(page.kind === "offers" ? "page.imports.ask_offers" : "page.imports.ask_requests"),
            act: t("page.imports.act", { count }),
          }),
          send: (key) => send("POST", `/imports/${page.kind}?${query}`, content, key),
          done: async ({ made, asked }) => {
            say(t(asked > 0 ? "page.imports.made_and_asked" : "page.imports.made", { made: made - asked, asked }));
            fill(page.found);
            await Promise.all([showPast(page), page.refresh()]);
          },
        }),
      ),
  ];
}

/** The imports of one's firm, each to be taken back as a whole. */
async function showPast(page) {
  const { imports } = await get(`/imports/${page.kind}`);
  fill(
    page.past,
    imports.length > 0 && [
      h("h3", {}, t("page.imports.past")),
      table({
        rows: imports,
        columns: [
          { label: t("word.at"), cell: (one) => instant(one.imported_at) },
          { label: t("page.imports.person"), cell: (one) => one.person },
          { label: t("page.imports.count"), isNumber: true, cell: (one) => one.made },
          { label: t("word.state"), cell: (one) => chip(one.state) },
          { label: "", cell: (one) => one.state === "standing" && takeBack(page, one) },
        ],
      }),
    ],
  );
}

function takeBack(page, { import_id: id, made }) {
  return actButton({
    label: t("page.imports.withdraw"),
    className: "danger",
    confirm: () => ({
      title: t("page.imports.withdraw_ask", { count: made }),
      note: t("page.imports.withdraw_note"),
      act: t("page.imports.withdraw"),
      isDanger: true,
    }),
    send: (key) => send("DELETE", `/imports/${page.kind}/${id}`, undefined, key),
    done: async () => {
      say(t("page.imports.withdrawn"));
      await Promise.all([showPast(page), page.refresh()]);
    },
  });
}
