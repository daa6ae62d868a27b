"""Rows stay in their capability, and their keys point down the layers."""

from __future__ import annotations

import re
from functools import cache

from tortoise import fields
from tortoise.models import Model

from aggregator.db import orm
from aggregator.db.migrating import schema_files
from tests.architecture.source import ROOT, layers, rank, sources


@cache
def models() -> tuple[type[Model], ...]:
    orm.load_models()
    found = [
        model
        for model in Model.__subclasses__()
        if model.__module__ in orm.MODEL_MODULES and not model._meta.abstract
    ]
    return tuple(sorted(found, key=lambda model: (model.__module__, model.__name__)))


def capability(module: str) -> str:
    return module.split(".")[1]


def test_no_module_reaches_for_another_capabilitys_rows() -> None:
    found = [
        f"{source.at(node)} imports {name}"
        for source in sources()
        for node, name in source.imports()
        if (match := re.match(r"(aggregator\.\w+)\.models\b", name))
        and not source.module.startswith(match[1])
    ]

    assert not found, "\n".join(found)


def test_every_module_of_rows_is_in_the_one_list() -> None:
    written = {
        source.module for source in sources("aggregator") if source.module.endswith(".models")
    }

    assert written == set(orm.MODEL_MODULES)
    assert len(orm.MODEL_MODULES) == len(written)


def test_a_rows_keys_point_down_the_layers_and_name_nothing_back() -> None:
    found = []
    for model in models():
        for name, field in model._meta.fields_map.items():
            if not isinstance(field, fields.relational.ForeignKeyFieldInstance):
                continue
            target = field.related_model
            if rank(capability(target.__module__)) > rank(capability(model.__module__)):
                found.append(f"{model.__name__}.{name} points up to {target.__name__}")
            if field.related_name is not False:
                found.append(f"{model.__name__}.{name} has a related name")

    assert not found, "\n".join(found)


def tables_by_capability() -> dict[str, str]:
    """Return each table's capability, which is its schema file's name."""
    found = {}
    for file in schema_files():
        owner = re.sub(r"^\d+_|\.sql$", "", file.name).partition("_")[0]
        for table in re.findall(r"create table (?:if not exists )?(\w+)", file.sql, re.IGNORECASE):
            found[table] = owner
    return found


def test_a_schema_file_is_named_after_its_capability() -> None:
    known = {name for names in layers() for name in names}
    strange = {owner for owner in tables_by_capability().values() if owner not in known}

    assert not strange, f"name the schema files of {strange} after a folder of aggregator/"


def test_a_tables_foreign_keys_point_down_the_layers() -> None:
    owners = tables_by_capability()
    found = []
    for file in schema_files():
        owner = re.sub(r"^\d+_|\.sql$", "", file.name).partition("_")[0]
        targets = re.findall(r"\breferences\s+(\w+)", file.sql, re.IGNORECASE)
        found += [
            f"{file.name} points up to {target} of {owners[target]}"
            for target in targets
            if rank(owners[target]) > rank(owner)
        ]

    assert not found, "\n".join(found)


def test_every_capabilitys_folder_is_in_the_layer_list() -> None:
    listed = {name for names in layers() for name in names}
    folders = {
        path.name
        for path in (ROOT / "aggregator").iterdir()
        if path.is_dir() and (path / "__init__.py").exists()
    }

    assert folders <= listed
