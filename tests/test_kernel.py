"""A kernel without sockets: requests in; busy, outputs, reply and idle out."""

import asyncio
import contextvars
import logging
import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ipykernel.kernelbase import Kernel as IPyKernelBase
from jupyter_client.session import Session as JupyterSession

from refimpl import wire
from refimpl.kernel import (
    REQUESTS,
    Field,
    Kernel,
    Leftovers,
    StdinNotImplementedError,
    error_content,
    parse_content,
)
from refimpl.wire import Connection, Message, NotADict, ProtocolError, Session

# A content for each message type a kernel knows, and what comes back for it.
GOOD: dict[str, dict[str, Any]] = {
    "execute_request": {"code": "x"},
    "inspect_request": {"code": "x", "cursor_pos": 1},
    "complete_request": {"code": "x", "cursor_pos": 1},
    "history_request": {"output": False, "raw": True, "hist_access_type": "tail", "n": 3},
    "is_complete_request": {"code": "x"},
    "comm_info_request": {},
    "connect_request": {},
    "kernel_info_request": {},
    "shutdown_request": {"restart": False},
    "interrupt_request": {},
    "create_subshell_request": {},
    "delete_subshell_request": {"subshell_id": "one"},
    "list_subshell_request": {},
    "debug_request": {"seq": 1, "type": "request", "command": "debugInfo"},
    "comm_open": {"comm_id": "c", "target_name": "t", "data": {}},
    "comm_msg": {"comm_id": "c", "data": {}},
    "comm_close": {"comm_id": "c", "data": {}},
}
PAIRS = [(name, channel) for name, known in REQUESTS.items() for channel in known.channels]
WITH_REPLY = [pair for pair in PAIRS if pair[0].endswith("_request")]
STATUS = {"is_complete_request": "unknown"}  # every other request is answered ok
CONNECTION = Connection("tcp", "127.0.0.1", 1, 2, 3, 4, 5, "")


class Wire:
    """Makes a kernel's requests, and keeps what it sends, serialized as sockets would have it."""

    def __init__(self, kernel_class: type[Kernel] = Kernel, **given: Any) -> None:
        self.front_end = Session(session="front end")
        self.sent: list[tuple[str, Message]] = []
        self.calls: list[str] = []
        session = Session(session="kernel")
        self.kernel = kernel_class(
            session=session,
            send=self.send,
            interrupt=lambda: self.calls.append("interrupt"),
            stop=lambda: self.calls.append("stop"),
            connection=CONNECTION,
            **given,
        )

    def send(self, channel: str, message: Message) -> None:
        """Keep a message, as somebody else reads it."""
        frames = self.kernel.session.serialize(message)
        self.sent.append((channel, Session().deserialize(frames).check()))
        self.calls.append(f"{channel} {message.msg_type}")

    def make(self, msg_type: str, content: dict[str, Any] | None = None) -> Message:
        """Make a request as the kernel receives it."""
        message = self.front_end.message(msg_type, content, idents=[b"route", b"front end"])
        return Session().deserialize(self.front_end.serialize(message))

    def request(
        self, msg_type: str, content: dict[str, Any] | None = None, channel: str = "shell"
    ) -> list[Message]:
        """Let the kernel handle one request; return what it sent, in order."""
        del self.sent[:], self.calls[:]
        self.last = self.make(msg_type, content)
        asyncio.run(self.kernel.handle(self.last, channel))
        return [message for _, message in self.sent]

    def reply(
        self, msg_type: str, content: dict[str, Any] | None = None, channel: str = "shell"
    ) -> dict[str, Any]:
        """Let the kernel handle one request; return the content of its one reply."""
        self.request(msg_type, content, channel)
        (reply,) = [message for name, message in self.sent if name == channel]
        assert reply.msg_type == msg_type.removesuffix("request") + "reply"
        return reply.content

    def handle(self, request: Message, channel: str = "shell") -> dict[str, Any]:
        """Let the kernel handle a request made before; return the content of its one reply."""
        del self.sent[:], self.calls[:]
        asyncio.run(self.kernel.handle(request, channel))
        (reply,) = [message for name, message in self.sent if name == channel]
        return reply.content

    def execute(self, code: str = "", **fields: Any) -> dict[str, Any]:
        """Let the kernel run code; return the content of the reply."""
        return self.reply("execute_request", {"code": code, **fields})

    def published(self, *msg_types: str) -> list[Message]:
        """Return what went to iopub, all or of some types."""
        return [
            message
            for channel, message in self.sent
            if channel == "iopub" and (not msg_types or message.msg_type in msg_types)
        ]


class Threads:
    """Stands in for what makes the threads of subshells: it only gives them names."""

    def __init__(self) -> None:
        """Begin with all names free, and none deleted."""
        self.names = iter(("one", "two", "three"))
        self.deleted: list[str] = []

    def create(self) -> str:
        """Take the next name."""
        return next(self.names)

    def delete(self, subshell_id: str) -> None:
        """Take note."""
        self.deleted.append(subshell_id)


def wire_with_subshell(made: type[Kernel], count: int = 1) -> Wire:
    """Make a kernel that has all optional features, and a subshell `one`, or several."""
    wired = Wire(made, subshells=Threads())
    for _ in range(count):
        wired.reply("create_subshell_request", channel="control")
    del wired.sent[:], wired.calls[:]
    return wired


class Talker(Kernel):
    """Prints its code as stream, display and result."""

    supports_subshells = True

    def do_execute(self, code: str, silent: bool, *_: Any, **__: Any) -> dict[str, Any]:
        """Publish the code in three ways."""
        self.send_response(self.iopub_socket, "stream", {"name": "stdout", "text": code})
        self.send_response(self.iopub_socket, "display_data", {"data": {}, "metadata": {}})
        self.send_response(
            self.iopub_socket,
            "execute_result",
            {"data": {}, "metadata": {}, "execution_count": self.execution_count},
        )
        return {"status": "ok"}


def kernel_class(**methods: Any) -> type[Kernel]:
    """Make a kernel whose do_execute succeeds, with other methods in it."""

    def do_execute(self: Kernel, code: str, silent: bool, *_: Any, **__: Any) -> Any:
        return {"status": "ok"}

    def do_debug_request(self: Kernel, message: dict[str, Any]) -> dict[str, Any]:
        return {
            "seq": 1,
            "type": "response",
            "request_seq": message["seq"],
            "command": message["command"],
            "success": True,
        }

    given = {
        "supported_features": ["debugger"],
        "supports_subshells": True,
        "do_debug_request": do_debug_request,
        **methods,
    }
    return type("Made", (Kernel,), {"do_execute": do_execute, **given})


def executing(body: Callable[..., Any]) -> type[Kernel]:
    """Make a kernel whose do_execute is `body(kernel, code)`."""

    def do_execute(self: Kernel, code: str, silent: bool, *_: Any, **__: Any) -> Any:
        return body(self, code)

    return kernel_class(do_execute=do_execute)


# --- the path of every request ------------------------------------------------------------------


@pytest.mark.rule("R-EXEC-10", "R-IOPUB-1")
def test_execute_order() -> None:
    """An execution is: busy, execute_input, the outputs, the reply, idle."""
    wired = Wire(Talker)
    wired.execute("hi")
    assert wired.calls == [
        "iopub status",
        "iopub execute_input",
        "iopub stream",
        "iopub display_data",
        "iopub execute_result",
        "shell execute_reply",
        "iopub status",
    ]
    assert [m.content["execution_state"] for m in wired.published("status")] == ["busy", "idle"]
    (echoed,) = wired.published("execute_input")
    assert echoed.content == {"code": "hi", "execution_count": 1}


def test_table_is_complete() -> None:
    """The tests below know a good content for every message type in the table."""
    assert set(GOOD) == set(REQUESTS)


@pytest.mark.parametrize(("msg_type", "channel"), PAIRS)
@pytest.mark.rule("R-REQ-1", "R-REQ-3", "R-COMM-2")
def test_every_request(msg_type: str, channel: str) -> None:
    """Every known message is framed by busy and idle, and every request has one reply between."""
    wired = wire_with_subshell(kernel_class())
    sent = wired.request(msg_type, GOOD[msg_type], channel)
    states = [m.content.get("execution_state") for m in sent if m.msg_type == "status"]
    assert states == ["busy", "idle"]
    assert sent[0].msg_type == sent[-1].msg_type == "status"
    replies = [(name, m.msg_type) for name, m in wired.sent if name != "iopub"]
    if msg_type.endswith("_request"):
        assert replies == [(channel, msg_type.removesuffix("request") + "reply")]
        (reply,) = [m for name, m in wired.sent if name == channel]
        assert reply.content["status"] == STATUS.get(msg_type, "ok")
    else:
        assert replies == []


@pytest.mark.parametrize(("msg_type", "channel"), PAIRS)
@pytest.mark.rule("R-REQ-2", "R-WIRE-5")
def test_parent_and_identities(msg_type: str, channel: str) -> None:
    """All that answers a request has its header as parent; the reply has its identities."""
    wired = wire_with_subshell(Talker)
    wired.request(msg_type, GOOD[msg_type], channel)
    for name, message in wired.sent:
        assert message.parent_header == wired.last.header
        assert message.header["session"] == "kernel"
        assert message.header["version"] == "5.6"
        if name == "iopub":
            assert message.idents[0].startswith(message.msg_type.encode())
        else:
            assert message.idents == [b"route", b"front end"]
    assert len({message.msg_id for _, message in wired.sent}) == len(wired.sent)


@pytest.mark.parametrize("broken", range(4))
def test_unreadable_request(broken: int) -> None:
    """A message that cannot be read raises ProtocolError, and nothing is sent."""
    wired = Wire()
    frames = wired.front_end.serialize(wired.front_end.message("kernel_info_request"))
    frames[2 + broken] = b"[]"
    with pytest.raises(NotADict):
        asyncio.run(wired.kernel.handle(Session().deserialize(frames)))
    assert wired.sent == []


@pytest.mark.parametrize("channel", ["shell", "control"])
@pytest.mark.parametrize("msg_type", ["no_such_request", "status", "", "handle", "x" * 5000, "é\n"])
@pytest.mark.rule("R-REQ-5")
@pytest.mark.off_catalogue("bad requests are the subject")
def test_unknown_type(caplog: pytest.LogCaptureFixture, msg_type: str, channel: str) -> None:
    """An unknown type is logged in one line and ignored; the next request is answered."""
    wired = Wire()
    sent = wired.request(msg_type, {"a": 1}, channel)
    assert [m.content for m in sent] == [{"execution_state": "busy"}, {"execution_state": "idle"}]
    (record,) = caplog.records
    assert len(record.getMessage()) < 200
    assert "\n" not in record.getMessage()
    assert wired.reply("kernel_info_request")["status"] == "ok"


@pytest.mark.parametrize(("msg_type", "channel"), PAIRS)
@pytest.mark.rule("R-REQ-5")
def test_unknown_fields(msg_type: str, channel: str) -> None:
    """Fields of later protocol versions change nothing."""
    wired = wire_with_subshell(kernel_class())
    message = wired.make(msg_type, {**GOOD[msg_type], "later": 1, "self": 2, "channel": "x"})
    message.header["later"] = "x"
    message.metadata["cellId"] = "x"
    asyncio.run(wired.kernel.handle(message, channel))
    for name, sent in wired.sent:
        if name != "iopub":
            assert sent.content["status"] == STATUS.get(msg_type, "ok")


@pytest.mark.parametrize(
    ("msg_type", "channel"),
    [
        (name, channel)
        for name, known in REQUESTS.items()
        for channel in ("shell", "control")
        if channel not in known.channels
    ],
)
@pytest.mark.rule("R-REQ-7")
@pytest.mark.off_catalogue("bad requests are the subject")
def test_wrong_channel(caplog: pytest.LogCaptureFixture, msg_type: str, channel: str) -> None:
    """A message on the wrong channel is not obeyed; a request gets an error that says where to."""
    wired = wire_with_subshell(executing(lambda *_: pytest.fail("it was executed")))
    wired.request(msg_type, GOOD[msg_type], channel)
    expected = (
        f"{msg_type}: expected on {' or '.join(REQUESTS[msg_type].channels)}, came on {channel}"
    )
    assert [record.getMessage() for record in caplog.records] == [expected]
    replies = [m.content for name, m in wired.sent if name == channel]
    if msg_type.endswith("_request"):
        assert [(c["status"], c["evalue"]) for c in replies] == [("error", expected)]
    else:
        assert replies == []


# --- fields -------------------------------------------------------------------------------------

CANDIDATES: list[Any] = [None, True, 1, 1.5, "text", [1], {"a": 1}]
WRONG = [
    (msg_type, name, value)
    for msg_type, known in REQUESTS.items()
    for name, field in known.fields.items()
    for value in CANDIDATES
    if type(value) not in field.types
]
MISSING = [
    (msg_type, name)
    for msg_type, known in REQUESTS.items()
    for name, field in known.fields.items()
    if name in GOOD[msg_type] and field == Field(field.types)  # without a default
]


@pytest.mark.parametrize(("msg_type", "name", "value"), WRONG)
@pytest.mark.rule("R-REQ-6")
@pytest.mark.off_catalogue("bad requests are the subject")
def test_field_of_the_wrong_type(
    caplog: pytest.LogCaptureFixture, msg_type: str, name: str, value: Any
) -> None:
    """A field of the wrong type is answered by an error that names it, and logged in one line."""
    wired = wire_with_subshell(executing(lambda *_: pytest.fail("it was executed")))
    channel = REQUESTS[msg_type].channels[0]
    wired.request(msg_type, {**GOOD[msg_type], name: value}, channel)
    (record,) = caplog.records
    found = "null" if value is None else type(value).__name__
    assert re.fullmatch(f"{msg_type}: {name}: expected .+, got {found}", record.getMessage())
    replies = [m.content for sent_on, m in wired.sent if sent_on == channel]
    if msg_type.endswith("_request"):
        assert [(c["status"], c["ename"]) for c in replies] == [("error", "InvalidContent")]
        assert replies[0]["evalue"] == record.getMessage()
        assert replies[0]["traceback"] == []
    else:
        assert replies == []


@pytest.mark.parametrize(("msg_type", "name"), MISSING)
@pytest.mark.rule("R-REQ-6")
@pytest.mark.off_catalogue("bad requests are the subject")
def test_missing_field(caplog: pytest.LogCaptureFixture, msg_type: str, name: str) -> None:
    """A required field that is absent is named in the error."""
    wired = wire_with_subshell(kernel_class())
    content = {k: v for k, v in GOOD[msg_type].items() if k != name}
    wired.request(msg_type, content, REQUESTS[msg_type].channels[0])
    (record,) = caplog.records
    assert re.fullmatch(f"{msg_type}: {name}: expected .+, got nothing", record.getMessage())


def test_required_fields() -> None:
    """What must be there is what the specification has no default for."""
    assert set(MISSING) >= {
        ("execute_request", "code"),
        ("inspect_request", "code"),
        ("inspect_request", "cursor_pos"),
        ("complete_request", "code"),
        ("complete_request", "cursor_pos"),
        ("is_complete_request", "code"),
        ("history_request", "hist_access_type"),
        ("comm_open", "comm_id"),
        ("comm_open", "target_name"),
    }


@pytest.mark.off_catalogue("bad requests are the subject")
def test_refused_execution_reports_its_count() -> None:
    """An execute_request that is refused still says which count the kernel is at."""
    wired = Wire(kernel_class())
    wired.execute()
    assert wired.reply("execute_request", {"code": 1})["execution_count"] == 1


@pytest.mark.off_catalogue("bad requests are the subject")
def test_refused_shutdown_does_not_stop() -> None:
    """A shutdown_request that was answered by an error has not ended the kernel."""
    wired = Wire()
    assert wired.reply("shutdown_request", {"restart": "yes"})["status"] == "error"
    assert "stop" not in wired.calls


def test_defaults() -> None:
    """Absent fields get the defaults of the specification; stdin must be allowed by name."""
    assert parse_content("execute_request", {"code": "x"}) == {
        "code": "x",
        "silent": False,
        "store_history": True,
        "user_expressions": {},
        "allow_stdin": False,
        "stop_on_error": True,
    }
    assert parse_content("inspect_request", {"code": "x", "cursor_pos": 0})["detail_level"] == 0
    assert parse_content("shutdown_request", {}) == {"restart": False}


def test_defaults_are_not_shared() -> None:
    """A default belongs to one request: an author who changes it changes no later one."""
    first = parse_content("execute_request", {"code": "x"})["user_expressions"]
    second = parse_content("execute_request", {"code": "x"})["user_expressions"]
    assert first == {}
    assert first is not second


@pytest.mark.parametrize(
    ("cursor_pos", "seen"), [(0, 0), (2, 2), (3, 3), (4, 3), (10**30, 3), (-1, 0), (-(10**30), 0)]
)
@pytest.mark.parametrize("msg_type", ["complete_request", "inspect_request"])
@pytest.mark.rule("R-CODE-1")
@pytest.mark.off_catalogue("the author's kernel answers with less than it should", kernel=True)
def test_cursor_is_brought_into_the_text(msg_type: str, cursor_pos: int, seen: int) -> None:
    """A cursor beyond the text is taken for its nearest end."""
    cursors = []

    def do_it(self: Kernel, code: str, cursor_pos: int, *_: Any) -> dict[str, Any]:
        cursors.append(cursor_pos)
        return {}

    wired = Wire(kernel_class(do_complete=do_it, do_inspect=do_it))
    wired.reply(msg_type, {"code": "a😀b", "cursor_pos": cursor_pos})
    assert cursors == [seen]


# --- handlers that fail -------------------------------------------------------------------------


class Unprintable(Exception):
    """An error that cannot be shown."""

    def __str__(self) -> str:
        """Fail."""
        raise RuntimeError("no text")


class Foreign(BaseException):
    """Not an Exception, and not known to anybody."""


METHODS = {
    "execute_request": "do_execute",
    "inspect_request": "do_inspect",
    "complete_request": "do_complete",
    "history_request": "do_history",
    "is_complete_request": "do_is_complete",
    "interrupt_request": "do_interrupt",
    "shutdown_request": "do_shutdown",
}


@pytest.mark.parametrize("awaited", [False, True])
@pytest.mark.parametrize(
    "error",
    [ValueError("no"), Unprintable(), SystemExit(3), KeyboardInterrupt(), wire.BadPart("odd")],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("msg_type", METHODS)
def test_handler_that_raises(msg_type: str, error: BaseException, awaited: bool) -> None:
    """Whatever an author's method raises, the reply is an error, then comes idle."""

    def fail(*_: Any, **__: Any) -> Any:
        raise error

    async def fail_later(*_: Any, **__: Any) -> Any:
        await asyncio.sleep(0)
        raise error

    wired = Wire(kernel_class(**{METHODS[msg_type]: fail_later if awaited else fail}))
    reply = wired.reply(msg_type, GOOD[msg_type], REQUESTS[msg_type].channels[0])
    assert (reply["status"], reply["ename"]) == ("error", type(error).__name__)
    assert isinstance(reply["evalue"], str)
    assert isinstance(reply["traceback"], list)
    assert wired.sent[-1][1].content == {"execution_state": "idle"}


@pytest.mark.parametrize(
    "error", [asyncio.CancelledError(), GeneratorExit(), Foreign()], ids=lambda e: type(e).__name__
)
@pytest.mark.parametrize("msg_type", ["execute_request", "complete_request", "inspect_request"])
def test_handler_that_raises_what_is_no_exception(msg_type: str, error: BaseException) -> None:
    """User code can raise any BaseException; each request is answered all the same."""

    def fail(*_: Any, **__: Any) -> Any:
        raise error

    wired = Wire(kernel_class(**{METHODS[msg_type]: fail}))
    reply = wired.reply(msg_type, GOOD[msg_type])
    assert (reply["status"], reply["ename"]) == ("error", type(error).__name__)
    assert wired.sent[-1][1].content == {"execution_state": "idle"}


@pytest.mark.rule("R-EXEC-11")
def test_error_of_the_author_is_published() -> None:
    """When do_execute raises, every front end sees the error, as the reply has it."""

    def fail(self: Kernel, code: str) -> None:
        raise ValueError("no")

    wired = Wire(executing(fail))
    reply = wired.execute("x")
    (published,) = wired.published("error")
    assert published.content == {k: reply[k] for k in ("ename", "evalue", "traceback")}
    assert reply["execution_count"] == 1
    assert "ValueError: no" in "\n".join(reply["traceback"])


def test_kernel_without_do_execute() -> None:
    """A kernel that does not say how to execute answers with an error that names its class."""
    reply = Wire().execute("x")
    assert reply["ename"] == "NotImplementedError"
    assert "Kernel has no do_execute" in reply["evalue"]


def test_do_execute_that_returns_nothing() -> None:
    """A do_execute without a return value is an error, not a hang."""
    assert Wire(executing(lambda *_: None)).execute()["status"] == "error"


def deep_list() -> list[Any]:
    """Return a list that nests far too deep for JSON."""
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", [object(), {1: {(1, 2): 3}}, deep_list()], ids=["object", "key", "deep"]
)
@pytest.mark.parametrize(("msg_type", "method"), METHODS.items())
def test_reply_that_cannot_be_serialized(msg_type: str, method: str, value: Any) -> None:
    """An author's reply that no codec can write becomes an error reply, then comes idle."""
    wired = Wire(kernel_class(**{method: lambda *_, **__: {"status": "ok", "odd": value}}))
    reply = wired.reply(msg_type, GOOD[msg_type], REQUESTS[msg_type].channels[0])
    assert reply["status"] == "error"
    assert reply["evalue"]
    assert wired.published("status")[-1].content == {"execution_state": "idle"}


def test_output_that_cannot_be_serialized() -> None:
    """An output that no codec can write is the author's error, and the reply says so."""

    def body(self: Kernel, code: str) -> Any:
        self.send_response(self.iopub_socket, "display_data", {"data": {"a/b": object()}})

    reply = Wire(executing(body)).execute()
    assert (reply["status"], reply["ename"]) == ("error", "TypeError")
    assert "object" in reply["evalue"]


def test_context_does_not_leak() -> None:
    """After a request, whatever it was, nothing is left that would make it the running one."""
    wired = Wire(executing(lambda *_: 1 / 0))

    async def two() -> None:
        before = dict(contextvars.copy_context())
        await wired.kernel.handle(wired.make("execute_request", {"code": "", "silent": True}))
        assert dict(contextvars.copy_context()) == before

    asyncio.run(two())


# --- do_* methods -------------------------------------------------------------------------------


@pytest.mark.parametrize("awaited", [False, True])
@pytest.mark.parametrize(("msg_type", "method"), METHODS.items())
@pytest.mark.off_catalogue("the author's kernel answers with less than it should", kernel=True)
def test_plain_and_awaitable(msg_type: str, method: str, awaited: bool) -> None:
    """Every do_* method may return its content, or something to await."""

    def plain(*_: Any, **__: Any) -> dict[str, Any]:
        return {"status": "ok", "mine": True}

    async def later(*_: Any, **__: Any) -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"status": "ok", "mine": True}

    wired = Wire(kernel_class(**{method: later if awaited else plain}))
    reply = wired.reply(msg_type, GOOD[msg_type], REQUESTS[msg_type].channels[0])
    assert (reply["status"], reply["mine"]) == ("ok", True)


@pytest.mark.off_catalogue("the author's kernel answers with less than it should", kernel=True)
def test_arguments() -> None:
    """The do_* methods get the fields of the request, as kernel authors expect them."""
    got: dict[str, Any] = {}

    class Taker(Kernel):
        def do_execute(
            self,
            code: str,
            silent: bool,
            store_history: bool = True,
            user_expressions: dict[str, str] | None = None,
            allow_stdin: bool = False,
        ) -> Any:
            got["execute"] = (code, silent, store_history, user_expressions, allow_stdin)
            return {"status": "ok"}

        def do_complete(self, code: str, cursor_pos: int) -> Any:
            got["complete"] = (code, cursor_pos)
            return {"matches": []}

        def do_inspect(
            self, code: str, cursor_pos: int, detail_level: int = 0, omit_sections: Any = ()
        ) -> Any:
            got["inspect"] = (code, cursor_pos, detail_level, tuple(omit_sections))
            return {"found": False}

        def do_history(
            self,
            hist_access_type: str,
            output: bool,
            raw: bool,
            session: int | None = None,
            start: int | None = None,
            stop: int | None = None,
            n: int | None = None,
            pattern: str | None = None,
            unique: bool = False,
        ) -> Any:
            got["history"] = (
                *(hist_access_type, output, raw, session, start, stop, n, pattern, unique),
            )
            return {"history": []}

        def do_is_complete(self, code: str) -> Any:
            got["is_complete"] = code
            return {"status": "invalid"}

        def do_shutdown(self, restart: bool) -> Any:
            got["shutdown"] = restart
            return {"restart": restart}

    wired = Wire(Taker)
    wired.execute(
        "c", silent=True, store_history=True, user_expressions={"a": "b"}, allow_stdin=True
    )
    wired.reply("complete_request", {"code": "abc", "cursor_pos": 2})
    wired.reply("inspect_request", {"code": "abc", "cursor_pos": 2, "detail_level": 1})
    wired.reply(
        "history_request",
        {
            "hist_access_type": "search",
            "output": True,
            "raw": False,
            "session": 1,
            "start": 2,
            "stop": 3,
            "n": 4,
            "pattern": "*",
            "unique": True,
        },
    )
    assert wired.reply("is_complete_request", {"code": "x"})["status"] == "invalid"
    assert wired.reply("shutdown_request", {"restart": True})["restart"] is True
    assert got == {
        "execute": ("c", True, False, {"a": "b"}, True),
        "complete": ("abc", 2),
        "inspect": ("abc", 2, 1, ()),
        "history": ("search", True, False, 1, 2, 3, 4, "*", True),
        "is_complete": "x",
        "shutdown": True,
    }


def test_answers_of_the_base_class() -> None:
    """A kernel that overrides nothing but do_execute gives empty, valid answers."""
    wired = Wire(kernel_class())
    assert wired.reply("complete_request", {"code": "abc", "cursor_pos": 2}) == {
        "status": "ok",
        "matches": [],
        "cursor_start": 2,
        "cursor_end": 2,
        "metadata": {},
    }
    assert wired.reply("inspect_request", {"code": "abc", "cursor_pos": 2}) == {
        "status": "ok",
        "found": False,
        "data": {},
        "metadata": {},
    }
    assert wired.reply("history_request", GOOD["history_request"]) == {
        "status": "ok",
        "history": [],
    }
    assert wired.reply("is_complete_request", {"code": "x"}) == {"status": "unknown"}
    assert wired.reply("comm_info_request") == {"status": "ok", "comms": {}}
    assert wired.reply("comm_info_request", {"target_name": "slider"}, "control")["comms"] == {}


@pytest.mark.rule("R-CTRL-1")
def test_interrupt() -> None:
    """An interrupt_request on control interrupts, and is answered."""
    wired = Wire()
    assert wired.reply("interrupt_request", {}, "control") == {"status": "ok"}
    assert wired.calls.count("interrupt") == 1


def test_interrupt_with_nothing_to_say() -> None:
    """A do_interrupt may return None."""
    wired = Wire(kernel_class(do_interrupt=lambda self: None))
    assert wired.reply("interrupt_request", {}, "control") == {"status": "ok"}
    assert "interrupt" not in wired.calls


def test_guard() -> None:
    """What may run user code is called through the guard, so that an interrupt can hit it."""
    guarded = []

    async def guard(call: Callable[[], Any]) -> Any:
        guarded.append(True)
        return call()

    wired = Wire(kernel_class(), guard=guard)
    for msg_type in METHODS:
        del guarded[:]
        wired.reply(msg_type, GOOD[msg_type], REQUESTS[msg_type].channels[0])
        assert guarded == ([] if msg_type in ("interrupt_request", "shutdown_request") else [True])


# --- execute ------------------------------------------------------------------------------------


def test_reply_is_completed() -> None:
    """A successful reply has all its fields, whatever the author left out."""
    assert Wire(executing(lambda *_: {})).execute() == {
        "status": "ok",
        "execution_count": 1,
        "payload": [],
        "user_expressions": {},
    }


@pytest.mark.rule("R-EXEC-3")
def test_execution_count() -> None:
    """The count goes up with every execution that is stored."""
    wired = Wire(kernel_class())
    assert [wired.execute()["execution_count"] for _ in range(3)] == [1, 2, 3]
    assert wired.execute(store_history=False)["execution_count"] == 3
    assert wired.execute(silent=True)["execution_count"] == 3
    assert wired.execute(silent=True, store_history=True)["execution_count"] == 3
    assert wired.execute()["execution_count"] == 4


@pytest.mark.parametrize(
    "content",
    [{"status": "ok"}, {"status": "error", "ename": "E", "evalue": "", "traceback": []}],
    ids=["ok", "error"],
)
def test_author_returns_the_same_dict(content: dict[str, Any]) -> None:
    """A dict that an author returns again and again is not changed, and the count stays right."""
    given = dict(content)
    wired = Wire(executing(lambda *_: given))
    counts = [wired.execute(stop_on_error=False)["execution_count"] for _ in range(2)]
    assert counts == [1, 2]
    assert given == content


def test_count_is_known_to_the_author() -> None:
    """In do_execute the count is already that of the running cell."""
    wired = Wire(executing(lambda self, code: {"seen": self.execution_count}))
    assert (wired.execute()["seen"], wired.execute()["seen"]) == (1, 2)


@pytest.mark.rule("R-EXEC-2")
def test_silent() -> None:
    """A silent execution publishes nothing but its status, and the reply comes."""
    wired = Wire(Talker)
    assert wired.execute("x", silent=True)["status"] == "ok"
    assert wired.calls == ["iopub status", "shell execute_reply", "iopub status"]


@pytest.mark.rule("R-EXEC-2")
def test_silent_error() -> None:
    """A silent failure is told in the reply alone, and aborts nothing."""
    wired = Wire(executing(failing))
    assert wired.execute("fail", silent=True)["ename"] == "ValueError"
    assert wired.published("error") == []
    assert wired.execute("x")["status"] == "ok"


@pytest.mark.rule("R-EXEC-2")
def test_silent_keeps_back_output_alone() -> None:
    """Comm messages are no output: they go out of a silent execution."""

    def body(self: Kernel, code: str) -> Any:
        self.stream("stdout", "x")
        self.publish("comm_msg", {"comm_id": "c", "data": {}})
        return {}

    wired = Wire(executing(body))
    wired.execute(silent=True)
    assert [m.msg_type for m in wired.published()] == ["status", "comm_msg", "status"]


def test_silence_ends() -> None:
    """What follows a silent execution is heard again."""
    wired = Wire(Talker)
    wired.execute("x", silent=True)
    wired.execute("y")
    assert [m.content["text"] for m in wired.published("stream")] == ["y"]


def failing(self: Kernel, code: str) -> Any:
    """Fail if the code says so."""
    if code == "fail":
        raise ValueError(code)
    return {"status": "ok"}


@pytest.mark.rule("R-EXEC-6", "R-EXEC-7")
def test_stop_on_error() -> None:
    """A failure aborts the executions that were waiting; other requests are answered."""
    queue: list[Message] = []
    wired = Wire(executing(failing), waiting=lambda: queue)
    code = {"code": "x"}
    queue += [wired.make("execute_request", code), wired.make("is_complete_request", code)]
    queue += [wired.make("execute_request", {"code": "fail", "stop_on_error": False})]
    assert wired.execute("fail")["status"] == "error"
    waited = list(queue)
    queue.clear()
    assert [wired.handle(request)["status"] for request in waited] == [
        *("aborted", "unknown", "aborted"),
    ]
    assert wired.calls == ["iopub status", "shell execute_reply", "iopub status"]
    assert wired.execute("x") == {
        "status": "ok",
        "execution_count": 2,
        "payload": [],
        "user_expressions": {},
    }


@pytest.mark.rule("R-EXEC-8")
def test_only_what_was_waiting_is_aborted() -> None:
    """What is sent by somebody who saw the failure runs, although the queue was never empty."""
    queue: list[Message] = []
    wired = Wire(executing(failing), waiting=lambda: queue)
    queue.append(wired.make("execute_request", {"code": "x"}))
    wired.execute("fail")
    later = wired.make("execute_request", {"code": "x"})
    assert wired.handle(queue.pop())["status"] == "aborted"
    assert wired.handle(later)["status"] == "ok"


@pytest.mark.rule("R-EXEC-6")
def test_going_on_after_an_error() -> None:
    """With stop_on_error false, a failure aborts nothing."""
    wired = Wire(executing(failing))
    assert wired.execute("fail", stop_on_error=False)["status"] == "error"
    assert wired.execute("x")["status"] == "ok"


def test_error_that_the_author_returns() -> None:
    """An error that do_execute returns, instead of raising, aborts the queue too."""
    error = {"status": "error", "ename": "E", "evalue": "v", "traceback": ["t"]}
    queue: list[Message] = []
    wired = Wire(executing(lambda *_: dict(error)), waiting=lambda: queue)
    queue.append(wired.make("execute_request", {"code": ""}))
    assert wired.execute() == {**error, "execution_count": 1}
    assert wired.published("error") == []  # what to publish is up to the author
    assert wired.handle(queue.pop())["status"] == "aborted"


class Clock:
    """A clock that is turned by hand, in seconds."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> str:
        """Return the time as the date of a header."""
        return (datetime(2024, 2, 29, tzinfo=UTC) + timedelta(seconds=self.seconds)).isoformat()


@pytest.mark.parametrize(
    ("sent", "arrives", "status"),
    [
        (9.9, 11.05, "aborted"),  # sent before the failing cell began, still on its way
        (9.9, 11.2, "ok"),  # too late to be what a front end sent in one go
        (11.04, 11.05, "ok"),  # sent by somebody who saw the failure
        (99.0, 11.05, "ok"),  # a clock that is fast
        (None, 11.05, "ok"),
        ("yesterday", 11.05, "ok"),
        ("2024-02-29T00:00:09", 11.05, "ok"),  # no zone: nobody knows when that was
        (5, 11.05, "aborted"),
    ],
)
@pytest.mark.rule("R-EXEC-8")
def test_request_that_overtook_nothing(
    sent: float | str | None, arrives: float, status: str
) -> None:
    """After the queue was empty, what was sent before a failing cell began is aborted too."""
    clock = Clock()

    def body(self: Kernel, code: str) -> Any:
        if code == "fail":
            clock.seconds = 11.0
            raise ValueError
        return {}

    wired = Wire(executing(body))
    wired.kernel.session.now = wired.front_end.now = clock
    clock.seconds = 10.0
    assert wired.execute("fail")["status"] == "error"
    wired.kernel.queue_is_empty()
    if isinstance(sent, (int, float)):
        clock.seconds = sent
    request = wired.make("execute_request", {"code": "x"})
    if sent is None:
        del request.header["date"]
    elif isinstance(sent, str):
        request.header["date"] = sent
    clock.seconds = arrives
    assert wired.handle(request)["status"] == status


@pytest.mark.parametrize("skew", [-3600.0, -5.0, 5.0, 3600.0])
@pytest.mark.rule("R-EXEC-8")
def test_front_end_with_another_clock(skew: float) -> None:
    """Where the clocks differ, dates prove nothing: only what was waiting is aborted."""
    clock, other = Clock(), Clock()
    wired = Wire(executing(failing))
    wired.kernel.session.now, wired.front_end.now = clock, other
    clock.seconds, other.seconds = 10.0, 10.0 + skew
    assert wired.execute("fail")["status"] == "error"
    wired.kernel.queue_is_empty()
    clock.seconds, other.seconds = 10.02, 10.01 + skew
    assert wired.execute("x")["status"] == "ok"


def test_memory_of_front_ends_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many front ends come and go, what is remembered of them stays small."""
    monkeypatch.setattr(Leftovers, "SESSIONS", 3)
    wired = Wire(kernel_class())
    for number in range(10):
        wired.front_end.session = f"front end {number}"
        wired.kernel.queue_is_empty()
        wired.execute()
    kept = [
        value
        for value in vars(wired.kernel._shells[None].leftovers).values()
        if hasattr(value, "__len__")
    ]
    assert max(map(len, kept)) <= 3


def test_ids_of_what_waited_are_forgotten() -> None:
    """Once the waiting requests are answered, whatever their type, nothing is kept of them."""
    queue: list[Message] = []
    wired = Wire(executing(failing), waiting=lambda: queue)
    queue += [wired.make("is_complete_request", {"code": ""}) for _ in range(100)]
    wired.execute("fail")
    for request in queue:
        wired.handle(request)
    queue.clear()
    wired.kernel.queue_is_empty()
    wired.execute()
    kept = [
        value
        for value in vars(wired.kernel._shells[None].leftovers).values()
        if hasattr(value, "__len__")
    ]
    assert max(map(len, kept)) < 10


# --- output -------------------------------------------------------------------------------------


@pytest.mark.rule("R-WIRE-6")
def test_stream() -> None:
    """Text goes out as stream; empty text does not."""

    def body(self: Kernel, code: str) -> Any:
        self.stream("stdout", "")
        self.stream("stderr", "é")
        return {}

    wired = Wire(executing(body))
    wired.execute()
    (message,) = wired.published("stream")
    assert message.content == {"name": "stderr", "text": "é"}
    assert message.idents == [b"stream.stderr"]


def test_write_is_used_for_streams() -> None:
    """With a `write`, stream text goes there, with the request it belongs to."""
    written: list[Any] = []
    wired = Wire(Talker, write=lambda *args: written.append(args))
    wired.execute("hi")
    assert [(name, text, parent.msg_id) for name, text, parent in written] == [
        ("stdout", "hi", wired.last.msg_id)
    ]
    assert wired.published("stream") == []


def test_stream_with_more_than_text() -> None:
    """Metadata and buffers that an author gives with a stream message are not lost."""

    def body(self: Kernel, code: str) -> Any:
        content = {"name": "stdout", "text": "x"}
        self.send_response(
            self.iopub_socket, "stream", content, metadata={"a": 1}, buffers=[b"raw"]
        )
        return {}

    wired = Wire(executing(body))
    wired.execute()
    (message,) = wired.published("stream")
    assert (message.metadata, message.buffers) == ({"a": 1}, [b"raw"])


@pytest.mark.off_catalogue("the author's kernel answers with less than it should", kernel=True)
def test_send_response_by_position() -> None:
    """All parameters of ipykernel's send_response are taken by position."""

    def body(self: Kernel, code: str) -> Any:
        self.send_response(
            *(self.iopub_socket, "display_data", {"data": {}}, b"ident", [b"raw"]),
            *(True, {"h": 1}, {"m": 2}, "shell"),
        )
        return {}

    wired = Wire(executing(body))
    wired.execute()
    (message,) = wired.published("display_data")
    assert (message.content, message.metadata, message.buffers) == (
        {"data": {}},
        {"m": 2},
        [b"raw"],
    )
    assert message.parent_header == wired.last.header


@pytest.mark.off_catalogue("the author's kernel answers with less than it should", kernel=True)
def test_send_response_by_keyword() -> None:
    """All parameters of ipykernel's send_response are taken by keyword, and may be left out."""

    def body(self: Kernel, code: str) -> Any:
        self.send_response(self.iopub_socket, "clear_output")
        self.send_response(
            self.iopub_socket,
            "display_data",
            content={"data": {}},
            ident=None,
            buffers=None,
            track=False,
            header=None,
            metadata=None,
            channel=None,
        )
        return {}

    wired = Wire(executing(body))
    wired.execute()
    assert [m.content for m in wired.published("clear_output", "display_data")] == [
        {},
        {"data": {}},
    ]


@pytest.mark.parametrize("stream", ["shell", None, object()])
def test_send_response_elsewhere(stream: Any) -> None:
    """A channel other than iopub is refused, and named."""
    with pytest.raises(ValueError, match=r"expected self\.iopub_socket, got") as caught:
        Wire().kernel.send_response(stream, "stream", {})
    assert repr(stream) in str(caught.value)


def test_output_before_any_request() -> None:
    """What a kernel publishes before the first request has no parent."""
    wired = Wire()
    wired.kernel.publish("status", {"execution_state": "starting"})
    wired.kernel.stream("stdout", "x")
    assert [(m.msg_type, m.parent_header) for m in wired.published()] == [
        ("status", {}),
        ("stream", {}),
    ]


def test_output_of_a_thread() -> None:
    """What a thread publishes belongs to the execution that runs, even one begun later."""
    go, done = threading.Event(), threading.Event()

    def body(self: Kernel, code: str) -> Any:
        def print_later() -> None:
            go.wait(30)
            self.stream("stdout", "late")
            done.set()

        if code == "start":
            threading.Thread(target=print_later).start()
        else:
            go.set()
            assert done.wait(30)
        return {}

    wired = Wire(executing(body))
    wired.execute("start")
    wired.execute("next")
    (message,) = wired.published("stream")
    assert message.parent_header == wired.last.header


@pytest.mark.rule("R-EXEC-9")
def test_output_of_a_task() -> None:
    """What a background task publishes belongs to the cell that began it."""

    async def main() -> tuple[Message, Message]:
        tasks = []

        async def body(self: Kernel, code: str) -> dict[str, Any]:
            async def later() -> None:
                await go.wait()
                self.stream("stdout", "late")

            if code == "start":
                tasks.append(asyncio.create_task(later()))
            else:
                go.set()
                await tasks[0]
            return {}

        go = asyncio.Event()
        wired = Wire(executing(body))
        first = wired.make("execute_request", {"code": "start"})
        await wired.kernel.handle(first)
        await wired.kernel.handle(wired.make("execute_request", {"code": "next"}))
        (message,) = wired.published("stream")
        return first, message

    first, message = asyncio.run(main())
    assert message.parent_header == first.header


def test_control_does_not_take_over_output() -> None:
    """A request on control, answered while a cell runs, leaves threads' output to the cell."""

    async def main() -> None:
        async def body(self: Kernel, code: str) -> dict[str, Any]:
            await self.handle(wired.make("kernel_info_request"), "control")
            thread = threading.Thread(target=self.stream, args=("stdout", "x"))
            thread.start()
            thread.join()
            return {}

        wired = Wire(executing(body))
        request = wired.make("execute_request", {"code": ""})
        await wired.kernel.handle(request)
        (message,) = wired.published("stream")
        assert message.parent_header == request.header

    asyncio.run(main())


# --- input --------------------------------------------------------------------------------------


def asking(self: Kernel, code: str) -> dict[str, Any]:
    """Ask as the code says."""
    answer = self.getpass("secret? ") if code == "getpass" else self.raw_input("name? ")
    return {"status": "ok", "answer": answer}


class Asked:
    """An `ask` that keeps the questions and gives an answer."""

    def __init__(self, **content: Any) -> None:
        self.content = content
        self.requests: list[Message] = []

    def __call__(self, request: Message) -> Message:
        """Answer."""
        self.requests.append(Session().deserialize(Session().serialize(request)))
        return Session().message("input_reply", self.content)


@pytest.mark.parametrize(
    ("code", "prompt", "password"), [("raw_input", "name? ", False), ("getpass", "secret? ", True)]
)
@pytest.mark.rule("R-STDIN-2")
def test_input(code: str, prompt: str, password: bool) -> None:
    """A question goes to the front end that sent the request, with prompt and password flag."""
    ask = Asked(value="Ada")
    wired = Wire(executing(asking), ask=ask)
    assert wired.execute(code, allow_stdin=True)["answer"] == "Ada"
    (request,) = ask.requests
    assert request.msg_type == "input_request"
    assert request.content == {"prompt": prompt, "password": password}
    assert request.idents == [b"route", b"front end"]
    assert request.parent_header == wired.last.header


@pytest.mark.parametrize("code", ["raw_input", "getpass"])
@pytest.mark.rule("R-STDIN-1")
def test_input_that_is_not_allowed(code: str) -> None:
    """Who did not allow questions is not asked; user code gets an error it can catch."""
    ask = Asked(value="x")
    wired = Wire(executing(asking), ask=ask)
    for fields in ({"allow_stdin": False}, {}):
        assert (
            wired.execute(code, stop_on_error=False, **fields)["ename"]
            == "StdinNotImplementedError"
        )
    assert ask.requests == []


def test_input_without_stdin() -> None:
    """A kernel that has no stdin socket cannot ask."""
    reply = Wire(executing(asking)).execute("raw_input", allow_stdin=True)
    assert reply["ename"] == "StdinNotImplementedError"


def test_input_outside_a_request() -> None:
    """Before any request there is nobody to ask."""
    with pytest.raises(StdinNotImplementedError):
        Wire(ask=Asked(value="x")).kernel.raw_input()


def test_permission_ends_with_the_request() -> None:
    """A later request that does not allow questions takes the permission back."""
    wired = Wire(executing(asking), ask=Asked(value="x"))
    wired.execute("raw_input", allow_stdin=True)
    wired.request("kernel_info_request")
    with pytest.raises(StdinNotImplementedError):
        wired.kernel.raw_input()


@pytest.mark.parametrize(("content", "value"), [({}, ""), ({"value": 3}, "3"), ({"value": ""}, "")])
def test_odd_answers(content: dict[str, Any], value: str) -> None:
    """User code gets text, whatever the front end answered."""
    wired = Wire(executing(asking), ask=Asked(**content))
    assert wired.execute("raw_input", allow_stdin=True)["answer"] == value


def test_interrupted_question() -> None:
    """An interrupt while waiting for the answer ends the cell."""

    def ask(request: Message) -> Message:
        raise KeyboardInterrupt

    reply = Wire(executing(asking), ask=ask).execute("raw_input", allow_stdin=True)
    assert (reply["status"], reply["ename"]) == ("error", "KeyboardInterrupt")


# --- comms --------------------------------------------------------------------------------------


@pytest.mark.rule("R-COMM-1")
def test_comm_to_an_unknown_target() -> None:
    """A comm to a target that nobody knows is closed at once."""
    wired = Wire()
    wired.request("comm_open", {"comm_id": "c1", "target_name": "none", "data": {"a": 1}})
    (message,) = wired.published("comm_close")
    assert message.content == {"comm_id": "c1", "data": {}}


@pytest.mark.parametrize("msg_type", ["comm_msg", "comm_close"])
@pytest.mark.rule("R-COMM-3")
def test_message_on_a_closed_comm(caplog: pytest.LogCaptureFixture, msg_type: str) -> None:
    """A message on a comm that is not open is ignored."""
    wired = Wire()
    wired.request(msg_type, {"comm_id": "c1", "data": {}})
    assert [m.msg_type for m in wired.published()] == ["status", "status"]
    assert all(record.levelno <= logging.WARNING for record in caplog.records)


def test_comm_message_with_buffers() -> None:
    """An author who handles comms gets at the buffers through an override."""
    seen = []

    class Comms(Kernel):
        async def comm_msg(self, comm_id: str, data: dict[str, Any]) -> None:
            seen.append((comm_id, data))

    Wire(Comms).request("comm_msg", {"comm_id": "c", "data": {"a": 1}})
    assert seen == [("c", {"a": 1})]


# --- kernel_info, connect, shutdown -------------------------------------------------------------


@pytest.mark.parametrize("channel", ["shell", "control"])
@pytest.mark.rule("R-INFO-2")
def test_kernel_info(channel: str) -> None:
    """The answer has what the author says of the kernel, and the protocol version."""
    info = {"name": "x", "version": "1", "mimetype": "text/x", "file_extension": ".x"}
    made = kernel_class(
        implementation="Impl",
        implementation_version="0.9",
        banner="Welcome",
        language_info=info,
        help_links=[{"text": "t", "url": "u"}],
        supported_features=["f"],
    )
    assert Wire(made).reply("kernel_info_request", {}, channel) == {
        "status": "ok",
        "protocol_version": "5.6",
        "implementation": "Impl",
        "implementation_version": "0.9",
        "language_info": info,
        "banner": "Welcome",
        "help_links": [{"text": "t", "url": "u"}],
        "supported_features": ["f"],
    }


def test_kernel_info_by_properties() -> None:
    """What a kernel is may be computed, as wrapper kernels do."""

    class Computed(Kernel):
        @property
        def banner(self) -> str:  # type: ignore[override]
            return "computed"

    assert Wire(Computed).reply("kernel_info_request")["banner"] == "computed"


def test_connect_request() -> None:
    """The ports are told to who asks."""
    assert Wire().reply("connect_request") == {
        "status": "ok",
        "shell_port": 1,
        "iopub_port": 2,
        "stdin_port": 3,
        "control_port": 4,
        "hb_port": 5,
    }


def test_connect_request_without_sockets() -> None:
    """A kernel without sockets says so."""
    sent: list[Message] = []
    kernel = Kernel(send=lambda channel, message: sent.append(message))
    asyncio.run(kernel.handle(Session().message("connect_request")))
    assert sent[1].content["status"] == "error"


@pytest.mark.parametrize("channel", ["shell", "control"])
@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.rule("R-CTRL-2", "R-CTRL-3", "R-CTRL-4")
def test_shutdown(restart: bool, channel: str) -> None:
    """A shutdown is told to all front ends, answered, and idle; only then the kernel stops."""
    wired = Wire()
    reply = wired.reply("shutdown_request", {"restart": restart}, channel)
    assert reply == {"status": "ok", "restart": restart}
    assert set(wired.calls[1:3]) == {f"{channel} shutdown_reply", "iopub shutdown_reply"}
    assert wired.calls[0] == "iopub status"
    assert wired.calls[3:] == ["iopub status", "stop"]
    (broadcast,) = wired.published("shutdown_reply")
    assert broadcast.content == reply
    assert broadcast.parent_header == wired.last.header


def test_nothing_else_stops() -> None:
    """No other request ends the kernel."""
    wired = Wire(kernel_class())
    for msg_type, channel in PAIRS:
        if msg_type != "shutdown_request":
            wired.request(msg_type, GOOD[msg_type], channel)
            assert "stop" not in wired.calls


def test_shutdown_with_nothing_to_say() -> None:
    """A do_shutdown may return None, as many do."""
    wired = Wire(kernel_class(do_shutdown=lambda self, restart: None))
    assert wired.reply("shutdown_request", {"restart": True}) == {"status": "ok", "restart": True}
    assert wired.calls[-1] == "stop"


def test_kernel_alone() -> None:
    """A kernel that is given nothing works, and keeps everything to itself."""
    kernel = Kernel()
    kernel.start()
    asyncio.run(kernel.handle(Session().message("shutdown_request", {"restart": False})))
    asyncio.run(kernel.handle(Session().message("interrupt_request"), "control"))
    assert kernel.execution_count == 0


def test_error_content() -> None:
    """An exception is described by its type, its text and the lines given."""
    assert error_content(KeyError("k"), ["a", "b"]) == {
        "status": "error",
        "ename": "KeyError",
        "evalue": "'k'",
        "traceback": ["a", "b"],
    }
    assert error_content(Unprintable())["evalue"] == "<its str() raised RuntimeError>"


def test_protocol_errors_of_a_handler_are_logged_in_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A ProtocolError needs no traceback: the peer is wrong, and one line says how."""

    def fail(self: Kernel, code: str) -> Any:
        raise ProtocolError("the peer is wrong")

    Wire(kernel_class(do_is_complete=fail)).reply("is_complete_request", {"code": ""})
    (record,) = caplog.records
    assert (record.getMessage(), record.exc_info) == ("the peer is wrong", None)


# --- kernels that were written for ipykernel ----------------------------------------------------


def wrapper(base: Any) -> Any:
    """Define a wrapper kernel as authors write it for ipykernel, on another base class."""

    class Wrapper(base):  # type: ignore[misc]
        implementation = "Wrapper"
        implementation_version = "1.0"
        language_info = {"name": "w", "mimetype": "text/plain", "file_extension": ".w"}
        banner = "A wrapper"

        async def do_execute(
            self,
            code: str,
            silent: bool,
            store_history: bool = True,
            user_expressions: Any = None,
            allow_stdin: bool = False,
        ) -> dict[str, Any]:
            if not silent:
                self.send_response(self.iopub_socket, "stream", {"name": "stdout", "text": code})
            if code == "error":
                error = {"ename": "E", "evalue": "v", "traceback": ["line"]}
                self.send_response(self.iopub_socket, "error", error)
                return {"status": "error", "execution_count": self.execution_count, **error}
            if code == "display":
                data = {"data": {"text/plain": code}, "metadata": {}}
                self.send_response(self.iopub_socket, "display_data", data, metadata={"m": 1})
            return {
                "status": "ok",
                "execution_count": self.execution_count,
                "payload": [],
                "user_expressions": user_expressions or {},
            }

        async def do_complete(self, code: str, cursor_pos: int) -> dict[str, Any]:
            return {
                "status": "ok",
                "matches": [code[:cursor_pos] + "x"],
                "cursor_start": 0,
                "cursor_end": cursor_pos,
                "metadata": {},
            }

        async def do_inspect(
            self, code: str, cursor_pos: int, detail_level: int = 0, omit_sections: Any = ()
        ) -> dict[str, Any]:
            data = {"text/plain": f"{code} {cursor_pos} {detail_level} {list(omit_sections)}"}
            return {"status": "ok", "found": True, "data": data, "metadata": {}}

        async def do_is_complete(self, code: str) -> dict[str, Any]:
            return {"status": "incomplete", "indent": "  "}

        async def do_history(self, hist_access_type: str, *args: Any, **fields: Any) -> Any:
            return {"status": "ok", "history": [[1, 1, f"{hist_access_type} {fields['n']}"]]}

    return Wrapper


class RecordingSession(JupyterSession):  # type: ignore[misc]
    """A session of jupyter_client that keeps what is sent."""

    def send(
        self, stream: Any, msg_or_type: Any, content: Any = None, *args: Any, **kw: Any
    ) -> Any:
        """Keep the type and the content."""
        self.kept = [*getattr(self, "kept", []), (msg_or_type, content)]
        return {"content": content}


def under_ipykernel(msg_type: str, content: dict[str, Any]) -> list[tuple[str, Any]]:
    """Let ipykernel's base class handle a request for the wrapper; return what it sent."""
    session = RecordingSession()

    async def run() -> None:
        kernel = wrapper(IPyKernelBase)(
            session=session, iopub_socket="iopub", log=logging.getLogger("wrapper")
        )
        parent = session.msg(msg_type, content)
        kernel.set_parent([b"i"], parent)
        await getattr(kernel, msg_type)("shell", [b"i"], parent)

    asyncio.run(run())
    return session.kept


@pytest.mark.parametrize(
    ("msg_type", "content"),
    [
        ("execute_request", {"code": "x"}),
        ("execute_request", {"code": "display", "user_expressions": {"a": "b"}}),
        ("execute_request", {"code": "x", "silent": True}),
        ("execute_request", {"code": "error", "stop_on_error": False}),
        ("complete_request", {"code": "abc", "cursor_pos": 2}),
        ("inspect_request", {"code": "abc", "cursor_pos": 2, "detail_level": 1}),
        ("inspect_request", {"code": "abc", "cursor_pos": 0}),
        ("is_complete_request", {"code": "abc"}),
        ("history_request", {"hist_access_type": "tail", "output": False, "raw": True, "n": 2}),
    ],
)
@pytest.mark.off_catalogue("the author's kernel answers with less than it should", kernel=True)
def test_wrapper_kernel_answers_as_under_ipykernel(msg_type: str, content: dict[str, Any]) -> None:
    """A kernel written for ipykernel sends the same when its base class is ours."""
    wired = Wire(wrapper(Kernel))
    ours = [(m.msg_type, m.content) for m in wired.request(msg_type, content)]
    assert ours[1:-1] == under_ipykernel(msg_type, content)


# --- what a second reader found -----------------------------------------------------------------


@pytest.mark.rule("R-EXEC-9")
def test_late_output_belongs_to_the_latest_cell() -> None:
    """What a thread prints after its cell has the cell as parent, not a completion since then."""
    wire = Wire(Talker)
    wire.execute("x")
    cell = wire.last
    wire.request("complete_request", GOOD["complete_request"])
    del wire.sent[:]
    contextvars.Context().run(wire.kernel.stream, "stdout", "late")
    ((_, late),) = wire.sent
    assert late.parent_header["msg_id"] == cell.msg_id


def test_error_message_alone_is_no_failure() -> None:
    """A kernel may publish `error` and succeed all the same; then nothing is aborted."""

    class Forgiving(Kernel):
        def do_execute(self, code: str, *_: Any, **__: Any) -> dict[str, Any]:
            """Publish an error, and get over it."""
            self.publish("error", {"ename": "E", "evalue": "", "traceback": []})
            return {"status": "ok"}

    waiting: list[Message] = []
    wire = Wire(Forgiving, waiting=lambda: waiting)
    waiting.append(wire.make("execute_request", {"code": "next"}))
    assert wire.execute("first")["status"] == "ok"
    assert wire.handle(waiting.pop())["status"] == "ok"


# --- subshells ----------------------------------------------------------------------------------


def in_subshell(wired: Wire, subshell_id: Any, code: str = "", **fields: Any) -> dict[str, Any]:
    """Let a subshell run code; return the content of the reply."""
    request = wired.make("execute_request", {"code": code, **fields})
    request.header["subshell_id"] = subshell_id
    return wired.handle(request)


@pytest.mark.rule("R-SUB-2")
def test_subshells_are_listed() -> None:
    """The list has the subshells that were created and not deleted, and not the main shell."""
    wired = wire_with_subshell(kernel_class(), 3)
    delete = {"subshell_id": "two"}
    assert wired.reply("delete_subshell_request", delete, "control") == {"status": "ok"}
    listed = wired.reply("list_subshell_request", channel="control")
    assert listed == {"status": "ok", "subshell_id": ["one", "three"]}


def test_subshells_are_a_feature() -> None:
    """Kernel info names subshells where there are some to be had, and not elsewhere."""
    features = wire_with_subshell(kernel_class()).reply("kernel_info_request")["supported_features"]
    assert features == ["debugger", "kernel subshells"]
    assert Wire().reply("kernel_info_request")["supported_features"] == []


@pytest.mark.parametrize("msg_type", [name for name, known in REQUESTS.items() if known.feature])
@pytest.mark.rule("R-REQ-5")
def test_request_of_a_feature_that_is_missing(
    caplog: pytest.LogCaptureFixture, msg_type: str
) -> None:
    """A kernel without a feature does not know its messages."""
    wired = Wire()
    sent = wired.request(msg_type, GOOD[msg_type], "control")
    assert [m.msg_type for m in sent] == ["status", "status"]
    assert "unknown message type" in caplog.text


def test_subshell_counts_its_own_cells() -> None:
    """Each shell numbers its cells from one."""
    wired = wire_with_subshell(kernel_class(), 2)
    counts = [
        in_subshell(wired, shell)["execution_count"]
        for shell in ("one", "one", None, "two", "one", None)
    ]
    assert counts == [1, 2, 1, 1, 3, 2]


def test_kernel_knows_the_subshell() -> None:
    """A kernel's author can ask which shell the running request came to."""
    seen: list[str | None] = []

    def note(kernel: Kernel, code: str) -> dict[str, Any]:
        seen.append(kernel.subshell_id)
        return {"status": "ok"}

    wired = wire_with_subshell(executing(note))
    in_subshell(wired, "one")
    in_subshell(wired, None)
    wired.execute()
    assert seen == ["one", None, None]
    assert wired.kernel.subshell_id is None


def test_failure_stops_its_own_shell_only() -> None:
    """A failing cell cancels what waits for the same shell, and nothing that waits for another."""
    waiting: list[Message] = []
    wired = Wire(executing(failing), subshells=Threads(), waiting=lambda: waiting)
    wired.reply("create_subshell_request", channel="control")
    mine, other = (wired.make("execute_request", {"code": "x"}) for _ in range(2))
    mine.header["subshell_id"] = "one"
    waiting[:] = [mine]
    assert in_subshell(wired, "one", "fail")["status"] == "error"
    assert wired.handle(mine)["status"] == "aborted"
    assert wired.handle(other)["status"] == "ok"


@pytest.mark.parametrize("subshell_id", ["none of ours", "", 1, ["one"], {}, True])
@pytest.mark.rule("R-SUB-3")
def test_unknown_subshell(subshell_id: Any) -> None:
    """A request for a subshell that does not exist is not run, and is answered with an error."""
    wired = wire_with_subshell(executing(lambda *_: pytest.fail("it was executed")))
    reply = in_subshell(wired, subshell_id)
    expected = f"execute_request: header.subshell_id: expected a subshell, got {subshell_id!r}"
    assert (reply["status"], reply["evalue"]) == ("error", expected)


def test_deleted_subshell_answers_no_more() -> None:
    """What waits for a subshell that is deleted is answered with an error."""
    threads = Threads()
    wired = Wire(kernel_class(), subshells=threads)
    wired.reply("create_subshell_request", channel="control")
    wired.reply("delete_subshell_request", {"subshell_id": "one"}, "control")
    assert threads.deleted == ["one"]
    assert in_subshell(wired, "one")["status"] == "error"
    again = wired.reply("delete_subshell_request", {"subshell_id": "one"}, "control")
    assert again["evalue"] == (
        "delete_subshell_request: subshell_id: expected a subshell, got 'one'"
    )
    assert threads.deleted == ["one"]


def test_subshells_are_the_author_s_choice() -> None:
    """A kernel whose author did not say that threads are fine has no subshells, if it could."""
    wired = Wire(kernel_class(supports_subshells=False), subshells=Threads())
    sent = wired.request("create_subshell_request", channel="control")
    assert [m.msg_type for m in sent] == ["status", "status"]
    assert in_subshell(wired, "x")["status"] == "ok"


@pytest.mark.parametrize("subshell_id", ["x", None, 3])
def test_kernel_without_subshells_ignores_the_field(subshell_id: Any) -> None:
    """A kernel that has no subshells runs in its one shell whatever is for any."""
    assert in_subshell(Wire(kernel_class()), subshell_id)["status"] == "ok"


def test_control_does_not_look_at_the_subshell() -> None:
    """On control the field means nothing."""
    wired = wire_with_subshell(kernel_class())
    request = wired.make("kernel_info_request")
    request.header["subshell_id"] = "x"
    assert wired.handle(request, "control")["status"] == "ok"
