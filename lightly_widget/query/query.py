"""An immutable, lazy question to a dataset: which samples, in which order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar, overload

import numpy as np
import numpy.typing as npt
import polars as pl

from lightly_widget.checks import check_bool, check_integer, check_number
from lightly_widget.errors import InvalidTypeError, InvalidValueError, shown
from lightly_widget.export import Export
from lightly_widget.indexes import SampleIndexes
from lightly_widget.ingest.roots import Roots
from lightly_widget.plain import check_plain
from lightly_widget.query.algebra import AND, DEEPEST, as_expression
from lightly_widget.query.fields import Field, OrderBy
from lightly_widget.query.scopes import plan
from lightly_widget.query.snapshot import Snapshot
from lightly_widget.query.steps import STEPS, Match, Order, Pinned, Shuffled, Slice, Step, id_series, slice_of, whole
from lightly_widget.sampling import ResultHome, Sampling

if TYPE_CHECKING:
    from lightly_widget.engines import Engine
    from lightly_widget.strategies import Limit

S = TypeVar("S")


class Source(Protocol[S]):
    """The dataset that a query is about."""

    @property
    def roots(self) -> Roots:
        """Where its files may be."""

    def snapshot(self) -> Snapshot:
        """Its present state."""

    def samples_of(self, snapshot: Snapshot, rows: SampleIndexes) -> list[S]:
        """The samples with these indexes."""

    def change_tag(self, name: str, sample_ids: pl.Series, *, add: bool) -> None:
        """Add a tag to these samples, or remove it from them."""

    def candidates(self, query: Query[S]) -> ResultHome:
        """The samples of a query, to sample among."""


class Queryable(Protocol[S]):
    """A dataset, as users hold it."""

    def query(self) -> Query[S]:
        """All samples."""


class Query(Generic[S]):
    """Samples of a dataset that match conditions, in an order.

    Every method gives a new query and leaves this one as it is. Nothing is read before it is needed, and then the
    dataset's state at that moment counts.
    """

    def __init__(self, source: Source[S], steps: tuple[Step, ...] = ()) -> None:
        self._source = source
        self._steps = steps
        self._last: tuple[int, SampleIndexes] | None = None

    def _with(self, step: Step) -> Self:
        return type(self)(self._source, (*self._steps, step))

    # -- asking -------------------------------------------------------------------------------------------------

    def match(self, *conditions: object) -> Self:
        """Only the samples that meet all conditions: field expressions or boolean polars expressions."""
        if not conditions:
            raise InvalidValueError("match() expects at least one condition")
        return self._with(Match(as_expression(conditions[0]) if len(conditions) == 1 else AND(*conditions)))

    def order_by(self, *keys: Field | OrderBy | pl.Expr | str, descending: bool = False) -> Self:
        """Sorted by these keys, missing values last; equal ones keep the order they had."""
        if not keys:
            raise InvalidValueError("order_by takes at least one field, got none")
        return self._with(Order(tuple(_order_key(key) for key in keys), check_bool("descending", descending)))

    @overload
    def __getitem__(self, key: int) -> S: ...
    @overload
    def __getitem__(self, key: slice) -> Self: ...
    def __getitem__(self, key: int | slice) -> S | Self:
        """A sample, or a query of a slice; negative positions count from the end."""
        if isinstance(key, slice):
            return self._with(Slice(slice_of(key.start, key.stop, key.step)))
        position = whole(key)
        if position is None:
            raise InvalidTypeError("a position must be an integer, got None")
        snapshot, rows = resolve(self)
        if not -len(rows) <= position < len(rows):
            raise IndexError(f"sample {position} asked for, there are {len(rows):,}")
        return self._source.samples_of(snapshot, SampleIndexes(rows[[position]]))[0]

    def split(self, shares: Mapping[str, float], *, seed: int = 0) -> dict[str, Self]:
        """Random parts without overlap that together are this query, e.g. `split({"train": 7, "val": 3})`.

        Shares are relative. Each part is in query order, and the same for the same seed and samples.
        """
        if not isinstance(shares, Mapping) or not shares:
            raise InvalidTypeError(
                f"split expects shares by name such as {{'train': 7, 'val': 3}}, got {shown(shares)}"
            )
        for name, share in shares.items():
            check_number(f"the share of {shown(name)}", share, least=0)
        check_integer("seed", seed, least=0)
        total = sum(map(float, shares.values()))
        if not 0 < total < float("inf"):
            raise InvalidValueError(f"split: the shares must sum to a positive finite number, got {shown(total)}")
        ends = np.cumsum([0.0, *shares.values()]) / total
        ends[-1] = 1.0
        return {
            n: self._with(Shuffled(seed, float(a), float(b))) for n, a, b in zip(shares, ends, ends[1:], strict=False)
        }

    def explain(self) -> str:
        """The steps, one a line, each filter with the polars expression that it is evaluated as."""
        lines = ["all samples"]
        for step in self._steps:
            lines.append(str(step))
            if isinstance(step, Match):
                lines.append(f"    polars: {plan(self._source.snapshot(), step.expression)}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {' → '.join(['all samples', *map(str, self._steps)])}>"

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `from_dict` reads; the sample ids themselves where a polars expression is in the way."""
        steps = [step.to_dict() for step in self._steps]
        if None in steps:
            steps = [Pinned(self.sample_ids).to_dict()]
        return {"steps": steps}

    @classmethod
    def from_dict(cls, dataset: Queryable[S], data: Mapping[str, Any]) -> Self:
        """The query of a dataset that `to_dict` described."""
        check_plain("query", data, deepest=2 * DEEPEST + 6)
        if not callable(getattr(dataset, "query", None)):
            raise InvalidTypeError(f"dataset must be a dataset, got {shown(dataset)}")
        if not isinstance(data, Mapping) or not isinstance(data.get("steps"), list | tuple):
            raise InvalidValueError(f"not a query: {shown(data)}")
        try:
            return cls(dataset.query()._source, tuple(STEPS[step["step"]](step) for step in data["steps"]))
        except (KeyError, TypeError) as error:
            if isinstance(error, InvalidTypeError | InvalidValueError):
                raise
            raise InvalidValueError(f"not a query: {shown(data)}") from error

    # -- answers ------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(resolve(self)[1])

    def __bool__(self) -> bool:
        return len(self) > 0

    def __iter__(self) -> Iterator[S]:
        snapshot, rows = resolve(self)
        for start in range(0, len(rows), 256):
            yield from self._source.samples_of(snapshot, SampleIndexes(rows[start : start + 256]))

    def to_list(self) -> list[S]:
        """The samples."""
        snapshot, rows = resolve(self)
        return self._source.samples_of(snapshot, rows)

    @property
    def sample_ids(self) -> pl.Series:
        """The samples' ids in query order."""
        snapshot, rows = resolve(self)
        return snapshot.samples["sample_id"].gather(pl.Series(rows))

    def to_polars(self) -> pl.DataFrame:
        """One row per sample: its fields, `tags` (a list of names), and `metadata.<key>` for each key."""
        snapshot, rows = resolve(self)
        index = pl.Series(rows)
        columns = [snapshot.column(name).gather(index).alias(name) for name in snapshot.column_names()]
        return pl.DataFrame(columns)

    def annotations(self, annotation_source: str | None = None) -> pl.DataFrame:
        """Annotations of the samples: `sample_id`, source, type, class, confidence, box in pixels."""
        snapshot, rows = resolve(self)
        frame = annotations_of_rows(snapshot, rows, annotation_source)
        ids = snapshot.samples["sample_id"].gather(pl.Series(rows)).gather(frame["row"])
        return frame.drop("row").insert_column(0, ids.alias("sample_id"))

    def embeddings(self, model_name: str | None = None) -> npt.NDArray[np.float32]:
        """(n, d) float32 vectors in query order. Raises `InvalidValueError` where a sample has none."""
        snapshot, rows = resolve(self)
        return embeddings_of_rows(snapshot, rows, model_name)

    # -- doing --------------------------------------------------------------------------------------------------

    def add_tag(self, tag_name: str) -> None:
        """Give the tag to all samples of the query, as one write. New ones come after those that have it."""
        self._source.change_tag(tag_name, self.sample_ids, add=True)

    def remove_tag(self, tag_name: str) -> None:
        """Take the tag from all samples of the query, as one write."""
        self._source.change_tag(tag_name, self.sample_ids, add=False)

    def sampling(self, *, limits: Sequence[Limit | Mapping[str, Any]] = (), engine: Engine | None = None) -> Sampling:
        """Choose among these samples, as they are now.

        limits: what every sample must keep to, whatever its strategies: `AtMost("video", 2)`,
            `Gap("time_s", 5, within="video")`, `Budget("seconds", 3600)`.
        engine: `LocalEngine` or `RayEngine` to solve large samplings in partitions; None for this process.
        """
        return Sampling(self._source.candidates(self), limits=limits, engine=engine)

    @property
    def export(self) -> Export:
        """Write these samples to files, or convert them for other libraries."""
        return Export(self, self._source.roots)


def resolve(query: Query[Any]) -> tuple[Snapshot, SampleIndexes]:
    """The dataset's present state, and the query's samples in it, in query order; looked up once per state."""
    now = query._source.snapshot()
    if query._last is None or query._last[0] != now.version:
        samples = SampleIndexes(np.arange(len(now), dtype=np.int64))
        for step in query._steps:
            samples = step.apply(now, samples)
        query._last = (now.version, samples)
    return now, query._last[1]


def annotations_of_rows(snapshot: Snapshot, rows: SampleIndexes, source: str | None) -> pl.DataFrame:
    """Annotations of these samples; `row` (u32) is the position in `rows`, and the order."""
    frame = snapshot.annotations_of(source)
    wanted = pl.DataFrame(
        {"sample": pl.Series(rows.astype(np.uint32)), "row": pl.Series(np.arange(len(rows), dtype=np.uint32))}
    )
    joined = wanted.join(frame, on="sample", how="inner", maintain_order="left_right")
    return joined.drop("sample")


def embeddings_of_rows(snapshot: Snapshot, rows: SampleIndexes, model_name: str | None) -> npt.NDArray[np.float32]:
    """(len(rows), d) float32 vectors of these samples; without a copy when they are all, in stored order."""
    model = snapshot.model_name(model_name)
    value = snapshot.embeddings(model)
    if len(rows) == len(value.samples) and np.array_equal(rows, value.samples):
        return value.vectors
    position = np.full(len(snapshot), -1, dtype=np.int64)
    position[value.samples] = np.arange(len(value.samples))
    found = position[rows]
    missing = int((found < 0).sum())
    if missing:
        raise InvalidValueError(
            f"{missing:,} of {len(rows):,} samples have no embedding of {shown(model)}; embed them first with "
            "dataset.embed(), or leave them out"
        )
    return value.vectors[found]


def _order_key(key: object) -> OrderBy | pl.Expr:
    if isinstance(key, OrderBy | pl.Expr):
        return key
    if isinstance(key, Field):
        return key.asc()
    if isinstance(key, str):
        return OrderBy(key)
    raise InvalidTypeError(f"order_by takes fields such as ImageSampleField.width, got {shown(key)}")


def ids_of(samples: Any) -> pl.Series:
    """Sample ids from ids, samples, or a query."""
    return samples.sample_ids if isinstance(samples, Query) else id_series(samples)
