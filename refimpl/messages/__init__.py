"""The catalogue: every message and every file of the protocol, as data.

A protocol that exists only as prose is typed in anew by everyone who implements it, each time with
other mistakes.  Here it is written down once.  Tables on pages, JSON Schemas, Python types, the
checks of our own tests and the list of what changed between two versions all come from it.

`MESSAGES` has the messages of both protocols by key, first the kernel's, then the cluster's.
The key is the name on the wire, `execute_request`; where several kinds of message share a name, the
later ones have a prefix, `hub.shutdown_request`.  `FILES` has the files that programs exchange.
`HEADER` is what every message starts with.  What they are made of is in `refimpl.messages.model`.

Everything can be read in two *profiles*.  `SEND` is strict: what a program should send.  `ACCEPT`
is lenient: what a program must be ready to receive from those that are deployed.  Whatever `SEND`
allows, `ACCEPT` allows too.  Fields that nobody has heard of are allowed in both, because a later
version of the protocol may add them.

>>> MESSAGES["execute_request"].reply
'execute_reply'
>>> [message.key for message in find("execute_request", channel="shell")]
['execute_request']

Nothing is imported here but the standard library.
"""

from __future__ import annotations

from .cluster import MESSAGES as _CLUSTER
from .files import FILES as _FILES
from .files import HEADER
from .kernel import MESSAGES as _KERNEL
from .model import ACCEPT, CLUSTER, KERNEL, SEND, FileType, MessageType, structs

__all__ = [
    "ACCEPT",
    "CLUSTER",
    "FILES",
    "HEADER",
    "KERNEL",
    "MESSAGES",
    "SEND",
    "FileType",
    "MessageType",
    "find",
    "structs",
]

MESSAGES: dict[str, MessageType] = {message.key: message for message in (*_KERNEL, *_CLUSTER)}
FILES: dict[str, FileType] = {file.key: file for file in _FILES}

_BY_NAME: dict[str, list[MessageType]] = {}
for _message in MESSAGES.values():
    _BY_NAME.setdefault(_message.name, []).append(_message)


def find(name: str, channel: str = "", sender: str = "", protocol: str = "") -> list[MessageType]:
    """List the kinds of message that have this name on the wire, the kernel's first.

    What is known about a message narrows the choice: its channel, who sent it ("client", "kernel",
    "hub" and so on), the protocol (`KERNEL` or `CLUSTER`).  Empty means not known.
    """
    return [
        message
        for message in _BY_NAME.get(name, ())
        if (not channel or channel in message.channels)
        and (not sender or sender in message.sender.split(" or "))
        and (not protocol or protocol == message.protocol)
    ]
