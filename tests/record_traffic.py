"""Write `tests/recordings` anew: what deployed programs really send, and the files they write.

    python tests/record_traffic.py

Real programs are run and made to show every message they know: ipykernel under jupyter_client,
nbclient and jupyter_console, and an ipyparallel cluster of one controller and two engines.
`zmq.Socket` is replaced in all of their processes by a class that notes every message it sends.

Each line of a recording is one message, as its sender sent it:

    {"channel": ..., "sender": ..., "receiver": ..., "topic": ..., "message": {
        "header": ..., "parent_header": ..., "metadata": ..., "content": ..., "buffers": [...]}}

A short buffer is text in hex, a longer one is its size in bytes.  Many messages are alike: of each
form two are kept.  Names, folders and keys of the machine are replaced.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import zmq
import zmq.asyncio

TESTS = Path(__file__).parent
RECORDINGS = TESTS / "recordings"
LOG_FOLDER = "RECORD_TRAFFIC"  # the environment variable that tells processes where to note
TIMEOUT = 30.0  # seconds
DELIMITER = b"<IDS|MSG>"
ALIKE = 2  # how many messages of one form are kept
SHORT = 32  # bytes; longer buffers are recorded by their size
# What is replaced wherever a field of this name is: secrets, and who and where we are.
REPLACED = {
    "key": "00000000-0000-4000-8000-000000000000",
    "curve_publickey": "0" * 40,
    "curve_secretkey": "0" * 40,
    "username": "ada",
    "location": "host",
}

# What a process of the programs runs before anything else.
SITE = """\
import sys
sys.path.insert(0, {tests!r})
import record_traffic
record_traffic.note_messages()
sys.path.remove({tests!r})
"""


# --- in the processes of the programs -----------------------------------------------------------


def note_messages() -> None:
    """Have every socket of this process note what it sends."""
    plain_send = zmq.Socket.send_multipart

    def note(source: zmq.Socket, frames: list[bytes]) -> None:
        endpoint = source.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0")
        if DELIMITER not in frames or endpoint.startswith(b"inproc:"):
            return
        entry = {
            "time": time.monotonic_ns(),
            "argv": sys.argv,
            "socket": zmq.SocketType(source.socket_type).name,
            "port": int(endpoint.rpartition(b":")[2] or 0),
            "frames": [frame.hex() for frame in frames],
        }
        with (Path(os.environ[LOG_FOLDER]) / f"{os.getpid()}.jsonl").open("a") as log:
            log.write(json.dumps(entry) + "\n")

    def send_multipart(self: zmq.Socket, frames: Any, *args: Any, **options: Any) -> Any:
        if not isinstance(self, zmq.asyncio.Socket):  # it sends through a plain socket of its own
            note(self, [memoryview(frame).tobytes() for frame in frames])
        return plain_send(self, frames, *args, **options)

    zmq.Socket.send_multipart = send_multipart


# --- the kernel and its clients -----------------------------------------------------------------


class Talk:
    """A client of a kernel that sends what it is told and waits for all of the answer."""

    def __init__(self, client: Any) -> None:
        """Hold a client of jupyter_client whose channels run."""
        self.client = client

    def send(self, msg_type: str, channel: str = "shell", **content: Any) -> str:
        """Send a request; return its msg_id."""
        message = self.client.session.msg(msg_type, content)
        getattr(self.client, f"{channel}_channel").send(message)
        return str(message["header"]["msg_id"])

    def answered(self, msg_id: str, channel: str = "shell", *, idle: bool = True) -> Any:
        """Wait for the reply to a request, and for its idle; return the reply."""
        source = getattr(self.client, f"{channel}_channel")
        reply = self._until(source, msg_id, lambda _: True)
        if idle:
            self.published(msg_id, lambda m: m["content"].get("execution_state") == "idle")
        return reply

    def published(self, msg_id: str, fits: Callable[[Any], bool]) -> Any:
        """Wait for a message on iopub that belongs to a request; with no msg_id, to any."""
        return self._until(self.client.iopub_channel, msg_id, fits)

    def ask(self, msg_type: str, channel: str = "shell", **content: Any) -> Any:
        """Send a request and wait for all of the answer; return the reply."""
        return self.answered(self.send(msg_type, channel, **content), channel)

    def run(self, code: str, **options: Any) -> Any:
        """Run a cell as jupyter_client does."""
        return self.answered(self.client.execute(code, **options))

    def _until(self, channel: Any, msg_id: str, fits: Callable[[Any], bool]) -> Any:
        deadline = time.monotonic() + TIMEOUT
        while True:
            message = channel.get_msg(timeout=max(0.0, deadline - time.monotonic()))
            parent = message["parent_header"].get("msg_id")
            if (not msg_id or parent == msg_id) and fits(message):
                return message


@contextlib.contextmanager
def kernel(files: Recorder) -> Iterator[tuple[Any, Talk]]:
    """Run ipykernel; give its manager and a client."""
    from jupyter_client import KernelManager

    manager = KernelManager()
    manager.start_kernel()
    files.keep("connection-file", "ipykernel", Path(manager.connection_file))
    files.ports |= kernel_ports(manager.get_connection_info())
    client = manager.client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=TIMEOUT)
        yield manager, Talk(client)
    finally:
        client.stop_channels()
        if manager.is_alive():
            manager.shutdown_kernel(now=True)


def kernel_ports(connection: Mapping[str, Any]) -> dict[int, str]:
    """Tell the channel of each port of a connection file."""
    return {
        value: key.removesuffix("_port")
        for key, value in connection.items()
        if key.endswith("_port")
    }


WIDGETS = "import ipywidgets as w; s = w.IntSlider(); display(s)"

CELLS = (
    "1 + 1",
    "print('out'); import sys; print('err', file=sys.stderr)",
    "1 / 0",
    "def broken(:",
    "from IPython.display import *; h = display(HTML('<b>b</b>'), display_id=True)",
    "h.update(Markdown('*u*')); display({'text/plain': 'raw'}, raw=True, metadata={'a': 1})",
    "clear_output(); clear_output(wait=True)",
    "display(Image(data=bytes.fromhex('89504e470d0a1a0a'), format='png'))",
    "display(JSON({'a': [1, None]}))",
    "len?",
    "get_ipython().set_next_input('next'); get_ipython().set_next_input('same', replace=True)",
    "%edit -x nothing.py",
    "exit(keep_kernel=True)",
    WIDGETS,
    "s.value = 7; s.close()",
    "from comm import create_comm; c = create_comm('no.target', data={'a': 1}, buffers=[b'raw'])",
    "c.send({'b': 2}, metadata={'m': 3}, buffers=[b'bytes'])",
    "c.close({'end': True})",
    "o = w.Output(); display(o)",
    "with o: print('captured')",
    "raise SystemExit",
    "await __import__('asyncio').sleep(0)",
    "!echo shell",
    "import logging; logging.getLogger('a').warning('log')",
)


def play_kernel(files: Recorder) -> None:
    """Have jupyter_client send ipykernel every request there is, and bad ones."""
    with kernel(files) as (_, talk):
        client = talk.client
        for channel in ("shell", "control"):
            talk.ask("kernel_info_request", channel)
            talk.ask("connect_request", channel)
        for cell in CELLS:
            talk.run(cell)
        talk.run("x = 1", silent=True)
        talk.run("x", store_history=False, user_expressions={"y": "x + 1", "bad": "1/0"})
        talk.run("9", silent=True, user_expressions={"z": "x"})
        talk.run("")
        play_questions(talk)
        play_stdin(talk)
        play_comms(talk)
        play_abort(talk)
        play_subshells(talk)
        play_debugger(talk)
        play_files(files)
        client.shutdown(restart=True)
        talk._until(client.control_channel, "", lambda m: m["msg_type"] == "shutdown_reply")
        talk.published("", lambda m: m["msg_type"] == "shutdown_reply")


def play_questions(talk: Talk) -> None:
    """Ask about code: completion, inspection, history, and what an editor wants to know."""
    client = talk.client
    for code, at in (("sys.st", 6), ("nothing_like_it", 15), ("", 0), ("import o", None)):
        talk.answered(client.complete(code, at))
    for code, level in (("len", 0), ("len", 1), ("no_such_name", 0)):
        talk.answered(client.inspect(code, detail_level=level))
    for code in ("1", "if True:", "if True:\n    1\n", "1 +* 2", "%%x"):
        talk.answered(client.is_complete(code))
    talk.answered(client.history(hist_access_type="tail", n=3))
    talk.answered(client.history(output=True, hist_access_type="range", session=0, start=1, stop=4))
    talk.answered(client.history(hist_access_type="search", pattern="*x*", n=5, unique=True))
    talk.answered(client.history(raw=False, hist_access_type="tail", n=0))
    talk.answered(client.comm_info())
    talk.answered(client.comm_info(target_name="jupyter.widget"))
    talk.ask("usage_request", "control")
    talk.ask("interrupt_request", "control")
    # What ipykernel refuses: it logs an error and replies nothing.
    talk.published(talk.send("nonsense_request"), is_idle)
    talk.published(talk.send("execute_request"), is_idle)


def is_idle(message: Any) -> bool:
    """Tell whether a message says that the kernel is idle."""
    return bool(message["content"].get("execution_state") == "idle")


def play_stdin(talk: Talk) -> None:
    """Have cells ask the user: allowed, hidden, forbidden, interrupted."""
    client = talk.client
    for code in ("input('name? ')", "import getpass; getpass.getpass('secret? ')"):
        msg_id = client.execute(code, allow_stdin=True)
        talk._until(client.stdin_channel, msg_id, lambda _: True)
        client.input("ada")
        talk.answered(msg_id)
    talk.run("input()", allow_stdin=False)
    msg_id = client.execute("import time; time.sleep(60)")
    talk.published(msg_id, lambda m: m["msg_type"] == "execute_input")
    talk.answered(talk.send("interrupt_request", "control"), "control", idle=False)
    talk.answered(msg_id)


def play_comms(talk: Talk) -> None:
    """Open, use and close comms from the front end: a known target, an unknown one."""
    talk.run(
        "from comm import get_comm_manager\n"
        "def opened(comm, message):\n"
        "    comm.on_msg(lambda m: comm.send({'echo': m['content']['data']}))\n"
        "get_comm_manager().register_target('echo', opened)"
    )
    for target in ("echo", "unknown"):
        msg_id = talk.send("comm_open", comm_id=target * 2, target_name=target, data={"a": 1})
        talk.published(msg_id, is_idle)
        msg_id = talk.send("comm_msg", comm_id=target * 2, data={"b": 2})
        talk.published(msg_id, is_idle)
        talk.ask("comm_info_request")
        talk.published(talk.send("comm_close", comm_id=target * 2, data={}), is_idle)


def play_abort(talk: Talk) -> None:
    """Queue cells behind one that fails: they are aborted."""
    ids = [talk.client.execute(code) for code in ("import time; time.sleep(1); 1/0", "2", "3")]
    for msg_id in ids:
        talk.answered(msg_id, idle=False)
    talk.run("0", stop_on_error=False)


def play_subshells(talk: Talk) -> None:
    """Create a subshell, run a cell in it, list it, delete it."""
    reply = talk.ask("create_subshell_request", "control")
    name = reply["content"]["subshell_id"]
    talk.ask("list_subshell_request", "control")
    message = talk.client.session.msg("execute_request", {"code": "print('in a subshell')"})
    message["header"]["subshell_id"] = name
    talk.client.shell_channel.send(message)
    talk.answered(message["header"]["msg_id"])
    talk.ask("delete_subshell_request", "control", subshell_id=name)
    talk.ask("delete_subshell_request", "control", subshell_id="no such subshell")


def play_debugger(talk: Talk) -> None:
    """Debug a cell with the Debug Adapter Protocol: stop at a breakpoint, look, go on."""
    seq = iter(range(1, 1000))

    def debug(command: str, **arguments: Any) -> Any:
        request = {"type": "request", "seq": next(seq), "command": command, "arguments": arguments}
        reply = talk.answered(talk.send("debug_request", "control", **request), "control")
        return reply["content"].get("body") or {}

    debug("debugInfo")
    debug(
        "initialize",
        clientID="recorder",
        clientName="recorder",
        adapterID="",
        pathFormat="path",
        linesStartAt1=True,
        columnsStartAt1=True,
        supportsVariableType=True,
        supportsRunInTerminalRequest=False,
    )
    debug("attach")
    code = "a = [1, 2]\nb = len(a)\nb"
    path = debug("dumpCell", code=code)["sourcePath"]
    source = {"path": path}
    debug("setBreakpoints", source=source, breakpoints=[{"line": 2}], sourceModified=False)
    debug("source", source=source)
    debug("configurationDone")
    debug("debugInfo")
    msg_id = talk.client.execute(code)
    stopped = talk.published(
        "", lambda m: m["msg_type"] == "debug_event" and m["content"]["event"] == "stopped"
    )
    thread = stopped["content"]["body"]["threadId"]
    frame = debug("stackTrace", threadId=thread)["stackFrames"][0]["id"]
    scopes = debug("scopes", frameId=frame)["scopes"]
    debug("variables", variablesReference=scopes[0]["variablesReference"])
    debug("richInspectVariables", variableName="a", frameId=frame)
    debug("copyToGlobals", srcVariableName="a", dstVariableName="copied", srcFrameId=frame)
    debug("evaluate", expression="a", frameId=frame)
    debug("threads")
    debug("next", threadId=thread)
    talk.published("", lambda m: m["content"].get("event") == "stopped")
    debug("continue", threadId=thread)
    talk.answered(msg_id)
    debug("inspectVariables")
    debug("modules", startModule=0, moduleCount=2)
    debug("noSuchCommand")
    debug("disconnect", restart=False, terminateDebuggee=True)


def play_files(files: Recorder) -> None:
    """Have kernel specs and other connection files written."""
    from jupyter_client.connect import write_connection_file
    from jupyter_client.kernelspec import KernelSpecManager

    found = KernelSpecManager().get_kernel_spec("python3").resource_dir
    files.keep("kernel-spec", "ipykernel", Path(found) / "kernel.json")
    install = ["-m", "ipykernel", "install", "--prefix", str(files.folder), "--name", "other"]
    install += ["--display-name", "Other", "--env", "GREETING", "hello", "--frozen_modules"]
    subprocess.run([sys.executable, *install], check=True, capture_output=True)
    installed = files.folder / "share" / "jupyter" / "kernels" / "other" / "kernel.json"
    files.keep("kernel-spec", "ipykernel-install", installed)
    for name, options in (
        ("ipc", {"transport": "ipc", "ip": str(files.folder / "kernel-ipc")}),
        (
            "curve",
            dict(zip(("curve_publickey", "curve_secretkey"), zmq.curve_keypair(), strict=True)),
        ),
        ("no-key", {"key": b""}),
    ):
        path, _ = write_connection_file(str(files.folder / f"{name}.json"), **options)
        files.keep("connection-file", f"jupyter_client-{name}", Path(path))


def play_nbclient(files: Recorder) -> None:
    """Have nbclient execute a notebook."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.v4.new_notebook()
    tagged = {"metadata": {"tags": ["raises-exception"]}}
    notebook.cells = [
        *(nbformat.v4.new_code_cell(cell, **tagged) for cell in CELLS if "exit" not in cell),
        nbformat.v4.new_code_cell("input()", **tagged),
    ]
    client = NotebookClient(notebook, timeout=int(TIMEOUT))
    with client.setup_kernel():
        files.ports |= kernel_ports(client.km.get_connection_info())
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)


def play_console(files: Recorder) -> None:
    """Type into jupyter_console, connected to a kernel that runs."""
    lines = ("1 + 1", "print('out')", "input('name? ')", "ada", "len?", "1 / 0", "exit")
    argv = [sys.executable, "-m", "jupyter_console", "--simple-prompt"]
    with kernel(files) as (manager, _):
        subprocess.run(
            [*argv, "--existing", manager.connection_file],
            input="".join(f"{line}\n" for line in lines),
            text=True,
            capture_output=True,
            timeout=TIMEOUT,
            check=True,
        )


# --- the cluster --------------------------------------------------------------------------------


def play_cluster(files: Recorder) -> None:
    """Run a controller and two engines, and have a client ask for everything."""
    profile = files.folder / "ipython" / "profile_default"
    security = profile / "security"
    python = [sys.executable, "-m"]
    quick = ("--HeartMonitor.period=500", "--HeartMonitor.max_heartmonitor_misses=4")
    with contextlib.ExitStack() as stack:
        run = lambda *argv: stack.enter_context(program(files, [*python, *argv]))  # noqa: E731
        run("ipyparallel.controller", "--ip=127.0.0.1", *quick)
        names = [security / f"ipcontroller-{side}.json" for side in ("client", "engine")]
        wait_for(lambda: all(name.exists() and read(name) for name in names), "connection files")
        for name in names:
            kind = name.stem
            files.keep(kind, "ipyparallel", name)
            files.ports |= cluster_ports(read(name))
        for _ in range(2):
            run("ipyparallel.engine")
        import ipyparallel

        client = ipyparallel.Client(str(names[0]), timeout=int(TIMEOUT))
        try:
            client.wait_for_engines(2, timeout=int(TIMEOUT))
            play_views(client)
            play_tasks(client)
            play_queries(client)
            play_control(client)
            client.shutdown(hub=True, block=True)
        finally:
            client.close()


def cluster_ports(connection: Mapping[str, Any]) -> dict[int, str]:
    """Tell the channel of each port of a cluster's connection file."""
    ports = {}
    for key, value in connection.items():
        for port in value if isinstance(value, list) else [value]:
            if type(port) is int:
                ports[port] = key
    return ports


def play_views(client: Any) -> None:
    """Call and execute on engines directly and by broadcast; move data; publish some."""
    from ipyparallel import Reference, error

    view = client[:]
    view.apply_sync(lambda x: x + 1, 3)
    view.push({"a": 1, "big": b"b" * 2000}, block=True)
    view.pull(["a", "big"], block=True)
    view.scatter("parts", list(range(4)), block=True)
    view.gather("parts", block=True)
    view.map_sync(lambda x: x * 2, range(4))
    view.apply_sync(lambda x: x, Reference("a"))
    for code in ("print('hi'); 5", "1/0", "import sys; print('e', file=sys.stderr)"):
        with contextlib.suppress(error.CompositeError, error.RemoteError):
            client[0].execute(code, silent=False, block=True)
    with contextlib.suppress(error.CompositeError, error.RemoteError):
        client[0].apply_sync(lambda: 1 / 0)
    display = "from IPython.display import *; h = display(HTML('x'), display_id=True); h.update(1)"
    client[0].execute(display, silent=False, block=True)
    client[0].execute("clear_output()", silent=False, block=True)
    client[0].execute("input()", silent=False).wait(TIMEOUT)
    comm = "from comm import create_comm; c = create_comm('t'); c.send({'a': 1}); c.close()"
    client[0].execute(comm, block=True)
    client[0].apply_sync(publish)
    every = client.broadcast_view(is_coalescing=False)
    every.apply_sync(lambda: 1)
    every.execute("2", silent=False, block=True)
    together = client.broadcast_view(is_coalescing=True)
    together.apply_sync(lambda: 3)
    with contextlib.suppress(error.CompositeError, error.RemoteError):
        together.apply_sync(lambda: 1 / 0)


def publish() -> None:
    """Publish data from an engine."""
    from ipyparallel.datapub import publish_data

    publish_data({"progress": 1})


def play_tasks(client: Any) -> None:
    """Give the scheduler tasks: plain, dependent, timed out, and impossible ones."""
    from ipyparallel import error

    view = client.load_balanced_view()
    first = view.apply_async(lambda: 1)
    first.wait(TIMEOUT)
    with view.temp_flags(after=first.msg_ids, retries=1, timeout=TIMEOUT):
        view.apply_async(lambda: 2).wait(TIMEOUT)
    with view.temp_flags(targets=[0]):
        view.apply_async(lambda: 3).wait(TIMEOUT)
    view.apply_async(lambda: 1 / 0).wait(TIMEOUT)
    with view.temp_flags(after=["no-such-task"]):
        view.apply_async(lambda: 4).wait(TIMEOUT)
    with contextlib.suppress(error.RemoteError), view.temp_flags(after=first, follow=first):
        view.apply_async(lambda: 5).wait(TIMEOUT)
    failed = view.apply_async(lambda: 1 / 0)
    failed.wait(TIMEOUT)
    with view.temp_flags(after=failed):
        view.apply_async(lambda: 6).wait(TIMEOUT)


def play_queries(client: Any) -> None:
    """Ask the hub everything, rightly and wrongly."""
    history = client.hub_history()
    client.queue_status()
    client.queue_status(targets=[0], verbose=True)
    client.result_status(history[:2])
    client.get_result(history[:2], owner=False).wait(TIMEOUT)
    client.db_query({"msg_id": {"$in": history[:2]}}, keys=["buffers", "result_buffers", "queue"])
    client.db_query({"msg_id": history[0]})
    client.resubmit(history[:1]).wait(TIMEOUT)
    ask = lambda kind, **content: client._send_recv(client._query_stream, kind, content)  # noqa: E731
    ask("load_request", targets=None)
    ask("connection_request")
    ask("nonsense_request")
    ask("result_request", msg_ids=["no such id"], status_only=True)
    ask("queue_request", targets=[99])
    ask("purge_request", msg_ids=["no such id"], engine_ids=[99])
    ask("resubmit_request", msg_ids=["no such id"])
    ask("db_request", query={"msg_id": {"$nonsense": 1}}, keys=None)
    client.become_dask().close()
    client.stop_dask()
    client.purge_hub_results(history[:1])
    client.purge_hub_results("all")


def play_control(client: Any) -> None:
    """Abort, signal, clear; lose an engine, and shut one down."""
    sleep = lambda: __import__("time").sleep(2)  # noqa: E731
    running = client[0].apply_async(sleep)
    queued = client[0].apply_async(lambda: 1)
    client.abort(queued, targets=[0], block=True)
    running.wait(TIMEOUT)
    queued.wait(TIMEOUT)
    running = client[0].execute("import time; print(1, flush=True); time.sleep(60)", silent=False)
    wait_for(lambda: running.stdout, "a cell that runs")
    client.send_signal("SIGINT", targets=[0], block=True)
    running.wait(TIMEOUT)
    client.clear(targets=[0], block=True)
    client.shutdown(targets=[1], block=True)
    wait_for(lambda: client.ids == [0], "the end of an engine")
    client[0].apply_async(stop_beating)
    wait_for(lambda: not client.ids, "the loss of an engine")


def stop_beating() -> None:
    """Stop the process of an engine, as if its machine were gone."""
    import os
    import signal

    os.kill(os.getpid(), signal.SIGSTOP)


# --- running programs ---------------------------------------------------------------------------


@contextlib.contextmanager
def program(files: Recorder, argv: list[str]) -> Iterator[None]:
    """Run a program until the end of the block; its output goes to a file."""
    with (files.folder / "output.txt").open("ab") as output:
        process = psutil.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            yield
        finally:
            # An engine that has been stopped hears nothing, and leaves a process behind.
            family = [process, *process.children(recursive=True)] if process.is_running() else []
            process.terminate()
            _, alive = psutil.wait_procs(family, timeout=5)
            for each in alive:
                each.kill()
            process.wait()


def wait_for(condition: Callable[[], Any], what: str) -> None:
    """Wait until a condition is true. Raises TimeoutError, which says what did not come."""
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {what} within {TIMEOUT} s")
        time.sleep(0.02)


def read(path: Path) -> dict[str, Any]:
    """Read a JSON file; one that is not yet complete is an empty object."""
    with contextlib.suppress(ValueError):
        return dict(json.loads(path.read_text("utf-8")))
    return {}


# --- from what was noted to a recording ---------------------------------------------------------


class Recorder:
    """Collects what one run of the programs shows: messages, files, and whose ports are whose."""

    def __init__(self, folder: Path) -> None:
        """Record into a folder of its own."""
        self.folder = folder
        self.noted = folder / "noted"
        self.noted.mkdir(parents=True)
        self.ports: dict[int, str] = {}
        self.files: dict[tuple[str, str], dict[str, Any]] = {}

    def keep(self, kind: str, name: str, path: Path) -> None:
        """Keep a file that a program has written."""
        self.files[kind, name] = read(path)

    def messages(self, tell: Callable[[dict[str, Any], str], dict[str, Any] | None]) -> Any:
        """List the messages in the order of sending, each once."""
        entries = []
        for path in self.noted.glob("*.jsonl"):
            entries += [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        seen = set()
        for entry in sorted(entries, key=lambda entry: entry["time"]):
            frames = [bytes.fromhex(frame) for frame in entry["frames"]]
            where = tell({**entry, "frames": frames}, self.ports.get(entry["port"], ""))
            message = parse(frames)
            if where is None or is_ours(message):
                continue
            # A relay sends it again; only a reply joined from several is a message of its own.
            joined = "broadcast_targets" in message["metadata"]
            header = message["header"]  # the controller's processes share ids, but not moments
            once = (where["channel"], header["msg_id"], header["date"], joined)
            if once not in seen:
                seen.add(once)
                yield {**where, "message": message}


def parse(frames: list[bytes]) -> dict[str, Any]:
    """Turn frames into a message as a recording holds it."""
    parts = frames[frames.index(DELIMITER) + 2 :]
    names = ("header", "parent_header", "metadata", "content")
    message: dict[str, Any] = {name: json.loads(parts[at]) for at, name in enumerate(names)}
    message["buffers"] = [
        part.hex() if len(part) <= SHORT else len(part) for part in parts[len(names) :]
    ]
    return message


def is_ours(message: Mapping[str, Any]) -> bool:
    """Tell whether we have sent a message, to see an error, as no deployed program does."""
    name, content = message["header"]["msg_type"], message["content"]
    return name == "nonsense_request" or (name == "execute_request" and "code" not in content)


def tell_kernel(entry: dict[str, Any], channel: str) -> dict[str, Any] | None:
    """Tell channel, sender and receiver of a message between a kernel and a client."""
    if not channel:
        return None
    from_kernel = entry["socket"] in ("ROUTER", "XPUB", "PUB")
    ends = ("kernel", "client") if from_kernel else ("client", "kernel")
    where = dict(zip(("sender", "receiver"), ends, strict=True), channel=channel)
    topic = entry["frames"][0]
    if channel == "iopub" and topic != DELIMITER:
        where["topic"] = topic.decode("utf-8", "replace")
    return where


CLUSTER_PROGRAMS = {"controller": "scheduler", "engine": "engine"}  # the rest are clients


def tell_cluster(entry: dict[str, Any], channel: str) -> dict[str, Any] | None:
    """Tell channel, sender and receiver of a message in a cluster; None if nobody can."""
    frames, kind = entry["frames"], entry["socket"]
    program = Path(entry["argv"][0])  # .../ipyparallel/engine/__main__.py, or .../nanny.py
    sender = CLUSTER_PROGRAMS.get(program.parent.name, "client")
    topic = "" if frames[0] == DELIMITER else frames[0].decode("utf-8", "replace")
    request = json.loads(frames[frames.index(DELIMITER) + 2])["msg_type"].endswith("_request")
    receiver = "client"
    if sender == "client":
        receiver = "hub" if channel == "registration" else "engine"
    elif sender == "engine" and kind == "ROUTER":  # one socket, told where to by the first frame
        names = {"mux_out": "mux", "task_out": "task"}
        channel = names.get(topic, "broadcast" if topic.startswith("sub_sched") else "control")
    elif sender == "engine":
        receiver = "hub" if channel == "registration" else "client"
    elif kind in ("PUB", "XPUB") and channel != "notification":
        channel, receiver = "monitor", "hub"
        sender = "heart monitor" if topic == "heartmonitor" else sender
    elif (channel, kind) == ("registration", "DEALER"):
        receiver = "hub"
    elif (channel, kind) == ("task", "DEALER"):
        sender, receiver = "hub", "scheduler"
    elif channel in ("registration", "notification"):
        sender = "hub"
        receiver = "engine" if b'"registration_reply"' in b"".join(frames) else "client"
    elif request:
        receiver = "engine"
    where = {"channel": channel, "sender": sender, "receiver": receiver}
    if channel in ("iopub", "monitor") and topic:
        where["topic"] = topic
    return where if channel else None


# --- what must not be in a recording, and what need not -----------------------------------------


def cleaner(folder: Path) -> Callable[[Any], Any]:
    """Make a function that replaces what tells of this machine: folders, names, keys."""
    import site

    packages = [*site.getsitepackages(), str(Path(os.__file__).parent)]
    replaced = [
        *((re.escape(str(Path(path).resolve())), "/usr/lib/python3") for path in packages),
        (re.escape(str(folder.resolve())), "/home/ada"),
        (re.escape(sys.prefix), "/usr"),
        (re.escape(sys.base_prefix), "/usr"),
        (re.escape(str(TESTS.parent)), "/home/ada/project"),
        (re.escape(str(Path.home())) + r"\b", "/home/ada"),
        (re.escape(tempfile.gettempdir()) + r"/[\w.-]+", "/home/ada/scratch"),
    ]
    pattern = re.compile("|".join(f"({old})" for old, _ in replaced))

    def clean(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: clean(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [clean(each) for each in value]
        if key in REPLACED:
            return REPLACED[key]
        if isinstance(value, str):
            return pattern.sub(lambda m: replaced[(m.lastindex or 1) - 1][1], value)
        return value

    return clean


def form(value: Any, depth: int = 4) -> Any:
    """Describe the form of a value: two messages of one form are alike."""
    if isinstance(value, dict) and depth:
        # An object with many keys is a mapping of data, whose keys say nothing.
        if len(value) > 24:
            return "object"
        return {key: form(each, depth - 1) for key, each in sorted(value.items())}
    if isinstance(value, list):
        return [form(value[0], depth - 1)] if value and depth else "list"
    return type(value).__name__


def thin(entries: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Keep a few messages of each form."""
    kept: Counter[str] = Counter()
    for entry in entries:
        message = entry["message"]
        shape = json.dumps(
            [
                *(entry["channel"], entry["sender"], message["header"]["msg_type"]),
                *(form(message[part]) for part in ("header", "metadata", "content")),
                *(message["content"].get(name) for name in ("status", "command", "event")),
                bool(message["parent_header"]),
                bool(message["buffers"]),
            ]
        )
        kept[shape] += 1
        if kept[shape] <= ALIKE:
            yield entry


def write(name: str, entries: Iterable[dict[str, Any]]) -> None:
    """Write a recording."""
    lines = [json.dumps(entry, ensure_ascii=False) for entry in entries]
    (RECORDINGS / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    print(f"{name}: {len(lines)} messages")


PLAYS = {
    "kernel": (play_kernel, tell_kernel),
    "nbclient": (play_nbclient, tell_kernel),
    "console": (play_console, tell_kernel),
    "cluster": (play_cluster, tell_cluster),
}


def main(names: list[str]) -> None:
    """Play and record; without names, everything."""
    note_messages()
    for name in names or PLAYS:
        play, tell = PLAYS[name]
        folder = Path(tempfile.mkdtemp(prefix="record-"))
        try:
            (folder / "site").mkdir()
            site = SITE.format(tests=str(TESTS))
            (folder / "site" / "sitecustomize.py").write_text(site, "utf-8")
            recorder = Recorder(folder)
            os.environ[LOG_FOLDER] = str(recorder.noted)
            os.environ["PYTHONPATH"] = str(folder / "site")
            os.environ["IPYTHONDIR"] = str(folder / "ipython")
            os.environ["JUPYTER_RUNTIME_DIR"] = str(folder / "runtime")
            os.environ["JUPYTER_CONFIG_DIR"] = str(folder / "config")
            os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
            os.chdir(folder)
            play(recorder)
            clean = cleaner(folder)
            RECORDINGS.mkdir(exist_ok=True)
            write(name, thin(clean(entry) for entry in recorder.messages(tell)))
            for (kind, source), content in recorder.files.items():
                target = RECORDINGS / "files" / kind / f"{source}.json"
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(json.dumps(clean(content), indent=2) + "\n", "utf-8")
        finally:
            os.chdir(TESTS)
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
