"""The catalogue as JSON Schema (draft 2020-12), for programs in any language.

There is a schema for every message and every file, in both profiles.  Each stands alone: what it
refers to is inside, under `$defs`.  A schema for a message describes all of it: the header, the
parent header, the metadata, the content and the list of buffers.  Who needs the content alone finds
it at `#/$defs/ExecuteRequest`.

A field that has to be there only if another one has a certain value becomes `if` and `then`; its
type is among the others, because generators of code do not look into conditions.

>>> schema = message_schema(MESSAGES["execute_request"], SEND)
>>> schema["$id"]
'urn:refimpl:schema:send:execute_request'
>>> schema["$defs"]["ExecuteRequest"]["properties"]["code"]["type"]
'string'
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from . import FILES, HEADER, MESSAGES
from .differences import file_at, message_at, type_at
from .model import (
    ABSENT,
    ANY,
    NULL,
    OBJECT,
    PROFILES,
    SEND,
    Field,
    FileType,
    ListOf,
    MapOf,
    MessageType,
    Number,
    OneOf,
    Row,
    Scalar,
    Struct,
    Text,
    Type,
    Union,
    by_name,
    class_name,
    field,
    structs,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"

NO_PARENT = Struct(
    "NoParent", "The parent header of a message that no other one caused: empty.", (), OneOf()
)


# --- a message as one type ---------------------------------------------------------------------


def envelope(message: MessageType, profile: str) -> Struct:
    """Return the type of a whole message: header, parent header, metadata, content, buffers."""
    name = class_name(message.key)
    header = Struct(
        f"{name}Header",
        f"The header of this message. {HEADER.purpose}",
        tuple(
            replace(each, type=OneOf(message.name), accepts=None)
            if each.name == "msg_type"
            else each
            for each in HEADER.fields
        ),
        HEADER.rest,
    )
    # Deployed programs send replies without a parent when they are about to end.
    answers = bool(message.reply_to) and profile == SEND
    cause: Type = HEADER if answers else HEADER | NO_PARENT
    metadata: Type = (
        Struct(f"{name}Metadata", f"The metadata of {message.key}.", message.metadata)
        if message.metadata
        else OBJECT
    )
    buffers = ListOf(ANY) if message.buffers or profile != SEND else Row()
    if profile != SEND and not message.parent:  # xeus welcomes with null for both
        cause, metadata = cause | NULL, metadata | NULL
    parent = f"The header of {message.parent}." if message.parent else "Empty: nothing caused it."
    return Struct(
        f"{name}Message",
        message.purpose,
        (
            field("header", header, "What this message is."),
            field("parent_header", cause, parent),
            field("metadata", metadata, "Notes about the message."),
            field("content", message.content(), "The message itself."),
            field("buffers", buffers, message.buffers or "None.", optional=True),
        ),
    )


# --- types -------------------------------------------------------------------------------------


def type_schema(kind: Type, profile: str) -> dict[str, Any]:
    """Return the schema of a type; named objects are referred to."""
    match kind:
        case Union(options=options):
            schemas = [type_schema(option, profile) for option in options]
            if all(each.keys() == {"type"} for each in schemas):
                return {"type": [each["type"] for each in schemas]}
            return {"anyOf": schemas}
        case ListOf(item=item, min_items=min_items):
            least = {"minItems": min_items} if min_items else {}
            return {"type": "array", "items": type_schema(item, profile), **least}
        case Row(items=items):
            places = [type_schema(item, profile) for item in items]
            length = len(items)
            first = {"prefixItems": places, "minItems": length} if places else {}
            return {"type": "array", **first, "maxItems": length}
        case MapOf(value=value):
            inner = type_schema(value, profile)
            return {"type": "object", **({"additionalProperties": inner} if inner else {})}
        case Struct(name=name):
            return {"$ref": f"#/$defs/{name}"}
    return _simple_schema(kind)


def _simple_schema(kind: Type) -> dict[str, Any]:
    """Return the schema of a type that has no inner types."""
    match kind:
        case Scalar(name=name):
            return {} if kind == ANY else {"type": name}
        case Text(pattern=pattern):
            return {"type": "string", "pattern": pattern}
        case Number(minimum=minimum, maximum=maximum):
            bound = {} if maximum is None else {"maximum": maximum}
            return {"type": "integer", "minimum": minimum, **bound}
        case OneOf(values=()):
            return {"not": {}}
        case OneOf(values=(value,)):
            return {"const": value}
        case OneOf(values=values):
            return {"enum": list(values)}
    raise TypeError(f"expected a type of the catalogue, got {kind!r}")


def field_schema(each: Field, profile: str) -> dict[str, Any]:
    """Return the schema of what a field holds, with what is to be known about the field."""
    schema: dict[str, Any] = {"description": each.meaning}
    schema |= type_schema(each.type_in(profile), profile)
    if each.default is not ABSENT:
        schema["default"] = each.default
    if each.deprecated:
        schema["deprecated"] = True
    since = f"since {each.since}" if each.since else ""
    comment = ", ".join(part for part in (since, each.rule) if part)
    if comment:
        schema["$comment"] = comment
    return schema


def struct_schema(struct: Struct, profile: str) -> dict[str, Any]:
    """Return the schema of an object with known fields, spelled out."""
    properties: dict[str, Any] = {}
    for name, fields in by_name(struct.fields).items():
        # Also what is there on a condition has its type here, where generators of code look.
        types = [field_schema(each, profile) for each in fields]
        properties[name] = types[0] if len(types) == 1 else {"anyOf": types}
    schema: dict[str, Any] = {"description": struct.purpose, "type": "object"}
    schema["properties"] = properties
    schema |= _required((each for each in struct.fields if not each.when), profile)
    if struct.rest is not None:
        schema["additionalProperties"] = type_schema(struct.rest, profile)
    groups: list[tuple[dict[str, tuple[Any, ...]], list[Field]]] = []
    for each in struct.fields:
        same = [members for when, members in groups if when == each.when]
        if same:
            same[0].append(each)
        elif each.when:
            groups.append((dict(each.when), [each]))
    conditions = [
        {"if": _condition(when, profile), "then": then}
        for when, members in groups
        if (then := _consequence(members, properties, profile))
    ]
    return schema | ({"allOf": conditions} if conditions else {})


def _required(fields: Iterable[Field], profile: str) -> dict[str, list[str]]:
    names = [each.name for each in fields if each.is_needed(profile)]
    return {"required": names} if names else {}


def _condition(when: dict[str, tuple[Any, ...]], profile: str) -> dict[str, Any]:
    values = {name: type_schema(OneOf(*values), profile) for name, values in when.items()}
    return {"properties": values, "required": list(when)}


def _consequence(members: list[Field], properties: dict[str, Any], profile: str) -> dict[str, Any]:
    """Say what a condition adds: what is required, and which of several types a name has.

    Strict validators want to see each required name among the properties, and be it without a type.
    """
    types: dict[str, Any] = {}
    for each in members:
        if "description" not in properties[each.name]:
            types[each.name] = field_schema(each, profile)
        elif each.is_needed(profile):
            types[each.name] = True
    return ({"properties": types} if types else {}) | _required(members, profile)


# --- whole schemas -----------------------------------------------------------------------------


def schema_id(profile: str, key: str, version: str = "") -> str:
    """Return the name of a schema: urn:refimpl:schema:PROFILE:KEY, with a version at the end.

    The schema is inside the package, in schemas/PROFILE/KEY.json.
    """
    return ":".join(["urn:refimpl:schema", profile, key, *([version] if version else [])])


def message_schema(message: MessageType, profile: str, version: str = "") -> dict[str, Any]:
    """Return the schema of a whole message, as a version has it; without one, as the latest has it.

    Raises ValueError if that version has no such message.
    """
    then = message_at(message, version) if version else message
    if then is None:
        raise ValueError(f"{message.key}: expected {message.since} or later, got {version}")
    whole = envelope(then, profile)
    schema = _document(whole, profile, message.key, version)
    if then.deprecated:
        schema["deprecated"] = True
    return schema


def file_schema(file: FileType, profile: str, version: str = "") -> dict[str, Any]:
    """Return the schema of a file; for the version see `message_schema`."""
    then = file_at(file, version) if version else file
    if then is None:
        raise ValueError(f"{file.key}: expected {file.since} or later, got {version}")
    return _document(then.content(), profile, file.key, version)


def _document(root: Struct, profile: str, key: str, version: str) -> dict[str, Any]:
    if version:
        root = type_at(root, version)  # type: ignore[assignment]  # a struct stays one
    inner = {each.name: struct_schema(each, profile) for each in structs(root, profile)}
    spelled = inner.pop(root.name)
    return {
        "$schema": DIALECT,
        "$id": schema_id(profile, key, version),
        "title": root.name,
        **spelled,
        "$defs": inner,
    }


def all_schemas() -> dict[str, dict[str, Any]]:
    """Return every schema, by its path in the folder: send/execute_request.json."""
    found: dict[str, dict[str, Any]] = {}
    for profile in PROFILES:
        for message in MESSAGES.values():
            found[f"{profile}/{message.key}.json"] = message_schema(message, profile)
        for file in FILES.values():
            found[f"{profile}/{file.key}.json"] = file_schema(file, profile)
    return found


def index() -> dict[str, Any]:
    """Return the list of all schemas: what each is about, and where it is."""
    entries = [
        {"key": message.key, "kind": "message", "protocol": message.protocol}
        for message in MESSAGES.values()
    ]
    entries += [{"key": file.key, "kind": "file"} for file in FILES.values()]
    return {
        "schemas": [
            {
                **entry,
                "profile": profile,
                "path": f"{profile}/{entry['key']}.json",
                "id": schema_id(profile, entry["key"]),
            }
            for profile in PROFILES
            for entry in entries
        ]
    }
