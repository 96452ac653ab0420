"""A kernel without sockets: a request comes in; busy, outputs, the reply and idle go out.

To make a kernel, subclass `Kernel`, say what it is, and write `do_execute`.  The method names and
the dicts they return are those of `ipykernel.kernelbase.Kernel`, so kernels written for that class
work here.  Every `do_*` method may be a coroutine.

The kernel decides *what* is said.  *How* it is sent is given to it: `send` puts a message on a
channel, `write` takes stream text (and may collect small pieces), `ask` sends an `input_request`
and waits for the answer, `guard` calls what may run user code, so that an interrupt can hit it,
`interrupt` does that, `waiting` lists the requests that have arrived for the shell that asks,
`subshells` starts more shells, `stop` ends the process.
`run_kernel` gives the real ones; a test gives a function that appends to a list.

Every request takes one path, `Kernel.handle`.  A handler bears the name of its message type.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import ContextVar
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from .wire import (
    CHANNELS,
    PROTOCOL_VERSION,
    Connection,
    InvalidContent,
    Message,
    ProtocolError,
    Session,
)

Content = dict[str, Any]
_REQUIRED: Any = object()


class Field(NamedTuple):
    """What a field may hold: exact types of decoded JSON, and the value if it is absent."""

    types: tuple[type, ...]
    default: Any = _REQUIRED


class Request(NamedTuple):
    """A request that a kernel knows: the channels it may come on, and the fields of its content.

    One that belongs to an optional feature is unknown to a kernel without that feature.
    """

    channels: tuple[str, ...]
    fields: dict[str, Field]
    feature: str = ""


_TEXT, _FLAG, _WHOLE, _DICT = (str,), (bool,), (int,), (dict,)
_WHOLE_OR_NULL = (int, type(None))
_SHELL, _CONTROL, _BOTH = ("shell",), ("control",), ("shell", "control")

REQUESTS = {
    "execute_request": Request(
        _SHELL,
        {
            "code": Field(_TEXT),
            "silent": Field(_FLAG, False),
            "store_history": Field(_FLAG, True),
            "user_expressions": Field(_DICT, {}),
            "allow_stdin": Field(_FLAG, False),  # who does not say that he can answer is not asked
            "stop_on_error": Field(_FLAG, True),
        },
    ),
    "inspect_request": Request(
        _SHELL,
        {"code": Field(_TEXT), "cursor_pos": Field(_WHOLE), "detail_level": Field(_WHOLE, 0)},
    ),
    "complete_request": Request(_SHELL, {"code": Field(_TEXT), "cursor_pos": Field(_WHOLE)}),
    "history_request": Request(
        _SHELL,
        {
            "hist_access_type": Field(_TEXT),
            "output": Field(_FLAG, False),
            "raw": Field(_FLAG, True),
            "session": Field(_WHOLE_OR_NULL, None),
            "start": Field(_WHOLE_OR_NULL, None),
            "stop": Field(_WHOLE_OR_NULL, None),
            "n": Field(_WHOLE_OR_NULL, None),
            "pattern": Field((str, type(None)), None),
            "unique": Field(_FLAG, False),
        },
    ),
    "is_complete_request": Request(_SHELL, {"code": Field(_TEXT)}),
    "comm_info_request": Request(_BOTH, {"target_name": Field((str, type(None)), None)}),
    "comm_open": Request(
        _SHELL,
        {"comm_id": Field(_TEXT), "target_name": Field(_TEXT), "data": Field(_DICT, {})},
    ),
    "comm_msg": Request(_SHELL, {"comm_id": Field(_TEXT), "data": Field(_DICT, {})}),
    "comm_close": Request(_SHELL, {"comm_id": Field(_TEXT), "data": Field(_DICT, {})}),
    "connect_request": Request(_BOTH, {}),
    "kernel_info_request": Request(_BOTH, {}),
    "shutdown_request": Request(_BOTH, {"restart": Field(_FLAG, False)}),
    "interrupt_request": Request(_CONTROL, {}),
    "create_subshell_request": Request(_CONTROL, {}, "kernel subshells"),
    "delete_subshell_request": Request(_CONTROL, {"subshell_id": Field(_TEXT)}, "kernel subshells"),
    "list_subshell_request": Request(_CONTROL, {}, "kernel subshells"),
    "debug_request": Request(
        _CONTROL,
        {
            "seq": Field(_WHOLE),
            "type": Field(_TEXT, "request"),
            "command": Field(_TEXT),
            "arguments": Field(_DICT, {}),
        },
        "debugger",
    ),
}

# What `silent` keeps back. Comm messages and status are not output.
OUTPUT = frozenset(
    {
        "stream",
        "display_data",
        "update_display_data",
        "execute_input",
        "execute_result",
        "error",
        "clear_output",
    }
)


class StdinNotImplementedError(NotImplementedError):
    """User code asked for input, and the front end said that it cannot be asked."""


def parse_content(msg_type: str, content: Content) -> Content:
    """Check a request's content against REQUESTS; fill in defaults, drop what we do not know.

    Raises InvalidContent, which names the field.

    >>> parse_content("is_complete_request", {"code": 1})
    Traceback (most recent call last):
    refimpl.wire.InvalidContent: is_complete_request: code: expected str, got int
    """
    values = {}
    for name, (types, default) in REQUESTS[msg_type].fields.items():
        value = content.get(name, default)
        if name in content and type(value) not in types:
            expected = " or ".join("null" if t is type(None) else t.__name__ for t in types)
            found = "null" if value is None else type(value).__name__
            raise InvalidContent(f"{msg_type}: {name}: expected {expected}, got {found}")
        if value is _REQUIRED:
            raise InvalidContent(f"{msg_type}: {name}: expected {types[0].__name__}, got nothing")
        values[name] = {**value} if value is default and default == {} else value
    return values


def error_content(error: BaseException, lines: Sequence[str] = ()) -> Content:
    """Describe an exception as replies and `error` messages do: ename, evalue, traceback.

    >>> error_content(ValueError("no"))["ename"]
    'ValueError'
    """
    try:
        value = str(error)
    except BaseException as broken:  # an exception of the user may fail to print itself
        value = f"<its str() raised {type(broken).__name__}>"
    name = type(error).__name__
    return {"status": "error", "ename": name, "evalue": value, "traceback": list(lines)}


def format_lines(error: BaseException) -> list[str]:
    """Format a traceback as lines without line ends."""
    return "".join(traceback.format_exception(error)).splitlines()


class Subshells(Protocol):
    """What makes and ends the threads that serve subshells; `run_subshells` has the real one."""

    def create(self) -> str:
        """Start a subshell; return its id."""

    def delete(self, subshell_id: str) -> None:
        """Let a subshell end once it has answered what it works at and what waits for it."""


class _Shell:
    """The main shell, or a subshell. Each counts its own cells, and empties its own queue."""

    def __init__(self, subshell_id: str | None) -> None:
        self.subshell_id = subshell_id
        self.execution_count = 0
        self.leftovers = Leftovers()


class _Running(NamedTuple):
    """The request that a thread or task works for. What it publishes carries this parent."""

    request: Message | None
    shell: _Shell
    silent: bool = False
    allow_stdin: bool = False
    stop_on_error: bool = False


_running: ContextVar[_Running] = ContextVar("running")


class Leftovers:
    """Tell which requests were sent before their sender could know that an earlier one failed.

    Those that wait in the socket when a request fails were.  That is not enough: a front end that
    runs all cells sends them one by one, and a fast kernel has failed before the next one comes.
    But the date in its header tells that it is older than the failure, if sender and kernel have
    the same clock.  Whether they do, shows in the time that requests take to arrive: on one machine
    it is short, and never negative.  Without that evidence only the socket counts.
    """

    LATENCY = 0.05  # seconds; who seems to be further away may just have another clock
    WAKE = 0.1  # seconds after a failure, or after a leftover, in which another one may arrive
    SESSIONS = 1000  # front ends remembered

    def __init__(self) -> None:
        """Begin with an empty queue and no failure."""
        self._idle = True
        self._waiting: set[str] = set()  # ids of the messages that waited when a request failed
        self._failure: datetime | None = None  # or when the latest leftover was refused
        self._latency: dict[Any, float] = {}  # seconds, the shortest of each session

    def queue_is_empty(self) -> None:
        """Take note that nothing more waits in the socket."""
        self._idle = True

    def failed(self, waiting: Iterable[Message], now: datetime) -> None:
        """Take note that a request which stops on error has failed, and of what is waiting.

        Both arguments are those from before the error was published: what a quick client sends on
        hearing of it must not be among what waits.
        """
        self._waiting = {m.msg_id for m in waiting if m.msg_type == "execute_request"}
        self._failure = now

    def arrived(self, request: Message, now: datetime) -> bool:
        """Take note of an execute_request that is about to run; tell whether it is a leftover."""
        header = request.header
        session = header.get("session")
        try:
            sent = datetime.fromisoformat(header["date"])
            latency = (now - sent).total_seconds()
        except (KeyError, TypeError, ValueError):  # no date, or one without a zone
            sent, latency = now, -1.0
        if self._idle:  # then it did not wait here, but was on its way
            if len(self._latency) >= self.SESSIONS:
                self._latency.clear()
            latency = self._latency[session] = min(latency, self._latency.get(session, latency))
        self._idle = False
        if request.msg_id in self._waiting:
            self._waiting.discard(request.msg_id)
            return True
        if self._failure is None:
            return False
        way = self._latency.get(session, -1.0)
        in_wake = (now - self._failure).total_seconds() < self.WAKE
        left_over = in_wake and 0 <= way <= self.LATENCY and sent < self._failure
        # What was sent before this one was refused is part of the same burst.
        self._failure = now if left_over else None
        return left_over


class Kernel:
    """Base class of kernels. Override the attributes and the `do_*` methods."""

    implementation = "refimpl"
    implementation_version = ""
    banner = ""
    language_info: dict[str, Any] = {
        "name": "text",
        "version": "",
        "mimetype": "text/plain",
        "file_extension": ".txt",
    }
    help_links: list[dict[str, str]] = []
    supported_features: list[str] = []
    supports_subshells = False  # say True if several threads may run requests at once

    # What existing kernels pass as the first argument of `send_response`.
    iopub_socket = "iopub"

    def __init__(
        self,
        *,
        session: Session | None = None,
        send: Callable[[str, Message], None] = lambda channel, message: None,
        write: Callable[[str, str, Message | None], None] | None = None,
        ask: Callable[[Message], Message] | None = None,
        guard: Callable[[Callable[[], Any]], Awaitable[Any]] | None = None,
        interrupt: Callable[[], None] = lambda: None,
        stop: Callable[[], None] = lambda: None,
        waiting: Callable[[], Sequence[Message]] = tuple,
        subshells: Subshells | None = None,
        connection: Connection | None = None,
    ) -> None:
        """Take what connects the kernel to the world. See the text at the top of this module."""
        self.session = session or Session()
        self.log = logging.getLogger(type(self).__module__)
        self.connection = connection
        # As with ipykernel: an author may add handlers of messages on shell, by message type.
        self.shell_handlers: dict[str, Callable[[Any, list[bytes], dict[str, Any]], Any]] = {}
        self._shells: dict[str | None, _Shell] = {None: _Shell(None)}
        self._erring: _Running | None = None  # the last request that had an error
        self._at_error: tuple[Sequence[Message], datetime]  # what waited then, and when it was
        self._send = send
        self._write = write or self._send_stream
        self._ask = ask
        self._guard = guard or _unguarded
        self._interrupt = interrupt
        self._stop = stop
        self._waiting = waiting
        self._subshells = subshells if self.supports_subshells else None
        # For threads that belong to no request, as C libraries start them.
        self._latest = _Running(None, self._shells[None])

    # --- what a kernel author overrides --------------------------------------------------------

    def start(self) -> None:
        """Get ready, once, in the main thread, before the first request."""

    def do_execute(
        self,
        code: str,
        silent: bool,
        store_history: bool = True,
        user_expressions: dict[str, str] | None = None,
        allow_stdin: bool = False,
    ) -> Any:
        """Run code; return the content of the execute_reply, or an awaitable of it."""
        raise NotImplementedError(f"{type(self).__name__} has no do_execute")

    def do_complete(self, code: str, cursor_pos: int) -> Any:
        """Return matches for the text before the cursor, which counts code points."""
        return {"matches": [], "cursor_start": cursor_pos, "cursor_end": cursor_pos, "metadata": {}}

    def do_inspect(
        self, code: str, cursor_pos: int, detail_level: int = 0, omit_sections: Sequence[str] = ()
    ) -> Any:
        """Describe the object under the cursor as a MIME bundle; detail_level 1 asks for source."""
        return {"found": False, "data": {}, "metadata": {}}

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
        """Return earlier inputs as a list of (session, line, input)."""
        return {"history": []}

    def do_is_complete(self, code: str) -> Any:
        """Tell whether code is complete, incomplete or invalid, should Enter run it."""
        return {"status": "unknown"}

    def do_interrupt(self) -> Any:
        """Stop the running code. The base class sends this process the interrupt signal."""
        self._interrupt()
        return {}

    def do_shutdown(self, restart: bool) -> Any:
        """Tidy up before the process ends; a front end that asks for `restart` starts the next."""
        return {"restart": restart}

    def do_debug_request(self, message: Content) -> Any:
        """Pass a request of the Debug Adapter Protocol on; return the response, its content.

        Only kernels that name `debugger` in `supported_features` are asked.
        """
        raise NotImplementedError(f"{type(self).__name__} has no do_debug_request")

    # --- what a kernel author calls ------------------------------------------------------------

    @property
    def execution_count(self) -> int:
        """The number of the latest cell, of the shell that the running request came to."""
        return _running.get(self._latest).shell.execution_count

    @execution_count.setter
    def execution_count(self, count: int) -> None:
        _running.get(self._latest).shell.execution_count = count

    @property
    def subshell_id(self) -> str | None:
        """The subshell that the running request came to; None for the main shell."""
        return _running.get(self._latest).shell.subshell_id

    @property
    def parent(self) -> Message | None:
        """The running request, parent of what is published; None where there has been none."""
        return _running.get(self._latest).request

    def get_parent(self, channel: str | None = None) -> dict[str, Any]:
        """Return the running request as ipykernel does: a dict, empty where there is none."""
        request = self.parent
        names = ("header", "msg_id", "msg_type", "parent_header", "metadata", "content", "buffers")
        return {} if request is None else {name: getattr(request, name) for name in names}

    def send_response(
        self,
        stream: Any,
        msg_type: str,
        content: Content | None = None,
        ident: Any = None,
        buffers: Sequence[Any] | None = None,
        track: bool = False,
        header: Any = None,
        metadata: Content | None = None,
        channel: str | None = None,
    ) -> None:
        """Publish output of the running request: `send_response(self.iopub_socket, "stream", ...)`.

        The parameters are those of ipykernel. Only the iopub channel can be named; `ident`,
        `track`, `header` and `channel` change nothing, because the running request says it all.
        Raises ValueError for another channel than iopub.
        """
        if stream != self.iopub_socket:
            raise ValueError(f"send_response: expected self.iopub_socket, got {stream!r}")
        self.publish(msg_type, content, metadata, buffers or ())

    def publish(
        self,
        msg_type: str,
        content: Content | None = None,
        metadata: Content | None = None,
        buffers: Sequence[Any] = (),
    ) -> None:
        """Send a message to every front end, as output of the running request, from any thread."""
        content = content or {}
        running = _running.get(self._latest)
        if running.silent and msg_type in OUTPUT:
            return
        if msg_type == "error":
            self._look_before_error(running)
        only_text = msg_type == "stream" and content.keys() == {"name", "text"}
        if only_text and not metadata and not buffers:
            self._write(content["name"], content["text"], running.request)
            return
        message = self.session.message(
            msg_type,
            content,
            parent=running.request,
            metadata=metadata,
            buffers=buffers,
            idents=[msg_type.encode()],
        )
        self._send("iopub", message)

    def stream(self, name: str, text: str) -> None:
        """Publish text as `stdout` or `stderr` of the running request, from any thread."""
        running = _running.get(self._latest)
        if text and not running.silent:
            self._write(name, text, running.request)

    def raw_input(self, prompt: str = "") -> str:
        """Ask the user who runs this code for a line of text.

        Raises StdinNotImplementedError when the front end cannot be asked.
        """
        return self._input(prompt, password=False)

    def getpass(self, prompt: str = "") -> str:
        """Ask for a line of text that must not be shown. Raises StdinNotImplementedError."""
        return self._input(prompt, password=True)

    def _input(self, prompt: str, password: bool) -> str:
        running = _running.get(self._latest)
        if self._ask is None or running.request is None or not running.allow_stdin:
            raise StdinNotImplementedError(
                "this front end did not allow the kernel to ask for input"
            )
        # A ROUTER finds the front end's stdin socket by the identity that its shell socket has.
        content = {"prompt": str(prompt), "password": password}
        reply = self._ask(
            self.session.message(
                "input_request", content, parent=running.request, idents=running.request.idents
            )
        )
        value = reply.content.get("value", "")
        return value if isinstance(value, str) else str(value)

    # --- one request ---------------------------------------------------------------------------

    async def handle(self, request: Message, channel: str = "shell") -> None:
        """Answer one request: busy, the handler with its output, the reply, idle.

        Raises ProtocolError when the message cannot be read; then nothing has been sent.
        Whatever else goes wrong becomes an error reply.
        Source: "Request-Reply" of the messaging specification.
        """
        request.check()
        token = _running.set(_Running(request, self._shell(request) or self._shells[None]))
        self.publish("status", {"execution_state": "busy"})
        status = None
        try:
            status = await self._reply(request, channel)
        finally:
            self.publish("status", {"execution_state": "idle"})
            _running.reset(token)
        if request.msg_type == "shutdown_request" and status == "ok":
            self._stop()

    def _shell(self, request: Message) -> _Shell | None:
        """Find the shell that a request is for; None for a subshell that does not exist."""
        name = request.header.get("subshell_id") if self._subshells else None
        return self._shells.get(name) if name is None or isinstance(name, str) else None

    def _features(self) -> list[str]:
        return [*self.supported_features, *(["kernel subshells"] if self._subshells else [])]

    async def _reply(self, request: Message, channel: str) -> Any:
        """Find out what to reply, and send it; return its status, None if there is no reply."""
        msg_type = request.msg_type
        try:
            if channel == "shell" and msg_type in self.shell_handlers:
                added = self.shell_handlers[msg_type]
                await self._guard(lambda: added(None, request.idents, self.get_parent()))
                return None
            known = REQUESTS.get(msg_type)
            if known is None or (known.feature and known.feature not in self._features()):
                # Front ends newer than we are must not break us: the specification says ignore.
                self.log.warning("%s: unknown message type %r, ignored", channel, msg_type[:80])
                return None
            if channel not in known.channels:
                expected = " or ".join(known.channels)
                raise InvalidContent(f"{msg_type}: expected on {expected}, came on {channel}")
            if channel == "shell" and self._shell(request) is None:
                name = repr(request.header["subshell_id"])[:80]
                raise InvalidContent(
                    f"{msg_type}: header.subshell_id: expected a subshell, got {name}"
                )
            fields = parse_content(msg_type, request.content)
            content = await getattr(self, msg_type)(**fields)
        except ProtocolError as error:
            self.log.warning("%s", error)
            content = self._refusal(request, error_content(error))
        except BaseException as error:  # whatever it was, the front end gets its reply
            if not isinstance(error, KeyboardInterrupt):
                self.log.exception("%s failed", msg_type)
            content = self._refusal(request, error_content(error, format_lines(error)))
        if not msg_type.endswith("_request"):
            return None
        content = {"status": "ok", **(content or {})}
        if msg_type == "execute_request" and content["status"] != "aborted":
            content.setdefault("execution_count", self.execution_count)  # the cell's number
        try:
            self._send_reply(request, channel, content)
        except Exception as error:  # the kernel's author put in what no codec knows
            self.log.exception("the reply to %s cannot be sent", msg_type)
            content = self._refusal(request, error_content(error))
            self._send_reply(request, channel, content)
        return content["status"]

    def _refusal(self, request: Message, content: Content) -> Content:
        """Complete an error with what the replies to some requests have, whatever their status."""
        if request.msg_type == "execute_request":
            return {**content, "execution_count": self.execution_count}
        if request.msg_type == "debug_request":  # the reply is one of the debugger's own protocol
            asked = request.content
            return {
                **content,
                "seq": 0,
                "type": "response",
                "request_seq": asked["seq"] if type(asked.get("seq")) is int else 0,
                "command": str(asked.get("command", "")),
                "success": False,
                "message": content["evalue"],
            }
        return content

    def _send_reply(self, request: Message, channel: str, content: Content) -> None:
        msg_type = request.msg_type.removesuffix("request") + "reply"
        if msg_type == "shutdown_reply" and content["status"] == "ok":
            self.publish(msg_type, dict(content))  # so that every front end knows
        reply = self.session.message(msg_type, content, parent=request, idents=request.idents)
        self._send(channel, reply)

    # --- the handlers, each named after its message type ---------------------------------------

    async def execute_request(
        self,
        code: str,
        silent: bool,
        store_history: bool,
        user_expressions: dict[str, str],
        allow_stdin: bool,
        stop_on_error: bool,
    ) -> Content:
        """Run code, or refuse it while a failed request empties the queue.

        Source: "Execute" of the messaging specification.
        """
        running = _running.get()
        assert running.request is not None  # `handle` has set it
        now = datetime.fromisoformat(self.session.now())
        if running.shell.leftovers.arrived(running.request, now):
            # Deployed front ends look for `aborted`; the specification would have `error`.
            aborted = {"ename": "ExecutionAborted", "evalue": "an earlier request failed"}
            return {"status": "aborted", **aborted, "traceback": []}
        store_history = store_history and not silent
        stop_on_error = stop_on_error and not silent
        running = running._replace(
            silent=silent, allow_stdin=allow_stdin, stop_on_error=stop_on_error
        )
        _running.set(running)
        self._latest = running
        if store_history:
            self.execution_count += 1
        count = self.execution_count

        def execute() -> Any:
            # Whoever hears that the code begins to run can interrupt it.
            self.publish("execute_input", {"code": code, "execution_count": count})
            return self.do_execute(
                code,
                silent,
                store_history=store_history,
                user_expressions=user_expressions,
                allow_stdin=allow_stdin,
            )

        try:
            content: Content = await self._guard(execute)
        except BaseException as error:
            # The kernel's own fault, or an interrupt that its author did not expect.
            self.log.warning("do_execute raised %s", type(error).__name__)
            content = error_content(error, format_lines(error))
            self.publish("error", {k: v for k, v in content.items() if k != "status"})
        self._latest = running._replace(allow_stdin=False)  # its threads may print, not ask
        if content.get("status") == "abort":  # as bash_kernel and others spell it
            content = {**content, "status": "aborted"}
        if content.get("status", "ok") == "ok":
            content = {"payload": [], "user_expressions": {}, **content}
        elif stop_on_error:
            self._look_before_error(running)  # if no `error` message was published
            running.shell.leftovers.failed(*self._at_error)
        return content

    def _look_before_error(self, running: _Running) -> None:
        """Note what waits on shell before anybody can know that this request failed."""
        if running.stop_on_error and running is not self._erring:
            self._erring = running
            now = datetime.fromisoformat(self.session.now())
            self._at_error = tuple(self._waiting()), now

    def queue_is_empty(self, subshell_id: str | None = None) -> None:
        """Take note that no request is waiting for this shell; the runner calls it."""
        if subshell_id in self._shells:
            self._shells[subshell_id].leftovers.queue_is_empty()

    async def inspect_request(self, code: str, cursor_pos: int, detail_level: int) -> Any:
        """Describe the object under the cursor."""
        return await self._guard(
            lambda: self.do_inspect(code, _within(cursor_pos, code), detail_level)
        )

    async def complete_request(self, code: str, cursor_pos: int) -> Any:
        """Find completions of the text before the cursor."""
        return await self._guard(lambda: self.do_complete(code, _within(cursor_pos, code)))

    async def history_request(self, **fields: Any) -> Any:
        """Find earlier inputs."""
        return await self._guard(lambda: self.do_history(**fields))

    async def is_complete_request(self, code: str) -> Any:
        """Tell a console whether Enter should run the code or open another line."""
        return await self._guard(lambda: self.do_is_complete(code))

    async def kernel_info_request(self) -> Content:
        """Say what this kernel is."""
        return {
            "protocol_version": PROTOCOL_VERSION,
            "implementation": self.implementation,
            "implementation_version": self.implementation_version,
            # Front ends need all four, and not every author gives them.
            "language_info": {**Kernel.language_info, **self.language_info},
            "banner": self.banner,
            "help_links": self.help_links,
            "supported_features": self._features(),
        }

    async def connect_request(self) -> Content:
        """Say which ports the kernel listens on. Deprecated since protocol 5.1."""
        if self.connection is None:
            raise InvalidContent("connect_request: this kernel has no sockets")
        ports = (f"{channel.name}_port" for channel in CHANNELS)
        return {name: getattr(self.connection, name) for name in ports}

    async def comm_info_request(self, target_name: str | None) -> Content:
        """List the open comms: none, since the base class knows no targets."""
        return {"comms": {}}

    async def comm_open(self, comm_id: str, target_name: str, data: Content) -> None:
        """Close at once what a front end opens: no target here bears that name."""
        self.publish("comm_close", {"comm_id": comm_id, "data": {}})

    async def comm_msg(self, comm_id: str, data: Content) -> None:
        """Ignore a message on a comm that is not open."""
        self.log.warning("comm_msg: no comm %r is open, ignored", comm_id[:80])

    async def comm_close(self, comm_id: str, data: Content) -> None:
        """Ignore the end of a comm that is not open."""

    async def interrupt_request(self) -> Content:
        """Stop the code that runs on shell."""
        return {**(await settle(self.do_interrupt()) or {})}

    async def create_subshell_request(self) -> Content:
        """Start a subshell: a thread that answers requests beside the main shell.

        Source: JEP 91.
        """
        assert self._subshells is not None  # `_reply` has looked
        subshell_id = self._subshells.create()
        self._shells[subshell_id] = _Shell(subshell_id)
        return {"subshell_id": subshell_id}

    async def delete_subshell_request(self, subshell_id: str) -> None:
        """End a subshell. What still waits for it is answered with an error."""
        if self._shells.pop(subshell_id, None) is None:
            found = repr(subshell_id)[:80]
            raise InvalidContent(
                f"delete_subshell_request: subshell_id: expected a subshell, got {found}"
            )
        assert self._subshells is not None
        self._subshells.delete(subshell_id)

    async def list_subshell_request(self) -> Content:
        """List the subshells. The main shell is none of them."""
        return {"subshell_id": [name for name in list(self._shells) if name is not None]}

    async def debug_request(self, **message: Any) -> Any:
        """Ask the debugger."""
        return await settle(self.do_debug_request(message))

    async def shutdown_request(self, restart: bool) -> Content:
        """End this kernel. `handle` stops the process once the reply and idle are sent."""
        return {"restart": restart, **(await settle(self.do_shutdown(restart)) or {})}

    # --- when nothing better is given ----------------------------------------------------------

    def _send_stream(self, name: str, text: str, parent: Message | None) -> None:
        self._send("iopub", stream_message(self.session, name, text, parent))


def stream_message(session: Session, name: str, text: str, parent: Message | None) -> Message:
    """Make the iopub message that carries text of `stdout` or `stderr`."""
    content = {"name": name, "text": text}
    return session.message("stream", content, parent=parent, idents=[f"stream.{name}".encode()])


def _within(cursor_pos: int, code: str) -> int:
    """Bring a cursor into the text; front ends that count UTF-16 units point behind it."""
    return min(max(cursor_pos, 0), len(code))


async def settle(value: Any) -> Any:
    """Await what can be awaited, and return the rest as it is."""
    return await value if hasattr(value, "__await__") else value


async def _unguarded(call: Callable[[], Any]) -> Any:
    return await settle(call())
