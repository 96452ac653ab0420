"""Follow every internal link and fragment of built HTML pages. Needs the standard library alone.

    python tests/check_links.py _build/html

Prints one line for each broken link, and exits with status 1 if there is one, with status 2 if
there is nothing to check.
"""

from __future__ import annotations

import os
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

# Where an address may stand: (element, attribute).
ADDRESSES = {
    ("a", "href"),
    ("audio", "src"),
    ("iframe", "src"),
    ("img", "src"),
    ("link", "href"),
    ("object", "data"),
    ("script", "src"),
    ("source", "src"),
    ("use", "href"),
    ("video", "src"),
}
# Where the site will be. The page for missing pages is shown at any address, so its links are
# absolute.
PREFIX = (urlsplit(os.environ.get("DOCS_BASEURL", "")).path or "/").rstrip("/") + "/"


class Link(NamedTuple):
    """An address on a page, and the line it stands on."""

    line: int
    address: str


class Page(HTMLParser):
    """The ids and the links of one page; `base` is what its relative addresses start from."""

    def __init__(self, text: str) -> None:
        """Read the page."""
        super().__init__()
        self.ids: set[str] = set()
        self.doubles: list[Link] = []
        self.links: list[Link] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect what the element is called and where it points."""
        line = self.getpos()[0]
        for name, value in attrs:
            if value is None:
                continue
            if name == "id":
                if value in self.ids:
                    self.doubles.append(Link(line, value))
                self.ids.add(value)
            elif name == "name" and tag == "a":
                self.ids.add(value)
            elif (tag, name) in ADDRESSES:
                self.links.append(Link(line, value))


def check(folder: Path) -> list[str]:
    """Return one line for each broken link under the folder, in the order of the pages."""
    pages = {path: Page(path.read_text("utf-8")) for path in sorted(folder.rglob("*.html"))}
    problems = []
    for path, page in pages.items():
        where = path.relative_to(folder).as_posix()
        for line, name in page.doubles:
            problems.append(f"{where}:{line}: id {name!r} is used twice")
        for line, address in page.links:
            problem = _problem(folder, path, address, pages)
            if problem:
                problems.append(f"{where}:{line}: {address}: {problem}")
    return problems


def _problem(folder: Path, source: Path, address: str, pages: dict[Path, Page]) -> str:
    """Say what is wrong with an address; nothing when it leads somewhere, or to another site."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return ""
    path = unquote(parts.path)
    target = source
    if path.startswith("/"):
        if not path.startswith(PREFIX):
            return f"expected a path below {PREFIX}"
        target = folder / path.removeprefix(PREFIX)
    elif path:
        target = Path(source.parent, path)
    target = folder / _relative(target, folder)
    if target.is_dir():
        target /= "index.html"
    if not target.exists():
        return "no such file"
    fragment = unquote(parts.fragment)
    if fragment and target in pages and fragment not in pages[target].ids and fragment != "top":
        return f"no element has the id {fragment!r}"
    return ""


def _relative(path: Path, folder: Path) -> Path:
    """Resolve `..` in a path and make it relative to the folder, outside of which is nothing."""
    parts: list[str] = []
    for part in path.relative_to(folder).parts:
        if part != "..":
            parts.append(part)
        elif parts:
            parts.pop()
        else:
            return Path("outside of the site")
    return Path(*parts)


def main(argv: list[str]) -> int:
    """Check the folder given on the command line; return the exit status."""
    if len(argv) != 1:
        print("usage: check_links.py FOLDER", file=sys.stderr)
        return 2
    folder = Path(argv[0])
    if not any(folder.rglob("*.html")):
        print(f"{folder}: expected a folder with HTML pages, found none", file=sys.stderr)
        return 2
    problems = check(folder)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
