"""Writes docs/api.md, the public API on one page: `python -m docs.api`."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import lightly_widget as lw
from lightly_widget.dataset.embeddings import Embeddings
from lightly_widget.dataset.labels import Labels
from lightly_widget.dataset.metadata import Metadata
from lightly_widget.dataset.predictions import ProbeReport
from lightly_widget.dataset.projections import Projections
from lightly_widget.dataset.sample import ImageSample
from lightly_widget.dataset.tags import Tags
from lightly_widget.export import Export
from lightly_widget.sampling import Sampling
from lightly_widget.worth import LearningCurve

PAGE: Final = Path(__file__).with_name("api.md")

SECTIONS: Final[list[tuple[str, list[type[Any]]]]] = [
    ("Datasets", [lw.ImageDataset, lw.Dataset]),
    ("Namespaces of a dataset", [Tags, Labels, Metadata, Embeddings, Projections]),
    ("Samples and queries", [ImageSample, lw.Query]),
    ("Sampling", [Sampling, lw.SamplingResult]),
    ("Engines", [lw.LocalEngine, lw.RayEngine]),
    ("Worth of labels", [LearningCurve, ProbeReport]),
    ("Export", [Export]),
    ("The explorer", [lw.Explorer]),
    ("Embedders", [lw.Embedder, lw.EfficientNetLite0, lw.SentenceMiniLM]),
]
STRATEGIES: Final = [getattr(lw, name) for name in lw.__all__ if name.endswith("Strategy")]
LIMITS: Final = [lw.AtMost, lw.Gap, lw.Budget]
MODULES: Final[list[ModuleType]] = [lw.plots, lw.errors]


def page() -> str:
    """The whole page."""
    lines = [
        "# API",
        "",
        "Written by `python -m docs.api` from the code; do not edit. `import lightly_widget` reaches all of it.",
        "",
    ]
    for title, classes in SECTIONS:
        lines += [f"## {title}", ""]
        for cls in classes:
            lines += _class(cls)
    lines += ["## Strategies", ""]
    lines += [f"- `{each.__name__}{_options(each)}`: {_first_line(each)}" for each in STRATEGIES]
    lines += ["", "## Limits", ""]
    lines += [f"- `{each.__name__}{_options(each)}`: {_first_line(each)}" for each in LIMITS]
    lines += ["", "## Fields and filters", "", *_fields(), ""]
    for module in MODULES:
        lines += [
            f"## lightly_widget.{module.__name__.rpartition('.')[2]}",
            "",
            _first_line(module),
            "",
            *_members(module),
            "",
        ]
    return "\n".join(lines).rstrip() + "\n"


def _class(cls: type[Any]) -> list[str]:
    lines = [f"### {cls.__name__}", "", _first_line(cls), ""]
    for name in _public(cls):
        member = inspect.getattr_static(cls, name)
        if isinstance(member, property) or hasattr(member, "func"):
            lines.append(f"- `.{name}`: {_first_line(member)}")
        elif callable(getattr(cls, name)):
            lines.append(f"- `.{name}{_signature(getattr(cls, name))}`: {_first_line(getattr(cls, name))}")
    if dataclasses.is_dataclass(cls) and issubclass(cls, lw.SamplingResult):
        lines += [f"- `.{field.name}`" for field in dataclasses.fields(cls) if not field.name.startswith("_")]
    return [*lines, ""]


def _public(cls: type[Any]) -> Iterator[str]:
    """Public names in the order of their definition, those of bases first."""
    ours = [base for base in reversed(cls.__mro__) if base.__module__.startswith("lightly_widget")]
    yield from dict.fromkeys(name for base in ours for name in vars(base) if not name.startswith("_"))


def _members(module: ModuleType) -> Iterator[str]:
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
            continue
        signature = "" if inspect.isclass(value) else _signature(value)
        yield f"- `{name}{signature}`: {_first_line(value)}"


def _fields() -> Iterator[str]:
    for name in ("ImageSampleField", "SampleField", "ClassificationField", "ObjectDetectionField"):
        fields = [key for key in vars(type(getattr(lw, name))) if not key.startswith("_")]
        yield f"- `{name}`: {', '.join(f'`.{field}`' for field in fields)}"
    for name in ("AND", "OR", "NOT"):
        yield f"- `{name}{_signature(getattr(lw, name))}`: {_first_line(getattr(lw, name))}"
    for name in ("ClassificationQuery", "ObjectDetectionQuery"):
        match = getattr(lw, name).match
        yield f"- `{name}.match{_signature(match)}`: {_first_line(match)}"


def _signature(function: Any) -> str:
    signature = inspect.signature(function)
    kept = [
        each.replace(annotation=_text(each.annotation), default=_named(each.default))
        for each in signature.parameters.values()
        if each.name != "self"
    ]
    return str(signature.replace(parameters=kept, return_annotation=_text(signature.return_annotation)))


def _options(declared: Any) -> str:
    """The options and their defaults; their types are msgspec's and too long to read."""
    signature = inspect.signature(declared)
    bare = [each.replace(annotation=each.empty) for each in signature.parameters.values()]
    return str(signature.replace(parameters=bare, return_annotation=signature.empty))


def _named(default: Any) -> Any:
    return _Plain(default.__name__) if inspect.isfunction(default) else default


class _Plain:
    """An annotation that is shown without quotes."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _text(annotation: Any) -> Any:
    return _Plain(annotation) if isinstance(annotation, str) else annotation


def _first_line(thing: Any) -> str:
    text = (inspect.getdoc(thing) or "").split("\n\n")[0]
    return " ".join(text.split())


if __name__ == "__main__":
    PAGE.write_text(page())
