"""The catalogue laid out as text for a terminal.

Each function returns lines, as wide as the terminal allows and no wider than one likes to read.

>>> presence(MESSAGES["is_complete_reply"].fields[0])
'required'
"""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Iterable, Mapping

from . import FILES, HEADER, MESSAGES, find
from .model import ABSENT, Field, FileType, MessageType, Readings, Struct, structs
from .rules import RULES

WIDEST = 100  # longer lines are hard to read
NAME_WIDTH = 28  # of a column of names, at most
INDENT = "  "

# --- layout ------------------------------------------------------------------------------------


def width() -> int:
    """Return how many characters fit into a line."""
    return min(max(shutil.get_terminal_size().columns, 40), WIDEST)


def wrapped(text: str, indent: str = "", hanging: str | None = None) -> list[str]:
    """Break a text into lines; `hanging` is the indent of all lines but the first."""
    return textwrap.wrap(
        text,
        width(),
        initial_indent=indent,
        subsequent_indent=indent if hanging is None else hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )


def rows(pairs: Iterable[tuple[str, str]], indent: str = INDENT) -> list[str]:
    """Lay out pairs of a name and a text in two columns; an empty text is left out."""
    listed = [(name, text) for name, text in pairs if text]
    column = min(max((len(name) for name, _ in listed), default=0), NAME_WIDTH) + 2
    lines = []
    for name, text in listed:
        hanging = indent + " " * column
        first = f"{indent}{name:{column}}"
        if len(name) + 2 > column:
            lines.append(f"{indent}{name}")
            first = hanging
        lines += wrapped(text, first, hanging)
    return lines


def grouped(listed: Iterable[tuple[str, str, str]]) -> list[str]:
    """Lay out (group, name, text) under a heading for each group."""
    entries = list(listed)
    column = max((len(name) for _, name, _ in entries), default=0)
    lines = []
    for group in dict.fromkeys(each for each, _, _ in entries):
        lines += ["", group] if group else []
        pairs = [(f"{name:{column}}", text) for each, name, text in entries if each == group]
        lines += rows(pairs)
    return lines


# --- one at a time -------------------------------------------------------------------------------


def named_objects() -> dict[str, Struct]:
    """Return the objects that have a name of their own, the header among them."""
    contents = [message.content() for message in MESSAGES.values()]
    contents += [file.content() for file in FILES.values()]
    found = {HEADER.name: HEADER}
    for root in contents:
        found |= {each.name: each for each in structs(root) if each is not root}
    return found


def message_lines(message: MessageType) -> list[str]:
    """Describe a message."""
    others = [each.key for each in find(message.name) if each is not message]
    parent = message.parent or ("none" if not message.reply_to else "")
    lines = [message.key, *wrapped(message.purpose, INDENT), ""]
    lines += rows(
        [
            ("direction", f"{message.sender} to {message.receiver}"),
            ("channel", " or ".join(message.channels)),
            ("protocol", message.protocol),
            ("on the wire", message.name if message.name != message.key else ""),
            ("answered by", message.reply),
            ("answers", " or ".join(message.reply_to)),
            ("parent", parent),
            ("topic", message.topic),
            ("required", f"every {message.receiver} has to know it" if message.required else ""),
            ("versions", versions(message.since, message.deprecated, message.changed)),
            ("source", message.source),
            ("see also", ", ".join(others)),
        ]
    )
    lines += ["", "Content", *content_lines(message.content())]
    if message.metadata:
        lines += ["", "Metadata", *field_lines(message.metadata)]
    if message.buffers:
        lines += ["", "Buffers", *wrapped(message.buffers, INDENT)]
    lines += readings_lines("", message.readings)
    for each in message.fields + message.metadata:
        lines += readings_lines(each.name, each.readings)
    if message.troubles:
        lines += ["", "What goes wrong"]
        for trouble in message.troubles:
            lines += wrapped(trouble, f"{INDENT}- ", INDENT * 2)
    return lines + rule_list(message.fields)


def file_lines(file: FileType) -> list[str]:
    """Describe a file."""
    lines = [file.key, *wrapped(file.purpose, INDENT), ""]
    lines += rows([("versions", versions(file.since, "", file.changed)), ("source", file.source)])
    lines += ["", "Fields", *content_lines(file.content())]
    lines += readings_lines("", file.readings)
    for each in file.fields:
        lines += readings_lines(each.name, each.readings)
    return lines + rule_list(file.fields)


def struct_lines(struct: Struct) -> list[str]:
    """Describe an object that has a name of its own."""
    lines = [struct.name, *wrapped(struct.purpose, INDENT), "", "Fields", *content_lines(struct)]
    for each in struct.fields:
        lines += readings_lines(each.name, each.readings)
    return lines + rule_list(struct.fields)


def rule_lines(key: str) -> list[str]:
    """Describe a rule."""
    rule = RULES[key]
    about = [
        place
        for content in [message.content() for message in MESSAGES.values()]
        for place in [f"{content.name}.{each.name}" for each in content.fields if each.rule == key]
    ]
    return [
        rule.id,
        *wrapped(rule.title, INDENT),
        "",
        *rows(
            [
                ("level", f"{rule.level} ({rule.kind})"),
                ("binds", rule.binds),
                ("source", rule.source),
                ("fields", ", ".join(about)),
                ("untested", rule.untested),
            ]
        ),
    ]


def content_lines(struct: Struct) -> list[str]:
    """Describe the fields of an object, then the objects inside it."""
    lines = field_lines(struct.fields)
    if struct.rest is not None:
        lines += rows([("(other names)", str(struct.rest))])
    if not lines:
        lines = [f"{INDENT}empty"]
    inside = {each.name: each for each in structs(struct) if each.name != struct.name}
    for inner in inside.values():
        lines += ["", inner.name, *wrapped(inner.purpose, INDENT), *field_lines(inner.fields)]
        if inner.rest is not None:
            lines += rows([("(other names)", str(inner.rest))])
    return lines


def field_lines(fields: Iterable[Field]) -> list[str]:
    """Describe fields: name and type, when it is there, what it means, what else is to be known."""
    listed = list(fields)
    column = min(max((len(each.name) for each in listed), default=0), NAME_WIDTH) + 2
    hanging = INDENT + " " * column
    lines = []
    for each in listed:
        facts = f"{each.type}; {presence(each)}"
        first = f"{INDENT}{each.name:{column}}"
        if len(each.name) + 2 > column:
            lines.append(f"{INDENT}{each.name}")
            first = hanging
        lines += wrapped(facts, first, hanging)
        lines += wrapped(each.meaning, hanging)
        history = versions(each.since, each.deprecated, each.changed)
        for text in (f"Version: {history}." if history else "", deployed(each)):
            lines += wrapped(text, hanging) if text else []
    return lines


def presence(each: Field) -> str:
    """Say when a field is there."""
    if each.default is not ABSENT:
        text = f"default {json.dumps(each.default)}"
    else:
        text = "optional" if each.optional else "required"
    conditions = [
        f"{name} is {' or '.join(json.dumps(value) for value in values)}"
        for name, values in each.when.items()
    ]
    return f"{text} if {' and '.join(conditions)}" if conditions else text


def deployed(each: Field) -> str:
    """Say what to expect from deployed programs, where it differs."""
    parts = []
    if each.may_lack:
        parts.append("may leave it out")
    if each.accepts is not None:
        parts.append(f"may send {each.accepts}")
    return f"Deployed programs {' and '.join(parts)}." if parts else ""


def versions(since: str, deprecated: str, changed: Mapping[str, str]) -> str:
    """Say what happened in which version."""
    parts = [f"since {since}"] if since else []
    parts += [f"{version}: {what}" for version, what in changed.items()]
    if deprecated:
        parts.append(f"deprecated since {deprecated}")
    return "; ".join(parts)


def readings_lines(name: str, readings: Readings | None) -> list[str]:
    """Put three readings one below the other."""
    if readings is None:
        return []
    title = f"Three readings of {name}" if name else "Three readings"
    pairs = [
        ("specification", readings.specification),
        ("deployed", readings.deployed),
        ("clients", readings.clients),
    ]
    return ["", title, *rows(pairs)]


def rule_list(fields: Iterable[Field]) -> list[str]:
    """List the rules that fields name."""
    named = dict.fromkeys(each.rule for each in fields if each.rule in RULES)
    lines = rows((key, RULES[key].title) for key in named)
    return ["", "Rules", *lines] if lines else []
