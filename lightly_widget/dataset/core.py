"""The part of a dataset that its façade, namespaces, queries, samples, and candidates share."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeVar

import polars as pl

from lightly_widget.dataset.tag_writes import add_to_tag, check_tag_name, remove_from_tag
from lightly_widget.errors import InvalidTypeError, InvalidValueError, shown
from lightly_widget.indexes import SampleIndexes
from lightly_widget.ingest.roots import Roots
from lightly_widget.query import Query
from lightly_widget.query.snapshot import Cache, Snapshot
from lightly_widget.sampling import ResultHome
from lightly_widget.store import Store, Transaction
from lightly_widget.store.tables import fold_of

if TYPE_CHECKING:
    from lightly_widget.embedding import Embedder
    from lightly_widget.store.commits import Commit, Part

S = TypeVar("S")

FORMAT: Final = 1


@dataclass(frozen=True)
class Kind(Generic[S]):
    """How datasets of images and datasets of anything else differ."""

    name: Literal["image", "generic"]
    """As it is stored."""
    class_name: str
    sample_schema: dict[str, Any]
    sample: Callable[[DatasetCore[S], dict[str, Any]], S]
    candidates: Callable[[DatasetCore[S], Query[S]], ResultHome]


class DatasetCore(Generic[S]):
    """A store with its present state. Internal: `dataset.tags`, a query, and an explorer each hold the same one."""

    def __init__(self, store: Store, kind: Kind[S]) -> None:
        if not isinstance(store, Store):
            raise InvalidTypeError(f"store must be an opened Store, got {shown(store)}; use create or load instead")
        details = store.commits[0].details
        if details.get("format") != FORMAT:
            raise InvalidValueError(
                f"{store.uri} has format {shown(details.get('format'))}, but this version reads format {FORMAT}; "
                "upgrade lightly-widget"
            )
        if details["kind"] != kind.name:
            other = {"image": "ImageDataset", "generic": "Dataset"}.get(details["kind"], details["kind"])
            raise InvalidValueError(f"{store.uri} is a {other}; load it with {other}.load")
        self.store = store
        self.kind = kind
        self.embedders: dict[str, Embedder] = {}
        """The embedders used in this session, by model name."""
        self._cache = Cache()
        self._now: Snapshot | None = None
        store.rewriter = self._rewrite

    @property
    def name(self) -> str:
        """The dataset's name."""
        return str(self.store.commits[0].details["name"])

    @property
    def uri(self) -> str:
        """The folder or address where the dataset is stored."""
        return self.store.uri

    @property
    def roots(self) -> Roots:
        """Where this dataset's files may be, as the user named it."""
        return Roots(f"{self.store.commits[0].token:x}")

    @property
    def media(self) -> str:
        """What there is to see of a sample: image, text or none."""
        if self.kind.name == "image":
            return "image"
        return "text" if "text" in self.snapshot().samples.columns else "none"

    def __len__(self) -> int:
        return len(self.snapshot())

    def snapshot(self) -> Snapshot:
        """The present state, including what other processes have written. It never changes."""
        self.store.refresh()
        if self._now is None or self._now.version != self.store.version:
            self._now = Snapshot(self.store, self._cache, pl.DataFrame(schema=self.kind.sample_schema))
        return self._now

    @contextmanager
    def change(
        self,
        action: str,
        details: Mapping[str, Any] | None = None,
        *,
        undoable: bool = True,
        recomputable: bool = False,
    ) -> Iterator[tuple[Transaction, Snapshot]]:
        """One write: the newest state, and a transaction on it that nobody else can get in between.

        Where the dataset cannot be written, what is `recomputable` is kept in memory.
        """
        with self.store.transaction(action, details, undoable=undoable, recomputable=recomputable) as work:
            yield work, self.snapshot()

    def samples_of(self, snapshot: Snapshot, rows: SampleIndexes) -> list[S]:
        """The samples with these indexes."""
        records = snapshot.samples[rows].to_dicts() if len(rows) else []
        return [self.kind.sample(self, record) for record in records]

    def query(self) -> Query[S]:
        """All samples."""
        return Query(self)

    def candidates(self, query: Query[S]) -> ResultHome:
        """The samples of a query as they are now, to sample among."""
        return self.kind.candidates(self, query)

    def change_tag(self, name: str, sample_ids: pl.Series, *, add: bool) -> None:
        """Add the tag to these samples, or remove it from them, in one write. Adding creates the tag."""
        name = check_tag_name(name)
        with self.change("add_tag" if add else "remove_tag", {"tag": name, "count": len(sample_ids)}) as (work, now):
            rows = now.known_rows(sample_ids)
            (add_to_tag if add else remove_from_tag)(work, now, name, rows)

    def undo(self) -> str | None:
        """Undo the last change and return its action, or None if there is nothing to undo."""
        undone = self.store.undo(self._prepare_undo)
        return None if undone is None else undone.action

    def _prepare_undo(self, work: Transaction, target: Commit) -> None:
        snapshot = self.snapshot()
        added = sum(op["rows"] for p in target.parts if p.table == "samples" for op in p.ops if op["op"] == "add")
        touched = {part.table for part in target.parts}
        for table in snapshot.models().values():
            # Vectors are not a change of their own, so those of samples that go would stay behind; and where vectors
            # go, a graph of as many as will be added next must not be taken for theirs.
            if added or table in touched:
                last = snapshot.last_op(table)
                left = len(snapshot) - added
                about = {"model": last["model"], "dimension": last["dimension"]}
                work.write(table, pl.DataFrame(), op="truncate", n=left, **about)

    def _rewrite(self, table: str, parts: Sequence[Part]) -> list[tuple[pl.DataFrame, dict[str, Any]]]:
        fold = fold_of(table)
        frames = self.store.read(table, parts)
        return fold.unfold(fold.fold(None, list(zip(parts, frames, strict=True))))


def new_ids(count: int) -> pl.Series:
    """Random ids of 24 hexadecimal digits: 96 bits, so that none is ever drawn twice."""
    digits = secrets.token_bytes(12 * count).hex()
    whole = pl.Series("sample_id", [digits])
    return whole.str.extract_all("[0-9a-f]{24}").explode() if count else pl.Series("sample_id", [], dtype=pl.String)


def now_column(count: int) -> pl.Series:
    """The present time, once for each row."""
    return pl.repeat(datetime.now(UTC), count, dtype=pl.Datetime("us", "UTC"), eager=True).alias("created_at")
