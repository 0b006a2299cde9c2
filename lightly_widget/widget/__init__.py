"""The explorer widget."""

from lightly_widget.widget.explorer import Explorer, page_of_result

__all__ = ["Explorer", "page_of_result"]
