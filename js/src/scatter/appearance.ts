/** Size and opacity of the dots: from how crowded the plot is, growing as one zooms in. */
import type { Box } from "./types";

export interface Appearance {
  /** Diameter in CSS pixels. */
  size: number;
  opacity: number;
}

const MAX_SIZE = 13;
const SIDE = 64;
const SAMPLES = 1 << 15;

/**
 * The share of the box that the points really cover, 0 to 1: the participation ratio of a coarse histogram, so that a
 * few tight clusters count as crowded however large the box around them.
 */
export function occupiedShare(x: Float32Array, y: Float32Array, box: Box): number {
  const counts = new Float64Array(SIDE * SIDE);
  const step = Math.max(1, Math.floor(x.length / SAMPLES));
  const [perX, perY] = [SIDE / (box[2] - box[0]), SIDE / (box[3] - box[1])];
  let total = 0;
  for (let point = 0; point < x.length; point += step) {
    if (x[point] < box[0] || x[point] > box[2] || y[point] < box[1] || y[point] > box[3]) continue;
    const column = Math.min(SIDE - 1, ((x[point] - box[0]) * perX) | 0);
    const line = Math.min(SIDE - 1, ((y[point] - box[1]) * perY) | 0);
    counts[line * SIDE + column]++;
    total++;
  }
  const squares = counts.reduce((sum, count) => sum + (count / Math.max(total, 1)) ** 2, 0);
  return squares === 0 ? 1 : Math.min(1, Math.max(0.01, 1 / squares / counts.length));
}

/** `area` is what the points cover at zoom 1, in CSS pixels squared. */
export function appearanceOf(points: number, area: number, zoom: number): Appearance {
  const perPoint = area / Math.max(points, 1);
  const fitted = Math.sqrt(perPoint) * 1.3;
  const start = Math.min(8, Math.max(1.7, fitted));
  const size = Math.min(Math.max(MAX_SIZE, start), start * Math.max(1, zoom) ** 0.42);
  const crowding = (size * size) / (perPoint * Math.max(1, zoom) ** 2);
  return { size, opacity: Math.min(0.88, Math.max(0.16, 0.95 / Math.max(1, crowding) ** 0.45)) };
}

/** Diameter of a mark among `count` marks, in CSS pixels: never lost among the dots, never a carpet. */
export function markSize(count: number, dot: number, zoom: number): number {
  const roomy = 11 - 2.2 * Math.log10(Math.max(1, count / 60));
  return Math.min(16, Math.max(dot + 1.2, Math.min(11, Math.max(3.6, roomy)) * Math.max(1, zoom) ** 0.12));
}
