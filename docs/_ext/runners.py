"""Run the body of an `{exchange}` and record what was sent.

`machine` runs the kernel in this process, without sockets: its `send` appends to the recording.
`zmq` runs it in a process of its own, over loopback (see `tapped_kernel`).

The body has `client` in scope, and `client2`, a second front end with a session of its own. Both
have the methods of `refimpl.run_client.KernelClient`, so readers can run the same lines themselves.
With `zmq` there is also `client.wait_for(exchange, msg_type)`, which waits for one message of a
request that is still running, and `client.wait_for_event(name)`, for an event of the debugger.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from refimpl.__main__ import load_kernel
from refimpl.client import Client, Exchange
from refimpl.kernel import stream_message
from refimpl.run_client import TIMEOUT, KernelClient, start_kernel
from refimpl.wire import Connection, Message, Session

from .paths import ROOT
from .record import Sent, Step, check, check_recording, in_order, plain

LANES = ("client", "kernel", "client2")
DEADLINE = 30.0  # seconds for a whole exchange


def sources() -> list[Path]:
    """Return the files that a recording depends on."""
    return sorted((ROOT / "refimpl").rglob("*.py"))


def record(code: str, runner: str, filename: str, kernel: str = "python") -> list[Sent]:
    """Run the body in a thread with a deadline; return what was sent, in order and checked.

    Raises what the body raises, ProtocolError for a message that breaks the protocol, and
    TimeoutError when it takes too long.
    """
    body = compile(code, filename, "exec")
    lanes = ("client", "client2") if "client2" in body.co_names else ("client",)
    outcome: list[Any] = []

    def run() -> None:
        try:
            with RUNNERS[runner](lanes, kernel) as stage:
                exec(body, {"__name__": "__exchange__", **stage.clients})
                recording = stage.finish()
            check_recording(recording)
            outcome.append(recording)
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=run, name="exchange", daemon=True)
    thread.start()
    thread.join(DEADLINE)
    if not outcome:
        raise TimeoutError(f"expected the exchange to end within {DEADLINE:g} s")
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return list(outcome[0])


# --- in this process ---------------------------------------------------------------------------


class Machine:
    """A kernel in this process and its clients; requests are handled one after the other."""

    def __init__(self, lanes: Sequence[str], kernel: str) -> None:
        """Make the kernel, and a client for each lane."""
        self.clients = {lane: MachineClient(lane, self) for lane in lanes}
        self._recording: list[Sent] = []
        self._waiting: deque[Message] = deque()
        self._texts: list[tuple[str, str, Message | None]] = []
        self._kernel = load_kernel(kernel)(send=self._send, write=self._write, ask=self._ask)

    def finish(self) -> list[Sent]:
        """Handle what nobody has waited for; return the recording."""
        self.work()
        return self._recording

    def accept(self, message: Message, sender: str, channel: str) -> None:
        """Take a client's request; control is not kept waiting."""
        self._note(message, sender, channel, ("kernel",))
        if channel == "control":
            asyncio.run(self._kernel.handle(message, channel))
        else:
            self._waiting.append(message)

    def work(self) -> None:
        """Handle the requests that wait on shell."""
        while self._waiting:
            asyncio.run(self._kernel.handle(self._waiting.popleft()))
        self._kernel.queue_is_empty()

    def _note(self, message: Message, sender: str, channel: str, to: Sequence[str]) -> None:
        check(message)
        self._recording.append(Sent(sender, tuple(to), channel, plain(message)))

    def _send(self, channel: str, message: Message) -> None:
        self._flush()
        to = [
            client
            for client in self.clients.values()
            if channel == "iopub"
            or client.client.session.session == message.parent_header["session"]
        ]
        self._note(message, "kernel", channel, [client.lane for client in to])
        for client in to:
            client.client.receive(channel, message)

    def _write(self, name: str, text: str, parent: Message | None) -> None:
        """Keep text until the next message, as the real kernel does."""
        if self._texts and self._texts[-1][0] == name and self._texts[-1][2] is parent:
            text = self._texts.pop()[1] + text
        self._texts.append((name, text, parent))

    def _flush(self) -> None:
        texts, self._texts = self._texts, []
        for text in texts:
            self._send("iopub", stream_message(self._kernel.session, *text))

    def _ask(self, question: Message) -> Message:
        self._send("stdin", question)
        session = question.parent_header["session"]
        client = next(c for c in self.clients.values() if c.client.session.session == session)
        answer = client.answer(question)
        self._note(answer, client.lane, "stdin", ("kernel",))
        return answer


class MachineClient(KernelClient):
    """A client without sockets; `request` and `execute` are those of the real one."""

    def __init__(self, lane: str, machine: Machine) -> None:  # without sockets: no super().__init__
        """Take the name of its lane in the diagram."""
        self.lane = lane
        self.client = Client(Session())
        self.on_input = None
        self._machine = machine

    def send(
        self,
        msg_type: str,
        content: dict[str, Any] | None = None,
        *,
        channel: str = "shell",
        subshell_id: str | None = None,
    ) -> Exchange:
        """Give a request to the machine."""
        exchange = self.client.request(msg_type, content, channel=channel, subshell_id=subshell_id)
        self._machine.accept(exchange.request, self.lane, channel)
        return exchange

    def wait(self, exchange: Exchange, timeout: float = TIMEOUT) -> Exchange:
        """Let the machine work. Raises TimeoutError when nothing more can come."""
        self._machine.work()
        if not exchange.is_complete:
            raise TimeoutError(
                f"{exchange.request.msg_type}: expected a reply and idle, got neither"
            )
        return exchange

    def answer(self, question: Message) -> Message:
        """Make the reply to an input_request, as `on_input` says."""
        if self.on_input is None:
            raise ValueError("the kernel asks for input: expected client.on_input to be set")
        content = {"value": self.on_input(question)}
        return self.client.session.message("input_reply", content, parent=question)


@contextmanager
def run_machine(lanes: Sequence[str], kernel: str) -> Iterator[Machine]:
    """Offer a kernel in this process."""
    yield Machine(lanes, kernel)


# --- in a process of its own -------------------------------------------------------------------


class Loopback:
    """A kernel process and its clients; both ends write down what they send."""

    def __init__(self, lanes: Sequence[str], connection: Connection, log: Path) -> None:
        """Connect a client for each lane."""
        self.steps: list[Step] = []
        self.seen: set[tuple[str, str]] = set()
        self._log = log
        self.clients = {lane: TappedClient(lane, self, connection) for lane in lanes}

    def finish(self) -> list[Sent]:
        """Wait for what nobody has waited for; return both logs as one recording."""
        for client in self.clients.values():
            for exchange in client.open:
                client.wait(exchange)
        lanes = {client.client.session.session: lane for lane, client in self.clients.items()}
        ours = {step.sent.message["header"]["msg_id"] for step in self.steps}
        kernel: dict[str, list[Sent]] = {}
        for line in self._log.read_text("utf-8").splitlines():
            entry = json.loads(line)
            message, channel = entry["message"], entry["channel"]
            parent = message["parent_header"]
            if parent.get("msg_id") not in ours:
                continue  # starting, welcome, and the answers to the one who started the kernel
            to = tuple(lanes.values()) if channel == "iopub" else (lanes[parent["session"]],)
            stopped = message["content"].get("event") == "stopped"
            thread = "MainThread" if stopped else entry["thread"]  # which waits from here on
            kernel.setdefault(thread, []).append(Sent("kernel", to, channel, message))
        return in_order(self.steps, kernel)

    def close(self) -> None:
        """Disconnect the clients."""
        for client in self.clients.values():
            client.close()


class TappedClient(KernelClient):
    """A client that writes down what it sends, and after which messages it did."""

    def __init__(self, lane: str, stage: Loopback, connection: Connection) -> None:
        """Connect, and wait until iopub is heard."""
        super().__init__(connection)
        self.open: list[Exchange] = []
        self._lane = lane
        self._stage = stage
        deadline = time.monotonic() + TIMEOUT
        while not self.client.others:  # the first message is iopub_welcome
            if not self.receive(deadline - time.monotonic()):
                raise TimeoutError("iopub: expected iopub_welcome, got nothing")

    def _note(self, message: Message, channel: str) -> None:
        check(message)
        sent = Sent(self._lane, ("kernel",), channel, plain(message))
        self._stage.steps.append(Step(sent, frozenset(self._stage.seen)))

    def send(
        self,
        msg_type: str,
        content: dict[str, Any] | None = None,
        *,
        channel: str = "shell",
        subshell_id: str | None = None,
    ) -> Exchange:
        """Send a request, and write it down."""
        exchange = super().send(msg_type, content, channel=channel, subshell_id=subshell_id)
        self._note(exchange.request, channel)
        self.open.append(exchange)
        return exchange

    def wait(self, exchange: Exchange, timeout: float = TIMEOUT) -> Exchange:
        """Wait for the end of a request."""
        super().wait(exchange, timeout)
        self._stage.seen.add((exchange.request.msg_id, "idle"))
        return exchange

    def wait_for(self, exchange: Exchange, msg_type: str, timeout: float = TIMEOUT) -> Exchange:
        """Wait for a message that is published while the request runs. Raises TimeoutError."""
        deadline = time.monotonic() + timeout
        while not any(message.msg_type == msg_type for message in exchange.outputs):
            if exchange.is_complete or not self.receive(deadline - time.monotonic()):
                raise TimeoutError(f"{exchange.request.msg_type}: expected {msg_type}, got none")
        self._stage.seen.add((exchange.request.msg_id, msg_type))
        return exchange

    def wait_for_event(self, name: str, timeout: float = TIMEOUT) -> dict[str, Any]:
        """Wait for an event of the debugger; return its content. Raises TimeoutError."""
        deadline = time.monotonic() + timeout
        while (event := self._find_event(name)) is None:
            if not self.receive(deadline - time.monotonic()):
                raise TimeoutError(f"expected the event {name}, got none")
        self._stage.seen.add((event.parent_header["msg_id"], name))
        return event.content

    def _find_event(self, name: str) -> Message | None:
        """Look through what belongs to our requests, and what came when they had ended."""
        outputs = [message for exchange in self.open for message in exchange.outputs]
        outputs += [message for _, message in self.client.others]
        events = (message for message in outputs if message.msg_type == "debug_event")
        return next((event for event in events if event.content["event"] == name), None)

    def _answer(self, request: Message) -> None:
        self._stage.seen.add((request.parent_header["msg_id"], "input_request"))
        serialize = self.client.session.serialize

        def noting(message: Message) -> list[Any]:
            self._note(message, "stdin")
            return serialize(message)

        with patch.object(self.client.session, "serialize", noting):
            super()._answer(request)


@contextmanager
def run_zmq(lanes: Sequence[str], kernel: str) -> Iterator[Loopback]:
    """Offer a kernel in a process of its own, which ends with the block."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        log = Path(folder, "sent.jsonl")
        here = Path(__file__).with_name("tapped_kernel.py")
        argv = [sys.executable, str(here), str(log), kernel, "-f", "{connection_file}"]
        with start_kernel(argv, timeout=TIMEOUT) as starter:
            stage = Loopback(lanes, starter.connection, log)
            try:
                yield stage
            finally:
                stage.close()


RUNNERS: dict[str, Callable[[Sequence[str]], AbstractContextManager[Machine | Loopback]]] = {
    "machine": run_machine,
    "zmq": run_zmq,
}
