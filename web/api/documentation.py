"""`/api/docs`: the API for people, drawn from the document itself, without outside assets."""

from __future__ import annotations

import json
import re
from html import escape
from typing import Any

from web.api.problem import STATUS
from web.api.routing import PREFIX
from web.locale import keys, words

Document = dict[str, Any]

STYLE = """\
body{font:16px/1.5 system-ui,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif;
margin:0 auto;max-width:64rem;padding:1rem;overflow-wrap:anywhere}
code,pre{font:14px/1.5 ui-monospace,monospace}
pre{overflow:auto;padding:.75rem;border:1px solid #8886;border-radius:.4rem;overflow-wrap:normal}
nav{columns:14rem;line-height:1.8}nav a{display:block}
h2{margin-top:2.5rem}h3{margin:1.8rem 0 .3rem}h4{margin:1rem 0 .3rem}
summary{cursor:pointer;padding:.4rem 0}details>div{padding-left:1.1rem}p:empty{display:none}
b{display:inline-block;min-width:4rem}
table{border-collapse:collapse}td,th{border-bottom:1px solid #8886;padding:.3rem .8rem .3rem 0;
text-align:left;vertical-align:top}
td:not(:last-child){overflow-wrap:normal}
@media (prefers-color-scheme:dark){body{background:#111;color:#eee}a{color:#8bf}}
"""
TITLES = {
    "zh": ("操作", "数据结构", "拒绝", "参数", "示例", "请求", "成功时返回", "所需权限"),
    "en": (
        *("Operations", "Schemas", "Refusals", "Parameters"),
        *("Example", "Body", "Answers", "Needs the right"),
    ),
}
_REF = re.compile("(&quot;#/components/schemas/)([A-Za-z0-9_.-]+)(&quot;)")


def page(document: Document, language: str) -> str:
    """Return the page: every operation with its schema, then every refusal's code and words."""
    operations, schemas, refusals, *_ = TITLES[language]
    tags = _by_tag(document)
    info = document["info"]
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(info['title'])} API</title>"
        '<link rel="stylesheet" href="/api/docs.css"></head><body><main>'
        f"<h1>{escape(info['title'])} API {escape(info['version'])}</h1>"
        f"<p>{escape(info['description'])}</p>"
        f'<p><a href="{PREFIX}/openapi.json">OpenAPI 3.1</a> · '
        f'<a href="{PREFIX}/asyncapi.json">AsyncAPI 3.0</a></p>'
        f"<nav>{''.join(_link(f'tag-{tag}', _title(tag)) for tag in tags)}"
        f"{_link('schemas', schemas)}{_link('refusals', refusals)}</nav>"
        f"<h2>{operations}</h2>{''.join(_section(tag, tags[tag], language) for tag in tags)}"
        f'<h2 id="schemas">{schemas}</h2>{_schemas(document)}'
        f'<h2 id="refusals">{refusals}</h2><table>{_refusals(language)}</table>'
        "</main></body></html>"
    )


def _by_tag(document: Document) -> dict[str, list[tuple[str, str, Document]]]:
    found: dict[str, list[tuple[str, str, Document]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            found.setdefault(operation["tags"][0], []).append((path, method, operation))
    return dict(sorted(found.items()))


def _section(tag: str, operations: list[tuple[str, str, Document]], language: str) -> str:
    shown = "".join(_operation(*operation, language) for operation in operations)
    return f'<section><h3 id="tag-{escape(tag)}">{escape(_title(tag))}</h3>{shown}</section>'


def _title(tag: str) -> str:
    return tag.replace("_", " ")


def _operation(path: str, method: str, operation: Document, language: str) -> str:
    *_, parameters, example, body, answers, act = TITLES[language]
    content = operation.get("requestBody", {}).get("content", {})
    done = {
        status: answer.get("content", {})
        for status, answer in operation["responses"].items()
        if status.startswith("2")
    }
    facts = [
        (act, f"<code>{escape(operation['x-act'])}</code>" if "x-act" in operation else ""),
        (body, _kinds(content)),
        *((f"{answers} {status}", _kinds(given)) for status, given in done.items()),
    ]
    told = "<br>".join(f"{name}: {value}" for name, value in facts if value)
    table = "".join(_parameter(one) for one in operation.get("parameters", []))
    return (
        f"<details><summary><code><b>{method.upper()}</b> {PREFIX}{escape(path)}</code> "
        f"{escape(operation['summary'])}</summary>"
        f'<div id="{escape(operation["operationId"])}">'
        f"<p>{escape(operation.get('description', ''))}</p><p>{told}</p>"
        + (f"<h4>{parameters}</h4><table>{table}</table>" if table else "")
        + f"<h4>{example}</h4><pre>{escape(_called(path, method, operation))}</pre></div></details>"
    )


def _kinds(content: Document) -> str:
    return ", ".join(_kind(media, told.get("schema", {})) for media, told in content.items())


def _kind(media: str, schema: Document) -> str:
    name = schema.get("$ref", "").rpartition("/")[2]
    link = f'<a href="#schema-{escape(name)}">{escape(name)}</a> ' if name else ""
    return f"{link}<code>{escape(media)}</code>"


def _parameter(told: Document) -> str:
    star = "*" if told.get("required") else ""
    schema = json.dumps(told.get("schema", {}), ensure_ascii=False)
    return (
        f"<tr><td><code>{escape(told['name'])}</code>{star}</td><td>{escape(told['in'])}</td>"
        f"<td>{escape(told.get('description', ''))} <code>{escape(schema)}</code></td></tr>"
    )


def _called(path: str, method: str, operation: Document) -> str:
    """Return the operation as a line of curl, with the example that the document has."""
    words = [f"curl -X {method.upper()} '{{address}}{PREFIX}{path}'"]
    if operation.get("security"):
        words.append("-H 'Authorization: Bearer {token}'")
    if any(one["name"] == "Idempotency-Key" for one in operation.get("parameters", [])):
        words.append("-H 'Idempotency-Key: my-own-id-1'")
    for media, told in operation.get("requestBody", {}).get("content", {}).items():
        said = told.get("example")
        given = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
        words += [f"-H 'Content-Type: {media}'", f"-d '{given}'" if said else "--data-binary @file"]
        break
    return " \\\n  ".join(words)


def _schemas(document: Document) -> str:
    return "".join(
        f"<details><summary><code>{escape(name)}</code></summary>"
        f'<div id="schema-{escape(name)}">{_json(schema)}</div></details>'
        for name, schema in sorted(document["components"]["schemas"].items())
    )


def _link(target: str, text: str) -> str:
    return f'<a href="#{escape(target)}">{escape(text)}</a>'


def _refusals(language: str) -> str:
    codes = sorted(key.removeprefix("error.") for key in keys(language) if key.startswith("error."))
    return "".join(
        f'<tr id="error-{escape(code)}"><td><code>{escape(code)}</code></td>'
        f"<td>{STATUS.get(code, 422)}</td>"
        f"<td>{escape(words(language, f'error.{code}') or '')}</td></tr>"
        for code in codes
    )


def _json(value: Document) -> str:
    text = escape(json.dumps(value, ensure_ascii=False, indent=2))
    return f"<pre>{_REF.sub(_linked, text)}</pre>"


def _linked(found: re.Match[str]) -> str:
    before, name, after = found.groups()
    return f'<a href="#schema-{name}">{before}{name}{after}</a>'
