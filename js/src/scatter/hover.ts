/** Which point the pointer is on, as it moves and as the points move under it. */
import { toData } from "./camera";
import type { Navigation } from "./navigation";
import { Picking } from "./picking";
import type { PlotData } from "./plot-data";

/** How near the pointer must come, in CSS pixels. */
const REACH = 12;

interface Parts {
  data: PlotData;
  navigation: Navigation;
  /** Diameter of a mark in CSS pixels. */
  markSize(): number;
  later(work: () => void): void;
  /** The pointer is on another point now. */
  changed(point: number | null): void;
}

export class Hover {
  private point: number | null = null;
  private place: [number, number] | null = null;
  private readonly picking: Picking;

  constructor(private readonly parts: Parts) {
    this.picking = new Picking((work) => parts.later(work));
  }

  /** The pointer is at a place in CSS pixels, or has left; `update` finds the point. */
  pointAt(place: [number, number] | null): void {
    this.picking.prepare(this.parts.data.scene, this.parts.data.box);
    this.place = place;
    if (place === null) this.change(null);
  }

  update(): void {
    if (this.place !== null) this.change(this.nearest(...this.place));
  }

  /** The visible point within reach of a place in CSS pixels; marked points first, as they lie on top. */
  nearest(px: number, py: number): number | null {
    const { view } = this.parts.navigation;
    const markReach = this.parts.markSize() / 2 + 2;
    const [x, y] = toData(view, px, py);
    return this.picking.nearest(this.parts.data.scene, x, y, REACH / view.sx, markReach / view.sx);
  }

  /** The points are others, or elsewhere; with `others`, no point means what it did. */
  forget(others: boolean): void {
    this.picking.forget();
    if (others) this.point = null;
  }

  private change(point: number | null): void {
    if (point === this.point) return;
    this.point = point;
    this.parts.changed(point);
  }
}
