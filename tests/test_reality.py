"""The catalogue against the programs that are deployed: their messages, files and handlers.

The recordings are real traffic; `record_traffic.py` writes them.  The handlers are read from the
packages that are installed.
"""

import ast
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import watch
from ipykernel.kernelbase import Kernel as IPyKernel
from jupyter_client.adapter import V5toV4

from refimpl.messages import ACCEPT, CLUSTER, FILES, KERNEL, MESSAGES, SEND, MessageType, find
from refimpl.messages.problem import ERROR
from refimpl.messages.validate import check_file, check_message
from refimpl.wire import Session

TESTS = Path(__file__).parent
RECORDINGS = TESTS / "recordings"
NAMES = {message.name for message in MESSAGES.values()}


# --- recorded messages --------------------------------------------------------------------------


def recorded(name: str) -> Iterator[dict[str, Any]]:
    """Read a recording; a buffer becomes as many bytes as it had."""
    for line in (RECORDINGS / f"{name}.jsonl").read_text("utf-8").splitlines():
        entry = json.loads(line)
        buffers = entry["message"]["buffers"]
        entry["message"]["buffers"] = [
            bytes.fromhex(each) if isinstance(each, str) else bytes(each) for each in buffers
        ]
        yield entry


TRAFFIC = [
    pytest.param(entry, id=f"{path.stem} {number} {entry['message']['header']['msg_type']}")
    for path in sorted(RECORDINGS.glob("*.jsonl"))
    for number, entry in enumerate(recorded(path.stem), 1)
]

# Where a message is seen, and not at the place that the catalogue has for it.
COPIES = {
    # (channel, sender): (the channel, the sender) it is checked as, and why.
    ("monitor", "scheduler"): "the hub gets a copy of what passes the scheduler",
    ("broadcast", "scheduler"): "the scheduler sends a client's request on, once for each engine",
    ("task", "hub"): "the hub sends a client's request again",
}
ELSEWHERE = {
    ("control", "connect_request"): "ipykernel takes every shell request on control, too",
    ("control", "connect_reply"): "and answers it there",
    ("registration", "connection_request"): "a scheduler asks like a client",
}


def place(entry: dict[str, Any]) -> tuple[str, str, str]:
    """Tell under which channel, sender and protocol a recorded message is in the catalogue."""
    name = entry["message"]["header"]["msg_type"]
    channel, sender = entry["channel"], entry["sender"]
    if sender == "kernel" or entry["receiver"] == "kernel":
        return channel, sender, KERNEL
    if find(name, channel, sender, CLUSTER):
        return channel, sender, CLUSTER
    if (channel, sender) in COPIES or (channel, name) in ELSEWHERE:
        return "", "", CLUSTER
    return channel, "kernel" if sender == "engine" else sender, KERNEL  # an engine is a kernel


def problems(entry: dict[str, Any], profile: str) -> list[str]:
    """List what is wrong with a recorded message; an index in a path is written as `[]`."""
    channel, sender, protocol = place(entry)
    name = entry["message"]["header"]["msg_type"]
    if (channel, name) in ELSEWHERE:
        channel = ""
    found = check_message(
        entry["message"], profile, channel=channel, sender=sender, protocol=protocol
    )
    return [
        f"{name}: {each}"
        for each in found
        if each.level == ERROR or each.path in ("channel", "sender", "protocol")
    ]


@pytest.mark.parametrize("entry", TRAFFIC)
def test_recorded_message_is_accepted(entry: dict[str, Any]) -> None:
    """What deployed programs send is in the catalogue, on that channel, from that sender."""
    assert find(entry["message"]["header"]["msg_type"])
    assert problems(entry, ACCEPT) == []


# What deployed programs do and should not. Each is told in the catalogue, as a reading.
DEVIATIONS = {
    "comm_open": {"content.target_module"},
    "debug_reply": {
        "content.command",
        "content.request_seq",
        "content.seq",
        "content.success",
        "content.type",
    },
    "delete_subshell_reply": {"content.ename", "content.traceback"},
    "input_reply": {"parent_header"},
    "registration_reply": {"parent_header"},
}


def test_deviations_of_deployed_programs() -> None:
    """What deployed programs send and a new program should not is known, field by field."""
    found: dict[str, set[str]] = {}
    for parameter in TRAFFIC:
        for problem in problems(parameter.values[0], SEND):
            name, path, *_ = problem.split(": ")
            path = re.sub(r"^(parent_header)\..*|\[\d+\]", r"\1", path)
            found.setdefault(name, set()).add(path)
    assert found == DEVIATIONS


@pytest.mark.parametrize("name", DEVIATIONS)
def test_deviation_is_told(name: str) -> None:
    """A field with which deployed programs deviate has its readings in the catalogue."""
    for message in find(name):
        told = message.readings is not None
        fields = {each.name: each for each in message.fields}
        for path in DEVIATIONS[name]:
            part, _, key = path.partition(".")
            assert told or (part == "content" and key in fields and fields[key].readings), path


def test_recordings_name_nobody() -> None:
    """No recording has a folder, a user or a secret of the machine on which it was made."""
    for path in sorted(RECORDINGS.rglob("*.json*")):
        text = path.read_text("utf-8")
        users = set(re.findall(r'"username": "(\w*)"', text))
        keys = set(re.findall(r'"(?:key|curve_\w+key)": "([^"]*)"', text))
        folders = set(re.findall(r"/(?:root|tmp|work|home/(?!ada\b))[\w/.-]*", text))
        assert users <= {"ada"}, path.name
        assert all(set(key) <= set("0-48") for key in keys), path.name
        assert folders == set(), path.name


# --- recorded files -----------------------------------------------------------------------------

RECORDED_FILES = sorted((RECORDINGS / "files").glob("*/*.json"))


@pytest.mark.parametrize("path", RECORDED_FILES, ids=lambda path: f"{path.parent.name} {path.stem}")
def test_recorded_file(path: Path) -> None:
    """What deployed programs write into files is as the catalogue has it, to the letter."""
    assert [str(each) for each in check_file(path.parent.name, json.loads(path.read_text()))] == []


def test_every_file_is_recorded() -> None:
    """There is a real file of every type, but for one that no installable program writes."""
    kinds = {path.parent.name for path in RECORDED_FILES}
    assert set(FILES) - kinds == {"registration-file"}


# --- what the packages handle and send ----------------------------------------------------------


def sources(package: str) -> Iterator[ast.Module]:
    """Parse the modules of an installed package, but for its tests."""
    spec = importlib.util.find_spec(package)
    assert spec is not None
    for folder in spec.submodule_search_locations or ():
        for path in sorted(Path(folder).rglob("*.py")):
            if "tests" not in path.relative_to(folder).parts:
                yield ast.parse(path.read_text("utf-8"))


def handlers(package: str, attribute: str) -> set[str]:
    """List the keys of the dicts that a package assigns to `self.<attribute>`."""
    keys: set[str] = set()
    for module in sources(package):
        for node in ast.walk(module):
            if not isinstance(node, ast.Assign) or not isinstance(node.value, (ast.Dict, ast.Call)):
                continue
            targets = [each for each in node.targets if isinstance(each, ast.Attribute)]
            if not any(each.attr == attribute for each in targets):
                continue
            if isinstance(node.value, ast.Dict):
                names = [ast.literal_eval(key) for key in node.value.keys if key]
            else:
                names = [each.arg for each in node.value.keywords]
            keys |= {each.decode() if isinstance(each, bytes) else str(each) for each in names}
    assert keys, f"{package} has no {attribute}"
    return keys


def added(package: str, attribute: str) -> set[str]:
    """List the strings that a class of a package adds to a list that it inherits.

    The package is not imported: that would change jupyter_client for all other tests.
    """
    names = {
        constant.value
        for module in sources(package)
        for node in ast.walk(module)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == attribute
        for items in ast.walk(node.value)
        if isinstance(items, ast.List)
        for constant in items.elts
        if isinstance(constant, ast.Constant) and isinstance(constant.value, str)
    }
    assert names, f"{package} adds no {attribute}"
    return names


NO_MESSAGE = {
    "do_debug_request": "the name of a method",
    "object_info_reply": "of protocol 4, which is translated",
    "object_info_request": "of protocol 4, which is translated",
    "unknown_request": "stands for a header that is missing",
}


@cache
def named(package: str) -> frozenset[str]:
    """List the words in the sources of a package that are, or look like, message types."""
    form = re.compile(r"_?([a-z]+_)+(request|reply|notification|welcome)|comm_(open|msg|close)")
    words = {
        node.value
        for module in sources(package)
        for node in ast.walk(module)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return frozenset(word for word in words if word in NAMES or form.fullmatch(word))


REGISTERED = [
    *(("ipykernel", each, "shell", KERNEL) for each in IPyKernel.msg_types),
    *(("ipykernel", each, "control", KERNEL) for each in IPyKernel.control_msg_types),
    *(("ipykernel", each, "shell", KERNEL) for each in ("comm_open", "comm_msg", "comm_close")),
    *(
        ("ipyparallel engine", each, "mux", CLUSTER)
        for each in sorted(added("ipyparallel", "msg_types"))
    ),
    *(
        ("ipyparallel engine", each, "control", CLUSTER)
        for each in sorted(added("ipyparallel", "control_msg_types"))
    ),
    *(
        ("ipyparallel nanny", each, "control", CLUSTER)
        for each in sorted(handlers("ipyparallel", "control_handlers"))
    ),
    *(
        ("hub", each, "registration", CLUSTER)
        for each in sorted(handlers("ipyparallel", "query_handlers"))
    ),
]
# ipykernel takes all of these on both channels; a client finds each on one.
EITHER = {
    "execute_request",
    "complete_request",
    "inspect_request",
    "history_request",
    "is_complete_request",
    "comm_info_request",
    "connect_request",
    "interrupt_request",
}


@pytest.mark.parametrize(("program", "name", "channel", "protocol"), REGISTERED)
def test_handler_is_in_the_catalogue(program: str, name: str, channel: str, protocol: str) -> None:
    """Each request for which a program has a handler is in the catalogue, on that channel."""
    on = "" if program == "ipykernel" and name in EITHER else channel
    kinds = find(name, on, "", protocol)
    assert kinds
    assert all(kind.receiver != "client" for kind in kinds)


@pytest.mark.parametrize(
    ("attribute", "channels", "receiver"),
    [
        ("_notification_handlers", {"notification"}, "client"),
        ("_queue_handlers", {"mux", "task", "broadcast"}, "client"),
    ],
)
def test_client_handler_is_in_the_catalogue(
    attribute: str, channels: set[str], receiver: str
) -> None:
    """Each message for which the cluster's client has a handler is sent to it there."""
    for name in handlers("ipyparallel", attribute):
        kinds = [each for each in find(name, protocol=CLUSTER) if each.receiver == receiver]
        assert any(channels & set(kind.channels) for kind in kinds), name


def test_monitor_topics() -> None:
    """What the hub is told on the monitor is a copy of other channels, or in the catalogue."""
    topics = handlers("ipyparallel", "monitor_handlers")
    told = {"heartmonitor": {"new_heart", "stopped_heart"}, "tracktask": {"task_destination"}}
    copies = {f"{way}{what}" for way in ("in", "out") for what in ("", "task", "bcast", "control")}
    assert topics == copies | {"iopub"} | set(told)
    on_monitor = {kind.name for kind in MESSAGES.values() if kind.channels == ("monitor",)}
    assert on_monitor == set.union(*told.values())


def test_types_that_jupyter_client_translates() -> None:
    """The message types that jupyter_client translates into older ones are in the catalogue."""
    assert set(V5toV4.msg_type_map) <= NAMES


PACKAGES = {
    "ipykernel": KERNEL,
    "jupyter_client": KERNEL,
    "jupyter_console": KERNEL,
    "nbclient": KERNEL,
    "ipyparallel": CLUSTER,
}


@pytest.mark.parametrize("package", PACKAGES)
def test_package_names_only_known_types(package: str) -> None:
    """What looks like a message type in the sources of a package is in the catalogue."""
    assert named(package) - NAMES - set(NO_MESSAGE) == set()


def test_no_excuse_is_idle() -> None:
    """Whatever is excused as no message type is there, and is none."""
    words = frozenset().union(*map(named, PACKAGES))
    assert set(NO_MESSAGE) <= words - NAMES


@pytest.mark.parametrize("message", MESSAGES.values(), ids=lambda message: message.key)
def test_some_package_has_it(message: MessageType) -> None:
    """Each message of the catalogue is known to a package that is deployed."""
    packages = [each for each, protocol in PACKAGES.items() if protocol == message.protocol]
    others = ["ipykernel"] if message.protocol == CLUSTER else []  # an engine is a kernel
    composed = {"input_reply", "interrupt_request"}
    assert message.name in frozenset().union(*map(named, packages + others)) | composed


def test_every_message_is_recorded() -> None:
    """There is real traffic with every message of the catalogue."""
    seen = set()
    for parameter in TRAFFIC:
        entry = parameter.values[0]
        channel, sender, protocol = place(entry)
        name = entry["message"]["header"]["msg_type"]
        seen |= {kind.key for kind in find(name, channel, sender, protocol)}
    assert set(MESSAGES) - seen == set()


# --- the watch ----------------------------------------------------------------------------------


def test_every_message_of_a_test_is_checked() -> None:
    """A message that passes through a session in a test is held against the catalogue."""
    session = Session(b"key")
    before = watch.WATCH.checked
    session.serialize(session.message("kernel_info_request"))
    assert watch.WATCH.checked == before + 1


BAD_TEST = """
import pytest
from refimpl.client import Client
from refimpl.kernel import Kernel
from refimpl.wire import Session

def send_a_bad_request():
    session = Session()
    session.serialize(session.message("execute_request", {"code": 5}))

def publish_badly():
    kernel = Kernel(send=lambda channel, message: None)
    kernel.publish("stream", {"name": "stdout"})

def test_bad_request(): send_a_bad_request()
def test_bad_output(): publish_badly()
def test_unknown(): Session().serialize(Session().message("no_such_request"))
@pytest.mark.off_catalogue("on purpose")
def test_excused(): send_a_bad_request()
@pytest.mark.off_catalogue("on purpose")
def test_kernel_is_not_excused(): publish_badly()
@pytest.mark.off_catalogue("on purpose", kernel=True)
def test_kernel_is_excused(): publish_badly()
"""


def test_bad_message_fails_the_test(tmp_path: Path) -> None:
    """A test fails when a bad message passes, unless it says that it means to send one."""
    (tmp_path / "test_bad.py").write_text(BAD_TEST, "utf-8")
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "watch", "-p", "no:cacheprovider", "-q", "-rA"),
            *("-c", str(TESTS.parent / "pyproject.toml"), f"--rootdir={tmp_path}", str(tmp_path)),
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (TESTS.parent, TESTS)))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    passed = set(re.findall(r"^PASSED \S+::(\w+)", run.stdout, re.MULTILINE))
    failed = set(re.findall(r"^FAILED \S+::(\w+)", run.stdout, re.MULTILINE))
    assert failed == {
        "test_bad_request",
        "test_bad_output",
        "test_unknown",
        "test_kernel_is_not_excused",
    }, run.stdout
    assert passed == {"test_excused", "test_kernel_is_excused"}
    assert "execute_request from somebody on some channel: content.code: expected string" in (
        run.stdout
    )
