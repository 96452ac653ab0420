"""People use our kernels in JupyterLab."""

import os
import re
import signal

import pytest
from playwright.sync_api import expect

both = pytest.mark.parametrize("kernel", ["python", "ipython"])

AREA = "def area(width, height):\n    'Return what a rectangle covers.'\n    return width * height"

BOLD = """
class Bold:
    def _repr_html_(self):
        return "<b id='bold'>drawn by the browser</b>"

Bold()
"""

# A square, as the bytes of a PNG file.
SQUARE = """
import struct, zlib

def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

class Square:
    def _repr_png_(self):
        rows = zlib.compress((b"\\0" + b"\\x20\\x60\\xa0" * 64) * 64)
        head = struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)
        return (b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows)
                + chunk(b"IEND", b""))

Square()
"""

PLOT = """
import matplotlib.pyplot as plt

plt.figure(figsize=(4, 2))
plt.plot([1, 4, 9, 16])
plt.show()
"""


@both
def test_outputs(notebook, kernel):
    """Text, a value, HTML, an image and an error are shown below their cells."""
    notebook.open(kernel, "print('hello')\n6 * 7", BOLD, SQUARE, "1 / 0")
    output = notebook.run(0)
    expect(output).to_contain_text("hello")
    expect(output.locator(".jp-OutputArea-executeResult")).to_contain_text("42")
    expect(notebook.run(1).locator("b#bold")).to_have_text("drawn by the browser")
    image = notebook.run(2).locator("img")
    expect(image).to_have_js_property("naturalWidth", 64)
    error = notebook.run(3)
    expect(error).to_contain_text("ZeroDivisionError: division by zero")
    expect(error).to_contain_text("----> 1" if kernel == "ipython" else "line 1")


def test_ipython(notebook):
    """What IPython adds is shown: a plot without a magic, magics, a shell command, the pager."""
    cells = ("%timeit -n1 -r1 pass", "!echo from the shell", "%%html\n<i>x</i>", f"{AREA}", "area?")
    notebook.open("ipython", PLOT, *cells)
    expect(notebook.run(0).locator("img")).to_be_visible()
    expect(notebook.run(1)).to_contain_text("1 loop each")
    expect(notebook.run(2)).to_contain_text("from the shell")
    expect(notebook.run(3).locator("i")).to_have_text("x")
    notebook.run(4)
    expect(notebook.run(5)).to_contain_text("Return what a rectangle covers.")


@both
def test_tab(notebook, kernel):
    """Tab offers the names that begin with what is written, and completes the only one."""
    notebook.open(kernel, "price_net, price_gross = 10, 12\nrectangle = 1", "pric", "rectan")
    notebook.run(0)
    notebook.type(1, "")
    offered = notebook.press_tab()
    expect(offered.filter(has_text="price_net")).to_be_visible()
    expect(offered.filter(has_text="price_gross")).to_be_visible()
    notebook.shot("offered")
    notebook.page.keyboard.press("Enter")
    expect(notebook.editor(1)).to_have_text(re.compile("^price_(net|gross)$"))
    notebook.type(2, "")
    notebook.press_tab()
    notebook.page.keyboard.press("Enter")
    expect(notebook.editor(2)).to_have_text("rectangle")


@both
def test_shift_tab(notebook, kernel):
    """Shift-Tab shows the signature and the documentation of the name at the cursor."""
    notebook.open(kernel, AREA, "area")
    notebook.run(0)
    notebook.type(1, "(")
    notebook.page.keyboard.press("Shift+Tab")
    tooltip = notebook.page.locator(".jp-Tooltip")
    expect(tooltip).to_contain_text("Return what a rectangle covers.")
    expect(tooltip).to_contain_text("area(width, height)")
    notebook.shot("tooltip")


@both
def test_input(notebook, kernel):
    """A question of the kernel is answered in a field below the cell; a password is not shown."""
    ask = "import getpass\nprint('hello', input('name? '))\nprint(len(getpass.getpass()))"
    notebook.open(kernel, ask)
    notebook.start(0)
    field = notebook.cell(0).locator("input.jp-Stdin-input")
    expect(notebook.cell(0).locator(".jp-Stdin-prompt")).to_contain_text("name?")
    notebook.shot("asked")
    field.fill("Ada")
    field.press("Enter")
    secret = notebook.cell(0).locator("input.jp-Stdin-input[type=password]")
    secret.fill("sesame")
    secret.press("Enter")
    notebook.wait_done(0)
    expect(notebook.output(0)).to_contain_text("hello Ada")
    expect(notebook.output(0)).to_contain_text("6")
    expect(notebook.output(0)).not_to_contain_text("sesame")


@both
def test_interrupt(notebook, kernel):
    """A cell that would run for ever is interrupted; the kernel keeps its variables."""
    notebook.open(kernel, "kept = 1\nprint('at work')\nwhile True:\n    pass", "kept")
    notebook.start(0)
    expect(notebook.output(0)).to_contain_text("at work")
    notebook.wait_busy()
    notebook.interrupt()
    expect(notebook.output(0)).to_contain_text("KeyboardInterrupt")
    expect(notebook.run(1)).to_contain_text("1")


@both
def test_interrupt_a_question(notebook, kernel):
    """A cell that waits for an answer is interrupted as well."""
    notebook.open(kernel, "input('name? ')", "6 * 7")
    notebook.start(0)
    expect(notebook.cell(0).locator("input.jp-Stdin-input")).to_be_focused()
    notebook.page.get_by_title("Interrupt the kernel").click()
    expect(notebook.output(0)).to_contain_text("KeyboardInterrupt")
    expect(notebook.run(1)).to_contain_text("42")


@both
def test_restart(notebook, kernel):
    """A restarted kernel counts from 1 and knows no variable."""
    notebook.open(kernel, "import os\nlost = os.getpid()\nlost", "'lost' in globals()")
    before = notebook.run(0).inner_text()
    notebook.restart()
    notebook.wait_restarted()
    expect(notebook.run(1)).to_contain_text("False")
    expect(notebook.cell(1).locator(".jp-InputPrompt")).to_have_text("[1]:")
    expect(notebook.run(0)).not_to_contain_text(before.split()[-1])


@both
def test_killed(notebook, kernel):
    """A kernel that dies is noticed, and a new one takes its place."""
    notebook.open(kernel, "import os\nos.getpid()", "'os' in globals()")
    number = int(notebook.run(0).inner_text().split()[-1])
    os.kill(number, signal.SIGKILL)
    notebook.wait_restarted()
    notebook.shot("noticed")
    notebook.dismiss()
    expect(notebook.run(1)).to_contain_text("False")


@both
def test_run_all_stops(notebook, kernel):
    """After an error the cells that were to follow are not run."""
    notebook.open(kernel, "print('first')", "1 / 0", "print('third')")
    notebook.menu("Run", "Run All Cells")
    expect(notebook.output(1)).to_contain_text("ZeroDivisionError")
    notebook.wait_idle()
    expect(notebook.output(0)).to_contain_text("first")
    expect(notebook.cell(2).locator(".jp-InputPrompt")).to_have_text("[ ]:")
    expect(notebook.output(2)).not_to_contain_text("third")
    expect(notebook.run(2)).to_contain_text("third")


CLEAR = "from IPython.display import clear_output, display\n"


def test_clear_output(notebook):
    """Output is replaced: by clear_output, and through a display that is updated."""
    clear = "for n in range(3):\n    clear_output(wait=True)\n    print('step', n)"
    update = "shown = display('before', display_id=True)\nshown.update('after')"
    notebook.open("ipython", CLEAR + clear, CLEAR + update)
    expect(notebook.run(0)).to_have_text("step 2")
    expect(notebook.run(1)).to_contain_text("after")
    expect(notebook.output(1)).not_to_contain_text("before")


SCRIPTS = "Größe · 数式 · עברית · 𝒳 · 🐍"  # noqa: RUF001 - it has to be such a letter


@both
def test_text(notebook, kernel):
    """Long output, lines that replace themselves and every script arrive as they were written."""
    long = "for n in range(10_000):\n    print('line', n)"
    progress = "for n in range(1, 4):\n    print(f'\\r{n} of 3', end='', flush=True)"
    notebook.open(kernel, progress, f"größe = '{SCRIPTS}'\nprint(größe)\ngröße", "größ", long)
    expect(notebook.run(0)).to_have_text("3 of 3")
    expect(notebook.run(1).locator(".jp-OutputArea-executeResult")).to_contain_text(SCRIPTS)
    expect(notebook.output(1).locator(".jp-RenderedText").first).to_have_text(SCRIPTS)
    notebook.type(2, "")
    notebook.press_tab()
    notebook.page.keyboard.press("Enter")
    expect(notebook.editor(2)).to_have_text("größe")
    output = notebook.run(3)
    expect(output).to_contain_text("line 9999")
    assert output.inner_text().count("line ") == 10_000


@both
def test_two_front_ends(notebook, kernel):
    """A console beside the notebook uses the same kernel and sees its variables."""
    notebook.open(kernel, "shared = 6 * 7")
    notebook.run(0)
    notebook.context_menu("New Console for Notebook")
    expect(notebook.ask_console("shared + 1")).to_contain_text("43")


@both
def test_subshell(notebook, kernel, gate):
    """While a cell runs, another runs in a subshell; they share their variables."""
    notebook.open(kernel, f"found = 42\n{gate.code}\nprint('released')")
    notebook.open_subshell()
    notebook.start(0)
    gate.reached()
    expect(notebook.ask_console("found + 1")).to_contain_text("43")
    expect(notebook.cell(0).locator(".jp-InputPrompt")).to_have_text("[*]:")
    notebook.shot("both")
    gate.open()
    notebook.wait_done(0)
    expect(notebook.output(0)).to_contain_text("released")


SLIDER = """
import ipywidgets

slider = ipywidgets.IntSlider(value=3, max=10, description="side")
area = ipywidgets.Label("9")

def moved(change):
    area.value = f"area {change['new'] ** 2}"

slider.observe(moved, "value")
ipywidgets.VBox([slider, area])
"""


def test_slider(notebook):
    """When a slider is moved, Python reacts; when Python sets it, it moves."""
    notebook.open("ipython", SLIDER, "slider.value", "slider.value = 7")
    output = notebook.run(0)
    handle = output.locator(".noUi-handle")
    handle.press("ArrowRight")
    handle.press("ArrowRight")
    expect(output).to_contain_text("area 25")
    expect(notebook.run(1)).to_contain_text("5")
    notebook.shot("moved")
    notebook.run(2)
    expect(output.locator(".widget-readout")).to_have_text("7")
    expect(output).to_contain_text("area 49")


def test_slider_while_busy(notebook, gate):
    """Python reacts to a slider even while a cell runs: JupyterLab sends it to a subshell."""
    notebook.open("ipython", SLIDER, gate.code)
    output = notebook.run(0)
    notebook.start(1)
    gate.reached()
    output.locator(".noUi-handle").press("ArrowRight")
    expect(output).to_contain_text("area 16")
    gate.open()
    notebook.wait_done(1)


@both
def test_breakpoint(notebook, kernel):
    """A breakpoint stops the cell; variables are shown; it goes on when told to."""
    notebook.open(
        kernel, "def double(number):\n    result = 2 * number\n    return result", "double(21)"
    )
    notebook.debug()
    notebook.run(0)
    notebook.set_breakpoint(0, 3)
    notebook.start(1)
    stopped = notebook.cell(0).locator(".jp-DebuggerEditor-highlight")
    expect(stopped).to_contain_text("return result")
    expect(notebook.page.locator(".jp-DebuggerVariables")).to_contain_text("result")
    expect(notebook.page.locator(".jp-DebuggerCallstack")).to_contain_text("double")
    notebook.shot("stopped")
    notebook.page.locator("[data-command='debugger:continue']").click()
    notebook.wait_done(1)
    expect(notebook.output(1)).to_contain_text("42")


def test_echo(notebook):
    """A kernel that is no Python at all works the same way."""
    notebook.open("echo", "good day")
    expect(notebook.run(0)).to_contain_text("good day")


def test_bash(notebook):
    """The Bash kernel runs commands, and shows what they write while they run."""
    notebook.open("bash", "echo $((6 * 7)); false")
    expect(notebook.run(0)).to_contain_text("42")


def test_launcher(notebook):
    """What has been installed is offered when a notebook is made."""
    notebook.open("python", "")
    notebook.menu("File", "New Launcher")
    cards = notebook.page.locator(".jp-Launcher-section").filter(has_text="Notebook").first
    for name in ("Python (refimpl)", "IPython (refimpl)", "Echo (refimpl)"):
        expect(cards.locator(".jp-LauncherCard").filter(has_text=name).first).to_be_visible()
    expect(cards.locator("img[src*='refimpl-python']").first).to_be_visible()
