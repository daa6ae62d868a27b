"""Which language a request is answered in: `?lang=`, then the cookie, then the header."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from web.locale import LANGUAGES, preferred

COOKIE = "lang"


def language_of(connection: HTTPConnection) -> str:
    for asked in (connection.query_params.get("lang"), connection.cookies.get(COOKIE)):
        if asked in LANGUAGES:
            return asked
    return preferred(connection.headers.get("accept-language", ""))
