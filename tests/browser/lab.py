"""A real JupyterLab for the tests: its server, the browser, and a notebook as its user sees it.

Nothing here waits for time to pass: Playwright's `expect` waits until the page shows something,
and fails at a deadline.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Locator, Page, Playwright, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

ROOT = Path(__file__).parents[2]
SHOTS = ROOT / "_build" / "browser"  # where the screenshots are kept
TIMEOUT = 30.0  # seconds; only a test that fails waits so long
SIZE = {"width": 1000, "height": 720}
LANGUAGES = {"python": "python", "ipython": "python", "echo": "text", "bash": "bash"}

# It would ask whether it may look for news.
PAGE_CONFIG = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CONNECTED = """() => {
    const session = window.jupyterapp?.shell.currentWidget?.sessionContext?.session;
    return session?.kernel?.connectionStatus === "connected";
}"""
# The console in front has a subshell of its own.
IN_SUBSHELL = """() => {
    const session = window.jupyterapp.shell.currentWidget.sessionContext?.session;
    return Boolean(session?.kernel?.subshellId);
}"""
# Remember what becomes of the kernel, from now on.
LISTEN = """() => {
    window.statuses = [];
    const context = window.jupyterapp.shell.currentWidget.sessionContext;
    context.statusChanged.connect((_, status) => window.statuses.push(status));
}"""
# There was a restart, and after it the kernel was idle.
RESTARTED = """() => {
    const last = window.statuses.findLastIndex(status => status.endsWith("restarting"));
    return last >= 0 && window.statuses.slice(last).includes("idle");
}"""
QUIET = ("--disable-gpu", "--disable-background-networking", "--disable-component-update")


class NoBrowser(Exception):
    """There is no browser to test with; the text is the one line that says what to do."""


def find_browser(playwright: Playwright) -> str:
    """Return the path of a Chromium: Playwright's own, or the first on the PATH.

    Raises NoBrowser.
    """
    own = playwright.chromium.executable_path
    found = own if Path(own).is_file() else next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        line = f"no browser: expected one of {', '.join(BROWSERS)} on the PATH"
        raise NoBrowser(f"{line}, or what `python -m playwright install chromium` installs")
    return found


def browser_arguments() -> list[str]:
    """Return the arguments of the browser; root can run it only without its sandbox."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [*QUIET, *(["--no-sandbox"] if is_root else [])]


def environment(home: Path) -> dict[str, str]:
    """Return an environment for Jupyter's programs that has nothing of the machine's user."""
    places = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
        "MPLCONFIGDIR": "matplotlib",
    }
    for place in places.values():
        (home / place).mkdir(exist_ok=True)
    ours = {name: str(home / place) for name, place in places.items()}
    return {**os.environ, **ours, "JUPYTER_PREFER_ENV_PATH": "1", "PYTHONPATH": str(ROOT)}


def new_notebook(kernel: str, *cells: str) -> nbformat.NotebookNode:
    """Make a notebook with these code cells, for one of our kernels."""
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in cells])
    spec = {"name": f"refimpl-{kernel}", "display_name": kernel, "language": LANGUAGES[kernel]}
    made.metadata["kernelspec"] = spec
    return made


@dataclass
class Lab:
    """A running JupyterLab server."""

    url: str
    token: str
    folder: Path  # of its notebooks

    def ask(self, path: str, method: str = "GET") -> Any:
        """Ask the server's REST interface; return what it answers."""
        request = urllib.request.Request(f"{self.url}api/{path}", method=method)
        request.add_header("Authorization", f"token {self.token}")
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            return json.loads(answer.read() or "null")

    def end_kernels(self) -> None:
        """End every kernel that a test has left running."""
        for session in self.ask("sessions"):
            self.ask(f"sessions/{session['id']}", "DELETE")
        for kernel in self.ask("kernels"):
            self.ask(f"kernels/{kernel['id']}", "DELETE")


@contextlib.contextmanager
def run_lab(home: Path) -> Iterator[Lab]:
    """Run JupyterLab on a free port, with a token, without a browser of its own."""
    token, folder, log = secrets.token_hex(16), home / "notebooks", home / "lab.log"
    env = environment(home)
    folder.mkdir()
    (home / "config" / "labconfig").mkdir()
    (home / "config" / "labconfig" / "page_config.json").write_text(json.dumps(PAGE_CONFIG))
    argv = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
    argv += ["--ServerApp.port=0", f"--IdentityProvider.token={token}", f"--notebook-dir={folder}"]
    argv += ["--expose-app-in-browser"]  # its state can be asked for
    with (
        log.open("wb") as output,
        subprocess.Popen(
            argv, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            deadline = time.monotonic() + TIMEOUT
            found = home / "runtime" / f"jpserver-{process.pid}.json"
            while not (found.is_file() and found.stat().st_size):
                assert process.poll() is None, log.read_text("utf-8")
                assert time.monotonic() < deadline, f"no {found.name} within {TIMEOUT} s"
                time.sleep(0.02)  # a file sends no event
            lab = Lab(json.loads(found.read_text("utf-8"))["url"], token, folder)
            yield lab
            lab.end_kernels()
        finally:
            process.terminate()


class Notebook:
    """A notebook in JupyterLab, with the keys and the eyes of its user."""

    _numbers = itertools.count(1)

    def __init__(self, page: Page, lab: Lab, name: str) -> None:
        """Take a page in which nothing is open yet."""
        self.page = page
        self._lab = lab
        self._name = name
        self.file = f"{name}.ipynb"

    def open(self, kernel: str, *cells: str) -> None:
        """Write a notebook with these cells, open it, and wait until its kernel is idle."""
        nbformat.write(new_notebook(kernel, *cells), self._lab.folder / self.file)
        workspace = f"auto-{next(self._numbers)}"  # none remembers what another test had open
        place = f"{self._lab.url}lab/workspaces/{workspace}/tree/{self.file}"
        self.page.goto(f"{place}?token={self._lab.token}&reset")
        # Before there is a kernel, its light shows that nothing runs.
        self.page.wait_for_function(CONNECTED)
        self.wait_idle()
        self.page.evaluate(LISTEN)

    @property
    def panel(self) -> Locator:
        """The notebook, without the menus and the side bars."""
        return self.page.locator(".jp-NotebookPanel")

    def cell(self, number: int) -> Locator:
        """Return a code cell; the first is 0."""
        return self.panel.locator(".jp-CodeCell").nth(number)

    def editor(self, number: int) -> Locator:
        """Return what the user types into."""
        return self.cell(number).locator(".cm-content").first

    def output(self, number: int) -> Locator:
        """Return the place of all outputs of a cell."""
        return self.cell(number).locator(".jp-OutputArea").first

    def wait_idle(self) -> None:
        """Wait until the notebook shows that its kernel has nothing to do."""
        light = self.panel.locator(".jp-Notebook-ExecutionIndicator")
        expect(light).to_have_attribute("data-status", "idle")

    def wait_busy(self) -> None:
        """Wait until the notebook shows that its kernel runs something."""
        light = self.panel.locator(".jp-Notebook-ExecutionIndicator")
        expect(light).to_have_attribute("data-status", "busy")

    def start(self, number: int) -> None:
        """Run a cell, as Ctrl-Enter does."""
        self.editor(number).click()
        self.page.keyboard.press("Control+Enter")

    def run(self, number: int) -> Locator:
        """Run a cell and wait for its end; return its output."""
        self.start(number)
        self.wait_done(number)
        return self.output(number)

    def wait_done(self, number: int) -> None:
        """Wait until a cell has a number in front of it: it has run."""
        expect(self.cell(number).locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]:"))

    def type(self, number: int, text: str) -> None:
        """Write at the end of a cell."""
        self.editor(number).click()
        self.page.keyboard.press("Control+End")
        self.page.keyboard.type(text)

    def press_tab(self) -> Locator:
        """Press Tab, again if need be, until names are offered; return them.

        JupyterLab drops an answer that takes longer than a second, as the first one of IPython may
        while it imports what it completes with.
        """
        offered = self.page.locator(".jp-Completer:not(.lm-mod-hidden) .jp-Completer-item")
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline and not offered.count():
            self.page.keyboard.press("Tab")
            with contextlib.suppress(PlaywrightTimeout):
                offered.first.wait_for(timeout=2000)
        expect(offered.first).to_be_visible()
        return offered

    def leave_editor(self) -> None:
        """Change to command mode, in which single keys are commands."""
        self.page.keyboard.press("Escape")
        expect(self.panel.locator(".jp-Notebook.jp-mod-commandMode")).to_be_visible()

    def menu(self, *path: str) -> None:
        """Choose from the menu bar."""
        self.page.get_by_role("menuitem", name=path[0], exact=True).click()
        for name in path[1:]:
            item = self.page.locator(".lm-Menu-item").filter(has_text=re.compile(f"^{name}"))
            item.first.click()

    def restart(self) -> None:
        """Restart the kernel and confirm it, as the keys 0 0 do."""
        self.leave_editor()
        self.page.keyboard.press("0")
        self.page.keyboard.press("0")
        self.page.get_by_role("button", name="Confirm Kernel Restart").click()

    def wait_restarted(self) -> None:
        """Wait until a kernel that was ended has been replaced, and the new one is idle."""
        self.page.wait_for_function(RESTARTED)
        self.wait_idle()

    def dismiss(self) -> None:
        """Close the dialog that is open."""
        self.page.locator(".jp-Dialog-footer").get_by_role("button").last.click()
        expect(self.page.locator(".jp-Dialog")).to_have_count(0)

    def context_menu(self, name: str) -> None:
        """Choose from the menu that the right button of the mouse opens on a cell."""
        self.cell(0).locator(".jp-InputPrompt").click(button="right")
        self.page.locator(".lm-Menu-item").filter(has_text=name).click()

    def open_subshell(self) -> None:
        """Open a console that runs what it is given in a subshell of the notebook's kernel."""
        self.context_menu("New Subshell Console for Notebook")
        self.page.wait_for_function(IN_SUBSHELL)

    def ask_console(self, code: str) -> Locator:
        """Run a line in the console that has been opened; return its output."""
        console = self.page.locator(".jp-CodeConsole")
        console.locator(".jp-CodeConsole-promptCell .cm-content").click()
        self.page.keyboard.type(code)
        self.page.keyboard.press("Shift+Enter")
        return console.locator(".jp-CodeConsole-content .jp-OutputArea").last

    def interrupt(self) -> None:
        """Interrupt the kernel, as the keys i i do."""
        self.leave_editor()
        self.page.keyboard.press("i")
        self.page.keyboard.press("i")

    def debug(self) -> None:
        """Start the debugger, as the button with the bug does."""
        self.page.get_by_title("Enable Debugger").click()
        # The toolbar is narrower now, and may hide the button in a menu.
        self.page.get_by_title("Disable Debugger").wait_for(state="attached")

    def set_breakpoint(self, number: int, line: int) -> None:
        """Click beside a line of a cell; the first is 1."""
        beside = self.cell(number).locator(".cm-breakpoint-gutter .cm-gutterElement").nth(line)
        beside.click()
        expect(beside.locator(".cm-breakpoint-icon")).to_be_visible()

    def shot(self, step: str, place: Locator | None = None) -> Path:
        """Keep a picture of the page, or of a part of it."""
        path = SHOTS / f"{self._name}-{step}.png"
        (place or self.page).screenshot(path=path, animations="disabled")
        return path


def install_kernels(names: Sequence[str]) -> None:
    """Install the kernels into this environment, each with one command."""
    for name in names:
        argv = [sys.executable, "-m", "refimpl", "install", name, "--sys-prefix"]
        subprocess.run(argv, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, cwd=ROOT)


def uninstall_kernels(names: Sequence[str]) -> None:
    """Leave the environment as it was."""
    for name in names:
        argv = [sys.executable, "-m", "refimpl", "uninstall", f"refimpl-{name}"]
        subprocess.run(argv, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, cwd=ROOT)
