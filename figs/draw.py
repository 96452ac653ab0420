"""Draw boxes, arrows and text as one SVG file that reads well in light and dark.

A figure is 720 units wide, the width of a page's text, so that one unit is one pixel there.
Coordinates grow to the right and downwards. Colours are CSS variables: the file sets them
for itself in its first ``<style>``; a page that inlines the figure drops that element and sets
them for all its figures.
"""

from dataclasses import dataclass, field
from math import hypot
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

#: Every colour: name, value on a light page, value on a dark page.
PALETTE = {
    "ink": ("#1c2430", "#e8edf4"),
    "soft": ("#566171", "#a3afbf"),
    "line": ("#c3cad4", "#46505e"),
    "paper": ("#ffffff", "#14181e"),
    "band": ("#f3f5f8", "#1c2129"),
    "hub": ("#e8ecf2", "#262d37"),
    "shell": ("#0b57a4", "#85bdff"),
    "iopub": ("#9a3d00", "#ffb37a"),
    "control": ("#7a1fa2", "#d9adff"),
    "stdin": ("#00665a", "#74dccb"),
    "heartbeat": ("#6d4c00", "#e9c766"),
    "busy": ("#f3d9a4", "#6b5222"),
}

#: Dash, gap and so on of each family of messages: colour is never the only sign. Empty: solid.
DASHES: dict[str, tuple[float, ...]] = {
    "shell": (),
    "iopub": (7, 5),
    "control": (14, 4, 3, 4),
    "stdin": (4, 3),
    "heartbeat": (0.1, 5),
}

SANS = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
MONO = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace'


class Type(NamedTuple):
    """A kind of text: size in units, weight, and the width of an ordinary letter in em."""

    size: float
    weight: int
    em: float
    fonts: str = SANS


TYPES = {
    "head": Type(16, 600, 0.72),
    "name": Type(14, 600, 0.72),
    "note": Type(12.5, 400, 0.64),
    "code": Type(12.5, 400, 0.61, MONO),
    "chip": Type(12, 600, 0.72),
}
LINE_HEIGHT = 1.35
NARROW, WIDE = set("fijlrtI .,:;()'-"), set("mwMW…")


def text_width(text: str, kind: str) -> float:
    """Return how wide a text can become, in units: in DejaVu Sans, the widest of usual fonts."""
    type_ = TYPES[kind]
    letters = float(len(text))
    if type_.fonts is not MONO:
        letters -= 0.3 * sum(letter in NARROW for letter in text)
        letters += 0.45 * sum(letter in WIDE for letter in text)
        letters += 0.2 * sum(letter.isupper() for letter in text)
    return letters * type_.size * type_.em


def variables(mode: int) -> str:
    """Return the CSS declarations of the palette: 0 for light, 1 for dark."""
    return " ".join(f"--fig-{name}: {colours[mode]};" for name, colours in PALETTE.items())


def family(channel: str) -> str:
    """Return the name under which a channel's colour and dashes are found."""
    return "heartbeat" if channel == "hb" else channel


Point = tuple[float, float]


class Rect(NamedTuple):
    """A rectangle: its upper left corner, its width and its height."""

    x: float
    y: float
    w: float
    h: float

    @property
    def right(self) -> float:
        return self.x + self.w

    @property
    def bottom(self) -> float:
        return self.y + self.h

    @property
    def cx(self) -> float:
        return self.x + self.w / 2

    @property
    def cy(self) -> float:
        return self.y + self.h / 2


@dataclass
class Figure:
    """One figure under construction: what is drawn later lies on top."""

    name: str
    height: float
    title: str
    desc: str
    width: float = 720
    parts: list[str] = field(default_factory=list)

    def add(self, tag: str, text: str = "", f: str = "", **attributes: str | float) -> None:
        """Append one element; `f` names the family of messages it belongs to."""
        given = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
        if f:
            given["data-f"] = f
        shown = "".join(
            f" {key}={quoteattr(value if isinstance(value, str) else f'{value:g}')}"
            for key, value in given.items()
        )
        self.parts.append(f"<{tag}{shown}>{escape(text)}</{tag}>" if text else f"<{tag}{shown}/>")

    def text(
        self,
        x: float,
        y: float,
        text: str,
        kind: str = "note",
        tone: str = "ink",
        anchor: str = "middle",
        f: str = "",
    ) -> None:
        """Write one line centred on y; `tone` is ink, soft, hue (the family's) or paper."""
        baseline = y + TYPES[kind].size * 0.35
        self.add("text", text, f, class_=f"{kind} {tone}", text_anchor=anchor, x=x, y=baseline)

    def lines(
        self,
        x: float,
        y: float,
        texts: list[tuple[str, str, str]],
        anchor: str = "middle",
        f: str = "",
    ) -> None:
        """Write lines of (text, kind, tone) one below the other, centred on the height y."""
        heights = [TYPES[kind].size * LINE_HEIGHT for _, kind, _ in texts]
        top = y - sum(heights) / 2
        for (text, kind, tone), height in zip(texts, heights, strict=True):
            self.text(x, top + height / 2, text, kind, tone, anchor, f)
            top += height

    def rect(self, rect: Rect, look: str, radius: float = 8, f: str = "") -> Rect:
        """Draw a rectangle; `look` is band, box, hub, yours, busy or plate."""
        self.add(
            "rect", f=f, class_=look, x=rect.x, y=rect.y, width=rect.w, height=rect.h, rx=radius
        )
        return rect

    def band(self, rect: Rect, name: str, *notes: str) -> Rect:
        """Draw a large area, a process for instance, with its name at the top."""
        self.rect(rect, "band", 12)
        texts = [(name, "head", "ink"), *((note, "note", "soft") for note in notes)]
        height = sum(TYPES[kind].size * LINE_HEIGHT for _, kind, _ in texts)
        self.lines(rect.cx, rect.y + 14 + height / 2, texts)
        return rect

    def box(self, rect: Rect, name: str, *notes: str, look: str = "box") -> Rect:
        """Draw a box with a name and softer lines below it, all centred."""
        self.rect(rect, look)
        self.lines(
            rect.cx, rect.cy, [(name, "name", "ink"), *((note, "note", "soft") for note in notes)]
        )
        return rect

    def document(self, rect: Rect, name: str, note: str) -> Rect:
        """Draw a file: a sheet with a folded corner."""
        x, y, right, bottom, fold = rect.x, rect.y, rect.right, rect.bottom, 16
        sheet = [(x, y), (right - fold, y), (right, y + fold), (right, bottom), (x, bottom)]
        self.add("polygon", class_="box", points=" ".join(f"{px:g},{py:g}" for px, py in sheet))
        self.add("path", class_="fold", d=f"M{right - fold:g} {y:g}v{fold:g}h{fold:g}")
        self.lines(rect.cx, rect.cy + 3, [(name, "name", "ink"), (note, "note", "soft")])
        return rect

    def chip(self, rect: Rect, text: str, f: str) -> Rect:
        """Draw a plate in the family's colour with a word on it, such as a socket's type."""
        self.rect(rect, "plate", 8, f)
        self.text(rect.cx, rect.cy, text, "chip", "paper", f=f)
        return rect

    def line(self, start: Point, end: Point, f: str = "") -> None:
        """Draw a line in the family's colour and dashes, with a whole dash at either end."""
        (x1, y1), (x2, y2) = start, end
        dashes = {}
        if pattern := DASHES.get(f):
            length = hypot(x2 - x1, y2 - y1)
            times = round((length - pattern[0]) / sum(pattern))
            scale = length / (times * sum(pattern) + pattern[0])
            dashes["stroke_dasharray"] = " ".join(f"{part * scale:g}" for part in pattern)
        self.add("path", f=f, class_="wire", d=f"M{x1:g} {y1:g}L{x2:g} {y2:g}", **dashes)

    def arrow(self, start: Point, end: Point, f: str = "", both: bool = False) -> None:
        """Draw a straight arrow whose tip touches `end`; with `both` a second touches `start`."""
        (x1, y1), (x2, y2) = start, end
        length = hypot(x2 - x1, y2 - y1)
        ux, uy = (x2 - x1) / length, (y2 - y1) / length
        # The line ends inside the head, so that its square end does not show at the tip.
        self.line((x1 + 8 * ux, y1 + 8 * uy) if both else start, (x2 - 8 * ux, y2 - 8 * uy), f)
        tips = [(x2, y2, ux, uy), (x1, y1, -ux, -uy)]
        for x, y, dx, dy in tips if both else tips[:1]:
            bx, by = x - 10 * dx, y - 10 * dy
            corners = [(x, y), (bx - 4.5 * dy, by + 4.5 * dx), (bx + 4.5 * dy, by - 4.5 * dx)]
            self.add(
                "polygon",
                f=f,
                class_="tip",
                points=" ".join(f"{px:g},{py:g}" for px, py in corners),
            )

    def svg(self) -> str:
        """Return the whole file."""
        w, h, name = f"{self.width:g}", f"{self.height:g}", self.name
        root = f'class="fig" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img"'
        labels = f'aria-labelledby="{name}-title {name}-desc"'
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" {root} {labels}>',
                f'<title id="{name}-title">{escape(self.title)}</title>',
                f'<desc id="{name}-desc">{escape(" ".join(self.desc.split()))}</desc>',
                '<style data-standalone="">',
                f"svg.fig {{ {variables(0)} }}",
                f"@media (prefers-color-scheme: dark) {{ svg.fig {{ {variables(1)} }} }}",
                "</style>",
                "<style>",
                *RULES,
                "</style>",
                f'<rect class="ground" width="{w}" height="{h}" rx="12"/>',
                *self.parts,
                "</svg>\n",
            ]
        )


#: The look of everything. The current colour is the family's; without a family it is soft.
RULES = [
    "svg.fig { color: var(--fig-soft) }",
    *(f'svg.fig [data-f~="{name}"] {{ color: var(--fig-{name}) }}' for name in DASHES),
    *(
        f"svg.fig .{kind} {{ font: {type_.weight} {type_.size:g}px {type_.fonts} }}"
        for kind, type_ in TYPES.items()
    ),
    "svg.fig .ink { fill: var(--fig-ink) }",
    "svg.fig .soft { fill: var(--fig-soft) }",
    "svg.fig .hue { fill: currentColor }",
    "svg.fig .paper, svg.fig .ground { fill: var(--fig-paper) }",
    "svg.fig .band { fill: var(--fig-band); stroke: var(--fig-line) }",
    "svg.fig .box { fill: var(--fig-paper); stroke: var(--fig-line); stroke-width: 1.5 }",
    "svg.fig .hub { fill: var(--fig-hub); stroke: var(--fig-soft); stroke-width: 1.5 }",
    "svg.fig .yours { fill: var(--fig-paper); stroke: var(--fig-ink); stroke-width: 2 }",
    "svg.fig .yours { stroke-dasharray: 6 4 }",
    "svg.fig .busy { fill: var(--fig-busy) }",
    "svg.fig .plate, svg.fig .tip { fill: currentColor }",
    "svg.fig .fold { fill: none; stroke: var(--fig-line); stroke-width: 1.5 }",
    "svg.fig .rule { fill: none; stroke: var(--fig-line); stroke-width: 1 }",
    "svg.fig .dot { fill: var(--fig-line) }",
    "svg.fig .wire { fill: none; stroke: currentColor; stroke-width: 2 }",
    'svg.fig .wire[data-f~="heartbeat"] { stroke-linecap: round; stroke-width: 2.5 }',
]
