"""The code of LightlyStudio's documentation on sampling, with nothing but the import lines changed.

Each block stands as it does there (paths aside); what it relies on, a folder of images or a tag, is made beforehand.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import lightly_widget as ls
from tests.test_facade import Means

IMPORTS = "import lightly_widget as ls\nfrom lightly_widget import ImageSampleField\n"
LOAD = IMPORTS + "dataset = ls.ImageDataset.load_or_create()\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 30 images, most of them full HD, and the dataset "default" of them with embeddings and labels."""
    folder = tmp_path_factory.mktemp("studio")
    (folder / "images").mkdir()
    random = np.random.default_rng(0)
    for i in range(30):
        size = (1920, 8) if i < 24 else (640, 8)
        Image.fromarray(random.integers(0, 255, (2, 6, 3), dtype=np.uint8)).resize(size).save(
            folder / "images" / f"{i:02}.png"
        )
    return folder


@pytest.fixture
def data(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ls.ImageDataset]:
    """The dataset "default" of those images, with embeddings, labels, and metadata."""
    monkeypatch.chdir(home)
    monkeypatch.setenv("LIGHTLY_WIDGET_HOME", str(tmp_path / "home"))
    dataset = ls.ImageDataset.load_or_create()
    dataset.add_images_from_path(path="images", embed=Means())
    ids = dataset.query().sample_ids.to_list()
    dataset.labels.add_classifications({name: ["cat", "dog", "bird"][i % 3] for i, name in enumerate(ids)})
    return dataset


def run(block: str, before: str = LOAD) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(before + block, "documentation", "exec"), names)
    return names


def test_adding_images_and_a_diverse_sample(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    monkeypatch.setenv("LIGHTLY_WIDGET_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("lightly_widget.embedding.default_embedder", lambda media: Means())
    run(
        """
dataset.add_images_from_path(path="images")
dataset.query().sampling().diverse(
    n_samples_to_select=10,
    sampling_result_tag_name="diverse_selection",
)
"""
    )
    assert ls.ImageDataset.load().tags.counts() == {"diverse_selection": 10}


def test_sampling_from_a_match(data: ls.ImageDataset) -> None:
    run(
        """
dataset.match(ImageSampleField.width >= 1920).sampling().diverse(
    n_samples_to_select=10, sampling_result_tag_name="diverse_hd"
)
"""
    )
    assert len(data.tags["diverse_hd"]) == 10
    assert all(sample.width >= 1920 for sample in data.tags["diverse_hd"])


@pytest.mark.parametrize("name", ["", ', metadata_name="similarity"'])
def test_similarity_metadata_with_and_without_a_name(name: str, data: ls.ImageDataset) -> None:
    names = run(
        f"""
dataset[:5].add_tag("my_query_samples")
similarity_name = dataset.compute_similarity_metadata(query_tag_name="my_query_samples"{name})
dataset.query().sampling().metadata_weighting(
    n_samples_to_select=5,
    sampling_result_tag_name="similar_samples",
    metadata_key=similarity_name,
)
"""
    )
    assert names["similarity_name"].startswith("similarity")
    assert names["similarity_name"] in data.metadata
    assert set(data.tags["similar_samples"].sample_ids) == set(data[:5].sample_ids)


@pytest.mark.parametrize(("strength", "typical"), [("", True), (", strength=-1", False)])
def test_typicality_and_its_opposite(strength: str, typical: bool, data: ls.ImageDataset) -> None:
    run(
        f"""
dataset.compute_typicality_metadata(metadata_name="typicality")
dataset.query().sampling().metadata_weighting(
    n_samples_to_select=5,
    sampling_result_tag_name="typical_selection",
    metadata_key="typicality"{strength},
)
"""
    )
    values = data.metadata["typicality"].sort(descending=typical)
    picked = [sample.metadata["typicality"] for sample in data.tags["typical_selection"]]
    assert picked == values.head(5).to_list()


@pytest.mark.parametrize("target", ['"uniform"', '"input"', '{"cat": 0.6, "dog": 0.4}'])
def test_balancing_annotations(target: str, data: ls.ImageDataset) -> None:
    run(
        f"""
dataset.query().sampling().annotation_balancing(
    n_samples_to_select=10,
    sampling_result_tag_name="balanced_selection",
    target_distribution={target},
)
"""
    )
    classes = data.tags["balanced_selection"].annotations()["class_name"].to_list()
    assert [classes.count(name) for name in ("cat", "dog")] == (
        [6, 4] if "{" in target else pytest.approx([3, 3], abs=1)
    )


def test_several_strategies_together(data: ls.ImageDataset) -> None:
    run(
        """
from lightly_widget import EmbeddingDiversityStrategy, MetadataWeightingStrategy

dataset.compute_typicality_metadata(metadata_name="typicality")
dataset.query().sampling().multi_strategies(
    n_samples_to_select=10,
    sampling_result_tag_name="multi_strategy_selection",
    sampling_strategies=[
        MetadataWeightingStrategy(metadata_key="typicality", strength=1.0),
        EmbeddingDiversityStrategy(strength=2.0),
    ],
)
"""
    )
    assert len(data.tags["multi_strategy_selection"]) == 10


def test_exporting_what_was_selected(data: ls.ImageDataset, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = ls.ImageDataset.create("my-dataset")
    dataset.add_images_from_path(path="images", embed=False)
    dataset[:3].add_tag("diverse_selection")
    run(
        """
dataset = ls.ImageDataset.load("my-dataset")
samples = dataset.match(ImageSampleField.tags.contains("diverse_selection")).to_list()
with open("exported_samples.txt", "w") as file:
    for sample in samples:
        file.write(f"{sample.file_path_abs}\\n")
""",
        IMPORTS,
    )
    lines = Path("exported_samples.txt").read_text().splitlines()
    assert lines == [sample.file_path_abs for sample in dataset[:3]]
    assert all(Path(line).is_file() for line in lines)
