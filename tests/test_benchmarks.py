"""The benchmarks run, what they write has its schema, and the page follows from it.

No time is asserted here: a test must not fail because a machine is busy.
"""

import json
import sys
from pathlib import Path

import jsonschema
import pytest

from benchmarks import __main__ as command
from benchmarks import plots, results, stages
from benchmarks.budgets import BUDGETS, Budget
from benchmarks.kernels import MEASURES
from benchmarks.systems import FLOOR, PYTHON, SIGNED, STARTER, SYSTEMS, System
from figs.draw import text_width

SCHEMA = json.loads(results.SCHEMA.read_text("utf-8"))
CHECKED_IN = results.read()
TINY = 0.002
posix = pytest.mark.skipif(sys.platform == "win32", reason="interrupts by signal")


def check(found: results.Results) -> None:
    """Raise ValidationError unless the results have their schema."""
    jsonschema.Draft202012Validator(SCHEMA).validate(found)


def judged_by(value: dict[str, object], limit: float, at_least: bool = False) -> bool | None:
    """Judge a value by a budget of so many units."""
    budget = Budget("m", "ours", limit, at_least=at_least)
    return results.judged({"measures": {"m": {"systems": {"ours": value}}}}, budget)[1]


def test_the_schema_is_one() -> None:
    """The schema of the results is valid."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_checked_in_results_have_their_schema() -> None:
    """What the page is made from is what the schema says."""
    check(CHECKED_IN)


def test_the_checked_in_results_have_every_measurement_of_every_system() -> None:
    """Nothing that is measured today is absent from the file without a reason."""
    for measure in MEASURES:
        expected = {
            system.name
            for system in SYSTEMS
            if system.name not in CHECKED_IN["absent"] and (measure.floor or not system.is_floor)
        }
        assert set(CHECKED_IN["measures"][measure.key]["systems"]) == expected, measure.key
    assert set(CHECKED_IN["stages"]["stages"]) == {*stages.STAGES, stages.REST}


@posix
def test_every_measurement_of_our_kernel_runs() -> None:
    """Each one gives a figure, and all together are results that have their schema."""
    found = command.measure_all([FLOOR, SIGNED, PYTHON], MEASURES, 1, TINY)
    check(found)
    for measure in MEASURES:
        systems = found["measures"][measure.key]["systems"]
        assert "failed" not in systems[PYTHON.name], measure.key
        assert (FLOOR.name in systems) == measure.floor
    text = results.table(found)
    assert all(budget.title(found) in text for budget in BUDGETS if budget.system == PYTHON.name)


def test_what_a_kernel_cannot_do_is_told_and_the_rest_is_measured() -> None:
    """The starter has no subshells; what comes after that is measured all the same."""
    chosen = [m for m in MEASURES if m.key in ("subshell_busy", "heartbeat_busy")]
    found = command.measure_all([STARTER], chosen, 1, TINY)["measures"]
    assert found["subshell_busy"]["systems"][STARTER.name]["failed"] == "has no subshells"
    assert found["heartbeat_busy"]["systems"][STARTER.name]["p50"] > 0


@pytest.mark.parametrize(
    ("system", "where", "why"),
    [
        (System("gone", (), module="no_such_module", distribution="gone"), "absent", "installed"),
        (System("gone", (), program="no-such-program"), "absent", "no program no-such-program"),
        (System("gone", ("-c", "raise SystemExit(3)")), "measures", "ends at once, with status 3"),
    ],
)
def test_a_peer_that_is_missing_or_broken_does_not_end_the_run(
    system: System, where: str, why: str
) -> None:
    """Its row says why; the others are measured."""
    chosen = [measure for measure in MEASURES if measure.key == "kernel_info"]
    found = command.measure_all([system, FLOOR], chosen, 1, TINY)
    check(found)
    systems = found["measures"]["kernel_info"]["systems"]
    told = found["absent"]["gone"] if where == "absent" else systems["gone"]["failed"]
    assert why in told
    assert systems[FLOOR.name]["p50"] > 0
    assert why in results.table(found)


def test_the_command_writes_the_file_that_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--json` writes the results, the table goes to stdout, progress to stderr."""
    path = tmp_path / "results.json"
    chosen = ["--only", "kernel_info", "--systems", FLOOR.name, "--quick", "--json", str(path)]
    assert command.main(chosen) == 0
    check(results.read(path))
    printed = capsys.readouterr()
    assert printed.out.startswith("counts: 0.1 of those in the headings\nkernel_info round trip")
    assert "round 1 of 1" in printed.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rounds", "0"], "expected a number of at least 1, got '0'"),
        (["--only", "nothing"], "invalid choice: 'nothing'"),
        (["--systems", "nobody"], "invalid choice: 'nobody'"),
        (["--write", "--only", "memory"], "expected all measurements of all systems"),
        (["--write", "--quick"], "--quick"),
    ],
)
def test_a_wrong_argument_is_named(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command says what it expected, and measures nothing."""
    with pytest.raises(SystemExit, match="2"):
        command.main(arguments)
    assert said in capsys.readouterr().err


def test_the_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` shows a command line that the parser accepts."""
    with pytest.raises(SystemExit, match="0"):
        command.main(["--help"])
    assert "python -m benchmarks --only execute failing" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("value", "limit", "at_least", "reached"),
    [
        ({"p50": 2.0}, 2, False, True),
        ({"p50": 2.1}, 2, False, False),
        ({"p50": 2.1}, 2, True, True),
        ({"p50": 1.9}, 2, True, False),
        ({"p50": 1.0, "failed": "loses idle"}, 2, False, False),
        ({}, 2, False, None),
    ],
)
def test_a_budget_is_reached_or_missed(
    value: dict[str, object], limit: float, at_least: bool, reached: bool | None
) -> None:
    """The limit itself is within; whoever fails has missed; what was not measured is neither."""
    assert judged_by(value, limit, at_least) is reached


def test_a_budget_may_be_a_ratio() -> None:
    """A budget with a base compares two systems of the same run."""
    systems = {"ours": {"p50": 10.0}, "theirs": {"p50": 40.0}}
    found = {"measures": {"m": {"systems": systems}}}
    assert results.judged(found, Budget("m", "ours", 0.25, "theirs")) == (0.25, True)


def test_every_budget_is_of_something_that_is_measured() -> None:
    """Budgets name measurements and systems that exist."""
    names = {system.name for system in SYSTEMS}
    for budget in BUDGETS:
        assert budget.measure in {measure.key for measure in MEASURES}
        assert budget.system in names
        assert budget.base in {"", *names}


@pytest.mark.parametrize("key", [measure.key for measure in MEASURES])
def test_a_plot_has_a_row_for_each_system_and_stays_within_its_width(key: str) -> None:
    """Names, bars and figures fit into a panel; its description says all of them in words."""
    measure = CHECKED_IN["measures"][key]
    figure = plots.measured(CHECKED_IN, key)
    rows = plots.bars(measure)
    assert [row.name for row in rows] == [s.name for s in SYSTEMS if s.name in measure["systems"]]
    for row in rows:
        assert f"{row.name}: {row.text}" in figure.desc
        assert text_width(row.name, "note") <= plots.LEFT - plots.GAP
    longest = max(row.far for row in rows)
    for row in rows:
        end = plots.LEFT + plots.room(rows, plots.LEFT) * row.far / longest
        assert end + plots.GAP + text_width(number_of(row), "note") <= plots.WIDTH


def number_of(row: plots.Bar) -> str:
    """Return what is written at the end of a bar; nothing where the system failed."""
    return row.text if row.value else ""
