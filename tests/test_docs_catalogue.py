"""What the site writes from the catalogue: the template of a message, tables, schemas, commands."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from docutils import nodes
from sphinx import addnodes

from refimpl.messages import FILES, MESSAGES
from refimpl.messages.differences import ADDED, CHANGED, DEPRECATED, Change
from refimpl.messages.model import (
    BOOLEAN,
    CLUSTER,
    INTEGER,
    NULL,
    STRING,
    Field,
    ListOf,
    MapOf,
    OneOf,
    Readings,
    Struct,
    Type,
    field,
    structs,
)

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs"))

from _ext import catalogue, tables  # noqa: E402

LINK = Struct("HelpLink", "A link.", (field("url", STRING, "Where."),))
PAGES = sorted((ROOT / "docs").glob("*.md"))


def cells(node: nodes.Element) -> list[list[str]]:
    """Return the text of a table's body, row by row."""
    return [
        [" ".join(entry.astext().split()) for entry in row.findall(nodes.entry)]
        for body in node.findall(nodes.tbody)
        for row in body.findall(nodes.row)
    ]


# --- texts -------------------------------------------------------------------------------------


def test_code_in_a_text_is_a_literal_and_a_message_is_a_link() -> None:
    """Backquotes make code; the name of a message links to it, a field's name does not."""
    found = tables.rich("Send `execute_reply` with `status`: see R-REQ-3.")
    kinds = [
        (node.get("reftype", node.tagname), node.astext())
        for node in found
        if not isinstance(node, nodes.Text)
    ]
    assert kinds == [("msg", "execute_reply"), ("literal", "status"), ("rule", "R-REQ-3")]
    assert (
        "".join(node.astext() for node in found) == "Send execute_reply with status: see R-REQ-3."
    )


def test_an_address_in_a_text_is_a_link() -> None:
    """The full stop after an address does not belong to it."""
    (link,) = (node for node in tables.rich("See https://example.org/a.html#b.") if node.children)
    assert link["refuri"] == "https://example.org/a.html#b"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("run code", "Run code."),
        ("Run code.", "Run code."),
        ("`code` runs", "`code` runs."),
        ("text, image, …", "Text, image, …"),
    ],
)
def test_texts_become_sentences(text: str, expected: str) -> None:
    """A purpose begins with a capital letter and ends with one full stop, or with three dots."""
    assert tables.sentence(text) == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "required"),
        ({"optional": True}, "optional"),
        ({"default": False}, "default `false`"),
        ({"default": None}, "default `null`"),
        ({"may_lack": True}, "required, not always sent"),
        ({"when": {"status": "ok"}}, 'required if `status` is `"ok"`'),
        ({"may_lack": True, "when": {"a": 1}}, "required if `a` is `1`, not always sent"),
        ({"optional": True, "when": {"success": False}}, "optional if `success` is `false`"),
        ({"when": {"a": (1, 2), "b": 3}}, "required if `a` is `1` or `2` and `b` is `3`"),
    ],
)
def test_a_table_says_whether_a_field_has_to_be_there(
    options: dict[str, object], expected: str
) -> None:
    """Required, optional, a default, a condition: each is said in words."""
    assert tables.presence(field("name", STRING, "", **options)) == expected


# --- tables ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "text", "links"),
    [
        (STRING | NULL, "string or null", []),
        (OneOf("busy", "idle"), '"busy" or "idle"', []),
        (ListOf(LINK) | NULL, "array of HelpLink or null", ["x-HelpLink"]),
        (MapOf(LINK, "engine id"), "object of engine id to HelpLink", ["x-HelpLink"]),
    ],
)
def test_a_type_reads_as_in_the_catalogue_and_links_to_its_objects(
    kind: Type, text: str, links: list[str]
) -> None:
    """The words are those of the type; the name of an object leads to its table."""
    paragraph = nodes.paragraph("", "", *tables.type_nodes(kind, "x"))
    assert paragraph.astext() == text == str(kind)
    assert [link["refid"] for link in paragraph.findall(nodes.reference)] == links


def test_a_row_tells_all_that_the_catalogue_knows_of_a_field() -> None:
    """Name, age, type, presence, meaning, rule and what deployed programs send are in the row."""
    told = field(
        *("count", INTEGER, "the number"),
        since="5.1",
        deprecated="5.5",
        may_lack=True,
        rule="R-EXEC-3",
        accepts=INTEGER | NULL,
    )
    assert cells(tables.field_table([told], None, "x")) == [
        [
            "count since 5.1 deprecated since 5.5",
            "integer; required, not always sent",
            "The number. See R-EXEC-3. Expect integer or null from deployed programs.",
        ]
    ]


def test_fields_that_are_told_elsewhere_share_a_row() -> None:
    """What every reply has is explained once; each reply names the fields and links there."""
    own = field("found", BOOLEAN, "Whether there is something.")
    (shown,) = tables.object_tables(Struct("R", "", (*LINK.fields, own)), "x", told=LINK)
    assert [row[0] for row in cells(shown)] == ["url", "found"]
    (link,) = shown.findall(addnodes.pending_xref)
    assert (link["reftarget"], link.astext()) == ("every-helplink", "as in every reply")


def test_an_object_inside_gets_a_table_of_its_own() -> None:
    """The outer table comes first; the inner one is where the type links to."""
    kind = Struct("Reply", "A reply.", (field("links", ListOf(LINK), "Links."),))
    outer, title, inner = tables.object_tables(kind, "x")
    assert [row[0] for row in cells(outer)] == ["links"]
    assert (title.astext(), title["ids"]) == ("HelpLink: A link.", ["x-HelpLink"])
    assert [row[0] for row in cells(inner)] == ["url"]


@pytest.mark.parametrize(("rest", "rows"), [(None, 0), (STRING, 1), (OneOf(), 0)])
def test_fields_that_nobody_knows_beforehand_have_a_row(rest: Type | None, rows: int) -> None:
    """Other fields are mentioned where they are allowed, and nothing is said where they are not."""
    found = tables.object_tables(Struct("Map", "", (), rest), "x")
    assert sum(len(cells(node)) for node in found) == rows


def test_fields_that_are_read_alike_share_a_row() -> None:
    """The same three readings are not told again for the next field."""
    readings = Readings("It says.", "They do.", "They rely.")
    alike = [field(name, STRING, "", readings=readings) for name in ("ename", "evalue")]
    (box,) = tables.folded_readings(alike)
    assert cells(box) == [["ename, evalue", "It says.", "They do.", "They rely."]]
    assert box[0].astext() == "Three readings of ename and evalue"


def test_the_fields_of_inner_objects_are_found() -> None:
    """Readings deep inside an object are listed with the path to them."""
    kind: Field = field("links", ListOf(LINK), "")
    assert [path for path, _ in tables.all_fields([kind])] == ["links", "links.url"]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([(ADDED, "status", ""), (ADDED, "stream", "")], ["`status` and `stream` are new."]),
        ([(DEPRECATED, "status", "content.a")], ["`status`: `a` is deprecated."]),
        (
            [(ADDED, "status", "content.a"), (ADDED, "status", "metadata.b")],
            ["`status`: `a` and `metadata.b` are new."],
        ),
        ([(CHANGED, "status", ""), (CHANGED, "stream", "")], ["`status` and `stream`: A text."]),
        ([(CHANGED, "status", "content.a")], ["`status`: `a`: A text."]),
    ],
)
def test_changes_that_are_alike_are_told_once(
    found: list[tuple[str, str, str]], expected: list[str]
) -> None:
    """A version's list is short enough to be read, and nothing is left out of it."""
    assert catalogue.grouped(Change("5.1", *each, "a text") for each in found) == expected


# --- the catalogue and the pages ---------------------------------------------------------------


def defined(directive: str) -> list[str]:
    """List what the pages are about, with a directive."""
    pattern = re.compile(rf"^:*`*\{{{directive}\}} (\S+)$", re.MULTILINE)
    return [name for page in PAGES for name in pattern.findall(page.read_text("utf-8"))]


@pytest.mark.parametrize(("directive", "known"), [("message", MESSAGES), ("file", FILES)])
def test_every_entry_of_the_catalogue_is_on_one_page(
    directive: str, known: dict[str, object]
) -> None:
    """No message type and no file is left out, invented, or explained twice."""
    assert sorted(defined(directive)) == sorted(known)


def test_excuses_are_needed() -> None:
    """What is excused from being recorded was not recorded, and exists."""
    assert set(catalogue.NOT_RECORDED).isdisjoint(catalogue.recorded())
    assert {*catalogue.NOT_RECORDED, *catalogue.NOT_LIVE} <= set(MESSAGES)


@pytest.mark.parametrize("key", [key for key, kind in MESSAGES.items() if kind.protocol == CLUSTER])
def test_recorded_messages_come_from_whom_the_catalogue_says(key: str) -> None:
    """A page shows a message of the right type, on a channel where it belongs."""
    if key in catalogue.NOT_RECORDED:
        return
    sent = catalogue.recorded()[key]
    assert sent.msg_type == MESSAGES[key].name
    assert sent.sender == MESSAGES[key].sender.split(" or ")[0]
    assert sent.channel in MESSAGES[key].channels


# --- whole builds ------------------------------------------------------------------------------

GOOD = {
    "index.md": """# Start

```{toctree}
:caption: Further
more
```

```{channel} shell
Requests.
```

::::{message} execute_request
:code: refimpl/kernel.py Kernel.execute_request, see elsewhere Kernel.handle

The body.

```{exchange} A line
client.execute("6 * 7")
```
::::

::::{message} execute_reply
::::

::::{message} registration_request
::::

(elsewhere)=
## Elsewhere

{msg}`hub.shutdown_request` and {file-type}`connection-file`.
""",
    "more.md": """# More

```{exchange} Another line
client.execute("1 / 0")
```

::::{message} hub.shutdown_request
::::

::::{message} error
::::

::::{file} connection-file
::::

```{fields} Header
```

```{rows} cluster QUERY_OPERATORS
A | B | C | D | E | F
```

```{debug-commands}
```

```{versions}
:5.0: A remark.
```

```{schemas}
```

```{terminal}
:lines: 1

python -m refimpl protocol show execute_request
```

```{terminal}
:status: 1

echo '{"shell_port": "5555"}' | python -m refimpl protocol validate --kind connection-file -
```
""",
}


def build(pages: dict[str, str], folder: Path, builder: str = "html") -> tuple[int, str]:
    """Build pages with the site's configuration; return the exit status and what was said."""
    source = folder / "pages"
    source.mkdir(exist_ok=True)
    for name, text in pages.items():
        (source / name).write_text(text, "utf-8")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-n", "-c", str(ROOT)]
    command += ["-b", builder, "-d", str(folder / "doctrees"), str(source), str(folder / builder)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "ignore::DeprecationWarning", "NO_COLOR": "1"},
    )
    return done.returncode, re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the good pages once."""
    folder = tmp_path_factory.mktemp("site")
    status, said = build(GOOD, folder)
    assert (status, said.strip()) == (0, "")
    return folder


def section(site: Path, page: str, target: str) -> str:
    """Return the HTML of one message or file, up to the next one."""
    text = (site / "html" / page).read_text("utf-8")
    start = text.index(f'id="{target}"')
    end = re.search(r'<dl class="std (?:message|file)"|</section>', text[start:])
    assert end is not None
    return text[start : start + end.start()]


def words(markup: str) -> str:
    """Return the text of a piece of HTML."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", markup)).split())


def test_the_template_has_its_parts_in_order(site: Path) -> None:
    """Purpose, way, fields, body, code, troubles, readings, footer: always the same order."""
    text = words(section(site, "index.html", "message-execute_request"))
    kind = MESSAGES["execute_request"]
    parts = [
        tables.sentence(kind.purpose),
        "client → kernel on shell · answered by execute_reply",
        "user_expressions",
        "Its metadata:",
        "The body.",
        "A line",
        "The code: kernel.Kernel.execute_request",
        "The code: Kernel.handle.",
        "What goes wrong",
        "Three readings of",
        "Seen live: A line",
        "JSON Schema: send, accept",
        "Source: specification, execute",
    ]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_every_field_of_a_message_is_in_its_section(site: Path) -> None:
    """No field is lost on the way from the catalogue to the page, however deep it is."""
    for key, page in (("execute_request", "index.html"), ("execute_reply", "index.html")):
        kind = MESSAGES[key]
        inner = {field.name for struct in structs(kind.content()) for field in struct.fields}
        found = set(
            re.findall(r'<span class="pre">([^<]+)</span>', section(site, page, f"message-{key}"))
        )
        assert {*inner, *(field.name for field in kind.metadata)} <= found


def test_the_code_is_included_and_folded(site: Path) -> None:
    """The reader opens the handler without leaving the section."""
    text = section(site, "index.html", "message-execute_request")
    (code,) = re.findall(r'<details class="fold".*?</details>', text, re.DOTALL)[:1]
    assert "async def execute_request(" in words(code)


def test_links_to_exchanges_open_the_very_message(site: Path) -> None:
    """A link leads to the message inside the exchange; those of this page come first."""
    own = section(site, "index.html", "message-execute_request")
    assert 'href="#exchange-a-line-1"' in own
    assert "more.html#" not in own
    other = section(site, "more.html", "message-error")
    assert re.search(r'href="#exchange-another-line-\d+"', other)


def test_a_cluster_message_is_shown_as_it_was_recorded(site: Path) -> None:
    """The folded JSON is a real message of that type."""
    text = section(site, "index.html", "message-registration_request")
    (block,) = re.findall(r'<div class="highlight-text.*?<pre>(.*?)</pre>', text, re.DOTALL)
    message = json.loads(html.unescape(re.sub(r"<[^>]*>", "", block)))
    assert message["header"]["msg_type"] == "registration_request"
    assert "uuid" in message["content"]


def test_messages_are_listed_in_the_contents_of_a_page(site: Path) -> None:
    """The contents beside the page have an entry for each message."""
    text = (site / "html" / "index.html").read_text("utf-8")
    contents = text[text.index('class="toc-tree"') :]
    for key in ("execute_request", "execute_reply", "registration_request"):
        assert f'href="#message-{key}"' in contents


def test_other_projects_can_link_to_messages_channels_and_files(site: Path) -> None:
    """The inventory of the site has them, those with a dot in their key too."""
    from sphinx.util.inventory import InventoryFile

    inventory = InventoryFile.loads((site / "html" / "objects.inv").read_bytes(), uri="").data
    assert {"execute_request", "hub.shutdown_request"} <= set(inventory["std:message"])
    assert "shell" in inventory["std:channel"]
    assert "connection-file" in inventory["std:file"]


def test_schemas_are_part_of_the_site(site: Path) -> None:
    """Every file of the package's schemas is at its address."""
    source = ROOT / "refimpl" / "schemas"
    files = [path for path in source.rglob("*") if path.is_file()]
    assert files
    for path in files:
        copy = site / "html" / "schemas" / path.relative_to(source)
        assert copy.read_bytes() == path.read_bytes()


def test_a_command_is_shown_with_what_it_prints(site: Path) -> None:
    """The output is real, cut where it was asked for, and input can be given."""
    text = words((site / "html" / "more.html").read_text("utf-8"))
    assert "$ python -m refimpl protocol show execute_request execute_request …" in text
    assert 'shell_port: expected integer from 0 to 65535, got string "5555"' in text


@pytest.mark.parametrize("builder", ["text", "latex", "man"])
def test_other_builders_take_the_same_pages(site: Path, builder: str) -> None:
    """The templates have something to say in every format."""
    status, said = build(GOOD, site, builder)
    assert (status, said.strip()) == (0, "")


def test_what_is_wrong_on_a_page_fails_the_build_and_is_named(tmp_path: Path) -> None:
    """An unknown name, a vanished function, a failing command: each is one error with its page."""
    bodies = {
        "a": ("```{message} dance_request\n```", "expected a key of the catalogue"),
        "b": ("```{file} diary\n```", "file: expected one of connection-file"),
        "c": ("```{fields} Nobody\n```", "fields: expected one of"),
        "d": ("```{rows} cluster NOTHING\nA\n```", "NOTHING"),
        "e": ("```{rows} cluster QUERY_OPERATORS\nA | B\n```", "expected 6 columns, got 2"),
        "f": ("```{versions}\n:4.0: Old.\n```", "versions: expected 5.0, 5.1"),
        "g": (
            "```{message} status\n:code: refimpl/kernel.py Kernel.no_such_method\n```",
            "no_such_method",
        ),
        "h": ("```{terminal}\nrm -r /\n```", "expected python -m refimpl ..."),
        "i": (
            "```{terminal}\npython -m refimpl protocol show dance_request\n```",
            "expected exit status 0, got",
        ),
        "j": ("{msg}`dance_request`", "dance_request"),
    }
    pages = {f"{name}.md": f"# Page\n\n{body}\n" for name, (body, _) in bodies.items()}
    pages["index.md"] = "# Bad\n\n```{toctree}\n" + "\n".join(bodies) + "\n```\n"
    status, said = build(pages, tmp_path)
    assert status == 1
    for name, (_, message) in bodies.items():
        assert any(f"{name}.md" in line and message in line for line in said.splitlines()), (
            name,
            said,
        )


def test_a_boolean_field_reads_as_json() -> None:
    """Types and defaults are named as in JSON, not as in Python."""
    silent = field("silent", BOOLEAN, "Quietly.", default=True)
    assert cells(tables.field_table([silent], None, "x"))[0][1] == "boolean; default true"
