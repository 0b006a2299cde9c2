"""Looking for samples in an explorer: from points to vectors, to `search`, and back to points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lightly_widget import search
from lightly_widget.errors import InvalidValueError, MissingDependencyError, Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightly_widget.embedding import Embedder
    from lightly_widget.widget.points import Points
    from lightly_widget.widget.session import Session
    from lightly_widget.wire import requests as ask

Found = tuple["NDArray[np.uint32]", "NDArray[np.float32]"]


def nearest(points: Points, point: int, k: int, model: str | None, progress: Progress) -> Found:
    """The `k` points nearest to one, itself excluded, nearest first, with their Euclidean distances."""
    vectors, where = points.embedded(model)
    distances = search.distances(vectors, _own(vectors, where, point), progress)
    return _first(distances[where != point], where[where != point], k, 1)


def find(session: Session, request: ask.Find, progress: Progress) -> Found:
    """The points most (sign 1) or least (-1) like a point or picture, with their distances, or text, with cosines."""
    points = session.points
    k, sign = request.k, request.sign
    if request.text is not None:
        embedder = _chosen(text_embedders(session), search.NO_TEXT)
        wanted = search.embedded_text(embedder, request.text)
        vectors, where = _stored(points, embedder, wanted)
        return _first(search.cosines(vectors, wanted, progress), where, k, -sign)
    if request.image is not None:
        embedder = _chosen(image_embedders(session), search.NO_IMAGE)
        wanted = search.embedded_picture(embedder, request.image)
        vectors, where = _stored(points, embedder, wanted)
    else:
        assert request.point is not None
        vectors, where = points.embedded(None)
        wanted = _own(vectors, where, points.check("point", [request.point])[0])
    return _first(search.distances(vectors, wanted, progress), where, k, sign)


def _first(values: NDArray[np.float32], where: NDArray[Any], k: int, sign: int) -> Found:
    found = search.first(sign * values, where, k)
    return where[found].astype(np.uint32), values[found]


def _own(vectors: NDArray[np.float32], where: NDArray[Any], point: int) -> NDArray[np.float32]:
    here = np.flatnonzero(where == point)
    if not len(here):
        raise InvalidValueError("this sample has no embedding to compare with; dataset.embed() makes what is missing")
    own: NDArray[np.float32] = vectors[here[0]]
    return own


def _stored(points: Points, embedder: Embedder, wanted: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[Any]]:
    vectors, where = points.embedded(embedder.name)
    search.check_dimension(embedder.name, wanted, vectors.shape[1])
    return vectors, where


def _chosen(embedders: list[Embedder], otherwise: str) -> Embedder:
    if not embedders:
        raise InvalidValueError(otherwise)
    return embedders[0]


def text_embedders(session: Session) -> list[Embedder]:
    """Those that can turn text into vectors of the dataset."""
    return search.text_embedders(session.dataset.embedders, session.points.candidates.info().embedding_models)


def image_embedders(session: Session) -> list[Embedder]:
    """Those that can turn pictures into vectors of the dataset. MissingDependencyError: one is not installed."""
    return search.image_embedders(session.dataset.embedders, session.points.candidates.info().embedding_models)


def no_image_search(session: Session) -> str | None:
    """Why no image can be looked for, as a sentence; None: one can."""
    try:
        return None if image_embedders(session) else search.NO_IMAGE
    except MissingDependencyError as error:
        return str(error)
