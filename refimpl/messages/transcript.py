"""Say what is wrong with a recorded conversation: messages in the order in which one saw them.

A message can be right and still be out of place.  Here are the rules that only several messages
together can break: who answers whom, how often, and in which order.

>>> check_transcript([])
[]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import MESSAGES, find
from .model import KERNEL, SEND, MessageType
from .problem import ERROR, NOTE, Problem, quoted, shown
from .validate import Report, check_message, is_array, msg_type

SENDERS = frozenset(name for each in MESSAGES.values() for name in each.sender.split(" or "))


@dataclass
class Entry:
    """A message of a transcript, as far as it can be made out."""

    path: str
    channel: str
    name: str
    msg_id: str
    parent: str  # the msg_id of its parent
    state: str  # busy, idle and so on, of a status message
    kind: MessageType | None

    @property
    def is_request(self) -> bool:
        """Tell whether somebody asks here and has to be answered."""
        kind = self.kind
        return kind is not None and bool(kind.reply) and kind.protocol == KERNEL

    @property
    def is_reply(self) -> bool:
        """Tell whether this answers a request to the one who asked; a copy on iopub does not."""
        replies = self.kind is not None and bool(self.kind.reply_to)
        return replies and self.channel != "iopub"


def check_transcript(
    messages: Any, profile: str = SEND, *, channel: str = "", protocol: str = ""
) -> list[Problem]:
    """Check recorded messages one by one, and then as a conversation.

    `messages` is an array.  Each item is a message, or an object with `message` and any of
    `channel`, `sender` (or `from`).  They stand in the order in which one program sent or saw them.
    Paths begin with the index, from 0: `[3].content.code`.
    """
    report = Report()
    if not is_array(messages):
        report.add([Problem("", "an array of messages", shown(messages))])
        return report.done()
    entries = []
    for index, item in enumerate(messages):
        way, message, prefix = _unwrapped(item, f"[{index}]")
        on, sender = way["channel"] or channel, way["sender"].rstrip("0123456789")
        sender = sender if sender in SENDERS else ""  # a name of one's own says nothing
        problems = check_message(message, profile, channel=on, sender=sender, protocol=protocol)
        for each in problems:
            path = prefix + ("" if each.path.startswith("[") or not each.path else ".") + each.path
            report.add([Problem(path, each.expected, each.found, each.rule, each.level)])
        if isinstance(message, Mapping):
            entries.append(_entry(message, prefix, on, sender, protocol))
    for check in (_ids, _replies, _status):
        report.add(check(entries))
    return report.done()


def _unwrapped(item: Any, path: str) -> tuple[dict[str, str], Any, str]:
    """Return what is known of a message's way, the message, and its path."""
    if not (isinstance(item, Mapping) and "message" in item and "header" not in item):
        own = item.get("channel") if isinstance(item, Mapping) else None
        return {"channel": own if isinstance(own, str) else "", "sender": ""}, item, path
    way = {"channel": item.get("channel"), "sender": item.get("sender", item.get("from"))}
    texts = {name: value if isinstance(value, str) else "" for name, value in way.items()}
    return texts, item["message"], f"{path}.message"


def _entry(
    message: Mapping[Any, Any], path: str, channel: str, sender: str, protocol: str
) -> Entry:
    def text(part: str, name: str) -> str:
        value = message.get(part)
        found = value.get(name) if isinstance(value, Mapping) else None
        return found if isinstance(found, str) else ""

    name = msg_type(message)
    kinds = find(name, channel, sender, protocol) or find(name)
    kind = kinds[0] if kinds else None
    if not channel and kind is not None and len(kind.channels) == 1:
        channel = kind.channels[0]
    state = text("content", "execution_state") if name == "status" else ""
    ids = text("header", "msg_id"), text("parent_header", "msg_id")
    return Entry(path, channel, name, *ids, state, kind)


def _ids(entries: Sequence[Entry]) -> Iterator[Problem]:
    """Check that no two messages have the same id."""
    seen: dict[str, Entry] = {}
    for each in entries:
        if each.msg_id and each.msg_id in seen:
            path = f"{each.path}.header.msg_id"
            found = f"{quoted(each.msg_id)}, as at {seen[each.msg_id].path}"
            yield Problem(path, "an id that no other message has", found)
        seen.setdefault(each.msg_id, each)


def _replies(entries: Sequence[Entry]) -> Iterator[Problem]:
    """Check that each request gets one reply of its kind, and each reply has a request."""
    requests: dict[str, Entry] = {}
    answered: dict[str, Entry] = {}
    for each in entries:
        if each.is_request:
            requests.setdefault(each.msg_id, each)
        if not each.is_reply or each.kind is None or each.kind.protocol != KERNEL:
            continue
        request = requests.get(each.parent)
        place = f"{each.path}.parent_header.msg_id"
        if request is None:
            if each.parent:
                expected = "the id of a request that came before"
                yield Problem(place, expected, quoted(each.parent), "R-REQ-2")
        elif request.kind is not None and request.kind.reply != each.kind.key:
            expected = f"the id of {' or '.join(each.kind.reply_to)}"
            yield Problem(place, expected, f"that of {request.name}", "R-REQ-2")
        elif each.parent in answered:
            found = f"another, after {answered[each.parent].path}"
            yield Problem(each.path, f"one reply to {request.path}", found, "R-REQ-4")
        answered.setdefault(each.parent, each)
    idle = {each.parent for each in entries if each.state == "idle"}
    for request in requests.values():
        if request.msg_id not in answered:
            level = ERROR if request.msg_id in idle else NOTE  # it may have been cut off
            expected = f"{request.kind.reply if request.kind else 'a reply'} to {request.name}"
            yield Problem(request.path, expected, "no reply", "R-REQ-4", level)


def _status(entries: Sequence[Entry]) -> Iterator[Problem]:
    """Check that busy comes before all that a request makes the kernel publish, and idle after."""
    published: dict[str, list[Entry]] = {}
    for each in entries:
        if each.channel == "iopub" and each.parent:
            published.setdefault(each.parent, []).append(each)
    if not any(each.state for each in entries):
        return  # a recording without iopub
    for request in entries:
        if not request.is_request or request.kind is None or request.kind.receiver != "kernel":
            continue  # what a kernel asks is part of another request
        caused = published.get(request.msg_id, [])
        states = [each.state for each in caused if each.state]
        if states != ["busy", "idle"]:
            found = " and ".join(states) or "neither"
            yield Problem(request.path, f"busy and idle for {request.name}", found, "R-REQ-1")
        begun = ended = False
        for each in caused:
            if each.state:
                begun, ended = begun or each.state == "busy", ended or each.state == "idle"
            elif not begun:
                yield Problem(each.path, "busy first", each.name, "R-REQ-1")
            elif ended:
                yield Problem(each.path, "nothing after idle", each.name, "R-IOPUB-1", NOTE)
