"""`explorer.json`: how an explorer of the dataset was last left. Nothing depends on it."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from lightly_widget.store import disk

NAME: Final = "explorer.json"
PREFIX: Final = ".explorer"
LARGEST: Final = 65_536


def write_kept(folder: Path, state: dict[str, Any]) -> bool:
    """Replace the file as a whole; False where the state is too large or the folder takes none."""
    text = json.dumps(state)
    if len(text) > LARGEST:
        return False
    with suppress(OSError):  # read-only, full or gone: the next explorer starts afresh, and no data are lost
        temporary, descriptor = disk.new_file(folder, PREFIX)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            temporary.replace(folder / NAME)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return True
    return False


def read_kept(folder: Path) -> dict[str, Any] | None:
    """What was last written whole; None where there is nothing, or what is there is damaged."""
    content = disk.read_small(folder / NAME, LARGEST)
    if content is None:
        return None
    try:
        state = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return state if isinstance(state, dict) else None
