"""`{terminal}`: a command of ours, run while the page is read, with what it really prints.

    ```{terminal}
    :status: 1

    python -m refimpl protocol validate wrong.json
    ```

Each line is one command, run in the root of the repository; `echo TEXT |` before it is what it
reads.  `:status:` is the exit status that is expected, 0 if nothing is said; another one fails the
build.  `:lines:` cuts the output of each.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata, OptionSpec

from .paths import ROOT
from .runners import sources

PROGRAM = ["python", "-m", "refimpl"]
DEADLINE = 30.0  # seconds for one command


class TerminalDirective(SphinxDirective):
    """Run commands, and show them with their output."""

    has_content = True
    option_spec: ClassVar[OptionSpec] = {
        "status": directives.nonnegative_int,
        "lines": directives.positive_int,
    }

    def run(self) -> list[nodes.Node]:
        for source in sources():
            self.env.note_dependency(str(source))
        shown: list[str] = []
        for line in filter(None, self.content):
            shown += [f"$ {line}", *self._output(line)]
        block = nodes.literal_block("", "\n".join(shown), language="console")
        self.set_source_info(block)
        return [block]

    def _output(self, line: str) -> list[str]:
        words = shlex.split(line)
        given = f"{words[1]}\n" if words[0] == "echo" and words[2:3] == ["|"] else ""
        words = words[3:] if given else words
        if words[:3] != PROGRAM:
            raise self.error(f"terminal: expected {' '.join(PROGRAM)} ..., got {line!r}")
        done = subprocess.run(
            [sys.executable, *words[1:]],
            cwd=ROOT,
            env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1"},
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=DEADLINE,
            check=False,
            encoding="utf-8",
        )
        expected = self.options.get("status", 0)
        if done.returncode != expected:
            raise self.error(
                f"terminal: {line}: expected exit status {expected}, got {done.returncode}: "
                f"{done.stdout.strip()}"
            )
        printed = done.stdout.rstrip().splitlines()
        limit = self.options.get("lines", len(printed))
        return [*printed[:limit], "…"] if len(printed) > limit else printed


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("terminal", TerminalDirective)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
