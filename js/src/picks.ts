/** Picks in order, their counts by category, and a small cache: the plain data work of the store. */
import type { Colors } from "./state";

export interface Picks {
  /** In pick order. */
  rows: Uint32Array;
  gains: Float32Array;
}

export const NO_PICKS: Picks = { rows: new Uint32Array(0), gains: new Float32Array(0) };

/**
 * The picks with `rows` at `offset`. Grown in place where there is room, so that a stream costs its length once;
 * a new buffer for a new sample, so that `a.buffer === b.buffer` means that both begin alike.
 */
export function appendPicks(before: Picks, offset: number, rows: Uint32Array, gains: Float32Array): Picks {
  const length = offset + rows.length;
  const atEnd = offset === before.rows.length && offset > 0;
  if (atEnd && before.rows.buffer.byteLength >= length * 4) {
    const grown = {
      rows: new Uint32Array(before.rows.buffer, 0, length),
      gains: new Float32Array(before.gains.buffer, 0, length),
    };
    grown.rows.set(rows, offset);
    grown.gains.set(gains, offset);
    return grown;
  }
  const room = Math.max(256, length * 2);
  const grown = { rows: new Uint32Array(room), gains: new Float32Array(room) };
  grown.rows.set(before.rows.subarray(0, offset));
  grown.gains.set(before.gains.subarray(0, offset));
  grown.rows.set(rows, offset);
  grown.gains.set(gains, offset);
  return { rows: grown.rows.subarray(0, length), gains: grown.gains.subarray(0, length) };
}

/** The pick's place (from 1) by row; NaN for rows that are no picks. */
export function ranks(rows: Uint32Array, nSamples: number): Float32Array {
  const values = new Float32Array(nSamples).fill(Number.NaN);
  rows.forEach((row, index) => {
    values[row] = index + 1;
  });
  return values;
}

export interface LegendCounts {
  all: number[];
  filtered: number[];
  sample: number[];
}

/** Rows per category: of all, of those the filter lets through, of the shown picks. Empty for numbers. */
export function countLegend(colors: Colors, filter: Uint8Array | null, shown: Uint32Array): LegendCounts {
  const codes = colors.scale === "category" ? colors.values : null;
  const all = colors.categories.map((category) => category.count);
  if (codes === null) return { all, filtered: all, sample: all.map(() => 0) };
  const sample = new Array<number>(256).fill(0);
  for (const row of shown) sample[codes[row]]++;
  const some = sample.slice(0, all.length);
  return { all, filtered: filter === null ? all : countFiltered(codes, filter).slice(0, all.length), sample: some };
}

// Slow for a million rows, and the same for every move of the slider: kept for the last pair of arrays.
let last: { codes: ArrayLike<number>; filter: Uint8Array; counts: number[] } | null = null;

function countFiltered(codes: ArrayLike<number>, filter: Uint8Array): number[] {
  if (last?.codes === codes && last.filter === filter) return last.counts;
  const counts = new Array<number>(256).fill(0);
  for (let row = 0; row < codes.length; row++) {
    if ((filter[row >> 3] >> (row & 7)) & 1) counts[codes[row]]++;
  }
  last = { codes, filter, counts };
  return counts;
}

/** Keeps the `limit` most recently used values. A promise that fails is forgotten, so that it can be tried again. */
export class Cache<K, V extends Promise<unknown>> {
  private readonly values = new Map<K, V>();

  constructor(private readonly limit: number) {}

  has(key: K): boolean {
    return this.values.has(key);
  }

  get(key: K, make: () => V): V {
    const value = this.values.get(key) ?? make();
    this.values.delete(key);
    this.values.set(key, value);
    if (this.values.size > this.limit) this.values.delete(this.values.keys().next().value as K);
    value.catch(() => this.values.get(key) === value && this.values.delete(key));
    return value;
  }

  clear(): void {
    this.values.clear();
  }
}

export function joined(first: Uint32Array, second: Uint32Array): Uint32Array {
  const both = new Uint32Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

/** Whether two values of plain data (typed arrays as well) are equal, whatever the order of their keys. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    return a.length === b.length && a.every((value, index) => value === b[index]);
  }
  const keys = Object.keys(a);
  if (Array.isArray(a) !== Array.isArray(b) || keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => same((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]));
}
