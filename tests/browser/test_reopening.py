"""What is left when the kernel is not: saved notebooks, reloaded pages, restarted kernels. And what is sent at all."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Lab
from tests.browser.notebook import ANSWER_MS, RECORD, Notebook, button, opened, painted, sample, still, type_count

GONE = "The kernel that this plot belonged to is gone. Run the cell again to bring it back."
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
READY = """() => {
  const session = window.jupyterapp?.shell?.currentWidget?.sessionContext?.session;
  return session?.kernel?.connectionStatus === 'connected' && session.kernel.status === 'idle';
}"""


@pytest.fixture
def open_notebook(lab: Lab) -> Iterator[Callable[..., Notebook]]:
    with contextlib.ExitStack() as stack:

        def run(name: str, *cells: str) -> Notebook:
            notebook = stack.enter_context(opened(lab, name, *cells))
            stack.callback(notebook.faultless)
            return notebook

        yield run


def save_widget_state(notebook: Notebook) -> Path:
    """Settings > Save Widget State Automatically, then save."""
    command = "@jupyter-widgets/jupyterlab-manager:saveWidgetState"
    notebook.page.evaluate("async (command) => { await jupyterapp.commands.execute(command) }", command)
    notebook.page.wait_for_function("(command) => jupyterapp.commands.isToggled(command)", arg=command)
    notebook.page.evaluate("() => { jupyterapp.shell.currentWidget.context.model.dirty = true }")
    return notebook.save()


def state_in(path: Path) -> dict[str, Any]:
    saved: dict[str, Any] = json.loads(path.read_text())["metadata"]["widgets"][WIDGET_STATE]["state"]
    return saved


def rests(widget: Locator) -> None:
    """Nothing pretends to work that needs the kernel."""
    expect(widget).to_contain_text(GONE, timeout=ANSWER_MS)
    for part in (".panel", ".toolbar"):
        expect(widget.locator(part)).to_have_attribute("inert", "")


def reload(notebook: Notebook) -> None:
    notebook.page.reload()
    notebook.page.wait_for_function(READY, timeout=ANSWER_MS)
    notebook.problems.clear()  # JupyterLab tells the console of requests that were cut off, and of kernels not found


def test_a_hundred_thousand_samples_saved_reopened_and_without_a_kernel(
    open_notebook: Callable[..., Notebook], screenshot: Callable[[Page, str], Path]
) -> None:
    notebook = open_notebook(
        "hundred_thousand.ipynb",
        "hundred_thousand = make('hundred_thousand', 100_000, 16)\n"
        "weather = {'by': 'metadata', 'key': 'weather'}\n"
        "explorer = hundred_thousand.explore(projection='pca', color_by=weather)\nexplorer",
    )
    notebook.python("setattr(explorer, 'selection', hundred_thousand[:50_000])")
    sample(notebook.widget(1), 5_000)
    path = save_widget_state(notebook)
    assert path.stat().st_size < 1_000_000
    models = {model["model_name"] for model in state_in(path).values()}
    assert "AnyModel" in models, "the widget's state is in the file"

    notebook.faultless()
    reload(notebook)  # the kernel lives on, so the widget does
    widget = notebook.widget(1)
    expect(widget.locator(".status-bar")).to_contain_text("5,000 sampled", timeout=ANSWER_MS)
    expect(widget.locator(".status-bar")).to_contain_text("50,000 selected", timeout=ANSWER_MS)

    notebook.faultless()
    notebook.page.evaluate("async () => { await jupyterapp.shell.currentWidget.sessionContext.shutdown() }")
    reload(notebook)  # JupyterLab starts a new kernel, which knows no widget
    widget = notebook.page.locator(".jp-Notebook .lightly-widget")
    rests(widget)
    Notebook.show(widget)
    painted(notebook.page)
    screenshot(notebook.page, "kernel-gone")
    notebook.lab.run_all()
    sample(notebook.widget(1), 50)


def test_a_restarted_kernel_is_told_of_and_running_the_cell_again_helps(
    open_notebook: Callable[..., Notebook],
) -> None:
    notebook = open_notebook("restart.ipynb", "explorer = dataset.explore(projection='pca')\nexplorer")
    widget = notebook.widget(1)
    sample(widget, 20)
    notebook.lab.restart_kernel()
    rests(widget)
    before = still(notebook, widget)
    widget.locator(".plot-host").hover()
    notebook.page.mouse.down()
    notebook.page.mouse.move(600, 500, steps=4)
    notebook.page.mouse.up()
    assert still(notebook, widget) != before, "the points are here, so the plot still pans"
    notebook.lab.run_all()
    widget = notebook.widget(1)
    expect(widget).not_to_contain_text(GONE, timeout=ANSWER_MS)
    sample(widget, 30)


def test_no_trait_takes_more_than_64_kb_a_change(open_notebook: Callable[..., Notebook]) -> None:
    """With the longest lists a dataset can have; only what comes after the first paint counts."""
    notebook = open_notebook(
        "traits.ipynb",
        "values = [f'{\"value \" * 20}{row % 150} ü' for row in range(2_000)]\n"
        "words = {f'{\"key \" * 20}{key}': values for key in range(60)}\n"
        "wide = make('wide', 2_000, 8, **words)\n"
        "for tag in range(300):\n"
        "    wide[tag : tag + 5].add_tag(f'{\"tag \" * 20}{tag}')\n"
        "explorer = wide.explore(projection='pca')\nexplorer",
    )
    widget = notebook.widget(1)
    notebook.page.evaluate(RECORD)
    sample(widget, 1_500)
    for count in (1_200, 700, 3):
        type_count(widget, count)
    notebook.until("explorer.n_samples_to_select == 3")
    notebook.python("setattr(explorer, 'selection', wide[:1_000])")
    notebook.python("setattr(explorer, 'filter', lw.SampleField.metadata['score'] < 0.5)")
    notebook.python("setattr(explorer, 'strategies', [lw.EmbeddingDiversityStrategy()] * 50)")
    button(widget, "Save as tag").click()
    widget.get_by_label("Tag name").fill("three")
    widget.get_by_label("Tag name").press("Enter")
    notebook.until("'three' in wide.tags")
    widget.get_by_label("Color by").select_option(label="weather")
    notebook.until("explorer.color_by == {'by': 'metadata', 'key': 'weather'}")
    messages = notebook.page.evaluate("recorded.filter(({sizes}) => Object.keys(sizes).length > 0)")
    largest: dict[str, int] = {}
    for message in messages:
        for name, size in message["sizes"].items():
            largest[name] = max(largest.get(name, 0), size)
    assert {"n_samples_to_select", "strategies", "filter", "color_by", "info"} <= set(largest)
    assert largest["info"] > 20_000, "the lists are long enough to tell"
    assert max(largest.values()) < 64_000
