/**
 * The state of one view: what is under its pointer, its open cards, its drawing mode. What views share is in the Store.
 */
import { type Signal, signal } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { FilterDict } from "../protocol";
import type { Scatter } from "../scatter";
import { type Detail, FLAG, type Store } from "../state";
import { type Draft, draftsOf } from "./filters";

export type Mode = "pan" | "lasso" | "rect";

export interface Found {
  /** What was looked for, in words. */
  what: string;
  rows: Uint32Array;
  scores: Float32Array;
}

export class View {
  readonly mode: Signal<Mode> = signal("pan");
  readonly tab: Signal<"choose" | "look"> = signal("choose");
  readonly contours = signal(false);
  readonly labels = signal(false);
  readonly legendOpen = signal(true);
  /** CSS pixels at the left of the plot that the open legend keeps for itself. */
  readonly inset = signal(0);
  readonly drawer: Signal<boolean> = signal(true);
  readonly hovered = signal<{ row: number; x: number; y: number } | null>(null);
  readonly inspected = signal<number | null>(null);
  readonly neighbours = signal<{ row: number; rows: Uint32Array; distances: Float32Array } | null>(null);
  readonly found = signal<Found | null>(null);
  readonly rendererNote = signal<string | null>(null);
  /** What just happened, for the screen reader and the status line. */
  readonly said = signal("");
  /** Filter rows as they are being written; the trait `filter` holds only what the kernel accepted. */
  readonly drafts: Signal<Draft[]>;
  readonly joiner: Signal<"and" | "or"> = signal("and");
  /** A filter set in Python that the rows cannot show. */
  readonly foreign = signal<FilterDict | null>(null);
  readonly collapsed: Signal<ReadonlySet<number>> = signal(new Set());
  scatter: Scatter | null = null;

  constructor(
    readonly store: Store,
    readonly root: ShadowRoot,
    readonly ended: AbortSignal,
  ) {
    this.drafts = signal([]);
    this.readFilter(store.traits.filter.peek());
  }

  readFilter(filter: FilterDict | null): void {
    const read = draftsOf(filter);
    this.foreign.value = read === null ? filter : null;
    this.drafts.value = read?.drafts ?? [];
    if (read && read.drafts.length > 1) this.joiner.value = read.joiner;
  }

  say(text: string): void {
    this.said.value = text;
  }

  /** Opens the card of a row and asks for its nearest neighbours in the full embedding space. */
  async inspect(row: number | null, move = false): Promise<void> {
    const { store } = this;
    this.inspected.value = row;
    this.neighbours.value = null;
    if (row === null) return;
    if (move) this.scatter?.focusRow(row);
    if (store.info.embedding_models.length === 0) return;
    try {
      const { rows, distances } = await store.neighbors(row, 10);
      if (this.inspected.peek() === row && !this.ended.aborted) this.neighbours.value = { row, rows, distances };
    } catch {
      // The store showed it as a toast; the card stays, without neighbours.
    }
  }

  async find(query: { text?: string; row?: number; sign?: 1 | -1 }, what: string): Promise<void> {
    try {
      const { rows, scores } = await this.store.find(query, 50);
      if (this.ended.aborted) return;
      this.found.value = { what, rows, scores };
      this.drawer.value = true;
      this.say(`${rows.length} found: ${what}`);
    } catch {
      // The store showed it as a toast.
    }
  }

  isPick(row: number): boolean {
    return (this.store.flags[row] & FLAG.A) !== 0;
  }
}

const Context = createContext<View | null>(null);
export const ViewProvider = Context.Provider;

export function useView(): View {
  const view = useContext(Context);
  if (view === null) throw new Error("used outside of a view");
  return view;
}

/** A picture as a data URL: no object URL to give back, and allowed wherever pictures are. */
export function dataUrl(image: Uint8Array, mime: string): string {
  let text = "";
  for (let at = 0; at < image.length; at += 8192) text += String.fromCharCode(...image.subarray(at, at + 8192));
  return `data:${/^image\/(png|jpeg|webp|gif|avif)$/.test(mime) ? mime : "image/png"};base64,${btoa(text)}`;
}

export const labelLine = (detail: Detail): string =>
  [...detail.labels, ...detail.tags.map((tag) => `#${tag}`)].join(", ");
