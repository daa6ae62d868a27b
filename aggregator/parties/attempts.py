"""What a firm's people tried and were refused at the door, before it was an act of anybody's.

An act that is refused on its way stands in the trail under its command. What never comes so far,
for want of a role, of a thing or of a form, is noted here: once an hour by person, act and code, so
that nobody fills the market's tables by asking again. Where the database can take no note, the log
has it, and who asked is refused all the same.
"""

from __future__ import annotations

import structlog

from aggregator.errors import DiskFull, TryAgain
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Market
from aggregator.parties.permissions import ACTS
from aggregator.refusals import Refusal, refusal_code

log = structlog.get_logger("parties")

NOTED = frozenset({"invalid_field", "not_allowed", "not_found"})
_NOTE = """
insert into refused_attempt (organisation_id, person_id, act, code, hour, at)
select $1, $2, $3, $4, $5, $6 where not exists (
  select from command c where c.organisation_id = $1 and c.id = $7 and c.act = $3
    and c.outcome = 'refused' and c.answer ->> 'code' in ($4, 'sealed_refusal')
) on conflict do nothing returning at
"""


async def note(
    market: Market, actor: Actor, act: str, refusal: Refusal, command_id: str | None
) -> None:
    """Note a refused attempt, unless it is kept under its command already."""
    code = refusal_code(refusal)
    if code not in NOTED or act not in ACTS:
        return
    now = market.clock.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    firm, person = actor.organisation_id, actor.person_id
    try:
        await Pool().rows(_NOTE, firm, person, act, code, hour, now, command_id or "")
    except (DiskFull, TryAgain) as error:
        log.warning("attempt_not_noted", person_id=person, act=act, code=code, why=error.code)
