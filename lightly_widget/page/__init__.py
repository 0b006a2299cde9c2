"""A page that shows an explorer without a kernel: the front end, and what the kernel said when the page was made."""

from lightly_widget.page.document import document
from lightly_widget.page.pack import Said, packed, recorded
from lightly_widget.page.picture import category_colors, number_colors, picture
from lightly_widget.page.write import Beside, beside, page_path, write_page

__all__ = [
    "Beside",
    "Said",
    "beside",
    "category_colors",
    "document",
    "number_colors",
    "packed",
    "page_path",
    "picture",
    "recorded",
    "write_page",
]
