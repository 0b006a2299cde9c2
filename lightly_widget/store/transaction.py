"""What one write will append."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

Piece = tuple[pl.DataFrame, dict[str, Any]]
"""Rows, and in plain data what they mean."""


class Transaction:
    """What one write will append; nothing is on disk before the `with` block of `Store.transaction` ends well."""

    def __init__(self, action: str, details: Mapping[str, Any], undoable: bool) -> None:
        self.token = secrets.randbits(62)
        self.action = action
        self.details = dict(details)
        self.undoable = undoable
        self.pieces: dict[str, list[Piece]] = {}

    def write(self, table: str, frame: pl.DataFrame, **op: Any) -> None:
        """Append rows to a table. `op` says in plain data what they mean, for whoever reads the table."""
        self.pieces.setdefault(table, []).append((frame, op))


def joined(pieces: Sequence[Piece]) -> tuple[pl.DataFrame, tuple[dict[str, Any], ...]]:
    """The rows of all pieces, and their operations, each with its place among the rows."""
    ops, start = [], 0
    for frame, op in pieces:
        ops.append({**op, "start": start, "rows": frame.height})
        start += frame.height
    full = [frame for frame, _ in pieces if frame.height]
    return (pl.concat(full).rechunk() if full else pl.DataFrame()), tuple(ops)
