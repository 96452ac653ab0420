"""Three ways to make a kernel for another language."""

from .draw import Figure, Rect


def figure() -> Figure:
    fig = Figure(
        "other_kernels",
        height=482,
        title="Three ways to make a kernel",
        desc="""
        Any front end talks to three kinds of kernel with the same messages. A wrapper
        kernel takes protocol and sockets ready-made from Python; you write do_execute.
        A native kernel has everything written in the language itself: you write
        protocol, sockets and execution. A library kernel takes protocol and sockets
        ready-made from a library such as xeus in C++; you write an interpreter class.
        """,
    )
    front_end = fig.box(
        Rect(20, 20, 680, 58), "Any front end", "the same messages to every kind of kernel"
    )
    ways = [Rect(20 + 232 * n, 124, 216, 290) for n in range(3)]
    names = [
        ("Wrapper kernel", "in Python"),
        ("Native kernel", "in the language itself"),
        ("Library kernel", "in C++, for instance"),
    ]
    for way, (name, note) in zip(ways, names, strict=True):
        fig.band(way, name, note)
        fig.arrow((way.cx, front_end.bottom), (way.cx, way.y), both=True)

    def layer(column: int, row: int, look: str, name: str, note: str) -> None:
        fig.box(Rect(ways[column].x + 14, 190 + 72 * row, 188, 62), name, note, look=look)

    layer(0, 0, "hub", "Protocol, sockets", "ready-made, Python")
    layer(0, 1, "yours", "do_execute", "you write this")
    layer(0, 2, "box", "The language", "a program or a library")
    layer(1, 0, "yours", "Protocol, sockets", "you write this")
    layer(1, 1, "yours", "Execution", "you write this")
    layer(1, 2, "box", "The language", "runs the whole kernel")
    layer(2, 0, "hub", "Protocol, sockets", "ready-made, xeus")
    layer(2, 1, "yours", "Interpreter class", "you write this")
    layer(2, 2, "box", "The language", "linked in as a library")

    when = [
        ("Least to write.", "Needs Python to run."),
        ("Most to write.", "Needs no other runtime."),
        ("Little to write, no Python.", "For languages with a C API."),
    ]
    for way, texts in zip(ways, when, strict=True):
        fig.lines(way.cx, 447, [(text, "note", "soft") for text in texts])
    return fig
