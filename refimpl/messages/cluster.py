"""The messages of the cluster protocol: between clients, a controller and its engines.

A *controller* stands between clients and engines.  Its *hub* knows who is there and keeps records,
its *schedulers* pass requests on, and its *heart monitor* notices who is gone.  An *engine* is a
kernel with a few more messages: whatever `kernel` describes for shell and control works here, too.
`CHANNELS` says on which sockets all this travels.

Heartbeats are no messages, only bytes: the heart monitor publishes a number as text, and every
engine returns it as it came.  Pings come every `hb_period`, see `registration_reply`.

No version numbers appear here: the protocol has none.  `deployed` means ipyparallel 9.2, and
`clients` what its client class, or an engine, relies on.  Its documentation is what stands for a
specification.

Read it from top to bottom: what recurs first, then channel by channel.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .files import DATE, ENGINE_ADDRESSES, HEADER
from .kernel import TARGET_MODULE
from .model import (
    ANY,
    BOOLEAN,
    CLUSTER,
    INTEGER,
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
    Type,
    field,
)


class Channel(NamedTuple):
    """A pair of sockets of the controller, one for clients and one for engines; it binds both."""

    name: str
    client: str  # the client's socket and the controller's; empty: clients have none
    engine: str  # the controller's socket and the engine's; empty: engines have none
    purpose: str


CHANNELS = (
    Channel("registration", "DEALER, ROUTER", "ROUTER, DEALER", "queries, and engines that join"),
    Channel("notification", "SUB, PUB", "", "engines that came and went, to every client"),
    Channel("mux", "DEALER, ROUTER", "ROUTER, ROUTER", "requests to one engine"),
    Channel("task", "DEALER, ROUTER", "ROUTER, ROUTER", "requests to whichever engine is free"),
    Channel("broadcast", "DEALER, ROUTER", "ROUTER, ROUTER", "one request to many engines"),
    Channel("control", "DEALER, ROUTER", "ROUTER, ROUTER", "requests that must not wait"),
    Channel("iopub", "SUB, PUB", "SUB, XPUB", "what engines publish, to every client"),
    Channel("heartbeat", "", "PUB and ROUTER, SUB and DEALER", "pings and the answers to them"),
    Channel("monitor", "", "", "inside the controller: copies of everything, for the hub"),
)

REGISTRATION, NOTIFICATION, MONITOR = ("registration",), ("notification",), ("monitor",)
MUX, TASK, BROADCAST = ("mux",), ("task",), ("broadcast",)
CONTROL, IOPUB = ("control",), ("iopub",)
OK: dict[str, Any] = {"status": "ok"}
ERROR: dict[str, Any] = {"status": "error"}
HUB = "ipyparallel 9.2: controller/hub.py: "
KERNEL = "ipyparallel 9.2: engine/kernel.py: "
UNDOCUMENTED = "Not documented."


# --- the shapes of messages --------------------------------------------------------------------


def message(
    key: str,
    channels: tuple[str, ...],
    sender: str,
    receiver: str,
    purpose: str,
    *fields: Field,
    **options: Any,
) -> MessageType:
    """Describe a message; on the wire it is named by what follows the dot in its key."""
    name = key.rpartition(".")[2]
    return MessageType(
        *(name, CLUSTER, channels, sender, receiver, purpose, fields), key=key, **options
    )


def request(
    key: str,
    channels: tuple[str, ...],
    sender: str,
    receiver: str,
    purpose: str,
    *fields: Field,
    **options: Any,
) -> MessageType:
    """Describe a request; unless said otherwise, its reply is named after it."""
    reply = key.removesuffix("_request") + "_reply"
    given = {"reply": reply, "parent": "", **options}
    return message(key, channels, sender, receiver, purpose, *fields, **given)


def query(key: str, purpose: str, *fields: Field, **options: Any) -> MessageType:
    """Describe what a client asks of the hub."""
    sender = options.pop("sender", "client")
    return request(key, REGISTRATION, sender, "hub", purpose, *fields, **options)


def answer(key: str, purpose: str, *fields: Field, **options: Any) -> MessageType:
    """Describe what the hub answers to the request that is named like the reply."""
    given = {"reply_to": (key.removesuffix("_reply") + "_request",), **options}
    return message(key, REGISTRATION, "hub", "client", purpose, *fields, **given)


def published(name: str, topic: str, purpose: str, *fields: Field, **options: Any) -> MessageType:
    """Describe what an engine publishes as every kernel does, but with topic and metadata."""
    given = {"topic": topic, "metadata": ENGINE_METADATA, **options}
    return message(f"engine.{name}", IOPUB, "engine", "client", purpose, *fields, **given)


# --- what recurs: how it went ------------------------------------------------------------------

DONE = field("status", OneOf("ok"), "It is done; a failure is told by a `hub_error`.")
STATUS = field("status", OneOf("ok", "error"), "How it went.")


def error_fields(engine_info: Type, about_it: str, **options: Any) -> tuple[Field, ...]:
    """List what tells of an error; who made it decides what is in `engine_info`."""
    return (
        field("ename", STRING, "The name of the exception's class.", when=ERROR),
        field("evalue", STRING, "The text of the exception; may be empty.", when=ERROR),
        field(
            "traceback",
            ListOf(STRING),
            "Where it happened, line by line; clients join it with line feeds.",
            when=ERROR,
        ),
        field("engine_info", engine_info, about_it, when=ERROR, may_lack=True, **options),
    )


ENGINE_INFO = Struct(
    "EngineInfo",
    "Which engine failed, and in what.",
    (
        field("engine_uuid", STRING, "The engine's uuid."),
        field(
            "engine_id",
            INTEGER,
            "The engine's id.",
            may_lack=True,
            readings=Readings(
                UNDOCUMENTED,
                "Engines send uuid and id.",
                "The text of an error needs the id. With the uuid alone a client looks it up.",
            ),
        ),
        field("method", OneOf("apply", "execute"), "What it was doing.", accepts=STRING),
    ),
)
NO_ENGINE = Struct("NoEngine", "An empty object: the error is not an engine's.", (), OneOf())

HUB_ERROR = error_fields(NO_ENGINE, "Empty: no engine failed.", accepts=OBJECT)
ENGINE_ERROR = error_fields(ENGINE_INFO, "Which engine failed.", accepts=ENGINE_INFO | NO_ENGINE)

# --- what recurs: ids and targets --------------------------------------------------------------

ENGINE_ID = field("id", INTEGER, "The engine's id.")
UUID = field("uuid", STRING, "The engine's uuid: the identity of its sockets.")
MSG_IDS = field("msg_ids", ListOf(STRING), "The `msg_id` of each request that is meant.")
TARGETS = field(
    "targets",
    NULL | INTEGER | STRING | ListOf(INTEGER | STRING),
    "Which engines: an id, a uuid, a list of them, or null for all.",
    readings=Readings(
        "A list of ids.",
        "The field has to be there: without it the answer is a `hub_error` with a KeyError.",
        "The client always sends it, as a list or null.",
    ),
)

# --- what recurs: the metadata of requests and replies -----------------------------------------

LABEL = field("label", STRING | NULL, "A name that the user gave the request.", default=None)

DEPENDENCY = Struct(
    "Dependency",
    "What has to be finished before a task may run.",
    (
        field("dependencies", ListOf(STRING), "The `msg_id` of each task that is waited for."),
        field("all", BOOLEAN, "Wait for all of them, not for any one.", default=True),
        field("success", BOOLEAN, "One that succeeded counts.", default=True),
        field("failure", BOOLEAN, "One that failed counts.", default=False),
    ),
)

TASK_METADATA = (
    field(
        "after",
        ListOf(STRING) | DEPENDENCY,
        "Run the task after these, wherever they ran.",
        default=[],
        accepts=ListOf(STRING) | DEPENDENCY | STRING | NULL,
        readings=Readings(
            "A list, or a description of a dependency.",
            "Only tasks of the same scheduler count: any other id is an InvalidDependency.",
            "The client sends an empty list when there are none.",
        ),
    ),
    field(
        "follow",
        ListOf(STRING) | DEPENDENCY,
        "Run the task on an engine where these ran.",
        default=[],
        accepts=ListOf(STRING) | DEPENDENCY | STRING,
    ),
    field(
        "timeout",
        NUMBER | NULL,
        "Seconds that the task may wait for an engine; 0 and null: for ever.",
        default=0.0,
        readings=Readings(
            "Ends in a DependencyTimeout.",
            "Ends in a TaskTimeout. The clock starts anew after a failed attempt, "
            "and never stops a running task.",
            "They get an ordinary error reply.",
        ),
    ),
    field(
        "targets", ListOf(STRING), "The uuids of engines that may run it; none: any.", default=[]
    ),
    field(
        "retries",
        Number(0),
        "How often it may be tried again.",
        default=0,
        readings=Readings(
            "The number of times that a failing task is sent again.",
            "Each retry rules out the engine that failed: with as many retries as engines "
            "the task waits for ever.",
            "They see the last attempt only.",
        ),
    ),
    LABEL,
)

BROADCAST_METADATA = (
    field(
        "targets",
        ListOf(Row(STRING, INTEGER)),
        "The engines, each as uuid and id. An engine finds itself and its neighbours.",
    ),
    field("is_broadcast", OneOf(True), "Marks the request as a broadcast."),
    field("is_coalescing", BOOLEAN, "Whether all results come back in one reply."),
    field(
        "original_msg_id",
        STRING,
        "The client's `msg_id`. The scheduler adds it: an engine gets `ORIGINAL_UUID` for an id.",
        optional=True,
    ),
)

# What an engine notes in all its messages that it makes in one step.
ENGINE_METADATA = (field("engine", STRING, "The engine's uuid.", optional=True),)

ENGINE_NAME = Struct("EngineName", "Which engine it was.", ENGINE_INFO.fields[:2])

REPLY_METADATA = (
    field(
        "status",
        OneOf("ok", "error", "aborted"),
        "The same as in the content: the task scheduler does not look there.",
        accepts=STRING,
        readings=Readings(
            UNDOCUMENTED,
            "A task scheduler loses a reply without it, with one line in its log.",
            "They read the status of the content.",
        ),
    ),
    field("started", DATE, "When the engine began.", may_lack=True, accepts=STRING),
    field("engine", STRING, "The engine's uuid.", may_lack=True),
    field(
        "dependencies_met",
        BOOLEAN,
        "False if a function's own condition failed: the task is tried on another engine.",
        default=True,
    ),
    field("label", STRING | NULL, "Copied from the request.", default=None),
    field("is_broadcast", BOOLEAN, "Copied from the request.", default=False),
    field(
        "is_coalescing",
        BOOLEAN,
        "Copied from the request. Broadcast schedulers fail without it.",
        default=False,
    ),
    field(
        "original_msg_id",
        STRING,
        "Copied from the request. Broadcast schedulers fail without it.",
        default="",
    ),
    field("engine_info", ENGINE_NAME, "Which engine failed.", when=ERROR, may_lack=True),
)

# --- what recurs: records of requests ----------------------------------------------------------

OUTPUT = (
    field("execute_input", STRING | NULL, "The code that was executed.", default=None),
    field("execute_result", OBJECT | NULL, "The content of the `execute_result`.", default=None),
    field("error", OBJECT | NULL, "The content of the `error`.", default=None),
    field("stdout", STRING, "All text that was printed.", default=""),
    field("stderr", STRING, "All text that was printed as an error.", default=""),
)

# What the hub keeps of each request that came by mux or task.
RECORD_FIELDS = (
    field("msg_id", STRING, "The request's id."),
    field("header", HEADER | NULL, "The request's header.", default=None),
    field("metadata", OBJECT | NULL, "The request's metadata.", default=None),
    field("content", OBJECT | NULL, "The request's content.", default=None),
    field("buffers", ANY, "The request's buffers; they travel outside the record.", default=None),
    field("submitted", DATE | NULL, "When the request was made.", default=None),
    field(
        "client_uuid",
        STRING | NULL,
        "Who asked.",
        default=None,
        readings=Readings(
            "The identity of the client's socket.",
            "The session of the client: its sockets have identities that mean nothing.",
            "They compare it with their own session.",
        ),
    ),
    field("engine_uuid", STRING | NULL, "Which engine did it.", default=None),
    field("queue", OneOf("mux", "task") | NULL, "The channel of the request.", default=None),
    field("label", STRING | NULL, "The label in the request's metadata.", default=None),
    field("started", DATE | NULL, "When the engine began.", default=None),
    field("completed", DATE | NULL, "When the reply was made.", default=None),
    field("received", DATE | NULL, "When the hub got the reply, by its own clock.", default=None),
    field(
        "result_header",
        HEADER | NULL,
        "The reply's header.",
        default=None,
        accepts=OBJECT | NULL,
        readings=Readings(
            "The header of the reply.",
            "If the engine died, only `engine` and `date`: there was no reply.",
            "They need the date.",
        ),
    ),
    field("result_metadata", OBJECT | NULL, "The reply's metadata.", default=None),
    field("result_content", OBJECT | NULL, "The reply's content.", default=None),
    field("result_buffers", ANY, "The reply's buffers, outside like the others.", default=None),
    field("resubmitted", STRING | NULL, "The id under which it was sent again.", default=None),
    *OUTPUT,
    field(
        "display_data",
        OBJECT,
        "The content of the last `display_data`.",
        optional=True,
        readings=Readings(
            UNDOCUMENTED,
            "There only after a display, and each overwrites the one before. "
            "SQLite has no column for it.",
            "They take displays from iopub.",
        ),
    ),
)

# On which occasion a field of a record gets its value; a later one overwrites it.
RECORD_OCCASIONS: dict[str, tuple[str, ...]] = {
    "request": (
        *("msg_id", "header", "metadata", "content", "buffers"),
        *("submitted", "client_uuid", "engine_uuid", "queue", "label"),
    ),
    "assignment": ("engine_uuid",),
    "reply": (
        *("started", "completed", "received", "engine_uuid"),
        *("result_header", "result_metadata", "result_content", "result_buffers"),
    ),
    "resubmission": ("resubmitted",),
    "iopub": ("execute_input", "execute_result", "error", "stdout", "stderr", "display_data"),
}

RECORD = Struct("Record", "What the hub knows of one request.", RECORD_FIELDS)

RESULT = Struct(
    "Result",
    "A finished request, and what came of it.",
    (
        *(
            each
            for each in RECORD_FIELDS
            if each.name in ("header", "metadata", "received")
            or each.name in ("result_header", "result_metadata", "result_content")
        ),
        field("io", Struct("Output", "What an engine published for a request.", OUTPUT), "Output."),
    ),
)


class Operator(NamedTuple):
    """A comparison in a `db_request`, and how the three stores of ipyparallel 9.2 do it."""

    name: str
    operand: Type
    meaning: str
    memory: str = "yes"
    sqlite: str = "yes"
    mongodb: str = "yes"


QUERY_OPERATORS = (
    Operator("$eq", ANY, "equal"),
    Operator("$ne", ANY, "not equal"),
    Operator("$lt", ANY, "less"),
    Operator("$lte", ANY, "less or equal"),
    Operator("$gt", ANY, "greater", memory="means less"),
    Operator("$gte", ANY, "greater or equal"),
    Operator("$in", ListOf(ANY), "one of these"),
    Operator("$nin", ListOf(ANY), "none of these"),
    Operator("$glob", STRING, "fits a shell pattern", mongodb="as `$regex`"),
    Operator("$exists", BOOLEAN, "is not null", sqlite="error", mongodb="the field is there"),
    Operator("$all", ListOf(ANY), "is in each of these", sqlite="error"),
    Operator("$mod", Row(INTEGER, INTEGER), "the remainder is the second", sqlite="error"),
)

# --- registration: engines that join and leave -------------------------------------------------

JOINING = (
    request(
        *("registration_request", REGISTRATION, "engine", "hub"),
        "Ask to become an engine of the cluster.",
        UUID,
        field(
            "id",
            INTEGER | NULL,
            "The id that the engine would like.",
            default=None,
            readings=Readings(
                "Not a field; an id that is in use is an error.",
                "A free id is granted. For one that is taken another is given, without an error.",
                "An engine notes the difference in its log.",
            ),
        ),
        required=True,
        readings=Readings(
            "The answer completes the registration, and has all further addresses.",
            "The first heartbeat completes it, within 30 seconds or ten periods. "
            "All addresses are in the connection file.",
            "An engine waits five seconds for the answer, then unregisters and ends.",
        ),
        troubles=(
            "Without `uuid` there is no reply at all.",
            "An engine that answers pings before its sockets are connected is announced too early.",
            "An engine that never answers pings never exists.",
            "An engine unregistered for missed heartbeats never comes back, and does not notice.",
        ),
        source=HUB + "register_engine",
    ),
    message(
        *("registration_reply", REGISTRATION, "hub", "engine"),
        "Give the engine its id, or refuse it.",
        STATUS,
        field("id", INTEGER, "The id: from 0 upwards, never used twice.", when=OK),
        field(
            "hb_period",
            Number(1),
            "Milliseconds between two pings.",
            when=OK,
            readings=Readings(
                "The reply has `status` and `id` only.",
                "3000 unless configured.",
                "An engine cannot do without it: it watches the pings.",
            ),
        ),
        field(
            "connection_info",
            Struct("EngineAddresses", "The addresses of the engines' file.", ENGINE_ADDRESSES),
            "The addresses once more.",
            when=OK,
            may_lack=True,
            readings=Readings(
                "It is from here that an engine knows where to connect.",
                "It repeats the addresses of the engines' file.",
                "Engines do not read it.",
            ),
        ),
        *HUB_ERROR,
        reply_to=("registration_request",),
        required=True,
        readings=Readings(
            "An error if the id is in use.",
            "An error only if the uuid is in use. The parent header is empty, "
            "unlike that of all other replies.",
            "An engine takes the first message that comes for the reply.",
        ),
        troubles=(
            "With `--reuse` the whole file is in `connection_info`, even the key, for all to see.",
        ),
        source=HUB + "register_engine",
    ),
    message(
        *("unregistration_request", REGISTRATION, "engine", "hub"),
        "Tell that an engine is gone. There is no reply.",
        field("id", INTEGER | NULL, "The engine's id; null if it never got one."),
        parent="",
        readings=Readings(
            UNDOCUMENTED,
            "An engine sends it when it gives up; the process that watches over it, its nanny, "
            "when it has died.",
            "Clients learn of it by an `unregistration_notification`.",
        ),
        troubles=("It is accepted from anyone: whoever has the key can unregister any engine.",),
        source=HUB + "unregister_engine",
    ),
)

# --- registration: what clients ask the hub ----------------------------------------------------

QUERIES = (
    query(
        "connection_request",
        "Ask which engines there are.",
        sender="client or scheduler",
        required=True,
        source=HUB + "connection_request",
    ),
    answer(
        "connection_reply",
        "List the engines.",
        DONE,
        field(
            "engines",
            MapOf(STRING, "engine id"),
            "The uuid of each engine, by its id as a string.",
            readings=Readings(
                "The reply has addresses instead, some of which may be None.",
                "It has the engines and no address: they are in the connection file.",
                "A client cannot be made without it, and waits ten seconds.",
            ),
        ),
        required=True,
        source=HUB + "connection_request",
    ),
    query(
        "queue_request",
        "Ask how much is waiting where.",
        TARGETS,
        field("verbose", BOOLEAN, "Ask for ids instead of numbers.", default=False),
        troubles=("An id that no engine has is an IndexError, as a `hub_error`.",),
        source=HUB + "queue_status",
    ),
    answer(
        "queue_reply",
        "Tell how much is waiting where: a field for each engine, named by its id.",
        DONE,
        field(
            "unassigned",
            INTEGER | ListOf(STRING),
            "Tasks that no engine has yet.",
            readings=Readings(
                "Not a field: there are only those of the engines.",
                "There are `status` and `unassigned` besides those of the engines.",
                "They take every name that is a number for an engine.",
            ),
        ),
        rest=Struct(
            "EngineQueue",
            "What one engine has to do, and has done: numbers, or lists of ids.",
            (
                field("queue", INTEGER | ListOf(STRING), "Waiting, sent to it directly."),
                field("tasks", INTEGER | ListOf(STRING), "Waiting, assigned by the scheduler."),
                field("completed", INTEGER | ListOf(STRING), "Done."),
            ),
        ),
        troubles=(
            "Engines that are gone stay in the list for ever.",
            "A task that ended by a timeout or an impossible dependency stays in `tasks`.",
        ),
        source=HUB + "queue_status",
    ),
    query(
        "load_request",
        "Ask how many requests each engine has.",
        TARGETS,
        readings=Readings(UNDOCUMENTED, "The hub answers, but see the reply.", "None sends it."),
        source=HUB + "check_load",
    ),
    answer(
        "load_reply",
        "Tell how many requests each engine has: a field for each, named by its id.",
        DONE,
        rest=INTEGER,
        readings=Readings(
            UNDOCUMENTED,
            "The names are wrong: for engine 2 it is the text `b'\\x00\\x00'`.",
            "None reads it.",
        ),
        source=HUB + "check_load",
    ),
    query(
        "result_request",
        "Ask for the results of requests, anybody's.",
        MSG_IDS,
        field(
            "status_only",
            BOOLEAN,
            "Ask only which are done.",
            default=False,
            readings=Readings(
                "It is called `statusonly`, and there are `targets`.",
                "`status_only`, and no `targets`.",
                "The client sends `status_only`.",
            ),
        ),
        troubles=("Who waits for somebody else's result has to ask again: clients do, at 10 Hz.",),
        source=HUB + "get_results",
    ),
    answer(
        "result_reply",
        "Tell which requests are done. Unless only the status was asked, it has a field for each "
        "that is, named by its id.",
        STATUS,
        field("pending", ListOf(STRING), "Those that are not done.", when=OK),
        field("completed", ListOf(STRING), "Those that are.", when=OK),
        *HUB_ERROR,
        rest=RESULT,
        buffers="The results of those that are done, in the order of sorted ids.",
        readings=Readings(
            "The values are the reply messages.",
            "They are objects of seven fields, and the buffers follow each other "
            "in the order of sorted ids.",
            "A client takes one serialized object for each `apply_reply` that is ok.",
        ),
        troubles=("One id that is not known makes an error of the whole reply.",),
        source=HUB + "get_results",
    ),
    query(
        "hub.history_request",
        "Ask for the ids of all requests that the hub remembers.",
        readings=Readings(UNDOCUMENTED, "Broadcasts are never recorded.", "Sent by `hub_history`."),
        source=HUB + "get_history",
    ),
    answer(
        "hub.history_reply",
        "List the ids of all requests that the hub remembers.",
        STATUS,
        field("history", ListOf(STRING), "The ids, in the order of submission.", when=OK),
        *HUB_ERROR,
        source=HUB + "get_history",
    ),
    query(
        "db_request",
        "Search the records of the hub.",
        field(
            "query",
            MapOf(ANY, "field of a record"),
            "What has to hold: a value to be equal to, or an object of operators and operands.",
            default={},
            readings=Readings(
                "All submitted tasks can be found. Operators: `$lt`, `$gt`, `$le`, `$in`, ...",
                "Broadcasts are never recorded. `$le` does not exist, `$gt` compares the wrong "
                "way in memory, and with two or more equalities only the last value counts.",
                "Dates travel as ISO strings: the hub parses every string that looks like one.",
            ),
        ),
        field(
            "keys",
            ListOf(STRING) | NULL,
            "Fields to tell; null: all but the buffers. The id is always told.",
            default=None,
        ),
        troubles=("A store that is switched off (`--nodb`) answers with the error NoData.",),
        source=HUB + "db_query",
    ),
    answer(
        "db_reply",
        "List the records that were found.",
        STATUS,
        field("records", ListOf(RECORD), "The records, with the fields asked for.", when=OK),
        field(
            "buffer_lens",
            ListOf(INTEGER) | NULL,
            "How many buffers each request has; null unless asked for.",
            when=OK,
        ),
        field(
            "result_buffer_lens",
            ListOf(INTEGER) | NULL,
            "How many buffers each reply has; null unless asked for.",
            when=OK,
        ),
        *HUB_ERROR,
        buffers="Record by record, the buffers of the request and then those of the reply.",
        source=HUB + "db_query",
    ),
    query(
        "purge_request",
        "Ask the hub to forget requests.",
        field(
            "msg_ids",
            ListOf(STRING) | OneOf("all"),
            "What to forget; `all`: everything that is done.",
            default=[],
            readings=Readings(
                "`all` forgets everything that is done.",
                "So it does, and then `engine_ids` is ignored. "
                "A request that is not done is an IndexError, an unknown id is none.",
                "The client refuses to forget what it waits for itself.",
            ),
        ),
        field("engine_ids", ListOf(INTEGER), "Forget all that these have done.", default=[]),
        source=HUB + "purge_results",
    ),
    answer(
        "purge_reply",
        "Tell that they are forgotten.",
        STATUS,
        *HUB_ERROR,
        source=HUB + "purge_results",
    ),
    query(
        "resubmit_request",
        "Ask the hub to send requests again, as tasks.",
        MSG_IDS,
        readings=Readings(
            "A pending task cannot be sent again.",
            "It can, and so can a request that was sent to one engine. "
            "Dependencies, targets, retries and label are lost.",
            "The reply to the new request goes to the hub only: ask for the result.",
        ),
        source=HUB + "resubmit_task",
    ),
    answer(
        "resubmit_reply",
        "Tell the new ids.",
        STATUS,
        field("resubmitted", MapOf(STRING, "old id"), "The new id for each old one.", when=OK),
        *HUB_ERROR,
        source=HUB + "resubmit_task",
    ),
    query(
        "hub.shutdown_request",
        "End the hub.",
        readings=Readings(
            UNDOCUMENTED,
            "The hub answers, notifies everyone, and ends a second later.",
            "The client ends the engines first.",
        ),
        source=HUB + "shutdown_request",
    ),
    answer(
        "hub.shutdown_reply", "Tell that the hub will end.", DONE, source=HUB + "shutdown_request"
    ),
    query(
        "become_dask_request",
        "Start a scheduler of dask.distributed in the hub, unless one runs.",
        field("scheduler_args", OBJECT, "Arguments of the scheduler.", default={}),
        readings=Readings(
            UNDOCUMENTED,
            "Without the package distributed it is a `hub_error`.",
            "The client then starts workers on the engines, by `apply_request`.",
        ),
        source=HUB + "become_dask",
    ),
    answer(
        "become_dask_reply",
        "Tell where the scheduler of dask.distributed is.",
        DONE,
        field("ip", STRING, "Its address."),
        field("port", INTEGER, "Its port."),
        field("address", STRING, "Both as dask writes them: `tcp://127.0.0.1:8786`."),
        source=HUB + "become_dask",
    ),
    query(
        "stop_distributed_request",
        "Stop the scheduler of dask.distributed.",
        readings=Readings(
            UNDOCUMENTED,
            "The scheduler is closed without waiting for it, and its workers run on.",
            "Sent by `stop_dask`.",
        ),
        source=HUB + "stop_distributed",
    ),
    answer(
        "stop_distributed_reply",
        "Tell that the scheduler is stopped, or that there was none.",
        DONE,
        source=HUB + "stop_distributed",
    ),
    message(
        *("hub_error", REGISTRATION, "hub", "client"),
        "Tell that a request could not be handled, in place of the reply that belongs to it.",
        field("status", OneOf("error"), "Always error."),
        *HUB_ERROR,
        readings=Readings(
            UNDOCUMENTED,
            "Sent for an unknown type, for targets that do not exist, and for whatever fails "
            "unexpectedly. Nothing is sent for a wrong signature.",
            "They look at `status`, not at the type, and wait for ever if nothing comes.",
        ),
        source=HUB + "dispatch_query",
    ),
)

# --- notification ------------------------------------------------------------------------------

NO_TOPIC = Readings(
    "A client can subscribe to one kind of notification.",
    "There is no topic: the first frame is the delimiter.",
    "They subscribe to everything. An unknown type raises an error in their thread.",
)

NOTIFICATIONS = (
    message(
        *("registration_notification", NOTIFICATION, "hub", "client"),
        "Tell all clients that an engine can be used.",
        ENGINE_ID,
        UUID,
        parent="",
        required=True,
        readings=NO_TOPIC,
        source=HUB + "finish_registration",
    ),
    message(
        *("unregistration_notification", NOTIFICATION, "hub", "client"),
        "Tell all clients that an engine is gone.",
        ENGINE_ID,
        UUID,
        parent="",
        required=True,
        readings=NO_TOPIC,
        troubles=(
            "Nobody answers what was sent to it directly: the client makes an EngineError of each.",
            "Tasks that it had are answered by the scheduler, five seconds later.",
        ),
        source=HUB + "unregister_engine",
    ),
    message(
        *("shutdown_notification", NOTIFICATION, "hub", "client"),
        "Tell all clients that the hub ends.",
        field("status", OneOf("ok"), "Always ok."),
        parent="the hub.shutdown_request",
        readings=Readings(UNDOCUMENTED, "Sent together with the reply.", "A client closes itself."),
        source=HUB + "shutdown_request",
    ),
)

# --- monitor: inside the controller ------------------------------------------------------------

HEARTS = field("hearts", ListOf(STRING), "The uuids.")
HEART_MONITOR = "ipyparallel 9.2: controller/heartmonitor.py"
SCHEDULER = "ipyparallel 9.2: controller/task_scheduler.py: "

MONITORED = (
    message(
        *("new_heart", MONITOR, "heart monitor", "hub"),
        "Tell which hearts began to beat: their registrations are complete.",
        HEARTS,
        parent="",
        topic="heartmonitor",
        source=HEART_MONITOR,
    ),
    message(
        *("stopped_heart", MONITOR, "heart monitor", "hub"),
        "Tell which hearts have stopped: ten pings in a row were not answered.",
        HEARTS,
        parent="",
        topic="heartmonitor",
        readings=Readings(
            "The heart monitor is a part of the hub.",
            "It is a process of its own, and tells the hub by messages.",
            "They do not see it.",
        ),
        source=HEART_MONITOR,
    ),
    message(
        *("task_destination", MONITOR, "scheduler", "hub"),
        "Tell which engine got a task.",
        field("msg_id", STRING, "The task."),
        field(
            "engine_id",
            STRING,
            "The engine's uuid.",
            readings=Readings(
                "The engine's id.", "The uuid, in spite of the name.", "They do not see it."
            ),
        ),
        parent="",
        topic="tracktask",
        source=SCHEDULER + "submit_task",
    ),
)

# --- mux, task and broadcast: work for engines -------------------------------------------------

APPLY_BUFFERS = (
    "The function; then a dict of `nargs`, `narg_bufs` and `kw_keys`; then each argument; then "
    "each keyword's value, by name. Pickled; large data has buffers of its own."
)
APPLY_READINGS = Readings(
    "There are at least three buffers.",
    "Two without arguments: the function, and the dict that describes the arguments.",
    "An engine unpickles what it gets. Only the key keeps strangers from running code.",
)

EXECUTE_FIELDS = (
    field("code", STRING, "The source."),
    field("silent", BOOLEAN, "Neither count the cell nor publish input and result.", default=False),
    field("user_expressions", MapOf(STRING, "name"), "Expressions to evaluate.", default={}),
    field("store_history", BOOLEAN, "As in the kernel protocol.", optional=True),
    field("allow_stdin", BOOLEAN, "As in the kernel protocol.", optional=True),
    field("stop_on_error", BOOLEAN, "As in the kernel protocol.", optional=True),
)
EXECUTE_READINGS = Readings(
    "As in the kernel protocol.",
    "`execute` sends `silent` true by default, `%px` false. There is no stdin channel: `input()` "
    "raises an error.",
    "The client sends `code`, `silent` and `user_expressions`, and leaves the rest to the engine.",
)

WORK_STATUS = field(
    "status",
    OneOf("ok", "error", "aborted"),
    "How it went. `aborted`: it was never begun.",
    accepts=OneOf("ok", "error", "aborted", "resubmitted"),
)

# What the scheduler makes of a task that no engine will answer.
SCHEDULER_ERRORS = {
    "InvalidDependency": "the task depends on itself, or on an id that is not known",
    "ImpossibleDependency": "what it waits for can no longer happen, or no engine is left for it",
    "TaskTimeout": "it found no engine in time",
    "EngineError": "its engine died",
}

WORK = (
    request(
        *("apply_request", MUX, "client", "engine"),
        "Call a function on one engine.",
        metadata=(LABEL,),
        buffers=APPLY_BUFFERS,
        required=True,
        readings=APPLY_READINGS,
        troubles=(
            "A request to an engine that is not there vanishes: the caller waits for ever.",
            "Python of another minor version cannot run the function: code is sent as bytecode.",
        ),
        source=KERNEL + "apply_request",
    ),
    request(
        *("task.apply_request", TASK, "client or hub", "engine"),
        "Call a function on whichever engine the scheduler chooses.",
        metadata=TASK_METADATA,
        buffers=APPLY_BUFFERS,
        reply="apply_reply",
        readings=Readings(
            "Metadata is `after` and `follow`. A task that failed is tried on other engines.",
            "Also `timeout`, `targets`, `retries` and `label`; all may be missing. "
            "With the scheme `pure` all are ignored.",
            "The client always sends all six.",
        ),
        troubles=(
            "If all engines are ruled out, the task waits for ever unless it has a timeout.",
            "Waiting tasks overtake each other: those tried in vain are put back in reverse.",
            "A dependency on neither success nor failure is lost with a line in the log.",
            "So is a task with null for `follow` or `targets`.",
        ),
        source=SCHEDULER + "dispatch_submission",
    ),
    request(
        *("broadcast.apply_request", BROADCAST, "client or scheduler", "engine"),
        "Call a function on many engines; the arguments are sent once.",
        metadata=BROADCAST_METADATA,
        buffers=APPLY_BUFFERS,
        reply="apply_reply",
        readings=Readings(
            UNDOCUMENTED,
            "A tree of schedulers makes a copy for each engine, with another `msg_id`, and signs "
            "it anew.",
            "They wait for a reply to `ORIGINAL_UUID` from each engine; "
            "if coalescing, for one whose metadata has `original_msg_id`.",
        ),
        troubles=(
            "If an engine dies, the joined reply never comes.",
            "Broadcasts are not recorded: there is no history and no result to ask for.",
        ),
        source="ipyparallel 9.2: controller/broadcast_scheduler.py",
    ),
    message(
        *("apply_reply", ("mux", "task", "broadcast"), "engine", "client"),
        "Return what the function returned, or tell why it did not.",
        WORK_STATUS,
        *ENGINE_ERROR,
        reply_to=("apply_request", "task.apply_request", "broadcast.apply_request"),
        metadata=REPLY_METADATA,
        buffers="The result, if it is ok: a pickle, and large data in buffers of its own.",
        required=True,
        readings=Readings(
            "There are one or two buffers. The metadata is not described.",
            "One for the result and one for each large piece of data; none for an error.",
            "They need `engine` and `started` in the metadata. "
            "Any type but this one and `execute_reply` raises an error in their thread.",
        ),
        source=KERNEL + "apply_request",
    ),
    message(
        *("broadcast.apply_reply", BROADCAST, "scheduler", "client"),
        "Return the results of all engines in one, if the request asked for that.",
        WORK_STATUS,
        *ENGINE_ERROR,
        reply_to=("broadcast.apply_request",),
        metadata=(
            *REPLY_METADATA,
            field(
                "broadcast_targets",
                ListOf(Row(STRING, INTEGER)),
                "Whose results these are, in their order: uuid and id.",
                accepts=ListOf(Row(STRING, INTEGER) | STRING),
                readings=Readings(
                    UNDOCUMENTED,
                    "Pairs. Between the schedulers, and with a single one, it has uuids only.",
                    "They take the results in this order, which is not that of `targets`.",
                ),
            ),
        ),
        buffers="The results, one after the other.",
        readings=Readings(
            UNDOCUMENTED,
            "The last reply that came, with all buffers. The parent has the id `ORIGINAL_UUID`.",
            "They go by `original_msg_id`, and read results until no buffer is left.",
        ),
        troubles=("It has the status of the last engine: the error of an earlier one is lost.",),
        source="ipyparallel 9.2: controller/broadcast_scheduler.py: coalescing_reply",
    ),
    message(
        *("scheduler.apply_reply", TASK, "scheduler", "client"),
        "Tell that no engine will answer a task; also in answer to an `execute_request`.",
        field("status", OneOf("error"), "Always error."),
        field("ename", OneOf(*SCHEDULER_ERRORS), "Why no engine will.", accepts=STRING),
        *(each for each in HUB_ERROR if each.name != "ename"),
        reply_to=("task.apply_request",),
        metadata=(
            field("status", OneOf("error"), "Only if the engine died.", optional=True),
            field("engine", STRING, "Only then: the engine's uuid.", optional=True),
            field("date", DATE, "Only then: when it was noticed.", optional=True),
        ),
        readings=Readings(
            "Four kinds of impossible dependency; a timeout is a DependencyTimeout.",
            "Also: nobody is left among the targets, or the task waits for itself. Unknown ids "
            "are an InvalidDependency, a timeout is a TaskTimeout.",
            "No frame of an engine precedes the delimiter, unlike in replies of engines.",
        ),
        source=SCHEDULER + "fail_unreachable, handle_stranded_tasks",
    ),
    request(
        *("engine.execute_request", MUX, "client", "engine"),
        "Run code on one engine.",
        *EXECUTE_FIELDS,
        metadata=(LABEL,),
        readings=EXECUTE_READINGS,
        troubles=(
            "After an error, waiting execute requests are aborted; waiting apply requests run.",
            "A top-level `await` never gets a reply with ipykernel 7.",
        ),
        source=KERNEL + "do_execute",
    ),
    request(
        *("broadcast.execute_request", BROADCAST, "client or scheduler", "engine"),
        "Run code on many engines; a client never asks for one joined reply.",
        *EXECUTE_FIELDS,
        metadata=BROADCAST_METADATA,
        reply="engine.execute_reply",
        readings=EXECUTE_READINGS,
        source="ipyparallel 9.2: client/view.py: BroadcastView.execute",
    ),
    message(
        *("engine.execute_reply", ("mux", "broadcast"), "engine", "client"),
        "Tell how the code went; its output has been published.",
        WORK_STATUS,
        field(
            "execution_count",
            INTEGER,
            "The number of the cell; it stays as it was if the request was silent.",
            when={"status": ("ok", "error")},
            readings=Readings(
                "As in the kernel protocol.",
                "Sent with errors, too. The first silent request gets 0.",
                "They need it when the status is ok.",
            ),
        ),
        field("user_expressions", OBJECT, "The results by name.", when=OK, may_lack=True),
        field("payload", ListOf(OBJECT), "As in the kernel protocol.", default=[]),
        *ENGINE_ERROR,
        reply_to=("engine.execute_request", "broadcast.execute_request"),
        metadata=REPLY_METADATA,
        source=KERNEL + "do_execute",
    ),
)

# --- control -----------------------------------------------------------------------------------

NO_ERROR = Readings(
    "It may be an error.",
    "There is no path for errors: a handler that fails sends nothing.",
    "They wait for ever.",
)

CONTROLS = (
    request(
        *("clear_request", CONTROL, "client", "engine"),
        "Empty the namespace of an engine.",
        source=KERNEL + "clear_request",
    ),
    message(
        *("clear_reply", CONTROL, "engine", "client"),
        "Tell that the namespace is empty but for IPython's own names.",
        field("status", OneOf("ok"), "Always ok.", readings=NO_ERROR),
        reply_to=("clear_request",),
        metadata=ENGINE_METADATA,
        source=KERNEL + "clear_request",
    ),
    request(
        *("abort_request", CONTROL, "client", "engine"),
        "Keep requests that still wait in the engine's queue from being run.",
        field(
            "msg_ids",
            ListOf(STRING) | STRING,
            "Which; an empty list: all waiting execute requests.",
            readings=Readings(
                "None stands for all.",
                "Null, and no field at all, raise an error: nothing is answered. "
                "An empty list aborts execute requests, not apply requests.",
                "The client sends a list of ids.",
            ),
        ),
        troubles=(
            "An id whose request never reaches the engine is remembered for ever.",
            "A task with retries that is aborted is tried again, or waits for ever.",
        ),
        source=KERNEL + "abort_request",
    ),
    message(
        *("abort_reply", CONTROL, "engine", "client"),
        "Tell that the ids are noted. Each request is then answered, `aborted`, in its turn.",
        field("status", OneOf("ok"), "Always ok.", readings=NO_ERROR),
        reply_to=("abort_request",),
        metadata=ENGINE_METADATA,
        source=KERNEL + "abort_request",
    ),
    request(
        *("engine.shutdown_request", CONTROL, "client", "engine"),
        "End an engine.",
        field(
            "restart",
            BOOLEAN,
            "False: an engine does not restart.",
            readings=Readings(
                "The content is empty.",
                "Without it there is neither a reply nor an end.",
                "The client sends false, and refuses to send true.",
            ),
        ),
        readings=Readings(
            "Waiting requests are aborted first.",
            "They are dropped without a reply, and the running one is cut off.",
            "They learn of the end by an `unregistration_notification`.",
        ),
        source="ipykernel: kernelbase.py: shutdown_request",
    ),
    message(
        *("engine.shutdown_reply", ("control", "iopub"), "engine", "client"),
        "Tell that the engine ends: the one who asked, and everyone.",
        field("status", OneOf("ok"), "Always ok.", readings=NO_ERROR),
        field("restart", BOOLEAN, "As in the request."),
        reply_to=("engine.shutdown_request",),
        metadata=ENGINE_METADATA,
        topic="engine.ID.shutdown",
        readings=Readings(
            "As in the kernel protocol.",
            "The hub reads the copy on iopub, and finds the engine by the `session` in the header.",
            "So an engine's session has to be its uuid.",
        ),
        source=HUB + "monitor_iopub_message",
    ),
    request(
        *("signal_request", CONTROL, "client", "engine"),
        "Send a signal to the process of an engine.",
        field("sig", INTEGER | STRING, "The number, or the name: `SIGINT`."),
        reply="nanny._request",
        readings=Readings(
            UNDOCUMENTED,
            "The nanny answers it, a process that watches over the engine; "
            "an engine without one does not.",
            "Sent on Ctrl-C in `%px`.",
        ),
        troubles=("SIGINT reaches the code only while it runs; otherwise it is ignored.",),
        source="ipyparallel 9.2: engine/nanny.py: signal_request",
    ),
    message(
        *("nanny._request", CONTROL, "engine", "client"),
        "Tell that the signal was sent. It is the reply, in spite of its name.",
        STATUS,
        *HUB_ERROR,
        reply_to=("signal_request",),
        readings=Readings(
            UNDOCUMENTED,
            "The type is `_request`: the end of the request's name was kept instead of cut off.",
            "They go by the parent header, so `signal_reply` would do as well.",
        ),
        source="ipyparallel 9.2: engine/nanny.py: dispatch_control",
    ),
)

# --- iopub: what engines publish ---------------------------------------------------------------

STAYS_EMPTY = Readings(
    "All messages of an engine have its uuid in the metadata.",
    "This one has empty metadata: ipykernel makes it in two steps.",
    "They use `engine` if it is there, and filter by the `session` of the parent header.",
)

DISPLAY = (
    field("data", MapOf(ANY, "MIME type"), "What to show, in several forms."),
    field("metadata", OBJECT, "Notes about the forms."),
    field("transient", OBJECT, "Not to be stored: `display_id`.", default={}),
)

COMM_ID = field("comm_id", STRING, "The comm.")
COMM_DATA = field("data", OBJECT, "What is said; the two ends know what it means.", default={})

OUTPUTS = (
    published(
        *("status", "engine.ID.status"),
        "Tell that an engine begins or ends with a request. After `idle` no more output comes.",
        field("execution_state", OneOf("busy", "idle", "starting"), "What it does now."),
        troubles=("Without `idle` a client waits for output for ever.",),
    ),
    published(
        *("stream", "engine.ID.stdout, engine.ID.stderr"),
        "Show text that was printed.",
        field("name", OneOf("stdout", "stderr"), "Where it was printed."),
        field("text", STRING, "The text."),
        readings=STAYS_EMPTY,
    ),
    published(
        *("execute_input", "engine.ID.execute_input"),
        "Show which code is run, unless it is silent.",
        field("code", STRING, "The source."),
        field("execution_count", INTEGER, "The number of the cell."),
    ),
    published(
        *("execute_result", "engine.ID.execute_result"),
        "Show the value of the last expression, unless the request is silent.",
        field("data", MapOf(ANY, "MIME type"), "The value in several forms."),
        field("metadata", OBJECT, "Notes about the forms."),
        field("execution_count", INTEGER, "The number of the cell."),
        readings=STAYS_EMPTY,
    ),
    published(
        *("display_data", "engine.ID.displaypub"),
        "Show something; also if the request is silent.",
        *DISPLAY,
        readings=STAYS_EMPTY,
        troubles=("A record keeps the last display only.",),
    ),
    published(
        *("update_display_data", "engine.ID.displaypub"),
        "Show something else in place of an earlier display.",
        *DISPLAY,
        readings=STAYS_EMPTY,
    ),
    published(
        *("clear_output", "engine.ID.displaypub"),
        "Remove what was shown.",
        field("wait", BOOLEAN, "Not before something new comes.", default=False),
    ),
    published(
        *("error", "engine.ID.error"),
        "Show an error in a function or in code; also if the request is silent.",
        field("ename", STRING, "The name of the exception's class."),
        field("evalue", STRING, "Its text."),
        field("traceback", ListOf(STRING), "Where it happened, line by line."),
    ),
    published(
        *("comm_open", "comm-COMM_ID"),
        "Open a comm, a conversation between code of the user and a widget.",
        COMM_ID,
        field("target_name", STRING, "Who is to take part at the other end."),
        TARGET_MODULE,
        COMM_DATA,
    ),
    published("comm_msg", "comm-COMM_ID", "Send something along a comm.", COMM_ID, COMM_DATA),
    published("comm_close", "comm-COMM_ID", "Close a comm.", COMM_ID, COMM_DATA),
    message(
        *("data_message", IOPUB, "engine", "client"),
        "Bring data that a function publishes while it runs.",
        field("keys", ListOf(STRING), "The names of the data."),
        metadata=ENGINE_METADATA,
        buffers="One serialized dict.",
        topic="datapub",
        readings=Readings(
            "The type is `data_pub`.",
            "The type is `data_message`, and only the topic is `datapub`. "
            "The hub looks for `data_pub`, too, and warns of each message.",
            "They merge it into `metadata.data` of the result.",
        ),
        source="ipyparallel 9.2: engine/datapub.py",
    ),
    message(
        *("engine.iopub_welcome", IOPUB, "engine", "client"),
        "Greet the relay that subscribed: the first message of an engine.",
        field("subscription", STRING, "The topic of the subscription: empty."),
        parent="",
        metadata=ENGINE_METADATA,
        readings=Readings(
            "Engines have a PUB socket, which greets nobody.",
            "With ipykernel 7.2 and later it is an XPUB. This one message has no topic frame, "
            "and the hub logs an error for each.",
            "They drop it: its parent header is empty.",
        ),
        source="ipykernel: iostream.py",
    ),
)

MESSAGES: tuple[MessageType, ...] = (
    *JOINING,
    *QUERIES,
    *NOTIFICATIONS,
    *WORK,
    *CONTROLS,
    *OUTPUTS,
    *MONITORED,
)
