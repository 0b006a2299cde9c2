"""The scatter plot beside jupyter-scatter 1.0.1's (regl-scatterplot 1.16.0), in the same Chromium in the same run.

`python -m benchmarks.renderer` after `npm install` in `js/` and in `benchmarks/`. Every measurement is of a fresh page;
the two plots take turns; medians of three. A time ends when the GPU has drawn it all (`readPixels` in the plot's
context).
"""

from __future__ import annotations

import argparse
import functools
import gc
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from benchmarks.lab import heap, table
from tests.browser.conftest import CHROMIUM_FLAGS, QuietHandler

HERE = Path(__file__).parent
PAGE = """<!doctype html><meta charset=utf-8><style>body{margin:0}#host{width:800px;height:600px}</style>
<div id=host></div><script type=module src=page.js></script>"""
MEASURES = {
    "first_paint": "first paint, ms",
    "heap": "memory, MB",
    "highlight": "highlight 1,000, ms",
    "lasso": "lasso, ms",
    "pan": "pan frame, ms",
    "pan_whole": "pan, all points in, ms",
}
PLOTS = {"ours": "lightly_widget", "theirs": "regl-scatterplot 1.16.0"}


def build(folder: Path) -> None:
    esbuild = HERE.parent / "js" / "node_modules" / ".bin" / "esbuild"
    command = [esbuild, HERE / "renderer_page.ts", "--bundle", "--format=esm", "--minify", "--target=es2022"]
    subprocess.run([*map(str, command), f"--outfile={folder / 'page.js'}", "--log-level=warning"], check=True)
    (folder / "index.html").write_text(PAGE)


def measure(browser: Browser, url: str, plot: str, n: int) -> dict[str, float]:
    """One plot in one fresh page."""
    context = browser.new_context(viewport={"width": 800, "height": 600})
    page = context.new_page()
    page.goto(url)
    page.wait_for_function("window.prepare !== undefined")
    page.evaluate("(n) => prepare(n)", n)
    before = heap(page)
    result = {"first_paint": page.evaluate("(plot) => firstPaint(plot)", plot)}
    page.wait_for_timeout(300)
    result["heap"] = heap(page) - before
    result |= page.evaluate("() => rest()")
    context.close()
    gc.collect()
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    chromium = shutil.which("chromium") or sys.exit("no Chromium on the PATH")
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder))
        server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietHandler, directory=folder))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/index.html"
        results: dict[tuple[str, int], dict[str, float]] = {}
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
            version = browser.version
            for n in arguments.sizes:
                rounds: dict[str, list[dict[str, float]]] = {plot: [] for plot in PLOTS}
                for _ in range(arguments.rounds):
                    for plot in PLOTS:
                        run = measure(browser, url, plot, n)
                        rounds[plot].append(run)
                        print(n, plot, {key: round(value, 1) for key, value in run.items()}, file=sys.stderr)
                assert len({run["selected"] for runs in rounds.values() for run in runs}) == 1, "not the same lasso"
                for plot, runs in rounds.items():
                    results[plot, n] = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
            browser.close()
        server.shutdown()
    print(f"Chromium {version}, {platform.machine()}, WebGL in software (SwiftShader), 800 × 600, medians of")
    print(f"{arguments.rounds}.\n")
    print(table(results, arguments.sizes, MEASURES, PLOTS))


if __name__ == "__main__":
    main()
