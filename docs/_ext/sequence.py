"""Draw a recording as a sequence diagram: one SVG, readable without script and without colour.

Each lane is a vertical line, each message an arrow from its sender to its receivers, solid for
requests and replies, dashed for broadcasts. A bar on the kernel's lane lasts from `busy` to `idle`.
Every arrow links to the message below the diagram. Colours are the site's CSS variables.
Units are CSS pixels at full size.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from figs.draw import family

from .record import Sent

GAP = 330  # between two lanes: with two of them, text stays readable on a telephone
MARGIN = 66  # beside the outer lanes, for the channel's name
ROW = 54
TOP = 40  # the row of lane names
LABEL = 28  # characters

# The field that says most about a message; the first one present is shown.
TELLING = ("execution_state", "ename", "code", "text", "prompt", "value", "target_name", "restart")


def summarise(sent: Sent) -> str:
    """Say in a few characters what is in a message."""
    content = sent.content
    if "data" in content and isinstance(content["data"], dict) and "text/plain" in content["data"]:
        text = str(content["data"]["text/plain"])
    else:
        key = next((key for key in TELLING if key in content), "status")
        value = content.get(key, "")
        text = value if isinstance(value, str) else f"{key}: {str(value).lower()}"
    return shorten(text)


def shorten(text: str) -> str:
    r"""Bring a text to one line of at most LABEL characters.

    >>> shorten("import time\ntime.sleep(1)")
    'import time ⏎ time.sleep(1)'
    """
    line = " ⏎ ".join(part.strip() for part in text.strip().splitlines())
    return line if len(line) <= LABEL else line[: LABEL - 1].rstrip() + "…"


def describe(sent: Sent) -> str:
    """Say a message in words, for those who cannot see the arrow."""
    what = f"{sent.msg_type}, {summary}" if (summary := summarise(sent)) else sent.msg_type
    return f"{sent.sender} to {' and '.join(sent.receivers)} on {sent.channel}: {what}"


def draw(recording: Sequence[Sent], lanes: Sequence[str], title: str, prefix: str) -> str:
    """Draw the diagram. `prefix` makes its ids unique on the page; message n is at `prefix-n`."""
    width = 2 * MARGIN + GAP * (len(lanes) - 1)
    height = TOP + ROW * len(recording) + ROW // 2
    x = {lane: MARGIN + GAP * index for index, lane in enumerate(lanes)}
    y = [TOP + ROW * (index + 1) - 14 for index in range(len(recording))]
    size = f'width="{width}" height="{height}"'
    wide = " three" if len(lanes) > 2 else ""
    words = ". ".join(f"{n}. {describe(sent)}" for n, sent in enumerate(recording, 1))
    parts = [
        f'<svg class="sequence{wide}" viewBox="0 0 {width} {height}" {size} role="group"',
        f' aria-labelledby="{prefix}-title {prefix}-desc" xmlns="http://www.w3.org/2000/svg">',
        f'<title id="{prefix}-title">{escape(title)}</title>',
        f'<desc id="{prefix}-desc">{escape(words)}.</desc>',
    ]
    for lane in lanes:
        at = x[lane]
        parts += [
            f'<path class="lifeline" d="M{at} {TOP - 6}V{height - 4}"/>',
            f'<rect class="lane" x="{at - 50}" y="4" width="100" height="30" rx="6"/>',
            f'<text class="lane-name" x="{at}" y="24" text-anchor="middle">{escape(lane)}</text>',
        ]
    for top, bottom, shift in _bars(recording, y, height):
        parts.append(
            f'<rect class="busy" x="{x["kernel"] - 5 + shift}" y="{top}" width="10"'
            f' height="{bottom - top}" rx="3"/>'
        )
    for number, sent in enumerate(recording, 1):
        parts.append(_arrow(sent, x, y[number - 1], f"{prefix}-{number}"))
    parts.append("</svg>")
    return "\n".join(parts)


def _bars(recording: Sequence[Sent], y: Sequence[int], end: int) -> list[tuple[int, int, int]]:
    """Return top, bottom and shift to the right of each span from busy to idle."""
    bars = []
    open_since: dict[str, int] = {}
    beside = {  # what does not wait for the shell has a bar beside it
        s.message["header"]["msg_id"]
        for s in recording
        if s.channel == "control" or s.message["header"].get("subshell_id")
    }
    for sent, height in zip(recording, y, strict=True):
        if sent.msg_type != "status":
            continue
        if sent.content.get("execution_state") == "busy":
            open_since[sent.parent] = height
        elif sent.parent in open_since:
            bars.append((open_since.pop(sent.parent), height, 8 * (sent.parent in beside)))
    bars += [(top, end, 8 * (parent in beside)) for parent, top in open_since.items()]
    return bars


def _arrow(sent: Sent, x: dict[str, int], y: int, target: str) -> str:
    """Draw one message: a link around its lines, heads and labels."""
    start = x[sent.sender]
    name, summary = escape(sent.msg_type), escape(summarise(sent))
    parts = [f'<a class="wire {family(sent.channel)}" href="#{target}">']
    for index, receiver in enumerate(sent.receivers):
        way = 1 if x[receiver] > start else -1
        tail, head, middle = start + 7 * way, x[receiver] - 2 * way, (start + x[receiver]) // 2
        hidden = ' aria-hidden="true"' if index else ""  # said once is enough
        centred = f'x="{middle}" text-anchor="middle"{hidden}'
        left = min(start, x[receiver])
        parts += [
            f'<rect class="hit" x="{left}" y="{y - 26}" width="{GAP}" height="{ROW - 6}" rx="6"/>',
            f'<path class="line" d="M{tail} {y}H{head}"/>',
            f'<path class="head" d="M{head} {y}l{-9 * way} -5v10z"/>',
            f'<text class="type" {centred} y="{y - 8}">{name}</text>',
        ]
        if summary:
            parts.append(f'<text class="summary" {centred} y="{y + 17}">{summary}</text>')
    parts.append(_channel_label(sent, x, y))
    parts.append("</a>")
    return "\n".join(parts)


def _channel_label(sent: Sent, x: dict[str, int], y: int) -> str:
    """Name the channel at the sender's end, where no arrow is, or else below the arrow's start."""
    start = x[sent.sender]
    taken = {1 if x[receiver] > start else -1 for receiver in sent.receivers}
    way = next((way for way in (1, -1) if way not in taken), 1)
    anchor = "start" if way > 0 else "end"
    drop = 17 if way in taken else 5
    return (
        f'<text class="channel" x="{start + 18 * way}" y="{y + drop}" text-anchor="{anchor}">'
        f"{escape(sent.channel)}</text>"
    )
