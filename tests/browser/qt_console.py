"""A session in the Qt console, without a screen: `python qt_console.py KERNEL PICTURE`.

It types as a user does, prints all that the console shows at the end, and keeps a picture of it.
"""

import os
import sys
from collections.abc import Callable

os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["QT_API"] = "pyside6"

from qtconsole.manager import QtKernelManager
from qtconsole.rich_jupyter_widget import RichJupyterWidget
from qtpy.QtCore import QEventLoop, Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QPlainTextEdit

TIMEOUT = 30.0  # seconds; only a session that fails waits so long
LINES = [
    ("print('hello'); 6 * 7", "hello"),
    ("1 / 0", "ZeroDivisionError"),
    ("print('hello', input('name? '))", "name?"),
    ("Ada", "hello Ada"),
    ("'still here'", "still here"),
]


def until(text: QPlainTextEdit, condition: Callable[[], bool], what: str) -> None:
    """Let Qt work until the condition holds; it is looked at whenever the text changes."""
    loop = QEventLoop()
    text.textChanged.connect(lambda: condition() and loop.quit())
    QTimer.singleShot(int(TIMEOUT * 1000), loop.quit)
    if not condition():
        loop.exec()
    assert condition(), f"no {what} within {TIMEOUT} s in:\n{text.toPlainText()}"


def main(kernel: str, picture: str) -> None:
    """Run the lines one after the other, each when the answer to the one before is shown."""
    app = QApplication([])
    manager = QtKernelManager(kernel_name=kernel)
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    console = RichJupyterWidget()
    console.kernel_manager, console.kernel_client = manager, client
    console.resize(700, 500)
    console.show()
    text = console._control
    until(text, lambda: "In [1]:" in text.toPlainText(), "prompt")
    number = 1
    for line, answer in LINES:
        QTest.keyClicks(text, line)
        seen = len(text.toPlainText())
        QTest.keyClick(text, Qt.Key.Key_Return)
        until(text, lambda: answer in text.toPlainText()[seen:], answer)  # noqa: B023
        if answer != "name?":  # the cell is done
            number += 1
            until(text, lambda: f"In [{number}]:" in text.toPlainText(), "prompt")  # noqa: B023
    print(text.toPlainText())
    console.grab().save(picture)
    client.stop_channels()
    manager.shutdown_kernel()
    app.quit()


if __name__ == "__main__":
    main(*sys.argv[1:])
