"""Label files into a dataset: boxes with the images that they belong to, or for images that are already there."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from lightly_widget.dataset.core import DatasetCore
from lightly_widget.dataset.embed import progress_bar
from lightly_widget.dataset.images import trust, warn_unreadable, write_images
from lightly_widget.dataset.label_writes import check_source, write_annotations
from lightly_widget.dataset.tag_writes import check_tag_name, tag_paths
from lightly_widget.errors import InvalidValueError, LightlyWidgetWarning, Progress, listed, shown
from lightly_widget.query.snapshot import Snapshot

if TYPE_CHECKING:
    from lightly_widget.ingest import ImageScan, LabelScan
    from lightly_widget.ingest.checks import Invalid
    from lightly_widget.store import Transaction

_SIZE = ("file_path_abs", "width", "height")


def add_labeled_images(
    core: DatasetCore[Any],
    read: Callable[..., LabelScan],
    annotation_source: str,
    invalid: Invalid,
    progress: Progress | None,
) -> int:
    """Add the images of a label file, which `read(progress=…)` reads, with their boxes; returns how many are new."""
    from lightly_widget.ingest import scan_images

    with progress_bar("read labels", 100, progress) as report:
        scan = read(progress=report)
    source = check_source(annotation_source)
    known = set(core.snapshot().samples["file_path_abs"])
    with progress_bar("read images", 100, progress) as report:
        found = scan_images(scan.images["file_path_abs"].to_list(), known=known, progress=report)
    if scan.images.height and not found.frame.height and not found.known:
        raise InvalidValueError(_nothing_found(scan, found))
    tags = {check_tag_name(name): paths for name, paths in scan.tags.items()}
    with core.change("add_labeled_images", {"count": found.frame.height}) as (work, now):
        added, rows_by_path = write_images(work, now, found.frame)
        sizes = pl.concat([found.frame.select(_SIZE), *([now.samples.select(_SIZE)] if len(now) else [])])
        _write_boxes(work, now, scan, source, rows_by_path, sizes, invalid)
        tag_paths(work, now, tags, rows_by_path)
    trust(core, [scan.root], found.frame["file_path_abs"])
    warn_unreadable([*scan.unreadable, *found.unreadable])
    return added


def add_boxes(core: DatasetCore[Any], scan: LabelScan, annotation_source: str, invalid: Invalid) -> int:
    """Add the boxes of a label file to images that are in the dataset; returns how many."""
    source = check_source(annotation_source)
    with core.change("add_annotations", {"annotation_source": source}) as (work, now):
        rows_by_path = {p: i for i, p in enumerate(now.samples["file_path_abs"])}
        strangers = [p for p in scan.images["file_path_abs"] if p not in rows_by_path]
        if strangers and len(strangers) == scan.images.height:
            raise InvalidValueError(
                f"none of the {len(strangers):,} images that the labels name is in the dataset, so nothing was added; "
                f"the first is {shown(strangers[0], 300)}. {_way_out(scan)}. To add images with their labels, use "
                "add_samples_from_coco, _yolo or _labelformat"
            )
        written = _write_boxes(work, now, scan, source, rows_by_path, now.samples, invalid)
    if strangers:
        warnings.warn(
            f"{len(strangers):,} of {scan.images.height:,} images are not in the dataset; their labels were left out: "
            f"{listed(strangers, 3)}",
            LightlyWidgetWarning,
            stacklevel=3,
        )
    return written


def _write_boxes(
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
    # The size of an image in the label file may be wrong.
    boxes = check_annotations(boxes, sizes, key="file_path_abs", invalid=invalid)
    images = scan.images.select("file_path_abs").join(place, on="file_path_abs", how="inner", maintain_order="left")
    write_annotations(work, now, boxes, source, images["sample"].to_numpy())
    return boxes.height


def _nothing_found(scan: LabelScan, found: ImageScan) -> str:
    first = found.unreadable[0]
    return (
        f"none of the {scan.images.height:,} images that the labels name can be read, so nothing was added; the first "
        f"was expected at {shown(first.path, 300)}: {first.reason}. {_way_out(scan)}"
    )


def _way_out(scan: LabelScan) -> str:
    return (
        f"File names are relative to {shown(scan.root, 300)}; if the images are elsewhere, pass that folder as "
        "images_root (for YOLO, as 'path' in the YAML file)"
    )
