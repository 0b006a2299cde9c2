"""What the handlers ask of the explorer that they answer for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lightly_widget.widget.history import Entry


class Shown(Protocol):
    """The traits that requests read, and the ways in which answers change them."""

    filter: Any
    preselected_tag_name: Any
    n_samples_to_select: Any
    export_root: Path

    def show_selection(self, mask: NDArray[np.bool_] | None) -> None: ...
    def show_filter(self, expression: dict[str, Any] | None) -> None: ...
    def show_sample(self) -> None: ...
    def show_spec(self, entry: Entry | None) -> None: ...
    def tell_info(self) -> None: ...
    def tell_traits(self) -> None: ...
    def refresh(self) -> None: ...
