"""Large arrays of the terms in files that worker processes map, so that each holds only the rows it takes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from lightly_widget.solver import Term

_SMALL_BYTES: Final = 65_536


@dataclass(frozen=True)
class _Stored:
    path: str


def store_arrays(terms: Sequence[Term], folder: Path) -> list[Term]:
    """The terms with their large arrays written below `folder`; `map_arrays` gives them back in any process."""
    return [
        _each_array(term, lambda name, array, at=at: _store(array, folder / f"{at}-{name}.npy"))
        for at, term in enumerate(terms)
    ]


def map_arrays(terms: Sequence[Term]) -> list[Term]:
    """The terms with their arrays mapped read-only from the files that `store_arrays` wrote."""
    return [
        dataclasses.replace(
            term,
            **{
                field.name: np.load(value.path, mmap_mode="r")
                for field in dataclasses.fields(term)
                if isinstance(value := getattr(term, field.name), _Stored)
            },
        )
        for term in terms
    ]


def _each_array(term: Term, change: Any) -> Term:
    arrays = {field.name: getattr(term, field.name) for field in dataclasses.fields(term)}
    changed = {name: change(name, value) for name, value in arrays.items() if isinstance(value, np.ndarray)}
    return dataclasses.replace(term, **changed)


def _store(array: np.ndarray[Any, Any], path: Path) -> Any:
    if array.nbytes < _SMALL_BYTES:
        return array
    if isinstance(array, np.memmap) and array.filename and str(array.filename).endswith(".npy"):
        return _Stored(str(array.filename))
    np.save(path, array)
    return _Stored(str(path))
