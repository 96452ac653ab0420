"""Measure everything: `python -m benchmarks [--rounds N] [--json FILE]`.

The systems take turns, round by round, so that a machine that is slower for a while is slower for
all of them.  Medians over the rounds are printed, and ratios, which are what can be compared
between machines.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections import defaultdict
from pathlib import Path

from . import kernels

FLOOR = "raw pyzmq floor"
START = "cold start to the first reply (ms)"


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """Return the median of every measurement, by name and then by system."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for number in range(1, rounds + 1):
        print(f"round {number} of {rounds}", file=sys.stderr, flush=True)
        with kernels.echo() as sock:
            values = kernels.floor(sock)
        for function in (kernels.kernel_info, kernels.execute_silent, kernels.execute):
            found[function.__doc__ or ""][FLOOR].append(values["round trip"])
        found[kernels.pipelined.__doc__ or ""][FLOOR].append(values["pipelined"])
        for name, argv in kernels.KERNELS.items():
            print(f"  {name}", file=sys.stderr, flush=True)
            kernel = kernels.Kernel(argv)
            try:
                found[START][name].append(1e3 * kernel.cold_start)
                for function in kernels.MEASUREMENTS:
                    found[function.__doc__ or ""][name].append(function(kernel))
            finally:
                kernel.close()
    return {
        what: {system: statistics.median(values) for system, values in systems.items()}
        for what, systems in found.items()
    }


def table(results: dict[str, dict[str, float]]) -> str:
    """Write the results as a table, one measurement a row."""
    systems = [FLOOR, *kernels.KERNELS]
    order = [START, *(function.__doc__ or "" for function in kernels.MEASUREMENTS)]
    rows = [["", *systems]]
    for what in order:
        values = results[what]
        rows.append([what, *(f"{values[s]:,.0f}" if s in values else "" for s in systems)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def main() -> None:
    """Measure, print the table, and write the figures if asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured")
    parser.add_argument("--json", type=Path, help="write the medians to this file, too")
    options = parser.parse_args()
    results = measure(options.rounds)
    print(table(results))
    if options.json:
        options.json.write_text(json.dumps(results, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
