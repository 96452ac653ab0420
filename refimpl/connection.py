"""Connection files: where they are kept, and how new ones are made; registration files.

Two files can tell a kernel how to meet its clients, and it is started with the path of one.
A *connection file* says where the kernel's five sockets are: that is `refimpl.wire.Connection`.
A *registration file* says where the launcher listens, and leaves the sockets to the kernel.

Whoever picks a free TCP port for another process has a race: the port can be taken before the
kernel binds it.  So the connections made here leave the choice to the kernel: their ports are 0,
and the kernel writes the file again when it has bound its sockets.
"""

from __future__ import annotations

import glob
import os
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .kernelspec import Host, user_data_dir
from .wire import (
    DELIMITER,
    PORTS,
    BadFrames,
    Connection,
    ConnectionFileError,
    InvalidContent,
    Session,
    StrPath,
    decode_part,
    endpoint,
    pack_json,
    read_object,
    write_object,
)

# The shortest limit on the path of a local socket among the systems we know, in bytes (macOS).
MAX_IPC_PATH = 103


def runtime_dir(host: Host | None = None) -> str:
    """Return the directory for files that live no longer than a kernel, as connection files do.

    >>> runtime_dir(Host("linux", {}, home="/home/ada", prefix="/usr"))
    '/home/ada/.local/share/jupyter/runtime'
    """
    host = host or Host.current()
    return host.env.get("JUPYTER_RUNTIME_DIR") or host.join(user_data_dir(host), "runtime")


def new_connection(
    transport: str = "tcp", ip: str = "127.0.0.1", *, kernel_name: str = ""
) -> Connection:
    """Make a connection with a fresh key, for a kernel that is yet to be started.

    Every port is 0: the kernel chooses.  For ipc, `ip` is what the paths of all sockets begin with.
    Raises ConnectionFileError, which names the field.

    >>> new_connection().url("shell")
    'tcp://127.0.0.1:0'
    """
    longest = MAX_IPC_PATH - len("-65535")
    if transport == "ipc" and len(os.fsencode(ip)) > longest:
        raise ConnectionFileError(f"ip: expected a path of at most {longest} bytes, got {ip!r}")
    return Connection.from_dict(
        {
            "transport": transport,
            "ip": "0.0.0.0" if ip == "*" else ip,  # noqa: S104 - nobody can connect to a star
            **dict.fromkeys(PORTS, 0),
            "key": secrets.token_hex(32),
            "signature_scheme": "hmac-sha256",
            "kernel_name": kernel_name,
        }
    )


def new_connection_file(
    transport: str = "tcp", ip: str | None = None, *, kernel_name: str = ""
) -> Path:
    """Write the connection file of a new kernel into the runtime directory; return its path.

    The directory is made when it is missing, for its owner alone (0700).  Without `ip` the kernel
    listens on this machine only.  Raises ConnectionFileError, and OSError as the disk does.
    """
    directory = Path(runtime_dir()).absolute()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / f"kernel-{secrets.token_hex(6)}.json"  # short: the paths of ipc are limited
    local = str(path.with_suffix("")) if transport == "ipc" else "127.0.0.1"
    new_connection(transport, ip or local, kernel_name=kernel_name).write(path)
    return path


def find_connection_file(
    name: str = "kernel-*.json", dirs: Iterable[StrPath] | None = None
) -> Path:
    """Find a connection file by its path, its name, a pattern, or a part of its name.

    Looked for in the current and in the runtime directory, unless `dirs` says otherwise.
    Of several that match, the one that was last read is meant.
    Raises FileNotFoundError, which names what was looked for and where.
    """
    places = [Path(place) for place in (dirs if dirs is not None else (".", runtime_dir()))]
    for place in places:
        path = place / Path(name).expanduser()
        if path.is_file():
            return path.absolute()
    pattern = name if "*" in name else f"*{name}*"
    matches = [
        (place / match).absolute()
        for place in places
        for match in glob.glob(pattern, root_dir=place)  # noqa: PTH207 - spares hidden files
    ]
    if not matches:
        looked = ", ".join(map(str, places))
        raise FileNotFoundError(f"no connection file matches {name!r} in {looked}")
    return max(matches, key=lambda path: path.stat().st_atime)


@dataclass(frozen=True)
class Registration:
    """Where a new kernel reports its ports, when it is the kernel that chooses them.

    The kernel connects a DEALER to the registration address and sends `kernel_id` and its five
    ports in one signed message; the launcher acknowledges it.
    Source: JEP 66, in the protocol since 5.6.
    """

    kernel_id: str
    transport: str
    registration_ip: str
    registration_port: int
    signature_scheme: str
    key: str = field(repr=False)

    @classmethod
    def from_dict(cls, info: Mapping[str, Any]) -> Registration:
        """Make a registration from the content of a registration file.

        Raises ConnectionFileError, which names the field.

        >>> Registration.from_dict({"kernel_id": 7})
        Traceback (most recent call last):
        refimpl.wire.ConnectionFileError: kernel_id: expected a string, got int
        """
        known = {}
        for name in cls.__dataclass_fields__:
            expected, kind = (
                ("an integer", int) if name == "registration_port" else ("a string", str)
            )
            if type(info.get(name)) is not kind:  # True is an int, but no port
                # The type alone: a key, even a misplaced one, must not reach a log.
                found = type(info[name]).__name__ if name in info else "nothing"
                raise ConnectionFileError(f"{name}: expected {expected}, got {found}")
            known[name] = info[name]
        if known["transport"] not in ("tcp", "ipc"):
            raise ConnectionFileError(f"transport: expected tcp or ipc, got {known['transport']!r}")
        for name in ("kernel_id", "registration_ip"):
            if not known[name]:
                raise ConnectionFileError(f"{name}: expected some text, got an empty string")
        port = known["registration_port"]
        if not 1 <= port <= 65535:
            raise ConnectionFileError(f"registration_port: expected 1 to 65535, got {port}")
        try:
            Session(b"key", known["signature_scheme"])
        except ValueError as error:
            raise ConnectionFileError(str(error)) from None
        return cls(**known)

    @classmethod
    def read(cls, path: StrPath) -> Registration:
        """Read a registration file. Raises ConnectionFileError: the file, the field."""
        try:
            return cls.from_dict(read_object(path))
        except ValueError as error:
            raise ConnectionFileError(f"registration file {os.fspath(path)}: {error}") from None

    def url(self) -> str:
        """Return the ZeroMQ address of the launcher's registration socket."""
        return endpoint(self.transport, self.registration_ip, self.registration_port)

    def to_dict(self) -> dict[str, Any]:
        """Return what the registration file holds."""
        return dict(vars(self))

    def write(self, path: StrPath) -> None:
        """Write the registration file at one stroke, readable by its owner alone (0600)."""
        write_object(path, self.to_dict())

    def new_session(self) -> Session:
        """Make a session that signs with the launcher's key."""
        return Session(self.key.encode("utf-8"), self.signature_scheme)

    def connection(self) -> Connection:
        """Make the connection of the kernel that registers: at the same address, ports of 0.

        The report names no address, so launcher and kernel have to agree: it is the launcher's.
        """
        return Connection(
            *(self.transport, self.registration_ip, 0, 0, 0, 0, 0, self.key),
            signature_scheme=self.signature_scheme,
        )

    # --- the two messages of the handshake, which have no header: one signed part ----------------

    def report(self, connection: Connection) -> list[bytes]:
        """Make the frames in which a kernel reports its ports: as text, says the specification."""
        ports = {name: str(getattr(connection, name)) for name in PORTS}
        return self._sign({"kernel_id": self.kernel_id, **ports})

    def acknowledgement(self) -> list[bytes]:
        """Make the frames in which the launcher answers; their content is its own affair."""
        return self._sign({})

    def read_report(self, frames: Sequence[bytes]) -> Connection:
        """Read the frames of a report, as they came behind the identity; return the connection.

        Raises BadFrames, UnsignedMessage, InvalidSignature, BadPart, NotADict, or InvalidContent
        for another kernel's report and for a port that is none.
        """
        content = self._verify(frames)
        if content.get("kernel_id") != self.kernel_id:
            found = repr(content.get("kernel_id"))[:80]
            raise InvalidContent(f"report: kernel_id: expected {self.kernel_id!r}, got {found}")
        ports: dict[str, Any] = {}
        for name in PORTS:
            port: Any = content.get(name)
            # Deployed kernels send integers, as connection files have them.
            number = int(port) if type(port) is int or re.fullmatch("[0-9]{1,5}", str(port)) else 0
            if not 1 <= number <= 65535:
                raise InvalidContent(f"report: {name}: expected 1 to 65535, got {repr(port)[:80]}")
            ports[name] = number
        return replace(self.connection(), **ports)

    def check_acknowledgement(self, frames: Sequence[bytes]) -> None:
        """Check the frames of the launcher's answer, with the errors of `read_report`."""
        self._verify(frames)

    def _sign(self, content: dict[str, Any]) -> list[bytes]:
        part = pack_json(content)
        return [DELIMITER, self.new_session().sign([part]), part]

    def _verify(self, frames: Sequence[bytes]) -> dict[str, Any]:
        if len(frames) != 3 or frames[0] != DELIMITER:
            expected = f"{DELIMITER.decode()}, a signature and one part"
            raise BadFrames(f"registration: expected {expected}, got {len(frames)} frames")
        _, signature, part = frames
        self.new_session().verify(signature, [part])
        return decode_part(part, "registration")
