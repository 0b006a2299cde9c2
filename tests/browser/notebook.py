"""One notebook and one kernel for many tests: cells come and go, the kernel's variables stay."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import ROOT, Lab, LabPage

ANSWER_MS = 30_000
GATE = "gate-is-open"
BUSY = f"""
import pathlib, time
print("busy")
while not pathlib.Path({GATE!r}).exists():
    time.sleep(0.02)
pathlib.Path({GATE!r}).unlink()
"""
SETUP = """
import numpy as np, polars as pl, traitlets
import ipywidgets
import lightly_widget as lw
from lightly_widget.errors import DatasetNotFoundError
from lightly_widget.query.algebra import Expression
from IPython.display import display

def make(name, n=400, dimension=16, **columns):
    \"\"\"Points in four groups, each with a word and a number.\"\"\"
    try:
        return lw.Dataset.load(name)
    except DatasetNotFoundError:
        pass
    random = np.random.default_rng(0)
    group = np.arange(n) % 4
    places = random.normal(size=(4, dimension)) * 3
    vectors = (places[group] + random.normal(size=(n, dimension))).astype(np.float32)
    frame = pl.DataFrame({
        "sample_id": [f"s{row:06d}" for row in range(n)],
        "text": [f"words of {row}" for row in range(n)],
        "weather": [["clear", "fog", "rain", "snow"][g] for g in group],
        "score": np.arange(n) / n,
    } | columns)
    return lw.Dataset.from_polars(frame, embeddings=vectors, name=name)

dataset = make("manners")
"""
# Every comm message that reaches or leaves the page, as [direction, method, sizes of the state's parts, seq].
RECORD = """() => {
  window.recorded = [];
  const {kernel} = jupyterapp.shell.currentWidget.sessionContext.session;
  kernel.anyMessage.connect((_, {msg, direction}) => {
    if (msg.header.msg_type !== 'comm_msg') return;
    const {method, state, content} = msg.content.data;
    const sizes = Object.fromEntries(Object.entries(state ?? {}).map(([key, value]) =>
      [key, new TextEncoder().encode(JSON.stringify(value)).length]));
    recorded.push({direction, method, sizes, kind: content?.kind ?? null, seq: content?.seq ?? null});
  });
}"""


class Notebook:
    """Cells put at the end of one open notebook, with what they show."""

    def __init__(self, lab_page: LabPage, home: Path) -> None:
        self.lab, self.home = lab_page, home
        self.page: Page = lab_page.page
        self.problems: list[str] = lab_page.errors
        self.page.on("console", lambda line: self._console(line))
        self.page.on("dialog", lambda dialog: self._dialog(dialog))

    def _console(self, line: Any) -> None:
        # Of too many WebGL contexts, Chromium only warns.
        if line.type == "error" or ("WebGL" in line.text and "context" in line.text):
            self.problems.append(line.text)

    def _dialog(self, dialog: Any) -> None:
        if dialog.type == "beforeunload":
            dialog.accept()
        else:
            self.problems.append(f"dialog: {dialog.message}")
            dialog.dismiss()

    def python(self, expression: str) -> Any:
        return self.lab.python(expression)

    def run(self, code: str, *, wait: bool = True) -> int:
        """Run `code` in a new cell at the end; the cell's index."""
        index: int = self.page.evaluate(
            """(source) => {
              const {sharedModel} = jupyterapp.shell.currentWidget.content.model;
              sharedModel.insertCell(sharedModel.cells.length, {cell_type: 'code', source, metadata: {}});
              return sharedModel.cells.length - 1;
            }""",
            code,
        )
        self.lab.run_cell(index, wait=wait)
        if wait:
            self.check(index)
        return index

    def check(self, index: int) -> None:
        """Fail with what a cell's traceback ends with, if there is one."""
        failure = self.page.evaluate(
            """(index) => {
              const {outputs} = jupyterapp.shell.currentWidget.content.widgets[index].model;
              for (let at = 0; at < outputs.length; at++) {
                const found = outputs.get(at).toJSON();
                if (found.output_type === 'error') return `${found.ename}: ${found.evalue}`;
              }
              return null;
            }""",
            index,
        )
        if failure is not None:
            pytest.fail(str(failure))

    def finished(self, index: int) -> None:
        """Wait until a cell is done."""
        self.page.wait_for_function(
            """(index) => {
              const {model} = jupyterapp.shell.currentWidget.content.widgets[index];
              return model.executionCount != null && model.executionState !== 'running';
            }""",
            arg=index,
            timeout=ANSWER_MS,
        )
        self.check(index)

    def widget(self, cell: int, nth: int = 0) -> Locator:
        """A widget that a cell shows, brought into view, its points there."""
        found = self.page.locator(".jp-Notebook .jp-Cell").nth(cell).locator(".lightly-widget").nth(nth)
        expect(found).to_be_attached(timeout=ANSWER_MS)
        self.show(found)
        self.ready(found)
        return found

    def explore(self, code: str = "explorer = dataset.explore(projection='pca')\nexplorer") -> Locator:
        return self.widget(self.run(code))

    @staticmethod
    def show(widget: Locator) -> None:
        widget.evaluate("(node) => node.scrollIntoView({block: 'start'})")

    @staticmethod
    def ready(widget: Locator) -> None:
        expect(widget.locator(".projection")).to_contain_text("PCA", timeout=ANSWER_MS)

    def until(self, condition: str, *, seconds: float = 60) -> None:
        """Ask the kernel until the condition holds."""
        for _ in range(int(seconds / 0.1)):
            if self.python(f"bool({condition})"):
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"never became true: {condition}")

    @contextlib.contextmanager
    def busy(self, first: str = "") -> Iterator[None]:
        """A cell runs meanwhile, to the end of the block and no shorter."""
        (self.home / GATE).unlink(missing_ok=True)
        cell = self.run(first + BUSY, wait=False)
        cells = "jupyterapp.shell.currentWidget.content.widgets"
        try:
            begun = f"(index) => {cells}[index].model.outputs.length > 0"
            self.page.wait_for_function(begun, arg=cell, timeout=ANSWER_MS)
            yield
            state = f"(index) => {cells}[index].model.executionState"
            assert self.page.evaluate(state, cell) == "running", "the cell ended before the block"
        finally:
            (self.home / GATE).touch()
            self.finished(cell)

    def clear(self, keep: int = 1) -> None:
        """Take away all cells but the first ones, and with them their views."""
        self.page.evaluate(
            """(keep) => {
              const {sharedModel} = jupyterapp.shell.currentWidget.content.model;
              if (sharedModel.cells.length > keep) sharedModel.deleteCellRange(keep, sharedModel.cells.length);
            }""",
            keep,
        )

    def faultless(self) -> None:
        """Nothing went wrong unseen since this was asked last."""
        problems = [*self.problems]
        self.problems.clear()
        assert problems == [], problems

    def close(self) -> None:
        """End the kernel and the page."""
        with contextlib.suppress(Exception):
            self.page.evaluate("async () => { await jupyterapp.shell.currentWidget.sessionContext.shutdown() }")
        self.lab.close()

    def save(self) -> Path:
        """Save the notebook as Ctrl+S does."""
        self.page.evaluate("async () => { await jupyterapp.commands.execute('docmanager:save') }")
        self.page.wait_for_function("() => !jupyterapp.shell.currentWidget.context.model.dirty")
        name = self.page.evaluate("() => jupyterapp.shell.currentWidget.context.path")
        return self.home / str(name)


@contextlib.contextmanager
def opened(lab: Lab, name: str, *cells: str) -> Iterator[Notebook]:
    """A notebook with the setup and then these cells, all run."""
    page = lab.open(lab.write_notebook(name, SETUP, *cells))
    notebook = Notebook(page, lab.home)
    try:
        page.run_all()
        for index in range(1 + len(cells)):
            notebook.check(index)
        yield notebook
    finally:
        notebook.close()


def button(widget: Locator, name: str) -> Locator:
    return widget.get_by_role("button", name=name, exact=True)


def count_field(widget: Locator) -> Locator:
    return widget.get_by_label("Number of samples").first


def type_count(widget: Locator, count: int) -> None:
    count_field(widget).fill(str(count))
    count_field(widget).press("Enter")


def click_if(widget: Locator, name: str) -> bool:
    """Click the button that is Sample or Cancel if it is `name`: between a look and a click it may become the other."""
    found: bool = widget.evaluate(
        """(node, name) => {
          const button = node.shadowRoot.querySelector('.foot .btn.wide');
          if (button.textContent !== name) return false;
          button.click();
          return true;
        }""",
        name,
    )
    return found


def sample(widget: Locator, count: int) -> None:
    """Ask for a sample and wait until it is there."""
    type_count(widget, count)
    click_if(widget, "Sample")  # if not, Live was faster, and has asked for the same
    expect(widget.locator(".outcome")).to_have_text(re.compile(rf"^{count:,} samples ·"), timeout=ANSWER_MS)


def lasso(notebook: Notebook, widget: Locator, path: list[tuple[float, float]]) -> None:
    """Draw around a part of the plot; places as shares of its width and height."""
    widget.get_by_role("radio", name="Lasso").click()
    box = widget.locator(".plot-host").bounding_box()
    assert box is not None
    points = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in path]
    mouse = notebook.page.mouse
    mouse.move(*points[0])
    mouse.down()
    for point in points[1:]:
        mouse.move(*point, steps=5)
    mouse.up()
    widget.get_by_role("radio", name="Pan").click()


def painted(page: Page) -> None:
    """Two frames later, what was asked for has been drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def still(notebook: Notebook, widget: Locator) -> bytes:
    """The plot when it has come to rest: two pictures in a row are the same."""
    notebook.page.mouse.move(2, 2)
    expect(widget.locator(".hover-card")).to_have_count(0)
    before = b""
    for _ in range(100):
        painted(notebook.page)
        now = widget.locator(".plot-host").screenshot()
        if now == before:
            return now
        before = now
    raise AssertionError("the plot never came to rest")


def ink(widget: Locator) -> int:
    """Pixels in which the layer over the points is not empty: badges of picks, names, the ring around a sample."""
    return int(
        widget.evaluate(
            """(node) => {
              const canvas = [...node.shadowRoot.querySelectorAll('.plot-host canvas')].at(-1);
              const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
              let ink = 0;
              for (let at = 3; at < data.length; at += 4) if (data[at] > 0) ink++;
              return ink;
            }"""
        )
    )


def wait_for_ink(notebook: Notebook, widget: Locator, there: bool) -> None:
    for _ in range(300):
        painted(notebook.page)
        if (ink(widget) > 0) == there:
            return
    raise AssertionError(f"the layer over the points {'stayed' if there else 'never became'} empty")


def hover_a_point(notebook: Notebook, widget: Locator) -> None:
    """Move over the plot as a hand would, until a sample's card opens."""
    box = widget.locator(".plot-host").bounding_box()
    assert box is not None
    surface = widget.locator(".plot-host canvas").last
    for step in range(300):
        x, y = 0.05 + 0.9 * (step % 20) / 20, 0.05 + 0.06 * (step // 20)
        notebook.page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
        painted(notebook.page)
        if surface.evaluate("(canvas) => canvas.style.cursor") == "pointer":
            expect(widget.locator(".hover-card")).to_be_visible(timeout=ANSWER_MS)
            return
    raise AssertionError("no point came under the pointer")


def hostile_strings() -> list[str]:
    """The sixty strings of the component tests, from the one list of them."""
    code = """
      const {outputFiles} = require('esbuild').buildSync(
        {entryPoints: ['dev/hostile.ts'], bundle: true, format: 'cjs', write: false});
      const found = {};
      new Function('module', outputFiles[0].text)(found);
      process.stdout.write(JSON.stringify(found.exports.HOSTILE));
    """
    done = subprocess.run(["node", "-e", code], cwd=ROOT / "js", check=True, capture_output=True, text=True)
    found: list[str] = json.loads(done.stdout)
    return found
