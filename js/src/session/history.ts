/** The way back to earlier samples, and the sample compared with. */
import type { Connection } from "./connection";
import type { Sampling } from "./sampling";

export class History {
  constructor(
    private readonly connection: Connection,
    private readonly sampling: Sampling,
  ) {}

  undo(): Promise<boolean> {
    return this.sampling.paused(() => this.connection.act({ kind: "undo" }));
  }

  redo(): Promise<boolean> {
    return this.sampling.paused(() => this.connection.act({ kind: "redo" }));
  }

  /** A/B: keeps the picks as B, drops B, or swaps the two. */
  compare(op: "keep" | "clear" | "swap"): Promise<boolean> {
    return this.sampling.paused(() => this.connection.act({ kind: "compare", op }));
  }
}
