"""What each fact and each timer sets off. Calls go down; facts come up through here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from aggregator.approvals import ending, executing
from aggregator.auctions import closing as auction_closing
from aggregator.auctions.facts import AuctionAwarded, AuctionFailed
from aggregator.deals import cancelling, claims, funding
from aggregator.deals import closing as deal_closing
from aggregator.deals.facts import (
    ClaimEnded,
    DealCancelled,
    DealDefaulted,
    DealLapsed,
    DealReduced,
    DealSettled,
    LotsReturned,
)
from aggregator.demand import repeating
from aggregator.forwards import calling as forwards_calling
from aggregator.forwards import closing as forwards_closing
from aggregator.forwards import proposing as forwards_proposing
from aggregator.forwards import staging as forwards_staging
from aggregator.forwards import talking as forwards_talking
from aggregator.forwards.contract_facts import SlotEnded
from aggregator.forwards.facts import OrderCancelled, StripCleared, StripLapsed
from aggregator.fulfilment import accepting, desks, disputed, lanes, tickets
from aggregator.fulfilment.facts import TicketEnded, TicketOpened
from aggregator.invoices import crediting, filing, issuing
from aggregator.mandates import granting, requesting
from aggregator.market import Market, Reaction
from aggregator.notices import addresses, choosing, delivering, mailing, returning, webhooks
from aggregator.notices.telling import TOLD, tell
from aggregator.parties import hiring, recovering
from aggregator.parties.facts import ConsentEnded, PersonLeft, RecoveryChanged
from aggregator.pools import answering, firming, listing, sight, stating, substituting
from aggregator.pools import awarding as pool_awarding
from aggregator.pools import closing as pool_closing
from aggregator.pools import sending as pool_sending
from aggregator.pools.facts import (
    PledgeChanged,
    PledgesLeftOut,
    PledgeWithdrawn,
    PoolAwarded,
    PoolLapsed,
    SubstituteAwarded,
)
from aggregator.prices import parking, publication
from aggregator.prices.facts import ParkingDecided
from aggregator.settlement import chargebacks, refunds, sending_back
from aggregator.settlement.facts import CallReopened
from aggregator.standing import gathering
from aggregator.standing import moving as standing_moving
from aggregator.supply import offering
from aggregator.supply.facts import OfferExpired, OfferPublished, OfferWithdrawn

ON_FACT: dict[type, Sequence[Reaction]] = {
    AuctionAwarded: [pool_awarding.on_auction_awarded, ending.on_auction_awarded],
    AuctionFailed: [pool_awarding.on_auction_failed, ending.on_auction_failed],
    CallReopened: [funding.on_call_reopened],
    ClaimEnded: [parking.on_claim_ended, gathering.on_claim_ended],
    ConsentEnded: [sending_back.on_consent_ended],
    DealCancelled: [tickets.on_deal_over],
    DealDefaulted: [tickets.on_deal_over, gathering.on_deal_defaulted],
    DealLapsed: [substituting.on_deal_lapsed, gathering.on_deal_lapsed],
    DealReduced: [gathering.on_deal_reduced],
    DealSettled: [
        disputed.on_deal_settled,
        publication.on_deal_settled,
        gathering.on_deal_settled,
    ],
    # What is held for lots in dispute pays for those that come back.
    LotsReturned: [
        disputed.on_lots_returned,
        crediting.on_lots_returned,
        publication.on_lots_returned,
        gathering.on_lots_returned,
    ],
    OfferExpired: [listing.on_offer_gone, ending.on_offer_gone],
    OfferPublished: [listing.on_offer_published],
    OfferWithdrawn: [listing.on_offer_gone, ending.on_offer_gone],
    OrderCancelled: [ending.on_order_cancelled],
    ParkingDecided: [gathering.on_parking_decided],
    PersonLeft: [
        granting.on_person_left,
        requesting.on_person_left,
        delivering.on_person_left,
    ],
    PledgeWithdrawn: [pool_sending.on_pledge_withdrawn, ending.on_pledge_withdrawn],
    PledgeChanged: [pool_sending.on_pledge_changed],
    PledgesLeftOut: [pool_sending.on_left_out, ending.on_left_out],
    PoolAwarded: [pool_sending.on_pool_awarded, ending.on_pool_awarded],
    PoolLapsed: [pool_sending.on_left_out, ending.on_left_out],
    RecoveryChanged: [returning.on_recovery_changed],
    SlotEnded: [forwards_proposing.on_slot_ended],
    StripCleared: [ending.on_strip_cleared],
    StripLapsed: [ending.on_strip_lapsed],
    SubstituteAwarded: [answering.on_substitute_awarded, ending.on_substitute_awarded],
    TicketEnded: [parking.on_ticket_ended, gathering.on_claim_ended],
    TicketOpened: [parking.on_ticket_opened],
}

# Whoever a fact concerns is told of it after everything that it sets off.
for _told in TOLD:
    ON_FACT[_told] = [*ON_FACT.get(_told, ()), tell]

ON_TIMER: Mapping[str, Callable[[Market, str], Awaitable[None]]] = {
    "approvals.execute": executing.execute,
    "approvals.expire": requesting.expire,
    "auctions.begin": auction_closing.begin,
    "auctions.close": auction_closing.end,
    "auctions.conclude": auction_closing.conclude,
    "auctions.round": auction_closing.end_round,
    "deals.accepted": issuing.remind,
    "deals.claim": claims.on_silence,
    "deals.delivered": accepting.on_silence,
    "deals.disputed": deal_closing.give_up_dispute,
    "deals.formed": deal_closing.lapse,
    "deals.funded": deal_closing.default,
    "deals.performance": deal_closing.require_performance,
    "deals.proposal": cancelling.expire,
    "deals.shipping": deal_closing.default,
    "demand.repeat": repeating.on_timer,
    "forwards.ahead": forwards_staging.on_ahead,
    "forwards.close": forwards_closing.close,
    "forwards.confirm": forwards_calling.on_silent_seller,
    "forwards.nominate": forwards_calling.on_silent_buyer,
    "forwards.proposal": forwards_proposing.expire,
    "forwards.round": forwards_talking.on_round,
    "forwards.stage": forwards_staging.on_stage_due,
    desks.TIMER: tickets.on_silence,
    lanes.TIMER: lanes.on_time_passed,
    filing.TIMER: filing.remind,
    "mandates.expire": granting.expire,
    "notices.deliver": delivering.deliver,
    choosing.GATHER: mailing.gather,
    addresses.TIMER: mailing.post,
    webhooks.FORGET: webhooks.forget,
    hiring.LAPSES: hiring.lapse,
    recovering.ASKED: returning.on_asked,
    recovering.OPENS: recovering.on_time,
    "pools.close": pool_closing.close,
    "pools.firming": firming.begin,
    "pools.progress": stating.state_progress,
    "pools.show": sight.show,
    "pools.substitute": substituting.expire,
    "prices.fold": publication.fold,
    "settlement.chargeback": chargebacks.again,
    "settlement.refund": refunds.pay,
    gathering.REVIEW: standing_moving.review,
    "supply.expire": offering.expire,
}
