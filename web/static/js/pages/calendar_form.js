/** The desk's form for a trading calendar: the days of a year that break the rule of the week. */

import { get, send } from "../core/api.js";
import { regionOptions } from "../core/catalogue.js";
import { now } from "../core/clock.js";
import { fill, h, say } from "../core/dom.js";
import { form } from "../core/forms.js";
import { t } from "../core/words.js";

const LINE = /^(\d{4}-\d{2}-\d{2}),(open|closed),([^,]+),([^,]+)$/;

/** Return the form, with what is declared already for the chosen region. */
export function calendarForm() {
  const known = h("p", { class: "note" });
  const thisYear = new Date(now()).getUTCFullYear();
  const years = [0, 1, 2].map((ahead) => String(thisYear + ahead));
  let declared = [];
  let chosen = "";

  const made = form({
    isWide: true,
    fields: [
      { name: "region", label: t("word.region"), type: "select", options: regionOptions() },
      {
        name: "year",
        label: t("page.desk.calendar_year"),
        type: "select",
        options: years.map((year) => [year, year]),
        value: years[1],
      },
      {
        name: "status",
        label: t("page.desk.calendar_status"),
        type: "select",
        options: ["official", "provisional"].map((one) => [one, t(`page.desk.calendar_${one}`)]),
      },
      daysField(),
    ],
    act: t("page.desk.calendar_publish"),
    confirm: ({ region, year, days }) => ({
      title: t("page.desk.calendar_ask"),
      lines: [
        [t("word.region"), region],
        [t("page.desk.calendar_year"), year],
        [t("page.desk.calendar_days"), String(days.length)],
      ],
      act: t("page.desk.calendar_publish"),
    }),
    send: ({ region, year, ...body }, key) => send("PUT", `/calendars/${region}/${year}`, body, key),
    done: async (_, { region, year }) => {
      say(t("page.desk.calendar_done", { year }));
      chosen = "";
      await look({ region, year });
    },
    onchange: (values) => look(values),
  });

  async function look({ region, year }) {
    if (region && region !== chosen.split("/")[0]) {
      // A region without a calendar is no error: there is none yet.
      declared = await get(`/calendars/${region}`).then(
        (found) => found.years,
        () => [],
      );
    }
    if (`${region}/${year}` === chosen) return;
    chosen = `${region}/${year}`;
    const listed = declared.map((one) => `${one.year} (${t(`page.desk.calendar_${one.status}`)})`).join(t("word.comma"));
    fill(known, listed ? t("page.desk.calendar_known", { years: listed }) : t("page.desk.calendar_none"));
    const found = declared.find((one) => String(one.year) === year);
    if (found) made.set("days", found.days.map(lineOf).join("\n"));
  }

  const region = regionOptions()[0]?.[0];
  if (region) look({ region, year: years[1] });
  return [h("p", { class: "note" }, t("page.desk.calendar_note")), known, made];
}

function lineOf(day) {
  return [day.day, day.is_open ? "open" : "closed", day.name_zh, day.name_en].join(",");
}

/** A text field whose value is the list of days in its lines. */
function daysField() {
  const input = h("textarea", { id: "calendar-days", name: "days", rows: 8, class: "mono", autocomplete: "off" });
  const wrong = h("span", { class: "wrong", role: "alert" });
  return {
    name: "days",
    element: h(
      "div",
      { class: "field broad" },
      h("label", { for: "calendar-days" }, t("page.desk.calendar_days")),
      input,
      h("span", { class: "hint" }, t("page.desk.calendar_hint")),
      wrong,
    ),
    focus: () => input.focus(),
    set: (text) => {
      input.value = text;
    },
    reset: () => {
      input.value = "";
    },
    read() {
      const lines = input.value.split("\n").map((line) => line.trim());
      const days = [];
      for (const [at, line] of lines.entries()) {
        if (line === "") continue;
        const [, day, state, zh, en] = LINE.exec(line) ?? [];
        if (!day) return { wrong: t("page.desk.calendar_wrong", { row: at + 1 }) };
        days.push({ day, is_open: state === "open", name_zh: zh.trim(), name_en: en.trim() });
      }
      return { value: days };
    },
    problem(_, text) {
      wrong.textContent = text;
      input.setAttribute("aria-invalid", text ? "true" : "false");
    },
  };
}
