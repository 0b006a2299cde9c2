"""Images into a dataset: found files become samples, and folders become tags."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import polars as pl

from lightly_widget.dataset.core import DatasetCore, new_ids, now_column
from lightly_widget.dataset.tag_writes import check_tag_name, tag_paths
from lightly_widget.errors import InvalidValueError, LightlyWidgetWarning, shown
from lightly_widget.query.snapshot import Snapshot

if TYPE_CHECKING:
    from lightly_widget.ingest import ImageScan, Unreadable
    from lightly_widget.store import Transaction


def add_scan(core: DatasetCore[Any], scan: ImageScan) -> int:
    """Add the images that a scan found and that are not in the dataset; returns how many."""
    tags = {check_tag_name(name): paths for name, paths in scan.tags.items()}
    with core.change("add_images", {"count": scan.frame.height}) as (work, now):
        added, rows_by_path = write_images(work, now, scan.frame)
        # Only the new ones: a tag that was removed from an image does not come back when the folder is read again.
        tag_paths(work, now, tags, {p: row for p, row in rows_by_path.items() if row >= len(now)})
    return added


def write_images(work: Transaction, now: Snapshot, frame: pl.DataFrame) -> tuple[int, dict[str, int]]:
    """Append the images that are not in the dataset; returns how many, and the sample index of every path."""
    known = {p: i for i, p in enumerate(now.samples["file_path_abs"])}
    # Another process may have added some of them since the folder was read.
    new = frame.filter(~pl.col("file_path_abs").is_in(list(known)))
    if new.height:
        columns = [new_ids(new.height), *new.get_columns(), now_column(new.height)]
        work.write("samples", pl.DataFrame(columns), op="add")
        known.update(zip(new["file_path_abs"], range(len(now), len(now) + new.height), strict=True))
    return new.height, known


def relocate_images(core: DatasetCore[Any], before: str, after: str) -> int:
    """Replace the folder `before` at the start of the paths by `after`; returns how many changed."""
    with core.change("relocate", {"old": before, "new": after}) as (work, now):
        paths = now.samples["file_path_abs"]
        moved = (paths == before) | paths.str.starts_with(f"{before}/")
        target = pl.select(
            pl.when(moved).then(pl.lit(after) + paths.str.slice(len(before))).otherwise(paths).alias("file_path_abs")
        ).to_series()
        if target.n_unique() < paths.n_unique():
            raise InvalidValueError(
                f"relocating {shown(before)} to {shown(after)} would give two images the same path; nothing was changed"
            )
        if moved.any() and before != after:
            work.write("samples", now.samples.with_columns(target), op="set")
    core.roots.allow([after])
    return int(moved.sum())


def trust(core: DatasetCore[Any], roots: Iterable[str], added: Iterable[str]) -> None:
    """Allow the folders and hosts that the user named. Links that lead out of them stay closed, with a warning."""
    core.roots.allow(roots)
    if refused := core.roots.refused(added):
        warnings.warn(
            f"{len(refused):,} of the images will not be opened: {shown(refused[0], 300)} "
            f"{core.roots.reason(refused[0])}",
            LightlyWidgetWarning,
            stacklevel=3,
        )


def warn_unreadable(unreadable: list[Unreadable]) -> None:
    """Warn of files that were left out, the first five by name."""
    if unreadable:
        named = "; ".join(f"{shown(item.path, 300)} ({item.reason})" for item in unreadable[:5])
        more = f"; and {len(unreadable) - 5:,} more" if len(unreadable) > 5 else ""
        warnings.warn(
            f"{len(unreadable):,} files could not be read and were left out: {named}{more}",
            LightlyWidgetWarning,
            stacklevel=3,
        )
