"""The record of applied schema files, as a row."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class SchemaVersion(Model):
    """One schema file that this database has had."""

    version = fields.IntField(primary_key=True, generated=False)
    name = fields.TextField()
    sha256 = fields.TextField()
    applied_at = fields.DatetimeField()

    class Meta:
        app = "market"
        table = "schema_version"
