"""What the tests in a browser share: kernels that are installed, one JupyterLab, one Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from lab import (
    SHOTS,
    SIZE,
    TIMEOUT,
    Lab,
    NoBrowser,
    Notebook,
    browser_arguments,
    find_browser,
    install_kernels,
    run_lab,
    uninstall_kernels,
)
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

KERNELS = ("python", "ipython", "bash", "echo")


@pytest.fixture(scope="session")
def browser() -> Iterator[BrowserContext]:
    """Start a Chromium that nobody sees; end the whole run in one line if there is none."""
    expect.set_options(timeout=TIMEOUT * 1000)
    with sync_playwright() as playwright:
        try:
            path = find_browser(playwright)
        except NoBrowser as error:
            pytest.exit(str(error), returncode=2)
        chromium = playwright.chromium.launch(executable_path=path, args=browser_arguments())
        # One context: a page need not load the whole of JupyterLab again.
        context = chromium.new_context(viewport=SIZE, device_scale_factor=1, locale="en-US")
        context.set_default_timeout(TIMEOUT * 1000)
        yield context
        chromium.close()


@pytest.fixture(scope="session")
def kernels() -> Iterator[None]:
    """Install our kernels into this environment, and remove them afterwards."""
    install_kernels(KERNELS)
    yield
    uninstall_kernels(KERNELS)


@pytest.fixture(scope="session")
def lab(browser, kernels, tmp_path_factory) -> Iterator[Lab]:
    """Run one JupyterLab for all tests; each has a notebook and a workspace of its own."""
    shutil.rmtree(SHOTS, ignore_errors=True)
    SHOTS.mkdir(parents=True)
    with run_lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture
def page(browser) -> Iterator[Page]:
    """Open a page; whatever the test leaves open is closed without a question."""
    page = browser.new_page()
    yield page
    page.close(run_before_unload=False)


@pytest.fixture
def notebook(lab, page, request) -> Iterator[Notebook]:
    """Give the test a page of JupyterLab; a last picture is kept, also when it fails."""
    name = request.node.name.removeprefix("test_").translate(str.maketrans("[", "-", "]"))
    notebook = Notebook(page, lab, name)
    yield notebook
    notebook.shot("end")
    lab.end_kernels()
