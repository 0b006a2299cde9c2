"""What is made of all strategies: checked lists of them, the panel's cards, and why one cannot be used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_args, get_origin

import msgspec
from msgspec import Meta

from lightly_widget.checks import check_items
from lightly_widget.errors import InvalidTypeError, InvalidValueError, did_you_mean, shown
from lightly_widget.strategies.base import Strategy, strategy_from_dict, strategy_types

if TYPE_CHECKING:
    from lightly_widget.strategies.candidates import DatasetInfo

MAX_STRATEGIES: Final = 100
"""In one sampling, whether it is asked for in Python or in the panel."""


def parse_strategies(items: object, argument: str = "sampling_strategies") -> tuple[Strategy, ...]:
    """A non-empty list of strategies or their dicts → strategies."""
    if isinstance(items, Strategy | Mapping):
        raise InvalidTypeError(f"{argument} must be a list of strategies: write [{type(items).__name__}(…)]")
    found = check_items(argument, items, what="strategies", most=MAX_STRATEGIES)
    if len(found) > MAX_STRATEGIES:
        raise InvalidValueError(f"{argument} must hold at most {MAX_STRATEGIES} strategies, got more than that")
    if not found:
        raise InvalidValueError(
            f"{argument} must contain at least one strategy, got {shown(items)}; try [EmbeddingDiversityStrategy()]"
        )
    return tuple(_parsed(f"{argument}[{position}]", item) for position, item in enumerate(found))


def _parsed(name: str, item: object) -> Strategy:
    if isinstance(item, Strategy):
        return item
    if isinstance(item, Mapping):
        return strategy_from_dict(item)
    names = [kind.__name__ for kind in strategy_types().values()]
    given = item.__name__ if isinstance(item, type) else item
    hint = f"; create one first: {given}(…)" if isinstance(item, type) and given in names else ""
    raise InvalidValueError(f"{name}: {did_you_mean('strategy', given, names)}{hint}")


def unusable(info: DatasetInfo) -> dict[str, str]:
    """The reasons, by strategy type, why a strategy cannot be used on this dataset; the usable ones are absent."""
    reasons = {kind: strategy.why_unusable(info) for kind, strategy in strategy_types().items()}
    return {kind: reason for kind, reason in reasons.items() if reason is not None}


def catalog() -> list[dict[str, Any]]:
    """The strategies as plain data for the panel's cards: all that they show and ask for.

    Those that look at embeddings come first, and last what has no inverse: the random baseline.
    """
    cards = [
        {
            "type": name,
            "title": kind.title,
            "useWhen": kind.use_when,
            "inverted": kind.inverted,
            "options": [_option(field) for field in msgspec.structs.fields(kind) if field.name != "strength"],
        }
        for name, kind in strategy_types().items()
    ]
    return sorted(cards, key=lambda card: (not card["inverted"], not _has_model(card)))


def _has_model(card: dict[str, Any]) -> bool:
    return any(option["kind"] == "model" for option in card["options"])


def _option(field: msgspec.structs.FieldInfo) -> dict[str, Any]:
    """One option: its label, how the panel asks for it, its limits and the value that a new card starts with."""
    option: dict[str, Any] = {"name": field.name, "label": field.name.replace("_", " ").capitalize()}
    hint = field.type
    if get_origin(hint) is Annotated:
        hint, *notes = get_args(hint)
        for note in notes:
            option |= _noted(note)
    if "kind" not in option:
        option |= _asked(hint)
    if not field.required and field.default is not None:
        option["initial"] = field.default
    return option


def _noted(note: Meta) -> dict[str, Any]:
    limits = {"minimum": note.ge, "maximum": note.le}
    found = {name: value for name, value in limits.items() if value is not None and abs(value) < 2**53}
    return ({} if note.title is None else {"label": note.title}) | found | (note.extra or {})


def _asked(hint: Any) -> dict[str, Any]:
    """How to ask for a value whose declaration does not say it."""
    if get_origin(hint) is Literal:
        return {"kind": "choice", "choices": list(get_args(hint))}
    return {"kind": {int: "integer", float: "number"}[hint]}
