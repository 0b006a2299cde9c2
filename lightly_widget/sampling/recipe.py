"""A sampling as plain data that can be kept and run again, and as Python code that does the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lightly_widget.errors import InvalidTypeError, InvalidValueError, listed, shown
from lightly_widget.strategies import parse_limits

if TYPE_CHECKING:
    from lightly_widget.strategies import Limit, Strategy

RECIPE_VERSION: Final = 1
_IMPORT: Final = "import lightly_widget as lw"
_KEYS: Final = {
    "recipe_version",
    "lightly_widget_version",
    "query",
    "strategies",
    "n_samples_to_select",
    "preselected_tag_name",
    "n_preselected",
    "pinned_ids",
    "excluded_ids",
    "tag_name",
    "limits",
}
_NEWER: Final = {"limits": ()}
"""What older recipes lack, with what it was then."""


def make_recipe(
    *,
    query: dict[str, Any],
    strategies: Sequence[Strategy],
    limits: Sequence[Limit],
    n: int,
    preselected_tag_name: str | None,
    n_preselected: int,
    pinned_ids: list[str],
    excluded_ids: list[str],
) -> dict[str, Any]:
    """Everything that decides the picks. JSON can hold it.

    `n_preselected` is how many samples the preselected tag held: a tag only grows at its end, so its first ones are
    still the same after the result was added to it.
    """
    from lightly_widget import __version__

    return {
        "recipe_version": RECIPE_VERSION,
        "lightly_widget_version": __version__,
        "query": query,
        "strategies": [strategy.to_dict() for strategy in strategies],
        "n_samples_to_select": n,
        "preselected_tag_name": preselected_tag_name,
        "n_preselected": n_preselected,
        "pinned_ids": pinned_ids,
        "excluded_ids": excluded_ids,
        "tag_name": None,
        "limits": [limit.to_dict() for limit in limits],
    }


def check_recipe(recipe: object) -> Mapping[str, Any]:
    """The recipe, its keys and version checked; the values are checked where they are used."""
    if not isinstance(recipe, Mapping):
        raise InvalidTypeError(f"recipe={shown(recipe)} is not a dict; take result.recipe")
    if unknown := [key for key in recipe if key not in _KEYS]:
        raise InvalidValueError(f"recipe has unknown entries: {listed(unknown)}; take result.recipe as it is")
    if missing := sorted(_KEYS - set(recipe) - set(_NEWER)):
        raise InvalidValueError(f"recipe lacks {listed(missing)}; take result.recipe as it is")
    if recipe["recipe_version"] != RECIPE_VERSION:
        raise InvalidValueError(
            f"recipe_version={shown(recipe['recipe_version'])}: this version of lightly_widget reads {RECIPE_VERSION}"
        )
    return _NEWER | dict(recipe)


def python_code(
    recipe: Mapping[str, Any], strategies: Sequence[Strategy], query_code: str, preselected_ids: list[str] | None
) -> str:
    """Lines that repeat the sampling and leave it in `result`.

    `preselected_ids` are given when the tag that held them has changed since; they then stand in the code themselves.
    """
    pinned = [*(preselected_ids or []), *recipe["pinned_ids"]]
    arguments = [
        f"n_samples_to_select={recipe['n_samples_to_select']!r}",
        f"sampling_strategies=[{', '.join(map(_call, strategies))}]",
    ]
    if preselected_ids is None and recipe["preselected_tag_name"] is not None:
        arguments.append(f"preselected_tag_name={recipe['preselected_tag_name']!r}")
    if pinned:
        arguments.append(f"pinned_ids={pinned!r}")
    if recipe["excluded_ids"]:
        arguments.append(f"excluded_ids={recipe['excluded_ids']!r}")
    lines = query_code.rstrip("\n").split("\n")
    if _IMPORT not in lines:
        lines.insert(0, _IMPORT)
    limits = parse_limits(recipe.get("limits", ()))
    asked = f"limits=[{', '.join(map(_call, limits))}]" if limits else ""
    lines += [f"result = query.sampling({asked}).preview(", *(f"    {argument}," for argument in arguments), ")"]
    return "\n".join(lines) + "\n"


def _call(part: Strategy | Limit) -> str:
    """The strategy or limit as one would write it: options left at their defaults are left out."""
    values = part.to_dict()
    options = [
        f"{option.name}={values[option.name]!r}"
        for option in msgspec.structs.fields(part)
        if values[option.name] != option.default
    ]
    return f"lw.{type(part).__name__}({', '.join(options)})"
