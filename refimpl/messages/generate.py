"""The files that are made from the catalogue and kept beside it: schemas, and Python types.

They are kept so that they can be read, linked to and installed without being made first.
A test fails when one of them is stale; `python -m refimpl protocol write` writes them anew.

>>> as_json({"é": 1}).isascii()
True
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .dump import protocol, protocol_schema
from .schema import all_schemas, index
from .typed import module


def as_json(value: Any) -> str:
    """Return the text of a JSON document, in ASCII: it is the same wherever it is written."""
    return json.dumps(value, indent=2) + "\n"


def generated() -> dict[str, str]:
    """Return the files that are made from the catalogue: path inside the package, and text."""
    documents = {
        **all_schemas(),
        "index.json": index(),
        "protocol.json": protocol(),
        "protocol.schema.json": protocol_schema(),
    }
    texts = {f"schemas/{path}": as_json(document) for path, document in documents.items()}
    return {**texts, "contents.py": module()}


def stale(folder: Path) -> list[str]:
    """List the files in a folder that are missing, that differ, or that should not be there."""
    wanted = generated()
    there = {path.relative_to(folder).as_posix() for path in (folder / "schemas").rglob("*.json")}
    return sorted(
        {
            *(there - wanted.keys()),
            *(path for path, text in wanted.items() if _text(folder / path) != text),
        }
    )


def _text(path: Path) -> str | None:
    return path.read_text("utf-8") if path.is_file() else None
