"""A beacon of the drand network: a random value every few seconds, the same for everybody.

The address ends in the hash of the network's chain, by which its rounds can be read and their
threshold signatures checked anywhere (https://docs.drand.love). Which round counts follows from the
close alone: the first one published at or after it. Checked here: the chain is the one named, the
round the one asked for, and its value the SHA-256 of its signature; the signature itself is for
readers to check. What does not answer, or not so, has not come yet.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

PATIENCE_S = 5
MOST_BYTES = 8192
KEPT_ROUNDS = 16

_LOG = structlog.get_logger("beacon")
_Hex = Annotated[str, Field(pattern="^([0-9a-f]{2})+$")]


class _Chain(BaseModel):
    """When a chain began and how far its rounds lie apart; round 1 is published at its genesis."""

    model_config = ConfigDict(strict=True)

    hash: _Hex
    genesis_time: Annotated[int, Field(ge=0, le=2**33)]
    period: Annotated[int, Field(ge=1, le=86_400)]

    def first_round(self, after: datetime) -> int:
        """Return the first round published at or after an instant."""
        since = after - datetime.fromtimestamp(self.genesis_time, UTC)
        return max(1, 1 - (-since // timedelta(seconds=self.period)))


class _Round(BaseModel):
    model_config = ConfigDict(strict=True)

    round: int
    randomness: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    signature: _Hex


@dataclass(slots=True)
class Drand:
    """The rounds of one chain, below `url`; each is asked for by one close at a time.

    Whoever waits for his turn while it does not answer another is not answered either, so it keeps
    a thousand closes waiting no longer than one.
    """

    url: str
    _chain: _Chain | None = None
    _rounds: dict[int, bytes] = field(default_factory=dict)
    _hangs: int = 0
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def source(self) -> str:
        return f"drand {self._hash}"

    async def value(self, after: datetime) -> bytes | None:
        """Return the value of the first round at or after an instant, None if it is not there."""
        import httpx  # loaded when first needed

        hangs = self._hangs
        async with self._asking:
            if self._hangs != hangs:
                return None
            try:
                async with asyncio.timeout(PATIENCE_S):
                    return await self._value(after)
            except (httpx.HTTPError, httpx.InvalidURL, OSError, ValidationError) as error:
                _LOG.warning("beacon_away", error=type(error).__name__)
                self._hangs += isinstance(error, TimeoutError | httpx.TimeoutException)
                return None

    async def _value(self, after: datetime) -> bytes | None:
        if self._chain is None:
            found = _Chain.model_validate_json(await self._read("info"))
            if found.hash != self._hash:
                _LOG.warning("beacon_of_another_chain")
                return None
            self._chain = found
        number = self._chain.first_round(after)
        if number not in self._rounds:
            drawn = _Round.model_validate_json(await self._read(f"public/{number}"))
            made = sha256(bytes.fromhex(drawn.signature)).digest()
            if drawn.round != number or made.hex() != drawn.randomness:
                _LOG.warning("beacon_not_its_round")
                return None
            while len(self._rounds) >= KEPT_ROUNDS:
                del self._rounds[min(self._rounds)]
            self._rounds[number] = made
        return self._rounds[number]

    @property
    def _hash(self) -> str:
        return self.url.rpartition("/")[2]

    async def _read(self, path: str) -> bytes:
        import httpx

        async with (
            httpx.AsyncClient(trust_env=False, timeout=PATIENCE_S) as client,
            client.stream("GET", f"{self.url}/{path}") as answer,
        ):
            answer.raise_for_status()
            read = b""
            async for part in answer.aiter_bytes():
                read += part
                if len(read) > MOST_BYTES:
                    raise httpx.DecodingError("longer than a round")
            return read
