"""A Python kernel, small enough to read and complete enough to use.

Copy this file, `wire.py`, `kernel.py` and `run_kernel.py` into a package of your own, and you have
a kernel to start from: `python -m yourpackage.python_kernel -f FILE`.

An `execute_request` goes through these phases:

1. The cell is parsed. If its last statement is an expression, that becomes the cell's value.
2. The statements run from top to bottom, then the value is computed; both may `await`.
3. The value is displayed as execute_result, if it is not None, and kept as `_`.
4. Only after success, the user_expressions are evaluated.
5. The cell is remembered in the history, unless the request said not to.

Tracebacks show the cell's own lines: its source is kept where `traceback` looks for it.
"""

from __future__ import annotations

import ast
import builtins
import codecs
import codeop
import contextlib
import fnmatch
import getpass
import io
import itertools
import keyword
import linecache
import re
import sys
import traceback
import types
import uuid
import warnings
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TextIO

from .kernel import Kernel, error_content
from .wire import InvalidContent

# The methods that objects describe themselves with, as Jupyter's Python kernels have them.
REPR_METHODS = {
    "_repr_html_": "text/html",
    "_repr_markdown_": "text/markdown",
    "_repr_svg_": "image/svg+xml",
    "_repr_png_": "image/png",
    "_repr_jpeg_": "image/jpeg",
    "_repr_latex_": "text/latex",
    "_repr_json_": "application/json",
    "_repr_javascript_": "application/javascript",
    "_repr_pdf_": "application/pdf",
}
_PLAIN = frozenset({bool, bytes, complex, dict, float, int, list, set, str, tuple, type(None)})
_HELP = re.compile(r"\s*(?:(\?{1,2})\s*([\w.]+)|([\w.]+)\s*(\?{1,2}))\s*")
_CALLED_BY_US = re.compile(r"(^|[/\\])(zmq[/\\]|selectors\.py$)")
# Where code waits that an interrupt found stopped; the name in <> is that of its compiled part.
_DEBUGGER = re.compile(r"(^|[/\\])_?pydevd|^<stringsource>$")
_CO_COROUTINE = 0x80  # as in `inspect`, which is slow to import
_COMPILE_FLAGS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


class Entry(NamedTuple):
    """One cell in the history: its number, its source, and the text of its value."""

    line: int
    source: str
    output: str | None


def mime_bundle(
    value: Any, include: Sequence[str] = (), exclude: Sequence[str] = ()
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Describe a value in every form it offers: (data, metadata), both by MIME type.

    `text/plain` is always there. A form whose method raises is left out, with the reason on
    stderr, so that one broken method hides nothing else.

    >>> mime_bundle(2 ** 10)
    ({'text/plain': '1024'}, {})
    """
    data: dict[str, Any] = {"text/plain": _text(value)}
    if type(value) in _PLAIN and not include and not exclude:
        return data, {}
    metadata: dict[str, Any] = {}
    bundle = _own_method(value, "_repr_mimebundle_")
    if bundle is not None:
        forms = _try(lambda: bundle(include=include or None, exclude=exclude or None))
        pair = forms if isinstance(forms, tuple) and len(forms) == 2 else (forms, {})
        if all(isinstance(part, dict) for part in pair):
            data.update(pair[0])
            metadata.update(pair[1])
    for name, mime in REPR_METHODS.items():
        method = _own_method(value, name) if mime not in data else None
        form = _try(method) if method is not None else None
        if isinstance(form, tuple):  # (data, metadata), as for the size of an image
            form, note = form if len(form) == 2 else (None, None)
            if note:
                metadata[mime] = note
        if form is not None:
            data[mime] = form
    if include:
        data = {mime: form for mime, form in data.items() if mime in include}
    data = {mime: form for mime, form in data.items() if mime not in exclude}
    return data, {mime: note for mime, note in metadata.items() if mime in data}


def _own_method(value: Any, name: str) -> Callable[..., Any] | None:
    """Find a method that an object describes itself with; None where it has none.

    A class has the methods, but they describe its instances.  An object that has an attribute of
    any name, as mocks and proxies do, did not mean it.
    """
    if isinstance(value, type):
        return None
    try:
        method: Any = getattr(value, name)
    except AttributeError:
        return None
    except Exception as error:  # from a property, or from a __getattr__ that knows no names
        if any(name in vars(kind) for kind in type(value).__mro__):
            _complain(error)
        return None
    try:
        unlimited = hasattr(value, "_no_such_method_")
    except Exception:
        unlimited = False
    return None if unlimited or not callable(method) else method


def _try(call: Callable[[], Any]) -> Any:
    """Call code of the user; None if it raises, with the reason on stderr."""
    try:
        return call()
    except Exception as error:
        _complain(error)
        return None


def _complain(error: Exception) -> None:
    print(f"display: {type(error).__name__}: {error}", file=sys.stderr)


def _text(value: Any) -> str:
    """Return the repr of a value, whatever its `__repr__` does."""
    try:
        return repr(value)
    except Exception as error:
        return f"<{type(value).__name__}: its repr() raised {type(error).__name__}>"


class ByteStream(io.BufferedIOBase):
    """What `sys.stdout.buffer` is in a kernel: bytes of UTF-8 go where the text goes."""

    def __init__(self, stream: OutStream) -> None:
        """Take the stream that the text is written to."""
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def writable(self) -> bool:
        """Return True."""
        return True

    def close(self) -> None:
        """Stay open, as the stream does."""

    def write(self, data: Any) -> int:
        """Publish bytes, of whatever has a buffer; half a character waits for its other half."""
        self._stream.write(self._decoder.decode(data))
        return memoryview(data).nbytes


class OutStream(io.TextIOBase):
    """What `sys.stdout` and `sys.stderr` are in a kernel: text goes to the front ends."""

    def __init__(self, name: str, write: Callable[[str, str], None]) -> None:
        """Take the stream's name and the function that publishes (name, text)."""
        self.name = name
        self.buffer = ByteStream(self)
        self._publish = write

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """UTF-8, always: there is no terminal here."""
        return "utf-8"

    def writable(self) -> bool:
        """Return True."""
        return True

    def fileno(self) -> int:
        """Return the descriptor of the process, for children and `faulthandler`.

        What they write there does not come to the front ends.
        """
        return 2 if self.name == "stderr" else 1

    def close(self) -> None:
        """Stay open: what the user closes, a later cell would miss."""

    def write(self, text: str) -> int:
        """Publish text. Raises TypeError for anything else."""
        if not isinstance(text, str):
            raise TypeError(f"write: expected str, got {type(text).__name__}")
        self._publish(self.name, text)
        return len(text)


class DisplayHandle:
    """A display that can be replaced later: `handle = display(value, display_id=True)`."""

    def __init__(self, display: Callable[..., Any], display_id: str) -> None:
        """Remember which display this is."""
        self.display_id = display_id
        self._display = display

    def update(self, value: Any, **options: Any) -> None:
        """Replace what is shown by another value."""
        self._display(value, display_id=self.display_id, update=True, **options)

    def __repr__(self) -> str:
        return f"<DisplayHandle {self.display_id}>"


class _Cell:
    """What a cell leaves beside its output: payloads, and the text of its value."""

    def __init__(self) -> None:
        self.payload: list[dict[str, Any]] = []
        self.result_text: str | None = None


_cell: ContextVar[_Cell] = ContextVar("cell")  # of the cell that this thread or task runs


class Debugging(Protocol):
    """What a kernel needs of a debugger; `run_debugger.LateDebugger` is one."""

    def serve(
        self,
        namespace: dict[str, Any],
        describe: Callable[[Any], tuple[dict[str, Any], dict[str, Any]]],
        publish: Callable[[str, dict[str, Any]], None],
        interrupt: Callable[[], Any],
    ) -> None:
        """Take what belongs to the kernel: its variables, and how they are shown.

        What the namespace holds now is the kernel's own, and not listed.
        """

    def cell(self, filename: str, code: str) -> None:
        """Take note of a cell that is about to be compiled under this name."""

    def left(self, error: BaseException | None) -> None:
        """Take note that the code of a cell has come to its end, by an error perhaps."""

    def trace(self, on: bool) -> None:
        """Let the code that this thread runs stop, or not: it may be the kernel's own."""

    def answer(self, request: dict[str, Any]) -> Awaitable[dict[str, Any]]:
        """Answer the content of a debug_request."""


class PythonKernel(Kernel):
    """A kernel that runs Python."""

    debuggable = True  # its class takes a `debugger`
    supports_subshells = True
    implementation = "refimpl-python"
    implementation_version = "0.1.0"
    language_info = {
        "name": "python",
        "version": ".".join(map(str, sys.version_info[:3])),
        "mimetype": "text/x-python",
        "codemirror_mode": {"name": "ipython", "version": 3},
        "pygments_lexer": "python3",
        "nbconvert_exporter": "python",
        "file_extension": ".py",
    }
    banner = f"Python {sys.version}\nrefimpl, a kernel to read and to copy"
    help_links = [{"text": "Python", "url": f"https://docs.python.org/{sys.version_info[0]}"}]

    def __init__(self, debugger: Debugging | None = None, **given: Any) -> None:
        """Prepare an empty namespace; what else is given goes to `Kernel`."""
        super().__init__(**given)
        self.module = types.ModuleType("__main__")
        self.namespace = self.module.__dict__
        self.namespace.update(
            display=self.display,
            clear_output=self.clear_output,
            exit=self.exit,
            quit=self.exit,
            __builtins__=builtins,
        )
        self._histories: dict[str | None, list[Entry]] = {}  # of each shell
        self.stdout = OutStream("stdout", self.stream)
        self.stderr = OutStream("stderr", self.stream)
        self._redirection = self._redirect()  # lasts as long as the kernel
        self._unnumbered = itertools.count(1)
        self._debugger = debugger
        if debugger is not None:
            self.supported_features = [*self.supported_features, "debugger"]
            debugger.serve(self.namespace, mime_bundle, self.publish, self.do_interrupt)

    # --- the process is the user's -------------------------------------------------------------

    def start(self) -> None:
        """Make this process the user's: `__main__`, sys.stdout, input, and the working folder."""
        self._redirection.__enter__()
        sys.modules["__main__"] = self.module
        sys.argv = [""]  # as at Python's own prompt: the arguments of the kernel are not the user's
        if not sys.path or sys.path[0] != "":
            sys.path.insert(0, "")  # modules beside the notebook can be imported

    @contextlib.contextmanager
    def _redirect(self) -> Iterator[None]:
        """Send what Python prints and asks to the front end."""
        names: list[tuple[Any, str, Any]] = [
            (sys, "stdout", self.stdout),
            (sys, "stderr", self.stderr),
            (builtins, "input", self.input),
            (getpass, "getpass", self._getpass),
            (sys, "displayhook", self._displayhook),
        ]
        before = [getattr(owner, name) for owner, name, _ in names]
        for owner, name, value in names:
            setattr(owner, name, value)
        try:
            yield
        finally:
            for (owner, name, _), value in zip(names, before, strict=True):
                setattr(owner, name, value)

    # --- functions for the user ----------------------------------------------------------------

    def display(
        self,
        *values: Any,
        display_id: str | bool | None = None,
        update: bool = False,
        raw: bool = False,
        metadata: dict[str, Any] | None = None,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        transient: dict[str, Any] | None = None,
    ) -> DisplayHandle | None:
        """Show values in the front end, each in the richest form it has.

        With `display_id` (True for a new one) the display can be replaced later, by the handle
        that is returned or by `update=True`. With `raw`, values are MIME bundles already.
        Raises TypeError for `update` without an id, and for a raw value that is not a dict.
        """
        if update and not isinstance(display_id, str):
            raise TypeError("display: update needs the display_id of what it replaces")
        if display_id is True:
            display_id = uuid.uuid4().hex
        transient = dict(transient or {})
        if display_id:
            transient["display_id"] = display_id
        msg_type = "update_display_data" if update else "display_data"
        for value in values:
            own = None if raw else _own_method(value, "_ipython_display_")
            if own is not None:
                own()
                continue
            if raw and not isinstance(value, dict):
                raise TypeError(f"display: expected a MIME bundle, got {type(value).__name__}")
            data, notes = (value, {}) if raw else mime_bundle(value, include, exclude)
            notes = {**notes, **(metadata or {})}
            self.publish(msg_type, {"data": data, "metadata": notes, "transient": transient})
        return DisplayHandle(self.display, display_id) if display_id else None

    def clear_output(self, wait: bool = False) -> None:
        """Remove the outputs of this cell; with `wait`, only once there is something new."""
        self.publish("clear_output", {"wait": bool(wait)})

    def page(self, text: str, title: str = "") -> None:
        """Show text in the front end's pager, beside the outputs."""
        _cell.get(_Cell()).payload.append(
            {"source": "page", "data": {"text/plain": text}, "start": 0}
        )

    def exit(self, status: Any = None) -> None:
        """Ask the front end to end this kernel."""
        _cell.get(_Cell()).payload.append({"source": "ask_exit", "keepkernel": False})

    def input(self, prompt: object = "", /) -> str:
        """Ask the user for a line of text, as the builtin does."""
        return self.raw_input(str(prompt))

    def _getpass(self, prompt: str = "Password: ", stream: TextIO | None = None, **_: Any) -> str:
        return self.getpass(prompt)

    def _displayhook(self, value: Any) -> None:
        if value is None:
            return
        self.namespace["_"] = value
        own = _own_method(value, "_ipython_display_")
        if own is not None:
            own()
            return
        data, metadata = mime_bundle(value)
        _cell.get(_Cell()).result_text = data["text/plain"]
        count = self.execution_count
        result = {"data": data, "metadata": metadata, "execution_count": count}
        self.publish("execute_result", result)

    # --- execution -----------------------------------------------------------------------------

    async def do_execute(
        self,
        code: str,
        silent: bool,
        store_history: bool = True,
        user_expressions: dict[str, str] | None = None,
        allow_stdin: bool = False,
    ) -> dict[str, Any]:
        """Run a cell. See the phases at the top of this module."""
        cell = _Cell()
        _cell.set(cell)
        with self._redirected():
            filename = self._filename(store_history)
            if self._debugger is not None:
                self._debugger.cell(filename, code)
            error = await self._run_cell(code, filename)
            if error is not None:
                sys.last_type, sys.last_value = type(error), error  # for post-mortem debuggers
                sys.last_traceback = error.__traceback__
                content = error_content(error, self._traceback(error))
                self.publish("error", {k: v for k, v in content.items() if k != "status"})
            else:
                expressions = user_expressions or {}
                values = {name: self._evaluate(text) for name, text in expressions.items()}
                content = {"status": "ok", "user_expressions": values}
        if store_history:
            self.history.append(Entry(self.execution_count, code, cell.result_text))
        return {**content, "execution_count": self.execution_count, "payload": cell.payload}

    @contextlib.contextmanager
    def _redirected(self) -> Iterator[None]:
        """Redirect for one cell, unless `start` has made the whole process the user's."""
        if sys.modules.get("__main__") is self.module:
            yield
        else:
            with self._redirect():
                yield

    def _filename(self, store_history: bool) -> str:
        """Name the cell as tracebacks show it: by its number in the front end, if it has one."""
        if not store_history:
            return f"<unnumbered cell {next(self._unnumbered)}>"
        if self.subshell_id is not None:  # which counts for itself
            return f"<cell {self.execution_count} of subshell {self.subshell_id[:8]}>"
        return f"<cell {self.execution_count}>"

    async def _run_cell(self, code: str, filename: str) -> BaseException | None:
        """Run a cell to its end; return what it raised.

        The error is returned, not raised: a coroutine cannot raise StopIteration, and SystemExit
        must end the cell, not the kernel.
        """
        try:
            if code.strip() in ("exit", "quit"):  # in a console, nobody wants to see its repr
                self.exit()
                return None
            asked = _HELP.fullmatch(code)
            if asked:
                self._page_help(asked[2] or asked[3], asked[1] or asked[4])
                return None
            # Without a time of change linecache never looks for a real file of this name.
            lines = io.StringIO(code, newline=None).readlines()  # line ends as Python has them
            linecache.cache[filename] = (len(code), None, lines, filename)
            body, value = _compile(code, filename)
            result = None
            for part in (body, value):
                if part is not None:
                    result = eval(part, self.namespace)
                    if part.co_flags & _CO_COROUTINE:  # an await at the top level
                        result = await result
            if self._debugger is not None:
                self._debugger.left(None)
            if value is not None:
                getattr(sys, "displayhook", self._displayhook)(result)
        except BaseException as error:
            if self._debugger is not None:
                self._debugger.left(error)
            return error
        return None

    def _page_help(self, name: str, marks: str) -> None:
        found = self.do_inspect(name, len(name), detail_level=len(marks) - 1)
        self.page(found["data"].get("text/plain", f"Object `{name}` not found."))

    def _evaluate(self, expression: Any) -> dict[str, Any]:
        try:
            if not isinstance(expression, str):
                raise TypeError(f"expected an expression as str, got {type(expression).__name__}")
            data, metadata = mime_bundle(eval(expression, self.namespace))
        except BaseException as error:  # sys.exit() in an expression ends nothing
            return error_content(error, self._traceback(error))
        return {"status": "ok", "data": data, "metadata": metadata}

    def _traceback(self, error: BaseException) -> list[str]:
        """Format a traceback that shows the user's code and none of ours."""
        try:
            report = traceback.TracebackException.from_exception(error)
            _hide_our_frames(report)
            text = "".join(report.format())
        except Exception as broken:  # the error of the user cannot be printed
            text = f"{type(error).__name__}: its traceback raised {type(broken).__name__}\n"
        return text.splitlines()

    async def do_debug_request(self, message: dict[str, Any]) -> dict[str, Any]:
        """Let the debugger answer."""
        assert self._debugger is not None  # or the feature would not be named
        return await self._debugger.answer(message)

    # --- answers about code --------------------------------------------------------------------

    def do_is_complete(self, code: str) -> dict[str, Any]:
        """Tell whether Enter should run the code; if not, how far to indent the next line."""
        if _HELP.fullmatch(code):
            return {"status": "complete"}
        compiler = codeop.CommandCompiler()
        compiler.compiler.flags |= _COMPILE_FLAGS
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # running the code will warn soon enough
                done = compiler(code, "<input>", "exec") is not None
                # A block at the end of the text is complete only after an empty line.
                done = done and not _in_block(code)
        except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
            return {"status": "invalid"}
        if done:
            return {"status": "complete"}
        last = code.rstrip("\n").rpartition("\n")[2]
        indent = last[: len(last) - len(last.lstrip())]
        if re.search(r":\s*(#.*)?$", last):
            indent += "    "
        return {"status": "incomplete", "indent": indent}

    def do_complete(self, code: str, cursor_pos: int) -> dict[str, Any]:
        """Complete the dotted name before the cursor: names, attributes, keywords, modules."""
        text = _name_before(code, cursor_pos)
        line = code[:cursor_pos].rpartition("\n")[2]
        before = code[: cursor_pos - len(text)][-1:]
        if before == "." or _is_name_part(before):
            matches = []  # part of a number, or an attribute of what only running could tell
        elif re.match(r"\s*(import|from)\s+[\w.]*$", line):
            matches = _modules(text)
        elif "." in text:
            matches = self._attributes(text)
        else:
            names = {*dir(builtins), *keyword.kwlist, *keyword.softkwlist}
            names.update(map(str, self.namespace))  # globals() may hold keys that are no text
            matches = [name for name in names if name.startswith(text)]
        return {
            "matches": sorted(matches, key=lambda name: (name.rpartition(".")[2][:1] == "_", name)),
            "cursor_start": cursor_pos - len(text),
            "cursor_end": cursor_pos,
            "metadata": {},
        }

    def _attributes(self, text: str) -> list[str]:
        owner_name, _, prefix = text.rpartition(".")
        found, owner = self._look_up(owner_name)
        if not found:
            return []
        try:
            names = [name for name in map(str, dir(owner)) if name.startswith(prefix)]
        except BaseException:  # a __dir__ of the user may raise anything
            return []
        if not prefix:
            names = [name for name in names if not name.startswith("_")]
        return [f"{owner_name}.{name}" for name in names]

    def do_inspect(
        self, code: str, cursor_pos: int, detail_level: int = 0, omit_sections: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Describe the name at the cursor, or else the function whose arguments it is in."""
        for name in _names_around(code, cursor_pos):
            found, value = self._look_up(name)
            if found:
                text = _describe(name, value, detail_level)
                return {"found": True, "data": {"text/plain": text}, "metadata": {}}
        return {"found": False, "data": {}, "metadata": {}}

    def _look_up(self, dotted: str) -> tuple[bool, Any]:
        """Find the object that a dotted name means now: (found, object)."""
        first, *attributes = dotted.split(".")
        if first in self.namespace:
            value = self.namespace[first]
        elif hasattr(builtins, first):
            value = getattr(builtins, first)
        else:
            return False, None
        for attribute in attributes:
            try:
                value = getattr(value, attribute)
            except BaseException:  # not there, or a property of the user that raises
                return False, None
        return True, value

    # --- history -------------------------------------------------------------------------------

    @property
    def history(self) -> list[Entry]:
        """The cells of the shell that the running request came to, oldest first."""
        return self._histories.setdefault(self.subshell_id, [])

    def do_history(
        self,
        hist_access_type: str,
        output: bool,
        raw: bool,
        session: int | None = None,
        start: int | None = None,
        stop: int | None = None,
        n: int | None = None,
        pattern: str | None = None,
        unique: bool = False,
    ) -> dict[str, Any]:
        """Find earlier cells: the last n (tail), lines start to stop (range), by glob (search).

        This kernel remembers its own session, number 1, and nothing from before its start.
        Raises InvalidContent for another access type.
        """
        entries = list(self.history)
        if hist_access_type == "range":
            begin = start or 0
            if session not in (None, 0, 1):
                entries = []
            entries = [e for e in entries if begin <= e.line and (stop is None or e.line < stop)]
        elif hist_access_type in ("tail", "search"):
            if hist_access_type == "search":
                glob = pattern or "*"
                entries = [e for e in entries if fnmatch.fnmatchcase(e.source, glob)]
                if unique:  # of equal ones the last, in its place
                    latest = {entry.source: entry for entry in entries}
                    entries = [entry for entry in entries if latest[entry.source] is entry]
            if n is not None:
                entries = entries[-n:] if n > 0 else []
        else:
            raise InvalidContent(
                "history_request: hist_access_type: expected range, tail or search, "
                f"got {hist_access_type!r}"
            )
        return {
            "history": [(1, e.line, (e.source, e.output) if output else e.source) for e in entries]
        }


_OUR_FILES = frozenset(
    str(Path(__file__).with_name(name))
    for name in (Path(__file__).name, "kernel.py", "run_kernel.py", "wire.py")
)


def _hide_our_frames(report: traceback.TracebackException) -> None:
    """Leave out our frames, and those of the libraries we wait in; of the causes, too."""
    seen: set[int] = set()
    reports: list[traceback.TracebackException | None] = [report]
    while reports:
        one = reports.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        kept, ours = [], False
        for frame in one.stack:
            if _DEBUGGER.search(frame.filename):
                break
            ours = frame.filename in _OUR_FILES or (
                ours and _CALLED_BY_US.search(frame.filename) is not None
            )
            if not ours:
                kept.append(frame)
        one.stack[:] = kept
        reports += [one.__cause__, one.__context__, *(one.exceptions or ())]


def _compile(code: str, filename: str) -> tuple[types.CodeType | None, types.CodeType | None]:
    """Compile a cell into its statements and, if it ends with an expression, that one's value."""
    tree = compile(code, filename, "exec", _COMPILE_FLAGS | ast.PyCF_ONLY_AST, dont_inherit=True)
    value = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        value = ast.Expression(tree.body.pop().value)

    def build(node: Any, mode: str) -> types.CodeType:
        built: types.CodeType = compile(node, filename, mode, _COMPILE_FLAGS, dont_inherit=True)
        return built

    return (
        build(tree, "exec") if tree.body else None,
        build(value, "eval") if value is not None else None,
    )


def _in_block(code: str) -> bool:
    """Tell whether the text ends inside an indented block that more lines could follow."""
    tree = ast.parse(code)
    if not tree.body or code.rpartition("\n")[2].strip() == "":
        return False
    last = tree.body[-1]
    body = getattr(last, "body", None)  # a compound statement has one
    return body is not None and body[0].lineno > last.lineno


def _is_name_part(character: str) -> bool:
    """Tell whether a character may stand inside a name, as marks that combine with letters do."""
    return character != "" and f"a{character}".isidentifier()


def _name_before(code: str, cursor_pos: int) -> str:
    """Return the dotted name that ends at the cursor; empty where there is none."""
    start = cursor_pos
    while start and (code[start - 1] == "." or _is_name_part(code[start - 1])):
        start -= 1
    text = code[start:cursor_pos]
    # Behind a bracket or a quote, the dot belongs to a value without a name; `a..b` to nothing.
    text = text[text.rfind("..") + 2 :] if ".." in text else text
    return text.lstrip(".") if text[:1] == "." or not text[:1].isdigit() else ""


def _names_around(code: str, cursor_pos: int) -> Iterator[str]:
    """Yield the name at the cursor, then the functions whose open parentheses surround it."""
    after = re.match(r"\w*", code[cursor_pos:])
    assert after is not None
    name = _name_before(code, cursor_pos) + after[0]
    if name:
        yield name
    depth = 0
    for at in range(cursor_pos - 1, -1, -1):
        if code[at] == ")":
            depth += 1
        elif code[at] == "(" and depth:
            depth -= 1
        elif code[at] == "(":
            yield _name_before(code, at)


def _describe(name: str, value: Any, detail_level: int) -> str:
    """Describe an object as text: signature, type, documentation or source.

    What the object cannot tell is left out.
    """
    import inspect  # slow to import, and rarely needed

    def ask(question: Callable[[Any], Any]) -> Any:
        try:
            return question(value)
        except Exception:  # code of the user runs here; and some objects have no source
            return None

    lines = []
    if callable(value):
        signature = ask(inspect.signature)
        lines += [f"Signature: {name.rpartition('.')[2]}{signature}"] if signature else []
    lines.append(f"Type:      {type(value).__name__}")
    if not callable(value):
        text = _text(value)
        lines.append(f"Value:     {text if len(text) < 500 else text[:500] + '...'}")
    source = ask(inspect.getsource) if detail_level > 0 else None
    doc = ask(inspect.getdoc)
    if isinstance(source, str):
        lines += ["Source:", source.rstrip()]
    elif isinstance(doc, str):
        lines += ["Docstring:", doc]
    return "\n".join(lines)


def _modules(text: str) -> list[str]:
    """List the modules whose dotted name begins with this text."""
    import pkgutil  # slow to import, and rarely needed

    package, dot, prefix = text.rpartition(".")
    names: set[str] = set()
    if not dot:
        names = {*sys.builtin_module_names, *(module.name for module in pkgutil.iter_modules())}
    else:
        path = getattr(sys.modules.get(package), "__path__", None)
        names = {module.name for module in pkgutil.iter_modules(path)} if path else set()
    return [f"{package}{dot}{name}" for name in names if name.startswith(prefix)]


if __name__ == "__main__":
    # The module runs under its own name, so that `__main__` is free to be the user's.
    from . import python_kernel, run_kernel

    raise SystemExit(run_kernel.main(python_kernel.PythonKernel))
