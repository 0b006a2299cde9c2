"""The main job as a new user does it: the quickstart notebook in a real JupyterLab, from pictures to a kept sample."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import ROOT, Lab, LabPage

NOTEBOOKS = ROOT / "notebooks"
PICTURES = NOTEBOOKS / "node_modules"
ANSWER_MS = 60_000


@pytest.fixture(scope="module")
def quickstart(lab: Lab) -> Iterator[LabPage]:
    """The quickstart notebook, all cells run, with the explorer in view."""
    if not PICTURES.is_dir():
        pytest.fail("the pictures of the quickstart are missing: `npm install --prefix notebooks`, or `make test`")
    shutil.copy(NOTEBOOKS / "quickstart.ipynb", lab.home)
    (lab.home / "node_modules").symlink_to(PICTURES)
    page = lab.open("quickstart.ipynb", height=1000)
    page.page.evaluate("() => { jupyterapp.shell.collapseLeft() }")  # the list of files is no part of the pictures
    page.run_all(timeout=600)
    yield page
    page.close()


def widget(page: Page) -> Locator:
    return page.locator(".lightly-widget").first


def show(page: Page) -> None:
    """Bring the widget to the top of the notebook, as a reader would scroll."""
    widget(page).evaluate("(node) => node.scrollIntoView({block: 'start'})")


def plot_box(page: Page) -> dict[str, float]:
    box: Any = widget(page).locator(".plot-host").bounding_box()
    assert box is not None
    return dict(box)


def painted(page: Page) -> None:
    """Two frames later everything that was asked for has been drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def still(page: Page) -> None:
    """Wait until the points have glided to their places: two pictures of the plot in a row are the same."""
    before = b""
    for _ in range(100):
        now = widget(page).locator(".plot-host").screenshot()
        if now == before:
            return
        before = now
    raise AssertionError("the plot never came to rest")


def hover_a_point(page: Page) -> Locator:
    """Move over the plot as a hand would, until a sample's card opens."""
    box = plot_box(page)
    card = widget(page).locator(".hover-card")
    for step in range(150):
        page.mouse.move(
            box["x"] + box["width"] * (0.35 + 0.3 * (step % 15) / 15), box["y"] + box["height"] * (0.25 + step / 300)
        )
        page.wait_for_timeout(150)  # longer than the 80 ms after which the card opens
        if card.count() and card.locator("img").count():
            return card
    raise AssertionError("no sample's card opened anywhere over the plot")


def drag(page: Page, path: list[tuple[float, float]]) -> None:
    box = plot_box(page)
    points = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in path]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=8)
    page.mouse.up()


def test_the_notebook_runs_and_says_what_it_loaded(quickstart: LabPage) -> None:
    outputs = quickstart.outputs_text()
    assert '"output_type":"error"' not in outputs
    assert "3,391" in outputs or "3391" in outputs
    assert quickstart.python("len(dataset)") == 3391
    assert quickstart.python("len(dataset.match(lw.ImageSampleField.tags.contains('diverse_10')))") == 10
    assert not quickstart.errors


def test_the_plot_shows_every_sample(quickstart: LabPage, screenshot: Callable[[Page, str], Path]) -> None:
    page = quickstart.page
    show(page)
    expect(widget(page).locator(".status-bar")).to_contain_text("3,391", timeout=ANSWER_MS)
    expect(widget(page).get_by_role("status").filter(has_text="Connecting")).to_have_count(0, timeout=ANSWER_MS)
    painted(page)
    screenshot(page, "quickstart-opened")


def test_pan_zoom_and_reset_move_the_view(quickstart: LabPage) -> None:
    page = quickstart.page
    show(page)
    box = plot_box(page)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 60, box["y"] + box["height"] / 2 + 20, steps=5)
    page.mouse.up()
    page.wait_for_function("() => true")
    wait_for_python(quickstart, "explorer.viewport is not None")
    panned = quickstart.python("explorer.viewport")
    page.mouse.wheel(0, -400)  # the plot has the focus now, so the wheel zooms
    wait_for_python(quickstart, f"explorer.viewport[2] - explorer.viewport[0] < {panned[2] - panned[0]} * 0.95")
    widget(page).get_by_role("button", name="Show all points").click()
    wait_for_python(quickstart, "explorer.viewport is None")


def test_hover_shows_the_picture_and_its_name(quickstart: LabPage, screenshot: Callable[[Page, str], Path]) -> None:
    page = quickstart.page
    show(page)
    card = hover_a_point(page)
    expect(card).to_contain_text(".webp")
    natural = card.locator("img").first.evaluate("(image) => image.decode().then(() => image.naturalWidth)")
    assert natural > 16
    screenshot(page, "quickstart-hover")


def test_a_lasso_selects_and_python_sees_the_same(quickstart: LabPage, screenshot: Callable[[Page, str], Path]) -> None:
    page = quickstart.page
    show(page)
    widget(page).get_by_role("radio", name="Lasso").or_(widget(page).get_by_role("button", name="Lasso")).first.click()
    drag(page, [(0.35, 0.35), (0.65, 0.35), (0.65, 0.65), (0.35, 0.65), (0.35, 0.36)])
    wait_for_python(quickstart, "len(explorer.selection) > 0")
    count = quickstart.python("len(explorer.selection)")
    expect(widget(page)).to_contain_text(f"{count:,} selected", timeout=ANSWER_MS)
    screenshot(page, "quickstart-lasso")
    quickstart.python("setattr(explorer, 'selection', dataset[:25])")
    expect(widget(page)).to_contain_text("25 selected", timeout=ANSWER_MS)
    chosen = quickstart.python("[sample.sample_id for sample in explorer.selection]")
    assert chosen == quickstart.python("[sample.sample_id for sample in dataset[:25]]")
    quickstart.python("setattr(explorer, 'selection', [])")
    expect(widget(page)).not_to_contain_text("selected", timeout=ANSWER_MS)
    widget(page).get_by_role("radio", name="Pan").or_(widget(page).get_by_role("button", name="Pan")).first.click()


def test_sample_slide_and_save(quickstart: LabPage, screenshot: Callable[[Page, str], Path]) -> None:
    page = quickstart.page
    show(page)
    count = widget(page).locator(".count-field input, input.count-field").first
    count.fill("200")
    count.press("Enter")
    widget(page).get_by_role("button", name="Sample", exact=True).click()
    expect(widget(page)).to_contain_text("200 samples", timeout=ANSWER_MS)
    expect(widget(page).get_by_role("button", name="Save as tag")).to_be_visible(timeout=ANSWER_MS)
    # UMAP has glided in by itself over the PCA that showed first.
    shown = widget(page).get_by_label("Projection").locator("option:checked")
    expect(shown).to_have_text("UMAP", timeout=240_000)
    show(page)
    page.mouse.move(5, 5)
    still(page)
    screenshot(page, "explorer-light")
    expected = quickstart.python(
        "list(dataset.query().sampling().preview(200, [lw.EmbeddingDiversityStrategy()]).sample_ids)"
    )
    assert quickstart.python("list(explorer.sample.sample_ids)") == expected

    count.fill("60")
    count.press("Enter")
    expect(widget(page)).to_contain_text("60 samples", timeout=ANSWER_MS)
    widget(page).get_by_role("button", name="Save as tag").click()
    name = widget(page).get_by_label("Tag name")
    name.fill("sixty")
    name.press("Enter")
    wait_for_python(quickstart, "'sixty' in dataset.tags")
    kept = quickstart.python(
        "[s.sample_id for s in dataset.match(lw.ImageSampleField.tags.contains('sixty')).to_list()]"
    )
    assert sorted(kept) == sorted(expected[:60])


def test_the_dark_theme(quickstart: LabPage, screenshot: Callable[[Page, str], Path]) -> None:
    page = quickstart.page
    quickstart.set_theme("dark")
    show(page)
    still(page)
    screenshot(page, "explorer-dark")
    quickstart.set_theme("light")


def test_the_tag_outlives_the_kernel(quickstart: LabPage) -> None:
    quickstart.restart_kernel()
    kept = quickstart.python(
        "(lambda lw: len(lw.ImageDataset.load('emoji').match(lw.ImageSampleField.tags.contains('sixty')).to_list()))"
        "(__import__('lightly_widget'))"
    )
    assert kept == 60
    assert not quickstart.errors


def wait_for_python(page: LabPage, condition: str, *, timeout: float = 30) -> None:
    """Ask the kernel until the condition holds."""
    for _ in range(int(timeout / 0.25)):
        if page.python(f"bool({condition})"):
            return
        page.page.wait_for_timeout(250)
    raise AssertionError(f"never became true: {condition}")
