/** Which points a lasso holds, worked out in the page as `lightly_widget/maps/lasso.py` does: non-zero winding. */

export interface Plane {
  x: Float32Array;
  y: Float32Array;
}

/** `corners`: x0 y0 x1 y1 …, closed from the last to the first. A boundary is half open. */
export function inside({ x, y }: Plane, corners: Float32Array): Uint8Array {
  const held = new Uint8Array(x.length);
  const box = boundsOf(corners);
  for (let point = 0; point < x.length; point++) {
    const [px, py] = [x[point], y[point]];
    if (px >= box[0] && px <= box[2] && py >= box[1] && py <= box[3]) held[point] = winds(corners, px, py) ? 1 : 0;
  }
  return held;
}

function winds(corners: Float32Array, px: number, py: number): boolean {
  let winding = 0;
  for (let at = 0, before = corners.length - 2; at < corners.length; before = at, at += 2) {
    const [x0, y0, x1, y1] = [corners[before], corners[before + 1], corners[at], corners[at + 1]];
    const side = (x1 - x0) * (py - y0) - (px - x0) * (y1 - y0);
    if (y0 <= y1) winding += py >= y0 && py < y1 && side > 0 ? 1 : 0;
    else winding -= py >= y1 && py < y0 && side < 0 ? 1 : 0;
  }
  return winding !== 0;
}

function boundsOf(corners: Float32Array): [number, number, number, number] {
  const box: [number, number, number, number] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let at = 0; at < corners.length; at += 2) {
    box[0] = Math.min(box[0], corners[at]);
    box[1] = Math.min(box[1], corners[at + 1]);
    box[2] = Math.max(box[2], corners[at]);
    box[3] = Math.max(box[3], corners[at + 1]);
  }
  return box;
}

/** What is selected after some points were chosen. */
export function combined(before: Uint8Array, chosen: Uint8Array, op: "replace" | "add" | "remove"): Uint8Array {
  return before.map((was, point) => {
    if (op === "add") return was | chosen[point];
    return op === "remove" ? was & ~chosen[point] : chosen[point];
  });
}

/** One bit per point, least significant first. */
export function packed(held: Uint8Array): Uint8Array<ArrayBuffer> {
  const bits = new Uint8Array(Math.ceil(held.length / 8));
  for (let point = 0; point < held.length; point++) bits[point >> 3] |= held[point] << (point & 7);
  return bits;
}
