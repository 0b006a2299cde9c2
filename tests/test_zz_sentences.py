"""Sentences that users meet: those in the source, and (as the last test of a run) all that the other tests raised."""

from __future__ import annotations

import re

from lightly_widget.errors import InvalidTypeError, InvalidValueError, LightlyWidgetWarning
from tests.conftest import SPOKEN
from tests.sentences import LONGEST, all_faults, faults

SHOWS = re.compile(r"['\"\d…]|\b(?:None|True|False|nan|NaN|inf|got)\b|\{")
"""What a value looks like in a sentence: quoted, a number, or after 'got'."""
WAY_OUT = re.compile(r"; \w")
"""A state that has no value, such as a dataset without embeddings, says what to do instead."""


def test_no_sentence_in_the_source_has_a_banned_word() -> None:
    found = list(all_faults())
    assert not found, "\n" + "\n".join(found)


def raised_faults(text: str, kind: type) -> list[str]:
    found = [f"the word '{word}'" for word in faults(text)]
    if not text.isprintable():
        found.append("a character that does not print, from data that were not passed through shown()")
    if len(text) > LONGEST:
        found.append(f"{len(text):,} characters")
    if text != text.strip() or not text:
        found.append("blanks around it")
    if issubclass(kind, InvalidTypeError | InvalidValueError) and not (SHOWS.search(text) or WAY_OUT.search(text)):
        found.append("no value")
    if not issubclass(kind, LightlyWidgetWarning) and text.endswith(".") and ". " not in text:
        found.append("a period at its end")
    return found


def test_raised_sentences_show_the_value_and_have_no_banned_word() -> None:
    """Errors and warnings of the whole run: this file is the last that is collected."""
    found = [
        f"{place}: {fault} in {kind.__name__}: {text[:200]!r}"
        for text, (kind, place) in SPOKEN.items()
        for fault in raised_faults(text, kind)
    ]
    assert not found, "\n" + "\n".join(found)


def test_faults_are_seen() -> None:
    assert faults("a sample id is a text, not 3") == ["a text"]
    assert faults("which is none of them, drawn anew") == ["anew"]
    assert faults("unknown tag 'anew'") == []
    assert raised_faults("first line\nsecond 1", InvalidValueError)
    assert raised_faults("the name cannot be used", InvalidValueError) == ["no value"]
