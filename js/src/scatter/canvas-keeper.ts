/** Who draws, and what happens when a context is lost, given back, or not to be had. */
import { hold, letGo } from "./contexts";
import { CanvasRenderer, MAX_POINTS } from "./renderer-canvas";
import { WebglRenderer } from "./renderer-webgl";
import type { Frame, Renderer, Scene } from "./scene";
import type { Stage } from "./stage";
import type { RendererKind } from "./types";

/** A context that has not come back by then is asked for again. */
const RESTORE_MS = 1500;
/** A context lost this often is not tried again. */
const MOST_LOSSES = 4;

export interface KeeperEvents {
  frame(): Frame;
  lost(): void;
  /** There is something to draw again, with a renderer yet to be made. */
  stale(): void;
  announce(kind: RendererKind, note: string | null): void;
  later(work: () => void, ms: number): void;
}

export class CanvasKeeper {
  renderer: Renderer | null = null;
  private kind: RendererKind | null = null;
  private losses = 0;
  private readonly holder = { yieldContext: () => this.giveBack() };

  constructor(
    private readonly stage: Stage,
    private readonly wantsGl: boolean,
    private readonly events: KeeperEvents,
    private readonly signal: AbortSignal,
  ) {}

  /** The renderer, made if there is none. */
  ensure(scene: Scene): Renderer {
    if (this.renderer !== null) {
      if (this.renderer.kind === "webgl2") hold(this.holder);
      return this.renderer;
    }
    const renderer = this.makeWebgl() ?? new CanvasRenderer(this.newCanvas());
    this.renderer = renderer;
    this.stage.show(renderer.canvas);
    renderer.setScene(scene);
    this.announce(renderer.kind, scene.x.length);
    return renderer;
  }

  /** Leaves a picture behind; the next thing to draw asks for a context again. */
  giveBack(): void {
    if (this.renderer?.kind !== "webgl2") return;
    this.renderer.draw(this.events.frame(), true);
    this.stage.keep(this.renderer.canvas);
    this.drop();
  }

  drop(): void {
    letGo(this.holder);
    this.renderer?.canvas.remove();
    this.renderer?.destroy();
    this.renderer = null;
  }

  private newCanvas(): HTMLCanvasElement {
    return this.stage.surface.ownerDocument.createElement("canvas");
  }

  private makeWebgl(): Renderer | null {
    if (!this.wantsGl || this.losses >= MOST_LOSSES) return null;
    hold(this.holder);
    const renderer = WebglRenderer.create(this.newCanvas());
    if (renderer === null) letGo(this.holder);
    else this.watch(renderer);
    return renderer;
  }

  private watch(renderer: Renderer): void {
    const { canvas } = renderer;
    const { signal } = this;
    const renew = () => {
      if (this.renderer !== renderer) return;
      this.drop();
      this.events.stale();
    };
    const lost = (event: Event) => {
      if (this.renderer !== renderer) return;
      event.preventDefault();
      this.losses++;
      this.events.lost();
      this.events.later(renew, RESTORE_MS);
    };
    canvas.addEventListener("webglcontextlost", lost, { signal });
    canvas.addEventListener("webglcontextrestored", renew, { signal });
  }

  private announce(kind: RendererKind, n: number): void {
    if (kind === this.kind) return;
    this.kind = kind;
    const share =
      n > MAX_POINTS ? ` It shows about ${MAX_POINTS.toLocaleString("en")} of ${n.toLocaleString("en")} points.` : "";
    const note = `WebGL2 is not available here, so this is a plainer plot.${share}`;
    this.events.announce(kind, kind === "webgl2" ? null : note);
  }
}
