"""What each module of the package may import, read from the source without running it."""

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parent.parent / "refimpl"
MODULES = sorted(PACKAGE.rglob("*.py"))
STARTER = ("wire", "kernel", "run_kernel", "python_kernel")
# Sockets, threads and clocks are for modules that run things.
FOR_RUNNERS = {"zmq", "threading", "_thread", "time", "asyncio", "selectors", "socket", "signal"}
# Used when installed; the extras and the codecs.
OPTIONAL = {
    "IPython",
    "cloudpickle",
    "debugpy",
    "jsonschema",
    "msgpack",
    "numpy",
    "orjson",
    "pymongo",
    "rich",
}
# What a module may import all the same, because it is made of nothing else.
MADE_OF = {"refimpl.kernels.ipython": {"IPython", "comm", "threading", "traitlets"}}


class Import(NamedTuple):
    """One imported module: its name, absolute inside the package, and where it stands."""

    name: str
    relative: bool
    top: bool

    @property
    def root(self) -> str:
        """The name of the package it comes from."""
        return self.name.partition(".")[0]


def module_name(path: Path) -> str:
    """Name a file as Python does: refimpl.kernels.echo."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_script_guard(node: ast.AST) -> bool:
    """Tell whether the node is `if __name__ == "__main__":`, where a module runs itself."""
    return isinstance(node, ast.If) and "__name__ == '__main__'" in ast.unparse(node.test)


def imports(path: Path) -> list[Import]:
    """List what a file imports, the script guard left out."""
    package = module_name(path).split(".")
    if path.name != "__init__.py":
        package.pop()

    def walk(node: ast.AST, top: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, False, top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield Import(node.module or "", False, top)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] + ([node.module] if node.module else [])
            for alias in node.names:
                # `from . import wire` names a module, `from .wire import Session` something in it.
                inner = PACKAGE.parent.joinpath(*base, alias.name)
                is_module = inner.is_dir() or inner.with_suffix(".py").is_file()
                yield Import(".".join([*base, alias.name] if is_module else base), True, top)
        elif not is_script_guard(node):
            inside = top and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            for child in ast.iter_child_nodes(node):
                yield from walk(child, inside)

    return list(walk(ast.parse(path.read_text("utf-8")), True))


def may_run(path: Path) -> bool:
    """Tell whether a module is one of those that own sockets, threads and clocks."""
    return path.stem.startswith("run_") or module_name(path) in {
        "refimpl.parallel.serve",
        "refimpl.parallel.cluster",
    }


@pytest.fixture(params=MODULES, ids=module_name)
def module(request: pytest.FixtureRequest) -> Path:
    """Each file of the package in turn."""
    path: Path = request.param
    return path


def test_package_imports_are_relative(module):
    """Inside the package all imports of it are relative, so the folder can be renamed."""
    absolute = [
        found.name for found in imports(module) if found.root == "refimpl" and not found.relative
    ]
    assert absolute == []


def test_only_runners_touch_the_world(module):
    """Sockets, threads and clocks are imported by run_* modules and by nobody else."""
    touched = {found.root for found in imports(module)} & FOR_RUNNERS
    touched -= MADE_OF.get(module_name(module), set())
    assert touched == set() or may_run(module)


def test_pyzmq_is_the_only_dependency(module):
    """At import a module needs the standard library and pyzmq, inside a function also an extra."""
    outside = [found for found in imports(module) if found.root not in sys.stdlib_module_names]
    needed = {found.root for found in outside if not found.relative and found.top}
    optional = {found.root for found in outside if not found.relative and not found.top}
    assert needed - {"zmq"} - MADE_OF.get(module_name(module), set()) == set()
    assert optional - {"zmq"} - OPTIONAL == set()


def test_kernel_half_stands_alone(module):
    """The kernel half imports neither the cluster nor the conformance kit."""
    later = ("refimpl.parallel", "refimpl.check")
    name = module_name(module)
    upwards = [found.name for found in imports(module) if found.name.startswith(later)]
    assert upwards == [] or name.startswith((*later, "refimpl.__main__"))


def test_deciding_does_not_import_doing(module):
    """A module that owns no socket imports none that does, the command line apart."""
    doing = [
        found.name for found in imports(module) if found.name.rpartition(".")[2].startswith("run_")
    ]
    assert doing == [] or may_run(module) or module.name == "__main__.py"


@pytest.mark.parametrize("name", STARTER)
def test_starter_imports_only_itself(name):
    """The four files of the starter import nothing else of the package."""
    allowed = {f"refimpl.{starter}" for starter in STARTER}
    found = {found.name for found in imports(PACKAGE / f"{name}.py") if found.relative}
    assert found <= allowed


def test_imports_form_no_circle():
    """Imports point downwards only: each module comes after what it imports."""
    graph = {
        module_name(path): {found.name for found in imports(path) if found.relative}
        for path in MODULES
    }
    order = list(TopologicalSorter(graph).static_order())
    assert set(order) >= graph.keys()


def test_the_reader_of_imports_sees_them_all(tmp_path, monkeypatch):
    """The checks above rest on it: plain, relative, nested and guarded imports are told apart."""
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path / "refimpl")
    inner = tmp_path / "refimpl" / "inner"
    inner.mkdir(parents=True)
    (inner.parent / "wire.py").write_text("")
    sample = inner / "sample.py"
    sample.write_text(
        "import os.path\n"
        "from .. import wire\n"
        "from ..wire import Session\n"
        "def late():\n    import zmq\n"
        "if __name__ == '__main__':\n    from ..run_kernel import main\n"
    )
    assert imports(sample) == [
        Import("os.path", False, True),
        Import("refimpl.wire", True, True),
        Import("refimpl.wire", True, True),
        Import("zmq", False, False),
    ]
