"""What datasets of images and of anything else share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Self, TypeVar, overload

import polars as pl

from lightly_widget.checks import check_string
from lightly_widget.dataset.core import FORMAT, DatasetCore, Kind
from lightly_widget.dataset.embed import STORED_AT_ONCE, embed_samples
from lightly_widget.dataset.embeddings import Embeddings, add_embeddings
from lightly_widget.dataset.history import history_of, run_recipe
from lightly_widget.dataset.homes import DEFAULT_NAME, address_of, home_of, names_in
from lightly_widget.dataset.label_studio import add_from_label_studio
from lightly_widget.dataset.labels import Labels
from lightly_widget.dataset.metadata import Metadata
from lightly_widget.dataset.predictions import ProbeReport, add_predictions, fit_probe
from lightly_widget.dataset.projections import Projections
from lightly_widget.dataset.search import search_samples
from lightly_widget.dataset.tags import Tags
from lightly_widget.errors import DatasetExistsError, DatasetNotFoundError, Progress, no_progress, shown
from lightly_widget.query import Pinned, Query, ids_of
from lightly_widget.query.fields import Field, OrderBy
from lightly_widget.sampling import SamplingResult, compute_similarity_metadata, compute_typicality_metadata
from lightly_widget.store import Durability, Store

if TYPE_CHECKING:
    from lightly_widget.embedding import Embedder
    from lightly_widget.ingest.checks import Invalid
    from lightly_widget.ingest.locations import PathLike
    from lightly_widget.widget import Explorer
    from lightly_widget.worth import LearningCurve

S = TypeVar("S")


class BaseDataset(Generic[S]):
    """A stored set of samples. Opened by `create`, `load` or `load_or_create`."""

    _kind: ClassVar[Kind[Any]]

    def __init__(self, store: Store) -> None:
        self._core: DatasetCore[S] = DatasetCore(store, self._kind)

    # -- creating and loading -----------------------------------------------------------------------------------

    @classmethod
    def create(
        cls, name: str = DEFAULT_NAME, path: str | Path | None = None, *, durability: Durability = "disk"
    ) -> Self:
        """Create an empty dataset.

        Args:
            name: the name of the folder that is created below `path`; "default" when omitted.
            path: the folder that holds datasets, or an object store's address such as `s3://bucket/folder`; else the
                environment variable LIGHTLY_WIDGET_HOME, else `./lightly_widget_data`.
            durability: what a write waits for. With "disk", a power cut cannot take back a write that has returned.
                "os" leaves that to the operating system, and is faster.

        Raises:
            DatasetExistsError: a dataset of that name already exists.
            StorageError: the folder cannot be written.
        """
        details = {"name": name, "kind": cls._kind.name, "format": FORMAT}
        return cls(Store.create(address_of(name, path), details, durability=durability))

    @classmethod
    def load(
        cls,
        name: str = DEFAULT_NAME,
        path: str | Path | None = None,
        *,
        durability: Durability = "disk",
        repair: bool = False,
    ) -> Self:
        """Open an existing dataset, the one named "default" when `name` is omitted.

        Args:
            name: the name it was created with.
            path: as in `create`.
            durability: as in `create`, for the writes of this object.
            repair: a dataset without its file `head.json` may lack its newest writes, as an incomplete copy does, and
                is read-only. With True, what is there is accepted as complete, and can be written again.

        Raises:
            DatasetNotFoundError: there is no dataset of that name; the message lists those that exist.
        """
        address = address_of(name, path)
        try:
            return cls(Store.open(address, durability=durability, repair=repair))
        except DatasetNotFoundError:
            raise DatasetNotFoundError(f"no dataset named {shown(name)} in {home_of(path)}{names_in(path)}") from None

    @classmethod
    def load_or_create(
        cls, name: str = DEFAULT_NAME, path: str | Path | None = None, *, durability: Durability = "disk"
    ) -> Self:
        """Open the dataset, or create it if it does not exist; the one named "default" when `name` is omitted."""
        try:
            return cls.load(name, path, durability=durability)
        except DatasetNotFoundError:
            try:
                return cls.create(name, path, durability=durability)
            except DatasetExistsError:
                return cls.load(name, path, durability=durability)  # another process created it in between

    @property
    def name(self) -> str:
        """The dataset's name."""
        return self._core.name

    @property
    def uri(self) -> str:
        """The folder or address where the dataset is stored."""
        return self._core.uri

    def allow_root(self, path: PathLike) -> None:
        """Trust a folder, file or host: this dataset's files there are opened, now and in later sessions.

        Whatever you add or relocate is trusted by that. A dataset that you received names files by itself, and nothing
        that it names is opened before you have allowed the folder.

        Args:
            path: a folder with everything below it, a file, or a URL, of which the host (bucket) counts.
        """
        from lightly_widget.ingest import absolute

        self._core.roots.allow([absolute(path)])

    # -- namespaces ---------------------------------------------------------------------------------------------

    @property
    def tags(self) -> Tags[S]:
        """The tags: list, count, rename, delete, combine them."""
        return Tags(self._core)

    @property
    def labels(self) -> Labels:
        """The annotations by source: classes and boxes."""
        return Labels(self._core)

    @property
    def metadata(self) -> Metadata:
        """The metadata by key: types, values, updates."""
        return Metadata(self._core)

    @property
    def embeddings(self) -> Embeddings:
        """The embeddings by model, and their neighbor graph."""
        return Embeddings(self._core)

    @property
    def projections(self) -> Projections:
        """The positions of the samples in the plots of explorers."""
        return Projections(self._core)

    # -- samples ------------------------------------------------------------------------------------------------

    def query(self) -> Query[S]:
        """All samples, in the order in which they were added."""
        return Query(self._core)

    def match(self, *conditions: object) -> Query[S]:
        """The samples that meet all conditions."""
        return self.query().match(*conditions)

    def order_by(self, *keys: Field | OrderBy | pl.Expr | str, descending: bool = False) -> Query[S]:
        """All samples sorted, missing values last."""
        return self.query().order_by(*keys, descending=descending)

    def select(self, sample_ids: Any) -> Query[S]:
        """These samples (ids, samples or a query), in this order; each once."""
        ids = ids_of(sample_ids).unique(maintain_order=True)
        self._core.snapshot().known_rows(ids)
        return Query(self._core, (Pinned(ids),))

    def get_sample(self, sample_id: str) -> S:
        """The sample with that id. Raises `UnknownNameError`, a `ValueError`."""
        check_string("sample_id", sample_id)
        snapshot = self._core.snapshot()
        return self._core.samples_of(snapshot, snapshot.known_rows(ids_of([sample_id])))[0]

    @overload
    def __getitem__(self, key: int) -> S: ...
    @overload
    def __getitem__(self, key: slice) -> Query[S]: ...
    def __getitem__(self, key: int | slice) -> S | Query[S]:
        return self.query()[key]

    def __len__(self) -> int:
        return len(self._core)

    def __bool__(self) -> bool:
        return True  # an empty dataset is a dataset

    def __iter__(self) -> Iterator[S]:
        return iter(self.query())

    def to_polars(self) -> pl.DataFrame:
        """One row per sample: its fields, `tags` and `metadata.<key>`."""
        return self.query().to_polars()

    def __repr__(self) -> str:
        snapshot = self._core.snapshot()
        return f"<{type(self).__name__} {self.name!r}: {len(snapshot):,} samples, {len(snapshot.tags())} tags>"

    # -- embeddings and what is computed from them --------------------------------------------------------------

    def embed(
        self, embedder: Embedder | None = None, *, batch_size: int = STORED_AT_ONCE, progress: Progress | None = None
    ) -> str:
        """Embed the samples that have no embedding of this model yet; returns the model's name.

        Every batch is stored as soon as it is ready: an interrupted run continues where it stopped.

        Args:
            embedder: see `lightly_widget.embedding.Embedder`; by default EfficientNet-Lite0 for images and
                all-MiniLM-L6-v2 for texts.
            batch_size: samples stored at once.
            progress: called with the fraction done; without it a progress bar is shown.

        Raises:
            MissingDependencyError: the default embedder's packages are not installed; the message says how to.
            InvalidValueError: samples that are neither images nor texts, or a model of that name with other dimensions.
        """
        return embed_samples(self._core, embedder, batch_size=batch_size, progress=progress)

    def add_embeddings(self, name: str, embeddings: Any, sample_ids: Any = None, *, replace: bool = False) -> None:
        """Add vectors that were computed elsewhere, in one write.

        Args:
            name: the name of the model that computed them.
            embeddings: (n, d) finite numbers: array, tensor, list of lists, column of arrays; stored as float32.
            sample_ids: the sample of each row; None for all samples in the order in which they were added.
            replace: whether to replace vectors of this model that the samples already have.

        Raises:
            InvalidValueError: wrong shape or number, not finite, ids unknown or repeated, or there already. Nothing is
                written.
            InvalidTypeError: not numbers, or ids that are not strings.
        """
        add_embeddings(self._core, name, embeddings, sample_ids, replace=replace)

    def search(
        self,
        *,
        text: str | None = None,
        image: Any = None,
        sample: Any = None,
        vector: Any = None,
        n: int = 10,
        embedding_model_name: str | None = None,
    ) -> Query[S]:
        """The `n` embedded samples nearest to one thing, nearest first: exact, over all embeddings of a model.

        By Euclidean distance, or the cosine for `text`. The query has its samples from now on, whatever is added later.

        Args:
            text: what to look for; it needs a model that reads text.
            image: a path or URL, a Pillow image or the bytes of a PNG, JPEG or WebP file.
            sample: a sample or its id; it is its own nearest, and so the first.
            vector: (d,) finite numbers in the space of the embeddings.
            n: how many; fewer where fewer samples are embedded.
            embedding_model_name: the model whose embeddings are compared; None for the only one that fits.

        Raises:
            InvalidValueError: not exactly one of the four, no embeddings, several models and none named, or no embedder
                of this session that reads what was given.
            UnknownNameError: no such model or sample.
        """
        wanted = {"text": text, "image": image, "sample": sample, "vector": vector}
        return search_samples(self._core, wanted, n, embedding_model_name)

    def compute_typicality_metadata(
        self,
        metadata_name: str = "typicality",
        embedding_model_name: str | None = None,
        progress: Progress = no_progress,
    ) -> str:
        """Store how typical each embedded sample is (0…1, high where its 20 nearest neighbors are near).

        Returns the metadata key.
        """
        return compute_typicality_metadata(
            self._core.candidates(self.query()), metadata_name, embedding_model_name, progress
        )

    def compute_similarity_metadata(
        self,
        query_tag_name: str,
        metadata_name: str | None = None,
        embedding_model_name: str | None = None,
        progress: Progress = no_progress,
    ) -> str:
        """Store how similar each embedded sample is to the samples of a tag (0…1).

        Returns the metadata key: `metadata_name`, or `similarity_<tag>_<UTC time>` when it is omitted.
        """
        return compute_similarity_metadata(
            self._core.candidates(self.query()), query_tag_name, metadata_name, embedding_model_name, progress
        )

    # -- what labels are worth, and what models say ------------------------------------------------------------

    def learning_curve(self, strategies: Sequence[Any] | Mapping[str, Any], **options: Any) -> LearningCurve:
        """Compare strategies by what labels chosen by them are worth: `query().sampling().learning_curve`.

        For instance `dataset.learning_curve([lw.EmbeddingRepresentativeStrategy()], labels="group")`.
        """
        return self.query().sampling().learning_curve(strategies, **options)

    def add_annotations_from_label_studio(
        self,
        path: PathLike,
        *,
        annotation_source: str = "label_studio",
        annotation_type: Literal["classification", "object_detection"] | None = None,
        tag_name: str | None = None,
        invalid: Invalid = "raise",
    ) -> int:
        """Add what people labeled in Label Studio (its JSON export); returns how many annotations.

        Tasks are matched by the `sample_id` that `export.to_label_studio` puts into their data, else by path, file name
        or text. The last annotation of a task that was not skipped counts; it replaces the sample's earlier ones of the
        source. Tasks that nobody labeled change nothing, and predictions are not read.

        Args:
            path: the JSON file, local or an fsspec URL.
            annotation_source: the name under which the labels are kept.
            annotation_type: which labels to add, where the file holds boxes and classes; a source holds one type.
            tag_name: a tag that the labeled samples are added to, to preselect them in the next sampling.
            invalid: "drop" leaves out boxes without area or outside their image, with a warning that counts them.

        Raises:
            InvalidValueError: no such file, broken JSON, labels of another shape, no sample of the dataset, boxes and
                classes and none chosen, or the source holds the other type. Nothing is written.
            StorageError: the file cannot be read.
        """
        return add_from_label_studio(
            self._core,
            path,
            annotation_source=annotation_source,
            annotation_type=annotation_type,
            tag_name=tag_name,
            invalid=invalid,
        )

    def fit_probe(
        self,
        labels: str | None = None,
        *,
        name: str = "probe",
        embedding_model_name: str | None = None,
        seed: int = 0,
        progress: Progress = no_progress,
    ) -> ProbeReport:
        """Fit a linear probe on the embeddings and keep what it says of each embedded sample as metadata.

        Labeled samples are judged by probes that did not see their label (5 folds), unlabeled ones by a probe fitted on
        all labels. Keys: `<name>_class`, `<name>_confidence` (0…1), `<name>_margin` (0 undecided … 1 sure),
        `<name>_entropy` (0 sure … 1 undecided), `<name>_uncertainty` (1 - margin), and for labeled samples
        `<name>_doubt` (0 agrees … 1 contradicts: likely label errors).

        Args:
            labels: an annotation source of classifications, or a metadata key of strings or booleans; None where there
                is one such source.
            name: what the keys begin with.
            embedding_model_name: the embeddings to fit on; None where the dataset has one model.
            seed: of the folds.
            progress: called with the fraction done.

        Raises:
            InvalidValueError: labels of fewer than two classes, no embeddings, an unknown name.
        """
        return fit_probe(self._core, labels, name, embedding_model_name, seed, progress)

    def add_predictions(
        self, predictions: Any, *, name: str = "model", labels: str | None = None, least_iou: float = 0.5
    ) -> tuple[str, ...]:
        """Add what a model of yours predicts; returns the metadata keys that were written, in the same change.

        Args:
            predictions: a table (polars, pandas, pyarrow, Parquet path) with `sample_id`, `class_name` and `confidence`
                (0…1), one row per sample, or one per sample and class. With `x`, `y`, `width` and `height` (pixels)
                each row is a box.
            name: the annotation source that keeps the predictions, and what the keys begin with.
            labels: the labels to compare with. Classes get `<name>_doubt`; boxes get `<name>_false_positives` and
                `<name>_false_negatives`, matched as COCO's evaluation does.
            least_iou: intersection over union (0…1) from which a predicted and a labeled box match.

        Raises:
            InvalidValueError: missing columns, unknown samples, a class twice, values out of range. Nothing is written.
        """
        return add_predictions(self._core, predictions, name, labels, least_iou)

    def explore(self, **options: Any) -> Explorer:
        """Open the explorer: embedding plot, live sampling, tags. Options are those of `lightly_widget.Explorer`."""
        from lightly_widget.widget import Explorer

        return Explorer(self, **options)

    # -- the past -----------------------------------------------------------------------------------------------

    def history(self) -> pl.DataFrame:
        """All changes, oldest first: number, time (UTC), author, action, tag, count, recipe (JSON), undone."""
        return history_of(self._core)

    def run(self, recipe: Mapping[str, Any] | str) -> SamplingResult:
        """Repeat a sampling from its recipe: `result.recipe`, or one of `history()`. Writes no tag; `save_as` does.

        Raises:
            InvalidTypeError, InvalidValueError: not a recipe, or it names tags, models or keys that are gone.
        """
        return run_recipe(self._core, recipe)

    def undo(self) -> str | None:
        """Undo the last change (tags, metadata, annotations, added samples); returns its action, or None.

        Call it again to go further back: the last 20 changes can be undone. Undoing is itself part of the history.
        """
        return self._core.undo()

    def optimize(self) -> None:
        """Merge small writes, remove what is no longer needed, and free the space. Also done after every 256 writes."""
        self._core.store.optimize()


def core_of(dataset: BaseDataset[S] | DatasetCore[S]) -> DatasetCore[S]:
    """What an explorer works on. Internal."""
    return dataset if isinstance(dataset, DatasetCore) else dataset._core
