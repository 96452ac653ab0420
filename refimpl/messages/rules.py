"""The rules of the kernel protocol that are easy to get wrong, each with a name that lasts.

An id is never given to another rule, and a rule keeps its meaning.  What the rule says in full is
on the page that shows it; here is what several places need to know: how strictly it is meant, whom
it binds, where it comes from.

>>> rule = RULES["R-REQ-1"]
>>> rule.level, rule.kind, rule.binds
('MUST', 'normative', 'kernel')
>>> print(rule.title)
Busy and idle surround every request
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MUST: Final = "MUST"
SHOULD: Final = "SHOULD"
MAY: Final = "MAY"
LEVELS: Final = (MUST, SHOULD, MAY)

NORMATIVE: Final = "normative"  # the specification or an accepted proposal says so
CUSTOM: Final = "custom"  # deployed programs do so, and others rely on it
OURS: Final = "ours"  # left open by both, and decided here
KINDS: Final = (NORMATIVE, CUSTOM, OURS)

KERNEL: Final = "kernel"
CLIENT: Final = "client"
BOTH: Final = "both"
SIDES: Final = (KERNEL, CLIENT, BOTH)

SPEC: Final = "https://jupyter-client.readthedocs.io/en/stable/messaging.html"
KERNELS: Final = "https://jupyter-client.readthedocs.io/en/stable/kernels.html"
JEP: Final = "https://jupyter.org/enhancement-proposals"
GITHUB: Final = "https://github.com"
# Source files, at a commit, because lines move.
CONNECT: Final = "jupyter/jupyter_client/blob/02bd87703ca47b291f0f329af3cf8a9e7e0b2124"
SESSION: Final = "jupyter/jupyter_client/blob/e9ae299acc39934e3c2608aba6bc373779de2720"
IPYKERNEL: Final = "ipython/ipykernel/blob/6b5c3d3b65f87b8650a4c1e54585f7587f2f6a21"


@dataclass(frozen=True)
class Rule:
    """A rule: how strictly it is meant, where it comes from, and whom it binds.

    `source` is the address where the rule can be read (normative), be seen at work (custom), or
    where the matter is left open (ours).  In `title` backquotes mark literals.  `untested` says why
    no test of ours can check the rule; it is empty for all others.
    """

    id: str
    level: str
    kind: str
    title: str
    source: str
    binds: str = KERNEL
    untested: str = ""


# Why no test of ours checks how a front end draws.
_NO_SCREEN = "our client keeps messages and draws nothing"

_RULES = (
    # --- connection ---
    Rule(
        "R-CONN-1",
        MUST,
        NORMATIVE,
        "The kernel binds, clients connect",
        f"{KERNELS}#connection-file-format",
        BOTH,
    ),
    Rule(
        "R-CONN-2",
        MUST,
        CUSTOM,
        "The connection file is for its owner alone",
        f"{GITHUB}/jupyter/jupyter_client/pull/469",
        BOTH,
    ),
    Rule(
        "R-CONN-3",
        MUST,
        CUSTOM,
        "A port follows `tcp` addresses after a colon, `ipc` paths after a hyphen",
        f"{GITHUB}/{CONNECT}/jupyter_client/connect.py",
        BOTH,
    ),
    Rule(
        "R-CONN-4",
        SHOULD,
        CUSTOM,
        "A port that is taken ends the kernel at once, with a reason",
        f"{GITHUB}/jupyter/jupyter_client/issues/487",
    ),
    # --- message ---
    Rule(
        "R-MSG-1",
        SHOULD,
        CUSTOM,
        "Dates name their zone",
        f"{GITHUB}/jupyter/jupyter_client/issues/143",
        BOTH,
    ),
    Rule(
        "R-MSG-2",
        SHOULD,
        NORMATIVE,
        "A client keeps its session id for as long as it lives",
        f"{SPEC}#message-header",
        CLIENT,
    ),
    Rule(
        "R-MSG-3",
        SHOULD,
        NORMATIVE,
        "A kernel takes a new session id each time it starts",
        f"{SPEC}#message-header",
    ),
    Rule(
        "R-MSG-4",
        SHOULD,
        CUSTOM,
        "Do without a date that is missing",
        f"{GITHUB}/jupyter/notebook/issues/6257",
        BOTH,
    ),
    # --- wire ---
    Rule(
        "R-WIRE-1",
        MUST,
        NORMATIVE,
        "Sign the bytes that are sent, verify the bytes that came",
        f"{SPEC}#the-wire-protocol",
        BOTH,
    ),
    Rule(
        "R-WIRE-2",
        MUST,
        NORMATIVE,
        "An empty key switches signing off",
        f"{SPEC}#the-wire-protocol",
        BOTH,
    ),
    Rule(
        "R-WIRE-3",
        SHOULD,
        CUSTOM,
        "Compare signatures in constant time",
        f"{GITHUB}/{SESSION}/jupyter_client/session.py",
        BOTH,
    ),
    Rule(
        "R-WIRE-4",
        SHOULD,
        CUSTOM,
        "A good signature counts once",
        f"{GITHUB}/jupyter/jupyter_client/pull/112",
        BOTH,
    ),
    Rule(
        "R-WIRE-11",
        MUST,
        NORMATIVE,
        "Whoever has a key verifies",
        f"{KERNELS}#handling-messages",
        BOTH,
    ),
    Rule(
        "R-WIRE-5",
        MUST,
        NORMATIVE,
        "Return every identity, in the order in which it came",
        f"{SPEC}#the-wire-protocol",
    ),
    Rule(
        "R-WIRE-6",
        SHOULD,
        CUSTOM,
        "The topic begins with the message type",
        f"{GITHUB}/jupyter/jupyter_client/issues/110",
    ),
    Rule(
        "R-WIRE-7",
        MUST,
        NORMATIVE,
        "Buffers are not signed",
        f"{SPEC}#the-wire-protocol",
        BOTH,
    ),
    Rule("R-WIRE-8", MUST, CUSTOM, "Speak JSON to strangers", f"{SPEC}#the-wire-protocol", BOTH),
    Rule(
        "R-WIRE-9",
        SHOULD,
        OURS,
        "What JSON cannot write is written as the nearest thing it can",
        f"{GITHUB}/jupyter/jupyter_client/pull/706",
        BOTH,
    ),
    Rule(
        "R-WIRE-10",
        SHOULD,
        OURS,
        "A message that cannot be read is dropped with one line in the log",
        f"{SPEC}#the-wire-protocol",
        BOTH,
    ),
    # --- requests ---
    Rule(
        "R-REQ-1",
        MUST,
        NORMATIVE,
        "Busy and idle surround every request",
        f"{SPEC}#kernel-status",
    ),
    Rule(
        "R-REQ-2",
        MUST,
        NORMATIVE,
        "Whatever a request causes carries its header as parent",
        f"{SPEC}#general-message-format",
    ),
    Rule("R-REQ-3", MUST, NORMATIVE, "Every reply has a status", f"{SPEC}#request-reply"),
    Rule(
        "R-REQ-4",
        MUST,
        CUSTOM,
        "A request is over when reply and idle are both there",
        f"{GITHUB}/jupyter/nbconvert/pull/1183",
        CLIENT,
    ),
    Rule(
        "R-REQ-5", SHOULD, NORMATIVE, "What is unknown is survived", f"{SPEC}#compatibility", BOTH
    ),
    Rule(
        "R-REQ-11",
        SHOULD,
        NORMATIVE,
        "A reply that never comes is survived",
        f"{SPEC}#compatibility",
        CLIENT,
    ),
    Rule(
        "R-REQ-6",
        SHOULD,
        OURS,
        "A missing or wrong field is answered with an error that names it",
        f"{SPEC}#request-reply",
    ),
    Rule(
        "R-REQ-7",
        SHOULD,
        OURS,
        "A request on the wrong channel is answered with an error",
        f"{SPEC}#messages-on-the-control-router-dealer-channel",
    ),
    Rule(
        "R-REQ-8",
        SHOULD,
        NORMATIVE,
        "Shell is served in order, control does not wait for it",
        f"{SPEC}#introduction",
    ),
    Rule(
        "R-REQ-9",
        SHOULD,
        CUSTOM,
        "An idle speaks of its own request only",
        f"{GITHUB}/jupyter/jupyter_client/issues/838",
        CLIENT,
    ),
    Rule(
        "R-REQ-10",
        MUST,
        NORMATIVE,
        "A reply goes to the one who asked, iopub goes to all",
        f"{SPEC}#introduction",
        BOTH,
    ),
    # --- execute ---
    Rule(
        "R-EXEC-10",
        MUST,
        NORMATIVE,
        "What runs is announced, once, before its output",
        f"{SPEC}#code-inputs",
    ),
    Rule(
        "R-EXEC-13",
        SHOULD,
        NORMATIVE,
        "A value has a form in plain text; JSON is not encoded twice",
        f"{SPEC}#display-data",
    ),
    Rule(
        "R-EXEC-1",
        MUST,
        CUSTOM,
        "A stream message is a piece of text, not a line",
        f"{GITHUB}/posit-dev/ark/pull/129",
        BOTH,
    ),
    Rule(
        "R-EXEC-11",
        MUST,
        NORMATIVE,
        "An error is told twice: to all, and to the one who asked",
        f"{SPEC}#execution-errors",
    ),
    Rule(
        "R-EXEC-2",
        MUST,
        NORMATIVE,
        "Silent means no output, no history and no count",
        f"{SPEC}#execute",
    ),
    Rule(
        "R-EXEC-3",
        MUST,
        NORMATIVE,
        "Every execute reply has the execution count",
        f"{SPEC}#execution-results",
    ),
    Rule(
        "R-EXEC-4",
        MUST,
        NORMATIVE,
        "An expression that fails does not fail the request",
        f"{SPEC}#execute",
    ),
    Rule(
        "R-EXEC-5",
        SHOULD,
        CUSTOM,
        "Expressions are evaluated after success only",
        f"{GITHUB}/{IPYKERNEL}/ipykernel/ipkernel.py",
    ),
    # --- stdin ---
    Rule(
        "R-STDIN-1",
        MUST,
        NORMATIVE,
        "Never ask a client that did not allow it",
        f"{SPEC}#messages-on-the-stdin-router-dealer-channel",
        BOTH,
    ),
    Rule(
        "R-STDIN-2",
        MUST,
        NORMATIVE,
        "One identity for shell and stdin",
        f"{SPEC}#messages-on-the-stdin-router-dealer-channel",
        BOTH,
    ),
    Rule(
        "R-STDIN-3",
        SHOULD,
        OURS,
        "An answer to an earlier question is thrown away",
        f"{SPEC}#messages-on-the-stdin-router-dealer-channel",
    ),
    Rule(
        "R-STDIN-4",
        SHOULD,
        CUSTOM,
        "An interrupt ends the wait for an answer",
        f"{GITHUB}/ipython/ipykernel/issues/400",
    ),
    # --- display ---
    Rule(
        "R-DISP-1",
        SHOULD,
        CUSTOM,
        "An update changes every display of that id, in whatever cell it is",
        f"{GITHUB}/jupyter/jupyter_client/pull/225",
        CLIENT,
        _NO_SCREEN,
    ),
    Rule(
        "R-DISP-2",
        MUST,
        NORMATIVE,
        "An update names its display in `transient`",
        f"{SPEC}#update-display-data",
    ),
    Rule(
        "R-DISP-3",
        SHOULD,
        CUSTOM,
        "An update of what was never displayed shows nothing",
        f"{GITHUB}/nteract/archived-desktop-app/pull/1162",
        CLIENT,
        _NO_SCREEN,
    ),
    # --- the queue ---
    Rule(
        "R-EXEC-6",
        MUST,
        NORMATIVE,
        "After a failure, execute requests that are already waiting are not run",
        f"{SPEC}#execute",
    ),
    Rule(
        "R-EXEC-7",
        SHOULD,
        CUSTOM,
        "The reply to a cancelled request has the status `aborted`",
        f"{GITHUB}/jupyter/jupyter_client/issues/1063",
    ),
    Rule(
        "R-EXEC-8",
        SHOULD,
        OURS,
        "Left over is what was sent before the failure could be known",
        f"{GITHUB}/ipython/ipykernel/issues/609",
    ),
    Rule(
        "R-EXEC-12",
        SHOULD,
        CUSTOM,
        "An interrupt is a failure too",
        f"{GITHUB}/IRkernel/IRkernel/pull/264",
    ),
    Rule(
        "R-EXEC-9",
        MAY,
        CUSTOM,
        "Output may come after the idle",
        f"{SPEC}#kernel-status",
        BOTH,
    ),
    # --- kernel info, iopub ---
    Rule(
        "R-INFO-1",
        MUST,
        NORMATIVE,
        "Kernel info is answered on control too",
        f"{JEP}/80-kernel-info/kernel-info.html",
    ),
    Rule(
        "R-INFO-2",
        MUST,
        NORMATIVE,
        "Kernel info is complete",
        f"{SPEC}#kernel-info",
    ),
    Rule(
        "R-IOPUB-1",
        MUST,
        NORMATIVE,
        "The idle is the last message that a request causes",
        f"{SPEC}#kernel-status",
    ),
    Rule(
        "R-IOPUB-2",
        SHOULD,
        NORMATIVE,
        "Whoever has received a welcome is subscribed",
        f"{JEP}/65-jupyter-xpub/jupyter-xpub.html",
        BOTH,
    ),
    Rule(
        "R-IOPUB-3",
        SHOULD,
        CUSTOM,
        "Without a welcome, ask for kernel info until an idle arrives",
        f"{GITHUB}/jupyter/jupyter_client/issues/593",
        CLIENT,
    ),
    Rule(
        "R-IOPUB-4",
        SHOULD,
        CUSTOM,
        "A flood loses no message to a high-water mark",
        f"{GITHUB}/nteract/papermill/issues/426",
        BOTH,
    ),
    # --- control ---
    Rule(
        "R-CTRL-1",
        SHOULD,
        CUSTOM,
        "The reply to an interrupt says that it was delivered",
        f"{GITHUB}/posit-dev/ark/pull/115",
        BOTH,
    ),
    Rule(
        "R-CTRL-7",
        MUST,
        CUSTOM,
        "An interrupt that finds nothing running changes nothing",
        f"{GITHUB}/ipython/ipython/pull/472",
    ),
    Rule(
        "R-CTRL-2",
        MUST,
        NORMATIVE,
        "The reply is sent before the process ends",
        f"{SPEC}#kernel-shutdown",
    ),
    Rule(
        "R-CTRL-3",
        SHOULD,
        CUSTOM,
        "Every front end is told",
        f"{GITHUB}/ipython/ipykernel/issues/220",
    ),
    Rule(
        "R-CTRL-4",
        SHOULD,
        NORMATIVE,
        "Restart is a matter of the client",
        f"{JEP}/118-restart-clarification/restart-clarification.html",
        BOTH,
    ),
    Rule(
        "R-CTRL-5",
        SHOULD,
        NORMATIVE,
        "Shutdown belongs on control",
        f"{SPEC}#kernel-shutdown",
        CLIENT,
    ),
    Rule(
        "R-CTRL-6",
        SHOULD,
        CUSTOM,
        "A client looks whether the process has ended",
        f"{SPEC}#kernel-shutdown",
        CLIENT,
    ),
    # --- questions about code ---
    Rule(
        "R-CODE-1",
        MUST,
        NORMATIVE,
        "`cursor_pos` counts code points",
        f"{SPEC}#cursor-pos-unicode-note",
        BOTH,
    ),
    Rule(
        "R-CODE-2",
        MUST,
        NORMATIVE,
        "The range of a completion counts code points, and each match replaces all of it",
        f"{SPEC}#completion",
    ),
    Rule(
        "R-HIST-1",
        MUST,
        NORMATIVE,
        "The session of the history is a number, not the session of the header",
        f"{SPEC}#history",
    ),
    # --- comms ---
    Rule(
        "R-COMM-1",
        SHOULD,
        NORMATIVE,
        "Whoever does not know the target closes at once",
        f"{SPEC}#opening-a-comm",
        BOTH,
    ),
    Rule(
        "R-COMM-2",
        SHOULD,
        NORMATIVE,
        "Busy and idle surround comm messages too",
        f"{SPEC}#output-side-effects",
    ),
    Rule(
        "R-COMM-3",
        SHOULD,
        CUSTOM,
        "A message on a comm that is not open is ignored",
        f"{GITHUB}/jupyter-widgets/ipywidgets/issues/3525",
    ),
    # --- heartbeat ---
    Rule(
        "R-HB-1",
        MUST,
        NORMATIVE,
        "The heartbeat returns the bytes that came",
        f"{SPEC}#kernel-heartbeat",
    ),
    Rule(
        "R-HB-2",
        SHOULD,
        CUSTOM,
        "The heart beats while code runs",
        f"{GITHUB}/IRkernel/IRkernel/issues/164",
    ),
    Rule(
        "R-HB-3",
        SHOULD,
        CUSTOM,
        "A missed beat is no proof of death",
        f"{GITHUB}/jupyter/jupyter_client/pull/141",
        CLIENT,
    ),
    # --- optional features ---
    Rule(
        "R-DEBUG-1",
        MUST,
        NORMATIVE,
        "Requests to the debugger go on control",
        f"{SPEC}#debug-request",
        BOTH,
    ),
    Rule(
        "R-DEBUG-2",
        MUST,
        NORMATIVE,
        "What the debugger reports by itself goes to all",
        f"{SPEC}#debug-event",
    ),
    Rule(
        "R-SUB-1",
        MUST,
        NORMATIVE,
        "A subshell does not wait for another one",
        f"{JEP}/91-kernel-subshells/kernel-subshells.html",
    ),
    Rule(
        "R-SUB-2",
        MUST,
        NORMATIVE,
        "Subshells are made, listed and deleted on control",
        f"{JEP}/91-kernel-subshells/kernel-subshells.html",
        BOTH,
    ),
    Rule(
        "R-SUB-3",
        SHOULD,
        CUSTOM,
        "A request to a subshell that is not there is answered with an error",
        f"{GITHUB}/ipython/ipykernel/pull/1558",
    ),
    Rule(
        "R-REG-1",
        MUST,
        NORMATIVE,
        "A kernel that chooses its ports reports them when all are bound",
        f"{JEP}/66-jupyter-handshaking/jupyter-handshaking.html",
    ),
    # --- versions ---
    Rule(
        "R-VER-1",
        MUST,
        NORMATIVE,
        "A later minor version does not break an earlier one",
        f"{SPEC}#versioning",
        BOTH,
    ),
)

RULES: Final = {rule.id: rule for rule in _RULES}
