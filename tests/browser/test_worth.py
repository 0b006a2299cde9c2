"""The tab Worth, limits beside the strategies, and labels by key, in a real browser against the mock kernel."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.widget_page import Widget

Show = Callable[..., Widget]


def test_the_worth_of_labels_is_measured_on_request(show: Show) -> None:
    widget = show()
    page = widget.page
    page.get_by_role("tab", name="Worth").click()
    expect(page.locator("#tab-body")).to_contain_text("Sample something")
    widget.sample()
    page.get_by_label("Labels", exact=True).select_option(label="labels")
    widget.button("Measure").click()
    expect(page.locator(".findings")).to_contain_text("About 70 labels give what 100 random ones do.")
    expect(page.locator(".chart.learning")).to_be_visible()
    expect(page.locator(".chart.learning .line")).to_have_count(2)
    assert widget.asked("worth")[0]["labels"] == "labels"
    assert page.evaluate("outside()") == []
    page.screenshot(path="screenshots/worth.png")
    accuracy = page.locator(".chart.learning title").text_content()
    page.get_by_label("Measured by").select_option(label="Balanced accuracy")
    expect(page.locator(".chart.learning title")).not_to_have_text(accuracy or "")
    widget.button("Compare").click()
    widget.button("Measure again").click()
    expect(page.locator(".chart.learning .line")).to_have_count(3)
    page.get_by_label("Labels", exact=True).select_option(label="none: coverage only")
    widget.button("Measure again").click()
    expect(page.locator(".findings")).to_contain_text("bends at about 10 samples")
    page.evaluate("demo.kernel.setFromPython('n_samples_to_select', 50)")
    expect(page.locator("#tab-body")).to_contain_text("This is about an earlier sample")


def test_measuring_can_be_cancelled(show: Show) -> None:
    widget = show("delay=1000")
    page = widget.page
    widget.sample()
    page.get_by_role("tab", name="Worth").click()
    widget.button("Measure").click()
    widget.button("Cancel").click()
    widget.until("asked('cancel').length === 1 && asked('cancel')[0].target === asked('worth')[0].id")


def test_measuring_goes_on_while_another_tab_is_shown(show: Show) -> None:
    widget = show()
    page = widget.page
    widget.sample()
    page.evaluate(
        """() => {
          const take = demo.kernel.take.bind(demo.kernel);
          demo.kernel.take = (request, buffers) => {
            if (request.kind === 'worth') demo.measure = () => take(request, buffers);
            else take(request, buffers);
          };
        }"""
    )
    page.get_by_role("tab", name="Worth").click()
    page.get_by_label("Labels", exact=True).select_option(label="weather")
    widget.button("Measure").click()
    page.get_by_role("tab", name="Choose").click()
    page.get_by_role("tab", name="Worth").click()
    expect(widget.button("Cancel")).to_be_visible()
    page.get_by_role("tab", name="Choose").click()
    page.evaluate("demo.measure()")
    page.get_by_role("tab", name="Worth").click()
    expect(page.locator(".chart.learning")).to_be_visible()
    page.get_by_role("tab", name="Choose").click()
    page.get_by_role("tab", name="Worth").click()
    expect(page.locator(".chart.learning")).to_be_visible()
    expect(page.get_by_label("Labels", exact=True).locator("option:checked")).to_have_text("weather")
    expect(widget.button("Measure again")).to_be_visible()


def test_the_arrows_walk_through_all_tabs(show: Show) -> None:
    page = show().page
    page.get_by_role("tab", name="Choose").focus()
    for name in ("Result", "Worth", "Choose"):
        page.keyboard.press("ArrowRight")
        expect(page.get_by_role("tab", name=name)).to_be_focused()
        expect(page.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")


def test_limits_are_added_changed_sampled_with_and_removed(show: Show) -> None:
    widget = show()
    page = widget.page
    for title in ("At most per group", "Gap", "Budget"):
        widget.button("Limit").click()
        page.get_by_role("menuitem", name=title).click()
    at_most = {"type": "at_most", "metadata_key": "weather", "most": 1}
    gap = {"type": "gap", "metadata_key": "brightness", "least": 1, "within": None}
    budget = {"type": "budget", "metadata_key": "brightness", "total": 100}
    widget.wait_for_trait("limits", [at_most, gap, budget])
    page.get_by_label("At most", exact=True).fill("3")
    page.get_by_label("At most", exact=True).press("Enter")
    page.get_by_label("Gap", exact=True).fill("0.25")
    page.get_by_label("Gap", exact=True).press("Enter")
    page.get_by_label("Within").select_option(label="within weather")
    widget.wait_for_trait("limits", [at_most | {"most": 3}, gap | {"least": 0.25, "within": "weather"}, budget])
    widget.button("Remove this limit").last.click()
    widget.sample()
    assert [limit["type"] for limit in widget.asked("sample")[-1]["limits"]] == ["at_most", "gap"]
    assert page.evaluate("outside()") == []
    page.screenshot(path="screenshots/limits.png")


def test_a_limit_that_needs_metadata_says_so(show: Show) -> None:
    widget = show()
    page = widget.page
    page.evaluate("demo.kernel.setFromPython('info', {...demo.kernel.traits.info, metadata: []})")
    widget.button("Limit").click()
    expect(page.get_by_role("menuitem", name="Budget")).to_contain_text("Needs metadata that is a number")
    expect(page.get_by_role("menuitem", name="Budget")).to_have_attribute("aria-disabled", "true")


def test_keys_label_the_gallery_and_the_selection(show: Show) -> None:
    widget = show()
    page = widget.page
    widget.sample()
    widget.button("Label samples").click()
    bar = page.get_by_label("Labels", exact=True)
    expect(bar).to_contain_text("Select samples, or open one, to label")
    for name in ("cat", "dog"):
        page.get_by_label("A class").fill(name)
        page.get_by_label("A class").press("Enter")
    first = page.locator(".strip .thumb").first
    first.click()
    expect(bar).to_contain_text("Label this sample")
    page.get_by_label("A class").fill("do")
    page.get_by_label("A class").press("Tab")  # leaving a half-typed class writes no label
    expect(page.get_by_label("A class")).to_have_value("do")
    page.get_by_label("A class").fill("")
    first.focus()
    page.keyboard.press("2")
    widget.until("asked('label').length === 1")
    page.keyboard.press("1")
    widget.until("asked('label').length === 2")
    one, two = widget.asked("label")
    assert (one["class_name"], two["class_name"]) == ("dog", "cat")
    assert one["source"] == "my labels"
    assert len(one["points"]) == len(two["points"]) == 1
    assert one["points"] != two["points"], "a key labels a sample and goes on to the next"
    expect(bar).to_contain_text("1 sample: cat")
    third = page.locator(".strip [data-index='2'].current")
    expect(third).to_have_count(1)  # the card goes along
    page.screenshot(path="screenshots/labels.png")
    widget.button("Undo the label").click()
    widget.until("asked('undo_label').length === 1")
    page.evaluate("demo.kernel.take({kind: 'select_points', id: 999, op: 'replace', points: [1, 2, 3]}, [])")
    expect(bar).to_contain_text("Label 3 selected samples")
    widget.button("1 cat").click()
    widget.until("asked('label').length === 3 && asked('label')[2].points === null")


def test_the_filter_of_the_unlabeled(show: Show) -> None:
    widget = show()
    page = widget.page
    widget.button("Filter").click()
    page.get_by_label("Filter by").select_option(label="class in labels")
    page.get_by_label("Test", exact=True).select_option(label="is missing")
    criteria = {"op": "compare", "field": "annotation_source", "cmp": "==", "value": "labels"}
    unlabeled = {"op": "not", "item": {"op": "annotated", "type": None, "criteria": criteria}}
    widget.until("asked('filter').length > 0 && asked('filter').at(-1).filter?.op === 'not'")
    assert widget.asked("filter")[-1]["filter"] == unlabeled


def test_a_probe_adds_one_button_for_the_uncertain_and_one_for_label_errors(show: Show) -> None:
    widget = show()
    page = widget.page
    expect(widget.button("Uncertain and representative")).to_have_count(0)
    page.evaluate(
        """() => {
          const info = demo.kernel.traits.info;
          const said = ['probe_uncertainty', 'probe_doubt'].map((key) => ({key, type: 'number', min: 0, max: 1}));
          const fields = said.map(({key, type}) => ({name: 'metadata.' + key, type}));
          demo.kernel.setFromPython('info', {
            ...info, metadata: [...info.metadata, ...said], fields: [...info.fields, ...fields],
          });
        }"""
    )
    widget.button("Uncertain and representative").click()
    widget.until("demo.kernel.traits.strategies[0].weight_by === 'probe_uncertainty'")
    assert [strategy["type"] for strategy in widget.trait("strategies")] == ["representative"]
    expect(page.get_by_label("Weighted by")).to_contain_text("probe_uncertainty")
    # The kernel of these pages has no such metadata: what is asked is enough.
    page.evaluate(
        """() => {
          const take = demo.kernel.take.bind(demo.kernel);
          const silent = ['filter', 'code'];
          demo.kernel.take = (request, buffers) => silent.includes(request.kind) || take(request, buffers);
        }"""
    )
    widget.button("Likely label errors").click()
    doubt = {"op": "compare", "field": "metadata.probe_doubt", "cmp": ">", "value": 0.5}
    widget.until("asked('filter').length === 1")
    assert widget.asked("filter")[0]["filter"] == doubt
