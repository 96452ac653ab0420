"""Wrapper kernels that others wrote for ipykernel run here, once their import is changed.

The programs are read from where they are installed, and changed in a folder of the test.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import jupyter_kernel_test
import pytest
from conftest import ROOT, TIMEOUT, Client, run_kernel

# The one change, as the page shows it, and where each of the packages has the line.
CHANGE = ROOT / "docs" / "examples" / "wrapper_under_refimpl.diff"
CHANGED = {
    "bash_kernel": "kernel.py",
    "echo_kernel": "kernel.py",
    "metakernel": "_metakernel.py",
    "calysto_scheme": None,  # it inherits from metakernel, and needs no change of its own
}
WRAPPERS = {
    "bash": "bash_kernel.kernel:BashKernel",
    "echo": "echo_kernel:EchoKernel",
    "scheme": "calysto_scheme.kernel:CalystoScheme",
}

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="bash_kernel needs a pseudo-terminal"
)


def argv(name: str) -> list[str]:
    """Return the command line that runs one of the wrappers."""
    return [sys.executable, "-m", "refimpl", "kernel", WRAPPERS[name], "-f", "{connection_file}"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Copy the packages, with their import changed, to where Python looks first."""
    lines = CHANGE.read_text("utf-8").splitlines()
    before, after = ([line[1:] for line in lines if line.startswith(sign)] for sign in "-+")
    folder = tmp_path_factory.mktemp("changed")
    for package, module in CHANGED.items():
        found = importlib.util.find_spec(package)
        assert found is not None
        assert found.origin is not None
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(Path(found.origin).parent, folder / package, ignore=ignore)
        if module is not None:
            file = folder / package / module
            source = file.read_text("utf-8")
            assert source.count(before[0]) == 1
            file.write_text(source.replace(before[0], after[0]), "utf-8")
    return folder


@pytest.fixture(scope="module")
def environment(folder, tmp_path_factory) -> dict[str, str]:
    """Let programs find the changed packages first, and nothing of the machine's user."""
    home = tmp_path_factory.mktemp("home")
    path = os.pathsep.join([str(folder), str(ROOT)])
    return {"PYTHONPATH": path, "HOME": str(home), "IPYTHONDIR": str(home / "ipython")}


@pytest.fixture(scope="module")
def connect(tmp_path_factory, environment) -> Iterator[Callable[[str], Client]]:
    """Give a function that connects to a wrapper; each of them is started once."""
    with ExitStack() as running:
        clients: dict[str, Client] = {}

        def connected(name: str) -> Client:
            if name not in clients:
                place = tmp_path_factory.mktemp(name)
                run = running.enter_context(run_kernel(place, argv(name), env=environment))
                clients[name] = running.enter_context(run.connect(lambda request: "Ada"))
            return clients[name]

        yield connected


@pytest.mark.parametrize("name", WRAPPERS)
def test_wrapper_runs_on_our_kernel(connect, name):
    """It is our process that speaks: its protocol version, with the wrapper's own name."""
    info = connect(name).request("kernel_info_request").content
    assert info["protocol_version"] == "5.6"
    assert info["implementation"] != "refimpl"


@pytest.mark.parametrize(
    ("name", "code", "printed", "result"),
    [
        ("echo", "Polly", "Polly", None),
        ("bash", "x=6; echo $((x * 7))", "42\n", None),
        ("bash", "echo $x", "6\n", None),
        ("scheme", "(define x 6)", "", None),
        ("scheme", "(* x 7)", "", "42"),
        ("scheme", '(print "hi")', '"hi"\n', None),
        ("scheme", '(input "Who? ")', "", "'Ada'"),
        ("scheme", "%python 6 * 7", "", "42"),
        ("scheme", "!echo from a shell", "from a shell\r\n\n", None),
    ],
)
def test_wrapper_executes(connect, name, code, printed, result):
    """Output, results and input of the wrappers go their usual ways, and state stays."""
    exchange = connect(name).execute(code)
    assert exchange.content["status"] == "ok"
    assert exchange.text == printed
    assert str(exchange.result) == str(result)


@pytest.mark.parametrize(
    ("name", "code", "problem"),
    [
        ("bash", "false", "1"),
        ("scheme", "(car 5)", "car called on non-pair 5"),
    ],
)
def test_wrapper_fails(connect, name, code, problem):
    """An error of the wrapper becomes the reply, and leaves the kernel usable."""
    exchange = connect(name).execute(code)
    assert (exchange.content["status"], exchange.content["evalue"]) == ("error", problem)
    assert connect(name).execute("").content["status"] == "ok"


@pytest.mark.parametrize(
    ("name", "code", "match"),
    [("bash", "ech", "echo"), ("scheme", "(call-wi", "call-with-current-continuation")],
)
def test_wrapper_completes(connect, name, code, match):
    """Completions of the wrappers arrive."""
    content = {"code": code, "cursor_pos": len(code)}
    assert match in connect(name).request("complete_request", content).content["matches"]


@pytest.mark.parametrize(
    ("name", "prepare", "endless", "status"),
    [
        ("bash", "true", "echo on; sleep 1000", "aborted"),
        ("scheme", "(define on (lambda () (on)))", '(begin (display "on") (on))', "error"),
    ],
)
def test_wrapper_is_interrupted(connect, name, prepare, endless, status):
    """An interrupt ends the cell, and the wrapper goes on."""
    client = connect(name)
    client.execute(prepare)
    exchange = client.send("execute_request", {"code": endless})
    client.until(lambda: exchange.text, "output")
    client.interrupt()
    assert client.wait(exchange, TIMEOUT).content["status"] == status
    assert client.execute("").content["status"] == "ok"


def test_comms_reach_handlers_of_the_wrapper(connect):
    """What MetaKernel puts into `shell_handlers` is called with messages of ipykernel's kind."""
    client = connect("scheme")
    target = """
%%python
from metakernel import get_metakernel as kernel
def opened(comm, message):
    comm.on_msg(lambda message: kernel().Print(message["content"]["data"]))
    kernel().Print(message["header"]["msg_type"])
kernel().comm_manager.register_target("target", opened)
"""
    assert client.execute(target.strip()).content["status"] == "ok"
    content = {"comm_id": "c", "target_name": "target", "data": {}}
    opened = client.send("comm_open", content)
    client.until(lambda: opened.text == "comm_open\n", "comm_open")
    message = client.send("comm_msg", {"comm_id": "c", "data": {"value": 1}})
    client.until(lambda: message.text == "{'value': 1}\n", "comm_msg")


@pytest.mark.parametrize("name", WRAPPERS)
def test_wrapper_shuts_down(tmp_path, environment, name):
    """A wrapper ends when it is told to."""
    with run_kernel(tmp_path / "kernel", argv(name), env=environment) as run:
        with run.connect() as client:
            content = {"restart": False}
            reply = client.request("shutdown_request", content, channel="control").content
        assert (reply["status"], run.wait()) == ("ok", 0)


# --- Jupyter's own kit -------------------------------------------------------------------------


@pytest.fixture(scope="module", autouse=True)
def _found_by_jupyter(environment, tmp_path_factory):
    """Let the kit find the wrappers by name."""
    home = tmp_path_factory.mktemp("jupyter")
    for name in WRAPPERS:
        spec = {"argv": argv(name), "display_name": name, "language": name, "env": environment}
        place = home / "kernels" / f"changed-{name}"
        place.mkdir(parents=True)
        (place / "kernel.json").write_text(json.dumps(spec), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(home))
        yield


class ChangedBashTests(jupyter_kernel_test.KernelTests):
    """bash_kernel passes what it passes under ipykernel."""

    kernel_name = "changed-bash"
    language_name = "bash"
    file_extension = ".sh"
    code_hello_world = "echo 'hello, world'"
    completion_samples = [{"text": "compge", "matches": ["compgen"]}]
    code_generate_error = "false"
    code_display_data = [{"code": "echo '<b>b</b>' | displayHTML", "mime": "text/html"}]


class ChangedEchoTests(jupyter_kernel_test.KernelTests):
    """echo_kernel passes what it passes under ipykernel."""

    kernel_name = "changed-echo"
    file_extension = ".txt"
    code_hello_world = "hello, world"


@pytest.mark.off_catalogue("MetaKernel's payload for the pager has no `start`", kernel=True)
class ChangedSchemeTests(jupyter_kernel_test.KernelTests):
    """Calysto Scheme, a MetaKernel, passes what it passes under ipykernel."""

    kernel_name = "changed-scheme"
    language_name = "scheme"
    code_hello_world = '(print "hello, world")'
    code_page_something = "?car"
    code_execute_result = [{"code": "(+ 1 2)", "result": "3"}]
    code_display_data = [{"code": "%html <b>b</b>", "mime": "text/html"}]
    complete_code_samples = ["(+ 1 2)"]
    incomplete_code_samples = ["(+ 1"]
