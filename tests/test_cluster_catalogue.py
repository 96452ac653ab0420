"""The catalogue of the cluster's messages, of the header and of the files."""

from __future__ import annotations

import ast
import copy
import inspect
import json
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest
from ipyparallel import Client
from ipyparallel.controller.dictdb import filters
from ipyparallel.controller.hub import Hub, empty_record
from ipyparallel.controller.task_scheduler import TaskScheduler
from ipyparallel.engine.kernel import IPythonParallelKernel
from ipyparallel.engine.nanny import KernelNanny

from refimpl.connection import Registration
from refimpl.kernelspec import KernelSpec
from refimpl.messages import files
from refimpl.messages.cluster import (
    CHANNELS,
    MESSAGES,
    QUERY_OPERATORS,
    RECORD_FIELDS,
    RECORD_OCCASIONS,
    SCHEDULER_ERRORS,
)
from refimpl.messages.files import FILES, HEADER, TASK_SCHEMES
from refimpl.messages.model import (
    ABSENT,
    ACCEPT,
    CLUSTER,
    PROFILES,
    SEND,
    Field,
    FileType,
    MessageType,
    Readings,
    Struct,
    structs,
)
from refimpl.messages.validate import Walk, check_file, check_message
from refimpl.wire import Connection, Message, ProtocolError

BY_KEY = {message.key: message for message in MESSAGES}
EVERY_MESSAGE = pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.key)
EVERY_FILE = pytest.mark.parametrize("file", FILES, ids=lambda file: file.key)
CONTENTS = [*(each.content() for each in MESSAGES), *(each.content() for each in FILES), HEADER]
NAMED = [struct for content in CONTENTS for struct in structs(content)]
NAMED += [
    struct for message in MESSAGES for each in message.metadata for struct in structs(each.type)
]


def all_fields() -> Iterator[Field]:
    """List every field there is, of contents, metadata and objects inside them."""
    for message in MESSAGES:
        yield from message.metadata
    for struct in NAMED:
        yield from struct.fields


# --- the tables fit together -------------------------------------------------------------------


def test_keys_are_unique() -> None:
    """No two messages, and no two files, have the same key."""
    assert len(BY_KEY) == len(MESSAGES)
    assert len({file.key for file in FILES}) == len(FILES)


def test_names_that_two_messages_share_are_told_apart_by_channel_or_sender() -> None:
    """Whoever sees a message can tell which entry it is."""
    places = [
        (message.name, channel, sender)
        for message in MESSAGES
        for channel in message.channels
        for sender in message.sender.split(" or ")
    ]
    assert len(set(places)) == len(places)


@EVERY_MESSAGE
def test_message_is_described(message: MessageType) -> None:
    """A message has a key made of its name, channels of the table, a purpose and a source."""
    assert message.protocol == CLUSTER
    assert message.key == message.name or message.key.endswith(f".{message.name}")
    assert message.channels
    assert set(message.channels) <= {channel.name for channel in CHANNELS}
    assert message.sender and message.receiver  # noqa: PT018 - neither may be empty
    assert message.purpose.endswith(".")
    assert all(trouble.endswith(".") for trouble in message.troubles)
    assert bool(message.topic) == (
        "monitor" in message.channels
        or ("iopub" in message.channels and message.name != "iopub_welcome")
    )


def test_every_channel_has_messages() -> None:
    """All channels of the table are used, except the one for bytes that are no messages."""
    used = {channel for message in MESSAGES for channel in message.channels}
    assert used == {channel.name for channel in CHANNELS} - {"heartbeat"}


@EVERY_MESSAGE
def test_requests_and_replies_point_at_each_other(message: MessageType) -> None:
    """The reply of a request answers it, on the same channel; what a reply answers has a reply."""
    if message.reply:
        reply = BY_KEY[message.reply]
        assert message.key in reply.reply_to
        assert set(message.channels) <= set(reply.channels)
    for key in message.reply_to:
        assert BY_KEY[key].reply
        assert BY_KEY[key].channels[0] in message.channels


def test_structs_of_the_same_name_are_equal() -> None:
    """A name stands for one object only, wherever it occurs."""
    for struct in NAMED:
        for other in NAMED:
            assert struct.name != other.name or struct == other, struct.name


@pytest.mark.parametrize("struct", NAMED, ids=lambda struct: struct.name)
def test_conditions_name_fields_of_the_same_object(struct: Struct) -> None:
    """What a field depends on is a field beside it, which can have those values."""
    fields = {each.name: each for each in struct.fields}
    for each in struct.fields:
        for name, values in each.when.items():
            for value in values:
                assert not list(Walk(SEND).value(value, fields[name].type, name))


@pytest.mark.parametrize("profile", PROFILES)
def test_defaults_are_allowed_values(profile: str) -> None:
    """A default is of the type of its field."""
    for each in all_fields():
        if each.default is not ABSENT:
            assert not list(Walk(profile).value(each.default, each.type_in(profile), each.name))


def test_texts_are_sentences() -> None:
    """Meanings and readings end with a period, and no reading is empty."""
    readings = [owner.readings for owner in (*MESSAGES, *FILES, *all_fields())]
    for each in all_fields():
        assert each.meaning.endswith("."), each.name
    for one in filter(None, readings):
        for text in vars(one).values():
            assert text.endswith((".", "...")), text


def test_a_reading_differs_from_the_others() -> None:
    """Readings stand side by side only where they differ."""
    for owner in (*MESSAGES, *FILES, *all_fields()):
        match owner.readings:
            case Readings(specification, deployed, clients):
                assert len({specification, deployed, clients}) == 3


# --- nothing of ipyparallel is missing ---------------------------------------------------------


def handled(function: Any, attribute: str) -> set[str]:
    """Read the names of the messages from the dict that a function assigns to `self.attribute`."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    (value,) = (
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Dict)
        and ast.unparse(node.targets[0]) == f"self.{attribute}"
    )
    return {ast.literal_eval(key) for key in value.keys if key is not None}


def described(channel: str, *, sender: str = "", reply: bool | None = None) -> set[str]:
    """List the names of the messages on a channel; `reply`: only replies, or only others."""
    return {
        message.name
        for message in MESSAGES
        if channel in message.channels
        and sender in message.sender
        and (reply is None or bool(message.reply_to) == reply)
    }


def test_hub_handles_what_is_described() -> None:
    """What the hub understands on its query socket is what the catalogue has there."""
    asked = described("registration", reply=False) - {"hub_error"}
    assert handled(Hub.__init__, "query_handlers") == asked


def test_client_handles_what_is_described() -> None:
    """What a client understands of notifications and replies is what the catalogue has."""
    assert handled(Client.__init__, "_notification_handlers") == described("notification")
    replies = described("mux", reply=True) | described("task", reply=True)
    assert handled(Client.__init__, "_queue_handlers") == replies


def test_engine_handles_what_is_described() -> None:
    """What an engine adds to a kernel is in the catalogue; the rest of it is a kernel's."""
    own = {"apply_request", "clear_request", "abort_request"}
    kernel = super(IPythonParallelKernel, IPythonParallelKernel)
    types = set(IPythonParallelKernel.control_msg_types + IPythonParallelKernel.msg_types)
    assert own <= types
    assert types - set(kernel.control_msg_types) - set(kernel.msg_types) <= own
    nanny = handled(KernelNanny.__init__, "control_handlers")
    asked = described("control", reply=False) - {"shutdown_request"}
    assert asked == nanny | own - {"apply_request"}


def test_tables_are_those_of_ipyparallel() -> None:
    """Operators, fields of records and schemes are those of the deployed program."""
    assert {operator.name for operator in QUERY_OPERATORS} == set(filters)
    names = {each.name for each in RECORD_FIELDS}
    assert names - {"display_data"} == set(empty_record())
    assert {name for group in RECORD_OCCASIONS.values() for name in group} == names
    assert set(TASK_SCHEMES) - {"none"} == set(TaskScheduler.scheme_name.values)
    import ipyparallel.error

    assert all(hasattr(ipyparallel.error, name) for name in SCHEDULER_ERRORS)


# --- captured messages -------------------------------------------------------------------------

NOW = "2026-11-22T10:04:17.811895Z"
ERROR = {"status": "error", "ename": "KeyError", "evalue": "'x'", "traceback": ["..."]}
HUB_ERROR = {**ERROR, "engine_info": {}}
ENGINE = {"engine_uuid": "E0", "engine_id": 0}
REPLY = {
    "started": NOW,
    "dependencies_met": True,
    "engine": "E0",
    "is_broadcast": False,
    "is_coalescing": False,
    "original_msg_id": "",
    "label": None,
    "status": "ok",
}
BROADCAST = {"is_broadcast": True, "is_coalescing": True, "original_msg_id": "C1_14506_19"}
PAIRS = [["E0", 0], ["E1", 1]]
ADDRESSES = {
    "interface": "tcp://127.0.0.1",
    "registration": 35519,
    "control": 41999,
    "mux": 49625,
    "task": 49433,
    "iopub": 35401,
    "hb_ping": 41167,
    "hb_pong": 35629,
    "broadcast": [49111, 47631],
}
TASK = {"after": [], "follow": [], "timeout": 0.0, "targets": [], "retries": 0, "label": None}
ANY_OF = {"dependencies": ["C1_14506_12"], "all": False, "success": True, "failure": True}
TRACEBACK = {"traceback": ["..."], "ename": "ZeroDivisionError", "evalue": "division by zero"}
HEAD = {"msg_id": "C1_14506_1", "msg_type": "apply_request", "session": "C1", "date": NOW}
HEAD |= {"username": "ada", "version": "5.4"}
RESULT = {
    "header": HEAD,
    "metadata": {"label": None},
    "result_metadata": REPLY,
    "result_header": HEAD,
    "result_content": {"status": "ok"},
    "received": NOW,
    "io": {
        "execute_input": None,
        "execute_result": None,
        "error": None,
        "stdout": "",
        "stderr": "",
    },
}

# Real traffic of ipyparallel 9.2, with ids shortened: key, metadata, content.
CAPTURED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("registration_request", {}, {"uuid": "E1"}),
    (
        "registration_reply",
        {},
        {"id": 1, "status": "ok", "hb_period": 500, "connection_info": ADDRESSES},
    ),
    ("unregistration_request", {}, {"id": 0}),
    ("engine.iopub_welcome", {}, {"subscription": ""}),
    ("new_heart", {}, {"hearts": ["E1", "E0"]}),
    ("stopped_heart", {}, {"hearts": ["E1"]}),
    ("registration_notification", {}, {"id": 1, "uuid": "E1"}),
    ("unregistration_notification", {}, {"id": 1, "uuid": "E1"}),
    ("shutdown_notification", {}, {"status": "ok"}),
    ("connection_request", {}, {}),
    ("connection_reply", {}, {"status": "ok", "engines": {"0": "E0"}}),
    ("apply_request", {"label": None}, {}),
    ("apply_reply", REPLY, {"status": "ok"}),
    (
        "apply_reply",
        {**REPLY, "status": "error", "engine_info": ENGINE},
        {**TRACEBACK, "engine_info": {**ENGINE, "method": "apply"}, "status": "error"},
    ),
    ("apply_reply", {**REPLY, "status": "aborted"}, {"status": "aborted"}),
    (
        "engine.execute_request",
        {"label": None},
        {"code": "print('hi'); 5", "silent": False, "user_expressions": {}},
    ),
    (
        "engine.execute_reply",
        REPLY,
        {"status": "ok", "execution_count": 1, "user_expressions": {}, "payload": []},
    ),
    (
        "engine.execute_reply",
        {**REPLY, "status": "error", "engine_info": ENGINE},
        {
            **TRACEBACK,
            "engine_info": {**ENGINE, "method": "execute"},
            "status": "error",
            "execution_count": 2,
            "user_expressions": {},
            "payload": [],
        },
    ),
    ("engine.status", {"engine": "E0"}, {"execution_state": "busy"}),
    ("engine.execute_input", {"engine": "E0"}, {"code": "5", "execution_count": 1}),
    ("engine.stream", {}, {"name": "stdout", "text": "hi\n"}),
    (
        "engine.execute_result",
        {},
        {"data": {"text/plain": "5"}, "metadata": {}, "execution_count": 1},
    ),
    ("engine.error", {"engine": "E0"}, TRACEBACK),
    ("data_message", {"engine": "E0"}, {"keys": ["a"]}),
    ("task.apply_request", {**TASK, "follow": ["C1_14506_12"], "label": "lab"}, {}),
    ("task.apply_request", {**TASK, "after": ANY_OF, "timeout": 5.0, "retries": 2}, {}),
    ("task.apply_request", {**TASK, "targets": ["E0"]}, {}),
    ("task.apply_request", {}, {}),
    ("task_destination", {}, {"msg_id": "C1_14506_12", "engine_id": "E0"}),
    ("scheduler.apply_reply", {}, {**HUB_ERROR, "ename": "InvalidDependency", "evalue": ""}),
    (
        "scheduler.apply_reply",
        {"status": "error", "engine": "E0", "date": NOW},
        {**HUB_ERROR, "ename": "EngineError"},
    ),
    (
        "broadcast.apply_request",
        {"targets": PAIRS, "is_broadcast": True, "is_coalescing": False},
        {},
    ),
    ("broadcast.apply_request", {"targets": PAIRS[:1], **BROADCAST}, {}),
    ("apply_reply", {**REPLY, **BROADCAST}, {"status": "ok"}),
    ("broadcast.apply_reply", {**REPLY, **BROADCAST, "broadcast_targets": PAIRS}, {"status": "ok"}),
    ("clear_request", {}, {}),
    ("clear_reply", {"engine": "E0"}, {"status": "ok"}),
    ("abort_request", {}, {"msg_ids": ["C1_14506_25"]}),
    ("abort_reply", {"engine": "E0"}, {"status": "ok"}),
    ("signal_request", {}, {"sig": "SIGINT"}),
    ("nanny._request", {}, {"status": "ok"}),
    ("nanny._request", {}, HUB_ERROR),
    ("engine.shutdown_request", {}, {"restart": False}),
    ("engine.shutdown_reply", {"engine": "E0"}, {"status": "ok", "restart": False}),
    ("queue_request", {}, {"targets": None, "verbose": False}),
    (
        "queue_reply",
        {},
        {"status": "ok", "0": {"queue": 0, "completed": 12, "tasks": 2}, "unassigned": 0},
    ),
    (
        "queue_reply",
        {},
        {"status": "ok", "0": {"queue": [], "completed": ["a"], "tasks": []}, "unassigned": []},
    ),
    ("load_reply", {}, {"status": "ok", "b''": 0, "b'\\x00'": 0}),
    (
        "db_request",
        {},
        {"query": {"msg_id": {"$in": ["C1_1", "C1_2"]}}, "keys": ["buffers", "submitted"]},
    ),
    (
        "db_reply",
        {},
        {
            "status": "ok",
            "records": [{"msg_id": "C1_1", "submitted": NOW}],
            "buffer_lens": [3],
            "result_buffer_lens": None,
        },
    ),
    ("db_reply", {}, HUB_ERROR),
    ("result_request", {}, {"msg_ids": ["C1_1"], "status_only": False}),
    ("result_reply", {}, {"status": "ok", "pending": [], "completed": ["C1_1"], "C1_1": RESULT}),
    ("hub.history_reply", {}, {"status": "ok", "history": ["C1_1"]}),
    ("purge_request", {}, {"engine_ids": [], "msg_ids": "all"}),
    ("purge_reply", {}, {"status": "ok"}),
    ("resubmit_request", {}, {"msg_ids": ["C1_34"]}),
    ("resubmit_reply", {}, {"status": "ok", "resubmitted": {"C1_34": "H_15"}}),
    ("hub_error", {}, HUB_ERROR),
    ("hub.shutdown_request", {}, {}),
    ("hub.shutdown_reply", {}, {"status": "ok"}),
]


def whole(key: str, metadata: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
    """Make a message of what was captured."""
    header = {**HEAD, "msg_type": BY_KEY[key].name}
    parent = HEAD if BY_KEY[key].reply_to else {}
    return {"header": header, "parent_header": parent, "metadata": metadata, "content": content}


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(("key", "metadata", "content"), CAPTURED)
def test_captured_message_is_described(
    key: str, metadata: dict[str, Any], content: dict[str, Any], profile: str
) -> None:
    """Of a real message every field is known, none is missing, and each has the right type."""
    found = check_message(whole(key, metadata, content), profile, key=key)
    assert [str(problem) for problem in found] == []


# key, metadata, content, and how the one problem begins.
WRONG: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("registration_request", {}, {}, "content.uuid: expected string, got nothing"),
    ("registration_reply", {}, {"status": "ok", "id": 0}, "content.hb_period"),
    ("queue_request", {}, {"verbose": True}, "content.targets"),
    ("queue_request", {}, {"targets": 1.5}, "content.targets"),
    ("queue_reply", {}, {"status": "ok", "unassigned": 0, "1": 5}, 'content["1"]'),
    ("connection_reply", {}, {"status": "ok"}, "content.engines"),
    ("engine.shutdown_request", {}, {}, "content.restart"),
    ("apply_reply", {**REPLY, "status": 5}, {"status": "ok"}, "metadata.status"),
    ("engine.execute_reply", REPLY, {"status": "ok"}, "content.execution_count"),
    ("scheduler.apply_reply", {}, {"status": "error"}, "content.ename"),
    ("broadcast.apply_request", {}, {}, "metadata.targets"),
    ("task.apply_request", {"targets": None}, {}, "metadata.targets"),
    ("abort_request", {}, {"msg_ids": None}, "content.msg_ids"),
    ("nanny._request", {}, {"status": "error", "evalue": "", "traceback": []}, "content.ename"),
    ("db_reply", {}, {"status": "ok", "records": [{"queue": "mux"}]}, "content.records[0].msg_id"),
]


@pytest.mark.parametrize(("key", "metadata", "content", "problem"), WRONG)
def test_wrong_message_is_refused(
    key: str, metadata: dict[str, Any], content: dict[str, Any], problem: str
) -> None:
    """Even the lenient profile refuses what a deployed program cannot work with."""
    found = check_message(whole(key, metadata, content), ACCEPT, key=key)
    assert str(found[0]).startswith(problem)


# --- the header --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "sent", "accepted"),
    [
        ({}, True, True),
        ({"subshell_id": None}, True, True),
        ({"subshell_id": "7"}, True, True),
        ({"date": "2026-11-22T10:04:17+01:00"}, True, True),
        ({"date": "2026-11-22T10:04:17"}, False, True),
        ({"date": "2026-11-22T10:04:17.123456789Z"}, False, True),
        ({"date": None}, False, True),
        ({"date": ABSENT, "version": ABSENT, "username": ABSENT}, False, True),
        ({"version": ""}, False, True),
        ({"later": {}}, True, True),
        ({"date": 5}, False, False),
        ({"msg_id": ABSENT}, False, False),
        ({"session": ABSENT}, False, False),
        ({"msg_type": 5}, False, False),
        ({"subshell_id": 7}, False, False),
    ],
)
def test_header(changes: dict[str, Any], sent: bool, accepted: bool) -> None:
    """A header is strict when sent; when received, only three names are indispensable."""
    header = changed(HEAD, changes)
    for profile, expected in ((SEND, sent), (ACCEPT, accepted)):
        problems = [
            each for each in Walk(profile).value(header, HEADER, "") if each.level == "error"
        ]
        assert (not problems) == expected


@pytest.mark.parametrize("name", HEAD)
def test_header_needs_what_refimpl_needs(name: str) -> None:
    """Without a field, a received header is refused by both, or by neither."""
    header = changed(HEAD, {name: ABSENT})
    try:
        Message(dicts=[header, {}, {}, {}]).check()
        refused = False
    except ProtocolError:
        refused = True
    assert bool(list(Walk(ACCEPT).value(header, HEADER, ""))) == refused


# --- the files ---------------------------------------------------------------------------------

CURVE = {
    "curve_publickey": "b{E{TUJ[Zxl1)]<>W(c*bEff[.[K]BGJE&4iF=oM",
    "curve_secretkey": "<dQ^&)<Lp#8IUJrWoOpOZ5+xjs]UV$ShhdqSEW))",
}
GOOD: dict[str, dict[str, Any]] = {
    "connection-file": {
        "transport": "tcp",
        "ip": "127.0.0.1",
        "key": "secret",
        "shell_port": 5001,
        "iopub_port": 5002,
        "stdin_port": 5003,
        "control_port": 5004,
        "hb_port": 5005,
        "signature_scheme": "hmac-sha256",
        "kernel_name": "python3",
    },
    "registration-file": {
        "kernel_id": "k",
        "transport": "tcp",
        "registration_ip": "127.0.0.1",
        "registration_port": 5000,
        "signature_scheme": "hmac-sha256",
        "key": "secret",
    },
    "kernel-spec": {"argv": ["run"], "display_name": "Demo", "language": "demo"},
    "ipcontroller-engine": {
        **ADDRESSES,
        "key": "secret",
        "signature_scheme": "hmac-sha256",
        "location": "vm",
        "ssh": "",
        "pack": "orjson",
        "unpack": "orjson",
        "curve_serverkey": None,
    },
    "ipcontroller-client": {
        "interface": "tcp://127.0.0.1",
        "registration": 35519,
        "control": 34745,
        "mux": 44875,
        "task": 52011,
        "task_scheme": "leastload",
        "iopub": 34989,
        "notification": 33791,
        "broadcast": 54513,
        "key": "secret",
        "location": "vm",
        "pack": "orjson",
        "unpack": "orjson",
        "signature_scheme": "hmac-sha256",
        "ssh": "",
        "curve_serverkey": None,
    },
}
PARSERS = {
    "connection-file": Connection.from_dict,
    "registration-file": Registration.from_dict,
    "kernel-spec": KernelSpec.from_dict,
}


def changed(value: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return a copy with some fields replaced; those that become ABSENT are left out."""
    both = copy.deepcopy(value) | changes
    return {name: each for name, each in both.items() if each is not ABSENT}


def is_fine(key: str, value: dict[str, Any], profile: str) -> bool:
    """Tell whether the catalogue finds no error."""
    return not [each for each in check_file(key, value, profile) if each.level == "error"]


def is_parsed(key: str, value: dict[str, Any]) -> bool:
    """Tell whether refimpl can use it."""
    try:
        PARSERS[key](value)
    except ValueError:
        return False
    return True


# key, changes, whether that may be sent, whether it is accepted
CHANGES: list[tuple[str, dict[str, Any], bool, bool]] = [
    ("connection-file", {"jupyter_session": "a.ipynb", "later": 1}, True, True),
    ("connection-file", {"kernel_name": ABSENT}, True, True),
    ("connection-file", {"kernel_name": ""}, True, True),
    ("connection-file", {"kernel_name": None}, False, True),
    ("connection-file", {"kernel_name": 5}, False, False),
    ("connection-file", {"transport": "ipc", "ip": "/run/kernel"}, True, True),
    ("connection-file", {"transport": "inproc"}, False, False),
    ("connection-file", {"ip": "::1"}, True, True),
    ("connection-file", {"ip": ""}, False, False),
    ("connection-file", {"ip": ABSENT}, False, False),
    ("connection-file", {"key": ""}, True, True),
    ("connection-file", {"key": ABSENT}, False, False),
    ("connection-file", {"key": None}, False, False),
    ("connection-file", {"shell_port": 0}, True, True),
    ("connection-file", {"shell_port": 65535}, True, True),
    ("connection-file", {"shell_port": 65536}, False, False),
    ("connection-file", {"iopub_port": -1}, False, False),
    ("connection-file", {"iopub_port": "5002"}, False, False),
    ("connection-file", {"stdin_port": True}, False, False),
    ("connection-file", {"hb_port": ABSENT}, False, False),
    ("connection-file", {"control_port": 5000.5}, False, False),
    ("connection-file", {"signature_scheme": "hmac-sha3_256"}, True, True),
    ("connection-file", {"signature_scheme": "sha256"}, False, False),
    ("connection-file", {"signature_scheme": ""}, False, False),
    ("connection-file", {"signature_scheme": ABSENT}, False, False),
    ("connection-file", CURVE, True, True),
    ("connection-file", dict.fromkeys(CURVE, ""), False, True),
    ("connection-file", dict.fromkeys(CURVE), False, True),
    ("connection-file", dict.fromkeys(CURVE, "short"), False, False),
    ("connection-file", dict.fromkeys(CURVE, "~" * 40), False, False),
    ("connection-file", dict.fromkeys(CURVE, 5), False, False),
    ("registration-file", {"later": 1}, True, True),
    ("registration-file", {"key": ""}, True, True),
    ("registration-file", {"transport": "ipc"}, True, True),
    ("registration-file", {"transport": "udp"}, False, False),
    ("registration-file", {"registration_port": 1}, True, True),
    ("registration-file", {"registration_port": 0}, False, False),
    ("registration-file", {"registration_port": 65536}, False, False),
    ("registration-file", {"registration_port": "5000"}, False, False),
    ("registration-file", {"registration_port": True}, False, False),
    ("registration-file", {"registration_ip": ABSENT, "ip": "127.0.0.1"}, False, False),
    ("registration-file", {"registration_ip": ""}, False, False),
    ("registration-file", {"kernel_id": ABSENT}, False, False),
    ("registration-file", {"kernel_id": ""}, False, False),
    ("registration-file", {"kernel_id": 7}, False, False),
    ("registration-file", {"signature_scheme": "none"}, False, False),
    ("kernel-spec", {"name": "demo", "codemirror_mode": "demo"}, True, True),
    ("kernel-spec", {"argv": []}, False, False),
    ("kernel-spec", {"argv": "run"}, False, False),
    ("kernel-spec", {"argv": ["run", 5]}, False, False),
    ("kernel-spec", {"argv": ABSENT}, False, False),
    ("kernel-spec", {"display_name": ABSENT}, False, False),
    ("kernel-spec", {"display_name": None}, False, False),
    ("kernel-spec", {"language": ABSENT}, False, False),
    ("kernel-spec", {"language": "Ünlü"}, True, True),
    ("kernel-spec", {"interrupt_mode": "signal"}, True, True),
    ("kernel-spec", {"interrupt_mode": "message"}, True, True),
    ("kernel-spec", {"interrupt_mode": "Message"}, False, False),
    ("kernel-spec", {"interrupt_mode": None}, False, False),
    ("kernel-spec", {"env": {}}, True, True),
    ("kernel-spec", {"env": {"LIB": "${HOME}/lib"}}, True, True),
    ("kernel-spec", {"env": {"N": 1}}, False, False),
    ("kernel-spec", {"env": []}, False, False),
    ("kernel-spec", {"metadata": {"debugger": True}}, True, True),
    ("kernel-spec", {"metadata": {"supported_encryption": ["curve"]}}, True, True),
    ("kernel-spec", {"metadata": {"supported_encryption": "curve"}}, False, True),
    ("kernel-spec", {"metadata": {"my-tool": [1]}}, True, True),
    ("kernel-spec", {"metadata": None}, False, False),
    ("kernel-spec", {"kernel_protocol_version": "5.5"}, True, True),
    ("kernel-spec", {"kernel_protocol_version": "5.6.0"}, True, True),
    ("kernel-spec", {"kernel_protocol_version": "five"}, False, True),
    ("kernel-spec", {"kernel_protocol_version": 5.5}, False, False),
]


@EVERY_FILE
def test_good_file_has_no_problem(file: FileType) -> None:
    """A file of a deployed program has only fields that are known, and none is missing."""
    for profile in PROFILES:
        assert check_file(file.key, GOOD[file.key], profile) == []


@pytest.mark.parametrize(("key", "changes", "sent", "accepted"), CHANGES)
def test_file_is_accepted_as_refimpl_does(
    key: str, changes: dict[str, Any], sent: bool, accepted: bool
) -> None:
    """Whatever is changed in a good file, catalogue and parser come to the same verdict."""
    value = changed(GOOD[key], changes)
    assert is_fine(key, value, SEND) == sent
    assert is_fine(key, value, ACCEPT) == accepted
    assert is_parsed(key, value) == accepted


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        ("connection-file", {"signature_scheme": "hmac-nonsense"}),
        ("registration-file", {"signature_scheme": "hmac-nonsense"}),
        ("connection-file", {"curve_publickey": CURVE["curve_publickey"]}),
        ("connection-file", dict.fromkeys(CURVE, "#" * 40)),
    ],
)
def test_parser_knows_more_than_the_catalogue(key: str, changes: dict[str, Any]) -> None:
    """Which hashes there are, that two keys belong together, and 32 bits: only a program knows."""
    value = changed(GOOD[key], changes)
    assert is_fine(key, value, SEND)
    assert not is_parsed(key, value)


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        ("ipcontroller-client", {"task_scheme": ABSENT}),
        ("ipcontroller-client", {"notification": ABSENT}),
        ("ipcontroller-client", {"broadcast": [49111, 47631]}),
        ("ipcontroller-client", {"interface": "127.0.0.1"}),
        ("ipcontroller-client", {"ssh": ABSENT}),
        ("ipcontroller-engine", {"broadcast": 54513}),
        ("ipcontroller-engine", {"broadcast": []}),
        ("ipcontroller-engine", {"hb_ping": ABSENT}),
        ("ipcontroller-engine", {"location": ABSENT}),
        ("ipcontroller-engine", {"registration": 0}),
        ("ipcontroller-engine", {"pack": ABSENT}),
    ],
)
def test_wrong_cluster_file_is_refused(key: str, changes: dict[str, Any]) -> None:
    """What makes a client or an engine of ipyparallel fail is an error in both profiles."""
    value = changed(GOOD[key], changes)
    assert not is_fine(key, value, SEND)
    assert not is_fine(key, value, ACCEPT)


def test_what_refimpl_writes_may_be_sent() -> None:
    """Connections and kernel specs that refimpl makes fulfil the strict profile."""
    connection = Connection.from_dict(GOOD["connection-file"] | CURVE).to_dict()
    spec = KernelSpec(["run"], "Demo", "demo", env={"A": "b"}, interrupt_mode="message").to_dict()
    assert check_file("connection-file", json.loads(json.dumps(connection)), SEND) == []
    assert check_file("kernel-spec", json.loads(json.dumps(spec)), SEND) == []


def test_fields_of_files_are_those_that_refimpl_reads() -> None:
    """Catalogue and parser have the same fields, but for what refimpl only passes on."""
    names = {each.name for each in files.CONNECTION_FILE.fields} - {"jupyter_session"}
    assert names == set(Connection.__dataclass_fields__) - {"extra"}
    names = {each.name for each in files.REGISTRATION_FILE.fields}
    assert names == set(Registration.__dataclass_fields__)
    names = {each.name for each in files.KERNEL_SPEC.fields}
    assert names == set(KernelSpec.__dataclass_fields__) - {"extra", "resource_dir"}
