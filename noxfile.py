"""The project's chores. `nox -l` lists them, `nox -s NAME` runs one."""

from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"  # uv if it is there
nox.options.reuse_venv = "yes"
nox.options.sessions = ["docs", "tests"]

ROOT = Path(__file__).parent
GROUPS = nox.project.load_toml(ROOT / "pyproject.toml")
# The package is used from the checkout, by child processes too. The extension for type hints calls
# what a later Sphinx removes.
ENV = {
    "PYTHONPATH": str(ROOT),
    "PYTHONWARNINGS": "ignore::DeprecationWarning",
    "PYTHONDONTWRITEBYTECODE": None,  # a build without bytecode takes seconds longer, every time
}
SPHINX = ("-n", "-c", ".", "-d", "_build/doctrees")


def install(session: nox.Session, group: str) -> None:
    """Install one dependency group of pyproject.toml."""
    session.install(*nox.project.dependency_groups(GROUPS, group))


def build(session: nox.Session, builder: str) -> None:
    """Run one Sphinx builder; a warning is an error, reported when all pages have been read."""
    session.run(
        *("python", "-m", "sphinx", "-q", "-W", "--keep-going", "-j", "auto"),
        *(*SPHINX, "-b", builder, "docs", f"_build/{builder}"),
        env=ENV,
    )


@nox.session
def docs(session: nox.Session) -> None:
    """Build the pages, run every example on them, follow every internal link."""
    install(session, "docs")
    build(session, "html")
    build(session, "doctest")
    session.run("python", "tests/check_links.py", "_build/html")
    session.log(f"Open {(ROOT / '_build/html/index.html').as_uri()}")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests and the examples in docstrings. Arguments after -- go to pytest."""
    install(session, "tests")
    session.run("python", "-m", "pytest", *session.posargs, env={"PYTHONPATH": str(ROOT)})


@nox.session
def browser(session: nox.Session) -> None:
    """Use the kernels in JupyterLab, in a browser without a window; pictures in _build/browser."""
    install(session, "browser")
    env = {"PYTHONPATH": str(ROOT)}
    session.run("python", "-m", "pytest", "tests/browser", *session.posargs, env=env)


@nox.session
def serve(session: nox.Session) -> None:
    """Show the pages in a browser; build them again whenever a source changes."""
    install(session, "serve")
    watch = ("--watch", "refimpl", "--watch", "figs", "--watch", "conf.py")
    session.run(
        *("python", "-m", "sphinx_autobuild", *SPHINX, *watch),
        *("docs", "_build/html", *session.posargs),
        env=ENV,
    )


@nox.session
def lint(session: nox.Session) -> None:
    """Check format, style and spelling."""
    install(session, "lint")
    session.run("ruff", "format", "--check")
    session.run("ruff", "check")
    session.run("codespell")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types."""
    install(session, "types")
    session.run("mypy", "--strict", "refimpl")
    session.run("mypy", "noxfile.py", "conf.py")


@nox.session
def linkcheck(session: nox.Session) -> None:
    """Follow every link to other sites. Needs the network."""
    install(session, "docs")
    build(session, "linkcheck")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure the speed beside that of peers. Arguments after -- go to the benchmarks."""
    install(session, "bench")
    session.run("python", "-m", "benchmarks", *session.posargs, env={"PYTHONPATH": str(ROOT)})
