"""`/api/docs`: the API for people, drawn from the document itself, without outside assets."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from web.api.problem import STATUS
from web.api.routing import PREFIX
from web.locale import keys, words

Document = dict[str, Any]

STYLE = """\
body{font:16px/1.5 system-ui,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif;
margin:0 auto;max-width:60rem;padding:1rem}
code,pre{font:14px/1.5 ui-monospace,monospace}
pre{overflow:auto;padding:.75rem;border:1px solid #8886;border-radius:.4rem}
summary{cursor:pointer;padding:.4rem 0}
table{border-collapse:collapse}td,th{border-bottom:1px solid #8886;padding:.3rem .8rem .3rem 0;
text-align:left;vertical-align:top}
@media (prefers-color-scheme:dark){body{background:#111;color:#eee}a{color:#8bf}}
"""


def page(document: Document, language: str) -> str:
    """Return the page: every operation with its schema, then every refusal's code and words."""
    operations = "\n".join(
        _operation(path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    )
    schemas = "\n".join(
        f'<details id="schema-{escape(name)}"><summary><code>{escape(name)}</code></summary>'
        f"{_json(schema)}</details>"
        for name, schema in sorted(document["components"]["schemas"].items())
    )
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(document['info']['title'])} API</title>"
        '<link rel="stylesheet" href="/api/docs.css"></head><body>'
        f"<h1>{escape(document['info']['title'])} API {escape(document['info']['version'])}</h1>"
        f"<p>{escape(document['info']['description'])}</p>"
        f'<p><a href="{PREFIX}/openapi.json">OpenAPI 3.1</a> · '
        f'<a href="{PREFIX}/asyncapi.json">AsyncAPI 3.0</a></p>'
        f"<h2>Operations</h2>{operations}<h2>Schemas</h2>{schemas}"
        f"<h2>Refusals</h2><table><tr><th>code</th><th>status</th><th></th></tr>"
        f"{_refusals(language)}</table></body></html>"
    )


def _operation(path: str, method: str, operation: Document) -> str:
    shown = {
        name: operation[name]
        for name in ("parameters", "requestBody", "responses", "x-act", "security")
        if operation.get(name)
    }
    return (
        f'<details id="{escape(operation["operationId"])}"><summary>'
        f"<code>{method.upper()} {PREFIX}{escape(path)}</code> "
        f"{escape(operation['summary'])}</summary>"
        f"<p>{escape(operation.get('description', ''))}</p>{_json(shown)}</details>"
    )


def _refusals(language: str) -> str:
    codes = sorted(key.removeprefix("error.") for key in keys(language) if key.startswith("error."))
    return "".join(
        f'<tr id="error-{escape(code)}"><td><code>{escape(code)}</code></td>'
        f"<td>{STATUS.get(code, 422)}</td>"
        f"<td>{escape(words(language, f'error.{code}') or '')}</td></tr>"
        for code in codes
    )


def _json(value: Document) -> str:
    return f"<pre>{escape(json.dumps(value, ensure_ascii=False, indent=2))}</pre>"
