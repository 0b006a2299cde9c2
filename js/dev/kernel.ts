/**
 * The kernel of the dev page. Answers are those of the real kernel, recorded by record.py and replayed; nothing is
 * sampled, measured or filtered here. What the page keeps is what the answers depend on: traits, selection, tags, files.
 */
import { inside } from "../src/page/selection";
import type { ArrayRef, Candidates, Request, Traits } from "../src/protocol";
import { decodeAs } from "../src/wire";
import { makeWorld, picture, textOf, titleOf, type World } from "./data";
import { Names } from "./hostile-names";
import { Layout } from "./layout";
import { f32, MockModel, u8, u32 } from "./model";
import { type Answer, about, answersTo, bitsOf, has, RECORDING } from "./replay";
import { Samples } from "./sample";
import { sayWorth } from "./worth";

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
type Of<K extends Request["kind"]> = Extract<Request, { kind: K }>;
type Answers = { [K in Request["kind"]]: (request: Of<K>, buffers: DataView[]) => void };

/** Both ends in one: the model that anywidget hands over, and the kernel behind it. */
export class MockKernel extends MockModel {
  readonly world: World;
  /** Where `export` wrote to. */
  readonly files = new Set<string>();
  readonly traits: Traits;
  private readonly options: Options;
  private readonly names: Names;
  private readonly samples: Samples;
  private readonly layout: Layout;
  private selection = new Set<number>();
  private filterMask: Answer | null = null;
  private readonly labeled: Request[] = [];
  private readonly answers: Answers;

  constructor(options: Partial<Options> = {}) {
    super();
    this.options = { ...DEFAULTS, ...options };
    const { n, hostile, height } = this.options;
    this.world = makeWorld(n);
    this.names = new Names(hostile);
    this.samples = new Samples(this, (next) => setTimeout(next, this.options.block));
    this.layout = new Layout(this, this.world, () => this.setFromPython("info", this.info()));
    this.traits = {
      n_samples_to_select: Math.min(100, n),
      strategies: [{ type: "diversity", strength: 1, embedding_model_name: null }],
      limits: [],
      candidates: { from: "all" },
      preselected_tag_name: null,
      filter: null,
      color_by: { by: "label", key: this.names.one("labels") },
      hovered: null,
      viewport: null,
      height,
      info: this.info(),
    };
    this.answers = this.makeAnswers();
  }

  protected take(request: Request, buffers: DataView[]): void {
    if (this.options.silent) return;
    const answer = this.answers[request.kind] as (request: Request, buffers: DataView[]) => void;
    setTimeout(() => answer(this.names.asked(request), buffers), this.options.delay);
  }

  private makeAnswers(): Answers {
    const { samples } = this;
    const replay = (request: Request) => this.replay(request);
    const pictures = (request: Of<"detail" | "thumbnails">) => void this.pictures(request);
    const near = (request: Of<"neighbors" | "find">) => this.near(request);
    return {
      ...{ colors: replay, metrics: replay, code: replay, clusters: replay },
      ...{ detail: pictures, thumbnails: pictures, neighbors: near, find: near },
      hello: ({ id }) => this.hello(id),
      filter: (request) => this.filter(request),
      sample: (request) => samples.run(request.id, request, this.pool(request.candidates, request.excluded)),
      cancel: ({ id, target }) => {
        samples.cancel(target);
        this.say(id, { kind: "ok" });
      },
      undo: ({ id }) => samples.travel(id, "undo"),
      redo: ({ id }) => samples.travel(id, "redo"),
      compare: ({ id, op }) => samples.compare(id, op),
      select: ({ id, op, polygon }, buffers) => {
        if (op === "invert")
          this.select(
            id,
            "replace",
            this.every.filter((point) => !this.selection.has(point)),
          );
        else this.select(id, op, polygon ? this.lasso(polygon, buffers) : []);
      },
      select_points: ({ id, op, points }) => this.select(id, op, points),
      save_tag: (request) => this.save(request),
      worth: (request) => sayWorth(this, request, samples.other !== null, this.options.delay),
      label: (request) => this.label(request),
      undo_label: (request) => this.label(request),
      tag_selection: ({ id, name }) => {
        this.tag(name, [...(this.world.tags.get(name) ?? []), ...this.selection]);
        this.say(id, { kind: "saved", tag: name, count: this.selection.size });
      },
      selected_ids: ({ id }) => {
        const ids = [...this.selection].map((point) => `id-${point}`);
        this.say(id, { kind: "selected_ids", ids, count: ids.length });
      },
      recipe: (request) => this.replay(request, (body) => about(body, "diverse-100", request.tag)),
      export: (request) => this.export(request),
      check_path: ({ id, path }) => {
        const { folder, taken, free } = RECORDING.files;
        const found = path.endsWith("/") ? folder : this.files.has(path) ? taken : free;
        this.say(id, about(about(found, "diverse-100.csv", path), "folder/", path));
      },
      projection: ({ id, name }) => this.layout.show(id, name, this.options.block),
    };
  }

  private replay(request: Request, change = <T>(body: T): T => body): void {
    const answers = answersTo(request, this.options.n);
    for (const [index, { body, arrays }] of answers.entries()) {
      this.say(request.id, this.names.said(change(body)), arrays, index === answers.length - 1);
    }
  }

  private info(): Traits["info"] {
    const { n, media } = this.options;
    const tags = [...this.world.tags].map(([name, points]) => ({ name, count: points.length }));
    const projection_notes: Record<string, string> = this.layout.umapKnown
      ? {}
      : { umap: `about ${Math.round(n / 2e5)} min` };
    return this.names.info({ ...structuredClone(RECORDING.info[media]), n_samples: n, tags, projection_notes });
  }

  /** As `widget.sample = …` in a cell. */
  showSample(points: number[]): void {
    this.samples.show({ points, gains: points.map(() => 1), spec: null });
    this.samples.tell(null);
  }

  private hello(id: number): void {
    const { n } = this.options;
    this.layout.say(id, false);
    if (this.filterMask) this.say(id, this.filterMask.body, this.filterMask.arrays, false);
    else this.say(id, { kind: "mask", mask: "filter", count: n, bits: null }, [], false);
    this.saySelection(id);
    this.samples.picks(id, "A", this.samples.now);
    if (this.samples.other) this.samples.picks(id, "B", this.samples.other);
    const { running } = this.samples;
    this.say(id, { kind: "ready", running: running === null ? [] : [running] });
  }

  private pool(candidates: Candidates, excluded: readonly number[]): number[] {
    const { selection, world } = this;
    const filtered = this.filterMask?.arrays[0] as Uint8Array | undefined;
    const out = new Set(excluded);
    const tagged = candidates.from === "tag" ? new Set(world.tags.get(candidates.tag)) : null;
    return this.every.filter((point) => {
      if (out.has(point)) return false;
      if (candidates.from === "selection") return selection.has(point);
      if (tagged) return tagged.has(point);
      return candidates.from !== "filter" || !filtered || has(filtered, point);
    });
  }

  private select(id: number, op: Of<"select">["op"], points: readonly number[]): void {
    if (op === "replace" || op === "clear") this.selection = new Set(points);
    for (const point of points) {
      if (op === "remove") this.selection.delete(point);
      else this.selection.add(point);
    }
    this.saySelection(id);
    this.say(id, { kind: "ok" });
  }

  private lasso(polygon: ArrayRef, buffers: DataView[]): number[] {
    const held = inside(this.world, decodeAs(Float32Array, polygon, buffers));
    return this.every.filter((point) => held[point]);
  }

  private saySelection(id: number): void {
    const bits = bitsOf(this.selection, this.options.n);
    this.say(id, { kind: "mask", mask: "selection", count: this.selection.size, bits: u8(bits) }, [bits], false);
  }

  private filter(request: Of<"filter">): void {
    this.replay(request);
    [this.filterMask] = answersTo(request, this.options.n);
    const { filter } = this.heard.findLast(({ id }) => id === request.id) as Of<"filter">;
    this.setFromPython("filter", filter);
  }

  private label(request: Of<"label" | "undo_label">): void {
    const undone = request.kind === "undo_label";
    if (undone) this.labeled.pop();
    else this.labeled.push(request);
    const count = undone ? 1 : (request.points?.length ?? this.selection.size);
    const [source, class_name] = undone ? ["my labels", null] : [request.source, request.class_name];
    this.say(request.id, { kind: "labeled", source, class_name, count, can_undo: this.labeled.length > 0 });
  }

  private title(point: number): string {
    const { hostile, media } = this.options;
    if (hostile.length > 0) return hostile[point % hostile.length];
    return media === "text" ? textOf(this.world, point) : titleOf(point);
  }

  /** Pictures are drawn in the page, which also fills in what differs from sample to sample: 4,000 are too many to keep. */
  private async pictures(request: Of<"detail" | "thumbnails">): Promise<void> {
    const { world, names } = this;
    const isText = this.options.media === "text";
    const text = (point: number) => (isText ? textOf(world, point) : null);
    const draw = (point: number, size: number) => (isText ? null : picture(world, point, size));
    if (request.kind === "detail") {
      const { point } = request;
      const image = await draw(point, 160);
      const [{ body }] = answersTo(request, world.n);
      const labels = [world.classes[world.group[point]]];
      const tags = [...world.tags].filter(([, points]) => points.includes(point)).map(([tag]) => tag);
      const own = { point, sample_id: `id-${point}`, text: text(point), labels, tags, thumbnail: image && u8(image) };
      const named = names.said({ ...body, ...own, mime: "image/png" } as typeof body);
      this.say(request.id, { ...named, title: this.title(point) } as typeof body, image ? [image] : []);
      return;
    }
    const { points } = request;
    const images = await Promise.all(points.map((point) => draw(point, request.size)));
    const sent = images.filter((image) => image !== null);
    const refs = images.map((image) => (image ? { ...u8(image), buffer: sent.indexOf(image) } : null));
    const titles = points.map((point) => this.title(point));
    const mime = "image/png";
    this.say(request.id, { kind: "thumbnails", points, images: refs, texts: points.map(text), titles, mime }, sent);
  }

  /** The next samples in order: any point may be asked about, and any text. */
  private near({ kind, id, k, point }: Of<"neighbors" | "find">): void {
    const { n } = this.options;
    const first = point ?? 0;
    const next = Uint32Array.from({ length: Math.min(k, n - 1) }, (_, at) => (first + 1 + at) % n);
    const far = Float32Array.from(next, (_, at) => at / k);
    const [points, values] = [u32(0, next.length), f32(1, next.length)];
    if (kind === "find") this.say(id, { kind: "found", points, scores: values }, [next, far]);
    else this.say(id, { kind: "neighbors", point: first, points, distances: values }, [next, far]);
  }

  private get every(): number[] {
    return Array.from({ length: this.world.n }, (_, point) => point);
  }

  private tag(name: string, points: readonly number[]): number {
    const held = [...new Set(points)];
    this.world.tags.set(name, held);
    this.setFromPython("info", this.info());
    return held.length;
  }

  private save({ id, name, grow, replace, n_samples_to_select: n }: Of<"save_tag">): void {
    const { now } = this.samples;
    const before = replace ? [] : (this.world.tags.get(name) ?? []);
    if (before.length > 0 && !grow) {
      this.say(id, about(RECORDING.tag.refused, "diverse-100", name));
      return;
    }
    const count = this.tag(name, [...before, ...(now.spec?.pinned ?? []), ...now.points.slice(0, n)]);
    this.say(id, { ...RECORDING.tag.saved, tag: name, count } as typeof RECORDING.tag.saved);
  }

  private export({ id, path, overwrite, n_samples_to_select: count }: Of<"export">): void {
    const { refused, exported } = RECORDING.files;
    const free = overwrite || !this.files.has(path);
    this.files.add(path);
    this.say(id, { ...about(free ? exported : refused, "diverse-100.csv", path), ...(free && { count }) });
  }
}
