"""What an organisation was told, on its own stream."""

from __future__ import annotations

from aggregator.journal.facts import fact


@fact
class Noticed:
    """One notice. `subject` names the thing by kind and id, such as `deal:deal_01J…`.

    `figures` are (name, value) pairs; amounts end in `_minor`.
    """

    notice_id: str
    kind: str
    subject: str
    figures: tuple[tuple[str, str | int], ...]


@fact
class WebhookChanged:
    """What became of an address: `registered`, `removed`, `resumed`, or its `secret_changed`."""

    organisation_id: str
    webhook_id: str
    change: str


@fact
class WebhookDisabled:
    """Nothing is sent there any more: for a day nothing was taken, or who made it has left."""

    organisation_id: str
    webhook_id: str
