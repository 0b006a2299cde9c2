/** Without WebGL2: a share of the points, painted dot by dot into pixels, and the marks as paths on top. */
import { ROLE, roleOf, UNSEEN } from "./marks";
import type { Rgb } from "./palettes";
import { dimming, type Frame, type Renderer, type Scene } from "./scene";
import { css } from "./theme";

/** What one frame paints of the base layer, and of the marks. */
export const MAX_POINTS = 120_000;
const MAX_MARKS = 5_000;

export class CanvasRenderer implements Renderer {
  readonly kind = "canvas2d";
  readonly uploaded = 0;
  drawn = 0;
  private readonly context: CanvasRenderingContext2D;
  private scene: Scene | null = null;
  private pixels: ImageData | null = null;

  constructor(readonly canvas: HTMLCanvasElement) {
    const context = canvas.getContext("2d");
    if (context === null)
      throw new Error("the browser gives neither a WebGL2 nor a 2D canvas: the plot cannot be drawn");
    this.context = context;
  }

  busy(): boolean {
    return false;
  }

  setScene(scene: Scene): void {
    this.scene = scene;
  }

  colorsChanged(): void {}
  flagsChanged(): void {}
  glideEnded(): void {}

  draw(frame: Frame): boolean {
    const { scene, context } = this;
    if (scene === null) return false;
    const width = Math.round(frame.size.width * frame.ratio);
    const height = Math.round(frame.size.height * frame.ratio);
    if (this.canvas.width !== width || this.canvas.height !== height || this.pixels === null) {
      this.canvas.width = width;
      this.canvas.height = height;
      this.pixels = context.createImageData(width, height);
    }
    this.pixels.data.fill(0);
    this.paintBase(scene, frame, this.pixels);
    context.putImageData(this.pixels, 0, 0);
    this.paintMarks(scene, frame);
    return false;
  }

  destroy(): void {
    this.scene = null;
    this.canvas.width = this.canvas.height = 0;
  }

  private paintBase(scene: Scene, frame: Frame, pixels: ImageData): void {
    const { x, flags, codes, table } = scene;
    const step = Math.max(1, Math.ceil(x.length / MAX_POINTS));
    const place = placer(scene, frame);
    const dimmed = dimming(scene.marks.highlight, frame.theme.dark).strength;
    const stamp = dotStamp(
      frame.appearance.size * frame.ratio,
      Math.min(0.9, frame.appearance.opacity * Math.sqrt(step)) * dimmed,
    );
    this.drawn = 0;
    for (let point = 0; point < x.length; point += step) {
      if (flags[point] & UNSEEN) continue;
      const [px, py] = place(point);
      const code = 4 * (codes === null ? 0 : codes[point]);
      stampAt(pixels, stamp, px, py, table[code], table[code + 1], table[code + 2]);
      this.drawn++;
    }
  }

  private paintMarks(scene: Scene, frame: Frame): void {
    const { context } = this;
    const points = scene.marks.points;
    const place = placer(scene, frame);
    const step = Math.max(1, Math.ceil(points.length / MAX_MARKS));
    for (let index = (points.length - 1) % step; index < points.length; index += step) {
      const point = points[index];
      const [px, py] = place(point);
      const role = roleOf(scene.flags[point]);
      const code = 4 * (scene.codes === null ? 0 : scene.codes[point]);
      const own: Rgb = [scene.table[code], scene.table[code + 1], scene.table[code + 2]];
      paintMark(context, px, py, role, own, scene.colorful && !scene.marks.comparing, frame);
    }
  }
}

/** Device pixels of a point. */
function placer(scene: Scene, frame: Frame): (point: number) => [number, number] {
  const { x, y, previous } = scene;
  const { view, ratio } = frame;
  if (previous === null || frame.previousView === null || frame.glide >= 1) {
    return (point) => [(x[point] * view.sx + view.tx) * ratio, (y[point] * view.sy + view.ty) * ratio];
  }
  const before = frame.previousView;
  const t = frame.glide;
  const mix = (from: number, to: number) => (from + (to - from) * t) * ratio;
  return (point) => [
    mix(previous.x[point] * before.sx + before.tx, x[point] * view.sx + view.tx),
    mix(previous.y[point] * before.sy + before.ty, y[point] * view.sy + view.ty),
  ];
}

interface Stamp {
  side: number;
  alpha: Float32Array;
}

function dotStamp(size: number, opacity: number): Stamp {
  const side = Math.ceil(size) + 1;
  const middle = (side - 1) / 2;
  const alpha = new Float32Array(side * side);
  for (let at = 0; at < alpha.length; at++) {
    const distance = Math.hypot((at % side) - middle, Math.floor(at / side) - middle);
    alpha[at] = opacity * Math.min(1, Math.max(0, size / 2 + 0.5 - distance));
  }
  return { side, alpha };
}

/** Source-over into straight (not premultiplied) RGBA. */
function stampAt(pixels: ImageData, stamp: Stamp, px: number, py: number, r: number, g: number, b: number): void {
  const { width, height, data } = pixels;
  const { side, alpha } = stamp;
  const left = Math.round(px - side / 2);
  const top = Math.round(py - side / 2);
  if (!(left > -side && top > -side && left < width && top < height)) return;
  for (let line = Math.max(0, -top); line < side && top + line < height; line++) {
    for (let column = Math.max(0, -left); column < side && left + column < width; column++) {
      const source = alpha[line * side + column];
      if (source <= 0) continue;
      const at = 4 * ((top + line) * width + left + column);
      const under = (data[at + 3] / 255) * (1 - source);
      const sum = source + under;
      data[at] = (r * source + data[at] * under) / sum;
      data[at + 1] = (g * source + data[at + 1] * under) / sum;
      data[at + 2] = (b * source + data[at + 2] * under) / sum;
      data[at + 3] = 255 * sum;
    }
  }
}

/** The same shapes as the WebGL marks: disc, diamond, square in halves, ring, disc with a dot. */
function paintMark(
  context: CanvasRenderingContext2D,
  px: number,
  py: number,
  role: number,
  own: Rgb,
  colorful: boolean,
  { theme, ratio, markSize, appearance }: Frame,
): void {
  const size =
    role === ROLE.SELECTED ? Math.max(appearance.size + 1.5, 4) : role === ROLE.PINNED ? markSize * 1.25 : markSize;
  const r = (size * ratio) / 2;
  const roleColor = role === ROLE.B ? theme.b : role <= ROLE.PRESELECTED ? theme.selection : theme.a;
  context.beginPath();
  if (role === ROLE.B) {
    const d = r * 1.19;
    context.moveTo(px, py - d);
    for (const [dx, dy] of [[d, 0], [0, d], [-d, 0]]) context.lineTo(px + dx, py + dy); // biome-ignore format: a shape
    context.closePath();
  } else if (role === ROLE.BOTH) context.rect(px - r * 0.86, py - r * 0.86, r * 1.72, r * 1.72);
  else context.arc(px, py, r, 0, 2 * Math.PI);
  context.fillStyle = css(
    role === ROLE.BOTH ? theme.a : colorful ? own : roleColor,
    role === ROLE.PRESELECTED ? 0.15 : 1,
  );
  context.fill();
  context.lineWidth = (role === ROLE.PRESELECTED ? 2 : 1.2) * ratio;
  context.strokeStyle = css(role === ROLE.PRESELECTED ? roleColor : theme.foreground);
  context.stroke();
  if (role === ROLE.BOTH) {
    context.fillStyle = css(theme.b);
    context.fillRect(px, py - r * 0.86, r * 0.86, r * 1.72);
  } else if (role === ROLE.PINNED) {
    context.beginPath();
    context.arc(px, py, r * 0.38, 0, 2 * Math.PI);
    context.fillStyle = css(theme.foreground);
    context.fill();
  }
}
