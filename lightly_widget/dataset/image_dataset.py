"""Datasets of images."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final

import polars as pl

from lightly_widget.dataset.candidates import QueryCandidates
from lightly_widget.dataset.core import Kind
from lightly_widget.dataset.dataset import BaseDataset
from lightly_widget.dataset.embed import embed_new, progress_bar
from lightly_widget.dataset.images import add_scan, relocate_images, trust, warn_unreadable
from lightly_widget.dataset.label_files import add_boxes, add_labeled_images
from lightly_widget.dataset.sample import ImageSample
from lightly_widget.errors import Progress

if TYPE_CHECKING:
    from lightly_widget.embedding import Embedder
    from lightly_widget.ingest.checks import Invalid
    from lightly_widget.ingest.locations import PathLike

_IMAGES: Final = Kind(
    "image",
    "ImageDataset",
    {
        "sample_id": pl.String,
        "file_name": pl.String,
        "file_path_abs": pl.String,
        "width": pl.Int32,
        "height": pl.Int32,
        "created_at": pl.Datetime("us", "UTC"),
    },
    ImageSample,
    QueryCandidates,
)


class ImageDataset(BaseDataset[ImageSample]):
    """Images with tags, metadata, labels, and embeddings. An image's identity is its absolute path or URL."""

    _kind: ClassVar[Kind[Any]] = _IMAGES

    def add_images_from_path(
        self,
        path: PathLike | Iterable[PathLike],
        *,
        embed: bool | Embedder = True,
        tag_depth: int = 0,
        limit: int | None = None,
        progress: Progress | None = None,
    ) -> int:
        """Add images; those that are there already stay as they are. Returns how many are new.

        Args:
            path: a folder with its subfolders, a file, a glob, an fsspec URL, or a list of these.
            embed: whether to embed what has no embedding yet, with the default model or the one given. Where the
                default model's packages are not installed, a warning says what to install.
            tag_depth: how many levels of folders below `path` become tags of the new images; 0 for none.
            limit: at most so many new images.
            progress: called with the fraction done, 0…1; without it a progress bar is shown. What it raises ends the
                reading before anything is written.

        Unreadable files are left out, counted and named in a warning. Width and height are those of the file, in
        pixels, before any EXIF rotation.

        Raises:
            InvalidValueError: a single path that matches nothing, a negative `limit` or `tag_depth`, or a folder whose
                name cannot be a tag.
            InvalidTypeError: an argument of the wrong type.
            MissingDependencyError: a URL needs a package that is not installed.
            StorageError: a remote folder cannot be listed, or the dataset not written.
        """
        from lightly_widget.ingest import scan_images

        known = set(self._core.snapshot().samples["file_path_abs"])
        with progress_bar("read images", 100, progress) as report:
            scan = scan_images(path, known=known, limit=limit, tag_depth=tag_depth, progress=report)
        added = add_scan(self._core, scan)
        trust(self._core, scan.roots, scan.frame["file_path_abs"])
        warn_unreadable(scan.unreadable)
        embed_new(self._core, embed, progress)
        return added

    def add_samples_from_coco(
        self,
        path: PathLike,
        images_root: PathLike | None = None,
        *,
        annotation_source: str = "ground_truth",
        invalid: Invalid = "raise",
        embed: bool | Embedder = True,
        progress: Progress | None = None,
    ) -> int:
        """Add the images that a COCO file names, with their boxes. Returns how many are new.

        Boxes of the same source on the same images are replaced. Images that cannot be read are left out, counted and
        named in a warning.

        Args:
            path: the JSON file, local or an fsspec URL; boxes in pixels from the top left corner, `score` in 0…1.
            images_root: the folder or URL that the file names count from; None is the folder of the JSON file.
            annotation_source: what the boxes are kept under, e.g. "ground_truth" or a model's name.
            invalid: "raise", or "drop" to leave out boxes that lie outside their image or have no area, with a warning.
            embed, progress: as in `add_images_from_path`.

        Raises:
            InvalidValueError: the file cannot be used, boxes are not valid, or none of its images is there. Every
                problem is counted, five are named, and nothing is written.
            StorageError: a file cannot be read, or the dataset not written.
            MissingDependencyError: labelformat is not installed.
        """
        from lightly_widget.ingest import read_coco

        read = partial(read_coco, path, images_root, invalid=invalid)
        added = add_labeled_images(self._core, read, annotation_source, invalid, progress)
        embed_new(self._core, embed, progress)
        return added

    def add_samples_from_yolo(
        self,
        path: PathLike,
        split: str | None = None,
        *,
        annotation_source: str = "ground_truth",
        invalid: Invalid = "raise",
        embed: bool | Embedder = True,
        progress: Progress | None = None,
    ) -> int:
        """Add the images of a YOLO data set, with their boxes; splits become tags. Returns how many are new.

        Args:
            path: the data.yaml, local or an fsspec URL; labels lie where Ultralytics looks for them.
            split: one of the splits; None takes all.
            annotation_source, invalid, embed, progress: as in `add_samples_from_coco`.

        Raises:
            InvalidValueError, StorageError, MissingDependencyError: as `add_samples_from_coco`.
        """
        from lightly_widget.ingest import read_yolo

        read = partial(read_yolo, path, split, invalid=invalid)
        added = add_labeled_images(self._core, read, annotation_source, invalid, progress)
        embed_new(self._core, embed, progress)
        return added

    def add_samples_from_labelformat(
        self,
        label_input: Any,
        images_root: PathLike,
        *,
        annotation_source: str = "ground_truth",
        invalid: Invalid = "raise",
        embed: bool | Embedder = True,
        progress: Progress | None = None,
    ) -> int:
        """Add images with boxes from any object-detection input of the `labelformat` library. Returns how many are new.

        Args:
            label_input: for example `labelformat.formats.PascalVOCObjectDetectionInput(...)`.
            images_root: the folder or URL that the file names in it count from.
            annotation_source, invalid, embed, progress: as in `add_samples_from_coco`.

        Raises:
            InvalidTypeError: not an object-detection input.
            InvalidValueError, StorageError, MissingDependencyError: as `add_samples_from_coco`.
        """
        from lightly_widget.ingest import read_labelformat

        read = partial(read_labelformat, label_input, images_root, invalid=invalid)
        added = add_labeled_images(self._core, read, annotation_source, invalid, progress)
        embed_new(self._core, embed, progress)
        return added

    def add_annotations_from_coco(
        self,
        path: PathLike,
        images_root: PathLike | None = None,
        *,
        annotation_source: str = "ground_truth",
        invalid: Invalid = "raise",
    ) -> int:
        """Boxes of a COCO file for images that are here; returns how many. Those of the same source are replaced.

        Images of the file that are not in the dataset are counted and named in a warning. Arguments as in
        `add_samples_from_coco`.

        Raises:
            InvalidValueError: as `add_samples_from_coco`; also when none of the images is in the dataset, or when the
                source holds classifications. Nothing is written.
            StorageError, MissingDependencyError: as `add_samples_from_coco`.
        """
        from lightly_widget.ingest import read_coco

        return add_boxes(self._core, read_coco(path, images_root, invalid=invalid), annotation_source, invalid)

    def add_annotations_from_yolo(
        self,
        path: PathLike,
        split: str | None = None,
        *,
        annotation_source: str = "ground_truth",
        invalid: Invalid = "raise",
    ) -> int:
        """Boxes of a YOLO data set for images that are here; returns how many. Replaces those of the same source.

        Arguments as in `add_samples_from_yolo`, errors and warnings as in `add_annotations_from_coco`.
        """
        from lightly_widget.ingest import read_yolo

        return add_boxes(self._core, read_yolo(path, split, invalid=invalid), annotation_source, invalid)

    def add_annotations_from_labelformat(
        self,
        label_input: Any,
        images_root: PathLike,
        *,
        annotation_source: str = "ground_truth",
        invalid: Invalid = "raise",
    ) -> int:
        """Boxes from a `labelformat` input for images that are here; returns how many. Replaces those of the source.

        Arguments as in `add_samples_from_labelformat`, errors and warnings as in `add_annotations_from_coco`.
        """
        from lightly_widget.ingest import read_labelformat

        return add_boxes(
            self._core, read_labelformat(label_input, images_root, invalid=invalid), annotation_source, invalid
        )

    def relocate(self, old: PathLike, new: PathLike) -> int:
        """The images moved: replace the folder `old` at the front of their paths by `new`. Returns how many changed.

        The files themselves are not looked at.

        Raises:
            InvalidValueError: a new path would be that of another image. Nothing is written.
        """
        from lightly_widget.ingest import absolute

        before, after = absolute(old, "old").rstrip("/"), absolute(new, "new").rstrip("/")
        return relocate_images(self._core, before, after)
