"""Requests and offers from a spreadsheet, with a preview of what the file means."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Annotated, Any, Literal

from pydantic import Field

from aggregator.importing import bringing, previewing, queries, templates
from aggregator.importing.columns import Fault
from aggregator.importing.kinds import Kind
from aggregator.importing.previewing import KINDS, Preview
from aggregator.market import Answer, Outcome
from web.api.demand import RequestMeaning
from web.api.fields import Answers, Instant, Query
from web.api.offers import Break
from web.api.problem import said_of_cell
from web.api.routing import MAX_IMPORT_BYTES, Call, Download, Handler, route
from web.context import context_of

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FILES: dict[str, Any] = {"file_types": (CSV, XLSX), "max_bytes": MAX_IMPORT_BYTES}
MAX_FAULTS = 200
Served = Callable[[Call, Kind], Awaitable[Outcome | Answer | Download]]


def of_each_kind(method: str, path: str, **description: Any) -> Callable[[Served], Served]:
    """Serve `path` below each kind's imports by the decorated handler, as the act by hand."""

    def take(serve: Served) -> Served:
        for kind in KINDS.values():
            handler = _handler(serve, kind)
            route(method, f"/imports/{kind.name}{path}", act=kind.act, **description)(handler)
        return serve

    return take


def _handler(serve: Served, kind: Kind) -> Handler:
    async def handler(call: Call) -> Outcome | Answer | Download:
        return await serve(call, kind)

    handler.__name__ = f"{serve.__name__}_{kind.name}"
    handler.__doc__ = serve.__doc__
    return handler


class FileQuery(Query):
    """As which kind of file."""

    format: templates.Format = "xlsx"


class ImportQuery(Query):
    """What the preview of the same bytes said."""

    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    ends_at: Instant


class OfferMeaning(Answers):
    cell: str
    breaks: list[Break]
    capacity_lots: int
    pack: int
    is_public: bool
    shown_to: list[str]
    from_tier: str | None
    for_kind: str | None
    for_size: str | None
    valid_until: str | None


class ImportItem(Answers):
    """One request or offer, and the rows that it stands in."""

    rows: list[int]
    meaning: RequestMeaning | OfferMeaning


class ImportFault(Answers):
    """A cell at fault, or a whole row where `column` is empty; `text` is for a person."""

    row: int
    column: str
    header: str
    code: str
    rule: str | None
    figure: str | int | None
    text: str


class PreviewAnswer(Answers):
    """What the file would make; at most 200 of its `faults_total` faults are told.

    Without faults it may be imported under `digest` until `ends_at`. `earlier` is the import of
    the same bytes that still stands.
    """

    kind: Literal["requests", "offers"]
    sheet: str
    rows: int
    items: list[ImportItem]
    faults: list[ImportFault]
    faults_total: int
    digest: str | None
    ends_at: str | None
    earlier: str | None


class ImportMade(Answers):
    """How many were made; `asked` of them wait for an approval."""

    import_id: str
    state: str
    made: int
    asked: int


class ImportState(Answers):
    import_id: str
    state: str


class ImportAnswer(Answers):
    import_id: str
    kind: str
    rows: int
    made: int
    state: str
    imported_at: str
    person_id: str
    person: str


class Imports(Answers):
    imports: list[ImportAnswer]


@of_each_kind("GET", "", out=Imports)
async def imports(call: Call, kind: Kind) -> Answer:
    """List the firm's newest imports."""
    return {"imports": await queries.imports(call.actor, kind)}


@of_each_kind("GET", "/template", query=FileQuery, gives=(CSV, XLSX))
async def template(call: Call, kind: Kind) -> Download:
    """Take out an empty table with its headers and an example in the reader's language."""
    content = templates.template(kind, call.language, call.query.format)
    return _file(content, f"{kind.name}-template", call.query)


@of_each_kind("GET", "/own", query=FileQuery, gives=(CSV, XLSX))
async def own(call: Call, kind: Kind) -> Download:
    """Take out the firm's own, drafts or standing offers, as a file to import again."""
    wanted: FileQuery = call.query
    market, language = call.market, call.language
    with _turn(call):
        content = await templates.own_file(market, call.actor, kind, language, wanted.format)
    return _file(content, kind.name, wanted)


@of_each_kind("POST", "/preview", **FILES, out=PreviewAnswer, is_keyed=False)
async def preview(call: Call, kind: Kind) -> Answer:
    """Tell what a file means, cell by cell; nothing is made or kept."""
    with _turn(call):
        found = await previewing.preview(call.market, call.actor, kind, call.file)
    return _shown(kind.name, found, call.language)


@of_each_kind("POST", "", **FILES, query=ImportQuery, out=ImportMade, status=201)
async def bring_in(call: Call, kind: Kind) -> Outcome:
    """Make all that the preview of the same file showed, or nothing."""
    shown: ImportQuery = call.query
    with _turn(call):
        return await bringing.bring_in(
            call.market,
            call.actor,
            call.command,
            kind,
            call.file,
            digest=shown.digest,
            ends_at=shown.ends_at,
        )


@of_each_kind("DELETE", "/{import_id}", out=ImportState)
async def take_back(call: Call, kind: Kind) -> Outcome:
    """Take back all that an import made, while nothing has come of it."""
    import_id = call.path["import_id"]
    return await bringing.withdraw(call.market, call.actor, call.command, kind, import_id)


def _turn(call: Call) -> AbstractContextManager[None]:
    """Take a turn of the firm's to have a file read or written."""
    return context_of(call.request).files.taking(call.actor.organisation_id)


def _shown(kind: str, found: Preview, language: str) -> Answer:
    reading = found.reading
    is_sound = not reading.faults
    return {
        "kind": kind,
        "sheet": reading.sheet,
        "rows": reading.rows,
        "items": [{"rows": item.rows, "meaning": item.meaning} for item in reading.items],
        "faults": [_fault(fault, language) for fault in reading.faults[:MAX_FAULTS]],
        "faults_total": len(reading.faults),
        "digest": found.digest if is_sound else None,
        "ends_at": found.ends_at if is_sound else None,
        "earlier": found.earlier,
    }


def _fault(fault: Fault, language: str) -> Answer:
    return {
        "row": fault.row,
        "column": fault.column,
        "header": fault.header,
        **said_of_cell(fault.refusal, language),
    }


def _file(content: bytes, name: str, asked: FileQuery) -> Download:
    media_type = XLSX if asked.format == "xlsx" else f"{CSV}; charset=utf-8"
    return Download(content, media_type, f"{name}.{asked.format}")
