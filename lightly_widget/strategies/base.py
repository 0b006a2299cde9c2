"""What every strategy shares: checked options, the dict that the browser and the recipes use, and its solver terms."""

from __future__ import annotations

import dataclasses
import math
import numbers
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias

from lightly_widget.errors import InvalidTypeError, InvalidValueError, Progress, did_you_mean, listed, shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lightly_widget.solver import Term
    from lightly_widget.strategies.candidates import Candidates, DatasetInfo

Check: TypeAlias = Callable[[str, Any], Any]

MAX_STRATEGIES: Final = 100


def number(name: str, value: Any) -> float:
    """A finite float; bools and text are not numbers here."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise InvalidTypeError(f"{name}={shown(value)} is not a number")
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    if not math.isfinite(result):
        raise InvalidValueError(f"{name}={shown(value)} is not finite")
    return result


def distance(name: str, value: Any) -> float:
    """A finite float of at least 0."""
    result = number(name, value)
    if result < 0:
        raise InvalidValueError(f"{name}={shown(value)} is negative; a distance is 0 or more")
    return result


def whole(name: str, value: Any) -> int:
    """An int from 0 to 2⁶³ − 1."""
    if isinstance(value, bool):
        raise InvalidTypeError(f"{name}={shown(value)} is a bool, not a whole number")
    try:
        result = operator.index(value)
    except TypeError:
        raise InvalidTypeError(f"{name}={shown(value)} is not a whole number") from None
    if not 0 <= result < 2**63:
        raise InvalidValueError(f"{name}={shown(value)} is not between 0 and 2**63 - 1")
    return result


def text(name: str, value: Any) -> str:
    """Text with something in it."""
    if not isinstance(value, str):
        raise InvalidTypeError(f"{name}={shown(value)} is not text")
    if not value.strip():
        raise InvalidValueError(f"{name}={shown(value)} is empty")
    return value


def optional_text(name: str, value: Any) -> str | None:
    """Text with something in it, or None."""
    return None if value is None else text(name, value)


def option(check: Check, **arguments: Any) -> Any:
    """A dataclass field whose value `check` tests and converts when a strategy is made."""
    return field(metadata={"check": check}, **arguments)


@dataclass(frozen=True, eq=False)
class Balance:
    """A balancing as the solver gets it: one column per class (or value), the last may hold all unnamed ones."""

    what: str
    """The annotation source or metadata key, for titles; 'classes' when no source is named."""
    names: tuple[str, ...]
    target: NDArray[np.float64]
    """(c,) shares, which sum to 1."""
    counts: NDArray[np.float32]
    """(n, c) per candidate."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A strategy's terms for one view, and what to tell the user about them."""

    terms: tuple[Term, ...]
    warnings: tuple[str, ...] = ()
    balance: Balance | None = None


@dataclass(frozen=True)
class Strategy:
    """Base of the strategies: plain, checked, immutable data.

    `strength` (finite) weighs the strategy against the others of the same sampling: negative inverts it, 0 switches it
    off.
    """

    type: ClassVar[str]
    use_when: ClassVar[str]
    strength: float = field(default=1.0, kw_only=True, metadata={"check": number})

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            value = item.metadata["check"](item.name, getattr(self, item.name))
            object.__setattr__(self, item.name, value)

    def to_dict(self) -> dict[str, Any]:
        """Plain data that JSON can hold; `from_dict` gives an equal strategy."""
        values = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        return {"type": self.type} | {k: dict(v) if isinstance(v, dict) else v for k, v in values.items()}

    def prepare(self, view: Candidates, progress: Progress) -> Prepared:
        """The solver terms for these candidates, with warnings. ValueError: what the strategy needs is not there."""
        raise NotImplementedError

    def terms(self, view: Candidates, progress: Progress) -> list[Term]:
        """The solver terms for these candidates."""
        return list(self.prepare(view, progress).terms)

    @classmethod
    def why_unusable(cls, info: DatasetInfo) -> str | None:
        """Why the strategy cannot be used on this dataset and what would help, or None."""
        raise NotImplementedError


_BY_TYPE: Final[dict[str, type[Strategy]]] = {}


def register(strategy: type[Strategy]) -> type[Strategy]:
    """Make the strategy known to `strategy_from_dict`; to be applied above `@dataclass`."""
    _BY_TYPE[strategy.type] = strategy
    return strategy


def strategy_types() -> dict[str, type[Strategy]]:
    """The strategy classes by their `type`."""
    return dict(_BY_TYPE)


def strategy_from_dict(data: object) -> Strategy:
    """The strategy of a dict as `to_dict` makes it; options that are left out take their defaults.

    ValueError: unknown type or option, an option missing or out of range. TypeError: no dict, or an option of the wrong
    type. Nothing else, whatever comes: these dicts arrive from the browser.
    """
    if not isinstance(data, Mapping):
        raise InvalidTypeError(f"a strategy is a dict with a 'type', not {shown(data)}")
    kind = data.get("type")
    if not isinstance(kind, str) or kind not in _BY_TYPE:
        raise InvalidValueError(did_you_mean("strategy type", kind, _BY_TYPE))
    strategy = _BY_TYPE[kind]
    options = {name: value for name, value in data.items() if name != "type"}
    known = {item.name: item for item in dataclasses.fields(strategy)}
    for name in options:
        if not isinstance(name, str) or name not in known:
            raise InvalidValueError(did_you_mean(f"option of strategy {kind!r}:", name, known))
    missing = [
        name
        for name, item in known.items()
        if name not in options and item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise InvalidValueError(f"strategy {kind!r} needs {listed(missing)}")
    return strategy(**options)


def parse_strategies(items: object, argument: str = "sampling_strategies") -> tuple[Strategy, ...]:
    """A non-empty list of strategies or their dicts → strategies."""
    if isinstance(items, Strategy | Mapping):
        raise InvalidTypeError(f"{argument} is a list of strategies: write [{type(items).__name__}(…)]")
    if isinstance(items, str | bytes) or not isinstance(items, Iterable):
        raise InvalidTypeError(f"{argument}={shown(items)} is not a list of strategies")
    parsed = []
    for position, item in enumerate(items):
        if position == MAX_STRATEGIES:
            raise InvalidValueError(f"{argument} holds more than {MAX_STRATEGIES} strategies")
        if isinstance(item, type) or not isinstance(item, Strategy | Mapping):
            names = [kind.__name__ for kind in _BY_TYPE.values()]
            given = item.__name__ if isinstance(item, type) else item
            hint = f"; make one first: {given}(…)" if isinstance(item, type) and given in names else ""
            raise InvalidValueError(f"{argument}[{position}]: {did_you_mean('strategy', given, names)}{hint}")
        parsed.append(item if isinstance(item, Strategy) else strategy_from_dict(item))
    if not parsed:
        raise InvalidValueError(f"{argument} is empty; give at least one strategy, e.g. EmbeddingDiversityStrategy()")
    return tuple(parsed)


def unusable(info: DatasetInfo) -> dict[str, str]:
    """The reasons, by strategy type, why a strategy cannot be used on this dataset; the usable ones are absent."""
    reasons = {kind: strategy.why_unusable(info) for kind, strategy in _BY_TYPE.items()}
    return {kind: reason for kind, reason in reasons.items() if reason is not None}
