"""Kernel specs: the places, the file, the command line, installing; compared with Jupyter's own."""

import json
import os
import site
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpec as JupyterKernelSpec
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_core.paths import jupyter_path

from refimpl.kernelspec import (
    Host,
    KernelSpec,
    KernelSpecError,
    NoSuchKernel,
    data_dirs,
    fill_argv,
    fill_env,
    find_kernel_specs,
    get_kernel_spec,
    install_kernel_spec,
    is_valid_name,
    kernel_dirs,
    read_kernel_specs,
    remove_kernel_spec,
)

SPEC = {"argv": ["demo", "{connection_file}"], "display_name": "Demo", "language": "demo"}


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """Move the user's home to an empty directory, and forget what the environment says."""
    for name in [*os.environ]:
        if name.startswith(("JUPYTER", "XDG_", "CONDA_", "IPYTHON")):
            monkeypatch.delenv(name)
    home = tmp_path.resolve() / "home"
    (home / ".ipython").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("APPDATA", str(home / "AppData"))
    return home


def write_spec(directory: Path, **changes: object) -> Path:
    """Write a kernel spec into a directory, which is made."""
    directory.mkdir(parents=True)
    (directory / "kernel.json").write_text(json.dumps(SPEC | changes), "utf-8")
    return directory


# --- places ------------------------------------------------------------------------------------

ENVIRONMENTS = {
    "plain": {},
    "JUPYTER_PATH": {"JUPYTER_PATH": os.pathsep.join(["{home}/one/", "{home}/two"])},
    "JUPYTER_PATH names a usual place": {"JUPYTER_PATH": "/usr/share/jupyter"},
    "JUPYTER_DATA_DIR": {"JUPYTER_DATA_DIR": "{home}/data"},
    "XDG_DATA_HOME": {"XDG_DATA_HOME": "{home}/xdg"},
    "XDG_DATA_HOME empty": {"XDG_DATA_HOME": ""},
    "environment first": {"JUPYTER_PREFER_ENV_PATH": "1"},
    "user first": {"JUPYTER_PREFER_ENV_PATH": "Off"},
    "switch set to nothing": {"JUPYTER_PREFER_ENV_PATH": ""},
    "IPYTHONDIR": {"IPYTHONDIR": "{home}/.ipython"},
    "all": {
        "JUPYTER_PATH": "{home}/one",
        "JUPYTER_DATA_DIR": "{home}/data",
        "XDG_DATA_HOME": "{home}/xdg",
        "JUPYTER_PREFER_ENV_PATH": "0",
    },
}


@pytest.fixture(params=ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def environment(request, home, monkeypatch) -> Path:
    """Set the variables of one of ENVIRONMENTS."""
    for name, value in request.param.items():
        monkeypatch.setenv(name, value.replace("{home}", str(home)))
    return home


@pytest.fixture(params=["virtual environment", "no environment", "conda", "with user site"])
def python(request, monkeypatch, tmp_path) -> None:
    """Have Python run in one kind of environment or another."""
    monkeypatch.setattr(sys, "base_prefix", "/elsewhere")
    monkeypatch.setattr(site, "ENABLE_USER_SITE", False)
    if request.param != "virtual environment":
        monkeypatch.setattr(sys, "base_prefix", sys.prefix)
    if request.param == "conda":
        monkeypatch.setenv("CONDA_PREFIX", sys.prefix)
        monkeypatch.setenv("CONDA_DEFAULT_ENV", "work")
    if request.param == "with user site":
        monkeypatch.setattr(site, "ENABLE_USER_SITE", True)
        monkeypatch.setattr(site, "USER_BASE", str(tmp_path / "base"))


def without_repeats(paths: list[str]) -> list[str]:
    """Drop places that were named before: a second look finds nothing new."""
    return list(dict.fromkeys(paths))


def test_places_are_those_of_jupyter(environment, python):
    """Whatever the environment says, Jupyter and we look in the same places in the same order."""
    assert data_dirs() == without_repeats(jupyter_path())
    assert kernel_dirs() == without_repeats(KernelSpecManager().kernel_dirs)


def test_the_same_spec_wins(environment, python):
    """Of several specs with one name, the one that Jupyter takes is the one that we take."""
    writable = [Path(place) for place in kernel_dirs() if Path(place).is_relative_to(environment)]
    for number, place in enumerate(writable):
        write_spec(place / "everywhere")
        write_spec(place / f"Only-{number}")
    ours = {name: str(path) for name, path in find_kernel_specs().items()}
    assert ours == KernelSpecManager(ensure_native_kernel=False).find_kernel_specs()
    assert "everywhere" in ours


WINDOWS = {"APPDATA": r"C:\Users\ada\AppData\Roaming", "PROGRAMDATA": r"C:\ProgramData"}
PLATFORMS = {
    "linux": (
        Host("linux", {}, "/home/ada", "/opt/env", in_environment=True),
        [
            "/opt/env/share/jupyter/kernels",
            "/home/ada/.local/share/jupyter/kernels",
            "/usr/local/share/jupyter/kernels",
            "/usr/share/jupyter/kernels",
            "/home/ada/.ipython/kernels",
        ],
    ),
    "linux, Python of the system": (
        Host("linux", {}, "/home/ada", "/usr", user_base="/home/ada/.local"),
        [
            "/home/ada/.local/share/jupyter/kernels",
            "/usr/local/share/jupyter/kernels",
            "/usr/share/jupyter/kernels",
            "/home/ada/.ipython/kernels",
        ],
    ),
    "JUPYTER_PATH with an empty entry": (
        Host("linux", {"JUPYTER_PATH": ":/data/", "IPYTHONDIR": "/ipy"}, "/h", "/usr"),
        [
            "/data/kernels",
            "/h/.local/share/jupyter/kernels",
            "/usr/local/share/jupyter/kernels",
            "/usr/share/jupyter/kernels",
            "/ipy/kernels",
        ],
    ),
    "macOS": (
        Host("darwin", {}, "/Users/ada", "/usr/local"),
        [
            "/Users/ada/Library/Jupyter/kernels",
            "/usr/local/share/jupyter/kernels",
            "/usr/share/jupyter/kernels",
            "/Users/ada/.ipython/kernels",
        ],
    ),
    "Windows": (
        Host("win32", WINDOWS | {"JUPYTER_PATH": "D:\\data\\;E:\\more"}, r"C:\Users\ada", r"C:\py"),
        [
            r"D:\data\kernels",
            r"E:\more\kernels",
            r"C:\Users\ada\AppData\Roaming\jupyter\kernels",
            r"C:\py\share\jupyter\kernels",
            r"C:\Users\ada\.ipython\kernels",
        ],
    ),
    "Windows that trusts PROGRAMDATA": (
        Host("win32", WINDOWS | {"JUPYTER_USE_PROGRAMDATA": "1"}, r"C:\Users\ada", r"C:\py"),
        [
            r"C:\Users\ada\AppData\Roaming\jupyter\kernels",
            r"C:\py\share\jupyter\kernels",
            r"C:\ProgramData\jupyter\kernels",
            r"C:\Users\ada\.ipython\kernels",
        ],
    ),
    "Windows without APPDATA": (
        Host("win32", {}, r"C:\Users\ada", r"C:\py"),
        [
            r"C:\Users\ada\.jupyter\data\kernels",
            r"C:\py\share\jupyter\kernels",
            r"C:\Users\ada\.ipython\kernels",
        ],
    ),
}


@pytest.mark.parametrize(("host", "expected"), PLATFORMS.values(), ids=PLATFORMS)
def test_places_of_each_platform(host, expected):
    """The list of places can be computed for any system on any other."""
    assert kernel_dirs(host) == expected


# --- kernel.json -------------------------------------------------------------------------------


@given(st.text(st.one_of(st.characters(), st.sampled_from("aZ09-._")), max_size=8))
def test_names_are_plain_ascii(name):
    """A name is valid when all its characters are in the list, and it is no step in a path."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    allowed = set(letters + "0123456789-._")
    assert is_valid_name(name) == (name not in ("", ".", "..") and set(name) <= allowed)


BROKEN = {
    "absent": (None, "No such file or directory"),
    "not JSON": (b"{,", "not JSON: Expecting property name"),
    "not UTF-8": (b'{"language": "\xff"}', "not UTF-8: invalid start byte at byte 14"),
    "not an object": (b"[]", "expected an object, got list"),
    "too deep": (b"[" * 100_000, "nests too deeply"),
    "no argv": ({"display_name": "D", "language": "d"}, "argv: expected a list .*, got nothing"),
    "no display_name": ({"argv": ["d"], "language": "d"}, "display_name: expected .*, got nothing"),
    "no language": ({"argv": ["d"], "display_name": "D"}, "language: expected .*, got nothing"),
    "argv a string": (SPEC | {"argv": "demo"}, "argv: expected a list .*, got 'demo'"),
    "argv empty": (SPEC | {"argv": []}, r"argv: expected a list .*, got \[\]"),
    "argv of numbers": (SPEC | {"argv": ["d", 1]}, r"argv: expected a list .*, got \['d', 1\]"),
    "language null": (SPEC | {"language": None}, "language: expected a string, got None"),
    "mode": (SPEC | {"interrupt_mode": "maybe"}, "interrupt_mode: expected signal or message, got"),
    "mode a list": (SPEC | {"interrupt_mode": []}, r"interrupt_mode: .*, got \[\]"),
    "env a list": (SPEC | {"env": []}, r"env: expected an object of strings, got \[\]"),
    "env of numbers": (SPEC | {"env": {"N": 1}}, r"env: expected an object of strings, got {'N'"),
    "metadata": (SPEC | {"metadata": "x"}, "metadata: expected an object, got 'x'"),
    "version": (
        SPEC | {"kernel_protocol_version": 5.5},
        "kernel_protocol_version: expected a string, got 5.5",
    ),
}


@pytest.mark.parametrize(("content", "message"), BROKEN.values(), ids=BROKEN)
def test_error_names_file_and_field(tmp_path, content, message):
    """A kernel.json that cannot be used is refused in one line with its path and the field."""
    file = tmp_path / "kernel.json"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    with pytest.raises(KernelSpecError, match=message) as caught:
        KernelSpec.read(tmp_path)
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)


def test_unreadable_file_is_named(tmp_path):
    """A kernel.json that the system does not let us read is named with the system's reason."""
    (tmp_path / "kernel.json").mkdir()
    with pytest.raises(KernelSpecError, match=r"kernel\.json: (Is a directory|Permission denied)"):
        KernelSpec.read(tmp_path)


def test_unknown_fields_survive(tmp_path):
    """What is read is written back: unknown fields too, defaults left out."""
    info = SPEC | {"interrupt_mode": "message", "env": {"A": "1"}, "codemirror_mode": "demo"}
    spec = KernelSpec.from_dict(info)
    assert spec.extra == {"codemirror_mode": "demo"}
    spec.write(tmp_path)
    assert json.loads((tmp_path / "kernel.json").read_text("utf-8")) == info
    assert KernelSpec.read(tmp_path).resource_dir == str(tmp_path)
    assert KernelSpec.from_dict(SPEC).to_dict() == SPEC


# --- command line and environment --------------------------------------------------------------

PIECES = st.one_of(
    st.sampled_from(["{connection_file}", "{resource_dir}", "{prefix}", "{other}", "{", "}", "{}"]),
    st.text(max_size=4),
)
PARTS = st.lists(PIECES, max_size=4).map("".join)
COMMANDS = st.one_of(st.sampled_from(["python", "python3", "python3.99", "/bin/python"]), PARTS)


@given(COMMANDS, st.lists(PARTS, max_size=4), st.sampled_from(["", "/k/{prefix}", "/k/demo"]))
def test_command_line_is_that_of_jupyter(command, rest, resource_dir):
    """Braces are filled in as jupyter_client does it: known words only, each of them once."""
    argv = [command, *rest]
    manager = KernelManager(connection_file="kernel-1.json")
    manager._kernel_spec = JupyterKernelSpec(argv=argv, resource_dir=resource_dir)
    spec = KernelSpec(argv, "Demo", "demo", resource_dir=resource_dir)
    assert fill_argv(spec, "kernel-1.json") == manager.format_kernel_cmd()


@pytest.mark.parametrize(
    ("value", "filled"),
    [
        ("plain", "plain"),
        ("${BASE}/lib", "/opt/lib"),
        ("$BASE/lib", "/opt/lib"),
        ("${BASE}:${BASE}", "/opt:/opt"),
        ("${MISSING}", "${MISSING}"),
        ("${", "${"),
        ("$$BASE", "$BASE"),
        ("${NEW}", "${NEW}"),
    ],
)
def test_environment_is_filled_in(value, filled):
    """Names in the spec's env are taken from the present environment; unknown ones stay."""
    spec = KernelSpec(["demo"], "Demo", "demo", env={"NEW": value, "KEEP": "2"})
    present = {"BASE": "/opt", "KEEP": "1"}
    assert fill_env(spec, present) == {"BASE": "/opt", "NEW": filled, "KEEP": "2"}
    assert present == {"BASE": "/opt", "KEEP": "1"}


def test_environment_of_this_process_is_the_default(monkeypatch):
    """Without another environment the kernel gets the one of this process."""
    monkeypatch.setenv("BASE", "/opt")
    spec = KernelSpec(["demo"], "Demo", "demo", env={"LIB": "${BASE}/lib"})
    assert fill_env(spec) == {**os.environ, "LIB": "/opt/lib"}


# --- find --------------------------------------------------------------------------------------


def test_case_of_names_does_not_matter(tmp_path):
    """A spec is found under its name in any spelling, and listed in lower case."""
    path = write_spec(tmp_path / "Demo-Kernel")
    assert find_kernel_specs([tmp_path]) == {"demo-kernel": path}
    assert get_kernel_spec("DEMO-kernel", [tmp_path]).resource_dir == str(path)


def test_unknown_name_lists_the_known(tmp_path):
    """Asking for a kernel that is not there says which ones are."""
    for name in ("beta", "alpha"):
        write_spec(tmp_path / name)
    with pytest.raises(NoSuchKernel) as caught:
        get_kernel_spec("gamma", [tmp_path])
    assert str(caught.value) == "no kernel is named 'gamma'; known: alpha, beta"
    with pytest.raises(NoSuchKernel, match="known: none"):
        get_kernel_spec("gamma", [tmp_path / "absent"])


def test_broken_spec_hides_no_other(tmp_path, caplog):
    """Of many specs a broken one is left out, with one line in the log that says why."""
    write_spec(tmp_path / "good")
    write_spec(tmp_path / "bad", argv=7)
    (tmp_path / "no-kernel-here").mkdir()
    assert list(read_kernel_specs([tmp_path])) == ["good"]
    (line,) = caplog.messages
    assert line.startswith("kernel spec bad is skipped: ")
    assert line.endswith("argv: expected a list of at least one string, got 7")


def test_directory_with_another_name_is_skipped(tmp_path, caplog):
    """A directory whose name cannot be a kernel's is passed over, with one line in the log."""
    write_spec(tmp_path / "my kernel")
    assert find_kernel_specs([tmp_path]) == {}
    (line,) = caplog.messages
    assert "my kernel is skipped: a kernel's name has ASCII letters" in line


# --- install and remove ------------------------------------------------------------------------


def kernels_of(prefix: Path) -> Path:
    """Return where a prefix keeps its kernel specs."""
    return prefix / "share" / "jupyter" / "kernels"


def test_installs_a_directory_with_all_it_holds(home, tmp_path):
    """A directory is copied, under its new name in lower case, to the user's own kernels."""
    source = write_spec(tmp_path / "source")
    (source / "logo-64x64.png").write_bytes(b"png")
    (source / "kernel.js").write_text("define()")
    target = install_kernel_spec(source, "Demo")
    assert target.name == "demo"
    assert target.is_relative_to(home)
    assert find_kernel_specs()["demo"] == target
    assert sorted(path.name for path in target.iterdir()) == [
        *("kernel.js", "kernel.json", "logo-64x64.png"),
    ]
    assert [path.name for path in target.parent.iterdir()] == ["demo"]


def test_installs_a_spec_object_and_files(tmp_path):
    """A spec made in memory is written out, with the given files beside it."""
    logo = tmp_path / "logo-svg.svg"
    logo.write_text("<svg/>")
    target = install_kernel_spec(KernelSpec.from_dict(SPEC), "demo", prefix=tmp_path, files=[logo])
    assert target == kernels_of(tmp_path) / "demo"
    assert KernelSpec.read(target).to_dict() == SPEC
    assert (target / "logo-svg.svg").read_text() == "<svg/>"


def test_replaces_the_whole_of_the_old_spec(tmp_path):
    """Installing over a spec leaves nothing of it, however its name was spelled."""
    old = write_spec(kernels_of(tmp_path) / "Demo", display_name="Old")
    (old / "logo-32x32.png").write_bytes(b"old")
    target = install_kernel_spec(KernelSpec.from_dict(SPEC), "demo", prefix=tmp_path)
    assert [path.name for path in target.iterdir()] == ["kernel.json"]
    assert find_kernel_specs([target.parent]) == {"demo": target}
    assert get_kernel_spec("demo", [target.parent]).display_name == "Demo"


@pytest.mark.parametrize("name", ["", "..", "my kernel", "a/b", "é"])
def test_bad_name_installs_nothing(tmp_path, name):
    """A name that cannot be a kernel's is refused before anything is written."""
    with pytest.raises(KernelSpecError, match="a kernel's name has ASCII letters"):
        install_kernel_spec(KernelSpec.from_dict(SPEC), name, prefix=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_bad_source_installs_nothing(tmp_path):
    """A directory whose kernel.json cannot be used is refused before anything is written."""
    source = write_spec(tmp_path / "source", language=None)
    with pytest.raises(KernelSpecError, match="language: expected a string, got None"):
        install_kernel_spec(source, "demo", prefix=tmp_path / "prefix")
    assert not (tmp_path / "prefix").exists()


def test_failed_copy_leaves_the_old_spec(tmp_path):
    """When the disk fails half way, the old spec is still there and nothing else is."""
    target = install_kernel_spec(KernelSpec.from_dict(SPEC), "demo", prefix=tmp_path)
    new = KernelSpec.from_dict(SPEC | {"display_name": "New"})
    with pytest.raises(FileNotFoundError):
        install_kernel_spec(new, "demo", prefix=tmp_path, files=[tmp_path / "absent.svg"])
    assert KernelSpec.read(target).display_name == "Demo"
    assert list(target.parent.iterdir()) == [target]


def test_failed_exchange_puts_the_old_spec_back(tmp_path, monkeypatch):
    """When the new spec cannot be moved into place, the old one returns to it."""
    target = install_kernel_spec(KernelSpec.from_dict(SPEC), "demo", prefix=tmp_path)
    rename = Path.rename

    def fail(path: Path, to: Path) -> Path:
        if path.name == "new":
            raise PermissionError("in use")
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", fail)
    new = KernelSpec.from_dict(SPEC | {"display_name": "New"})
    with pytest.raises(PermissionError, match="in use"):
        install_kernel_spec(new, "demo", prefix=tmp_path)
    assert KernelSpec.read(target).display_name == "Demo"
    assert list(target.parent.iterdir()) == [target]


def test_removes_the_winner_only(tmp_path):
    """Removing a kernel removes the spec that wins its name; the next one then has it."""
    first = write_spec(tmp_path / "first" / "demo")
    second = write_spec(tmp_path / "second" / "demo")
    dirs = [first.parent, second.parent]
    assert remove_kernel_spec("Demo", dirs) == first
    assert list(first.parent.iterdir()) == []
    assert find_kernel_specs(dirs) == {"demo": second}
    with pytest.raises(NoSuchKernel):
        remove_kernel_spec("other", dirs)


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_removes_a_link_but_not_what_it_points_to(tmp_path):
    """Of a spec that is a symbolic link only the link goes."""
    real = write_spec(tmp_path / "develop")
    kernels = tmp_path / "kernels"
    kernels.mkdir()
    (kernels / "demo").symlink_to(real, target_is_directory=True)
    remove_kernel_spec("demo", [kernels])
    assert list(kernels.iterdir()) == []
    assert (real / "kernel.json").is_file()


# --- with Jupyter ------------------------------------------------------------------------------


def jupyter_kernelspec(*arguments: str | Path) -> str:
    """Run `jupyter kernelspec`; return what it printed."""
    command = [sys.executable, "-m", "jupyter", "kernelspec", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def test_jupyter_sees_what_we_install(home):
    """`jupyter kernelspec list` shows a spec of ours with all its fields."""
    info = SPEC | {"interrupt_mode": "message", "env": {"A": "${B}"}, "metadata": {"m": {}}}
    target = install_kernel_spec(KernelSpec.from_dict(info), "demo")
    entry = json.loads(jupyter_kernelspec("list", "--json"))["kernelspecs"]["demo"]
    assert entry["resource_dir"] == str(target)
    assert entry["spec"] == info | {"kernel_protocol_version": ""}


def test_we_see_what_jupyter_installs(home, tmp_path):
    """A spec put in place by `jupyter kernelspec install` is found, read and removed by us."""
    source = write_spec(tmp_path / "source", language="other")
    jupyter_kernelspec("install", source, "--user", "--name", "Demo")
    spec = get_kernel_spec("demo")
    assert spec.language == "other"
    assert remove_kernel_spec("demo") == Path(spec.resource_dir)
    assert "demo" not in KernelSpecManager().find_kernel_specs()
