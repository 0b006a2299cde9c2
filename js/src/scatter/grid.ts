/** Nearest point under the pointer: a uniform grid, filled by counting in slices so that 5 million points never stall a frame. */
import type { Box } from "./types";

const POINTS_PER_CELL = 6;
const MAX_SIDE = 1536;
const SLICE = 1 << 18;

export class Grid {
  private readonly columns: number;
  private readonly rows: number;
  private readonly start: Uint32Array;
  private readonly ids: Uint32Array;
  private readonly cellsPerUnit: number;
  ready = false;

  constructor(
    private readonly x: Float32Array,
    private readonly y: Float32Array,
    private readonly box: Box,
  ) {
    const [width, height] = [box[2] - box[0], box[3] - box[1]];
    const cells = Math.max(1, x.length / POINTS_PER_CELL);
    const side = Math.max(Math.sqrt((width * height) / cells), Math.max(width, height) / MAX_SIDE);
    this.cellsPerUnit = 1 / side;
    this.columns = Math.floor(width / side) + 1;
    this.rows = Math.floor(height / side) + 1;
    this.start = new Uint32Array(this.columns * this.rows + 1);
    this.ids = new Uint32Array(x.length);
  }

  /** Each step is a slice of work of a few milliseconds; the grid is ready when the iteration ends. */
  *build(): Generator<void, void> {
    const { x, start, ids } = this;
    for (let from = 0; from < x.length; from += SLICE) {
      const to = Math.min(x.length, from + SLICE);
      for (let point = from; point < to; point++) start[this.cell(point) + 1]++;
      yield;
    }
    for (let cell = 1; cell < start.length; cell++) start[cell] += start[cell - 1];
    const next = start.slice();
    yield;
    for (let from = 0; from < x.length; from += SLICE) {
      const to = Math.min(x.length, from + SLICE);
      for (let point = from; point < to; point++) ids[next[this.cell(point)]++] = point;
      yield;
    }
    this.ready = true;
  }

  private cell(point: number): number {
    return this.row(this.y[point]) * this.columns + this.column(this.x[point]);
  }

  private column(x: number): number {
    return Math.min(this.columns - 1, Math.max(0, ((x - this.box[0]) * this.cellsPerUnit) | 0));
  }

  private row(y: number): number {
    return Math.min(this.rows - 1, Math.max(0, ((y - this.box[1]) * this.cellsPerUnit) | 0));
  }

  /** The point nearest to (px, py) within `radius` (data units) that `accept` lets through. */
  nearest(px: number, py: number, radius: number, accept: (point: number) => boolean): number | null {
    const { x, y, ids, start, columns } = this;
    let best: number | null = null;
    let bestSquare = radius * radius;
    const [left, right] = [this.column(px - radius), this.column(px + radius)];
    const [bottom, top] = [this.row(py - radius), this.row(py + radius)];
    for (let line = bottom; line <= top; line++) {
      const end = start[line * columns + right + 1];
      for (let index = start[line * columns + left]; index < end; index++) {
        const id = ids[index];
        const square = (x[id] - px) ** 2 + (y[id] - py) ** 2;
        if (square <= bestSquare && accept(id)) {
          bestSquare = square;
          best = id;
        }
      }
    }
    return best;
  }
}

/** The same answer without an index, for the moments before it is ready. */
export function nearestByScan(
  x: Float32Array,
  y: Float32Array,
  px: number,
  py: number,
  radius: number,
  accept: (point: number) => boolean,
): number | null {
  let best: number | null = null;
  let bestSquare = radius * radius;
  for (let point = 0; point < x.length; point++) {
    const square = (x[point] - px) ** 2 + (y[point] - py) ** 2;
    if (square <= bestSquare && accept(point)) {
      bestSquare = square;
      best = point;
    }
  }
  return best;
}
