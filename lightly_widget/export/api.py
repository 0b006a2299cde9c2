"""`query.export`: the ways out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from lightly_widget.checks import check_bool, check_string, check_strings
from lightly_widget.errors import (
    InvalidTypeError,
    InvalidValueError,
    MissingDependencyError,
    Progress,
    no_progress,
    shown,
)
from lightly_widget.export import detections, tables
from lightly_widget.export.folders import FolderExport
from lightly_widget.export.label_studio import write_label_studio
from lightly_widget.export.names import unique_names
from lightly_widget.ingest.locations import PathLike
from lightly_widget.ingest.roots import Roots

if TYPE_CHECKING:
    from lightly_widget.export.torch_dataset import SampleDataset


class Exportable(Protocol):
    """The samples to export, such as a query."""

    def to_polars(self) -> pl.DataFrame:
        """One row for each sample, in order, with at least sample_id."""

    def annotations(self, annotation_source: str | None = None) -> pl.DataFrame:
        """The annotations of these samples, of one source or of all."""

    def embeddings(self, model_name: str | None = None) -> npt.NDArray[np.float32]:
        """(samples, dimensions) in the order of `to_polars`; None for the only model."""


class Export:
    """Writes the samples of a query, in query order.

    Nothing is overwritten without `overwrite=True`. Files appear whole or not at all. Every method that writes returns
    the path it wrote, and raises InvalidValueError for paths that exist and StorageError where writing fails.
    """

    def __init__(self, samples: Exportable, roots: Roots | None = None) -> None:
        """`roots`: where the samples' files may lie; None where the caller answers for the paths."""
        self._query = samples
        self._roots = roots

    def to_txt(self, path: PathLike, *, overwrite: bool = False) -> Path:
        """One absolute path a line.

        Raises:
            InvalidValueError: a sample is not a file, or its path holds a line break.
        """
        return tables.write_txt(self._query.to_polars(), path, overwrite=overwrite)

    def to_csv(self, path: PathLike, *, overwrite: bool = False) -> Path:
        """All columns, UTF-8; text is quoted, null is empty, lists (tags) and nested values are JSON."""
        return tables.write_csv(self._query.to_polars(), path, overwrite=overwrite)

    def to_parquet(
        self, path: PathLike, *, embeddings: bool | str | Sequence[str] = False, overwrite: bool = False
    ) -> Path:
        """All columns with their types.

        Args:
            embeddings: a model's name or several, each as a column "embedding.<name>" of float32 arrays; True takes the
                only model there is, as "embedding".
        """
        if isinstance(embeddings, bool):
            chosen: dict[str, str | None] = {"embedding": None} if embeddings else {}
        else:
            names = [embeddings] if isinstance(embeddings, str) else check_strings("embeddings", embeddings)
            chosen = {f"embedding.{name}": name for name in names}
        arrays = {column: self._query.embeddings(name) for column, name in chosen.items()}
        return tables.write_parquet(self._query.to_polars(), arrays, path, overwrite=overwrite)

    def to_polars(self) -> pl.DataFrame:
        """All columns, in memory."""
        return self._query.to_polars()

    def to_pandas(self) -> Any:
        """All columns as a pandas frame.

        Raises:
            MissingDependencyError: pandas is not installed.
        """
        try:
            import pandas  # noqa: F401 - polars' own message does not say how to install it
        except ImportError as error:
            raise MissingDependencyError("to_pandas needs pandas: pip install pandas") from error
        return self._query.to_polars().to_pandas()

    def to_coco_object_detections(
        self,
        path: PathLike,
        *,
        annotation_source: str | None = None,
        images_root: PathLike | None = None,
        class_names: Sequence[str] | None = None,
        overwrite: bool = False,
    ) -> Path:
        """Boxes as COCO JSON: ids from 1, pixels, area, iscrowd, and the confidence as score.

        Args:
            annotation_source: whose boxes; may be None while there is one source.
            images_root: what `file_name` is relative to; None is the deepest folder that holds all images.
            class_names: the categories in the order of their ids; None sorts those that occur.

        Raises:
            InvalidValueError: boxes of several sources and none chosen, samples that are not images, images outside
                `images_root`, classes that `class_names` lacks.
        """
        return detections.write_coco(
            self._query.to_polars(),
            self._query.annotations(annotation_source),
            path,
            annotation_source=annotation_source,
            images_root=images_root,
            class_names=class_names,
            overwrite=overwrite,
        )

    def to_label_studio(
        self,
        path: PathLike,
        *,
        annotation_source: str | None = None,
        as_predictions: bool = False,
        url_prefix: str = "",
        images_root: PathLike | None = None,
        overwrite: bool = False,
    ) -> Path:
        """Tasks for Label Studio, in query order, with the boxes (rectangle labels) and classes (choices) there are.

        The way back is `dataset.add_annotations_from_label_studio`. Samples without labels stay to be labeled.

        Args:
            annotation_source: whose labels; may be None while there is one source of each type.
            as_predictions: labels as predictions, which people accept or correct, instead of as annotations.
            url_prefix: put before the names of images, such as "/data/local-files/?d=". Names are then relative to
                `images_root`; without both, tasks name the absolute paths.
            images_root: what names are relative to; None is the deepest folder that holds all images.

        Raises:
            InvalidValueError: samples without file and text, labels of several sources and none chosen, images outside
                `images_root`.
        """
        check_bool("as_predictions", as_predictions)
        return write_label_studio(
            self._query.to_polars(),
            self._query.annotations(annotation_source),
            path,
            annotation_source=annotation_source,
            as_predictions=as_predictions,
            url_prefix=check_string("url_prefix", url_prefix, empty=True),
            images_root=images_root,
            overwrite=overwrite,
        )

    def to_yolo_object_detections(
        self,
        folder: PathLike,
        *,
        split: str = "train",
        images: Literal["symlink", "copy", "none"] = "symlink",
        annotation_source: str | None = None,
        class_names: Sequence[str] | None = None,
        with_confidence: bool = False,
        overwrite: bool = False,
        progress: Progress = no_progress,
    ) -> Path:
        """Boxes as a YOLO data set: data.yaml, images/<split>/… and labels/<split>/….

        Images keep their folders; where two would share a label file (a.jpg and a.png) one becomes a-2. Several splits
        go into one folder by one call each: the class numbers of the first are kept, new classes are added behind.

        Args:
            split: one word, a key of data.yaml.
            images: links to the images, copies, or labels alone.
            annotation_source: whose boxes; may be None while there is one source.
            class_names: the classes in the order of their numbers; None sorts those that occur.
            with_confidence: a sixth number in each line, which predictions have; training tools refuse it.
            overwrite: replace this split as an earlier export wrote it; other files in the folder stay.

        Raises:
            InvalidValueError: as `to_coco_object_detections`, and images that are missing or lie in `folder` itself.
        """
        return detections.write_yolo(
            self._query.to_polars(),
            self._query.annotations(annotation_source),
            folder,
            split=split,
            images=images,
            annotation_source=annotation_source,
            class_names=class_names,
            with_confidence=with_confidence,
            overwrite=overwrite,
            progress=progress,
            roots=self._roots,
        )

    def copy_files(
        self, folder: PathLike, *, symlinks: bool = False, overwrite: bool = False, progress: Progress = no_progress
    ) -> Path:
        """The image files, in their folders below the deepest one that holds all.

        Args:
            symlinks: make links instead of copies.
            overwrite: replace what an earlier call wrote; other files in the folder stay.

        Raises:
            InvalidValueError: samples that are not files, files that are missing or lie in `folder` itself.
        """
        samples = self._query.to_polars()
        if "file_path_abs" not in samples.columns or samples["file_path_abs"].null_count():
            raise InvalidValueError("samples without a file path cannot be copied; leave them out of the query")
        target = FolderExport(
            folder, part="", overwrite=overwrite, roots=self._roots, pictures="width" in samples.columns
        )
        names = unique_names(detections.placed_names(samples), by_stem=False)
        for name, path in zip(names, samples["file_path_abs"], strict=True):
            target.add_image(name, path, link=symlinks)
        return target.commit(target.names, progress)

    def to_torch(
        self, *, transform: Callable[[Any], Any] | None = None, annotation_source: str | None = None
    ) -> SampleDataset:
        """A `torch.utils.data.Dataset` of `(input, target)`.

        The input is the RGB image as uint8 tensor (3, height, width), before any EXIF rotation, or the text; with a
        `transform`, what that makes of the PIL image or text. The target holds sample_id, label (number of the sample's
        class, -1 without), boxes (k, 4) float32 as x0 y0 x1 y1 in pixels and labels (k,) int64; numbers count in
        `dataset.classes`, which is sorted.

        Raises:
            InvalidValueError: boxes, or classes, of several sources and none chosen.
            MissingDependencyError: torch is not installed.
        """
        if transform is not None and not callable(transform):
            raise InvalidTypeError(f"transform must be a function, got {shown(transform)}")
        try:
            from lightly_widget.export.torch_dataset import SampleDataset
        except ImportError as error:
            raise MissingDependencyError("to_torch needs torch: pip install torch") from error
        annotations = self._query.annotations(annotation_source)
        detections.one_source(annotations, annotation_source)
        classes = annotations["class_name"].unique().sort().to_list()
        return SampleDataset(self._query.to_polars(), annotations, classes, transform, self._roots)
