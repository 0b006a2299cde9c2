/** The plot: points, states and colors in; hover, clicks, areas and views out. No framework, no wire. */
import type { Appearance } from "./appearance";
import type { Size } from "./camera";
import type { Change } from "./marks";
import { makeParts, type Parts, restyled } from "./parts";
import type { ThemeColors } from "./theme";
import type { Debug, Mode, Overlays, ScatterEvents, ScatterOptions } from "./types";
import type { Viewport } from "./viewport";

export class Scatter {
  private readonly life = new AbortController();
  private readonly parts: Parts;

  constructor(host: HTMLElement, events: Partial<ScatterEvents> = {}, options: ScatterOptions = {}) {
    this.parts = makeParts(host, events, options, this.life.signal);
  }

  /** What tests and benchmarks may look at. */
  get debug(): Debug {
    return this.parts.debug;
  }

  /** The visible part of the map. */
  get viewport(): Viewport {
    return this.parts.viewport;
  }

  get mode(): Mode {
    return this.parts.interaction.mode;
  }

  set mode(mode: Mode) {
    this.parts.interaction.mode = mode;
  }

  /** CSS pixels. */
  get size(): Size {
    return this.parts.stage.size;
  }

  /** x and y are kept, not copied. With `animate`, as many points as before glide from where they were. */
  setPoints(x: Float32Array, y: Float32Array, animate = false): void {
    const { data, stage, painter, overlay, interaction, navigation, keeper, frames } = this.parts;
    const kept = x.length === data.scene.x.length;
    const glides = animate && kept && x.length > 0 && !stage.reducedMotion && stage.inView === true;
    painter.setGlide(glides);
    data.setPoints(x, y, glides);
    if (!kept) overlay.forgetPoints();
    interaction.hover.forget(!kept);
    overlay.pointsChanged();
    navigation.refit(data.opening, data.box);
    keeper.renderer?.setScene(data.scene);
    frames.invalidate();
  }

  /** Category codes, 255 = none; null = all points alike. */
  setCategories(codes: Uint8Array | null, palette: readonly string[]): void {
    this.parts.data.setCategories(codes, palette);
    restyled(this.parts);
  }

  /** Numbers along viridis, NaN = none; null = all points alike. */
  setValues(values: Float32Array | null, domain: readonly [number, number]): void {
    this.parts.data.setValues(values, domain);
    restyled(this.parts);
  }

  /** One byte of `FLAG`s per point, shared: change it, then call `flagsChanged`. */
  setFlags(flags: Uint8Array): void {
    this.marksChanged(this.parts.data.setFlags(flags));
  }

  /** Some bytes changed: those of `points`, or any. Only the ranges that differ are sent to the GPU. */
  flagsChanged(points?: ArrayLike<number>): void {
    this.marksChanged(this.parts.data.scene.marks.update(points));
  }

  /** Points in pick order, which carry their numbers where there is room for them; null for none. */
  setOrder(points: ArrayLike<number> | null): void {
    this.parts.overlay.show({ order: points ?? [] });
  }

  setOverlay(overlays: Overlays): void {
    this.parts.overlay.set(overlays);
  }

  /** Factors on the automatic size and opacity of the dots. */
  setTuning(tuning: Appearance): void {
    this.parts.data.tuning = tuning;
    this.parts.frames.invalidate();
  }

  /** Rings a point and brings it into view, see `Viewport.reveal`; null takes the ring away. */
  focusPoint(point: number | null, covered = 0): void {
    this.parts.overlay.show({ focused: point });
    if (point !== null) this.parts.viewport.reveal(point, covered);
  }

  /** The visible point within reach of a place in CSS pixels. */
  nearest(px: number, py: number): number | null {
    return this.parts.interaction.hover.nearest(px, py);
  }

  /** Reads the host's variables again; colors given win over them. Hosts touch their pages often, colors rarely. */
  setTheme(colors: ThemeColors = {}): void {
    restyled(this.parts, this.parts.data.setTheme(colors));
  }

  /** Resolves when all of the picture is on screen. */
  settled(): Promise<void> {
    return this.parts.frames.settled();
  }

  /** A copy of the plot as it stands, overlay included. */
  picture(): HTMLCanvasElement {
    return this.parts.painter.picture();
  }

  destroy(): void {
    this.life.abort();
    this.parts.navigation.destroy();
    this.parts.keeper.drop();
    this.parts.stage.destroy();
    this.parts.data.clear();
    this.parts.interaction.hover.forget(true);
    this.parts.frames.destroy();
  }

  private marksChanged({ ranges, visibility }: Change): void {
    if (ranges.length === 0) return;
    this.parts.keeper.renderer?.flagsChanged(ranges, visibility);
    if (visibility) this.parts.overlay.pointsChanged();
    this.parts.frames.invalidate();
  }
}
