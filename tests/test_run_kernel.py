"""A kernel in a process of its own: order of outputs, interrupts, threads, addresses, its end."""

import asyncio
import contextlib
import dis
import itertools
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Self

import pytest
import zmq

from refimpl import run_kernel
from refimpl.wire import PORTS, Connection, ProtocolError, Session

TIMEOUT = 20.0
PROMPTLY = 2.0  # seconds in which a kernel has to end
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals and processes")


def has_ipv6() -> bool:
    """Tell whether this machine has the IPv6 loopback address."""
    with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


def shapes(exchange) -> list:
    """Name what was published for a request; stream text in full."""
    return [
        (m.content["name"], m.content["text"]) if m.msg_type == "stream" else m.msg_type
        for m in exchange.outputs
    ]


def outcome(exchange) -> str:
    """Say how a request ended: its status, or the name of its error."""
    return exchange.content.get("ename") or exchange.content["status"]


# --- output ------------------------------------------------------------------------------------


@pytest.mark.rule("R-EXEC-1", "R-IOPUB-4")
def test_many_short_lines_arrive_whole(client):
    """100,000 printed lines arrive complete, in order, and in far fewer messages."""
    exchange = client.execute("for n in range(100_000): print(n)", timeout=TIMEOUT)
    assert exchange.text == "".join(f"{n}\n" for n in range(100_000))
    assert len(exchange.outputs) < 1000


def test_long_string_arrives_whole(client):
    """One printed string of 20 MB arrives as it was."""
    exchange = client.execute("print('0123456789' * 2_000_000)", timeout=TIMEOUT)
    assert exchange.text == "0123456789" * 2_000_000 + "\n"


def test_long_result_arrives_whole(client):
    """A cell's value of 20 MB arrives as it was."""
    exchange = client.execute("'0123456789' * 2_000_000", timeout=TIMEOUT)
    assert exchange.result == repr("0123456789" * 2_000_000)


@pytest.mark.rule("R-EXEC-1")
def test_stdout_and_stderr_keep_their_order(client):
    """What is written in turns to stdout and stderr is published in this order."""
    code = "import sys\nfor n in range(200): print(n); print(-n, file=sys.stderr)"
    expected = [
        (name, sign) for _ in range(200) for name, sign in (("stdout", ""), ("stderr", "-"))
    ]
    found = shapes(client.execute(code))[1:]
    assert [name for name, _ in found] == [name for name, _ in expected]
    assert "".join(text for _, text in found) == "".join(f"{n}\n{-n}\n" for n in range(200))


@pytest.mark.rule("R-EXEC-1")
def test_display_stays_between_the_prints_around_it(client):
    """A display between two prints is published between them, and the value after all."""
    code = "print('before'); display(1); print('after', end=''); clear_output(wait=True); 7"
    assert shapes(client.execute(code)) == [
        "execute_input",
        ("stdout", "before\n"),
        "display_data",
        ("stdout", "after"),
        "clear_output",
        "execute_result",
    ]


def test_outputs_of_threads_are_complete(client):
    """Each line that four threads write at once arrives once, and each thread's in its order."""
    code = (
        "import sys, threading\n"
        "def work(name):\n"
        "    for n in range(2000): sys.stdout.write(f'{name} {n}\\n')\n"
        "threads = [threading.Thread(target=work, args=(name,)) for name in 'abcd']\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()"
    )
    lines = client.execute(code).text.splitlines()
    assert len(lines) == 8000
    for name in "abcd":
        assert [line for line in lines if line[0] == name] == [f"{name} {n}" for n in range(2000)]


def test_thread_prints_after_its_cell(client, gate):
    """What a thread prints after the cell that began it is published all the same."""
    code = (
        f"import threading\nthreading.Thread(target=lambda: ({gate.code}, print('late'))).start()"
    )
    cell = client.execute(code)
    gate.reached()
    gate.open()
    (late,) = client.until(lambda: client.arrived("stream"), "output of the thread")
    assert late.content == {"name": "stdout", "text": "late\n"}
    assert late.parent_header["msg_id"] == cell.request.msg_id


def test_error_in_a_thread_shows_none_of_our_code(client):
    """The traceback of a thread that fails has Python's frames and the user's, and no other."""
    code = "import threading\nt = threading.Thread(target=lambda: 1 / 0)\nt.start()\nt.join()"
    text = client.execute(code).text
    assert "ZeroDivisionError" in text
    assert "refimpl" not in text


def test_print_is_seen_while_the_cell_runs(client, gate):
    """Printed text does not wait for the end of its cell."""
    cell = client.send("execute_request", {"code": f"print('seen', end=''); {gate.code}"})
    gate.reached()
    client.until(lambda: cell.text == "seen", "text")
    assert not cell.is_complete
    gate.open()
    assert outcome(client.wait(cell)) == "ok"


def test_print_is_seen_before_a_question(kernel):
    """What was printed before a question is published before the question is answered."""

    def answer(request) -> str:
        client.until(lambda: cell.text == "before\n", "text")
        return "answer"

    with kernel.connect(answer) as client:
        code = "print('before'); input()"
        cell = client.send("execute_request", {"code": code, "allow_stdin": True})
        assert client.wait(cell).result == "'answer'"


def test_characters_beyond_ascii_survive(client):
    """Text of any script, and characters beyond the 16-bit plane, come back as they went."""
    text = "é ß 中文 עברית \u2028 𝄞 👩\u200d🚀"
    exchange = client.execute(f"print({text!r})\n'{text}'")
    assert exchange.text == text + "\n"
    assert exchange.result == repr(text)
    assert exchange.outputs[0].content["code"].endswith(f"'{text}'")


@pytest.mark.rule("R-CODE-1", "R-CODE-2")
def test_cursor_counts_code_points(client):
    """A character beyond the 16-bit plane counts as one in the cursor, both ways."""
    code = "'𝄞𝄞' + isinst"
    content = client.request("complete_request", {"code": code, "cursor_pos": len(code)}).content
    assert content["matches"] == ["isinstance"]
    assert code[content["cursor_start"] : content["cursor_end"]] == "isinst"


# --- errors ------------------------------------------------------------------------------------


FAILING = {
    "function": ("def inner():\n    return 1 / 0\n\ninner()", ["    inner()", "    return 1 / 0"]),
    "coroutine": (
        "import asyncio\nasync def inner():\n    await asyncio.sleep(0)\n    1 / 0\nawait inner()",
        ["    await inner()", "    1 / 0"],
    ),
    "cause": (
        "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise ValueError from error",
        ["    1 / 0", "    raise ValueError from error"],
    ),
    "group": (
        "raise ExceptionGroup('two', [ValueError(1), TypeError(2)])",
        [
            "  |     raise ExceptionGroup('two', [ValueError(1), TypeError(2)])",
            "    | TypeError: 2",
        ],
    ),
    "syntax": ("x = 1\ndef broken(:", ["    def broken(:"]),
    "library": ("import json\njson.loads('{')", ["    json.loads('{')"]),
}


@pytest.mark.parametrize(("code", "blamed"), FAILING.values(), ids=FAILING)
def test_traceback_shows_the_cell_and_not_us(client, code, blamed):
    """A traceback quotes the lines of the cell that failed, and no file of the kernel."""
    exchange = client.execute(code)
    (error,) = (m.content for m in exchange.outputs if m.msg_type == "error")
    lines = error["traceback"]
    assert [line for line in blamed if line not in lines] == []
    assert [line for line in lines if "refimpl" in line or "asyncio" in line] == []
    assert exchange.content["status"] == "error"
    for name in ("ename", "evalue", "traceback"):
        assert exchange.content[name] == error[name]


@pytest.mark.parametrize("code", ["import sys; sys.exit(3)", "raise SystemExit", "exit()"])
def test_exit_in_a_cell_does_not_end_the_kernel(client, code):
    """Code that exits ends its cell; the kernel stays."""
    client.execute(code)
    assert client.execute("1 + 1").result == "2"


# --- a request and the next --------------------------------------------------------------------


def queue_behind(client, gate, first: str, *others: str, **fields) -> list:
    """Send requests while the first cell waits at the gate; open it when all have arrived."""
    codes = [f"{gate.code}\n{first}", *others]
    exchanges = [
        client.send("kernel_info_request")
        if code == "kernel_info"
        else client.send("execute_request", {"code": code, **fields})
        for code in codes
    ]
    gate.reached()
    client.request("kernel_info_request", channel="control")  # sent last, so the rest is there too
    gate.open()
    return [client.wait(exchange) for exchange in exchanges]


@pytest.mark.rule("R-EXEC-6", "R-EXEC-7")
def test_failed_request_aborts_those_that_wait(client, gate):
    """Behind a failed cell, execute requests are aborted, others answered; later ones run."""
    client.execute("ran = []")
    codes = ("ran.append(1)", "kernel_info", "ran.append(2)")
    exchanges = queue_behind(client, gate, "1 / 0", *codes)
    assert [e.content["status"] for e in exchanges] == ["error", "aborted", "ok", "aborted"]
    assert [e.states for e in exchanges] == [["busy", "idle"]] * 4
    assert shapes(exchanges[1]) == []
    assert client.execute("ran").result == "[]"


@pytest.mark.rule("R-EXEC-6")
def test_failed_request_aborts_nothing_when_told_so(client, gate):
    """With stop_on_error false, requests behind a failed cell run."""
    exchanges = queue_behind(client, gate, "1 / 0", "1", "2", stop_on_error=False)
    assert [e.content["status"] for e in exchanges] == ["error", "ok", "ok"]
    assert [e.result for e in exchanges] == [None, "1", "2"]


@pytest.mark.rule("R-EXEC-8")
def test_failure_aborts_nothing_that_was_sent_after_it(client):
    """A request of a front end that already knows of the failure is run, however soon it comes."""
    for _ in range(300):
        assert outcome(client.execute("1 / 0")) == "ZeroDivisionError"
        assert outcome(client.execute("1")) == "ok"


@pytest.mark.parametrize("lag", [0.1, 10.0, -0.01, -10.0])
def test_failure_aborts_nothing_that_another_clock_sent_after_it(kernel, lag):
    """A front end whose clock is clearly late, or early, is not punished for it."""

    def now() -> str:
        return (datetime.now(UTC) - timedelta(seconds=lag)).isoformat()

    with kernel.connect() as client:
        client.client.session = kernel.connection.new_session(now=now)
        for _ in range(5):
            assert outcome(client.execute("1")) == "ok"
            assert outcome(client.execute("1 / 0")) == "ZeroDivisionError"
            assert outcome(client.execute("1")) == "ok"


@pytest.mark.rule("R-EXEC-12")
def test_interrupted_request_aborts_those_that_wait(client, gate):
    """An interrupt is a failure like others: what waits behind the cell is aborted."""
    cells = [f"{gate.code}\nwhile True: pass", "1"]
    first, second = [client.send("execute_request", {"code": code}) for code in cells]
    gate.reached()
    client.request("kernel_info_request", channel="control")
    gate.open()
    client.request("interrupt_request", channel="control")
    assert outcome(client.wait(first)) == "KeyboardInterrupt"
    assert client.wait(second).content["status"] == "aborted"


@pytest.mark.rule("R-REQ-8")
def test_queued_requests_run_in_order(client, gate):
    """Requests sent in a row are run in that order, each between its own busy and idle."""
    client.execute("ran = []")
    codes = [f"ran.append({n})" for n in range(50)]
    exchanges = queue_behind(client, gate, "", *codes)
    assert client.execute("ran").result == str([*range(50)])
    assert all(e.states == ["busy", "idle"] for e in exchanges)
    counts = [e.content["execution_count"] for e in exchanges]
    assert counts == [*range(counts[0], counts[0] + 51)]


@pytest.mark.parametrize("code", ["print(1); display(2); 3", "1 / 0"], ids=["output", "error"])
@pytest.mark.rule("R-EXEC-2")
def test_silent_request_shows_nothing(client, code):
    """A silent request publishes its status alone, and does not count."""
    before = client.execute("0").content["execution_count"]
    exchange = client.execute(code, silent=True)
    assert shapes(exchange) == []
    assert exchange.states == ["busy", "idle"]
    assert exchange.content["execution_count"] == before
    assert client.execute("0").content["execution_count"] == before + 1


@pytest.mark.rule("R-EXEC-4")
def test_user_expressions_are_evaluated_each_for_itself(client):
    """Each user expression has its own value or its own error, and none spoils the reply."""
    expressions = {"good": "x + 1", "bad": "no_such_name"}
    content = client.execute("x = 1", user_expressions=expressions).content
    values = content["user_expressions"]
    assert content["status"] == "ok"
    assert values["good"]["data"] == {"text/plain": "2"}
    assert (values["bad"]["status"], values["bad"]["ename"]) == ("error", "NameError")


# --- a running event loop ----------------------------------------------------------------------


def test_await_at_the_top_level(client):
    """A cell may await, and its value may be what was awaited."""
    code = "import asyncio\nawait asyncio.sleep(0)\nawait asyncio.sleep(0, 'done')"
    assert client.execute(code).result == "'done'"


@pytest.mark.rule("R-EXEC-9")
def test_background_task_lives_between_cells(client, gate):
    """A task goes on while no cell runs; what it prints belongs to the cell that began it."""
    code = (
        "import asyncio\n"
        f"async def later():\n    await asyncio.to_thread(lambda: {gate.code})\n    print('late')\n"
        "task = asyncio.create_task(later())"
    )
    cell = client.execute(code)
    client.execute("'another cell'")
    gate.reached()
    gate.open()
    (late,) = client.until(lambda: client.arrived("stream"), "output of the task")
    assert late.parent_header["msg_id"] == cell.request.msg_id


def test_cells_in_a_row_do_not_starve_a_task(client, gate):
    """A background task advances between requests that are all waiting already, if they last."""
    code = (
        "import asyncio\nsteps = 0\n"
        "async def count():\n    global steps\n    while True:\n"
        "        steps += 1\n        await asyncio.sleep(0)\n"
        "task = asyncio.create_task(count())"
    )
    client.execute(code)
    lasts = (
        f"import time\nend = time.perf_counter() + {2 * run_kernel.TURN}\n"
        "while time.perf_counter() < end: pass"
    )
    *_, last = queue_behind(client, gate, "start = steps", *[lasts] * 10, "steps - start")
    client.execute("task.cancel()")
    assert int(last.result) >= 10


# --- interrupts --------------------------------------------------------------------------------

WAYS = [pytest.param("signal", marks=posix), "message"]
ENDLESS = {
    "sleep": "import time; print('in'); time.sleep(100)",
    "loop": "print('in')\nwhile True: pass",
    "await": "import asyncio; print('in'); await asyncio.sleep(100)",
    "await in a function": (
        "import asyncio\n"
        "async def f():\n    print('in')\n    await asyncio.Event().wait()\n"
        "await f()"
    ),
    "lock": "import threading; print('in'); threading.Event().wait()",
    "flood": "import itertools\nfor n in itertools.count(): print('in', n)",
    "displays": "print('in')\nwhile True: display('in')",
    "child": (
        "import subprocess, sys; print('in')\n"
        "subprocess.run([sys.executable, '-c', 'import time; time.sleep(100)'])"
    ),
}


def interrupt(client, way: str) -> None:
    """Interrupt the kernel by signal, or by a message on control."""
    if way == "signal":
        client.process.send_signal(signal.SIGINT)
    else:
        assert client.request("interrupt_request", channel="control").content == {"status": "ok"}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("code", ENDLESS.values(), ids=ENDLESS)
def test_interrupt_ends_a_cell(client, code, way):
    """A cell that would go on for ever ends with KeyboardInterrupt, and the kernel serves on."""
    cell = client.send("execute_request", {"code": code})
    client.until(lambda: "in" in cell.text, "output")
    interrupt(client, way)
    assert outcome(client.wait(cell)) == "KeyboardInterrupt"
    assert "refimpl" not in "\n".join(cell.content["traceback"])
    assert cell.states == ["busy", "idle"]
    assert client.execute("'still ' + 'here'").result == "'still here'"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.rule("R-STDIN-3", "R-STDIN-4")
def test_interrupt_ends_a_question(kernel, way):
    """An interrupt ends input(); the answer that still comes is not taken for the next one."""
    answers = []

    def answer(request) -> str:
        if not answers:
            interrupt(client, way)
        answers.append(request.content["prompt"])
        return f"answer {len(answers)}"

    with kernel.connect(answer) as client:
        first = client.execute("input('first?')")
        second = client.execute("input('second?')")
    assert outcome(first) == "KeyboardInterrupt"
    assert second.result == "'answer 2'"
    assert answers == ["first?", "second?"]


def test_interrupt_ends_a_question_that_waits_for_another(kernel, gate):
    """A cell that may not ask yet, since a thread's question is still open, can be interrupted."""
    code = (
        "import threading\nthread = threading.Thread(target=input, args=['thread?'])\n"
        f"thread.start()\n{gate.code}\ninput('main?')"
    )

    def answer(request) -> str:
        assert request.content["prompt"] == "thread?"
        gate.reached()
        gate.open()
        for _ in range(20):  # the first may be too early: the cell is not waiting yet
            interrupt(client, "message")
            with contextlib.suppress(TimeoutError):
                client.wait(cell, 0.5)
                break
        return ""

    with kernel.connect(answer) as client:
        cell = client.send("execute_request", {"code": code, "allow_stdin": True})
        assert outcome(client.wait(cell)) == "KeyboardInterrupt"
        assert client.execute("thread.join()").content["status"] == "ok"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.rule("R-CTRL-7")
def test_interrupt_while_idle_changes_nothing(client, way):
    """An interrupt that finds no cell running has no effect, neither now nor on the next cell."""
    client.execute("kept = 'value'")
    for _ in range(20):
        interrupt(client, way)
        assert client.execute("kept").result == "'value'"


@pytest.mark.parametrize("way", WAYS)
def test_interrupt_spares_background_tasks(client, gate, way):
    """An interrupt stops the cell, and not the tasks that run beside it."""
    client.execute("import asyncio\ntask = asyncio.create_task(asyncio.sleep(100, 'x'))")
    cell = client.send("execute_request", {"code": f"{gate.code}; await asyncio.sleep(100)"})
    gate.reached()
    gate.open()
    interrupt(client, way)
    assert outcome(client.wait(cell)) == "KeyboardInterrupt"
    assert client.execute("task.done()").result == "False"
    client.execute("task.cancel()")


def test_code_may_handle_the_interrupt(client):
    """A cell that catches KeyboardInterrupt goes on, in plain code and while it awaits."""
    for wait in ("time.sleep(100)", "await asyncio.sleep(100)"):
        code = (
            "import asyncio, time\nprint('in')\n"
            f"try:\n    {wait}\n"
            "except KeyboardInterrupt:\n    await asyncio.sleep(0)\n    print('out')"
        )
        cell = client.send("execute_request", {"code": code})
        client.until(lambda cell=cell: "in" in cell.text, "output")
        client.interrupt()
        assert outcome(client.wait(cell)) == "ok"
        assert cell.text == "in\nout\n"


def test_many_interrupts_leave_the_kernel_whole(client):
    """Interrupts that rain on cells full of output lose no reply and tear no message."""
    for n in range(30):
        cell = client.send("execute_request", {"code": ENDLESS["flood" if n % 2 else "displays"]})
        client.until(lambda cell=cell: cell.text, "output")
        client.interrupt()
        assert outcome(client.wait(cell)) == "KeyboardInterrupt"
    assert client.execute("1").result == "1"


# --- interrupts at every moment ----------------------------------------------------------------


class Tracer:
    """Raise SIGINT at the n-th moment at which some source files could notice one.

    Python looks for signals after calls into C, when a function begins or resumes, and when a loop
    goes back.  So that each such moment is tried, the same code is run for n = 0, 1, 2, ... until
    it ends before the n-th.
    """

    def __init__(self, moment: int, *files: str) -> None:
        """Count the moments that pass while `armed` is set."""
        self.moment = moment
        self.armed = False
        self._files = files
        self._latest: tuple[object, str] = (None, "")

    def __enter__(self) -> Self:
        self._before = sys.gettrace()
        self._handler = signal.getsignal(signal.SIGINT)
        sys._getframe().f_trace_opcodes = True  # Python 3.12 wants to know before settrace
        sys.settrace(self._trace)
        return self

    def __exit__(self, *details: object) -> None:
        sys.settrace(self._before)
        signal.signal(signal.SIGINT, self._handler)

    @property
    def fired(self) -> bool:
        """Whether the signal has been raised."""
        return self.moment < 0

    def _trace(self, frame, event, argument):
        before = self._latest
        if event != "line":
            self._latest = (frame, event)
        if frame.f_code.co_filename in self._files:
            frame.f_trace_opcodes = True
            if event == "opcode":
                name = dis.opname[frame.f_code.co_code[frame.f_lasti]]
                self._latest = (frame, name)
                looks = re.fullmatch("call|CALL.*|RESUME|JUMP_BACKWARD", before[1])
                if self.armed and not self.fired and looks and before[0] is frame:
                    self.moment -= 1
                    if self.fired:
                        signal.raise_signal(signal.SIGINT)
        return self._trace


@contextlib.contextmanager
def interruptible(
    interrupts: run_kernel.Interrupts, moment: int, *files: str
) -> Iterator[tuple[Tracer, Callable]]:
    """Give a tracer, and a function that runs a call as `Interrupts.guard` does."""
    loop = asyncio.SelectorEventLoop()
    with contextlib.closing(loop), Tracer(moment, run_kernel.__file__, *files) as tracer:
        interrupts.install(loop)
        yield tracer, lambda call: loop.run_until_complete(interrupts.guard(call))


def test_no_moment_loses_an_interrupt():
    """An interrupt reaches code that awaits, whenever it comes between two steps."""
    lost = []
    for moment in itertools.count():
        seen = []
        with interruptible(run_kernel.Interrupts(), moment) as (tracer, guard):

            async def wait(tracer=tracer, seen=seen) -> None:
                tracer.armed = True
                try:
                    await asyncio.sleep(0)
                    await asyncio.sleep(0)
                    tracer.armed = False
                    await asyncio.sleep(0.1)  # at the latest, it is interrupted here
                except KeyboardInterrupt:
                    seen.append("interrupted")

            with contextlib.suppress(KeyboardInterrupt):
                guard(wait)
        if not tracer.fired:
            break
        if not seen:
            lost.append(moment)
    assert moment > 5
    assert lost == []


def test_signal_wakes_a_loop_that_is_about_to_sleep(client):
    """A signal is noticed even if it comes just before the event loop goes to sleep."""
    # Python itself only sets a flag, which a loop that sleeps does not see.
    code = "import signal\nfd = signal.set_wakeup_fd(-1)\nsignal.set_wakeup_fd(fd)\nfd"
    assert client.execute(code).result != "-1"


class Front(threading.Thread):
    """A front end in a thread: sends the prompt of each question back as the answer."""

    def __init__(self, context: zmq.Context, port: int) -> None:
        """Connect, and say hello."""
        super().__init__()
        self._session = Session(b"key")
        self._socket = context.socket(zmq.DEALER)
        self._socket.linger = 1000
        self._socket.routing_id = b"front"
        self._socket.connect(f"tcp://127.0.0.1:{port}")
        self._socket.send(b"hello")

    def run(self) -> None:
        """Answer until a message says to stop."""
        with self._socket as sock:
            while True:
                try:
                    request = self._session.deserialize(sock.recv_multipart()).check()
                except ProtocolError:
                    reply = self._session.message("input_reply", {"value": "torn"})
                else:
                    if request.msg_type == "stop":
                        return
                    content = {"value": request.content["prompt"]}
                    reply = self._session.message("input_reply", content, parent=request)
                sock.send_multipart(self._session.serialize(reply))


@pytest.mark.off_catalogue("the test and its kernel agree on a word of their own")
def test_no_moment_tears_a_question():
    """An interrupt of a question leaves only whole messages, whenever it comes."""
    session = Session(b"key")
    with zmq.Context() as context, context.socket(zmq.ROUTER) as sock:
        interrupts = run_kernel.Interrupts()
        stdin = run_kernel.Stdin(sock, session, interrupts)
        front = Front(context, sock.bind_to_random_port("tcp://127.0.0.1"))
        sock.recv_multipart()
        front.start()

        def ask(prompt: str) -> str:
            request = session.message(
                "input_request", {"prompt": prompt, "password": False}, idents=[b"front"]
            )
            return stdin.ask(request).content["value"]

        torn = []
        try:
            for moment in itertools.count():
                with interruptible(interrupts, moment, zmq.sugar.socket.__file__) as (
                    tracer,
                    guard,
                ):
                    tracer.armed = True
                    with contextlib.suppress(KeyboardInterrupt):
                        guard(lambda: ask("first"))
                    tracer.armed = False
                if ask("second") != "second":
                    torn.append(moment)
                if not tracer.fired:
                    break
        finally:
            sock.send_multipart(session.serialize(session.message("stop", idents=[b"front"])))
            front.join()
    assert moment > 20
    assert torn == []


def test_no_moment_silences_a_stream():
    """Text that is written after an interrupted write is sent, whenever the interrupt came."""
    session = Session(b"key")
    with zmq.Context() as context, context.socket(zmq.XPUB) as sock:
        context.linger = 0
        reader = context.socket(zmq.SUB)
        reader.connect(f"tcp://127.0.0.1:{sock.bind_to_random_port('tcp://127.0.0.1')}")
        reader.subscribe(b"")
        interrupts = run_kernel.Interrupts()
        iopub = run_kernel.IOPub(sock, session, interrupts)
        iopub.thread.start()

        def read() -> str:
            assert reader.poll(TIMEOUT * 1000), "the stream is silent"
            return session.deserialize(reader.recv_multipart()).content.get("text", "")

        read()  # the welcome
        try:
            for moment in itertools.count():
                with interruptible(interrupts, moment, contextlib.__file__) as (tracer, guard):
                    tracer.armed = True
                    with contextlib.suppress(KeyboardInterrupt):
                        guard(lambda: iopub.write("stdout", "torn ", None))
                    tracer.armed = False
                iopub.write("stdout", "whole", None)
                text = ""
                while not text.endswith("whole"):
                    text += read()
                if not tracer.fired:
                    break
        finally:
            reader.close()
            iopub.close()
    assert moment > 5


# --- what answers while a cell runs ------------------------------------------------------------


@pytest.mark.rule("R-INFO-1", "R-REQ-8", "R-REQ-9")
def test_control_answers_while_a_cell_runs(client):
    """Requests on control are answered while a cell keeps the main thread busy."""
    cell = client.send("execute_request", {"code": ENDLESS["loop"]})
    client.until(lambda: cell.text, "output")
    for _ in range(10):
        exchange = client.request("kernel_info_request", channel="control")
        assert exchange.content["status"] == "ok"
        assert exchange.states == ["busy", "idle"]
    assert not cell.is_complete
    client.interrupt()
    client.wait(cell)


@posix
@pytest.mark.rule("R-HB-2")
def test_heart_beats_while_the_interpreter_is_held(client, gate):
    """The heartbeat comes back while a call into C keeps every Python thread waiting."""
    # PyDLL keeps the interpreter lock during the call, which returns when the pipe is written to.
    code = (
        "import ctypes, os\nr, w = os.pipe()\nchild = os.fork()\n"
        f"if child == 0:\n    {gate.code}\n    os.write(w, b'!')\n    os._exit(0)\n"
        "ctypes.PyDLL(None).read(r, ctypes.create_string_buffer(1), 1)\n"
        "os.waitpid(child, 0)"
    )
    cell = client.send("execute_request", {"code": code})
    gate.reached()
    with contextlib.suppress(TimeoutError):  # once control has fallen silent, the lock is held
        while True:
            client.request("kernel_info_request", channel="control", timeout=0.2)
    assert all(client.is_alive() for _ in range(20))
    assert not cell.is_complete
    gate.open()
    assert outcome(client.wait(cell)) == "ok"


# --- addresses ---------------------------------------------------------------------------------


def test_kernel_chooses_its_ports(launch):
    """Ports of 0 are replaced in the file by those the kernel bound; nothing else changes."""
    kernel = launch(kernel_name="mine", colour="blue")
    given = Connection.read(kernel.file).to_dict()
    ports = [given.pop(name) for name in PORTS]
    assert len({*ports}) == 5
    assert all(ports)
    assert given == {
        "transport": "tcp",
        "ip": "127.0.0.1",
        "key": "a key that two know",
        "signature_scheme": "hmac-sha256",
        "kernel_name": "mine",
        "colour": "blue",
    }
    if sys.platform != "win32":
        assert stat.S_IMODE(kernel.file.stat().st_mode) == 0o600
    assert [path.name for path in kernel.file.parent.iterdir() if path.name[0] == "."] == []


def test_kernel_leaves_a_complete_file_alone(launch, tmp_path):
    """A connection file that names all ports is used as it is, and not written again."""
    other = launch()
    other.process.kill()
    other.wait()
    before = other.file.stat()
    kernel = launch(**{name: getattr(other.connection, name) for name in PORTS})
    text = kernel.file.read_bytes()
    with kernel.connect() as client:
        assert client.execute("1").result == "1"
    assert kernel.file.read_bytes() == text
    assert other.file.stat() == before


@posix
@pytest.mark.rule("R-CONN-3")
def test_kernel_serves_on_ipc(launch, tmp_path):
    """A kernel serves on local sockets as it does on TCP."""
    kernel = launch(transport="ipc", ip=str(tmp_path / "s"))
    assert (tmp_path / f"s-{kernel.connection.shell_port}").is_socket()
    with kernel.connect() as client:
        assert client.execute("print(1); 2").text == "1\n"
        assert client.is_alive()


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback address")
@pytest.mark.rule("R-CONN-3")
def test_kernel_serves_on_ipv6(launch):
    """A kernel serves on an IPv6 address."""
    kernel = launch(ip="::1")
    assert kernel.connection.url("shell") == f"tcp://[::1]:{kernel.connection.shell_port}"
    with kernel.connect() as client:
        assert client.execute("1").result == "1"
        assert client.is_alive()


@pytest.mark.skipif(not zmq.has("curve"), reason="this libzmq was built without CURVE")
def test_kernel_serves_with_curve(launch):
    """With CURVE keys in the file, a client with the key is served, and one without is not."""
    public, secret = (key.decode("ascii") for key in zmq.curve_keypair())
    kernel = launch(curve_publickey=public, curve_secretkey=secret)
    with kernel.connect() as client, zmq.Context() as context, context.socket(zmq.DEALER) as plain:
        assert client.execute("1").result == "1"
        plain.linger = 0
        with plain.get_monitor_socket(zmq.EVENT_DISCONNECTED) as events:
            plain.connect(kernel.connection.url("shell"))
            assert events.poll(TIMEOUT * 1000)
            plain.disable_monitor()


@pytest.mark.rule("R-IOPUB-2")
def test_every_subscriber_is_welcome(kernel):
    """Each subscriber first hears iopub_welcome, with the topic that it asked for."""
    session = kernel.connection.new_session()
    with zmq.Context() as context:
        for topic in (b"", b"", b"stream", b"status"):
            with context.socket(zmq.SUB) as subscriber:
                subscriber.linger = 0
                subscriber.connect(kernel.connection.url("iopub"))
                subscriber.subscribe(topic)
                if topic:  # a welcome begins with the topic; everyone but the first hears it too
                    assert subscriber.poll(TIMEOUT * 1000)
                assert subscriber.poll(TIMEOUT * 1000), f"no welcome for {topic}"
                message = session.deserialize(subscriber.recv_multipart()).check()
                assert message.msg_type == "iopub_welcome"
                assert message.content == {"subscription": topic.decode()}
                assert message.parent_header == {}
                assert message.idents == [topic]


# --- the end -----------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", ["control", "shell"])
@pytest.mark.parametrize("restart", [True, False])
@pytest.mark.rule("R-CTRL-2", "R-CTRL-3")
def test_shutdown_ends_the_process(launch, channel, restart):
    """A shutdown request is answered on its channel and on iopub; then the kernel ends with 0."""
    kernel = launch()
    with kernel.connect() as client:
        client.execute("import atexit; atexit.register(lambda: open('/dev/null').close())")
        exchange = client.request("shutdown_request", {"restart": restart}, channel=channel)
        assert exchange.content == {"status": "ok", "restart": restart}
        assert exchange.states == ["busy", "idle"]
        assert [m.msg_type for m in exchange.outputs] == ["shutdown_reply"]
        assert kernel.wait(PROMPTLY) == 0
        assert kernel.log() == []


def test_user_code_may_tidy_up_at_the_end(launch, tmp_path):
    """Functions that the user registered for the exit are called, and pending tasks cancelled."""
    kernel = launch()
    marks = [tmp_path / "atexit", tmp_path / "task"]
    code = (
        "import asyncio, atexit, pathlib\n"
        f"atexit.register(pathlib.Path({str(marks[0])!r}).touch)\n"
        "async def work():\n"
        "    try:\n        await asyncio.sleep(100)\n"
        f"    finally:\n        pathlib.Path({str(marks[1])!r}).touch()\n"
        "task = asyncio.create_task(work())\nawait asyncio.sleep(0)"
    )
    with kernel.connect() as client:
        assert outcome(client.execute(code)) == "ok"
        client.request("shutdown_request", {"restart": False}, channel="control")
        assert kernel.wait(PROMPTLY) == 0
    assert [mark.exists() for mark in marks] == [True, True]


@pytest.mark.parametrize("code", ENDLESS.values(), ids=ENDLESS)
def test_shutdown_ends_a_busy_kernel(launch, code):
    """A shutdown request on control ends the running cell and then the process, with status 0."""
    kernel = launch()
    with kernel.connect() as client:
        cell = client.send("execute_request", {"code": code})
        client.until(lambda: cell.text, "output")
        client.request("shutdown_request", {"restart": False}, channel="control")
        assert kernel.wait(PROMPTLY) == 0


def test_shutdown_ends_a_kernel_that_waits_for_input(launch):
    """A shutdown request ends a kernel whose cell waits for an answer that never comes."""
    kernel = launch()
    asked = []

    def shut_down(request) -> str:
        asked.append(client.request("shutdown_request", {"restart": False}, channel="control"))
        return ""

    with kernel.connect(shut_down) as client:
        client.send("execute_request", {"code": "input()", "allow_stdin": True})
        client.until(lambda: asked, "question")
        assert kernel.wait(PROMPTLY) == 0


DEAF = {
    "code that catches every interrupt": (
        "import time\nprint('in')\nwhile True:\n"
        "    try: time.sleep(100)\n    except KeyboardInterrupt: print('caught')"
    ),
    "coroutine that catches every interrupt": (
        "import asyncio\nprint('in')\nwhile True:\n"
        "    try: await asyncio.sleep(100)\n    except BaseException: print('caught')"
    ),
    "thread that never ends": (
        "import threading\nprint('in')\nthreading.Thread(target=threading.Event().wait).start()"
    ),
    "pool that never ends": (
        "import asyncio, threading\nprint('in')\n"
        "task = asyncio.ensure_future(asyncio.to_thread(threading.Event().wait))\n"
        "await asyncio.sleep(0)"
    ),
    "task that refuses to end": (
        "import asyncio\nprint('in')\nasync def work():\n    while True:\n"
        "        try: await asyncio.sleep(100)\n        except BaseException: pass\n"
        "task = asyncio.create_task(work())\nawait asyncio.sleep(0)"
    ),
}


def test_shutdown_ends_what_will_not_listen(launch):
    """A kernel whose user code refuses to end is ended all the same, a few seconds later."""
    kernels = {}
    for name, code in DEAF.items():
        kernels[name] = launch()
        with kernels[name].connect() as client:
            cell = client.send("execute_request", {"code": code})
            client.until(lambda cell=cell: cell.text, "output")
            client.request("shutdown_request", {"restart": False}, channel="control")
    alive = []
    for name, kernel in kernels.items():
        try:
            kernel.wait(6)
        except subprocess.TimeoutExpired:
            alive.append(name)
    assert alive == []


@posix
@pytest.mark.parametrize("code", ["pass", ENDLESS["loop"]], ids=["idle", "busy"])
def test_sigterm_ends_the_process(launch, code, tmp_path):
    """SIGTERM ends the kernel as a shutdown request does, with exit functions called."""
    kernel = launch()
    mark = tmp_path / "mark"
    with kernel.connect() as client:
        client.execute(
            f"import atexit, pathlib; atexit.register(pathlib.Path({str(mark)!r}).touch)"
        )
        cell = client.send("execute_request", {"code": code})
        client.until(lambda: cell.is_complete or cell.text, "end or output")
        kernel.process.terminate()
        assert kernel.wait(PROMPTLY) == 0
    assert mark.exists()


@posix
@pytest.mark.parametrize("code", ["pass", ENDLESS["loop"]], ids=["idle", "busy"])
def test_kernel_ends_with_its_parent(launch, gate, code):
    """A kernel whose parent was killed ends by itself, idle or busy."""
    parent_code = (
        "import os, subprocess, sys\n"
        "os.environ['JPY_PARENT_PID'] = str(os.getpid())\n"
        "subprocess.run([sys.executable, '-m', 'refimpl.python_kernel', *sys.argv[1:]])"
    )
    kernel = launch(argv=[sys.executable, "-c", parent_code, "-f", "{connection_file}"])
    with kernel.connect() as client:
        client.execute(gate.lifeline)
        gate.reached()
        client.send("execute_request", {"code": code})
        client.request("kernel_info_request", channel="control")
    kernel.process.kill()
    gate.left()


def test_kernel_without_a_known_parent_goes_on(launch):
    """A process number that means nothing here does not end the kernel."""
    kernel = launch(env={"JPY_PARENT_PID": "1"})
    with kernel.connect() as client:
        assert client.execute("1").result == "1"


# --- the process belongs to the user -----------------------------------------------------------

FORK = "import os\nchild = os.fork()\nif child == 0:\n    {}\nos.waitpid(child, 0)[1]"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize(
    "code",
    ["display('child'); print('x' * 100_000); os._exit(0)", "raise SystemExit", "1 / 0", "pass"],
)
def test_forked_child_is_no_kernel(client, code):
    """A child that user code forks ends, whatever it does, and the kernel goes on."""
    cell = client.execute(FORK.format(code))
    assert outcome(cell) == "ok"
    assert client.execute("2").result == "2"


def test_logging_is_the_users(client):
    """What user code logs is shown in the cell; the root logger has no handler of ours."""
    assert client.execute("import logging; logging.getLogger().handlers").result == "[]"
    assert "hello" in client.execute("logging.warning('hello')").text
