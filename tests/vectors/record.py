"""Record how ipyparallel packs functions, arguments and results: `python tests/vectors/record.py`.

Needs ipyparallel and numpy.  Pickles of functions hold code objects, which differ from one version
of Python to the next; so the file is recorded once, and not compared with a new recording.
"""

# ruff: noqa: E501 - a vector is a line

from __future__ import annotations

import pickle
import platform
from collections.abc import Sequence
from functools import partial
from io import BytesIO
from typing import Any

import ipyparallel
import numpy as np
from ipyparallel.serialize import pack_apply_message, serialize_object
from make import HERE, Vector, document, hexes, vector

LARGE, SMALL = b"L" * 1025, b"S" * 1024


def described(value: Any) -> Any:
    """Show a value as JSON: what JSON has no form for becomes an object with one known key."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case list():
            return [described(each) for each in value]
        case dict():
            return {"dict": [[described(key), described(each)] for key, each in value.items()]}
        case tuple():
            return {"tuple": [described(each) for each in value]}
        case bytes():
            return {"bytes": len(value)}
    if hasattr(value, "buffers"):
        taken = sum(each is None for each in value.buffers)
        return {"class": name_of(type(value)), "taken": taken}
    return {"global": name_of(value)}


def name_of(value: Any) -> str:
    """Name a class or a function as a pickle does."""
    return f"{value.__module__}:{value.__qualname__}"


def loaded(first: bytes) -> Any:
    """Load the first buffer of an object, with ipyparallel's own classes."""
    return pickle.load(BytesIO(first))


def request(name: str, why: str, function: Any, *args: Any, **kwargs: Any) -> Vector:
    """Pack a call as ipyparallel's client does."""
    buffers = [bytes(each) for each in pack_apply_message(function, list(args), kwargs)]
    expect = {
        "info": {
            "nargs": len(args),
            "narg_bufs": sum(len(serialize_object(each)) for each in args),
            "kw_keys": sorted(kwargs),
        },
        "objects": objects([function, *args, *(kwargs[key] for key in sorted(kwargs))]),
    }
    return vector(f"apply-{name}", why, {"form": "request", "buffers": hexes(buffers)}, expect)


def results(name: str, why: str, *values: Any) -> Vector:
    """Pack results as an engine does; several, as a coalescing scheduler joins them."""
    buffers = [bytes(each) for value in values for each in serialize_object(value)]
    given = {"form": "results", "buffers": hexes(buffers)}
    return vector(f"result-{name}", why, given, {"objects": objects(values)})


def objects(values: Sequence[Any]) -> list[dict[str, Any]]:
    """Say of each object how many buffers it has, and what the first one holds."""
    found = []
    for value in values:
        buffers = serialize_object(value)
        found.append({"buffers": len(buffers), "value": described(loaded(bytes(buffers[0])))})
    return found


def add(x: int = 1) -> int:
    """Be a function to send."""
    return x + 1


def recorded() -> list[Vector]:
    """Make all vectors."""
    add.__module__ = "__main__"
    add.__code__ = add.__code__.replace(co_filename="<cell>")  # no path of this machine
    array = np.arange(200, dtype="<f8").reshape(10, 20)
    return [
        request("no-arguments", "A function alone: exactly two buffers, the function and the info.", add),
        request("one-argument", "One buffer more for each argument.", add, 3),
        request("plain-values", "What pickle writes of plain values.", add, None, True, -1, 2**40, 1.5, "é 🐍", [1, [2]], {"b": 1, "a": None}),
        request("keywords", "Values of keywords follow the arguments, sorted by name.", add, 1, b=2, a=3),
        request("builtin", "A builtin is not taken apart: a reference by name.", len, [1, 2, 3]),
        request("bytes-at-the-threshold", "1024 bytes stay in the pickle.", add, SMALL),
        request("bytes-over-the-threshold", "1025 bytes become a buffer, and None takes their place.", add, LARGE),
        request("large-keyword", "narg_bufs counts the buffers of the arguments, not those of keywords.", add, 1, data=LARGE),
        request("bytes-in-list", "One level deep, elements are taken apart one by one.", add, [LARGE, 1, LARGE]),
        request("bytes-in-dict", "Values of a dict in the order of its sorted keys.", add, {"b": LARGE + b"b", "a": LARGE}),
        request("bytes-two-levels-deep", "No deeper: what lies in a list in a list is pickled whole.", add, [[SMALL]]),
        request("list-of-63", "The last length at which elements are looked at.", add, [LARGE, *range(62)]),
        request("list-of-64", "From 64 elements on a list is pickled whole.", add, [SMALL, *range(63)]),
        request("array", "An array: its shape and type in the pickle, its memory in a buffer.", add, array),
        request("array-empty", "An empty array is pickled, and the pickle is small.", add, np.empty(0)),
        request("partial", "A partial pulls the buffers of its arguments up.", partial(add, LARGE)),
        request("reference", "The name of something in the namespace of the engine.", add, ipyparallel.Reference("a[0]")),
        results("number", "A plain result.", 4),
        results("none", "No result is None, which is one buffer.", None),
        results("text", "Text.", "é 🐍"),
        results("bytes", "A large result: two buffers.", LARGE),
        results("tuple", "Several values.", (1, LARGE, "x")),
        results("function", "A function as result is taken apart, as arguments are.", add),
        results("several", "A coalesced broadcast: the objects of all engines, one after the other.", 0, LARGE, None),
    ]  # fmt: skip


if __name__ == "__main__":
    about = (
        "Buffers of apply_request and apply_reply, and the objects in them. "
        f"Recorded from ipyparallel {ipyparallel.__version__} "
        f"with Python {'.'.join(platform.python_version_tuple()[:2])}."
    )
    text = document("apply-buffers", "Apply buffers", about, recorded())
    HERE.joinpath("apply-buffers.json").write_text(text, "utf-8", newline="\n")
