"""The wheel, built as a release builds it and used where the checkout is not."""

import asyncio
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager

ROOT = Path(__file__).parent.parent
SCRIPTS = "Scripts" if sys.platform == "win32" else "bin"
SUFFIX = ".exe" if sys.platform == "win32" else ""
TIMEOUT = 60.0


def run(*command: str | Path, cwd: Path) -> str:
    """Run a program without the checkout on its path; return what it printed."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, f"{command} exited with {done.returncode}: {done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def release(tmp_path_factory) -> Path:
    """Build the source distribution, and the wheel from it; return their folder."""
    folder = tmp_path_factory.mktemp("release")
    # The build backend comes with the tests, so that nothing is fetched here.
    run(sys.executable, "-m", "uv", "build", "--no-build-isolation", "-o", folder, ROOT, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def home(release, tmp_path_factory) -> Path:
    """Install the wheel, with what it depends on, into an environment of its own."""
    folder = tmp_path_factory.mktemp("home")
    (wheel,) = release.glob("*.whl")
    uv = (sys.executable, "-m", "uv")
    run(*uv, "venv", "--python", sys.executable, folder / "venv", cwd=folder)
    python = folder / "venv" / SCRIPTS / f"python{SUFFIX}"
    run(*uv, "pip", "install", "--python", python, wheel, cwd=folder)
    return folder


@pytest.fixture
def program(home) -> Path:
    """Find the installed command."""
    return home / "venv" / SCRIPTS / f"refimpl{SUFFIX}"


def test_wheel_holds_the_package_alone(release):
    """The wheel has every file of the package, the typing marker, and no pages or tests."""
    (path,) = release.glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    package = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "refimpl").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert names == package
    assert "refimpl/py.typed" in names


def test_source_distribution_can_build_the_site(release):
    """The source distribution carries pages, figures, tests and what builds them, and no output."""
    (path,) = release.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        tops = {name.split("/")[1] for name in archive.getnames()}
    assert {"refimpl", "docs", "figs", "tests", "conf.py", "noxfile.py", "LICENSE"} <= tops
    assert not tops & {".git", ".nox", ".venv", "_build"}


def test_command_explains_itself(program, home):
    """The installed command prints its help."""
    text = run(program, "--help", cwd=home)
    assert "kernel" in text
    assert "install" in text


def test_import_finds_the_installed_package(home):
    """The package is imported from the environment, with pyzmq as its only companion."""
    python = home / "venv" / SCRIPTS / f"python{SUFFIX}"
    code = (
        "import importlib.metadata, json, refimpl.wire\n"
        "names = sorted(found.name for found in importlib.metadata.distributions())\n"
        "print(json.dumps([refimpl.wire.__file__, names]))"
    )
    file, distributions = json.loads(run(python, "-c", code, cwd=home))
    assert Path(file).is_relative_to(home.resolve())
    assert [name for name in distributions if name != "cffi"] == ["pyzmq", "refimpl"]


def test_installed_kernel_answers(program, home, monkeypatch):
    """A kernel spec made by the installed command starts a kernel that answers and shuts down."""
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.chdir(home)
    run(program, "install", "--prefix", home / "prefix", cwd=home)
    specs = KernelSpecManager(kernel_dirs=[str(home / "prefix" / "share" / "jupyter" / "kernels")])
    assert str(home) in specs.get_kernel_spec("refimpl-python").argv[0]

    async def ask() -> dict:
        manager = AsyncKernelManager(kernel_name="refimpl-python", kernel_spec_manager=specs)
        await manager.start_kernel(cwd=str(home))
        client = manager.client()
        client.start_channels()
        try:
            return await client.kernel_info(reply=True, timeout=TIMEOUT)
        finally:
            client.stop_channels()
            await manager.shutdown_kernel()

    content = asyncio.run(ask())["content"]
    assert content["status"] == "ok"
    assert content["implementation"] == "refimpl-python"
    assert content["language_info"]["name"] == "python"
