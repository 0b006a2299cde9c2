"""What one does with what one sees: the large picture, the selection, taken names, looks, help, narrow places."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.widget_page import Widget, axe

Show = Callable[..., Widget]
WIDTHS = (400, 600, 720, 900, 1440)
# Controls that overlap though neither lies in the other, as far as the boxes around them let them be seen.
OVERLAPS = """() => {
  const seen = (node) => {
    let {left, top, right, bottom} = node.getBoundingClientRect();
    for (let up = node.parentElement; up && !up.matches('.lw'); up = up.parentElement) {
      if (getComputedStyle(up).overflow === 'visible') continue;
      const box = up.getBoundingClientRect();
      [left, top] = [Math.max(left, box.left), Math.max(top, box.top)];
      [right, bottom] = [Math.min(right, box.right), Math.min(bottom, box.bottom)];
    }
    return {left, top, right, bottom};
  };
  const all = [...rootOf().querySelectorAll('.lw :is(button, input, select, .note, .status-bar > span)')]
    .filter((node) => !node.closest('.tile-actions, .hidden-text, [popover]') && node.checkVisibility())
    .map((node) => ({node, name: node.getAttribute('aria-label') || node.textContent || node.className, ...seen(node)}))
    .filter(({left, top, right, bottom}) => right - left > 2 && bottom - top > 2);
  const found = [];
  for (const [at, one] of all.entries()) for (const other of all.slice(at + 1)) {
    if (one.node.contains(other.node) || other.node.contains(one.node)) continue;
    const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
    const down = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
    if (across > 1 && down > 1) found.push(`${one.name} / ${other.name}`);
  }
  return found;
}"""


def rectangle(page: Page, left: float, top: float, right: float, bottom: float) -> None:
    page.get_by_role("radio", name="Rectangle").click()
    box = page.locator(".plot-host").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * left, box["y"] + box["height"] * top)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * right, box["y"] + box["height"] * bottom, steps=5)
    page.mouse.up()
    expect(page.locator(".status-bar")).to_contain_text(re.compile(r"[1-9][\d,]* selected"))


def selected(widget: Widget) -> int:
    return int(widget.page.evaluate("demo.kernel.selection.size"))


def test_a_thumbnail_opens_large_and_arrows_go_through_the_gallery(show: Show) -> None:
    widget = show()
    page = widget.page
    page.evaluate("demo.kernel.showSample([41, 7, 300])")
    first = page.locator(".tile .thumb").first
    first.click()
    page.get_by_role("button", name="Show it large").click()
    viewer = page.get_by_role("dialog", name="Sample")
    expect(viewer).to_contain_text("scene_00041.jpg")
    expect(viewer).to_contain_text("1 of 3")
    expect(viewer).to_contain_text("brightness")
    picture = viewer.locator(".viewer-picture img")
    expect(picture).to_have_attribute("src", re.compile("^data:image/png"))
    widget.until("asked('thumbnails').some(({size}) => size === 512)")
    box = picture.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) > 300
    page.keyboard.press("ArrowRight")
    expect(viewer).to_contain_text("scene_00007.jpg")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(viewer).to_contain_text("scene_00300.jpg")
    expect(viewer).to_contain_text("3 of 3")
    assert axe(page.locator("#place")) == []
    page.keyboard.press("Escape")
    expect(viewer).to_have_count(0)
    expect(page.locator(".inspector")).to_contain_text("scene_00041.jpg")
    first.click()
    expect(viewer).to_contain_text("scene_00041.jpg")


def test_boxes_lie_on_the_picture_with_their_classes_and_can_be_hidden(show: Show) -> None:
    widget = show()
    page = widget.page
    page.evaluate(
        """() => {
          const {kernel} = demo, say = kernel.say.bind(kernel);
          const boxes = [{label: '<b>dog', x: 0.25, y: 0.5, width: 0.5, height: 0.25}];
          kernel.say = (id, body, ...rest) => say(id, body.kind === 'detail' ? {...body, boxes} : body, ...rest);
          kernel.showSample([41]);
        }"""
    )
    page.locator(".tile .thumb").first.click()
    page.get_by_role("button", name="Show it large").click()
    drawn = page.locator(".viewer-box")
    expect(drawn).to_have_text("<b>dog")
    picture, box = page.locator(".viewer-picture img").bounding_box(), drawn.bounding_box()
    assert picture is not None
    assert box is not None
    assert box["x"] == pytest.approx(picture["x"] + picture["width"] / 4, abs=1)
    assert box["y"] == pytest.approx(picture["y"] + picture["height"] / 2, abs=1)
    assert box["width"] == pytest.approx(picture["width"] / 2, abs=1)
    page.keyboard.press("b")
    expect(drawn).to_have_count(0)
    widget.button("Boxes (1)").click()
    expect(drawn).to_have_count(1)


def test_what_is_selected_can_be_tagged_inverted_zoomed_to_excluded_and_copied(show: Show) -> None:
    widget = show(permissions=["clipboard-read", "clipboard-write"])
    page = widget.page

    def more(item: str) -> None:
        widget.button("More for the selection").click()
        page.get_by_role("menuitem", name=item).click()

    rectangle(page, 0.4, 0.1, 0.9, 0.5)
    before = selected(widget)
    widget.button("Tag these").click()
    expect(page.get_by_label("Tag name")).to_be_focused()
    expect(page.get_by_label("Tag name")).to_have_value("selection")
    widget.button(f"Tag {before} samples").click()
    expect(page.locator(".dialog")).to_have_count(0)
    assert {"name": "selection", "count": before} in widget.trait("info")["tags"]
    more("Copy IDs")
    widget.until("asked('selected_ids').length === 1")
    expect(page.get_by_text(f"Copied {before} IDs")).to_be_attached()
    assert len(page.evaluate("navigator.clipboard.readText()").split("\n")) == before
    more("Zoom to these")
    widget.until("demo.kernel.traits.viewport !== null")
    widget.button("Show all points").click()
    more("Exclude")
    page.keyboard.press("Escape")
    widget.sample()
    assert len(widget.asked("sample")[-1]["excluded"]) == before
    more("Invert")
    widget.until(f"demo.kernel.selection.size === {600 - before}")
    widget.button("Clear").click()
    expect(page.locator(".status-bar")).not_to_contain_text("selected")


def test_a_taken_name_offers_three_ways_out(show: Show) -> None:
    widget = show()
    page = widget.page
    widget.sample()

    def save_over() -> None:
        widget.button("Save as tag").click()
        page.get_by_label("Tag name").fill("reviewed")
        expect(page.locator(".dialog")).to_contain_text("already exists, with 40 samples")

    save_over()
    widget.button("Save as reviewed-2").click()
    expect(page.locator(".dialog")).to_have_count(0)
    save_over()
    widget.button("Replace").click()
    expect(page.locator(".dialog")).to_have_count(0)
    assert {"name": "reviewed", "count": 100} in widget.trait("info")["tags"]
    sent = [(one["name"], one["grow"], one["replace"]) for one in widget.asked("save_tag")]
    assert sent == [("reviewed-2", False, False), ("reviewed", False, True)]
    widget.button("Save as tag").click()
    page.get_by_label("Tag name").fill("train-2025")
    widget.button("Grow").click()
    expect(page.locator(".dialog")).to_have_count(0)
    assert widget.asked("save_tag")[-1]["grow"] is True


def test_outliers_stay_outside_of_the_opening_view_until_they_are_asked_for(show: Show) -> None:
    widget = show("n=600")
    page = widget.page
    expect(page.locator(".legend")).to_be_visible()
    expect(page.locator(".outside")).to_have_count(0)
    page.evaluate("() => { demo.kernel.world.x[0] = 40; demo.kernel.world.x[1] = -30; demo.kernel.layout.say(null) }")
    far = page.get_by_role("button", name="2 points farther out")
    expect(far).to_be_visible()
    page.evaluate("[...demo.plots][0].settled()")
    inside = page.evaluate(
        """() => { const [{viewport, size}] = demo.plots;
          return [...Array(600).keys()].filter((point) => {
            const [x, y] = viewport.position(point);
            return x >= 0 && x <= size.width && y >= 0 && y <= size.height }).length }"""
    )
    assert inside == 598
    far.click()
    expect(far).to_have_count(0)
    page.wait_for_function(  # the view glides there
        """() => { const [{viewport, size}] = demo.plots;
          const [a, b] = [0, 1].map((point) => viewport.position(point)[0]);
          return Math.min(a, b) >= 0 && Math.max(a, b) <= size.width }"""
    )


def test_another_coloring_leaves_the_view_and_says_that_it_is_computed(show: Show) -> None:
    widget = show("n=600&delay=1500")
    page = widget.page
    expect(page.locator(".legend")).to_be_visible()
    page.evaluate("demo.kernel.setFromPython('viewport', [-0.2, -0.2, 0.2, 0.2])")
    legend = page.get_by_label("Legend: labels")
    choice = page.get_by_label("Color by")
    before = choice.input_value()
    choice.select_option(label="weather")
    expect(legend).to_contain_text("Computing weather")
    widget.button("Stop").click()
    expect(page.locator(".legend-coming")).to_have_count(0)
    expect(choice).to_have_value(before)
    assert widget.asked("cancel")[-1]["target"] == widget.asked("colors")[-1]["id"]
    choice.select_option(label="brightness")
    expect(page.get_by_label("Legend: brightness")).to_be_visible()
    assert widget.trait("viewport") == [-0.2, -0.2, 0.2, 0.2]


def test_a_long_legend_is_searched(show: Show) -> None:
    few = show()
    expect(few.page.locator(".legend")).to_be_visible()
    expect(few.page.get_by_label("Search the legend")).to_have_count(0)
    page = show("n=600&hostile").page
    rows = page.locator("button.legend-row")
    expect(rows).not_to_have_count(0)
    search = page.get_by_label("Search the legend")
    search.fill("UNDEFINED")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("undefined")
    rows.click()
    expect(rows).to_have_attribute("aria-pressed", "false")
    search.fill("no such class")
    expect(rows).to_have_count(0)
    expect(page.locator(".legend-list")).to_contain_text("Nothing has")


def test_size_and_opacity_follow_the_sliders_and_go_back_to_automatic(show: Show) -> None:
    widget = show("n=600&theme=light")
    page = widget.page
    expect(page.locator(".legend")).to_be_visible()

    def drawn() -> bytes:
        page.evaluate("[...demo.plots][0].settled()")
        return page.locator(".plot-host").screenshot()

    automatic = drawn()
    widget.button("Size and opacity of the points").click()
    size = page.get_by_role("slider", name="Size", exact=True)
    size.focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    expect(size).to_have_attribute("aria-valuetext", re.compile("1.74"))
    page.keyboard.press("Escape")
    assert drawn() != automatic
    widget.button("Size and opacity of the points").click()
    widget.button("Automatic").click()
    page.keyboard.press("Escape")
    assert drawn() == automatic


def test_a_question_mark_shows_the_keys(show: Show) -> None:
    widget = show()
    page = widget.page
    page.get_by_label("Number of samples").first.press("?")
    help_ = page.get_by_role("dialog", name="Keyboard and mouse")
    expect(help_).to_have_count(0)
    page.locator(".plot-host canvas").last.press("?")
    expect(help_).to_contain_text("next and previous sample")
    assert axe(page.locator("#place")) == []
    page.keyboard.press("Escape")
    expect(help_).to_have_count(0)
    widget.button("Keyboard and mouse").click()
    expect(help_).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_control_covers_another_at_any_width(
    show: Show, screenshot: Callable[[Page, str], Path], theme: str
) -> None:
    widget = show(f"n=600&theme={theme}", width=max(WIDTHS), height=1000)
    page = widget.page
    widget.sample()
    rectangle(page, 0.4, 0.1, 0.9, 0.5)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 1000})
        page.wait_for_timeout(150)  # the layout follows in the next frames
        assert page.evaluate(OVERLAPS) == [], width
        assert page.evaluate("outside()") == [], width
        screenshot(page, f"explorer-{width}-{theme}")


def test_candidates_that_lack_a_value_are_left_out_with_a_click(show: Show) -> None:
    widget = show()
    page = widget.page
    page.evaluate(
        """() => {
          const {kernel} = demo, {sample} = kernel.answers;
          const missing = {key: 'brightness', count: 3};
          const lacks = {kind: 'error', error: 'MissingValuesError', message: 'in Python', missing};
          kernel.answers.sample = ({id}) => { kernel.answers.sample = sample; kernel.say(id, lacks) };
        }"""
    )
    widget.button("Sample").click()
    expect(page.locator(".foot")).to_contain_text("3 candidates have no value of “brightness”")
    expect(page.locator(".foot")).not_to_contain_text("in Python")
    widget.button("Leave 3 out").click()
    widget.wait_for_trait("filter", {"op": "not", "item": {"op": "is_null", "field": "metadata.brightness"}})
    widget.wait_for_trait("candidates", {"from": "filter"})
    expect(widget.button("Save as tag")).to_be_visible()
    assert widget.count("sample") == 2
