/** Lines of equal density over the visible points, as paths in data coordinates. */
import { contours } from "d3-contour";
import { UNSEEN } from "./marks";
import type { Box } from "./types";

export interface Contour {
  path: Path2D;
  /** 0 for the outermost level, 1 for the innermost. */
  height: number;
}

const SIDE = 144;
const LEVELS = 6;
const MARGIN = 0.06;

export interface Density {
  columns: number;
  rows: number;
  values: Float64Array;
  /** Data units per cell, and the data position of the grid's corner. */
  cell: number;
  x0: number;
  y0: number;
}

/** Counts on a grid over the box and a margin, smoothed by three box blurs (close to a Gaussian). */
export function density(x: Float32Array, y: Float32Array, flags: Uint8Array, box: Box): Density {
  const [width, height] = [box[2] - box[0], box[3] - box[1]];
  const longest = Math.max(width, height) * (1 + 2 * MARGIN);
  const cell = longest / SIDE;
  const [x0, y0] = [box[0] - MARGIN * longest, box[1] - MARGIN * longest];
  const columns = Math.ceil((width + 2 * MARGIN * longest) / cell) + 1;
  const rows = Math.ceil((height + 2 * MARGIN * longest) / cell) + 1;
  const values = new Float64Array(columns * rows);
  for (let point = 0; point < x.length; point++) {
    if (flags[point] & UNSEEN || !(Math.abs(x[point]) < Infinity && Math.abs(y[point]) < Infinity)) continue;
    values[Math.floor((y[point] - y0) / cell) * columns + Math.floor((x[point] - x0) / cell)]++;
  }
  const radius = x.length > 50_000 ? 1 : 2;
  for (let pass = 0; pass < 3; pass++) {
    blur(values, columns, rows, 1, columns, radius);
    blur(values, rows, columns, columns, 1, radius);
  }
  return { columns, rows, values, cell, x0, y0 };
}

/** A running mean along lines of `length` cells `stride` apart. */
function blur(values: Float64Array, length: number, lines: number, stride: number, lineStride: number, radius: number) {
  const line = new Float64Array(length);
  for (let index = 0; index < lines; index++) {
    const start = index * lineStride;
    for (let at = 0; at < length; at++) line[at] = values[start + at * stride];
    let sum = 0;
    for (let at = 0; at < radius; at++) sum += line[at] ?? 0;
    for (let at = 0; at < length; at++) {
      sum += (line[at + radius] ?? 0) - (line[at - radius - 1] ?? 0);
      values[start + at * stride] = sum / (2 * radius + 1);
    }
  }
}

/** Levels halve from one line to the next: densities of real maps span orders of magnitude. */
export function levels(values: Float64Array): number[] {
  const most = values.reduce((a, b) => Math.max(a, b), 0);
  return most > 0 ? Array.from({ length: LEVELS }, (_, index) => (0.8 * most) / 2 ** (LEVELS - 1 - index)) : [];
}

export function contourPaths(field: Density): Contour[] {
  const { columns, rows, values, cell, x0, y0 } = field;
  const thresholds = levels(values);
  const shapes = contours().size([columns, rows]).thresholds(thresholds)(values as unknown as number[]);
  return shapes.map((shape, level) => {
    const path = new Path2D();
    for (const polygon of shape.coordinates) {
      for (const ring of polygon) {
        for (const [index, [gx, gy]] of ring.entries()) {
          path[index === 0 ? "moveTo" : "lineTo"](x0 + gx * cell, y0 + gy * cell);
        }
        path.closePath();
      }
    }
    return { path, height: level / Math.max(1, shapes.length - 1) };
  });
}
