"""What several test modules share: kernel processes, their clients, and specs to find them by."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupyter_client.jsonutil
import jupyter_client.session
import pytest
from watch import (  # noqa: F401 - every message of every test is held against the catalogue
    pytest_configure,
    pytest_runtest_call,
    pytest_runtest_setup,
    pytest_runtest_teardown,
    pytest_unconfigure,
)

from refimpl.run_client import KernelClient
from refimpl.wire import Connection, Message

ROOT = Path(__file__).parent.parent
TIMEOUT = 20.0  # seconds; only a test that fails waits so long

KERNELS = {
    "python": [sys.executable, "-m", "refimpl.python_kernel", "-f", "{connection_file}"],
    "ipython": [sys.executable, "-m", "refimpl.kernels.ipython", "-f", "{connection_file}"],
    "bash": [sys.executable, "-m", "refimpl.kernels.bash", "-f", "{connection_file}"],
    "echo": [sys.executable, "-m", "refimpl.kernels.echo", "-f", "{connection_file}"],
}


def pytest_collection_finish() -> None:
    """Let jupyter_client read dates, which ipyparallel ends for the process that imports it."""
    jupyter_client.session.extract_dates = jupyter_client.jsonutil.extract_dates


class Client(KernelClient):
    """A client that can also wait for anything a test can name."""

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        """Receive until the condition is true, and return what it returned."""
        deadline = time.monotonic() + TIMEOUT
        while not (found := condition()):
            left = deadline - time.monotonic()
            assert left > 0, f"no {what} within {TIMEOUT} s"
            self.receive(left)
        return found

    def arrived(self, msg_type: str) -> list[Message]:
        """List the messages of this type that came on iopub and belong to no open request."""
        others = self.client.others
        return [m for channel, m in others if channel == "iopub" and m.msg_type == msg_type]


@dataclass
class KernelRun:
    """A kernel process, where it listens, and what it writes to stderr."""

    process: subprocess.Popen[bytes]
    connection: Connection
    file: Path
    stderr: Path

    def connect(self, on_input: Callable[[Message], str] | None = None) -> Client:
        """Make a client of this kernel; it is ready when this returns."""
        client = Client(self.connection, on_input=on_input, process=self.process)
        try:
            client.wait_until_ready(TIMEOUT)
        except BaseException:
            client.close()
            raise
        client.client.others.clear()
        return client

    def log(self) -> list[str]:
        """Read the lines written to stderr so far. What was logged before a reply is there."""
        return self.stderr.read_text("utf-8").splitlines()

    def wait(self, timeout: float = TIMEOUT) -> int:
        """Wait for the end of the process; return its exit status."""
        return self.process.wait(timeout)


@contextlib.contextmanager
def run_kernel(
    folder: Path,
    argv: Sequence[str],
    env: dict[str, str] | None = None,
    **fields: Any,
) -> Iterator[KernelRun]:
    """Run a kernel on ports of its own choice; whatever becomes of it, it is dead afterwards."""
    folder.mkdir(exist_ok=True)
    file, stderr = folder / "connection.json", folder / "stderr.txt"
    ports = dict.fromkeys(("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port"), 0)
    given = {"transport": "tcp", "ip": "127.0.0.1", **ports, "key": "a key that two know"}
    Connection.from_dict({**given, "signature_scheme": "hmac-sha256", **fields}).write(file)
    with (
        stderr.open("wb") as log,
        subprocess.Popen(
            [part.replace("{connection_file}", str(file)) for part in argv],
            # Even if the tests are killed, the kernel does not outlive them.
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "JPY_PARENT_PID": str(os.getpid()),
                **(env or {}),
            },
            stdin=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        ) as process,
    ):
        try:
            deadline = time.monotonic() + TIMEOUT
            while not (connection := Connection.read(file)).hb_port:
                assert process.poll() is None, stderr.read_text("utf-8")
                assert time.monotonic() < deadline, f"no ports in {file} within {TIMEOUT} s"
                time.sleep(0.002)  # a file sends no event
            yield KernelRun(process, connection, file, stderr)
        finally:
            process.kill()


@pytest.fixture
def launch(tmp_path) -> Iterator[Callable[..., KernelRun]]:
    """Give a function that starts a kernel for one test: `launch("echo", transport="ipc", ...)`."""
    with contextlib.ExitStack() as running:

        def start(name: str = "python", **options: Any) -> KernelRun:
            argv = options.pop("argv", None) or KERNELS[name]
            folder = tmp_path / f"kernel-{time.monotonic_ns()}"
            return running.enter_context(run_kernel(folder, argv, **options))

        yield start


@pytest.fixture(scope="module")
def kernel(tmp_path_factory) -> Iterator[KernelRun]:
    """Run one Python kernel for all tests of a module."""
    with run_kernel(tmp_path_factory.mktemp("kernel"), KERNELS["python"]) as run:
        yield run


@pytest.fixture
def client(kernel) -> Iterator[Client]:
    """Connect a client to the module's kernel."""
    with kernel.connect() as client:
        yield client


class Gate:
    """A place at which code in another process waits until the test lets it go on.

    `code` is an expression for a cell: it connects, and returns when the gate is opened.
    `lifeline` only connects: the connection lasts as long as the process.
    """

    def __init__(self) -> None:
        """Listen."""
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(TIMEOUT)
        self._waiting: list[socket.socket] = []
        address = self._server.getsockname()
        connect = f"__import__('socket').create_connection({address})"
        # All sockets are kept: an interrupt that hits a destructor is lost, as Python has it.
        self.lifeline = f"globals().setdefault('_gates', []).append({connect})"
        self.code = f"({self.lifeline} or _gates[-1].recv(1))"

    def reached(self) -> None:
        """Wait until the code has come to the gate."""
        self._waiting.append(self._server.accept()[0])

    def open(self) -> None:
        """Let the code that waits go on."""
        self._waiting[-1].sendall(b"!")

    def left(self, timeout: float = TIMEOUT) -> None:
        """Wait until the process at the gate has ended."""
        self._waiting[-1].settimeout(timeout)
        with contextlib.suppress(ConnectionResetError):
            assert self._waiting[-1].recv(1) == b""

    def close(self) -> None:
        """Let everything go."""
        for each in [self._server, *self._waiting]:
            each.close()


@pytest.fixture
def gate() -> Iterator[Gate]:
    """Give a gate at which a cell can wait for the test."""
    with contextlib.closing(Gate()) as gate:
        yield gate


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory) -> Iterator[Path]:
    """Let Jupyter's programs find our kernels by name, and nothing of the machine's user."""
    home = tmp_path_factory.mktemp("jupyter")
    for name, argv in KERNELS.items():
        folder = home / "data" / "kernels" / f"refimpl-{name}"
        folder.mkdir(parents=True)
        spec = {
            "argv": argv,
            "display_name": f"{name} under test",
            "language": name,
            "env": {"PYTHONPATH": str(ROOT)},
        }
        (folder / "kernel.json").write_text(json.dumps(spec), "utf-8")
        by_message = home / "data" / "kernels" / f"refimpl-{name}-message"
        by_message.mkdir()
        spec = {**spec, "interrupt_mode": "message"}
        (by_message / "kernel.json").write_text(json.dumps(spec), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(home / "data"))
        patch.setenv("JUPYTER_RUNTIME_DIR", str(home / "runtime"))
        patch.setenv("JUPYTER_CONFIG_DIR", str(home / "config"))
        patch.setenv("JUPYTER_DATA_DIR", str(home / "user"))
        patch.setenv("IPYTHONDIR", str(home / "ipython"))
        yield home
