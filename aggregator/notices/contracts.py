"""Who is told what of a forward contract's life. Deals of call-offs tell their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aggregator.forwards.contract_facts import (
    CallOffConfirmed,
    CallOffNominated,
    ChangeEnded,
    ChangeProposed,
    PriceFixed,
    SlotEnded,
    StageCalled,
)
from aggregator.forwards.facts import StripNotCertified, StripRoundOpened, TermsAsked
from aggregator.journal.facts import stamp
from aggregator.notices.told import Figure, Told


def _subject(fact: Any) -> str:
    return f"contract:{fact.contract_id}"


def _ended(fact: SlotEnded) -> Iterable[Told]:
    """Tell both sides of a slot that came to nothing; its other ends are told elsewhere."""
    figures: dict[str, tuple[Figure, ...]] = {
        "lapsed": (
            ("tenor", fact.tenor),
            ("lots", fact.lots),
            ("forfeited_minor", fact.forfeited_minor),
        ),
        "cancelled": (("tenor", fact.tenor), ("lots", fact.lots)),
    }
    if fact.state in figures:
        for organisation_id in fact.party_ids:
            yield Told(organisation_id, f"slot_{fact.state}", _subject(fact), figures[fact.state])


def _stage(fact: StageCalled) -> Iterable[Told]:
    figures: tuple[Figure, ...] = (
        ("tenor", fact.tenor),
        ("amount_minor", fact.amount_minor),
        ("due_at", stamp(fact.due_at)),
    )
    yield Told(fact.party_ids[0], "stage_called", _subject(fact), figures)


def _fixed(fact: PriceFixed) -> Iterable[Told]:
    figures: tuple[Figure, ...] = (("tenor", fact.tenor), ("price_minor", fact.price_minor))
    for organisation_id in fact.party_ids:
        yield Told(organisation_id, "price_fixed", _subject(fact), figures)


def _nominated(fact: CallOffNominated) -> Iterable[Told]:
    buyer_id, seller_id = fact.party_ids
    day = fact.delivery_on.isoformat()
    figures: tuple[Figure, ...] = (
        ("lots", fact.lots),
        ("delivery_on", day),
        ("confirm_by", stamp(fact.confirm_by)),
    )
    yield Told(seller_id, "call_off_nominated", _subject(fact), figures)
    if fact.by == "silence":
        made: tuple[Figure, ...] = (
            ("tenor", fact.tenor),
            ("lots", fact.lots),
            ("delivery_on", day),
        )
        yield Told(buyer_id, "call_off_made", _subject(fact), made)


def _confirmed(fact: CallOffConfirmed) -> Iterable[Told]:
    figures: tuple[Figure, ...] = (
        ("lots", fact.lots),
        ("delivery_on", fact.delivery_on.isoformat()),
    )
    yield Told(fact.party_ids[0], "call_off_confirmed", _subject(fact), figures)


def _proposed(fact: ChangeProposed) -> Iterable[Told]:
    """Tell everybody who is asked but the proposer, who stands first."""
    figures: tuple[Figure, ...] = (("change", fact.kind), ("expires_at", stamp(fact.expires_at)))
    for organisation_id in fact.party_ids[1:]:
        # Whom a slot is offered to is no party of the contract yet: he finds it in his list.
        yield Told(organisation_id, "change_proposed", "contracts", figures)


def _changed(fact: ChangeEnded) -> Iterable[Told]:
    figures: tuple[Figure, ...] = (("change", fact.kind), ("state", fact.state))
    for organisation_id in fact.party_ids:
        yield Told(organisation_id, "change_ended", "contracts", figures)


def _not_certified(fact: StripNotCertified) -> Iterable[Told]:
    figures: tuple[Figure, ...] = (("title", fact.title), ("broken", fact.broken))
    for organisation_id in fact.operators:
        yield Told(organisation_id, "strip_not_certified", f"strip:{fact.strip_id}", figures)


def _round(fact: StripRoundOpened) -> Iterable[Told]:
    figures: tuple[Figure, ...] = (("round", fact.number), ("ends_at", stamp(fact.ends_at)))
    for organisation_id in fact.told:
        yield Told(organisation_id, f"strip_round_{fact.by}", f"strip:{fact.strip_id}", figures)


def _asked(fact: TermsAsked) -> Iterable[Told]:
    """Say that an answer is wanted, not the figure: a limit is its owner's own."""
    figures: tuple[Figure, ...] = (("until", stamp(fact.until)),)
    yield Told(fact.organisation_id, "strip_terms_asked", f"strip:{fact.strip_id}", figures)


CONTRACT_TOLD: Mapping[type, Callable[[Any], Iterable[Told]]] = {
    CallOffConfirmed: _confirmed,
    CallOffNominated: _nominated,
    ChangeEnded: _changed,
    ChangeProposed: _proposed,
    PriceFixed: _fixed,
    SlotEnded: _ended,
    StageCalled: _stage,
    StripNotCertified: _not_certified,
    StripRoundOpened: _round,
    TermsAsked: _asked,
}
