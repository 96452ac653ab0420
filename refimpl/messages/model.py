"""What the catalogue is written in: types, fields, messages.

A type says what a JSON value may be.  A field gives a type a name, a meaning, and tells when it is
there.  A message type is a list of fields with a sender, a receiver and a channel.

There are three readings of nearly everything: what the specification says, what deployed programs
do, and what the other side relies on.  Where they differ, `Readings` puts them side by side for
people.  For programs there are two profiles.  `SEND` is what to send: every field that is required,
every value exactly as specified.  `ACCEPT` is what to expect from deployed programs: a field marked
`may_lack` can be absent, and a field with `accepts` can hold more than it should.

>>> count = field("execution_count", INTEGER, "The number of the cell.", may_lack=True)
>>> count.is_required(SEND, {}), count.is_required(ACCEPT, {})
(True, False)
>>> str(STRING | NULL), str(ListOf(STRING)), str(OneOf("busy", "idle"))
('string or null', 'array of string', '"busy" or "idle"')
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import Any, Final

SEND: Final = "send"
ACCEPT: Final = "accept"
PROFILES: Final = (SEND, ACCEPT)

VERSIONS: Final = ("5.0", "5.1", "5.2", "5.3", "5.4", "5.5", "5.6")

ABSENT: Any = object()  # stands for a default that does not exist


# --- types -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Type:
    """What a JSON value may be. `str()` of it is what a reader sees in a table."""

    def __or__(self, other: Type) -> Union:
        """Join two types: a value may be of either."""
        options: list[Type] = []
        for each in (self, other):
            options += each.options if isinstance(each, Union) else [each]
        return Union(tuple(options))


@dataclass(frozen=True)
class Scalar(Type):
    """A type that JSON has a name for, or `any`."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Text(Type):
    """A string of a certain form: a regular expression (ECMA 262, unanchored), and its name."""

    form: str
    pattern: str

    def __str__(self) -> str:
        return f"string ({self.form})"


@dataclass(frozen=True)
class Number(Type):
    """An integer between bounds, both of them included."""

    minimum: int
    maximum: int | None = None

    def __str__(self) -> str:
        if self.maximum is None:
            return f"integer from {self.minimum}"
        return f"integer from {self.minimum} to {self.maximum}"


@dataclass(frozen=True)
class Union(Type):
    """One of several types."""

    options: tuple[Type, ...]

    def __str__(self) -> str:
        return " or ".join(map(str, self.options))


@dataclass(frozen=True, init=False)
class OneOf(Type):
    """One of a few values: `OneOf("busy", "idle")`."""

    values: tuple[str | int | bool, ...]

    def __init__(self, *values: str | int | bool) -> None:
        """Take the values."""
        object.__setattr__(self, "values", values)

    def __str__(self) -> str:
        return " or ".join(json.dumps(value) for value in self.values)


@dataclass(frozen=True)
class ListOf(Type):
    """An array, all of whose items have one type."""

    item: Type
    min_items: int = 0

    def __str__(self) -> str:
        return f"array of {self.item}"


@dataclass(frozen=True, init=False)
class Row(Type):
    """An array of a fixed length, each place with a type of its own."""

    items: tuple[Type, ...]

    def __init__(self, *items: Type) -> None:
        """Take the types, in order."""
        object.__setattr__(self, "items", items)

    def __str__(self) -> str:
        return f"array [{', '.join(map(str, self.items))}]" if self.items else "empty array"


@dataclass(frozen=True)
class MapOf(Type):
    """An object with keys that nobody knows beforehand, all of whose values have one type."""

    value: Type
    key: str = ""  # what a key is, for people: "MIME type", "engine id"

    def __str__(self) -> str:
        return f"object of {self.key or 'name'} to {self.value}"


@dataclass(frozen=True)
class Struct(Type):
    """An object with known fields. Fields that are not known are allowed, always."""

    name: str  # as a Python class would be named: HelpLink
    purpose: str
    fields: tuple[Field, ...]
    rest: Type | None = None  # what fields hold that are not among the known ones

    def __str__(self) -> str:
        return self.name


STRING = Scalar("string")
INTEGER = Scalar("integer")
NUMBER = Scalar("number")
BOOLEAN = Scalar("boolean")
NULL = Scalar("null")
OBJECT = Scalar("object")  # an object about whose fields the protocol says nothing
ANY = Scalar("any")


# --- fields ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Readings:
    """What three kinds of sources say, where they differ. Each text is one or two sentences."""

    specification: str
    deployed: str
    clients: str


@dataclass(frozen=True)
class Field:
    """A field of an object.

    It is required unless it has a default or is `optional`; with `when` it is required only if
    other fields of the same object have these values. Otherwise it means nothing, and if it is
    there all the same, it still has its type.
    """

    name: str
    type: Type
    meaning: str
    default: Any = ABSENT
    optional: bool = False
    when: Mapping[str, tuple[Any, ...]] = attribute(default_factory=dict)
    since: str = ""  # a version; empty: as old as what it belongs to
    deprecated: str = ""  # a version
    changed: Mapping[str, str] = attribute(default_factory=dict)  # version: what changed
    may_lack: bool = False  # deployed programs leave it out
    accepts: Type | None = None  # what deployed programs put here
    rule: str = ""  # the id of the rule about it
    readings: Readings | None = None

    def is_required(self, profile: str, siblings: Mapping[str, Any]) -> bool:
        """Tell whether the field has to be there, given the object that it should be in."""
        return self.is_needed(profile) and self.applies(siblings)

    def is_needed(self, profile: str) -> bool:
        """Tell whether the field has to be there in every object to which it applies."""
        lacking = profile == ACCEPT and self.may_lack
        return not (self.optional or self.default is not ABSENT or lacking)

    def applies(self, siblings: Mapping[str, Any]) -> bool:
        """Tell whether the field means anything in this object."""
        return all(
            any(is_same(siblings.get(name, ABSENT), value) for value in values)
            for name, values in self.when.items()
        )

    def type_in(self, profile: str) -> Type:
        """Return what the field may hold in a profile."""
        return self.accepts if profile == ACCEPT and self.accepts is not None else self.type


def by_name(fields: Iterable[Field]) -> dict[str, list[Field]]:
    """Group fields by their name; one name can have several types, each on a condition."""
    found: dict[str, list[Field]] = {}
    for each in fields:
        found.setdefault(each.name, []).append(each)
    return found


def is_same(one: Any, other: Any) -> bool:
    """Compare two values as JSON does: 1 is 1.0, but it is not true.

    >>> is_same(1, 1.0), is_same(1, True)
    (True, False)
    """
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def field(name: str, kind: Type, meaning: str, **options: Any) -> Field:
    """Describe a field: `field("code", STRING, "The source.")`. For the options see `Field`.

    `when` may be written with a single value: `when={"status": "ok"}`.
    """
    when = {
        key: value if isinstance(value, tuple) else (value,)
        for key, value in options.pop("when", {}).items()
    }
    return Field(name, kind, meaning, when=when, **options)


# --- messages ----------------------------------------------------------------------------------

KERNEL: Final = "kernel"
CLUSTER: Final = "cluster"


@dataclass(frozen=True)
class MessageType:
    """A kind of message.

    `key` is its name in the catalogue: the name on the wire, and where several kinds share that,
    a prefix before it, as in `hub.shutdown_request`.
    """

    name: str  # msg_type on the wire
    protocol: str  # KERNEL or CLUSTER
    channels: tuple[str, ...]
    sender: str
    receiver: str
    purpose: str  # one sentence
    fields: tuple[Field, ...] = ()
    key: str = ""  # empty: the name
    reply: str = ""  # the key of the message that answers this one
    reply_to: tuple[str, ...] = ()  # the keys of the requests that this one answers
    parent: str = "the request"  # what its parent header is; "" for none
    metadata: tuple[Field, ...] = ()
    buffers: str = ""  # what they hold; empty: it has none
    topic: str = ""  # on a PUB socket: the frame before the delimiter
    rest: Type | None = None  # what fields of the content hold that are not among the known ones
    required: bool = False  # every kernel (or: every cluster) has to understand it
    since: str = ""
    deprecated: str = ""
    changed: Mapping[str, str] = attribute(default_factory=dict)
    troubles: tuple[str, ...] = ()  # what goes wrong in practice; each text is a sentence or two
    readings: Readings | None = None
    source: str = ""  # where it is defined: a section, or a place in the deployed code

    def __post_init__(self) -> None:
        """Complete the key."""
        if not self.key:
            object.__setattr__(self, "key", self.name)

    def content(self) -> Struct:
        """Return the content as a type, named as a Python class would be."""
        return Struct(class_name(self.key), self.purpose, self.fields, self.rest)


@dataclass(frozen=True)
class FileType:
    """A file that two programs exchange: a JSON object."""

    key: str  # connection-file
    purpose: str
    fields: tuple[Field, ...]
    rest: Type | None = None
    since: str = ""
    changed: Mapping[str, str] = attribute(default_factory=dict)
    readings: Readings | None = None
    source: str = ""

    def content(self) -> Struct:
        """Return the object in the file as a type."""
        return Struct(class_name(self.key), self.purpose, self.fields, self.rest)


def class_name(key: str) -> str:
    """Turn a key into the name of a class.

    >>> class_name("hub.shutdown_request"), class_name("connection-file")
    ('HubShutdownRequest', 'ConnectionFile')
    """
    words = key.replace(".", "_").replace("-", "_").split("_")
    return "".join(word[:1].upper() + word[1:] for word in words)


def structs(kind: Type, profile: str = "") -> Iterator[Struct]:
    """List the named objects inside a type, itself included, inner ones first.

    Without a profile it lists those of both.
    """
    match kind:
        case Union(options=inner) | Row(items=inner):
            for each in inner:
                yield from structs(each, profile)
        case ListOf(item=item):
            yield from structs(item, profile)
        case MapOf(value=value):
            yield from structs(value, profile)
        case Struct(fields=fields, rest=rest):
            for each_field in fields:
                for one in (profile,) if profile else PROFILES:
                    yield from structs(each_field.type_in(one), profile)
            if rest is not None:
                yield from structs(rest, profile)
            yield kind
