"""An explorer of a dataset is shown again as it was left."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import lightly_widget as lw
from lightly_widget.errors import InvalidValueError, LightlyWidgetWarning
from lightly_widget.store import kept, read_kept, write_kept
from tests.test_page import diverse, make

LEFT: dict[str, Any] = {
    "strategies": [lw.EmbeddingDiversityStrategy(strength=2.0).to_dict()],
    "candidates": {"from": "filter"},
    "color_by": {"by": "metadata", "key": "weather"},
    "viewport": [0.0, 0.0, 1.0, 2.0],
    "height": 444,
}


def left(dataset: lw.Dataset) -> lw.SamplingResult:
    """Leave an explorer behind; returns its sample."""
    explorer = dataset.explore()
    for name, value in LEFT.items():
        setattr(explorer, name, value)
    explorer.filter = lw.SampleField.metadata["score"] < 0.5
    result = diverse(dataset)
    explorer.sample = result
    explorer.n_samples_to_select = 4
    explorer.close()
    return result


def test_a_fresh_handle_shows_what_was_left(tmp_path: Path) -> None:
    result = left(make(tmp_path))
    again = lw.Dataset.load("pages", path=tmp_path).explore(restore=True)
    for name, value in LEFT.items():
        assert getattr(again, name) == value
    assert again.filter == (lw.SampleField.metadata["score"] < 0.5).to_dict()
    assert again.n_samples_to_select == 4
    assert again.sample.new_ids == result.new_ids[:4]
    again.n_samples_to_select = 9
    assert again.sample.new_ids == result.new_ids
    again.close()


def test_without_being_asked_nothing_is_restored(tmp_path: Path) -> None:
    dataset = make(tmp_path)
    left(dataset)
    assert (dataset.explore().sample, dataset.explore().height) == (None, 600)


def test_what_is_given_wins(tmp_path: Path) -> None:
    dataset = make(tmp_path)
    left(dataset)
    explorer = dataset.explore(restore=True, height=444, n_samples_to_select=7, color_by="none")
    assert (explorer.n_samples_to_select, explorer.color_by) == (7, {"by": "none"})


def test_the_first_explorer_has_nothing_to_restore(tmp_path: Path) -> None:
    assert make(tmp_path).explore(restore=True).sample is None


def test_changes_are_written_by_themselves(tmp_path: Path) -> None:
    dataset = make(tmp_path)
    explorer = dataset.explore()
    assert explorer._keeper is not None
    explorer.height = 500
    assert explorer._keeper._timer is not None
    explorer._keeper._timer.join(20)
    assert json.loads((tmp_path / "pages" / "explorer.json").read_text())["height"] == 500


def test_opening_writes_nothing(tmp_path: Path) -> None:
    dataset = make(tmp_path)
    dataset.explore().close()
    dataset.explore(restore=True).close()
    assert not (tmp_path / "pages" / "explorer.json").exists()


def test_what_no_longer_fits_keeps_its_default_and_says_so(tmp_path: Path) -> None:
    dataset = make(tmp_path)
    left(dataset)
    folder = tmp_path / "pages"
    state = read_kept(folder)
    assert state is not None
    write_kept(folder, state | {"preselected_tag_name": "gone", "recipe": {"query": 3}})
    with pytest.warns(LightlyWidgetWarning) as caught:
        explorer = dataset.explore(restore=True)
    said = [str(warning.message) for warning in caught]
    assert [text.split(" was not restored: ")[0] for text in said] == ["the sample", "'preselected_tag_name'"]
    assert (explorer.sample, explorer.preselected_tag_name, explorer.height) == (None, None, 444)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"height": 444}', "[" * 60_000])
def test_a_damaged_file_counts_as_none(tmp_path: Path, text: str) -> None:
    dataset = make(tmp_path)
    (tmp_path / "pages" / "explorer.json").write_text(text)
    assert dataset.explore(restore=True).height == 600


def test_another_dataset_of_that_name_begins_afresh(tmp_path: Path) -> None:
    left(make(tmp_path / "a"))
    dataset = make(tmp_path / "b")
    os.replace(tmp_path / "a" / "pages" / "explorer.json", tmp_path / "b" / "pages" / "explorer.json")  # noqa: PTH105
    assert dataset.explore(restore=True).height == 600


def test_a_query_has_nothing_kept(tmp_path: Path) -> None:
    dataset = make(tmp_path)
    with pytest.raises(InvalidValueError, match="restore=True is for an explorer of the whole dataset"):
        lw.Explorer(dataset, dataset.query()[:10], restore=True)
    lw.Explorer(dataset, dataset.query()[:10], height=300).close()
    assert not (tmp_path / "pages" / "explorer.json").exists()


def test_a_state_too_large_is_not_written(tmp_path: Path) -> None:
    assert not write_kept(tmp_path, {"filter": "x" * 70_000})
    assert not write_kept(tmp_path / "nowhere", {})
    assert read_kept(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_a_sample_too_long_to_keep_is_left_out_and_the_rest_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = make(tmp_path)
    left(dataset)
    before = read_kept(tmp_path / "pages")
    assert before is not None
    assert before["recipe"] is not None
    explorer = dataset.explore(restore=True)
    explorer.n_samples_to_select = 3
    monkeypatch.setattr(kept, "LARGEST", len(json.dumps(before | {"recipe": None})) + 20)
    explorer.close()
    state = read_kept(tmp_path / "pages")
    assert state is not None
    assert (state["n_samples_to_select"], state["recipe"], state["height"]) == (3, None, 444)
