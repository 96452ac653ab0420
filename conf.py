"""Sphinx configuration. The pages are in docs/, our directives in docs/_ext/.

Paths of style sheets, templates and icons are relative to this file; patterns, images and
literalinclude are relative to docs/.
"""

import contextlib
import doctest
import io
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).parent.resolve()
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

import refimpl  # noqa: E402 - the path comes first
from _ext import figures, inventories  # noqa: E402

with contextlib.redirect_stdout(io.StringIO()):  # it says that it lacks what we do not want
    import sphinxext.opengraph  # noqa: F401

project = "refimpl"
author = "the refimpl authors"
copyright = "the refimpl authors"
release = version = refimpl.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "sphinx.ext.intersphinx",
    "sphinx_autodoc_typehints",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinxext.opengraph",
    "notfound.extension",
    "_ext.downloads",
    "_ext.tested_fences",
    "_ext.catalogue",
    "_ext.terminal",
    "_ext.exchange",
    "_ext.fields",
    "_ext.rules",
    "_ext.figures",
    "_ext.notebook",
    "_ext.performance",
    "_ext.parallel_doctest",
    "_ext.theme",
]
exclude_patterns = ["_ext", "_templates", "_build"]
nitpicky = True
# Names that the packages document under others, and one that the type formatter cuts short.
nitpick_ignore = [
    ("py:class", "zmq.sugar.socket.Socket"),
    ("py:class", "asyncio.events.AbstractEventLoop"),
    ("py:class", "collections.abc.Mapping[str"),
    ("py:class", "Path"),
]

# --- pages -------------------------------------------------------------------------------------

myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3
# Examples in docstrings come from refimpl, where pytest runs them in the namespace of their module.
doctest_test_doctest_blocks = ""
# Error messages on the pages are compared, too, which Sphinx would not do by itself.
doctest_default_flags = doctest.ELLIPSIS | doctest.DONT_ACCEPT_TRUE_FOR_1
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
typehints_use_rtype = False
typehints_use_signature = True
typehints_use_signature_return = True
typehints_document_rtype = False
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
# Line numbers and outputs are not part of what a reader wants to run.
copybutton_exclude = ".linenos, .gp, .go"

# --- links to other projects -------------------------------------------------------------------

intersphinx_mapping = inventories.mapping(
    ROOT / "docs" / "inventories",
    ROOT / "_build" / "inventories",
    live=os.environ.get("DOCS_INTERSPHINX") == "live",
)
intersphinx_timeout = 5  # seconds; without it a silent proxy stops the build for good

# --- HTML --------------------------------------------------------------------------------------

GENERATED = ROOT / "_build" / "generated"
GENERATED.mkdir(parents=True, exist_ok=True)
(GENERATED / "palette.css").write_text(figures.palette_css(), "utf-8")

html_theme = "furo"
html_title = "The Jupyter kernel protocol, executable"
html_static_path = ["docs/_static", "_build/generated"]
templates_path = ["docs/_templates"]
html_favicon = "docs/_static/favicon.svg"
html_css_files = ["palette.css", "refimpl.css"]
html_js_files: list[Any] = [("refimpl.js", {"defer": "defer"})]
html_last_updated_fmt = None  # a date would make two builds differ
html_copy_source = False
html_show_sourcelink = False
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b57a4", "color-brand-content": "#0b57a4"},
    "dark_css_variables": {"color-brand-primary": "#85bdff", "color-brand-content": "#85bdff"},
}

# The address of the published site; a local build has none, and then needs neither of the three.
html_baseurl = os.environ.get("READTHEDOCS_CANONICAL_URL") or os.environ.get("DOCS_BASEURL", "")
if html_baseurl:
    extensions.append("sphinx_sitemap")
    ogp_site_url = html_baseurl
ogp_site_name = html_title
ogp_social_cards = {"enable": False}
sitemap_url_scheme = "{link}"
sitemap_excludes = ["404.html", "genindex.html", "py-modindex.html", "search.html"]
notfound_context = {
    "title": "No such page",
    "body": "<h1>No such page</h1>\n<p>Try the search, or begin at the start page.</p>",
}
notfound_urls_prefix = urlsplit(html_baseurl).path or "/"
