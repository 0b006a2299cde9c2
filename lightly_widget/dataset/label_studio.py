"""What was labeled in Label Studio, into a dataset."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from lightly_widget.dataset.label_writes import check_source, write_annotations
from lightly_widget.dataset.tag_writes import add_to_tag, check_tag_name
from lightly_widget.errors import InvalidValueError, LightlyWidgetWarning, listed, shown

if TYPE_CHECKING:
    from lightly_widget.dataset.core import DatasetCore
    from lightly_widget.ingest.checks import Invalid
    from lightly_widget.ingest.locations import PathLike

AnnotationType = Literal["classification", "object_detection"]


def add_from_label_studio(
    core: DatasetCore[Any],
    path: PathLike,
    *,
    annotation_source: str,
    annotation_type: AnnotationType | None,
    tag_name: str | None,
    invalid: Invalid,
) -> int:
    """See `Dataset.add_annotations_from_label_studio`."""
    from lightly_widget.ingest import check_annotations
    from lightly_widget.ingest.label_studio import one_type, read_label_studio

    source = check_source(annotation_source)
    tag = None if tag_name is None else check_tag_name(tag_name)
    is_name = isinstance(annotation_type, str) and annotation_type in ("classification", "object_detection")
    if annotation_type is not None and not is_name:
        raise InvalidValueError(
            f"annotation_type must be 'classification', 'object_detection' or None, got {shown(annotation_type)}"
        )
    samples = core.snapshot().samples
    tasks = read_label_studio(path, samples)
    if not tasks.sample_ids:
        raise InvalidValueError(
            f"none of the {len(tasks.strangers):,} labeled tasks shows a sample of the dataset, so nothing was added "
            f"(first: {listed(tasks.strangers[:3])}); keep the 'sample_id' that to_label_studio puts into their data"
        )
    kind = one_type(tasks, path) if annotation_type is None else annotation_type
    sizes = samples.select(
        "sample_id",
        *(pl.col(name) if name in samples.columns else pl.lit(None, pl.UInt32).alias(name) for name in _SIZE),
    )
    wanted = tasks.annotations.filter(pl.col("annotation_type").is_in([kind] if kind is not None else []))
    frame = check_annotations(wanted, sizes, invalid=invalid)
    with core.change("add_annotations", {"annotation_source": source}) as (work, now):
        labeled = now.known_rows(pl.Series("sample_id", tasks.sample_ids, dtype=pl.String))
        sample = pl.Series("sample", now.known_rows(frame["sample_id"]).astype(np.uint32))
        write_annotations(work, now, frame.with_columns(sample), source, labeled)
        if tag is not None:
            add_to_tag(work, now, tag, labeled)
    if tasks.strangers:
        warnings.warn(
            f"{len(tasks.strangers):,} labeled tasks show no sample of the dataset and were left out: "
            f"{listed(tasks.strangers[:3])}",
            LightlyWidgetWarning,
            stacklevel=3,
        )
    return frame.height


_SIZE = ("width", "height")
