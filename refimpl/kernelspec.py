"""Kernel specs: find, read, install and remove the directories that announce a kernel.

A kernel spec is a directory.  Its name is the name of the kernel, and the file `kernel.json` in it
says how the kernel is started.  Logos lie beside it.  Front ends look for such directories in a
list of places; where two places offer the same name, the earlier one wins.

Everything here is files and strings: no socket is opened and no kernel is started.
Source: "Kernel specs" in the jupyter_client documentation; JEP 105.
"""

from __future__ import annotations

import json
import logging
import ntpath
import os
import posixpath
import re
import shutil
import site
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

from .wire import StrPath, read_object

log = logging.getLogger(__name__)

NAME_RULE = "a kernel's name has ASCII letters, digits, hyphen, period and underscore only"
_NAME = re.compile(r"[A-Za-z0-9._-]+")


class KernelSpecError(ValueError):
    """A kernel spec cannot be used; the text names the file and the field."""


class NoSuchKernel(KeyError):
    """No place offers a kernel of this name; the text lists the names that are known."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        """Remember the name that was asked for and those that could have been."""
        super().__init__(name)
        self.name = name
        self.known = sorted(known)

    def __str__(self) -> str:
        """Say it in words: KeyError alone would show the bare name."""
        return f"no kernel is named {self.name!r}; known: {', '.join(self.known) or 'none'}"


# --- where kernel specs live -------------------------------------------------------------------


@dataclass(frozen=True)
class Host:
    """All that the list of places depends on, so that any system can show any other's.

    `platform` is a value of `sys.platform`; `user_base` is Python's per-user installation, None
    when that is switched off; `in_environment` says that `prefix` is a virtual environment of ours.
    """

    platform: str
    env: Mapping[str, str]
    home: str
    prefix: str
    user_base: str | None = None
    in_environment: bool = False

    @classmethod
    def current(cls) -> Host:
        """Describe the system, the user and the environment of this process."""
        return cls(
            platform=sys.platform,
            env=os.environ,
            home=str(Path.home().resolve()),
            prefix=sys.prefix,
            user_base=site.getuserbase() if site.ENABLE_USER_SITE else None,
            in_environment=_in_environment(),
        )

    def join(self, *parts: str) -> str:
        """Join a path as the described system does."""
        return ntpath.join(*parts) if self.platform == "win32" else posixpath.join(*parts)

    def flag(self, name: str) -> bool | None:
        """Read a switch from the environment: None when unset; `0`, `no`, `off`, ... mean False."""
        value = self.env.get(name)
        if value is None:
            return None
        return value.lower() not in ("0", "0.0", "n", "no", "off", "false")


def _in_environment() -> bool:
    """Tell whether Python runs in a virtual or named conda environment that this user owns."""
    conda = os.environ.get("CONDA_PREFIX")
    named = os.environ.get("CONDA_DEFAULT_ENV", "base") != "base"
    if sys.prefix == sys.base_prefix and not (conda and named and sys.prefix.startswith(conda)):
        return False
    if sys.platform == "win32":  # files have no owner number there
        return os.access(sys.prefix, os.W_OK)
    return Path(sys.prefix).stat().st_uid == os.geteuid()


def user_data_dir(host: Host | None = None) -> str:
    """Return the user's own data directory.

    `JUPYTER_PLATFORM_DIRS`, which moves it on macOS and Windows, is not followed.

    >>> user_data_dir(Host("linux", {}, home="/home/ada", prefix="/usr"))
    '/home/ada/.local/share/jupyter'
    >>> user_data_dir(Host("darwin", {}, home="/Users/ada", prefix="/usr"))
    '/Users/ada/Library/Jupyter'
    """
    host = host or Host.current()
    env, join = host.env, host.join
    if env.get("JUPYTER_DATA_DIR"):
        return env["JUPYTER_DATA_DIR"]
    if host.platform == "darwin":
        return join(host.home, "Library", "Jupyter")
    if host.platform == "win32":
        if env.get("APPDATA"):
            return join(env["APPDATA"], "jupyter")
        return join(env.get("JUPYTER_CONFIG_DIR") or join(host.home, ".jupyter"), "data")
    return join(env.get("XDG_DATA_HOME") or join(host.home, ".local", "share"), "jupyter")


def data_dirs(host: Host | None = None) -> list[str]:
    """List the data directories, the most important first, whether or not they exist.

    `JUPYTER_PATH`, then the user's, the Python environment's and the system's.  Inside a virtual
    environment, or when `JUPYTER_PREFER_ENV_PATH` says so, the environment's precedes the user's.

    >>> data_dirs(Host("linux", {"JUPYTER_PATH": "/data"}, home="/home/ada", prefix="/opt/py"))
    ... # doctest: +NORMALIZE_WHITESPACE
    ['/data', '/home/ada/.local/share/jupyter', '/opt/py/share/jupyter',
     '/usr/local/share/jupyter', '/usr/share/jupyter']
    """
    host = host or Host.current()
    separator, slash = (";", "\\") if host.platform == "win32" else (":", "/")
    # An empty entry would stand for the current directory, where anyone may have left a kernel.
    explicit = [path for path in host.env.get("JUPYTER_PATH", "").split(separator) if path]

    user = [user_data_dir(host)]
    if host.user_base:
        user.append(host.join(host.user_base, "share", "jupyter"))

    if host.platform != "win32":
        system = ["/usr/local/share/jupyter", "/usr/share/jupyter"]
    elif host.flag("JUPYTER_USE_PROGRAMDATA") and host.env.get("PROGRAMDATA"):
        system = [host.join(host.env["PROGRAMDATA"], "jupyter")]
    else:  # any user of the machine may write to PROGRAMDATA: it counts only when asked for
        system = []

    # The Python of the system has no environment of its own: its place is among the system's.
    environment = [
        path for path in [host.join(host.prefix, "share", "jupyter")] if path not in system
    ]

    prefer_environment = host.flag("JUPYTER_PREFER_ENV_PATH")
    if prefer_environment is None:
        prefer_environment = host.in_environment
    middle = [*environment, *user] if prefer_environment else [*user, *environment]
    ordered = [*(path.rstrip(slash) or slash for path in explicit), *middle, *system]
    return list(dict.fromkeys(ordered))  # the first of two equal ones decides


def kernel_dirs(host: Host | None = None) -> list[str]:
    """List the directories that hold kernel specs, the most important first.

    The last one is historical: IPython kept them in its own directory before Jupyter existed.
    """
    host = host or Host.current()
    ipython = host.env.get("IPYTHONDIR") or host.join(host.home, ".ipython")
    return [host.join(path, "kernels") for path in [*data_dirs(host), ipython]]


# --- kernel.json -------------------------------------------------------------------------------


def is_valid_name(name: str) -> bool:
    """Tell whether a directory of this name can announce a kernel.

    >>> is_valid_name("python-3.14"), is_valid_name("my kernel"), is_valid_name("..")
    (True, False, False)
    """
    return bool(_NAME.fullmatch(name)) and name not in (".", "..")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


_REQUIRED = ("argv", "display_name", "language")

# field of kernel.json: what it must be, in words and as a test
_FIELDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "argv": (
        "a list of at least one string",
        lambda value: isinstance(value, list) and bool(value) and all(map(_is_text, value)),
    ),
    "display_name": ("a string", _is_text),
    "language": ("a string", _is_text),
    "interrupt_mode": ("signal or message", lambda value: value in ("signal", "message")),
    "env": (
        "an object of strings",
        lambda value: isinstance(value, dict) and all(map(_is_text, value.values())),
    ),
    "metadata": ("an object", lambda value: isinstance(value, dict)),
    "kernel_protocol_version": ("a string", _is_text),
}


@dataclass(frozen=True)
class KernelSpec:
    """What `kernel.json` says, and the directory it was found in.

    Fields that we do not know are kept in `extra`, and written back.
    """

    argv: list[str]
    display_name: str
    language: str
    interrupt_mode: str = "signal"
    env: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    kernel_protocol_version: str = ""
    resource_dir: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, info: Mapping[str, Any], resource_dir: str = "") -> KernelSpec:
        """Make a kernel spec from the content of `kernel.json`.

        Raises KernelSpecError, which names the field.

        >>> KernelSpec.from_dict({"argv": ["run"], "display_name": 1, "language": "demo"})
        Traceback (most recent call last):
        refimpl.kernelspec.KernelSpecError: display_name: expected a string, got 1
        """
        known: dict[str, Any] = {}
        for name, (expected, fits) in _FIELDS.items():
            if name not in info and name not in _REQUIRED:
                continue
            if name not in info or not fits(info[name]):
                found = f"{info[name]!r:.80}" if name in info else "nothing"
                raise KernelSpecError(f"{name}: expected {expected}, got {found}")
            known[name] = info[name]
        extra = {name: value for name, value in info.items() if name not in _FIELDS}
        return cls(**known, resource_dir=resource_dir, extra=extra)

    def to_dict(self) -> dict[str, Any]:
        """Return what `kernel.json` holds; optional fields only when they are set."""
        optional = {name: getattr(self, name) for name in _FIELDS if name not in _REQUIRED}
        if optional["interrupt_mode"] == "signal":
            del optional["interrupt_mode"]
        required = {name: getattr(self, name) for name in _REQUIRED}
        return required | {name: value for name, value in optional.items() if value} | self.extra

    @classmethod
    def read(cls, directory: StrPath) -> KernelSpec:
        """Read the kernel spec in a directory.

        Raises KernelSpecError, which names the file and what is wrong with it.
        """
        path = Path(directory, "kernel.json")
        try:
            return cls.from_dict(read_object(path), resource_dir=os.fspath(directory))
        except ValueError as error:
            raise KernelSpecError(f"{path}: {error}") from None

    def write(self, directory: StrPath) -> None:
        """Write `kernel.json` into a directory, which must exist."""
        text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n"
        Path(directory, "kernel.json").write_text(text, "utf-8")


def fill_argv(spec: KernelSpec, connection_file: StrPath) -> list[str]:
    """Return the command line that starts a kernel, with the words in braces filled in.

    `{connection_file}` (made absolute), `{resource_dir}` and `{prefix}`; other braces stay.
    A command that is just called `python` means the Python that runs this.

    >>> spec = KernelSpec(["{resource_dir}/run", "{other}"], "Demo", "demo", resource_dir="/k/demo")
    >>> fill_argv(spec, "kernel-1.json")
    ['/k/demo/run', '{other}']
    """
    words = {
        # Resolved, because the Python of the Windows store redirects paths for itself alone.
        "connection_file": str(Path(connection_file).resolve()),
        "resource_dir": spec.resource_dir,
        "prefix": sys.prefix,
    }
    major, minor = sys.version_info[:2]
    command, *rest = spec.argv
    # PATH may lead to another Python when a virtual environment was not activated.
    if command in ("python", f"python{major}", f"python{major}.{minor}"):
        command = sys.executable
    return [
        re.sub(r"\{([A-Za-z0-9_]+)\}", lambda match: words.get(match[1], match[0]), part)
        for part in [command, *rest]
    ]


def fill_env(spec: KernelSpec, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment to start a kernel in: the present one, and the spec's `env` over it.

    `$NAME` and `${NAME}` in the spec's values are taken from the present environment; a name it
    lacks stays as it is written; `$$` is a dollar.

    >>> spec = KernelSpec(["run"], "Demo", "demo", env={"LIB": "${BASE}/lib", "X": "${NONE}"})
    >>> fill_env(spec, {"BASE": "/opt"})
    {'BASE': '/opt', 'LIB': '/opt/lib', 'X': '${NONE}'}
    """
    present = dict(os.environ if environ is None else environ)
    filled = {name: Template(value).safe_substitute(present) for name, value in spec.env.items()}
    return {**present, **filled}


# --- find, install, remove ---------------------------------------------------------------------


def find_kernel_specs(dirs: Iterable[StrPath] | None = None) -> dict[str, Path]:
    """Map the name of every kernel, in lower case, to its directory.

    Nothing is read yet, so a broken `kernel.json` is found like a good one.
    A directory whose name cannot be a kernel's is skipped, with one line in the log.
    """
    found: dict[str, Path] = {}
    for directory in kernel_dirs() if dirs is None else dirs:
        for path in _entries(Path(directory)):
            if not (path / "kernel.json").is_file():
                continue
            if is_valid_name(path.name):
                found.setdefault(path.name.lower(), path)
            else:
                log.warning("kernel spec %s is skipped: %s", path, NAME_RULE)
    return found


def _entries(directory: Path) -> list[Path]:
    """List a directory in order; most of the places exist on few machines."""
    try:
        return sorted(directory.iterdir())
    except OSError:
        return []


def read_kernel_specs(
    dirs: Iterable[StrPath] | None = None,
) -> dict[str, KernelSpec]:
    """Read every kernel spec that is found; for each broken one, log one line and go on."""
    specs = {}
    for name, path in find_kernel_specs(dirs).items():
        try:
            specs[name] = KernelSpec.read(path)
        except KernelSpecError as error:
            log.warning("kernel spec %s is skipped: %s", name, error)
    return specs


def get_kernel_spec(name: str, dirs: Iterable[StrPath] | None = None) -> KernelSpec:
    """Read the kernel spec of this name, without regard to case.

    Raises NoSuchKernel, and KernelSpecError when there is one that cannot be used.
    """
    return KernelSpec.read(_directory_of(name, dirs))


def _directory_of(name: str, dirs: Iterable[StrPath] | None) -> Path:
    found = find_kernel_specs(dirs)
    if name.lower() not in found:
        raise NoSuchKernel(name, found)
    return found[name.lower()]


def install_kernel_spec(
    source: StrPath | KernelSpec,
    name: str,
    *,
    prefix: StrPath | None = None,
    files: Iterable[StrPath] = (),
) -> Path:
    """Install a kernel spec, in place of one of the same name; return its new directory.

    The source is a directory, copied with all it holds, or a `KernelSpec`; `files`, such as logos,
    are laid beside it.  It goes to the user's own kernels, or to those of `prefix`: `sys.prefix`
    for this Python environment, `/usr/local` for everybody.
    A reader finds the old spec, for a moment none, or the new one; never half.

    Raises KernelSpecError for a bad name or a source that cannot be used, OSError as the disk does.
    """
    if not is_valid_name(name):
        raise KernelSpecError(f"{NAME_RULE}, got {name!r}")
    if not isinstance(source, KernelSpec):
        KernelSpec.read(source)  # better now than when a front end first tries

    data = Path(user_data_dir()) if prefix is None else Path(prefix, "share", "jupyter")
    kernels = data.absolute() / "kernels"
    kernels.mkdir(parents=True, exist_ok=True)
    # A directory spelled Name has the name, too: take its place rather than lie hidden behind it.
    same = [path for path in _entries(kernels) if path.name.lower() == name.lower()]
    target = same[0] if same else kernels / name.lower()

    # The staging directory holds no kernel.json itself, so that nobody takes it for a kernel.
    with tempfile.TemporaryDirectory(prefix=".installing-", dir=kernels) as staging:
        new, old = Path(staging, "new"), Path(staging, "old")
        if isinstance(source, KernelSpec):
            new.mkdir()
            source.write(new)
        else:
            shutil.copytree(source, new)
        for file in files:
            shutil.copyfile(file, new / Path(file).name)
        if same:
            target.rename(old)
        try:
            new.rename(target)
        except OSError:
            if same:
                old.rename(target)
            raise
    return target


def remove_kernel_spec(name: str, dirs: Iterable[StrPath] | None = None) -> Path:
    """Remove the kernel spec that wins this name; return the directory it was in.

    Of a symbolic link only the link is removed.  Raises NoSuchKernel, or OSError as the disk does.
    """
    target = _directory_of(name, dirs)
    # Renamed first: other programs see it whole or not at all.
    with tempfile.TemporaryDirectory(prefix=".removing-", dir=target.parent) as staging:
        target.rename(Path(staging, "old"))
    return target
