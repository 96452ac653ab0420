"""Where the repository's folders are: pages show and run what is beside docs/."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
