"""Looking for samples: nearest to one, more or less like one, or fitting text; over all embeddings, exactly."""

from __future__ import annotations

import io
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lightly_widget.errors import InvalidValueError, LightlyWidgetError, MissingDependencyError, Progress
from lightly_widget.neighbors import distance_to_set

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightly_widget.widget.points import Points
    from lightly_widget.widget.session import Session

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
Found = tuple["NDArray[np.uint32]", "NDArray[np.float32]"]


def nearest(points: Points, row: int, k: int, model: str | None, progress: Progress) -> Found:
    """The `k` rows nearest to `row`, itself excluded, nearest first, with their Euclidean distances."""
    distances, where = _distances(points, row, model, progress)
    distances[where == row] = np.inf
    return _first(distances, where, min(k, len(where) - 1))


def like(points: Points, row: int, sign: int, k: int, progress: Progress) -> Found:
    """The `k` rows most (sign 1) or least (-1) like `row`, itself first where it is wanted; scores are distances."""
    distances, where = _distances(points, row, None, progress)
    found, scores = _first(distances * sign, where, min(k, len(where)))
    return found, scores * sign


def by_text(points: Points, embedder: Any, text: str, sign: int, k: int, progress: Progress) -> Found:
    """The `k` rows whose embedding fits the text best (sign 1) or worst; scores are cosine similarities, −1…1."""
    embed = getattr(embedder, "embed_text", embedder.embed)
    wanted = np.asarray(embed([text]), dtype=np.float64)[0]
    embeddings, where = points.embedded(embedder.name)
    progress(0.1)
    lengths = np.sqrt(np.einsum("ij,ij->i", embeddings, embeddings, dtype=np.float64)) * np.linalg.norm(wanted)
    scores = embeddings @ wanted.astype(np.float32) / np.where(lengths > 0, lengths, 1)
    found, values = _first(-sign * scores, where, min(k, len(where)))
    return found, -sign * values


def by_vector(points: Points, model: str, wanted: NDArray[np.float32], sign: int, k: int, progress: Progress) -> Found:
    """The `k` rows nearest to (sign 1) or farthest from a vector of that model; scores are Euclidean distances."""
    embeddings, where = points.embedded(model)
    if wanted.shape != (embeddings.shape[1],):
        raise InvalidValueError(
            f"the embedder {model!r} gives {wanted.shape} for one image; its stored embeddings have "
            f"{embeddings.shape[1]} dimensions"
        )
    distances = distance_to_set(embeddings, wanted[None], progress=progress)
    found, scores = _first(distances * sign, where, min(k, len(where)))
    return found, scores * sign


def embedded_picture(embedder: Any, data: bytes, progress: Progress) -> NDArray[np.float32]:
    """(d,) the embedding of a picture sent by the browser. ValueError: it is not a picture, or an unusable one.

    Embedders read files, so the picture, decoded and written again, lies in a temporary file for as long as that takes.
    """
    picture = _decoded(data)
    progress(0.0)
    with tempfile.TemporaryDirectory(prefix="lightly_widget_") as folder:
        path = Path(folder, "wanted.png")
        picture.save(path, "PNG")
        vectors = np.asarray(embedder.embed([path]), dtype=np.float32)
    if vectors.ndim != 2 or len(vectors) != 1 or not np.isfinite(vectors).all():
        raise InvalidValueError(f"the embedder {embedder.name!r} gave no finite vector for this image")
    vector: NDArray[np.float32] = vectors[0]
    return vector


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


def _distances(
    points: Points, row: int, model: str | None, progress: Progress
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    embeddings, where = points.embedded(model)
    here = np.flatnonzero(where == row)
    if not len(here):
        raise InvalidValueError("this sample has no embedding to compare with; dataset.embed() makes what is missing")
    return distance_to_set(embeddings, embeddings[here], progress=progress), where


def _first(values: NDArray[Any], where: NDArray[np.int64], k: int) -> Found:
    """The `k` smallest values, ties to the lower row."""
    if k < 1:
        return np.empty(0, np.uint32), np.empty(0, np.float32)
    some = np.argpartition(values, k - 1)[:k] if k < len(values) else np.arange(len(values))
    order = some[np.lexsort((where[some], values[some]))]
    return where[order].astype(np.uint32), values[order].astype(np.float32)


def text_embedder(session: Session) -> Any:
    """An embedder that turns text into vectors of one of the dataset's models, or None.

    One used in this session that embeds texts or has `embed_text`; else this package's text model, when the vectors are
    its own.
    """
    from lightly_widget.embedding import SentenceMiniLM

    models = session.points.view.info().embedding_models
    for name, embedder in session.dataset.embedders.items():
        if name in models and (embedder.kind == "text" or hasattr(embedder, "embed_text")):
            return embedder
    try:
        return SentenceMiniLM() if SentenceMiniLM.name in models else None
    except MissingDependencyError:
        return None


def image_embedder(session: Session) -> Any:
    """An embedder that turns images into vectors of one of the dataset's models.

    One used in this session; else this package's image model, when the vectors are its own. InvalidValueError: there
    is none. MissingDependencyError: its packages are not installed.
    """
    from lightly_widget.embedding import EfficientNetLite0

    models = session.points.view.info().embedding_models
    for name, embedder in session.dataset.embedders.items():
        if name in models and embedder.kind == "image":
            return embedder
    for name, size in (("efficientnet-lite0", 128), ("efficientnet-lite0-224", 224)):
        if name in models:
            return _kept_embedder(size, EfficientNetLite0)
    raise InvalidValueError(NO_IMAGE)


@cache
def _kept_embedder(input_size: int, make: Any) -> Any:
    return make(input_size)


def no_image_search(session: Session) -> str | None:
    """Why no image can be looked for, as a sentence; None: one can."""
    try:
        image_embedder(session)
    except (InvalidValueError, MissingDependencyError) as error:
        return str(error)
    return None
