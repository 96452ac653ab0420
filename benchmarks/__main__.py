"""Measure the kernels beside their peers and the floor, all of them in one run.

In a round every system is started, and then each measurement is made of one system after the
other; the next round begins with another system.  So whatever slows the machine for a while slows
all of them.  What is printed are medians over the rounds: p50 · p99.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import zmq

from . import results, stages
from .client import Failed, Running
from .kernels import MEASURES, Measure
from .systems import SYSTEMS, System

EXAMPLE = """\
example: how fast are cells, ours beside ipykernel's?
  python -m benchmarks --only execute failing --systems 'refimpl python' ipykernel

With everything and 5 rounds it takes about ten minutes. Leave the machine alone meanwhile.
"""
QUICK = 0.1

Samples = dict[str, dict[str, list[Sequence[float] | str]]]


class Progress:
    """Tells on stderr what is being done, and how long it will take."""

    def __init__(self, steps: int) -> None:
        """Begin with none of the steps done."""
        self._steps, self._done = steps, 0
        self._begin = time.monotonic()
        self._live = sys.stderr.isatty()
        self._told = ""

    def step(self, group: str, what: str) -> None:
        """Say what comes now; where no line can be written over, say only the group."""
        if self._live:
            left = self._left()
            line = f"{100 * self._done // self._steps:3} %  {group} · {what}{left}"
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
        elif group != self._told:
            print(f"{group}{self._left()}", file=sys.stderr, flush=True)
        self._told = group
        self._done += 1

    def _left(self) -> str:
        if self._done < 10:
            return ""
        seconds = (time.monotonic() - self._begin) / self._done * (self._steps - self._done)
        return f" · {seconds // 60:.0f}:{seconds % 60:02.0f} left"

    def end(self) -> None:
        """Clear the line."""
        if self._live:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


class Runner:
    """A system that may have to be started anew, or cannot be."""

    def __init__(self, system: System) -> None:
        """Start nothing yet."""
        self.system = system
        self._running: Running | None = None

    def measure(self, measure: Measure, scale: float) -> Sequence[float] | str:
        """Return the samples, or how it failed; after a failure the system is started anew."""
        try:
            if self._running is None:
                self._running = Running(self.system)
            return measure.function(self._running, max(round(scale * measure.count), 1))
        except Failed as failure:
            self.close()
            return str(failure)
        except Exception as error:  # whatever it is, the others are to be measured
            self.close()
            return f"{type(error).__name__}: {error}"

    def close(self) -> None:
        """End it, if it runs."""
        running, self._running = self._running, None
        if running is not None:
            running.close()


def measure_all(
    systems: Sequence[System], measures: Sequence[Measure], rounds: int, scale: float = 1.0
) -> results.Results:
    """Make every measurement of every system; `scale` makes the counts smaller."""
    absent = {system.name: why for system in systems if (why := system.absent())}
    present = [system for system in systems if system.name not in absent]
    samples: Samples = defaultdict(lambda: defaultdict(list))
    progress = Progress(1 + rounds * sum(len(_measured(m, present)) for m in measures))
    begun = datetime.datetime.now(datetime.UTC)
    for number in range(rounds):
        turn = number % len(present) if present else 0
        runners = {s.name: Runner(s) for s in (*present[turn:], *present[:turn])}
        try:
            for measure in measures:
                for system in _measured(measure, [runner.system for runner in runners.values()]):
                    progress.step(f"round {number + 1} of {rounds} · {measure.title}", system.name)
                    found = runners[system.name].measure(measure, scale)
                    samples[measure.key][system.name].append(found)
        finally:
            for runner in runners.values():
                runner.close()
    progress.step("where the time goes", "")
    profile = stages.profile(max(round(scale * stages.COUNT), 1))
    progress.end()
    return results.assemble(
        samples,
        measured=begun.strftime("%Y-%m-%d"),
        rounds=rounds,
        scale=scale,
        machine=machine(),
        versions={s.name: s.version() for s in present if s.version()},
        absent=absent,
        stages=profile,
    )


def _measured(measure: Measure, systems: Sequence[System]) -> list[System]:
    return [system for system in systems if measure.floor or not system.is_floor]


def machine() -> dict[str, Any]:
    """Describe what the figures were measured on."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "python": platform.python_version(),
        "pyzmq": zmq.__version__,
        "libzmq": zmq.zmq_version(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else 0.0,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    keys, names = [measure.key for measure in MEASURES], [system.name for system in SYSTEMS]
    made = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--rounds", type=_positive, default=5, help="how many rounds (default: 5)")
    made.add_argument("--quick", action="store_true", help="one round, a tenth of the counts")
    made.add_argument(
        "--only",
        nargs="+",
        choices=keys,
        default=keys,
        metavar="MEASURE",
        help=f"some of the measurements: {', '.join(keys)}",
    )
    made.add_argument(
        "--systems",
        nargs="+",
        choices=names,
        default=names,
        metavar="SYSTEM",
        help=f"some of the systems: {', '.join(names)}",
    )
    made.add_argument("--json", type=Path, metavar="FILE", help="write the results to this file")
    made.add_argument(
        "--write", action="store_true", help=f"write them to benchmarks/{results.FILE.name}"
    )
    return made


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number of at least 1, got {text!r}")
    return int(text)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table, and write the results if asked."""
    options = parser().parse_args(argv)
    partial = len(options.only) < len(MEASURES) or len(options.systems) < len(SYSTEMS)
    if options.write and (partial or options.quick):
        parser().error(
            "--write: expected all measurements of all systems, without --quick, for the page"
        )
    found = measure_all(
        [system for system in SYSTEMS if system.name in options.systems],
        [measure for measure in MEASURES if measure.key in options.only],
        1 if options.quick else options.rounds,
        QUICK if options.quick else 1.0,
    )
    print(results.table(found))
    for path in (options.json, results.FILE if options.write else None):
        if path is not None:
            results.write(found, path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
