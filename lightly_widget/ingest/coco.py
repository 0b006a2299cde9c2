"""COCO object detections."""

from __future__ import annotations

import json
import math
from typing import Any

from lightly_widget.errors import LightlyWidgetError, Progress, no_progress, shown
from lightly_widget.ingest.checks import Invalid, raise_all
from lightly_widget.ingest.labels import (
    LabelScan,
    optional_module,
    parent,
    parse_error,
    read_bytes,
    read_input,
)
from lightly_widget.ingest.locations import PathLike, absolute, name_problem


def read_coco(
    path: PathLike, images_root: PathLike | None = None, *, invalid: Invalid = "raise", progress: Progress = no_progress
) -> LabelScan:
    """The images and boxes of a COCO file; `score` becomes the confidence.

    Args:
        path: the JSON file, local or an fsspec URL.
        images_root: the folder or URL that `file_name` is relative to; None is the folder of the JSON file. Names that
            leave it are refused, absolute names inside it are fine.
        invalid: "drop" leaves out boxes without area or outside their image, with a warning that counts them.

    Raises:
        InvalidValueError: no such file, broken JSON, missing or wrong fields, ids that are repeated or unknown, names
            that leave `images_root`, boxes outside their image; all of a kind at once, counted and five named.
        StorageError: the file cannot be read.
        MissingDependencyError: labelformat is not installed.
    """
    what = f"COCO file {shown(absolute(path), 200)}"
    formats = optional_module("labelformat.formats.coco")
    try:
        data = json.loads(read_bytes(path, "path"))
    except LightlyWidgetError:
        raise
    except (ValueError, RecursionError) as error:
        raise parse_error(what, error) from error
    problems = _problems(data)
    if problems:
        raise_all(problems, len(problems), f"entries of {what}")

    reader = formats.COCOObjectDetectionInput.__new__(formats.COCOObjectDetectionInput)
    reader._data = data  # its __init__ would read the file a second time
    root = parent(path, "path") if images_root is None else images_root
    return read_input(reader, root, what, invalid, progress)


def _problems(data: Any) -> list[str]:
    """Everything that is wrong with the structure, as sentences."""
    if not isinstance(data, dict):
        return [f"the whole must be an object, got a {type(data).__name__}"]
    data.setdefault("annotations", [])  # test sets have none
    wrong = [
        f"{name!r} is {'missing' if name not in data else 'not a list of objects'}"
        for name in ("images", "categories", "annotations")
        if not isinstance(data.get(name), list) or not all(isinstance(entry, dict) for entry in data[name])
    ]
    if wrong:
        return wrong
    images, problems = _ids(data["images"], "image")
    categories, more = _ids(data["categories"], "category")
    problems += more
    for number, image in enumerate(data["images"]):
        if not (
            isinstance(image.get("file_name"), str) and _is_size(image.get("width")) and _is_size(image.get("height"))
        ):
            problems.append(
                f"image {number} needs a file_name, a width and a height in pixels; it has "
                f"{shown({key: image.get(key) for key in ('file_name', 'width', 'height')}, 200)}"
            )
    for number, category in enumerate(data["categories"]):
        name = category.get("name")
        if not isinstance(name, str) or name_problem(name):
            problems.append(f"category {number} needs a name; it has {shown(name)}")
    for number, annotation in enumerate(data["annotations"]):
        reason = _annotation_problem(annotation, images, categories)
        if reason:
            problems.append(f"annotation {number} {reason}")
    return problems


def _ids(entries: list[dict[str, Any]], what: str) -> tuple[set[object], list[str]]:
    seen: set[object] = set()
    problems = []
    for number, entry in enumerate(entries):
        name = entry.get("id")
        if not isinstance(name, int | str):
            problems.append(f"{what} {number} needs an id; it has {shown(name)}")
        elif name in seen:
            problems.append(f"{what} {number} has the id {shown(name)}, which another has too")
        else:
            seen.add(name)
    return seen, problems


def _annotation_problem(annotation: dict[str, Any], images: set[object], categories: set[object]) -> str | None:
    for key, known in (("image_id", images), ("category_id", categories)):
        name = annotation.get(key)
        if not isinstance(name, int | str) or name not in known:
            return f"has the {key} {shown(name)}, which does not exist"
    box = annotation.get("bbox")
    if not (isinstance(box, list) and len(box) == 4 and all(_is_number(value) for value in box)):
        return f"needs a bbox [x, y, width, height] of finite numbers; it has {shown(box)}"
    if "score" in annotation and not (_is_number(annotation["score"]) and 0 <= annotation["score"] <= 1):
        return f"has the score {shown(annotation['score'])}, which is not in 0…1"
    return None


def _is_number(value: object) -> bool:
    # An integer beyond the range of floats is not a size in pixels either, and float() would raise.
    return (isinstance(value, float) and math.isfinite(value)) or (
        isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
    )


def _is_size(value: Any) -> bool:
    return _is_number(value) and 1 <= value < 2**31
