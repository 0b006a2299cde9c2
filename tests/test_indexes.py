"""The three numbers of a sample are three types: mypy catches one that is used for another."""

from __future__ import annotations

from pathlib import Path

import pytest
from mypy import api

HEAD = """
from lightly_widget.dataset import DatasetCore
from lightly_widget.indexes import CandidateIndexes, PointIndexes, SampleIndexes
from lightly_widget.query.snapshot import Snapshot
from lightly_widget.sampling import SamplingResult

def use(core: DatasetCore[object], now: Snapshot, result: SamplingResult, points: PointIndexes) -> None:
"""
FINE = "    core.samples_of(now, now.known_rows(result.sample_ids))\n"
MIXED = {
    "a candidate for a sample": "    core.samples_of(now, result.rows)\n",
    "a point for a sample": "    core.samples_of(now, points)\n",
    "a sample for a candidate": "    rows: CandidateIndexes = now.known_rows(result.sample_ids)\n",
}


@pytest.mark.slow
def test_mypy_catches_a_mix_up(tmp_path: Path) -> None:
    files = {name: tmp_path / f"snippet_{number}.py" for number, name in enumerate(["fine", *MIXED])}
    for name, file in files.items():
        file.write_text(HEAD + MIXED.get(name, FINE))
    config = Path(__file__).parents[1] / "pyproject.toml"
    out, err, _ = api.run(["--config-file", str(config), *map(str, files.values())])
    assert not err
    wrong = {name: f"{file.name}:" in out for name, file in files.items()}
    assert wrong == {"fine": False} | dict.fromkeys(MIXED, True), out
