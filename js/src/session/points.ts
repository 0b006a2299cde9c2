/** Where the points are: positions as they come in parts, and the projection that is asked for. */
import { type Signal, signal } from "@preact/signals";
import type { MessageOf } from "../protocol";
import { decodeAs } from "../wire";
import type { Connection } from "./connection";

export interface Positions {
  x: Float32Array;
  y: Float32Array;
  projection: string;
  /** Glide from the positions before. */
  animate: boolean;
}

export class Points {
  readonly positions: Signal<Positions | null> = signal(null);
  /** The projection asked for, until it is there. */
  readonly wanted: Signal<string | null> = signal(null);
  private incoming: { x: Float32Array; y: Float32Array } | null = null;

  constructor(
    private readonly connection: Connection,
    /** Another projection is shown: a box of the old positions says nothing about the new ones. */
    private readonly moved: () => void,
  ) {}

  take(message: MessageOf<"positions">, buffers: readonly DataView[]): void {
    const { offset, total } = message;
    if (offset === 0) this.incoming = { x: new Float32Array(total), y: new Float32Array(total) };
    const to = this.incoming;
    if (to === null || to.x.length !== total) return; // a part whose first one was lost: the resync brings all again
    to.x.set(decodeAs(Float32Array, message.x, buffers), offset);
    to.y.set(decodeAs(Float32Array, message.y, buffers), offset);
    if (!message.last) return;
    this.incoming = null;
    this.positions.value = { ...to, projection: message.projection, animate: message.animate };
  }

  /** Shows another projection, when it has been computed. */
  async show(name: string): Promise<void> {
    this.wanted.value = name;
    const shown = await this.connection.act({ kind: "projection", name });
    if (this.wanted.peek() !== name) return; // another was chosen meanwhile
    this.wanted.value = null;
    if (shown) this.moved();
  }

  /** Gives up the projection that is being computed. */
  async keep(): Promise<void> {
    const shown = this.positions.peek()?.projection;
    if (shown === undefined) return;
    this.wanted.value = null;
    await this.connection.act({ kind: "projection", name: shown });
  }
}
