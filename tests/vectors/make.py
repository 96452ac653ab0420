"""Write the test vectors that need no recording: `python tests/vectors/make.py`.

What is expected is written here by hand, or computed with the standard library.  Nothing of
refimpl is used, so that the vectors can disagree with it.  The one exception is the contents of
messages: which fields there are to leave out, the catalogue says.
"""

# ruff: noqa: E501, RUF001 - a vector is a line; characters that look alike are the point

from __future__ import annotations

import hmac
import json
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))

from refimpl.messages import MESSAGES, find  # noqa: E402 - the path comes first
from refimpl.messages.model import ACCEPT, CLUSTER, KERNEL, SEND  # noqa: E402
from refimpl.messages.problem import ERROR, shown  # noqa: E402
from refimpl.messages.validate import check_content  # noqa: E402

KEY = "a0436f6c-1916-498b-8eb9-e81ab9368e84"
DELIMITER = b"<IDS|MSG>"
DATE = "2026-01-01T12:00:00.000000Z"
PORTS = ("shell", "iopub", "stdin", "control", "hb")

Vector = dict[str, Any]

# The verdict on frames, and the error of refimpl.wire that says so.
ERRORS = {
    "bad-frames": "BadFrames",
    "bad-part": "BadPart",
    "not-an-object": "NotADict",
    "too-deep": "TooDeep",
    "too-large": "TooLarge",
    "bad-header": "BadHeader",
    "bad-signature": "InvalidSignature",
    "unsigned": "UnsignedMessage",
}


# --- bricks ------------------------------------------------------------------------------------


def header(msg_type: str = "is_complete_request", **fields: Any) -> dict[str, Any]:
    """Make the header that most vectors have."""
    return {
        "msg_id": "m-1",
        "msg_type": msg_type,
        "session": "s-1",
        "username": "ada",
        "date": DATE,
        "version": "5.4",
        **fields,
    }


def pack(value: Any) -> bytes:
    """Write compact JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def sign(key: str, scheme: str, parts: Sequence[bytes]) -> bytes:
    """Sign with the standard library alone."""
    if not key:
        return b""
    digest = hmac.new(key.encode(), b"".join(parts), scheme.removeprefix("hmac-"))
    return digest.hexdigest().encode()


def hexes(frames: Sequence[bytes]) -> list[str]:
    """Write each frame in hex."""
    return [frame.hex() for frame in frames]


def vector(name: str, description: str, given: Any, expect: Any, **more: Any) -> Vector:
    """Put a vector together; `rules` are the ids of the rules that it is an example of."""
    if "rules" in more:
        more["rules"] = more["rules"].split()
    return {"id": name, "description": description, **more, "given": given, "expect": expect}


HEADER = header()
CONTENT = {"code": "6 * 7"}
PARTS = [pack(HEADER), b"{}", b"{}", pack(CONTENT)]


def frames_vector(
    name: str,
    description: str,
    *,
    parts: Sequence[bytes] = tuple(PARTS),
    identities: Sequence[bytes] = (),
    buffers: Sequence[bytes] = (),
    key: str = KEY,
    scheme: str = "hmac-sha256",
    signature: bytes | None = None,
    frames: Sequence[bytes] | None = None,
    verdict: str = "good",
    **more: Any,
) -> Vector:
    """Make a vector for one delivery; unless said otherwise it is signed well."""
    if signature is None:
        signature = sign(key, scheme, parts)
    if frames is None:
        frames = [*identities, DELIMITER, signature, *parts, *buffers]
    limits = {"max_size": more.pop("max_size")} if "max_size" in more else {}
    given = {"key": key, "signature_scheme": scheme, **limits, "frames": hexes(frames)}
    expect: dict[str, Any] = {"verdict": verdict}
    if verdict != "good":
        more["refimpl"] = ERRORS[verdict]
    elif not more.pop("verdict_alone", False):
        names = ("header", "parent_header", "metadata", "content")
        dicts = dict(zip(names, map(json.loads, parts), strict=True))
        expect["message"] = {
            "identities": hexes(identities),
            **dicts,
            "buffers": hexes(buffers),
        }
    return vector(name, description, given, expect, **more)


# --- frames ------------------------------------------------------------------------------------

SCHEMES = (
    *("hmac-md5", "hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"),
    *("hmac-sha3_224", "hmac-sha3_256", "hmac-sha3_384", "hmac-sha3_512"),
    *("hmac-blake2b", "hmac-blake2s"),
)


def signatures() -> list[Vector]:
    """Sign four parts in every scheme."""

    def one(
        name: str, why: str, key: str, scheme: str, parts: Sequence[bytes], **more: Any
    ) -> Vector:
        given = {"key": key, "signature_scheme": scheme, "parts": hexes(parts)}
        expect = {"verdict": "good", "signature": sign(key, scheme, parts).decode()}
        return vector(name, why, given, expect, **more)

    found = [
        one(
            f"signature-{scheme.removeprefix('hmac-').replace('_', '-')}",
            f"The four parts signed as {scheme} demands.",
            *(KEY, scheme, PARTS),
            rules="R-WIRE-1",
        )
        for scheme in SCHEMES
    ]
    long_key = "k" * 200
    found += [
        one(
            "signature-empty-key",
            "With an empty key there is no signature: the frame is empty, but it is there.",
            *("", "hmac-sha256", PARTS),
            rules="R-WIRE-2",
        ),
        one(
            "signature-key-of-one-byte",
            "A short key is filled up as HMAC says.",
            *("k", "hmac-sha256", PARTS),
        ),
        one(
            "signature-long-key",
            "A key longer than the block of the digest is hashed first, as HMAC says.",
            *(long_key, "hmac-sha256", PARTS),
        ),
        one(
            "signature-key-not-ascii",
            "The key is text in the connection file; the bytes that sign are its UTF-8.",
            *("schlüssel-鍵-🔑", "hmac-sha256", PARTS),
        ),
        one(
            "signature-key-is-not-decoded",
            "A key that looks like hex or like a UUID is text all the same: it is not decoded.",
            *("00112233445566778899aabbccddeeff", "hmac-sha256", PARTS),
        ),
        one(
            "signature-of-empty-objects",
            "The parts are joined without anything between them.",
            *(KEY, "hmac-sha256", [b"{}"] * 4),
        ),
    ]
    for name, scheme, why in (
        ("unknown", "hmac-nonsense", "A digest that nobody knows."),
        ("without-hmac", "sha256", "The name has to begin with hmac-."),
        ("with-beginning", "x-hmac-sha256", "Nothing stands before hmac-."),
        ("with-end", "hmac-sha256-x", "Nothing stands behind the digest."),
        ("empty", "", "An empty name is no scheme; it does not switch signing off."),
        ("without-size", "hmac-shake_128", "A digest without a size of its own makes no HMAC."),
    ):
        given = {"key": KEY, "signature_scheme": scheme, "parts": hexes(PARTS)}
        found.append(vector(f"signature-scheme-{name}", why, given, {"verdict": "bad-scheme"}))
    return found


def framing() -> list[Vector]:
    """Messages that are good, and those whose signature is not."""
    parent = header("execute_request", msg_id="m-0")
    reply = pack(header("execute_reply", msg_id="m-2", session="kernel-1"))
    spaced = [json.dumps(HEADER, indent=1).encode() + b"\n", b"{ }", b"\t{}", pack(CONTENT)]
    backwards = [pack(dict(reversed(HEADER.items()))), *PARTS[1:]]
    text = {"code": "print('é 中文 🐍')  # \u0000 \u2028"}
    ascii_only = json.dumps(text).encode()
    good = sign(KEY, "hmac-sha256", PARTS)
    return [
        frames_vector(
            "frame-request", "A plain request, as a client's DEALER sends it.", rules="R-WIRE-1"
        ),
        frames_vector(
            "frame-one-identity",
            "The same as the kernel's ROUTER receives it: the identity is binary, and often begins with a zero byte.",
            identities=[b"\x00k\x8bEg"],
            rules="R-WIRE-5",
        ),
        frames_vector(
            "frame-several-identities",
            "Each proxy on the way adds an identity in front. All of them are kept, in order.",
            identities=[b"proxy-2", b"proxy-1", b"\x00\xff\xfe\x00\x01"],
            rules="R-WIRE-5",
        ),
        frames_vector(
            "frame-empty-identity",
            "An empty frame before the delimiter is an identity like any other.",
            identities=[b"", b"client"],
            rules="R-WIRE-5",
        ),
        frames_vector(
            "frame-identity-contains-delimiter",
            "A frame is the delimiter only if it equals it.",
            identities=[b"x<IDS|MSG>", b"<IDS|MSG>x", b"<ids|msg>"],
            rules="R-WIRE-5",
        ),
        frames_vector(
            "frame-identity-of-255-bytes",
            "ZeroMQ permits identities of up to 255 bytes.",
            identities=[bytes(range(1, 256))],
            rules="R-WIRE-5",
        ),
        frames_vector(
            "frame-topic",
            "On iopub the frame before the delimiter is the topic.",
            parts=[
                pack(header("stream")),
                pack(parent),
                b"{}",
                pack({"name": "stdout", "text": "hi\n"}),
            ],
            identities=[b"stream.stdout"],
            rules="R-WIRE-6",
        ),
        frames_vector(
            "frame-reply",
            "A reply carries the header of its request, whole, as parent.",
            parts=[
                reply,
                pack(parent),
                b"{}",
                pack({"status": "ok", "execution_count": 1, "user_expressions": {}}),
            ],
            identities=[b"client"],
            rules="R-REQ-2",
        ),
        frames_vector(
            "frame-buffers",
            "What follows the content is buffers: any bytes, and empty ones too.",
            parts=[pack(header("comm_msg")), b"{}", b"{}", pack({"comm_id": "c", "data": {}})],
            buffers=[b"\x00\x01\xff", b"", b"{}"],
            rules="R-WIRE-7",
        ),
        frames_vector(
            "frame-buffer-equals-delimiter",
            "The first delimiter counts; later frames may hold the same bytes.",
            buffers=[DELIMITER, b"", b"{}", b"{}", b"{}", b"{}"],
            rules="R-WIRE-7",
        ),
        frames_vector(
            "frame-buffer-added",
            "Buffers are not signed: a signature stays good when one is added on the way.",
            buffers=[b"added on the way"],
            signature=good,
            rules="R-WIRE-7",
        ),
        frames_vector(
            "frame-empty-key",
            "Without a key the signature frame is empty, and nothing is verified.",
            key="",
            rules="R-WIRE-2",
        ),
        frames_vector(
            "frame-empty-key-signature-ignored",
            "A receiver without a key does not look at the signature.",
            key="",
            signature=b"anything",
            rules="R-WIRE-2",
        ),
        frames_vector(
            "frame-whitespace",
            "Spaces and line ends are signed like any other byte. Decode and encode again, and this fails.",
            parts=spaced,
            rules="R-WIRE-1",
        ),
        frames_vector(
            "frame-order-of-keys",
            "The order of the fields is free, and it is signed.",
            parts=backwards,
            rules="R-WIRE-1",
        ),
        frames_vector(
            "frame-utf-8",
            "Text beyond ASCII as UTF-8, with a NUL and a line separator.",
            parts=[*PARTS[:3], pack(text)],
            rules="R-WIRE-1",
        ),
        frames_vector(
            "frame-escaped",
            "The same text as \\u escapes, with a surrogate pair: other bytes, the same meaning.",
            parts=[*PARTS[:3], ascii_only],
            rules="R-WIRE-1",
        ),
        frames_vector(
            "frame-escaped-solidus",
            "Some writers escape the solidus. Both forms mean the same, and are signed as they came.",
            parts=[*PARTS[:3], b'{"code":"1 \\/ 2"}'],
            rules="R-WIRE-1",
        ),
        frames_vector(
            "frame-number-forms",
            "1, 1.0 and 1e0 are one number to JSON. What was signed is what came.",
            parts=[*PARTS[:3], b'{"code":"","a":1.0,"b":1e0,"c":-0.5E+1}'],
            rules="R-WIRE-1",
        ),
        frames_vector(
            "frame-unknown-fields",
            "Fields that are not known are kept, in every part.",
            parts=[pack(header(x_vendor=[1])), b'{"x":null}', b'{"x":{}}', b'{"code":"","x":true}'],
            rules="R-REQ-5",
        ),
        frames_vector(
            "frame-header-minimum",
            "Without username, date and version the message still has an id, a type and a session.",
            parts=[pack({"msg_id": "1", "msg_type": "x", "session": ""}), b"{}", b"{}", b"{}"],
        ),
        frames_vector(
            "frame-signature-upper-case",
            "The digits of a signature are lower case. Another case is another signature.",
            signature=good.upper(),
            verdict="bad-signature",
        ),
        frames_vector(
            "frame-signature-binary",
            "The signature is hex digits, not the 32 bytes they stand for.",
            signature=bytes.fromhex(good.decode()),
            verdict="bad-signature",
        ),
        frames_vector(
            "frame-signature-shortened",
            "A signature that is right as far as it goes is wrong.",
            signature=good[:-1],
            verdict="bad-signature",
            rules="R-WIRE-3",
        ),
        frames_vector(
            "frame-signature-lengthened",
            "A signature that is right and goes on is wrong.",
            signature=good + b"0",
            verdict="bad-signature",
            rules="R-WIRE-3",
        ),
        frames_vector(
            "frame-signature-one-digit",
            "One digit differs.",
            signature=good[:-1] + (b"0" if good[-1:] != b"0" else b"1"),
            verdict="bad-signature",
            rules="R-WIRE-3",
        ),
        frames_vector(
            "frame-signature-not-ascii",
            "The signature is rubbish. Comparing it must not fail in another way.",
            signature=b"\xff\xfe",
            verdict="bad-signature",
            rules="R-WIRE-3",
        ),
        frames_vector(
            "frame-other-key",
            "Signed by somebody with another key.",
            signature=sign("another key", "hmac-sha256", PARTS),
            verdict="bad-signature",
        ),
        frames_vector(
            "frame-other-scheme",
            "Signed with the right key in another scheme.",
            signature=sign(KEY, "hmac-sha512", PARTS),
            verdict="bad-signature",
        ),
        frames_vector(
            "frame-unsigned",
            "Whoever has a key takes nothing without a signature.",
            signature=b"",
            verdict="unsigned",
        ),
        *(
            frames_vector(
                f"frame-changed-{name.replace('_', '-')}",
                f"One byte of the {name} was changed after signing.",
                parts=[part + b" " * (at == index) for at, part in enumerate(PARTS)],
                signature=good,
                verdict="bad-signature",
                rules="R-WIRE-1",
            )
            for index, name in enumerate(("header", "parent_header", "metadata", "content"))
        ),
        frames_vector(
            "frame-parts-swapped",
            "Parent header and metadata changed places: the signature is over the parts in their order.",
            parts=[PARTS[0], pack({"a": 1}), b"{}", PARTS[3]],
            signature=sign(KEY, "hmac-sha256", [PARTS[0], b"{}", pack({"a": 1}), PARTS[3]]),
            verdict="bad-signature",
            rules="R-WIRE-1",
        ),
    ]


def malformed() -> list[Vector]:
    """Frames that are no message."""
    rule = {"rules": "R-WIRE-10"}

    def broken(name: str, why: str, part: bytes, verdict: str = "bad-part", at: int = 3) -> Vector:
        parts = [*PARTS[:at], part, *PARTS[at + 1 :]]
        return frames_vector(f"malformed-{name}", why, parts=parts, verdict=verdict, **rule)

    def lacking(name: str, why: str, frames: Sequence[bytes]) -> Vector:
        return frames_vector(f"malformed-{name}", why, frames=frames, verdict="bad-frames", **rule)

    def nested(levels: int) -> bytes:
        return b'{"code":"","a":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"

    def headless(name: str, why: str, value: dict[str, Any]) -> Vector:
        return broken(f"header-{name}", why, pack(value), "bad-header", 0)

    good = sign(KEY, "hmac-sha256", PARTS)
    large = [*PARTS[:3], pack({"code": "x" * 300})]
    size = sum(map(len, large))
    return [
        lacking("nothing", "No frames at all.", []),
        lacking("one-empty-frame", "One empty frame.", [b""]),
        lacking("no-delimiter", "All parts, but no delimiter.", [b"client", good, *PARTS]),
        lacking(
            "delimiter-lower-case",
            "The delimiter is bytes; it has no other spelling.",
            [b"<ids|msg>", good, *PARTS],
        ),
        lacking("delimiter-alone", "Nothing follows the delimiter.", [DELIMITER]),
        lacking(
            "no-signature-frame",
            "The signature frame was left out, so a part is missing.",
            [DELIMITER, *PARTS],
        ),
        lacking("three-parts", "The content is missing.", [DELIMITER, good, *PARTS[:3]]),
        frames_vector(
            "malformed-identity-equals-delimiter",
            "The first delimiter counts, so what an identity of that name pushes back is read as signature and parts.",
            frames=[DELIMITER, DELIMITER, good, *PARTS],
            verdict="bad-signature",
            **rule,
        ),
        broken("empty-part", "An empty frame is not an empty object.", b""),
        broken("cut-off", "JSON that ends too early.", b'{"code": "6'),
        broken("two-values", "One value, and then another.", b"{}{}"),
        broken("single-quotes", "What Python prints is not JSON.", b"{'code': '6 * 7'}"),
        broken("trailing-comma", "JSON has no trailing commas.", b'{"code":"",}'),
        broken("comment", "JSON has no comments.", b'{"code":""}//'),
        broken("bare-word", "Not JSON at all.", b"hello"),
        broken(
            "control-character", "A line end inside a string has to be escaped.", b'{"code":"a\nb"}'
        ),
        broken("leading-zero", "Numbers have no leading zeros.", b'{"a":01}'),
        broken(
            "byte-order-mark", "A byte order mark is no part of JSON on a wire.", b"\xef\xbb\xbf{}"
        ),
        broken("utf-16", "UTF-16 instead of UTF-8.", '{"code":""}'.encode("utf-16-le")),
        broken("latin-1", "One byte is not UTF-8.", '{"code":"é"}'.encode("latin-1")),
        broken(
            "utf-8-cut-off", "A character of two bytes of which one is there.", b'{"code":"\xc3"}'
        ),
        broken(
            "utf-8-overlong",
            "NUL in two bytes: overlong forms are not UTF-8.",
            b'{"code":"\xc0\x80"}',
        ),
        broken(
            "utf-8-surrogate",
            "Half of a surrogate pair has no form in UTF-8.",
            b'{"code":"\xed\xa0\xbd"}',
        ),
        broken("msgpack", "Another codec, on which the two sides did not agree.", b"\x80"),
        broken("header-no-json", "The header counts like the other parts.", b"{", at=0),
        broken(
            "parent-header-no-json", "The parent header counts like the other parts.", b"{", at=1
        ),
        broken("metadata-no-json", "The metadata counts like the other parts.", b"{", at=2),
        broken("null", "null is no object. A missing parent is {}.", b"null", "not-an-object", 1),
        broken("array", "An array is no object.", b"[]", "not-an-object", 2),
        broken("string", "A string is no object.", b'"{}"', "not-an-object"),
        broken("number", "A number is no object.", b"0", "not-an-object"),
        broken("true", "true is no object.", b"true", "not-an-object"),
        frames_vector(
            "malformed-not-deep-enough",
            "400 levels, the object itself counted, are still read. The limit is ours.",
            parts=[*PARTS[:3], nested(400)],
            verdict_alone=True,  # readers of this file have limits, too
            **rule,
        ),
        broken(
            "too-deep",
            "401 levels. A reader without a limit overflows its stack some day. The limit is ours.",
            nested(401),
            "too-deep",
        ),
        frames_vector(
            "malformed-size-at-the-limit",
            "The four parts together have exactly as many bytes as this receiver takes.",
            parts=large,
            max_size=size,
            buffers=[b"buffers do not count"],
            **rule,
        ),
        frames_vector(
            "malformed-too-large",
            "One byte more than this receiver takes. The limit is ours.",
            parts=large,
            max_size=size - 1,
            verdict="too-large",
            **rule,
        ),
        frames_vector(
            "malformed-too-large-and-forged",
            "Size comes before the signature: what is too large is not even hashed.",
            parts=large,
            max_size=size - 1,
            signature=b"0" * 64,
            verdict="too-large",
            **rule,
        ),
        frames_vector(
            "malformed-and-forged",
            "The signature comes before the parts: what is not genuine is not decoded.",
            parts=[b"{", b"", b"[", b"\xff"],
            signature=b"0" * 64,
            verdict="bad-signature",
            **rule,
        ),
        headless("empty", "A header without fields.", {}),
        headless("no-type", "Nothing says what the content is.", {"msg_id": "1", "session": "s"}),
        headless("no-id", "No answer could be matched.", {"msg_type": "x", "session": "s"}),
        headless("no-session", "Nothing says who is speaking.", {"msg_id": "1", "msg_type": "x"}),
        headless("number-as-id", "An id is text.", header(msg_id=1)),
        headless("null-as-type", "A type is text.", header(msg_type=None)),
        headless("array-as-session", "A session is text.", header(session=["s"])),
    ]


def replay() -> list[Vector]:
    """Several deliveries to one receiver."""

    def deliver(
        name: str,
        why: str,
        deliveries: Sequence[Sequence[bytes]],
        verdicts: str,
        key: str = KEY,
        **more: Any,
    ) -> Vector:
        given = {
            "key": key,
            "signature_scheme": "hmac-sha256",
            "deliveries": [hexes(frames) for frames in deliveries],
        }
        return vector(name, why, given, {"verdicts": verdicts.split()}, rules="R-WIRE-4", **more)

    def signed(parts: Sequence[bytes], key: str = KEY) -> list[bytes]:
        return [DELIMITER, sign(key, "hmac-sha256", parts), *parts]

    one = signed(PARTS)
    other = signed([pack(header(msg_id="m-2")), *PARTS[1:]])
    broken = signed([*PARTS[:3], b"["])
    forged = [DELIMITER, b"0" * 64, *PARTS]
    return [
        deliver("replay-twice", "The same message twice.", [one, one], "good replayed"),
        deliver(
            "replay-later",
            "Another message between the two makes no difference.",
            [one, other, one],
            "good good replayed",
        ),
        deliver(
            "replay-over-another-route",
            "Identities and buffers are not signed: with others it is the same message.",
            [one, [b"someone else", *one, b"a buffer"]],
            "good replayed",
        ),
        deliver(
            "replay-two-messages",
            "Two messages that differ in their id alone are two.",
            [one, other],
            "good good",
        ),
        deliver(
            "replay-after-forgery",
            "A forged message is not remembered: it must not shut out the genuine one.",
            [forged, one],
            "bad-signature good",
        ),
        deliver(
            "replay-forged-twice",
            "A forged message stays forged.",
            [forged, forged],
            "bad-signature bad-signature",
        ),
        deliver(
            "replay-of-broken",
            "A good signature counts once even if what it signs cannot be read.",
            [broken, broken],
            "bad-part replayed",
        ),
        deliver(
            "replay-without-key",
            "Without a key there is no signature to remember.",
            [signed(PARTS, ""), signed(PARTS, "")],
            "good good",
            key="",
        ),
    ]


# --- dates and cursors -------------------------------------------------------------------------

NOON = 1767268800  # 2026-01-01T12:00:00Z


def dates() -> list[Vector]:
    """The field `date` of headers."""

    def good(name: str, why: str, text: str, seconds: int = NOON, nanoseconds: int = 0) -> Vector:
        utc = {"unix_seconds": seconds, "nanoseconds": nanoseconds}
        return vector(
            f"date-{name}", why, {"date": text}, {"verdict": "good", "utc": utc}, rules="R-MSG-1"
        )

    def other(name: str, why: str, value: Any, verdict: str = "invalid") -> Vector:
        return vector(f"date-{name}", why, {"date": value}, {"verdict": verdict}, rules="R-MSG-1")

    day = "2026-01-01"
    return [
        good("z", "What to send: UTC with a Z.", f"{day}T12:00:00Z"),
        good("microseconds", "What most programs send.", f"{day}T12:00:00.000001Z", NOON, 1000),
        good("zero-offset", "The same instant, as Python's isoformat writes it.", f"{day}T12:00:00+00:00"),
        good("minus-zero-offset", "An offset of minus zero is UTC, too.", f"{day}T12:00:00-00:00"),
        good("east", "East of Greenwich it is later by the clock.", f"{day}T17:30:00+05:30"),
        good("west", "West of Greenwich it is earlier by the clock.", f"{day}T04:00:00-08:00"),
        good("offset-without-colon", "An offset may be written without its colon.", f"{day}T13:00:00+0100"),
        good("offset-of-14-hours", "The largest offset in use, and it changes the day.", f"{day}T00:00:00+14:00", NOON - 26 * 3600),
        good("across-the-year", "The offset changes the year.", "2025-12-31T23:00:00-13:00"),
        *(
            good(
                f"fraction-{digits}",
                f"A fraction of {digits} digits." + (" It is no finer than nanoseconds." if digits == 9 else ""),
                f"{day}T12:00:00.{'123456789'[:digits]}Z",
                NOON,
                int("123456789"[:digits].ljust(9, "0")),
            )
            for digits in range(1, 10)
        ),
        good("last-nanosecond", "Do not round up into the next second.", f"{day}T12:00:00.999999999Z", NOON, 999999999),
        good("before-1970", "Seconds count down before 1970, nanoseconds count up always.", "1969-12-31T23:59:59.500Z", -1, 500000000),
        good("leap-day", "2024 has a 29th of February.", "2024-02-29T00:00:00Z", 1709164800),
        good("after-2038", "More than 31 bits of seconds.", "2038-01-19T03:14:08Z", 2147483648),
        other("no-zone", "Nobody knows which instant this is. Deployed clients take their own zone.", f"{day}T12:00:00", "no-zone"),
        other("no-zone-fraction", "What old kernels send: a local time, or UTC without saying so.", f"{day}T12:00:00.123456", "no-zone"),
        other("null", "Some programs send null. The message is a message all the same.", None),
        other("number", "A number is no date.", NOON),
        other("empty", "Some programs send an empty text.", ""),
        other("words", "Not a date.", "yesterday"),
        other("lower-case", "RFC 3339 permits t and z, ISO 8601 and deployed clients do not.", f"{day}t12:00:00z"),
        other("space", "RFC 3339 permits a space instead of the T, ISO 8601 and deployed clients do not.", f"{day} 12:00:00Z"),
        other("space-before-zone", "Nothing stands between time and zone.", f"{day}T12:00:00 Z"),
        other("line-end", "A line end is not part of it; in some languages $ matches before one.", f"{day}T12:00:00Z\n"),
        other("leap-second", "Right by ISO 8601, and no instant for most libraries. It must not cost you the message.", "2016-12-31T23:59:60Z"),
        other("hour-24", "The hour ends at 23.", f"{day}T24:00:00Z"),
        other("minute-60", "The minute ends at 59.", f"{day}T12:60:00Z"),
        other("month-13", "A year has 12 months.", "2026-13-01T12:00:00Z"),
        other("february-29", "2026 is no leap year.", "2026-02-29T12:00:00Z"),
        other("february-1900", "1900 was no leap year.", "1900-02-29T12:00:00Z"),
        other("offset-of-24-hours", "An offset is less than a day.", f"{day}T12:00:00+24:00"),
        other("offset-of-60-minutes", "The minutes of an offset end at 59.", f"{day}T12:00:00+01:60"),
        other("offset-in-hours", "An offset has minutes.", f"{day}T12:00:00+01"),
        other("zone-by-name", "Zones are numbers.", f"{day}T12:00:00 CET"),
        other("two-zones", "One zone, not two.", f"{day}T12:00:00Z+00:00"),
        other("no-seconds", "A time has seconds.", f"{day}T12:00Z"),
        other("no-time", "A day is no instant.", day),
        other("basic-form", "The form without separators is not used.", "20260101T120000Z"),
        other("year-of-two-digits", "Years have four digits.", "26-01-01T12:00:00Z"),
        other("point-without-digits", "A point is followed by digits.", f"{day}T12:00:00.Z"),
        other("comma", "ISO 8601 permits a comma, deployed clients do not.", f"{day}T12:00:00,5Z"),
        other("full-width-digits", "Digits are ASCII; in some languages \\d matches these, too.", "２０２６-01-01T12:00:00Z"),
    ]  # fmt: skip


def cursors() -> list[Vector]:
    """Positions in code, in the three units that programs count in."""

    def at(
        name: str, why: str, text: str, unit: str, position: int, points: int | None = None
    ) -> Vector:
        """Count by the encodings of Python's text, whose items are code points."""
        head = text[: position if points is None else points]
        expect = {
            "code_points": len(head),
            "utf16": len(head.encode("utf-16-le")) // 2,
            "utf8": len(head.encode()),
        }
        given = {"text": text, "unit": unit, "position": position}
        return vector(f"cursor-{name}", why, given, expect, rules="R-CODE-1")

    def units(
        name: str, why: str, text: Sequence[int], position: int, expect: Sequence[int | None]
    ) -> Vector:
        given = {"utf16": list(text), "unit": "code_points", "position": position}
        names = ("code_points", "utf16", "utf8")
        return vector(
            f"cursor-{name}", why, given, dict(zip(names, expect, strict=True)), rules="R-CODE-1"
        )

    snake = "'🐍'; pri"
    family = "'👩‍👩‍👧'.up"
    found = [
        at("empty", "Nothing has one position.", "", "code_points", 0),
        at("ascii", "In ASCII all three agree.", "print", "code_points", 3),
        at("end", "The position behind the last character is the usual one.", "print", "code_points", 5),
        at("accent", "é in one code point has two bytes.", "é = 1", "code_points", 1),
        at("combining", "e and a combining accent are two code points, though they look like one.", "e\u0301.x", "code_points", 2),
        at("between-combining", "A position between the two is a position.", "e\u0301.x", "code_points", 1),
        at("cjk", "Chinese characters are one code point, one unit, three bytes.", "名前.x", "code_points", 2),
        at("astral", "Beyond U+FFFF a character is two units in JavaScript, Java and C#.", snake, "code_points", 8),
        at("before-astral", "Before it nothing differs.", snake, "code_points", 1),
        at("behind-astral", "Right behind it.", snake, "code_points", 2),
        at("astral-letter", "Letters can be astral, too, and names may be made of them.", "𝒙 = 1; 𝒙", "code_points", 8),
        at("zwj", "A family of three: five code points that look like one.", family, "code_points", 9),
        at("inside-zwj", "The protocol counts code points, not what looks like one character.", family, "code_points", 2),
        at("flag", "A flag is two code points, each of two units.", "'🇳🇴'", "code_points", 3),
        at("crlf", "A line end of two characters is two.", "a\r\nb", "code_points", 3),
        at("inside-crlf", "Between CR and LF is a position.", "a\r\nb", "code_points", 2),
        at("line-separator", "U+2028 is one character like any other.", "'\u2028'.x", "code_points", 3),
        at("nul", "So is NUL.", "a\x00b", "code_points", 2),
        at("byte-order-mark", "So is a byte order mark: it counts.", "\ufeffx", "code_points", 1),
        at("beyond-the-end", "A position beyond the end is the end. That is ours.", snake, "code_points", 99, 9),
    ]  # fmt: skip
    for unit, width in (("utf16", 2), ("utf8", 4)):
        tag = unit.replace("utf", "utf-")
        found += [
            at(
                f"{tag}-behind-astral", f"From {unit}: behind the snake.", snake, unit, 1 + width, 2
            ),
            at(f"{tag}-end", f"From {unit}: the end.", snake, unit, 8 + width, 9),
            at(
                f"{tag}-beyond-the-end",
                f"From {unit}: beyond the end is the end. That is ours.",
                snake,
                unit,
                99,
                9,
            ),
            at(
                f"{tag}-inside-a-character",
                f"From {unit}: inside a character is its beginning. That is ours.",
                snake,
                unit,
                2,
                1,
            ),
            at(
                f"{tag}-zwj",
                f"From {unit}: between two parts of a family.",
                family,
                unit,
                1 + width,
                2,
            ),
        ]
    found += [
        units(
            "lone-high-surrogate",
            "Editors in JavaScript can hold half a pair. It counts as one code point, and has no bytes.",
            *([0x61, 0xD83D, 0x62], 2, (2, 2, None)),
        ),
        units(
            "lone-low-surrogate",
            "The other half, alone, counts the same.",
            *([0xDC0D, 0x62], 1, (1, 1, None)),
        ),
        units(
            "surrogates-in-wrong-order",
            "Low before high is no pair: two code points.",
            *([0xDC0D, 0xD83D, 0x62], 2, (2, 2, None)),
        ),
        units(
            "pair-as-units",
            "In the right order the two are one code point.",
            *([0xD83D, 0xDC0D, 0x62], 1, (1, 2, 4)),
        ),
    ]
    return found


# --- files -------------------------------------------------------------------------------------

CONNECTION = {
    "transport": "tcp",
    "ip": "127.0.0.1",
    "shell_port": 57503,
    "iopub_port": 40885,
    "stdin_port": 52597,
    "control_port": 50160,
    "hb_port": 42540,
    "key": KEY,
    "signature_scheme": "hmac-sha256",
}
# The pair of test keys in the ZeroMQ documentation of CURVE.
CURVE_PUBLIC = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
CURVE_SECRET = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"

NO_OBJECTS = (
    ("empty", b"", "An empty file: its writer has not finished, or has failed."),
    ("cut-off", b'{"transport": "tcp"', "JSON that ends too early."),
    ("array", b"[]", "An array is no object."),
    ("null", b"null", "null is no object."),
    ("not-utf-8", b'{"ip": "\xff"}', "Not UTF-8."),
    ("two-objects", b"{}\n{}", "Two objects, one after the other."),
)


def changed(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Change fields; ... takes one away."""
    both = {**base, **change}
    return {name: value for name, value in both.items() if value is not ...}


def file_vectors(
    prefix: str,
    base: dict[str, Any],
    bad: Sequence[tuple[str, dict[str, Any], str, str]],
    **more: Any,
) -> list[Vector]:
    """Make the vectors of files that are refused."""
    found = [
        vector(
            f"{prefix}-{name}",
            why,
            {"content": changed(base, change), **more},
            {"verdict": "bad", "culprit": culprit},
        )
        for name, change, culprit, why in bad
    ]
    return found + [
        vector(
            f"{prefix}-file-{name}",
            why,
            {"hex": content.hex(), **more},
            {"verdict": "bad", "culprit": None},
        )
        for name, content, why in NO_OBJECTS
    ]


def urls(template: str, ports: dict[str, Any] = CONNECTION) -> dict[str, str]:
    """Write the addresses of the five channels."""
    return {name: template.format(ports[f"{name}_port"]) for name in PORTS}


def connection_files() -> list[Vector]:
    """What launchers write and kernels and clients read."""

    def good(
        name: str, why: str, change: dict[str, Any], template: str = "tcp://127.0.0.1:{}"
    ) -> Vector:
        content = changed(CONNECTION, change)
        expect = {"verdict": "good", "urls": urls(template, content)}
        return vector(f"connection-{name}", why, {"content": content}, expect, rules="R-CONN-3")

    missing = [
        (f"no-{name.replace('_', '-')}", {name: ...}, name, f"{name} has no default.")
        for name in CONNECTION
    ]
    ports = [f"{name}_port" for name in PORTS]
    return [
        good("tcp", "What jupyter_client writes.", {}),
        good("kernel-name", "The optional name of the kernel.", {"kernel_name": "python3"}),
        good("extra-fields", "Unknown fields are nobody's business.", {"jupyter_session": "/a.ipynb", "x": [1]}),
        good("empty-key", "An empty key switches signing off.", {"key": ""}),
        good("key-not-ascii", "A key is any text.", {"key": "schlüssel-鍵"}),
        good("ports-of-zero", "A port of 0: the kernel chooses when it binds.", dict.fromkeys(ports, 0)),
        good("largest-port", "65535 is a port.", {"shell_port": 65535}),
        good("other-scheme", "Any scheme that can be computed.", {"signature_scheme": "hmac-sha512"}),
        good("ipc", "Local sockets: the address is a path, the port its suffix.", {"transport": "ipc", "ip": "/tmp/kernel-1"}, "ipc:///tmp/kernel-1-{}"),
        good("ipc-relative", "A path may be relative, and hold spaces.", {"transport": "ipc", "ip": "kernel 1"}, "ipc://kernel 1-{}"),
        good("ipv6", "An IPv6 address stands in brackets.", {"ip": "::1"}, "tcp://[::1]:{}"),
        good("all-interfaces", "Whoever binds may bind everywhere.", {"ip": "0.0.0.0"}, "tcp://0.0.0.0:{}"),
        good("host-name", "A name instead of a number.", {"ip": "kernels.example"}, "tcp://kernels.example:{}"),
        good("curve", "Keys for encryption, in Z85.", {"curve_publickey": CURVE_PUBLIC, "curve_secretkey": CURVE_SECRET}),
        good("curve-null", "null and empty text mean that there is none.", {"curve_publickey": None, "curve_secretkey": ""}),
        *file_vectors(
            "connection",
            CONNECTION,
            [
                *missing,
                ("port-as-text", {"shell_port": "57503"}, "shell_port", "A port is a number, not its digits."),
                ("port-as-float", {"iopub_port": 40885.5}, "iopub_port", "A port is an integer."),
                ("port-null", {"stdin_port": None}, "stdin_port", "null is no port."),
                ("port-true", {"control_port": True}, "control_port", "true is no integer, whatever Python says."),
                ("port-negative", {"hb_port": -1}, "hb_port", "Ports begin at 0."),
                ("port-too-large", {"hb_port": 65536}, "hb_port", "Ports end at 65535."),
                ("transport-unknown", {"transport": "udp"}, "transport", "tcp or ipc."),
                ("transport-upper-case", {"transport": "TCP"}, "transport", "Names are as they are spelt."),
                ("transport-null", {"transport": None}, "transport", "null is no transport."),
                ("ip-number", {"ip": 2130706433}, "ip", "An address is text."),
                ("ip-empty", {"ip": ""}, "ip", "An empty address leads nowhere."),
                ("key-number", {"key": 1234}, "key", "A key is text. Do not show it in the error."),
                ("key-null", {"key": None}, "key", "null is not the empty key."),
                ("scheme-unknown", {"signature_scheme": "hmac-nonsense"}, "signature_scheme", "Nobody can compute it."),
                ("scheme-empty", {"signature_scheme": ""}, "signature_scheme", "An empty scheme does not switch signing off, the key does."),
                ("scheme-without-hmac", {"signature_scheme": "sha256"}, "signature_scheme", "A scheme begins with hmac-."),
                ("kernel-name-number", {"kernel_name": 3}, "kernel_name", "A name is text."),
                ("curve-half", {"curve_publickey": CURVE_PUBLIC}, "curve_secretkey", "A public key without its secret."),
                ("curve-short", {"curve_publickey": CURVE_PUBLIC[:39], "curve_secretkey": CURVE_SECRET}, "curve_publickey", "Z85 of 32 bytes has 40 characters."),
                ("curve-too-large", {"curve_publickey": CURVE_PUBLIC, "curve_secretkey": "#" * 40}, "curve_secretkey", "Five digits stand for 4 bytes: not every five of them do."),
                ("curve-not-z85", {"curve_publickey": CURVE_PUBLIC, "curve_secretkey": "~" * 40}, "curve_secretkey", "The tilde is no digit of Z85."),
            ],
        ),
    ]  # fmt: skip


REGISTRATION = {
    "kernel_id": "6f2bb2f4-1d1c-4f2a-9b8e-3c0a3e1b5f10",
    "transport": "tcp",
    "registration_ip": "127.0.0.1",
    "registration_port": 50371,
    "signature_scheme": "hmac-sha256",
    "key": KEY,
}


def registration_files() -> list[Vector]:
    """What a launcher writes for a kernel that chooses its own ports."""

    def good(name: str, why: str, change: dict[str, Any], url: str) -> Vector:
        expect = {"verdict": "good", "url": url}
        return vector(
            f"registration-{name}", why, {"content": changed(REGISTRATION, change)}, expect
        )

    return [
        good("tcp", "The five ports come later, in the handshake.", {}, "tcp://127.0.0.1:50371"),
        good("ipc", "A local socket.", {"transport": "ipc", "registration_ip": "/tmp/r"}, "ipc:///tmp/r-50371"),
        good("ipv6", "An IPv6 address stands in brackets.", {"registration_ip": "::1"}, "tcp://[::1]:50371"),
        good("extra-fields", "Unknown fields are nobody's business.", {"x": 1}, "tcp://127.0.0.1:50371"),
        *file_vectors(
            "registration",
            REGISTRATION,
            [
                *((f"no-{name.replace('_', '-')}", {name: ...}, name, f"{name} has no default.") for name in REGISTRATION),
                ("id-empty", {"kernel_id": ""}, "kernel_id", "The launcher could not tell who registers."),
                ("id-number", {"kernel_id": 7}, "kernel_id", "An id is text."),
                ("ip-empty", {"registration_ip": ""}, "registration_ip", "An empty address leads nowhere."),
                ("port-zero", {"registration_port": 0}, "registration_port", "The launcher listens already: its port is known."),
                ("port-too-large", {"registration_port": 65536}, "registration_port", "Ports end at 65535."),
                ("port-as-text", {"registration_port": "50371"}, "registration_port", "A port is a number."),
                ("port-true", {"registration_port": True}, "registration_port", "true is no integer."),
                ("transport-unknown", {"transport": "inproc"}, "transport", "tcp or ipc."),
                ("scheme-unknown", {"signature_scheme": "hmac-nonsense"}, "signature_scheme", "Nobody can compute it."),
                ("connection-file", CONNECTION | dict.fromkeys(("kernel_id", "registration_ip", "registration_port"), ...), "kernel_id", "A connection file was passed instead."),
            ],
        ),
    ]  # fmt: skip


def handshakes() -> list[Vector]:
    """What a kernel reports to its launcher: delimiter, signature, one object."""
    ports = {name: str(CONNECTION[name]) for name in CONNECTION if name.endswith("_port")}
    report = {"kernel_id": REGISTRATION["kernel_id"], **ports}
    good_urls = {"verdict": "good", "urls": urls("tcp://127.0.0.1:{}")}

    def one(
        name: str,
        why: str,
        expect: dict[str, Any],
        *,
        content: bytes = pack(report),
        signature: bytes | None = None,
        frames: Sequence[bytes] | None = None,
    ) -> Vector:
        if signature is None:
            signature = sign(KEY, "hmac-sha256", [content])
        if frames is None:
            frames = [DELIMITER, signature, content]
        given = {"registration": REGISTRATION, "frames": hexes(frames)}
        return vector(f"handshake-{name}", why, given, expect, rules="R-REG-1")

    def wrong(name: str, change: dict[str, Any], culprit: str, why: str) -> Vector:
        expect = {"verdict": "bad-field", "culprit": culprit}
        return one(name, why, expect, content=pack(changed(report, change)))

    signed = [DELIMITER, sign(KEY, "hmac-sha256", [pack(report)]), pack(report)]
    numbers = {name: int(port) for name, port in ports.items()}
    return [
        one("good", "It is no message as the others: one object, without a header. Ports are text here.", good_urls),
        one("identity", "The same as the launcher's ROUTER receives it.", good_urls, frames=[b"\x00k\x8bEg", *signed]),
        one("extra-fields", "Unknown fields are nobody's business.", good_urls, content=pack({**report, "x": 1})),
        one("whitespace", "The bytes are signed, not their meaning.", good_urls, content=json.dumps(report, indent=2).encode()),
        one("ports-as-numbers", "In a connection file ports are numbers. To take them here too is ours.", good_urls, content=pack({**report, **numbers})),
        one("nothing", "No frames at all.", {"verdict": "bad-frames"}, frames=[]),
        one("no-delimiter", "The delimiter is missing.", {"verdict": "bad-frames"}, frames=signed[1:]),
        one("no-content", "The object is missing.", {"verdict": "bad-frames"}, frames=signed[:2]),
        one("one-frame-more", "Nothing follows the object. To refuse it is ours.", {"verdict": "bad-frames"}, frames=[*signed, b""]),
        one("unsigned", "The signature is empty.", {"verdict": "unsigned"}, signature=b""),
        one("forged", "Signed with another key.", {"verdict": "bad-signature"}, signature=sign("other", "hmac-sha256", [pack(report)])),
        one("no-json", "Not JSON.", {"verdict": "bad-part"}, content=b"{"),
        one("no-object", "No object.", {"verdict": "not-an-object"}, content=b"[]"),
        *(wrong(f"no-{name.replace('_', '-')}", {name: ...}, name, f"{name} is missing.") for name in report),
        wrong("other-id", {"kernel_id": "somebody else"}, "kernel_id", "A launcher that starts several kernels has to keep them apart."),
        wrong("id-number", {"kernel_id": 7}, "kernel_id", "An id is text."),
        wrong("port-zero", {"shell_port": "0"}, "shell_port", "The kernel has bound its sockets: the ports are known."),
        wrong("port-too-large", {"iopub_port": "65536"}, "iopub_port", "Ports end at 65535."),
        wrong("port-negative", {"iopub_port": "-1"}, "iopub_port", "Ports begin at 1."),
        wrong("port-empty", {"hb_port": ""}, "hb_port", "An empty text is no port."),
        wrong("port-words", {"hb_port": "any"}, "hb_port", "A port is digits."),
        wrong("port-space", {"hb_port": " 50375"}, "hb_port", "Digits and nothing else."),
        wrong("port-newline", {"hb_port": "50375\n"}, "hb_port", "Not even the end of a line."),
        wrong("port-sign", {"hb_port": "+50375"}, "hb_port", "A plus is no digit."),
        wrong("port-array", {"hb_port": [50375]}, "hb_port", "An array with a port is no port, though JavaScript writes it like one."),
        wrong("port-null", {"hb_port": None}, "hb_port", "null is no port."),
    ]  # fmt: skip


SPEC = {
    "argv": ["/opt/demo/kernel", "-f", "{connection_file}"],
    "display_name": "Demo",
    "language": "demo",
}
PLACE = {
    "connection_file": "/run/user/1000/kernel-1.json",
    "resource_dir": "/usr/share/jupyter/kernels/demo",
    "environ": {"HOME": "/home/ada", "PATH": "/usr/bin", "EMPTY": ""},
}


def kernel_specs() -> list[Vector]:
    """What `kernel.json` says, and the command and environment that come of it."""
    file, folder = PLACE["connection_file"], PLACE["resource_dir"]

    def good(
        name: str, why: str, change: dict[str, Any], argv: Sequence[str] = (), **env: str
    ) -> Vector:
        expect = {
            "verdict": "good",
            "interrupt_mode": change.get("interrupt_mode", "signal"),
            "argv": list(argv) or ["/opt/demo/kernel", "-f", file],
            "env": {**PLACE["environ"], **env},  # type: ignore[dict-item]
        }
        return vector(f"spec-{name}", why, {"content": changed(SPEC, change), **PLACE}, expect)

    return [
        good("minimum", "The three fields that every kernel spec has.", {}),
        good("resource-dir", "{resource_dir} is the folder of kernel.json.", {"argv": ["{resource_dir}/run", "{connection_file}"]}, [f"{folder}/run", str(file)]),
        good("inside-a-word", "Words are filled in wherever they stand.", {"argv": ["/bin/k", "--file={connection_file}"]}, ["/bin/k", f"--file={file}"]),
        good("twice", "And as often as they stand.", {"argv": ["/bin/k", "{connection_file},{connection_file}"]}, ["/bin/k", f"{file},{file}"]),
        good("other-braces", "Braces that mean nothing here stay as they are.", {"argv": ["/bin/k", "{other}", "{}", "{{connection_file}}", "${HOME}"]}, ["/bin/k", "{other}", "{}", f"{{{file}}}", "${HOME}"]),
        good("without-file", "A command may find its connection elsewhere.", {"argv": ["/bin/k"]}, ["/bin/k"]),
        good("interrupt-by-message", "This kernel is interrupted by a message.", {"interrupt_mode": "message"}),
        good("interrupt-by-signal", "What is the default, spelt out.", {"interrupt_mode": "signal"}),
        good("env", "Its environment lies over the present one.", {"env": {"PATH": "/opt/demo/bin", "NEW": "1"}}, PATH="/opt/demo/bin", NEW="1"),
        good("env-filled", "$NAME and ${NAME} are taken from the present environment; what it lacks stays.", {"env": {"A": "$HOME/a:${HOME}/b", "B": "$NONE ${NONE}", "C": "$$HOME", "D": "[$EMPTY]"}}, A="/home/ada/a:/home/ada/b", B="$NONE ${NONE}", C="$HOME", D="[]"),
        good("env-not-chained", "Values are filled in from outside, not from each other.", {"env": {"X": "1", "Y": "${X}"}}, X="1", Y="${X}"),
        good("not-ascii", "Names are for people.", {"display_name": "Démo 🐍"}),
        good("extra-fields", "Unknown fields are nobody's business.", {"codemirror_mode": "demo", "metadata": {"debugger": True}, "kernel_protocol_version": "5.5"}),
        *file_vectors(
            "spec",
            SPEC,
            [
                ("no-argv", {"argv": ...}, "argv", "Nothing says how to start it."),
                ("no-display-name", {"display_name": ...}, "display_name", "Menus show it."),
                ("no-language", {"language": ...}, "language", "Notebooks are matched by it."),
                ("argv-text", {"argv": "/bin/k -f {connection_file}"}, "argv", "A command is a list of words, not a line for a shell."),
                ("argv-empty", {"argv": []}, "argv", "A command has at least one word."),
                ("argv-number", {"argv": ["/bin/k", 1]}, "argv", "Words are text."),
                ("argv-null", {"argv": None}, "argv", "null is no command."),
                ("display-name-number", {"display_name": 1}, "display_name", "A name is text."),
                ("language-null", {"language": None}, "language", "A language is text."),
                ("interrupt-mode-unknown", {"interrupt_mode": "kill"}, "interrupt_mode", "signal or message."),
                ("env-list", {"env": ["A=1"]}, "env", "The environment is an object."),
                ("env-number", {"env": {"A": 1}}, "env", "Its values are text."),
                ("metadata-list", {"metadata": []}, "metadata", "Metadata is an object."),
            ],
            **PLACE,
        ),
    ]  # fmt: skip


# --- WebSockets --------------------------------------------------------------------------------


def v1(channel: str, parts: Sequence[bytes]) -> bytes:
    """Write a message as `v1.kernel.websocket.jupyter.org` does."""
    pieces = [channel.encode(), *parts]
    start = 8 * (len(pieces) + 2)
    offsets = [start + sum(map(len, pieces[:index])) for index in range(len(pieces) + 1)]
    return struct.pack(f"<{len(offsets) + 1}Q", len(offsets), *offsets) + b"".join(pieces)


def legacy(pieces: Sequence[bytes]) -> bytes:
    """Write the legacy binary form: a table of offsets, JSON, buffers."""
    start = 4 * (len(pieces) + 1)
    offsets = [start + sum(map(len, pieces[:index])) for index in range(len(pieces))]
    return struct.pack(f">{len(pieces) + 1}I", len(pieces), *offsets) + b"".join(pieces)


def dicts_of(parts: Sequence[bytes], buffers: Sequence[bytes] = ()) -> dict[str, Any]:
    """Show the four parts and the buffers as a message."""
    names = ("header", "parent_header", "metadata", "content")
    return {**dict(zip(names, map(json.loads, parts), strict=True)), "buffers": hexes(buffers)}


def websocket_v1() -> list[Vector]:
    """Messages between a front end and a server, each part by itself."""

    def good(
        name: str,
        why: str,
        channel: str = "shell",
        parts: Sequence[bytes] = tuple(PARTS),
        buffers: Sequence[bytes] = (),
    ) -> Vector:
        expect = {
            "verdict": "good",
            "channel": channel,
            "message": dicts_of(parts, buffers),
            "canonical": True,
        }
        return vector(f"ws-v1-{name}", why, {"hex": v1(channel, [*parts, *buffers]).hex()}, expect)

    def bad(name: str, why: str, data: bytes, verdict: str = "bad-offsets") -> Vector:
        return vector(f"ws-v1-{name}", why, {"hex": data.hex()}, {"verdict": verdict})

    plain = v1("shell", PARTS)
    words = list(struct.unpack("<7Q", plain[:56]))
    body = plain[56:]

    def table(*changes: tuple[int, int]) -> bytes:
        found = list(words)
        for index, value in changes:
            found[index] = value
        return struct.pack("<7Q", *found) + body

    shifted = struct.pack("<7Q", 6, *(offset + 3 for offset in words[1:])) + b"\0\0\0" + body
    return [
        good("request", "Number of offsets, offsets, channel, four parts. Integers are unsigned, 64 bits, little-endian."),
        good("iopub", "From the kernel: the parts are those of the wire, without identities, delimiter and signature.", "iopub", [pack(header("stream")), pack(header("execute_request")), b"{}", pack({"name": "stdout", "text": "é 🐍\n"})]),
        good("control", "Control has a channel of its own.", "control"),
        good("stdin", "And so has stdin.", "stdin"),
        good("whitespace", "The parts are passed on as they are: not decoded, not encoded.", parts=[json.dumps(HEADER, indent=1).encode(), b"{ }", b"{}\n", pack(CONTENT)]),
        good("one-buffer", "One more part, one more offset.", buffers=[b"\x00\xff"]),
        good("buffers", "Buffers may be empty; two equal offsets say so.", buffers=[b"", b"a", b"", b"bc", b""]),
        good("large-buffer", "Offsets need more than one byte.", buffers=[bytes(range(256)) * 2]),
        vector(
            "ws-v1-gap",
            "The offsets decide where the parts are. No known writer leaves a gap, but a reader has no reason to fail.",
            {"hex": shifted.hex()},
            {"verdict": "good", "channel": "shell", "message": dicts_of(PARTS), "canonical": False},
        ),
        bad("empty", "No bytes at all.", b""),
        bad("too-short-for-the-number", "Seven bytes are no number of 64 bits.", plain[:7]),
        bad("too-short-for-the-table", "The table itself is cut off.", plain[:40]),
        bad("cut-off", "The last part is cut off. Slicing in most languages does not notice.", plain[:-1]),
        bad("trailing-bytes", "Bytes behind the last offset belong to nothing. To refuse them is ours.", plain + b"!"),
        bad("no-offsets", "A message has at least six.", struct.pack("<Q", 0)),
        bad("five-offsets", "Five offsets hold a channel and three parts.", v1("shell", PARTS[:3])),
        bad("number-too-large", "More offsets than bytes.", struct.pack("<Q", 1000) + plain[8:]),
        bad("number-enormous", "A number of offsets that no memory holds: do not allocate what a stranger says.", struct.pack("<Q", 2**63) + plain[8:]),
        bad("offset-beyond-53-bits", "An offset that a double cannot hold.", table((6, 2**60))),
        bad("offset-beyond-the-end", "An offset beyond the end.", table((5, len(plain) + 1))),
        bad("offset-into-the-table", "The channel cannot lie in the table.", table((1, 8))),
        bad("offset-into-the-last-offset", "Nor in the last word of it: the table is one word longer than the number says.", table((1, 48))),
        bad("offsets-backwards", "Offsets never go back.", table((3, words[4]), (4, words[3]))),
        bad("big-endian", "Network byte order is that of the legacy form, not of this one.", struct.pack(">7Q", *words) + body),
        bad("channel-unknown", "The server knows no such channel, and drops the message.", v1("shel", PARTS), "bad-channel"),
        bad("channel-empty", "A channel has a name.", v1("", PARTS), "bad-channel"),
        bad("channel-heartbeat", "The heartbeat does not pass through WebSockets.", v1("hb", PARTS), "bad-channel"),
        bad("channel-not-utf-8", "A name is text.", plain[:56] + b"\xff" + plain[57:], "bad-channel"),
        bad("part-no-json", "A part that is no JSON.", v1("shell", [*PARTS[:3], b"{"]), "bad-part"),
        bad("part-no-object", "A part that is no object.", v1("shell", [PARTS[0], b"null", *PARTS[2:]]), "bad-part"),
        bad("legacy-text", "JSON text of the legacy form, sent by somebody who missed the agreement.", pack({"channel": "shell"})),
    ]  # fmt: skip


def websocket_legacy() -> list[Vector]:
    """The same, where no subprotocol was agreed on: JSON text, or a table with buffers."""
    message = {
        "header": HEADER,
        "parent_header": {},
        "metadata": {},
        "content": CONTENT,
        "buffers": [],
        "channel": "shell",
    }
    served = {**message, "msg_id": "m-1", "msg_type": "is_complete_request", "channel": "iopub"}
    json_part = pack({name: value for name, value in message.items() if name != "buffers"})

    def text(
        name: str,
        why: str,
        value: Any,
        channel: str = "shell",
        parts: Sequence[bytes] = tuple(PARTS),
    ) -> Vector:
        given = {"text": value if isinstance(value, str) else pack(value).decode()}
        expect = {"verdict": "good", "channel": channel, "message": dicts_of(parts)}
        return vector(f"ws-legacy-{name}", why, given, expect)

    def binary(name: str, why: str, buffers: Sequence[bytes]) -> Vector:
        data = legacy([json_part, *buffers])
        expect = {
            "verdict": "good",
            "channel": "shell",
            "message": dicts_of(PARTS, buffers),
            "canonical": True,
        }
        return vector(f"ws-legacy-{name}", why, {"hex": data.hex()}, expect)

    def bad(name: str, why: str, data: bytes | str | dict[str, Any], verdict: str) -> Vector:
        if isinstance(data, bytes):
            given = {"hex": data.hex()}
        else:
            given = {"text": data if isinstance(data, str) else pack(data).decode()}
        return vector(f"ws-legacy-{name}", why, given, {"verdict": verdict})

    whole = legacy([json_part, b"ab", b"c"])
    utf8 = {**message, "content": {"code": "é 🐍"}}
    return [
        text("text", "Without buffers: one JSON object as text.", message),
        text("text-from-server", "The server adds msg_id and msg_type beside the header.", served, "iopub"),
        text("text-without-buffers", "The field buffers may be missing.", {k: v for k, v in message.items() if k != "buffers"}),
        text("text-without-channel", "Deployed servers take a message without a channel as one for shell. Send it.", {k: v for k, v in message.items() if k != "channel"}),
        text("text-utf-8", "Text beyond ASCII.", utf8, parts=[*PARTS[:3], pack(utf8["content"])]),
        text("text-spaced", "Signatures are no matter here: the server makes its own.", json.dumps(message, indent=2)),
        binary("binary", "With buffers: number of pieces, where each begins, JSON, buffers. Integers are unsigned, 32 bits, big-endian.", [b"\x00\xff"]),
        binary("binary-several", "Each buffer ends where the next begins, the last at the end. Some may be empty.", [b"", b"ab", b"", b"c", b""]),
        binary("binary-large", "Offsets need more than one byte.", [bytes(range(256)) * 2]),
        binary("binary-no-buffers", "JSON alone in the binary form. jupyter_server reads it, JupyterLab does not: do not send it.", []),
        bad("empty-text", "No text.", "", "bad-part"),
        bad("text-no-json", "Text that is no JSON.", "{", "bad-part"),
        bad("text-array", "An array is no message.", "[]", "bad-part"),
        bad("no-header", "A part is missing.", {k: v for k, v in message.items() if k != "header"}, "bad-part"),
        bad("content-null", "A part is no object.", {**message, "content": None}, "bad-part"),
        bad("channel-unknown", "The server knows no such channel, and drops the message.", {**message, "channel": "shel"}, "bad-channel"),
        bad("channel-number", "A channel is text.", {**message, "channel": 0}, "bad-channel"),
        bad("binary-empty", "No bytes at all.", b"", "bad-offsets"),
        bad("binary-too-short-for-the-number", "Three bytes are no number of 32 bits.", whole[:3], "bad-offsets"),
        bad("binary-no-pieces", "Not even JSON.", struct.pack(">I", 0), "bad-offsets"),
        bad("binary-table-cut-off", "The table itself is cut off.", whole[:10], "bad-offsets"),
        bad("binary-number-enormous", "More pieces than bytes: do not allocate what a stranger says.", struct.pack(">I", 2**32 - 1) + whole[4:], "bad-offsets"),
        bad("binary-offset-beyond-the-end", "A piece begins beyond the end.", whole[:12] + struct.pack(">I", len(whole) + 1) + whole[16:], "bad-offsets"),
        bad("binary-offset-into-the-table", "A piece cannot lie in the table.", whole[:4] + struct.pack(">I", 4) + whole[8:], "bad-offsets"),
        bad("binary-offset-into-the-last-offset", "Nor in the last word of it.", whole[:4] + struct.pack(">I", 4 * struct.unpack(">I", whole[:4])[0]) + whole[8:], "bad-offsets"),
        bad("binary-offsets-backwards", "Offsets never go back.", whole[:8] + whole[12:16] + whole[8:12] + whole[16:], "bad-offsets"),
        bad("binary-little-endian", "Little-endian is the order of v1, not of this one.", struct.pack("<4I", *struct.unpack(">4I", whole[:16])) + whole[16:], "bad-offsets"),
        bad("binary-no-json", "The first piece is no JSON.", legacy([b"{", b"ab"]), "bad-part"),
        bad("binary-not-utf-8", "The first piece is not UTF-8.", legacy([b'{"channel":"\xff"}', b"ab"]), "bad-part"),
    ]  # fmt: skip


# --- heartbeats --------------------------------------------------------------------------------


def heartbeats() -> list[Vector]:
    """What a client sends to a kernel's heartbeat comes back."""
    payloads = (
        ("ping", b"ping", "What jupyter_client sends."),
        ("empty", b"", "An empty frame."),
        ("binary", b"\x00\xff<IDS|MSG>\x80", "It is no message: nobody parses it."),
        ("long", bytes(range(256)) * 4, "More than one packet of anything small."),
        ("json", b'{"a": 1}', "Even if it looks like something."),
    )
    found = [
        vector(
            f"heartbeat-{name}",
            why,
            {"frames": [data.hex()]},
            {"frames": [data.hex()]},
            rules="R-HB-1",
        )
        for name, data, why in payloads
    ]
    several = hexes([b"one", b"", b"three"])
    why = "Several frames come back as several."
    return [
        *found,
        vector("heartbeat-several", why, {"frames": several}, {"frames": several}, rules="R-HB-1"),
    ]


def cluster_heartbeats() -> list[Vector]:
    """Which pong of an engine counts."""
    engine = b"0e4b9f5a-6d0f1c2b3a495867"
    now, before, older = b"4.000977799999987", b"3.000512300000012", b"2.000101"

    def pong(
        name: str, why: str, frames: Sequence[bytes], beat: bool, previous: bytes | None = before
    ) -> Vector:
        given = {
            "current": now.hex(),
            "previous": None if previous is None else previous.hex(),
            "frames": hexes(frames),
        }
        return vector(
            f"cluster-heartbeat-{name}", why, given, {"beat": engine.hex() if beat else None}
        )

    return [
        pong("current", "A ping is one frame, the age of the monitor in seconds as text. The pong is the same, and the ROUTER puts the engine's identity in front.", [engine, now], True),
        pong("previous", "An answer to the ping before this one is late, but a sign of life.", [engine, before], True),
        pong("older", "An answer to an older ping is dropped.", [engine, older], False),
        pong("first-period", "In the first period there is no previous ping.", [engine, now], True, None),
        pong("no-previous", "And nothing that could have been one is accepted.", [engine, before], False, None),
        pong("empty", "An empty answer is no answer.", [engine, b""], False),
        pong("empty-no-previous", "An absent ping is not the empty one.", [engine, b""], False, None),
        pong("other-spelling", "The same number in another spelling: bytes are compared, not numbers.", [engine, now + b"0"], False),
        pong("rubbish", "Bytes that are no number.", [engine, b"\xff\x00"], False),
        pong("identity-alone", "A frame is missing.", [engine], False),
        pong("too-many-frames", "A frame too many.", [engine, now, b""], False),
        pong("nothing", "No frames.", [], False),
    ]  # fmt: skip


# --- the cluster -------------------------------------------------------------------------------

CLIENT = b"\x00k\x8bEg"


def recording(name: str) -> list[dict[str, Any]]:
    """Read messages that deployed programs have sent."""
    lines = (HERE.parent / "recordings" / f"{name}.jsonl").read_text("utf-8").splitlines()
    return [shortened(json.loads(line)) for line in lines]


def shortened(value: Any) -> Any:
    """Cut tracebacks down: they are long, and full of the machine on which they arose."""
    if isinstance(value, list):
        return [shortened(each) for each in value]
    if not isinstance(value, dict):
        return value
    value = {name: shortened(each) for name, each in value.items()}
    if value.get("traceback"):
        value["traceback"] = [f"{value.get('ename')}: {value.get('evalue')}"]
    return value


def routing(line: dict[str, Any]) -> list[bytes]:
    """Return the frames that the receiver of a cluster's message sees before the delimiter."""
    session = line["message"]["header"]["session"].encode()
    match line["channel"], line["sender"], line["receiver"]:
        case "iopub", _, _:
            return [line["topic"].encode()] if line.get("topic") else []
        case "monitor", "heart monitor", _:
            return [b"heartmonitor", b""]
        case "monitor", _, _:
            kind = line["message"]["header"]["msg_type"]
            if kind == "task_destination":
                return [b"tracktask", session]
            engine = line["message"]["metadata"].get("engine")
            if kind.endswith("_request"):
                return [b"intask", CLIENT]
            return [b"outtask", CLIENT, *([engine.encode()] if engine else [])]
        case "mux" | "control" as channel, "client", _:
            return [f"{channel}_out".encode(), CLIENT]
        case "mux" | "control" | "task", "engine", _:
            return [session]
        case "broadcast", "scheduler", "engine":
            return [b"sub_scheduler_00", b"sub_scheduler_0", CLIENT]
        case "broadcast", "engine", _:
            return [session, b"sub_scheduler_0", CLIENT]
        case _, "hub" | "scheduler", "client" | "engine":
            return []
    return [CLIENT]


def cluster_messages() -> list[Vector]:
    """One message of each kind and way, as ipyparallel sends it, packed and signed anew."""
    packed = json.loads(HERE.joinpath("apply-buffers.json").read_text("utf-8"))["vectors"]
    call = [bytes.fromhex(each) for each in packed[1]["given"]["buffers"]]
    found: dict[str, Vector] = {}
    for line in recording("cluster"):
        message = line["message"]
        kind, status = message["header"]["msg_type"], message["content"].get("status", "ok")
        way = f"{line['channel']}-{line['sender']}-to-{line['receiver']}"
        name = f"cluster-{way}-{kind.strip('_')}".replace("_", "-").replace(" ", "-")
        name += "-error" * (status == "error")
        buffers = message["buffers"]
        if any(isinstance(each, int) for each in buffers):
            if kind != "apply_request":
                continue  # a long buffer is recorded by its size alone
            buffers = hexes(call)  # a call of the same form
        parts = [pack(message[part]) for part in ("header", "parent_header", "metadata", "content")]
        why = f"{kind} on {line['channel']}, sent by the {line['sender']}, as the {line['receiver']} receives it."
        found.setdefault(
            name,
            frames_vector(
                name,
                why,
                parts=parts,
                identities=routing(line),
                buffers=[bytes.fromhex(each) for each in buffers],
            ),
        )
    return list(found.values())


# --- contents ----------------------------------------------------------------------------------

# Of these no program has sent one while it was recorded, or none that is as it should be.
EXAMPLES: dict[str, Any] = {
    "comm_open": {"comm_id": "c-1", "target_name": "demo", "data": {}},
    "debug_reply": {
        "type": "response",
        "seq": 2,
        "request_seq": 1,
        "success": True,
        "command": "debugInfo",
        "body": {"isStarted": False},
    },
    "engine.comm_msg": {"comm_id": "c-1", "data": {"value": 1}},
    "engine.comm_open": {"comm_id": "c-1", "target_name": "demo", "data": {}},
}
WRONG = (7, "text", True, [], {}, None, [7])


def examples() -> dict[str, tuple[str, Any]]:
    """Return contents that deployed programs have sent, and examples of the rest: name, key."""
    found: dict[str, tuple[str, Any]] = {}
    for name, protocol in (
        ("kernel", KERNEL),
        ("nbclient", KERNEL),
        ("console", KERNEL),
        ("cluster", CLUSTER),
    ):
        for line in recording(name):
            message, content = line["message"], line["message"]["content"]
            kinds = find(message["header"]["msg_type"], line["channel"], line["sender"], protocol)
            # Of several kinds the later one is the special one.
            fitting = [kind.key for kind in kinds if not errors(kind.key, content, ACCEPT)][-1:]
            for key in fitting:
                status = content.get("status", "ok")
                found.setdefault(key if status == "ok" else f"{key}-{status}", (key, content))
    return found | {f"{key}-example": (key, content) for key, content in EXAMPLES.items()}


def errors(key: str, content: Any, profile: str) -> list[str]:
    """List the places of what is wrong with a content."""
    problems = check_content(key, content, profile)
    return [problem.path for problem in problems if problem.level == ERROR]


def contents() -> list[Vector]:
    """Contents of every kind of message: as sent, with a field missing, with a field wrong."""

    def one(name: str, why: str, key: str, content: Any, rule: str = "") -> Vector:
        places = errors(key, content, SEND)
        expect = {"send": not places, "accept": not errors(key, content, ACCEPT)}
        more = {"refimpl": places[0]} if places else {}
        ident = f"content-{name}".lower().replace("_", "-").replace(".", "-").replace("--", "-")
        given = {"message": key, "content": content}
        return vector(ident, why, given, expect, **({"rules": rule} if rule else {}), **more)

    good = examples()
    found = [
        one(
            name,
            f"{key}, "
            + ("an example." if name.endswith("-example") else "as a deployed program sends it."),
            key,
            content,
        )
        for name, (key, content) in good.items()
    ]
    # Of each kind one is spoilt.
    base = {
        key: content for key, content in reversed(good.values()) if not errors(key, content, SEND)
    }
    if lacking := set(MESSAGES) - set(base):
        raise LookupError(f"no recording has a good one, so EXAMPLES needs: {sorted(lacking)}")
    for key, content in sorted(base.items()):
        found.append(one(f"{key}-array", f"{key}: an array instead of an object.", key, []))
        for field in MESSAGES[key].fields:
            if field.name not in content:
                continue
            rest = {name: value for name, value in content.items() if name != field.name}
            if errors(key, rest, SEND):
                why = f"{key}: {field.name} is missing."
                found.append(one(f"{key}-no-{field.name}", why, key, rest, field.rule))
            for value in WRONG:
                spoilt = {**content, field.name: value}
                if errors(key, spoilt, SEND):
                    why = f"{key}: {field.name} is {shown(value)}; expected {field.type}."
                    found.append(one(f"{key}-wrong-{field.name}", why, key, spoilt, field.rule))
                    break
    return found


# --- files -------------------------------------------------------------------------------------

MADE: dict[str, tuple[str, str, str, Any]] = {
    "signatures": ("signatures", "Signatures", "The signature of four parts, in every scheme.", signatures),
    "framing": ("frames", "Framing", "Frames that a socket delivers, and the message they are, or what is wrong with the signature.", framing),
    "malformed": ("frames", "Malformed frames", "Frames that are no message, and why.", malformed),
    "replay": ("deliveries", "Replay", "Several deliveries to one receiver, which remembers signatures.", replay),
    "dates": ("dates", "Dates", "The date in a header, and the instant it means.", dates),
    "cursors": ("cursors", "Cursor positions", "A position in code points, in UTF-16 code units, in bytes of UTF-8.", cursors),
    "connection-files": ("connection-files", "Connection files", "Content of a connection file: the address of each channel, or the field that is wrong.", connection_files),
    "registration-files": ("registration-files", "Registration files", "Content of a registration file: where the launcher listens, or the field that is wrong.", registration_files),
    "handshakes": ("handshakes", "Handshakes", "What a kernel reports to its launcher: the addresses that follow, or the field that is wrong.", handshakes),
    "kernel-specs": ("kernel-specs", "Kernel specs", "Content of kernel.json: the command and the environment, or the field that is wrong.", kernel_specs),
    "websocket-v1": ("websocket-v1", "WebSocket, v1", "Messages of the subprotocol v1.kernel.websocket.jupyter.org.", websocket_v1),
    "websocket-legacy": ("websocket-legacy", "WebSocket, legacy", "Messages without a subprotocol: text, or binary with a table of offsets.", websocket_legacy),
    "heartbeats": ("heartbeats", "Heartbeats", "What the heartbeat socket of a kernel sends back.", heartbeats),
    "cluster-messages": ("frames", "Cluster messages", "What the parts of an ipyparallel cluster send each other: recorded content, packed and signed anew.", cluster_messages),
    "contents": ("contents", "Contents of messages", "Contents of every kind of message, good and bad, to be checked against the catalogue.", contents),
    "cluster-heartbeats": ("cluster-heartbeats", "Heartbeats of a cluster", "Which answer of an engine the heart monitor counts.", cluster_heartbeats),
}  # fmt: skip


def document(kind: str, title: str, description: str, vectors: list[Vector]) -> str:
    """Write a file of vectors."""
    value = {
        "$schema": "vectors.schema.json",
        "kind": kind,
        "title": title,
        "description": description,
        "vectors": vectors,
    }
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def made() -> dict[str, str]:
    """Return every file that is made here: name, text."""
    return {
        f"{name}.json": document(kind, title, description, make())
        for name, (kind, title, description, make) in MADE.items()
    }


if __name__ == "__main__":
    for name, text in made().items():
        HERE.joinpath(name).write_text(text, "utf-8", newline="\n")
