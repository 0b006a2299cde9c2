"""What one reaches for around the sample, against the real kernel; in a plain page in `test_panel_tools.py`."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Lab
from tests.browser.notebook import (
    ANSWER_MS,
    Notebook,
    button,
    ink,
    opened,
    sample,
    still,
    type_count,
    wait_for_ink,
)

BUILD = """
import tempfile
from pathlib import Path
from PIL import Image

class Colors:
    \"\"\"The mean colors of a picture's four quarters: enough to find one like another.\"\"\"

    name, dimension, kind = 'colors', 12, 'image'

    def embed(self, items):
        small = [Image.open(item).convert('RGB').resize((2, 2), Image.BOX) for item in items]
        return np.stack([np.asarray(image, dtype=np.float32).ravel() / 255 for image in small])

random = np.random.default_rng(0)
folder = Path(tempfile.mkdtemp(prefix='colors-'))
for number in range(120):
    name = ('red', 'green', 'blue', 'gray')[number % 4]
    color = np.array({'red': (200, 20, 20), 'green': (20, 180, 20), 'blue': (20, 20, 200)}.get(name, (128,) * 3))
    noise = random.integers(-20, 20, size=(2, 2, 3))
    pixels = (color + noise).astype(np.uint8)
    Image.fromarray(pixels).resize((64, 64), Image.BILINEAR).save(folder / f'{name}_{number:03d}.png')
pictures = lw.ImageDataset.create(folder.name)
pictures.add_images_from_path(folder, embed=False)
pictures.embed(Colors())
pictures.add_embeddings('noise', random.normal(size=(120, 8)).astype(np.float32))
names = [sample.file_name for sample in pictures]
"""


@pytest.fixture(scope="module")
def notebook(lab: Lab) -> Iterator[Notebook]:
    with opened(lab, "tools.ipynb", BUILD) as notebook:
        yield notebook


@pytest.fixture
def widget(notebook: Notebook) -> Iterator[Locator]:
    yield notebook.explore("explorer = pictures.explore(projection='pca')\nexplorer")
    notebook.clear(keep=2)
    notebook.python("ipywidgets.Widget.close_all()")
    notebook.faultless()


def test_another_projection_is_shown_and_a_slow_one_given_up(notebook: Notebook, widget: Locator) -> None:
    choice, whole = widget.get_by_label("Projection"), widget.locator(".projection")
    before = still(notebook, widget)
    choice.select_option(label="PCA of noise")
    expect(choice.locator("option:checked")).to_have_text("PCA of noise", timeout=ANSWER_MS)
    expect(whole).to_have_attribute("aria-busy", "false", timeout=ANSWER_MS)
    assert still(notebook, widget) != before
    choice.select_option(label="UMAP of noise · about 20 s")
    expect(widget.locator(".status-bar")).to_contain_text("Computing UMAP", timeout=ANSWER_MS)
    expect(whole).to_have_attribute("aria-busy", "true")
    choice.select_option(label="PCA")
    expect(whole).to_have_attribute("aria-busy", "false", timeout=ANSWER_MS)
    expect(widget.locator(".status-bar")).not_to_contain_text("Computing")
    assert still(notebook, widget) == before
    choice.select_option(label="UMAP of noise · about 20 s")
    button(widget, "Stop").click(timeout=ANSWER_MS)
    expect(widget.locator(".status-bar")).not_to_contain_text("Computing", timeout=ANSWER_MS)
    expect(choice.locator("option:checked")).to_have_text("PCA")
    assert still(notebook, widget) == before
    expect(widget.locator(".toast")).to_have_count(0)


def picture(color: str) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (900, 600), color).save(data, "PNG")
    return data.getvalue()


def test_a_picture_finds_those_like_it(notebook: Notebook, widget: Locator) -> None:
    with notebook.page.expect_file_chooser() as chooser:
        button(widget, "Find by image").click()
    chooser.value.set_files({"name": "tomato.png", "mimeType": "image/png", "buffer": picture("#c81414")})
    expect(widget.locator(".gallery-head")).to_contain_text("Found: like tomato.png", timeout=ANSWER_MS)
    first = widget.locator(".tile .thumb")
    for index in range(5):
        expect(first.nth(index)).to_have_accessible_name(of("red"), timeout=ANSWER_MS)
    drop(widget, picture("#1414c8"), "sky.png")
    expect(widget.locator(".gallery-head")).to_contain_text("Found: like sky.png", timeout=ANSWER_MS)
    expect(first.first).to_have_accessible_name(of("blue"), timeout=ANSWER_MS)
    button(widget, "Select these").click()
    notebook.until("len(explorer.selection) == 50")
    assert notebook.python("sum('blue' in sample.file_name for sample in explorer.selection)") == 30


def of(color: str) -> re.Pattern[str]:
    return re.compile(rf"{color}_\d+\.png")


def drop(widget: Locator, data: bytes, name: str) -> None:
    widget.locator(".plot-host canvas").last.evaluate(
        """(plot, [bytes, name]) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], name, {type: 'image/png'}));
          plot.dispatchEvent(
            new DragEvent('drop', {bubbles: true, composed: true, cancelable: true, dataTransfer: data}));
        }""",
        [list(data), name],
    )


def test_a_and_b_change_sides_and_are_compared(notebook: Notebook, widget: Locator) -> None:
    sample(widget, 20)
    first = notebook.python("list(explorer.sample.sample_ids)")
    button(widget, "Compare").click()
    expect(widget.locator(".status-bar")).to_contain_text("20 in B", timeout=ANSWER_MS)
    widget.get_by_label("Strength as a number").fill("-1")
    widget.get_by_label("Strength as a number").press("Enter")
    notebook.until(f"set(explorer.sample.sample_ids) != set({first!r})")
    expect(button(widget, "Sample")).to_be_visible()
    second = notebook.python("list(explorer.sample.sample_ids)")
    both = len(set(first) & set(second))
    numbers = widget.locator(".compared dd")
    expect(numbers).to_have_text([str(20 - both), str(both), str(20 - both)])
    button(widget, "Swap A and B").click()
    notebook.until(f"list(explorer.sample.sample_ids) == {first!r}")
    notebook.until("explorer.strategies[0]['strength'] == 1")
    expect(numbers).to_have_text([str(20 - both), str(both), str(20 - both)])
    button(widget, "Stop comparing").click()
    expect(numbers).to_have_count(0)


def test_picks_carry_badges_and_n_and_p_go_along_them(notebook: Notebook, widget: Locator) -> None:
    still(notebook, widget)
    assert ink(widget) == 0
    sample(widget, 12)
    wait_for_ink(notebook, widget, there=True)
    order = notebook.python(
        "[names[pictures.query().sample_ids.to_list().index(i)] for i in explorer.sample.sample_ids]"
    )
    plot, title = widget.locator(".plot-host canvas").last, widget.locator(".inspector .card-title")
    for key, expected in (("n", order[0]), ("n", order[1]), ("p", order[0]), ("p", order[-1])):
        plot.press(key)
        expect(title).to_have_text(expected, timeout=ANSWER_MS)
    plot.press("Escape")
    expect(title).to_have_count(0)


def test_the_lower_edge_sets_the_height(notebook: Notebook, widget: Locator) -> None:
    edge = widget.get_by_role("separator", name="Height of the widget")
    box = edge.bounding_box()
    assert box is not None
    mouse = notebook.page.mouse
    mouse.move(box["x"] + 300, box["y"] + 4)
    mouse.down()
    mouse.move(box["x"] + 300, box["y"] + 104, steps=4)
    mouse.up()
    notebook.until("explorer.height == 700")
    edge.press("ArrowUp")
    notebook.until("explorer.height == 680")
    notebook.python("setattr(explorer, 'height', 500)")
    expect(edge).to_have_attribute("aria-valuenow", "500")
    layout = widget.locator(".layout").bounding_box()
    assert layout is not None
    assert layout["height"] == pytest.approx(500, abs=1)


def test_a_file_that_is_there_is_said_before_the_click(notebook: Notebook, widget: Locator) -> None:
    target = notebook.home / "chosen.csv"
    target.unlink(missing_ok=True)
    sample(widget, 12)

    def export() -> Locator:
        button(widget, "More").click()
        widget.get_by_role("menuitem", name="Export").click()
        widget.get_by_label("Format").select_option("csv")
        widget.get_by_role("textbox", name="File").fill("chosen.csv")
        return widget.locator(".dialog")

    dialog = export()
    expect(dialog).to_contain_text(str(target), timeout=ANSWER_MS)
    button(widget, "Write 12 samples").click()
    expect(dialog).to_have_count(0, timeout=ANSWER_MS)
    assert len(target.read_text().splitlines()) == 13
    type_count(widget, 7)
    dialog = export()
    write = button(widget, "Write 7 samples")
    expect(dialog).to_contain_text("A file with that name already exists", timeout=ANSWER_MS)
    expect(write).to_be_disabled()
    widget.get_by_label("Replace the file").check()
    write.click()
    expect(dialog).to_have_count(0, timeout=ANSWER_MS)
    assert len(target.read_text().splitlines()) == 8
