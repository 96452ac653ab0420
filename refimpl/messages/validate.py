"""Say what is wrong with a message or a file, and where.

A short walk over the types of the catalogue.  It comes to the same verdict as the JSON Schemas,
which a test makes sure of, but it needs no library and says more: the rule that a field is about,
and in *notes* what is allowed and yet seldom meant, such as the misspelt name of a field.

Whatever it is given, it returns a list and does not raise: the value of a stranger is its subject.

>>> message = {"header": {}, "parent_header": {}, "metadata": {}, "content": []}
>>> print(check_message(message, key="execute_request")[-1])
content: expected an object, got an empty array
>>> print(check_content("execute_request", {"code": 5})[0])
content.code: expected string, got number 5
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from . import FILES, HEADER, MESSAGES, find
from .model import (
    ANY,
    OBJECT,
    SEND,
    Field,
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
    is_same,
)
from .model import field as described
from .problem import ERROR, NOTE, SHOWN, Problem, joined, nearest, quoted, shown, veiled
from .schema import NO_PARENT, envelope

MISSPELT = 10  # fields of an object for which similar names are looked for
LIMIT = 100  # problems reported of one value, of either level
HIDDEN = "key"  # how the names of fields end whose values nobody may read in a log


class Repeating(dict[str, Any]):
    """An object in whose text names stand more than once; it has the last value of each."""

    names: tuple[str, ...] = ()


# --- the walk ----------------------------------------------------------------------------------


def is_integer(value: Any) -> bool:
    """Tell whether a value is a number without a fraction."""
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int) and not isinstance(value, bool)


# How JSON Schema understands its names: 1.0 is an integer, true is no number.
SCALARS: dict[str, Callable[[Any], bool]] = {
    "any": lambda value: True,
    "string": lambda value: isinstance(value, str),
    "integer": is_integer,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "object": lambda value: isinstance(value, Mapping),
}


def is_array(value: Any) -> bool:
    """Tell whether a value becomes a JSON array; a tuple does."""
    return isinstance(value, list | tuple)


@functools.cache
def compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern so that it means what it means in JSON Schema: `$` is the very end."""
    at_end = re.compile(r"(?<!\\)\$(?=[)|]|\Z)")  # elsewhere it is a character of a class
    return re.compile(at_end.sub(r"\\Z", pattern), re.ASCII)


class Walk:
    """Checks values against types, in one profile. Its methods yield problems."""

    def __init__(self, profile: str) -> None:
        """Take the profile."""
        self.profile = profile

    def value(self, value: Any, kind: Type, path: str, rule: str = "") -> Iterator[Problem]:
        """Check a value; the rule is the one about the field that holds it."""
        match kind:
            case Struct() if isinstance(value, Mapping):
                yield from self.struct(value, kind, path)
            case Union():
                yield from self.union(value, kind, path, rule)
            case MapOf(value=inner) if isinstance(value, Mapping):
                for key, each in value.items():
                    yield from self.value(each, inner, joined(path, key), rule)
            case ListOf(item=item, min_items=least) if is_array(value):
                if len(value) < least:
                    expected = "an array that is not empty" if least == 1 else f"{least} items"
                    yield Problem(path, expected, shown(value), rule)
                for index, each in enumerate(value if item != ANY else ()):
                    yield from self.value(each, item, f"{path}[{index}]", rule)
            case Row(items=items) if is_array(value):
                if len(value) != len(items):
                    expected = f"an array of {len(items)}" if items else "an empty array"
                    yield Problem(path, expected, shown(value), rule)
                for index, (each, item) in enumerate(zip(value, items, strict=False)):
                    yield from self.value(each, item, f"{path}[{index}]", rule)
            case _ if not fits(value, kind):
                yield Problem(path, in_words(kind), shown(value), rule)

    def union(self, value: Any, kind: Union, path: str, rule: str) -> Iterator[Problem]:
        """Check a value that may be of several types: report what the nearest one lacks."""
        closest: list[Problem] | None = None
        least: tuple[int, int] | None = None
        for option in kind.options:
            problems = list(self.value(value, option, path, rule))
            errors = [each for each in problems if each.level == ERROR]
            if not errors:
                yield from problems
                return
            if any(each.path == path for each in errors):
                continue  # another kind of value altogether
            fields = option.fields if isinstance(option, Struct) else ()
            distance = (-sum(each.name in value for each in fields), len(errors))
            if least is None or distance < least:
                closest, least = problems, distance
        yield from closest or [Problem(path, in_words(kind), shown(value), rule)]

    def struct(self, value: Mapping[Any, Any], kind: Struct, path: str) -> Iterator[Problem]:
        """Check an object field by field, then what it has beyond the fields that are known."""
        for name, fields in by_name(kind.fields).items():
            place = joined(path, name)
            applying = [each for each in fields if each.applies(value)]
            if name not in value:
                for each in applying:
                    if each.is_needed(self.profile):
                        expected = in_words(each.type_in(self.profile))
                        yield Problem(place, expected, "nothing", each.rule)
            elif applying or len(fields) == 1:
                for each in applying or fields:
                    yield from self.field(value[name], each, place)
            else:
                types = tuple(each.type_in(self.profile) for each in fields)
                yield from self.value(value[name], Union(types), place)
        known = {each.name for each in kind.fields}
        others = [key for key in value if key not in known]
        for number, key in enumerate(others):
            if kind.rest is None:
                # Looking for similar names takes its time, and nobody misspells that many.
                names = [] if number >= MISSPELT else sorted(known - value.keys())
                yield unknown(joined(path, key), key, value[key], names)
            else:
                yield from self.value(value[key], kind.rest, joined(path, key))

    def field(self, value: Any, each: Field, place: str) -> Iterator[Problem]:
        """Check the value of a field."""
        if each.deprecated:
            expected = f"nothing (deprecated since {each.deprecated})"
            yield Problem(place, expected, shown(value), each.rule, NOTE)
        for problem in self.value(value, each.type_in(self.profile), place, each.rule):
            yield replace(problem, found=veiled(value)) if each.name.endswith(HIDDEN) else problem


def fits(value: Any, kind: Type) -> bool:
    """Tell whether a value is of a type that has no inner types."""
    match kind:
        case Scalar(name=name):
            return SCALARS[name](value)
        case Text(pattern=pattern):
            return isinstance(value, str) and compiled(pattern).search(value) is not None
        case Number(minimum=low, maximum=high):
            return is_integer(value) and low <= value and (high is None or value <= high)
        case OneOf(values=values):
            return any(is_same(value, each) for each in values)
    return False


def in_words(kind: Type) -> str:
    """Name a type as something to expect.

    >>> in_words(OneOf()), in_words(OBJECT), in_words(ListOf(OBJECT))
    ('nothing', 'an object', 'an array')
    """
    match kind:
        case OneOf(values=()):
            return "nothing"
        case Row(items=()):
            return "an empty array"
        case Struct() | MapOf() | Scalar(name="object"):
            return "an object"
        case ListOf() | Row():
            return "an array"
        case Scalar(name="any"):
            return "any value"
        case Union(options=options):
            words = list(dict.fromkeys(in_words(option) for option in options))
            return " or ".join(words)
    return str(kind)


def unknown(path: str, key: Any, value: Any, names: Iterable[str]) -> Problem:
    """Note a field that the catalogue does not have, and which of the names may have been meant."""
    near = nearest(key, names)
    expected = "a field that is known" + (f" (did you mean {near}?)" if near else "")
    return Problem(path, expected, veiled(value), "R-REQ-5", NOTE)  # it may be a key, misspelt


# --- what is not JSON --------------------------------------------------------------------------


def not_json(value: Any) -> Iterator[Problem]:
    """Find, at any depth, what JSON cannot hold: NaN, keys that are not strings, other objects."""
    # A path is a chain of (the rest of the path, key): it is written out only for a problem.
    todo: list[tuple[Any, tuple[Any, Any] | None]] = [(value, None)]
    seen: set[int] = set()  # a value that contains itself has no end
    while todo:
        each, chain = todo.pop()
        if isinstance(each, Mapping) or is_array(each):
            if id(each) in seen:
                continue
            seen.add(id(each))
            for name in each.names if isinstance(each, Repeating) else ():
                path = joined(written(chain), name)
                yield Problem(path, "one value", "several, of which the last counts", "R-WIRE-9")
            keyed = each.items() if isinstance(each, Mapping) else enumerate(each)
            found: list[tuple[Any, tuple[Any, Any] | None]] = []
            for key, inner in keyed:
                if isinstance(each, Mapping) and not isinstance(key, str):
                    yield Problem(written(chain), "keys that are strings", f"key {shown(key)}")
                found.append((inner, (chain, key)))
            todo += reversed(found)
        elif isinstance(each, float):
            if not math.isfinite(each):
                yield Problem(written(chain), "a finite number", shown(each), "R-WIRE-9")
        elif each is not None and not isinstance(each, str | int):
            yield Problem(written(chain), "a JSON value", shown(each), "R-WIRE-9")


def written(chain: tuple[Any, Any] | None) -> str:
    """Write a chain out as a path; of one that is very long, the end."""
    keys: list[Any] = []
    while chain is not None and len(keys) < SHOWN:
        chain, key = chain
        keys.append(key)
    path = "" if chain is None else "…"
    for key in reversed(keys):
        path = joined(path, key)
    return path


# --- messages and files ------------------------------------------------------------------------

WHOLE = Struct(
    "Message",
    "A message of a type that nobody knows.",
    (
        described("header", HEADER, "What this message is."),
        described("parent_header", HEADER | NO_PARENT, "The header of its cause."),
        described("metadata", OBJECT, "Notes."),
        described("content", OBJECT, "The message itself."),
        described("buffers", ListOf(ANY), "Binary data.", optional=True),
    ),
)
# What jupyter_client and jupyter_server put beside the parts of a message.
BESIDE = ("msg_id", "msg_type", "channel")


@dataclass
class Report:
    """Collects problems, and counts those that are too many."""

    problems: list[Problem] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: {ERROR: 0, NOTE: 0})

    def add(self, problems: Iterable[Problem]) -> None:
        """Add problems up to the limit."""
        for each in problems:
            self.counts[each.level] += 1
            if self.counts[each.level] <= LIMIT:
                self.problems.append(each)

    def done(self) -> list[Problem]:
        """Return the problems, in the end how many there are beyond them."""
        for level, count in self.counts.items():
            if count > LIMIT:
                more = f"{count - LIMIT:,} more of them"
                self.problems.append(Problem("", f"at most {LIMIT} {level}s", more, level=level))
        return self.problems


def check_message(
    message: Any,
    profile: str = SEND,
    *,
    channel: str = "",
    sender: str = "",
    protocol: str = "",
    key: str = "",
) -> list[Problem]:
    """Check a whole message: its header, parent_header, metadata, content and buffers.

    `channel`, `sender` and `protocol` are what is known of its way; see `find`.  With `key` it has
    to be of that kind; otherwise its msg_type says what it is.
    Raises KeyError if the catalogue has no such key.
    """
    report = Report()
    report.add(_of_message(message, profile, channel, sender, protocol, key))
    return report.done()


def _of_message(
    message: Any, profile: str, channel: str, sender: str, protocol: str, key: str
) -> Iterator[Problem]:
    walk = Walk(profile)
    if not isinstance(message, Mapping):
        yield Problem("", "a message, which is an object", shown(message))
        return
    given = {name: value for name, value in message.items() if name not in BESIDE}
    yield from not_json({name: value for name, value in given.items() if name != "buffers"})
    if key:
        yield from walk.value(given, envelope(MESSAGES[key], profile), "")
        return
    name = msg_type(message)
    candidates = find(name)
    if not candidates:
        if name:
            near = nearest(name, (each.name for each in MESSAGES.values()))
            meant = f" (did you mean {near}?)" if near else ""
            expected = f"a message type that is known{meant}"
            yield Problem("header.msg_type", expected, shown(name), "R-REQ-5", NOTE)
        yield from walk.value(given, WHOLE, "")
        return
    fitting = find(name, channel, sender, protocol)
    if not fitting:
        yield from _misplaced(candidates, profile, channel, sender, protocol)
    results = [
        list(walk.value(given, envelope(kind, profile), "")) for kind in fitting or candidates
    ]
    kinds = zip(fitting or candidates, results, strict=True)
    kind, problems = min(kinds, key=lambda pair: sum(each.level == ERROR for each in pair[1]))
    if kind.deprecated:
        expected = f"no such message (deprecated since {kind.deprecated})"
        yield Problem("header.msg_type", expected, shown(name), level=NOTE)
    yield from problems


def _misplaced(
    candidates: Sequence[MessageType], profile: str, channel: str, sender: str, protocol: str
) -> Iterator[Problem]:
    """Say that a message is known, but not on this channel, from this sender, in this protocol."""
    level = ERROR if profile == SEND else NOTE
    for what, found, expected in (
        ("channel", channel, [name for each in candidates for name in each.channels]),
        ("sender", sender, [name for each in candidates for name in each.sender.split(" or ")]),
        ("protocol", protocol, [each.protocol for each in candidates]),
    ):
        if found and found not in expected:
            allowed = " or ".join(dict.fromkeys(expected))
            rule = "R-REQ-7" if what == "channel" else ""
            yield Problem(what, allowed, quoted(found), rule, level)


def msg_type(message: Mapping[Any, Any]) -> str:
    """Return what a message says it is; empty if it does not say it in a string."""
    header = message.get("header")
    name = header.get("msg_type") if isinstance(header, Mapping) else None
    return name if isinstance(name, str) else ""


def check_content(key: str, content: Any, profile: str = SEND) -> list[Problem]:
    """Check the content of a message; raises KeyError if the catalogue has no such key."""
    report = Report()
    report.add(not_json({"content": content}))
    report.add(Walk(profile).value(content, MESSAGES[key].content(), "content"))
    return report.done()


def check_file(key: str, value: Any, profile: str = SEND) -> list[Problem]:
    """Check what is in a file, such as a connection file; raises KeyError for an unknown key."""
    report = Report()
    report.add(not_json(value))
    report.add(Walk(profile).value(value, FILES[key].content(), ""))
    return report.done()
