"""docs/api.md is what the code says, and it lists everything that is public."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import lightly_widget as lw
from docs.api import PAGE, page

ROOT = Path(__file__).parents[1]


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run `python -m docs.api`"


def test_the_page_is_the_same_in_every_process() -> None:
    code = "from docs.api import page; print(page(), end='')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == PAGE.read_text()


def test_every_public_name_is_on_the_page() -> None:
    text = PAGE.read_text()
    assert [name for name in lw.__all__ if name not in text and name != "expressions"] == []
