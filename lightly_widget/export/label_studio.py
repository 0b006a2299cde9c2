"""Samples as tasks of Label Studio: its documented JSON of tasks, with what is labeled already."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import polars as pl

from lightly_widget.errors import InvalidValueError, shown
from lightly_widget.export.detections import image_names, one_source, shortest
from lightly_widget.export.files import atomic_file
from lightly_widget.ingest.checks import BOX
from lightly_widget.ingest.locations import PathLike, absolute

_PERCENT: Final = 100.0


def write_label_studio(
    samples: pl.DataFrame,
    annotations: pl.DataFrame,
    path: PathLike,
    *,
    annotation_source: str | None,
    as_predictions: bool,
    url_prefix: str,
    images_root: PathLike | None,
    overwrite: bool,
) -> Path:
    """See `Export.to_label_studio`."""
    one_source(annotations, annotation_source)
    shown_as, values = _shown(samples, url_prefix, images_root)
    sizes = {"width", "height"} <= set(samples.columns)
    kept = ["sample_id", *(["width", "height"] if sizes else [])]
    results: dict[str, list[dict[str, Any]]] = {}
    for row in _with_sizes(annotations, samples.select(kept)).iter_rows(named=True):
        of_sample = results.setdefault(row["sample_id"], [])
        of_sample.append(_result(row, len(of_sample), shown_as))
    key = "predictions" if as_predictions else "annotations"
    tasks = [
        _task({shown_as: value, "sample_id": sample_id}, results.get(sample_id), key, annotation_source)
        for sample_id, value in zip(samples["sample_id"], values, strict=True)
    ]
    with atomic_file(path, overwrite=overwrite) as scratch:
        scratch.write_text(json.dumps(tasks, indent=1), encoding="ascii")
    return Path(absolute(path))


def _shown(samples: pl.DataFrame, url_prefix: str, images_root: PathLike | None) -> tuple[str, list[str]]:
    """What the tasks show, 'image' or 'text', and that of each sample."""
    if "file_path_abs" in samples.columns and not samples["file_path_abs"].null_count():
        if not url_prefix and images_root is None:
            return "image", samples["file_path_abs"].to_list()
        return "image", [url_prefix + name for name in image_names(samples, images_root)]
    if "text" in samples.columns and not samples["text"].null_count():
        return "text", samples["text"].to_list()
    raise InvalidValueError(f"the samples have neither files nor texts to label; they have {shown(samples.columns)}")


def _with_sizes(annotations: pl.DataFrame, samples: pl.DataFrame) -> pl.DataFrame:
    wide = annotations.with_columns(shortest(name) for name in (*BOX, "confidence"))
    sized = samples.rename({"width": "image_width", "height": "image_height"}, strict=False)
    return wide.join(sized, on="sample_id", how="inner", maintain_order="left")


def _task(data: dict[str, Any], result: list[dict[str, Any]] | None, key: str, source: str | None) -> dict[str, Any]:
    """A task; one without labels stays to be labeled."""
    if result is None:
        return {"data": data}
    named = {"model_version": source} if key == "predictions" and source is not None else {}
    return {"data": data, key: [{**named, "result": result}]}


def _result(row: dict[str, Any], number: int, shown_as: str) -> dict[str, Any]:
    """One label; boxes are in percent of the image."""
    entry: dict[str, Any] = {"id": f"{number}", "to_name": shown_as}
    if row["confidence"] is not None:
        entry["score"] = row["confidence"]
    if row["annotation_type"] == "classification":
        return entry | {"from_name": "class", "type": "choices", "value": {"choices": [row["class_name"]]}}
    across, down = _PERCENT / row["image_width"], _PERCENT / row["image_height"]
    return entry | {
        "from_name": "box",
        "type": "rectanglelabels",
        "original_width": row["image_width"],
        "original_height": row["image_height"],
        "image_rotation": 0,
        "value": {
            "x": row["x"] * across,
            "y": row["y"] * down,
            "width": row["width"] * across,
            "height": row["height"] * down,
            "rotation": 0,
            "rectanglelabels": [row["class_name"]],
        },
    }
