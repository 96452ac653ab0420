"""What was measured: from samples to medians, to a file, to a table.

samples    what a measurement returned, one list a round
figures    p50 and p99: of each round, and of these the median over the rounds
results    all figures, the machine, the versions: what `results.json` holds, as its schema says
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .budgets import BUDGETS, Budget
from .kernels import MEASURES, Measure

FOLDER = Path(__file__).resolve().parent
FILE = FOLDER / "results.json"
SCHEMA = FOLDER / "results.schema.json"
ENOUGH = 100  # samples a round; of fewer there is no p99

Figures = dict[str, Any]
Results = dict[str, Any]


def percentile(samples: Sequence[float], percent: float) -> float:
    """Return the smallest sample that so many per cent do not exceed.

    >>> percentile([3.0, 1.0, 2.0], 50), percentile(range(1, 101), 99)
    (2.0, 99)
    """
    ordered = sorted(samples)
    return ordered[max(math.ceil(percent / 100 * len(ordered)) - 1, 0)]


def figures(measure: Measure, rounds: Sequence[Sequence[float] | str]) -> Figures:
    """Sum up the rounds of one measurement of one system; a text says how a round failed.

    >>> figures(MEASURES[2], [[0.002, 0.001, 0.003], [0.004], "does not answer"])
    {'p50': 3000.0, 'rounds': [2000.0, 4000.0], 'failed': 'does not answer', 'failures': 1}
    """
    good: list[list[float]] = []
    failures: list[str] = []
    for samples in rounds:
        if isinstance(samples, str):
            failures.append(samples)
        else:
            good.append([measure.factor * value for value in samples])
    found: Figures = {}
    if good:
        medians = [statistics.median(samples) for samples in good]
        found["p50"] = _short(statistics.median(medians))
        if all(len(samples) >= ENOUGH for samples in good):
            found["p99"] = _short(statistics.median(percentile(each, 99) for each in good))
        found["rounds"] = [_short(value) for value in medians]
    if failures:
        found["failed"] = failures[-1]
        found["failures"] = len(failures)
    return found


def _short(value: float) -> float:
    """Keep four digits: what is beyond them is noise."""
    return float(f"{value:.4g}")


def read(path: Path = FILE) -> Results:
    """Read a results file. Raises OSError, and ValueError for a file that is not JSON."""
    results: Results = json.loads(path.read_text("utf-8"))
    return results


def write(results: Results, path: Path = FILE) -> None:
    """Write a results file."""
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf-8")


# --- in words ----------------------------------------------------------------------------------


def number(value: float) -> str:
    """Write a figure with three digits.

    >>> [number(value) for value in (0.7412, 51.23, 651.8, 14812.0)]
    ['0.741', '51.2', '652', '14,800']
    """
    if value >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.3g}"


def shown(found: Figures | None) -> str:
    """Write what was measured of one system, in one cell of a table.

    >>> shown({"p50": 51.23, "p99": 98.7, "rounds": [51.23]}), shown({"failed": "loses idle"})
    ('51.2 · 98.7', 'loses idle')
    """
    if found is None:
        return ""
    if "failed" in found:
        rounds = found["failures"] + len(found["rounds"]) if "rounds" in found else 0
        return f"{found['failed']} ({found['failures']} of {rounds})" if rounds else found["failed"]
    return " · ".join(number(found[name]) for name in ("p50", "p99") if name in found)


def figure(results: Results, measure: str, system: str) -> float | None:
    """Return a median; None where it was not measured, or the system failed."""
    found = results["measures"].get(measure, {}).get("systems", {}).get(system)
    return None if found is None or "failed" in found else found.get("p50")


def judged(results: Results, budget: Budget) -> tuple[float | None, bool | None]:
    """Return what a budget compares, and whether it is reached; None where that was not measured.

    A system that fails has not reached its budget.
    """
    systems = results["measures"].get(budget.measure, {}).get("systems", {})
    if "failed" in systems.get(budget.system, {}):
        return None, False
    value = figure(results, budget.measure, budget.system)
    base = figure(results, budget.measure, budget.base) if budget.base else 1.0
    if value is None or base is None:
        return None, None
    ratio = value / base
    return ratio, ratio >= budget.limit if budget.at_least else ratio <= budget.limit


def verdict(results: Results, budget: Budget) -> tuple[str, str]:
    """Say what was measured of a budget, in its own terms, and what follows.

    >>> results = {"measures": {"lines": {"systems": {"ours": {"p50": 149.6}}}}}
    >>> verdict(results, Budget("lines", "ours", 150, unit="ms"))
    ('150 ms', 'reached')
    """
    value, reached = judged(results, budget)
    words = {True: "reached", False: "missed", None: "not measured"}[reached]
    if value is None:
        found = results["measures"].get(budget.measure, {}).get("systems", {}).get(budget.system)
        return shown(found), words
    return budget.amount(value), words


def table(results: Results) -> str:
    """Write everything as text: the figures, one measurement a row, then the budgets."""
    blocks = []
    for key in (m.key for m in MEASURES if m.key in results["measures"]):
        found = results["measures"][key]
        rows = [[name, shown(figures)] for name, figures in found["systems"].items()]
        blocks.append(f"{found['title']} ({found['unit']})\n{_aligned(rows, '  ')}")
    rows = [["budget", "", "measured", ""]]
    rows += [
        [budget.title(results), budget.wanted(), *verdict(results, budget)]
        for budget in BUDGETS
        if budget.measure in results["measures"]
    ]
    if results["scale"] != 1:
        blocks.insert(0, f"counts: {results['scale']:g} of those in the headings")
    absent = [f"not measured: {name}: {why}" for name, why in results["absent"].items()]
    return "\n".join([*blocks, "", _aligned(rows), *absent])


def _aligned(rows: Sequence[Sequence[str]], indent: str = "") -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        indent
        + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def assemble(
    samples: Mapping[str, Mapping[str, Sequence[Sequence[float] | str]]], **about: Any
) -> Results:
    """Put together what a run has measured, by measure and system, and what it was."""
    return {
        **about,
        "measures": {
            measure.key: {
                "title": measure.title,
                "unit": measure.unit,
                "more_is_better": measure.more_is_better,
                "systems": {
                    name: figures(measure, rounds) for name, rounds in samples[measure.key].items()
                },
            }
            for measure in MEASURES
            if measure.key in samples
        },
    }
