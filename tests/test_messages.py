"""The catalogue as a whole: its parts fit together, and every name leads somewhere."""

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from refimpl.messages import CLUSTER, FILES, HEADER, KERNEL, MESSAGES, find, structs
from refimpl.messages.differences import changes, is_in, message_at
from refimpl.messages.model import ABSENT, VERSIONS, Struct, class_name, is_same
from refimpl.messages.rules import RULES
from refimpl.messages.schema import envelope
from refimpl.messages.validate import Walk

ROOT = Path(__file__).parent.parent
WHOLE = {key: envelope(message, "send") for key, message in MESSAGES.items()}
WHOLE |= {key: file.content() for key, file in FILES.items()}


@pytest.fixture(params=WHOLE)
def inside(request) -> list[Struct]:
    """List the named objects in one message or file."""
    return list(structs(WHOLE[request.param]))


@pytest.mark.parametrize("key", MESSAGES)
def test_requests_and_replies_fit(key):
    """A reply names the requests that it answers, a request the reply; both exist."""
    message = MESSAGES[key]
    if message.reply:
        assert key in MESSAGES[message.reply].reply_to
    for request in message.reply_to:
        assert MESSAGES[request].protocol == message.protocol
        assert MESSAGES[request].reply


@pytest.mark.parametrize("key", [*MESSAGES, *FILES])
def test_everything_has_a_text(key):
    """A purpose is a sentence, and everything says where it comes from.

    What a cluster passes on of the kernel protocol comes from there.
    """
    found = MESSAGES.get(key) or FILES[key]
    assert found.purpose.endswith(".")
    assert found.source or MESSAGES[found.name].source


def test_every_version_is_known(inside):
    """Versions of fields are those of the kernel protocol."""
    for struct in inside:
        for each in struct.fields:
            assert {each.since, each.deprecated, *each.changed} <= {"", *VERSIONS}, each.name


def test_every_rule_is_known(inside):
    """A field names a rule that exists."""
    for struct in inside:
        assert {each.rule for each in struct.fields} <= {"", *RULES}, struct.name


def test_conditions_name_siblings(inside):
    """A condition is about another field of the same object, and one that can come true."""
    for struct in inside:
        named = {each.name: each for each in struct.fields}
        for each in struct.fields:
            for name, values in each.when.items():
                for value in values:
                    problems = list(Walk("accept").value(value, named[name].type_in("accept"), ""))
                    assert problems == [], f"{struct.name}.{each.name}: {name} is {value!r}"


def test_defaults_are_allowed(inside):
    """The value that stands for an absent field is accepted if it is sent."""
    for struct in inside:
        for each in struct.fields:
            if each.default is not ABSENT:
                problems = list(Walk("accept").value(each.default, each.type_in("accept"), ""))
                assert problems == [], f"{struct.name}.{each.name}"


def test_names_are_unique():
    """One name stands for one object, everywhere: it becomes a class."""
    named: dict[str, Struct] = {}
    for whole in WHOLE.values():
        for struct in structs(whole):
            assert named.setdefault(struct.name, struct) == struct
            assert struct.name.isidentifier()
            assert re.match("[A-Z]", struct.name)


def test_classes_of_keys_are_unique():
    """No two keys become the same class."""
    classes = [class_name(key) for key in (*MESSAGES, *FILES)]
    assert len(set(classes)) == len(classes)


def test_find_narrows():
    """What is known about a message narrows the choice; the kernel's messages come first."""
    shutdown = find("shutdown_request")
    assert shutdown[0].protocol == KERNEL
    assert {each.protocol for each in shutdown} == {KERNEL, CLUSTER}
    assert [each.key for each in find("shutdown_request", protocol=KERNEL)] == ["shutdown_request"]
    registered = find("shutdown_request", channel="registration")
    assert [each.key for each in registered] == ["hub.shutdown_request"]
    assert [each.key for each in find("comm_open", sender="client")] == ["comm_open"]
    assert find("stream", sender="client") == []
    assert find("no_such_message") == []


def test_json_tells_numbers_from_booleans():
    """In a condition 1 is 1.0, and not true."""
    assert is_same(1, 1.0)
    assert not is_same(1, True)
    assert not is_same(False, 0)
    assert is_same(True, True)


def test_versions_are_numbers():
    """Versions are compared as numbers, not as text."""
    assert is_in("5.3", "5.10")
    assert not is_in("5.10", "5.3")


def test_message_at_a_version():
    """A message of an old version has neither later fields nor later deprecations."""
    info = MESSAGES["kernel_info_reply"]
    old, new = message_at(info, "5.4"), message_at(info, "5.6")
    assert new == info
    assert "supported_features" not in {each.name for each in old.fields}
    assert not any(each.deprecated for each in old.fields if each.name == "debugger")
    assert message_at(MESSAGES["interrupt_request"], "5.2") is None


def test_changes_add_up():
    """The changes over several versions are those over each, one after the other."""
    everything = MESSAGES.values(), FILES.values()
    steps = [change for old, new in pairwise(VERSIONS) for change in changes(old, new, *everything)]
    assert steps == changes(VERSIONS[0], VERSIONS[-1], *everything)
    assert len(steps) > 20


def test_nothing_changes_before_it_exists():
    """What became of a field before a message that has it is no change of that message."""
    found = changes("0", VERSIONS[-1], MESSAGES.values(), FILES.values())
    for change in found:
        since = MESSAGES[change.key].since if change.key in MESSAGES else ""
        assert not since or change.path == "" or not is_in(change.version, since), change
    aborted = {each.key for each in found if each.path == "content.status"}
    assert "execute_reply" in aborted
    assert aborted.isdisjoint({"comm_info_reply", "interrupt_reply", "create_subshell_reply"})


def test_catalogue_needs_the_standard_library_only():
    """The catalogue and all that is made of it import nothing that has to be installed."""
    code = (
        "import sys, refimpl.messages.command, refimpl.messages.generate, refimpl.messages.read\n"
        "roots = {name.partition('.')[0] for name in sys.modules}\n"
        "print(sorted(roots - sys.stdlib_module_names - {'__main__', 'refimpl'}))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "[]\n", done.stderr


def test_header_is_no_content():
    """The header is what every message starts with."""
    assert [each.name for each in HEADER.fields[:2]] == ["msg_id", "msg_type"]
