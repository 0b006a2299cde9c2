"""One k-nearest-neighbor graph per embedding model, shared by typicality, representative sampling and UMAP."""

from __future__ import annotations

from lightly_widget.neighbors.graph import (
    NeighborGraph,
    build_graph,
    distance_to_set,
    extend_graph,
    nearest,
    similarity_weights,
    typicality,
)

__all__ = [
    "NeighborGraph",
    "build_graph",
    "distance_to_set",
    "extend_graph",
    "nearest",
    "similarity_weights",
    "typicality",
]
