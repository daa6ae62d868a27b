"""Changes between two views, as JSON merge patches (RFC 7386).

A merge patch writes "gone" as null, so a view cannot hold a null of its own: `bare` leaves
members without a value out of every object, in snapshots, patches and digests alike.
"""

from __future__ import annotations

from typing import Any, cast

View = dict[str, Any]

# Nearly all that a view holds: taken as it is, without a further look.
_PLAIN = frozenset({str, int, bool})


def bare(view: View, *, before: View | None = None, was: View | None = None) -> View:
    """Return `view` without members that are None.

    Given the view before it and what that `was` without them, parts that are the very same
    objects in both are taken from there, so what it costs is what has changed.
    """
    return cast(View, _bare(view, before, was))


def difference(old: View, new: View) -> View:
    """Return the patch that makes `new` of `old`; empty when they are equal.

    Both must be bare. Arrays are replaced as a whole.
    """
    patch: View = {}
    if not old.keys() <= new.keys():
        patch = {name: None for name in old if name not in new}
    for name, value in new.items():
        before = old.get(name)
        if value is before:
            continue
        if value.__class__ in _PLAIN and value.__class__ is before.__class__:
            if value != before:
                patch[name] = value
        elif isinstance(before, dict) and isinstance(value, dict):
            changed = difference(before, value)
            if changed:
                patch[name] = changed
        elif name not in old or not _same(before, value):
            patch[name] = value
    return patch


def merged(target: object, patch: object) -> object:
    """Return `target` with `patch` applied, as RFC 7386 section 2 defines it."""
    if not isinstance(patch, dict):
        return patch
    found = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = merged(found.get(name), value)
    return found


def _same(one: object, other: object) -> bool:
    # In Python true equals 1; on the wire they differ.
    if isinstance(one, bool) is not isinstance(other, bool):
        return False
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    return one == other


def _bare(value: object, before: object = None, was: object = None) -> object:
    if value is before:
        return was
    if isinstance(value, dict):
        if all(member.__class__ in _PLAIN for member in value.values()):
            return value
        old = before if isinstance(before, dict) else {}
        known = was if isinstance(was, dict) else {}
        return {
            name: member
            if member.__class__ in _PLAIN
            else _bare(member, old.get(name), known.get(name))
            for name, member in value.items()
            if member is not None
        }
    if isinstance(value, list | tuple):
        return [member if member.__class__ in _PLAIN else _bare(member) for member in value]
    assert value is None or isinstance(value, str | int), f"a view holds {type(value).__name__}"
    return value
