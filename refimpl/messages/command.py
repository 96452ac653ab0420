"""The command `python -m refimpl protocol`: the catalogue from the terminal.

It is described to the parser only when it is used, because a kernel has to start fast.
Plain text for people, as wide as their terminal; with `--json` for programs.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import FILES, MESSAGES, find
from .differences import changes, file_at, message_at
from .model import PROFILES, SEND, VERSIONS
from .problem import nearest, quoted
from .rules import RULES
from .show import (
    INDENT,
    file_lines,
    grouped,
    message_lines,
    named_objects,
    rule_lines,
    struct_lines,
    wrapped,
)

PROGRAM = "python -m refimpl protocol"  # in the examples of the help texts


class UsageError(Exception):
    """What was asked for cannot be done; the text is the one line that says why."""


def write_out(text: str) -> None:
    """Write to stdout. A reader that has left, as `head` does, is no failure.

    Raises UsageError if it cannot be written for another reason, such as a full disk.
    """
    if sys.stdout is None:  # closed by whoever started us
        return
    encoding = sys.stdout.encoding or "utf-8"
    plain = text.encode(encoding, "backslashreplace").decode(encoding)
    try:
        sys.stdout.write(plain)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still in the buffer would fail once more when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise UsageError(f"cannot write to stdout: {error.strerror or error}") from None


def write_json(value: Any) -> None:
    """Write a value to stdout as JSON."""
    from .generate import as_json

    write_out(as_json(value))


# --- list --------------------------------------------------------------------------------------


def list_messages(options: argparse.Namespace) -> int:
    """List messages and files."""
    version, channel = options.protocol, options.channel
    messages = [message_at(each, version) if version else each for each in MESSAGES.values()]
    listed = [each for each in messages if each and (not channel or channel in each.channels)]
    all_files = [file_at(each, version) if version else each for each in FILES.values()]
    files = [each for each in all_files if each and not channel]
    if options.json:
        from .dump import file_data, message_data

        write_json(
            {
                "messages": {message.key: message_data(message) for message in listed},
                "files": {file.key: file_data(file) for file in files},
            }
        )
        return 0
    lines = []
    for protocol in dict.fromkeys(message.protocol for message in listed):
        mine = [message for message in listed if message.protocol == protocol]
        lines.append(f"{len(mine)} messages of the {protocol} protocol")
        lines += grouped((", ".join(each.channels), each.key, each.purpose) for each in mine)
        lines += ["", ""]
    if files:
        lines += [f"{len(files)} files", ""]
        lines += grouped(("", each.key, each.purpose) for each in files)
        lines += ["", ""]
    lines += wrapped(f"More about one of them: {PROGRAM} show NAME")
    write_out("\n".join(lines) + "\n")
    return 0


# --- show --------------------------------------------------------------------------------------


def show(options: argparse.Namespace) -> int:
    """Show a message, a file or a rule."""
    lines: list[str] = []
    data: dict[str, Any] = {}
    for number, name in enumerate(options.names):
        more, document = described(name)
        lines += ["", ""] * bool(number) + more
        data |= document
    if options.json:
        write_json(data)
    else:
        write_out("\n".join(lines) + "\n")
    return 0


def described(name: str) -> tuple[list[str], dict[str, Any]]:
    """Return the lines about one name, and the same as data; raise UsageError if it is unknown."""
    from .dump import file_data, message_data, rule_data, struct_data

    key = name.strip()
    key = key.lower() if key.lower() in (*MESSAGES, *FILES) else key
    if key in MESSAGES:
        return message_lines(MESSAGES[key]), {key: message_data(MESSAGES[key])}
    if key in FILES:
        return file_lines(FILES[key]), {key: file_data(FILES[key])}
    if key.upper() in RULES:
        return rule_lines(key.upper()), {key.upper(): rule_data(RULES[key.upper()])}
    named = named_objects()
    for struct in named.values():
        if struct.name.lower() == key.lower():
            return struct_lines(struct), {struct.name: struct_data(struct)}
    same = find(key)  # no message has this key, but some have the name
    if same:
        lines = [line for each in same for line in [*message_lines(each), ""]]
        return lines[:-1], {each.key: message_data(each) for each in same}
    near = nearest(key, [*MESSAGES, *FILES, *RULES, *named]) or nearest(key.upper(), RULES)
    hint = f"did you mean {near}?" if near else f"see {PROGRAM} list"
    raise UsageError(f"show: no message, file or rule is named {quoted(name)}; {hint}")


# --- diff --------------------------------------------------------------------------------------


def diff(options: argparse.Namespace) -> int:
    """List what changed between two versions."""
    try:
        found = changes(options.old, options.new, MESSAGES.values(), FILES.values())
    except ValueError as error:
        raise UsageError(f"diff: {error}") from None
    if options.json:
        write_json({"old": options.old, "new": options.new, "changes": [asdict(c) for c in found]})
        return 0
    lines: list[str] = []
    for version in dict.fromkeys(each.version for each in found):
        lines += [version, ""]
        mine = [each for each in found if each.version == version]
        for kind in dict.fromkeys(each.kind for each in mine):
            lines.append(f"{INDENT}{kind}")
            for each in mine:
                if each.kind == kind:
                    place = f"{each.key}: {each.path}" if each.path else each.key
                    lines.append(f"{INDENT * 2}{place}")
                    lines += wrapped(each.text, INDENT * 3)
            lines.append("")
    number = len(found)
    lines.append(f"{number} change{'' if number == 1 else 's'} from {options.old} to {options.new}")
    write_out("\n".join(lines) + "\n")
    return 0


# --- schema, types, the whole ------------------------------------------------------------------


def schema(options: argparse.Namespace) -> int:
    """Write the JSON Schema of a message or a file."""
    from .schema import file_schema, message_schema

    key = options.key
    try:
        if key in MESSAGES:
            document = message_schema(MESSAGES[key], options.profile, options.protocol)
        elif key in FILES:
            document = file_schema(FILES[key], options.profile, options.protocol)
        else:
            near = nearest(key, [*MESSAGES, *FILES])
            hint = f"did you mean {near}?" if near else f"see {PROGRAM} list"
            raise UsageError(f"schema: no message or file is named {quoted(key)}; {hint}")
    except ValueError as error:
        raise UsageError(f"schema: {error}") from None
    write_json(document)
    return 0


def typed(_: argparse.Namespace) -> int:
    """Write the contents of all messages and files as Python types."""
    from .typed import module

    write_out(module())
    return 0


def whole(options: argparse.Namespace) -> int:
    """Write the whole catalogue as JSON."""
    from .dump import protocol, protocol_schema

    write_json(protocol_schema() if options.schema else protocol())
    return 0


def write(options: argparse.Namespace) -> int:
    """Write the files that are made from the catalogue anew: schemas and types."""
    from .generate import generated, stale

    folder = Path(options.folder or Path(__file__).parent.parent)
    try:
        changed = stale(folder)
        if options.check:
            write_out("".join(f"stale: {path}\n" for path in changed))
            return 1 if changed else 0
        texts = generated()
        for path in changed:
            target = folder / path
            if path not in texts:
                target.unlink()
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(texts[path], "utf-8", newline="\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"write: {error}") from None
    write_out(f"{len(texts)} files in {folder}: {len(changed)} changed\n")
    return 0


# --- validate ----------------------------------------------------------------------------------


def validate(options: argparse.Namespace) -> int:
    """Check messages, transcripts, connection files, kernel specs.

    The status is 1 if something is wrong with one of them, 2 if one cannot be read.
    """
    from .problem import ERROR
    from .read import Unreadable, check_path

    reports: list[dict[str, Any]] = []
    status = 0
    counts = {"fine": 0, "with problems": 0, "unreadable": 0}
    for name in options.files:
        try:
            kind, problems = check_path(name, options.kind, options.profile)
        except Unreadable as error:
            reports.append({"file": name, "unreadable": str(error)})
            counts["unreadable"] += 1
            status = 2
            if not options.json:
                sys.stderr.write(f"{printable(name)}: {error}\n")
            continue
        bad = any(each.level == ERROR for each in problems)
        counts["with problems" if bad else "fine"] += 1
        status = max(status, int(bad))
        listed = [asdict(each) for each in problems]
        reports.append({"file": name, "kind": kind, "ok": not bad, "problems": listed})
        if not options.json:
            lines = [
                f"{printable(name)}: {'note: ' * (each.level != ERROR)}{each}" for each in problems
            ]
            if not bad:
                lines.append(f"{printable(name)}: ok ({kind}, profile {options.profile})")
            write_out("\n".join(lines) + "\n")
    if options.json:
        write_json({"profile": options.profile, "files": reports})
    elif len(options.files) > 1:
        parts = [f"{number} {what}" for what, number in counts.items() if number]
        write_out(f"{len(options.files)} files: {', '.join(parts)}\n")
    return status


def printable(name: str) -> str:
    """Return the name of a file without characters that a terminal obeys."""
    return name if name.isprintable() else quoted(name)


# --- the arguments -----------------------------------------------------------------------------


def describe(parser: argparse.ArgumentParser) -> None:
    """Describe the commands to the parser of `protocol`; each sets `run`."""
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    prefix = parser.prog

    def add(
        name: str, run: Callable[[argparse.Namespace], int], example: str
    ) -> argparse.ArgumentParser:
        text = (run.__doc__ or "").partition("\n")[0]
        epilog = f"example: {prefix} {example}"
        added = commands.add_parser(name, help=text, description=text, epilog=epilog)
        added.set_defaults(run=run)
        return added

    def add_json(added: argparse.ArgumentParser) -> None:
        added.add_argument("--json", action="store_true", help="write JSON for other programs")

    def add_protocol(added: argparse.ArgumentParser) -> None:
        text = "only what that version of the kernel protocol has"
        added.add_argument("--protocol", choices=VERSIONS, default="", metavar="V", help=text)

    added = add("list", list_messages, "list --channel control")
    channels = sorted({name for message in MESSAGES.values() for name in message.channels})
    text = f"only messages on it: {', '.join(channels)}"
    added.add_argument("--channel", choices=channels, metavar="C", help=text)
    add_protocol(added)
    add_json(added)

    added = add("show", show, "show execute_request")
    text = "a message, a file (connection-file), a rule (R-EXEC-3), an object (header)"
    added.add_argument("names", nargs="+", metavar="NAME", help=text)
    add_json(added)

    added = add("diff", diff, "diff 5.3 5.6")
    for name in ("old", "new"):
        added.add_argument(name, choices=VERSIONS, metavar=name.upper(), help="a version: 5.3")
    add_json(added)

    added = add("schema", schema, "schema execute_request --accept")
    added.add_argument("key", metavar="NAME", help="a message or a file")
    text = "what to expect from deployed programs; without it: what to send"
    added.add_argument(
        *("--accept",),
        dest="profile",
        action="store_const",
        const="accept",
        default=SEND,
        help=text,
    )
    add_protocol(added)

    add("typed", typed, "typed > contents.py")

    added = add("json", whole, "json > protocol.json")
    added.add_argument("--schema", action="store_true", help="write the schema of that document")

    added = add("validate", validate, "validate kernel.json")
    text = "JSON; a transcript may be an array or one message in each line; - is stdin"
    added.add_argument("files", nargs="+", metavar="FILE", help=text)
    text = "send: as a program should send it (default); accept: as deployed programs do"
    added.add_argument("--profile", choices=PROFILES, default=SEND, help=text)
    kinds = ("auto", "message", "transcript", *FILES)
    text = f"what it is: {', '.join(kinds)} (default: auto)"
    added.add_argument("--kind", choices=kinds, default="auto", metavar="KIND", help=text)
    add_json(added)

    added = add("write", write, "write")
    added.add_argument("folder", nargs="?", metavar="DIR", help="where (default: the package)")
    text = "write nothing; list what is stale, and exit with 1 if there is something"
    added.add_argument("--check", action="store_true", help=text)
