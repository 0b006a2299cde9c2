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

/** Sets `bit` for the rows whose bit is set in `bits` (LSB first), clears it for all others; null = none. */
export function writeMask(flags: Uint8Array, bit: number, bits: Uint8Array | null, inverted = false): void {
  const keep = ~bit & 255;
  const [on, off] = inverted ? [0, bit] : [bit, 0];
  for (let row = 0; row < flags.length; row++) {
    const set = bits !== null && (bits[row >> 3] >> (row & 7)) & 1;
    flags[row] = (flags[row] & keep) | (set ? on : off);
  }
}

/** Sets or clears `bit` for the given rows: the work is that of the rows, not of the points. */
export function writeRows(flags: Uint8Array, bit: number, rows: ArrayLike<number>, set: boolean): void {
  const keep = ~bit & 255;
  const value = set ? bit : 0;
  for (let index = 0; index < rows.length; index++) {
    flags[rows[index]] = (flags[rows[index]] & keep) | value;
  }
}
