/**
 * A kernel for one page: answers the whole protocol from made-up data, in memory, with the delays of a real one.
 * Picks are those of the real sampler, recorded by record.py and replayed; nothing is sampled here.
 */
import type { ArrayRef, ColorBy, Info, Message, Request, SampleSpec, Traits } from "../src/protocol";
import { makeWorld, picture, randomNumbers, type World } from "./data";
import recording from "./recordings/picks.json";

type Listener = (...values: never[]) => void;
type Body = Message extends infer M ? (M extends { kind: string } ? Omit<M, "seq" | "id" | "done"> : never) : never;

export interface Options {
  n: number;
  media: "image" | "text";
  hostile: readonly string[];
  /** Milliseconds until an answer. */
  delay: number;
  /** Milliseconds between the blocks of a sample. */
  block: number;
  silent: boolean;
  height: number;
}

const DEFAULTS: Options = { n: 4000, media: "image", hostile: [], delay: 2, block: 8, silent: false, height: 640 };

interface State {
  rows: number[];
  gains: number[];
  spec: SampleSpec | null;
}

/** Both ends in one: the model that anywidget hands over, and the kernel behind it. */
export class MockKernel {
  readonly world: World;
  /** Requests as they came, for tests to count. */
  readonly heard: Request[] = [];
  /** Where `export` wrote to. */
  readonly files = new Set<string>();
  /** Bytes in the buffers of the last request that had any. */
  lastBuffer: Uint8Array | null = null;
  readonly traits: Traits;
  private readonly options: Options;
  private readonly listeners = new Map<string, Set<Listener>>();
  private seq = 0;
  private running: number | null = null;
  private projection = "umap";
  private umapKnown = true;
  private layingOut: number | null = null;
  private now: State = { rows: [], gains: [], spec: null };
  private other: State | null = null;
  private readonly past: State[] = [];
  private readonly future: State[] = [];
  private selection = new Set<number>();
  private readonly labeled: Request[] = [];
  private filtered: Set<number> | null = null;

  constructor(options: Partial<Options> = {}) {
    this.options = { ...DEFAULTS, ...options };
    this.world = makeWorld(this.options.n, this.options.hostile);
    this.umapKnown = this.options.n <= 200_000;
    this.projection = this.umapKnown ? "umap" : "pca";
    this.traits = {
      n_samples_to_select: Math.min(100, this.options.n),
      strategies: [{ type: "diversity", strength: 1, embedding_model_name: null }],
      limits: [],
      candidates: { from: "all" },
      preselected_tag_name: null,
      filter: null,
      color_by: { by: "label", key: this.options.hostile[0] ?? "labels" },
      hovered: null,
      viewport: null,
      height: this.options.height,
      info: this.info(),
    };
  }

  // The model that the widget sees -----------------------------------------------------------------------------------

  get<K extends keyof Traits>(key: K): Traits[K] {
    return this.traits[key];
  }

  set<K extends keyof Traits>(key: K, value: Traits[K]): void {
    this.traits[key] = value;
    this.emit(`change:${key}`);
  }

  on(event: string, listener: Listener): void {
    const all = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, all.add(listener));
  }

  off(event?: string | null, listener?: Listener | null): void {
    if (event && listener) this.listeners.get(event)?.delete(listener);
  }

  save_changes(): void {}

  send(content: Request, _callbacks?: unknown, buffers: DataView[] = []): void {
    this.heard.push(structuredClone(content));
    const [first] = buffers;
    if (first)
      this.lastBuffer = new Uint8Array(first.buffer.slice(first.byteOffset, first.byteOffset + first.byteLength));
    if (this.options.silent) return;
    setTimeout(() => this.answer(content, buffers), this.options.delay);
  }

  /** Listeners that are still on: none after everything was closed. */
  get listenerCount(): number {
    return [...this.listeners.values()].reduce((sum, all) => sum + all.size, 0);
  }

  /** As a cell would set it. */
  setFromPython<K extends keyof Traits>(key: K, value: Traits[K]): void {
    this.traits[key] = value;
    this.emit(`change:${key}`);
  }

  fail(message: string): void {
    this.say(null, { kind: "error", error: "ValueError", message }, []);
  }

  // The kernel -------------------------------------------------------------------------------------------------------

  private info(): Info {
    const [hostile] = [this.options.hostile];
    const { classes, weather, tags, n } = this.world;
    const name = (index: number, plain: string) => hostile[index] ?? plain;
    const metadata: Info["metadata"] = [
      { key: name(1, "brightness"), type: "number", min: 0, max: 1 },
      { key: name(2, "weather"), type: "string", values: hostile.length > 0 ? [...hostile] : weather },
    ];
    return {
      protocol: 1,
      session: "mock",
      dataset: name(3, "street-scenes"),
      n_samples: n,
      media: this.options.media,
      embedding_models: [name(4, "efficientnet-lite0")],
      projections: ["pca", "umap"],
      projection_notes: n > 200_000 && !this.umapKnown ? { umap: `about ${Math.round(n / 2e5)} min` } : {},
      tags: [...tags].map(([tag, rows]) => ({ name: tag, count: rows.length })),
      sources: [{ name: name(0, "labels"), type: "classification", classes }],
      metadata,
      fields: [
        ...metadata.map(({ key, type }) => ({ name: `metadata.${key}`, type: type as "number" | "string" })),
        { name: "file_name", type: "string" },
        { name: "width", type: "number" },
        { name: "created_at", type: "datetime" },
      ],
      unusable: {
        subpart_diversity: "Needs boxes: this dataset has no object detections. Add some with add_samples_from_coco().",
      },
      can_find_text: true,
      no_find_image:
        this.options.media === "image" ? null : "none of the dataset's embedding models is known to understand images",
    };
  }

  private emit(event: string, ...values: unknown[]): void {
    for (const listener of [...(this.listeners.get(event) ?? [])]) (listener as (...all: unknown[]) => void)(...values);
  }

  private say(id: number | null, body: Body, arrays: (Float32Array | Uint32Array | Uint8Array)[], done = true): void {
    const buffers = arrays.map((array) => new DataView(array.slice().buffer));
    this.emit("msg:custom", { ...body, seq: this.seq++, id, done }, buffers);
  }

  private answer(request: Request, buffers: DataView[]): unknown {
    const { id } = request;
    switch (request.kind) {
      case "hello":
        return this.hello(id);
      case "colors":
        return this.colors(id, request.color_by);
      case "sample":
        return this.sample(id, request);
      case "cancel":
        if (this.running === request.target) this.running = null;
        return this.say(id, { kind: "ok" }, []);
      case "select":
      case "select_points":
        return this.select(request, buffers);
      case "filter":
        return this.filter(id, request.filter);
      case "detail":
      case "thumbnails":
        return this.pictures(request);
      case "neighbors":
      case "find":
        return this.near(request);
      case "metrics":
        return this.summary(id, request.n_samples_to_select);
      case "worth":
        return this.worth(id, request.labels);
      case "label":
      case "undo_label":
        return this.label(request);
      case "save_tag":
        return this.save(request);
      case "undo":
      case "redo":
        return this.travel(id, request.kind);
      case "compare":
        return this.compare(id, request.op);
      case "code":
        return this.say(id, { kind: "code", code: `dataset.match(${JSON.stringify(request.filter)})` }, []);
      case "recipe":
        return this.say(id, { kind: "recipe", code: RECIPE(request.n_samples_to_select, request.tag) }, []);
      case "export":
        return this.export(request);
      case "check_path":
        return this.say(id, { kind: "path", ...this.at(request.path) }, []);
      case "projection":
        return this.layOut(id, request.name);
      case "clusters":
        return this.clusters(id);
      default:
        return this.say(id, { kind: "error", error: "ProtocolError", message: "unknown request" }, []);
    }
  }

  /** Made-up curves in the shape of real ones. */
  private worth(id: number, labels: string | null): unknown {
    if (labels === null) {
      const [at, radius] = [
        [1, 10, 100],
        [1, 0.4, 0.3],
      ];
      const coverage = {
        at,
        sample: radius,
        random: [1, 0.6, 0.5],
        sentence: "covers the dataset 1.7× tighter than random",
      };
      const findings = ["The curve bends at about 10 samples; beyond them each one covers little more."];
      return this.say(id, { kind: "worth", findings, curves: null, coverage, knee: 10 }, []);
    }
    const mean = [0.42, 0.55, 0.67, 0.74];
    const around = (by: number) => mean.map((value) => value + by);
    const band = { mean, low: around(-0.04), high: around(0.04) };
    const compared = this.other !== null;
    const curve = (name: string, by: number) => ({ name, accuracy: around(by), balanced: around(by - 0.03) });
    const curves = {
      budgets: [10, 30, 100, 300],
      curves: [curve(compared ? "A" : "This sample", 0.06), ...(compared ? [curve("B", -0.02)] : [])],
      accuracy: band,
      balanced: { mean: around(-0.05), low: around(-0.1), high: around(0) },
      n_labeled: 1200,
      n_held_out: 300,
    };
    const findings = [
      "This sample: 6.0 ± 2.1 points above random at 100 labels.",
      "About 70 labels give what 100 random ones do.",
    ];
    const task = "Measuring what labels are worth";
    this.say(id, { kind: "progress", task, text: task, fraction: 0.5 }, [], false);
    setTimeout(() => {
      this.say(id, { kind: "progress", task, text: "", fraction: 1 }, [], false);
      this.say(id, { kind: "worth", findings, curves, coverage: null, knee: null }, []);
    }, this.options.delay);
    return undefined;
  }

  private label(request: Extract<Request, { kind: "label" | "undo_label" }>): void {
    const undone = request.kind === "undo_label";
    if (undone) this.labeled.pop();
    else this.labeled.push(request);
    const count = undone ? 1 : (request.points?.length ?? this.selection.size);
    const [source, class_name] = undone ? ["my labels", null] : [request.source, request.class_name];
    this.say(request.id, { kind: "labeled", source, class_name, count, can_undo: this.labeled.length > 0 }, []);
  }

  private points(id: number, animate: boolean): void {
    const { x, y, n } = this.world;
    const whole = { kind: "positions", projection: this.projection, animate, offset: 0, total: n, last: true } as const;
    const flat = this.projection === "pca"; // squeezed and turned, as seen from another side
    const seen = flat ? [x.map((at, row) => 0.8 * at + 0.3 * y[row]), y.map((at) => 0.5 * at)] : [x, y];
    this.say(id, { ...whole, x: f32(0, n), y: f32(1, n) }, seen, false);
  }

  private layOut(id: number, name: string): void {
    const before = this.layingOut;
    const progress = (fraction: number) =>
      this.say(id, { kind: "progress", task: "Laying out the points", text: "Computing UMAP", fraction }, [], false);
    if (before !== null) {
      progress(1);
      this.say(before, { kind: "error", error: "Cancelled", message: "another projection was chosen" }, []);
    }
    this.layingOut = id;
    const step = (fraction: number) => {
      if (this.layingOut !== id) return;
      if (name === "umap" && fraction < 1) {
        progress(fraction);
        setTimeout(() => step(fraction + 0.1), this.options.block);
        return;
      }
      this.layingOut = null;
      if (name === "umap") progress(1);
      this.umapKnown ||= name === "umap";
      this.projection = name;
      this.points(id, true);
      this.setFromPython("info", this.info());
      this.say(id, { kind: "ok" }, []);
    };
    step(0);
  }

  private at(path: string): { path: string; exists: boolean; problem: string | null } {
    const problem = path.endsWith("/") ? `path '/home/me/${path}' is a folder; give the name of a file in it` : null;
    return { path: `/home/me/${path}`, exists: this.files.has(path), problem };
  }

  private export({ id, path, n_samples_to_select: n, overwrite }: Extract<Request, { kind: "export" }>): unknown {
    if (this.files.has(path) && !overwrite) {
      const message = `path '/home/me/${path}' exists; overwrite=True replaces it`;
      return this.say(id, { kind: "error", error: "InvalidValueError", message }, []);
    }
    this.files.add(path);
    this.say(id, { kind: "exported", path: `/home/me/${path}`, count: n }, []);
  }

  /** As `widget.sample = …` in a cell. */
  showSample(rows: number[]): void {
    this.now = { rows, gains: rows.map(() => 1), spec: null };
    this.picks(null, "A", this.now);
    this.setFromPython("n_samples_to_select", rows.length);
    this.sampled(null, rows.length, this.world.n, "complete", "As set in Python.", performance.now());
  }

  private hello(id: number): void {
    this.points(id, false);
    this.masks(id);
    this.picks(id, "A", this.now);
    if (this.other) this.picks(id, "B", this.other);
    this.say(id, { kind: "ready", running: this.running === null ? [] : [this.running] }, []);
  }

  private masks(id: number | null): void {
    const { n } = this.world;
    const filter = this.filtered && bitsOf(this.filtered, n);
    const size = this.filtered?.size ?? n;
    this.say(
      id,
      { kind: "mask", mask: "filter", count: size, bits: filter && u8(filter) },
      filter ? [filter] : [],
      false,
    );
    const chosen = bitsOf(this.selection, n);
    this.say(id, { kind: "mask", mask: "selection", count: this.selection.size, bits: u8(chosen) }, [chosen], false);
  }

  private picks(id: number | null, slot: "A" | "B", { rows, gains }: State, offset = 0, fraction = 1): void {
    const from = Uint32Array.from(rows.slice(offset));
    const gain = Float32Array.from(gains.slice(offset));
    const arrays = { points: u32(0, from.length), gains: f32(1, gain.length) };
    this.say(id, { kind: "picks", slot, offset, ...arrays, fraction }, [from, gain], false);
  }

  private colors(id: number, by: ColorBy): unknown {
    const { n, group, classes, brightness, tags, weather } = this.world;
    const none = { kind: "colors", color_by: by, note: null, offset: 0, total: n, last: true } as const;
    const category = (codes: Uint8Array, names: string[]) => {
      const counts = names.map((name, code) => ({
        name,
        count: codes.reduce((sum, at) => sum + (at === code ? 1 : 0), 0),
      }));
      this.say(id, { ...none, scale: "category", values: u8(codes), categories: counts, domain: null }, [codes]);
    };
    if (by.by === "label") return category(group, classes.slice(0, 250));
    if (by.by === "tag") {
      const members = new Set(tags.get(by.key));
      return category(
        Uint8Array.from({ length: n }, (_, row) => (members.has(row) ? 0 : 255)),
        [by.key],
      );
    }
    if (by.by === "metadata" && by.key === this.traits.info.metadata[1].key) {
      return category(
        Uint8Array.from({ length: n }, (_, row) => row % 4),
        weather,
      );
    }
    if (by.by === "none") {
      return this.say(id, { ...none, scale: "none", values: null, categories: [], domain: null }, []);
    }
    return this.say(id, { ...none, scale: "number", values: f32(0, n), categories: [], domain: [0, 1] }, [brightness]);
  }

  private pool({ candidates, excluded }: SampleSpec): number[] {
    const all = Array.from({ length: this.world.n }, (_, row) => row);
    const out = new Set(excluded);
    const chosen =
      candidates.from === "selection"
        ? [...this.selection].sort((a, b) => a - b)
        : candidates.from === "tag"
          ? (this.world.tags.get(candidates.tag) ?? [])
          : candidates.from === "filter" && this.filtered
            ? [...this.filtered]
            : all;
    return chosen.filter((row) => !out.has(row));
  }

  private sample(id: number, request: Extract<Request, { kind: "sample" }>): unknown {
    const { strategies, candidates, preselected_tag_name, pinned, excluded, n_samples_to_select: n } = request;
    const spec = { strategies, candidates, preselected_tag_name, pinned, excluded };
    if (strategies.length === 0) {
      return this.say(id, { kind: "error", error: "ValueError", message: "no strategy was given: add one" }, []);
    }
    const before = this.running;
    this.running = id;
    if (before !== null)
      this.say(before, { kind: "error", error: "Cancelled", message: "a newer sample replaced it" }, []);
    const since = performance.now();
    const pool = this.pool(spec);
    const made: State = { rows: [], gains: [], spec };
    const run = strategies[0].strength < 0 ? recording.negative : recording.positive;
    const steps = replayed(run, pool, pinned, Math.min(n, pool.length));
    const size = Math.max(5, Math.ceil(n / 12));
    const finish = (cancelled: boolean) => {
      if (this.now.spec) this.past.push(this.now);
      this.future.length = 0;
      this.now = made;
      const got = made.rows.length;
      const short = !cancelled && got < n;
      const message = cancelled
        ? `Cancelled after ${got} of ${n}. Sample again to start over.`
        : short
          ? `All ${got} candidates were taken, fewer than the ${n} asked for. Widen the filter or lower the count.`
          : `Chose ${got} samples.`;
      this.sampled(
        id,
        n,
        pool.length,
        cancelled ? "cancelled" : short ? "exhausted" : "complete",
        message,
        since,
        cancelled,
      );
    };
    const next = () => {
      if (this.running !== id) {
        if (this.running === null) finish(true);
        return;
      }
      const offset = made.rows.length;
      let more = true;
      while (made.rows.length < offset + size) {
        const step = steps.next();
        if (step.done) {
          more = false;
          break;
        }
        made.rows.push(step.value[0]);
        made.gains.push(step.value[1]);
      }
      this.picks(id, "A", made, offset, Math.min(1, made.rows.length / Math.max(1, n)));
      if (more && made.rows.length < n) setTimeout(next, this.options.block);
      else {
        this.running = null;
        finish(false);
      }
    };
    next();
  }

  private sampled(
    id: number | null,
    n: number,
    pool: number,
    why: string,
    message: string,
    since: number,
    cancelled = false,
  ): void {
    const before = Uint32Array.from(this.now.spec?.pinned ?? []);
    this.say(
      id,
      {
        kind: "sampled",
        n: this.now.rows.length,
        before: u32(0, before.length),
        requested: n,
        n_candidates: pool,
        stop_reason: why,
        message,
        seconds: (performance.now() - since) / 1000,
        warnings: [],
        cancelled,
        can_undo: this.past.length > 0,
        can_redo: this.future.length > 0,
        spec: this.now.spec,
      },
      [before],
    );
  }

  private travel(id: number, kind: "undo" | "redo"): unknown {
    const [from, to] = kind === "undo" ? [this.past, this.future] : [this.future, this.past];
    const state = from.pop();
    if (state === undefined)
      return this.say(id, { kind: "error", error: "ValueError", message: `nothing to ${kind}` }, []);
    to.push(this.now);
    this.now = state;
    this.picks(id, "A", state);
    if (state.spec) this.setFromPython("strategies", state.spec.strategies);
    this.setFromPython("n_samples_to_select", state.rows.length);
    this.sampled(id, state.rows.length, this.world.n, "complete", "As before.", performance.now());
  }

  private compare(id: number, op: "keep" | "clear" | "swap"): void {
    if (op === "clear") this.other = null;
    else if (op === "keep") this.other = { ...this.now };
    else if (this.other) {
      this.past.push(this.now);
      [this.now, this.other] = [this.other, this.now];
      if (this.now.spec) this.setFromPython("strategies", this.now.spec.strategies);
      this.picks(null, "A", this.now);
      this.sampled(null, this.now.rows.length, this.world.n, "complete", "As before.", performance.now());
    }
    this.picks(id, "B", this.other ?? { rows: [], gains: [], spec: null });
    this.say(id, { kind: "ok" }, []);
  }

  private select(request: Extract<Request, { kind: "select" | "select_points" }>, buffers: DataView[]): void {
    const rows =
      request.kind === "select_points" ? request.points : request.op === "clear" ? [] : inside(this.world, buffers[0]);
    if (request.op === "replace" || request.op === "clear") this.selection = new Set(rows);
    for (const row of rows) {
      if (request.op === "remove") this.selection.delete(row);
      else this.selection.add(row);
    }
    this.masks(request.id);
    this.say(request.id, { kind: "ok" }, []);
  }

  private filter(id: number, filter: Traits["filter"]): void {
    const { world } = this;
    if (filter === null) this.filtered = null;
    else if (filter.op === "has_class") {
      const code = world.classes.indexOf(filter.class);
      this.filtered = rowsWhere(world.n, (row) => world.group[row] === code);
    } else if (filter.op === "has_tag") this.filtered = new Set(world.tags.get(filter.tag));
    else if (filter.op === "compare" && typeof filter.value === "number") {
      const { value } = filter;
      const above = filter.cmp.startsWith(">");
      this.filtered = rowsWhere(world.n, (row) => world.brightness[row] > value === above);
    } else this.filtered = rowsWhere(world.n, (row) => row % 2 === 0);
    this.masks(id);
    this.setFromPython("filter", filter);
    this.say(id, { kind: "ok" }, []);
  }

  private title(row: number): string {
    const { hostile } = this.options;
    if (hostile.length > 0) return hostile[row % hostile.length];
    return this.options.media === "text" ? this.text(row) : `scene_${String(row).padStart(5, "0")}.jpg`;
  }

  private text(row: number): string {
    return `Sample ${row}: a ${this.world.classes[this.world.group[row]]} seen on a gray morning.`;
  }

  private async pictures(request: Extract<Request, { kind: "detail" | "thumbnails" }>): Promise<void> {
    const { world } = this;
    const text = (row: number) => (this.options.media === "text" ? this.text(row) : null);
    const draw = (row: number, size: number) => (this.options.media === "text" ? null : picture(world, row, size));
    if (request.kind === "detail") {
      const row = request.point;
      const image = await draw(row, 160);
      const [number, word] = this.traits.info.metadata;
      const detail = {
        kind: "detail",
        point: row,
        sample_id: `id-${row}`,
        title: this.title(row),
        text: text(row),
        tags: [...world.tags].filter(([, rows]) => rows.includes(row)).map(([tag]) => tag),
        labels: [world.classes[world.group[row]]],
        mime: "image/png",
      } as const;
      const fields: [string, string][] = [
        [number.key, world.brightness[row].toFixed(3)],
        [word.key, this.options.hostile[row % 60] ?? world.weather[row % 4]],
        ["size", "640 × 480"],
      ];
      const body = { ...detail, tags: [...detail.tags], labels: [...detail.labels], fields };
      this.say(request.id, { ...body, thumbnail: image && u8(image) }, image ? [image] : []);
      return;
    }
    const images = await Promise.all(request.points.map((row) => draw(row, request.size)));
    const sent = images.filter((image) => image !== null);
    const refs = images.map((image) => (image ? { ...u8(image), buffer: sent.indexOf(image) } : null));
    const titles = request.points.map((row) => this.title(row));
    const body = {
      kind: "thumbnails",
      points: request.points,
      images: refs,
      texts: request.points.map(text),
      titles,
    } as const;
    this.say(request.id, { ...body, mime: "image/png" }, sent);
  }

  private near(request: Extract<Request, { kind: "neighbors" | "find" }>): void {
    const { x, y, n } = this.world;
    const row = request.point ?? (request.kind === "find" ? (request.text?.length ?? 0) * 31 : 0) % n;
    const sign = request.kind === "find" ? (request.sign ?? 1) : 1;
    const distance = Float32Array.from({ length: n }, (_, at) => Math.hypot(x[at] - x[row], y[at] - y[row]));
    const order = Array.from({ length: n }, (_, at) => at).filter((at) => at !== row);
    order.sort((a, b) => sign * (distance[a] - distance[b]));
    const rows = Uint32Array.from(order.slice(0, request.k));
    const scores = Float32Array.from(rows, (at) => distance[at]);
    const refs = [u32(0, rows.length), f32(1, rows.length)] as const;
    if (request.kind === "find")
      this.say(request.id, { kind: "found", points: refs[0], scores: refs[1] }, [rows, scores]);
    else this.say(request.id, { kind: "neighbors", point: row, points: refs[0], distances: refs[1] }, [rows, scores]);
  }

  private summary(id: number, n: number): void {
    const { world } = this;
    const random = randomNumbers(3);
    const rows = this.now.rows.slice(0, n);
    const drawn = rows.map(() => Math.floor(random() * world.n));
    const all = Array.from({ length: world.n }, (_, row) => row);
    const classes = world.classes.slice(0, 30);
    const share = (some: number[]) =>
      classes.map((_, code) => some.filter((row) => world.group[row] === code).length / Math.max(1, some.length));
    const bins = (some: number[]) => {
      const counts = new Array<number>(20).fill(0);
      for (const row of some) counts[Math.min(19, Math.floor(world.brightness[row] * 20))]++;
      return counts;
    };
    const at = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].filter((count) => count < this.now.rows.length);
    at.push(this.now.rows.length);
    const radius = (count: number, scale: number) => scale / Math.sqrt(count);
    this.say(
      id,
      {
        kind: "metrics",
        n,
        pool: { classes, pool: share(all), sample: share(rows), random: share(drawn), target: null },
        histogram: {
          key: this.traits.info.metadata[0].key,
          edges: Array.from({ length: 21 }, (_, edge) => edge / 20),
          pool: bins(all),
          sample: bins(rows),
          random: bins(drawn),
        },
        coverage: {
          at,
          sample: at.map((count) => radius(count, 1.1)),
          random: at.map((count) => radius(count, 1.9)),
          sentence: `With ${n} samples, none is farther than ${radius(n, 1.1).toPrecision(2)} from its nearest pick; random needs about ${3 * n}.`,
        },
      },
      [],
    );
  }

  private save(request: Extract<Request, { kind: "save_tag" }>): unknown {
    const before = this.world.tags.get(request.name);
    if (before && !request.grow) {
      const message = `the tag '${request.name}' exists: choose another name or grow it`;
      return this.say(request.id, { kind: "error", error: "ValueError", message }, []);
    }
    const sample = [...(this.now.spec?.pinned ?? []), ...this.now.rows.slice(0, request.n_samples_to_select)];
    const rows = [...new Set([...(before ?? []), ...sample])];
    this.world.tags.set(request.name, rows);
    this.setFromPython("info", this.info());
    this.say(request.id, { kind: "saved", tag: request.name, count: rows.length }, []);
  }

  private clusters(id: number): void {
    const { world } = this;
    const labels = world.classes.slice(0, 10).map((text, code) => {
      const rows = [...rowsWhere(world.n, (row) => world.group[row] === code)];
      const mean = (values: Float32Array) => rows.reduce((sum, row) => sum + values[row], 0) / Math.max(1, rows.length);
      return { text, x: mean(world.x), y: mean(world.y), count: rows.length };
    });
    this.say(id, { kind: "clusters", labels }, []);
  }
}

const ref =
  (dtype: ArrayRef["dtype"]) =>
  (buffer: number, length: number): ArrayRef => ({ buffer, dtype, shape: [length] });
const f32 = ref("f32");
const u32 = ref("u32");
const u8 = (array: Uint8Array): ArrayRef => ref("u8")(0, array.length);

const rowsWhere = (n: number, test: (row: number) => boolean): Set<number> =>
  new Set(Array.from({ length: n }, (_, row) => row).filter(test));

function bitsOf(rows: Iterable<number>, n: number): Uint8Array {
  const bits = new Uint8Array(Math.ceil(n / 8));
  for (const row of rows) bits[row >> 3] |= 1 << (row & 7);
  return bits;
}

/** The recorded picks that are candidates, then the candidates that the recording does not know. */
function* replayed(run: typeof recording.positive, pool: readonly number[], pinned: readonly number[], n: number) {
  const wanted = new Set(pool);
  for (const point of pinned) wanted.delete(point);
  let left = n;
  for (const [index, point] of run.points.entries()) {
    if (!wanted.delete(point)) continue;
    if (left-- <= 0) return;
    yield [point, run.gains[index]] as const;
  }
  for (const point of wanted) {
    if (left-- <= 0) return;
    yield [point, 0] as const;
  }
}

/** Even-odd is enough for a page of made-up points. */
function inside({ x, y, n }: World, polygon: DataView): number[] {
  const corners = new Float32Array(polygon.buffer.slice(polygon.byteOffset, polygon.byteOffset + polygon.byteLength));
  const within = (px: number, py: number) => {
    let odd = false;
    for (let i = 0, j = corners.length - 2; i < corners.length; j = i, i += 2) {
      const [ax, ay, bx, by] = [corners[i], corners[i + 1], corners[j], corners[j + 1]];
      if (ay > py !== by > py && px < ((bx - ax) * (py - ay)) / (by - ay) + ax) odd = !odd;
    }
    return odd;
  };
  return [...rowsWhere(n, (row) => within(x[row], y[row]))];
}

const RECIPE = (n: number, tag: string): string => `from lightly_widget import ImageDataset

dataset = ImageDataset.load("street-scenes")
dataset.query().sampling().diverse(
    n_samples_to_select=${n},
    sampling_result_tag_name=${JSON.stringify(tag)},
)
`;
