"""What every strategy shares: declared options, the dict that the panel and the recipes use, and its solver terms.

A strategy is declared once. Its fields with their types, limits, labels and kinds, and its title, `use_when` and
`inverted` are all that the checks, the dict, the wire and the panel's cards are made from.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

from msgspec import Meta

from lightly_widget.errors import InvalidTypeError, InvalidValueError, Progress, did_you_mean, shown
from lightly_widget.structs import Declared, Number, Text, convert, plain_value, tag_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lightly_widget.solver import Term
    from lightly_widget.strategies.candidates import Candidates, DatasetInfo

# The options that several strategies have. `kind` says how the panel asks for the value, `title` what it calls it.
Model = Annotated[Text | None, Meta(title="Embedding", extra={"kind": "model"})]
Source = Annotated[Text | None, Meta(title="Labels", extra={"kind": "source"})]
NumberKey = Annotated[Text, Meta(title="Metadata", extra={"kind": "metadata-number"})]
CategoryKey = Annotated[Text, Meta(title="Metadata", extra={"kind": "metadata-category"})]


@dataclass(frozen=True, eq=False)
class Balance:
    """A balancing as the solver gets it: one column per class (or value); the last may hold all unnamed ones."""

    what: str
    """The annotation source or metadata key, for titles; 'classes' when no source is named."""
    names: tuple[str, ...]
    target: NDArray[np.float64]
    """(c,) shares, which sum to 1."""
    counts: NDArray[np.float32]
    """(n, c) per candidate."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A strategy's terms for some candidates, and what to tell the user about them."""

    terms: tuple[Term, ...]
    warnings: tuple[str, ...] = ()
    balance: Balance | None = None


class Strategy(Declared, frozen=True, kw_only=True):
    """Base of the strategies: plain, checked, immutable data.

    `strength` (finite) weighs the strategy against the others of the same sampling: negative inverts it, 0 switches it
    off.
    """

    title: ClassVar[str]
    """What the panel calls it."""
    use_when: ClassVar[str]
    """Completes 'Use it when …'."""
    inverted: ClassVar[str]
    """What a negative strength does; empty where the strength makes no difference."""
    has_gain: ClassVar[bool] = True
    """Whether its picks differ in what they gain, so that a budget may compare gain per cost."""

    strength: Number = 1.0

    def __hash__(self) -> int:
        values = (getattr(self, name) for name in self.__struct_fields__)
        return hash((type(self), *(frozenset(v.items()) if isinstance(v, dict) else v for v in values)))

    @staticmethod
    def from_dict(data: object) -> Strategy:
        """The strategy of a dict as `to_dict` makes it; options that are left out take their defaults."""
        return strategy_from_dict(data)

    @abstractmethod
    def prepare(self, candidates: Candidates, progress: Progress) -> Prepared:
        """The solver terms for these candidates, with warnings. ValueError: what the strategy needs is missing."""

    def terms(self, candidates: Candidates, progress: Progress) -> list[Term]:
        """The solver terms for these candidates."""
        return list(self.prepare(candidates, progress).terms)

    @classmethod
    @abstractmethod
    def why_unusable(cls, info: DatasetInfo) -> str | None:
        """Why the strategy cannot be used on this dataset and what would help, or None."""


_OLD_TYPES: Final = {"weights": "metadata_weighting"}
"""As the recipes on disk may still name them."""


@cache
def _load() -> None:
    for module in pkgutil.iter_modules(sys.modules[__package__].__path__):
        importlib.import_module(f"{__package__}.{module.name}")


def strategy_types() -> dict[str, type[Strategy]]:
    """The strategy classes by their `type`: all that are declared, in the order of their declaration."""
    _load()
    return {tag_of(kind): kind for kind in _leaves(Strategy)}


def _leaves(kind: type[Any]) -> list[type[Strategy]]:
    below = kind.__subclasses__()
    return [leaf for child in below for leaf in _leaves(child)] if below else [kind]


def strategy_from_dict(data: object) -> Strategy:
    """The strategy of a dict as `to_dict` makes it; options that are left out take their defaults.

    ValueError: unknown type or option, an option missing or out of range. TypeError: no dict, or an option of the wrong
    type. Nothing else, whatever comes: these dicts arrive from the browser.
    """
    if not isinstance(data, Mapping):
        raise InvalidTypeError(f"a strategy must be a dict with a 'type', got {shown(data)}")
    options = {name: plain_value(value) for name, value in data.items()}
    kinds, name = strategy_types(), options.pop("type", None)
    name = _OLD_TYPES.get(name, name) if isinstance(name, str) else name
    if not isinstance(name, str) or name not in kinds:
        raise InvalidValueError(did_you_mean("strategy type", name, kinds))
    return convert(options, kinds[name], what=f"strategy {name!r}")
