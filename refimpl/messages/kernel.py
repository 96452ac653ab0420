"""The messages of the kernel protocol, 5.0 to 5.6: between a client and a kernel.

Read it from top to bottom: what recurs comes first, then the messages in the order of the
specification. `MESSAGES` at the end has them all. Behind it is what travels inside messages or
instead of them: the commands of the debugger, and the handshake of a kernel that chooses its ports.

Where specification, kernels and clients differ, the difference stands in a `Readings` before the
message. The specification says of few fields whether they are optional. So a field is required
here if some deployed program fails without it, and `may_lack` if some deployed program omits it.

The heartbeat is missing on purpose: it is no message, a kernel returns whatever bytes came.

>>> [message.name for message in MESSAGES if message.required]
['execute_request', 'kernel_info_request']
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from .model import (
    ANY,
    BOOLEAN,
    INTEGER,
    KERNEL,
    NULL,
    NUMBER,
    OBJECT,
    STRING,
    Field,
    ListOf,
    MapOf,
    MessageType,
    Number,
    OneOf,
    Readings,
    Row,
    Struct,
    Text,
    field,
)

SPEC: Final = "https://jupyter-client.readthedocs.io/en/stable/messaging.html"
IPYKERNEL: Final = "https://github.com/ipython/ipykernel/blob/main/ipykernel"
IOPUB_CHAPTER: Final = f"{SPEC}#messages-on-the-iopub-xpub-sub-channel"
STDIN_CHAPTER: Final = f"{SPEC}#messages-on-the-stdin-router-dealer-channel"

SHELL, CONTROL, BOTH = ("shell",), ("control",), ("shell", "control")
IOPUB, STDIN = ("iopub",), ("stdin",)

OK: Final[Mapping[str, Any]] = {"status": "ok"}
ERROR: Final[Mapping[str, Any]] = {"status": "error"}

# The tables below are aligned by hand.
# fmt: off

# --- what recurs -------------------------------------------------------------------------------

MIME_BUNDLE = MapOf(ANY, "MIME type")
PORT = Number(1, 65535)
COUNT_OR_NULL = INTEGER | NULL

NO_STATUS = Readings(
    "Every reply has a status. `aborted` stands for an error without details, and is deprecated "
    "since 5.1: kernels should send `error`.",
    "ipykernel sends `aborted` for what it cancels, xeus a bare `error`, IRkernel used to send "
    "`abort`.  xeus has no status in the replies to shutdown and interrupt, older kernels have "
    "none in kernel info and history.",
    "jupyter_console and JupyterLab tell `aborted` and `error` apart. nbclient looks for `error` "
    "alone, so to nbclient an aborted cell has passed. JupyterLab takes kernel info without a "
    "status for good.",
)

NO_DETAILS = Readings(
    "When the status is `error`, all three fields should be there, and the fields of success not.",
    "xeus sends none of them for a cancelled request, Deno none for a failed one. ipykernel sends "
    "only `evalue` when a subshell cannot be deleted. ipykernel leaves `payload` and "
    "`user_expressions` in a failed execute_reply.",
    "nbclient reads them with a fallback. Clients show the `error` message on iopub to the user, "
    "not the reply.",
)

STATUS = field(
    "status", OneOf("ok", "error", "aborted"), "How it went.",
    may_lack=True, accepts=OneOf("ok", "error", "aborted", "abort"), rule="R-REQ-3",
    changed={"5.1": "`aborted` is deprecated."}, readings=NO_STATUS,
)

DETAILS = (
    field("ename",     STRING,         "The name of the error: `ValueError`."),
    field("evalue",    STRING,         "Its message."),
    field("traceback", ListOf(STRING), "Where it happened, as lines to print; escape codes for "
                                       "colours are allowed. Can be empty."),
)

ERROR_DETAILS = tuple(
    field(each.name, each.type, each.meaning, when=ERROR, may_lack=True, readings=NO_DETAILS)
    for each in DETAILS
)

REPLY = Struct("Reply", "How it went, and what went wrong.", (STATUS, *ERROR_DETAILS))


def request(
    name: str, channels: tuple[str, ...], purpose: str, *fields: Field, **options: Any
) -> MessageType:
    """Describe what a client asks of a kernel; the reply is named after it."""
    reply_key = name.removesuffix("_request") + "_reply"
    return MessageType(
        *(name, KERNEL, channels, "client", "kernel", purpose, fields),
        **{"reply": reply_key, "parent": "", **options},
    )


def reply(
    name: str, channels: tuple[str, ...], purpose: str, *fields: Field, **options: Any
) -> MessageType:
    """Describe a kernel's answer: a status, the fields, and what went wrong."""
    request_key = name.removesuffix("_reply") + "_request"
    return MessageType(
        *(name, KERNEL, channels, "kernel", "client", purpose, (STATUS, *fields, *ERROR_DETAILS)),
        **{"reply_to": (request_key,), **options},
    )


def published(name: str, purpose: str, *fields: Field, **options: Any) -> MessageType:
    """Describe what a kernel tells all clients at once."""
    return MessageType(
        *(name, KERNEL, IOPUB, "kernel", "client", purpose, fields),
        **{"parent": "the request that caused it", "topic": name, **options},
    )


# --- execute -----------------------------------------------------------------------------------

STDIN_DEFAULT = Readings(
    "Shows `true` as an example and names no default. A client that cannot answer must send "
    "`false`.",
    "ipykernel takes an absent field for `false`, xeus for `true`.",
    "jupyter_client and JupyterLab always send the field.",
)

STOP_DEFAULT = Readings(
    "Shows `true` as an example. Early texts of 5.0 showed `false`, and described the flag the "
    "wrong way round.",
    "ipykernel takes an absent field for `true`, xeus for `false`.",
    "jupyter_client sends `true` unless told otherwise. JupyterLab's library sends `false`, its "
    "notebook `true`. VS Code sends `false` and keeps the queue itself.",
)

EXECUTE_REQUEST = request(
    "execute_request", SHELL, "Run code.",
    field("code",             STRING,  "The source, any number of lines. Can be empty."),
    field("silent",           BOOLEAN, "Without output, history and count.",
          default=False, rule="R-EXEC-2"),
    field("store_history",    BOOLEAN, "Remember the code, and count it; never if `silent`.",
          default=True),
    field("user_expressions", MapOf(STRING, "name"),
          "Evaluated when the code has succeeded; the reply has the values under the same names.",
          default={}, rule="R-EXEC-5"),
    field("allow_stdin",      BOOLEAN, "The code may ask the user, and this client will answer.",
          default=False, rule="R-STDIN-1", readings=STDIN_DEFAULT),
    field("stop_on_error",    BOOLEAN, "A failure cancels the execute requests that already wait.",
          default=True, rule="R-EXEC-6", readings=STOP_DEFAULT),
    metadata=(
        field("cellId",       STRING,         "The cell that the code is from. JupyterLab and VS "
                                              "Code send it.", optional=True),
        field("deletedCells", ListOf(STRING), "The cells that were deleted since the last one.  "
                                              "JupyterLab sends it.", optional=True),
        field("recordTiming", BOOLEAN,        "The notebook keeps the times of its cells.  "
                                              "JupyterLab sends it.", optional=True),
    ),
    required=True,
    changed={"5.0": "`user_variables` is removed; `user_expressions` does the same."},
    troubles=(
        "Defaults differ between kernels: send every field.",
        "A client that allows input and then does not answer blocks the kernel for ever.",
        "An empty code with `silent` asks for the count, nothing more.",
    ),
    source=f"{SPEC}#execute",
)

EXPRESSION_VALUE = Struct(
    "ExpressionValue", "What became of an expression: a value as a display shows it, or an error.",
    (
        field("status",   OneOf("ok", "error"), "Whether it could be evaluated."),
        field("data",     MIME_BUNDLE,          "The value in several forms.", when=OK),
        field("metadata", OBJECT,               "About these forms.", when=OK),
        *(field(each.name, each.type, each.meaning, when=ERROR) for each in DETAILS),
    ),
)

PAGE = Struct(
    "PagePayload", "Show this in a pager, apart from the outputs.",
    (
        field("source", OneOf("page"), "The kind."),
        field("data",   MIME_BUNDLE,   "What to show; `text/plain` must be there."),
        field("start",  INTEGER,       "The line to begin at.", may_lack=True),
    ),
)

SET_NEXT_INPUT = Struct(
    "SetNextInputPayload", "Put this text into the next cell, or at the prompt.",
    (
        field("source",  OneOf("set_next_input"), "The kind."),
        field("text",    STRING,                  "The text."),
        field("replace", BOOLEAN, "Put it into the cell that ran. Consoles ignore this.",
              may_lack=True),
    ),
)

EDIT_MAGIC = Struct(
    "EditMagicPayload", "Open a file in an editor. Only the Qt console does.",
    (
        field("source",      OneOf("edit_magic"), "The kind. Early texts say `edit`."),
        field("filename",    STRING,              "The path of the file."),
        field("line_number", INTEGER,             "The line to go to.", accepts=COUNT_OR_NULL),
    ),
)

ASK_EXIT = Struct(
    "AskExitPayload", "Ask the user whether to leave. Only consoles do.",
    (
        field("source",     OneOf("ask_exit"), "The kind."),
        field("keepkernel", BOOLEAN,           "Leave, and let the kernel run on.", may_lack=True),
    ),
)

PAYLOAD = Struct(
    "Payload", "A wish of the kernel to the client that ran the code.",
    (field("source", STRING, "The kind."),),
    rest=ANY,
)

NO_COUNT = Readings(
    "It is there whatever the status; the status `aborted` is deprecated.",
    "ipykernel and xeus leave it out when they cancel a request, IRkernel when it is interrupted.",
    "jupyter_console adds 1 to it, so it fails on null. The Rust library of Zed cannot read a "
    "reply without it.",
)

PAYLOADS = Readings(
    "Optional and deprecated, though nothing has replaced it.",
    "ipykernel always sends it, empty or not, even after an error: `print?` and `%load` need it.  "
    "IRkernel sends a page without `start`, and `ask_exit` without `keepkernel`.",
    "jupyter_console handles page, set_next_input and ask_exit. JupyterLab handles page and "
    "set_next_input; consoles pass over `replace`.",
)

NO_VALUES = Readings(
    "It is there when the status is ok. A value is a display, or an error.",
    "Deno sends null. ipykernel sends an empty object after an error as well.",
    "JupyterLab reads `status` and `data` of each value. The Rust library of Zed expects plain "
    "strings, and fails on real values.",
)

EXECUTE_REPLY = reply(
    "execute_reply", SHELL, "Tell how a piece of code ended.",
    field("execution_count",  INTEGER, "The number of the request, or the current one if it stored "
                                       "no history. A cancelled request has none.",
          when={"status": ("ok", "error")}, may_lack=True, accepts=COUNT_OR_NULL,
          rule="R-EXEC-3", readings=NO_COUNT),
    field("user_expressions", MapOf(EXPRESSION_VALUE, "name"), "The values that were asked for.",
          when=OK, may_lack=True, accepts=MapOf(ANY, "name") | NULL, rule="R-EXEC-4",
          readings=NO_VALUES),
    field("payload",          ListOf(PAGE | SET_NEXT_INPUT | EDIT_MAGIC | ASK_EXIT),
          "Wishes to the client, in order.",
          when=OK, optional=True, accepts=ListOf(PAYLOAD), deprecated="5.0", readings=PAYLOADS),
    field("engine_info",      OBJECT,  "A leftover of clusters; ipykernel sends it.",
          when=ERROR, optional=True),
    metadata=(
        field("started",          STRING,  "The date at which the code began. ipykernel and xeus "
                                           "send it.", optional=True),
        field("status",           STRING,  "The status again. ipykernel sends it.", optional=True),
        field("dependencies_met", BOOLEAN, "A leftover of clusters. ipykernel sends true.",
              optional=True),
        field("engine",           STRING,  "A leftover of clusters. ipykernel sends its id.",
              optional=True),
    ),
    changed={"5.0": "`user_variables` is removed."},
    troubles=(
        ("The reply can overtake the output, because they come on two sockets: a request is over "
         "when both the reply and the idle are there."),
        "A kernel that fails before it replies leaves the client waiting for ever.",
    ),
    source=f"{SPEC}#execution-results",
)

# --- inspect -----------------------------------------------------------------------------------

CURSOR = Readings(
    "Counts code points, since 5.2. Before, it was not said what it counts.",
    "ipykernel counts code points. Clients in JavaScript used to count UTF-16 units, and kernels "
    "to make up for it.",
    "JupyterLab converts from UTF-16 to code points and back.",
)


def cursor(meaning: str, **options: Any) -> Field:
    """Describe a place in a piece of code."""
    return field(
        "cursor_pos", INTEGER, meaning, rule="R-CODE-1", readings=CURSOR,
        changed={"5.2": "Counts code points; a character outside the basic plane is one."},
        **options,
    )


INSPECT_REQUEST = request(
    "inspect_request", SHELL, "Ask what the code at the cursor means.",
    field("code",          STRING,       "The code around the cursor, up to a whole cell."),
    cursor("Where the cursor is, in code points."),
    field("detail_level",  OneOf(0, 1),  "How much: 0 a summary, 1 the source too.",
          default=0, accepts=INTEGER),
    field("omit_sections", ListOf(STRING), "What ipykernel is to leave out; no text defines it.",
          optional=True),
    changed={"5.0": "Is the new name of `object_info_request`; `name` became `code` and a place."},
    troubles=(
        "It waits behind running code, like everything on shell: clients should not block on it.",
    ),
    source=f"{SPEC}#introspection",
)

NOTHING_FOUND = Readings(
    "An object, empty if nothing is found.",
    "xeus-python without IPython sends null if nothing is found.",
    "JupyterLab looks at `found` first.",
)

INSPECT_REPLY = reply(
    "inspect_reply", SHELL, "Describe what is at the cursor.",
    field("found",    BOOLEAN,     "Whether there is something to tell.", when=OK),
    field("data",     MIME_BUNDLE, "The description in several forms; empty if nothing is found.",
          when=OK, accepts=MIME_BUNDLE | NULL, readings=NOTHING_FOUND),
    field("metadata", OBJECT,      "About these forms.", when=OK, may_lack=True),
    changed={"5.0": "Is a MIME bundle, no longer fields about an object."},
    troubles=("Nothing found is a success: `ok`, with `found` false.",),
    source=f"{SPEC}#introspection",
)

# --- complete ----------------------------------------------------------------------------------

COMPLETE_REQUEST = request(
    "complete_request", SHELL, "Ask how the code at the cursor can go on.",
    field("code", STRING, "The code around the cursor, up to a whole cell."),
    cursor("Where the cursor is, in code points."),
    changed={"5.0": "`line`, `block` and `text` became `code`."},
    source=f"{SPEC}#completion",
)

COMPLETION = Struct(
    "ExperimentalCompletion", "A completion and what it stands for. IPython made it up.",
    (
        field("start",     INTEGER, "Where the text to replace begins."),
        field("end",       INTEGER, "Where it ends."),
        field("text",      STRING,  "The text to put there."),
        field("type",      STRING,  "What it is: `function`, `module`, …", optional=True,
              accepts=STRING | NULL),
        field("signature", STRING,  "How to call it.", optional=True, accepts=STRING | NULL),
    ),
)

COMPLETION_METADATA = Struct(
    "CompletionMetadata", "More about the matches.",
    (
        field("_jupyter_types_experimental", ListOf(COMPLETION),
              "One entry for each match. ipykernel sends it; the consoles and JupyterLab show it.",
              optional=True),
    ),
)

NO_METADATA = Readings(
    "It is there, and can be empty.",
    "Some kernels leave it out.",
    "jupyter_console reads it without looking, and fails if it is not there.",
)

COMPLETE_REPLY = reply(
    "complete_reply", SHELL, "Tell how the code can go on.",
    field("matches",      ListOf(STRING), "The texts to choose from; each is for the whole range.",
          when=OK, rule="R-CODE-2"),
    field("cursor_start", INTEGER,        "Where the range begins, in code points.",
          when=OK, rule="R-CODE-2"),
    field("cursor_end",   INTEGER,        "Where it ends: mostly at the cursor.",
          when=OK, rule="R-CODE-2"),
    field("metadata",     COMPLETION_METADATA, "More about the matches.",
          when=OK, may_lack=True, since="5.0", readings=NO_METADATA),
    changed={"5.0": "`matched_text` became the range from `cursor_start` to `cursor_end`."},
    troubles=(
        "A match is not what is still missing, it is the whole text for the range.",
        "Without matches, start and end are both the cursor.",
    ),
    source=f"{SPEC}#completion",
)

# --- history -----------------------------------------------------------------------------------

RANGE = {"hist_access_type": "range"}
SEARCH = {"hist_access_type": "search"}
TAIL_OR_SEARCH = {"hist_access_type": ("tail", "search")}

HISTORY_DEFAULTS = Readings(
    "Names no default but that of `unique`.",
    "ipykernel never replies when `output` or `raw` is missing. To ipykernel the absent `session` "
    "and `start` are 0, the current session from its beginning.",
    "jupyter_client always sends `output` and `raw`, and fills in `session` and `start`.",
)

HISTORY_REQUEST = request(
    "history_request", SHELL, "Ask what was run before.",
    field("hist_access_type", OneOf("range", "tail", "search"), "How to choose.", accepts=STRING),
    field("output",  BOOLEAN, "With the outputs.",                    may_lack=True,
          readings=HISTORY_DEFAULTS),
    field("raw",     BOOLEAN, "As typed, not as transformed.",        may_lack=True,
          readings=HISTORY_DEFAULTS),
    field("session", INTEGER, "Which session: 0 the current one, -1 the one before, 7 the seventh.",
          optional=True, when=RANGE, accepts=COUNT_OR_NULL, rule="R-HIST-1",
          readings=HISTORY_DEFAULTS),
    field("start",   INTEGER, "The first line of it.",                optional=True, when=RANGE,
          accepts=COUNT_OR_NULL, readings=HISTORY_DEFAULTS),
    field("stop",    INTEGER, "The line after the last; absent, to the end.",
          optional=True, when=RANGE, accepts=COUNT_OR_NULL),
    field("n",       INTEGER, "At most so many, the latest ones.",
          optional=True, when=TAIL_OR_SEARCH, accepts=COUNT_OR_NULL),
    field("pattern", STRING,  "What to search: `*` any text, `?` any character.",
          optional=True, when=SEARCH, accepts=STRING | NULL),
    field("unique",  BOOLEAN, "Each text once.",                      default=False, when=SEARCH),
    troubles=(
        "Many kernels answer `tail` alone: it is what consoles ask for.",
        "`session` is a number that counts starts of the kernel, not the session of the header.",
    ),
    source=f"{SPEC}#history",
)

HISTORY_ROWS = Readings(
    "Session and line are numbers.",
    "Kernels that are built on metakernel send null for both.",
    "jupyter_console passes over both and reads the code.",
)

HISTORY_REPLY = reply(
    "history_reply", SHELL, "Tell what was run before.",
    field("history",
          ListOf(Row(INTEGER, INTEGER, STRING | Row(STRING, STRING | NULL))),
          "Session, line, and the code; with outputs, the code and its output.",
          when=OK, accepts=ListOf(Row(COUNT_OR_NULL, COUNT_OR_NULL, ANY)), readings=HISTORY_ROWS),
    troubles=("A line without output has null for it, not an empty string.",),
    source=f"{SPEC}#history",
)

# --- is_complete -------------------------------------------------------------------------------

IS_COMPLETE_REQUEST = request(
    "is_complete_request", SHELL, "Ask whether code can be run, or is still being typed.",
    field("code", STRING, "What was typed so far, all lines of it."),
    since="5.0",
    troubles=("A console asks while the user waits: answer fast, or not at all.",),
    source=f"{SPEC}#code-completeness",
)

TWO_STATUSES = Readings(
    "Names four values here. Says of all replies that their status is `ok` or `error`.",
    "ipykernel sends one of the four, and no reply if its own check fails.",
    "jupyter_console warns of any fifth value and goes on. JupyterLab declares all of them.",
)

INDENT = Readings(
    "The text of the indentation, if the status is incomplete.",
    "SoS sends a number or null, whatever the status.",
    "jupyter_console joins it to the end of a line, and fails on a number.",
)

# The status means something else here, so this reply is not like the others.
IS_COMPLETE_REPLY = MessageType(
    "is_complete_reply", KERNEL, SHELL, "kernel", "client",
    "Tell whether code can be run.",
    (
        field("status", OneOf("complete", "incomplete", "invalid", "unknown", "error"),
              "`invalid` code is run as well, for its error. `error`: the check failed.",
              accepts=STRING, rule="R-REQ-3", readings=TWO_STATUSES),
        field("indent", STRING, "What to begin the next line with; a hint.",
              when={"status": "incomplete"}, may_lack=True, accepts=STRING | COUNT_OR_NULL,
              readings=INDENT),
        *ERROR_DETAILS,
    ),
    reply_to=("is_complete_request",),
    since="5.0",
    source=f"{SPEC}#code-completeness",
)

# --- connect (deprecated) ----------------------------------------------------------------------

CONNECT_REQUEST = request(
    "connect_request", BOTH, "Ask for the ports of the other channels.",
    deprecated="5.1",
    troubles=("Kernels need not answer it, and most do not.",),
    source=f"{SPEC}#connect",
)

CONNECT_REPLY = reply(
    "connect_reply", BOTH, "Tell the ports; a channel that is left out does not run.",
    field("shell_port",   PORT, "The port of shell.",         when=OK, optional=True),
    field("iopub_port",   PORT, "The port of iopub.",         when=OK, optional=True),
    field("stdin_port",   PORT, "The port of stdin.",         when=OK, optional=True),
    field("hb_port",      PORT, "The port of the heartbeat.", when=OK, optional=True),
    field("control_port", PORT, "The port of control.",       when=OK, optional=True),
    deprecated="5.1",
    source=f"{SPEC}#connect",
)

# --- comm_info ---------------------------------------------------------------------------------

TARGET_FILTER = Readings(
    "Optional. Says nothing of null or an empty name.",
    "ipykernel lists all comms for null, and none for an empty name. xeus lists all for an empty "
    "name.",
    "jupyter_client leaves the field out. ipywidgets asks for `jupyter.widget`.",
)

COMM_INFO_REQUEST = request(
    "comm_info_request", BOTH, "Ask which comms are open.",
    field("target_name", STRING, "Only the comms of this target; absent, all of them.",
          optional=True, accepts=STRING | NULL, readings=TARGET_FILTER),
    since="5.1",
    source=f"{SPEC}#comm-info",
)

COMM_INFO = Struct(
    "CommInfo", "An open comm.",
    (field("target_name", STRING, "The target it was opened for."),),
)

COMMS_ASTRAY = Readings(
    "It is there, and empty if no comm is open.",
    "IRkernel puts it one level deeper, into an object `content` in the content.",
    "The widgets of JupyterLab go over its keys when a page is loaded again.",
)

COMM_INFO_REPLY = reply(
    "comm_info_reply", BOTH, "List the comms that are open.",
    field("comms", MapOf(COMM_INFO, "comm id"), "The comms by their id.",
          when=OK, may_lack=True, readings=COMMS_ASTRAY),
    since="5.1",
    troubles=("Each comm is an object around the target name, not the bare name.",),
    source=f"{SPEC}#comm-info",
)

# --- kernel_info -------------------------------------------------------------------------------

KERNEL_INFO_REQUEST = request(
    "kernel_info_request", BOTH, "Ask who the kernel is and what it can do.",
    required=True,
    changed={"5.5": "Can be sent on control."},
    troubles=(
        ("On shell it waits behind running code, so a client that connects to a busy kernel "
         "believes it dead: ask on control too."),
        ("The first iopub messages of a new kernel can be lost: before a client trusts its "
         "subscription, it repeats this request until an idle arrives on iopub."),
    ),
    source=f"{SPEC}#kernel-info",
)

HELP_LINK = Struct(
    "HelpLink", "An entry for the help menu.",
    (
        field("text", STRING, "What the menu shows."),
        field("url",  STRING, "Where it leads."),
    ),
)

CODEMIRROR = Readings(
    "A string or an object; only needed if the mode is not named like the language.",
    "ipykernel sends an object, `{\"name\": \"ipython\", \"version\": 3}`; most send a string.",
    "JupyterLab takes both. The Rust library of Zed takes an object only if it has `name` and a "
    "number as `version`.",
)

LANGUAGE_READINGS = Readings(
    "Shows all the fields; says only of lexer, mode and exporter that they can be left out.",
    "Some kernels send a name and little more.",
    "The notebook format asks for `name` alone. The Rust library of Zed asks for all seven, and "
    "fails on kernels that leave one out.",
)

LANGUAGE_INFO = Struct(
    "LanguageInfo", "The language that the kernel runs. A notebook keeps a copy.",
    (
        field("name",               STRING, "Its name: `python`."),
        field("version",            STRING, "Its version: `3.13.1`.",        may_lack=True,
              readings=LANGUAGE_READINGS),
        field("mimetype",           STRING, "The type of its sources: `text/x-python`.",
              may_lack=True, readings=LANGUAGE_READINGS),
        field("file_extension",     STRING, "With the dot: `.py`.",          may_lack=True,
              readings=LANGUAGE_READINGS),
        field("pygments_lexer",     STRING, "Colours on paper, if not called like the language.",
              optional=True, accepts=STRING | NULL),
        field("codemirror_mode",    STRING | OBJECT, "Colours in an editor, likewise.",
              optional=True, accepts=STRING | OBJECT | NULL, readings=CODEMIRROR),
        field("nbconvert_exporter", STRING, "Exports notebooks, if it is not `script`.",
              optional=True, accepts=STRING | NULL),
    ),
)

VERSION = Readings(
    "The version of the protocol that the kernel speaks, as `X.Y.Z`.",
    "Most send two parts. ipykernel 7 says 5.3, though it has the subshells and welcome messages "
    "of 5.5. IRkernel said 5.0.",
    "jupyter_client takes the number before the first dot, and translates if that is not 5. So "
    "what a kernel can do has to be found out from `supported_features`.",
)

FEATURES = Readings(
    "`supported_features` lists `debugger`, `kernel subshells` and others; `debugger` as a flag is "
    "deprecated since 5.5.",
    "ipykernel 7 sends the list alone. Kernels with a debugger from before send the flag alone.",
    "JupyterLab finds subshells by the list. A client has to look at both for the debugger.",
)

HELP_LINKS = Readings(
    "Optional.",
    "ipykernel always sends it. IRkernel never did.",
    "JupyterLab and the Rust library of Zed declare it as required.",
)

KERNEL_INFO_REPLY = reply(
    "kernel_info_reply", BOTH, "Tell who the kernel is and what it can do.",
    field("protocol_version",       Text("version", r"^\d+(\.\d+)+$"), "The protocol it speaks.",
          when=OK, accepts=STRING, rule="R-INFO-2", readings=VERSION),
    field("implementation",         STRING, "The name of the kernel: `ipython`.",
          when=OK, since="5.0", rule="R-INFO-2"),
    field("implementation_version", STRING, "The version of the kernel.",
          when=OK, since="5.0", may_lack=True, rule="R-INFO-2"),
    field("language_info",          LANGUAGE_INFO, "The language it runs.",
          when=OK, since="5.0", rule="R-INFO-2"),
    field("banner",                 STRING, "What a console prints first.",
          when=OK, since="5.0", may_lack=True, rule="R-INFO-2"),
    field("help_links",             ListOf(HELP_LINK), "Entries for the help menu.",
          when=OK, since="5.0", optional=True, readings=HELP_LINKS),
    field("debugger",               BOOLEAN, "There is a debugger.",
          when=OK, since="5.4", deprecated="5.5", default=False, readings=FEATURES),
    field("supported_features",     ListOf(STRING), "What is optional and there: `debugger`, "
                                                    "`kernel subshells`.",
          when=OK, since="5.5", optional=True, readings=FEATURES),
    changed={
        "5.0": "Versions are strings. `language` and `language_version` are in `language_info`, "
               "`ipython_version` is `implementation_version`.",
        "5.5": "`supported_features` replaces `debugger`.",
    },
    troubles=(
        "Without a major version in `protocol_version`, jupyter_client cannot start.",
        "A notebook keeps `language_info`: what is wrong here stays wrong on disk.",
    ),
    source=f"{SPEC}#kernel-info",
)

# --- shutdown, interrupt -----------------------------------------------------------------------

RESTART = Readings(
    "There, and true if a new start follows.",
    "ipykernel neither replies nor ends without it. xeus takes the absent field for false.",
    "jupyter_client always sends it.",
)

SHUTDOWN_CHANNELS = Readings(
    "On control, in answer to the request; on shell if the request came there.",
    "ipykernel publishes it on iopub as well. xeus publishes a `shutdown` instead. Deno ends "
    "without a reply.",
    "JupyterLab checks the copy on iopub, and other clients learn from it that the kernel ends.  "
    "jupyter_client waits for the process, not for the reply.",
)

SHUTDOWN_REQUEST = request(
    "shutdown_request", ("control", "shell"), "End the kernel.",
    field("restart", BOOLEAN, "The client will start it anew.",
          may_lack=True, rule="R-CTRL-4", readings=RESTART),
    changed={"5.4": "On shell it is deprecated."},
    troubles=(
        "On shell it waits until the running code ends, which may be never.",
        "The kernel does not start itself again: whoever asked does that.",
    ),
    source=f"{SPEC}#kernel-shutdown",
)

SHUTDOWN_REPLY = reply(
    "shutdown_reply", ("control", "shell", "iopub"), "Tell that the kernel ends now.",
    field("restart", BOOLEAN, "As in the request.", when=OK, may_lack=True),
    topic="shutdown_reply",
    troubles=(
        "A process that ends at once takes the reply with it: wait until the socket has sent it.",
    ),
    readings=SHUTDOWN_CHANNELS,
    source=f"{SPEC}#kernel-shutdown",
)

INTERRUPT_REQUEST = request(
    "interrupt_request", CONTROL, "Stop the code that runs.",
    since="5.3",
    troubles=(
        ("It is sent only if the kernel spec says `\"interrupt_mode\": \"message\"`; else the "
         "kernel gets a signal."),
        "A kernel that reads control in the thread that runs the code sees it too late.",
    ),
    source=f"{SPEC}#kernel-interrupt",
)

INTERRUPT_REPLY = reply(
    "interrupt_reply", CONTROL, "Tell that the interrupt was delivered; not that the code ended.",
    since="5.3",
    source=f"{SPEC}#kernel-interrupt",
)

# --- debug -------------------------------------------------------------------------------------

DEBUG_SOURCE = f"{SPEC}#debug-request"

DEBUG_REPLIES = Readings(
    "The content is a response of the Debug Adapter Protocol. It has no `status`, though every "
    "reply has one.",
    "ipykernel sends an empty object to commands that need a debugger when none is started, and to "
    "all if debugpy is missing. `modules` is answered with a body alone; richInspectVariables "
    "calls its number `sequence_seq`.",
    "JupyterLab reads `success` and `body`, and finds the request by the parent header.",
)

DEBUG_REQUEST = request(
    "debug_request", CONTROL, "Pass a request on to the debugger.",
    field("type",      OneOf("request"), "What it is to the debugger.", may_lack=True),
    field("seq",       INTEGER, "The client's number for it, counted up."),
    field("command",   STRING,  "What to do: `setBreakpoints`, `dumpCell`, …"),
    field("arguments", OBJECT,  "With what; each command has its own.", default={}),
    since="5.5",
    troubles=(
        "On shell it would wait behind the code that a breakpoint has stopped, for ever.",
        "`disconnect` with `terminateDebuggee` ends the debuggee, and that is the kernel itself.",
    ),
    source=DEBUG_SOURCE,
)

DEBUG_REPLY = MessageType(
    "debug_reply", KERNEL, CONTROL, "kernel", "client",
    "Bring back the debugger's response.",
    (
        field("type",        OneOf("response"), "What it is to the debugger.", may_lack=True),
        field("seq",         INTEGER, "The debugger's number for it.",         may_lack=True),
        field("request_seq", INTEGER, "The number of the request.",            may_lack=True),
        field("success",     BOOLEAN, "Whether it was done.",                  may_lack=True),
        field("command",     STRING,  "The command of the request.",           may_lack=True),
        field("message",     STRING,  "What went wrong, in a word.",
              when={"success": False}, optional=True),
        field("body",        ANY,     "The result; each command has its own.", optional=True),
    ),
    reply_to=("debug_request",),
    since="5.5",
    readings=DEBUG_REPLIES,
    source=DEBUG_SOURCE,
)

# --- subshells ---------------------------------------------------------------------------------

CREATE_SUBSHELL_REQUEST = request(
    "create_subshell_request", CONTROL, "Start a thread that serves shell requests beside the main "
                                        "one.",
    since="5.5",
    troubles=(
        "A kernel without subshells does not reply: look for `kernel subshells` in its features.",
    ),
    source=f"{SPEC}#create-subshell",
)

CREATE_SUBSHELL_REPLY = reply(
    "create_subshell_reply", CONTROL, "Tell the id of the new subshell.",
    field("subshell_id", STRING, "The id, for the headers of requests to it.", when=OK),
    since="5.5",
    source=f"{SPEC}#create-subshell",
)

DELETE_SUBSHELL_REQUEST = request(
    "delete_subshell_request", CONTROL, "End a subshell.",
    field("subshell_id", STRING, "Which one."),
    since="5.5",
    troubles=("The main shell has no id, so it cannot be deleted.",),
    source=f"{SPEC}#delete-subshell",
)

DELETE_SUBSHELL_REPLY = reply(
    "delete_subshell_reply", CONTROL, "Tell that the subshell has ended.",
    since="5.5",
    source=f"{SPEC}#delete-subshell",
)

LIST_SUBSHELL_REQUEST = request(
    "list_subshell_request", CONTROL, "Ask which subshells there are.",
    since="5.5",
    source=f"{SPEC}#list-subshell",
)

LIST_SUBSHELL_REPLY = reply(
    "list_subshell_reply", CONTROL, "List the subshells, without the main shell.",
    field("subshell_id", ListOf(STRING), "The ids; the name of the field is in the singular.",
          when=OK),
    since="5.5",
    source=f"{SPEC}#list-subshell",
)

# --- usage (not in the specification) ----------------------------------------------------------

USAGE = Readings(
    "Does not know it.",
    "ipykernel answers it; without psutil, with three fields only.",
    "The JupyterLab extension jupyter-resource-usage asks for it, through the server.",
)

USAGE_REQUEST = request(
    "usage_request", CONTROL, "Ask how much of the machine the kernel uses.",
    readings=USAGE,
    source=f"{IPYKERNEL}/kernelbase.py",
)

# Without a status, unlike all other replies.
USAGE_REPLY = MessageType(
    "usage_reply", KERNEL, CONTROL, "kernel", "client",
    "Tell how much of the machine the kernel uses.",
    (
        field("hostname",            STRING,  "The name of the machine."),
        field("pid",                 INTEGER, "The id of the kernel's process."),
        field("cpu_count",           INTEGER, "How many processors there are."),
        field("kernel_cpu",          NUMBER,  "How busy kernel and children are: 100 is one "
                                              "processor.", optional=True),
        field("kernel_memory",       INTEGER, "What they occupy, in bytes.", optional=True),
        field("host_cpu_percent",    NUMBER,  "How busy the machine is.", optional=True),
        field("host_virtual_memory", MapOf(NUMBER, "psutil name"), "The memory of the machine, in "
                                                                   "bytes.", optional=True),
    ),
    reply_to=("usage_request",),
    readings=USAGE,
    source=f"{IPYKERNEL}/kernelbase.py",
)

# --- on iopub ----------------------------------------------------------------------------------

WELCOME = Readings(
    "Sent to a client that connects for the first time, since 5.5. It does not tell which client.",
    "ipykernel 7 sends it and calls itself 5.3. xeus 6 sends it with null as parent header and as "
    "metadata. Most kernels have a PUB socket and cannot.",
    "jupyter_client does not wait for it: it repeats kernel_info_request until something comes on "
    "iopub.",
)

IOPUB_WELCOME = published(
    "iopub_welcome", "Tell that somebody has subscribed.",
    field("subscription", STRING, "The topic; empty for everything.", rule="R-IOPUB-2"),
    parent="",
    topic="the subscription, and no frame at all if that is empty",
    since="5.5",
    troubles=(
        "It does not tell who has subscribed. But whoever receives it is subscribed.",
        "Every client gets the welcomes of all others; the first one counts.",
    ),
    readings=WELCOME,
    source=f"{SPEC}#welcome-message",
)

STREAM = published(
    "stream", "Show text that the code has written.",
    field("name", OneOf("stdout", "stderr"), "Where it was written.", accepts=STRING),
    field("text", STRING, "The text. Any piece of it: not a line, not always ended.",
          rule="R-EXEC-1", changed={"5.0": "Was called `data`."}),
    topic="stream.stdout or stream.stderr",
    troubles=(
        "One print may become several messages, and several prints one.",
        ("Kernels that still send `data` show nothing. jupyter_client fails on names other than "
         "stdout and stderr."),
    ),
    source=f"{SPEC}#streams-stdout-stderr-etc",
)

TRANSIENT = Struct(
    "Transient", "What is for the living session, and not to be saved.",
    (field("display_id", STRING, "A name under which it can be updated.", optional=True),),
)

NAMED_TRANSIENT = Struct(
    "NamedTransient", "What is for the living session; it has to name a display.",
    (field("display_id", STRING, "The display to update."),),
)

NO_TRANSIENT = Readings(
    "Optional, since 5.1; in execute_result too.",
    "ipykernel always sends it with a display, empty or not, and never with a result.",
    "nbclient also takes null for absent.",
)

BUNDLE = (
    field("data",      MIME_BUNDLE, "The same thing in several forms: text, HTML, image, …",
          rule="R-EXEC-13",
          changed={"5.0": "JSON is an object, no longer a string that holds JSON."}),
    field("metadata",  OBJECT,      "About the forms, by MIME type; and about the whole."),
)

MAYBE_TRANSIENT = field(
    "transient", TRANSIENT, "What is not to be saved.",
    optional=True, accepts=TRANSIENT | NULL, since="5.1", readings=NO_TRANSIENT,
)

DISPLAY_DATA = published(
    "display_data", "Show something.",
    *BUNDLE, MAYBE_TRANSIENT,
    troubles=(
        "Images are in base64, SVG and HTML are plain text, JSON is not encoded again.",
        "JupyterLab drops a display without `metadata`; send an empty one.",
    ),
    source=f"{SPEC}#display-data",
)

UPDATE_DISPLAY_DATA = published(
    "update_display_data", "Change what is shown, wherever it is shown.",
    *BUNDLE,
    field("transient", NAMED_TRANSIENT, "Names the display.", rule="R-DISP-2"),
    since="5.1",
    troubles=(
        "It changes outputs of earlier cells as well, and makes no new output.",
        "It can arrive after the idle of the cell that shows the display.",
    ),
    source=f"{SPEC}#update-display-data",
)

EXECUTE_INPUT = published(
    "execute_input", "Show all clients which code runs now.",
    field("code",            STRING,  "The code."),
    field("execution_count", INTEGER, "Its number.",
          may_lack=True, accepts=COUNT_OR_NULL, rule="R-EXEC-10"),
    changed={"5.0": "Is the new name of `pyin`."},
    troubles=("A silent request has none; so clients cannot wait for it.",),
    source=f"{SPEC}#code-inputs",
)

EXECUTE_RESULT = published(
    "execute_result", "Show the value of the code.",
    field("execution_count", INTEGER, "The number of the cell.", accepts=COUNT_OR_NULL),
    *BUNDLE, MAYBE_TRANSIENT,
    changed={"5.0": "Is the new name of `pyout`."},
    troubles=(
        "The value is here and not in the reply.",
        "Some kernels send display_data instead, as IRkernel does; then there is no `Out[1]`.",
    ),
    source=IOPUB_CHAPTER,
)

ERROR_SHAPE = Readings(
    "The fields of a reply with the status error, without status and count.",
    "IRkernel adds the count.",
    "JupyterLab drops a message that lacks one of the three.",
)

ERROR_MESSAGE = published(
    "error", "Show what went wrong in the code.",
    *DETAILS,
    changed={"5.0": "Is the new name of `pyerr`."},
    troubles=(
        "An error is told twice, here and in the reply. Clients show this one.",
        "The lines have no line ends and may hold several lines.",
    ),
    readings=ERROR_SHAPE,
    source=f"{SPEC}#execution-errors",
)

STATES = Readings(
    "A kernel sends `busy`, `idle`, and once `starting`.",
    "Servers put in `restarting` and `dead`, without a parent, when the process has died.",
    "JupyterLab drops anything but these five. nbclient and jupyter_client wait for `idle`.",
)

STATUS_MESSAGE = published(
    "status", "Tell that the kernel begins or ends to work for a request.",
    field("execution_state", OneOf("busy", "idle", "starting"), "What it does.",
          accepts=OneOf("busy", "idle", "starting", "restarting", "dead"),
          rule="R-REQ-1", readings=STATES),
    changed={"5.0": "Busy and idle surround every request, not only code."},
    troubles=(
        ("Clients wait for the idle with their request as parent: a kernel that forgets it hangs "
         "them."),
        "A busy of control or of another client says nothing about one's own code.",
        "`starting` is sent before anyone can have subscribed, so few see it.",
    ),
    source=f"{SPEC}#kernel-status",
)

CLEAR_OUTPUT = published(
    "clear_output", "Remove what the cell has shown so far.",
    field("wait", BOOLEAN, "Not before there is something new to show.", may_lack=True),
    troubles=("Without `wait`, an animation flickers.",),
    source=f"{SPEC}#clear-output",
)

DEBUG_EVENT = published(
    "debug_event", "Tell what happened in the debugger.",
    field("type",  OneOf("event"), "What it is to the debugger."),
    field("seq",   INTEGER,        "The debugger's number for it.", may_lack=True),
    field("event", STRING,         "What happened: `stopped`, `continued`, …"),
    field("body",  ANY,            "The details; each event has its own.", optional=True),
    since="5.5",
    parent="the debug request that is handled, or was last",
    troubles=(
        "`stopped` comes while a cell runs, with a debug request as parent, not the cell.",
    ),
    source=f"{SPEC}#debug-event",
)

# --- on stdin ----------------------------------------------------------------------------------

PASSWORD = Readings(
    "There, since 5.0.",
    "ipykernel always sends it; older kernels leave it out.",
    "jupyter_client and jupyter_console take the absent field for false.",
)

INPUT_REQUEST = MessageType(
    "input_request", KERNEL, STDIN, "kernel", "client",
    "Ask the user for a line.",
    (
        field("prompt",   STRING,  "What to show before it. Can be empty."),
        field("password", BOOLEAN, "Do not show what is typed.",
              since="5.0", may_lack=True, readings=PASSWORD),
    ),
    reply="input_reply",
    parent="the execute request",
    troubles=(
        ("It goes to the identity of the execute request: shell and stdin of a client must share "
         "one, or the question is lost without a sign."),
        "An answer to an earlier question may still lie in the socket: throw it away first.",
    ),
    source=STDIN_CHAPTER,
)

INPUT_PARENT = Readings(
    "Says nothing about the parent, and shows no status.",
    "ipykernel does not look at the parent. A lone `\\x04` is the end of the input to it.",
    "jupyter_client leaves the parent empty. JupyterLab sends the parent, and a status.",
)

INPUT_REPLY = MessageType(
    "input_reply", KERNEL, STDIN, "client", "kernel",
    "Answer with what the user typed.",
    (
        field("value",  STRING, "The line, without its end.", rule="R-STDIN-3"),
        field("status", OneOf("ok"), "JupyterLab and the Rust library of Zed send it.",
              optional=True, accepts=STRING),
    ),
    reply_to=("input_request",),
    parent="the input request",
    troubles=("A password travels in plain text, unless the connection is encrypted.",),
    readings=INPUT_PARENT,
    source=STDIN_CHAPTER,
)

# --- comms -------------------------------------------------------------------------------------


def comm(name: str, purpose: str, *fields: Field, **options: Any) -> MessageType:
    """Describe what either side of a comm sends: a client on shell, a kernel on iopub."""
    sender, receiver = "client or kernel", "kernel or client"
    return MessageType(
        *(name, KERNEL, ("shell", "iopub"), sender, receiver, purpose, fields),
        **{"parent": "the request that caused it", "topic": "comm-{comm_id}", **options},
    )


COMM_ID = field("comm_id", STRING, "The comm; whoever opens it makes up the id.")

COMM_BUFFERS = (
    "binary values of the data; widgets take them out of `state`, and `buffer_paths` says where "
    "each one belongs"
)

WIDGETS = field(
    "version", STRING, "The version of the widget protocol. ipywidgets sends it.", optional=True
)

COMM_DATA = Readings(
    "`data` is there, an object.",
    "ipykernel always sends it, even empty, and does not look for it when it receives. IRkernel "
    "sends an empty array for an empty object.",
    "JupyterLab asks for it when a comm opens and in each message, not when the comm closes.",
)

NAMED_MODULE = Readings(
    "Does not mention it.",
    "ipykernel always sends it, as null unless somebody sets it.",
    "The classic notebook loaded the module. JupyterLab does, too, if it is a string.",
)

TARGET_MODULE = field(
    "target_module", STRING, "Where a notebook of old finds the code.",
    optional=True, accepts=STRING | NULL, readings=NAMED_MODULE,
)

COMM_OPEN = comm(
    "comm_open", "Open a comm: a line between an object in the kernel and one in the client.",
    COMM_ID,
    field("target_name",   STRING, "Who is to take it on the other side.", rule="R-COMM-1"),
    field("data",          OBJECT, "What the other side needs to begin.",
          may_lack=True, accepts=OBJECT | Row(), readings=COMM_DATA),
    TARGET_MODULE,
    metadata=(WIDGETS,),
    buffers=COMM_BUFFERS,
    troubles=(
        "Whoever does not know the target must close the comm at once, or the other side waits.",
        "There is no answer: that the comm is open shows when nothing closes it.",
    ),
    source=f"{SPEC}#opening-a-comm",
)

COMM_MSG = comm(
    "comm_msg", "Send something along a comm.",
    COMM_ID,
    field("data", OBJECT, "What the two sides have agreed on.",
          may_lack=True, accepts=OBJECT | Row(), rule="R-COMM-3", readings=COMM_DATA),
    metadata=(WIDGETS,),
    buffers=COMM_BUFFERS,
    troubles=(
        "From the client it waits behind running code: a widget does not move while a cell runs.",
        ("A kernel that does not publish busy and idle around it stops the widgets, which wait for "
         "the idle before they send more."),
    ),
    source=f"{SPEC}#comm-messages",
)

COMM_CLOSE = comm(
    "comm_close", "Close a comm.",
    COMM_ID,
    field("data", OBJECT, "A last word.",
          may_lack=True, accepts=OBJECT | Row(), readings=COMM_DATA),
    buffers=COMM_BUFFERS,
    source=f"{SPEC}#tearing-down-comms",
)

# --- all of them -------------------------------------------------------------------------------

MESSAGES: tuple[MessageType, ...] = (
    EXECUTE_REQUEST, EXECUTE_REPLY,
    INSPECT_REQUEST, INSPECT_REPLY,
    COMPLETE_REQUEST, COMPLETE_REPLY,
    HISTORY_REQUEST, HISTORY_REPLY,
    IS_COMPLETE_REQUEST, IS_COMPLETE_REPLY,
    CONNECT_REQUEST, CONNECT_REPLY,
    COMM_INFO_REQUEST, COMM_INFO_REPLY,
    KERNEL_INFO_REQUEST, KERNEL_INFO_REPLY,
    SHUTDOWN_REQUEST, SHUTDOWN_REPLY,
    INTERRUPT_REQUEST, INTERRUPT_REPLY,
    DEBUG_REQUEST, DEBUG_REPLY,
    CREATE_SUBSHELL_REQUEST, CREATE_SUBSHELL_REPLY,
    DELETE_SUBSHELL_REQUEST, DELETE_SUBSHELL_REPLY,
    LIST_SUBSHELL_REQUEST, LIST_SUBSHELL_REPLY,
    USAGE_REQUEST, USAGE_REPLY,
    IOPUB_WELCOME,
    STREAM,
    DISPLAY_DATA, UPDATE_DISPLAY_DATA,
    EXECUTE_INPUT, EXECUTE_RESULT,
    ERROR_MESSAGE,
    STATUS_MESSAGE,
    CLEAR_OUTPUT,
    DEBUG_EVENT,
    INPUT_REQUEST, INPUT_REPLY,
    COMM_OPEN, COMM_MSG, COMM_CLOSE,
)

# --- the commands of the debugger --------------------------------------------------------------

DAP: Final = "https://microsoft.github.io/debug-adapter-protocol/specification"


@dataclass(frozen=True)
class DebugCommand:
    """A command of a debug_request: its `arguments`, and the `body` of the debug_reply.

    For what the Debug Adapter Protocol defines itself, no fields are given: `source` leads there.
    `started`: only a debugger that was told `initialize` and `attach` obeys.
    """

    name: str
    purpose: str
    arguments: Struct | None = None
    body: Struct | None = None
    started: bool = True
    readings: Readings | None = None
    source: str = DAP


def addition(
    name: str,
    purpose: str,
    arguments: tuple[Field, ...],
    body: tuple[Field, ...],
    **options: Any,
) -> DebugCommand:
    """Describe a command that Jupyter adds to the Debug Adapter Protocol."""
    title = name[0].upper() + name[1:]
    return DebugCommand(
        name,
        purpose,
        Struct(f"{title}Arguments", f"The arguments of {name}.", arguments),
        Struct(f"{title}Body", f"The result of {name}.", body),
        **{"source": f"{SPEC}#{name.lower()}", **options},
    )


SOURCE_BREAKPOINTS = Struct(
    "SourceBreakpoints", "The breakpoints in one source.",
    (
        field("source",      STRING,         "The path of the source."),
        field("breakpoints", ListOf(OBJECT), "As `setBreakpoints` has them: `{\"line\": 3}`, …"),
    ),
)

VARIABLE = Struct(
    "Variable", "A variable of the kernel, as the Debug Adapter Protocol has it.",
    (
        field("name",               STRING,  "Its name."),
        field("value",              STRING,  "Its value, in short."),
        field("type",               STRING,  "Its type.", optional=True),
        field("variablesReference", INTEGER, "What to ask `variables` for; 0 if there is no more."),
        field("evaluateName",       STRING,  "The expression that gives it.", optional=True),
    ),
)

MODULE = Struct(
    "Module", "A module that was imported.",
    (
        field("id",   INTEGER, "Its number."),
        field("name", STRING,  "Its name."),
        field("path", STRING,  "The path of its source.", optional=True),
    ),
)

SOURCE = Struct(
    "Source", "Something that holds code.",
    (field("path", STRING, "Its path, as dumpCell or a stack frame gave it."),),
)

HASH_SEED = Readings(
    "A string.",
    "ipykernel sends an integer.",
    "JupyterLab declares a number, VS Code a string.",
)

RICH_REPLY = Readings(
    "The command of the reply is richInspectVariables.",
    "When the code has stopped, ipykernel asks the debugger to evaluate, and its answer keeps the "
    "command `evaluate`, and a number one too high.",
    "JupyterLab goes by the parent header, so it does not notice.",
)

COPY_REPLY = Readings(
    "The command of the reply is `setExpression`, and not the command of the request.",
    "ipykernel does so if it copies, and sends copyToGlobals if a name is wrong.",
    "JupyterLab goes by the parent header.",
)

MODULES_REPLY = Readings(
    "Not an addition: `modules` is of the Debug Adapter Protocol.",
    "ipykernel answers it without a debugger, with a body and nothing else. It looks for "
    "`startModule` and `moduleCount` beside the arguments, not among them.",
    "JupyterLab shows what is in the body.",
)

DEBUG_COMMANDS: tuple[DebugCommand, ...] = (
    addition(
        "dumpCell", "Write a cell to a file, so that it can have breakpoints.",
        (field("code", STRING, "The cell, exactly as it will be run."),),
        (field("sourcePath", STRING, "The file: a name made from a hash of the code."),),
    ),
    addition(
        "debugInfo", "Ask how the debugger stands, after a page was loaded again for instance.",
        (),
        (
            field("isStarted",      BOOLEAN, "It was told `initialize`."),
            field("hashMethod",     STRING,  "How names of files are made: `Murmur2`."),
            field("hashSeed",       STRING,  "With which seed.", accepts=STRING | INTEGER,
                  readings=HASH_SEED),
            field("tmpFilePrefix",  STRING,  "What they begin with: the folder."),
            field("tmpFileSuffix",  STRING,  "What they end with: `.py`."),
            field("breakpoints",    ListOf(SOURCE_BREAKPOINTS), "The breakpoints that are set."),
            field("stoppedThreads", ListOf(INTEGER), "The threads that stand still."),
            field("richRendering",  BOOLEAN, "It knows richInspectVariables.", default=False),
            field("exceptionPaths", ListOf(STRING), "The groups of exceptions to stop at.",
                  optional=True),
            field("copyToGlobals",  BOOLEAN, "It knows copyToGlobals.", default=False),
        ),
        started=False,
    ),
    addition(
        "inspectVariables", "List the variables, whether or not the code has stopped.",
        (),
        (field("variables", ListOf(VARIABLE), "The variables."),),
        started=False,
    ),
    addition(
        "richInspectVariables", "Show a variable as a display would.",
        (
            field("variableName", STRING,  "Its name."),
            field("frameId",      INTEGER, "In which frame, if the code has stopped.",
                  optional=True),
        ),
        (
            field("data",     MIME_BUNDLE, "The value in several forms."),
            field("metadata", OBJECT,      "About these forms."),
        ),
        started=False,
        readings=RICH_REPLY,
    ),
    addition(
        "copyToGlobals", "Copy a local variable where later cells can see it.",
        (
            field("srcVariableName", STRING,  "Its name."),
            field("srcFrameId",      INTEGER, "In which frame."),
            field("dstVariableName", STRING,  "The name of the copy."),
        ),
        (
            field("value",              STRING,  "The value, in short."),
            field("type",               STRING,  "Its type.", optional=True),
            field("variablesReference", INTEGER, "As in Variable.", optional=True),
        ),
        started=False,
        readings=COPY_REPLY,
    ),
    addition(
        "modules", "List the modules that were imported.",
        (
            field("startModule", INTEGER, "The first one to list.", default=0),
            field("moduleCount", INTEGER, "How many to list; absent, all.", optional=True),
        ),
        (
            field("modules",      ListOf(MODULE), "The modules."),
            field("totalModules", INTEGER,        "How many there are.", optional=True),
        ),
        started=False,
        readings=MODULES_REPLY,
        source=f"{DAP}#Requests_Modules",
    ),
    addition(
        "source", "Fetch the code at a path, of a dumped cell for instance.",
        (field("source", SOURCE, "What to fetch."),),
        (field("content", STRING, "The code.", may_lack=True),),
        source=f"{DAP}#Requests_Source",
    ),
    DebugCommand("initialize",              "Start the debugger.", started=False),
    DebugCommand("attach",                  "Connect it to the kernel."),
    DebugCommand("configurationDone",       "Tell that all breakpoints are set."),
    DebugCommand("setBreakpoints",          "Set the breakpoints of one source."),
    DebugCommand("setExceptionBreakpoints", "Choose the exceptions to stop at."),
    DebugCommand("threads",                 "List the threads."),
    DebugCommand("stackTrace",              "List the frames of a thread that has stopped."),
    DebugCommand("scopes",                  "List the scopes of a frame."),
    DebugCommand("variables",               "List the variables of a scope or a value."),
    DebugCommand("setVariable",             "Change a variable."),
    DebugCommand("evaluate",                "Evaluate an expression in a frame."),
    DebugCommand("continue",                "Let a thread run on."),
    DebugCommand("next",                    "Run one line."),
    DebugCommand("stepIn",                  "Go into a call."),
    DebugCommand("stepOut",                 "Run to the end of a call."),
    DebugCommand("pause",                   "Stop a thread where it is."),
    DebugCommand("disconnect",              "Stop the debugger, and forget its breakpoints."),
    DebugCommand("terminate",               "End the code that is debugged."),
)

# --- the handshake -----------------------------------------------------------------------------

# These two are no messages: behind delimiter and signature there is one frame, with one object.
# No released version of jupyter_client listens for them yet.

PORTS = Readings(
    "Strings, though a connection file has integers.",
    "Kernels that know the handshake are few.",
    "No client that waits for it is released.",
)

KERNEL_PORTS = Struct(
    "KernelPorts", "What a kernel reports to its launcher once its sockets are bound; since 5.6.",
    (
        field("kernel_id", STRING, "As in the registration file.", rule="R-REG-1"),
        *(
            field(f"{channel}_port", Text("port", r"^[1-9]\d{0,4}$"), f"The port of {name}.",
                  accepts=STRING | PORT, readings=PORTS)
            for channel, name in (
                ("shell", "shell"), ("control", "control"), ("stdin", "stdin"),
                ("iopub", "iopub"), ("hb", "the heartbeat"),
            )
        ),
    ),
)

ACKNOWLEDGEMENT = Struct(
    "KernelPortsAcknowledgement", "What the launcher answers, signed; the rest is its affair.",
    (),
    rest=ANY,
)

HANDSHAKE: tuple[Struct, ...] = (KERNEL_PORTS, ACKNOWLEDGEMENT)

# fmt: on
