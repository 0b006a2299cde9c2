"""YOLO object detections: a data.yaml, folders of images, and a text file of boxes beside each image."""

from __future__ import annotations

import os
from pathlib import PurePosixPath
from typing import Any, Final

import polars as pl

from lightly_widget.errors import (
    InvalidValueError,
    Progress,
    StorageError,
    did_you_mean,
    no_progress,
    shown,
)
from lightly_widget.ingest.checks import Invalid, check_annotations, raise_all
from lightly_widget.ingest.images import scan_images
from lightly_widget.ingest.labels import UNCHECKED_SCHEMA, LabelScan, optional_module, parent, parse_error, read_bytes
from lightly_widget.ingest.locations import PathLike, absolute, is_url, name_problem, open_file_system

SPLITS: Final = ("train", "val", "test", "minival")


def read_yolo(
    path: PathLike, split: str | None = None, *, invalid: Invalid = "raise", progress: Progress = no_progress
) -> LabelScan:
    """The images and boxes of a YOLO data set as Ultralytics lays it out; an image without a text file has no boxes.

    Lines are `class x y width height [confidence]`, center and size as fractions of the image.

    Args:
        path: the data.yaml, local or an fsspec URL.
        split: train, val, test or another key of the file; None reads all of these that it has.
        invalid: "drop" leaves out boxes without area or outside their image, with a warning that counts them.

    Returns:
        The scan, with a tag for each split, and sizes from the image headers.

    Raises:
        InvalidValueError: no such file or split, broken YAML, lines that cannot be read, unknown classes, boxes outside
            their image; all lines at once, counted and five named.
        StorageError: a file cannot be read.
        MissingDependencyError: PyYAML, which comes with labelformat, is not installed.
    """
    what = f"YOLO file {shown(absolute(path), 200)}"
    config = _load_yaml(read_bytes(path, "path"), what)
    names = _class_names(config.get("names"), what)
    root = parent(path, "path")
    if config.get("path") is not None:
        root = _join(root, str(config["path"]))
    tags: dict[str, list[str]] = {}
    scans = []
    lines: list[tuple[object, ...]] = []
    problems: list[str] = []
    known: set[str] = set()
    for name in _splits(config, split, what):
        folders = _image_folders(root, config, name, what)
        scan = scan_images(folders, known=known, progress=progress)
        new = scan.frame["file_path_abs"].to_list()
        known.update(new)
        tags[name] = new + scan.known
        scans.append(scan)
        for image_path, width, height in scan.frame.select("file_path_abs", "width", "height").iter_rows():
            _read_lines(image_path, width, height, names, lines, problems)
    if problems:
        raise_all(problems, len(problems), f"lines of the labels of {what}")
    images = pl.concat([scan.frame for scan in scans])
    annotations = pl.DataFrame(lines, schema=UNCHECKED_SCHEMA, orient="row")
    checked = check_annotations(annotations, images, key="file_path_abs", invalid=invalid)
    unreadable = [item for scan in scans for item in scan.unreadable]
    return LabelScan(images, checked, [names[i] for i in sorted(names)], tags, unreadable, root)


def _load_yaml(content: bytes, what: str) -> dict[str, Any]:
    yaml = optional_module("yaml")
    try:
        config = yaml.safe_load(content)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError, AttributeError) as error:
        raise parse_error(what, error) from error
    if not isinstance(config, dict):
        raise InvalidValueError(f"{what} must hold keys and values, got a {type(config).__name__}")
    return config


def _class_names(names: object, what: str) -> dict[int, str]:
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not all(
        isinstance(key, int) and isinstance(name, str | int) and not name_problem(str(name))
        for key, name in names.items()
    ):
        raise InvalidValueError(f"{what} needs 'names': a list of class names, or {{number: name}}")
    return {int(key): str(name) for key, name in names.items()}


def _splits(config: dict[str, Any], split: str | None, what: str) -> list[str]:
    if split is not None:
        if config.get(split) is None:
            there = [str(key) for key in config if key in SPLITS]
            raise InvalidValueError(f"{what}: {did_you_mean('split', split, there)}")
        return [split]
    found = [name for name in SPLITS if config.get(name) is not None]
    if not found:
        raise InvalidValueError(f"{what} names no images: it needs one of {', '.join(SPLITS)}")
    return found


def _image_folders(root: str, config: dict[str, Any], split: str, what: str) -> list[str]:
    value = config[split]
    folders = value if isinstance(value, list) else [value]
    if not all(isinstance(folder, str) and not name_problem(folder) for folder in folders):
        raise InvalidValueError(f"{what}: {split!r} must be a folder or a list of folders")
    found = []
    for folder in folders:
        here = _join(root, folder)
        if not _is_folder(here) and "path" not in config and folder.startswith("../"):
            here = _join(root, folder[3:])  # Roboflow counts from the folder of the images
        if not _is_folder(here):
            raise InvalidValueError(f"{what}: {split!r} is not a folder: {shown(here, 300)}")
        found.append(here)
    return found


def _join(root: str, name: str) -> str:
    if is_url(name) or not is_url(root):
        return name if is_url(name) else os.path.normpath(os.path.join(root, name))  # noqa: PTH118
    scheme, rest = root.split("://", 1)
    parts: list[str] = []
    for part in PurePosixPath(rest, name).parts:
        if part == "..":
            del parts[-1:]
        else:
            parts.append(part)
    return f"{scheme}://{'/'.join(parts).replace('//', '/')}"


def _is_folder(path: str) -> bool:
    if not is_url(path):
        return os.path.isdir(path)  # noqa: PTH112
    system, inner = open_file_system(path)
    return bool(system.isdir(inner))


def _label_path(image: str) -> str:
    """Ultralytics' rule: the last folder called images becomes labels, the suffix becomes .txt."""
    head, _, tail = image.rpartition("/")
    folders = head.split("/")
    for i in range(len(folders) - 1, -1, -1):
        if folders[i] == "images":
            folders[i] = "labels"
            break
    stem = tail.rpartition(".")[0] or tail
    return "/".join([*folders, f"{stem}.txt"])


def _read_lines(
    image: str, width: int, height: int, names: dict[int, str], lines: list[tuple[object, ...]], problems: list[str]
) -> None:
    path = _label_path(image.replace(os.sep, "/") if not is_url(image) else image)
    try:
        text = read_bytes(path, "labels").decode()
    except InvalidValueError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return
        raise
    except UnicodeDecodeError:
        problems.append(f"{shown(path, 200)} is not text")
        return
    except StorageError as error:
        problems.append(str(error))
        return
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            lines.append(_parse_line(line, image, width, height, names))
        except ValueError as error:
            problems.append(f"line {number} of {shown(path, 200)}: {error}")


def _parse_line(line: str, image: str, width: int, height: int, names: dict[int, str]) -> tuple[object, ...]:
    values = line.split()
    if len(values) not in (5, 6):
        raise ValueError(f"5 or 6 numbers were expected, got {len(values)} (polygons are not boxes)")
    number = int(values[0])
    if number not in names:
        raise ValueError(f"there is no class {number}")
    x, y, w, h = (float(value) for value in values[1:5])
    confidence = float(values[5]) if len(values) == 6 else None
    corner = ((x - w / 2) * width, (y - h / 2) * height)
    return image, "object_detection", names[number], confidence, *corner, w * width, h * height
