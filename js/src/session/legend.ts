/** Points per category: of all, of those the filter lets through, of the shown picks. */
import type { MessageOf } from "../protocol";

export interface LegendCounts {
  all: number[];
  filtered: number[];
  sample: number[];
}

interface Categories {
  scale: MessageOf<"colors">["scale"];
  values: ArrayLike<number> | null;
  categories: { count: number }[];
}

/** Empty for numbers. */
export function countLegend(
  { scale, values, categories }: Categories,
  filter: Uint8Array | null,
  shown: Uint32Array,
): LegendCounts {
  const codes = scale === "category" ? values : null;
  const all = categories.map((category) => category.count);
  if (codes === null) return { all, filtered: all, sample: all.map(() => 0) };
  const sample = new Array<number>(256).fill(0);
  for (const point of shown) sample[codes[point]]++;
  const some = sample.slice(0, all.length);
  return { all, filtered: filter === null ? all : countFiltered(codes, filter).slice(0, all.length), sample: some };
}

// Slow for a million points, and the same for every move of the slider: kept for the last pair of arrays.
let last: { codes: ArrayLike<number>; filter: Uint8Array; counts: number[] } | null = null;

function countFiltered(codes: ArrayLike<number>, filter: Uint8Array): number[] {
  if (last?.codes === codes && last.filter === filter) return last.counts;
  const counts = new Array<number>(256).fill(0);
  for (let point = 0; point < codes.length; point++) {
    if ((filter[point >> 3] >> (point & 7)) & 1) counts[codes[point]]++;
  }
  last = { codes, filter, counts };
  return counts;
}
