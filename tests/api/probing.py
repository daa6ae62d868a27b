"""Requests that Schemathesis makes from the API's own document, and what is wrong with the answers.

It reads the schemas by itself and judges by its own checks, so it shares no mistake with
`tests.api.fuzzing`. It never learns a name, therefore ids that the market tells are put into its
paths. It blocks, so it belongs into a thread or a process.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.core.failures import FailureGroup

NEGATIVE = GenerationMode.NEGATIVE
CHECKED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
TOLD_AT_MOST, WRONG_AT_MOST = 200, 50
_ID = re.compile(r'"([a-z]+_[0-9A-Z]{20,30})"')


def probed(
    document: dict[str, Any], url: str, token: str, count: int, start: int
) -> tuple[Counter[int], list[str]]:
    """Make `count` requests with a token, chosen from the number `start`; return what came."""
    probe = Probe(document, url, token)
    probe.run(count, start)
    return probe.statuses, probe.wrong


@dataclass
class Probe:
    """One role's requests, and what came of them."""

    document: dict[str, Any]
    url: str
    token: str = ""
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def run(self, count: int, start: int) -> None:
        """Make so many requests: two in three as the document has it, the third as it has not."""
        schema = schemathesis.openapi.from_dict(self.document)
        schema.config.update(base_url=f"{self.url}/api/v1")
        asked = schema.exclude(method="DELETE", path="/sessions/current")
        wrong = count // 3
        with requests.Session() as session:
            session.trust_env = False
            self._run(session, asked.as_strategy(), count - wrong, start)
            self._run(session, asked.as_strategy(generation_mode=NEGATIVE), wrong, start)

    def _run(
        self, session: requests.Session, asked: SearchStrategy[Case], count: int, start: int
    ) -> None:
        until = self.statuses.total() + count

        @seed(start)
        @settings(
            max_examples=count,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=asked, pick=st.integers(0, 2**20))
        def ask(case: Case, pick: int) -> None:
            # Where it has no more ideas of one kind it asks some of them again.
            if self.statuses.total() < until:
                self._ask(session, case, pick)

        while self.statuses.total() < until:
            ask()

    def _ask(self, session: requests.Session, case: Case, pick: int) -> None:
        if self.told and pick % 4:
            known = self.told[pick % len(self.told)]
            case.path_parameters = {
                name: known if name.endswith("_id") else value
                for name, value in case.path_parameters.items()
            }
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        answer = case.call(session=session, headers=headers)
        self.statuses[answer.status_code] += 1
        self.told = [*self.told, *_ID.findall(answer.text_lossy())][-TOLD_AT_MOST:]
        try:
            case.validate_response(answer, checks=[CHECKS.get_one(name) for name in CHECKED])
        except FailureGroup as group:
            for fault in group.exceptions:
                said = f"{case.method} {case.formatted_path}: {fault}"
                if len(self.wrong) < WRONG_AT_MOST:
                    self.wrong.append(said[:1000])
