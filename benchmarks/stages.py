"""Where the time of one cell goes: `python -m benchmarks.stages`.

A Python kernel runs with a stopwatch round the functions that a request passes through.  Each
moment is charged to the innermost of them, so the stages add up to the time that the main thread
works for one request.  It is processor time, which other programs do not lengthen.  What the
stopwatch itself takes is measured and taken off.
"""

from __future__ import annotations

import ast
import functools
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from refimpl.run_kernel import send

from .client import Failed, Running, receive
from .kernels import to_idle
from .systems import FILE, System

CODE = "6 * 7"
COUNT = 2000
BATCH = 200  # cells between two looks at the stopwatch
COST = "from benchmarks import stages; stages.STOPWATCH.cost()"
TAKE = "from benchmarks import stages; stages.STOPWATCH.take()"

KERNEL = System(
    "profiled", ("-c", "from benchmarks import stages; stages.serve()", "-f", FILE), ours=True
)

# The stages: what they are called on the page, and the functions that are in them.
STAGES: dict[str, tuple[str, ...]] = {
    "receive the frames": ("run_kernel.receive",),
    "verify and decode": ("run_kernel.Session.deserialize", "run_kernel.Message.check"),
    "decide what is asked": ("kernel.Kernel.handle",),
    "run the cell": ("python_kernel.PythonKernel.do_execute",),
    "compile the cell": ("python_kernel._compile",),
    "describe its value": ("python_kernel.mime_bundle",),
    "make the messages": ("kernel.Session.message",),
    "encode and sign": ("kernel.Session.serialize",),
    "keep the order on iopub": ("run_kernel.IOPub.publish", "run_kernel.IOPub.flush"),
    "hand over to libzmq": ("run_kernel.send",),
}
REST = "event loop"


class Stopwatch:
    """Charges each moment to the stage that is innermost."""

    def __init__(self) -> None:
        """Begin in the rest, with nothing charged."""
        self.stage = REST
        self.spent: dict[str, int] = dict.fromkeys([*STAGES, REST], 0)
        self.turns = dict.fromkeys(self.spent, 0)
        self._since = time.thread_time_ns()

    def switch(self, stage: str) -> str:
        """Charge the time since the last switch; return the stage that was left."""
        now = time.thread_time_ns()
        left = self.stage
        self.spent[left] += now - self._since
        self.turns[left] += 1
        self.stage = stage
        self._since = now
        return left

    def take(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return nanoseconds and turns of each stage since the last time, and begin anew."""
        taken = self.spent, self.turns
        self.spent, self.turns = dict.fromkeys(self.spent, 0), dict.fromkeys(self.turns, 0)
        return taken

    def around(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with the stopwatch round it. Only the main thread is measured."""
        import inspect
        import threading

        main = threading.get_ident()

        @functools.wraps(function)
        def timed(*args: Any, **options: Any) -> Any:
            if threading.get_ident() != main:
                return function(*args, **options)
            left = self.switch(stage)
            try:
                return function(*args, **options)
            finally:
                self.switch(left)

        @functools.wraps(function)
        async def timed_coroutine(*args: Any, **options: Any) -> Any:
            if threading.get_ident() != main:
                return await function(*args, **options)
            left = self.switch(stage)
            try:
                return await function(*args, **options)
            finally:
                self.switch(left)

        return timed_coroutine if inspect.iscoroutinefunction(function) else timed

    def cost(self, count: int = 2000) -> float:
        """Measure what one switch takes, in nanoseconds, in the call and out of it."""
        watched = Stopwatch().around(REST, len)
        begin = time.thread_time_ns()
        for _ in range(count):
            len(())
        plain = time.thread_time_ns()
        for _ in range(count):
            watched(())
        return max((time.thread_time_ns() - plain) - (plain - begin), 0) / count / 2


STOPWATCH = Stopwatch()


def serve() -> None:
    """Run the Python kernel with a stopwatch in it."""
    from refimpl import kernel, python_kernel, run_kernel

    modules = {
        module.__name__.rpartition(".")[2]: module for module in (kernel, python_kernel, run_kernel)
    }
    for stage, names in STAGES.items():
        for name in names:
            module, *path, attribute = name.split(".")
            owner = functools.reduce(getattr, path, modules[module])
            setattr(owner, attribute, STOPWATCH.around(stage, getattr(owner, attribute)))
    sys.exit(run_kernel.main(python_kernel.PythonKernel))


def profile(count: int = COUNT) -> dict[str, Any]:
    """Return the microseconds that one cell takes in each stage, and in all: medians of batches."""
    kernel = Running(KERNEL)
    try:
        cost = float(_result(kernel, COST))
        batch = min(count, BATCH)
        batches = [_batch(kernel, batch, cost) for _ in range(1 + count // batch)][1:]
    finally:
        kernel.close()
    found = {
        stage: statistics.median(batch[stage] for batch in batches) for stage in (*STAGES, REST)
    }
    return {
        "code": CODE,
        "unit": "µs",
        "stages": {stage: round(value, 1) for stage, value in found.items()},
        "total": round(sum(found.values()), 1),
    }


def _batch(kernel: Running, count: int, cost: float) -> dict[str, float]:
    """Run cells; return the microseconds of each stage, one cell's share."""
    _result(kernel, TAKE)
    to_idle(kernel, CODE, count)
    spent, turns = ast.literal_eval(_result(kernel, TAKE))
    cells = count + 1  # the one that asks is the last of them
    return {stage: max(spent[stage] - cost * turns[stage], 0) / 1000 / cells for stage in spent}


def _result(kernel: Running, code: str) -> str:
    """Run a cell; return the text of its value."""
    request = kernel.execute(code)
    send(kernel.shell, request)
    contents = [json.loads(content) for content in kernel.until_idle(request)]
    receive(kernel.shell)
    texts = [content["data"]["text/plain"] for content in contents if "data" in content]
    if not texts:
        raise Failed(f"has no value for {code!r}")
    return str(texts[0])


def table(profile: dict[str, Any]) -> str:
    """Write the stages as text, the longest first."""
    rows = sorted(profile["stages"].items(), key=lambda row: -row[1])
    lines = [f"{stage:28}{value:8.1f}{value / profile['total']:8.0%}" for stage, value in rows]
    return "\n".join([*lines, f"{'together (' + profile['unit'] + ')':28}{profile['total']:8.1f}"])


if __name__ == "__main__":
    print(table(profile()))
