"""Hold the catalogue of the kernel protocol against itself, our kernel and deployed programs."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from refimpl.kernel import OUTPUT, REQUESTS
from refimpl.messages.kernel import DEBUG_COMMANDS, HANDSHAKE, MESSAGES
from refimpl.messages.model import (
    ABSENT,
    ACCEPT,
    KERNEL,
    PROFILES,
    SEND,
    VERSIONS,
    Field,
    ListOf,
    MapOf,
    MessageType,
    Number,
    OneOf,
    Readings,
    Row,
    Scalar,
    Struct,
    Text,
    Type,
    Union,
    structs,
)

RECORDING = Path(__file__).parent / "recordings" / "kernel.jsonl"
BY_KEY = {message.key: message for message in MESSAGES}
CHANNELS = {"shell", "control", "iopub", "stdin"}
VERSIONED = r"5\.[0-6]"
RULE_ID = r"R-[A-Z]+-[1-9]\d*"
URL = r"https://[\w./-]+(#[\w-]+)?"

# A client has to send these, because some deployed program fails without them.  The kernel of ours
# does not: it assumes what is given here.
LENIENT = {
    ("history_request", "output"): False,
    ("history_request", "raw"): True,
    ("shutdown_request", "restart"): False,
    ("comm_open", "data"): {},
    ("comm_msg", "data"): {},
    ("comm_close", "data"): {},
    ("debug_request", "type"): "request",
}

# What only kernels are lenient about; comms have one catalogue for both directions.
FROM_KERNELS = {(name, "data") for name in ("comm_open", "comm_msg", "comm_close")}
# What the kernel of ours drops, because only others know it.
FOREIGN = {("inspect_request", "omit_sections"), ("comm_open", "target_module")}

SCALARS: dict[str, set[type]] = {
    "string": {str},
    "integer": {int},
    "number": {int, float},
    "boolean": {bool},
    "null": {type(None)},
    "object": {dict},
    "any": {str, int, float, bool, type(None), dict, list},
}


def python_types(kind: Type) -> set[type]:
    """Return the Python types that JSON values of this type are read as."""
    match kind:
        case Scalar(name=name):
            return SCALARS[name]
        case Union(options=options):
            return set().union(*map(python_types, options))
        case OneOf(values=values):
            return {type(value) for value in values}
        case Text():
            return {str}
        case Number():
            return {int}
        case ListOf() | Row():
            return {list}
        case MapOf() | Struct():
            return {dict}
    raise AssertionError(f"no type of the catalogue: {kind!r}")


def all_structs() -> Iterator[Struct]:
    """List every object of the kernel protocol: contents, metadata, what is inside, the rest."""
    for message in MESSAGES:
        yield from structs(message.content())
        yield from structs(Struct(f"{message.key} metadata", "Metadata.", message.metadata))
    for command in DEBUG_COMMANDS:
        for struct in command.arguments, command.body:
            if struct is not None:
                yield from structs(struct)
    for struct in HANDSHAKE:
        yield from structs(struct)


def all_fields() -> list[tuple[str, Field]]:
    """List every field once, with the name of its object."""
    fields = [(struct.name, each) for struct in all_structs() for each in struct.fields]
    return list({(name, each.name): (name, each) for name, each in fields}.values())


def all_readings() -> list[tuple[str, Readings]]:
    """List every three readings, with where they stand."""
    found = [(f"{name}.{each.name}", each.readings) for name, each in all_fields()]
    found += [(message.key, message.readings) for message in MESSAGES]
    found += [(command.name, command.readings) for command in DEBUG_COMMANDS]
    return [(where, readings) for where, readings in found if readings is not None]


STRUCTS = list(all_structs())
FIELDS = all_fields()
each_message = pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.key)


# --- messages ----------------------------------------------------------------------------------


def test_keys_are_the_names_on_the_wire_and_unique() -> None:
    """No two kinds of message of the kernel protocol share a name, so none needs a prefix."""
    assert [message.key for message in MESSAGES] == [message.name for message in MESSAGES]
    assert len(BY_KEY) == len(MESSAGES)


@each_message
def test_message_says_what_it_is(message: MessageType) -> None:
    """Every message has its protocol, its channels, one sentence of purpose and a source."""
    assert message.protocol == KERNEL
    assert message.channels
    assert set(message.channels) <= CHANNELS
    assert re.fullmatch(r"[A-Z][^.]*\.|[A-Z].*; see DEBUG_COMMANDS\.", message.purpose)
    assert re.fullmatch(URL, message.source)


@each_message
def test_sender_and_receiver_are_the_two_sides(message: MessageType) -> None:
    """What one side sends the other receives, and both directions are told of comms alone."""
    sides = {("client", "kernel"), ("kernel", "client"), ("client or kernel", "kernel or client")}
    assert (message.sender, message.receiver) in sides
    assert (" or " in message.sender) == message.name.startswith("comm_") & (
        not message.name.startswith("comm_info")
    )


@each_message
def test_request_and_reply_name_each_other(message: MessageType) -> None:
    """A request names its reply, the reply names the request, and they go opposite ways."""
    if message.reply:
        answer = BY_KEY[message.reply]
        assert message.key in answer.reply_to
        assert (answer.sender, answer.receiver) == (message.receiver, message.sender)
        assert set(message.channels) <= set(answer.channels)
        assert (answer.since, answer.deprecated) == (message.since, message.deprecated)
    for key in message.reply_to:
        assert BY_KEY[key].reply == message.key


@each_message
def test_requests_have_replies_and_replies_requests(message: MessageType) -> None:
    """The ending of a name tells whether something is asked or answered."""
    assert message.name.endswith("_request") == bool(message.reply)
    assert message.name.endswith("_reply") == bool(message.reply_to)


@each_message
def test_parents_are_told(message: MessageType) -> None:
    """A client's request has no parent, nor has a welcome; everything else is caused by one."""
    uncaused = message.sender == "client" and bool(message.reply)
    assert bool(message.parent) != (uncaused or message.name == "iopub_welcome")


@each_message
def test_topics_are_told_of_what_is_published(message: MessageType) -> None:
    """A message has a topic if it can be sent on iopub."""
    assert bool(message.topic) == ("iopub" in message.channels)


@each_message
def test_replies_begin_with_a_status(message: MessageType) -> None:
    """Every reply of a kernel has a status first and says what an error looks like."""
    if not message.reply_to or message.sender == "client":
        return
    names = [each.name for each in message.fields]
    if message.name in {"debug_reply", "usage_reply"}:  # the two that have none
        assert "status" not in names
    else:
        assert names[0] == "status"
        errors = [each.name for each in message.fields if each.when == {"status": ("error",)}]
        assert errors[-3:] == ["ename", "evalue", "traceback"]


# --- fields ------------------------------------------------------------------------------------


def test_field_names_are_unique_in_an_object() -> None:
    """An object has no two fields of the same name."""
    for struct in STRUCTS:
        names = [each.name for each in struct.fields]
        assert len(set(names)) == len(names), struct.name


def test_objects_of_the_same_name_are_the_same() -> None:
    """A name stands for one object, and none is taken twice."""
    named: dict[str, Struct] = {}
    for struct in STRUCTS:
        assert named.setdefault(struct.name, struct) == struct
        assert re.fullmatch(r"[A-Z][A-Za-z]+|\w+ metadata", struct.name)


def test_field_means_something() -> None:
    """Every field has a meaning, in a sentence or two."""
    for owner, each in FIELDS:
        assert re.fullmatch(r"[`A-Z].*[.…?]", each.meaning), f"{owner}.{each.name}"


def test_field_with_a_default_is_not_required() -> None:
    """A field is required, or has a default, or is optional: one of the three."""
    for owner, each in FIELDS:
        assert not (each.optional and each.default is not ABSENT), f"{owner}.{each.name}"
        if each.default is not ABSENT or each.optional:
            assert not each.may_lack, f"{owner}.{each.name}"
            assert not any(each.is_required(profile, {}) for profile in PROFILES)
            if each.default is not ABSENT:
                assert type(each.default) in python_types(each.type_in(ACCEPT))


def test_accept_allows_what_send_allows() -> None:
    """What may be sent is understood: the lenient type has room for the strict one."""
    for owner, each in FIELDS:
        strict, lenient = each.type_in(SEND), each.type_in(ACCEPT)
        assert python_types(strict) <= python_types(lenient), f"{owner}.{each.name}"
        if isinstance(strict, OneOf) and isinstance(lenient, OneOf):
            assert set(strict.values) < set(lenient.values) or strict == lenient


def test_conditions_name_siblings_and_values_that_these_can_have() -> None:
    """A field depends on other fields of its object, and on values that they can hold."""
    for struct in STRUCTS:
        siblings = {each.name: each for each in struct.fields}
        for each in struct.fields:
            for name, values in each.when.items():
                kind = siblings[name].type
                if isinstance(kind, OneOf):
                    assert set(values) <= set(kind.values), f"{struct.name}.{each.name}"
                else:
                    assert {type(value) for value in values} <= python_types(kind)


def test_rules_of_fields_are_well_formed() -> None:
    """The rule about a field is named by its id."""
    for owner, each in FIELDS:
        assert not each.rule or re.fullmatch(RULE_ID, each.rule), f"{owner}.{each.name}"


def test_versions_are_known() -> None:
    """Whatever is said of a version is said of 5.0 to 5.6, and in that order."""
    things: list[Any] = [*MESSAGES, *(each for _, each in FIELDS)]
    for thing in things:
        for version in filter(None, (thing.since, thing.deprecated, *thing.changed)):
            assert re.fullmatch(VERSIONED, version), thing.name
            assert version in VERSIONS
        if thing.since and thing.deprecated:
            assert VERSIONS.index(thing.since) <= VERSIONS.index(thing.deprecated)
        for version, change in thing.changed.items():
            assert VERSIONS.index(version) >= VERSIONS.index(thing.since or VERSIONS[0])
            assert re.fullmatch(r"[A-Z`].*\.", change), thing.name


def test_fields_are_not_older_than_their_message() -> None:
    """A field came with its message or later."""
    for message in MESSAGES:
        for each in message.fields:
            if message.since and each.since:
                assert VERSIONS.index(each.since) >= VERSIONS.index(message.since)


def test_readings_are_complete() -> None:
    """Where readings differ, all three are told, in sentences."""
    found = all_readings()
    assert len(found) > 30
    for where, readings in found:
        for text in (readings.specification, readings.deployed, readings.clients):
            assert re.fullmatch(r"\S.*\.", text), where


def test_what_is_only_custom_has_readings() -> None:
    """A message that no version of the specification knows says so itself."""
    for message in MESSAGES:
        if "jupyter-client.readthedocs.io" not in message.source:
            assert message.readings is not None, message.key


@each_message
def test_troubles_are_few_and_in_sentences(message: MessageType) -> None:
    """At most three troubles are told, each in a sentence or two."""
    assert len(message.troubles) <= 3
    for trouble in message.troubles:
        assert re.fullmatch(r"[A-Z`].*\.", trouble)


# --- the debugger and the handshake ------------------------------------------------------------


def test_debug_commands_are_unique_and_have_a_source() -> None:
    """Each command is there once, says what it is for and where it is defined."""
    assert len({command.name for command in DEBUG_COMMANDS}) == len(DEBUG_COMMANDS)
    for command in DEBUG_COMMANDS:
        assert re.fullmatch(r"[A-Z].*\.", command.purpose)
        assert re.fullmatch(URL, command.source)
        assert (command.arguments is None) == (command.body is None)


def test_additions_to_the_debugger_are_described() -> None:
    """The five commands that Jupyter adds have arguments and a result."""
    added = {c.name: c for c in DEBUG_COMMANDS if "jupyter-client" in c.source}
    names = {
        "dumpCell",
        "debugInfo",
        "inspectVariables",
        "richInspectVariables",
        "copyToGlobals",
    }
    assert set(added) == names
    for command in added.values():
        assert command.body is not None
        assert command.body.fields


def test_handshake_reports_the_five_ports() -> None:
    """A kernel that chose its ports reports all five, under the id that it was given."""
    report, _ = HANDSHAKE
    ports = {f"{channel}_port" for channel in ("shell", "iopub", "stdin", "control", "hb")}
    assert {each.name for each in report.fields} == {"kernel_id", *ports}


# --- our kernel --------------------------------------------------------------------------------


def test_kernel_knows_what_clients_send() -> None:
    """The starter's requests are all in the catalogue, on the same channels."""
    for name, known in REQUESTS.items():
        channels = set(BY_KEY[name].channels)
        if not name.endswith("_request"):
            channels -= {"iopub"}  # where a kernel itself sends comm messages
        assert channels == set(known.channels), name
    assert {m.name for m in MESSAGES if m.required} <= set(REQUESTS)


def test_kernel_and_catalogue_have_the_same_fields() -> None:
    """The starter reads the fields of the catalogue, with the same types and defaults."""
    required = REQUESTS["is_complete_request"].fields["code"].default
    for name, known in REQUESTS.items():
        fields = {
            each.name: each for each in BY_KEY[name].fields if (name, each.name) not in FOREIGN
        }
        assert set(fields) == set(known.fields), name
        for each in fields.values():
            types, default = known.fields[each.name]
            profile = SEND if (name, each.name) in FROM_KERNELS else ACCEPT
            assert set(types) == python_types(each.type_in(profile)), f"{name}.{each.name}"
            if (name, each.name) in LENIENT:
                assert each.may_lack
                assert default == LENIENT[name, each.name]
            elif each.optional:
                assert default is None, f"{name}.{each.name}"
            elif each.default is ABSENT:
                assert default is required, f"{name}.{each.name}"
            else:
                assert (type(default), default) == (type(each.default), each.default)


def test_output_is_published() -> None:
    """Everything that `silent` keeps back is a message on iopub."""
    assert all(BY_KEY[name].channels == ("iopub",) for name in OUTPUT)


# --- ipykernel ---------------------------------------------------------------------------------


def test_ipykernel_handles_nothing_that_is_missing() -> None:
    """Every message type for which ipykernel has a handler is in the catalogue."""
    kernelbase = pytest.importorskip("ipykernel.kernelbase")
    handled = {*kernelbase.Kernel.msg_types, *kernelbase.Kernel.control_msg_types}
    assert handled <= set(BY_KEY)


def test_every_recorded_message_type_is_known() -> None:
    """Whatever deployed programs sent while they were recorded is in the catalogue."""
    lines = RECORDING.read_text("utf-8").splitlines()
    types = {json.loads(line)["message"]["header"]["msg_type"] for line in lines}
    assert types - {"nonsense_request"} <= set(BY_KEY)
    assert {"execute_reply", "debug_event", "iopub_welcome"} <= types
