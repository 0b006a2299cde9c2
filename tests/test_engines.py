"""Sampling in partitions: the same picks for any number of workers, close to one machine's, nothing left behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lightly_widget.engines import Engine, LocalEngine, RayEngine
from lightly_widget.engines.local import WorkerLostError
from lightly_widget.engines.partitions import partition, restricted, solve_part
from lightly_widget.errors import InvalidTypeError, InvalidValueError
from lightly_widget.solver import (
    Balancing,
    Diversity,
    FacilityLocation,
    SubpartDiversity,
    Term,
    Weighting,
    coverage,
    solve,
)

NONE = np.empty(0, dtype=np.int64)


def points(n: int, d: int = 8, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(20, d))[rng.integers(0, 20, n)] * 3 + rng.normal(size=(n, d))).astype(np.float32)


def run(
    engine: Engine,
    terms: Sequence[Term],
    n_rows: int,
    n_picks: int,
    preselected: NDArray[np.int64] = NONE,
    excluded: NDArray[np.int64] = NONE,
):  # type: ignore[no-untyped-def]
    """All picks, gains and the stop reason of an engine."""
    steps = engine.iterate(terms, n_rows=n_rows, n_picks=n_picks, preselected=preselected, excluded=excluded)
    blocks = []
    try:
        while True:
            blocks.append(next(steps))
    except StopIteration as stop:
        rows = np.concatenate([block.rows for block in blocks])
        return rows, np.concatenate([block.gains for block in blocks]), stop.value


# -- partitions --------------------------------------------------------------------------------------------------------


@given(st.integers(0, 200), st.integers(1, 9), st.integers(0, 3), st.data())
def test_partitions_hold_each_open_row_once(n: int, n_parts: int, seed: int, data: st.DataObject) -> None:
    marked = st.lists(st.integers(0, max(n - 1, 0)), max_size=min(n, 20), unique=True)
    preselected, excluded = (np.array(data.draw(marked), dtype=np.int64) for _ in range(2))
    parts = partition(n, n_parts, seed, preselected, excluded)
    together = np.sort(np.concatenate(parts))
    np.testing.assert_array_equal(together, np.setdiff1d(np.arange(n), np.union1d(preselected, excluded)))
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1


@given(seed=st.integers(0, 1_000))
@settings(max_examples=30, deadline=None)
def test_a_restricted_problem_is_the_problem_over_those_rows(seed: int) -> None:
    """Solving a part equals solving the whole with all other rows excluded, for every term and for combinations."""
    rng = np.random.default_rng(seed)
    n = 40
    x = points(n, 3, seed)
    terms: list[Term] = [
        Diversity(x),
        Weighting(rng.normal(size=n)),
        Balancing(rng.integers(0, 3, size=(n, 3)).astype(np.float32), np.full(3, 1 / 3)),
        SubpartDiversity(points(80, 3, seed + 1), rng.integers(0, n, 80)),
    ]
    chosen = [term for term in terms if rng.random() < 0.6] or terms[:1]
    rows = np.sort(rng.choice(n, 20, replace=False))
    preselected = np.setdiff1d(np.arange(n), rows)[:3]
    others = np.setdiff1d(np.arange(n), np.union1d(rows, preselected))
    whole = solve(chosen, n_rows=n, n_picks=8, preselected=preselected, excluded=others)
    np.testing.assert_array_equal(solve_part(chosen, rows, preselected, 8), whole.rows)


def test_a_graph_loses_only_the_edges_that_lead_outside() -> None:
    term = FacilityLocation(np.array([[1, 2], [0, -1], [0, 1]], dtype=np.int32), np.full((3, 2), 0.5, dtype=np.float32))
    (part,) = restricted([term], np.array([2, 0]))
    assert isinstance(part, FacilityLocation)
    assert part.indices.tolist() == [[1, -1], [-1, 0]]
    assert part.similarities.tolist() == [[0.5, 0.0], [0.0, 0.5]]


# -- the local engine --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def problem() -> tuple[NDArray[np.float32], list[Term]]:
    x = points(3_000)
    counts = np.eye(5, dtype=np.float32)[np.random.default_rng(1).integers(0, 5, len(x))]
    return x, [Diversity(x), Balancing(counts, np.full(5, 0.2))]


def test_picks_do_not_depend_on_the_number_of_workers(problem: tuple[NDArray[np.float32], list[Term]]) -> None:
    x, terms = problem
    preselected, excluded = np.array([5, 9]), np.array([0, 1, 2])
    first, again = (
        run(LocalEngine(workers, rows_per_partition=800), terms, len(x), 30, preselected, excluded)
        for workers in (1, 3)
    )
    np.testing.assert_array_equal(first[0], again[0])
    assert len(np.unique(first[0])) == 30
    assert not np.isin(first[0], [*preselected, *excluded]).any()


def test_the_seed_deals_the_rows_out(problem: tuple[NDArray[np.float32], list[Term]]) -> None:
    parts = [partition(100, 4, seed, NONE, NONE)[0].tolist() for seed in (0, 0, 1)]
    assert parts[0] == parts[1] != parts[2]


def test_coverage_is_near_that_of_one_machine(problem: tuple[NDArray[np.float32], list[Term]]) -> None:
    x, _ = problem
    rows, _, _ = run(LocalEngine(2, rows_per_partition=400), [Diversity(x)], len(x), 50)
    whole = solve([Diversity(x)], n_rows=len(x), n_picks=50).rows
    ours, best = (coverage(x, picks, [50]).radius[0] for picks in (rows, whole))
    assert ours <= 1.25 * best


def test_small_problems_and_single_weightings_are_exact() -> None:
    x = points(500)
    engine = LocalEngine(2, rows_per_partition=1_000)
    np.testing.assert_array_equal(
        run(engine, [Diversity(x)], 500, 20)[0], solve([Diversity(x)], n_rows=500, n_picks=20).rows
    )
    weights = np.random.default_rng(0).normal(size=500)
    tiny = LocalEngine(2, rows_per_partition=10)
    np.testing.assert_array_equal(run(tiny, [Weighting(weights)], 500, 9)[0], np.argsort(-weights, kind="stable")[:9])


def test_a_minimum_distance_holds_among_all_picks() -> None:
    x = points(1_200, 2)
    rows, gains, reason = run(
        LocalEngine(2, rows_per_partition=300), [Diversity(x, minimum_distance=1.5)], len(x), 1_000
    )
    distances = np.linalg.norm(x[rows][:, None] - x[rows][None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert distances.min() >= 1.5
    assert reason == "minimum_distance"
    assert (gains[1:] >= 1.5 - 1e-6).all()


def test_all_rows_can_be_taken() -> None:
    rows, _, reason = run(LocalEngine(2, rows_per_partition=50), [Diversity(points(120))], 120, 500)
    assert sorted(rows) == list(range(120))
    assert reason == "exhausted"


def test_closing_leaves_no_process(problem: tuple[NDArray[np.float32], list[Term]]) -> None:
    x, terms = problem
    steps = LocalEngine(2, rows_per_partition=100).iterate(terms, n_rows=len(x), n_picks=100)
    next(steps)
    assert multiprocessing.active_children()
    steps.close()
    assert not multiprocessing.active_children()


def test_a_killed_worker_changes_nothing(problem: tuple[NDArray[np.float32], list[Term]]) -> None:
    x, terms = problem
    engine = LocalEngine(2, rows_per_partition=500)
    expected = run(engine, terms, len(x), 20)[0]
    steps = engine.iterate(terms, n_rows=len(x), n_picks=20)
    blocks = [next(steps)]
    os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)  # type: ignore[arg-type]
    blocks.extend(steps)
    np.testing.assert_array_equal(np.concatenate([block.rows for block in blocks]), expected)


def test_workers_that_keep_dying_are_an_error(problem: tuple[NDArray[np.float32], list[Term]]) -> None:
    x, terms = problem
    steps = LocalEngine(1, rows_per_partition=1_500).iterate(terms, n_rows=len(x), n_picks=20)
    with pytest.raises(WorkerLostError, match="lower rows_per_partition"):  # noqa: PT012 - each step may be the last
        for _ in steps:
            for child in multiprocessing.active_children():
                os.kill(child.pid, signal.SIGKILL)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "2"])
def test_workers_are_counted(value: object) -> None:
    with pytest.raises((InvalidValueError, InvalidTypeError), match="workers"):
        LocalEngine(value)  # type: ignore[arg-type]


# -- a Ray cluster of two nodes on this machine ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    ray = pytest.importorskip("ray", reason="ray is not installed: pip install 'lightly-widget[ray]'")
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    small = {"num_cpus": 1, "object_store_memory": 100_000_000}
    nodes = Cluster(initialize_head=True, head_node_args=small | {"include_dashboard": False})
    nodes.add_node(**small)
    ray.init(address=nodes.address, log_to_driver=False, logging_level="ERROR")
    yield nodes
    ray.shutdown()
    nodes.shutdown()
    assert not tasks_running()


def tasks_running() -> list[int]:
    """Processes that work on a task of this file's clusters."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and (folder / "cmdline").read_bytes().startswith(b"ray::solve_part"):
                found.append(int(folder.name))
        except OSError:  # it ended meanwhile
            continue
    return found


def test_a_cluster_picks_what_local_processes_pick(
    cluster: Any, problem: tuple[NDArray[np.float32], list[Term]]
) -> None:
    x, terms = problem
    preselected = np.array([7])
    ours = run(RayEngine(rows_per_partition=800, seed=3), terms, len(x), 30, preselected)
    local = run(LocalEngine(1, rows_per_partition=800, seed=3), terms, len(x), 30, preselected)
    np.testing.assert_array_equal(ours[0], local[0])
    np.testing.assert_allclose(ours[1], local[1])


def test_killed_tasks_are_run_again(cluster: Any) -> None:
    x = points(40_000, 64)
    engine = RayEngine(rows_per_partition=10_000)
    steps = engine.iterate([Diversity(x)], n_rows=len(x), n_picks=300)
    killed, blocks = 0, []
    for block in steps:
        blocks.append(block)
        if killed < 2 and (working := tasks_running()):
            os.kill(working[0], signal.SIGKILL)
            killed += 1
    assert killed
    expected = run(LocalEngine(1, rows_per_partition=10_000), [Diversity(x)], len(x), 300)[0]
    np.testing.assert_array_equal(np.concatenate([block.rows for block in blocks]), expected)


def test_closing_leaves_no_task(cluster: Any) -> None:
    x = points(200_000, 64)
    steps = RayEngine(rows_per_partition=50_000).iterate([Diversity(x)], n_rows=len(x), n_picks=5_000)
    while not tasks_running():
        next(steps)
    steps.close()
    deadline = time.monotonic() + 20
    while tasks_running():
        assert time.monotonic() < deadline, "tasks go on although nobody waits for them"
        time.sleep(0.05)


def test_a_lost_node_is_survived(cluster: Any) -> None:
    x = points(40_000, 64)
    engine = RayEngine(rows_per_partition=5_000)
    node = cluster.add_node(num_cpus=1, object_store_memory=100_000_000)
    steps = engine.iterate([Diversity(x)], n_rows=len(x), n_picks=200)
    blocks = [next(steps)]
    cluster.remove_node(node, allow_graceful=False)
    blocks.extend(steps)
    expected = run(LocalEngine(1, rows_per_partition=5_000), [Diversity(x)], len(x), 200)[0]
    np.testing.assert_array_equal(np.concatenate([block.rows for block in blocks]), expected)
