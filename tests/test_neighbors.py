"""Neighbors equal to the plain float64 search, however the work is cut; and the laws of what is computed from them."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lightly_widget import threads
from lightly_widget.errors import Cancelled, InvalidTypeError, InvalidValueError
from lightly_widget.neighbors import (
    NeighborGraph,
    blocks,
    build_graph,
    distance_to_set,
    extend_graph,
    nearest,
    similarity_weights,
    typicality,
)
from lightly_widget.neighbors.pairs import tournament

F32 = NDArray[np.float32]


def plain(rows: F32, columns: F32, k: int, same: bool = False) -> tuple[NDArray[np.int64], F32]:
    """Every distance from differences in float64; ascending by distance as float32, then by column."""
    away = rows.astype(np.float64)[:, None] - columns.astype(np.float64)[None]
    distances = np.sqrt((away**2).sum(axis=2)).astype(np.float32)
    if same:
        np.fill_diagonal(distances, np.inf)
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(distances, order, axis=1)


def assert_same(found: tuple[NDArray[np.int32], F32], expected: tuple[NDArray[np.int64], F32]) -> None:
    """Equal distances to float32 rounding, and equal rows wherever the next distance is not within it."""
    indices, distances = found
    width = expected[0].shape[1]
    np.testing.assert_allclose(distances[:, :width], expected[1], rtol=3e-7)
    close = np.abs(np.diff(expected[1], axis=1)) <= 3e-7 * expected[1][:, 1:]
    settled = np.ones(expected[0].shape, dtype=bool)
    settled[:, 1:] &= ~close
    settled[:, :-1] &= ~close
    settled[:, -1:] = False  # its rival lies beyond the k-th
    settled &= np.isfinite(expected[1])
    np.testing.assert_array_equal(indices[:, :width][settled], expected[0][settled])


@st.composite
def points(draw: st.DrawFn, most: int = 60) -> F32:
    """Clouds, lattices with many equal distances, duplicates, offsets far from the origin, and extreme scales."""
    n, d = draw(st.integers(1, most)), draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    x = rng.standard_normal((n, d))
    kind = draw(st.sampled_from(["cloud", "lattice", "duplicates", "offset", "same"]))
    if kind == "lattice":
        x = np.rint(x * 2)
    elif kind == "duplicates":
        x = x[rng.integers(0, max(n // 4, 1), n)]
    elif kind == "offset":
        x = x + 1e3
    elif kind == "same":
        x = np.repeat(x[:1], n, axis=0)
    return (x * draw(st.sampled_from([1.0, 1e-20, 1e-3, 1e18]))).astype(np.float32)


@settings(deadline=None)
@given(points(), st.integers(1, 25))
@example(np.zeros((1, 1), np.float32), 20)
@example(np.arange(10, dtype=np.float32)[:, None], 3)
def test_graph_is_the_plain_search(x: F32, k: int) -> None:
    graph = build_graph(x, k)
    n = len(x)
    assert graph.indices.shape == graph.distances.shape == (n, k)
    assert (graph.indices.dtype, graph.distances.dtype) == (np.int32, np.float32)
    assert graph.exact
    assert graph.recall == 1.0
    assert_same((graph.indices, graph.distances), plain(x, x, min(k, n - 1), same=True))
    assert (graph.indices[:, n - 1 :] == -1).all()
    assert np.isinf(graph.distances[:, n - 1 :]).all()
    assert not (graph.indices == np.arange(n)[:, None]).any()


@settings(deadline=None)
@given(points(), st.integers(0, 2**32), st.integers(1, 9))
def test_nearest_is_the_plain_search(x: F32, seed: int, k: int) -> None:
    query = (x[np.random.default_rng(seed).integers(0, len(x), 7)] * np.float32(1.25)).astype(np.float32)
    assert_same(nearest(x, query, k), plain(query, x, min(k, len(x))))


@pytest.mark.parametrize(("rows", "columns", "pairs"), [(16, 64, 80), (100, 2048, 256), (512, 8192, 10_000)])
def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch, rows: int, columns: int, pairs: int) -> None:
    from lightly_widget.neighbors import pairs as module

    x = np.random.default_rng(0).standard_normal((1400, 12)).astype(np.float32)
    x[700:] = x[:700] + np.float32(1e-5)  # near ties that float32 products cannot tell apart
    monkeypatch.setattr(blocks, "TILE_ROWS", rows)
    monkeypatch.setattr(blocks, "TILE_COLUMNS", columns)
    monkeypatch.setattr(module, "block_size", lambda n: pairs)
    graph = build_graph(x, 20)
    assert_same((graph.indices, graph.distances), plain(x, x, 20, same=True))
    assert_same(nearest(x, x[:50] + np.float32(0.1), 20), plain(x[:50] + np.float32(0.1), x, 20))


@given(st.integers(1, 40))
def test_in_a_tournament_all_meet_once(n: int) -> None:
    rounds = list(tournament(n))
    met = [pair for pairs in rounds for pair in pairs]
    assert sorted(met) == [(i, j) for i in range(n) for j in range(i, n)]
    for pairs in rounds[1:]:
        players = [player for pair in pairs for player in pair]
        assert len(players) == len(set(players))


def test_threads_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.repeat(np.random.default_rng(0).standard_normal((15, 8)), 200, axis=0).astype(np.float32)
    graphs = []
    for cores in (1, 5):
        monkeypatch.setattr(threads, "available_cores", lambda cores=cores: cores)
        graphs.append(build_graph(x, 20))
    np.testing.assert_array_equal(graphs[0].indices, graphs[1].indices)
    np.testing.assert_array_equal(graphs[0].distances, graphs[1].distances)


def test_thousands_of_equal_rows_cost_no_more() -> None:
    graph = build_graph(np.ones((5000, 16), dtype=np.float32), 20)
    assert (graph.distances == 0).all()
    assert (np.sort(graph.indices, axis=1)[:, 1:] != np.sort(graph.indices, axis=1)[:, :-1]).all()
    assert (typicality(graph) == 1.0).all()


def test_a_crowd_of_equal_rows_does_not_hide_the_nearer_ones() -> None:
    x = np.concatenate([np.zeros((1, 4)), np.full((4000, 4), 2.0), np.full((3, 4), 1.0)]).astype(np.float32)
    np.testing.assert_array_equal(build_graph(x, 5).indices[0, :3], [4001, 4002, 4003])


@settings(deadline=None)
@given(points(30), st.integers(0, 2**32))
def test_permuted_rows_have_permuted_neighbors(x: F32, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(x))
    np.testing.assert_array_equal(build_graph(x[order], 5).distances, build_graph(x, 5).distances[order])


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_orthogonal_maps_change_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((40, 6))
    turn = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    before, after = build_graph(x.astype(np.float32), 4), build_graph((x @ turn + 3).astype(np.float32), 4)
    np.testing.assert_allclose(after.distances, before.distances, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(typicality(after), typicality(before), rtol=1e-4)


@settings(deadline=None)
@given(points(), st.integers(1, 8), st.data())
def test_extending_equals_building_anew(x: F32, k: int, data: st.DataObject) -> None:
    n_old = data.draw(st.integers(0, len(x)))
    extended = extend_graph(build_graph(x[:n_old], k), x, n_old)
    anew = build_graph(x, k)
    np.testing.assert_array_equal(extended.distances, anew.distances)
    differ = extended.indices != anew.indices
    if differ.any():  # only among rows at equal distances, which crowd out each other
        rows = np.flatnonzero(differ.any(axis=1))
        away = x[rows, None].astype(np.float64) - x[extended.indices[rows]].astype(np.float64)
        np.testing.assert_array_equal(np.sqrt((away**2).sum(axis=2)).astype(np.float32), anew.distances[rows])


def test_a_graph_of_other_rows_is_refused() -> None:
    x = np.zeros((5, 2), dtype=np.float32)
    with pytest.raises(InvalidValueError, match="n_old is 3, but the graph has 5 rows"):
        extend_graph(build_graph(x), x, 3)


def test_an_approximate_graph_grows_by_new_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    from lightly_widget.neighbors import graph as module

    x = clusters(4000, 8)
    old = build_graph(x[:3900], 20, method="approximate")
    grown = extend_graph(old, x, 3900)
    exact = build_graph(x, 20)
    assert (grown.exact, grown.recall) == (False, old.recall)
    np.testing.assert_array_equal(grown.distances[3900:], exact.distances[3900:])
    assert (grown.distances <= exact.distances[:, -1:]).mean() >= 0.95
    monkeypatch.setattr(module, "EXACT_WORK", 1e6)
    anew = extend_graph(old, x, 3900)
    np.testing.assert_array_equal(anew.indices, build_graph(x, 20, method="approximate").indices)


def test_memory_mapped_and_other_dtypes(tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal((500, 10)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    expected = build_graph(x, 7)
    np.testing.assert_array_equal(build_graph(mapped, 7).indices, expected.indices)
    np.testing.assert_array_equal(build_graph(x.astype(np.float64), 7).indices, expected.indices)
    np.testing.assert_array_equal(build_graph(np.asfortranarray(x), 7).indices, expected.indices)


def clusters(n: int, d: int, seed: int = 0) -> F32:
    rng = np.random.default_rng(seed)
    centers = rng.standard_normal((60, d)) * 2
    scale = 1 / np.sqrt(np.arange(1, d + 1))
    return (centers[rng.integers(0, 60, n)] + rng.standard_normal((n, d)) * scale).astype(np.float32)


@pytest.mark.parametrize("kind", ["clusters", "duplicates", "cloud"])
def test_approximate_recall_is_what_it_says(kind: str) -> None:
    x = clusters(8000, 16)
    if kind == "duplicates":
        x = x[np.random.default_rng(1).integers(0, 80, 8000)]
    elif kind == "cloud":
        x = np.random.default_rng(1).standard_normal((8000, 16)).astype(np.float32)
    graph = build_graph(x, 20, method="approximate")
    exact = build_graph(x, 20, method="exact")
    recall = (graph.distances <= exact.distances[:, -1:]).mean()
    assert not graph.exact
    assert graph.recall >= 0.95
    assert recall == pytest.approx(graph.recall, abs=0.02)
    away = x[:, None] - x[graph.indices]
    np.testing.assert_allclose(graph.distances, np.sqrt((away.astype(np.float64) ** 2).sum(axis=2)), rtol=1e-5)
    assert (np.diff(graph.distances, axis=1) >= 0).all()
    assert not (graph.indices == np.arange(len(x))[:, None]).any()
    again = build_graph(x, 20, method="approximate")
    np.testing.assert_array_equal(again.indices, graph.indices)


def test_size_decides_the_method(monkeypatch: pytest.MonkeyPatch) -> None:
    from lightly_widget.neighbors import graph as module

    x = clusters(1500, 4)
    assert build_graph(x, 5).exact
    monkeypatch.setattr(module, "EXACT_WORK", 1e6)
    assert not build_graph(x, 5).exact
    assert build_graph(x[:900], 5).exact


class StopAfter:
    """A progress callback that raises after some calls, and notes when."""

    def __init__(self, calls: int) -> None:
        self.left, self.at = calls, 0.0

    def __call__(self, fraction: float) -> None:
        assert 0 <= fraction <= 1
        self.left -= 1
        if self.left == 0:
            self.at = time.perf_counter()
            raise Cancelled("stop")


@pytest.mark.parametrize("calls", [1, 2, 4, 6])
@pytest.mark.parametrize("method", ["exact", "approximate"])
def test_canceling_leaves_nothing_running(calls: int, method: str) -> None:
    import threading

    from threadpoolctl import threadpool_info

    limits = [pool["num_threads"] for pool in threadpool_info()]
    with pytest.raises(Cancelled):
        build_graph(clusters(30_000, 64), 20, method=method, progress=StopAfter(calls))  # type: ignore[arg-type]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lightly_widget_worker")]
    assert [pool["num_threads"] for pool in threadpool_info()] == limits


def test_progress_grows_to_one() -> None:
    seen: list[float] = []
    build_graph(clusters(6000, 8), 20, method="approximate", progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(bad: float) -> None:
    x = np.zeros((10, 3), dtype=np.float32)
    x[[4, 7], 1] = bad
    for call in (lambda: build_graph(x), lambda: nearest(x, x[:1], 1), lambda: similarity_weights(x, np.array([0]))):
        with pytest.raises(InvalidValueError, match=r"not finite .* in 2 of 10 rows, the first is row 4"):
            call()


@pytest.mark.parametrize(
    ("value", "k", "error", "match"),
    [
        (np.zeros(3), 1, InvalidValueError, r"shape \(n, d\)"),
        (np.zeros((3, 0)), 1, InvalidValueError, r"shape \(n, d\)"),
        (np.array([["a"]]), 1, InvalidTypeError, "real numbers"),
        (np.zeros((3, 2)), 0, InvalidValueError, "k must be at least 1"),
        (np.zeros((3, 2)), True, InvalidTypeError, "k must be a positive integer"),
        (np.zeros((3, 2)), 2.0, InvalidTypeError, "k must be a positive integer"),
    ],
)
def test_wrong_arguments(value: object, k: object, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        build_graph(value, k)  # type: ignore[arg-type]


def test_unknown_method() -> None:
    with pytest.raises(InvalidValueError, match="method must be 'auto'"):
        build_graph(np.zeros((3, 2)), method="quick")  # type: ignore[arg-type]


@settings(deadline=None)
@given(points(), st.integers(0, 2**32))
def test_distance_to_set_is_the_smallest_distance(x: F32, seed: int) -> None:
    queries = x[np.random.default_rng(seed).integers(0, len(x), 4)]
    distances = distance_to_set(x, queries)
    assert distances.dtype == np.float64
    np.testing.assert_allclose(distances, plain(x, queries, 1)[1][:, 0], rtol=3e-7)


def test_similarity_by_hand() -> None:
    x = np.array([[0.0], [1.0], [3.0]], dtype=np.float32)  # distances 0, 1, 3; mean 4/3
    np.testing.assert_allclose(similarity_weights(x, np.array([0])), np.exp([0.0, -0.75, -2.25]))
    np.testing.assert_allclose(similarity_weights(x * 1000, np.array([0, 0])), np.exp([0.0, -0.75, -2.25]))
    assert (similarity_weights(np.ones((4, 2), np.float32), np.array([2])) == 1.0).all()


@pytest.mark.parametrize("rows", [[], [3], [-1], [0.5]])
def test_query_rows_have_to_be_rows(rows: list[float]) -> None:
    with pytest.raises(InvalidValueError, match="quer"):
        similarity_weights(np.zeros((3, 2), np.float32), np.array(rows))


def test_typicality_by_hand() -> None:
    x = np.array([[0.0], [1.0], [3.0]], dtype=np.float32)  # distances 1 3 | 1 2 | 2 3, mean 2
    near = np.exp(-np.array([[1, 3], [1, 2], [2, 3]]) / 2).mean(axis=1)
    np.testing.assert_allclose(typicality(build_graph(x)), near)
    np.testing.assert_allclose(typicality(build_graph(x * 7)), near)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_typicality_of_hardly_any_rows(n: int) -> None:
    values = typicality(build_graph(np.arange(n, dtype=np.float32)[:, None]))
    np.testing.assert_allclose(values, np.full(n, 1.0 if n < 2 else np.exp(-1)))


def test_typicality_of_a_row_without_neighbors() -> None:
    graph = NeighborGraph(
        np.array([[1], [0], [-1]], np.int32), np.array([[2.0], [2.0], [np.inf]], np.float32), exact=False, recall=0.9
    )
    np.testing.assert_allclose(typicality(graph), [np.exp(-1), np.exp(-1), 1.0])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_typicality_is_in_0_1_and_higher_in_dense_places(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = np.concatenate([rng.standard_normal((60, 3)) * 0.1, rng.standard_normal((30, 3)) + 50]).astype(np.float32)
    values = typicality(build_graph(x))
    assert ((values > 0) & (values <= 1)).all()
    assert values[:60].mean() > values[60:].mean()
