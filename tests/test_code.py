"""Filters as Python: what the panel shows and a recipe holds makes the same filter again, and is safe to paste."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lightly_widget as lw
from lightly_widget.query.algebra import AND, NOT, OR, Combined, Expression, Not
from lightly_widget.query.code import filter_code, literal, match_code

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
SCALARS = NAMES | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.booleans()
FIELDS = NAMES.map("metadata.{}".format) | st.just("sample_id")
LEAVES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.builds(
        lambda field, cmp, value: {"op": "compare", "field": field, "cmp": cmp, "value": value},
        FIELDS,
        st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
        SCALARS,
    ),
    st.builds(lambda field, values: {"op": "is_in", "field": field, "values": values}, FIELDS, st.lists(SCALARS)),
    st.builds(
        lambda op, field, value: {"op": op, "field": field, "value": value},
        st.sampled_from(["contains", "starts_with"]),
        FIELDS,
        NAMES,
    ),
    st.builds(lambda field: {"op": "is_null", "field": field}, FIELDS),
    st.builds(lambda tag: {"op": "has_tag", "tag": tag}, NAMES),
    st.builds(lambda name, source: {"op": "has_class", "class": name, "source": source}, NAMES, st.none() | NAMES),
    st.builds(
        lambda kind, name: {
            "op": "annotated",
            "type": kind,
            "criteria": {"op": "compare", "field": "class_name", "cmp": "==", "value": name},
        },
        st.sampled_from(["classification", "object_detection"]),
        NAMES,
    ),
)
FILTERS = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(lambda op, items: {"op": op, "items": items}, st.sampled_from(["and", "or"]), st.lists(inner))
        | inner.map(lambda item: {"op": "not", "item": item})
    ),
    max_leaves=5,
)
IN_SCOPE = {"lw": lw}


def combined(expression: Expression) -> Expression:
    """The expression as AND, OR and NOT make it, which merge what is nested."""
    match expression:
        case Combined(op="and"):
            return AND(*map(combined, expression.items))
        case Combined():
            return OR(*map(combined, expression.items))
        case Not():
            return NOT(combined(expression.item))
    return expression


@given(FILTERS)
def test_the_python_of_a_filter_makes_the_same_filter(data: dict[str, Any]) -> None:
    made = eval(filter_code(data, "lw.SampleField"), dict(IN_SCOPE))  # noqa: S307 - our own code
    assert made.to_dict() == combined(Expression.from_dict(data)).to_dict()


@given(st.text())
def test_a_literal_holds_nothing_that_is_invisible(text: str) -> None:
    code = literal(text)
    assert eval(code) == text  # noqa: S307 - our own literal
    assert not {unicodedata.category(letter) for letter in code} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"op": "compare", "field": "width", "cmp": ">=", "value": 256}, "lw.ImageSampleField.width >= 256"),
        (
            {"op": "compare", "field": "metadata.is night", "cmp": "==", "value": True},
            "lw.ImageSampleField.metadata['is night'] == True",
        ),
        ({"op": "is_in", "field": "width", "values": [1, 2]}, "lw.ImageSampleField.width.is_in([1, 2])"),
        ({"op": "contains", "field": "file_name", "value": 'a"b'}, "lw.ImageSampleField.file_name.contains('a\"b')"),
        (
            {"op": "not", "item": {"op": "is_null", "field": "width"}},
            "lw.NOT(lw.ImageSampleField.width.is_null())",
        ),
        (
            {"op": "or", "items": [{"op": "has_tag", "tag": "x"}, {"op": "has_tag", "tag": "y"}]},
            "lw.OR(lw.ImageSampleField.tags.contains('x'), lw.ImageSampleField.tags.contains('y'))",
        ),
        ({"op": "has_class", "class": "cat", "source": "gt"}, "lw.expressions.has_class('cat', 'gt')"),
    ],
)
def test_every_kind_of_filter_reads_as_one_would_write_it(data: dict[str, Any], code: str) -> None:
    assert filter_code(data, "lw.ImageSampleField") == code
    assert match_code("ImageDataset", data) == f"dataset.match({code})"


def test_several_conditions_are_arguments_of_match_one_a_line() -> None:
    both = {"op": "and", "items": [{"op": "has_tag", "tag": "x"}, {"op": "is_null", "field": "text"}]}
    assert match_code("Dataset", both) == (
        "dataset.match(\n    lw.SampleField.tags.contains('x'),\n    lw.SampleField.text.is_null(),\n)"
    )
    assert match_code("Dataset", None) == "dataset.query()"
