"""Make a package with a kernel of one's own: `python -m refimpl new NAME --level N`.

The package holds copies of real files, found where this package is installed, so it cannot fall
behind them:

- `wire.py`, `kernel.py` and `run_kernel.py`, byte for byte: compare them to see what you changed;
- `language.py`, the part that is yours.  It is one of our kernels, under another name.

A level says which kernel that is.  Each contains what its author has to understand, and no more:

1. info and execute: the echo kernel, one method to replace by a language of one's own.
2. help while typing: a calculator with errors, completion, inspection, `is_complete` and history.
3. ask and show: the same, and input and rich output.
4. everything: the Python kernel.

The calculator has a section for each level; level 2 is made by leaving out the last one.
The tests of the package use `jupyter_kernel_test` with the samples of `kernels.samples`, the
sections of which are left out in the same way.  Only prose and `pyproject.toml` are written here.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import keyword
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import NamedTuple

from . import __version__
from .kernels.samples import EchoSamples, PythonSamples, RpnSamples
from .kernelspec import KernelSpec
from .wire import PROTOCOL_VERSION, StrPath

VERSION = "0.1.0"  # of what is made
MACHINE = ("wire.py", "kernel.py", "run_kernel.py")
# Names that would hide what the package, its tests or its kernel spec stand beside.
TAKEN = {
    "dist": "the folder of what is built",
    "jupyter": "front ends",
    "jupyter_client": "front ends",
    "jupyter_kernel_test": "the tests",
    "kernelspec": "the folder of the kernel spec",
    "pytest": "the tests",
    "python3": "the kernel of IPython",
    "refimpl": "this program",
    "tests": "the folder of the tests",
    "zmq": "the library for sockets",
    **dict.fromkeys(("aux", "con", "nul", "prn"), "a device on Windows"),
}


class Level(NamedTuple):
    """A kernel to start from: its file, its class, the samples for its tests, what it can do."""

    module: str
    kernel_class: str
    samples: type
    text: str
    language: str = ""  # of the kernel itself, if that is not yet the author's


LEVELS = {
    1: Level("kernels/echo.py", "EchoKernel", EchoSamples, "info and execute"),
    2: Level("kernels/rpn.py", "RpnKernel", RpnSamples, "errors, and help while typing"),
    3: Level("kernels/rpn.py", "RpnKernel", RpnSamples, "input and rich output"),
    4: Level("python_kernel.py", "PythonKernel", PythonSamples, "a whole Python kernel", "python"),
}

PYPROJECT = """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = $name
version = $version
description = $description
readme = "README.md"
requires-python = ">=3.11"
license = "BSD-3-Clause"
license-files = ["LICENSE"]
dependencies = ["pyzmq>=25"]

[project.optional-dependencies]
test = ["jupyter_kernel_test>=0.7", "pytest>=9"]

[tool.hatch.build.targets.wheel]
packages = [$package]

# Front ends look for kernels here, so whoever installs the package has the kernel.
[tool.hatch.build.targets.wheel.shared-data]
"kernelspec" = $spec

[tool.pytest.ini_options]
testpaths = ["tests"]

[tool.ruff]
line-length = 100

[tool.ruff.lint]
ignore = [
    "BLE001", # a kernel catches every error of its user's, and answers with it
    "PLW0406", # a module that is a program, too, may import itself
    "RUF012", # class attributes that authors override are plain dicts and lists
    "TRY004", # a value of the wrong type in a message is a wrong value
]
"""

TESTS = '''\
"""What front ends may ask of the kernel. Install the package first: the tests start it by name."""

import jupyter_kernel_test


class KernelTests(jupyter_kernel_test.KernelTests):
    """Each attribute is a sample for one of the kit's tests; without it, the test is skipped."""

    kernel_name = $kernel
    language_name = $language
'''

README = """\
# $title

A Jupyter kernel. It was made by `python -m refimpl new`, at level $level: $text.

## Try it

Install it into the Python environment that has JupyterLab or another front end, from this folder:

```sh
python -m pip install -e ".[test]"
```

`-e` lets you change the code without installing it again.
The kernel is now offered under the name `$kernel`:

```sh
jupyter kernelspec list
python -m pytest
```

`jupyter console --kernel $kernel` starts it in a terminal, and JupyterLab has a tile for it.

## Change it

| File | What it holds |
| --- | --- |
| `$package/language.py` | your language: change this one |
| `$package/kernel.py` | what every kernel does; the methods that you can override |
| `$package/run_kernel.py` | sockets, threads, signals |
| `$package/wire.py` | messages, frames, signatures, the connection file |
| `kernelspec/kernel.json` | how front ends start it, and its name in their menus |
| `tests/test_kernel.py` | a sample for each kind of request |

A running kernel keeps the code that it was started with: restart it after a change.
The only dependency is pyzmq.

You may rename this folder.
To rename the package, change its folder's name, and the name in `pyproject.toml` and in \
`kernelspec/kernel.json`.

## Give it away

```sh
python -m pip wheel . --no-deps --wheel-dir dist
```

makes one file that anybody can install with pip.

## Licence

`wire.py`, `kernel.py`, `run_kernel.py` and the first version of `language.py` are from refimpl \
$refimpl, under the BSD-3-Clause licence in `LICENSE`.
Keep that file beside them; what you write is yours to license.
"""


class NewError(ValueError):
    """A package cannot be made; the text names what was given and what was expected."""


class Names(NamedTuple):
    """What is called after the author's choice."""

    name: str  # of the project, and of its folder
    package: str  # what Python imports
    kernel: str  # what front ends ask for: lower case, as they compare
    kernel_class: str

    @classmethod
    def of(cls, name: str) -> Names:
        """Derive the names from that of the project.

        Raises NewError for a name that no package can have, or that hides another one.

        >>> tuple(Names.of("My-Parrot"))
        ('My-Parrot', 'my_parrot', 'my-parrot', 'MyParrotKernel')
        >>> Names.of("class")
        Traceback (most recent call last):
        refimpl.new.NewError: name: expected a name that is free, got 'class': a word of Python
        """
        shown = f"{name!r:.80}"
        if not re.fullmatch(r"[A-Za-z]([A-Za-z0-9._-]*[A-Za-z0-9])?", name):
            raise NewError(
                "name: expected a letter, then letters, digits, '.', '-' or '_', "
                f"with no sign at the end, got {shown}"
            )
        package = re.sub(r"[._-]+", "_", name).lower()
        taken = TAKEN.get(package)
        if keyword.iskeyword(package) or keyword.issoftkeyword(package):
            taken = "a word of Python"
        elif package in {module.lower() for module in sys.stdlib_module_names}:
            taken = "a module of Python"
        if taken:
            raise NewError(f"name: expected a name that is free, got {shown}: {taken}")
        camel = "".join(part.capitalize() for part in package.removesuffix("_kernel").split("_"))
        return cls(name, package, name.lower(), f"{camel}Kernel")


class Made(NamedTuple):
    """What has been made: the folder, its files, and what to do next."""

    names: Names
    level: int
    folder: Path
    files: list[str]
    commands: list[str]


def make(
    name: str,
    level: int = 1,
    *,
    display_name: str | None = None,
    language: str | None = None,
    directory: StrPath = ".",
) -> Made:
    """Make the package `name` in a new folder of that name.

    It appears whole or not at all, and nothing is ever overwritten.
    Raises NewError, which names the culprit, and OSError as the disk does.
    """
    names = Names.of(name)
    if level not in LEVELS:
        raise NewError(f"level: expected 1 to {len(LEVELS)}, got {level}")
    display_name = name if display_name is None else display_name
    language = LEVELS[level].language or names.kernel if language is None else language
    for what, text in (("display name", display_name), ("language", language)):
        if not text.strip() or not text.isprintable():
            raise NewError(f"{what}: expected a line of text, got {text!r:.80}")
    parent = Path(directory)
    if not parent.is_dir():
        raise NewError(f"directory: expected a folder, got {str(parent)!r}")
    folder = parent / name
    if os.path.lexists(folder):
        raise NewError(f"name: expected no file or folder of that name, got {str(folder)!r}")
    content = project(names, level, display_name, language)
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=parent) as staging:
        new = Path(staging, name)
        for path, text in content.items():
            (new / path).parent.mkdir(parents=True, exist_ok=True)
            (new / path).write_text(text, "utf-8", newline="\n")
        new.rename(folder)
    quoted = shlex.quote(str(folder)) if os.name == "posix" else subprocess.list2cmdline([folder])
    commands = [f"cd {quoted}", 'python -m pip install -e ".[test]"', "python -m pytest"]
    return Made(names, level, folder, sorted(content), commands)


def project(names: Names, level: int, display_name: str, language: str) -> dict[str, str]:
    """Return the files of a package: their text, by path."""
    package, kernel = names.package, names.kernel
    chosen = LEVELS[level]
    strings = {
        "name": names.name,
        "version": VERSION,
        "description": f"{display_name}: a Jupyter kernel",
        "package": package,
        "spec": f"share/jupyter/kernels/{kernel}",
        "kernel": kernel,
        "language": language,
    }
    quoted = {key: json.dumps(text, ensure_ascii=False) for key, text in strings.items()}
    prose = {
        "title": display_name,
        "level": str(level),
        "text": chosen.text,
        "package": package,
        "kernel": kernel,
        "refimpl": __version__,
    }
    samples = up_to(level, inspect.getsource(chosen.samples)).partition('"""\n\n')[2]
    spec = KernelSpec(
        # Front ends take this word for their own Python, the one that the package is installed in.
        argv=["python", "-m", f"{package}.language", "-f", "{connection_file}"],
        display_name=display_name,
        language=language,
        interrupt_mode="message",  # works on every system, as signals do not
        metadata={"supported_encryption": ["curve"]},
        kernel_protocol_version=PROTOCOL_VERSION,
    )
    return {
        "LICENSE": read("LICENSE"),
        "README.md": fill(README, prose),
        "kernelspec/kernel.json": json.dumps(spec.to_dict(), indent=2, ensure_ascii=False) + "\n",
        f"{package}/__init__.py": '"""A Jupyter kernel. Your part is `language.py`."""\n',
        **{f"{package}/{file}": read(file) for file in MACHINE},
        f"{package}/language.py": language_module(names, level, display_name, language),
        "pyproject.toml": fill(PYPROJECT, quoted),
        "tests/test_kernel.py": fill(TESTS, {k: literal(v) for k, v in strings.items()}) + samples,
    }


def read(path: str) -> str:
    """Read a file of this package, wherever it is installed."""
    return files(__package__).joinpath(path).read_text("utf-8")


def literal(text: str) -> str:
    """Write a text for Python, in the quotes that need fewer backslashes.

    >>> print(literal("it's"), literal('"so" called'))
    "it's" '"so" called'
    """
    wants_single = '"' in text and "'" not in text
    return repr(text) if wants_single else json.dumps(text, ensure_ascii=False)


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put values in place of `$name`."""
    return Template(text).substitute(values)


def up_to(level: int, source: str) -> str:
    r"""Leave out the sections of a class that belong to higher levels.

    A section begins with a comment, and ends before the next one or with the class.

    >>> source = "class A:\n    a = 1\n\n    # --- level 2: more ---\n\n    b = 2\n"
    >>> print(up_to(1, source))
    class A:
        a = 1
    <BLANKLINE>
    """

    def keep(section: re.Match[str]) -> str:
        return section[0] if int(section[1]) <= level else ""

    pattern = r"\n\n    # --- level (\d).*?(?=\n\n    # ---|\n\n\n\S|\n\Z)"
    return re.sub(pattern, keep, source, flags=re.DOTALL)


def language_module(names: Names, level: int, display_name: str, language: str) -> str:
    """Make `language.py` of the level's kernel: what has a name there is called after the author's.

    A kernel in a folder below finds the machine one folder nearer here.
    """
    chosen = LEVELS[level]
    source = up_to(level, read(chosen.module)).replace("from ..", "from .")
    own = {
        "implementation": names.kernel,
        "implementation_version": VERSION,
        "banner": display_name,
        "name": language,
    }
    # From the end, so that what is found stays where it was found.
    for node, name in sorted(_named(source, chosen.kernel_class), key=lambda pair: -pair[0].lineno):
        source = _replace(source, node, literal(own[name]))
    module = Path(chosen.module).stem
    source = re.sub(rf"\b{chosen.kernel_class}\b", names.kernel_class, source)
    return re.sub(rf"\b{module}\b(?!\")", "language", source)


def _named(source: str, kernel_class: str) -> Iterator[tuple[ast.expr, str]]:
    """Find in a class the expressions that say what the kernel is, each with what it says."""
    (kernel,) = (
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef) and node.name == kernel_class
    )
    for node in kernel.body:
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
            continue
        name = node.targets[0].id
        if name in ("implementation", "implementation_version", "banner"):
            yield node.value, name
        elif name == "language_info" and isinstance(node.value, ast.Dict):
            for key, value in zip(node.value.keys, node.value.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "name":
                    yield value, "name"


def _replace(source: str, node: ast.expr, text: str) -> str:
    """Put a text in place of an expression on one line; columns count bytes of UTF-8."""
    lines = source.encode().splitlines(keepends=True)
    assert node.lineno == node.end_lineno
    line = lines[node.lineno - 1]
    lines[node.lineno - 1] = line[: node.col_offset] + text.encode() + line[node.end_col_offset :]
    return b"".join(lines).decode()


# --- the command -------------------------------------------------------------------------------


def describe(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `new`."""
    levels = "; ".join(f"{number} {level.text}" for number, level in LEVELS.items())
    parser.add_argument("name", metavar="NAME", help="the name of the package and of its kernel")
    parser.add_argument(
        "--level", type=int, default=1, metavar="N", help=f"{levels} (default: %(default)s)"
    )
    parser.add_argument("--display-name", metavar="TEXT", help="its name in menus (default: NAME)")
    parser.add_argument("--language", metavar="TEXT", help="what it runs (default: NAME)")
    parser.add_argument("--dir", default=".", help="where to make the folder (default: here)")
    parser.add_argument("--json", action="store_true", help="write JSON for other programs")


def run(options: argparse.Namespace) -> str:
    """Make the package; return what there is to say about it. Raises what `make` raises."""
    made = make(
        options.name,
        options.level,
        display_name=options.display_name,
        language=options.language,
        directory=options.dir,
    )
    if options.json:
        return json.dumps(
            {
                "folder": str(made.folder.resolve()),
                "kernel": made.names.kernel,
                "package": made.names.package,
                "level": made.level,
                "files": made.files,
                "commands": made.commands,
            },
            indent=2,
        )
    lines = [f"{made.folder}{os.sep}"]
    folder = ""
    for file in made.files:
        above, _, name = file.rpartition("/")
        if above and above != folder:
            lines.append(f"  {above}/")
            folder = above
        lines.append(f"{'    ' if above else '  '}{name}")
    return "\n".join([*lines, "", "Next:", *(f"  {command}" for command in made.commands)])
