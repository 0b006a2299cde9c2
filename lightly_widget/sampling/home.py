"""Where a result comes from and where it is kept: what a sampling needs beside what its strategies read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from lightly_widget.strategies import Candidates

if TYPE_CHECKING:
    import polars as pl


class ResultHome(Candidates, Protocol):
    """The candidates of a query, with the dataset that keeps the tags and values computed from them."""

    def write_tag(
        self, name: str, sample_ids: pl.Series, *, recipe: dict[str, Any], grow: bool, replace: bool = False
    ) -> None:
        """Write a tag in pick order, in one atomic write.

        With ``grow``, a tag that exists by then keeps its samples, and new ones follow them; with ``replace`` it loses
        them; otherwise ValueError.
        """

    def write_metadata(self, key: str, sample_ids: pl.Series, values: pl.Series) -> None:
        """Set the metadata of these samples in one atomic write; other samples keep theirs."""

    def frame(self, sample_ids: pl.Series) -> pl.DataFrame:
        """The samples' rows as in ``Query.to_polars()``, in the order of the ids."""

    def samples(self, sample_ids: pl.Series) -> list[Any]:
        """The samples as objects, in the order of the ids."""

    def query_dict(self) -> dict[str, Any]:
        """The query as plain data: the dataset's name, filter, order, and slice."""

    def to_html(self, result: Any, path: Any, options: dict[str, Any]) -> Path:
        """Write a page that shows the result among its candidates."""

    def query_code(self) -> str:
        """Python lines that define ``dataset`` and ``query``, for ``SamplingResult.to_python``."""
