"""Typicality and similarity as metadata: one value per embedded sample of the whole dataset, stored under a name."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from lightly_widget.checks import LONGEST_NAME, check_name
from lightly_widget.errors import Progress, SamplingWarning, no_progress
from lightly_widget.strategies.by_embedding import query_embeddings, similarity, typicality

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lightly_widget.sampling.home import ResultHome


def compute_typicality_metadata(
    home: ResultHome,
    metadata_name: str = "typicality",
    embedding_model_name: str | None = None,
    progress: Progress = no_progress,
) -> str:
    """Store how close each sample's 20 nearest neighbors are, 0…1, and return the metadata's name.

    Values already there under that name are replaced. ValueError: no embeddings, or several models and none named.
    """
    name = check_name("metadata_name", metadata_name)
    ids, values = typicality(home, embedding_model_name, progress)
    return _store(home, name, ids, values)


def compute_similarity_metadata(
    home: ResultHome,
    query_tag_name: str,
    metadata_name: str | None = None,
    embedding_model_name: str | None = None,
    progress: Progress = no_progress,
) -> str:
    """Store how like the nearest sample of the tag each sample is, exp(−d / mean d), and return the metadata's name.

    An omitted name becomes `similarity_<tag>_<UTC time in ISO seconds>`, made unique. ValueError: unknown or empty tag.
    """
    name = None if metadata_name is None else check_name("metadata_name", metadata_name)
    query, notes = query_embeddings(home, query_tag_name, embedding_model_name)
    embeddings, ids = home.dataset_embeddings(embedding_model_name)
    values = similarity(embeddings, query, progress)
    for note in notes:
        warnings.warn(note, SamplingWarning, stacklevel=3)
    return _store(home, name or _free_name(home, query_tag_name), ids, values)


def _store(home: ResultHome, name: str, ids: pl.Series, values: NDArray[np.float64]) -> str:
    without = home.info().n_samples - len(ids)
    home.write_metadata(name, ids, pl.Series(name, values, dtype=pl.Float64))
    if without > 0:
        note = f"{without:,} samples have no embedding and so no {name!r}; dataset.embed() embeds them"
        warnings.warn(note, SamplingWarning, stacklevel=4)
    return name


def _free_name(home: ResultHome, tag_name: str) -> str:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    base = f"similarity_{tag_name[: LONGEST_NAME - 50]}_{now}"
    taken, name, number = set(home.info().metadata), base, 1
    while name in taken:
        number += 1
        name = f"{base}_{number}"
    return name
