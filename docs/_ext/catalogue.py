"""What pages say of messages and files, written from the catalogue in `refimpl/messages`.

    ::::{message} execute_request
    :code: refimpl/kernel.py Kernel.execute_request

    What the catalogue cannot say: prose, `{exchange}`, examples.
    ::::

`{message}` is one template for every type of message: purpose, way, tables of fields, the body,
where it is seen live, the code that handles it, troubles, readings, versions, schemas.  It defines
an object: {msg}`execute_request` links to it, from other projects too.  `:code:` is a place in the
repository, shown folded; `see LABEL NAME` says that it is shown elsewhere; several are separated by
commas.
`{file} connection-file` does the same for a file, and {file-type}`connection-file` links to it.

`{fields} Header` writes the table of a named object, `{rows} cluster CHANNELS` one that is neither
of a message nor of an object, `{versions}` what changed in which version, `{schemas}` the addresses
of all JSON Schemas, which are copied into the site.

An unknown name fails the build.  So does a message of the catalogue that no page is about, one of
the kernel protocol that no exchange shows, and one of the cluster protocol that was not recorded.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.domains.std import GenericObject
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata, OptionSpec

from refimpl import messages
from refimpl.messages import FILES, MESSAGES, differences
from refimpl.messages.model import (
    CLUSTER,
    KERNEL,
    PROFILES,
    VERSIONS,
    Field,
    FileType,
    MessageType,
    Struct,
)

from .exchange import as_json, folded, folded_title, optional_link
from .fields import table
from .paths import ROOT
from .record import Sent, normalise
from .rules import source_name
from .tables import (
    bullets,
    folded_readings,
    joined,
    message_link,
    object_tables,
    paragraph,
    rich,
    sentence,
    titled,
)

logger = logging.getLogger(__name__)

REPLY = messages.kernel.REPLY  # the fields of every reply, which one table explains for all

SCHEMAS = ROOT / "refimpl" / "schemas"
RECORDINGS = ROOT / "tests" / "recordings"
SHOWN = 4  # links to exchanges; the rest is counted

WORDS = {differences.ADDED: "new", differences.DEPRECATED: "deprecated"}

# What else is there beside the schemas.
WHOLE = {
    "index.json": "the list of all schemas",
    "protocol.json": "the whole catalogue: ways, versions, rules, readings",
    "protocol.schema.json": "the schema of the catalogue",
}

# Messages that cannot be shown as they were sent, and why. The reason is on the page.
NOT_LIVE = {
    "iopub_welcome": "no request causes it",
    "usage_request": "it is not in the specification, and our kernel does not know it",
    "usage_reply": "it is not in the specification, and our kernel does not know it",
}
NOT_RECORDED: dict[str, str] = {}


def say(change: differences.Change) -> str:
    """Turn a change of one message or file into a sentence.

    >>> say(differences.Change("5.1", differences.ADDED, "display_data", "content.transient", ""))
    '`transient` is new.'
    """
    name = f"`{change.path.removeprefix('content.')}`"
    if change.kind == differences.CHANGED:
        return f"{name}: {sentence(change.text)}" if change.path else sentence(change.text)
    return f"{name} is {WORDS[change.kind]}."


def grouped(found: Iterable[differences.Change]) -> list[str]:
    """Turn the changes of one version into sentences, each thing that is said alike said once.

    >>> new, old = differences.ADDED, differences.DEPRECATED
    >>> grouped([differences.Change("5.1", new, key, "", "") for key in ("status", "stream")])
    ['`status` and `stream` are new.']
    >>> grouped([differences.Change("5.1", old, "status", f"content.{n}", "") for n in ("a", "b")])
    ['`status`: `a` and `b` are deprecated.']
    """
    whole: dict[str, list[str]] = {}  # what became of messages and files: which ones
    parts: dict[tuple[str, str], list[str]] = {}  # of fields of one of them: which ones
    alike: dict[str, list[str]] = {}  # what is said: of which messages and files
    for change in found:
        if change.kind == differences.CHANGED:
            alike.setdefault(say(change), []).append(f"`{change.key}`")
        elif change.path:
            name = f"`{change.path.removeprefix('content.')}`"
            parts.setdefault((f"`{change.key}`", WORDS[change.kind]), []).append(name)
        else:
            whole.setdefault(WORDS[change.kind], []).append(f"`{change.key}`")
    return [
        *(f"{_are(keys)} {what}." for what, keys in whole.items()),
        *(f"{key}: {_are(names)} {what}." for (key, what), names in parts.items()),
        *(f"{joined(keys, 'and')}: {what}" for what, keys in alike.items()),
    ]


def _are(names: Sequence[str]) -> str:
    return f"{joined(names, 'and')} {'are' if len(names) > 1 else 'is'}"


def schema_links(key: str, docname: str) -> list[nodes.Node]:
    """Link to the JSON Schemas of a message or file."""
    found: list[nodes.Node] = []
    for profile in PROFILES:
        if (SCHEMAS / profile / f"{key}.json").is_file():
            address = "../" * docname.count("/") + f"schemas/{profile}/{key}.json"
            link = nodes.reference("", profile, refuri=address, internal=True)
            found += [nodes.Text(", " if found else ""), link]
    return found


def source_links(source: str) -> list[nodes.Node]:
    """Link to the places that a source names, of which several are separated by semicolons.

    >>> places = "https://jupyter.org/enhancement-proposals/66-x/x.html; controller/hub.py"
    >>> "".join(node.astext() for node in source_links(places))
    'JEP 66; controller/hub.py'
    """
    found: list[nodes.Node] = []
    for place in source.split("; "):
        found += [nodes.Text("; ")] if found else []
        if place.startswith("https:"):
            found.append(nodes.reference("", source_name(place), refuri=place, internal=False))
        else:
            found += rich(place)
    return found


# --- recorded messages -------------------------------------------------------------------------


@cache
def recorded() -> dict[str, Sent]:
    """Return a recorded message for each key: the first one of the sender that is named first."""
    found: dict[str, list[Sent]] = {}
    for path in sorted(RECORDINGS.glob("*.jsonl")):
        protocol = CLUSTER if path.stem == "cluster" else KERNEL
        for line in path.read_text("utf-8").splitlines():
            entry = json.loads(line)
            message, channel, sender = entry["message"], entry["channel"], entry["sender"]
            kinds = messages.find(message["header"]["msg_type"], channel, sender, protocol)
            for kind in sorted(kinds, key=lambda kind: kind.sender != sender)[:1]:
                if not message.get("buffers"):
                    message.pop("buffers", None)
                sent = Sent(sender, (entry["receiver"],), channel, message)
                found.setdefault(kind.key, []).append(sent)
    return {
        key: normalise([min(sent, key=lambda each: _rank(MESSAGES[key], each))])[0]
        for key, sent in found.items()
    }


def _rank(kind: MessageType, sent: Sent) -> int:
    return kind.sender.split(" or ").index(sent.sender)


def recorded_message(sent: Sent, target: str) -> folded:
    """Show a recorded message, folded."""
    title = folded_title("", "As recorded")
    way = f"{sent.sender} → {sent.receivers[0]}"
    title += [nodes.Text(" "), nodes.inline("", way, classes=["way"])]
    return folded("", title, as_json(sent.message, target), classes=["message"])


# --- directives --------------------------------------------------------------------------------


class Template(GenericObject):
    """What the templates of messages and files have in common."""

    option_spec: ClassVar[OptionSpec] = {
        **GenericObject.option_spec,
        "code": directives.unchanged_required,
    }

    def _object_hierarchy_parts(self, sig_node: addnodes.desc_signature) -> tuple[str, ...]:
        """Return the name, which comes first; Sphinx asks even when there is none."""
        return (sig_node[0].astext() if len(sig_node) else "",)

    def _toc_entry_name(self, sig_node: addnodes.desc_signature) -> str:
        """Let the contents of a page list it."""
        return str(sig_node["_toc_parts"][0])

    def note_sources(self) -> None:
        """Build the page again when the catalogue changes."""
        for folder in (ROOT / "refimpl" / "messages", RECORDINGS):
            for path in sorted(folder.glob("*")):
                self.env.note_dependency(str(path))

    def prefix(self, key: str) -> str:
        """Return what the ids of inner tables begin with."""
        return f"{self.objtype}-{key}"

    def code(self) -> list[nodes.Node]:
        """Show the code that handles it, folded, or say where it is shown."""
        found: list[nodes.Node] = []
        for place in filter(None, self.options.get("code", "").split(",")):
            path, _, name = place.strip().partition(" ")
            if path == "see":
                label, _, name = name.partition(" ")
                link = addnodes.pending_xref(
                    *("", nodes.inline("", name)),
                    refdomain="std", reftype="ref", reftarget=label, refexplicit=True,
                )  # fmt: skip
                found.append(nodes.paragraph("", "The code: ", link, nodes.Text(".")))
                continue
            title = folded_title("", "The code: ", nodes.literal("", f"{Path(path).stem}.{name}"))
            here = os.path.relpath(ROOT, self.env.srcdir).replace(os.sep, "/")
            include = f"```{{literalinclude}} /{here}/{path}\n:pyobject: {name}\n:dedent:\n```"
            found.append(folded("", title, *self.parse_text_to_nodes(include), classes=["fold"]))
        return found

    def readings(self, kind: MessageType | FileType, fields: Iterable[Field]) -> list[nodes.Node]:
        """Put what the specification, deployed programs and their peers say side by side.

        What every reply has is left out: it is told once, with the table of these fields.
        """
        own = [field for field in fields if field not in REPLY.fields]
        whole = "the file" if isinstance(kind, FileType) else "the message"
        return folded_readings(own, whole, kind.readings)

    def versions(self, found: Sequence[differences.Change]) -> list[nodes.Node]:
        """List what became of it since the first version; nothing if that is all there is."""
        items = [
            [nodes.strong("", change.version), nodes.Text(": "), *rich(say(change))]
            for change in found
            if change.key == self.names[0] and (change.path or change.kind == differences.CHANGED)
        ]
        return titled("Versions", bullets(items)) if items else []

    def footer(self, kind: MessageType | FileType) -> nodes.paragraph:
        """Link to its JSON Schemas and its source."""
        line = nodes.paragraph("", "", classes=["footer"])
        if links := schema_links(kind.key, self.env.docname):
            line += nodes.inline("", "", nodes.Text("JSON Schema: "), *links)
        if kind.source:
            line += nodes.inline("", "", nodes.Text("Source: "), *source_links(kind.source))
        return line


class MessageDirective(Template):
    """Write everything there is to know about a message type."""

    indextemplate = "pair: %s; message type"

    def handle_signature(self, sig: str, signode: addnodes.desc_signature) -> str:
        if sig not in MESSAGES:
            raise self.error(f"message: expected a key of the catalogue, got {sig!r}")
        kind = MESSAGES[sig]
        signode += addnodes.desc_name(sig, sig)
        for text in self._marks(kind):
            signode += [nodes.Text(" "), nodes.inline("", text, classes=["mark"])]
        return sig

    @staticmethod
    def _marks(kind: MessageType) -> Iterator[str]:
        if kind.required:
            yield "required"
        if kind.since:
            yield f"since {kind.since}"
        if kind.deprecated:
            yield f"deprecated since {kind.deprecated}"

    def transform_content(self, content_node: addnodes.desc_content) -> None:
        """Put the parts of the template around the body."""
        self.note_sources()
        kind = MESSAGES[self.names[0]]
        before = [paragraph(sentence(kind.purpose), "purpose"), self._way(kind)]
        before += self._tables(kind)
        content_node[:0] = before
        content_node += self._recording(kind)
        content_node += self.code()
        if kind.troubles:
            content_node += titled("What goes wrong", bullets(map(rich, kind.troubles)))
        content_node += self.readings(kind, (*kind.fields, *kind.metadata))
        content_node += self.versions(differences.changes("0", VERSIONS[-1], [kind], []))
        content_node += self._footer(kind)

    def _way(self, kind: MessageType) -> nodes.paragraph:
        """Say from whom to whom it goes, on which channel, and what it has to do with others."""
        line = nodes.paragraph("", f"{kind.sender} → {kind.receiver}", classes=["way"])
        for index, channel in enumerate(kind.channels):
            line += nodes.Text(" or " if index else " on ")
            line += optional_link("channel", channel, nodes.inline("", channel))
        parts: list[list[nodes.Node]] = []
        if kind.reply:
            parts.append([nodes.Text("answered by "), message_link(kind.reply)])
        if kind.reply_to:
            answers = joined([f"`{key}`" for key in kind.reply_to], "and")
            parts.append(rich(f"answers {answers}"))
        elif kind.parent:
            parts.append(rich(f"parent: {kind.parent}"))
        if kind.topic:
            parts.append(rich(f"topic `{kind.topic}`" if "`" not in kind.topic else kind.topic))
        for part in parts:
            line += [nodes.Text(" · "), *part]
        return line

    def _tables(self, kind: MessageType) -> list[nodes.Node]:
        prefix = self.prefix(kind.key)
        found = object_tables(kind.content(), prefix, told=REPLY)
        if not found:
            found.append(paragraph("The content is empty."))
        if kind.metadata:
            extra = Struct("metadata", "", kind.metadata)
            found += object_tables(extra, prefix + "-metadata", "Its metadata:")
        if kind.buffers:
            found.append(paragraph(sentence(f"Buffers: {kind.buffers}")))
        return found

    def _recording(self, kind: MessageType) -> list[nodes.Node]:
        """Show a message that was recorded, where no exchange can show it live."""
        excuses = NOT_LIVE if kind.protocol == KERNEL else NOT_RECORDED
        excused, sent = kind.key in excuses, recorded().get(kind.key)
        if kind.protocol == KERNEL and not excused:
            return []
        if sent is not None:
            return [recorded_message(sent, f"recorded-{nodes.make_id(kind.key)}")]
        if not excused:
            raise self.error(f"message {kind.key}: expected one in tests/recordings, found none")
        return [paragraph(sentence(f"It was not recorded: {excuses[kind.key]}"))]

    def _footer(self, kind: MessageType) -> nodes.Node:
        """Say where else it is found: in exchanges, as JSON Schema, in its source."""
        line = self.footer(kind)
        if kind.protocol == KERNEL:
            line[:0] = [live("", key=kind.key)]
        return line


class FileDirective(Template):
    """Write everything there is to know about a file."""

    indextemplate = "pair: %s; file"

    def handle_signature(self, sig: str, signode: addnodes.desc_signature) -> str:
        if sig not in FILES:
            raise self.error(f"file: expected one of {', '.join(FILES)}, got {sig!r}")
        return super().handle_signature(sig, signode)

    def transform_content(self, content_node: addnodes.desc_content) -> None:
        """Put the parts of the template around the body."""
        self.note_sources()
        kind: FileType = FILES[self.names[0]]
        content_node[:0] = [
            paragraph(sentence(kind.purpose), "purpose"),
            *object_tables(kind.content(), self.prefix(kind.key)),
        ]
        content_node += self.code()
        content_node += self.readings(kind, kind.fields)
        content_node += self.versions(differences.changes("0", VERSIONS[-1], [], [kind]))
        content_node += self.footer(kind)


def named_objects() -> dict[str, Struct]:
    """Return the objects that the catalogue names by themselves, outside of any message."""
    modules = (messages.kernel, messages.cluster, messages.files)
    return {
        value.name: value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, Struct)
    }


class FieldsDirective(SphinxDirective):
    """Write the table of a named object, such as the header."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        for path in sorted((ROOT / "refimpl" / "messages").glob("*.py")):
            self.env.note_dependency(str(path))
        if name not in named_objects():
            known = ", ".join(named_objects())
            raise self.error(f"fields: expected one of {known}, got {name!r}")
        prefix = f"fields-{nodes.make_id(name)}"
        found = object_tables(named_objects()[name], prefix)
        found += folded_readings(named_objects()[name].fields)
        box = nodes.container("", *found, ids=[prefix])
        self.state.document.note_explicit_target(box)
        return [box]


class RowsDirective(SphinxDirective):
    """Write a table of the catalogue's that is no message: `{rows} cluster QUERY_OPERATORS`.

    The body is the head of the table, with bars between the columns.
    """

    required_arguments = 2
    has_content = True

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(ROOT / "refimpl" / "messages" / f"{self.arguments[0]}.py"))
        try:
            found = getattr(getattr(messages, self.arguments[0]), self.arguments[1])
        except AttributeError as error:
            raise self.error(f"rows: {error}") from error
        values = found.items() if isinstance(found, Mapping) else found
        rows = [
            [nodes.literal("", str(row[0])), *(paragraph(str(cell)) for cell in row[1:])]
            for row in values
        ]
        head = [title.strip() for title in " ".join(self.content).split("|")]
        if any(len(row) != len(head) for row in rows):
            raise self.error(f"rows: expected {len(rows[0])} columns, got {len(head)}")
        return [table(head, rows, ["rows"])]


class DebugCommandsDirective(SphinxDirective):
    """Write the commands of the debugger: a list of all, and the fields of those Jupyter adds."""

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(ROOT / "refimpl" / "messages" / "kernel.py"))
        commands = messages.kernel.DEBUG_COMMANDS
        own = [each for each in commands if each.arguments or each.body]
        rows: list[list[nodes.Node]] = [
            [
                nodes.reference("", "", nodes.literal("", each.name), refuri=each.source)
                if each not in own
                else nodes.literal("", each.name),
                paragraph(each.purpose),
                nodes.Text("started" if each.started else "always"),
            ]
            for each in commands
        ]
        found: list[nodes.Node] = [table(["Command", "What for", "Obeyed when"], rows, ["rows"])]
        for each in own:
            prefix = f"debug-{each.name}"
            tables: list[nodes.Node] = [paragraph(each.purpose)]
            for title, part in (("Arguments:", each.arguments), ("Body:", each.body)):
                if part is not None:
                    tables += object_tables(part, f"{prefix}-{title[:-1].lower()}", title)
            fields = [f for part in (each.arguments, each.body) if part for f in part.fields]
            tables += folded_readings(fields, "the command", each.readings)
            title = folded_title("", "", nodes.literal("", each.name), ids=[prefix])
            found.append(folded("", title, *tables, classes=["fold"]))
        return found


class VersionsDirective(SphinxDirective):
    """Write what changed in each version; the body, a field list, adds what is in no field."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        for path in sorted((ROOT / "refimpl" / "messages").glob("*.py")):
            self.env.note_dependency(str(path))
        remarks = self._remarks()
        kernel = [kind for kind in MESSAGES.values() if kind.protocol == KERNEL]
        found = differences.changes("0", VERSIONS[-1], kernel, FILES.values())
        rows: list[list[nodes.Node]] = []
        for version in VERSIONS:
            items = grouped([change for change in found if change.version == version])
            box = nodes.container("", bullets(map(rich, items))) if items else nodes.container()
            box += remarks.pop(version, [])
            rows.append([nodes.paragraph("", version), box])
        if remarks:
            raise self.error(f"versions: expected {', '.join(VERSIONS)}, got {', '.join(remarks)}")
        return [table(["Version", "What changed"], rows, ["versions"])]

    def _remarks(self) -> dict[str, list[nodes.Node]]:
        return {
            field[0].astext(): list(field[1].children)
            for node in self.parse_content_to_nodes()
            for field in node.findall(nodes.field)
        }


class SchemasDirective(SphinxDirective):
    """Write the table of all schemas: what it is about, and the address for each profile."""

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(SCHEMAS / "protocol.json"))
        rows: list[list[nodes.Node]] = []
        for kind in (*MESSAGES.values(), *FILES.values()):
            is_file = isinstance(kind, FileType)
            role = "file-type" if is_file else "msg"
            about = "file" if isinstance(kind, FileType) else f"{kind.sender} → {kind.receiver}"
            rows.append(
                [
                    optional_link(role, kind.key, nodes.literal("", kind.key)),
                    nodes.Text(about),
                    nodes.paragraph("", "", *schema_links(kind.key, self.env.docname)),
                ]
            )
        for name, about in WHOLE.items():
            address = "../" * self.env.docname.count("/") + f"schemas/{name}"
            link = nodes.reference("", name, refuri=address, internal=True)
            rows.append([nodes.Text(about), nodes.Text(""), nodes.paragraph("", "", link)])
        return [table(["About", "Way", "JSON"], rows, ["schemas"])]


# --- exchanges, and what a whole site has to have ----------------------------------------------


class live(nodes.General, nodes.Element):  # type: ignore[misc]  # noqa: N801
    """Stands for the links to exchanges, which are known when all pages have been read."""


def exchanges(env: BuildEnvironment) -> dict[str, list[tuple[str, dict[str, str]]]]:
    """Return the exchanges of each page: title, and the id of the first message of each type."""
    if not hasattr(env, "exchanges_of_pages"):
        env.exchanges_of_pages = {}  # type: ignore[attr-defined]
    found: dict[str, list[tuple[str, dict[str, str]]]] = env.exchanges_of_pages  # type: ignore[attr-defined]
    return found


def note_exchanges(app: Sphinx, doctree: nodes.document) -> None:
    """Write down which messages the exchanges of a page show."""
    exchanges(app.env)[app.env.docname] = [
        (next(iter(box.findall(nodes.paragraph))).astext(), box["shows"])
        for box in doctree.findall(nodes.container)
        if "shows" in box
    ]


def forget_exchanges(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Forget a page that is read again."""
    exchanges(env).pop(docname, None)


def merge_exchanges(
    app: Sphinx, env: BuildEnvironment, docnames: Iterable[str], other: BuildEnvironment
) -> None:
    """Take over what another process has read."""
    exchanges(env).update({name: exchanges(other)[name] for name in docnames})


def pages_with_links(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Write pages with messages again: exchanges on other pages may have changed."""
    objects = env.domains.standard_domain.objects
    return sorted({docname for (kind, _), (docname, _) in objects.items() if kind == "message"})


def link_exchanges(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put links to exchanges where `live` stands: those of the same page, or else of others."""
    known = exchanges(app.env)
    for node in list(doctree.findall(live)):
        own, others = (
            [
                (title, page, shows[node["key"]])
                for page in sorted(known)
                if (page == docname) == is_own
                for title, shows in known[page]
                if node["key"] in shows
            ]
            for is_own in (True, False)
        )
        node.replace_self(_seen(app, own or others, docname))


def _seen(app: Sphinx, found: Sequence[tuple[str, str, str]], docname: str) -> list[nodes.Node]:
    line = nodes.inline("", "Seen live: ")
    for index, (title, page, target) in enumerate(found[:SHOWN]):
        line += nodes.Text(", " if index else "")
        if page == docname:
            line += nodes.reference("", title, refid=target, internal=True)
        elif app.builder.format == "html":
            address = f"{app.builder.get_relative_uri(docname, page)}#{target}"
            line += nodes.reference("", title, refuri=address, internal=True)
        else:
            line += nodes.Text(title)
    if len(found) > SHOWN:
        line += nodes.Text(f" and {len(found) - SHOWN} more")
    return [line] if found else []


def check_site(app: Sphinx, env: BuildEnvironment) -> None:
    """Complain about messages and files that no page is about, and those that nobody sees live.

    Only the site itself has to be complete; a test may build a single page.
    """
    if Path(app.srcdir) != ROOT / "docs":
        return
    objects = env.domains.standard_domain.objects
    for kind, keys in (("message", MESSAGES), ("file", FILES)):
        for key in keys:
            if (kind, key) not in objects:
                logger.warning("%s %s: expected a page about it, found none", kind, key)
    seen = {name for page in exchanges(env).values() for _, shows in page for name in shows}
    for key, message in MESSAGES.items():
        if message.protocol == KERNEL and (key in seen) == (key in NOT_LIVE):
            what = "is live: take it off NOT_LIVE" if key in seen else "is in no exchange"
            logger.warning("message %s: %s", key, what)


def publish_schemas(app: Sphinx, error: Exception | None) -> None:
    """Copy the schemas into the site, below schemas/."""
    if error is None and app.builder.format == "html" and SCHEMAS.is_dir():
        shutil.copytree(SCHEMAS, Path(app.outdir, "schemas"), dirs_exist_ok=True)


def _nothing(self: Any, node: nodes.Node) -> None:
    """Write nothing: builders that resolve no references keep the place empty."""


def setup(app: Sphinx) -> ExtensionMetadata:
    message = {"indextemplate": "pair: %s; message type", "objname": "message type"}
    app.add_object_type("message", "msg", **message)
    app.add_directive_to_domain("std", "message", MessageDirective, override=True)
    app.add_object_type("file", "file-type", indextemplate="pair: %s; file", objname="file")
    app.add_directive_to_domain("std", "file", FileDirective, override=True)
    app.add_object_type("channel", "channel", indextemplate="pair: %s; channel", objname="channel")
    app.add_directive("fields", FieldsDirective)
    app.add_directive("rows", RowsDirective)
    app.add_directive("debug-commands", DebugCommandsDirective)
    app.add_directive("versions", VersionsDirective)
    app.add_directive("schemas", SchemasDirective)
    app.add_css_file("catalogue.css")
    empty = (_nothing, _nothing)
    app.add_node(live, html=empty, text=empty, latex=empty, man=empty)
    app.connect("doctree-read", note_exchanges)
    app.connect("env-purge-doc", forget_exchanges)
    app.connect("env-merge-info", merge_exchanges)
    app.connect("env-updated", pages_with_links)
    app.connect("env-check-consistency", check_site)
    app.connect("doctree-resolved", link_exchanges)
    app.connect("build-finished", publish_schemas)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
