"""Subshells of a real kernel process: they answer while the main shell is busy."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from conftest import TIMEOUT, Client, run_kernel

ARGV = [sys.executable, "-m", "refimpl", "kernel", "python", "-f", "{connection_file}"]


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """Run one kernel with subshells for all tests of this module."""
    with run_kernel(tmp_path_factory.mktemp("kernel"), ARGV) as run:
        yield run


@pytest.fixture
def client(kernel) -> Iterator[Client]:
    """Connect a client to it."""
    with kernel.connect() as client:
        yield client


@pytest.fixture
def subshell(client) -> Iterator[str]:
    """Create a subshell, and delete it afterwards."""
    subshell_id = create(client)
    yield subshell_id
    delete(client, subshell_id)


def create(client: Client) -> str:
    """Create a subshell; return its id."""
    created = client.request("create_subshell_request", channel="control").content
    assert created["status"] == "ok"
    return created["subshell_id"]


def delete(client: Client, subshell_id: str) -> dict:
    """Delete a subshell; return the content of the reply."""
    content = {"subshell_id": subshell_id}
    return client.request("delete_subshell_request", content, channel="control").content


@pytest.mark.rule("R-SUB-1", "R-SUB-2")
def test_subshell_runs_while_main_is_busy(client, subshell, gate):
    """A subshell executes, completes and inspects while a cell of the main shell runs."""
    busy = client.send("execute_request", {"code": f"value = 5\n{gate.code}\n'main'"})
    gate.reached()
    executed = client.execute("print('beside'); value + 1", subshell_id=subshell)
    assert (executed.text, executed.result) == ("beside\n", "6")
    question = {"code": "valu", "cursor_pos": 4}
    completed = client.request("complete_request", question, subshell_id=subshell)
    assert completed.content["matches"] == ["value"]
    inspected = client.request(
        "inspect_request", question | {"code": "value"}, subshell_id=subshell
    )
    assert inspected.content["found"]
    assert not busy.is_complete
    gate.open()
    assert client.wait(busy).result == "'main'"


@pytest.mark.rule("R-SUB-1")
def test_main_runs_while_subshell_is_busy(client, subshell, gate):
    """A cell in a subshell does not keep the main shell from its work."""
    code = {"code": f"{gate.code}\n'beside'"}
    busy = client.send("execute_request", code, subshell_id=subshell)
    gate.reached()
    assert client.execute("6 * 7").result == "42"
    assert not busy.is_complete
    gate.open()
    assert client.wait(busy).result == "'beside'"


def test_main_wakes_up_for_its_own(client, subshell):
    """Requests for the main shell and for a subshell, in turns, are all answered."""
    for _ in range(200):
        for shell in (subshell, None):
            sent = client.send("kernel_info_request", subshell_id=shell)
            assert client.wait(sent).content["status"] == "ok"


def test_requests_at_once(client):
    """Many requests for several shells, sent without waiting, get each its own answer."""
    shells = [create(client) for _ in range(3)] + [None]
    sent = [
        client.send(
            "execute_request", {"code": f"'{n}'", "silent": False}, subshell_id=shells[n % 4]
        )
        for n in range(200)
    ]
    assert [client.wait(each).result for each in sent] == [f"'{n}'" for n in range(200)]
    for shell in shells[:-1]:
        assert delete(client, shell)["status"] == "ok"


@pytest.mark.rule("R-SUB-1")
def test_order_within_a_subshell(client, subshell):
    """Within one subshell requests are served one after the other."""
    client.execute("seen = []")
    sent = [
        client.send("execute_request", {"code": f"seen.append({n})"}, subshell_id=subshell)
        for n in range(50)
    ]
    for each in sent:
        client.wait(each)
    assert client.execute("seen == list(range(50))").result == "True"


def test_each_shell_has_its_count_and_history(client, subshell):
    """The first cell of a subshell is number 1, and its history has no cell of another shell."""
    client.execute("'main'")
    assert client.execute("'mine'", subshell_id=subshell).content["execution_count"] == 1
    tail = {"hist_access_type": "tail", "output": False, "raw": True, "n": 10}
    history = client.request("history_request", tail, subshell_id=subshell).content["history"]
    assert history == [[1, 1, "'mine'"]]


def test_payload_belongs_to_its_cell(client, subshell, gate):
    """What one shell shows in the pager is not in the reply of another."""
    busy = client.send("execute_request", {"code": gate.code})
    gate.reached()
    shown = client.execute("len?", subshell_id=subshell).content["payload"]
    gate.open()
    assert [entry["source"] for entry in shown] == ["page"]
    assert client.wait(busy).content["payload"] == []


def test_failure_in_a_subshell(client, subshell, gate):
    """A failing cell cancels what waits for its own shell, and nothing of the main shell."""
    failing = client.send("execute_request", {"code": f"{gate.code}\n1/0"}, subshell_id=subshell)
    gate.reached()
    after = client.send("execute_request", {"code": "1"}, subshell_id=subshell)
    main = client.send("execute_request", {"code": "1"})
    assert client.wait(main).content["status"] == "ok"
    gate.open()
    assert client.wait(failing).content["status"] == "error"
    assert client.wait(after).content["status"] == "aborted"


def test_input_in_a_subshell(kernel, gate):
    """A cell in a subshell may ask; the question has the subshell's request as its parent."""
    asked = []

    def answer(question):
        asked.append(question.parent_header.get("subshell_id"))
        return "Ada"

    with kernel.connect(on_input=answer) as client:
        subshell_id = create(client)
        busy = client.send("execute_request", {"code": gate.code, "allow_stdin": True})
        gate.reached()
        assert client.execute("input('who? ')", subshell_id=subshell_id).result == "'Ada'"
        gate.open()
        client.wait(busy)
        assert asked == [subshell_id]
        delete(client, subshell_id)


def test_await_in_a_subshell(client, subshell):
    """A subshell has an event loop of its own, for top-level await."""
    code = "import asyncio\nawait asyncio.sleep(0.001)\n'awaited'"
    assert client.execute(code, subshell_id=subshell).result == "'awaited'"


def test_interrupt_is_for_the_main_shell(client, subshell, gate):
    """An interrupt ends the cell of the main shell; a subshell's cell goes on."""
    beside = client.send(
        "execute_request", {"code": f"{gate.code}\n'went on'"}, subshell_id=subshell
    )
    gate.reached()
    busy = client.send("execute_request", {"code": "display('loops')\nwhile True: pass"})
    client.until(lambda: busy.outputs, "display of the main shell")
    client.interrupt()
    assert client.wait(busy).content["ename"] == "KeyboardInterrupt"
    gate.open()
    assert client.wait(beside).result == "'went on'"


@pytest.mark.rule("R-SUB-3")
def test_deleted_while_it_works(client, gate):
    """A subshell that is deleted answers what it works at; what waits gets an error."""
    subshell_id = create(client)
    code = {"code": f"{gate.code}\n'finished'"}
    working = client.send("execute_request", code, subshell_id=subshell_id)
    gate.reached()
    waiting = client.send("execute_request", {"code": "1"}, subshell_id=subshell_id)
    assert delete(client, subshell_id) == {"status": "ok"}
    gate.open()
    assert client.wait(working).result == "'finished'"
    assert "expected a subshell" in client.wait(waiting).content["evalue"]


def test_thread_of_a_deleted_subshell_ends(client):
    """Subshells leave no threads behind."""
    count = "import threading\nthreading.active_count()"
    before = int(client.execute(count).result)
    names = [create(client) for _ in range(5)]
    for name in names:
        client.execute("1", subshell_id=name)
        delete(client, name)
    waited = "[t.join() for t in threading.enumerate() if t.name.startswith('subshell')]"
    assert int(client.execute(f"{waited}\n{count}").result) <= before + 1  # and the sorter


def test_shutdown_with_a_busy_subshell(tmp_path, gate):
    """A kernel ends on request, whatever its subshells do."""
    with run_kernel(tmp_path / "kernel", ARGV) as run, run.connect() as client:
        subshell_id = create(client)
        client.send("execute_request", {"code": f"{gate.code}"}, subshell_id=subshell_id)
        gate.reached()
        client.request("shutdown_request", {"restart": False}, channel="control")
        assert run.wait(TIMEOUT) == 0
