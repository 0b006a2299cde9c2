/** Labels given by hand: one class per sample, in a source of one's own. */
import { type Signal, signal } from "@preact/signals";
import type { PointIndex } from "../flags";
import type { Connection } from "./connection";

export class Labels {
  /** The source that labels go to. */
  readonly source: Signal<string> = signal("my labels");
  readonly canUndo: Signal<boolean> = signal(false);
  /** What was just labeled, for people to read. */
  readonly last: Signal<string | null> = signal(null);

  constructor(
    private readonly connection: Connection,
    /** Labels were written: what is colored or described by them is out of date. */
    private readonly written: () => void,
  ) {}

  /** Gives points (null: those that are selected) a class, or takes theirs away. */
  give(className: string | null, points: readonly PointIndex[] | null): Promise<boolean> {
    const source = this.source.peek();
    return this.take({ kind: "label", source, class_name: className, points: points && [...points] });
  }

  undo(): Promise<boolean> {
    return this.take({ kind: "undo_label" });
  }

  private take(ask: Parameters<Connection["result"]>[1]): Promise<boolean> {
    return this.connection.result("labeled", ask).then(
      ({ class_name, count, can_undo }) => {
        this.canUndo.value = can_undo;
        const samples = `${count} ${count === 1 ? "sample" : "samples"}`;
        const undone = ask.kind === "undo_label";
        this.last.value = undone ? `Undone for ${samples}` : `${samples}: ${class_name ?? "no label"}`;
        this.written();
        return true;
      },
      () => false, // a toast says why
    );
  }
}
