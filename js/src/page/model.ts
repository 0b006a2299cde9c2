/** The model that the widget sees, as anywidget hands it over: traits, and messages both ways. */
import type { Message, Request, Traits } from "../protocol";
import type { Said } from "./data";

type Listener = (...values: unknown[]) => void;
export type Answer = (request: Request, buffers: readonly DataView[]) => unknown;

/** A model that lives in the page: its traits, and who listens. */
export abstract class LocalModel {
  abstract readonly traits: Traits;
  protected readonly listeners = new Map<string, Set<Listener>>();
  private seq = 0;

  get<K extends keyof Traits>(key: K): Traits[K] {
    return this.traits[key];
  }

  set<K extends keyof Traits>(key: K, value: Traits[K]): void {
    this.traits[key] = value;
    this.emit(`change:${key}`);
  }

  save_changes(): void {}

  on(event: string, listener: Listener): void {
    this.listeners.set(event, (this.listeners.get(event) ?? new Set()).add(listener));
  }

  off(event?: string | null, listener?: Listener | null): void {
    if (event && listener) this.listeners.get(event)?.delete(listener);
  }

  abstract send(request: Request, callbacks?: unknown, buffers?: DataView[]): void;

  protected tell(message: Omit<Message, "seq">, buffers: readonly DataView[]): void {
    this.emit("msg:custom", { ...message, seq: this.seq++ }, buffers);
  }

  private emit(event: string, ...values: unknown[]): void {
    for (const listener of [...(this.listeners.get(event) ?? [])]) listener(...values);
  }
}

export class PageModel extends LocalModel {
  /** What answers requests. */
  answer: Answer = () => undefined;

  constructor(readonly traits: Traits) {
    super();
  }

  send(request: Request, _callbacks?: unknown, buffers: readonly DataView[] = []): void {
    queueMicrotask(() => this.answer(request, buffers));
  }

  /** A message of the kernel; `id`: the request that it is the last answer to. */
  say(message: Said, buffers: readonly DataView[] = [], id: number | null = null): void {
    this.tell({ ...message, id, done: id !== null }, buffers);
  }
}
