"""The HTTP API, one module a capability."""

from __future__ import annotations

from importlib import import_module

ROUTE_MODULES = [
    "web.api.approvals",
    "web.api.audit",
    "web.api.auction_acts",
    "web.api.auction_drafts",
    "web.api.auction_stops",
    "web.api.auctions",
    "web.api.bank_accounts",
    "web.api.calendars",
    "web.api.choices",
    "web.api.commands",
    "web.api.company",
    "web.api.contracts",
    "web.api.counterparties",
    "web.api.deals",
    "web.api.demand",
    "web.api.documents",
    "web.api.forwards",
    "web.api.identity",
    "web.api.imports",
    "web.api.mandates",
    "web.api.money",
    "web.api.notices",
    "web.api.offers",
    "web.api.parties",
    "web.api.passkeys",
    "web.api.payment_files",
    "web.api.people",
    "web.api.pools",
    "web.api.price_reviews",
    "web.api.prices",
    "web.api.recoveries",
    "web.api.reports",
    "web.api.service",
    "web.api.service_levels",
    "web.api.sessions",
    "web.api.standing",
    "web.api.support",
    "web.api.webhooks",
]
"""Modules whose routes and feed operations the application serves; one line a capability."""


def load() -> None:
    """Import every route module; a module that is missing stops the start."""
    for name in ROUTE_MODULES:
        import_module(name)
