"""The whole catalogue as one JSON document, `protocol.json`, and the schema of that document.

JSON Schema says which messages are right.  This says what the catalogue says: who sends a message,
which reply it gets, since when a field exists, what deployed programs do with it.  It is what a
generator of code or of pages in another language starts from.

A type is an object with a `kind`, as in `{"kind": "list", "item": {"kind": "string"}}`, and named
objects are listed once, under `structs`.  What does not apply is left out: no `since` means that
something is as old as what it belongs to.

>>> from refimpl.messages.model import NULL, STRING
>>> type_data(STRING | NULL)
{'kind': 'union', 'options': [{'kind': 'string'}, {'kind': 'null'}]}
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from . import FILES, HEADER, MESSAGES
from .model import (
    ABSENT,
    CLUSTER,
    KERNEL,
    SEND,
    VERSIONS,
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
    structs,
)
from .rules import KINDS, LEVELS, RULES, SIDES, Rule
from .schema import DIALECT

PROTOCOL_ID = "urn:refimpl:schema:protocol"

SCALARS = ("string", "integer", "number", "boolean", "null", "object", "any")


def type_data(kind: Type) -> dict[str, Any]:
    """Return a type as data."""
    match kind:
        case Scalar(name=name):
            return {"kind": name}
        case Text(form=form, pattern=pattern):
            return {"kind": "text", "form": form, "pattern": pattern}
        case Number(minimum=minimum, maximum=maximum):
            return _some(kind="range", minimum=minimum, maximum=maximum)
        case Union(options=options):
            return {"kind": "union", "options": [type_data(option) for option in options]}
        case OneOf(values=values):
            return {"kind": "one_of", "values": list(values)}
        case ListOf(item=item, min_items=min_items):
            return _some(kind="list", item=type_data(item), min_items=min_items or None)
        case Row(items=items):
            return {"kind": "row", "items": [type_data(item) for item in items]}
        case MapOf(value=value, key=key):
            return _some(kind="map", key=key, value=type_data(value))
        case Struct(name=name):
            return {"kind": "struct", "name": name}
    raise TypeError(f"expected a type of the catalogue, got {kind!r}")


def field_data(each: Field) -> dict[str, Any]:
    """Return a field as data."""
    data = _some(
        name=each.name,
        type=type_data(each.type),
        meaning=each.meaning,
        required=each.is_needed(SEND),
        when={name: list(values) for name, values in each.when.items()},
        since=each.since,
        deprecated=each.deprecated,
        changed=dict(each.changed),
        may_lack=each.may_lack or None,
        accepts=type_data(each.accepts) if each.accepts is not None else None,
        rule=each.rule,
        readings=asdict(each.readings) if each.readings else None,
    )
    return data if each.default is ABSENT else data | {"default": each.default}


def struct_data(struct: Struct) -> dict[str, Any]:
    """Return a named object as data."""
    return {"purpose": struct.purpose} | _fields(struct.fields, struct.rest)


def message_data(message: MessageType) -> dict[str, Any]:
    """Return a message as data."""
    return _some(
        name=message.name,
        protocol=message.protocol,
        channels=list(message.channels),
        sender=message.sender,
        receiver=message.receiver,
        purpose=message.purpose,
        reply=message.reply,
        reply_to=list(message.reply_to),
        parent=message.parent,
        required=message.required or None,
        since=message.since,
        deprecated=message.deprecated,
        changed=dict(message.changed),
        topic=message.topic,
        content=_fields(message.fields, message.rest),
        metadata=[field_data(each) for each in message.metadata],
        buffers=message.buffers,
        troubles=list(message.troubles),
        readings=asdict(message.readings) if message.readings else None,
        source=message.source,
    )


def file_data(file: FileType) -> dict[str, Any]:
    """Return a file as data."""
    return _some(
        purpose=file.purpose,
        since=file.since,
        changed=dict(file.changed),
        content=_fields(file.fields, file.rest),
        readings=asdict(file.readings) if file.readings else None,
        source=file.source,
    )


def protocol() -> dict[str, Any]:
    """Return the whole catalogue as data."""
    contents = [message.content() for message in MESSAGES.values()]
    contents += [file.content() for file in FILES.values()]
    metadata = [Struct("", "", message.metadata) for message in MESSAGES.values()]
    named: dict[str, Any] = {}
    for root in (HEADER, *contents, *metadata):
        named |= {each.name: struct_data(each) for each in structs(root) if each is not root}
    return {
        "$schema": PROTOCOL_ID,
        "title": "The messages and files of the Jupyter kernel protocol and of IPython clusters",
        "versions": list(VERSIONS),
        "header": struct_data(HEADER),
        "messages": {key: message_data(message) for key, message in MESSAGES.items()},
        "files": {key: file_data(file) for key, file in FILES.items()},
        "structs": named,
        "rules": {key: rule_data(rule) for key, rule in RULES.items()},
    }


def rule_data(rule: Rule) -> dict[str, Any]:
    """Return a rule as data; its id is its key."""
    data = asdict(rule)
    del data["id"]
    return _some(**data)


def _fields(listed: Iterable[Field], rest: Type | None) -> dict[str, Any]:
    data: dict[str, Any] = {"fields": [field_data(each) for each in listed]}
    return data if rest is None else data | {"rest": type_data(rest)}


def _some(**values: Any) -> dict[str, Any]:
    """Leave out what does not apply: nothing, an empty text, an empty list."""
    return {
        name: value
        for name, value in values.items()
        if value is not None and value not in ("", [], {})
    }


# --- the schema of the document ----------------------------------------------------------------

_TEXT = {"type": "string", "minLength": 1}
_TEXTS = {"type": "array", "items": _TEXT}
_VERSION = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)*$"}
_VERSIONED = {
    "since": _VERSION,
    "changed": {"type": "object", "propertyNames": _VERSION, "additionalProperties": _TEXT},
}
_VALUES = {"type": "array", "minItems": 1}
_FLAG = {"const": True}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


def _list(name: str) -> dict[str, Any]:
    return {"type": "array", "items": _ref(name)}


def _map(name: str) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": _ref(name)}


def _closed(needed: str, /, **properties: Any) -> dict[str, Any]:
    """Describe an object that has these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": needed.split(),
        "additionalProperties": False,
    }


def _kinds() -> list[dict[str, Any]]:
    """Describe the kinds of types."""
    return [
        _closed("kind", kind={"enum": list(SCALARS)}),
        _closed("kind form pattern", kind={"const": "text"}, form=_TEXT, pattern=_TEXT),
        _closed(
            "kind minimum",
            kind={"const": "range"},
            minimum={"type": "integer"},
            maximum={"type": "integer"},
        ),
        _closed("kind options", kind={"const": "union"}, options=_list("type") | {"minItems": 2}),
        _closed("kind values", kind={"const": "one_of"}, values={"type": "array"}),
        _closed(
            "kind item", kind={"const": "list"}, item=_ref("type"), min_items={"type": "integer"}
        ),
        _closed("kind items", kind={"const": "row"}, items=_list("type")),
        _closed("kind value", kind={"const": "map"}, key=_TEXT, value=_ref("type")),
        _closed("kind name", kind={"const": "struct"}, name=_TEXT),
    ]


def protocol_schema() -> dict[str, Any]:
    """Return the JSON Schema of `protocol`. It is strict: a property that it lacks is a mistake."""
    readings = _closed(
        "specification deployed clients", specification=_TEXT, deployed=_TEXT, clients=_TEXT
    )
    fields_ = {"fields": _list("field"), "rest": _ref("type")}
    each_field = _closed(
        "name type meaning required",
        name=_TEXT,
        type=_ref("type"),
        meaning=_TEXT,
        required={"type": "boolean"},
        when={"type": "object", "minProperties": 1, "additionalProperties": _VALUES},
        **_VERSIONED,
        deprecated=_VERSION,
        may_lack=_FLAG,
        accepts=_ref("type"),
        rule=_TEXT,
        readings=_ref("readings"),
        default=True,
    )
    message = _closed(
        "name protocol channels sender receiver purpose content",
        name=_TEXT,
        protocol={"enum": [KERNEL, CLUSTER]},
        channels=_TEXTS | {"minItems": 1},
        **dict.fromkeys(("sender", "receiver", "purpose", "reply"), _TEXT),
        reply_to=_TEXTS,
        parent=_TEXT,
        required=_FLAG,
        **_VERSIONED,
        deprecated=_VERSION,
        topic=_TEXT,
        content=_ref("content"),
        metadata=_list("field"),
        buffers=_TEXT,
        troubles=_TEXTS,
        readings=_ref("readings"),
        source=_TEXT,
    )
    file = _closed(
        "purpose content",
        purpose=_TEXT,
        **_VERSIONED,
        content=_ref("content"),
        readings=_ref("readings"),
        source=_TEXT,
    )
    rule = _closed(
        "level kind title source binds",
        level={"enum": list(LEVELS)},
        kind={"enum": list(KINDS)},
        title=_TEXT,
        source=_TEXT,
        binds={"enum": list(SIDES)},
        untested=_TEXT,
    )
    whole = _closed(
        "$schema title versions header messages files structs rules",
        **{"$schema": {"const": PROTOCOL_ID}},
        title=_TEXT,
        versions={"type": "array", "items": _VERSION},
        header=_ref("struct"),
        messages=_map("message"),
        files=_map("file"),
        structs=_map("struct"),
        rules=_map("rule"),
    )
    return {
        "$schema": DIALECT,
        "$id": PROTOCOL_ID,
        "title": "protocol.json",
        "description": "The catalogue of messages and files, as data.",
        **whole,
        "$defs": {
            "message": message,
            "file": file,
            "struct": _closed("purpose fields", purpose=_TEXT, **fields_),
            "content": _closed("fields", **fields_),
            "field": each_field,
            "type": {"oneOf": _kinds()},
            "readings": readings,
            "rule": rule,
        },
    }
