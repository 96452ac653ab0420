"""The pictures on the pages are of the real JupyterLab; docs/_static has copies of them."""

import pytest
from playwright.sync_api import Page, expect

SINE = """\
import ipywidgets
import matplotlib.pyplot as plt
import numpy as np

@ipywidgets.interact(waves=(1, 8))
def draw(waves=2):
    plt.figure(figsize=(6, 1.6))
    plt.plot(np.sin(np.linspace(0, 2 * np.pi * waves, 500)))
    plt.show()"""

MEAN = """\
def mean(values):
    total = sum(values)
    return total / len(values)"""

themes = pytest.mark.parametrize("theme", ["light", "dark"])


@pytest.fixture
def paint(page):
    """Give a function that paints JupyterLab light or dark; afterwards it is light again."""
    change = "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})"

    def paint(theme: str) -> None:
        page.evaluate(change, f"JupyterLab {theme.title()}")
        is_light = str(theme == "light").lower()
        expect(page.locator("body")).to_have_attribute("data-jp-theme-light", is_light)

    yield paint
    paint("light")


def frame(page: Page, width: int, height: int) -> None:
    """Hide the side bar, and make the window small."""
    page.keyboard.press("Control+b")
    expect(page.locator(".jp-DirListing")).to_be_hidden()
    page.set_viewport_size({"width": width, "height": height})


@themes
def test_picture_of_a_notebook(notebook, paint, theme):
    """A slider moves a plot, in a notebook of the IPython kernel."""
    notebook.file = "waves.ipynb"
    notebook.open("ipython", SINE)
    paint(theme)
    frame(notebook.page, 800, 540)
    output = notebook.run(0)
    picture = output.locator("img")
    before = picture.get_attribute("src")
    output.locator(".noUi-handle").press("ArrowRight")
    expect(output.locator(".widget-readout")).to_have_text("3")
    expect(picture).not_to_have_attribute("src", before)
    notebook.wait_idle()
    notebook.shot("page")


@themes
def test_picture_of_the_debugger(notebook, paint, theme):
    """A cell of the Python kernel waits at a breakpoint."""
    notebook.file = "mean.ipynb"
    notebook.open("python", MEAN, "mean([3, 4, 8])")
    paint(theme)
    frame(notebook.page, 900, 440)
    notebook.debug()
    notebook.run(0)
    notebook.set_breakpoint(0, 3)
    notebook.start(1)
    expect(notebook.page.locator(".jp-DebuggerVariables")).to_contain_text("total")
    expect(notebook.cell(0).locator(".jp-DebuggerEditor-highlight")).to_be_visible()
    notebook.shot("page")
