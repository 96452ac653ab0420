"""Subshells: more shells of one kernel, which answer while the main shell is busy.

    main thread        the main shell, as in `run_kernel`
    subshell threads   one for each subshell, with an event loop and a queue of its own
    sorter thread      reads the shell socket while the main thread may be busy; it is started with
                       the first subshell

All requests come through one socket, and `subshell_id` in the header says for which shell they
are.  So the socket has a lock, and whoever holds it reads all that has arrived and puts each
request where it belongs.  That must also follow each send: libzmq announces an arrival once, and
who sends may be the one who hears of it.

A kernel that needs no subshells needs nothing of this file.
Source: JEP 91.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from .kernel import Kernel
from .run_kernel import KernelProcess, _block_signals, _end_tasks, can_receive, read
from .wire import Connection, Message


class Subshell:
    """A thread that answers the requests in its queue, one after the other."""

    def __init__(self, name: str, serve: Callable[[Subshell], Any]) -> None:
        """Start the thread; `serve` is the coroutine function that answers."""
        self.name = name
        self.queue: deque[Message] = deque()
        self.ended = False
        self.loop = asyncio.SelectorEventLoop()
        self.bell = asyncio.Event()
        self._serve = serve
        self.thread = threading.Thread(target=self._run, name=f"subshell {name[:8]}", daemon=True)
        self.thread.start()

    def put(self, request: Message) -> None:
        """Add a request to the queue, from any thread."""
        self.queue.append(request)
        self._ring()

    def end(self) -> None:
        """Let the thread end when its queue is empty."""
        self.ended = True
        self._ring()

    def _ring(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop may have been closed
            self.loop.call_soon_threadsafe(self.bell.set)

    def _run(self) -> None:
        _block_signals()
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._serve(self))
        _end_tasks(self.loop)


class SubshellProcess(KernelProcess):
    """A kernel process with subshells. It is what `Kernel` is given as `subshells`."""

    def __init__(self, kernel_class: Callable[..., Kernel], connection: Connection) -> None:
        """Bind the sockets, as KernelProcess does, with the same errors."""
        self._lock = threading.RLock()  # of the shell socket, the backlog and the table
        self._subshells: dict[str, Subshell] = {}
        self._sorter: threading.Thread | None = None
        self._stop_sorter, self._stopped = socket.socketpair()
        super().__init__(kernel_class, connection)

    def _world(self) -> dict[str, Any]:
        return {**super()._world(), "subshells": self}

    def create(self) -> str:
        """Start a subshell; return its id."""
        name = secrets.token_hex(16)
        with self._lock:
            self._subshells[name] = Subshell(name, self._serve_subshell)
            if self._sorter is None:
                self._sorter = threading.Thread(target=self._sort, name="sorter", daemon=True)
                self._sorter.start()
        return name

    def delete(self, subshell_id: str) -> None:
        """Let a subshell end. What waits for it goes to the kernel, which no longer knows it."""
        with self._lock:
            self._subshells.pop(subshell_id).end()

    async def _serve_subshell(self, subshell: Subshell) -> None:
        while True:
            while subshell.queue:
                await self._handle(subshell.queue.popleft(), "shell")
            if subshell.ended:
                return
            self._kernel.queue_is_empty(subshell.name)
            await subshell.bell.wait()
            subshell.bell.clear()

    # --- the shell socket ----------------------------------------------------------------------

    def _take(self) -> None:
        """Read all that has arrived on shell, and put each request where it belongs."""
        sock = self._sockets["shell"]
        while can_receive(sock):
            request = read(sock, "shell", self._session)
            if request is None:
                continue
            name = request.header.get("subshell_id")
            subshell = self._subshells.get(name) if isinstance(name, str) else None
            if subshell is None:
                self._backlog.append(request)  # the kernel refuses what no subshell is for
            else:
                subshell.put(request)

    def _arrived(self, channel: str) -> bool:
        if channel != "shell":
            return super()._arrived(channel)
        with self._interrupts, self._lock:
            if not self._backlog:
                self._take()
            return bool(self._backlog)

    async def _arrival(self, channel: str) -> None:
        ring = self._doorbells[channel].listen()
        # With a sorter, another thread may have read it meanwhile.
        if channel != "shell" or self._sorter is None or not self._arrived(channel):
            await ring

    def _send(self, channel: str, message: Message) -> None:
        if channel != "shell":
            super()._send(channel, message)
            return
        with self._interrupts, self._lock:
            super()._send(channel, message)
            if self._sorter is not None:  # or the main thread will look by itself
                self._take()
                self._wake()

    def _wake(self) -> None:
        """Tell the main shell that there is something for it. Call it with the lock."""
        if self._backlog:
            self._loop.call_soon_threadsafe(self._doorbells["shell"].ring)

    def _waiting(self) -> Sequence[Message]:
        if self._is_child:
            return ()
        with self._interrupts, self._lock:
            self._take()
            name = self._kernel.subshell_id
            if name is None:
                return tuple(self._backlog)
            subshell = self._subshells.get(name)
            return tuple(subshell.queue) if subshell is not None else ()

    def _sort(self) -> None:
        """Read the shell socket while the main thread may be busy."""
        _block_signals()
        with selectors.DefaultSelector() as selector:
            selector.register(self._sockets["shell"].FD, selectors.EVENT_READ)
            selector.register(self._stopped, selectors.EVENT_READ)
            while not self._stopping.is_set():
                with self._lock:
                    self._take()
                    self._wake()
                selector.select()

    def _close(self) -> None:
        for subshell in self._subshells.values():
            subshell.end()
        self._stop_sorter.send(b"!")
        if self._sorter is not None:
            self._sorter.join()
        super()._close()
        self._stop_sorter.close()
        self._stopped.close()
