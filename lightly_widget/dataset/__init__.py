"""The façade users hold: datasets, and the namespaces on them."""

from lightly_widget.dataset.core import DatasetCore
from lightly_widget.dataset.dataset import BaseDataset, core_of
from lightly_widget.dataset.image_dataset import ImageDataset
from lightly_widget.dataset.table_dataset import Dataset
from lightly_widget.query import Query

__all__ = ["BaseDataset", "Dataset", "DatasetCore", "ImageDataset", "Query", "core_of"]
