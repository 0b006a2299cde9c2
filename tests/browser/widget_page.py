"""The widget in a plain page in real Chromium, against a mock kernel in the page: how the component tests drive it."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

JS = Path(__file__).parents[2] / "js"
# Run in the page: the widget's shadow root, and helpers that look into it.
HELPERS = """
window.violations = [];
document.addEventListener('securitypolicyviolation', (event) => violations.push(event.blockedURI));
window.rootOf = () => document.querySelector('.lightly-widget').shadowRoot;
window.asked = (kind) => demo.kernel.heard.filter((request) => request.kind === kind);
// Everything that reaches out of the widget's frame to the right or the left, though no scrolling box holds it.
window.outside = () => {
  const frame = rootOf().querySelector('.lw').getBoundingClientRect();
  const held = (node) => { for (let up = node; up; up = up.parentElement) {
    const {overflowX} = getComputedStyle(up);
    if (overflowX !== 'visible' && !up.matches('.lw')) return true;
  } return false };
  return [...rootOf().querySelectorAll('.lw *')].filter((node) => {
    const box = node.getBoundingClientRect();
    return box.width > 0 && !held(node) && (box.right > frame.right + 1 || box.left < frame.left - 1);
  }).map((node) => node.className || node.tagName);
};
"""


expect.set_options(timeout=15_000)


@pytest.fixture(scope="session")
def dev_url(static_url: str) -> str:
    subprocess.run(["node", "build.mjs", "--dev"], cwd=JS, check=True)
    return f"{static_url}/js/dist/dev/index.html"


class Widget:
    """One page with the widget in it."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.page: Page = context.new_page()
        self.problems: list[str] = []
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", lambda line: self.problems.append(line.text) if line.type == "error" else None)
        self.page.on("dialog", lambda dialog: self.problems.append(f"dialog: {dialog.message}"))
        self.page.add_init_script(HELPERS)
        self.page.goto(url)
        expect(self.page.locator(".plot-host canvas").last).to_be_attached()

    def button(self, name: str | re.Pattern[str], *, exact: bool = True) -> Locator:
        return self.page.get_by_role("button", name=name, exact=exact)

    def sample(self) -> None:
        before = self.count("sample")
        self.button("Sample").click()
        expect(self.button("Save as tag")).to_be_visible()
        self.idle()
        assert self.count("sample") > before

    def idle(self) -> None:
        expect(self.page.locator(".foot")).not_to_contain_text("Choosing")
        expect(self.button("Sample")).to_be_visible()

    def add(self, title: str) -> None:
        self.button("Add").click()
        self.page.get_by_role("menuitem", name=re.compile(f"^{title}")).click()

    def asked(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.page.evaluate("(kind) => asked(kind)", kind)
        return found

    def count(self, kind: str) -> int:
        return len(self.asked(kind))

    def trait(self, name: str) -> Any:
        return self.page.evaluate("(name) => demo.kernel.traits[name]", name)

    def wait_for_trait(self, name: str, value: Any) -> None:
        wanted = json.dumps(json.dumps(value, separators=(",", ":"), ensure_ascii=False))
        self.until(f"JSON.stringify(demo.kernel.traits['{name}']) === {wanted}")

    def wait_for_strategies(self, part: str, values: list[Any]) -> None:
        """Until that part of the strategies, in their order, is `values`."""
        wanted = json.dumps(values, separators=(",", ":"))
        self.until(f"JSON.stringify(demo.kernel.traits.strategies.map((one) => one.{part})) === {json.dumps(wanted)}")

    def until(self, condition: str, *, seconds: float = 20) -> None:
        """Not `wait_for_function`: that needs `eval` in the page, which its security policy forbids."""
        deadline = time.monotonic() + seconds
        while not self.page.evaluate(f"() => Boolean({condition})"):
            assert time.monotonic() < deadline, f"never came true: {condition}"
            self.page.wait_for_timeout(30)

    def hover_a_point(self) -> Locator:
        """Moves over the plot until a sample's card is there."""
        box = self.page.locator(".plot-host").bounding_box()
        assert box is not None
        card = self.page.locator(".hover-card")
        for step in range(200):
            x, y = (
                box["x"] + box["width"] * (0.3 + 0.4 * (step % 20) / 20),
                box["y"] + box["height"] * (0.2 + step / 400),
            )
            self.page.mouse.move(x, y)
            # Longer than the 80 ms after which it opens: a place without a point opens nothing.
            self.page.wait_for_timeout(140)
            if card.count():
                return card
        raise AssertionError("no point came under the pointer")


def axe(place: Locator) -> list[str]:
    """What axe-core has against a part of the page, once nothing moves in it any more, the impact first."""
    page = place.page
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate((JS / "node_modules" / "axe-core" / "axe.min.js").read_text())
    found: list[str] = place.evaluate(
        """async (place) => {
          const roots = [place, ...place.querySelectorAll('*')].flatMap(({shadowRoot}) => shadowRoot ?? []);
          const moving = roots.flatMap((root) => root.getAnimations());
          await Promise.all(moving.map((one) => one.finished.catch(() => null)));
          const {violations} = await axe.run(place, {resultTypes: ['violations']});
          return violations.flatMap(({id, impact, nodes}) =>
            nodes.map(({target, failureSummary}) => `${impact} ${id} at ${target.flat()}: ${failureSummary}`));
        }"""
    )
    return found


@pytest.fixture
def show(browser: Browser, dev_url: str) -> Iterator[Callable[..., Widget]]:
    contexts: list[BrowserContext] = []
    widgets: list[Widget] = []

    def open_page(query: str = "n=600", *, width: int = 1200, height: int = 760, **options: Any) -> Widget:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        context.set_default_timeout(15_000)
        widgets.append(Widget(context, f"{dev_url}?{query}"))
        return widgets[-1]

    yield open_page
    for widget in widgets:
        assert widget.problems == []
        assert widget.page.evaluate("violations") == []
    for context in contexts:
        context.close()
