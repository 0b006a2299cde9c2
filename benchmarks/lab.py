"""JupyterLab in Chromium for benchmarks, with `probe.js` in the page: when is a plot's picture whole, any plot's."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import CHROMIUM_FLAGS, Lab, LabPage, running_lab

PROBE = Path(__file__).with_name("probe.js")


@contextlib.contextmanager
def lab() -> Iterator[Lab]:
    """A server with an empty folder of notebooks, and the datasets that its kernels make."""
    chromium = shutil.which("chromium") or sys.exit("no Chromium on the PATH")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        with running_lab(_made(folder, "home"), _made(folder, "private"), browser) as server:
            yield server
        browser.close()


def _made(folder: str, name: str) -> Path:
    path = Path(folder) / name
    path.mkdir()
    return path


def machine(browser: Browser) -> str:
    """What a table was measured on, in words."""
    cores = os.cpu_count()
    return (
        f"Chromium {browser.version}, {platform.machine()}, {cores} cores, WebGL in software (SwiftShader), "
        f"load {os.getloadavg()[0]:.1f} at the start"
    )


@contextlib.contextmanager
def notebook(server: Lab, *cells: str) -> Iterator[LabPage]:
    """A notebook with these cells in a page and a kernel of its own, with the probe in it; none has run."""
    name = server.write_notebook("benchmark.ipynb", *cells)
    opened = server.open(name, init_script=PROBE)
    opened.page.on("dialog", lambda dialog: dialog.accept())
    try:
        yield opened
    finally:
        opened.page.evaluate("async () => { await jupyterapp.shell.currentWidget.sessionContext.shutdown() }")
        opened.close()


def whole(page: Page, act: Callable[[], Any], *, on: str | None = None, quiet: float = 2000) -> float:
    """Milliseconds from `act`, or from the page's event that it causes, to the last frame drawn because of it."""
    page.evaluate("(type) => { type === null ? probe.arm() : probe.armOn(type) }", on)
    act()
    page.wait_for_function("() => probe.last !== null", timeout=120_000)
    spent: float = page.evaluate("(quiet) => probe.settled(quiet)", quiet)
    page.evaluate("() => probe.off()")
    return spent


def first_frame(page: Page, act: Callable[[], Any], on: str) -> float:
    """Milliseconds from the page's event that `act` causes to the first frame after it."""
    page.evaluate("(type) => { probe.armOn(type) }", on)
    act()
    page.wait_for_function("() => probe.first !== null", timeout=60_000, polling=5)
    spent: float = page.evaluate("() => probe.shown()")
    return spent


def run(opened: LabPage, cell: int) -> None:
    """Run a cell to its end; an error in it is one here."""
    opened.run_cell(cell, timeout=600)
    check(opened)


def check(opened: LabPage) -> None:
    """Raise what a cell's traceback ends with, if there is one."""
    failures = opened.page.evaluate(
        """() => jupyterapp.shell.currentWidget.content.widgets.flatMap(({model}) =>
          model.toJSON().outputs.filter((found) => found.output_type === 'error')
            .map((found) => `${found.ename}: ${found.evalue}`))"""
    )
    if failures:
        raise RuntimeError("; ".join(failures))


def heap(page: Page) -> float:
    """JavaScript heap and array buffers after a collection, MB."""
    session = page.context.new_cdp_session(page)
    for _ in range(2):
        session.send("HeapProfiler.collectGarbage")
    usage = session.send("Runtime.getHeapUsage")
    session.detach()
    return float(usage["usedSize"] + usage.get("backingStorageSize", 0)) / 1e6


def table(
    results: dict[tuple[str, int], dict[str, float]], sizes: list[int], measures: dict[str, str], names: dict[str, str]
) -> str:
    """Medians of "ours" and "theirs" by size, and how many times ours is less, as a Markdown table."""
    lines = ["| points | | " + " | ".join(measures.values()) + " |", "|---|---|" + "---|" * len(measures)]
    for n in sizes:
        for which, name in names.items():
            cells = [f"{results[which, n][key]:,.1f}" for key in measures]
            lines.append(f"| {n:,} | {name} | " + " | ".join(cells) + " |")
        ratios = [f"**{results['theirs', n][key] / max(results['ours', n][key], 0.1):.1f}×**" for key in measures]
        lines.append(f"| {n:,} | ratio | " + " | ".join(ratios) + " |")
    return "\n".join(lines)


def in_kernel(page: Page, code: str) -> None:
    """Send code to the kernel and do not wait for what it does."""
    page.evaluate(
        """(code) => {
          const {kernel} = jupyterapp.shell.currentWidget.sessionContext.session;
          void kernel.requestExecute({code, store_history: false}).done;
        }""",
        code,
    )
