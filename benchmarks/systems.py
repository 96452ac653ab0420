"""What is measured: kernels as they are started, and the floor under them.

The floor is a process that sends every message back.  It does what every kernel has to do and
nothing more, so the difference is the kernel's own work.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

FILE = "{connection_file}"

# Without `-u`: nothing is printed but the address.
_ECHO = """
import sys, zmq
sock = zmq.Context().socket(zmq.ROUTER)
sock.bind(sys.argv[1])
while True:
    sock.send_multipart(sock.recv_multipart())
"""

# What any kernel must do with the parts: check the signature, read them, write and sign an answer.
_SIGNED_ECHO = """
import hmac, json, sys, zmq
key = hmac.new(sys.argv[2].encode(), digestmod="sha256")
def sign(parts):
    digest = key.copy()
    digest.update(b"".join(parts))
    return digest.hexdigest().encode()
sock = zmq.Context().socket(zmq.ROUTER)
sock.bind(sys.argv[1])
while True:
    client, delimiter, signature, *parts = sock.recv_multipart()
    assert hmac.compare_digest(signature, sign(parts))
    parts = [json.dumps(json.loads(part)).encode() for part in parts]
    sock.send_multipart([client, delimiter, sign(parts), *parts])
"""


@dataclass(frozen=True)
class System:
    """A program to measure: its name, how it is started, the language of its cells.

    `module` and `program` are what must be installed, `distribution` is whose version is noted.
    A floor answers on shell alone; `{url}` and `{key}` in its arguments are the socket and the key.
    """

    name: str
    argv: tuple[str, ...]
    language: str = "python"
    module: str = ""
    program: str = ""
    distribution: str = ""
    ours: bool = False
    is_floor: bool = False

    def absent(self) -> str:
        """Say why it cannot be measured here; empty if it can."""
        if self.module and importlib.util.find_spec(self.module) is None:
            return f"{self.distribution} is not installed"
        if self.program and find_program(self.program) is None:
            return f"no program {self.program} on the path"
        return ""

    def command(self, **places: str) -> list[str]:
        """Return the command line, with the places filled in."""
        program = find_program(self.program) if self.program else sys.executable
        found = [program or self.program, *self.argv]
        return [places.get(word.strip("{}"), word) for word in found]

    def version(self) -> str:
        """Return the installed version; empty where there is none to tell."""
        try:
            return importlib.metadata.version(self.distribution) if self.distribution else ""
        except importlib.metadata.PackageNotFoundError:
            return ""


def find_program(name: str) -> str | None:
    """Find a program beside this Python, or on the path."""
    beside = str(Path(sys.executable).parent)
    return shutil.which(name, path=beside) or shutil.which(name)


FLOOR = System("pyzmq echo", ("-c", _ECHO, "{url}"), is_floor=True)
SIGNED = System("signed echo", ("-c", _SIGNED_ECHO, "{url}", "{key}"), is_floor=True)
STARTER = System("refimpl starter", ("-m", "refimpl.python_kernel", "-f", FILE), ours=True)
PYTHON = System("refimpl python", ("-m", "refimpl", "kernel", "python", "-f", FILE), ours=True)
IPYTHON = System(
    "refimpl ipython",
    ("-m", "refimpl", "kernel", "ipython", "-f", FILE),
    module="IPython",
    distribution="ipython",
    ours=True,
)
IPYKERNEL = System(
    "ipykernel",
    # as its own kernel spec starts it
    ("-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", FILE),
    module="ipykernel_launcher",
    distribution="ipykernel",
)
XEUS_RAW = System(
    "xeus-python raw",
    ("-m", "xpython_launcher", "-f", FILE, "--raw"),
    module="xpython_launcher",
    distribution="xeus-python",
)
XEUS = System(
    "xeus-python",
    ("-m", "xpython_launcher", "-f", FILE),
    module="xpython_launcher",
    distribution="xeus-python",
)
DENO = System(
    "deno",
    ("jupyter", "--kernel", "--conn", FILE),
    language="typescript",
    program="deno",
    distribution="deno",
)

SYSTEMS = (FLOOR, SIGNED, STARTER, PYTHON, IPYTHON, IPYKERNEL, XEUS_RAW, XEUS, DENO)
