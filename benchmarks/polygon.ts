/** Which points a lasso holds, worked out in the page as the plot compared with does; in use the kernel does it. */
import { bounds } from "../js/src/scatter/camera";

function crossing(px: number, py: number, polygon: ArrayLike<number>, edge: number): number {
  const next = edge + 2 === polygon.length ? 0 : edge + 2;
  const x0 = polygon[edge];
  const y0 = polygon[edge + 1];
  const y1 = polygon[next + 1];
  if (y0 <= py === y1 <= py) return 0;
  const side = (polygon[next] - x0) * (py - y0) - (px - x0) * (y1 - y0);
  if (y0 <= py) return side > 0 ? 1 : 0;
  return side < 0 ? -1 : 0;
}

/** The rows inside, ascending. `skip` is a mask of flags: rows with any of these bits set are left out. */
export function pointsInPolygon(
  x: Float32Array,
  y: Float32Array,
  polygon: Float32Array,
  flags: Uint8Array | null = null,
  skip = 0,
): Uint32Array {
  if (polygon.length < 6) return new Uint32Array(0);
  const [x0, y0, x1, y1] = polygonBox(polygon);
  const slabs = slabsOf(polygon, y0, y1);
  const perUnit = slabs.length / (y1 - y0 || 1);
  const found = new Uint32Array(x.length);
  let count = 0;
  for (let row = 0; row < x.length; row++) {
    const px = x[row];
    const py = y[row];
    if (!(px >= x0 && px <= x1 && py >= y0 && py <= y1) || (flags !== null && flags[row] & skip)) continue;
    const slab = slabs[Math.min(slabs.length - 1, Math.floor((py - y0) * perUnit))];
    let winding = 0;
    for (let index = 0; index < slab.length; index++) winding += crossing(px, py, polygon, slab[index]);
    if (winding !== 0) found[count++] = row;
  }
  return found.slice(0, count);
}

function polygonBox(polygon: Float32Array): [number, number, number, number] {
  const half = polygon.length / 2;
  const xs = Float32Array.from({ length: half }, (_, index) => polygon[2 * index]);
  const ys = Float32Array.from({ length: half }, (_, index) => polygon[2 * index + 1]);
  return bounds(xs, ys);
}

/** Only edges that reach into a point's horizontal slab can be crossed: a lasso of 500 corners costs as much as one of 10. */
function slabsOf(polygon: Float32Array, y0: number, y1: number): Uint32Array[] {
  const count = Math.min(1024, Math.max(1, polygon.length));
  const lists: number[][] = Array.from({ length: count }, () => []);
  const perUnit = count / (y1 - y0 || 1);
  const slabOf = (value: number) => Math.min(count - 1, Math.max(0, Math.floor((value - y0) * perUnit)));
  for (let edge = 0; edge < polygon.length; edge += 2) {
    const a = polygon[edge + 1];
    const b = polygon[edge + 2 === polygon.length ? 1 : edge + 3];
    if (!(Math.abs(a) < Infinity && Math.abs(b) < Infinity)) continue;
    const last = slabOf(Math.max(a, b));
    for (let slab = slabOf(Math.min(a, b)); slab <= last; slab++) lists[slab].push(edge);
  }
  return lists.map((list) => Uint32Array.from(list));
}
