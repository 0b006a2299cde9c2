/** Sampling as it is shown: one run at a time, the newest wins, and a new one only when the picks at hand do not answer. */
import { effect, type Signal, signal } from "@preact/signals";
import { same } from "./picks";
import type { MessageOf, SampleSpec } from "./protocol";
import type { Mask, Store } from "./state";

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

export class Live {
  /** Sample again by itself after every change. */
  readonly enabled: Signal<boolean> = signal(true);
  readonly state: Signal<SamplingState> = signal(IDLE);

  private current: number | null = null;
  /** What the picks at hand were made from, and whether more could be asked for. */
  private made: { spec: SampleSpec; mask: Mask | null; n: number; complete: boolean } | null = null;
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
    const n = this.store.traits.n_samples_to_select.peek();
    const { id, reply } = this.store.start({ kind: "sample", n, ...spec });
    this.current = id;
    this.made = { spec, mask: this.maskThatCounts(), n, complete: false };
    this.state.value = { ...this.state.peek(), running: true, fraction: 0, error: null };
    reply.catch((error: Error) => this.failed(id, error));
  }

  cancel(): void {
    if (this.current === null) return;
    this.store.start({ kind: "cancel", target: this.current }).reply.catch((error) => this.store.report(error));
  }

  /** Runs an action that changes traits and picks together, without sampling in between. */
  async paused<T>(action: () => Promise<T>): Promise<T> {
    this.pauses++;
    try {
      return await action();
    } finally {
      this.pauses--;
    }
  }

  /** Whether an answer belongs to a run that a newer one replaced. */
  isStale(id: number | null): boolean {
    return id !== null && this.current !== null && id < this.current;
  }

  advanced(id: number | null, fraction: number): void {
    if (id === this.current && id !== null) this.state.value = { ...this.state.peek(), fraction };
  }

  finished(message: MessageOf<"sampled">): void {
    const own = message.id !== null && message.id === this.current;
    if (own) this.current = null;
    if (this.current === null) {
      const spec = message.spec ?? structuredClone(this.store.spec());
      // A cancelled run gave only the beginning; asking for it again is the user's decision, not ours.
      const complete = message.n < message.requested || message.cancelled;
      const mask = own && this.made ? this.made.mask : this.maskThatCounts();
      this.made = { spec, mask, n: message.requested, complete };
    }
    this.state.value = {
      running: this.current !== null,
      fraction: this.current === null ? 1 : this.state.peek().fraction,
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

  resynced(running: readonly number[]): void {
    if (this.current === null || running.includes(this.current)) return;
    this.current = null;
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
    if (!this.answered()) this.start();
  }

  /** Whether the picks at hand, or those on their way, already are the answer. */
  private answered(): boolean {
    if (this.made === null) return false;
    const n = this.store.traits.n_samples_to_select.peek();
    if (!same(this.made.spec, this.store.spec()) || !same(this.made.mask, this.maskThatCounts())) return false;
    return n <= this.made.n || this.made.complete;
  }

  private failed(id: number, error: Error): void {
    if (id !== this.current) return;
    this.current = null;
    this.made = this.made && { ...this.made, complete: true };
    this.state.value = { ...this.state.peek(), running: false, error: error.message };
  }
}
