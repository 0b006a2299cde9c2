"""The datasets that users hold: images, and anything else that has embeddings."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import numpy as np
import polars as pl

from lightly_widget.dataset.core import new_ids, now_column
from lightly_widget.dataset.describing import Describing, write_columns
from lightly_widget.dataset.labeling import Labeling, warn_unreadable, write_images, write_tags
from lightly_widget.dataset.metadata import columns_from_frame
from lightly_widget.dataset.sample import ImageSample, Sample
from lightly_widget.dataset.tagging import Tagging, check_tag_name
from lightly_widget.dataset.vectors import Vectors, progress_bar, write_embeddings
from lightly_widget.errors import (
    DatasetExistsError,
    InvalidTypeError,
    InvalidValueError,
    Progress,
    listed,
    shown,
)

if TYPE_CHECKING:
    from lightly_widget.dataset.view import View
    from lightly_widget.embedding import Embedder
    from lightly_widget.ingest import ImageScan
    from lightly_widget.ingest.locations import PathLike
    from lightly_widget.query import Query
    from lightly_widget.widget import Explorer

S = TypeVar("S")


class BaseDataset(Describing[S], Tagging[S], Vectors[S]):
    """What image datasets and others share."""

    def view(self, query: Query[S] | None = None) -> View:
        from lightly_widget.dataset.view import View

        return View(self, query if query is not None else self.query())

    def explore(self, **options: Any) -> Explorer:
        """The widget: embedding plot, live sampling, tags. Options are those of `lightly_widget.widget.Explorer`."""
        from lightly_widget.widget import Explorer

        return Explorer(self, **options)


class ImageDataset(Labeling[ImageSample], BaseDataset[ImageSample]):
    """Images with tags, metadata, labels and embeddings. An image's identity is its absolute path or URL."""

    kind: ClassVar[str] = "image"
    sample_schema: ClassVar[dict[str, Any]] = {
        "sample_id": pl.String,
        "file_name": pl.String,
        "file_path_abs": pl.String,
        "width": pl.Int32,
        "height": pl.Int32,
        "created_at": pl.Datetime("us", "UTC"),
    }

    def _sample(self, record: dict[str, Any]) -> ImageSample:
        return ImageSample(self, record)

    def add_images_from_path(
        self,
        path: PathLike | Iterable[PathLike],
        *,
        embed: bool | Embedder = True,
        tag_depth: int = 0,
        limit: int | None = None,
        progress: Progress | None = None,
    ) -> int:
        """Add images; those that are there already stay as they are. Returns how many are new.

        Args:
            path: a folder with its subfolders, a file, a glob, an fsspec URL, or a list of these.
            embed: whether to embed what has no embedding yet, with the default model or the one given. Where the
                default model's packages are not installed, a warning says what to install.
            tag_depth: how many levels of folders below `path` become tags of the new images; 0 for none.
            limit: at most so many new images.
            progress: called with the fraction done, 0…1; without it a progress bar is shown. What it raises ends the
                reading before anything is written.

        Unreadable files are left out, counted and named in a warning. Width and height are those of the file, in
        pixels, before any EXIF rotation.

        Raises:
            InvalidValueError: a single path that matches nothing, a negative `limit` or `tag_depth`, or a folder whose
                name cannot be a tag.
            InvalidTypeError: an argument of the wrong type.
            MissingDependencyError: a URL needs a package that is not installed.
            StorageError: a remote folder cannot be listed, or the dataset not written.
        """
        from lightly_widget.ingest import scan_images

        known = set(self.snapshot().samples["file_path_abs"])
        with progress_bar("read images", 100, progress) as report:
            scan = scan_images(path, known=known, limit=limit, tag_depth=tag_depth, progress=report)
        added = self._add_scan(scan)
        self._trust(scan.roots, scan.frame["file_path_abs"])
        warn_unreadable(scan.unreadable)
        self._embed_new(embed, progress)
        return added

    def _add_scan(self, scan: ImageScan) -> int:
        tags = {check_tag_name(name): paths for name, paths in scan.tags.items()}
        with self._change("add_images", {"count": scan.frame.height}) as (work, now):
            added, rows_by_path = write_images(work, now, scan.frame)
            # Only the new ones: a tag that was taken from an image does not come back when the folder is read again.
            write_tags(work, now, tags, {p: row for p, row in rows_by_path.items() if row >= len(now)})
        return added

    def relocate(self, old: PathLike, new: PathLike) -> int:
        """The images moved: replace the folder `old` at the front of their paths by `new`. Returns how many changed.

        The files themselves are not looked at.

        Raises:
            InvalidValueError: a new path would be that of another image. Nothing is written.
        """
        from lightly_widget.ingest import absolute

        before, after = absolute(old, "old").rstrip("/"), absolute(new, "new").rstrip("/")
        with self._change("relocate", {"old": before, "new": after}) as (work, now):
            paths = now.samples["file_path_abs"]
            moved = (paths == before) | paths.str.starts_with(f"{before}/")
            target = pl.select(
                pl.when(moved)
                .then(pl.lit(after) + paths.str.slice(len(before)))
                .otherwise(paths)
                .alias("file_path_abs")
            ).to_series()
            if target.n_unique() < paths.n_unique():
                raise InvalidValueError(
                    f"relocating {shown(before)} to {shown(after)} would give two images one path; nothing was changed"
                )
            if moved.any() and before != after:
                work.write("samples", now.samples.with_columns(target), op="set")
        self.roots.allow([after])
        return int(moved.sum())


class Dataset(BaseDataset[Sample]):
    """Anything that has embeddings: texts, table rows, sounds. Made from a table."""

    kind: ClassVar[str] = "generic"
    sample_schema: ClassVar[dict[str, Any]] = {"sample_id": pl.String, "created_at": pl.Datetime("us", "UTC")}

    def _sample(self, record: dict[str, Any]) -> Sample:
        return Sample(self, record)

    @classmethod
    def from_polars(
        cls,
        frame: Any,
        embeddings: Any = None,
        *,
        name: str,
        path: str | Path | None = None,
        embedding_model_name: str = "embeddings",
    ) -> Self:
        """A new dataset from a table (polars, pandas, pyarrow, Parquet path), one sample a row.

        Args:
            frame: the column `sample_id`, if any, gives the ids; `text` is what the widget shows; all other columns
                become metadata.
            embeddings: (rows, d) finite numbers, kept as float32, or the name of a column of arrays or lists; None for
                none yet.
            name, path: as in `create`.
            embedding_model_name: what the vectors are kept under.

        Raises:
            InvalidValueError: ids that are repeated or missing, embeddings of another count or not finite, a column
                whose values cannot be kept. No dataset is made.
            InvalidTypeError: not a table, or a column of a type that cannot be kept.
            DatasetExistsError: there is one of that name.
        """
        from lightly_widget.ingest import frame_from_any

        table, vectors = _take_vectors(frame_from_any(frame), embeddings)
        samples = _sample_columns(table)
        rest = table.drop([c for c in samples.columns if c in table.columns]).insert_column(0, samples["sample_id"])
        metadata = columns_from_frame(rest)
        dataset = cls._create_or_empty(name, path)
        with dataset._change("add_samples", {"count": table.height}) as (work, now):
            rows = np.arange(table.height)
            if table.height:
                work.write("samples", samples, op="add")
                write_columns(work, now, metadata, lambda ids: rows)
            if vectors is not None and len(vectors):
                write_embeddings(work, now, embedding_model_name, rows, vectors)
        return dataset

    @classmethod
    def _create_or_empty(cls, name: str, path: str | Path | None) -> Self:
        try:
            return cls.create(name, path)
        except DatasetExistsError:
            there = cls.load(name, path)
            if there.snapshot().version > 1:
                raise
            return there  # a process died after making it and before filling it


def _take_vectors(table: pl.DataFrame, embeddings: Any) -> tuple[pl.DataFrame, Any]:
    from lightly_widget.ingest import check_embeddings

    if embeddings is None:
        return table, None
    if isinstance(embeddings, str):
        if embeddings not in table.columns:
            raise InvalidValueError(
                f"embeddings={shown(embeddings)} is no column of the frame: {listed(table.columns)}"
            )
        return table.drop(embeddings), check_embeddings(table[embeddings], table.height)
    return table, check_embeddings(embeddings, table.height)


def _sample_columns(table: pl.DataFrame) -> pl.DataFrame:
    """The columns that are kept with the samples; all others are metadata."""
    if "sample_id" in table.columns:
        ids = table["sample_id"]
        if ids.dtype.is_integer():
            ids = ids.cast(pl.String)
        if ids.dtype != pl.String:
            raise InvalidTypeError(f"sample_id holds {ids.dtype}; expected texts or whole numbers")
        if ids.null_count() or ids.n_unique() < len(ids):
            twice = ids.filter(ids.is_duplicated()).unique(maintain_order=True)
            raise InvalidValueError(
                f"sample_id: {ids.null_count():,} missing, {len(twice):,} more than once ({listed(twice.head(5))}); "
                "every row needs its own"
            )
    else:
        ids = new_ids(table.height)
    columns = [ids.alias("sample_id")]
    for name in ("text", "file_name", "file_path_abs"):
        if name in table.columns:
            if table[name].dtype not in {pl.String, pl.Null}:
                raise InvalidTypeError(f"{name} holds {table[name].dtype}; expected texts")
            columns.append(table[name].cast(pl.String))
    return pl.DataFrame([*columns, now_column(table.height)])
