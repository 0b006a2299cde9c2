"""The notebooks that need no browser: all cells run, and say what they promise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def run(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The variables that the cells leave."""
    if not (NOTEBOOKS / "node_modules").exists():
        pytest.fail("the pictures of the notebooks are missing: `npm install --prefix notebooks`, or `make test`")
    (folder / "node_modules").symlink_to(NOTEBOOKS / "node_modules")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("LIGHTLY_WIDGET_HOME", str(folder / "data"))
    variables: dict[str, Any] = {"__name__": "__main__"}
    for cell in json.loads((NOTEBOOKS / name).read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), f"{name}: {cell['id']}", "exec"), variables)
    return variables


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_five_rounds_of_active_learning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = run("active_learning.ipynb", tmp_path, monkeypatch)
    assert len(left["reached"]) == 5
    dataset, pool, test = left["dataset"], left["pool"], left["test"]
    labeled = dataset.tags["labeled"].sample_ids.to_list()
    assert len(set(labeled)) == 100
    assert set(labeled) <= set(pool.sample_ids)
    assert not set(labeled) & set(test.sample_ids), "what is held out is never labeled"
    assert dataset.labels.counts("by hand").keys() <= set(left["classes"])
    assert left["at_random"].shape == (10, 5)
    assert left["reached"][-1] > left["reached"][0], "labels teach something"
    assert left["reached"][-1] > left["at_random"][:, 0].mean()
