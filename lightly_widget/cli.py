"""`lightly-widget demo`: a notebook with a dataset that is made here, opened in JupyterLab."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

NOTEBOOK: Final = "lightly_widget_demo.ipynb"
CELLS: Final = [
    ("markdown", "# Choose what to label, in the notebook\n\n900 drawn shapes in very unequal numbers. Run the cells."),
    ("code", "from lightly_widget import demo\n\ndataset = demo.shapes()\ndataset"),
    ("markdown", "Choose a strategy and a number in the panel, press **Sample**, drag the count, and save a tag."),
    ("code", "explorer = dataset.explore()\nexplorer"),
    ("markdown", "What was saved is here, and anyone can open what you show without a kernel:"),
    ("code", "print(dataset.tags.list())\nexplorer.to_html('shapes.html', overwrite=True)"),
]


def notebook() -> dict[str, Any]:
    """The demo notebook, not yet run."""
    cells: list[dict[str, Any]] = []
    for number, (kind, source) in enumerate(CELLS):
        cell: dict[str, Any] = {"id": f"cell-{number}", "cell_type": kind, "metadata": {}, "source": source}
        cells.append(cell | ({"outputs": [], "execution_count": None} if kind == "code" else {}))
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="lightly-widget", description="Choose what to label, in the notebook.")
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="write a demo notebook and open it in JupyterLab")
    demo.add_argument("folder", nargs="?", default="lightly_widget_demo", help="where the notebook and its data go")
    demo.add_argument("--no-open", action="store_true", help="write the notebook only")
    options = parser.parse_args(arguments)
    path = Path(options.folder) / NOTEBOOK
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():  # it may hold somebody's work by now
        path.write_text(json.dumps(notebook(), indent=1), encoding="utf-8")
    print(f"The notebook is {path}.")
    if options.no_open:
        return 0
    if importlib.util.find_spec("jupyterlab") is None:
        print("JupyterLab is not installed: pip install jupyterlab, then run this again.", file=sys.stderr)
        return 1
    root = ["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
    return subprocess.run(
        [sys.executable, "-m", "jupyterlab", *root, path.name], cwd=path.parent, check=False
    ).returncode
