"""The vectors nearest to one, exactly, and the embedders that turn text or a picture into one. Rows only, no ids.

Distances and cosines are computed in float64 from the vectors themselves, block by block, and rounded to float32
before they are compared: equal vectors are equally near, whatever block they are in.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lightly_widget.embedding import EfficientNetLite0, SentenceMiniLM
from lightly_widget.errors import (
    InvalidValueError,
    LightlyWidgetError,
    MissingDependencyError,
    Progress,
    no_progress,
    shown,
)
from lightly_widget.threads import in_threads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightly_widget.embedding import Embedder

NO_TEXT: Final = (
    "none of the dataset's embedding models is known to understand text; find by a sample instead, or call "
    "dataset.embed(embedder) with one that embeds texts or has embed_text, also when the samples are embedded already"
)
NO_IMAGE: Final = (
    "none of the dataset's embedding models is known to understand images; find by a sample instead, or call "
    "dataset.embed(embedder) with one that embeds images, also when the samples are embedded already"
)
FORMATS: Final = ("PNG", "JPEG", "WEBP")
MAX_SIDE: Final = 4_096
_BLOCK_VALUES: Final = 1 << 16  # in cache as float64

# --- nearest vectors --------------------------------------------------------------------------------------------------


def distances(vectors: NDArray[Any], wanted: NDArray[Any], progress: Progress = no_progress) -> NDArray[np.float32]:
    """(n,) the Euclidean distance of each of the vectors (n, d) to the wanted one (d,)."""

    def away(block: NDArray[np.float64]) -> NDArray[np.float64]:
        np.subtract(block, wanted, out=block)
        return _lengths(block)

    return _by_blocks(vectors, away, progress)


def cosines(vectors: NDArray[Any], wanted: NDArray[Any], progress: Progress = no_progress) -> NDArray[np.float32]:
    """(n,) the cosine between each of the vectors (n, d) and the wanted one (d,), −1…1; 0 where one has no length."""
    direction = wanted.astype(np.float64)
    direction /= np.linalg.norm(direction) or 1.0

    def cosine(block: NDArray[np.float64]) -> NDArray[np.float64]:
        lengths = _lengths(block)
        along: NDArray[np.float64] = np.vecdot(block, direction)
        return along / np.where(lengths > 0, lengths, 1.0)

    return _by_blocks(vectors, cosine, progress)


def _lengths(block: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths: NDArray[np.float64] = np.sqrt(np.vecdot(block, block))
    return lengths


def _by_blocks(
    vectors: NDArray[Any], value: Callable[[NDArray[np.float64]], NDArray[np.float64]], progress: Progress
) -> NDArray[np.float32]:
    result = np.empty(len(vectors), dtype=np.float32)
    step = max(_BLOCK_VALUES // vectors.shape[1], 1)

    def work(start: int, _: NDArray[np.float32], stopped: Callable[[], bool]) -> None:
        part = slice(start, start + step)
        result[part] = value(vectors[part].astype(np.float64))

    in_threads(range(0, len(vectors), step), work, 0, progress)
    return result


def first(values: NDArray[Any], rows: NDArray[Any], k: int) -> NDArray[np.int64]:
    """The positions of the `k` smallest values, smallest first; of equal ones that with the lower row."""
    k = min(k, len(values))
    if k < 1:
        return np.empty(0, dtype=np.int64)
    limit = np.partition(values, k - 1)[k - 1]
    some = np.flatnonzero(values <= limit)
    return some[np.lexsort((rows[some], values[some]))][:k]


# --- what is looked for -----------------------------------------------------------------------------------------------


def text_embedders(embedders: Mapping[str, Embedder], models: Iterable[str]) -> list[Embedder]:
    """Those that turn text into vectors of one of these models.

    Of the embedders used in this session, those that embed texts or have `embed_text`; else this package's text model,
    where the vectors are its own and its packages are installed.
    """
    known = [embedders[model] for model in models if model in embedders]
    found = [each for each in known if each.kind == "text" or hasattr(each, "embed_text")]
    if found or SentenceMiniLM.name not in models:
        return found
    try:
        return [_mini_lm()]
    except MissingDependencyError:
        return []


def image_embedders(embedders: Mapping[str, Embedder], models: Iterable[str]) -> list[Embedder]:
    """Those that turn images into vectors of one of these models.

    Of the embedders used in this session, those that embed images; else this package's image model, where the vectors
    are its own. MissingDependencyError: its packages are not installed.
    """
    known = [embedders[model] for model in models if model in embedders]
    found = [each for each in known if each.kind == "image"]
    return found or [_efficientnet(size) for name, size in _SIZES.items() if name in models]


_SIZES: Final = {"efficientnet-lite0": 128, "efficientnet-lite0-224": 224}


@cache
def _efficientnet(input_size: int) -> Embedder:
    return EfficientNetLite0(input_size)


@cache
def _mini_lm() -> Embedder:
    return SentenceMiniLM()


def embedded_text(embedder: Embedder, text: str) -> NDArray[np.float32]:
    """(d,) the embedding of some text."""
    return _one(embedder, getattr(embedder, "embed_text", embedder.embed)([text]), "text")


def embedded_file(embedder: Embedder, path: str | Path) -> NDArray[np.float32]:
    """(d,) the embedding of the image at a path. UnreadableItemError: there is none that can be read."""
    return _one(embedder, embedder.embed([path]), "image")


def embedded_picture(embedder: Embedder, data: bytes) -> NDArray[np.float32]:
    """(d,) the embedding of a picture given as the bytes of a file. ValueError: it is not a picture, or unusable.

    Embedders read files, so the picture, decoded and written again, lies in a temporary file for as long as that takes.
    """
    picture = _decoded(data)
    with tempfile.TemporaryDirectory(prefix="lightly_widget_") as folder:
        path = Path(folder, "wanted.png")
        picture.save(path, "PNG")
        return embedded_file(embedder, path)


def _one(embedder: Embedder, embedded: Any, what: str) -> NDArray[np.float32]:
    vectors = np.asarray(embedded, dtype=np.float32)
    if vectors.ndim != 2 or len(vectors) != 1 or not np.isfinite(vectors).all():
        raise InvalidValueError(f"the embedder {shown(embedder.name)} gave no finite vector for this {what}")
    vector: NDArray[np.float32] = vectors[0]
    return vector


def check_dimension(model: str, wanted: NDArray[Any], dimension: int) -> None:
    """Refuse an embedder's vector of another length than the stored ones."""
    if wanted.shape != (dimension,):
        raise InvalidValueError(
            f"the embedder {shown(model)} gives {len(wanted)} dimensions; its stored embeddings have {dimension}"
        )


def _decoded(data: bytes) -> Any:
    """The first frame as RGB or RGBA, upright, without anything else that the file holds."""
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if max(image.size) > MAX_SIDE:
                raise InvalidValueError(
                    f"the image has {image.width} × {image.height} pixels; at most {MAX_SIDE} a side are taken"
                )
            upright = ImageOps.exif_transpose(image)
            picture = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
            picture.info.clear()
            return picture
    except LightlyWidgetError:
        raise
    except Exception as error:
        raise InvalidValueError(
            f"the picture cannot be read; expected PNG, JPEG or WebP ({type(error).__name__})"
        ) from error
