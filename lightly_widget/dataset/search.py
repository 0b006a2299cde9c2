"""`dataset.search`: the samples nearest to some text, an image, a sample or a vector."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from lightly_widget import search
from lightly_widget.checks import check_integer, check_path, check_string
from lightly_widget.dataset.core import DatasetCore
from lightly_widget.errors import InvalidTypeError, InvalidValueError, listed, shown
from lightly_widget.plain import check_depth
from lightly_widget.query import Pinned, Query, ids_of

if TYPE_CHECKING:
    from lightly_widget.embedding import Embedder
    from lightly_widget.query.snapshot import Snapshot

S = TypeVar("S")
_LARGEST: Final = float(np.finfo(np.float32).max)


def search_samples(core: DatasetCore[S], wanted: Mapping[str, Any], n: int, model: str | None) -> Query[S]:
    """The `n` samples nearest to the one thing in `wanted` that is not None, nearest first."""
    given = {name: value for name, value in wanted.items() if value is not None}
    if len(given) != 1:
        names = listed([f"{name}=" for name in wanted])
        raise InvalidValueError(f"search expects exactly one of {names}, got {listed(list(given)) or 'none'}")
    check_integer("n", n, least=1)
    snapshot = core.snapshot()
    if model is not None:
        snapshot.model_name(model)
    ((name, value),) = given.items()
    model, vector = _WAYS[name](core, snapshot, value, model)
    stored = snapshot.embeddings(model)
    away = -search.cosines(stored.vectors, vector) if name == "text" else search.distances(stored.vectors, vector)
    rows = stored.samples[search.first(away, stored.samples, n)]
    return Query(core, (Pinned(snapshot.samples["sample_id"].gather(pl.Series(rows))),))


def _by_text(
    core: DatasetCore[Any], snapshot: Snapshot, value: object, model: str | None
) -> tuple[str, npt.NDArray[np.float32]]:
    text = check_string("text", value)
    embedder = _embedder(core, snapshot, model, search.text_embedders, search.NO_TEXT)
    return _checked(snapshot, embedder, search.embedded_text(embedder, text))


def _by_image(
    core: DatasetCore[Any], snapshot: Snapshot, value: object, model: str | None
) -> tuple[str, npt.NDArray[np.float32]]:
    if isinstance(value, str | os.PathLike):
        path = check_path("image", value)
        wanted: Any = path if "://" in path else Path(path).expanduser()
        embed: Callable[[Embedder, Any], npt.NDArray[np.float32]] = search.embedded_file
    else:
        wanted, embed = value if isinstance(value, bytes) else _as_png(value), search.embedded_picture
    embedder = _embedder(core, snapshot, model, search.image_embedders, search.NO_IMAGE)
    return _checked(snapshot, embedder, embed(embedder, wanted))


def _by_sample(
    core: DatasetCore[Any], snapshot: Snapshot, value: object, model: str | None
) -> tuple[str, npt.NDArray[np.float32]]:
    ids = ids_of([value])
    name, row = snapshot.model_name(model), snapshot.known_rows(ids)[0]
    stored = snapshot.embeddings(name)
    here = np.flatnonzero(stored.samples == row)
    if not len(here):
        raise InvalidValueError(
            f"sample {shown(ids[0])} has no embedding of {shown(name)}; dataset.embed() makes what is missing"
        )
    return name, stored.vectors[here[0]]


def _by_vector(
    core: DatasetCore[Any], snapshot: Snapshot, value: object, model: str | None
) -> tuple[str, npt.NDArray[np.float32]]:
    name = snapshot.model_name(model)
    dimension = snapshot.dimension(name)
    check_depth("vector", [value])  # NumPy would unfold a list that holds itself until memory ends
    try:
        vector = np.asarray(value)
    except (TypeError, ValueError):  # ragged lists, odd objects
        raise InvalidTypeError(f"vector must hold {dimension} numbers, got {shown(value)}") from None
    if vector.dtype.kind not in "fiu":
        raise InvalidTypeError(f"vector must hold real numbers; its dtype is {vector.dtype}")
    if vector.shape != (dimension,):
        raise InvalidValueError(
            f"vector must have the shape ({dimension},) of the embeddings of {shown(name)}, got {shown(vector.shape)}"
        )
    if not (np.abs(vector.astype(np.float64)) <= _LARGEST).all():
        raise InvalidValueError("vector must hold finite float32 numbers")
    return name, vector.astype(np.float32)


_WAYS: Final = {"text": _by_text, "image": _by_image, "sample": _by_sample, "vector": _by_vector}


def _embedder(
    core: DatasetCore[Any],
    snapshot: Snapshot,
    model: str | None,
    find: Callable[[Mapping[str, Embedder], list[str]], list[Embedder]],
    otherwise: str,
) -> Embedder:
    """The embedder of that model, or the only one."""
    found = find(core.embedders, list(snapshot.models()) if model is None else [model])
    if not found:
        raise InvalidValueError(otherwise)
    if len(found) > 1:
        names = listed([each.name for each in found])
        raise InvalidValueError(f"several embedding models can be searched in this way; name one of {names}")
    return found[0]


def _checked(
    snapshot: Snapshot, embedder: Embedder, vector: npt.NDArray[np.float32]
) -> tuple[str, npt.NDArray[np.float32]]:
    search.check_dimension(embedder.name, vector, snapshot.dimension(embedder.name))
    return embedder.name, vector


def _as_png(value: object) -> bytes:
    """A Pillow image as the bytes of a file."""
    from PIL import Image

    if not isinstance(value, Image.Image):
        raise InvalidTypeError(f"image must be a path, a Pillow image or the bytes of a file, got {shown(value)}")
    data = io.BytesIO()
    value.save(data, "PNG")
    return data.getvalue()
