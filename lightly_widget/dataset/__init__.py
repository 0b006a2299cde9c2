"""The façade users hold."""

from lightly_widget.dataset.dataset import BaseDataset, Dataset, ImageDataset
from lightly_widget.query import Query

__all__ = ["BaseDataset", "Dataset", "ImageDataset", "Query"]
