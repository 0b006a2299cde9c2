import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { FLAG } from "../src/flags";
import { pointInPolygon, pointsInPolygon } from "../src/scatter/polygon";

interface Case {
  name: string;
  polygon: number[];
  points: number[];
  inside: (0 | 1)[];
}
const { cases } = JSON.parse(readFileSync("../tests/fixtures/polygons.json", "utf8")) as { cases: Case[] };

const columns = (points: number[]) => ({
  x: Float32Array.from({ length: points.length / 2 }, (_, index) => points[2 * index]),
  y: Float32Array.from({ length: points.length / 2 }, (_, index) => points[2 * index + 1]),
});

for (const { name, polygon, points, inside } of cases) {
  test(`polygon fixture: ${name}`, () => {
    const { x, y } = columns(points);
    const outline = Float32Array.from(polygon);
    assert.deepEqual(
      inside.map((_, row) => Number(pointInPolygon(x[row], y[row], outline))),
      inside,
    );
    const rows = inside.flatMap((value, row) => (value ? [row] : []));
    assert.deepEqual([...pointsInPolygon(x, y, outline)], rows);
  });
}

test("the slabs change nothing: a lasso of many corners over many points", () => {
  const random = (seed: number) => () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    return (seed >>> 0) / 2 ** 32;
  };
  const next = random(5);
  const x = Float32Array.from({ length: 4000 }, () => 2 * next() - 1);
  const y = Float32Array.from({ length: 4000 }, () => 2 * next() - 1);
  const polygon = Float32Array.from({ length: 600 }, () => 1.8 * next() - 0.9);
  const expected = Array.from(x.keys()).filter((row) => pointInPolygon(x[row], y[row], polygon));
  assert.ok(expected.length > 100 && expected.length < 3900);
  assert.deepEqual([...pointsInPolygon(x, y, polygon)], expected);
});

test("hidden and muted points and points without a place are left out", () => {
  const x = Float32Array.of(0.5, 0.5, 0.5, Number.NaN, 0.4);
  const y = Float32Array.of(0.5, 0.5, 0.5, 0.5, Number.NaN);
  const flags = Uint8Array.of(0, FLAG.HIDDEN, FLAG.MUTED | FLAG.SELECTED, 0, 0);
  const square = Float32Array.of(0, 0, 1, 0, 1, 1, 0, 1);
  assert.deepEqual([...pointsInPolygon(x, y, square, flags, FLAG.HIDDEN | FLAG.MUTED)], [0]);
  assert.deepEqual([...pointsInPolygon(x, y, square)], [0, 1, 2]);
});

test("fewer than three corners hold nothing", () => {
  assert.equal(pointsInPolygon(Float32Array.of(0), Float32Array.of(0), Float32Array.of(-1, -1, 1, 1)).length, 0);
});
