"""Tables: how they are made, and the one of a kernel's sockets.

    ```{channels}
    ```

`{channels}` writes `refimpl.wire.CHANNELS` as a table.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from refimpl.wire import CHANNELS

from .paths import ROOT


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


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("channels", ChannelsDirective)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
