"""A page without a kernel, opened from disk in real Chromium with the network cut off."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

import lightly_widget as lw
from tests.browser.notebook import hostile_strings

N = 120
WORDS = ("fog", "rain", "sun")


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> tuple[lw.SamplingResult, lw.SamplingResult]:
    """Twenty diverse and ten random pictures of 120, in three groups."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "pictures").mkdir()
    for number in range(N):
        color = ((200, 60, 40), (60, 160, 70), (50, 90, 200))[number % 3]
        Image.new("RGB", (48, 48), color).save(folder / "pictures" / f"{WORDS[number % 3]}-{number:03d}.png")
    dataset = lw.ImageDataset.create("weather", path=folder / "data")
    dataset.add_images_from_path(path=folder / "pictures", embed=False)
    names = dataset.query().to_polars()["file_name"].to_list()
    ids = dataset.query().to_polars()["sample_id"].to_list()
    kinds = [WORDS.index(name.split("-")[0]) for name in names]
    random = np.random.default_rng(0)
    vectors = random.normal(size=(3, 8))[kinds] * 4 + random.normal(size=(N, 8))
    dataset.add_embeddings("m", vectors.astype(np.float32), sample_ids=ids)
    dataset.labels.add_classifications({id_: WORDS[kind] for id_, kind in zip(ids, kinds, strict=True)}, "sky")
    dataset.metadata.update(pl.DataFrame({"sample_id": ids, "score": np.linspace(0, 1, N)}))
    sampling = dataset.query().sampling()
    return sampling.preview(20, [lw.EmbeddingDiversityStrategy()]), sampling.preview(10, [lw.RandomStrategy(seed=3)])


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[[Path], Page]]:
    """Opens a page from disk; at the end, nothing was asked of a network, and nothing went wrong."""
    context = browser.new_context(viewport={"width": 1300, "height": 860}, offline=True)
    problems: list[str] = []
    asked: list[str] = []

    def visit(path: Path) -> Page:
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda line: problems.append(line.text) if line.type in ("error", "warning") else None)
        page.on("dialog", lambda dialog: problems.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        expect(page.locator(".plot-host canvas").last).to_be_visible()
        return page

    yield visit
    context.close()
    assert problems == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def hover(page: Page) -> Locator:
    box = page.locator(".plot-host").bounding_box()
    assert box is not None
    card = page.locator(".hover-card")
    for step in range(1500):
        x, y = (step % 50) / 50, (step // 50) / 30
        page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
        page.wait_for_timeout(20 if step % 5 else 110)
        if card.count():
            return card
    raise AssertionError("no point came under the pointer")


def draw(page: Page, mode: str, path: list[tuple[float, float]]) -> None:
    page.get_by_role("radio", name=mode).or_(page.get_by_role("button", name=mode, exact=True)).first.click()
    box = page.locator(".plot-host").bounding_box()
    assert box is not None
    places = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in path]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=6)
    page.mouse.up()


def test_the_page_is_alive(
    result: tuple[lw.SamplingResult, lw.SamplingResult],
    opened: Callable[[Path], Page],
    screenshot: Callable[[Page, str], Path],
    tmp_path: Path,
) -> None:
    diverse, random = result
    page = opened(diverse.to_html(tmp_path / "sample.html", compare=random, colorings="all"))
    expect(page.locator("h1")).to_have_text("weather")
    # The sample and its gallery, in pick order, with the pictures.
    tiles = page.locator(".tile")
    expect(tiles.first.locator("img")).to_be_visible()
    assert tiles.first.get_by_role("button").count() == 1, "nothing can be pinned or removed"
    expect(page.locator(".status-bar")).to_contain_text("20 in A")
    # The slider moves along the picks, and the recipe with it.
    expect(page.get_by_label("Python code")).to_contain_text("n_samples_to_select=20")
    slider = page.get_by_role("slider", name="Number of samples")
    slider.focus()
    slider.press("Home")
    expect(page.locator(".status-bar")).to_contain_text("1 in A")
    expect(page.get_by_label("Python code")).to_contain_text("n_samples_to_select=1,")
    expect(tiles).to_have_count(1)
    slider.press("End")
    expect(page.locator(".status-bar")).to_contain_text("20 in A")
    # Hover shows the picture and the label.
    card = hover(page)
    expect(card.locator("img")).to_be_visible()
    expect(card).to_contain_text(re.compile("fog|rain|sun"))
    screenshot(page, "page-from-disk")
    # Lasso and rectangle are worked out here.
    draw(page, "Rectangle", [(0.01, 0.01), (0.99, 0.99)])
    expect(page.locator(".status-bar")).to_contain_text(f"{N} selected")
    draw(page, "Lasso", [(0.01, 0.01), (0.5, 0.02), (0.5, 0.98), (0.01, 0.97)])
    expect(page.locator(".status-bar")).not_to_contain_text(f"{N} selected")
    expect(page.locator(".status-bar")).to_contain_text("selected")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".status-bar")).not_to_contain_text("selected")
    # Colors that were asked for, with their legend.
    page.get_by_label("Color by").select_option(label="score")
    expect(page.locator(".legend-title")).to_have_text("score")
    page.get_by_label("Color by").select_option(label="sky")
    expect(page.locator(".legend-list li")).to_have_count(3)
    # A and B change places and come apart.
    page.get_by_role("button", name="Swap A and B").click()
    expect(page.locator(".status-bar")).to_contain_text("10 in A")
    expect(page.locator(".status-bar")).to_contain_text("20 in B")
    page.get_by_role("button", name="Stop comparing").click()
    expect(page.locator(".status-bar")).to_contain_text("10 sampled")
    # The figures of the Result tab.
    page.get_by_role("tab", name="Result").click()
    expect(page.locator(".look svg").first).to_be_visible()
    expect(page.get_by_text("rain").first).to_be_visible()
    screenshot(page, "page-result")
    # What needs a kernel is not offered.
    for name in ("Sample", "Save as tag", "Live", "Undo", "Find by image"):
        expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)


def test_pictures_beside_the_page(
    result: tuple[lw.SamplingResult, lw.SamplingResult], opened: Callable[[Path], Page], tmp_path: Path
) -> None:
    page = opened(result[0].to_html(tmp_path / "out" / "sample.html", folder=True))
    picture = page.locator(".tile img").first
    expect(picture).to_be_visible()
    assert picture.evaluate("(image) => image.complete && image.naturalWidth") == 48
    assert (picture.get_attribute("src") or "").startswith("sample_files/")


def test_hostile_strings_stay_text(opened: Callable[[Path], Page], tmp_path: Path) -> None:
    strings = [text.encode("utf-8", "replace").decode() for text in hostile_strings()]
    strings = [text for text in strings if text.strip()]
    n = len(strings)
    frame = pl.DataFrame({"text": strings, "word": strings, "sample_id": [str(at) for at in range(n)]})
    vectors = np.random.default_rng(0).normal(size=(n, 4)).astype(np.float32)
    dataset = lw.Dataset.from_polars(frame, embeddings=vectors, name="hostile", path=tmp_path / "data")
    result = dataset.query().sampling().preview(n, [lw.RandomStrategy()])
    target = result.to_html(tmp_path / "a.html", colorings="all", title="<img src=x onerror=alert(1)>")
    page = opened(target)
    expect(page.locator("h1")).to_have_text("<img src=x onerror=alert(1)>")
    expect(page.locator(".tile").first).to_be_visible()
    page.get_by_label("Color by").select_option(label="word")
    expect(page.locator(".legend-list li").first).to_be_visible()
    assert page.evaluate("document.querySelectorAll('script, img, iframe, object').length") == 2
