"""Recorded messages: put in order, checked, and made the same in every build.

A recording holds each message as its sender sent it. Two sockets have no common order at a
receiver, so nothing here looks at the receiving side.
"""

from __future__ import annotations

import itertools
import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from refimpl.messages import KERNEL, SEND, find
from refimpl.messages.problem import ERROR, Problem
from refimpl.messages.transcript import check_transcript
from refimpl.wire import InvalidContent, Message, Session

from .paths import ROOT

DATE = "2026-01-01T12:00:00.000000Z"
PORT = 50001
UUID = re.compile(r"\b[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\b")
CELL_FOLDER = re.compile(r"[^\s\"']*[/\\](ipykernel_)\w{8}\b[/\\]")  # where cells are dumped
PROCESS = 4711
ADDRESS = re.compile(r"\b0x[0-9a-f]{6,16}\b")


@dataclass(frozen=True)
class Sent:
    """One message of a recording.

    `sender` and `receivers` are lanes of the diagram: "kernel", "client", "client2".
    `message` holds header, parent_header, metadata, content and the sizes of the buffers in bytes.
    """

    sender: str
    receivers: tuple[str, ...]
    channel: str
    message: dict[str, Any]

    @property
    def msg_type(self) -> str:
        """The type of the message."""
        return str(self.message["header"]["msg_type"])

    @property
    def content(self) -> dict[str, Any]:
        """The content of the message."""
        return dict(self.message["content"])

    @property
    def parent(self) -> str:
        """The msg_id of the message that this one answers; empty when it answers none."""
        return str(self.message["parent_header"].get("msg_id", ""))


@dataclass(frozen=True)
class Step:
    """A message of a client, and what had been answered before: (msg_id of a request, what).

    What is "idle" for the end of a request, or the type of a message that belongs to it, or the
    name of an event of the debugger.
    """

    sent: Sent
    after: frozenset[tuple[str, str]]


def in_order(steps: Sequence[Step], kernel: Mapping[str, Sequence[Sent]]) -> list[Sent]:
    """Join what the clients sent with what each thread of the kernel sent, causes before effects.

    A client's message comes as early as what it waited for allows, a kernel's after its parent;
    control comes before subshells, and these before the main shell. So the order is the same
    always, whatever the clocks did.
    Raises ValueError for messages whose cause is not in the recording.
    """
    clients = deque(steps)
    threads = [deque(kernel[name]) for name in sorted(kernel, key=_turn)]
    order: list[Sent] = []
    sent_ids: set[str] = set()
    done: set[tuple[str, str]] = set()
    while clients or any(threads):
        ready = next((queue for queue in threads if queue and queue[0].parent in sent_ids), None)
        if clients and clients[0].after <= done:
            sent = clients.popleft().sent
            sent_ids.add(sent.message["header"]["msg_id"])
        elif ready:
            sent = ready.popleft()
            content = sent.content
            what = content.get("execution_state") or content.get("event") or sent.msg_type
            done.add((sent.parent, what))
        else:
            raise ValueError("recording: expected the cause of every message, got effects alone")
        order.append(sent)
    return order


def _turn(thread: str) -> tuple[bool, bool, str]:
    """Sort the threads of a kernel: those that nothing keeps waiting come first."""
    return thread != "control", thread == "MainThread", thread


def plain(message: Message) -> dict[str, Any]:
    """Turn a message into the dict that a page shows."""
    shown: dict[str, Any] = {
        "header": message.header,
        "parent_header": message.parent_header,
        "metadata": message.metadata,
        "content": message.content,
    }
    if message.buffers:
        shown["buffers"] = [f"{memoryview(buffer).nbytes} bytes" for buffer in message.buffers]
    return shown


def check(message: Message) -> None:
    """Check that a message can be sent: through a signed session, and back.

    Raises ProtocolError, and TypeError or ValueError for content that has no form in JSON.
    """
    sender, receiver = Session(b"key"), Session(b"key")
    receiver.deserialize(sender.serialize(message)).check()


def check_recording(recording: Sequence[Sent]) -> None:
    """Hold what was sent against the catalogue: each message, its way, and their order.

    Nothing on a page may break the protocol, so the strict profile applies.
    Raises InvalidContent, which names what is wrong with which message.
    """
    entries = [
        {"channel": sent.channel, "sender": sent.sender, "message": sent.message}
        for sent in recording
    ]
    problems = [
        f"{recording[_index(each)].msg_type}: {each}"
        for each in check_transcript(entries, SEND, protocol=KERNEL)
        if each.level == ERROR
    ]
    problems += [
        f"{sent.msg_type}: expected a message of the catalogue"
        for sent in recording
        if not find(sent.msg_type, protocol=KERNEL)
    ]
    if problems:
        raise InvalidContent("\n".join(problems))


def _index(problem: Problem) -> int:
    return int(problem.path[1:].partition("]")[0])


def normalise(recording: Iterable[Sent]) -> list[Sent]:
    """Replace what differs from run to run: ids, sessions, dates, users, ports and addresses.

    Ids are numbered in the order in which they first appear: msg-1, session-1, id-1.
    So is what the debugger says, since its events and its replies come from two threads.
    """
    recording = list(recording)
    names: dict[str, str] = {}
    for kind, key in (("session", "session"), ("msg", "msg_id")):
        number = 0
        for sent in recording:
            for part in ("header", "parent_header"):
                value = sent.message[part].get(key)
                if value and value not in names:
                    number += 1
                    names[value] = f"{kind}-{number}"
    stable, said = _Stable(names), itertools.count(1)
    shown = [replace(sent, message=stable.value(sent.message)) for sent in recording]
    for sent in shown:
        if sent.msg_type in ("debug_reply", "debug_event"):
            sent.message["content"]["seq"] = next(said)
    return shown


class _Stable:
    """Replaces the parts of a value that differ from run to run."""

    def __init__(self, names: dict[str, str]) -> None:
        self.names = names
        self.ids: dict[str, str] = {}
        self.ports: dict[int, int] = {}

    def value(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {self.text(str(k)): self.value(v, str(k)) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(item, key) for item in value]
        if key == "date":
            return DATE
        if key == "username":
            return "reader"
        if key in ("processId", "systemProcessId"):
            return PROCESS
        if key.endswith("_port") and type(value) is int:
            return self.ports.setdefault(value, PORT + len(self.ports))
        return self.text(value) if isinstance(value, str) else value

    def text(self, text: str) -> str:
        if text in self.names:
            return self.names[text]
        text = UUID.sub(lambda m: self.ids.setdefault(m[0], f"id-{len(self.ids) + 1}"), text)
        text = CELL_FOLDER.sub(r"/tmp/\g<1>1/", text)
        return stable_addresses(text.replace(str(ROOT), "/home/ada/refimpl"))


def stable_addresses(text: str) -> str:
    """Replace the addresses of objects, as in `<object at 0x7f3a37208050>`, by one and the same."""
    return ADDRESS.sub("0x7f0000000000", text)
