"""Read a file of a stranger, find out what it is, and check it.

>>> kind_of({"argv": [], "display_name": "Mine", "language": "mine"})
'kernel-spec'
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import FILES
from .problem import Problem
from .transcript import check_transcript
from .validate import Repeating, check_file, check_message, msg_type

LARGEST = 64 * 2**20  # bytes of a file
OTHERS = {
    b"\xef\xbb\xbf": "a byte order mark before it",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"\x1f\x8b": "a gzip file",
    b"PK\x03\x04": "a zip file",
}
MESSAGE, TRANSCRIPT, AUTO = "message", "transcript", "auto"


class Unreadable(Exception):
    """A file cannot be read, or nobody can tell what it is; the text is one line."""


def check_path(name: str, kind: str, profile: str) -> tuple[str, list[Problem]]:
    """Check a file, or stdin for "-"; return what it is, and its problems.

    `kind` is "auto", "message", "transcript" or the key of a file.  Raises Unreadable.
    """
    value = parsed(read(name))
    if kind == AUTO:
        kind = kind_of(value)
    if kind == TRANSCRIPT:
        messages = [value] if isinstance(value, Mapping) else value
        return kind, check_transcript(messages, profile)
    if kind == MESSAGE:
        name = msg_type(value) if isinstance(value, Mapping) else ""
        return f"{kind} {name}".strip(), check_message(value, profile)
    return kind, check_file(kind, value, profile)


def read(name: str) -> str:
    """Read a file, or stdin for "-"; raise Unreadable."""
    try:
        if name == "-":
            if sys.stdin is None:
                raise Unreadable("stdin is closed")
            data = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(LARGEST + 1)
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from None
    except ValueError as error:  # a name that no file can have
        raise Unreadable(str(error)) from None
    if len(data) > LARGEST:
        raise Unreadable(f"expected at most {LARGEST >> 20} MiB, got more")
    for beginning, what in OTHERS.items():
        if data.startswith(beginning):
            raise Unreadable(f"expected JSON in UTF-8, got {what}")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable(f"not UTF-8: byte {error.start}: {error.reason}") from None


def parsed(text: str) -> Any:
    """Parse JSON, or JSON Lines: one value in each line; raise Unreadable."""
    if not text.strip():
        raise Unreadable("not JSON: empty")
    try:
        return load(text)
    except json.JSONDecodeError as error:
        values = parsed_lines(text)
        if values is None:
            raise Unreadable(f"not JSON: {error}") from None
        return values
    except RecursionError:
        raise Unreadable("nested too deeply") from None
    except ValueError:  # Python protects itself from numbers that take long to convert
        raise Unreadable("a number has too many digits") from None


def load(text: str) -> Any:
    """Parse one value of JSON; an object with a name twice becomes `Repeating`."""
    return json.loads(text, object_pairs_hook=_object)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    counts = Counter(name for name, _ in pairs)
    repeating = Repeating(found)
    repeating.names = tuple(name for name, count in counts.items() if count > 1)
    return repeating


def parsed_lines(text: str) -> list[Any] | None:
    """Parse JSON Lines; return None if the first line is not JSON.

    Raises Unreadable if a later one is not.
    """
    values = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            values.append(load(line))
        except (ValueError, RecursionError) as error:
            if not values:
                return None
            why = "nested too deeply" if isinstance(error, RecursionError) else f"not JSON: {error}"
            raise Unreadable(f"line {number}: {why}") from None
    return values


def kind_of(value: Any) -> str:
    """Tell by its shape what a value is; raise Unreadable if it is like nothing known."""
    if isinstance(value, list):
        return TRANSCRIPT
    if isinstance(value, Mapping):
        if "header" in value:
            return MESSAGE
        if "message" in value:
            return TRANSCRIPT
        known = {
            key: 2 * sum(each.name in value for each in file.fields) - len(value)
            for key, file in FILES.items()
        }
        best = max(known, key=lambda key: known[key])
        if known[best] > 0:
            return best
    kinds = ", ".join([MESSAGE, TRANSCRIPT, *FILES])
    raise Unreadable(f"cannot tell which of {kinds} it is; say so with --kind")
