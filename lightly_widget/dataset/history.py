"""The changes of a dataset, and samplings run again from what they recorded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import polars as pl

from lightly_widget.dataset.core import DatasetCore
from lightly_widget.errors import InvalidTypeError, InvalidValueError, shown
from lightly_widget.query import Query
from lightly_widget.sampling import SamplingResult

S = TypeVar("S")

_SCHEMA: Final[dict[str, Any]] = {
    "number": pl.Int64,
    "time": pl.Datetime("us", "UTC"),
    "author": pl.String,
    "action": pl.String,
    "tag": pl.String,
    "count": pl.Int64,
    "recipe": pl.String,
    "undone": pl.Boolean,
}


def history_of(core: DatasetCore[Any]) -> pl.DataFrame:
    """One row per change, oldest first."""
    core.store.refresh()
    commits = [c for c in core.store.commits if c.undoable or c.undoes is not None]
    undone = {c.undoes for c in core.store.commits if c.undoes is not None}
    rows = [
        {
            "number": c.number,
            "time": c.time,
            "author": c.author,
            "action": c.action,
            "tag": c.details.get("tag"),
            "count": c.details.get("count"),
            "recipe": None if c.details.get("recipe") is None else json.dumps(c.details["recipe"]),
            "undone": c.number in undone,
        }
        for c in commits
    ]
    return pl.DataFrame(rows, schema=_SCHEMA)


def run_recipe(core: DatasetCore[S], recipe: Mapping[str, Any] | str) -> SamplingResult:
    """Repeat the sampling that a recipe (or its JSON) describes, as a preview."""
    if isinstance(recipe, str):
        try:
            recipe = json.loads(recipe)
        except ValueError as error:
            raise InvalidValueError(f"recipe must be the JSON of a recipe, got {shown(recipe)}") from error
    if not isinstance(recipe, Mapping) or "query" not in recipe:
        raise InvalidTypeError(f"recipe must be a result.recipe or one of history(), got {shown(recipe)}")
    query: Query[S] = Query.from_dict(core, recipe["query"])
    return query.sampling().run(recipe)
