"""What a widget says in parts: the parts make up the whole, one of them is the last, and the counts are true."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lightly_widget.coloring import Coloring
from lightly_widget.widget import outbox
from lightly_widget.wire.parts import ByNone


def said_by(call: Any, rows: int) -> list[tuple[dict[str, Any], list[Any]]]:
    """The messages, with parts of that many rows."""
    heard: list[tuple[dict[str, Any], list[Any]]] = []
    out = outbox.Outbox(lambda content, buffers: heard.append((content, buffers)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outbox, "PART_POINTS", rows)
        call(out)
    out.close()
    return heard


@given(arrays(np.bool_, st.integers(0, 40)), st.sampled_from(["filter", "selection", "preselected"]))
def test_a_mask_says_how_many_points_it_holds(mask: Any, name: Any) -> None:
    ((content, buffers),) = said_by(lambda out: out.mask(name, mask, len(mask)), 4)
    assert content["count"] == mask.sum()
    bits = np.unpackbits(np.frombuffer(buffers[0], np.uint8), bitorder="little")[: len(mask)]
    assert bits.astype(bool).tolist() == mask.tolist()


@given(st.integers(0, 40))
def test_no_mask_is_all_for_a_filter_and_none_else(n: int) -> None:
    for name, count in (("filter", n), ("selection", 0), ("preselected", 0)):
        ((content, _),) = said_by(lambda out, name=name: out.mask(name, None, n), 4)
        assert content["count"] == count


@given(st.integers(0, 13))
def test_points_come_in_parts_of_which_one_is_the_last(n: int) -> None:
    x, y = np.arange(n, dtype=np.float32), -np.arange(n, dtype=np.float32)
    heard = said_by(lambda out: out.positions("pca", x, y, animate=False), 4)
    assert [content["last"] for content, _ in heard] == [False] * (max(-(-n // 4), 1) - 1) + [True]
    assert [content["offset"] for content, _ in heard] == list(range(0, max(n, 1), 4))
    assert np.concatenate([np.frombuffer(buffers[0], np.float32) for _, buffers in heard]).tolist() == x.tolist()
    assert np.concatenate([np.frombuffer(buffers[1], np.float32) for _, buffers in heard]).tolist() == y.tolist()


@given(st.integers(0, 20), st.booleans())
def test_the_last_part_of_a_coloring_is_the_answer(n: int, plain: bool) -> None:
    values = None if plain else np.arange(n, dtype=np.float32)
    coloring = Coloring("none" if plain else "number", values)
    heard = said_by(lambda out: out.colors(ByNone(), coloring, 7, n), 2)
    parts = 1 if plain else max(-(-n // 4), 1)
    assert [content["last"] for content, _ in heard] == [False] * (parts - 1) + [True]
    assert [content["done"] for content, _ in heard] == [content["last"] for content, _ in heard]
    assert {content["id"] for content, _ in heard} == {7}
