"""One sample of a dataset: its fields as they were read; its tags, metadata, and annotations as they are now."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from datetime import datetime
from typing import Any

import polars as pl

from lightly_widget.checks import check_string
from lightly_widget.dataset.core import DatasetCore
from lightly_widget.dataset.metadata import Metadata
from lightly_widget.dataset.metadata_values import flatten, restore
from lightly_widget.errors import UnknownNameError, did_you_mean
from lightly_widget.query import annotations_of_rows


class Sample:
    """A sample; two are equal when they have the same id in the same dataset."""

    def __init__(self, core: DatasetCore[Any], fields: dict[str, Any]) -> None:
        self._core = core
        self._fields = fields

    @property
    def sample_id(self) -> str:
        """The id, unique in the dataset. It never changes."""
        return str(self._fields["sample_id"])

    @property
    def created_at(self) -> datetime:
        """When the sample was added, UTC."""
        when: datetime = self._fields["created_at"]
        return when

    @property
    def text(self) -> str | None:
        """The text, for datasets of texts."""
        return self._fields.get("text")

    @property
    def file_name(self) -> str | None:
        """The last part of the path, for samples that are files."""
        return self._fields.get("file_name")

    @property
    def file_path_abs(self) -> str | None:
        """The absolute path, for samples that are files."""
        return self._fields.get("file_path_abs")

    @property
    def tags(self) -> list[str]:
        """The names of the sample's tags, in the order in which the tags were created."""
        snapshot = self._core.snapshot()
        names: list[str] = snapshot.tags_list()[self._row()].to_list()
        return names

    def add_tag(self, tag_name: str) -> None:
        """Add a tag to the sample, in one write."""
        self._core.change_tag(tag_name, pl.Series([self.sample_id]), add=True)

    def remove_tag(self, tag_name: str) -> None:
        """Remove a tag; nothing happens if the sample does not have it. Raises `UnknownNameError` for unknown tags."""
        self._core.change_tag(tag_name, pl.Series([self.sample_id]), add=False)

    @property
    def metadata(self) -> SampleMetadata:
        """The sample's values by key, to read and to set: `sample.metadata["iso"] = 100`."""
        return SampleMetadata(self)

    @property
    def annotations(self) -> list[dict[str, Any]]:
        """The sample's annotations as dicts: source, type, class, confidence, box in pixels."""
        snapshot = self._core.snapshot()
        rows = snapshot.known_rows([self.sample_id])
        return annotations_of_rows(snapshot, rows, None).drop("row").to_dicts()

    def _row(self) -> int:
        return int(self._core.snapshot().known_rows([self.sample_id])[0])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sample) and (self.sample_id, self._core.uri) == (
            other.sample_id,
            other._core.uri,
        )

    def __hash__(self) -> int:
        return hash(self.sample_id)

    def __repr__(self) -> str:
        shown = self.file_name if self.file_name is not None else self.sample_id
        return f"<{type(self).__name__} {shown}>"


class ImageSample(Sample):
    """An image of an `ImageDataset`."""

    @property
    def file_name(self) -> str:
        """The last part of the path."""
        return str(self._fields["file_name"])

    @property
    def file_path_abs(self) -> str:
        """The absolute path."""
        return str(self._fields["file_path_abs"])

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self._fields["width"])

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self._fields["height"])


class SampleMetadata(MutableMapping[str, Any]):
    """The metadata of one sample as a mapping. Nested values are dicts; setting None removes a value."""

    def __init__(self, sample: Sample) -> None:
        self._sample = sample

    def _flat(self) -> dict[str, Any]:
        snapshot = self._sample._core.snapshot()
        row = int(snapshot.known_rows([self._sample.sample_id])[0])
        values = {key: restore(kind, snapshot.metadata(key)[row]) for key, kind in snapshot.metadata_types().items()}
        return {key: value for key, value in values.items() if value is not None}

    def _nested(self) -> dict[str, Any]:
        tree: dict[str, Any] = {}
        for key, value in self._flat().items():
            *path, last = key.split(".")
            place = tree
            for part in path:
                inner = place.setdefault(part, {})
                if not isinstance(inner, dict):  # both "a" and "a.b" hold a value
                    break
                place = inner
            else:
                place[last] = value
                continue
            tree[key] = value
        return tree

    def __getitem__(self, key: str) -> Any:
        flat = self._flat()
        for values in (flat, self._nested()) if isinstance(key, str) else ():
            if key in values:
                return values[key]
        raise UnknownNameError(did_you_mean("metadata key of this sample", key, flat))

    def __setitem__(self, key: str, value: Any) -> None:
        check_string("a metadata key", key)
        Metadata(self._sample._core).update({self._sample.sample_id: {key: value}})

    def __delitem__(self, key: str) -> None:
        value = self[key]
        gone = dict.fromkeys(flatten({key: value}))
        Metadata(self._sample._core).update({self._sample.sample_id: gone})

    def __iter__(self) -> Iterator[str]:
        return iter(self._nested())

    def __len__(self) -> int:
        return len(self._nested())

    def __repr__(self) -> str:
        return repr(self._nested())
