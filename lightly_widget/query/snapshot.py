"""A dataset as it stands at one moment, read on demand: columns, tags, annotations, vectors. It never changes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
import polars as pl

from lightly_widget.errors import (
    DatasetReplacedError,
    InvalidValueError,
    StaleError,
    UnknownNameError,
    did_you_mean,
    listed,
)
from lightly_widget.indexes import SampleIndexes
from lightly_widget.store import Store
from lightly_widget.store.commits import Part
from lightly_widget.store.tables import ANNOTATION_SCHEMA, Column, Derived, Embeddings, Rows, fold_of

T = TypeVar("T")


class Cache:
    """Values of tables read so far, shared by the snapshots of a dataset."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.values: dict[str, tuple[tuple[Part, ...], Any]] = {}
        self.ids: tuple[pl.DataFrame, pl.DataFrame] | None = None
        self.placed: tuple[pl.DataFrame, pl.Series, SampleIndexes] | None = None


def places_of(sample_ids: pl.Series | Iterable[str], index: pl.DataFrame) -> SampleIndexes:
    """The `row` of each id in `index` (columns sample_id and row), in their order; -1 where there is none."""
    asked = pl.DataFrame({"sample_id": pl.Series("sample_id", sample_ids, dtype=pl.String)})
    if asked.height == index.height and asked["sample_id"].equals(index["sample_id"]):
        return SampleIndexes(index["row"].cast(pl.Int64).to_numpy())
    if asked.height * 16 < index.height:
        # A join hashes all of `index`, which for a million ids takes far longer than to look for a few.
        index = index.join(asked, on="sample_id", how="semi")
    found = asked.join(index, on="sample_id", how="left", maintain_order="left")["row"]
    return SampleIndexes(found.cast(pl.Int64).fill_null(-1).to_numpy())


class Snapshot:
    """The state after one commit. Cheap to make; tables are read when asked for."""

    def __init__(self, store: Store, cache: Cache, no_samples: pl.DataFrame) -> None:
        self._store = store
        self._no_samples = no_samples
        self._cache = cache
        self.version, self._number, self._parts = store.state()

    # -- tables -------------------------------------------------------------------------------------------------

    def value(self, table: str) -> Any:
        """What the table's parts fold to."""
        with self._cache.lock:
            return self._unchanged(table, lambda: self._fold(table, self._parts[table]))

    def _unchanged(self, table: str, look: Callable[[], T]) -> T:
        """`look()`, with the table's parts as they are, or merged by another process into others of the same content.

        Raises:
            StaleError: they were merged with later ones, or undone and removed.
        """
        try:
            return look()
        except DatasetReplacedError:
            raise
        except StaleError:
            self._parts = self._store.parts_at(self._number, self._parts)
            if table not in self._parts:
                raise
            return look()

    def _fold(self, table: str, parts: tuple[Part, ...]) -> Any:
        known, value = self._cache.values.get(table, ((), None))
        if known == parts and value is not None:
            return value
        more: Sequence[Part] = parts
        if value is not None and len(known) < len(parts) and parts[: len(known)] == known:
            more = parts[len(known) :]
        else:
            value = None
        frames = self._store.read(table, more)
        value = fold_of(table).fold(value, list(zip(more, frames, strict=True)))
        self._cache.values[table] = (parts, value)
        return value

    def _tables(self, kind: str) -> list[str]:
        return [t for t in self._parts if t == kind or t.startswith(f"{kind}_")]

    def last_op(self, table: str) -> dict[str, Any]:
        """The newest operation on a table."""
        return self._parts[table][-1].ops[-1]

    # -- samples ------------------------------------------------------------------------------------------------

    @property
    def samples(self) -> pl.DataFrame:
        """One row per sample, in the order in which they were added."""
        if "samples" not in self._parts:
            return self._no_samples
        frame: pl.DataFrame = self.value("samples")
        return frame

    def __len__(self) -> int:
        return self.samples.height

    def rows_of(self, sample_ids: pl.Series | Sequence[str]) -> SampleIndexes:
        """The rows of these ids, in their order; -1 where there is no such sample."""
        samples = self.samples
        asked = pl.Series("sample_id", sample_ids, dtype=pl.String)
        with self._cache.lock:
            if self._cache.ids is None or self._cache.ids[0] is not samples:
                self._cache.ids = (samples, samples.select("sample_id").with_row_index("row"))
            index = self._cache.ids[1]
            placed = self._cache.placed
        # A query is resolved, checked and written: the same ids are asked for several times in a row.
        if placed is not None and placed[0] is samples and placed[1].equals(asked):
            return placed[2]
        rows = places_of(asked, index)
        rows.flags.writeable = False
        with self._cache.lock:
            self._cache.placed = (samples, asked, rows)
        return rows

    def known_rows(self, sample_ids: pl.Series | Sequence[str]) -> SampleIndexes:
        """As `rows_of`; raises `UnknownNameError` where an id is unknown."""
        rows = self.rows_of(sample_ids)
        if (rows < 0).any():
            unknown = pl.Series(sample_ids, dtype=pl.String).filter(pl.Series(rows < 0))
            raise UnknownNameError(f"no sample with the id {listed(unknown.head(5))} ({len(unknown):,} unknown)")
        return rows

    # -- tags ---------------------------------------------------------------------------------------------------

    def tags(self) -> dict[str, Rows]:
        """Each tag's samples in pick order; the tags in the order in which they were made."""
        tags: dict[str, Rows] = self.value("tags") if "tags" in self._parts else {}
        return tags

    def tag(self, name: str) -> Rows:
        """The samples of one tag in pick order."""
        try:
            return self.tags()[name]
        except (KeyError, TypeError):
            raise UnknownNameError(did_you_mean("tag", name, self.tags())) from None

    def tag_column(self, name: str) -> pl.Series:
        """Whether each sample has the tag."""
        mask = np.zeros(len(self), dtype=bool)
        mask[self.tag(name)] = True
        return pl.Series(mask)

    def tags_list(self) -> pl.Series:
        """The names of each sample's tags, in the order in which the tags were made."""
        tags = self.tags()
        samples = np.concatenate([np.empty(0, np.uint32), *tags.values()])
        names = np.repeat(np.arange(len(tags)), [len(rows) for rows in tags.values()])
        order = np.lexsort((names, samples))
        name_of = pl.Series(list(tags), dtype=pl.String)
        pairs = pl.DataFrame(
            {
                "row": pl.Series(samples[order], dtype=pl.UInt32),
                "tags": name_of.gather(pl.Series(names[order].astype(np.uint32))),
            }
        )
        lists = pairs.group_by("row", maintain_order=True).agg("tags")
        every = pl.DataFrame({"row": pl.Series(np.arange(len(self), dtype=np.uint32))})
        empty = pl.Series([[]], dtype=pl.List(pl.String))
        return every.join(lists, on="row", how="left", maintain_order="left")["tags"].fill_null(empty)

    # -- metadata -----------------------------------------------------------------------------------------------

    def metadata_tables(self) -> dict[str, str]:
        """The table of each metadata key."""
        found = {}
        for table in self._tables("metadata"):
            op = self.last_op(table)
            if op["op"] != "clear":
                found[op["key"]] = table
        return found

    def metadata_types(self) -> dict[str, str]:
        """The type of each key: integer, float, string, boolean, datetime, date or json."""
        return {key: self.last_op(table)["type"] for key, table in self.metadata_tables().items()}

    def metadata(self, key: str) -> pl.Series:
        """(n,) values of a key, null where a sample has none. Raises `UnknownNameError`."""
        tables = self.metadata_tables()
        if not isinstance(key, str) or key not in tables:
            raise UnknownNameError(did_you_mean("metadata key", key, tables))
        column: Column = self.value(tables[key])
        short = len(self) - len(column.values)
        values = column.values.head(len(self)) if short <= 0 else column.values.extend_constant(None, short)
        return values.alias(f"metadata.{key}")

    # -- annotations --------------------------------------------------------------------------------------------

    def annotations(self) -> pl.DataFrame:
        """All annotations, one row each; `sample` is the sample's number."""
        if "annotations" not in self._parts:
            return pl.DataFrame(schema=ANNOTATION_SCHEMA)
        frame: pl.DataFrame = self.value("annotations")
        return frame

    def annotation_sources(self) -> dict[str, str]:
        """The type of each annotation source."""
        found = self.annotations().select("annotation_source", "annotation_type").unique(maintain_order=True)
        return dict(found.iter_rows())

    def annotations_of(self, source: str | None) -> pl.DataFrame:
        """Annotations of one source, or of all; raises `UnknownNameError`."""
        frame = self.annotations()
        if source is None:
            return frame
        sources = self.annotation_sources()
        if not isinstance(source, str) or source not in sources:
            raise UnknownNameError(did_you_mean("annotation source", source, sources))
        return frame.filter(pl.col("annotation_source") == source)

    # -- vectors ------------------------------------------------------------------------------------------------

    def models(self) -> dict[str, str]:
        """The table of each embedding model that has vectors."""
        return {
            self.last_op(table)["model"]: table
            for table in self._tables("embeddings")
            if self.last_op(table)["op"] != "drop" and any(part.rows for part in self._parts[table])
        }

    def model_name(self, name: str | None) -> str:
        """The model named, or the only one."""
        models = list(self.models())
        if name is None:
            if len(models) == 1:
                return models[0]
            if not models:
                raise InvalidValueError(
                    "the dataset has no embeddings; make them with dataset.embed(), or add your own with "
                    "dataset.add_embeddings(name, array)"
                )
            raise InvalidValueError(f"the dataset has several embedding models, name one: {listed(models)}")
        if not isinstance(name, str) or name not in models:
            raise UnknownNameError(did_you_mean("embedding model", name, models))
        return name

    def dimension(self, model: str) -> int:
        """Numbers per vector."""
        return int(self.last_op(self.models()[model])["dimension"])

    def embeddings(self, model: str) -> Embeddings:
        """All vectors of a model, in the order in which they were stored."""
        value: Embeddings = self.value(self.models()[model])
        return value

    def embedded_samples(self, model: str) -> Rows:
        """Numbers of the samples with a vector, without reading the vectors."""
        table = self.models()[model]
        known, _ = self._cache.values.get(table, ((), None))
        if known == self._parts[table] or any(op["op"] != "add" for p in self._parts[table] for op in p.ops):
            return self.embeddings(model).samples
        columns = self._unchanged(table, lambda: self._store.read_column(table, self._parts[table], "sample"))
        return np.concatenate([c.to_numpy() for c in columns])

    def derived(self, kind: str, **about: object) -> Derived | None:
        """The stored graph or projection that was made like this, if any."""
        for table in reversed(self._tables(kind)):
            op = self.last_op(table)
            if all(op.get(key) == wanted for key, wanted in about.items()):
                value: Derived = self.value(table)
                return value
        return None

    def derived_table(self, kind: str, **about: object) -> str | None:
        """The table of the stored graph or projection that was made like this."""
        return next(
            (t for t in reversed(self._tables(kind)) if all(self.last_op(t).get(k) == v for k, v in about.items())),
            None,
        )

    # -- columns by name ----------------------------------------------------------------------------------------

    def column_names(self) -> list[str]:
        """Names of the columns of `Query.to_polars()`."""
        return [*self.samples.columns, "tags", *(f"metadata.{key}" for key in self.metadata_tables())]

    def column(self, name: str) -> pl.Series:
        """A sample column, `tags`, or `metadata.<key>`, one value per sample."""
        if name in self.samples.columns:
            return self.samples[name]
        if name == "tags":
            return self.tags_list()
        if name.startswith("metadata."):
            return self.metadata(name.removeprefix("metadata."))
        raise UnknownNameError(did_you_mean("field", name, self.column_names()))
