"""The count slider of a sample in a real JupyterLab: from each input event to the frame that shows the new highlight.

    python -m benchmarks.slider [--samples 100000] [--rounds 3]

100,000 samples with a diverse sample of 1,000 made. The slider is dragged along the picks with a real pointer, once
with the kernel free and once while a cell runs. A time ends when the GPU has drawn another picture than before (see
probe.js). Fails where an input sends more than the count, or where a frame is late at the median.
"""

from __future__ import annotations

import argparse
import collections
import functools
import statistics

from playwright.sync_api import Locator, Page, expect

from benchmarks.lab import first_frame, lab, machine, notebook, run
from tests.browser.conftest import LabPage

PICKS = 1000
STEPS = 40
LIMIT_MS = 100.0
SETUP = """
import numpy as np, polars as pl, time
import lightly_widget as lw
n = {n}
random = np.random.default_rng(7)
group = random.integers(0, 10, n)
middles = random.normal(size=(10, 32)) * 3
vectors = (middles[group] + random.normal(size=(n, 32))).astype(np.float32)
frame = pl.DataFrame(dict(sample_id=[f"s{{row}}" for row in range(n)], group=[f"g{{code}}" for code in group]))
dataset = lw.Dataset.from_polars(frame, embeddings=vectors, name="slider")
dataset.projections.get()
"""
SHOW = """
explorer = dataset.explore(
    projection="pca", color_by=dict(by="metadata", key="group"), n_samples_to_select={picks}
)
explorer
"""
BUSY = "time.sleep(600)"


def drag(page: Page, slider: Locator, most: int) -> list[float]:
    """Milliseconds from input to repainted highlight, at each place of a drag from all picks to a few and back."""
    box = slider.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    at = float(slider.evaluate("(node) => (node.value - node.min) / (node.max - node.min)"))
    # The thumb's center stays half a thumb away from both ends.
    x = box["x"] + 8 + at * (box["width"] - 16)
    page.mouse.move(x, y)
    page.mouse.down()
    spans = []
    for step in range(1, STEPS + 1):
        to = x - most * (step if step <= STEPS / 2 else STEPS - step) / (STEPS / 2)
        spans.append(first_frame(page, functools.partial(page.mouse.move, to, y), "input"))
        page.wait_for_timeout(30)
    page.mouse.up()
    page.evaluate("() => probe.off()")
    return spans


def measure(opened: LabPage, rounds: int) -> tuple[list[float], collections.Counter[str]]:
    page = opened.page
    widget = page.locator(".lightly-widget").first
    slider = widget.locator('.count input[type="range"]')
    slider.evaluate("(node) => node.scrollIntoView({block: 'center'})")
    page.wait_for_timeout(2000)
    page.evaluate("() => { probe.sent.length = 0 }")
    spans: list[float] = []
    for _ in range(rounds):
        spans += drag(page, slider, 100)
        page.wait_for_timeout(1000)
    return spans, collections.Counter(page.evaluate("() => probe.sent"))


def row(name: str, spans: list[float], sent: collections.Counter[str]) -> str:
    p95 = statistics.quantiles(spans, n=20)[-1]
    said = ", ".join(f"{count} × {kind}" for kind, count in sorted(sent.items())) or "none"
    return f"| {name} | {len(spans)} | {statistics.median(spans):.0f} | {p95:.0f} | {said} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    cells = SETUP.format(n=arguments.samples), SHOW.format(picks=PICKS), BUSY
    lines = []
    with lab() as server, notebook(server, *cells) as opened:
        words = machine(server.browser)
        page = opened.page
        run(opened, 0)
        run(opened, 1)
        widget = page.locator(".lightly-widget").first
        widget.get_by_role("button", name="Sample", exact=True).click()
        expect(widget.locator(".outcome")).to_contain_text(f"{PICKS:,} samples", timeout=120_000)
        page.evaluate("() => probe.record()")
        for name in ("kernel free", "a cell is running"):
            if name != "kernel free":
                opened.run_cell(2, wait=False)
                page.wait_for_timeout(500)
            spans, sent = measure(opened, arguments.rounds)
            lines.append(row(name, spans, sent))
            print(lines[-1], flush=True)
            assert set(sent) <= {"trait n_samples_to_select"}, "the kernel was asked for something"
            assert statistics.median(spans) <= LIMIT_MS, f"{statistics.median(spans):.0f} ms at the median"
        page.evaluate("async () => { await jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt() }")
    print(f"\n{words}; {arguments.samples:,} samples, {PICKS:,} picks.\n")
    print("| | inputs | p50, ms | p95, ms | messages to the kernel |\n|---|---|---|---|---|")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
