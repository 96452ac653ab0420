"""The client's sockets, and starting a kernel to talk to.

    with start_kernel("python") as client:
        client.execute("6 * 7").result

A client connects; the kernel has bound.  Shell, control and stdin are DEALER sockets with one
identity, so that the kernel's question on stdin finds the client that asked on shell.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import zmq

from .client import Client, Exchange
from .wire import CHANNELS, Connection, Message, ProtocolError

if TYPE_CHECKING:
    from .run_registration import Registrar

log = logging.getLogger(__name__)

TIMEOUT = 10.0
NUDGE = 0.2  # seconds after which a kernel that seems not to hear is asked again


class KernelClient:
    """A blocking client of one kernel. Every wait has a deadline; passing it is TimeoutError."""

    def __init__(
        self,
        connection: Connection,
        *,
        on_input: Callable[[Message], str] | None = None,
        process: subprocess.Popen[bytes] | None = None,
    ) -> None:
        """Connect; `on_input` answers the kernel's input_request, `process` is for `interrupt`."""
        self.connection = connection
        self.process = process
        self.on_input = on_input
        self.client = Client(connection.new_session())
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._poller = zmq.Poller()
        self._sockets: dict[str, zmq.Socket[bytes]] = {}
        identity = secrets.token_hex(16).encode("ascii")
        for channel in CHANNELS:
            sock = self._context.socket(getattr(zmq, channel.client_socket))
            sock.linger = 0
            sock.rcvhwm = sock.sndhwm = 0
            if channel.client_socket == "DEALER":
                sock.routing_id = identity
            elif channel.client_socket == "SUB":
                sock.subscribe(b"")
            else:  # ask again even if an answer is missing, and take no late answer for the new one
                sock.req_relaxed = sock.req_correlate = 1
            if ":" in connection.ip:
                sock.ipv6 = True
            if connection.curve_publickey:
                sock.curve_serverkey = connection.curve_publickey.encode("ascii")
                sock.curve_publickey, sock.curve_secretkey = zmq.curve_keypair()
            sock.connect(connection.url(channel.name))
            self._sockets[channel.name] = sock
            if channel.name != "hb":
                self._poller.register(sock, zmq.POLLIN)
        self._names = {sock: name for name, sock in self._sockets.items()}

    def wait_until_ready(self, timeout: float = TIMEOUT) -> dict[str, Any]:
        """Wait until the kernel answers and iopub is heard; return the kernel_info_reply's content.

        A subscription takes effect some time after the connection. So the request is repeated
        until one of them comes back whole, with its idle.
        """
        deadline = time.monotonic() + timeout
        while True:
            exchange = self.send("kernel_info_request")
            with contextlib.suppress(TimeoutError):
                return self.wait(exchange, min(NUDGE, deadline - time.monotonic())).content
            if self.process is not None and self.process.poll() is not None:
                raise RuntimeError(f"the kernel ended with status {self.process.returncode}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"no kernel answered within {timeout} s")

    def send(
        self,
        msg_type: str,
        content: dict[str, Any] | None = None,
        *,
        channel: str = "shell",
        subshell_id: str | None = None,
    ) -> Exchange:
        """Send a request, and do not wait."""
        exchange = self.client.request(msg_type, content, channel=channel, subshell_id=subshell_id)
        frames = self.client.session.serialize(exchange.request)
        self._sockets[channel].send_multipart(frames)
        return exchange

    def wait(self, exchange: Exchange, timeout: float = TIMEOUT) -> Exchange:
        """Receive until the exchange is complete. Raises TimeoutError: what is missing."""
        deadline = time.monotonic() + timeout
        while not exchange.is_complete:
            left = deadline - time.monotonic()
            if left <= 0 or not self.receive(left):
                missing = "idle" if exchange.reply else "reply"
                raise TimeoutError(
                    f"{exchange.request.msg_type}: no {missing} within {timeout:.3g} s"
                )
        return exchange

    def receive(self, timeout: float) -> bool:
        """Take in what arrives within the time; tell whether anything did."""
        ready = self._poller.poll(int(max(0, timeout) * 1000))
        for sock, _ in ready:
            channel = self._names[sock]
            frames = sock.recv_multipart()
            try:
                message = self.client.session.deserialize(frames).check()
            except ProtocolError as error:
                log.warning("%s: dropped: %s: %s", channel, type(error).__name__, error)
                continue
            if channel == "stdin":
                self._answer(message)
            else:
                self.client.receive(channel, message)
        return bool(ready)

    def _answer(self, request: Message) -> None:
        if self.on_input is None:
            raise ProtocolError("input_request: this client said that it cannot be asked")
        content = {"value": self.on_input(request)}
        reply = self.client.session.message("input_reply", content, parent=request)
        self._sockets["stdin"].send_multipart(self.client.session.serialize(reply))

    def request(
        self,
        msg_type: str,
        content: dict[str, Any] | None = None,
        *,
        channel: str = "shell",
        subshell_id: str | None = None,
        timeout: float = TIMEOUT,
    ) -> Exchange:
        """Send a request and wait for reply and idle. Raises TimeoutError."""
        sent = self.send(msg_type, content, channel=channel, subshell_id=subshell_id)
        return self.wait(sent, timeout)

    def execute(
        self,
        code: str,
        *,
        subshell_id: str | None = None,
        timeout: float = TIMEOUT,
        **fields: Any,
    ) -> Exchange:
        """Run code and wait for the end; fields are those of execute_request."""
        content = {"code": code, "allow_stdin": self.on_input is not None, **fields}
        return self.request("execute_request", content, subshell_id=subshell_id, timeout=timeout)

    def is_alive(self, timeout: float = 1.0) -> bool:
        """Tell whether the heartbeat comes back."""
        sock = self._sockets["hb"]
        beat = secrets.token_bytes(8)
        sock.send(beat)
        return bool(sock.poll(int(timeout * 1000))) and sock.recv() == beat

    def interrupt(self) -> None:
        """Interrupt the kernel's running code: by signal if we started it, else by message."""
        if self.process is not None and os.name != "nt":
            self.process.send_signal(signal.SIGINT)
        else:
            self.request("interrupt_request", channel="control")

    def close(self) -> None:
        """Disconnect. The kernel goes on."""
        self._context.destroy(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@contextlib.contextmanager
def start_kernel(
    kernel: str | Sequence[str] = "python",
    *,
    on_input: Callable[[Message], str] | None = None,
    timeout: float = TIMEOUT,
    transport: str = "tcp",
    handshake: bool = False,
) -> Iterator[KernelClient]:
    """Start a kernel process and yield a client that is ready; end the process afterwards.

    `kernel` is a name that `python -m refimpl kernel` knows, or a whole argv in which
    `{connection_file}` stands for the file. The kernel must choose ports that are 0 itself, and
    write them back; with `handshake` it gets a registration file, and reports them.
    Raises TimeoutError, RuntimeError for a kernel that ends at once.
    """
    package = __package__ or ""
    argv = (
        [sys.executable, "-m", package, "kernel", kernel, "-f", "{connection_file}"]
        if isinstance(kernel, str)
        else list(kernel)
    )
    with tempfile.TemporaryDirectory(prefix="kernel-") as folder:
        path = Path(folder, "connection.json")
        ip = "127.0.0.1" if transport == "tcp" else str(Path(folder, "socket"))
        with (
            _Ports(transport, ip, path, handshake=handshake) as ports,
            subprocess.Popen(
                [arg.replace("{connection_file}", str(path)) for arg in argv]
            ) as process,
        ):
            try:
                connection = ports.wait(process, timeout)
                with KernelClient(connection, on_input=on_input, process=process) as client:
                    client.wait_until_ready(timeout)
                    yield client
                    _shut_down(client, process)
            finally:
                if process.poll() is None:
                    process.kill()


class _Ports:
    """Learns which ports a kernel chose: from the file that it writes again, or from its report."""

    def __init__(self, transport: str, ip: str, path: Path, *, handshake: bool) -> None:
        self._path = path
        self._registrar: Registrar | None = None
        if handshake:
            from .run_registration import Registrar

            self._registrar = Registrar(transport, ip)
            self._registration = self._registrar.expect()
            self._registration.write(path)
        else:
            Connection(transport, ip, 0, 0, 0, 0, 0, secrets.token_hex(32)).write(path)

    def wait(self, process: subprocess.Popen[bytes], timeout: float) -> Connection:
        """Wait for the ports. Raises TimeoutError, or RuntimeError when the kernel has ended."""
        deadline = time.monotonic() + timeout
        while True:
            connection = self._look()
            if connection.hb_port:
                return connection
            if process.poll() is not None:
                raise RuntimeError(f"the kernel ended with status {process.returncode}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"the kernel chose no ports within {timeout} s")

    def _look(self) -> Connection:
        if self._registrar is None:
            time.sleep(0.002)  # a file sends no event: look often
            return Connection.read(self._path)
        with contextlib.suppress(TimeoutError):
            return self._registrar.wait(self._registration.kernel_id, 0.1)
        return self._registration.connection()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._registrar is not None:
            self._registrar.close()


def _shut_down(client: KernelClient, process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with contextlib.suppress(TimeoutError, subprocess.TimeoutExpired):
            client.request("shutdown_request", {"restart": False}, channel="control")
            process.wait(TIMEOUT)
