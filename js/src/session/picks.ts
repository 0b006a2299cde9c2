/** The sample shown (A), the one compared with (B), how many of it are shown, and what was pinned or removed by hand. */
import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { FLAG, type PointIndex } from "../flags";
import type { MessageOf } from "../protocol";
import { decodeAs } from "../wire";
import type { FlagBytes } from "./flag-bytes";
import { appendPicks, NO_PICKS, type PickList } from "./pick-list";

const NOTHING_BEFORE = { points: NO_PICKS.points, pinned: 0 };

export class Picks {
  readonly a: Signal<PickList> = signal(NO_PICKS);
  readonly b: Signal<PickList> = signal(NO_PICKS);
  /** What was in A before its picks: preselected and pinned points, and how many of them were pinned. */
  readonly before: Signal<{ points: Uint32Array; pinned: number }> = signal(NOTHING_BEFORE);
  /** Points pinned (preselected) and removed by hand, for the next sample. */
  readonly pinned: Signal<readonly PointIndex[]> = signal([]);
  readonly excluded: Signal<readonly PointIndex[]> = signal([]);
  /** Picks shown: the first `count` of A. */
  readonly count: ReadonlySignal<number>;
  /** The picks as marked in the plot; changes only when the marks do. */
  readonly marked: Signal<Uint32Array> = signal(NO_PICKS.points);
  private readonly stops: (() => void)[];

  constructor(
    wanted: ReadonlySignal<number>,
    private readonly flags: FlagBytes,
    private readonly touched: () => void,
  ) {
    this.count = computed(() => Math.min(this.a.value.points.length, wanted.value));
    this.stops = [this.count.subscribe(() => this.mark()), this.a.subscribe(() => this.mark())];
  }

  /** The picks shown, up to the count. */
  shown(): Uint32Array {
    return this.a.peek().points.subarray(0, this.count.peek());
  }

  /** Takes a part of a sample; false = parts before it are missing. */
  take(message: MessageOf<"picks">, buffers: readonly DataView[]): boolean {
    const slot = message.slot === "A" ? this.a : this.b;
    const points = decodeAs(Uint32Array, message.points, buffers);
    const gains = decodeAs(Float32Array, message.gains, buffers);
    const before = slot.peek();
    if (message.offset > before.points.length) return false;
    slot.value = appendPicks(before, message.offset, points, gains);
    if (message.slot === "B") this.flags.move(FLAG.B, before.points.subarray(message.offset), points);
    return true;
  }

  takeBefore(points: Uint32Array, pinned: number): void {
    this.before.value = { points, pinned: Math.min(pinned, points.length) };
  }

  /** Pins points: the next sample has them preselected. */
  setPinned(points: readonly PointIndex[]): void {
    this.writePinned(points);
    this.touched();
  }

  /** Removes points: the next sample does without them. */
  setExcluded(points: readonly PointIndex[]): void {
    this.excluded.value = [...points];
    this.touched();
  }

  /** What a sample made elsewhere had pinned and excluded. */
  restore({ pinned, excluded }: { pinned: readonly PointIndex[]; excluded: readonly PointIndex[] }): void {
    this.writePinned(pinned);
    this.excluded.value = excluded;
  }

  close(): void {
    for (const stop of this.stops) stop();
  }

  /** Marks the first `count` picks and no others; touches only the points that changed. */
  private mark(): void {
    const shown = this.a.value.points.subarray(0, this.count.value);
    const before = this.marked.peek();
    // The same picks grown or shortened share their beginning, so only the difference has to be written.
    const common = shown.buffer === before.buffer ? Math.min(shown.length, before.length) : 0;
    const [off, on] = [before.subarray(common), shown.subarray(common)];
    if (off.length + on.length === 0) return;
    this.flags.move(FLAG.A, off, on);
    this.marked.value = shown;
  }

  private writePinned(points: readonly PointIndex[]): void {
    this.flags.move(FLAG.PINNED, this.pinned.peek(), points);
    this.pinned.value = [...points];
  }
}
