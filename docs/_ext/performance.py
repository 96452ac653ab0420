"""What was measured, from `benchmarks/results.json`: plots, tables, budgets, the machine.

    ```{measured} kernel_info execute      plots of these measurements, and a table of their figures
    ```
    ```{budgets}                           what ours should reach, and whether it does
    ```
    ```{stages}                            where the time of one cell goes
    ```
    ```{measured-on}                       the machine, the versions, the rounds
    ```

A missed budget that does not say what stands in the way fails the build.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from benchmarks import plots, results
from benchmarks.budgets import BUDGETS
from benchmarks.systems import SYSTEMS
from figs.draw import Figure

from .fields import table
from .figures import inline
from .paths import ROOT
from .tables import rich

STYLE = re.compile(r"<style>.*?</style>\s*", re.DOTALL)


class ResultsDirective(SphinxDirective):
    """Write something that follows from the results."""

    def run(self) -> list[nodes.Node]:
        for path in (results.FILE, *sorted((ROOT / "benchmarks").glob("*.py"))):
            self.env.note_dependency(str(path))
        return self.write(results.read())

    def write(self, found: results.Results) -> list[nodes.Node]:
        raise NotImplementedError


def text(words: str) -> nodes.paragraph:
    """Make a paragraph of words that are not marked up."""
    return nodes.paragraph("", words)


def grid(figures: list[tuple[str, Figure]]) -> nodes.raw:
    """Put panels beside each other as far as there is room, each below its heading."""
    shown = []
    for at, (heading, figure) in enumerate(figures):
        svg = inline(figure.svg())
        svg = svg if at == 0 else STYLE.sub("", svg)  # one style sheet serves all
        caption = f"<figcaption>{escape(heading)}</figcaption>"
        shown.append(f"<figure>{caption}{svg}</figure>")
    return nodes.raw("", f'<div class="measured">{"".join(shown)}</div>', format="html")


class Measured(ResultsDirective):
    """Plot measurements, and write their figures as a table, one system a row."""

    required_arguments = 1
    final_argument_whitespace = True

    def write(self, found: results.Results) -> list[nodes.Node]:
        keys = self.arguments[0].split()
        for key in keys:
            if key not in found["measures"]:
                raise self.error(f"measured: no measurement {key!r} in {results.FILE.name}")
        measures = [found["measures"][key] for key in keys]
        figures = []
        for key, measure in zip(keys, measures, strict=True):
            better = "more" if measure["more_is_better"] else "less"
            heading = f"{measure['title']} ({measure['unit']}, {better} is better)"
            figures.append((heading, plots.measured(found, key)))
        rows: list[list[nodes.Node]] = [
            [
                text(system.name),
                *(text(results.shown(m["systems"].get(system.name))) for m in measures),
            ]
            for system in SYSTEMS
            if any(system.name in measure["systems"] for measure in measures)
        ]
        head = ["System", *(f"{m['title']} ({m['unit']})" for m in measures)]
        return [grid(figures), table(head, rows, ["figures"])]


class Budgets(ResultsDirective):
    """Hold the figures against the budgets."""

    def write(self, found: results.Results) -> list[nodes.Node]:
        rows: list[list[nodes.Node]] = []
        for budget in BUDGETS:
            value, verdict = results.verdict(found, budget)
            outcome = nodes.paragraph("", "", nodes.strong("", verdict.capitalize()))
            if verdict == "missed":
                if not budget.obstacle:
                    raise self.error(f"budgets: missed, and no obstacle: {budget.title(found)}")
                outcome += [nodes.Text(". "), *rich(budget.obstacle)]
            rows.append([text(budget.title(found)), text(budget.wanted()), text(value), outcome])
        return [
            table(["What, of which kernel", "Budget", "Measured", "Outcome"], rows, ["budgets"])
        ]


class Stages(ResultsDirective):
    """Plot where the time of one cell goes, and write it as a table."""

    def write(self, found: results.Results) -> list[nodes.Node]:
        profile = found["stages"]
        ordered = sorted(profile["stages"].items(), key=lambda row: -row[1])
        rows: list[list[nodes.Node]] = [
            [text(stage), text(f"{value:.1f}"), text(f"{value / profile['total']:.0%}")]
            for stage, value in ordered
        ]
        rows.append([text("together"), text(f"{profile['total']:.1f}"), text("100%")])
        heading = f"One cell, {profile['code']} ({profile['unit']} of processor time)"
        head = ["Stage", profile["unit"], "Share"]
        return [grid([(heading, plots.stages(found))]), table(head, rows, ["figures"])]


class MeasuredOn(ResultsDirective):
    """Say what was measured, when and where."""

    def write(self, found: results.Results) -> list[nodes.Node]:
        machine: dict[str, Any] = found["machine"]
        facts = {
            "Machine": f"{machine['system']}, {machine['processor']}, {machine['cores']} cores",
            "Software": f"Python {machine['python']}, pyzmq {machine['pyzmq']}, "
            f"libzmq {machine['libzmq']}",
            "Load before the run": f"{machine['load']:.1f}",
            "Peers": ", ".join(f"{name} {version}" for name, version in found["versions"].items()),
            "Rounds": f"{found['rounds']}",
            "Counts": "" if found["scale"] == 1 else f"{found['scale']:g} of those in the headings",
            "Day": found["measured"],
            "Not measured": "; ".join(f"{name}: {why}" for name, why in found["absent"].items()),
        }
        rows = [[text(name), text(fact)] for name, fact in facts.items() if fact]
        return [table(["", "This run"], rows, ["machine"])]


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("measured", Measured)
    app.add_directive("budgets", Budgets)
    app.add_directive("stages", Stages)
    app.add_directive("measured-on", MeasuredOn)
    app.add_css_file("performance.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
