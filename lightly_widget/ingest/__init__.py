"""Data in: image folders, label formats, frames and arrays. Everything is checked here, and nothing is written here."""

from __future__ import annotations

from lightly_widget.ingest.images import IMAGE_SCHEMA, ImageScan, scan_images
from lightly_widget.ingest.locations import Unreadable, absolute

__all__ = ["IMAGE_SCHEMA", "ImageScan", "Unreadable", "absolute", "scan_images"]
