import assert from "node:assert/strict";
import { test } from "node:test";
import { FLAG } from "../src/flags";
import { bounds } from "../src/scatter/camera";
import { density, levels } from "../src/scatter/contours";
import { Grid, nearestByScan } from "../src/scatter/grid";
import { Marks, ROLE, roleOf } from "../src/scatter/marks";

function points(n: number, clustered: boolean) {
  let state = 9;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
  const at = () => (clustered ? next() ** 6 * 5 : 10 * next() - 3);
  return { x: Float32Array.from({ length: n }, at), y: Float32Array.from({ length: n }, at), next };
}

for (const clustered of [false, true]) {
  test(`the grid finds what a scan finds, ${clustered ? "clustered" : "even"}`, () => {
    const { x, y, next } = points(6000, clustered);
    x[17] = Number.NaN;
    const grid = new Grid(x, y, bounds(x, y));
    for (const _ of grid.build()) assert.equal(grid.ready, false);
    const odd = (row: number) => row % 2 === 1;
    let found = 0;
    for (let trial = 0; trial < 300; trial++) {
      const [px, py, radius] = [12 * next() - 4, 12 * next() - 4, next()];
      for (const accept of [() => true, odd]) {
        const expected = nearestByScan(x, y, px, py, radius, accept);
        const actual = grid.nearest(px, py, radius, accept);
        const distance = (row: number | null) => (row === null ? Infinity : Math.hypot(x[row] - px, y[row] - py));
        assert.equal(distance(actual), distance(expected));
        if (actual !== null) found++;
      }
    }
    assert.ok(found > 100);
  });
}

test("a grid over one point, and over points in one place", () => {
  for (const n of [1, 50]) {
    const x = new Float32Array(n).fill(2);
    const grid = new Grid(x, x, bounds(x, x));
    for (const _ of grid.build());
    assert.notEqual(
      grid.nearest(2.01, 2, 0.1, () => true),
      null,
    );
    assert.equal(
      grid.nearest(3, 2, 0.1, () => true),
      null,
    );
  }
});

test("only what changed is sent", () => {
  const flags = new Uint8Array(100_000);
  const marks = new Marks(flags);
  flags[5] = flags[7] = flags[90_000] = FLAG.A;
  assert.deepEqual(marks.update([90_000, 5, 7, 30]), {
    ranges: [
      [5, 8],
      [90_000, 90_001],
    ],
    visibility: false,
  });
  assert.deepEqual([...marks.points], [5, 7, 90_000]);
  assert.deepEqual(marks.update().ranges, []);
  flags[40] = FLAG.HIDDEN;
  assert.deepEqual(marks.update(), { ranges: [[40, 41]], visibility: true });
  assert.equal(marks.visible, 99_999);
});

test("a sample of 1,000 in a million costs kilobytes", () => {
  const flags = new Uint8Array(1_000_000);
  const marks = new Marks(flags);
  for (let row = 0; row < flags.length; row += 1000) flags[row] = FLAG.A;
  const { ranges } = marks.update();
  const sent = ranges.reduce((sum, [from, to]) => sum + to - from, 0) + marks.points.byteLength;
  assert.ok(sent < 10_000, `${sent} bytes`);
});

test("every byte changed is one range, and all ranges cover all changes", () => {
  const flags = new Uint8Array(50_000);
  const marks = new Marks(flags);
  flags.fill(FLAG.SELECTED);
  assert.deepEqual(marks.update().ranges, [[0, 50_000]]);
  for (let row = 0; row < flags.length; row += 37) flags[row] = 0;
  const { ranges } = marks.update();
  for (let row = 0; row < flags.length; row += 37) {
    assert.ok(ranges.some(([from, to]) => from <= row && row < to));
  }
});

test("hidden points are no marks; pins lie on top, then what both samples have", () => {
  const flags = Uint8Array.of(FLAG.PINNED, FLAG.A | FLAG.B, FLAG.A | FLAG.HIDDEN, FLAG.B, FLAG.A, FLAG.SELECTED);
  const marks = new Marks(flags);
  assert.deepEqual([...marks.points], [5, 3, 4, 1, 0]);
  assert.equal(roleOf(FLAG.A | FLAG.PINNED | FLAG.SELECTED), ROLE.PINNED);
  assert.equal(marks.highlight, true);
  assert.equal(new Marks(Uint8Array.of(0, FLAG.HIDDEN, FLAG.MUTED)).highlight, false);
});

test("density counts each visible point once and is highest where they are", () => {
  const { x, y } = points(5000, true);
  const flags = new Uint8Array(5000);
  flags.fill(FLAG.HIDDEN, 0, 1000);
  const field = density(x, y, flags, bounds(x, y));
  const sum = field.values.reduce((a, b) => a + b, 0);
  assert.ok(Math.abs(sum - 4000) < 400, `${sum}`);
  const peak = field.values.indexOf(field.values.reduce((a, b) => Math.max(a, b)));
  const [px, py] = [
    field.x0 + (peak % field.columns) * field.cell,
    field.y0 + Math.floor(peak / field.columns) * field.cell,
  ];
  assert.ok(px < 0.5 && py < 0.5);
  const steps = levels(field.values);
  assert.ok(steps.every((value, index) => index === 0 || value > steps[index - 1]));
  assert.deepEqual(levels(new Float64Array(9)), []);
});
