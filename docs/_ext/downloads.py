"""The test vectors as one archive on the site, and what is in it.

    ```{vector-files}
    ```

    ```{vector} frame-request
    ```

    {vector-archive}`All of them as one archive`

The archive is written while the pages are built, to `downloads/test-vectors.zip`.  The same files
always give the same bytes: nothing in it depends on when, where and by whom it was built.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxRole
from sphinx.util.osutil import relative_uri
from sphinx.util.typing import ExtensionMetadata

from .paths import ROOT

VECTORS = ROOT / "tests" / "vectors"
SCHEMAS = ROOT / "refimpl" / "schemas"
ADDRESS = "downloads/test-vectors.zip"
FOLDER = "test-vectors"
DATE = (1980, 1, 1, 0, 0, 0)  # the first that the format knows
UNIX = 3


def vector_files() -> list[Path]:
    """List the files that hold vectors."""
    return sorted(path for path in VECTORS.glob("*.json") if ".schema" not in path.suffixes)


def members() -> dict[str, Path]:
    """Map each name in the archive to its file: vectors, their schema, the schemas of messages."""
    found = {path.name: path for path in vector_files()}
    found |= {name: VECTORS / name for name in ("vectors.schema.json", "README.md", "run.mjs")}
    found["LICENSE"] = ROOT / "LICENSE"
    for profile in ("send", "accept"):
        for path in (SCHEMAS / profile).glob("*.json"):
            found[f"schemas/{profile}/{path.name}"] = path
    return found


def archive() -> bytes:
    """Pack all files; sorted, with a fixed date and fixed rights."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as packed:
        for name, path in sorted(members().items()):
            info = zipfile.ZipInfo(f"{FOLDER}/{name}", DATE)
            info.create_system = UNIX
            info.external_attr = 0o644 << 16
            # Stored: what a compressor writes depends on its version.
            info.compress_type = zipfile.ZIP_STORED
            packed.writestr(info, path.read_bytes().replace(b"\r\n", b"\n"))
    return target.getvalue()


class VectorFiles(SphinxDirective):
    """List the files, what is in them, and how many vectors they have."""

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()  # a new file would not be noticed otherwise
        rows = []
        total = 0
        for path in vector_files():
            document = json.loads(path.read_text("utf-8"))
            total += len(document["vectors"])
            rows.append(
                _row(
                    nodes.paragraph("", "", nodes.literal("", path.name)),
                    nodes.paragraph("", document["description"]),
                    nodes.paragraph("", "", nodes.literal("", document["kind"])),
                    nodes.paragraph("", str(len(document["vectors"]))),
                )
            )
        texts = ("File", "What it holds", "Kind", "Vectors")
        head = _row(*(nodes.paragraph("", text) for text in texts))
        group = nodes.tgroup(cols=4)
        group += [nodes.colspec(colwidth=width) for width in (3, 6, 2, 1)]
        group += nodes.thead("", head)
        group += nodes.tbody("", *rows)
        sum_up = f"{total} vectors in {len(rows)} files."
        return [
            nodes.table("", group, classes=["rows", "vectors", "colwidths-auto"]),
            nodes.paragraph("", sum_up),
        ]


class OneVector(SphinxDirective):
    """Show the vector of this id as it stands in its file; an unknown id fails the build."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        for path in vector_files():
            self.env.note_dependency(str(path))
            for vector in json.loads(path.read_text("utf-8"))["vectors"]:
                if vector["id"] == self.arguments[0]:
                    text = json.dumps(vector, ensure_ascii=False, indent=2)
                    return [nodes.literal_block(text, text, language="json")]
        raise self.error(f"no vector is named {self.arguments[0]}")


def _row(*cells: nodes.Node) -> nodes.row:
    return nodes.row("", *(nodes.entry("", cell) for cell in cells))


class archive_link(nodes.inline):  # type: ignore[misc]  # noqa: N801
    """A link to the archive, which is written after the pages; other formats show its text."""


class VectorArchive(SphinxRole):
    """Link to the archive."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        return [archive_link("", self.text)], []


def _open(self: Any, node: archive_link) -> None:
    page = self.builder.get_target_uri(self.builder.current_docname)
    self.body.append(f'<a class="reference internal" href="{relative_uri(page, ADDRESS)}">')


def _close(self: Any, node: archive_link) -> None:
    self.body.append("</a>")


def _nothing(self: Any, node: nodes.Node) -> None:
    """Pass the text through."""


def write_archive(app: Sphinx, error: Exception | None) -> None:
    """Write the archive beside the pages."""
    if error is None and app.builder.format == "html":
        target = Path(app.outdir, ADDRESS)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(archive())


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("vector", OneVector)
    app.add_directive("vector-files", VectorFiles)
    app.add_role("vector-archive", VectorArchive())
    through = (_nothing, _nothing)
    app.add_node(archive_link, html=(_open, _close), text=through, latex=through, man=through)
    app.connect("build-finished", write_archive)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
