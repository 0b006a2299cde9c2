"""Pages without a kernel: what they hold, how large they are, that nothing breaks out, that they are written whole."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import struct
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

import lightly_widget as lw
from lightly_widget import page
from lightly_widget.errors import InvalidTypeError, InvalidValueError
from lightly_widget.maps import Lasso
from tests.browser.notebook import hostile_strings


def make(folder: Path, n: int = 60, **columns: Any) -> lw.Dataset:
    random = np.random.default_rng(0)
    frame = pl.DataFrame(
        {"sample_id": [f"s{i:06d}" for i in range(n)], "weather": ["fog", "rain", "sun"] * (n // 3)}
        | {"score": np.arange(n) / n}
        | columns
    )
    vectors = random.normal(size=(n, 8)).astype(np.float32)
    return lw.Dataset.from_polars(frame, embeddings=vectors, name="pages", path=folder)


def diverse(dataset: lw.Dataset, n: int = 9) -> lw.SamplingResult:
    strategies = [lw.EmbeddingDiversityStrategy()]
    return dataset.query().sampling().preview(n_samples_to_select=n, sampling_strategies=strategies)


class Elements(HTMLParser):
    """The elements of a page with their attributes, and the text of each script and style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.comments: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def contents(path: Path) -> tuple[dict[str, Any], list[bytes]]:
    """What a page holds, read as the page itself reads it."""
    [text] = re.findall(r'id="data">([A-Za-z0-9+/=]*)</script>', path.read_text())
    pack = gzip.decompress(base64.b64decode(text))
    [length] = struct.unpack_from("<I", pack)
    data = json.loads(pack[4 : 4 + length])
    return data["page"], [pack[at : at + size] for at, size in data["buffers"]]


def array(said: dict[str, Any], buffers: list[bytes], name: str, dtype: str) -> Any:
    return np.frombuffer(buffers[said["buffers"][said["message"][name]["buffer"]]], dtype)


def test_a_page_holds_the_picks_in_order_with_figures_and_recipe(tmp_path: Path) -> None:
    dataset = make(tmp_path / "data")
    result, other = diverse(dataset), dataset.query().sampling().preview(5, [lw.RandomStrategy()])
    written = result.to_html(tmp_path / "a.html", compare=other, colorings="all")
    assert written == tmp_path / "a.html"
    held, buffers = contents(written)
    points = {name: at for at, name in enumerate(dataset.query().to_polars()["sample_id"])}
    for slot, of in (("a", result), ("b", other)):
        [picks] = held[slot]["picks"]
        assert array(picks, buffers, "points", "<u4").tolist() == [points[name] for name in of.new_ids]
        assert held[slot]["recipe"] == of.to_python()
        assert held[slot]["sampled"]["message"]["n"] == of.n_new
    assert held["n_compared"] == 5
    asked = [(one["source"], one["metadata"]) for one in held["a"]["metrics"]]
    assert {(None, "weather"), (None, "score")} <= set(asked)
    assert max(one["reply"]["message"]["n"] for one in held["a"]["metrics"]) == 9
    assert {one["color_by"].get("key") for one in held["colors"]} == {None, "score", "weather"}
    assert held["titles"] == list(points)
    assert len(held["details"]) == 60
    assert held["details"][0]["message"]["sample_id"] == result.new_ids[0]
    assert held["traits"]["info"]["page"]["colorings"] == [one["color_by"] for one in held["colors"]]


def test_an_explorer_writes_what_it_shows(tmp_path: Path) -> None:
    dataset = make(tmp_path / "data")
    explorer = dataset.explore(n_samples_to_select=4, color_by={"by": "metadata", "key": "weather"})
    explorer.sample = diverse(dataset)
    explorer.n_samples_to_select = 4
    explorer.selection = ["s000003", "s000005"]
    explorer.filter = lw.SampleField.metadata["score"] < 0.5
    held, buffers = contents(explorer.to_html(tmp_path / "a.html"))
    assert held["traits"]["n_samples_to_select"] == 4
    masks = {said["message"]["mask"]: said for said in held["map"] if said["message"]["kind"] == "mask"}
    assert masks["filter"]["message"]["count"] == 30
    assert np.flatnonzero(
        np.unpackbits(array(masks["selection"], buffers, "bits", "u1"), bitorder="little")
    ).tolist() == [3, 5]
    assert [one["color_by"]["key"] for one in held["colors"]] == ["weather"]
    explorer.close()


def test_without_a_sample_there_is_a_map(tmp_path: Path) -> None:
    held, _ = contents(make(tmp_path / "data").explore().to_html(tmp_path / "a.html"))
    assert (held["a"], held["b"], held["n_compared"]) == (None, None, 0)


@pytest.mark.slow
def test_100_000_points_stay_below_5_mb(tmp_path: Path) -> None:
    dataset = make(tmp_path / "data", 99_999)
    written = diverse(dataset, 100).to_html(tmp_path / "a.html", colorings="all", compare=diverse(dataset, 50))
    assert written.stat().st_size < 5_000_000
    assert "Details of 4,000 of 99,999 samples are in this page" in written.read_text()


def test_nothing_comes_from_elsewhere(tmp_path: Path) -> None:
    text = diverse(make(tmp_path / "data")).to_html(tmp_path / "a.html").read_text()
    elements = Elements(text)
    names = {name for tag, attributes in elements.found for name in attributes}
    assert not names & {"src", "href", "srcset", "action", "data", "background", "poster", "ping"}
    [policy] = [found["content"] for _, found in elements.found if found.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    # The policy names exactly the script and the style that are there.
    for kind, pattern in (("script", r'<script type="module">(.*?)</script>'), ("style", r"<style>(.*?)</style>")):
        [source] = re.findall(pattern, text, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def test_no_string_breaks_out(tmp_path: Path) -> None:
    strings = [*hostile_strings(), "</script><script>alert(1)</script>", "<!--<script>", "\u2028\u2029", "]]>", "-->"]
    assert len(strings) >= 60
    strings = [text.encode("utf-8", "replace").decode() for text in strings]
    n = 3 * -(-len(strings) // 3)
    texts = [strings[at % len(strings)] for at in range(n)]
    dataset = make(tmp_path / "data", n, text=[text or "-" for text in texts], word=texts)
    plain = [tag for tag, _ in Elements(page.document("t", "s", ["n"], "c", "")).found]
    for text in strings:
        found = Elements(page.document(text, text, [text], text, ""))
        assert [tag for tag, _ in found.found] == plain
        assert not found.comments
    written_path = diverse(dataset).to_html(tmp_path / "a.html", colorings="all")
    elements = Elements(written_path.read_text())
    assert [tag for tag, _ in elements.found] == plain
    assert not elements.comments
    held, _ = contents(written_path)
    shown = {said["message"]["text"] for said in held["details"]}
    assert {text for text in texts if 0 < len(text) <= 300} <= shown


def test_the_script_holds_nothing_that_ends_it() -> None:
    text = page.document("t", "s", [], "c", "")
    assert len(re.findall(r"</script", text, flags=re.IGNORECASE)) == 2
    assert not re.search(r"<!--", text)


def test_a_page_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = diverse(make(tmp_path / "data"))
    target = result.to_html(tmp_path / "a.html")
    before = target.read_bytes()
    with pytest.raises(InvalidValueError, match="overwrite=True replaces it"):
        result.to_html(target)
    assert target.read_bytes() == before

    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(Path, "write_bytes", full)
        with pytest.raises(lw.errors.StorageError):
            result.to_html(target, overwrite=True)
    assert target.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.html"]
    result.to_html(target, title="Another", overwrite=True)
    assert "<h1>Another</h1>" in target.read_text()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"path": "a.txt"}, "path must end in .html, got"),
        ({"colorings": "score"}, 'colorings must be "all", None or a list'),
        ({"colorings": [{"by": "metadata", "key": "nothing"}]}, "nothing"),
        ({"folder": "../elsewhere"}, "folder must be the name of a folder beside the page"),
        ({"media_bytes": -1}, "media_bytes must be"),
        ({"compare": "s000001"}, "compare must be a SamplingResult, got 's000001'"),
    ],
)
def test_wrong_options_are_refused(tmp_path: Path, options: dict[str, Any], says: str) -> None:
    result = diverse(make(tmp_path / "data"))
    with pytest.raises((InvalidTypeError, InvalidValueError), match=re.escape(says)):
        result.to_html(**{"path": tmp_path / "a.html"} | options)
    assert not list(tmp_path.glob("*.html"))


def images(folder: Path, n: int = 40) -> lw.ImageDataset:
    (folder / "pictures").mkdir(parents=True)
    for number in range(n):
        noise = np.random.default_rng(number).integers(0, 255, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / "pictures" / f"{number:03d}.png")
    dataset = lw.ImageDataset.create("pictures", path=folder / "data")
    dataset.add_images_from_path(path=folder / "pictures", embed=False)
    vectors = np.random.default_rng(0).normal(size=(n, 8)).astype(np.float32)
    dataset.add_embeddings("m", vectors, sample_ids=dataset.query().to_polars()["sample_id"].to_list())
    return dataset


def test_pictures_stop_at_the_budget_and_the_page_says_so(tmp_path: Path) -> None:
    dataset = images(tmp_path)
    result = diverse(dataset, 5)
    held, _ = contents(result.to_html(tmp_path / "all.html"))
    assert all(said["message"]["thumbnail"] for said in held["details"])
    few = result.to_html(tmp_path / "few.html", media_bytes=30_000)
    held, _ = contents(few)
    assert 5 <= len(held["details"]) < 40
    assert [said["message"]["sample_id"] for said in held["details"][:5]] == result.new_ids
    assert f"Pictures and details of {len(held['details'])} of 40 samples are in this page" in few.read_text()


def test_pictures_go_into_a_folder_beside_the_page(tmp_path: Path) -> None:
    result = diverse(images(tmp_path), 5)
    target = result.to_html(tmp_path / "out" / "page.html", folder="my pictures")
    held, buffers = contents(target)
    for said in held["details"]:
        path = bytes(array(said, buffers, "thumbnail", "u1")).decode()
        assert path.startswith("my%20pictures/")
        with Image.open(target.parent / path.replace("%20", " ")) as picture:
            assert max(picture.size) <= 112
    with pytest.raises(InvalidValueError, match="overwrite=True"):
        result.to_html(tmp_path / "out" / "other.html", folder="my pictures")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["my pictures", "page.html"]


def test_the_page_selects_as_the_kernel_does(tmp_path: Path) -> None:
    """The same cases are held against the page's own code in `js/tests/page.test.ts`."""
    cases = json.loads((Path(__file__).parent / "fixtures" / "lassos.json").read_text())
    for case in cases:
        lasso = Lasso(np.array(case["x"], np.float32), np.array(case["y"], np.float32))
        polygon = np.array(case["polygon"], np.float32).reshape(-1, 2)
        assert lasso.inside(polygon).astype(int).tolist() == case["inside"]
