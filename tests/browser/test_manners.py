"""How the widget behaves in a real JupyterLab: with Python, with other widgets, with a busy kernel, when closed."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Lab
from tests.browser.notebook import (
    ANSWER_MS,
    RECORD,
    Notebook,
    button,
    click_if,
    count_field,
    hover_a_point,
    ink,
    lasso,
    opened,
    painted,
    sample,
    still,
    type_count,
    wait_for_ink,
)
from tests.browser.widget_page import axe

TOP_HALF = [(0.01, 0.01), (0.99, 0.01), (0.99, 0.5), (0.01, 0.5)]


@pytest.fixture(scope="module")
def shared(lab: Lab) -> Iterator[Notebook]:
    with opened(lab, "manners.ipynb") as notebook:
        notebook.page.evaluate(RECORD)
        yield notebook


@pytest.fixture
def notebook(shared: Notebook) -> Iterator[Notebook]:
    """The shared notebook, empty but for its first cell. Afterward nothing may have gone wrong unseen."""
    shared.page.evaluate("() => { recorded.length = 0 }")
    yield shared
    shared.clear()
    shared.python("ipywidgets.Widget.close_all()")
    shared.faultless()


# Traits --------------------------------------------------------------------------------------------------------------


def test_traits_set_in_python_show(notebook: Notebook) -> None:
    widget = notebook.explore()
    status = widget.locator(".status-bar")
    notebook.run(
        "explorer.n_samples_to_select = 37\n"
        "explorer.strategies = [lw.EmbeddingDiversityStrategy(), lw.MetadataWeightingStrategy('score', strength=-2)]\n"
        "explorer.filter = lw.SampleField.metadata['weather'] == 'fog'\n"
        "explorer.color_by = {'by': 'metadata', 'key': 'weather'}\n"
        "explorer.selection = dataset[:25]"
    )
    notebook.show(widget)
    expect(count_field(widget)).to_have_value("37")
    expect(widget.locator("article.strategy")).to_have_count(2)
    expect(widget.locator("article.strategy").last).to_contain_text("Inverted")
    expect(status).to_contain_text("100 of 400 samples")
    expect(status).to_contain_text("25 selected")
    expect(widget.get_by_label("Legend: weather")).to_contain_text("fog")
    notebook.run(
        "explorer.filter = None\nexplorer.sample = dataset.query().sampling().preview(20, explorer.strategies)"
    )
    expect(status).to_contain_text("20 sampled")
    expect(count_field(widget)).to_have_value("20")
    expect(status).not_to_contain_text("of 400")


def test_what_is_done_in_the_browser_is_in_the_traits(notebook: Notebook) -> None:
    widget = notebook.explore()
    sample(widget, 30)
    notebook.until("len(explorer.sample) == 30 and explorer.n_samples_to_select == 30")
    button(widget, "Duplicate Diverse").click()
    notebook.until("[s['type'] for s in explorer.strategies] == ['diversity'] * 2")
    widget.get_by_label("Color by").select_option(label="weather")
    notebook.until("explorer.color_by == {'by': 'metadata', 'key': 'weather'}")
    lasso(notebook, widget, TOP_HALF)
    notebook.until("0 < len(explorer.selection) < 400")
    count = notebook.python("len(explorer.selection)")
    expect(widget.locator(".status-bar")).to_contain_text(f"{count} selected")
    button(widget, "Filter").click()
    widget.get_by_label("Filter by").first.select_option(label="weather")
    widget.get_by_label("Value", exact=True).select_option(label="rain")
    notebook.until("'rain' in str(explorer.filter)")
    assert notebook.python("len(dataset.match(Expression.from_dict(explorer.filter)))") == 100


def test_hovered_is_ringed_and_told(notebook: Notebook) -> None:
    widget = notebook.explore()
    still(notebook, widget)
    assert ink(widget) == 0
    notebook.python("setattr(explorer, 'hovered', 's000003')")
    wait_for_ink(notebook, widget, True)
    notebook.python("setattr(explorer, 'hovered', None)")
    wait_for_ink(notebook, widget, False)
    hover_a_point(notebook, widget)
    notebook.until("explorer.hovered is not None and explorer.hovered.startswith('s')")
    notebook.page.mouse.move(2, 2)
    notebook.until("explorer.hovered is None")


def test_the_view_goes_both_ways(notebook: Notebook) -> None:
    widget = notebook.explore()
    whole = still(notebook, widget)
    notebook.python("setattr(explorer, 'viewport', [0.0, 0.0, 0.4, 0.4])")
    for _ in range(100):
        painted(notebook.page)
        if widget.locator(".plot-host").screenshot() != whole:
            break
    else:
        raise AssertionError("the plot did not move")
    widget.locator(".plot-host").hover()
    notebook.page.mouse.down()
    notebook.page.mouse.move(700, 500, steps=4)
    notebook.page.mouse.up()
    notebook.until("explorer.viewport != [0.0, 0.0, 0.4, 0.4]")
    button(widget, "Show all points").click()
    notebook.until("explorer.viewport is None")
    assert still(notebook, widget) == whole


def test_linked_explorers_show_the_same(notebook: Notebook) -> None:
    cell = notebook.run(
        "a = dataset.explore(projection='pca', height=330)\n"
        "b = dataset.explore(projection='pca', height=330)\n"
        "for name in ('selection', 'n_samples_to_select', 'hovered', 'viewport', 'filter'):\n"
        "    traitlets.link((a, name), (b, name))\n"
        "display(a, b)"
    )
    first, second = notebook.widget(cell, 0), notebook.widget(cell, 1)
    notebook.show(first)
    hover_a_point(notebook, first)
    wait_for_ink(notebook, second, True)
    notebook.until("a.hovered == b.hovered and a.hovered is not None")
    notebook.page.mouse.move(2, 2)
    notebook.until("a.hovered is None and b.hovered is None")
    wait_for_ink(notebook, second, False)
    lasso(notebook, first, TOP_HALF)
    notebook.until("0 < len(a.selection) < 400")
    count = notebook.python("len(a.selection)")
    for widget in (first, second):
        expect(widget.locator(".status-bar")).to_contain_text(f"{count} selected")
    assert notebook.python("set(a.selection.sample_ids) == set(b.selection.sample_ids)")
    notebook.python("setattr(b, 'selection', dataset[10:17])")
    for widget in (first, second):
        expect(widget.locator(".status-bar")).to_contain_text("7 selected")
    type_count(second, 42)
    expect(count_field(first)).to_have_value("42")
    notebook.python("setattr(a, 'filter', lw.SampleField.metadata['score'] < 0.5)")
    expect(second.locator(".status-bar")).to_contain_text("200 of 400")


def test_two_views_of_one_widget_stay_in_step(notebook: Notebook) -> None:
    cell = notebook.run("explorer = dataset.explore(projection='pca', height=330)\ndisplay(explorer, explorer)")
    first, second = notebook.widget(cell, 0), notebook.widget(cell, 1)
    sample(first, 33)
    expect(second.locator(".foot")).to_contain_text("33 samples")
    expect(count_field(second)).to_have_value("33")
    notebook.python("setattr(explorer, 'selection', dataset[:5])")
    for widget in (first, second):
        expect(widget.locator(".status-bar")).to_contain_text("5 selected")
    third = notebook.widget(notebook.run("explorer"))
    expect(third.locator(".status-bar")).to_contain_text("33 sampled")
    expect(third.locator(".status-bar")).to_contain_text("5 selected")


# The side panel ------------------------------------------------------------------------------------------------------


def in_side_panel(notebook: Notebook) -> Locator:
    found = notebook.page.locator("#jp-right-stack .lightly-widget")
    expect(found).to_be_visible(timeout=ANSWER_MS)
    notebook.ready(found)
    return found


def test_the_side_panel_stays_while_cells_run(notebook: Notebook, screenshot: Callable[[Page, str], Path]) -> None:
    cell = notebook.run("explorer = dataset.explore(placement='side', projection='pca')\nexplorer")
    side = in_side_panel(notebook)
    assert notebook.page.locator(".jp-Notebook .jp-Cell").nth(cell).locator(".lightly-widget").count() == 0
    stage, panel = side.locator(".stage").bounding_box(), side.locator(".panel").bounding_box()
    assert stage is not None
    assert panel is not None
    assert panel["y"] >= stage["y"] + stage["height"] - 1, "in a narrow panel they stack"
    notebook.run("explorer.n_samples_to_select = 21")
    for row in range(3):
        notebook.run(f"print({row})")
    expect(count_field(side)).to_have_value("21")
    button(side, "Sample").click()
    expect(side.locator(".status-bar")).to_contain_text("21 sampled", timeout=ANSWER_MS)
    notebook.until("len(explorer.sample) == 21")
    side.locator(".stage").scroll_into_view_if_needed()
    painted(notebook.page)
    screenshot(notebook.page, "side-panel")


def test_a_widget_in_the_notebook_opens_beside_it_too(notebook: Notebook) -> None:
    inline = notebook.explore()
    notebook.run("panel = explorer.open_side_panel('right')")
    side = in_side_panel(notebook)
    sample(inline, 12)
    expect(side.locator(".status-bar")).to_contain_text("12 sampled")
    notebook.run("panel.close()")
    expect(side).to_have_count(0)
    sample(inline, 14)


# Busy kernels --------------------------------------------------------------------------------------------------------


def test_it_answers_while_a_cell_runs(notebook: Notebook) -> None:
    notebook.python("[dataset.tags.delete(tag) for tag in dataset.tags]")
    widget = notebook.explore()
    # ipykernel would send what the browser says to where the widget spoke from last, which is the busy cell.
    with notebook.busy("explorer.n_samples_to_select = 40"):
        sample(widget, 44)
        lasso(notebook, widget, TOP_HALF)
        expect(widget.locator(".status-bar")).to_contain_text("selected", timeout=ANSWER_MS)
        button(widget, "Save as tag").click()
        widget.get_by_label("Tag name").fill("while busy")
        widget.get_by_label("Tag name").press("Enter")
        expect(widget.get_by_label("Sample from")).to_contain_text("while busy (44)", timeout=ANSWER_MS)
    assert notebook.python("len(dataset.tags['while busy'])") == 44


def test_above_the_servers_rate_limit_it_ends_in_the_right_state(notebook: Notebook) -> None:
    widget = notebook.explore()
    cell = notebook.run(
        "for number in range(12_000):\n"
        "    explorer.comm.send({'method': 'custom', 'content': {'number': number}})\n"
        "explorer.selection = dataset[:9]\n"
        "explorer.n_samples_to_select = 17\n"
        "explorer.color_by = {'by': 'metadata', 'key': 'weather'}\n"
        "explorer.sample = dataset.query().sampling().preview(17, explorer.strategies)\n"
        "last = explorer._out._seq"
    )
    outputs = notebook.page.evaluate(
        "(index) => JSON.stringify(jupyterapp.shell.currentWidget.content.widgets[index].model.toJSON())", cell
    )
    assert "message rate exceeded" in outputs
    notebook.show(widget)
    expect(widget.locator(".status-bar")).to_contain_text("9 selected", timeout=ANSWER_MS)
    expect(widget.locator(".status-bar")).to_contain_text("17 sampled", timeout=ANSWER_MS)
    expect(widget.get_by_label("Legend: weather")).to_contain_text("fog", timeout=ANSWER_MS)
    expect(count_field(widget)).to_have_value("17")
    heard = set(notebook.page.evaluate("recorded.map(({seq}) => seq)"))
    assert set(range(1, notebook.python("last") + 1)) - heard, "the server dropped nothing: the test shows nothing"


def cancel(notebook: Notebook, widget: Locator) -> None:
    """Click Cancel until it is gone: right after it took the place of Sample, it is deaf for a moment."""
    expect(button(widget, "Cancel")).to_be_visible(timeout=ANSWER_MS)
    for _ in range(300):
        if not click_if(widget, "Cancel"):
            return
        painted(notebook.page)
    raise AssertionError("Cancel did nothing")


def test_cancel_always_answers(notebook: Notebook) -> None:
    """A sample that takes minutes, stopped within seconds, with the kernel idle and with a cell running."""
    notebook.run("large = make('large', 40_000, 256)")
    widget = notebook.explore("explorer = large.explore(projection='pca', n_samples_to_select=90)\nexplorer")
    for shown, meanwhile in ((90, contextlib.nullcontext()), (91, notebook.busy())):
        sample(widget, shown)
        type_count(widget, 40_000)
        with meanwhile:
            expect(widget.locator(".foot")).to_contain_text("so far", timeout=ANSWER_MS)
            cancel(notebook, widget)
            expect(widget.locator(".outcome")).to_contain_text("Cancelled", timeout=ANSWER_MS)
            expect(widget.locator(".status-bar")).to_contain_text(f"{shown} sampled")
        notebook.until(f"len(explorer.sample) == {shown}")


# Many ----------------------------------------------------------------------------------------------------------------


def test_twenty_widgets_in_one_notebook_all_draw(notebook: Notebook) -> None:
    cell = notebook.run("display(*[dataset.explore(projection='pca', height=320) for _ in range(20)])")
    widgets = notebook.page.locator(".jp-Notebook .jp-Cell").nth(cell).locator(".lightly-widget")
    expect(widgets).to_have_count(20, timeout=ANSWER_MS)
    for index in range(0, 20, 2):
        pair = [notebook.widget(cell, index), widgets.nth(index + 1)]
        notebook.ready(pair[1])
        for _ in range(50):
            painted(notebook.page)
            picture = Image.open(io.BytesIO(notebook.page.screenshot())).convert("L")
            if all(inked(picture, widget.locator(".plot-host")) > 500 for widget in pair):
                break
        else:
            raise AssertionError(f"widget {index} or the next shows no points")
    # That contexts are given back out of view shows in that the browser does not warn of too many: see the fixture.


def inked(page: Image.Image, part: Locator) -> int:
    """Pixels far from white in one part of a picture of the page."""
    box = part.bounding_box()
    assert box is not None
    found = page.crop((int(box["x"]), int(box["y"]), int(box["x"] + box["width"]), int(box["y"] + box["height"])))
    return sum(found.histogram()[:200])


def test_fifty_views_opened_and_closed_leave_nothing(notebook: Notebook) -> None:
    sample(notebook.explore("explorer = dataset.explore(projection='pca', height=320)\nexplorer"), 20)
    many = notebook.run("display(*[explorer] * 5)")
    views = notebook.page.locator(".jp-Notebook .jp-Cell").nth(many).locator(".lightly-widget")
    session = notebook.page.context.new_cdp_session(notebook.page)

    def open_and_close(times: int) -> None:
        for _ in range(times):
            notebook.lab.run_cell(many)
            expect(views).to_have_count(5)
            expect(views.last.locator(".status-bar")).to_contain_text("20 sampled", timeout=ANSWER_MS)

    def counters() -> tuple[int, int, float]:
        for _ in range(3):
            session.send("HeapProfiler.collectGarbage")
        found = session.send("Memory.getDOMCounters")
        return found["nodes"], found["jsEventListeners"], session.send("Runtime.getHeapUsage")["usedSize"]

    open_and_close(3)  # what is made once for all is there now
    nodes, listeners, heap = counters()
    open_and_close(10)
    # A view has some 40 listeners and hundreds of nodes: fifty kept ones would be thousands.
    allowed = (nodes + 400, listeners + 60, heap + 5_000_000)
    after = counters()
    for _ in range(120):  # JupyterLab and what the last views asked for take their time
        if all(now <= most for now, most in zip(after, allowed, strict=True)):
            break
        notebook.page.wait_for_timeout(250)
        after = counters()
    assert all(now <= most for now, most in zip(after, allowed, strict=True)), (after, allowed)


# For everyone --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(notebook: Notebook, theme: str) -> None:
    notebook.lab.set_theme("light")
    widget = notebook.explore(
        "explorer = dataset.explore(projection='pca', color_by={'by': 'metadata', 'key': 'weather'})\nexplorer"
    )
    notebook.lab.set_theme(theme)
    expect(widget).to_have_attribute("data-theme", theme)
    sample(widget, 30)
    for tab in ("Choose", "Result"):
        widget.get_by_role("tab", name=tab).click()
        painted(notebook.page)
        found = axe(widget)
        assert [line for line in found if line.startswith(("serious", "critical"))] == []
    notebook.lab.set_theme("light")


def test_reduced_motion_is_honoured(notebook: Notebook) -> None:
    widget = notebook.explore()
    moving = """(host) => [...host.shadowRoot.querySelectorAll('.lw *')].filter((node) => {
      const style = getComputedStyle(node);
      return parseFloat(style.transitionDuration) > 0 || parseFloat(style.animationDuration) > 0;
    }).length"""
    assert widget.evaluate(moving) > 0
    notebook.page.emulate_media(reduced_motion="reduce")
    try:
        assert widget.evaluate(moving) == 0
        sample(widget, 10)
    finally:
        notebook.page.emulate_media(reduced_motion="no-preference")
