/** The synced traits as signals: a change shows at once and is saved soon, and the kernel's changes come in. */
import { batch, type Signal, signal } from "@preact/signals";
import type { Traits } from "../protocol";
import type { Model } from "../wire";
import { same } from "./same";
import type { Timers } from "./timers";

export type TraitName = keyof Traits;
export type TraitSignals = { readonly [K in TraitName]: Signal<Traits[K]> };

const TRAITS: TraitName[] = [
  "n_samples_to_select",
  "strategies",
  "limits",
  "candidates",
  "preselected_tag_name",
  "filter",
  "color_by",
  "hovered",
  "viewport",
  "height",
  "info",
];
const SAMPLING_TRAITS = new Set<TraitName>([
  "n_samples_to_select",
  "strategies",
  "limits",
  "candidates",
  "preselected_tag_name",
]);

export class SyncedTraits {
  readonly signals: TraitSignals;
  /** Traits that the kernel does not know yet as they are here; and what it was sent last. */
  private readonly unsaved = new Set<TraitName>();
  private readonly saved = new Map<TraitName, unknown>();
  private readonly listeners: [event: string, listener: () => void][];

  constructor(
    private readonly model: Model,
    private readonly timers: Timers,
    private readonly saveEveryMs: number,
    /** A trait changed that samples are made from. */
    private readonly touched: () => void,
  ) {
    this.signals = Object.fromEntries(TRAITS.map((name) => [name, signal(model.get(name))])) as TraitSignals;
    this.listeners = TRAITS.map((name) => [`change:${name}`, () => this.changedInKernel(name)]);
    for (const [event, listener] of this.listeners) model.on(event, listener);
  }

  /** Shows the value at once and sends it soon: a dragged slider becomes a few messages. */
  set<K extends TraitName>(name: K, value: Traits[K]): void {
    if (same(this.signals[name].peek(), value)) return;
    batch(() => {
      (this.signals[name] as Signal<Traits[K]>).value = value;
      if (SAMPLING_TRAITS.has(name)) this.touched();
    });
    this.unsaved.add(name);
    this.model.set(name, value);
    this.timers.later("save", this.saveEveryMs, () => this.save());
  }

  close(): void {
    for (const [event, listener] of this.listeners) this.model.off(event as "msg:custom", listener);
  }

  private save(): void {
    for (const name of this.unsaved) {
      this.saved.set(name, this.signals[name].peek());
      this.model.set(name, this.signals[name].peek());
    }
    this.unsaved.clear();
    this.model.save_changes();
  }

  private changedInKernel(name: TraitName): void {
    const value = this.model.get(name);
    const trait = this.signals[name] as Signal<unknown>;
    if (same(trait.peek(), value)) return;
    // The kernel's echo of what it was sent last must not pull the slider out of the hand that moves it on.
    if (this.unsaved.has(name) && same(this.saved.get(name), value)) return;
    this.unsaved.delete(name);
    trait.value = value;
    if (SAMPLING_TRAITS.has(name)) this.touched();
  }
}
