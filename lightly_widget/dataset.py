"""The datasets that users hold: images, and anything else that has embeddings."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import numpy as np
import polars as pl

from lightly_widget.core import new_ids, now_column
from lightly_widget.describing import Describing, check_source, write_annotations, write_columns
from lightly_widget.errors import (
    DatasetExistsError,
    InvalidTypeError,
    InvalidValueError,
    LightlyWidgetWarning,
    Progress,
    listed,
    shown,
)
from lightly_widget.metadata import columns_from_frame
from lightly_widget.sample import ImageSample, Sample
from lightly_widget.tables import tag_rows
from lightly_widget.tagging import Tagging, check_tag_name
from lightly_widget.vectors import Vectors, default_embedder_or_warn, progress_bar, write_embeddings

if TYPE_CHECKING:
    from lightly_widget.embedding import Embedder
    from lightly_widget.ingest import ImageScan, LabelScan, Unreadable
    from lightly_widget.ingest.checks import Invalid
    from lightly_widget.ingest.locations import PathLike
    from lightly_widget.query import Query
    from lightly_widget.snapshot import Snapshot
    from lightly_widget.store import Transaction
    from lightly_widget.view import View
    from lightly_widget.widget import Explorer

S = TypeVar("S")

_SIZE = ("file_path_abs", "width", "height")


class BaseDataset(Describing[S], Tagging[S], Vectors[S]):
    """What image datasets and others share."""

    def view(self, query: Query[S] | None = None) -> View:
        from lightly_widget.view import View

        return View(self, query if query is not None else self.query())

    def explore(self, **options: Any) -> Explorer:
        """The widget: embedding plot, live sampling, tags. Options are those of `lightly_widget.widget.Explorer`."""
        from lightly_widget.widget import Explorer

        return Explorer(self, **options)


class ImageDataset(BaseDataset[ImageSample]):
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
            tag_depth: how many levels of folders below `path` become tags.
            limit: at most so many new images.
            progress: called with the fraction done; without it a progress bar is shown.

        Unreadable files are left out, counted and named in a warning.
        """
        from lightly_widget.ingest import scan_images

        known = set(self.snapshot().samples["file_path_abs"])
        with progress_bar("read images", 100, progress) as report:
            scan = scan_images(path, known=known, limit=limit, tag_depth=tag_depth, progress=report)
        added = self._add_scan(scan)
        _warn_unreadable(scan.unreadable)
        self._embed_new(embed, progress)
        return added

    def _embed_new(self, embed: bool | Embedder, progress: Progress | None) -> None:
        if embed is False or not len(self):
            return
        embedder = default_embedder_or_warn(self) if embed is True else embed
        if embedder is not None:
            self.embed(embedder, progress=progress)

    def _add_scan(self, scan: ImageScan) -> int:
        tags = {check_tag_name(name): paths for name, paths in scan.tags.items()}
        with self._change("add_images", {"count": scan.frame.height}) as (work, now):
            added, rows_by_path = _write_images(work, now, scan.frame)
            for name, paths in tags.items():
                rows = np.array([rows_by_path[p] for p in paths if p in rows_by_path], dtype=np.uint32)
                has = now.tags().get(name, np.empty(0, np.uint32))
                fresh = rows[~np.isin(rows, has)]
                if len(fresh):
                    work.write("tags", tag_rows(name, fresh, len(has)), op="add", tag=name)
        return added

    # -- labels -------------------------------------------------------------------------------------------------

    def add_samples_from_coco(
        self,
        path: PathLike,
        images_root: PathLike | None = None,
        *,
        annotation_source: str = "ground_truth",
        invalid: Invalid = "raise",
        embed: bool | Embedder = True,
        progress: Progress | None = None,
    ) -> int:
        """Add the images that a COCO file names, with their boxes. Returns how many are new.

        `invalid="drop"` leaves out boxes that are outside their image or have no area, with a warning, instead of
        refusing them all; here and in the methods below.
        """
        from lightly_widget.ingest import read_coco

        with progress_bar("read labels", 100, progress) as report:
            scan = read_coco(path, images_root, invalid=invalid, progress=report)
        return self._add_labelled(scan, annotation_source, invalid, embed, progress)

    def add_samples_from_yolo(
        self,
        path: PathLike,
        split: str | None = None,
        *,
        annotation_source: str = "ground_truth",
        invalid: Invalid = "raise",
        embed: bool | Embedder = True,
        progress: Progress | None = None,
    ) -> int:
        """Add the images of a YOLO data set (its YAML file), with their boxes; splits become tags."""
        from lightly_widget.ingest import read_yolo

        with progress_bar("read labels", 100, progress) as report:
            scan = read_yolo(path, split, invalid=invalid, progress=report)
        return self._add_labelled(scan, annotation_source, invalid, embed, progress)

    def add_samples_from_labelformat(
        self,
        label_input: Any,
        images_root: PathLike,
        *,
        annotation_source: str = "ground_truth",
        invalid: Invalid = "raise",
        embed: bool | Embedder = True,
        progress: Progress | None = None,
    ) -> int:
        """Add images with boxes from any object-detection input of the `labelformat` library."""
        from lightly_widget.ingest import read_labelformat

        with progress_bar("read labels", 100, progress) as report:
            scan = read_labelformat(label_input, images_root, invalid=invalid, progress=report)
        return self._add_labelled(scan, annotation_source, invalid, embed, progress)

    def _add_labelled(
        self,
        scan: LabelScan,
        annotation_source: str,
        invalid: Invalid,
        embed: bool | Embedder,
        progress: Progress | None,
    ) -> int:
        from lightly_widget.ingest import scan_images

        source = check_source(annotation_source)
        known = set(self.snapshot().samples["file_path_abs"])
        with progress_bar("read images", 100, progress) as report:
            found = scan_images(scan.images["file_path_abs"].to_list(), known=known, progress=report)
        tags = {check_tag_name(name): paths for name, paths in scan.tags.items()}
        with self._change("add_labelled_images", {"count": found.frame.height}) as (work, now):
            added, rows_by_path = _write_images(work, now, found.frame)
            sizes = pl.concat([found.frame.select(_SIZE), *([now.samples.select(_SIZE)] if len(now) else [])])
            self._write_boxes(work, now, scan, source, rows_by_path, sizes, invalid)
            for name, paths in tags.items():
                rows = np.array([rows_by_path[p] for p in paths if p in rows_by_path], dtype=np.uint32)
                has = now.tags().get(name, np.empty(0, np.uint32))
                work.write("tags", tag_rows(name, rows[~np.isin(rows, has)], len(has)), op="add", tag=name)
        _warn_unreadable([*scan.unreadable, *found.unreadable])
        self._embed_new(embed, progress)
        return added

    def add_annotations_from_coco(
        self,
        path: PathLike,
        images_root: PathLike | None = None,
        *,
        annotation_source: str = "ground_truth",
        invalid: Invalid = "raise",
    ) -> int:
        """Boxes of a COCO file for images that are here; returns how many. Those of the same source are replaced."""
        from lightly_widget.ingest import read_coco

        return self._add_boxes(read_coco(path, images_root, invalid=invalid), annotation_source, invalid)

    def add_annotations_from_yolo(
        self,
        path: PathLike,
        split: str | None = None,
        *,
        annotation_source: str = "ground_truth",
        invalid: Invalid = "raise",
    ) -> int:
        """Boxes of a YOLO data set for images that are here; returns how many. Replaces those of the same source."""
        from lightly_widget.ingest import read_yolo

        return self._add_boxes(read_yolo(path, split, invalid=invalid), annotation_source, invalid)

    def add_annotations_from_labelformat(
        self,
        label_input: Any,
        images_root: PathLike,
        *,
        annotation_source: str = "ground_truth",
        invalid: Invalid = "raise",
    ) -> int:
        """Boxes from a `labelformat` input for images that are here; returns how many."""
        from lightly_widget.ingest import read_labelformat

        return self._add_boxes(read_labelformat(label_input, images_root, invalid=invalid), annotation_source, invalid)

    def _add_boxes(self, scan: LabelScan, annotation_source: str, invalid: Invalid) -> int:
        source = check_source(annotation_source)
        with self._change("add_annotations", {"annotation_source": source}) as (work, now):
            rows_by_path = {p: i for i, p in enumerate(now.samples["file_path_abs"])}
            strangers = [p for p in scan.images["file_path_abs"] if p not in rows_by_path]
            written = self._write_boxes(work, now, scan, source, rows_by_path, now.samples, invalid)
        if strangers:
            warnings.warn(
                f"{len(strangers):,} of {scan.images.height:,} images are not in the dataset; their labels were left "
                f"out: {listed(strangers, 3)}",
                LightlyWidgetWarning,
                stacklevel=3,
            )
        return written

    def _write_boxes(
        self,
        work: Transaction,
        now: Snapshot,
        scan: LabelScan,
        source: str,
        rows_by_path: Mapping[str, int],
        sizes: pl.DataFrame,
        invalid: Invalid,
    ) -> int:
        from lightly_widget.ingest import check_annotations

        place = pl.DataFrame(
            {
                "file_path_abs": pl.Series(list(rows_by_path), dtype=pl.String),
                "sample": pl.Series(list(rows_by_path.values()), dtype=pl.UInt32),
            }
        )
        boxes = scan.annotations.join(place, on="file_path_abs", how="inner", maintain_order="left")
        # The label file's word for the size of an image is not enough.
        boxes = check_annotations(boxes, sizes, key="file_path_abs", invalid=invalid)
        images = scan.images.select("file_path_abs").join(place, on="file_path_abs", how="inner", maintain_order="left")
        write_annotations(work, now, boxes, source, images["sample"].to_numpy())
        return boxes.height

    def add_classifications_from_folders(self, *, level: int = 1, annotation_source: str = "ground_truth") -> None:
        """Each image's class is the name of the folder it is in (`level` 1), or of the one above (2) …"""
        from lightly_widget.ingest import classes_from_folders

        frame = classes_from_folders(self.snapshot().samples, level=level)
        self._add_annotations(frame, check_source(annotation_source), "add_classifications")

    def relocate(self, old: PathLike, new: PathLike) -> int:
        """The images moved: replace the folder `old` at the front of their paths by `new`. Returns how many changed.

        Raises `InvalidValueError` where a new path is that of another image. The files themselves are not looked at.
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
            embeddings: (rows, d) vectors, or the name of a column of arrays or lists; None for none yet.
            name, path: as in `create`.
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


def _write_images(work: Transaction, now: Snapshot, frame: pl.DataFrame) -> tuple[int, dict[str, int]]:
    known = {p: i for i, p in enumerate(now.samples["file_path_abs"])}
    # Another process may have added some of them since the folder was read.
    new = frame.filter(~pl.col("file_path_abs").is_in(list(known)))
    if new.height:
        columns = [new_ids(new.height), *new.get_columns(), now_column(new.height)]
        work.write("samples", pl.DataFrame(columns), op="add")
        known.update(zip(new["file_path_abs"], range(len(now), len(now) + new.height), strict=True))
    return new.height, known


def _warn_unreadable(unreadable: list[Unreadable]) -> None:
    if unreadable:
        named = "; ".join(f"{item.path} ({item.reason})" for item in unreadable[:5])
        more = f"; and {len(unreadable) - 5:,} more" if len(unreadable) > 5 else ""
        warnings.warn(
            f"{len(unreadable):,} files could not be read and were left out: {named}{more}",
            LightlyWidgetWarning,
            stacklevel=3,
        )


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
