/** How to draw: one frame of the points and of what lies over them, and the glide from other positions. */
import type { CanvasKeeper } from "./canvas-keeper";
import type { Frames } from "./frames";
import { UNSEEN } from "./marks";
import type { Navigation } from "./navigation";
import type { OverlayLayer } from "./overlay-layer";
import type { PlotData } from "./plot-data";
import { type Frame, pixelRatio, type Renderer } from "./scene";
import type { Stage } from "./stage";
import type { Debug } from "./types";

const GLIDE_MS = 900;

interface Parts {
  stage: Stage;
  navigation: Navigation;
  data: PlotData;
  overlay: OverlayLayer;
  frames: Frames;
  keeper: CanvasKeeper;
  debug: Debug;
}

export class Painter {
  private glide: { since: number; base: Frame["view"] } | null = null;
  /** The picture is not whole yet. */
  private partial = false;

  constructor(private readonly parts: Parts) {}

  get unfinished(): boolean {
    return this.partial || this.glide !== null;
  }

  /** From now on the points glide from where they were, or not. */
  setGlide(glides: boolean): void {
    this.glide = glides ? { since: performance.now(), base: this.parts.navigation.base } : null;
  }

  /** Draws what is to be drawn; false = the last frame is still on its way. */
  draw(): boolean {
    const { frames, keeper, data } = this.parts;
    const renderer = keeper.ensure(data.scene);
    if (renderer.busy()) {
      frames.schedule();
      return false;
    }
    if (frames.dirty.points || this.unfinished) this.drawPoints(renderer);
    if (frames.dirty.overlay) this.paintOverlay();
    return true;
  }

  /** A copy of the plot as it stands, overlay included. */
  picture(): HTMLCanvasElement {
    const { surface } = this.parts.stage;
    const renderer = this.parts.keeper.ensure(this.parts.data.scene);
    const copy = surface.ownerDocument.createElement("canvas");
    renderer.draw(this.frame(), true);
    this.paintOverlay();
    copy.width = renderer.canvas.width;
    copy.height = renderer.canvas.height;
    const context = copy.getContext("2d");
    for (const canvas of [renderer.canvas, surface]) context?.drawImage(canvas, 0, 0, copy.width, copy.height);
    return copy;
  }

  /** The picture as it is to be now. */
  frame(): Frame {
    const { stage, navigation, data } = this.parts;
    const passed = this.glide === null ? 1 : Math.min(1, (performance.now() - this.glide.since) / GLIDE_MS);
    const appearance = this.appearance();
    return {
      size: stage.size,
      ratio: pixelRatio(stage.size, stage.ratio),
      view: navigation.view,
      previousView: this.glide?.base ?? null,
      glide: passed * passed * (3 - 2 * passed),
      appearance,
      markSize: data.markSize(appearance.size, navigation.zoom.k),
      theme: data.theme,
    };
  }

  /** Diameter of a mark as drawn now, in CSS pixels. */
  markSize(): number {
    return this.parts.data.markSize(this.appearance().size, this.parts.navigation.zoom.k);
  }

  private appearance() {
    const { navigation, data } = this.parts;
    return data.appearance(navigation.base.sx, navigation.zoom.k);
  }

  private drawPoints(renderer: Renderer): void {
    const { frames, stage, data, debug } = this.parts;
    frames.dirty.points = false;
    const frame = this.frame();
    this.partial = renderer.draw(frame);
    stage.unkeep();
    const again = this.unfinished;
    if (this.glide !== null && frame.glide >= 1) this.endGlide(renderer);
    Object.assign(debug, {
      frames: debug.frames + 1,
      drawn: renderer.drawn,
      marked: data.scene.marks.points.length,
      uploaded: renderer.uploaded,
    });
    // Once more even when done: the pace is learned when the GPU is through.
    if (again || renderer.kind === "webgl2") frames.schedule();
  }

  private endGlide(renderer: Renderer): void {
    this.glide = null;
    this.parts.data.scene.previous = null;
    renderer.glideEnded();
    this.parts.frames.invalidate();
  }

  private paintOverlay(): void {
    const { frames, stage, navigation, data, overlay } = this.parts;
    frames.dirty.overlay = false;
    const { x, y, flags } = data.scene;
    overlay.paint(stage.surface, {
      ...stage.size,
      ratio: pixelRatio(stage.size, stage.ratio),
      view: navigation.view,
      theme: data.theme,
      x,
      y,
      markSize: this.markSize(),
      visible: (point) => point < flags.length && (flags[point] & UNSEEN) === 0,
    });
  }
}
