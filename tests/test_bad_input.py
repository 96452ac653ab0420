"""What a hostile or broken peer may send, and connection files that cannot be used."""

import itertools
import json
import os
import random
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import zmq

from refimpl import kernel as refimpl_kernel
from refimpl.kernel import Field
from refimpl.wire import CHANNELS, DELIMITER, PARTS, PORTS, Connection, Message, Session

pytestmark = pytest.mark.off_catalogue("bad input is the subject")

TIMEOUT = 20.0
ROOT = Path(__file__).parent.parent
HEADER = {"msg_id": "1", "msg_type": "kernel_info_request", "session": "s", "username": "u"}
# The kernel under test is the starter, which has none of the optional features.
REQUESTS = {name: known for name, known in refimpl_kernel.REQUESTS.items() if not known.feature}
NUMBERS = itertools.count()  # no message is to be a replay of another one by accident


class Peer:
    """A peer of one kernel that sends whatever frames it likes, and hears what comes of it."""

    def __init__(self, connection: Connection, channel: str) -> None:
        """Connect to a channel and to iopub."""
        self.session = connection.new_session()
        self._context: Any = zmq.Context()
        self._context.linger = 0
        self._socket = self._context.socket(zmq.DEALER)
        self._iopub = self._context.socket(zmq.SUB)
        self._iopub.connect(connection.url("iopub"))
        self._iopub.subscribe(b"")
        self._receive(self._iopub)  # the welcome: from here on nothing is missed
        self._socket.connect(connection.url(channel))

    def close(self) -> None:
        """Disconnect."""
        self._context.destroy()

    def _receive(self, sock: Any) -> Message:
        assert sock.poll(TIMEOUT * 1000), f"nothing came within {TIMEOUT} s"
        return self.session.deserialize(sock.recv_multipart()).check()

    def send(self, frames: list[bytes]) -> None:
        """Send frames."""
        self._socket.send_multipart(frames)

    def ask(self) -> tuple[list[Message], list[Message]]:
        """Send a good request. Return all replies before its own, and all on iopub before it.

        Its own reply must be good, between busy and idle.
        """
        request = self.session.message("kernel_info_request")
        self.send(self.session.serialize(request))
        replies = self._until(self._socket, request, "kernel_info_reply")
        published = self._until(self._iopub, request, "status", "idle")
        assert replies.pop().content["status"] == "ok"
        mine = [m for m in published if m.parent_header.get("msg_id") == request.msg_id]
        assert [m.content.get("execution_state") for m in mine] == ["busy", "idle"]
        return replies, [m for m in published if m.parent_header and m not in mine]

    def _until(self, sock: Any, request: Message, msg_type: str, state: str | None = None) -> list:
        found = []
        while True:
            message = self._receive(sock)
            found.append(message)
            if (
                message.parent_header.get("msg_id") == request.msg_id
                and message.msg_type == msg_type
                and message.content.get("execution_state") == state
            ):
                return found


@pytest.fixture(params=["shell", "control"])
def channel(request) -> str:
    """Name each of the channels that take requests."""
    return request.param


@pytest.fixture
def peer(kernel, channel) -> Iterator[Peer]:
    """Connect a peer to a channel of the module's kernel."""
    with closing(Peer(kernel.connection, channel)) as peer:
        yield peer


def states(published: list[Message]) -> list[str]:
    """List the kernel's states among messages."""
    return [m.content["execution_state"] for m in published if m.msg_type == "status"]


# --- the corpus --------------------------------------------------------------------------------


class Case(NamedTuple):
    """A malformed message: the frames, made with a session of the right key, and the error."""

    frames: Callable[[Session], list[bytes]]
    error: str


def good(session: Session, msg_type: str = "kernel_info_request", /, **content: Any) -> list[bytes]:
    """Make the frames of a good message."""
    return session.serialize(session.message(msg_type, content))


def signed(session: Session, *parts: bytes) -> list[bytes]:
    """Make frames of any parts behind the delimiter, with the right signature."""
    return [DELIMITER, session.sign(parts), *parts]


def with_part(name: str, part: bytes) -> Callable[[Session], list[bytes]]:
    """Make frames in which one part is something else, with the right signature."""

    def frames(session: Session) -> list[bytes]:
        unique = b'{"n": %d}' % next(NUMBERS)
        parts = [json.dumps(HEADER).encode(), unique, unique, b"{}"]
        parts[PARTS.index(name)] = part
        return signed(session, *parts)

    return frames


def with_header(**changes: Any) -> Callable[[Session], list[bytes]]:
    """Make frames with other header fields; None takes a field out."""
    header = {name: value for name, value in {**HEADER, **changes}.items() if value is not None}
    return with_part("header", json.dumps(header).encode())


def with_signature(change: Callable[[bytes], bytes]) -> Callable[[Session], list[bytes]]:
    """Make frames of a good message whose signature has been changed."""

    def frames(session: Session) -> list[bytes]:
        delimiter, signature, *parts = good(session)
        return [delimiter, change(signature), *parts]

    return frames


def rubbish(seed: int, size: int, count: int = 1) -> list[bytes]:
    """Make frames of random bytes, the same each time."""
    source = random.Random(seed)
    return [source.randbytes(size) for _ in range(count)]


BAD_PARTS = {
    "not UTF-8": (b'{"a": "\xff\xfe"}', "BadPart"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "BadPart"),
    "surrogate in UTF-8": (b'{"a": "\xed\xa0\x80"}', "BadPart"),
    "BOM": (b'\xef\xbb\xbf{"a": 1}', "BadPart"),
    "empty": (b"", "BadPart"),
    "zero byte": (b"\0", "BadPart"),
    "not JSON": (b"{'a': 1}", "BadPart"),
    "cut short": (b'{"a": ', "BadPart"),
    "two objects": (b"{}{}", "BadPart"),
    "control character": (b'{"a": "\n"}', "BadPart"),
    "endless integer": (b'{"a": ' + b"9" * 100_000 + b"}", "BadPart"),
    "list": (b"[]", "NotADict"),
    "number": (b"1", "NotADict"),
    "string": (b'"text"', "NotADict"),
    "null": (b"null", "NotADict"),
    "NaN": (b"NaN", "NotADict"),
    "deep lists": (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "TooDeep"),
    "deep objects": (b'{"a": ' * 100_000 + b"1" + b"}" * 100_000, "TooDeep"),
    "rubbish": (rubbish(1, 1000)[0], "BadPart"),
}
CORPUS = {
    "empty message": Case(lambda s: [b""], "BadFrames"),
    "zero-length frames": Case(lambda s: [b""] * 20, "BadFrames"),
    "no delimiter": Case(lambda s: good(s)[1:], "BadFrames"),
    "delimiter in lower case": Case(lambda s: [b"<ids|msg>", *good(s)[1:]], "BadFrames"),
    "delimiter inside a frame": Case(lambda s: [b"".join(good(s))], "BadFrames"),
    "delimiter at the end": Case(lambda s: [*good(s)[1:], DELIMITER], "BadFrames"),
    "delimiter alone": Case(lambda s: [DELIMITER], "BadFrames"),
    "signature alone": Case(lambda s: good(s)[:2], "BadFrames"),
    "three parts": Case(lambda s: good(s)[:-1], "BadFrames"),
    "three signed parts": Case(lambda s: signed(s, b"{}", b"{}", b"{}"), "BadFrames"),
    "two delimiters": Case(lambda s: [DELIMITER, *good(s)], "InvalidSignature"),
    "identities alone": Case(lambda s: rubbish(2, 5, 300), "BadFrames"),
    "rubbish": Case(lambda s: rubbish(3, 200, 10), "BadFrames"),
    "large rubbish": Case(lambda s: rubbish(4, 5_000_000), "BadFrames"),
    "rubbish after the delimiter": Case(
        lambda s: [DELIMITER, *rubbish(5, 64, 5)], "InvalidSignature"
    ),
    "unsigned": Case(with_signature(lambda signature: b""), "UnsignedMessage"),
    "zero signature": Case(with_signature(lambda signature: b"0" * 64), "InvalidSignature"),
    "cut signature": Case(with_signature(lambda signature: signature[:-1]), "InvalidSignature"),
    "long signature": Case(with_signature(lambda signature: signature + b"0"), "InvalidSignature"),
    "raw signature": Case(
        with_signature(lambda signature: bytes.fromhex(signature.decode())), "InvalidSignature"
    ),
    "signature not ASCII": Case(with_signature(lambda signature: b"\xff" * 64), "InvalidSignature"),
    "other key": Case(lambda s: good(Session(b"another key")), "InvalidSignature"),
    "other scheme": Case(
        lambda s: good(Session(b"a key that two know", "hmac-sha512")), "InvalidSignature"
    ),
    "changed content": Case(lambda s: [*good(s)[:-1], b'{"code": "1"}'], "InvalidSignature"),
    "parts swapped": Case(
        lambda s: [*good(s, a=1)[:4], b'{"a":1}', b"{}"],
        "InvalidSignature",
    ),
    "large rubbish, signed": Case(with_part("content", rubbish(6, 5_000_000)[0]), "BadPart"),
    **{
        f"{part}: {name}": Case(with_part(part, value), error)
        for part in PARTS
        for name, (value, error) in BAD_PARTS.items()
    },
    **{
        f"header without {name}": Case(with_header(**{name: None}), "BadHeader")
        for name in ("msg_id", "msg_type", "session")
    },
    **{
        f"header with {name} a {type(value).__name__}": Case(
            with_header(**{name: value}), "BadHeader"
        )
        for name in ("msg_id", "msg_type", "session")
        for value in (7, 1.5, True, ["kernel_info_request"], {"a": 1})
    },
}


@pytest.mark.parametrize("case", CORPUS.values(), ids=CORPUS)
@pytest.mark.rule("R-WIRE-10", "R-WIRE-11")
def test_malformed_message(kernel, peer, case):
    """A malformed message is dropped with one line in the log, and the next request is answered."""
    before = len(kernel.log())
    peer.send(case.frames(peer.session))
    replies, published = peer.ask()
    assert (replies, published) == ([], [])
    (line,) = kernel.log()[before:]
    assert case.error in line
    assert len(line) < 300


@pytest.mark.rule("R-WIRE-4")
def test_replayed_message(kernel, peer):
    """A good message that is sent a second time is dropped."""
    frames = good(peer.session)
    peer.send(frames)
    peer.ask()
    before = len(kernel.log())
    peer.send(frames)
    assert peer.ask() == ([], [])
    (line,) = kernel.log()[before:]
    assert "ReplayedMessage" in line


def test_replay_on_the_other_channel(kernel):
    """A message that was good on shell is no better on control."""
    before = len(kernel.log())
    with closing(Peer(kernel.connection, "shell")) as shell:
        frames = good(shell.session)
        shell.send(frames)
        shell.ask()
    with closing(Peer(kernel.connection, "control")) as control:
        control.send(frames)
        assert control.ask() == ([], [])
    (line,) = kernel.log()[before:]
    assert "ReplayedMessage" in line


def test_whole_corpus_at_once(kernel, peer):
    """The corpus in one go costs one line each, in the order sent, and no state is left behind."""
    assert len(CORPUS) > 30
    before = len(kernel.log())
    for case in CORPUS.values():
        peer.send(case.frames(peer.session))
    assert peer.ask() == ([], [])
    lines = kernel.log()[before:]
    assert len(lines) == len(CORPUS)
    assert all(case.error in line for case, line in zip(CORPUS.values(), lines, strict=True))


# --- odd, and good all the same ----------------------------------------------------------------


ODD = {
    "many identities": lambda s: [*rubbish(7, 5, 300), *good(s)],
    "empty identities": lambda s: [b"", b"", *good(s)],
    "many buffers": lambda s: [*good(s), *rubbish(8, 10, 300)],
    "delimiter as a buffer": lambda s: [*good(s), DELIMITER],
    "unknown header fields": with_header(colour="blue", date=7, version=[5]),
    "unknown content fields": lambda s: good(s, colour="blue", code=7),
    "spaces and newlines": with_part("metadata", b' {\n\t"a" : 1 }\r\n'),
    "zero character": with_header(msg_id="a\0b"),
    "lone surrogate": with_part("header", json.dumps({**HEADER, "username": "\ud800"}).encode()),
    "nesting that is allowed": with_part("metadata", b'{"a": ' + b"[" * 100 + b"]" * 100 + b"}"),
}


@pytest.mark.parametrize("frames", ODD.values(), ids=ODD)
@pytest.mark.rule("R-WIRE-5", "R-REQ-5")
def test_odd_message_is_answered(kernel, peer, frames):
    """A message with oddities that break no rule is answered, without a word in the log."""
    before = len(kernel.log())
    peer.send(frames(peer.session))
    replies, published = peer.ask()
    assert [(m.msg_type, m.content["status"]) for m in replies] == [("kernel_info_reply", "ok")]
    assert states(published) == ["busy", "idle"]
    assert kernel.log()[before:] == []


@pytest.mark.parametrize(
    "msg_type",
    [
        "no_such_request",
        "kernel_info_reply",
        "__init__",
        "",
        "a\nb",
        "\x1b[31m",
        "\ud800",
        "x" * 9999,
    ],
)
@pytest.mark.rule("R-REQ-5")
def test_unknown_message_type(kernel, peer, msg_type):
    """A message of an unknown type gets busy, idle and one line in the log, and no reply."""
    before = len(kernel.log())
    peer.send(with_header(msg_type=msg_type)(peer.session))
    replies, published = peer.ask()
    assert replies == []
    assert states(published) == ["busy", "idle"]
    assert len(published) == 2
    (line,) = kernel.log()[before:]
    assert "unknown message type" in line
    assert line.isprintable()
    assert len(line) < 300


@pytest.mark.parametrize(
    "code", ["'\ud800'", "\0", "'\U0010ffff'", "(" * 10_000, "-" * 100_000 + "1"]
)
def test_code_that_no_compiler_likes(kernel, code):
    """Code that cannot be compiled, or only just, is an ordinary cell; the kernel survives."""
    before = len(kernel.log())
    content = json.dumps({"code": code}).encode()
    header = json.dumps({**HEADER, "msg_type": "execute_request"}).encode()
    with closing(Peer(kernel.connection, "shell")) as peer:
        peer.send(signed(peer.session, header, b"{}", b"{}", content))
        (reply,), published = peer.ask()
    assert reply.content["status"] in ("ok", "error")
    assert states(published) == ["busy", "idle"]
    assert kernel.log()[before:] == []


def test_peer_that_leaves_before_the_answer(kernel, peer, channel):
    """A peer that disconnects before it has its reply harms nobody."""
    for _ in range(20):
        with closing(Peer(kernel.connection, channel)) as other:
            other.send(good(other.session))
    assert peer.ask()[0] == []


# --- fields ------------------------------------------------------------------------------------

SAMPLES = {
    str: "text",
    int: 1,
    bool: True,
    float: 1.5,
    list: [1],
    dict: {"a": 1},
    type(None): None,
}
REQUIRED = Field(()).default
VALID = {"code": "1", "hist_access_type": "tail", "comm_id": "c", "target_name": "t"}


def valid_content(msg_type: str) -> dict[str, Any]:
    """Make content in which every required field of a request is good."""
    fields = REQUESTS[msg_type].fields
    return {
        name: VALID.get(name, SAMPLES[field.types[0]])
        for name, field in fields.items()
        if field.default is REQUIRED
    }


def wrong_fields() -> Iterator[Any]:
    """List each way in which one field of a known message can be missing or of a wrong type."""
    for msg_type, request in REQUESTS.items():
        if msg_type == "shutdown_request":
            continue  # has a test of its own, for it might end the kernel of the others
        content = valid_content(msg_type)
        for name, field in request.fields.items():
            if name in content:
                without = {key: value for key, value in content.items() if key != name}
                yield pytest.param(msg_type, name, without, id=f"{msg_type} without {name}")
            for kind, sample in SAMPLES.items():
                if kind not in field.types:
                    wrong = {**content, name: sample}
                    title = f"{msg_type} with {name} a {kind.__name__}"
                    yield pytest.param(msg_type, name, wrong, id=title)


def refused(kernel, channel: str, msg_type: str, content: dict[str, Any], complaint: str) -> None:
    """Check that a message is answered by one error reply, if it is a request, and one log line."""
    before = len(kernel.log())
    with closing(Peer(kernel.connection, channel)) as peer:
        peer.send(good(peer.session, msg_type, **content))
        replies, published = peer.ask()
    (line,) = kernel.log()[before:]
    assert complaint in line
    assert states(published) == ["busy", "idle"]
    assert len(published) == 2
    if msg_type.endswith("_request"):
        (reply,) = replies
        assert reply.msg_type == msg_type.removesuffix("request") + "reply"
        assert (reply.content["status"], reply.content["ename"]) == ("error", "InvalidContent")
        assert reply.content["evalue"].startswith(complaint)
    else:
        assert replies == []


@pytest.mark.parametrize(("msg_type", "name", "content"), [*wrong_fields()])
@pytest.mark.rule("R-REQ-6")
def test_wrong_field(kernel, msg_type, name, content):
    """A field that is missing or of a wrong type gets an error reply that names it."""
    channel = REQUESTS[msg_type].channels[0]
    refused(kernel, channel, msg_type, content, f"{msg_type}: {name}: expected")


def test_wrong_shutdown_request_ends_nothing(launch):
    """A shutdown request that is refused for its field leaves the kernel running, and no trace."""
    kernel = launch()
    content = {"restart": "yes"}
    refused(kernel, "control", "shutdown_request", content, "shutdown_request: restart: expected")


@pytest.mark.parametrize("msg_type", REQUESTS)
@pytest.mark.rule("R-REQ-7")
def test_wrong_channel(kernel, msg_type):
    """A known message on a channel where it does not belong is refused, and not carried out."""
    for channel in {"shell", "control"} - {*REQUESTS[msg_type].channels}:
        refused(kernel, channel, msg_type, valid_content(msg_type), f"{msg_type}: expected on")


@pytest.mark.parametrize("msg_type", ["comm_msg", "comm_close", "comm_open"])
def test_names_from_outside_cannot_forge_log_lines(kernel, msg_type):
    """Text that a peer chose, line breaks and all, takes at most one line in the log."""
    before = len(kernel.log())
    name = "a\n[refimpl] forged\x1b[2J"
    with closing(Peer(kernel.connection, "shell")) as peer:
        peer.send(good(peer.session, msg_type, comm_id=name, target_name=name, data={}))
        peer.ask()
    lines = kernel.log()[before:]
    assert len(lines) <= 1
    assert all(line.isprintable() for line in lines)


# --- the other sockets -------------------------------------------------------------------------


def test_rubbish_before_and_during_a_question(kernel):
    """Rubbish on stdin, before and while the kernel waits for input, changes nothing."""
    with closing(Peer(kernel.connection, "stdin")) as peer:
        bad = [case.frames(peer.session) for case in CORPUS.values()]

        def answer(request: Message) -> str:
            for frames in bad:
                peer.send(frames)
            return "answer"

        for frames in bad:
            peer.send(frames)
        with kernel.connect(answer) as client:
            for _ in range(3):
                assert client.execute("input()").result == "'answer'"


@pytest.mark.rule("R-STDIN-3")
def test_answer_of_somebody_else_is_dropped(kernel):
    """A well-formed input_reply of a peer that was not asked does not count as the answer."""
    with closing(Peer(kernel.connection, "stdin")) as stranger:

        def answer(request: Message) -> str:
            reply = stranger.session.message("input_reply", {"value": "stolen"}, parent=request)
            stranger.send(stranger.session.serialize(reply))
            return "mine"

        with kernel.connect(answer) as client:
            for _ in range(10):
                assert client.execute("input()").result == "'mine'"


def test_rubbish_on_iopub_and_heartbeat(kernel, client):
    """Frames of any kind that reach the iopub and heartbeat sockets are survived."""
    with zmq.Context() as context:
        for channel, kind in (("iopub", zmq.XSUB), ("hb", zmq.DEALER)):
            with context.socket(kind) as sock:
                sock.linger = 1000
                sock.connect(kernel.connection.url(channel))
                for case in CORPUS.values():
                    sock.send_multipart(case.frames(client.client.session))
                sock.send_multipart([b"\1", b"\1", b"\0"])
                sock.send(b"\1" + b"\xff" * 20)  # a subscription to what is no text
                if channel == "hb":  # all of it comes back: the kernel has had it
                    for case in CORPUS.values():
                        assert sock.poll(TIMEOUT * 1000)
                        assert len(sock.recv_multipart()) == len(case.frames(client.client.session))
                else:
                    assert sock.poll(TIMEOUT * 1000)  # the welcome to that subscription
    assert client.execute("print(1); 2").result == "2"
    assert client.is_alive()


@pytest.mark.parametrize("channel", [channel.name for channel in CHANNELS])
def test_rubbish_on_the_bare_socket(kernel, client, channel):
    """Bytes that are not even ZeroMQ's end that one connection, and nothing else."""
    port = getattr(kernel.connection, f"{channel}_port")
    for data in (b"GET / HTTP/1.1\r\n\r\n", *rubbish(9, 10_000), b"", b"\xff" * 64):
        with socket.create_connection(("127.0.0.1", port), TIMEOUT) as bare:
            bare.sendall(data)
    assert client.execute("1").result == "1"
    assert client.is_alive()


def test_nothing_but_warnings_was_logged(kernel):
    """All that came before in this module left no traceback in the kernel's log."""
    assert [line for line in kernel.log() if "Traceback" in line or "Error: " in line] == []


# --- connection files --------------------------------------------------------------------------

PROGRAMS = [("-m", "refimpl.python_kernel"), ("-m", "refimpl", "kernel", "python")]
GOOD = {
    "transport": "tcp",
    "ip": "127.0.0.1",
    **dict.fromkeys(PORTS, 0),
    "key": "a key that two know",
    "signature_scheme": "hmac-sha256",
}


def refuse(file: Path) -> str:
    """Start a kernel in each way with a file that it must refuse; return its one line."""

    def start(program: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *program, "-f", str(file)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )

    with ThreadPoolExecutor() as pool:
        ended = [*pool.map(start, PROGRAMS)]
    complaints = []
    for done in ended:
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        (line,) = done.stderr.splitlines()
        assert str(file) in line
        complaints.append(line.partition(": ")[2])
    first, second = complaints
    assert first == second
    return first


FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "not JSON"),
    "not JSON": (b"{'shell_port': 1}", "not JSON"),
    "not UTF-8": (b'{"key": "\xff"}', "not UTF-8"),
    "rubbish": (rubbish(10, 1000)[0], "not UTF-8"),
    "a list": (b"[1, 2]", "expected an object"),
    "a number": (b"7", "expected an object"),
    "null": (b"null", "expected an object"),
    "deep": (b"[" * 100_000, "file"),
    "endless integer": (b'{"shell_port": ' + b"9" * 100_000 + b"}", "file"),
}


@pytest.mark.parametrize(("text", "culprit"), FILES.values(), ids=FILES)
def test_file_that_is_no_json_object(tmp_path, text, culprit):
    """A connection file that holds no JSON object is refused in one line that says so."""
    file = tmp_path / "connection.json"
    file.write_bytes(text)
    assert culprit in refuse(file)


@pytest.mark.parametrize("name", GOOD)
def test_file_that_lacks_a_field(tmp_path, name):
    """A connection file without a required field is refused in one line that names it."""
    file = tmp_path / "connection.json"
    file.write_text(json.dumps({key: value for key, value in GOOD.items() if key != name}))
    assert f"{name}: expected" in refuse(file)


WRONG: dict[str, list[Any]] = {
    "transport": [7, None, "", "udp", "TCP"],
    "ip": [7, None, "", ["127.0.0.1"], "\ud800"],
    **{name: ["1", None, 1.5, True, -1, 65536] for name in PORTS},
    "key": [7, None, ["hush"], "\ud800"],
    "signature_scheme": [7, None, "", "sha256", "hmac-", "hmac-nothing", "hmac-shake_128"],
    "kernel_name": [7],
    "curve_publickey": [7, "hush", "x" * 40],
    "curve_secretkey": [7, "hush", "x" * 40],
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param(name, value, id=f"{name}={value!a:.20}")
        for name, values in WRONG.items()
        for value in values
    ],
)
def test_file_with_a_wrong_field(name, value):
    """A field of a connection file with an impossible value is refused by its name."""
    with pytest.raises(ValueError, match=r"^(?!.*hush)") as caught:
        Connection.from_dict({**GOOD, name: value})
    assert name.startswith("curve") or str(caught.value).startswith(f"{name}: expected")


@pytest.mark.parametrize("name", WRONG)
def test_kernel_refuses_a_wrong_field(tmp_path, name):
    """A kernel refuses a file with an impossible value in one line that names the field."""
    file = tmp_path / "connection.json"
    file.write_text(json.dumps({**GOOD, name: WRONG[name][-1]}))
    assert name.partition("_")[0] in refuse(file)


def test_file_that_is_not_there(tmp_path):
    """A connection file that does not exist is refused in one line."""
    assert "No such file" in refuse(tmp_path / "connection.json")


def test_file_that_is_a_directory(tmp_path):
    """A directory in place of the connection file is refused in one line."""
    refuse(tmp_path)


def test_file_below_a_file(tmp_path):
    """A path that leads through a file is refused in one line."""
    (tmp_path / "file").touch()
    refuse(tmp_path / "file" / "connection.json")


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="whoever runs this may read every file"
)
def test_file_that_may_not_be_read(tmp_path):
    """A connection file without permission to read is refused in one line."""
    file = tmp_path / "connection.json"
    file.touch(0o000)
    assert "Permission denied" in refuse(file)


@pytest.mark.parametrize("name", PORTS)
@pytest.mark.rule("R-CONN-4")
def test_port_that_is_taken(tmp_path, name):
    """A port that another process listens on is refused in one line that names field and port."""
    file = tmp_path / "connection.json"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        file.write_text(json.dumps({**GOOD, name: port}))
        line = refuse(file)
    assert f"{name}: cannot bind tcp://127.0.0.1:{port}" in line


def test_address_that_is_not_ours(tmp_path):
    """An address that this machine does not have is refused in one line."""
    file = tmp_path / "connection.json"
    for ip in ("203.0.113.1", "no such address", "127.0.0.1:1"):
        file.write_text(json.dumps({**GOOD, "ip": ip}))
        assert "cannot bind" in refuse(file)


@pytest.mark.skipif(sys.platform == "win32", reason="needs local sockets")
def test_local_socket_that_cannot_be_made(tmp_path):
    """An ipc address in a directory that is not there is refused in one line."""
    file = tmp_path / "connection.json"
    ports = {name: number for number, name in enumerate(PORTS, 1)}
    where = {"transport": "ipc", "ip": str(tmp_path / "no" / "s")}
    file.write_text(json.dumps({**GOOD, **ports, **where}))
    assert "cannot bind" in refuse(file)
