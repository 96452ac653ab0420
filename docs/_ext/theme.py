"""What the theme gets wrong in HTML: ids that are there twice, headings without a level."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.typing import ExtensionMetadata

CAPTION = '<p class="caption" role="heading">'
LEVEL = '<p class="caption" role="heading" aria-level="2">'


class OneIdForOneTable(SphinxPostTransform):
    """Take the ids away from the boxes that the theme puts round tables; the tables keep them."""

    formats = ("html",)
    default_priority = 510  # the theme wraps at 500

    def run(self, **kwargs: Any) -> None:
        for box in self.document.findall(nodes.container):
            if "table-wrapper" in box["classes"]:
                box["ids"] = []


def add_level(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Say which level the captions of tables of contents have, as screen readers need."""
    for part in ("furo_navigation_tree", "body"):
        if part in context:
            context[part] = context[part].replace(CAPTION, LEVEL)


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_post_transform(OneIdForOneTable)
    app.connect("html-page-context", add_level, priority=900)  # after the theme
    return {"parallel_read_safe": True, "parallel_write_safe": True}
