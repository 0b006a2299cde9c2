"""Search: exactly the nearest, in order, by sample, vector, text and image, as an immutable query."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

import lightly_widget as lw
from lightly_widget import search, threads
from lightly_widget.errors import InvalidTypeError, InvalidValueError, UnknownNameError

N = 60

vectors = st.tuples(st.integers(1, 40), st.integers(1, 5)).flatmap(
    lambda shape: arrays(np.float32, shape, elements=st.floats(-1e3, 1e3, width=32))
)


def quiet(fraction: float) -> None:
    """Progress that nobody watches."""


# --- the plain search -------------------------------------------------------------------------------------------------


@given(vectors, st.integers(0, 39), st.integers(1, 50))
@settings(deadline=None)
def test_distances_are_those_of_the_plain_search(x: Any, row: int, k: int) -> None:
    wanted = x[row % len(x)]
    plain = np.linalg.norm(x.astype(np.float64) - wanted, axis=1).astype(np.float32)
    found = search.distances(x, wanted)
    np.testing.assert_allclose(found, plain, rtol=1e-6)
    assert search.first(found, np.arange(len(x)), k).tolist() == np.argsort(found, kind="stable")[:k].tolist()


@given(vectors, st.integers(0, 39))
@settings(deadline=None)
def test_cosines_are_those_of_the_plain_search(x: Any, row: int) -> None:
    wanted = x[row % len(x)].astype(np.float64)
    lengths = np.linalg.norm(x.astype(np.float64), axis=1) * np.linalg.norm(wanted)
    plain = (x.astype(np.float64) @ wanted) / np.where(lengths > 0, lengths, 1)
    np.testing.assert_allclose(search.cosines(x, wanted), plain, atol=1e-6)


def test_many_blocks_and_any_number_of_threads_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).normal(size=(5_000, 60)).astype(np.float32)
    x[4_000:] = x[:1_000]
    many = search.distances(x, x[7]), search.cosines(x, x[7])
    monkeypatch.setattr(threads, "n_threads", lambda: 1)
    one = search.distances(x, x[7]), search.cosines(x, x[7])
    for a, b in zip(many, one, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a[4_000:], a[:1_000])


def test_of_equal_values_the_lower_row_comes_first() -> None:
    values, rows = np.array([1.0, 0.0, 1.0, 1.0]), np.array([9, 5, 2, 4])
    assert search.first(values, rows, 3).tolist() == [1, 2, 3]
    assert search.first(values, rows, 9).tolist() == [1, 2, 3, 0]
    assert search.first(values[:0], rows[:0], 3).tolist() == []


def test_a_search_can_be_stopped() -> None:
    class Stopped(Exception): ...

    def stop(fraction: float) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        search.distances(np.ones((10, 3), np.float32), np.ones(3), stop)


# --- dataset.search ---------------------------------------------------------------------------------------------------


@pytest.fixture
def points() -> Any:
    return np.random.default_rng(1).normal(size=(N, 4)).astype(np.float32)


@pytest.fixture
def dataset(tmp_path: Path, points: Any) -> lw.Dataset:
    made = lw.Dataset.from_polars(pl.DataFrame({"number": range(N)}), name="d", path=tmp_path)
    made.add_embeddings("m", points)
    return made


def numbers(query: Any) -> list[int]:
    found: list[int] = query.to_polars()["metadata.number"].to_list()
    return found


def test_a_vector_finds_the_nearest_in_order(dataset: lw.Dataset, points: Any) -> None:
    wanted = np.array([0.5, 0, 0, -1])
    order = np.argsort(np.linalg.norm(points - wanted, axis=1)).tolist()
    assert numbers(dataset.search(vector=wanted, n=7)) == order[:7]
    assert numbers(dataset.search(vector=wanted.tolist(), n=1_000)) == order
    assert len(dataset.search(vector=wanted)) == 10


@pytest.mark.parametrize("row", [0, 17])
def test_a_sample_comes_first_and_may_be_an_id(dataset: lw.Dataset, points: Any, row: int) -> None:
    order = np.argsort(np.linalg.norm(points - points[row], axis=1)).tolist()
    assert numbers(dataset.search(sample=dataset[row], n=5)) == order[:5]
    assert numbers(dataset.search(sample=dataset[row].sample_id, n=5)) == order[:5]
    assert order[0] == row


def test_the_answer_is_a_query_like_any_other_and_stays(dataset: lw.Dataset, points: Any) -> None:
    found = dataset.search(vector=points[3], n=8)
    before = numbers(found)
    dataset.add_embeddings("m", points[::-1].copy(), replace=True)
    assert numbers(found) == before
    assert numbers(found[:4]) == before[:4]
    found.add_tag("near")
    assert dataset.tags.counts() == {"near": 8}
    assert len(found.sampling().preview(3, [lw.RandomStrategy()])) == 3


def test_samples_without_an_embedding_are_not_found(tmp_path: Path) -> None:
    dataset = lw.Dataset.from_polars(pl.DataFrame({"number": range(4)}), name="d", path=tmp_path)
    ids = dataset.query().sample_ids.to_list()
    dataset.add_embeddings("m", [[3.0], [1.0]], sample_ids=[ids[3], ids[1]])
    assert numbers(dataset.search(vector=[0.0], n=9)) == [1, 3]
    with pytest.raises(InvalidValueError, match="has no embedding of 'm'"):
        dataset.search(sample=ids[0])


def test_of_several_models_one_is_named_and_none_guessed(dataset: lw.Dataset, points: Any) -> None:
    dataset.add_embeddings("other", -points[:, :2])
    with pytest.raises(InvalidValueError, match="several"):
        dataset.search(vector=points[0])
    other = dataset.search(vector=-points[5, :2], n=1, embedding_model_name="other")
    assert numbers(other) == [5]
    with pytest.raises(UnknownNameError):
        dataset.search(vector=points[0], embedding_model_name="nobody")


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({}, InvalidValueError, "exactly one of .*got none"),
        ({"vector": [0, 0, 0, 0], "text": "a"}, InvalidValueError, "exactly one of"),
        ({"vector": [0, 0, 0, 0], "n": 0}, InvalidValueError, "n must be at least 1"),
        ({"vector": [0, 0, 0, 0], "n": 1.5}, InvalidTypeError, "n must be a positive integer"),
        ({"vector": [0, 0]}, InvalidValueError, r"shape \(4,\)"),
        ({"vector": [[0, 0, 0, 0]]}, InvalidValueError, r"shape \(4,\)"),
        ({"vector": ["a"] * 4}, InvalidTypeError, "real numbers"),
        ({"vector": [[1], [2, 3]]}, InvalidTypeError, "4 numbers"),
        ({"vector": [0, np.nan, 0, 0]}, InvalidValueError, "finite"),
        ({"vector": [0, 1e300, 0, 0]}, InvalidValueError, "finite"),
        ({"sample": "nobody"}, UnknownNameError, "nobody"),
        ({"sample": 3}, InvalidTypeError, "sample ids"),
        ({"text": 3}, InvalidTypeError, "text must be a string"),
        ({"text": " "}, InvalidValueError, "text must not be empty"),
        ({"text": "cats"}, InvalidValueError, "understand text"),
        ({"image": "a.png"}, InvalidValueError, "understand images"),
        ({"image": 3}, InvalidTypeError, "a path, a Pillow image or the bytes"),
    ],
)
def test_what_cannot_be_looked_for_says_why(
    dataset: lw.Dataset, arguments: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        dataset.search(**arguments)


def test_without_embeddings_it_says_how_to_make_them(tmp_path: Path) -> None:
    dataset = lw.Dataset.from_polars(pl.DataFrame({"number": [1]}), name="d", path=tmp_path)
    with pytest.raises(InvalidValueError, match=r"dataset\.embed"):
        dataset.search(vector=[0.0])


# --- by text and by image ---------------------------------------------------------------------------------------------


class Letters:
    """Counts letters: enough to tell texts apart."""

    name = "letters"
    dimension = 26
    kind = "text"

    def embed(self, items: Any) -> Any:
        return np.array([[str(item).count(chr(97 + c)) for c in range(26)] for item in items], dtype=np.float32)


def test_a_text_finds_the_texts_of_the_largest_cosine(tmp_path: Path) -> None:
    texts = ["cat", "dog dog dog dog", "dog cat"]
    dataset = lw.Dataset.from_polars(pl.DataFrame({"text": texts}), name="texts", path=tmp_path)
    dataset.embed(Letters(), progress=quiet)
    assert dataset.search(text="dog", n=2).to_polars()["text"].to_list() == ["dog dog dog dog", "dog cat"]
    with pytest.raises(InvalidValueError, match="understand images"):
        dataset.search(image=Image.new("RGB", (3, 3)))


class MeanColor:
    """Embeds an image as its mean color."""

    name = "mean-color"
    dimension = 3
    kind = "image"

    def embed(self, items: Any) -> Any:
        pixels = [np.asarray(Image.open(item).convert("RGB"), dtype=np.float32) for item in items]
        return np.array([image.mean((0, 1)) for image in pixels], dtype=np.float32)

    def embed_text(self, items: Any) -> Any:
        return np.array([COLORS[item] for item in items], dtype=np.float32)


COLORS = {"red": (250, 0, 0), "green": (0, 250, 0), "blue": (0, 0, 250), "gray": (120, 120, 120)}


@pytest.fixture
def images(tmp_path: Path) -> lw.ImageDataset:
    folder = tmp_path / "images"
    folder.mkdir()
    for name, color in COLORS.items():
        Image.new("RGB", (20, 20), color).save(folder / f"{name}.png")
    dataset = lw.ImageDataset.create("colors", path=tmp_path / "data")
    dataset.add_images_from_path(folder, embed=MeanColor(), progress=quiet)
    return dataset


def as_bytes(image: Image.Image, folder: Path) -> object:
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def as_file(image: Image.Image, folder: Path) -> object:
    image.save(folder / "wanted.png")
    return folder / "wanted.png"


@pytest.mark.parametrize("given", [as_bytes, as_file, lambda image, folder: image])
def test_an_image_finds_what_is_like_it(images: lw.ImageDataset, tmp_path: Path, given: Callable[..., object]) -> None:
    wanted = given(Image.new("RGB", (9, 9), (10, 200, 60)), tmp_path)
    assert [sample.file_name for sample in images.search(image=wanted, n=2)] == ["green.png", "gray.png"]


def test_a_model_of_both_finds_images_by_text(images: lw.ImageDataset) -> None:
    assert [sample.file_name for sample in images.search(text="blue", n=1)] == ["blue.png"]


def test_two_models_that_read_images_are_not_guessed_between(images: lw.ImageDataset) -> None:
    second = MeanColor()
    second.name = "second"  # type: ignore[misc]
    images.embed(second, progress=quiet)
    wanted = Image.new("RGB", (9, 9), "red")
    with pytest.raises(InvalidValueError, match="name one of 'mean-color', 'second'"):
        images.search(image=wanted)
    found = images.search(image=wanted, n=1, embedding_model_name="second")
    assert [sample.file_name for sample in found] == ["red.png"]


@pytest.mark.parametrize("damaged", [b"nothing", b""])
def test_a_damaged_picture_is_refused(images: lw.ImageDataset, damaged: bytes) -> None:
    with pytest.raises(InvalidValueError, match="cannot be read"):
        images.search(image=damaged)


def test_a_vector_that_holds_itself_is_refused_at_once(tmp_path: Path) -> None:
    dataset = lw.Dataset.from_polars(pl.DataFrame({"text": ["a", "b"]}), np.eye(2), name="d", path=tmp_path)
    itself: list[object] = []
    itself.append(itself)
    with pytest.raises(InvalidValueError, match="vector"):
        dataset.search(vector=itself)
