"""Data out: text, CSV, Parquet, COCO, YOLO, torch, copies."""

from __future__ import annotations

from lightly_widget.export.api import Export, Exportable

__all__ = ["Export", "Exportable"]
