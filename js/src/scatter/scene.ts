/** What a renderer is given: the data, and one frame's view of it. */

import type { Appearance } from "./appearance";
import type { Affine, Size } from "./camera";
import type { Marks } from "./marks";
import type { Theme } from "./theme";
import type { RendererKind } from "./types";

export interface Scene {
  x: Float32Array;
  y: Float32Array;
  /** Where the points glide from, while they do. */
  previous: { x: Float32Array; y: Float32Array } | null;
  /** A color code per point; null = all take code 0. */
  codes: Uint8Array | null;
  /** RGBA by code. */
  table: Uint8Array;
  /** Marks are filled by their code's color, unless two samples are compared; false = by their role's. */
  colorful: boolean;
  flags: Uint8Array;
  marks: Marks;
}

export interface Frame {
  size: Size;
  /** Device pixels per CSS pixel, as drawn (capped). */
  ratio: number;
  view: Affine;
  /** Where `previous` is seen from, and how far the glide has come (0 … 1). */
  previousView: Affine | null;
  glide: number;
  appearance: Appearance;
  markSize: number;
  theme: Theme;
}

export interface Renderer {
  readonly kind: RendererKind;
  readonly canvas: HTMLCanvasElement;
  /** Points of the base layer drawn in the picture on screen. */
  readonly drawn: number;
  readonly uploaded: number;
  /** Positions changed (and with them everything else). */
  setScene(scene: Scene): void;
  colorsChanged(): void;
  flagsChanged(ranges: readonly [number, number][], visibility: boolean): void;
  /** The glide is over: its buffers may go. */
  glideEnded(): void;
  /** The last frame is still on its way: wait with the next. */
  busy(): boolean;
  /** Draws; true = the picture is not whole yet, draw again. `whole` draws all at once. */
  draw(frame: Frame, whole?: boolean): boolean;
  destroy(): void;
}

/** How far the rest steps back when something stands out: what remains of its strength, and how gray it becomes. */
export function dimming(highlight: boolean, dark: boolean): { strength: number; gray: number } {
  if (!highlight) return { strength: 1, gray: 0 };
  return { strength: dark ? 0.52 : 0.46, gray: 0.35 };
}

/** Device pixels per CSS pixel, capped so that the backing store stays within what a 4K screen needs. */
const MAX_RATIO = 3;
const MAX_PIXELS = 3840 * 2160;

export function pixelRatio({ width, height }: Size, device: number): number {
  return Math.min(MAX_RATIO, Math.max(1, device), Math.sqrt(MAX_PIXELS / Math.max(1, width * height)));
}
