/** The plot's own vocabulary. Positions are in data coordinates (y up) unless a name says CSS pixels (y down). */

/** x0, y0, x1, y1 with x0 ≤ x1 and y0 ≤ y1. */
export type Box = [number, number, number, number];

export type Mode = "pan" | "lasso" | "rect";
export type AreaOp = "replace" | "add" | "remove";
export type RendererKind = "webgl2" | "canvas2d";

export interface ScatterEvents {
  /** The user moved the view, null for all of it (never for `setView`, so that linked plots do not echo each other). */
  view(box: Box | null): void;
  /** The point under the pointer, with its place in CSS pixels from the plot's top left. */
  hover(point: number | null, x: number, y: number): void;
  click(point: number | null, event: { shift: boolean; alt: boolean }): void;
  /** A lasso or rectangle: x0 y0 x1 y1 …, closed, to be filled by the non-zero winding rule. */
  area(polygon: Float32Array<ArrayBuffer>, op: AreaOp): void;
  /** A key pressed in the plot; true = handled, so that the plot does nothing of its own. */
  key(event: KeyboardEvent): boolean;
  /** Which renderer draws, and what to tell the user about it. */
  renderer(kind: RendererKind, note: string | null): void;
}

export interface ScatterOptions {
  renderer?: "auto" | "canvas2d";
}

export interface Label {
  text: string;
  x: number;
  y: number;
  count: number;
}

export interface Neighbors {
  point: number;
  points: ArrayLike<number>;
}

export interface Overlays {
  contours?: boolean;
  labels?: readonly Label[];
  neighbors?: Neighbors | null;
  /** Rows to mark, say because a search found them, the best first. */
  found?: ArrayLike<number>;
  /** A point to ring that the pointer here is not on: hovered in another view, a linked plot, Python. */
  pointed?: number | null;
}

/** What tests and benchmarks may look at. */
export interface Debug {
  /** Frames that drew something. */
  frames: number;
  /** Points of the base layer that the last whole picture went through. */
  drawn: number;
  /** Marked points drawn on top. */
  marked: number;
  contextLost: number;
  /** Bytes of color and state sent to the GPU since the start. */
  uploaded: number;
  /** No refinement is outstanding: what is on screen is all there is. */
  settled: boolean;
  renderer: RendererKind | null;
}
