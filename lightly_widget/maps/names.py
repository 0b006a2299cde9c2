"""How projections are named: by their method, and by the embedding model where it is not the first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

METHODS: Final = ("pca", "umap")
MAX_MODELS: Final = 20
_OF: Final = " of "


def projection_names(models: Sequence[str]) -> list[str]:
    """What can be chosen: "pca" and "umap" of the first model, "pca of <model>" and "umap of <model>" of the others."""
    if not models:
        return ["grid"]
    return [*METHODS, *(f"{method}{_OF}{model}" for model in models[1:MAX_MODELS] for method in METHODS)]


def split_name(name: str) -> tuple[str, str | None]:
    """The method of a projection's name, and the model (None: the first)."""
    method, found, model = name.partition(_OF)
    return method, model if found else None
