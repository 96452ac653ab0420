"""The figures of the documentation, drawn by code.

Each module named below draws one figure and says so in its function ``figure()``;
``draw`` has the shapes they share. ``python -m figs`` writes the SVG files,
``python -m figs --check`` compares them.
"""

from importlib import import_module
from pathlib import Path

from .draw import Figure

FOLDER = Path(__file__).parent

NAMES = (
    "ipy_kernel_and_terminal",
    "other_kernels",
    "notebook_components",
    "nbconvert",
    "frontend_kernel",
    "many_frontends",
)


def draw_figure(name: str) -> Figure:
    """Return the figure of that name, newly drawn."""
    figure: Figure = import_module(f".{name}", __name__).figure()
    return figure
