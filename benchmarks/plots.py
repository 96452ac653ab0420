"""Draw results as bars: one panel a measurement, narrow enough for a telephone."""

from __future__ import annotations

from typing import Any, NamedTuple

from figs.draw import Figure, Rect, text_width

from .results import number, shown
from .systems import SYSTEMS

WIDTH, LEFT, ROW, GAP = 360.0, 122.0, 24.0, 6.0  # of a panel, of its names, of a row
BAR = 14.0  # the height of one
OURS, FLOOR, PEER = "plate", "yours", "hub"  # looks: filled, dashed outline, grey with outline


class Bar(NamedTuple):
    """One row: a name, how it looks, its length and that of its thin line, what is written."""

    name: str
    look: str
    value: float
    far: float
    text: str


def bars(measure: dict[str, Any]) -> list[Bar]:
    """Make the rows of one measurement, in the order of the systems."""
    found = []
    for system in SYSTEMS:
        if (figures := measure["systems"].get(system.name)) is None:
            continue
        look = OURS if system.ours else FLOOR if system.is_floor else PEER
        if "failed" in figures:
            found.append(Bar(system.name, look, 0.0, 0.0, shown(figures)))
        else:
            value = figures["p50"]
            far = figures.get("p99", value)
            found.append(Bar(system.name, look, value, far, number(value)))
    return found


def panel(key: str, title: str, unit: str, rows: list[Bar], left: float = LEFT) -> Figure:
    """Draw rows of bars that begin at nothing, so that their lengths can be compared."""
    said = "; ".join(f"{row.name}: {row.text}" for row in rows)
    figure = Figure(
        f"measured-{key}", ROW * len(rows) + 8, f"{title} ({unit})", f"{said}.", width=WIDTH
    )
    width = room(rows, left)
    longest = max(row.far for row in rows) or 1.0
    for at, row in enumerate(rows):
        y = 4 + ROW * (at + 0.5)
        family = "shell" if row.look == OURS else ""
        figure.text(left - GAP, y, row.name, "note", anchor="end")
        end = left + max(width * row.value / longest, 1.5)
        if row.value:
            figure.rect(Rect(left, y - BAR / 2, end - left, BAR), row.look, 2, family)
        if row.far > row.value:
            far = left + width * row.far / longest
            figure.line((end, y), (far, y), family)
            figure.line((far, y - 4), (far, y + 4), family)
            end = far
        figure.text(end + GAP, y, _fitting(row.text, WIDTH - end - GAP), "note", "ink", "start")
    return figure


def room(rows: list[Bar], left: float) -> float:
    """Return how long the longest bar may be, so that each figure fits behind its bar."""
    widest = max((text_width(row.text, "note") for row in rows if row.value), default=0.0)
    return WIDTH - left - 2 * GAP - widest


def _fitting(text: str, room: float) -> str:
    """Return the text, or a pointer to where it is written if it does not fit."""
    return text if text_width(text, "note") <= room else "fails: see the table"


def measured(results: dict[str, Any], key: str) -> Figure:
    """Draw one measurement of all systems."""
    measure = results["measures"][key]
    return panel(key, measure["title"], measure["unit"], bars(measure))


def stages(results: dict[str, Any]) -> Figure:
    """Draw where the time of one cell goes, the longest stage first."""
    profile = results["stages"]
    rows = [
        Bar(stage, OURS, value, value, number(value))
        for stage, value in sorted(profile["stages"].items(), key=lambda row: -row[1])
    ]
    return panel("stages", "Where the time of one cell goes", profile["unit"], rows, left=165.0)
