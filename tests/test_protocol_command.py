"""`python -m refimpl protocol`, as a user sees it."""

import gzip
import io
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from refimpl.__main__ import main
from refimpl.messages import FILES, MESSAGES, SEND
from refimpl.messages.dump import protocol, protocol_schema
from refimpl.messages.generate import as_json
from refimpl.messages.rules import RULES
from refimpl.messages.schema import message_schema

ROOT = Path(__file__).parent.parent
TIMEOUT = 60.0

HEADER = {
    "msg_id": "m",
    "msg_type": "execute_request",
    "session": "s",
    "username": "ada",
    "date": "2026-01-01T12:00:00.000000Z",
    "version": "5.6",
}
MESSAGE = {"header": HEADER, "parent_header": {}, "metadata": {}, "content": {"code": "6 * 7"}}
SPEC = {"argv": ["x"], "display_name": "X", "language": "x"}
CONNECTION = {
    "transport": "tcp",
    "ip": "127.0.0.1",
    "key": "k",
    "signature_scheme": "hmac-sha256",
    **{f"{name}_port": 50001 for name in ("shell", "iopub", "stdin", "control", "hb")},
}
COMMANDS = ["list", "show", "diff", "schema", "typed", "json", "validate", "write"]


def run(capsys, line: str, status: int = 0) -> str:
    """Run a command and return what it printed."""
    assert main(["protocol", *shlex.split(line)]) == status
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Work in a folder with files, good ones and bad ones."""
    texts = {
        "message.json": json.dumps(MESSAGE),
        "wrong.json": json.dumps(MESSAGE | {"content": {"code": 5}}),
        "kernel.json": json.dumps(SPEC),
        "connection.json": json.dumps(CONNECTION),
        "transcript.json": json.dumps([MESSAGE, {"channel": "shell", "message": MESSAGE}]),
        "lines.jsonl": f"{json.dumps(MESSAGE)}\n\n{json.dumps({'message': MESSAGE})}\n",
        "broken.jsonl": f"{json.dumps(MESSAGE)}\n{{\n",
        "empty.json": " \n",
        "text.json": "hello\n",
        "deep.json": "[" * 200_000,
        "digits.json": "1" * 5000,
        "number.json": "5",
        "object.json": '{"colour": "red"}',
        "nan.json": json.dumps(MESSAGE | {"content": {"code": float("nan")}}),
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "latin.json").write_bytes(b'{"argv": "\xe9"}')
    (tmp_path / "mark.json").write_text(json.dumps(SPEC), "utf-8-sig")
    (tmp_path / "wide.json").write_text(json.dumps(SPEC), "utf-16")
    (tmp_path / "packed.json").write_bytes(gzip.compress(json.dumps(SPEC).encode()))
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- help --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_an_example(capsys, monkeypatch, folder, name):
    """Every command says what it does, and shows an example that works."""
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as ended:
        main(["protocol", name, "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    example = text.partition("example: python -m refimpl protocol ")[2].partition(" >")[0]
    words = [*shlex.split(example), *(["written"] if name == "write" else [])]
    assert words[0] == name
    assert main(["protocol", *words]) == 0


def test_help_lists_the_commands(capsys):
    """The help of the whole names every command."""
    with pytest.raises(SystemExit):
        main(["protocol", "--help"])
    text = capsys.readouterr().out
    assert all(f"\n    {name} " in text for name in COMMANDS)


def test_start_of_a_kernel_does_not_pay():
    """Nothing of the catalogue is imported for another command."""
    code = (
        "import sys; from refimpl.__main__ import main\n"
        "main(['kernelspecs', '--json'])\n"
        "assert not any('messages' in name for name in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=TIMEOUT, check=False
    )
    assert done.returncode == 0, done.stderr


# --- errors ------------------------------------------------------------------------------------

ERRORS = [
    ("", "the following arguments are required: COMMAND"),
    ("bogus", "invalid choice: 'bogus'"),
    ("show exeute_request", 'named "exeute_request"; did you mean execute_request?'),
    ("show conection-file", "did you mean connection-file?"),
    ("show r-exec-33", "did you mean R-EXEC-3?"),
    ("show zzz", "see python -m refimpl protocol list"),
    ("show", "the following arguments are required: NAME"),
    ("schema kernel-spek", "did you mean kernel-spec?"),
    ("schema interrupt_request --protocol 5.0", "interrupt_request: expected 5.3 or later"),
    ("schema status --protocol 9", "argument --protocol: invalid choice: '9'"),
    ("list --channel shel", "argument --channel: invalid choice: 'shel'"),
    ("diff 5.6 5.3", "diff: expected the older version first, got 5.6 and 5.3"),
    ("diff 5.3", "the following arguments are required: NEW"),
    ("validate", "the following arguments are required: FILE"),
    ("validate --kind novel x", "argument --kind: invalid choice: 'novel'"),
    ("validate absent.json", "absent.json: No such file or directory"),
    ("validate folder", "folder: "),
    ("validate empty.json", "empty.json: not JSON: empty"),
    ("validate text.json", "text.json: not JSON: Expecting value: line 1 column 1"),
    ("validate broken.jsonl", "broken.jsonl: line 2: not JSON: "),
    ("validate latin.json", "latin.json: not UTF-8: byte 10"),
    ("validate mark.json", "mark.json: expected JSON in UTF-8, got a byte order mark before it"),
    ("validate wide.json", "wide.json: expected JSON in UTF-8, got UTF-16"),
    ("validate packed.json", "packed.json: expected JSON in UTF-8, got a gzip file"),
    ("validate deep.json", "deep.json: nested too deeply"),
    ("validate digits.json", "digits.json: a number has too many digits"),
    ("validate number.json", "number.json: cannot tell which of message, transcript, connection"),
    ("validate object.json", "it is; say so with --kind"),
    ("write message.json", "write: "),
]


@pytest.mark.parametrize(("line", "text"), ERRORS, ids=[line for line, _ in ERRORS])
def test_errors_are_one_line(capsys, folder, line, text):
    """What cannot be done is said in one line on stderr; the exit status is 2."""
    try:
        status = main(["protocol", *line.split()])
    except SystemExit as ended:
        status = ended.code
    captured = capsys.readouterr()
    assert status == 2
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert text in captured.err


def test_endless_file_is_refused(capsys):
    """A file without an end is not read to its end."""
    endless = Path("/dev/zero")
    if not endless.exists():
        pytest.skip("a file without an end is needed")
    assert main(["protocol", "validate", str(endless)]) == 2
    assert capsys.readouterr().err == "/dev/zero: expected at most 64 MiB, got more\n"


def test_reader_may_leave():
    """A reader that has read enough, as `head` has, causes no traceback."""
    with subprocess.Popen(
        [sys.executable, "-m", "refimpl", "protocol", "json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout.readline() == b"{\n"
        process.stdout.close()
        assert process.wait(TIMEOUT) == 0
        assert process.stderr.read() == b""


def test_full_disk_is_an_error():
    """What cannot be written is said in one line, and the exit status tells."""
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("a disk that is full is needed")
    with full.open("wb") as stdout:
        done = subprocess.run(
            [sys.executable, "-m", "refimpl", "protocol", "json"],
            cwd=ROOT,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == "refimpl: cannot write to stdout: No space left on device\n"


def test_closed_streams(capsys, monkeypatch):
    """A program that is started without stdin or stdout fails in no other way."""
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["protocol", "validate", "-"]) == 2
    assert capsys.readouterr().err == "-: stdin is closed\n"
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["protocol", "list"]) == 0


def test_terminal_without_unicode():
    """Where the output cannot hold a character, it is written as an escape."""
    env = os.environ | {"PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "refimpl", "protocol", "validate", "-"]
    text = json.dumps(MESSAGE | {"content": {"code": ["é"], "é": 1}})
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=env,
        input=text.encode(),
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, b"")
    assert b"content.\\xe9: expected a field that is known" in done.stdout


# --- list, show, diff --------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [40, 80, 140])
def test_everything_fits_the_terminal(capsys, monkeypatch, columns):
    """What is listed or shown is no wider than the terminal, but for a long word or address."""
    monkeypatch.setenv("COLUMNS", str(columns))
    names = " ".join([*MESSAGES, *FILES, *RULES])
    lines = run(capsys, "list").splitlines() + run(capsys, f"show {names}").splitlines()
    wide = [line for line in lines if len(line) > columns and len(line.split()) > 4]
    assert wide == []


def test_list_has_everything(capsys):
    """Each message and each file is listed; a channel and a version narrow the list."""
    words = run(capsys, "list").split()
    assert {*MESSAGES, *FILES} <= set(words)
    stdin = json.loads(run(capsys, "list --channel stdin --json"))
    assert stdin["messages"].keys() == {"input_request", "input_reply"}
    old = json.loads(run(capsys, "list --protocol 5.2 --json"))
    assert "interrupt_request" not in old["messages"]
    assert "registration-file" not in old["files"]
    assert "kernel-spec" in old["files"]


SHOWN = [
    ("EXECUTE_REQUEST", "Run code."),
    ("execute_request", "answered by  execute_reply"),
    ("execute_reply", "Three readings of execution_count"),
    ("connection-file", "shell_port"),
    ("R-EXEC-3", "level   MUST (normative)"),
    ("r-exec-3", "R-EXEC-3"),
    ("header", "subshell_id"),
    ("HelpLink", "url"),
]


@pytest.mark.parametrize(("name", "text"), SHOWN)
def test_show(capsys, name, text):
    """A message, a file, a rule or an object is shown, and the same as JSON."""
    assert text in run(capsys, f"show {name}")
    assert len(json.loads(run(capsys, f"show {name} --json"))) == 1


def test_show_several(capsys):
    """Several names are shown one after the other."""
    text = run(capsys, "show status stream")
    assert text.index("status\n") < text.index("\nstream\n")
    assert list(json.loads(run(capsys, "show status stream --json"))) == ["status", "stream"]


def test_diff(capsys):
    """The difference of two versions names what came in between, and nothing else."""
    text = run(capsys, "diff 5.2 5.3")
    assert "interrupt_request" in text
    assert "iopub_welcome" not in text
    document = json.loads(run(capsys, "diff 5.4 5.5 --json"))
    found = {(each["kind"], each["key"], each["path"]) for each in document["changes"]}
    assert {
        ("added", "iopub_welcome", ""),
        ("added", "header", "subshell_id"),
        ("added", "kernel_info_reply", "content.supported_features"),
        ("deprecated", "kernel_info_reply", "content.debugger"),
    } <= found
    assert {each["version"] for each in document["changes"]} == {"5.5"}
    assert run(capsys, "diff 5.6 5.6") == "0 changes from 5.6 to 5.6\n"


# --- what is exported --------------------------------------------------------------------------


def test_schema(capsys):
    """A schema is written as it is in the package; it can be lenient, or of an old version."""
    stored = ROOT / "refimpl" / "schemas"
    for profile, option in (("send", ""), ("accept", "--accept")):
        text = (stored / profile / "status.json").read_text("utf-8")
        assert run(capsys, f"schema status {option}") == text
    old = run(capsys, "schema execute_reply --protocol 5.0")
    assert old == as_json(message_schema(MESSAGES["execute_reply"], SEND, "5.0"))


def test_types_and_dump(capsys):
    """The types, the whole catalogue and its schema are written to stdout."""
    assert run(capsys, "typed") == (ROOT / "refimpl" / "contents.py").read_text("utf-8")
    document = json.loads(run(capsys, "json"))
    jsonschema.validate(document, json.loads(run(capsys, "json --schema")))
    assert document.keys() == protocol().keys()
    assert json.loads(run(capsys, "json --schema")) == protocol_schema()


def test_write(capsys, tmp_path):
    """Files are written where they are missing or stale, and what does not belong is removed."""
    assert "stale: contents.py\n" in run(capsys, f"write --check {tmp_path}", status=1)
    assert not list(tmp_path.iterdir())
    assert " 0 changed" not in run(capsys, f"write {tmp_path}")
    extra = tmp_path / "schemas" / "send" / "extra.json"
    extra.write_text("{}")
    assert run(capsys, f"write {tmp_path}").endswith(": 1 changed\n")
    assert not extra.exists()
    assert run(capsys, f"write --check {tmp_path}") == ""


# --- validate ----------------------------------------------------------------------------------

FINE = [
    ("message.json", "message execute_request"),
    ("kernel.json", "kernel-spec"),
    ("connection.json", "connection-file"),
]


@pytest.mark.parametrize(("name", "kind"), FINE)
def test_validate_finds_out_what_it_is(capsys, folder, name, kind):
    """A file that is right costs one line, which says what the file was taken for."""
    assert run(capsys, f"validate {name}") == f"{name}: ok ({kind}, profile send)\n"


def test_validate_names_the_culprit(capsys, folder):
    """The line names the file, the path, what was expected and what is there; the status is 1."""
    text = run(capsys, "validate wrong.json", status=1)
    assert text.startswith("wrong.json: content.code: expected string, got number 5")
    document = json.loads(run(capsys, "validate wrong.json --json", status=1))
    (entry,) = document["files"]
    assert (entry["kind"], entry["ok"]) == ("message execute_request", False)
    assert entry["problems"][0]["path"] == "content.code"
    assert entry["problems"][0]["found"] == "number 5"


def test_validate_finds_what_is_not_json(capsys, folder):
    """NaN, which some programs take for JSON, is found where it stands."""
    text = run(capsys, "validate nan.json", status=1)
    assert "content.code: expected a finite number, got NaN (R-WIRE-9)\n" in text


@pytest.mark.parametrize("name", ["transcript.json", "lines.jsonl"])
def test_validate_transcripts(capsys, folder, name):
    """A transcript is an array, or has a message in each line; the paths begin with the index."""
    text = run(capsys, f"validate {name}", status=1)
    assert f"{name}: [1].message.header.msg_id: expected an id that no other message has" in text


def test_validate_as_told(capsys, folder):
    """With --kind the file is taken for that, whatever it looks like."""
    text = run(capsys, "validate --kind kernel-spec number.json", status=1)
    assert text == "number.json: expected an object, got number 5\n"


def test_validate_several(capsys, folder):
    """Several files end in a summary; the worst decides the status."""
    assert main(["protocol", "validate", "message.json", "wrong.json"]) == 1
    assert capsys.readouterr().out.endswith("2 files: 1 fine, 1 with problems\n")
    assert main(["protocol", "validate", "absent.json", "message.json", "wrong.json"]) == 2
    captured = capsys.readouterr()
    assert captured.out.endswith("3 files: 1 fine, 1 with problems, 1 unreadable\n")
    assert captured.err == "absent.json: No such file or directory\n"


def test_validate_reads_stdin(capsys, monkeypatch):
    """A dash stands for stdin."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(SPEC).encode())))
    assert run(capsys, "validate -") == "-: ok (kernel-spec, profile send)\n"


def test_validate_profiles(capsys, folder):
    """What deployed programs leave out is a problem in what one sends, not in what one gets."""
    header = {name: value for name, value in HEADER.items() if name != "date"}
    (folder / "old.json").write_text(json.dumps(MESSAGE | {"header": header}))
    assert "header.date: expected" in run(capsys, "validate old.json", status=1)
    run(capsys, "validate old.json --profile accept")


def test_names_of_files_cannot_command_the_terminal(capsys, folder):
    """A control character in a file's name is written as an escape."""
    assert main(["protocol", "validate", "\x1b[31m"]) == 2
    assert capsys.readouterr().err == '"\\x1b[31m": No such file or directory\n'
