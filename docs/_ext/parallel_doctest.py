"""Run the examples of several pages at once: most of their time is waiting for kernels to start.

With `-j N` the doctest builder works on N pages at a time, each in a process of its own, where the
system can fork; elsewhere, and without the option, one after the other as Sphinx does.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from sphinx.application import Sphinx
from sphinx.ext.doctest import DocTestBuilder
from sphinx.util.parallel import ParallelTasks, parallel_available
from sphinx.util.typing import ExtensionMetadata

COUNTERS = (
    "total_failures",
    "total_tries",
    "setup_failures",
    "setup_tries",
    "cleanup_failures",
    "cleanup_tries",
)


class ParallelDocTestBuilder(DocTestBuilder):
    """The doctest builder, for several pages at a time."""

    def write_documents(self, docnames: AbstractSet[str]) -> None:
        """Run the examples of these pages."""
        if not parallel_available or self._app.parallel < 2:
            super().write_documents(docnames)
            return
        self.outfile.flush()  # else each process would write what is still in the buffer
        tasks = ParallelTasks(self._app.parallel)
        for docname in sorted(docnames):
            tasks.add_task(self._run_page, docname, self._add_up)
        tasks.join()

    def _run_page(self, docname: str) -> list[int]:
        """Run one page in this process; return its counts."""
        for name in COUNTERS:
            setattr(self, name, 0)
        super().write_documents({docname})
        self.outfile.flush()
        return [getattr(self, name) for name in COUNTERS]

    def _add_up(self, docname: str, counts: list[int]) -> None:
        for name, count in zip(COUNTERS, counts, strict=True):
            setattr(self, name, getattr(self, name) + count)


def setup(app: Sphinx) -> ExtensionMetadata:
    app.setup_extension("sphinx.ext.doctest")
    app.add_builder(ParallelDocTestBuilder, override=True)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
