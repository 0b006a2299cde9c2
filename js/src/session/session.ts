/**
 * The state of one explorer, shared by all of its views: made in anywidget's `initialize`, never in `render`.
 *
 * Bound to the model (here): traits, points, flags, masks, picks, colors, sampling, errors, progress.
 * The view's own (not here): what is under this view's pointer, open cards and menus, scroll, the drawing mode.
 *
 * Nothing here touches the DOM. Moving the count along the picks never asks the kernel.
 */
import { batch, computed, type ReadonlySignal } from "@preact/signals";
import type { Message, Traits } from "../protocol";
import type { Model, Reply } from "../wire";
import { Colors } from "./colors";
import { Connection } from "./connection";
import type { Errors } from "./errors";
import { FlagBytes } from "./flag-bytes";
import { type Handlers, handlersOf } from "./handlers";
import { History } from "./history";
import { Inputs } from "./inputs";
import { Jobs } from "./jobs";
import { Labels } from "./labels";
import { Masks } from "./masks";
import { Picks } from "./picks";
import { Points } from "./points";
import { Results } from "./results";
import { Samples } from "./samples";
import { Sampling } from "./sampling";
import { statusText } from "./status";
import { SyncedTraits, type TraitName, type TraitSignals } from "./traits";

export interface SessionOptions {
  silentAfterMs?: number;
  saveEveryMs?: number;
  liveEveryMs?: number;
}

const DEFAULTS: Required<SessionOptions> = { silentAfterMs: 6_000, saveEveryMs: 100, liveEveryMs: 150 };

export class Session {
  readonly connection: Connection;
  readonly errors: Errors;
  readonly traits: TraitSignals;
  readonly flags: FlagBytes;
  readonly points: Points;
  readonly masks: Masks;
  readonly picks: Picks;
  readonly colors: Colors;
  readonly samples: Samples;
  readonly sampling: Sampling;
  readonly history: History;
  readonly results: Results;
  readonly labels: Labels;
  readonly jobs = new Jobs();
  /** What to tell the user about the connection; null while all is well. */
  readonly statusText: ReadonlySignal<string | null>;
  private readonly synced: SyncedTraits;
  private readonly handlers: Handlers;
  private closed = false;

  constructor(model: Model, signalToClose?: AbortSignal, options: SessionOptions = {}) {
    const { silentAfterMs, saveEveryMs, liveEveryMs } = { ...DEFAULTS, ...options };
    const touched = () => this.sampling.touched();
    this.connection = new Connection(model, silentAfterMs, {
      message: (reply) => this.receive(reply),
      greeted: (lost) => this.greeted(lost),
      welcomed: (hello, running) => {
        this.sampling.resynced(hello, running);
        this.colors.askIfLost(hello);
      },
      hasPoints: () => this.points.positions.peek() !== null,
    });
    const { connection } = this;
    this.errors = connection.errors;
    this.synced = new SyncedTraits(model, connection.timers, saveEveryMs, touched);
    this.traits = this.synced.signals;
    this.flags = new FlagBytes(() => this.nSamples);
    this.points = new Points(connection, () => this.set("viewport", null));
    this.masks = new Masks(connection, this.flags, touched);
    this.picks = new Picks(this.traits.n_samples_to_select, this.flags, touched);
    this.samples = new Samples(connection, (sampleId) => this.set("hovered", sampleId));
    this.sampling = new Sampling(connection, new Inputs(this.traits, this.masks, this.picks), liveEveryMs);
    this.history = new History(connection, this.sampling);
    this.results = new Results(connection, this.picks.count);
    this.colors = new Colors({
      connection,
      flags: this.flags,
      picks: this.picks,
      filter: this.masks.filter,
      colorBy: this.traits.color_by,
      nSamples: () => this.nSamples,
      setColorBy: (colorBy) => this.set("color_by", colorBy),
    });
    this.labels = new Labels(connection, () => {
      this.samples.forgetDetails();
      // New colors show every class again: only for those that labels change.
      if (this.traits.color_by.peek().by === "label") this.colors.ask();
    });
    this.statusText = computed(() => statusText(connection.status.value, this.points.positions.value !== null));
    this.handlers = handlersOf(this);
    signalToClose?.addEventListener("abort", () => this.close());
    connection.hello();
  }

  get info(): Traits["info"] {
    return this.traits.info.value;
  }

  /** False in a page: it shows what was recorded, and nothing new can be made there. */
  get hasKernel(): boolean {
    return this.info?.page === undefined;
  }

  get nSamples(): number {
    return this.info?.n_samples ?? 0;
  }

  /** Shows a trait's value at once and sends it soon. */
  set<K extends TraitName>(name: K, value: Traits[K]): void {
    this.synced.set(name, value);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.sampling.close();
    this.colors.close();
    this.picks.close();
    this.flags.close();
    this.synced.close();
    this.connection.close();
  }

  /** Asks for the colors, unless only a message was lost: points that come without them are drawn twice. */
  private greeted(lost: boolean): void {
    if (!lost) this.colors.ask();
  }

  private receive({ message, buffers }: Reply): void {
    if (message.kind !== "sync") this.connection.heard(); // nobody asked for it, so it does not show that answers come
    const handle = this.handlers[message.kind] as
      | ((message: Message, buffers: readonly DataView[]) => void)
      | undefined;
    batch(() => handle?.(message, buffers));
  }
}
