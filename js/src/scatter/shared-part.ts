/** What two views of the same points have in common, where one is the other moved by whole pixels. */
import type { Affine, Size } from "./camera";

/** Of a pixel: moves by less than this from whole pixels leave no seam. */
const WHOLE = 1e-6;

/** Pixels: left, bottom, right, top. */
export type Kept = readonly [number, number, number, number];

export interface SharedPart {
  /** Where it is now. */
  kept: Kept;
  /** How far it has moved. */
  right: number;
  up: number;
}

/** null where nothing can be kept exactly, or less than half, which is not worth the while. */
export function sharedPart(
  before: Affine,
  now: Affine,
  dot: number,
  size: Size,
  [width, height]: readonly [number, number],
): SharedPart | null {
  const ratio = width / size.width;
  const [dx, dy] = [(now.tx - before.tx) * ratio, (before.ty - now.ty) * ratio];
  const [right, up] = [Math.round(dx), Math.round(dy)];
  if (Math.abs(dx - right) > WHOLE || Math.abs(dy - up) > WHOLE) return null;
  // A GPU may drop points whose center is out of view: half their dots are missing at the edges of a picture.
  const edge = Math.ceil(dot * ratio * 0.5 + 1);
  const along = (by: number, length: number) =>
    by > 0 ? [by + edge, length] : by < 0 ? [0, length + by - edge] : [0, length];
  const [[x0, x1], [y0, y1]] = [along(right, width), along(up, height)];
  if (x1 <= x0 || y1 <= y0 || (x1 - x0) * (y1 - y0) * 2 < width * height) return null;
  return { kept: [x0, y0, x1, y1], right, up };
}
