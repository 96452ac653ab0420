"""Rules and open questions: each has a name, an address, and a line that says where it is from.

    :::{rule} R-REQ-1                              {rule}`R-REQ-1`
    The text of the rule.
    :::

    :::{question} Q-1 What does null mean?         {question}`Q-1`
    :refimpl: an error
    The readings, who depends on which, what `refimpl` does and why.
    :::

    ```{questions}
    ```

What is known of a rule comes from `refimpl.messages.rules`, and the tests that check it from their
`rule` marks; an unknown id, and a rule shown twice, fail the build. `{questions}` is the table of
the questions on its page, with the answers that `refimpl:` gives in brief.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.domains.std import GenericObject
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata, OptionSpec

from refimpl.messages.rules import RULES, Rule

from .fields import table
from .paths import ROOT

TESTS = ROOT / "tests"
QUESTION = re.compile(r"(Q-\d+) (.+\?)")


# --- where a rule is from, and what checks it ---------------------------------------------------


def source_name(url: str) -> str:
    """Name the place that an address leads to.

    >>> source_name("https://jupyter-client.readthedocs.io/en/stable/messaging.html#kernel-status")
    'specification, kernel status'
    >>> source_name("https://jupyter-client.readthedocs.io/en/stable/kernels.html#handling-messages")
    'specification, handling messages'
    >>> source_name("https://jupyter.org/enhancement-proposals/65-jupyter-xpub/jupyter-xpub.html")
    'JEP 65'
    >>> source_name("https://github.com/ipython/ipykernel/pull/1558")
    'ipython/ipykernel#1558'
    >>> source_name("https://github.com/ipython/ipykernel/blob/6b5c3d3b/ipykernel/ipkernel.py")
    'ipykernel/ipkernel.py'
    """
    address = urlsplit(url)
    _, *parts = address.path.split("/")
    match address.netloc, *parts:
        case ["github.com", owner, repository, "issues" | "pull", number]:
            return f"{owner}/{repository}#{number}"
        case ["github.com", _, _, "blob", _, *path]:
            return "/".join(path)
        case ["jupyter.org", "enhancement-proposals", proposal, *_]:
            return f"JEP {proposal.partition('-')[0]}"
        case ["jupyter-client.readthedocs.io", *_, "messaging.html" | "kernels.html" as page]:
            section = address.fragment or page.removesuffix(".html")
            return f"specification, {section.replace('-', ' ')}"
    raise ValueError(f"rule: source: expected an address that has a name, got {url}")


def marked_tests(source: str) -> Iterator[tuple[str, str]]:
    r"""List the rules and the tests that check them, in the source text of a test module.

    >>> list(marked_tests('@pytest.mark.rule("R-A-1", "R-B-2")\ndef test_it(): pass'))
    [('R-A-1', 'test_it'), ('R-B-2', 'test_it')]
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.rule":
                    for rule in mark.args:
                        yield ast.literal_eval(rule), node.name


@cache
def _read_marks(path: Path, changed: int) -> list[tuple[str, str]]:
    """Read a module's marks again only when the file has changed."""
    return list(marked_tests(path.read_text("utf-8")))


def find_checks() -> dict[str, list[tuple[str, str]]]:
    """Map each rule's id to the tests that check it: module and function."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path in sorted(TESTS.glob("test_*.py")):
        for rule, test in _read_marks(path, path.stat().st_mtime_ns):
            found.setdefault(rule, []).append((path.name, test))
    return found


# --- rules -------------------------------------------------------------------------------------


def make_title(text: str, css: str) -> nodes.inline:
    """Make a title, in which backquotes mark literals."""
    title = nodes.inline("", classes=[css])
    for index, piece in enumerate(text.split("`")):
        title += nodes.literal("", piece) if index % 2 else nodes.Text(piece)
    return title


def _spread(signature: addnodes.desc_signature, *parts: nodes.Node) -> None:
    for part in parts:
        signature += [part, nodes.Text(" ")]


class RuleDirective(GenericObject):
    """Show a rule: its facts from the table, the explanation from the page, the tests' names."""

    indextemplate = "pair: %s; rule"

    def handle_signature(self, sig: str, signode: addnodes.desc_signature) -> str:
        """Write the line above the explanation; return the id."""
        if sig not in RULES:
            raise self.error(f"rule: expected an id of refimpl/messages/rules.py, got {sig!r}")
        rule = RULES[sig]
        level = nodes.inline("", rule.level, classes=["rule-level", rule.level.lower()])
        kind = nodes.inline("", rule.kind, classes=["rule-kind", rule.kind])
        name = addnodes.desc_name("", rule.id)
        _spread(signode, name, level, make_title(rule.title, "rule-title"), kind)
        return sig

    def transform_content(self, content_node: addnodes.desc_content) -> None:
        """Add the line that says whom the rule binds, where it is from, and what checks it."""
        self.env.note_dependency(str(ROOT / "refimpl" / "messages" / "rules.py"))
        for path in TESTS.glob("test_*.py"):
            self.env.note_dependency(str(path))
        if self.names:
            content_node += _facts(RULES[self.names[0]])


def _facts(rule: Rule) -> nodes.paragraph:
    sides = "both sides" if rule.binds == "both" else f"the {rule.binds}"
    line = nodes.paragraph("", f"Binds {sides}. Source: ", classes=["rule-facts"])
    line += nodes.reference("", source_name(rule.source), refuri=rule.source, internal=False)
    if rule.untested:
        line += nodes.Text(f". Not checked here: {rule.untested}.")
        return line
    module = ""
    for file, test in find_checks().get(rule.id, []):
        between = "; " if module else ". Checked by "
        line += nodes.Text(", " if file == module else f"{between}{file}: ")
        line += nodes.literal("", test)
        module = file
    line += nodes.Text(".")
    return line


# --- questions ---------------------------------------------------------------------------------


class QuestionDirective(GenericObject):
    """Show a question that the specification leaves open."""

    indextemplate = "pair: %s; open question"
    option_spec: ClassVar[OptionSpec] = {
        **GenericObject.option_spec,
        "refimpl": directives.unchanged_required,
    }

    def handle_signature(self, sig: str, signode: addnodes.desc_signature) -> str:
        """Write the question; return its id."""
        match = QUESTION.fullmatch(sig)
        if match is None:
            raise self.error(f"question: expected 'Q-number Question?', got {sig!r}")
        if "refimpl" not in self.options:
            raise self.error(f"question {match[1]}: expected a line ':refimpl: answer', got none")
        _spread(signode, addnodes.desc_name("", match[1]), make_title(match[2], "rule-title"))
        signode["id"] = match[1]
        signode["question"] = match[2]
        signode["answer"] = self.options["refimpl"]
        return match[1]


class QuestionsDirective(SphinxDirective):
    """Hold the place of the table of the page's questions."""

    def run(self) -> list[nodes.Node]:
        """Return an empty table, which `FillQuestions` replaces."""
        return [nodes.table(classes=["questions"])]


class FillQuestions(SphinxTransform):
    """Write the table of a page's questions: id, question, answer."""

    default_priority = 499  # once all of the page has been read, before tables are wrapped

    def apply(self) -> None:
        """Replace the place holder."""
        places = [n for n in self.document.findall(nodes.table) if n["classes"] == ["questions"]]
        questions = [
            signature
            for signature in self.document.findall(addnodes.desc_signature)
            if "question" in signature
        ]
        for place in places:
            rows: list[list[nodes.Node]] = [
                [
                    nodes.reference(
                        "", signature["id"], refid=signature["ids"][0], classes=["question-id"]
                    ),
                    make_title(signature["question"], "question"),
                    make_title(signature["answer"], "answer"),
                ]
                for signature in questions
            ]
            place.replace_self(table(["Id", "Question", "In refimpl"], rows, ["rows", "questions"]))


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register both kinds of objects, with their roles, and the table."""
    for name, directive in (("rule", RuleDirective), ("question", QuestionDirective)):
        app.add_object_type(name, name, indextemplate=directive.indextemplate, objname=name)
        app.add_directive_to_domain("std", name, directive, override=True)
    app.add_directive("questions", QuestionsDirective)
    app.add_transform(FillQuestions)
    app.add_css_file("rules.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
