"""(n, d) embeddings → (n, 2) positions for the plot; UMAP in a process of its own."""

from __future__ import annotations

import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from lightly_widget.errors import InvalidValueError, LightlyWidgetError, Progress, no_progress
from lightly_widget.neighbors import NeighborGraph, build_graph
from lightly_widget.neighbors.blocks import TILE_COLUMNS, Space, as_matrix, part_of
from lightly_widget.threads import in_threads, one_blas_thread

_COVARIANCE_LIMIT: Final = 4096  # dimensions up to which a d × d matrix is made
_SAMPLE: Final = 2048  # rows that stand for all beyond that
_NEIGHBORS: Final = 15  # umap-learn's default, itself included
# UMAP of 128 dimensions took 6 s to start on two free cores and 30 s on busy ones, and 30 s for 100,000 rows.
_START_SECONDS: Final = 20.0
_ROW_SECONDS: Final = 3e-4
_SMALLEST: Final = 5  # rows below which UMAP adds nothing to PCA


def pca(embeddings: NDArray[Any], seed: int = 0, progress: Progress = no_progress) -> NDArray[np.float32]:
    """The two directions of largest variance: (n, 2) float32, centered, the largest coordinate 1 in size.

    Exact up to 4,096 dimensions; beyond, the directions are those of a sample of 2,048 rows drawn with `seed`. Read in
    blocks: memory-mapped arrays are not loaded whole. The larger loading of each direction is positive, so the answer
    is not mirrored from call to call. One dimension: the second coordinate is 0. Raises InvalidValueError when values
    are not finite.
    """
    array = as_matrix("embeddings", embeddings)
    n = len(array)
    if n == 0:
        return np.zeros((0, 2), dtype=np.float32)
    space = Space({"embeddings": array}, part_of(progress, 0.0, 0.2))
    space.center()
    axes = _axes(space, array, seed, part_of(progress, 0.2, 0.8))
    out = np.zeros((n, 2), dtype=np.float32)

    def project(start: int, _: NDArray[np.float32], stopped: Callable[[], bool]) -> None:
        part = slice(start, start + TILE_COLUMNS)
        out[part, : axes.shape[1]] = space.take(array, part) @ axes

    in_threads(range(0, n, TILE_COLUMNS), project, 0, part_of(progress, 0.8, 1.0))
    return _fitted(out)


def grid(n: int) -> NDArray[np.float32]:
    """(n, 2) positions of points that nothing is known of: row by row in a square, −1…1, the first at the top left."""
    side = max(1, int(np.ceil(np.sqrt(n))))
    column, row = np.arange(n) % side, np.arange(n) // side
    last = max(side - 1, 1)
    return np.column_stack([2 * column / last - 1, 1 - 2 * row / last]).astype(np.float32)


def umap_seconds(n: int) -> float:
    """About how long UMAP of `n` rows takes."""
    return _START_SECONDS + _ROW_SECONDS * n


def _axes(space: Space, array: NDArray[Any], seed: int, progress: Progress) -> NDArray[np.float32]:
    """(d, min(d, 2)) directions of largest variance, each with its largest loading positive."""
    from scipy.linalg import eigh

    n, d = array.shape
    if d <= _COVARIANCE_LIMIT:
        square = space.cross_products(array, progress)
        with one_blas_thread():
            axes = eigh(square, subset_by_index=[max(d - 2, 0), d - 1])[1][:, ::-1]
    else:
        rows = np.sort(np.random.default_rng(seed).choice(n, min(n, _SAMPLE), replace=False))
        sample = space.take(array, rows).astype(np.float64)
        with one_blas_thread():
            axes = np.linalg.svd(sample, full_matrices=False)[2][:2].T
    loading = np.take_along_axis(axes, np.abs(axes).argmax(axis=0)[None], axis=0)
    upright: NDArray[np.float32] = (axes * np.where(loading < 0, -1, 1)).astype(np.float32)
    return upright


def umap(
    embeddings: NDArray[Any],
    graph: NeighborGraph | None = None,
    seed: int = 0,
    progress: Progress = no_progress,
    init: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """UMAP (McInnes et al. 2018, by umap-learn): (n, 2) float32, centered, the largest coordinate 1.

    Of 15 neighbors, at a minimum distance of 0.5. The graph's neighbors are used as they are; without one it is
    built. Starts from `init`, an (n, 2) array, by default the PCA. Equal seeds give equal answers on one machine. Fewer
    than 5 rows: the PCA. When `progress` raises, the work stops at once.
    """
    array = as_matrix("embeddings", embeddings)
    if init is None:
        init = pca(array, seed, part_of(progress, 0.0, 0.05))
    if init.shape != (len(array), 2) or not np.isfinite(init).all():
        raise InvalidValueError(f"init must be {len(array)} × 2 finite positions; its shape is {init.shape}")
    if len(array) < _SMALLEST:
        return _fitted(init)
    if graph is None:
        graph = build_graph(array, seed=seed, progress=part_of(progress, 0.05, 0.3))
    if len(graph.indices) != len(array):
        raise InvalidValueError(f"the graph has {len(graph.indices):,} rows, embeddings {len(array):,}")
    k = min(_NEIGHBORS - 1, graph.indices.shape[1], len(array) - 1)
    itself = np.arange(len(array), dtype=np.int32)[:, None]
    inputs = {
        "indices": np.concatenate([itself, graph.indices[:, :k]], axis=1),
        "distances": np.concatenate([np.zeros_like(itself, dtype=np.float32), graph.distances[:, :k]], axis=1),
        "init": init.astype(np.float32),
    }
    return _fitted(_in_another_process(inputs, seed, part_of(progress, 0.3, 1)))


def _fitted(positions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Centered on the middle of the extent, and scaled as a whole so that the largest coordinate is 1 in size."""
    if len(positions) == 0:
        return positions
    wide = positions.astype(np.float64)
    wide -= (wide.max(axis=0) + wide.min(axis=0)) / 2
    size = np.abs(wide).max()
    return (wide / size if size > 0 else wide).astype(np.float32)


def _in_another_process(inputs: dict[str, NDArray[Any]], seed: int, progress: Progress) -> NDArray[np.float32]:
    """Lay out in a Python of its own, which dies with this one.

    Not in a thread, because umap-learn's compiled epochs keep the interpreter's lock (2 s each at 1,000,000 rows) and
    can be neither interrupted nor watched: the widget would stand still and Cancel would do nothing. The price is
    loading and compiling again each time, about 6 s.
    """
    with tempfile.TemporaryDirectory(prefix="lightly_widget_") as folder:
        for name, array in inputs.items():
            np.save(Path(folder, f"{name}.npy"), array)
        command = [sys.executable, "-m", "lightly_widget.maps.umap_process", folder, str(int(seed))]
        process = subprocess.Popen(  # unbuffered pipes: its standard input closing tells it that we are gone
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_environment()
        )
        try:
            errors = _watch(process, progress)
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                assert pipe is not None
                pipe.close()
        result = Path(folder, "result.npy")
        if not result.exists():
            last = errors.strip().splitlines()[-1:] or [f"it ended with status {process.returncode}"]
            raise LightlyWidgetError(f"UMAP failed: {last[0]}; the PCA projection does not need it")
        return np.asarray(np.load(result))


def _environment() -> dict[str, str]:
    # The same package and packages as here, also where sys.path was changed in the notebook.
    return os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def _watch(process: subprocess.Popen[bytes], progress: Progress) -> str:
    """Pass the process's progress on until it ends; returns what it wrote to its standard error."""
    chunks: queue.Queue[tuple[str, bytes]] = queue.Queue()

    def read(name: str, pipe: IO[bytes] | None) -> None:
        assert pipe is not None
        while chunk := os.read(pipe.fileno(), 65536):
            chunks.put((name, chunk))
        chunks.put((name, b""))

    readers = [
        threading.Thread(target=read, args=(name, pipe), daemon=True)
        for name, pipe in (("out", process.stdout), ("err", process.stderr))
    ]
    for reader in readers:
        reader.start()
    done, errors, still_open, tail = 0.0, b"", 2, b""
    try:
        while still_open:
            progress(done)
            try:
                name, chunk = chunks.get(timeout=0.1)
            except queue.Empty:
                continue
            still_open -= not chunk
            if name == "err":
                errors = (errors + chunk)[-65536:]
                continue
            tail = (tail + chunk)[-200:]
            if steps := re.findall(rb"<(\d+)/(\d+)>", tail):
                done = 0.05 + 0.95 * int(steps[-1][0]) / int(steps[-1][1])
    finally:
        process.kill() if still_open else process.wait()
        for reader in readers:
            reader.join()
    return errors.decode("utf-8", "replace")
