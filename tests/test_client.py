"""One request and everything that answers it: the bookkeeping, and a real kernel process."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq
from conftest import run_kernel
from hypothesis import given
from hypothesis import strategies as st

from refimpl.client import Client, Exchange
from refimpl.run_client import KernelClient, start_kernel
from refimpl.wire import CHANNELS, BadPart, Connection, Message, ProtocolError, Session

KERNEL = Session(session="kernel")


def answer(exchange: Exchange, msg_type: str, **content: Any) -> Message:
    """Make a message that answers the request of an exchange."""
    return KERNEL.message(msg_type, content, parent=exchange.request)


def status(exchange: Exchange, state: str) -> tuple[str, Message]:
    """Make a status message, with its channel."""
    return "iopub", answer(exchange, "status", execution_state=state)


# --- bookkeeping --------------------------------------------------------------------------------


def test_request() -> None:
    """A request is a message of the client's session, and its exchange begins empty."""
    client = Client(Session(session="mine"))
    exchange = client.request("execute_request", {"code": "1"}, channel="control")
    assert exchange.request.msg_type == "execute_request"
    assert exchange.request.content == {"code": "1"}
    assert exchange.request.session == "mine"
    assert exchange.channel == "control"
    assert (exchange.reply, exchange.outputs, exchange.is_complete) == (None, [], False)
    assert (exchange.text, exchange.result) == ("", None)


def test_content_before_the_reply() -> None:
    """There is no content before the reply has come, and the error names the request."""
    exchange = Client(Session()).request("kernel_info_request")
    with pytest.raises(LookupError, match="kernel_info_request: no reply yet"):
        _ = exchange.content


@pytest.mark.off_catalogue("the answers are cut down to what a client reads")
def test_exchange() -> None:
    """Reply, states and outputs are sorted into the exchange, outputs in order."""
    client = Client(Session())
    exchange = client.request("execute_request", {"code": ""})
    arriving = [
        status(exchange, "busy"),
        ("iopub", answer(exchange, "stream", name="stdout", text="a")),
        ("iopub", answer(exchange, "display_data", data={"text/plain": "d"}, metadata={})),
        ("iopub", answer(exchange, "stream", name="stderr", text="b")),
        ("iopub", answer(exchange, "execute_result", data={"text/plain": "42"}, metadata={})),
        ("shell", answer(exchange, "execute_reply", status="ok")),
        status(exchange, "idle"),
    ]
    for channel, message in arriving:
        assert not exchange.is_complete
        assert client.receive(channel, message) is exchange
    assert exchange.is_complete
    assert exchange.content == {"status": "ok"}
    assert exchange.states == ["busy", "idle"]
    assert [m.msg_type for m in exchange.outputs] == [
        *("stream", "display_data", "stream", "execute_result"),
    ]
    assert exchange.text == "ab"
    assert exchange.result == "42"
    assert client.others == []


@given(st.permutations(["reply", "idle", "stream", "busy"]))
@pytest.mark.rule("R-REQ-4")
@pytest.mark.off_catalogue("the answers are cut down to what a client reads")
def test_any_order_of_channels(order: list[str]) -> None:
    """In whatever order the channels deliver, an exchange is complete with reply and idle."""
    client = Client(Session())
    exchange = client.request("execute_request")
    come = set()
    for name in order:
        if name == "reply":
            client.receive("shell", answer(exchange, "execute_reply", status="ok"))
        elif name == "stream":
            client.receive("iopub", answer(exchange, "stream", name="stdout", text="x"))
        else:
            client.receive(*status(exchange, name))
        come.add(name)
        assert exchange.is_complete == ({"reply", "idle"} <= come)


@pytest.mark.off_catalogue("the answers are cut down to what a client reads")
def test_two_exchanges_at_once() -> None:
    """Answers find the exchange of their request, however they are mixed."""
    client = Client(Session())
    one, two = client.request("execute_request"), client.request("execute_request")
    for exchange, text in ((two, "2"), (one, "1"), (two, "2")):
        client.receive("iopub", answer(exchange, "stream", name="stdout", text=text))
    client.receive("shell", answer(two, "execute_reply", status="error"))
    assert (one.text, two.text) == ("1", "22")
    assert (one.reply, two.content) == (None, {"status": "error"})


@pytest.mark.rule("R-REQ-10")
def test_what_belongs_to_nobody() -> None:
    """Messages for other clients, and those without a parent, are kept with their channel."""
    client, other = Client(Session()), Client(Session())
    strange = answer(other.request("execute_request"), "stream", name="stdout", text="x")
    orphan = KERNEL.message("status", {"execution_state": "starting"})
    assert client.receive("iopub", strange) is None
    assert client.receive("iopub", orphan) is None
    assert client.others == [("iopub", strange), ("iopub", orphan)]


@pytest.mark.rule("R-EXEC-9")
@pytest.mark.off_catalogue("the answers are cut down to what a client reads")
def test_output_after_the_end() -> None:
    """What a background thread prints after idle belongs to no open request."""
    client = Client(Session())
    exchange = client.request("execute_request")
    client.receive("shell", answer(exchange, "execute_reply", status="ok"))
    client.receive(*status(exchange, "idle"))
    late = answer(exchange, "stream", name="stdout", text="late")
    assert client.receive("iopub", late) is None
    assert client.others == [("iopub", late)]
    assert exchange.outputs == []


@pytest.mark.parametrize("msg_id", [None, 5, ["x"], {"a": 1}])
@pytest.mark.off_catalogue("the answers are cut down to what a client reads")
def test_odd_parents(msg_id: Any) -> None:
    """A parent whose id is no text belongs to nobody, and does no harm."""
    client = Client(Session())
    client.request("execute_request")
    message = Message(dicts=({"msg_type": "status"}, {"msg_id": msg_id}, {}, {}))
    assert client.receive("iopub", message) is None


def test_unreadable_message() -> None:
    """A message whose parent cannot be read is a ProtocolError, for the owner of the socket."""
    message = Message(dicts=({}, None, {}, {}), parts=(None, b"{", None, None))
    with pytest.raises(BadPart):
        Client(Session()).receive("iopub", message)


@pytest.mark.off_catalogue("the answers are cut down to what a client reads")
def test_repr() -> None:
    """An exchange is shown with its type, its state, and what was put out."""
    client = Client(Session())
    exchange = client.request("execute_request")
    assert repr(exchange) == "<Exchange execute_request: open; no output>"
    client.receive("iopub", answer(exchange, "stream", name="stdout", text="x"))
    client.receive("shell", answer(exchange, "execute_reply", status="ok"))
    assert repr(exchange) == "<Exchange execute_request: ok; stream>"


# --- a kernel process ---------------------------------------------------------------------------


@pytest.fixture(name="client", scope="module")
def client_of_a_kernel() -> Iterator[KernelClient]:
    """Start one Python kernel for the tests that leave it as it was."""
    with start_kernel("python") as client:
        yield client


def test_execute(client: KernelClient) -> None:
    """Code is run, and everything about it is in the exchange."""
    exchange = client.execute("print('hello')\n6 * 7")
    assert (exchange.result, exchange.text) == ("42", "hello\n")
    assert exchange.content["status"] == "ok"
    assert exchange.states == ["busy", "idle"]
    assert [m.msg_type for m in exchange.outputs] == ["execute_input", "stream", "execute_result"]


def test_execute_fields(client: KernelClient) -> None:
    """The fields of an execute_request may be given."""
    exchange = client.execute("x = 2", silent=True, user_expressions={"a": "x + 1"})
    assert exchange.outputs == []
    assert exchange.content["user_expressions"]["a"]["data"] == {"text/plain": "3"}


def test_error(client: KernelClient) -> None:
    """A failure is an exchange like any other."""
    assert client.execute("1 / 0").content["ename"] == "ZeroDivisionError"


@pytest.mark.parametrize("channel", ["shell", "control"])
def test_request_on_a_channel(client: KernelClient, channel: str) -> None:
    """A request may go on control."""
    exchange = client.request("kernel_info_request", channel=channel)
    assert exchange.content["implementation"] == "refimpl-python"


@pytest.mark.rule("R-HB-1")
def test_heartbeat(client: KernelClient) -> None:
    """A kernel that lives sends the heartbeat back."""
    assert client.is_alive()
    assert client.is_alive()


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot stop a process and let it go on")
@pytest.mark.rule("R-HB-3")
def test_heartbeat_comes_back() -> None:
    """A kernel that missed a beat, and goes on, is alive again."""
    with start_kernel("python") as client:
        assert client.process is not None
        client.process.send_signal(signal.SIGSTOP)
        os.waitpid(client.process.pid, os.WUNTRACED)  # until all its threads stand still
        try:
            assert not client.is_alive(0.2)
            assert not client.is_alive(0.2)
        finally:
            client.process.send_signal(signal.SIGCONT)
        client.execute("")
        assert client.is_alive(10)


@pytest.mark.rule("R-STDIN-1")
def test_no_input(client: KernelClient) -> None:
    """Without on_input, user code is told that it cannot ask."""
    assert client.execute("input()").content["ename"] == "StdinNotImplementedError"


def test_input() -> None:
    """on_input answers the questions of user code."""
    asked = []

    def on_input(request: Message) -> str:
        asked.append(request.content)
        return "Ada"

    with start_kernel("python", on_input=on_input) as client:
        assert client.execute("input('name? ')").result == "'Ada'"
    assert asked == [{"prompt": "name? ", "password": False}]


@pytest.mark.rule("R-CONN-1", "R-REQ-10")
def test_two_clients(client: KernelClient) -> None:
    """Two clients of one kernel each get their own replies, and see each other's output."""
    with KernelClient(client.connection) as other:
        other.wait_until_ready()
        exchange = client.execute("print('for both')")
        assert exchange.text == "for both\n"
        mark = other.execute("")
        assert mark.is_complete
        seen = [m for channel, m in other.client.others if channel == "iopub"]
        texts = [m.content["text"] for m in seen if m.msg_type == "stream"]
        assert "".join(texts) == "for both\n"
        parents = {m.parent_header["msg_id"] for m in seen if m.msg_type == "stream"}
        assert parents == {exchange.request.msg_id}


def test_timeout_names_what_is_missing(client: KernelClient) -> None:
    """A wait that ends too early says for which request, and what is missing."""
    exchange = client.send("execute_request", {"code": "import time; time.sleep(0.3)"})
    with pytest.raises(TimeoutError, match="execute_request: no reply within"):
        client.wait(exchange, 0.01)
    assert client.wait(exchange).content["status"] == "ok"


@pytest.mark.skipif(os.name == "nt", reason="Windows interrupts by message")
def test_interrupt_by_signal() -> None:
    """A client that started the kernel interrupts running code by signal."""
    with start_kernel("python") as client:
        exchange = client.send(
            "execute_request", {"code": "print('on'); import time; time.sleep(60)"}
        )
        while "on" not in exchange.text:
            assert client.receive(10)
        client.interrupt()
        assert client.wait(exchange).content["ename"] == "KeyboardInterrupt"


def test_interrupt_by_message(client: KernelClient) -> None:
    """A client that did not start the kernel interrupts by message."""
    with KernelClient(client.connection) as other:
        other.wait_until_ready()
        exchange = other.send(
            "execute_request", {"code": "print('on'); import time; time.sleep(60)"}
        )
        while "on" not in exchange.text:
            assert other.receive(10)
        other.interrupt()
        assert other.wait(exchange).content["ename"] == "KeyboardInterrupt"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such sockets")
@pytest.mark.rule("R-CONN-3")
def test_ipc() -> None:
    """A kernel may be reached through the file system."""
    with start_kernel("python", transport="ipc") as client:
        assert client.connection.url("shell").startswith("ipc://")
        assert client.execute("1 + 1").result == "2"


def test_kernel_by_argv() -> None:
    """A kernel is started by any command that takes a connection file."""
    argv = [sys.executable, "-m", "refimpl.kernels.echo", "-f", "{connection_file}"]
    with start_kernel(argv) as client:
        assert client.execute("hello").text == "hello"


@pytest.mark.rule("R-CTRL-6")
def test_kernel_is_shut_down() -> None:
    """Leaving the block ends the process, in order."""
    with start_kernel("python") as client:
        process = client.process
    assert process is not None
    assert process.returncode == 0


def test_kernel_is_ended_after_an_error() -> None:
    """An error in the block ends the process too."""
    with pytest.raises(ZeroDivisionError), start_kernel("python") as client:  # noqa: PT012
        process = client.process
        raise ZeroDivisionError
    assert process is not None
    assert process.poll() is not None


def test_kernel_that_ended_in_the_block() -> None:
    """A kernel that ended by itself needs no shutdown."""
    with start_kernel("python") as client:
        client.request("shutdown_request", {"restart": False}, channel="control")
        assert client.process is not None
        client.process.wait(10)
    assert client.process.returncode == 0


def test_kernel_that_ends_at_once() -> None:
    """A command that is no kernel is an error that tells its exit status."""
    argv = [sys.executable, "-c", "raise SystemExit(7)"]
    with pytest.raises(RuntimeError, match="status 7"), start_kernel(argv):
        pytest.fail("there is no kernel")


def test_kernel_that_says_nothing() -> None:
    """A command that never writes its ports is given up, and its process ended."""
    argv = [sys.executable, "-c", "import threading; threading.Event().wait()"]
    with pytest.raises(TimeoutError, match=r"within 0\.2 s"), start_kernel(argv, timeout=0.2):
        pytest.fail("there is no kernel")


def test_connection_file_is_tidied_up(tmp_path: Path) -> None:
    """The connection file is gone with the kernel."""
    script = "import sys, pathlib; pathlib.Path(sys.argv[2]).write_text(sys.argv[1]); sys.exit(1)"
    argv = [sys.executable, "-c", script, "{connection_file}", str(tmp_path / "where")]
    with pytest.raises(RuntimeError), start_kernel(argv):
        pytest.fail("there is no kernel")
    assert not Path((tmp_path / "where").read_text()).exists()


# --- a kernel that misbehaves -------------------------------------------------------------------


class FakeKernel:
    """The sockets of a kernel, with which a test sends what it likes."""

    def __init__(self) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.sockets: dict[str, zmq.Socket[bytes]] = {}
        ports = {}
        for channel in CHANNELS:
            sock = self.context.socket(getattr(zmq, channel.kernel_socket))
            sock.linger = 0
            ports[channel.name] = sock.bind_to_random_port("tcp://127.0.0.1")
            self.sockets[channel.name] = sock
        self.connection = Connection(
            "tcp", "127.0.0.1", *(ports[channel.name] for channel in CHANNELS), "key"
        )
        self.session = self.connection.new_session()

    def next_request(self) -> Message:
        """Receive what the client sent on shell."""
        assert self.sockets["shell"].poll(10_000)
        return self.session.deserialize(self.sockets["shell"].recv_multipart())

    def reply(self, request: Message) -> None:
        """Send a good reply."""
        message = self.session.message(
            "kernel_info_reply", {"status": "ok"}, parent=request, idents=request.idents
        )
        self.sockets["shell"].send_multipart(self.session.serialize(message))

    def publish_idle(self, request: Message) -> None:
        """Publish idle, once the client has subscribed."""
        assert self.sockets["iopub"].poll(10_000)
        assert self.sockets["iopub"].recv() == b"\x01"
        message = self.session.message("status", {"execution_state": "idle"}, parent=request)
        self.sockets["iopub"].send_multipart(self.session.serialize(message))


@pytest.fixture(name="fake")
def fake_kernel() -> Iterator[FakeKernel]:
    """Bind the sockets of a kernel."""
    fake = FakeKernel()
    yield fake
    fake.context.destroy(0)


BAD: list[tuple[str, Callable[[Session, Message], list[bytes]]]] = [
    ("no delimiter", lambda session, request: [b"garbage"]),
    ("unsigned", lambda session, request: Session().serialize(Session().message("x"))),
    ("other key", lambda session, request: Session(b"x").serialize(Session(b"x").message("x"))),
    (
        "no JSON",
        lambda session, request: [
            b"<IDS|MSG>",
            session.sign([b"{", b"{", b"{", b"{"]),
            *[b"{"] * 4,
        ],
    ),
]


@pytest.mark.parametrize("bad", [make for _, make in BAD], ids=[name for name, _ in BAD])
@pytest.mark.rule("R-WIRE-10")
@pytest.mark.off_catalogue("a kernel made up by the test, that answers badly", kernel=True)
def test_bad_message_to_a_client(
    fake: FakeKernel, bad: Callable[[Session, Message], list[bytes]]
) -> None:
    """A message that breaks the protocol is dropped; the reply behind it arrives."""
    with KernelClient(fake.connection) as client:
        exchange = client.send("kernel_info_request")
        request = fake.next_request()
        fake.sockets["shell"].send_multipart([*request.idents, *bad(fake.session, request)])
        fake.reply(request)
        fake.publish_idle(request)
        client.wait(exchange)
        assert exchange.content == {"status": "ok"}


@pytest.mark.rule("R-REQ-4", "R-REQ-11")
@pytest.mark.off_catalogue("a kernel made up by the test, that answers badly", kernel=True)
def test_kernel_without_iopub(fake: FakeKernel) -> None:
    """Without idle an exchange is not complete, and the error says so."""
    with KernelClient(fake.connection) as client:
        exchange = client.send("kernel_info_request")
        fake.reply(fake.next_request())
        with pytest.raises(TimeoutError, match="kernel_info_request: no idle within"):
            client.wait(exchange, 0.5)


@pytest.mark.rule("R-STDIN-1")
@pytest.mark.off_catalogue("a kernel made up by the test, that answers badly", kernel=True)
def test_question_that_was_not_allowed(fake: FakeKernel) -> None:
    """A kernel that asks a client which cannot be asked breaks the protocol."""
    with KernelClient(fake.connection) as client:
        client.send("kernel_info_request")
        request = fake.next_request()
        # A ROUTER drops what is for a peer it has not heard of, so the client speaks first.
        client._sockets["stdin"].send(b"here")
        assert fake.sockets["stdin"].poll(10_000)
        fake.sockets["stdin"].recv_multipart()
        question = fake.session.message("input_request", parent=request, idents=request.idents)
        fake.sockets["stdin"].send_multipart(fake.session.serialize(question))
        with pytest.raises(ProtocolError, match="cannot be asked"):
            client.receive(10)


@pytest.mark.rule("R-REQ-11")
def test_nobody_answers(fake: FakeKernel) -> None:
    """Where no kernel answers, waiting ends with the deadline."""
    with (
        KernelClient(fake.connection) as client,
        pytest.raises(TimeoutError, match=r"no kernel answered within 0\.3 s"),
    ):
        client.wait_until_ready(0.3)


def test_kernel_dies_before_it_answers(fake: FakeKernel) -> None:
    """A kernel process that ends before it answered is told from one that is slow."""
    with subprocess.Popen([sys.executable, "-c", "raise SystemExit(5)"]) as process:
        process.wait(30)
        with (
            KernelClient(fake.connection, process=process) as client,
            pytest.raises(RuntimeError, match="status 5"),
        ):
            client.wait_until_ready(10)


def test_nobody_is_alive() -> None:
    """Where nothing listens, no heartbeat comes back."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with KernelClient(Connection("tcp", "127.0.0.1", *[port] * 5, "")) as client:
            assert not client.is_alive(0.1)


@pytest.mark.skipif(not zmq.has("curve"), reason="this libzmq has no CURVE")
def test_curve(tmp_path: Path) -> None:
    """With CURVE keys in the file, client and kernel talk encrypted."""
    public, secret = (key.decode() for key in zmq.curve_keypair())
    argv = [sys.executable, "-m", "refimpl", "kernel", "python", "-f", "{connection_file}"]
    keys = {"curve_publickey": public, "curve_secretkey": secret}
    with run_kernel(tmp_path / "kernel", argv, **keys) as run:
        with run.connect() as client:
            assert client.execute("1 + 1").result == "2"
            client.request("shutdown_request", {"restart": False}, channel="control")
        assert run.wait() == 0
