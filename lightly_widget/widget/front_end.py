"""The module that draws the explorer in a page, and the panel beside the notebook."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import traitlets

from lightly_widget.errors import InvalidValueError, MissingDependencyError, shown

BUNDLE: Final = Path(__file__).parents[1] / "static" / "widget.js"
HOT_RELOAD: Final = os.environ.get("ANYWIDGET_HMR") == "1"
_NOT_BUILT: Final = """
export default { render({ el }) {
  el.textContent = "The front end of lightly_widget is not built: run 'make bundle'.";
} };
"""


def front_end() -> str | Path:
    """The module's source. As a path, anywidget would watch it and keep each explorer alive for good."""
    if not BUNDLE.exists():
        return _NOT_BUILT
    return BUNDLE if HOT_RELOAD else BUNDLE.read_text(encoding="utf-8")


def show_beside(bundle: Any, title: str, anchor: str) -> Any:
    """Show a widget's MIME bundle in a panel of JupyterLab; the `Sidecar`."""
    try:
        from sidecar import Sidecar
    except ImportError:
        raise MissingDependencyError(
            "the side panel needs the package sidecar: pip install 'lightly-widget[side]', then reload the page"
        ) from None
    from IPython.display import display

    try:
        panel = Sidecar(title=title, anchor=anchor)
    except traitlets.TraitError as error:
        raise InvalidValueError(f"anchor={shown(anchor)}: {str(error).rstrip('.')}") from None
    with panel:
        display(bundle[0], metadata=bundle[1], raw=True)  # type: ignore[no-untyped-call]
    return panel
