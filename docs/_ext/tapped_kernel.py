"""A kernel, writing down each message as it is sent: `LOG KERNEL -f CONNECTION_FILE`.

Each line of the log is one JSON object: the thread that sent, the channel, and the message.
A line is written before its message leaves, so whoever has a message finds its line.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import zmq

ROOT = Path(__file__).resolve().parents[2]
sys.path[0:1] = [str(ROOT), str(ROOT / "docs")]  # this is a program of its own

from _ext.record import plain  # noqa: E402
from refimpl import run_debugpy, run_kernel  # noqa: E402
from refimpl.__main__ import load_kernel  # noqa: E402
from refimpl.run_debugger import process_for  # noqa: E402
from refimpl.wire import CHANNELS, Connection, Session  # noqa: E402


class Tap:
    """Stands in for `run_kernel.send`, through which every message leaves a kernel."""

    def __init__(self, log: TextIO) -> None:
        """Take the file to write to."""
        self._log = log
        self._lock = threading.Lock()
        self._reader = Session()  # without a key: the messages are our own
        self._send = run_kernel.send
        self.connection: Connection | None = None

    def send(self, sock: zmq.Socket[bytes], frames: Sequence[Any]) -> None:
        """Write the message down, then send it."""
        line = json.dumps(
            {
                "thread": threading.current_thread().name,
                "channel": self._channel(sock),
                "message": plain(self._reader.deserialize(frames)),
            }
        )
        with self._lock:
            self._log.write(line + "\n")
            self._log.flush()
        self._send(sock, frames)

    def _channel(self, sock: zmq.Socket[bytes]) -> str:
        assert self.connection is not None  # the kernel is made before it sends
        endpoint = sock.getsockopt_string(zmq.LAST_ENDPOINT).rstrip("\0")
        return next(c.name for c in CHANNELS if self.connection.url(c.name) == endpoint)


def main(argv: Sequence[str]) -> int:
    """Run the kernel; return its exit status."""
    with open(argv[0], "w", encoding="utf-8") as log:  # noqa: PTH123
        tap = Tap(log)

        class TappedKernel(load_kernel(argv[1])):  # type: ignore[misc]
            """A kernel whose addresses the tap knows."""

            def __init__(self, **given: Any) -> None:
                tap.connection = given["connection"]
                super().__init__(**given)

        run_kernel.send = tap.send
        run_debugpy.RUNS_CELLS += ("_ext",)  # nobody debugs what only records
        # Text then waits for the next message, and not for a clock: a recording is the same always.
        run_kernel.COALESCE = 60.0
        return run_kernel.main(TappedKernel, argv[2:], process_class=process_for(TappedKernel))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
