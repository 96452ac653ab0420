"""The command line, as a user sees it: what it prints, what it leaves on the disk, how it fails."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from jupyter_client import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import start_new_kernel

from refimpl import __version__
from refimpl.__main__ import KERNELS, main

ROOT = Path(__file__).parent.parent
TIMEOUT = 60.0
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="ipc needs local sockets")

DEMO = """
from refimpl.kernel import Kernel

class Demo(Kernel):
    implementation = "demo"
    language_info = {"name": "demolang", "mimetype": "text/plain", "file_extension": ".txt"}

class Dynamic(Kernel):
    @property
    def language_info(self):
        return {"name": "dynamic", "mimetype": "text/plain", "file_extension": ".txt"}

not_a_kernel = dict
"""


@pytest.fixture
def home(tmp_path_factory, monkeypatch) -> Path:
    """Give Jupyter, here and in child processes, an empty place to keep its files in."""
    home = tmp_path_factory.mktemp("h")  # short: the paths of ipc are limited
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(home / "data"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(home / "run"))
    monkeypatch.delenv("JUPYTER_PATH", raising=False)
    return home


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Work in a folder with modules of one's own: good ones and bad ones."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "demo_kernel.py").write_text(DEMO)
    (folder / "wrong_syntax.py").write_text("x = 1\nclass\n")
    (folder / "wrong_value.py").write_text("x = 1\nint('a')\n")
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    return folder


def command(*arguments: str, **options: object) -> subprocess.Popen[str]:
    """Start the command line in a process of its own, from outside the checkout's folder."""
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "refimpl", *arguments],
        **{"env": env, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        | options,
    )


def run(capsys, *arguments: str) -> str:
    """Run a command that must succeed; return what it printed."""
    assert main(arguments) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


# --- help --------------------------------------------------------------------------------------

COMMANDS = ["kernel", "install", "uninstall", "kernelspecs"]


def help_of(capsys, *arguments: str) -> str:
    """Return a help text on one line."""
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--help"])
    assert ended.value.code == 0
    return " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_an_example(capsys, name):
    """Every command says what it does, in the list and by itself, and shows an example."""
    text, example = help_of(capsys, name).split(" example: python -m refimpl ")
    assert shlex.split(example)[0] == name
    summary = re.search(r"\] ?[A-Z]* ([A-Z][^.]+\.)", text)[1]
    assert f" {name} {summary}" in help_of(capsys)


def test_version(capsys):
    """The version is that of the package."""
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"{__version__}\n"


# --- errors ------------------------------------------------------------------------------------

KNOWN = ", ".join(KERNELS)
ERRORS = [
    ("", "the following arguments are required: COMMAND"),
    ("bogus", "invalid choice: 'bogus'"),
    ("install --user --sys-prefix", "not allowed with argument --user"),
    ("install bogus", f"kernel: expected {KNOWN} or MODULE:CLASS, got 'bogus'"),
    ("install :Demo", f"kernel: expected {KNOWN} or MODULE:CLASS, got ':Demo'"),
    ("install demo_kernel:", f"kernel: expected {KNOWN} or MODULE:CLASS, got 'demo_kernel:'"),
    ("install demo_kernel:Demo", "install demo_kernel:Demo: expected --name, got nothing"),
    ("install no_module:Demo", "kernel no_module:Demo: ModuleNotFoundError: No module named"),
    ("install demo_kernel:Nothing", "expected a subclass of refimpl.kernel.Kernel, got None"),
    ("install demo_kernel:not_a_kernel", "expected a subclass of .*, got <class 'dict'>"),
    ("install demo_kernel:DEMO", "expected a subclass of refimpl.kernel.Kernel, got None"),
    ("install wrong_syntax:K", r"SyntaxError: invalid syntax \(wrong_syntax.py, line 2\)"),
    ("install wrong_value:K", r"ValueError: invalid literal .* \(.*wrong_value.py, line 2\)"),
    ("install --name ..", "cannot install ..: a kernel's name has ASCII letters"),
    ("install --prefix demo_kernel.py", "cannot install refimpl-python: .*demo_kernel.py"),
    ("uninstall", "the following arguments are required: NAME"),
    ("uninstall bogus", "cannot uninstall: no kernel is named 'bogus'; known: "),
    ("kernel bogus", f"kernel: expected {KNOWN} or MODULE:CLASS, got 'bogus'"),
    ("kernel -f", "argument -f: expected one argument"),
    ("kernel -f absent.json", "connection file absent.json: No such file or directory"),
    ("kernel -f demo_kernel.py", "connection file demo_kernel.py: not JSON: "),
    ("kernel --transport udp", "argument --transport: invalid choice: 'udp'"),
    ("kernel --transport ipc --ip " + "x" * 98, "ip: expected a path of at most 97 bytes"),
]


@pytest.mark.parametrize(("line", "message"), ERRORS, ids=[line for line, _ in ERRORS])
def test_errors_are_one_line(capfd, home, folder, line, message):
    """What cannot be done is said in one line on stderr; the exit status is 2."""
    try:
        status = main(line.split())
    except SystemExit as ended:
        status = ended.code
    captured = capfd.readouterr()
    assert status == 2
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert re.search(message, captured.err)


def test_exit_status_reaches_the_shell(home):
    """As a program it ends with status 2 and one line, without a traceback."""
    with command("kernel", "-f", "absent.json") as process:
        _, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 2
    assert err.count("\n") == 1
    assert err.endswith("connection file absent.json: No such file or directory\n")


# --- install, list, uninstall ------------------------------------------------------------------


@pytest.mark.parametrize("kernel", KERNELS)
def test_installs_our_kernels(capsys, home, kernel):
    """Each kernel of ours is installed under its own name, and front ends see it."""
    name = f"refimpl-{kernel}"
    out = run(capsys, "install", kernel)
    spec = KernelSpecManager().get_kernel_spec(name)
    assert Path(spec.resource_dir) == home / "data" / "kernels" / name
    assert out == (f"Installed {spec.resource_dir}. To use it: jupyter console --kernel {name}\n")
    assert spec.argv == [
        *(sys.executable, "-m", "refimpl", "kernel", kernel, "-f", "{connection_file}"),
    ]
    assert spec.display_name == KERNELS[kernel][1]
    assert spec.language == {"ipython": "python"}.get(kernel, kernel)
    assert (Path(spec.resource_dir) / "logo-svg.svg").read_text().startswith("<svg ")


def test_python_is_the_default(capsys, home):
    """Without a name the Python kernel is installed."""
    run(capsys, "install")
    assert "refimpl-python" in KernelSpecManager().find_kernel_specs()


def test_installs_under_other_names(capsys, home):
    """Both names, for programs and for menus, can be chosen; programs get them as JSON."""
    out = run(capsys, *("install", "echo", "--name", "Parrot", "--display-name", "Polly", "--json"))
    answer = json.loads(out)
    assert answer["name"] == "parrot"
    assert answer["spec"]["display_name"] == "Polly"
    assert KernelSpecManager().find_kernel_specs()["parrot"] == answer["resource_dir"]


def test_installs_into_a_prefix(capsys, home):
    """In a prefix where nobody looks, the line says what makes Jupyter look there."""
    out = run(capsys, "install", "echo", "--prefix", str(home / "pre"))
    data = home / "pre" / "share" / "jupyter"
    assert (data / "kernels" / "refimpl-echo" / "kernel.json").is_file()
    assert f"with JUPYTER_PATH={data} in the environment: jupyter console" in out


def test_installs_into_the_environment(capsys, home, monkeypatch):
    """With --sys-prefix the spec goes into the Python environment, where Jupyter looks."""
    monkeypatch.setattr(sys, "prefix", str(home / "env"))
    (home / "env").mkdir()
    out = run(capsys, "install", "echo", "--sys-prefix")
    directory = home / "env" / "share" / "jupyter" / "kernels" / "refimpl-echo"
    assert out == f"Installed {directory}. To use it: jupyter console --kernel refimpl-echo\n"
    assert (directory / "kernel.json").is_file()


def test_language_may_be_unknown_before_the_start(capsys, home, folder):
    """A kernel that tells its language when it runs is installed with its name as language."""
    answer = json.loads(
        run(capsys, "install", "demo_kernel:Dynamic", "--name", "dynamic", "--json")
    )
    assert answer["spec"]["language"] == "dynamic"


def test_lists_what_is_installed(capsys, home, caplog):
    """The list has each kernel with its directory; a broken one costs one line in the log."""
    run(capsys, "install", "echo")
    broken = home / "data" / "kernels" / "broken"
    broken.mkdir()
    (broken / "kernel.json").write_text("{}")
    lines = run(capsys, "kernelspecs").splitlines()
    directory = home / "data" / "kernels" / "refimpl-echo"
    assert [line.split() for line in lines if "echo" in line] == [
        ["refimpl-echo", "Echo", "(refimpl)", str(directory)]
    ]
    (message,) = [message for message in caplog.messages if "broken" in message]
    assert message.startswith(f"kernel spec broken is skipped: {broken / 'kernel.json'}: argv: ")


# The specs of others may have keys that traitlets warns about; Jupyter would leave those out then.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_lists_as_jupyter_does(capsys, home):
    """The JSON list has the kernels and directories that `jupyter kernelspec list --json` has."""
    run(capsys, "install")
    ours = json.loads(run(capsys, "kernelspecs", "--json"))["kernelspecs"]
    theirs = KernelSpecManager(ensure_native_kernel=False).get_all_specs()
    assert list(ours) == sorted(theirs)
    for name, entry in theirs.items():
        assert ours[name]["resource_dir"] == entry["resource_dir"]
        spec = ours[name]["spec"].items()  # which may have keys that Jupyter drops
        assert all(entry["spec"][key] == value for key, value in spec if key in entry["spec"])


def test_uninstalls(capsys, home):
    """What was installed can be removed, in any spelling of its name."""
    run(capsys, "install", "echo")
    directory = home / "data" / "kernels" / "refimpl-echo"
    assert run(capsys, "uninstall", "Refimpl-Echo") == f"Removed {directory}\n"
    assert not directory.exists()


# --- kernels that run --------------------------------------------------------------------------


def test_own_kernel_starts_from_anywhere(home, folder, tmp_path):
    """A kernel in the current folder is installed so that it starts in any other folder."""
    with command("install", "demo_kernel:Demo", "--name", "demo", cwd=folder) as process:
        _, err = process.communicate(timeout=TIMEOUT)
    assert err == ""
    spec = KernelSpecManager().get_kernel_spec("demo")
    assert spec.language == "demolang"
    # Our own package was found by PYTHONPATH, which a front end need not have.
    places = [str(ROOT), str(folder), "${PYTHONPATH}"]
    assert spec.env["PYTHONPATH"].split(os.pathsep) == places
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    manager, client = start_new_kernel(
        kernel_name="demo", startup_timeout=TIMEOUT, cwd=str(tmp_path), env=env
    )
    try:
        reply = client.kernel_info(reply=True, timeout=TIMEOUT)
    finally:
        client.stop_channels()
        manager.shutdown_kernel()
    assert reply["content"]["implementation"] == "demo"


@pytest.mark.parametrize("transport", ["tcp", pytest.param("ipc", marks=POSIX)])
def test_kernel_without_a_file_makes_one(home, transport):
    """Started by hand, the kernel says how to connect to it, and tidies up when it ends."""
    with command("kernel", "--transport", transport) as process:
        line = process.stdout.readline()
        file = line.rpartition(" ")[2].strip()
        assert line == f"To connect: jupyter console --existing {file}\n"
        assert f"kill {process.pid}\n" in process.stdout.readline()
        client = BlockingKernelClient(connection_file=file)
        client.load_connection_file()
        client.start_channels()
        client.wait_for_ready(timeout=TIMEOUT)
        reply = client.execute("1 + 1", reply=True, timeout=TIMEOUT)
        client.shutdown()
        client.stop_channels()
        _, err = process.communicate(timeout=TIMEOUT)
    assert reply["content"]["status"] == "ok"
    assert process.returncode == 0
    assert err == ""
    assert list((home / "run").iterdir()) == []


def test_kernel_imports_no_more_than_it_needs(home):
    """Starting a kernel loads the starter, subshells and the way to a debugger, to start fast."""
    code = (
        "import sys; from refimpl.__main__ import main; main(['kernel', '-f', 'absent.json']);"
        "print([name for name in sys.modules if name.startswith('refimpl.')])"
    )
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, timeout=TIMEOUT, check=True
    )
    loaded = {name.removeprefix("refimpl.") for name in eval(done.stdout)}
    assert loaded == {
        *("__main__", "wire", "kernel", "run_kernel", "run_subshells", "python_kernel"),
        "run_debugger",
    }
