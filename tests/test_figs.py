"""The figures are what their code draws, and can be read by everyone."""

import re
import xml.etree.ElementTree as ET
from itertools import combinations
from math import inf
from typing import NamedTuple

import pytest

from figs import FOLDER, NAMES, draw_figure
from figs.__main__ import main
from figs.draw import DASHES, PALETTE, RULES, TYPES, Figure, Rect, family, text_width
from figs.frontend_kernel import EXAMPLES
from refimpl.wire import CHANNELS

SVG = "{http://www.w3.org/2000/svg}"
#: Which colour of the palette fills what, by class; a plate has the colour of its family.
FILLS = {
    "ground": "paper",
    "band": "band",
    "box": "paper",
    "yours": "paper",
    "hub": "hub",
    "busy": "busy",
}


class Text(NamedTuple):
    """A line of text as drawn: the area it may take, and how it looks."""

    words: str
    area: Rect
    kind: str
    tone: str
    family: str
    order: int


class Shape(NamedTuple):
    """A filled area that text may lie on."""

    area: Rect
    look: str
    family: str
    order: int


def tree(name: str) -> ET.Element:
    """Read the file of a figure; a file that is not well-formed fails here."""
    return ET.fromstring((FOLDER / f"{name}.svg").read_bytes())


def number(element: ET.Element, key: str) -> float:
    """Return an attribute as a number."""
    return float(element.get(key, "0"))


def texts(root: ET.Element) -> list[Text]:
    """Return the texts of a figure."""
    found = []
    for order, element in enumerate(root):
        if element.tag != f"{SVG}text":
            continue
        words = element.text or ""
        kind, tone = element.get("class", "").split()
        width, size = text_width(words, kind), TYPES[kind].size
        x = (
            number(element, "x")
            - {"start": 0, "middle": 0.5}[element.get("text-anchor", "")] * width
        )
        area = Rect(x, number(element, "y") - 0.8 * size, width, size)
        found.append(Text(words, area, kind, tone, element.get("data-f", ""), order))
    return found


def points(element: ET.Element) -> list[tuple[float, float]]:
    """Return the coordinates of a polygon or of a line."""
    numbers = re.findall(r"-?[\d.]+(?:e-?\d+)?", element.get("points") or element.get("d", ""))
    values = [float(number) for number in numbers]
    return list(zip(values[::2], values[1::2], strict=True))


def around(corners: list[tuple[float, float]]) -> Rect:
    """Return the smallest rectangle that contains all corners."""
    xs, ys = zip(*corners, strict=True)
    return Rect(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))


def shapes(root: ET.Element) -> list[Shape]:
    """Return the filled areas of a figure."""
    found = []
    for order, element in enumerate(root):
        look = element.get("class", "")
        if element.tag == f"{SVG}rect":
            area = Rect(*(number(element, key) for key in ("x", "y", "width", "height")))
        elif element.tag == f"{SVG}polygon" and look != "tip":
            area = around(points(element))
        else:
            continue
        found.append(Shape(area, look, element.get("data-f", ""), order))
    return found


def overlap(a: Rect, b: Rect) -> bool:
    """Whether two rectangles have an area in common."""
    return a.x < b.right and b.x < a.right and a.y < b.bottom and b.y < a.bottom


def inside(a: Rect, b: Rect, margin: float = 0) -> bool:
    """Whether a lies in b, at least `margin` from its left and right edges."""
    return (
        b.x + margin <= a.x and a.right <= b.right - margin and b.y <= a.y and a.bottom <= b.bottom
    )


def shape_below(text: Text, among: list[Shape]) -> Shape:
    """Return the shape on which a text is written: the last one drawn before it, at its middle."""
    middle = Rect(text.area.cx, text.area.cy, 0, 0)
    before = [shape for shape in among if shape.order < text.order]
    return [shape for shape in before if inside(middle, shape.area)][-1]


def luminance(colour: str) -> float:
    """Return the relative luminance of #rrggbb, as WCAG 2.2 defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21, as WCAG 2.2 defines it."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


each_figure = pytest.mark.parametrize("name", NAMES)


@each_figure
def test_file_is_what_the_code_draws(name):
    """The SVG file is, byte for byte, what its generator draws, each time."""
    drawn = draw_figure(name).svg()
    assert (FOLDER / f"{name}.svg").read_bytes() == drawn.encode()
    assert draw_figure(name).svg() == drawn


def test_every_file_has_a_generator():
    """There is no SVG file that nothing draws."""
    assert {path.stem for path in FOLDER.glob("*.svg")} == set(NAMES)


def test_check_names_what_differs(tmp_path, capsys):
    """The check names files that are absent or changed, and passes once they are written."""
    assert main(["--check"], tmp_path) == 1
    assert "nbconvert.svg" in capsys.readouterr().err
    assert main([], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0
    (tmp_path / "many_frontends.svg").write_text("<svg/>", "utf-8")
    assert main(["--check"], tmp_path) == 1
    message = capsys.readouterr().err
    assert "many_frontends.svg" in message
    assert "nbconvert.svg" not in message


@each_figure
def test_is_an_image_with_words(name):
    """A figure is one image for assistive technology, with a title and a description."""
    root = tree(name)
    assert root.get("class") == "fig"
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == f"{name}-title {name}-desc"
    title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert title.text
    assert title.get("id") == f"{name}-title"
    assert desc is not None
    assert len(desc.text or "") > 100
    assert desc.get("id") == f"{name}-desc"
    assert not list(root.iter(f"{SVG}a"))


def test_ids_are_unique_on_a_page_with_all_figures():
    """Ids begin with the figure's name and no two figures share one."""
    ids = [(name, e.get("id", "")) for name in NAMES for e in tree(name).iter() if e.get("id")]
    assert all(id_.startswith(f"{name}-") for name, id_ in ids)
    assert len({id_ for _, id_ in ids}) == len(ids)


@each_figure
def test_is_as_wide_as_a_page(name):
    """A figure fills a page of 720 pixels, where its smallest text is at least 12 pixels high."""
    root = tree(name)
    assert root.get("viewBox") == f"0 0 720 {root.get('height')}"
    assert min(TYPES[text.kind].size for text in texts(root)) >= 12


@each_figure
def test_text_fits(name):
    """Every text stays inside the shape it lies on, and inside the figure, in any usual font."""
    root = tree(name)
    areas = shapes(root)
    for text in texts(root):
        below = shape_below(text, areas)
        assert inside(text.area, below.area, margin=4), (text.words, below.look)


@each_figure
def test_nothing_lies_on_text(name):
    """No two texts overlap, and no line, arrowhead or other shape touches a text."""
    root = tree(name)
    written, areas = texts(root), shapes(root)
    lines = [e for e in root.iter() if e.get("class") in ("wire", "tip")]
    marks = [around(points(e)) for e in lines]
    for one, other in combinations(written, 2):
        assert not overlap(one.area, other.area), (one.words, other.words)
    for text in written:
        for mark in marks:
            assert not overlap(text.area, mark), text.words
        for shape in areas:
            if shape.order > shape_below(text, areas).order:
                assert not overlap(text.area, shape.area), (text.words, shape.look)


@each_figure
@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_text_has_contrast(name, mode):
    """Every text has a contrast of at least 4.5 to 1 against what it lies on."""
    root = tree(name)
    areas = shapes(root)
    for text in texts(root):
        below = shape_below(text, areas)
        ground = PALETTE[below.family if below.look == "plate" else FILLS[below.look]][mode]
        colour = PALETTE[text.family if text.tone == "hue" else text.tone][mode]
        assert contrast(colour, ground) >= 4.5, (text.words, below.look)


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_every_family_has_contrast_anywhere(mode):
    """The colour of each family, ink and soft can be read on paper, band and hub."""
    for colour in [*DASHES, "ink", "soft"]:
        for ground in ("paper", "band", "hub"):
            assert contrast(PALETTE[colour][mode], PALETTE[ground][mode]) >= 4.5, (colour, ground)


def test_contrast_is_measured_right():
    """Black on white has the greatest contrast that there is, 21 to 1."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@each_figure
def test_arrows_touch_what_they_join(name):
    """The tip of every arrow lies on the edge of a shape."""
    root = tree(name)
    areas = [shape.area for shape in shapes(root)[1:]]
    for element in root.iter(f"{SVG}polygon"):
        if element.get("class") != "tip":
            continue
        x, y = points(element)[0]
        distance = inf
        for area in areas:
            if area.y <= y <= area.bottom:
                distance = min(distance, abs(x - area.x), abs(x - area.right))
            if area.x <= x <= area.right:
                distance = min(distance, abs(y - area.y), abs(y - area.bottom))
        assert distance < 0.01, (x, y)


def test_colours_come_from_variables_alone():
    """The rules that a page takes over name no colour, and reach nothing outside a figure."""
    for rule in RULES:
        selectors, declarations = rule.split("{")
        assert all(part.strip().startswith("svg.fig") for part in selectors.split(","))
        assert not re.search(r"#[0-9a-f]{3}|rgb|hsl", declarations)
        assert {*re.findall(r"--fig-(\w+)", declarations)} <= set(PALETTE)


@each_figure
def test_a_page_can_take_the_colours_out(name):
    """One marked style sets the variables; without it no colour is left in the file."""
    root = tree(name)
    own, shared = root.findall(f"{SVG}style")
    assert own.get("data-standalone") is not None
    assert set(re.findall(r"--fig-(\w+):", own.text or "")) == set(PALETTE)
    assert "prefers-color-scheme: dark" in (own.text or "")
    root.remove(own)
    assert not re.search(rb"#[0-9a-f]{6}", ET.tostring(root))
    assert shared.get("data-standalone") is None


@each_figure
def test_colour_is_never_the_only_sign(name):
    """The lines of each family have its dashes, so that families differ without colour."""
    for element in tree(name).iter(f"{SVG}path"):
        f = element.get("data-f", "")
        if f:
            dashes = element.get("stroke-dasharray", "").split()
            assert len(dashes) == len(DASHES[f])
    assert len(set(DASHES.values())) == len(DASHES)


def test_all_sockets_are_drawn():
    """The figure of the sockets names every channel of the table and the type at both ends."""
    assert set(EXAMPLES) == {channel.name for channel in CHANNELS}
    written = texts(tree("frontend_kernel"))
    desc = tree("frontend_kernel").findtext(f"{SVG}desc")
    for channel in CHANNELS:
        mine = [text for text in written if text.family == family(channel.name)]
        words = [text.words for text in mine]
        assert words[0] == channel.name
        assert channel.purpose in " ".join(words)
        plates = [(text.area.x, text.words) for text in mine if text.kind == "chip"]
        assert [words for _, words in sorted(plates)] == [
            channel.client_socket,
            channel.kernel_socket,
        ]
        assert f"{channel.name} ({channel.client_socket} to {channel.kernel_socket})" in desc
    words = [text.words for text in written]
    assert words.count("connects") == words.count("binds") == 1
    assert "input_request" in words


@pytest.mark.parametrize(
    ("start", "end"), [((0, 0), (50, 0)), ((300, 9), (20, 9)), ((5, 5), (65, 85))]
)
def test_dashes_are_whole_at_both_ends(start, end):
    """A dashed line of any length begins and ends with a whole dash."""
    figure = Figure("sample", 100, "title", "desc")
    figure.line(start, end, "control")
    pattern = [
        float(part) for part in re.findall(r'dasharray="([^"]+)"', figure.parts[0])[0].split()
    ]
    length = ((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2) ** 0.5
    times = (length - pattern[0]) / sum(pattern)
    assert times == pytest.approx(round(times), abs=1e-3)


def test_words_are_escaped():
    """A text with characters that XML reserves comes out as it was."""
    figure = Figure("sample", 100, "a < b", "b & c")
    figure.text(50, 50, 'x < 1 & "y"')
    root = ET.fromstring(figure.svg())
    assert root.findtext(f"{SVG}title") == "a < b"
    assert root.findtext(f"{SVG}text") == 'x < 1 & "y"'
