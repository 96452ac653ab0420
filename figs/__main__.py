"""Write every figure next to its generator; with ``--check``, only compare."""

import argparse
import sys
from pathlib import Path

from . import FOLDER, NAMES, draw_figure


def write(folder: Path) -> None:
    """Write every figure into `folder` as NAME.svg."""
    for name in NAMES:
        (folder / f"{name}.svg").write_text(draw_figure(name).svg(), "utf-8", newline="\n")


def differing(folder: Path) -> list[str]:
    """Return the names of the files in `folder` that are absent or not what the code draws."""
    return [
        f"{name}.svg"
        for name in NAMES
        if not (path := folder / f"{name}.svg").is_file()
        or path.read_text("utf-8") != draw_figure(name).svg()
    ]


def main(argv: list[str] | None = None, folder: Path = FOLDER) -> int:
    """Write or check the files; return 1 if a check found a difference."""
    parser = argparse.ArgumentParser(
        prog="python -m figs", description="Draw the figures of the documentation."
    )
    parser.add_argument(
        "--check", action="store_true", help="compare only; exit status 1 on a difference"
    )
    if not parser.parse_args(argv).check:
        write(folder)
        return 0
    wrong = differing(folder)
    if wrong:
        print(f"not what the code draws: {', '.join(wrong)}; run `python -m figs`", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
