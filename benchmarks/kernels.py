"""What a kernel costs: each measurement is one function of a running kernel.

The client is as lean as can be: requests are serialized before the clock starts, replies are
received as frames and not decoded.  The floor is a ROUTER socket in another process that sends
every message back: what remains above it is the kernel's own work.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import zmq

from refimpl.wire import DELIMITER, Connection, Session

DEADLINE = 60_000  # milliseconds: nothing measured here takes as long

KERNELS = {
    "refimpl python": [sys.executable, "-m", "refimpl", "kernel", "python", "-f"],
    "ipykernel": [sys.executable, "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f"],
}


class Kernel:
    """A kernel process and three sockets to it."""

    def __init__(self, argv: list[str]) -> None:
        """Start it, and wait until it answers and iopub is heard; `cold_start` is how long."""
        self._folder = tempfile.TemporaryDirectory(prefix="bench-")
        path = Path(self._folder.name, "connection.json")
        connection = Connection("tcp", "127.0.0.1", *_free_ports(5), key="0123456789abcdef")
        connection.write(path)
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.session: Session = connection.new_session()
        self.process = subprocess.Popen([*argv, str(path)], stderr=subprocess.DEVNULL)
        begin = time.perf_counter()
        self.shell, self.control, self.hb, self.iopub = (
            self._connect(connection, *kind)
            for kind in (
                ("shell", zmq.DEALER),
                ("control", zmq.DEALER),
                ("hb", zmq.REQ),
                ("iopub", zmq.SUB),
            )
        )
        self.shell.send_multipart(self.request("kernel_info_request"))
        receive(self.shell)
        self.cold_start = time.perf_counter() - begin
        while not self.iopub.poll(20):  # a subscription takes a moment: ask until it is heard
            self.shell.send_multipart(self.request("kernel_info_request"))
            receive(self.shell)
        self.quiet()

    def _connect(self, connection: Connection, channel: str, kind: int) -> zmq.Socket[bytes]:
        sock = self.context.socket(kind)
        sock.linger, sock.rcvhwm, sock.sndhwm = 0, 0, 0
        if kind == zmq.SUB:
            sock.subscribe(b"")
        sock.connect(connection.url(channel))
        return sock

    def request(self, msg_type: str, **content: object) -> list[bytes]:
        """Serialize a request."""
        return self.session.serialize(self.session.message(msg_type, content))

    def execute(self, code: str, silent: bool = False) -> list[bytes]:
        """Serialize an execute_request."""
        return self.request(
            "execute_request",
            code=code,
            silent=silent,
            store_history=not silent,
            user_expressions={},
            allow_stdin=False,
            stop_on_error=False,
        )

    def quiet(self) -> None:
        """Take everything off iopub until it has been silent for a moment."""
        while self.iopub.poll(50):
            self.iopub.recv_multipart()

    def close(self) -> None:
        """End the kernel."""
        self.process.kill()
        self.process.wait()
        self.context.destroy(0)
        self._folder.cleanup()


def _free_ports(count: int) -> list[int]:
    """Find ports that are free now; the peers cannot choose their own."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    sockets = [context.socket(zmq.REP) for _ in range(count)]
    ports = [sock.bind_to_random_port("tcp://127.0.0.1") for sock in sockets]
    context.destroy(0)
    return ports


def receive(sock: zmq.Socket[bytes]) -> list[bytes]:
    """Receive one message, or fail after the deadline."""
    if not sock.poll(DEADLINE):
        raise TimeoutError("a kernel did not answer in time")
    return sock.recv_multipart()


def until_idle(kernel: Kernel, request: list[bytes]) -> Iterator[list[bytes]]:
    """Yield what iopub brings for a request, up to its idle."""
    wanted = json.loads(request[2])["msg_id"].encode()
    while True:
        frames = receive(kernel.iopub)
        at = frames.index(DELIMITER)
        if wanted in frames[at + 3]:
            yield frames
            if b'"idle"' in frames[at + 5]:
                return


def round_trips(
    kernel: Kernel, requests: list[list[bytes]], sock: zmq.Socket[bytes] | None = None
) -> float:
    """Median seconds from a request to its reply."""
    sock = sock or kernel.shell
    times = []
    for request in requests:
        begin = time.perf_counter()
        sock.send_multipart(request)
        receive(sock)
        times.append(time.perf_counter() - begin)
    kernel.quiet()
    return statistics.median(times)


def kernel_info(kernel: Kernel) -> float:
    """kernel_info round trip, p50 (µs)"""
    return 1e6 * round_trips(kernel, [kernel.request("kernel_info_request") for _ in range(300)])


def execute_silent(kernel: Kernel) -> float:
    """silent execute to reply, p50 (µs)"""
    return 1e6 * round_trips(kernel, [kernel.execute("x = 1", silent=True) for _ in range(300)])


def execute(kernel: Kernel, code: str = "1 + 1", count: int = 200) -> float:
    """execute as a notebook does, to reply and idle, p50 (µs)"""
    times = []
    for request in [kernel.execute(code) for _ in range(count)]:
        begin = time.perf_counter()
        kernel.shell.send_multipart(request)
        for _ in until_idle(kernel, request):
            pass
        receive(kernel.shell)
        times.append(time.perf_counter() - begin)
    return 1e6 * statistics.median(times)


def failing(kernel: Kernel) -> float:
    """failing cell, to reply and idle, p50 (µs)"""
    return execute(kernel, "1 / 0", 100)


def pipelined(kernel: Kernel) -> float:
    """pipelined executes (/s)"""
    requests = [kernel.execute("x = 1", silent=True) for _ in range(2000)]
    begin = time.perf_counter()
    for request in requests:
        kernel.shell.send_multipart(request)
    for _ in requests:
        receive(kernel.shell)
    rate = len(requests) / (time.perf_counter() - begin)
    kernel.quiet()
    return rate


def _text(kernel: Kernel, code: str) -> tuple[float, int]:
    """Run code; return the seconds to idle and the characters that were printed."""
    request = kernel.execute(code)
    begin = time.perf_counter()
    kernel.shell.send_multipart(request)
    messages = list(until_idle(kernel, request))
    seconds = time.perf_counter() - begin
    receive(kernel.shell)
    contents = (json.loads(frames[frames.index(DELIMITER) + 5]) for frames in messages)
    return seconds, sum(len(content.get("text", "")) for content in contents)


def lines(kernel: Kernel) -> float:
    """100,000 printed lines, to idle (ms)"""
    seconds, size = _text(kernel, "for i in range(100_000): print('a line of text')")
    return 1e3 * seconds if size == 100_000 * 15 else float("nan")


def big_output(kernel: Kernel) -> float:
    """100 MB of output (MB/s)"""
    seconds, size = _text(kernel, "print(100 * 'x' * 1_000_000, end='')")
    return 100 / seconds if size == 100_000_000 else float("nan")


def _while_busy(kernel: Kernel, measure: Callable[[], float]) -> float:
    """Measure while a cell spins, then interrupt it."""
    kernel.quiet()
    spin = kernel.execute("print('go', flush=True)\nwhile True: pass")
    kernel.shell.send_multipart(spin)
    for frames in until_idle(kernel, spin):
        if b'"go' in frames[frames.index(DELIMITER) + 5]:
            break
    result = measure()
    kernel.process.send_signal(signal.SIGINT)
    receive(kernel.shell)
    kernel.quiet()
    return result


def control_busy(kernel: Kernel) -> float:
    """control round trip while a cell spins, p50 (µs)"""
    requests = [kernel.request("kernel_info_request") for _ in range(50)]
    times: list[float] = []

    def measure() -> float:
        for request in requests:
            begin = time.perf_counter()
            kernel.control.send_multipart(request)
            receive(kernel.control)
            times.append(time.perf_counter() - begin)
        return 1e6 * statistics.median(times)

    return _while_busy(kernel, measure)


def heartbeat_busy(kernel: Kernel) -> float:
    """heartbeat while a cell spins, p50 (µs)"""

    def measure() -> float:
        times = []
        for _ in range(200):
            begin = time.perf_counter()
            kernel.hb.send(b"ping")
            if not kernel.hb.poll(DEADLINE):
                raise TimeoutError("no heartbeat")
            kernel.hb.recv()
            times.append(time.perf_counter() - begin)
        return 1e6 * statistics.median(times)

    return _while_busy(kernel, measure)


def interrupt(kernel: Kernel) -> float:
    """interrupt of a busy loop to its reply, p50 (ms)"""
    times = []
    for _ in range(10):
        spin = kernel.execute("print('go', flush=True)\nwhile True: pass")
        kernel.shell.send_multipart(spin)
        for frames in until_idle(kernel, spin):
            if b'"go' in frames[frames.index(DELIMITER) + 5]:
                break
        begin = time.perf_counter()
        kernel.process.send_signal(signal.SIGINT)
        receive(kernel.shell)
        times.append(time.perf_counter() - begin)
    kernel.quiet()
    return 1e3 * statistics.median(times)


def memory(kernel: Kernel) -> float:
    """resident memory when idle (MB)"""
    status = Path(f"/proc/{kernel.process.pid}/status")
    if not status.exists():
        return float("nan")
    size = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return int(size.split()[1]) / 1024


MEASUREMENTS: list[Callable[[Kernel], float]] = [
    memory,
    kernel_info,
    execute_silent,
    execute,
    failing,
    pipelined,
    lines,
    big_output,
    control_busy,
    heartbeat_busy,
    interrupt,
]

_ECHO = """
import zmq
sock = zmq.Context().socket(zmq.ROUTER)
print(sock.bind_to_random_port("tcp://127.0.0.1"), flush=True)
while True:
    sock.send_multipart(sock.recv_multipart())
"""


@contextlib.contextmanager
def echo() -> Iterator[zmq.Socket[bytes]]:
    """Start the floor: a process that sends every message back."""
    argv = [sys.executable, "-c", _ECHO]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, env=os.environ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        sock = context.socket(zmq.DEALER)
        sock.connect(f"tcp://127.0.0.1:{port}")
        yield sock
        context.destroy(0)
        process.kill()


def floor(sock: zmq.Socket[bytes]) -> dict[str, float]:
    """Measure the floor: round trip (µs) and messages per second when pipelined."""
    session = Session(b"key")
    frames = session.serialize(session.message("kernel_info_request"))
    times = []
    for _ in range(500):
        begin = time.perf_counter()
        sock.send_multipart(frames)
        receive(sock)
        times.append(time.perf_counter() - begin)
    begin = time.perf_counter()
    for _ in range(2000):
        sock.send_multipart(frames)
    for _ in range(2000):
        receive(sock)
    return {
        "round trip": 1e6 * statistics.median(times),
        "pipelined": 2000 / (time.perf_counter() - begin),
    }
