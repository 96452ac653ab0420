"""Tables that come from the code, and rules that have a name.

    ```{channels}
    ```

    ```{request-fields} execute_request
    :code: the source to run
    ```

    :::{rule} R-REQ-1 normative: Busy and idle surround every request
    The text of the rule.
    :::

`{channels}` writes `refimpl.wire.CHANNELS` as a table. `{request-fields}` writes what
`refimpl.kernel.REQUESTS` says of a request, and puts the meanings beside it, which the page gives
as a field list; a field without a meaning, and a meaning without a field, fail the build.
`{rule}` is a Sphinx object: it has an address of its own, and {rule}`R-REQ-1` links to it.
"""

from __future__ import annotations

import json
import re

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from refimpl.kernel import REQUESTS, Field
from refimpl.wire import CHANNELS

from .paths import ROOT

# Where a rule comes from: the marks that the first page explains.
KINDS = ("normative", "custom", "ours")
RULE = re.compile(r"(R-[A-Z]+-\d+) (\w+): (.+)")
# What JSON calls the types that its values have in Python.
JSON_NAMES = {
    str: "string",
    bool: "boolean",
    int: "integer",
    dict: "object",
    type(None): "null",
}


def table(head: list[str], rows: list[list[nodes.Node]], classes: list[str]) -> nodes.table:
    """Make a table from rows of cells, each one inline or block node."""
    group = nodes.tgroup(cols=len(head))
    group += [nodes.colspec(colwidth=1) for _ in head]
    group += nodes.thead("", _row([nodes.paragraph("", text) for text in head]))
    group += nodes.tbody("", *map(_row, rows))
    return nodes.table("", group, classes=classes)


def _row(cells: list[nodes.Node]) -> nodes.row:
    blocks = [
        cell
        if isinstance(cell, (nodes.paragraph, nodes.container))
        else nodes.paragraph("", "", cell)
        for cell in cells
    ]
    return nodes.row("", *(nodes.entry("", block) for block in blocks))


class ChannelsDirective(SphinxDirective):
    """Write the table of a kernel's sockets."""

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(ROOT / "refimpl" / "wire.py"))
        rows: list[list[nodes.Node]] = [
            [
                self.parse_inline(f"{{channel}}`{channel.name}`")[0][0],
                nodes.literal("", channel.kernel_socket),
                nodes.literal("", channel.client_socket),
                nodes.Text(channel.purpose),
            ]
            for channel in CHANNELS
        ]
        head = ["Channel", "The kernel binds", "A client connects", "What for"]
        return [table(head, rows, ["channels"])]


def show_type(field: Field) -> str:
    """Name the types of a field as JSON does.

    >>> show_type(REQUESTS["history_request"].fields["n"])
    'integer or null'
    """
    return " or ".join(JSON_NAMES[kind] for kind in field.types)


class RequestFieldsDirective(SphinxDirective):
    """Write the table of a request's fields, with the meanings that the page gives."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        self.env.note_dependency(str(ROOT / "refimpl" / "kernel.py"))
        if name not in REQUESTS:
            raise self.error(f"request-fields: expected one of {', '.join(REQUESTS)}, got {name}")
        fields, meanings = REQUESTS[name].fields, self._meanings()
        if fields.keys() != meanings.keys():
            raise self.error(
                f"request-fields {name}: expected {', '.join(fields)}, got {', '.join(meanings)}"
            )
        rows: list[list[nodes.Node]] = [
            [
                nodes.literal("", key),
                nodes.paragraph("", f"{show_type(field)}; ", *self._default(field)),
                meanings[key],
            ]
            for key, field in fields.items()
        ]
        return [table(["Field", "Type", "Meaning"], rows, ["fields"])]

    def _default(self, field: Field) -> list[nodes.Node]:
        if field == Field(field.types):  # no default is given
            return [nodes.Text("required")]
        return [nodes.Text("default "), nodes.literal("", json.dumps(field.default))]

    def _meanings(self) -> dict[str, nodes.Node]:
        """Read the body, a field list: name and meaning."""
        holder = nodes.container()
        self.state.nested_parse(self.content, self.content_offset, holder)
        return {
            field[0].astext(): nodes.container("", *field[1].children)
            for field in holder.findall(nodes.field)
        }


def parse_rule(env: BuildEnvironment, text: str, signature: addnodes.desc_signature) -> str:
    """Write the line above a rule: its id, where it comes from, its title. Return the id.

    Raises ValueError for anything else than `R-NAME-number kind: title`.
    """
    match = RULE.fullmatch(text)
    if not match or match[2] not in KINDS:
        kinds = " or ".join(KINDS)
        raise ValueError(f"rule: expected 'R-NAME-number {kinds}: title', got {text!r}")
    signature += addnodes.desc_name("", match[1])
    signature += nodes.Text(" ")
    signature += _title(match[3])
    signature += nodes.Text(" ")
    signature += nodes.inline("", match[2], classes=["rule-kind", match[2]])
    return match[1]


def _title(text: str) -> nodes.inline:
    """Make a rule's title, in which backquotes mark literals."""
    title = nodes.inline("", classes=["rule-title"])
    for index, piece in enumerate(text.split("`")):
        title += nodes.literal("", piece) if index % 2 else nodes.Text(piece)
    return title


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("channels", ChannelsDirective)
    app.add_directive("request-fields", RequestFieldsDirective)
    app.add_css_file("rules.css")
    app.add_object_type(
        "rule", "rule", indextemplate="pair: %s; rule", parse_node=parse_rule, objname="rule"
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
