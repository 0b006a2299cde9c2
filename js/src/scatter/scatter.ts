/** The plot: points, states and colors in; hover, clicks, areas and views out. No framework, no wire. */
import { bounds, type Size, toData, toScreen } from "./camera";
import { CanvasKeeper } from "./canvas-keeper";
import { type Contour, contourPaths, density } from "./contours";
import { type Look, lookOf, markSize, occupiedShare } from "./look";
import { Marks, UNSEEN } from "./marks";
import { Navigation } from "./navigation";
import { type OverlayContent, paintOverlay } from "./overlay";
import { codesOfValues, lookupTable, viridisPalette } from "./palettes";
import { Picking } from "./picking";
import { Pointer } from "./pointer";
import { type Frame, pixelRatio, type Renderer, type Scene } from "./scene";
import { Stage } from "./stage";
import { readTheme, type Theme, type ThemeColors } from "./theme";
import type { AreaOp, Box, Debug, Mode, Overlays, RendererKind, ScatterEvents, ScatterOptions } from "./types";

const GLIDE_MS = 900;
/** How near the pointer must come, in CSS pixels. */
const REACH = 12;
const HINT_MS = 1600;

/** How near the edge a revealed point may lie, in CSS pixels. */
const EDGE = 36;
const within = (at: number, length: number) => Math.max(Math.min(EDGE, length / 2), Math.min(length - EDGE, at));

export class Scatter {
  readonly debug: Debug = {
    frames: 0,
    drawn: 0,
    marked: 0,
    contextLost: 0,
    uploaded: 0,
    settled: true,
    renderer: null,
  };
  private readonly life = new AbortController();
  private readonly stage: Stage;
  private readonly navigation: Navigation;
  private readonly keeper: CanvasKeeper;
  private readonly picking = new Picking((work) => this.later(work, 0));
  private theme: Theme;
  private colors: ThemeColors = {};
  private scene: Scene;
  private box: Box = [-1, -1, 1, 1];
  private share = 1;
  private palette: string[] = [];
  private readonly overlay: OverlayContent = {
    contours: [],
    labels: [],
    neighbors: null,
    order: [],
    found: [],
    hovered: null,
    pointed: null,
    focused: null,
    outline: null,
    hint: null,
  };
  private wantsContours = false;
  private contoursStale = false;
  private glide: { since: number; base: Frame["view"] } | null = null;
  private dirty = { points: false, overlay: false };
  private unfinished = false;
  private frame = 0;
  private viewMoved = false;
  private pointerAt: [number, number] | null = null;
  private readonly timers = new Set<ReturnType<typeof setTimeout>>();
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly host: HTMLElement,
    private readonly events: Partial<ScatterEvents> = {},
    options: ScatterOptions = {},
  ) {
    const { signal } = this.life;
    this.theme = readTheme(host);
    this.scene = this.emptyScene(new Float32Array(0), new Float32Array(0));
    this.stage = new Stage(
      host,
      {
        resized: () => this.resized(),
        seen: (inView) => this.seen(inView),
        restyled: () => this.setTheme(this.colors),
      },
      signal,
    );
    this.keeper = new CanvasKeeper(
      this.stage,
      options.renderer !== "canvas2d",
      {
        frame: () => this.frameNow(),
        lost: () => this.debug.contextLost++,
        stale: () => this.invalidate(),
        announce: (kind, note) => this.announce(kind, note),
        later: (work, ms) => this.later(work, ms),
      },
      signal,
    );
    this.navigation = new Navigation(
      this.stage,
      (byUser) => this.moved(byUser),
      () => this.hint("Click the plot, or hold Ctrl or ⌘, to zoom with the wheel"),
    );
    this.navigation.refit();
    new Pointer(
      this.stage,
      {
        mode: () => this.mode,
        hover: (px, py) => this.pointAt([px, py]),
        leave: () => this.pointAt(null),
        click: (px, py, keys) => this.events.click?.(this.nearest(px, py), keys),
        outline: (path) => this.repaint({ outline: path }),
        area: (path, op) => this.area(path, op),
        key: (event) => this.key(event),
      },
      signal,
    );
  }

  get mode(): Mode {
    return this.navigation.mode;
  }

  set mode(mode: Mode) {
    this.navigation.mode = mode;
    this.stage.surface.style.cursor = mode === "pan" ? "" : "crosshair";
  }

  /** CSS pixels. */
  get size(): Size {
    return this.stage.size;
  }

  /** The visible data box. */
  get view(): Box {
    return this.navigation.visible;
  }

  /** x and y are kept, not copied. With `animate`, as many points as before glide from where they were. */
  setPoints(x: Float32Array, y: Float32Array, animate = false): void {
    const same = x.length === this.scene.x.length;
    const glides = animate && same && x.length > 0 && !this.stage.reducedMotion && this.stage.inView === true;
    const before = this.scene;
    this.glide = glides ? { since: performance.now(), base: this.navigation.base } : null;
    this.scene = same ? { ...before, x, y } : this.emptyScene(x, y);
    this.scene.previous = glides ? { x: before.x, y: before.y } : null;
    if (!same) Object.assign(this.overlay, { neighbors: null, order: [], found: [], hovered: null, focused: null });
    this.box = bounds(x, y);
    this.share = occupiedShare(x, y, this.box);
    this.picking.forget();
    this.contoursStale = true;
    this.navigation.refit(this.box);
    this.keeper.renderer?.setScene(this.scene);
    this.invalidate();
  }

  /** Category codes, 255 = none; null = all points alike. */
  setCategories(codes: Uint8Array | null, palette: readonly string[]): void {
    this.palette = [...palette];
    this.recolor(codes);
  }

  /** Numbers along viridis, NaN = none; null = all points alike. */
  setValues(values: Float32Array | null, domain: readonly [number, number]): void {
    this.palette = viridisPalette();
    this.recolor(values === null ? null : codesOfValues(values, domain));
  }

  /** One byte of `FLAG`s per point, shared: change it, then say so. */
  setFlags(flags: Uint8Array): void {
    if (flags.length !== this.scene.x.length) {
      throw new RangeError(`flags has ${flags.length} bytes for ${this.scene.x.length} points`);
    }
    this.scene.flags = flags;
    this.changed(this.scene.marks.replace(flags));
  }

  /** Some bytes changed: those of `rows`, or any. Only the ranges that differ are sent to the GPU. */
  flagsChanged(rows?: ArrayLike<number>): void {
    this.changed(this.scene.marks.update(rows));
  }

  /** Rows in pick order, which carry their numbers where there is room for them; null for none. */
  setOrder(rows: ArrayLike<number> | null): void {
    this.repaint({ order: rows ?? [] });
  }

  setView(box: Box | null, animate = false): void {
    this.navigation.show(box, animate);
  }

  /** Something, the legend say, covers that many CSS pixels at the left: the whole view keeps clear of them. */
  setInset(left: number): void {
    if (left === this.navigation.inset) return;
    this.navigation.inset = left;
    this.navigation.refit();
    this.invalidate();
  }

  reset(): void {
    this.navigation.show(null, true, true);
  }

  zoomBy(factor: number): void {
    this.navigation.by(factor);
  }

  /** Rings a row and brings it into view, see `reveal`; null takes the ring away. */
  focusRow(row: number | null, covered = 0): void {
    this.repaint({ focused: row });
    if (row !== null) this.reveal(row, covered);
  }

  /** Moves the view no farther than a row needs to be seen; `covered` CSS pixels at the right are under something. */
  reveal(row: number, covered = 0): void {
    const [x, y] = [this.scene.x[row], this.scene.y[row]];
    const { width, height } = this.stage.size;
    if (width === 0 || !Number.isFinite(x + y)) return;
    const [px, py] = toScreen(this.navigation.view, x, y);
    const free = width - covered;
    const dx = within(px, free) - px;
    const dy = within(py, height) - py;
    if (Math.abs(dx) > free / 2 || Math.abs(dy) > height / 2) this.navigation.center(x, y, 1, covered);
    else if (dx !== 0 || dy !== 0) this.navigation.pan(dx, dy);
  }

  /** Takes back what `reveal` moved, unless the user has moved on. */
  unreveal(): void {
    this.navigation.back();
  }

  /** Where a row is, in CSS pixels from the plot's top left. */
  position(row: number): [number, number] {
    return toScreen(this.navigation.view, this.scene.x[row], this.scene.y[row]);
  }

  /** The visible row within reach of a place in CSS pixels; marked points first, as they lie on top. */
  nearest(px: number, py: number): number | null {
    const view = this.navigation.view;
    const markReach = this.sizeOfMarks() / 2 + 2;
    return this.picking.nearest(this.scene, ...toData(view, px, py), REACH / view.sx, markReach / view.sx);
  }

  setOverlay({ contours, labels, neighbors, found, pointed }: Overlays): void {
    if (contours !== undefined) {
      this.contoursStale ||= contours && !this.wantsContours;
      this.wantsContours = contours;
    }
    this.repaint({
      ...(labels === undefined ? {} : { labels }),
      ...(neighbors === undefined ? {} : { neighbors }),
      ...(found === undefined ? {} : { found }),
      ...(pointed === undefined ? {} : { pointed }),
    });
  }

  /** Reads the host's variables anew; colors given win over them. Hosts touch their pages often, colors rarely. */
  setTheme(colors: ThemeColors = {}): void {
    this.colors = colors;
    const before = this.theme;
    this.theme = readTheme(this.host, colors);
    if (JSON.stringify(this.theme) === JSON.stringify(before)) return;
    this.scene.table = this.lookup();
    this.keeper.renderer?.colorsChanged();
    this.invalidate();
  }

  /** Resolves when all of the picture is on screen. */
  settled(): Promise<void> {
    if (this.debug.settled) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** A copy of the plot as it stands, overlay included. */
  picture(): HTMLCanvasElement {
    const { surface } = this.stage;
    const renderer = this.keeper.ensure(this.scene);
    const copy = surface.ownerDocument.createElement("canvas");
    renderer.draw(this.frameNow(), true);
    this.paintOverlay();
    copy.width = renderer.canvas.width;
    copy.height = renderer.canvas.height;
    const context = copy.getContext("2d");
    for (const canvas of [renderer.canvas, surface]) context?.drawImage(canvas, 0, 0, copy.width, copy.height);
    return copy;
  }

  destroy(): void {
    this.life.abort();
    cancelAnimationFrame(this.frame);
    for (const timer of this.timers) clearTimeout(timer);
    this.navigation.destroy();
    this.keeper.drop();
    this.stage.destroy();
    this.scene = this.emptyScene(new Float32Array(0), new Float32Array(0));
    this.picking.forget();
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  // Data

  private emptyScene(x: Float32Array, y: Float32Array): Scene {
    const flags = new Uint8Array(x.length);
    return {
      x,
      y,
      previous: null,
      codes: null,
      table: lookupTable([], this.theme.base),
      colorful: false,
      flags,
      marks: new Marks(flags),
    };
  }

  private recolor(codes: Uint8Array | null): void {
    const wanted = this.scene.x.length;
    if (codes !== null && codes.length !== wanted) throw new RangeError(`${codes.length} colors for ${wanted} points`);
    this.scene.codes = codes;
    this.scene.colorful = codes !== null;
    this.scene.table = this.lookup();
    this.keeper.renderer?.colorsChanged();
    this.invalidate();
  }

  private lookup(): Uint8Array {
    return this.scene.codes === null ? lookupTable([], this.theme.base) : lookupTable(this.palette, this.theme.muted);
  }

  private changed({ ranges, visibility }: { ranges: [number, number][]; visibility: boolean }): void {
    if (ranges.length === 0) return;
    this.keeper.renderer?.flagsChanged(ranges, visibility);
    this.contoursStale ||= visibility;
    this.invalidate();
  }

  // What the user does

  private pointAt(place: [number, number] | null): void {
    this.picking.prepare(this.scene, this.box);
    this.pointerAt = place;
    if (place === null) this.hover();
    else this.schedule();
  }

  private hover(): void {
    const row = this.pointerAt === null ? null : this.nearest(...this.pointerAt);
    if (row === this.overlay.hovered) return;
    this.repaint({ hovered: row });
    if (this.mode === "pan") this.stage.surface.style.cursor = row === null ? "" : "pointer";
    const [px, py] = row === null ? [0, 0] : this.position(row);
    this.events.hover?.(row, px, py);
  }

  private area(path: readonly number[], op: AreaOp): void {
    const view = this.navigation.view;
    const polygon = new Float32Array(path.length);
    for (let at = 0; at < path.length; at += 2) polygon.set(toData(view, path[at], path[at + 1]), at);
    this.events.area?.(polygon, op);
  }

  private key(event: KeyboardEvent): boolean {
    if (this.events.key?.(event)) return true;
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    if (event.key === "Enter" && this.overlay.focused !== null) {
      this.events.click?.(this.overlay.focused, { shift: event.shiftKey, alt: false });
      return true;
    }
    return this.navigation.key(event.key);
  }

  private moved(byUser: boolean): void {
    this.viewMoved ||= byUser;
    this.invalidate();
  }

  private hint(text: string): void {
    if (this.overlay.hint !== null) return;
    this.repaint({ hint: text });
    this.later(() => this.repaint({ hint: null }), HINT_MS);
  }

  // What the page does

  private resized(): void {
    this.navigation?.refit();
    this.invalidate();
  }

  private seen(inView: boolean): void {
    if (inView) this.invalidate();
    else {
      this.keeper.giveBack();
      this.schedule(); // who waits for the picture waits for nothing now
    }
  }

  private announce(kind: RendererKind, note: string | null): void {
    this.debug.renderer = kind;
    this.events.renderer?.(kind, note);
  }

  // Drawing

  private invalidate(): void {
    this.dirty.points = this.dirty.overlay = true;
    this.schedule();
  }

  private repaint(content: Partial<OverlayContent>): void {
    Object.assign(this.overlay, content);
    this.dirty.overlay = true;
    this.schedule();
  }

  private schedule(): void {
    this.debug.settled &&= !this.pending;
    if (this.frame !== 0 || this.life.signal.aborted) return;
    this.frame = requestAnimationFrame(() => this.tick());
  }

  private tick(): void {
    this.frame = 0;
    if (this.life.signal.aborted || this.stage.inView === null) return;
    if (this.pointerAt !== null) this.hover();
    const drawable = this.stage.size.width > 0 && this.stage.inView;
    if (drawable) this.drawAll(this.keeper.ensure(this.scene));
    if (!drawable || !this.pending) this.rest();
  }

  private drawAll(renderer: Renderer): void {
    if (renderer.busy()) {
      this.schedule();
      return;
    }
    if (this.dirty.points || this.unfinished || this.glide !== null) this.drawPoints(renderer);
    if (this.dirty.overlay) this.paintOverlay();
    if (this.viewMoved) {
      this.viewMoved = false;
      this.events.view?.(this.navigation.home ? null : this.view);
    }
  }

  private get pending(): boolean {
    return this.dirty.points || this.dirty.overlay || this.unfinished || this.glide !== null;
  }

  private rest(): void {
    this.debug.settled = true;
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  private drawPoints(renderer: Renderer): void {
    this.dirty.points = false;
    const frame = this.frameNow();
    const drawing = renderer.draw(frame);
    this.stage.unkeep();
    this.unfinished = drawing;
    if (this.glide !== null && frame.glide >= 1) this.endGlide(renderer);
    Object.assign(this.debug, {
      frames: this.debug.frames + 1,
      drawn: renderer.drawn,
      marked: this.scene.marks.rows.length,
      uploaded: renderer.uploaded,
    });
    // Once more even when done: the pace is learned when the GPU is through.
    if (drawing || this.glide !== null || renderer.kind === "webgl2") this.schedule();
  }

  private endGlide(renderer: Renderer): void {
    this.glide = null;
    this.scene.previous = null;
    renderer.glideEnded();
    this.invalidate();
  }

  private look(): Look {
    const { base, zoom } = this.navigation;
    const [x0, y0, x1, y1] = this.box;
    const area = (x1 - x0) * (y1 - y0) * base.sx * base.sx * this.share;
    return lookOf(this.scene.x.length, area, zoom.k);
  }

  private sizeOfMarks(): number {
    const { marks } = this.scene;
    const chosen = marks.rows.length - marks.counts[0];
    return markSize(chosen, this.look().size, this.navigation.zoom.k);
  }

  private frameNow(): Frame {
    const { size } = this.stage;
    const passed = this.glide === null ? 1 : Math.min(1, (performance.now() - this.glide.since) / GLIDE_MS);
    return {
      size,
      ratio: pixelRatio(size, this.stage.ratio),
      view: this.navigation.view,
      previousView: this.glide?.base ?? null,
      glide: passed * passed * (3 - 2 * passed),
      look: this.look(),
      markSize: this.sizeOfMarks(),
      theme: this.theme,
    };
  }

  private contours(): readonly Contour[] {
    if (!this.wantsContours) return [];
    if (!this.contoursStale) return this.overlay.contours;
    this.contoursStale = false;
    const { x, y, flags } = this.scene;
    return x.length === 0 ? [] : contourPaths(density(x, y, flags, this.box));
  }

  private paintOverlay(): void {
    this.dirty.overlay = false;
    const { size } = this.stage;
    this.overlay.contours = this.contours();
    const { x, y, flags } = this.scene;
    paintOverlay(this.stage.surface, this.overlay, {
      ...size,
      ratio: pixelRatio(size, this.stage.ratio),
      view: this.navigation.view,
      theme: this.theme,
      x,
      y,
      markSize: this.sizeOfMarks(),
      visible: (row) => row < flags.length && (flags[row] & UNSEEN) === 0,
    });
  }

  private later(work: () => void, ms: number): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      work();
    }, ms);
    this.timers.add(timer);
  }
}
