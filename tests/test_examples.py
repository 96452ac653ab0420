"""What the pages say about their example files, where no page can run it itself."""

import sys
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

from refimpl.kernelspec import KernelSpec

ROOT = Path(__file__).parent.parent
ECHO = ROOT / "refimpl" / "kernels" / "echo.py"
CHANGES = ROOT / "docs" / "examples" / "echo_under_ipykernel.diff"


def changed(source: str, changes: str) -> str:
    """Replace each line that begins with - by the line that begins with + after it."""
    lines = changes.splitlines()
    old = [line[1:] for line in lines if line.startswith("-")]
    new = [line[1:] for line in lines if line.startswith("+")]
    for before, after in zip(old, new, strict=True):
        assert source.count(before) == 1, before
        source = source.replace(before, after)
    return source


def test_echo_runs_under_ipykernel(tmp_path):
    """The echo kernel answers under ipykernel when the lines shown on the page are changed."""
    program = tmp_path / "echo_kernel.py"
    program.write_text(changed(ECHO.read_text("utf-8"), CHANGES.read_text("utf-8")), "utf-8")
    spec = KernelSpec([sys.executable, str(program), "-f", "{connection_file}"], "Echo", "echo")
    (tmp_path / "echo").mkdir()
    spec.write(tmp_path / "echo")
    manager = KernelManager(
        kernel_name="echo",
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(tmp_path)]),
        connection_file=str(tmp_path / "connection.json"),
    )
    heard = []
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=30)
        info = client.kernel_info(reply=True, timeout=10)["content"]
        reply = client.execute_interactive("Polly", timeout=10, output_hook=heard.append)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert info["implementation"] == "Echo"
    assert reply["content"]["status"] == "ok"
    texts = [message["content"]["text"] for message in heard if message["msg_type"] == "stream"]
    assert texts == ["Polly"]
