"""The command line: `python -m refimpl COMMAND`, installed also as `refimpl COMMAND`.

What cannot be done is said in one line on stderr, and the exit status is 2.
Modules are imported by the command that needs them: a kernel has to start fast.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from .kernel import Kernel

PACKAGE = __package__  # not written out, so that the folder can be copied and renamed

# our own kernels: module and class, and what front ends show in their menus
KERNELS = {
    "python": (".python_kernel:PythonKernel", "Python (refimpl)"),
    "ipython": (".kernels.ipython:IPythonKernel", "IPython (refimpl)"),
    "bash": (".kernels.bash:BashKernel", "Bash (refimpl)"),
    "echo": (".kernels.echo:EchoKernel", "Echo (refimpl)"),
}


EXTRAS = ("ipython",)  # kernels that need packages which are installed as an extra


class CommandError(Exception):
    """A command cannot be carried out; the text is the one line that says why."""


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line.

    `describe` adds its arguments when they are needed, for commands that import much to know them.
    """

    describe: Callable[[Parser], None] | None = None

    def parse_known_args(self, *args: Any, **options: Any) -> Any:
        """Parse arguments, once they have been described."""
        if self.describe is not None:
            describe, self.describe = self.describe, None
            describe(self)
        return super().parse_known_args(*args, **options)

    def error(self, message: str) -> NoReturn:
        """End the program with the message, and where to read on."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out a command; return the exit status: 0 when it was done, 2 when it could not be."""
    parser = make_parser()
    options, more = parser.parse_known_args(argv)
    command: Callable[[argparse.Namespace], int] = options.command
    # `jupyter run` and `jupyter console` pass on to the kernel what they do not know themselves.
    if more and not (command is kernel and options.file is not None):
        parser.error(f"unrecognized arguments: {' '.join(more)}")
    try:
        return command(options)
    except CommandError as error:
        sys.stderr.write(f"{PACKAGE}: {error}\n")
        return 2


def say(text: str) -> None:
    """Write a line to stdout at once, even into a pipe."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def say_json(value: Any) -> None:
    """Write a value to stdout for another program to read."""
    import json

    say(json.dumps(value, indent=2, default=str))


# --- kernel ------------------------------------------------------------------------------------


def load_kernel(name: str) -> type[Kernel]:
    """Import a kernel class: one of KERNELS, or MODULE:CLASS.

    Raises CommandError when there is no such class, or its module fails.
    """
    from .kernel import Kernel

    module_name, colon, class_name = KERNELS.get(name, (name,))[0].partition(":")
    if not (module_name and colon and class_name):
        known = ", ".join(KERNELS)
        raise CommandError(f"kernel: expected {known} or MODULE:CLASS, got {name!r}")
    try:
        module = importlib.import_module(module_name, PACKAGE)
    except Exception as error:  # the module is its author's: anything may be raised
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = "" if "importlib" in place.filename else f" ({place.filename}, line {place.lineno})"
        if name in EXTRAS and isinstance(error, ModuleNotFoundError):
            where = f": pip install '{PACKAGE}[{name}]'"
        raise CommandError(f"kernel {name}: {type(error).__name__}: {error}{where}") from None
    kernel_class = getattr(module, class_name, None)
    if not (isinstance(kernel_class, type) and issubclass(kernel_class, Kernel)):
        expected = f"expected a subclass of {Kernel.__module__}.Kernel"
        raise CommandError(f"kernel {name}: {expected}, got {kernel_class!r}")
    return kernel_class


def run_file(path: str) -> Callable[..., None]:
    """Find what runs a kernel from this file: a connection file, or a registration file."""
    from . import run_kernel
    from .wire import read_object

    try:
        registers = "registration_port" in read_object(path)
    except ValueError:
        registers = False  # it is a bad file of either kind: let the common one say so
    if registers:
        from . import run_registration

        return run_registration.run
    return run_kernel.run


def kernel(options: argparse.Namespace) -> int:
    """Run a kernel from its connection file; without one, make one and say how to connect."""
    kernel_class = load_kernel(options.kernel)
    from .run_debugger import process_for
    from .run_kernel import main as run

    process = process_for(kernel_class)
    if options.file is not None:
        return run(kernel_class, ["-f", options.file], PACKAGE, process, run_file(options.file))

    from .connection import new_connection_file
    from .wire import ConnectionFileError

    try:
        path = new_connection_file(options.transport, options.ip)
    except (ConnectionFileError, OSError) as error:
        raise CommandError(f"cannot make a connection file: {error}") from None

    def announced(**world: Any) -> Kernel:
        """Make the kernel, and have it tell its address once its sockets are bound."""
        made = kernel_class(**world)
        start = made.start

        def announce() -> None:
            say(f"To connect: jupyter console --existing {path}")
            say(f"Ctrl-C interrupts a running cell; to end the kernel: kill {os.getpid()}")
            start()

        made.start = announce  # type: ignore[method-assign]
        return made

    try:
        return run(announced, ["-f", str(path)], PACKAGE, process)
    finally:
        path.unlink(missing_ok=True)


# --- kernel specs ------------------------------------------------------------------------------


def install(options: argparse.Namespace) -> int:
    """Install the kernel spec of a kernel, so that front ends offer it."""
    from .kernelspec import KernelSpec, KernelSpecError, install_kernel_spec, kernel_dirs
    from .run_debugger import can_be_debugged
    from .wire import PROTOCOL_VERSION

    kernel_class = load_kernel(options.kernel)
    ours = options.kernel in KERNELS
    if not ours and options.name is None:
        raise CommandError(f"install {options.kernel}: expected --name, got nothing")
    name = options.name or f"refimpl-{options.kernel}"
    default = KERNELS[options.kernel][1] if ours else kernel_class.__name__
    language_info: Any = kernel_class.language_info  # a property, in some kernels
    language = language_info.get("name") if isinstance(language_info, dict) else None
    metadata: dict[str, Any] = {"supported_encryption": ["curve"]}
    if can_be_debugged(kernel_class):
        metadata["debugger"] = True
    spec = KernelSpec(
        argv=[sys.executable, "-m", PACKAGE, "kernel", options.kernel, "-f", "{connection_file}"],
        display_name=options.display_name or default,
        language=language or name,
        # There are no signals on Windows that could stop the code but not the kernel.
        interrupt_mode="message" if sys.platform == "win32" else "signal",
        env=search_path(PACKAGE, kernel_class.__module__),
        metadata=metadata,
        kernel_protocol_version=PROTOCOL_VERSION,
    )
    logo = [Path(__file__).with_name("kernels") / "logo-svg.svg"] if ours else []
    prefix = sys.prefix if options.sys_prefix else options.prefix
    try:
        directory = install_kernel_spec(spec, name, prefix=prefix, files=logo)
    except (KernelSpecError, OSError) as error:
        raise CommandError(f"cannot install {name}: {error}") from None
    if options.json:
        say_json({"name": name.lower(), "resource_dir": directory, "spec": spec.to_dict()})
        return 0
    found = str(directory.parent) in kernel_dirs()
    where = "" if found else f", with JUPYTER_PATH={directory.parent.parent} in the environment"
    say(f"Installed {directory}. To use it{where}: jupyter console --kernel {name.lower()}")
    return 0


def search_path(*modules: str) -> dict[str, str]:
    """Return the environment in which a kernel that is started anywhere can import the modules.

    It is empty when they are installed.  What lies in the current folder is found only because
    this program was started there; a front end starts the kernel in the folder of the notebook.
    """
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)  # the front end may not have it
    usual = {Path(place).resolve() for place in sys.path[1:] if place not in given}
    needed = []
    for name in modules:
        top = sys.modules[name.partition(".")[0]]
        inside = getattr(top, "__path__", None)
        folder = (Path(next(iter(inside))) if inside else Path(str(top.__file__))).resolve().parent
        if folder not in usual and str(folder) not in needed:
            needed.append(str(folder))
    if needed and os.environ.get("PYTHONPATH"):
        needed.append("${PYTHONPATH}")
    return {"PYTHONPATH": os.pathsep.join(needed)} if needed else {}


def uninstall(options: argparse.Namespace) -> int:
    """Remove a kernel spec."""
    from .kernelspec import NoSuchKernel, remove_kernel_spec

    try:
        say(f"Removed {remove_kernel_spec(options.name)}")
    except (NoSuchKernel, OSError) as error:
        raise CommandError(f"cannot uninstall: {error}") from None
    return 0


def kernelspecs(options: argparse.Namespace) -> int:
    """List the kernel specs that front ends find on this machine."""
    from .kernelspec import read_kernel_specs

    specs = dict(sorted(read_kernel_specs().items()))
    if options.json:
        entries = {
            name: {"resource_dir": spec.resource_dir, "spec": spec.to_dict()}
            for name, spec in specs.items()
        }
        say_json({"kernelspecs": entries})
        return 0
    widths = [
        max(map(len, column), default=0)
        for column in (specs, [spec.display_name for spec in specs.values()])
    ]
    for name, spec in specs.items():
        say(f"{name:{widths[0]}}  {spec.display_name:{widths[1]}}  {spec.resource_dir}")
    return 0


# --- the protocol ------------------------------------------------------------------------------


def protocol(options: argparse.Namespace) -> int:
    """Show, compare, check and export the messages of the protocol."""
    from .messages.command import UsageError

    try:
        status: int = options.run(options)
    except UsageError as error:
        raise CommandError(str(error)) from None
    return status


def describe_protocol(parser: Parser) -> None:
    """Add the arguments of `protocol`."""
    from .messages.command import describe

    describe(parser)


# --- a kernel of one's own ---------------------------------------------------------------------


def new(options: argparse.Namespace) -> int:
    """Make a package with a kernel of your own, tests included, to start from."""
    from .new import NewError, run

    try:
        say(run(options))
    except (NewError, OSError) as error:
        raise CommandError(f"new: {error}") from None
    return 0


def describe_new(parser: Parser) -> None:
    """Add the arguments of `new`."""
    from .new import describe

    describe(parser)


# --- the arguments -----------------------------------------------------------------------------


def make_parser() -> Parser:
    """Describe the commands, their arguments, and an example of each."""
    from . import __version__

    program = f"python -m {PACKAGE}"
    parser = Parser(prog=program, description="The Jupyter kernel protocol, as running code.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(command: Callable[[argparse.Namespace], int], example: str) -> Parser:
        text = (command.__doc__ or "").partition("\n")[0]
        added = commands.add_parser(
            command.__name__,
            help=text,
            description=text,
            epilog=f"example: {program} {example}",
        )
        added.set_defaults(command=command)
        return added

    def add_json(added: Parser) -> None:
        added.add_argument("--json", action="store_true", help="write JSON for other programs")

    def add_kernel(added: Parser) -> None:
        text = f"{', '.join(KERNELS)} or MODULE:CLASS (default: %(default)s)"
        added.add_argument("kernel", nargs="?", default="python", metavar="KERNEL", help=text)

    added = add(kernel, "kernel echo")
    add_kernel(added)
    added.add_argument(
        "-f", dest="file", metavar="FILE", help="its connection or registration file (JSON)"
    )
    added.add_argument("--ip", help="without -f: the address to listen on (default: 127.0.0.1)")
    added.add_argument(
        "--transport", choices=("tcp", "ipc"), default="tcp", help="without -f (default: tcp)"
    )

    added = add(install, "install echo --sys-prefix")
    add_kernel(added)
    place = added.add_mutually_exclusive_group()
    place.add_argument("--user", action="store_true", help="for this user (default)")
    place.add_argument("--sys-prefix", action="store_true", help="for this Python environment")
    place.add_argument("--prefix", metavar="DIR", help="into DIR/share/jupyter/kernels")
    added.add_argument("--name", help="its name for programs (default: refimpl-KERNEL)")
    added.add_argument("--display-name", metavar="TEXT", help="its name in menus")
    add_json(added)

    added = add(uninstall, "uninstall refimpl-echo")
    added.add_argument("name", metavar="NAME", help="the name that `kernelspecs` lists")

    add_json(add(kernelspecs, "kernelspecs --json"))

    add(new, "new parrot --level 2").describe = describe_new

    add(protocol, "protocol show execute_request").describe = describe_protocol
    return parser


if __name__ == "__main__":
    sys.exit(main())
