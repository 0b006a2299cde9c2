import assert from "node:assert/strict";
import { test } from "node:test";
import { appearanceOf, markSize, occupiedShare } from "../src/scatter/appearance";
import { bounds, centerd, clipView, compose, fit, toData, toScreen, visibleBox, zoomTo } from "../src/scatter/camera";
import { pixelRatio } from "../src/scatter/scene";
import type { Box } from "../src/scatter/types";

const size = { width: 640, height: 360 };
const box: Box = [-3, 10, 5, 12];
const base = fit(box, size, 20);
const close = (actual: number, expected: number, within = 1e-6) =>
  assert.ok(Math.abs(actual - expected) <= within, `${actual} is not ${expected}`);

test("fit shows the whole box in the middle, undistorted, y up", () => {
  close(base.sx, -base.sy);
  const [left, bottom] = toScreen(base, box[0], box[1]);
  const [right, top] = toScreen(base, box[2], box[3]);
  close(left, 20);
  close(right, 620);
  close((top + bottom) / 2, 180);
  assert.ok(top < bottom);
});

test("screen and data are inverse, at any zoom", () => {
  const view = compose(base, { k: 37.5, x: -812, y: 44 });
  for (const [x, y] of [
    [-3, 10],
    [0.125, 11.5],
    [1e3, -1e3],
  ]) {
    const [backX, backY] = toData(view, ...toScreen(view, x, y));
    close(backX, x, 1e-9 * Math.max(1, Math.abs(x)));
    close(backY, y, 1e-9 * Math.max(1, Math.abs(y)));
  }
});

test("zooming to a box shows all of it and no more than it must", () => {
  const wanted: Box = [0, 10.5, 1, 10.75];
  const shown = visibleBox(compose(base, zoomTo(wanted, base, size, [0.5, 4000])), size);
  assert.ok(shown[0] <= wanted[0] + 1e-9 && shown[1] <= wanted[1] + 1e-9);
  assert.ok(shown[2] >= wanted[2] - 1e-9 && shown[3] >= wanted[3] - 1e-9);
  const tight = Math.min((shown[2] - shown[0]) / 1, (shown[3] - shown[1]) / 0.25);
  close(tight, 1, 1e-9);
});

test("zooming to what is visible changes nothing, so linked plots do not drift", () => {
  const zoom = { k: 3.25, x: -410, y: -133 };
  const again = zoomTo(visibleBox(compose(base, zoom), size), base, size, [0.5, 4000]);
  close(again.k, zoom.k, 1e-9);
  close(again.x, zoom.x, 1e-6);
  close(again.y, zoom.y, 1e-6);
});

test("zoom stays within its limits", () => {
  assert.equal(zoomTo([0, 0, 1e-12, 1e-12], base, size, [0.5, 4000]).k, 4000);
  assert.equal(zoomTo([-1e9, -1e9, 1e9, 1e9], base, size, [0.5, 4000]).k, 0.5);
});

test("centerd puts the point in the middle", () => {
  const [px, py] = toScreen(compose(base, centerd(4, 11, 9, base, size)), 4, 11);
  close(px, 320);
  close(py, 180);
});

test("clip space is where the shader puts a point", () => {
  const view = compose(base, { k: 2, x: -100, y: 30 });
  const clip = clipView(view, size);
  const [px, py] = toScreen(view, 1, 11);
  close((1 - clip.cx) * clip.sx, (2 * px) / size.width - 1, 1e-5);
  close((11 - clip.cy) * clip.sy, 1 - (2 * py) / size.height, 1e-5);
});

test("bounds leave out what has no place, and never lack extent", () => {
  const { NaN: nan } = Number;
  assert.deepEqual(bounds(Float32Array.of(nan, 1, 3, Infinity), Float32Array.of(9, 2, 8, 1)), [1, 2, 3, 8]);
  assert.deepEqual(bounds(new Float32Array(0), new Float32Array(0)), [-1, -1, 1, 1]);
  for (const [x, y] of [
    [[5], [5]],
    [
      [0, 0],
      [1, 2],
    ],
    [[0], [0]],
  ]) {
    const [x0, y0, x1, y1] = bounds(Float32Array.from(x), Float32Array.from(y));
    assert.ok(x1 > x0 && y1 > y0);
  }
});

test("dots shrink and fade as points are added, and grow and clear as one zooms in", () => {
  const looks = [100, 1_000, 10_000, 100_000, 1_000_000, 5_000_000].map((n) => appearanceOf(n, 100_000, 1));
  for (let index = 1; index < looks.length; index++) {
    assert.ok(looks[index].size <= looks[index - 1].size);
    assert.ok(looks[index].opacity <= looks[index - 1].opacity);
  }
  const zooms = [1, 2, 8, 64, 512].map((zoom) => appearanceOf(1_000_000, 100_000, zoom));
  for (let index = 1; index < zooms.length; index++) {
    assert.ok(zooms[index].size >= zooms[index - 1].size && zooms[index].opacity >= zooms[index - 1].opacity);
  }
  for (const { size: dot, opacity } of [...looks, ...zooms]) {
    assert.ok(dot >= 1.5 && dot <= 14 && opacity > 0.1 && opacity <= 0.9);
  }
});

test("marks stay larger than the dots, however many and however near", () => {
  for (const n of [10, 1_000, 100_000]) {
    for (const count of [1, 100, 10_000]) {
      for (const zoom of [1, 10, 300]) {
        const { size: dot } = appearanceOf(n, 100_000, zoom);
        assert.ok(markSize(count, dot, zoom) > dot);
      }
    }
  }
});

test("a few tight clusters count as crowded", () => {
  const even = Float32Array.from({ length: 10_000 }, (_, row) => (row % 100) / 100);
  const other = Float32Array.from({ length: 10_000 }, (_, row) => Math.floor(row / 100) / 100);
  const tight = even.map((value, row) => (row === 0 ? 1 : value * 0.1));
  assert.ok(occupiedShare(even, other, [0, 0, 1, 1]) > 0.8);
  assert.ok(
    occupiedShare(
      tight,
      other.map((value) => value * 0.1),
      [0, 0, 1, 1],
    ) < 0.05,
  );
});

test("the backing store follows the screen's density up to a cap", () => {
  assert.equal(pixelRatio(size, 2), 2);
  assert.equal(pixelRatio(size, 1), 1);
  assert.ok(pixelRatio({ width: 8000, height: 4000 }, 3) ** 2 * 8000 * 4000 <= 3840 * 2160 + 1);
});

test("what the legend covers stays free of the fitted box, which is then in the middle of the rest", () => {
  const wide = fit([0, 0, 10, 10], { width: 1000, height: 400 }, 20, 300);
  const left = 0 * wide.sx + wide.tx;
  const right = 10 * wide.sx + wide.tx;
  assert.ok(left >= 320);
  assert.ok(Math.abs(left - 300 - (1000 - right)) < 1e-9);
});
