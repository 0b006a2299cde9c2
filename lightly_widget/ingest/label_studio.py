"""What people labeled in Label Studio: its JSON export of tasks, boxes (rectangle labels) and classes (choices)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import polars as pl

from lightly_widget.errors import InvalidValueError, listed, shown
from lightly_widget.ingest.checks import ANNOTATION_SCHEMA, raise_all
from lightly_widget.ingest.labels import parse_error, read_bytes
from lightly_widget.ingest.locations import PathLike, absolute

_TYPES: Final = {"choices": "classification", "rectanglelabels": "object_detection"}
_PERCENT: Final = 100.0


@dataclass(frozen=True, eq=False)
class LabeledTasks:
    """The tasks that somebody labeled."""

    sample_ids: list[str]
    """In file order, those without any object too."""
    annotations: pl.DataFrame
    """sample_id and the columns of `ANNOTATION_SCHEMA`, not checked yet."""
    strangers: list[str]
    """What labeled tasks show that is not in the dataset."""
    n_unlabeled: int


def read_label_studio(path: PathLike, samples: pl.DataFrame) -> LabeledTasks:
    """The labeled tasks of a JSON export, matched to samples by id, path, file name, or text.

    Of a task that was labeled several times, the last annotation that was not skipped counts. Predictions are not read.

    Raises:
        InvalidValueError: no such file, broken JSON, a task or label of another shape, turned boxes.
        StorageError: the file cannot be read.
    """
    what = f"Label Studio file {shown(absolute(path), 200)}"
    try:
        tasks = json.loads(read_bytes(path, "path"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise parse_error(what, error) from error
    if not isinstance(tasks, list):
        raise InvalidValueError(f"{what} must hold a list of tasks, got {shown(tasks)}; export it as JSON")
    find = _Finder(samples)
    ids: list[str] = []
    rows: list[dict[str, Any]] = []
    strangers: list[str] = []
    problems: list[str] = []
    unlabeled = 0
    for number, task in enumerate(tasks):
        try:
            result = _labeled(task)
            if result is None:
                unlabeled += 1
                continue
            sample = find(task["data"])
            if sample is None:
                strangers.append(_shown_by(task["data"]))
                continue
            rows += [row for entry in result for row in _rows(entry, sample)]
            ids.append(sample["sample_id"])
        except _Unusable as problem:
            problems.append(f"task {number} {problem}")
    if problems:
        raise_all(problems, len(problems), f"tasks of {what}")
    schema = {"sample_id": pl.String} | {
        name: pl.Float64 if dtype == pl.Float32 else dtype for name, dtype in ANNOTATION_SCHEMA.items()
    }
    return LabeledTasks(list(dict.fromkeys(ids)), pl.DataFrame(rows, schema=schema), strangers, unlabeled)


class _Unusable(Exception):
    """Why a task cannot be read."""


def _labeled(task: Any) -> list[Any] | None:
    """The labels of a task; None where nobody has labeled it."""
    if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
        raise _Unusable(f"has no 'data': {shown(task, 100)}")
    given = task.get("annotations", [])
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise _Unusable(f"has 'annotations' that are not a list of objects: {shown(given, 100)}")
    done = [each for each in given if not each.get("was_cancelled")]
    if not done:
        return None
    result = done[-1].get("result", [])
    if not isinstance(result, list):
        raise _Unusable(f"has a 'result' that is not a list: {shown(result, 100)}")
    return result


def _rows(entry: Any, sample: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The annotations in one label; relations, texts and shapes of other kinds are not ours."""
    kind = entry.get("type") if isinstance(entry, dict) else None
    if kind not in _TYPES:
        return
    value = entry.get("value")
    names = value.get(kind) if isinstance(value, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _Unusable(f"has a label without {kind!r}: {shown(entry, 100)}")
    box = _box(value, sample) if kind == "rectanglelabels" else dict.fromkeys(("x", "y", "width", "height"))
    for name in names:
        yield {
            "sample_id": sample["sample_id"],
            "annotation_type": _TYPES[kind],
            "class_name": name,
            "confidence": None,
            **box,
        }


def _box(value: dict[str, Any], sample: dict[str, Any]) -> dict[str, Any]:
    """Pixels of the sample's image from percent."""
    if value.get("rotation"):
        raise _Unusable(f"has a box turned by {shown(value['rotation'])} degrees; only upright boxes can be kept")
    width, height = sample.get("width"), sample.get("height")
    if width is None or height is None:
        raise _Unusable(f"has a box, and the sample {shown(sample['sample_id'])} has no size")
    sizes = {"x": width, "y": height, "width": width, "height": height}
    numbers = {name: value.get(name) for name in sizes}
    if any(isinstance(each, bool) or not isinstance(each, int | float) for each in numbers.values()):
        raise _Unusable(f"has a box that is not four numbers: {shown(numbers)}")
    return {name: numbers[name] * size / _PERCENT for name, size in sizes.items()}


def _shown_by(data: dict[str, Any]) -> str:
    values = [value for value in data.values() if isinstance(value, str)]
    return values[0] if values else shown(data, 100)


class _Finder:
    """Finds the sample of a task."""

    def __init__(self, samples: pl.DataFrame) -> None:
        columns = [
            name for name in ("sample_id", "file_path_abs", "text", "width", "height") if name in samples.columns
        ]
        rows = samples.select(columns).to_dicts()
        self.by_id = {row["sample_id"]: row for row in rows}
        self.by_path = {row["file_path_abs"]: row for row in rows if row.get("file_path_abs")}
        self.by_name = _once((PurePosixPath(path).name, row) for path, row in self.by_path.items())
        self.by_text = _once((row["text"], row) for row in rows if row.get("text"))

    def __call__(self, data: dict[str, Any]) -> dict[str, Any] | None:
        if isinstance(sample_id := data.get("sample_id"), str) and sample_id in self.by_id:
            return self.by_id[sample_id]
        for value in data.values():
            if isinstance(value, str) and (found := self._by_value(value)) is not None:
                return found
        return None

    def _by_value(self, value: str) -> dict[str, Any] | None:
        if value in self.by_path or value in self.by_text:
            return self.by_path.get(value) or self.by_text.get(value)
        url = urlsplit(value)
        for name in (*parse_qs(url.query).get("d", []), unquote(url.path)):
            if found := self.by_name.get(PurePosixPath(name).name):
                return found
            # An upload gets a random prefix: "1a2b3c4d-name.jpg".
            if found := self.by_name.get(PurePosixPath(name).name.partition("-")[2]):
                return found
        return None


def _once(pairs: Iterator[tuple[str, dict[str, Any]]] | Any) -> dict[str, dict[str, Any]]:
    """Those names that one sample alone has."""
    found: dict[str, dict[str, Any]] = {}
    twice: set[str] = set()
    for name, row in pairs:
        if name in found:
            twice.add(name)
        found[name] = row
    return {name: row for name, row in found.items() if name not in twice}


def one_type(tasks: LabeledTasks, path: PathLike) -> str | None:
    """The type of the annotations; None where there are none. InvalidValueError: boxes and classes."""
    kinds = tasks.annotations["annotation_type"].unique().sort().to_list()
    if len(kinds) > 1:
        raise InvalidValueError(
            f"{shown(absolute(path), 200)} holds {listed(kinds)}; name the one to add, as annotation_type={kinds[0]!r}"
        )
    return kinds[0] if kinds else None
