"""`{notebook} FILE.ipynb`: a notebook, run with our kernel by nbclient and exported by nbconvert.

    ```{notebook} first_steps.ipynb
    What the notebook shows.
    ```

The file holds cells without outputs. The page shows the export, and offers the executed notebook.
The kernel is started from a kernel spec in a temporary directory: nothing is installed.
A cell that raises fails the build, unless it bears the tag `raises-exception`.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.osutil import relative_uri
from sphinx.util.typing import ExtensionMetadata

from . import runners
from .paths import ROOT
from .record import stable_addresses

KERNEL = [sys.executable, "-m", "refimpl", "kernel", "python", "-f", "{connection_file}"]
DEADLINE = 30  # seconds, for the kernel to start and for each cell
CELL_ID = re.compile(r' id="cell-id=[^"]*"')
HEADING = re.compile(r"<(/?)h([1-6])\b[^>]*>")


class executed_notebook(nodes.General, nodes.Element):  # type: ignore[misc]  # noqa: N801
    """A notebook with its outputs; the children are what other formats than HTML show of it."""


class NotebookDirective(SphinxDirective):
    """Run a notebook and show it, with the content as its caption."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        relative, absolute = self.env.relfn2path(self.arguments[0])
        source = Path(absolute)
        for path in (source, *runners.sources()):
            self.env.note_dependency(str(path))
        try:
            notebook = execute(source.read_text("utf-8"), KERNEL)
        except Exception as error:  # of four libraries, and all mean the same to the build
            raise self.error(f"notebook {relative}: {type(error).__name__}: {error}") from error
        shown = executed_notebook("", html=export(notebook), text=serialize(notebook))
        shown["name"] = source.name
        shown["caption"] = " ".join(self.content)
        shown += _plain_cells(notebook)
        return [shown]


def execute(text: str, argv: list[str]) -> Any:
    """Run a notebook's cells with the kernel that `argv` starts; return it with outputs.

    Raises what nbformat, nbclient and jupyter_client raise, CellExecutionError among them.
    """
    import nbformat
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient

    quiet = logging.getLogger("notebook")
    quiet.setLevel(logging.ERROR)  # that a notebook is being run is no news
    notebook = nbformat.reads(text, as_version=4)
    with TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        spec = Path(directory, "kernels", "docs")
        spec.mkdir(parents=True)
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        spec.joinpath("kernel.json").write_text(
            json.dumps(
                {
                    "argv": argv,
                    "display_name": "docs",
                    "language": "python",
                    "env": {"PYTHONPATH": path},
                }
            ),
            "utf-8",
        )
        manager = AsyncKernelManager(
            kernel_name=spec.name,
            kernel_spec_manager=KernelSpecManager(
                kernel_dirs=[str(spec.parent)], ensure_native_kernel=False
            ),
            connection_file=str(Path(directory, "connection.json")),
            log=quiet,
        )
        client = NotebookClient(
            notebook,
            km=manager,
            timeout=DEADLINE,
            startup_timeout=DEADLINE,
            record_timing=False,
            resources={"metadata": {"path": directory}},
            log=quiet,
        )
        client.execute(cleanup_kc=True)  # the kernel ends with the notebook
    # Addresses of objects differ from run to run.
    return nbformat.reads(stable_addresses(nbformat.writes(notebook)), as_version=4)


def export(notebook: Any) -> str:
    """Export a notebook to HTML that can stand within a page: no ids, no headings, no script."""
    from nbconvert.exporters import HTMLExporter

    exporter = HTMLExporter(template_name="basic", exclude_anchor_links=True)
    html, _ = exporter.from_notebook_node(notebook)
    html = CELL_ID.sub("", html)
    # A page has an outline of its own, which a notebook's headings would disturb.
    html = HEADING.sub(lambda m: "</p>" if m[1] else f'<p class="heading level-{m[2]}">', html)
    return "\n".join(line for line in html.splitlines() if line.strip())


def serialize(notebook: Any) -> str:
    """Write the executed notebook as its file."""
    import nbformat

    return str(nbformat.writes(notebook)) + "\n"


def _plain_cells(notebook: Any) -> list[nodes.Node]:
    """Show the code cells and their text outputs as blocks, for search and for other formats."""
    blocks: list[nodes.Node] = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        blocks.append(nodes.literal_block("", cell.source, language="python"))
        for output in cell.outputs:
            text = output.get("text") or output.get("data", {}).get("text/plain", "")
            if text:
                blocks.append(nodes.literal_block("", text.rstrip("\n"), language="text"))
    return blocks


def _show(self: Any, node: executed_notebook) -> None:
    """Write the notebook's file beside the pages, and the export into the page."""
    file = f"_downloads/{node['name']}"
    target = Path(self.builder.outdir, file)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(node["text"], "utf-8")
    link = relative_uri(self.builder.get_target_uri(self.builder.current_docname), file)
    name, caption = escape(node["name"]), escape(node["caption"])
    self.body.append(
        f'<div class="notebook" role="region" aria-label="Notebook {name}">\n{node["html"]}\n'
        f'<p class="notebook-caption">{caption} '
        f'<a href="{escape(link)}" download>Download {name}</a>, with its outputs.</p></div>\n'
    )
    raise nodes.SkipNode


def _nothing(self: Any, node: nodes.Node) -> None:
    """Pass the children through."""


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("notebook", NotebookDirective)
    through = (_nothing, _nothing)
    app.add_node(executed_notebook, html=(_show, None), text=through, latex=through, man=through)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
