"""The explorer widget."""

from lightly_widget.widget.explorer import Explorer

__all__ = ["Explorer"]
