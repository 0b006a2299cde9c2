"""What a page without a kernel is made of: all that the kernel would say to it, said in advance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from msgspec.structs import replace

from lightly_widget import page
from lightly_widget.checks import check_items
from lightly_widget.errors import InvalidTypeError, no_progress, shown
from lightly_widget.indexes import PointIndex, PointIndexes
from lightly_widget.page import Beside, Said
from lightly_widget.structs import convert
from lightly_widget.widget import metrics, traits
from lightly_widget.widget.history import Entry, History
from lightly_widget.widget.looks import colored
from lightly_widget.widget.outbox import Outbox
from lightly_widget.widget.pictures import describe
from lightly_widget.widget.present import NO_POINTS, Present, sampled
from lightly_widget.widget.projector import is_stored
from lightly_widget.widget.regions import clusters_of, regions_of
from lightly_widget.wire import replies
from lightly_widget.wire.parts import ColorBy

if TYPE_CHECKING:
    from lightly_widget.widget.session import Geometry, Session

MEDIA_BYTES: Final = 3_000_000
FOLDER_BYTES: Final = 300_000_000
PICTURE: Final = 112
_CHUNK: Final = 64
_TITLE_BYTES: Final = 20_000_000
_COUNTS: Final = 12
MOST_DETAILS: Final = 4_000
"""Without a folder: more would take long to write, and what is known of the others often says as much."""
_MOST_KEYS: Final = 4
PATH_MIME: Final = "text/x-path"


Compared: TypeAlias = tuple[Entry | None, int]
"""The sample shown as B, and how many of its picks."""


@dataclass(frozen=True)
class Wanted:
    """What goes into a page beside the map and the sample."""

    colorings: list[dict[str, str]]
    media_bytes: int
    folder: Beside | None


@dataclass
class Recording:
    """A page's data, and sentences about what did not fit."""

    content: dict[str, Any]
    notes: list[str]


def check_colorings(session: Session, color_by: dict[str, str], value: object) -> list[dict[str, str]]:
    """`colorings` as dicts, the present one first. None: that and the labels. "all": all that need no computing."""
    offered = session.points.candidates.info()
    wanted: list[Any]
    if value is None or value == "all":
        wanted = [{"by": "label", "key": name} for name in list(offered.annotation_sources)]
        if value == "all":
            wanted += [{"by": "tag", "key": name} for name in offered.tag_names]
            wanted += [{"by": "metadata", "key": key} for key, kind in offered.metadata.items() if kind != "other"]
    elif isinstance(value, str):
        raise InvalidTypeError(f'colorings must be "all", None or a list of colorings, got {shown(value)}')
    else:
        wanted = check_items("colorings", value, what="colorings")
    checked = [color_by, *map(traits.check_color, wanted)]
    return [entry for at, entry in enumerate(checked) if entry not in checked[:at] and entry["by"] != "rank"]


def geometry_of(session: Session, projection: str) -> Geometry:
    """The map shown; before one is, that of `projection`, where "auto" means UMAP if it was computed already."""
    if session.geometry is not None:
        return session.geometry
    if projection == "auto":
        models = session.points.candidates.info().embedding_models
        projection = "umap" if models and is_stored(session, "umap") else "pca"
    return session.place(projection, no_progress)


def record(
    state: dict[str, Any], session: Session, geometry: Geometry, compared: Compared, wanted: Wanted
) -> Recording:
    """Everything for a page; `state` holds the traits."""
    current, (kept, n_compared) = session.history.current, compared
    samples = [entry for entry in (current, kept) if entry is not None]
    recorder = _Recorder(session, geometry, wanted)
    sources, keys = recorder.described(state["info"])
    colors = [{"color_by": one, "replies": recorder.colors(one)} for one in wanted.colorings]
    shown_names = geometry.projection in ("pca", "umap") or " of " in geometry.projection
    clusters = [{"color_by": one, "reply": recorder.clusters(one)} for one in wanted.colorings if shown_names]
    details, notes = recorder.details(samples)
    titles = recorder.titles()
    content = {
        "traits": state | {"info": recorder.info(state["info"], sources, keys, clusters=bool(clusters))},
        "map": recorder.map(state["preselected_tag_name"]),
        "colors": colors,
        "clusters": clusters,
        "a": None if current is None else recorder.sample(current, sources, keys),
        "b": None if kept is None else recorder.sample(kept, sources, keys),
        "n_compared": n_compared,
        "titles": titles,
        "details": details,
    }
    if titles is None:
        notes.append("The names of the samples are too long for this page.")
    return Recording(content, notes)


class _Recorder:
    def __init__(self, session: Session, geometry: Geometry, wanted: Wanted) -> None:
        self._session, self._geometry, self._wanted = session, geometry, wanted
        self._points = session.points
        self._said: list[Said] = []
        self._out = Outbox(self._hear)
        self._out.close()  # nobody listens for a sign of life

    def _hear(self, content: dict[str, Any], buffers: list[memoryview]) -> None:
        message = {name: value for name, value in content.items() if name not in ("seq", "id", "done")}
        self._said.append(Said(message, buffers))

    def _heard(self) -> list[Said]:
        said, self._said = self._said, []
        return said

    def map(self, preselected: str | None) -> list[Said]:
        self._out.positions(self._geometry.projection, self._geometry.x, self._geometry.y, animate=False)
        Present(self._session, self._out).masks(preselected)
        return self._heard()

    def colors(self, color_by: dict[str, str]) -> list[Said]:
        values = colored(self._points, color_by, NO_POINTS, no_progress)
        self._out.colors(_color_by(color_by), values, None, len(self._session))
        return self._heard()

    def clusters(self, color_by: dict[str, str]) -> Said:
        media = self._session.media
        found = regions_of(self._points, media, self._geometry, color_by, no_progress)
        return page.recorded(clusters_of(found))

    def sample(self, entry: Entry, sources: list[str], keys: list[tuple[str, str]]) -> dict[str, Any]:
        self._out.picks("A", entry.points, entry.result.gains)
        picks = self._heard()
        return {
            "picks": picks,
            "sampled": page.recorded(sampled(entry, History())),
            "metrics": [*self._metrics(entry, sources, keys)],
            "recipe": entry.result.to_python(),
        }

    def _metrics(self, entry: Entry, sources: list[str], keys: list[tuple[str, str]]) -> Iterator[dict[str, Any]]:
        """For about a dozen counts, and each pair that the Result tab can ask for."""
        result = entry.result
        numbers = [key for key, kind in keys if kind == "number"]
        words = [key for key, kind in keys if kind != "number"]
        pairs: list[tuple[str | None, str | None]] = [(None, word) for word in words]
        for source in [*sources, None]:
            pairs += [(source, number) for number in [*numbers, None]]
        curve = result.coverage_curve(progress=no_progress)
        counts = sorted({round(n) for n in np.geomspace(1, max(result.n_new, 1), _COUNTS)}) if result.n_new else []

        @cache
        def of(source: str | None, key: str | None, n: int) -> replies.Metrics:
            return metrics.summarize(result, n, source, key, curve)

        for source, key in pairs:
            for n in counts:
                if source is None or key is None:
                    found = of(source, key, n)
                else:  # what a source says does not depend on the key, nor the other way round
                    found = replace(of(source, None, n), histogram=of(None, key, n).histogram)
                yield {"source": source, "metadata": key, "reply": page.recorded(found)}

    # What is said of the dataset and of single samples ----------------------------------------------------------------

    def described(self, info: dict[str, Any]) -> tuple[list[str], list[tuple[str, str]]]:
        """The sources and metadata keys of the Result tab: those that are colored by first, and a few more."""
        first = [one.get("key") for one in self._wanted.colorings]
        sources = sorted((one["name"] for one in info["sources"]), key=lambda name: name not in first)
        keys = sorted(
            ((one["key"], one["type"]) for one in info["metadata"] if one["type"] != "other"),
            key=lambda key: key[0] not in first,
        )
        return sources[:_MOST_KEYS], keys[:_MOST_KEYS]

    def info(
        self, info: dict[str, Any], sources: list[str], keys: list[tuple[str, str]], *, clusters: bool
    ) -> dict[str, Any]:
        """What the page offers."""
        named = {one["key"] for one in self._wanted.colorings if "key" in one}
        known = {*(name for name, _ in keys), *named}
        return info | {
            "embedding_models": [],
            "projections": [self._geometry.projection],
            "projection_notes": {},
            "sources": [one for one in info["sources"] if one["name"] in {*sources, *named}],
            "metadata": [one for one in info["metadata"] if one["key"] in known],
            "tags": [one for one in info["tags"] if one["name"] in named],
            "fields": [],
            "unusable": {},
            "can_find_text": False,
            "no_find_image": "this page has no kernel",
            "page": {"colorings": self._wanted.colorings, "clusters": clusters},
        }

    def titles(self) -> list[str] | None:
        titles = self._points.titles()
        return titles if sum(map(len, titles)) <= _TITLE_BYTES else None

    def details(self, samples: Sequence[Entry]) -> tuple[list[Said], list[str]]:
        """As many as the budget allows, the samples first, and a sentence where that is not all of them."""
        n, spent, folder = len(self._session), 0, self._wanted.folder
        order = _by_importance(n, samples)
        said: list[Said] = []
        for detail in self._described(order if folder is not None else PointIndexes(order[:MOST_DETAILS])):
            if spent + detail.size > self._wanted.media_bytes:
                break
            spent += detail.size
            said.append(detail.reply)
            if folder is not None and detail.file is not None:
                folder.add(*detail.file)
        if len(said) == n:
            return said, []
        what = {"image": "Pictures and details", "text": "Texts and details"}.get(self._session.media, "Details")
        return said, [
            f"{what} of {len(said):,} of {n:,} samples are in this page "
            f"({spent:,} bytes); the others have their names and colors."
        ]

    def _described(self, order: PointIndexes) -> Iterator[_Detail]:
        for start in range(0, len(order), _CHUNK):
            yield from self._chunk(order[start : start + _CHUNK].tolist())

    def _chunk(self, rows: list[int]) -> Iterator[_Detail]:
        records = self._points.records(rows)
        labels = self._points.labels(rows)
        paths = [record.get("file_path_abs") if self._session.media == "image" else None for record in records]
        pictures = self._session.pictures.get_all(paths, PICTURE) if any(paths) else [None] * len(rows)
        for row, record, names, picture in zip(rows, records, labels, pictures, strict=True):
            size, file, folder = len(picture or b""), None, self._wanted.folder
            if picture is not None and folder is not None:
                file = (f"{row:07d}.webp", picture)
                picture = folder.path_of(file[0]).encode()
            reply = page.recorded(describe(PointIndex(row), record, names, picture))
            if file is not None:
                reply.message["mime"] = PATH_MIME
            yield _Detail(reply, size + len(str(reply.message)), file)


@dataclass(frozen=True)
class _Detail:
    """What is said of a sample, its size in bytes, and its picture where that goes into a folder."""

    reply: Said
    size: int
    file: tuple[str, bytes] | None


def _by_importance(n: int, samples: Sequence[Entry]) -> PointIndexes:
    """All points: the samples in pick order, then the others, shuffled so that a part of them is spread out."""
    others = np.random.default_rng(0).permutation(n)
    points = [*(part for entry in samples for part in (entry.before, entry.points)), others]
    everything = np.concatenate(points)
    everything = everything[everything >= 0]
    _, first = np.unique(everything, return_index=True)
    return PointIndexes(everything[np.sort(first)])


def _color_by(plain: dict[str, str]) -> ColorBy:
    found: ColorBy = convert(plain, ColorBy, "color_by")
    return found
