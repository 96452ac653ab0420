"""The kernel that runs IPython: magics, display, errors, history, widgets, plots, subshells.

IPython's shell is one for a process, so it is tested in a process of its own.  There `ipykernel`
cannot be imported: nothing here may depend on it.
"""

from __future__ import annotations

import ast
import base64
import os
import re
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import nbformat
import pytest
from conftest import ROOT, TIMEOUT, Client, run_kernel
from nbclient import NotebookClient

from refimpl.client import Exchange
from refimpl.wire import Message

ARGV = [sys.executable, "-m", "refimpl", "kernel", "ipython", "-f", "{connection_file}"]
ANSI = re.compile(r"\x1b\[[\d;]*m")
SLOW = 60.0  # seconds; the first plot on a machine looks for all its fonts
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")


@pytest.fixture(scope="module")
def env(tmp_path_factory) -> dict[str, str]:
    """Give the kernel a home of its own, and no ipykernel."""
    home = tmp_path_factory.mktemp("home")
    (home / "ipykernel.py").write_text("raise ModuleNotFoundError('it is not here')\n", "utf-8")
    return {"IPYTHONDIR": str(home), "PYTHONPATH": os.pathsep.join([str(home), str(ROOT)])}


@pytest.fixture(scope="module")
def kernel(tmp_path_factory, env):
    """Run one IPython kernel for all tests of this module."""
    with run_kernel(tmp_path_factory.mktemp("kernel"), ARGV, env) as run:
        yield run


@pytest.fixture
def client(kernel) -> Iterator[Client]:
    """Connect a client to it."""
    with kernel.connect() as client:
        yield client


@pytest.fixture
def subshell(client) -> Iterator[str]:
    """Create a subshell, and delete it afterwards."""
    subshell_id = client.request("create_subshell_request", channel="control").content[
        "subshell_id"
    ]
    yield subshell_id
    content = {"subshell_id": subshell_id}
    client.request("delete_subshell_request", content, channel="control")


def run(client: Client, code: str, **fields: Any) -> Exchange:
    """Run a cell that must succeed."""
    cell = client.execute(textwrap.dedent(code), **fields)
    assert cell.content["status"] == "ok", cell.content
    return cell


def shown(cell: Exchange) -> list[tuple[str, Any]]:
    """List the outputs of a cell: type, and text or plain form."""
    pairs = []
    for message in cell.outputs:
        content = message.content
        if message.msg_type == "stream":
            pairs.append((content["name"], content["text"]))
        elif "data" in content:
            pairs.append((message.msg_type, content["data"].get("text/plain")))
        elif message.msg_type != "execute_input":
            pairs.append((message.msg_type, content))
    return pairs


def plain(text: str) -> str:
    """Take the colours out of a text."""
    return ANSI.sub("", text)


def test_ipykernel_is_not_needed(client):
    """The kernel of these tests runs though ipykernel cannot be imported."""
    cell = client.execute("import ipykernel")
    assert cell.content["ename"] == "ModuleNotFoundError"


# --- cells -------------------------------------------------------------------------------------

CELLS = [
    ("6 * 7", [("execute_result", "42")]),
    ("6 * 7;", []),
    ("print('a'); 2", [("stdout", "a\n"), ("execute_result", "2")]),
    ("display('d')", [("display_data", "'d'")]),
    ("import sys; _n = sys.stderr.write('e')", [("stderr", "e")]),
    ("import asyncio; await asyncio.sleep(0, 'awaited')", [("execute_result", "'awaited'")]),
    ("%precision", [("execute_result", "'%r'")]),
    ("%%html\n<b>x</b>", [("display_data", "<IPython.core.display.HTML object>")]),
    ("from IPython.display import clear_output as clear; clear(wait=True)",
     [("clear_output", {"wait": True})]),
    ("get_ipython().__class__.__name__", [("execute_result", "'ZMQInteractiveShell'")]),
    ("'IPKernelApp' in get_ipython().config", [("execute_result", "True")]),
    ("__name__, __import__('sys').stdout.isatty()", [("execute_result", "('__main__', False)")]),
    ("get_ipython().kernel.comm_manager is __import__('comm').get_comm_manager()",
     [("execute_result", "True")]),
]  # fmt: skip


@pytest.mark.parametrize(("code", "outputs"), CELLS, ids=[code[:24] for code, _ in CELLS])
def test_cell_shows(client, code, outputs):
    """A cell publishes what IPython would show in a terminal, each thing as its message."""
    assert shown(run(client, code)) == outputs


def test_capture(client):
    """%%capture keeps back what a cell shows; the user can look at it later."""
    assert shown(run(client, "%%capture seen\nprint('x')\ndisplay('y')\n'z'")) == []
    assert run(client, "seen.stdout, len(seen.outputs)").result == "('x\\n', 2)"


@posix
@pytest.mark.parametrize("code", ["%%bash\necho {word}; echo {word} >&2", "!echo {word}"])
def test_output_of_programs_belongs_to_the_cell(client, code):
    """What a program prints is output of the cell that runs it, of each one in a row."""
    for word in ("one", "two"):
        assert word in run(client, code.replace("{word}", word)).text


@posix
@pytest.mark.parametrize("start", ["%%bash", "!"], ids=["bash", "system"])
def test_output_of_programs_streams(client, gate, start):
    """What a program prints arrives while the program still runs."""
    wait = f'{sys.executable} -c "{gate.code}"'
    code = f"%%bash\necho early\n{wait}" if start == "%%bash" else f"!echo early; {wait}"
    cell = client.send("execute_request", {"code": code})
    client.until(lambda: "early" in cell.text, "output of the program")
    gate.reached()
    assert cell.reply is None
    gate.open()
    assert client.wait(cell).content["status"] == "ok"


def test_display_can_be_replaced(client):
    """`display` with an id, and its handle, publish display_data and update_display_data."""
    cell = run(client, "handle = display(1, display_id='this'); handle.update(2)")
    kinds = [(m.msg_type, m.content["transient"]) for m in cell.outputs[1:]]
    this = {"display_id": "this"}
    assert kinds == [("display_data", this), ("update_display_data", this)]


def test_rich_forms_and_bytes(client):
    """A value goes out in all its forms; bytes travel as base64."""
    code = """
    class Rich:
        def _repr_html_(self): return "<b>r</b>"
        def _repr_png_(self): return b"\\x89PNG"
    Rich()
    """
    (result,) = [m for m in run(client, code).outputs if m.msg_type == "execute_result"]
    data = result.content["data"]
    assert data["text/html"] == "<b>r</b>"
    assert base64.b64decode(data["image/png"]) == b"\x89PNG"


def test_cells_are_numbered_and_kept(client):
    """Reply, result, `In` and `Out` agree on a cell's number; what is not kept gets none."""
    first = run(client, "'first'")
    number = first.content["execution_count"]
    assert first.outputs[0].content["execution_count"] == number
    assert first.outputs[1].content["execution_count"] == number
    unkept = run(client, "'unkept'", store_history=False)
    silent = run(client, "'silent'", silent=True)
    assert [m.msg_type for m in silent.outputs] == []
    assert unkept.content["execution_count"] == silent.content["execution_count"] == number
    last = run(client, f"In[{number}], Out[{number}], _i")
    assert last.content["execution_count"] == number + 1
    assert last.result == "(\"'first'\", 'unkept', \"'first'\")"


def test_reset_counts_anew(launch, env):
    """After a reset the cells are numbered from 1, as the history is."""
    with launch(argv=ARGV, env=env).connect() as client:
        run(client, "1")
        run(client, "get_ipython().reset()")
        assert run(client, "In").result == "['', 'In']"
        assert run(client, "2").content["execution_count"] == 2


def test_user_expressions(client):
    """Expressions are evaluated after the cell; one that raises spoils no other."""
    expressions = {"sum": "number + 1", "bad": "1 / 0"}
    values = run(client, "number = 41", user_expressions=expressions).content["user_expressions"]
    assert values["sum"] == {"status": "ok", "data": {"text/plain": "42"}, "metadata": {}}
    assert (values["bad"]["status"], values["bad"]["ename"]) == ("error", "ZeroDivisionError")


def test_late_output_has_its_parent(client, gate):
    """What a thread prints after its cell is output of that cell, though another one runs."""
    late = f"def late():\n    {gate.code}\n    print('late')"
    cell = run(client, f"import threading\n{late}\nthreading.Thread(target=late).start()")
    gate.reached()
    run(client, "'another'")
    gate.open()
    client.until(lambda: client.arrived("stream"), "late output")
    (late,) = client.arrived("stream")
    assert late.parent_header["msg_id"] == cell.request.msg_id


def test_events_of_ipython(client):
    """Libraries that wait for IPython's events hear of each cell, before and after it."""
    run(client, """
    seen = []
    names = ("pre_execute", "pre_run_cell", "post_execute", "post_run_cell")
    hooks = {name: (lambda *info, name=name: seen.append(name)) for name in names}
    for name in names: get_ipython().events.register(name, hooks[name])
    seen.clear()
    """)  # fmt: skip
    run(client, "pass")
    cell = run(
        client, "for name in names: get_ipython().events.unregister(name, hooks[name])\nseen"
    )
    before, after = ["pre_execute", "pre_run_cell"], ["post_execute", "post_run_cell"]
    assert ast.literal_eval(cell.result or "") == [*after, *before, *after, *before]


# --- payloads ----------------------------------------------------------------------------------

PAYLOADS = [
    ("get_ipython().set_next_input('x')",
     {"source": "set_next_input", "text": "x", "replace": False}),
    ("%edit -n 3 made_up.py",
     {"source": "edit_magic", "filename": "made_up.py", "line_number": 3}),
    ("exit", {"source": "ask_exit", "keepkernel": False}),
    ("quit(keep_kernel=True)", {"source": "ask_exit", "keepkernel": True}),
]  # fmt: skip


@pytest.mark.parametrize(("code", "payload"), PAYLOADS, ids=["next", "edit", "exit", "keep"])
def test_payload(client, code, payload):
    """What the front end has to do is in the reply; the kernel does not end by itself."""
    cell = client.execute(code)
    assert cell.content["payload"] == [payload]
    assert run(client, "1").content["payload"] == []


@pytest.mark.parametrize("code", ["len?", "get_ipython().run_line_magic('pinfo', 'len')"])
def test_help_goes_to_the_pager(client, code):
    """Help is a page in the reply, not an output."""
    cell = run(client, code)
    (page,) = cell.content["payload"]
    assert (page["source"], page["start"]) == ("page", 0)
    assert "Return the number of items" in page["data"]["text/plain"]
    assert shown(cell) == []


# --- errors ------------------------------------------------------------------------------------

ERRORS = [
    ("1 / 0", "ZeroDivisionError", ["----> 1", "1 / 0"]),
    ("1 +", "SyntaxError", ["invalid syntax"]),
    ("def f():\nx", "IndentationError", ["expected an indented block"]),
    ("import sys; sys.exit('bye')", "SystemExit", ["bye"]),
    ("class E(Exception):\n    def __str__(self): return 1 / 0\nraise E", "E", []),
    ("class R:\n    def __repr__(self): raise KeyError('r')\nR()", "KeyError", ["__repr__"]),
    ("await __import__('asyncio').wait_for(__import__('asyncio').sleep(9), 0)", "TimeoutError", []),
    ("raise KeyboardInterrupt", "KeyboardInterrupt", ["raise KeyboardInterrupt"]),
]  # fmt: skip


@pytest.mark.parametrize(("code", "ename", "lines"), ERRORS, ids=[e for _, e, _ in ERRORS])
def test_error(client, code, ename, lines):
    """An error is published with IPython's coloured traceback, and the reply says the same."""
    cell = client.execute(code, stop_on_error=False)
    assert (cell.content["status"], cell.content["ename"]) == ("error", ename)
    (error,) = [m.content for m in cell.outputs if m.msg_type == "error"]
    assert {**cell.content, **error} == cell.content
    traceback = "\n".join(error["traceback"])
    assert "\x1b[" in traceback
    assert [line for line in lines if line not in plain(traceback)] == []
    assert run(client, "'goes on'").result == "'goes on'"


def test_errors_that_ipython_prints(client):
    """A magic that does not exist, and a group of exceptions, fail; IPython puts them on stderr."""
    for code, ename in (
        ("%nosuch", "UsageError"),
        ("raise ExceptionGroup('g', [OSError()])", "ExceptionGroup"),
    ):
        cell = client.execute(code, stop_on_error=False)
        assert cell.content["ename"] == ename
        assert ename in cell.text or "Exception Group" in cell.text


def test_custom_exceptions(client):
    """A handler that the user sets for an exception shows it in its own way."""
    run(client, """
    class Mine(Exception): pass
    def handle(self, kind, value, trace, tb_offset=None): print("handled", kind.__name__)
    get_ipython().set_custom_exc((Mine,), handle)
    """)  # fmt: skip
    cell = client.execute("raise Mine", stop_on_error=False)
    run(client, "get_ipython().set_custom_exc((), None)")
    assert (cell.content["ename"], cell.text) == ("Mine", "handled Mine\n")


# --- input and interrupts ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "question"),
    [
        ("input('who? ')", ("who? ", False)),
        ("from getpass import getpass; getpass()", ("Password: ", True)),
    ],
)
def test_input(kernel, code, question):
    """`input` and `getpass` ask the front end that runs the cell."""
    asked = []

    def answer(request) -> str:
        asked.append((request.content["prompt"], request.content["password"]))
        return "me"

    with kernel.connect(answer) as client:
        assert run(client, code).result == "'me'"
    assert asked == [question]


def test_breakpoint_opens_ipython_s_debugger(kernel):
    """`breakpoint()` stops where it stands, in the debugger that IPython has in a terminal."""
    asked, lines = [], iter(("p inside", "c"))

    def answer(question: Message) -> str:
        asked.append(question.content["prompt"])
        return next(lines)

    code = "def f():\n    inside = 41\n    breakpoint()\n    return inside + 1\nf()"
    with kernel.connect(on_input=answer) as client:
        cell = client.execute(code)
    assert asked == ["ipdb> ", "ipdb> "]
    assert "41\n" in cell.text
    assert cell.result == "42"


def test_debugger(kernel):
    """%debug examines the last error, %pdb each one; both ask for commands as input."""
    commands = iter(["p secret + 1", "q", "p secret + 2", "q"])
    with kernel.connect(lambda request: next(commands)) as client:
        client.execute("secret = 41\n1 / 0")
        assert "42" in run(client, "%debug").text
        run(client, "%pdb on")
        failed = client.execute("1 / 0")
        run(client, "%pdb off")
    assert ("43" in failed.text, failed.content["ename"]) == (True, "ZeroDivisionError")
    assert list(commands) == []


ENDLESS = {
    "loop": "print('in')\nwhile True: pass",
    "await": "print('in')\nimport asyncio\nawait asyncio.sleep(9999)",
    "sleep": "print('in')\nimport time\ntime.sleep(9999)",
}


@pytest.mark.parametrize("code", ENDLESS.values(), ids=ENDLESS)
def test_interrupt(client, code):
    """An interrupt ends a cell wherever it is, and its traceback shows no file of the kernel."""
    cell = client.send("execute_request", {"code": code})
    client.until(lambda: "in" in cell.text, "output")
    client.interrupt()
    assert client.wait(cell).content["ename"] == "KeyboardInterrupt"
    assert "refimpl" not in "\n".join(cell.content["traceback"])
    assert run(client, "'still here'").result == "'still here'"


def test_interrupted_question(kernel):
    """An interrupt ends `input`, without showing how the kernel asks."""

    def answer(request) -> str:
        client.interrupt()
        return "too late"

    with kernel.connect(answer) as client:
        cell = client.execute("input('?')")
    assert cell.content["ename"] == "KeyboardInterrupt"
    assert "refimpl" not in "\n".join(cell.content["traceback"])


# --- answers about code ------------------------------------------------------------------------


def ask(client: Client, kind: str, code: str, **fields: Any) -> dict[str, Any]:
    """Ask about the code before the cursor; return the content of the reply."""
    content = client.request(
        f"{kind}_request", {"code": code, "cursor_pos": len(code), **fields}
    ).content
    assert content["status"] == "ok"
    return content


@pytest.mark.parametrize(
    ("code", "match", "kind"),
    [
        ("isinst", "isinstance", "function"),
        ("x = 'é𝄞'; str.capi", "capitalize", "function"),
        ("%tim", "%timeit", "magic"),
        ("import antig", "antigravity", "module"),
    ],
)
def test_completion_with_types(client, code, match, kind):
    """Matches come with their types, where JupyterLab looks for them."""
    found = ask(client, "complete", code)
    assert match in found["matches"]
    assert code[found["cursor_start"] : found["cursor_end"]] == code.split()[-1].rpartition(".")[2]
    types = {
        each["text"]: each["type"] for each in found["metadata"]["_jupyter_types_experimental"]
    }
    assert list(types) == found["matches"]
    assert types[match] == kind


def test_no_completion(client):
    """Where nothing fits, nothing is replaced."""
    found = ask(client, "complete", "no_such_name_")
    assert (found["matches"], found["cursor_start"], found["cursor_end"]) == ([], 13, 13)


def test_inspection(client):
    """A name, or the function whose arguments are being typed, is described; as HTML on request."""
    for code, forms in (("len", {"text/plain"}), ("len(", {"text/plain", "text/html"})):
        run(client, f"%config ZMQInteractiveShell.enable_html_pager = {len(forms) > 1}")
        found = ask(client, "inspect", code)
        assert (found["found"], found["data"].keys()) == (True, forms)
        for text in found["data"].values():
            assert "Return the number of items" in plain(text)
    run(client, "def sourced():\n    return 'the source'")
    found = ask(client, "inspect", "sourced", detail_level=1)
    assert "the source" in plain(found["data"]["text/plain"])
    assert ask(client, "inspect", "no_such_name") == {
        "status": "ok",
        "found": False,
        "data": {},
        "metadata": {},
    }


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("1", {"status": "complete"}),
        ("%timeit 1", {"status": "complete"}),
        ("!ls", {"status": "complete"}),
        ("await x", {"status": "complete"}),
        ("for i in x:", {"status": "incomplete", "indent": "    "}),
        ("if x:\n    if y:", {"status": "incomplete", "indent": "        "}),
        ("%%bash\nls", {"status": "incomplete", "indent": ""}),
        ("1 +* 2", {"status": "invalid"}),
    ],
)
def test_is_complete(client, code, expected):
    """A console learns whether Enter runs the code, and how far the next line is indented."""
    assert client.request("is_complete_request", {"code": code}).content == expected


def history(client: Client, kind: str, **fields: Any) -> list[Any]:
    """Ask for the history."""
    content = {"hist_access_type": kind, "raw": True, "output": False, **fields}
    return client.request("history_request", content).content["history"]


def test_history(launch, env, tmp_path):
    """The database knows this session and the ones before, raw and translated, with outputs."""
    env = {**env, "IPYTHONDIR": str(tmp_path / "ipython")}
    with launch(argv=ARGV, env=env).connect() as client:
        run(client, "'earlier'")
        client.request("shutdown_request", {"restart": False}, channel="control")
        client.process.wait(TIMEOUT)
    with launch(argv=ARGV, env=env).connect() as client:
        for code in ("%precision", "'a'", "'a'", "'b'"):
            run(client, code)
        codes = ["%precision", "'a'", "'a'", "'b'"]
        assert [entry[1:] for entry in history(client, "tail", n=2)] == [[3, "'a'"], [4, "'b'"]]
        assert history(client, "range") == [[2, n, code] for n, code in enumerate(codes, 1)]
        assert history(client, "range", start=2, stop=3, output=True) == [[2, 2, ["'a'", "'a'"]]]
        translated = "get_ipython().run_line_magic('precision', '')"
        assert history(client, "range", stop=2, raw=False) == [[2, 1, translated]]
        assert [code for *_, code in history(client, "range", session=-1)] == ["'earlier'"]
        assert [code for *_, code in history(client, "search", pattern="'?'")] == codes[1:]
        assert len(history(client, "search", pattern="'?'", unique=True)) == 2
        assert [code for *_, code in history(client, "search", pattern="'e*")] == ["'earlier'"]


@pytest.mark.off_catalogue("the access type is none that there is")
def test_history_of_no_kind(client):
    """An access type that does not exist is refused, with those that do."""
    reply = client.request("history_request", {"hist_access_type": "whole"}).content
    expected = "expected range, tail or search, got 'whole'"
    assert reply["evalue"] == f"history_request: hist_access_type: {expected}"


# --- subshells ---------------------------------------------------------------------------------


def test_subshell_beside_a_busy_cell(client, subshell, gate):
    """Two cells run at once; each has its number, its result, its payload and its semicolon."""
    code = f"value = 1\nget_ipython().set_next_input('main')\n{gate.code}\n'main'"
    busy = client.send("execute_request", {"code": code})
    gate.reached()
    beside = client.execute(
        "get_ipython().set_next_input('beside'); value + 1;", subshell_id=subshell
    )
    assert beside.result is None
    assert beside.content["payload"][0]["text"] == "beside"
    again = client.execute("value + 2", subshell_id=subshell)
    assert again.result == "3"
    question = {"code": "valu", "cursor_pos": 4}
    completed = client.request("complete_request", question, subshell_id=subshell)
    assert "value" in completed.content["matches"]
    inspected = client.request(
        "inspect_request", {"code": "value", "cursor_pos": 5}, subshell_id=subshell
    )
    assert inspected.content["found"]
    gate.open()
    client.wait(busy)
    assert busy.result == "'main'"
    assert [p["text"] for p in busy.content["payload"]] == ["main"]
    number = busy.content["execution_count"]
    assert [beside.content["execution_count"], again.content["execution_count"]] == [
        number + 1,
        number + 2,
    ]
    kept = run(client, f"Out[{number}], Out[{number + 2}], {number + 1} in Out")
    assert kept.result == "('main', 3, False)"


def test_errors_of_two_shells(client, subshell, gate):
    """An error in a subshell is not the busy cell's, and both may await at the top level."""
    code = f"{gate.code}\nimport asyncio\nawait asyncio.sleep(0, 'fine')"
    busy = client.send("execute_request", {"code": code})
    gate.reached()
    failed = client.execute("import asyncio\nawait asyncio.sleep(0)\n1 / 0", subshell_id=subshell)
    gate.open()
    assert failed.content["ename"] == "ZeroDivisionError"
    assert client.wait(busy).result == "'fine'"


def test_many_cells_in_two_shells(client, subshell):
    """Cells that run at once in two shells keep their results, errors and numbers apart."""
    run(client, "import asyncio")
    codes = ["await asyncio.sleep(0, {n})", "{n}", "1 / 0", "{n};"]
    cells = []
    for n in range(100):
        code = codes[n % 4].replace("{n}", str(n))
        for shell in (None, subshell):
            content = {"code": code, "stop_on_error": False}
            cells.append((n, client.send("execute_request", content, subshell_id=shell)))
    numbers = [client.wait(cell).content["execution_count"] for _, cell in cells]
    assert len(set(numbers)) == len(cells)
    for n, cell in cells:
        assert cell.result == (str(n) if n % 4 in (0, 1) else None)
        assert cell.content.get("ename") == ("ZeroDivisionError" if n % 4 == 2 else None)


# --- comms, widgets, plots ---------------------------------------------------------------------


def tell(
    client: Client, msg_type: str, content: dict, buffers: list[bytes] | None = None
) -> Exchange:
    """Send a comm message as a front end does, and wait until the kernel is done with it."""
    exchange = client.client.request(msg_type, content)
    exchange.request.buffers[:] = buffers or []
    client._sockets["shell"].send_multipart(client.client.session.serialize(exchange.request))
    client.until(lambda: "idle" in exchange.states, "idle")
    return exchange


def test_slider_moves(client):
    """A widget's state reaches the front end; moved there, it calls back into Python."""
    cell = run(client, """
    import ipywidgets
    slider = ipywidgets.IntSlider(value=3)
    slider.observe(lambda change: print("moved to", change["new"]), "value")
    slider
    """, timeout=SLOW)  # fmt: skip
    opened = [m for m in cell.outputs if m.msg_type == "comm_open"]
    (model,) = [m for m in opened if m.content["data"]["state"].get("value") == 3]
    comm_id = model.content["comm_id"]
    (result,) = [m for m in cell.outputs if m.msg_type == "execute_result"]
    view = result.content["data"]["application/vnd.jupyter.widget-view+json"]
    assert view["model_id"] == comm_id
    update = {"method": "update", "state": {"value": 7}, "buffer_paths": []}
    moved = tell(client, "comm_msg", {"comm_id": comm_id, "data": update})
    assert moved.text == "moved to 7\n"
    assert run(client, "slider.value").result == "7"
    changed = run(client, "slider.value = 9")
    (sent,) = [m for m in changed.outputs if m.msg_type == "comm_msg"]
    assert sent.content["data"]["state"] == {"value": 9}
    comms = client.request("comm_info_request").content["comms"]
    assert comms[comm_id] == {"target_name": "jupyter.widget"}
    assert client.request("comm_info_request", {"target_name": "other"}).content["comms"] == {}
    run(client, "slider.close()")
    assert comm_id not in client.request("comm_info_request").content["comms"]


def test_output_widget_captures(client):
    """An output widget tells the front end which request's output is its own."""
    cell = run(
        client,
        "import ipywidgets\nout = ipywidgets.Output()\nwith out: print('inside')",
        timeout=SLOW,
    )
    states = [m.content["data"].get("state", {}) for m in cell.outputs if m.msg_type == "comm_msg"]
    assert [state["msg_id"] for state in states] == [cell.request.msg_id, ""]


def test_comm_with_buffers(client):
    """A target in Python is given the comm and its messages; buffers go both ways."""
    run(client, """
    import comm
    def opened(channel, message):
        channel.on_msg(lambda m: channel.send({"got": m["content"]["data"]},
                                              buffers=[bytes(b)[::-1] for b in m["buffers"]]))
        channel.on_close(lambda m: print("closed"))
    comm.get_comm_manager().register_target("echo", opened)
    """)  # fmt: skip
    assert (
        tell(client, "comm_open", {"comm_id": "c", "target_name": "echo", "data": {}}).outputs == []
    )
    (answer,) = tell(client, "comm_msg", {"comm_id": "c", "data": {"n": 1}}, [b"abc"]).outputs
    assert answer.content == {"comm_id": "c", "data": {"got": {"n": 1}}}
    assert [bytes(buffer) for buffer in answer.buffers] == [b"cba"]
    assert tell(client, "comm_close", {"comm_id": "c", "data": {}}).text == "closed\n"
    assert "c" not in client.request("comm_info_request").content["comms"]


def test_comm_without_target(client):
    """A comm that nobody takes is closed at once; messages to it change nothing."""
    (closed,) = tell(
        client, "comm_open", {"comm_id": "x", "target_name": "none", "data": {}}
    ).outputs
    assert (closed.msg_type, closed.content["comm_id"]) == ("comm_close", "x")
    for msg_type in ("comm_msg", "comm_close"):
        assert tell(client, msg_type, {"comm_id": "x", "data": {}}).outputs == []


def test_callback_can_be_interrupted(client):
    """A callback that does not end is interrupted like a cell, and the user sees where it was."""
    run(client, """
    import comm
    def endless(channel, message):
        print("in")
        while True: pass
    comm.get_comm_manager().register_target("endless", endless)
    """)  # fmt: skip
    content = {"comm_id": "e", "target_name": "endless", "data": {}}
    exchange = client.send("comm_open", content)
    client.until(lambda: "in" in exchange.text, "output of the callback")
    client.interrupt()
    client.until(lambda: "idle" in exchange.states, "idle")
    (error,) = [m.content for m in exchange.outputs if m.msg_type == "error"]
    assert error["ename"] == "KeyboardInterrupt"


PNG = b"\x89PNG\r\n"


@pytest.mark.parametrize("start", ["", "%matplotlib inline\n"], ids=["by default", "asked for"])
def test_figures_are_shown_after_the_cell(client, start):
    """A figure that a cell draws is shown when the cell has ended, as PNG."""
    code = f"{start}import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\nprint('drawn')"
    cell = run(client, code, timeout=SLOW)
    kinds = [m.msg_type for m in cell.outputs if m.msg_type in ("stream", "display_data")]
    assert kinds == ["stream", "display_data"]
    data = cell.outputs[-1].content["data"]
    assert base64.b64decode(data["image/png"]).startswith(PNG)
    assert data["text/plain"].startswith("<Figure size")
    assert shown(run(client, "plt.get_fignums()")) == [("execute_result", "[]")]


def test_gui_toolkits_are_refused(client):
    """A GUI toolkit would need its own event loop; the error says what to use."""
    assert "use %matplotlib inline" in run(client, "%gui qt").text


# --- other programs ----------------------------------------------------------------------------


def test_nbclient_runs_a_notebook(jupyter):
    """A notebook with magics, a plot and a widget runs in nbclient, which keeps the widget."""
    cells = [
        "%time 1 + 1",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
        "import ipywidgets\nipywidgets.IntSlider(value=5)",
        "from IPython.display import display, HTML\ndisplay(HTML('<b>h</b>'))",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in cells])
    NotebookClient(notebook, kernel_name="refimpl-ipython", timeout=int(SLOW)).execute()
    kinds = [[output.output_type for output in cell.outputs] for cell in notebook.cells]
    assert kinds == [
        ["stream", "execute_result"],
        ["display_data"],
        ["execute_result"],
        ["display_data"],
    ]
    assert "image/png" in notebook.cells[1].outputs[0].data
    state = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    assert 5 in [model["state"].get("value") for model in state.values()]
