"""The files made from the catalogue: JSON Schemas, the dump of the whole, Python types."""

import json
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import jsonschema
import pytest

from refimpl import contents
from refimpl.messages import ACCEPT, FILES, HEADER, MESSAGES, SEND
from refimpl.messages.differences import message_at
from refimpl.messages.dump import protocol, protocol_schema
from refimpl.messages.generate import generated, stale
from refimpl.messages.model import (
    ANY,
    OBJECT,
    PROFILES,
    STRING,
    VERSIONS,
    ListOf,
    MapOf,
    MessageType,
    Number,
    OneOf,
    Row,
    Struct,
    field,
)
from refimpl.messages.schema import all_schemas, file_schema, index, message_schema, type_schema
from refimpl.messages.typed import source

PACKAGE = Path(__file__).parent.parent / "refimpl"
SCHEMAS = all_schemas()
OLDEST = {
    key: message_schema(message, SEND, "5.0")
    for key, message in MESSAGES.items()
    if message_at(message, "5.0")
}
HEADER_VALUE = {
    **dict.fromkeys(("msg_id", "session", "username"), "x"),
    "date": "2026-01-01T12:00:00.000000Z",
    "version": "5.6",
}


def is_valid(schema: dict, value: object) -> bool:
    """Ask jsonschema."""
    return jsonschema.Draft202012Validator(schema).is_valid(value)


# --- the files in the package ------------------------------------------------------------------


def test_nothing_is_stale():
    """Every generated file is as the catalogue says, and there are no others."""
    assert stale(PACKAGE) == [], "run: python -m refimpl protocol write"


def test_stale_files_are_found(tmp_path):
    """The check above rests on it: a file that is missing, changed or superfluous is listed."""
    for path, text in generated().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8", newline="\n")
    assert stale(tmp_path) == []
    (tmp_path / "schemas/send/status.json").write_text("{}", "utf-8")
    (tmp_path / "schemas/index.json").unlink()
    (tmp_path / "schemas/send/extra.json").write_text("{}", "utf-8")
    wrong = ["schemas/index.json", "schemas/send/extra.json", "schemas/send/status.json"]
    assert stale(tmp_path) == wrong


def test_generated_twice_is_the_same(tmp_path):
    """Another process, with other hashes of strings, makes the same bytes."""
    code = "import json, refimpl.messages.generate as g; print(json.dumps(g.generated()))"
    for seed in "1", "2":
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=PACKAGE.parent,
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert json.loads(done.stdout) == generated()


# --- schemas -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SCHEMAS)
def test_schemas_are_valid(path):
    """Each schema fits the meta-schema, has its own name, and refers to nothing outside itself."""
    schema = SCHEMAS[path]
    jsonschema.Draft202012Validator.check_schema(schema)
    profile, key = path.removesuffix(".json").split("/")
    assert schema["$id"] == f"urn:refimpl:schema:{profile}:{key}"
    used = {part.partition('"')[0] for part in json.dumps(schema).split('"$ref": "')[1:]}
    assert used == {f"#/$defs/{name}" for name in schema["$defs"]}


@pytest.mark.parametrize("key", OLDEST)
def test_schemas_of_old_versions_are_valid(key):
    """Each schema of protocol 5.0 fits the meta-schema and has a name of its own."""
    jsonschema.Draft202012Validator.check_schema(OLDEST[key])
    assert OLDEST[key]["$id"] == f"urn:refimpl:schema:send:{key}:5.0"


@pytest.mark.parametrize("version", VERSIONS)
def test_schemas_of_a_version(version):
    """A schema of a version has what had come by then, and none of what came later."""
    schema = message_schema(MESSAGES["kernel_info_reply"], SEND, version)
    header = schema["$defs"]["KernelInfoReplyHeader"]["properties"]
    assert ("subshell_id" in header) == (version >= "5.5")
    content = json.dumps(schema["$defs"]["KernelInfoReply"])
    assert ("supported_features" in content) == (version >= "5.5")
    assert ('"deprecated": true' in content) == (version >= "5.5")


def test_a_version_without_the_message():
    """A schema for a version that does not have the message or the file is refused."""
    with pytest.raises(ValueError, match=r"interrupt_request: expected 5\.3 or later, got 5\.2"):
        message_schema(MESSAGES["interrupt_request"], SEND, "5.2")
    with pytest.raises(ValueError, match=r"registration-file: expected 5\.6 or later, got 5\.5"):
        file_schema(FILES["registration-file"], SEND, "5.5")


def test_content_has_an_address_of_its_own():
    """Who has only the content of a message validates it with a part of the schema."""
    schema = SCHEMAS["send/execute_request.json"]
    part = {"$ref": f"{schema['$id']}#/$defs/ExecuteRequest"}
    registry = jsonschema.validators.SPECIFICATIONS.with_contents([(schema["$id"], schema)])
    validator = jsonschema.Draft202012Validator(part, registry=registry)
    assert validator.is_valid({"code": "1"})
    assert not validator.is_valid({"code": 1})


TYPES = [
    (Number(1, 3), [1, 3, 2.0], [0, 4, 1.5, True, "1"]),
    (OneOf("a", 1), ["a", 1], ["b", True, None]),
    (OneOf(True), [True], [1, False]),
    (OneOf(), [], [None, 1, {}]),
    (ListOf(STRING, 1), [["a"]], [[], [1], "a"]),
    (Row(STRING, ANY), [["a", 1]], [["a"], ["a", 1, 1], [1, 1]]),
    (Row(), [[]], [[1], {}]),
    (MapOf(STRING), [{}, {"a": "b"}], [{"a": 1}, []]),
    (STRING | OBJECT, ["a", {}], [None, []]),
    (STRING | ListOf(STRING), ["a", ["b"]], [["b", 1], {}]),
]


@pytest.mark.parametrize(("kind", "good", "bad"), TYPES, ids=[str(row[0]) for row in TYPES])
def test_types(kind, good, bad):
    """Each kind of type allows what it means and nothing else."""
    schema = type_schema(kind, SEND)
    assert [value for value in good if not is_valid(schema, value)] == []
    assert [value for value in bad if is_valid(schema, value)] == []


CONDITIONAL = MessageType(
    "sample_reply",
    "kernel",
    ("shell",),
    "kernel",
    "client",
    "A sample.",
    (
        field("status", OneOf("ok", "error"), "How it went."),
        field("found", STRING, "What was found.", when={"status": "ok"}),
        field("found", OBJECT, "What was not.", when={"status": "error"}, optional=True),
        field("count", Number(0), "How many.", may_lack=True, accepts=Number(-1)),
        field("speed", STRING, "How fast.", when={"status": "ok"}, optional=True),
    ),
    rest=OneOf("spare"),
)
CONTENTS = [
    ({"status": "ok", "found": "x", "count": 0}, True, True),
    ({"status": "ok", "found": "x", "count": -1}, False, True),
    ({"status": "ok", "found": "x"}, False, True),
    ({"status": "ok", "count": 0}, False, False),
    ({"status": "ok", "found": {}, "count": 0}, False, False),
    ({"status": "error", "count": 0}, True, True),
    ({"status": "error", "count": 0, "speed": "high"}, True, True),
    ({"status": "error", "count": 0, "speed": 9}, False, False),
    ({"status": "error", "found": {}, "count": 0}, True, True),
    ({"status": "error", "found": "x", "count": 0}, False, False),
    ({"status": "error", "count": 0, "more": "spare"}, True, True),
    ({"status": "error", "count": 0, "more": "x"}, False, False),
]


@pytest.mark.parametrize("path", SCHEMAS)
def test_generators_of_code_see_every_type(path):
    """They look at `properties` alone: each says there what it holds, also on a condition.

    They name classes by titles, so no title is the name of another class.
    """
    schema = SCHEMAS[path]
    assert schema["title"].isidentifier()
    assert schema["title"] not in schema["$defs"]
    for each in (schema, *schema["$defs"].values()):
        for name, kind in each["properties"].items():
            assert "description" in kind, name
        for condition in each.get("allOf", ()):
            then = condition["then"]
            assert set(then.get("required", ())) <= then["properties"].keys()


@pytest.mark.parametrize(("content", "send", "accept"), CONTENTS)
def test_conditions(content, send, accept):
    """Conditions, leniency and unknown fields come out right in both profiles."""
    message = {
        "header": {**HEADER_VALUE, "msg_type": "sample_reply"},
        "parent_header": {},
        "metadata": {},
        "content": content,
    }
    found = [is_valid(message_schema(CONDITIONAL, profile), message) for profile in PROFILES]
    assert found == [send, accept]


def test_index_lists_every_schema():
    """The index names each schema once, with the id that is in it."""
    entries = {entry["path"]: entry["id"] for entry in index()["schemas"]}
    assert entries == {path: schema["$id"] for path, schema in SCHEMAS.items()}


# --- the dump ----------------------------------------------------------------------------------


def test_dump_fits_its_schema():
    """The document fits its schema, which fits the meta-schema, and has everything."""
    jsonschema.Draft202012Validator.check_schema(protocol_schema())
    document = json.loads(json.dumps(protocol()))
    jsonschema.Draft202012Validator(protocol_schema()).validate(document)
    assert list(document["messages"]) == list(MESSAGES)
    assert list(document["files"]) == list(FILES)


def test_schema_of_the_dump_is_strict():
    """A property that its schema does not have is refused."""
    document = protocol()
    document["messages"]["status"]["colour"] = "red"
    assert not is_valid(protocol_schema(), document)


def test_names_in_the_dump_lead_somewhere():
    """Every struct, message and rule that the document refers to is in it."""
    document = protocol()

    def walk(value):
        if isinstance(value, dict):
            yield value
        inner = value.values() if isinstance(value, dict) else value
        for each in inner if isinstance(inner, list) or isinstance(value, dict) else ():
            yield from walk(each)

    objects = list(walk(document))
    named = {each["name"] for each in objects if each.get("kind") == "struct"}
    assert named <= document["structs"].keys()
    replies = {each["reply"] for each in document["messages"].values() if "reply" in each}
    asked = {key for each in document["messages"].values() for key in each.get("reply_to", [])}
    assert replies | asked <= document["messages"].keys()
    ruled = {each["rule"] for each in objects if isinstance(each.get("rule"), str)}
    assert ruled <= document["rules"].keys()


# --- types for Python --------------------------------------------------------------------------

GOOD = """
from refimpl.contents import ExecuteReply, ExecuteRequest, HistoryRequest

def count(reply: ExecuteReply) -> str:
    if reply["status"] == "error":
        return reply["ename"]
    if reply["status"] == "ok":
        return str(reply["user_expressions"])
    return ""

request: ExecuteRequest = {"code": "6 * 7", "silent": False}
tail: HistoryRequest = {
    "hist_access_type": "tail",
    "n": 2,
    "output": False,
    "raw": True,
}
"""
BAD = """
from refimpl.contents import ExecuteReply, ExecuteRequest

def name(reply: ExecuteReply) -> str:
    return reply["ename"]

typo: ExecuteRequest = {"cod": "6 * 7"}
number: ExecuteRequest = {"code": 42}
"""


def check_types(folder: Path, code: str) -> list[str]:
    """Return the lines at which mypy finds an error."""
    file = folder / "snippet.py"
    file.write_text(code)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", file],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert not done.stderr
    return [line.split(":")[1] for line in done.stdout.splitlines() if ": error:" in line]


def test_types_narrow_and_refuse(tmp_path):
    """A type checker narrows by status, and refuses wrong names, wrong types and lacking fields."""
    assert check_types(tmp_path, GOOD) == []
    lines = check_types(tmp_path, BAD)
    assert set(lines) == {"5", "7", "8"}


def test_types_can_be_imported():
    """At run time each type resolves, and a content has the keys of the catalogue."""
    for name, value in vars(contents).items():
        if isinstance(value, type) and value.__module__ == contents.__name__:
            assert get_type_hints(value).keys() == value.__annotations__.keys(), name
    assert list(get_type_hints(contents.Header)) == [each.name for each in HEADER.fields]
    assert contents.Header.__required_keys__ == {
        each.name for each in HEADER.fields if each.is_needed(SEND)
    }


def test_types_of_unusual_fields():
    """A name that Python cannot have, and keys that nobody knows, have types too."""
    unusual = Struct("Unusual", "Odd.", (field("from", STRING, "A"), field("text/plain", ANY, "B")))
    space: dict = {}
    exec("from typing import *\n" + source(unusual), space)
    assert space["Unusual"].__annotations__.keys() == {"from", "text/plain"}
    free = Struct("Free", "Anything.", (), rest=STRING)
    exec("from typing import *\n" + source(free), space)
    assert space["Free"] == dict[str, str]


def test_profiles_differ():
    """What deployed programs leave out is required in one profile only."""
    assert "date" in SCHEMAS["send/status.json"]["$defs"]["Header"]["required"]
    assert "date" not in SCHEMAS["accept/status.json"]["$defs"]["Header"].get("required", [])
    assert ACCEPT in PROFILES
