"""Which page stands at which path. A page is a shell; its data comes from the API and feed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from aggregator.market import Actor
from aggregator.parties import queries
from aggregator.parties.queries import OrganisationView
from web.auth.viewing import viewer_of
from web.context import context_of
from web.language import COOKIE, language_of
from web.locale import LANGUAGES, words
from web.pages.assets import modules_of, serve_static, sheets_of, static_url

A_YEAR_S = 31_536_000


@dataclass(frozen=True, slots=True)
class Page:
    """One screen: its path, its module below `static/js/pages`, and whether it needs a session."""

    path: str
    name: str
    is_private: bool = False

    @property
    def section(self) -> str:
        """The entry of the menu that the page belongs to."""
        return "/" if self.name == "prices" else self.path.split("/{")[0]


@dataclass(frozen=True, slots=True)
class Section:
    """An entry of the menu, shown to everybody or to those who hold `act`."""

    path: str
    name: str
    act: str | None = None


PAGES = (
    Page("/", "board"),
    Page("/prices/{instrument}/{region}/{tenor}", "prices"),
    Page("/login", "login"),
    Page("/join", "join"),
    Page("/recover", "recover"),
    Page("/account", "account", is_private=True),
    Page("/people", "people", is_private=True),
    Page("/record", "record", is_private=True),
    Page("/reports", "reports", is_private=True),
    Page("/standing", "standing", is_private=True),
    Page("/pools", "pools"),
    Page("/pools/{pool_id}", "pool"),
    Page("/requests", "requests", is_private=True),
    Page("/offers", "offers", is_private=True),
    Page("/auctions", "auctions"),
    Page("/auctions/{auction_id}", "auction"),
    Page("/strips", "strips"),
    Page("/strips/{strip_id}", "strip"),
    Page("/contracts", "contracts", is_private=True),
    Page("/contracts/{contract_id}", "contract", is_private=True),
    Page("/deals", "deals", is_private=True),
    Page("/deals/{deal_id}", "deal", is_private=True),
    Page("/money", "money", is_private=True),
    Page("/approvals", "approvals", is_private=True),
    Page("/mandates", "mandates", is_private=True),
    Page("/notices", "notices", is_private=True),
    Page("/desk", "desk", is_private=True),
)

SECTIONS = (
    Section("/", "board"),
    Section("/pools", "pools"),
    Section("/requests", "requests", "demand.read"),
    Section("/offers", "offers", "supply.read"),
    Section("/auctions", "auctions"),
    Section("/strips", "strips"),
    Section("/contracts", "contracts", "forwards.contracts"),
    Section("/deals", "deals", "deals.read"),
    Section("/money", "money", "ledger.read"),
    Section("/people", "people", "people.manage"),
    Section("/approvals", "approvals", "approvals.read"),
    Section("/desk", "desk", "settlement.import"),
)

_TEMPLATES = Environment(
    loader=PackageLoader("web", "templates"),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def routes() -> list[BaseRoute]:
    """Return the routes of every page and static file."""
    return [
        *(Route(page.path, _served(page), methods=["GET"]) for page in PAGES),
        Route("/static/{version}/{path:path}", serve_static, methods=["GET"]),
        Route("/favicon.ico", _favicon, methods=["GET"]),
    ]


def _served(page: Page) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        viewer = await viewer_of(request)
        if page.is_private and viewer is None:
            return RedirectResponse(f"/login?next={quote(request.url.path)}", 303)
        return await _rendered(request, page, viewer)

    return serve


async def _rendered(request: Request, page: Page, viewer: Actor | None) -> Response:
    language = language_of(request)

    def t(key: str) -> str:
        return words(language, key) or key

    acts = viewer.grants if viewer else frozenset()
    firm = await queries.organisation(viewer.organisation_id) if viewer else None
    content = _TEMPLATES.get_template("page.html").render(
        page=page,
        t=t,
        language=language,
        other=next(name for name in LANGUAGES if name != language),
        path=request.url.path,
        static=static_url,
        modules=modules_of(page.name),
        sheets=sheets_of(page.name),
        sections=[(s.path, s.name) for s in SECTIONS if s.act is None or s.act in acts],
        parameters=request.path_params,
        firm=_named(firm, language),
        region=firm.region if firm else "",
        roles=sorted(viewer.roles) if viewer else [],
        acts=sorted(acts),
        person_id=viewer.person_id if viewer else "",
        organisation_id=viewer.organisation_id if viewer else "",
        has_guide=context_of(request).has_guide,
    )
    answer = HTMLResponse(content, headers={"Vary": "Cookie, Accept-Language"})
    if request.query_params.get("lang") in LANGUAGES:
        answer.set_cookie(COOKIE, language, max_age=A_YEAR_S, samesite="lax")
    return answer


def _named(firm: OrganisationView | None, language: str) -> str | None:
    if firm is None:
        return None
    return firm.name if language == "zh" or not firm.name_en else firm.name_en


async def _favicon(_: Request) -> Response:
    return RedirectResponse(static_url("img/mark.svg"), 308)
