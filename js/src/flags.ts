/** A point's position in its explorer, fixed when the explorer is made: the number of a sample on the wire and here. */
export type PointIndex = number;

/** The one state byte per point that the kernel's answers and the panel write and the plot draws. */
export const FLAG = {
  /** Left out by the filter. */
  HIDDEN: 1,
  SELECTED: 2,
  /** Picked by the current sample, up to the count shown. */
  A: 4,
  /** Picked by the sample compared with. */
  B: 8,
  PRESELECTED: 16,
  PINNED: 32,
  /** Its category is switched off in the legend. */
  MUTED: 64,
} as const;

/** Sets `bit` for the points whose bit is set in `bits` (LSB first), clears it for all others; null = none. */
export function writeMask(flags: Uint8Array, bit: number, bits: Uint8Array | null, inverted = false): void {
  const keep = ~bit & 255;
  const [on, off] = inverted ? [0, bit] : [bit, 0];
  for (let point = 0; point < flags.length; point++) {
    const set = bits !== null && (bits[point >> 3] >> (point & 7)) & 1;
    flags[point] = (flags[point] & keep) | (set ? on : off);
  }
}

/** Sets or clears `bit` for the given points: the work is theirs alone. */
export function writePoints(flags: Uint8Array, bit: number, points: ArrayLike<number>, set: boolean): void {
  const keep = ~bit & 255;
  const value = set ? bit : 0;
  for (let index = 0; index < points.length; index++) {
    flags[points[index]] = (flags[points[index]] & keep) | value;
  }
}
