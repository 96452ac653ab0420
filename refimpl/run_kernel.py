"""The five sockets of a kernel, its threads, and its signals.

    main thread      shell: an asyncio event loop reads requests and runs user code.  Signals
                     arrive in this thread, so an interrupt stops user code; and because the loop
                     goes on between cells, top-level `await` works and background tasks live on.
    control thread   control, with an event loop of its own: it answers while a cell runs.
    iopub thread     reads subscriptions, and sends stream text that has waited long enough.  Any
                     thread may publish, under one lock, so no thread waits for another to send.
    heartbeat        an echo inside libzmq, which beats even when user code holds the interpreter.
    parent thread    ends the kernel when the process that started it is gone.

The rules about order that have their home here:

- Stream text is sent before any later message on iopub: outputs keep their order, idle is last.
- Before the error of a failed request is published, all that waits on shell is read; the execute
  requests among it are answered `aborted`.  Nothing is waited for; see `kernel.Leftovers`.
- Answers to an earlier `input_request` are thrown away before the next one is asked.
- The reply to a shutdown request, and idle, have left before the process ends.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import contextvars
import dataclasses
import functools
import itertools
import logging
import os
import secrets
import selectors
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Generator, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import zmq

from .kernel import Kernel, settle, stream_message
from .wire import (
    CHANNELS,
    Connection,
    ConnectionFileError,
    Message,
    ProtocolError,
    Session,
    fast_json,
)

log = logging.getLogger(__name__)

FIRST_SUBSCRIBER = 0.5  # seconds that the first cell waits at most for a subscription to iopub
LINGER = 1000  # milliseconds that unsent messages get when the kernel ends
GRACE = 3.0  # seconds that user code gets to end after a shutdown request
COALESCE = 0.02  # seconds that small pieces of a stream wait for each other
STREAM_LIMIT = 1 << 16  # characters of waiting stream text that are sent at once
HIGH_WATER = 5000  # messages that a front end may be behind on iopub before output waits for it
STATUS_MARK = 100_000  # messages that it may be behind before it loses one of URGENT
PATIENCE = 5.0  # seconds that output waits at most for such a front end to read
QUESTIONS = 1000  # questions to the user of which late answers are recognized
ROOM_POLL = 0.02  # seconds between two looks whether it has read
# What may not wait: few messages, which keep the control channel going and tell the end of output.
URGENT = frozenset({"status", "execute_input", "error", "shutdown_reply", "debug_event"})
COPY_LIMIT = 1 << 16  # bytes; below, copying a frame is cheaper than sharing it with libzmq
TURN = 0.005  # seconds that requests in a row may keep background tasks waiting
PARENT_POLL = 1.0  # seconds between looks at the parent process
# Seconds a running thread keeps the interpreter when another wants it.  Python's own 5 ms would be
# the time that control needs to answer while a cell computes.
SWITCH_INTERVAL = 0.0005


# Plain integers: pyzmq's own flags are enums, which cost more than the calls they are passed to.
# Of options it is the other way round, since pyzmq looks up the enum.
_NOBLOCK = int(zmq.NOBLOCK)
_MORE = _NOBLOCK | int(zmq.SNDMORE)
_POLLIN = int(zmq.POLLIN)
_EVENTS, _RCVMORE = zmq.EVENTS, zmq.RCVMORE

_send_frame = zmq.backend.Socket.send
_receive_frame: Callable[[Any, int], bytes] = zmq.backend.Socket.recv
_option: Callable[[Any, int], Any] = zmq.backend.Socket.get


def send(sock: zmq.Socket[bytes], frames: Sequence[Any]) -> None:
    """Send frames as one message; large ones are shared with libzmq, not copied.

    Raises zmq.Again when the socket is full; then nothing has been sent.
    One call into C for all frames takes an eighth of the time of send_multipart.
    """
    flags = [_MORE] * (len(frames) - 1) + [_NOBLOCK]
    if max(map(len, frames)) < COPY_LIMIT:
        deque(map(_send_frame, itertools.repeat(sock), frames, flags), maxlen=0)
    else:
        copies = [len(frame) < COPY_LIMIT for frame in frames]
        deque(map(_send_frame, itertools.repeat(sock), frames, flags, copies), maxlen=0)


def can_receive(sock: zmq.Socket[bytes]) -> bool:
    """Tell whether a message is there."""
    return bool(_option(sock, _EVENTS) & _POLLIN)


def receive(sock: zmq.Socket[bytes]) -> list[bytes]:
    """Receive the frames of one message that is there; raises zmq.Again when there is none.

    The options of pyzmq's own method take longer than the call into C.
    """
    frames = [_receive_frame(sock, _NOBLOCK)]
    while _option(sock, _RCVMORE):
        frames.append(_receive_frame(sock, _NOBLOCK))
    return frames


# --- interrupts --------------------------------------------------------------------------------


class Interrupts:
    """Decide what SIGINT does to the main thread.

    While user code runs, it raises KeyboardInterrupt there.  While user code awaits, it cancels
    the wait.  While the main thread uses one of our sockets, it is held back until that is done:
    half a multipart message would ruin the socket.  When no user code runs, it does nothing.

    A signal can come between any two instructions, also between two of this class.  So each state
    is one flag, set before what it is about and cleared after it, and what comes in between two
    states is kept in `_late` for the next one.
    """

    def __init__(self) -> None:
        """Prepare for the thread that calls; `install` starts listening."""
        self._thread = threading.get_ident()
        self._process = os.getpid()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._bell: socket.socket | None = None
        self._guarding = False  # user code is being run, or awaits
        self._exposed = False  # it runs right now
        self._held = 0  # how many of our own blocks must not be torn
        self._window = False  # such a block waits, and may be left
        self._late = False  # an interrupt came when it could not take effect
        self._waiting: asyncio.Task[Any] | None = None
        # Called when user code that runs is to be interrupted: a debugger may have stopped it.
        self.release: Callable[[], None] = lambda: None

    def install(self, loop: asyncio.AbstractEventLoop, bell: socket.socket | None = None) -> None:
        """Take over SIGINT. Call it in the main thread.

        A signal that comes just before the thread goes to sleep does not wake it; the bell does,
        a socket that becomes readable with each signal.
        """
        self._loop = loop
        self._bell = bell
        if bell is not None:
            loop.add_reader(bell, self.silence)
        signal.signal(signal.SIGINT, self._on_signal)

    def uninstall(self) -> None:
        """Ignore SIGINT from now on."""
        self._loop = None
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def send(self) -> None:
        """Interrupt this process, from any of its threads, and the children it waits for."""
        if sys.platform == "win32":
            signal.raise_signal(signal.SIGINT)
        elif os.getpgrp() == os.getpid():
            os.killpg(os.getpid(), signal.SIGINT)
        else:
            os.kill(os.getpid(), signal.SIGINT)

    def _on_signal(self, signum: int, frame: FrameType | None) -> None:
        if self._held and not self._window:
            self._late = True
        else:
            self._window = False  # once only: the block that is left must not be torn, too
            self._interrupt()

    def _interrupt(self) -> None:
        if self._exposed:
            self.release()
            raise KeyboardInterrupt
        if self._waiting is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._cancel, self._waiting)
        else:
            self._late = self._guarding

    def _cancel(self, task: asyncio.Task[Any]) -> None:
        if task is self._waiting:  # it may have ended since
            task.cancel()

    def __enter__(self) -> None:
        """Hold interrupts back until the block is left."""
        if threading.get_ident() == self._thread:
            self._held += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let an interrupt that came meanwhile have its effect."""
        if threading.get_ident() == self._thread:
            self._held -= 1
            if not self._held:
                self._catch_up()

    def _catch_up(self) -> None:
        """Let an interrupt that came late have its effect now."""
        if self._late:
            self._late = False
            self._interrupt()

    def wait(self, sock: zmq.Socket[bytes]) -> None:
        """Wait until there is something to read; from here an interrupt may leave a held block."""
        if threading.get_ident() != self._thread:
            sock.poll()
            return
        try:
            self._window = True
            self._catch_up()
            with selectors.DefaultSelector() as selector:
                selector.register(sock.FD, selectors.EVENT_READ)
                if self._bell is not None:
                    selector.register(self._bell, selectors.EVENT_READ)
                while not can_receive(sock):
                    selector.select()
                    self.silence()
        finally:
            self._window = False

    def silence(self) -> None:
        """Stop the bell. Python calls the handlers of the signals that rang it by itself."""
        if self._bell is not None:
            with contextlib.suppress(BlockingIOError):
                self._bell.recv(4096)

    async def guard(self, call: Callable[[], Any]) -> Any:
        """Call what may run user code, exposed to interrupts; await what it returns."""
        if threading.get_ident() != self._thread:
            return await settle(call())  # signals never arrive in other threads
        try:
            self._guarding = True
            result = self._expose(call)
            if hasattr(result, "__await__"):
                result = await _Steps(result, self)
            return result
        finally:
            self._guarding = self._late = False
            if os.getpid() != self._process:
                os._exit(0)  # a forked child left the user's code: it is no kernel
            if self._loop is not None:
                # User code may have set a handler of its own; pdb does, and leaves it behind.
                signal.signal(signal.SIGINT, self._on_signal)

    def _expose(self, call: Callable[[], Any]) -> Any:
        try:
            self._exposed = True
            self._catch_up()
            return call()
        finally:
            self._exposed = False


class _Steps:
    """Await something so that each of its steps is exposed to interrupts, as `guard` says.

    Between two steps an interrupt arrives as the cancellation of the task.  The code that awaits
    gets it as what it is: KeyboardInterrupt.
    """

    def __init__(self, awaitable: Awaitable[Any], interrupts: Interrupts) -> None:
        self._awaitable = awaitable
        self._iterator: Any = awaitable.__await__()
        self._interrupts = interrupts

    def __await__(self) -> Generator[Any, Any, Any]:
        """Drive the awaitable, step by step."""
        interrupts, iterator = self._interrupts, self._iterator
        task = asyncio.current_task()
        step: Callable[[], Any] = iterator.__next__
        while True:
            try:
                waits_for = interrupts._expose(step)
            except StopIteration as done:
                return done.value
            except KeyboardInterrupt as error:
                if getattr(self._awaitable, "cr_frame", None) is None:
                    raise  # it went through the awaited code, and came out of it
                step = _thrower(iterator, error)  # it came at the edge of the step: pass it in
                continue
            interrupts._waiting = task
            interrupts._catch_up()
            try:
                yield waits_for
                step = iterator.__next__
            except asyncio.CancelledError as error:
                interrupted = task is not None and task.cancelling()
                while task is not None and task.cancelling():
                    task.uncancel()
                cause = KeyboardInterrupt() if interrupted else error
                step = _thrower(iterator, cause)
            except BaseException as error:
                step = _thrower(iterator, error)
            finally:
                interrupts._waiting = None


def _thrower(iterator: Any, error: BaseException) -> Callable[[], Any]:
    return lambda: iterator.throw(error)


# --- iopub and stdin ---------------------------------------------------------------------------


class IOPub:
    """The socket that any thread may publish on, and the thread that looks after it.

    The socket is used under a lock.  What a `print` writes waits a little for more, then goes out
    as one message; everything else is sent at once, after the text that came before it.

    Memory is bounded, though nobody can make a front end read.  When one is HIGH_WATER messages
    behind, output waits, and with it the code that makes it.  Who has not made room after PATIENCE
    loses output until it has read half of what it was owed.  Status messages do not wait, so that
    control can answer meanwhile; but those of a cell do not overtake what the cell has printed.
    """

    def __init__(self, sock: zmq.Socket[bytes], session: Session, interrupts: Interrupts) -> None:
        """Take a bound XPUB socket."""
        self._socket = sock
        self._session = session
        self._interrupts = interrupts
        self._lock = threading.RLock()
        self._texts: deque[tuple[str, str, Message | None]] = deque()
        self._waiting = 0  # characters in _texts
        self._alarmed = False  # the thread has been told that there is text
        self._awake, self._alarm = socket.socketpair()
        self._alarm.setblocking(False)
        self.subscribed = threading.Event()
        self._open = True
        self._forked = False
        self._pause = threading.Event()
        self.thread = threading.Thread(target=self._run, name="iopub", daemon=True)

    def forked(self) -> None:
        """Let go of the sockets, in a forked child: they are its parent's.

        What it prints goes to the standard output of the process, as what other children print.
        """
        self._forked = True

    def publish(self, message: Message) -> None:
        """Send a message, after the stream text that was written before it."""
        if self._forked:
            return
        frames = self._session.serialize(message)  # may refuse: before anything is sent
        self._deliver(frames, message if message.msg_type in URGENT else None)

    def write(self, name: str, text: str, parent: Message | None) -> None:
        """Publish stream text soon: with what follows it, and at once if there is much."""
        if self._forked:
            os.write(2 if name == "stderr" else 1, text.encode("utf-8", "replace"))
            return
        self._texts.append((name, text, parent))
        self._waiting += len(text)
        if self._waiting >= STREAM_LIMIT:
            self._deliver(None, None)
        elif not self._alarmed:
            with self._interrupts:  # the flag without the alarm would silence the stream for good
                self._alarmed = True
                with contextlib.suppress(BlockingIOError):
                    self._alarm.send(b"!")

    def flush(self, before: Message | None = None) -> None:
        """Send the stream text that is waiting, before this message goes out elsewhere."""
        if not self._forked:
            self._deliver(None, before)

    def close(self) -> None:
        """Send what is waiting, end the thread, close the socket."""
        self.flush()
        self._open = False
        self._pause.set()
        self._alarm.send(b"!")
        self.thread.join()
        with self._lock:
            self._socket.close(LINGER)
        self._alarm.close()
        self._awake.close()

    def _deliver(self, frames: list[Any] | None, urgent: Message | None) -> None:
        """Send the stream text that is waiting, then these frames, when there is room.

        An urgent message waits only for the text of its own request.
        """
        deadline = 0.0
        while True:
            with self._interrupts, self._lock:
                if self._flush(self._send) and (frames is None or self._send(frames)):
                    return
                late = deadline and time.monotonic() > deadline
                if late:
                    self._flush(self._send_past)
                if late or (urgent is not None and not self._owes(urgent)):
                    if frames is not None:
                        (self._send_past if urgent is None else self._send_beyond)(frames)
                    return
            # Without the lock, and where an interrupt can end it.
            deadline = deadline or time.monotonic() + PATIENCE
            _wait_readable(self._socket.FD, timeout=ROOM_POLL)

    def _owes(self, message: Message) -> bool:
        """Tell whether text is waiting that has the same parent as this message."""
        parent = message.parent_header.get("msg_id")
        return any(text[2] is not None and text[2].msg_id == parent for text in self._texts)

    def _flush(self, send: Callable[[list[Any]], bool]) -> bool:
        texts = self._texts
        while texts:
            name, text, parent = texts.popleft()
            pieces = [text]
            while texts and texts[0][0] == name and texts[0][2] is parent:
                pieces.append(texts.popleft()[1])
            text = "".join(pieces)
            message = stream_message(self._session, name, text, parent)
            if not send(self._session.serialize(message)):
                texts.appendleft((name, text, parent))
                return False
        self._waiting = 0
        return True

    def _send(self, frames: list[Any]) -> bool:
        """Send; False when a subscriber is so far behind that it has to wait."""
        if self._socket.closed:
            return True  # a thread of the user outlives the kernel
        try:
            send(self._socket, frames)
        except zmq.Again:
            return False
        self._welcome()  # sending may have swallowed the signal that a subscription came
        return True

    def _send_beyond(self, frames: list[Any]) -> bool:
        """Send what must not wait, though a subscriber is far behind."""
        self._socket.sndhwm = STATUS_MARK
        try:
            return self._send(frames) or self._send_past(frames)
        finally:
            self._socket.sndhwm = HIGH_WATER

    def _send_past(self, frames: list[Any]) -> bool:
        """Send to those who have room; libzmq leaves the others out until they have read half."""
        log.warning("iopub: a front end is too far behind: it loses output until it has caught up")
        self._socket.xpub_nodrop = 0
        try:
            return self._send(frames)
        finally:
            self._socket.xpub_nodrop = 1

    def _welcome(self) -> None:
        """Answer each new subscription with iopub_welcome. Source: JEP 65."""
        while can_receive(self._socket):
            event = self._socket.recv(_NOBLOCK)
            topic = event[1:]
            if event[:1] == b"\x01":
                self.subscribed.set()
            if event[:1] == b"\x01" and _is_utf8(topic):  # what is not text cannot be welcomed
                content = {"subscription": topic.decode()}
                message = self._session.message("iopub_welcome", content, idents=[topic])
                send(self._socket, self._session.serialize(message))

    def _run(self) -> None:
        _block_signals()
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket.FD, selectors.EVENT_READ)
            selector.register(self._awake, selectors.EVENT_READ)
            while self._open:
                for key, _ in selector.select():
                    if key.fileobj is self._awake:
                        self._awake.recv(4096)
                        self._pause.wait(COALESCE)
                        self._alarmed = False  # before the look at the text, so none is missed
                with self._lock:
                    self._welcome()
                self._deliver(None, None)


class Stdin:
    """The socket on which user code asks the front end that runs it for input."""

    def __init__(self, sock: zmq.Socket[bytes], session: Session, interrupts: Interrupts) -> None:
        """Take a bound ROUTER socket."""
        self._interrupts = interrupts
        self._socket = sock
        self._session = session
        self._lock = threading.Lock()
        self._earlier: deque[str] = deque(maxlen=QUESTIONS)  # ids of questions

    def ask(self, request: Message) -> Message:
        """Send an input_request and wait for its input_reply; an interrupt ends the wait.

        Answers that have no part in it (of another front end, or to an earlier question) are
        dropped.
        """
        frames = self._session.serialize(request)
        with self._lock, self._interrupts:  # who has to wait for his turn can be interrupted
            with contextlib.suppress(zmq.Again):
                while True:
                    self._socket.recv_multipart(_NOBLOCK)
            send(self._socket, frames)
            try:
                while True:
                    self._interrupts.wait(self._socket)
                    reply = read(self._socket, "stdin", self._session)
                    if reply is not None and self._answers(reply, request):
                        return reply
            finally:
                self._earlier.append(request.msg_id)

    def _answers(self, reply: Message, request: Message) -> bool:
        # Many front ends leave the parent of an input_reply empty, some name the execute_request.
        # Only one thing is known to be wrong: the answer to an earlier question.
        return (
            reply.msg_type == "input_reply"
            and reply.idents == request.idents
            and reply.parent_header.get("msg_id") not in self._earlier
        )


def _wait_readable(fd: int, timeout: float) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        selector.select(timeout)


def read(sock: zmq.Socket[bytes], channel: str, session: Session) -> Message | None:
    """Read one message that is there; None for one that is not valid, after a line in the log.

    Raises zmq.Again when nothing is there.
    """
    frames = receive(sock)
    try:
        return session.deserialize(frames).check()
    except ProtocolError as error:
        log.warning("%s: dropped: %s: %s", channel, type(error).__name__, error)
        return None


# --- the process -------------------------------------------------------------------------------


class KernelProcess:
    """A kernel with its sockets and threads, in the process that is to be the kernel."""

    def __init__(self, kernel_class: Callable[..., Kernel], connection: Connection) -> None:
        """Bind the five sockets; a port of 0 is chosen now, and known in `connection`.

        Raises ConnectionFileError, naming the port, for an address that cannot be bound.
        """
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._hb_context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._sockets: dict[str, zmq.Socket[bytes]] = {}
        try:
            self.connection = self._bind(connection)
        except ConnectionFileError:
            self._context.destroy(0)
            self._hb_context.destroy(0)
            raise
        session = self.connection.new_session(codec=fast_json())
        self._session = session
        self._interrupts = Interrupts()
        self._iopub = IOPub(self._sockets["iopub"], session, self._interrupts)
        self._stdin = Stdin(self._sockets["stdin"], session, self._interrupts)
        self._loop = asyncio.SelectorEventLoop()  # the one kind that watches sockets everywhere
        self._control_loop = asyncio.SelectorEventLoop()
        self._control_thread = threading.Thread(target=self._run_control, name="control")
        self._control_thread.daemon = True
        self._is_child = False  # a process that user code forked
        self._backlog: deque[Message] = deque()
        self._doorbells: dict[str, _Doorbell] = {}
        self._stopping = threading.Event()
        self._left = threading.Event()
        self._kernel = kernel_class(**self._world())

    def _world(self) -> dict[str, Any]:
        """Return what a kernel is given."""
        return {
            "session": self._session,
            "send": self._send,
            "write": self._iopub.write,
            "ask": self._ask,
            "guard": self._interrupts.guard,
            "interrupt": self._interrupts.send,
            "stop": self.stop,
            "waiting": self._waiting,
            "connection": self.connection,
        }

    def _bind(self, connection: Connection) -> Connection:
        chosen: dict[str, Any] = {}
        for channel in CHANNELS:
            context = self._hb_context if channel.name == "hb" else self._context
            sock = context.socket(getattr(zmq, channel.kernel_socket))
            self._sockets[channel.name] = sock
            sock.linger = LINGER
            if channel.kernel_socket == "ROUTER":
                sock.router_handover = 1  # a front end that reconnects is still the same one
                sock.sndhwm = 0  # a full ROUTER would drop replies without a word
            else:
                sock.sndhwm = HIGH_WATER
                sock.xpub_nodrop = 1  # what is over the mark is for IOPub to decide
                sock.xpub_verbose = 1  # report every subscription, not just the first
            if ":" in connection.ip:
                sock.ipv6 = True
            if connection.curve_secretkey:
                sock.curve_server = True
                sock.curve_publickey = connection.curve_publickey.encode("ascii")
                sock.curve_secretkey = connection.curve_secretkey.encode("ascii")
            chosen[f"{channel.name}_port"] = _bind_one(sock, connection, channel.name)
        return dataclasses.replace(connection, **chosen)

    def _send(self, channel: str, message: Message) -> None:
        if channel == "iopub":
            self._iopub.publish(message)
        else:
            frames = self._session.serialize(message)
            self._iopub.flush(message)  # what was printed is on its way before the reply is
            with self._interrupts:
                send(self._sockets[channel], frames)

    def _ask(self, request: Message) -> Message:
        if self._is_child:
            raise OSError("a forked child cannot ask for input")
        self._iopub.flush(request)  # what was printed before the question appears before it
        return self._stdin.ask(request)

    def run(self) -> None:
        """Serve until a shutdown request, SIGTERM, or the end of the parent process."""
        sys.setswitchinterval(SWITCH_INTERVAL)
        _pass_context_to_threads()
        asyncio.set_event_loop(self._loop)
        bell, rope = socket.socketpair()
        bell.setblocking(False)
        rope.setblocking(False)
        signal.set_wakeup_fd(rope.fileno(), warn_on_full_buffer=False)
        self._interrupts.install(self._loop, bell)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forked)
        signal.signal(signal.SIGTERM, lambda signum, frame: self.stop())
        for name, target in (
            ("heartbeat", self._run_heartbeat),
            ("parent", self._watch_parent),
        ):
            threading.Thread(target=target, name=name, daemon=True).start()
        self._iopub.thread.start()
        self._kernel.start()
        self._control_thread.start()
        self._kernel.publish("status", {"execution_state": "starting"})
        try:
            while not self._stopping.is_set():
                serving = self._loop.create_task(self._serve("shell"))
                self._run_loop(serving)
        finally:
            self._left.set()
            self._interrupts.uninstall()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.set_wakeup_fd(-1)
            _end_tasks(self._loop)
            bell.close()
            rope.close()
            self._close()

    def _run_loop(self, serving: asyncio.Task[None]) -> None:
        """Run the event loop until it is stopped, or nobody serves shell any more."""

        def end(_task: asyncio.Task[None]) -> None:
            self._loop.stop()

        serving.add_done_callback(end)
        while not (self._stopping.is_set() or serving.done()):
            try:
                self._loop.run_forever()
            except BaseException:  # from a signal handler of the user, between two cells
                log.exception("a signal handler raised outside of a cell")
        serving.remove_done_callback(end)

    def _forked(self) -> None:
        """Leave the kernel to the parent, in a child that user code forked."""
        self._is_child = True
        self._iopub.forked()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def stop(self) -> None:
        """End the kernel, from any thread: interrupt user code, then leave the event loop."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._control_loop.call_soon_threadsafe(self._control_loop.stop)
        threading.Thread(target=self._insist, name="insist", daemon=True).start()

    def _insist(self) -> None:
        # User code may go on for ever, may catch the interrupt, and may have threads that Python
        # waits for; the front end was promised that this process ends.
        if callable(signal.getsignal(signal.SIGINT)):  # or it would kill what is still to be sent
            self._interrupts.send()
        if not self._left.wait(GRACE):
            self._iopub.flush()
            os._exit(1)
        threading.Event().wait(GRACE)  # a daemon thread's wait keeps no process alive
        os._exit(0)

    def _close(self) -> None:
        self._control_thread.join()
        self._iopub.close()
        self._hb_context.term()  # ends the echo
        self._sockets["shell"].close(LINGER)
        self._sockets["stdin"].close(LINGER)
        self._context.term()
        for channel in CHANNELS:  # libzmq leaves the files of ipc sockets behind
            url = self.connection.url(channel.name)
            if url.startswith("ipc://"):
                Path(url.removeprefix("ipc://")).unlink(missing_ok=True)

    async def _serve(self, channel: str) -> None:
        """Answer what comes on a channel, one request after the other."""
        bell = _Doorbell(asyncio.get_running_loop(), self._sockets[channel].FD)
        self._doorbells[channel] = bell
        yielded = 0.0
        while not self._stopping.is_set():
            if not self._arrived(channel):
                if channel == "shell":
                    self._kernel.queue_is_empty()
                await self._arrival(channel)
                yielded = time.monotonic()
                continue
            if time.monotonic() - yielded > TURN:
                await asyncio.sleep(0)  # requests in a row must not starve background tasks
                yielded = time.monotonic()
            request = self._next(channel)
            if request is not None:
                await self._handle(request, channel)

    def _arrived(self, channel: str) -> bool:
        """Tell whether there is something for `_next`."""
        if channel == "shell" and self._backlog:
            return True
        return can_receive(self._sockets[channel])

    def _next(self, channel: str) -> Message | None:
        """Take the next request, which has arrived; None for one that is not valid."""
        if channel == "shell" and self._backlog:
            return self._backlog.popleft()
        return read(self._sockets[channel], channel, self._session)

    async def _arrival(self, channel: str) -> None:
        """Wait until `_arrived` is worth another look. It must have said no."""
        await self._doorbells[channel].listen()

    def _waiting(self) -> Sequence[Message]:
        """Take all requests that have arrived on shell into the backlog, and list it."""
        if self._is_child or threading.current_thread() is not threading.main_thread():
            return ()  # the socket is the main thread's
        with self._interrupts:
            while can_receive(self._sockets["shell"]):
                request = read(self._sockets["shell"], "shell", self._session)
                if request is not None:
                    self._backlog.append(request)
        return self._backlog

    async def _handle(self, request: Message, channel: str) -> None:
        """Answer one request, whatever becomes of it."""
        if request.msg_type == "execute_request" and not self._iopub.subscribed.is_set():
            # Some front ends send a cell as soon as they have a kernel_info_reply, and wait for its
            # idle. If their subscription is still on its way, they would wait for ever.
            self._iopub.subscribed.wait(FIRST_SUBSCRIBER)
            self._iopub.subscribed.set()
        try:
            await self._kernel.handle(request, channel)
        except Exception:  # our own fault: say so, and serve the next request
            log.exception("%s: %s failed", channel, request.msg_type)
        except KeyboardInterrupt:  # hit the narrow space between user code and our own
            self._interrupts._exposed = False

    def _run_control(self) -> None:
        _block_signals()
        loop = self._control_loop
        asyncio.set_event_loop(loop)
        loop.create_task(self._serve("control"))
        loop.run_forever()
        _end_tasks(loop)
        self._sockets["control"].close(LINGER)

    def _run_heartbeat(self) -> None:
        _block_signals()
        sock = self._sockets["hb"]
        with contextlib.suppress(zmq.ContextTerminated):
            zmq.proxy(sock, sock)  # in libzmq: no Python, no interpreter lock
        sock.close(0)

    def _watch_parent(self) -> None:
        _block_signals()
        number = os.environ.get("JPY_PARENT_PID", "")
        starter = int(number) if number.isdecimal() else 0
        if sys.platform == "win32" or not starter or not _is_alive(starter):
            return  # started by hand, or from where process numbers mean nothing here
        parent = os.getppid()
        while not self._stopping.wait(PARENT_POLL):
            if os.getppid() != parent or not _is_alive(starter):
                log.warning("the process that started this kernel is gone: ending")
                self.stop()


class _Doorbell:
    """Tells a coroutine that a socket may have something to read.

    The event loop goes on watching the socket between two waits, since telling it to stop and to
    start again takes longer than a short request.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, fd: int) -> None:
        self._loop = loop
        self._fd = fd
        self._listener: asyncio.Future[None] | None = None
        self._watched = False

    def listen(self) -> asyncio.Future[None]:
        """Return what is done at the next ring. Whoever listens must have read all there was."""
        self._listener = self._loop.create_future()
        if not self._watched:
            self._loop.add_reader(self._fd, self.ring)
            self._watched = True
        return self._listener

    def ring(self) -> None:
        """Wake the listener. Without one, stop watching: the loop would wake up for nothing."""
        listener, self._listener = self._listener, None
        if listener is not None:
            if not listener.done():
                listener.set_result(None)
        elif self._watched:
            self._loop.remove_reader(self._fd)
            self._watched = False


def _end_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what is left on a stopped loop, give it time to tidy up, and close the loop."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=GRACE))
    loop.close()


def _bind_one(sock: zmq.Socket[bytes], connection: Connection, channel: str) -> int:
    """Bind a socket to its address; return its port, chosen here if the connection says 0."""
    port: int = getattr(connection, f"{channel}_port")
    try:
        if port:
            sock.bind(connection.url(channel))
        elif connection.transport == "tcp":
            address = connection.url(channel)
            sock.bind(address[: address.rindex(":")] + ":*")
            endpoint: Any = sock.LAST_ENDPOINT
            port = int(endpoint.rstrip(b"\0").rpartition(b":")[2])
        else:
            port = 1 + secrets.randbelow(65535)
            while Path(f"{connection.ip}-{port}").exists():  # libzmq would take it over
                port = 1 + secrets.randbelow(65535)
            sock.bind(f"ipc://{connection.ip}-{port}")
    except zmq.ZMQError as error:
        address = connection.url(channel)
        raise ConnectionFileError(f"{channel}_port: cannot bind {address}: {error}") from None
    return port


def _pass_context_to_threads() -> None:
    """Let each thread start with the context of the one that starts it: output keeps its parent.

    Python does so by itself only when it is told to, and not before 3.14.
    """
    start = threading.Thread.start

    def start_in_context(thread: threading.Thread) -> None:
        # A function of ours would show in the tracebacks of the thread.
        run = functools.partial(contextvars.copy_context().run, thread.run)
        thread.run = run  # type: ignore[method-assign]
        start(thread)

    threading.Thread.start = start_in_context  # type: ignore[assignment,method-assign]


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _block_signals() -> None:
    """Leave signals to the main thread, which alone can act on them."""
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it is there, and somebody else's
    return True


def run(
    kernel_class: Callable[..., Kernel],
    connection_file: str | os.PathLike[str],
    process_class: type[KernelProcess] = KernelProcess,
) -> None:
    """Run a kernel in this process until it is told to end.

    Ports that the kernel chose are written back to the file, which nobody else could do in time.
    Raises ConnectionFileError, naming file and field, for a file that cannot be used.
    """
    connection = Connection.read(connection_file)
    try:
        process = process_class(kernel_class, connection)
    except ConnectionFileError as error:
        raise ConnectionFileError(
            f"connection file {os.fspath(connection_file)}: {error}"
        ) from None
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who reads the file may interrupt at once
    if process.connection != connection:
        process.connection.write(connection_file)
    log_to_stderr(__package__ or __name__, kernel_class.__module__)
    process.run()


def log_to_stderr(*modules: str) -> None:
    """Send what the kernel's own modules log to stderr as it is now, and leave the rest alone.

    The root logger is the user's.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("[%(name)s] %(message)s"))
    for name in {module.partition(".")[0] for module in modules}:
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.propagate = False


def main(
    kernel_class: Callable[..., Kernel],
    argv: Sequence[str] | None = None,
    prog: str | None = None,
    process_class: type[KernelProcess] = KernelProcess,
    run_file: Callable[..., None] = run,
) -> int:
    """Run a kernel as a program: `-f FILE`, which `kernel.json` writes as `-f {connection_file}`.

    Returns the exit status: 0 at the end, 2 for a connection file that cannot be used.
    """
    parser = argparse.ArgumentParser(prog, description=kernel_class.__doc__)
    parser.add_argument(
        "-f", dest="file", metavar="FILE", required=True, help="the connection file (JSON)"
    )
    # `jupyter run` and `jupyter console` pass on to the kernel what they do not know themselves.
    options, _ = parser.parse_known_args(argv)
    try:
        run_file(kernel_class, options.file, process_class)
    except (ConnectionFileError, OSError) as error:
        sys.stderr.write(f"{parser.prog}: {error}\n")
        return 2
    return 0
