"""The points of an explorer: a fixed order of samples, and what the dataset knows about them, looked up once.

Sample ids never cross the wire in bulk; points never cross the public API. Here one becomes the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from lightly_widget.errors import InvalidTypeError, InvalidValueError, Progress, did_you_mean, listed, shown
from lightly_widget.indexes import PointIndexes, SampleIndexes
from lightly_widget.query import resolve
from lightly_widget.query.snapshot import places_of
from lightly_widget.query.summaries import by_frequency, main_classes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightly_widget.dataset import DatasetCore
    from lightly_widget.query import Query
    from lightly_widget.strategies import Candidates


class Points:
    """A snapshot of the dataset, read in the order of the explorer's points."""

    def __init__(self, dataset: DatasetCore[Any], query: Query[Any], before: Points | None = None) -> None:
        """`before`: the points until now, whose caches are kept where what they are made of has not changed."""
        self.candidates: Candidates = dataset.candidates(query)
        self._snapshot = dataset.snapshot()
        self._samples = SampleIndexes(self._snapshot.rows_of(self.candidates.sample_ids))
        self._kept: dict[object, tuple[object, Any]] = {} if before is None else before._kept

    def __len__(self) -> int:
        return len(self.candidates)

    @property
    def version(self) -> int:
        """The version of the dataset that is shown."""
        return self._snapshot.version

    def records(self, points: Sequence[int]) -> list[dict[str, Any]]:
        """The fields of some points, with `tags` and `metadata.<key>`; no other sample is read."""
        snapshot, samples = self._snapshot, self._samples[np.asarray(points, dtype=np.int64)]
        records = snapshot.samples[samples].to_dicts() if len(samples) else []
        for name in snapshot.metadata_tables():
            for record, value in zip(records, snapshot.metadata(name).gather(pl.Series(samples)), strict=True):
                record[f"metadata.{name}"] = value
        for record in records:
            record["tags"] = []
        for name, members in snapshot.tags().items():
            for at in np.flatnonzero(np.isin(samples, members)):
                records[at]["tags"].append(name)
        return records

    @cached_property
    def _numbered(self) -> pl.DataFrame:
        return pl.DataFrame({"sample_id": self.candidates.sample_ids}).with_row_index("row")

    def ids(self, points: PointIndexes | Sequence[int]) -> list[str]:
        """The sample ids of these points, in their order."""
        return self.candidates.sample_ids.gather(np.asarray(points, dtype=np.int64)).to_list()

    def texts(self) -> list[str | None]:
        """(n,) the texts of a text dataset."""
        return self._snapshot.samples["text"].gather(pl.Series(self._samples)).to_list()

    def titles(self, longest: int = 60) -> list[str]:
        """(n,) a name for each point: its file's, the beginning of its text, or its id."""
        samples = self._snapshot.samples
        names = [name for name in ("file_name", "text", "sample_id") if name in samples.columns]
        filled = [pl.when(pl.col(name) != "").then(pl.col(name)) for name in names]
        titles = samples.select(pl.coalesce(filled).str.slice(0, longest))
        return titles.to_series().gather(pl.Series(self._samples)).to_list()

    def known(self, ids: Iterable[str] | pl.Series) -> PointIndexes:
        """The points of these ids, in their order; -1 for those that are not here."""
        return PointIndexes(places_of(ids, self._numbered))

    @cached_property
    def _point_of(self) -> NDArray[np.int64]:
        """The point of each sample by its sample index, -1 for those that are not here."""
        point_of = np.full(len(self._snapshot) + 1, -1, dtype=np.int64)
        point_of[self._samples] = np.arange(len(self._samples))
        return point_of

    def of_query(self, query: Query[Any]) -> PointIndexes:
        """The points of a query's samples, in its order; -1 for samples that are not here."""
        _, samples = resolve(query)
        return self._of_samples(np.minimum(samples, len(self._point_of) - 1))

    def _of_samples(self, samples: NDArray[np.integer[Any]]) -> PointIndexes:
        return PointIndexes(self._point_of[samples])

    def mask(self, points: PointIndexes) -> NDArray[np.bool_]:
        """(n,) whether each point is one of these; -1 is not a point."""
        result = np.zeros(len(self), dtype=np.bool_)
        result[points[points >= 0]] = True
        return result

    def keep(self, name: object, made_of: object, make: Callable[[], Any]) -> Any:
        """`make()`, or what it gave the last time that this was made of the very same thing."""
        known = self._kept.get(name)
        if known is None or known[0] is not made_of:
            known = self._kept[name] = (made_of, make())
        return known[1]

    def of(self, argument: str, ids: Iterable[str]) -> PointIndexes:
        """The points of these ids, each once. TypeError: not ids. ValueError: some are not in the explorer."""
        values = list(ids)
        for value in values:
            if not isinstance(value, str):
                raise InvalidTypeError(f"{argument} must hold sample ids (strings), got {shown(value)}")
        points = self.known(values)
        if len(missing := [value for value, point in zip(values, points, strict=True) if point < 0]):
            raise InvalidValueError(
                f"{argument}: {len(missing):,} of {len(values):,} samples are not in this explorer "
                f"({listed(missing, 3)})"
            )
        _, first = np.unique(points, return_index=True)
        return PointIndexes(points[np.sort(first)])

    def check(self, argument: str, points: Iterable[int]) -> PointIndexes:
        """Points from the browser as an array. ValueError: beyond the last."""
        result = np.fromiter(points, dtype=np.int64)
        if len(result) and result.max() >= len(self):
            raise InvalidValueError(
                f"{argument} must hold numbers below {len(self):,}, the count of samples, got {result.max()}"
            )
        return PointIndexes(result)

    def annotations(self, source: str | None) -> pl.DataFrame:
        """The annotations of a source (all for None); `row` is their point. ValueError: unknown source."""
        everything = self._snapshot.annotations()
        found: pl.DataFrame = self.keep(
            ("annotations", source), everything, lambda: self.candidates.annotations(source)
        )
        return found

    def main_classes(self, source: str) -> pl.Series:
        """(n,) the most frequent class of each point, null without one. ValueError: unknown source."""
        annotations = self.annotations(source)
        found: pl.Series = self.keep(("classes", source), annotations, lambda: main_classes(annotations, len(self)))
        return found

    def labels(self, points: Sequence[int]) -> list[list[str]]:
        """The classes of each of some points with their counts, most frequent first."""
        samples = self._samples[np.asarray(points, dtype=np.int64)]
        found = self._snapshot.annotations().filter(pl.col("sample").is_in(samples.tolist()))
        counted = found.group_by("sample", "class_name").len()
        labels: dict[int, list[str]] = {int(sample): [] for sample in samples}
        for sample, name, count in counted.sort(["len", "class_name"], descending=[True, False]).iter_rows():
            labels[sample].append(name if count == 1 else f"{name} ×{count}")
        return [labels[int(sample)] for sample in samples]

    def boxes(self, point: int) -> list[tuple[str, float, float, float, float]]:
        """Class and place (x, y, width, height in the file's pixels) of each box of a point, the largest first."""
        found = self._snapshot.annotations().filter(
            (pl.col("sample") == int(self._samples[point])) & (pl.col("annotation_type") == "object_detection")
        )
        largest = found.sort(pl.col("width") * pl.col("height"), descending=True)
        return list(largest.select("class_name", "x", "y", "width", "height").iter_rows())

    def classes(self, source: str) -> list[str]:
        """The classes of a source, the most frequent first."""
        annotations = self.annotations(source)
        make = partial(by_frequency, annotations["class_name"])
        found: pl.DataFrame = self.keep(("class names", source), annotations, make)
        return found["name"].to_list()

    def metadata(self, key: str) -> pl.Series:
        """(n,) values, null where missing. ValueError: unknown key."""
        return self.candidates.metadata(key)

    def metadata_source(self, key: str) -> object:
        """The same object for as long as no value of the key has changed."""
        source: object = self._snapshot.value(self._snapshot.metadata_tables()[key])
        return source

    def tag_counts(self) -> list[tuple[str, int]]:
        """The tags, in the order in which they were made, and how many samples of the dataset have each."""
        return [(name, len(members)) for name, members in self._snapshot.tags().items()]

    def in_tag(self, name: str) -> NDArray[np.bool_]:
        """(n,) whether each point has the tag. ValueError: unknown tag."""
        return self.mask(self._of_samples(self._snapshot.tag(name)))

    def model(self, name: str | None) -> str:
        """The embedding model of that name, or the first. ValueError: unknown, or there is none."""
        models = self.candidates.info().embedding_models
        if not models:
            raise InvalidValueError(
                "the dataset has no embeddings yet; call dataset.embed() or dataset.add_embeddings(…)"
            )
        if name is not None and name not in models:
            raise InvalidValueError(did_you_mean("embedding model", name, models))
        return models[0] if name is None else name

    def embedded(self, name: str | None) -> tuple[NDArray[np.float32], PointIndexes]:
        """(m, d) embeddings of the points that have one, and their (m,) points."""
        embeddings, ids = self.candidates.dataset_embeddings(self.model(name))
        points = self.known(ids)
        if (points >= 0).all():
            return embeddings, points
        return embeddings[points >= 0], PointIndexes(points[points >= 0])

    def typicality(self, progress: Progress) -> NDArray[np.float32]:
        """(n,) typicality over the whole dataset, NaN for points without an embedding."""
        from lightly_widget import neighbors

        model = self.model(None)
        _, ids = self.candidates.dataset_embeddings(model)
        values = neighbors.typicality(self.candidates.dataset_graph(model, progress))
        result = np.full(len(self), np.nan, dtype=np.float32)
        points = self.known(ids)
        result[points[points >= 0]] = values[points >= 0]
        return result
