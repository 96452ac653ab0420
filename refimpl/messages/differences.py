"""What changed between two versions of the protocol, and what there was at one of them.

The catalogue says of everything since when it exists, and when it was changed or deprecated.
From that follow both: a catalogue as of an earlier version, and a list of changes.

>>> is_in("5.3", "5.10"), is_in("5.10", "5.3"), is_in("", "5.0")
(True, False, True)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from . import HEADER
from .model import (
    Field,
    FileType,
    ListOf,
    MapOf,
    MessageType,
    Row,
    Struct,
    Type,
    Union,
)

ADDED, CHANGED, DEPRECATED = "added", "changed", "deprecated"


def as_numbers(version: str) -> tuple[int, ...]:
    """Turn a version into something that can be compared; raises ValueError if it is none."""
    return tuple(int(part) for part in version.split("."))


def is_in(since: str, version: str) -> bool:
    """Tell whether what came with one version is there in another; empty is always there."""
    return not since or as_numbers(since) <= as_numbers(version)


# --- the catalogue at a version ----------------------------------------------------------------


def fields_at(fields: Iterable[Field], version: str) -> tuple[Field, ...]:
    """Return the fields that a version has, each as it was."""
    return tuple(
        replace(
            each,
            type=type_at(each.type, version),
            accepts=type_at(each.accepts, version) if each.accepts is not None else None,
            deprecated=_until(each.deprecated, version),
            changed=_changes(each.changed, version),
        )
        for each in fields
        if is_in(each.since, version)
    )


def type_at(kind: Type, version: str) -> Type:
    """Return a type without the fields that a version does not have yet."""
    match kind:
        case Union(options=options):
            return Union(tuple(type_at(option, version) for option in options))
        case Row(items=items):
            return Row(*(type_at(item, version) for item in items))
        case ListOf(item=item):
            return replace(kind, item=type_at(item, version))
        case MapOf(value=value):
            return replace(kind, value=type_at(value, version))
        case Struct(fields=fields, rest=rest):
            return replace(
                kind,
                fields=fields_at(fields, version),
                rest=type_at(rest, version) if rest is not None else None,
            )
    return kind


def message_at(message: MessageType, version: str) -> MessageType | None:
    """Return a message as a version has it, or None if it came later."""
    if not is_in(message.since, version):
        return None
    return replace(
        message,
        fields=fields_at(message.fields, version),
        metadata=fields_at(message.metadata, version),
        rest=type_at(message.rest, version) if message.rest is not None else None,
        deprecated=_until(message.deprecated, version),
        changed=_changes(message.changed, version),
    )


def file_at(file: FileType, version: str) -> FileType | None:
    """Return a file as a version has it, or None if it came later."""
    if not is_in(file.since, version):
        return None
    return replace(
        file,
        fields=fields_at(file.fields, version),
        rest=type_at(file.rest, version) if file.rest is not None else None,
        changed=_changes(file.changed, version),
    )


def _until(deprecated: str, version: str) -> str:
    return deprecated if is_in(deprecated, version) else ""


def _changes(changed: Mapping[str, str], version: str) -> dict[str, str]:
    return {when: what for when, what in changed.items() if is_in(when, version)}


# --- changes -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """One thing that a version added, changed or deprecated."""

    version: str
    kind: str  # ADDED, CHANGED or DEPRECATED
    key: str  # of a message or file; "header"
    path: str  # of a field: "content.help_links[].url"; empty for the message or file itself
    text: str  # what it is for, or what changed


def changes(
    old: str,
    new: str,
    messages: Iterable[MessageType],
    files: Iterable[FileType],
) -> list[Change]:
    """List what every version after `old` brought, up to and including `new`.

    The fields of a message that is new itself are not listed.
    Raises ValueError if `new` is older than `old`, or one of them is no version.
    """
    if as_numbers(new) < as_numbers(old):
        raise ValueError(f"expected the older version first, got {old} and {new}")
    found = list(_in_fields("header", "", HEADER.fields))
    for message in messages:
        found += _of(message.key, message.purpose, message.since, message.changed)
        if message.deprecated:
            found.append(Change(message.deprecated, DEPRECATED, message.key, "", message.purpose))
        for part, fields in (("content", message.fields), ("metadata", message.metadata)):
            found += _in_fields(message.key, part, fields, message.since)
    for file in files:
        found += _of(file.key, file.purpose, file.since, file.changed)
        found += _in_fields(file.key, "", file.fields, file.since)
    chosen = [each for each in found if is_in(each.version, new) and not is_in(each.version, old)]
    kinds = (ADDED, CHANGED, DEPRECATED)
    return sorted(chosen, key=lambda each: (as_numbers(each.version), kinds.index(each.kind)))


def _of(key: str, purpose: str, since: str, changed: Mapping[str, str]) -> Iterator[Change]:
    if since:
        yield Change(since, ADDED, key, "", purpose)
    for version, what in changed.items():
        yield Change(version, CHANGED, key, "", what)


def _in_fields(
    key: str, path: str, fields: Iterable[Field], inherited: str = ""
) -> Iterator[Change]:
    """List the changes of fields; what is no younger than its field or message is no change.

    Fields are shared by messages, so one can have changed before the other message existed.
    """
    for each in fields:
        place = f"{path}.{each.name}" if path else each.name
        since = each.since or inherited
        if since and since != inherited:
            yield Change(since, ADDED, key, place, each.meaning)
        for version, what in each.changed.items():
            if not (since and is_in(version, since)):
                yield Change(version, CHANGED, key, place, what)
        if each.deprecated:
            yield Change(each.deprecated, DEPRECATED, key, place, each.meaning)
        yield from _in_type(key, place, each.type, since)


def _in_type(key: str, path: str, kind: Type, since: str) -> Iterator[Change]:
    match kind:
        case Union(options=options):
            for option in options:
                yield from _in_type(key, path, option, since)
        case Row(items=items):
            for number, item in enumerate(items):
                yield from _in_type(key, f"{path}[{number}]", item, since)
        case ListOf(item=item):
            yield from _in_type(key, f"{path}[]", item, since)
        case MapOf(value=value):
            yield from _in_type(key, f"{path}.*", value, since)
        case Struct(fields=fields) if kind != HEADER:  # whose changes are listed once
            yield from _in_fields(key, path, fields, since)
