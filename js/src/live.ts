/** Sampling as it is shown: one run at a time, the newest wins, and a new one only when the picks at hand do not answer. */
import { effect, type Signal, signal } from "@preact/signals";
import { same } from "./picks";
import type { MessageOf, SampleSpec } from "./protocol";
import type { Mask, Store } from "./state";
import { WireError } from "./wire";

export interface SamplingState {
  /** A sample is being made (or is about to be sent). */
  running: boolean;
  fraction: number;
  /** Picks asked for, and candidates there were, of the last finished sample. */
  requested: number;
  nCandidates: number;
  stopReason: string | null;
  /** What happened and what to do about it, in words. */
  message: string | null;
  seconds: number;
  warnings: string[];
  cancelled: boolean;
  canUndo: boolean;
  canRedo: boolean;
  /** Why the last try gave no sample, in words. */
  error: string | null;
}

const IDLE: SamplingState = {
  running: false,
  fraction: 0,
  requested: 0,
  nCandidates: 0,
  stopReason: null,
  message: null,
  seconds: 0,
  warnings: [],
  cancelled: false,
  canUndo: false,
  canRedo: false,
  error: null,
};

/** What picks were made from, and whether there are no more than these. */
interface Made {
  spec: SampleSpec;
  mask: Mask | null;
  n: number;
  complete: boolean;
}

export class Live {
  /** Sample again by itself after every change. */
  readonly enabled: Signal<boolean> = signal(true);
  readonly state: Signal<SamplingState> = signal(IDLE);

  /** The newest run of this page, and whether it still goes on; -1 before the first. */
  private latest = -1;
  private running = false;
  /** What the picks at hand, or those on their way, are made from. */
  private made: Made | null = null;
  /** As `made`, of the last sample that was finished: what is shown again when a run gives none. */
  private shown: Made | null = null;
  /** What a run gave none for, until something is changed. */
  private failedFor: Made | null = null;
  private armed = false;
  private pauses = 0;
  private readonly stop: () => void;

  constructor(
    private readonly store: Store,
    private readonly everyMs: number,
  ) {
    this.stop = effect(() => {
      this.store.spec();
      void this.store.traits.n_samples_to_select.value;
      void this.maskThatCounts();
      if (this.enabled.value) this.store.later("live", this.everyMs, () => this.refresh());
    });
  }

  /** The user changed something: from now on changes sample by themselves. An opened widget does not. */
  touched(): void {
    this.armed = true;
  }

  start(): void {
    this.armed = true;
    const spec = structuredClone(this.store.spec());
    const { n } = this;
    const { id, reply } = this.store.start({ kind: "sample", n, ...spec });
    this.latest = id;
    this.running = true;
    this.made = { spec, mask: this.maskThatCounts(), n, complete: false };
    this.state.value = { ...this.state.peek(), running: true, fraction: 0, error: null };
    reply.catch((error: Error) => this.failed(id, error));
  }

  cancel(): void {
    if (!this.running) return;
    this.store.start({ kind: "cancel", target: this.latest }).reply.catch((error) => this.store.report(error));
  }

  /** Runs an action that shows another sample and its controls, without sampling in between. */
  async paused<T>(action: () => Promise<T>): Promise<T> {
    this.pauses++;
    this.running = false; // the kernel stops it; what it still says is stale
    this.state.value = { ...this.state.peek(), running: false };
    try {
      return await action();
    } finally {
      this.pauses--;
    }
  }

  /** Whether an answer belongs to a run that something newer replaced. */
  isStale(id: number): boolean {
    return id < this.latest || (id === this.latest && !this.running);
  }

  isLatest(id: number | null): boolean {
    return id === this.latest;
  }

  advanced(id: number | null, fraction: number): void {
    if (this.running && id === this.latest) this.state.value = { ...this.state.peek(), fraction };
  }

  finished(message: MessageOf<"sampled">): void {
    const own = this.running && message.id === this.latest;
    if (own) this.running = false;
    if (!this.running) {
      const now = { spec: structuredClone(this.store.spec()), mask: this.maskThatCounts() };
      const { spec, mask } = own && this.made ? this.made : { ...now, spec: message.spec ?? now.spec };
      this.made = this.shown = { spec, mask, n: message.requested, complete: message.n < message.requested };
    }
    this.state.value = {
      running: this.running,
      fraction: this.running ? this.state.peek().fraction : 1,
      requested: message.requested,
      nCandidates: message.n_candidates,
      stopReason: message.stop_reason,
      message: message.message,
      seconds: message.seconds,
      warnings: message.warnings,
      cancelled: message.cancelled,
      canUndo: message.can_undo,
      canRedo: message.can_redo,
      error: null,
    };
  }

  /** After a resync: a run that the kernel no longer works on has ended unheard. */
  resynced(hello: number, running: readonly number[]): void {
    if (!this.running || this.latest > hello || running.includes(this.latest)) return;
    this.running = false;
    this.state.value = { ...this.state.peek(), running: false };
  }

  close(): void {
    this.stop();
  }

  /** A filter or a selection that candidates are taken from is part of what was asked. */
  private maskThatCounts(): Mask | null {
    const { from } = this.store.traits.candidates.value;
    if (from === "filter") return this.store.filterMask.value;
    return from === "selection" ? this.store.selectionMask.value : null;
  }

  private refresh(): void {
    if (!this.armed || !this.enabled.peek() || this.pauses > 0) return;
    if (this.failedFor && this.asNow(this.failedFor) && this.failedFor.n === this.n) return;
    this.failedFor = null;
    if (!this.answered()) this.start();
  }

  /** Whether the picks at hand, or those on their way, already are the answer. */
  private answered(): boolean {
    return this.made !== null && this.asNow(this.made) && (this.n <= this.made.n || this.made.complete);
  }

  private asNow({ spec, mask }: Made): boolean {
    return same(spec, this.store.spec()) && same(mask, this.maskThatCounts());
  }

  private get n(): number {
    return this.store.traits.n_samples_to_select.peek();
  }

  /** The kernel shows the sample before again. Trying once more is left to the user, or to the next change. */
  private failed(id: number, error: Error): void {
    if (id !== this.latest || !this.running) return;
    this.running = false;
    this.failedFor = this.made;
    this.made = this.shown;
    const quiet = error instanceof WireError && (error.error === "Cancelled" || error.error === "Closed");
    this.state.value = { ...this.state.peek(), running: false, error: quiet ? null : error.message };
  }
}
