"""The table of rules, the pages that show them, the tests that check them, and a few such tests."""

import asyncio
import base64
import doctest
import json
import re
import sys
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import zmq
from test_docs_ext import build

from refimpl.kernel import Kernel
from refimpl.messages import rules
from refimpl.messages.rules import KINDS, LEVELS, NORMATIVE, RULES, SIDES, Rule
from refimpl.run_client import KernelClient, start_kernel
from refimpl.wire import CHANNELS, Connection, Message, Session

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "docs"))
from _ext import rules as directives  # noqa: E402 - the path comes first

PAGES = {path: path.read_text("utf-8") for path in sorted(ROOT.glob("docs/**/*.md"))}
CHECKS = directives.find_checks()
# Ids that pages of others may link to: none of them may go, or come to mean something else.
PUBLISHED = {"MSG": 3, "WIRE": 10, "REQ": 10, "EXEC": 9, "STDIN": 3, "INFO": 1, "IOPUB": 3}
PUBLISHED |= {"CTRL": 6, "CODE": 1, "COMM": 2, "VER": 1}
TIMEOUT = 20.0  # seconds; only a test that fails waits so long


# --- the table ---------------------------------------------------------------------------------


def test_no_id_is_given_twice() -> None:
    """Each entry of the table has an id of its own."""
    assert len(RULES) == len(rules._RULES)


def test_no_published_id_is_gone() -> None:
    """The ids that were published once are there for ever."""
    old = {f"R-{group}-{n + 1}" for group, count in PUBLISHED.items() for n in range(count)}
    assert len(old) == 49
    assert old <= RULES.keys()


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_facts_are_well_formed(rule: Rule) -> None:
    """The facts are words of the table, the title is no sentence, the source has a name."""
    assert re.fullmatch(r"R-[A-Z]+-[1-9]\d*", rule.id)
    assert rule.level in LEVELS
    assert rule.kind in KINDS
    assert rule.binds in SIDES
    assert rule.title[:1] == rule.title[:1].upper()
    assert rule.title[-1] != "."
    assert rule.title.count("`") % 2 == 0
    assert urllib.parse.urlsplit(rule.source).scheme == "https"
    assert directives.source_name(rule.source)
    assert rule.untested[-1:] != "."


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES.values() if rule.kind == NORMATIVE], ids=lambda rule: rule.id
)
def test_normative_rule_can_be_read(rule: Rule) -> None:
    """What is called normative stands in the specification or in an accepted proposal."""
    assert re.match(r"specification, .|JEP \d", directives.source_name(rule.source))


@pytest.mark.parametrize("rule", RULES)
def test_rule_is_explained_on_one_page(rule: str) -> None:
    """Each rule has its explanation on exactly one page."""
    shown = [p.name for p, text in PAGES.items() if re.search(rf"(?m)^:+\{{rule\}} {rule}$", text)]
    assert len(shown) == 1, f"{rule}: expected a page with ':::{{rule}} {rule}', got {shown}"


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_rule_is_checked(rule: Rule) -> None:
    """Each rule is checked by a test, or the table says why none can."""
    if rule.untested:
        assert rule.id not in CHECKS, f"{rule.id}: it is checked, so `untested` must go"
    else:
        assert rule.id in CHECKS, f"{rule.id}: expected a test marked with it, got none"


def test_marks_name_rules() -> None:
    """No test claims to check a rule that does not exist."""
    assert CHECKS.keys() <= RULES.keys()


# --- the directives ----------------------------------------------------------------------------


def test_examples_of_the_directives() -> None:
    """The examples in the docstrings of the extension are right."""
    failed, tried = doctest.testmod(directives)
    assert (failed, tried > 3) == (0, True)


def test_source_without_a_name() -> None:
    """An address that nobody taught the extension to name is an error that shows it."""
    with pytest.raises(ValueError, match="that has a name, got https"):
        directives.source_name("https://example.org/x")


GOOD = """# Good

```{questions}
```

:::{rule} R-REQ-1
Every request. See {question}`Q-1`.
:::

:::{rule} R-DISP-1
All of them.
:::

:::{question} Q-1 What does `null` mean?
:refimpl: an error
See {rule}`R-REQ-1`.
:::
"""


def test_rule_and_question_on_a_page(tmp_path: Path) -> None:
    """A rule shows its facts, its source and its tests; a table lists the questions."""
    status, said = build({"index.md": "# Start\n\n```{toctree}\na\n```\n", "a.md": GOOD}, tmp_path)
    assert (status, said.strip()) == (0, "")
    page = (tmp_path / "html" / "a.html").read_text("utf-8")
    page = page.replace('<span class="pre">', "").replace("</span>", "")
    for part in (
        'id="rule-R-REQ-1"',
        ">MUST ",
        ">normative ",
        "Busy and idle surround every request",
        "Binds the kernel.",
        f'href="{RULES["R-REQ-1"].source}"',
        "test_kernel.py: ",
        ">test_every_request<",
        "Not checked here: our client keeps messages and draws nothing.",
        'href="#question-Q-1"',
        "an error",
    ):
        assert part in page, part
    assert re.search(r'<a [^>]*href="#rule-R-REQ-1"', page)


def test_mistakes_fail_the_build(tmp_path: Path) -> None:
    """An unknown rule, a rule shown twice, a question that is none: each is one error."""
    pages = {
        "index.md": "# Bad\n\n```{toctree}\na\nb\nc\nd\ne\n```\n",
        "a.md": "# A\n\n:::{rule} R-NONE-1\nText.\n:::\n",
        "b.md": "# B\n\n:::{rule} R-REQ-1\nText.\n:::\n\n:::{rule} R-REQ-1\nText.\n:::\n",
        "c.md": "# C\n\n{rule}`R-NONE-2`\n",
        "d.md": "# D\n\n:::{question} Q-1 No question.\n:refimpl: x\nText.\n:::\n",
        "e.md": "# E\n\n:::{question} Q-2 Why?\nText.\n:::\n",
    }
    status, said = build(pages, tmp_path)
    assert status == 1
    expected = {
        "a.md": "expected an id of refimpl/messages/rules.py, got 'R-NONE-1'",
        "b.md": "duplicate rule description of R-REQ-1",
        "c.md": "R-NONE-2",
        "d.md": "expected 'Q-number Question?', got 'Q-1 No question.'",
        "e.md": "question Q-2: expected a line ':refimpl: answer', got none",
    }
    for place, message in expected.items():
        assert any(place in line and message in line for line in said.splitlines()), (place, said)


# --- rules that no other test checks -----------------------------------------------------------


@pytest.fixture
def shell(kernel: Any) -> Iterator[zmq.Socket[bytes]]:
    """Connect a bare socket to the kernel's shell."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as sock:
        sock.linger = 0
        sock.rcvtimeo = int(TIMEOUT * 1000)
        sock.connect(kernel.connection.url("shell"))
        yield sock


def ask(shell: zmq.Socket[bytes], kernel: Any, **header: Any) -> list[bytes]:
    """Send a kernel_info_request whose header is changed, None for left out; return the frames."""
    session = kernel.connection.new_session()
    message = session.message("kernel_info_request", {"colour": "blue"})
    message.header.update(header)
    for name in [name for name, value in message.header.items() if value is None]:
        del message.header[name]
    shell.send_multipart(session.serialize(message))
    return shell.recv_multipart()


def read_part(frame: bytes) -> dict[str, Any]:
    """Read a frame as whoever knows nothing but JSON does; those before the parts are empty."""
    return json.loads(frame.decode("utf-8")) if frame.startswith(b"{") else {}


@pytest.mark.rule("R-MSG-2")
def test_session_of_a_client(kernel: Any) -> None:
    """All requests of a client bear one session id; two clients have two."""
    with kernel.connect() as one, kernel.connect() as two:
        first, second = one.execute("1").request, one.request("kernel_info_request").request
        other = two.execute("1").request
    assert first.session == second.session
    assert first.session != other.session


@pytest.mark.rule("R-MSG-3")
def test_session_of_a_kernel(launch: Any) -> None:
    """All replies of a run bear one session id; the next run has another one."""
    sessions = []
    for _ in range(2):
        with launch("echo").connect() as client:
            replies = [client.execute("1").reply for _ in range(2)]
            sessions.append({reply.session for reply in replies})
    assert [len(each) for each in sessions] == [1, 1]
    assert sessions[0].isdisjoint(sessions[1])


@pytest.mark.rule("R-MSG-4", "R-VER-1")
@pytest.mark.off_catalogue("headers that lack what they should have")
@pytest.mark.parametrize(
    "header",
    [
        {"date": None},
        {"date": "yesterday"},
        {"version": None},
        {"version": "5.0"},
        {"version": "5.99", "colour": "blue"},
    ],
    ids=str,
)
def test_header_of_another_minor_version(kernel: Any, shell: Any, header: dict[str, Any]) -> None:
    """Without date or version, and with those of earlier and later versions, all is answered."""
    _, _, answer, parent, _, content = map(read_part, ask(shell, kernel, **header))
    assert (answer["msg_type"], content["status"]) == ("kernel_info_reply", "ok")
    assert {name: parent.get(name) for name in header} == header


@pytest.mark.rule("R-WIRE-8")
def test_parts_are_json(kernel: Any, shell: Any) -> None:
    """The four parts of a message are JSON objects in UTF-8, whoever reads them."""
    _, _, header, parent, metadata, content = map(read_part, ask(shell, kernel))
    assert (header["msg_type"], parent["msg_type"]) == ("kernel_info_reply", "kernel_info_request")
    assert (metadata, content["language_info"]["name"]) == ({}, "python")


@pytest.mark.rule("R-EXEC-13")
def test_forms_of_a_value(client: Any) -> None:
    """A value has plain text among its forms; JSON stays JSON, and bytes become base64 text."""
    code = (
        "class Rich:\n"
        "    def _repr_png_(self): return b'\\x89PNG'\n"
        "    def _repr_json_(self): return {'a': [1, None]}\n"
        "Rich()"
    )
    (result,) = client.execute(code).outputs[-1:]
    assert result.msg_type == "execute_result"
    data = result.content["data"]
    assert isinstance(data["text/plain"], str)
    assert data["application/json"] == {"a": [1, None]}
    assert base64.b64decode(data["image/png"]) == b"\x89PNG"


@pytest.mark.rule("R-IOPUB-4")
def test_flood_is_received_whole(client: Any, gate: Any) -> None:
    """Nothing of a flood is lost, though the client reads nothing until it is over."""
    code = f"for n in range(5000):\n    display(n)\n{gate.code}"
    cell = client.send("execute_request", {"code": code})
    gate.reached()
    gate.open()
    client.wait(cell, TIMEOUT)
    shown = [m.content["data"]["text/plain"] for m in cell.outputs if m.msg_type == "display_data"]
    assert shown == [str(n) for n in range(5000)]
    assert cell.states == ["busy", "idle"]


@pytest.mark.rule("R-HB-1")
@pytest.mark.parametrize(
    "frames", [[b""], [b"\x00\xff"], [b"x" * 1_000_000], [b"one", b"", b"two"]], ids=len
)
def test_heartbeat_returns_what_came(kernel: Any, frames: list[bytes]) -> None:
    """Bytes of any kind and length, in one frame or several, come back as they were."""
    with zmq.Context() as context, context.socket(zmq.REQ) as sock:
        sock.linger = 0
        sock.rcvtimeo = int(TIMEOUT * 1000)
        sock.connect(kernel.connection.url("hb"))
        sock.send_multipart(frames)
        assert sock.recv_multipart() == frames


class Debugged(Kernel):
    """A kernel whose debugger reports that it has stopped, and answers."""

    supported_features: ClassVar[list[str]] = ["debugger"]

    def do_debug_request(self, message: dict[str, Any]) -> dict[str, Any]:
        """Report, then answer."""
        event = {"seq": 1, "type": "event", "event": "stopped", "body": {"reason": "pause"}}
        self.publish("debug_event", event)
        answer = {"request_seq": message["seq"], "command": message["command"]}
        return {"seq": 2, "type": "response", "success": True, **answer, "body": {}}


@pytest.mark.rule("R-DEBUG-1", "R-DEBUG-2")
@pytest.mark.parametrize(
    ("channel", "sent"),
    [
        ("control", ["iopub debug_event", "control debug_reply"]),
        ("shell", ["shell debug_reply"]),
    ],
)
@pytest.mark.off_catalogue("a debug request on shell, and the error that answers it", kernel=True)
def test_debugger_is_asked_on_control(channel: str, sent: list[str]) -> None:
    """The debugger hears what comes on control alone; what it reports goes to iopub."""
    seen: list[str] = []
    kernel = Debugged(send=lambda where, message: seen.append(f"{where} {message.msg_type}"))
    content = {"seq": 1, "type": "request", "command": "pause", "arguments": {"threadId": 1}}
    asyncio.run(kernel.handle(Session().message("debug_request", content), channel))
    assert [each for each in seen if each != "iopub status"] == sent


@pytest.mark.rule("R-CTRL-5")
def test_client_shuts_down_on_control(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client that started a kernel ends it by a request on control."""
    sent = []
    send = KernelClient.send

    def spy(self: KernelClient, msg_type: str, *args: Any, **options: Any) -> Any:
        sent.append((msg_type, options.get("channel", "shell")))
        return send(self, msg_type, *args, **options)

    monkeypatch.setattr(KernelClient, "send", spy)
    with start_kernel("echo") as client:
        process = client.process
    assert sent[-1] == ("shutdown_request", "control")
    assert process is not None
    assert process.wait(TIMEOUT) == 0


@pytest.mark.rule("R-IOPUB-3")
@pytest.mark.off_catalogue("a kernel that says nothing of itself", kernel=True)
def test_client_asks_until_it_hears_idle() -> None:
    """A client of a kernel without welcome asks again when a reply came without its idle."""
    asked: list[Message] = []
    with zmq.Context() as context:
        sockets = {
            name: context.socket(kind)
            for name, kind in (("shell", zmq.ROUTER), ("iopub", zmq.PUB))  # no welcome from a PUB
        }
        ports = dict.fromkeys((channel.name for channel in CHANNELS), 1)
        for name, sock in sockets.items():
            sock.linger = 0
            ports[name] = sock.bind_to_random_port("tcp://127.0.0.1")
        connection = Connection("tcp", "127.0.0.1", *ports.values(), "key")
        session = connection.new_session()

        def serve() -> None:
            while len(asked) < 3 and sockets["shell"].poll(int(TIMEOUT * 1000)):
                request = session.deserialize(sockets["shell"].recv_multipart())
                asked.append(request)
                answer: dict[str, Any] = {"parent": request, "idents": request.idents}
                reply = session.message("kernel_info_reply", {"status": "ok"}, **answer)
                sockets["shell"].send_multipart(session.serialize(reply))
                if len(asked) == 3:  # until then, the subscription is on its way
                    state = {"execution_state": "idle"}
                    idle = session.message("status", state, parent=request, idents=[b"status"])
                    sockets["iopub"].send_multipart(session.serialize(idle))

        kernel = threading.Thread(target=serve)
        kernel.start()
        with KernelClient(connection) as client:
            assert client.wait_until_ready(TIMEOUT) == {"status": "ok"}
        kernel.join()
        for sock in sockets.values():
            sock.close()
    assert len({request.msg_id for request in asked}) == 3
