"""The rows of a widget: one fixed order of samples, and what the dataset knows about them, looked up once.

Sample ids never cross the wire in bulk; rows never cross the public API. Here one becomes the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from lightly_widget.errors import InvalidTypeError, InvalidValueError, Progress, did_you_mean, listed, shown
from lightly_widget.query.snapshot import places_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightly_widget.dataset import BaseDataset
    from lightly_widget.query import Query
    from lightly_widget.strategies import Candidates


class Rows:
    """A snapshot of the samples in the widget's order."""

    def __init__(self, dataset: BaseDataset[Any], query: Query[Any], before: Rows | None = None) -> None:
        """`before`: the rows until now, whose caches are taken over where what they are made of has not changed."""
        self.view: Candidates = dataset.view(query)
        self._snapshot = dataset.snapshot()
        self._numbers = self._snapshot.rows_of(self.view.sample_ids)
        self._kept: dict[object, tuple[object, Any]] = {} if before is None else before._kept

    def __len__(self) -> int:
        return len(self.view)

    @property
    def version(self) -> int:
        """The dataset's version that is looked at."""
        return self._snapshot.version

    def records(self, rows: Sequence[int]) -> list[dict[str, Any]]:
        """The fields of some rows, with `tags` and `metadata.<key>`; the work is that of these rows."""
        snapshot, numbers = self._snapshot, self._numbers[np.asarray(rows, dtype=np.int64)]
        records = snapshot.samples[numbers].to_dicts() if len(numbers) else []
        for name in snapshot.metadata_tables():
            for record, value in zip(records, snapshot.metadata(name).gather(pl.Series(numbers)), strict=True):
                record[f"metadata.{name}"] = value
        for record, number in zip(records, numbers, strict=True):
            record["tags"] = [name for name, members in snapshot.tags().items() if (members == number).any()]
        return records

    @cached_property
    def _numbered(self) -> pl.DataFrame:
        return pl.DataFrame({"sample_id": self.view.sample_ids}).with_row_index("row")

    def ids(self, rows: NDArray[Any] | list[int] | tuple[int, ...]) -> list[str]:
        """The sample ids of these rows, in their order."""
        return self.view.sample_ids.gather(np.asarray(rows, dtype=np.int64)).to_list()

    def texts(self) -> list[str | None]:
        """(n,) the texts of a text dataset."""
        return self._snapshot.samples["text"].gather(pl.Series(self._numbers)).to_list()

    def known(self, ids: Iterable[str] | pl.Series) -> NDArray[np.int64]:
        """The rows of these ids, in their order; -1 for those that are not here."""
        return places_of(ids, self._numbered)

    @cached_property
    def _row_of(self) -> NDArray[np.int64]:
        """The row of each of the dataset's samples by its number, -1 for those that are not here."""
        row_of = np.full(len(self._snapshot) + 1, -1, dtype=np.int64)
        row_of[self._numbers] = np.arange(len(self._numbers))
        return row_of

    def rows_of(self, query: Query[Any]) -> NDArray[np.int64]:
        """The rows of a query's samples, in its order; -1 for samples that are not here."""
        _, numbers = query.resolve()
        rows: NDArray[np.int64] = self._row_of[np.minimum(numbers, len(self._row_of) - 1)]
        return rows

    def mask(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(n,) whether each row is one of these; -1 is none."""
        result = np.zeros(len(self), dtype=np.bool_)
        result[rows[rows >= 0]] = True
        return result

    def keep(self, name: object, made_of: object, make: Callable[[], Any]) -> Any:
        """`make()`, or what it gave the last time that this was made of the very same thing."""
        known = self._kept.get(name)
        if known is None or known[0] is not made_of:
            known = self._kept[name] = (made_of, make())
        return known[1]

    def of(self, argument: str, ids: Iterable[str]) -> NDArray[np.int64]:
        """The rows of these ids, each once. TypeError: no ids. ValueError: some are not in the widget."""
        values = list(ids)
        for value in values:
            if not isinstance(value, str):
                raise InvalidTypeError(f"{argument} holds {shown(value)}, which is no sample id")
        rows = self.known(values)
        if len(missing := [value for value, row in zip(values, rows, strict=True) if row < 0]):
            raise InvalidValueError(
                f"{argument}: {len(missing):,} of {len(values):,} samples are not in this widget ({listed(missing, 3)})"
            )
        _, first = np.unique(rows, return_index=True)
        return rows[np.sort(first)]

    def check(self, argument: str, rows: Iterable[int]) -> NDArray[np.int64]:
        """Rows from the browser as an array. ValueError: beyond the last."""
        result = np.fromiter(rows, dtype=np.int64)
        if len(result) and result.max() >= len(self):
            raise InvalidValueError(f"{argument} holds row {result.max()}, and there are {len(self):,} samples")
        return result

    def annotations(self, source: str | None) -> pl.DataFrame:
        """The annotations of a source (all for None), by row. ValueError: unknown source."""
        everything = self._snapshot.annotations()
        found: pl.DataFrame = self.keep(("annotations", source), everything, lambda: self.view.annotations(source))
        return found

    def main_classes(self, source: str) -> pl.Series:
        """(n,) the most frequent class of each row, null without one. ValueError: unknown source."""
        annotations = self.annotations(source)
        found: pl.Series = self.keep(("classes", source), annotations, lambda: self._main_classes(annotations))
        return found

    def _main_classes(self, annotations: pl.DataFrame) -> pl.Series:
        counted = annotations.group_by("row", "class_name").len()
        best = counted.sort("row", "len", "class_name", descending=[False, True, False]).unique("row", keep="first")
        rows = pl.DataFrame({"row": np.arange(len(self), dtype=np.uint32)})
        return rows.join(best, on="row", how="left", maintain_order="left")["class_name"]

    def labels(self, row: int) -> list[str]:
        """The classes of one row with their counts, most frequent first."""
        found = self._snapshot.annotations().filter(pl.col("sample") == int(self._numbers[row]))
        counted = found["class_name"].value_counts(name="count").sort(["count", "class_name"], descending=[True, False])
        return [name if count == 1 else f"{name} ×{count}" for name, count in counted.iter_rows()]

    def classes(self, source: str) -> list[str]:
        """The classes of a source, the most frequent first."""
        annotations = self.annotations(source)

        def make() -> list[str]:
            counted = annotations["class_name"].value_counts(name="count")
            return counted.sort(["count", "class_name"], descending=[True, False])["class_name"].to_list()

        found: list[str] = self.keep(("class names", source), annotations, make)
        return found

    def metadata(self, key: str) -> pl.Series:
        """(n,) values, null where missing. ValueError: unknown key."""
        return self.view.metadata(key)

    def metadata_source(self, key: str) -> object:
        """The same object for as long as no value of the key has changed."""
        source: object = self._snapshot.value(self._snapshot.metadata_tables()[key])
        return source

    def tag_counts(self) -> list[tuple[str, int]]:
        """The tags, in the order in which they were made, and how many samples of the dataset have each."""
        return [(name, len(members)) for name, members in self._snapshot.tags().items()]

    def in_tag(self, name: str) -> NDArray[np.bool_]:
        """(n,) whether each row has the tag. ValueError: unknown tag."""
        return self.mask(self._row_of[self._snapshot.tag(name)])

    def model(self, name: str | None) -> str:
        """The embedding model of that name, or the first. ValueError: unknown, or there is none."""
        models = self.view.info().embedding_models
        if not models:
            raise InvalidValueError("the dataset has no embeddings yet: dataset.embed() or dataset.add_embeddings(…)")
        if name is not None and name not in models:
            raise InvalidValueError(did_you_mean("embedding model", name, models))
        return models[0] if name is None else name

    def embedded(self, name: str | None) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """(m, d) embeddings of the rows that have one, and their (m,) rows."""
        embeddings, ids = self.view.dataset_embeddings(self.model(name))
        rows = self.known(ids)
        if (rows >= 0).all():
            return embeddings, rows
        return embeddings[rows >= 0], rows[rows >= 0]

    def typicality(self, progress: Progress) -> NDArray[np.float32]:
        """(n,) typicality over the whole dataset, NaN for rows without an embedding."""
        from lightly_widget import neighbors

        model = self.model(None)
        _, ids = self.view.dataset_embeddings(model)
        values = neighbors.typicality(self.view.dataset_graph(model, progress))
        result = np.full(len(self), np.nan, dtype=np.float32)
        rows = self.known(ids)
        result[rows[rows >= 0]] = values[rows >= 0]
        return result
