"""Faults: front ends that die or never read, floods, and user code that harms its own process.

Each has a defined result: what is owed is answered, idle is not lost, and the kernel goes on.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest
import zmq
from conftest import ROOT, TIMEOUT, Client, run_kernel

from refimpl.wire import Connection

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")

# A kernel that is patient with slow readers, but not so long that a test takes minutes.
SHORT = (
    "from refimpl import python_kernel, run_kernel;"
    "run_kernel.HIGH_WATER, run_kernel.PATIENCE = 50, {patience};"
    "raise SystemExit(run_kernel.main(python_kernel.PythonKernel))"
)


class Sleeper:
    """A front end that subscribes to everything and reads only when it is told to."""

    def __init__(self, connection: Connection) -> None:
        """Connect; the kernel knows of the subscription when this returns."""
        self._context = zmq.Context()
        self.sock = self._context.socket(zmq.SUB)
        self.sock.rcvhwm, self.sock.rcvbuf, self.sock.linger = 1, 4096, 0
        self.sock.connect(connection.url("iopub"))
        self.sock.subscribe(b"")
        assert self.sock.poll(TIMEOUT * 1000)  # the welcome

    def read(self) -> int:
        """Read what is there and what still comes; return how many messages it was."""
        count = 0
        while self.sock.poll(300):
            self.sock.recv_multipart()
            count += 1
        return count

    def close(self) -> None:
        """Disconnect."""
        self._context.destroy(0)


@pytest.fixture
def sleeper(kernel) -> Iterator[Sleeper]:
    """Connect a front end that does not read to the module's kernel."""
    sleeper = Sleeper(kernel.connection)
    yield sleeper
    sleeper.close()


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """Run one kernel with a low mark for all tests of this module."""
    argv = [sys.executable, "-c", SHORT.format(patience=0.3), "-f", "{connection_file}"]
    with run_kernel(tmp_path_factory.mktemp("kernel"), argv) as run:
        yield run


@pytest.fixture
def client(kernel) -> Iterator[Client]:
    """Connect a client to it."""
    with kernel.connect() as client:
        yield client


# --- front ends ---------------------------------------------------------------------------------


@pytest.mark.rule("R-IOPUB-4")
def test_front_end_that_never_reads_costs_others_no_output(client, sleeper):
    """Whoever reads gets every message of a flood, although somebody else does not read."""
    flood = client.execute("for n in range(2000): display(n)\nprint('end')", timeout=60)
    shown = [m.content["data"]["text/plain"] for m in flood.outputs if m.msg_type == "display_data"]
    assert shown == [str(n) for n in range(2000)]
    assert flood.text == "end\n"


def test_front_end_that_never_reads_costs_bounded_memory(client, sleeper):
    """Many times the mark is published, and what is kept for the one who sleeps stays small."""
    process = psutil.Process(int(client.execute("import os\nos.getpid()").result))
    client.execute("display('x' * 100_000)")
    before = process.memory_info().rss
    client.execute("for n in range(1000): display('x' * 100_000)", timeout=60)
    # 100 MB were published. The mark, twice, is 10 MB; the rest is what the allocator keeps.
    assert process.memory_info().rss - before < 50e6


def test_front_end_that_wakes_up_gets_what_it_was_owed(client, sleeper):
    """A reader that was behind gets what was kept for it, and then takes part again."""
    client.execute("for n in range(500): display('x' * 50_000)", timeout=60)
    assert 50 <= sleeper.read() < 500
    client.execute("display('again')")
    assert sleeper.read() >= 4  # busy, execute_input, display_data, idle


def test_control_answers_while_output_waits(launch):
    """While output waits for a slow reader, control answers, and an interrupt ends the cell."""
    argv = [sys.executable, "-c", SHORT.format(patience=1000), "-f", "{connection_file}"]
    run = launch(argv=argv)
    with run.connect() as client:
        sleeper = Sleeper(run.connection)
        cell = client.send("execute_request", {"code": "while True: display('x' * 10_000)"})
        # Once nothing more comes the cell waits; control is asked meanwhile, again and again.
        seen = -1
        while seen < len(cell.outputs) or client.receive(0.5):
            seen = len(cell.outputs)
            answer = client.request("kernel_info_request", channel="control")
            assert answer.content["status"] == "ok"
        client.interrupt()
        assert client.wait(cell).content["ename"] == "KeyboardInterrupt"
        sleeper.close()
        assert client.execute("'alive'").result == "'alive'"


def test_print_waits_for_a_slow_reader(launch):
    """Text waits like other output, and nothing of it is lost when the reader reads on."""
    argv = [sys.executable, "-c", SHORT.format(patience=1000), "-f", "{connection_file}"]
    run = launch(argv=argv)
    with run.connect() as client:
        line = "x" * 9_999
        code = f"for n in range(5000): print({line!r})"
        cell = client.send("execute_request", {"code": code})
        assert len(client.wait(cell, 60).text) == 5000 * 10_000


def test_killed_front_end(kernel, client):
    """A front end that dies in the middle of its cell costs the others nothing."""
    code = (
        "import sys; from refimpl.run_client import KernelClient; from refimpl.wire import *;"
        "c = KernelClient(Connection.read(sys.argv[1])); c.wait_until_ready();"
        "c.send('execute_request',"
        " {'code': 'import time\\nprint(1)\\ntime.sleep(0.2)\\nseen = 7'});"
        "print('sent', flush=True); input()"
    )
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", code, str(kernel.file)], env=env, stdin=pipe, stdout=pipe
    ) as front_end:
        assert front_end.stdout.readline() == b"sent\n"
        front_end.kill()
    assert client.execute("seen").result == "7"


def test_ten_thousand_queued_requests(client):
    """Requests that were all sent before the first answer was read are all answered, in order."""
    sent = [client.send("execute_request", {"code": str(n), "silent": True}) for n in range(10_000)]
    for each in sent:
        client.wait(each, 60)
    assert {each.content["status"] for each in sent} == {"ok"}
    assert all(each.states == ["busy", "idle"] for each in sent)


# --- user code ----------------------------------------------------------------------------------

# What user code does to its own process, and what the cell after it finds.
HARM = {
    "stdout replaced": "import io, sys\nsys.stdout = io.StringIO()\nprint('lost')",
    "stdout closed": "import sys\nsys.stdout.close()\nprint('still here')",
    "stdout deleted": "import sys\ndel sys.stdout",
    "stdout None": "import sys\nsys.stdout = sys.stderr = None\nprint('nowhere')",
    "descriptors closed": "import os\nos.close(0)\nos.closerange(1, 3)",
    "recursion": "def f(): f()\nf()",
    "deep nesting": "x = []\nfor _ in range(10**5): x = [x]\nx",
    "a new statement": "match 1:\n    case 1: pass\ntype X = int\ntemplate = t'{x}'",
    "repr raises": "class A:\n    def __repr__(self): raise ValueError('no repr')\nA()",
    "repr is no text": "class A:\n    def __repr__(self): return 5\nA()",
    "repr exits": "class A:\n    def __repr__(self): raise SystemExit\nA()",
    "str of the error raises": (
        "class E(Exception):\n    def __str__(self): raise ValueError\nraise E"
    ),
    "error in a thread": (
        "import threading\nt = threading.Thread(target=lambda: 1/0)\nt.start()\nt.join()"
    ),
    "error in a destructor": "class D:\n    def __del__(self): 1/0\nd = D()\ndel d",
    "no excepthook": "import sys, threading\nthreading.excepthook = sys.excepthook = None",
    "exit": "exit()",
    "sys.exit": "import sys\nsys.exit(3)",
    "raise SystemExit": "raise SystemExit('bye')",
    "a lone surrogate": "print('\\ud800')\n'\\ud800'",
    "a NUL": "print('\\0')\n'\\0'",
    "a huge integer": "10 ** 5000",
    "signal handler removed": "import signal\nsignal.signal(signal.SIGINT, signal.SIG_DFL)",
    "builtins changed": "import builtins\nbuiltins.input = None\nbuiltins.print = None",
    "time changed": "import time\ntime.time = time.monotonic = lambda: 0",
    "modules emptied": "import sys\nsys.modules.pop('json')\nsys.modules.pop('traceback')",
    "event loop stopped": "import asyncio\nasyncio.get_running_loop().stop()",
    "all tasks cancelled": "import asyncio\n[t.cancel() for t in asyncio.all_tasks()]",
    "default encoding": "import locale\nlocale.setlocale(locale.LC_ALL, 'C')",
    "other folder": "import os, tempfile\nos.chdir(tempfile.mkdtemp())\nos.rmdir(os.getcwd())",
    "warnings are errors": "import warnings\nwarnings.simplefilter('error')",
    "garbage": "import gc\ngc.disable()\ngc.collect()",
}


@posix
@pytest.mark.parametrize("name", HARM)
def test_user_code_that_harms_its_process(launch, name):
    """The cell is answered, with its idle, and so is the next one."""
    run = launch()
    with run.connect() as client:
        client.execute(HARM[name])
        assert client.execute("6 * 7").result == "42"
        assert client.request("kernel_info_request", channel="control").content["status"] == "ok"
        client.request("shutdown_request", {"restart": False}, channel="control")
        assert run.wait() == 0


@posix
def test_exit_that_cannot_be_caught(launch):
    """`os._exit` ends the process; a client learns it from the process and from the heartbeat."""
    run = launch()
    with run.connect() as client:
        client.send("execute_request", {"code": "import os\nos._exit(3)"})
        assert run.wait() == 3
        assert not client.is_alive(0.2)


@posix
def test_endless_output_is_ended_by_an_interrupt(client):
    """An interrupt ends a cell that prints for ever, and all it printed is there before idle."""
    cell = client.send("execute_request", {"code": "n = 0\nwhile True:\n    n += 1\n    print(n)"})
    client.until(lambda: len(cell.text) > 100_000, "output")
    client.interrupt()
    assert client.wait(cell).content["ename"] == "KeyboardInterrupt"
    printed = [int(line) for line in cell.text.split()]
    assert printed == list(range(1, len(printed) + 1))
    assert int(client.execute("n").result) - len(printed) in {0, 1}


@posix
@pytest.mark.parametrize("name", ["python", "ipython"])
@pytest.mark.parametrize(
    "code",
    [
        pytest.param("breakpoint()\n", id="pdb"),
        pytest.param("import signal\nsignal.signal(2, lambda *_: None)", id="handler"),
        pytest.param("import signal\nsignal.signal(2, signal.SIG_IGN)", id="ignored"),
    ],
)
def test_interrupt_after_a_cell_that_took_the_signal(launch, name, code):
    """A handler of SIGINT that a cell or pdb sets lasts until its end; the next is interrupted."""
    with launch(name).connect(on_input=lambda _: "continue") as client:
        client.execute(code)
        code = "print('in', flush=True)\nwhile True: pass"
        cell = client.send("execute_request", {"code": code})
        client.until(lambda: cell.text, "output")
        client.interrupt()
        assert client.wait(cell).content["ename"] == "KeyboardInterrupt"


@posix
@pytest.mark.parametrize("name", ["python", "ipython"])
def test_process_looks_like_a_prompt(launch, name):
    """Programs in a cell see no arguments of the kernel's, and can use the descriptors."""
    run = launch(name)
    with run.connect() as client:
        code = "import argparse; argparse.ArgumentParser().parse_args()"
        assert client.execute(code).result == "Namespace()"
        code = "import faulthandler, sys; faulthandler.enable(); faulthandler.dump_traceback()"
        assert client.execute(code).reply.content["status"] == "ok"
        assert any("most recent call first" in line for line in run.log())
        code = (
            "import subprocess; subprocess.run(['echo', 'to stderr'], stdout=sys.stderr).returncode"
        )
        assert client.execute(code).result == "0"
        assert "to stderr" in run.log()
        cell = client.execute("import sys; sys.stdout.buffer.write('é'.encode()); print()")
        assert cell.text == "é\n"


@posix
@pytest.mark.parametrize("delay", [0.0, 0.02, 0.05, 0.1])
def test_interrupt_while_it_starts(tmp_path, delay):
    """A SIGINT during start-up ends the kernel or is ignored; it never leaves half a kernel."""
    argv = [sys.executable, "-m", "refimpl.python_kernel", "-f", "{connection_file}"]
    with run_kernel(tmp_path / "kernel", argv) as run:
        deadline = time.monotonic() + delay
        while time.monotonic() < deadline:  # the moment is what is tried here, not waited for
            pass
        run.process.send_signal(signal.SIGINT)
        with run.connect() as client:
            assert client.execute("6 * 7").result == "42"
