"""Every Python block of the README runs, in order, in one namespace, on real image files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]


def blocks(path: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", path.read_text(), flags=re.DOTALL | re.MULTILINE)


@pytest.fixture
def image_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with images/: 30 pictures, of which 24 are 1920 wide."""
    pytest.importorskip("torch")
    pytest.importorskip("efficientnet_lite_pytorch")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LIGHTLY_WIDGET_HOME", raising=False)
    folder = tmp_path / "images"
    folder.mkdir()
    random = np.random.default_rng(0)
    for i in range(30):
        size = (1920, 1080) if i < 24 else (640, 480)
        small = random.integers(0, 255, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(small).resize(size).save(folder / f"{i:02}.jpg")
    return tmp_path


def test_readme_runs(image_folder: Path) -> None:
    namespace: dict[str, Any] = {}
    sources = blocks(ROOT / "README.md")
    assert len(sources) >= 5
    for source in sources:
        exec(compile(source, "README.md", "exec"), namespace)
    assert len(namespace["result"].sample_ids) == 10
    assert all(sample.width >= 1920 for sample in namespace["result"].samples)
    assert len((image_folder / "to_label.txt").read_text().splitlines()) == 10
    assert sorted(namespace["explorer"].selection.sample_ids) == sorted(namespace["chosen"].sample_ids)
    assert sorted(namespace["rare_first"].selection.sample_ids) == sorted(namespace["chosen"].sample_ids)
    namespace["explorer"].close()
    namespace["rare_first"].close()


@pytest.mark.parametrize("name", ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "benchmarks/README.md"])
def test_links_lead_somewhere(name: str) -> None:
    path = ROOT / name
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text())
    missing = [target for target in targets if not (path.parent / target).exists()]
    assert not missing
