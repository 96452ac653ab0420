"""The test vectors: every one is run against refimpl, and once more by Node."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import os
import pickle
import re
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import jsonschema
import pytest
import zmq
from ipyparallel.serialize import deserialize_object
from jupyter_client.jsonutil import parse_date
from jupyter_server.services.kernels.connection import base as jupyter_server

from refimpl.connection import Registration
from refimpl.kernelspec import KernelSpec, fill_argv, fill_env
from refimpl.messages import MESSAGES
from refimpl.messages.model import PROFILES, SEND, is_same
from refimpl.messages.problem import ERROR
from refimpl.messages.rules import RULES
from refimpl.messages.validate import check_content
from refimpl.wire import (
    DELIMITER,
    Connection,
    InvalidContent,
    NotADict,
    ProtocolError,
    Session,
    decode_part,
    read_object,
)

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "docs"))

from _ext.downloads import archive  # noqa: E402 - the path comes first

VECTORS = ROOT / "tests" / "vectors"
SCHEMA = json.loads(VECTORS.joinpath("vectors.schema.json").read_text("utf-8"))
FILES = sorted(path for path in VECTORS.glob("*.json") if not path.name.endswith(".schema.json"))
DOCUMENTS = {path.stem: json.loads(path.read_text("utf-8")) for path in FILES}
PAIRS = [(each["kind"], one) for each in DOCUMENTS.values() for one in each["vectors"]]
CHANNELS = ("shell", "iopub", "stdin", "control", "hb")

VERDICTS = {
    "BadFrames": "bad-frames",
    "BadPart": "bad-part",
    "NotADict": "not-an-object",
    "TooDeep": "too-deep",
    "TooLarge": "too-large",
    "BadHeader": "bad-header",
    "InvalidSignature": "bad-signature",
    "UnsignedMessage": "unsigned",
    "ReplayedMessage": "replayed",
}


# --- one function for each kind: what is given -> what has to be expected -----------------------

Given = dict[str, Any]
Result = dict[str, Any]


def bytes_of(frames: Sequence[str]) -> list[bytes]:
    """Decode frames from hex."""
    return [bytes.fromhex(frame) for frame in frames]


def hex_of(frames: Sequence[Any]) -> list[str]:
    """Encode frames in hex."""
    return [bytes(frame).hex() for frame in frames]


def signatures(given: Given) -> Result:
    """Sign with a session."""
    try:
        session = Session(given["key"].encode(), given["signature_scheme"])
    except ValueError:
        return {"verdict": "bad-scheme"}
    return {"verdict": "good", "signature": session.sign(bytes_of(given["parts"])).decode()}


def deliver(session: Session, frames: Sequence[str]) -> Result:
    """Let a session read a delivery."""
    try:
        message = session.deserialize(bytes_of(frames)).check()
    except ProtocolError as error:
        return {"verdict": VERDICTS[type(error).__name__], "refimpl": type(error).__name__}
    shown = {
        "identities": hex_of(message.idents),
        "header": message.header,
        "parent_header": message.parent_header,
        "metadata": message.metadata,
        "content": message.content,
        "buffers": hex_of(message.buffers),
    }
    return {"verdict": "good", "message": shown}


def session_of(given: Given) -> Session:
    """Make the session of a receiver."""
    limits = {"max_size": given["max_size"]} if "max_size" in given else {}
    return Session(given["key"].encode(), given["signature_scheme"], **limits)


def frames(given: Given) -> Result:
    """Read one delivery; what was read is written again as the same bytes."""
    result = deliver(session_of(given), given["frames"])
    if result["verdict"] == "good":
        message = session_of(given).deserialize(bytes_of(given["frames"])).check()
        written = session_of(given).serialize(message)
        at = written.index(DELIMITER) + 1
        if given["key"]:  # without one the signature is not looked at, and not passed on
            assert hex_of(written) == given["frames"]
        assert hex_of(written[:at] + written[at + 1 :]) == [
            *given["frames"][:at],
            *given["frames"][at + 1 :],
        ]
    return result


def deliveries(given: Given) -> Result:
    """Read several deliveries with one session."""
    session = session_of(given)
    return {"verdicts": [deliver(session, each)["verdict"] for each in given["deliveries"]]}


DATE = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:(Z)|([+-])(\d\d):?(\d\d))?", re.ASCII
)


def dates(given: Given) -> Result:
    """Read a date; the calendar is that of datetime."""
    text = given["date"]
    match = DATE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return {"verdict": "invalid"}
    clock, fraction, z, sign, hours, minutes = match.groups()
    try:
        local = datetime.strptime(clock, "%Y-%m-%dT%H:%M:%S")
        offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
        if minutes and int(minutes) > 59:
            raise ValueError
        zone = timezone(-offset if sign == "-" else offset)
    except ValueError:
        return {"verdict": "invalid"}
    if not (z or sign):
        return {"verdict": "no-zone"}
    since = local.replace(tzinfo=zone) - datetime(1970, 1, 1, tzinfo=UTC)
    seconds = since.days * 86400 + since.seconds
    return {
        "verdict": "good",
        "utc": {"unix_seconds": seconds, "nanoseconds": int((fraction or "0").ljust(9, "0"))},
    }


def width(char: str, unit: str) -> int:
    """Count a code point in a unit."""
    if unit == "code_points":
        return 1
    codec = {"utf16": "utf-16-le", "utf8": "utf-8"}[unit]
    return len(char.encode(codec, "surrogatepass")) // (2 if unit == "utf16" else 1)


def cursors(given: Given) -> Result:
    """Convert a position. Python's text is a sequence of code points, as the kernel counts them."""
    units = given.get("utf16", [])
    text = given.get("text")
    if text is None:
        text = struct.pack(f"<{len(units)}H", *units).decode("utf-16-le", "surrogatepass")
    left, points = given["position"], 0
    for char in text:
        left -= width(char, given["unit"])
        if left < 0:
            break
        points += 1
    head = text[:points]
    whole = not any("\ud800" <= char <= "\udfff" for char in head)
    return {
        "code_points": len(head),
        "utf16": sum(width(char, "utf16") for char in head),
        "utf8": sum(width(char, "utf8") for char in head) if whole else None,
    }


def read_given(given: Given, folder: Path) -> dict[str, Any]:
    """Read the file that a vector gives, as every file is read."""
    path = folder / "file.json"
    if "hex" in given:
        path.write_bytes(bytes.fromhex(given["hex"]))
    else:
        path.write_text(json.dumps(given["content"]), "utf-8")
    return read_object(path)


def culprit(error: Exception, content: dict[str, Any] | None) -> str | None:
    """Take the field out of an error message: what stands before the first colon."""
    return None if content is None else str(error).partition(":")[0]


def file_verdict(given: Given, folder: Path, use: Callable[[dict[str, Any]], Result]) -> Result:
    """Read a file and use it; an error names the field, or the file is none at all."""
    content = None
    try:
        content = read_given(given, folder)
        return {"verdict": "good", **use(content)}
    except ValueError as error:
        return {"verdict": "bad", "culprit": culprit(error, content)}


def urls_of(info: dict[str, Any]) -> Result:
    """Return the address of each channel."""
    connection = Connection.from_dict(info)
    return {"urls": {name: connection.url(name) for name in CHANNELS}}


def registration_url(info: dict[str, Any]) -> Result:
    """Return the address of the launcher."""
    return {"url": Registration.from_dict(info).url()}


def handshakes(given: Given) -> Result:
    """Let a launcher read what a kernel reports."""
    registration = Registration.from_dict(given["registration"])
    received = bytes_of(given["frames"])
    identities = received.index(DELIMITER) if DELIMITER in received else 0
    try:
        connection = registration.read_report(received[identities:])
    except InvalidContent as error:
        _, culprit, _ = str(error).split(": ", 2)
        return {"verdict": "bad-field", "culprit": culprit}
    except ProtocolError as error:
        return {"verdict": VERDICTS[type(error).__name__]}
    return {"verdict": "good", **urls_of(connection.to_dict())}


def kernel_spec(given: Given) -> Callable[[dict[str, Any]], Result]:
    """Return what uses a kernel spec at the place that is given."""

    def use(info: dict[str, Any]) -> Result:
        spec = KernelSpec.from_dict(info, resource_dir=given["resource_dir"])
        file = given["connection_file"]
        # The path is made absolute, which on Windows adds a drive.
        absolute = str(Path(file).resolve())
        argv = [word.replace(absolute, file) for word in fill_argv(spec, file)]
        env = fill_env(spec, given["environ"])
        return {"interrupt_mode": spec.interrupt_mode, "argv": argv, "env": env}

    return use


def parts_of(dicts: Sequence[Any], buffers: Sequence[bytes]) -> Result:
    """Show four dicts and buffers as a message."""
    names = ("header", "parent_header", "metadata", "content")
    return {**dict(zip(names, dicts, strict=True)), "buffers": hex_of(buffers)}


def is_table(offsets: Sequence[int], start: int, end: int) -> bool:
    """Tell whether offsets begin behind their table, never go back, and stay inside."""
    return start <= offsets[0] and offsets[-1] <= end and list(offsets) == sorted(offsets)


def websocket_v1(given: Given) -> Result:
    """Read with a reader of our own that checks; jupyter_server's, which does not, has to agree."""
    data = bytes.fromhex(given["hex"])
    count = int.from_bytes(data[:8], "little")
    if len(data) < 8 or not 6 <= count <= len(data) // 8 - 1:
        return {"verdict": "bad-offsets"}
    offsets = struct.unpack_from(f"<{count}Q", data, 8)
    if not is_table(offsets, 8 * (count + 1), len(data)) or offsets[-1] != len(data):
        return {"verdict": "bad-offsets"}
    name, *parts = (data[start:end] for start, end in pairwise(offsets))
    if name not in (b"shell", b"iopub", b"stdin", b"control"):
        return {"verdict": "bad-channel"}
    try:
        dicts = [decode_part(part, "part") for part in parts[:4]]
    except ProtocolError:
        return {"verdict": "bad-part"}
    channel = name.decode()
    assert jupyter_server.deserialize_msg_from_ws_v1(data) == (channel, parts)
    canonical = jupyter_server.serialize_msg_to_ws_v1(parts, channel) == data
    message = parts_of(dicts, parts[4:])
    return {"verdict": "good", "channel": channel, "message": message, "canonical": canonical}


def websocket_legacy(given: Given) -> Result:
    """Read text, or the binary form, which jupyter_server has to read and write alike."""
    pieces = [given["text"].encode()] if "text" in given else []
    data = bytes.fromhex(given.get("hex", ""))
    if "hex" in given:
        count = int.from_bytes(data[:4], "big")
        if not 1 <= count <= len(data) // 4 - 1:
            return {"verdict": "bad-offsets"}
        offsets = struct.unpack_from(f">{count}I", data, 4)
        if not is_table(offsets, 4 * (count + 1), len(data)):
            return {"verdict": "bad-offsets"}
        ends = [*offsets[1:], len(data)]
        pieces = [data[start:end] for start, end in zip(offsets, ends, strict=True)]
    try:
        whole = decode_part(pieces[0], "message")
        names = ("header", "parent_header", "metadata", "content")
        dicts = [whole.get(name) for name in names]
        if not all(isinstance(each, dict) for each in dicts):
            raise NotADict("a part")
    except ProtocolError:
        return {"verdict": "bad-part"}
    channel = whole.get("channel", "shell")
    if channel not in ("shell", "iopub", "stdin", "control"):
        return {"verdict": "bad-channel"}
    result = {"verdict": "good", "channel": channel, "message": parts_of(dicts, pieces[1:])}
    if "hex" in given:
        theirs = jupyter_server.deserialize_binary_message(data)
        assert (theirs["content"], theirs["buffers"]) == (whole["content"], pieces[1:])
        # jupyter_server writes spaces into its JSON; all else has to be the same.
        length = len(json.dumps(whole).encode())
        again = jupyter_server.serialize_binary_message({**whole, "buffers": pieces[1:]})
        moved = [offset + length - len(pieces[0]) for offset in offsets[1:]]
        table = struct.pack(f">{count + 1}I", count, offsets[0], *moved)
        result["canonical"] = again == b"".join([table, json.dumps(whole).encode(), *pieces[1:]])
    return result


def cluster_heartbeats(given: Given) -> Result:
    """Tell whose heart has beaten."""
    received = given["frames"]
    beaten = len(received) == 2 and received[1] in (given["current"], given["previous"])
    return {"beat": received[0] if beaten else None}


class Stranger:
    """Stands for any class that a pickle names; nothing of it is imported or run."""

    origin = ""  # its name, module and all

    def __new__(cls, *args: Any) -> Self:
        """Take any arguments."""
        return object.__new__(cls)


class Harmless(pickle.Unpickler):
    """Reads pickles without importing what they name."""

    def find_class(self, module: str, name: str) -> Any:
        """Make up a class of that name."""
        return type(name, (Stranger,), {"origin": f"{module}:{name}"})


def unpickled(data: bytes) -> Any:
    """Read a pickle."""
    return Harmless(io.BytesIO(data)).load()


def canned(value: Any) -> list[Any]:
    """List what buffers may have been taken from: the elements of a short container, or itself."""
    if type(value) in (list, tuple, set) and len(value) < 64:
        return list(value)
    if type(value) is dict and len(value) < 64:
        return [value[key] for key in sorted(value)]
    return [value]


def taken(value: Any) -> int:
    """Count the buffers taken out of an object."""
    return sum(each is None for each in vars(value).get("buffers", ())) if is_canned(value) else 0


def is_canned(value: Any) -> bool:
    """Tell whether a value is an instance of a class that a pickle named."""
    return isinstance(value, Stranger)


def described(value: Any) -> Any:
    """Show a value as JSON."""
    match value:
        case list():
            return [described(each) for each in value]
        case dict():
            return {"dict": [[described(key), described(each)] for key, each in value.items()]}
        case tuple():
            return {"tuple": [described(each) for each in value]}
        case bytes():
            return {"bytes": len(value)}
        case Stranger():
            return {"class": type(value).origin, "taken": taken(value)}
        case type():
            return {"global": value.origin}
    return value


def apply_buffers(given: Given) -> Result:
    """Tell objects apart: each first buffer says how many follow."""
    buffers = bytes_of(given["buffers"])

    def next_object() -> Result:
        value = unpickled(buffers.pop(0))
        extra = sum(map(taken, canned(value)))
        del buffers[:extra]
        return {"buffers": 1 + extra, "value": described(value)}

    if given["form"] == "results":
        objects = []
        while buffers:
            objects.append(next_object())
        return {"objects": objects}
    function = next_object()
    info = unpickled(buffers.pop(0))
    rest = [next_object() for _ in range(info["nargs"] + len(info["kw_keys"]))]
    assert sum(each["buffers"] for each in rest[: info["nargs"]]) == info["narg_bufs"]
    assert buffers == []
    return {"info": info, "objects": [function, *rest]}


def contents(given: Given) -> Result:
    """Check a content against the catalogue, in both profiles."""
    found = {
        profile: [
            each
            for each in check_content(given["message"], given["content"], profile)
            if each.level == ERROR
        ]
        for profile in PROFILES
    }
    result: Result = {profile: not problems for profile, problems in found.items()}
    return result | ({"refimpl": found[SEND][0].path} if found[SEND] else {})


RUN: dict[str, Callable[..., Result]] = {
    "signatures": signatures,
    "frames": frames,
    "deliveries": deliveries,
    "dates": dates,
    "cursors": cursors,
    "connection-files": lambda given, folder: file_verdict(given, folder, urls_of),
    "registration-files": lambda given, folder: file_verdict(given, folder, registration_url),
    "handshakes": handshakes,
    "kernel-specs": lambda given, folder: file_verdict(given, folder, kernel_spec(given)),
    "websocket-v1": websocket_v1,
    "websocket-legacy": websocket_legacy,
    "cluster-heartbeats": cluster_heartbeats,
    "apply-buffers": apply_buffers,
    "contents": contents,
}
NEEDS_FOLDER = ("connection-files", "registration-files", "kernel-specs")
NEEDS_KERNEL = ("heartbeats",)


# --- the vectors against refimpl ----------------------------------------------------------------


def agrees(expect: Result, got: Result) -> bool:
    """Compare what a vector expects; what it does not name is not compared."""
    return all(name in got and is_same(got[name], value) for name, value in expect.items())


def mutations(expect: Result) -> Iterator[Result]:
    """Change one thing at a time in what is expected: each of them has to be noticed."""
    for name, value in expect.items():
        yield {**expect, name: "something else"}
        yield {**expect, name: None if value is not None else 0}
        if isinstance(value, bool):
            yield {**expect, name: not value}
            yield {**expect, name: int(value)}
        elif isinstance(value, list):
            yield {**expect, name: [*value, "one more"]}
        elif isinstance(value, dict):
            yield {**expect, name: {**value, "one more": 1}}
            for inner in value:
                yield {**expect, name: {**value, inner: ["something else"]}}
                yield {**expect, name: {each: value[each] for each in value if each != inner}}


def ids(pair: tuple[str, Given]) -> str:
    """Name a test after its vector."""
    return pair[1]["id"]


@pytest.mark.off_catalogue("the vectors are good and bad messages", kernel=True)
@pytest.mark.parametrize("pair", [p for p in PAIRS if p[0] not in NEEDS_KERNEL], ids=ids)
def test_vector(pair, tmp_path):
    """What refimpl makes of a vector is what it expects; of anything else it says so."""
    kind, vector = pair
    folder = [tmp_path] if kind in NEEDS_FOLDER else []
    got = RUN[kind](vector["given"], *folder)
    assert {name: got.get(name) for name in vector["expect"]} == vector["expect"]
    assert agrees(vector["expect"], got)
    assert got.get("refimpl") == vector.get("refimpl")
    for mutated in mutations(vector["expect"]):
        assert not agrees(mutated, got), mutated


@pytest.mark.parametrize("pair", [p for p in PAIRS if p[0] in NEEDS_KERNEL], ids=ids)
def test_heartbeat(pair, kernel):
    """A kernel sends back what its heartbeat socket receives."""
    _, vector = pair
    with zmq.Context() as context, context.socket(zmq.REQ) as client:
        client.linger = 0
        client.rcvtimeo = 10_000  # milliseconds
        client.connect(kernel.connection.url("hb"))
        client.send_multipart(bytes_of(vector["given"]["frames"]))
        got = {"frames": hex_of(client.recv_multipart())}
    assert agrees(vector["expect"], got)
    for mutated in mutations(vector["expect"]):
        assert not agrees(mutated, got), mutated


# --- the files ----------------------------------------------------------------------------------


def test_schema_is_a_schema():
    """The schema of the vectors is valid JSON Schema."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_file_fits_the_schema(name):
    """Every file of vectors is as its schema says."""
    jsonschema.Draft202012Validator(SCHEMA).validate(DOCUMENTS[name])


@pytest.mark.parametrize("name", DOCUMENTS)
def test_schema_notices(name):
    """The schema refuses a misspelt field and a missing one, whatever the kind."""
    validator = jsonschema.Draft202012Validator(SCHEMA)
    vector = DOCUMENTS[name]["vectors"][0]
    for part in ("given", "expect"):
        misspelt = {**vector, part: {**vector[part], "misspelt": 1}}
        assert not validator.is_valid({**DOCUMENTS[name], "vectors": [misspelt]})
        assert not validator.is_valid({**DOCUMENTS[name], "vectors": [{**vector, part: {}}]})


def test_every_kind_is_run():
    """No kind of vectors is left out: each is in the schema, in a file, and has a function."""
    kinds = set(SCHEMA["properties"]["kind"]["enum"])
    assert kinds == {kind for kind, _ in PAIRS} == {*RUN, *NEEDS_KERNEL}


def test_ids_are_unique():
    """An id names one vector among all files."""
    names = [vector["id"] for _, vector in PAIRS]
    assert len(set(names)) == len(names)


def test_rules_exist():
    """A rule that a vector names is in the list of rules."""
    named = {rule for _, vector in PAIRS for rule in vector.get("rules", ())}
    assert named - set(RULES) == set()
    assert named


def test_every_scheme_has_a_vector():
    """Every digest that hashlib guarantees, and that has a size of its own, is there."""
    found = {
        vector["given"]["signature_scheme"]
        for vector in DOCUMENTS["signatures"]["vectors"]
        if vector["expect"]["verdict"] == "good"
    }
    sized = {name for name in hashlib.algorithms_guaranteed if not name.startswith("shake")}
    assert found == {f"hmac-{name}" for name in sized}


def test_every_verdict_has_a_vector():
    """Every way of refusing frames is shown, and every verdict of the schema is used."""
    found = {
        verdict
        for kind, vector in PAIRS
        if kind in ("frames", "deliveries")
        for verdict in vector["expect"].get("verdicts", [vector["expect"].get("verdict")])
    }
    assert found == set(SCHEMA["$defs"]["verdict"]["enum"]) == {"good", *VERDICTS.values()}


def test_every_message_has_vectors():
    """Each message of the catalogue has a content that may be sent, and one that may not."""
    for answer in (True, False):
        found = {
            vector["given"]["message"]
            for vector in DOCUMENTS["contents"]["vectors"]
            if vector["expect"]["send"] is answer
        }
        assert found == set(MESSAGES)


def test_files_are_as_made():
    """The files are what `tests/vectors/make.py` writes."""
    specification = importlib.util.spec_from_file_location("make", VECTORS / "make.py")
    make = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(make)
    made = make.made()
    for name, text in made.items():
        assert (VECTORS / name).read_text("utf-8") == text, f"run tests/vectors/make.py for {name}"
    assert {path.name for path in FILES} == {*made, "apply-buffers.json"}


def test_apply_buffers_are_real():
    """The recorded objects are told apart by ipyparallel as by the vectors."""
    for vector in DOCUMENTS["apply-buffers"]["vectors"]:
        if vector["given"]["form"] != "results" or "function" in vector["id"]:
            continue  # functions are code of the Python they were recorded with
        buffers, found = bytes_of(vector["given"]["buffers"]), []
        while buffers:
            before = len(buffers)
            _, buffers = deserialize_object(buffers)
            found.append(before - len(buffers))
        assert found == [each["buffers"] for each in vector["expect"]["objects"]]


def test_dates_as_deployed():
    """jupyter_client reads the dates that are good, and leaves the others or fails on them."""
    for vector in DOCUMENTS["dates"]["vectors"]:
        text, utc = vector["given"]["date"], vector["expect"].get("utc")
        fine = re.search(r"\.\d{7,}", str(text))  # it knows nothing finer than microseconds
        if utc is None or fine:
            continue
        theirs = parse_date(text)
        seconds = utc["unix_seconds"] + utc["nanoseconds"] // 1000 / 1_000_000
        assert theirs.timestamp() == pytest.approx(seconds, abs=1e-6), vector["id"]


# --- Node ---------------------------------------------------------------------------------------


def node(folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Let Node run the vectors in a folder; it has to be there where all tests are to run."""
    program = shutil.which("node")
    if program is None and not os.environ.get("CI"):
        pytest.skip("Node is not installed")
    argv = [str(program), str(VECTORS / "run.mjs"), *([str(folder)] if folder else [])]
    return subprocess.run(
        argv, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False
    )


def test_node_agrees():
    """The implementation in JavaScript runs every vector and agrees with every one."""
    run = node()
    assert run.stderr == ""
    assert run.stdout.splitlines() == [
        f"{name}.json: {len(each['vectors'])} vectors of the kind {each['kind']}"
        for name, each in sorted((path.stem, DOCUMENTS[path.stem]) for path in FILES)
    ]
    assert run.returncode == 0


@pytest.mark.parametrize("name", DOCUMENTS)
def test_node_notices(name, tmp_path):
    """Node names every vector whose expectation is wrong, and fails."""
    document = json.loads(json.dumps(DOCUMENTS[name]))
    schemas = tmp_path / "schemas"
    shutil.copytree(ROOT / "refimpl" / "schemas", schemas)
    document["vectors"] = document["vectors"][:40]
    for vector in document["vectors"]:
        field = list(vector["expect"])[-1]
        vector["expect"][field] = "something else"
    (tmp_path / f"{name}.json").write_text(json.dumps(document), "utf-8")
    run = node(tmp_path)
    named = re.findall(r"^not ok ([a-z0-9-]+): ", run.stdout, re.MULTILINE)
    assert named == [vector["id"] for vector in document["vectors"]]
    assert run.returncode == 1


@pytest.mark.parametrize("text", [None, '{"kind": "nonsense", "vectors": [{"given": {}}]}', "{"])
def test_node_skips_nothing(text, tmp_path):
    """A folder without vectors, a kind that Node does not know, and a broken file are failures."""
    if text is not None:
        (tmp_path / "x.json").write_text(text, "utf-8")
    assert node(tmp_path).returncode == 1


# --- the archive --------------------------------------------------------------------------------


def test_archive_is_complete(tmp_path):
    """The archive on the site has every file of vectors, and what is needed to use them."""
    with zipfile.ZipFile(io.BytesIO(archive())) as packed:
        names = packed.namelist()
        packed.extractall(tmp_path)
    (folder,) = tmp_path.iterdir()
    for name in [*(path.name for path in FILES), "vectors.schema.json", "README.md", "LICENSE"]:
        assert f"{folder.name}/{name}" in names
    run = node(folder)
    assert (run.returncode, run.stderr) == (0, "")
    assert len(run.stdout.splitlines()) == len(FILES)


def test_archive_is_reproducible(tmp_path):
    """The same files give the same bytes, whenever and wherever they are packed."""
    script = "import sys; from _ext.downloads import archive; sys.stdout.buffer.write(archive())"
    other = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT / "docs",
        env={**os.environ, "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7"},
        stdout=subprocess.PIPE,
        check=True,
    )
    assert other.stdout == archive()
