"""IPython in our kernel: the shell of terminal IPython, with messages instead of a terminal.

`InteractiveShell` runs the cells.  It brings magics, history, completion and tracebacks, and asks a
few objects to show things.  In a terminal these print; here they publish.

    DisplayHook            the value of a cell               execute_result
    DisplayPublisher       display(), clear_output()         display_data, clear_output
    ZMQInteractiveShell    tracebacks                        error
                           pager, exit, next cell, %edit     payloads of the reply
    Comm                   widgets                           comm_open, comm_msg, comm_close

Subshells share one shell, because they share its variables, and run cells in several threads at
once.  InteractiveShell was made for one thread.  So what it remembers about the running cell lives
in a ContextVar, as a `Cell`: each thread and task sees its own.  Two more things change while they
work, the flags of the compiler and the notes of the completer; each has a lock.  What replaces a
thing of the whole process for a while, as %%capture replaces sys.stdout, does it for all subshells.
"""

from __future__ import annotations

import builtins
import contextlib
import getpass
import itertools
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import comm
from comm.base_comm import BaseComm
from IPython.core import displayhook, displaypub, page, payload, release
from IPython.core.autocall import ZMQExitAutocall
from IPython.core.compilerop import CachingCompiler
from IPython.core.completer import provisionalcompleter, rectify_completions
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_magic, magics_class
from IPython.utils.tokenutil import token_at_cursor
from traitlets import Any as AnyTrait
from traitlets import Bool, Instance, Type, default
from traitlets.config import Config

from ..kernel import Content, Kernel, error_content
from ..python_kernel import _DEBUGGER, _OUR_FILES, Debugging, OutStream, PythonKernel
from ..wire import InvalidContent


@dataclass
class Cell:
    """What IPython remembers about the cell that a thread or task runs."""

    execution_count: int = 0
    source: str = ""  # as Python, with the magics translated
    exec_result: Any = None  # IPython's record of what came of it
    payload: list[Content] = field(default_factory=list)
    displaying: bool = False  # its value is being shown
    display_error: BaseException | None = None  # what that raised
    depth: int = 0  # it may have other cells run
    shown: tuple[BaseException | None, list[str]] = (None, [])  # the latest traceback

    def describe(self, error: BaseException) -> Content:
        """Return the content of an `error` message, with the traceback that has been shown."""
        shown, lines = self.shown
        content = error_content(error, lines if shown is error else ())
        return {name: value for name, value in content.items() if name != "status"}


_OUTSIDE = Cell()  # for what runs before the first cell
_cell: ContextVar[Cell] = ContextVar("cell", default=_OUTSIDE)


class OfCell:
    """An attribute of an IPython object that each running cell has for itself."""

    def __init__(self, name: str) -> None:
        """Take the name that it has in `Cell`."""
        self._name = name

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        return self if owner is None else getattr(_cell.get(), self._name)

    def __set__(self, owner: Any, value: Any) -> None:
        setattr(_cell.get(), self._name, value)


# --- what IPython shows things with ------------------------------------------------------------


class DisplayHook(displayhook.DisplayHook):
    """Publish the value of a cell. IPython computes its forms, and keeps it as `_` and in `Out`."""

    shell: Any
    exec_result = OfCell("exec_result")
    _is_active = OfCell("displaying")

    def __call__(self, result: Any = None) -> None:
        """Show a value, as IPython does: a step from the line it comes from does not go there."""
        self.shell.kernel.trace(False)
        try:
            super().__call__(result)
        finally:
            self.shell.kernel.trace(True)

    def quiet(self) -> bool:
        """Tell whether a semicolon at the end of the cell asks for silence."""
        return bool(self.semicolon_at_end_of_expression(_cell.get().source))

    def write_output_prompt(self) -> None:
        """Write nothing: the number is in the message."""

    def write_format_data(self, format_dict: Content, md_dict: Content | None = None) -> None:
        """Publish the value, in all its forms."""
        result = {"data": format_dict, "metadata": md_dict or {}}
        result["execution_count"] = self.prompt_count
        self.shell.kernel.publish("execute_result", result)


class DisplayPublisher(displaypub.DisplayPublisher):
    """Publish what `display` is given."""

    shell: Any

    def publish(  # type: ignore[override]
        self,
        data: Content,
        metadata: Content | None = None,
        *,
        transient: Content | None = None,
        update: bool = False,
        **_: Any,
    ) -> None:
        """Publish a MIME bundle, or replace the one with the same display_id."""
        self._validate_data(data, metadata)
        bundle = {"data": data, "metadata": metadata or {}, "transient": transient or {}}
        self.shell.kernel.publish("update_display_data" if update else "display_data", bundle)

    def clear_output(self, wait: bool = False) -> None:
        """Remove the outputs of this cell; with `wait`, only once there is something new."""
        self.shell.kernel.publish("clear_output", {"wait": bool(wait)})


class Payloads(payload.PayloadManager):
    """Keep what the reply carries beside its status: a page of help, the text of the next cell."""

    _payload = OfCell("payload")


class Compiler(CachingCompiler):
    """Compile the cells of several threads, one at a time."""

    debugger: Debugging | None = None

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.RLock()

    @contextlib.contextmanager
    def extra_flags(self, flags: int) -> Iterator[None]:
        """Allow what the flags say, such as `await` at the top level, to one thread."""
        with self._lock, super().extra_flags(flags):
            yield

    def get_code_name(self, raw_code: str, transformed_code: str, number: int) -> str:
        """Name a cell that is about to be compiled, as IPython does, and tell the debugger."""
        name = super().get_code_name(raw_code, transformed_code, number)
        if self.debugger is not None:
            self.debugger.cell(name, raw_code)
            self.debugger.trace(_cell.get().depth > 0)
        return name


@magics_class
class FrontEndMagics(Magics):
    """Magics that a front end carries out."""

    shell: Any

    @line_magic
    def edit(self, line: str) -> None:
        """Ask the front end to open an editor, on a file or on the source of an object."""
        from IPython.core.magics.code import CodeMagics  # slow to import, and rarely needed

        options, target = self.parse_options(line, "prxn:")
        try:
            found = CodeMagics._find_edit_target(self.shell, target, options, ["", ""])
        except Exception as error:  # it is a macro, or was made in a cell: there is no file
            raise UsageError(f"%edit: no file to edit for {target}: {error}") from None
        filename, line_number, _ = found
        if filename is not None:
            at = int(options.get("n") or line_number or 0)
            self.shell.add_payload("edit_magic", filename=filename, line_number=at)


class ZMQInteractiveShell(InteractiveShell):
    """IPython's shell. The name is the one by which libraries know that they run in a notebook."""

    kernel = AnyTrait()
    history_manager: Any
    payload_manager: Any
    display_pub_class = Type(DisplayPublisher)
    displayhook_class = Type(DisplayHook)
    compiler_class = Type(Compiler)
    autoindent = Bool(False)
    exiter = Instance(ZMQExitAutocall)
    keepkernel_on_exit = False

    @default("exiter")
    def _default_exiter(self) -> ZMQExitAutocall:
        return ZMQExitAutocall(self)

    @property
    def execution_count(self) -> int:
        """The number of the next cell: IPython counts on before a cell runs."""
        return _cell.get().execution_count

    @execution_count.setter
    def execution_count(self, count: int) -> None:
        cell = _cell.get()
        if count != cell.execution_count + 1:  # it does not count on, but starts anew
            self.kernel.count_from(count)
        cell.execution_count = count

    def init_environment(self) -> None:
        """Tell programs that what they print is shown in colour, and cannot be paged."""
        os.environ.update(TERM="xterm-color", CLICOLOR="1", PAGER="cat", GIT_PAGER="cat")
        os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")

    def init_virtualenv(self) -> None:
        """Leave sys.path alone: a kernel belongs to the environment it is installed in."""

    def init_hooks(self) -> None:
        """Let the front end show pages of text."""
        super().init_hooks()
        self.set_hook("show_in_pager", page.as_hook(self._page), 99)

    def init_payload(self) -> None:
        """Keep payloads for each cell."""
        self.payload_manager = Payloads(parent=self)

    def init_magics(self) -> None:
        """Add our magics to IPython's."""
        super().init_magics()
        self.register_magics(FrontEndMagics)

    def add_payload(self, source: str, **fields: Any) -> None:
        """Have the front end that ran this cell do something; a later one replaces it."""
        self.payload_manager.write_payload({"source": source, **fields})

    def _page(self, data: Any, start: int = 0, *_: Any, **__: Any) -> None:
        data = data if isinstance(data, Mapping) else {"text/plain": data}
        self.add_payload("page", data=data, start=max(start, 0))

    def set_next_input(self, s: str, replace: bool = False) -> None:
        """Put text into a new cell below, or in the place of this one."""
        self.add_payload("set_next_input", text=s, replace=replace)

    def ask_exit(self) -> None:
        """Ask the front end to end the kernel, or only itself."""
        self.add_payload("ask_exit", keepkernel=bool(self.keepkernel_on_exit))

    def enable_gui(self, gui: str | None = None) -> None:
        """Accept what needs no event loop. Raises UsageError for a GUI toolkit."""
        if gui not in (None, "inline"):
            raise UsageError(f"this kernel runs no event loop for {gui}: use %matplotlib inline")

    def _get_exc_info(self, exc_tuple: Any = None) -> Any:
        """End the traceback where the user's code called ours, or was interrupted by it."""
        found = super()._get_exc_info(exc_tuple)
        trace = found[2]
        while trace is not None:
            after = trace.tb_next
            if after is not None and _is_internal(after.tb_frame.f_code.co_filename):
                trace.tb_next = after = None
            trace = after
        return found

    def showtraceback(self, *args: Any, **how: Any) -> None:
        """Show an error, as IPython does; before, the debugger may stop where it was raised."""
        if how.get("running_compiled_code"):
            self.kernel.left(sys.exc_info()[1])
        super().showtraceback(*args, **how)

    async def run_code(self, *args: Any, **how: Any) -> bool:
        """Run a statement; what IPython does between two of them is nothing to step through."""
        cell = _cell.get()
        cell.depth += 1
        self.kernel.trace(True)
        try:
            return bool(await super().run_code(*args, **how))
        finally:
            cell.depth -= 1
            self.kernel.trace(cell.depth > 0)

    def _showtraceback(self, etype: type, evalue: BaseException, stb: list[str]) -> None:
        cell = _cell.get()
        cell.shown = evalue, stb
        if cell.displaying:
            cell.display_error = evalue
        self.kernel.publish("error", cell.describe(evalue))

    def _format_exception_for_storage(self, exception: BaseException, *_: Any) -> Content:
        """Keep what was shown. IPython would format the traceback a second time."""
        return _cell.get().describe(exception)

    def get_parent(self) -> Content:
        """Return the running request as a dict: this is how widgets and comms know messages."""
        request = self.kernel.parent
        names = ("header", "parent_header", "metadata", "content", "msg_id", "msg_type", "buffers")
        return {} if request is None else {name: getattr(request, name) for name in names}


def _is_internal(filename: str) -> bool:
    """Tell whether a file is ours, or the debugger's, where code waits that has stopped."""
    return filename in {*_OUR_FILES, __file__} or _DEBUGGER.search(filename) is not None


class Comm(BaseComm):
    """A comm whose messages go through our kernel."""

    kernel: IPythonKernel

    def publish_msg(
        self,
        msg_type: str,
        data: Content | None = None,
        metadata: Content | None = None,
        buffers: Sequence[Any] | None = None,
        **more: Any,
    ) -> None:
        """Publish comm_open, comm_msg or comm_close."""
        content = {name: value for name, value in more.items() if value is not None}
        content = {"comm_id": self.comm_id, "data": data or {}, **content}
        self.kernel.publish(msg_type, content, metadata, buffers or ())


# --- the kernel --------------------------------------------------------------------------------


class IPythonKernel(Kernel):
    """A kernel that runs IPython."""

    debuggable = True  # its class takes a `debugger`
    supports_subshells = True
    implementation = "refimpl-ipython"
    implementation_version = release.version
    language_info = PythonKernel.language_info | {"pygments_lexer": "ipython3"}
    help_links = [
        *PythonKernel.help_links,
        {"text": "IPython", "url": "https://ipython.readthedocs.io"},
    ]

    def __init__(self, debugger: Debugging | None = None, **given: Any) -> None:
        """Make the shell, of which a process has one. What is given goes to `Kernel`."""
        super().__init__(**given)
        self.count_from(1)
        self._counts: dict[str | None, int] = {}  # the latest number in each subshell
        self._completing = threading.Lock()
        # In the configuration, tqdm looks for this section before it shows a bar as a widget.
        config = Config({"IPKernelApp": {"name": self.implementation}})
        self.shell = ZMQInteractiveShell.instance(kernel=self, config=config)
        Comm.kernel = self
        comm.create_comm = Comm
        self.comm_manager = comm.get_comm_manager()
        self._debugger = Compiler.debugger = debugger
        if debugger is not None:
            self.supported_features = [*self.supported_features, "debugger"]
            formatter: Any = self.shell.display_formatter
            debugger.serve(self.shell.user_ns, formatter.format, self.publish, self.do_interrupt)

    @property
    def banner(self) -> str:  # type: ignore[override]
        """What consoles show first."""
        return str(self.shell.banner)

    def start(self) -> None:
        """Make this process the user's: sys.stdout, input, and the working folder."""
        sys.stdout, sys.stderr = OutStream("stdout", self.stream), OutStream("stderr", self.stream)
        builtins.input = lambda prompt="", /: self.raw_input(str(prompt))
        getpass.getpass = lambda prompt="Password: ", stream=None, **_: self.getpass(prompt)
        # IPython installs these for each cell. Here they stay: another shell may still need them.
        self.shell.builtin_trap.__enter__()
        self.shell.display_trap.__enter__()
        sys.argv = [""]  # as at Python's own prompt: the arguments of the kernel are not the user's
        if "" not in sys.path:
            sys.path.insert(0, "")  # modules beside the notebook can be imported
        sys.breakpointhook = self._break

    def _break(self, *_: Any, **__: Any) -> None:
        """Open IPython's debugger where the code calls `breakpoint()`, as the terminal does."""
        from IPython.core.debugger import set_trace  # slow to import, and rarely needed

        set_trace(sys._getframe(1))

    def count_from(self, number: int) -> None:
        """Give the next cell this number."""
        self._numbers = itertools.count(number)

    @property
    def execution_count(self) -> int:
        """The number of the latest cell; all subshells count together, since they share `In`."""
        return self._counts.get(self.subshell_id, 0)

    @execution_count.setter
    def execution_count(self, count: int) -> None:
        self._counts[self.subshell_id] = next(self._numbers)

    async def do_execute(
        self,
        code: str,
        silent: bool,
        store_history: bool = True,
        user_expressions: dict[str, str] | None = None,
        allow_stdin: bool = False,
    ) -> Content:
        """Let IPython run a cell; tell what came of it."""
        cell = Cell(execution_count=self.execution_count + (not store_history))
        _cell.set(cell)
        result = await self._run(code, cell, store_history=store_history, silent=silent)
        errors = (result.error_before_exec, result.error_in_exec, cell.display_error)
        error = next((error for error in errors if error is not None), None)
        if error is None:
            values = self.shell.user_expressions(user_expressions or {})
            content = {"status": "ok", "user_expressions": values}
        else:
            content = {"status": "error", **cell.describe(error)}
        return {**content, "execution_count": self.execution_count, "payload": cell.payload}

    async def _run(self, code: str, cell: Cell, **how: bool) -> Any:
        """Translate the cell and run it, with the events that libraries wait for."""
        shell, cell.source, failed, result = self.shell, code, None, None
        try:
            try:
                cell.source = shell.transform_cell(code)
            except Exception:
                failed = sys.exc_info()
            result = await shell.run_cell_async(
                code, transformed_cell=cell.source, preprocessing_exc_tuple=failed, **how
            )
            return result
        finally:
            self.left(None)
            shell.events.trigger("post_execute")  # shows the figures that the cell has drawn
            if result is not None and not how["silent"]:
                shell.events.trigger("post_run_cell", result)

    def left(self, error: BaseException | None) -> None:
        """Tell the debugger that the code of a cell has come to its end, by an error perhaps."""
        if self._debugger is not None:
            self._debugger.left(error)

    def trace(self, on: bool) -> None:
        """Let the debugger stop the code that this thread runs, or not: it may be IPython's."""
        if self._debugger is not None:
            self._debugger.trace(on)

    async def do_debug_request(self, message: Content) -> Content:
        """Let the debugger answer."""
        assert self._debugger is not None  # or the feature would not be named
        return await self._debugger.answer(message)

    # --- answers about code --------------------------------------------------------------------

    def do_complete(self, code: str, cursor_pos: int) -> Content:
        """Complete what is before the cursor; JupyterLab reads the types from the metadata."""
        with self._completing, provisionalcompleter():
            found = self.shell.Completer.completions(code, cursor_pos)
            matches = list(rectify_completions(code, found))
        names = ("start", "end", "text", "type", "signature")
        types = [{name: getattr(match, name) for name in names} for match in matches]
        return {
            "matches": [match.text for match in matches],
            "cursor_start": matches[0].start if matches else cursor_pos,
            "cursor_end": matches[0].end if matches else cursor_pos,
            "metadata": {"_jupyter_types_experimental": types},
        }

    def do_inspect(
        self, code: str, cursor_pos: int, detail_level: int = 0, omit_sections: Sequence[str] = ()
    ) -> Content:
        """Describe the name at the cursor, or the function whose arguments it is in.

        HTML comes with the text after `%config ZMQInteractiveShell.enable_html_pager = True`.
        """
        name = token_at_cursor(code, cursor_pos)
        try:
            data = self.shell.object_inspect_mime(name, detail_level, omit_sections)
        except KeyError:
            return {"found": False, "data": {}, "metadata": {}}
        if not self.shell.enable_html_pager:
            data.pop("text/html", None)
        return {"found": True, "data": data, "metadata": {}}

    def do_is_complete(self, code: str) -> Content:
        """Tell whether Enter should run the code; if not, how far to indent the next line."""
        status, indent = self.shell.check_complete(code)
        return {"status": status, **({"indent": indent} if status == "incomplete" else {})}

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
    ) -> Content:
        """Ask IPython's history database, which has earlier sessions, too.

        Session 0 is this one, -1 the one before. Raises InvalidContent for another access type.
        """
        history, how = self.shell.history_manager, {"raw": raw, "output": output}
        if hist_access_type == "range":
            found = history.get_range(session or 0, 1 if start is None else start, stop, **how)
        elif hist_access_type == "tail":
            found = history.get_tail(10 if n is None else max(n, 0), include_latest=True, **how)
        elif hist_access_type == "search":
            found = history.search(pattern or "*", n=n, unique=unique, **how)
        else:
            raise InvalidContent(
                "history_request: hist_access_type: expected range, tail or search, "
                f"got {hist_access_type!r}"
            )
        own = history.session_number  # which IPython writes as 0
        return {"history": [(number or own, line, text) for number, line, text in found]}

    # --- comms ---------------------------------------------------------------------------------

    async def comm_info_request(self, target_name: str | None) -> Content:
        """List the open comms, of all targets or of one."""
        targets = {
            each.comm_id: each.target_name for each in list(self.comm_manager.comms.values())
        }
        chosen = {key: name for key, name in targets.items() if target_name in (None, name)}
        return {"comms": {comm_id: {"target_name": name} for comm_id, name in chosen.items()}}

    async def comm_open(self, comm_id: str, target_name: str, data: Content) -> None:
        """Hand a new comm to its target; close it at once where there is none."""
        if target_name in self.comm_manager.targets:
            await self._guard(lambda: self._hand_over(self.comm_manager.comm_open))
        else:
            await super().comm_open(comm_id, target_name, data)

    async def comm_msg(self, comm_id: str, data: Content) -> None:
        """Let the owner of a comm hear a message."""
        if comm_id in self.comm_manager.comms:
            await self._guard(lambda: self._hand_over(self.comm_manager.comm_msg))
        else:
            await super().comm_msg(comm_id, data)

    async def comm_close(self, comm_id: str, data: Content) -> None:
        """Let the owner of a comm know that the other side is gone."""
        if comm_id in self.comm_manager.comms:
            await self._guard(lambda: self._hand_over(self.comm_manager.comm_close))

    def _hand_over(self, handler: Any) -> None:
        try:
            handler(None, None, self.shell.get_parent())
        except BaseException:  # an interrupt, mostly: who moved the slider wants to see it
            self.shell.showtraceback()


if __name__ == "__main__":
    # The module runs under its own name, so that `__main__` is free to be the user's.
    from .. import run_subshells
    from ..run_kernel import main
    from . import ipython

    raise SystemExit(main(ipython.IPythonKernel, process_class=run_subshells.SubshellProcess))
