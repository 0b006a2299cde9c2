from __future__ import annotations

import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightly_widget import errors


def test_each_error_is_ours_and_the_builtin_users_expect() -> None:
    expected = {
        errors.InvalidValueError: ValueError,
        errors.InvalidTypeError: TypeError,
        errors.UnknownNameError: ValueError,
        errors.DatasetNotFoundError: FileNotFoundError,
        errors.DatasetExistsError: ValueError,
        errors.CorruptDataError: OSError,
        errors.DiskFullError: OSError,
        errors.ReadOnlyError: PermissionError,
        errors.MissingDependencyError: ImportError,
    }
    for error, builtin in expected.items():
        with pytest.raises(builtin, match="in words"):
            raise error("in words")
    for _, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, Exception) and not issubclass(kind, Warning):
            assert issubclass(kind, errors.LightlyWidgetError)


def test_the_message_of_an_unknown_name_is_shown_plainly() -> None:
    assert str(errors.UnknownNameError("unknown tag 'x'")) == "unknown tag 'x'"


@given(st.one_of(st.text(), st.text(min_size=2000), st.binary(), st.integers(), st.lists(st.text())))
def test_values_in_messages_are_short_and_harmless(value: object) -> None:
    text = errors.shown(value)
    assert len(text) <= 400  # control characters are written out
    assert text.isprintable()


def test_a_megabyte_and_direction_overrides_are_shortened_and_written_out() -> None:
    assert len(errors.shown("x" * 2**20)) < 100
    assert "\u202e" not in errors.shown("abc\u202etxt.exe")


def test_a_broken_repr_does_not_hide_the_message() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    assert "Broken" in errors.shown(Broken())


def test_the_closest_names_come_first() -> None:
    message = errors.did_you_mean("tag", "trian", ["zebra", "test", "train"])
    assert message.startswith("unknown tag 'trian'; there are: 'train'")
    assert "none yet" in errors.did_you_mean("tag", "x", [])
    assert "and 90 more" in errors.did_you_mean("tag", "x", [str(i) for i in range(100)])
