"""Projections: PCA equal to the textbook's; UMAP uses the graph given, keeps neighbors, and stops when told."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lightly_widget.errors import Cancelled, InvalidValueError, LightlyWidgetError
from lightly_widget.maps import pca, projection, umap
from lightly_widget.neighbors import build_graph

F32 = NDArray[np.float32]


def cloud(n: int, d: int, seed: int = 0) -> F32:
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.standard_normal((d, d)))[0]
    return ((rng.standard_normal((n, d)) * np.geomspace(9, 1, d)) @ turn + 5).astype(np.float32)


def assert_fits(positions: F32, n: int) -> None:
    assert positions.shape == (n, 2)
    assert positions.dtype == np.float32
    assert np.isfinite(positions).all()
    assert n == 0 or np.abs(positions).max() <= 1
    np.testing.assert_allclose(positions.max(axis=0, initial=-1), -positions.min(axis=0, initial=1), atol=1e-6)


@settings(deadline=None)
@given(st.integers(3, 200), st.integers(2, 20), st.integers(0, 2**32))
def test_pca_is_the_textbooks(n: int, d: int, seed: int) -> None:
    x = cloud(n, d, seed)
    found = pca(x)
    assert_fits(found, n)
    left, size, _ = np.linalg.svd(x.astype(np.float64) - x.mean(axis=0, dtype=np.float64), full_matrices=False)
    expected = left[:, :2] * size[:2]
    for axis in range(2):
        if np.min(np.abs(np.delete(size, axis) - size[axis])) > 0.05 * size[0]:  # else the direction is not defined
            assert abs(np.corrcoef(found[:, axis], expected[:, axis])[0, 1]) > 0.999
    spread, wanted = np.ptp(found, axis=0), np.ptp(expected, axis=0)
    if np.min(np.abs(np.diff(size[:3]))) > 0.05 * size[0]:
        np.testing.assert_allclose(spread[1] / spread[0], wanted[1] / wanted[0], rtol=1e-2)


@pytest.mark.parametrize(("n", "d"), [(0, 3), (1, 3), (2, 1), (3, 2), (40, 1)])
def test_pca_of_hardly_anything(n: int, d: int) -> None:
    assert_fits(pca(cloud(n, d) if n else np.zeros((0, d), np.float32)), n)


def test_pca_of_equal_points_is_the_middle() -> None:
    np.testing.assert_array_equal(pca(np.full((7, 4), 3.0, np.float32)), 0)


@pytest.mark.parametrize("scale", [1e-25, 1e25])
def test_pca_of_any_scale(scale: float) -> None:
    x = cloud(50, 5)
    np.testing.assert_allclose(pca(x * np.float32(scale)), pca(x), atol=1e-4)


def test_pca_blocks_and_files_do_not_show(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    x = cloud(500, 6)
    np.save(tmp_path / "x.npy", x)
    whole = pca(x)
    monkeypatch.setattr(projection, "TILE_COLUMNS", 64)
    np.testing.assert_allclose(pca(np.load(tmp_path / "x.npy", mmap_mode="r")), whole, atol=1e-5)


def test_pca_of_many_dimensions_is_near_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projection, "_COVARIANCE_LIMIT", 16)
    monkeypatch.setattr(projection, "_SAMPLE", 1000)
    x = cloud(3000, 17)
    sampled = pca(x, seed=1)
    np.testing.assert_array_equal(sampled, pca(x, seed=1))
    left = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)[0]
    within = left[:, :2] @ np.linalg.lstsq(left[:, :2], sampled, rcond=None)[0]
    assert ((sampled - within) ** 2).sum() < 0.1 * (sampled**2).sum()  # nearly all in the plane of the exact axes


def test_not_finite_is_refused() -> None:
    x = cloud(10, 3)
    x[4] = np.nan
    for project in (pca, umap):
        with pytest.raises(InvalidValueError, match=r"1 of 10 rows, the first is row 4"):
            project(x)


@pytest.mark.parametrize("n", [1, 2, 4])
def test_umap_of_hardly_any_rows_is_the_pca(n: int) -> None:
    np.testing.assert_array_equal(umap(cloud(n, 3)), pca(cloud(n, 3)))


def test_umap_checks_what_it_is_given() -> None:
    x = cloud(20, 3)
    with pytest.raises(InvalidValueError, match="init must be 20 × 2"):
        umap(x, init=np.zeros((19, 2), np.float32))
    with pytest.raises(InvalidValueError, match="the graph has 10 rows, embeddings 20"):
        umap(x, build_graph(x[:10]))


def test_umap_stops_at_once_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    folders: list[str] = []

    class Watched(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, command: list[str], **options: object) -> None:
            super().__init__(command, **options)  # type: ignore[call-overload]
            started.append(self)
            folders.append(command[3])

    def stop(fraction: float) -> None:
        if started:
            raise Cancelled("stop")

    monkeypatch.setattr(projection.subprocess, "Popen", Watched)
    with pytest.raises(Cancelled):
        umap(cloud(50, 3), progress=stop)
    assert started[0].poll() is not None
    assert not Path(folders[0]).exists()


def test_a_failure_in_the_other_process_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projection, "_environment", lambda: {"PYTHONPATH": "/nowhere", "PYTHONNOUSERSITE": "1"})
    monkeypatch.setattr(projection.sys, "executable", "/bin/false")
    with pytest.raises(LightlyWidgetError, match="UMAP failed: it ended with status 1"):
        umap(cloud(20, 3))


@pytest.mark.slow
def test_umap_keeps_neighbors_together() -> None:
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(3), 40)
    x = (rng.standard_normal((120, 8)) + 12 * np.eye(8)[group]).astype(np.float32)
    seen: list[float] = []
    graph = build_graph(x)
    positions = umap(x, graph, seed=3, progress=seen.append)
    assert_fits(positions, 120)
    assert seen == sorted(seen)
    near = build_graph(positions, 5).indices
    assert (group[near] == group[:, None]).mean() > 0.95
    np.testing.assert_array_equal(umap(x, graph, seed=3), positions)
    # Only the graph and the start count: the neighbors are not computed again from the embeddings.
    np.testing.assert_array_equal(umap(x[::-1].copy(), graph, seed=3, init=pca(x, 3)), positions)


@pytest.mark.slow
@pytest.mark.parametrize("x", [np.zeros((30, 3), np.float32), cloud(5, 2)], ids=["equal points", "five points"])
def test_umap_of_degenerate_rows_is_finite(x: F32) -> None:
    assert_fits(umap(x), len(x))
