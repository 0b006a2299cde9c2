/**
 * Requests out, messages in: ids, sequence numbers, promises. One per model, so a widget shown twice still has one router.
 *
 * A message whose `seq` is not the next one means that some were dropped on the way (servers do, above a rate): `gap` is
 * called and the connection says `hello`, whose last answer tells which requests are still being worked on.
 */
import type { AnyModel } from "@anywidget/types";
import type { ArrayRef, Ask, Message, Traits } from "./protocol";

export type Model = AnyModel<Traits>;
export type NumberArray = Uint8Array | Uint16Array | Uint32Array | Float32Array;
export interface Reply {
  message: Message;
  buffers: readonly DataView[];
}

/** What the kernel answered instead of a result, or why no answer will come. */
export class WireError extends Error {
  constructor(
    readonly error: string,
    message: string,
    /** How many candidates lack a value of which metadata key, where that is the reason. */
    readonly missing: { key: string; count: number } | null = null,
  ) {
    super(message);
    this.name = "WireError";
  }
}

const TYPES = { u8: Uint8Array, u16: Uint16Array, u32: Uint32Array, f32: Float32Array } as const;

/** The array that `ref` names: a view where it is aligned, otherwise a copy. */
export function decode(ref: ArrayRef, buffers: readonly DataView[]): NumberArray {
  const type = TYPES[ref.dtype];
  const view = buffers[ref.buffer];
  const length = ref.shape.reduce((product, size) => product * size, 1);
  if (type === undefined || view === undefined || view.byteLength !== length * type.BYTES_PER_ELEMENT) {
    throw new WireError("ProtocolError", `buffer ${ref.buffer} does not hold ${length} values of ${ref.dtype}`);
  }
  if (view.byteOffset % type.BYTES_PER_ELEMENT === 0) {
    return new type(view.buffer as ArrayBuffer, view.byteOffset, length);
  }
  return new type(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength) as ArrayBuffer);
}

/** As `decode`, for a caller that knows the type it needs. */
export function decodeAs<T extends NumberArray>(
  type: { new (length: number): T },
  ref: ArrayRef,
  buffers: readonly DataView[],
): T {
  const array = decode(ref, buffers);
  if (array instanceof type) return array;
  throw new WireError("ProtocolError", `expected ${type.name}, got ${ref.dtype}`);
}

interface Waiting {
  ask: Ask;
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

export interface WireEvents {
  /** Every message in order, also those that answer a request. */
  message(reply: Reply): void;
  gap(): void;
}

export class Wire {
  private readonly first: number;
  private next: number;
  private expected: number | null = null;
  private readonly waiting = new Map<number, Waiting>();

  constructor(
    private readonly model: Model,
    private readonly events: WireEvents,
    firstId = Math.floor(Math.random() * 2 ** 32) * 2 ** 16,
  ) {
    // Two browser tabs hear one kernel: ids start at random so that neither takes the other's answers.
    this.first = this.next = firstId;
    model.on("msg:custom", this.receive);
  }

  /** The promise holds the last message that answers the request; an error answer rejects it. */
  start(ask: Ask, data?: ArrayBufferView<ArrayBuffer>): { id: number; reply: Promise<Reply> } {
    const id = this.next++;
    const reply = new Promise<Reply>((resolve, reject) => this.waiting.set(id, { ask, resolve, reject }));
    // A DataView and not the array itself: ipywidgets hands bytes on as they are, whatever the array's type.
    const buffers = data ? [new DataView(data.buffer, data.byteOffset, data.byteLength)] : [];
    try {
      this.model.send({ ...ask, id }, undefined, buffers);
    } catch (error) {
      this.waiting.get(id)?.reject(new WireError("Gone", `The connection to the kernel is closed (${error}).`));
      this.waiting.delete(id);
    }
    return { id, reply };
  }

  isOurs(id: number | null): boolean {
    return id !== null && id >= this.first && id < this.next;
  }

  isWaiting(id: number): boolean {
    return this.waiting.has(id);
  }

  /** Requests made before `hello` that the kernel neither answered nor still works on: their answers were lost. */
  rejectLost(hello: number, running: readonly number[]): void {
    for (const [id, waiting] of this.waiting) {
      if (id < hello && !running.includes(id)) {
        this.waiting.delete(id);
        waiting.reject(new WireError("Lost", "The answer was lost on the way; please try again."));
      }
    }
  }

  close(reason: string): void {
    this.model.off("msg:custom", this.receive);
    for (const waiting of this.waiting.values()) waiting.reject(new WireError("Closed", reason));
    this.waiting.clear();
  }

  private readonly receive = (message: Message, raw: readonly (DataView | ArrayBuffer)[] = []): void => {
    if (typeof message?.kind !== "string" || typeof message.seq !== "number") return; // not ours: anywidget's own
    const gap = this.expected !== null && message.seq !== this.expected;
    this.expected = message.seq + 1;
    const reply = { message, buffers: raw.map((part) => (part instanceof DataView ? part : new DataView(part))) };
    const waiting = message.id === null ? undefined : this.waiting.get(message.id);
    if (message.done && message.id !== null) this.waiting.delete(message.id);
    try {
      this.events.message(reply);
    } catch (error) {
      waiting?.reject(error as Error);
      throw error;
    }
    if (waiting && message.done) {
      if (message.kind === "error")
        waiting.reject(new WireError(message.error, message.message, message.missing ?? null));
      else waiting.resolve(reply);
    }
    if (gap) this.events.gap();
  };
}
