"""Expected failures as RFC 9457 problem documents, in the language asked for.

A problem names the stable `code`, the field's JSON `pointer`, the `rule` and the `figure`
where there is one field at fault, and the `figures` of the refusal. Nothing of an unexpected
failure is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

import orjson
from starlette.responses import Response

from aggregator.amounts import CURRENCY, decimal_text
from aggregator.errors import Conflict, InvalidField, MarketError, RecordedRefusal, WrongState
from aggregator.refusals import plain_figures, refusal_code
from matching.errors import RuleViolation
from web.api.amounts import Json, public
from web.locale import words
from web.locale.rules import is_amount, rule_words

REFUSED_BY_RULE = 422
MEDIA_TYPE = "application/problem+json"

# What is not listed here is a rule of the market that says no: 422.
STATUS: Mapping[str, int] = {
    "approval_not_open": 409,
    "body_too_large": 413,
    "body_too_slow": 408,
    "code_needed": 401,
    "conflict": 409,
    "disk_full": 503,
    "files_too_many": 429,
    "header_invalid": 400,
    "header_missing": 400,
    "internal": 500,
    "key_lost": 503,
    "malformed": 400,
    "media_type": 415,
    "method_not_allowed": 405,
    "not_allowed": 403,
    "not_found": 404,
    "not_signed_in": 401,
    "origin_refused": 403,
    "outcome_unknown": 503,
    "own_act": 403,
    "rate_limited": 429,
    "same_person": 403,
    "term_over": 409,
    "terms_differ": 409,
    "try_again": 503,
    "wrong_code": 401,
    "wrong_passkey": 401,
    "wrong_password": 401,
    "wrong_state": 409,
}

Refusal = RuleViolation | MarketError


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One field at fault: where it is, which rule it breaks, and the rule's figure."""

    pointer: str
    rule: str
    figure: str | int | None = None


@dataclass
class InvalidFields(MarketError):
    """Several fields at fault at once, in the order of the document."""

    code = "invalid_field"
    faults: Sequence[FieldFault]


@dataclass
class HeaderMissing(MarketError):
    code = "header_missing"
    header: str


@dataclass
class HeaderInvalid(MarketError):
    code = "header_invalid"
    header: str
    rule: str


@dataclass
class BodyTooLarge(MarketError):
    code = "body_too_large"
    max_bytes: int


@dataclass
class BodyTooSlow(MarketError):
    code = "body_too_slow"
    max_s: int


@dataclass
class MediaType(MarketError):
    code = "media_type"
    expected: str


@dataclass
class MethodNotAllowed(MarketError):
    code = "method_not_allowed"
    allowed: str


class Internal(MarketError):
    """Our fault. The log knows more; the client only learns the request's name."""

    code = "internal"


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal as it goes out, over HTTP and over the feed."""

    code: str
    status: int
    title: str
    detail: str
    figures: dict[str, Json] = field(default_factory=dict)
    faults: Sequence[FieldFault] = ()

    def document(self, request_id: str | None = None) -> dict[str, Json]:
        found: dict[str, Json] = {
            "type": f"/api/docs#error-{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        }
        if self.faults:
            found |= _shown(self.faults[0])
            if len(self.faults) > 1:
                found["errors"] = [dict(_shown(fault)) for fault in self.faults]
        if self.figures:
            found["figures"] = self.figures
        if request_id is not None:
            found["request"] = request_id
        return found


def described(error: Refusal, language: str) -> Problem:
    """Return the problem that `error` is, in words of `language`."""
    code = refusal_code(error)
    status = STATUS.get(code, REFUSED_BY_RULE)
    faults = _faults(error)
    figures = public({} if faults else plain_figures(error))
    assert isinstance(figures, dict)
    return Problem(
        code=code,
        status=status,
        title=words(language, f"status.{status}") or HTTPStatus(status).phrase,
        detail=_detail(code, figures, faults, language),
        figures=figures,
        faults=faults,
    )


def said_of_cell(error: Refusal, language: str) -> dict[str, Json]:
    """Return what is wrong with a cell that is named beside it: code, rule, figure and words."""
    problem = described(error, language)
    if not problem.faults:
        return {"code": problem.code, "rule": None, "figure": None, "text": problem.detail}
    fault = problem.faults[0]
    shown = _shown(fault)
    text = _rule_said(fault, language)
    return {"code": problem.code, "rule": shown["rule"], "figure": shown["figure"], "text": text}


def answer(
    error: Refusal,
    language: str,
    *,
    request_id: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the problem document with the headers its status asks for."""
    problem = described(error, language)
    sent = {"Content-Language": language, **(headers or {})}
    retry_after_s = problem.figures.get("retry_after_s")
    if retry_after_s is not None:
        sent["Retry-After"] = str(retry_after_s)
    if problem.status == 401:
        sent["WWW-Authenticate"] = "Bearer"
    if isinstance(error, MethodNotAllowed):
        sent["Allow"] = error.allowed
    if isinstance(error, RecordedRefusal):
        sent["Idempotent-Replayed"] = "true"
    return Response(
        orjson.dumps(problem.document(request_id)), problem.status, sent, media_type=MEDIA_TYPE
    )


def _faults(error: Refusal) -> Sequence[FieldFault]:
    if isinstance(error, InvalidFields):
        return error.faults
    if isinstance(error, InvalidField):
        return [FieldFault(error.pointer, error.rule, error.figure)]
    if isinstance(error, RecordedRefusal) and error.refusal_code == InvalidField.code:
        known = error.figures()
        figure = known.get("figure")
        shown = figure if isinstance(figure, str | int) else None
        return [FieldFault(str(known.get("pointer", "")), str(known.get("rule", "")), shown)]
    return ()


def _shown(fault: FieldFault) -> dict[str, Json]:
    """Return a fault as it goes out: an amount as a decimal with its currency."""
    figure: Json = fault.figure
    if isinstance(figure, int) and is_amount(fault.rule, fault.pointer):
        figure = f"{decimal_text(figure)} {CURRENCY}"
    rule = rule_words("en", fault.rule, fault.pointer) or fault.rule
    return {"pointer": fault.pointer, "rule": rule, "figure": figure}


def _named(figures: Mapping[str, object], language: str) -> dict[str, object]:
    """Return why something conflicts and which states are meant, as a person says it."""
    found: dict[str, object] = {}
    if "reason" in figures:
        reason = figures["reason"]
        found["reason"] = words(language, f"reason.{reason}") or reason
    for name in ("state", "allowed"):
        if name in figures:
            states = str(figures[name]).split(", ")
            found[name] = ", ".join(words(language, f"state.{one}") or one for one in states)
    return found


def _detail(
    code: str, figures: Mapping[str, object], faults: Sequence[FieldFault], language: str
) -> str:
    if not faults:
        rule = figures.get("rule")
        named = {**figures, "rule": words(language, f"rule.{rule}") or rule}
        if code in (Conflict.code, WrongState.code):
            named |= _named(figures, language)
        return words(language, f"error.{code}", named) or code
    first = faults[0]
    rule = _rule_said(first, language)
    named = {"pointer": first.pointer or "/", "rule": rule}
    return words(language, f"error.{code}", named) or f"{first.pointer}: {rule}"


def _rule_said(fault: FieldFault, language: str) -> str:
    shown = {"figure": "" if fault.figure is None else fault.figure}
    said = words(language, f"rule.{fault.rule}", shown)
    return said or rule_words(language, fault.rule, fault.pointer) or fault.rule
