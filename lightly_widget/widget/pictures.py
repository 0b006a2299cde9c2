"""What a hover and the gallery show: small pictures (or texts) and the words about a sample."""

from __future__ import annotations

import io
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from lightly_widget.errors import LightlyWidgetError
from lightly_widget.ingest.pictures import read_picture
from lightly_widget.wire.replies import Detail, LabeledBox, Thumbnails

if TYPE_CHECKING:
    from lightly_widget.indexes import PointIndex
    from lightly_widget.ingest.roots import Roots
    from lightly_widget.widget.points import Points

MIME: Final = "image/webp"
HOVER_SIZE: Final = 256
MAX_SHOWN: Final = 300
MAX_TEXT: Final = 2_000
MAX_FIELDS: Final = 50
MAX_BOXES: Final = 500
ORIENTATION_TAG: Final = 0x0112
CACHE_BYTES: Final = 64_000_000
REQUEST_SECONDS: Final = 30.0


class Pictures:
    """Makes pictures of a dataset's files and keeps the last ones, up to 64 MB."""

    def __init__(self, roots: Roots | None = None) -> None:
        self._roots = roots
        self._kept: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, path: str, size: int) -> bytes:
        """WebP of the image at most `size` pixels wide and high, upright.

        Raises:
            NotAllowedError, UnusablePictureError: why there is no picture.
        """
        key = (path, size)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        picture = read_picture(path, lambda image: _webp(image, size), roots=self._roots, size=size)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = picture
                self._bytes += len(picture)
            while self._bytes > CACHE_BYTES:
                _, dropped = self._kept.popitem(last=False)
                self._bytes -= len(dropped)
        return picture

    def orientation(self, path: str) -> int:
        """The EXIF tag that says how the file's pixels are turned; 1 for upright."""
        found = read_picture(path, lambda image: image.getexif().get(ORIENTATION_TAG, 1), roots=self._roots, size=16)
        return found if found in range(1, 9) else 1

    def get_all(self, paths: Sequence[str | None], size: int) -> list[bytes | None]:
        """The same for many files, four at a time; None for those that cannot be read or come after the time limit."""
        end = time.monotonic() + REQUEST_SECONDS

        def one(path: str | None) -> bytes | None:
            if path is None or time.monotonic() > end:
                return None
            try:
                return self.get(path, size)
            except LightlyWidgetError:
                return None  # the gallery shows the name, and a hover says why

        with ThreadPoolExecutor(max_workers=4) as pool:
            return list(pool.map(one, paths))


def _webp(image: Any, size: int) -> bytes:
    from PIL import ImageOps

    image.thumbnail((size, size))  # first, so that only few pixels are turned and converted
    upright = ImageOps.exif_transpose(image)
    out = io.BytesIO()
    upright.convert("RGBA" if "A" in upright.getbands() else "RGB").save(out, "WEBP", quality=80, method=2)
    return out.getvalue()


def detail(points: Points, point: PointIndex, media: str, pictures: Pictures) -> Detail:
    """Everything a hover shows about one point."""
    sample = points.records([point])[0]
    path = sample.get("file_path_abs")
    picture, problem = None, None
    if media == "image" and path:
        try:
            picture = pictures.get(path, HOVER_SIZE)
        except LightlyWidgetError as error:
            problem = str(error)
    boxes = points.boxes(point)[:MAX_BOXES] if picture is not None else []
    turned = pictures.orientation(path) if boxes and path else 1
    upright = [_upright(box, sample["width"], sample["height"], turned) for box in boxes]
    return describe(point, sample, points.labels([point])[0], picture, problem, upright)


def describe(
    point: PointIndex,
    sample: dict[str, Any],
    labels: list[str],
    picture: bytes | None,
    problem: str | None = None,
    boxes: Sequence[LabeledBox] = (),
) -> Detail:
    """The same of a record and labels that are known, with the picture or why there is none."""
    return Detail(
        point=point,
        sample_id=sample["sample_id"],
        title=_title(sample),
        text=_text(sample, MAX_TEXT),
        fields=[*([("picture", problem)] if problem else []), *_fields(sample)],
        tags=[_short(tag) for tag in sample.get("tags") or []][:MAX_FIELDS],
        labels=[_short(label) for label in labels][:MAX_FIELDS],
        thumbnail=picture,
        mime=MIME,
        boxes=list(boxes),
    )


def _upright(box: tuple[str, float, float, float, float], width: int, height: int, orientation: int) -> LabeledBox:
    """A box in the file's pixels, as shares of the picture that is shown: turned and mirrored as its EXIF tag says."""
    label, x, y, w, h = box
    left, top, right, bottom = x / width, y / height, (x + w) / width, (y + h) / height
    if orientation in {2, 3, 7, 8}:
        left, right = 1 - right, 1 - left
    if orientation in {3, 4, 6, 7}:
        top, bottom = 1 - bottom, 1 - top
    if orientation >= 5:
        left, top, right, bottom = top, left, bottom, right
    return LabeledBox(_short(label), left, top, right - left, bottom - top)


def thumbnails(points: Points, wanted: Sequence[int], size: int, media: str, pictures: Pictures) -> Thumbnails:
    """Pictures (for texts their beginnings) of several points."""
    samples = points.records(wanted)
    paths = [sample.get("file_path_abs") if media == "image" else None for sample in samples]
    return Thumbnails(
        points=tuple(wanted),
        images=pictures.get_all(paths, size) if any(paths) else [None] * len(samples),
        texts=[_text(sample, MAX_SHOWN) for sample in samples],
        titles=[_title(sample) for sample in samples],
        mime=MIME,
    )


def _title(sample: dict[str, Any]) -> str:
    return _short(sample.get("file_name") or sample.get("text") or sample["sample_id"])


def _text(sample: dict[str, Any], limit: int) -> str | None:
    text = sample.get("text")
    return None if text is None else _short(text, limit)


def _fields(sample: dict[str, Any]) -> list[tuple[str, str]]:
    """What there is to know, for people: size, time, metadata."""
    fields = []
    if sample.get("width") and sample.get("height"):
        fields.append(("size", f"{sample['width']} × {sample['height']}"))
    if sample.get("created_at") is not None:
        fields.append(("created", f"{sample['created_at']:%Y-%m-%d %H:%M}"))
    for name, value in sample.items():
        if name.startswith("metadata.") and value is not None:
            fields.append((_short(name.removeprefix("metadata.")), _value(value)))
    return fields[:MAX_FIELDS]


def _value(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else _short(value)


def _short(value: Any, limit: int = MAX_SHOWN) -> str:
    text = str(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
