"""The documentation: every code block runs, the site builds strictly, and asks nothing of a network."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lightly_widget import cli, demo
from tests.test_readme import ROOT, blocks

DOCS = ROOT / "docs"
shapes = demo.shapes
PAGES = sorted(path.name for path in DOCS.glob("*.md") if blocks(path))


@pytest.fixture
def work_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shapes_home: Path) -> Path:
    """A working folder with `images/` and the demo's dataset."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LIGHTLY_WIDGET_HOME", raising=False)
    (tmp_path / "images").mkdir()
    for number in range(12):
        noise = np.random.default_rng(number).integers(0, 255, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((64, 48)).save(tmp_path / "images" / f"{number:02}.jpg")
    monkeypatch.setattr(demo, "shapes", lambda: demo_dataset(shapes_home, tmp_path / "lightly_widget_data"))
    return tmp_path


@pytest.fixture(scope="module")
def shapes_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("shapes")
    demo.shapes(home)
    return home


def demo_dataset(made: Path, home: Path) -> Any:
    """A copy of the dataset that was made once for all pages."""
    if not (home / demo.NAME).exists():
        shutil.copytree(made / demo.NAME, home / demo.NAME)
    return shapes(home)


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_code_blocks_run(name: str, work_folder: Path) -> None:
    namespace: dict[str, Any] = {}
    for source in blocks(DOCS / name):
        exec(compile(source, name, "exec"), namespace)
    for value in list(namespace.values()):
        if hasattr(value, "open_side_panel"):
            value.close()


def test_indented_blocks_of_the_start_page_run(work_folder: Path) -> None:
    pytest.importorskip("efficientnet_lite_pytorch")
    text = (DOCS / "index.md").read_text()
    found = re.findall(r"^    ```python\n(.*?)^    ```", text, flags=re.DOTALL | re.MULTILINE)
    assert len(found) == 3
    namespace: dict[str, Any] = {}
    for source in found:
        exec(compile(re.sub(r"^    ", "", source, flags=re.MULTILINE), "index.md", "exec"), namespace)
    assert len((work_folder / "to_label.txt").read_text().splitlines()) == 10


def test_pages_are_short() -> None:
    written = [path for path in DOCS.glob("*.md") if path.name not in ("api.md", "reference.md")]
    assert len(written) > 10
    assert [path.name for path in written if len(path.read_text().splitlines()) > 100] == []


@pytest.mark.slow
def test_the_site_builds_strictly_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3_000:]
    pages = sorted((tmp_path / "site").glob("*.html"))
    assert {"index.html", "live.html", "sampling.html", "reference.html"} <= {path.name for path in pages}
    for path in pages:
        loaded = re.findall(r"<(?:script|link|img|iframe)[^>]*?(?:src|href)=\"?(https?:[^\" >]+)", path.read_text())
        assert [url for url in loaded if "canonical" not in url] == [], path.name
    assert 'src="live.html"' in (tmp_path / "site" / "index.html").read_text()


def test_the_demo_is_a_dataset_to_sample_from(shapes_home: Path) -> None:
    dataset = shapes(shapes_home)
    assert len(dataset) == 900
    counts = list(dataset.labels.counts("shape").values())
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 10 * counts[-1]
    assert len(shapes(shapes_home)) == 900
    assert set(dataset.query().to_polars()["metadata.color"]) == {"red", "orange", "green", "blue", "violet"}


def test_the_command_writes_a_notebook_and_never_over_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import nbformat

    folder = tmp_path / "demo"
    assert cli.main(["demo", str(folder), "--no-open"]) == 0
    path = folder / cli.NOTEBOOK
    assert str(path) in capsys.readouterr().out
    nbformat.validate(nbformat.read(path, as_version=4))
    path.write_text("mine")
    assert cli.main(["demo", str(folder), "--no-open"]) == 0
    assert path.read_text() == "mine"


def test_the_cells_of_the_demo_run(work_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    namespace: dict[str, Any] = {}
    for kind, source in cli.CELLS:
        if kind == "code":
            exec(compile(source, "demo", "exec"), namespace)
    assert (work_folder / "shapes.html").exists()
    namespace["explorer"].close()
