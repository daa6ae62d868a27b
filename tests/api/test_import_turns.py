"""A firm whose files are being read already is refused another, precisely, and nobody else is."""

from __future__ import annotations

from tests.api.conftest import Served
from tests.api.test_imports import NEED, preview
from tests.api.test_pools import visitors_of


async def test_a_firm_has_only_so_many_files_read_at_once(served: Served) -> None:
    people = await visitors_of(served)
    ann, bob = people["ann"], people["bob"]
    turns = served.context.files

    with turns.taking(ann.organisation_id), turns.taking(ann.organisation_id):
        refused = await preview(ann, "requests", NEED)
        own = await ann.get("/imports/requests/own?format=csv")
        other = await preview(bob, "requests", NEED)
    after = await preview(ann, "requests", NEED)

    assert (refused.status_code, refused.json()["code"]) == (429, "files_too_many")
    assert refused.json()["figures"] == {"of_firm": 2, "of_all": 4, "retry_after_s": 2}
    assert refused.headers["Retry-After"] == "2"
    assert own.status_code == 429
    assert other.json().get("code") != "files_too_many"
    assert after.json().get("code") != "files_too_many"
