"""`{exchange}`: real messages, recorded while the page is read.

    ```{exchange} One line of code
    :runner: machine
    :expect: execute_request status execute_input execute_result execute_reply status

    client.execute("6 * 7")
    ```

`:kernel: echo` asks another kernel than ours for Python, by a name that `python -m refimpl kernel`
knows. The body is Python with `client` in scope, and `client2` for a second front end (see
`runners`).
The page shows the code, a sequence diagram, and each message as folded JSON. The build fails when
the body raises, when a message breaks the protocol, or when the types differ from `:expect:`.
"""

from __future__ import annotations

import json
import logging
import traceback
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata, OptionSpec

from . import runners, sequence
from .figures import scroll_box
from .record import Sent, normalise


class folded(nodes.General, nodes.Element):  # type: ignore[misc]  # noqa: N801
    """A part of the page that the reader opens: HTML's `details`."""


class folded_title(nodes.Part, nodes.TextElement):  # type: ignore[misc]  # noqa: N801
    """What is seen of a folded part while it is closed: HTML's `summary`."""


def _runner(argument: str) -> str:
    return str(directives.choice(argument, tuple(runners.RUNNERS)))


class ExchangeDirective(SphinxDirective):
    """Run the body, and show what was sent."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec: ClassVar[OptionSpec] = {
        "runner": _runner,
        "kernel": directives.unchanged_required,
        "expect": directives.unchanged,
    }

    def run(self) -> list[nodes.Node]:
        title = self.arguments[0]
        prefix = "exchange-" + nodes.make_id(title)
        if prefix in self.state.document.ids:
            raise self.error(f"exchange {title!r}: expected a title of its own on this page")
        for source in runners.sources():
            self.env.note_dependency(str(source))
        recording = self._record(title)
        code = nodes.literal_block("", "\n".join(self.content), language="python")
        self.set_source_info(code)
        box = nodes.container("", classes=["exchange"], ids=[prefix])
        inlines, problems = self.parse_inline(title)
        box += nodes.paragraph("", "", *inlines, classes=["exchange-title"])
        box += problems
        box += code
        box += self._diagram(recording, title, prefix)
        shows: dict[str, str] = {}  # the first message of each type, by its id
        for number, sent in enumerate(recording, 1):
            shows.setdefault(sent.msg_type, f"{prefix}-{number}")
            box += _folded_message(sent, number, f"{prefix}-{number}")
        box["shows"] = shows  # what a message's own section links to
        self.state.document.note_explicit_target(box)
        return [box]

    def _record(self, title: str) -> list[Sent]:
        where = f"<exchange in {self.env.docname}>"
        # Blank lines in front make a traceback name the line of the page.
        code = "\n" * (self.lineno + self.content_offset) + "\n".join(self.content)
        try:
            recording = runners.record(
                code,
                self.options.get("runner", "machine"),
                where,
                self.options.get("kernel", "python"),
            )
        except Exception as error:
            said = "".join(traceback.format_exception_only(error)).strip()
            for frame in traceback.extract_tb(error.__traceback__):
                if frame.filename == where:
                    said += f" (line {frame.lineno})"
            raise self.error(f"exchange {title!r}: {said}") from error
        types = [sent.msg_type for sent in recording]
        expected = self.options.get("expect", "").split()
        if expected and types != expected:
            raise self.error(
                f"exchange {title!r}: expected {' '.join(expected)}, got {' '.join(types)}"
            )
        return normalise(recording)

    def _diagram(self, recording: list[Sent], title: str, prefix: str) -> nodes.Node:
        used = {lane for sent in recording for lane in (sent.sender, *sent.receivers)}
        lanes = [lane for lane in runners.LANES if lane in used]
        svg = sequence.draw(recording, lanes, title, prefix)
        return nodes.raw("", scroll_box(svg, f"Diagram: {title}"), format="html")


def _folded_message(sent: Sent, number: int, target: str) -> folded:
    """Show one message: a line with its type and way, and behind it the message as JSON."""
    receivers = " and ".join(sent.receivers)
    line = folded_title()
    line += nodes.inline("", str(number), classes=["number"])
    line += nodes.Text(" ")
    line += nodes.literal("", sent.msg_type)
    line += nodes.Text(" ")
    line += nodes.inline("", sent.channel, classes=["chip", sent.channel])
    line += nodes.Text(" ")
    line += nodes.inline("", f"{sent.sender} → {receivers}", classes=["way"])
    about = nodes.paragraph("", classes=["about"])
    about += [
        optional_link("msg", sent.msg_type, nodes.literal("", sent.msg_type)),
        nodes.Text(f" from {sent.sender} to {receivers} on "),
        optional_link("channel", sent.channel, nodes.inline("", sent.channel)),
        nodes.Text("."),
    ]
    # The id is inside, so that a browser that jumps to it opens what is folded around it.
    return folded("", line, about, as_json(sent.message, target), classes=["message"])


def as_json(message: dict[str, Any], target: str) -> nodes.literal_block:
    """Show a message as JSON, without colours: there are hundreds, and most are never opened.

    A third of the weight of a page would be the colours of what nobody looks at.
    """
    text = json.dumps(message, indent=2, ensure_ascii=False)
    return nodes.literal_block("", text, language="text", ids=[target])


def optional_link(role: str, name: str, shown: nodes.TextElement) -> nodes.Node:
    """Link to the page about a message type or channel, if some page is about it."""
    return addnodes.pending_xref(
        "", shown, refdomain="std", reftype=role, reftarget=name, refexplicit=False, optional=True
    )


def _leave_plain(
    app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, shown: nodes.TextElement
) -> nodes.TextElement | None:
    """Resolve an optional link that has no target to its text."""
    return shown if node.get("optional") else None


def _open_details(self: Any, node: folded) -> None:
    self.body.append(self.starttag(node, "details"))


def _close_details(self: Any, node: folded) -> None:
    self.body.append("</details>\n")


def _open_summary(self: Any, node: folded_title) -> None:
    self.body.append(self.starttag(node, "summary", ""))


def _close_summary(self: Any, node: folded_title) -> None:
    self.body.append("</summary>\n")


def _open_paragraph(self: Any, node: folded_title) -> None:
    self.visit_paragraph(node)


def _close_paragraph(self: Any, node: folded_title) -> None:
    self.depart_paragraph(node)


def _nothing(self: Any, node: nodes.Node) -> None:
    """Pass the children through."""


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("exchange", ExchangeDirective)
    app.connect("missing-reference", _leave_plain)
    # What a kernel logs while it is recorded is no message of the build.
    logging.getLogger("refimpl").addHandler(logging.NullHandler())
    logging.getLogger("refimpl").propagate = False
    through, paragraph = (_nothing, _nothing), (_open_paragraph, _close_paragraph)
    app.add_node(
        folded, html=(_open_details, _close_details), text=through, latex=through, man=through
    )
    app.add_node(
        folded_title,
        html=(_open_summary, _close_summary),
        text=paragraph,
        latex=paragraph,
        man=paragraph,
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
