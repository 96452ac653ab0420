"""What is found wrong with messages, files and conversations, and that JSON Schema agrees."""

import copy
import math
import re
from datetime import UTC, datetime
from functools import cache

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from refimpl.messages import ACCEPT, FILES, MESSAGES, SEND
from refimpl.messages.model import (
    ListOf,
    MapOf,
    MessageType,
    Number,
    OneOf,
    Row,
    Scalar,
    Struct,
    Text,
    Union,
)
from refimpl.messages.problem import ERROR, NOTE, Problem, joined, shown
from refimpl.messages.read import load
from refimpl.messages.schema import envelope, file_schema, message_schema
from refimpl.messages.transcript import check_transcript
from refimpl.messages.validate import (
    LIMIT,
    check_content,
    check_file,
    check_message,
    compiled,
)


def errors(problems: list[Problem]) -> list[str]:
    """Return the errors as text."""
    return [str(each) for each in problems if each.level == ERROR]


def notes(problems: list[Problem]) -> list[str]:
    """Return the notes as text."""
    return [str(each) for each in problems if each.level == NOTE]


def message(msg_type: str, content: dict, parent: dict | None = None, msg_id: str = "m") -> dict:
    """Make a message that is right but for what is given."""
    header = {
        "msg_id": msg_id,
        "msg_type": msg_type,
        "session": "s",
        "username": "ada",
        "date": "2026-01-01T12:00:00.000000Z",
        "version": "5.6",
    }
    parent_header = parent["header"] if parent else {}
    return {"header": header, "parent_header": parent_header, "metadata": {}, "content": content}


REQUEST = message("execute_request", {"code": "6 * 7"})

# --- agreement with JSON Schema ----------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 70000) | st.sampled_from([0.5, 2.0]) | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)
SCALARS = {
    "any": JSON,
    "string": st.text(max_size=5),
    "integer": st.integers(-5, 5) | st.just(3.0),
    "number": st.integers(-5, 5) | st.sampled_from([0.5, -1e300]),
    "boolean": st.booleans(),
    "null": st.none(),
    "object": st.dictionaries(st.text(max_size=3), JSON, max_size=2),
}


def values(kind, profile: str) -> st.SearchStrategy:
    """Make values of a type of the catalogue."""
    match kind:
        case Scalar(name=name):
            return SCALARS[name]
        case Text(pattern=pattern):
            # In JSON Schema `$` is the very end, in Python also before the last line feed.
            exact = st.from_regex(re.compile(pattern, re.ASCII))
            return exact.filter(lambda text: not text.endswith("\n") or pattern.endswith("]"))
        case Number(minimum=low, maximum=high):
            return st.integers(low, high)
        case OneOf(values=options):
            return st.sampled_from(options) if options else st.nothing()
        case Union(options=options):
            return st.one_of([values(option, profile) for option in options])
        case ListOf(item=item, min_items=least):
            return st.lists(values(item, profile), min_size=least, max_size=least + 1)
        case Row(items=items):
            return st.tuples(*(values(item, profile) for item in items)).map(list)
        case MapOf(value=value):
            return st.dictionaries(st.text(max_size=3), values(value, profile), max_size=2)
        case Struct():
            return objects(kind, profile)
    raise TypeError(kind)


@st.composite
def objects(draw, struct: Struct, profile: str) -> dict:
    """Make an object with the fields that it needs, and some of the others."""
    made: dict = {}
    for each in sorted(struct.fields, key=lambda each: bool(each.when)):
        if each.applies(made) and (each.is_needed(profile) or draw(st.integers(0, 3)) == 0):
            made[each.name] = draw(values(each.type_in(profile), profile))
    if draw(st.integers(0, 3)) == 0:
        rest = JSON if struct.rest is None else values(struct.rest, profile)
        names = {each.name for each in struct.fields}
        if not rest.is_empty:
            made[draw(st.text(max_size=3).filter(lambda name: name not in names))] = draw(rest)
    return made


def whole(kind: MessageType, profile: str) -> st.SearchStrategy:
    """Make messages of a kind. Their headers are always the same: so it takes less time."""
    parts = {each.name: each.type for each in envelope(kind, profile).fields}
    parent = REQUEST["header"] if kind.reply_to else {}
    header = REQUEST["header"] | {"msg_type": kind.name}
    inner = [values(parts[name], profile) for name in ("metadata", "content")]
    return st.tuples(*inner).map(
        lambda made: {
            "header": dict(header),
            "parent_header": dict(parent),
            "metadata": made[0],
            "content": made[1],
            "buffers": [],
        }
    )


def containers(value) -> list:
    """List all objects and arrays inside a value that are not empty."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    found = [value] if inner else []
    return found + [each for one in inner for each in containers(one)]


@st.composite
def mutated(draw, value):
    """Spoil a value in one place: leave something out, or put something else there."""
    value = copy.deepcopy(value)
    places = containers(value)
    if not places:
        return draw(JSON)
    place = draw(st.sampled_from(places))
    keys = sorted(place) if isinstance(place, dict) else range(len(place))
    key = draw(st.sampled_from(list(keys)))
    if draw(st.booleans()):
        del place[key]
    else:
        place[key] = draw(JSON)
    return value


@cache
def validator(key: str, profile: str) -> jsonschema.Draft202012Validator:
    """Make the validator of a schema."""
    schema = (
        message_schema(MESSAGES[key], profile)
        if key in MESSAGES
        else file_schema(FILES[key], profile)
    )
    return jsonschema.Draft202012Validator(schema)


def verdict(key: str, value, profile: str) -> bool:
    """Tell whether our walk finds the value right."""
    if key in MESSAGES:
        return not errors(check_message(value, profile, key=key))
    return not errors(check_file(key, value, profile))


@pytest.mark.parametrize("profile", [SEND, ACCEPT])
def test_headers_agree_with_json_schema(profile):
    """Headers and parent headers, good or spoilt, get one verdict from walk and schema."""
    kind = envelope(MESSAGES["clear_output"], profile)

    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def check(data) -> None:
        good = data.draw(values(kind, profile))
        for value in good, data.draw(mutated(good)):
            ours = verdict("clear_output", value, profile)
            assert ours == validator("clear_output", profile).is_valid(value)
            assert ours or value is not good

    check()


@pytest.mark.parametrize("profile", [SEND, ACCEPT])
@pytest.mark.parametrize("key", [*MESSAGES, *FILES])
def test_agrees_with_json_schema(key, profile):
    """For every message and file, good or spoilt, walk and schema come to the same verdict.

    What may be sent has to be accepted, too.
    """
    made = (
        whole(MESSAGES[key], profile) if key in MESSAGES else values(FILES[key].content(), profile)
    )

    @settings(
        max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.data())
    def check(data) -> None:
        good = data.draw(made)
        assert verdict(key, good, profile)
        assert validator(key, profile).is_valid(good)
        assert verdict(key, good, ACCEPT)
        bad = data.draw(mutated(good))
        assert verdict(key, bad, profile) == validator(key, profile).is_valid(bad)
        assert not verdict(key, bad, SEND) or verdict(key, bad, ACCEPT)

    check()


PATTERNS = [(r"^a$", "a\n", False), (r"^\d$", "٣", False), (r"[$]", "$", True), (r"b", "abc", True)]


@pytest.mark.parametrize(("pattern", "text", "fits"), PATTERNS)
def test_patterns_mean_what_they_mean_elsewhere(pattern, text, fits):
    r"""As in JavaScript `$` is the very end and `\d` an ASCII digit, and nothing is anchored."""
    assert bool(compiled(pattern).search(text)) == fits


# --- messages ----------------------------------------------------------------------------------

MESSAGE_ERRORS = [
    ({"content": {"code": 5}}, "content.code: expected string, got number 5"),
    ({"content": {}}, "content.code: expected string, got nothing"),
    ({"content": []}, "content: expected an object, got an empty array"),
    ({"content": {"code": "", "silent": 1}}, "content.silent: expected boolean, got number 1"),
    ({"metadata": None}, "metadata: expected an object, got null"),
    ({"parent_header": {"msg_id": 5}}, "parent_header.msg_id: expected string, got number 5"),
    ({"header": 5}, "header: expected an object, got number 5"),
    ({"buffers": {}}, "buffers: expected an empty array, got an empty object"),
    ({"buffers": [b""]}, "buffers: expected an empty array, got an array of 1"),
]


@pytest.mark.parametrize(("part", "problem"), MESSAGE_ERRORS)
def test_message_errors(part, problem):
    """A problem says where, what was expected, and what is there."""
    assert problem in [text.partition(" (R-")[0] for text in errors(check_message(REQUEST | part))]


def test_right_messages():
    """A message that is right has no problems, nor have the additions of other programs."""
    assert check_message(REQUEST) == []
    beside = {"msg_id": "m", "msg_type": "execute_request", "channel": "shell", "buffers": []}
    assert check_message(REQUEST | beside, channel="shell", sender="client") == []


def test_missing_parts():
    """All four parts of a message have to be there."""
    expected = ["header", "parent_header", "metadata", "content"]
    assert [each.path for each in check_message({}, key="status")] == expected
    assert [each.path for each in check_message({})] == expected


def test_reply_needs_a_parent():
    """A reply has the header of its request as parent; deployed kernels may leave it empty."""
    reply = message("shutdown_reply", {"status": "ok", "restart": False})
    assert "parent_header.msg_id" in [each.path for each in check_message(reply)]
    assert errors(check_message(reply, ACCEPT)) == []


def test_nearest_alternative():
    """Of several kinds of object the one is reported that was probably meant."""
    content = {
        "status": "ok",
        "execution_count": 1,
        "user_expressions": {"x": {"status": "error", "ename": "E", "evalue": 1, "traceback": []}},
    }
    reply = message("execute_reply", content, REQUEST)
    (problem,) = errors(check_message(reply))
    assert problem.startswith("content.user_expressions.x.evalue: expected string, got number 1")


def test_rules_are_named():
    """The rule about a field is named with the problem, for people and for programs."""
    reply = message("execute_reply", {"status": "ok", "user_expressions": {}}, REQUEST)
    (problem,) = check_message(reply)
    assert problem.rule == "R-EXEC-3"
    assert str(problem).endswith("(R-EXEC-3)")


def test_unknown_fields_are_noted():
    """A field that nobody knows is allowed; a note says which one may have been meant."""
    request = message("execute_request", {"code": "", "stop_on_eror": True})
    (note,) = check_message(request)
    assert (note.level, note.path) == (NOTE, "content.stop_on_eror")
    assert "did you mean stop_on_error?" in str(note)


def test_unknown_types_are_noted():
    """A message type that nobody knows is allowed, yet its header has to be right."""
    unknown = message("execute_requst", {})
    assert errors(check_message(unknown)) == []
    (note,) = notes(check_message(unknown))
    assert "did you mean execute_request?" in note
    del unknown["header"]["session"]
    assert [each.path for each in check_message(unknown)] == ["header.msg_type", "header.session"]


def test_deprecated_is_noted():
    """Deprecated messages and fields are noted, no more."""
    (note,) = check_message(message("connect_request", {}))
    assert (note.level, note.path) == (NOTE, "header.msg_type")
    assert "deprecated since 5.1" in str(note)
    status = {"status": "ok", "execution_count": 1, "user_expressions": {}, "payload": []}
    (note,) = check_content("execute_reply", status)
    assert (note.level, note.path) == (NOTE, "content.payload")


def test_way_of_a_message():
    """A message on the wrong channel or from the wrong side is an error; in deployed use a note."""
    (problem,) = check_message(REQUEST, channel="iopub")
    assert str(problem) == 'channel: expected shell or mux or broadcast, got "iopub" (R-REQ-7)'
    (problem,) = check_message(message("kernel_info_request", {}), sender="kernel")
    assert str(problem) == 'sender: expected client, got "kernel"'
    assert [each.level for each in check_message(REQUEST, ACCEPT, channel="iopub")] == [NOTE]


def test_key_demands_a_kind():
    """With a key the message has to be of that kind."""
    (problem,) = errors(check_message(REQUEST, key="kernel_info_request"))
    assert problem.startswith('header.msg_type: expected "kernel_info_request", got string')


def test_file_errors():
    """The content of a file is checked with paths that begin in the file."""
    problems = check_file("kernel-spec", {"argv": ["x", 1], "display_name": "X", "languages": "x"})
    assert errors(problems) == [
        "argv[1]: expected string, got number 1",
        "language: expected string, got nothing",
    ]
    assert len(notes(problems)) == 1
    assert "did you mean language?" in notes(problems)[0]


# --- hostile input -----------------------------------------------------------------------------

DEEP: list = []
for _ in range(5_000):
    DEEP = [DEEP]
CYCLE: list = []
CYCLE.append(CYCLE)
SECRET = "open sesame"
MISPLACED = [
    ("connection-file", {"key": [SECRET]}),
    ("connection-file", {"kye": SECRET}),
    ("connection-file", {"curve_secretkey": SECRET, "curve_publickey": SECRET}),
    ("connection-file", {"key": 31337}),
    ("kernel-spec", {"key": SECRET}),
    ("ipcontroller-client", {"kyes": SECRET, "curve_serverkey": SECRET}),
]


@pytest.mark.parametrize(("kind", "value"), MISPLACED)
def test_keys_are_not_shown(kind, value):
    """A key reaches no log, also where it is malformed, misspelt, or in the wrong kind of file."""
    problems = check_file(kind, value)
    assert {each.path for each in problems} >= value.keys()
    assert not any(SECRET in str(each) or "31337" in str(each) for each in problems)


def test_repeated_names_are_found():
    """Which of two values counts is different in each language, so one name stands once."""
    value = load('{"argv": ["a"], "argv": [], "env": {"A": "1", "A": "2", "B": "3"}}')
    found = [str(each) for each in check_file("kernel-spec", value) if "several" in each.found]
    several = "expected one value, got several, of which the last counts (R-WIRE-9)"
    assert found == [f"argv: {several}", f"env.A: {several}"]


# What kernels have been seen to send: the kernel, the key, the content, what is wrong in it.
DEPLOYED = [
    (
        "calysto_scheme 2.1",
        "history_reply",
        {"status": "ok", "history": [[None, None, "(+ 1 2)"]]},
        ["content.history[0][0]", "content.history[0][1]"],
    ),
    (
        "xeus-python 0.19, raw",
        "inspect_reply",
        {"status": "ok", "found": False, "data": None, "metadata": {}},
        ["content.data"],
    ),
    (
        "sos 0.24",
        "is_complete_reply",
        {"status": "complete", "indent": None},
        ["content.indent"],
    ),
    (
        "IRkernel 1.3",
        "comm_info_reply",
        {"status": "ok", "content": {"comms": []}},
        ["content.comms"],
    ),
    (
        "IRkernel 1.3",
        "comm_close",
        {"comm_id": "c", "target_name": "t", "metadata": [], "data": []},
        ["content.data"],
    ),
]


@pytest.mark.parametrize(("kernel", "key", "content", "paths"), DEPLOYED)
def test_deployed_kernels_are_accepted(kernel, key, content, paths):
    """What deployed kernels send can be expected, though it should not be sent."""
    wrong = [each.path for each in check_content(key, content) if each.level == ERROR]
    assert wrong == paths, kernel
    assert errors(check_content(key, content, ACCEPT)) == []


def test_welcome_of_xeus_is_accepted():
    """Xeus has null where a message has no parent and no metadata; a reply must not."""
    nothing = {"parent_header": None, "metadata": None}
    welcome = message("iopub_welcome", {"subscription": ""}) | nothing
    assert [each.path for each in check_message(welcome)] == ["parent_header", "metadata"]
    assert errors(check_message(welcome, ACCEPT)) == []
    reply = message("interrupt_reply", {"status": "ok"}) | nothing
    assert len(errors(check_message(reply, ACCEPT))) == 2


HOSTILE = {
    "deep": DEEP,
    "cycle": CYCLE,
    "huge number": 10**5000,
    "float beyond range": 1e308 * 10,
    "not a number": math.nan,
    "key that is no string": {1: {(): None}, None: 2, b"x": 3},
    "bytes": b"\xff",
    "date": datetime(2026, 1, 1, tzinfo=UTC),
    "class": dict,
    "surrogate": {"\ud800": "\ud800"},
    "escape": {"\x1b[31m": "\x1b[31m"},
    "long": "x" * 10**6,
    "tuple": ({}, []),
    "unhashable in list": [[], {}, [{}]],
    "many": {f"field {number}": 5 for number in range(10_000)},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input(name):
    """Whatever stands in whatever place, checking returns a list, and each line is short."""
    value = HOSTILE[name]
    found = [*check_message(value), *check_transcript(value), *check_transcript([value])]
    for key in "execute_reply", "history_request", "apply_reply", "comm_msg", "queue_reply":
        found += check_content(key, value, ACCEPT)
    for part in REQUEST:
        found += check_message(REQUEST | {part: value})
    for each in REQUEST["header"]:
        found += check_message(REQUEST | {"header": REQUEST["header"] | {each: value}})
    for key, file in FILES.items():
        found += check_file(key, value)
        for each in file.fields:
            found += check_file(key, {each.name: value})
    lines = [str(each) for each in found]
    assert max(map(len, lines)) < 2_000
    assert all(line.isprintable() for line in lines)


NOT_JSON = [
    (math.nan, "content.code: expected a finite number, got NaN (R-WIRE-9)"),
    ({"a": [b""]}, "content.code.a[0]: expected a JSON value, got bytes, which is not JSON"),
    ({1: 2}, "content.code: expected keys that are strings, got key number 1"),
]


@pytest.mark.parametrize(("value", "problem"), NOT_JSON)
def test_what_is_not_json(value, problem):
    """What JSON cannot hold is found at any depth."""
    found = errors(check_content("execute_request", {"code": value}))
    assert any(text.startswith(problem) for text in found)


def test_deep_paths_are_shortened():
    """The path to something far inside shows its end."""
    value: object = math.nan
    for _ in range(1000):
        value = {"a": value}
    (problem,) = errors(check_content("comm_msg", {"comm_id": "c", "data": value}))
    assert problem.startswith("….a.a.a")
    assert len(problem) < 200


def test_problems_are_limited():
    """Of very many problems a hundred are reported, and how many there are beyond."""
    problems = check_file(
        "kernel-spec", {"argv": list(range(1000)), "display_name": "", "language": ""}
    )
    assert len(problems) == LIMIT + 1
    assert str(problems[-1]) == f"expected at most {LIMIT} errors, got {1000 - LIMIT} more of them"


def test_notes_do_not_hide_errors():
    """However many notes there are, the error behind them is reported."""
    value = {f"field {number}": 5 for number in range(1000)} | {"argv": 5}
    assert "argv: expected an array, got number 5" in errors(check_file("kernel-spec", value))


SHOWN = [
    ("a" * 50, f'string "{"a" * 39}…" (50 characters)'),
    ('\x1b\n"\\é', 'string "\\x1b\\n\\"\\\\é"'),
    ("\ud800", 'string "\\ud800"'),
    (10**5000, "a number of about 5,001 digits"),
    (-math.inf, "an infinite number"),
    ({1: 2}, "an object of 1"),
    (b"", "bytes, which is not JSON"),
]


@pytest.mark.parametrize(("value", "text"), SHOWN, ids=range(len(SHOWN)))
def test_values_are_shown_short(value, text):
    """A value is named in a few words that a terminal can show."""
    assert shown(value) == text


def test_paths_quote_strange_names():
    """In a path a name that is no identifier is quoted and shortened."""
    assert joined("a", "x y") == 'a["x y"]'
    assert joined("a", "\x1b") == 'a["\\x1b"]'
    assert len(joined("", "x" * 1000)) < 50


# --- transcripts -------------------------------------------------------------------------------


def conversation(*steps: str) -> list[dict]:
    """Make messages from words: `request`, `request:2`, `busy`, `reply`, `stream:2` and so on.

    After the colon stands the id of the request; without it, the first one.
    """
    contents = {
        "reply": ("execute_reply", {"status": "aborted", "execution_count": 1}),
        "info": ("kernel_info_reply", MINIMAL_INFO),
        "busy": ("status", {"execution_state": "busy"}),
        "idle": ("status", {"execution_state": "idle"}),
        "stream": ("stream", {"name": "stdout", "text": "x"}),
    }
    made = []
    for number, step in enumerate(steps):
        word, _, target = step.partition(":")
        target = target or "1"
        if word == "request":
            made.append(message("execute_request", {"code": ""}, msg_id=target))
        else:
            name, content = contents[word]
            parent = message("execute_request", {}, msg_id=target)
            made.append(message(name, content, parent, msg_id=f"k{number}"))
    return made


MINIMAL_INFO = {
    "status": "ok",
    "protocol_version": "5.6",
    "implementation": "x",
    "banner": "",
    "implementation_version": "1",
    "language_info": {
        "name": "x",
        "version": "1",
        "mimetype": "text/plain",
        "file_extension": ".txt",
    },
}
CONVERSATIONS = [
    ("request busy stream reply idle", []),
    ("request busy stream idle reply", []),
    ("request request:2 busy busy:2 idle idle:2 reply reply:2", []),
    ("request reply", []),
    ("stream:9", []),
    ("reply:9", [("[0].parent_header.msg_id", "R-REQ-2", ERROR)]),
    ("reply request", [("[0].parent_header.msg_id", "R-REQ-2", ERROR)]),
    ("request info", [("[1].parent_header.msg_id", "R-REQ-2", ERROR)]),
    ("request reply reply", [("[2]", "R-REQ-4", ERROR)]),
    ("request", [("[0]", "R-REQ-4", NOTE)]),
    ("request busy idle", [("[0]", "R-REQ-4", ERROR)]),
    ("request busy reply", [("[0]", "R-REQ-1", ERROR)]),
    ("request idle reply", [("[0]", "R-REQ-1", ERROR)]),
    ("request idle busy reply", [("[0]", "R-REQ-1", ERROR)]),
    ("request busy busy reply idle", [("[0]", "R-REQ-1", ERROR)]),
    ("request stream busy reply idle", [("[1]", "R-REQ-1", ERROR)]),
    ("request busy reply idle stream", [("[4]", "R-IOPUB-1", NOTE)]),
    (
        "request request busy reply idle",
        [("[1].header.msg_id", "", ERROR)],
    ),
]


@pytest.mark.parametrize(
    ("steps", "expected"), CONVERSATIONS, ids=[row[0] for row in CONVERSATIONS]
)
def test_conversations(steps, expected):
    """Replies and status messages are where, and as often as, the rules demand."""
    problems = check_transcript(conversation(*steps.split()))
    assert [(each.path, each.rule, each.level) for each in problems] == expected


def test_transcripts_name_the_way():
    """A message may be wrapped with its channel and its sender, which are checked as well."""
    wrapped = {"channel": "iopub", "from": "client2", "message": REQUEST}
    paths = [each.path for each in check_transcript([wrapped])]
    assert paths == ["[0].message.channel", "[0].message"]
    assert check_transcript([{"sender": "Ada's browser", "message": REQUEST}])[0].level == NOTE


def test_shutdown_is_told_twice():
    """The copy of the shutdown reply on iopub is not a second reply."""
    request = message("shutdown_request", {"restart": False}, msg_id="1")
    reply = message("shutdown_reply", {"status": "ok", "restart": False}, request, "2")
    copied = message("shutdown_reply", {"status": "ok", "restart": False}, request, "3")
    told = [
        {"channel": "control", "message": request},
        {"channel": "control", "message": reply},
        {"channel": "iopub", "message": copied},
    ]
    assert check_transcript(told) == []
    told[2]["channel"] = "control"
    assert [each.rule for each in check_transcript(told)] == ["R-REQ-4"]
