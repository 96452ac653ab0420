"""Breakpoints in cells, through debug requests, with debugpy in a real kernel process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import TIMEOUT, Client, run_kernel

from refimpl import run_debugpy
from refimpl.debugger import HASH_SEED, DebugError, Debugger, Decoder, Variables, encode, murmur2
from refimpl.wire import CHANNELS

ARGV = [sys.executable, "-m", "refimpl", "kernel", "python", "-f", "{connection_file}"]
IPYTHON = [sys.executable, "-m", "refimpl", "kernel", "ipython", "-f", "{connection_file}"]
IPYKERNEL = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
CODE = "def double(x):\n    y = x * 2\n    return y\nz = double(4)\nlast = 1\n"
INITIALIZE = {"clientID": "tests", "adapterID": "refimpl", "pathFormat": "path"}
# The hash of a text, as JupyterLab 4.6 computes it with our seed.
HASHES = {
    "": 275646681,
    "a": 2731586172,
    "ab": 316155434,
    "abc": 479470107,
    "abcd": 2971317748,
    "x = 1\n": 694769457,
    "z = f(3)\nprint('z is', z)": 259384254,
    "é€😀": 4062148730,
    "def f(x):\n    y = x + 1\n    return y\n": 1135761517,
}


class DebugClient:
    """A client that debugs: it counts its requests, and keeps all events in their order."""

    def __init__(self, client: Client) -> None:
        """Listen to events, whatever their parent is."""
        self.client = client
        self.events: list[dict[str, Any]] = []
        self._seq = 0
        receive = client.client.receive

        def listen(channel, message):
            if message.msg_type == "debug_event":
                self.events.append(message.content)
            return receive(channel, message)

        client.client.receive = listen

    def send(self, command: str, arguments: dict[str, Any] | None = None) -> Any:
        """Send a debug request, and do not wait."""
        content = {"seq": self._seq, "type": "request", "command": command}
        self._seq += 1
        if arguments is not None:
            content["arguments"] = arguments
        return self.client.send("debug_request", content, channel="control")

    def ask(self, command: str, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a debug request; return the content of its reply."""
        return self.client.wait(self.send(command, arguments)).content

    def body(self, command: str, arguments: dict[str, Any] | None = None) -> Any:
        """Send a debug request, which must succeed; return the body of its reply."""
        reply = self.ask(command, arguments)
        assert reply["success"], reply
        return reply.get("body")

    def start(self) -> None:
        """Start the debugger as a front end does."""
        self.body("initialize", INITIALIZE)
        self.body("attach", {})

    def break_at(self, code: str, *lines: int) -> str:
        """Set the breakpoints of a cell; return the path of its source."""
        path = self.body("dumpCell", {"code": code})["sourcePath"]
        points = {"source": {"path": path}, "breakpoints": [{"line": line} for line in lines]}
        set_ = self.body("setBreakpoints", points)["breakpoints"]
        assert [point["line"] for point in set_ if point["verified"]] == list(lines)
        self.body("configurationDone", {})
        return path

    def run(self, code: str) -> Any:
        """Send a cell, and do not wait."""
        return self.client.send("execute_request", {"code": code})

    def stopped(self) -> int:
        """Wait until a thread has stopped; return its number."""
        self.client.until(lambda: "stopped" in self.names(), "stopped event")
        (event,) = [event for event in self.events if event["event"] == "stopped"]
        self.events.clear()
        return event["body"]["threadId"]

    def names(self) -> list[str]:
        """List the names of the events since the latest stop."""
        return [event["event"] for event in self.events]

    def frames(self, thread: int) -> list[dict[str, Any]]:
        """List the frames of a thread that has stopped."""
        return self.body("stackTrace", {"threadId": thread})["stackFrames"]


both = pytest.mark.parametrize("kernel", [ARGV, IPYTHON], ids=["python", "ipython"], indirect=True)


@pytest.fixture(scope="module")
def kernel(request, tmp_path_factory):
    """Run one kernel with a debugger for all tests of this module."""
    home = tmp_path_factory.mktemp("kernel")
    env = {"IPYTHONDIR": str(home)}
    with run_kernel(home, getattr(request, "param", ARGV), env) as run:
        yield run


@pytest.fixture
def debug(kernel) -> Iterator[DebugClient]:
    """Connect a client to it; the debugger is off before and after."""
    with kernel.connect() as client:
        debug = DebugClient(client)
        yield debug
        debug.ask("disconnect", {})


@pytest.fixture
def started(debug) -> DebugClient:
    """Start the debugger."""
    debug.start()
    return debug


# --- a session ---------------------------------------------------------------------------------


@both
def test_session(started):
    """A cell stops at its breakpoint, shows frames and variables, steps, and ends when it may."""
    path = started.break_at(CODE, 2)
    cell = started.run(CODE)
    thread = started.stopped()
    frames = started.frames(thread)
    assert [(f["name"], f["line"], f["source"]["path"]) for f in frames] == [
        ("double", 2, path),
        ("<module>", 4, path),
    ]
    here = frames[0]["id"]
    scopes = started.body("scopes", {"frameId": here})["scopes"]
    assert [scope["name"] for scope in scopes] == ["Locals", "Globals"]
    reference = {"variablesReference": scopes[0]["variablesReference"]}
    (x,) = started.body("variables", reference)["variables"]
    assert (x["name"], x["value"], x["type"]) == ("x", "4", "int")
    question = {"expression": "x + 1", "frameId": here, "context": "repl"}
    assert started.body("evaluate", question)["result"] == "5"
    rich = started.body("richInspectVariables", {"variableName": "x", "frameId": here})
    assert rich == {"data": {"text/plain": "4"}, "metadata": {}}

    started.body("next", {"threadId": thread})
    started.stopped()
    assert started.frames(thread)[0]["line"] == 3
    started.body("stepOut", {"threadId": thread})
    started.stopped()
    assert started.frames(thread)[0]["name"] == "<module>"
    started.body("continue", {"threadId": thread})
    assert started.client.wait(cell).content["status"] == "ok"
    assert started.client.execute("z").result == "8"


@both
def test_step_into_a_call(started):
    """The command stepIn goes into a function that the cell calls."""
    started.break_at(CODE, 4)
    cell = started.run(CODE)
    thread = started.stopped()
    started.body("stepIn", {"threadId": thread})
    started.stopped()
    assert (started.frames(thread)[0]["name"], started.frames(thread)[0]["line"]) == ("double", 2)
    started.body("continue", {"threadId": thread})
    assert started.client.wait(cell).content["status"] == "ok"


@both
@pytest.mark.parametrize("code", ["a = 1\nb = 2\nc = 3", "1\n2\n3", "import json\nb = 2\nc = 3"])
def test_step_over_statements(started, code):
    """The command next goes from one statement of a cell to the one below."""
    started.break_at(code, 1)
    cell = started.run(code)
    thread = started.stopped()
    for line in (1, 2, 3):
        assert [frame["line"] for frame in started.frames(thread)] == [line]
        started.body("next", {"threadId": thread})
        if line < 3:
            started.stopped()
    assert started.client.wait(cell).content["status"] == "ok"


@pytest.mark.parametrize("kernel", [IPYTHON], ids=["ipython"], indirect=True)
@pytest.mark.parametrize("inner", ["get_ipython().run_cell('1 / 0')", "%time 1"])
def test_stop_after_what_ipython_does(started, inner):
    """A cell that has another one run inside of it, or a magic, can be stopped afterwards."""
    code = f"{inner}\nlast = 1"
    started.break_at(code, 2)
    cell = started.run(code)
    thread = started.stopped()
    assert [frame["line"] for frame in started.frames(thread)] == [2]
    started.body("continue", {"threadId": thread})
    assert started.client.wait(cell).content["status"] == "ok"


@both
@pytest.mark.parametrize("step", ["next", "stepIn", "stepOut"])
@pytest.mark.parametrize("code", ["a = 1\nlast = 2", "a = 1\n[1, 2]", "import json\nlast = 3"])
def test_step_past_the_end(started, step, code):
    """A step from the last line ends the cell: it stops neither in the kernel nor in the next."""
    started.break_at(code, 2)
    cell = started.run(code)
    thread = started.stopped()
    started.body(step, {"threadId": thread})
    assert started.client.wait(cell).content["status"] == "ok"
    assert started.client.execute("'next'").result == "'next'"
    assert "stopped" not in started.names()


@both
def test_breakpoint_in_an_earlier_cell(debug):
    """A function whose cell ran before the debugger was started can have breakpoints."""
    earlier = "def early(x):\n    return -x\n"
    debug.client.execute(earlier)
    debug.start()
    path = debug.break_at(earlier, 2)
    cell = debug.run("early(3)")
    frames = debug.frames(debug.stopped())
    assert (frames[0]["source"]["path"], frames[0]["line"]) == (path, 2)
    debug.body("continue", {"threadId": 1})
    assert debug.client.wait(cell).result == "-3"


def test_cells_of_one_number(started):
    """Each subshell counts its cells for itself; a breakpoint belongs to one cell all the same."""
    content = started.client.request("create_subshell_request", channel="control").content
    count = started.client.execute("def first():\n    return 1").content["execution_count"]
    path = started.break_at("def first():\n    return 1", 2)
    for _ in range(count):
        started.client.execute("def second():\n    return 2", **content)
    cell = started.run("first() + second()")
    frames = started.frames(started.stopped())
    assert (frames[0]["source"]["path"], frames[0]["line"]) == (path, 2)
    started.body("continue", {"threadId": 1})
    assert started.client.wait(cell).result == "3"
    started.client.request("delete_subshell_request", content, channel="control")


@both
def test_equal_statements(started):
    """A breakpoint belongs to its cell, though an earlier cell, or session, had equal code."""
    earlier, later = (
        "def same():\n    return 1\nsame(); 'a'",
        "def same():\n    return 1\nsame(); 'b'",
    )
    for _ in range(2):
        started.break_at(later, 2)
        assert started.client.execute(earlier).result == "'a'"
        cell = started.run(later)
        frames = started.frames(started.stopped())
        assert (
            frames[0]["source"]["path"] == started.body("dumpCell", {"code": later})["sourcePath"]
        )
        started.body("continue", {"threadId": 1})
        assert started.client.wait(cell).result == "'b'"
        started.body("disconnect", {})
        started.start()
    assert started.client.execute(later).result == "'b'"
    assert "stopped" not in started.names()


@pytest.mark.parametrize(
    ("kernel", "place"),
    [(ARGV, 'File "<cell {}>", line 2, in fail'), (IPYTHON, "Cell In[{}], line 2")],
    ids=["python", "ipython"],
    indirect=["kernel"],
)
def test_tracebacks_name_cells(started, place):
    """While there is a debugger, a traceback shows cells as it always does."""
    cell = started.client.execute("def fail():\n    return 1 / 0\nfail()")
    text = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(cell.content["traceback"]))
    assert place.format(cell.content["execution_count"]) in text
    assert "return 1 / 0" in text


@both
def test_breakpoint_in_a_subshell(started):
    """Code in a subshell stops, too, while the main shell goes on."""
    content = started.client.request("create_subshell_request", channel="control").content
    subshell = content["subshell_id"]
    code = "beside = 1\nbeside += 1\n"
    started.break_at(code, 2)
    cell = started.client.send("execute_request", {"code": code}, subshell_id=subshell)
    thread = started.stopped()
    assert started.frames(thread)[0]["line"] == 2
    started.body("continue", {"threadId": thread})
    assert started.client.wait(cell).content["status"] == "ok"
    started.client.request("delete_subshell_request", {"subshell_id": subshell}, channel="control")


@both
def test_pause(started):
    """The command pause stops a loop that has no breakpoint."""
    cell = started.run("print('on')\ngoing = True\nwhile going:\n    pass")
    started.client.until(lambda: cell.text, "output")
    started.body("pause", {"threadId": 1})
    here = started.frames(started.stopped())[0]["id"]
    stop = {"expression": "globals().update(going=False)", "frameId": here, "context": "repl"}
    started.body("evaluate", stop)
    started.body("continue", {"threadId": 1})
    assert started.client.wait(cell).content["status"] == "ok"


# --- exceptions --------------------------------------------------------------------------------

HANDLED = "try:\n    1 / 0\nexcept ZeroDivisionError:\n    pass\n"


@both
@pytest.mark.parametrize(
    ("wanted", "code", "line"),
    [
        ("raised", HANDLED, 2),
        ("raised", "a = 1\n1 / 0", 2),
        ("uncaught", "a = 1\n1 / 0", 2),
        ("uncaught", "def f():\n    raise ValueError\nf()", 2),
    ],
)
def test_stop_at_an_exception(started, wanted, code, line):
    """Where the front end wants it, code stops at its exceptions: at all, or at uncaught ones."""
    started.body("setExceptionBreakpoints", {"filters": [wanted]})
    cell = started.run(code)
    frames = started.frames(started.stopped())
    assert frames[0]["line"] == line
    started.body("setExceptionBreakpoints", {"filters": []})
    started.body("continue", {"threadId": 1})
    assert started.client.wait(cell).content["status"] == ("ok" if code is HANDLED else "error")


@both
@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ("uncaught", HANDLED),
        ("raised", "a = 1"),
        ("raised", "import os\nos.getcwd()"),
        ("raised", "a b"),
        ("", "1/0"),
    ],
)
def test_no_stop_at_other_exceptions(started, wanted, code):
    """A handled exception is not uncaught, and what the kernel handles itself is not seen."""
    started.body("setExceptionBreakpoints", {"filters": [wanted] if wanted else []})
    started.client.execute(code)
    question = {"code": "os.getc", "cursor_pos": 7}
    assert started.client.request("complete_request", question).content["status"] == "ok"
    assert "stopped" not in started.names()


# --- variables ---------------------------------------------------------------------------------


@both
def test_variables_when_nothing_has_stopped(debug):
    """The command inspectVariables lists the user's variables and nothing of the kernel's."""
    debug.client.execute("nested = {'a': [1, 2], 'b': 3}\ndisplay = 5")
    found = {v["name"]: v for v in debug.body("inspectVariables", {})["variables"]}
    assert found["nested"]["value"] == "{'a': [1, 2], 'b': 3}"
    assert found["display"]["value"] == "5"  # the user's, now
    assert not found.keys() & {"exit", "clear_output", "__builtins__", "_"}
    inside = {"variablesReference": found["nested"]["variablesReference"]}
    children = debug.body("variables", inside)["variables"]
    assert [(child["name"], child["value"]) for child in children] == [
        ("'a'", "[1, 2]"),
        ("'b'", "3"),
    ]
    deeper = {"variablesReference": children[0]["variablesReference"]}
    assert [v["value"] for v in debug.body("variables", deeper)["variables"]] == ["1", "2"]
    debug.client.execute("del display, nested")


@both
def test_rich_variables(debug):
    """The command richInspectVariables gives every form a value has, or says what is wrong."""
    debug.client.execute(
        "class Rich:\n    def _repr_html_(self): return '<b>me</b>'\nrich = Rich()"
    )
    body = debug.body("richInspectVariables", {"variableName": "rich"})
    assert body["data"]["text/html"] == "<b>me</b>"
    for name, text in (("absent", "absent is not defined"), ("a b", "expected the name")):
        reply = debug.ask("richInspectVariables", {"variableName": name})
        assert not reply["success"]
        assert text in reply["message"]
    group = debug.body("richInspectVariables", {"variableName": "special variables"})
    assert group == {"data": {}, "metadata": {}}


def test_copy_to_globals(started):
    """A local variable is copied to where the next cell sees it, the very object."""
    code = "def hold():\n    inner = [1]\n    return inner\nouter = hold()"
    started.break_at(code, 3)
    cell = started.run(code)
    here = started.frames(started.stopped())[0]["id"]
    names = {"srcVariableName": "inner", "dstVariableName": "copied", "srcFrameId": here}
    assert started.body("copyToGlobals", names)["value"] == "[1]"
    for bad in ({"dstVariableName": "no name"}, {"srcVariableName": "absent"}):
        assert not started.ask("copyToGlobals", names | bad)["success"]
    started.body("continue", {"threadId": 1})
    started.client.wait(cell)
    assert started.client.execute("copied is outer").result == "True"


@both
def test_global_scope_hides_the_kernel(started):
    """What the kernel itself put into the namespace is in no scope; a local of that name is."""
    code = "def f(exit):\n    return exit\nf(1)"
    started.break_at(code, 2)
    cell = started.run(code)
    frames = started.frames(started.stopped())
    local, globals_ = started.body("scopes", {"frameId": frames[0]["id"]})["scopes"]
    listed = [
        [v["name"] for v in started.body("variables", {"variablesReference": ref})["variables"]]
        for ref in (local["variablesReference"], globals_["variablesReference"])
    ]
    assert listed[0] == ["exit"]
    assert "exit" not in listed[1]
    started.body("continue", {"threadId": 1})
    started.client.wait(cell)


# --- sources and state -------------------------------------------------------------------------


def test_debug_info(debug):
    """The command debugInfo tells how files are named, and in which state the debugger is."""
    before = debug.body("debugInfo")
    assert (before["isStarted"], before["breakpoints"], before["stoppedThreads"]) == (False, [], [])
    assert (before["hashMethod"], before["hashSeed"]) == ("Murmur2", str(HASH_SEED))
    assert before["richRendering"]
    assert before["copyToGlobals"]
    debug.start()
    path = debug.break_at(CODE, 2, 5)
    prefix, suffix = before["tmpFilePrefix"], before["tmpFileSuffix"]
    assert path == f"{prefix}{murmur2(CODE.encode(), HASH_SEED)}{suffix}"
    assert Path(path).read_text("utf-8") == CODE
    cell = debug.run(CODE)
    thread = debug.stopped()
    info = debug.body("debugInfo")
    assert (info["isStarted"], info["stoppedThreads"]) == (True, [thread])
    assert info["breakpoints"] == [{"source": path, "breakpoints": [{"line": 2}, {"line": 5}]}]
    debug.break_at(CODE)
    debug.body("continue", {"threadId": thread})
    debug.client.wait(cell)
    info = debug.body("debugInfo")
    assert (info["breakpoints"], info["stoppedThreads"]) == ([], [])


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_files_are_the_users_alone(debug):
    """No other user of the machine can read the cells, or put a link in their place."""
    folder = Path(debug.body("debugInfo")["tmpFilePrefix"])
    assert folder.stat().st_mode & 0o777 == 0o700


def test_source(debug):
    """The command source gives the code of a library, and of a cell that was never dumped."""
    debug.client.execute("undumped = 1")
    info = debug.body("debugInfo")
    path = f"{info['tmpFilePrefix']}{murmur2(b'undumped = 1', HASH_SEED)}.py"
    assert debug.body("source", {"source": {"path": path}}) == {"content": "undumped = 1"}
    assert debug.body("source", {"source": {"path": json.__file__}})["content"].startswith('r"""')
    reply = debug.ask("source", {"source": {"path": "/no/such\0file"}})
    assert not reply["success"]
    assert "expected the path" in reply["message"]


def test_modules(debug):
    """The command modules lists what was imported and has a source, all or a part."""
    debug.client.execute("import json")
    body = debug.body("modules", {})
    assert {"json", "refimpl.kernel"} <= {module["name"] for module in body["modules"]}
    assert body["totalModules"] == len(body["modules"])
    part = debug.body("modules", {"startModule": 2, "moduleCount": 3})["modules"]
    assert part == body["modules"][2:5]


def test_events_have_their_request_as_parent(kernel, debug):
    """An event is published as of the latest debug request, and numbered with the replies."""
    parents = []
    receive = debug.client.client.receive

    def listen(channel, message):
        if message.msg_type == "debug_event":
            parents.append(message.parent_header["msg_id"])
        return receive(channel, message)

    debug.client.client.receive = listen
    debug.body("initialize", INITIALIZE)
    attach = debug.send("attach", {})
    debug.client.wait(attach)
    debug.client.until(lambda: "initialized" in debug.names(), "initialized event")
    assert set(parents) == {attach.request.msg_id}
    numbers = [attach.content["seq"], *(event["seq"] for event in debug.events)]
    assert len(set(numbers)) == len(numbers)


# --- control goes on ---------------------------------------------------------------------------


@both
def test_nothing_of_ours_is_a_thread(started):
    """The debugger lists the main thread, and none that the kernel needs to go on."""
    started.client.execute("print('long' * 100_000)")  # zmq has a thread for what is not copied
    names = [thread["name"] for thread in started.body("threads", {})["threads"]]
    assert names == ["MainThread"]


def test_control_answers_while_stopped(started):
    """A kernel that has stopped at a breakpoint is alive, and says so on control and heartbeat."""
    started.break_at(CODE, 2)
    cell = started.run(CODE)
    started.stopped()
    info = started.client.request("kernel_info_request", channel="control").content
    assert "debugger" in info["supported_features"]
    assert started.client.is_alive(TIMEOUT)
    assert not cell.is_complete
    started.body("continue", {"threadId": 1})
    started.client.wait(cell)


@both
def test_interrupt_while_stopped(started):
    """An interrupt ends a cell that has stopped, where it stands; the debugger goes on."""
    started.break_at(CODE, 2, 5)
    for _ in range(2):
        cell = started.run("reached = False\n" + CODE.replace("last = 1", "reached = True"))
        started.client.wait(cell)
        cell = started.run(CODE)
        started.stopped()
        started.client.interrupt()
        content = started.client.wait(cell).content
        assert content["ename"] == "KeyboardInterrupt"
        assert not [line for line in content["traceback"] if "pydevd" in line]
        started.client.until(lambda: "continued" in started.names(), "continued event")
        started.events.clear()
        assert started.body("debugInfo")["stoppedThreads"] == []


def test_terminate_ends_the_cell(started):
    """The command terminate ends the code that is debugged, not the kernel."""
    started.break_at(CODE, 2)
    cell = started.run(CODE)
    started.stopped()
    started.body("terminate", {})
    assert started.client.wait(cell).content["ename"] == "KeyboardInterrupt"
    assert started.client.execute("1").result == "1"


@both
def test_evaluation_without_end(started):
    """An expression that never ends keeps no other request from control, and can be interrupted."""
    started.break_at(CODE, 2)
    cell = started.run(CODE)
    here = started.frames(started.stopped())[0]["id"]
    question = {"expression": "[0 for _ in iter(int, 1)]", "frameId": here, "context": "repl"}
    endless = started.send("evaluate", question)
    info = started.client.request("kernel_info_request", channel="control")
    assert info.content["status"] == "ok"
    assert not endless.is_complete
    started.client.interrupt()
    assert not started.client.wait(endless).content["success"]
    assert started.frames(1)[0]["line"] == 2  # only the evaluation has ended
    started.body("continue", {"threadId": 1})
    assert started.client.wait(cell).content["status"] == "ok"


@both
def test_disconnect_while_stopped(debug):
    """The command disconnect lets the code run on, even if told to end it, and traces no more."""
    look = "import sys, threading\ngetattr(sys, 'monitoring', None) and sys.monitoring.get_tool(0)"
    for _ in range(2):  # the debugger can be started again
        debug.start()
        debug.break_at(CODE, 2)
        cell = debug.run(CODE)
        debug.stopped()
        debug.body("disconnect", {"terminateDebuggee": True})
        assert debug.client.wait(cell).content["status"] == "ok"
        assert debug.client.execute("import sys\nsys.gettrace()").result is None
        assert debug.client.execute(look).result is None
        assert debug.client.execute(CODE).content["status"] == "ok"


def test_shutdown_while_stopped(launch):
    """A stopped kernel ends when it is told to, and leaves no files."""
    kernel = launch(argv=ARGV)
    with kernel.connect() as client:
        debug = DebugClient(client)
        debug.start()
        folder = Path(debug.body("debugInfo")["tmpFilePrefix"])
        debug.break_at(CODE, 2)
        cell = debug.run(CODE)
        debug.stopped()
        assert folder.is_dir()
        reply = client.request("shutdown_request", {"restart": True}, channel="control")
        assert reply.content["status"] == "ok"
        assert kernel.wait() == 0
        assert not folder.exists()
        assert not cell.is_complete or cell.content["status"] in ("ok", "error")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork")
def test_forked_child_does_not_stop(started):
    """A breakpoint that a forked child comes to does not hold it: no debugger is there."""
    code = "import os\npid = os.fork()\nif not pid:\n    os._exit(7)\nos.waitpid(pid, 0)[1] >> 8"
    started.break_at(code, 4)
    assert started.client.execute(code).result == "7"


# --- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "arguments", "message"),
    [
        ("fly", {}, "unknown command 'fly'"),
        ("dumpCell", {}, "dumpCell: arguments.code: expected str, got nothing"),
        ("dumpCell", {"code": 5}, "dumpCell: arguments.code: expected str, got int"),
        ("setBreakpoints", {}, "setBreakpoints: arguments.source: expected dict, got nothing"),
        ("setBreakpoints", {"source": {}}, "arguments.source.path: expected str, got nothing"),
        (
            "setBreakpoints",
            {"source": {"path": "a.py"}, "breakpoints": [3]},
            "setBreakpoints: arguments.breakpoints[0]: expected dict, got int",
        ),
        (
            "setBreakpoints",
            {"source": {"path": "a.py"}, "breakpoints": [{"line": "x"}]},
            "setBreakpoints: arguments.breakpoints[0].line: expected int, got str",
        ),
        ("setExceptionBreakpoints", {"filters": 5}, "filters: expected list, got int"),
        ("variables", {}, "variables: arguments.variablesReference: expected int, got nothing"),
        ("variables", {"variablesReference": 12345}, "12345"),
        ("scopes", {}, "frameId"),
        ("stackTrace", {"threadId": "x"}, "x"),
        ("evaluate", {"expression": "1 +"}, ""),
        ("continue", {}, "threadId"),
        ("setVariable", {}, "name"),
        ("pause", {"threadId": 99}, "99"),
        ("copyToGlobals", {"srcVariableName": "x"}, "dstVariableName: expected str, got nothing"),
        ("modules", {"startModule": "x"}, "modules: arguments.startModule: expected int, got str"),
    ],
)
def test_bad_requests(started, command, arguments, message):
    """A request that cannot be answered is refused with the reason, and the debugger goes on."""
    reply = started.ask(command, arguments)
    assert (reply["success"], reply["command"]) == (False, command)
    assert message in reply["message"]
    assert started.body("threads", {})["threads"]


@pytest.mark.parametrize("command", ["attach", "setBreakpoints", "stackTrace", "disconnect"])
def test_before_initialize(debug, command):
    """What needs a debugger is refused before there is one."""
    reply = debug.ask(command, {"source": {"path": "a.py"}, "breakpoints": []})
    assert not reply["success"]
    assert reply["message"] == f"{command}: the debugger has not been started: initialize it first"


def test_reply_has_the_number_of_its_request(debug):
    """request_seq is the client's own number: several front ends may count alike."""
    content = {"seq": 0, "type": "request", "command": "debugInfo", "arguments": {}}
    for _ in range(2):
        reply = debug.client.request("debug_request", content, channel="control").content
        assert (reply["type"], reply["request_seq"]) == ("response", 0)


def test_debugger_that_dies(started):
    """When debugpy ends by itself, front ends hear it, and can start it again."""
    started.client.execute("import pydevd\npydevd.stoptrace()")
    started.client.until(lambda: "terminated" in started.names(), "terminated event")
    assert not started.body("debugInfo")["isStarted"]
    started.start()
    started.break_at(CODE, 2)
    cell = started.run(CODE)
    started.stopped()
    started.body("continue", {"threadId": 1})
    assert started.client.wait(cell).content["status"] == "ok"


@pytest.mark.parametrize("argv", [ARGV, IPYTHON], ids=["python", "ipython"])
def test_starts_in_silence(launch, argv):
    """What debugpy has to say about how Python was started reaches neither user nor log."""
    kernel = launch(argv=argv)
    with kernel.connect() as client:
        debug = DebugClient(client)
        asked = client.wait(debug.send("initialize", INITIALIZE))
        assert asked.content["success"]
        assert {message.msg_type for message in asked.outputs} <= {"debug_event"}
        code = "import os\n[name for name in os.environ if 'VALIDATION' in name]"
        assert client.execute(code).result == "[]"
        assert kernel.log() == []


def test_without_debugpy(launch):
    """Without debugpy the feature is not named, and debug requests are not answered."""
    hide = "import sys; sys.modules['debugpy'] = None; import refimpl.__main__ as m; m.main()"
    argv = [sys.executable, "-c", hide, "kernel", "python", "-f", "{connection_file}"]
    with launch(argv=argv).connect() as client:
        info = client.request("kernel_info_request").content
        assert info["supported_features"] == ["kernel subshells"]


def test_no_cost_when_not_asked_for(kernel, launch):
    """Nothing of debugpy is imported, and nothing is traced, before the debugger is started."""
    with launch(argv=ARGV).connect() as client:
        DebugClient(client).body("debugInfo")
        loaded = (
            "import sys\n"
            "[name for name in sys.modules if name.startswith(('debugpy', 'pydev', '_pydev'))]"
        )
        assert client.execute(loaded).result == "[]"
        assert client.execute("sys.gettrace()").result is None


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_port_is_open(started):
    """The debugger listens nowhere: the only sockets that listen are the kernel's five."""
    listening = (
        "import psutil\n"
        "len([c for c in psutil.Process().net_connections() if c.status == 'LISTEN'])"
    )
    assert started.client.execute(listening).result == "5"
    assert started.client.execute("psutil.Process().children(recursive=True)").result == "[]"


# --- as ipykernel does it ----------------------------------------------------------------------


def free_ports() -> dict[str, int]:
    """Choose ports: ipykernel writes those it chooses into its file while others read it."""
    names = [f"{channel.name}_port" for channel in CHANNELS]
    with contextlib.ExitStack() as stack:
        open_ = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in names]
        return {name: each.getsockname()[1] for name, each in zip(names, open_, strict=True)}


def play(argv: list[str], folder: Path, **ports: int) -> list[str]:
    """Debug a cell; return what happened, in the order in which it must be the same everywhere."""
    seen: list[str] = []
    with run_kernel(folder, argv, **ports) as kernel, kernel.connect() as client:
        debug = DebugClient(client)
        names = lambda: [n for n in debug.names() if n in ("initialized", "stopped", "continued")]  # noqa: E731

        def did(command: str, arguments: dict[str, Any]) -> Any:
            reply = debug.ask(command, arguments)
            seen.append(f"{command}: {reply['success']}, body: {sorted(reply.get('body') or ())}")
            return reply.get("body")

        last = 0
        did("debugInfo", {})
        debug.ask("initialize", INITIALIZE)
        did("attach", {})
        path = did("dumpCell", {"code": CODE})["sourcePath"]
        did("setBreakpoints", {"source": {"path": path}, "breakpoints": [{"line": 2}]})
        did("configurationDone", {})
        seen.append(str(names()))
        debug.events.clear()
        cell = debug.run(CODE)
        thread = debug.stopped()
        for frame in did("stackTrace", {"threadId": thread})["stackFrames"]:
            seen.append(f"{frame['name']}, line {frame['line']}, {frame['source']['path'] == path}")
            last = frame["id"] if frame["name"] == "double" else last
        did("scopes", {"frameId": last})
        did("inspectVariables", {})
        did("richInspectVariables", {"variableName": "x", "frameId": last})
        did("evaluate", {"expression": "x", "frameId": last, "context": "repl"})
        did("next", {"threadId": thread})
        debug.client.until(lambda: names() == ["continued", "stopped"], "step")
        debug.events.clear()
        did("continue", {"threadId": thread})
        seen.append(client.wait(cell).content["status"])
        debug.client.until(lambda: names() == ["continued"], "continued event")
        did("disconnect", {})
    return seen


def test_same_as_ipykernel(tmp_path):
    """A session in which a cell is debugged goes as it does with ipykernel."""
    ours = play(ARGV, tmp_path / "ours")
    theirs = play(IPYKERNEL, tmp_path / "theirs", **free_ports())
    assert ours == theirs


# --- without a process -------------------------------------------------------------------------


@pytest.mark.parametrize("text", HASHES)
def test_murmur2(text):
    """Our hash is the one that JupyterLab computes."""
    assert murmur2(text.encode(), HASH_SEED) == HASHES[text]


def test_framing():
    """Messages come out of a stream whole, however it was cut."""
    messages = [{"seq": n, "text": "é" * n} for n in range(4)]
    stream = b"".join(map(encode, messages))
    for size in (1, 3, 20, len(stream)):
        decoder, found = Decoder(), []
        for start in range(0, len(stream), size):
            found += decoder.feed(stream[start : start + size])
        assert found == messages
    with pytest.raises(ValueError, match="expected Content-Length, got b'Nonsense'"):
        list(Decoder().feed(b"Nonsense\r\n\r\n"))


class Broken:
    """An object that describes itself badly."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "text", "has_more"),
    [
        (5, "5", False),
        ("a" * 5000, None, False),
        ([], "[]", False),
        ({1: 2}, "{1: 2}", True),
        (Broken(), "<Broken: its repr() raised RuntimeError>", False),
        (json, repr(json), False),
        (list(range(100_000)), None, True),
    ],
)
def test_variables(value, text, has_more):
    """A variable is described in little space, whatever it is."""
    variable = Variables().describe("v", value)
    assert variable["value"] == text or len(variable["value"]) < 2000
    assert bool(variable["variablesReference"]) == has_more


def test_many_children():
    """Of a large value a part is listed, and as much as asked for."""
    variables = Variables()
    reference = variables.describe("v", list(range(5000)))["variablesReference"]
    assert len(variables.inside(reference)) == 1000
    assert [v["name"] for v in variables.inside(reference, 4998, 10)] == ["4998", "4999"]


class NoLink:
    """A debugger that does not start."""

    internal: list[str] = []

    async def start(self, on_event):
        """Fail."""
        raise DebugError("debugpy does not start: ImportError: no debugpy")

    def stop(self):
        """Do nothing."""


def test_debugger_that_does_not_start():
    """A debugger that cannot be started is a response that says why."""
    debugger = Debugger(NoLink(), {}, {}, {}, repr, lambda *_: None, lambda: None)
    asked = {"seq": 7, "type": "request", "command": "initialize", "arguments": INITIALIZE}
    reply = asyncio.run(debugger.answer(asked))
    assert (reply["success"], reply["request_seq"]) == (False, 7)
    assert reply["message"] == "debugpy does not start: ImportError: no debugpy"


def test_stranger_on_the_port():
    """Who connects in debugpy's place and does not know the token is sent away."""
    ours, theirs = socket.socketpair()
    answer = {"type": "response", "command": "pydevdAuthorize", "body": {"clientAccessToken": "x"}}
    threading.Thread(target=theirs.sendall, args=(encode(answer),)).start()
    assert not run_debugpy.knows(ours, "token")
    ours.close()
    theirs.close()
