"""Terminal IPython and the IPython kernel: two programs round the same machinery."""

from .draw import Figure, Rect


def figure() -> Figure:
    fig = Figure(
        "ipy_kernel_and_terminal",
        height=460,
        title="Terminal IPython and the IPython kernel share their machinery",
        desc="""
        Two processes side by side. On the left, terminal IPython: a loop reads what you
        type in the terminal, runs it and prints the result. On the right, the IPython
        kernel: a loop reads requests that front ends send as JSON messages over ZeroMQ,
        runs them and publishes what comes out. Both loops stand on the same execution
        machinery, InteractiveShell, of which each process runs its own copy.
        """,
    )
    left, right = Rect(20, 150, 330, 290), Rect(370, 150, 330, 290)

    # Who talks to each process.
    terminal = fig.rect(Rect(left.x, 20, left.w, 84), "box")
    for n in range(3):
        fig.add("circle", class_="dot", cx=terminal.x + 14 + 11 * n, cy=terminal.y + 13, r=3)
    fig.add("path", class_="rule", d=f"M{terminal.x} {terminal.y + 25}H{terminal.right}")
    fig.text(terminal.x + 16, terminal.y + 42, "In [1]: 6 * 7", "code", anchor="start")
    fig.text(terminal.x + 16, terminal.y + 64, "Out[1]: 42", "code", "soft", anchor="start")
    for n, name in enumerate(["Notebook", "Qt console", "Console"]):
        fig.box(Rect(right.x + 113 * n, 20, 104, 84), name)

    # The two processes.
    fig.band(left, "Terminal IPython", "one process does everything")
    fig.band(right, "IPython kernel", "its own process; speaks JSON over ZeroMQ")
    fig.arrow((left.cx, terminal.bottom), (left.cx, left.y), both=True)
    fig.text(left.cx + 12, 127, "keys in, text out", anchor="start", tone="soft")
    for n in range(3):
        x = right.x + 113 * n + 52
        fig.arrow((x, 104), (x, right.y), both=True)
    fig.text(right.cx + 12, 127, "messages", anchor="start", tone="soft")
    works = {
        left: ("Terminal loop", "reads your input, runs it,", "prints the result"),
        right: ("Kernel loop", "reads a request, runs it,", "publishes the result"),
    }
    loops = [fig.box(Rect(at.x + 30, 222, 270, 72), *texts) for at, texts in works.items()]

    # What they share lies across both.
    core = fig.rect(Rect(50, 336, 620, 84), "hub")
    parts = "cells, magics, display, history, completion: a copy runs in each process"
    code = "IPython.core.interactiveshell.InteractiveShell"
    name = "The same execution machinery"
    shared = [(name, "name", "ink"), (code, "code", "ink"), (parts, "note", "soft")]
    fig.lines(core.cx, core.cy, shared)
    for loop in loops:
        fig.arrow((loop.cx, loop.bottom), (loop.cx, core.y), both=True)
        fig.text(loop.cx + 12, 315, "code, result", anchor="start", tone="soft")
    return fig
