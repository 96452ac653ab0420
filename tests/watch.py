"""Hold every message that passes through the test process against the catalogue.

It needs no fixture that a test could forget: the functions through which messages pass are wrapped
once, when pytest starts, and a test during which a bad message passed fails, whatever it asserted.

What our programs send must satisfy `SEND`; what foreign ones send, `ACCEPT`.  A test that sends bad
messages on purpose says so: `@pytest.mark.off_catalogue("why")`.  That excuses what the test makes;
what a kernel answers is still checked.  A test whose subject is a kernel that answers badly says
`@pytest.mark.off_catalogue("why", kernel=True)`.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from jupyter_client.session import Session as JupyterSession

from refimpl.client import Client
from refimpl.kernel import Kernel
from refimpl.messages import ACCEPT, KERNEL, SEND, find
from refimpl.messages.problem import ERROR
from refimpl.messages.validate import check_message
from refimpl.wire import PARTS, Message, ProtocolError, Session, decode_part, pack_json, unpack_json

FOREIGN = re.compile(r"[0-9a-f]{8}-[0-9a-f]{24}")  # how jupyter_client makes sessions


class Watch:
    """Checks messages, and keeps what is wrong with them until it is asked."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self.checked = 0
        self.excused = False  # whether what the test makes may be bad
        self.kernel_excused = False  # whether what a kernel in this process sends may be bad
        self._found: list[str] = []
        self._made_here: deque[str] = deque(maxlen=100_000)  # msg_ids

    def look(
        self, message: dict[str, Any], channel: str, sender: str, *, excused: bool = False
    ) -> None:
        """Check a message, given what is known of its way."""
        if excused:
            return
        self.checked += 1
        header = message["header"]
        profile = ACCEPT if FOREIGN.fullmatch(str(header.get("session"))) else SEND
        if message["content"].get("status") == "error" and channel in ("shell", "control"):
            channel = ""  # it goes back where the request came from, and be that the wrong channel
        problems = check_message(message, profile, channel=channel, sender=sender, protocol=KERNEL)
        name = str(header.get("msg_type"))
        way = f"from {sender or 'somebody'} on {channel or 'some channel'}"
        if self.excused:  # an answer repeats the header of the request, and be that a bad one
            problems = [each for each in problems if not each.path.startswith("parent_header")]
        self._found += [f"{name} {way}: {each}" for each in problems if each.level == ERROR]
        if not find(name):
            self._found.append(f"{name} {way}: expected a message type of the catalogue")

    def look_at(self, message: Message, channel: str = "", sender: str = "", **how: bool) -> None:
        """Check a message of ours. What is no message at all is not for the catalogue."""
        try:
            dicts = {name: read_dict(message, index) for index, name in enumerate(PARTS)}
        except (ProtocolError, TypeError, ValueError):
            return
        self.look(dicts, channel, sender, **how)

    def found(self) -> list[str]:
        """Return what has been found since the last time."""
        found, self._found = self._found, []
        return found

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Wrap the functions through which messages pass."""
        for owner, name, wrapper in (
            (Session, "serialize", self._serialize),
            (Session, "deserialize", self._deserialize),
            (Client, "receive", self._receive),
            (Kernel, "handle", self._handle),
            (Kernel, "__init__", self._make_kernel),
            (JupyterSession, "serialize", self._jupyter_serialize),
            (JupyterSession, "deserialize", self._jupyter_deserialize),
        ):
            patch.setattr(owner, name, bind(wrapper, getattr(owner, name)))

    def _serialize(self, plain: Callable[..., Any], session: Session, message: Message) -> Any:
        frames = plain(session, message)
        if not self._is_made_here(message):
            self._made_here.append(str(read_dict(message, 0).get("msg_id")))
            self.look_at(message, excused=self.excused)
        return frames

    def _deserialize(self, plain: Callable[..., Any], session: Session, frames: Any) -> Any:
        message = plain(session, frames)
        if not self._is_made_here(message):
            self.look_at(message, excused=self.kernel_excused)
        return message

    def _receive(
        self, plain: Callable[..., Any], client: Client, channel: str, message: Message
    ) -> Any:
        made_here = message.parts[-1] is None or self._is_made_here(message)
        self.look_at(message, channel, "kernel", excused=made_here and self.excused)
        return plain(client, channel, message)

    def _handle(
        self, plain: Callable[..., Any], kernel: Kernel, message: Message, channel: str = "shell"
    ) -> Any:
        self.look_at(message, channel, "client", excused=self.excused)
        return plain(kernel, message, channel)

    def _make_kernel(self, plain: Callable[..., Any], kernel: Kernel, **given: Any) -> None:
        if send := given.get("send"):
            given["send"] = self._sending(send)
        if ask := given.get("ask"):
            given["ask"] = self._asking(ask)
        plain(kernel, **given)

    def _jupyter_serialize(
        self,
        plain: Callable[..., Any],
        session: JupyterSession,
        message: Any,
        *rest: Any,
        **how: Any,
    ) -> Any:
        frames = plain(session, message, *rest, **how)
        at = frames.index(b"<IDS|MSG>")
        self.look_at(from_jupyter(frames[at + 1 :]), excused=self.excused)
        return frames

    def _jupyter_deserialize(
        self,
        plain: Callable[..., Any],
        session: JupyterSession,
        frames: Any,
        *rest: Any,
        **how: Any,
    ) -> Any:
        message = from_jupyter(frames)
        if not self._is_made_here(message):
            self.look_at(message, excused=self.kernel_excused)
        return plain(session, frames, *rest, **how)

    def _sending(self, plain: Callable[[str, Message], None]) -> Callable[[str, Message], None]:
        def send(channel: str, message: Message) -> None:
            plain(channel, message)
            self.look_at(message, channel, "kernel", excused=self.kernel_excused)

        return send

    def _asking(self, plain: Callable[[Message], Message]) -> Callable[[Message], Message]:
        def ask(request: Message) -> Message:
            self.look_at(request, "stdin", "kernel", excused=self.kernel_excused)
            return plain(request)

        return ask

    def _is_made_here(self, message: Message) -> bool:
        with contextlib.suppress(ProtocolError):
            return str(read_dict(message, 0).get("msg_id")) in self._made_here
        return True


def from_jupyter(frames: Sequence[Any]) -> Message:
    """Read what jupyter_client serializes: the signature and what follows it."""
    parts = [memoryview(frame).tobytes() for frame in frames[1:]]
    return Message(parts=parts[: len(PARTS)], buffers=parts[len(PARTS) :])


def bind(wrapper: Callable[..., Any], plain: Callable[..., Any]) -> Callable[..., Any]:
    """Make a method that calls the wrapper with the plain method first."""

    @functools.wraps(plain)
    def method(self: Any, *args: Any, **options: Any) -> Any:
        return wrapper(plain, self, *args, **options)

    return method


def read_dict(message: Message, index: int) -> dict[str, Any]:
    """Return one of the four dicts of a message as its receiver reads it.

    Neither the message nor its codec is asked: tests look how often they are.
    """
    part = message.parts[index]
    if part is None:
        return dict(unpack_json(pack_json(message._dicts[index] or {})))
    with contextlib.suppress(ProtocolError):
        return decode_part(part, PARTS[index])
    return decode_part(part, PARTS[index], message._unpack)  # not JSON


# --- the plugin --------------------------------------------------------------------------------

WATCH = Watch()
_patch = pytest.MonkeyPatch()


def pytest_configure(config: pytest.Config) -> None:
    """Begin to watch."""
    config.addinivalue_line(
        "markers", "off_catalogue(why, kernel=False): messages pass that the catalogue forbids"
    )
    WATCH.install(_patch)


def pytest_unconfigure() -> None:
    """Leave everything as it was."""
    _patch.undo()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """See what the test may do, then watch what its fixtures send."""
    WATCH.found()  # examples in docstrings are not watched, and no test is to blame for them
    marks = list(item.iter_markers("off_catalogue"))
    WATCH.excused = bool(marks)
    WATCH.kernel_excused = any(mark.kwargs.get("kernel") for mark in marks)
    yield from watched()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """Fail a test during which a bad message passed."""
    yield from watched()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """Watch what is sent while the fixtures of a test are taken down."""
    yield from watched()


def watched() -> Iterator[None]:
    """Let a phase of a test happen, and fail it if a bad message passed."""
    yield
    if found := WATCH.found():
        lines = "\n".join(dict.fromkeys(found))
        pytest.fail(f"messages that are not as the catalogue has them:\n{lines}", pytrace=False)
