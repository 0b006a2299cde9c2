"""For mkdocs: makes the live explorer of the start page, with `to_html`, from the demo's dataset."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import lightly_widget as lw
from lightly_widget import demo


def on_post_build(config: Any) -> None:
    """Write the page beside the built ones."""
    with tempfile.TemporaryDirectory() as folder:
        sampling = demo.shapes(folder).query().sampling()
        diverse = sampling.preview(60, [lw.EmbeddingDiversityStrategy()])
        random = sampling.preview(60, [lw.RandomStrategy()])
        target = Path(config["site_dir"]) / "live.html"
        diverse.to_html(target, compare=random, colorings="all", title="900 drawn shapes", overwrite=True)
