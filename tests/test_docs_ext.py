"""The site's own directives: recordings, diagrams, checks of examples and links."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from refimpl.wire import InvalidContent, Session

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs"))

from _ext import figures, inventories, record, runners, sequence  # noqa: E402

CELL = 'client.execute("x = 6 * 7")\nclient.execute("print(x); x")\nclient.execute("1 / 0")\n'
INTERRUPT = """
running = client.send("execute_request", {"code": "import time\\nwhile True: time.sleep(0.01)"})
client.wait_for(running, "execute_input")
client.request("interrupt_request", channel="control")
"""

BREAKPOINT = """
def debug(command, **arguments):
    request = {"type": "request", "seq": 1, "command": command, "arguments": arguments}
    return client.request("debug_request", request, channel="control").content.get("body")

debug("initialize", adapterID="")
debug("attach")
client.wait_for_event("thread")
path = debug("dumpCell", code="x = 1")["sourcePath"]
debug("setBreakpoints", source={"path": path}, breakpoints=[{"line": 1}])
cell = client.send("execute_request", {"code": "x = 1"})
thread = client.wait_for_event("stopped")["body"]["threadId"]
debug("continue", threadId=thread)
client.wait_for_event("continued")
client.wait(cell)
"""


def types(recording: list[record.Sent]) -> list[str]:
    """Return the message types of a recording."""
    return [sent.msg_type for sent in recording]


def as_json(recording: list[record.Sent]) -> str:
    """Return everything a page shows of a recording."""
    return json.dumps([(s.sender, s.receivers, s.channel, s.message) for s in recording])


# --- recordings --------------------------------------------------------------------------------


@pytest.mark.parametrize("runner", ["machine", "zmq"])
def test_two_recordings_of_the_same_code_are_equal(runner: str) -> None:
    """What a page shows of an exchange is the same in every build."""
    first, second = (record.normalise(runners.record(CELL, runner, "page")) for _ in range(2))
    assert as_json(first) == as_json(second)


def test_a_cell_that_stops_is_recorded_where_it_stops() -> None:
    """A cell stops after its execute_input and before what continues it, the same in every run."""
    first, second = (record.normalise(runners.record(BREAKPOINT, "zmq", "page")) for _ in range(2))
    assert as_json(first) == as_json(second)
    said = [sent.content.get("event") or sent.content.get("command") for sent in first]
    begun, stopped = types(first).index("execute_input"), said.index("stopped")
    assert begun < stopped < said.index("continue") < types(first).index("execute_reply")
    numbers = [sent.content["seq"] for sent in first if sent.msg_type == "debug_event"]
    assert numbers == sorted(numbers)
    assert "/tmp/ipykernel_1/" in as_json(first)


@pytest.mark.parametrize("runner", ["machine", "zmq"])
def test_busy_comes_first_and_idle_last(runner: str) -> None:
    """A recording has the order in which the kernel sent: busy, outputs and the reply, idle."""
    recording = runners.record('client.execute("6 * 7")', runner, "page")
    assert types(recording) == [
        "execute_request",
        "status",
        "execute_input",
        "execute_result",
        "execute_reply",
        "status",
    ]
    assert [
        sent.content.get("execution_state") for sent in recording if sent.channel == "iopub"
    ] == [
        "busy",
        None,
        None,
        "idle",
    ]


def test_an_interrupt_on_control_is_recorded_inside_the_request_it_stops() -> None:
    """Control is answered while shell is busy, and the interrupted request ends after it."""
    recording = runners.record(INTERRUPT, "zmq", "page")
    assert types(recording) == [
        "execute_request",
        "status",
        "execute_input",
        "interrupt_request",
        "status",
        "interrupt_reply",
        "status",
        "error",
        "execute_reply",
        "status",
    ]


@pytest.mark.parametrize("runner", ["machine", "zmq"])
def test_two_clients_hear_all_broadcasts_and_only_their_own_replies(runner: str) -> None:
    """Everything on iopub goes to both lanes, a reply only to the one who asked."""
    recording = runners.record('client.execute("x = 1")\nclient2.execute("x")', runner, "page")
    for sent in recording:
        if sent.channel == "iopub":
            assert sent.receivers == ("client", "client2")
    replies = [sent.receivers for sent in recording if sent.msg_type == "execute_reply"]
    assert replies == [("client",), ("client2",)]


@pytest.mark.parametrize("runner", ["machine", "zmq"])
def test_a_question_is_answered_by_on_input(runner: str) -> None:
    """The input_request and its input_reply are part of the recording, in this order."""
    code = 'client.on_input = lambda request: "Ada"\nclient.execute("input(\'Who? \')")'
    recording = runners.record(code, runner, "page")
    dialogue = [(s.msg_type, s.sender, s.content) for s in recording if s.channel == "stdin"]
    assert dialogue == [
        ("input_request", "kernel", {"prompt": "Who? ", "password": False}),
        ("input_reply", "client", {"value": "Ada"}),
    ]


def test_what_follows_a_failure_is_recorded_as_aborted() -> None:
    """Requests that wait behind a failed one are refused, as in a kernel with sockets."""
    code = (
        'client.send("execute_request", {"code": "1 / 0"})\n'
        'client.wait(client.send("execute_request", {"code": "2"}))\n'
    )
    recording = runners.record(code, "machine", "page")
    statuses = [s.content["status"] for s in recording if s.msg_type == "execute_reply"]
    assert statuses == ["error", "aborted"]


def test_an_exception_in_the_body_comes_out() -> None:
    """An error in the code of a page is raised to the directive, which fails the build."""
    with pytest.raises(ZeroDivisionError):
        runners.record("1 / 0", "machine", "page")


@pytest.mark.off_catalogue("a bad request is the subject")
def test_a_request_with_a_wrong_field_is_refused() -> None:
    """A message that breaks the protocol cannot be shown on a page."""
    with pytest.raises(
        InvalidContent, match=r"execute_request: .*content\.code: expected string, got number 1"
    ):
        runners.record('client.send("execute_request", {"code": 1})', "machine", "page")


def test_a_body_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page whose code waits for ever fails the build after a deadline."""
    monkeypatch.setattr(runners, "DEADLINE", 0.2)
    with pytest.raises(TimeoutError, match="end within"):
        runners.record("import threading; threading.Event().wait(5)", "machine", "page")


def sent(sender: str, msg_type: str, parent: record.Sent | None = None) -> record.Sent:
    """Make one message of a recording."""
    message = record.plain(Session().message(msg_type))
    message["parent_header"] = parent.message["header"] if parent else {}
    return record.Sent(sender, (), "shell", message)


def test_a_message_without_its_cause_has_no_place() -> None:
    """A recording in which a kernel answers what nobody asked is refused."""
    orphan = sent("kernel", "execute_reply", sent("client", "execute_request"))
    with pytest.raises(ValueError, match="cause"):
        record.in_order([], {"MainThread": [orphan]})


def test_what_differs_from_run_to_run_is_replaced() -> None:
    """Ids, sessions, dates, users, ports, UUIDs and addresses get names of their own."""
    first = sent("client", "connect_request")
    reply = sent("kernel", "connect_reply", first)
    reply.message["content"] = {
        "shell_port": 43211,
        "iopub_port": 43212,
        "control_port": 43211,
        "comm_id": "0123456789abcdef0123456789abcdef",
        "text": "<object at 0x7f3a37208050>",
        "parent": first.message["header"]["msg_id"],
    }
    shown = record.normalise([first, reply])
    assert shown[1].content == {
        "shell_port": 50001,
        "iopub_port": 50002,
        "control_port": 50001,
        "comm_id": "id-1",
        "text": "<object at 0x7f0000000000>",
        "parent": "msg-1",
    }
    header = shown[1].message["header"]
    assert (header["msg_id"], header["session"]) == ("msg-2", "session-2")
    assert header["date"] == record.DATE
    assert header["username"] == "reader"


# --- diagrams ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def diagram() -> ET.Element:
    """Return the diagram of two clients and one kernel, as XML."""
    recording = runners.record('client.execute("1 < 2")\nclient2.execute("2")', "machine", "page")
    lanes = ["client", "kernel", "client2"]
    return ET.fromstring(sequence.draw(recording, lanes, "Two & more", "e"))


def find(diagram: ET.Element, tag: str) -> list[ET.Element]:
    """Return all elements of one kind."""
    return diagram.findall(f".//{{http://www.w3.org/2000/svg}}{tag}")


def test_each_message_is_a_link_to_its_json(diagram: ET.Element) -> None:
    """The arrows are links, numbered in the order of sending."""
    links = [link.get("href") for link in find(diagram, "a")]
    assert links == [f"#e-{number}" for number in range(1, 13)]


def test_a_diagram_says_in_words_what_it_shows(diagram: ET.Element) -> None:
    """Title and description name the SVG, and the description lists every message."""
    named_by = str(diagram.get("aria-labelledby")).split()
    title, desc = (next(e for e in diagram.iter() if e.get("id") == name) for name in named_by)
    assert title.text == "Two & more"
    assert "1. client to kernel on shell: execute_request, 1 < 2. 2. kernel to client" in str(
        desc.text
    )
    assert diagram.get("role") == "group"


def test_a_bar_lasts_from_busy_to_idle(diagram: ET.Element) -> None:
    """Each request has one bar on the kernel's lane, and they do not overlap."""
    bars = [rect for rect in find(diagram, "rect") if rect.get("class") == "busy"]
    spans = [(int(b.get("y", 0)), int(b.get("y", 0)) + int(b.get("height", 0))) for b in bars]
    assert len(spans) == 2
    assert spans[0][0] < spans[0][1] < spans[1][0] < spans[1][1]


def test_a_second_arrow_of_a_broadcast_is_not_read_twice(diagram: ET.Element) -> None:
    """A screen reader hears the label of a broadcast once, however many arrows it has."""
    broadcast = find(diagram, "a")[1]
    labels = [text for text in find(broadcast, "text") if text.get("class") == "type"]
    assert [label.get("aria-hidden") for label in labels] == [None, "true"]


def test_labels_stay_short() -> None:
    """A long text is cut, so that it does not run over the lanes."""
    assert sequence.shorten("x" * 100) == "x" * 27 + "…"


# --- figures and inventories -------------------------------------------------------------------


def test_an_inlined_figure_takes_its_colours_from_the_page() -> None:
    """The style that a figure carries for use alone is left out; its other style stays."""
    svg = (
        '<?xml version="1.0"?>\n<svg class="fig"><title>T</title>'
        '<style data-standalone="">svg.fig { --fig-ink: #000 }</style><style>.ink {}</style></svg>'
    )
    assert figures.inline(svg) == '<svg class="fig"><title>T</title><style>.ink {}</style></svg>'


def test_a_figure_needs_a_title() -> None:
    """A drawing that says nothing to those who cannot see it is refused."""
    with pytest.raises(ValueError, match="<title>"):
        figures.inline('<svg class="fig"></svg>')


@pytest.mark.parametrize("project", inventories.BASES)
def test_inventories_hold_names_that_sphinx_can_read(project: str, tmp_path: Path) -> None:
    """Each list becomes an inventory with all its names, none of them twice."""
    from sphinx.util.inventory import InventoryFile

    names = inventories.read_names(ROOT / "docs" / "inventories" / f"{project}.txt")
    target = tmp_path / "objects.inv"
    inventories.write_inventory(ROOT / "docs" / "inventories" / f"{project}.txt", target)
    loaded = InventoryFile.loads(target.read_bytes(), uri="https://example.org").data
    assert sum(map(len, loaded.values())) == len(names) == len({row[:2] for row in names})


def test_a_bad_line_of_an_inventory_is_named(tmp_path: Path) -> None:
    """The error says which file and line is wrong, and what was expected."""
    source = tmp_path / "zmq.txt"
    source.write_text("# names\nzmq.Socket api/zmq.html\n", "utf-8")
    with pytest.raises(ValueError, match=r"zmq\.txt, line 2: expected 'name domain:role uri"):
        inventories.read_names(source)


# --- whole builds ------------------------------------------------------------------------------


def build(
    pages: dict[str, str], folder: Path, *options: str, builder: str = "html"
) -> tuple[int, str]:
    """Build pages with the site's configuration; return the exit status and what was said."""
    source = folder / "pages"
    for name, text in pages.items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-n", "-c", str(ROOT)]
    command += [*options, "-b", builder, "-d", str(folder / "doctrees"), str(source)]
    done = subprocess.run(
        [*command, str(folder / builder)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "ignore::DeprecationWarning", "NO_COLOR": "1"},
    )
    return done.returncode, re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)


NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# A title"},
        {
            "cell_type": "code",
            "execution_count": None,
            "id": "b",
            "metadata": {},
            "outputs": [],
            "source": "print('printed')\nobject()",
        },
    ],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}
GOOD = {
    "index.md": """# Start

```{toctree}
:caption: Further
more
```

```pycon
>>> 6 * 7
42
```

See {msg}`execute_request` on {channel}`shell`.

```{message} execute_request
Runs code.
```

```{channel} shell
Requests.
```
""",
    "more.md": """# More

```{exchange} A line
:expect: execute_request status execute_input execute_result execute_reply status

client.execute("6 * 7")
```

```{exchange} A process
:runner: zmq

client.request("kernel_info_request")
```

```{figs} frontend_kernel
Five sockets.
```

(table-of-names)=

| name | value |
| ---- | ----- |
| a    | 1     |

The [table](#table-of-names).

```{notebook} first.ipynb
Run while building.
```
""",
    "first.ipynb": json.dumps(NOTEBOOK),
}


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder, except those that only Sphinx reads."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the good pages once."""
    folder = tmp_path_factory.mktemp("site")
    status, said = build(GOOD, folder)
    assert (status, said.strip()) == (0, "")
    return folder


def test_two_clean_builds_are_equal(site: Path, tmp_path: Path) -> None:
    """Every byte of the site is the same again, also when pages are read by two processes."""
    status, said = build(GOOD, tmp_path, "-j", "2")
    assert (status, said.strip()) == (0, "")
    first, second = contents(site / "html"), contents(tmp_path / "html")
    assert [name for name in {*first, *second} if first.get(name) != second.get(name)] == []


def test_messages_are_folded_and_linked(site: Path) -> None:
    """The id that an arrow links to is inside `details`, so that a browser opens it."""
    page = (site / "html" / "more.html").read_text("utf-8")
    folded = re.findall(r"<details.*?</details>", page, re.DOTALL)
    assert len(folded) == 6 + 4
    assert 'href="#exchange-a-line-1"' in page
    assert 'id="exchange-a-line-1"' in folded[0]
    assert 'href="index.html#message-execute_request"' in folded[0]


def test_captions_of_contents_are_headings_with_a_level(site: Path) -> None:
    """A screen reader needs the level of each heading, in the side bar and on the page."""
    page = (site / "html" / "index.html").read_text("utf-8")
    captions = re.findall(r'<p class="caption"[^>]*>', page)
    assert captions == ['<p class="caption" role="heading" aria-level="2">'] * 2


def test_an_executed_notebook_is_shown_and_offered(site: Path) -> None:
    """The export is on the page without a heading of its own; the file has the outputs."""
    page = (site / "html" / "more.html").read_text("utf-8")
    assert '<p class="heading level-1">A title</p>' in page
    assert "<pre>printed" in page
    assert 'href="_downloads/first.ipynb"' in page
    cell = json.loads((site / "html" / "_downloads" / "first.ipynb").read_text("utf-8"))["cells"][1]
    assert cell["execution_count"] == 1
    assert [output["output_type"] for output in cell["outputs"]] == ["stream", "execute_result"]


@pytest.mark.parametrize("builder", ["text", "latex", "man", "doctest"])
def test_other_builders_take_the_same_pages(site: Path, builder: str) -> None:
    """The directives have something to say in every format, and doctest runs the examples."""
    status, said = build(GOOD, site, builder=builder)
    assert (status, said.strip()) == (0, "")


def test_what_is_wrong_on_a_page_fails_the_build_and_is_named(tmp_path: Path) -> None:
    """Each mistake is one error with its page: nothing wrong is shown, nothing untested passes."""
    bad_cell = json.loads(json.dumps(NOTEBOOK))
    bad_cell["cells"][1]["source"] = "1 / 0"
    pages = {
        "index.md": "# Bad\n\n```{toctree}\na\nb\nc\nd\ne\nf\ng\n```\n",
        "a.md": "# A\n\n```python\n>>> 6 * 7\n```\n",
        "b.md": "# B\n\n{msg}`no_such_request`\n",
        "c.md": "# C\n\n```{exchange} Wrong\n:expect: execute_request\n\n"
        "client.execute('1')\n```\n",
        "d.md": "# D\n\n```{exchange} Broken\nclient.execute('1')\nclient.no_such_method()\n```\n",
        "e.md": "# E\n\n```{notebook} bad.ipynb\n```\n",
        "f.md": "# F\n\n```{exchange} Twice\nclient.execute('1')\n```\n"
        "\n```{exchange} Twice\nclient.execute('1')\n```\n",
        "g.md": "# G\n\n```{figs} no_such_figure\n```\n",
        "bad.ipynb": json.dumps(bad_cell),
    }
    status, said = build(pages, tmp_path)
    assert status == 1
    expected = {
        "a.md:3": "an example with '>>>' that nothing runs: expected a pycon fence, got python",
        "b.md:3": "no_such_request",
        "c.md:3": "exchange 'Wrong': expected execute_request, got execute_request status",
        "d.md:3": "'MachineClient' object has no attribute 'no_such_method' (line 5)",
        "e.md:3": "notebook bad.ipynb: CellExecutionError",
        "f.md:7": "exchange 'Twice': expected a title of its own on this page",
        "g.md:3": "figs/no_such_figure.svg",
    }
    for place, message in expected.items():
        assert any(place in line and message in line for line in said.splitlines()), (place, said)


@pytest.mark.parametrize("options", [(), ("-j", "2")], ids=["one by one", "two at once"])
def test_a_failing_example_fails_the_doctest_builder(
    options: tuple[str, ...], tmp_path: Path
) -> None:
    """A pycon fence is run, and a wrong result is an error, however many pages run at once."""
    fence = "\n\n```pycon\n>>> 6 * 7\n{}\n```\n"
    pages = {
        "index.md": "# A\n\n```{toctree}\nb\nc\n```" + fence.format(42),
        "b.md": "# B" + fence.format(43),
        "c.md": "# C" + fence.format(42),
    }
    status, said = build(pages, tmp_path, *options, builder="doctest")
    assert status == 1
    assert "Expected:\n    43\nGot:\n    42" in said
    summary = (tmp_path / "doctest" / "output.txt").read_text("utf-8")
    assert re.search(r" 3 tests\s+1 failure in tests", summary)
    assert summary.count("Results of doctest builder run") == 1


# --- the link checker --------------------------------------------------------------------------


def check_links(folder: Path, **env: str) -> tuple[int, str]:
    """Run the checker as `nox -s docs` does."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "check_links.py"), str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **env},
    )
    return done.returncode, done.stdout + done.stderr


def test_the_links_of_a_built_site_lead_somewhere(site: Path) -> None:
    """The checker finds nothing to complain about in pages that Sphinx wrote."""
    assert check_links(site / "html") == (0, "")


def test_each_broken_link_is_one_line(tmp_path: Path) -> None:
    """Missing files, missing fragments, double ids and escapes from the site are named."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.html").write_text(
        '<p id="here"></p><a href="../../a.html"></a>', "utf-8"
    )
    (tmp_path / "a.html").write_text(
        '<p id="x"></p><p id="x"></p>\n'
        '<a href="sub/b.html#here"></a><a href="#x"></a><a href="https://example.org/none"></a>\n'
        '<a href="sub/b.html#gone"></a>\n'
        '<img src="none.png" alt="">\n',
        "utf-8",
    )
    status, said = check_links(tmp_path)
    assert status == 1
    assert said.splitlines() == [
        "a.html:1: id 'x' is used twice",
        "a.html:3: sub/b.html#gone: no element has the id 'gone'",
        "a.html:4: none.png: no such file",
        "sub/b.html:1: ../../a.html: no such file",
    ]


def test_absolute_links_begin_where_the_site_will_be(tmp_path: Path) -> None:
    """The page for missing pages links from the site's root, which DOCS_BASEURL tells."""
    (tmp_path / "404.html").write_text('<a href="/docs/404.html"></a>', "utf-8")
    assert check_links(tmp_path, DOCS_BASEURL="https://example.org/docs/") == (0, "")
    assert check_links(tmp_path, DOCS_BASEURL="")[0] == 1


def test_a_folder_without_pages_is_not_a_success(tmp_path: Path) -> None:
    """A wrong path cannot pass as a site without broken links."""
    status, said = check_links(tmp_path)
    assert status == 2
    assert "expected a folder with HTML pages, found none" in said
