"""A market and its server in one process."""

from __future__ import annotations

import socket
import sys
from functools import partial

from aggregator.app import running_market
from aggregator.market import Market
from aggregator.settings import Environment, Settings
from web.app import create_app
from web.server import MarketServer, address, give_up_on_signals, on_signals

DONE = 0


async def serve(settings: Settings, listener: socket.socket, *, demonstration: bool) -> int:
    """Serve from this process until a signal; return the exit code."""
    give_up_on_signals()
    # Few starts need it.
    from web.demonstration import loading

    first = loading.loader() if demonstration else None
    async with running_market(settings, first=first) as market:
        log_ins = await loading.log_ins() if demonstration else ""
        server = server_of(market, settings, demonstration=bool(log_ins))
        on_signals(server.stop_soon)
        server.when_open = partial(_say_open, address(settings, listener), log_ins)
        await server.serve(sockets=[listener])
    return DONE


def server_of(market: Market, settings: Settings, *, demonstration: bool = False) -> MarketServer:
    """Return the server of a market that runs in this process; a demonstration has a guide."""
    # Few starts need it.
    from web.demonstration import touring

    is_production = settings.env is Environment.PRODUCTION
    app = create_app(
        market,
        public_url=settings.public_url or "",
        is_production=is_production,
        guide=touring.guide_of(market) if demonstration and not is_production else None,
        account=settings.market_account,
    )
    return MarketServer(app)


def _say_open(where: str, log_ins: str) -> None:
    sys.stdout.write(f"The market is open at {where}\n{log_ins}")
    sys.stdout.flush()
