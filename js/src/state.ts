/**
 * The state of one model, shared by all of its views: made in anywidget's `initialize`, never in `render`.
 *
 * Bound to the model (here): traits, points, flags, masks, picks, colors, sampling, errors, progress.
 * The view's own (not here): what is under this view's pointer, open cards and menus, scroll, the drawing mode.
 *
 * Nothing here touches the DOM. Moving the count along the picks never asks the kernel.
 */
import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { BUSY_WORDS, Connection, STATUS_WORDS, type StoreOptions } from "./connection";
import { FLAG, writeMask, writeRows } from "./flags";
import { Live, type SamplingState } from "./live";
import { appendPicks, Cache, countLegend, joined, type LegendCounts, NO_PICKS, type Picks, ranks, same } from "./picks";
import type { Ask, Candidates, ColorBy, FilterDict, MessageOf, SampleSpec, Traits } from "./protocol";
import type { Colors, Detail, Mask, Points, Thumbnail, TraitName } from "./shapes";
import { decodeAs, type Model, type Reply, WireError } from "./wire";

export { STATUS_WORDS, type StoreOptions } from "./connection";
export { FLAG } from "./flags";
export type { SamplingState } from "./live";
export type { LegendCounts, Picks } from "./picks";
export * from "./shapes";
export { decode, type Model, WireError } from "./wire";

const TRAITS: TraitName[] = [
  "n_samples_to_select",
  "strategies",
  "candidates",
  "preselected_tag_name",
  "filter",
  "color_by",
  "hovered",
  "view",
  "height",
  "info",
];
const SAMPLING_TRAITS = new Set<TraitName>(["n_samples_to_select", "strategies", "candidates", "preselected_tag_name"]);
const NO_COLORS: Colors = {
  colorBy: { by: "none" },
  scale: "none",
  values: null,
  categories: [],
  domain: null,
  note: null,
};
/** What to look for: one of text, row and image. */
export interface Query {
  text?: string;
  row?: number;
  image?: Uint8Array<ArrayBuffer>;
  sign?: 1 | -1;
}

export class Store extends Connection {
  readonly traits: { readonly [K in TraitName]: Signal<Traits[K]> };
  readonly points = signal<Points | null>(null);
  readonly filterMask = signal<Mask>({ bits: null, count: 0 });
  readonly selectionMask = signal<Mask>({ bits: null, count: 0 });
  readonly preselectedMask = signal<Mask>({ bits: null, count: 0 });
  readonly picksA = signal<Picks>(NO_PICKS);
  readonly picksB = signal<Picks>(NO_PICKS);
  /** Rows pinned (preselected) and removed by hand, for the next sample. */
  readonly pinned = signal<readonly number[]>([]);
  readonly excluded = signal<readonly number[]>([]);
  readonly colors = signal<Colors>(NO_COLORS);
  readonly colorsLoading = signal(false);
  /** Category codes switched off in the legend. */
  readonly muted = signal<ReadonlySet<number>>(new Set());
  /** The projection asked for, until it is there. */
  readonly projectionWanted = signal<string | null>(null);
  readonly progress = signal<ReadonlyMap<string, { text: string; fraction: number | null }>>(new Map());
  /** The last summary; its coverage comes later than its shares. */
  readonly summaryOf = signal<MessageOf<"summary"> | null>(null);
  /** Row of the trait `hovered` when Python set it (or a linked explorer). */
  readonly hoveredRow = signal<number | null>(null);
  readonly live: Live;
  readonly sampling: Signal<SamplingState>;
  /** Picks shown: the first `count` of `picksA`. */
  readonly count: ReadonlySignal<number>;
  /** Counts per category of all, of the filtered and of the shown picks. */
  readonly legend: ReadonlySignal<LegendCounts>;
  readonly statusText: ReadonlySignal<string | null>;
  /** Rises with every change of `flags`, for those who only need to know that something changed. */
  readonly flagsVersion = signal(0);

  /** Traits that the kernel does not know yet as they are here; and what it was told last. */
  private readonly unsaved = new Set<TraitName>();
  private readonly saved = new Map<TraitName, unknown>();
  private bytes = new Uint8Array(0);
  private shown: Uint32Array = NO_PICKS.rows;
  private readonly flagListeners = new Set<(rows: Uint32Array | null) => void>();
  private readonly details = new Cache<number, Promise<Detail>>(500);
  private readonly thumbs = new Cache<string, Promise<Thumbnail>>(2_000);
  private incoming: { x: Float32Array; y: Float32Array } | null = null;
  private incomingColors: Uint8Array | Float32Array | null = null;
  /** The last request for colors, until it is answered. */
  private colorsAsked: { id: number; colorBy: ColorBy } | null = null;

  constructor(model: Model, signalToClose?: AbortSignal, options: StoreOptions = {}) {
    super(model, options);
    this.traits = Object.fromEntries(TRAITS.map((name) => [name, signal(model.get(name))])) as Store["traits"];
    for (const name of TRAITS) this.listenTo(`change:${name}`, () => this.traitFromKernel(name));
    this.live = new Live(this, this.options.liveEveryMs);
    this.sampling = this.live.state;
    this.count = computed(() => Math.min(this.picksA.value.rows.length, this.traits.n_samples_to_select.value));
    this.legend = computed(() =>
      countLegend(this.colors.value, this.filterMask.value.bits, this.picksA.value.rows.subarray(0, this.count.value)),
    );
    this.statusText = computed(() => {
      const status = this.status.value;
      if (status === "silent" && this.points.value !== null) return BUSY_WORDS;
      return status === "ready" ? null : STATUS_WORDS[status];
    });
    this.cleanups.push(
      this.count.subscribe(() => this.showPrefix()),
      this.picksA.subscribe(() => this.showPrefix()),
      this.traits.color_by.subscribe((colorBy) => this.colorByChanged(colorBy)),
    );
    signalToClose?.addEventListener("abort", () => this.close());
    this.hello();
  }

  get info(): Traits["info"] {
    return this.traits.info.value;
  }

  get nSamples(): number {
    return this.info?.n_samples ?? 0;
  }

  /** One byte per row, see FLAG. The same array for as long as the number of rows does not change. */
  get flags(): Uint8Array {
    if (this.bytes.length !== this.nSamples) this.bytes = new Uint8Array(this.nSamples);
    return this.bytes;
  }

  /** Calls `listener` after `flags` changed: with the rows, or null for any. Returns the way to stop. */
  onFlags(listener: (rows: Uint32Array | null) => void): () => void {
    this.flagListeners.add(listener);
    return () => this.flagListeners.delete(listener);
  }

  override close(): void {
    if (this.closed) return;
    this.live.close();
    this.flagListeners.clear();
    super.close();
  }

  // Traits -----------------------------------------------------------------------------------------------------------

  /** Shows the value at once and tells the kernel soon: a dragged slider becomes a few messages. */
  set<K extends TraitName>(name: K, value: Traits[K]): void {
    if (same(this.traits[name].peek(), value)) return;
    batch(() => {
      (this.traits[name] as Signal<Traits[K]>).value = value;
      if (SAMPLING_TRAITS.has(name)) this.live.touched();
    });
    this.unsaved.add(name);
    this.model.set(name, value);
    this.later("save", this.options.saveEveryMs, () => this.save());
  }

  private save(): void {
    for (const name of this.unsaved) {
      this.saved.set(name, this.traits[name].peek());
      this.model.set(name, this.traits[name].peek());
    }
    this.unsaved.clear();
    this.model.save_changes();
  }

  private traitFromKernel(name: TraitName): void {
    const value = this.model.get(name);
    const trait = this.traits[name] as Signal<unknown>;
    if (same(trait.peek(), value)) return;
    // The kernel's echo of what it was told last must not pull the slider out of the hand that moves it on.
    if (this.unsaved.has(name) && same(this.saved.get(name), value)) return;
    this.unsaved.delete(name);
    trait.value = value;
    if (SAMPLING_TRAITS.has(name)) this.live.touched();
  }

  // Requests ---------------------------------------------------------------------------------------------------------

  sample(): void {
    this.live.start();
  }

  cancel(): void {
    this.live.cancel();
  }

  /** Polygon in data coordinates (x0 y0 x1 y1 …); worked out in the kernel, which answers with the selection mask. */
  select(polygon: Float32Array<ArrayBuffer>, op: "replace" | "add" | "remove" = "replace"): Promise<boolean> {
    const shape = [polygon.length];
    this.live.touched();
    return this.act({ kind: "select", op, polygon: { buffer: 0, dtype: "f32", shape } }, polygon);
  }

  clearSelection(): Promise<boolean> {
    return this.act({ kind: "select", op: "clear" });
  }

  selectRows(rows: number[], op: "replace" | "add" | "remove" = "replace"): Promise<boolean> {
    this.live.touched();
    return this.act({ kind: "select_rows", op, rows });
  }

  /** The kernel checks the filter, sets the trait and answers with the mask. */
  setFilter(filter: FilterDict | null): Promise<boolean> {
    this.live.touched();
    return this.act({ kind: "filter", filter });
  }

  setColorBy(colorBy: ColorBy): void {
    this.set("color_by", colorBy);
  }

  /** Name, fields and picture of a row; cached. `hovered` follows the last one asked for with `hover`. */
  detail(row: number): Promise<Detail> {
    return this.details.get(row, async () => {
      const { reply, ...message } = await this.result("detail", { kind: "detail", row });
      const thumbnail = message.thumbnail && decodeAs(Uint8Array, message.thumbnail, reply.buffers);
      return { ...message, thumbnail };
    });
  }

  /** Sets the trait `hovered` to the sample id of `row` once that is known. */
  hover(row: number | null): void {
    this.hoveredRow.value = row;
    if (row === null) this.set("hovered", null);
    else {
      this.detail(row).then(
        (detail) => this.hoveredRow.peek() === row && this.set("hovered", detail.sample_id),
        () => undefined, // the toast said it
      );
    }
  }

  /** Pictures (or texts) of rows, cached; only those missing are asked for, in one message. */
  async thumbnails(rows: readonly number[], size: number): Promise<Thumbnail[]> {
    const missing = rows.filter((row) => !this.thumbs.has(`${size}:${row}`));
    if (missing.length > 0) {
      const answer = this.result("thumbnails", { kind: "thumbnails", rows: missing, size });
      missing.forEach((row, index) => {
        this.thumbs.get(`${size}:${row}`, async () => {
          const { reply, images, texts, titles, mime } = await answer;
          const image = images[index] && decodeAs(Uint8Array, images[index], reply.buffers);
          return { image, mime, text: texts[index], title: titles[index] };
        });
      });
      await answer;
    }
    const none = async () => ({ image: null, mime: "", text: null, title: "" });
    return Promise.all(rows.map((row) => this.thumbs.get(`${size}:${row}`, none)));
  }

  /** Nearest rows in the full embedding space, nearest first, with Euclidean distances. */
  async neighbors(row: number, k = 10, model: string | null = null) {
    const { reply, ...message } = await this.result("neighbors", { kind: "neighbors", row, k, model });
    return {
      rows: decodeAs(Uint32Array, message.rows, reply.buffers),
      distances: decodeAs(Float32Array, message.distances, reply.buffers),
    };
  }

  /** By a text, a row, or an encoded picture. */
  async find({ image, ...query }: Query, k = 50) {
    const picture = image && { image: { buffer: 0, dtype: "u8", shape: [image.length] } as const };
    const ask = { kind: "find", k, ...query, ...picture } as const;
    const { reply, ...message } = await this.result("found", ask as Ask, image);
    return {
      rows: decodeAs(Uint32Array, message.rows, reply.buffers),
      scores: decodeAs(Float32Array, message.scores, reply.buffers),
    };
  }

  /** What the shown picks are like beside the pool and beside random. */
  summary(source: string | null = null, metadata: string | null = null): Promise<MessageOf<"summary">> {
    return this.result("summary", { kind: "summary", n: this.count.peek(), source, metadata });
  }

  async clusters(): Promise<MessageOf<"clusters">["labels"]> {
    return (await this.result("clusters", { kind: "clusters", color_by: this.traits.color_by.peek() })).labels;
  }

  saveTag(name: string, grow = false): Promise<MessageOf<"saved">> {
    return this.result("saved", { kind: "save_tag", name, n: this.count.peek(), grow });
  }

  /** Python code that repeats the current sample. */
  async recipe(tag: string): Promise<string> {
    return (await this.result("recipe", { kind: "recipe", n: this.count.peek(), tag })).code;
  }

  export(format: "txt" | "csv" | "parquet", path: string, overwrite = false): Promise<MessageOf<"exported">> {
    return this.result("exported", { kind: "export", format, n: this.count.peek(), path, overwrite });
  }

  /** What `export` would meet at that path. */
  checkPath(path: string): Promise<MessageOf<"path">> {
    return this.result("path", { kind: "check_path", path });
  }

  /** Shows another projection, when it has been computed. */
  async showProjection(name: string): Promise<void> {
    this.projectionWanted.value = name;
    const shown = await this.act({ kind: "projection", name });
    if (this.projectionWanted.peek() !== name) return; // another was chosen meanwhile
    this.projectionWanted.value = null;
    if (shown) this.set("view", null); // a box of the old positions says nothing about the new ones
  }

  /** Gives up the projection that is being computed. */
  async keepProjection(): Promise<void> {
    const shown = this.points.peek()?.projection;
    if (shown === undefined) return;
    this.projectionWanted.value = null;
    await this.act({ kind: "projection", name: shown });
  }

  undo(): Promise<boolean> {
    return this.live.paused(() => this.act({ kind: "undo" }));
  }

  redo(): Promise<boolean> {
    return this.live.paused(() => this.act({ kind: "redo" }));
  }

  compare(op: "keep" | "clear" | "swap"): Promise<boolean> {
    return this.live.paused(() => this.act({ kind: "compare", op }));
  }

  // By hand ----------------------------------------------------------------------------------------------------------

  /** Pins rows: the next sample has them preselected. */
  setPinned(rows: readonly number[]): void {
    this.writePinned(rows);
    this.live.touched();
  }

  /** Removes rows: the next sample does without them. */
  setExcluded(rows: readonly number[]): void {
    this.excluded.value = [...rows];
    this.live.touched();
  }

  setMuted(codes: ReadonlySet<number>): void {
    this.muted.value = codes;
    this.writeMuted();
    this.flagsChanged(null);
  }

  // What the live sampling needs -------------------------------------------------------------------------------------

  /** What a sample made now would be made from. */
  spec(): SampleSpec {
    return {
      strategies: this.traits.strategies.value,
      candidates: this.traits.candidates.value as Candidates,
      preselected_tag_name: this.traits.preselected_tag_name.value,
      pinned: [...this.pinned.value],
      excluded: [...this.excluded.value],
    };
  }

  protected override hasPoints(): boolean {
    return this.points.peek() !== null;
  }

  /** With the colors, unless only a message was lost: points that come without them are drawn twice. */
  protected override hello(lost = false): void {
    super.hello(lost);
    if (!lost) this.askColors(this.traits.color_by.peek());
  }

  protected override onWelcome(hello: number, running: readonly number[]): void {
    this.live.resynced(hello, running);
    const colorBy = this.traits.color_by.peek();
    // What was asked for before this hello has come, or got lost.
    const coming = this.colorsAsked !== null && this.colorsAsked.id > hello ? this.colorsAsked.colorBy : null;
    if (!same(coming ?? this.colors.peek().colorBy, colorBy)) this.askColors(colorBy);
  }

  // Messages ---------------------------------------------------------------------------------------------------------

  protected override receive(reply: Reply): void {
    const { message, buffers } = reply;
    if (message.kind !== "sync") this.heard(); // nobody asked for it, so it is no sign that answers come
    const { id } = message;
    const stale = id !== null && this.wire.isOurs(id) && this.live.isStale(id);
    batch(() => {
      if (message.kind === "points") this.takePoints(message, buffers);
      else if (message.kind === "mask") this.takeMask(message, buffers);
      else if (message.kind === "colors") this.takeColors(message, buffers);
      else if (message.kind === "picks" && !stale) this.takePicks(message, buffers);
      else if (message.kind === "sampled" && !stale) this.takeSampled(message);
      else if (message.kind === "state") this.welcomed(message);
      else if (message.kind === "saved") this.details.clear();
      else if (message.kind === "summary") this.summaryOf.value = message;
      else if (message.kind === "hovered") this.hoveredRow.value = message.row;
      else if (message.kind === "progress") this.takeProgress(message);
      else if (message.kind === "error" && message.id === null) {
        this.report(new WireError(message.error, message.message));
      }
    });
  }

  private takePoints(message: MessageOf<"points">, buffers: readonly DataView[]): void {
    const { offset, total } = message;
    if (offset === 0) this.incoming = { x: new Float32Array(total), y: new Float32Array(total) };
    const to = this.incoming;
    if (to === null || to.x.length !== total) return; // a part whose first one was lost: the resync brings all again
    to.x.set(decodeAs(Float32Array, message.x, buffers), offset);
    to.y.set(decodeAs(Float32Array, message.y, buffers), offset);
    if (!message.last) return;
    this.incoming = null;
    this.points.value = { ...to, projection: message.projection, animate: message.animate };
  }

  private takeMask(message: MessageOf<"mask">, buffers: readonly DataView[]): void {
    const bits = message.bits && decodeAs(Uint8Array, message.bits, buffers);
    const mask = { bits, count: message.count };
    if (message.mask === "filter") {
      this.filterMask.value = mask;
      // No bits means that nothing is filtered, so nothing is hidden.
      writeMask(this.flags, FLAG.HIDDEN, bits, bits !== null);
    } else if (message.mask === "selection") {
      this.selectionMask.value = mask;
      writeMask(this.flags, FLAG.SELECTED, bits);
    } else {
      this.preselectedMask.value = mask;
      writeMask(this.flags, FLAG.PRESELECTED, bits);
    }
    this.flagsChanged(null);
  }

  private takeColors(message: MessageOf<"colors">, buffers: readonly DataView[]): void {
    if (!same(message.color_by, this.traits.color_by.peek())) return; // an older wish
    const part = message.values && decodeColors(message, buffers);
    if (part && (message.offset === 0 || this.incomingColors === null)) {
      this.incomingColors =
        message.scale === "category" ? new Uint8Array(message.total) : new Float32Array(message.total);
    }
    if (part) this.incomingColors?.set(part, message.offset);
    if (!message.last) return;
    const values = part && this.incomingColors;
    this.incomingColors = null;
    const { scale, categories, domain, note } = message;
    this.colors.value = { colorBy: message.color_by, scale, values, categories, domain, note };
    this.setMuted(new Set());
  }

  private takePicks(message: MessageOf<"picks">, buffers: readonly DataView[]): void {
    const slot = message.slot === "A" ? this.picksA : this.picksB;
    const rows = decodeAs(Uint32Array, message.rows, buffers);
    const gains = decodeAs(Float32Array, message.gains, buffers);
    const before = slot.peek();
    if (message.offset > before.rows.length) {
      this.resync();
      return;
    }
    const picks = appendPicks(before, message.offset, rows, gains);
    slot.value = picks;
    if (message.slot === "B") {
      const gone = before.rows.subarray(message.offset);
      this.writeFlags(FLAG.B, gone, false);
      this.writeFlags(FLAG.B, rows, true);
      this.flagsChanged(joined(gone, rows));
    } else this.live.advanced(message.id, message.fraction);
  }

  private takeSampled(message: MessageOf<"sampled">): void {
    // A run of this page, or one that failed, changes nothing about what was pinned since.
    if (message.spec && !message.cancelled && !this.live.isLatest(message.id)) {
      this.writePinned(message.spec.pinned);
      this.excluded.value = message.spec.excluded;
    }
    this.live.finished(message);
    if (this.traits.color_by.peek().by === "rank") this.colorByRank();
  }

  private takeProgress({ task, text, fraction }: MessageOf<"progress">): void {
    const all = new Map(this.progress.peek());
    if (fraction !== null && fraction >= 1) all.delete(task);
    else all.set(task, { text, fraction });
    this.progress.value = all;
  }

  // Colors ----------------------------------------------------------------------------------------------------------

  private colorByChanged(colorBy: ColorBy): void {
    // Before the kernel answered, `hello` asks.
    if (colorBy.by === "rank" || this.status.peek() === "ready") this.askColors(colorBy);
  }

  private askColors(colorBy: ColorBy): void {
    if (colorBy.by === "rank") {
      this.colorByRank();
      return;
    }
    this.colorsLoading.value = true;
    const { id, reply } = this.start({ kind: "colors", color_by: colorBy });
    this.colorsAsked = { id, colorBy };
    const done = () => {
      if (this.colorsAsked?.id !== id) return;
      this.colorsAsked = null;
      this.colorsLoading.value = false;
    };
    reply.then(done, (error) => {
      this.report(error);
      done();
    });
  }

  /** Pick order is known here: no need to ask. */
  private colorByRank(): void {
    const shown = this.picksA.peek().rows.subarray(0, this.count.peek());
    this.colors.value = {
      ...NO_COLORS,
      colorBy: { by: "rank" },
      scale: "number",
      values: ranks(shown, this.nSamples),
      domain: [1, Math.max(shown.length, 1)],
    };
    this.colorsLoading.value = false;
  }

  // Flags ------------------------------------------------------------------------------------------------------------

  /** Marks the first `count` picks and no others; touches only the rows that changed. */
  private showPrefix(): void {
    const rows = this.picksA.value.rows;
    const shown = rows.subarray(0, this.count.value);
    const before = this.shown;
    // The same picks grown or shortened share their beginning, so only the difference has to be written.
    const common = shown.buffer === before.buffer ? Math.min(shown.length, before.length) : 0;
    const off = before.subarray(common);
    const on = shown.subarray(common);
    if (off.length + on.length === 0) return;
    this.writeFlags(FLAG.A, off, false);
    this.writeFlags(FLAG.A, on, true);
    this.shown = shown;
    this.flagsChanged(joined(off, on));
    if (this.traits.color_by.peek().by === "rank") this.colorByRank();
  }

  private writeFlags(bit: number, rows: ArrayLike<number>, set: boolean): void {
    writeRows(this.flags, bit, rows, set);
  }

  private writePinned(rows: readonly number[]): void {
    const before = this.pinned.peek();
    this.writeFlags(FLAG.PINNED, before, false);
    this.writeFlags(FLAG.PINNED, rows, true);
    this.pinned.value = [...rows];
    this.flagsChanged(Uint32Array.from([...before, ...rows]));
  }

  private writeMuted(): void {
    const { values, scale } = this.colors.peek();
    const muted = this.muted.peek();
    const keep = ~FLAG.MUTED & 255;
    const flags = this.flags;
    const hidden = new Uint8Array(256);
    for (const code of muted) hidden[code] = FLAG.MUTED;
    const codes = scale === "category" && values !== null && muted.size > 0 ? values : null;
    for (let row = 0; row < flags.length; row++) {
      flags[row] = (flags[row] & keep) | (codes === null ? 0 : hidden[codes[row]]);
    }
  }

  private flagsChanged(rows: Uint32Array | null): void {
    this.flagsVersion.value = this.flagsVersion.peek() + 1;
    for (const listener of this.flagListeners) listener(rows);
  }
}

const decodeColors = (message: MessageOf<"colors">, buffers: readonly DataView[]): Uint8Array | Float32Array | null => {
  if (message.values === null) return null;
  return message.scale === "category"
    ? decodeAs(Uint8Array, message.values, buffers)
    : decodeAs(Float32Array, message.values, buffers);
};
