/** The state bytes of all points, written by the parts of a session and drawn by its plots. */
import { writeMask, writePoints } from "../flags";

type Listener = (points: Uint32Array | null) => void;

export class FlagBytes {
  private array = new Uint8Array(0);
  private readonly listeners = new Set<Listener>();

  constructor(private readonly nSamples: () => number) {}

  /** One byte per point, see FLAG. The same array for as long as the number of points does not change. */
  get bytes(): Uint8Array {
    if (this.array.length !== this.nSamples()) this.array = new Uint8Array(this.nSamples());
    return this.array;
  }

  /** Calls `listener` after a change: with the points, or null for any. Returns the way to stop. */
  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Sets `bit` as a bitset says; null clears it everywhere. */
  setMask(bit: number, bits: Uint8Array | null, inverted = false): void {
    writeMask(this.bytes, bit, bits, inverted);
    this.changed(null);
  }

  /** Moves `bit` from the points `off` to the points `on`; touches no others. */
  move(bit: number, off: ArrayLike<number>, on: ArrayLike<number>): void {
    writePoints(this.bytes, bit, off, false);
    writePoints(this.bytes, bit, on, true);
    const both = new Uint32Array(off.length + on.length);
    both.set(off);
    both.set(on, off.length);
    this.changed(both);
  }

  /** Sets `bit` for the points whose code is among `codes`; null codes clear it everywhere. */
  setByCode(bit: number, values: ArrayLike<number> | null, codes: ReadonlySet<number>): void {
    const flags = this.bytes;
    const keep = ~bit & 255;
    const wanted = new Uint8Array(256);
    for (const code of codes) wanted[code] = bit;
    for (let point = 0; point < flags.length; point++) {
      flags[point] = (flags[point] & keep) | (values === null ? 0 : wanted[values[point]]);
    }
    this.changed(null);
  }

  close(): void {
    this.listeners.clear();
  }

  private changed(points: Uint32Array | null): void {
    for (const listener of this.listeners) listener(points);
  }
}
