"""A saved notebook as `nbconvert --to html` shows it, in real Chromium without a network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbconvert import HTMLExporter
from playwright.sync_api import Browser, Page, expect

import lightly_widget as lw
from tests.test_page import diverse, make


def converted(explorer: lw.Explorer, path: Path) -> Path:
    outputs, metadata = explorer._repr_mimebundle_()
    output = nbformat.v4.new_output("display_data", outputs, metadata=metadata)  # type: ignore[no-untyped-call]
    cell = nbformat.v4.new_code_cell("explorer", outputs=[output])  # type: ignore[no-untyped-call]
    notebook = nbformat.v4.new_notebook(cells=[cell])  # type: ignore[no-untyped-call]
    body, _ = HTMLExporter().from_notebook_node(notebook)
    path.write_text(body)
    return path


@pytest.fixture
def explorer(tmp_path: Path) -> lw.Explorer:
    dataset = make(tmp_path / "data")
    explorer = dataset.explore(color_by={"by": "metadata", "key": "weather"})
    explorer.sample = diverse(dataset)
    return explorer


def test_the_page_in_its_frame_is_alive(
    explorer: lw.Explorer, browser: Browser, screenshot: Callable[[Page, str], Path], tmp_path: Path
) -> None:
    explorer.embed_offline = True
    context = browser.new_context(viewport={"width": 1300, "height": 950}, offline=True)
    page = context.new_page()
    page.goto(converted(explorer, tmp_path / "a.html").as_uri(), wait_until="domcontentloaded")
    frame = page.frame_locator("iframe[sandbox=allow-scripts]")
    expect(frame.locator(".plot-host canvas").last).to_be_visible()
    expect(frame.locator(".status-bar")).to_contain_text("9 sampled")
    slider = frame.get_by_role("slider", name="Number of samples")
    slider.focus()
    slider.press("Home")
    expect(frame.locator(".status-bar")).to_contain_text("1 sampled")
    expect(frame.locator(".tile")).to_have_count(1)
    screenshot(page, "converted-notebook")
    context.close()


def test_else_there_is_a_picture(explorer: lw.Explorer, browser: Browser, tmp_path: Path) -> None:
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto(converted(explorer, tmp_path / "a.html").as_uri(), wait_until="domcontentloaded")
    picture = page.locator("img[src^='data:image/png']")
    expect(picture).to_be_visible()
    assert picture.evaluate("(image) => image.naturalWidth") == 960
    assert page.locator("iframe").count() == 0
    context.close()
