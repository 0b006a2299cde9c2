"""Labels of images: with the images they belong to, or for images that are there already."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import polars as pl

from lightly_widget.dataset.core import new_ids, now_column
from lightly_widget.dataset.describing import Describing, check_source, write_annotations
from lightly_widget.dataset.tagging import check_tag_name
from lightly_widget.dataset.vectors import Vectors, default_embedder_or_warn, progress_bar
from lightly_widget.errors import InvalidValueError, LightlyWidgetWarning, Progress, listed, shown
from lightly_widget.store.tables import tag_rows

if TYPE_CHECKING:
    from lightly_widget.embedding import Embedder
    from lightly_widget.ingest import ImageScan, LabelScan, Unreadable
    from lightly_widget.ingest.checks import Invalid
    from lightly_widget.ingest.locations import PathLike
    from lightly_widget.query.snapshot import Snapshot
    from lightly_widget.store import Transaction

S = TypeVar("S")

_SIZE = ("file_path_abs", "width", "height")


class Labeling(Describing[S], Vectors[S]):
    """The part of an image dataset that reads label files."""

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

        Boxes of the same source on the same images are replaced. Images that cannot be read are left out, counted and
        named in a warning.

        Args:
            path: the JSON file, local or an fsspec URL; boxes in pixels from the top left corner, `score` in 0…1.
            images_root: the folder or URL that the file names count from; None is the folder of the JSON file.
            annotation_source: what the boxes are kept under, e.g. "ground_truth" or a model's name.
            invalid: "raise", or "drop" to leave out boxes that lie outside their image or have no area, with a warning.
            embed, progress: as in `add_images_from_path`.

        Raises:
            InvalidValueError: the file cannot be used, boxes are not valid, or none of its images is there. Every
                problem is counted, five are named, and nothing is written.
            StorageError: a file cannot be read, or the dataset not written.
            MissingDependencyError: labelformat is not installed.
        """
        from lightly_widget.ingest import read_coco

        with progress_bar("read labels", 100, progress) as report:
            scan = read_coco(path, images_root, invalid=invalid, progress=report)
        return self._add_labeled(scan, annotation_source, invalid, embed, progress)

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
        """Add the images of a YOLO data set, with their boxes; splits become tags. Returns how many are new.

        Args:
            path: the data.yaml, local or an fsspec URL; labels lie where Ultralytics looks for them.
            split: one of the splits; None takes all.
            annotation_source, invalid, embed, progress: as in `add_samples_from_coco`.

        Raises:
            InvalidValueError, StorageError, MissingDependencyError: as `add_samples_from_coco`.
        """
        from lightly_widget.ingest import read_yolo

        with progress_bar("read labels", 100, progress) as report:
            scan = read_yolo(path, split, invalid=invalid, progress=report)
        return self._add_labeled(scan, annotation_source, invalid, embed, progress)

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
        """Add images with boxes from any object-detection input of the `labelformat` library. Returns how many are new.

        Args:
            label_input: for example `labelformat.formats.PascalVOCObjectDetectionInput(...)`.
            images_root: the folder or URL that the file names in it count from.
            annotation_source, invalid, embed, progress: as in `add_samples_from_coco`.

        Raises:
            InvalidTypeError: not an object-detection input.
            InvalidValueError, StorageError, MissingDependencyError: as `add_samples_from_coco`.
        """
        from lightly_widget.ingest import read_labelformat

        with progress_bar("read labels", 100, progress) as report:
            scan = read_labelformat(label_input, images_root, invalid=invalid, progress=report)
        return self._add_labeled(scan, annotation_source, invalid, embed, progress)

    def _add_labeled(
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
        if scan.images.height and not found.frame.height and not found.known:
            raise InvalidValueError(_nothing_found(scan, found))
        tags = {check_tag_name(name): paths for name, paths in scan.tags.items()}
        with self._change("add_labeled_images", {"count": found.frame.height}) as (work, now):
            added, rows_by_path = write_images(work, now, found.frame)
            sizes = pl.concat([found.frame.select(_SIZE), *([now.samples.select(_SIZE)] if len(now) else [])])
            self._write_boxes(work, now, scan, source, rows_by_path, sizes, invalid)
            write_tags(work, now, tags, rows_by_path)
        self._trust([scan.root], found.frame["file_path_abs"])
        warn_unreadable([*scan.unreadable, *found.unreadable])
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
        """Boxes of a COCO file for images that are here; returns how many. Those of the same source are replaced.

        Images of the file that are not in the dataset are counted and named in a warning. Arguments as in
        `add_samples_from_coco`.

        Raises:
            InvalidValueError: as `add_samples_from_coco`; also when none of the images is in the dataset, or when the
                source holds classifications. Nothing is written.
            StorageError, MissingDependencyError: as `add_samples_from_coco`.
        """
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
        """Boxes of a YOLO data set for images that are here; returns how many. Replaces those of the same source.

        Arguments as in `add_samples_from_yolo`, errors and warnings as in `add_annotations_from_coco`.
        """
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
        """Boxes from a `labelformat` input for images that are here; returns how many. Replaces those of the source.

        Arguments as in `add_samples_from_labelformat`, errors and warnings as in `add_annotations_from_coco`.
        """
        from lightly_widget.ingest import read_labelformat

        return self._add_boxes(read_labelformat(label_input, images_root, invalid=invalid), annotation_source, invalid)

    def _add_boxes(self, scan: LabelScan, annotation_source: str, invalid: Invalid) -> int:
        source = check_source(annotation_source)
        with self._change("add_annotations", {"annotation_source": source}) as (work, now):
            rows_by_path = {p: i for i, p in enumerate(now.samples["file_path_abs"])}
            strangers = [p for p in scan.images["file_path_abs"] if p not in rows_by_path]
            if strangers and len(strangers) == scan.images.height:
                raise InvalidValueError(
                    f"none of the {len(strangers):,} images that the labels name is in the dataset, so nothing was "
                    f"added; the first is {shown(strangers[0], 300)}. {_way_out(scan)}. To add images with their "
                    "labels, use add_samples_from_coco, _yolo or _labelformat"
                )
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
        """Each image's class is the name of the folder it is in (`level` 1), or of the one above (2) …

        Raises:
            InvalidValueError: a path has fewer folders, or the source holds boxes. Nothing is written.
        """
        from lightly_widget.ingest import classes_from_folders

        frame = classes_from_folders(self.snapshot().samples, level=level)
        self._add_annotations(frame, check_source(annotation_source), "add_classifications")

    def _trust(self, roots: Iterable[str], added: Iterable[str]) -> None:
        """The user named these folders and hosts. Links that lead out of them stay closed, which is said once."""
        self.roots.allow(roots)
        if refused := self.roots.refused(added):
            warnings.warn(
                f"{len(refused):,} of the images will not be opened: {shown(refused[0], 300)} "
                f"{self.roots.reason(refused[0])}",
                LightlyWidgetWarning,
                stacklevel=4,
            )

    def _embed_new(self, embed: bool | Embedder, progress: Progress | None) -> None:
        if embed is False or not len(self):
            return
        embedder = default_embedder_or_warn(self) if embed is True else embed
        if embedder is not None:
            self.embed(embedder, progress=progress)


def write_images(work: Transaction, now: Snapshot, frame: pl.DataFrame) -> tuple[int, dict[str, int]]:
    known = {p: i for i, p in enumerate(now.samples["file_path_abs"])}
    # Another process may have added some of them since the folder was read.
    new = frame.filter(~pl.col("file_path_abs").is_in(list(known)))
    if new.height:
        columns = [new_ids(new.height), *new.get_columns(), now_column(new.height)]
        work.write("samples", pl.DataFrame(columns), op="add")
        known.update(zip(new["file_path_abs"], range(len(now), len(now) + new.height), strict=True))
    return new.height, known


def write_tags(
    work: Transaction, now: Snapshot, tags: Mapping[str, list[str]], rows_by_path: Mapping[str, int]
) -> None:
    """Give each tag to those of its paths that are in `rows_by_path` and lack it."""
    for name, paths in tags.items():
        rows = np.array([rows_by_path[p] for p in paths if p in rows_by_path], dtype=np.uint32)
        has = now.tags().get(name, np.empty(0, np.uint32))
        fresh = rows[~np.isin(rows, has)]
        if len(fresh):
            work.write("tags", tag_rows(name, fresh, len(has)), op="add", tag=name)


def _nothing_found(scan: LabelScan, found: ImageScan) -> str:
    first = found.unreadable[0]
    return (
        f"none of the {scan.images.height:,} images that the labels name can be read, so nothing was added; the first "
        f"was looked for at {shown(first.path, 300)}: {first.reason}. {_way_out(scan)}"
    )


def _way_out(scan: LabelScan) -> str:
    return (
        f"Names count from the folder {shown(scan.root, 300)}; if the images are elsewhere, give that folder as "
        "images_root (for YOLO, as 'path' in the YAML file)"
    )


def warn_unreadable(unreadable: list[Unreadable]) -> None:
    if unreadable:
        named = "; ".join(f"{item.path} ({item.reason})" for item in unreadable[:5])
        more = f"; and {len(unreadable) - 5:,} more" if len(unreadable) > 5 else ""
        warnings.warn(
            f"{len(unreadable):,} files could not be read and were left out: {named}{more}",
            LightlyWidgetWarning,
            stacklevel=3,
        )
