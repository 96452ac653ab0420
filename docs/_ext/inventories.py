"""Links to other projects' documentation from short lists kept in this repository.

Sphinx reads compressed inventories, as other sites publish them. We keep lists of the names that
our pages use, as text that can be reviewed, and compress them when a build starts. So a build
needs no network, and a name that is not listed is reported.
"""

from __future__ import annotations

import zlib
from pathlib import Path

BASES = {
    "python": "https://docs.python.org/3/",
    "jupyterclient": "https://jupyter-client.readthedocs.io/en/stable/",
    "ipykernel": "https://ipykernel.readthedocs.io/en/stable/",
    "ipython": "https://ipython.readthedocs.io/en/stable/",
    "ipyparallel": "https://ipyparallel.readthedocs.io/en/stable/",
    "traitlets": "https://traitlets.readthedocs.io/en/stable/",
    "zmq": "https://pyzmq.readthedocs.io/en/latest/",
}


def read_names(source: Path) -> list[tuple[str, str, str, str]]:
    """Read a list of names: one `name domain:role uri [title]` a line, `#` starts a comment line.

    Raises ValueError, which names the file and the line.
    """
    names = []
    for number, line in enumerate(source.read_text("utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split(None, 3)
        if len(words) < 3 or ":" not in words[1]:
            expected = "expected 'name domain:role uri [title]'"
            raise ValueError(f"{source.name}, line {number}: {expected}, got {line!r}")
        name, role, uri, *title = words
        names.append((name, role, uri, title[0] if title else "-"))
    return names


def write_inventory(source: Path, target: Path) -> None:
    """Compress a list of names to an inventory, version 2 of Sphinx's format."""
    head = (
        "# Sphinx inventory version 2\n"
        f"# Project: {source.stem}\n"
        "# Version: \n"
        "# The remainder of this file is compressed using zlib.\n"
    )
    rows = "".join(
        f"{name} {role} 1 {uri} {title}\n" for name, role, uri, title in read_names(source)
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(head.encode() + zlib.compress(rows.encode("utf-8"), 9))


def mapping(lists: Path, built: Path, *, live: bool) -> dict[str, tuple[str, object]]:
    """Return the value of `intersphinx_mapping`, after writing the inventories.

    With `live`, each project's own inventory is fetched first, and ours is the second choice.
    """
    entries: dict[str, tuple[str, object]] = {}
    for project, base in BASES.items():
        inventory = built / f"{project}.inv"
        write_inventory(lists / f"{project}.txt", inventory)
        entries[project] = (base, (None, str(inventory)) if live else str(inventory))
    return entries
