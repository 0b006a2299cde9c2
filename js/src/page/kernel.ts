/**
 * The kernel of a page that has none: says again what the real one said when the page was made, and works out lassos
 * and comparisons itself. What needs the dataset is answered with a sentence.
 */
import { writeMask, writePoints } from "../flags";
import type { ArrayRef, ColorBy, MessageOf, Request } from "../protocol";
import { same } from "../session/same";
import { decodeAs } from "../wire";
import type { PageData, Recorded, RecordedSample, Said } from "./data";
import type { PageModel } from "./model";
import { PageSamples } from "./samples";
import { combined, inside, type Plane, packed } from "./selection";

const NO_KERNEL = "This page has no kernel. Run the code of the Recipe tab in a notebook to go on from here.";
const NO_COLORS = "These colors are not in this page; give them to to_html(colorings=…) when it is made.";

export class PageKernel {
  private readonly samples: PageSamples;
  private readonly plane: Plane;
  private readonly shown: Uint8Array | null;
  private selected: Uint8Array;
  private a: RecordedSample | null;
  private b: RecordedSample | null;
  private compared: number;

  constructor(
    private readonly data: PageData,
    private readonly model: PageModel,
  ) {
    this.samples = new PageSamples(data);
    this.plane = planeOf(data.map);
    const n = this.plane.x.length;
    this.shown = maskOf(data.map, "filter", n);
    this.selected = maskOf(data.map, "selection", n) ?? new Uint8Array(n);
    this.a = data.a;
    this.b = data.b;
    this.compared = data.n_compared;
  }

  readonly answer = (request: Request, buffers: readonly DataView[]): unknown => {
    const { id } = request;
    switch (request.kind) {
      case "hello":
        return this.hello(id);
      case "colors":
        return this.replay(colorsOf(this.data.colors, request.color_by)?.replies, id, NO_COLORS);
      case "clusters":
        return this.replay(one(colorsOf(this.data.clusters, request.color_by)?.reply), id, NO_COLORS);
      case "select":
        if (request.op === "invert")
          return this.select(
            id,
            "replace",
            this.selected.map((held) => 1 - held),
          );
        return this.select(id, request.op, this.lasso(request.polygon, buffers));
      case "select_points": {
        const chosen = new Uint8Array(this.selected.length);
        writePoints(chosen, 1, request.points, true);
        return this.select(id, request.op, chosen);
      }
      case "detail":
        return this.replay(one(this.samples.detail(request.point)), id);
      case "thumbnails":
        return this.replay(one(this.samples.thumbnails(request.points)), id);
      case "metrics":
        return this.replay(one(this.metrics(request)), id, "This page does not hold these figures.");
      case "recipe":
        return this.recipe(request);
      case "compare":
        return this.compare(id, request.op);
      case "cancel":
        return this.model.say({ kind: "ok" }, [], id);
      default:
        return this.refuse(id, NO_KERNEL);
    }
  };

  private refuse(id: number, message: string): void {
    this.model.say({ kind: "error", error: "NoKernel", message }, [], id);
  }

  /** Recorded messages, the last as the answer. */
  private replay(replies: Recorded[] | undefined, id: number, otherwise = NO_KERNEL): unknown {
    if (replies === undefined) return this.refuse(id, otherwise);
    replies.forEach(({ message, buffers }, at) => {
      this.model.say(message, buffers, at === replies.length - 1 ? id : null);
    });
  }

  private hello(id: number): void {
    for (const { message, buffers } of this.data.map) this.model.say(message, buffers);
    this.showSelection();
    this.showCompared();
    if (this.a !== null) this.show(this.a);
    this.model.say({ kind: "ready", running: [] }, [], id);
  }

  private show({ picks, sampled }: RecordedSample): void {
    for (const { message, buffers } of picks) this.model.say({ ...message, slot: "A" }, buffers);
    this.model.say(sampled.message, sampled.buffers);
  }

  private showSelection(): void {
    const bits = packed(this.selected);
    const count = this.selected.reduce((sum, held) => sum + held, 0);
    const ref: ArrayRef | null = count > 0 ? { buffer: 0, dtype: "u8", shape: [bits.length] } : null;
    this.model.say({ kind: "mask", mask: "selection", count, bits: ref }, ref ? [new DataView(bits.buffer)] : []);
  }

  private lasso(polygon: ArrayRef | null | undefined, buffers: readonly DataView[]): Uint8Array | null {
    return polygon ? inside(this.plane, decodeAs(Float32Array, polygon, buffers)) : null;
  }

  private select(id: number, op: "replace" | "add" | "remove" | "clear", chosen: Uint8Array | null): void {
    const { shown } = this;
    if (op === "clear" || chosen === null) this.selected = new Uint8Array(this.selected.length);
    else this.selected = combined(this.selected, shown ? chosen.map((held, at) => held & shown[at]) : chosen, op);
    this.showSelection();
    this.model.say({ kind: "ok" }, [], id);
  }

  /** Those of the nearest count that was recorded. */
  private metrics({ source, metadata, n_samples_to_select: n }: Extract<Request, { kind: "metrics" }>) {
    const known = this.a?.metrics.filter((entry) => entry.source === source && entry.metadata === metadata) ?? [];
    const off = (entry: (typeof known)[number]) => Math.abs(entry.reply.message.n - n);
    return known.toSorted((one, other) => off(one) - off(other))[0]?.reply;
  }

  private recipe({ id, n_samples_to_select: n, tag }: Extract<Request, { kind: "recipe" }>): unknown {
    if (this.a === null) return this.refuse(id, "No sample was made for this page.");
    const code = this.a.recipe.replace(/(\n {4}n_samples_to_select=)\d+/, (_, name) => `${name}${n}`);
    this.model.say({ kind: "recipe", code: `${code}result.save_as(${JSON.stringify(tag)})\n` }, [], id);
  }

  // Comparing --------------------------------------------------------------------------------------------------------

  private compare(id: number, op: "keep" | "clear" | "swap"): void {
    const n = Math.min(this.model.get("n_samples_to_select"), this.a?.sampled.message.n ?? 0);
    if (op === "swap") [this.a, this.b] = [this.b, this.a];
    else this.b = op === "keep" ? this.a : null;
    this.compared = this.b === null ? 0 : n;
    if (op === "swap" && this.a !== null) {
      this.model.set("n_samples_to_select", this.a.sampled.message.n);
      this.show(this.a);
    }
    this.showCompared();
    this.model.say({ kind: "ok" }, [], id);
  }

  /** The first picks of B. */
  private showCompared(): unknown {
    const none: Said<MessageOf<"picks">> = {
      kind: "picks",
      slot: "B",
      offset: 0,
      points: { buffer: 0, dtype: "u32", shape: [0] },
      gains: { buffer: 1, dtype: "f32", shape: [0] },
      fraction: 1,
    };
    const empty = new DataView(new ArrayBuffer(0));
    if (this.b === null) return this.model.say(none, [empty, empty]);
    for (const { message, buffers } of this.b.picks) {
      const n = Math.max(0, Math.min(message.points.shape[0], this.compared - message.offset));
      const cut = { ...message, points: { ...message.points, shape: [n] }, gains: { ...message.gains, shape: [n] } };
      const views = buffers.map((view) => new DataView(view.buffer, view.byteOffset, 4 * n));
      this.model.say({ ...cut, slot: "B" }, views);
    }
  }
}

const one = <R>(reply: R | undefined): R[] | undefined => (reply === undefined ? undefined : [reply]);

function colorsOf<E extends { color_by: ColorBy }>(all: E[], by: ColorBy): E | undefined {
  return all.find((entry) => same(entry.color_by, by));
}

const isPositions = (said: Recorded): said is Recorded<MessageOf<"positions">> => said.message.kind === "positions";

function planeOf(map: Recorded[]): Plane {
  const parts = map.filter(isPositions);
  const total = parts[0]?.message.total ?? 0;
  const plane = { x: new Float32Array(total), y: new Float32Array(total) };
  for (const { message, buffers } of parts) {
    plane.x.set(decodeAs(Float32Array, message.x, buffers), message.offset);
    plane.y.set(decodeAs(Float32Array, message.y, buffers), message.offset);
  }
  return plane;
}

function maskOf(map: Recorded[], name: "filter" | "selection", n: number): Uint8Array | null {
  for (const { message, buffers } of map) {
    if (message.kind !== "mask" || message.mask !== name || message.bits === null) continue;
    const held = new Uint8Array(n);
    writeMask(held, 1, decodeAs(Uint8Array, message.bits, buffers));
    return held;
  }
  return null;
}
