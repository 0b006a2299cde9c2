/** The part of the map that is visible, as the program asks for it; gestures and keys move it through `Navigation`. */
import { bounds, toScreen } from "./camera";
import type { Navigation } from "./navigation";
import type { PlotData } from "./plot-data";
import type { Stage } from "./stage";
import type { Box } from "./types";

/** How near the edge a revealed point may lie, in CSS pixels. */
const EDGE = 36;
/** Around points that are shown, as a share of what they take. */
const ROOM = 0.08;
const within = (at: number, length: number) => Math.max(Math.min(EDGE, length / 2), Math.min(length - EDGE, at));

export class Viewport {
  constructor(
    private readonly stage: Stage,
    private readonly navigation: Navigation,
    private readonly data: PlotData,
    private readonly changed: () => void,
  ) {}

  /** The visible data box. */
  get box(): Box {
    return this.navigation.visible;
  }

  show(box: Box | null, animate = false): void {
    this.navigation.show(box, animate);
  }

  /** Something, the legend say, covers that many CSS pixels at the left: the whole map keeps clear of them. */
  setInset(left: number): void {
    if (left === this.navigation.inset) return;
    this.navigation.inset = left;
    this.navigation.refit();
    this.changed();
  }

  reset(): void {
    this.navigation.show(null, true, true);
  }

  /** How many points lie outside of the opening view. */
  get outside(): number {
    return this.data.outside;
  }

  /** All points, those far out too. */
  showAll(): void {
    this.navigation.show(this.data.box, true, true);
  }

  /** Shows some points, with room around them. */
  showPoints(points: Iterable<number>): void {
    const { x, y } = this.data.scene;
    const some = [...points].filter((point) => Number.isFinite(x[point] + y[point]));
    if (some.length === 0) return;
    const [x0, y0, x1, y1] = bounds(
      Float32Array.from(some, (point) => x[point]),
      Float32Array.from(some, (point) => y[point]),
    );
    const [dx, dy] = [ROOM * (x1 - x0), ROOM * (y1 - y0)];
    this.navigation.show([x0 - dx, y0 - dy, x1 + dx, y1 + dy], true, true);
  }

  zoomBy(factor: number): void {
    this.navigation.by(factor);
  }

  /** Moves no farther than a point needs to be seen; `covered` CSS pixels at the right are under something. */
  reveal(point: number, covered = 0): void {
    const { x, y } = this.data.scene;
    const { width, height } = this.stage.size;
    if (width === 0 || !Number.isFinite(x[point] + y[point])) return;
    const [px, py] = this.position(point);
    const free = width - covered;
    const dx = within(px, free) - px;
    const dy = within(py, height) - py;
    if (Math.abs(dx) > free / 2 || Math.abs(dy) > height / 2) this.navigation.center(x[point], y[point], 1, covered);
    else if (dx !== 0 || dy !== 0) this.navigation.pan(dx, dy);
  }

  /** Takes back what `reveal` moved, unless the user has moved on. */
  unreveal(): void {
    this.navigation.back();
  }

  /** Where a point is, in CSS pixels from the plot's top left. */
  position(point: number): [number, number] {
    const { x, y } = this.data.scene;
    return toScreen(this.navigation.view, x[point], y[point]);
  }
}
