"""From a notebook to a file of another format."""

from .draw import Figure, Rect


def figure() -> Figure:
    fig = Figure(
        "nbconvert",
        height=466,
        title="How nbconvert turns a notebook into another format",
        desc="""
        A notebook goes through preprocessors, one after the other; each changes the
        notebook, and one of them executes it with a kernel. An exporter, which is
        mostly templates, turns the result into the exported file. Optional
        postprocessors work on that file: one of them serves it to a browser.
        """,
    )
    # Above, what is worked on. In the middle, what works on it. Below, what that needs.
    sheets = [Rect(20 + 215 * n, 20, 130, 84) for n in range(3)]
    fig.document(sheets[0], "Notebook", ".ipynb file")
    fig.document(sheets[1], "Notebook", "in memory")
    fig.document(sheets[2], "Exported file", "HTML, LaTeX, …")

    stages = [Rect(90 + 215 * n, 150, 180, 170) for n in range(3)]
    fig.band(stages[0], "Preprocessors", "one after the other")
    fig.band(stages[1], "Exporter", "mostly templates")
    fig.band(stages[2], "Postprocessors", "optional")
    slots = [[Rect(stage.x + 14, y, 152, 38) for y in (218, 266)] for stage in stages]
    fig.box(slots[0][0], "remove cells")
    fig.box(slots[0][1], "execute", look="hub")
    fig.box(slots[1][0], "convert cells")
    fig.box(slots[1][1], "fill templates")
    serve = fig.box(Rect(slots[2][0].x, 218, 152, 86), "serve", "for example")

    for sheet, stage in zip(sheets, stages, strict=True):
        x = (stage.x + sheet.right) / 2
        fig.arrow((x, sheet.bottom), (x, stage.y))
    for stage, sheet in zip(stages[:-1], sheets[1:], strict=True):
        x = (sheet.x + stage.right) / 2
        fig.arrow((x, stage.y), (x, sheet.bottom))

    kernel, templates, browser = (Rect(slot.x, 376, 152, 70) for _, slot in slots)
    fig.box(kernel, "Kernel", "any language", look="hub")
    fig.document(templates, "Templates", "one set per format")
    fig.box(browser, "Browser", "shows the file")
    fig.arrow((kernel.cx, slots[0][1].bottom), (kernel.cx, kernel.y), both=True)
    fig.arrow((templates.cx, templates.y), (templates.cx, slots[1][1].bottom))
    fig.arrow((browser.cx, serve.bottom), (browser.cx, browser.y))
    fig.text(kernel.cx + 12, 348, "code, outputs", anchor="start", tone="soft")
    return fig
