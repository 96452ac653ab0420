"""What every message starts with, and the files by which programs find each other.

Both protocols have the same header.  Two files belong to kernels, one of which tells a kernel where
to listen; a third announces the kernel.  Two more belong to clusters: one for clients, one for
engines.
"""

from __future__ import annotations

from dataclasses import replace

from .model import (
    ANY,
    BOOLEAN,
    NULL,
    STRING,
    Field,
    FileType,
    ListOf,
    MapOf,
    Number,
    OneOf,
    Readings,
    Struct,
    Text,
    field,
)

KERNELS = "https://jupyter-client.readthedocs.io/en/stable/kernels.html"
JEP = "https://jupyter.org/enhancement-proposals/"

# --- forms of text -----------------------------------------------------------------------------

SOME_TEXT = Text("not empty", r"[\s\S]")
DATE = Text(
    "date and time with a zone",
    r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:?\d{2})$",
)
VERSION = Text("version", r"^\d+\.\d+(\.\d+)?$")
SCHEME = Text("hmac- and the name of a hash", r"^hmac-[A-Za-z0-9_-]+$")
CURVE_KEY = Text("32 bytes as Z85", r"^[0-9A-Za-z.:+=^!/*?&<>()\[\]{}@%$#-]{40}$")
INTERFACE = Text("transport://address", r"^(tcp|ipc)://[\s\S]")
PORT = Number(1, 65535)
ANY_PORT = Number(0, 65535)

# --- the header --------------------------------------------------------------------------------

HEADER = Struct(
    "Header",
    "Says which message this is, who sent it, and when.",
    (
        field("msg_id", STRING, "Tells this message from all others."),
        field("msg_type", STRING, "The kind of message: its name in this catalogue."),
        field(
            "session",
            STRING,
            "Tells apart the runs of a program: the same in all messages that one run sends.",
            readings=Readings(
                "It persists while a client is connected, and a kernel has one of its own.",
                "jupyter_client puts it at the start of each msg_id, then process and counter.",
                "They compare it and never take it apart. "
                "An engine of a cluster has to use its uuid.",
            ),
        ),
        field(
            "username",
            STRING,
            "The user for whom the message was sent.",
            may_lack=True,
            readings=Readings(
                "A header has one.",
                "Mostly the constant `username`; a few kernels leave it out.",
                "None reads it: who signed the message is known by the key.",
            ),
        ),
        field(
            "date",
            DATE,
            "When the message was made.",
            may_lack=True,
            accepts=STRING | NULL,
            changed={"5.1": "required, and described at last; programs had always sent it"},
            readings=Readings(
                "ISO 8601; of a zone it says nothing. Before 5.1 the field was not described.",
                "Some kernels leave it out, send null, or a local time without a zone. "
                "Some write more than six decimals.",
                "jupyter_client fills in the present and reads a time without a zone as local. "
                "More than six decimals stay a string. A hub cannot store a record without it.",
            ),
        ),
        field(
            "version",
            VERSION,
            "The version of the protocol in which the message is written.",
            since="5.0",
            may_lack=True,
            accepts=STRING,
            readings=Readings(
                "Every message tells the version.",
                "Old kernels leave it out; others send 5.0 for ever.",
                "jupyter_client takes a header without it for protocol 4, and rewrites the message "
                "accordingly: a reply can arrive changed.",
            ),
        ),
        field(
            "subshell_id",
            STRING | NULL,
            "The subshell that is to handle a request; null or absent means the main shell.",
            default=None,
            since="5.5",
        ),
    ),
)

# --- the files of kernels ----------------------------------------------------------------------

TRANSPORT = field(
    "transport",
    OneOf("tcp", "ipc"),
    "`tcp`, or `ipc` for local sockets.",
    readings=Readings(
        "The documentation shows `tcp`; the schema of JEP 106 allows `inproc`, too.",
        "Launchers write `tcp` or `ipc`.",
        "Kernels accept what their ZeroMQ can bind. `inproc` ends at the border of a process: "
        "a file cannot announce it.",
    ),
)
SIGNATURE_SCHEME = field(
    "signature_scheme",
    SCHEME,
    "How messages are signed: `hmac-sha256` is what everybody has.",
    readings=Readings(
        "A name of the form `hmac-HASH`. The schema of JEP 106 allows md5, sha256 and sha512 only.",
        "jupyter_client writes `hmac-sha256` unless configured; it takes any hash of hashlib.",
        "Many kernels know sha256 alone.",
    ),
)
KEY = field(
    "key",
    STRING,
    "The secret with which messages are signed, as UTF-8. Empty: nothing is signed.",
    readings=Readings(
        "A string; empty switches signing off.",
        "jupyter_client writes 32 hexadecimal digits and one dash.",
        "They use the bytes as they are, and do not decode hexadecimal digits.",
    ),
)


def _port(channel: str) -> Field:
    return field(
        f"{channel}_port",
        ANY_PORT,
        f"The port of the {channel} channel. For ipc, a number at the end of the path.",
        readings=Readings(
            "An integer in every example. The schema of JEP 106 allows strings, too, and says "
            '"ingerer" for iopub: it cannot be used as it is.',
            "Launchers write integers. jupyter_client never writes 0; `refimpl` does, "
            "and the kernel then chooses the port.",
            "Kernels in typed languages refuse anything but an integer below 65536.",
        ),
    )


def _curve_key(name: str, meaning: str) -> Field:
    return field(
        name,
        CURVE_KEY,
        f"{meaning} Both keys are there, or none.",
        optional=True,
        accepts=CURVE_KEY | OneOf("") | NULL,
        readings=Readings(
            "Proposed in JEP 145; not part of 5.6.",
            "jupyter_client 8.9 and later write both when encryption is switched on; "
            "ipykernel 7.3 and later use them.",
            "A kernel that does not know them listens unencrypted, and its clients never connect.",
        ),
    )


CONNECTION_FILE = FileType(
    "connection-file",
    "Tells a kernel, and then its clients, where its sockets are and which key they share.",
    (
        TRANSPORT,
        field(
            "ip",
            SOME_TEXT,
            "The address to bind. For ipc, what the paths of all sockets begin with.",
            readings=Readings(
                "The address of the machine on which the kernel runs.",
                "`127.0.0.1` nearly always; `0.0.0.0` in containers.",
                "Some kernels parse it as an IP address: a host name or a path is an error there.",
            ),
        ),
        *map(_port, ("shell", "iopub", "stdin", "control", "hb")),
        SIGNATURE_SCHEME,
        KEY,
        field(
            "kernel_name",
            STRING,
            "The name of the kernel spec; empty when unknown.",
            default="",
            accepts=STRING | NULL,
            readings=Readings(
                "Neither the documentation nor the schema of JEP 106 has it.",
                "jupyter_client always writes it, often empty.",
                "Some kernels in Rust refuse a file without it: write it, empty if need be.",
            ),
        ),
        _curve_key("curve_publickey", "The public key of the kernel's sockets."),
        _curve_key("curve_secretkey", "The secret key that belongs to it."),
        field(
            "jupyter_session",
            STRING,
            "The path of the notebook for which the kernel was started.",
            default="",
            accepts=ANY,
            readings=Readings(
                "Not described.",
                "jupyter_client writes it when it starts a local kernel.",
                "ipykernel does not read it here, but from the variable `JPY_SESSION_NAME`.",
            ),
        ),
    ),
    readings=Readings(
        "Described by example; the schema of JEP 106 does not pass its own meta-schema.",
        "jupyter_client takes a missing field from its configuration instead of complaining.",
        "Fields that they do not know are ignored.",
    ),
    source=f"{KERNELS}#connection-files; {JEP}106-connectionfile-spec/connectionfile-spec.html",
)

REGISTRATION_FILE = FileType(
    "registration-file",
    "Tells a kernel where to report the ports that it chose; it stands in for a connection file.",
    (
        field("kernel_id", SOME_TEXT, "Tells apart the kernels that report to one address."),
        TRANSPORT,
        field("registration_ip", SOME_TEXT, "The address at which the launcher listens."),
        field("registration_port", PORT, "The launcher's port."),
        SIGNATURE_SCHEME,
        KEY,
    ),
    since="5.6",
    readings=Readings(
        "JEP 66 leaves the form of the file open; the documentation of 5.6 settles it.",
        "Positron came first: its file has `ip` for `registration_ip` and no `kernel_id`, "
        "and its handshake is another one. jupyter_client 8.10 writes no such file.",
        "A launcher passes one only if the kernel spec says `kernel_protocol_version` 5.6 or "
        "later. JEP 66 said 5.5, and Positron goes by that.",
    ),
    source=f"{KERNELS}#registration-file-format; "
    f"{JEP}66-jupyter-handshaking/jupyter-handshaking.html",
)

KERNEL_METADATA = Struct(
    "KernelMetadata",
    "Notes about a kernel for front ends; each tool should keep to a field of its own.",
    (
        field(
            "debugger",
            BOOLEAN,
            "The kernel can be debugged.",
            default=False,
            readings=Readings(
                "Not described. The schema of JEP 105 allows objects only, not even `true`.",
                "ipykernel and xeus-python write `true`.",
                "JupyterLab offers its debugger only for kernels that have it.",
            ),
        ),
        field(
            "supported_encryption",
            ListOf(STRING),
            "How the kernel can encrypt its sockets: `curve`.",
            default=[],
            accepts=ListOf(STRING) | STRING | NULL,
            readings=Readings(
                "Proposed in JEP 145; not part of 5.6.",
                'ipykernel 7.3 and later write `["curve"]`.',
                "jupyter_client also takes a single string; upper and lower case are the same.",
            ),
        ),
    ),
)

KERNEL_SPEC = FileType(
    "kernel-spec",
    "Announces a kernel: how it is started, and how it is called. It is the file `kernel.json`.",
    (
        field(
            "argv",
            ListOf(STRING, min_items=1),
            "The command that starts the kernel; `{connection_file}` stands for a path.",
            readings=Readings(
                "A list of arguments. One published copy of the schema of JEP 105 demands three "
                "of them, the other copies one.",
                "A program, options, `{connection_file}`. jupyter_client lets an empty list pass.",
                "jupyter_client also fills in `{resource_dir}` and `{prefix}`, "
                "and takes `python` for the Python that runs it.",
            ),
        ),
        field("display_name", STRING, "What front ends call the kernel; any characters."),
        field(
            "language",
            STRING,
            "The language of the kernel. A notebook in this language can be opened with it.",
            readings=Readings(
                "Required, with `argv` and `display_name`.",
                "Every known kernel writes it.",
                "jupyter_client takes any of the three for empty when it is missing; "
                "front ends then cannot match notebooks to the kernel.",
            ),
        ),
        field(
            "interrupt_mode",
            OneOf("signal", "message"),
            "How the kernel is interrupted: by SIGINT, or by an `interrupt_request`.",
            default="signal",
            since="5.3",
        ),
        field(
            "env",
            MapOf(STRING, "environment variable"),
            "Variables to set. `${NAME}` stands for a value of the present environment.",
            default={},
        ),
        field("metadata", KERNEL_METADATA, "Notes for front ends.", default={}),
        field(
            "kernel_protocol_version",
            VERSION,
            "The version of the protocol that the kernel speaks.",
            optional=True,
            accepts=STRING,
            readings=Readings(
                "Optional. The schema of JEP 105 demands three numbers, as in 5.5.0; "
                "its text and JEP 66 write 5.5.",
                "ipykernel writes `5.5`, so the schema would refuse it.",
                "It decides whether a launcher may pass a registration file; "
                "most launchers do not look.",
            ),
        ),
    ),
    readings=Readings(
        "The schema of JEP 105 refers to a definition that does not exist, `argv`. It joins its "
        "parts by `anyOf`, so that once repaired one good field would excuse all the others.",
        "Files have more fields, such as `name`, `mimetype` and `codemirror_mode`.",
        "jupyter_client warns of unknown fields and goes on.",
    ),
    source=f"{KERNELS}#kernel-specs; {JEP}105-kernelspec-spec/kernelspec-spec.html",
)

# --- the files of clusters ---------------------------------------------------------------------

TASK_SCHEMES = ("leastload", "lru", "plainrandom", "twobin", "weighted", "pure", "none")


def _socket(name: str, meaning: str) -> Field:
    return field(name, PORT, meaning)


# Where a controller listens for engines. A registration reply repeats it.
ENGINE_ADDRESSES: tuple[Field, ...] = (
    field(
        "interface",
        INTERFACE,
        "Transport and address of all ports, without a port: `tcp://127.0.0.1`.",
        readings=Readings(
            "tcp, and also ipc and pgm.",
            "The controller binds `ipc://PATH-NUMBER`, but all connect to `ipc://PATH:NUMBER`: "
            "only tcp works.",
            "For `0.0.0.0` and `*` they put in the loopback address, or that of `location`.",
        ),
    ),
    _socket("registration", "Queries and registration: the same port in both files."),
    _socket("control", "Requests that must not wait behind others."),
    _socket("mux", "Requests to a certain engine."),
    _socket("task", "Requests for which the scheduler finds an engine."),
    _socket("iopub", "What engines publish."),
    _socket("hb_ping", "Where the heart monitor publishes its pings."),
    _socket("hb_pong", "Where it awaits the answers."),
    field(
        "broadcast",
        ListOf(PORT, min_items=1),
        "Requests to several engines: engine ID connects to port ID modulo the length.",
        readings=Readings(
            "A number in one example, a list in the other.",
            "A list in the engines' file, two ports by default; one number in the clients' file.",
            "An engine fails on an empty list.",
        ),
    ),
)

SHARED_SECRETS: tuple[Field, ...] = (
    field(
        "key",
        STRING,
        "The secret with which messages are signed; empty when CURVE encrypts them.",
        readings=Readings(
            "A UUID, as uuid4 makes it.",
            "32 hexadecimal digits with one dash. With `--reuse` the old key stays.",
            "They use its bytes as they are.",
        ),
    ),
    field("signature_scheme", SCHEME, "How messages are signed."),
    field(
        "pack",
        STRING,
        "How the four parts are packed: `json`, `orjson`, `msgpack`, `pickle`, or a Python name.",
        readings=Readings(
            "`json` in every example.",
            "`orjson` wherever the package orjson is installed.",
            "Everyone has to follow it. Who has no orjson must take the name for `json`: "
            "the bytes are ordinary JSON.",
        ),
    ),
    field("unpack", STRING, "How they are unpacked: the same as `pack`."),
    field("curve_serverkey", CURVE_KEY | NULL, "The controller's public key.", default=None),
)

ENGINE_FILE = FileType(
    "ipcontroller-engine",
    "Tells an engine where the controller of its cluster listens.",
    (
        *ENGINE_ADDRESSES,
        *SHARED_SECRETS,
        field(
            "location",
            STRING,
            "The host name of the controller: engines elsewhere look up its address.",
        ),
        field("ssh", STRING, "A host to tunnel through: `user@host:port`.", default=""),
    ),
    readings=Readings(
        "The security page shows such a file as one for clients.",
        "It is written in place and made private afterwards: for a moment it exists and is empty.",
        "An engine waits up to 10 seconds for the file to exist, and then reads it at once.",
    ),
    source="ipyparallel 9.2: controller/app.py, engine/app.py",
)

CLIENT_FILE = FileType(
    "ipcontroller-client",
    "Tells a client where the controller of a cluster listens.",
    (
        *(
            each
            for each in ENGINE_ADDRESSES
            if each.name not in ("hb_ping", "hb_pong", "broadcast")
        ),
        replace(
            next(each for each in ENGINE_ADDRESSES if each.name == "broadcast"),
            type=PORT,
            meaning="Requests to several engines: the root of the schedulers.",
        ),
        _socket("notification", "Where the hub publishes that engines come and go."),
        field(
            "task_scheme",
            OneOf(*TASK_SCHEMES),
            "How the scheduler chooses an engine.",
            accepts=STRING,
            readings=Readings(
                "Missing from the examples.",
                "`leastload` unless configured.",
                "A client raises KeyError without it. Only `pure` makes it behave differently.",
            ),
        ),
        *SHARED_SECRETS,
        field("location", STRING | NULL, "The host name of the controller.", default=None),
        field(
            "ssh",
            STRING,
            "A host to tunnel through: `user@host:port`; empty for none.",
            readings=Readings(
                "Optional.",
                "The controller always writes it.",
                "A client looks it up without a default unless the interface is loopback.",
            ),
        ),
    ),
    readings=Readings(
        "Of the two examples on the security page the first is an engine's file, and the second "
        "has a list for `broadcast`.",
        "It has no `hb_ping` and `hb_pong`, and one number for `broadcast`.",
        "A missing field is a KeyError in the constructor of the client.",
    ),
    source="ipyparallel 9.2: controller/app.py, client/client.py",
)

FILES: tuple[FileType, ...] = (
    CONNECTION_FILE,
    REGISTRATION_FILE,
    KERNEL_SPEC,
    CLIENT_FILE,
    ENGINE_FILE,
)
