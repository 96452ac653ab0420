"""debugpy in the process of a kernel, and the connection between the two.

debugpy is an optional package; nothing of it is imported before a front end starts the debugger,
and when the front end has stopped it, nothing is traced any more.

    control thread   asks: what it sends goes to debugpy at once, what comes back ends its wait
    reader thread    reads what debugpy says, and publishes its events
    debugpy's own    its threads read our requests and write the answers; a thread that has stopped
                     at a breakpoint waits inside of debugpy

debugpy usually waits for connections, with a process between it and the front end.  Here it is the
one that connects, so there is no such process, and no port that others could find: the listening
socket is closed once debugpy has come through, and has shown the token that it was given.

Source: the Debug Adapter Protocol, https://microsoft.github.io/debug-adapter-protocol/
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import itertools
import os
import secrets
import selectors
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .debugger import Content, DebugError, Decoder, encode

# The part of debugpy that does the work.  It is taken from where imported modules are: the import
# system runs Python code, which in a thread that steps would be the next place to stop at.
PYDEVD = "pydevd"
HANDSHAKE = 10.0  # seconds that debugpy gets to connect
# Packages that run the cells: nobody who steps through a cell wants to see them from inside.
RUNS_CELLS = (__package__, "zmq", "asyncio", "IPython", "traitlets", "comm")
OWN_THREADS = ("control", "iopub", "heartbeat", "parent", "sorter", "insist", "debugger")
OWNERS_OF_THREADS = ("zmq", "IPython")  # packages whose threads must go on, too


class Debugpy:
    """debugpy in this process: what `debugger.Debugger` calls a link."""

    def __init__(self) -> None:
        """Prepare; nothing is imported before `start`."""
        files = [sys.modules[name].__file__ for name in RUNS_CELLS if name in sys.modules]
        self.internal = [str(Path(str(file)).parent / "**") for file in files]
        self.internal.append(str(selectors.__file__))
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Content]] = {}
        self._socket: socket.socket | None = None
        self._reader: threading.Thread | None = None
        self._changes = 0  # as debugpy counts them
        self._lock = threading.Lock()

    async def start(self, on_event: Callable[[Content], None]) -> None:
        """Start debugpy, and the thread that reads what it says.

        Raises DebugError when debugpy cannot be imported, or does not connect.
        """
        hide_own_threads()
        try:
            connected = connect()
        except (ImportError, OSError, RuntimeError, SystemExit) as error:
            raise DebugError(f"debugpy does not start: {type(error).__name__}: {error}") from None
        self._socket = connected
        self._look_again()
        loop = asyncio.get_running_loop()
        reader = threading.Thread(
            target=self._read, args=(connected, loop, on_event), name="debugger", daemon=True
        )
        hide(reader)
        self._reader = reader
        reader.start()

    async def request(self, command: str, arguments: Content) -> Content:
        """Send a request; return the response. Raises DebugError if the debugger is stopped."""
        hide_own_threads()  # there may be more now
        number = next(self._numbers)
        future = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        message = {"seq": number, "type": "request", "command": command, "arguments": arguments}
        try:
            with self._lock:
                if self._socket is None:
                    raise DebugError(f"{command}: the debugger has been stopped")
                self._socket.sendall(encode(message))
            response: Content = await future
            return response
        except OSError as error:
            raise DebugError(f"{command}: the debugger is gone: {error}") from None
        finally:
            self._waiting.pop(number, None)

    def name_file(self, filename: str, path: str) -> None:
        """Have debugpy take code compiled under this name for that of the file at this path."""
        sys.modules[PYDEVD].NORM_PATHS_AND_BASE_CONTAINER[filename] = (path, path, Path(path).name)
        self._look_again()

    def _look_again(self) -> None:
        """Have debugpy look up where code belongs, though it has seen equal code before.

        It remembers this for each code object until breakpoints change, which it counts, in each
        session from the beginning.  But the same statement in another cell, or in an edited one,
        is an equal code object: a file name makes no difference to Python.
        """
        if debugger := sys.modules[PYDEVD].get_global_debugger():
            self._changes = debugger.mtime = max(self._changes, debugger.mtime) + 1
            debugger._clear_caches()  # what it goes by before Python 3.12

    def trace(self, on: bool) -> None:
        """Let this thread stop at breakpoints, or not."""
        if self._socket is not None and (debugger := sys.modules[PYDEVD].get_global_debugger()):
            if on:
                debugger.enable_tracing()
            else:
                debugger.disable_tracing()

    def leave(self, error: BaseException | None) -> None:
        """Stop at the error if the user wants that, and forget steps that were not made."""
        if self._socket is None:
            return
        show = getattr(
            sys.modules["debugpy"], "trigger_exception_handler", None
        )  # not in the oldest 1.8
        if error is not None and show is not None:
            show(error)
        pydevd = sys.modules[PYDEVD]
        pydevd.PyDevdAPI().request_resume_thread(
            pydevd.get_current_thread_id(threading.current_thread())
        )

    def release(self) -> None:
        """Let this thread run on where it has stopped. It takes no lock: signal handlers call it.

        What they raise there would otherwise be the next thing that debugpy stops at.  But while
        the thread evaluates what a front end has asked for, only that is to end.
        """
        if self._waiting:
            return
        info = getattr(threading.current_thread(), "additional_info", None)
        if self._socket is not None and info is not None:
            info.pydev_step_cmd = -1  # no step
            info.pydev_state = 1  # running

    def stop(self) -> None:
        """Let everything run on, end debugpy's threads, and leave nothing traced."""
        with self._lock:
            connected, self._socket = self._socket, None
        if connected is None:
            return
        with contextlib.suppress(OSError):
            connected.shutdown(socket.SHUT_RDWR)  # ends both readers, ours and debugpy's
        connected.close()
        self._look_again()
        stop_tracing()
        if self._reader is not None and self._reader is not threading.current_thread():
            self._reader.join(HANDSHAKE)  # what it still has to say is not for the next session

    def forked(self) -> None:
        """Leave the debugger to the parent, in a child that user code forked."""
        if self._socket is not None:
            self._socket = None
            untrace_child()

    def _read(
        self,
        connected: socket.socket,
        loop: asyncio.AbstractEventLoop,
        on_event: Callable[[Content], None],
    ) -> None:
        decoder = Decoder()
        with contextlib.suppress(OSError):
            while data := connected.recv(1 << 16):
                for message in decoder.feed(data):
                    if message["type"] == "event" and self._socket is connected:
                        on_event(message)
                    elif message["type"] == "response":
                        loop.call_soon_threadsafe(self._finish, message["request_seq"], message)
        if self._socket is connected:  # debugpy has ended by itself
            on_event({"type": "event", "event": "terminated"})
        with contextlib.suppress(RuntimeError):  # the loop may have been closed
            loop.call_soon_threadsafe(self._give_up)

    def _finish(self, number: int, response: Content) -> None:
        future = self._waiting.get(number)
        if future is not None and not future.done():
            future.set_result(response)

    def _give_up(self) -> None:
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(DebugError("the debugger has been stopped"))


def hide(thread: threading.Thread) -> None:
    """Have debugpy neither trace nor stop nor list a thread."""
    thread.pydev_do_not_trace = True  # type: ignore[attr-defined]
    thread.is_pydev_daemon_thread = True  # type: ignore[attr-defined]


def hide_own_threads() -> None:
    """Hide the threads that must go on while others stand still."""
    for thread in threading.enumerate():
        if thread.name in OWN_THREADS or type(thread).__module__.startswith(OWNERS_OF_THREADS):
            hide(thread)


def connect() -> socket.socket:
    """Have debugpy trace this process and connect to us; return our end of the connection.

    Raises ImportError without debugpy, OSError (TimeoutError) if it does not come.
    """
    with without_advice():
        import debugpy.server  # makes the part that does the work importable

        pydevd = importlib.import_module(PYDEVD)
    token = secrets.token_hex(32)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        pydevd.settrace(
            host=host,
            port=port,
            suspend=False,
            wait_for_ready_to_run=False,
            client_access_token=token,
            dont_trace_start_patterns=(str(Path(debugpy.__file__).parent),),
            notify_stdin=False,
            protocol="dap",
        )
        # It sends the head and the body of a message apart: without this, 40 ms apart.
        theirs = pydevd.get_global_debugger().writer.sock
        theirs.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.settimeout(HANDSHAKE)
        while True:
            connected = listener.accept()[0]
            if knows(connected, token):
                return connected
            connected.close()


@contextlib.contextmanager
def without_advice() -> Iterator[None]:
    """Keep debugpy from saying on stderr how Python should have been started.

    Part of the standard library is frozen into Python, without line numbers to stop at.  That is
    as it should be in a notebook, where nobody could have added the option.
    """
    name = "PYDEVD_DISABLE_FILE_VALIDATION"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        del os.environ[name]
        if before is not None:
            os.environ[name] = before


def knows(connected: socket.socket, token: str) -> bool:
    """Tell whether who has connected knows the token, as only debugpy does."""
    connected.settimeout(HANDSHAKE)
    connected.sendall(
        encode({"seq": 0, "type": "request", "command": "pydevdAuthorize", "arguments": {}})
    )
    decoder = Decoder()
    with contextlib.suppress(OSError, ValueError):
        while data := connected.recv(1 << 16):
            for message in decoder.feed(data):
                if message.get("command") == "pydevdAuthorize":
                    connected.settimeout(None)
                    return bool(message.get("body", {}).get("clientAccessToken") == token)
    return False


def stop_tracing() -> None:
    """End debugpy's threads, and its tracing of all threads."""
    pydevd = sys.modules[PYDEVD]
    ended = pydevd.get_global_debugger()
    pydevd.stoptrace()
    # If a thread of its own has noticed first, it is still about to do this; who starts the next
    # session must not find the old one.
    if ended is not None and pydevd.get_global_debugger() is ended:
        pydevd.set_global_debugger(None)
    if not pydevd.PYDEVD_USE_SYS_MONITORING:  # before Python 3.12
        pydevd.pydevd_tracing.set_trace_to_threads(_untrace, create_dummy_thread=False)


def untrace_child() -> None:
    """End tracing in a forked child, where debugpy's threads are not."""
    if sys.version_info >= (3, 12):
        monitoring = sys.monitoring
        if monitoring.get_tool(monitoring.DEBUGGER_ID) is not None:
            for number in range(monitoring.events.BRANCH.bit_length()):
                monitoring.register_callback(monitoring.DEBUGGER_ID, 1 << number, None)
            monitoring.free_tool_id(monitoring.DEBUGGER_ID)
    sys.settrace(None)


def _untrace(*_: Any) -> None:
    """End the tracing of a thread: a trace function, because only the thread itself can do it."""
    sys.settrace(None)
