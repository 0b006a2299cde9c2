/** Pan and zoom: d3-zoom's gestures, the keyboard, and moves asked for by the program, all ending in one view. */
import { type Selection, select } from "d3-selection";
import "d3-transition";
import { type D3ZoomEvent, type ZoomBehavior, zoom, zoomIdentity, zoomTransform } from "d3-zoom";
import { type Affine, centerd, compose, fit, toData, toScreen, visibleBox, type Zoom, zoomTo } from "./camera";
import type { Stage } from "./stage";
import type { Box, Mode } from "./types";

const ZOOM_LIMITS: readonly [number, number] = [0.5, 4000];
const PADDING = 18;
const MOVE_MS = 350;
/** How far an arrow key moves, as a share of the plot. */
const KEY_STEP = 0.12;
const KEY_ZOOM = 1.5;
const HOME: Zoom = { k: 1, x: 0, y: 0 };
const isSame = (a: Zoom, b: Zoom) => a.k === b.k && a.x === b.x && a.y === b.y;
const isHome = (zoom: Zoom) => isSame(zoom, HOME);

export class Navigation {
  mode: Mode = "pan";
  base: Affine = { sx: 1, sy: -1, tx: 0, ty: 0 };
  /** CSS pixels at the left that something else covers. */
  inset = 0;
  /** What is in view at home, and all that can be gone to. */
  private box: Box = [-1, -1, 1, 1];
  private whole: Box = [-1, -1, 1, 1];
  private limits: readonly [number, number] = ZOOM_LIMITS;
  private fitted = { width: 0, height: 0 };
  private byUser = false;
  /** Where a glide under way ends. */
  private goal: Zoom | null = null;
  /** Where `center` or `pan` went and whence, for `back`. */
  private away: { from: Zoom; to: Zoom } | null = null;
  /** What to show as soon as the plot has a size. */
  private asked: Box | null = null;
  private readonly behavior: ZoomBehavior<HTMLCanvasElement, unknown>;
  private readonly target: Selection<HTMLCanvasElement, unknown, null, undefined>;

  constructor(
    private readonly stage: Stage,
    private readonly moved: (byUser: boolean) => void,
    private readonly refusedWheel: () => void,
  ) {
    this.target = select(stage.surface);
    this.behavior = zoom<HTMLCanvasElement, unknown>()
      .extent(() => [
        [0, 0],
        [stage.size.width, stage.size.height],
      ])
      .scaleExtent([...ZOOM_LIMITS])
      .clickDistance(4)
      .filter((event: Event) => this.takes(event))
      .on("zoom", (event: D3ZoomEvent<HTMLCanvasElement, unknown>) =>
        this.moved(event.sourceEvent !== null || this.byUser),
      );
    this.target.call(this.behavior);
  }

  get zoom(): Zoom {
    return zoomTransform(this.stage.surface);
  }

  /** Whether everything is in view, as `show(null)` leaves it. */
  get home(): boolean {
    return isHome(this.zoom);
  }

  get view(): Affine {
    return compose(this.base, this.zoom);
  }

  get visible(): Box {
    return visibleBox(this.view, this.stage.size);
  }

  /** The wheel belongs to the page until the plot has the focus, so that a notebook scrolls past it. */
  private takes(event: Event): boolean {
    if (event instanceof WheelEvent) {
      const taken = this.stage.focused || event.ctrlKey || event.metaKey;
      if (!taken) this.refusedWheel();
      return taken;
    }
    if (event instanceof MouseEvent) {
      return this.mode === "pan" && event.button === 0 && !event.ctrlKey && !event.shiftKey && !event.altKey;
    }
    return this.mode === "pan" || (event as TouchEvent).touches.length > 1;
  }

  /** Other data: `box` of it; another size: what was in the middle stays there, at the same zoom. */
  refit(box: Box = this.box, whole: Box = this.whole): void {
    const { size } = this.stage;
    const sameData = box.every((edge, index) => edge === this.box[index]);
    const zoom = this.goal ?? this.zoom;
    const middle = toData(compose(this.base, zoom), this.fitted.width / 2, this.fitted.height / 2);
    const known = this.fitted.width > 0 && sameData;
    this.box = box;
    this.whole = whole;
    if (size.width === 0) return;
    this.fitted = size;
    this.base = fit(box, size, PADDING, this.inset);
    this.setLimits();
    if (!sameData) this.jump(HOME);
    else if (known && !isHome(zoom)) this.jump(centerd(middle[0], middle[1], zoom.k, this.base, size));
    if (this.asked !== null) this.show(this.asked, false);
  }

  /** How far one can go: to all of the data, and some way beyond what is in view at home. */
  private setLimits(): void {
    const { base, whole, box } = this;
    const { width, height } = this.stage.size;
    const [left, top] = toScreen(base, whole[0], whole[3]);
    const [right, bottom] = toScreen(base, whole[2], whole[1]);
    this.behavior.translateExtent([
      [Math.min(0, left) - width, Math.min(0, top) - height],
      [Math.max(width, right) + width, Math.max(height, bottom) + height],
    ]);
    const share = Math.min((box[2] - box[0]) / (whole[2] - whole[0]), (box[3] - box[1]) / (whole[3] - whole[1]));
    this.limits = [Math.min(ZOOM_LIMITS[0], 0.8 * share), ZOOM_LIMITS[1]];
    this.behavior.scaleExtent([...this.limits]);
  }

  show(box: Box | null, animate: boolean, byUser = false): void {
    const { size } = this.stage;
    this.asked = size.width === 0 ? box : null;
    if (size.width === 0) return;
    const to = box === null ? HOME : zoomTo(box, this.base, size, this.limits);
    this.go(to, animate, byUser);
  }

  /** Brings a data point to the middle of what is free left of `covered`, zooming in where the plot is far out. */
  center(x: number, y: number, leastZoom: number, covered = 0): void {
    const k = Math.max(this.zoom.k, leastZoom);
    const { width, height } = this.stage.size;
    this.leave(centerd(x, y, k, this.base, { width: width - covered, height }));
  }

  /** Moves by CSS pixels, for `back` to undo. */
  pan(dx: number, dy: number): void {
    const { k, x, y } = this.zoom;
    this.leave({ k, x: x + dx, y: y + dy });
  }

  private leave(to: Zoom): void {
    const from = this.away !== null && this.untouched ? this.away.from : this.zoom;
    this.away = { from, to };
    this.go(to, true, true);
  }

  /** Undoes what `center` or `pan` did, unless the view was moved since. */
  back(): void {
    if (this.away !== null && this.untouched) this.go(this.away.from, true, true);
    this.away = null;
  }

  /** Nothing moved since `center` or `pan`. */
  private get untouched(): boolean {
    return this.away !== null && isSame(this.goal ?? this.zoom, this.away.to);
  }

  key(key: string): boolean {
    const { width, height } = this.stage.size;
    const moves: Record<string, [number, number]> = {
      ArrowLeft: [KEY_STEP * width, 0],
      ArrowRight: [-KEY_STEP * width, 0],
      ArrowUp: [0, KEY_STEP * height],
      ArrowDown: [0, -KEY_STEP * height],
    };
    const move = moves[key];
    const { k, x, y } = this.zoom;
    if (move !== undefined) this.go({ k, x: x + move[0], y: y + move[1] }, true, true);
    else if (key === "+" || key === "=") this.by(KEY_ZOOM);
    else if (key === "-" || key === "_") this.by(1 / KEY_ZOOM);
    else if (key === "0") this.show(null, true, true);
    else return false;
    return true;
  }

  /** Zooms about the middle. */
  by(factor: number): void {
    const { k, x, y } = this.zoom;
    const to = Math.min(this.limits[1], Math.max(this.limits[0], k * factor));
    const { width, height } = this.stage.size;
    const keep = (offset: number, middle: number) => middle - ((middle - offset) / k) * to;
    this.go({ k: to, x: keep(x, width / 2), y: keep(y, height / 2) }, true, true);
  }

  private go(to: Zoom, animate: boolean, byUser: boolean): void {
    this.byUser = byUser;
    const transform = zoomIdentity.translate(to.x, to.y).scale(to.k);
    if (animate && !this.stage.reducedMotion) {
      const arrived = () => {
        if (this.goal === to) this.goal = null;
      };
      this.target
        .transition()
        .duration(MOVE_MS)
        .call(this.behavior.transform, transform)
        .on("interrupt.goal end.goal cancel.goal", arrived);
      this.goal = to;
    } else {
      this.target.interrupt();
      this.goal = null; // a glide that had not begun yet
      this.behavior.transform(this.target, transform);
    }
  }

  private jump(to: Zoom): void {
    this.go(to, false, false);
  }

  destroy(): void {
    this.target.interrupt();
    this.target.on(".zoom", null);
    const window = this.stage.surface.ownerDocument.defaultView;
    if (window) select(window).on("mousemove.zoom mouseup.zoom", null);
  }
}
