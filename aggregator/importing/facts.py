"""What the journal keeps of an import, on the stream `import:<id>`."""

from __future__ import annotations

from aggregator.journal.facts import fact


@fact
class FileImported:
    """Things of one kind were made together from a file of this digest."""

    import_id: str
    organisation_id: str
    kind: str
    sha256: str
    made: tuple[str, ...]


@fact
class ImportWithdrawn:
    """What the file made was taken back."""

    import_id: str
    organisation_id: str
