"""Sentences that users meet: those in the source, and (as the last test of a run) all that the other tests raised."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.conftest import SPOKEN
from tests.sentences import all_faults


def test_no_sentence_in_the_source_has_a_banned_word() -> None:
    found = list(all_faults())
    assert not found, "\n" + "\n".join(found)


def test_raised_sentences(request: pytest.FixtureRequest) -> None:
    if dump := os.environ.get("SENTENCES"):
        Path(dump).write_text(json.dumps({text: [kind.__name__, place] for text, (kind, place) in SPOKEN.items()}))
