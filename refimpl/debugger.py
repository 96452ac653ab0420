"""What a kernel says to a debugging front end; the debugger itself is given.

A `debug_request` carries a request of the Debug Adapter Protocol (DAP), its `debug_reply` the
response, and a `debug_event` tells what happened meanwhile.  Most requests are passed on to the
debugger.  The rest are answered here: Jupyter's additions for cells, which are no files, and for
variables, which a front end wants to see when nothing has stopped, too.

A breakpoint needs a file.  Front end and kernel name it alike without asking each other: folder,
Murmur2 hash of the code, `.py`.  The cells keep their own names, and the debugger is told which
file each of them is; so cells that ran before it was started can have breakpoints.

`Debugger` is given a `Link`, the real debugger, which `run_debugpy` has, and what belongs to the
kernel.  It is told of each cell by `cell`, before, and `left`, afterwards; requests go to `answer`.
"""

from __future__ import annotations

import contextlib
import contextvars
import fnmatch
import itertools
import json
import os
import re
import reprlib
import sys
import types
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

Content = dict[str, Any]

HASH_SEED = 0x9747B28C
SUFFIX = ".py"
# Front ends ask for the folder and take any; JupyterLab calls its files cells by this part of it.
FOLDER_PREFIX = "ipykernel_"
FIRST_REFERENCE = 1 << 30  # numbers of our variables; those of the debugger begin at 1
MOST_CHILDREN = 1000  # of one variable, unless the front end asks for more

# Passed on to the debugger.  What it does not know it would not answer.
PASSED_ON = frozenset(
    {
        "completions",
        "configurationDone",
        "continue",
        "evaluate",
        "exceptionInfo",
        "goto",
        "gotoTargets",
        "next",
        "pause",
        "scopes",
        "setExpression",
        "setVariable",
        "stackTrace",
        "stepIn",
        "stepInTargets",
        "stepOut",
        "threads",
    }
)
GROUPS = ("special variables", "function variables")  # how the debugger calls parts of a scope
# What interactive Python keeps of earlier cells: _, __, _1, _i, _ii, _i1.
_KEPT_BY_PYTHON = re.compile(r"__+|_(\d*|i+|i\d+)")
_UNCOUNTED = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType)


class DebugError(Exception):
    """A debug request cannot be answered; the text says why."""


class Link(Protocol):
    """The debugger, as it is reached from a kernel."""

    internal: list[str]  # patterns of paths that it should not step into

    async def start(self, on_event: Callable[[Content], None]) -> None:
        """Start the debugger; its events are given to the function, in any thread.

        Raises DebugError.
        """

    async def request(self, command: str, arguments: Content) -> Content:
        """Send a DAP request; return the response. Raises DebugError when there will be none."""

    def name_file(self, filename: str, path: str) -> None:
        """Tell that code compiled under this name is what the file at this path holds."""

    def trace(self, on: bool) -> None:
        """Let this thread stop, at breakpoints and the like, or not."""

    def leave(self, error: BaseException | None) -> None:
        """Take note that this thread has left the user's code, with an error perhaps.

        A step ends there; who wants to see uncaught exceptions, sees this one.
        """

    def stop(self) -> None:
        """Stop the debugger: what stands still runs on, and nothing is traced any more."""


# --- names and frames --------------------------------------------------------------------------


def murmur2(data: bytes, seed: int) -> int:
    """Return the 32-bit MurmurHash2 of data.

    Source: Austin Appleby, MurmurHash2 (little endian, 32 bits).

    >>> murmur2(b"hello", 0)
    3848350155
    """
    mix, mask = 0x5BD1E995, 0xFFFFFFFF
    value = (seed ^ len(data)) & mask
    whole = len(data) & ~3
    for start in range(0, whole, 4):
        word = int.from_bytes(data[start : start + 4], "little") * mix & mask
        value = value * mix & mask ^ (word ^ word >> 24) * mix & mask
    if whole < len(data):
        value = (value ^ int.from_bytes(data[whole:], "little")) * mix & mask
    value = (value ^ value >> 13) * mix & mask
    return value ^ value >> 15


def encode(message: Content) -> bytes:
    r"""Write a DAP message as it goes through a stream: length in bytes, empty line, JSON.

    >>> encode({"seq": 1})
    b'Content-Length: 9\r\n\r\n{"seq":1}'
    """
    body = json.dumps(message, separators=(",", ":")).encode()
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


class Decoder:
    """Cut a stream of bytes into DAP messages."""

    def __init__(self) -> None:
        """Begin at the start of a message."""
        self._bytes = bytearray()

    def feed(self, data: bytes) -> Iterator[Content]:
        """Take what has arrived; yield the messages that are complete.

        Raises ValueError for a head without a length, and for a body that is not JSON.
        """
        self._bytes += data
        while (end := self._bytes.find(b"\r\n\r\n")) >= 0:
            length = re.search(rb"(?i)^content-length: *(\d+) *$", self._bytes[:end], re.MULTILINE)
            if length is None:
                raise ValueError(f"expected Content-Length, got {bytes(self._bytes[:end])[:80]!r}")
            stop = end + 4 + int(length[1])
            if len(self._bytes) < stop:
                return
            body = bytes(self._bytes[end + 4 : stop])
            del self._bytes[:stop]
            yield json.loads(body)


# --- variables ---------------------------------------------------------------------------------

_kept: dict[int, Any] = {}


def keep(number: int, value: Any) -> None:
    """Put a value where `Debugger` fetches it; the debugger calls this in a frame that stopped."""
    _kept[number] = value


class Variables:
    """Describe values as DAP variables, and remember those that have more inside."""

    def __init__(self) -> None:
        """Begin with nothing to remember."""
        self._repr = reprlib.Repr()
        self._repr.maxstring = self._repr.maxother = self._repr.maxlong = 1000
        self._repr.maxdict = self._repr.maxlist = self._repr.maxtuple = 100
        self._inside: dict[int, Any] = {}

    def __contains__(self, reference: int) -> bool:
        return reference in self._inside

    def forget(self) -> None:
        """Let go of all values."""
        self._inside.clear()

    def describe(self, name: str, value: Any, expression: str = "") -> Content:
        """Describe one variable. Its text is cut: values may be huge.

        >>> Variables().describe("n", 5)["value"]
        '5'
        """
        try:
            text = self._repr.repr(value)
        except Exception as error:  # the `__repr__` is the user's
            text = f"<{type(value).__name__}: its repr() raised {type(error).__name__}>"
        reference = 0
        if _children(value):
            reference = FIRST_REFERENCE + len(self._inside)
            self._inside[reference] = value
        kind = type(value).__name__
        found = {"name": name, "value": text, "type": kind, "variablesReference": reference}
        return {**found, "evaluateName": expression} if expression else found

    def inside(self, reference: int, start: int = 0, count: int = 0) -> list[Content]:
        """Describe what is inside a value; of many, `count` from `start`."""
        found = _children(self._inside[reference])
        stop = start + (count or MOST_CHILDREN)
        return [self.describe(name, value) for name, value in found[start:stop]]


def _children(value: Any) -> list[tuple[str, Any]]:
    """List what is inside a value: items, or else attributes."""
    try:
        if isinstance(value, dict):
            return [(reprlib.repr(key), each) for key, each in list(value.items())]
        if isinstance(value, list | tuple | set | frozenset):
            return [(str(number), each) for number, each in enumerate(list(value))]
        if isinstance(value, _UNCOUNTED):
            return []
        return [(str(name), each) for name, each in list(vars(value).items())]
    except Exception:  # no attributes, or a class of the user that misbehaves
        return []


# --- the conversation --------------------------------------------------------------------------


class Debugger:
    """Answer debug requests: some here, the others by asking the debugger."""

    def __init__(
        self,
        link: Link,
        cells: dict[str, str],
        namespace: dict[Any, Any],  # globals() may hold keys that are no text
        own_names: dict[Any, Any],
        describe: Callable[[Any], tuple[Content, Content]],
        publish: Callable[[str, Content], None],
        interrupt: Callable[[], Any],
    ) -> None:
        """Take what belongs to the kernel; nothing is started or written until it is asked for.

        `cells` holds the code of the cells so far, by the names they are compiled under, and
        `own_names` what the namespace held before the user came; it is not listed.
        """
        self._link = link
        self._cells = cells
        self._namespace, self._own_names = namespace, own_names
        self._describe, self._publish, self._interrupt = describe, publish, interrupt
        self._started = False
        self._folder = ""
        self._breakpoints: dict[str, list[Content]] = {}
        self._stopped: set[int] = set()  # threads
        self._module_frames: set[int] = set()
        self._global_scopes: set[int] = set()
        self._variables = Variables()
        self._numbers = itertools.count(1)
        self._context = contextvars.copy_context()  # of the latest debug request
        self._handlers: dict[str, Callable[[Content], Awaitable[Content]]] = {
            "attach": self._attach,
            "copyToGlobals": self._copy_to_globals,
            "debugInfo": self._debug_info,
            "disconnect": self._disconnect,
            "dumpCell": self._dump_cell,
            "initialize": self._initialize,
            "inspectVariables": self._inspect_variables,
            "modules": self._modules,
            "richInspectVariables": self._rich_inspect_variables,
            "setBreakpoints": self._set_breakpoints,
            "setExceptionBreakpoints": self._set_exception_breakpoints,
            "source": self._source,
            "terminate": self._terminate,
            "variables": self._list_variables,
        }

    def cell(self, filename: str, code: str) -> None:
        """Take note of a cell that is about to be compiled under this name."""
        self._cells[filename] = code
        if self._started:
            self._link.name_file(filename, self._path(code))
            self._link.trace(True)

    def left(self, error: BaseException | None) -> None:
        """Take note that the code of a cell has come to its end, in this thread."""
        if self._started:
            self._link.leave(error)
            self._link.trace(False)

    def trace(self, on: bool) -> None:
        """Let the code that this thread runs stop, or not: it may be the kernel's own."""
        if self._started:
            self._link.trace(on)

    def close(self) -> None:
        """Stop the debugger, and remove its files."""
        self._stop()
        folder, self._folder = self._folder, ""
        if folder:
            import shutil  # late: a kernel has to start fast

            shutil.rmtree(folder, ignore_errors=True)

    async def answer(self, request: Content) -> Content:
        """Answer the content of a debug_request with the content of its debug_reply."""
        self._context = contextvars.copy_context()
        command, arguments = request["command"], dict(request["arguments"])
        try:
            handler = self._handlers.get(command)
            if handler is not None:
                content = await handler(arguments)
            elif command in PASSED_ON:
                content = await self._pass_on(command, arguments)
            else:
                raise DebugError(f"unknown command {command[:80]!r}")
        except DebugError as error:
            content = {"success": False, "message": str(error)}
        return {
            "success": True,
            **{key: content[key] for key in ("success", "message", "body") if key in content},
            "type": "response",
            "seq": next(self._numbers),
            "request_seq": request["seq"],
            "command": command,
        }

    def happened(self, event: Content) -> None:
        """Take note of an event of the debugger, and publish it, as of the latest request."""
        body = event.get("body") or {}
        if event["event"] == "module" and self._is_internal(body["module"].get("path", "")):
            return  # nor are its frames shown
        if event["event"] == "stopped":
            self._stopped.add(body["threadId"])
        elif event["event"] == "continued":
            if body.get("allThreadsContinued"):
                self._stopped.clear()
            self._stopped.discard(body["threadId"])
        elif event["event"] == "terminated":
            self._stop()
        event = {**event, "seq": next(self._numbers)}
        self._context.run(self._publish, "debug_event", event)

    def _is_internal(self, path: str) -> bool:
        """Tell whether a file is part of what runs the cells."""
        return any(fnmatch.fnmatch(path, pattern) for pattern in self._link.internal)

    # --- started and stopped -------------------------------------------------------------------

    async def _initialize(self, arguments: Content) -> Content:
        if not self._started:
            await self._link.start(self.happened)
            self._started = True
            for filename, code in list(self._cells.items()):
                self._link.name_file(filename, self._path(code))
        return await self._pass_on("initialize", arguments)

    async def _attach(self, arguments: Content) -> Content:
        # A notebook's user may want to look into any library; what runs the cells is no part of it.
        mine = {
            "rules": [{"path": path, "include": False} for path in self._link.internal],
            "subProcess": False,
            "terminateChildProcesses": False,
        }
        response = await self._pass_on("attach", {"justMyCode": False, **arguments, **mine})
        if response.get("success"):
            await self._pass_on("configurationDone", {})  # not every front end sends it
        return response

    async def _disconnect(self, arguments: Content) -> Content:
        # `terminateDebuggee` would end the kernel, which has a request of its own for that.
        response = await self._pass_on("disconnect", {**arguments, "terminateDebuggee": False})
        self._stop()
        return response

    def _stop(self) -> None:
        if self._started:
            self._started = False
            self._link.stop()
        self._breakpoints.clear()
        self._stopped.clear()
        self._variables.forget()

    async def _terminate(self, arguments: Content) -> Content:
        """End the code that is debugged, the cell; the kernel goes on."""
        self._interrupt()
        return {}

    async def _pass_on(self, command: str, arguments: Content) -> Content:
        if not self._started:
            raise DebugError(f"{command}: the debugger has not been started: initialize it first")
        response = await self._link.request(command, arguments)
        body = response.get("body") or {}
        if command == "stackTrace":
            frames = body.get("stackFrames", ())
            self._module_frames -= {frame["id"] for frame in frames}  # numbers are used again
            self._module_frames |= {f["id"] for f in frames if f["name"] == "<module>"}
        elif command == "scopes":
            module = arguments["frameId"] in self._module_frames
            for scope in body.get("scopes", ()):
                reference = scope["variablesReference"]
                self._global_scopes.discard(reference)
                if module or scope["name"] == "Globals":
                    self._global_scopes.add(reference)
        return response

    async def _debug_info(self, arguments: Content) -> Content:
        points = [{"source": path, "breakpoints": each} for path, each in self._breakpoints.items()]
        return {
            "body": {
                "isStarted": self._started,
                "hashMethod": "Murmur2",
                "hashSeed": str(HASH_SEED),
                "tmpFilePrefix": self._folder_of_cells() + os.sep,
                "tmpFileSuffix": SUFFIX,
                "breakpoints": points,
                "stoppedThreads": sorted(self._stopped),
                "richRendering": True,
                "exceptionPaths": ["Python Exceptions"],
                "copyToGlobals": True,
            }
        }

    # --- cells, breakpoints, sources -----------------------------------------------------------

    def _folder_of_cells(self) -> str:
        if not self._folder:
            import tempfile  # late: a kernel has to start fast

            # Its owner's alone, and resolved, as the debugger compares paths.
            self._folder = os.path.realpath(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
        return self._folder

    def _path(self, code: str) -> str:
        number = murmur2(code.encode("utf-8", "replace"), HASH_SEED)
        return os.path.join(self._folder_of_cells(), f"{number}{SUFFIX}")  # noqa: PTH118 - a string

    async def _dump_cell(self, arguments: Content) -> Content:
        code = _argument("dumpCell", arguments, "code", str)
        path = self._path(code)
        _write(path, code)
        return {"body": {"sourcePath": path}}

    async def _set_breakpoints(self, arguments: Content) -> Content:
        source = _argument("setBreakpoints", arguments, "source", dict)
        path = _argument("setBreakpoints", source, "path", str, "source.")
        for number, point in enumerate(arguments.get("breakpoints") or ()):
            place = f"breakpoints[{number}]"  # a bad one would end the debugger
            _argument("setBreakpoints", {place: point}, place, dict)
            _argument("setBreakpoints", point, "line", int, f"{place}.")
        response = await self._pass_on("setBreakpoints", arguments)
        if response.get("success"):
            # The debugger may have moved them to other lines.
            points = [{"line": point["line"]} for point in response["body"]["breakpoints"]]
            self._breakpoints[path] = points
            if not points:
                del self._breakpoints[path]
        return response

    async def _set_exception_breakpoints(self, arguments: Content) -> Content:
        _argument("setExceptionBreakpoints", arguments, "filters", list)  # or debugpy would end
        return await self._pass_on("setExceptionBreakpoints", arguments)

    async def _source(self, arguments: Content) -> Content:
        source = _argument("source", arguments, "source", dict)
        path = _argument("source", source, "path", str, "source.")
        with contextlib.suppress(OSError, ValueError):  # not there, or not a text
            return {"body": {"content": _read(path)}}
        for code in list(self._cells.values()):  # a cell that was not dumped
            if self._path(code) == path:
                return {"body": {"content": code}}
        raise DebugError(f"source: expected the path of a readable file or a cell, got {path!r}")

    async def _modules(self, arguments: Content) -> Content:
        found = [
            {"id": number, "name": name, "path": path}
            for number, (name, path) in enumerate(_modules_with_source(sys.modules))
        ]
        start = _argument("modules", {"startModule": 0, **arguments}, "startModule", int)
        given = {"moduleCount": len(found), **arguments}
        count = _argument("modules", given, "moduleCount", int)
        return {"body": {"modules": found[start : start + count], "totalModules": len(found)}}

    # --- variables -----------------------------------------------------------------------------

    def _is_own(self, name: str) -> bool:
        """Tell whether a global variable was there before the user came, and is still the same."""
        if _KEPT_BY_PYTHON.fullmatch(name) or (name.startswith("__") and name.endswith("__")):
            return True
        return name in self._own_names and self._namespace.get(name) is self._own_names[name]

    async def _inspect_variables(self, arguments: Content) -> Content:
        self._variables.forget()
        found = [
            self._variables.describe(name, value, name)
            for name, value in list(self._namespace.items())
            if isinstance(name, str) and not self._is_own(name)
        ]
        return {"body": {"variables": found}}

    async def _list_variables(self, arguments: Content) -> Content:
        reference = _argument("variables", arguments, "variablesReference", int)
        if reference in self._variables:
            given = {"start": 0, "count": 0, **arguments}
            start = _argument("variables", given, "start", int)
            count = _argument("variables", given, "count", int)
            return {"body": {"variables": self._variables.inside(reference, start, count)}}
        response = await self._pass_on("variables", arguments)
        if response.get("success") and reference in self._global_scopes:
            found = response["body"]["variables"]
            kept = [variable for variable in found if not self._is_own(variable["name"])]
            response = {**response, "body": {"variables": kept}}
        return response

    async def _rich_inspect_variables(self, arguments: Content) -> Content:
        name = _argument("richInspectVariables", arguments, "variableName", str)
        if name in GROUPS:
            return {"body": {"data": {}, "metadata": {}}}
        frame = arguments.get("frameId") if self._stopped else None
        value = await self._value("richInspectVariables", name, frame)
        data, metadata = self._describe(value)
        return {"body": {"data": data, "metadata": metadata}}

    async def _copy_to_globals(self, arguments: Content) -> Content:
        source = _argument("copyToGlobals", arguments, "srcVariableName", str)
        target = _argument("copyToGlobals", arguments, "dstVariableName", str)
        frame = _argument("copyToGlobals", arguments, "srcFrameId", int)
        if not target.isidentifier():
            raise DebugError(f"copyToGlobals: dstVariableName: expected a name, got {target!r}")
        value = await self._value("copyToGlobals", source, frame)
        self._namespace[target] = value
        found = self._variables.describe(target, value)
        return {"body": {key: found[key] for key in ("value", "type", "variablesReference")}}

    async def _value(self, command: str, name: str, frame: int | None) -> Any:
        """Return the value of a variable, of a frame that has stopped or of the notebook."""
        if not name.isidentifier():
            raise DebugError(f"{command}: expected the name of a variable, got {name!r}")
        if frame is None:
            if name not in self._namespace:
                raise DebugError(f"{command}: {name} is not defined")
            return self._namespace[name]
        number = next(self._numbers)
        expression = f"__import__({__name__!r}, fromlist=['keep']).keep({number}, {name})"
        asked = {"expression": expression, "frameId": frame, "context": "clipboard"}
        response = await self._pass_on("evaluate", asked)
        if number not in _kept:
            raise DebugError(f"{command}: {name}: {response.get('message', 'it has no value')}")
        return _kept.pop(number)


def _argument(command: str, arguments: Content, name: str, kind: type, inside: str = "") -> Any:
    """Return an argument of this type. Raises DebugError, which names it, for any other."""
    value = arguments.get(name)
    if type(value) is not kind:
        found = type(value).__name__ if name in arguments else "nothing"
        place = f"arguments.{inside}{name}"
        raise DebugError(f"{command}: {place}: expected {kind.__name__}, got {found}")
    return value


def _write(path: str, text: str) -> None:
    with Path(path).open("w", encoding="utf-8", errors="replace", newline="") as file:
        file.write(text)


def _read(path: str) -> str:
    return Path(path).read_text("utf-8")


def _modules_with_source(modules: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """List the modules that were read from a `.py` file: name and path."""
    for name, module in list(modules.items()):
        path = getattr(getattr(module, "__spec__", None), "origin", None)
        if isinstance(path, str) and path.endswith(".py"):
            yield name, path
