"""The checks of the synced traits: what is wrong, as a sentence, whether it came from Python or from the browser."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final

from lightly_widget.errors import InvalidTypeError, InvalidValueError, did_you_mean, listed, shown
from lightly_widget.query.expressions import Expression
from lightly_widget.strategies import MAX_STRATEGIES, Strategy, strategy_from_dict, strategy_types
from lightly_widget.widget.coloring import check_color_by
from lightly_widget.wire import plain_object

MAX_COUNT: Final = 2**32 - 2
HEIGHTS: Final = (200, 4_000)
MAX_TRAIT: Final = 60_000
_CANDIDATES: Final = ("all", "filter", "selection", "tag")


def check_count(value: Any) -> int:
    """`n_samples_to_select`: an integer, 0 or more."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidTypeError(f"n_samples_to_select must be an integer, got {shown(value)}")
    if not 0 <= value <= MAX_COUNT:
        raise InvalidValueError(f"n_samples_to_select={shown(value)} is not between 0 and {MAX_COUNT:,}")
    return value


def check_strategies(value: Any, *, complete: bool) -> list[dict[str, Any]]:
    """Strategies or their dicts → dicts. Not `complete`: a card whose options are still being filled in may pass."""
    if not isinstance(value, list | tuple):
        raise InvalidTypeError(f"strategies={shown(value)} is not a list of strategies")
    if len(value) > MAX_STRATEGIES:
        raise InvalidValueError(f"strategies holds {len(value)} entries; at most {MAX_STRATEGIES} are taken")
    checked = [_strategy(f"strategies[{index}]", item, complete) for index, item in enumerate(value)]
    _small("strategies", checked)
    return checked


def _strategy(name: str, item: Any, complete: bool) -> dict[str, Any]:
    if isinstance(item, Strategy):
        return item.to_dict()
    if complete:
        return strategy_from_dict(item).to_dict()
    data = plain_object(name, item)
    if not isinstance(data.get("type"), str) or data["type"] not in strategy_types():
        raise InvalidValueError(f"{name}: {did_you_mean('strategy type', data.get('type'), strategy_types())}")
    strength = data.setdefault("strength", 1.0)
    if isinstance(strength, bool) or not isinstance(strength, int | float) or not math.isfinite(strength):
        raise InvalidValueError(f"{name}: strength={shown(strength)} is not a finite number")
    return data


def check_candidates(value: Any) -> dict[str, str]:
    """`{"from": "all" | "filter" | "selection"}` or `{"from": "tag", "tag": name}`."""
    source = value.get("from") if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping) or source not in _CANDIDATES:
        raise InvalidValueError(f"candidates={shown(value)}: 'from' is one of {listed(_CANDIDATES)}")
    if set(value) != ({"from", "tag"} if source == "tag" else {"from"}):
        raise InvalidValueError(f"candidates={shown(value)}: only 'tag' takes a tag, and it needs one")
    return {"from": "tag", "tag": check_text("candidates: tag", value["tag"])} if source == "tag" else {"from": source}


def check_text(name: str, value: Any) -> str:
    """Text of 1 to 1,000 characters."""
    if not isinstance(value, str) or not 0 < len(value) <= 1_000:
        raise InvalidValueError(f"{name}={shown(value)} is not text of 1 to 1,000 characters")
    return value


def check_optional_text(name: str, value: Any) -> str | None:
    """None, or text of 1 to 1,000 characters."""
    return None if value is None else check_text(name, value)


def check_filter(value: Any) -> dict[str, Any] | None:
    """An expression or its dict → dict, or None."""
    if value is None:
        return None
    if isinstance(value, Expression):
        return plain_object("filter", value.to_dict())
    data = plain_object("filter", value)
    _small("filter", data)
    return Expression.from_dict(data).to_dict()


def check_color(value: Any) -> dict[str, str]:
    """A `ColorBy` dict; 'none', 'typicality' and 'rank' may be given as text."""
    return check_color_by({"by": value} if isinstance(value, str) else value)


def check_viewport(value: Any) -> list[float] | None:
    """None, or [x0, y0, x1, y1] with x0 < x1 and y0 < y1."""
    if value is None:
        return None
    if not isinstance(value, list | tuple) or len(value) != 4:
        raise InvalidTypeError(f"viewport={shown(value)} is not [x0, y0, x1, y1] or None")
    for item in value:
        if isinstance(item, bool) or not isinstance(item, int | float) or not math.isfinite(item):
            raise InvalidValueError(f"viewport must contain finite numbers, got {shown(item)}")
    box = [float(item) for item in value]
    if not (box[0] < box[2] and box[1] < box[3]):
        raise InvalidValueError(f"viewport={shown(value)} is empty: x0 < x1 and y0 < y1 are expected")
    return box


def check_height(value: Any) -> int:
    """CSS pixels."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidTypeError(f"height must be an integer number of pixels, got {shown(value)}")
    if not HEIGHTS[0] <= value <= HEIGHTS[1]:
        raise InvalidValueError(f"height={shown(value)} is not between {HEIGHTS[0]} and {HEIGHTS[1]} pixels")
    return value


def _small(name: str, value: Any) -> None:
    size = len(json.dumps(value))
    if size > MAX_TRAIT:
        raise InvalidValueError(f"{name} takes {size:,} bytes; at most {MAX_TRAIT:,} fit")
