"""Boxes from label files, through the `labelformat` library.

labelformat 0.1.17 stops at the first bad confidence, raises KeyError for ids that do not exist, and logs and skips YOLO
lines it cannot read. So COCO data are checked before it sees them (coco.py), and YOLO lines are parsed here (yolo.py):
every problem of a file is reported at once, and nothing is left out in silence.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, Final

import polars as pl

from lightly_widget.errors import (
    InvalidTypeError,
    InvalidValueError,
    LightlyWidgetError,
    MissingDependencyError,
    Progress,
    StorageError,
    no_progress,
    shown,
)
from lightly_widget.ingest.checks import ANNOTATION_SCHEMA, Invalid, check_annotations, raise_all
from lightly_widget.ingest.images import IMAGE_SCHEMA, file_name
from lightly_widget.ingest.locations import (
    PathLike,
    Unreadable,
    absolute,
    canonical,
    is_url,
    name_problem,
    open_file_system,
)

INSTALL: Final = "reading labels needs labelformat: pip install 'lightly-widget[labels]'"


# Boxes are checked in float64 and stored in float32.
UNCHECKED_SCHEMA: Final = {"file_path_abs": pl.String} | {
    name: pl.Float64 if dtype == pl.Float32 else dtype for name, dtype in ANNOTATION_SCHEMA.items()
}


@dataclass(frozen=True)
class LabelScan:
    """What a label file says.

    Attributes:
        images: one row for each image it names: file_name, file_path_abs, width and height in pixels as the labels give
            them. Whether the files are there is not checked: `scan_images(scan.images["file_path_abs"])` does.
        annotations: file_path_abs and the columns of `ANNOTATION_SCHEMA`, checked against those sizes.
        class_names: every class in the order of its number, also those without a box.
        tags: split name → paths, for formats that have splits.
        unreadable: image files that were left out with their labels, for formats that list images by folder.
        root: the folder or URL that the names of the images count from.
    """

    images: pl.DataFrame
    annotations: pl.DataFrame
    class_names: list[str]
    tags: dict[str, list[str]] = field(default_factory=dict)
    unreadable: list[Unreadable] = field(default_factory=list)
    root: str = ""


def read_labelformat(
    label_input: Any,
    images_root: PathLike,
    *,
    what: str = "labels",
    invalid: Invalid = "raise",
    progress: Progress = no_progress,
) -> LabelScan:
    """The boxes of any object-detection input of labelformat: Pascal VOC, KITTI, CVAT, Labelbox, Lightly and others.

    The images come back in the order of their paths.

    Args:
        label_input: for example `labelformat.formats.PascalVOCObjectDetectionInput(...)`.
        images_root: the folder or URL that the file names in it are relative to.
        what: how errors call the labels.
        invalid: "drop" leaves out boxes that cannot be used, with a warning that counts them.

    Raises:
        InvalidTypeError: not an object-detection input.
        InvalidValueError: labels that cannot be parsed, names that leave `images_root`, boxes outside their image.
        MissingDependencyError: labelformat is not installed.
    """
    model = optional_module("labelformat.model.object_detection")
    if not isinstance(label_input, model.ObjectDetectionInput):
        raise InvalidTypeError(
            f"label_input must be an object-detection input of labelformat, got {type(label_input).__name__}"
        )
    scan = read_input(label_input, images_root, what, invalid, progress)
    # Several inputs list a folder in the order of the disk, which differs from machine to machine.
    return replace(scan, images=scan.images.sort("file_path_abs"))


def read_input(label_input: Any, images_root: PathLike, what: str, invalid: Invalid, progress: Progress) -> LabelScan:
    """As `read_labelformat`, in the order of the input."""
    root = canonical(absolute(images_root, "images_root"))
    try:
        categories = sorted(label_input.get_categories(), key=lambda category: category.id)
        images = list(label_input.get_images())
        labels = _with_progress(label_input.get_labels(), len(images), progress)
        boxes = [(label.image.filename, box) for label in labels for box in label.objects]
    except LightlyWidgetError:
        raise
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, SyntaxError, RecursionError) as error:
        raise parse_error(what, error) from error
    return build_scan(root, what, images, boxes, [category.name for category in categories], invalid)


def optional_module(name: str) -> Any:
    """One module of labelformat or of PyYAML, which it brings, or the error that says how to install it."""
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingDependencyError(INSTALL) from error


def parse_error(what: str, error: BaseException) -> Exception:
    """Our error for one raised while parsing: about storage when a file could not be read, else about its value."""
    if isinstance(error, OSError) and error.errno is not None:
        return StorageError(f"{what} cannot be read: {error.strerror or error}")
    reason = (
        f"there is no {error}" if isinstance(error, KeyError) else f"{type(error).__name__}: {shown(str(error), 300)}"
    )
    return InvalidValueError(f"{what} cannot be parsed: {reason}")


def build_scan(
    root: str, what: str, images: list[Any], boxes: list[tuple[str, Any]], class_names: list[str], invalid: Invalid
) -> LabelScan:
    """The frames of images and boxes, both labelformat's; names are resolved below `root`, boxes checked by size."""
    paths = resolve_names(root, [image.filename for image in images], what)
    rows = [
        (file_name(path), path, image.width, image.height)
        for path, image in zip(paths.values(), {image.filename: image for image in images}.values(), strict=True)
    ]
    try:
        frame = pl.DataFrame(rows, schema=IMAGE_SCHEMA, orient="row")
    except (pl.exceptions.PolarsError, TypeError, OverflowError) as error:
        raise parse_error(f"{what}: the image sizes", error) from error
    found = {
        "file_path_abs": [paths.get(name) for name, _ in boxes],
        "annotation_type": ["object_detection"] * len(boxes),
        "class_name": [box.category.name for _, box in boxes],
        "confidence": [box.confidence for _, box in boxes],
        "x": [box.box.xmin for _, box in boxes],
        "y": [box.box.ymin for _, box in boxes],
        "width": [box.box.xmax - box.box.xmin for _, box in boxes],
        "height": [box.box.ymax - box.box.ymin for _, box in boxes],
    }
    annotations = pl.DataFrame(found, schema=UNCHECKED_SCHEMA)
    checked = check_annotations(annotations, frame, key="file_path_abs", invalid=invalid)
    return LabelScan(frame, checked, class_names, root=root)


def resolve_names(root: str, names: Iterable[object], what: str) -> dict[str, str]:
    """File name → absolute path below `root`.

    Raises:
        InvalidValueError: names that are empty, no text, hold a NUL, leave the folder (`../`, or an absolute path
            elsewhere), or that mean the same file twice; all counted, five named.
    """
    paths: dict[str, str] = {}
    taken: set[str] = set()
    problems: list[str] = []
    for name in names:
        path = below(root, name)
        if path is None:
            reason = name_problem(name) if isinstance(name, str) else "is not a string"
            problems.append(f"{shown(name, 200)} {reason or f'leaves the folder of the images, {shown(root, 200)}'}")
        elif path in taken:
            problems.append(f"{shown(name, 200)} is named more than once")
        else:
            taken.add(path)
            paths[str(name)] = path
    if problems:
        raise_all(problems, len(problems), f"image names of {what}")
    return paths


def below(root: str, name: object) -> str | None:
    """`name` as an absolute path or URL if it lies below `root`, else None."""
    if not isinstance(name, str) or name_problem(name):
        return None
    if is_url(root):
        base = root.rstrip("/") + "/"
        rest = name.removeprefix(base)
        parts = PurePosixPath(rest).parts
        inside = not rest.startswith("/") and "://" not in rest and ".." not in parts and parts
        return base + "/".join(parts) if inside else None
    path = os.path.normpath(os.path.join(root, name))  # noqa: PTH118 - a name may be absolute
    return path if path != root and path.startswith(root.rstrip(os.sep) + os.sep) else None


def read_bytes(path: PathLike, argument: str) -> bytes:
    """The content of a local file or URL.

    Raises:
        InvalidValueError: there is no such file.
        StorageError: it cannot be read.
    """
    name = absolute(path, argument)
    try:
        if is_url(name):
            system, inner = open_file_system(name)
            with system.open(inner, "rb") as file:
                return bytes(file.read())
        return Path(name).read_bytes()
    except FileNotFoundError as error:
        raise InvalidValueError(f"{argument}: there is no file {shown(name, 300)}") from error
    except OSError as error:
        raise StorageError(f"{argument}: {shown(name, 300)} cannot be read: {error.strerror or error}") from error


def parent(path: PathLike, argument: str) -> str:
    """The folder or URL that holds `path`."""
    name = absolute(path, argument)
    return name.rsplit("/", 1)[0] if is_url(name) else os.path.dirname(name)  # noqa: PTH120


def _with_progress(labels: Iterable[Any], total: int, progress: Progress) -> Iterable[Any]:
    for i, label in enumerate(labels):
        if i % 256 == 0:
            progress(i / max(total, 1))
        yield label
    progress(1.0)
