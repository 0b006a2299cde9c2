import assert from "node:assert/strict";
import { test } from "node:test";
import { interpolateViridis } from "d3-scale-chromatic";
import {
  appearances,
  categoryPalette,
  codesOfValues,
  contrast,
  lookupTable,
  MAX_CATEGORIES,
  NO_VALUE,
  OKABE_ITO,
  parseHex,
  viridisPalette,
  worstDistance,
} from "../src/scatter/palettes";

const closest = (colors: string[]) => {
  const seen = colors.map((hex) => appearances(parseHex(hex)));
  let least = Infinity;
  seen.forEach((a, index) => {
    for (const b of seen.slice(0, index)) least = Math.min(least, worstDistance(a, b));
  });
  return least;
};

test("up to eight categories are Okabe and Ito's, and longer palettes begin with shorter ones", () => {
  assert.deepEqual(categoryPalette(8), [...OKABE_ITO]);
  assert.deepEqual(categoryPalette(3), OKABE_ITO.slice(0, 3));
  assert.deepEqual(categoryPalette(0), []);
  const all = categoryPalette(MAX_CATEGORIES);
  assert.equal(new Set(all).size, MAX_CATEGORIES);
  for (const count of [9, 20, 100]) assert.deepEqual(categoryPalette(count), all.slice(0, count));
  assert.equal(categoryPalette(1000).length, MAX_CATEGORIES);
});

test("colors are told apart with normal sight and with each deficiency", () => {
  for (const [count, least] of [
    [8, 0.07],
    [20, 0.06],
    [60, 0.025],
  ]) {
    const distance = closest(categoryPalette(count));
    assert.ok(distance > least, `${count} colors: ${distance}`);
  }
});

test("no color vanishes on white or on black", () => {
  for (const hex of categoryPalette(MAX_CATEGORIES)) {
    assert.ok(contrast(parseHex(hex), [255, 255, 255]) > 1.25, hex);
    assert.ok(contrast(parseHex(hex), [17, 17, 17]) > 1.5, hex);
  }
});

test("numbers run along viridis, from dark to bright", () => {
  const palette = viridisPalette();
  assert.equal(palette.length, 255);
  for (let code = 0; code < 255; code++) assert.equal(palette[code], interpolateViridis(code / 254));
  assert.deepEqual([palette[0], palette[254]], ["#440154", "#fde725"]);
});

test("numbers become codes along the domain, the rest is clamped, NaN is no value", () => {
  const values = Float32Array.of(0, 5, 10, -3, 12, Number.NaN);
  assert.deepEqual([...codesOfValues(values, [0, 10])], [0, 127, 254, 0, 254, NO_VALUE]);
  assert.deepEqual([...codesOfValues(Float32Array.of(3, 3), [3, 3])], [0, 0]);
});

test("codes beyond the palette take the fallback color", () => {
  const table = lookupTable(["#102030"], [1, 2, 3]);
  assert.deepEqual([...table.slice(0, 8)], [0x10, 0x20, 0x30, 255, 1, 2, 3, 255]);
  assert.deepEqual([...table.slice(4 * NO_VALUE)], [1, 2, 3, 255]);
});

test("hex colors are read, others are gray", () => {
  assert.deepEqual(parseHex("#0af"), [0, 170, 255]);
  assert.deepEqual(parseHex("#0072B2"), [0, 114, 178]);
  for (const text of ["", "red", "#12345", "#gggggg", "url(x)"]) assert.deepEqual(parseHex(text), [128, 128, 128]);
});
