"""Programs that know nothing of this kernel use it: clients, console, nbclient, nbconvert."""

import asyncio
import contextlib
import json
import os
import queue
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
import zmq
from jupyter_client import (
    AsyncKernelManager,
    BlockingKernelClient,
    KernelManager,
)
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

TIMEOUT = 20.0
PROMPTLY = 2.0  # seconds in which a kernel has to end
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals and terminals")

pytestmark = pytest.mark.usefixtures("jupyter")


@contextlib.contextmanager
def started(name: str = "refimpl-python") -> Iterator[KernelManager]:
    """Start a kernel by name, as front ends do; end it if it still runs."""
    manager = KernelManager(kernel_name=name)
    manager.start_kernel()
    try:
        yield manager
    finally:
        manager.shutdown_kernel(now=True)


@contextlib.contextmanager
def connected(manager: KernelManager) -> Iterator[BlockingKernelClient]:
    """Connect a blocking client with a session of its own, and wait until it is ready."""
    client = BlockingKernelClient()
    client.load_connection_file(manager.connection_file)
    client.start_channels()
    try:
        client.wait_for_ready(timeout=TIMEOUT)
        yield client
    finally:
        client.stop_channels()


@pytest.fixture(scope="module")
def manager(jupyter) -> Iterator[KernelManager]:
    """Run one kernel for the tests that do not end it."""
    with started() as manager:
        yield manager


@pytest.fixture
def blocking(manager) -> Iterator[BlockingKernelClient]:
    """Connect a blocking client to the module's kernel."""
    with connected(manager) as client:
        yield client


def run(client: BlockingKernelClient, code: str, **options: Any) -> tuple[dict, list[dict]]:
    """Run a cell; return the reply's content and the messages published for it."""
    published: list[dict] = []
    options = {"output_hook": published.append, "allow_stdin": False, **options}
    reply = client.execute_interactive(code, timeout=TIMEOUT, **options)
    return reply["content"], published


def result(published: list[dict]) -> str | None:
    """Find the plain text of a cell's value."""
    found = [m["content"]["data"]["text/plain"] for m in published if "data" in m["content"]]
    return found[-1] if found else None


def text(published: list[dict]) -> str:
    """Join what was printed."""
    return "".join(m["content"]["text"] for m in published if m["msg_type"] == "stream")


# --- jupyter_client, blocking ------------------------------------------------------------------


def test_outputs_reach_the_hook_in_order(blocking):
    """execute_interactive hands every output to its hook, between busy and idle."""
    content, published = run(blocking, "print('a'); display(1); 2")
    assert content["status"] == "ok"
    kinds = ["status", "execute_input", "stream", "display_data", "execute_result", "status"]
    assert [m["msg_type"] for m in published] == kinds
    assert text(published) == "a\n"
    assert result(published) == "2"


def test_error_is_reported(blocking):
    """An error comes in the reply and on iopub, with name, value and traceback."""
    content, published = run(blocking, "1 / 0")
    (error,) = (m["content"] for m in published if m["msg_type"] == "error")
    assert content["status"] == "error"
    for name in ("ename", "evalue", "traceback"):
        assert content[name] == error[name]


@pytest.mark.parametrize(
    ("code", "prompt", "password"),
    [
        ("input('name? ')", "name? ", False),
        ("import getpass; getpass.getpass('secret: ')", "secret: ", True),
        ("from getpass import getpass; getpass()", "Password: ", True),
        ("import asyncio; await asyncio.to_thread(input)", "", False),
    ],
    ids=["input", "getpass", "getpass imported", "thread"],
)
def test_input_is_asked_for(blocking, code, prompt, password):
    """Input and getpass ask the front end, with the prompt, and return what the user typed."""
    asked = []

    def answer(request: dict) -> None:
        asked.append(request["content"])
        blocking.input("Ada ✓")

    _, published = run(blocking, code, allow_stdin=True, stdin_hook=answer)
    assert asked == [{"prompt": prompt, "password": password}]
    assert result(published) == "'Ada ✓'"


@pytest.mark.parametrize("parent", ["nothing", "question", "cell"])
def test_answer_may_name_any_parent(blocking, parent):
    """An answer counts, whatever parent the front end gives it: no two agree on one."""

    def answer(request: dict) -> None:
        cell = {"header": request["parent_header"]}
        parents = {"nothing": None, "question": request, "cell": cell}
        reply = blocking.session.msg("input_reply", {"value": "Ada"}, parent=parents[parent])
        blocking.stdin_channel.send(reply)

    _, published = run(blocking, "input()", allow_stdin=True, stdin_hook=answer)
    assert result(published) == "'Ada'"


def test_input_without_permission_is_an_error(blocking):
    """Input raises at once when the front end said that it cannot be asked."""
    content, _ = run(blocking, "input()")
    assert content["ename"] == "StdinNotImplementedError"


def test_other_requests_are_answered(blocking):
    """complete, inspect, history, comm_info and kernel_info have their replies."""
    run(blocking, "a_name_to_find = 1")
    ask = {"reply": True, "timeout": TIMEOUT}
    assert blocking.complete("a_name_to", **ask)["content"]["matches"] == ["a_name_to_find"]
    assert blocking.inspect("a_name_to_find", **ask)["content"]["found"]
    history = blocking.history(hist_access_type="tail", n=1, **ask)["content"]["history"]
    assert [entry[2] for entry in history] == ["a_name_to_find = 1"]
    assert blocking.comm_info(**ask)["content"] == {"status": "ok", "comms": {}}
    assert blocking.kernel_info(**ask)["content"]["implementation"] == "refimpl-python"


def test_heart_beats(blocking):
    """The client's own heartbeat thread finds the kernel alive."""
    blocking.hb_channel.unpause()
    assert blocking.hb_channel.is_beating()
    assert blocking.is_alive()


@pytest.mark.parametrize("name", ["refimpl-python", "refimpl-python-installed"])
def test_jupyter_run(jupyter, tmp_path, name):
    """`jupyter run` passes its own arguments on to the kernel, which takes no notice."""
    folder = jupyter / "data" / "kernels" / "refimpl-python-installed"
    folder.mkdir(exist_ok=True)
    spec = json.loads((folder.with_name("refimpl-python") / "kernel.json").read_text("utf-8"))
    spec["argv"][1:] = ["-m", "refimpl", "kernel", "python", "-f", "{connection_file}"]
    (folder / "kernel.json").write_text(json.dumps(spec), "utf-8")
    file = tmp_path / "program.py"
    file.write_text("print(6 * 7)", "utf-8")
    argv = [sys.executable, "-m", "jupyter_client.runapp", "--kernel", name, str(file)]
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "42\n"), done.stderr


# --- interrupt, restart, shutdown --------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [pytest.param("refimpl-python", marks=posix), "refimpl-python-message"]
)
@pytest.mark.parametrize("wait", ["while True: pass", "import time; time.sleep(100)"])
def test_interrupt(name, wait):
    """interrupt_kernel stops a cell, by signal or by message as the kernel spec says."""
    with started(name) as manager, connected(manager) as client:
        published: list[dict] = []

        def on_output(message: dict) -> None:
            published.append(message)
            if message["msg_type"] == "stream":
                manager.interrupt_kernel()

        content, _ = run(client, f"print('in')\n{wait}", output_hook=on_output)
        assert content["ename"] == "KeyboardInterrupt"
        assert result(run(client, "1 + 1")[1]) == "2"


@pytest.mark.rule("R-CTRL-4")
def test_restart():
    """restart_kernel ends the process with status 0 and starts another that works."""
    with started() as manager, connected(manager) as client:
        for _ in range(2):
            run(client, "kept = 1")
            process = manager.provisioner.process
            began = time.monotonic()
            manager.restart_kernel()
            assert time.monotonic() - began < PROMPTLY
            assert process.returncode == 0
            client.wait_for_ready(timeout=TIMEOUT)
            assert result(run(client, "'kept' in globals()")[1]) == "False"


@pytest.mark.parametrize("restart", [True, False])
@pytest.mark.parametrize("code", ["0", "while True: pass"], ids=["idle", "busy"])
def test_shutdown(restart, code):
    """shutdown_kernel ends an idle or a busy kernel in time, and its exit status is 0."""
    with started() as manager, connected(manager) as client:
        client.execute(f"print('in')\n{code}")
        while client.get_iopub_msg(timeout=TIMEOUT)["msg_type"] != "stream":
            pass
        process = manager.provisioner.process
        began = time.monotonic()
        manager.shutdown_kernel(restart=restart)
        assert time.monotonic() - began < PROMPTLY
        assert process.returncode == 0


@pytest.mark.parametrize("restart", [True, False])
@pytest.mark.rule("R-CTRL-3", "R-CTRL-4")
def test_shutdown_reply_says_what_was_asked(restart):
    """The shutdown reply repeats whether a restart was asked for, on control and on iopub."""
    with started() as manager, connected(manager) as client:
        process = manager.provisioner.process
        reply = client.shutdown(restart=restart, reply=True, timeout=TIMEOUT)
        assert reply["content"] == {"status": "ok", "restart": restart}
        while (message := client.get_iopub_msg(timeout=TIMEOUT))["msg_type"] != "shutdown_reply":
            pass
        assert message["content"] == reply["content"]
        assert process.wait(PROMPTLY) == 0


# --- jupyter_client, asynchronous --------------------------------------------------------------


def test_async_client():
    """The asynchronous client executes, answers questions, interrupts and shuts down."""

    async def talk() -> None:
        manager = AsyncKernelManager(kernel_name="refimpl-python")
        await manager.start_kernel()
        client = manager.client()
        client.start_channels()
        try:
            await client.wait_for_ready(timeout=TIMEOUT)
            published: list[dict] = []

            async def answer(request: dict) -> None:
                client.input(request["content"]["prompt"] + "Ada")

            reply = await client.execute_interactive(
                "print('hello'); input('I am ')",
                allow_stdin=True,
                stdin_hook=answer,
                output_hook=published.append,
                timeout=TIMEOUT,
            )
            assert reply["content"]["status"] == "ok"
            assert text(published) == "hello\n"
            assert result(published) == "'I am Ada'"

            client.execute("import asyncio; print('in'); await asyncio.sleep(100)")
            while (await client.get_iopub_msg(timeout=TIMEOUT))["msg_type"] != "stream":
                pass
            await manager.interrupt_kernel()
            reply = await client.get_shell_msg(timeout=TIMEOUT)
            assert reply["content"]["ename"] == "KeyboardInterrupt"
        finally:
            client.stop_channels()
            process = manager.provisioner.process
            await manager.shutdown_kernel()
        assert process.returncode == 0

    asyncio.run(talk())


# --- two at once -------------------------------------------------------------------------------


def outputs_of(client: BlockingKernelClient, msg_id: str) -> list[dict]:
    """Read iopub until the request is done; return what was published for it."""
    published = []
    while True:
        message = client.get_iopub_msg(timeout=TIMEOUT)
        if message["parent_header"].get("msg_id") == msg_id:
            published.append(message)
            if message["content"].get("execution_state") == "idle":
                return published


@pytest.mark.rule("R-REQ-10")
def test_two_clients_share_the_kernel(manager):
    """Two clients share variables; each sees the other's outputs, and only its own replies."""
    with connected(manager) as ada, connected(manager) as bob:
        asked = ada.execute("shared = 'by Ada'; print('hello'); shared")
        for client in (ada, bob):
            published = outputs_of(client, asked)
            assert text(published) == "hello\n"
            assert result(published) == "'by Ada'"
            assert {m["parent_header"]["session"] for m in published} == {ada.session.session}
            (told,) = (m["content"] for m in published if m["msg_type"] == "execute_input")
            assert told["code"] == "shared = 'by Ada'; print('hello'); shared"
        asked_by_bob = bob.execute("shared")
        assert result(outputs_of(bob, asked_by_bob)) == "'by Ada'"
        for client, msg_id in ((ada, asked), (bob, asked_by_bob)):
            reply = client.get_shell_msg(timeout=TIMEOUT)
            assert reply["parent_header"]["msg_id"] == msg_id
            # A request of its own is the next that each is answered: nothing was in between.
            last = client.kernel_info()
            assert client.get_shell_msg(timeout=TIMEOUT)["parent_header"]["msg_id"] == last


@pytest.mark.rule("R-STDIN-2")
def test_only_the_asker_is_asked(manager):
    """A question of the kernel goes to the client whose cell it is, and to no other."""
    with connected(manager) as ada, connected(manager) as bob:
        for asker, other, name in ((ada, bob, "Ada"), (bob, ada, "Bob")):
            msg_id = asker.execute("input('who? ')", allow_stdin=True)
            request = asker.get_stdin_msg(timeout=TIMEOUT)
            assert request["parent_header"]["msg_id"] == msg_id
            other.input("an intruder")  # not asked, and not heard
            asker.input(name)
            for client in (ada, bob):
                assert result(outputs_of(client, msg_id)) == repr(name)
            assert not other.stdin_channel.msg_ready()


def test_requests_of_two_clients_do_not_mix(manager):
    """Many requests of two clients at once are each answered to their sender, in order."""
    with connected(manager) as ada, connected(manager) as bob:
        sent: dict[str, list[str]] = {"ada": [], "bob": []}
        for n in range(100):
            sent["ada"].append(ada.execute(f"'ada {n}'"))
            sent["bob"].append(bob.execute(f"'bob {n}'"))
        for name, client in (("ada", ada), ("bob", bob)):
            replies = [client.get_shell_msg(timeout=TIMEOUT) for _ in range(100)]
            assert [m["parent_header"]["msg_id"] for m in replies] == sent[name]
            assert {m["content"]["status"] for m in replies} == {"ok"}


# --- the console -------------------------------------------------------------------------------

ESCAPES = r"(?:\x1b\[[0-9;?]*[A-Za-z])*"


def shown(words: str) -> str:
    """Make a pattern for text on a terminal, where colours may change at every character."""
    return ESCAPES.join(re.escape(letter) for letter in words)


@pytest.fixture
def console(jupyter) -> Iterator[Callable]:
    """Start jupyter_console in a terminal, and give a function: type something, wait for text."""
    pexpect = pytest.importorskip("pexpect", reason="pexpect needs a POSIX system")
    terminal = pexpect.spawn(
        sys.executable,
        ["-m", "jupyter_console", "--kernel", "refimpl-python"],
        env={**os.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"},
        encoding="utf-8",
        timeout=TIMEOUT,
        dimensions=(40, 200),
    )

    def talk(keys: str, *expected: str) -> None:
        terminal.send(keys)
        for words in expected:
            terminal.expect(shown(words))

    talk.terminal, talk.end = terminal, pexpect.EOF
    terminal.expect(shown("In [1]: "))
    yield talk
    terminal.close(force=True)


@posix
def test_console(console):
    """In a console: a value, a function of several lines, completion, a question, an interrupt."""
    console("1+1\r", "Out[1]: 2", "In [2]: ")
    console("def f(x):\r", "...: ")
    console("return x + 40\r", "...: ")
    console("\r", "In [3]: ")
    console("f(2)\r", "Out[3]: 42", "In [4]: ")
    console("str.capit\t", "str.capitalize")
    console("('ada')\r", "Out[4]: 'Ada'", "In [5]: ")
    console("input('who? ')\r", "\nwho? ")
    console("Bob\r", "Out[5]: 'Bob'", "In [6]: ")
    console("exec(\"print('run' + 'ning')\\nwhile True: pass\")\r", "running")
    console("\x03", "KeyboardInterrupt", "In [7]: ")
    console("6 * 7\r", "Out[7]: 42", "In [8]: ")
    console("exit\r")
    console.terminal.expect(console.end)
    console.terminal.close()
    assert console.terminal.exitstatus == 0


@posix
def test_console_ends_with_its_key(console, gate):
    """Ctrl-D ends the console, and the kernel with it."""
    console(f"{gate.lifeline}\r", "In [2]: ")
    gate.reached()
    console("\x04", "exit")
    console("y\r")
    console.terminal.expect(console.end)
    console.terminal.close()
    assert console.terminal.exitstatus == 0
    gate.left(PROMPTLY)


# --- notebooks ---------------------------------------------------------------------------------


def notebook(*sources: str) -> nbformat.NotebookNode:
    """Make a notebook of code cells."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    spec = {"kernelspec": {"name": "refimpl-python", "display_name": "x", "language": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=spec)


RICH = (
    "class Rich:\n"
    "    def _repr_html_(self): return '<b>bold</b>'\n"
    "    def _repr_png_(self): return b'\\x89PNG'\n"
    "    def __repr__(self): return 'rich'\n"
    "display(Rich())\nRich()"
)


def test_nbclient_executes_a_notebook():
    """Nbclient runs a notebook; every kind of output is where a notebook keeps it."""
    book = notebook(
        "import sys\nprint('out')\nprint('err', file=sys.stderr)",
        RICH,
        "handle = display('first', display_id=True)",
        "handle.update('second')",
        "print('gone'); clear_output(); print('kept')",
        "import asyncio; await asyncio.sleep(0, 'awaited')",
    )
    NotebookClient(book, timeout=TIMEOUT).execute()
    streams, rich, first, _, cleared, awaited = [cell.outputs for cell in book.cells]
    assert [(o.name, o.text) for o in streams] == [("stdout", "out\n"), ("stderr", "err\n")]
    assert [o.output_type for o in rich] == ["display_data", "execute_result"]
    data = {"text/plain": "rich", "text/html": "<b>bold</b>", "image/png": "iVBORw=="}
    assert [dict(o.data) for o in rich] == [data, data]
    assert first[0].data["text/plain"] == "'second'"
    assert [o.text for o in cleared] == ["kept\n"]
    assert awaited[0].data["text/plain"] == "'awaited'"
    assert [cell.execution_count for cell in book.cells] == [1, 2, 3, 4, 5, 6]
    nbformat.validate(book)


def test_nbclient_stops_at_an_error():
    """A cell that fails ends the execution, and its error is among its outputs."""
    book = notebook("1 / 0", "'never'")
    with pytest.raises(CellExecutionError, match="ZeroDivisionError: division by zero"):
        NotebookClient(book, timeout=TIMEOUT).execute()
    (error,) = book.cells[0].outputs
    assert error.ename == "ZeroDivisionError"
    assert book.cells[1].outputs == []


def test_nbclient_goes_on_after_an_error_when_allowed():
    """With errors allowed, the cells after a failed one run."""
    book = notebook("1 / 0", "'next'")
    NotebookClient(book, timeout=TIMEOUT, allow_errors=True).execute()
    assert book.cells[1].outputs[0].data["text/plain"] == "'next'"


def test_nbclient_interrupts_a_cell_that_takes_too_long():
    """The time limit of nbclient interrupts a cell, and the notebook goes on."""
    book = notebook("import time; time.sleep(100)", "'next'")
    NotebookClient(book, timeout=1, interrupt_on_timeout=True, allow_errors=True).execute()
    assert book.cells[0].outputs[-1].ename == "KeyboardInterrupt"
    assert book.cells[1].outputs[0].data["text/plain"] == "'next'"


@pytest.mark.parametrize(("format_", "suffix"), [("html", "html"), ("notebook", "ipynb")])
def test_nbconvert_executes_a_notebook(tmp_path, format_, suffix):
    """`jupyter nbconvert --execute` runs a notebook by its kernel's name and writes the result."""
    source, output = tmp_path / "book.ipynb", tmp_path / f"done.{suffix}"
    nbformat.write(notebook("print(6 * 7)", RICH), source)
    command = ["-m", "nbconvert", "--execute", "--to", format_, "--output", "done", str(source)]
    done = subprocess.run(
        [sys.executable, *command],
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    page = Path(output).read_text("utf-8")
    assert "42\n" in page or '"42\\n"' in page
    assert "<b>bold</b>" in page


# --- encryption ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def installed(jupyter, tmp_path_factory) -> Iterator[str]:
    """Install our kernel as a user does; the spec says that it can encrypt."""
    prefix = tmp_path_factory.mktemp("prefix")
    command = [sys.executable, "-m", "refimpl", "install", "python", "--name", "encrypting"]
    subprocess.run([*command, "--prefix", str(prefix)], check=True, capture_output=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(prefix / "share" / "jupyter"))
        yield "encrypting"


@pytest.mark.skipif(not zmq.has("curve"), reason="this libzmq has no CURVE")
@pytest.mark.rule("R-CONN-1")
def test_encrypted_because_the_client_requires_it(installed) -> None:
    """A front end that requires encryption gets it, and runs cells as always."""
    manager = KernelManager(kernel_name=installed, transport_encryption="required")
    manager.start_kernel()
    try:
        assert manager.get_connection_info()["curve_publickey"]
        with connected(manager) as client:
            assert result(run(client, "6 * 7")[1]) == "42"
    finally:
        manager.shutdown_kernel(now=True)


@pytest.mark.skipif(not zmq.has("curve"), reason="this libzmq has no CURVE")
def test_nobody_hears_an_encrypted_kernel_without_its_key(installed) -> None:
    """Who knows the key for signatures, but not the one for encryption, gets no answer."""
    manager = KernelManager(kernel_name=installed, transport_encryption="required")
    manager.start_kernel()
    try:
        with connected(manager):
            stranger = BlockingKernelClient()
            info = manager.get_connection_info()
            known = {k: v for k, v in info.items() if not k.startswith("curve")}
            stranger.load_connection_info(known)
            stranger.start_channels()
            stranger.kernel_info()
            with pytest.raises(queue.Empty):
                stranger.get_shell_msg(timeout=0.5)
            stranger.stop_channels()
    finally:
        manager.shutdown_kernel(now=True)
