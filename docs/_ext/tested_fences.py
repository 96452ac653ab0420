"""Examples on pages are run: a `pycon` fence is a doctest, and `>>>` anywhere else is an error.

Sphinx runs `{doctest}` blocks but not plain `pycon` fences, which look the same to a reader.
"""

from __future__ import annotations

from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.typing import ExtensionMetadata

from .paths import ROOT

logger = logging.getLogger(__name__)
TESTED_SOURCES = ROOT / "refimpl"  # pytest runs the docstrings in here


class TestedFences(SphinxTransform):
    """Mark `pycon` fences as doctests; refuse a prompt that nothing runs."""

    default_priority = 480  # before the doctest builder's own marks are read

    def apply(self) -> None:
        for node in self.document.findall(nodes.literal_block):
            if "testnodetype" in node or self._tested_elsewhere(node):
                continue
            if node.get("language") == "pycon":
                node["testnodetype"] = "doctest"
                node["groups"] = ["default"]
                node["options"] = {}
            elif any(line.lstrip().startswith(">>>") for line in node.astext().splitlines()):
                logger.error(
                    "an example with '>>>' that nothing runs: expected a pycon fence, got %s",
                    node.get("language", "none"),
                    location=node,
                )

    def _tested_elsewhere(self, node: nodes.literal_block) -> bool:
        """Tell whether the block shows a file whose docstrings the tests run."""
        if "source" not in node:  # only literalinclude says where its text is from
            return False
        return Path(node["source"]).resolve().is_relative_to(TESTED_SOURCES)


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_transform(TestedFences)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
