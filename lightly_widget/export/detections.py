"""Boxes out: COCO and YOLO."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import polars as pl

from lightly_widget.checks import check_choice, check_strings
from lightly_widget.errors import InvalidValueError, Progress, listed, no_progress, shown
from lightly_widget.export.files import atomic_file
from lightly_widget.export.folders import FolderExport
from lightly_widget.export.names import common_folder, relative_name, unique_names
from lightly_widget.ingest.checks import BOX
from lightly_widget.ingest.locations import PathLike, absolute
from lightly_widget.ingest.roots import Roots

_NAMED = 5


def boxes_of(annotations: pl.DataFrame, annotation_source: str | None) -> pl.DataFrame:
    """The object detections among annotations.

    Raises:
        InvalidValueError: boxes of several sources and none chosen: predictions would mix with the truth.
    """
    boxes = annotations.filter(pl.col("annotation_type") == "object_detection")
    one_source(boxes, annotation_source)
    return boxes


def one_source(annotations: pl.DataFrame, annotation_source: str | None) -> None:
    """Refuse annotations of one type by several sources when none was chosen."""
    if annotation_source is not None or "annotation_source" not in annotations.columns:
        return
    for (kind,), group in annotations.group_by("annotation_type", maintain_order=True):
        sources = group["annotation_source"].unique().sort().to_list()
        if len(sources) > 1:
            raise InvalidValueError(
                f"there are {kind} annotations of {len(sources)} sources; choose one by annotation_source: "
                f"{listed(sources)}"
            )


def class_order(boxes: pl.DataFrame, class_names: Sequence[str] | None) -> list[str]:
    """The classes in the order of their numbers: as given, else by name.

    Raises:
        InvalidValueError: a name is given twice, or a class of the boxes is not among them.
        InvalidTypeError: not a list of strings.
    """
    found = boxes["class_name"].unique().sort().to_list()
    if class_names is None:
        return found
    names = check_strings("class_names", class_names)
    missing = [name for name in found if name not in set(names)]
    if missing or len(set(names)) < len(names):
        raise InvalidValueError(
            f"class_names lack {listed(missing, _NAMED)}" if missing else f"class_names repeat a name: {listed(names)}"
        )
    return names


def sized_images(samples: pl.DataFrame) -> pl.DataFrame:
    """The samples with path and size.

    Raises:
        InvalidValueError: samples that are not images.
    """
    missing = [name for name in ("file_path_abs", "width", "height") if name not in samples.columns]
    bare = (
        samples if missing else samples.filter(pl.any_horizontal(pl.col("file_path_abs", "width", "height").is_null()))
    )
    if missing or len(bare):
        names = listed(bare["sample_id"].head(_NAMED), _NAMED) if "sample_id" in bare.columns else "all"
        raise InvalidValueError(f"{len(bare):,} of {len(samples):,} samples have no image path and size: {names}")
    return samples


def image_names(samples: pl.DataFrame, images_root: PathLike | None) -> list[str]:
    """Names relative to `images_root`, or to the deepest folder that holds all; whole paths where there is none."""
    paths = samples["file_path_abs"].to_list()
    root = common_folder(paths) if images_root is None else absolute(images_root, "images_root")
    return paths if root is None else [relative_name(path, root) for path in paths]


def shortest(column: str) -> pl.Expr:
    """A float32 column as the shortest float64 that reads back as the same float32: 0.1, not 0.10000000149."""
    return pl.col(column).cast(pl.Float32).cast(pl.String).cast(pl.Float64)


def write_coco(
    samples: pl.DataFrame,
    annotations: pl.DataFrame,
    path: PathLike,
    *,
    annotation_source: str | None,
    images_root: PathLike | None,
    class_names: Sequence[str] | None,
    overwrite: bool,
) -> Path:
    """See `Export.to_coco_object_detections`."""
    images = sized_images(samples)
    boxes = boxes_of(annotations, annotation_source).join(
        images.select("sample_id", image_id=pl.int_range(1, pl.len() + 1)), on="sample_id", maintain_order="left"
    )
    names = class_order(boxes, class_names)
    numbers = {name: number for number, name in enumerate(names, 1)}
    listed_images = [
        {"id": number, "file_name": name, "width": width, "height": height}
        for number, (name, width, height) in enumerate(
            zip(image_names(images, images_root), images["width"], images["height"], strict=True), 1
        )
    ]
    head = {
        "info": {"description": "exported by lightly_widget"},
        "images": listed_images,
        "categories": [{"id": number, "name": name} for name, number in numbers.items()],
    }
    # ASCII: pycocotools opens files in the encoding of the machine.
    text = f'{json.dumps(head)[:-1]}, "annotations": [{_coco_entries(boxes, numbers)}]}}'
    with atomic_file(path, overwrite=overwrite) as scratch:
        scratch.write_text(text, encoding="ascii")
    return Path(absolute(path))


def _coco_entries(boxes: pl.DataFrame, numbers: dict[str, int]) -> str:
    """The annotations as JSON objects; those with a score come first, as a null is not a score."""
    frame = boxes.select(
        pl.int_range(1, pl.len() + 1).alias("id"),
        "image_id",
        pl.col("class_name").replace_strict(numbers, return_dtype=pl.Int64).alias("category_id"),
        pl.concat_list(map(shortest, BOX)).alias("bbox"),
        (shortest("width") * shortest("height")).alias("area"),
        pl.lit(0).alias("iscrowd"),
        pl.lit([], pl.List(pl.Int64)).alias("segmentation"),
        shortest("confidence").alias("score"),
    )
    scored = pl.col("score").is_not_null()
    parts = [frame.filter(scored), frame.filter(~scored).drop("score")]
    # By polars: ten times as fast as a dict for each box.
    return ", ".join(part.write_json()[1:-1] for part in parts if len(part))


def write_yolo(
    samples: pl.DataFrame,
    annotations: pl.DataFrame,
    folder: PathLike,
    *,
    split: str,
    images: Literal["symlink", "copy", "none"],
    annotation_source: str | None,
    class_names: Sequence[str] | None,
    with_confidence: bool,
    overwrite: bool,
    progress: Progress = no_progress,
    roots: Roots | None = None,
) -> Path:
    """See `Export.to_yolo_object_detections`."""
    check_choice("images", images, ("symlink", "copy", "none"))
    _check_split(split)
    frame = sized_images(samples)
    boxes = boxes_of(annotations, annotation_source)
    target = FolderExport(folder, part=split, overwrite=overwrite, roots=roots, pictures=True)
    names = _merged_names(target, class_order(boxes, class_names), explicit=class_names is not None)
    given = placed_names(frame)
    placed = unique_names(given, by_stem=True)
    if images == "none" and placed != given:
        same = [name for name, other in zip(given, placed, strict=True) if name != other]
        raise InvalidValueError(
            f"the label files of {len(same):,} images would have the name of another's: {listed(same, _NAMED)}; "
            "images='symlink' or 'copy' gives them names of their own"
        )
    texts = _label_texts(frame, boxes, names, with_confidence)
    paths = frame["file_path_abs"].to_list()
    for path, name, sample_id in zip(paths, placed, frame["sample_id"], strict=True):
        target.add_text(f"labels/{split}/{name.removesuffix(_suffix(name))}.txt", texts.get(sample_id, ""))
        if images != "none":
            target.add_image(f"images/{split}/{name}", path, link=images == "symlink")
    splits = list(dict.fromkeys([*target.kept_parts, split]))
    target.add_text("data.yaml", _data_yaml(splits, names), shared=True)
    return target.commit(names, progress)


def _check_split(split: str) -> None:
    # It becomes a folder and a key of the YAML file.
    if not isinstance(split, str) or not split.isidentifier() or split in ("names", "nc", "path"):
        raise InvalidValueError(f"split must be one plain word such as 'train' or 'val', got {shown(split)}")


def _merged_names(target: FolderExport, names: list[str], *, explicit: bool) -> list[str]:
    """The numbers that classes have in the labels already in this folder stay as they are."""
    if not target.kept_parts:
        return names
    before = target.names
    if explicit and names[: len(before)] != before:
        raise InvalidValueError(
            f"class_names must begin with those that the folder has already: {listed(before)}; "
            "its labels hold these numbers"
        )
    return before + [name for name in names if name not in set(before)]


def placed_names(images: pl.DataFrame) -> list[str]:
    """Relative names for copies and links of the images."""
    names = image_names(images, None)
    if common_folder(images["file_path_abs"]) is None:
        # Several protocols: each becomes a folder.
        return [name.replace("://", "/").lstrip("/") for name in names]
    return names


def _suffix(name: str) -> str:
    last = name.rpartition("/")[2]
    return f".{last.rpartition('.')[2]}" if "." in last.lstrip(".") else ""


def _label_texts(images: pl.DataFrame, boxes: pl.DataFrame, names: list[str], with_confidence: bool) -> dict[str, str]:
    """sample_id → lines of `class x y width height`, center and size as fractions."""
    x, y, width, height = (pl.col(name).cast(pl.Float64) for name in BOX)
    numbers = pl.DataFrame(
        {"class_name": names, "_number": range(len(names))}, schema_overrides={"class_name": pl.String}
    )
    rows = (
        boxes.join(images.select("sample_id", _w="width", _h="height"), on="sample_id", maintain_order="left")
        .join(numbers, on="class_name", maintain_order="left")
        .select(
            "sample_id",
            "_number",
            (x + width / 2) / pl.col("_w"),
            ((y + height / 2) / pl.col("_h")).alias("y"),
            (width / pl.col("_w")).alias("width"),
            (height / pl.col("_h")).alias("height"),
            "confidence",
        )
    )
    texts: dict[str, list[str]] = {}
    for sample_id, number, *box, confidence in rows.iter_rows():
        score = f" {confidence:.9g}" if with_confidence and confidence is not None else ""
        line = f"{number} {' '.join(f'{value:.9g}' for value in box)}{score}\n"
        texts.setdefault(sample_id, []).append(line)
    return {sample_id: "".join(lines) for sample_id, lines in texts.items()}


def _data_yaml(splits: list[str], names: list[str]) -> str:
    # No `path`: without it every reader takes the folder of this file, with "." some take their own.
    lines = [f"{split}: images/{split}" for split in splits]
    lines += [f"nc: {len(names)}", "names:" if names else "names: {}"]
    lines += [f"  {number}: {_yaml_text(name)}" for number, name in enumerate(names)]
    return "\n".join(lines) + "\n"


def _yaml_text(text: str) -> str:
    """A double-quoted scalar in plain ASCII, whatever the name holds."""
    return '"' + "".join(c if " " <= c <= "~" and c not in '"\\' else f"\\U{ord(c):08x}" for c in text) + '"'
