"""The smallest useful kernel: it prints what it is told to run."""

from __future__ import annotations

from typing import Any

from ..kernel import Kernel


class EchoKernel(Kernel):
    """A kernel that prints the code it is given."""

    implementation = "Echo"
    implementation_version = "1.0"
    banner = "Echo kernel: as useful as a parrot"
    language_info = {
        "name": "echo",
        "version": "1.0",
        "mimetype": "text/plain",
        "file_extension": ".txt",
    }

    def do_execute(
        self,
        code: str,
        silent: bool,
        store_history: bool = True,
        user_expressions: dict[str, str] | None = None,
        allow_stdin: bool = False,
    ) -> dict[str, Any]:
        """Print the code, and be content."""
        self.send_response(self.iopub_socket, "stream", {"name": "stdout", "text": code})
        return {
            "status": "ok",
            "execution_count": self.execution_count,
            "payload": [],
            "user_expressions": {},
        }


if __name__ == "__main__":
    from ..run_kernel import main

    raise SystemExit(main(EchoKernel))
