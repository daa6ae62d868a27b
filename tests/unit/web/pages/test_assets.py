"""Static files: named by their content, packed once, and complete."""

from __future__ import annotations

import gzip
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from web.locale import keys
from web.pages.assets import (
    STATIC,
    assets,
    modules_of,
    serve_static,
    sheets_of,
    static_url,
    version,
)
from web.pages.routes import PAGES, SECTIONS

SCRIPTS = sorted(path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*.js"))
# The pages with charts: no other carries the library that draws them.
DRAWING = ("prices", "strips")
_IMPORT = re.compile(r'(?:from|import\()\s*["`](\.[^"`$]+)["`]')
_WORD = re.compile(r'"((?:page|word|rule)\.[a-z_]+(?:\.[a-z_]+)*)"')
_WORD_OF = re.compile(r"`((?:page|word|notice|rule|state)\.[a-z_.]*)\$\{")
_WORDED = re.compile(r'worded\("([a-z_.]+)"')


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=[Route("/static/{version}/{path:path}", serve_static)])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://market") as found:
        yield found


async def test_a_file_of_this_version_may_be_kept_for_ever(client: httpx.AsyncClient) -> None:
    answer = await client.get(static_url("css/base.css"))

    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert answer.content == (STATIC / "css/base.css").read_bytes()


async def test_a_name_of_another_version_is_served_for_that_once(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/static/{'0' * 16}/js/start.js")

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["js/absent.js", "../locale/zh.json", "%2e%2e/pages/routes.py"])
async def test_nothing_else_is_served(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(f"/static/{version()}/{path}")).status_code == 404


async def test_what_is_packed_is_the_file(client: httpx.AsyncClient) -> None:
    headers = {"accept-encoding": "gzip"}
    async with client.stream("GET", static_url("js/start.js"), headers=headers) as answer:
        packed = b"".join([chunk async for chunk in answer.aiter_raw()])
        assert answer.headers["content-encoding"] == "gzip"

    assert gzip.decompress(packed) == (STATIC / "js/start.js").read_bytes()


def test_every_page_is_light() -> None:
    drawing = {path for path in assets() if path.startswith("vendor/uplot/")}
    for page in PAGES:
        sheets = [path for path in assets() if path.startswith("css/")]
        paths = {*modules_of(page.name), *sheets_of(page.name), *sheets}
        paths |= {"js/start.js", f"words/zh/{page.name}.json"}
        draws = bool(paths & drawing)
        assert draws == (page.name in DRAWING), page.name
        most = 105_000 if draws else 60_000
        assert sum(len(assets()[path].packed) for path in paths) < most, page.name


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_module_that_is_imported_exists(script: str) -> None:
    folder = (STATIC / script).parent
    for found in _IMPORT.findall((STATIC / script).read_text()):
        assert (folder / found).is_file(), found


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_word_that_a_script_says_is_known(script: str) -> None:
    text, known = (STATIC / script).read_text(), sorted(keys("zh"))

    said = {key for key in _WORD.findall(text) if f'worded("{key}"' not in text}
    prefixes = {*_WORD_OF.findall(text), *(f"{name}." for name in _WORDED.findall(text))}
    assert said <= set(known)
    assert [p for p in prefixes if not any(name.startswith(p) for name in known)] == []


@pytest.mark.parametrize("script", SCRIPTS)
def test_nothing_is_said_while_a_module_loads(script: str) -> None:
    # Words come beside the modules; whoever says one too early shows its key.
    text = (STATIC / script).read_text()
    constants = re.findall(r"^(?:export )?const \w+ = .*?;$", text, re.DOTALL | re.MULTILINE)
    early = [
        line.strip()
        for constant in constants
        for line in constant.splitlines()
        if re.search(r"(?<![\w.])(?:t|worded)\(", line.partition("=>")[0])
    ]

    assert early == []


def test_no_word_is_left_that_nothing_says() -> None:
    said = "".join((STATIC / script).read_text() for script in SCRIPTS)
    said += (STATIC.parent / "templates/page.html").read_text()
    prefixes = tuple({*_WORD_OF.findall(said), *(f"{name}." for name in _WORDED.findall(said))})
    titles = {f"page.{page.name}.title" for page in PAGES}
    ours = {key for key in keys("zh") if key.startswith(("page.", "word."))} - titles

    assert [key for key in sorted(ours) if not key.startswith(prefixes) and key not in said] == []


def test_every_page_has_a_module_and_a_title_and_every_section_a_page() -> None:
    paths = {page.path for page in PAGES}

    for page in PAGES:
        assert f"js/pages/{page.name}.js" in assets()
        assert f"page.{page.name}.title" in keys("zh")
    assert {section.path for section in SECTIONS} <= paths
