/** What is plotted: positions, colors and flags, with what follows from them. */

import { type Appearance, appearanceOf, markSize, occupiedShare } from "./appearance";
import { bounds, countOutside, openingBox } from "./camera";
import { type Change, Marks } from "./marks";
import { codesOfValues, lookupTable, viridisPalette } from "./palettes";
import type { Scene } from "./scene";
import { readTheme, type Theme, type ThemeColors } from "./theme";
import type { Box } from "./types";

export class PlotData {
  scene: Scene;
  theme: Theme;
  /** Around all points. */
  box: Box = [-1, -1, 1, 1];
  /** What the opening view shows, and how many points lie outside of it. */
  opening: Box = [-1, -1, 1, 1];
  outside = 0;
  /** What the user makes of the automatic size and opacity: factors. */
  tuning: Appearance = { size: 1, opacity: 1 };
  private colors: ThemeColors = {};
  private palette: string[] = [];
  /** Of the box, that the points cover. */
  private share = 1;

  constructor(private readonly host: HTMLElement) {
    this.theme = readTheme(host);
    this.scene = this.emptyScene(new Float32Array(0), new Float32Array(0));
  }

  /** Other positions; as many points as before keep their colors and flags. */
  setPoints(x: Float32Array, y: Float32Array, glides: boolean): void {
    const before = this.scene;
    const same = x.length === before.x.length;
    this.scene = same ? { ...before, x, y } : this.emptyScene(x, y);
    this.scene.previous = glides ? { x: before.x, y: before.y } : null;
    this.box = bounds(x, y);
    this.opening = openingBox(x, y, this.box);
    this.outside = this.opening.every((edge, at) => edge === this.box[at]) ? 0 : countOutside(x, y, this.opening);
    this.share = occupiedShare(x, y, this.opening);
  }

  /** Category codes, 255 = none; null = all points alike. */
  setCategories(codes: Uint8Array | null, palette: readonly string[]): void {
    const wanted = this.scene.x.length;
    if (codes !== null && codes.length !== wanted) throw new RangeError(`${codes.length} colors for ${wanted} points`);
    this.palette = [...palette];
    this.scene.codes = codes;
    this.scene.colorful = codes !== null;
    this.scene.table = this.lookup();
  }

  /** Numbers along viridis, NaN = none; null = all points alike. */
  setValues(values: Float32Array | null, domain: readonly [number, number]): void {
    this.setCategories(values === null ? null : codesOfValues(values, domain), viridisPalette());
  }

  /** Takes other flags, of which there is one byte per point. */
  setFlags(flags: Uint8Array): Change {
    if (flags.length !== this.scene.x.length) {
      throw new RangeError(`flags has ${flags.length} bytes for ${this.scene.x.length} points`);
    }
    this.scene.flags = flags;
    return this.scene.marks.replace(flags);
  }

  /** Reads the host's variables again; colors given win over them. True = something looks different now. */
  setTheme(colors: ThemeColors = this.colors): boolean {
    this.colors = colors;
    const before = this.theme;
    this.theme = readTheme(this.host, colors);
    if (JSON.stringify(this.theme) === JSON.stringify(before)) return false;
    this.scene.table = this.lookup();
    return true;
  }

  /** Size and opacity of the dots; `scale` is CSS pixels per data unit when everything is in view. */
  appearance(scale: number, zoom: number): Appearance {
    const [x0, y0, x1, y1] = this.opening;
    const area = (x1 - x0) * (y1 - y0) * scale * scale * this.share;
    const { size, opacity } = appearanceOf(this.scene.x.length, area, zoom);
    return { size: size * this.tuning.size, opacity: Math.min(1, opacity * this.tuning.opacity) };
  }

  /** Diameter of a mark among dots of that size. */
  markSize(dot: number, zoom: number): number {
    const { marks } = this.scene;
    return markSize(marks.points.length - marks.counts[0], dot, zoom);
  }

  clear(): void {
    this.scene = this.emptyScene(new Float32Array(0), new Float32Array(0));
  }

  private emptyScene(x: Float32Array, y: Float32Array): Scene {
    const flags = new Uint8Array(x.length);
    const table = lookupTable([], this.theme.base);
    return { x, y, previous: null, codes: null, table, colorful: false, flags, marks: new Marks(flags) };
  }

  private lookup(): Uint8Array {
    return this.scene.codes === null ? lookupTable([], this.theme.base) : lookupTable(this.palette, this.theme.muted);
  }
}
