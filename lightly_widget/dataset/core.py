"""What every dataset has: a store, the present state, samples to ask for, metadata and tags to change."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, Self, TypeVar, overload

import numpy as np
import polars as pl

from lightly_widget.errors import DatasetExistsError, DatasetNotFoundError, InvalidTypeError, InvalidValueError, shown
from lightly_widget.ingest.roots import Roots
from lightly_widget.query import Pinned, Query, ids_of
from lightly_widget.query.fields import Field, OrderBy
from lightly_widget.query.snapshot import Cache, Index, Snapshot
from lightly_widget.store import Store, Transaction, is_remote
from lightly_widget.store.tables import fold_of

if TYPE_CHECKING:
    from lightly_widget.dataset.view import View
    from lightly_widget.export import Export
    from lightly_widget.ingest.locations import PathLike
    from lightly_widget.sampling import Sampling
    from lightly_widget.store.commits import Commit, Part

S = TypeVar("S")

HOME_VARIABLE: Final = "LIGHTLY_WIDGET_HOME"
DEFAULT_HOME: Final = "lightly_widget_data"
DEFAULT_NAME: Final = "default"
FORMAT: Final = 1
_LONGEST_NAME: Final = 200


class Core(Generic[S]):
    """A stored set of samples. Made by `create`, `load` or `load_or_create`."""

    kind: ClassVar[str]
    sample_schema: ClassVar[dict[str, Any]]

    def __init__(self, store: Store) -> None:
        details = store.commits[0].details
        if details.get("format") != FORMAT:
            raise InvalidValueError(
                f"{store.uri} has the format {shown(details.get('format'))}, and this version reads {FORMAT}; "
                "update lightly-widget"
            )
        if details["kind"] != self.kind:
            other = {"image": "ImageDataset", "generic": "Dataset"}.get(details["kind"], details["kind"])
            raise InvalidValueError(f"{store.uri} is a {other}; load it with {other}.load")
        self._store = store
        self._cache = Cache()
        self._now: Snapshot | None = None
        store.rewriter = self._rewrite

    # -- making and finding -------------------------------------------------------------------------------------

    @classmethod
    def create(cls, name: str = DEFAULT_NAME, path: str | Path | None = None) -> Self:
        """Create an empty dataset.

        Args:
            name: the name of the folder that is created below `path`; "default" when omitted.
            path: the folder that holds datasets, or an object store's address such as `s3://bucket/folder`; else the
                environment variable LIGHTLY_WIDGET_HOME, else `./lightly_widget_data`.

        Raises:
            DatasetExistsError: there is one of that name.
            StorageError: the folder cannot be written.
        """
        return cls(Store.create(_address(name, path), {"name": name, "kind": cls.kind, "format": FORMAT}))

    @classmethod
    def load(cls, name: str = DEFAULT_NAME, path: str | Path | None = None) -> Self:
        """Open an existing dataset, the one named "default" when `name` is omitted.

        Raises:
            DatasetNotFoundError: there is no dataset of that name; the message lists those that exist.
        """
        address = _address(name, path)
        try:
            return cls(Store.open(address))
        except DatasetNotFoundError:
            raise DatasetNotFoundError(f"no dataset {shown(name)} in {_home(path)}{_others(path)}") from None

    @classmethod
    def load_or_create(cls, name: str = DEFAULT_NAME, path: str | Path | None = None) -> Self:
        """Open the dataset, or create it if it does not exist; the one named "default" when `name` is omitted."""
        try:
            return cls.load(name, path)
        except DatasetNotFoundError:
            try:
                return cls.create(name, path)
            except DatasetExistsError:
                return cls.load(name, path)  # another process made it in between

    @property
    def name(self) -> str:
        """The name it was made with."""
        return str(self._store.commits[0].details["name"])

    @property
    def uri(self) -> str:
        """The folder or address it lies in."""
        return self._store.uri

    @property
    def roots(self) -> Roots:
        """Where this dataset's files may lie, as the user named it; see `allow_root`."""
        return Roots(f"{self._store.commits[0].token:x}")

    def allow_root(self, path: PathLike) -> None:
        """Trust a folder, file or host: this dataset's files there are opened, now and in later sessions.

        Whatever you add or relocate is trusted by that. A dataset that you received names files by itself, and nothing
        that it names is opened before you have allowed the folder.

        Args:
            path: a folder with all below it, a file, or a URL, of which the host (bucket) counts.
        """
        from lightly_widget.ingest import absolute

        self.roots.allow([absolute(path)])

    @property
    def media(self) -> str:
        """What samples are to look at: image, text or none."""
        return "image" if self.kind == "image" else "text" if "text" in self.snapshot().samples.columns else "none"

    def snapshot(self) -> Snapshot:
        """The state now, with what other processes have written since. It never changes."""
        self._store.refresh()
        if self._now is None or self._now.version != self._store.version:
            self._now = Snapshot(self._store, self._cache, pl.DataFrame(schema=self.sample_schema))
        return self._now

    @contextmanager
    def _change(
        self, action: str, details: Mapping[str, Any] | None = None, *, undoable: bool = True
    ) -> Iterator[tuple[Transaction, Snapshot]]:
        """One write: the newest state, and a transaction on it that nobody else can get in between."""
        with self._store.transaction(action, details, undoable=undoable) as work:
            yield work, self.snapshot()

    def _rewrite(self, table: str, parts: Sequence[Part]) -> list[tuple[pl.DataFrame, dict[str, Any]]]:
        fold = fold_of(table)
        frames = self._store.read(table, parts)
        return fold.unfold(fold.fold(None, list(zip(parts, frames, strict=True))))

    # -- samples ------------------------------------------------------------------------------------------------

    def query(self) -> Query[S]:
        """All samples, in the order in which they were added."""
        return Query(self)

    def match(self, *conditions: object) -> Query[S]:
        """The samples that meet all conditions."""
        return self.query().match(*conditions)

    def order_by(self, *keys: Field | OrderBy | pl.Expr | str, descending: bool = False) -> Query[S]:
        """All samples sorted, missing values last."""
        return self.query().order_by(*keys, descending=descending)

    def select(self, sample_ids: Any) -> Query[S]:
        """These samples (ids, samples or a query), in this order; each once."""
        ids = ids_of(sample_ids).unique(maintain_order=True)
        self.snapshot().known_rows(ids)
        return Query(self, (Pinned(ids),))

    def get_sample(self, sample_id: str) -> S:
        """The sample with that id. Raises `UnknownNameError`, a `ValueError`."""
        if not isinstance(sample_id, str):
            raise InvalidTypeError(f"a sample id is a text, not {shown(sample_id)}")
        snapshot = self.snapshot()
        return self.samples_of(snapshot, snapshot.known_rows(ids_of([sample_id])))[0]

    def samples_of(self, snapshot: Snapshot, rows: Index) -> list[S]:
        """The samples in these rows of a snapshot."""
        records = snapshot.samples[rows].to_dicts() if len(rows) else []
        return [self._sample(record) for record in records]

    def _sample(self, record: dict[str, Any]) -> S:
        raise NotImplementedError

    @overload
    def __getitem__(self, key: int) -> S: ...
    @overload
    def __getitem__(self, key: slice) -> Query[S]: ...
    def __getitem__(self, key: int | slice) -> S | Query[S]:
        return self.query()[key]

    def __len__(self) -> int:
        return len(self.snapshot())

    def __bool__(self) -> bool:
        return True  # an empty dataset is a dataset

    def __iter__(self) -> Iterator[S]:
        return iter(self.query())

    def to_polars(self) -> pl.DataFrame:
        """One row per sample: its fields, `tags` and `metadata.<key>`."""
        return self.query().to_polars()

    def __repr__(self) -> str:
        snapshot = self.snapshot()
        return f"<{type(self).__name__} {self.name!r}: {len(snapshot):,} samples, {len(snapshot.tags())} tags>"

    # -- what a query asks of its dataset -----------------------------------------------------------------------

    def change_tag(self, name: str, sample_ids: pl.Series, *, add: bool) -> None:
        """Give the tag to these samples, or take it from them, as one write."""
        raise NotImplementedError

    def update_metadata(self, update: Any) -> None:
        """Set metadata values, as one write."""
        raise NotImplementedError

    def view(self, query: Query[S] | None = None) -> View:
        """A snapshot of a query's samples (all by default) for sampling and plotting; row i is its i-th sample."""
        raise NotImplementedError

    def sampling_of(self, query: Query[S]) -> Sampling:
        """Choose among the samples of a query; `query.sampling()` is the same."""
        from lightly_widget.sampling import Sampling

        return Sampling(self.view(query))

    def export_of(self, query: Query[S]) -> Export:
        """Write the samples of a query; `query.export` is the same."""
        from lightly_widget.export import Export

        return Export(query, self.roots)

    # -- the past -----------------------------------------------------------------------------------------------

    def undo(self) -> str | None:
        """Take back the last change (tags, metadata, annotations, added samples); returns what it was, or None.

        Call it again to go further back: the last 20 changes can be undone. The undoing is itself part of the history.
        """
        undone = self._store.undo(self._prepare_undo)
        return None if undone is None else undone.action

    def _prepare_undo(self, work: Transaction, target: Commit) -> None:
        snapshot = self.snapshot()
        added = sum(op["rows"] for p in target.parts if p.table == "samples" for op in p.ops if op["op"] == "add")
        touched = {part.table for part in target.parts}
        for table in snapshot.models().values():
            # Vectors are no change of their own, so those of samples that go would stay behind; and where vectors go,
            # a graph of as many as will be added next must not be taken for theirs.
            if added or table in touched:
                last = snapshot.last_op(table)
                left = len(snapshot) - added
                about = {"model": last["model"], "dimension": last["dimension"]}
                work.write(table, pl.DataFrame(), op="truncate", n=left, **about)

    def optimize(self) -> None:
        """Merge small writes, remove what is no longer needed, and free the space. Also done after every 256 writes."""
        self._store.optimize()


def new_ids(count: int) -> pl.Series:
    """Random ids of 24 hexadecimal digits: 96 bits, so that none is ever made twice."""
    digits = secrets.token_bytes(12 * count).hex()
    whole = pl.Series("sample_id", [digits])
    return whole.str.extract_all("[0-9a-f]{24}").explode() if count else pl.Series("sample_id", [], dtype=pl.String)


def now_column(count: int) -> pl.Series:
    """The present time, once for each row."""
    return pl.repeat(datetime.now(UTC), count, dtype=pl.Datetime("us", "UTC"), eager=True).alias("created_at")


def numbers(rows: Index) -> pl.Series:
    """Sample numbers as they are stored."""
    return pl.Series("sample", rows.astype(np.uint32))


def _home(path: str | Path | None) -> str:
    if path is None:
        path = os.environ.get(HOME_VARIABLE) or DEFAULT_HOME
    if not isinstance(path, str | os.PathLike):
        raise InvalidTypeError(f"path={shown(path)} must be a folder or an object store's address")
    text = os.fspath(path)
    if "\0" in text:
        raise InvalidValueError(f"path={shown(text)} holds a NUL character")
    return text if is_remote(text) else str(Path(text.removeprefix("file://")).expanduser().absolute())


def _address(name: str, path: str | Path | None) -> str:
    if not isinstance(name, str):
        raise InvalidTypeError(f"name={shown(name)} must be a text")
    unfit = not name.strip() or name in {".", ".."} or any(c in name for c in '/\\\0:*?"<>|') or not name.isprintable()
    if unfit or len(name.encode("utf-8", "replace")) > _LONGEST_NAME:
        raise InvalidValueError(
            f'name={shown(name)} cannot name a folder; use 1 to {_LONGEST_NAME} bytes without / \\ : * ? " < > |'
        )
    home = _home(path)
    return f"{home.rstrip('/')}/{name}" if is_remote(home) else str(Path(home) / name)


def _others(path: str | Path | None) -> str:
    home = _home(path)
    if is_remote(home) or not Path(home).is_dir():
        return ""
    names = sorted(p.parent.name for p in Path(home).glob("*/head.json"))
    return f"; there are: {', '.join(map(repr, names[:10]))}" if names else "; there are none"
