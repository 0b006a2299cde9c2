/**
 * The store's tie to the kernel: requests, errors in words, and whether anybody answers.
 *
 * Opening says `hello`; so does a gap in the numbers of the messages, once for many gaps. Silence after a request, or
 * a closed connection, is said in words and forgotten with the next message.
 */
import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { type Ask, type Message, type MessageOf, PROTOCOL } from "./protocol";
import type { Status, Toast } from "./shapes";
import { type Model, type Reply, Wire, WireError } from "./wire";

const SILENT_AFTER_MS = 6_000;
const SAVE_EVERY_MS = 100;
const LIVE_EVERY_MS = 150;
const MAX_TOASTS = 5;

export const STATUS_WORDS: Record<Exclude<Status, "ready">, string> = {
  connecting: "Asking the kernel for the points …",
  silent:
    "No answer from the kernel: it is busy with a cell, or it was restarted or shut down. " +
    "The plot appears when the cell is done; after a restart, run the cell again.",
  gone: "The kernel that this plot belonged to is gone. Run the cell again to bring it back.",
};

export const BUSY_WORDS =
  "No answer from the kernel: it is busy with a cell, or it was restarted or shut down. " +
  "What you asked for comes when the cell is done; after a restart, run the cell again.";

export interface StoreOptions {
  silentAfterMs?: number;
  saveEveryMs?: number;
  liveEveryMs?: number;
}

/** What goes into the message's only buffer. */
type Data = ArrayBufferView<ArrayBuffer>;

export abstract class Connection {
  readonly status: Signal<Status> = signal<Status>("connecting");
  readonly gone: ReadonlySignal<boolean> = computed(() => this.status.value === "gone");
  readonly errors: Signal<readonly Toast[]> = signal<readonly Toast[]>([]);
  protected readonly wire: Wire;
  protected readonly options: Required<StoreOptions>;
  protected readonly cleanups: (() => void)[] = [];
  protected closed = false;
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly tasks = new Map<string, () => void>();
  private toastKey = 0;
  private helloId: number | null = null;
  private helloAgain = false;

  constructor(
    protected readonly model: Model,
    options: StoreOptions,
  ) {
    this.options = {
      silentAfterMs: SILENT_AFTER_MS,
      saveEveryMs: SAVE_EVERY_MS,
      liveEveryMs: LIVE_EVERY_MS,
      ...options,
    };
    this.wire = new Wire(model, { message: (reply) => this.receive(reply), gap: () => this.resync() });
    this.listenTo("comm_live_update", () => this.connectionChanged());
    if (!isLive(model)) this.status.value = "gone";
  }

  protected abstract receive(reply: Reply): void;
  protected abstract hasPoints(): boolean;
  /** The kernel answered `hello`. */
  protected abstract onWelcome(hello: number, running: readonly number[]): void;

  close(): void {
    this.closed = true;
    for (const cleanup of this.cleanups) cleanup();
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.wire.close("The widget was closed.");
  }

  // Requests ---------------------------------------------------------------------------------------------------------

  start(ask: Ask, data?: Data): { id: number; reply: Promise<Reply> } {
    this.watchSilence();
    return this.wire.start(ask, data);
  }

  /** Asks and returns the last answer. An error becomes a toast, and rejects. */
  async ask(ask: Ask, data?: Data): Promise<Reply> {
    try {
      return await this.start(ask, data).reply;
    } catch (error) {
      this.report(error);
      throw error;
    }
  }

  /** As `ask`, for an action whose outcome shows by itself: true when it worked. */
  protected async act(ask: Ask, data?: Data): Promise<boolean> {
    return this.ask(ask, data).then(
      () => true,
      () => false,
    );
  }

  protected async result<K extends Message["kind"]>(
    kind: K,
    ask: Ask,
    data?: Data,
  ): Promise<MessageOf<K> & { reply: Reply }> {
    const reply = await this.ask(ask, data);
    if (reply.message.kind !== kind) {
      throw new WireError("ProtocolError", `expected an answer of kind ${kind}, got ${reply.message.kind}`);
    }
    return { ...(reply.message as MessageOf<K>), reply };
  }

  /** Runs `task` once, at most every `ms`; the last task of a name wins. */
  later(name: string, ms: number, task: () => void): void {
    if (this.closed) return;
    const first = !this.timers.has(name);
    this.tasks.set(name, task);
    if (!first) return;
    const timer = setTimeout(() => {
      this.timers.delete(name);
      this.tasks.get(name)?.();
    }, ms);
    this.timers.set(name, timer);
  }

  protected listenTo(event: string, listener: () => void): void {
    this.model.on(event, listener);
    this.cleanups.push(() => this.model.off(event as "msg:custom", listener));
  }
  // Errors -----------------------------------------------------------------------------------------------------------

  report(error: unknown): void {
    if (this.closed || !(error instanceof Error)) return;
    const kind = error instanceof WireError ? error.error : error.name;
    if (kind === "Cancelled" || kind === "Gone") return; // known: asked for, or said by the status
    const toasts = this.errors.peek().filter((toast) => toast.message !== error.message);
    this.errors.value = [...toasts, { key: ++this.toastKey, error: kind, message: error.message }].slice(-MAX_TOASTS);
  }

  dismiss(key: number): void {
    this.errors.value = this.errors.peek().filter((toast) => toast.key !== key);
  }

  // The connection ---------------------------------------------------------------------------------------------------

  protected hello(lost = false): void {
    const { id, reply } = this.start({ kind: "hello", protocol: PROTOCOL, lost });
    this.helloId = id;
    reply.catch((error) => {
      if (this.helloId === id) this.helloId = null;
      this.report(error);
    });
  }

  protected welcomed(message: MessageOf<"state">): void {
    if (message.id === null || message.id !== this.helloId) return; // another tab's
    this.helloId = null;
    this.status.value = "ready";
    this.wire.rejectLost(message.id, message.running);
    this.onWelcome(message.id, message.running);
    if (this.helloAgain) {
      this.helloAgain = false;
      this.resync();
    }
  }

  protected resync(): void {
    if (this.helloId !== null) this.helloAgain = true;
    else this.later("hello", 200, () => this.hello(true));
  }

  protected heard(): void {
    if (this.timers.has("silent")) {
      clearTimeout(this.timers.get("silent"));
      this.timers.delete("silent");
    }
    if (this.status.peek() === "silent" || this.status.peek() === "gone") {
      this.status.value = !this.hasPoints() ? "connecting" : "ready";
    }
  }

  private watchSilence(): void {
    this.later("silent", this.options.silentAfterMs, () => {
      if (this.status.peek() !== "gone") this.status.value = "silent";
    });
  }

  /** ipywidgets closed or reopened the connection: only an answer shows which. */
  protected connectionChanged(): void {
    this.status.value = "gone";
    this.helloId = null;
    this.hello();
  }
}

/**
 * A model that a saved notebook brought back has no kernel, and no event says so. anywidget hands on no more than
 * `set`, which (as in every Backbone model) returns the model itself; other hosts return nothing and count as live.
 */
function isLive(model: Model): boolean {
  const itself = model.set("height", model.get("height")) as unknown as { comm_live?: boolean } | undefined;
  return itself?.comm_live !== false;
}
