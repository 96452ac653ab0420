"""Programs without a browser use our kernels: Papermill, and the Qt console without a screen."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from lab import SHOTS, TIMEOUT, environment, new_notebook

both = pytest.mark.parametrize("kernel", ["python", "ipython"])
pytestmark = pytest.mark.usefixtures("kernels")


def papermill(folder: Path, kernel: str, *cells: str) -> tuple[int, nbformat.NotebookNode]:
    """Run a notebook with papermill, side = 7; return the exit status, and what it made of it."""
    made = new_notebook(kernel, *cells)
    made.cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(made, folder / "in.ipynb")
    program = [sys.executable, "-m", "papermill", "--no-progress-bar"]
    run = subprocess.run(
        [*program, "in.ipynb", "out.ipynb", "-p", "side", "7", "-k", f"refimpl-{kernel}"],
        cwd=folder,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=2 * TIMEOUT,
    )
    return run.returncode, nbformat.read(folder / "out.ipynb", as_version=4)


@both
def test_papermill(tmp_path, kernel):
    """Papermill gives a notebook its parameters and keeps what its cells show."""
    status, done = papermill(tmp_path, kernel, "side = 1", "print('side', side)\nside ** 2")
    assert status == 0
    printed, value = done.cells[-1].outputs
    assert printed["text"] == "side 7\n"
    assert value["data"]["text/plain"] == "49"


@both
def test_papermill_error(tmp_path, kernel):
    """Papermill stops at an error, fails, and keeps what came before."""
    cells = ("side = 1", "print('before')\nside / 0", "print('after')")
    status, done = papermill(tmp_path, kernel, *cells)
    assert status != 0
    outputs = [output for cell in done.cells for output in cell.get("outputs", [])]
    assert [output["text"] for output in outputs if "text" in output] == ["before\n"]
    assert [output["ename"] for output in outputs if "ename" in output] == ["ZeroDivisionError"]


@both
def test_qt_console(tmp_path, kernel):
    """The Qt console shows output, a value and an error, and answers input()."""
    pytest.importorskip("qtpy.QtTest", exc_type=ImportError)  # Qt wants libraries of the system
    SHOTS.mkdir(parents=True, exist_ok=True)
    script = Path(__file__).with_name("qt_console.py")
    picture = SHOTS / f"qt_console-{kernel}.png"
    run = subprocess.run(
        [sys.executable, str(script), f"refimpl-{kernel}", str(picture)],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * TIMEOUT,
    )
    assert run.returncode == 0, run.stderr
    for shown in ("Out[1]: 42", "ZeroDivisionError", "name? Ada", "hello Ada", "'still here'"):
        assert shown in run.stdout
