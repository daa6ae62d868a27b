"""Requests made from the API's own document: mostly right, and wrong in every way it names.

Every choice comes from one seeded source. Names that the market has told are used again, so
that requests reach real pools, auctions and deals and not only their absence.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx
from jsonschema import Draft202012Validator

Schema = dict[str, Any]

TEXTS = (
    "", " ", "a", "糖", "\u0000", "\u202e", "'; drop table auction; --", "../../etc", "%00", "null",
    "SUGAR-W1", "GX", "CN", "SUGAR-W1/GX/2027-03", "2027-03", "2027-13", "2026-02-30", "CNY",
    "5000.00", "-1.00", "0.00", "0.001", "1e9", "99999999999999999999.00", "NaN", "٣.٠٠",
    "2027-01-05T01:00:00Z", "2027-01-05T09:00:00+08:00", "2027-01-05", "0000-00-00T00:00:00Z",
    "9999-12-31T23:59:59Z", "buy", "sell", "english", "sealed", "x" * 300, "x" * 20_000,
)  # fmt: skip
NUMBERS = (0, 1, -1, 2, 10, 100, 5_000, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63) - 1, 10**30)
LIKELY = {
    "cell": "SUGAR-W1/GX/2027-03", "instrument": "SUGAR-W1", "instrument_id": "SUGAR-W1",
    "region": "GX", "tenor": "2027-03", "tenors": ["2027-03", "2027-04"], "currency": "CNY",
    "from": "2027-03", "until": "2027-06", "lots": 100, "price": "5000.00", "limit": "5200.00",
}  # fmt: skip
"""What fields of these names mean in the market that is asked."""
ODD: tuple[Any, ...] = (None, True, "x", 7, 1.5, [], {}, [[]], {"x": {"y": []}})
TOLD_AT_MOST = 200


@dataclass
class Fuzz:
    """A source of requests, and what came of them."""

    document: Schema
    chance: random.Random
    told: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._validators: dict[str, Draft202012Validator] = {}
        self._operations = [
            (method.upper(), path, operation)
            for path, methods in sorted(self.document["paths"].items())
            for method, operation in sorted(methods.items())
            if (method, path) != ("delete", "/sessions/current")
        ]

    async def ask(self, client: httpx.AsyncClient, token: str) -> int:
        """Make one request as the holder of `token`, judge the answer and return its status."""
        method, path, operation = self.chance.choice(self._operations)
        request = client.build_request(
            method,
            "/api/v1" + self._path(path),
            params=list(self._query(operation)),
            headers=dict(self._headers(operation, token)),
            content=self._content(operation),
        )
        answer = await client.send(request)
        self.statuses[answer.status_code] += 1
        for fault in self._faults(operation, answer):
            sent = request.content[:300].decode(errors="replace")
            self.wrong.append(f"{method} {request.url.raw_path.decode()[:200]} {sent}: {fault}")
        return answer.status_code

    def _faults(self, operation: Schema, answer: httpx.Response) -> Iterator[str]:
        if answer.status_code >= 500:
            yield f"{answer.status_code} {answer.text[:300]}"
            return
        if answer.status_code >= 400:
            yield from self._against({"$ref": "#/components/schemas/Problem"}, answer)
            if answer.headers.get("content-type") != "application/problem+json":
                yield f"a refusal of type {answer.headers.get('content-type')}"
            if answer.status_code == 429 and "retry-after" not in answer.headers:
                yield "429 without Retry-After"
            return
        described = operation["responses"].get(str(answer.status_code))
        if described is None:
            yield f"status {answer.status_code} is not in the document"
            return
        content = described.get("content", {})
        given = answer.headers.get("content-type", "").partition(";")[0]
        if bool(given) is not bool(content) or (given and given not in content):
            yield f"{given or 'nothing'} was given and {sorted(content)} are in the document"
        elif given == "application/json":
            yield from self._against(content[given]["schema"], answer)
            self._listen(answer.json())

    def _against(self, schema: Schema, answer: httpx.Response) -> Iterator[str]:
        key = json.dumps(schema)
        validator = self._validators.get(key)
        if validator is None:
            whole = {**schema, "components": self.document["components"]}
            validator = self._validators[key] = Draft202012Validator(whole)
        for error in validator.iter_errors(answer.json()):
            yield f"{answer.status_code} {error.json_path}: {error.message[:200]}"

    def _listen(self, said: Any) -> None:
        """Keep the ids that an answer tells."""
        for member in said.values() if isinstance(said, dict) else said:
            if isinstance(member, dict | list):
                self._listen(member)
            elif isinstance(member, str) and "_" in member and len(member) < 60:
                self.told.append(member)
        del self.told[:-TOLD_AT_MOST]

    def _path(self, path: str) -> str:
        parts = path.split("/")
        found = [quote(self._name(), safe="") if part[:1] == "{" else part for part in parts]
        return "/".join(found)

    def _name(self) -> str:
        if self.told and self.chance.random() < 0.8:
            return self.chance.choice(self.told)
        return self.chance.choice([text for text in TEXTS if 0 < len(text) < 1000])

    def _query(self, operation: Schema) -> Iterator[tuple[str, str]]:
        for parameter in operation["parameters"]:
            if parameter["in"] == "query" and self.chance.random() < 0.6:
                yield parameter["name"], str(self._value(parameter["schema"]))
        if self.chance.random() < 0.03:
            yield "unknown", self.chance.choice(TEXTS[:30])

    def _headers(self, operation: Schema, token: str) -> Iterator[tuple[str, str]]:
        if token:
            yield "Authorization", f"Bearer {token}"
        yield "Accept-Language", self.chance.choice(("zh", "en", "fr", "*", "zh;q=x"))
        is_keyed = any(one["name"] == "Idempotency-Key" for one in operation["parameters"])
        if is_keyed and self.chance.random() < 0.97:
            yield "Idempotency-Key", f"fuzz-{self.chance.getrandbits(40 if self.told else 4)}"
        if "requestBody" in operation and self.chance.random() < 0.97:
            yield "Content-Type", self.chance.choice(sorted(operation["requestBody"]["content"]))

    def _content(self, operation: Schema) -> bytes | None:
        taken = operation.get("requestBody", {}).get("content", {})
        if not taken or self.chance.random() < 0.02:
            return None
        if "application/json" not in taken or self.chance.random() < 0.03:
            return self.chance.choice(TEXTS).encode(errors="replace")
        value = self._value(taken["application/json"]["schema"])
        return json.dumps(value, ensure_ascii=False).encode()

    def _value(self, schema: Schema, depth: int = 0) -> Any:
        """Return a value that the schema allows, or now and then one that it does not."""
        if self.chance.random() < 0.02:
            return self.chance.choice(ODD)
        if "$ref" in schema:
            return self._value(self.document["components"]["schemas"][_last(schema["$ref"])], depth)
        for choice in ("anyOf", "oneOf"):
            if choice in schema:
                return self._value(self.chance.choice(schema[choice]), depth)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.chance.choice(schema["enum"])
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = self.chance.choice(kind)
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            most = 0 if depth > 6 else self.chance.randint(schema.get("minItems", 0), 3)
            return [self._value(schema.get("items", {}), depth + 1) for _ in range(most)]
        if kind == "integer":
            return self._integer(schema)
        if kind == "boolean":
            return self.chance.random() < 0.5
        return None if kind == "null" else self._text(schema)

    def _object(self, schema: Schema, depth: int) -> Schema:
        needed, found = schema.get("required", []), {}
        for name, member in schema.get("properties", {}).items():
            if self.chance.random() < (0.97 if name in needed else 0.5):
                is_likely = name in LIKELY and self.chance.random() < 0.7
                found[name] = LIKELY[name] if is_likely else self._value(member, depth + 1)
        if isinstance(schema.get("additionalProperties"), dict):
            found[self._name()] = self._value(schema["additionalProperties"], depth + 1)
        if self.chance.random() < 0.02:
            found["unknown"] = self.chance.choice(ODD)
        return found

    def _integer(self, schema: Schema) -> int:
        if self.chance.random() < 0.1:
            return self.chance.choice(NUMBERS)
        least = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
        most = schema.get("maximum", schema.get("exclusiveMaximum", least + 1001) - 1)
        return self.chance.randint(least, max(least, min(most, least + 1000)))

    def _text(self, schema: Schema) -> str:
        if self.chance.random() < 0.3:
            return self.chance.choice(TEXTS)
        pattern = schema.get("pattern", "")
        if "\\." in pattern:
            return f"{self.chance.randint(0, 9000)}.{self.chance.randint(0, 99):02}"
        if schema.get("format") == "date-time":
            return f"2027-01-{self.chance.randint(1, 28):02}T0{self.chance.randint(0, 9)}:00:00Z"
        if schema.get("format") == "date":
            return f"2027-01-{self.chance.randint(1, 28):02}"
        return self._name()


def _last(ref: str) -> str:
    return ref.rpartition("/")[2]
