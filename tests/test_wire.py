"""Frames to messages and back: signatures, replay, bad input, codecs, connection files."""

import array
import base64
import hashlib
import hmac
import json
import math
import os
import re
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st
from jupyter_client.session import Session as JupyterSession

from refimpl import wire
from refimpl.wire import (
    CHANNELS,
    CODECS,
    DELIMITER,
    MAX_DEPTH,
    BadFrames,
    BadHeader,
    BadPart,
    Connection,
    ConnectionFileError,
    InvalidContent,
    InvalidSignature,
    MalformedMessage,
    Message,
    NotADict,
    ProtocolError,
    ReplayedMessage,
    Session,
    TooDeep,
    TooLarge,
    UnsignedMessage,
    decode_part,
    find_codec,
    pack_json,
    split,
    unpack_json,
)

pytestmark = pytest.mark.off_catalogue("the subject is frames, not what they mean", kernel=True)

KEY = b"a key that both sides have"

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=12,
)
json_dicts = st.dictionaries(st.text(), json_values, max_size=5)
identities = st.lists(
    st.binary(min_size=1, max_size=255).filter(lambda b: b != DELIMITER), max_size=4
)
buffer_lists = st.lists(
    st.binary(max_size=40)
    | st.binary(max_size=40).map(bytearray)
    | st.binary(max_size=40).map(memoryview)
    | st.lists(st.floats(width=32), max_size=8).map(lambda v: array.array("f", v)),
    max_size=4,
)


def fixed_size_digests() -> list[str]:
    """List the digests that hashlib has here, without those whose size the caller chooses."""
    names = []
    for name in sorted(hashlib.algorithms_available):
        try:
            digest = hashlib.new(name)
        except ValueError:  # named, but switched off in this OpenSSL
            continue
        if digest.digest_size:
            names.append(name)
    return names


DIGESTS = fixed_size_digests()


def frames_of(*parts: bytes, key: bytes = b"") -> list[bytes]:
    """Make frames from four parts as they are, well signed."""
    return [DELIMITER, Session(key).sign(parts), *parts]


def header(**fields: Any) -> dict[str, Any]:
    """Return a header that is accepted, with some fields replaced; None removes one."""
    whole = {"msg_id": "1", "msg_type": "status", "session": "s", **fields}
    return {name: value for name, value in whole.items() if value is not None}


class Counter:
    """An `unpack` that counts how often each part was decoded."""

    def __init__(self) -> None:
        self.decoded: list[bytes] = []

    def __call__(self, part: wire.Frame) -> Any:
        """Decode JSON, and take note."""
        self.decoded.append(bytes(part))
        return unpack_json(part)


# --- round trip ---------------------------------------------------------------------------------


@given(json_dicts, json_dicts, identities, buffer_lists, st.sampled_from(sorted(CODECS)))
def test_round_trip(
    content: dict[str, Any],
    metadata: dict[str, Any],
    idents: list[bytes],
    buffers: list[Any],
    codec: str,
) -> None:
    """What one session serializes, another with the same key reads unchanged."""
    sender, receiver = Session(KEY, codec=codec), Session(KEY, codec=codec)
    parent = sender.message("execute_request", {"code": "é"})
    message = sender.message(
        "x", content, parent=parent, metadata=metadata, idents=idents, buffers=buffers
    )
    frames = sender.serialize(message)
    back = receiver.deserialize(frames).check()
    assert back.idents == idents
    assert back.header == message.header
    assert back.parent_header == parent.header
    assert back.metadata == metadata
    assert back.content == content
    assert len(back.buffers) == len(buffers)
    assert all(mine is theirs for mine, theirs in zip(buffers, back.buffers, strict=True))


@given(json_dicts, identities)
def test_frames_may_be_views(content: dict[str, Any], idents: list[bytes]) -> None:
    """Received frames may be memoryviews, as a receive without copying gives them."""
    frames = Session(KEY).serialize(Session(KEY).message("x", content, idents=idents))
    back = Session(KEY).deserialize([memoryview(frame) for frame in frames])
    assert back.check().content == content
    assert [bytes(ident) for ident in back.idents] == idents


def test_layout() -> None:
    """The frames have the order that the specification gives them."""
    session = Session(KEY)
    parent = session.message("p")
    message = session.message(
        "m", {"c": 1}, parent=parent, metadata={"m": 2}, idents=[b"i", b"j"], buffers=[b"raw"]
    )
    frames = session.serialize(message)
    assert frames[:3] == [b"i", b"j", DELIMITER]
    assert frames[3] == session.sign(frames[4:8])
    assert [json.loads(part) for part in frames[4:8]] == [
        message.header,
        parent.header,
        {"m": 2},
        {"c": 1},
    ]
    assert frames[8:] == [b"raw"]


def test_header_fields() -> None:
    """A header has exactly the six fields of the specification."""
    session = Session(session="s", username="u", new_id=lambda: "i", now=lambda: "d")
    assert session.message("status").header == {
        "msg_id": "i",
        "msg_type": "status",
        "username": "u",
        "session": "s",
        "date": "d",
        "version": "5.6",
    }


def test_names_of_a_message() -> None:
    """A message gives its id, type and session from the header."""
    message = Session(session="s", new_id=lambda: "i").message("status")
    assert (message.msg_id, message.msg_type, message.session) == ("i", "status", "s")


@pytest.mark.rule("R-WIRE-7")
def test_buffers_are_not_signed() -> None:
    """A changed buffer leaves the signature valid, because buffers are not part of it."""
    frames = Session(KEY).serialize(Session(KEY).message("x", buffers=[b"one"]))
    frames[-1] = b"two"
    assert Session(KEY).deserialize(frames).buffers == [b"two"]


@pytest.mark.parametrize(
    ("buffer", "error"),
    [(memoryview(b"abcdef")[::2], ValueError), ("text", TypeError), (3, TypeError)],
)
def test_buffer_that_is_not_contiguous_bytes(buffer: Any, error: type[Exception]) -> None:
    """A buffer that a socket could not send is refused before anything is sent."""
    session = Session()
    with pytest.raises(error):
        session.serialize(session.message("x", buffers=[buffer]))


@pytest.mark.rule("R-WIRE-1")
def test_parent_header_bytes_pass_through() -> None:
    """The parent header of an answer is the very bytes that came, whatever their form."""
    odd = b'{ "msg_id" : "1",  "msg_type":"x", "session": "s", "extra": "\\u00e9" }'
    counter = Counter()
    kernel = Session(KEY, codec=(pack_json, counter))
    request = kernel.deserialize(frames_of(odd, b"{}", b"{}", b"{}", key=KEY))
    frames = kernel.serialize(kernel.message("y", parent=request))
    assert frames[3] is odd
    assert counter.decoded == []


def test_parent_of_an_unsent_message() -> None:
    """A parent that was never serialized passes on its header as a dict."""
    session = Session()
    parent = session.message("x")
    child = session.message("y", parent=parent)
    assert child.parent_header == parent.header


# --- dates and ids ------------------------------------------------------------------------------


@pytest.mark.rule("R-MSG-1")
def test_date_is_utc_with_zone() -> None:
    """The date of a header is ISO 8601 in UTC, with its zone, and the present."""
    text = Session().message("x").header["date"]
    moment = datetime.fromisoformat(text)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", text)
    assert moment.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)


def test_ids_are_unique_across_threads() -> None:
    """Threads that share a session never make the same id."""
    session = Session()
    with ThreadPoolExecutor(8) as pool:
        ids = [
            msg_id
            for many in pool.map(
                lambda _: [session.message("x").msg_id for _ in range(500)], range(8)
            )
            for msg_id in many
        ]
    assert len(set(ids)) == len(ids) == 4000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_ids_are_unique_after_fork() -> None:
    """A forked child makes other ids than its parent goes on to make."""
    script = (
        "import os, sys; from refimpl.wire import Session; s = Session(); s.message('x')\n"
        "child = os.fork()\n"
        "if child: os.waitpid(child, 0)\n"
        "sys.stdout.write(s.message('x').msg_id + '\\n'); sys.stdout.flush(); os._exit(0)"
    )
    root = Path(wire.__file__).parent.parent
    printed = subprocess.check_output([sys.executable, "-c", script], cwd=root, timeout=60)
    ids = printed.split()
    assert len(ids) == len(set(ids)) == 2


def test_sessions_differ() -> None:
    """Two sessions have different names."""
    assert Session().session != Session().session


@pytest.mark.parametrize(
    ("env", "username"),
    [({"USER": "ada"}, "ada"), ({"USERNAME": "bob"}, "bob"), ({}, "user")],
)
def test_username(monkeypatch: pytest.MonkeyPatch, env: dict[str, str], username: str) -> None:
    """The user's name comes from the environment, and there always is one."""
    for name in ("USER", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert Session().username == username


# --- signatures ---------------------------------------------------------------------------------


@pytest.mark.parametrize("digest", DIGESTS)
@pytest.mark.rule("R-WIRE-1")
def test_signature_by_independent_computation(digest: str) -> None:
    """The signature is the HMAC of the four parts, one after the other, in hex digits."""
    session = Session(KEY, f"hmac-{digest}")
    frames = session.serialize(session.message("x", {"a": "é"}, buffers=[b"not signed"]))
    expected = hmac.new(KEY, b"".join(frames[2:6]), digest).hexdigest()
    assert frames[1] == expected.encode()
    assert Session(KEY, f"hmac-{digest}").deserialize(frames).content == {"a": "é"}


@pytest.mark.parametrize("digest", [name for name in DIGESTS if hasattr(hashlib, name)])
def test_signature_for_jupyter_client(digest: str) -> None:
    """With every scheme that jupyter_client knows, each side reads what the other writes."""
    scheme = f"hmac-{digest}"
    ours, theirs = Session(KEY, scheme), JupyterSession(key=KEY, signature_scheme=scheme)
    content = {"text": "é😀", "n": 1.5}

    sent = ours.serialize(ours.message("x", content, idents=[b"i"], buffers=[b"raw"]))
    idents, rest = theirs.feed_identities(sent, copy=True)
    read = theirs.deserialize(rest, copy=True)
    assert (idents, read["content"], bytes(read["buffers"][0])) == ([b"i"], content, b"raw")
    assert read["header"]["date"].utcoffset() == timedelta(0)

    frames = theirs.serialize(theirs.msg("y", content, metadata={"m": 1}), ident=b"j")
    back = ours.deserialize([*frames, b"raw"]).check()
    assert (back.idents, back.msg_type, back.content) == ([b"j"], "y", content)
    assert (back.metadata, back.buffers) == ({"m": 1}, [b"raw"])


@pytest.mark.parametrize(
    "scheme",
    [
        "",
        "sha256",
        "hmac",
        "hmac-",
        "hmac-nosuch",
        "HMAC-sha256",
        "md5-sha1",
        "hmac-a\0b",
        "hmac-\ud800",
    ]
    + [f"hmac-{name}" for name in sorted(hashlib.algorithms_available) if name.startswith("shake")],
)
def test_unusable_scheme(scheme: str) -> None:
    """A scheme that is unknown, or a digest without a size, is a ValueError that names it."""
    with pytest.raises(ValueError, match=r"signature_scheme: expected hmac-.*got") as caught:
        Session(KEY, scheme)
    assert repr(scheme) in str(caught.value)


@pytest.mark.rule("R-WIRE-2")
def test_empty_key() -> None:
    """Without a key, nothing is signed, no signature is asked for, and nothing is a replay."""
    session = Session(b"", "hmac-nosuch")
    frames = session.serialize(session.message("x"))
    assert frames[1] == b""
    assert session.sign([b"{}"]) == b""
    assert session.deserialize(frames).msg_type == "x"
    assert session.deserialize(frames).msg_type == "x"
    frames[1] = b"whatever"
    assert session.deserialize(frames).msg_type == "x"


@pytest.mark.parametrize("index", range(5))
@pytest.mark.rule("R-WIRE-11")
def test_changed_frame(index: int) -> None:
    """A message of which the signature or any part was changed is refused."""
    frames = Session(KEY).serialize(Session(KEY).message("x", {"a": 1}, metadata={"b": 2}))
    frames[1 + index] += b" "
    with pytest.raises(InvalidSignature, match="does not fit"):
        Session(KEY).deserialize(frames)


@pytest.mark.parametrize("signature", [b"0" * 64, b"\xff\xfe", b"x", "é".encode()])
def test_wrong_signature(signature: bytes) -> None:
    """A signature that is no HMAC of the parts is refused, whatever bytes it has."""
    frames = Session(KEY).serialize(Session(KEY).message("x"))
    frames[1] = signature
    with pytest.raises(InvalidSignature) as caught:
        Session(KEY).deserialize(frames)
    assert type(caught.value) is InvalidSignature


def test_other_key() -> None:
    """What was signed with another key is refused."""
    with pytest.raises(InvalidSignature):
        Session(KEY).deserialize(Session(b"other").serialize(Session(b"other").message("x")))


@pytest.mark.rule("R-WIRE-11")
def test_unsigned() -> None:
    """A session with a key refuses a message without a signature by an error of its own."""
    frames = Session().serialize(Session().message("x"))
    with pytest.raises(UnsignedMessage, match="expected a signature"):
        Session(KEY).deserialize(frames)


@pytest.mark.rule("R-WIRE-3")
def test_comparison_takes_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signatures are compared by hmac.compare_digest and by nothing else."""
    seen = []

    def compare(one: bytes, two: bytes) -> bool:
        seen.append((one, two))
        return True  # what decides is this answer alone

    frames = Session(KEY).serialize(Session(KEY).message("x"))
    good, frames[1] = frames[1], b"0" * 64
    monkeypatch.setattr(hmac, "compare_digest", compare)
    Session(KEY).deserialize(frames)
    assert seen == [(b"0" * 64, good)]


# --- replay -------------------------------------------------------------------------------------


def signed_frames(count: int) -> list[list[Any]]:
    """Make frames of several messages."""
    sender = Session(KEY)
    return [sender.serialize(sender.message("x")) for _ in range(count)]


@pytest.mark.rule("R-WIRE-4")
def test_replay() -> None:
    """A message is accepted once."""
    (frames,) = signed_frames(1)
    receiver = Session(KEY)
    receiver.deserialize(frames)
    with pytest.raises(ReplayedMessage, match=frames[1][:16].decode()):
        receiver.deserialize(frames)


def test_refused_message_is_no_replay() -> None:
    """A message that was refused for its signature leaves the good one acceptable."""
    (frames,) = signed_frames(1)
    receiver = Session(KEY)
    with pytest.raises(InvalidSignature):
        receiver.deserialize([*frames[:-1], b'{"changed":1}'])
    assert receiver.deserialize(frames).msg_type == "x"


def test_replay_memory_at_its_limit() -> None:
    """The memory holds as many signatures as it was told, and forgets the oldest first."""
    first, second, third, fourth = signed_frames(4)
    receiver = Session(KEY, replay_memory=3)
    for frames in (first, second, third):
        receiver.deserialize(frames)
    for frames in (first, second, third):
        with pytest.raises(ReplayedMessage):
            receiver.deserialize(frames)
    receiver.deserialize(fourth)
    for frames in (second, third, fourth):
        with pytest.raises(ReplayedMessage):
            receiver.deserialize(frames)
    receiver.deserialize(first)  # forgotten


def test_replay_memory_is_bounded() -> None:
    """However many messages come, what is remembered does not grow beyond the limit."""
    receiver = Session(KEY, replay_memory=10)
    for frames in signed_frames(100):
        receiver.deserialize(frames)
    remembered = [value for value in vars(receiver).values() if hasattr(value, "__len__")]
    assert max(len(value) for value in remembered if not isinstance(value, str)) <= 10


def test_no_replay_memory() -> None:
    """A memory of zero remembers nothing."""
    (frames,) = signed_frames(1)
    receiver = Session(KEY, replay_memory=0)
    assert receiver.deserialize(frames).msg_id == receiver.deserialize(frames).msg_id


def test_one_replay_in_two_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two threads that receive the same message at the same moment, exactly one accepts it."""
    barrier = threading.Barrier(2, timeout=30)
    compare = hmac.compare_digest

    def meet(one: bytes, two: bytes) -> bool:
        barrier.wait()  # both have passed every check before the memory is asked
        return compare(one, two)

    monkeypatch.setattr(hmac, "compare_digest", meet)
    receiver = Session(KEY)

    def accept(frames: list[Any]) -> bool:
        try:
            receiver.deserialize(frames)
        except ReplayedMessage:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        for frames in signed_frames(50):
            assert sorted(pool.map(accept, [frames, frames])) == [False, True]


# --- the errors ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "parent"),
    [
        (MalformedMessage, ProtocolError),
        (BadFrames, MalformedMessage),
        (BadPart, MalformedMessage),
        (NotADict, MalformedMessage),
        (TooDeep, MalformedMessage),
        (TooLarge, MalformedMessage),
        (BadHeader, MalformedMessage),
        (InvalidSignature, ProtocolError),
        (UnsignedMessage, InvalidSignature),
        (ReplayedMessage, InvalidSignature),
        (InvalidContent, ProtocolError),
        (ConnectionFileError, ValueError),
    ],
)
def test_error_tree(error: type[Exception], parent: type[Exception]) -> None:
    """Each error has the place in the tree that the module's text gives it."""
    assert error.__base__ is parent


@pytest.mark.parametrize(
    ("frames", "text"),
    [
        ([], "no delimiter <IDS|MSG> in 0 frames"),
        ([b""], "no delimiter <IDS|MSG> in 1 frames"),
        ([b"a", b"<ids|msg>", b""], "no delimiter <IDS|MSG> in 3 frames"),
        ([DELIMITER], "4 parts after the delimiter, got 0 frames"),
        ([b"i", DELIMITER, b"", b"{}", b"{}", b"{}"], "4 parts after the delimiter, got 4 frames"),
    ],
)
def test_bad_frames(frames: list[bytes], text: str) -> None:
    """Frames without a delimiter, or with too few parts, are named as such."""
    with pytest.raises(BadFrames) as caught:
        Session(KEY).deserialize(frames)
    assert text in str(caught.value)


@given(st.lists(st.binary(max_size=20) | st.just(DELIMITER) | st.just(b"{}"), max_size=9))
def test_any_frames(frames: list[bytes]) -> None:
    """Whatever frames come, the outcome is a message or a ProtocolError."""
    try:
        message = Session().deserialize(frames).check()
    except ProtocolError:
        return
    assert message.msg_type is not None


@given(st.binary(max_size=60), st.sampled_from(sorted(CODECS)))
def test_any_part(part: bytes, codec: str) -> None:
    """Whatever bytes a part has, the outcome in each codec is a dict or a MalformedMessage."""
    try:
        value: Any = decode_part(part, "content", find_codec(codec)[1])
    except MalformedMessage as error:
        value = error
    assert type(value) is dict or str(value).startswith("content: ")


def test_the_first_delimiter_counts() -> None:
    """A buffer may hold the delimiter: the first one ends the identities."""
    split_frames = split([DELIMITER, b"", b"1", b"2", b"3", b"4", DELIMITER])
    assert split_frames == ([], b"", [b"1", b"2", b"3", b"4"], [DELIMITER])


@pytest.mark.parametrize("index", range(4))
@pytest.mark.parametrize(
    ("part", "error", "text"),
    [
        (b"\xff{}", BadPart, "expected UTF-8, got invalid start byte at byte 0"),
        (b'{"a":"\xc3"}', BadPart, "expected UTF-8, got invalid continuation byte at byte 6"),
        (b'{"a":"\xed\xa0\x80"}', BadPart, "expected UTF-8"),
        (b"", BadPart, ""),
        (b"{", BadPart, ""),
        (b"{}{}", BadPart, ""),
        (b"{'a':1}", BadPart, ""),
        (b"\xef\xbb\xbf{}", BadPart, ""),
        (b'{"a":' + b"1" * 5000 + b"}", BadPart, ""),
        (b"[1]", NotADict, "expected an object, got list"),
        (b"null", NotADict, "expected an object, got NoneType"),
        (b'"text"', NotADict, "expected an object, got str"),
        (b"1", NotADict, "expected an object, got int"),
        (b"[" * 20 + b"]" * 20, NotADict, "expected an object, got list"),
        (b'{"a":' * 450 + b"1" + b"}" * 450, TooDeep, f"expected at most {MAX_DEPTH} levels"),
    ],
)
def test_bad_part(index: int, part: bytes, error: type[ProtocolError], text: str) -> None:
    """A part that is no object of the codec is refused by an error that names the part."""
    parts = [json.dumps(header()).encode(), b"{}", b"{}", b"{}"]
    parts[index] = part
    message = Session(KEY).deserialize(frames_of(*parts, key=KEY))
    with pytest.raises(error) as caught:
        message.check()
    name = wire.PARTS[index]
    assert type(caught.value) is error
    assert str(caught.value).startswith(f"{name}: {text}".rstrip())
    assert len(str(caught.value)) > len(name) + 3  # there is a reason behind the name


def test_errors_do_not_repeat_what_came() -> None:
    """The text of an error stays short when the part is long."""
    part = b'{"a": ' + b"x" * 100_000
    with pytest.raises(BadPart) as caught:
        decode_part(part, "content")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("key", ["msg_id", "msg_type", "session"])
@pytest.mark.parametrize(
    ("value", "found"), [(None, "nothing"), (1, "int"), ([], "list"), (False, "bool")]
)
def test_bad_header(key: str, value: Any, found: str) -> None:
    """A header without one of its names, or with one of the wrong type, is refused by name."""
    part = json.dumps(header(**{key: value})).encode()
    message = Session().deserialize(frames_of(part, b"{}", b"{}", b"{}"))
    with pytest.raises(BadHeader) as caught:
        message.check()
    assert str(caught.value) == f"header: {key}: expected str, got {found}"
    with pytest.raises(BadHeader):
        getattr(message, key)


def test_null_in_header() -> None:
    """A name that is null in the header is told apart from one that is missing."""
    part = json.dumps({**header(), "msg_id": None}).encode()
    with pytest.raises(BadHeader, match="msg_id: expected str, got NoneType"):
        Session().deserialize(frames_of(part, b"{}", b"{}", b"{}")).check()


def test_check_returns_the_message() -> None:
    """A message that can be read comes back from its check."""
    message = Session().message("x")
    assert message.check() is message


@pytest.mark.parametrize("size", [0, 1, 1000])
def test_too_large(size: int) -> None:
    """The four parts together may have max_size bytes, and not one more."""
    parts = (json.dumps(header()).encode(), b"{}", b"{}", b'{"x":"' + b"y" * size + b'"}')
    total = sum(map(len, parts))
    frames = [*frames_of(*parts, key=KEY), b"buffers are not counted" * 100]
    assert Session(KEY, max_size=total).deserialize(frames).content == {"x": "y" * size}
    with pytest.raises(TooLarge, match=f"at most {total - 1} bytes in the four parts, got {total}"):
        Session(KEY, max_size=total - 1).deserialize(frames)


def test_size_is_checked_before_the_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger cannot make us compute the digest of something huge."""
    monkeypatch.setattr(Session, "sign", lambda *_: pytest.fail("the signature was computed"))
    with pytest.raises(TooLarge):
        Session(KEY, max_size=10).deserialize([DELIMITER, b"0" * 64, b"x" * 11, b"", b"", b""])


def nested(depth: int, codec: str) -> bytes:
    """Write a part whose dicts and lists nest to this depth, without a codec's help."""
    if codec == "msgpack":
        return b"\x81\xa1v" + b"\x91" * (depth - 2) + b"\x90"
    return b'{"v":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


@pytest.mark.parametrize("codec", CODECS)
def test_deepest_allowed(codec: str) -> None:
    """A part that nests exactly to the limit is read."""
    value = decode_part(nested(MAX_DEPTH, codec), "content", find_codec(codec)[1])
    depth = 0
    while value:
        value = next(iter(value.values())) if isinstance(value, dict) else value[0]
        depth += 1
    assert depth + 1 == MAX_DEPTH


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 1000, 1500, 5000, 100_000])
def test_too_deep(codec: str, depth: int) -> None:
    """In every codec, a part that nests deeper is TooDeep, however deep it is."""
    with pytest.raises(TooDeep, match=f"^content: expected at most {MAX_DEPTH} levels"):
        decode_part(nested(depth, codec), "content", find_codec(codec)[1])


def test_depth_of_dicts_in_lists() -> None:
    """Dicts and lists count alike, and width does not count."""
    wide = {"a": [{"b": [i]} for i in range(1000)]}
    assert decode_part(pack_json(wide), "content") == wide
    pairs = MAX_DEPTH // 2 + 1
    deep = b'{"a":[' * pairs + b"]}" * pairs
    with pytest.raises(TooDeep):
        decode_part(deep, "content")


@pytest.mark.parametrize("part", range(4))
def test_repr_of_a_malformed_message(part: int) -> None:
    """A message that cannot be read can still be shown in a log or a debugger."""
    parts = [b"{}", b"{}", b"{}", b"{}"]
    parts[part] = b"["
    assert "Message" in repr(Session().deserialize(frames_of(*parts)))


def test_repr_of_a_message() -> None:
    """A message is shown with its type, its content and the number of its buffers."""
    text = repr(Session().message("status", {"execution_state": "busy"}, buffers=[b"1", b"2"]))
    assert "status" in text
    assert "busy" in text
    assert "buffers=2" in text


# --- lazily decoded -----------------------------------------------------------------------------


def test_content_is_decoded_when_read() -> None:
    """Reading the header never decodes the content, and each part is decoded once."""
    counter = Counter()
    sender, receiver = Session(KEY), Session(KEY, codec=(pack_json, counter))
    message = receiver.deserialize(
        sender.serialize(sender.message("x", {"c": 1}, metadata={"m": 1}))
    )
    assert counter.decoded == []
    assert (message.msg_type, message.session) == ("x", sender.session)
    assert counter.decoded == [message.parts[0]]
    assert message.content == {"c": 1}
    assert message.content is message.content
    assert counter.decoded == [message.parts[0], message.parts[3]]


def test_broken_content_behind_a_good_header() -> None:
    """A header can be read although the content cannot."""
    part = json.dumps(header(msg_type="x")).encode()
    message = Session().deserialize(frames_of(part, b"{}", b"{}", b"not JSON"))
    assert message.msg_type == "x"
    with pytest.raises(BadPart, match=r"^content"):
        _ = message.content


def test_relay() -> None:
    """A relay changes identities and signature, and passes on parts and buffers untouched."""
    front_end, kernel = Session(b"key of one side"), Session(b"key of the other side")
    counter = Counter()
    relay_in = Session(b"key of one side", codec=(pack_json, counter))
    relay_out = Session(b"key of the other side", codec=(pack_json, counter))
    frames = front_end.serialize(
        front_end.message("x", {"c": 1}, metadata={"m": 2}, buffers=[b"raw"], idents=[b"from"])
    )
    message = relay_in.deserialize(frames)
    message.idents = [b"to", *message.idents]
    passed = relay_out.serialize(message)
    assert counter.decoded == []
    assert all(ours is theirs for ours, theirs in zip(passed[4:], frames[3:], strict=True))
    back = kernel.deserialize(passed)
    assert (back.idents, back.content, back.metadata) == ([b"to", b"from"], {"c": 1}, {"m": 2})


# --- codecs -------------------------------------------------------------------------------------


def test_codec_as_a_pair() -> None:
    """Any pair of callables serves as codec."""

    def pack(value: dict[str, Any]) -> bytes:
        return repr(value).encode()

    def unpack(part: wire.Frame) -> Any:
        return eval(bytes(part))

    sender, receiver = Session(KEY, codec=(pack, unpack)), Session(KEY, codec=(pack, unpack))
    frames = sender.serialize(sender.message("x", {"a": (1, 2j)}))
    assert frames[5] == b"{'a': (1, 2j)}"
    assert receiver.deserialize(frames).check().content == {"a": (1, 2j)}


def test_failing_pair() -> None:
    """Whatever a foreign `unpack` raises, the peer gets the blame by name."""

    def unpack(part: wire.Frame) -> Any:
        raise ArithmeticError("odd")

    message = Session(codec=(pack_json, unpack)).deserialize(frames_of(b"", b"", b"", b""))
    with pytest.raises(BadPart, match=r"^header: odd$"):
        _ = message.header


@pytest.mark.parametrize("name", ["", "JSON", "pickle"])
def test_unknown_codec(name: str) -> None:
    """An unknown codec is a ValueError that names it and those there are."""
    with pytest.raises(ValueError, match="codec: expected one of json, orjson, msgpack") as caught:
        Session(codec=name)
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize("name", ["orjson", "msgpack"])
def test_missing_package(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A codec whose package is not installed is a ValueError that names the package."""
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ValueError, match=f"codec '{name}' needs the package {name}"):
        Session(codec=name)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (date(2024, 2, 29), "2024-02-29"),
        (datetime(2024, 2, 29, 12, 0, 0, 5), "2024-02-29T12:00:00.000005"),
        (np.int64(-3), -3),
        (np.uint8(200), 200),
        (np.float64(0.5), 0.5),
        (np.float32(0.5), 0.5),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.array(3), 3),
        (np.array([]), []),
        (np.array(["a", "b"]), ["a", "b"]),
        ({1}, [1]),
        (frozenset(), []),
        ((1, (2,)), [1, [2]]),
        (range(3), [0, 1, 2]),
        ({"a": 1}.keys(), ["a"]),
        (MappingProxyType({"a": 1}), {"a": 1}),
    ],
)
@pytest.mark.rule("R-WIRE-9")
def test_values_beyond_json(codec: str, value: Any, expected: Any) -> None:
    """Dates, numbers and collections of Python and of numpy get their natural form."""
    pack, unpack = find_codec(codec)
    assert unpack(pack({"v": value})) == {"v": expected}


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("value", [True, False])
def test_numpy_truth(codec: str, value: bool) -> None:
    """A truth value of numpy is a truth value, not a number."""
    pack, unpack = find_codec(codec)
    assert unpack(pack({"v": np.bool_(value)}))["v"] is value


@pytest.mark.parametrize("codec", CODECS)
def test_date_with_zone(codec: str) -> None:
    """A date with a zone keeps its moment."""
    pack, unpack = find_codec(codec)
    moment = datetime(2024, 2, 29, 12, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert datetime.fromisoformat(unpack(pack({"v": moment}))["v"]) == moment


@pytest.mark.parametrize("codec", ["json", "orjson"])
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_in_json(codec: str, kind: Callable[[bytes], Any]) -> None:
    """Bytes travel as base64, on one line, as binary MIME data does."""
    pack, unpack = find_codec(codec)
    raw = bytes(range(256))
    assert unpack(pack({"v": kind(raw)})) == {"v": base64.b64encode(raw).decode()}


def test_bytes_in_msgpack() -> None:
    """Msgpack has bytes of its own."""
    pack, unpack = find_codec("msgpack")
    assert unpack(pack({"v": b"\xff"})) == {"v": b"\xff"}


@pytest.mark.parametrize("codec", ["json", "orjson"])
@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        [1, (math.nan, {"a": math.nan})],
        np.float64(math.nan),
        np.float32(math.inf),
        [np.float32(math.nan), 1],
        np.array([1.5, math.nan]),
        {"a": np.array([[math.inf]])},
        {math.nan, 1.0},
    ],
    ids=repr,
)
@pytest.mark.rule("R-WIRE-9")
def test_nan(codec: str, value: Any) -> None:
    """What JSON cannot write becomes null, wherever it stands: other readers would choke on NaN."""

    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is not JSON")

    part = find_codec(codec)[0]({"v": value})
    assert b"null" in part
    json.loads(part, parse_constant=refuse)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("text", ["\ud800", "a\udfff", "\ude00\ud83d"])
def test_lone_surrogates(codec: str, text: str) -> None:
    """Half a character, in a key or a value, spoils nothing else in the message."""
    pack, unpack = find_codec(codec)
    part = pack({"v": text, text: 1, "other": "é"})
    back = unpack(part)
    assert back["other"] == "é"
    assert len(back) == 3
    back["v"].encode("utf-8")


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("value", [2**53 + 1, 2**63, 2**64, -(2**64), 10**300])
def test_large_integers(codec: str, value: int) -> None:
    """An integer of any size is packed, or refused as serialize says: no other error."""
    pack, unpack = find_codec(codec)
    try:
        part = pack({"v": value})
    except (TypeError, ValueError):
        return
    assert unpack(part)["v"] == pytest.approx(value)


@pytest.mark.parametrize("codec", ["json", "orjson"])
@pytest.mark.parametrize(
    ("key", "expected"), [(1, "1"), (None, "null"), (True, "true"), (1.5, "1.5")]
)
def test_keys_become_text(codec: str, key: Any, expected: str) -> None:
    """Keys of dicts become text as JSON has it."""
    pack, unpack = find_codec(codec)
    assert unpack(pack({"v": {key: 0}})) == {"v": {expected: 0}}


@pytest.mark.parametrize("codec", ["json", "orjson"])
@pytest.mark.parametrize("key", [(1, 2), b"raw", frozenset()])
def test_keys_that_have_no_text(codec: str, key: Any) -> None:
    """A key that JSON cannot write is the sender's TypeError."""
    with pytest.raises(TypeError):
        find_codec(codec)[0]({"v": {key: 0}})


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("key", [1, None, True, 1.5, math.nan, b"raw"])
def test_no_codec_writes_what_it_cannot_read(codec: str, key: Any) -> None:
    """A key that the peer's codec would refuse is refused here, where the mistake was made."""
    pack, unpack = find_codec(codec)
    try:
        part = pack({"v": {key: 0}})
    except (TypeError, ValueError):
        return
    assert list(decode_part(part, "content", unpack)) == ["v"]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("value", [object(), 1j, len, Path("x"), int])
def test_values_without_form(codec: str, value: Any) -> None:
    """What has no form in the codec is a TypeError that names the type."""
    with pytest.raises(TypeError, match=type(value).__name__):
        find_codec(codec)[0]({"v": [value]})


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("kind", ["dict", "list", "iterable"])
def test_circular_references(codec: str, kind: str) -> None:
    """A value that contains itself is a ValueError, not an endless loop."""

    class Itself:
        def __iter__(self) -> Any:
            return iter([self])

    value: Any
    if kind == "dict":
        value = {}
        value["self"] = value
    elif kind == "list":
        value = []
        value.append(value)
    else:
        value = Itself()
    with pytest.raises(ValueError, match=r".+"):
        find_codec(codec)[0]({"v": value})


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("depth", [5000, 100_000])
def test_packing_what_nests_too_deep(codec: str, depth: int) -> None:
    """A value that nests beyond what can be written is a ValueError, as `serialize` promises."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    with pytest.raises(ValueError, match=r".+"):
        find_codec(codec)[0]({"v": value})


def test_codecs_are_json() -> None:
    """What orjson writes, json reads, and the reverse: the two are one format on the wire."""
    value = {"text": "é\u2028😀", "n": [1, -0.5, None, True, 1e300], "": {}}
    (pack, unpack), (fast_pack, fast_unpack) = find_codec("json"), find_codec("orjson")
    assert unpack(fast_pack(value)) == fast_unpack(pack(value)) == value


# --- connection files ---------------------------------------------------------------------------

INFO = {
    "transport": "tcp",
    "ip": "127.0.0.1",
    "shell_port": 1,
    "iopub_port": 2,
    "stdin_port": 3,
    "control_port": 4,
    "hb_port": 65535,
    "key": "the secret",
    "signature_scheme": "hmac-sha256",
}
PUBLIC, SECRET = (key.decode() for key in zmq.curve_keypair())

infos = st.fixed_dictionaries(
    {
        "transport": st.sampled_from(["tcp", "ipc"]),
        "ip": st.text(min_size=1),
        **{f"{channel.name}_port": st.integers(0, 65535) for channel in CHANNELS},
        "key": st.text(),
        "signature_scheme": st.sampled_from(["hmac-sha256", "hmac-md5"]),
    },
    optional={"kernel_name": st.text(min_size=1)},
)
extras = st.dictionaries(st.text() | st.just("extra"), json_values, max_size=3)


@given(infos, extras)
def test_connection_round_trip(info: dict[str, Any], extra: dict[str, Any]) -> None:
    """A connection gives back what it was made from, with the fields that we do not know."""
    whole = {**{k: v for k, v in extra.items() if not hasattr(Connection, k)}, **info}
    connection = Connection.from_dict(whole)
    assert connection.to_dict() == whole
    assert Connection.from_dict(connection.to_dict()) == connection


def test_connection_with_optional_fields() -> None:
    """Optional fields that are null or empty count as absent."""
    connection = Connection.from_dict(
        {**INFO, "kernel_name": None, "curve_publickey": "", "curve_secretkey": None}
    )
    assert connection == Connection.from_dict(INFO)
    assert connection.to_dict() == INFO


@pytest.mark.parametrize("name", [*INFO, "kernel_name", "curve_publickey", "curve_secretkey"])
@pytest.mark.parametrize("value", [1.5, True, ["TOPSECRET"], {"TOPSECRET": 1}, b"TOPSECRET"])
def test_field_of_the_wrong_type(name: str, value: Any) -> None:
    """A field of the wrong type is refused by name; what was in it may be a secret."""
    with pytest.raises(ConnectionFileError) as caught:
        Connection.from_dict({**INFO, name: value})
    assert str(caught.value).startswith(f"{name}: expected ")
    if name in ("key", "curve_secretkey"):
        assert "TOPSECRET" not in str(caught.value)


@pytest.mark.parametrize("name", ["key", "curve_secretkey"])
def test_number_as_secret(name: str) -> None:
    """A key that was written as a number is a secret all the same."""
    with pytest.raises(ConnectionFileError) as caught:
        Connection.from_dict({**INFO, name: 8675309})
    assert "8675309" not in str(caught.value)


@pytest.mark.parametrize("name", INFO)
def test_missing_field(name: str) -> None:
    """A required field that is absent is named."""
    with pytest.raises(ConnectionFileError, match=f"^{name}: expected .*, got nothing$"):
        Connection.from_dict({k: v for k, v in INFO.items() if k != name})


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"transport": "udp"}, "transport: expected tcp or ipc, got 'udp'"),
        ({"ip": ""}, "ip: expected an address, got an empty string"),
        ({"shell_port": -1}, "shell_port: expected 0 to 65535, got -1"),
        ({"hb_port": 65536}, "hb_port: expected 0 to 65535, got 65536"),
        ({"iopub_port": "2"}, "iopub_port: expected an integer, got str"),
        ({"stdin_port": None}, "stdin_port: expected an integer, got NoneType"),
        ({"signature_scheme": "md5"}, "signature_scheme: expected hmac-"),
        ({"signature_scheme": "hmac-shake_128"}, "signature_scheme: expected hmac-"),
        ({"curve_publickey": PUBLIC}, "curve_secretkey: expected a key beside curve_publickey"),
        ({"curve_secretkey": SECRET}, "curve_publickey: expected a key beside curve_secretkey"),
        (
            {"curve_publickey": PUBLIC, "curve_secretkey": SECRET[:-1]},
            "curve_secretkey: expected 40 characters of Z85",
        ),
        (
            {"curve_publickey": PUBLIC[:-1] + "~", "curve_secretkey": SECRET},
            "curve_publickey: expected 40 characters of Z85",
        ),
        (
            {"curve_publickey": PUBLIC + "\n", "curve_secretkey": SECRET},
            "curve_publickey: expected 40 characters of Z85",
        ),
    ],
)
def test_unusable_field(change: dict[str, Any], text: str) -> None:
    """A field with an unusable value is refused by an error that says what was expected."""
    with pytest.raises(ConnectionFileError) as caught:
        Connection.from_dict({**INFO, **change})
    assert str(caught.value).startswith(text)


def test_secrets_stay_secret() -> None:
    """The keys appear neither in the repr of a connection nor in the text of an error."""
    info = {**INFO, "curve_publickey": PUBLIC, "curve_secretkey": SECRET, "token": "also secret"}
    connection = Connection.from_dict(info)
    for secret in (INFO["key"], SECRET, "also secret"):
        assert str(secret) not in repr(connection)
        assert str(secret) not in str(connection)
    for change in ({"ip": ""}, {"shell_port": "x"}, {"curve_secretkey": SECRET + "0"}):
        with pytest.raises(ConnectionFileError) as caught:
            Connection.from_dict({**info, **change})
        assert str(INFO["key"]) not in str(caught.value)
        assert SECRET not in str(caught.value)


def test_key_is_not_in_the_repr_of_a_session() -> None:
    """A session, too, keeps its key to itself."""
    assert "the secret" not in repr(Connection.from_dict(INFO).new_session())


def test_curve_keys() -> None:
    """A pair of CURVE keys is kept and written back."""
    info = {**INFO, "curve_publickey": PUBLIC, "curve_secretkey": SECRET}
    connection = Connection.from_dict(info)
    assert (connection.curve_publickey, connection.curve_secretkey) == (PUBLIC, SECRET)
    assert connection.to_dict() == info


@pytest.mark.parametrize(
    ("change", "channel", "url"),
    [
        ({}, "shell", "tcp://127.0.0.1:1"),
        ({}, "iopub", "tcp://127.0.0.1:2"),
        ({}, "stdin", "tcp://127.0.0.1:3"),
        ({}, "control", "tcp://127.0.0.1:4"),
        ({}, "hb", "tcp://127.0.0.1:65535"),
        ({"ip": "::1"}, "shell", "tcp://[::1]:1"),
        ({"ip": "fe80::1%eth0"}, "shell", "tcp://[fe80::1%eth0]:1"),
        ({"ip": "example.org"}, "shell", "tcp://example.org:1"),
        ({"transport": "ipc", "ip": "/tmp/k"}, "shell", "ipc:///tmp/k-1"),
        ({"transport": "ipc", "ip": "rel"}, "hb", "ipc://rel-65535"),
        ({"transport": "ipc", "ip": "/a:b"}, "control", "ipc:///a:b-4"),
    ],
)
@pytest.mark.rule("R-CONN-3")
def test_url(change: dict[str, Any], channel: str, url: str) -> None:
    """Each channel has the address that ZeroMQ takes."""
    assert Connection.from_dict({**INFO, **change}).url(channel) == url


def test_new_session() -> None:
    """The session of a connection signs with its key, as text in UTF-8, and its scheme."""
    connection = Connection.from_dict({**INFO, "key": "clé", "signature_scheme": "hmac-sha1"})
    session = connection.new_session(username="ada")
    expected = hmac.new("clé".encode(), b"part", "sha1").hexdigest().encode()
    assert session.sign([b"part"]) == expected
    assert session.username == "ada"


def test_write_and_read(tmp_path: Path) -> None:
    """A connection file that was written is read back."""
    connection = Connection.from_dict({**INFO, "kernel_name": "é", "other": [1]})
    connection.write(tmp_path / "c.json")
    assert Connection.read(tmp_path / "c.json") == connection
    assert Connection.read(str(tmp_path / "c.json")).extra == {"other": [1]}
    assert [path.name for path in tmp_path.iterdir()] == ["c.json"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
@pytest.mark.rule("R-CONN-2")
def test_file_is_for_its_owner(tmp_path: Path, umask: int) -> None:
    """A connection file is readable by its owner alone, even over one that everybody could read."""
    path = tmp_path / "c.json"
    path.write_text("{}")
    path.chmod(0o666)
    before = os.umask(umask)
    try:
        Connection.from_dict(INFO).write(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_file_is_written_at_one_stroke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file appears whole: until the last moment, the old one is there."""
    path = tmp_path / "c.json"
    path.write_text("old")
    moved = []
    replace = os.replace

    def spy(source: Any, target: Any) -> None:
        moved.append((path.read_text(), Connection.read(source), Path(target)))
        replace(source, target)

    monkeypatch.setattr(os, "replace", spy)
    Connection.from_dict(INFO).write(path)
    assert moved == [("old", Connection.from_dict(INFO), path)]
    assert json.loads(path.read_text()) == INFO


@pytest.mark.parametrize("culprit", ["replace", "content"])
def test_failed_write_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, culprit: str
) -> None:
    """When writing fails, the old file stays as it was and no other is left behind."""
    path = tmp_path / "c.json"
    path.write_text("old")
    connection = Connection.from_dict({**INFO, **({"x": object()} if culprit == "content" else {})})
    if culprit == "replace":

        def fail(source: Any, target: Any) -> None:
            raise OSError(28, "no space")

        monkeypatch.setattr(os, "replace", fail)
    with pytest.raises((OSError, TypeError)):
        connection.write(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff", "not UTF-8: invalid start byte at byte 0"),
        (b"[]", "expected an object, got list"),
        (b"null", "expected an object, got NoneType"),
        (b"{}", "transport: expected a string, got nothing"),
        (b'{"transport":' + b"1" * 5000 + b"}", ""),
        (b"[" * 100_000, ""),
    ],
    ids=["empty", "cut", "bytes", "list", "null", "fields", "digits", "deep"],
)
def test_unreadable_content(tmp_path: Path, content: bytes, text: str) -> None:
    """A file that is no connection file is refused by an error that names it."""
    path = tmp_path / "c.json"
    path.write_bytes(content)
    with pytest.raises(ConnectionFileError) as caught:
        Connection.read(path)
    assert str(caught.value).startswith(f"connection file {path}: {text}")
    assert "\n" not in str(caught.value)


def test_absent_file(tmp_path: Path) -> None:
    """A file that is not there is named, with the system's reason."""
    path = tmp_path / "none.json"
    with pytest.raises(ConnectionFileError, match="No such file") as caught:
        Connection.read(path)
    assert str(path) in str(caught.value)


def test_folder_as_file(tmp_path: Path) -> None:
    """A folder is no connection file."""
    with pytest.raises(ConnectionFileError) as caught:
        Connection.read(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_channels() -> None:
    """A kernel has the five sockets of the specification, in its order."""
    assert [(c.name, c.kernel_socket, c.client_socket) for c in CHANNELS] == [
        ("shell", "ROUTER", "DEALER"),
        ("iopub", "XPUB", "SUB"),
        ("stdin", "ROUTER", "DEALER"),
        ("control", "ROUTER", "DEALER"),
        ("hb", "ROUTER", "REQ"),
    ]


def test_message_from_dicts_alone() -> None:
    """A message may be made without a session, from dicts."""
    message = Message([b"i"], dicts=({"msg_type": "x"}, {}, {}, {"a": 1}))
    assert (message.idents, message.msg_type, message.content) == ([b"i"], "x", {"a": 1})
