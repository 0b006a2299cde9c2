"""The explorer against a stand-in browser: every request answered, bad ones change nothing, picks as in Python."""

from __future__ import annotations

import json
import random
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anywidget
import msgspec
import numpy as np
import polars as pl
import pytest
import traitlets
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import lightly_widget as lw
from lightly_widget.dataset import core_of
from lightly_widget.errors import InvalidValueError
from lightly_widget.maps import Lasso, regions_by_class, regions_by_words
from lightly_widget.strategies import MAX_STRATEGIES
from lightly_widget.widget import Explorer
from lightly_widget.widget.outbox import Outbox
from lightly_widget.wire import REQUESTS, decode, replies
from lightly_widget.wire.traits import Info, Traits

PATIENCE = 60.0
N = 60
DIVERSITY = {"type": "diversity", "strength": 1.0, "embedding_model_name": None}
SAMPLE = {
    "kind": "sample",
    "n_samples_to_select": 5,
    "strategies": [DIVERSITY],
    "candidates": {"from": "all"},
    "preselected_tag_name": None,
    "pinned": [],
    "excluded": [],
}


class Front(Explorer):
    """An explorer whose messages are kept instead of sent, and a browser to ask it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.heard: list[tuple[dict[str, Any], list[bytes]]] = []
        self.before: Callable[[], None] = lambda: None
        self._asked = 0
        super().__init__(*args, **({"projection": "pca"} | options))

    def send(self, content: Any, buffers: Any = None) -> None:
        json.dumps(content, allow_nan=False)
        self.heard.append((content, [bytes(part) for part in buffers or []]))

    def say(self, content: Any, buffers: Any = ()) -> None:
        """A message as ipywidgets hands it on."""
        self._msg_callbacks(self, content, list(buffers))

    def ask(self, kind: str, *, buffers: Any = (), **fields: Any) -> list[dict[str, Any]]:
        """Ask and wait; the messages that answer."""
        self._asked += 1
        self.say({"kind": kind, "id": self._asked, **fields}, buffers)
        assert self.wait(PATIENCE)
        return self.answers(self._asked)

    def answers(self, number: int) -> list[dict[str, Any]]:
        return [content for content, _ in self.heard if content["id"] == number]

    def last(self, kind: str, **fields: Any) -> tuple[dict[str, Any], list[bytes]]:
        found = [m for m in self.heard if m[0]["kind"] == kind and fields.items() <= m[0].items()]
        assert found, f"no {kind} was said"
        return found[-1]

    def sample_now(self, **fields: Any) -> dict[str, Any]:
        return self.ask(**(SAMPLE | fields))[-1]

    def selected_id(self, point: int) -> str:
        """The id of a point, as Python sees it when it is selected."""
        self.ask("select_points", op="replace", points=[point])
        found: str = self.selection.sample_ids[0]
        self.ask("select", op="clear")
        return found

    def mask(self, name: str) -> list[int]:
        content, buffers = self.last("mask", mask=name)
        if content["bits"] is None:
            return list(range(N)) if name == "filter" else []
        bits = np.unpackbits(np.frombuffer(buffers[0], np.uint8), bitorder="little")[:N]
        assert content["count"] == bits.sum()
        return np.flatnonzero(bits).tolist()

    def points_of(self, message: dict[str, Any], field: str) -> list[Any]:
        buffers = next(b for c, b in self.heard if c is message)
        return decode(field, message[field], buffers, message[field]["dtype"]).tolist()

    def picks(self, slot: str = "A") -> list[int]:
        """The picks as a browser puts them together."""
        rows: list[int] = []
        for content, buffers in self.heard:
            if content["kind"] == "picks" and content["slot"] == slot:
                rows[content["offset"] :] = decode("points", content["points"], buffers, "u32").tolist()
        return rows


@pytest.fixture(scope="module")
def points() -> Any:
    return np.random.default_rng(0).normal(size=(N, 4)).astype(np.float32)


@pytest.fixture
def dataset(tmp_path: Path, points: Any) -> Any:
    return make_dataset(tmp_path, points)


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory, points: Any) -> Iterator[Front]:
    """An explorer for tests that leave it as it is."""
    front = Front(make_dataset(tmp_path_factory.mktemp("still"), points))
    front.ask("hello", protocol=1)
    yield front
    front.close()


def make_dataset(tmp_path: Path, points: Any) -> Any:
    frame = pl.DataFrame(
        {
            "score": np.arange(N, dtype=np.float64),
            "city": [["Bonn", "Zürich", None][row % 3] for row in range(N)],
        }
    )
    dataset = lw.Dataset.from_polars(frame, embeddings=points, name="points", path=tmp_path)
    ids = dataset.query().sample_ids.to_list()
    dataset.labels.add_classifications({i: "even" if k % 2 == 0 else "odd" for k, i in enumerate(ids)})
    dataset.select(ids[10:20]).add_tag("ten")
    return dataset


@pytest.fixture
def front(dataset: Any) -> Iterator[Front]:
    front = Front(dataset)
    yield front
    front.close()


@pytest.fixture
def ids(front: Front, dataset: Any) -> list[str]:
    found: list[str] = dataset.query().sample_ids.to_list()
    return found


# Opening -------------------------------------------------------------------------------------------------------------


def test_hello_is_answered_with_points_masks_and_state(front: Front) -> None:
    answers = front.ask("hello", protocol=1)
    assert answers[-1]["kind"] == "ready"
    assert answers[-1]["done"] is True
    content, buffers = front.last("positions")
    assert (content["projection"], content["total"], content["last"]) == ("pca", N, True)
    x = np.frombuffer(buffers[0], np.float32)
    assert np.isfinite(x).all()
    assert np.ptp(x) > 0
    assert front.mask("filter") == list(range(N))
    assert front.mask("selection") == []


def test_another_protocol_is_refused_in_words(still: Front) -> None:
    assert "reload the page" in still.ask("hello", protocol=99)[-1]["message"]


def test_messages_are_numbered_without_a_gap(front: Front) -> None:
    front.ask("hello", protocol=1)
    front.sample_now()
    front.ask("metrics", n_samples_to_select=3, source=None, metadata=None)
    assert [content["seq"] for content, _ in front.heard] == list(range(1, len(front.heard) + 1))


def test_after_silence_the_number_of_the_last_message_is_said_again() -> None:
    heard: list[dict[str, Any]] = []
    all_there = threading.Event()

    def send(content: dict[str, Any], buffers: Any) -> None:
        heard.append(content)
        if len(heard) == 5:
            all_there.set()

    out = Outbox(send, quiet=(0.01, 0.02))
    out.say(replies.Ok(), 7)
    out.say(replies.Hovered(None))
    out.say(replies.Hovered(3))
    assert all_there.wait(PATIENCE)
    assert [(content["kind"], content["seq"]) for content in heard[3:]] == [("sync", 4), ("sync", 5)]
    assert all(content["id"] is None and not content["done"] for content in heard[3:])
    out.close()


def test_a_closed_outbox_says_no_more() -> None:
    heard: list[dict[str, Any]] = []
    out = Outbox(lambda content, buffers: heard.append(content), quiet=(0.01,))
    out.close()
    before = threading.active_count()
    out.say(replies.Ok(), 1)
    assert threading.active_count() == before
    assert [content["kind"] for content in heard] == ["ok"]


def test_who_lost_messages_gets_the_traits_again(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[set[str]] = []
    monkeypatch.setattr(front, "send_state", lambda key=None: sent.append(set(key or ())))
    front.ask("hello", protocol=1)
    assert sent == []
    front.ask("hello", protocol=1, lost=True)
    assert {"n_samples_to_select", "strategies", "filter", "color_by", "viewport", "info"} <= sent[0]
    assert "_esm" not in sent[0]


def test_the_traits_are_those_that_the_wire_declares(still: Front) -> None:
    ours = set(type(still).class_trait_names(sync=True)) - set(anywidget.AnyWidget.class_trait_names(sync=True))
    assert {name for name in ours if name[0] != "_"} == set(Traits.__struct_fields__)
    msgspec.convert({name: getattr(still, name) for name in Traits.__struct_fields__}, Traits, strict=True)
    with pytest.raises(msgspec.ValidationError, match="surplus"):
        msgspec.convert(still.info | {"surplus": 1}, Info)


def test_info_says_what_there_is(still: Front) -> None:
    info = still.info
    assert (info["n_samples"], info["dataset"], info["media"]) == (N, "points", "none")
    assert info["tags"] == [{"name": "ten", "count": 10}]
    assert info["sources"][0]["classes"] == ["even", "odd"]
    metadata = {entry["key"]: entry for entry in info["metadata"]}
    assert (metadata["score"]["min"], metadata["score"]["max"]) == (0, N - 1)
    assert sorted(metadata["city"]["values"]) == ["Bonn", "Zürich"]
    assert "subpart_diversity" in info["unusable"]


def test_the_saved_state_is_small(still: Front) -> None:
    state = {name: value for name, value in still.get_state().items() if not name.startswith("_")}
    state.pop("layout")
    assert len(json.dumps(state)) < 64_000


def test_info_stays_small_whatever_the_names(tmp_path: Path) -> None:
    frame = pl.DataFrame({f"{'k' * 100}{key}": [f"{'v' * 150}{row}" for row in range(150)] for key in range(40)})
    dataset = lw.Dataset.from_polars(frame, name="long", path=tmp_path)
    front = Front(dataset)
    assert len(json.dumps(front.info)) < 64_000
    front.close()


def test_without_embeddings_the_points_form_a_grid(tmp_path: Path) -> None:
    dataset = lw.Dataset.from_polars(pl.DataFrame({"text": list("abcdefg")}), name="plain", path=tmp_path)
    front = Front(dataset)
    front.ask("hello", protocol=1)
    content, buffers = front.last("positions")
    x, y = (np.frombuffer(part, np.float32) for part in buffers)
    assert content["projection"] == "grid"
    assert len({*zip(x.tolist(), y.tolist(), strict=True)}) == 7
    assert front.strategies[0]["type"] == "random"
    front.close()


def test_shown_for_a_query_it_holds_that_queries_rows(dataset: Any) -> None:
    some = dataset.query()[5:15]
    front = Front(dataset, some)
    front.ask("hello", protocol=1)
    assert front.last("positions")[0]["total"] == 10
    front.sample_now(n_samples_to_select=3)
    assert set(front.sample.sample_ids) <= set(some.sample_ids)
    front.close()


# Sampling ------------------------------------------------------------------------------------------------------------


def test_a_sample_is_that_of_python_and_streams_in_pick_order(front: Front, dataset: Any, ids: list[str]) -> None:
    said = front.sample_now(n_samples_to_select=7)
    wanted = dataset.query().sampling().preview(7, [lw.EmbeddingDiversityStrategy()])
    assert (said["kind"], said["n"], said["done"]) == ("sampled", 7, True)
    assert [ids[row] for row in front.picks()] == wanted.sample_ids
    assert front.sample.sample_ids == wanted.sample_ids


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        ({"from": "tag", "tag": "ten"}, range(10, 20)),
        ({"from": "filter"}, range(50, N)),
        ({"from": "selection"}, [1, 4, 9]),
        ({"from": "all"}, range(N)),
    ],
)
def test_candidates_are_those_asked_for(front: Front, ids: list[str], candidates: Any, expected: Any) -> None:
    front.filter = lw.SampleField.metadata["score"] >= 50
    front.selection = [ids[row] for row in (1, 4, 9)]
    said = front.sample_now(n_samples_to_select=N, candidates=candidates)
    assert sorted(front.picks()) == list(expected)
    assert said["n_candidates"] == len(list(expected))


def test_pinned_rows_inform_and_excluded_ones_are_left_out(front: Front) -> None:
    front.sample_now(n_samples_to_select=4)
    first = front.picks()
    front.sample_now(n_samples_to_select=3, pinned=first[:1])
    assert front.picks() == first[1:4]
    front.sample_now(n_samples_to_select=N, excluded=[0, 1])
    assert set(front.picks()) == set(range(N)) - {0, 1}


def test_sample_is_cut_to_the_count(front: Front) -> None:
    front.sample_now(n_samples_to_select=8)
    seen: list[int] = []
    front.observe(lambda change: seen.append(len(change["new"])), "sample")
    front.n_samples_to_select = 3
    assert len(front.sample) == 3
    front.n_samples_to_select = 99
    assert len(front.sample) == 8
    assert seen == [3, 8]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"strategies": []}, "strategies must contain at least one strategy"),
        ({"strategies": [{"type": "nonsense"}]}, "nonsense"),
        ({"strategies": [{"type": "diversity", "strength": 1, "embedding_model_name": "x"}]}, "x"),
        ({"candidates": {"from": "tag", "tag": "nope"}}, "unknown tag 'nope'"),
        ({"candidates": {"from": "nowhere"}}, "nowhere"),
        ({"preselected_tag_name": "nope"}, "nope"),
        ({"pinned": [N]}, "pinned must hold numbers below 60"),
        ({"pinned": [1], "excluded": [1]}, "both pinned and excluded"),
    ],
)
def test_a_sample_that_cannot_be_is_refused_and_the_one_before_stays(front: Front, fields: Any, words: str) -> None:
    front.sample_now(n_samples_to_select=4)
    picks, result = front.picks(), front.sample
    said = front.sample_now(**fields)
    assert said["kind"] == "error"
    assert words in said["message"]
    assert front.picks() == picks
    assert front.sample is result


def test_cancel_stops_a_run_and_brings_back_the_sample_before(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    front.sample_now(n_samples_to_select=4)
    picks, result = front.picks(), front.sample
    from lightly_widget.widget import stream

    original = stream.stream

    def endless(*args: Any, **options: Any) -> Any:
        steps = original(*args, **options)
        yield next(steps)
        front.say({"kind": "cancel", "id": 1_001, "target": 1_000})
        yield from steps

    monkeypatch.setattr(stream, "stream", endless)
    front.say(SAMPLE | {"id": 1_000, "n_samples_to_select": 30})
    assert front.wait(PATIENCE)
    assert front.answers(1_000)[-1]["error"] == "Cancelled"
    assert front.answers(1_001)[-1]["kind"] == "ok"
    assert front.picks() == picks
    assert front.sample is result


def test_canceling_nothing_is_answered(still: Front) -> None:
    assert still.ask("cancel", target=5)[-1]["kind"] == "ok"


def test_of_many_runs_at_once_the_last_is_shown_and_all_are_answered(front: Front, dataset: Any) -> None:
    for number in range(100, 120):
        front.say(SAMPLE | {"id": number, "n_samples_to_select": number - 90})
    assert front.wait(PATIENCE)
    assert all(front.answers(number)[-1]["done"] for number in range(100, 120))
    assert len(front.picks()) == 29
    assert front.sample.n_requested == 29 or len(front.sample) == 29


def test_as_many_strategies_as_can_be_sampled_can_be_shown_by_undo(front: Front) -> None:
    most = [{"type": "random", "strength": 1.0, "seed": seed, "stratify_by": None} for seed in range(MAX_STRATEGIES)]
    assert front.sample_now(n_samples_to_select=3, strategies=most)["kind"] == "sampled"
    assert front.sample_now(n_samples_to_select=3, strategies=[*most, most[0]])["kind"] == "error"
    front.sample_now(n_samples_to_select=2)
    front.ask("undo")
    assert front.strategies == most


def test_undo_and_redo_bring_back_picks_and_controls(front: Front) -> None:
    front.sample_now(n_samples_to_select=3)
    first = front.picks()
    weights = {"type": "metadata_weighting", "strength": 1.0, "metadata_key": "score"}
    front.sample_now(n_samples_to_select=5, strategies=[weights], excluded=[2])
    second = front.picks()
    said = front.ask("undo")[-1]
    assert (said["kind"], said["can_undo"], said["can_redo"]) == ("sampled", True, True)
    assert front.picks() == first
    assert front.n_samples_to_select == 3
    assert front.strategies == [DIVERSITY]
    assert len(front.sample) == 3
    said = front.ask("redo")[-1]
    assert front.picks() == second
    assert said["spec"]["excluded"] == [2]
    assert front.strategies[0]["type"] == "metadata_weighting"
    assert front.ask("redo")[-1]["message"].startswith("there is nothing to redo")
    front.ask("undo")
    front.ask("undo")
    assert front.sample is None
    assert front.picks() == []
    assert "nothing to undo" in front.ask("undo")[-1]["message"]


def test_comparing_keeps_swaps_and_clears(front: Front) -> None:
    assert "nothing is sampled" in front.ask("compare", op="keep")[-1]["message"]
    front.sample_now(n_samples_to_select=3)
    first = front.picks()
    front.n_samples_to_select = 3
    front.ask("compare", op="keep")
    front.sample_now(n_samples_to_select=4, excluded=[first[0]])
    second = front.picks()
    assert front.picks("B") == first
    front.ask("compare", op="swap")
    assert (front.picks("A"), front.picks("B")) == (first, second[:3])
    front.ask("compare", op="clear")
    assert front.picks("B") == []
    assert "no sample to swap with" in front.ask("compare", op="swap")[-1]["message"]


def test_a_sample_set_in_python_is_shown(front: Front, dataset: Any, ids: list[str]) -> None:
    result = dataset.query()[:30].sampling().preview(4, [lw.RandomStrategy(seed=3)])
    front.sample = result
    assert [ids[row] for row in front.picks()] == result.sample_ids
    assert front.n_samples_to_select == 4
    assert front.last("sampled")[0]["spec"] is None
    front.sample = None
    assert front.picks() == []
    with pytest.raises(traitlets.TraitError, match="must be a SamplingResult, got"):
        front.sample = [1, 2]


def test_saving_writes_the_tag_that_python_reads(front: Front, dataset: Any) -> None:
    front.sample_now(n_samples_to_select=6)
    said = front.ask("save_tag", name="mine", n_samples_to_select=4, grow=False)[-1]
    assert said == said | {"kind": "saved", "tag": "mine", "count": 4}
    tagged = dataset.match(lw.SampleField.tags.contains("mine"))
    assert set(tagged.sample_ids) == set(front.sample.sample_ids[:4])
    assert {"name": "mine", "count": 4} in front.info["tags"]
    again = front.ask("save_tag", name="mine", n_samples_to_select=6, grow=False)[-1]
    assert "there is a tag of that name" in again["message"]
    assert front.ask("save_tag", name="mine", n_samples_to_select=6, grow=True)[-1]["count"] == 6


def test_the_recipe_repeats_the_sample(front: Front, dataset: Any) -> None:
    front.sample_now(n_samples_to_select=6, candidates={"from": "tag", "tag": "ten"}, excluded=[11])
    code = front.ask("recipe", n_samples_to_select=4, tag="re'peated")[-1]["code"]
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["result"].sample_ids == front.sample.sample_ids[:4]
    assert "re'peated" in core_of(dataset).snapshot().tags()


def test_export_writes_once_and_says_where(front: Front, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    front.sample_now(n_samples_to_select=6)
    path = tmp_path / "picks.csv"
    said = front.ask("export", format="csv", n_samples_to_select=4, path=str(path), overwrite=False)[-1]
    assert (said["kind"], said["count"]) == ("exported", 4)
    assert pl.read_csv(path)["sample_id"].to_list() == front.sample.sample_ids[:4]
    assert (
        front.ask("export", format="csv", n_samples_to_select=4, path=str(path), overwrite=False)[-1]["kind"] == "error"
    )
    assert front.ask("export", format="csv", n_samples_to_select=2, path=str(path), overwrite=True)[-1]["count"] == 2


@pytest.mark.parametrize(
    "request_",
    [
        ("save_tag", {"name": "x", "n_samples_to_select": 1, "grow": False}),
        ("recipe", {"n_samples_to_select": 1, "tag": "x"}),
    ],
)
def test_without_a_sample_there_is_nothing_to_do(still: Front, request_: Any) -> None:
    kind, fields = request_
    assert "nothing is sampled yet" in still.ask(kind, **fields)[-1]["message"]


# Selecting and filtering ---------------------------------------------------------------------------------------------


def lasso(front: Front, op: str, *corners: tuple[float, float]) -> list[dict[str, Any]]:
    polygon = np.array(corners, dtype="<f4")
    ref = {"buffer": 0, "dtype": "f32", "shape": [polygon.size]}
    return front.ask("select", op=op, polygon=ref, buffers=[polygon.tobytes()])


def half(front: Front, left: bool) -> tuple[list[tuple[float, float]], list[int]]:
    _, buffers = front.last("positions")
    x = np.frombuffer(buffers[0], np.float32)
    corners = [(-9.0, -9.0), (0.0, -9.0), (0.0, 9.0), (-9.0, 9.0)] if left else [(0, -9), (9, -9), (9, 9), (0, 9)]
    return corners, np.flatnonzero(x < 0 if left else x >= 0).tolist()  # type: ignore[return-value]


def test_a_lasso_selects_adds_and_removes(front: Front, ids: list[str]) -> None:
    front.ask("hello", protocol=1)
    left, left_rows = half(front, left=True)
    right, right_rows = half(front, left=False)
    assert lasso(front, "replace", *left)[-1]["kind"] == "ok"
    assert front.mask("selection") == left_rows
    assert front.selection.sample_ids.to_list() == [ids[row] for row in left_rows]
    lasso(front, "add", *right)
    assert front.mask("selection") == list(range(N))
    lasso(front, "remove", *left)
    assert front.mask("selection") == right_rows
    front.ask("select_points", op="remove", points=right_rows[:1])
    front.ask("select_points", op="add", points=left_rows[:1])
    assert front.mask("selection") == sorted([*right_rows[1:], left_rows[0]])
    front.ask("select", op="clear")
    assert front.mask("selection") == []
    assert len(front.selection) == 0


def test_a_lasso_sees_only_what_the_filter_shows(front: Front) -> None:
    front.ask("hello", protocol=1)
    front.ask("filter", filter=(lw.SampleField.metadata["score"] < 10).to_dict())
    lasso(front, "replace", (-9, -9), (9, -9), (9, 9), (-9, 9))
    assert front.mask("selection") == list(range(10))


@pytest.mark.parametrize("what", ["ids", "samples", "query"])
def test_the_selection_set_in_python_shows(front: Front, dataset: Any, ids: list[str], what: str) -> None:
    query = dataset.select([ids[7], ids[3]])
    front.selection = {"ids": [ids[7], ids[3]], "samples": query.to_list(), "query": query}[what]
    assert front.mask("selection") == [3, 7]
    assert front.selection.sample_ids.to_list() == [ids[7], ids[3]]
    front.selection = None
    assert front.mask("selection") == []
    assert len(front.selection) == 0


def test_its_text_says_what_is_shown(front: Front, dataset: Any, ids: list[str]) -> None:
    assert repr(front) == f"Explorer of {dataset.name!r}: {len(ids)} samples"
    front.selection = ids[:3]
    front.sample = dataset.query().sampling().preview(5, [lw.RandomStrategy()])
    front.n_samples_to_select = 4
    assert repr(front) == f"Explorer of {dataset.name!r}: {len(ids)} samples, 3 selected, 4 sampled"


def test_selection_is_observable(front: Front) -> None:
    seen: list[int] = []
    front.observe(lambda change: seen.append(len(change["new"])), "selection")
    front.ask("select_points", op="replace", points=[1, 2])
    front.ask("select_points", op="add", points=[5])
    assert seen == [2, 3]


@pytest.mark.parametrize("bad", [["no such id"], [1], "text", 5])
def test_a_selection_that_is_none_is_refused(still: Front, bad: Any) -> None:
    with pytest.raises(traitlets.TraitError):
        still.selection = bad
    assert len(still.selection) == 0


def test_the_filter_is_one_whoever_sets_it(front: Front) -> None:
    expression = lw.SampleField.metadata["city"] == "Bonn"
    front.filter = expression
    assert front.mask("filter") == list(range(0, N, 3))
    assert front.filter == expression.to_dict()
    assert front.ask("filter", filter=None)[-1]["kind"] == "ok"
    assert front.mask("filter") == list(range(N))
    assert front.filter is None
    said = front.ask("filter", filter=(lw.SampleField.metadata["nope"] == 1).to_dict())[-1]
    assert "nope" in said["message"]
    assert front.filter is None


def test_every_request_that_is_declared_has_an_answer(still: Front) -> None:
    assert set(still._handlers._answers) == set(REQUESTS.values())


# Traits --------------------------------------------------------------------------------------------------------------

BAD_TRAITS = [
    ("n_samples_to_select", -1),
    ("n_samples_to_select", 2.5),
    ("n_samples_to_select", True),
    ("n_samples_to_select", None),
    ("strategies", "diversity"),
    ("strategies", [{"type": "nope"}]),
    ("strategies", [{"type": "diversity", "strength": float("nan")}]),
    ("strategies", [DIVERSITY] * 101),
    ("candidates", {"from": "tag"}),
    ("candidates", "all"),
    ("preselected_tag_name", "no such tag"),
    ("preselected_tag_name", 5),
    ("filter", {"op": "compare"}),
    ("filter", {"op": "has_tag", "tag": "no such tag"}),
    ("filter", 5),
    ("color_by", {"by": "label"}),
    ("color_by", {"by": "nope"}),
    ("color_by", None),
    ("hovered", 5),
    ("viewport", [1, 1, 0, 0]),
    ("viewport", [0, 0, 1, float("inf")]),
    ("viewport", [0, 0, 1]),
    ("height", 5),
    ("height", "tall"),
]


@pytest.mark.parametrize(("name", "value"), BAD_TRAITS)
def test_a_bad_value_from_python_raises_and_changes_nothing(still: Front, name: str, value: Any) -> None:
    before = getattr(still, name)
    with pytest.raises(traitlets.TraitError, match=r"\w{3}"):
        setattr(still, name, value)
    assert getattr(still, name) == before


@pytest.mark.parametrize(("name", "value"), [*BAD_TRAITS, ("info", {}), ("_esm", "evil()"), ("nonsense", 1)])
def test_a_bad_value_from_the_browser_is_answered_and_the_good_one_sent_back(
    still: Front, name: str, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []
    still.height = 600
    monkeypatch.setattr(still, "send_state", lambda key=None: sent.append(key))
    before = getattr(still, name, None)
    still.set_state({name: value, "height": 700} if name != "height" else {name: value})
    assert getattr(still, name, None) == before
    assert still.heard[-1][0]["kind"] == "error"
    assert still.heard[-1][0]["id"] is None
    assert sent == ([name] if name in still.keys else [])
    assert still.height == (600 if name == "height" else 700)


GOOD_TRAITS = [
    ("n_samples_to_select", 7),
    ("strategies", [DIVERSITY | {"strength": -2.0}]),
    ("candidates", {"from": "tag", "tag": "ten"}),
    ("preselected_tag_name", "ten"),
    ("filter", {"op": "has_tag", "tag": "ten"}),
    ("color_by", {"by": "metadata", "key": "score"}),
    ("hovered", "some id"),
    ("viewport", [0.0, 0.0, 1.0, 2.0]),
    ("height", 400),
]


@pytest.mark.parametrize(("name", "value"), GOOD_TRAITS)
def test_good_values_are_taken_from_both_sides_and_observed(front: Front, name: str, value: Any) -> None:
    seen: list[Any] = []
    front.observe(lambda change: seen.append(change["new"]), name)
    front.set_state({name: value})
    assert getattr(front, name) == value
    setattr(front, name, value)
    assert seen == [value]


def test_strategies_may_be_objects(front: Front) -> None:
    front.strategies = [lw.EmbeddingDiversityStrategy(strength=2), lw.RandomStrategy()]
    assert [item["type"] for item in front.strategies] == ["diversity", "random"]


def test_a_card_still_being_filled_in_is_taken_from_the_browser_only(front: Front) -> None:
    half_done = [{"type": "similarity", "strength": 1.0}]
    front.set_state({"strategies": half_done})
    assert front.strategies == half_done
    with pytest.raises(traitlets.TraitError, match="query_tag_name"):
        front.strategies = [{"type": "similarity", "strength": 2.0}]


def test_hovered_set_in_python_tells_the_row_and_two_explorers_can_be_linked(dataset: Any, ids: list[str]) -> None:
    one, two = Front(dataset), Front(dataset)
    traitlets.link((one, "hovered"), (two, "hovered"))
    one.set_state({"hovered": ids[8]})
    assert two.hovered == ids[8]
    one.close()
    two.close()


def test_hovered_row_of_python(front: Front, ids: list[str]) -> None:
    front.hovered = ids[8]
    assert front.last("hovered")[0]["point"] == 8
    front.hovered = "unknown"
    assert front.last("hovered")[0]["point"] is None


def test_the_preselected_tag_is_marked(front: Front) -> None:
    front.preselected_tag_name = "ten"
    assert front.mask("preselected") == list(range(10, 20))
    front.preselected_tag_name = None
    assert front.mask("preselected") == []


# Looking -------------------------------------------------------------------------------------------------------------


def colors(front: Front, **color_by: str) -> tuple[dict[str, Any], Any]:
    said = front.ask("colors", color_by=color_by)[-1]
    assert said["kind"] == "colors", said
    return said, None if said["values"] is None else np.array(front.points_of(said, "values"))


def test_colors_by_label_and_tag(still: Front) -> None:
    said, codes = colors(still, by="label", key=still.info["sources"][0]["name"])
    assert said["categories"] == [{"name": "even", "count": 30}, {"name": "odd", "count": 30}]
    assert codes.tolist() == [0, 1] * 30
    said, codes = colors(still, by="tag", key="ten")
    assert np.flatnonzero(codes == 0).tolist() == list(range(10, 20))
    assert set(codes.tolist()) == {0, 255}


def test_colors_by_metadata(still: Front) -> None:
    said, values = colors(still, by="metadata", key="score")
    assert (said["scale"], said["domain"]) == ("number", [0, N - 1])
    assert values.tolist() == list(range(N))
    said, codes = colors(still, by="metadata", key="city")
    assert [entry["name"] for entry in said["categories"]] == ["Bonn", "Zürich"]
    assert codes.tolist() == [0, 1, 255] * 20


def test_colors_by_rank_and_typicality(front: Front) -> None:
    front.sample_now(n_samples_to_select=3)
    _, values = colors(front, by="rank")
    assert [values[row] for row in front.picks()] == [1, 2, 3]
    assert np.isnan(values).sum() == N - 3
    _, values = colors(front, by="typicality")
    assert ((values > 0) & (values <= 1)).all()
    assert colors(front, by="none")[1] is None


@pytest.mark.parametrize("key", ["nope", "x" * 900])
def test_colors_by_what_is_not_there_are_refused(still: Front, key: str) -> None:
    for by in ("label", "tag", "metadata"):
        assert still.ask("colors", color_by={"by": by, "key": key})[-1]["kind"] == "error"


@pytest.mark.parametrize("count", [254, 255, 400])
def test_beyond_254_categories_the_rest_is_one(tmp_path: Path, count: int) -> None:
    names = [f"c{row % count:03}" for row in range(count * 2)] + ["c000"]
    dataset = lw.Dataset.from_polars(pl.DataFrame({"c": names}), name="many", path=tmp_path)
    front = Front(dataset)
    said, codes = colors(front, by="metadata", key="c")
    assert said["categories"][0] == {"name": "c000", "count": 3}
    assert sum(entry["count"] for entry in said["categories"]) == len(names)
    if count > 254:
        assert said["categories"][-1]["name"] == f"other ({count - 254} more)"
        assert (codes == 254).sum() == said["categories"][-1]["count"]
        assert "share one" in said["note"]
    else:
        assert len(said["categories"]) == count
        assert said["note"] is None
    front.close()


def test_a_detail_says_everything_about_a_row(still: Front) -> None:
    said = still.ask("detail", point=12)[-1]
    assert (said["tags"], said["labels"]) == (["ten"], ["even"])
    assert said["sample_id"] == still.selected_id(12)
    assert ["score", "12"] in [list(field) for field in said["fields"]]
    assert still.ask("detail", point=N)[-1]["kind"] == "error"


def test_neighbors_are_the_nearest_in_the_full_space(still: Front, points: Any) -> None:
    said = still.ask("neighbors", point=3, k=5, model=None)[-1]
    distances = np.linalg.norm(points - points[3], axis=1)
    assert still.points_of(said, "points") == np.argsort(distances)[1:6].tolist()
    np.testing.assert_allclose(still.points_of(said, "distances"), np.sort(distances)[1:6], rtol=1e-5)


def test_finding_what_is_like_a_sample_and_what_is_least(still: Front, points: Any) -> None:
    order = np.argsort(np.linalg.norm(points - points[3], axis=1)).tolist()
    said = still.ask("find", point=3, k=5)[-1]
    assert still.points_of(said, "points") == order[:5]
    said = still.ask("find", point=3, k=5, sign=-1)[-1]
    assert still.points_of(said, "points") == order[::-1][:5]
    assert "understand text" in still.ask("find", text="cats", k=5)[-1]["message"]


class LetterEmbedder:
    """Counts letters: enough to tell texts apart."""

    name = "letters"
    dimension = 26
    kind = "text"

    def embed(self, items: Any) -> Any:
        return np.array([[str(item).count(chr(97 + c)) for c in range(26)] for item in items], dtype=np.float32)


def test_texts_show_and_are_found_by_text(tmp_path: Path) -> None:
    texts = ["cat cat", "dog dog dog", "zebra " * 200]
    dataset = lw.Dataset.from_polars(pl.DataFrame({"text": texts}), name="texts", path=tmp_path)
    dataset.embed(LetterEmbedder(), progress=lambda fraction: None)
    front = Front(dataset)
    assert (front.info["media"], front.info["can_find_text"]) == ("text", True)
    said = front.ask("find", text="dogs", k=2)[-1]
    assert front.points_of(said, "points")[0] == 1
    said = front.ask("thumbnails", points=[2, 0], size=64)[-1]
    assert said["texts"][1] == "cat cat"
    assert len(said["texts"][0]) <= 300
    assert said["images"] == [None, None]
    front.close()


def test_images_become_upright_thumbnails_and_broken_ones_none(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by a quarter
    Image.new("RGB", (200, 100), "red").save(folder / "a.jpg", exif=exif)
    Image.new("RGBA", (50, 80), (0, 0, 0, 0)).save(folder / "b.png")
    Image.new("RGB", (30, 30)).save(folder / "c.png")
    dataset = lw.ImageDataset.create("images", path=tmp_path / "data")
    dataset.add_images_from_path(folder, embed=False, progress=lambda fraction: None)
    (folder / "c.png").write_bytes(b"no picture any more")
    front = Front(dataset)
    names = [sample.file_name for sample in dataset]
    said = front.ask("thumbnails", points=[0, 1, 2], size=64)[-1]
    buffers = next(b for c, b in front.heard if c is said)
    sizes = {}
    for name, ref in zip(names, said["images"], strict=True):
        (tmp_path / "t").write_bytes(buffers[ref["buffer"]] if ref else b"")
        sizes[name] = Image.open(tmp_path / "t").size if ref else None
    assert sizes == {"a.jpg": (32, 64), "b.png": (40, 64), "c.png": None}
    detail = front.ask("detail", point=names.index("a.jpg"))[-1]
    assert detail["mime"] == "image/webp"
    assert detail["thumbnail"] is not None
    assert ["size", "100 × 200"] in detail["fields"] or ["size", "200 × 100"] in detail["fields"]
    front.close()


def test_a_summary_compares_with_pool_and_random(front: Front) -> None:
    front.sample_now(n_samples_to_select=8)
    answers = front.ask("metrics", n_samples_to_select=8, source=front.info["sources"][0]["name"], metadata="score")
    said = answers[-1]
    assert answers[0]["coverage"] is None
    assert said["pool"]["pool"] == [0.5, 0.5]
    assert sum(said["pool"]["sample"]) == pytest.approx(1)
    assert sum(said["histogram"]["pool"]) == pytest.approx(1)
    radius = said["coverage"]["sample"]
    assert radius == sorted(radius, reverse=True)
    assert said["coverage"]["at"][-1] == 8
    again = front.ask("metrics", n_samples_to_select=2, source=None, metadata="city")
    assert len(again) == 1
    assert again[0]["pool"]["classes"] == ["Bonn", "Zürich"]


def test_a_target_shows_beside_the_shares(front: Front) -> None:
    source = front.info["sources"][0]["name"]
    balance = {"type": "annotation_balancing", "strength": 1.0, "target_distribution": {"even": 0.75, "odd": 0.25},
               "annotation_source": source}  # fmt: skip
    front.sample_now(n_samples_to_select=8, strategies=[balance])
    said = front.ask("metrics", n_samples_to_select=8, source=source, metadata=None)[-1]
    assert dict(zip(said["pool"]["classes"], said["pool"]["target"], strict=True)) == {"even": 0.75, "odd": 0.25}
    assert dict(zip(said["pool"]["classes"], said["pool"]["sample"], strict=True)) == {"even": 0.75, "odd": 0.25}


def test_clusters_are_named_where_they_are() -> None:
    rng = np.random.default_rng(0)
    centers = {"cat": (-1, -1), "dog": (1, 1), "owl": (1, -1)}
    names = [name for name in centers for _ in range(200)]
    places = np.array([centers[name] for name in names]) + rng.normal(scale=0.1, size=(600, 2))
    x, y = places.astype(np.float32).T
    labels = regions_by_class(x, y, pl.Series(names))
    assert {label.text for label in labels} == set(centers)
    for label in labels:
        assert abs(label.x - centers[label.text][0]) + abs(label.y - centers[label.text][1]) < 0.5
    texts = [f"a {name} in the garden" for name in names]
    found = {label.text: (label.x, label.y) for label in regions_by_words(x, y, texts, lambda fraction: None)}
    assert {text.split(",")[0] for text in found} == set(centers)
    assert regions_by_class(x, y, pl.Series([None] * 600, dtype=pl.String)) == []
    assert regions_by_class(np.full(3, np.nan, np.float32), np.zeros(3, np.float32), pl.Series(["a"] * 3)) == []


def test_clusters_are_asked_for(still: Front) -> None:
    still.ask("hello", protocol=1)
    said = still.ask("clusters", color_by={"by": "label", "key": still.info["sources"][0]["name"]})[-1]
    assert said["kind"] == "clusters"


# The lasso's rule ----------------------------------------------------------------------------------------------------

POLYGONS = Path(__file__).parent / "fixtures" / "polygons.json"


def winding(px: float, py: float, polygon: list[tuple[float, float]]) -> int:
    """The rule written down once more, edge by edge."""
    total = 0
    for (x0, y0), (x1, y1) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        side = (x1 - x0) * (py - y0) - (px - x0) * (y1 - y0)
        if y0 <= py < y1 and side > 0:
            total += 1
        if y1 <= py < y0 and side < 0:
            total -= 1
    return total


GRID = st.integers(-4, 4).map(float)


@given(
    polygon=st.lists(st.tuples(GRID, GRID), min_size=3, max_size=9), where=st.lists(st.tuples(GRID, GRID), max_size=20)
)
def test_the_lasso_follows_the_winding_rule(polygon: Any, where: Any) -> None:
    x, y = np.array(where, dtype=np.float32).reshape(-1, 2).T
    inside = Lasso(x, y).inside(np.array(polygon, dtype=np.float32))
    assert inside.tolist() == [winding(px, py, polygon) != 0 for px, py in where]


def test_the_lasso_agrees_with_the_browser() -> None:
    for case in json.loads(POLYGONS.read_text())["cases"]:
        x, y = np.array(case["points"], dtype=np.float32).reshape(-1, 2).T
        polygon = np.array(case["polygon"], dtype=np.float32).reshape(-1, 2)
        assert Lasso(x, y).inside(polygon).astype(int).tolist() == case["inside"], case["name"]


def test_points_without_a_place_are_in_no_lasso() -> None:
    nowhere = np.array([np.nan, 0.5], dtype=np.float32)
    square = np.array([[-9, -9], [9, -9], [9, 9], [-9, 9]], dtype=np.float32)
    assert Lasso(nowhere, nowhere).inside(square).tolist() == [False, True]


# Whatever comes ------------------------------------------------------------------------------------------------------


def everything(front: Front) -> Any:
    """What must not change."""
    traits = {name: getattr(front, name) for name in front.keys if not name.startswith("_") and name != "layout"}
    return json.dumps(traits, default=str), front.sample, front.selection, front.mask("selection")


ODD: list[Any] = [
    None,
    True,
    -1,
    1.5,
    2**70,
    "",
    "x",
    "\x00",
    [],
    {},
    [[]],
    {"a": 1},
    [1, "2"],
    "💥" * 50,
    float("nan"),
]


def random_message(chance: random.Random) -> tuple[Any, list[bytes]]:
    """Noise, or a request with something wrong in it."""
    if chance.random() < 0.3:
        return chance.choice(ODD), [b"x" * chance.randrange(9)]
    content: dict[Any, Any] = {"kind": chance.choice([*REQUESTS, "nope", 5, None]), "id": chance.choice([*ODD, 77])}
    names = ["n", "point", "points", "op", "polygon", "filter", "name", "tag", "size", "k", "odd"]
    for name in chance.sample(names, 4):
        content[name] = chance.choice([*ODD, 3, 10**6, {"buffer": 0, "dtype": "f32", "shape": [2]}])
    content["surely wrong"] = 1
    return content, [b"\x00" * chance.choice([0, 3, 8])] * chance.randrange(3)


def test_ten_thousand_random_messages_are_answered_and_change_nothing(front: Front) -> None:
    front.ask("hello", protocol=1)
    front.sample_now(n_samples_to_select=4)
    before = everything(front)
    chance = random.Random(0)
    for _ in range(10_000):
        front.heard.clear()
        front.heard.append(({"kind": "mask", "mask": "selection", "bits": None, "count": 0, "id": None}, []))
        front.say(*random_message(chance))
        said = [content for content, _ in front.heard[1:]]
        assert [content["kind"] for content in said] == ["error"]
        assert said[0]["message"]
        assert "<" not in said[0]["message"].replace("<class", "") or "html" not in said[0]["message"].lower()
    assert front.wait(PATIENCE)
    assert everything(front) == before
    assert front.ask("hello", protocol=1)[-1]["kind"] == "ready"


@given(sync=st.dictionaries(st.sampled_from([*dict(GOOD_TRAITS), "info", "x"]), st.sampled_from(ODD), max_size=4))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_odd_traits_from_the_browser_leave_every_trait_valid(front: Front, sync: dict[str, Any]) -> None:
    front.set_state(sync)
    for name in dict(GOOD_TRAITS):
        value = getattr(front, name)
        front.set_trait(name, value)  # its own check takes it
    assert front.info["n_samples"] == N


HOSTILE = ["<img src=x onerror=alert(1)>", "'; DROP TABLE", "\u202eevil", "a\x00b", "\ud800", "%s{0}", "../../x", "é́"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_answered_in_harmless_words(front: Front, text: str) -> None:
    front.sample_now(n_samples_to_select=3)
    for kind, fields in (
        ("colors", {"color_by": {"by": "tag", "key": text}}),
        ("save_tag", {"name": text * 300, "n_samples_to_select": 3, "grow": False}),
        ("metrics", {"n_samples_to_select": 3, "source": text, "metadata": None}),
        ("neighbors", {"point": 1, "k": 3, "model": text}),
    ):
        message = front.ask(kind, **fields)[-1]["message"]
        assert "\u202e" not in message
        assert "\x00" not in message
        message.encode()


# Life ----------------------------------------------------------------------------------------------------------------


def test_closing_stops_the_work(dataset: Any) -> None:
    front = Front(dataset)
    front.ask("hello", protocol=1)
    front.close()
    assert front.comm is None
    front.say({"kind": "metrics", "id": 5, "n_samples_to_select": 1, "source": None, "metadata": None})
    assert front.wait(PATIENCE)


def test_shown_beside_each_other_two_explorers_keep_apart(dataset: Any) -> None:
    one, two = Front(dataset), Front(dataset)
    one.sample_now(n_samples_to_select=4)
    assert two.sample is None
    assert one.info["session"] != two.info["session"]
    one.close()
    two.close()


def test_tags_made_in_python_meanwhile_are_known(front: Front, dataset: Any, ids: list[str]) -> None:
    dataset.select(ids[:3]).add_tag("new")
    front.sample_now(n_samples_to_select=3, candidates={"from": "tag", "tag": "new"})
    assert sorted(front.picks()) == [0, 1, 2]
    front.refresh()
    assert {"name": "new", "count": 3} in front.info["tags"]


def test_samples_added_meanwhile_are_no_candidates_here(tmp_path: Path) -> None:
    for row in range(5):
        Image.new("RGB", (10 + row, 10)).save(tmp_path / f"{row}.png")
    dataset = lw.ImageDataset.create("growing", path=tmp_path / "data")
    dataset.add_images_from_path(tmp_path / "[0-2].png", embed=False, progress=lambda fraction: None)
    front = Front(dataset)
    dataset.add_images_from_path(tmp_path, embed=False, progress=lambda fraction: None)
    assert len(dataset) == 5
    front.filter = lw.ImageSampleField.width >= 11
    for candidates, expected in (({"from": "filter"}, [1, 2]), ({"from": "all"}, [0, 1, 2])):
        front.sample_now(n_samples_to_select=9, candidates=candidates, strategies=[{"type": "random", "strength": 1.0}])
        assert sorted(front.picks()) == expected
    front.close()


@pytest.mark.parametrize("options", [{"placement": "upside down"}, {"projection": "tsne"}])
def test_unknown_options_are_refused(dataset: Any, options: dict[str, str]) -> None:
    with pytest.raises(InvalidValueError, match="must be "):
        Front(dataset, **options)


def test_the_side_panel_needs_sidecar(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sidecar", None)
    with pytest.raises(ImportError, match=re.escape("pip install")):
        front.open_side_panel()


def test_the_side_panel_holds_the_widget(front: Front) -> None:
    panel = front.open_side_panel("split-left")
    assert (panel.title, panel.anchor) == ("points", "split-left")
    with pytest.raises(ValueError, match="anchor"):
        front.open_side_panel("somewhere")


# The sample: what was in it before, then the picks --------------------------------------------------------------------


def test_sample_tag_export_and_message_agree_about_pinned_and_preselected(
    front: Front, dataset: Any, ids: list[str], tmp_path: Path
) -> None:
    front.export_root = tmp_path
    front.n_samples_to_select = 4
    said = front.sample_now(n_samples_to_select=4, preselected_tag_name="ten", pinned=[3, 12])
    before = front.points_of(said, "before")
    assert sorted(before) == [3, *range(10, 20)]
    assert said["n"] == len(front.picks()) == 4
    wanted = [ids[row] for row in [*before, *front.picks()]]
    assert front.sample.sample_ids == list(front.sample) == wanted
    saved = front.ask("save_tag", name="all", n_samples_to_select=4, grow=False)[-1]
    assert saved["count"] == len(wanted)
    assert set(front._session.dataset.snapshot().tags()) >= {"all"}
    assert set(dataset.tags["all"].sample_ids) == set(wanted)
    written = front.ask("export", format="csv", n_samples_to_select=4, path="all.csv", overwrite=False)[-1]
    assert written["count"] == len(wanted)
    assert pl.read_csv(written["path"])["sample_id"].to_list() == wanted


def test_a_smaller_count_keeps_what_was_there_before(front: Front, ids: list[str]) -> None:
    front.sample_now(n_samples_to_select=5, pinned=[7])
    front.n_samples_to_select = 2
    assert front.sample.sample_ids == [ids[row] for row in [7, *front.picks()[:2]]]
    assert (len(front.sample), front.sample.n_new) == (3, 2)


@pytest.mark.parametrize("before", [{"from": "all"}, {"from": "filter"}, {"from": "tag", "tag": "ten"}])
@pytest.mark.parametrize("clear", ["browser", "python"])
def test_an_emptied_selection_leaves_the_candidates_as_they_were(front: Front, before: Any, clear: str) -> None:
    front.candidates = before
    front.ask("select_points", op="replace", points=[1, 2, 3])
    front.candidates = {"from": "selection"}
    if clear == "browser":
        front.ask("select", op="clear")
    else:
        front.selection = []
    assert front.candidates == before


def test_undo_brings_back_the_selection_the_pins_and_the_exclusions(front: Front, ids: list[str]) -> None:
    front.ask("select_points", op="replace", points=[1, 2, 3, 4])
    front.candidates = {"from": "selection"}
    front.sample_now(n_samples_to_select=2, candidates={"from": "selection"}, pinned=[1], excluded=[2])
    front.ask("select", op="clear")
    front.sample_now(n_samples_to_select=5)
    assert front.mask("selection") == []
    said = front.ask("undo")[-1]
    assert front.mask("selection") == [1, 2, 3, 4]
    assert front.selection.sample_ids.to_list() == [ids[row] for row in (1, 2, 3, 4)]
    assert front.candidates == {"from": "selection"}
    assert (list(said["spec"]["pinned"]), list(said["spec"]["excluded"])) == ([1], [2])
    assert front.points_of(said, "before") == [1]
    front.ask("redo")
    assert front.mask("selection") == []
    assert front.candidates == {"from": "all"}
