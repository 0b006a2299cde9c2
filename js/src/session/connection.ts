/**
 * The tie to the kernel: requests and their answers, and whether anybody answers.
 *
 * Opening says `hello`; so does a gap in the numbers of the messages, once for many gaps. Silence after a request, or
 * a closed connection, shows as the status until the next message.
 */
import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { type Ask, type Message, type MessageOf, PROTOCOL } from "../protocol";
import { type Model, type Reply, Wire, WireError } from "../wire";
import { Errors } from "./errors";
import { Timers } from "./timers";

/** `silent`: no answer for some seconds (busy, or not running). `gone`: the connection to the kernel was closed. */
export type Status = "connecting" | "ready" | "silent" | "gone";

/** Several moments within one gap make one `hello`. */
const RESYNC_MS = 200;

/** What goes into the message's only buffer. */
type Data = ArrayBufferView<ArrayBuffer>;

export interface ConnectionEvents {
  /** Every message in order, also those that answer a request. */
  message(reply: Reply): void;
  /** A `hello` was sent. `lost`: because messages were lost, and not because a view of the kernel begins. */
  greeted(lost: boolean): void;
  /** The kernel has answered `hello`, and still works on `running`. */
  welcomed(hello: number, running: readonly number[]): void;
  /** Whether there is something to show while the kernel is silent. */
  hasPoints(): boolean;
}

export class Connection {
  readonly status: Signal<Status> = signal<Status>("connecting");
  readonly gone: ReadonlySignal<boolean> = computed(() => this.status.value === "gone");
  readonly errors = new Errors();
  readonly timers = new Timers();
  private readonly wire: Wire;
  private helloId: number | null = null;
  private helloAgain = false;

  constructor(
    private readonly model: Model,
    private readonly silentAfterMs: number,
    private readonly events: ConnectionEvents,
  ) {
    this.wire = new Wire(model, { message: (reply) => events.message(reply), gap: () => this.resync() });
    model.on("comm_live_update", this.reopened);
    if (!isLive(model)) this.status.value = "gone";
  }

  close(): void {
    this.errors.close();
    this.timers.close();
    this.model.off("comm_live_update" as "msg:custom", this.reopened);
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
      this.errors.report(error);
      throw error;
    }
  }

  /** As `ask`, for an action whose outcome shows by itself: true when it worked. */
  async act(ask: Ask, data?: Data): Promise<boolean> {
    return this.ask(ask, data).then(
      () => true,
      () => false,
    );
  }

  /** As `ask`, for an answer of a known kind. */
  async result<K extends Message["kind"]>(kind: K, ask: Ask, data?: Data): Promise<MessageOf<K> & { reply: Reply }> {
    const reply = await this.ask(ask, data);
    if (reply.message.kind !== kind) {
      throw new WireError("ProtocolError", `expected an answer of kind ${kind}, got ${reply.message.kind}`);
    }
    return { ...(reply.message as MessageOf<K>), reply };
  }

  /** Whether an id was given here, and not in another browser tab. */
  isOurs(id: number | null): id is number {
    return this.wire.isOurs(id);
  }

  // Whether anybody answers ------------------------------------------------------------------------------------------

  hello(lost = false): void {
    const { id, reply } = this.start({ kind: "hello", protocol: PROTOCOL, lost });
    this.helloId = id;
    reply.catch((error) => {
      if (this.helloId === id) this.helloId = null;
      this.errors.report(error);
    });
    this.events.greeted(lost);
  }

  /** Takes the answer to `hello`, unless it is another tab's. */
  welcomed(message: MessageOf<"ready">): void {
    if (message.id === null || message.id !== this.helloId) return;
    this.helloId = null;
    this.status.value = "ready";
    this.wire.rejectLost(message.id, message.running);
    this.events.welcomed(message.id, message.running);
    if (this.helloAgain) {
      this.helloAgain = false;
      this.resync();
    }
  }

  /** Something was lost on the way: asks for all of it again. */
  resync(): void {
    if (this.helloId !== null) this.helloAgain = true;
    else this.timers.later("hello", RESYNC_MS, () => this.hello(true));
  }

  heard(): void {
    this.timers.cancel("silent");
    if (this.status.peek() === "silent" || this.status.peek() === "gone") {
      this.status.value = this.events.hasPoints() ? "ready" : "connecting";
    }
  }

  private watchSilence(): void {
    this.timers.later("silent", this.silentAfterMs, () => {
      if (this.status.peek() !== "gone") this.status.value = "silent";
    });
  }

  /** ipywidgets closed or reopened the connection: only an answer shows which. */
  private readonly reopened = (): void => {
    this.status.value = "gone";
    this.helloId = null;
    this.hello();
  };
}

/**
 * A model that a saved notebook brought back has no kernel, and no event says so. anywidget hands on no more than
 * `set`, which (as in every Backbone model) returns the model itself; other hosts return nothing and count as live.
 */
function isLive(model: Model): boolean {
  const itself = model.set("height", model.get("height")) as unknown as { comm_live?: boolean } | undefined;
  return itself?.comm_live !== false;
}
