"""A kernel process, and the leanest client that can measure it: the same one for every system.

Requests are serialized before the clock starts.  Replies are received as frames, and nothing in
them is decoded but what the measurement asks for.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import zmq

from refimpl.run_kernel import send
from refimpl.wire import DELIMITER, PORTS, Connection, Message, Session

from .systems import System

ROOT = Path(__file__).resolve().parents[1]
DEADLINE = 20.0  # seconds: nothing that is measured takes as long
GIVE_UP = 3.0  # seconds after which an interrupt is said to be without effect
SILENCE = 2.0  # seconds without a message after the reply: what has not come by then is lost
# Ports that no system hands out to those who connect, so that nobody has them by the time they are
# bound; a client that connects to such a port before it is bound could even connect to itself.
PORT_RANGE = range(15_000, 30_000)

_receive_frame: Callable[[Any], bytes] = zmq.backend.Socket.recv
_option: Callable[[Any, int], Any] = zmq.backend.Socket.get
_RCVMORE = zmq.RCVMORE

# What the cells of the measurements say in each language. The Python ones end with an expression:
# xeus-python in raw mode publishes nothing of what others print.
CELLS: dict[str, dict[str, str]] = {
    "python": {
        "nothing": "x = 1",
        "value": "1 + 1",
        "failure": "1 / 0",
        "lines": "for i in range({count}): print('a line of text')\nNone",
        "blocks": "for i in range({count}): print('x' * 999_999)\nNone",
        "spin": "print('go', flush=True)\nwhile True: pass\nNone",
    },
    "typescript": {
        "nothing": "x = 1",
        "value": "1 + 1",
        "failure": "throw new Error('no')",
        "lines": "for (let i = 0; i < {count}; i++) console.log('a line of text')",
        "blocks": "for (let i = 0; i < {count}; i++) console.log('x'.repeat(999_999))",
        "spin": "console.log('go'); while (true);",
    },
}


class Failed(Exception):
    """A system did not do what was asked; the text says what it did instead."""


def receive(sock: zmq.Socket[bytes]) -> list[bytes]:
    """Receive the frames of one message. Raises Failed after the deadline."""
    try:
        frames = [_receive_frame(sock)]
    except zmq.Again:
        raise Failed("does not answer") from None
    while _option(sock, _RCVMORE):
        frames.append(_receive_frame(sock))
    return frames


class Running:
    """A running system and the sockets to it; `shell`, `control`, `hb` and `iopub`.

    A floor has `shell` alone.
    """

    shell: zmq.Socket[bytes]
    control: zmq.Socket[bytes]
    hb: zmq.Socket[bytes]
    iopub: zmq.Socket[bytes]

    def __init__(self, system: System) -> None:
        """Start the system. Raises Failed if it does not answer."""
        self.system = system
        self.cells = CELLS[system.language]
        self.process: subprocess.Popen[bytes] | None = None
        try:
            self.restart()
        except BaseException:
            self.close()
            raise

    def restart(self) -> float:
        """Start it anew; return the seconds from the start of the process to its first reply."""
        self.close()
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._folder = tempfile.TemporaryDirectory(prefix="benchmark-")
        path = Path(self._folder.name, "connection.json")
        connection = Connection.from_dict(
            {
                "transport": "tcp",
                "ip": "127.0.0.1",
                "key": "0123456789abcdef",
                "signature_scheme": "hmac-sha256",
                **dict(zip(PORTS, _free_ports(len(PORTS)), strict=True)),
            }
        )
        connection.write(path)
        self.session: Session = connection.new_session()
        command = self.system.command(
            connection_file=str(path), url=connection.url("shell"), key=connection.key
        )
        request = self.request("kernel_info_request")
        begin = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment(),
            start_new_session=sys.platform != "win32",  # Ctrl-C is for us alone
        )
        self.shell = self._connect(connection, "shell", zmq.DEALER)
        send(self.shell, request)
        self._await_first_reply()
        cold_start = time.perf_counter() - begin
        if not self.system.is_floor:
            self.control = self._connect(connection, "control", zmq.DEALER)
            self.hb = self._connect(connection, "hb", zmq.REQ)
            self.iopub = self._connect(connection, "iopub", zmq.SUB)
            while not self.iopub.poll(20):  # a subscription takes a moment: ask until it is heard
                send(self.shell, self.request("kernel_info_request"))
                receive(self.shell)
            self.quiet()
        return cold_start

    def _await_first_reply(self) -> None:
        assert self.process is not None  # it has been started
        for _ in range(round(DEADLINE)):
            if self.shell.poll(1000):
                receive(self.shell)
                return
            if self.process.poll() is not None:
                raise Failed(f"ends at once, with status {self.process.returncode}")
        raise Failed("does not answer")

    def _connect(self, connection: Connection, channel: str, kind: int) -> zmq.Socket[bytes]:
        sock = self.context.socket(kind)
        sock.linger = sock.rcvhwm = sock.sndhwm = 0
        sock.rcvtimeo = int(1e3 * DEADLINE)
        sock.reconnect_ivl = 1  # milliseconds: a system that starts is noticed at once
        if kind == zmq.SUB:
            sock.subscribe(b"")
        sock.connect(connection.url(channel))
        return sock

    def request(
        self, msg_type: str, subshell_id: str | None = None, **content: object
    ) -> list[bytes]:
        """Serialize a request."""
        message = self.session.message(msg_type, content)
        if subshell_id is not None:
            message.header["subshell_id"] = subshell_id
        return self.session.serialize(message)

    def execute(self, code: str, silent: bool = False) -> list[bytes]:
        """Serialize an execute_request, as a notebook sends it."""
        return self.request(
            "execute_request",
            code=code,
            silent=silent,
            store_history=not silent,
            user_expressions={},
            allow_stdin=False,
            stop_on_error=False,
        )

    def ask(self, sock: zmq.Socket[bytes], msg_type: str) -> dict[str, Any]:
        """Send a request and return the content of the reply."""
        send(sock, self.request(msg_type))
        reply: Message = self.session.deserialize(receive(sock))
        return reply.content

    def quiet(self) -> None:
        """Take everything off iopub until it has been silent for a moment."""
        while not self.system.is_floor and self.iopub.poll(50):
            receive(self.iopub)

    def until_idle(self, request: list[bytes]) -> Iterator[bytes]:
        """Yield the contents, as JSON, of what iopub brings for a request, up to its idle."""
        wanted = json.loads(request[2])["msg_id"].encode()
        while True:
            frames = receive(self.iopub)
            at = frames.index(DELIMITER)
            if wanted in frames[at + 3]:
                yield frames[at + 5]
                if b'"idle"' in frames[at + 5]:
                    return

    def spin(self) -> None:
        """Run a cell that ends only when it is interrupted; return once it runs."""
        self.quiet()
        request = self.execute(self.cells["spin"])
        send(self.shell, request)
        for content in self.until_idle(request):
            if b'"go' in content:
                return
        raise Failed("does not begin to spin")

    def interrupt(self) -> float:
        """Interrupt the cell that runs; return the seconds to its reply. Raises Failed."""
        assert self.process is not None  # it has been started
        begin = time.perf_counter()
        self.process.send_signal(signal.SIGINT)
        if not self.shell.poll(int(1e3 * GIVE_UP)):
            raise Failed("goes on spinning")
        receive(self.shell)
        return time.perf_counter() - begin

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """Let a cell spin in the block; whom an interrupt does not stop is started anew."""
        self.spin()
        yield
        try:
            self.interrupt()
        except Failed:
            self.restart()
        self.quiet()

    def memory(self) -> int:
        """Return the bytes that the process and its children keep in memory."""
        # Who only reads results, as the pages do, need not have it.
        import psutil  # type: ignore[import-untyped]

        assert self.process is not None  # it has been started
        process = psutil.Process(self.process.pid)
        return sum(int(p.memory_info().rss) for p in (process, *process.children(recursive=True)))

    def close(self) -> None:
        """End the process, and close the sockets."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
            self.context.destroy(0)
            self._folder.cleanup()


def environment() -> dict[str, str]:
    """Return what the systems find in their environment.

    Bytecode is written and found, as where a kernel is installed.
    """
    variables = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**variables, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}


def _free_ports(count: int) -> list[int]:
    """Find ports that are free now; the peers cannot choose their own."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    sockets = [context.socket(zmq.REP) for _ in range(count)]
    first, last = PORT_RANGE.start, PORT_RANGE.stop
    ports = [sock.bind_to_random_port("tcp://127.0.0.1", first, last) for sock in sockets]
    context.destroy(0)
    return ports
