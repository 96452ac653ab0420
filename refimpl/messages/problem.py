"""A problem: where something is wrong, what was expected there, and what was found.

What was found may come from a stranger.  So it is shortened, and characters that would command a
terminal are written as escapes.

>>> print(Problem("content.code", "string", shown(5)))
content.code: expected string, got number 5
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

ERROR: Final = "error"
NOTE: Final = "note"

SHOWN = 40  # characters shown of a text
SIMILAR = 60  # characters of a name for which similar names are looked for


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, or (at the level "note") worth knowing.

    `path` leads to the culprit: `content.help_links[0].url`; it is empty for the whole value.
    `expected` and `found` are for people.  `rule` is the id of the rule about it, or empty.
    """

    path: str
    expected: str
    found: str
    rule: str = ""
    level: str = ERROR

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        rule = f" ({self.rule})" if self.rule else ""
        return f"{where}expected {self.expected}, got {self.found}{rule}"


def shown(value: Any) -> str:
    """Name a value in a few words, whatever it is, without characters that a terminal obeys.

    >>> shown(True), shown("busy"), shown([1]), shown({}), shown(float("nan"))
    ('true', 'string "busy"', 'an array of 1', 'an empty object', 'NaN')
    """
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            more = f" ({len(value):,} characters)" if len(value) > SHOWN else ""
            return f"string {quoted(value)}{more}"
        case int() if value.bit_length() > 128:
            return f"a number of about {math.ceil(value.bit_length() * math.log10(2)):,} digits"
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "an infinite number"
        case int() | float():
            return f"number {value!r}"
        case list() | tuple():
            return f"an array of {len(value):,}" if value else "an empty array"
        case Mapping():
            return f"an object of {len(value):,}" if value else "an empty object"
    return f"{type(value).__name__}, which is not JSON"


def veiled(value: Any) -> str:
    """Name a value as `shown` does, but nothing of what it holds: it may be a key.

    >>> veiled("open sesame"), veiled(5), veiled(None)
    ('a string of 11', 'a number', 'null')
    """
    match value:
        case str():
            return f"a string of {len(value):,}" if value else "an empty string"
        case int() | float() if not isinstance(value, bool):
            return "a number"
    return shown(value)


def quoted(text: str) -> str:
    """Put a text between quotes, shortened, with what cannot be printed written as escapes."""
    short = text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
    plain = "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode()
        for char in short.replace("\\", "\\\\")
    )
    return '"' + plain.replace('"', '\\"') + '"'


def joined(path: str, key: object) -> str:
    """Lengthen a path by the key of an object, or by the index in an array.

    >>> joined("a", "b"), joined("", "b"), joined("a", 3), joined("a", "text/plain")
    ('a.b', 'b', 'a[3]', 'a["text/plain"]')
    """
    if isinstance(key, int) and not isinstance(key, bool):
        return f"{path}[{key}]"
    text = key if isinstance(key, str) else repr(key)
    if text.isidentifier() and len(text) <= SHOWN:
        return f"{path}.{text}" if path else text
    return f"{path}[{quoted(text)}]"


def nearest(name: Any, names: Iterable[str]) -> str:
    """Find the name that may have been meant; empty if none is similar."""
    if not isinstance(name, str) or len(name) > SIMILAR:
        return ""
    return next(iter(difflib.get_close_matches(name, list(names), 1)), "")
