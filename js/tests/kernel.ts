/** A stand-in for anywidget's model and for the kernel behind it: keeps traits, records what is sent, says what it is told. */
import type { ArrayRef, Info, Message, Request, Traits } from "../src/protocol";
import type { Model } from "../src/wire";

export const INFO: Info = {
  protocol: 1,
  session: "s",
  dataset: "test",
  n_samples: 10,
  media: "none",
  embedding_models: ["m"],
  projections: ["pca"],
  projection_notes: {},
  tags: [],
  sources: [],
  metadata: [],
  fields: [],
  unusable: {},
  can_find_text: false,
  no_find_image: null,
};

const TRAITS: Traits = {
  n_samples_to_select: 3,
  strategies: [{ type: "diversity", strength: 1 }],
  limits: [],
  candidates: { from: "all" },
  preselected_tag_name: null,
  filter: null,
  color_by: { by: "none" },
  hovered: null,
  viewport: null,
  height: 560,
  info: INFO,
};

type Listener = (...args: unknown[]) => void;
type Body = Record<string, unknown> & { kind: Message["kind"] };

export class Kernel {
  readonly traits: Traits;
  readonly sent: Request[] = [];
  /** Those of the last request. */
  buffers: DataView[] = [];
  readonly saved: Partial<Traits>[] = [];
  /** Set to make `send` throw, as a closed connection does. */
  broken = false;
  private readonly listeners = new Map<string, Set<Listener>>();
  private changed: Partial<Traits> = {};
  private seq = 0;

  constructor(traits: Partial<Traits> = {}) {
    this.traits = structuredClone({ ...TRAITS, ...traits });
  }

  get model(): Model {
    return {
      get: (name: keyof Traits) => this.traits[name],
      set: (name: keyof Traits, value: never) => {
        if (this.traits[name] === value) return;
        this.changed[name] = value;
        this.traits[name] = value;
        this.trigger(`change:${name}`);
      },
      save_changes: () => {
        this.saved.push(this.changed);
        this.changed = {};
      },
      send: (content: Request, _callbacks?: unknown, buffers: DataView[] = []) => {
        if (this.broken) throw new Error("disposed");
        this.sent.push(content);
        this.buffers = buffers;
      },
      on: (event: string, listener: Listener) => {
        if (!this.listeners.has(event)) this.listeners.set(event, new Set());
        this.listeners.get(event)?.add(listener);
      },
      off: (event: string, listener: Listener) => {
        this.listeners.get(event)?.delete(listener);
      },
    } as unknown as Model;
  }

  get listenerCount(): number {
    return [...this.listeners.values()].reduce((sum, set) => sum + set.size, 0);
  }

  trigger(event: string, ...args: unknown[]): void {
    for (const listener of this.listeners.get(event) ?? []) listener(...args);
  }

  /** A trait changed in Python. */
  change<K extends keyof Traits>(name: K, value: Traits[K]): void {
    this.traits[name] = value;
    this.trigger(`change:${name}`);
  }

  /** A message; typed arrays in the body go into buffers. */
  say(body: Body, id: number | null = null, done = false): void {
    const buffers: DataView[] = [];
    const fields = Object.entries(body).map(([name, value]) => [name, pack(value, buffers)]);
    this.trigger("msg:custom", { ...Object.fromEntries(fields), seq: ++this.seq, id, done }, buffers);
  }

  /** A message that the server dropped. */
  lose(): void {
    this.seq++;
  }

  of<K extends Request["kind"]>(kind: K): Extract<Request, { kind: K }>[] {
    return this.sent.filter((request): request is Extract<Request, { kind: K }> => request.kind === kind);
  }

  last<K extends Request["kind"]>(kind: K): Extract<Request, { kind: K }> {
    const found = this.of(kind).at(-1);
    if (!found) throw new Error(`no ${kind} was sent`);
    return found;
  }

  /** Answers the newest `hello`. */
  welcome(running: number[] = []): void {
    this.say({ kind: "ready", running }, this.last("hello").id, true);
  }

  picks(rows: number[], { id = null, offset = 0, slot = "A", fraction = 1 }: Partial<PicksOptions> = {}): void {
    const gains = Float32Array.from(rows, (_, index) => rows.length - index);
    this.say({ kind: "picks", slot, offset, points: Uint32Array.from(rows), gains, fraction }, id);
  }

  sampled(n: number, id: number | null, more: Record<string, unknown> = {}): void {
    const body = {
      n,
      before: new Uint32Array(0),
      requested: n,
      n_candidates: 10,
      stop_reason: "complete",
      message: `selected ${n}`,
      seconds: 0.1,
      warnings: [],
      cancelled: false,
      can_undo: true,
      can_redo: false,
      spec: null,
    };
    this.say({ kind: "sampled", ...body, ...more }, id, id !== null);
  }
}

interface PicksOptions {
  id: number | null;
  offset: number;
  slot: "A" | "B";
  fraction: number;
}

const NAMES = { Uint8Array: "u8", Uint16Array: "u16", Uint32Array: "u32", Float32Array: "f32" } as const;

function pack(value: unknown, buffers: DataView[]): unknown {
  if (!ArrayBuffer.isView(value)) return value;
  const array = value as Uint8Array;
  // Not at the start of its memory, as parts of one network frame are.
  const frame = new Uint8Array(array.byteLength + 3);
  frame.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), 3);
  buffers.push(new DataView(frame.buffer, 3, array.byteLength));
  const dtype = NAMES[array.constructor.name as keyof typeof NAMES];
  return { buffer: buffers.length - 1, dtype, shape: [array.length] } satisfies ArrayRef;
}
