"""Nodes made from the catalogue's data: texts, types, tables of fields, readings.

Texts of the catalogue are plain, but for three things: code in backquotes, ids of rules, addresses.
Code that is the key of a message links to it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from docutils import nodes

from refimpl.messages import MESSAGES
from refimpl.messages.model import ABSENT, ANY, Field, OneOf, Readings, Struct, Type, structs

from .exchange import folded, folded_title, optional_link
from .fields import table

MARKUP = re.compile(
    r"`(?P<code>[^`]+)`|(?P<rule>R-[A-Z]+-\d+)|(?P<url>https?://\S+?)(?=[.,;:)]*(?:\s|$))"
)


# --- text --------------------------------------------------------------------------------------


def rich(text: str) -> list[nodes.Node]:
    """Turn a text of the catalogue into nodes: backquotes, ids of rules and addresses mean more."""
    found: list[nodes.Node] = []
    end = 0
    text = re.sub(r" {2,}", " ", text)
    for match in MARKUP.finditer(text):
        found.append(nodes.Text(text[end : match.start()]))
        end = match.end()
        if code := match["code"]:
            # `status` and `error` are fields, too.
            is_message = code in MESSAGES and "_" in code
            found.append(message_link(code) if is_message else nodes.literal("", code))
        elif rule := match["rule"]:
            found.append(optional_link("rule", rule, nodes.inline("", rule)))
        else:
            found.append(nodes.reference("", match["url"], refuri=match["url"]))
    found.append(nodes.Text(text[end:]))
    return [node for node in found if not isinstance(node, nodes.Text) or str(node)]


def paragraph(text: str, *classes: str) -> nodes.paragraph:
    """Make a paragraph from a text of the catalogue."""
    return nodes.paragraph("", "", *rich(text), classes=list(classes))


def sentence(text: str) -> str:
    """Begin with a capital letter, unless code comes first; end with a full stop or three dots."""
    text = text.strip()
    text = text[:1].upper() + text[1:]
    return text if text.endswith("…") else text.rstrip(".") + "."


def message_link(key: str) -> nodes.Node:
    """Link to a message type."""
    return optional_link("msg", key, nodes.literal("", key))


def joined(items: Sequence[str], word: str) -> str:
    """Join with commas and a word: a, b or c."""
    return f" {word} ".join(filter(None, [", ".join(items[:-1]), items[-1]]))


# --- tables of fields --------------------------------------------------------------------------


def presence(field: Field) -> str:
    """Say whether a field has to be there.

    >>> from refimpl.messages.model import STRING, field
    >>> presence(field("ename", STRING, "Its name.", when={"status": ("error", "aborted")}))
    'required if `status` is `"error"` or `"aborted"`'
    """
    if field.default is not ABSENT:
        said = f"default `{_as_json(field.default)}`"
    else:
        said = "optional" if field.optional else "required"
    conditions = [
        f"`{name}` is {joined([f'`{_as_json(value)}`' for value in values], 'or')}"
        for name, values in field.when.items()
    ]
    if conditions:
        said += f" if {joined(conditions, 'and')}"
    return f"{said}, not always sent" if field.may_lack else said


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def type_nodes(kind: Type, prefix: str) -> list[nodes.Node]:
    """Name a type; the objects in it link to their own tables, at `prefix-Name`."""
    names = {struct.name for struct in structs(kind)}
    found: list[nodes.Node] = []
    for piece in re.split(r'(\w+|"[^"]*")', str(kind)):
        if piece in names:
            found.append(nodes.reference("", piece, refid=f"{prefix}-{piece}", internal=True))
        elif piece.startswith('"'):
            found.append(nodes.literal("", piece))
        elif piece:
            found.append(nodes.Text(piece))
    return found


def field_row(field: Field, prefix: str) -> list[nodes.Node]:
    """Write one field: its name, what it may hold and when, what it means."""
    name = nodes.paragraph("", "", nodes.literal("", field.name))
    if field.since:
        name += [nodes.Text(" "), nodes.inline("", f"since {field.since}", classes=["since"])]
    if field.deprecated:
        text = f"deprecated since {field.deprecated}"
        name += [nodes.Text(" "), nodes.inline("", text, classes=["deprecated"])]
    kind = nodes.paragraph("", "", *type_nodes(field.type, prefix))
    kind += [nodes.Text("; "), nodes.inline("", "", *rich(presence(field)), classes=["presence"])]
    meaning = nodes.paragraph("", "", *rich(sentence(field.meaning)))
    if field.rule and field.rule not in field.meaning:
        meaning += [nodes.Text(" See "), *rich(field.rule), nodes.Text(".")]
    if field.accepts is not None:
        meaning += [nodes.Text(" Expect ")]
        anything = [nodes.Text("anything")]
        meaning += anything if field.accepts == ANY else type_nodes(field.accepts, prefix)
        meaning += nodes.Text(" from deployed programs.")
    return [name, kind, meaning]


def told_row(fields: Sequence[Field], told: Struct) -> list[nodes.Node]:
    """Write one row for fields that a table elsewhere explains."""
    names = nodes.paragraph()
    for field in fields:
        names += [nodes.Text(", " if len(names) else ""), nodes.literal("", field.name)]
    link = optional_link("ref", f"every-{told.name.lower()}", nodes.inline("", "as in every reply"))
    link["refexplicit"] = True
    return [names, nodes.paragraph("", "", link), paragraph(told.purpose)]


def field_table(
    fields: Iterable[Field], rest: Type | None, prefix: str, told: Struct | None = None
) -> nodes.table:
    """Write a table of fields; those that are also in `told` share the first row."""
    fields = tuple(fields)
    shared = [field for field in fields if told and field in told.fields]
    rows = [told_row(shared, told)] if told and shared else []
    rows += [field_row(field, prefix) for field in fields if field not in shared]
    if rest is not None and rest != OneOf():  # one of no values: there are no other fields
        other = nodes.paragraph("", "", nodes.emphasis("", "any other"))
        kind = nodes.paragraph("", "", *type_nodes(rest, prefix))
        rows.append([other, kind, paragraph("A field whose name is not known beforehand.")])
    return table(["Field", "Type", "Meaning"], rows, ["fields"])


def has_fields(struct: Struct) -> bool:
    """Tell whether there is anything to put into a table."""
    return bool(struct.fields) or struct.rest not in (None, OneOf())


def object_tables(
    kind: Struct, prefix: str, about: str = "", told: Struct | None = None
) -> list[nodes.Node]:
    """Write the table of an object, and those of the objects in it, outer ones first.

    `told` has fields that are explained elsewhere.
    """
    found: list[nodes.Node] = []
    if has_fields(kind):
        found += [paragraph(about, "object")] if about else []
        found.append(field_table(kind.fields, kind.rest, prefix, told))
    inner = {struct.name: struct for struct in structs(kind) if struct is not kind}
    for struct in reversed(inner.values()):
        title = nodes.paragraph("", "", nodes.strong("", struct.name), nodes.Text(": "))
        title += rich(sentence(struct.purpose))
        title["classes"].append("object")
        title["ids"].append(f"{prefix}-{struct.name}")
        found.append(title)
        if has_fields(struct):
            found.append(field_table(struct.fields, struct.rest, prefix))
    return found


# --- what follows the body ---------------------------------------------------------------------


def folded_readings(
    fields: Iterable[Field], whole: str = "", of_whole: Readings | None = None
) -> list[nodes.Node]:
    """Put three readings side by side, folded: of the whole, and of fields; nothing if all agree.

    Fields that are read alike share a row.
    """
    about: dict[Readings, list[str]] = {}
    if of_whole:
        about[of_whole] = [whole]
    for path, field in all_fields(fields):
        if field.readings:
            about.setdefault(field.readings, []).append(f"`{path}`")
    if not about:
        return []
    rows: list[list[nodes.Node]] = [
        [
            paragraph(", ".join(dict.fromkeys(names))),
            paragraph(readings.specification),
            paragraph(readings.deployed),
            paragraph(readings.clients),
        ]
        for readings, names in about.items()
    ]
    head = ["About", "The specification says", "Deployed programs do", "The other side relies on"]
    names = dict.fromkeys(name for names in about.values() for name in names)
    title = folded_title("", "", *rich(f"Three readings of {joined([*names], 'and')}"))
    return [folded("", title, table(head, rows, ["readings"]), classes=["fold"])]


def all_fields(fields: Iterable[Field], path: str = "") -> Iterator[tuple[str, Field]]:
    """List fields with those of the objects inside, each with its path: `content.data`."""
    for field in fields:
        yield path + field.name, field
        for struct in structs(field.type):
            yield from ((f"{path}{field.name}.{each.name}", each) for each in struct.fields)


def titled(title: str, *body: nodes.Node) -> list[nodes.Node]:
    """Put a small heading above a part of the template."""
    return [nodes.paragraph("", title, classes=["part"]), *body]


def bullets(items: Iterable[Sequence[nodes.Node]]) -> nodes.bullet_list:
    """Make a list."""
    return nodes.bullet_list(
        "", *(nodes.list_item("", nodes.paragraph("", "", *item)) for item in items)
    )
