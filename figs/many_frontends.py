"""Two front ends on one kernel: who sees which message, in the order of time."""

from .draw import Figure, Rect

TOP, ROW = 104, 34

#: Row, channel, message type, sender, receivers. A is the notebook, B the console, K the kernel.
MESSAGES = [
    (0, "shell", "execute_request", "A", "K"),
    (1, "iopub", "status: busy", "K", "AB"),
    (2, "iopub", "execute_input", "K", "AB"),
    (3, "stdin", "input_request", "K", "A"),
    (4, "stdin", "input_reply", "A", "K"),
    (5, "shell", "execute_reply", "K", "A"),
    (6, "iopub", "status: idle", "K", "AB"),
    (8, "shell", "execute_request", "B", "K"),
    (9, "iopub", "status: busy", "K", "AB"),
    (10, "iopub", "execute_input", "K", "AB"),
    (11, "iopub", "execute_result", "K", "AB"),
    (12, "shell", "execute_reply", "K", "B"),
    (13, "iopub", "status: idle", "K", "AB"),
]
#: Row, front end, what it shows then: its own code and answers in ink, the rest softer.
SCREENS = [
    (0, "A", "n = int(input())", "code", "ink"),
    (2, "B", "n = int(input())", "code", "soft"),
    (3, "B", "is not asked", "note", "soft"),
    (4, "A", "7", "code", "ink"),
    (5, "B", "gets no reply", "note", "soft"),
    (8, "B", "n * 6", "code", "ink"),
    (10, "A", "n * 6", "code", "soft"),
    (11, "A", "42", "code", "soft"),
    (11, "B", "42", "code", "ink"),
    (12, "A", "gets no reply", "note", "soft"),
]
LEGEND = [("shell", "only who asked"), ("iopub", "every front end"), ("stdin", "only who asked")]


def row_height(row: float) -> float:
    """Return the height at which the arrow of a row lies."""
    return TOP + ROW * (row + 0.5)


def figure() -> Figure:
    bottom = row_height(14)
    fig = Figure(
        "many_frontends",
        height=bottom + 56,
        title="Two front ends on one kernel",
        desc="""
        A notebook and a console, each with its own session, use one kernel and share
        its variables. The notebook sends execute_request with n = int(input()). Busy,
        execute_input and idle go to both on iopub. The input_request on stdin and the
        execute_reply on shell go to the notebook alone, which asked. Then the console
        sends n * 6: both see the result 42, the console alone gets the reply.
        """,
    )
    a = fig.band(Rect(20, 20, 150, bottom - 20), "Notebook", "session 3fa8…")
    kernel = fig.band(Rect(303, 20, 114, bottom - 20), "Kernel", "one process")
    b = fig.band(Rect(550, 20, 150, bottom - 20), "Console", "session c41e…")
    inner = Rect(kernel.x + 12, 0, kernel.w - 24, 0)

    for busy, idle in (1, 6), (9, 13):
        top = row_height(busy)
        bar = fig.rect(inner._replace(y=top, h=row_height(idle) - top), "busy", 6)
        fig.text(bar.cx, bar.cy, "busy")
    memory = fig.rect(inner._replace(y=row_height(7.25) - 20, h=40), "hub")
    fig.lines(memory.cx, memory.cy, [("shared", "note", "soft"), ("n = 7", "code", "ink")])

    # Where the arrows of each side begin and end: at the front end, at the kernel.
    sides = {"A": (a.right, kernel.x), "B": (b.x, kernel.right)}
    for row, channel, message, sender, receivers in MESSAGES:
        y = row_height(row)
        for front_end in receivers if sender == "K" else sender:
            outer, inside = sides[front_end]
            start, end = (inside, outer) if sender == "K" else (outer, inside)
            fig.arrow((start, y), (end, y), f=channel)
            fig.text((outer + inside) / 2, y - 12, message, "code", f=channel)
    for row, front_end, text, kind, tone in SCREENS:
        fig.text((a if front_end == "A" else b).cx, row_height(row), text, kind, tone)

    x, y = 30.0, bottom + 28
    for channel, meaning in LEGEND:
        fig.line((x, y), (x + 34, y), channel)
        fig.text(x + 44, y, channel, "name", "hue", "start", f=channel)
        fig.text(x + 96, y, meaning, tone="soft", anchor="start", f=channel)
        x += 228
    return fig
