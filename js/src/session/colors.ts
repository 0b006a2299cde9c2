/** What the points are colored by: asked for when the trait changes, except for pick order, which is known here. */
import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { FLAG } from "../flags";
import type { ColorBy, MessageOf } from "../protocol";
import { decodeAs } from "../wire";
import type { Connection } from "./connection";
import type { FlagBytes } from "./flag-bytes";
import { countLegend, type LegendCounts } from "./legend";
import type { Mask } from "./masks";
import { ranks } from "./pick-list";
import type { Picks } from "./picks";
import { same } from "./same";

export interface ColorTable {
  colorBy: ColorBy;
  scale: "category" | "number" | "none";
  /** Category codes (u8, 255 = no value) or numbers (f32, NaN = no value). */
  values: Uint8Array | Float32Array | null;
  categories: { name: string; count: number }[];
  domain: [number, number] | null;
  note: string | null;
}

const NO_COLORS: ColorTable = {
  colorBy: { by: "none" },
  scale: "none",
  values: null,
  categories: [],
  domain: null,
  note: null,
};

/** What colors are made from and written to. */
interface Sources {
  connection: Connection;
  flags: FlagBytes;
  picks: Picks;
  filter: ReadonlySignal<Mask>;
  colorBy: ReadonlySignal<ColorBy>;
  nSamples(): number;
  setColorBy(colorBy: ColorBy): void;
}

export class Colors {
  readonly table: Signal<ColorTable> = signal(NO_COLORS);
  readonly loading = signal(false);
  /** Category codes switched off in the legend. */
  readonly muted: Signal<ReadonlySet<number>> = signal(new Set());
  readonly legend: ReadonlySignal<LegendCounts>;
  private incoming: Uint8Array | Float32Array | null = null;
  /** The last request, until it is answered. */
  private asked: { id: number; colorBy: ColorBy } | null = null;
  private readonly stops: (() => void)[];

  constructor(private readonly from: Sources) {
    const { picks, filter, colorBy } = from;
    this.legend = computed(() =>
      countLegend(this.table.value, filter.value.bits, picks.a.value.points.subarray(0, picks.count.value)),
    );
    this.stops = [colorBy.subscribe(() => this.wanted()), picks.marked.subscribe(() => this.picksChanged())];
  }

  /** Asks for the colors that the trait names. */
  ask(): void {
    const { connection, colorBy: trait } = this.from;
    const colorBy = trait.peek();
    if (colorBy.by === "rank") {
      this.showRanks();
      return;
    }
    this.loading.value = true;
    const { id, reply } = connection.start({ kind: "colors", color_by: colorBy });
    this.asked = { id, colorBy };
    const done = () => {
      if (this.asked?.id !== id) return;
      this.asked = null;
      this.loading.value = false;
    };
    reply.then(done, (error) => {
      connection.errors.report(error);
      done();
    });
  }

  /** Gives up the colors on their way: those shown are what the trait says again. */
  stop(): void {
    if (this.asked === null) return;
    const { connection, setColorBy } = this.from;
    connection.start({ kind: "cancel", target: this.asked.id }).reply.catch((error) => connection.errors.report(error));
    this.asked = null;
    this.loading.value = false;
    setColorBy(this.table.peek().colorBy);
  }

  /** Asks again after `hello`, unless the colors are there: what was asked for before it has come, or got lost. */
  askIfLost(hello: number): void {
    const coming = this.asked !== null && this.asked.id > hello ? this.asked.colorBy : null;
    if (!same(coming ?? this.table.peek().colorBy, this.from.colorBy.peek())) this.ask();
  }

  take(message: MessageOf<"colors">, buffers: readonly DataView[]): void {
    if (!same(message.color_by, this.from.colorBy.peek())) return; // an older wish
    const type = message.scale === "category" ? Uint8Array : Float32Array;
    const part = message.values && decodeAs<Uint8Array | Float32Array>(type, message.values, buffers);
    if (part && (message.offset === 0 || this.incoming === null)) this.incoming = new type(message.total);
    if (part) this.incoming?.set(part, message.offset);
    if (!message.last) return;
    const values = part && this.incoming;
    this.incoming = null;
    const { color_by: colorBy, scale, categories, domain, note } = message;
    this.table.value = { colorBy, scale, values, categories, domain, note };
    this.mute(new Set());
  }

  /** Hides the points of some categories. */
  mute(codes: ReadonlySet<number>): void {
    this.muted.value = codes;
    const { values, scale } = this.table.peek();
    this.from.flags.setByCode(FLAG.MUTED, scale === "category" && codes.size > 0 ? values : null, codes);
  }

  /** The names of clusters of these colors, and where they are. */
  async clusters(): Promise<MessageOf<"clusters">["labels"]> {
    const ask = { kind: "clusters", color_by: this.from.colorBy.peek() } as const;
    return (await this.from.connection.result("clusters", ask)).labels;
  }

  picksChanged(): void {
    if (this.from.colorBy.peek().by === "rank") this.showRanks();
  }

  close(): void {
    for (const stop of this.stops) stop();
  }

  private wanted(): void {
    if (same(this.from.colorBy.peek(), this.table.peek().colorBy)) return; // stopped, or set back
    // Before the kernel has answered, `hello` asks.
    const { colorBy, connection } = this.from;
    if (colorBy.peek().by === "rank" || connection.status.peek() === "ready") this.ask();
  }

  private showRanks(): void {
    const shown = this.from.picks.shown();
    this.table.value = {
      ...NO_COLORS,
      colorBy: { by: "rank" },
      scale: "number",
      values: ranks(shown, this.from.nSamples()),
      domain: [1, Math.max(shown.length, 1)],
    };
    this.loading.value = false;
  }
}
