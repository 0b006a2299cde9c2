"""What one widget is about: the dataset's points, where they lie, what is filtered and selected. Knows no messages."""

from __future__ import annotations

import json
import threading
import uuid
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from lightly_widget.dataset import BaseDataset, DatasetCore, core_of
from lightly_widget.dataset.projections import Projections
from lightly_widget.errors import DiskFullError, InvalidTypeError, Progress, ReadOnlyError, shown
from lightly_widget.maps import Lasso, grid, split_name
from lightly_widget.query import Pinned, Query
from lightly_widget.query.algebra import Expression
from lightly_widget.sampling import ResultHome
from lightly_widget.widget.history import Entry, History
from lightly_widget.widget.pictures import Pictures
from lightly_widget.widget.points import Points

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightly_widget.indexes import PointIndexes


@dataclass(frozen=True, eq=False)
class Geometry:
    """Where the points lie; NaN where that is not known."""

    projection: str
    x: NDArray[np.float32]
    y: NDArray[np.float32]

    @cached_property
    def lasso(self) -> Lasso:
        """The points prepared for lassos."""
        return Lasso(self.x, self.y)


@dataclass(frozen=True, eq=False)
class Pool:
    """What to sample from, and where its samples lie in the explorer."""

    home: ResultHome
    points: PointIndexes
    """The point of each candidate; -1 for samples added to the dataset since the widget was made."""
    newer_ids: list[str]


class Session:
    """What one explorer knows of its dataset. `lock` guards what several threads change."""

    def __init__(self, dataset: BaseDataset[Any] | DatasetCore[Any], query: Query[Any] | None = None) -> None:
        self.id = uuid.uuid4().hex
        self.lock = threading.RLock()
        _check_is("dataset", dataset, BaseDataset, DatasetCore)
        if query is not None:
            _check_is("query", query, Query)
        self.dataset = core_of(dataset)
        self.query = Query(self.dataset) if query is None else query
        self.history = History()
        self.compared: tuple[PointIndexes, NDArray[np.float64]] | None = None
        self.kept: Entry | None = None
        self.pictures = Pictures(self.dataset.roots)
        self.geometry: Geometry | None = None
        self.filter: NDArray[np.bool_] | None = None
        self.selected: NDArray[np.bool_] | None = None
        self._filtered: tuple[tuple[int, str], NDArray[np.bool_]] | None = None
        self._points = Points(self.dataset, self.query)
        self._candidates = self._points.candidates

    @property
    def points(self) -> Points:
        """The points with what the dataset knows about them now: tags and metadata may have come since."""
        with self.lock:
            if self.dataset.snapshot().version != self._points.version:
                self._points = Points(self.dataset, self.select(self._candidates.sample_ids), self._points)
            return self._points

    def __len__(self) -> int:
        return len(self._candidates)

    @property
    def media(self) -> str:
        """image, text or none: what hover shows."""
        return self.dataset.media

    def select(self, ids: pl.Series | list[str]) -> Query[Any]:
        """A query of these samples, which are the dataset's, in this order; `dataset.select` would look them up."""
        return Query(self.dataset, (Pinned(pl.Series("sample_id", ids, dtype=pl.String)),))

    def ids_of(self, mask: NDArray[np.bool_]) -> pl.Series:
        """The ids of the points set in a mask."""
        ids: pl.Series = self._candidates.sample_ids.gather(np.flatnonzero(mask))
        return ids

    def filtered(self, expression: dict[str, Any] | None) -> NDArray[np.bool_] | None:
        """(n,) which points a filter lets through, None for no filter. ValueError: unknown field, tag or class."""
        if expression is None:
            return None
        with self.lock:
            points = self.points
            key = points.version, json.dumps(expression)
            if self._filtered is None or self._filtered[0] != key:
                matching = self.query.match(Expression.from_dict(expression))
                self._filtered = key, points.mask(points.of_query(matching))
            return self._filtered[1]

    def candidates(self, spec: dict[str, str], expression: dict[str, Any] | None) -> Pool:
        """What `candidates` means now. ValueError: unknown tag."""
        query = self.query
        match spec["from"]:
            case "filter" if expression is not None:
                query = query.match(Expression.from_dict(expression))
            case "selection":
                chosen = self.selected if self.selected is not None else np.zeros(len(self), dtype=np.bool_)
                query = self.select(self.ids_of(chosen))
            case "tag":
                query = self.select(self.ids_of(self.points.in_tag(spec["tag"])))
        home = self.dataset.candidates(query)
        points = self.points.of_query(query)
        if len(points) != len(home):  # somebody wrote in between
            points = self.points.known(home.sample_ids)
        newer = home.sample_ids.filter(pl.Series(points < 0)).to_list()
        return Pool(home, points, newer)

    def place(self, projection: str, progress: Progress) -> Geometry:
        """Compute (or read) a projection by its name; points without an embedding get NaN, without any model a grid."""
        n = len(self)
        if not self.points.candidates.info().embedding_models:
            positions = grid(n)
            return Geometry("grid", positions[:, 0], positions[:, 1])
        kind, named = split_name(projection)
        model = self.points.model(named)
        method: Literal["pca", "umap"] = "umap" if kind == "umap" else "pca"
        positions, ids = self._positions(model, method, progress)
        x, y = (np.full(n, np.nan, dtype=np.float32) for _ in range(2))
        points = self._points.known(ids)
        here = points >= 0
        x[points[here]], y[points[here]] = positions[here, 0], positions[here, 1]
        return Geometry(projection, x, y)

    def _positions(
        self, model: str, method: Literal["pca", "umap"], progress: Progress
    ) -> tuple[NDArray[np.float32], pl.Series]:
        try:
            return Projections(self.dataset).get(model, method, progress=progress)
        except (ReadOnlyError, DiskFullError):  # a plot needs no place to be kept
            from lightly_widget import maps

            embeddings, ids = self._candidates.dataset_embeddings(model)
            compute = maps.pca if method == "pca" else maps.umap
            return compute(embeddings, progress=progress), ids


def _check_is(name: str, value: object, *kinds: type) -> None:
    if not isinstance(value, kinds):
        raise InvalidTypeError(f"{name} must be a {kinds[0].__name__.removeprefix('Base')}, got {shown(value)}")
