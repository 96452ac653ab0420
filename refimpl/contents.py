"""The contents of all messages and files, as types.

Generated from the catalogue by `python -m refimpl protocol write`: change the catalogue, not this.
They say what a program should send. What has a status is a union; compare the status to narrow it:

    def total(reply: ExecuteReply) -> int:
        return reply["execution_count"] if reply["status"] == "ok" else 0

Arrays are lists, as JSON readers make them, also those of a fixed length.
"""

# fmt: off
# ruff: noqa: D205, D209
# Annotations are not postponed: that would hide NotRequired from those who look at run time.
from typing import Any, Literal, Never, NotRequired, TypeAlias, TypedDict


class Header(TypedDict):
    """Says which message this is, who sent it, and when."""

    msg_id: str
    """Tells this message from all others."""

    msg_type: str
    """The kind of message: its name in this catalogue."""

    session: str
    """Tells apart the runs of a program: the same in all messages that one run sends."""

    username: str
    """The user for whom the message was sent."""

    date: str
    """When the message was made."""

    version: str
    """The version of the protocol in which the message is written."""

    subshell_id: NotRequired[str | None]
    """The subshell that is to handle a request; null or absent means the main shell. Without it:
    null."""


class ExecuteRequestMetadata(TypedDict):
    """The metadata of execute_request."""

    cellId: NotRequired[str]
    """The cell that the code is from. JupyterLab and VS Code send it."""

    deletedCells: NotRequired[list[str]]
    """The cells that were deleted since the last one.  JupyterLab sends it."""

    recordTiming: NotRequired[bool]
    """The notebook keeps the times of its cells.  JupyterLab sends it."""


class ExecuteRequest(TypedDict):
    """Run code."""

    code: str
    """The source, any number of lines. Can be empty."""

    silent: NotRequired[bool]
    """Without output, history and count. Without it: false."""

    store_history: NotRequired[bool]
    """Remember the code, and count it; never if `silent`. Without it: true."""

    user_expressions: NotRequired[dict[str, str]]
    """Evaluated when the code has succeeded; the reply has the values under the same names. Without
    it: {}."""

    allow_stdin: NotRequired[bool]
    """The code may ask the user, and this client will answer. Without it: false."""

    stop_on_error: NotRequired[bool]
    """A failure cancels the execute requests that already wait. Without it: true."""


class ExecuteReplyMetadata(TypedDict):
    """The metadata of execute_reply."""

    started: NotRequired[str]
    """The date at which the code began. ipykernel and xeus send it."""

    status: NotRequired[str]
    """The status again. ipykernel sends it."""

    dependencies_met: NotRequired[bool]
    """A leftover of clusters. ipykernel sends true."""

    engine: NotRequired[str]
    """A leftover of clusters. ipykernel sends its id."""


class ExpressionValueOk(TypedDict):
    """What became of an expression: a value as a display shows it, or an error. If `status` is
    "ok"."""

    status: Literal["ok"]
    """Whether it could be evaluated."""

    data: dict[str, Any]
    """The value in several forms."""

    metadata: dict[str, Any]
    """About these forms."""


class ExpressionValueError(TypedDict):
    """What became of an expression: a value as a display shows it, or an error. If `status` is
    "error"."""

    status: Literal["error"]
    """Whether it could be evaluated."""

    ename: str
    """The name of the error: `ValueError`."""

    evalue: str
    """Its message."""

    traceback: list[str]
    """Where it happened, as lines to print; escape codes for colours are allowed. Can be empty."""


ExpressionValue: TypeAlias = ExpressionValueOk | ExpressionValueError
"""What became of an expression: a value as a display shows it, or an error."""


class PagePayload(TypedDict):
    """Show this in a pager, apart from the outputs."""

    source: Literal["page"]
    """The kind."""

    data: dict[str, Any]
    """What to show; `text/plain` must be there."""

    start: int
    """The line to begin at."""


class SetNextInputPayload(TypedDict):
    """Put this text into the next cell, or at the prompt."""

    source: Literal["set_next_input"]
    """The kind."""

    text: str
    """The text."""

    replace: bool
    """Put it into the cell that ran. Consoles ignore this."""


class EditMagicPayload(TypedDict):
    """Open a file in an editor. Only the Qt console does."""

    source: Literal["edit_magic"]
    """The kind. Early texts say `edit`."""

    filename: str
    """The path of the file."""

    line_number: int
    """The line to go to."""


class AskExitPayload(TypedDict):
    """Ask the user whether to leave. Only consoles do."""

    source: Literal["ask_exit"]
    """The kind."""

    keepkernel: bool
    """Leave, and let the kernel run on."""


class ExecuteReplyOk(TypedDict):
    """Tell how a piece of code ended. If `status` is "ok"."""

    status: Literal["ok"]
    """How it went."""

    execution_count: int
    """The number of the request, or the current one if it stored no history. A cancelled request
    has none."""

    user_expressions: dict[str, ExpressionValue]
    """The values that were asked for."""

    payload: NotRequired[
        list[PagePayload | SetNextInputPayload | EditMagicPayload | AskExitPayload]
    ]
    """Wishes to the client, in order. Deprecated since 5.0."""


class ExecuteReplyError(TypedDict):
    """Tell how a piece of code ended. If `status` is "error"."""

    status: Literal["error"]
    """How it went."""

    execution_count: int
    """The number of the request, or the current one if it stored no history. A cancelled request
    has none."""

    engine_info: NotRequired[dict[str, Any]]
    """A leftover of clusters; ipykernel sends it."""

    ename: str
    """The name of the error: `ValueError`."""

    evalue: str
    """Its message."""

    traceback: list[str]
    """Where it happened, as lines to print; escape codes for colours are allowed. Can be empty."""


class ExecuteReplyAborted(TypedDict):
    """Tell how a piece of code ended. If `status` is "aborted"."""

    status: Literal["aborted"]
    """How it went."""


ExecuteReply: TypeAlias = ExecuteReplyOk | ExecuteReplyError | ExecuteReplyAborted
"""Tell how a piece of code ended."""


class InspectRequest(TypedDict):
    """Ask what the code at the cursor means."""

    code: str
    """The code around the cursor, up to a whole cell."""

    cursor_pos: int
    """Where the cursor is, in code points."""

    detail_level: NotRequired[Literal[0, 1]]
    """How much: 0 a summary, 1 the source too. Without it: 0."""

    omit_sections: NotRequired[list[str]]
    """What ipykernel is to leave out; no text defines it."""


class InspectReplyOk(TypedDict):
    """Describe what is at the cursor. If `status` is "ok"."""

    status: Literal["ok"]
    """How it went."""

    found: bool
    """Whether there is something to tell."""

    data: dict[str, Any]
    """The description in several forms; empty if nothing is found."""

    metadata: dict[str, Any]
    """About these forms."""


class InspectReplyError(TypedDict):
    """Describe what is at the cursor. If `status` is "error"."""

    status: Literal["error"]
    """How it went."""

    ename: str
    """The name of the error: `ValueError`."""

    evalue: str
    """Its message."""

    traceback: list[str]
    """Where it happened, as lines to print; escape codes for colours are allowed. Can be empty."""


class InspectReplyAborted(TypedDict):
    """Describe what is at the cursor. If `status` is "aborted"."""

    status: Literal["aborted"]
    """How it went."""


InspectReply: TypeAlias = InspectReplyOk | InspectReplyError | InspectReplyAborted
"""Describe what is at the cursor."""


class CompleteRequest(TypedDict):
    """Ask how the code at the cursor can go on."""

    code: str
    """The code around the cursor, up to a whole cell."""

    cursor_pos: int
    """Where the cursor is, in code points."""


class ExperimentalCompletion(TypedDict):
    """A completion and what it stands for. IPython made it up."""

    start: int
    """Where the text to replace begins."""

    end: int
    """Where it ends."""

    text: str
    """The text to put there."""

    type: NotRequired[str]
    """What it is: `function`, `module`, …"""

    signature: NotRequired[str]
    """How to call it."""


class CompletionMetadata(TypedDict):
    """More about the matches."""

    _jupyter_types_experimental: NotRequired[list[ExperimentalCompletion]]
    """One entry for each match. ipykernel sends it; the consoles and JupyterLab show it."""


class CompleteReplyOk(TypedDict):
    """Tell how the code can go on. If `status` is "ok"."""

    status: Literal["ok"]
    """How it went."""

    matches: list[str]
    """The texts to choose from; each is for the whole range."""

    cursor_start: int
    """Where the range begins, in code points."""

    cursor_end: int
    """Where it ends: mostly at the cursor."""

    metadata: CompletionMetadata
    """More about the matches."""


class CompleteReplyError(TypedDict):
    """Tell how the code can go on. If `status` is "error"."""

    status: Literal["error"]
    """How it went."""

    ename: str
    """The name of the error: `ValueError`."""

    evalue: str
    """Its message."""

    traceback: list[str]
    """Where it happened, as lines to print; escape codes for colours are allowed. Can be empty."""


class CompleteReplyAborted(TypedDict):
    """Tell how the code can go on. If `status` is "aborted"."""

    status: Literal["aborted"]
    """How it went."""


CompleteReply: TypeAlias = CompleteReplyOk | CompleteReplyError | CompleteReplyAborted
"""Tell how the code can go on."""


class HistoryRequestRange(TypedDict):
    """Ask what was run before. If `hist_access_type` is "range"."""

    hist_access_type: Literal["range"]
    """How to choose."""

    output: bool
    """With the outputs."""

    raw: bool
    """As typed, not as transformed."""

    session: NotRequired[int]
    """Which session: 0 the current one, -1 the one before, 7 the seventh."""

    start: NotRequired[int]
    """The first line of it."""

    stop: NotRequired[int]
    """The line after the last; absent, to the end."""


class HistoryRequestTail(TypedDict):
    """Ask what was run before. If `hist_access_type` is "tail"."""

    hist_access_type: Literal["tail"]
    """How to choose."""

    output: bool
    """With the outputs."""

    raw: bool
    """As typed, not as transformed."""

    n: NotRequired[int]
    """At most so many, the latest ones."""


class HistoryRequestSearch(TypedDict):
    """Ask what was run before. If `hist_access_type` is "search"."""

    hist_access_type: Literal["search"]
    """How to choose."""

    output: bool
    """With the outputs."""

    raw: bool
    """As typed, not as transformed."""

    n: NotRequired[int]
    """At most so many, the latest ones."""

    pattern: NotRequired[str]
    """What to search: `*` any text, `?` any character."""

    unique: NotRequired[bool]
    """Each text once. Without it: false."""


HistoryRequest: TypeAlias = HistoryRequestRange | HistoryRequestTail | HistoryRequestSearch
"""Ask what was run before."""


class HistoryReplyOk(TypedDict):
    """Tell what was run before. If `status` is "ok"."""

    status: Literal["ok"]
    """How it went."""

    history: list[list[int | str | list[str | None]]]
    """Session, line, and the code; with outputs, the code and its output."""


class HistoryReplyError(TypedDict):
    """Tell what was run before. If `status` is "error"."""

    status: Literal["error"]
    """How it went."""

    ename: str
    """The name of the error: `ValueError`."""

    evalue: str
    """Its message."""

    traceback: list[str]
    """Where it happened, as lines to print; escape codes for colours are allowed. Can be empty."""


class HistoryReplyAborted(TypedDict):
    """Tell what was run before. If `status` is "aborted"."""

    status: Literal["aborted"]
    """How it went."""


HistoryReply: TypeAlias = HistoryReplyOk | HistoryReplyError | HistoryReplyAborted
"""Tell what was run before."""


class IsCompleteRequest(TypedDict):
    """Ask whether code can be run, or is still being typed."""

    code: str
    """What was typed so far, all lines of it."""


class IsCompleteReplyComplete(TypedDict):
    """Tell whether code can be run. If `status` is "complete"."""

    status: Literal["complete"]
    """`invalid` code is run as well, for its error. `error`: the check failed."""


class IsCompleteReplyIncomplete(TypedDict):
    """Tell whether code can be run. If `status` is "incomplete"."""

    status: Literal["incomplete"]
    """`invalid` code is run as well, for its error. `error`: the check failed."""

    indent: str
    """What to begin the next line with; a hint."""


class IsCompleteReplyInvalid(TypedDict):
    """Tell whether code can be run. If `status` is "invalid"."""

    status: Literal["invalid"]
    """`invalid` code is run as well, for its error. `error`: the check failed."""


class IsCompleteReplyUnknown(TypedDict):
    """Tell whether code can be run. If `status` is "unknown"."""

    status: Literal["unknown"]
    """`invalid` code is run as well, for its error. `error`: the check failed."""


class IsCompleteReplyError(TypedDict):
    """Tell whether code can be run. If `status` is "error"."""

    status: Literal["error"]
    """`invalid` code is run as well, for its error. `error`: the check failed."""

    ename: str
    """The name of the error: `ValueError`."""

    evalue: str
    """Its message."""

    traceback: list[str]
    """Where it happened, as lines to print; escape codes for colours are allowed. Can be empty."""


IsCompleteReply: TypeAlias = (
    IsCompleteReplyComplete
    | IsCompleteReplyIncomplete
    | IsCompleteReplyInvalid
    | IsCompleteReplyUnknown
    | IsCompleteReplyError
)
"""Tell whether code can be run."""


class ConnectRequest(TypedDict):
    """Ask for the ports of the other channels."""


class ConnectReplyOk(TypedDict):
    """Tell the ports; a channel that is left out does not run. If `status` is "ok"."""

    status: Literal["ok"]
    """How it went."""

    shell_port: NotRequired[int]
    """The port of shell."""

    iopub_port: NotRequired[int]
    """The port of iopub."""

    stdin_port: NotRequired[int]
    """The port of stdin."""

    hb_port: NotRequired[int]
    """The port of the heartbeat."""

    control_port: NotRequired[int]
    """The port of control."""


class ConnectReplyError(TypedDict):
    """Tell the ports; a channel that is left out does not run. If `status` is "error"."""

    status: Literal["error"]
    """How it went."""

    ename: str
    """The name of the error: `ValueError`."""

    evalue: str
    """Its message."""

    traceback: list[str]
    """Where it happened, as lines to print; escape codes for colours are allowed. Can be empty."""


class ConnectReplyAborted(TypedDict):
    """Tell the ports; a channel that is left out does not run. If `status` is "aborted"."""

    status: Literal["aborted"]
    """How it went."""


ConnectReply: TypeAlias = ConnectReplyOk | ConnectReplyError | ConnectReplyAborted
"""Tell the ports; a channel that is left out does not run."""


class CommInfoRequest(TypedDict):
    """Ask which comms are open."""

    target_name: NotRequired[str]
    """Only the comms of this target; absent, all of them."""


class CommInfo(TypedDict):
    """An open comm."""

    target_name: str
    """The target it was opened for."""


class CommInfoReplyOk(TypedDict):
    """List the comms that are open. If `status` is "ok"."""

    status: Literal["ok"]
    """How it went."""

    comms: dict[str, CommInfo]
    """The comms by their id."""


class CommInfoReplyError(TypedDict):
    """List the comms that are open. If `status` is "error"."""

    status: Literal["error"]
    """How it went."""

    ename: str
    """The name of the error: `ValueError`."""

    evalue: str
    """Its message."""

    traceback: list[str]
    """Where it happened, as lines to print; escape codes for colours are allowed. Can be empty."""


class CommInfoReplyAborted(TypedDict):
    """List the comms that are open. If `status` is "aborted"."""

    status: Literal["aborted"]
    """How it went."""


CommInfoReply: TypeAlias = CommInfoReplyOk | CommInfoReplyError | CommInfoReplyAborted
"""List the comms that are open."""


class KernelInfoRequest(TypedDict):
    """Ask who the kernel is and what it can do."""


class LanguageInfo(TypedDict):
    """The language that the kernel runs. A notebook keeps a copy."""

    name: str
    """Its name: `python`."""

    version: str
    """Its version: `3.13.1`."""

    mimetype: str
    """The type of its sources: `text/x-python`."""

    file_extension: str
    """With the dot: `.py`."""

    pygments_lexer: NotRequired[str]
    """Colours on paper, if not called like the language."""

    codemirror_mode: NotRequired[str | dict[str, Any]]
    """Colours in an editor, likewise."""

    nbconvert_exporter: NotRequired[str]
    """Exports notebooks, if it is not `script`."""


class HelpLink(TypedDict):
    """An entry for the help menu."""

    text: str
    """What the menu shows."""

    url: str
    """Where it leads."""


class KernelInfoReplyOk(TypedDict):
    """Tell who the kernel is and what it can do. If `status` is "ok"."""

    status: Literal["ok"]
    """How it went."""

    protocol_version: str
    """The protocol it speaks."""

    implementation: str
    """The name of the kernel: `ipython`."""

    implementation_version: str
    """The version of the kernel."""

    language_info: LanguageInfo
    """The language it runs."""

    banner: str
    """What a console prints first."""

    help_links: NotRequired[list[HelpLink]]
    """Entries for the help menu."""

    debugger: NotRequired[bool]
    """There is a debugger. Without it: false. Deprecated since 5.5."""

    supported_features: NotRequired[list[str]]
    """What is optional and there: `debugger`, `kernel subshells`."""


class KernelInfoReplyError(TypedDict):
    """Tell who the kernel is and what it can do. If `status` is "error"."""

    status: Literal["error"]
    """How it went."""

    ename: str
    """The name of the error: `ValueError`."""

    evalue: str
    """Its message."""

    traceback: list[str]
    """Where it happened, as lines to print; escape codes for colours are allowed. Can be empty."""


class KernelInfoReplyAborted(TypedDict):
    """Tell who the kernel is and what it can do. If `status` is "aborted"."""

    status: Literal["aborted"]
    """How it went."""


KernelInfoReply: TypeAlias = KernelInfoReplyOk | KernelInfoReplyError | KernelInfoReplyAborted
"""Tell who the kernel is and what it can do."""


class ShutdownRequest(TypedDict):
    """End the kernel."""

    restart: bool
    """The client will start it anew."""


class ShutdownReplyOk(TypedDict):
    """Tell that the kernel ends now. If `status` is "ok"."""

    status: Literal["ok"]
    """How it went."""

    restart: bool
    """As in the request."""


class ShutdownReplyError(TypedDict):
    """Tell that the kernel ends now. If `status` is "error"."""

    status: Literal["error"]
    """How it went."""

    ename: str
    """The name of the error: `ValueError`."""

    evalue: str
    """Its message."""

    traceback: list[str]
    """Where it happened, as lines to print; escape codes for colours are allowed. Can be empty."""


class ShutdownReplyAborted(TypedDict):
    """Tell that the kernel ends now. If `status` is "aborted"."""

    status: Literal["aborted"]
    """How it went."""


ShutdownReply: TypeAlias = ShutdownReplyOk | ShutdownReplyError | ShutdownReplyAborted
"""Tell that the kernel ends now."""


class InterruptRequest(TypedDict):
    """Stop the code that runs."""


class InterruptReplyOk(TypedDict):
    """Tell that the interrupt was delivered; not that the code ended. If `status` is "ok"."""

    status: Literal["ok"]
    """How it went."""


class InterruptReplyError(TypedDict):
    """Tell that the interrupt was delivered; not that the code ended. If `status` is "error"."""

    status: Literal["error"]
    """How it went."""

    ename: str
    """The name of the error: `ValueError`."""

    evalue: str
    """Its message."""

    traceback: list[str]
    """Where it happened, as lines to print; escape codes for colours are allowed. Can be empty."""


class InterruptReplyAborted(TypedDict):
    """Tell that the interrupt was delivered; not that the code ended. If `status` is "aborted"."""

    status: Literal["aborted"]
    """How it went."""


InterruptReply: TypeAlias = InterruptReplyOk | InterruptReplyError | InterruptReplyAborted
"""Tell that the interrupt was delivered; not that the code ended."""


class DebugRequest(TypedDict):
    """Pass a request on to the debugger."""

    type: Literal["request"]
    """What it is to the debugger."""

    seq: int
    """The client's number for it, counted up."""

    command: str
    """What to do: `setBreakpoints`, `dumpCell`, …"""

    arguments: NotRequired[dict[str, Any]]
    """With what; each command has its own. Without it: {}."""


class DebugReply(TypedDict):
    """Bring back the debugger's response."""

    type: Literal["response"]
    """What it is to the debugger."""

    seq: int
    """The debugger's number for it."""

    request_seq: int
    """The number of the request."""

    success: bool
    """Whether it was done."""

    command: str
    """The command of the request."""

    message: NotRequired[str]
    """What went wrong, in a word."""

    body: NotRequired[Any]
    """The result; each command has its own."""


class CreateSubshellRequest(TypedDict):
    """Start a thread that serves shell requests beside the main one."""


class CreateSubshellReplyOk(TypedDict):
    """Tell the id of the new subshell. If `status` is "ok"."""

    status: Literal["ok"]
    """How it went."""

    subshell_id: str
    """The id, for the headers of requests to it."""


class CreateSubshellReplyError(TypedDict):
    """Tell the id of the new subshell. If `status` is "error"."""

    status: Literal["error"]
    """How it went."""

    ename: str
    """The name of the error: `ValueError`."""

    evalue: str
    """Its message."""

    traceback: list[str]
    """Where it happened, as lines to print; escape codes for colours are allowed. Can be empty."""


class CreateSubshellReplyAborted(TypedDict):
    """Tell the id of the new subshell. If `status` is "aborted"."""

    status: Literal["aborted"]
    """How it went."""


CreateSubshellReply: TypeAlias = (
    CreateSubshellReplyOk
    | CreateSubshellReplyError
    | CreateSubshellReplyAborted
)
"""Tell the id of the new subshell."""


class DeleteSubshellRequest(TypedDict):
    """End a subshell."""

    subshell_id: str
    """Which one."""


class DeleteSubshellReplyOk(TypedDict):
    """Tell that the subshell has ended. If `status` is "ok"."""

    status: Literal["ok"]
    """How it went."""


class DeleteSubshellReplyError(TypedDict):
    """Tell that the subshell has ended. If `status` is "error"."""

    status: Literal["error"]
    """How it went."""

    ename: str
    """The name of the error: `ValueError`."""

    evalue: str
    """Its message."""

    traceback: list[str]
    """Where it happened, as lines to print; escape codes for colours are allowed. Can be empty."""


class DeleteSubshellReplyAborted(TypedDict):
    """Tell that the subshell has ended. If `status` is "aborted"."""

    status: Literal["aborted"]
    """How it went."""


DeleteSubshellReply: TypeAlias = (
    DeleteSubshellReplyOk
    | DeleteSubshellReplyError
    | DeleteSubshellReplyAborted
)
"""Tell that the subshell has ended."""


class ListSubshellRequest(TypedDict):
    """Ask which subshells there are."""


class ListSubshellReplyOk(TypedDict):
    """List the subshells, without the main shell. If `status` is "ok"."""

    status: Literal["ok"]
    """How it went."""

    subshell_id: list[str]
    """The ids; the name of the field is in the singular."""


class ListSubshellReplyError(TypedDict):
    """List the subshells, without the main shell. If `status` is "error"."""

    status: Literal["error"]
    """How it went."""

    ename: str
    """The name of the error: `ValueError`."""

    evalue: str
    """Its message."""

    traceback: list[str]
    """Where it happened, as lines to print; escape codes for colours are allowed. Can be empty."""


class ListSubshellReplyAborted(TypedDict):
    """List the subshells, without the main shell. If `status` is "aborted"."""

    status: Literal["aborted"]
    """How it went."""


ListSubshellReply: TypeAlias = (
    ListSubshellReplyOk
    | ListSubshellReplyError
    | ListSubshellReplyAborted
)
"""List the subshells, without the main shell."""


class UsageRequest(TypedDict):
    """Ask how much of the machine the kernel uses."""


class UsageReply(TypedDict):
    """Tell how much of the machine the kernel uses."""

    hostname: str
    """The name of the machine."""

    pid: int
    """The id of the kernel's process."""

    cpu_count: int
    """How many processors there are."""

    kernel_cpu: NotRequired[float]
    """How busy kernel and children are: 100 is one processor."""

    kernel_memory: NotRequired[int]
    """What they occupy, in bytes."""

    host_cpu_percent: NotRequired[float]
    """How busy the machine is."""

    host_virtual_memory: NotRequired[dict[str, float]]
    """The memory of the machine, in bytes."""


class IopubWelcome(TypedDict):
    """Tell that somebody has subscribed."""

    subscription: str
    """The topic; empty for everything."""


class Stream(TypedDict):
    """Show text that the code has written."""

    name: Literal["stdout", "stderr"]
    """Where it was written."""

    text: str
    """The text. Any piece of it: not a line, not always ended."""


class Transient(TypedDict):
    """What is for the living session, and not to be saved."""

    display_id: NotRequired[str]
    """A name under which it can be updated."""


class DisplayData(TypedDict):
    """Show something."""

    data: dict[str, Any]
    """The same thing in several forms: text, HTML, image, …"""

    metadata: dict[str, Any]
    """About the forms, by MIME type; and about the whole."""

    transient: NotRequired[Transient]
    """What is not to be saved."""


class NamedTransient(TypedDict):
    """What is for the living session; it has to name a display."""

    display_id: str
    """The display to update."""


class UpdateDisplayData(TypedDict):
    """Change what is shown, wherever it is shown."""

    data: dict[str, Any]
    """The same thing in several forms: text, HTML, image, …"""

    metadata: dict[str, Any]
    """About the forms, by MIME type; and about the whole."""

    transient: NamedTransient
    """Names the display."""


class ExecuteInput(TypedDict):
    """Show all clients which code runs now."""

    code: str
    """The code."""

    execution_count: int
    """Its number."""


class ExecuteResult(TypedDict):
    """Show the value of the code."""

    execution_count: int
    """The number of the cell."""

    data: dict[str, Any]
    """The same thing in several forms: text, HTML, image, …"""

    metadata: dict[str, Any]
    """About the forms, by MIME type; and about the whole."""

    transient: NotRequired[Transient]
    """What is not to be saved."""


class Error(TypedDict):
    """Show what went wrong in the code."""

    ename: str
    """The name of the error: `ValueError`."""

    evalue: str
    """Its message."""

    traceback: list[str]
    """Where it happened, as lines to print; escape codes for colours are allowed. Can be empty."""


class Status(TypedDict):
    """Tell that the kernel begins or ends to work for a request."""

    execution_state: Literal["busy", "idle", "starting"]
    """What it does."""


class ClearOutput(TypedDict):
    """Remove what the cell has shown so far."""

    wait: bool
    """Not before there is something new to show."""


class DebugEvent(TypedDict):
    """Tell what happened in the debugger."""

    type: Literal["event"]
    """What it is to the debugger."""

    seq: int
    """The debugger's number for it."""

    event: str
    """What happened: `stopped`, `continued`, …"""

    body: NotRequired[Any]
    """The details; each event has its own."""


class InputRequest(TypedDict):
    """Ask the user for a line."""

    prompt: str
    """What to show before it. Can be empty."""

    password: bool
    """Do not show what is typed."""


class InputReply(TypedDict):
    """Answer with what the user typed."""

    value: str
    """The line, without its end."""

    status: NotRequired[Literal["ok"]]
    """JupyterLab and the Rust library of Zed send it."""


class CommOpenMetadata(TypedDict):
    """The metadata of comm_open."""

    version: NotRequired[str]
    """The version of the widget protocol. ipywidgets sends it."""


class CommOpen(TypedDict):
    """Open a comm: a line between an object in the kernel and one in the client."""

    comm_id: str
    """The comm; whoever opens it makes up the id."""

    target_name: str
    """Who is to take it on the other side."""

    data: dict[str, Any]
    """What the other side needs to begin."""

    target_module: NotRequired[str]
    """Where a notebook of old finds the code."""


class CommMsgMetadata(TypedDict):
    """The metadata of comm_msg."""

    version: NotRequired[str]
    """The version of the widget protocol. ipywidgets sends it."""


class CommMsg(TypedDict):
    """Send something along a comm."""

    comm_id: str
    """The comm; whoever opens it makes up the id."""

    data: dict[str, Any]
    """What the two sides have agreed on."""


class CommClose(TypedDict):
    """Close a comm."""

    comm_id: str
    """The comm; whoever opens it makes up the id."""

    data: dict[str, Any]
    """A last word."""


class RegistrationRequest(TypedDict):
    """Ask to become an engine of the cluster."""

    uuid: str
    """The engine's uuid: the identity of its sockets."""

    id: NotRequired[int | None]
    """The id that the engine would like. Without it: null."""


class EngineAddresses(TypedDict):
    """The addresses of the engines' file."""

    interface: str
    """Transport and address of all ports, without a port: `tcp://127.0.0.1`."""

    registration: int
    """Queries and registration: the same port in both files."""

    control: int
    """Requests that must not wait behind others."""

    mux: int
    """Requests to a certain engine."""

    task: int
    """Requests for which the scheduler finds an engine."""

    iopub: int
    """What engines publish."""

    hb_ping: int
    """Where the heart monitor publishes its pings."""

    hb_pong: int
    """Where it awaits the answers."""

    broadcast: list[int]
    """Requests to several engines: engine ID connects to port ID modulo the length."""


NoEngine: TypeAlias = dict[str, Never]
"""An empty object: the error is not an engine's."""


class RegistrationReplyOk(TypedDict):
    """Give the engine its id, or refuse it. If `status` is "ok"."""

    status: Literal["ok"]
    """How it went."""

    id: int
    """The id: from 0 upwards, never used twice."""

    hb_period: int
    """Milliseconds between two pings."""

    connection_info: EngineAddresses
    """The addresses once more."""


class RegistrationReplyError(TypedDict):
    """Give the engine its id, or refuse it. If `status` is "error"."""

    status: Literal["error"]
    """How it went."""

    ename: str
    """The name of the exception's class."""

    evalue: str
    """The text of the exception; may be empty."""

    traceback: list[str]
    """Where it happened, line by line; clients join it with line feeds."""

    engine_info: NoEngine
    """Empty: no engine failed."""


RegistrationReply: TypeAlias = RegistrationReplyOk | RegistrationReplyError
"""Give the engine its id, or refuse it."""


class UnregistrationRequest(TypedDict):
    """Tell that an engine is gone. There is no reply."""

    id: int | None
    """The engine's id; null if it never got one."""


class ConnectionRequest(TypedDict):
    """Ask which engines there are."""


class ConnectionReply(TypedDict):
    """List the engines."""

    status: Literal["ok"]
    """It is done; a failure is told by a `hub_error`."""

    engines: dict[str, str]
    """The uuid of each engine, by its id as a string."""


class QueueRequest(TypedDict):
    """Ask how much is waiting where."""

    targets: int | str | list[int | str] | None
    """Which engines: an id, a uuid, a list of them, or null for all."""

    verbose: NotRequired[bool]
    """Ask for ids instead of numbers. Without it: false."""


class EngineQueue(TypedDict):
    """What one engine has to do, and has done: numbers, or lists of ids."""

    queue: int | list[str]
    """Waiting, sent to it directly."""

    tasks: int | list[str]
    """Waiting, assigned by the scheduler."""

    completed: int | list[str]
    """Done."""


class QueueReply(TypedDict):
    """Tell how much is waiting where: a field for each engine, named by its id. Other keys hold:
    EngineQueue."""

    status: Literal["ok"]
    """It is done; a failure is told by a `hub_error`."""

    unassigned: int | list[str]
    """Tasks that no engine has yet."""


class LoadRequest(TypedDict):
    """Ask how many requests each engine has."""

    targets: int | str | list[int | str] | None
    """Which engines: an id, a uuid, a list of them, or null for all."""


class LoadReply(TypedDict):
    """Tell how many requests each engine has: a field for each, named by its id. Other keys hold:
    integer."""

    status: Literal["ok"]
    """It is done; a failure is told by a `hub_error`."""


class ResultRequest(TypedDict):
    """Ask for the results of requests, anybody's."""

    msg_ids: list[str]
    """The `msg_id` of each request that is meant."""

    status_only: NotRequired[bool]
    """Ask only which are done. Without it: false."""


class Output(TypedDict):
    """What an engine published for a request."""

    execute_input: NotRequired[str | None]
    """The code that was executed. Without it: null."""

    execute_result: NotRequired[dict[str, Any] | None]
    """The content of the `execute_result`. Without it: null."""

    error: NotRequired[dict[str, Any] | None]
    """The content of the `error`. Without it: null."""

    stdout: NotRequired[str]
    """All text that was printed. Without it: ""."""

    stderr: NotRequired[str]
    """All text that was printed as an error. Without it: ""."""


class Result(TypedDict):
    """A finished request, and what came of it."""

    header: NotRequired[Header | None]
    """The request's header. Without it: null."""

    metadata: NotRequired[dict[str, Any] | None]
    """The request's metadata. Without it: null."""

    received: NotRequired[str | None]
    """When the hub got the reply, by its own clock. Without it: null."""

    result_header: NotRequired[Header | None]
    """The reply's header. Without it: null."""

    result_metadata: NotRequired[dict[str, Any] | None]
    """The reply's metadata. Without it: null."""

    result_content: NotRequired[dict[str, Any] | None]
    """The reply's content. Without it: null."""

    io: Output
    """Output."""


class ResultReplyOk(TypedDict):
    """Tell which requests are done. Unless only the status was asked, it has a field for each that
    is, named by its id. Other keys hold: Result. If `status` is "ok"."""

    status: Literal["ok"]
    """How it went."""

    pending: list[str]
    """Those that are not done."""

    completed: list[str]
    """Those that are."""


class ResultReplyError(TypedDict):
    """Tell which requests are done. Unless only the status was asked, it has a field for each that
    is, named by its id. Other keys hold: Result. If `status` is "error"."""

    status: Literal["error"]
    """How it went."""

    ename: str
    """The name of the exception's class."""

    evalue: str
    """The text of the exception; may be empty."""

    traceback: list[str]
    """Where it happened, line by line; clients join it with line feeds."""

    engine_info: NoEngine
    """Empty: no engine failed."""


ResultReply: TypeAlias = ResultReplyOk | ResultReplyError
"""Tell which requests are done. Unless only the status was asked, it has a field for each that is,
named by its id."""


class HubHistoryRequest(TypedDict):
    """Ask for the ids of all requests that the hub remembers."""


class HubHistoryReplyOk(TypedDict):
    """List the ids of all requests that the hub remembers. If `status` is "ok"."""

    status: Literal["ok"]
    """How it went."""

    history: list[str]
    """The ids, in the order of submission."""


class HubHistoryReplyError(TypedDict):
    """List the ids of all requests that the hub remembers. If `status` is "error"."""

    status: Literal["error"]
    """How it went."""

    ename: str
    """The name of the exception's class."""

    evalue: str
    """The text of the exception; may be empty."""

    traceback: list[str]
    """Where it happened, line by line; clients join it with line feeds."""

    engine_info: NoEngine
    """Empty: no engine failed."""


HubHistoryReply: TypeAlias = HubHistoryReplyOk | HubHistoryReplyError
"""List the ids of all requests that the hub remembers."""


class DbRequest(TypedDict):
    """Search the records of the hub."""

    query: NotRequired[dict[str, Any]]
    """What has to hold: a value to be equal to, or an object of operators and operands. Without it:
    {}."""

    keys: NotRequired[list[str] | None]
    """Fields to tell; null: all but the buffers. The id is always told. Without it: null."""


class Record(TypedDict):
    """What the hub knows of one request."""

    msg_id: str
    """The request's id."""

    header: NotRequired[Header | None]
    """The request's header. Without it: null."""

    metadata: NotRequired[dict[str, Any] | None]
    """The request's metadata. Without it: null."""

    content: NotRequired[dict[str, Any] | None]
    """The request's content. Without it: null."""

    buffers: NotRequired[Any]
    """The request's buffers; they travel outside the record. Without it: null."""

    submitted: NotRequired[str | None]
    """When the request was made. Without it: null."""

    client_uuid: NotRequired[str | None]
    """Who asked. Without it: null."""

    engine_uuid: NotRequired[str | None]
    """Which engine did it. Without it: null."""

    queue: NotRequired[Literal["mux", "task"] | None]
    """The channel of the request. Without it: null."""

    label: NotRequired[str | None]
    """The label in the request's metadata. Without it: null."""

    started: NotRequired[str | None]
    """When the engine began. Without it: null."""

    completed: NotRequired[str | None]
    """When the reply was made. Without it: null."""

    received: NotRequired[str | None]
    """When the hub got the reply, by its own clock. Without it: null."""

    result_header: NotRequired[Header | None]
    """The reply's header. Without it: null."""

    result_metadata: NotRequired[dict[str, Any] | None]
    """The reply's metadata. Without it: null."""

    result_content: NotRequired[dict[str, Any] | None]
    """The reply's content. Without it: null."""

    result_buffers: NotRequired[Any]
    """The reply's buffers, outside like the others. Without it: null."""

    resubmitted: NotRequired[str | None]
    """The id under which it was sent again. Without it: null."""

    execute_input: NotRequired[str | None]
    """The code that was executed. Without it: null."""

    execute_result: NotRequired[dict[str, Any] | None]
    """The content of the `execute_result`. Without it: null."""

    error: NotRequired[dict[str, Any] | None]
    """The content of the `error`. Without it: null."""

    stdout: NotRequired[str]
    """All text that was printed. Without it: ""."""

    stderr: NotRequired[str]
    """All text that was printed as an error. Without it: ""."""

    display_data: NotRequired[dict[str, Any]]
    """The content of the last `display_data`."""


class DbReplyOk(TypedDict):
    """List the records that were found. If `status` is "ok"."""

    status: Literal["ok"]
    """How it went."""

    records: list[Record]
    """The records, with the fields asked for."""

    buffer_lens: list[int] | None
    """How many buffers each request has; null unless asked for."""

    result_buffer_lens: list[int] | None
    """How many buffers each reply has; null unless asked for."""


class DbReplyError(TypedDict):
    """List the records that were found. If `status` is "error"."""

    status: Literal["error"]
    """How it went."""

    ename: str
    """The name of the exception's class."""

    evalue: str
    """The text of the exception; may be empty."""

    traceback: list[str]
    """Where it happened, line by line; clients join it with line feeds."""

    engine_info: NoEngine
    """Empty: no engine failed."""


DbReply: TypeAlias = DbReplyOk | DbReplyError
"""List the records that were found."""


class PurgeRequest(TypedDict):
    """Ask the hub to forget requests."""

    msg_ids: NotRequired[list[str] | Literal["all"]]
    """What to forget; `all`: everything that is done. Without it: []."""

    engine_ids: NotRequired[list[int]]
    """Forget all that these have done. Without it: []."""


class PurgeReplyOk(TypedDict):
    """Tell that they are forgotten. If `status` is "ok"."""

    status: Literal["ok"]
    """How it went."""


class PurgeReplyError(TypedDict):
    """Tell that they are forgotten. If `status` is "error"."""

    status: Literal["error"]
    """How it went."""

    ename: str
    """The name of the exception's class."""

    evalue: str
    """The text of the exception; may be empty."""

    traceback: list[str]
    """Where it happened, line by line; clients join it with line feeds."""

    engine_info: NoEngine
    """Empty: no engine failed."""


PurgeReply: TypeAlias = PurgeReplyOk | PurgeReplyError
"""Tell that they are forgotten."""


class ResubmitRequest(TypedDict):
    """Ask the hub to send requests again, as tasks."""

    msg_ids: list[str]
    """The `msg_id` of each request that is meant."""


class ResubmitReplyOk(TypedDict):
    """Tell the new ids. If `status` is "ok"."""

    status: Literal["ok"]
    """How it went."""

    resubmitted: dict[str, str]
    """The new id for each old one."""


class ResubmitReplyError(TypedDict):
    """Tell the new ids. If `status` is "error"."""

    status: Literal["error"]
    """How it went."""

    ename: str
    """The name of the exception's class."""

    evalue: str
    """The text of the exception; may be empty."""

    traceback: list[str]
    """Where it happened, line by line; clients join it with line feeds."""

    engine_info: NoEngine
    """Empty: no engine failed."""


ResubmitReply: TypeAlias = ResubmitReplyOk | ResubmitReplyError
"""Tell the new ids."""


class HubShutdownRequest(TypedDict):
    """End the hub."""


class HubShutdownReply(TypedDict):
    """Tell that the hub will end."""

    status: Literal["ok"]
    """It is done; a failure is told by a `hub_error`."""


class BecomeDaskRequest(TypedDict):
    """Start a scheduler of dask.distributed in the hub, unless one runs."""

    scheduler_args: NotRequired[dict[str, Any]]
    """Arguments of the scheduler. Without it: {}."""


class BecomeDaskReply(TypedDict):
    """Tell where the scheduler of dask.distributed is."""

    status: Literal["ok"]
    """It is done; a failure is told by a `hub_error`."""

    ip: str
    """Its address."""

    port: int
    """Its port."""

    address: str
    """Both as dask writes them: `tcp://127.0.0.1:8786`."""


class StopDistributedRequest(TypedDict):
    """Stop the scheduler of dask.distributed."""


class StopDistributedReply(TypedDict):
    """Tell that the scheduler is stopped, or that there was none."""

    status: Literal["ok"]
    """It is done; a failure is told by a `hub_error`."""


class HubErrorError(TypedDict):
    """Tell that a request could not be handled, in place of the reply that belongs to it. If
    `status` is "error"."""

    status: Literal["error"]
    """Always error."""

    ename: str
    """The name of the exception's class."""

    evalue: str
    """The text of the exception; may be empty."""

    traceback: list[str]
    """Where it happened, line by line; clients join it with line feeds."""

    engine_info: NoEngine
    """Empty: no engine failed."""


HubError: TypeAlias = HubErrorError
"""Tell that a request could not be handled, in place of the reply that belongs to it."""


class RegistrationNotification(TypedDict):
    """Tell all clients that an engine can be used."""

    id: int
    """The engine's id."""

    uuid: str
    """The engine's uuid: the identity of its sockets."""


class UnregistrationNotification(TypedDict):
    """Tell all clients that an engine is gone."""

    id: int
    """The engine's id."""

    uuid: str
    """The engine's uuid: the identity of its sockets."""


class ShutdownNotification(TypedDict):
    """Tell all clients that the hub ends."""

    status: Literal["ok"]
    """Always ok."""


class ApplyRequestMetadata(TypedDict):
    """The metadata of apply_request."""

    label: NotRequired[str | None]
    """A name that the user gave the request. Without it: null."""


class ApplyRequest(TypedDict):
    """Call a function on one engine."""


class Dependency(TypedDict):
    """What has to be finished before a task may run."""

    dependencies: list[str]
    """The `msg_id` of each task that is waited for."""

    all: NotRequired[bool]
    """Wait for all of them, not for any one. Without it: true."""

    success: NotRequired[bool]
    """One that succeeded counts. Without it: true."""

    failure: NotRequired[bool]
    """One that failed counts. Without it: false."""


class TaskApplyRequestMetadata(TypedDict):
    """The metadata of task.apply_request."""

    after: NotRequired[list[str] | Dependency]
    """Run the task after these, wherever they ran. Without it: []."""

    follow: NotRequired[list[str] | Dependency]
    """Run the task on an engine where these ran. Without it: []."""

    timeout: NotRequired[float | None]
    """Seconds that the task may wait for an engine; 0 and null: for ever. Without it: 0.0."""

    targets: NotRequired[list[str]]
    """The uuids of engines that may run it; none: any. Without it: []."""

    retries: NotRequired[int]
    """How often it may be tried again. Without it: 0."""

    label: NotRequired[str | None]
    """A name that the user gave the request. Without it: null."""


class TaskApplyRequest(TypedDict):
    """Call a function on whichever engine the scheduler chooses."""


class BroadcastApplyRequestMetadata(TypedDict):
    """The metadata of broadcast.apply_request."""

    targets: list[list[str | int]]
    """The engines, each as uuid and id. An engine finds itself and its neighbours."""

    is_broadcast: Literal[True]
    """Marks the request as a broadcast."""

    is_coalescing: bool
    """Whether all results come back in one reply."""

    original_msg_id: NotRequired[str]
    """The client's `msg_id`. The scheduler adds it: an engine gets `ORIGINAL_UUID` for an id."""


class BroadcastApplyRequest(TypedDict):
    """Call a function on many engines; the arguments are sent once."""


class EngineName(TypedDict):
    """Which engine it was."""

    engine_uuid: str
    """The engine's uuid."""

    engine_id: int
    """The engine's id."""


class ApplyReplyMetadataOk(TypedDict):
    """The metadata of apply_reply. If `status` is "ok"."""

    status: Literal["ok"]
    """The same as in the content: the task scheduler does not look there."""

    started: str
    """When the engine began."""

    engine: str
    """The engine's uuid."""

    dependencies_met: NotRequired[bool]
    """False if a function's own condition failed: the task is tried on another engine. Without it:
    true."""

    label: NotRequired[str | None]
    """Copied from the request. Without it: null."""

    is_broadcast: NotRequired[bool]
    """Copied from the request. Without it: false."""

    is_coalescing: NotRequired[bool]
    """Copied from the request. Broadcast schedulers fail without it. Without it: false."""

    original_msg_id: NotRequired[str]
    """Copied from the request. Broadcast schedulers fail without it. Without it: ""."""


class ApplyReplyMetadataError(TypedDict):
    """The metadata of apply_reply. If `status` is "error"."""

    status: Literal["error"]
    """The same as in the content: the task scheduler does not look there."""

    started: str
    """When the engine began."""

    engine: str
    """The engine's uuid."""

    dependencies_met: NotRequired[bool]
    """False if a function's own condition failed: the task is tried on another engine. Without it:
    true."""

    label: NotRequired[str | None]
    """Copied from the request. Without it: null."""

    is_broadcast: NotRequired[bool]
    """Copied from the request. Without it: false."""

    is_coalescing: NotRequired[bool]
    """Copied from the request. Broadcast schedulers fail without it. Without it: false."""

    original_msg_id: NotRequired[str]
    """Copied from the request. Broadcast schedulers fail without it. Without it: ""."""

    engine_info: EngineName
    """Which engine failed."""


class ApplyReplyMetadataAborted(TypedDict):
    """The metadata of apply_reply. If `status` is "aborted"."""

    status: Literal["aborted"]
    """The same as in the content: the task scheduler does not look there."""

    started: str
    """When the engine began."""

    engine: str
    """The engine's uuid."""

    dependencies_met: NotRequired[bool]
    """False if a function's own condition failed: the task is tried on another engine. Without it:
    true."""

    label: NotRequired[str | None]
    """Copied from the request. Without it: null."""

    is_broadcast: NotRequired[bool]
    """Copied from the request. Without it: false."""

    is_coalescing: NotRequired[bool]
    """Copied from the request. Broadcast schedulers fail without it. Without it: false."""

    original_msg_id: NotRequired[str]
    """Copied from the request. Broadcast schedulers fail without it. Without it: ""."""


ApplyReplyMetadata: TypeAlias = (
    ApplyReplyMetadataOk
    | ApplyReplyMetadataError
    | ApplyReplyMetadataAborted
)
"""The metadata of apply_reply."""


class EngineInfo(TypedDict):
    """Which engine failed, and in what."""

    engine_uuid: str
    """The engine's uuid."""

    engine_id: int
    """The engine's id."""

    method: Literal["apply", "execute"]
    """What it was doing."""


class ApplyReplyOk(TypedDict):
    """Return what the function returned, or tell why it did not. If `status` is "ok"."""

    status: Literal["ok"]
    """How it went. `aborted`: it was never begun."""


class ApplyReplyError(TypedDict):
    """Return what the function returned, or tell why it did not. If `status` is "error"."""

    status: Literal["error"]
    """How it went. `aborted`: it was never begun."""

    ename: str
    """The name of the exception's class."""

    evalue: str
    """The text of the exception; may be empty."""

    traceback: list[str]
    """Where it happened, line by line; clients join it with line feeds."""

    engine_info: EngineInfo
    """Which engine failed."""


class ApplyReplyAborted(TypedDict):
    """Return what the function returned, or tell why it did not. If `status` is "aborted"."""

    status: Literal["aborted"]
    """How it went. `aborted`: it was never begun."""


ApplyReply: TypeAlias = ApplyReplyOk | ApplyReplyError | ApplyReplyAborted
"""Return what the function returned, or tell why it did not."""


class BroadcastApplyReplyMetadataOk(TypedDict):
    """The metadata of broadcast.apply_reply. If `status` is "ok"."""

    status: Literal["ok"]
    """The same as in the content: the task scheduler does not look there."""

    started: str
    """When the engine began."""

    engine: str
    """The engine's uuid."""

    dependencies_met: NotRequired[bool]
    """False if a function's own condition failed: the task is tried on another engine. Without it:
    true."""

    label: NotRequired[str | None]
    """Copied from the request. Without it: null."""

    is_broadcast: NotRequired[bool]
    """Copied from the request. Without it: false."""

    is_coalescing: NotRequired[bool]
    """Copied from the request. Broadcast schedulers fail without it. Without it: false."""

    original_msg_id: NotRequired[str]
    """Copied from the request. Broadcast schedulers fail without it. Without it: ""."""

    broadcast_targets: list[list[str | int]]
    """Whose results these are, in their order: uuid and id."""


class BroadcastApplyReplyMetadataError(TypedDict):
    """The metadata of broadcast.apply_reply. If `status` is "error"."""

    status: Literal["error"]
    """The same as in the content: the task scheduler does not look there."""

    started: str
    """When the engine began."""

    engine: str
    """The engine's uuid."""

    dependencies_met: NotRequired[bool]
    """False if a function's own condition failed: the task is tried on another engine. Without it:
    true."""

    label: NotRequired[str | None]
    """Copied from the request. Without it: null."""

    is_broadcast: NotRequired[bool]
    """Copied from the request. Without it: false."""

    is_coalescing: NotRequired[bool]
    """Copied from the request. Broadcast schedulers fail without it. Without it: false."""

    original_msg_id: NotRequired[str]
    """Copied from the request. Broadcast schedulers fail without it. Without it: ""."""

    engine_info: EngineName
    """Which engine failed."""

    broadcast_targets: list[list[str | int]]
    """Whose results these are, in their order: uuid and id."""


class BroadcastApplyReplyMetadataAborted(TypedDict):
    """The metadata of broadcast.apply_reply. If `status` is "aborted"."""

    status: Literal["aborted"]
    """The same as in the content: the task scheduler does not look there."""

    started: str
    """When the engine began."""

    engine: str
    """The engine's uuid."""

    dependencies_met: NotRequired[bool]
    """False if a function's own condition failed: the task is tried on another engine. Without it:
    true."""

    label: NotRequired[str | None]
    """Copied from the request. Without it: null."""

    is_broadcast: NotRequired[bool]
    """Copied from the request. Without it: false."""

    is_coalescing: NotRequired[bool]
    """Copied from the request. Broadcast schedulers fail without it. Without it: false."""

    original_msg_id: NotRequired[str]
    """Copied from the request. Broadcast schedulers fail without it. Without it: ""."""

    broadcast_targets: list[list[str | int]]
    """Whose results these are, in their order: uuid and id."""


BroadcastApplyReplyMetadata: TypeAlias = (
    BroadcastApplyReplyMetadataOk
    | BroadcastApplyReplyMetadataError
    | BroadcastApplyReplyMetadataAborted
)
"""The metadata of broadcast.apply_reply."""


class BroadcastApplyReplyOk(TypedDict):
    """Return the results of all engines in one, if the request asked for that. If `status` is
    "ok"."""

    status: Literal["ok"]
    """How it went. `aborted`: it was never begun."""


class BroadcastApplyReplyError(TypedDict):
    """Return the results of all engines in one, if the request asked for that. If `status` is
    "error"."""

    status: Literal["error"]
    """How it went. `aborted`: it was never begun."""

    ename: str
    """The name of the exception's class."""

    evalue: str
    """The text of the exception; may be empty."""

    traceback: list[str]
    """Where it happened, line by line; clients join it with line feeds."""

    engine_info: EngineInfo
    """Which engine failed."""


class BroadcastApplyReplyAborted(TypedDict):
    """Return the results of all engines in one, if the request asked for that. If `status` is
    "aborted"."""

    status: Literal["aborted"]
    """How it went. `aborted`: it was never begun."""


BroadcastApplyReply: TypeAlias = (
    BroadcastApplyReplyOk
    | BroadcastApplyReplyError
    | BroadcastApplyReplyAborted
)
"""Return the results of all engines in one, if the request asked for that."""


class SchedulerApplyReplyMetadata(TypedDict):
    """The metadata of scheduler.apply_reply."""

    status: NotRequired[Literal["error"]]
    """Only if the engine died."""

    engine: NotRequired[str]
    """Only then: the engine's uuid."""

    date: NotRequired[str]
    """Only then: when it was noticed."""


class SchedulerApplyReplyError(TypedDict):
    """Tell that no engine will answer a task; also in answer to an `execute_request`. If `status`
    is "error"."""

    status: Literal["error"]
    """Always error."""

    ename: Literal["InvalidDependency", "ImpossibleDependency", "TaskTimeout", "EngineError"]
    """Why no engine will."""

    evalue: str
    """The text of the exception; may be empty."""

    traceback: list[str]
    """Where it happened, line by line; clients join it with line feeds."""

    engine_info: NoEngine
    """Empty: no engine failed."""


SchedulerApplyReply: TypeAlias = SchedulerApplyReplyError
"""Tell that no engine will answer a task; also in answer to an `execute_request`."""


class EngineExecuteRequestMetadata(TypedDict):
    """The metadata of engine.execute_request."""

    label: NotRequired[str | None]
    """A name that the user gave the request. Without it: null."""


class EngineExecuteRequest(TypedDict):
    """Run code on one engine."""

    code: str
    """The source."""

    silent: NotRequired[bool]
    """Neither count the cell nor publish input and result. Without it: false."""

    user_expressions: NotRequired[dict[str, str]]
    """Expressions to evaluate. Without it: {}."""

    store_history: NotRequired[bool]
    """As in the kernel protocol."""

    allow_stdin: NotRequired[bool]
    """As in the kernel protocol."""

    stop_on_error: NotRequired[bool]
    """As in the kernel protocol."""


class BroadcastExecuteRequestMetadata(TypedDict):
    """The metadata of broadcast.execute_request."""

    targets: list[list[str | int]]
    """The engines, each as uuid and id. An engine finds itself and its neighbours."""

    is_broadcast: Literal[True]
    """Marks the request as a broadcast."""

    is_coalescing: bool
    """Whether all results come back in one reply."""

    original_msg_id: NotRequired[str]
    """The client's `msg_id`. The scheduler adds it: an engine gets `ORIGINAL_UUID` for an id."""


class BroadcastExecuteRequest(TypedDict):
    """Run code on many engines; a client never asks for one joined reply."""

    code: str
    """The source."""

    silent: NotRequired[bool]
    """Neither count the cell nor publish input and result. Without it: false."""

    user_expressions: NotRequired[dict[str, str]]
    """Expressions to evaluate. Without it: {}."""

    store_history: NotRequired[bool]
    """As in the kernel protocol."""

    allow_stdin: NotRequired[bool]
    """As in the kernel protocol."""

    stop_on_error: NotRequired[bool]
    """As in the kernel protocol."""


class EngineExecuteReplyMetadataOk(TypedDict):
    """The metadata of engine.execute_reply. If `status` is "ok"."""

    status: Literal["ok"]
    """The same as in the content: the task scheduler does not look there."""

    started: str
    """When the engine began."""

    engine: str
    """The engine's uuid."""

    dependencies_met: NotRequired[bool]
    """False if a function's own condition failed: the task is tried on another engine. Without it:
    true."""

    label: NotRequired[str | None]
    """Copied from the request. Without it: null."""

    is_broadcast: NotRequired[bool]
    """Copied from the request. Without it: false."""

    is_coalescing: NotRequired[bool]
    """Copied from the request. Broadcast schedulers fail without it. Without it: false."""

    original_msg_id: NotRequired[str]
    """Copied from the request. Broadcast schedulers fail without it. Without it: ""."""


class EngineExecuteReplyMetadataError(TypedDict):
    """The metadata of engine.execute_reply. If `status` is "error"."""

    status: Literal["error"]
    """The same as in the content: the task scheduler does not look there."""

    started: str
    """When the engine began."""

    engine: str
    """The engine's uuid."""

    dependencies_met: NotRequired[bool]
    """False if a function's own condition failed: the task is tried on another engine. Without it:
    true."""

    label: NotRequired[str | None]
    """Copied from the request. Without it: null."""

    is_broadcast: NotRequired[bool]
    """Copied from the request. Without it: false."""

    is_coalescing: NotRequired[bool]
    """Copied from the request. Broadcast schedulers fail without it. Without it: false."""

    original_msg_id: NotRequired[str]
    """Copied from the request. Broadcast schedulers fail without it. Without it: ""."""

    engine_info: EngineName
    """Which engine failed."""


class EngineExecuteReplyMetadataAborted(TypedDict):
    """The metadata of engine.execute_reply. If `status` is "aborted"."""

    status: Literal["aborted"]
    """The same as in the content: the task scheduler does not look there."""

    started: str
    """When the engine began."""

    engine: str
    """The engine's uuid."""

    dependencies_met: NotRequired[bool]
    """False if a function's own condition failed: the task is tried on another engine. Without it:
    true."""

    label: NotRequired[str | None]
    """Copied from the request. Without it: null."""

    is_broadcast: NotRequired[bool]
    """Copied from the request. Without it: false."""

    is_coalescing: NotRequired[bool]
    """Copied from the request. Broadcast schedulers fail without it. Without it: false."""

    original_msg_id: NotRequired[str]
    """Copied from the request. Broadcast schedulers fail without it. Without it: ""."""


EngineExecuteReplyMetadata: TypeAlias = (
    EngineExecuteReplyMetadataOk
    | EngineExecuteReplyMetadataError
    | EngineExecuteReplyMetadataAborted
)
"""The metadata of engine.execute_reply."""


class EngineExecuteReplyOk(TypedDict):
    """Tell how the code went; its output has been published. If `status` is "ok"."""

    status: Literal["ok"]
    """How it went. `aborted`: it was never begun."""

    execution_count: int
    """The number of the cell; it stays as it was if the request was silent."""

    user_expressions: dict[str, Any]
    """The results by name."""

    payload: NotRequired[list[dict[str, Any]]]
    """As in the kernel protocol. Without it: []."""


class EngineExecuteReplyError(TypedDict):
    """Tell how the code went; its output has been published. If `status` is "error"."""

    status: Literal["error"]
    """How it went. `aborted`: it was never begun."""

    execution_count: int
    """The number of the cell; it stays as it was if the request was silent."""

    payload: NotRequired[list[dict[str, Any]]]
    """As in the kernel protocol. Without it: []."""

    ename: str
    """The name of the exception's class."""

    evalue: str
    """The text of the exception; may be empty."""

    traceback: list[str]
    """Where it happened, line by line; clients join it with line feeds."""

    engine_info: EngineInfo
    """Which engine failed."""


class EngineExecuteReplyAborted(TypedDict):
    """Tell how the code went; its output has been published. If `status` is "aborted"."""

    status: Literal["aborted"]
    """How it went. `aborted`: it was never begun."""

    payload: NotRequired[list[dict[str, Any]]]
    """As in the kernel protocol. Without it: []."""


EngineExecuteReply: TypeAlias = (
    EngineExecuteReplyOk
    | EngineExecuteReplyError
    | EngineExecuteReplyAborted
)
"""Tell how the code went; its output has been published."""


class ClearRequest(TypedDict):
    """Empty the namespace of an engine."""


class ClearReplyMetadata(TypedDict):
    """The metadata of clear_reply."""

    engine: NotRequired[str]
    """The engine's uuid."""


class ClearReply(TypedDict):
    """Tell that the namespace is empty but for IPython's own names."""

    status: Literal["ok"]
    """Always ok."""


class AbortRequest(TypedDict):
    """Keep requests that still wait in the engine's queue from being run."""

    msg_ids: list[str] | str
    """Which; an empty list: all waiting execute requests."""


class AbortReplyMetadata(TypedDict):
    """The metadata of abort_reply."""

    engine: NotRequired[str]
    """The engine's uuid."""


class AbortReply(TypedDict):
    """Tell that the ids are noted. Each request is then answered, `aborted`, in its turn."""

    status: Literal["ok"]
    """Always ok."""


class EngineShutdownRequest(TypedDict):
    """End an engine."""

    restart: bool
    """False: an engine does not restart."""


class EngineShutdownReplyMetadata(TypedDict):
    """The metadata of engine.shutdown_reply."""

    engine: NotRequired[str]
    """The engine's uuid."""


class EngineShutdownReply(TypedDict):
    """Tell that the engine ends: the one who asked, and everyone."""

    status: Literal["ok"]
    """Always ok."""

    restart: bool
    """As in the request."""


class SignalRequest(TypedDict):
    """Send a signal to the process of an engine."""

    sig: int | str
    """The number, or the name: `SIGINT`."""


class NannyRequestOk(TypedDict):
    """Tell that the signal was sent. It is the reply, in spite of its name. If `status` is "ok"."""

    status: Literal["ok"]
    """How it went."""


class NannyRequestError(TypedDict):
    """Tell that the signal was sent. It is the reply, in spite of its name. If `status` is
    "error"."""

    status: Literal["error"]
    """How it went."""

    ename: str
    """The name of the exception's class."""

    evalue: str
    """The text of the exception; may be empty."""

    traceback: list[str]
    """Where it happened, line by line; clients join it with line feeds."""

    engine_info: NoEngine
    """Empty: no engine failed."""


NannyRequest: TypeAlias = NannyRequestOk | NannyRequestError
"""Tell that the signal was sent. It is the reply, in spite of its name."""


class EngineStatusMetadata(TypedDict):
    """The metadata of engine.status."""

    engine: NotRequired[str]
    """The engine's uuid."""


class EngineStatus(TypedDict):
    """Tell that an engine begins or ends with a request. After `idle` no more output comes."""

    execution_state: Literal["busy", "idle", "starting"]
    """What it does now."""


class EngineStreamMetadata(TypedDict):
    """The metadata of engine.stream."""

    engine: NotRequired[str]
    """The engine's uuid."""


class EngineStream(TypedDict):
    """Show text that was printed."""

    name: Literal["stdout", "stderr"]
    """Where it was printed."""

    text: str
    """The text."""


class EngineExecuteInputMetadata(TypedDict):
    """The metadata of engine.execute_input."""

    engine: NotRequired[str]
    """The engine's uuid."""


class EngineExecuteInput(TypedDict):
    """Show which code is run, unless it is silent."""

    code: str
    """The source."""

    execution_count: int
    """The number of the cell."""


class EngineExecuteResultMetadata(TypedDict):
    """The metadata of engine.execute_result."""

    engine: NotRequired[str]
    """The engine's uuid."""


class EngineExecuteResult(TypedDict):
    """Show the value of the last expression, unless the request is silent."""

    data: dict[str, Any]
    """The value in several forms."""

    metadata: dict[str, Any]
    """Notes about the forms."""

    execution_count: int
    """The number of the cell."""


class EngineDisplayDataMetadata(TypedDict):
    """The metadata of engine.display_data."""

    engine: NotRequired[str]
    """The engine's uuid."""


class EngineDisplayData(TypedDict):
    """Show something; also if the request is silent."""

    data: dict[str, Any]
    """What to show, in several forms."""

    metadata: dict[str, Any]
    """Notes about the forms."""

    transient: NotRequired[dict[str, Any]]
    """Not to be stored: `display_id`. Without it: {}."""


class EngineUpdateDisplayDataMetadata(TypedDict):
    """The metadata of engine.update_display_data."""

    engine: NotRequired[str]
    """The engine's uuid."""


class EngineUpdateDisplayData(TypedDict):
    """Show something else in place of an earlier display."""

    data: dict[str, Any]
    """What to show, in several forms."""

    metadata: dict[str, Any]
    """Notes about the forms."""

    transient: NotRequired[dict[str, Any]]
    """Not to be stored: `display_id`. Without it: {}."""


class EngineClearOutputMetadata(TypedDict):
    """The metadata of engine.clear_output."""

    engine: NotRequired[str]
    """The engine's uuid."""


class EngineClearOutput(TypedDict):
    """Remove what was shown."""

    wait: NotRequired[bool]
    """Not before something new comes. Without it: false."""


class EngineErrorMetadata(TypedDict):
    """The metadata of engine.error."""

    engine: NotRequired[str]
    """The engine's uuid."""


class EngineError(TypedDict):
    """Show an error in a function or in code; also if the request is silent."""

    ename: str
    """The name of the exception's class."""

    evalue: str
    """Its text."""

    traceback: list[str]
    """Where it happened, line by line."""


class EngineCommOpenMetadata(TypedDict):
    """The metadata of engine.comm_open."""

    engine: NotRequired[str]
    """The engine's uuid."""


class EngineCommOpen(TypedDict):
    """Open a comm, a conversation between code of the user and a widget."""

    comm_id: str
    """The comm."""

    target_name: str
    """Who is to take part at the other end."""

    target_module: NotRequired[str]
    """Where a notebook of old finds the code."""

    data: NotRequired[dict[str, Any]]
    """What is said; the two ends know what it means. Without it: {}."""


class EngineCommMsgMetadata(TypedDict):
    """The metadata of engine.comm_msg."""

    engine: NotRequired[str]
    """The engine's uuid."""


class EngineCommMsg(TypedDict):
    """Send something along a comm."""

    comm_id: str
    """The comm."""

    data: NotRequired[dict[str, Any]]
    """What is said; the two ends know what it means. Without it: {}."""


class EngineCommCloseMetadata(TypedDict):
    """The metadata of engine.comm_close."""

    engine: NotRequired[str]
    """The engine's uuid."""


class EngineCommClose(TypedDict):
    """Close a comm."""

    comm_id: str
    """The comm."""

    data: NotRequired[dict[str, Any]]
    """What is said; the two ends know what it means. Without it: {}."""


class DataMessageMetadata(TypedDict):
    """The metadata of data_message."""

    engine: NotRequired[str]
    """The engine's uuid."""


class DataMessage(TypedDict):
    """Bring data that a function publishes while it runs."""

    keys: list[str]
    """The names of the data."""


class EngineIopubWelcomeMetadata(TypedDict):
    """The metadata of engine.iopub_welcome."""

    engine: NotRequired[str]
    """The engine's uuid."""


class EngineIopubWelcome(TypedDict):
    """Greet the relay that subscribed: the first message of an engine."""

    subscription: str
    """The topic of the subscription: empty."""


class NewHeart(TypedDict):
    """Tell which hearts began to beat: their registrations are complete."""

    hearts: list[str]
    """The uuids."""


class StoppedHeart(TypedDict):
    """Tell which hearts have stopped: ten pings in a row were not answered."""

    hearts: list[str]
    """The uuids."""


class TaskDestination(TypedDict):
    """Tell which engine got a task."""

    msg_id: str
    """The task."""

    engine_id: str
    """The engine's uuid."""


class ConnectionFile(TypedDict):
    """Tells a kernel, and then its clients, where its sockets are and which key they share."""

    transport: Literal["tcp", "ipc"]
    """`tcp`, or `ipc` for local sockets."""

    ip: str
    """The address to bind. For ipc, what the paths of all sockets begin with."""

    shell_port: int
    """The port of the shell channel. For ipc, a number at the end of the path."""

    iopub_port: int
    """The port of the iopub channel. For ipc, a number at the end of the path."""

    stdin_port: int
    """The port of the stdin channel. For ipc, a number at the end of the path."""

    control_port: int
    """The port of the control channel. For ipc, a number at the end of the path."""

    hb_port: int
    """The port of the hb channel. For ipc, a number at the end of the path."""

    signature_scheme: str
    """How messages are signed: `hmac-sha256` is what everybody has."""

    key: str
    """The secret with which messages are signed, as UTF-8. Empty: nothing is signed."""

    kernel_name: NotRequired[str]
    """The name of the kernel spec; empty when unknown. Without it: ""."""

    curve_publickey: NotRequired[str]
    """The public key of the kernel's sockets. Both keys are there, or none."""

    curve_secretkey: NotRequired[str]
    """The secret key that belongs to it. Both keys are there, or none."""

    jupyter_session: NotRequired[str]
    """The path of the notebook for which the kernel was started. Without it: ""."""


class RegistrationFile(TypedDict):
    """Tells a kernel where to report the ports that it chose; it stands in for a connection
    file."""

    kernel_id: str
    """Tells apart the kernels that report to one address."""

    transport: Literal["tcp", "ipc"]
    """`tcp`, or `ipc` for local sockets."""

    registration_ip: str
    """The address at which the launcher listens."""

    registration_port: int
    """The launcher's port."""

    signature_scheme: str
    """How messages are signed: `hmac-sha256` is what everybody has."""

    key: str
    """The secret with which messages are signed, as UTF-8. Empty: nothing is signed."""


class KernelMetadata(TypedDict):
    """Notes about a kernel for front ends; each tool should keep to a field of its own."""

    debugger: NotRequired[bool]
    """The kernel can be debugged. Without it: false."""

    supported_encryption: NotRequired[list[str]]
    """How the kernel can encrypt its sockets: `curve`. Without it: []."""


class KernelSpec(TypedDict):
    """Announces a kernel: how it is started, and how it is called. It is the file `kernel.json`."""

    argv: list[str]
    """The command that starts the kernel; `{connection_file}` stands for a path."""

    display_name: str
    """What front ends call the kernel; any characters."""

    language: str
    """The language of the kernel. A notebook in this language can be opened with it."""

    interrupt_mode: NotRequired[Literal["signal", "message"]]
    """How the kernel is interrupted: by SIGINT, or by an `interrupt_request`. Without it:
    "signal"."""

    env: NotRequired[dict[str, str]]
    """Variables to set. `${NAME}` stands for a value of the present environment. Without it: {}."""

    metadata: NotRequired[KernelMetadata]
    """Notes for front ends. Without it: {}."""

    kernel_protocol_version: NotRequired[str]
    """The version of the protocol that the kernel speaks."""


class IpcontrollerClient(TypedDict):
    """Tells a client where the controller of a cluster listens."""

    interface: str
    """Transport and address of all ports, without a port: `tcp://127.0.0.1`."""

    registration: int
    """Queries and registration: the same port in both files."""

    control: int
    """Requests that must not wait behind others."""

    mux: int
    """Requests to a certain engine."""

    task: int
    """Requests for which the scheduler finds an engine."""

    iopub: int
    """What engines publish."""

    broadcast: int
    """Requests to several engines: the root of the schedulers."""

    notification: int
    """Where the hub publishes that engines come and go."""

    task_scheme: Literal["leastload", "lru", "plainrandom", "twobin", "weighted", "pure", "none"]
    """How the scheduler chooses an engine."""

    key: str
    """The secret with which messages are signed; empty when CURVE encrypts them."""

    signature_scheme: str
    """How messages are signed."""

    pack: str
    """How the four parts are packed: `json`, `orjson`, `msgpack`, `pickle`, or a Python name."""

    unpack: str
    """How they are unpacked: the same as `pack`."""

    curve_serverkey: NotRequired[str | None]
    """The controller's public key. Without it: null."""

    location: NotRequired[str | None]
    """The host name of the controller. Without it: null."""

    ssh: str
    """A host to tunnel through: `user@host:port`; empty for none."""


class IpcontrollerEngine(TypedDict):
    """Tells an engine where the controller of its cluster listens."""

    interface: str
    """Transport and address of all ports, without a port: `tcp://127.0.0.1`."""

    registration: int
    """Queries and registration: the same port in both files."""

    control: int
    """Requests that must not wait behind others."""

    mux: int
    """Requests to a certain engine."""

    task: int
    """Requests for which the scheduler finds an engine."""

    iopub: int
    """What engines publish."""

    hb_ping: int
    """Where the heart monitor publishes its pings."""

    hb_pong: int
    """Where it awaits the answers."""

    broadcast: list[int]
    """Requests to several engines: engine ID connects to port ID modulo the length."""

    key: str
    """The secret with which messages are signed; empty when CURVE encrypts them."""

    signature_scheme: str
    """How messages are signed."""

    pack: str
    """How the four parts are packed: `json`, `orjson`, `msgpack`, `pickle`, or a Python name."""

    unpack: str
    """How they are unpacked: the same as `pack`."""

    curve_serverkey: NotRequired[str | None]
    """The controller's public key. Without it: null."""

    location: str
    """The host name of the controller: engines elsewhere look up its address."""

    ssh: NotRequired[str]
    """A host to tunnel through: `user@host:port`. Without it: ""."""
