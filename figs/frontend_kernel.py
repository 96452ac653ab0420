"""The five sockets between a front end and a kernel, from the implementation's own table."""

from textwrap import wrap

from refimpl.wire import CHANNELS

from .draw import Figure, Rect, family

TOP, LANE = 84, 90

#: What travels on each channel, in the order of time, and whether it goes to the kernel.
EXAMPLES = {
    "shell": [("execute_request", True), ("execute_reply", False)],
    "iopub": [("stream, status, …", False)],
    "stdin": [("input_request", False), ("input_reply", True)],
    "control": [("interrupt_request", True), ("interrupt_reply", False)],
    "hb": [("any bytes", True), ("the same bytes", False)],
}


def balanced(text: str, width: int) -> list[str]:
    """Return the text in as few lines as `width` characters allow, of about the same length."""
    lines = wrap(text, width)
    while len(narrower := wrap(text, width - 1)) == len(lines):
        lines, width = narrower, width - 1
    return lines


def figure() -> Figure:
    names = ", ".join(f"{c.name} ({c.client_socket} to {c.kernel_socket})" for c in CHANNELS)
    fig = Figure(
        "frontend_kernel",
        height=TOP + LANE * len(CHANNELS) + 28,
        title="The sockets between a front end and a kernel",
        desc=f"""
        The kernel binds its sockets, the front end connects to them: {names}. On shell,
        control and heartbeat the front end asks and the kernel answers. On iopub the
        kernel only sends. On stdin the kernel asks with input_request and the front end
        answers with input_reply.
        """,
    )
    bottom = TOP + LANE * len(CHANNELS) + 8
    front_end = fig.band(Rect(226, 20, 110, bottom - 20), "Front end", "connects")
    kernel = fig.band(Rect(590, 20, 110, bottom - 20), "Kernel", "binds")

    for n, channel in enumerate(CHANNELS):
        f, y = family(channel.name), TOP + LANE * (n + 0.5)
        purpose = [(line, "note", "soft") for line in balanced(channel.purpose, 26)]
        fig.lines(20, y, [(channel.name, "head", "hue"), *purpose], anchor="start", f=f)

        # The sockets sit on the edges of the two processes.
        plug = fig.chip(Rect(front_end.right - 36, y - 30, 72, 60), channel.client_socket, f)
        port = fig.chip(Rect(kernel.x - 36, y - 30, 72, 60), channel.kernel_socket, f)
        examples = EXAMPLES[channel.name]
        for i, (message, to_kernel) in enumerate(examples):
            height = y + 7 + 28 * (i - (len(examples) - 1) / 2)
            left, right = (plug.right, height), (port.x, height)
            start, end = (left, right) if to_kernel else (right, left)
            fig.arrow(start, end, f)
            fig.text((plug.right + port.x) / 2, height - 12, message, "code", f=f)
    return fig
