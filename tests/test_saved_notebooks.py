"""The notebooks run, from a fresh folder, and are saved with outputs and without warnings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
NAMES = ["share", "strategies", "text"]


def outputs_of(notebook: Any) -> list[Any]:
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def kinds_of(notebook: Any) -> set[str]:
    return {kind for output in outputs_of(notebook) for kind in output.get("data", {})}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.delenv("LIGHTLY_WIDGET_HOME", raising=False)
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    work = tmp_path / "work"
    work.mkdir()
    resources = {"metadata": {"path": str(work)}}
    NotebookClient(notebook, timeout=200, store_widget_state=False, resources=resources).execute()
    assert "image/png" in kinds_of(notebook)
    assert [
        output.text for output in outputs_of(notebook) if output.get("name") == "stderr" and "Warn" in output.text
    ] == []
    if name == "share":
        assert "text/html" in kinds_of(notebook)
        assert (work / "shapes.html").exists()


@pytest.mark.parametrize("name", NAMES)
def test_is_saved_with_outputs_below_2_mb(name: str) -> None:
    path = NOTEBOOKS / f"{name}.ipynb"
    assert path.stat().st_size < 2_000_000
    notebook = json.loads(path.read_text())
    assert "image/png" in str(notebook["cells"])
    assert all(cell["execution_count"] for cell in notebook["cells"] if cell["cell_type"] == "code")
    assert "widgets" not in notebook["metadata"]
