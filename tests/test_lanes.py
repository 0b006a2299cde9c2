"""The background work of one widget: which requests wait for which."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from lightly_widget.widget.lanes import Lanes
from lightly_widget.widget.outbox import Outbox


@pytest.fixture
def lanes() -> Iterator[Lanes]:
    out = Outbox(lambda content, buffers: None)
    made = Lanes(out)
    yield made
    made.jobs.close()
    out.close()


def test_in_turn_is_one_at_a_time_also_after_a_cancel(lanes: Lanes) -> None:
    running: list[int] = []
    began = {number: threading.Event() for number in (1, 2, 3)}
    go_on = threading.Event()
    seen: list[list[int]] = []

    def work(request: Any, job: Any) -> None:
        running.append(request.id)
        seen.append(running.copy())
        began[request.id].set()
        if request.id == 1:
            assert go_on.wait(20)
        running.remove(request.id)

    answer = lanes.in_turn(work, "Labeling")
    answer(SimpleNamespace(id=1))
    assert began[1].wait(20)
    answer(SimpleNamespace(id=2))
    lanes.jobs.cancel(2)
    answer(SimpleNamespace(id=3))
    assert not began[3].wait(0.5)
    go_on.set()
    assert began[3].wait(20)
    assert seen == [[1], [3]]
