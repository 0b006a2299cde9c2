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
  /** Pairs of first point and point after the last. */
  ranges: [number, number][];
  /** Some point appeared or vanished: the base layer is to be drawn again. */
  visibility: boolean;
}

/** The state bytes as last drawn, and the marked points among them. */
export class Marks {
  private drawn: Uint8Array;
  /** Marked visible points in drawing order. */
  points = new Uint32Array(0);
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

  /** Compares with what was drawn: everything, or only `points`. */
  update(points?: ArrayLike<number>): Change {
    const change = points === undefined ? this.compareAll() : this.comparePoints(points);
    if (change.ranges.length > 0) this.collect();
    return change;
  }

  /** Whether something stands out, so that the rest steps back. */
  get highlight(): boolean {
    return this.points.length > 0;
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
    for (let point = 0; point < flags.length; point++) {
      if (flags[point] !== drawn[point]) changed.push(point);
      if (changed.length > flags.length / 8 + 4096) return this.takeAll();
    }
    return this.take(changed);
  }

  private comparePoints(points: ArrayLike<number>): Change {
    const changed: number[] = [];
    for (let index = 0; index < points.length; index++) {
      const point = points[index];
      if (point < this.flags.length && this.flags[point] !== this.drawn[point]) changed.push(point);
    }
    return this.take(changed.sort((a, b) => a - b));
  }

  private take(changed: readonly number[]): Change {
    const ranges: [number, number][] = [];
    let visibility = false;
    const gap = changed.length <= MOST_RANGES ? GAP : Math.max(GAP, this.flags.length / MOST_RANGES);
    for (const point of changed) {
      visibility ||= ((this.flags[point] ^ this.drawn[point]) & UNSEEN) !== 0;
      this.drawn[point] = this.flags[point];
      const last = ranges[ranges.length - 1];
      if (last !== undefined && point - last[1] < gap) last[1] = point + 1;
      else ranges.push([point, point + 1]);
    }
    return { ranges, visibility };
  }

  private takeAll(): Change {
    let visibility = false;
    for (let point = 0; point < this.flags.length && !visibility; point++) {
      visibility = ((this.flags[point] ^ this.drawn[point]) & UNSEEN) !== 0;
    }
    this.drawn.set(this.flags);
    return { ranges: [[0, this.flags.length]], visibility };
  }

  private collect(): void {
    const { drawn } = this;
    const counts = new Uint32Array(ROLES);
    let hidden = 0;
    for (let point = 0; point < drawn.length; point++) {
      const flags = drawn[point];
      if (flags === 0) continue;
      if (flags & UNSEEN) hidden++;
      else if (flags & MARKED) counts[roleOf(flags)]++;
    }
    const next = new Uint32Array(ROLES);
    for (let role = 1; role < ROLES; role++) next[role] = next[role - 1] + counts[role - 1];
    const points = new Uint32Array(next[ROLES - 1] + counts[ROLES - 1]);
    if (points.length > 0) {
      for (let point = 0; point < drawn.length; point++) {
        const flags = drawn[point];
        if (flags & MARKED && !(flags & UNSEEN)) points[next[roleOf(flags)]++] = point;
      }
    }
    this.points = points;
    this.counts = counts;
    this.visible = drawn.length - hidden;
  }
}
