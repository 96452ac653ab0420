"""The Python kernel without sockets: cells, display, errors, completion, history."""

import asyncio
import builtins
import getpass
import io
import json
import re
import subprocess
import sys
import types
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from refimpl import python_kernel
from refimpl.python_kernel import OutStream, PythonKernel, mime_bundle
from refimpl.wire import Message, Session

PACKAGE = str(Path(python_kernel.__file__).parent)


class Cell:
    """What one execution sent."""

    def __init__(self, sent: list[tuple[str, Message]]) -> None:
        self.messages = [message for channel, message in sent if channel == "iopub"]
        (self.reply,) = [message.content for channel, message in sent if channel == "shell"]

    def of(self, *msg_types: str) -> list[dict[str, Any]]:
        """Return the contents of the outputs of these types."""
        return [message.content for message in self.messages if message.msg_type in msg_types]

    @property
    def types(self) -> list[str]:
        """The types of the outputs, in order."""
        return [m.msg_type for m in self.messages if m.msg_type not in ("status", "execute_input")]

    @property
    def status(self) -> str:
        """The status in the reply."""
        return str(self.reply["status"])

    @property
    def result(self) -> str | None:
        """The plain text of the value."""
        for content in self.of("execute_result"):
            return str(content["data"]["text/plain"])
        return None

    def text(self, name: str = "stdout") -> str:
        """Return what was written to a stream."""
        return "".join(c["text"] for c in self.of("stream") if c["name"] == name)

    @property
    def traceback(self) -> str:
        """The traceback in the reply."""
        return "\n".join(self.reply["traceback"])


class Notebook:
    """A Python kernel and a front end that runs cells in it."""

    def __init__(self, answers: list[str] | None = None) -> None:
        self.sent: list[tuple[str, Message]] = []
        self.asked: list[dict[str, Any]] = []
        self.answers = answers
        self.kernel = PythonKernel(
            session=Session(session="kernel"),
            send=self._send,
            ask=self._ask if answers is not None else None,
        )
        self.namespace = self.kernel.namespace

    def _send(self, channel: str, message: Message) -> None:
        frames = self.kernel.session.serialize(message)
        self.sent.append((channel, Session().deserialize(frames).check()))

    def _ask(self, request: Message) -> Message:
        assert self.answers is not None
        self.asked.append(request.content)
        return Session().message("input_reply", {"value": self.answers.pop(0)})

    def request(self, msg_type: str, content: dict[str, Any]) -> dict[str, Any]:
        """Send a request; return the content of the one reply."""
        del self.sent[:]
        asyncio.run(self.kernel.handle(Session().message(msg_type, content)))
        (reply,) = [message for channel, message in self.sent if channel == "shell"]
        return reply.content

    def run(self, code: str, **fields: Any) -> Cell:
        """Execute one cell."""
        fields = {"allow_stdin": self.answers is not None, "stop_on_error": False, **fields}
        self.request("execute_request", {"code": code, **fields})
        return Cell(self.sent)

    def complete(self, code: str, at: int | None = None) -> list[str]:
        """Return the texts that the code would have after each completion."""
        cursor_pos = len(code) if at is None else at
        reply = self.request("complete_request", {"code": code, "cursor_pos": cursor_pos})
        assert reply["status"] == "ok"
        start, end = reply["cursor_start"], reply["cursor_end"]
        return [code[:start] + match + code[end:] for match in reply["matches"]]

    def inspect(self, code: str, at: int | None = None, detail_level: int = 0) -> str | None:
        """Return the description of what is at the cursor; None if nothing was found."""
        cursor_pos = len(code) if at is None else at
        content = {"code": code, "cursor_pos": cursor_pos, "detail_level": detail_level}
        reply = self.request("inspect_request", content)
        assert reply["status"] == "ok"
        return str(reply["data"]["text/plain"]) if reply["found"] else None

    def history(self, kind: str, **fields: Any) -> list[Any]:
        """Return what the history has."""
        reply = self.request("history_request", {"hist_access_type": kind, **fields})
        assert reply["status"] == "ok"
        return list(reply["history"])


@pytest.fixture(name="notebook")
def fresh_notebook() -> Notebook:
    """Start with an empty notebook."""
    return Notebook()


# --- values -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "result"),
    [
        ("1 + 1", "2"),
        ("1 + 1;", "2"),
        ("x = 2\nx * 21", "42"),
        ("x = 2; x", "2"),
        ("'text'", "'text'"),
        ('"""a\nb"""', "'a\\nb'"),
        ("(1,\n 2)", "(1, 2)"),
        ("[\n1\n]\n\n# the end\n", "[1]"),
        ("1\n2", "2"),
        ("...", "Ellipsis"),
        ("not 1", "False"),
        ("'é😀'", "'é😀'"),
        ("__name__", "'__main__'"),
        ("[i async for i in agen()]", "[0, 1]"),
        ("await one()", "1"),
        ("x = await one()\nx + 1", "2"),
        ("async with Manager() as m:\n    pass\nm", "'entered'"),
        ("async for i in agen():\n    last = i\nlast", "1"),
        ("[await one() for _ in range(2)]", "[1, 1]"),
        ("{k: v for k, v in zip('ab', range(2))}", "{'a': 0, 'b': 1}"),
        ("(y := 5)", "5"),
        ("1 if True else 2", "1"),
        ("lambda: 0 and None", None),
        ("x = 1", None),
        ("", None),
        ("\n \n", None),
        ("# a comment", None),
        ("None", None),
        ("await nothing()", None),
        ("for i in range(3):\n    i", None),
        ("if True:\n    1", None),
        ("def f():\n    return 1", None),
        ("import os", None),
        ("pass", None),
        ("1\nx = 2", None),
        ("del agen", None),
        ("assert True", None),
    ],
)
def test_value_of_a_cell(notebook: Notebook, code: str, result: str | None) -> None:
    """The value of the last statement is displayed if it is an expression and not None."""
    notebook.run(
        "async def one(): return 1\n"
        "async def nothing(): pass\n"
        "async def agen():\n    yield 0\n    yield 1\n"
        "class Manager:\n"
        "    async def __aenter__(self): return 'entered'\n"
        "    async def __aexit__(self, *_): pass\n"
    )
    cell = notebook.run(code)
    assert cell.status == "ok"
    if code.startswith("lambda"):
        assert cell.result is not None
        assert cell.result.startswith("<function <lambda> at ")
    else:
        assert cell.result == result
    assert cell.types == ([] if cell.result is None else ["execute_result"])


def test_result_carries_the_count(notebook: Notebook) -> None:
    """A result has the number of its cell, and so has the reply."""
    notebook.run("1")
    cell = notebook.run("2")
    assert cell.of("execute_result") == [
        {"data": {"text/plain": "2"}, "metadata": {}, "execution_count": 2}
    ]
    assert cell.reply == {
        "status": "ok",
        "execution_count": 2,
        "payload": [],
        "user_expressions": {},
    }


def test_underscore(notebook: Notebook) -> None:
    """`_` is the last value that was displayed; None and errors leave it as it was."""
    notebook.run("6 * 7")
    notebook.run("None")
    notebook.run("x = 1")
    notebook.run("1 / 0")
    assert notebook.run("_").result == "42"
    assert notebook.run("_ + 1").result == "43"
    assert notebook.run("_").result == "43"


def test_namespace_lasts(notebook: Notebook) -> None:
    """Names live on from cell to cell, also those that a failed cell made before it failed."""
    notebook.run("a = 1\ndef f(): return a + 1\nraise ValueError")
    assert notebook.run("f()").result == "2"
    notebook.run("a = 10")
    assert notebook.run("f()").result == "11"


def test_kernels_are_apart() -> None:
    """Two kernels in one process share no names."""
    one, two = Notebook(), Notebook()
    one.run("x = 1")
    assert two.run("x").reply["ename"] == "NameError"


@pytest.mark.parametrize(
    ("code", "output"),
    [
        ("@staticmethod\ndef f(): pass\nprint(type(f).__name__)", "staticmethod\n"),
        (
            "class A:\n    x = [i for i in range(3)]\n    y: int = 2\nprint(A.x, A().y)",
            "[0, 1, 2] 2\n",
        ),
        ("if __name__ == '__main__':\n    print('main')", "main\n"),
        (
            "x: int = 1\nprint(__annotations__)"
            if sys.version_info < (3, 14)
            else "print({'x': int})",
            "{'x': <class 'int'>}\n",
        ),
        ("print(\n'a',\n'b'\n)", "a b\n"),
        ("def f(n):\n    return 1 if n < 2 else n * f(n - 1)\nprint(f(5))", "120\n"),
        ("x = 1\ndef f():\n    global x\n    x = 2\nf()\nprint(x)", "2\n"),
        ("match (1, 2):\n    case (a, b):\n        print(a + b)", "3\n"),
        ("exec('print(1)')", "1\n"),
        ("print(__builtins__.__name__)", "builtins\n"),
        ("print('a'); print('b')", "a\nb\n"),
        ("print('\\u2028')", "\u2028\n"),
        ("print(1)\r\nprint(2)\r\n", "1\n2\n"),
    ],
)
def test_statements(notebook: Notebook, code: str, output: str) -> None:
    """Statements of all kinds run as in a module."""
    cell = notebook.run(code)
    assert cell.status == "ok", cell.traceback
    assert cell.text() == output


def test_future_import(notebook: Notebook) -> None:
    """A future import holds for the cell it begins."""
    cell = notebook.run(
        "from __future__ import annotations\ndef f(x: no_such_name): pass\nf.__annotations__"
    )
    assert cell.result == "{'x': 'no_such_name'}"


def test_future_import_in_the_middle(notebook: Notebook) -> None:
    """A future import that does not come first is a syntax error."""
    assert notebook.run("x = 1\nfrom __future__ import annotations").reply["ename"] == "SyntaxError"


def test_our_own_future_import_stays_ours(notebook: Notebook) -> None:
    """What our modules import from __future__ does not change the user's code."""
    assert notebook.run("def f(x: int): pass\nf.__annotations__").result == "{'x': <class 'int'>}"


def test_tasks_between_cells(notebook: Notebook) -> None:
    """A task begun in one cell goes on in the next."""

    async def main() -> None:
        first = "import asyncio\ne = asyncio.Event()\nt = asyncio.create_task(e.wait())"
        for code in (first, "e.set()\nawait t"):
            message = Session().message("execute_request", {"code": code})
            await notebook.kernel.handle(message)

    asyncio.run(main())
    assert [m.content["data"] for _, m in notebook.sent if m.msg_type == "execute_result"] == [
        {"text/plain": "True"}
    ]


def test_pickle_in_a_started_kernel() -> None:
    """In a kernel of its own, what a cell defines belongs to `__main__`, and can be pickled."""
    script = (
        "import asyncio, sys\n"
        "from refimpl.python_kernel import PythonKernel\n"
        "from refimpl.wire import Session\n"
        "replies = []\n"
        "kernel = PythonKernel(send=lambda channel, m: replies.append(m))\n"
        "kernel.start()\n"
        "code = 'import pickle\\nclass A: pass\\npickle.loads(pickle.dumps(A())).__class__ is A'\n"
        "asyncio.run(kernel.handle(Session().message('execute_request', {'code': code})))\n"
        "(result,) = [m for m in replies if m.msg_type == 'execute_result']\n"
        "print(result.content['data']['text/plain'], file=sys.__stdout__)\n"
    )
    root = Path(PACKAGE).parent
    printed = subprocess.check_output([sys.executable, "-c", script], cwd=root, timeout=60)
    assert printed.split() == [b"True"]


# --- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "ename", "evalue"),
    [
        ("1 / 0", "ZeroDivisionError", "division by zero"),
        ("nope", "NameError", "name 'nope' is not defined"),
        ("raise KeyError('k')", "KeyError", "'k'"),
        ("raise ValueError", "ValueError", ""),
        ("raise SystemExit(3)", "SystemExit", "3"),
        ("import sys; sys.exit()", "SystemExit", ""),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", ""),
        ("raise GeneratorExit", "GeneratorExit", ""),
        ("class Own(BaseException): pass\nraise Own('x')", "Own", "x"),
        ("import asyncio\nraise asyncio.CancelledError('x')", "CancelledError", "x"),
        (
            "import asyncio\nasyncio.current_task().cancel()\nawait asyncio.sleep(0)",
            "CancelledError",
            "",
        ),
        ("next(iter([]))", "StopIteration", ""),
        ("raise StopIteration(1)", "StopIteration", "1"),
        ("async def f(): raise StopAsyncIteration\nawait f()", None, None),
        ("async def f(): raise OSError(2, 'no file')\nawait f()", "FileNotFoundError", None),
        ("def f(): f()\nf()", "RecursionError", None),
        ("if x", "SyntaxError", None),
        ("1 +", "SyntaxError", None),
        ("'abc", "SyntaxError", None),
        ("return 1", "SyntaxError", None),
        ("await = 1", "SyntaxError", None),
        ("  x = 1", "IndentationError", None),
        ("if True:\nx = 1", "IndentationError", None),
        ("if True:\n\tx = 1\n        y = 2", "TabError", None),
        ("x = 1\0", None, None),
        ("'\ud800'", None, None),
        ("%matplotlib inline", "SyntaxError", None),
        ("raise ExceptionGroup('g', [ValueError('a'), KeyError('b')])", "ExceptionGroup", None),
        (
            "class U(Exception):\n    def __str__(self): raise RuntimeError\nraise U",
            "U",
            "<its str() raised RuntimeError>",
        ),
        ("class N(Exception):\n    def __str__(self): return 5\nraise N", "N", None),
        ("raise 5", "TypeError", None),
        ("raise ValueError('\\ud800')", "ValueError", "?"),
        ("e = ValueError('a'); e.add_note('more'); raise e", "ValueError", "a"),
    ],
)
@pytest.mark.rule("R-EXEC-11")
def test_error(notebook: Notebook, code: str, ename: str | None, evalue: str | None) -> None:
    """An error of any kind is published and in the reply; the kernel goes on."""
    cell = notebook.run(code)
    assert cell.status == "error"
    if ename is not None:
        assert cell.reply["ename"] == ename
    if evalue is not None:
        assert cell.reply["evalue"] == evalue
    assert cell.of("error") == [{k: cell.reply[k] for k in ("ename", "evalue", "traceback")}]
    assert cell.traceback
    assert cell.reply["execution_count"] == 1
    assert notebook.run("1").result == "1"


def test_traceback_shows_the_cell(notebook: Notebook) -> None:
    """A traceback has the lines of the cells it went through, and none of our files."""
    notebook.run("def divide(a, b):\n    # a comment\n    return a / b")
    cell = notebook.run("x = 1\ndivide(x, 0)")
    assert "<cell 1>" in cell.traceback
    assert "    return a / b" in cell.traceback
    assert '"<cell 2>", line 2' in cell.traceback
    assert "    divide(x, 0)" in cell.traceback
    assert cell.traceback.endswith("ZeroDivisionError: division by zero")
    assert cell.reply["traceback"][0] == "Traceback (most recent call last):"
    assert PACKAGE not in cell.traceback


@pytest.mark.parametrize(
    "code",
    [
        "await fail()",
        "x = await fail()",
        "display(1, update=True)",
        "display(1, raw=True)",
        "if x",
        "input()",
        "import getpass; getpass.getpass()",
        "print('a', file=open)",
        "import sys; sys.stdout.write(1)",
        "import sys; sys.stdout.read()",
    ],
)
def test_traceback_hides_our_frames(notebook: Notebook, code: str) -> None:
    """Whichever way an error came through our functions, the traceback shows none of them."""
    notebook.run("async def fail(): raise ValueError")
    cell = notebook.run(code)
    assert cell.status == "error"
    assert PACKAGE not in cell.traceback
    assert code.splitlines()[-1].split("; ")[-1] in cell.traceback


def test_traceback_of_what_cannot_be_sent(notebook: Notebook) -> None:
    """An output that has no form in JSON is the user's error: our serializer is not shown."""
    cell = notebook.run("display({'a/b': object()}, raw=True)")
    assert cell.reply["ename"] == "TypeError"
    assert "display({'a/b': object()}, raw=True)" in cell.traceback
    assert PACKAGE not in cell.traceback


def test_traceback_of_a_syntax_error(notebook: Notebook) -> None:
    """A syntax error shows the line and where in it."""
    cell = notebook.run("x = 1\nx = = 2\n")
    assert '"<cell 1>", line 2' in cell.traceback
    assert "x = = 2" in cell.traceback
    assert re.search(r"^ +\^", cell.traceback, re.MULTILINE)


def test_traceback_of_chained_errors(notebook: Notebook) -> None:
    """Causes and contexts are shown, with their lines."""
    cell = notebook.run(
        "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise ValueError('v') from e"
    )
    assert "direct cause" in cell.traceback
    assert "    1 / 0" in cell.traceback
    assert "ZeroDivisionError: division by zero" in cell.traceback
    cell = notebook.run("try:\n    {}['k']\nexcept KeyError:\n    raise ValueError('v')")
    assert "During handling" in cell.traceback
    cell = notebook.run("try:\n    {}['k']\nexcept KeyError:\n    raise ValueError('v') from None")
    assert "KeyError" not in cell.traceback.replace("except KeyError", "")
    cell = notebook.run("e = ValueError('self')\ne.__cause__ = e\nraise e")
    assert cell.status == "error"


def test_traceback_of_a_group(notebook: Notebook) -> None:
    """An exception group shows each of its exceptions, without our frames."""
    cell = notebook.run(
        "def raised(n):\n    try:\n        raise ValueError(n)\n    except ValueError as e:\n"
        "        return e\n"
        "raise ExceptionGroup('many', [raised(1), ExceptionGroup('inner', [raised(2)])])"
    )
    for text in ("many (2 sub-exceptions)", "ValueError: 1", "inner", "ValueError: 2"):
        assert text in cell.traceback
    assert PACKAGE not in cell.traceback


def test_traceback_of_a_recursion(notebook: Notebook) -> None:
    """An endless recursion is shown in short."""
    cell = notebook.run("def f():\n    f()\nf()")
    assert "Previous line repeated" in cell.traceback
    assert len(cell.reply["traceback"]) < 40


def test_traceback_that_cannot_be_made(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    """If an error cannot even be formatted, its type is still told."""

    def fail(error: BaseException) -> None:
        raise RuntimeError

    monkeypatch.setattr(python_kernel.traceback.TracebackException, "from_exception", fail)
    cell = notebook.run("1 / 0")
    assert cell.reply["ename"] == "ZeroDivisionError"
    assert "ZeroDivisionError: its traceback raised RuntimeError" in cell.traceback


@pytest.mark.parametrize("separator", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_traceback_counts_lines_as_python_does(notebook: Notebook, separator: str) -> None:
    """A character that other programs take for a line break does not shift the lines shown."""
    cell = notebook.run(f"s = '{separator}'\nt = 1\n1 / 0\nu = 2")
    assert '"<cell 1>", line 3' in cell.traceback
    assert re.search(r"line 3, in <module>\n +1 / 0", cell.traceback)


def test_traceback_of_an_unraised_note(notebook: Notebook) -> None:
    """Notes of an exception are shown."""
    cell = notebook.run("e = ValueError('a')\ne.add_note('look here')\nraise e")
    assert cell.traceback.endswith("look here")


def test_output_before_an_error(notebook: Notebook) -> None:
    """What a cell printed before it failed comes before the error."""
    assert notebook.run("print(1)\n1 / 0").types[-1] == "error"
    assert notebook.run("print(1)\n1 / 0").text() == "1\n"


# --- display ------------------------------------------------------------------------------------

DEFINE = "class A:\n    def __repr__(self): return 'plain'\n"


@pytest.mark.parametrize(
    ("method", "mime", "value", "sent"),
    [
        ("_repr_html_", "text/html", "<b>x</b>", "<b>x</b>"),
        ("_repr_markdown_", "text/markdown", "*x*", "*x*"),
        ("_repr_svg_", "image/svg+xml", "<svg/>", "<svg/>"),
        ("_repr_png_", "image/png", b"\x89PNG", "iVBORw=="),
        ("_repr_jpeg_", "image/jpeg", b"\xff\xd8", "/9g="),
        ("_repr_latex_", "text/latex", "$x$", "$x$"),
        ("_repr_json_", "application/json", {"a": [1]}, {"a": [1]}),
        ("_repr_javascript_", "application/javascript", "1", "1"),
        ("_repr_pdf_", "application/pdf", b"%PDF", "JVBERg=="),
    ],
)
def test_repr_method(notebook: Notebook, method: str, mime: str, value: Any, sent: Any) -> None:
    """Each `_repr_*_` method gives its MIME type, alone and with metadata; None gives nothing."""
    notebook.run(f"{DEFINE}    def {method}(self): return given")
    notebook.namespace["given"] = value
    (result,) = notebook.run("A()").of("execute_result")
    assert result["data"] == {"text/plain": "plain", mime: sent}
    assert result["metadata"] == {}
    notebook.namespace["given"] = (value, {"width": 3})
    (shown,) = notebook.run("display(A())").of("display_data")
    assert shown["data"] == {"text/plain": "plain", mime: sent}
    assert shown["metadata"] == {mime: {"width": 3}}
    notebook.namespace["given"] = None
    (result,) = notebook.run("A()").of("execute_result")
    assert result["data"] == {"text/plain": "plain"}


@pytest.mark.parametrize("call", ["A()", "display(A())"])
@pytest.mark.parametrize(
    ("returned", "data", "metadata"),
    [
        ("{'text/html': 'b'}", {"text/plain": "plain", "text/html": "b"}, {}),
        ("{'text/plain': 'mine'}", {"text/plain": "mine"}, {}),
        (
            "({'text/html': 'b'}, {'text/html': {'a': 1}})",
            {"text/plain": "plain", "text/html": "b"},
            {"text/html": {"a": 1}},
        ),
        ("{}", {"text/plain": "plain"}, {}),
        ("None", {"text/plain": "plain"}, {}),
        (
            "{'application/x+json': {'a': [1]}}",
            {"text/plain": "plain", "application/x+json": {"a": [1]}},
            {},
        ),
    ],
)
def test_mimebundle(
    notebook: Notebook, returned: str, data: dict[str, Any], metadata: dict[str, Any], call: str
) -> None:
    """`_repr_mimebundle_` gives several forms at once, with or without metadata."""
    notebook.run(
        f"{DEFINE}    def _repr_mimebundle_(self, include=None, exclude=None): return {returned}"
    )
    (shown,) = notebook.run(call).of("execute_result", "display_data")
    assert (shown["data"], shown["metadata"]) == (data, metadata)


def test_mimebundle_goes_before_single_methods(notebook: Notebook) -> None:
    """A form that the bundle has is not asked for again."""
    notebook.run(
        f"{DEFINE}    def _repr_mimebundle_(self, **_): return {{'text/html': 'bundle'}}\n"
        "    def _repr_html_(self): raise RuntimeError\n"
        "    def _repr_latex_(self): return 'x'"
    )
    cell = notebook.run("A()")
    assert cell.of("execute_result")[0]["data"] == {
        "text/plain": "plain",
        "text/html": "bundle",
        "text/latex": "x",
    }
    assert cell.text("stderr") == ""


@pytest.mark.parametrize(
    "body",
    [
        "def _repr_html_(self): raise RuntimeError('broken')",
        "def _repr_html_(self, needless): pass",
        "def _repr_html_(self): return 1, 2, 3",
        "def _repr_mimebundle_(self): pass",
        "def _repr_mimebundle_(self, **_): raise RuntimeError('broken')",
        "def _repr_mimebundle_(self, **_): return 'text'",
        "def _repr_mimebundle_(self, **_): return 5",
        "def _repr_mimebundle_(self, **_): return 1, 2, 3",
        "def _repr_mimebundle_(self, **_): return {}, 5",
        "@property\n    def _repr_html_(self): raise RuntimeError('broken')",
        "@property\n    def _repr_mimebundle_(self): raise RuntimeError('broken')",
        "def __getattr__(self, name): raise RuntimeError('broken')",
    ],
)
def test_broken_form(notebook: Notebook, body: str) -> None:
    """A form that cannot be made is left out, and hides nothing else."""
    assert (
        notebook.run(f"{DEFINE}    {body}\n    def _repr_latex_(self): return 'x'").status == "ok"
    )
    for code in ("A()", "display(A())"):
        cell = notebook.run(code)
        assert cell.status == "ok", cell.traceback
        (shown,) = cell.of("execute_result", "display_data")
        assert shown["data"] == {"text/plain": "plain", "text/latex": "x"}


def test_broken_form_is_reported(notebook: Notebook) -> None:
    """The reason why a form is missing is printed to stderr."""
    notebook.run(f"{DEFINE}    def _repr_html_(self): raise RuntimeError('broken')")
    assert "RuntimeError: broken" in notebook.run("A()").text("stderr")


@pytest.mark.parametrize(
    "body", ["def __repr__(self): raise RuntimeError", "def __repr__(self): return 5"]
)
def test_broken_repr(notebook: Notebook, body: str) -> None:
    """A value whose repr fails is displayed by its type."""
    notebook.run(f"class Odd:\n    {body}")
    cell = notebook.run("Odd()")
    assert cell.status == "ok"
    assert "Odd" in str(cell.result)


@pytest.mark.parametrize(
    "define",
    [
        "class Any:\n    def __getattr__(self, name): return lambda *a, **k: object()",
        "from unittest.mock import MagicMock as Base\nclass Any(Base):\n    x = 1",
        "class Any:\n    def __getattr__(self, name): return self\n    __call__ = __getattr__",
    ],
)
def test_object_that_has_every_attribute(notebook: Notebook, define: str) -> None:
    """A mock or proxy, which seems to have every method, is displayed by its repr."""
    notebook.run(f"{define}\n    def __repr__(self): return 'any'\na = Any()")
    cell = notebook.run("a")
    assert cell.status == "ok", cell.traceback
    assert cell.result == "any"


def test_class_with_display_methods(notebook: Notebook) -> None:
    """A class has the methods, but is not what they describe."""
    notebook.run(
        f"{DEFINE}    def _repr_html_(self): return 'x'\n"
        "    def _ipython_display_(self): print('own')"
    )
    for code in ("A", "display(A)"):
        cell = notebook.run(code)
        (shown,) = cell.of("execute_result", "display_data")
        assert list(shown["data"]) == ["text/plain"]
        assert cell.text() == cell.text("stderr") == ""


def test_own_display(notebook: Notebook) -> None:
    """An object that displays itself does so, as value and in display()."""
    notebook.run(f"{DEFINE}    def _ipython_display_(self): print('own')")
    cell = notebook.run("A()")
    assert (cell.text(), cell.result) == ("own\n", None)
    assert notebook.run("_").text() == "own\n"
    assert notebook.run("display(A(), A())").text() == "own\nown\n"


def test_mime_bundle_include_and_exclude() -> None:
    """Forms can be chosen by MIME type; metadata of what is left out is left out too."""

    class Rich:
        def __repr__(self) -> str:
            return "plain"

        def _repr_html_(self) -> tuple[str, dict[str, Any]]:
            return "h", {"a": 1}

        def _repr_latex_(self) -> str:
            return "l"

    everything = {"text/plain": "plain", "text/html": "h", "text/latex": "l"}
    assert mime_bundle(Rich()) == (everything, {"text/html": {"a": 1}})
    assert mime_bundle(Rich(), include=["text/latex"]) == ({"text/latex": "l"}, {})
    assert mime_bundle(Rich(), exclude=["text/html"])[1] == {}
    assert mime_bundle(Rich(), include=["text/html", "text/latex"], exclude=["text/latex"]) == (
        {"text/html": "h"},
        {"text/html": {"a": 1}},
    )


def test_display(notebook: Notebook) -> None:
    """display() shows each of its values, and returns nothing."""
    cell = notebook.run("print(display(1, 'two'))")
    assert cell.of("display_data") == [
        {"data": {"text/plain": "1"}, "metadata": {}, "transient": {}},
        {"data": {"text/plain": "'two'"}, "metadata": {}, "transient": {}},
    ]
    assert cell.text() == "None\n"
    assert notebook.run("display()").types == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("include=['text/html']", {"data": {"text/html": "h"}}),
        ("exclude=['text/plain']", {"data": {"text/html": "h"}}),
        ("metadata={'text/html': {'a': 1}}", {"metadata": {"text/html": {"a": 1}}}),
        ("transient={'t': 1}", {"transient": {"t": 1}}),
        ("display_id='d'", {"transient": {"display_id": "d"}}),
        ("display_id='d', transient={'t': 1}", {"transient": {"display_id": "d", "t": 1}}),
    ],
)
def test_display_options(notebook: Notebook, options: str, expected: dict[str, Any]) -> None:
    """The options of display() choose forms, and add metadata and transient data."""
    notebook.run(f"{DEFINE}    def _repr_html_(self): return 'h'")
    (shown,) = notebook.run(f"h = display(A(), {options})").of("display_data")
    assert {key: shown[key] for key in expected} == expected


def test_display_raw(notebook: Notebook) -> None:
    """With raw, a MIME bundle is shown as it is."""
    (shown,) = notebook.run("display({'text/html': 'x'}, raw=True)").of("display_data")
    assert shown["data"] == {"text/html": "x"}
    cell = notebook.run("display('text', raw=True)")
    assert (cell.reply["ename"], cell.types) == ("TypeError", ["error"])
    assert "str" in cell.reply["evalue"]


@pytest.mark.rule("R-DISP-2")
def test_display_handle(notebook: Notebook) -> None:
    """A display with an id can be updated, by its handle or by update=True."""
    cell = notebook.run("h = display(1, display_id=True)\nh.update(2)\nh")
    (first,) = cell.of("display_data")
    (second,) = cell.of("update_display_data")
    display_id = first["transient"]["display_id"]
    assert isinstance(display_id, str)
    assert second == {
        "data": {"text/plain": "2"},
        "metadata": {},
        "transient": {"display_id": display_id},
    }
    assert cell.result == f"<DisplayHandle {display_id}>"
    (third,) = notebook.run(f"x = display(3, display_id={display_id!r}, update=True)").of(
        "update_display_data"
    )
    assert third["transient"] == {"display_id": display_id}


def test_new_display_ids_differ(notebook: Notebook) -> None:
    """Each new display has an id of its own."""
    cell = notebook.run("a = display(1, display_id=True); b = display(1, display_id=True)")
    ids = [content["transient"]["display_id"] for content in cell.of("display_data")]
    assert len(set(ids)) == 2


def test_handle_update_with_options(notebook: Notebook) -> None:
    """The handle's update takes the options of display()."""
    cell = notebook.run(
        "h = display(1, display_id='d')\nh.update({'text/html': 'x'}, raw=True, metadata={'m': 1})"
    )
    (update,) = cell.of("update_display_data")
    assert (update["data"], update["metadata"]) == ({"text/html": "x"}, {"m": 1})


@pytest.mark.parametrize("options", ["", ", display_id=None", ", display_id=True"])
@pytest.mark.rule("R-DISP-2")
def test_update_without_an_id(notebook: Notebook, options: str) -> None:
    """An update must say what it replaces."""
    cell = notebook.run(f"display(1, update=True{options})")
    assert cell.reply["ename"] == "TypeError"
    assert "display_id" in cell.reply["evalue"]


@pytest.mark.parametrize(
    ("code", "wait"), [("", False), ("wait=True", True), ("True", True), ("wait=0", False)]
)
def test_clear_output(notebook: Notebook, code: str, wait: bool) -> None:
    """clear_output() removes the outputs, at once or with the next."""
    assert notebook.run(f"clear_output({code})").of("clear_output") == [{"wait": wait}]


def test_order_of_outputs(notebook: Notebook) -> None:
    """Outputs of all kinds keep the order in which they were made."""
    cell = notebook.run(
        "import sys\nprint(1)\ndisplay(2)\nsys.stderr.write('3')\nclear_output()\nprint(4)\n5"
    )
    assert cell.types == [
        *("stream", "stream", "display_data", "stream", "clear_output", "stream", "stream"),
        "execute_result",
    ]


@pytest.mark.rule("R-EXEC-2")
@pytest.mark.off_catalogue("clients leave out raw and output")
def test_silent_cell(notebook: Notebook) -> None:
    """A silent cell runs, shows nothing, and is not remembered."""
    cell = notebook.run("x = 5\nprint(x)\ndisplay(x)\nx", silent=True)
    assert cell.types == []
    assert cell.status == "ok"
    assert notebook.run("x").result == "5"
    assert notebook.history("tail") == [[1, 1, "x"]]


# --- stdout and stderr --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "stdout", "stderr"),
    [
        ("print('a', 1)", "a 1\n", ""),
        ("print('a', end='')", "a", ""),
        ("print()", "\n", ""),
        ("print('e', file=sys.stderr)", "", "e\n"),
        ("print('a', flush=True)", "a\n", ""),
        ("sys.stdout.write('é😀')", "é😀", ""),
        ("sys.stdout.writelines(['a', 'b'])", "ab", ""),
        ("sys.stdout.writelines(c for c in 'xy')", "xy", ""),
        ("sys.stdout.flush(); sys.stderr.flush()", "", ""),
        ("sys.stdout, old = sys.stderr, sys.stdout; print('x')", "", "x\n"),
    ],
)
def test_streams(notebook: Notebook, code: str, stdout: str, stderr: str) -> None:
    """What a cell writes goes to the front end, each stream by its name."""
    cell = notebook.run(f"import sys\n{code};")
    assert cell.status == "ok", cell.traceback
    assert cell.text("stdout") == stdout
    assert cell.text("stderr") == stderr


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_stream_object(name: str) -> None:
    """The stream is a text file that is no terminal and has the descriptor of the process."""
    written: list[tuple[str, str]] = []
    stream = OutStream(name, lambda *args: written.append(args))
    assert isinstance(stream, io.TextIOBase)
    assert stream.write("abc") == 3
    assert stream.write("") == 0
    assert stream.write("😀") == 1
    print("x", 2, sep="-", file=stream)
    assert "".join(text for _, text in written) == "abc😀x-2\n"
    assert {n for n, _ in written} == {name}
    assert stream.name == name
    assert stream.encoding == "utf-8"
    assert stream.isatty() is False
    assert (stream.writable(), stream.readable(), stream.seekable()) == (True, False, False)
    assert stream.closed is False
    stream.flush()
    assert stream.fileno() == {"stdout": 1, "stderr": 2}[name]
    with pytest.raises(io.UnsupportedOperation):
        stream.read()


def test_stream_takes_bytes() -> None:
    """Bytes written to `buffer` are shown as text, in order, even in pieces of a character."""
    written: list[tuple[str, str]] = []
    stream = OutStream("stdout", lambda *args: written.append(args))
    print("a", end="", file=stream)
    assert stream.buffer.write("é".encode()[:1]) == 1
    assert stream.buffer.write(memoryview("é".encode()[1:] + b"\xff")) == 2
    stream.buffer.flush()
    stream.buffer.close()
    print("b", end="", file=stream)
    assert "".join(text for _, text in written) == "aé\ufffdb"
    assert stream.buffer.writable()


@pytest.mark.parametrize("value", [b"bytes", 1, None, ["a"]])
def test_stream_takes_text_alone(value: Any) -> None:
    """Writing anything but text is a TypeError that names the type."""
    stream = OutStream("stdout", lambda *_: None)
    with pytest.raises(TypeError, match=type(value).__name__):
        stream.write(value)


def test_process_is_left_alone(notebook: Notebook) -> None:
    """A kernel that was not started puts everything back after each cell."""

    def state() -> list[Any]:
        return [sys.stdout, sys.stderr, builtins.input, getpass.getpass, sys.displayhook]

    before = state()
    for code in ("print(1)", "1 / 0", "if x", "await nothing"):
        notebook.run(code)
        assert state() == before


def test_started_kernel(monkeypatch: pytest.MonkeyPatch, notebook: Notebook) -> None:
    """A kernel that is started makes the process the user's."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.setattr(sys, "path", ["/somewhere", *sys.path])
    notebook.kernel.start()
    try:
        assert sys.modules["__main__"] is notebook.kernel.module
        assert sys.path[0] == ""
        print("between cells")
        assert [m.content["text"] for _, m in notebook.sent] == ["between cells", "\n"]
        cell = notebook.run("import sys, __main__\nprint(__main__.__dict__ is globals())\n1")
        assert cell.text() == "True\n"
        assert cell.result == "1"
        assert sys.stdout is notebook.kernel.stdout
    finally:
        notebook.kernel._redirection.__exit__(None, None, None)
    assert sys.stdout is not notebook.kernel.stdout


def test_started_twice_in_a_folder(monkeypatch: pytest.MonkeyPatch, notebook: Notebook) -> None:
    """The working folder is put on sys.path once."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.setattr(sys, "path", ["", "/somewhere"])
    notebook.kernel.start()
    notebook.kernel._redirection.__exit__(None, None, None)
    assert sys.path == ["", "/somewhere"]


# --- input --------------------------------------------------------------------------------------


def test_input() -> None:
    """input() and getpass() ask the front end."""
    notebook = Notebook(["Ada", "hush"])
    cell = notebook.run(
        "import getpass\nname = input('name? ')\nsecret = getpass.getpass()\n(name, secret)"
    )
    assert cell.result == "('Ada', 'hush')"
    assert notebook.asked == [
        {"prompt": "name? ", "password": False},
        {"prompt": "Password: ", "password": True},
    ]


@pytest.mark.parametrize(
    ("code", "prompt"),
    [
        ("input()", ""),
        ("input(5)", "5"),
        ("__import__('getpass').getpass('pin: ', stream=None)", "pin: "),
        ("__import__('getpass').getpass(prompt='p')", "p"),
    ],
)
def test_prompts(code: str, prompt: str) -> None:
    """Prompts are text, as the builtins take them."""
    notebook = Notebook(["x"])
    assert notebook.run(code).result == "'x'"
    assert notebook.asked[0]["prompt"] == prompt


@pytest.mark.parametrize("code", ["input()", "import getpass; getpass.getpass()"])
def test_input_that_is_not_allowed(code: str) -> None:
    """When the front end cannot be asked, the cell gets an error at once."""
    notebook = Notebook(["x"])
    assert notebook.run(code, allow_stdin=False).reply["ename"] == "StdinNotImplementedError"
    assert notebook.asked == []


# --- user_expressions, payloads -----------------------------------------------------------------


@pytest.mark.rule("R-EXEC-4")
def test_user_expressions(notebook: Notebook) -> None:
    """Each expression has its own outcome, and one that fails spoils none of the others."""
    cell = notebook.run(
        "x = 3\nclass A:\n"
        "    def _repr_html_(self): return 'h'\n    def __repr__(self): return 'p'",
        user_expressions={"a": "x * 2", "b": "nope", "c": "A()", "d": "x =", "e": "(1,\n2)"},
    )
    assert cell.status == "ok"
    values = cell.reply["user_expressions"]
    assert values["a"] == {"status": "ok", "data": {"text/plain": "6"}, "metadata": {}}
    assert (values["b"]["status"], values["b"]["ename"]) == ("error", "NameError")
    assert PACKAGE not in "\n".join(values["b"]["traceback"])
    assert values["c"]["data"] == {"text/plain": "p", "text/html": "h"}
    assert values["d"]["ename"] == "SyntaxError"
    assert values["e"]["data"] == {"text/plain": "(1, 2)"}
    assert cell.types == []


@pytest.mark.parametrize("expression", [5, None, ["x"], {"a": "b"}])
@pytest.mark.off_catalogue("bad requests are the subject")
def test_user_expression_that_is_no_text(notebook: Notebook, expression: Any) -> None:
    """An expression that is no text has an error of its own."""
    cell = notebook.run("", user_expressions={"a": expression, "b": "1"})
    assert cell.reply["user_expressions"]["a"]["ename"] == "TypeError"
    assert cell.reply["user_expressions"]["b"]["status"] == "ok"


@pytest.mark.parametrize(
    "expression",
    [
        "stop(SystemExit)",
        "stop(GeneratorExit)",
        "stop(Own)",
        "stop(KeyboardInterrupt)",
        "__import__('sys').exit()",
    ],
)
def test_user_expression_that_raises_anything(notebook: Notebook, expression: str) -> None:
    """Whatever an expression raises concerns that expression alone."""
    notebook.run("class Own(BaseException): pass\ndef stop(error): raise error")
    cell = notebook.run("", user_expressions={"a": expression, "b": "1"})
    assert cell.status == "ok"
    assert cell.reply["user_expressions"]["a"]["status"] == "error"
    assert cell.reply["user_expressions"]["b"]["status"] == "ok"


@pytest.mark.rule("R-EXEC-5")
def test_user_expressions_after_an_error(notebook: Notebook) -> None:
    """After a failure the expressions are not evaluated."""
    cell = notebook.run("1 / 0", user_expressions={"a": "globals().update(y=1)"})
    assert cell.reply.get("user_expressions", {}) == {}
    assert notebook.run("y").reply["ename"] == "NameError"


@pytest.mark.parametrize("code", ["exit()", "quit()", "exit(3)", "exit", " quit\n"])
def test_exit(notebook: Notebook, code: str) -> None:
    """exit() leaves it to the front end to end the kernel."""
    assert notebook.run(code).reply["payload"] == [{"source": "ask_exit", "keepkernel": False}]
    assert notebook.run("1").reply["payload"] == []


@pytest.mark.parametrize("code", ["f?", "?f", " f ? ", "? f\n"])
def test_help(notebook: Notebook, code: str) -> None:
    """`name?` shows the documentation in the pager."""
    notebook.run('def f(a, b=2):\n    """Do it."""\n    return a')
    cell = notebook.run(code)
    assert (cell.status, cell.types) == ("ok", [])
    (page,) = cell.reply["payload"]
    assert (page["source"], page["start"]) == ("page", 0)
    assert "f(a, b=2)" in page["data"]["text/plain"]
    assert "Do it." in page["data"]["text/plain"]
    assert "return a" not in page["data"]["text/plain"]


@pytest.mark.parametrize("code", ["f??", "??f"])
def test_help_with_source(notebook: Notebook, code: str) -> None:
    """`name??` shows the source."""
    notebook.run('def f(a, b=2):\n    """Do it."""\n    return a')
    (page,) = notebook.run(code).reply["payload"]
    assert "    return a" in page["data"]["text/plain"]


def test_help_on_nothing(notebook: Notebook) -> None:
    """Help on an unknown name says so, and is no error."""
    cell = notebook.run("no.such?")
    assert cell.status == "ok"
    assert "no.such" in cell.reply["payload"][0]["data"]["text/plain"]


@pytest.mark.parametrize("code", ["?", "a ? b", "f???", "'x?'", "x = 'a?'", "# why?"])
def test_what_is_not_help(notebook: Notebook, code: str) -> None:
    """A question mark elsewhere does not call for help."""
    assert notebook.run(code).reply["payload"] == []


# --- history ------------------------------------------------------------------------------------


@pytest.fixture(name="past")
def notebook_with_a_past() -> Notebook:
    """Run five cells, two of them alike."""
    notebook = Notebook()
    for code in ("a = 1", "b = 2", "a = 1", "a + 1", "[b]"):
        notebook.run(code)
    return notebook


CELLS = ["a = 1", "b = 2", "a = 1", "a + 1", "[b]"]


@pytest.mark.parametrize(
    ("kind", "fields", "lines"),
    [
        ("tail", {}, [1, 2, 3, 4, 5]),
        ("tail", {"n": 2}, [4, 5]),
        ("tail", {"n": 5}, [1, 2, 3, 4, 5]),
        ("tail", {"n": 10**30}, [1, 2, 3, 4, 5]),
        ("tail", {"n": 0}, []),
        ("tail", {"n": -1}, []),
        ("tail", {"n": None}, [1, 2, 3, 4, 5]),
        ("tail", {"n": 1, "raw": False, "unique": True, "session": 7, "pattern": "x"}, [5]),
        ("range", {"start": 2, "stop": 4}, [2, 3]),
        ("range", {"start": 2}, [2, 3, 4, 5]),
        ("range", {"stop": 3}, [1, 2]),
        ("range", {"start": 0, "stop": 100}, [1, 2, 3, 4, 5]),
        ("range", {"start": 4, "stop": 2}, []),
        ("range", {"start": 6}, []),
        ("range", {"session": 0, "start": 1, "stop": 2}, [1]),
        ("range", {"session": 1, "start": 1, "stop": 2}, [1]),
        ("range", {"session": 2, "start": 1, "stop": 2}, []),
        ("range", {"session": -1, "start": 1, "stop": 2}, []),
        ("search", {}, [1, 2, 3, 4, 5]),
        ("search", {"pattern": "a*"}, [1, 3, 4]),
        ("search", {"pattern": "a*", "n": 2}, [3, 4]),
        ("search", {"pattern": "a*", "n": 0}, []),
        ("search", {"pattern": "*=*"}, [1, 2, 3]),
        ("search", {"pattern": "? = ?"}, [1, 2, 3]),
        ("search", {"pattern": "a"}, []),
        ("search", {"pattern": "A*"}, []),
        ("search", {"pattern": "[[]b]"}, [5]),
        ("search", {"pattern": ""}, [1, 2, 3, 4, 5]),
        ("search", {"pattern": None}, [1, 2, 3, 4, 5]),
    ],
)
@pytest.mark.rule("R-HIST-1")
@pytest.mark.off_catalogue("clients leave out raw and output")
def test_history(past: Notebook, kind: str, fields: dict[str, Any], lines: list[int]) -> None:
    """Earlier cells are found by place or by pattern, oldest first."""
    assert past.history(kind, **fields) == [[1, line, CELLS[line - 1]] for line in lines]


@pytest.mark.parametrize(
    ("fields", "lines"),
    [
        ({"pattern": "* = *"}, [2, 3]),
        ({"pattern": "* = *", "n": 1}, [3]),
        ({"pattern": "*"}, [2, 3, 4, 5]),
    ],
)
@pytest.mark.off_catalogue("clients leave out raw and output")
def test_unique_history(past: Notebook, fields: dict[str, Any], lines: list[int]) -> None:
    """Of cells that are alike, the latest is found, in its place."""
    assert [entry[1] for entry in past.history("search", unique=True, **fields)] == lines


@pytest.mark.off_catalogue("clients leave out raw and output")
def test_history_with_output(past: Notebook) -> None:
    """With output, each entry is a pair of the cell and the text of its value."""
    assert past.history("tail", n=3, output=True) == [
        [1, 3, ["a = 1", None]],
        [1, 4, ["a + 1", "2"]],
        [1, 5, ["[b]", "[2]"]],
    ]


@pytest.mark.off_catalogue("clients leave out raw and output")
def test_what_is_remembered(notebook: Notebook) -> None:
    """Failed cells are remembered; silent ones and those not to be stored are not."""
    notebook.run("1 / 0")
    notebook.run("a = 1", store_history=False)
    notebook.run("b = 2", silent=True)
    notebook.run("c?")
    notebook.run("raise SystemExit")
    assert notebook.history("tail") == [[1, 1, "1 / 0"], [1, 2, "c?"], [1, 3, "raise SystemExit"]]


@pytest.mark.off_catalogue("bad requests are the subject")
def test_history_of_another_kind(past: Notebook) -> None:
    """An unknown kind of access is an error that names the field."""
    reply = past.request("history_request", {"hist_access_type": "all"})
    assert reply["status"] == "error"
    assert "hist_access_type" in reply["evalue"]
    assert "'all'" in reply["evalue"]


# --- completion ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "at", "completed"),
    [
        ("alph", None, "alphabet"),
        ("print(alph", None, "print(alphabet"),
        ("x = alph", None, "x = alphabet"),
        ("a\nalph", None, "a\nalphabet"),
        ("prin", None, "print"),
        ("whil", None, "while"),
        ("matc", None, "match"),
        ("Tru", None, "True"),
        ("displ", None, "display"),
        ("alphabet.upp", None, "alphabet.upper"),
        ("box.inner.val", None, "box.inner.value"),
        ("f(box.inner.val", None, "f(box.inner.value"),
        ("-box.inn", None, "-box.inner"),
        ("alph + 1", 4, "alphabet + 1"),
        ("f(alph, 2)", 6, "f(alphabet, 2)"),
        ("'😀' + alph", None, "'😀' + alphabet"),
        ("'😀😀'; box.inn.x", 13, "'😀😀'; box.inner.x"),
        ("grö", None, "größe"),
        ("変", None, "変数"),
        ("import js", None, "import json"),
        ("import json.dec", None, "import json.decoder"),
        ("from js", None, "from json"),
        ("from json.dec", None, "from json.decoder"),
        ("    import js", None, "    import json"),
        ("import zipim", None, "import zipimport"),
        ("box._hid", None, "box._hidden"),
        ("_priv", None, "_private"),
    ],
)
def test_completion(notebook: Notebook, code: str, at: int | None, completed: str) -> None:
    """Names, attributes, keywords and modules are completed where the cursor is."""
    notebook.namespace.update(
        alphabet="abc",
        größe=1,
        変数=2,
        _private=3,
        box=types.SimpleNamespace(inner=types.SimpleNamespace(value=1), _hidden=2),
    )
    assert completed in notebook.complete(code, at)


@pytest.mark.parametrize(
    "code",
    ["nope.x", "1.re", "'abc'.up", "f().x", "[1].ap", "..", "a..b", "import nope.", "x[0].y."],
)
def test_nothing_to_complete(notebook: Notebook, code: str) -> None:
    """Where nothing is known, nothing is offered: above all no global name behind a dot."""
    notebook.run("def f(): return 1\nx = [1]")
    assert notebook.complete(code) == []


def test_completion_of_combining_characters(notebook: Notebook) -> None:
    """An identifier may hold marks that combine, as those of many scripts do."""
    notebook.namespace["हिन्दी"] = 1
    assert "हिन्दी" in notebook.complete("हिन्")


def test_completion_of_nothing(notebook: Notebook) -> None:
    """With nothing typed, every name is offered, private ones last."""
    notebook.namespace.update(_a=1, b=2)
    completed = notebook.complete("")
    assert {"_a", "b", "print", "for"} <= set(completed)
    private = [name.startswith("_") for name in completed]
    assert private == sorted(private)
    assert len(set(completed)) == len(completed)


def test_completion_of_an_attribute_yet_to_begin(notebook: Notebook) -> None:
    """Behind a dot, public attributes are offered; private ones once an underscore is typed."""
    notebook.namespace["box"] = types.SimpleNamespace(a=1, _b=2)
    assert notebook.complete("box.") == ["box.a"]
    assert "box._b" in notebook.complete("box._")


@pytest.mark.rule("R-CODE-2")
def test_completion_ends_at_the_cursor(notebook: Notebook) -> None:
    """The range to replace ends at the cursor and counts code points."""
    reply = notebook.request("complete_request", {"code": "'😀'+pri", "cursor_pos": 7})
    assert (reply["cursor_start"], reply["cursor_end"]) == (4, 7)
    assert reply["metadata"] == {}
    assert "print" in reply["matches"]


@pytest.mark.parametrize(
    "body",
    [
        "def __dir__(self): raise RuntimeError",
        "def __dir__(self): return [1, 2]",
        "def __dir__(self): return 5",
        "@property\n    def __class__(self): raise RuntimeError",
        "def __dir__(self): raise SystemExit",
        "def __getattribute__(self, name): raise RuntimeError",
    ],
)
def test_completion_of_a_broken_object(notebook: Notebook, body: str) -> None:
    """An object whose attributes cannot be listed has no completions, and does no harm."""
    notebook.run(f"class A:\n    {body}\na = A()")
    assert isinstance(notebook.complete("a.x"), list)


def test_completion_behind_a_broken_property(notebook: Notebook) -> None:
    """A property that raises has no attributes to offer, but is itself offered."""
    notebook.run("class A:\n    @property\n    def bad(self): raise RuntimeError\na = A()")
    assert notebook.complete("a.bad.x") == []
    assert notebook.complete("a.b") == ["a.bad"]


def test_completion_with_odd_globals(notebook: Notebook) -> None:
    """A key of globals() that is no text disturbs nobody."""
    notebook.run("globals()[1] = 2")
    assert "print" in notebook.complete("prin")


def test_completion_runs_no_code(notebook: Notebook) -> None:
    """Completing calls nothing."""
    notebook.run("def f(): raise SystemExit")
    assert notebook.complete("f().x") == []


# --- inspection ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "at", "parts"),
    [
        ("f", None, ["f(a, b=2)", "Do it."]),
        ("f", 0, ["f(a, b=2)"]),
        ("f(1, 2)", 0, ["f(a, b=2)"]),
        ("f(", None, ["f(a, b=2)"]),
        ("f(1, ", None, ["f(a, b=2)"]),
        ("f(g(1), [2], ", None, ["f(a, b=2)"]),
        ("x = f((1, 2), ", None, ["f(a, b=2)"]),
        ("other(f(1), f(", None, ["f(a, b=2)"]),
        ("'😀'; f", None, ["f(a, b=2)"]),
        ("number", None, ["int", "42"]),
        ("num + number", 9, ["int", "42"]),
        ("number + 1", 3, ["int", "42"]),
        ("box.inner", None, ["SimpleNamespace"]),
        ("box.inner.value", 5, ["SimpleNamespace"]),
        ("len", None, ["len", "Return the number of items"]),
        ("A", None, ["A(x)", "A class."]),
        ("A.method", None, ["method(self, y)", "A method."]),
        ("long", None, ["..."]),
    ],
)
def test_inspection(notebook: Notebook, code: str, at: int | None, parts: list[str]) -> None:
    """What is at the cursor, or the function it is in a call of, is described."""
    notebook.run(
        'def f(a, b=2):\n    """Do it."""\n    return a\n'
        'class A:\n    """A class."""\n    def __init__(self, x): pass\n'
        '    def method(self, y):\n        """A method."""\n'
        "number = 42\nlong = 'x' * 1000\n"
        "from types import SimpleNamespace\n"
        "box = SimpleNamespace(inner=SimpleNamespace(value=1))"
    )
    text = notebook.inspect(code, at)
    assert text is not None
    for part in parts:
        assert part in text


@pytest.mark.parametrize(
    ("code", "at"),
    [
        ("nope", None),
        ("", 0),
        ("   ", 1),
        ("1 + 2", 2),
        ("+", 1),
        ("(1, ", None),
        ("()", 1),
        (")(", 1),
        ("nope.x", None),
        ("number.nope", None),
        ("'text'", 3),
        ("number + ", None),
        ("f(1) ", None),
    ],
)
def test_nothing_to_inspect(notebook: Notebook, code: str, at: int | None) -> None:
    """Where nothing known is, nothing is found, and that is no error."""
    notebook.namespace.update(number=42, f=len)
    assert notebook.inspect(code, at) is None


def test_inspection_of_source(notebook: Notebook) -> None:
    """Detail level 1 shows the source of a function that a cell defined."""
    notebook.run('x = 1\n\ndef f(a):\n    """Do it."""\n    return a  # here\n\ny = 2')
    text = notebook.inspect("f", detail_level=1)
    assert text is not None
    assert 'def f(a):\n    """Do it."""\n    return a  # here' in text
    assert "y = 2" not in text
    assert "return a" not in str(notebook.inspect("f", detail_level=0))


def test_inspection_of_source_that_is_not_there(notebook: Notebook) -> None:
    """Without source, detail level 1 shows the documentation."""
    text = notebook.inspect("len", detail_level=1)
    assert text is not None
    assert "Return the number of items" in text
    assert notebook.inspect("__name__", detail_level=1) is not None


@pytest.mark.parametrize(
    "body",
    [
        "def __repr__(self): raise RuntimeError",
        "@property\n    def __doc__(self): raise RuntimeError",
        "@property\n    def __signature__(self): raise RuntimeError\n    def __call__(self): pass",
        "__signature__ = 5\n    def __call__(self): pass",
        "def __getattr__(self, name): raise RuntimeError",
        "@property\n    def __class__(self): raise RuntimeError",
        "__doc__ = 5",
    ],
)
@pytest.mark.parametrize("detail_level", [0, 1])
def test_inspection_of_a_broken_object(notebook: Notebook, body: str, detail_level: int) -> None:
    """An object that cannot be described in full is described as far as it can be."""
    notebook.run(f"class A:\n    {body}\na = A()")
    text = notebook.inspect("a", detail_level=detail_level)
    assert text is not None
    assert "A" in text


def test_inspection_of_annotations_without_meaning(notebook: Notebook) -> None:
    """A function whose annotations name nothing can be inspected, in every Python."""
    notebook.run("try:\n    def f(a: Nope): pass\nexcept NameError:\n    def f(a: 'Nope'): pass")
    assert "f(a" in str(notebook.inspect("f"))


# --- is_complete --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        "",
        "\n",
        "   ",
        "x",
        "x = 1",
        "x = 1\n",
        "print(1)",
        "# comment",
        "await x",
        "x = await y",
        "import os; os",
        "def f(): return 1",
        "def f():\n    return 1\n",
        "for i in x:\n    print(i)\n",
        "async def f():\n    await x\n",
        "async with a as b:\n    pass\n",
        "if x:\n    pass\nelse:\n    pass\n",
        "class A:\n    def f(self):\n        pass\n\n    x = 1\n",
        "@d\ndef f():\n    pass\n",
        "'''a\nb'''",
        "(1,\n 2)",
        "f(1,\n  2)",
        "f(\n    1,\n    )",
        'x = """\n   a"""',
        "x = 1 + \\\n    2",
        "x?",
        "??x.y",
        "x is 1",
        "'\\d'",
        "é = 1",
        "'😀'",
    ],
)
def test_complete_code(notebook: Notebook, code: str) -> None:
    """Code that can run as it stands is complete."""
    assert notebook.request("is_complete_request", {"code": code}) == {"status": "complete"}


@pytest.mark.parametrize(
    ("code", "indent"),
    [
        ("for i in x:", "    "),
        ("for i in x:\n", "    "),
        ("for i in x:   ", "    "),
        ("for i in x:\n    print(i)", "    "),
        ("if x:", "    "),
        ("if x:  # why", "    "),
        ("if x:\n    pass\nelse:", "    "),
        ("if x:\n    if y:", "        "),
        ("if x:\n    if y:\n        z", "        "),
        ("if x:\n\tif y:", "\t    "),
        ("try:\n    pass", "    "),
        ("try:\n    pass\nexcept E:", "    "),
        ("with a:", "    "),
        ("async with a:", "    "),
        ("async for i in a:", "    "),
        ("async def f():", "    "),
        ("class A:", "    "),
        ("class A:\n    x = 1", "    "),
        ("match x:", "    "),
        ("match x:\n    case 1:", "        "),
        ("@decorator", ""),
        ("@decorator\n", ""),
        ("@decorator\ndef f():", "    "),
        ("print(", ""),
        ("f(1,", ""),
        ("[1,\n", ""),
        ("x = {", ""),
        ("x = (1 +", ""),
        ("'''a", ""),
        ('x = """a\nb', ""),
        ("x = 1 + \\", ""),
        ("\\", ""),
    ],
)
def test_incomplete_code(notebook: Notebook, code: str, indent: str) -> None:
    """Code that more lines could complete is incomplete; the indent for the next line is told."""
    assert notebook.request("is_complete_request", {"code": code}) == {
        "status": "incomplete",
        "indent": indent,
    }


@pytest.mark.parametrize(
    "code",
    [
        "x = = 1",
        "1 +",
        "'abc",
        "return 1",
        "  x = 1",
        "def f(:",
        "f(1]",
        "if x:\n    pass\n  else:",
        "%magic",
        "\0",
        "'\ud800'",
        "x y",
        "for",
        "1 = x",
        "(" * 300,
        "1" * 5000,
        "a.b?c",
    ],
)
def test_invalid_code(notebook: Notebook, code: str) -> None:
    """Code that no further line could mend is invalid."""
    assert notebook.request("is_complete_request", {"code": code}) == {"status": "invalid"}


def test_incomplete_try(notebook: Notebook) -> None:
    """A try without its except is incomplete, even after an empty line."""
    reply = notebook.request("is_complete_request", {"code": "try:\n    pass\n"})
    assert reply["status"] == "incomplete"


def test_question_prints_nothing(notebook: Notebook) -> None:
    """Asking whether code is complete warns about nothing: running it will."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        notebook.request("is_complete_request", {"code": "x is 1"})
    assert caught == []


# --- whatever the code does ---------------------------------------------------------------------

CODES = [
    "1",
    "x = 1",
    "x",
    "print('x')",
    "1 / 0",
    "if x",
    "raise SystemExit",
    "raise KeyboardInterrupt",
    "raise GeneratorExit",
    "class Own(BaseException): pass\nraise Own",
    "import asyncio; raise asyncio.CancelledError",
    "await __import__('asyncio').sleep(0)",
    "import asyncio\nasyncio.current_task().cancel()\nawait asyncio.sleep(0)",
    "display(1, display_id='d')",
    "display(1, update=True)",
    "display({'a/b': object()}, raw=True)",
    "clear_output()",
    "input()",
    "exit()",
    "globals().clear()",
    "del display",
    "display = 5",
    "globals()[1] = 2",
    "import sys; sys.stdout = None; print(1)",
    "import sys; sys.stdout.close(); print(1)",
    "import sys; sys.displayhook = None; 5",
    "_ = 5",
    "x?",
    "??",
    "class A:\n    def __repr__(self): raise RuntimeError\nx = A()",
    "class A:\n    def __repr__(self): raise SystemExit\nx = A()",
    "class A:\n    def __dir__(self): raise SystemExit\nx = A()",
    "class A:\n    def _repr_html_(self): raise GeneratorExit\nx = A()\nx",
    "class A:\n    def _repr_json_(self): return object()\nx = A()\nx",
    "d = {}\nd['d'] = d\nclass A:\n    def _repr_json_(self): return d\nx = A()\nx",
    "class E(Exception):\n    def __str__(self): raise E\nraise E",
    "def f(): f()\nf()",
    "\0",
    "'\ud800'",
    "print('\\ud800')",
    "",
]
ODD = st.none() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)


class AnyRequests(RuleBasedStateMachine):
    """Sends a kernel any sequence of requests, and checks the frame round each answer."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[str, Message]] = []
        self.session = Session()
        self.kernel = PythonKernel(send=self.keep, ask=self.answer)

    def keep(self, channel: str, message: Message) -> None:
        """Keep what is sent, if it can be."""
        self.session.serialize(message)
        self.sent.append((channel, message))

    def answer(self, request: Message) -> Message:
        """Answer a question."""
        return self.session.message("input_reply", {"value": "x"})

    def request(
        self, msg_type: str, content: dict[str, Any], channel: str = "shell"
    ) -> Message | None:
        """Send one request, check what comes, and return the reply."""
        del self.sent[:]
        request = self.session.message(msg_type, content)
        try:
            asyncio.run(self.kernel.handle(request, channel))
        except BaseException as error:
            raise AssertionError(f"{msg_type} {content} ended the loop that serves") from error
        states = [m.content["execution_state"] for _, m in self.sent if m.msg_type == "status"]
        assert states == ["busy", "idle"]
        assert self.sent[0][1].msg_type == self.sent[-1][1].msg_type == "status"
        replies = [m for name, m in self.sent if name == channel]
        assert len(replies) == msg_type.endswith("_request")
        for reply in replies:
            assert reply.msg_type == msg_type.removesuffix("request") + "reply"
            assert reply.content["status"] in (
                *("ok", "error", "aborted", "complete", "incomplete", "invalid"),
            )
            if reply.content["status"] in ("error", "aborted"):
                assert isinstance(reply.content["ename"], str)
                assert isinstance(reply.content["evalue"], str)
                assert isinstance(reply.content["traceback"], list)
        return replies[0] if replies else None

    @rule(
        code=st.sampled_from(CODES),
        silent=st.booleans(),
        store_history=st.booleans(),
        allow_stdin=st.booleans(),
        stop_on_error=st.booleans(),
        waiting=st.booleans(),
        expressions=st.dictionaries(
            st.text(max_size=2), st.sampled_from(["x", "nope", "1 +", "exit()"]), max_size=2
        ),
    )
    def execute(self, code: str, expressions: dict[str, str], waiting: bool, **flags: bool) -> None:
        """Run code, which waited behind other requests or did not."""
        if not waiting:
            self.kernel.queue_is_empty()
        content = {"code": code, "user_expressions": expressions, **flags}
        count = self.kernel.execution_count
        reply = self.request("execute_request", content)
        assert reply is not None
        aborted = reply.content["status"] == "aborted"
        counted = flags["store_history"] and not flags["silent"] and not aborted
        assert self.kernel.execution_count == count + counted

    @rule(
        msg_type=st.sampled_from(["complete_request", "inspect_request"]),
        code=st.sampled_from(["x", "x.", "x.a.b", "f(x, ", "import x", "?", "", "'\ud800'.x"]),
        cursor_pos=st.integers(-2, 12),
    )
    def look_up(self, msg_type: str, code: str, cursor_pos: int) -> None:
        """Complete or inspect."""
        self.request(msg_type, {"code": code, "cursor_pos": cursor_pos})

    @rule(code=st.sampled_from(CODES))
    def is_complete(self, code: str) -> None:
        """Ask whether code is complete."""
        self.request("is_complete_request", {"code": code})

    @rule(
        kind=st.sampled_from(["tail", "range", "search", "odd"]),
        n=st.none() | st.integers(-3, 10**20),
        start=st.none() | st.integers(),
        stop=st.none() | st.integers(),
        pattern=st.none() | st.text(max_size=4),
        output=st.booleans(),
        unique=st.booleans(),
    )
    def history(self, kind: str, **fields: Any) -> None:
        """Ask for history."""
        self.request("history_request", {"hist_access_type": kind, **fields})

    @rule(
        msg_type=st.sampled_from(
            [
                *("execute_request", "complete_request", "inspect_request", "history_request"),
                *("is_complete_request", "comm_info_request", "kernel_info_request"),
                *("connect_request", "comm_open", "comm_msg", "comm_close", "odd"),
            ]
        ),
        content=st.dictionaries(
            st.sampled_from(["code", "cursor_pos", "silent", "comm_id", "n", "data", "odd"]), ODD
        ),
    )
    def odd(self, msg_type: str, content: dict[str, Any]) -> None:
        """Send fields that mean nothing."""
        self.request(msg_type, content)

    @rule()
    def control(self) -> None:
        """Send a request on control."""
        self.request("kernel_info_request", {}, "control")
        self.request("interrupt_request", {}, "control")
        self.request("execute_request", {"code": "1"}, "control")


TestAnyRequests = pytest.mark.off_catalogue("requests of every kind, bad ones too")(
    AnyRequests.TestCase
)
TestAnyRequests.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.off_catalogue("clients leave out raw and output")
def test_every_request_is_answered_after(code: str) -> None:
    """Whatever a cell did, it and every request after it are answered, each between its states."""
    machine = AnyRequests()
    for request in (code, "x", "x.y", "1"):
        machine.request("execute_request", {"code": request, "stop_on_error": False})
    machine.request("execute_request", {"code": "", "user_expressions": {"a": "x", "b": code}})
    for msg_type in ("complete_request", "inspect_request"):
        machine.request(msg_type, {"code": "x.y", "cursor_pos": 3})
        machine.request(msg_type, {"code": "x(", "cursor_pos": 2})
    machine.request("is_complete_request", {"code": code})
    machine.request("history_request", {"hist_access_type": "tail", "n": 5, "output": True})


@pytest.mark.rule("R-INFO-2")
def test_kernel_info(notebook: Notebook) -> None:
    """The kernel tells a front end how to treat its language; all of it is JSON."""
    reply = notebook.request("kernel_info_request", {})
    info = reply["language_info"]
    assert reply["status"] == "ok"
    assert reply["protocol_version"] == "5.6"
    assert isinstance(reply["banner"], str)
    assert (info["name"], info["file_extension"]) == ("python", ".py")
    assert info["version"] == ".".join(map(str, sys.version_info[:3]))
    assert info["mimetype"] == "text/x-python"
    assert all(set(link) == {"text", "url"} for link in reply["help_links"])
    assert isinstance(reply["supported_features"], list)
    assert json.loads(json.dumps(reply)) == reply
