"""The starter: the four files that the README names, copied, renamed, run with pyzmq alone."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import zmq
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpecManager

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
TIMEOUT = 60.0
PYTHON = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"


def starter_files() -> list[Path]:
    """List the files that the README's table of the starter links to."""
    return [
        ROOT / name for name in re.findall(r"^\| \[`(refimpl/\w+\.py)`\]", README, re.MULTILINE)
    ]


def starter_spec() -> dict:
    """Read the kernel.json that the README gives for the starter."""
    (text,) = re.findall(r"^```json\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return json.loads(text)


def uv(*arguments: str | Path) -> None:
    """Run uv, which makes environments; show what it says when it fails."""
    command = [sys.executable, "-m", "uv", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> Path:
    """Make an environment that has pyzmq, the version used here, and nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    uv("venv", "--python", sys.executable, folder)
    uv("pip", "install", "--python", folder / PYTHON, f"pyzmq=={zmq.__version__}")
    return folder / PYTHON


@pytest.fixture(scope="module")
def specs(tmp_path_factory, python) -> KernelSpecManager:
    """Copy the starter, give everything in it another name, and write its kernel.json."""
    home = tmp_path_factory.mktemp("mine")
    package, kernels = home / "parrots", home / "kernels"
    package.mkdir()
    for file in starter_files():
        text = file.read_text("utf-8")
        name = file.name
        if name == "python_kernel.py":
            name = "grey.py"
            text = re.sub(r"\bpython_kernel\b", "grey", text).replace("PythonKernel", "Grey")
            text = text.replace('implementation = "refimpl-python"', 'implementation = "grey"')
        (package / name).write_text(text, "utf-8")
    spec = starter_spec()
    spec["argv"] = [
        str(python)
        if word == "python3"
        else word.replace("my_kernel.python_kernel", "parrots.grey")
        for word in spec["argv"]
    ]
    spec["env"]["PYTHONPATH"] = str(home)
    (kernels / "grey").mkdir(parents=True)
    (kernels / "grey" / "kernel.json").write_text(json.dumps(spec), "utf-8")
    return KernelSpecManager(kernel_dirs=[str(kernels)])


def test_starter_is_four_files():
    """The README names four files, and one command line and one kernel.json to use them."""
    assert [file.name for file in starter_files()] == [
        "wire.py",
        "kernel.py",
        "run_kernel.py",
        "python_kernel.py",
    ]
    assert starter_spec()["argv"] == [
        "python3",
        "-m",
        "my_kernel.python_kernel",
        "-f",
        "{connection_file}",
    ]


def test_environment_has_pyzmq_alone(python):
    """The environment of the starter has no package but pyzmq (and what PyPy's needs)."""
    code = "import importlib.metadata as m; print(*{d.name for d in m.distributions()})"
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run([python, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert {*done.stdout.split()} - {"cffi", "pycparser"} == {"pyzmq"}


def test_starter_runs_under_another_name(specs):
    """The copy runs as a kernel, says its new name, and has nothing of this package loaded."""
    manager = KernelManager(kernel_name="grey", kernel_spec_manager=specs)
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=TIMEOUT)
        info = client.kernel_info(reply=True, timeout=TIMEOUT)["content"]
        assert (info["status"], info["implementation"]) == ("ok", "grey")
        code = (
            "import sys\nprint(*sorted(n for n in sys.modules if n[:7] in ('parrots', 'refimpl')))"
        )
        said = []
        reply = client.execute_interactive(code, output_hook=said.append, timeout=TIMEOUT)
        assert reply["content"]["status"] == "ok"
        text = "".join(m["content"]["text"] for m in said if m["msg_type"] == "stream")
        names = ("grey", "kernel", "run_kernel", "wire")
        assert text.split() == ["parrots", *(f"parrots.{name}" for name in names)]
    finally:
        client.stop_channels()
        process = manager.provisioner.process
        manager.shutdown_kernel()
    assert process.returncode == 0
