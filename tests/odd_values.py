"""Every public callable, found by introspection, and the odd values that each of its parameters is called with."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from PIL import Image

import lightly_widget as lw
from lightly_widget.errors import no_progress


def _itself() -> list[Any]:
    loop: list[Any] = []
    loop += [loop, loop]
    return loop


class _Broken:
    """Whatever is asked of it fails."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no comparison")


ODD: Final[dict[str, Any]] = {
    "None": None,
    "True": True,
    "zero": 0,
    "one": 1,
    "minus one": -1,
    "2**31": 2**31,
    "2**63": 2**63,
    "10**400": 10**400,
    "-10**400": -(10**400),
    "half": 0.5,
    "minus zero": -0.0,
    "1e-320": 1e-320,
    "1e308": 1e308,
    "nan": float("nan"),
    "inf": float("inf"),
    "minus inf": -float("inf"),
    "complex": 1j,
    "decimal": Decimal("NaN"),
    "empty string": "",
    "blank": " \t\n",
    "NUL": "a\0b",
    "surrogate": "\ud800",
    "control": "\u202eabc\x1b[31m",
    "composed": "e\u0301",
    "line break": "a\nb",
    "300 bytes": "x" * 300,
    "a million characters": "x" * 1_000_000,
    "dots": "../x",
    "unknown scheme": "nosuch://host/x",
    "file scheme": "file://",
    "percent": "%s{0}{x}",
    "known": "known",
    "bytes": b"x",
    "bytearray": bytearray(b"x"),
    "empty list": [],
    "empty dict": {},
    "empty tuple": (),
    "list of None": [None],
    "list of lists": [[1, 2], [3]],
    "list with a list": ["a", ["b"]],
    "list twice": ["x", "x"],
    "list of surrogates": ["\ud800"],
    "itself": _itself(),
    "3000 lists": functools.reduce(lambda inner, _: [inner], range(3_000), 0),
    "dict of numbers": {1: 2},
    "dict of dicts": {"a": {"b": {}}},
    "dict with a list": {"a": [1]},
    "type dict": {"type": [1]},
    "op dict": {"op": ["and"]},
    "set": {1, "a"},
    "generator": (i for i in range(3)),
    "object": object(),
    "class": int,
    "function": len,
    "broken": _Broken(),
    "slice": slice(0, 10, 0),
    "0-d array": np.array(3.0),
    "0-d string": np.array("x"),
    "object array": np.array([None, "a"], dtype=object),
    "nan array": np.full((4, 2), np.nan),
    "large array": np.full((4, 2), 3e38),
    "small array": np.full((4, 2), 1e-44, dtype=np.float32),
    "empty array": np.empty((0, 3)),
    "3-d array": np.zeros((4, 2, 2)),
    "NaT": np.datetime64("NaT"),
    "far date": np.datetime64("300000-01-01"),
    "last time": datetime.max.replace(tzinfo=timezone(-timedelta(hours=5))),
    "first date": date.min,
    "time": datetime(2026, 1, 1, tzinfo=UTC),
    "timedelta": timedelta.max,
    "path": Path("nowhere"),
    "series": pl.Series([None, None]),
    "far series": pl.Series([2**62], dtype=pl.Datetime("us")),
    "frame": pl.DataFrame({"sample_id": ["known"], "x": pl.Series([2**62], dtype=pl.Datetime("us"))}),
    "object series": pl.Series([object()], dtype=pl.Object),
    "expression": pl.col("nowhere") > 1,
    "field": lw.ImageSampleField.width,
    "condition": lw.ImageSampleField.width > 1,
}

# What the other parameters of a callable get while one of them is odd. Names are those of `world`.
PLAIN: Final[dict[str, Any]] = {
    "n_samples_to_select": 2,
    "n": 1,
    "target_distribution": "uniform",
    "metadata_key": "city",
    "key": "number",
    "stopping_condition_minimum_distance": 0.1,
    "query_tag_name": "known",
    "preselected_tag_name": None,
    "strategies": [{"type": "diversity"}],
    "sampling_strategies": [{"type": "diversity"}],
    "embeddings": [[1.0, 2.0]] * 4,
    "shares": {"a": 1, "b": 2},
    "progress": no_progress,
    "embed": False,
    "frame": {"a": [1, 2]},
    "values": [1],
    "update": {"known": {"number": 1}},
    "key_or_slice": 0,
}

# Work of seconds, or of a kind that other tests do: a model, a window, a server.
LEFT_OUT: Final = {"explore", "Explorer", "EfficientNetLite0", "SentenceMiniLM", "Embedder", "to_torch", "embed"}


def world(folder: Path) -> dict[str, Any]:
    """The objects whose public methods are called, by name."""
    for number in range(4):
        path = folder / "images" / f"{number}.png"
        path.parent.mkdir(exist_ok=True, parents=True)
        Image.new("RGB", (40, 20), (number * 60, 0, 0)).save(path)
    images = lw.ImageDataset.create("images", folder / "home")
    images.add_images_from_path(folder / "images", embed=False, progress=no_progress)
    images.add_embeddings("m", np.eye(4))
    ids = images.query().sample_ids.to_list()
    rows = pl.DataFrame({"sample_id": ["known", "b", "c", "d"], "city": ["x", "y", "x", "y"], "number": [1, 2, 3, 4]})
    table = lw.Dataset.from_polars(rows, np.eye(4), name="table", path=folder / "home")
    for dataset, some in ((images, ids[:2]), (table, ["known", "b"])):
        dataset.select(some).add_tag("known")
    query = table.query()
    found: dict[str, Any] = {"image dataset": images, "table dataset": table, "query": query, "export": query.export}
    found["sampling"] = query.sampling()
    found["result"] = query.sampling().preview(2, [lw.EmbeddingDiversityStrategy()])
    for name in ("tags", "metadata", "labels", "projections", "embeddings", "roots"):
        for kind, dataset in (("image", images), ("table", table)):
            part = getattr(dataset, name, None)
            if part is not None and not callable(part) and not isinstance(part, list | dict | tuple | str):
                found[f"{kind} {name}"] = part
    found["image field"], found["text field"] = lw.ImageSampleField.width, lw.ImageSampleField.file_name
    found["tags field"], found["metadata field"] = lw.ImageSampleField.tags, lw.ImageSampleField.metadata
    found["package"], found["plots"] = lw, lw.plots
    found["classifications"], found["boxes"] = lw.ClassificationQuery, lw.ObjectDetectionQuery
    return found


def callables(of: dict[str, Any]) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public callable of the objects, with its name, and their comparisons and subscripts."""
    for owner, thing in of.items():
        names = lw.__all__ if thing is lw else [name for name in dir(thing) if not name.startswith("_")]
        for name in [
            *names,
            *(n for n in ("__getitem__", "__eq__", "__lt__") if inspect.ismethod(getattr(thing, n, 0))),
        ]:
            if name in LEFT_OUT or (name == "__eq__" and "field" not in owner):
                continue
            member = inspect.getattr_static(thing, name, None)
            if isinstance(member, property):
                continue
            made = getattr(thing, name)
            module = getattr(made, "__module__", None) or ""
            if callable(made) and module.startswith("lightly_widget") and not _is_error(made):
                yield f"{owner}.{name}", made


def _is_error(made: object) -> bool:
    return isinstance(made, type) and issubclass(made, BaseException)


def calls(made: Callable[..., Any], folder: Path) -> Iterator[tuple[str, str, Callable[[], Any]]]:
    """(parameter, odd value's name, call) for each parameter and each odd value."""
    try:
        parameters = inspect.signature(made).parameters.values()
    except (TypeError, ValueError):
        return
    needed = [p for p in parameters if p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    for parameter in parameters:
        if parameter.kind is parameter.VAR_KEYWORD or parameter.name == "progress":
            continue
        for odd, value in ODD.items():
            yield parameter.name, odd, functools.partial(_call, made, needed, parameter, value, folder)


def _call(made: Any, needed: list[inspect.Parameter], odd: inspect.Parameter, value: Any, folder: Path) -> Any:
    arguments = {p.name: PLAIN.get(p.name, "known") for p in needed if p.name != odd.name}
    for name in inspect.signature(made).parameters:
        if name in ("embed", "progress"):
            arguments[name] = PLAIN[name]
        if name in ("path", "folder", "home") and name in arguments:
            arguments[name] = folder / "out" / "x"
    positional = [arguments.pop(p.name) for p in needed if p.kind is p.POSITIONAL_ONLY and p.name in arguments]
    if odd.kind is odd.VAR_POSITIONAL:
        return made(*positional, *arguments.values(), value)
    if odd.kind is odd.POSITIONAL_ONLY:
        return made(value, **arguments)
    return made(*positional, **(arguments | {odd.name: value}))


# Callables that still let errors of other libraries through for some odd value; the test covers all others.
OPEN: Final = {
    "export.to_parquet",
    "image dataset.add_embeddings",
    "image dataset.add_images_from_path",
    "image dataset.compute_similarity_metadata",
    "image dataset.create",
    "image dataset.learning_curve",
    "image dataset.load",
    "image dataset.load_or_create",
    "image dataset.select",
    "image embeddings.delete",
    "image field.is_in",
    "image labels.counts",
    "image projections.get",
    "image projections.is_stored",
    "package.Dataset",
    "package.ImageDataset",
    "plots.InvalidValueError",
    "plots.MissingDependencyError",
    "plots.coverage",
    "plots.embedding",
    "plots.plain_text",
    "plots.shares",
    "plots.shown",
    "result.coverage_curve",
    "result.metadata_shares",
    "result.metadata_values",
    "result.save_as",
    "result.worth",
    "result.write",
    "sampling.learning_curve",
    "sampling.multi_strategies",
    "sampling.preview",
    "sampling.stream",
    "table dataset.add_embeddings",
    "table dataset.compute_similarity_metadata",
    "table dataset.create",
    "table dataset.fit_probe",
    "table dataset.learning_curve",
    "table dataset.load",
    "table dataset.load_or_create",
    "table dataset.select",
    "table embeddings.delete",
    "table labels.add_classifications_from_folders",
    "table metadata.__getitem__",
    "table projections.get",
    "table projections.is_stored",
    "text field.is_in",
}
