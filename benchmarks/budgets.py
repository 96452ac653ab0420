"""What ours should reach.

Most budgets are ratios: a figure of a busy or a slow machine says little, but what runs beside
it in the same minute is just as busy and slow.
"""
# ruff: noqa: RUF001, RUF002 - the sign of multiplication is meant

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .systems import FLOOR, IPYKERNEL, IPYTHON, PYTHON, XEUS_RAW


@dataclass(frozen=True)
class Budget:
    """At most `limit` times what `base` has, or that many units; or at least, with `at_least`.

    `obstacle` is what stands in the way, to be said where the budget is missed.
    """

    measure: str
    system: str
    limit: float
    base: str = ""
    at_least: bool = False
    unit: str = ""
    obstacle: str = ""

    def amount(self, value: float) -> str:
        """Write a value as this budget counts it.

        >>> Budget("execute", "ours", 0.1, "theirs").amount(0.05)
        '0.05 × theirs'
        """
        text = f"{value:.3g}" if value < 1000 else f"{float(f'{value:.3g}'):,.0f}"
        return f"{text} × {self.base}" if self.base else f"{text} {self.unit}"

    def wanted(self) -> str:
        """Say what is to be reached.

        >>> Budget("pipelined", "ours", 10_000, at_least=True, unit="/s").wanted()
        '≥ 10,000 /s'
        """
        return f"{'≥' if self.at_least else '≤'} {self.amount(self.limit)}"

    def title(self, results: dict[str, Any]) -> str:
        """Name what is measured of whom."""
        return f"{results['measures'][self.measure]['title']}: {self.system}"


_OURS, _THEIRS = PYTHON.name, IPYKERNEL.name

_THREE = (
    "The floor sends one message back. A kernel must send three, busy, the reply and idle, and "
    "make and sign each of them."
)
_MESSAGES = (
    "Making, signing and sending the messages, all in Python, one after the other: see the profile."
)
_IMPORTS = (
    "Likely, but not measured: importing what the kernel is made of; more could be imported late."
)
_IPYTHON = "IPython's own work on a cell, which is the same in both kernels."
_COPIES = (
    "Likely, but not measured: one thread encodes, signs and hands over the text, while libzmq and "
    "the client want the same cores."
)
_TURNS = (
    "Likely, but not measured: the interpreter's lock changes hands, and a thread that computes "
    "gives it up last."
)

BUDGETS = (
    Budget("cold_start", _OURS, 0.333, _THEIRS, obstacle=_IMPORTS),
    Budget("cold_start", IPYTHON.name, 1, _THEIRS, obstacle=_IPYTHON),
    Budget("memory", _OURS, 32, unit="MB", obstacle=_IMPORTS),
    Budget("memory", IPYTHON.name, 1, _THEIRS, obstacle=_IMPORTS),
    Budget("kernel_info", _OURS, 2, FLOOR.name, obstacle=_THREE),
    Budget("kernel_info", _OURS, 1, XEUS_RAW.name, obstacle=_MESSAGES),
    Budget("execute_silent", _OURS, 3, FLOOR.name, obstacle=_THREE),
    Budget("execute_silent", _OURS, 0.1, _THEIRS, obstacle=_MESSAGES),
    Budget("execute", _OURS, 0.1, _THEIRS, obstacle=_MESSAGES),
    Budget("execute", IPYTHON.name, 0.5, _THEIRS, obstacle=_IPYTHON),
    Budget("failing", _OURS, 0.125, _THEIRS, obstacle=_MESSAGES),
    Budget("pipelined", _OURS, 10_000, at_least=True, unit="/s", obstacle=_MESSAGES),
    Budget("lines", _OURS, 150, unit="ms", obstacle=_COPIES),
    Budget("big_output", _OURS, 600, at_least=True, unit="MB/s", obstacle=_COPIES),
    Budget("control_busy", _OURS, 1000, unit="µs", obstacle=_TURNS),
    Budget("heartbeat_busy", _OURS, 1.25, _THEIRS, obstacle=_TURNS),
    Budget("interrupt", _OURS, 2, unit="ms", obstacle=_TURNS),
)
