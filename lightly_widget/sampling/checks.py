"""The arguments of a sampling: each is checked before anything is computed, and named when it is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from lightly_widget.checks import check_name, check_strings
from lightly_widget.errors import InvalidValueError, did_you_mean, listed, shown
from lightly_widget.indexes import CandidateIndexes

if TYPE_CHECKING:
    from lightly_widget.strategies import Candidates


def check_result_tag(candidates: Candidates, name: Any, preselected_tag_name: str | None, *, grow: bool = False) -> str:
    """A tag name that is free, or may grow. ValueError: taken."""
    checked = check_name("sampling_result_tag_name", name)
    if checked != preselected_tag_name and not grow and checked in candidates.tag_names():
        raise InvalidValueError(
            f"sampling_result_tag_name={shown(checked)}: there is a tag of that name; choose another name, delete the "
            "tag, or give it as preselected_tag_name too so that it grows"
        )
    return checked


def preselected_ids(candidates: Candidates, tag_name: Any) -> pl.Series:
    """The ids of the preselected tag, in pick order; none for None."""
    if tag_name is None:
        return pl.Series("sample_id", [], dtype=pl.String)
    names = candidates.tag_names()
    if not isinstance(tag_name, str) or tag_name not in names:
        raise InvalidValueError(f"preselected_tag_name: {did_you_mean('tag', tag_name, names)}")
    return candidates.tag(tag_name)


def id_series(argument: str, ids: Any) -> pl.Series:
    """A list of sample ids → a Series without repetitions, in the order given."""
    values = check_strings(argument, ids, what="sample IDs")
    return pl.Series("sample_id", values, dtype=pl.String).unique(maintain_order=True)


def rows_of(candidates: Candidates, ids: pl.Series) -> pl.Series:
    """The candidate row of each id (u32), null where it is not a candidate."""
    if not len(ids):  # spares the join with what may be millions
        return pl.Series("row", [], dtype=pl.UInt32)
    numbered = pl.DataFrame({"sample_id": candidates.sample_ids}).with_row_index("row")
    wanted = pl.DataFrame({"sample_id": ids})
    return wanted.join(numbered, on="sample_id", how="left", maintain_order="left")["row"]


def rows_inside(candidates: Candidates, ids: pl.Series, argument: str) -> CandidateIndexes:
    """The candidate rows of these ids. ValueError: some are not candidates, with their count."""
    rows = rows_of(candidates, ids)
    if outside := rows.null_count():
        first = ids.filter(rows.is_null()).head(3)
        raise InvalidValueError(
            f"{argument}: {outside:,} of its {len(ids):,} samples are not among the {len(candidates):,} candidates "
            f"(first: {listed(first)}); widen the query so that it holds them, or preselect others"
        )
    return CandidateIndexes(rows.cast(pl.Int64).to_numpy())
