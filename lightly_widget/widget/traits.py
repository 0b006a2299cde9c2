"""The checks of the synced traits, whether a value came from Python or from the browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, TypeAlias

import traitlets
from msgspec import Meta

from lightly_widget.checks import check_number, is_unicode
from lightly_widget.errors import InvalidTypeError, InvalidValueError, did_you_mean, shown
from lightly_widget.plain import plain_object
from lightly_widget.query.algebra import Expression
from lightly_widget.strategies import MAX_STRATEGIES, Strategy, parse_limits, strategy_from_dict, strategy_types
from lightly_widget.structs import Number, check_fits, convert
from lightly_widget.wire.parts import Candidates, ColorBy, Count, Filter, Name, to_plain

Height: TypeAlias = Annotated[int, Meta(ge=200, le=4_000)]


class Checked(traitlets.TraitType[Any, Any]):
    """Any value, None included, goes through the widget's own check; traitlets would let None pass unchecked."""

    allow_none = False

    def validate(self, obj: Any, value: Any) -> Any:
        return value


def check_count(value: Any) -> int:
    """`n_samples_to_select`: an integer, 0 or more."""
    return convert(value, Count, "n_samples_to_select")


def check_strategies(value: Any, *, complete: bool) -> list[dict[str, Any]]:
    """Strategies or their dicts → dicts. Not `complete`: a card whose options are still being filled in may pass."""
    if not isinstance(value, list | tuple):
        raise InvalidTypeError(f"strategies must be a list of strategies, got {shown(value)}")
    if len(value) > MAX_STRATEGIES:
        raise InvalidValueError(f"strategies must hold at most {MAX_STRATEGIES} strategies, got {len(value)}")
    checked = [_strategy(f"strategies[{index}]", item, complete) for index, item in enumerate(value)]
    check_fits("strategies", checked)
    return checked


def _strategy(name: str, item: Any, complete: bool) -> dict[str, Any]:
    if isinstance(item, Strategy):
        return item.to_dict()
    if complete:
        return strategy_from_dict(item).to_dict()
    data = plain_object(name, item)
    if not isinstance(data.get("type"), str) or data["type"] not in strategy_types():
        raise InvalidValueError(f"{name}: {did_you_mean('strategy type', data.get('type'), strategy_types())}")
    data["strength"] = convert(data.get("strength", 1.0), Number, f"{name}.strength")
    return data


def check_limits(value: Any) -> list[dict[str, Any]]:
    """Limits or their dicts → dicts."""
    checked = [limit.to_dict() for limit in parse_limits(value)]
    check_fits("limits", checked)
    return checked


def check_candidates(value: Any) -> dict[str, str]:
    """`{"from": "all" | "filter" | "selection"}` or `{"from": "tag", "tag": name}`."""
    candidates: dict[str, str] = to_plain(convert(value, Candidates, "candidates"))
    return candidates


def check_optional_text(name: str, value: Any) -> str | None:
    """None, or a string of 1 to 1,000 characters."""
    text: str | None = convert(value, Name | None, name)
    if text is not None and not is_unicode(text):
        raise InvalidValueError(f"{name} must be valid Unicode, got {shown(text)}")
    return text


def check_filter(value: Any) -> dict[str, Any] | None:
    """An expression or its dict → dict, or None."""
    if value is None:
        return None
    data = plain_object("filter", value.to_dict() if isinstance(value, Expression) else value)
    convert(data, Filter, "filter")
    return Expression.from_dict(data).to_dict()


def check_color(value: Any) -> dict[str, str]:
    """A `ColorBy` dict; 'none', 'typicality' and 'rank' may be given as strings."""
    color_by: dict[str, str] = to_plain(
        convert({"by": value} if isinstance(value, str) else value, ColorBy, "color_by")
    )
    return color_by


def check_viewport(value: Any) -> list[float] | None:
    """None, or [x0, y0, x1, y1] with x0 < x1 and y0 < y1."""
    if value is None:
        return None
    if not isinstance(value, list | tuple) or len(value) != 4:
        raise InvalidTypeError(f"viewport must be [x0, y0, x1, y1] or None, got {shown(value)}")
    box = [check_number(f"viewport[{index}]", item) for index, item in enumerate(value)]
    if not (box[0] < box[2] and box[1] < box[3]):
        raise InvalidValueError(f"viewport must have x0 < x1 and y0 < y1, got {shown(value)}")
    return box


def check_height(value: Any) -> int:
    """CSS pixels."""
    return convert(value, Height, "height")


CHECKS: Final[dict[str, Callable[[Any], Any]]] = {
    "n_samples_to_select": check_count,
    "strategies": lambda value: check_strategies(value, complete=True),
    "limits": check_limits,
    "candidates": check_candidates,
    "preselected_tag_name": lambda value: check_optional_text("preselected_tag_name", value),
    "filter": check_filter,
    "color_by": check_color,
    "hovered": lambda value: check_optional_text("hovered", value),
    "viewport": check_viewport,
    "height": check_height,
}
# A card in the panel may lack an option that is still being chosen; sampling says so then.
BROWSER_CHECKS: Final = CHECKS | {"strategies": lambda value: check_strategies(value, complete=False)}
