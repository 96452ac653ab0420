"""One request and everything that answers it: the client's side, without sockets.

A client has one session.  Each request it makes opens an `Exchange`.  Whatever arrives later, on
any channel and in any order, is sorted into the exchange whose request is its parent.  An exchange
is complete when both its reply (shell or control) and its idle (iopub) are there; the two come
through different sockets, so either may be first.
"""

from __future__ import annotations

from typing import Any

from .wire import Message, Session


class Exchange:
    """A request, its reply, and what was published for it."""

    def __init__(self, request: Message, channel: str) -> None:
        """Begin with the request alone."""
        self.request = request
        self.channel = channel
        self.reply: Message | None = None
        self.outputs: list[Message] = []
        self.states: list[str] = []

    @property
    def is_complete(self) -> bool:
        """Whether nothing more has to come: reply and idle are there."""
        return self.reply is not None and "idle" in self.states

    @property
    def content(self) -> dict[str, Any]:
        """The content of the reply. Raises LookupError before there is one."""
        if self.reply is None:
            raise LookupError(f"{self.request.msg_type}: no reply yet")
        return self.reply.content

    @property
    def text(self) -> str:
        """All text that was printed, stdout and stderr in the order of arrival."""
        return "".join(m.content["text"] for m in self.outputs if m.msg_type == "stream")

    @property
    def result(self) -> str | None:
        """The plain text of the cell's value; None if it had none."""
        for message in self.outputs:
            if message.msg_type == "execute_result":
                text: str = message.content["data"]["text/plain"]
                return text
        return None

    def __repr__(self) -> str:
        kinds = " ".join(message.msg_type for message in self.outputs)
        status = self.reply.content.get("status") if self.reply else "open"
        return f"<Exchange {self.request.msg_type}: {status}; {kinds or 'no output'}>"


class Client:
    """The bookkeeping of a client: makes requests, sorts what comes back.

    >>> client = Client(Session())
    >>> exchange = client.request("kernel_info_request")
    >>> kernel = Session()
    >>> reply = kernel.message("kernel_info_reply", {"status": "ok"}, parent=exchange.request)
    >>> client.receive("shell", reply) is exchange
    True
    >>> exchange.content, exchange.is_complete
    ({'status': 'ok'}, False)
    """

    def __init__(self, session: Session) -> None:
        """Begin with no request open."""
        self.session = session
        self.others: list[tuple[str, Message]] = []
        self._open: dict[str, Exchange] = {}

    def request(
        self,
        msg_type: str,
        content: dict[str, Any] | None = None,
        *,
        channel: str = "shell",
        subshell_id: str | None = None,
    ) -> Exchange:
        """Make a request and open its exchange; sending it is the caller's part.

        `subshell_id` names the subshell that is to answer; without it the main shell does.
        """
        message = self.session.message(msg_type, content)
        if subshell_id is not None:
            message.header["subshell_id"] = subshell_id
        exchange = Exchange(message, channel)
        self._open[exchange.request.msg_id] = exchange
        return exchange

    def receive(self, channel: str, message: Message) -> Exchange | None:
        """Sort a message in; return its exchange.

        What belongs to no open request of ours (another client's output, late output, welcome)
        goes to `others`, with its channel.
        """
        exchange = self._open.get(str(message.parent_header.get("msg_id")))
        if exchange is None:
            self.others.append((channel, message))
            return None
        if channel != "iopub":
            exchange.reply = message
        elif message.msg_type == "status":
            exchange.states.append(str(message.content.get("execution_state")))
        else:
            exchange.outputs.append(message)
        if exchange.is_complete:
            del self._open[exchange.request.msg_id]
        return exchange
