"""Data in: image folders, label formats, frames and arrays. Everything is checked here, and nothing is written here."""

from __future__ import annotations

from lightly_widget.ingest.checks import ANNOTATION_SCHEMA, check_annotations, check_embeddings, check_sample_ids
from lightly_widget.ingest.classes import classes_from_column, classes_from_folders, classes_from_mapping
from lightly_widget.ingest.coco import read_coco
from lightly_widget.ingest.frames import frame_from_any
from lightly_widget.ingest.images import IMAGE_SCHEMA, ImageScan, scan_images
from lightly_widget.ingest.labels import LabelScan, read_labelformat
from lightly_widget.ingest.locations import Unreadable, absolute
from lightly_widget.ingest.yolo import read_yolo

__all__ = [
    "ANNOTATION_SCHEMA",
    "IMAGE_SCHEMA",
    "ImageScan",
    "LabelScan",
    "Unreadable",
    "absolute",
    "check_annotations",
    "check_embeddings",
    "check_sample_ids",
    "classes_from_column",
    "classes_from_folders",
    "classes_from_mapping",
    "frame_from_any",
    "read_coco",
    "read_labelformat",
    "read_yolo",
    "scan_images",
]
