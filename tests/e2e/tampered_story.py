"""`aggregator demo` over a database that somebody tampers with before everything is recomputed.

The arguments are the command's own.
"""

from __future__ import annotations

import sys

from aggregator.cli import main
from aggregator.db import orm
from web.demonstration import story
from web.demonstration.stage import Stage
from web.demonstration.told import Told

TAMPERING = {
    # One fen more in one posting of the largest transfer.
    "ledger": """
        update posting set amount_minor = amount_minor + 1 where (transfer_id, line) =
        (select transfer_id, line from posting order by amount_minor desc, transfer_id limit 1)""",
    # The first award of an auction, a yuan dearer than it was.
    "award": """
        update journal set body = jsonb_set(body::jsonb, '{result,awards,0,price_minor}',
        to_jsonb((body #>> '{result,awards,0,price_minor}')::bigint + 100))::json
        where stream = (select min(stream) from journal where kind = 'Closed'
        and body #> '{result,awards,0}' is not null) and kind = 'Closed'""",
}


def tamper() -> None:
    """Let the story's last chapter find what no guard of the database was asked about."""
    honest = story.recompute

    async def recompute(stage: Stage, told: Told) -> None:
        async with orm.raw() as connection:
            await connection.execute("set session_replication_role = replica")
            for what, statement in TAMPERING.items():
                done = await connection.execute(statement)
                assert done == "UPDATE 1", f"{what}: {done}"
            await connection.execute("set session_replication_role = origin")
        await honest(stage, told)

    story.recompute = recompute


if __name__ == "__main__":
    tamper()
    sys.exit(main(sys.argv[1:]))
