/** The model that anywidget hands over, kept in the page, and what was sent over it. */
import type { Said } from "../src/page/data";
import { LocalModel } from "../src/page/model";
import type { ArrayRef, Request, Traits } from "../src/protocol";

type Column = Float32Array | Uint32Array | Uint8Array;

export abstract class MockModel extends LocalModel {
  /** Requests as they came, for tests to count. */
  readonly heard: Request[] = [];
  /** Bytes in the buffers of the last request that had any. */
  lastBuffer: Uint8Array | null = null;

  /** The kernel takes a request. */
  protected abstract take(request: Request, buffers: DataView[]): void;

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

  say(id: number | null, body: Said, arrays: readonly Column[] = [], done = true): void {
    const buffers = arrays.map((array) => new DataView(array.slice().buffer));
    this.tell({ ...body, id, done }, buffers);
  }
}

const ref =
  (dtype: ArrayRef["dtype"]) =>
  (buffer: number, length: number): ArrayRef => ({ buffer, dtype, shape: [length] });
export const f32 = ref("f32");
export const u32 = ref("u32");
export const u8 = (array: Uint8Array): ArrayRef => ref("u8")(0, array.length);
