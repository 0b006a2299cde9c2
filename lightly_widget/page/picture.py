"""A still picture of the map with the sample marked, for where no script runs."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH, HEIGHT, LINE = 960, 540, 34
_EDGE: Final = 24
_DPI_SCALE: Final = 2
_GRAY: Final = (185, 192, 203)
_SAMPLE: Final = "#d1490d"
_DARK: Final = "#17202c"
# Okabe and Ito, as the plot has them; further categories are gray here.
_HUES: Final = (
    (0, 114, 178),
    (230, 159, 0),
    (0, 158, 115),
    (204, 121, 167),
    (86, 180, 233),
    (213, 94, 0),
    (240, 228, 66),
)
_VIRIDIS: Final = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))


def picture(
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    colors: NDArray[np.uint8] | None,
    marked: NDArray[np.integer],
    line: str,
    viewport: list[float] | None = None,
) -> bytes:
    """PNG of the points, `marked` ones on top in pick order, with a line of words below."""
    from PIL import Image, ImageDraw, ImageFont

    places = _pixels(x, y, viewport)
    canvas = _points(places, colors, len(marked) > 0)
    image = Image.fromarray(canvas)
    draw = ImageDraw.Draw(image)
    radius = 5 * _DPI_SCALE if len(marked) <= 500 else 3 * _DPI_SCALE
    for left, top in places[marked[::-1]]:
        if left >= 0:
            box = (left - radius, top - radius, left + radius, top + radius)
            draw.ellipse(box, fill=_SAMPLE, outline=_DARK, width=_DPI_SCALE)
    image = image.resize((WIDTH, HEIGHT + LINE))
    ImageDraw.Draw(image).text((12, HEIGHT + 8), _printable(line), fill=_DARK, font=ImageFont.load_default(15))
    out = io.BytesIO()
    image.quantize(128).save(out, "PNG", optimize=True)
    return out.getvalue()


def category_colors(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(n, 3) by category code."""
    palette = np.full((256, 3), _GRAY, dtype=np.uint8)
    palette[: len(_HUES)] = _HUES
    return palette[codes]


def number_colors(values: NDArray[np.float32], domain: tuple[float, float] | None) -> NDArray[np.uint8]:
    """(n, 3) from the lowest to the highest; NaN is gray."""
    low, high = domain or (0.0, 1.0)
    at = (np.nan_to_num(values, nan=low) - low) / max(high - low, 1e-12) * (len(_VIRIDIS) - 1)
    steps = np.arange(len(_VIRIDIS))
    mixed = np.stack([np.interp(at, steps, np.array(_VIRIDIS)[:, channel]) for channel in range(3)], axis=1)
    mixed[np.isnan(values)] = _GRAY
    return mixed.astype(np.uint8)


def _pixels(x: NDArray[np.float32], y: NDArray[np.float32], viewport: list[float] | None) -> NDArray[np.int64]:
    """(n, 2) where each point lies; negative for those out of sight."""
    known = np.isfinite(x) & np.isfinite(y)
    places = np.full((len(x), 2), -1, dtype=np.int64)
    if not known.any():
        return places
    box = viewport or [float(v) for v in (x[known].min(), y[known].min(), x[known].max(), y[known].max())]
    width, height, edge = (size * _DPI_SCALE for size in (WIDTH, HEIGHT, _EDGE))
    scale = min((width - 2 * edge) / max(box[2] - box[0], 1e-12), (height - 2 * edge) / max(box[3] - box[1], 1e-12))
    left = width / 2 + (x[known] - (box[0] + box[2]) / 2) * scale
    top = height / 2 - (y[known] - (box[1] + box[3]) / 2) * scale
    inside = (left >= edge / 2) & (left < width - edge / 2) & (top >= edge / 2) & (top < height - edge / 2)
    places[np.flatnonzero(known)[inside]] = np.stack([left[inside], top[inside]], axis=1).astype(np.int64)
    return places


def _points(places: NDArray[np.int64], colors: NDArray[np.uint8] | None, faded: bool) -> NDArray[np.uint8]:
    """The ground with a dot per point; paler beneath a sample."""
    canvas = np.full(((HEIGHT + LINE) * _DPI_SCALE, WIDTH * _DPI_SCALE, 3), 255, dtype=np.uint8)
    seen = places[:, 0] >= 0
    shades = np.full((len(places), 3), _GRAY, dtype=np.uint8) if colors is None else colors
    if faded:
        shades = (255 - (255 - shades.astype(np.float32)) * 0.55).astype(np.uint8)
    radius = 4 if len(places) < 3_000 else 2 if len(places) < 50_000 else 1
    steps = range(-radius, radius + 1)
    for dx, dy in ((dx, dy) for dx in steps for dy in steps if dx * dx + dy * dy <= radius * radius):
        canvas[places[seen, 1] + dy, places[seen, 0] + dx] = shades[seen]
    return canvas


def _printable(line: str) -> str:
    """What the font can show, in one line."""
    return "".join(letter if letter.isprintable() else " " for letter in line)[:130]
