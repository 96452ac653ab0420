"""The session says what it lacks."""

from types import SimpleNamespace

import pytest
from lab import BROWSERS, NoBrowser, find_browser


def test_no_browser(monkeypatch, tmp_path):
    """Without a browser, one line tells where one is looked for."""
    monkeypatch.setenv("PATH", str(tmp_path))
    own = SimpleNamespace(executable_path=str(tmp_path / "chrome"))
    with pytest.raises(NoBrowser, match=f"^no browser: expected one of {', '.join(BROWSERS)} .*$"):
        find_browser(SimpleNamespace(chromium=own))
