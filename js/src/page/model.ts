/** The model that the widget sees, as anywidget hands it over: traits, and messages both ways. */
import type { Request, Traits } from "../protocol";
import type { Said } from "./data";

type Listener = (...values: unknown[]) => void;
export type Answer = (request: Request, buffers: readonly DataView[]) => unknown;

export class PageModel {
  private readonly listeners = new Map<string, Set<Listener>>();
  private seq = 0;
  /** What answers requests. */
  answer: Answer = () => undefined;

  constructor(private readonly traits: Traits) {}

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

  send(request: Request, _callbacks?: unknown, buffers: readonly DataView[] = []): void {
    queueMicrotask(() => this.answer(request, buffers));
  }

  /** A message of the kernel; `id`: the request that it is the last answer to. */
  say(message: Said, buffers: readonly DataView[] = [], id: number | null = null): void {
    this.emit("msg:custom", { ...message, seq: this.seq++, id, done: id !== null }, buffers);
  }

  private emit(event: string, ...values: unknown[]): void {
    for (const listener of [...(this.listeners.get(event) ?? [])]) listener(...values);
  }
}
