/** Which points the filter lets through, and which are selected: the kernel works both out. */
import { type Signal, signal } from "@preact/signals";
import { FLAG, type PointIndex } from "../flags";
import type { FilterDict, MessageOf } from "../protocol";
import { decodeAs } from "../wire";
import type { Connection } from "./connection";
import type { FlagBytes } from "./flag-bytes";

/** A bitset over the points, LSB first; `bits` null = every point for the filter, none for the selection. */
export interface Mask {
  bits: Uint8Array | null;
  count: number;
}

export type SelectOp = "replace" | "add" | "remove";

const NONE: Mask = { bits: null, count: 0 };

export class Masks {
  readonly filter: Signal<Mask> = signal(NONE);
  readonly selection: Signal<Mask> = signal(NONE);

  constructor(
    private readonly connection: Connection,
    private readonly flags: FlagBytes,
    private readonly touched: () => void,
  ) {}

  take(message: MessageOf<"mask">, buffers: readonly DataView[]): void {
    const bits = message.bits && decodeAs(Uint8Array, message.bits, buffers);
    const mask = { bits, count: message.count };
    if (message.mask === "filter") {
      this.filter.value = mask;
      // No bits means that nothing is filtered, so nothing is hidden.
      this.flags.setMask(FLAG.HIDDEN, bits, bits !== null);
    } else if (message.mask === "selection") {
      this.selection.value = mask;
      this.flags.setMask(FLAG.SELECTED, bits);
    } else this.flags.setMask(FLAG.PRESELECTED, bits);
  }

  /** Polygon in data coordinates (x0 y0 x1 y1 …); the kernel answers with the mask of the selection. */
  select(polygon: Float32Array<ArrayBuffer>, op: SelectOp = "replace"): Promise<boolean> {
    this.touched();
    const shape = [polygon.length];
    return this.connection.act({ kind: "select", op, polygon: { buffer: 0, dtype: "f32", shape } }, polygon);
  }

  selectPoints(points: PointIndex[], op: SelectOp = "replace"): Promise<boolean> {
    this.touched();
    return this.connection.act({ kind: "select_points", op, points });
  }

  /** Selects what was not selected, of the filtered. */
  invertSelection(): Promise<boolean> {
    this.touched();
    return this.connection.act({ kind: "select", op: "invert" });
  }

  /** The points of the selection. */
  selected(): PointIndex[] {
    const { bytes } = this.flags;
    return [...bytes.keys()].filter((point) => bytes[point] & FLAG.SELECTED);
  }

  /** Their ids, as many as come in one message. */
  selectedIds(): Promise<MessageOf<"selected_ids">> {
    return this.connection.result("selected_ids", { kind: "selected_ids" });
  }

  tagSelection(name: string): Promise<MessageOf<"saved">> {
    return this.connection.result("saved", { kind: "tag_selection", name });
  }

  clearSelection(): Promise<boolean> {
    return this.connection.act({ kind: "select", op: "clear" });
  }

  /** The kernel checks the filter, sets the trait and answers with the mask. */
  setFilter(filter: FilterDict | null): Promise<boolean> {
    this.touched();
    return this.connection.act({ kind: "filter", filter });
  }
}
