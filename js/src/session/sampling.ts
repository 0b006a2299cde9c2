/** Sampling as it is shown: one run at a time, the newest wins, and a new one only when the picks at hand do not answer. */
import { effect, type Signal, signal, untracked } from "@preact/signals";
import type { MessageOf, SampleSpec } from "../protocol";
import { WireError } from "../wire";
import type { Connection } from "./connection";
import type { Inputs } from "./inputs";
import type { Mask } from "./masks";
import { same } from "./same";

export interface SamplingState {
  /** A sample is being made (or is about to be sent). */
  running: boolean;
  fraction: number;
  /** Picks asked for, and candidates there were, of the last finished sample. */
  requested: number;
  nCandidates: number;
  stopReason: string | null;
  /** What happened and what to do about it, as a sentence. */
  message: string | null;
  seconds: number;
  warnings: string[];
  cancelled: boolean;
  canUndo: boolean;
  canRedo: boolean;
  /** Why the last try gave no sample, as a sentence. */
  error: string | null;
  /** What candidates lack, where that is why: they can be left out. */
  missing: WireError["missing"];
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
  missing: null,
};

/** What picks were made from, and whether there are no more than these. */
interface Made {
  spec: SampleSpec;
  mask: Mask | null;
  n: number;
  complete: boolean;
}

export class Sampling {
  /** Sample again by itself after every change. */
  readonly live: Signal<boolean> = signal(true);
  readonly state: Signal<SamplingState> = signal(IDLE);

  /** The newest run of this page, and whether it goes on; -1 before the first. */
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
    private readonly connection: Connection,
    private readonly inputs: Inputs,
    everyMs: number,
  ) {
    this.stop = effect(() => {
      void [inputs.spec, inputs.count, inputs.mask];
      if (this.live.value) connection.timers.later("live", everyMs, () => this.refresh());
    });
  }

  /** The user changed something: a sample that is there follows. Opening the explorer, or the first settings, sample nothing. */
  touched(): void {
    this.armed ||= this.state.peek().requested > 0;
  }

  start(): void {
    this.armed = true;
    const spec = structuredClone(this.now.spec);
    const { count: n, mask } = this.now;
    const { id, reply } = this.connection.start({ kind: "sample", n_samples_to_select: n, ...spec });
    this.latest = id;
    this.running = true;
    this.made = { spec, mask, n, complete: false };
    this.state.value = { ...this.state.peek(), running: true, fraction: 0, error: null, missing: null };
    reply.catch((error: Error) => this.failed(id, error));
  }

  cancel(): void {
    if (!this.running) return;
    const { reply } = this.connection.start({ kind: "cancel", target: this.latest });
    reply.catch((error) => this.connection.errors.report(error));
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
      const now = { spec: structuredClone(this.now.spec), mask: this.now.mask };
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
      missing: null,
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

  private refresh(): void {
    if (!this.armed || !this.live.peek() || this.pauses > 0) return;
    if (this.failedFor && this.asNow(this.failedFor) && this.failedFor.n === this.now.count) return;
    this.failedFor = null;
    if (!this.answered()) this.start();
  }

  /** Whether the picks at hand, or those on their way, already are the answer. */
  private answered(): boolean {
    return this.made !== null && this.asNow(this.made) && (this.now.count <= this.made.n || this.made.complete);
  }

  private asNow({ spec, mask }: Made): boolean {
    return same(spec, this.now.spec) && same(mask, this.now.mask);
  }

  /** The inputs, read without following them. */
  private get now(): { spec: SampleSpec; count: number; mask: Mask | null } {
    return untracked(() => ({ spec: this.inputs.spec, count: this.inputs.count, mask: this.inputs.mask }));
  }

  /** The kernel shows the sample before again. Trying once more is left to the user, or to the next change. */
  private failed(id: number, error: Error): void {
    if (id !== this.latest || !this.running) return;
    this.running = false;
    this.failedFor = this.made;
    this.made = this.shown;
    const missing = error instanceof WireError ? error.missing : null;
    const quiet = error instanceof WireError && (error.error === "Cancelled" || error.error === "Closed");
    this.state.value = { ...this.state.peek(), running: false, error: quiet ? null : error.message, missing };
  }
}
