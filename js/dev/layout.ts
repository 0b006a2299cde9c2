/** Where the points are; the page's own, because a recording has no time in which a projection can be given up. */
import type { World } from "./data";
import { f32, type MockModel } from "./model";

export class Layout {
  umapKnown: boolean;
  private projection: string;
  private running: number | null = null;

  constructor(
    private readonly model: MockModel,
    private readonly world: World,
    private readonly changed: () => void,
  ) {
    this.umapKnown = world.n <= 200_000;
    this.projection = this.umapKnown ? "umap" : "pca";
  }

  say(id: number, animate: boolean): void {
    const { x, y, n } = this.world;
    const whole = { kind: "positions", projection: this.projection, animate, offset: 0, total: n, last: true } as const;
    const flat = this.projection === "pca"; // squeezed and turned, as seen from another side
    const seen = flat ? [x.map((at, point) => 0.8 * at + 0.3 * y[point]), y.map((at) => 0.5 * at)] : [x, y];
    this.model.say(id, { ...whole, x: f32(0, n), y: f32(1, n) }, seen, false);
  }

  show(id: number, name: string, everyMs: number): void {
    const { model, running: before } = this;
    const progress = (fraction: number) =>
      model.say(id, { kind: "progress", task: "Laying out the points", text: "Computing UMAP", fraction }, [], false);
    if (before !== null) {
      progress(1);
      model.say(before, { kind: "error", error: "Cancelled", message: "another projection was chosen" });
    }
    this.running = id;
    const step = (fraction: number) => {
      if (this.running !== id) return;
      if (name === "umap" && fraction < 1) {
        progress(fraction);
        setTimeout(() => step(fraction + 0.1), everyMs);
        return;
      }
      this.running = null;
      if (name === "umap") progress(1);
      this.umapKnown ||= name === "umap";
      this.projection = name;
      this.say(id, true);
      this.changed();
      model.say(id, { kind: "ok" });
    };
    step(0);
  }
}
