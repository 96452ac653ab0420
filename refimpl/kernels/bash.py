"""A wrapper kernel: bash runs the cells, and this module talks to it.

`Bash` is the program, and knows nothing of Jupyter; `BashKernel` is the kernel, and knows nothing
of file descriptors.  What leads to the program and back:

    commands   a pipe, its stdin.  A cell goes in as one quoted word for `eval`, so nothing in it,
               no open quote and no `read`, can swallow what is sent after it.
    reports    a pipe.  After each command bash writes its exit status here, where no output can
               be mistaken for it; when bash ends, the pipe does.
    terminal   a pseudo-terminal, the cells' stdout.  Programs that write into a pipe keep their
               output back until there is much of it; to a terminal they send each line.
    errors     a pipe, the cells' stderr.
    prompts    a pseudo-terminal, the stderr of bash itself.  What comes is thrown away.

Bash is interactive (`-i`), because only then an interrupt ends the cell and not the shell.
A cell's stdin is empty.  What a background job prints after its cell appears in the next one.
"""

from __future__ import annotations

import codecs
import contextlib
import fnmatch
import os
import re
import secrets
import select
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

from ..kernel import Kernel

INTERRUPT, TERMINATE, KILL, HANG_UP = 2, 15, 9, 1  # POSIX fixes these numbers
CHUNK = 1 << 20  # bytes read at once, more than a pipe or a terminal holds
LATE = 1.0  # seconds that the last of a cell's output may take through the terminal
GRACE = 1.0  # seconds that bash gets to end
POLL = 0.05  # seconds between two looks whether a program that replaced bash has ended

PROGRAM = "bash"  # as the PATH has it
PREPARE = "PS1= PS2= PROMPT_COMMAND=; unset HISTFILE; set +o history +o histexpand"

TYPED = re.compile(r"(?:\\.|[^\s\\'\"`;|&()<>=])*$")  # the word before the cursor
VARIABLE = re.compile(r"\$\{?(\w*)$")
COMMAND_NEXT = re.compile(r"(?:^|[;|&(`{!]|\b(?:do|then|else|elif|if|while|until|time))\s*$")
NAMES = re.compile(r"[^\s;|&()<>'\"`$={}]+")
SPECIAL = re.compile(r"([^\w@%+:,./~-])")  # what a backslash must protect in a file's name
UNFINISHED = re.compile(r"unexpected EOF|unexpected end of file|here-document")
BLOCK_OPENS = re.compile(r"(?:\b(?:do|then|else|in)|[{(])\s*$")


class Ended(Exception):
    """Bash has ended, or whatever `exec` put in its place."""

    def __init__(self, status: int) -> None:
        super().__init__(f"bash ended with exit status {status}")


class Bash:
    """A bash process that carries out one command after the other.

    `output` is called with `stdout` or `stderr` and text, as soon as a cell has printed it.
    Raises FileNotFoundError without a bash, OSError on a system without pseudo-terminals.
    """

    def __init__(self, output: Callable[[str, str], None]) -> None:
        if sys.platform == "win32":
            raise OSError("the bash kernel: expected a POSIX system, got Windows")
        import termios

        self._output = output
        self._status = 0
        self._serial = 0
        self._word = secrets.token_hex(16)  # nothing printed contains it by chance
        self._terminal, stdout = os.openpty()
        self._errors, stderr = os.pipe()
        self._prompts, own_stderr = os.openpty()
        self._reports, report = os.pipe()
        settings = termios.tcgetattr(stdout)
        settings[1] &= ~termios.OPOST  # or each line feed would come with a carriage return
        termios.tcsetattr(stdout, termios.TCSANOW, settings)
        self._mark = os.open(os.ttyname(stdout), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
        environment = {**os.environ, "PAGER": "cat"}  # a pager would wait for a key
        environment.pop("TMOUT", None)  # it would end a bash that is idle
        self._process = subprocess.Popen(
            [PROGRAM, "--noprofile", "--norc", "-i"],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=own_stderr,
            pass_fds=(stdout, stderr, report),
            start_new_session=True,  # a signal for the kernel's group is not yet one for bash
            env=environment,
        )
        os.close(report)  # so that bash alone can keep it open
        self._kept = (stdout, stderr, own_stderr, self._mark)  # so that bash cannot end these
        # No job of a cell may keep bash's own channels open.
        closed = " ".join(f"{number}>&-" for number in (stdout, stderr, report))
        self._for_cells = f"</dev/null >&{stdout} 2>&{stderr} {closed}"
        self._report = report  # its number in bash
        self._start_decoding()
        self.ask(PREPARE)

    def run(self, code: str) -> int:
        """Run a cell; return its exit status, which the next cell finds in `$?`.

        A KeyboardInterrupt goes on to the cell as SIGINT, and the cell decides what becomes of it.
        If it goes on, the second one is SIGTERM, and the third kills bash.
        Raises Ended.
        """
        restore = f"(exit {self._status}) || " if self._status else ""
        _, self._status = self._carry_out(f"{restore}eval {shlex.quote(code)} {self._for_cells}")
        self._finish()
        return self._status

    def ask(self, command: str) -> list[str]:
        """Run a command of ours; return the lines that it prints. Raises Ended."""
        lines, _ = self._carry_out(f"{{ {command}; }} </dev/null >&{self._report}")
        return lines

    def end(self) -> None:
        """End bash and its jobs, from any thread; `run` raises Ended then."""
        for number in (HANG_UP, KILL):
            self._signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE)

    def close(self) -> None:
        """Let go of the channels of a bash that has ended."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        for fd in (self._terminal, self._errors, self._prompts, self._reports, *self._kept):
            os.close(fd)

    def _carry_out(self, command: str) -> tuple[list[str], int]:
        """Send a command; return the lines that were reported, and its status."""
        self._serial += 1
        done = f"{self._word}.{self._serial} "
        request = f"\nprintf '{done}%s\\n' \"$?\" >&{self._report}\n"
        data = (command + request).encode()
        harder = iter((INTERRUPT, TERMINATE))
        reported = bytearray()
        while True:
            try:
                self._send(data)
                return self._wait(done, reported)
            except KeyboardInterrupt:
                # It makes bash forget what it is reading; and it may have hit us with the report
                # in hand.  So ask for another one.
                self._signal(next(harder, KILL))
                data = b"\n" + request.encode()

    def _send(self, data: bytes) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # the reports tell that bash has ended
            while data:
                data = data[os.write(self._process.stdin.fileno(), data) :]

    def _wait(self, done: str, reported: bytearray) -> tuple[list[str], int]:
        while True:
            if not self._pass_on():
                continue
            data = os.read(self._reports, CHUNK)
            if not data:
                self._wait_for_end()
            reported += data
            text = reported.decode("utf-8", "replace")
            before, found, status = text.partition(done)
            if found and status.endswith("\n"):
                # After an interrupt the previous command may have been reported twice.
                lines = [line for line in before.splitlines() if self._word not in line]
                return lines, int(status.split()[0])

    def _wait_for_end(self) -> None:
        while self._process.poll() is None:
            self._pass_on(POLL)
        self._finish()
        status = self._process.returncode
        raise Ended(status if status >= 0 else 128 - status)  # shells count signals so

    def _pass_on(self, timeout: float | None = None) -> bool:
        """Pass on what is printed; tell whether there is a report. With a timeout, do not look."""
        channels = [self._terminal, self._errors, self._prompts]
        if timeout is None:
            channels.append(self._reports)
        ready, _, _ = select.select(channels, [], [], timeout)
        if self._terminal in ready:
            self._print("stdout", os.read(self._terminal, CHUNK))
        if self._errors in ready:
            self._print("stderr", os.read(self._errors, CHUNK))
        if self._prompts in ready:
            os.read(self._prompts, CHUNK)
        return self._reports in ready

    def _finish(self) -> None:
        """Pass on what a cell printed before its report.

        In the pipe it is there.  A terminal may deliver it later, but keeps the order: a mark that
        is sent now arrives after it.
        """
        if select.select([self._errors], [], [], 0)[0]:
            self._print("stderr", os.read(self._errors, CHUNK))
        mark, text = self._word.encode(), b""
        with contextlib.suppress(BlockingIOError):
            os.write(self._mark, mark)
        # A job that floods the terminal leaves no room for the mark; after so much it is past.
        while mark not in text and len(text) < CHUNK:
            if not select.select([self._terminal], [], [], LATE)[0]:
                break
            text += os.read(self._terminal, CHUNK)
        self._print("stdout", text.replace(mark, b""))
        for name, decoder in self._decoders.items():
            self._output(name, decoder.decode(b"", final=True))
        self._start_decoding()

    def _start_decoding(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")
        self._decoders = {name: decoder("replace") for name in ("stdout", "stderr")}

    def _print(self, name: str, data: bytes) -> None:
        self._output(name, self._decoders[name].decode(data))

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


class BashKernel(Kernel):
    """A kernel that runs cells in bash."""

    implementation = "refimpl bash"
    implementation_version = "1.0"
    language_info = {
        "name": "bash",
        "version": "",
        "mimetype": "text/x-sh",
        "file_extension": ".sh",
        "codemirror_mode": "shell",
    }
    help_links = [
        {"text": "Bash manual", "url": "https://www.gnu.org/software/bash/manual/bash.html"}
    ]

    def __init__(self, **world: Any) -> None:
        super().__init__(**world)
        self._history: list[tuple[int, int, str]] = []
        self._ending = False

    def start(self) -> None:
        """Start bash."""
        self._bash = Bash(self._print)
        version = self._bash.ask('echo "$BASH_VERSION"')[0]
        self.language_info = {**self.language_info, "version": version}
        self.banner = f"GNU bash {version}"

    def do_execute(
        self,
        code: str,
        silent: bool,
        store_history: bool = True,
        user_expressions: dict[str, str] | None = None,
        allow_stdin: bool = False,
    ) -> dict[str, Any]:
        """Run a cell; an exit status other than 0 is an error."""
        if store_history:
            self._history.append((1, self.execution_count, code))
        if "\0" in code:
            return self._error("ValueError", "code: expected text for bash, got a null character")
        try:
            status = self._bash.run(code)
        except Ended as end:
            if not self._ending:
                self._restart()
            what = "variables, functions and the working directory are lost"
            return self._error("BashEnded", f"{end}; a new one was started: {what}")
        if status:
            return self._error("ExitStatus", str(status))
        return {"status": "ok", "execution_count": self.execution_count}

    def _restart(self) -> None:
        """Replace a bash that has ended. Interrupted, it is done for the next cell."""
        old = self._bash
        old.end()  # its jobs
        self.start()
        old.close()

    def _error(self, ename: str, evalue: str) -> dict[str, Any]:
        error = {"ename": ename, "evalue": evalue, "traceback": [f"{ename}: {evalue}"]}
        self.send_response(self.iopub_socket, "error", error)
        return {"status": "error", "execution_count": self.execution_count, **error}

    def _print(self, name: str, text: str) -> None:
        if text:
            self.send_response(self.iopub_socket, "stream", {"name": name, "text": text})

    def do_complete(self, code: str, cursor_pos: int) -> dict[str, Any]:
        """Complete variables after `$`, commands where one can stand, and files elsewhere."""
        line = code[:cursor_pos].rpartition("\n")[2]
        typed = TYPED.findall(line)[0]
        matches: set[str] = set()
        if variable := VARIABLE.search(typed):
            typed = variable[1]
            matches.update(self._compgen("-v", typed))
        else:
            if "/" not in typed and COMMAND_NEXT.search(line.removesuffix(typed)):
                matches.update(self._compgen("-c", typed))
            prefix = re.sub(r"\\(.)", r"\1", typed)
            folders = {f"{name}/" for name in self._compgen("-d", prefix)}
            files = {name for name in self._compgen("-f", prefix) if f"{name}/" not in folders}
            matches.update(SPECIAL.sub(r"\\\1", name) for name in folders | files)
        return {
            "matches": sorted(matches),
            "cursor_start": cursor_pos - len(typed),
            "cursor_end": cursor_pos,
            "metadata": {},
        }

    def _compgen(self, action: str, prefix: str) -> list[str]:
        return self._bash.ask(f"compgen {action} -- {shlex.quote(prefix)}")

    def do_inspect(
        self, code: str, cursor_pos: int, detail_level: int = 0, omit_sections: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Show a variable's value, or what bash and the manual know about a command."""
        names = [m[0] for m in NAMES.finditer(code) if m.start() <= cursor_pos <= m.end()]
        name = shlex.quote(names[0] if names else "")
        command = f"type -- {name} && {{ help -- {name} || man -- {name} | col -bx; }}"
        lines = self._bash.ask(f"{{ declare -p -- {name} || {{ {command}; }}; }} 2>/dev/null")
        data = {"text/plain": "\n".join(lines)} if lines else {}
        return {"found": bool(lines), "data": data, "metadata": {}}

    def do_is_complete(self, code: str) -> dict[str, Any]:
        """Let another bash read the code without running it."""
        check = subprocess.run(
            [PROGRAM, "-O", "extglob", "-n"],
            check=False,
            input=code.encode("utf-8", "replace"),
            capture_output=True,
            env={**os.environ, "LC_ALL": "C"},  # its messages in English
        )
        last = code.rpartition("\n")[2]
        open_end = (len(last) - len(last.rstrip("\\"))) % 2 == 1
        if open_end or UNFINISHED.search(check.stderr.decode("utf-8", "replace")):
            indent = last[: len(last) - len(last.lstrip())]
            return {
                "status": "incomplete",
                "indent": indent + "    " * bool(BLOCK_OPENS.search(last)),
            }
        return {"status": "invalid" if check.returncode else "complete"}

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
        """Return cells of this session; there is no older one."""
        found = self._history
        if hist_access_type == "range":
            here = session in {None, 0, 1}
            found = [each for each in found if here and (start or 1) <= each[1] < (stop or 1 << 62)]
        elif hist_access_type == "search":
            found = [each for each in found if fnmatch.fnmatchcase(each[2], pattern or "*")]
        if unique:
            found = list({each[2]: each for each in found}.values())
        if hist_access_type != "range" and n is not None:
            found = found[max(len(found) - n, 0) :]
        return {"history": [(s, i, (code, None) if output else code) for s, i, code in found]}

    def do_shutdown(self, restart: bool) -> dict[str, Any]:
        """End bash and its jobs together with the kernel."""
        self._ending = True
        self._bash.end()
        return {"restart": restart}


if __name__ == "__main__":
    from ..run_kernel import main

    raise SystemExit(main(BashKernel))
