"""The catalogue as Python types: the source of `refimpl.contents`.

For authors who have a type checker.  Every content, every file and every object inside them becomes
a `TypedDict`, in the strict profile: what a program should send.  A reply that looks different for
each status becomes one class for each, and a union of them, so that a checker knows after
`if reply["status"] == "ok":` which fields there are.

>>> from refimpl.messages.model import NULL, STRING
>>> print(annotation(ListOf(STRING | NULL)), annotation(OneOf("busy", "idle")))
list[str | None] Literal["busy", "idle"]
"""

from __future__ import annotations

import json
import keyword
import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from . import FILES, HEADER, MESSAGES
from .model import (
    ABSENT,
    ANY,
    SEND,
    Field,
    ListOf,
    MapOf,
    Number,
    OneOf,
    Row,
    Scalar,
    Struct,
    Text,
    Type,
    Union,
    class_name,
    structs,
)

WIDTH = 100
INDENT = "    "
SCALARS = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
    "object": "dict[str, Any]",
    "any": "Any",
}

HEAD = '''\
"""The contents of all messages and files, as types.

Generated from the catalogue by `python -m refimpl protocol write`: change the catalogue, not this.
They say what a program should send. What has a status is a union; compare the status to narrow it:

    def total(reply: ExecuteReply) -> int:
        return reply["execution_count"] if reply["status"] == "ok" else 0

Arrays are lists, as JSON readers make them, also those of a fixed length.
"""

# fmt: off
# ruff: noqa: D205, D209
# Annotations are not postponed: that would hide NotRequired from those who look at run time.
from typing import '''
NAMES = ("Any", "Literal", "Never", "NotRequired", "TypeAlias", "TypedDict")


def annotation(kind: Type) -> str:
    """Return the annotation of a type."""
    match kind:
        case Scalar(name=name):
            return SCALARS[name]
        case Text():
            return "str"
        case Number():
            return "int"
        case OneOf(values=()):
            return "Never"
        case OneOf(values=values):
            return f"Literal[{', '.join(_literal(value) for value in values)}]"
        case Union(options=options):
            return _either(options)
        case ListOf(item=item):
            return f"list[{annotation(item)}]"
        case Row(items=items):
            return f"list[{_either(items)}]"
        case MapOf(value=value):
            return f"dict[str, {annotation(value)}]"
        case Struct(name=name):
            return name
    raise TypeError(f"expected a type of the catalogue, got {kind!r}")


def _either(options: Iterable[Type]) -> str:
    flat = [
        inner
        for option in options
        for inner in (option.options if isinstance(option, Union) else (option,))
    ]
    parts = [annotation(option) for option in flat]
    if annotation(ANY) in parts:
        return "Any"
    unique = dict.fromkeys(parts)
    return " | ".join(sorted(unique, key=lambda part: part == "None"))  # None comes last


def _literal(value: Any) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(value)


# --- variants ----------------------------------------------------------------------------------


def discriminator(struct: Struct) -> Field | None:
    """Find the field that decides which others there are: one of a few strings, or None."""
    deciding = {name for each in struct.fields for name in each.when}
    for each in struct.fields:
        words = isinstance(each.type, OneOf) and all(isinstance(v, str) for v in each.type.values)
        if words and each.name in deciding and each.is_needed(SEND) and not each.when:
            return each
    return None


def variant_name(struct: Struct, value: str) -> str:
    """Name the class of one variant: ExecuteReplyOk."""
    return struct.name + class_name(value)


@dataclass(frozen=True)
class Variant:
    """A class that a named object becomes: its fields, and whether each has to be there."""

    name: str
    purpose: str
    fields: list[tuple[Field, bool]]


def variants(struct: Struct) -> list[Variant]:
    """Return the classes that a named object becomes.

    Without a field that decides there is one class, and what is there on a condition is optional.
    """
    purpose = struct.purpose
    if struct.rest is not None and struct.fields:
        purpose += f" Other keys hold: {struct.rest}."
    deciding = discriminator(struct)
    if deciding is None or not isinstance(deciding.type, OneOf):
        fields = [(each, each.is_needed(SEND) and not each.when) for each in struct.fields]
        return [Variant(struct.name, purpose, _once(fields))]
    found = []
    for value in map(str, deciding.type.values):
        fields = []
        for each in struct.fields:
            wanted = each.when.get(deciding.name, (value,))
            if each is deciding:
                fields.append((Field(each.name, OneOf(value), each.meaning), True))
            elif value in wanted:
                certain = each.when.keys() <= {deciding.name}
                fields.append((each, each.is_needed(SEND) and certain))
        about = f'{purpose} If `{deciding.name}` is "{value}".'
        found.append(Variant(variant_name(struct, value), about, _once(fields)))
    return found


def _once(listed: list[tuple[Field, bool]]) -> list[tuple[Field, bool]]:
    """Join fields of one name, which has a type for each condition."""
    found: dict[str, tuple[Field, bool]] = {}
    for each, needed in listed:
        if each.name in found:
            joined = Field(each.name, found[each.name][0].type | each.type, each.meaning)
            found[each.name] = joined, False
        else:
            found[each.name] = each, needed
    return list(found.values())


# --- source ------------------------------------------------------------------------------------


def module() -> str:
    """Return the source of `refimpl/contents.py`."""
    roots = [HEADER]
    for message in MESSAGES.values():
        if message.metadata:
            name = f"{class_name(message.key)}Metadata"
            roots.append(Struct(name, f"The metadata of {message.key}.", message.metadata))
        roots.append(message.content())
    roots += [file.content() for file in FILES.values()]
    named = {each.name: each for root in roots for each in structs(root, SEND)}
    body = "".join(f"\n\n{source(each)}" for each in named.values())
    used = [name for name in NAMES if re.search(rf"\b{name}\b", body)]
    return f"{HEAD}{', '.join(used)}\n{body}"


def source(struct: Struct) -> str:
    """Return the source of what a named object becomes."""
    purpose = "\n".join(_docstring(struct.purpose))
    if not struct.fields and struct.rest is not None:
        return f"{struct.name}: TypeAlias = dict[str, {annotation(struct.rest)}]\n{purpose}\n"
    found = variants(struct)
    text = "\n\n".join(map(_class, found))
    if found[0].name == struct.name:
        return text
    names = [each.name for each in found]
    union = f"{struct.name}: TypeAlias = {' | '.join(names)}"
    if len(union) > WIDTH:
        union = f"{struct.name}: TypeAlias = (\n    " + "\n    | ".join(names) + "\n)"
    return f"{text}\n\n{union}\n{purpose}\n"


def _class(variant: Variant) -> str:
    names = [each.name for each, _ in variant.fields]
    if not all(name.isidentifier() and not keyword.iskeyword(name) for name in names):
        return _call(variant)
    lines = [f"class {variant.name}(TypedDict):", *_docstring(variant.purpose, INDENT)]
    for each, needed in variant.fields:
        kind = annotation(each.type)
        lines += ["", *_wrapped(f"{each.name}: {kind if needed else f'NotRequired[{kind}]'}")]
        lines += _docstring(_about(each), INDENT)
    return "\n".join(lines) + "\n"


def _call(variant: Variant) -> str:
    """Write the class as a call, for names of fields that Python cannot have."""
    lines = [f"{variant.name} = TypedDict(", f'    "{variant.name}",', "    {"]
    for each, needed in variant.fields:
        kind = annotation(each.type)
        text = kind if needed else f"NotRequired[{kind}]"
        lines.append(f"        {json.dumps(each.name)}: {text},")
    return "\n".join([*lines, "    },", ")", *_docstring(variant.purpose)]) + "\n"


def _about(each: Field) -> str:
    text = each.meaning
    if each.default is not ABSENT:
        text += f" Without it: {json.dumps(each.default)}."
    if each.deprecated:
        text += f" Deprecated since {each.deprecated}."
    return text


def _docstring(text: str, indent: str = "") -> list[str]:
    """Wrap a text to a docstring."""
    text = text.replace("\\", "\\\\").replace('"""', "'''")
    if text.endswith('"'):
        text += " "
    return textwrap.wrap(
        f'"""{text}"""',
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _wrapped(line: str) -> list[str]:
    """Break an annotation that is too long, after commas and before bars."""
    if len(line) <= WIDTH - 4:
        return [f"    {line}"]
    head, _, rest = line.partition("[")
    inside = textwrap.wrap(rest.removesuffix("]"), WIDTH - 8, break_long_words=False)
    return [f"    {head}[", *(f"        {part}" for part in inside), "    ]"]
