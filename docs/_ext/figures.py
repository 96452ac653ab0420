"""`{figs} NAME`: a drawing of `figs/`, inside the page, so that it follows the page's colours.

    ```{figs} frontend_kernel
    The caption.
    ```

A file of `figs/` sets its own colours, for readers elsewhere. On a page that style is left out,
and the site's style sheets set the same variables for its light and dark themes.
"""

from __future__ import annotations

import re
from html import escape

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from figs.draw import variables

from .paths import ROOT

STANDALONE_STYLE = re.compile(r"<style\s+data-standalone\b.*?</style>\s*", re.DOTALL)
TITLE = re.compile(r"<title\b[^>]*>(.*?)</title>", re.DOTALL)


def scroll_box(inner: str, label: str) -> str:
    """Put HTML into a box that scrolls sideways, by keyboard too. The label must be unique."""
    return (
        f'<div class="scroll-box" role="region" tabindex="0" aria-label="{escape(label)}">'
        f"{inner}</div>"
    )


def inline(svg: str) -> str:
    """Take from an SVG file what a page needs: no XML declaration, no style for use alone.

    Raises ValueError for a file without a title or without class "fig".
    """
    start = svg.find("<svg")
    if start < 0 or not TITLE.search(svg) or 'class="fig' not in svg:
        raise ValueError('expected an <svg class="fig"> with a <title>')
    return STANDALONE_STYLE.sub("", svg[start:])


class FigsDirective(SphinxDirective):
    """Inline one figure, with the content as its caption."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        path = ROOT / "figs" / f"{name}.svg"
        self.env.note_dependency(str(path))
        try:
            svg = inline(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise self.error(f"figs/{name}.svg: {error}") from error
        found = TITLE.search(svg)
        title = found[1] if found else name
        figure = nodes.figure("", classes=["fig-box"], ids=[f"fig-{nodes.make_id(name)}"])
        figure += nodes.raw("", scroll_box(svg, f"Figure: {title}"), format="html")
        caption = nodes.caption()
        caption += self.parse_inline(" ".join(self.content))[0]
        figure += caption
        self.state.document.note_explicit_target(figure)
        return [figure]


def palette_css() -> str:
    """Write the colours of the figures as variables of the site's light and dark themes."""
    return (
        f"body {{ {variables(0)} }}\n"
        f'body[data-theme="dark"] {{ {variables(1)} }}\n'
        "@media (prefers-color-scheme: dark) {\n"
        f'  body:not([data-theme="light"]) {{ {variables(1)} }}\n'
        "}\n"
    )


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("figs", FigsDirective)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
