/** What a change of the state bytes means for the GPU: which ranges to send, and which points are marked. */
import { FLAG } from "../flags";

export const UNSEEN = FLAG.HIDDEN | FLAG.MUTED;
const MARKED = FLAG.SELECTED | FLAG.A | FLAG.B | FLAG.PRESELECTED | FLAG.PINNED;

/** Rows apart by less than this are sent as one range; more where very many changed: a call costs as much as a few kB. */
const GAP = 64;
const MOST_RANGES = 1024;
/**
 * A larger selection is part of the base layer, all of which is redrawn for it, where marks are drawn with every
 * frame: worth while for few, and for a small share of many.
 */
const mostAsMarks = (points: number) => Math.min(150_000, Math.max(20_000, points / 6));

/** How a marked point is drawn, lowest first: later roles cover earlier ones. */
export const ROLE = { SELECTED: 0, PRESELECTED: 1, B: 2, A: 3, BOTH: 4, PINNED: 5 } as const;
const ROLES = 6;

export function roleOf(flags: number): number {
  if (flags & FLAG.PINNED) return ROLE.PINNED;
  if (flags & FLAG.A) return flags & FLAG.B ? ROLE.BOTH : ROLE.A;
  if (flags & FLAG.B) return ROLE.B;
  return flags & FLAG.PRESELECTED ? ROLE.PRESELECTED : ROLE.SELECTED;
}

export interface Change {
  /** Pairs of first row and row after the last. */
  ranges: [number, number][];
  /** Some point appeared or vanished: the base layer is to be drawn again. */
  visibility: boolean;
}

/** The state bytes as last drawn, and the marked rows among them. */
export class Marks {
  private drawn: Uint8Array;
  /** Marked visible rows in drawing order. */
  rows = new Uint32Array(0);
  counts = new Uint32Array(ROLES);
  visible = 0;

  constructor(private flags: Uint8Array) {
    this.drawn = flags.slice();
    this.collect();
  }

  /** Points at other state bytes of the same length. */
  replace(flags: Uint8Array): Change {
    this.flags = flags;
    return this.update();
  }

  /** Compares with what was drawn: everything, or only `rows`. */
  update(rows?: ArrayLike<number>): Change {
    const change = rows === undefined ? this.compareAll() : this.compareRows(rows);
    if (change.ranges.length > 0) this.collect();
    return change;
  }

  /** Whether something stands out, so that the rest steps back. */
  get highlight(): boolean {
    return this.rows.length > 0;
  }

  /** Two samples are compared: their colors count, not those of the points. */
  get comparing(): boolean {
    return this.counts[ROLE.B] + this.counts[ROLE.BOTH] > 0;
  }

  /** The selection is drawn with the base layer, where the rest steps back point by point. */
  get baked(): boolean {
    return this.counts[ROLE.SELECTED] > mostAsMarks(this.drawn.length);
  }

  private compareAll(): Change {
    const { flags, drawn } = this;
    const changed: number[] = [];
    for (let row = 0; row < flags.length; row++) {
      if (flags[row] !== drawn[row]) changed.push(row);
      if (changed.length > flags.length / 8 + 4096) return this.takeAll();
    }
    return this.take(changed);
  }

  private compareRows(rows: ArrayLike<number>): Change {
    const changed: number[] = [];
    for (let index = 0; index < rows.length; index++) {
      const row = rows[index];
      if (row < this.flags.length && this.flags[row] !== this.drawn[row]) changed.push(row);
    }
    return this.take(changed.sort((a, b) => a - b));
  }

  private take(changed: readonly number[]): Change {
    const ranges: [number, number][] = [];
    let visibility = false;
    const gap = changed.length <= MOST_RANGES ? GAP : Math.max(GAP, this.flags.length / MOST_RANGES);
    for (const row of changed) {
      visibility ||= ((this.flags[row] ^ this.drawn[row]) & UNSEEN) !== 0;
      this.drawn[row] = this.flags[row];
      const last = ranges[ranges.length - 1];
      if (last !== undefined && row - last[1] < gap) last[1] = row + 1;
      else ranges.push([row, row + 1]);
    }
    return { ranges, visibility };
  }

  private takeAll(): Change {
    let visibility = false;
    for (let row = 0; row < this.flags.length && !visibility; row++) {
      visibility = ((this.flags[row] ^ this.drawn[row]) & UNSEEN) !== 0;
    }
    this.drawn.set(this.flags);
    return { ranges: [[0, this.flags.length]], visibility };
  }

  private collect(): void {
    const { drawn } = this;
    const counts = new Uint32Array(ROLES);
    let hidden = 0;
    for (let row = 0; row < drawn.length; row++) {
      const flags = drawn[row];
      if (flags === 0) continue;
      if (flags & UNSEEN) hidden++;
      else if (flags & MARKED) counts[roleOf(flags)]++;
    }
    const next = new Uint32Array(ROLES);
    for (let role = 1; role < ROLES; role++) next[role] = next[role - 1] + counts[role - 1];
    const rows = new Uint32Array(next[ROLES - 1] + counts[ROLES - 1]);
    if (rows.length > 0) {
      for (let row = 0; row < drawn.length; row++) {
        const flags = drawn[row];
        if (flags & MARKED && !(flags & UNSEEN)) rows[next[roleOf(flags)]++] = row;
      }
    }
    this.rows = rows;
    this.counts = counts;
    this.visible = drawn.length - hidden;
  }
}
