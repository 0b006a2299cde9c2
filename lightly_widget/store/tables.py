"""What the stored parts of each table amount to: pure folds, and for `optimize` the way back.

Samples are numbered by their place in the table `samples`, from 0; every other table refers to that number.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from lightly_widget.errors import CorruptDataError
from lightly_widget.store.commits import Part

V = TypeVar("V")
Rows = npt.NDArray[np.uint32]
Piece = tuple[pl.DataFrame, dict[str, Any]]

ANNOTATION_COLUMNS = {
    "annotation_type": pl.String,
    "class_name": pl.String,
    "confidence": pl.Float32,
    "x": pl.Float32,
    "y": pl.Float32,
    "width": pl.Float32,
    "height": pl.Float32,
}
ANNOTATION_SCHEMA = {"sample": pl.UInt32, "annotation_source": pl.String, **ANNOTATION_COLUMNS}


class Fold(ABC, Generic[V]):
    """How the parts of one kind of table add up to a value. Values are never changed in place."""

    @abstractmethod
    def fold(self, value: V | None, parts: Sequence[tuple[Part, pl.DataFrame]]) -> V:
        """The value after more parts; `value` is None before the first."""

    @abstractmethod
    def unfold(self, value: V) -> list[Piece]:
        """Rows and operations that fold to `value`."""


def pieces_of(part: Part, frame: pl.DataFrame) -> list[Piece]:
    """The operations of a part, each with its rows."""
    return [(frame.slice(op["start"], op["rows"]) if op["rows"] else frame.clear(), op) for op in part.ops]


class SamplesFold(Fold[pl.DataFrame]):
    """ops: `add` appends; `set` replaces all (paths moved)."""

    def fold(self, value: pl.DataFrame | None, parts: Sequence[tuple[Part, pl.DataFrame]]) -> pl.DataFrame:
        frames = [] if value is None else [value]
        for part, frame in parts:
            for rows, op in pieces_of(part, frame):
                if op["op"] == "set":
                    frames = []
                frames.append(rows)
        return pl.concat(frames).rechunk()

    def unfold(self, value: pl.DataFrame) -> list[Piece]:
        return [(value, {"op": "set"})] if value.height else []


class TagsFold(Fold[dict[str, Rows]]):
    """ops: `add`, `remove`, `set`, `delete`, `rename` (with `to`). A tag's samples stand in pick order."""

    def fold(self, value: dict[str, Rows] | None, parts: Sequence[tuple[Part, pl.DataFrame]]) -> dict[str, Rows]:
        tags = dict(value or {})
        for part, frame in parts:
            for rows, op in pieces_of(part, frame):
                samples = rows["sample"].to_numpy() if rows.width else np.empty(0, np.uint32)
                _apply_tag(tags, op, samples)
        return tags

    def unfold(self, value: dict[str, Rows]) -> list[Piece]:
        return [(tag_rows(name, rows), {"op": "set", "tag": name}) for name, rows in value.items()]


def tag_rows(name: str, samples: Rows, first_rank: int = 0) -> pl.DataFrame:
    """Rows of the table `tags`."""
    return pl.DataFrame(
        {
            "tag": pl.repeat(name, len(samples), dtype=pl.String, eager=True),
            "sample": pl.Series(samples, dtype=pl.UInt32),
            "rank": pl.Series(np.arange(first_rank, first_rank + len(samples), dtype=np.uint32)),
        }
    )


def _apply_tag(tags: dict[str, Rows], op: dict[str, Any], samples: Rows) -> None:
    name, kind = op["tag"], op["op"]
    old = tags.get(name, np.empty(0, np.uint32))
    if kind == "set":
        tags[name] = samples
    elif kind == "add":
        tags[name] = np.concatenate([old, samples[~np.isin(samples, old)]])
    elif kind == "remove":
        tags[name] = old[~np.isin(old, samples)]
    elif kind == "delete":
        tags.pop(name, None)
    elif kind == "rename":
        renamed = {op["to"] if tag == name else tag: rows for tag, rows in tags.items()}
        tags.clear()
        tags.update(renamed)
    else:
        raise CorruptDataError(f"unknown operation {kind!r} on tags; a newer version of this package wrote it")


@dataclass(frozen=True)
class Column:
    """A metadata key's values: `values[i]` belongs to sample i; samples beyond the end have none."""

    key: str
    type: str
    values: pl.Series


class MetadataFold(Fold[Column]):
    """One table per key and type. ops: `update`; `clear` when the key moved to a table of another type."""

    def fold(self, value: Column | None, parts: Sequence[tuple[Part, pl.DataFrame]]) -> Column:
        key, kind = (value.key, value.type) if value is not None else ("", "")
        updates: list[pl.DataFrame] = []
        dense = value.values if value is not None else None
        for part, frame in parts:
            for rows, op in pieces_of(part, frame):
                key, kind = op["key"], op["type"]
                if op["op"] == "clear":
                    updates, dense = [], None
                elif rows.height:
                    updates.append(rows)
        return Column(key, kind, _scatter(dense, updates))

    def unfold(self, value: Column) -> list[Piece]:
        keep = value.values.is_not_null()
        rows = pl.DataFrame({"sample": keep.arg_true().cast(pl.UInt32), "value": value.values.filter(keep)})
        return [(rows, {"op": "update", "key": value.key, "type": value.type})] if rows.height else []


def _scatter(dense: pl.Series | None, updates: list[pl.DataFrame]) -> pl.Series:
    if not updates:
        return dense if dense is not None else pl.Series("value", [], dtype=pl.Null)
    rows = pl.concat(updates)
    if len(updates) > 1:
        rows = rows.unique("sample", keep="last")
    samples = rows["sample"].to_numpy()
    size = max(int(samples.max()) + 1, 0 if dense is None else len(dense))
    if len(samples) == size and samples[0] == 0 and bool((np.diff(samples.astype(np.int64)) == 1).all()):
        return rows["value"].rechunk()
    # Row i takes the update at position[i], or keeps what it had where position[i] is null.
    position = np.full(size, -1, dtype=np.int64)
    position[samples] = np.arange(len(samples))
    index = pl.Series(position)
    updated = (
        rows["value"]
        .gather(index.set(index < 0, 0))
        .zip_with(index >= 0, pl.Series([None], dtype=rows["value"].dtype).new_from_index(0, size))
    )
    if dense is None:
        return updated
    before = dense if len(dense) == size else dense.extend_constant(None, size - len(dense))
    return updated.zip_with(index >= 0, before)


class AnnotationsFold(Fold[pl.DataFrame]):
    """ops: `replace`, the rows stand for all annotations of their `source` on their samples.

    A row without a class says only that its sample has no annotation of that source any more.
    """

    def fold(self, value: pl.DataFrame | None, parts: Sequence[tuple[Part, pl.DataFrame]]) -> pl.DataFrame:
        frame = value if value is not None else pl.DataFrame(schema=ANNOTATION_SCHEMA)
        for part, rows_of_part in parts:
            for rows, op in pieces_of(part, rows_of_part):
                stays = (pl.col("annotation_source") != op["source"]) | ~pl.col("sample").is_in(
                    rows["sample"].unique().implode()
                )
                frame = pl.concat([frame.filter(stays), rows.filter(pl.col("class_name").is_not_null())])
        return frame.rechunk()

    def unfold(self, value: pl.DataFrame) -> list[Piece]:
        sources = value["annotation_source"].unique(maintain_order=True).to_list()
        return [
            (value.filter(pl.col("annotation_source") == source), {"op": "replace", "source": source})
            for source in sources
        ]


@dataclass(frozen=True)
class Embeddings:
    """Vectors of one model. `vectors[j]` belongs to sample `samples[j]`.

    `epoch` changes whenever anything but an addition at the end happened, so that a graph or projection made for the
    first rows of the same epoch is still right for them.
    """

    model: str
    epoch: int
    samples: Rows
    vectors: npt.NDArray[np.float32]


class EmbeddingsFold(Fold[Embeddings]):
    """ops: `add` (samples not there yet), `set` (replaces all), `truncate` (drops samples from `n` on), `drop`."""

    def fold(self, value: Embeddings | None, parts: Sequence[tuple[Part, pl.DataFrame]]) -> Embeddings:
        model, epoch = (value.model, value.epoch) if value is not None else ("", parts[0][0].token)
        samples = [value.samples] if value is not None else []
        vectors = [value.vectors] if value is not None else []
        for part, frame in parts:
            for rows, op in pieces_of(part, frame):
                model = op["model"]
                if op["op"] == "set":
                    samples, vectors, epoch = [], [], op.get("epoch", part.token)
                if op["op"] == "drop":
                    samples, vectors = [], []
                elif op["op"] == "truncate":
                    kept = [s < op["n"] for s in samples]
                    samples = [s[k] for s, k in zip(samples, kept, strict=True)]
                    vectors = [v[k] for v, k in zip(vectors, kept, strict=True)]
                    epoch = part.token
                elif rows.height:
                    samples.append(rows["sample"].to_numpy())
                    vectors.append(rows["vector"].to_numpy())
        if not samples:
            return Embeddings(model, epoch, np.empty(0, np.uint32), np.empty((0, 0), np.float32))
        return Embeddings(model, epoch, _joined(samples), _joined(vectors))

    def unfold(self, value: Embeddings) -> list[Piece]:
        if not len(value.samples):
            return []
        rows = embedding_rows(value.samples, value.vectors)
        return [(rows, {"op": "set", "model": value.model, "dimension": value.vectors.shape[1], "epoch": value.epoch})]


def _joined(arrays: list[Any]) -> Any:
    joined = np.ascontiguousarray(arrays[0]) if len(arrays) == 1 else np.concatenate(arrays)
    joined.flags.writeable = False  # shared by all who ask
    return joined


def embedding_rows(samples: Rows, vectors: npt.NDArray[np.float32]) -> pl.DataFrame:
    """Rows of a table of embeddings."""
    return pl.DataFrame({"sample": pl.Series(samples, dtype=pl.UInt32), "vector": array_column(vectors)})


def array_column(values: npt.NDArray[Any]) -> pl.Series:
    """(n, d) numbers as a polars column of fixed-size arrays, without a copy where numpy's rows are contiguous."""
    flat = pl.Series(np.ascontiguousarray(values).reshape(-1))
    return flat.reshape((len(values), values.shape[1]))


@dataclass(frozen=True)
class Derived:
    """A neighbor graph or projection: rows in the order of the embeddings it was made from, and how it was made."""

    rows: pl.DataFrame
    about: dict[str, Any]


class DerivedFold(Fold[Derived]):
    """op: `set`, replaces all."""

    def fold(self, value: Derived | None, parts: Sequence[tuple[Part, pl.DataFrame]]) -> Derived:
        part, frame = parts[-1]
        rows, op = pieces_of(part, frame)[-1]
        return Derived(rows, op)

    def unfold(self, value: Derived) -> list[Piece]:
        about = {k: v for k, v in value.about.items() if k not in {"start", "rows"}}
        return [(value.rows, about)]


FOLDS: dict[str, Fold[Any]] = {
    "samples": SamplesFold(),
    "tags": TagsFold(),
    "metadata": MetadataFold(),
    "annotations": AnnotationsFold(),
    "embeddings": EmbeddingsFold(),
    "graph": DerivedFold(),
    "projection": DerivedFold(),
    "crops": DerivedFold(),
}


def fold_of(table: str) -> Fold[Any]:
    """The fold of a table, by the first word of its name."""
    return FOLDS[table.split("_", 1)[0]]
