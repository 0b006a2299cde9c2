"""Sixty hostile strings as tag, class, file name, metadata key and value and error text, in a real dataset."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Lab
from tests.browser.notebook import ANSWER_MS, Notebook, button, hostile_strings, opened, painted, sample

BUILD = """
import json, tempfile
from pathlib import Path
from PIL import Image
from lightly_widget.errors import LightlyWidgetError

strings = json.loads(Path('hostile.json').read_text())
folder = Path(tempfile.mkdtemp(prefix='hostile-'))
refused = []

def attempt(work, *arguments):
    try:
        work(*arguments)
    except LightlyWidgetError as error:
        refused.append(str(error))

def file_name(number, text):
    text = text.replace('/', '∕').replace('\\0', '').lstrip('.')
    return text.encode('utf-8', 'ignore')[:200].decode('utf-8', 'ignore') + f'{number}.png'

for number, text in enumerate(strings):
    Image.new('RGB', (40, 30), (4 * number, 90, 200)).save(folder / file_name(number, text))
pictures = lw.ImageDataset.create(folder.name)
pictures.add_images_from_path(folder, embed=False)
ids = pictures.query().sample_ids.to_list()
pictures.add_embeddings('noise', np.random.default_rng(0).normal(size=(len(ids), 8)).astype(np.float32))
for row, (sample_id, text) in enumerate(zip(ids, strings)):
    attempt(pictures.select(ids[row : row + 3]).add_tag, text)
    attempt(pictures.labels.add_classifications, {sample_id: text})
    attempt(pictures.metadata.update, {sample_id: {text: row}})
    attempt(pictures.metadata.update, {sample_id: {'note': text}})
tags = pictures.tags.list()
explorer = pictures.explore(projection='pca', height=640)

def reset():
    explorer.filter = explorer.preselected_tag_name = None
    explorer.candidates = {'from': 'all'}
    explorer.strategies = [lw.EmbeddingDiversityStrategy()]
    explorer.color_by = {'by': 'label', 'key': 'ground_truth'}
    for tag in set(pictures.tags.list()) - set(tags):
        pictures.tags.delete(tag)
"""
LOOK = """(node) => {
  const root = node.shadowRoot;
  const frame = root.querySelector('.lw').getBoundingClientRect();
  const held = (part) => { for (let up = part; up; up = up.parentElement) {
    if (getComputedStyle(up).overflowX !== 'visible' && !up.matches('.lw')) return true;
  } return false };
  const outside = [...root.querySelectorAll('.lw *')].filter((part) => {
    const box = part.getBoundingClientRect();
    return box.width > 0 && !held(part) && (box.right > frame.right + 1 || box.left < frame.left - 1);
  });
  return {
    strangers: root.querySelectorAll('script, iframe, b, style, math, a, [onerror], [onload], [onmouseover]').length,
    outside: outside.map((part) => part.className || part.tagName),
    width: Math.round(frame.width),
    height: Math.round(frame.height),
    page: document.documentElement.scrollWidth <= innerWidth,
    hacked: window.hacked ?? null,
  };
}"""


@pytest.fixture(scope="module")
def notebook(lab: Lab) -> Iterator[Notebook]:
    (lab.home / "hostile.json").write_text(json.dumps(hostile_strings()))
    with opened(lab, "hostile.ipynb", BUILD) as notebook:
        yield notebook


@pytest.fixture
def widget(notebook: Notebook) -> Iterator[Locator]:
    """A new view; whatever a test does to it, nothing ran and nothing left its place."""
    notebook.python("reset()")
    widget = notebook.explore("explorer")
    size = widget.evaluate(LOOK)
    yield widget
    in_place(notebook, widget, size)
    notebook.clear(keep=2)
    notebook.faultless()


def in_place(notebook: Notebook, widget: Locator, size: dict[str, int] | None = None) -> None:
    painted(notebook.page)
    found = widget.evaluate(LOOK)
    size = size or found
    assert found == {
        "strangers": 0, "outside": [], "width": size["width"], "height": size["height"], "page": True, "hacked": None,
    }  # fmt: skip


def test_most_of_them_are_kept_and_the_others_refused_in_words(notebook: Notebook) -> None:
    assert notebook.python("len(pictures)") == len(hostile_strings()) >= 60
    assert notebook.python("len(tags)") > 45
    assert notebook.python("len(pictures.to_polars().columns)") > 45
    assert notebook.python("len(set(refused)) > 5 and all(10 < len(words) < 2_000 for words in refused)")


def test_as_tags(notebook: Notebook, widget: Locator) -> None:
    start, source = widget.get_by_label("Start with"), widget.get_by_label("Sample from")
    tags = notebook.python("tags")
    assert start.locator("option").count() == len(tags) + 1
    for index in range(1, len(tags), 6):
        start.select_option(index=index)
        notebook.until(f"explorer.preselected_tag_name == tags[{index - 1}]")
    start.select_option(index=0)
    for index in range(3, source.locator("option").count(), 6):
        source.select_option(index=index)
        tag = source.evaluate("(select) => select.value").removeprefix("tag:")
        notebook.until(f"explorer.candidates == {{'from': 'tag', 'tag': {tag!r}}}")
    size = notebook.python("len(pictures.tags[explorer.candidates['tag']])")
    expect(widget.locator(".from-count")).to_have_text(str(size))
    in_place(notebook, widget)
    color_by_each(widget, "Tags")


def color_by_each(widget: Locator, group: str) -> None:
    color = widget.get_by_label("Color by")
    options = color.locator(f"optgroup[label='{group}'] option")
    names = options.evaluate_all("(all) => all.map((one) => one.value)")
    assert len(names) > 45
    for name in names[::6]:
        color.select_option(value=name)
        expect(widget.locator(".color-menu")).to_have_attribute("aria-busy", "false", timeout=ANSWER_MS)
        expect(widget.locator(".legend")).to_be_visible()


def test_as_classes_in_the_legend_and_the_plot(notebook: Notebook, widget: Locator) -> None:
    rows = widget.locator("button.legend-row")
    expect(rows.first).to_be_visible(timeout=ANSWER_MS)
    heights = rows.evaluate_all("(rows) => rows.map((row) => row.offsetHeight)")
    assert len(heights) > 45
    assert max(heights) < 30, "no name makes its row higher than a line"
    button(widget, "Cluster names").click()
    button(widget, "Density contours").click()
    in_place(notebook, widget)
    button(widget, "Add").click()
    widget.get_by_role("menuitem").filter(has_text="Balance classes").first.click()
    widget.locator("article.strategy").nth(1).get_by_label("Target").select_option("own")
    expect(widget.get_by_label("Share of <script>window.hacked=1</script> in percent")).to_be_visible()


def test_as_metadata_keys_and_values(notebook: Notebook, widget: Locator) -> None:
    color_by_each(widget, "Metadata")
    widget.get_by_label("Color by").select_option(label="note")
    expect(widget.locator("button.legend-row").nth(44)).to_be_attached(timeout=ANSWER_MS)
    in_place(notebook, widget)
    button(widget, "Add").click()
    widget.get_by_role("menuitem").filter(has_text="By metadata value").first.click()
    button(widget, "Filter").click()
    subject = widget.get_by_label("Filter by").first
    for index in range(0, subject.locator("option").count(), 10):
        subject.select_option(index=index)
    subject.select_option(label="note")
    value = widget.get_by_label("Value", exact=True)
    value.select_option(label="<script>window.hacked=1</script>")
    notebook.until("explorer.filter is not None and explorer.filter.get('value') == strings[0]")
    expect(widget.locator(".status-bar")).to_contain_text("1 of 60 samples")


def test_as_file_names_in_the_gallery_and_on_cards(notebook: Notebook, widget: Locator) -> None:
    everything = len(hostile_strings())
    sample(widget, everything)
    expect(widget.locator(".tile .thumb img").first).to_be_visible(timeout=ANSWER_MS)
    in_place(notebook, widget)
    widget.locator(".tile .thumb").first.press("End")
    expect(widget.locator(".tile").last).to_have_attribute("aria-posinset", str(everything))
    in_place(notebook, widget)
    widget.locator(".plot-host canvas").last.focus()
    seen: set[str] = set()
    for _ in range(0, everything, 3):
        for _ in range(3):
            notebook.page.keyboard.press("n")
        seen.add(next_card(notebook, widget, seen))
        if len(seen) % 5 == 0:
            in_place(notebook, widget)
    widget.get_by_role("tab", name="Result").click()
    expect(widget.locator(".chart").first).to_be_visible(timeout=ANSWER_MS)


def next_card(notebook: Notebook, widget: Locator, seen: set[str]) -> str:
    """The name on the card, when it is one not seen before and its facts are there."""
    look = """(node) => {
      const card = node.shadowRoot.querySelector('.inspector');
      return card?.querySelector('dl') ? card.querySelector('.card-title').textContent : null;
    }"""
    for _ in range(500):
        title = widget.evaluate(look)
        if title is not None and title not in seen:
            return str(title)
        painted(notebook.page)
    raise AssertionError("the next card never came")


def test_as_error_texts(notebook: Notebook, widget: Locator) -> None:
    notebook.python("[explorer._out.error(LightlyWidgetError(text), None) for text in strings] and None")
    toasts = widget.locator(".toast")
    last = hostile_strings()[-1].strip()
    expect(toasts.last).to_contain_text(last[:20], timeout=ANSWER_MS)
    in_place(notebook, widget)
    # The longest among short ones.
    notebook.python("explorer._out.error(LightlyWidgetError(max(strings, key=len)), None)")
    expect(toasts.last).to_contain_text("aaaa")
    heights = toasts.evaluate_all("(all) => all.map((one) => one.offsetHeight)")
    assert max(heights) < 400, "however long, a message leaves room for the plot"
    in_place(notebook, widget)
    for left in range(toasts.count(), 0, -1):
        expect(toasts).to_have_count(left)
        button(widget, "Dismiss").first.click()
    expect(toasts).to_have_count(0)


def test_as_new_tag_names_typed_and_saved(notebook: Notebook, widget: Locator) -> None:
    sample(widget, 5)
    for text in ("<img src=x onerror=window.hacked=1> new", "\u202enew gnp.exe"):
        button(widget, "Save as tag").click()
        widget.get_by_label("Tag name").fill(text)
        widget.get_by_label("Tag name").press("Enter")
        notebook.until(f"{text!r} in pictures.tags")
        expect(widget.get_by_label("Tag name")).to_have_count(0)
