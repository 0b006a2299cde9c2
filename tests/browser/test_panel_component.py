"""The whole widget in a plain page in real Chromium, against a mock kernel in the page: no Jupyter, no Python."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.widget_page import Widget, axe


def test_strategy_cards(show: Callable[..., Widget]) -> None:
    widget = show()
    page = widget.page
    cards = page.locator("article.strategy")
    expect(cards).to_have_count(1)
    expect(cards.first).to_contain_text("Use it when")
    widget.add("Balance classes")
    widget.add("Typical")
    types = ["diversity", "annotation_balancing", "typicality"]
    widget.wait_for_strategies("type", types)
    assert widget.trait("strategies")[1]["target_distribution"] == "uniform"
    widget.button("Duplicate Typical").click()
    widget.wait_for_strategies("type", [*types, "typicality"])
    last = cards.nth(3)
    last.get_by_label("Strength as a number").fill("-1.5")
    last.get_by_label("Strength as a number").press("Enter")
    widget.wait_for_strategies("strength", [1, 1, 1, -1.5])
    expect(last).to_contain_text("Inverted")
    last.get_by_role("button", name="Typical", exact=True).click()
    expect(last.get_by_label("Strength as a number")).to_have_count(0)
    expect(last).to_contain_text("-1.5")
    widget.button("Remove Balance classes").click()
    widget.wait_for_strategies("type", ["diversity", "typicality", "typicality"])
    expect(cards.nth(2).get_by_label("Strength as a number")).to_have_count(0)


def test_an_unusable_strategy_says_why(show: Callable[..., Widget]) -> None:
    widget = show()
    widget.button("Add").click()
    item = widget.page.get_by_role("menuitem", name="Diverse objects")
    expect(item).to_contain_text("The dataset has no boxes")
    item.click(force=True)
    assert [strategy["type"] for strategy in widget.trait("strategies")] == ["diversity"]
    widget.page.keyboard.press("Escape")
    expect(item).to_have_count(0)
    expect(widget.button("Add")).to_be_focused()


def test_own_target_shares(show: Callable[..., Widget]) -> None:
    widget = show()
    widget.add("Balance metadata")
    card = widget.page.locator("article.strategy").nth(1)
    card.get_by_label("Target").select_option("own")
    shares = {"clear": 0.25, "fog": 0.25, "rain": 0.25, "snow": 0.25}
    widget.wait_for_strategies("target_distribution", [None, shares])
    field = card.get_by_label("Share of snow in percent")
    field.fill("")
    field.press("Enter")
    expect(card).to_contain_text("remaining 25 %")
    assert "snow" not in widget.trait("strategies")[1]["target_distribution"]


def test_count_and_percentage_are_linked(show: Callable[..., Widget]) -> None:
    widget = show("n=500")
    count, percent = widget.page.get_by_label("Number of samples").first, widget.page.get_by_label("Percent of")
    expect(percent).to_have_value("20")
    count.fill("50")
    count.press("Enter")
    expect(percent).to_have_value("10")
    percent.fill("30")
    percent.press("Enter")
    expect(count).to_have_value("150")
    widget.wait_for_trait("n_samples_to_select", 150)
    count.fill("nonsense")
    count.press("Enter")
    expect(count).to_have_value("150")


def test_the_slider_moves_along_the_prefix_without_the_kernel(show: Callable[..., Widget]) -> None:
    widget = show("n=600")
    page = widget.page
    widget.sample()
    expect(page.get_by_role("listitem", name=re.compile("^1:")).or_(page.locator(".tile img").first)).to_be_visible()
    widget.until("rootOf().querySelectorAll('.tile img').length > 5")
    before = page.evaluate("demo.kernel.heard.length")
    slider = page.get_by_role("slider", name="Number of samples")
    slider.focus()
    for _ in range(40):
        page.keyboard.press("ArrowLeft")
    shown = widget.trait("n_samples_to_select")
    assert 50 <= shown < 100
    expect(page.locator(".status-bar")).to_contain_text(f"{shown} sampled")
    expect(page.locator(".gallery-head")).to_contain_text(f"{shown}, in pick order")
    page.keyboard.press("Home")
    expect(page.locator(".status-bar")).to_contain_text("1 sampled")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    widget.wait_for_trait("n_samples_to_select", 4)
    page.wait_for_timeout(400)  # long enough for a live sample, had one been asked for
    assert page.evaluate("demo.kernel.heard.length") == before


def test_live_samples_after_a_change_and_not_when_off(show: Callable[..., Widget]) -> None:
    widget = show()
    page = widget.page
    widget.sample()
    page.get_by_label("Strength as a number").fill("2")
    page.get_by_label("Strength as a number").press("Enter")
    widget.until("asked('sample').length === 2")
    widget.idle()
    page.get_by_role("switch", name="Live").click()
    page.get_by_label("Strength as a number").fill("0.5")
    page.get_by_label("Strength as a number").press("Enter")
    page.wait_for_timeout(400)  # long enough for a live sample, had one been asked for
    assert widget.count("sample") == 2


def test_cancel_stops_and_says_so(show: Callable[..., Widget]) -> None:
    widget = show("n=600&block=300")
    widget.button("Sample").click()
    expect(widget.page.locator(".status-bar")).to_contain_text("sampled")
    # The button does not listen at once, so that a click meant for Sample does not cancel.
    widget.button("Cancel").click(delay=400)
    widget.idle()
    expect(widget.page.locator(".foot")).to_contain_text("Cancelled; nothing is sampled")


def test_sample_listens_as_soon_as_a_run_has_ended(show: Callable[..., Widget]) -> None:
    widget = show("n=600&block=100")
    widget.page.evaluate(
        """async () => {
          const button = () => rootOf().querySelector('.foot .btn.wide');
          const says = async (label) => {
            while (button().textContent !== label) await new Promise(requestAnimationFrame);
          };
          button().click();
          await says('Cancel');
          const now = performance.now();
          performance.now = () => now; // sooner than a click on Cancel would count
          demo.kernel.options.block = 0;
          await says('Sample');
          button().click();
        }"""
    )
    widget.until("asked('sample').length === 2")
    widget.idle()


def test_too_few_candidates_say_what_to_do(show: Callable[..., Widget]) -> None:
    widget = show("n=600")
    widget.page.get_by_label("Sample from").select_option("tag:reviewed")
    expect(widget.page.locator(".from-count")).to_have_text("40")
    widget.button("Sample").click()
    expect(widget.page.locator(".foot")).to_contain_text("widen the query or add data")


def test_filter_rows_are_the_query_in_python(show: Callable[..., Widget]) -> None:
    widget = show()
    page = widget.page
    widget.button("Filter").click()
    page.get_by_label("Filter by").select_option("metadata.brightness")
    page.get_by_label("Test").select_option(">")
    assert widget.count("filter") == 0, "a row without a value filters nothing"
    page.get_by_label("Value").fill("0.5")
    page.get_by_label("Value").press("Enter")
    bright = {"op": "compare", "field": "metadata.brightness", "cmp": ">", "value": 0.5}
    widget.wait_for_trait("filter", bright)
    expect(page.locator("pre.code")).to_contain_text("metadata['brightness'] > 0.5")
    widget.wait_for_trait("candidates", {"from": "filter"})
    expect(page.locator(".legend")).to_contain_text("filtered")
    widget.button("And another").click()
    page.get_by_label("Filter by").nth(1).select_option("class:labels")
    page.get_by_label("Value").nth(1).select_option("bridge")
    expect(page.locator("pre.code")).to_contain_text("ClassificationField.class_name == 'bridge'")
    widget.until("demo.kernel.traits.filter.op === 'and'")
    widget.button("Remove this row").nth(1).click()
    widget.wait_for_trait("filter", bright)
    page.evaluate("demo.kernel.setFromPython('filter', {op: 'has_tag', tag: 'reviewed'})")
    expect(page.get_by_label("Filter by")).to_have_value("tag")
    page.evaluate("demo.kernel.setFromPython('filter', {op: 'not', item: {op: 'and', items: []}})")
    expect(page.get_by_label("Filter by")).to_have_count(0)
    expect(page.locator("pre.code")).to_have_text("dataset.match(lw.NOT(lw.AND()))")
    widget.button("Clear filter").click()
    widget.wait_for_trait("filter", None)


def test_save_says_a_collision_before_the_click(show: Callable[..., Widget]) -> None:
    widget = show()
    page = widget.page
    widget.sample()
    widget.button("Save as tag").click()
    name = page.get_by_label("Tag name")
    expect(name).to_be_focused()
    expect(name).to_have_value("diverse-100")
    name.fill("reviewed")
    expect(page.locator(".dialog")).to_contain_text("already exists, with 40 samples")
    expect(widget.button("Save 100 samples")).to_be_disabled()
    name.fill("my pick")
    widget.button("Save 100 samples").click()
    expect(page.locator(".dialog")).to_have_count(0)
    assert widget.asked("save_tag")[0] | {"id": 0} == {
        "kind": "save_tag", "id": 0, "name": "my pick", "n_samples_to_select": 100, "grow": False, "replace": False,
    }  # fmt: skip
    assert {"name": "my pick", "count": 100} in widget.trait("info")["tags"]
    widget.button("Save as tag").click()
    expect(name).to_have_value("diverse-100")
    widget.button("Close").click()
    widget.button("More").click()
    page.get_by_role("menuitem", name="Grow a tag").click()
    page.get_by_label("Tag to grow").select_option(label="reviewed (40)")
    widget.button("Add 100 samples").click()
    expect(page.locator(".dialog")).to_have_count(0)
    assert widget.asked("save_tag")[1]["grow"] is True


def test_copy_as_python_and_export(show: Callable[..., Widget]) -> None:
    widget = show(permissions=["clipboard-read", "clipboard-write"])
    page = widget.page
    widget.sample()
    widget.button("More").click()
    page.get_by_role("menuitem", name="Copy as Python").click()
    expect(page.locator("pre.code")).to_contain_text("n_samples_to_select=100")
    widget.button("Copy").click()
    expect(page.locator(".dialog")).to_have_count(0)
    assert page.evaluate("navigator.clipboard.readText()").startswith("import lightly_widget as lw")
    widget.button("More").click()
    page.get_by_role("menuitem", name="Export").click()
    page.get_by_label("Format").select_option("csv")
    expect(page.get_by_role("textbox", name="File")).to_have_value("diverse-100.csv")
    widget.button("Write 100 samples").click()
    expect(page.locator(".dialog")).to_have_count(0)
    assert widget.asked("export")[0]["overwrite"] is False


def test_undo_redo_and_compare(show: Callable[..., Widget]) -> None:
    widget = show()
    page = widget.page
    widget.sample()
    expect(widget.button("Undo")).to_be_disabled()
    widget.button("Compare").click()
    expect(page.locator(".status-bar")).to_contain_text("100 in B")
    page.get_by_label("Strength as a number").fill("-1")
    page.get_by_label("Strength as a number").press("Enter")
    widget.until("asked('sample').length === 2")
    widget.idle()
    page.get_by_role("tab", name="Result").click()
    compared = page.locator(".compared")
    expect(compared).to_contain_text("only A")
    numbers = [int(text) for text in compared.locator("dd").all_inner_texts()]
    assert numbers[0] == numbers[2] == 100 - numbers[1] > 50
    widget.button("Stop comparing").click()
    expect(compared).to_have_count(0)
    widget.button("Undo").click()
    expect(widget.button("Redo")).to_be_enabled()
    widget.wait_for_strategies("strength", [1])
    widget.button("Redo").click()
    expect(widget.button("Redo")).to_be_disabled()


def test_results_in_charts_and_words(show: Callable[..., Widget]) -> None:
    widget = show()
    page = widget.page
    page.get_by_role("tab", name="Result").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("Sample something")
    widget.sample()
    expect(page.get_by_role("img", name=re.compile("Coverage radius against the number"))).to_be_visible()
    expect(page.locator("figcaption").first).to_contain_text("tighter than random")
    expect(page.locator(".bar-row")).to_have_count(10)
    expect(page.locator(".bar-row").first).to_contain_text("all candidates")
    page.get_by_label("Shares of").select_option(label="weather")
    widget.until("asked('metrics').at(-1).metadata === 'weather' && asked('metrics').at(-1).source === null")


def test_legend_hides_and_isolates(show: Callable[..., Widget]) -> None:
    widget = show()
    page = widget.page
    rows = page.locator("button.legend-row")
    expect(rows).to_have_count(10)
    assert all(re.search(r"\d", text) for text in rows.all_inner_texts())
    rows.nth(2).click()
    expect(rows.nth(2)).to_have_attribute("aria-pressed", "false")
    expect(rows.nth(3)).to_have_attribute("aria-pressed", "true")
    widget.button("Show all").click()
    expect(rows.nth(2)).to_have_attribute("aria-pressed", "true")
    rows.nth(4).dblclick()
    for index in range(10):
        expect(rows.nth(index)).to_have_attribute("aria-pressed", "true" if index == 4 else "false")
    widget.sample()
    expect(page.locator(".legend-columns")).to_contain_text("sample")


def test_hover_then_pin_shows_the_neighbors(show: Callable[..., Widget]) -> None:
    widget = show("n=3000")
    page = widget.page
    card = widget.hover_a_point()
    expect(card).to_contain_text("scene_")
    expect(card).to_contain_text("brightness")
    expect(card.locator("img")).to_have_attribute("src", re.compile("^data:image/png"))
    title = card.locator(".card-title").inner_text()
    widget.until("/^id-/.test(demo.kernel.traits.hovered)")
    page.mouse.down()
    page.mouse.up()
    inspector = page.get_by_label("Chosen sample")
    expect(inspector).to_contain_text(title)
    expect(inspector.get_by_role("listitem").filter(has=page.locator(".thumb"))).to_have_count(10)
    assert widget.asked("neighbors")[0]["k"] == 10
    widget.button("More like this").click()
    expect(page.locator(".gallery-head")).to_contain_text(f"Found: like {title}")
    widget.button("Less like this").click()
    widget.until("asked('find').length === 2 && asked('find')[1].sign === -1")
    page.locator(".plot-host canvas").last.press("Escape")
    expect(inspector).to_have_count(0)


def test_a_card_makes_room_in_a_narrow_plot_and_hides_not_its_own_point(show: Callable[..., Widget]) -> None:
    widget = show("n=3000", width=1000)
    page = widget.page
    rows = [41, 7, 300, 2_500]
    page.evaluate("(rows) => demo.kernel.showSample(rows)", rows)
    legend, card = page.locator(".legend-list"), page.locator(".inspector")
    expect(legend).to_be_visible()
    for index, row in enumerate(rows):
        page.locator(".tile .thumb").nth(index).click()
        expect(card.locator("dl")).to_be_visible()
        expect(legend).to_have_count(0)
        page.evaluate("[...demo.plots][0].settled()")
        px, py = page.evaluate("(row) => [...demo.plots][0].viewport.position(row)", row)
        width = page.locator(".plot-host").evaluate("(host) => host.clientWidth")
        assert 0 < px < width - card.evaluate("(card) => card.offsetWidth")
        assert py > 0
    page.locator(".plot-host canvas").last.press("Escape")
    expect(legend).to_be_visible()
    widget.wait_for_trait("viewport", None)  # the map went back to where it was
    page.locator(".tile .thumb").first.click()
    widget.button("Unfold the legend").click()
    page.locator(".plot-host canvas").last.press("Escape")
    expect(legend).to_be_visible()


def test_find_by_text(show: Callable[..., Widget]) -> None:
    widget = show("n=600&media=text")
    page = widget.page
    page.get_by_label("Find by text").fill("a red tram")
    page.keyboard.press("Enter")
    expect(page.locator(".gallery-head")).to_contain_text("Found: “a red tram”")
    expect(page.locator(".thumb-text").first).to_contain_text("seen on a gray morning")
    widget.button("Select these").click()
    expect(page.locator(".status-bar")).to_contain_text("50 selected")
    widget.button("Sample these").click()
    widget.wait_for_trait("candidates", {"from": "selection"})
    expect(page.locator(".from-count")).to_have_text("50")


def test_lasso_selects_and_escape_clears(show: Callable[..., Widget]) -> None:
    widget = show("n=600")
    page = widget.page
    page.get_by_role("radio", name="Rectangle").click()
    box = page.locator(".plot-host").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 20, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    expect(page.locator(".status-bar")).to_contain_text(re.compile(r"[1-9]\d* selected"))
    page.locator(".plot-host canvas").last.press("Escape")
    expect(page.locator(".status-bar")).not_to_contain_text("selected")


def test_gallery_by_keyboard_removes_and_pins(show: Callable[..., Widget]) -> None:
    widget = show("n=3000")
    page = widget.page
    page.get_by_label("Number of samples").first.fill("500")
    page.keyboard.press("Enter")
    widget.sample()
    expect(page.locator(".gallery-head")).to_contain_text("500, in pick order")
    assert page.locator(".tile").count() < 30
    first = page.locator(".tile .thumb").first
    first.focus()
    page.keyboard.press("End")
    expect(page.get_by_role("button", name=re.compile("^500:"))).to_be_focused()
    page.keyboard.press("Home")
    expect(page.get_by_role("button", name=re.compile("^1:"))).to_be_focused()
    before = widget.count("sample")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("button", name=re.compile("^2:"))).to_be_focused()
    page.keyboard.press("p")
    widget.until(f"asked('sample').length === {before + 1} && asked('sample').at(-1).pinned.length === 1")
    widget.idle()
    for place in (".gallery-head", ".status-bar", ".outcome"):
        expect(page.locator(place)).to_contain_text("500 new, 1 pinned")
    widget.button("Save as tag").click()
    expect(page.get_by_role("button", name="Save 501 samples")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator(".tile .thumb").nth(3).focus()
    page.keyboard.press("Delete")
    widget.until("asked('sample').at(-1).excluded.length === 1")
    widget.idle()
    widget.button("Allow 1 removed one again").click()
    widget.until("asked('sample').at(-1).excluded.length === 0")


def test_the_whole_way_by_keyboard(show: Callable[..., Widget]) -> None:
    widget = show()
    page = widget.page

    def tab_to(name: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            found = page.evaluate(
                """() => {
                  const node = rootOf().activeElement;
                  if (node === null) return ['', 'x', 0];
                  const style = getComputedStyle(node);
                  const name = node.getAttribute('aria-label') ?? node.textContent;
                  return [name, style.outlineStyle, node.matches('canvas')];
                }"""
            )
            if found[0] != "":
                assert found[1] != "none" or found[2], f"{found[0]} shows no focus"
            if found[0] == name:
                return
        raise AssertionError(f"the Tab key never came to {name}")

    page.locator("body").focus()
    tab_to("Add")
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem").first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem").nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    widget.wait_for_strategies("type", ["diversity", "representative"])
    page.wait_for_timeout(400)  # long enough for a live sample, had one been asked for
    assert widget.count("sample") == 0, "nothing is sampled before the first press of Sample"
    tab_to("Sample")
    page.keyboard.press("Enter")
    widget.until("asked('sample').length === 1")
    widget.idle()
    tab_to("Save as tag")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Tag name")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("by keys")
    page.keyboard.press("Enter")
    expect(page.locator(".dialog")).to_have_count(0)
    assert widget.asked("save_tag")[0]["name"] == "by keys"
    expect(widget.button("Save as tag")).to_be_focused()


def test_keys_stay_in_the_widget(show: Callable[..., Widget]) -> None:
    widget = show()
    page = widget.page
    page.evaluate("window.keys = []; document.addEventListener('keydown', (event) => keys.push(event.key))")
    page.get_by_label("Number of samples").first.press("a")
    page.locator(".plot-host canvas").last.press("x")
    assert page.evaluate("keys") == []  # the events have gone their way when `press` returns
    assert page.locator(".lightly-widget").get_attribute("data-lm-suppress-shortcuts") == "true"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(show: Callable[..., Widget], theme: str) -> None:
    widget = show(f"n=600&theme={theme}", reduced_motion="reduce")  # colors would glide; contrast is that of the end
    page = widget.page
    expect(page.locator(".legend")).to_be_visible()
    assert axe(page.locator("#place")) == []
    widget.add("Balance classes")
    page.locator("article.strategy").nth(1).get_by_label("Target").select_option("own")
    widget.button("Filter").click()
    widget.sample()
    widget.button("Save as tag").click()
    page.get_by_label("Tag name").fill("reviewed")
    page.evaluate("demo.kernel.fail('unknown tag')")
    page.locator(".tile .thumb").first.click()
    expect(page.get_by_label("Chosen sample").locator("img")).not_to_have_count(0)
    assert axe(page.locator("#place")) == []
    widget.button("Compare").or_(widget.button("Close")).last.click()
    page.get_by_role("tab", name="Result").click()
    expect(page.locator(".chart").first).to_be_visible()
    assert axe(page.locator("#place")) == []
    page.get_by_role("tab", name="Choose").click()
    widget.button("Add").click()
    expect(page.get_by_role("menuitem").first).to_be_focused()
    assert axe(page.locator("#place")) == []


def test_hostile_names_neither_run_nor_break_the_layout(show: Callable[..., Widget]) -> None:
    widget = show("n=600&hostile")
    page = widget.page
    assert page.evaluate("demo.HOSTILE.length") >= 60
    size = page.locator(".lw").bounding_box()
    widget.add("Balance classes")
    page.locator("article.strategy").nth(1).get_by_label("Target").select_option("own")
    widget.add("Similar to a tag")
    widget.add("By metadata value")
    widget.sample()
    page.locator(".tile .thumb").first.click()
    expect(page.get_by_label("Chosen sample").locator("dl")).to_be_visible()
    for name in page.evaluate("demo.HOSTILE"):
        page.evaluate("(text) => demo.kernel.fail(text)", name)
    page.get_by_role("tab", name="Result").click()
    expect(page.locator(".bar-row").first).to_be_visible()
    widget.button("Cluster names").click()
    for group in ("Tags", "Metadata"):
        option = page.locator(f"select[aria-label='Color by'] optgroup[label='{group}'] option").first
        page.get_by_label("Color by").select_option(value=option.get_attribute("value"))
        expect(page.locator(".color-menu")).to_have_attribute("aria-busy", "false")
    page.get_by_label("Color by").select_option(value="1")
    page.get_by_role("tab", name="Choose").click()
    widget.button("Save as tag").click()
    for name in page.evaluate("demo.HOSTILE.filter((name) => name.length < 300)"):
        page.get_by_label("Tag name").fill(name)
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("rootOf().querySelectorAll('script, iframe, b, [onerror], [onload], a, math').length") == 0
    assert page.evaluate("outside()") == []
    assert page.locator(".lw").bounding_box() == size
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator(".plot-host canvas").last.press("Escape")
    row = page.locator("button.legend-row").first.bounding_box()
    assert row is not None
    assert row["height"] < 30


def test_narrow_stacks_and_wide_stands_beside(show: Callable[..., Widget]) -> None:
    wide, narrow = show("n=300"), show("n=300&width=400", width=432)

    def boxes(widget: Widget) -> tuple[Any, Any]:
        return widget.page.locator(".stage").bounding_box(), widget.page.locator(".panel").bounding_box()

    stage, panel = boxes(wide)
    assert panel["x"] >= stage["x"] + stage["width"] - 1
    assert 300 <= panel["width"] <= 360
    for widget in (narrow, show("n=300&width=320", width=340)):
        widget.sample()
        stage, panel = boxes(widget)
        assert panel["y"] >= stage["y"] + stage["height"] - 1
        assert panel["width"] == pytest.approx(stage["width"], abs=1)
        assert widget.page.evaluate("outside()") == []
        assert widget.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_views_opened_and_closed_leave_nothing(show: Callable[..., Widget]) -> None:
    widget = show("n=2000")
    page = widget.page
    widget.sample()
    session = page.context.new_cdp_session(page)

    def open_and_close(times: int) -> None:
        page.evaluate(
            """async (times) => {
              for (let i = 0; i < times; i++) {
                const close = demo.open();
                await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 20)));
                close();
              }
            }""",
            times,
        )

    def counters() -> tuple[int, int, int]:
        for _ in range(3):
            session.send("HeapProfiler.collectGarbage")
        found = session.send("Memory.getDOMCounters")
        return found["nodes"], found["jsEventListeners"], session.send("Runtime.getHeapUsage")["usedSize"]

    open_and_close(5)  # what is made once for all (fonts, caches, compiled code) is there now
    listeners = page.evaluate("demo.kernel.listenerCount")
    nodes, handlers, heap = counters()
    open_and_close(50)
    assert page.evaluate("demo.kernel.listenerCount") == listeners
    assert page.locator(".lightly-widget").count() == 1
    # A view of 2,000 points holds some 100 kB: 50 kept ones would be megabytes.
    allowed = (nodes + 50, handlers + 5, heap + 1_500_000)
    after = counters()
    for _ in range(40):  # what the last views asked for may still be on its way
        if all(now <= most for now, most in zip(after, allowed, strict=True)):
            break
        page.wait_for_timeout(250)
        after = counters()
    assert all(now <= most for now, most in zip(after, allowed, strict=True)), (after, allowed)
    widget.sample()


def test_two_views_share_one_sample(show: Callable[..., Widget]) -> None:
    widget = show("n=300", height=1500)
    page = widget.page
    page.evaluate("() => { demo.open() }")
    widget.page.get_by_role("button", name="Sample", exact=True).first.click()
    bars = page.locator(".status-bar")
    for index in range(2):
        expect(bars.nth(index)).to_contain_text("100 sampled")
    page.evaluate("() => { demo.close() }")
    expect(bars).to_have_count(1)
    expect(bars).to_contain_text("100 sampled")


def test_errors_are_words_that_can_be_put_away(show: Callable[..., Widget]) -> None:
    widget = show()
    page = widget.page
    page.evaluate("demo.kernel.fail(\"unknown tag 'trian'; there are: 'train-2025', 'reviewed'\")")
    toast = page.get_by_role("alert")
    expect(toast).to_contain_text("unknown tag 'trian'")
    widget.button("Dismiss").click()
    expect(toast).not_to_contain_text("trian")


def test_states_without_points_are_words(show: Callable[..., Widget]) -> None:
    silent = show("n=300&silent")
    expect(silent.page.locator(".plot-words")).to_contain_text("Asking the kernel")
    expect(silent.page.locator(".plot-words")).to_contain_text("run the cell again", timeout=12_000)
    empty = show("n=0")
    expect(empty.page.locator(".plot-words")).to_contain_text("no samples yet")


def test_reduced_motion_moves_nothing(show: Callable[..., Widget]) -> None:
    widget = show("n=300", reduced_motion="reduce")
    moving = widget.page.evaluate(
        """[...rootOf().querySelectorAll('.lw *')].filter((node) => {
          const style = getComputedStyle(node);
          return parseFloat(style.transitionDuration) > 0 || parseFloat(style.animationDuration) > 0;
        }).length"""
    )
    assert moving == 0


def test_colors_follow_the_host(show: Callable[..., Widget]) -> None:
    widget = show("n=300&theme=light")
    page = widget.page

    ground = page.locator(".lw")
    expect(ground).to_have_css("background-color", "rgb(255, 255, 255)")
    page.evaluate("document.body.dataset.jpThemeLight = 'false'")
    expect(page.locator(".lightly-widget")).to_have_attribute("data-theme", "dark")
    expect(ground).to_have_css("background-color", "rgb(33, 33, 33)")


# What the hosts set on their pages: VS Code's Dark+ and Light+, Colab's two themes.
HOSTS = {
    "vscode-dark": (
        {
            "--vscode-editor-background": "#1e1e1e",
            "--vscode-foreground": "#cccccc",
            "--vscode-focusBorder": "#007fd4",
            "--vscode-font-family": "sans-serif",
        },
        "#1e1e1e",
        None,
    ),
    "vscode-light": (
        {
            "--vscode-editor-background": "#ffffff",
            "--vscode-foreground": "#616161",
            "--vscode-focusBorder": "#0090f1",
            "--vscode-font-family": "sans-serif",
        },
        "#ffffff",
        None,
    ),
    "colab-dark": (
        {"--colab-primary-surface-color": "#383838", "--colab-primary-text-color": "#d5d5d5"},
        "#383838",
        "dark",
    ),
    "colab-light": (
        {"--colab-primary-surface-color": "#ffffff", "--colab-primary-text-color": "#212121"},
        "transparent",
        "light",
    ),
}


@pytest.mark.parametrize("host", HOSTS)
def test_it_takes_the_colors_of_vs_code_and_colab(
    show: Callable[..., Widget], screenshot: Callable[[Page, str], Path], host: str
) -> None:
    variables, ground, named = HOSTS[host]
    widget = show("n=600", reduced_motion="reduce")
    page = widget.page
    page.evaluate(
        """([variables, ground, named]) => {
          const {documentElement: html, body} = document;
          for (const [name, value] of Object.entries(variables)) html.style.setProperty(name, value);
          if (named !== null) html.setAttribute('theme', named);
          body.style.background = ground;
        }""",
        [variables, ground, named],
    )
    expect(page.locator(".lightly-widget")).to_have_attribute("data-theme", host.split("-")[1])
    background = next(value for name, value in variables.items() if "background" in name or "surface" in name)
    red, green, blue = (int(background[at : at + 2], 16) for at in (1, 3, 5))
    expect(page.locator(".lw")).to_have_css("background-color", f"rgb({red}, {green}, {blue})")
    widget.sample()
    page.locator(".tile .thumb").first.click()
    expect(page.get_by_label("Chosen sample").locator("img")).not_to_have_count(0)
    assert axe(page.locator("#place")) == []
    screenshot(page, host)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_screenshots(show: Callable[..., Widget], screenshot: Callable[[Page, str], Path], theme: str) -> None:
    widget = show(f"n=4000&theme={theme}", width=1240, height=700)
    page = widget.page
    widget.sample()
    widget.until("rootOf().querySelectorAll('.tile img').length > 7")
    assert screenshot(page, f"panel-choose-{theme}").stat().st_size > 30_000
    page.get_by_role("tab", name="Result").click()
    expect(page.locator(".chart").first).to_be_visible()
    page.locator(".tile .thumb").nth(2).click()
    expect(page.get_by_label("Chosen sample").locator("img").nth(10)).to_be_visible()
    assert screenshot(page, f"panel-result-{theme}").stat().st_size > 30_000
