"""What one reaches for around the sample: projections, pictures to find, A and B, keys, height, files, large data."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.widget_page import Widget

Show = Callable[..., Widget]


def plot(page: Page) -> Any:
    return page.locator(".plot-host canvas").last


def test_another_projection_glides_in_and_can_be_given_up(show: Show) -> None:
    widget = show("n=600&block=120")
    page = widget.page
    choice = page.get_by_label("Projection")
    expect(choice).to_have_value("1")
    expect(page.locator(".legend")).to_be_visible()
    page.wait_for_timeout(100)  # the plot makes room for the legend in the frame after
    page.evaluate("[...demo.plots][0].settled()")
    before = page.evaluate("[...demo.plots][0].viewport.position(3)")
    page.evaluate("demo.kernel.setFromPython('viewport', [-0.2, -0.2, 0.2, 0.2])")
    choice.select_option(label="PCA")
    widget.until("asked('projection').length === 1 && asked('projection')[0].name === 'pca'")
    expect(page.locator(".projection")).to_have_attribute("aria-busy", "false")
    widget.wait_for_trait("viewport", None)
    page.evaluate("[...demo.plots][0].settled()")
    assert page.evaluate("[...demo.plots][0].viewport.position(3)") != before
    choice.select_option(label="UMAP")
    expect(page.locator(".status-bar")).to_contain_text("Computing UMAP")
    expect(page.locator(".projection")).to_have_attribute("aria-busy", "true")
    choice.select_option(label="PCA")
    expect(page.locator(".projection")).to_have_attribute("aria-busy", "false")
    assert widget.page.get_by_role("alert").all_inner_texts() in ([], [""])
    page.evaluate("demo.kernel.setFromPython('viewport', [-0.2, -0.2, 0.2, 0.2])")
    choice.select_option(label="UMAP")
    expect(page.locator(".status-bar")).to_contain_text("Computing UMAP")
    widget.button("Stop").click()
    expect(page.locator(".status-bar")).not_to_contain_text("Computing UMAP")
    expect(page.locator(".projection")).to_have_attribute("aria-busy", "false")
    expect(choice.locator("option:checked")).to_have_text("PCA")
    assert widget.trait("viewport") == [-0.2, -0.2, 0.2, 0.2], "nothing new is shown, so the view stays"
    page.evaluate("demo.kernel.setFromPython('viewport', null)")
    choice.select_option(label="UMAP")
    expect(page.locator(".projection")).to_have_attribute("aria-busy", "false")
    expect(page.locator(".status-bar")).not_to_contain_text("Computing UMAP")
    page.evaluate("[...demo.plots][0].settled()")
    after = page.evaluate("[...demo.plots][0].viewport.position(3)")
    assert after == pytest.approx(before, abs=1)


def picture(width: int, height: int, kind: str = "PNG") -> bytes:
    data = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(data, kind)
    return data.getvalue()


def test_a_picture_is_made_small_and_looked_for(show: Show) -> None:
    widget = show()
    page = widget.page
    with page.expect_file_chooser() as chooser:
        widget.button("Find by image").click()
    chooser.value.set_files({"name": "big one.png", "mimeType": "image/png", "buffer": picture(2400, 1200)})
    expect(page.locator(".gallery-head")).to_contain_text("Found: like big one.png")
    asked = widget.asked("find")[0]
    sent = bytes(page.evaluate("[...demo.kernel.lastBuffer]"))
    assert asked["image"]["shape"] == [len(sent)]
    assert len(sent) < 2**20
    with Image.open(io.BytesIO(sent)) as image:
        assert (image.format, image.size) == ("JPEG", (512, 256))
    with page.expect_file_chooser() as chooser:
        widget.button("Find by image").click()
    chooser.value.set_files({"name": "x.png", "mimeType": "image/png", "buffer": b"no picture"})
    expect(page.get_by_role("alert")).to_contain_text("cannot read this file as a picture")
    assert widget.count("find") == 1


@pytest.mark.parametrize("how", ["drop", "paste"])
def test_a_picture_is_dropped_or_pasted_on_the_plot(show: Show, how: str) -> None:
    widget = show()
    page = widget.page
    page.evaluate(
        """async ([how, bytes]) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], 'a cat.jpg', {type: 'image/jpeg'}));
          const plot = [...rootOf().querySelectorAll('.plot-host canvas')].at(-1);
          const options = {bubbles: true, composed: true, cancelable: true};
          const event = how === 'drop'
            ? new DragEvent('drop', {...options, dataTransfer: data})
            : new ClipboardEvent('paste', {...options, clipboardData: data});
          plot.dispatchEvent(event);
          window.taken = event.defaultPrevented;
        }""",
        [how, list(picture(40, 30, "JPEG"))],
    )
    expect(page.locator(".gallery-head")).to_contain_text("Found: like a cat.jpg")
    assert page.evaluate("window.taken")


def test_without_an_image_model_the_search_says_why(show: Show) -> None:
    widget = show()
    page = widget.page
    page.evaluate("demo.kernel.setFromPython('info', {...demo.kernel.traits.info, no_find_image: 'no model for it'})")
    widget.button("Find by image").click()
    expect(page.get_by_role("alert")).to_contain_text("no model for it")
    text = show("n=300&media=text")
    expect(text.page.get_by_label("Find by text")).to_be_visible()
    expect(text.button("Find by image")).to_have_count(0)


def numbers(widget: Widget) -> list[int]:
    """How many only A, both and only B have."""
    found = widget.page.locator(".compared dd")
    expect(found).to_have_count(3)
    return [int(text) for text in found.all_inner_texts()]


def test_swapping_changes_sides_and_samples_nothing(show: Show) -> None:
    widget = show()
    page = widget.page
    widget.sample()
    widget.button("Compare").click()
    page.get_by_label("Number of samples").first.fill("60")
    page.get_by_label("Number of samples").first.press("Enter")
    expect(page.locator(".compared dd")).to_have_text(["0", "60", "40"])
    page.get_by_label("Strength as a number").fill("-1")
    page.get_by_label("Strength as a number").press("Enter")
    widget.until("asked('sample').length === 2")
    widget.idle()
    only_a, both, only_b = numbers(widget)
    assert only_a + both == 60
    assert both + only_b == 100
    widget.button("Swap A and B").click()
    widget.until("asked('compare').at(-1).op === 'swap'")
    expect(page.locator(".status-bar")).to_contain_text("60 in B")
    widget.wait_for_strategies("strength", [1])
    page.wait_for_timeout(400)  # long enough for a live sample, had one been asked for
    assert widget.count("sample") == 2


def test_the_lower_edge_sets_the_height(show: Show) -> None:
    widget = show("n=300", height=1200)
    page = widget.page
    edge = page.get_by_role("separator", name="Height of the widget")
    expect(edge).to_have_attribute("aria-valuenow", "640")
    box = edge.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 300, box["y"] + 4)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 104, steps=4)
    page.mouse.up()
    widget.wait_for_trait("height", 740)
    layout = page.locator(".layout").bounding_box()
    assert layout is not None
    assert layout["height"] == pytest.approx(740, abs=1)
    edge.focus()
    for key, height in (("ArrowUp", 720), ("PageDown", 820), ("Home", 320), ("End", 2000)):
        page.keyboard.press(key)
        widget.wait_for_trait("height", height)
        expect(edge).to_have_attribute("aria-valuenow", str(height))
    page.evaluate("demo.kernel.setFromPython('height', 500)")
    expect(edge).to_have_attribute("aria-valuenow", "500")


def test_a_file_that_is_there_is_said_before_the_click(show: Show) -> None:
    widget = show()
    page = widget.page
    widget.sample()

    def export() -> Any:
        widget.button("More").click()
        page.get_by_role("menuitem", name="Export").click()
        return page.locator(".dialog")

    write = widget.button("Write 100 samples")
    for format_, name in (("txt", "diverse-100.txt"), ("csv", "diverse-100.csv"), ("parquet", "diverse-100.parquet")):
        dialog = export()
        page.get_by_label("Format").select_option(format_)
        expect(dialog).to_contain_text(f"/home/me/{name}")
        write.click()
        expect(dialog).to_have_count(0)
    assert [(e["format"], e["path"], e["n_samples_to_select"], e["overwrite"]) for e in widget.asked("export")] == [
        (kind, f"diverse-100.{kind}", 100, False) for kind in ("txt", "csv", "parquet")
    ]
    dialog = export()
    page.get_by_label("Format").select_option("csv")
    expect(dialog).to_contain_text("A file with that name already exists")
    expect(write).to_be_disabled()
    page.get_by_label("Replace the file").check()
    expect(write).to_be_enabled()
    page.get_by_role("textbox", name="File").fill("folder/")
    expect(dialog).to_contain_text("is a folder")
    expect(write).to_be_disabled()
    page.get_by_role("textbox", name="File").fill("diverse-100.csv")
    expect(write).to_be_enabled()
    write.click()
    expect(dialog).to_have_count(0)
    assert widget.asked("export")[-1]["overwrite"] is True


def test_n_and_p_go_from_sample_to_sample(show: Show) -> None:
    widget = show()
    page = widget.page
    title = page.locator(".inspector .card-title")

    def press(key: str, expected: str) -> None:
        plot(page).press(key)
        expect(title).to_have_text(expected)

    press("n", "scene_00000.jpg")
    press("n", "scene_00001.jpg")
    press("p", "scene_00000.jpg")
    press("p", "scene_00599.jpg")
    plot(page).press("Escape")
    expect(title).to_have_count(0)
    page.evaluate("demo.kernel.showSample([41, 7, 300])")
    expect(page.locator(".gallery-head")).to_contain_text("3, in pick order")
    press("n", "scene_00041.jpg")
    press("n", "scene_00007.jpg")
    expect(page.locator(".tile.current")).to_have_attribute("aria-posinset", "2")
    press("n", "scene_00300.jpg")
    press("n", "scene_00041.jpg")
    press("p", "scene_00300.jpg")
    plot(page).press("Escape")
    page.evaluate("demo.kernel.showSample([])")
    hidden = page.locator("button.legend-row").nth(page.evaluate("demo.kernel.world.group[0]"))
    hidden.click()
    group = page.evaluate("[...demo.kernel.world.group]")
    seen = next(row for row, code in enumerate(group) if code != group[0])
    press("n", f"scene_{seen:05d}.jpg")


def dark_pixels(page: Page) -> int:
    return int(
        page.evaluate(
            """async () => {
              const [scatter] = demo.plots;
              await scatter.settled();
              const canvas = [...rootOf().querySelectorAll('.plot-host canvas')].at(-1);
              const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
              let dark = 0;
              for (let at = 0; at < data.length; at += 4) {
                if (data[at + 3] > 128 && data[at] + data[at + 1] + data[at + 2] < 200) dark++;
              }
              return dark;
            }"""
        )
    )


def test_picks_carry_their_number_while_these_can_be_read(show: Show) -> None:
    widget = show("n=600&theme=light")
    page = widget.page
    expect(page.locator(".legend")).to_be_visible()
    nothing = dark_pixels(page)
    page.evaluate("demo.kernel.showSample(Array.from({length: 12}, (_, index) => index * 40))")
    expect(page.locator(".status-bar")).to_contain_text("12 sampled")
    twelve = dark_pixels(page)
    assert twelve > nothing + 100
    page.evaluate("demo.kernel.showSample(Array.from({length: 300}, (_, index) => index * 2))")
    expect(page.locator(".status-bar")).to_contain_text("300 sampled")
    assert nothing < dark_pixels(page) < twelve + 100  # the first ten alone


def test_texts_are_read_in_hover_gallery_and_inspector(show: Show) -> None:
    widget = show("n=3000&media=text")
    page = widget.page
    card = widget.hover_a_point()
    expect(card.locator(".card-text")).to_contain_text("seen on a gray morning")
    expect(card.locator(".card-title")).to_have_count(0)  # it would say the same again
    page.evaluate("demo.kernel.showSample([41, 7, 300])")
    expect(page.locator(".tile .thumb-text").first).to_contain_text("Sample 41")
    page.locator(".tile .thumb").nth(1).click()
    inspector = page.get_by_label("Chosen sample")
    expect(inspector.locator(".card-text").first).to_contain_text("Sample 7:")
    nearest = inspector.locator(".thumb").first
    expect(nearest).to_contain_text("seen on a gray morning")
    box = nearest.bounding_box()
    assert box is not None
    assert box["width"] > 3 * box["height"]
    widget.button("Cluster names").click()
    widget.until("asked('clusters').length === 1")
    assert page.evaluate("outside()") == []


def test_an_answer_that_comes_late_leaves_the_filter_rows_as_they_are_written(show: Show) -> None:
    widget = show("n=600&delay=250")
    page = widget.page
    expect(page.locator(".legend")).to_be_visible()
    widget.button("Filter").click()
    page.get_by_label("Value").select_option("reviewed")
    page.get_by_label("Filter by").select_option("metadata.brightness")
    widget.until("demo.kernel.traits.filter !== null")
    page.wait_for_timeout(100)
    expect(page.get_by_label("Filter by")).to_have_value("metadata.brightness")
    page.evaluate("demo.kernel.setFromPython('filter', {op: 'has_tag', tag: 'train-2025'})")
    expect(page.get_by_label("Filter by")).to_have_value("tag")


def frames_of(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(
        "async () => { const [scatter] = demo.plots; await scatter.settled(); return {...scatter.debug} }"
    )
    return found


def test_a_million_points_open_pan_and_show_a_sample_for_kilobytes(show: Show) -> None:
    widget = show("n=1000000")
    page = widget.page
    page.set_default_timeout(40_000)
    expect(page.locator(".status-bar")).to_contain_text("1,000,000 samples")
    expect(page.locator(".legend")).to_be_visible()
    choice = page.get_by_label("Projection")
    expect(choice.locator("option:checked")).to_have_text("PCA")
    expect(choice).to_contain_text("UMAP · about 5 min")
    before = frames_of(page)
    assert before["drawn"] == 1_000_000
    page.evaluate("demo.kernel.showSample(Array.from({length: 1000}, (_, index) => index * 997))")
    expect(page.locator(".status-bar")).to_contain_text("1,000 sampled")
    after = frames_of(page)
    assert after["marked"] == 1_000
    assert 0 < after["uploaded"] - before["uploaded"] < 100_000
    box = page.locator(".plot-host").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 500, box["y"] + 150)
    page.mouse.down()
    page.mouse.move(box["x"] + 400, box["y"] + 190, steps=3)
    page.mouse.up()
    widget.until("demo.kernel.traits.viewport !== null")
    panned = frames_of(page)
    assert panned["frames"] > after["frames"]
    assert panned["uploaded"] == after["uploaded"]


def test_five_million_points_open(show: Show) -> None:
    widget = show("n=5000000")
    page = widget.page
    expect(page.locator(".status-bar")).to_contain_text("5,000,000 samples", timeout=50_000)
    expect(page.locator(".legend")).to_be_visible(timeout=50_000)
    assert frames_of(page)["drawn"] == 5_000_000
    page.evaluate("demo.kernel.showSample([1, 2, 3])")
    expect(page.locator(".status-bar")).to_contain_text("3 sampled")
