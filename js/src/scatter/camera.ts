/** From data to the screen and back: pure functions, no DOM. */
import type { Box } from "./types";

/** CSS pixel = data × s + t, on each axis; sy < 0 because y points up in the data. */
export interface Affine {
  sx: number;
  sy: number;
  tx: number;
  ty: number;
}

/** As d3-zoom keeps it: screen = fitted × k + (x, y). */
export interface Zoom {
  k: number;
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

/** The box around all finite points; a unit box where there are none, and never without extent. */
export function bounds(x: Float32Array, y: Float32Array): Box {
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let point = 0; point < x.length; point++) {
    const px = x[point];
    const py = y[point];
    if (!(Math.abs(px) < Infinity && Math.abs(py) < Infinity)) continue;
    if (px < x0) x0 = px;
    if (px > x1) x1 = px;
    if (py < y0) y0 = py;
    if (py > y1) y1 = py;
  }
  if (x0 > x1) return [-1, -1, 1, 1];
  const half = Math.max(x1 - x0, y1 - y0) / 2 || Math.max(Math.abs(x0), Math.abs(y0), 1) / 2;
  if (x1 === x0) [x0, x1] = [x0 - half, x1 + half];
  if (y1 === y0) [y0, y1] = [y0 - half, y1 + half];
  return [x0, y0, x1, y1];
}

/** Of the points along one axis, this share at each end may lie outside the opening view. */
const TAIL = 0.005;
/** So much longer than what the others take must an axis be for its outliers to be left out. */
const STRETCHED = 1.6;
const MARGIN = 0.08;
const QUANTILE_POINTS = 1 << 15;

/** Both ends of what all but the outliers take of an axis. */
function middleOf(values: Float32Array, low: number, high: number): [number, number] {
  const step = Math.max(1, Math.floor(values.length / QUANTILE_POINTS));
  const some: number[] = [];
  for (let at = 0; at < values.length; at += step) if (Math.abs(values[at]) < Infinity) some.push(values[at]);
  if (some.length === 0) return [low, high];
  const sorted = Float32Array.from(some).sort();
  const tail = Math.floor(TAIL * sorted.length);
  const [from, to] = [sorted[tail], sorted[sorted.length - 1 - tail]];
  if (!(high - low > STRETCHED * (to - from)) || to <= from) return [low, high];
  const margin = MARGIN * (to - from);
  return [Math.max(low, from - margin), Math.min(high, to + margin)];
}

/** The box that the opening view shows: at least 98 % of the points, and all where none lies far out. */
export function openingBox(x: Float32Array, y: Float32Array, all: Box): Box {
  const [x0, x1] = middleOf(x, all[0], all[2]);
  const [y0, y1] = middleOf(y, all[1], all[3]);
  return [x0, y0, x1, y1];
}

/** How many points lie outside of a box. */
export function countOutside(x: Float32Array, y: Float32Array, [x0, y0, x1, y1]: Box): number {
  let outside = 0;
  for (let point = 0; point < x.length; point++) {
    const [px, py] = [x[point], y[point]];
    if (px < x0 || px > x1 || py < y0 || py > y1) outside++;
  }
  return outside;
}

/** The whole box in the middle of what is free right of `left` pixels, one scale for both axes. */
export function fit(box: Box, { width, height }: Size, padding: number, left = 0): Affine {
  const room = (length: number) => Math.max(length - 2 * padding, length / 2);
  const scale = Math.min(room(width - left) / (box[2] - box[0]), room(height) / (box[3] - box[1]));
  return {
    sx: scale,
    sy: -scale,
    tx: (width + left) / 2 - (scale * (box[0] + box[2])) / 2,
    ty: height / 2 + (scale * (box[1] + box[3])) / 2,
  };
}

export function compose(base: Affine, zoom: Zoom): Affine {
  return {
    sx: base.sx * zoom.k,
    sy: base.sy * zoom.k,
    tx: base.tx * zoom.k + zoom.x,
    ty: base.ty * zoom.k + zoom.y,
  };
}

export const toScreen = (a: Affine, x: number, y: number): [number, number] => [x * a.sx + a.tx, y * a.sy + a.ty];
export const toData = (a: Affine, px: number, py: number): [number, number] => [(px - a.tx) / a.sx, (py - a.ty) / a.sy];

export function visibleBox(a: Affine, { width, height }: Size): Box {
  const [x0, y1] = toData(a, 0, 0);
  const [x1, y0] = toData(a, width, height);
  return [x0, y0, x1, y1];
}

/** The zoom that shows the whole of `box`, in the middle, as large as it goes within `limits`. */
export function zoomTo(box: Box, base: Affine, size: Size, limits: readonly [number, number]): Zoom {
  const spanX = Math.max(box[2] - box[0], 1e-30) * base.sx;
  const spanY = Math.max(box[3] - box[1], 1e-30) * -base.sy;
  const k = Math.min(limits[1], Math.max(limits[0], Math.min(size.width / spanX, size.height / spanY)));
  return centerd((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, k, base, size);
}

/** The zoom of strength `k` with the data point (x, y) in the middle. */
export function centerd(x: number, y: number, k: number, base: Affine, size: Size): Zoom {
  const [px, py] = toScreen(base, x, y);
  return { k, x: size.width / 2 - k * px, y: size.height / 2 - k * py };
}

/** Clip space = (data − center) × scale; the subtraction comes first so that float32 stays exact at deep zoom. */
export interface ClipView {
  cx: number;
  cy: number;
  sx: number;
  sy: number;
}

export function clipView(a: Affine, size: Size): ClipView {
  const [cx, cy] = toData(a, size.width / 2, size.height / 2);
  return {
    cx: Math.fround(cx),
    cy: Math.fround(cy),
    sx: (2 * a.sx) / size.width,
    sy: (-2 * a.sy) / size.height,
  };
}
