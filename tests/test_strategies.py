"""Strategies: checked plain data, a dict and back, and terms for the solver."""

from __future__ import annotations

import gc
import json
import math
import random
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Meta

import lightly_widget as lw
from lightly_widget.errors import LightlyWidgetError, Progress, no_progress
from lightly_widget.solver import Balancing, Diversity, FacilityLocation, KernelCoverage, SubpartDiversity, Weighting
from lightly_widget.strategies import (
    AnnotationClassBalancingStrategy,
    Candidates,
    DatasetInfo,
    EmbeddingDeduplicationStrategy,
    EmbeddingDiversityStrategy,
    EmbeddingRepresentativeStrategy,
    EmbeddingSimilarityStrategy,
    EmbeddingTypicalityStrategy,
    MetadataBalancingStrategy,
    MetadataWeightingStrategy,
    Prepared,
    RandomStrategy,
    Strategy,
    SubpartDiversityStrategy,
    catalog,
    parse_strategies,
    strategy_from_dict,
    strategy_types,
    unusable,
)
from lightly_widget.strategies.baseline import interleave
from lightly_widget.strategies.targets import OTHERS
from lightly_widget.wire import generate
from tests.memory_view import MemoryDataset, line

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(lambda text: text.strip())
maybe = st.none() | names
strengths = st.floats(allow_nan=False, allow_infinity=False)
shares = st.dictionaries(names, st.floats(0.001, 2), min_size=1, max_size=5)
targets: st.SearchStrategy[Any] = st.sampled_from(["uniform", "input"]) | shares
any_strategy = st.one_of(
    st.builds(EmbeddingDiversityStrategy, maybe, strength=strengths),
    st.builds(EmbeddingDeduplicationStrategy, st.floats(0, 1e9), maybe, strength=strengths),
    st.builds(EmbeddingSimilarityStrategy, names, maybe, strength=strengths),
    st.builds(EmbeddingTypicalityStrategy, maybe, strength=strengths),
    st.builds(EmbeddingRepresentativeStrategy, maybe, strength=strengths),
    st.builds(SubpartDiversityStrategy, maybe, maybe, strength=strengths),
    st.builds(MetadataWeightingStrategy, names, strength=strengths),
    st.builds(MetadataBalancingStrategy, names, targets, strength=strengths),
    st.builds(AnnotationClassBalancingStrategy, targets, maybe, strength=strengths),
    st.builds(RandomStrategy, st.integers(0, 2**63 - 1), maybe, strength=strengths),
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner)
)


@given(any_strategy)
def test_dict_round_trip_through_json(strategy: Strategy) -> None:
    wire = json.loads(json.dumps(strategy.to_dict()))
    assert strategy_from_dict(wire) == strategy
    assert wire["type"] == strategy.type
    assert hash(strategy_from_dict(wire)) == hash(strategy)


@given(any_strategy)
def test_repr_is_code_that_makes_the_strategy(strategy: Strategy) -> None:
    classes = {kind.__name__: kind for kind in strategy_types().values()}
    assert eval(repr(strategy), classes) == strategy  # noqa: S307 - our own repr


def test_the_dict_of_the_wire() -> None:
    assert EmbeddingDiversityStrategy().to_dict() == {
        "type": "diversity",
        "strength": 1.0,
        "embedding_model_name": None,
    }
    assert set(strategy_types()) == {
        *("diversity", "deduplication", "metadata_weighting", "similarity", "typicality", "annotation_balancing"),
        *("metadata_balancing", "subpart_diversity", "representative", "random"),
    }
    assert all(kind.use_when and kind.title for kind in strategy_types().values())


def test_the_name_that_old_recipes_have_for_metadata_weighting_is_read() -> None:
    old = {"type": "weights", "metadata_key": "score", "strength": -2.0}
    strategy = strategy_from_dict(old)
    assert strategy == MetadataWeightingStrategy("score", strength=-2.0)
    assert strategy.to_dict() == old | {"type": "metadata_weighting"}


def attempt(data: Any) -> tuple[Strategy | None, str]:
    try:
        return strategy_from_dict(data), ""
    except LightlyWidgetError as error:
        return None, str(error)


@given(anything)
@settings(max_examples=300)
def test_any_json_gives_a_strategy_or_our_error(data: Any) -> None:
    made, message = attempt(data)
    assert isinstance(made, Strategy) or 0 < len(message) < 2_000


def test_ten_thousand_random_messages_never_crash() -> None:
    dice = random.Random(0)
    values: list[Any] = [None, True, 0, -1, 3, 1e308, math.nan, math.inf, 10**400, "", "uniform", "x" * 10**6, [], {}]
    values += [
        {"a": 1},
        {"a": -1},
        {"a": math.nan},
        {1: 1},
        [[]],
        b"x",
        {"a": {}},
        np.array([1, 2]),
        object(),
        "\ud800",
    ]
    options = ["strength", "embedding_model_name", "metadata_key", "target_distribution", "seed", "stratify_by", "junk"]
    options += ["stopping_condition_minimum_distance", "query_tag_name", "annotation_source"]
    kinds: list[Any] = [*strategy_types(), "junk", None, 3, [], {}]
    made = 0
    for _ in range(10_000):
        data: Any = {"type": dice.choice(kinds)}
        data |= {dice.choice(options): dice.choice(values) for _ in range(dice.randrange(4))}
        strategy, message = attempt(data)
        made += strategy is not None
        assert strategy is not None or 0 < len(message) < 2_000
    assert made > 100  # else the options are too wild for the test to mean anything


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        ({"type": "diversty"}, ValueError, "unknown strategy type 'diversty'; there are: 'diversity'"),
        (
            {"type": "diversity", "strenght": 2},
            ValueError,
            "'strenght'; there are: 'strength'",
        ),
        ({"type": "weights"}, ValueError, "needs 'metadata_key'"),
        ({"type": "weights", "metadata_key": 3}, TypeError, "metadata_key must be a string, got 3"),
        ({"type": "weights", "metadata_key": " "}, ValueError, "metadata_key must not be empty, got ' '"),
        ({"type": "diversity", "strength": True}, TypeError, "strength must be a number, got True"),
        ({"type": "diversity", "strength": "1"}, TypeError, "strength must be a number, got '1'"),
        ({"type": "diversity", "strength": math.nan}, ValueError, "strength must be finite, got nan"),
        ({"type": "diversity", "strength": -math.inf}, ValueError, "strength must be finite, got -inf"),
        (
            {"type": "deduplication", "stopping_condition_minimum_distance": -0.1},
            ValueError,
            "at least 0, got -0.1",
        ),
        ({"type": "random", "seed": 1.5}, TypeError, "seed must be an integer, got 1.5"),
        ({"type": "random", "seed": -1}, ValueError, "seed must be at least 0, got -1"),
        ({"type": "annotation_balancing", "target_distribution": "unifrom"}, ValueError, "'uniform'"),
        (
            {"type": "annotation_balancing", "target_distribution": {"a": -1}},
            ValueError,
            r"\['a'\] must be at least 0",
        ),
        ({"type": "annotation_balancing", "target_distribution": {"a": math.inf}}, ValueError, "finite"),
        ({"type": "annotation_balancing", "target_distribution": {"a": 0}}, ValueError, "no class a share above 0"),
        ({"type": "annotation_balancing", "target_distribution": {}}, ValueError, "no class a share above 0"),
        ({"type": "annotation_balancing", "target_distribution": 3}, TypeError, "must be a string or a dict, got 3"),
        ("diversity", TypeError, "a strategy must be a dict"),
    ],
)
def test_wrong_dicts_are_named(data: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        strategy_from_dict(data)


@pytest.mark.parametrize(
    ("items", "error", "words"),
    [
        ([], ValueError, "must contain at least one strategy, got"),
        (None, TypeError, "must be a list"),
        ("diversity", TypeError, "must be a list"),
        (EmbeddingDiversityStrategy(), TypeError, r"write \[EmbeddingDiversityStrategy"),
        ([EmbeddingDiversityStrategy], ValueError, r"create one first: EmbeddingDiversityStrategy\("),
        ([3], ValueError, r"sampling_strategies\[0\]: unknown strategy 3"),
        ([EmbeddingDiversityStrategy()] * 101, ValueError, "at most 100"),
    ],
)
def test_wrong_lists_of_strategies_are_named(items: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        parse_strategies(items)


def test_options_are_converted_and_copied() -> None:
    wanted = {"a": np.float32(0.5), True: 1}
    strategy = MetadataBalancingStrategy("key", wanted, strength=np.int64(2))  # type: ignore[arg-type]
    wanted["a"] = 0
    assert strategy.target_distribution == {"a": 0.5, "true": 1.0}
    assert type(strategy.strength) is float


def test_reasons_why_unusable() -> None:
    empty = unusable(DatasetInfo(n_samples=3))
    assert set(empty) == set(strategy_types()) - {"random"}
    assert "embed()" in empty["diversity"]
    full = DatasetInfo(3, ("m",), ("t",), {"s": "object_detection"}, {"x": "number", "y": "string"})
    assert unusable(full) == {}
    assert set(unusable(DatasetInfo(3, ("m",)))) == {
        *("similarity", "metadata_weighting", "annotation_balancing", "metadata_balancing", "subpart_diversity")
    }
    assert "subpart_diversity" in unusable(DatasetInfo(3, ("m",), (), {"s": "classification"}))


def test_a_new_strategy_is_in_the_dict_and_in_the_panel_by_its_declaration_alone() -> None:
    class Loudest(Strategy, tag="loudest", frozen=True):
        title: ClassVar[str] = "Loudest"
        use_when: ClassVar[str] = "you want noise."
        inverted: ClassVar[str] = "Inverted: the quietest come first."
        volume: Annotated[float, Meta(ge=0, le=11, title="Volume")] = 5.0
        ears: Literal["left", "right"] = "left"

        def prepare(self, view: Candidates, progress: Progress) -> Prepared:
            return Prepared(())

        @classmethod
        def why_unusable(cls, info: DatasetInfo) -> str | None:
            return None

    assert strategy_from_dict({"type": "loudest", "volume": 11}) == Loudest(11.0)
    with pytest.raises(ValueError, match="volume must be at most 11, got 12"):
        Loudest(12)
    card = next(card for card in catalog() if card["type"] == "loudest")
    assert card == {
        "type": "loudest",
        "title": "Loudest",
        "useWhen": "you want noise.",
        "inverted": "Inverted: the quietest come first.",
        "options": [
            {"name": "volume", "label": "Volume", "kind": "number", "minimum": 0, "maximum": 11, "initial": 5.0},
            {"name": "ears", "label": "Ears", "kind": "choice", "choices": ["left", "right"], "initial": "left"},
        ],
    }
    assert '"loudest"' in generate.catalog_file()
    del Loudest
    gc.collect()  # the registry holds no reference of its own, so the class leaves no trace in other tests
    assert "loudest" not in strategy_types()


NEW_MODULE = """
from typing import ClassVar

import numpy as np

from lightly_widget.solver import Weighting
from lightly_widget.strategies.base import Prepared, Strategy


class LastFirstStrategy(Strategy, tag="last_first", frozen=True):
    title: ClassVar[str] = "Last first"
    use_when: ClassVar[str] = "the newest samples matter."
    inverted: ClassVar[str] = "Inverted: the oldest come first."

    def prepare(self, view, progress):
        return Prepared((Weighting(np.arange(len(view), dtype=np.float64), self.strength),))

    @classmethod
    def why_unusable(cls, info):
        return None
"""
USES_IT = """
import sys
from lightly_widget import strategies

strategies.__path__.append(sys.argv[1])

from lightly_widget.sampling import Sampling
from lightly_widget.wire import generate
from tests.memory_view import MemoryDataset, line

sampling = Sampling(MemoryDataset(6, {"m": line(*range(6))}).view())
print(sampling.preview(3, [{"type": "last_first"}]).sample_ids)
print(sampling.preview(2, [{"type": "last_first", "strength": -1}]).sample_ids)
print('"last_first"' in generate.catalog_file(), "last_first" in strategies.unusable(strategies.DatasetInfo(6)))
"""


def test_a_module_in_the_folder_is_all_that_a_new_strategy_takes(tmp_path: Path) -> None:
    (tmp_path / "last_first.py").write_text(NEW_MODULE)
    command = [sys.executable, "-c", USES_IT, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1])
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["['id5', 'id4', 'id3']", "['id0', 'id1']", "True False"]


# --- terms ---


def one_term(strategy: Strategy, data: MemoryDataset, rows: list[int] | None = None) -> Any:
    (term,) = strategy.terms(data.view(rows), no_progress)
    assert term.strength == strategy.strength
    return term


def test_embedding_terms_hold_the_candidates_in_their_order() -> None:
    data = MemoryDataset(5, {"m": line(0, 1, 2, 3, 4)})
    diversity = one_term(EmbeddingDiversityStrategy(strength=2), data, [4, 0])
    assert isinstance(diversity, Diversity)
    assert diversity.embeddings[:, 0].tolist() == [4, 0]
    assert one_term(EmbeddingDeduplicationStrategy(0.5), data).minimum_distance == 0.5


def test_similarity_weights_have_the_mean_over_all_candidates_the_query_included() -> None:
    data = MemoryDataset(4, {"m": line(0, 1, 2, 3)}, tags={"query": ["id0"]})
    term = one_term(EmbeddingSimilarityStrategy("query"), data)
    assert isinstance(term, Weighting)
    assert term.weights == pytest.approx(np.exp(-np.array([0, 1, 2, 3]) / 1.5))
    away = one_term(EmbeddingSimilarityStrategy("query"), data, [3, 2])  # the query need not be among the candidates
    assert away.weights == pytest.approx(np.exp(-np.array([3, 2]) / 2.5))


def test_similarity_is_one_where_all_are_on_the_query() -> None:
    data = MemoryDataset(3, {"m": line(7, 7, 7)}, tags={"query": ["id1"]})
    assert one_term(EmbeddingSimilarityStrategy("query"), data).weights.tolist() == [1, 1, 1]


def test_typicality_is_of_the_whole_dataset() -> None:
    points = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    data = MemoryDataset(40, {"m": points})
    whole = one_term(EmbeddingTypicalityStrategy(), data).weights
    distances = np.linalg.norm(points[:, None].astype(float) - points[None], axis=2)
    nearest = np.sort(distances, axis=1)[:, 1:21]
    assert whole == pytest.approx(np.exp(-nearest / nearest.mean()).mean(axis=1), rel=1e-5)
    assert one_term(EmbeddingTypicalityStrategy(), data, [7, 3]).weights == pytest.approx(whole[[7, 3]])


def test_typicality_refuses_candidates_without_embedding() -> None:
    data = MemoryDataset(5, {"m": line(0, 1, 2, 3, 4)}, unembedded={"id1", "id4"})
    with pytest.raises(ValueError, match=r"1 of 2 candidates have no embedding \(first: 'id4'\)"):
        EmbeddingTypicalityStrategy().terms(data.view([0, 4]), no_progress)


def test_representative_covers_the_candidates_alone() -> None:
    points = np.random.default_rng(1).normal(size=(10, 2)).astype(np.float32)
    term = one_term(
        EmbeddingRepresentativeStrategy(bandwidth=0.4, strength=2), MemoryDataset(10, {"m": points}), [3, 1]
    )
    assert isinstance(term, KernelCoverage)
    assert term.embeddings.tolist() == points[[3, 1]].tolist()
    assert (term.bandwidth, term.strength) == (0.4, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bandwidth": 0.0}, "bandwidth must be"),
        ({"bandwidth": float("nan")}, "bandwidth"),
        ({"scope": "all"}, "scope"),
    ],
)
def test_representative_refuses_what_it_cannot_use(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EmbeddingRepresentativeStrategy(**options)


@pytest.mark.parametrize("rows", [None, [9, 1, 5, 3]])
def test_representative_edges_are_the_candidates_own_neighbors(rows: list[int] | None) -> None:
    points = np.random.default_rng(1).normal(size=(10, 2)).astype(np.float32)
    term = one_term(EmbeddingRepresentativeStrategy(scope="local"), MemoryDataset(10, {"m": points}), rows)
    assert isinstance(term, FacilityLocation)
    chosen = points if rows is None else points[rows]
    distances = np.linalg.norm(chosen[:, None] - chosen[None], axis=2)
    mean = distances[~np.eye(len(chosen), dtype=bool)].mean()  # fewer than 21 candidates: all are neighbors
    for row, (ends, weights) in enumerate(zip(term.indices, term.similarities, strict=True)):
        edges = ends >= 0
        assert set(ends[edges].tolist()) == set(range(len(chosen))) - {row}
        assert weights[edges] == pytest.approx(np.exp(-distances[row, ends[edges]] / mean), rel=1e-4)
        assert (weights[~edges] == 0).all()


def test_subparts_belong_to_their_candidates() -> None:
    data = MemoryDataset(3, {"m": line(0, 0, 0)}, crops=(line(1, 2, 3, 4), ["id0", "id2", "id2", "id1"]))
    term = one_term(SubpartDiversityStrategy(), data, [2, 0])
    assert isinstance(term, SubpartDiversity)
    assert term.embeddings[:, 0].tolist() == [1, 2, 3]
    assert term.rows.tolist() == [1, 0, 0]
    with pytest.raises(ValueError, match="no candidate has an annotated box"):
        SubpartDiversityStrategy().terms(MemoryDataset(3, {"m": line(0, 0, 0)}).view(), no_progress)


def test_booleans_weigh_zero_and_one() -> None:
    data = MemoryDataset(3, values={"b": pl.Series([True, False, True])})
    assert one_term(MetadataWeightingStrategy("b"), data).weights.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (pl.Series([1.0, None, None]), r"missing for 2 of 3 candidates \(first: 'id1', 'id2'\).*match\("),
        (pl.Series([1.0, math.nan, 2.0]), r"1 of 3 candidates have a value that is not finite \(first: 'id1'\)"),
        (pl.Series([1.0, math.inf, 2.0]), "not finite"),
        (pl.Series(["a", "b", "c"]), "3 values are not numbers but String"),
        (pl.Series([None, None, None]), "missing for 3 of 3"),
    ],
)
def test_weights_that_are_missing_or_no_numbers_are_counted(values: pl.Series, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        MetadataWeightingStrategy("k").terms(MemoryDataset(3, values={"k": values}).view(), no_progress)


def balance(strategy: Strategy, data: MemoryDataset) -> tuple[dict[str, float], np.ndarray, tuple[str, ...]]:
    prepared = strategy.prepare(data.view(), no_progress)
    (term,) = prepared.terms
    assert isinstance(term, Balancing)
    assert prepared.balance is not None
    assert term.target.sum() == pytest.approx(1)
    return (
        dict(zip(prepared.balance.names, term.target.tolist(), strict=True)),
        np.asarray(term.counts),
        prepared.warnings,
    )


def test_targets_of_class_balancing() -> None:
    data = MemoryDataset(5).label(["cat", "cat", "dog", None, "cow"])
    uniform, counts, _ = balance(AnnotationClassBalancingStrategy("uniform"), data)
    assert uniform == pytest.approx({"cat": 1 / 3, "cow": 1 / 3, "dog": 1 / 3})
    assert counts.tolist() == [[1, 0, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 1, 0]]
    assert balance(AnnotationClassBalancingStrategy("input"), data)[0] == {"cat": 0.5, "cow": 0.25, "dog": 0.25}


@pytest.mark.parametrize(
    ("shares", "expected", "warning"),
    [
        ({"cat": 0.2}, {"cat": 0.2, OTHERS: 0.8}, None),
        ({"cat": 0.5, "dog": 0.5}, {"cat": 0.5, "dog": 0.5, OTHERS: 0.0}, None),
        ({"dog": 3, "cat": 1}, {"dog": 0.75, "cat": 0.25, OTHERS: 0.0}, "sums to 4, more than 1"),
        ({"cat": 0.2, "cow": 0.2, "dog": 0.1}, {"cat": 0.4, "cow": 0.4, "dog": 0.2}, "names every class"),
        ({"cat": 1e308, "cow": 1e308}, {"cat": 0.5, "cow": 0.5, OTHERS: 0.0}, "more than 1"),
    ],
)
def test_the_rest_of_a_dict_goes_to_all_other_classes_together(
    shares: dict[str, float], expected: dict[str, float], warning: str | None
) -> None:
    data = MemoryDataset(5).label(["cat", "cat", "dog", "dog", "cow"])
    found, counts, warnings = balance(AnnotationClassBalancingStrategy(shares), data)
    assert found == pytest.approx(expected)
    assert list(found) == list(expected)
    assert counts.sum() == 5  # every annotation is counted, in its own column or the last
    assert [warning is not None] == [len(warnings) == 1]
    assert warning is None or warning in warnings[0]


def test_boxes_are_counted_each() -> None:
    data = MemoryDataset(2).label(["a", "b"]).label(["a", "a"])
    _, counts, _ = balance(AnnotationClassBalancingStrategy(), data)
    assert counts.tolist() == [[2, 0], [1, 1]]


def test_metadata_balancing_of_text_and_booleans() -> None:
    data = MemoryDataset(
        3, values={"city": pl.Series(["rome", "oslo", "rome"]), "night": pl.Series([True, False, True])}
    )
    found, counts, _ = balance(MetadataBalancingStrategy("city", "uniform"), data)
    assert found == {"oslo": 0.5, "rome": 0.5}
    assert counts.tolist() == [[0, 1], [1, 0], [0, 1]]
    by_bool: Any = {True: 0.9, False: 0.1}
    found, counts, _ = balance(MetadataBalancingStrategy("night", by_bool), data)
    assert found == {"true": 0.9, "false": 0.1}
    assert counts.tolist() == [[1, 0], [0, 1], [1, 0]]


def test_balancing_refuses_what_it_cannot_balance() -> None:
    many = pl.Series([f"file{i}" for i in range(1001)])
    data = MemoryDataset(1001, values={"file": many, "x": pl.Series(range(1001)), "y": many.set(many == "file3", None)})
    view = data.view()
    with pytest.raises(ValueError, match=r"1,001 different values.*give a dict"):
        MetadataBalancingStrategy("file").terms(view, no_progress)
    with pytest.raises(ValueError, match="not text or booleans; weigh numbers with MetadataWeightingStrategy"):
        MetadataBalancingStrategy("x").terms(view, no_progress)
    with pytest.raises(ValueError, match=r"missing for 1 of 1,001 candidates \(first: 'id3'\)"):
        MetadataBalancingStrategy("y").terms(view, no_progress)
    with pytest.raises(ValueError, match="unknown class 'file1x'; there are: 'file1'"):
        MetadataBalancingStrategy("file", {"file1x": 1}).terms(view, no_progress)


def test_a_class_that_only_others_have_keeps_its_share_with_a_warning() -> None:
    data = MemoryDataset(4, values={"city": pl.Series(["rome", "oslo", "rome", "lima"])})
    view = data.view([0, 1, 2])
    wanted = {"lima": 0.5, "oslo": 0.3}
    prepared = MetadataBalancingStrategy("city", wanted).prepare(view, no_progress)
    assert prepared.balance is not None
    assert prepared.balance.names == ("lima", "oslo", "(all others)")
    assert prepared.balance.target.tolist() == pytest.approx([0.5, 0.3, 0.2])
    assert prepared.balance.counts.tolist() == [[0, 0, 1], [0, 1, 0], [0, 0, 1]]
    assert prepared.warnings == ("no candidate is 'lima': the sample cannot come nearer to that share",)
    with pytest.raises(ValueError, match="no candidate is 'lima'; widen the query"):
        MetadataBalancingStrategy("city", {"lima": 1}).prepare(view, no_progress)
    with pytest.raises(ValueError, match="unknown class 'limo'; there are: 'lima'"):
        MetadataBalancingStrategy("city", {"limo": 1, "rome": 1}).prepare(view, no_progress)


# --- random ---


@given(st.lists(st.integers(0, 4), min_size=1, max_size=120), st.integers(0, 99))
def test_every_prefix_of_a_stratified_order_is_in_proportion(groups: list[int], seed: int) -> None:
    _, codes = np.unique(groups, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(codes))
    mixed = interleave(order, codes.astype(np.int64))
    assert sorted(mixed.tolist()) == list(range(len(codes)))
    sizes = np.bincount(codes)
    for n in range(1, len(codes) + 1):
        lag = sizes * n / len(codes) - np.bincount(codes[mixed[:n]], minlength=len(sizes))
        assert np.abs(lag).max() < 1.5
    for group in range(len(sizes)):  # within a group the order is the random one
        assert [r for r in mixed if codes[r] == group] == [r for r in order if codes[r] == group]


def test_small_strata_are_not_put_off() -> None:
    codes = np.array([0] * 50 + list(range(1, 51)))  # one group of half, fifty of one
    mixed = interleave(np.arange(100), codes)
    assert abs(int((codes[mixed[:40]] == 0).sum()) - 20) <= 1


def test_strata_by_label_and_by_metadata() -> None:
    data = MemoryDataset(6, values={"city": pl.Series(["a", "a", "b", "b", "b", "b"]), "x": pl.Series(range(6))})
    data.label(["p", "p", "q", None, None, None]).label(["q", "p", "q", None, None, None])
    by_label = one_term(RandomStrategy(3, "labels"), data).weights
    by_city = one_term(RandomStrategy(3, "city"), data).weights
    assert sorted(by_label.tolist()) == pytest.approx([i / 6 for i in range(1, 7)])
    first_two = np.argsort(-by_label)[:2]
    assert {3, 4, 5} & set(first_two.tolist())  # half have no label, so one of the first two has none
    first_three = np.argsort(-by_city)[:3]
    assert sum(row < 2 for row in first_three) == 1
    with pytest.raises(ValueError, match=r"stratify_by: unknown .* 'citi'; there are: 'city'"):
        RandomStrategy(0, "citi").terms(data.view(), no_progress)
    with pytest.raises(ValueError, match="not text or booleans"):
        RandomStrategy(0, "x").terms(data.view(), no_progress)
    data.values["labels"] = data.values["city"]
    with pytest.raises(ValueError, match="an annotation source and a metadata key"):
        RandomStrategy(0, "labels").terms(data.view(), no_progress)


def test_seeds_decide_and_repeat() -> None:
    data = MemoryDataset(50)
    first, again, other = (one_term(RandomStrategy(seed), data).weights for seed in (1, 1, 2))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


def test_coverage_is_weighted_by_a_number(tmp_path: Path) -> None:
    """Two groups: without weights the larger one comes first, and with them the one of large weight."""
    rng = np.random.default_rng(0)
    vectors = np.concatenate([rng.normal([3, 0], 0.1, (30, 2)), rng.normal([-3, 0.5], 0.1, (10, 2))])
    frame = pl.DataFrame({"text": ["-"] * 40, "unsure": [0.01] * 30 + [1.0] * 10, "below": [-1.0] * 40})
    dataset = lw.Dataset.from_polars(frame, name="two", path=tmp_path, embeddings=vectors.astype(np.float32))
    ids = dataset.query().sample_ids.to_list()

    def first(**options: Any) -> int:
        result = dataset.query().sampling().preview(1, [lw.EmbeddingRepresentativeStrategy(**options)])
        return ids.index(result.new_ids[0])

    assert first() < 30
    assert first(weight_by="unsure") >= 30
    with pytest.raises(ValueError, match="weight_by='below' must hold numbers of 0 or more"):
        first(weight_by="below")
    with pytest.raises(ValueError, match="weight_by='unsure' needs scope='global', got scope='local'"):
        first(weight_by="unsure", scope="local")
