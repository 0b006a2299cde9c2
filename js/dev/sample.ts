/** The samples that the page's kernel shows, before and after, and what it says of them. Picks are replayed. */
import type { Said } from "../src/page/data";
import type { MessageOf, Request, SampleSpec } from "../src/protocol";
import { f32, type MockModel, u32 } from "./model";
import { about, picksOf, RECORDING } from "./replay";

export interface Shown {
  points: number[];
  gains: number[];
  spec: SampleSpec | null;
}
type Sampled = MessageOf<"sampled">;
const NOTHING: Shown = { points: [], gains: [], spec: null };

export class Samples {
  now = NOTHING;
  other: Shown | null = null;
  /** Id of the run that goes on. */
  running: number | null = null;
  private readonly past: Shown[] = [];
  private readonly future: Shown[] = [];

  constructor(
    private readonly model: MockModel,
    private readonly wait: (next: () => void) => void,
  ) {}

  /** Streams the recorded picks that are among the candidates. */
  run(id: number, request: Extract<Request, { kind: "sample" }>, pool: readonly number[]): void {
    const { strategies, candidates, preselected_tag_name, pinned, excluded, limits, n_samples_to_select: n } = request;
    if (strategies.length === 0) {
      this.model.say(id, RECORDING.ends.no_strategy);
      return;
    }
    this.stop("a newer sample replaced it");
    this.running = id;
    const spec = { strategies, candidates, preselected_tag_name, pinned, excluded, limits };
    const made: Shown = { points: [], gains: [], spec };
    const steps = picksOf(spec, pool);
    const next = () => {
      if (this.running !== id) return;
      const offset = made.points.length;
      const wanted = Math.min(n, offset + Math.max(5, Math.ceil(n / 12)));
      while (made.points.length < wanted) {
        const step = steps.next();
        if (step.done) break;
        made.points.push(step.value[0]);
        made.gains.push(step.value[1]);
      }
      this.picks(id, "A", made, offset, Math.min(1, made.points.length / Math.max(1, n)));
      if (made.points.length === wanted && wanted < n) this.wait(next);
      else this.finish(id, made, n, pool.length);
    };
    next();
  }

  private finish(id: number, made: Shown, n: number, candidates: number): void {
    this.running = null;
    this.show(made);
    const got = made.points.length;
    const { complete, exhausted } = RECORDING.ends;
    const end = got < n ? about(about(exhausted, 100, n), 40, got) : about(complete, 100, n);
    this.sampled(id, { ...end, n: got, requested: n, n_candidates: candidates });
  }

  /** As the kernel does: the sample before is shown again. */
  cancel(target: number): void {
    if (this.running !== target) return;
    this.picks(null, "A", this.now);
    this.sampled(null, { ...RECORDING.ends.cancelled, n: this.now.points.length });
    this.stop("cancelled");
  }

  private stop(why: string): void {
    const { running } = this;
    this.running = null;
    if (running !== null) this.model.say(running, { kind: "error", error: "Cancelled", message: why });
  }

  show(shown: Shown): void {
    if (this.now.spec) this.past.push(this.now);
    this.future.length = 0;
    this.now = shown;
  }

  travel(id: number, kind: "undo" | "redo"): void {
    const [from, to] = kind === "undo" ? [this.past, this.future] : [this.future, this.past];
    const shown = from.pop();
    if (shown === undefined) {
      this.model.say(id, RECORDING.ends[kind]);
      return;
    }
    to.push(this.now);
    this.now = shown;
    this.tell(id);
  }

  compare(id: number, op: "keep" | "clear" | "swap"): void {
    const { now, other } = this;
    if (op === "clear") this.other = null;
    else if (op === "keep") this.other = now;
    else if (other) {
      this.show(other);
      this.other = now;
      this.tell(null);
    }
    this.picks(id, "B", this.other ?? NOTHING);
    this.model.say(id, { kind: "ok" });
  }

  /** The sample shown, with its settings. */
  tell(id: number | null): void {
    const { points, spec } = this.now;
    this.picks(id, "A", this.now);
    if (spec) this.model.setFromPython("strategies", spec.strategies);
    this.model.setFromPython("n_samples_to_select", points.length);
    this.sampled(id, { ...about(RECORDING.ends.complete, 100, points.length), n: points.length });
  }

  picks(id: number | null, slot: "A" | "B", { points, gains }: Shown, offset = 0, fraction = 1): void {
    const [from, gain] = [Uint32Array.from(points.slice(offset)), Float32Array.from(gains.slice(offset))];
    const arrays = { points: u32(0, from.length), gains: f32(1, gain.length) };
    this.model.say(id, { kind: "picks", slot, offset, ...arrays, fraction }, [from, gain], false);
  }

  private sampled(id: number | null, end: Omit<Sampled, "seq" | "id" | "done">): void {
    const { spec } = this.now;
    const before = Uint32Array.from(spec?.pinned ?? []);
    const [can_undo, can_redo] = [this.past.length > 0, this.future.length > 0];
    const body: Said = { ...end, before: u32(0, before.length), can_undo, can_redo, spec };
    this.model.say(id, body, [before]);
  }
}
