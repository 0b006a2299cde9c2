/** What the user does on the plot, as events: hovering, clicks, areas, keys, moves of the view. */
import { toData } from "./camera";
import type { Frames } from "./frames";
import { Hover } from "./hover";
import type { Navigation } from "./navigation";
import type { OverlayLayer } from "./overlay-layer";
import type { Painter } from "./painter";
import type { PlotData } from "./plot-data";
import { Pointer } from "./pointer";
import type { Stage } from "./stage";
import type { AreaOp, Mode, ScatterEvents } from "./types";
import type { Viewport } from "./viewport";

const HINT_MS = 1600;

interface Parts {
  stage: Stage;
  navigation: Navigation;
  viewport: Viewport;
  data: PlotData;
  overlay: OverlayLayer;
  frames: Frames;
  painter: Painter;
}

export class Interaction {
  readonly hover: Hover;
  /** The user moved the view, and the next frame says so. */
  private viewMoved = false;

  constructor(
    private readonly parts: Parts,
    private readonly events: Partial<ScatterEvents>,
    signal: AbortSignal,
  ) {
    const { stage, navigation, data, overlay, frames, painter } = parts;
    this.hover = new Hover({
      data,
      navigation,
      markSize: () => painter.markSize(),
      later: (slice) => frames.later(slice, 0),
      changed: (point) => this.hovered(point),
    });
    new Pointer(
      stage,
      {
        mode: () => this.mode,
        hover: (px, py) => {
          this.hover.pointAt([px, py]);
          frames.schedule();
        },
        leave: () => this.hover.pointAt(null),
        click: (px, py, keys) => events.click?.(this.hover.nearest(px, py), keys),
        outline: (path) => overlay.show({ outline: path }),
        area: (path, op) => this.area(path, op),
        key: (event) => this.key(event),
      },
      signal,
    );
  }

  get mode(): Mode {
    return this.parts.navigation.mode;
  }

  set mode(mode: Mode) {
    this.parts.navigation.mode = mode;
    this.parts.stage.surface.style.cursor = mode === "pan" ? "" : "crosshair";
  }

  /** Shows a sentence over the plot for a moment. */
  hint(text: string): void {
    const { overlay, frames } = this.parts;
    if (overlay.content.hint !== null) return;
    overlay.show({ hint: text });
    frames.later(() => overlay.show({ hint: null }), HINT_MS);
  }

  moved(byUser: boolean): void {
    this.viewMoved ||= byUser;
    this.parts.frames.invalidate();
  }

  /** A frame was drawn: the view that the user moved to is the one on screen. */
  drawn(): void {
    if (!this.viewMoved) return;
    this.viewMoved = false;
    const { navigation, viewport } = this.parts;
    this.events.view?.(navigation.home ? null : viewport.box);
  }

  private hovered(point: number | null): void {
    const { overlay, stage, viewport } = this.parts;
    overlay.show({ hovered: point });
    if (this.mode === "pan") stage.surface.style.cursor = point === null ? "" : "pointer";
    const [px, py] = point === null ? [0, 0] : viewport.position(point);
    this.events.hover?.(point, px, py);
  }

  private area(path: readonly number[], op: AreaOp): void {
    const { view } = this.parts.navigation;
    const polygon = new Float32Array(path.length);
    for (let at = 0; at < path.length; at += 2) polygon.set(toData(view, path[at], path[at + 1]), at);
    this.events.area?.(polygon, op);
  }

  private key(event: KeyboardEvent): boolean {
    if (this.events.key?.(event)) return true;
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const { focused } = this.parts.overlay.content;
    if (event.key === "Enter" && focused !== null) {
      this.events.click?.(focused, { shift: event.shiftKey, alt: false });
      return true;
    }
    return this.parts.navigation.key(event.key);
  }
}
