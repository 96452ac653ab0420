"""`python -m refimpl new`: packages of one's own, made, installed, tested; the tutorial."""

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest
import zmq
from sphinx.directives.code import LiteralIncludeReader

from refimpl.__main__ import main
from refimpl.kernels.rpn import RpnKernel
from refimpl.kernelspec import KernelSpec
from refimpl.new import LEVELS, MACHINE, NewError, make

ROOT = Path(__file__).parent.parent
TUTORIAL = ROOT / "docs" / "tutorial.md"
TIMEOUT = 60.0
SCRIPTS = "Scripts" if sys.platform == "win32" else "bin"
EXE = ".exe" if sys.platform == "win32" else ""
# What each level is asked, and what it answers: text that is printed, or a value.
ANSWERS = {
    1: ("hello", "hello"),
    2: ("3 4 +", "7"),
    3: ("1 2 table", "2"),
    4: ("6 * 7", "42"),
}


def uv(*arguments: str | Path, cwd: Path | None = None) -> None:
    """Run uv, which makes environments and installs; show what it says when it fails."""
    command = [sys.executable, "-m", "uv", "--quiet", *map(str, arguments)]
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    assert done.returncode == 0, done.stderr


class Environment(NamedTuple):
    """A Python environment of its own, with a home of its own for Jupyter."""

    folder: Path

    @property
    def python(self) -> Path:
        """The interpreter."""
        return self.folder / SCRIPTS / f"python{EXE}"

    @property
    def variables(self) -> dict[str, str]:
        """The variables for programs that shall find nothing of the machine's user."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "JUPYTER", "PYTEST", "JPY_"))
        }
        path = os.pathsep.join([str(self.folder / SCRIPTS), os.environ.get("PATH", "")])
        names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
        return {**kept, "PATH": path, **{name: str(self.folder / name.lower()) for name in names}}

    def install(self, *arguments: str | Path, cwd: Path | None = None) -> None:
        """Install packages."""
        uv("pip", "install", "--python", self.python, *arguments, cwd=cwd)

    def run(self, *command: str | Path, cwd: Path, stdin: str = "", **more: str) -> str:
        """Run a program of the environment; return what it printed. It must succeed."""
        program = self.folder / SCRIPTS / f"{command[0]}{EXE}"
        done = subprocess.run(
            [str(program), *map(str, command[1:])],
            cwd=cwd,
            env={**self.variables, **more},
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=TIMEOUT,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}"
        return done.stdout


def environment(folder: Path) -> Environment:
    """Make an environment that holds nothing yet."""
    uv("venv", "--python", sys.executable, folder)
    return Environment(folder)


@pytest.fixture(scope="module")
def packages(tmp_path_factory) -> Path:
    """Make a package of each level, in a folder whose name has a space."""
    folder = tmp_path_factory.mktemp("my packages")
    for level in LEVELS:
        make(f"level-{level}", level, display_name=f'The "{level}"', directory=folder)
    return folder


@pytest.fixture(scope="module")
def installed(packages, tmp_path_factory) -> Environment:
    """Install the packages with what they depend on, and nothing else."""
    env = environment(tmp_path_factory.mktemp("environment") / "env")
    env.install(f"pyzmq=={zmq.__version__}", *(packages / f"level-{level}" for level in LEVELS))
    return env


def spec_of(env: Environment, level: int) -> KernelSpec:
    """Read the kernel spec that came with the package of a level."""
    return KernelSpec.read(env.folder / "share" / "jupyter" / "kernels" / f"level-{level}")


# --- what is made ------------------------------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
def test_machine_is_copied_byte_for_byte(packages, level):
    """The files that are not the author's are those of this package, unchanged."""
    for name in MACHINE:
        copy = packages / f"level-{level}" / f"level_{level}" / name
        assert copy.read_bytes() == (ROOT / "refimpl" / name).read_bytes()


def test_licence_comes_with_the_code(packages):
    """The package has the licence of what it copies, and so has ours."""
    licence = (ROOT / "LICENSE").read_bytes()
    assert (ROOT / "refimpl" / "LICENSE").read_bytes() == licence
    assert (packages / "level-1" / "LICENSE").read_bytes() == licence


@pytest.mark.parametrize("level", LEVELS)
def test_code_is_for_every_supported_python(packages, level):
    """Every file can be compiled by the oldest Python that the package names."""
    for file in (packages / f"level-{level}").rglob("*.py"):
        ast.parse(file.read_text("utf-8"), feature_version=(3, 11))


def methods(file: Path, name: str) -> dict[str, str]:
    """Map the methods of a class to their code."""
    (found,) = (
        node
        for node in ast.parse(file.read_text("utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name == name
    )
    return {node.name: ast.dump(node) for node in found.body if isinstance(node, ast.FunctionDef)}


def test_levels_grow(packages):
    """Each level of the calculator has all of the one below, and the highest is the real file."""
    whole = methods(ROOT / "refimpl" / "kernels" / "rpn.py", "RpnKernel")
    two = methods(packages / "level-2" / "level_2" / "language.py", "Level2Kernel")
    three = methods(packages / "level-3" / "level_3" / "language.py", "Level3Kernel")
    assert three == whole
    assert two.items() < three.items()
    assert {"do_execute", "do_complete", "do_inspect", "do_is_complete"} <= two.keys()


@pytest.mark.parametrize("level", LEVELS)
def test_package_is_clean(packages, level):
    """Ruff, the linter, finds nothing in the package, and nothing to format."""
    ruff = pytest.importorskip("ruff").find_ruff_bin()
    for command in (("check",), ("format", "--check")):
        done = subprocess.run(
            [ruff, *command, "--no-cache"],
            cwd=packages / f"level-{level}",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


# --- installed ---------------------------------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
def test_installed_kernel_answers(installed, launch, level):
    """The kernel of each level runs from its installed spec, with pyzmq alone, under its name."""
    spec = spec_of(installed, level)
    kernel = launch(
        argv=[str(installed.python), *spec.argv[1:]],
        env={**installed.variables, "PYTHONPATH": ""},
    )
    code, answer = ANSWERS[level]
    with kernel.connect() as client:
        info = client.request("kernel_info_request").content
        done = client.execute(code)
    assert (info["implementation"], info["banner"]) == (f"level-{level}", f'The "{level}"')
    assert info["language_info"]["name"] == spec.language
    assert done.content["status"] == "ok"
    assert (done.text or done.result) == answer


def test_packages_need_pyzmq_alone(installed, packages):
    """Nothing but pyzmq came with the packages (and what PyPy's needs)."""
    code = "import importlib.metadata as m; print(*{d.name for d in m.distributions()})"
    names = {*installed.run("python", "-c", code, cwd=packages).split()}
    ours = {f"level-{level}" for level in LEVELS}
    assert names - {"cffi", "pycparser"} == {"pyzmq", *ours}


def test_packages_pass_their_own_tests(installed, packages):
    """The tests of each package pass, those of level 4 without a skip, and start it by its name."""
    # After the tests above, which need an environment without this.
    installed.install("jupyter_kernel_test", "pytest")

    def check(level: int) -> str:
        return installed.run("python", "-m", "pytest", "-q", cwd=packages / f"level-{level}")

    with ThreadPoolExecutor(2) as pool:
        said = dict(zip(LEVELS, pool.map(check, LEVELS), strict=True))
    skips = {
        level: int((re.findall(r"(\d+) skipped", text) or [0])[0]) for level, text in said.items()
    }
    assert skips == {1: 10, 2: 4, 3: 3, 4: 0}


def test_package_can_be_renamed(packages, tmp_path, launch):
    """A package whose folder has another name still runs: nothing in its code says the old one."""
    shutil.copytree(packages / "level-3" / "level_3", tmp_path / "other")
    argv = [sys.executable, "-m", "other.language", "-f", "{connection_file}"]
    with launch(argv=argv, env={"PYTHONPATH": str(tmp_path)}).connect() as client:
        assert client.execute(": square dup * ; 5 square").result == "25"


# --- names and options -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "expected a letter"),
        ("1st", "expected a letter"),
        ("parrot-", "expected a letter"),
        ("-parrot", "expected a letter"),
        ("my parrot", "expected a letter"),
        ("../parrot", "expected a letter"),
        ("parrot\n", "expected a letter"),
        ("péroquet", "expected a letter"),
        ("class", "a word of Python"),
        ("match", "a word of Python"),
        ("json", "a module of Python"),
        ("Code", "a module of Python"),
        ("tests", "the folder of the tests"),
        ("zmq", "the library for sockets"),
        ("Python3", "the kernel of IPython"),
        ("CON", "a device on Windows"),
    ],
)
def test_bad_name_is_refused(tmp_path, name, told):
    """A name that no package can have is refused in one line that says why; nothing is made."""
    with pytest.raises(NewError, match=r"^name: expected .*, got ") as refused:
        make(name, directory=tmp_path)
    assert told in str(refused.value)
    assert repr(name) in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"level": 0}, "level: expected 1 to 4, got 0"),
        ({"level": 5}, "level: expected 1 to 4, got 5"),
        ({"display_name": ""}, "display name: expected a line of text, got ''"),
        ({"display_name": "a\nb"}, r"display name: expected a line of text, got 'a\\nb'"),
        ({"language": "\udcff"}, r"language: expected a line of text, got '\\udcff'"),
    ],
)
def test_bad_option_is_refused(tmp_path, options, told):
    """An option that makes no sense is refused by name; nothing is made."""
    with pytest.raises(NewError, match=f"^{told}$"):
        make("parrot", directory=tmp_path, **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("there", ["a file", "an empty folder", "a folder", "a broken link"])
def test_nothing_is_overwritten(tmp_path, there):
    """What bears the name already is left as it is, whatever it is."""
    place = tmp_path / "parrot"
    if there == "a file":
        place.write_text("mine")
    elif there == "a broken link":
        place.symlink_to(tmp_path / "nowhere")
    else:
        place.mkdir()
        if there == "a folder":
            (place / "README.md").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(NewError, match=r"expected no file or folder of that name, got .*parrot"):
        make("parrot", directory=tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


def test_nothing_half_written_is_left(tmp_path, monkeypatch):
    """A disk that is full half way leaves neither the package nor a part of it."""
    write, calls = Path.write_text, []

    def full(path: Path, *arguments: object, **options: object) -> int:
        calls.append(path)
        if len(calls) == 4:
            raise OSError("no space left")
        return write(path, *arguments, **options)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="no space left"):
        make("parrot", directory=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_choice_of_names(tmp_path):
    """Display name and language go where front ends look, whatever characters they have."""
    shown, language = 'Ada\'s "kernel" \\ $x é𝄞', 'C "sharp"'
    made = make("My.Parrot_kernel", 2, display_name=shown, language=language, directory=tmp_path)
    assert made.folder == tmp_path / "My.Parrot_kernel"
    spec = KernelSpec.read(made.folder / "kernelspec")
    assert (spec.display_name, spec.language) == (shown, language)
    assert spec.argv[2] == "my_parrot_kernel.language"
    code = (made.folder / "my_parrot_kernel" / "language.py").read_text("utf-8")
    (kernel,) = (node for node in ast.parse(code).body if "Kernel" in getattr(node, "name", ""))
    values = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in kernel.body
        if isinstance(node, ast.Assign)
    }
    assert kernel.name == "MyParrotKernel"
    assert (values["banner"], values["language_info"]["name"]) == (shown, language)
    assert values["implementation"] == "my.parrot_kernel"
    project = tomllib.loads((made.folder / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["description"] == f"{shown}: a Jupyter kernel"
    assert (made.folder / "README.md").read_text("utf-8").startswith(f"# {shown}\n")


# --- the command -------------------------------------------------------------------------------


def test_command_shows_what_it_made(tmp_path, monkeypatch, capsys):
    """The command prints every file in a tree, and the three commands that come next."""
    monkeypatch.chdir(tmp_path)
    assert main(["new", "parrot", "--level", "2"]) == 0
    tree, _, following = capsys.readouterr().out.partition("\n\nNext:\n")
    made = {path.name for path in (tmp_path / "parrot").rglob("*") if path.is_file()}
    assert tree.startswith("parrot")
    assert {line.strip() for line in tree.splitlines()[1:] if not line.endswith("/")} == made
    assert [line.split()[0] for line in following.splitlines()] == ["cd", "python", "python"]


def test_command_answers_programs(tmp_path, capsys):
    """With --json the command says the same for another program, with the folder as a full path."""
    folder = tmp_path / "a b"
    folder.mkdir()
    assert main(["new", "Parrot", "--dir", str(folder), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["folder"] == str((folder / "Parrot").resolve())
    assert (said["kernel"], said["package"], said["level"]) == ("parrot", "parrot", 1)
    assert all((folder / "Parrot" / file).is_file() for file in said["files"])
    assert shlex.split(said["commands"][0])[0] == "cd"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["class"],
            "refimpl: new: name: expected a name that is free, got 'class': a word of Python",
        ),
        (
            ["parrot", "--dir", "nowhere"],
            "refimpl: new: directory: expected a folder, got 'nowhere'",
        ),
        (["p" * 300], "refimpl: new: "),
    ],
)
def test_command_refuses_in_one_line(tmp_path, monkeypatch, capsys, arguments, told):
    """What cannot be made is said in one line on stderr, and the status is 2."""
    monkeypatch.chdir(tmp_path)
    assert main(["new", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(told)
    assert len(said.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


# --- the calculator ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "stack"),
    [
        ("3 4 +", ["7"]),
        ("1 3 / 0.5", ["1/3", "1/2"]),
        ("1 2 swap -", ["1"]),
        ("1 dup drop", ["1"]),
        (": square dup * ; 5 square", ["25"]),
        (": a 1 ; : b a a + ; b", ["2"]),
    ],
)
def test_calculator(code, stack):
    """The calculator does what its words say."""
    kernel = RpnKernel()
    kernel.run(code)
    assert list(map(str, kernel.stack)) == stack


@pytest.mark.parametrize(
    ("code", "told", "mark"),
    [
        ("1 +", "IndexError: +: expected 2 on the stack, got 1", "  ^"),
        ("1 0 /", "ZeroDivisionError: /: expected a number other than 0 on top, got 0", "    ^"),
        ("7\n  what", "NameError: what: expected a number or a word that is known", "  ^^^^"),
        (": a", "SyntaxError: :: expected ; after the definition, got the end of the cell", "  ^"),
        (": ;", "SyntaxError: :: expected a name, got ;", "  ^"),
    ],
)
def test_calculator_marks_its_errors(code, told, mark):
    """An error names the word, what was expected and what came, with a mark under the place."""
    sent = []
    kernel = RpnKernel(send=lambda channel, message: sent.append(message))
    reply = kernel.do_execute(code, silent=False)
    assert reply["status"] == "error"
    assert reply["traceback"] == [code.splitlines()[-1], mark, told]
    assert [message.msg_type for message in sent] == ["error"]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"hist_access_type": "tail", "n": 2}, [2, 3]),
        ({"hist_access_type": "tail", "n": 0}, []),
        ({"hist_access_type": "range", "start": 2}, [2, 3]),
        ({"hist_access_type": "range", "start": 1, "stop": 2}, [1]),
        ({"hist_access_type": "search", "pattern": "1*"}, [1, 3]),
        ({"hist_access_type": "search", "pattern": "1*", "unique": True}, [3]),
    ],
)
def test_calculator_remembers(given, found):
    """The calculator finds its cells by their place at the end, by number, and by pattern."""
    kernel = RpnKernel()
    for kernel.execution_count, code in enumerate(("1 1 +", "2", "1 1 +"), 1):
        kernel.do_execute(code, silent=False)
    history = kernel.do_history(output=False, raw=True, **given)["history"]
    assert [line for _, line, _ in history] == found


def test_calculator_asks(launch):
    """A word that asks gets the number that the front end sends, and it is known to completion."""
    argv = [sys.executable, "-m", "refimpl.kernels.rpn", "-f", "{connection_file}"]
    with launch(argv=argv).connect(on_input=lambda request: "41") as client:
        request = {"code": "ask 1 +", "allow_stdin": True}
        asked = client.request("execute_request", request)
        completed = client.request("complete_request", {"code": "a", "cursor_pos": 1})
    assert asked.result == "42"
    assert completed.content["matches"] == ["ask"]


# --- the tutorial ------------------------------------------------------------------------------


class Command(NamedTuple):
    """A command of the tutorial, and what it is to print."""

    command: str
    output: str


class Piece(NamedTuple):
    """A piece of code that the tutorial has its reader add to a file."""

    file: str
    code: str


def steps(text: str) -> Iterator[Command | Piece]:
    """Read from the page what its reader does, in order."""
    fences = re.compile(
        r"^```(console|\{literalinclude\}) ?(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL
    )
    for kind, argument, body in fences.findall(text):
        if kind == "console":
            for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
                yield Command(*part.split("\n", 1))
        elif options := dict(re.findall(r"^:([\w-]+): (.*)$", body, re.MULTILINE)):
            # What stands on the page is read as Sphinx reads it.
            path = (TUTORIAL.parent / argument).resolve()
            config = SimpleNamespace(source_encoding="utf-8-sig")
            reader = LiteralIncludeReader(str(path), options, config)
            if "caption" in options:
                yield Piece(options["caption"], reader.read()[0])


def added(source: str, code: str) -> str:
    """Do what the tutorial says: indented code into the class, other code above it."""
    lines = source.splitlines(keepends=True)
    kernel = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)][-1]
    if code.startswith("import "):
        return source.replace("from typing import Any\n", code, 1)
    if not code.startswith(" "):
        at = kernel.lineno - 1
        return "".join([*lines[:at], code.rstrip(), "\n\n\n", *lines[at:]])
    new = {name(node) for node in ast.parse(f"class New:\n{code}").body[0].body}
    kept, at = [], 0
    for node in kernel.body:
        if name(node) not in new:
            kept += lines[at : node.end_lineno]
        at = node.end_lineno
    return "".join([*kept, "\n", code.rstrip(), "\n", *lines[at:]])


def name(node: ast.stmt) -> str:
    """Name what a statement of a class defines; its docstring defines nothing."""
    if isinstance(node, ast.FunctionDef):
        return node.name
    return node.targets[0].id if isinstance(node, ast.Assign) else ""


def as_printed(transcript: str) -> re.Pattern[str]:
    """Make a pattern of what a fence shows: `…` is anything, and nobody echoes what is typed."""
    shown = re.sub(r"^(In \[\d+\]: ).*\n", r"\1", transcript, flags=re.MULTILINE)
    words = (re.escape(word) for word in re.split(r"\s+", shown.strip()))
    return re.compile(r"\s*".join(words).replace("…", ".*"), re.DOTALL)


def test_tutorial(tmp_path):
    """Whoever follows the tutorial literally sees what it shows, and ends with level 3.

    uv takes the place of pip, which is slow, and the console reads what is typed from a pipe.
    """
    env = environment(tmp_path / "env")
    folder = tmp_path / "my work"
    folder.mkdir()
    for step in steps(TUTORIAL.read_text("utf-8")):
        if isinstance(step, Piece):
            file = folder / step.file
            file.write_text(added(file.read_text("utf-8"), step.code), "utf-8")
            continue
        words = shlex.split(step.command)
        said, more = "", {}
        if words[0] == "cd":
            folder /= words[1]
        elif words[:4] == ["python", "-m", "pip", "install"]:
            env.install(*words[4:], cwd=folder)
        elif words[:4] == ["python", "-m", "pip", "wheel"]:
            assert words[4:] == ["-q", ".", "--no-deps", "--wheel-dir", "dist"]
            uv("build", "--wheel", "--python", env.python, "--out-dir", "dist", cwd=folder)
        else:
            typed = ""
            if words[:2] == ["jupyter", "console"]:
                words = ["jupyter-console", "--simple-prompt", *words[2:]]
                typed = "".join(re.findall(r"^In \[\d+\]: (.*\n)", step.output, re.MULTILINE))
            if words[:3] == ["python", "-m", "refimpl"]:
                more = {"PYTHONPATH": str(ROOT)}
            said = env.run(*words, cwd=folder, stdin=typed, **more)
        assert as_printed(step.output).search(said), f"{step.command}:\n{said}\n!=\n{step.output}"
    mine = methods(folder / "rpn" / "language.py", "RpnKernel")
    assert mine == methods(ROOT / "refimpl" / "kernels" / "rpn.py", "RpnKernel")
    (wheel,) = (folder / "dist").glob("*.whl")
    assert "share/jupyter/kernels/rpn/kernel.json" in "".join(zipfile.ZipFile(wheel).namelist())
