/** Which point is under the pointer. */
import { Grid, nearestByScan } from "./grid";
import { UNSEEN } from "./marks";
import type { Scene } from "./scene";
import type { Box } from "./types";

/** More marks than this are not searched one by one before the rest. */
const MARKS_FIRST = 20_000;

export class Picking {
  private grid: Grid | null = null;

  /** `later` runs a slice of work after the next frame had its turn. */
  constructor(private readonly later: (work: () => void) => void) {}

  forget(): void {
    this.grid = null;
  }

  /** Builds the index in slices, once; until it is there, a scan answers. */
  prepare(scene: Scene, box: Box): void {
    if (this.grid !== null) return;
    const grid = new Grid(scene.x, scene.y, box);
    this.grid = grid;
    const work = grid.build();
    const slice = () => {
      if (this.grid === grid && !work.next().done) this.later(slice);
    };
    this.later(slice);
  }

  /** The visible point nearest to (dx, dy) within `reach`; a mark within `markReach` comes first, as it lies on top. */
  nearest(scene: Scene, dx: number, dy: number, reach: number, markReach: number): number | null {
    const marked = nearestMark(scene, dx, dy, markReach);
    if (marked !== null || scene.marks.visible === 0) return marked;
    const { x, y, flags } = scene;
    const accept = (point: number) => (flags[point] & UNSEEN) === 0;
    if (this.grid?.ready) return this.grid.nearest(dx, dy, reach, accept);
    return nearestByScan(x, y, dx, dy, reach, accept);
  }
}

function nearestMark({ x, y, marks }: Scene, dx: number, dy: number, reach: number): number | null {
  if (marks.points.length > MARKS_FIRST) return null;
  let best: number | null = null;
  let bestSquare = reach * reach;
  for (const point of marks.points) {
    const square = (x[point] - dx) ** 2 + (y[point] - dy) ** 2;
    if (square <= bestSquare) [best, bestSquare] = [point, square];
  }
  return best;
}
