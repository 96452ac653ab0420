"""The handshake: a kernel reports the ports it chose, and the launcher acknowledges them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import zmq
from conftest import ROOT, TIMEOUT

from refimpl import run_registration
from refimpl.connection import Registration
from refimpl.run_client import KernelClient, start_kernel
from refimpl.run_registration import Registrar, register
from refimpl.wire import (
    DELIMITER,
    PORTS,
    BadFrames,
    BadPart,
    Connection,
    ConnectionFileError,
    InvalidContent,
    InvalidSignature,
    NotADict,
    UnsignedMessage,
)

REGISTRATION = Registration("kernel-1", "tcp", "127.0.0.1", 40000, "hmac-sha256", "secret")
CONNECTION = Connection("tcp", "127.0.0.1", 50001, 50002, 50003, 50004, 50005, "secret")


def signed(content: Any, registration: Registration = REGISTRATION) -> list[bytes]:
    """Make the frames of any content, signed with the key of the registration."""
    part = content if isinstance(content, bytes) else json.dumps(content).encode()
    return [DELIMITER, registration.new_session().sign([part]), part]


def reported(**changes: Any) -> dict[str, Any]:
    """Make the content of a report, with changes; None leaves a field out."""
    content = {"kernel_id": "kernel-1", **{name: str(50001 + at) for at, name in enumerate(PORTS)}}
    content |= changes
    return {name: value for name, value in content.items() if value is not None}


# --- the two messages ---------------------------------------------------------------------------


@pytest.mark.rule("R-REG-1")
def test_report_is_one_signed_part() -> None:
    """A report is delimiter, signature and one part with the id and five ports, as text."""
    delimiter, signature, part = REGISTRATION.report(CONNECTION)
    assert delimiter == b"<IDS|MSG>"
    assert signature == REGISTRATION.new_session().sign([part])
    assert json.loads(part) == {
        "kernel_id": "kernel-1",
        "shell_port": "50001",
        "iopub_port": "50002",
        "stdin_port": "50003",
        "control_port": "50004",
        "hb_port": "50005",
    }


def test_report_is_read() -> None:
    """A launcher learns the whole connection from a report."""
    assert REGISTRATION.read_report(REGISTRATION.report(CONNECTION)) == CONNECTION


def test_ports_may_be_integers() -> None:
    """Ports are text by the specification, and integers in some kernels."""
    content = {name: getattr(CONNECTION, name) for name in PORTS} | {"kernel_id": "kernel-1"}
    assert REGISTRATION.read_report(signed(content)) == CONNECTION


@pytest.mark.parametrize(
    ("frames", "error", "said"),
    [
        pytest.param([], BadFrames, "got 0 frames", id="nothing"),
        pytest.param(signed(reported())[1:], BadFrames, "got 2 frames", id="no delimiter"),
        pytest.param([*signed(reported()), b""], BadFrames, "got 4 frames", id="too many"),
        pytest.param([DELIMITER, b"", b"{}"], UnsignedMessage, "got an empty frame", id="unsigned"),
        pytest.param(
            [DELIMITER, b"0" * 64, b"{}"], InvalidSignature, "another key", id="wrong signature"
        ),
        pytest.param(signed(b"\xff"), BadPart, "expected UTF-8", id="not UTF-8"),
        pytest.param(signed(b"{"), BadPart, "registration: ", id="not JSON"),
        pytest.param(signed([1]), NotADict, "expected an object, got list", id="a list"),
        pytest.param(
            signed(reported(kernel_id="other")),
            InvalidContent,
            "kernel_id: expected 'kernel-1', got 'other'",
            id="another kernel",
        ),
        pytest.param(signed(reported(kernel_id=None)), InvalidContent, "got None", id="no kernel"),
        *(
            pytest.param(
                signed(reported(hb_port=port)),
                InvalidContent,
                "hb_port: expected 1 to 65535",
                id=f"port {port!r}"[:30],
            )
            for port in (
                None,
                "",
                "0",
                0,
                "-1",
                "65536",
                65536,
                "x",
                "1x",
                1.5,
                True,
                [],
                "٣",
                "9" * 99,
            )
        ),
    ],
)
def test_bad_report(frames: list[bytes], error: type[Exception], said: str) -> None:
    """What is not a report of this kernel, signed with this key, is refused by name."""
    with pytest.raises(error, match=said):
        REGISTRATION.read_report(frames)


def test_acknowledgement() -> None:
    """The launcher's answer is signed; its content is its own affair."""
    REGISTRATION.check_acknowledgement(REGISTRATION.acknowledgement())
    REGISTRATION.check_acknowledgement(signed({"status": "welcome"}))
    with pytest.raises(InvalidSignature):
        REGISTRATION.check_acknowledgement([DELIMITER, b"0" * 64, b"{}"])


def test_file_is_private_and_read_again(tmp_path: Path) -> None:
    """A registration file is for its owner alone, and says what was put into it."""
    path = tmp_path / "registration.json"
    REGISTRATION.write(path)
    assert Registration.read(path) == REGISTRATION
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600


# --- kernels and launchers ----------------------------------------------------------------------


@pytest.fixture
def runtime(tmp_path, monkeypatch) -> Path:
    """Keep the connection files that kernels write in a folder of the test."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return tmp_path / "runtime"


@contextmanager
def kernel(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a kernel from a registration file."""
    argv = [sys.executable, "-m", "refimpl", "kernel", "python", "-f", str(path)]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.rule("R-REG-1")
@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def test_kernel_registers(runtime, transport) -> None:
    """A kernel that gets a registration file is ready after the handshake."""
    if transport == "ipc" and not zmq.has("ipc"):
        pytest.skip("no ipc on this system")
    with start_kernel("python", handshake=True, transport=transport) as client:
        assert client.execute("6 * 7").result == "42"
        (path,) = runtime.glob("kernel-*.json")
        assert Connection.read(path) == client.connection
        if os.name == "posix":
            assert path.stat().st_mode & 0o777 == 0o600
    assert list(runtime.iterdir()) == []


def test_many_kernels_at_one_registrar(runtime, tmp_path) -> None:
    """Kernels that start together report to one socket, and each is found by its id."""
    with Registrar() as registrar:
        registrations = [registrar.expect(f"kernel-{n}") for n in range(3)]
        for registration in registrations:
            registration.write(tmp_path / registration.kernel_id)
        with (
            kernel(tmp_path / "kernel-0"),
            kernel(tmp_path / "kernel-1"),
            kernel(tmp_path / "kernel-2"),
        ):
            for registration in reversed(registrations):
                connection = registrar.wait(registration.kernel_id, TIMEOUT)
                with KernelClient(connection) as client:
                    client.wait_until_ready()
                    assert (runtime / f"kernel-{registration.kernel_id}.json").exists()


def test_nobody_acknowledges(runtime, tmp_path, monkeypatch) -> None:
    """A kernel whose report nobody acknowledges ends, and says why in one line."""
    with zmq.Context() as context, context.socket(zmq.ROUTER) as silent:
        port = silent.bind_to_random_port("tcp://127.0.0.1")
        registration = Registration("k", "tcp", "127.0.0.1", port, "hmac-sha256", "key")
        registration.write(tmp_path / "file")
        monkeypatch.setattr(run_registration, "TIMEOUT", 0.2)
        with pytest.raises(TimeoutError, match=f"tcp://127.0.0.1:{port} within 0.2 s"):
            register(registration, CONNECTION, 0.2)


def test_answers_with_another_key_are_dropped(caplog) -> None:
    """A kernel waits for the acknowledgement of its launcher, whoever else answers."""
    with zmq.Context() as context, context.socket(zmq.ROUTER) as launcher:
        launcher.rcvtimeo = int(TIMEOUT * 1000)
        port = launcher.bind_to_random_port("tcp://127.0.0.1")
        registration = Registration("k", "tcp", "127.0.0.1", port, "hmac-sha256", "key")
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(register, registration, CONNECTION, TIMEOUT)
            identity, *report = launcher.recv_multipart()
            assert registration.read_report(report).hb_port == CONNECTION.hb_port
            for frames in ([b"rubbish"], [DELIMITER, b"0" * 64, b"{}"]):
                launcher.send_multipart([identity, *frames])
            launcher.send_multipart([identity, *registration.acknowledgement()])
            done.result(TIMEOUT)
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]


def test_registrar_drops_strangers(caplog) -> None:
    """Reports of kernels that are not expected, and of other keys, change nothing."""
    with Registrar() as registrar, zmq.Context() as context:
        registration = registrar.expect("mine")
        with context.socket(zmq.DEALER) as stranger, context.socket(zmq.DEALER) as mine:
            stranger.linger = mine.linger = 0
            for sock in (stranger, mine):
                sock.connect(registration.url())
            stranger.send_multipart([b"rubbish"])
            stranger.send_multipart(REGISTRATION.report(CONNECTION))
            with pytest.raises(TimeoutError, match="'mine' reported no ports"):
                registrar.wait("mine", 0.3)
            mine.send_multipart(registration.report(CONNECTION))
            assert registrar.wait("mine", TIMEOUT).shell_port == CONNECTION.shell_port
            mine.send_multipart(registration.report(CONNECTION))
            with pytest.raises(TimeoutError):
                registrar.wait("mine", 0.3)  # a report counts once
    assert len(caplog.records) == 3


@pytest.mark.parametrize("kernel_id", ["../../evil", "a/b", "", "x" * 500, "é"])
def test_id_cannot_name_a_path(runtime, kernel_id) -> None:
    """Whatever the kernel's id is, its connection file lies in the runtime directory."""
    path = run_registration._connection_file(kernel_id)
    assert path.parent == runtime
    assert path.name != f"kernel-{kernel_id}.json"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"registration_port": 0}, "registration_port: expected 1 to 65535, got 0"),
        ({"registration_port": "1"}, "registration_port: expected an integer, got str"),
        ({"key": None}, "key: expected a string, got NoneType"),
        ({"registration_ip": "192.0.2.1"}, "shell_port: cannot bind"),
    ],
)
def test_bad_registration_file(runtime, tmp_path, change, said) -> None:
    """A registration file that cannot be used is named in one line, and the status is 2."""
    path = tmp_path / "registration.json"
    path.write_text(json.dumps(REGISTRATION.to_dict() | change), "utf-8")
    with kernel(path) as process:
        _, stderr = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 2
    (line,) = stderr.splitlines()
    assert str(path) in line
    assert said in line
    assert "secret" not in line


def test_registrar_at_an_address_of_somebody_else() -> None:
    """A launcher that cannot listen says so."""
    with pytest.raises(ConnectionFileError, match=r"cannot listen at 192\.0\.2\.1"):
        Registrar(ip="192.0.2.1")
