"""Browser, notebook server, kernel, and the notebook file that only the server touches."""

from .draw import Figure, Rect


def figure() -> Figure:
    fig = Figure(
        "notebook_components",
        height=322,
        title="Who talks to whom when a notebook runs",
        desc="""
        The browser sends code to the notebook server over a WebSocket; the server
        passes these messages on to the kernel over ZeroMQ, and the kernel's answers
        come back the same way. The browser opens and saves the document over HTTP; the
        server alone reads and writes the notebook file. The kernel never sees the file.
        """,
    )
    browser = fig.band(Rect(20, 20, 172, 282), "Browser", "where you work")
    server = fig.band(Rect(292, 20, 172, 282), "Notebook server", "it alone has the file")
    cells, relay = (Rect(band.x + 12, 86, 148, 94) for band in (browser, server))
    document, storage = (Rect(band.x + 12, 196, 148, 94) for band in (browser, server))
    kernel, file = (Rect(564, y, 136, 94) for y in (86, 196))
    fig.box(cells, "Cells", "send code,", "show output")
    fig.box(relay, "Relay", "passes messages", "both ways")
    fig.box(kernel, "Kernel", "runs the code,", "sees no file", look="hub")
    fig.box(document, "Document", "open, edit, save")
    fig.box(storage, "Storage", "loads and saves")
    fig.document(file, "Notebook", "JSON in .ipynb")

    links = [
        (cells, relay, "WebSocket", "messages"),
        (relay, kernel, "ZeroMQ", "messages"),
        (document, storage, "HTTP", "document"),
        (storage, file, "disk", "load, save"),
    ]
    for a, b, above, below in links:
        fig.arrow((a.right, a.cy), (b.x, b.cy), both=True)
        fig.text((a.right + b.x) / 2, a.cy - 14, above, "name")
        fig.text((a.right + b.x) / 2, a.cy + 14, below, tone="soft")
    return fig
