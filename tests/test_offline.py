"""What a saved notebook shows without a kernel: a picture of the map, or the page itself in a frame."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

import lightly_widget as lw
from lightly_widget.page.picture import HEIGHT, picture
from tests.test_page import Elements, diverse, make

SAMPLE = (0xD1, 0x49, 0x0D)


def outputs(explorer: lw.Explorer) -> dict[str, Any]:
    bundle: Any = explorer._repr_mimebundle_()
    return dict(bundle[0])


def pixels(png: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def near(image: Any, color: tuple[int, int, int]) -> Any:
    return np.abs(image - np.array(color)).sum(axis=2) < 40


def test_the_picture_shows_the_map_and_the_sample(tmp_path: Path) -> None:
    dataset = make(tmp_path / "data")
    explorer = dataset.explore(color_by={"by": "metadata", "key": "weather"})
    plain = pixels(base64.b64decode(outputs(explorer)["image/png"]))
    assert not near(plain, SAMPLE).any()
    assert (plain[:HEIGHT] < 250).any()
    explorer.sample = diverse(dataset)
    marked = outputs(explorer)
    assert near(pixels(base64.b64decode(marked["image/png"])), SAMPLE).sum() > 100
    assert "application/vnd.jupyter.widget-view+json" in marked
    assert "text/html" not in marked
    explorer.close()


def test_points_lie_where_they_are() -> None:
    x, y = np.array([0, 1, np.nan], np.float32), np.array([0, 1, 0], np.float32)
    image = pixels(picture(x, y, None, np.array([1]), ""))
    rows, columns = np.nonzero(near(image, SAMPLE))
    assert rows.mean() < HEIGHT / 4
    assert columns.mean() > image.shape[1] / 2


def test_colors_follow_categories_and_numbers(tmp_path: Path) -> None:
    dataset = make(tmp_path / "data")
    seen = []
    for color_by in ({"by": "none"}, {"by": "metadata", "key": "weather"}, {"by": "metadata", "key": "score"}):
        image = pixels(base64.b64decode(outputs(dataset.explore(color_by=color_by))["image/png"]))
        seen.append(len({tuple(color) for color in image[:HEIGHT].reshape(-1, 3)}))
    assert seen[0] < seen[1] < seen[2]


def test_an_empty_dataset_has_no_picture(tmp_path: Path) -> None:
    dataset = lw.Dataset.create("empty", path=tmp_path)
    assert "image/png" not in outputs(dataset.explore())


def test_names_may_hold_anything() -> None:
    x = np.zeros(1, np.float32)
    assert picture(x, x, None, np.array([], np.int64), "\u202e\x00\ud800 <b>\n" * 20).startswith(b"\x89PNG")


def test_the_page_goes_into_a_frame_when_asked(tmp_path: Path) -> None:
    dataset = make(tmp_path / "data")
    explorer = dataset.explore()
    explorer.sample = diverse(dataset)
    explorer.embed_offline = True
    [(tag, attributes)] = Elements(outputs(explorer)["text/html"]).found
    assert tag == "iframe"
    assert attributes["sandbox"] == "allow-scripts"
    assert (attributes["srcdoc"] or "").startswith("<!doctype html>")
    assert '<script type="module">' in (attributes["srcdoc"] or "")


def test_a_page_over_the_limit_leaves_the_picture_and_a_word(tmp_path: Path) -> None:
    explorer = make(tmp_path / "data").explore()
    explorer.embed_offline, explorer.embed_limit = True, 1_000
    with pytest.warns(lw.errors.LightlyWidgetWarning, match="embed_limit"):
        shown = outputs(explorer)
    assert "text/html" not in shown
    assert "image/png" in shown


def test_a_coloring_that_is_gone_leaves_the_explorer_shown(tmp_path: Path) -> None:
    explorer = make(tmp_path / "data").explore(color_by={"by": "metadata", "key": "gone"})
    explorer.embed_offline = True
    assert set(outputs(explorer)) & {"text/html", "image/png"} == set()
    assert "application/vnd.jupyter.widget-view+json" in outputs(explorer)
    explorer.close()


def test_a_wide_map_is_not_computed_for_a_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lightly_widget.widget.offline._PICTURE_UP_TO", 50)
    dataset = make(tmp_path / "data")
    assert "image/png" not in outputs(dataset.explore())
    dataset.projections.get(None, "pca")
    assert "image/png" in outputs(dataset.explore())


def test_texts_are_pictured_too(tmp_path: Path) -> None:
    frame = pl.DataFrame({"text": ["a", "b", "c"]})
    dataset = lw.Dataset.from_polars(frame, embeddings=np.eye(3, dtype=np.float32), name="t", path=tmp_path)
    assert "image/png" in outputs(dataset.explore())
