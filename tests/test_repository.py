"""The repository itself: what its files promise about each other."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import refimpl
from refimpl.python_kernel import PythonKernel

ROOT = Path(__file__).parent.parent
FOLDERS = ("refimpl", "docs", "figs", "tests", "benchmarks", ".ci", ".github")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
README = (ROOT / "README.md").read_text("utf-8")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
# What fits on a screen without scrolling.
FIRST_SCREEN = 20


def fenced(text: str) -> list[str]:
    """List the lines that stand in code fences."""
    return [
        line
        for block in re.findall(r"^```\w*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
    ]


def commands() -> list[str]:
    """List the commands on the first screen of the README."""
    return fenced("\n".join(README.splitlines()[:FIRST_SCREEN]) + "\n")


def sources() -> Iterator[tuple[Path, str]]:
    """Read every text file of the repository, top level and known folders."""
    paths = [path for path in ROOT.iterdir() if path.is_file()]
    for folder in FOLDERS:
        paths += (path for path in (ROOT / folder).rglob("*") if path.is_file())
    for path in paths:
        if "__pycache__" not in path.parts:
            try:
                yield path.relative_to(ROOT), path.read_text("utf-8")
            except UnicodeDecodeError:
                assert path.suffix in {".png", ".woff2", ".ico", ".inv"}, f"{path} is not UTF-8"


def load_yaml(path: Path) -> dict:
    """Read a YAML file; `on`, which YAML takes for a truth value, keeps its name."""
    return {
        "on" if key is True else key: value
        for key, value in yaml.safe_load(path.read_text("utf-8")).items()
    }


def test_readme_begins_with_two_commands():
    """The first screen of the README holds exactly the two commands that do everything."""
    found = commands()
    assert len(found) == 2
    for line, session in zip(found, ("docs", "tests"), strict=True):
        assert line.startswith("python3 -m venv .venv && ")
        assert line.endswith(f" .venv/bin/nox -s {session}")


def test_ci_runs_the_commands_of_the_readme():
    """`.ci/run` runs the README's commands, each ending it when it fails, and nothing else."""
    lines = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        'cd "$(dirname "$0")/.." || exit',
        *(f"{line} || exit" for line in commands()),
    ]


def test_readme_names_the_starter():
    """The starter is four files, which the README links to and copies, and which exist."""
    linked = re.findall(r"^\| \[`(refimpl/\w+\.py)`\]\(\1\)", README, re.MULTILINE)
    (copied,) = (line.split()[1:-1] for line in fenced(README) if line.startswith("cp "))
    assert linked == copied
    assert len(linked) == 4
    for name in linked:
        assert (ROOT / name).is_file(), name


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_relative_links_lead_somewhere(page):
    """Links from the top-level pages to files of the repository are not broken."""
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", (ROOT / page).read_text("utf-8"))
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_readme_lists_the_sessions():
    """The README's table of sessions and the noxfile have the same sessions."""
    noxfile = (ROOT / "noxfile.py").read_text("utf-8")
    sessions = re.findall(r"^@nox\.session\ndef (\w+)", noxfile, re.MULTILINE)
    listed = re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE)
    assert sorted(sessions) == sorted(listed)
    assert len(sessions) >= 7


def test_no_path_of_somebody_s_machine():
    """No file names a folder that exists on its writer's machine only; you and ada are anybody."""
    machine = re.compile(
        r"(?<![\w.-])(?:/root|/work|(?:/home/|/Users/|[A-Z]:\\+Users\\+)(?!(?:you|ada)\b)\w+)[/\\]"
    )
    hits = [f"{path}: {match[0]}" for path, text in sources() for match in machine.finditer(text)]
    assert hits == []


def test_nothing_is_left_to_do():
    """No file carries a note of unfinished work."""
    unfinished = re.compile(r"\b(?:T[O]DO|F[I]XME|X[X]X)\b")
    hits = [
        f"{path}: {match[0]}" for path, text in sources() for match in unfinished.finditer(text)
    ]
    assert hits == []


def test_nothing_is_left_over():
    """No file is what a tool keeps of an earlier version."""
    hits = [str(path) for path, _ in sources() if path.suffix in {".orig", ".rej", ".bak"}]
    assert hits == []


def test_docs_versions_are_exact():
    """Every tool that makes the pages has one exact version."""
    loose = [
        pin
        for pin in PROJECT["dependency-groups"]["docs"]
        if not re.fullmatch(r"[\w-]+==[\w.]+", pin)
    ]
    assert loose == []


def test_readthedocs_builds_what_nox_builds():
    """Read the Docs installs the group `docs`, runs the oldest Python, and refuses warnings too."""
    build = load_yaml(ROOT / ".readthedocs.yaml")["build"]
    assert build["jobs"]["install"][-1] == "python -m pip install --group docs"
    assert PROJECT["project"]["requires-python"] == f">={build['tools']['python']}"
    (command,) = build["jobs"]["build"]["html"]
    assert "sphinx -W --keep-going -n -c . -b html" in command


def test_commit_hooks_use_the_versions_of_lint():
    """The checks of a commit are of the version that `nox -s lint` uses."""
    hooks = load_yaml(ROOT / ".pre-commit-config.yaml")["repos"]
    versions = {hook["repo"].rpartition("/")[2]: hook["rev"] for hook in hooks}
    pins = dict(pin.split("==") for pin in PROJECT["dependency-groups"]["lint"])
    assert versions == {"ruff-pre-commit": f"v{pins['ruff']}", "codespell": f"v{pins['codespell']}"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_are_well_formed(path):
    """Each workflow parses, says when it runs, ends in time, and pins its actions."""
    workflow = load_yaml(path)
    assert workflow["on"]
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"] <= 30, name
        for step in job["steps"]:
            assert "run" in step or re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"])


def test_workflow_runs_every_python():
    """The tests run on three systems and on every version of Python the package names."""
    prefix = "Programming Language :: Python :: "
    named = [
        line.removeprefix(prefix)
        for line in PROJECT["project"]["classifiers"]
        if re.fullmatch(prefix + r"3\.\d+", line)
    ]
    jobs = load_yaml(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]
    assert jobs["tests"]["strategy"]["matrix"]["python"] == named
    assert len(jobs["tests"]["strategy"]["matrix"]["os"]) == 3
    assert PROJECT["project"]["requires-python"] == f">={named[0]}"


def test_kernel_has_the_version_of_the_package():
    """The Python kernel states its version itself, for it may be copied: the package's version."""
    assert PythonKernel.implementation_version == refimpl.__version__
