"""The handshake: a kernel chooses its ports, and reports them to the one who started it.

    launcher                                   kernel
    binds a ROUTER, writes a registration
    file, starts the kernel with its path
                                               binds its five sockets to ports that are free
                                               connects a DEALER, reports the ports, signed
    acknowledges, signed
    connects to the five ports                 closes the DEALER, writes a connection file, serves

`run` is the kernel's part, `Registrar` the launcher's.  What the frames hold is decided in
`connection.Registration`.
Source: "Kernel startup handshake" of the messaging specification, since 5.6; JEP 66.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import secrets
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import zmq

from .connection import Registration, runtime_dir
from .kernel import Kernel
from .run_kernel import KernelProcess, log_to_stderr
from .wire import Connection, ConnectionFileError, ProtocolError, StrPath

log = logging.getLogger(__name__)

TIMEOUT = 10.0  # seconds for the other side to answer


def run(
    kernel_class: Callable[..., Kernel],
    registration_file: StrPath,
    process_class: type[KernelProcess] = KernelProcess,
) -> None:
    """Run a kernel that reports its ports to its launcher.

    Other clients find it by the connection file that it writes into the runtime directory.
    Raises ConnectionFileError, naming the file, for one that cannot be used, and when nobody
    acknowledges the report.
    """
    registration = Registration.read(registration_file)
    try:
        process = process_class(kernel_class, registration.connection())
        log_to_stderr(__package__ or __name__, kernel_class.__module__)
        register(registration, process.connection)
    except (ConnectionFileError, TimeoutError) as error:
        raise ConnectionFileError(
            f"registration file {os.fspath(registration_file)}: {error}"
        ) from None
    path = _connection_file(registration.kernel_id)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who reads the file may interrupt at once
    process.connection.write(path)
    try:
        process.run()
    finally:
        path.unlink(missing_ok=True)


def _connection_file(kernel_id: str) -> Path:
    """Choose the place of the connection file; the id becomes part of it only if it is harmless."""
    directory = Path(runtime_dir())
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    harmless = re.fullmatch(r"[\w-]{1,100}", kernel_id, re.ASCII)
    return directory / f"kernel-{kernel_id if harmless else secrets.token_hex(6)}.json"


def register(registration: Registration, connection: Connection, timeout: float = TIMEOUT) -> None:
    """Report a kernel's ports, and wait for the acknowledgement.

    Raises TimeoutError. Answers that are not signed with the key are dropped.
    """
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    context.linger = 0
    try:
        with context.socket(zmq.DEALER) as sock:
            sock.ipv6 = ":" in registration.registration_ip
            sock.connect(registration.url())
            sock.send_multipart(registration.report(connection))
            deadline = time.monotonic() + timeout
            while sock.poll(int(max(0.0, deadline - time.monotonic()) * 1000)):
                try:
                    registration.check_acknowledgement(sock.recv_multipart())
                except ProtocolError as error:
                    log.warning("dropped: %s: %s", type(error).__name__, error)
                else:
                    return
    finally:
        context.term()
    raise TimeoutError(f"no acknowledgement from {registration.url()} within {timeout:g} s")


class Registrar:
    """The launcher's socket, on which any number of kernels report their ports."""

    def __init__(self, transport: str = "tcp", ip: str = "127.0.0.1") -> None:
        """Listen at a free port, with a fresh key. For ipc, `ip` begins the paths of all sockets.

        Raises ConnectionFileError for an address that cannot be bound.
        """
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._context.linger = 0
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.ipv6 = ":" in ip
        self._expected: dict[str, Registration] = {}
        self._arrived: dict[str, Connection] = {}
        try:
            self._port = self._bind(transport, ip)
        except zmq.ZMQError as error:
            self.close()
            raise ConnectionFileError(f"ip: cannot listen at {ip}: {error}") from None
        self._address = {"transport": transport, "registration_ip": ip}
        self._key = secrets.token_hex(32)

    def _bind(self, transport: str, ip: str) -> int:
        if transport == "ipc":
            port = 1 + secrets.randbelow(65535)
            self._socket.bind(f"ipc://{ip}-{port}")
            return port
        return self._socket.bind_to_random_port(f"tcp://[{ip}]" if ":" in ip else f"tcp://{ip}")

    def expect(self, kernel_id: str | None = None) -> Registration:
        """Take note of a kernel that will report; return what its registration file holds."""
        registration = Registration.from_dict(
            {
                "kernel_id": kernel_id or secrets.token_hex(16),
                **self._address,
                "registration_port": self._port,
                "signature_scheme": "hmac-sha256",
                "key": self._key,
            }
        )
        self._expected[registration.kernel_id] = registration
        return registration

    def wait(self, kernel_id: str, timeout: float = TIMEOUT) -> Connection:
        """Wait until a kernel has reported; acknowledge the reports that come meanwhile.

        Raises TimeoutError.
        """
        deadline = time.monotonic() + timeout
        while kernel_id not in self._arrived:
            if not self._socket.poll(int(max(0.0, deadline - time.monotonic()) * 1000)):
                raise TimeoutError(f"kernel {kernel_id!r} reported no ports within {timeout:g} s")
            self._receive()
        return self._arrived.pop(kernel_id)

    def _receive(self) -> None:
        identity, *frames = self._socket.recv_multipart()
        for kernel_id, registration in self._expected.items():
            with contextlib.suppress(ProtocolError):
                self._arrived[kernel_id] = registration.read_report(frames)
                self._socket.send_multipart([identity, *registration.acknowledgement()])
                del self._expected[kernel_id]  # once: who overheard a report cannot repeat it
                return
        log.warning("dropped: a report of no kernel that is expected, or of another key")

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()
        self._context.term()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
