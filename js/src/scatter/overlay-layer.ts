/** What lies over the points, as it was asked for: contours, names, neighbors, pick order, rings, an outline, a hint. */
import { type Contour, contourPaths, density } from "./contours";
import { type OverlayContent, type OverlayFrame, paintOverlay } from "./overlay";
import type { PlotData } from "./plot-data";
import type { Overlays } from "./types";

export class OverlayLayer {
  readonly content: OverlayContent = {
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

  constructor(
    private readonly data: PlotData,
    private readonly changed: () => void,
  ) {}

  set({ contours, ...content }: Overlays): void {
    if (contours !== undefined) {
      this.contoursStale ||= contours && !this.wantsContours;
      this.wantsContours = contours;
    }
    const given = Object.entries(content).filter(([, value]) => value !== undefined);
    this.show(Object.fromEntries(given));
  }

  show(content: Partial<OverlayContent>): void {
    Object.assign(this.content, content);
    this.changed();
  }

  /** Positions, or which points are visible, changed: the contours are those of other points. */
  pointsChanged(): void {
    this.contoursStale = true;
  }

  /** What names single points means others now. */
  forgetPoints(): void {
    Object.assign(this.content, { neighbors: null, order: [], found: [], hovered: null, focused: null });
  }

  paint(canvas: HTMLCanvasElement, frame: OverlayFrame): void {
    this.content.contours = this.contours();
    paintOverlay(canvas, this.content, frame);
  }

  private contours(): readonly Contour[] {
    if (!this.wantsContours) return [];
    if (!this.contoursStale) return this.content.contours;
    this.contoursStale = false;
    const { x, y, flags } = this.data.scene;
    return x.length === 0 ? [] : contourPaths(density(x, y, flags, this.data.box));
  }
}
