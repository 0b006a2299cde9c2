/** Pointer and keys on the plot: hover, click, and the outline of a lasso or rectangle as it is drawn. */
import type { Stage } from "./stage";
import type { AreaOp, Mode } from "./types";

export interface PointerEvents {
  mode(): Mode;
  hover(px: number, py: number): void;
  leave(): void;
  click(px: number, py: number, keys: { shift: boolean; alt: boolean }): void;
  /** The outline so far in CSS pixels, null = given up. */
  outline(path: number[] | null): void;
  area(path: number[], op: AreaOp): void;
  key(event: KeyboardEvent): boolean;
}

const CLICK_DISTANCE = 4;
/** Corners closer than this add nothing one can see. */
const LEAST_STEP = 2;

export class Pointer {
  private down: { x: number; y: number; drawing: "lasso" | "rect" | null } | null = null;
  private path: number[] = [];

  constructor(
    private readonly stage: Stage,
    private readonly events: PointerEvents,
    signal: AbortSignal,
  ) {
    const on = <K extends keyof HTMLElementEventMap>(type: K, handle: (event: HTMLElementEventMap[K]) => void) =>
      stage.surface.addEventListener(type, handle, { signal });
    on("pointerdown", (event) => this.pressed(event));
    on("pointermove", (event) => this.movedTo(event));
    on("pointerup", (event) => this.released(event));
    on("pointercancel", () => this.giveUp());
    on("pointerleave", () => events.leave());
    on("keydown", (event) => this.key(event));
  }

  private place(event: MouseEvent): [number, number] {
    const box = this.stage.surface.getBoundingClientRect();
    return [
      ((event.clientX - box.left) * this.stage.size.width) / (box.width || 1),
      ((event.clientY - box.top) * this.stage.size.height) / (box.height || 1),
    ];
  }

  private pressed(event: PointerEvent): void {
    if (!event.isPrimary) this.giveUp();
    if (!event.isPrimary || event.button !== 0) return;
    this.stage.surface.focus({ preventScroll: true });
    const [x, y] = this.place(event);
    const mode = this.events.mode();
    const drawing = mode !== "pan" ? mode : event.shiftKey || event.altKey ? "lasso" : null;
    this.down = { x, y, drawing };
    this.events.leave(); // nothing opens over what is being drawn or moved
    this.path = [x, y];
    if (drawing !== null) this.stage.surface.setPointerCapture?.(event.pointerId);
  }

  private movedTo(event: PointerEvent): void {
    const [x, y] = this.place(event);
    if (this.down === null) {
      if (event.pointerType !== "touch") this.events.hover(x, y);
    } else if (event.isPrimary && this.down.drawing !== null) {
      this.extend(x, y);
      this.events.outline(this.path);
    }
  }

  private extend(x: number, y: number): void {
    const { down, path } = this;
    if (down === null) return;
    if (down.drawing === "rect") this.path = [down.x, down.y, x, down.y, x, y, down.x, y];
    else if (Math.hypot(x - path[path.length - 2], y - path[path.length - 1]) >= LEAST_STEP) path.push(x, y);
  }

  private released(event: PointerEvent): void {
    const { down } = this;
    if (down === null || !event.isPrimary || event.button !== 0) return;
    const [x, y] = this.place(event);
    this.extend(x, y);
    const path = this.path;
    this.giveUp();
    if (spread(path) < CLICK_DISTANCE && Math.hypot(x - down.x, y - down.y) < CLICK_DISTANCE) {
      this.events.click(x, y, { shift: event.shiftKey, alt: event.altKey });
    } else if (down.drawing !== null && path.length >= 6) {
      this.events.area(path, event.altKey ? "remove" : event.shiftKey ? "add" : "replace");
    }
  }

  private giveUp(): void {
    if (this.down?.drawing) this.events.outline(null);
    this.down = null;
    this.path = [];
  }

  private key(event: KeyboardEvent): void {
    if (event.key === "Escape" && this.down?.drawing) this.giveUp();
    else if (!this.events.key(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }
}

function spread(path: readonly number[]): number {
  let most = 0;
  for (let at = 2; at < path.length; at += 2) {
    most = Math.max(most, Math.hypot(path[at] - path[0], path[at + 1] - path[1]));
  }
  return most;
}
