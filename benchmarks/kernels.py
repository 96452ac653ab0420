"""What a kernel costs: each measurement is a function of a running system and a count.

It returns what it has seen, one number a time, in seconds, bytes or per second.  It raises Failed
when the system does not do what it is asked for.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

import zmq

from refimpl.run_kernel import send

from .client import DEADLINE, SILENCE, Failed, Running, receive

MEGABYTE = 1_000_000
LINE = "a line of text\n"


@dataclass(frozen=True)
class Measure:
    """One row of the results. `count` is how often a round does it; `factor` turns to the unit."""

    key: str
    title: str
    unit: str
    factor: float
    count: int
    function: Callable[[Running, int], list[float]]
    more_is_better: bool = False
    floor: bool = False  # the floor can be measured, too


def _round_trips(sock: zmq.Socket[bytes], requests: list[list[bytes]]) -> list[float]:
    times = []
    clock = time.perf_counter
    for request in requests:
        begin = clock()
        send(sock, request)
        receive(sock)
        times.append(clock() - begin)
    return times


def cold_start(kernel: Running, count: int) -> list[float]:
    """Start the kernel: from the start of the process to the first kernel_info_reply."""
    return [kernel.restart() for _ in range(count)]


def memory(kernel: Running, count: int) -> list[float]:
    """Ask for the resident memory, after the first cell."""
    for request in [kernel.execute(kernel.cells["value"]) for _ in range(count)]:
        send(kernel.shell, request)
        receive(kernel.shell)
    kernel.quiet()
    return [kernel.memory()]


def kernel_info(kernel: Running, count: int) -> list[float]:
    """Ask what the kernel is: request to reply."""
    requests = [kernel.request("kernel_info_request") for _ in range(count)]
    times = _round_trips(kernel.shell, requests)
    kernel.quiet()
    return times


def execute_silent(kernel: Running, count: int) -> list[float]:
    """Run a cell silently: request to reply."""
    code = kernel.cells["nothing"]
    times = _round_trips(kernel.shell, [kernel.execute(code, silent=True) for _ in range(count)])
    kernel.quiet()
    return times


def to_idle(kernel: Running, code: str, count: int) -> list[float]:
    """Run a cell again and again: seconds from each request to its reply and idle."""
    times = []
    for request in [kernel.execute(code) for _ in range(count)]:
        begin = time.perf_counter()
        send(kernel.shell, request)
        for _ in kernel.until_idle(request):
            pass
        receive(kernel.shell)
        times.append(time.perf_counter() - begin)
    return times


def execute(kernel: Running, count: int) -> list[float]:
    """Run a cell that has a value: request to reply and idle."""
    return to_idle(kernel, kernel.cells["value"], count)


def failing(kernel: Running, count: int) -> list[float]:
    """Run a cell that raises: request to reply and idle."""
    return to_idle(kernel, kernel.cells["failure"], count)


def pipelined(kernel: Running, count: int) -> list[float]:
    """Send silent cells without waiting for replies: replies per second."""
    code = kernel.cells["nothing"]
    requests = [kernel.execute(code, silent=True) for _ in range(count)]
    begin = time.perf_counter()
    for request in requests:
        send(kernel.shell, request)
    for _ in requests:
        receive(kernel.shell)
    rate = count / (time.perf_counter() - begin)
    kernel.quiet()
    return [rate]


def _output(kernel: Running, code: str) -> tuple[float, list[bytes], bool]:
    """Run code: the seconds to idle, the contents that were published, whether idle came."""
    request = kernel.execute(code)
    wanted = json.loads(request[2])["msg_id"].encode()
    begin = time.perf_counter()
    send(kernel.shell, request)
    contents: list[bytes] = []
    while not (contents and b'"idle"' in contents[-1]):
        while not kernel.iopub.poll(int(1e3 * SILENCE)):
            if kernel.shell.poll(0):
                receive(kernel.shell)
                return time.perf_counter() - begin, contents, False
            if time.perf_counter() - begin > DEADLINE:
                raise Failed("does not come to an end")
        frames = receive(kernel.iopub)
        if wanted in frames[-3]:
            contents.append(frames[-1])
    seconds = time.perf_counter() - begin
    receive(kernel.shell)
    return seconds, contents, True


def _complete(contents: list[bytes], size: int, idle: bool) -> None:
    """Raise Failed if text is missing, or idle."""
    got = sum(len(json.loads(content).get("text", "")) for content in contents)
    lost = []
    if got < size:
        lost.append(f"{100 * (1 - got / size):.3g} % of the text")
    if not idle:
        lost.append("idle")
    if lost:
        raise Failed(f"loses {' and '.join(lost)}")


def lines(kernel: Running, count: int) -> list[float]:
    """Print many short lines: request to idle, if everything came."""
    code = kernel.cells["lines"].replace("{count}", str(count))
    seconds, contents, idle = _output(kernel, code)
    _complete(contents, count * len(LINE), idle)
    return [seconds]


def big_output(kernel: Running, count: int) -> list[float]:
    """Print lines of a megabyte: bytes per second to idle, if everything came."""
    code = kernel.cells["blocks"].replace("{count}", str(count))
    seconds, contents, idle = _output(kernel, code)
    _complete(contents, count * MEGABYTE, idle)
    return [count * MEGABYTE / seconds]


def control_busy(kernel: Running, count: int) -> list[float]:
    """Ask on control while a cell computes: request to reply."""
    requests = [kernel.request("kernel_info_request") for _ in range(count)]
    with kernel.busy():
        return _round_trips(kernel.control, requests)


def heartbeat_busy(kernel: Running, count: int) -> list[float]:
    """Listen for the heart while a cell computes: ping to pong."""
    with kernel.busy():
        return _round_trips(kernel.hb, [[b"ping"]] * count)


def subshell_busy(kernel: Running, count: int) -> list[float]:
    """Ask a subshell while a cell of the main shell computes: request to reply."""
    features = kernel.ask(kernel.shell, "kernel_info_request").get("supported_features", [])
    if "kernel subshells" not in features:
        raise Failed("has no subshells")
    made = kernel.ask(kernel.control, "create_subshell_request")
    name = made["subshell_id"]
    requests = [kernel.request("kernel_info_request", subshell_id=name) for _ in range(count)]
    with kernel.busy():
        return _round_trips(kernel.shell, requests)


def interrupt(kernel: Running, count: int) -> list[float]:
    """Interrupt a cell that computes: signal to reply."""
    times = []
    for _ in range(count):
        kernel.spin()
        times.append(kernel.interrupt())
    kernel.quiet()
    return times


MEASURES = (
    Measure("cold_start", "Cold start to the first reply", "ms", 1e3, 3, cold_start),
    Measure("memory", "Resident memory, idle", "MB", 1e-6, 3, memory),
    Measure("kernel_info", "kernel_info round trip", "µs", 1e6, 500, kernel_info, floor=True),
    Measure(
        "execute_silent", "Silent cell, to its reply", "µs", 1e6, 500, execute_silent, floor=True
    ),
    Measure("execute", "Cell in a notebook, to reply and idle", "µs", 1e6, 300, execute),
    Measure("failing", "Failing cell, to reply and idle", "µs", 1e6, 200, failing),
    Measure(
        "pipelined", "Silent cells without waiting", "/s", 1, 3000, pipelined, True, floor=True
    ),
    Measure("lines", "100,000 printed lines, to idle", "ms", 1e3, 100_000, lines),
    Measure("big_output", "100 MB in lines of 1 MB", "MB/s", 1e-6, 100, big_output, True),
    Measure("control_busy", "control while a cell computes", "µs", 1e6, 100, control_busy),
    Measure("subshell_busy", "Subshell while a cell computes", "µs", 1e6, 100, subshell_busy),
    Measure("heartbeat_busy", "Heartbeat while a cell computes", "µs", 1e6, 300, heartbeat_busy),
    Measure("interrupt", "Interrupt of a busy loop, to its reply", "ms", 1e3, 20, interrupt),
)
