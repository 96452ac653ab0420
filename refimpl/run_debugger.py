"""A kernel process with a debugger, which is imported when somebody asks for it.

A kernel has to start fast, and most are never debugged.  So this process only keeps what a debugger
will want to know, the cells and what the variables were at first, until a debug request comes.
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .kernel import Kernel
from .run_kernel import KernelProcess
from .run_subshells import SubshellProcess
from .wire import Connection, Message

if TYPE_CHECKING:
    from .debugger import Content, Debugger
    from .run_debugpy import Debugpy

# Seconds that later requests on control wait for a debug request.  Code that is evaluated may run
# for ever, and the request that interrupts it must get through.
PATIENCE = 1.0
COMMS = frozenset({"comm_open", "comm_msg", "comm_close"})


def process_for(kernel_class: type[Kernel]) -> type[KernelProcess]:
    """Return the process for a kernel: with a debugger if it can have one."""
    return DebuggerProcess if can_be_debugged(kernel_class) else SubshellProcess


def can_be_debugged(kernel_class: type[Kernel]) -> bool:
    """Tell whether a kernel takes a debugger, and debugpy is installed; it is not imported."""
    takes = getattr(kernel_class, "debuggable", False)
    return takes and importlib.util.find_spec("debugpy") is not None


class LateDebugger:
    """A debugger that is imported and made for the first debug request."""

    def __init__(self) -> None:
        """Begin without cells."""
        self._cells: dict[str, str] = {}
        self._made: Debugger | None = None
        self._link: Debugpy | None = None

    def serve(
        self,
        namespace: dict[str, Any],
        describe: Callable[[Any], tuple[Content, Content]],
        publish: Callable[[str, Content], None],
        interrupt: Callable[[], Any],
    ) -> None:
        """Take what belongs to the kernel: its variables, and how they are shown.

        What the namespace holds now is the kernel's own, and not listed.
        """
        self._given = namespace, dict(namespace), describe, publish, interrupt

    async def answer(self, request: Content) -> Content:
        """Answer the content of a debug_request with the content of its debug_reply."""
        if self._made is None:
            from .debugger import Debugger
            from .run_debugpy import Debugpy

            self._link = Debugpy()
            self._made = Debugger(self._link, self._cells, *self._given)
        return await self._made.answer(request)

    def cell(self, filename: str, code: str) -> None:
        """Take note of a cell that is about to be compiled under this name."""
        self._cells[filename] = code
        if self._made is not None:
            self._made.cell(filename, code)

    def left(self, error: BaseException | None) -> None:
        """Take note that the code of a cell has come to its end, in this thread."""
        if self._made is not None:
            self._made.left(error)

    def trace(self, on: bool) -> None:
        """Let the code that this thread runs stop, or not: it may be the kernel's own."""
        if self._made is not None:
            self._made.trace(on)

    def release(self) -> None:
        """Let this thread run on where it has stopped; signal handlers call it."""
        if self._link is not None:
            self._link.release()

    def forked(self) -> None:
        """Leave the debugger to the parent, in a child that user code forked."""
        if self._link is not None:
            self._link.forked()

    def close(self) -> None:
        """Stop the debugger, and remove its files."""
        if self._made is not None:
            self._made.close()


class DebuggerProcess(SubshellProcess):
    """A kernel process with subshells and a debugger, which the kernel is given as `debugger`."""

    def __init__(self, kernel_class: Callable[..., Kernel], connection: Connection) -> None:
        """Bind the sockets, as KernelProcess does, with the same errors."""
        self._debugger = LateDebugger()
        self._asked: set[asyncio.Task[None]] = set()
        super().__init__(kernel_class, connection)
        self._interrupts.release = self._debugger.release

    def _world(self) -> dict[str, Any]:
        return {**super()._world(), "debugger": self._debugger}

    async def _handle(self, request: Message, channel: str) -> None:
        if channel == "shell":
            # What we do ourselves in this thread must not be stopped by a look at an exception;
            # the handlers of comms are the user's.
            self._debugger.trace(request.msg_type in COMMS)
            try:
                await super()._handle(request, channel)
            finally:
                self._debugger.trace(True)
            return
        if request.msg_type != "debug_request":
            await super()._handle(request, channel)
            return
        task = asyncio.create_task(super()._handle(request, channel))
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)
        await asyncio.wait({task}, timeout=PATIENCE)

    def _forked(self) -> None:
        self._debugger.forked()
        super()._forked()

    def _insist(self) -> None:
        self._debugger.close()  # code that stands still would not notice that it is to end
        super()._insist()

    def _close(self) -> None:
        super()._close()
        self._debugger.close()
