"""Frames to messages and back: what travels between a front end and a kernel.

A message is four dicts and any number of binary buffers.  On the wire it is a
list of frames, sent as one multipart message:

    [identity ..., delimiter, signature, header, parent_header, metadata, content, buffer ...]

`Session` turns one into the other.  It signs what it sends and refuses what is
not signed with the shared key, and it touches no socket.  `Connection` says
where the sockets are and which key is shared: it is the connection file.

The errors, each meaning that *the peer is wrong*:

    ProtocolError
        MalformedMessage    the frames are not a message
            BadFrames       no delimiter, or too few parts behind it
            BadPart         a part is not text of the agreed codec
            NotADict        a part is valid, but not an object
            TooDeep         a part nests deeper than MAX_DEPTH
            TooLarge        the signed parts are larger than the session accepts
            BadHeader       the header lacks a field, or one has the wrong type
        InvalidSignature    the signature does not fit the parts
            UnsignedMessage   there is none
            ReplayedMessage   it was good, but has been seen before
        InvalidContent      a field of the content is missing or of the wrong type

Whoever owns a socket catches `ProtocolError`, logs one line and goes on.
Source: "The Wire Protocol" and "General Message Format" of the Jupyter messaging specification.
"""

from __future__ import annotations

import base64
import hmac
import itertools
import json
import os
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

PROTOCOL_VERSION = "5.6"
DELIMITER = b"<IDS|MSG>"
PARTS = ("header", "parent_header", "metadata", "content")
MAX_DEPTH = 400
MAX_SIZE = 256 * 1024 * 1024


class Channel(NamedTuple):
    """One of a kernel's sockets. The kernel binds it, clients connect to it."""

    name: str
    kernel_socket: str
    client_socket: str
    purpose: str


CHANNELS = (
    Channel("shell", "ROUTER", "DEALER", "requests, answered one after the other"),
    Channel("iopub", "XPUB", "SUB", "everything the kernel publishes, to every client"),
    Channel("stdin", "ROUTER", "DEALER", "questions of the kernel to the user"),
    Channel("control", "ROUTER", "DEALER", "requests that must not wait behind shell"),
    Channel("hb", "ROUTER", "REQ", "bytes sent back at once: the kernel is alive"),
)


class ProtocolError(Exception):
    """The peer broke the protocol."""


class MalformedMessage(ProtocolError):
    """The frames are not a message."""


class BadFrames(MalformedMessage):
    """The delimiter is missing, or fewer than a signature and four parts follow it."""


class BadPart(MalformedMessage):
    """A part is not UTF-8, or not what the codec writes."""


class NotADict(MalformedMessage):
    """A part is valid in the codec, but not an object."""


class TooDeep(MalformedMessage):
    """A part nests deeper than MAX_DEPTH."""


class TooLarge(MalformedMessage):
    """The signed parts together are larger than the session accepts."""


class BadHeader(MalformedMessage):
    """The header lacks a field, or a field has the wrong type."""


class InvalidSignature(ProtocolError):
    """The signature does not fit the parts: another key, or a changed message."""


class UnsignedMessage(InvalidSignature):
    """The session has a key, and the message no signature."""


class ReplayedMessage(InvalidSignature):
    """The signature is good, and has been seen before."""


class InvalidContent(ProtocolError):
    """A field of the content is missing or has the wrong type."""


class ConnectionFileError(ValueError):
    """A connection file cannot be used; the text names the file and the field."""


# --- codecs: a dict to bytes and back ----------------------------------------------------------

Frame = bytes | bytearray | memoryview
Pack = Callable[[dict[str, Any]], bytes]
Unpack = Callable[[Frame], Any]


def _plain(value: Any) -> Any:
    """Give a JSON form to what `json` does not know: dates, bytes, numbers and collections."""
    if isinstance(value, date):  # datetime is a date
        return value.isoformat()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode("ascii")  # binary MIME data travels as base64
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        return value.item()  # a number of an array library
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Iterable):
        return list(value)
    if hasattr(value, "__index__"):
        return int(value)
    if hasattr(value, "__float__"):
        return float(value)
    raise TypeError(f"a value of type {type(value).__name__} has no JSON form")


def _clean(value: Any, levels: int = MAX_DEPTH, native: tuple[type, ...] = ()) -> Any:
    """Rebuild a value from what every codec can write, and from the types native to this one.

    JSON cannot write NaN and the infinities, which become null, and lone surrogates, which are no
    characters and become `?`.
    Raises TypeError for a value without a JSON form, ValueError for one that nests too deeply.
    """
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, float):
        return float(value) if abs(value) < float("inf") else None  # NaN compares as False
    if levels == 0:
        raise ValueError(f"a value nests deeper than {MAX_DEPTH} levels, or contains itself")
    if isinstance(value, dict):
        return {_clean_key(key): _clean(child, levels - 1, native) for key, child in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(child, levels - 1, native) for child in value]
    if isinstance(value, native):
        return value
    return _clean(_plain(value), levels - 1, native)


def _clean_key(key: Any) -> str:
    """Write a key as JSON does, whose keys are text."""
    if isinstance(key, str):
        return str(_clean(key))
    if key is None or isinstance(key, (bool, int, float)):
        return json.dumps(key)
    raise TypeError(f"a key of type {type(key).__name__} has no JSON form")


def _make_encode() -> Callable[[Any], str]:
    """Make a function that writes JSON.

    `json` makes its encoder, which is in C, anew for each value.  Most of ours are so small that
    making one takes longer than using it.
    """
    encoder = json.JSONEncoder(
        ensure_ascii=False, allow_nan=False, default=_plain, separators=(",", ":")
    )
    make: Any = vars(json.encoder)["c_make_encoder"]
    if make is None:  # a Python without it
        return encoder.encode
    write = make(
        *(None, _plain, json.encoder.encode_basestring),
        *(None, ":", ",", False, False, False),
    )
    return lambda value: "".join(write(value, 0))


_encode = _make_encode()
_scan: Callable[[str, int], tuple[Any, int]] = vars(json.JSONDecoder())["scan_once"]


def pack_json(value: dict[str, Any]) -> bytes:
    r"""Write a dict as UTF-8 JSON.

    Raises TypeError for a value without a JSON form, ValueError for one that nests too deeply.

    >>> pack_json({"text": "é", "nan": float("nan")})
    b'{"text":"\xc3\xa9","nan":null}'
    """
    try:
        text = _encode(value)
        # More than any reader accepts must not be sent; few values have so many brackets at all.
        if (
            len(text) > MAX_DEPTH
            and not _is_flat(value)
            and text.count("[") + text.count("{") > MAX_DEPTH
            and _nests_deeper(value, MAX_DEPTH)
        ):
            text = _encode(_clean(value))
        return text.encode("utf-8")
    except (TypeError, ValueError, RecursionError):  # UnicodeEncodeError is a ValueError
        return _encode(_clean(value)).encode("utf-8")


def _is_flat(value: dict[str, Any]) -> bool:
    """Tell whether a dict holds text and numbers alone, as a stream message does."""
    return all(isinstance(child, (str, int, float)) for child in value.values())


def unpack_json(part: Frame) -> Any:
    """Read UTF-8 JSON. Raises ValueError, of which UnicodeDecodeError is one."""
    text = str(part, "utf-8")
    try:
        value, end = _scan(text, 0)
        if end == len(text):
            return value
    except StopIteration:
        pass
    return json.loads(text)  # it has white space around it, or an error to be described


def _orjson_pack() -> Pack:
    import orjson

    option = orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z

    def pack(value: dict[str, Any]) -> bytes:
        try:
            return orjson.dumps(value, default=_plain, option=option)
        except TypeError:  # integers beyond 64 bits and lone surrogates are too much for orjson
            return pack_json(value)

    return pack


def fast_json() -> tuple[Pack, Unpack]:
    """Return a codec that writes JSON by orjson, where it is installed, and reads as `json` does.

    Writing is what takes time in a kernel: text of a megabyte in a tenth of a millisecond, not 2.
    """
    try:
        return _orjson_pack(), unpack_json
    except ImportError:
        return pack_json, unpack_json


def _orjson() -> tuple[Pack, Unpack]:
    import orjson

    def unpack(part: Frame) -> Any:
        try:
            return orjson.loads(part)
        except ValueError as error:
            if "limit" in str(error):  # the one error that orjson has for depth
                raise RecursionError from None
            raise

    return _orjson_pack(), unpack


def _msgpack() -> tuple[Pack, Unpack]:
    import msgpack  # type: ignore[import-untyped]

    def pack(value: dict[str, Any]) -> bytes:
        try:
            return bytes(msgpack.packb(_clean(value, native=(bytes, bytearray, memoryview))))
        except OverflowError:
            raise ValueError("msgpack has no form for an integer beyond 64 bits") from None

    def unpack(part: Frame) -> Any:
        try:
            return msgpack.unpackb(part)
        except msgpack.StackError:
            raise RecursionError from None

    return pack, unpack


CODECS: dict[str, Callable[[], tuple[Pack, Unpack]]] = {
    "json": lambda: (pack_json, unpack_json),
    "orjson": _orjson,
    "msgpack": _msgpack,
}


def find_codec(name: str) -> tuple[Pack, Unpack]:
    """Find the pair of functions (pack, unpack) that bears this name.

    Raises ValueError for an unknown name, and for a known one whose package is not installed.
    """
    if name not in CODECS:
        raise ValueError(f"codec: expected one of {', '.join(CODECS)}, got {name!r}")
    try:
        return CODECS[name]()
    except ImportError as error:
        raise ValueError(f"codec {name!r} needs the package {error.name}") from error


def _nests_deeper(value: Any, limit: int) -> bool:
    """Tell whether lists and dicts nest deeper than the limit, level by level: no recursion."""
    level = [value]
    while level:
        if limit == 0:
            return True
        limit -= 1
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, (dict, list, tuple))
        ]
    return False


def decode_part(part: Frame, name: str, unpack: Unpack = unpack_json) -> dict[str, Any]:
    """Decode one of the four parts.

    Raises BadPart, TooDeep or NotADict; the text names the part.

    >>> decode_part(b"[1]", "content")
    Traceback (most recent call last):
    refimpl.wire.NotADict: content: expected an object, got list
    """
    try:
        value = unpack(part)
    except UnicodeDecodeError as error:
        raise BadPart(f"{name}: expected UTF-8, got {error.reason} at byte {error.start}") from None
    except RecursionError:
        raise TooDeep(f"{name}: expected at most {MAX_DEPTH} levels, got far more") from None
    except Exception as error:  # every codec has errors of its own
        raise BadPart(f"{name}: {error}") from None
    if not isinstance(value, dict):
        raise NotADict(f"{name}: expected an object, got {type(value).__name__}")
    if len(part) > MAX_DEPTH and _nests_deeper(value, MAX_DEPTH):
        raise TooDeep(f"{name}: expected at most {MAX_DEPTH} levels, got more")
    return value


# --- messages ----------------------------------------------------------------------------------


class Message:
    """One message. Its dicts are decoded when they are first read.

    A relay that reads the header alone never pays for the content.  Reading a dict of a received
    message raises what `decode_part` raises; `check` reads all four.
    """

    __slots__ = ("_dicts", "_unpack", "buffers", "idents", "parts")

    def __init__(
        self,
        idents: Sequence[bytes] = (),
        *,
        dicts: Sequence[dict[str, Any] | None] = (None, None, None, None),
        parts: Sequence[Frame | None] = (None, None, None, None),
        buffers: Sequence[Any] = (),
        unpack: Unpack = unpack_json,
    ) -> None:
        """Hold what is known of the four: each has a dict, its serialized part, or both."""
        self.idents = list(idents)
        self.parts = list(parts)
        self.buffers = list(buffers)
        self._dicts = list(dicts)
        self._unpack = unpack

    def _dict(self, index: int) -> dict[str, Any]:
        value = self._dicts[index]
        if value is None:
            part = self.parts[index]
            assert part is not None  # a message has the dict, the part, or both
            # Most parents, metadata and contents of requests are empty: no need to ask the codec.
            value = {} if part == b"{}" else decode_part(part, PARTS[index], self._unpack)
            self._dicts[index] = value
        return value

    @property
    def header(self) -> dict[str, Any]:
        """The header: msg_id, msg_type, session, username, date, version."""
        return self._dict(0)

    @property
    def parent_header(self) -> dict[str, Any]:
        """The header of the message that this one answers; empty when it answers none."""
        return self._dict(1)

    @property
    def metadata(self) -> dict[str, Any]:
        """Everything about the message that is not its content."""
        return self._dict(2)

    @property
    def content(self) -> dict[str, Any]:
        """The content, whose fields depend on the message type."""
        return self._dict(3)

    @property
    def msg_type(self) -> str:
        """The type of the message. Raises BadHeader when the header has none."""
        return self._name("msg_type")

    @property
    def msg_id(self) -> str:
        """The id of the message. Raises BadHeader when the header has none."""
        return self._name("msg_id")

    @property
    def session(self) -> str:
        """The session of the sender. Raises BadHeader when the header has none."""
        return self._name("session")

    def _name(self, key: str) -> str:
        value = self._dict(0).get(key)
        if not isinstance(value, str):
            found = type(value).__name__ if key in self.header else "nothing"
            raise BadHeader(f"header: {key}: expected str, got {found}")
        return value

    def check(self) -> Message:
        """Decode all four dicts and the names in the header; return the message itself.

        Raises BadPart, NotADict, TooDeep or BadHeader.
        """
        for index in range(len(PARTS)):
            self._dict(index)
        for key in ("msg_id", "msg_type", "session"):
            self._name(key)
        return self

    def __repr__(self) -> str:
        try:
            text = f"{self.header.get('msg_type')} {self.content}"
        except ProtocolError as error:
            text = f"malformed: {error}"
        return f"<Message {text} buffers={len(self.buffers)}>"


def split(frames: Sequence[Any]) -> tuple[list[bytes], Frame, list[Frame], list[Frame]]:
    """Split frames into identities, signature, the four parts, and buffers.

    Shape: [ident ..., delimiter, signature, header, parent_header, metadata, content, buffer ...]

    Raises BadFrames if there is no delimiter or fewer than five frames follow it.
    Source: "The Wire Protocol".

    >>> split([b"client", DELIMITER, b"", b"{}", b"{}", b"{}", b"{}", b"raw"])
    ([b'client'], b'', [b'{}', b'{}', b'{}', b'{}'], [b'raw'])
    """
    try:
        at = frames.index(DELIMITER)
    except ValueError:
        raise BadFrames(f"no delimiter {DELIMITER.decode()} in {len(frames)} frames") from None
    parts = list(frames[at + 2 : at + 6])
    if len(parts) < len(PARTS):
        got = len(frames) - at - 1
        raise BadFrames(f"expected a signature and 4 parts after the delimiter, got {got} frames")
    return list(frames[:at]), frames[at + 1], parts, list(frames[at + 6 :])


def utc_now() -> str:
    """Write the present moment as a header's date: ISO 8601, in UTC, with its zone."""
    return datetime.now(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def _signer(key: bytes, scheme: str) -> hmac.HMAC:
    """Make the keyed digest that every signature is copied from.

    Raises ValueError for a scheme that is not `hmac-` and a digest of fixed size in hashlib.
    """
    prefix, _, name = scheme.partition("-")
    try:
        if prefix != "hmac":
            raise ValueError
        signer = hmac.new(key, digestmod=name)
        signer.copy().hexdigest()
    except (ValueError, TypeError):  # unknown, or a digest without a size of its own, like shake
        raise ValueError(
            f"signature_scheme: expected hmac- and a digest of hashlib, as sha256, got {scheme!r}"
        ) from None
    return signer


class Session:
    """One side of a conversation: makes, signs, serializes, verifies and parses messages.

    A session may be shared by threads.  `new_id` and `now` make the ids and dates, so that a test
    or a page can have the same ones every time.
    """

    def __init__(
        self,
        key: bytes = b"",
        signature_scheme: str = "hmac-sha256",
        *,
        session: str | None = None,
        username: str | None = None,
        codec: str | tuple[Pack, Unpack] = "json",
        max_size: int = MAX_SIZE,
        replay_memory: int = 65536,
        new_id: Callable[[], str] | None = None,
        now: Callable[[], str] = utc_now,
    ) -> None:
        """Set up a session; an empty key switches signing and the replay memory off.

        `max_size` bounds the four signed parts together, in bytes; buffers are not bounded.
        `replay_memory` is the number of signatures remembered.
        Raises ValueError for an unknown signature scheme or codec.
        """
        self.session = session or secrets.token_hex(16)
        self.username = username or os.environ.get("USER") or os.environ.get("USERNAME") or "user"
        self.max_size = max_size
        self._signer = _signer(key, signature_scheme) if key else None
        self._pack, self._unpack = codec if isinstance(codec, tuple) else find_codec(codec)
        self._seen: dict[bytes, object] = {}
        self._oldest: deque[bytes] = deque()
        self._replay_memory = replay_memory
        self._count = itertools.count(1)
        self._new_id = new_id or self._next_id
        self.now = now
        self._empty = self._pack({})

    def _next_id(self) -> str:
        # The process is part of the id, so that a forked child never repeats its parent's ids.
        return f"{self.session}_{os.getpid()}_{next(self._count)}"

    def message(
        self,
        msg_type: str,
        content: dict[str, Any] | None = None,
        *,
        parent: Message | None = None,
        metadata: dict[str, Any] | None = None,
        buffers: Sequence[Any] = (),
        idents: Sequence[bytes] = (),
    ) -> Message:
        """Make a message; with a parent, one that answers it.

        The parent's header is passed on as the bytes that came, neither decoded nor encoded again.
        """
        header = {
            "msg_id": self._new_id(),
            "msg_type": msg_type,
            "username": self.username,
            "session": self.session,
            "date": self.now(),
            "version": PROTOCOL_VERSION,
        }
        parent_dict, parent_part = (
            ({}, self._empty) if parent is None else (parent._dicts[0], parent.parts[0])
        )
        return Message(
            idents,
            dicts=(header, parent_dict, metadata or {}, content or {}),
            parts=(None, parent_part, None if metadata else self._empty, None),
            buffers=buffers,
            unpack=self._unpack,
        )

    def sign(self, parts: Iterable[Frame]) -> bytes:
        """Return the signature of the four parts as hex digits; empty without a key.

        >>> Session(b"key").sign([b"{}", b"{}", b"{}", b"{}"])[:16]
        b'ca767b02c5bc061e'
        """
        if self._signer is None:
            return b""
        digest = self._signer.copy()
        digest.update(b"".join(parts))
        return digest.hexdigest().encode("ascii")

    def serialize(self, message: Message) -> list[Any]:
        """Turn a message into frames. Buffers are passed on as they are: not copied, not signed.

        Raises TypeError or ValueError for content without a form in the codec, and for a buffer
        that is not contiguous bytes.
        """
        parts = message.parts
        for index, part in enumerate(parts):
            if part is None:
                parts[index] = self._pack(message._dict(index))
        for buffer in message.buffers:
            if not memoryview(buffer).contiguous:
                raise ValueError("buffers: expected contiguous memory")
        return [*message.idents, DELIMITER, self.sign(parts), *parts, *message.buffers]  # type: ignore[arg-type]

    def deserialize(self, frames: Sequence[Any]) -> Message:
        """Turn received frames into a message, after checking its size and signature.

        The dicts are not decoded yet: see `Message`.
        Raises BadFrames, TooLarge, UnsignedMessage, InvalidSignature or ReplayedMessage.
        """
        idents, signature, parts, buffers = split(frames)
        size = sum(map(len, parts))
        if size > self.max_size:
            raise TooLarge(f"expected at most {self.max_size} bytes in the four parts, got {size}")
        self.verify(bytes(signature), parts)
        return Message(idents, parts=parts, buffers=buffers, unpack=self._unpack)

    def verify(self, signature: bytes, parts: Sequence[Frame]) -> None:
        """Check the signature of parts that came, and take note of it; without a key, do nothing.

        Raises UnsignedMessage, InvalidSignature or ReplayedMessage.
        """
        if self._signer is None:
            return
        if not signature:
            raise UnsignedMessage("expected a signature, got an empty frame")
        if not hmac.compare_digest(signature, self.sign(parts)):  # takes the same time always
            raise InvalidSignature("the signature does not fit the message: another key?")
        mine = object()  # setdefault is one step: of two threads with one replay, only one passes
        if self._seen.setdefault(signature, mine) is not mine:
            raise ReplayedMessage(f"signature {signature[:16].decode()}... was seen before")
        self._oldest.append(signature)
        if len(self._oldest) > self._replay_memory:
            self._seen.pop(self._oldest.popleft(), None)


# --- the connection file -----------------------------------------------------------------------

StrPath = str | os.PathLike[str]
PORTS = tuple(f"{channel.name}_port" for channel in CHANNELS)


def endpoint(transport: str, ip: str, port: int) -> str:
    """Return the ZeroMQ address of a port.

    >>> endpoint("tcp", "127.0.0.1", 5555), endpoint("ipc", "/tmp/kernel", 1)
    ('tcp://127.0.0.1:5555', 'ipc:///tmp/kernel-1')
    """
    if transport == "ipc":
        return f"ipc://{ip}-{port}"
    return f"tcp://[{ip}]:{port}" if ":" in ip else f"tcp://{ip}:{port}"


def read_object(path: StrPath) -> dict[str, Any]:
    """Read a JSON file that holds one object.

    Raises ValueError, which says in one line what is wrong with the file.
    """
    try:
        value = json.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise ValueError(error.strerror or str(error)) from None
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: {error.reason} at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from None
    except RecursionError:
        raise ValueError("nests too deeply") from None
    if not isinstance(value, dict):
        raise ValueError(f"expected an object, got {type(value).__name__}")
    return value


def write_object(path: StrPath, value: Mapping[str, Any]) -> None:
    """Write a JSON file at one stroke, readable by its owner alone (0600). Raises OSError."""
    target = Path(path)
    scratch = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(value, file, indent=2)
        scratch.replace(target)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


@dataclass(frozen=True)
class Connection:
    """Where a kernel's five sockets are, and the key it shares with its clients.

    A port of 0 means that the kernel chooses when it binds.  Fields that we do not know are kept
    in `extra`, and written back.
    Source: "Connection files" in the jupyter_client documentation; JEP 106.
    """

    transport: str
    ip: str
    shell_port: int
    iopub_port: int
    stdin_port: int
    control_port: int
    hb_port: int
    key: str = field(repr=False)
    signature_scheme: str = "hmac-sha256"
    kernel_name: str = ""
    curve_publickey: str = ""
    curve_secretkey: str = field(default="", repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_dict(cls, info: Mapping[str, Any]) -> Connection:
        """Make a connection from the content of a connection file.

        Raises ConnectionFileError, which names the field.

        >>> Connection.from_dict({"transport": "tcp", "ip": "127.0.0.1"})
        Traceback (most recent call last):
        refimpl.wire.ConnectionFileError: shell_port: expected an integer, got nothing
        """
        texts = ("transport", "ip", "key", "signature_scheme")
        optional = ("kernel_name", "curve_publickey", "curve_secretkey")
        for name in ("transport", "ip", *PORTS, "key", "signature_scheme", *optional):
            value = info.get(name)
            if name in optional and value in (None, ""):
                continue
            expected, fits = (
                ("an integer", type(value) is int)
                if name in PORTS
                else ("a string", isinstance(value, str))
            )
            if not fits:
                # The type alone: a key, even a misplaced one, must not reach a log.
                found = type(value).__name__ if name in info else "nothing"
                raise ConnectionFileError(f"{name}: expected {expected}, got {found}")
            if isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value):
                raise ConnectionFileError(f"{name}: expected text, got a lone surrogate")
        if info["transport"] not in ("tcp", "ipc"):
            raise ConnectionFileError(f"transport: expected tcp or ipc, got {info['transport']!r}")
        if not info["ip"]:
            raise ConnectionFileError("ip: expected an address, got an empty string")
        for name in PORTS:
            if not 0 <= info[name] <= 65535:
                raise ConnectionFileError(f"{name}: expected 0 to 65535, got {info[name]}")
        _check_curve(info)
        try:
            _signer(b"key", info["signature_scheme"])
        except ValueError as error:
            raise ConnectionFileError(str(error)) from None
        known = {name: info[name] for name in (*texts, *PORTS)}
        known |= {name: info.get(name) or "" for name in optional}
        return cls(**known, extra={k: v for k, v in info.items() if k not in known})

    def to_dict(self) -> dict[str, Any]:
        """Return what the connection file holds; optional fields only when they are set."""
        known = {name: value for name, value in vars(self).items() if name != "extra"}
        return {
            **{name: value for name, value in known.items() if value != "" or name == "key"},
            **self.extra,
        }

    @classmethod
    def read(cls, path: StrPath) -> Connection:
        """Read a connection file. Raises ConnectionFileError: the file, the field."""
        try:
            return cls.from_dict(read_object(path))
        except ValueError as error:
            raise ConnectionFileError(f"connection file {os.fspath(path)}: {error}") from None

    def write(self, path: StrPath) -> None:
        """Write the connection file at one stroke, readable by its owner alone (0600)."""
        write_object(path, self.to_dict())

    def url(self, channel: str) -> str:
        """Return the ZeroMQ address of a channel: shell, iopub, stdin, control or hb."""
        return endpoint(self.transport, self.ip, getattr(self, f"{channel}_port"))

    def new_session(self, **options: Any) -> Session:
        """Make a session that signs with this connection's key; options are those of Session."""
        return Session(self.key.encode("utf-8"), self.signature_scheme, **options)


_Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


def _is_curve_key(text: str) -> bool:
    """Tell whether a text is 32 bytes as Z85: 5 digits of base 85 stand for 4 bytes."""
    if len(text) != 40 or not set(text) <= set(_Z85):
        return False
    groups = (text[at : at + 5] for at in range(0, 40, 5))
    return all(
        sum(
            _Z85.index(digit) * 85**power
            for digit, power in zip(group, range(4, -1, -1), strict=True)
        )
        < 2**32
        for group in groups
    )


def _check_curve(info: Mapping[str, Any]) -> None:
    """Raise ConnectionFileError unless both CURVE keys are absent, or both are Z85 of 32 bytes."""
    names = ("curve_publickey", "curve_secretkey")
    given = [name for name in names if info.get(name)]
    if len(given) == 1:
        (missing,) = set(names) - set(given)
        raise ConnectionFileError(f"{missing}: expected a key beside {given[0]}, got nothing")
    for name in given:
        if not _is_curve_key(info[name]):  # the value is a secret: it must not reach a log
            raise ConnectionFileError(f"{name}: expected 40 characters of Z85")
