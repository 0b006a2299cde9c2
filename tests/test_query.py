from __future__ import annotations

import functools
import json
import operator
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lightly_widget as lw
from lightly_widget import AND, NOT, OR, ClassificationField, ClassificationQuery, ObjectDetectionField, SampleField
from lightly_widget import ObjectDetectionQuery as Boxes
from lightly_widget.dataset import core_of
from lightly_widget.dataset.images import add_scan
from lightly_widget.errors import InvalidTypeError, InvalidValueError, UnknownFieldError, UnknownNameError
from lightly_widget.query import Query
from lightly_widget.query.algebra import Expression, from_dict
from lightly_widget.query.code import filter_code
from lightly_widget.query.snapshot import places_of
from tests.durability import scan_of

F = lw.ImageSampleField
M = SampleField.metadata

ROWS: list[dict[str, Any]] = [
    {
        "sample_id": f"s{i:02}",
        "number": None if i % 7 == 3 else i % 5,
        "share": None if i % 5 == 1 else float("nan") if i == 8 else i / 4 - 2,
        "word": None if i % 11 == 4 else ["rot", "grün", "Rotkohl", "", "b.c"][i % 5],
        "flag": None if i % 6 == 5 else i % 2 == 0,
        "when": None if i % 9 == 2 else datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=i % 4),
    }
    for i in range(40)
]
TAGS = {"a": [f"s{i:02}" for i in range(0, 40, 3)], "b": ["s07", "s01", "s03"], "none": []}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> lw.Dataset:
    made = lw.Dataset.from_polars(pl.DataFrame(ROWS), name="rows", path=tmp_path_factory.mktemp("home"))
    for name, ids in TAGS.items():
        core_of(made).candidates(made.query()).write_tag(name, pl.Series(ids, dtype=pl.String), recipe={}, grow=False)
    return made


# Three-valued, as the queries are: None is 'cannot be told'.
Truth = bool | None
Case = tuple[Expression, Callable[[dict[str, Any]], Truth]]
OPERATORS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "number": st.one_of(
        st.integers(-1, 5), st.floats(-1, 5), st.just(2**70), st.sampled_from([np.int8(2), np.float32(1)])
    ),
    "share": st.one_of(st.integers(-3, 9), st.sampled_from([-1.75, 0.25, float("inf"), -float("inf")])),
    "word": st.sampled_from(["rot", "grün", "r", "", "zzz", "b.c", "."]),
    "flag": st.booleans(),
    "when": st.integers(0, 4).map(lambda d: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=d)),
}


def compare(key: str, op: Callable[[Any, Any], Any], value: Any) -> Case:
    return op(M[key], value), lambda row: None if row[key] is None else bool(op(row[key], value))


def is_in(key: str, values: list[Any]) -> Case:
    return M[key].is_in(values), lambda row: None if row[key] is None else any(row[key] == v for v in values)


def both(cases: list[Case], combine: Any, python: Callable[[list[Truth]], Truth]) -> Case:
    return combine(*(e for e, _ in cases)), lambda row: python([truth(row) for _, truth in cases])


def all_of(truths: list[Truth]) -> Truth:
    return False if False in truths else None if None in truths else True


def any_of(truths: list[Truth]) -> Truth:
    return True if True in truths else None if None in truths else False


def negated(case: Case) -> Case:
    def truth(row: dict[str, Any]) -> Truth:
        value = case[1](row)
        return None if value is None else not value

    return ~case[0], truth


def has_tag(name: str) -> Case:
    return SampleField.tags.contains(name), lambda row: row["sample_id"] in TAGS[name]


leaves = st.one_of(
    st.sampled_from(sorted(VALUES)).flatmap(
        lambda key: st.builds(compare, st.just(key), st.sampled_from(OPERATORS), VALUES[key])
    ),
    st.sampled_from(sorted(VALUES)).flatmap(
        lambda key: st.builds(is_in, st.just(key), st.lists(VALUES[key], max_size=3))
    ),
    st.sampled_from(sorted(VALUES)).map(lambda key: (M[key].is_null(), lambda row: row[key] is None)),
    VALUES["word"].map(
        lambda text: (M["word"].contains(text), lambda row: None if row["word"] is None else text in row["word"])
    ),
    VALUES["word"].map(
        lambda t: (M["word"].starts_with(t), lambda row: None if row["word"] is None else row["word"].startswith(t))
    ),
    st.sampled_from(sorted(TAGS)).map(has_tag),
)
cases = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda cs: both(cs, AND, all_of)),
        st.lists(inner, max_size=3).map(lambda cs: both(cs, OR, any_of)),
        inner.map(negated),
    ),
    max_leaves=6,
)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cases)
def test_a_filter_gives_what_plain_python_gives(dataset: lw.Dataset, case: Case) -> None:
    expression, truth = case
    expected = [row["sample_id"] for row in ROWS if truth(row)]
    assert dataset.match(expression).sample_ids.to_list() == expected
    # … also after a journey as JSON, and as Python code
    data = json.loads(json.dumps(expression.to_dict()))
    assert dataset.match(from_dict(data)).sample_ids.to_list() == expected
    assert from_dict(data).to_dict() == data
    code = eval(filter_code(data, "lw.SampleField"), {"lw": lw, "inf": float("inf")})  # noqa: S307 - our own code
    assert dataset.match(code).sample_ids.to_list() == expected


@given(
    st.lists(
        st.one_of(st.slices(40), st.slices(7), st.builds(slice, *[st.one_of(st.none(), st.integers(-50, 50))] * 2))
    )
)
def test_slices_are_those_of_python(dataset: lw.Dataset, slices: list[slice]) -> None:
    query, expected = dataset.query(), [row["sample_id"] for row in ROWS]
    for part in slices:
        query, expected = query[part], expected[part]
    assert query.sample_ids.to_list() == expected
    assert len(query) == len(expected)
    if expected:
        assert query[-1].sample_id == expected[-1]
    with pytest.raises(IndexError):
        query[len(expected)]


@pytest.mark.parametrize("key", ["number", "word", "when", "flag"])
@pytest.mark.parametrize("descending", [False, True])
def test_order_is_stable_with_nulls_last(dataset: lw.Dataset, key: str, descending: bool) -> None:
    known = sorted((r for r in ROWS if r[key] is not None), key=lambda r: r[key], reverse=descending)
    if descending:  # reverse keeps equal ones in order, as sorted() promises
        known = sorted((r for r in ROWS if r[key] is not None), key=lambda r: r[key], reverse=True)
    expected = [r["sample_id"] for r in [*known, *(r for r in ROWS if r[key] is None)]]
    field = M[key]
    assert dataset.order_by(field, descending=descending).sample_ids.to_list() == expected
    assert dataset.order_by(field.desc() if descending else field.asc()).sample_ids.to_list() == expected
    assert dataset.order_by(f"metadata.{key}", descending=descending).sample_ids.to_list() == expected


def test_a_query_is_immutable_and_branches(dataset: lw.Dataset) -> None:
    base = dataset.match(M["number"] > 1)
    before = base.sample_ids.to_list()
    base.match(M["flag"] == True)[:2]  # noqa: E712 - a field, not a truth value
    base.order_by(M["word"])
    assert base.sample_ids.to_list() == before


def test_a_chained_comparison_is_refused_with_the_right_way() -> None:
    with pytest.raises(InvalidTypeError, match=r"&.*between"):
        _ = 11 < F.width < 14
    with pytest.raises(InvalidTypeError):
        _ = (F.width > 1) and (F.height > 1)
    with pytest.raises(InvalidTypeError):
        _ = not F.width
    assert F.width.between(11, 14).to_dict() == AND(F.width >= 11, F.width <= 14).to_dict()


def test_polars_expressions_are_accepted(dataset: lw.Dataset) -> None:
    ours = dataset.match(M["number"] > 2).sample_ids.to_list()
    assert dataset.match(pl.col("metadata.number") > 2).sample_ids.to_list() == ours
    mixed = dataset.match(M["number"] > 2, pl.col("tags").list.contains("a")).sample_ids.to_list()
    assert mixed == dataset.match((M["number"] > 2) & SampleField.tags.contains("a")).sample_ids.to_list()
    assert len(dataset.match(pl.lit(True))) == 40
    assert dataset.order_by(-pl.col("metadata.share")).sample_ids[0] == "s39"
    with pytest.raises(InvalidTypeError, match="plain-data"):
        NOT(pl.col("metadata.number") > 2).to_dict()
    for wrong in (pl.col("metadata.number"), pl.col("metadata.flag").sum() > 1, pl.col("metadata.word") > 1):
        query = dataset.match(wrong)
        if wrong.meta.root_names() != ["metadata.flag"]:
            with pytest.raises(InvalidTypeError):
                query.to_list()


def test_unknown_and_unfit_things_are_named(dataset: lw.Dataset) -> None:
    with pytest.raises(UnknownNameError, match="unknown metadata key 'numbr'; there are: 'number'"):
        len(dataset.match(M["numbr"] > 1))
    with pytest.raises(UnknownNameError, match="unknown tag 'A'; there are: 'a'"):
        len(dataset.match(SampleField.tags.contains("A")))
    with pytest.raises(UnknownNameError, match="unknown field"):
        len(dataset.match(F.width > 1))
    with pytest.raises(UnknownFieldError, match="'width'"):
        _ = F.widht
    with pytest.raises(InvalidTypeError, match=r"holds numbers.*'x'"):
        len(dataset.match(M["number"] > "x"))
    with pytest.raises(InvalidTypeError, match="holds numbers"):
        len(dataset.match(M["number"].contains("x")))
    with pytest.raises(InvalidTypeError, match="is_null"):
        _ = M["number"] == None  # noqa: E711
    with pytest.raises(InvalidValueError, match="NaN"):
        _ = M["number"] > float("nan")
    with pytest.raises(InvalidTypeError):
        dataset.match("width > 3")
    with pytest.raises(InvalidTypeError, match="polars"):
        _ = F.width > F.height
    with pytest.raises(InvalidTypeError):
        F.width.is_in("abc")
    with pytest.raises(InvalidValueError, match="step"):
        dataset.query()[::0]


names = st.sampled_from(
    ["field", "cmp", "value", "values", "item", "items", "tag", "class", "source", "criteria", "type"]
)
ops = st.sampled_from(["and", "not", "compare", "is_in", "has_tag", "has_class", "annotated", "drop table", 3, None])
rubbish = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.floats()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.builds(lambda op, rest: {**rest, "op": op}, ops, st.dictionaries(names, inner)),
    ),
    max_leaves=8,
)


@given(rubbish)
def test_data_that_is_no_filter_gives_a_typed_error(data: Any) -> None:
    try:
        expression = from_dict(data)
    except (InvalidValueError, InvalidTypeError):
        return
    assert isinstance(expression, Expression)


def test_split_parts_are_disjoint_complete_and_repeatable(dataset: lw.Dataset) -> None:
    base = dataset.match(M["number"].is_in([0, 1, 2]))
    parts = base.split({"train": 7, "val": 2, "test": 1, "nobody": 0}, seed=3)
    ids = {name: part.sample_ids.to_list() for name, part in parts.items()}
    together = [i for part in ids.values() for i in part]
    assert sorted(together) == sorted(base.sample_ids.to_list())
    assert len(set(together)) == len(together)
    assert abs(len(ids["train"]) - 0.7 * len(base)) <= 1
    assert ids["nobody"] == []
    assert ids["train"] == sorted(ids["train"])  # in query order
    again = base.split({"train": 7, "val": 2, "test": 1, "nobody": 0}, seed=3)
    assert ids == {name: part.sample_ids.to_list() for name, part in again.items()}
    assert ids["train"] != base.split({"train": 7, "val": 3}, seed=4)["train"].sample_ids.to_list()
    halves = base.split({"a": 1, "b": 1})
    assert abs(len(halves["a"]) - len(halves["b"])) <= 1
    for wrong in ({}, {"a": 0}, {"a": -1}, {"a": float("nan")}, {"a": True}, [1, 2]):
        with pytest.raises((InvalidValueError, InvalidTypeError)):
            base.split(wrong)  # type: ignore[arg-type]


def test_a_query_travels_as_plain_data(dataset: lw.Dataset) -> None:
    part = dataset.match(M["number"] > 0).order_by(M["word"].desc())[2:-3].split({"a": 1, "b": 1})["b"]
    for query in (part, dataset.select(["s03", "s01"]), dataset.match(pl.col("metadata.number") == 1)[:3]):
        data = json.loads(json.dumps(query.to_dict()))
        assert Query.from_dict(dataset, data).sample_ids.to_list() == query.sample_ids.to_list()
    with pytest.raises(InvalidValueError):
        Query.from_dict(dataset, {"steps": [{"step": "drop table"}]})


def test_the_plan_is_shown(dataset: lw.Dataset) -> None:
    query = dataset.match((M["number"] > 1) & ~SampleField.tags.contains("a")).order_by(M["word"])[:5]
    for part in ("metadata.number > 1", "tags.contains('a')", "order_by(metadata.word", "[:5]"):
        assert part in query.explain()
        assert part in repr(query)
    assert 'polars: [([(col("metadata.number")) > (dyn int: 1)]) & (col("tag:a").not())]' in query.explain()


def test_all_criteria_are_met_by_one_annotation(tmp_path: Path) -> None:
    images = lw.ImageDataset.create("boxes", tmp_path)
    add_scan(core_of(images), scan_of(range(3)))
    ids = images.query().sample_ids.to_list()
    rows = [(0, "cat", 0.9, 1, 1), (0, "dog", 0.2, 3, 3), (1, "cat", 0.3, 3, 3), (1, "dog", 0.95, 1, 1)]
    frame = pl.DataFrame(
        {
            "sample_id": [ids[r[0]] for r in rows],
            "annotation_type": "object_detection",
            "class_name": [r[1] for r in rows],
            "confidence": [r[2] for r in rows],
            "x": 0.0,
            "y": 0.0,
            "width": [float(r[3]) for r in rows],
            "height": [float(r[4]) for r in rows],
        }
    )
    images.labels._add(frame, "model")
    images.labels.add_classifications({ids[2]: "cat"}, annotation_source="human")
    sure_cat = Boxes.match(ObjectDetectionField.class_name == "cat", ObjectDetectionField.confidence > 0.5)
    assert images.match(sure_cat).sample_ids.to_list() == [ids[0]]
    big = Boxes.match(ObjectDetectionField.area >= 9)
    assert images.match(big).sample_ids.to_list() == ids[:2]
    assert images.match(Boxes.match()).sample_ids.to_list() == ids[:2]
    assert images.match(ClassificationQuery.match(ClassificationField.class_name == "cat")).sample_ids.to_list() == [
        ids[2]
    ]
    has = {"op": "has_class", "class": "cat", "source": None}
    assert images.match(from_dict(has)).sample_ids.to_list() == ids
    assert images.match(from_dict({**has, "source": "human"})).sample_ids.to_list() == [ids[2]]
    assert images.match(from_dict(sure_cat.to_dict())).sample_ids.to_list() == [ids[0]]
    with pytest.raises(UnknownNameError, match="'class_name'"):
        len(images.match(Boxes.match(SampleField.metadata["x"] > 1)))


# -- depth and size --------------------------------------------------------------------------------------------------


class Counted:
    """Stands for a polars expression: how deep it is and how many operations made it."""

    operations = 0

    def __init__(self, depth: int = 1) -> None:
        self.depth = depth

    def __or__(self, other: Counted) -> Counted:
        Counted.operations += 1
        return Counted(1 + max(self.depth, other.depth))

    __and__ = __or__


class CountingScope:
    def __init__(self) -> None:
        self.calls = 0
        Counted.operations = 0

    def tag(self, name: str) -> Any:
        self.calls += 1
        return Counted()

    def field(self, name: str) -> Any:
        self.calls += 1
        return pl.col(name), pl.String() if name == "class_name" else pl.Int64()

    def annotated(self, kind: str | None, criteria: Expression | None) -> Any:
        self.calls += 1
        return criteria


@pytest.mark.parametrize("combine", [AND, OR])
@pytest.mark.parametrize("count", [1, 2, 3, 800, 5_000])
def test_many_conditions_make_a_shallow_tree(combine: Any, count: int) -> None:
    scope = CountingScope()
    made: Any = combine(*(F.tags.contains(str(i)) for i in range(count))).to_polars(scope)
    assert scope.calls == count
    assert Counted.operations == count - 1
    assert made.depth <= np.ceil(np.log2(count)) + 1


def test_values_of_one_field_are_looked_up_at_once() -> None:
    scope = CountingScope()
    OR(*(F.width == i for i in range(5_000))).to_polars(scope)
    AND(*(F.width != i for i in range(5_000))).to_polars(scope)
    assert scope.calls == 2
    classes = OR(*(from_dict({"op": "has_class", "class": str(i), "source": None}) for i in range(5_000)))
    criteria: Any = classes.to_polars(scope)
    assert scope.calls == 3
    criteria.to_polars(scope)
    assert scope.calls == 4


@pytest.mark.parametrize("combine", [operator.and_, operator.or_])
def test_chains_of_conditions_are_one_level(combine: Any) -> None:
    parts = [F.tags.contains(str(i)) for i in range(1_000)]
    chained = functools.reduce(combine, parts)
    assert chained == (AND if combine is operator.and_ else OR)(*parts)
    assert from_dict(chained.to_dict()) == chained
    twice = functools.reduce(lambda inner, _: ~inner, range(3_000), chained)
    assert twice == chained


def test_conditions_nested_too_deeply_are_refused_when_they_are_made() -> None:
    nested = F.width > 1
    for _ in range(49):
        nested = ~(nested & F.tags.contains("x"))
    assert from_dict(nested.to_dict()) == nested
    with pytest.raises(InvalidValueError, match="filter must be nested at most 100 times"):
        functools.reduce(lambda inner, _: ~(inner & F.tags.contains("x")), range(3_000), nested)


def itself(key: str | None = None) -> Any:
    loop: Any = [] if key is None else {}
    if key is None:
        loop += [loop, loop]
    else:
        loop[key] = [loop, loop]
    return loop


def nested(times: int) -> Any:
    return functools.reduce(lambda inner, _: [inner], range(times), 1)


ODD = [itself(), itself("x"), nested(3_000), 10**400, "\ud800", {1: 2}, object(), b"x"]


@pytest.mark.parametrize("value", ODD, ids=type)
def test_plain_data_that_no_filter_or_recipe_holds(dataset: lw.Dataset, value: Any) -> None:
    compare = {"op": "compare", "field": "metadata.number", "cmp": "==", "value": value}
    for data in (
        value,
        compare,
        {"op": "not", "item": compare},
        {"op": "and", "items": value},
        {"op": "is_in", "field": "metadata.number", "values": value},
        {"op": value, "field": "metadata.number"},
        {"op": "has_tag", "tag": value},
    ):
        with pytest.raises((InvalidTypeError, InvalidValueError)):
            from_dict(data)
    for steps in (
        value,
        [value],
        [{"step": value}],
        [{"step": "select", "sample_ids": value}],
        [{"step": "select", "sample_ids": [value]}],
        [{"step": "split", "seed": value, "start": 0, "stop": 1}],
        [{"step": "order_by", "keys": [{"field": value, "descending": False}], "descending": False}],
        [{"step": "order_by", "keys": [], "descending": value}],
        [{"step": "slice", "start": 0, "stop": value, "by": 1}],
    ):
        with pytest.raises((InvalidTypeError, InvalidValueError)):
            Query.from_dict(dataset, {"steps": steps}).to_list()


@pytest.mark.parametrize(
    "value",
    [
        10**400,
        "\ud800",
        np.datetime64("NaT"),
        datetime.max.replace(tzinfo=timezone(-timedelta(hours=5))),
        np.array(3.0),
        np.array("x"),
    ],
    ids=str,
)
def test_values_that_no_field_is_compared_with(value: Any) -> None:
    for call in (lambda: M["when"] == value, lambda: M["number"].is_in([value]), lambda: F.created_at > value):
        with pytest.raises((InvalidTypeError, InvalidValueError)):
            call()


def test_nanoseconds_are_times(dataset: lw.Dataset) -> None:
    when = datetime(2026, 1, 2, tzinfo=UTC)
    exact = dataset.match(M["when"] == when).sample_ids.to_list()
    assert exact
    assert dataset.match(M["when"] == np.datetime64("2026-01-02", "ns")).sample_ids.to_list() == exact


@given(st.permutations(["a", "b", "c", "d"]), st.lists(st.sampled_from("abcdxy"), max_size=5))
def test_places_of_ids_are_theirs_whatever_shortcut_is_taken(order: list[str], asked: list[str]) -> None:
    index = pl.DataFrame({"sample_id": order}).with_row_index("row")
    places = {name: row for row, name in enumerate(order)}
    for ids in (asked, order, sorted(order), [*order[:3], "x"]):
        assert places_of(ids, index).tolist() == [places.get(name, -1) for name in ids]
    large = pl.DataFrame({"sample_id": [*(f"s{i}" for i in range(100)), *order]}).with_row_index("row")
    assert places_of(asked, large).tolist() == [places[name] + 100 if name in places else -1 for name in asked]


@pytest.mark.parametrize("newest_first", [True, False])
def test_each_snapshot_has_its_own_state_in_whatever_order_they_are_read(tmp_path: Path, newest_first: bool) -> None:
    made = lw.Dataset.from_polars(pl.DataFrame({"sample_id": ["a", "b", "c"]}), name="past", path=tmp_path)
    snapshots, expected = [], []
    for state in range(4):
        if state == 3:
            made.undo()
            values = expected[1]
        else:
            values = [state, None, state * 10]
            made.metadata.update({"a": {"k": state}, "c": {"k": state * 10}})
        snapshots.append(core_of(made).snapshot())
        expected.append(values)
    pairs = list(zip(snapshots, expected, strict=True))
    for snapshot, values in reversed(pairs) if newest_first else pairs:
        assert snapshot.metadata("k").to_list() == values


def test_annotations_are_asked_by_polars_too(tmp_path: Path) -> None:
    images = lw.ImageDataset.create("images", tmp_path)
    add_scan(core_of(images), scan_of(range(3)))
    ids = images.query().sample_ids.to_list()
    confidence = {ids[0]: {"class": "a", "confidence": 0.9}, ids[1]: {"class": "a", "confidence": 0.2}}
    for sample_id, label in confidence.items():
        frame = pl.DataFrame({"sample_id": [sample_id], "class": [label["class"]], "sure": [label["confidence"]]})
        images.labels.add_classifications_from_column(frame, "class", confidence="sure")
    sure = images.match(ClassificationQuery.match(pl.col("confidence") > 0.5))  # type: ignore[arg-type]
    assert sure.sample_ids.to_list() == ids[:1]
    with pytest.raises(UnknownNameError, match="annotation field"):
        images.match(ClassificationQuery.match(pl.col("sure") > 0.5)).to_list()  # type: ignore[arg-type]


def test_embeddings_come_in_query_order(tmp_path: Path) -> None:
    frame = pl.DataFrame({"sample_id": ["a", "b", "c", "d"]})
    dataset = lw.Dataset.from_polars(frame, name="d", path=tmp_path)
    dataset.add_embeddings("m", np.array([[3.0], [1.0], [2.0]]), ["c", "a", "b"])
    assert dataset.select(["a", "b", "c"]).embeddings("m").tolist() == [[1.0], [2.0], [3.0]]
    assert dataset.select(["c", "a", "b"]).embeddings("m").tolist() == [[3.0], [1.0], [2.0]]
    assert dataset.select(["c"]).embeddings("m").tolist() == [[3.0]]
    with pytest.raises(InvalidValueError, match="1 of 2 samples have no embedding of 'm'"):
        dataset.select(["d", "c"]).embeddings("m")
    dataset.add_embeddings("all", np.arange(4.0)[:, None])
    assert dataset.query().embeddings("all").tolist() == [[0.0], [1.0], [2.0], [3.0]]


def test_what_was_read_once_is_read_again_only_where_it_grew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = lw.Dataset.from_polars(pl.DataFrame({"sample_id": ["a", "b"]}), name="d", path=tmp_path)
    reads: list[int] = []
    store, read = core_of(dataset).store, core_of(dataset).store.read

    def counted(table: str, parts: Any) -> Any:
        if table.startswith("metadata"):
            reads.append(len(parts))
        return read(table, parts)

    monkeypatch.setattr(store, "read", counted)
    dataset.metadata.update({"a": {"x": 1}})
    before = core_of(dataset).snapshot()
    assert before.metadata("x").to_list() == [1, None]
    dataset.metadata.update({"b": {"x": 2}})
    now = core_of(dataset).snapshot()
    assert now.metadata("x").to_list() == [1, 2]
    reads.clear()
    assert now.metadata("x").to_list() == [1, 2]
    assert reads == []  # nothing is new
    dataset.metadata.update({"a": {"x": 3}})
    reads.clear()
    assert core_of(dataset).snapshot().metadata("x").to_list() == [3, 2]
    assert reads == [1]  # the new part only


def test_times_are_compared_with_days(dataset: lw.Dataset) -> None:
    day = datetime(2026, 1, 2, tzinfo=UTC)
    assert dataset.match(M["when"] >= day.date()).sample_ids.equals(dataset.match(M["when"] >= day).sample_ids)
    with pytest.raises(InvalidTypeError, match="when holds times, which cannot be compared with 3"):
        dataset.match(M["when"] >= 3).to_list()
