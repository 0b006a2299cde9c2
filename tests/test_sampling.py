"""Sampling: the methods, the table of conditions one by one, the laws, and what a result says."""

from __future__ import annotations

import inspect
import json
import math
import warnings
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lightly_widget as lw
from lightly_widget.dataset import core_of
from lightly_widget.dataset.candidates import QueryCandidates
from lightly_widget.errors import Cancelled, InvalidValueError, LightlyWidgetError, SamplingWarning
from lightly_widget.sampling import (
    PickedBlock,
    Sampling,
    SamplingResult,
    compute_similarity_metadata,
    compute_typicality_metadata,
)
from lightly_widget.sampling.metrics import Coverage, random_rows
from lightly_widget.sampling.run import stream
from lightly_widget.strategies import (
    AnnotationClassBalancingStrategy,
    EmbeddingDeduplicationStrategy,
    EmbeddingDiversityStrategy,
    EmbeddingRepresentativeStrategy,
    EmbeddingSimilarityStrategy,
    EmbeddingTypicalityStrategy,
    MetadataBalancingStrategy,
    MetadataWeightingStrategy,
    RandomStrategy,
    Strategy,
    SubpartDiversityStrategy,
)
from tests import reference
from tests.memory_view import MemoryCandidates, MemoryDataset, line


@pytest.fixture
def data() -> MemoryDataset:
    """Thirty samples with everything that a strategy can need."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(30, 4)).astype(np.float32)
    dataset = MemoryDataset(
        30,
        {"m": points},
        {
            "score": pl.Series(rng.random(30)),
            "city": pl.Series(rng.choice(["rome", "oslo", "bonn"], 30, p=[0.7, 0.2, 0.1])),
            "night": pl.Series(rng.random(30) < 0.2),
        },
        tags={"query": ["id3", "id4"], "old": ["id7", "id2"]},
        crops=(rng.normal(size=(40, 4)).astype(np.float32), [f"id{i % 30}" for i in range(40)]),
    )
    return dataset.label(rng.choice(["cat", "dog", "cow"], 30, p=[0.6, 0.3, 0.1]).tolist())


def on_a_line(n: int) -> MemoryDataset:
    return MemoryDataset(n, {"m": line(*range(n))})


def picked(result: SamplingResult) -> list[int]:
    return [int(name[2:]) for name in result]


CALLS: dict[str, Callable[[Sampling, int, str, str | None], SamplingResult]] = {
    "diverse": lambda s, n, t, p: s.diverse(n, t, preselected_tag_name=p),
    "deduplicate": lambda s, n, t, p: s.deduplicate(n, t, 0.01, preselected_tag_name=p),
    "metadata_weighting": lambda s, n, t, p: s.metadata_weighting(n, t, "score", preselected_tag_name=p),
    "similarity": lambda s, n, t, p: s.similarity(n, t, "query", preselected_tag_name=p),
    "typicality": lambda s, n, t, p: s.typicality(n, t, strength=-1, preselected_tag_name=p),
    "annotation_balancing": lambda s, n, t, p: s.annotation_balancing(n, t, "uniform", preselected_tag_name=p),
    "metadata_balancing": lambda s, n, t, p: s.metadata_balancing(n, t, "city", "input", preselected_tag_name=p),
    "subpart_diversity": lambda s, n, t, p: s.subpart_diversity(n, t, preselected_tag_name=p),
    "representative": lambda s, n, t, p: s.representative(n, t, preselected_tag_name=p),
    "random": lambda s, n, t, p: s.random(n, t, preselected_tag_name=p),
    "random stratified": lambda s, n, t, p: s.random(n, t, stratify_by="city", preselected_tag_name=p),
    "multi_strategies": lambda s, n, t, p: s.multi_strategies(
        n, t, [EmbeddingDiversityStrategy(), MetadataWeightingStrategy("score", strength=0.5)], p
    ),
}
every_method = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())


# --- the methods and the laws ---


@every_method
def test_picks_are_distinct_candidates_written_as_a_tag_in_pick_order(call: Any, data: MemoryDataset) -> None:
    view = data.view(list(range(29, 4, -1)))
    result = call(Sampling(view), 10, "new", None)
    assert len(result) == len(set(result)) == 10
    assert set(result) <= set(view.sample_ids)
    assert data.tags["new"] == result.sample_ids
    assert view.sample_ids.gather(result.rows).to_list() == result.sample_ids
    assert (result.tag_name, result.n_requested, str(result.stop_reason)) == ("new", 10, "complete")
    assert result.gains.shape == (10,)
    assert not np.isnan(result.gains).any()
    assert data.recipes["new"] == result.recipe
    assert result.warnings == ()


@every_method
def test_the_answer_for_less_is_a_prefix(call: Any, data: MemoryDataset) -> None:
    sampling = Sampling(data.view())
    long = call(sampling, 12, "long", None)
    assert call(sampling, 5, "short", None).sample_ids == long.sample_ids[:5] == long.prefix(5).sample_ids


@every_method
def test_going_on_from_the_first_picks_gives_the_same(call: Any, data: MemoryDataset) -> None:
    sampling = Sampling(data.view())
    whole = call(sampling, 11, "whole", None)
    call(sampling, 4, "part", None)
    more = call(sampling, 7, "part", "part")
    assert more.new_ids == whole.sample_ids[4:]
    assert more.sample_ids == whole.sample_ids
    assert data.tags["part"] == data.tags["whole"] == whole.sample_ids


@every_method
def test_progress_runs_from_zero_to_one_and_may_stop_the_work(call: Any, data: MemoryDataset) -> None:
    seen: list[float] = []
    call(Sampling(data.view(), progress=seen.append), 8, "new", None)
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0, 1)
    for stop_at in (0.0, 0.5, 1.0):

        def stop(fraction: float, at: float = stop_at) -> None:
            if fraction >= at:
                raise Cancelled("enough")

        before = (data.writes, dict(data.tags))
        with pytest.raises(Cancelled):
            call(Sampling(data.view(), progress=stop), 8, "newer", None)
        assert (data.writes, data.tags) == before


def test_the_numbers_checked_by_hand() -> None:
    assert picked(Sampling(on_a_line(10).view()).diverse(5, "t")) == [0, 9, 4, 2, 6]
    for distance, count in [(1.0, 5), (1.01, 3), (2.01, 2), (4.01, 1)]:
        assert len(Sampling(on_a_line(5).view()).deduplicate(5, "t", distance)) == count
    data = MemoryDataset(3, values={"a": pl.Series([1, 2, 3]), "b": pl.Series([6, 5, 3])})
    assert picked(Sampling(data.view()).metadata_weighting(2, "t", "a")) == [2, 1]
    both = [MetadataWeightingStrategy("a"), MetadataWeightingStrategy("b")]
    assert picked(Sampling(data.view()).preview(2, both)) == [1, 2]
    data = on_a_line(5)
    data.values["w"] = pl.Series([0, 0, 10, 0, 0])
    mixed = [EmbeddingDiversityStrategy(), MetadataWeightingStrategy("w")]
    assert picked(Sampling(data.view()).preview(3, mixed)) == [2, 0, 4]


def test_weighting_is_a_sort_ascending_for_negative_strength() -> None:
    weights = [0.5, -2.0, 3.0, 0.5, -1.0]
    data = MemoryDataset(5, values={"w": pl.Series(weights)})
    sampling = Sampling(data.view())
    assert picked(sampling.metadata_weighting(5, "down", "w")) == [2, 0, 3, 4, 1]
    assert picked(sampling.metadata_weighting(5, "up", "w", strength=-1)) == [1, 4, 0, 3, 2]


def test_similarity_finds_the_neighbors_of_the_tag() -> None:
    data = on_a_line(10)
    data.tags["query"] = ["id6"]
    assert picked(Sampling(data.view()).similarity(3, "t", "query")) == [6, 5, 7]
    assert picked(Sampling(data.view()).similarity(1, "far", "query", strength=-1)) == [0]


@pytest.mark.parametrize("points", [[3.0], [1.0, 1.0], [2.0] * 25, [0.0, 1e-30, 1e15]])
@pytest.mark.parametrize("name", ["diverse", "similarity", "typicality", "representative"])
def test_few_or_identical_points_are_all_taken_in_the_end(name: str, points: list[float]) -> None:
    data = MemoryDataset(len(points), {"m": line(*points)}, tags={"query": ["id0"]})
    result = CALLS[name](Sampling(data.view()), len(points), "t", None)
    assert sorted(result.rows.tolist()) == list(range(len(points)))
    assert not np.isnan(result.gains).any()
    assert result.coverage is not None
    assert result.coverage.radius == 0


def test_identical_points_are_all_typical() -> None:
    data = MemoryDataset(25, {"m": line(*[4.0] * 25)})
    compute_typicality_metadata(data.view())
    assert data.values["typicality"].to_list() == [1.0] * 25


@pytest.mark.parametrize(("scope", "near"), [("local", 2), ("global", 4)])  # directions say nothing of the distance
def test_representative_stands_for_the_clusters(scope: Any, near: float) -> None:
    rng = np.random.default_rng(2)
    centers = np.array([[0, 0], [50, 0], [0, 50]])
    points = np.concatenate([center + rng.normal(size=(30, 2)) for center in centers])
    data = MemoryDataset(90, {"m": points.astype(np.float32)})
    chosen = points[Sampling(data.view()).representative(3, "t", scope=scope).rows]
    assert (np.linalg.norm(chosen[:, None] - centers, axis=2).min(axis=0) < near).all()


def test_subpart_diversity_takes_unlike_objects() -> None:
    data = MemoryDataset(3, {"m": line(0, 0, 0)}, crops=(line(0, 0.1, 9), ["id0", "id1", "id2"]))
    assert picked(Sampling(data.view()).subpart_diversity(2, "t")) == [0, 2]


def test_balancing_reaches_its_target_and_says_so(data: MemoryDataset) -> None:
    result = Sampling(data.view()).metadata_balancing(9, "t", "city", "uniform")
    (shares,) = result.shares
    assert shares.what == "city"
    assert shares.target == pytest.approx([1 / 3] * 3)
    counts = data.values["city"].value_counts().rows()
    reachable = all(count >= 3 for _, count in counts)
    assert not reachable or shares.sample == pytest.approx([1 / 3] * 3)
    off_sample = np.abs(np.array(shares.sample) - 1 / 3).sum()
    assert off_sample < np.abs(np.array(shares.pool) - 1 / 3).sum()
    assert dict(zip(shares.names, shares.pool, strict=True)) == pytest.approx({k: v / 30 for k, v in counts})


def test_method_arguments_have_the_names_that_scripts_use() -> None:
    own = {
        "diverse": ["embedding_model_name"],
        "deduplicate": ["stopping_condition_minimum_distance", "embedding_model_name"],
        "metadata_weighting": ["metadata_key", "strength"],
        "similarity": ["query_tag_name", "strength", "embedding_model_name"],
        "typicality": ["strength", "embedding_model_name"],
        "annotation_balancing": ["target_distribution", "annotation_source"],
        "metadata_balancing": ["metadata_key", "target_distribution"],
        "subpart_diversity": ["embedding_model_name", "annotation_source"],
        "representative": ["embedding_model_name", "bandwidth", "scope"],
        "random": ["seed", "stratify_by"],
    }
    for name, extra in own.items():
        arguments = list(inspect.signature(getattr(Sampling, name)).parameters)
        assert arguments == [
            *("self", "n_samples_to_select", "sampling_result_tag_name"),
            *extra,
            "preselected_tag_name",
        ]
    multi = list(inspect.signature(Sampling.multi_strategies).parameters)
    assert multi[1:5] == [
        *("n_samples_to_select", "sampling_result_tag_name", "sampling_strategies", "preselected_tag_name")
    ]
    preview = list(inspect.signature(Sampling.preview).parameters)
    assert preview[1:4] == ["n_samples_to_select", "sampling_strategies", "preselected_tag_name"]


# --- the table of conditions ---


def test_more_than_available_takes_all_with_a_warning(data: MemoryDataset) -> None:
    with pytest.warns(SamplingWarning, match="n_samples_to_select=31 is more than the 30 available"):
        result = Sampling(data.view()).diverse(31, "t")
    assert len(result) == len(data.tags["t"]) == 30
    assert str(result.stop_reason) == "exhausted"
    assert "took all 30 available samples, 31 were asked for" in result.message
    assert len(result.warnings) == 1
    with pytest.warns(SamplingWarning):
        assert len(Sampling(data.view()).random(10**30, "huge")) == 30


def test_exactly_all_is_no_warning(data: MemoryDataset) -> None:
    result = Sampling(data.view()).diverse(28, "t", preselected_tag_name="old")
    assert str(result.stop_reason) == "complete"
    assert result.warnings == ()


@every_method
def test_zero_is_an_empty_result_a_warning_and_no_tag(call: Any, data: MemoryDataset) -> None:
    with pytest.warns(SamplingWarning, match="n_samples_to_select is 0"):
        result = call(Sampling(data.view()), 0, "t", None)
    assert (len(result), result.tag_name, data.writes) == (0, None, 0)
    assert "nothing was selected" in result.message
    assert result.coverage is None


@every_method
def test_no_candidates_is_an_empty_result_a_warning_and_no_tag(call: Any, data: MemoryDataset) -> None:
    with pytest.warns(SamplingWarning, match="no candidates"):
        result = call(Sampling(data.view([])), 5, "t", None)
    assert (len(result), result.tag_name, data.writes) == (0, None, 0)
    assert "widen the query" in result.message


def test_nothing_left_beside_the_preselected(data: MemoryDataset) -> None:
    with pytest.warns(SamplingWarning, match="all 2 candidates are preselected or excluded"):
        result = Sampling(data.view([2, 7])).diverse(5, "t", preselected_tag_name="old")
    assert (result.n_new, result.tag_name, data.writes) == (0, None, 0)


@pytest.mark.parametrize(
    ("n", "error", "words"),
    [
        (-1, ValueError, "n_samples_to_select must be at least 0, got -1"),
        (2.5, TypeError, r"n_samples_to_select must be an integer, got 2\.5"),
        ("3", TypeError, "n_samples_to_select must be an integer, got '3'"),
        (None, TypeError, "n_samples_to_select must be an integer, got None"),
        (True, TypeError, "n_samples_to_select must be an integer, got True"),
        (np.True_, TypeError, "must be an integer, got np.True_"),
        (math.nan, TypeError, "n_samples_to_select must be an integer, got nan"),
    ],
)
def test_counts_that_are_none(n: Any, error: type[Exception], words: str, data: MemoryDataset) -> None:
    sampling = Sampling(data.view())
    for call in (
        lambda: sampling.diverse(n, "t"),
        lambda: sampling.preview(n, [RandomStrategy()]),
        lambda: stream(data.view(), n, [RandomStrategy()]),
    ):
        with pytest.raises(error, match=words) as caught:
            call()
        assert isinstance(caught.value, LightlyWidgetError)
    assert data.writes == 0


def test_numpy_counts_are_counts(data: MemoryDataset) -> None:
    assert len(Sampling(data.view()).random(np.int32(3), "t")) == 3  # type: ignore[arg-type]


def test_an_existing_tag_is_refused_unless_it_is_the_preselected(data: MemoryDataset) -> None:
    sampling = Sampling(data.view())
    with pytest.raises(ValueError, match="sampling_result_tag_name='old': there is a tag of that name"):
        sampling.diverse(3, "old")
    with pytest.raises(ValueError, match="there is a tag of that name"):
        sampling.diverse(3, "old", preselected_tag_name="query")
    assert data.writes == 0
    grown = sampling.diverse(3, "old", preselected_tag_name="old")
    assert data.tags["old"] == ["id7", "id2", *grown.new_ids] == grown.sample_ids


def test_the_tag_holds_the_preselected_and_the_new(data: MemoryDataset) -> None:
    result = Sampling(data.view()).diverse(3, "new", preselected_tag_name="old")
    assert not {"id7", "id2"} & set(result.new_ids)
    assert data.tags["new"] == ["id7", "id2", *result.new_ids] == result.sample_ids == list(result)
    assert data.tags["old"] == ["id7", "id2"]
    assert result.preselected_ids == ["id7", "id2"]
    assert (len(result), result.n_new) == (5, 3)
    assert result.samples == [f"sample {name}" for name in result.sample_ids]
    frame = result.to_polars()
    assert frame["sample_id"].to_list() == result.sample_ids
    assert frame["rank"].to_list() == [None, None, 1, 2, 3]
    assert frame["gain"].to_list() == [None, None, *result.gains]
    assert result.prefix(1).sample_ids == result.sample_ids[:3]
    assert "3 new, 2 before of 30 candidates" in repr(result)


def test_a_tag_that_appears_meanwhile_is_not_overwritten(data: MemoryDataset) -> None:
    def rival(fraction: float) -> None:
        data.tags.setdefault("new", ["id1"])

    with pytest.raises(ValueError, match="exists"):
        Sampling(data.view(), progress=rival).diverse(3, "new")
    assert data.tags["new"] == ["id1"]


def test_what_is_added_meanwhile_to_a_growing_tag_stays(data: MemoryDataset) -> None:
    def rival(fraction: float) -> None:
        if "id9" not in data.tags["old"]:
            data.tags["old"].append("id9")

    result = Sampling(data.view(), progress=rival).metadata_weighting(3, "old", "score", preselected_tag_name="old")
    assert data.tags["old"][:3] == ["id7", "id2", "id9"]
    assert set(data.tags["old"]) == {"id7", "id2", "id9", *result}


@pytest.mark.parametrize("name", ["", " \t", None, 3, b"t", "x" * 256, "\ud800", ["t"], "a\0b"])
def test_bad_tag_names_are_refused_before_any_work(name: Any, data: MemoryDataset) -> None:
    worked: list[float] = []
    error = ValueError if isinstance(name, str) else TypeError
    with pytest.raises(error, match="sampling_result_tag_name must"):
        Sampling(data.view(), progress=worked.append).diverse(3, name)
    assert worked == []
    result = Sampling(data.view()).preview(3, [RandomStrategy()])
    with pytest.raises(error, match="sampling_result_tag_name must"):
        result.save_as(name)
    assert data.writes == 0


def test_tag_names_may_have_255_characters_of_any_script(data: MemoryDataset) -> None:
    for name in ("x" * 255, "猫" * 255, "a'b\"c\n<b>; DROP"):
        Sampling(data.view()).random(3, name)
        assert len(data.tags[name]) == 3


def test_preselected_tags_that_are_unknown_or_hold_others(data: MemoryDataset) -> None:
    sampling = Sampling(data.view([0, 1, 2]))
    with pytest.raises(ValueError, match="preselected_tag_name: unknown tag 'odl'; there are: 'old'"):
        sampling.diverse(1, "t", preselected_tag_name="odl")
    with pytest.raises(ValueError, match=r"1 of its 2 samples are not among the 3 candidates \(first: 'id7'\)"):
        sampling.diverse(1, "t", preselected_tag_name="old")
    with pytest.raises(ValueError, match="unknown tag 3"):
        sampling.diverse(1, "t", preselected_tag_name=3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("strategies", "words"),
    [
        ([], "sampling_strategies must contain at least one strategy"),
        ([{"type": "diversitty"}], "unknown strategy type 'diversitty'; there are: 'diversity'"),
        ([EmbeddingDiversityStrategy("mm")], "unknown embedding model 'mm'; there are: 'm'"),
        ([AnnotationClassBalancingStrategy({"cats": 1.0})], "unknown class 'cats'; there are: 'cat'"),
        ([AnnotationClassBalancingStrategy("uniform", "label")], "unknown annotation source 'label'; .* 'labels'"),
        ([MetadataWeightingStrategy("scroe")], "unknown metadata key 'scroe'; there are: 'score'"),
        ([MetadataBalancingStrategy("town")], "unknown metadata key 'town'"),
        ([EmbeddingSimilarityStrategy("quary")], "query_tag_name: unknown tag 'quary'; there are: 'query'"),
    ],
)
def test_unknown_names_are_named_and_the_closest_listed_first(strategies: Any, words: str, data: MemoryDataset) -> None:
    with pytest.raises(ValueError, match=words):
        Sampling(data.view()).multi_strategies(3, "t", strategies)
    assert data.writes == 0


@pytest.mark.parametrize(
    "name", ["diverse", "deduplicate", "similarity", "typicality", "subpart_diversity", "representative"]
)
def test_embeddings_that_are_missing_or_ambiguous(name: str, data: MemoryDataset) -> None:
    call = CALLS[name]
    data.models["other"] = data.models["m"]
    with pytest.raises(ValueError, match=r"several embedding models.*'m', 'other'"):
        call(Sampling(data.view()), 3, "t", None)
    data.models.clear()
    with pytest.raises(ValueError, match="no embeddings"):
        call(Sampling(data.view()), 3, "t", None)
    assert data.writes == 0


def test_candidates_without_embedding_are_refused(data: MemoryDataset) -> None:
    data.unembedded = {"id5"}
    for call in ("diverse", "typicality", "representative"):
        with pytest.raises(ValueError, match="1 of 30 candidates have no embedding"):
            getattr(Sampling(data.view()), call)(3, "t")
    assert len(Sampling(data.view(list(range(5)))).typicality(3, "t")) == 3


def test_nan_embeddings_are_refused(data: MemoryDataset) -> None:
    data.models["m"][[3, 8]] = np.nan
    with pytest.raises(ValueError, match="2 rows with NaN"):
        Sampling(data.view()).diverse(3, "t")
    assert data.writes == 0


def test_balancing_without_annotations(data: MemoryDataset) -> None:
    data.labels = data.labels.filter(pl.col("sample_id") == "id0")
    with pytest.raises(ValueError, match="none of the 3 candidates has an annotation from 'labels'"):
        Sampling(data.view([1, 2, 3])).annotation_balancing(1, "t", "uniform", annotation_source="labels")


@given(
    st.lists(st.sampled_from([None, "cat", "dog", "fox"]), min_size=2, max_size=14).filter(any),
    st.integers(1, 14),
    st.sets(st.integers(0, 13), max_size=3),
)
def test_pure_balancing_picks_no_sample_without_annotations(
    classes: list[str | None], n: int, before: set[int]
) -> None:
    data = MemoryDataset(len(classes), {"m": line(*range(len(classes)))}).label(classes)
    preselected = [row for row in sorted(before) if row < len(classes)]
    ids = [f"id{row}" for row in preselected]
    strategy = AnnotationClassBalancingStrategy(target_distribution="uniform")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)
        result = Sampling(data.view()).preview(n, [strategy], pinned_ids=ids)
        both = Sampling(data.view()).preview(n, [strategy, EmbeddingDiversityStrategy()], pinned_ids=ids)
    names = sorted({name for name in classes if name})
    counts = np.array([[name == other for other in names] for name in classes], dtype=float)
    empty = [row for row, name in enumerate(classes) if name is None]
    term = {"kind": "balancing", "counts": counts, "target": np.ones(len(names)), "strength": 1.0}
    assert result.rows.tolist() == reference.greedy([term], len(classes), n, preselected, empty)
    spread = {"kind": "diversity", "embeddings": data.models["m"], "strength": 1.0}
    assert both.rows.tolist() == reference.greedy([term, spread], len(classes), n, preselected)
    (won,) = result.balance_counts
    assert won.picks_without == 0
    assert sum(won.objects.values()) == result.n_new
    assert both.balance_counts[0].picks_without == sum(classes[row] is None for row in both.rows)
    left = [row for row in empty if row not in preselected]
    if left and result.n_new < n:
        assert f"the other {len(left)} have none" in result.message
        assert result.message.rstrip(".") in result.warnings


def test_a_dict_above_one_warns(data: MemoryDataset) -> None:
    with pytest.warns(SamplingWarning, match="sums to 3, more than 1: it was normalized"):
        result = Sampling(data.view()).annotation_balancing(6, "t", {"cat": 1.5, "dog": 1.5})
    (shares,) = result.shares
    assert dict(zip(shares.names, shares.target or [], strict=True)) == {"cat": 0.5, "dog": 0.5, "(all others)": 0}


def test_warnings_point_at_the_line_of_the_caller(data: MemoryDataset) -> None:
    sampling = Sampling(data.view())
    for call in (lambda: sampling.diverse(0, "t"), lambda: sampling.preview(0, [RandomStrategy()])):
        with pytest.warns(SamplingWarning) as caught:
            call()
        assert caught[0].filename == __file__


@pytest.mark.parametrize("error", [KeyboardInterrupt, Cancelled, RuntimeError, MemoryError])
@every_method
def test_whatever_is_raised_leaves_the_dataset_as_it_was(
    call: Any, error: type[BaseException], data: MemoryDataset
) -> None:
    calls = 0

    def stop(fraction: float) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise error

    before = dict(data.tags)
    with pytest.raises(error):
        call(Sampling(data.view(), progress=stop), 8, "new", None)
    assert (data.writes, data.tags) == (0, before)


# --- the stream that the widget uses ---


def drained(steps: Generator[PickedBlock, None, SamplingResult]) -> tuple[list[PickedBlock], SamplingResult]:
    blocks = []
    while True:
        try:
            blocks.append(next(steps))
        except StopIteration as stop:
            return blocks, stop.value


def test_the_stream_gives_what_the_preview_gives(data: MemoryDataset) -> None:
    sampling = Sampling(data.view())
    strategies = [EmbeddingDiversityStrategy(), AnnotationClassBalancingStrategy()]
    wire = [strategy.to_dict() for strategy in strategies]
    blocks, result = drained(stream(data.view(), 9, wire, "old", ["id5"], ["id6", "id8"]))
    same = sampling.preview(9, strategies, "old", pinned_ids=["id5"], excluded_ids=["id6", "id8"])
    assert result.sample_ids == same.sample_ids
    assert np.concatenate([block.rows for block in blocks]).tolist() == result.rows.tolist()
    assert np.concatenate([block.gains for block in blocks]).tolist() == result.gains.tolist()
    assert [block.fraction for block in blocks] == sorted(block.fraction for block in blocks)
    assert blocks[-1].fraction == 1
    assert data.writes == 0


def test_closing_the_stream_cancels(data: MemoryDataset) -> None:
    steps = stream(data.view(), 20, [RandomStrategy()])
    next(steps)
    steps.close()
    assert next(steps, None) is None
    assert data.writes == 0


def test_the_stream_checks_its_arguments_before_the_first_step(data: MemoryDataset) -> None:
    with pytest.raises(ValueError, match="unknown strategy type"):
        stream(data.view(), 3, [{"type": "nonsense"}])


def test_pinned_count_as_picked_and_excluded_are_never_picked() -> None:
    sampling = Sampling(on_a_line(10).view())
    result = sampling.preview(3, [EmbeddingDiversityStrategy()], pinned_ids=["id9", "id9"], excluded_ids=["id0", "id1"])
    assert picked(result) == [9, 2, 5, 7]
    assert result.preselected_ids == ["id9"]
    assert result.save_as("t").tag_name == "t"


@pytest.mark.parametrize(
    ("pinned", "excluded", "error", "words"),
    [
        (["nobody"], [], ValueError, "pinned_ids: 1 of its 1 samples are not among"),
        (["id1"], ["id1"], ValueError, "both pinned and excluded"),
        ("id1", [], TypeError, "pinned_ids must be a list of sample IDs, got 'id1'"),
        ([], [3], TypeError, "excluded_ids must contain only sample IDs, got 3"),
        (None, [], TypeError, "pinned_ids must be a list of sample IDs, got None"),
    ],
)
def test_wrong_pins_are_named(
    pinned: Any, excluded: Any, error: type[Exception], words: str, data: MemoryDataset
) -> None:
    with pytest.raises(error, match=words):
        Sampling(data.view()).preview(3, [RandomStrategy()], pinned_ids=pinned, excluded_ids=excluded)


def test_excluded_ids_that_are_no_candidates_do_no_harm(data: MemoryDataset) -> None:
    result = Sampling(data.view([0, 1, 2, 7])).preview(2, [RandomStrategy()], "old", excluded_ids=["id20", "id7"])
    assert set(result.new_ids) == {"id0", "id1"}  # id7 is in the preselected tag and stays there


# --- the result ---


def test_the_rows_come_in_pick_order_with_rank_and_gain() -> None:
    result = Sampling(on_a_line(10).view()).diverse(5, "t")
    frame = result.to_polars()
    assert frame["sample_id"].to_list() == result.sample_ids
    assert frame["rank"].to_list() == [1, 2, 3, 4, 5]
    assert frame["gain"].to_list() == [math.inf, 9, 4, 2, 2]
    assert result.samples == ["sample id0", "sample id9", "sample id4", "sample id2", "sample id6"]


def test_a_stop_says_what_to_do() -> None:
    result = Sampling(on_a_line(5).view()).deduplicate(5, "t", 2.01)
    assert str(result.stop_reason) == "minimum_distance"
    assert "stopped at 2 of 5" in result.message
    assert "2.01" in result.message
    assert "lower stopping_condition_minimum_distance" in result.message
    assert result.message in repr(result)


def test_deduplication_that_finds_nothing_writes_no_tag() -> None:
    data = on_a_line(5)
    data.tags["all"] = ["id2"]
    with pytest.warns(SamplingWarning, match="nothing was selected"):
        result = Sampling(data.view()).deduplicate(4, "t", 3.0, preselected_tag_name="all")
    assert (result.n_new, data.writes) == (0, 0)


def test_coverage_is_measured_in_the_space_of_the_strategy() -> None:
    data = on_a_line(10)
    result = Sampling(data.view()).diverse(5, "t")
    coverage = result.coverage
    assert coverage is not None
    distance = np.abs(np.arange(10)[:, None] - np.array([0, 9, 4, 2, 6])).min(axis=1)
    assert coverage.radius == pytest.approx(distance.max(), abs=1e-3)
    assert coverage.mean_distance == pytest.approx(distance.mean(), abs=1e-3)
    assert coverage.random_radius >= coverage.radius
    assert result.coverage is coverage  # computed once
    data.models["n"] = data.models["m"] * 100
    by_name = Sampling(data.view()).preview(5, [EmbeddingDiversityStrategy("n")]).coverage
    assert by_name is not None
    assert by_name.radius == pytest.approx(100 * coverage.radius, rel=1e-3)
    assert Sampling(data.view()).preview(5, [RandomStrategy()]).coverage is None  # which of the two?


@given(st.integers(1, 60), st.data())
def test_the_random_baseline_takes_no_row_twice(n: int, draw: st.DataObject) -> None:
    taken = np.array(draw.draw(st.lists(st.integers(0, n - 1), unique=True)), dtype=np.int64)
    rows = random_rows(n, 10, taken)
    assert len(set(rows.tolist())) == len(rows) == min(10, n - len(taken))
    assert not set(rows.tolist()) & set(taken.tolist())
    assert random_rows(n, 4, taken).tolist() == rows[:4].tolist()


def test_no_coverage_where_candidates_have_no_embedding(data: MemoryDataset) -> None:
    data.unembedded = {"id5"}
    sampling = Sampling(data.view())
    assert sampling.preview(3, [RandomStrategy()]).coverage is None
    assert Sampling(data.view([0, 1, 2, 3])).preview(3, [RandomStrategy()]).coverage is not None


def test_preselected_samples_cover_too() -> None:
    data = on_a_line(10)
    data.tags["ends"] = ["id0", "id9"]
    result = Sampling(data.view()).diverse(1, "t", preselected_tag_name="ends")
    assert result.coverage is not None
    assert result.coverage.radius == pytest.approx(2, abs=1e-3)
    curve = result.coverage_curve([0, 1])
    assert curve is not None
    assert curve.radius == pytest.approx([4, 2], abs=1e-3)
    assert curve.at == [0, 1]


@pytest.mark.parametrize(
    ("ours", "random", "sentence"),
    [
        (1.0, 1.8, "covers the dataset 1.8× tighter than random"),
        (2.0, 1.0, "covers the dataset 2.0× less tightly than random"),
        (1.0, 1.01, "covers the dataset about as tightly as random"),
        (1.0, 1.03, "covers the dataset slightly tighter than random"),
        (0.0, 1.0, "covers the dataset without a gap: every sample equals a pick"),
        (0.0, 0.0, "covers the dataset as tightly as random"),
        (1.0, 0.0, "covers the dataset less tightly than random, which leaves no gap"),
    ],
)
def test_the_sentence(ours: float, random: float, sentence: str) -> None:
    assert Coverage(ours, ours, random, random).sentence == sentence


def test_a_coverage_curve_falls(data: MemoryDataset) -> None:
    result = Sampling(data.view()).diverse(20, "t")
    curve = result.coverage_curve()
    assert curve is not None
    assert (curve.at[0], curve.at[-1]) == (1, 20)
    assert (np.diff(curve.radius) <= 1e-6).all()
    assert (np.diff(curve.random_radius) <= 1e-6).all()
    assert curve.last == result.coverage
    with pytest.raises(ValueError, match="at must be at most 20, got 21"):
        result.coverage_curve([21])


def test_shares_of_classes_and_values(data: MemoryDataset) -> None:
    result = Sampling(data.view()).random(10, "t")
    shares = result.class_shares()
    classes = data.labels["class_name"]
    assert shares.pool == sorted(shares.pool, reverse=True)
    for name, pool, sample in zip(shares.names, shares.pool, shares.sample, strict=True):
        assert pool == pytest.approx((classes == name).sum() / 30)
        assert sample == pytest.approx((classes.gather(result.rows) == name).sum() / 10)
    assert sum(shares.random) == pytest.approx(1)
    assert result.metadata_shares("night").names == ["false", "true"]
    assert result.shares == ()
    pool, sample_values, random_values = result.metadata_values("score")
    assert (len(pool), len(random_values)) == (30, 10)
    assert sample_values.to_list() == data.values["score"].gather(result.rows).to_list()


def test_prefixes_and_saving_them(data: MemoryDataset) -> None:
    result = Sampling(data.view()).preview(10, [EmbeddingDiversityStrategy()])
    assert result.tag_name is None
    saved = result.save_as("five", n=5)
    assert data.tags["five"] == result.sample_ids[:5]
    assert (saved.tag_name, len(saved), result.tag_name) == ("five", 5, None)
    assert data.recipes["five"]["n_samples_to_select"] == 5
    assert result.prefix(10) is result
    for n in (11, -1, True, 2.0):
        with pytest.raises((ValueError, TypeError), match=r"^n must be .*, got "):
            result.prefix(n)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="nothing to save"):
        result.save_as("none", n=0)
    with pytest.raises(ValueError, match="there is a tag"):
        result.save_as("five")
    result.save_as("five", grow=True)
    assert data.tags["five"] == result.sample_ids
    result.save_as("fresh", grow=True)  # there is nothing to grow yet
    assert data.tags["fresh"] == result.sample_ids


def test_a_result_is_immutable_and_says_what_it_is(data: MemoryDataset) -> None:
    result = Sampling(data.view()).preview(3, [EmbeddingDiversityStrategy(), RandomStrategy()])
    with pytest.raises(AttributeError):
        result.tag_name = "t"  # type: ignore[misc]
    assert repr(result).startswith("<SamplingResult: 3 of 30 candidates by diversity + random; selected 3 of 30")
    assert not hasattr(result, "_repr_html_")
    assert list(result) == result.sample_ids


# --- repeating ---

hostile = st.sampled_from(["old", "a'); import os; os.abort() #", 'q"""\n\\', "\u202eevil", "{x}", "%s", "猫"])


def repeated(code: str, data: MemoryDataset) -> SamplingResult:
    class Query:
        def __init__(self, rows: list[int]) -> None:
            self.rows = rows

        def sampling(self) -> Sampling:
            return Sampling(data.view(self.rows))

    class Memory:
        view_of = Query

    names: dict[str, Any] = {"dataset": Memory}
    exec(code, names)
    result: SamplingResult = names["result"]
    return result


@given(hostile, hostile, st.integers(1, 5), st.booleans())
@settings(max_examples=40, deadline=None)
def test_the_code_and_the_recipe_give_the_same_ids(key: str, tag: str, n: int, grow: bool) -> None:
    data = MemoryDataset(12, {key: line(*range(12))}, {key: pl.Series(range(12))}, tags={tag: ["id3", "id5"]})
    strategies: list[Strategy] = [
        EmbeddingDiversityStrategy(key),
        MetadataWeightingStrategy(key, strength=0.3),
        EmbeddingSimilarityStrategy(tag, key, strength=-0.1) if not grow else RandomStrategy(4),
    ]
    sampling = Sampling(data.view(list(range(11, 0, -1))))
    result = sampling.multi_strategies(n, tag if grow else tag + "2", strategies, tag, ["id8"], ["id7"])
    code = result.to_python()
    assert repeated(code, data).sample_ids == result.sample_ids
    recipe = json.loads(json.dumps(result.recipe))
    assert sampling.run(recipe).sample_ids == result.sample_ids
    assert recipe["tag_name"] == result.tag_name
    assert recipe["query"] == {"dataset": "memory", "rows": list(range(11, 0, -1))}


def test_the_code_holds_when_the_preselected_tag_changes_later(data: MemoryDataset) -> None:
    result = Sampling(data.view()).preview(4, [EmbeddingDiversityStrategy()], "old")
    assert "preselected_tag_name='old'" in result.to_python()
    result.save_as("old")
    for change in (lambda: None, lambda: data.tags.update(old=["id9"]), lambda: data.tags.pop("old")):
        change()
        assert repeated(result.to_python(), data).sample_ids == result.sample_ids


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"recipe_version": 2}, "recipe_version=2: this version of lightly_widget reads 1"),
        ({"n_preselected": 3}, "n_preselected=3: the tag 'old' holds only 2 samples now"),
        ({"strategies": [{"type": "x"}]}, "unknown strategy type 'x'"),
        ({"junk": 1}, "recipe has unknown entries: 'junk'"),
        ({"n_samples_to_select": -1}, "n_samples_to_select must be at least 0, got -1"),
    ],
)
def test_wrong_recipes_are_named(change: dict[str, Any], words: str, data: MemoryDataset) -> None:
    sampling = Sampling(data.view())
    recipe = sampling.preview(3, [RandomStrategy()], "old").recipe | change
    with pytest.raises(ValueError, match=words):
        sampling.run(recipe)
    with pytest.raises(ValueError, match="recipe lacks 'excluded_ids'"):
        sampling.run({key: value for key, value in recipe.items() if key not in {"excluded_ids", "junk"}})
    with pytest.raises(TypeError, match="is not a dict"):
        sampling.run([])  # type: ignore[arg-type]


# --- values stored as metadata ---


def test_typicality_metadata(data: MemoryDataset) -> None:
    assert compute_typicality_metadata(data.view([0])) == "typicality"
    stored = data.values["typicality"]
    assert stored.null_count() == 0
    by_strategy = Sampling(data.view()).typicality(30, "by strategy").sample_ids
    assert Sampling(data.view()).metadata_weighting(30, "by metadata", "typicality").sample_ids == by_strategy
    data.unembedded = {"id3"}
    with pytest.warns(SamplingWarning, match="1 samples have no embedding") as caught:
        assert compute_typicality_metadata(data.view(), "other") == "other"
    assert data.values["other"].is_null().arg_true().to_list() == [3]
    assert len(caught) == 1


def test_similarity_metadata_gets_a_name_of_its_own(data: MemoryDataset) -> None:
    first = compute_similarity_metadata(data.view(), "query")
    second = compute_similarity_metadata(data.view(), "query")
    assert first.startswith("similarity_query_20")
    assert first != second
    values = data.values[first].to_numpy()
    assert values[[3, 4]].tolist() == [1, 1]
    assert ((values > 0) & (values <= 1)).all()
    assert compute_similarity_metadata(data.view(), "query", "mine") == "mine"


@pytest.mark.parametrize("name", ["", " ", 3, "x" * 256, "a\0b"])
def test_bad_metadata_names_are_refused(name: Any, data: MemoryDataset) -> None:
    for call in (
        lambda: compute_typicality_metadata(data.view(), name),
        lambda: compute_similarity_metadata(data.view(), "query", name),
    ):
        with pytest.raises(ValueError if isinstance(name, str) else TypeError, match="metadata_name must"):
            call()
    assert data.writes == 0


def test_errors_and_interruptions_store_no_values(data: MemoryDataset) -> None:
    def stop(fraction: float) -> None:
        raise KeyboardInterrupt

    keys = set(data.values)
    data.tags["empty"] = []
    with pytest.raises(KeyboardInterrupt):
        compute_typicality_metadata(data.view(), progress=stop)
    with pytest.raises(KeyboardInterrupt):
        compute_similarity_metadata(data.view(), "query", progress=stop)
    with pytest.raises(ValueError, match="query_tag_name: unknown tag 'nope'"):
        compute_similarity_metadata(data.view(), "nope")
    with pytest.raises(ValueError, match="query_tag_name='empty': the tag is empty"):
        compute_similarity_metadata(data.view(), "empty")
    assert (data.writes, set(data.values)) == (0, keys)


def test_query_samples_without_embedding_are_counted(data: MemoryDataset) -> None:
    data.unembedded = {"id3"}
    view = data.view([0, 1, 2])
    with pytest.warns(SamplingWarning, match="1 of the 2 samples of the query tag 'query' have no embedding"):
        Sampling(view).similarity(2, "t", "query")
    data.unembedded = {"id3", "id4"}
    with pytest.raises(ValueError, match="holds 2 samples, none with an embedding"):
        Sampling(view).similarity(2, "u", "query")


# --- whatever comes ---


@pytest.fixture
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)
        yield


def test_random_requests_of_the_widget_give_a_result_or_our_error(data: MemoryDataset) -> None:
    rng = np.random.default_rng(3)
    pool: list[Any] = [
        *(s.to_dict() for s in (EmbeddingDiversityStrategy(), RandomStrategy(), RandomStrategy(1, "city"))),
        *(s.to_dict() for s in (EmbeddingDeduplicationStrategy(0.3, strength=-1), MetadataWeightingStrategy("score"))),
        *(s.to_dict() for s in (EmbeddingTypicalityStrategy(strength=0), EmbeddingRepresentativeStrategy())),
        *(s.to_dict() for s in (SubpartDiversityStrategy(), MetadataBalancingStrategy("night"))),
        *(s.to_dict() for s in (AnnotationClassBalancingStrategy({"cat": 0.5}), MetadataWeightingStrategy("city"))),
        *({"type": "diversity", "strength": "x"}, {}, None, 3, {"type": "weights", "metadata_key": "nope"}),
    ]
    outcomes = {"result": 0, "error": 0}
    for _ in range(300):
        strategies = [pool[i] for i in rng.integers(0, len(pool), rng.integers(0, 3))]
        n: Any = [-1, 0, 1, 4, 40, None][rng.integers(6)]
        rows = rng.permutation(30)[: rng.integers(0, 31)].tolist()
        tag = [None, None, "old", "nope"][rng.integers(4)]
        pinned = [f"id{i}" for i in rng.integers(0, 31, rng.integers(0, 2))]
        try:
            _, result = drained(stream(data.view(rows), n, strategies, tag, pinned, ["id0"]))
        except LightlyWidgetError:
            outcomes["error"] += 1
            continue
        outcomes["result"] += 1
        assert len(set(result)) == len(result)
        assert result.n_new <= max(n, 0)
        assert "id0" not in result.new_ids
    assert min(outcomes.values()) > 20
    assert data.writes == 0


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=30), st.integers(0, 40), st.booleans())
@settings(max_examples=50, deadline=None)
@pytest.mark.usefixtures("quiet")
def test_a_single_weighting_is_the_stable_sort(weights: list[float], n: int, ascending: bool) -> None:
    data = MemoryDataset(len(weights), values={"w": pl.Series(weights, dtype=pl.Float64)})
    result = Sampling(data.view()).metadata_weighting(n, "t", "w", strength=-1.0 if ascending else 1.0)
    order = sorted(range(len(weights)), key=lambda i: weights[i] if ascending else -weights[i])
    assert picked(result) == order[:n]


def test_a_view_may_refuse_to_write(data: MemoryDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: Any, **kwargs: Any) -> None:
        raise InvalidValueError("disk full")

    monkeypatch.setattr(MemoryCandidates, "write_tag", full)
    with pytest.raises(ValueError, match="disk full"):
        Sampling(data.view()).diverse(3, "t")


# --- on a stored dataset ---


@pytest.fixture
def stored(tmp_path: Path) -> lw.Dataset:
    rng = np.random.default_rng(5)
    names = [f"{i}'\n<b>" for i in range(40)]
    frame = pl.DataFrame({"name": names, "score": rng.random(40), "city": ["rome", "oslo"] * 20})
    vectors = rng.normal(size=(40, 6)).astype(np.float32)
    dataset: lw.Dataset = lw.Dataset.from_polars(frame, embeddings=vectors, name="it's", path=tmp_path / "a'b")
    return dataset


def test_a_tag_of_a_stored_dataset_holds_the_picks_and_the_code_repeats_them(
    stored: lw.Dataset, tmp_path: Path
) -> None:
    query = stored.match(lw.SampleField.metadata["score"] > 0.2)
    first = query.sampling().diverse(5, 'it\'s "first"')
    grown = query.sampling().metadata_balancing(4, 'it\'s "first"', "city", "uniform", 'it\'s "first"')
    reopened = lw.Dataset.load("it's", tmp_path / "a'b")
    tagged = reopened.match(lw.SampleField.tags.contains('it\'s "first"'))
    assert set(tagged.sample_ids) == {*first, *grown}
    assert len(tagged) == 9
    for result in (first, grown):
        names: dict[str, Any] = {}
        exec(result.to_python(), names)
        assert names["result"].sample_ids == result.sample_ids
        assert reopened.run(result.recipe).sample_ids == result.sample_ids
    assert first.to_polars()["sample_id"].to_list() == [sample.sample_id for sample in first.samples]


def test_an_interruption_leaves_a_stored_dataset_as_it_was(stored: lw.Dataset) -> None:
    def stop(fraction: float) -> None:
        raise KeyboardInterrupt

    version = core_of(stored).snapshot().version
    with pytest.raises(KeyboardInterrupt):
        Sampling(core_of(stored).candidates(stored.query()), progress=stop).diverse(3, "t")
    assert core_of(stored).snapshot().version == version


def test_samples_that_grow_one_tag_from_two_handles_keep_what_the_other_added(stored: lw.Dataset) -> None:
    other = lw.Dataset.load(stored.name, Path(stored.uri).parent)
    strategies = [EmbeddingDiversityStrategy()]
    result, later = (handle.query().sampling().preview(5, strategies) for handle in (stored, other))
    stored.select(result.sample_ids[:2]).add_tag("grown")
    ids = stored.query().sample_ids.to_list()
    strangers = [name for name in ids if name not in result.sample_ids][:4]
    growing = stored.match(lw.SampleField.metadata["score"] >= 0).sampling().preview(3, strategies, "grown")
    other.select(strangers[:2]).add_tag("grown")  # after the first handle sampled, before it writes
    growing.save_as("grown")
    other.select(strangers[2:]).add_tag("grown")
    later.save_as("grown", grow=True)
    members = lw.Dataset.load(stored.name, Path(stored.uri).parent).tags["grown"].sample_ids.to_list()
    picked = [name for name in growing.new_ids if name not in strangers[:2]]
    assert members[:4] == [*result.sample_ids[:2], *strangers[:2]]
    assert members[4 : 4 + len(picked)] == picked
    assert set(members) == {*result.sample_ids[:2], *strangers, *growing, *later}
    assert stored.history().filter(pl.col("action") == "write_tag")["count"].to_list() == [
        4 + len(picked),
        len(members),
    ]


def test_a_tag_that_grows_between_reading_and_writing_loses_nothing(
    stored: lw.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = lw.Dataset.load(stored.name, Path(stored.uri).parent)
    result = stored.query().sampling().preview(3, [EmbeddingDiversityStrategy()])
    result.save_as("grown")
    stranger = next(name for name in stored.query().sample_ids if name not in result.sample_ids)
    write = QueryCandidates.write_tag

    def late(self: QueryCandidates, *args: Any, **kwargs: Any) -> None:
        other.select([stranger]).add_tag("grown")  # the last moment before the write
        write(self, *args, **kwargs)

    monkeypatch.setattr(QueryCandidates, "write_tag", late)
    result.save_as("grown", grow=True)
    assert stored.tags["grown"].sample_ids.to_list() == [*result.sample_ids, stranger]


# -- what labels are worth ---------------------------------------------------------------------------------------------


@pytest.fixture
def labeled() -> MemoryDataset:
    """600 samples of four unequal classes around centers of their own."""
    rng = np.random.default_rng(0)
    codes = rng.choice(4, 600, p=[0.6, 0.25, 0.1, 0.05])
    vectors = (rng.normal(size=(4, 8))[codes] * 2 + rng.normal(size=(600, 8))).astype(np.float32)
    names = pl.Series(["cat", "dog", "owl", "eel"]).gather(codes)
    return MemoryDataset(600, {"m": vectors}, {"kind": names, "size": pl.Series(rng.random(600))}).label(
        names.to_list()
    )


def test_worth_is_measured_beside_random(labeled: MemoryDataset) -> None:
    result = Sampling(labeled.view()).preview(60, [EmbeddingDiversityStrategy()])
    curve = result.worth(budgets=[20, 60], n_random=3)
    assert curve.budgets == (20, 60)
    assert [found.name for found in curve.curves] == ["diversity"]
    assert curve.n_classes == 4
    assert curve.n_held_out == 150
    assert curve.random.accuracy[-1] > 0.6


def test_labels_of_metadata_are_the_same_as_annotations(labeled: MemoryDataset) -> None:
    result = Sampling(labeled.view()).preview(40, [RandomStrategy()])
    by_source, by_key = (result.worth(name, budgets=[40], n_random=2) for name in ("labels", "kind"))
    np.testing.assert_array_equal(by_source.curves[0].accuracy, by_key.curves[0].accuracy)


def test_unlabeled_samples_are_left_out_and_preselected_ones_stay(labeled: MemoryDataset) -> None:
    labeled.values["kind"] = pl.Series([name if i < 200 else None for i, name in enumerate(labeled.values["kind"])])
    labeled.tags["old"] = [f"id{i}" for i in range(150, 250)]
    result = Sampling(labeled.view()).preview(30, [EmbeddingDiversityStrategy()], preselected_tag_name="old")
    curve = result.worth("kind", budgets=[10], n_random=2)
    assert curve.n_labeled == 200
    assert curve.n_held_out == 150 // 4


def test_strategies_are_compared_by_name(labeled: MemoryDataset) -> None:
    sampling = Sampling(labeled.view())
    together = [EmbeddingDiversityStrategy(), EmbeddingTypicalityStrategy()]
    curve = sampling.learning_curve(
        [RandomStrategy(), together, RandomStrategy(1)], labels="kind", budgets=[20], n_random=2
    )
    assert [found.name for found in curve.curves] == ["random", "diversity + typicality", "random (2)"]
    named = sampling.learning_curve({"mine": together}, labels="kind", budgets=[20], n_random=2)
    np.testing.assert_array_equal(named.curves[0].accuracy, curve.curves[1].accuracy)


def test_worth_cancels_through_its_progress(labeled: MemoryDataset) -> None:
    def stop(fraction: float) -> None:
        if fraction > 0.6:
            raise Cancelled("enough")

    result = Sampling(labeled.view()).preview(40, [RandomStrategy()])
    with pytest.raises(Cancelled):
        result.worth("kind", progress=stop)


@pytest.mark.parametrize(
    ("labels", "match"),
    [("nothing", "nothing"), ("size", "size"), (None, "labels must name what to learn")],
)
def test_worth_names_what_cannot_be_learned(labeled: MemoryDataset, labels: str | None, match: str) -> None:
    labeled.label(["a"] * 600, source="second")
    result = Sampling(labeled.view()).preview(40, [RandomStrategy()])
    with pytest.raises(InvalidValueError, match=match):
        result.worth(labels)


@pytest.mark.parametrize("strategies", [[], {}, "diversity", RandomStrategy(), {"type": "random"}, 3])
def test_learning_curves_need_a_list_of_strategies(labeled: MemoryDataset, strategies: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="strategies"):
        Sampling(labeled.view()).learning_curve(strategies, labels="kind")
