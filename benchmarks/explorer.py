"""The explorer beside jupyter-scatter, each as people meet it: in a notebook in JupyterLab, in the same Chromium.

    python -m benchmarks.explorer [--sizes 10000 100000 1000000] [--rounds 3]

Each run is a fresh page and a fresh kernel; the two take turns; medians. Both show the same points in ten colors, in
plots of the same size. A time ends when the GPU has drawn it all (see probe.js). Needs the extra `bench`.
"""

from __future__ import annotations

import argparse
import functools
import math
import statistics
import sys
from importlib.metadata import version
from typing import Any

from playwright.sync_api import Page

from benchmarks.lab import check, first_frame, heap, in_kernel, lab, machine, notebook, run, table, whole
from tests.browser.conftest import Lab, LabPage

HEIGHT = 600
MOVES = 12
RESTS = 3
CORNERS = 12
RADIUS = 0.45
MEASURES = {
    "first_paint": "first paint, ms",
    "heap": "heap, MB",
    "highlight": "highlight 1,000, ms",
    "lasso": "lasso, ms",
    "pan": "pan frame, ms",
    "pan_whole": "pan, all points in, ms",
}
NAMES = {"ours": "lightly_widget", "theirs": "jupyter-scatter"}
# The places are a projection of ours, so that both plots show the very same ones.
DATA = """
import numpy as np, polars as pl
import lightly_widget as lw
n = {n}
random = np.random.default_rng(7)
group = random.integers(0, 10, n)
middles, spreads = random.uniform(-1, 1, (10, 2)), random.uniform(0.03, 0.13, (10, 1))
vectors = (middles[group] + spreads[group] * random.normal(size=(n, 2))).astype(np.float32)
frame = pl.DataFrame(dict(sample_id=[f"s{{row}}" for row in range(n)], group=[f"g{{code}}" for code in group]))
dataset = lw.Dataset.from_polars(frame, embeddings=vectors, name="points{n}")
places, _ = dataset.projections.get()
np.savez("points{n}.npz", places=places, group=group)
"""
SETUP = {
    "ours": """
import lightly_widget as lw, lightly_widget.widget
dataset = lw.Dataset.load("points{n}")
places, ids = dataset.projections.get()
table = dataset.to_polars()
some = ids.gather([row * {n} // 1000 for row in range(1000)]).to_list()
""",
    "theirs": """
import numpy as np, pandas as pd, jscatter
data = np.load("points{n}.npz")
places, group = data["places"], data["group"]
frame = pd.DataFrame(dict(x=places[:, 0], y=places[:, 1], group=pd.Categorical([f"g{{code}}" for code in group])))
some = [row * {n} // 1000 for row in range(1000)]
""",
}
SHOW = {
    "ours": """
explorer = dataset.explore(
    projection="pca", height={height}, color_by=dict(by="metadata", key="group"), viewport=[-1, -1, 1, 1]
)
explorer
""",
    "theirs": """
scatter = jscatter.Scatter(
    data=frame, x="x", y="y", x_scale=(-1, 1), y_scale=(-1, 1), color_by="group", axes=False, width={width},
    height={height}, regl_scatterplot_options={options}
)
scatter.widget
""",
}
SELECT = {"ours": "explorer.selection = some", "theirs": "scatter.selection(some)"}
SELECTED = {"ours": "len(explorer.selection)", "theirs": "len(scatter.widget.selection)"}
NONE = {"ours": "explorer.selection = None", "theirs": "scatter.selection(None)"}


def measure(server: Lab, which: str, n: int, size: dict[str, Any]) -> dict[str, float]:
    """One widget in one fresh page."""
    show = SHOW[which].format(**size)
    with notebook(server, SETUP[which].format(n=n), show) as opened:
        page = opened.page
        run(opened, 0)
        before = heap(page)
        result = {"first_paint": whole(page, lambda: opened.run_cell(1, wait=False), quiet=3000)}
        check(opened)
        result["heap"] = heap(page) - before
        x, y, width, height = place(page, which)
        size |= {"width": round(width), "height": round(height)} if which == "ours" else {}
        if which == "ours":
            # The legend took room from the plot meanwhile; now one unit is half the height, as it is in the other's.
            in_kernel(page, "explorer.viewport = [-1, -1, 1, 1.000001]")
            page.wait_for_timeout(2000)
        result["highlight"] = whole(page, lambda: in_kernel(page, SELECT[which]))
        assert opened.python(SELECTED[which]) == 1000
        whole(page, lambda: in_kernel(page, NONE[which]))
        result |= pan(page, x + width / 2, y + height / 2)
        lasso_mode(opened, which)
        # Not back to where it began, which the peer takes for a click; both close it.
        angles = [2 * math.pi * at / CORNERS for at in range(CORNERS)]
        # The pan moved the picture by as much as the pointer.
        steps = MOVES + RESTS - 1
        middle = (x + width / 2 + 6 * steps, y + height / 2 + 2 * steps)
        reach = RADIUS * height / 2
        page.mouse.move(middle[0] + reach, middle[1])
        page.mouse.down()
        for angle in angles[1:]:
            page.mouse.move(middle[0] + reach * math.cos(angle), middle[1] + reach * math.sin(angle))
        page.wait_for_timeout(3000)  # a plot that draws each corner of the outline anew may still be at it
        result["lasso"] = whole(page, page.mouse.up, on="mouseup")
        result["selected"] = opened.python(SELECTED[which])
        assert opened.errors == []
    return result


def place(page: Page, which: str) -> tuple[float, float, float, float]:
    """Where the plot is, in pixels of the page."""
    output = page.locator(".jp-OutputArea-output").last
    plot = output.locator(".plot-host" if which == "ours" else "canvas").first
    plot.evaluate("(node) => node.scrollIntoView({block: 'center'})")
    page.wait_for_timeout(500)
    box = plot.bounding_box()
    assert box is not None
    return box["x"], box["y"], box["width"], box["height"]


def pan(page: Page, x: float, y: float) -> dict[str, float]:
    """A drag: the middle one of its frames, and the time until all points are there after the last move."""
    page.mouse.move(x, y)
    page.wait_for_timeout(500)
    page.mouse.down()
    frames = []
    for step in range(1, MOVES):
        to = (x + 6 * step, y + 2 * step)
        frames.append(first_frame(page, functools.partial(page.mouse.move, *to), "mousemove"))
    page.wait_for_timeout(1000)
    rests = []
    for step in range(MOVES, MOVES + RESTS):
        to = (x + 6 * step, y + 2 * step)
        rests.append(whole(page, functools.partial(page.mouse.move, *to), on="mousemove", quiet=1000))
    page.mouse.up()
    page.wait_for_timeout(300)
    return {"pan": statistics.median(frames), "pan_whole": statistics.median(rests)}


def lasso_mode(opened: LabPage, which: str) -> None:
    if which == "ours":
        opened.page.get_by_role("radio", name="Lasso").click()
    else:
        opened.python("scatter.mouse('lasso') and None")
    opened.page.wait_for_timeout(3000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--performance-mode", action="store_true", help="the peer draws squares without blending")
    arguments = parser.parse_args()
    NAMES["theirs"] = f"jupyter-scatter {version('jupyter-scatter')}"
    options = {"performanceMode": True} if arguments.performance_mode else {}
    results: dict[tuple[str, int], dict[str, float]] = {}
    with lab() as server:
        words = machine(server.browser)
        for n in arguments.sizes:
            with notebook(server, DATA.format(n=n)) as opened:
                run(opened, 0)
            rounds: dict[str, list[dict[str, float]]] = {which: [] for which in NAMES}
            size: dict[str, Any] = {"width": 0, "height": HEIGHT, "options": options}
            for _ in range(arguments.rounds):
                size["height"] = HEIGHT
                for which in NAMES:
                    found = measure(server, which, n, size)
                    rounds[which].append(found)
                    print(n, which, {key: round(value, 1) for key, value in found.items()}, file=sys.stderr)
            for which, runs in rounds.items():
                results[which, n] = {key: statistics.median(each[key] for each in runs) for key in runs[0]}
            print(table(results, [n], MEASURES, NAMES), file=sys.stderr)
    print(f"{words}; plots of {size['width']:.0f} × {size['height']:.0f} pixels; medians of {arguments.rounds}.\n")
    print(table(results, sorted(arguments.sizes), MEASURES, NAMES))


if __name__ == "__main__":
    main()
