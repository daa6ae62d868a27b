"""Who is told what about which fact. The words are made in `web`, from the kind."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aggregator.auctions.facts import AuctionAwarded
from aggregator.deals.facts import (
    CancellationProposed,
    CancellationWithdrawn,
    ClaimContested,
    ClaimEnded,
    ClaimOpened,
    DealCancelled,
    DealDefaulted,
    DealDisputed,
    DealFormed,
    DealFunded,
    DealLapsed,
    DealReduced,
    DealSettled,
    DepositAsked,
    LotsReturned,
)
from aggregator.deals.lines import PLATFORM
from aggregator.demand.facts import RequestRepeated
from aggregator.forwards.facts import StripCleared, StripLapsed
from aggregator.fulfilment.facts import (
    DeskAnswered,
    DeskSilent,
    GoodsAccepted,
    GoodsDelivered,
    GoodsShipped,
    LaneAtRisk,
    TicketEnded,
    TicketOpened,
)
from aggregator.invoices.facts import CreditNoteIssued, InvoiceIssued, InvoiceOverdue
from aggregator.journal.facts import stamp
from aggregator.mandates.facts import (
    ApprovalAsked,
    ApprovalEnded,
    SubstituteEnded,
    SubstituteNamed,
)
from aggregator.market import Unit
from aggregator.notices.choosing import GATHER, GATHERED_FOR
from aggregator.notices.contracts import CONTRACT_TOLD
from aggregator.notices.facts import Noticed, WebhookDisabled
from aggregator.notices.kinds import KINDS
from aggregator.notices.people import PEOPLE_TOLD
from aggregator.notices.pools import POOL_TOLD
from aggregator.notices.standing import STANDING_TOLD
from aggregator.notices.told import Figure, Told
from aggregator.notices.webhooks import TIMER
from aggregator.pools.facts import (
    FirmingBegan,
    PledgesLeftOut,
    PoolAwarded,
    PoolClosed,
    PoolLapsed,
    PoolNotCertified,
    PoolProlonged,
    SubstituteAwarded,
    SubstituteExpired,
    SubstituteOffered,
    SubstitutionEnded,
    Supplied,
)
from aggregator.settlement.facts import (
    BankAccountChanged,
    DebitCovered,
    DebitUncovered,
    MoneyReceived,
    MoneyTakenBack,
    PaymentFailed,
    PaymentMade,
)


def _both(kind: str, *names: str) -> Callable[[Any], Iterable[Told]]:
    """Tell buyer and seller of a deal, with these fields of the fact."""

    def told(fact: Any) -> Iterable[Told]:
        figures = tuple((name, getattr(fact, name)) for name in names)
        for organisation_id in (fact.buyer_id, fact.seller_id):
            yield Told(organisation_id, kind, f"deal:{fact.deal_id}", figures)

    return told


def _deposit_asked(fact: DepositAsked) -> Iterable[Told]:
    figures = (("missing_minor", fact.missing_minor), ("until", stamp(fact.due_at)))
    yield Told(fact.seller_id, "deposit_asked", f"deal:{fact.deal_id}", figures)


def _lane_at_risk(fact: LaneAtRisk) -> Iterable[Told]:
    figures = (("until", stamp(fact.due_at)),)
    for organisation_id in (fact.buyer_id, fact.seller_id):
        yield Told(organisation_id, "lane_at_risk", f"deal:{fact.deal_id}", figures)


def _document(kind: str) -> Callable[[InvoiceIssued | CreditNoteIssued], Iterable[Told]]:
    """Tell both parties of a seller's document, the recipient alone of the market's own."""

    def told(fact: InvoiceIssued | CreditNoteIssued) -> Iterable[Told]:
        figures: tuple[Figure, ...] = (
            ("number", fact.number),
            ("total_minor", fact.total_minor),
            ("currency", fact.currency),
        )
        parties = (fact.buyer_id,) if fact.issuer == PLATFORM else (fact.buyer_id, fact.seller_id)
        for organisation_id in parties:
            yield Told(organisation_id, kind, f"deal:{fact.deal_id}", figures)

    return told


def _money(
    kind: str,
) -> Callable[[DebitCovered | DebitUncovered | MoneyReceived | MoneyTakenBack], Iterable[Told]]:
    """Tell a firm of an amount of its own."""

    def told(
        fact: DebitCovered | DebitUncovered | MoneyReceived | MoneyTakenBack,
    ) -> Iterable[Told]:
        figures = (("amount_minor", fact.amount_minor), ("currency", fact.currency))
        yield Told(fact.organisation_id, kind, "money", figures)

    return told


def _bank_account(fact: BankAccountChanged) -> Iterable[Told]:
    figures: tuple[Figure, ...] = (("ending", fact.ending),)
    if fact.usable_at is not None:
        figures += (("until", stamp(fact.usable_at)),)
    yield Told(fact.organisation_id, f"bank_account_{fact.state}", "money", figures)


def _payment(kind: str) -> Callable[[PaymentMade | PaymentFailed], Iterable[Told]]:
    def told(fact: PaymentMade | PaymentFailed) -> Iterable[Told]:
        if fact.organisation_id is None:
            return
        figures = (("amount_minor", fact.amount_minor), ("currency", fact.currency))
        yield Told(fact.organisation_id, kind, "money", figures)

    return told


def _auction(fact: AuctionAwarded) -> Iterable[Told]:
    """Tell who won; of a pool's auction the pool tells who sold, as not all that is won counts."""
    for award in () if fact.reference else fact.awards:
        figures: tuple[Figure, ...] = (("lots", award.lots), ("price_minor", award.price_minor))
        yield Told(award.bidder, "auction_won", f"auction:{fact.auction_id}", figures)


def _pool_awarded(fact: PoolAwarded) -> Iterable[Told]:
    subject = f"pool:{fact.pool_id}"
    for award in fact.awards:
        figures: tuple[Figure, ...] = (("lots", award.lots), ("landed_minor", award.landed_minor))
        yield Told(award.organisation_id, "pool_awarded", subject, figures)
    for sold in fact.suppliers or (Supplied(fact.seller_id, fact.lots, fact.goods_minor),):
        seller: tuple[Figure, ...] = (("lots", sold.lots), ("goods_minor", sold.goods_minor))
        yield Told(sold.seller_id, "pool_sold", subject, seller)


def _members(kind: str) -> Callable[[FirmingBegan | PoolProlonged], Iterable[Told]]:
    """Tell every member of a pool."""

    def told(fact: FirmingBegan | PoolProlonged) -> Iterable[Told]:
        for organisation_id in fact.members:
            yield Told(organisation_id, kind, f"pool:{fact.pool_id}")

    return told


def _pool_closed(fact: PoolClosed) -> Iterable[Told]:
    for group in fact.groups:
        for member in group.members:
            figures = (("lots", member.lots), ("goods_minor", group.goods_minor))
            yield Told(member.organisation_id, "pool_closed", f"pool:{fact.pool_id}", figures)


def _not_certified(fact: PoolNotCertified) -> Iterable[Told]:
    figures: tuple[Figure, ...] = (("cell", fact.cell), ("broken", fact.broken))
    for organisation_id in fact.operators:
        yield Told(organisation_id, "pool_not_certified", f"pool:{fact.pool_id}", figures)


def _left_out(kind: str) -> Callable[[PledgesLeftOut | PoolLapsed], Iterable[Told]]:
    def told(fact: PledgesLeftOut | PoolLapsed) -> Iterable[Told]:
        for left in fact.left_out:
            figures = (("reason", left.reason),)
            yield Told(left.organisation_id, kind, f"pool:{fact.pool_id}", figures)

    return told


def _substitute_offered(fact: SubstituteOffered) -> Iterable[Told]:
    figures: tuple[Figure, ...] = (
        ("lots", fact.lots),
        ("landed_minor", fact.landed_minor),
        ("until", stamp(fact.until)),
    )
    yield Told(fact.organisation_id, "substitute_offered", f"pool:{fact.pool_id}", figures)


def _substitute_expired(fact: SubstituteExpired) -> Iterable[Told]:
    figures = (("lots", fact.lots),)
    yield Told(fact.organisation_id, "substitute_expired", f"pool:{fact.pool_id}", figures)


def _substitute_awarded(fact: SubstituteAwarded) -> Iterable[Told]:
    won, subject = fact.award, f"pool:{fact.pool_id}"
    figures: tuple[Figure, ...] = (("lots", won.lots), ("landed_minor", won.landed_minor))
    yield Told(won.organisation_id, "substitute_awarded", subject, figures)
    sold: tuple[Figure, ...] = (("lots", won.lots), ("goods_minor", won.goods_minor))
    yield Told(fact.seller_id, "substitute_sold", subject, sold)


def _substitution_ended(fact: SubstitutionEnded) -> Iterable[Told]:
    if fact.left_lots:
        figures = (("lots", fact.left_lots),)
        yield Told(fact.seller_id, "substitution_ended", f"pool:{fact.pool_id}", figures)


def _repeated(fact: RequestRepeated) -> Iterable[Told]:
    figures: tuple[Figure, ...] = (("tenor", fact.tenor), ("lots", fact.lots))
    yield Told(fact.organisation_id, "request_repeated", f"request:{fact.request_id}", figures)


def _approval_asked(fact: ApprovalAsked) -> Iterable[Told]:
    yield Told(fact.organisation_id, "approval_asked", f"approval:{fact.approval_id}")


def _approval_ended(fact: ApprovalEnded) -> Iterable[Told]:
    kind = f"approval_{fact.state}"
    yield Told(fact.organisation_id, kind, f"approval:{fact.approval_id}")


def _substitute(state: str) -> Callable[[SubstituteNamed | SubstituteEnded], Iterable[Told]]:
    def told(fact: SubstituteNamed | SubstituteEnded) -> Iterable[Told]:
        subject = f"approval:{fact.substitute_id}"
        yield Told(fact.organisation_id, "approval_substitute", subject, (("state", state),))

    return told


def _strip_cleared(fact: StripCleared) -> Iterable[Told]:
    for organisation_id in fact.participant_ids:
        yield Told(organisation_id, "strip_cleared", f"strip:{fact.strip_id}")


def _strip_lapsed(fact: StripLapsed) -> Iterable[Told]:
    for organisation_id in fact.participant_ids:
        figures = (("reason", fact.reason),)
        yield Told(organisation_id, "strip_lapsed", f"strip:{fact.strip_id}", figures)


def _webhook_disabled(fact: WebhookDisabled) -> Iterable[Told]:
    yield Told(fact.organisation_id, "webhook_disabled", "account")


WHO_IS_TOLD: Mapping[type, Callable[[Any], Iterable[Told]]] = {
    **CONTRACT_TOLD,
    **STANDING_TOLD,
    ApprovalAsked: _approval_asked,
    ApprovalEnded: _approval_ended,
    AuctionAwarded: _auction,
    BankAccountChanged: _bank_account,
    CancellationProposed: _both("cancellation_proposed"),
    CancellationWithdrawn: _both("cancellation_withdrawn"),
    ClaimContested: _both("claim_contested", "lots"),
    ClaimEnded: _both("claim_ended", "lots", "fault_lots", "compensation_minor"),
    ClaimOpened: _both("claim_opened", "lots", "deposit_minor"),
    CreditNoteIssued: _document("credit_note_issued"),
    DealCancelled: _both("deal_cancelled"),
    DealDefaulted: _both("deal_defaulted", "compensation_minor"),
    DealDisputed: _both("deal_disputed", "lots"),
    DealFormed: _both("deal_formed", "lots", "goods_minor"),
    DealFunded: _both("deal_funded", "amount_minor"),
    DealLapsed: _both("deal_lapsed", "forfeited_minor"),
    DealReduced: _both("deal_reduced", "lots", "ordered_lots", "refunded_minor"),
    DealSettled: _both("deal_settled", "lots", "price_minor"),
    DebitCovered: _money("debit_covered"),
    DebitUncovered: _money("debit_uncovered"),
    DepositAsked: _deposit_asked,
    DeskAnswered: _both("desk_answered", "desk"),
    DeskSilent: _both("desk_silent", "desk"),
    FirmingBegan: _members("pool_firming"),
    GoodsAccepted: _both("goods_accepted", "lots", "ordered_lots"),
    GoodsDelivered: _both("goods_delivered", "lots"),
    GoodsShipped: _both("goods_shipped", "lots"),
    InvoiceIssued: _document("invoice_issued"),
    InvoiceOverdue: _both("invoice_overdue"),
    LaneAtRisk: _lane_at_risk,
    LotsReturned: _both("lots_returned", "lots", "reason"),
    MoneyReceived: _money("money_received"),
    MoneyTakenBack: _money("money_taken_back"),
    PaymentFailed: _payment("payment_failed"),
    PaymentMade: _payment("payment_made"),
    PledgesLeftOut: _left_out("pledge_left_out"),
    PoolAwarded: _pool_awarded,
    PoolClosed: _pool_closed,
    PoolLapsed: _left_out("pool_lapsed"),
    PoolNotCertified: _not_certified,
    PoolProlonged: _members("pool_prolonged"),
    RequestRepeated: _repeated,
    StripCleared: _strip_cleared,
    StripLapsed: _strip_lapsed,
    SubstituteAwarded: _substitute_awarded,
    SubstituteEnded: _substitute("ended"),
    SubstituteExpired: _substitute_expired,
    SubstituteNamed: _substitute("standing"),
    SubstituteOffered: _substitute_offered,
    SubstitutionEnded: _substitution_ended,
    TicketEnded: _both("ticket_ended", "lots", "fault_lots", "compensation_minor"),
    TicketOpened: _both("ticket_opened", "matter", "lots"),
    WebhookDisabled: _webhook_disabled,
}


LOOKED_UP = {**POOL_TOLD, **PEOPLE_TOLD}
TOLD = frozenset(WHO_IS_TOLD) | frozenset(LOOKED_UP)


async def tell(unit: Unit, fact: object) -> None:
    """Record a notice for each organisation that the fact concerns, in its transaction."""
    look_up = LOOKED_UP.get(type(fact))
    found = await look_up(unit, fact) if look_up else WHO_IS_TOLD[type(fact)](fact)
    for told in found:
        kind = KINDS[told.kind]
        notice_id = unit.new_id("ntc")
        await unit.execute(
            _TELL,
            notice_id,
            told.organisation_id,
            told.kind,
            told.subject,
            json.dumps(dict(told.figures), ensure_ascii=False),
            unit.now,
            TIMER,
            sorted(kind.mailed_to),
            GATHER,
            unit.now + GATHERED_FOR,
            sorted(kind.readers),
            kind.is_urgent,
        )
        await unit.record(
            stream_of(told.organisation_id),
            Noticed(notice_id, told.kind, told.subject, told.figures),
        )


def stream_of(organisation_id: str) -> str:
    return f"me:{organisation_id}"


# One statement, because many notices are told at once: the notice, and what is to be sent of it.
_TELL = """
with told as (
  insert into notice (id, organisation_id, kind, subject, figures, at)
  values ($1, $2, $3, $4, $5::jsonb, $6) returning id
), due as (
  insert into webhook_delivery (webhook_id, notice_id, state, made_at)
  select w.id, told.id, 'pending', $6 from webhook w, told
  where w.organisation_id = $2 and w.disabled_at is null and w.removed_at is null
    and (w.kinds = '{}' or $3 = any(w.kinds))
  returning webhook_id, notice_id
), mailed as (
  insert into mail_notice (person_id, notice_id)
  select m.person_id, told.id from told, membership m
  join mail_address a on a.person_id = m.person_id and a.verified_at is not null
  left join notice_choice c on c.person_id = m.person_id and c.organisation_id = $2 and c.kind = $3
  where m.organisation_id = $2 and m.roles && $11::text[]
    and ($12 or coalesce(c.by_mail, m.roles && $8::text[]))
  returning person_id, notice_id
)
insert into timer (kind, key, due_at)
select $7, webhook_id || '/' || notice_id, $6 from due
union all select $9, person_id || '/' || notice_id, $10 from mailed
"""
