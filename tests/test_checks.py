"""The shared checks of arguments: what passes comes back, and each error names the argument and shows the value."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightly_widget import checks, errors

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.lists(st.text() | st.integers()),
    st.just(object()),
)
CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "integer": lambda name, value: checks.check_integer(name, value, least=1, most=9),
    "number": lambda name, value: checks.check_number(name, value, least=0),
    "bool": checks.check_bool,
    "string": lambda name, value: checks.check_string(name, value, longest=5),
    "optional string": checks.check_optional_string,
    "name": lambda name, value: checks.check_name(name, value, longest=5),
    "strings": checks.check_strings,
    "choice": lambda name, value: checks.check_choice(name, value, ["a", "b"]),
    "path": checks.check_path,
}


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
@given(value=ODD)
def test_a_check_returns_an_equal_value_or_names_the_argument(check: Callable[[str, Any], Any], value: object) -> None:
    try:
        assert check("the_argument", value) == value
    except (errors.InvalidTypeError, errors.InvalidValueError) as error:
        message = str(error)
        assert message.startswith("the_argument must ")
        assert ", got " in message
        assert message.isprintable()
        assert len(message) < 500


@pytest.mark.parametrize("value", [True, np.bool_(True), 1.0, "1", None])
def test_what_is_no_integer_is_a_type_error(value: object) -> None:
    with pytest.raises(errors.InvalidTypeError, match=r"^k must be an integer, got "):
        checks.check_integer("k", value)


def test_integers_of_numpy_become_ints() -> None:
    assert type(checks.check_integer("k", np.int64(7))) is int
    assert checks.check_integer("k", 2**70) == 2**70


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0, "k must be at least 1, got 0"),
        (True, "k must be a positive integer, got True"),
    ],
)
def test_the_least_integer_is_named(value: object, message: str) -> None:
    with pytest.raises((errors.InvalidValueError, errors.InvalidTypeError), match=f"^{message}$"):
        checks.check_integer("k", value, least=1)


def test_both_limits_are_named() -> None:
    with pytest.raises(errors.InvalidValueError, match=r"^seed must be between 0 and 2\*\*63 - 1, got -1$"):
        checks.check_integer("seed", -1, least=0, most=2**63 - 1)
    with pytest.raises(errors.InvalidValueError, match=r"^share must be at most 1, got 1.5$"):
        checks.check_number("share", 1.5, most=1)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400])
def test_numbers_are_finite(value: float) -> None:
    with pytest.raises(errors.InvalidValueError, match="strength must be finite"):
        checks.check_number("strength", value)


@pytest.mark.parametrize("value", [True, np.bool_(False), "1", None, 1j])
def test_what_is_no_number_is_a_type_error(value: object) -> None:
    with pytest.raises(errors.InvalidTypeError, match="strength must be a number"):
        checks.check_number("strength", value)


@pytest.mark.parametrize("value", ["", "  ", "a\0b", "\ud800", "x" * 256])
def test_names_that_cannot_be_stored(value: str) -> None:
    with pytest.raises(errors.InvalidValueError, match=r"^tag_name must "):
        checks.check_name("tag_name", value)


def test_a_name_that_is_no_string_is_a_value_error_and_a_type_error() -> None:
    for kind in (ValueError, TypeError):
        with pytest.raises(kind, match=r"^tag_name must be a string, got 3$"):
            checks.check_name("tag_name", 3)


def test_a_string_is_not_a_list_of_strings() -> None:
    with pytest.raises(errors.InvalidTypeError, match=r"sample_ids must be a list of sample IDs, got 'abc'"):
        checks.check_strings("sample_ids", "abc", what="sample IDs")
    assert checks.check_strings("sample_ids", iter(["a", "b"])) == ["a", "b"]


def test_choices_are_listed_and_true_is_not_one() -> None:
    with pytest.raises(errors.InvalidValueError, match=r"^mode must be 'a', 'b' or 'c', got 'x'$"):
        checks.check_choice("mode", "x", ["a", "b", "c"])
    with pytest.raises(errors.InvalidValueError):
        checks.check_choice("splits", True, [1, 2])


def test_a_path_may_be_a_path_object() -> None:
    assert checks.check_path("path", Path("a") / "b") == str(Path("a") / "b")
    with pytest.raises(errors.InvalidTypeError, match="path must be a path, got b'a'"):
        checks.check_path("path", b"a")
