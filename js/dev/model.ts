/** The model that anywidget hands over, kept in the page: traits, listeners, and what was sent over it. */
import type { ArrayRef, Message, Request, Traits } from "../src/protocol";

type Listener = (...values: never[]) => void;
/** A message without what is added when it is sent. */
export type Body = Message extends infer M
  ? M extends { kind: string }
    ? Omit<M, "seq" | "id" | "done">
    : never
  : never;
type Column = Float32Array | Uint32Array | Uint8Array;

export abstract class MockModel {
  /** Requests as they came, for tests to count. */
  readonly heard: Request[] = [];
  /** Bytes in the buffers of the last request that had any. */
  lastBuffer: Uint8Array | null = null;
  abstract readonly traits: Traits;
  private readonly listeners = new Map<string, Set<Listener>>();
  private seq = 0;

  /** The kernel takes a request. */
  protected abstract take(request: Request, buffers: DataView[]): void;

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
    this.take(content, buffers);
  }

  /** Listeners that are still on: none after everything was closed. */
  get listenerCount(): number {
    return [...this.listeners.values()].reduce((sum, all) => sum + all.size, 0);
  }

  /** As a cell would set it. */
  setFromPython<K extends keyof Traits>(key: K, value: Traits[K]): void {
    this.set(key, value);
  }

  fail(message: string): void {
    this.say(null, { kind: "error", error: "ValueError", message });
  }

  say(id: number | null, body: Body, arrays: readonly Column[] = [], done = true): void {
    const buffers = arrays.map((array) => new DataView(array.slice().buffer));
    this.emit("msg:custom", { ...body, seq: this.seq++, id, done }, buffers);
  }

  private emit(event: string, ...values: unknown[]): void {
    for (const listener of [...(this.listeners.get(event) ?? [])]) (listener as (...all: unknown[]) => void)(...values);
  }
}

const ref =
  (dtype: ArrayRef["dtype"]) =>
  (buffer: number, length: number): ArrayRef => ({ buffer, dtype, shape: [length] });
export const f32 = ref("f32");
export const u32 = ref("u32");
export const u8 = (array: Uint8Array): ArrayRef => ref("u8")(0, array.length);
