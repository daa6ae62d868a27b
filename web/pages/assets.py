"""Static files under names that hold their hash, so that a browser may keep them for ever."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from web.locale import LANGUAGES
from web.pages.wording import STATIC, scripts_of, words_of

_FOREVER = "public, max-age=31536000, immutable"
_TYPES = {
    "": "text/plain; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file's bytes, plain and packed, as they are sent."""

    content: bytes
    packed: bytes
    media_type: str


@cache
def assets() -> Mapping[str, Asset]:
    """Return every static file by its path below `/static/<version>/`.

    Raises:
        KeyError: a file of a kind that nobody has decided to serve.

    """
    found = {
        path.relative_to(STATIC).as_posix(): _asset(path)
        for path in sorted(STATIC.rglob("*"))
        if path.is_file()
    }
    for module in sorted((STATIC / "js/pages").glob("*.js")):
        for language in LANGUAGES:
            words = words_of(module.stem, language)
            found[f"words/{language}/{module.stem}.json"] = _packed(words, ".json")
    return found


@cache
def version() -> str:
    """Return a name for this set of files: modules import each other by relative paths."""
    whole = hashlib.sha256()
    for path, asset in assets().items():
        whole.update(path.encode() + b"\0" + hashlib.sha256(asset.content).digest())
    return whole.hexdigest()[:16]


def static_url(path: str) -> str:
    """Return where a static file is served."""
    assert path in assets(), f"there is no static file {path}"
    return f"/static/{version()}/{path}"


def modules_of(page: str) -> Sequence[str]:
    """Return the modules a page needs, so that the browser asks for all of them at once."""
    own = (f"js/pages/{page}.js", f"js/pages/{page}_")
    drawn = [path for path in scripts_of(page) if path.startswith(("js/charts/", "vendor/"))]
    return [*(path for path in assets() if path.startswith(("js/core/", *own))), *drawn]


def sheets_of(page: str) -> Sequence[str]:
    """Return the style sheets of the libraries that a page runs; they come before ours."""
    folders = {path.rpartition("/")[0] for path in scripts_of(page) if path.startswith("vendor/")}
    return [
        path for path in assets() if path.endswith(".css") and path.rpartition("/")[0] in folders
    ]


async def serve_static(request: Request) -> Response:
    """Serve one file; a name from another version gets today's file, for that once."""
    asset = assets().get(request.path_params["path"])
    if asset is None:
        return Response("not found", 404, media_type="text/plain")
    is_current = request.path_params["version"] == version()
    headers = {"Cache-Control": _FOREVER if is_current else "no-cache", "Vary": "Accept-Encoding"}
    content = asset.content
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"], content = "gzip", asset.packed
    return Response(content, headers=headers, media_type=asset.media_type)


def _asset(path: Path) -> Asset:
    return _packed(path.read_bytes(), path.suffix)


def _packed(content: bytes, suffix: str) -> Asset:
    return Asset(content, gzip.compress(content, compresslevel=9, mtime=0), _TYPES[suffix])
