"""A forward contract on paper: parties, goods, schedule, money, duties, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from aggregator.catalogue.queries import InstrumentView, RegionView
from aggregator.forwards import dating
from aggregator.forwards.calling import MOVED_DAYS
from aggregator.forwards.contract_queries import ContractView
from aggregator.forwards.plans import PERCENT, TOLERANCE_BPS
from web.locale import words
from web.papers.paper import Clauses, Facts, Grid, Paper, grouped

_KINDS = ("goods", "logistics", "capital", "information", "tax", "service_tax")


def contract_paper(
    view: ContractView,
    traded: InstrumentView,
    region: RegionView,
    *,
    parties: Mapping[str, str],
    language: str,
    now: datetime,
) -> Paper:
    """Return the contract as its reader may see it; `parties` are names by firm."""
    return _Writer(view, traded, region, parties, language, now).paper()


class _Writer:
    def __init__(
        self,
        view: ContractView,
        traded: InstrumentView,
        region: RegionView,
        parties: Mapping[str, str],
        language: str,
        now: datetime,
    ) -> None:
        self.view, self.traded, self.region = view, traded, region
        self.parties, self.language, self.now = parties, language, now
        self.zone = ZoneInfo(str(view.rules["zone"]))
        self.binding = [slot for slot in view.slots if slot["bound_lots"]]

    def paper(self) -> Paper:
        summary = self.view.summary
        parts: list[Facts | Grid | Clauses] = [
            self._parties(),
            self._goods(),
            self._schedule(),
            self._money(),
            self._duties(),
        ]
        return Paper(
            self.t("title"),
            f"{summary.contract_id} · {summary.title}",
            [*parts, *self._call_offs(), *self._changes()],
            f"{summary.contract_id} · {self.t('printed', at=self._instant(self.now))}",
        )

    def t(self, key: str, **figures: object) -> str:
        return words(self.language, f"paper.{key}", figures) or key

    def _parties(self) -> Facts:
        buyers = dict.fromkeys(slot["buyer_id"] for slot in self.view.slots)
        return Facts(
            self.t("parties"),
            [
                (self.t("seller"), self.parties[self.view.seller_id]),
                *((self.t("buyer"), self.parties[buyer]) for buyer in buyers),
                (self.t("signed_at"), self._instant(self.view.summary.signed_at)),
            ],
        )

    def _goods(self) -> Facts:
        traded, is_zh = self.traded, self.language == "zh"
        whole, part = divmod(traded.tolerance_bps, PERCENT)
        return Facts(
            self.t("goods"),
            [
                (
                    self.t("instrument"),
                    f"{traded.name_zh if is_zh else traded.name_en} · {traded.id}",
                ),
                (self.t("standard"), traded.standard or "—"),
                (self.t("packaging"), f"{traded.packaging or '—'} · {traded.lot_text}"),
                (self.t("region"), self.region.name_zh if is_zh else self.region.name_en),
                (self.t("tolerance"), f"± {whole}.{part:02d} %"),
                (self.t("returns"), f"{traded.return_policy} ({traded.return_days})"),
            ],
        )

    def _schedule(self) -> Grid:
        labels = ("buyer", "month", "place", "lots", "called", "price", "freight", "total")
        rows = [
            (
                self.parties[slot["buyer_id"]],
                slot["tenor"],
                slot["place"] or self.t("no_place"),
                f"{slot['bound_lots']:,}",
                f"{slot['called_lots']:,}",
                self._amount(slot["price_minor"]) + ("" if slot["is_fixed"] else " *"),
                self._amount(slot["freight_minor"]),
                self._amount(slot["total_minor"]),
            )
            for slot in self.binding
        ]
        whole = sum(slot["total_minor"] for slot in self.binding)
        lots = sum(slot["bound_lots"] for slot in self.binding)
        called = sum(slot["called_lots"] for slot in self.binding)
        last = (self.t("sum"), "", "", f"{lots:,}", f"{called:,}", "", "", self._amount(whole))
        return Grid(
            self.t("schedule"),
            [self.t(label) for label in labels],
            [*rows, last],
            3,
            (24, 14, 22, 11, 11, 17, 14, 22),
            has_sum=True,
        )

    def _money(self) -> Grid:
        amounts = dict.fromkeys(_KINDS, 0)
        for slot in self.binding:
            for line in slot["lines"]:
                amounts[line["kind"]] += line["amount_minor"]
        market = self.t("market")
        seller = self.parties[self.view.seller_id]
        rows = [
            (
                self.t(f"line.{kind}"),
                market if kind in ("information", "service_tax") else seller,
                self._amount(amounts[kind]),
            )
            for kind in _KINDS
        ]
        last = (self.t("sum"), "", self._amount(sum(amounts.values())))
        labels = [self.t("part"), self.t("to"), f"{self.t('amount')} {self.view.currency}"]
        return Grid(self.t("glass_box"), labels, [*rows, last], 2, (3, 3, 2), has_sum=True)

    def _duties(self) -> Clauses:
        rules = self.view.rules
        texts = [self.t("clause.signing", share=_share(rules["signing_bps"]))]
        if rules["month_bps"]:
            texts.append(
                self.t(
                    "clause.stage",
                    share=_share(rules["month_bps"]),
                    days=dating.AHEAD_DAYS,
                    due=dating.STAGE_DAYS,
                )
            )
        if rules["index_reference_minor"]:
            texts.append(
                self.t(
                    "clause.index",
                    days=dating.AHEAD_DAYS,
                    reference=self._amount(rules["index_reference_minor"]),
                    fallback=self._amount(rules["index_default_minor"]),
                )
            )
        if rules["pricing"] == "make_whole":
            texts.append(self._whole(rules["make_whole_minor"]))
        texts += [
            self.t("clause.call_off", days=dating.NOTICE_DAYS),
            self.t("clause.confirm", days=dating.CONFIRM_DAYS, moved=MOVED_DAYS),
            self.t("clause.silence", days=dating.NOTICE_DAYS),
            self.t("clause.deal", days=dating.FUNDING_DAYS),
            self.t("clause.change", days=dating.CONSENT_DAYS, percent=TOLERANCE_BPS // PERCENT),
            self.t("clause.transfer"),
        ]
        return Clauses(self.t("duties"), texts)

    def _whole(self, amount_minor: int) -> str:
        """Say what the reader's firm paid or received beside the prices."""
        said = {0: "", 1: "_received", -1: "_paid"}[(amount_minor > 0) - (amount_minor < 0)]
        is_seller = self.view.summary.side == "seller"
        reader = self.view.seller_id if is_seller else self.view.slots[0]["buyer_id"]
        return self.t(
            f"clause.make_whole{said}",
            party=self.parties[reader],
            amount=self._amount(abs(amount_minor)),
            currency=self.view.currency,
        )

    def _call_offs(self) -> Sequence[Grid]:
        rows = sorted(
            (
                one["delivery_on"].isoformat(),
                self.parties[slot["buyer_id"]],
                slot["tenor"],
                self._state(one["deal_state"] or one["state"]),
                one["deal_id"] or "—",
                f"{one['lots']:,}",
            )
            for slot in self.view.slots
            for one in slot["call_offs"]
            if one["state"] != "withdrawn"
        )
        labels = ("delivery_on", "buyer", "month", "state", "deal", "lots")
        said = [self.t(label) for label in labels]
        return [Grid(self.t("call_offs"), said, rows, 5, (13, 20, 10, 14, 50, 7))] if rows else []

    def _changes(self) -> Sequence[Grid]:
        rows = [
            (
                self._instant(entry["at"]),
                words(self.language, f"page.fact.{entry['fact']}") or entry["fact"],
                self._figures(entry["figures"]),
            )
            for entry in self.view.timeline
        ]
        labels = [self.t("at"), self.t("what"), self.t("figures")]
        return [Grid(self.t("timeline"), labels, rows, 3, (3, 4, 5))] if rows else []

    def _figures(self, figures: Mapping[str, Any]) -> str:
        kind = figures.get("kind")
        shown = [
            figures.get("tenor"),
            words(self.language, f"page.change.{kind}") if kind else None,
            f"{figures['lots']:,}" if "lots" in figures else None,
            self._amount(figures["price_minor"]) if "price_minor" in figures else None,
            str(figures["delivery_on"]) if "delivery_on" in figures else None,
            self._state(figures["state"]) if "state" in figures else None,
        ]
        return " · ".join(text for text in shown if text)

    def _state(self, state: str) -> str:
        return words(self.language, f"state.{state}") or state

    def _amount(self, minor: int) -> str:
        return grouped(minor, self.view.currency)

    def _instant(self, at: datetime | date) -> str:
        if not isinstance(at, datetime):
            return at.isoformat()
        local = at.astimezone(self.zone)
        return f"{local:%Y-%m-%d %H:%M} {local:%z}"


def _share(bps: int) -> str:
    whole, part = divmod(bps, PERCENT)
    return f"{whole}.{part:02d} %"
