"""The scatter plot alone, in a plain page in real Chromium: what it draws, what it sends, what it survives."""

from __future__ import annotations

import base64
import functools
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from lightly_widget.maps import Lasso

JS = Path(__file__).parents[2] / "js"
HTML = """<!doctype html><meta charset="utf-8">
<style>body { margin: 0; background: #fff } .plot { width: 600px; height: 400px }</style>
<div id="host" class="plot"></div><script type="module" src="page.js"></script>"""
SCRIPT = """
import * as module from %s;
const log = [];
const plain = (value) => ArrayBuffer.isView(value) ? [...value] : value;
const keep = (name) => (...args) => { log.push([name, ...args.map(plain)]) };
const events = () => ({view: keep('view'), hover: keep('hover'), click: keep('click'), area: keep('area'),
  renderer: keep('renderer'), key: (event) => { log.push(['key', event.key]); return event.key === 'n' }});
// A grid of points, which leaves known places empty: cells of 1 apart, columns × rows.
function lattice(columns, rows) {
  const x = new Float32Array(columns * rows), y = new Float32Array(columns * rows);
  for (let row = 0; row < x.length; row++) { x[row] = row % columns; y[row] = Math.floor(row / columns) }
  return {x, y};
}
// The average color in a square of `side` CSS pixels around a row, of what is on screen.
function color(scatter, row, side = 3) {
  const picture = scatter.picture();
  const ratio = picture.width / scatter.size.width;
  const [px, py] = scatter.viewport.position(row);
  const size = Math.max(1, Math.round(side * ratio));
  const data = picture.getContext('2d').getImageData(px * ratio - size / 2, py * ratio - size / 2, size, size).data;
  const sum = [0, 0, 0, 0];
  for (let at = 0; at < data.length; at++) sum[at % 4] += data[at];
  return sum.map((value) => Math.round(4 * value / data.length));
}
function inked(canvas) {
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  let count = 0;
  for (let at = 3; at < data.length; at += 4) if (data[at] > 0) count++;
  return count;
}
const loseContext = () => {
  const extension = host.querySelectorAll('canvas')[1].getContext('webgl2').getExtension('WEBGL_lose_context');
  extension.loseContext();
  return extension;
};
Object.assign(window, {...module, events, log, lattice, color, inked, loseContext});
Object.assign(window, {host: document.getElementById('host'), loaded: true});
"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        return


@pytest.fixture(scope="module")
def page_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("scatter")
    entry = folder / "entry.js"
    entry.write_text(SCRIPT.replace("%s", repr(str(JS / "src/scatter/index.ts")), 1))
    command = [JS / "node_modules/.bin/esbuild", entry, "--bundle", "--format=esm", f"--outfile={folder / 'page.js'}"]
    subprocess.run([str(part) for part in command], check=True, capture_output=True)
    (folder / "index.html").write_text(HTML)
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/index.html"
    server.shutdown()
    server.server_close()


Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, page_url: str) -> Iterator[Open]:
    """A fresh page with the module's names on `window`; fails the test on any error in the page."""
    contexts, errors = [], []

    def open_it(**options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 800, "height": 700}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(page_url)
        page.wait_for_function("window.loaded")
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert errors == []


GRID = """async ({columns = 7, rows = 5, options = {}} = {}) => {
  const data = lattice(columns, rows);
  Object.assign(window, data);
  window.flags = new Uint8Array(data.x.length);
  window.scatter = new Scatter(host, events(), options);
  scatter.setPoints(data.x, data.y);
  scatter.setFlags(flags);
  await scatter.settled();
}"""


def close_to(actual: list[int], expected: tuple[int, int, int], within: int = 40) -> bool:
    return all(abs(a - b) <= within for a, b in zip(actual[:3], expected, strict=True))


@pytest.mark.parametrize("renderer", ["auto", "canvas2d"])
def test_points_are_drawn_in_their_colors_and_hidden_ones_are_not(open_page: Open, renderer: str) -> None:
    page = open_page()
    page.evaluate(GRID, {"options": {"renderer": renderer}})
    page.evaluate("() => scatter.setCategories(Uint8Array.from(x, (_, row) => row % 2), ['#ff0000', '#0000ff'])")
    assert close_to(page.evaluate("() => color(scatter, 10)"), (255, 0, 0))
    assert close_to(page.evaluate("() => color(scatter, 11)"), (0, 0, 255))
    page.evaluate("() => { flags[10] = FLAG.HIDDEN; flags[12] = FLAG.MUTED; scatter.flagsChanged([10, 12]) }")
    assert page.evaluate("() => [color(scatter, 10)[3], color(scatter, 12)[3]]") == [0, 0]
    assert page.evaluate("() => color(scatter, 11)[3]") > 150
    assert page.evaluate("() => scatter.debug.renderer") == ("webgl2" if renderer == "auto" else "canvas2d")


def test_numbers_are_drawn_along_viridis_and_missing_ones_gray(open_page: Open) -> None:
    page = open_page()
    page.evaluate(GRID, {})
    page.evaluate("() => scatter.setValues(Float32Array.from(x, (_, row) => row === 3 ? NaN : row), [0, 34])")
    low, high = page.evaluate("() => [color(scatter, 0), color(scatter, x.length - 1)]")
    assert close_to(low, (68, 1, 84), 60)
    assert close_to(high, (253, 231, 37), 60)
    gray = page.evaluate("() => color(scatter, 3)")
    assert max(gray[:3]) - min(gray[:3]) < 40


def test_marks_stand_out_and_the_rest_steps_back(open_page: Open) -> None:
    page = open_page()
    page.evaluate(GRID, {})
    plain, other = page.evaluate("() => [color(scatter, 10, 12), color(scatter, 20, 12)]")
    page.evaluate("() => { flags[10] |= FLAG.A; scatter.flagsChanged([10]) }")
    marked, dimmed = page.evaluate("() => [color(scatter, 10, 12), color(scatter, 20, 12)]")
    assert marked[3] > plain[3] * 1.3, "larger and stronger than before"
    assert dimmed[3] < other[3] * 0.7, "fainter than before"
    page.evaluate("() => { flags[10] = 0; scatter.flagsChanged([10]) }")
    assert page.evaluate("() => color(scatter, 20, 12)") == other


def test_only_a_only_b_and_both_differ_in_shape(open_page: Open) -> None:
    """Told apart by what they cover at three places around their middle, color left aside."""
    page = open_page(device_scale_factor=3)
    page.evaluate(GRID, {})
    page.evaluate("""() => { flags[8] = FLAG.A; flags[10] = FLAG.B; flags[12] = FLAG.A | FLAG.B;
      scatter.flagsChanged([8, 10, 12]) }""")
    covered = page.evaluate("""() => {
      const picture = scatter.picture(), ratio = picture.width / scatter.size.width;
      const context = picture.getContext('2d');
      return [8, 10, 12].map((row) => {
        const [px, py] = scatter.viewport.position(row);
        return [[4.5, 4.5], [6.1, 0], [3.75, 3.75]].map(([dx, dy]) =>
          context.getImageData((px + dx) * ratio, (py + dy) * ratio, 1, 1).data[3] > 128);
      });
    }""")
    disc, diamond, square = [False, False, True], [False, True, False], [True, False, True]
    assert covered == [disc, diamond, square]


def test_a_new_sample_uploads_kilobytes_and_redraws_no_base(open_page: Open) -> None:
    page = open_page()
    page.evaluate(GRID, {"columns": 500, "rows": 400})
    before = page.evaluate("() => ({...scatter.debug})")
    after = page.evaluate("""async () => {
      const rows = Array.from({length: 1000}, (_, index) => index * 199);
      for (const row of rows) flags[row] |= FLAG.A;
      scatter.flagsChanged(rows);
      await scatter.settled();
      return {...scatter.debug};
    }""")
    assert after["uploaded"] - before["uploaded"] < 20_000
    assert after["marked"] == 1000
    assert after["frames"] == before["frames"] + 1


def test_nothing_is_drawn_at_rest(open_page: Open) -> None:
    page = open_page()
    page.evaluate(GRID, {})
    frames = page.evaluate("""async () => {
      const frame = () => new Promise(requestAnimationFrame);
      for (let i = 0; i < 5; i++) await frame();
      const before = scatter.debug.frames;
      let asked = 0;
      const original = window.requestAnimationFrame;
      window.requestAnimationFrame = (work) => { asked++; return original(work) };
      await new Promise((resolve) => setTimeout(resolve, 300));
      window.requestAnimationFrame = original;
      return [scatter.debug.frames - before, asked];
    }""")
    assert frames == [0, 0]


def names(page: Page) -> list[str]:
    return [entry[0] for entry in page.evaluate("() => log")]


def last(page: Page, name: str) -> Any:
    return page.evaluate("(name) => log.filter((entry) => entry[0] === name).at(-1)", name)


@pytest.mark.parametrize(("keys", "op"), [([], "replace"), (["Shift"], "add"), (["Alt"], "remove")])
@pytest.mark.parametrize("mode", ["lasso", "rect"])
def test_an_area_holds_the_points_it_was_drawn_around(open_page: Open, mode: str, keys: list[str], op: str) -> None:
    page = open_page()
    page.evaluate(GRID, {})
    page.evaluate("(mode) => { scatter.mode = mode }", mode)
    (left, top), (right, bottom) = page.evaluate("() => [scatter.viewport.position(15), scatter.viewport.position(10)]")
    outline = [(left - 9, top - 9), (right + 9, top - 9), (right + 9, bottom + 9), (left - 9, bottom + 9)]
    for key in keys:
        page.keyboard.down(key)
    page.mouse.move(*outline[0])
    page.mouse.down()
    for corner in outline[1:] if mode == "lasso" else [outline[2]]:
        page.mouse.move(*corner, steps=6)
    page.mouse.up()
    for key in keys:
        page.keyboard.up(key)
    _, polygon, actual = last(page, "area")
    assert actual == op
    x, y = (np.array(page.evaluate(f"() => [...{axis}]"), dtype=np.float32) for axis in "xy")
    inside = Lasso(x, y).inside(np.array(polygon, dtype=np.float32).reshape(-1, 2))
    assert np.flatnonzero(inside).tolist() == [8, 9, 10, 15, 16, 17]
    assert "click" not in names(page)


def test_shift_drag_draws_a_lasso_without_a_mode_and_escape_gives_it_up(open_page: Open) -> None:
    page = open_page()
    page.evaluate(GRID, {})
    view = page.evaluate("() => scatter.viewport.box")
    page.keyboard.down("Shift")
    for escape in (True, False):
        page.mouse.move(100, 100)
        page.mouse.down()
        page.mouse.move(300, 120, steps=4)
        page.mouse.move(200, 300, steps=4)
        if escape:
            page.keyboard.press("Escape")
        page.mouse.up()
    assert names(page).count("area") == 1
    assert last(page, "area")[2] == "add"
    assert page.evaluate("() => scatter.viewport.box") == view


def test_hover_and_click_name_the_point_and_marks_come_first(open_page: Open) -> None:
    page = open_page()
    page.evaluate(GRID, {})
    place = page.evaluate("() => scatter.viewport.position(17)")
    page.mouse.move(place[0] + 3, place[1] - 2)
    page.wait_for_function("() => log.some((entry) => entry[0] === 'hover' && entry[1] === 17)")
    page.mouse.click(place[0] + 3, place[1] - 2)
    assert last(page, "click")[1:] == [17, {"shift": False, "alt": False}]
    page.mouse.move(place[0] + 40, place[1] + 40)
    page.wait_for_function("() => log.findLast((entry) => entry[0] === 'hover')[1] === null")
    page.mouse.click(place[0] + 40, place[1] + 40)
    assert last(page, "click")[1] is None
    page.evaluate("() => { flags[17] = FLAG.HIDDEN; scatter.flagsChanged([17]) }")
    assert page.evaluate("([px, py]) => scatter.nearest(px, py)", place) is None


def test_drag_pans_and_tells_and_a_double_click_zooms_in(open_page: Open) -> None:
    page = open_page(reduced_motion="reduce")
    page.evaluate(GRID, {})
    before = page.evaluate("() => scatter.viewport.box")
    start = page.evaluate("() => scatter.viewport.position(0)")
    page.mouse.move(300, 200)
    page.mouse.down()
    page.mouse.move(350, 180, steps=5)
    page.mouse.up()
    assert page.evaluate("() => scatter.viewport.position(0)") == pytest.approx(
        [start[0] + 50, start[1] - 20], abs=0.01
    )
    # The last move is told in the frame after it.
    page.wait_for_function(
        "() => JSON.stringify(log.findLast(([name]) => name === 'view')?.[1]) === JSON.stringify(scatter.viewport.box)"
    )
    assert "click" not in names(page)
    page.mouse.dblclick(300, 200)
    page.wait_for_function(
        "(span) => scatter.viewport.box[2] - scatter.viewport.box[0] < span * 0.6", arg=before[2] - before[0]
    )


def test_a_moved_picture_with_its_new_strips_is_the_picture_drawn_anew(open_page: Open) -> None:
    page = open_page()
    page.evaluate(
        """async () => {
          const data = {x: new Float32Array(20000), y: new Float32Array(20000)};
          let state = 1;
          const next = () => (state = (state * 16807) % 2147483647) / 2147483647;
          for (let row = 0; row < 20000; row++) { data.x[row] = next() ** 2; data.y[row] = next() }
          window.copies = 0;
          const {blitFramebuffer} = WebGL2RenderingContext.prototype;
          WebGL2RenderingContext.prototype.blitFramebuffer = function (...args) {
            copies++;
            return blitFramebuffer.apply(this, args);
          };
          window.flags = new Uint8Array(20000);
          window.scatter = new Scatter(host, {});
          scatter.setPoints(data.x, data.y);
          window.codes = Uint8Array.from(data.x, (_, row) => row % 3);
          window.colors = ['#e69f00', '#56b4e9', '#009e73'];
          scatter.setCategories(codes, colors);
          scatter.setFlags(flags);
          scatter.viewport.zoomBy(2);
          await new Promise((resolve) => setTimeout(resolve, 500));
          await scatter.settled();
        }"""
    )
    moves = [(37, 0), (-90, 0), (0, 55), (0, -81), (64, -33), (-150, 120), (400, 10), (-11, -7)]
    for turn, (dx, dy) in enumerate(moves):
        page.mouse.move(300, 200)
        page.mouse.down()
        page.mouse.move(300 + dx, 200 + dy, steps=3)
        page.mouse.up()
        differing = page.evaluate(
            """async () => {
              const opacity = () => {
                const picture = scatter.picture();
                const {data} = picture.getContext('2d').getImageData(0, 0, picture.width, picture.height);
                return data.filter((_, at) => at % 4 === 3);
              };
              await scatter.settled();
              const moved = opacity();
              scatter.setCategories(codes, colors);
              const anew = opacity();
              const gaps = moved.map((value, at) => Math.abs(value - anew[at])).sort();
              return [gaps.filter((gap) => gap > 3).length, gaps.at(-1), new Set(anew).size];
            }"""
        )
        many, most, levels = differing
        # Rounded, a dot here and there lies a sixteenth of a pixel further.
        assert many < 100, f"{many} pixels differ after a move by {dx}, {dy}"
        assert most < 25
        assert levels > 50, "nothing was drawn"
        if turn == 3:
            page.evaluate("async () => { flags.fill(1, 0, 9000); scatter.flagsChanged(); await scatter.settled() }")
    assert page.evaluate("copies") >= len(moves)


def test_the_wheel_scrolls_the_page_until_the_plot_has_focus(open_page: Open) -> None:
    page = open_page(reduced_motion="reduce")
    page.evaluate("() => { document.body.style.height = '3000px' }")
    page.evaluate(GRID, {})
    before = page.evaluate("() => scatter.viewport.box")
    page.mouse.move(300, 200)
    page.mouse.wheel(0, 100)
    page.wait_for_function("() => scrollY > 0")
    assert page.evaluate("() => scatter.viewport.box") == before
    page.evaluate("() => { scrollTo(0, 0); host.querySelector('[role=application]').focus() }")
    page.mouse.wheel(0, -200)
    page.wait_for_function(
        "(span) => scatter.viewport.box[2] - scatter.viewport.box[0] < span", arg=before[2] - before[0]
    )
    assert page.evaluate("() => scrollY") == 0
    page.evaluate("() => { document.activeElement.blur(); scatter.viewport.show(null) }")
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.wait_for_function(
        "(span) => scatter.viewport.box[2] - scatter.viewport.box[0] < span", arg=before[2] - before[0]
    )


def test_two_fingers_zoom_even_where_one_draws_a_lasso(open_page: Open) -> None:
    page = open_page(has_touch=True)
    page.evaluate(GRID, {})
    page.evaluate("() => { scatter.mode = 'lasso' }")
    before = page.evaluate("() => scatter.viewport.box")
    session = page.context.new_cdp_session(page)

    def touch(kind: str, *places: tuple[int, int]) -> None:
        points = [{"x": x, "y": y, "id": index} for index, (x, y) in enumerate(places)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (280, 200), (320, 200))
    for far in (30, 45, 60, 80):
        touch("touchMove", (300 - far, 200), (300 + far, 200))
    touch("touchEnd")
    span = before[2] - before[0]
    page.wait_for_function("(span) => scatter.viewport.box[2] - scatter.viewport.box[0] < span / 2", arg=span)
    assert "area" not in names(page)
    for kind, *place in (("touchStart", 100, 100), ("touchMove", 300, 110), ("touchMove", 200, 300)):
        touch(kind, (place[0], place[1]))
    touch("touchEnd")
    page.wait_for_function("() => log.some((entry) => entry[0] === 'area')")


def test_the_same_points_again_leave_the_view_alone(open_page: Open) -> None:
    page = open_page()
    page.evaluate(GRID, {})
    page.evaluate("() => scatter.viewport.show([1, 1, 2, 2])")
    before = page.evaluate("() => scatter.viewport.box")
    page.evaluate("() => scatter.setPoints(x.slice(), y.slice())")
    assert page.evaluate("() => scatter.viewport.box") == pytest.approx(before)
    page.evaluate("() => scatter.setPoints(x.map((value) => 2 * value), y)")
    assert page.evaluate("() => scatter.viewport.box")[2] > 12, "other points are all shown"


def test_the_keyboard_moves_zooms_and_resets_and_passes_the_rest_on(open_page: Open) -> None:
    page = open_page(reduced_motion="reduce")
    page.evaluate(GRID, {})
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.getAttribute('role')") == "application"
    start = page.evaluate("() => scatter.viewport.box")
    page.keyboard.press("ArrowRight")
    moved = page.evaluate("() => scatter.viewport.box")
    assert moved[0] > start[0]
    assert moved[1] == pytest.approx(start[1])
    page.keyboard.press("ArrowUp")
    assert page.evaluate("() => scatter.viewport.box")[1] > start[1]
    page.keyboard.press("+")
    page.keyboard.press("+")
    zoomed = page.evaluate("() => scatter.viewport.box")
    assert zoomed[2] - zoomed[0] < (start[2] - start[0]) / 2
    page.keyboard.press("-")
    page.keyboard.press("0")
    assert page.evaluate("() => scatter.viewport.box") == pytest.approx(start)
    page.evaluate("""() => { window.passed = []; addEventListener('keydown', (event) => passed.push(event.key)) }""")
    for key in ("n", "x", "ArrowLeft"):
        page.keyboard.press(key)
    assert page.evaluate("() => passed") == ["x"], "what the plot or its owner used stays with the plot"


def test_a_view_set_by_the_program_is_shown_and_not_told(open_page: Open) -> None:
    page = open_page()
    page.evaluate(GRID, {})
    page.evaluate("async () => { scatter.viewport.show([1, 1, 2, 1.5]); await scatter.settled() }")
    x0, y0, x1, y1 = page.evaluate("() => scatter.viewport.box")
    assert x0 <= 1.001
    assert y0 <= 1.001
    assert x1 >= 1.999
    assert y1 >= 1.499
    assert "view" not in names(page)
    page.evaluate("() => scatter.viewport.show([0, 0, 1, 1], true)")
    page.wait_for_function("() => Math.abs(scatter.viewport.box[1]) < 0.01")
    assert "view" not in names(page)
    page.evaluate("() => scatter.focusPoint(34)")
    page.wait_for_function(
        "() => { const [a, b, c, d] = scatter.viewport.box; return a < 6 && b < 4 && c > 6 && d > 4 }"
    )


def test_a_glide_ends_where_it_was_meant_to_whatever_changes_meanwhile(open_page: Open) -> None:
    page = open_page()
    page.evaluate(GRID, {})
    page.evaluate("async () => { scatter.viewport.show([0, 0, 2, 1]); await scatter.settled() }")
    page.evaluate("""async () => {
      scatter.focusPoint(34, 100);
      const before = scatter.viewport.box[0];
      while (scatter.viewport.box[0] === before) await new Promise(requestAnimationFrame);
      scatter.viewport.setInset(120);
      await scatter.settled();
    }""")
    px, py = page.evaluate("() => scatter.viewport.position(34)")
    size = page.evaluate("() => scatter.size")
    assert (px, py) == pytest.approx(((size["width"] - 100) / 2, size["height"] / 2), abs=20), (
        "the middle of what is free"
    )
    page.evaluate("() => scatter.focusPoint(34, 100)")
    assert page.evaluate("() => scatter.viewport.position(34)") == [px, py], "what can be seen is left where it is"


def test_points_glide_to_their_new_places(open_page: Open) -> None:
    page = open_page()
    page.evaluate(GRID, {})
    frames = page.evaluate("""async () => {
      const before = scatter.debug.frames;
      scatter.setPoints(x.map((value) => 6 - value), y.slice(), true);
      await scatter.settled();
      return scatter.debug.frames - before;
    }""")
    assert frames >= 3
    assert page.evaluate("() => color(scatter, 0)[3]") > 150
    page.emulate_media(reduced_motion="reduce")
    frames = page.evaluate("""async () => {
      const before = scatter.debug.frames;
      scatter.setPoints(x, y, true);
      await scatter.settled();
      return scatter.debug.frames - before;
    }""")
    assert frames == 1


def test_a_lost_context_comes_back(open_page: Open) -> None:
    page = open_page()
    page.evaluate(GRID, {})
    page.evaluate("() => { flags[10] = FLAG.A; scatter.flagsChanged([10]) }")
    before = page.evaluate("() => inked(scatter.picture())")
    page.evaluate("() => { window.extension = loseContext() }")
    page.wait_for_function("() => scatter.debug.contextLost === 1")
    page.evaluate("() => extension.restoreContext()")
    page.wait_for_function("() => scatter.debug.settled && host.querySelectorAll('canvas')[1].width > 0")
    assert page.evaluate("() => inked(scatter.picture())") == before
    # And where no one restores it, a new one is made.
    page.evaluate("() => void loseContext()")
    page.wait_for_function("(ink) => scatter.debug.contextLost === 2 && inked(scatter.picture()) === ink", arg=before)


def test_twenty_plots_on_one_page_all_show_their_points(open_page: Open) -> None:
    page = open_page(viewport={"width": 1100, "height": 1100})
    shown = page.evaluate("""async () => {
      host.remove();
      document.body.style.cssText = 'margin:0;display:grid;grid-template-columns:repeat(5, 200px);gap:10px';
      const data = lattice(7, 5);
      window.plots = Array.from({length: 20}, () => {
        const element = document.createElement('div');
        element.style.cssText = 'width:200px;height:180px';
        document.body.append(element);
        const plot = new Scatter(element, {});
        plot.setPoints(data.x, data.y);
        return plot;
      });
      await Promise.all(plots.map((plot) => plot.settled()));
      const visible = (canvas) => canvas.style.display !== 'none' && canvas.width > 0;
      return [...document.body.querySelectorAll(':scope > div')]
        .map((element) => [...element.querySelectorAll('canvas')].slice(0, -1).filter(visible).length);
    }""")
    assert shown == [1] * 20, "each shows its living canvas or its last picture"
    assert page.evaluate("() => plots.map((plot) => plot.debug.contextLost)") == [0] * 20
    image = page.screenshot(path=None)
    ink = page.evaluate(
        """async (base64) => {
          const bitmap = await createImageBitmap(await (await fetch('data:image/png;base64,' + base64)).blob());
          const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
          const context = canvas.getContext('2d');
          context.drawImage(bitmap, 0, 0);
          return Array.from({length: 20}, (_, index) => {
            const data = context.getImageData((index % 5) * 210, Math.floor(index / 5) * 190, 200, 180).data;
            let count = 0;
            for (let at = 0; at < data.length; at += 4) if (data[at] < 200) count++;
            return count;
          });
        }""",
        base64.b64encode(image).decode(),
    )
    assert min(ink) > 100, ink


def test_out_of_view_the_context_is_given_back_and_in_view_it_draws_again(open_page: Open) -> None:
    page = open_page()
    page.evaluate("() => { document.body.style.height = '5000px' }")
    page.evaluate(GRID, {})
    page.evaluate("() => scrollTo(0, 3000)")
    living = "() => [...host.querySelectorAll('canvas')].slice(1, -1).length"
    page.wait_for_function(f"() => ({living})() === 0")
    page.evaluate("() => { flags[10] = FLAG.A; scatter.flagsChanged([10]); scrollTo(0, 0) }")
    page.wait_for_function(f"() => ({living})() === 1 && scatter.debug.marked === 1")
    assert page.evaluate("() => color(scatter, 10)[3]") > 200


def test_it_follows_its_cell_and_ignores_being_folded(open_page: Open) -> None:
    page = open_page(device_scale_factor=2)
    page.evaluate(GRID, {})
    middle = page.evaluate("() => { const [a, b, c, d] = scatter.viewport.box; return [(a + c) / 2, (b + d) / 2] }")
    page.evaluate("() => { host.style.width = '700px'; host.style.height = '300px' }")
    page.wait_for_function("() => scatter.debug.settled && scatter.size.width === 700")
    assert page.evaluate("() => scatter.picture().width") == 1400
    view = page.evaluate("() => scatter.viewport.box")
    assert [(view[0] + view[2]) / 2, (view[1] + view[3]) / 2] == pytest.approx(middle)
    page.evaluate("async () => { host.style.height = '20px'; await new Promise(requestAnimationFrame) }")
    page.evaluate("() => new Promise((resolve) => setTimeout(resolve, 50))")
    assert page.evaluate("() => scatter.size") == {"width": 700, "height": 300}
    page.evaluate("() => { host.style.width = '9000px'; host.style.height = '6000px' }")
    page.wait_for_function("() => scatter.size.width === 9000")
    width, height = page.evaluate("() => { const p = scatter.picture(); return [p.width, p.height] }")
    assert width * height <= 3840 * 2160 * 1.001


def test_a_plot_filled_while_it_has_no_size_shows_what_was_asked_once_it_has(open_page: Open) -> None:
    page = open_page()
    page.evaluate("() => { host.style.display = 'none' }")
    page.evaluate(GRID, {})
    page.evaluate("() => scatter.viewport.show([1, 1, 2, 2])")
    assert page.evaluate("() => scatter.debug.frames") == 0
    page.evaluate("() => { host.style.display = '' }")
    page.wait_for_function("() => scatter.debug.frames > 0")
    x0, y0, x1, y1 = page.evaluate("() => scatter.viewport.box")
    assert (y0, y1) == pytest.approx((1, 2))
    assert x0 < 1 < 2 < x1
    page.evaluate("() => scatter.viewport.show(null)")
    assert page.evaluate("() => color(scatter, 0)[3]") > 150


def test_without_webgl2_a_plainer_plot_says_so(open_page: Open) -> None:
    page = open_page()
    page.evaluate("""() => {
      const original = HTMLCanvasElement.prototype.getContext;
      HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
        return kind.startsWith('webgl') ? null : original.call(this, kind, ...rest);
      };
    }""")
    page.evaluate(GRID, {"columns": 500, "rows": 500})
    _, kind, note = last(page, "renderer")
    assert kind == "canvas2d"
    assert "WebGL2" in note
    assert "250,000" in note
    page.evaluate("() => { flags[1000] = FLAG.A; scatter.flagsChanged([1000]) }")
    assert page.evaluate("() => color(scatter, 1000)[3]") > 200
    assert page.evaluate("() => scatter.debug.drawn") >= 80_000


@pytest.mark.parametrize(("columns", "rows"), [(200, 150), (800, 500)], ids=["as marks", "in the base layer"])
def test_a_large_selection_keeps_its_colors_and_the_rest_steps_back(open_page: Open, columns: int, rows: int) -> None:
    page = open_page()
    page.evaluate(GRID, {"columns": columns, "rows": rows})
    selected, rest = page.evaluate(
        """async ([columns, rows]) => {
          for (let row = 0; row < columns * rows / 2; row++) flags[row] |= FLAG.SELECTED;
          scatter.flagsChanged();
          await scatter.settled();
          const at = (share) => color(scatter, Math.round(share * rows) * columns + columns / 2, 20);
          return [at(0.375), at(0.75)];
        }""",
        [columns, rows],
    )
    assert selected[3] > rest[3] * 1.5


def test_overlays_are_painted_and_follow_the_theme(open_page: Open) -> None:
    page = open_page()
    page.evaluate(GRID, {})
    surface = "() => inked(host.querySelector('[role=application]'))"
    assert page.evaluate(surface) == 0
    for overlay, empty in (
        ("{contours: true}", "{contours: false}"),
        ("{labels: [{text: 'zebra', x: 3, y: 2, count: 9}, {text: 'ox', x: 3.1, y: 2, count: 1}]}", "{labels: []}"),
        ("{neighbors: {point: 3, points: [10, 12, 30]}}", "{neighbors: null}"),
    ):
        page.evaluate(f"async () => {{ scatter.setOverlay({overlay}); await scatter.settled() }}")
        assert page.evaluate(surface) > 100, overlay
        page.evaluate(f"async () => {{ scatter.setOverlay({empty}); await scatter.settled() }}")
        assert page.evaluate(surface) == 0, empty
    page.evaluate("async () => { scatter.setOrder([3, 9]); await scatter.settled() }")
    assert page.evaluate(surface) > 10
    light = page.evaluate("() => color(scatter, 3)")
    page.evaluate("() => { document.body.style.setProperty('--jp-layout-color0', '#111111') }")
    page.wait_for_function("(light) => color(scatter, 3)[2] !== light[2]", arg=light)


def test_destroy_leaves_nothing_behind(open_page: Open) -> None:
    page = open_page()
    counted = page.evaluate("""async () => {
      const all = new Set();
      const {addEventListener, removeEventListener} = EventTarget.prototype;
      const find = (self, type, work) =>
        [...all].find((one) => one.self === self && one.type === type && one.work === work);
      EventTarget.prototype.addEventListener = function (type, work, options) {
        const entry = {self: this, type, work};
        all.add(entry);
        if (options?.signal) addEventListener.call(options.signal, 'abort', () => all.delete(entry));
        return addEventListener.call(this, type, work, options);
      };
      EventTarget.prototype.removeEventListener = function (type, work, options) {
        all.delete(find(this, type, work));
        return removeEventListener.call(this, type, work, options);
      };
      const lasting = ({self}) => !(self instanceof Node) || self.isConnected;
      const listening = () => [...all].filter(lasting).length;
      const data = lattice(30, 30);
      let open = 0;
      for (let round = 0; round < 30; round++) {
        const plot = new Scatter(host, {});
        plot.setPoints(data.x, data.y);
        await plot.settled();
        open += listening();
        plot.destroy();
      }
      await new Promise(requestAnimationFrame);
      return [open, listening(), host.childElementCount];
    }""")
    assert counted[0] > 0
    assert counted[1:] == [0, 0]
