/**
 * The state of one view: what is under its pointer, its open cards, its drawing mode. What views share is in the Session.
 */
import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { FLAG } from "../flags";
import type { FilterDict, MessageOf } from "../protocol";
import type { Scatter } from "../scatter";
import type { Query } from "../session/samples";
import type { Session } from "../session/session";
import { type Draft, draftsOf } from "./filters";
import { smallPicture } from "./picture";

/** CSS pixels at the right that a sample's card takes, and the plot's width from which the legend fits beside it. */
const CARD_WIDTH = 284;
const ROOM_FOR_BOTH = 900;

export type Mode = "pan" | "lasso" | "rect";
/** Forms in the panel's foot. */
export type DialogName = "save" | "grow" | "tag" | "code" | "export";

export type Tab = "choose" | "look" | "worth";

export interface Found {
  /** What was looked for, for people to read. */
  what: string;
  points: Uint32Array;
  scores: Float32Array;
}

/** What the labels of some picks are worth. */
export interface Measured {
  found: MessageOf<"worth">;
  /** The picks that were measured. */
  picks: unknown;
  count: number;
}

export class View {
  readonly mode: Signal<Mode> = signal("pan");
  readonly tab: Signal<Tab> = signal<Tab>("choose");
  /** The bar with the classes is open, and keys 1–9 label. */
  readonly labeling = signal(false);
  /** Classes that were named here, in their order. */
  readonly classNames: Signal<readonly string[]> = signal([]);
  readonly contours = signal(false);
  readonly labels = signal(false);
  readonly legendOpen = signal(true);
  /** CSS pixels at the left of the plot that the open legend keeps for itself. */
  readonly inset = signal(0);
  readonly drawer: Signal<boolean> = signal(true);
  readonly hovered = signal<{ point: number; x: number; y: number } | null>(null);
  readonly inspected = signal<number | null>(null);
  readonly neighbors = signal<{ point: number; points: Uint32Array; distances: Float32Array } | null>(null);
  readonly found = signal<Found | null>(null);
  /** The sample: what was preselected or pinned in it, then the new picks in pick order. */
  readonly chosen: ReadonlySignal<readonly number[]>;
  /** The form that is open in the panel's foot. */
  readonly dialog: Signal<DialogName | null> = signal<DialogName | null>(null);
  /** The list whose sample number `at` is shown large. */
  readonly large: Signal<{ points: readonly number[]; at: number } | null> = signal<{
    points: readonly number[];
    at: number;
  } | null>(null);
  /** Boxes are drawn over large pictures. */
  readonly boxes = signal(true);
  readonly help = signal(false);
  /** Factors on the automatic size and opacity of the points. */
  readonly tuning = signal({ size: 1, opacity: 1 });
  /** How many points lie outside of the opening view. */
  readonly outside = signal(0);
  readonly finding = signal(false);
  readonly worth = {
    /** Whose labels to measure with: undefined until somebody chose. */
    labels: signal<string | null | undefined>(undefined),
    /** The request that is being worked on. */
    asked: signal<number | null>(null),
    measured: signal<Measured | null>(null),
    failed: signal<string | null>(null),
  };
  private finds = 0;
  /** Somebody folded or unfolded the legend. */
  legendAsked = false;
  /** The legend was folded for a sample's card, and comes back with its end. */
  foldedFor = false;
  readonly rendererNote = signal<string | null>(null);
  /** What just happened, for the screen reader and the status line. */
  readonly said = signal("");
  /** Filter rows as they are being written; the trait `filter` holds only what the kernel accepted. */
  readonly drafts: Signal<Draft[]>;
  readonly joiner: Signal<"and" | "or"> = signal("and");
  /** Filters of these rows that have not come back as the trait yet. */
  asked: readonly (FilterDict | null)[] = [];
  /** A filter set in Python that the rows cannot show. */
  readonly foreign = signal<FilterDict | null>(null);
  readonly collapsed: Signal<ReadonlySet<number>> = signal(new Set());
  scatter: Scatter | null = null;

  constructor(
    readonly session: Session,
    readonly root: ShadowRoot,
    readonly ended: AbortSignal,
  ) {
    this.drafts = signal([]);
    this.chosen = computed(() => {
      const picks = session.picks.a.value.points.subarray(0, session.picks.count.value);
      return [...session.picks.before.value.points, ...picks];
    });
    this.readFilter(session.traits.filter.peek());
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

  toggleLegend(): void {
    this.legendAsked = true;
    this.foldedFor = false;
    this.legendOpen.value = !this.legendOpen.peek();
  }

  /** In a narrow plot the legend makes room for a sample's card. */
  private makeRoom(opened: boolean): void {
    if (opened && this.legendOpen.peek() && (this.scatter?.size.width ?? 0) < ROOM_FOR_BOTH) {
      this.legendOpen.value = false;
      this.foldedFor = true;
    } else if (!opened && this.foldedFor) this.toggleLegend();
  }

  /** Opens the card of a point and asks for its nearest neighbors in the full embedding space. */
  async inspect(point: number | null, move = false): Promise<void> {
    const { session } = this;
    if ((point === null) !== (this.inspected.peek() === null)) this.makeRoom(point !== null);
    this.inspected.value = point;
    this.neighbors.value = null;
    if (point === null) {
      this.scatter?.viewport.unreveal();
      return;
    }
    const width = this.scatter?.size.width ?? 0;
    const covered = width < 2 * CARD_WIDTH ? 0 : CARD_WIDTH; // over a small plot it lies on most of it anyway
    if (move) this.scatter?.focusPoint(point, covered);
    else this.scatter?.viewport.reveal(point, covered);
    if (session.info.embedding_models.length === 0) return;
    try {
      const { points, distances } = await session.samples.neighbors(point, 10);
      if (this.inspected.peek() === point && !this.ended.aborted) this.neighbors.value = { point, points, distances };
    } catch {
      // A toast shows it; the card stays, without neighbors.
    }
  }

  /** Shows a sample large, within the list that it is seen in. */
  enlarge(point: number): void {
    const lists = [this.found.peek()?.points, this.chosen.peek(), [point]];
    for (const list of lists) {
      const points = Array.from(list ?? []);
      const at = points.indexOf(point);
      if (at < 0) continue;
      this.large.value = { points, at };
      return;
    }
  }

  async find(query: Query, what: string): Promise<void> {
    const number = ++this.finds;
    this.finding.value = true;
    try {
      const { points, scores } = await this.session.samples.find(query, 50);
      if (this.ended.aborted || number !== this.finds) return;
      this.found.value = { what, points, scores };
      this.drawer.value = true;
      this.say(`${points.length} found: ${what}`);
    } catch {
      // A toast shows it.
    } finally {
      if (number === this.finds) this.finding.value = false;
    }
  }

  /** Samples like a picture from a file, a drop or the clipboard. */
  async findLike(file: File): Promise<void> {
    try {
      const image = await smallPicture(file);
      await this.find({ image }, `like ${file.name || "the pasted picture"}`);
    } catch (error) {
      this.session.errors.report(error);
    }
  }

  /** The sample `by` places after the one whose card is open: in what was found, else in pick order, else by point. */
  step(by: 1 | -1): void {
    const points = this.found.peek()?.points ?? this.chosen.peek();
    const now = this.inspected.peek();
    const next = points.length > 0 ? inList(points, now, by) : this.inOrder(now, by);
    if (next !== null) void this.inspect(next, true);
  }

  /** The next point that can be seen, around the end if need be. */
  private inOrder(now: number | null, by: 1 | -1): number | null {
    const flags = this.session.flags.bytes;
    const n = flags.length;
    let point = now ?? (by > 0 ? -1 : n);
    for (let tried = 0; tried < n; tried++) {
      point = (point + by + n) % n;
      if ((flags[point] & (FLAG.HIDDEN | FLAG.MUTED)) === 0) return point;
    }
    return null;
  }

  isPick(point: number): boolean {
    return (this.session.flags.bytes[point] & FLAG.A) !== 0;
  }
}

function inList(points: ArrayLike<number>, now: number | null, by: 1 | -1): number {
  const at = now === null ? -1 : Array.prototype.indexOf.call(points, now);
  if (at < 0) return points[by > 0 ? 0 : points.length - 1];
  return points[(at + by + points.length) % points.length];
}

const Context = createContext<View | null>(null);
export const ViewProvider = Context.Provider;

export function useView(): View {
  const view = useContext(Context);
  if (view === null) throw new Error("used outside of a view");
  return view;
}

/** What a page without a kernel says of pictures that lie in files beside it: their bytes are the path there. */
const PATH = "text/x-path";
/** Percent-encoded; cannot lead to another host, nor upwards. */
const BESIDE = /^(?!\.)[\w.~%-]+(\/(?!\.)[\w.~%-]+)*$/;

/** A picture as a data URL: no object URL to give back, and allowed wherever pictures are. */
export function dataUrl(image: Uint8Array, mime: string): string {
  if (mime === PATH) {
    const path = new TextDecoder().decode(image);
    return BESIDE.test(path) ? path : "";
  }
  let text = "";
  for (let at = 0; at < image.length; at += 8192) text += String.fromCharCode(...image.subarray(at, at + 8192));
  return `data:${/^image\/(png|jpeg|webp|gif|avif)$/.test(mime) ? mime : "image/png"};base64,${btoa(text)}`;
}
