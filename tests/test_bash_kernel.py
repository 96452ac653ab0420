"""The bash kernel: what cells print and return, and that nothing in a cell can lead it astray."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import KERNELS, TIMEOUT, Client, run_kernel

from refimpl.client import Exchange
from refimpl.kernels import bash

posix = pytest.mark.skipif(sys.platform == "win32", reason="bash needs a POSIX system")


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """Run one bash kernel for the tests that do not end its bash."""
    with run_kernel(tmp_path_factory.mktemp("kernel"), KERNELS["bash"]) as run:
        yield run


@pytest.fixture
def client(kernel) -> Iterator[Client]:
    """Connect a client to it."""
    with kernel.connect() as client:
        yield client
        assert client.execute("echo alive").text == "alive\n"  # no test leaves it out of step


@pytest.fixture
def fresh(launch) -> Iterator[Client]:
    """Connect a client to a kernel whose bash may be ended."""
    with launch("bash").connect() as client:
        yield client


class Barrier:
    """A place at which a cell waits for the test: it reads a FIFO that nobody has written to."""

    def __init__(self, path: Path) -> None:
        """Make the FIFO."""
        os.mkfifo(path)
        self.path = path
        self.code = f"read -r _ < {path}"

    def open(self) -> None:
        """Let the cell go on."""
        self.path.write_text("go\n", "utf-8")


@pytest.fixture
def barrier(tmp_path) -> Barrier:
    """Give a barrier."""
    return Barrier(tmp_path / "barrier")


def stream(exchange: Exchange, name: str) -> str:
    """Join what came on one of the two streams."""
    streams = [m.content for m in exchange.outputs if m.msg_type == "stream"]
    return "".join(content["text"] for content in streams if content["name"] == name)


def begin(client: Client, code: str) -> Exchange:
    """Send a cell that first prints something, and wait until it has."""
    exchange = client.send("execute_request", {"code": code})
    client.until(lambda: exchange.text, "output")
    return exchange


# --- what a cell prints and returns ------------------------------------------------------------

PRINTED = {
    "lines": ("echo one; echo two", "one\ntwo\n"),
    "no line end": ("printf abc", "abc"),
    "no carriage returns": (r"printf 'a\nb\r\nc'", "a\nb\r\nc"),
    "several lines of code": ("for i in 1 2 3\ndo\n    echo $i\ndone", "1\n2\n3\n"),
    "a here-document": (
        "cat <<END\n$((6 * 7))\n'quoted\"\nEND\necho after",
        "42\n'quoted\"\nafter\n",
    ),
    "quotes and dollars": ("""echo 'it'"'"'s' "\\$5" \\\\ '`'""", "it's $5 \\ `\n"),
    "no history expansion": ("echo 'a!!b' !x", "a!!b !x\n"),
    "what bash cannot decode": (r"printf 'caf\xc3\xa9 \xff\xfe.'", "café \ufffd\ufffd."),
    "half a character at the end": (r"printf 'caf\xc3'", "caf\ufffd"),
    "text of other scripts": ("echo 'é𝄞 日本'", "é𝄞 日本\n"),
    "colours as they are": (r"printf '\033[31mred\033[0m'", "\033[31mred\033[0m"),
    "a line longer than a terminal's": (
        "echo " + "x" * 100_000 + " | wc -c | tr -d ' '",
        "100001\n",
    ),
    "a lot": ("seq 100000 | tail -c 7; seq 100000 | wc -l | tr -d ' '", "100000\n100000\n"),
    "a comment": ("# nothing", ""),
    "nothing": ("", ""),
    "only blanks": ("  \n\t\n", ""),
    "its stdin is empty": ('cat; read -r x; echo "$? [$x]"', "1 []\n"),
    "bash's own prompts are not shown": (
        "PS1='p$ ' PS2='> ' PROMPT_COMMAND='echo c'\necho a",
        "a\n",
    ),
    "stdout is a terminal": ("[ -t 1 ] && [ ! -t 0 ] && [ ! -t 2 ] && echo yes", "yes\n"),
    "a pager does not wait": ('echo "$PAGER"', "cat\n"),
}


@posix
@pytest.mark.parametrize(("code", "expected"), PRINTED.values(), ids=PRINTED.keys())
def test_output_is_what_bash_prints(client, code, expected):
    """A cell's stdout arrives as it was printed, and the cell succeeds."""
    exchange = client.execute(code)
    assert exchange.content["status"] == "ok"
    assert exchange.text == expected


@posix
def test_stderr_is_a_stream_of_its_own(client):
    """Stdout and stderr arrive as different streams, each in order."""
    exchange = client.execute("echo a; echo x >&2; echo b; echo y >&2")
    assert stream(exchange, "stdout") == "a\nb\n"
    assert stream(exchange, "stderr") == "x\ny\n"


@posix
@pytest.mark.parametrize("where", ["", ">&2"])
def test_all_of_a_large_output_arrives(client, where):
    """Nothing of a large output is lost, and nothing is added at its end."""
    exchange = client.execute(f"seq 200000 {where}", timeout=TIMEOUT)
    assert exchange.text.splitlines() == [str(n) for n in range(1, 200_001)]


@posix
def test_state_stays_between_cells(client, tmp_path):
    """Variables, functions, aliases, options, folder and environment are there in the next cell."""
    defined = f"cd {tmp_path}; x=5; export E=env; f() {{ echo f$1; }}; alias a='echo al'; set -f"
    assert client.execute(defined).content["status"] == "ok"
    seen = client.execute("pwd -P; f $x; a; echo *; sh -c 'echo $E'").text
    client.execute("set +f; cd /")
    assert seen == f"{tmp_path.resolve()}\nf5\nal\n*\nenv\n"


@posix
def test_exit_status_is_the_reply(client):
    """A cell whose last command fails is an error with its status, which `$?` keeps."""
    failed = client.execute("echo out; (exit 7)")
    assert failed.text == "out\n"
    assert failed.content["status"] == "error"
    assert (failed.content["ename"], failed.content["evalue"]) == ("ExitStatus", "7")
    errors = [m.content for m in failed.outputs if m.msg_type == "error"]
    assert [error["traceback"] for error in errors] == [["ExitStatus: 7"]]
    assert client.execute("echo $?").text == "7\n"
    assert client.execute("false; true").content["status"] == "ok"


@posix
def test_counts_cells(client):
    """Each cell has the next number, a silent one none, and prints nothing."""
    first = client.execute("true").content["execution_count"]
    silent = client.execute("echo quiet; false", silent=True)
    assert silent.outputs == []
    assert silent.content["status"] == "error"
    assert client.execute("true").content["execution_count"] == first + 1


INVALID = {
    "an open quote": ("echo 'open", "unexpected EOF"),
    "an open block": ("if true; then echo a", "unexpected end of file"),
    "an open substitution": ("echo $(ls", "unexpected EOF"),
    "a stray word": ("done; echo no", "unexpected token"),
    "an unset variable": ("set -u; echo $no_such_variable; echo after", "unbound variable"),
    "a failed expansion": ("echo ${no_such_variable?is missing}; echo after", "is missing"),
    "no such command": ("no-such-command-anywhere", "command not found"),
}


@posix
@pytest.mark.parametrize(("code", "message"), INVALID.values(), ids=INVALID.keys())
def test_mistakes_end_the_cell_only(client, code, message):
    """What bash cannot read or run is an error with bash's own words; bash goes on."""
    exchange = client.execute(code)
    client.execute("set +u")
    assert exchange.content["status"] == "error"
    assert message in stream(exchange, "stderr")
    assert stream(exchange, "stdout") == ""


@posix
def test_null_character_is_refused(client):
    """A null character, which would end the text for bash, is refused before bash sees it."""
    exchange = client.execute("echo a\0echo b")
    assert exchange.content["evalue"] == "code: expected text for bash, got a null character"
    assert exchange.text == ""


@posix
@pytest.mark.parametrize("option", ["set -x", "set -v", "trap 'echo trapped' DEBUG"])
def test_options_show_the_cell_only(client, option):
    """What bash traces is the user's code, never the lines that the kernel sends."""
    client.execute(option)
    traced = client.execute("echo one").text
    client.execute("set +xv; trap - DEBUG")
    assert "one\n" in traced
    assert not re.search(r"eval|printf|[0-9a-f]{32}", traced)


@posix
def test_redirections_end_with_the_cell(client):
    """A cell that sends its own output elsewhere does not silence the next one."""
    client.execute("exec >/dev/null 2>&1; echo lost")
    assert client.execute("echo heard").text == "heard\n"


# --- while a cell runs -------------------------------------------------------------------------


@posix
def test_output_arrives_while_the_cell_runs(client, barrier):
    """What bash prints is published at once, not when the cell ends."""
    exchange = begin(client, f"echo first; {barrier.code}; echo second")
    assert exchange.text == "first\n"
    assert not exchange.is_complete
    barrier.open()
    assert client.wait(exchange).text == "first\nsecond\n"


@posix
def test_programs_send_each_line(client, barrier):
    """A program that buffers its output for pipes does not do so in a cell."""
    program = f"print('first'); open({str(barrier.path)!r}).read(); print('second')"
    exchange = begin(client, f'{sys.executable} -c "{program}"')
    assert exchange.text == "first\n"
    barrier.open()
    assert client.wait(exchange).text == "first\nsecond\n"


@posix
def test_background_job_does_not_hold_the_cell(client, barrier):
    """A cell ends while its job runs; what the job prints then appears in the next cell."""
    started = client.execute(f"({barrier.code}; echo late) & job=$!")
    assert started.content["status"] == "ok"
    barrier.open()
    assert client.execute("wait $job; echo done").text == "late\ndone\n"


@posix
def test_flooding_job_does_not_hold_the_cell(client):
    """A cell ends although a job of it prints without end."""
    flooded = client.execute("yes & job=$!; yes >&2 & other=$!; echo here", timeout=TIMEOUT)
    assert flooded.content["status"] == "ok"
    killed = client.execute("kill $job $other; wait $job $other; echo over", timeout=TIMEOUT)
    assert killed.text.endswith("over\n")


# --- interrupts --------------------------------------------------------------------------------

# Each prints when all its processes run: to one that is just being made, a signal may get lost.
ENDLESS = "sh -c 'echo started; exec sleep 1000'"
INTERRUPTED = {
    "a program": f"{ENDLESS}; echo not reached",
    "a loop of programs": f"for i in 1 2 3; do {ENDLESS}; done; echo not reached",
    "a loop of bash": "echo started; while :; do :; done; echo not reached",
    "a pipeline": f"{ENDLESS} | cat; echo not reached",
    "a function": f"f() {{ {ENDLESS}; echo not reached; }}; f",
    "a flood": "yes; echo not reached",
    "a substitution": f"x=$({ENDLESS} >&2); echo not reached",
}


@posix
@pytest.mark.parametrize("code", INTERRUPTED.values(), ids=INTERRUPTED.keys())
def test_interrupt_ends_the_cell_and_not_bash(client, code):
    """An interrupt ends the whole cell with status 130; the variables of bash are still there."""
    exchange = begin(client, f"kept=yes; {code}")
    client.interrupt()
    client.wait(exchange, TIMEOUT)
    assert (exchange.content["ename"], exchange.content["evalue"]) == ("ExitStatus", "130")
    assert "not reached" not in exchange.text
    assert client.execute("echo $kept; kept=").text == "yes\n"


@posix
def test_cell_may_answer_the_interrupt(client, barrier):
    """A trap decides what becomes of an interrupt."""
    code = f"(trap 'echo caught; exit 0' INT; echo ready; while :; do {barrier.code}; done)"
    exchange = begin(client, code)
    client.interrupt()
    assert client.wait(exchange).text == "ready\ncaught\n"
    assert exchange.content["status"] == "ok"


@posix
def test_insistence_ends_what_ignores_interrupts(fresh):
    """The second interrupt of a cell is a request to terminate, and the third ends bash."""
    traps = "trap 'echo first' INT; trap 'echo second' TERM"
    exchange = begin(fresh, f"{traps}; echo started; while :; do :; done")
    for answer in ("first", "second"):
        fresh.interrupt()
        fresh.until(lambda answer=answer: answer in exchange.text, answer)
    fresh.interrupt()
    assert "exit status 137" in fresh.wait(exchange, TIMEOUT).content["evalue"]
    assert exchange.text == "started\nfirst\nsecond\n"
    assert fresh.execute("echo anew").text == "anew\n"


@posix
def test_interrupt_of_a_restart_is_harmless(fresh):
    """An interrupt that comes while a new bash is started loses no later cell."""
    for _ in range(10):
        exchange = fresh.send("execute_request", {"code": "exit"})
        while not exchange.is_complete:
            fresh.interrupt()
            fresh.receive(0.01)
        exchange = fresh.execute("echo anew")
        if exchange.content["status"] != "ok":  # the interrupt left the start to this cell
            assert exchange.content["ename"] == "BashEnded"
            exchange = fresh.execute("echo anew")
        assert exchange.text == "anew\n"


@posix
def test_interrupts_at_any_moment(client):
    """Whenever an interrupt comes, the cell gets its reply, and the next one is in step."""
    for number in range(30):
        exchange = client.send("execute_request", {"code": f"echo {number}; sleep 0.00{number}"})
        client.interrupt()
        client.wait(exchange, TIMEOUT)
        assert client.execute(f"echo after {number}").text == f"after {number}\n"


# --- the end of bash ---------------------------------------------------------------------------

ENDS = {
    "exit": ("exit 3", 3),
    "exit with a job": ("sleep 1000 & exit 4", 4),
    "exit 0": ("exit", 0),
    "set -e": ("set -e; echo on; false; echo not reached", 1),
    "a signal": ("kill -KILL $$", 137),
    "exec": ("exec sh -c 'exit 5'", 5),
}


@posix
@pytest.mark.parametrize(("code", "status"), ENDS.values(), ids=ENDS.keys())
def test_end_of_bash_is_said(fresh, code, status):
    """When bash ends, the cell is an error that says so, and the next cell has a new bash."""
    fresh.execute("x=1")
    ended = fresh.execute(f"echo before; {code}")
    assert ended.content["ename"] == "BashEnded"
    assert ended.content["evalue"].startswith(f"bash ended with exit status {status};")
    assert stream(ended, "stdout").startswith("before\n")
    assert "not reached" not in ended.text
    after = fresh.execute('echo "[$x] $?"')
    assert (after.text, after.content["status"]) == ("[] 0\n", "ok")


@posix
def test_end_between_cells_is_said(fresh):
    """A bash that has ended since the last cell is an error of the next one."""
    pid = int(fresh.execute("echo $$").text)
    os.kill(pid, 9)
    assert fresh.execute("echo lost").content["ename"] == "BashEnded"
    assert fresh.execute("echo found").text == "found\n"


@posix
def test_interrupt_reaches_what_replaced_bash(fresh):
    """After `exec` an interrupt ends the program, and with it bash."""
    exchange = begin(fresh, "echo started; exec sleep 1000")
    fresh.interrupt()
    assert "exit status 130" in fresh.wait(exchange, TIMEOUT).content["evalue"]


@posix
@pytest.mark.parametrize("busy", [False, True])
def test_shutdown_ends_bash_and_its_jobs(launch, gate, busy):
    """With the kernel end bash, the jobs in the background, and the one in front."""
    run = launch("bash")
    with run.connect() as client:
        python = f'{sys.executable} -c "{gate.code}"'
        assert client.execute(f"{python} & echo job").content["status"] == "ok"
        gate.reached()
        if busy:
            begin(client, "echo busy; sleep 1000")
        reply = client.request("shutdown_request", {"restart": False}, channel="control")
        assert reply.content == {"status": "ok", "restart": False}
    assert run.wait() == 0
    gate.left()


# --- what a front end asks ---------------------------------------------------------------------


@posix
def test_says_which_bash_it_is(client):
    """Kernel info names the version of the bash that runs."""
    version = client.execute('echo "$BASH_VERSION"').text.strip()
    info = client.request("kernel_info_request").content
    assert info["language_info"]["version"] == version
    assert info["banner"] == f"GNU bash {version}"
    assert "kernel subshells" not in info["supported_features"]


@pytest.fixture
def files(client, tmp_path) -> Path:
    """Let the client's bash work in a folder with some files."""
    for name in ("data-1.txt", "my file.txt", "it's"):
        (tmp_path / name).touch()
    (tmp_path / "data-2").mkdir()
    client.execute(f"cd {tmp_path}; some_variable=1; some_function() {{ :; }}")
    return tmp_path


COMPLETED = {
    "a command": ("ech", "ech", "echo"),
    "a function": ("ls; some_f", "some_f", "some_function"),
    "a keyword": ("whil", "whil", "while"),
    "after a keyword": ("if tes", "tes", "test"),
    "a variable": ("echo $some_v", "some_v", "some_variable"),
    "a variable in braces": ("echo ${some_v", "some_v", "some_variable"),
    "a variable in quotes": ('echo "$some_v', "some_v", "some_variable"),
    "a file": ("cat data-1", "data-1", "data-1.txt"),
    "a folder": ("cat data-", "data-", "data-2/"),
    "a file to write to": ("echo a >data-1", "data-1", "data-1.txt"),
    "a file after an option": ("ls --file=data-1", "data-1", "data-1.txt"),
    "a blank is protected": ("cat my", "my", r"my\ file.txt"),
    "a protected blank": (r"cat my\ fi", r"my\ fi", r"my\ file.txt"),
    "a quote is protected": ("cat it", "it", r"it\'s"),
    "on the second line": ("cd /\ncat data-1", "data-1", "data-1.txt"),
    "a program by its path": ("./data-1", "./data-1", "./data-1.txt"),
}


@posix
@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(("code", "typed", "match"), COMPLETED.values(), ids=COMPLETED.keys())
def test_completes(client, code, typed, match):
    """Commands, variables and files are completed from what bash knows."""
    content = {"code": f"{code} # é", "cursor_pos": len(code)}
    reply = client.request("complete_request", content).content
    assert match in reply["matches"]
    assert code[reply["cursor_start"] : reply["cursor_end"]] == typed
    assert all(each.startswith(typed) for each in reply["matches"])


@posix
def test_asking_leaves_no_trace(client):
    """Completion and inspection print nothing and keep `$?`, even when nothing is found."""
    client.execute("(exit 9)")
    nothing = client.request("complete_request", {"code": "no-such-thing", "cursor_pos": 13})
    assert nothing.content["matches"] == []
    unknown = client.request("inspect_request", {"code": "no-such-thing", "cursor_pos": 5})
    assert not unknown.content["found"]
    assert nothing.outputs == unknown.outputs == []
    assert client.execute("echo $?").text == "9\n"


@posix
@pytest.mark.parametrize(
    ("code", "cursor", "expected"),
    [
        ("echo a", 2, "echo is a shell builtin"),
        ("for x in y", 1, "for is a shell keyword"),
        ("true; greet you", 8, "greet is a function"),
        ("echo $greeting", 8, 'declare -- greeting="hello"'),
        ("ls /", 2, "ls is "),
    ],
)
def test_inspects(client, code, cursor, expected):
    """Help tells what a command is, and what a variable holds."""
    client.execute("greeting=hello; greet() { echo $1; }; unalias -a")
    content = {"code": code, "cursor_pos": cursor, "detail_level": 0}
    reply = client.request("inspect_request", content).content
    assert reply["found"]
    assert expected in reply["data"]["text/plain"]


@posix
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("", {"status": "complete"}),
        ("echo hello", {"status": "complete"}),
        ("for i in 1; do echo $i; done", {"status": "complete"}),
        ("shopt -s extglob; ls !(a)", {"status": "complete"}),
        ("echo two\\\\", {"status": "complete"}),
        ("for i in 1; do", {"status": "incomplete", "indent": "    "}),
        ("if true; then\n    f() {", {"status": "incomplete", "indent": "        "}),
        ("if true; then\n    echo a", {"status": "incomplete", "indent": "    "}),
        ("echo 'open", {"status": "incomplete", "indent": ""}),
        ("echo a |", {"status": "incomplete", "indent": ""}),
        ("echo one\\", {"status": "incomplete", "indent": ""}),
        ("cat <<END\ntext", {"status": "incomplete", "indent": ""}),
        ("done", {"status": "invalid"}),
        ("echo )", {"status": "invalid"}),
    ],
)
def test_tells_complete_from_incomplete(client, code, expected):
    """A console opens another line where bash would, and indents it inside of a block."""
    reply = client.request("is_complete_request", {"code": code}).content
    assert reply == expected


@posix
def test_remembers_cells(fresh):
    """History has the cells of this session: the last ones, a range, those that match."""
    for code in ("echo a", "echo b", "true", "echo b"):
        fresh.execute(code)
    fresh.execute("echo secret", store_history=False)

    def history(**content: object) -> list:
        request = {"output": False, "raw": True, **content}
        return fresh.request("history_request", request).content["history"]

    assert history(hist_access_type="tail", n=2) == [[1, 3, "true"], [1, 4, "echo b"]]
    ranged = history(hist_access_type="range", session=0, start=2, stop=4)
    assert ranged == [[1, 2, "echo b"], [1, 3, "true"]]
    assert history(hist_access_type="range", session=7, start=1, stop=4) == []
    found = history(hist_access_type="search", pattern="echo*", unique=True)
    assert found == [[1, 1, "echo a"], [1, 4, "echo b"]]
    with_output = history(hist_access_type="tail", n=1, output=True)
    assert with_output == [[1, 4, ["echo b", None]]]


# --- the system --------------------------------------------------------------------------------


def test_other_systems_are_told(monkeypatch):
    """On Windows the module can be imported, and starting it says what is missing."""
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(OSError, match="expected a POSIX system, got Windows"):
        bash.BashKernel().start()
