"""The shape of the façade: few methods in one place, no helpers among them, nothing left open."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

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

NAMESPACES = [Embeddings, Labels, Metadata, Projections, Tags]
OBJECTS = [*NAMESPACES, lw.Query, Sampling, lw.SamplingResult, Export, ImageSample, LearningCurve, ProbeReport]
HELPERS = {
    *("snapshot", "samples_of", "sampling_of", "export_of", "view", "write_tag", "change_tag", "update_metadata"),
    *("store", "change", "candidates", "core", "roots", "media"),
    *("resolve", "stream", "write", "show_selection", "show_sample", "tell_info"),
}


def public(cls: type[Any]) -> set[str]:
    return {name for name in dir(cls) if not name.startswith("_")}


@pytest.mark.parametrize("cls", NAMESPACES)
def test_a_namespace_has_at_most_15_public_methods_and_shares_none(cls: type[Any]) -> None:
    assert 1 <= len(public(cls)) <= 15
    bases = {base.__name__ for base in cls.__mro__[1:]}
    assert bases <= {"object", "Generic"}, f"{cls.__name__} inherits behavior from {bases}"


def methods(cls: type[Any]) -> set[str]:
    """Its public methods; attributes and properties are not counted."""
    found = {name: inspect.getattr_static(cls, name) for name in public(cls)}
    return {name for name, value in found.items() if callable(value) or isinstance(value, classmethod | staticmethod)}


@pytest.mark.parametrize("cls", OBJECTS)
def test_no_object_has_more_than_15_public_methods(cls: type[Any]) -> None:
    assert len(methods(cls)) <= 15, sorted(methods(cls))


def test_an_explorer_adds_few_methods_to_those_of_every_widget() -> None:
    own = {name for name, value in vars(lw.Explorer).items() if inspect.isfunction(value) and not name.startswith("_")}
    assert own == {"open", "close", "set_state", "open_side_panel", "refresh", "to_html", "to_png", "wait"}


@pytest.mark.parametrize("cls", [*OBJECTS, lw.Dataset, lw.ImageDataset])
def test_no_helper_is_public(cls: type[Any]) -> None:
    assert not public(cls) & HELPERS


@pytest.mark.parametrize("cls", [lw.Dataset, lw.ImageDataset])
def test_a_dataset_has_what_lightlystudio_users_type_and_the_namespaces(cls: type[Any]) -> None:
    own = {
        *("create", "load", "load_or_create", "name", "uri", "allow_root"),
        *("tags", "labels", "metadata", "embeddings", "projections"),
        *("query", "match", "order_by", "select", "get_sample", "to_polars"),
        *("embed", "add_embeddings", "compute_typicality_metadata", "compute_similarity_metadata"),
        *("explore", "history", "undo", "run", "optimize"),
        *("add_predictions", "fit_probe", "learning_curve", "search", "add_annotations_from_label_studio"),
    }
    images = {
        *("add_images_from_path", "relocate"),
        *(f"add_{what}_from_{kind}" for what in ("samples", "annotations") for kind in ("coco", "yolo", "labelformat")),
    }
    assert public(cls) == own | (images if cls is lw.ImageDataset else {"from_polars"})


@pytest.mark.parametrize("cls", [*NAMESPACES, lw.Dataset, lw.ImageDataset])
def test_every_public_method_says_what_it_does(cls: type[Any]) -> None:
    assert [name for name in public(cls) if not (getattr(cls, name).__doc__ or "").strip()] == []
