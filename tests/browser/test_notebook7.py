"""The explorer in Notebook 7: it draws, samples and follows the theme there as in JupyterLab."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import Lab
from tests.browser.notebook import ANSWER_MS, SETUP, Notebook, painted, sample


def test_notebook_7_in_both_themes(lab: Lab, screenshot: Callable[[Page, str], Path]) -> None:
    name = lab.write_notebook(
        "seven.ipynb", SETUP, "explorer = dataset.explore(color_by={'by': 'metadata', 'key': 'weather'})\nexplorer"
    )
    page = lab.open(name, app="notebook")
    page.errors.clear()  # Notebook 7 has one of its own while it starts
    page.run_all()
    notebook = Notebook(page, lab.home)
    notebook.check(1)
    widget = notebook.widget(1)
    sample(widget, 30)
    notebook.until("len(explorer.sample.sample_ids) == 30")
    for theme in ("light", "dark"):
        page.set_theme(theme)
        expect(widget).to_have_attribute("data-theme", theme, timeout=ANSWER_MS)
        notebook.show(widget)
        painted(notebook.page)
        screenshot(notebook.page, f"notebook7-{theme}")
    assert page.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert notebook.problems == []
    page.close()
