"""A dataset that is made here, without a network and without a model: 900 drawn shapes, as `lightly-widget demo` shows.

Five shapes in very unequal numbers, many near-duplicates, a few that are like no other: what real collections are like.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lightly_widget.checks import check_integer, check_path
from lightly_widget.dataset import ImageDataset, core_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAME: Final = "shapes"
SIZE: Final = 96
SHAPES: Final = {"disc": 0, "square": 4, "triangle": 3, "star": 5, "ring": -1}
"""Corners; a disc has none, and a ring is hollow."""
_SHARES: Final = (0.46, 0.27, 0.15, 0.08, 0.04)
_HUES: Final = {"red": 0, "orange": 30, "green": 130, "blue": 215, "violet": 280}
_CELLS: Final = 12


def shapes(path: str | Path | None = None, n: int = 900) -> ImageDataset:
    """The dataset `shapes`, made on the first call: labels in the source `shape`; metadata `color` and `size`.

    path: the folder of the datasets, as for `ImageDataset.load`; the pictures are put beside them.
    """
    check_integer("n", n, least=10, most=10_000)
    if path is not None:
        check_path("path", path)
    dataset = ImageDataset.load_or_create(NAME, path=path)
    if "color" in core_of(dataset).snapshot().metadata_tables():
        return dataset  # which is written last
    folder = Path(core_of(dataset).uri).parent / f"{NAME}_pictures"
    folder.mkdir(exist_ok=True)
    described = [_draw(folder, number, n) for number in range(n)]
    dataset.add_images_from_path(path=folder, embed=False)
    frame = dataset.query().to_polars()
    known = {one["file_name"]: one for one in described}
    entries = [known[Path(name).name] for name in frame["file_name"]]
    ids = frame["sample_id"].to_list()
    dataset.add_embeddings("pixels", np.stack([one["pixels"] for one in entries]), sample_ids=ids, replace=True)
    dataset.labels.add_classifications(
        {name: one["shape"] for name, one in zip(ids, entries, strict=True)}, annotation_source="shape"
    )
    facts = [{"color": one["color"], "size": one["size"]} for one in entries]
    dataset.metadata.update(dict(zip(ids, facts, strict=True)))
    return dataset


def _draw(folder: Path, number: int, n: int) -> dict[str, Any]:
    """One picture as a file, and what it shows."""
    from PIL import Image, ImageDraw

    random = np.random.default_rng(number)
    shape = list(SHAPES)[int(np.searchsorted(np.cumsum(_SHARES), number / n, side="right"))]
    color = list(_HUES)[int(random.integers(len(_HUES)))]
    size = float(np.clip(random.normal(0.34, 0.07), 0.12, 0.48))
    ground, ink = int(random.integers(225, 256)), f"hsl({(_HUES[color] + random.integers(-8, 9)) % 360}, 70%, 50%)"
    image = Image.new("RGB", (2 * SIZE, 2 * SIZE), (ground, ground, ground))
    corners = _corners(SHAPES[shape], size * 2 * SIZE, float(random.uniform(0, 0.6)))
    draw = ImageDraw.Draw(image)
    if len(corners) > 2:
        draw.polygon(corners, fill=ink)
    else:
        edge = SIZE * (1 - 2 * size), SIZE * (1 + 2 * size)
        box = (edge[0], edge[0], edge[1], edge[1])
        draw.ellipse(box, fill=None if shape == "ring" else ink, outline=ink, width=18)
    small = image.resize((SIZE, SIZE))
    name = f"{number:04d}.png"
    small.save(folder / name)
    small_ones = np.asarray(small.resize((_CELLS, _CELLS)), dtype=np.float32)
    pixels: NDArray[np.float32] = (small_ones.ravel() / 255).astype(np.float32)
    return {"file_name": name, "shape": shape, "color": color, "size": round(size, 3), "pixels": pixels}


def _corners(count: int, radius: float, turn: float) -> list[tuple[float, float]]:
    """Of a polygon around the middle; a star has as many dents."""
    if count < 3:
        return []
    points = 2 * count if count == SHAPES["star"] else count
    reach = [radius * (0.45 if points > count and at % 2 else 1.0) for at in range(points)]
    angles = [turn + 2 * math.pi * at / points for at in range(points)]
    return [(SIZE + far * math.cos(a), SIZE + far * math.sin(a)) for far, a in zip(reach, angles, strict=True)]
