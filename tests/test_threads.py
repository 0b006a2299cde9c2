"""One policy on threads: the cores that may be used, errors and stops, and answers that do not depend on how many."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import ThreadpoolController

from lightly_widget import maps, solver, threads
from lightly_widget.errors import Cancelled
from lightly_widget.neighbors import build_graph, distance_to_set
from lightly_widget.threads import available_cores, cpu_quota, one_blas_thread

# --- how many cores ---------------------------------------------------------------------------------------------------


def group(root: Path, path: str, **files: str) -> None:
    folder = root / path
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("_", ".", 1)).write_text(text)


def membership(root: Path, *lines: str) -> Path:
    path = root / "self_cgroup"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_a_quota_of_cgroup_v2_is_the_least_on_the_way_up(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    group(root, "slice/job", cpu_max="400000 100000\n")
    group(root, "slice", cpu_max="250000 100000\n")
    group(root, "slice/other", cpu_max="1000 100000\n")
    assert cpu_quota(root, membership(tmp_path, "0::/slice/job")) == 2.5
    assert cpu_quota(root, membership(tmp_path, "0::/slice/job/inner")) == 2.5


def test_a_container_sees_its_own_limit_at_the_root(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    group(root, ".", cpu_max="50000 100000\n")
    assert cpu_quota(root, membership(tmp_path, "0::/the/host/knows/this/path")) == 0.5


@pytest.mark.parametrize("mount", ["cpu,cpuacct", "cpu"])
def test_a_quota_of_cgroup_v1(tmp_path: Path, mount: str) -> None:
    root = tmp_path / "cgroup"
    group(root, f"{mount}/docker/abc", cpu_cfs_quota_us="300000\n", cpu_cfs_period_us="100000\n")
    group(root, "cpuset/docker/abc", cpu_cfs_quota_us="1\n", cpu_cfs_period_us="100000\n")
    lines = ["5:cpuset:/docker/abc", "4:cpu,cpuacct:/docker/abc", "1:name=systemd:/docker/abc"]
    assert cpu_quota(root, membership(tmp_path, *lines)) == 3.0


def test_no_limit_is_none(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    group(root, "free", cpu_max="max 100000\n")
    group(root, "cpu/free", cpu_cfs_quota_us="-1\n", cpu_cfs_period_us="100000\n")
    assert cpu_quota(root, membership(tmp_path, "0::/free", "3:cpu:/free")) is None
    assert cpu_quota(root, tmp_path / "no such file") is None


@pytest.mark.parametrize(
    ("affinity", "quota", "expected"), [(8, None, 8), (8, 2.0, 2), (8, 1.5, 2), (8, 0.25, 1), (1, 4.0, 1), (64, 2.0, 2)]
)
def test_cores_are_those_of_affinity_and_quota(
    monkeypatch: pytest.MonkeyPatch, affinity: int, quota: float | None, expected: int
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(affinity)), raising=False)
    monkeypatch.setattr(threads, "_own_quota", lambda: quota)
    assert available_cores() == expected


# --- answers ----------------------------------------------------------------------------------------------------------


def test_results_do_not_depend_on_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((9000, 32)).astype(np.float32)
    counts = rng.poisson(2.0, (9000, 12)).astype(np.float32)
    pool = threads._pool
    seen: list[list[Any]] = []
    for count in (1, 2, 5):
        monkeypatch.setattr(threads, "available_cores", lambda count=count: count)
        pool.cache_clear()
        graph = build_graph(x, 5)
        rough = build_graph(x, 5, method="approximate")
        terms = [solver.Diversity(x), solver.Balancing(counts, np.ones(12))]
        found = solver.coverage(x, np.arange(40), at=[3, 40])
        seen.append(
            [
                *(graph.indices, graph.distances, rough.indices, rough.distances),
                distance_to_set(x, x[:50]),
                maps.pca(x),
                solver.solve(terms[:1], n_rows=len(x), n_picks=60).rows,
                solver.solve(terms[1:], n_rows=len(x), n_picks=60).rows,
                solver.solve(terms, n_rows=len(x), n_picks=60).rows,
                *(found.radius, found.mean),
            ]
        )
    pool.cache_clear()
    for other in seen[1:]:
        for a, b in zip(seen[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


@given(st.integers(0, 9))
def test_every_task_runs_once(n: int) -> None:
    done: list[int] = []
    threads.at_once(done.append, range(n))
    threads.in_threads(range(n), lambda task, buffer, stopped: done.append(task), 1, lambda fraction: None)
    assert sorted(done) == sorted([*range(n), *range(n)])


def test_an_error_in_a_worker_reaches_the_caller() -> None:
    def work(task: int, buffer: object = None, stopped: object = None) -> None:
        raise ValueError(f"task {task}")

    with pytest.raises(ValueError, match="task 0"):
        threads.in_threads([0], work, 1, lambda fraction: None)
    with pytest.raises(ValueError, match="task 0"):
        threads.at_once(work, [0, 1])


def test_raising_in_progress_stops_the_workers() -> None:
    begun: list[int] = []

    def work(task: int, buffer: object, stopped: Callable[[], bool]) -> None:
        begun.append(task)
        while not stopped():
            time.sleep(0.001)

    def cancel(fraction: float) -> None:
        if begun:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        threads.in_threads(range(1000), work, 1, cancel)
    assert len(begun) <= threads.n_threads()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lightly_widget_worker")]


def test_blas_has_one_thread_whichever_thread_samples() -> None:
    """threadpoolctl listens to the first thread alone: a sample in a widget's thread after one in a cell was slow."""
    blas = ThreadpoolController().select(user_api="blas").lib_controllers
    before = [library.get_num_threads() for library in blas]
    inside: list[list[int | None]] = []

    def limited() -> None:
        with one_blas_thread():
            inside.append([library.get_num_threads() for library in blas])

    def elsewhere(work: Callable[[], object]) -> None:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    limited()
    elsewhere(limited)
    entered = one_blas_thread()
    elsewhere(entered.__enter__)  # and ended by another thread, as a generator may be
    limited()
    entered.__exit__(None, None, None)
    assert len(blas) > 0
    assert inside == [[1] * len(blas)] * 3
    assert [library.get_num_threads() for library in blas] == before
