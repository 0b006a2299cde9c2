"""Every public callable, found by introspection, and the odd values that each of its parameters is called with."""

from __future__ import annotations

import functools
import inspect
import itertools
import shutil
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from PIL import Image
from traitlets import TraitError

import lightly_widget as lw
from lightly_widget.dataset import core_of
from lightly_widget.errors import LightlyWidgetError, no_progress


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

# What the other parameters of a callable get while one of them is odd.
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

_PREDICTIONS: Final = {"sample_id": ["known"], "class_name": ["x"], "confidence": [0.5]}
# The same where a callable needs another one to get as far as looking at the rest.
PLAIN_OF: Final[dict[str, dict[str, Any]]] = {
    "table dataset.fit_probe": {"labels": "city"},
    "table dataset.add_predictions": {
        "predictions": {"sample_id": ["known"], "class_name": ["x"], "confidence": [0.5]}
    },
}

# Work of seconds, or of a kind that other tests do: a model, a server. `Explorers` stands for the explorer, and filters
# are merged and made into polars by this package alone.
LEFT_OUT: Final = {"EfficientNetLite0", "SentenceMiniLM", "Embedder", "to_torch", "embed", "RayEngine"}
LEFT_OUT_OF: Final = {"package.Explorer", "image dataset.explore", "table dataset.explore"} | {
    f"condition.{name}" for name in ("to_polars", "merge_key", "merged")
}
_OPERATORS: Final = ("__getitem__", "__setitem__", "__eq__", "__lt__", "__and__", "__or__")
_TRAITS: Final = ("n_samples_to_select", "strategies", "candidates", "preselected_tag_name", "filter", "color_by",
                  "hovered", "viewport", "height", "selection", "sample")  # fmt: skip


class World:
    """The objects whose public methods are called, by name; made again from a copy when a call changed the data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._copies = itertools.count()
        self._make(folder / "template")
        self.restore()

    def _make(self, home: Path) -> None:
        for number in range(4):
            path = self.folder / "images" / ("ab"[number % 2]) / f"{number}.png"
            path.parent.mkdir(exist_ok=True, parents=True)
            Image.new("RGB", (40, 20), (number * 60, 0, 0)).save(path)
        images = lw.ImageDataset.create("images", home, durability="os")
        images.add_images_from_path(self.folder / "images", embed=False, progress=no_progress)
        images.add_embeddings("m", np.eye(4))
        images.labels.add_classifications_from_folders(annotation_source="known")
        rows = {"sample_id": ["known", "b", "c", "d"], "city": ["x", "y", "x", "y"], "number": [1, 2, 3, 4]}
        table = lw.Dataset.from_polars(pl.DataFrame(rows), np.eye(4), name="table", path=home)
        for dataset, some in ((images, images.query().sample_ids[:2].to_list()), (table, ["known", "b"])):
            dataset.select(some).add_tag("known")

    def restore(self) -> None:
        """The objects as they were at first."""
        home = self.folder / f"home {next(self._copies)}"
        shutil.copytree(self.folder / "template", home)
        images = lw.ImageDataset.load("images", home, durability="os")
        table = lw.Dataset.load("table", home, durability="os")
        query = table.query()
        found: dict[str, Any] = {"image dataset": images, "table dataset": table, "query": query}
        found["export"], found["sampling"] = query.export, query.sampling()
        found["result"] = query.sampling().preview(2, [lw.EmbeddingDiversityStrategy()])
        for name in ("tags", "metadata", "labels", "projections", "embeddings", "roots"):
            for kind, dataset in (("image", images), ("table", table)):
                part = getattr(dataset, name, None)
                if part is not None and not callable(part) and not isinstance(part, list | dict | tuple | str):
                    found[f"{kind} {name}"] = part
        found["image field"], found["text field"] = lw.ImageSampleField.width, lw.ImageSampleField.file_name
        found["tags field"], found["metadata field"] = lw.ImageSampleField.tags, lw.ImageSampleField.metadata
        found["class name field"], found["condition"] = lw.ClassificationField.class_name, lw.ImageSampleField.width > 1
        found["sample"], found["sample metadata"] = images[0], images[0].metadata
        if hasattr(self, "things"):
            self.things["explorers"]._close()
        found["explorers"] = Explorers(table)
        found["package"], found["plots"] = lw, lw.plots
        found["classifications"], found["boxes"] = lw.ClassificationQuery, lw.ObjectDetectionQuery
        self.things = found
        self._versions = self._now()

    def changed(self) -> bool:
        """Whether a dataset has been written since `restore`."""
        return self._now() != self._versions

    def _now(self) -> list[int]:
        datasets = self.things["image dataset"], self.things["table dataset"]
        return [core_of(dataset).snapshot().version for dataset in datasets]

    def names(self) -> list[str]:
        """Every public callable."""
        return [name for name, _ in callables(self.things)]

    def get(self, name: str) -> Callable[..., Any]:
        """The callable of that name, of the objects as they are now."""
        owner, _, attribute = name.rpartition(".")
        made: Callable[..., Any] = getattr(self.things[owner], attribute)
        return made


class Explorers:
    """The callables of explorers, which are widgets: making one, and setting each trait."""

    def __init__(self, dataset: lw.Dataset) -> None:
        self._dataset = dataset
        for name in _TRAITS:
            setattr(self, f"set_{name}", self._setter(name))

    @functools.cached_property
    def _explorer(self) -> lw.Explorer:
        return self._dataset.explore(projection="pca")

    def _setter(self, name: str) -> Callable[[Any], None]:
        def set_trait(value: Any) -> None:
            setattr(self._explorer, name, value)

        return set_trait

    def make(
        self,
        dataset: Any,
        query: Any = None,
        *,
        placement: Any = "inline",
        height: Any = 600,
        projection: Any = "pca",
        export_root: Any = ".",
    ) -> None:
        """Make an explorer."""
        lw.Explorer(
            dataset, query, placement=placement, height=height, projection=projection, export_root=export_root
        ).close()

    def _close(self) -> None:
        if "_explorer" in vars(self):
            self._explorer.close()


def callables(of: dict[str, Any]) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public callable of the objects, with its name, and their comparisons and subscripts."""
    for owner, thing in of.items():
        public = getattr(thing, "__all__", None) or dir(thing)
        names = [name for name in public if not name.startswith("_")]
        for name in [*names, *(n for n in _OPERATORS if inspect.ismethod(getattr(thing, n, 0)))]:
            if name in LEFT_OUT or f"{owner}.{name}" in LEFT_OUT_OF or (name == "__eq__" and "field" not in owner):
                continue
            member = inspect.getattr_static(thing, name, None)
            if isinstance(member, property):
                continue
            made = getattr(thing, name)
            module = getattr(made, "__module__", None) or ""
            if callable(made) and module.startswith(("lightly_widget", __name__)) and not _is_error(made):
                yield f"{owner}.{name}", made


def _is_error(made: object) -> bool:
    return isinstance(made, type) and issubclass(made, BaseException)


@dataclass(frozen=True)
class Outcome:
    """What became of one call: "taken", the name of our error, or the text of one that is not ours."""

    call: str
    kind: str
    foreign: str | None = None


def outcomes(world: World, name: str, *, every: int = 1) -> Iterator[Outcome]:
    """Call a public callable with each odd value for each parameter; what it writes is undone before the next call.

    `every`: with 4, every fourth odd value, beginning with another one for each parameter.
    """
    try:
        parameters = inspect.signature(world.get(name)).parameters.values()
    except (TypeError, ValueError):
        return
    for parameter in parameters:
        if parameter.kind is parameter.VAR_KEYWORD or parameter.name == "progress":
            continue
        first = zlib.crc32(f"{name} {parameter.name}".encode()) % every
        for odd, value in itertools.islice(ODD.items(), first, None, every):
            yield _outcome(f"{name}({parameter.name}={odd})", lambda p=parameter, v=value: _call(world, name, p, v))
            if world.changed():
                world.restore()


def _outcome(call: str, run: Callable[[], object]) -> Outcome:
    try:
        run()
    except LightlyWidgetError as error:
        return Outcome(call, type(error).__name__)
    except TraitError as error:  # what observers of traits expect; its words are ours
        words = error.__cause__
        return Outcome(call, "TraitError", None if isinstance(words, LightlyWidgetError) else str(error)[:100])
    except IndexError as error:
        if ".__getitem__(" in call:  # as a sequence raises it
            return Outcome(call, "IndexError")
        return Outcome(call, "IndexError", str(error)[:100])
    except BaseException as error:  # polars' panics are no Exceptions
        if isinstance(error, KeyboardInterrupt):
            raise
        return Outcome(call, type(error).__name__, str(error)[:100])
    return Outcome(call, "taken")


_outputs = itertools.count()


def _call(world: World, name: str, odd: inspect.Parameter, value: Any) -> Any:
    made = world.get(name)
    parameters = inspect.signature(made).parameters
    plain = (
        PLAIN | {"result": world.things["result"], "dataset": world.things["table dataset"]} | PLAIN_OF.get(name, {})
    )
    needed = [
        parameter
        for parameter in parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    ]
    arguments = {p.name: plain.get(p.name, "known") for p in needed if p.name != odd.name}
    for other in parameters:
        if other in ("embed", "progress") or other in PLAIN_OF.get(name, {}):
            arguments[other] = plain[other]
        if other in ("path", "folder", "home") and other in arguments:
            arguments[other] = world.folder / "out" / str(next(_outputs))
    positional = [arguments.pop(p.name) for p in needed if p.kind is p.POSITIONAL_ONLY and p.name in arguments]
    if odd.kind is odd.VAR_POSITIONAL:
        return made(*positional, *arguments.values(), value)
    if odd.kind is odd.POSITIONAL_ONLY:
        return made(value, **arguments)
    return made(*positional, **(arguments | {odd.name: value}))
