"""Samples as a `torch.utils.data.Dataset`. Imported on use: it loads torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl
import torch
from torch.utils.data import Dataset

from lightly_widget.errors import StorageError, shown
from lightly_widget.ingest.checks import BOX
from lightly_widget.ingest.pictures import UnusablePictureError, read_picture
from lightly_widget.ingest.roots import Roots


class SampleDataset(Dataset[tuple[Any, dict[str, Any]]]):
    """Item i is `(input, target)`; see `Export.to_torch`.

    It holds no open file and no connection, so `DataLoader` workers can be forked or spawned.
    """

    def __init__(
        self,
        samples: pl.DataFrame,
        annotations: pl.DataFrame,
        classes: Sequence[str],
        transform: Callable[[Any], Any] | None,
        roots: Roots | None = None,
    ) -> None:
        self._roots = roots
        self.sample_ids: list[str] = samples["sample_id"].to_list()
        self.classes = list(classes)
        self._transform = transform
        nothing = [None] * len(samples)
        self._paths = samples["file_path_abs"].to_list() if "file_path_abs" in samples.columns else nothing
        self._texts = samples["text"].to_list() if "text" in samples.columns else nothing
        number = {name: i for i, name in enumerate(self.classes)}
        self._boxes: dict[str, list[list[float]]] = {}
        self._labels: dict[str, list[int]] = {}
        self._class: dict[str, int] = {}
        columns = ("sample_id", "annotation_type", "class_name", *BOX)
        for sample_id, kind, name, x, y, width, height in annotations.select(columns).iter_rows():
            if kind == "classification":
                self._class.setdefault(sample_id, number[name])
            else:
                self._boxes.setdefault(sample_id, []).append([x, y, x + width, y + height])
                self._labels.setdefault(sample_id, []).append(number[name])

    def __len__(self) -> int:
        return len(self.sample_ids)

    def __getitem__(self, index: int) -> tuple[Any, dict[str, Any]]:
        sample_id = self.sample_ids[index]
        target = {
            "sample_id": sample_id,
            "label": self._class.get(sample_id, -1),
            "boxes": torch.tensor(self._boxes.get(sample_id, []), dtype=torch.float32).reshape(-1, 4),
            "labels": torch.tensor(self._labels.get(sample_id, []), dtype=torch.int64),
        }
        return self._input(index), target

    def _input(self, index: int) -> Any:
        path = self._paths[index]
        if path is None:
            text = self._texts[index]
            return text if self._transform is None else self._transform(text)
        image = _open_image(path, self._roots)
        if self._transform is not None:
            return self._transform(image)
        return torch.from_numpy(np.array(image)).permute(2, 0, 1)


def _open_image(path: str, roots: Roots | None) -> Any:
    try:
        return read_picture(path, lambda image: image.convert("RGB"), roots=roots)
    except UnusablePictureError as error:
        raise StorageError(f"image {shown(path, 300)} cannot be read: {error.reason}") from error
