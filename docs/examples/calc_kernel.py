"""A kernel round a program with a prompt: a desk calculator in front of `python -i`.

The program runs as a child process. Each line of a cell is written to its stdin, and what it
prints is published. A program does not say when it has finished, so each cell ends with a command
that prints a word nobody else can know: when the word comes back, the cell is done.
"""

from __future__ import annotations

import os
import secrets
import sys
from subprocess import PIPE, STDOUT, Popen
from typing import Any

from refimpl.kernel import Kernel
from refimpl.run_kernel import main

PREPARE = "import sys; sys.ps1 = sys.ps2 = ''; sys.last_value = None"  # no prompts, no error yet
FINISH = "print('{word}', repr(sys.last_value)); sys.last_value = None"


class CalcKernel(Kernel):
    """A desk calculator that another process computes for."""

    implementation = "Calc"
    implementation_version = "1.0"
    banner = "Calc: every line is computed by a program of its own"
    language_info = {"name": "calc", "mimetype": "text/x-python", "file_extension": ".py"}

    def start(self) -> None:
        """Start the program; stderr goes the same way as stdout, so that the order is kept."""
        argv = [sys.executable, "-u", "-i", "-c", PREPARE]
        environment = {**os.environ, "PYTHONUTF8": "1"}
        self.program = Popen(
            argv, stdin=PIPE, stdout=PIPE, stderr=STDOUT, encoding="utf-8", env=environment
        )

    def do_execute(
        self,
        code: str,
        silent: bool,
        store_history: bool = True,
        user_expressions: dict[str, str] | None = None,
        allow_stdin: bool = False,
    ) -> dict[str, Any]:
        """Pass the lines on, and publish what the program prints until it says the word."""
        word = secrets.token_hex(16)
        stdin, stdout = self.program.stdin, self.program.stdout
        assert stdin is not None  # both are pipes
        assert stdout is not None
        try:
            stdin.write(f"{code}\n\n{FINISH.format(word=word)}\n")
            stdin.flush()
            for line in stdout:
                if line.startswith(word):
                    return self.reply(line.removeprefix(word).strip())
                self.send_response(self.iopub_socket, "stream", {"name": "stdout", "text": line})
            return self.start_again("the program ended")
        except BrokenPipeError:
            return self.start_again("the program is gone")
        except KeyboardInterrupt:
            return self.start_again("interrupted")

    def reply(self, problem: str) -> dict[str, Any]:
        """Return the content of the execute_reply; publish the problem first, if there is one."""
        if problem == "None":
            return {"status": "ok", "execution_count": self.execution_count}
        error = {"ename": problem.partition("(")[0], "evalue": problem, "traceback": [problem]}
        self.send_response(self.iopub_socket, "error", error)
        return {"status": "error", "execution_count": self.execution_count, **error}

    def start_again(self, why: str) -> dict[str, Any]:
        """Replace the program, whose state nobody knows, by a new one."""
        self.do_shutdown(restart=True)
        self.start()
        return self.reply(f"Restarted({why}: all variables are lost)")

    def do_shutdown(self, restart: bool) -> dict[str, Any]:
        """End the program together with the kernel."""
        self.program.kill()
        self.program.communicate()
        return {"restart": restart}


if __name__ == "__main__":
    raise SystemExit(main(CalcKernel))
