"""Connection files on disk: the runtime directory, new files, finding them; registration files."""

import hmac
import json
import os
import stat
import sys
from pathlib import Path

import pytest
from jupyter_client import connect
from jupyter_core.paths import jupyter_runtime_dir

from refimpl.connection import (
    MAX_IPC_PATH,
    Registration,
    find_connection_file,
    new_connection,
    new_connection_file,
    runtime_dir,
)
from refimpl.kernelspec import Host
from refimpl.wire import PORTS, Connection, ConnectionFileError


@pytest.fixture
def runtime(tmp_path_factory, monkeypatch) -> Path:
    """Name a runtime directory that does not exist yet, and work in an empty folder."""
    base = tmp_path_factory.mktemp("r")  # short: the paths of ipc are limited
    (base / "work").mkdir()
    monkeypatch.chdir(base / "work")
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(base / "data" / "run"))
    return base / "data" / "run"


# --- the runtime directory ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"JUPYTER_RUNTIME_DIR": "run"},
        {"JUPYTER_DATA_DIR": "data"},
        {"XDG_DATA_HOME": "xdg", "XDG_RUNTIME_DIR": "ignored"},
        {"JUPYTER_RUNTIME_DIR": "", "JUPYTER_DATA_DIR": "data"},
    ],
)
def test_runtime_directory_is_that_of_jupyter(tmp_path, monkeypatch, variables):
    """Whatever the environment says, Jupyter and we keep connection files in the same place."""
    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path.resolve()))
    for name, value in variables.items():
        monkeypatch.setenv(name, value and str(tmp_path / value))
    assert runtime_dir() == jupyter_runtime_dir()


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (Host("darwin", {}, "/Users/ada", "/usr"), "/Users/ada/Library/Jupyter/runtime"),
        (
            Host("win32", {"APPDATA": r"C:\Roaming"}, r"C:\Users\ada", r"C:\py"),
            r"C:\Roaming\jupyter\runtime",
        ),
        (Host("win32", {"JUPYTER_RUNTIME_DIR": r"D:\run"}, r"C:\Users\ada", r"C:\py"), r"D:\run"),
    ],
)
def test_runtime_directory_of_each_platform(host, expected):
    """The runtime directory can be computed for any system on any other."""
    assert runtime_dir(host) == expected


# --- new connections ---------------------------------------------------------------------------


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def test_kernel_chooses_every_port(transport):
    """A new connection leaves all ports to the kernel, and no two have the same key."""
    one, two = (new_connection(transport, "/run/kernel-1") for _ in range(2))
    assert [getattr(one, port) for port in PORTS] == [0] * 5
    assert len(one.key) == 64
    assert one.key != two.key
    assert one.signature_scheme == "hmac-sha256"


def test_star_means_every_interface():
    """Listening on * is written as 0.0.0.0, which a client can connect to."""
    assert new_connection(ip="*").ip == "0.0.0.0"


@pytest.mark.parametrize(
    ("transport", "ip", "message"),
    [
        ("udp", "127.0.0.1", "transport: expected tcp or ipc, got 'udp'"),
        ("tcp", "", "ip: expected an address, got an empty string"),
        ("ipc", "/" + "x" * 97, "ip: expected a path of at most 97 bytes, got '/xxx"),
    ],
)
def test_bad_address_is_named(transport, ip, message):
    """What no kernel could bind is refused with the name of the field."""
    with pytest.raises(ConnectionFileError, match=message):
        new_connection(transport, ip)


def test_longest_ipc_path_fits():
    """With the largest port the longest path allowed is as long as the system's limit."""
    connection = new_connection("ipc", "/" + "x" * 96)
    path = f"{connection.ip}-65535"
    assert len(path) == MAX_IPC_PATH


@pytest.mark.rule("R-CONN-2")
def test_new_file_is_private(runtime):
    """A new connection file lies in the runtime directory, and only its owner can read it."""
    path = new_connection_file(kernel_name="demo")
    assert path.parent == runtime
    assert path.match("kernel-*.json")
    assert Connection.read(path).kernel_name == "demo"
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(runtime.stat().st_mode) == 0o700


def test_new_files_are_distinct(runtime):
    """Every kernel gets a file and, for ipc, a path of its own."""
    paths = [new_connection_file("ipc") for _ in range(3)]
    assert len(set(paths)) == 3
    assert [Connection.read(path).ip for path in paths] == [
        str(path.with_suffix("")) for path in paths
    ]


def test_address_of_a_new_file_can_be_chosen(runtime):
    """The address given is the one in the file; without one it is this machine alone."""
    assert Connection.read(new_connection_file(ip="::1")).ip == "::1"
    assert Connection.read(new_connection_file()).ip == "127.0.0.1"


# --- find --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "kernel-*.json",
        "kernel-12.json",
        "kernel-12",
        "12",
        "2",
        "*2*",
        "other.json",
        "here",
        "sub/kernel-*.json",
        "{runtime}/kernel-34.json",
    ],
)
def test_finds_the_file_that_jupyter_finds(runtime, name):
    """A path, a name, a pattern or a part of a name leads to the same file as in Jupyter."""
    names = ("kernel-12.json", "kernel-2.json", "kernel-34.json", "other.json", ".kernel-2.json")
    (runtime / "sub").mkdir(parents=True)
    files = [*(runtime / name for name in names), runtime / "sub" / "kernel-5.json"]
    files.append(Path("here.json").absolute())
    for age, path in enumerate(files):
        path.write_text("{}")
        os.utime(path, (1_000_000 - age, 0))
    name = name.replace("{runtime}", str(runtime))
    assert str(find_connection_file(name)) == connect.find_connection_file(name)


def test_last_read_file_is_meant(tmp_path):
    """Of several matching files, in whatever directory, the one that was last read is found."""
    one, two = tmp_path / "one", tmp_path / "two"
    for directory, accessed in ((one, 2_000), (two, 1_000)):
        directory.mkdir()
        path = directory / "kernel-1.json"
        path.write_text("{}")
        os.utime(path, (accessed, accessed))
    assert find_connection_file("kernel", [two, one]) == one / "kernel-1.json"


def test_home_is_understood(tmp_path, monkeypatch):
    """A path may begin with the tilde."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "k.json").write_text("{}")
    assert find_connection_file("~/k.json", ["/elsewhere"]) == tmp_path / "k.json"


def test_missing_file_says_where_it_looked(runtime):
    """When nothing matches, the error names the pattern and the places."""
    with pytest.raises(FileNotFoundError) as caught:
        find_connection_file("nothing")
    assert str(caught.value) == f"no connection file matches 'nothing' in ., {runtime}"


# --- registration files ------------------------------------------------------------------------

REGISTRATION = {
    "kernel_id": "7",
    "transport": "tcp",
    "registration_ip": "127.0.0.1",
    "registration_port": 5000,
    "signature_scheme": "hmac-sha256",
    "key": "secret",
}


def test_reads_a_registration_file(tmp_path):
    """A registration file gives the launcher's address and key; unknown fields are ignored."""
    path = tmp_path / "registration.json"
    path.write_text(json.dumps(REGISTRATION | {"later": True}))
    registration = Registration.read(path)
    assert vars(registration) == REGISTRATION
    assert registration.url() == "tcp://127.0.0.1:5000"
    assert "secret" not in repr(registration)


@pytest.mark.parametrize(
    ("changes", "url"),
    [
        ({"registration_ip": "::1"}, "tcp://[::1]:5000"),
        ({"transport": "ipc", "registration_ip": "/run/r"}, "ipc:///run/r-5000"),
    ],
)
def test_registration_address(changes, url):
    """The address is written as ZeroMQ wants it, for IPv6 and ipc too."""
    assert Registration.from_dict(REGISTRATION | changes).url() == url


def test_registration_is_signed_with_its_key():
    """Messages to the launcher are signed with the key and the scheme of the file."""
    info = REGISTRATION | {"signature_scheme": "hmac-md5", "key": "key"}
    session = Registration.from_dict(info).new_session()
    assert session.sign([b"{}"]).decode() == hmac.new(b"key", b"{}", "md5").hexdigest()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kernel_id": None}, "kernel_id: expected a string, got NoneType"),
        ({"kernel_id": ""}, "kernel_id: expected some text, got an empty string"),
        ({"transport": "udp"}, "transport: expected tcp or ipc, got 'udp'"),
        ({"registration_ip": ""}, "registration_ip: expected some text, got an empty string"),
        ({"registration_port": "5000"}, "registration_port: expected an integer, got str"),
        ({"registration_port": True}, "registration_port: expected an integer, got bool"),
        ({"registration_port": 0}, "registration_port: expected 1 to 65535, got 0"),
        ({"registration_port": 65536}, "registration_port: expected 1 to 65535, got 65536"),
        ({"signature_scheme": "hmac-x"}, "signature_scheme: expected hmac- .*, got 'hmac-x'"),
        ({"key": ["secret"]}, "key: expected a string, got list"),
        *(({name: ...}, f"{name}: expected an? [a-z]+, got nothing") for name in REGISTRATION),
    ],
)
def test_registration_error_names_file_and_field(tmp_path, changes, message):
    """A registration that cannot be used is refused in one line with the file and the field."""
    path = tmp_path / "registration.json"
    info = {name: value for name, value in (REGISTRATION | changes).items() if value is not ...}
    path.write_text(json.dumps(info))
    with pytest.raises(ConnectionFileError, match=message) as caught:
        Registration.read(path)
    assert str(caught.value).startswith(f"registration file {path}: ")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "No such file or directory"), (b"{", "not JSON"), (b"[]", "an object, got list")],
)
def test_registration_file_that_is_none(tmp_path, content, message):
    """A file that is absent or holds something else is refused in one line with its path."""
    path = tmp_path / "registration.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConnectionFileError, match=message) as caught:
        Registration.read(path)
    assert str(caught.value).startswith(f"registration file {path}: ")
