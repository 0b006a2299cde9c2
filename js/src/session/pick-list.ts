/** Picks in order with their gains: plain data, grown as a sample streams in. */
export interface PickList {
  /** In pick order. */
  points: Uint32Array;
  gains: Float32Array;
}

export const NO_PICKS: PickList = { points: new Uint32Array(0), gains: new Float32Array(0) };

/**
 * The picks with `points` at `offset`. Grown in place where there is room, so that a stream costs its length once;
 * a new buffer for a new sample, so that `a.buffer === b.buffer` means that both begin alike.
 */
export function appendPicks(before: PickList, offset: number, points: Uint32Array, gains: Float32Array): PickList {
  const length = offset + points.length;
  const atEnd = offset === before.points.length && offset > 0;
  if (atEnd && before.points.buffer.byteLength >= length * 4) {
    const grown = {
      points: new Uint32Array(before.points.buffer, 0, length),
      gains: new Float32Array(before.gains.buffer, 0, length),
    };
    grown.points.set(points, offset);
    grown.gains.set(gains, offset);
    return grown;
  }
  const room = Math.max(256, length * 2);
  const grown = { points: new Uint32Array(room), gains: new Float32Array(room) };
  grown.points.set(before.points.subarray(0, offset));
  grown.gains.set(before.gains.subarray(0, offset));
  grown.points.set(points, offset);
  grown.gains.set(gains, offset);
  return { points: grown.points.subarray(0, length), gains: grown.gains.subarray(0, length) };
}

/** The place in pick order (from 1) by point; NaN for points that are not picked. */
export function ranks(points: Uint32Array, nSamples: number): Float32Array {
  const values = new Float32Array(nSamples).fill(Number.NaN);
  points.forEach((point, index) => {
    values[point] = index + 1;
  });
  return values;
}
