"""What a model says of the samples: a probe on the embeddings, or predictions of the user's own model.

Both leave the same metadata, each key beginning with the model's name: `<name>_class`, `<name>_confidence` (0…1),
`<name>_margin` (0 undecided … 1 sure), `<name>_entropy` (0 sure … 1 undecided), `<name>_uncertainty` (1 - margin, to
weight a sampling with), and where there are labels `<name>_doubt` (0 agrees … 1 contradicts).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from lightly_widget.checks import check_name, check_number, check_seed
from lightly_widget.dataset.core import DatasetCore
from lightly_widget.dataset.label_writes import write_annotations
from lightly_widget.dataset.metadata import write_columns
from lightly_widget.dataset.metadata_values import columns_from_frame
from lightly_widget.errors import InvalidValueError, Progress, did_you_mean, no_progress, shown
from lightly_widget.sampling.worth import class_codes
from lightly_widget.worth import fit_probe as fit
from lightly_widget.worth import label_doubt, match_boxes, out_of_fold, uncertainty

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BOX: Final = ("x", "y", "width", "height")
_OUT_OF_FOLD_SHARE: Final = 0.9


@dataclass(frozen=True)
class ProbeReport:
    """A probe that was fitted, by its out-of-fold guesses on the labeled samples."""

    classes: tuple[str, ...]
    n_labeled: int
    n_unlabeled: int
    accuracy: float
    """Share of the labeled samples whose class was guessed right by a probe that had not seen it."""
    metadata_keys: tuple[str, ...]
    """What was written."""


def fit_probe(
    core: DatasetCore[Any],
    labels: str | None,
    name: str,
    embedding_model_name: str | None,
    seed: int,
    progress: Progress = no_progress,
) -> ProbeReport:
    """See `Dataset.fit_probe`."""
    check_name("name", name)
    check_seed("seed", seed)
    snapshot = core.snapshot()
    stored = snapshot.embeddings(snapshot.model_name(embedding_model_name))
    codes, names = class_codes(core.candidates(core.query()), labels)
    inside = stored.samples < len(codes)  # embeddings may be newer than the labels that were just read
    samples, vectors = stored.samples[inside], stored.vectors[inside]
    known = codes[samples]
    labeled = known >= 0
    if len(np.unique(known[labeled])) < 2:
        raise InvalidValueError("a probe needs labels of at least two classes on embedded samples; label more first")
    present = np.unique(known[labeled])
    probabilities = np.zeros((len(samples), len(names)), dtype=np.float32)
    probabilities[np.ix_(labeled, present)] = out_of_fold(
        vectors[labeled],
        known[labeled],
        seed=seed,
        progress=lambda fraction: progress(_OUT_OF_FOLD_SHARE * fraction),
    )
    if not labeled.all():
        probe = fit(vectors[labeled], known[labeled], seed=seed)
        probabilities[np.ix_(~labeled, probe.classes)] = probe.probabilities(vectors[~labeled])
    frame = _class_columns(snapshot.samples["sample_id"].gather(pl.Series(samples)), probabilities, names, name, known)
    write_metadata(core, "fit_probe", frame)
    progress(1.0)
    guesses = probabilities[labeled].argmax(axis=1)
    return ProbeReport(
        classes=tuple(names),
        n_labeled=int(labeled.sum()),
        n_unlabeled=int((~labeled).sum()),
        accuracy=float((guesses == known[labeled]).mean()),
        metadata_keys=tuple(frame.columns[1:]),
    )


def add_predictions(
    core: DatasetCore[Any], predictions: Any, name: str, labels: str | None, least_iou: float
) -> tuple[str, ...]:
    """See `Dataset.add_predictions`."""
    from lightly_widget.ingest import frame_from_any

    check_name("name", name)
    check_number("least_iou", least_iou, least=0, most=1)
    frame = frame_from_any(predictions, argument="predictions")
    for column in ("sample_id", "class_name", "confidence"):
        if column not in frame.columns:
            raise InvalidValueError(f"predictions: {did_you_mean('column', column, frame.columns)}")
    boxes = [column for column in _BOX if column in frame.columns]
    if boxes and len(boxes) < len(_BOX):
        raise InvalidValueError(f"predictions have the columns {boxes} of a box; give all of {list(_BOX)} or none")
    metadata = _boxes(core, frame, name, labels, least_iou) if boxes else _classes(core, frame, name, labels)
    return tuple(metadata.columns[1:])


def write_metadata(core: DatasetCore[Any], action: str, frame: pl.DataFrame) -> None:
    """Set the metadata of a frame with `sample_id` and one column per key, as one change."""
    details = {"keys": frame.columns[1:], "count": frame.height}
    with core.change(action, details) as (work, now):
        write_columns(work, now, columns_from_frame(frame), now.known_rows)


def _class_columns(
    sample_ids: pl.Series,
    probabilities: NDArray[np.floating[Any]],
    names: list[str],
    prefix: str,
    labels: NDArray[np.int64],
) -> pl.DataFrame:
    """The metadata of (n, k) probabilities; labels -1 are unknown and get no doubt."""
    sure = uncertainty(probabilities)
    doubt = np.full(len(labels), np.nan)
    doubt[labels >= 0] = label_doubt(probabilities[labels >= 0], labels[labels >= 0])
    return pl.DataFrame(
        {
            "sample_id": sample_ids,
            f"{prefix}_class": pl.Series(names, dtype=pl.String).gather(sure.guess),
            f"{prefix}_confidence": sure.confidence,
            f"{prefix}_margin": sure.margin,
            f"{prefix}_entropy": sure.entropy,
            f"{prefix}_uncertainty": 1 - sure.margin,
            f"{prefix}_doubt": pl.Series(doubt, nan_to_null=True),
        }
    )


def _classes(core: DatasetCore[Any], frame: pl.DataFrame, name: str, labels: str | None) -> pl.DataFrame:
    """Class predictions: one row per sample, or one per sample and class with its probability."""
    if frame.select("sample_id", "class_name").is_duplicated().any():
        raise InvalidValueError("predictions name a class of a sample twice; give each class of a sample once")
    home = core.candidates(core.query())
    codes = np.full(len(home), -1, dtype=np.int64)
    known_names: list[str] = []
    if labels is not None:
        codes, known_names = class_codes(home, labels)
    checked = _checked(core, frame, "classification")
    names = sorted({*known_names, *checked["class_name"].to_list()})
    rows_of = {sample_id: row for row, sample_id in enumerate(checked["sample_id"].unique(maintain_order=True))}
    probabilities = np.zeros((len(rows_of), len(names)))
    columns = {class_name: column for column, class_name in enumerate(names)}
    for sample_id, class_name, confidence in checked.select("sample_id", "class_name", "confidence").iter_rows():
        probabilities[rows_of[sample_id], columns[class_name]] = confidence
    _spread_rest(probabilities)
    ids = pl.Series("sample_id", list(rows_of), dtype=pl.String)
    with core.change("add_predictions", {"annotation_source": name, "count": len(ids)}) as (work, now):
        rows = now.known_rows(ids)
        # The order of classes among labels and predictions differs; doubt is asked for in the predictions' order.
        translated = np.array([columns[known_names[code]] if code >= 0 else -1 for code in codes[rows]], dtype=np.int64)
        metadata = _class_columns(ids, probabilities, names, name, translated)
        write_columns(work, now, columns_from_frame(metadata), now.known_rows)
        best = checked.sort("confidence", descending=True, maintain_order=True).unique("sample_id", keep="first")
        sample = pl.Series("sample", now.known_rows(best["sample_id"]).astype(np.uint32))
        write_annotations(work, now, best.with_columns(sample), name, rows)
    return metadata


def _spread_rest(probabilities: NDArray[np.float64]) -> None:
    """What a sample's confidences leave of 1 goes to the classes that were not named, evenly; more is normalized."""
    total = probabilities.sum(axis=1, keepdims=True)
    unnamed = probabilities == 0
    rest = np.clip(1 - total, 0, None)
    probabilities += np.where(unnamed, rest / np.maximum(unnamed.sum(axis=1, keepdims=True), 1), 0)
    probabilities /= probabilities.sum(axis=1, keepdims=True)


def _boxes(
    core: DatasetCore[Any], frame: pl.DataFrame, name: str, labels: str | None, least_iou: float
) -> pl.DataFrame:
    """Predicted boxes, kept as annotations, and how they differ from the labeled ones."""
    checked = _checked(core, frame, "object_detection")
    with core.change("add_predictions", {"annotation_source": name, "count": checked.height}) as (work, now):
        ids = checked["sample_id"].unique(maintain_order=True)
        rows = now.known_rows(ids)
        sample = pl.Series("sample", now.known_rows(checked["sample_id"]).astype(np.uint32))
        predicted = checked.with_columns(sample)
        metadata = pl.DataFrame({"sample_id": ids})
        if labels is not None:
            truth = now.annotations_of(labels).filter(pl.col("annotation_type") == "object_detection")
            metadata = metadata.with_columns(_disagreement(predicted, truth, rows, name, least_iou))
        write_annotations(work, now, predicted, name, rows)
        write_columns(work, now, columns_from_frame(metadata), now.known_rows)
    return metadata


def _disagreement(
    predicted: pl.DataFrame, truth: pl.DataFrame, rows: NDArray[np.int64], name: str, least_iou: float
) -> list[pl.Series]:
    ours, theirs = predicted.partition_by("sample", as_dict=True), truth.partition_by("sample", as_dict=True)
    codes = {found: code for code, found in enumerate({*predicted["class_name"], *truth["class_name"].cast(pl.String)})}
    too_many, missed = [], []
    for row in rows.tolist():
        p, t = ours.get((row,), predicted.clear()), theirs.get((row,), truth.clear())
        found = match_boxes(
            p.select(_BOX).to_numpy(),
            np.array([codes[value] for value in p["class_name"]], dtype=np.int64),
            p["confidence"].to_numpy(),
            t.select(_BOX).to_numpy(),
            np.array([codes[value] for value in t["class_name"].cast(pl.String)], dtype=np.int64),
            least_iou=least_iou,
        )
        too_many.append(found.false_positives)
        missed.append(found.false_negatives)
    return [pl.Series(f"{name}_false_positives", too_many), pl.Series(f"{name}_false_negatives", missed)]


def _checked(core: DatasetCore[Any], frame: pl.DataFrame, kind: str) -> pl.DataFrame:
    """The predictions as annotations of one type, each value checked."""
    from lightly_widget.ingest import check_annotations

    if frame["confidence"].null_count():
        raise InvalidValueError(
            f"predictions lack the confidence of {frame['confidence'].null_count():,} rows; give each"
        )
    samples = core.snapshot().samples
    if kind == "object_detection" and "width" not in samples.columns:
        raise InvalidValueError(f"boxes need images, and {shown(core.name)} holds none; leave out {list(_BOX)}")
    sizes = samples.select(
        "sample_id",
        width=pl.col("width") if "width" in samples.columns else pl.lit(None),
        height=pl.col("height") if "height" in samples.columns else pl.lit(None),
    )
    missing = [pl.lit(None, pl.Float64).alias(column) for column in _BOX if column not in frame.columns]
    return check_annotations(frame.with_columns(pl.lit(kind).alias("annotation_type"), *missing), sizes)
