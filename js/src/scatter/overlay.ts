/** What is painted over the points: contours, neighbor lines, names of clusters, pick order, the hovered point, the lasso. */
import { type Affine, toScreen } from "./camera";
import type { Contour } from "./contours";
import { css, type Theme } from "./theme";
import type { Label, Neighbors } from "./types";

export interface OverlayContent {
  contours: readonly Contour[];
  labels: readonly Label[];
  neighbors: Neighbors | null;
  /** Rows in pick order; they carry their numbers where there is room. */
  order: ArrayLike<number>;
  found: ArrayLike<number>;
  hovered: number | null;
  /** Hovered elsewhere: in another view, a linked plot, Python. */
  pointed: number | null;
  /** The keyboard's point. */
  focused: number | null;
  outline: readonly number[] | null;
  hint: string | null;
}

export interface OverlayFrame {
  width: number;
  height: number;
  ratio: number;
  view: Affine;
  theme: Theme;
  x: Float32Array;
  y: Float32Array;
  /** Diameter of a mark, to draw around it. */
  markSize: number;
  visible: (point: number) => boolean;
}

/** As many numbers stay readable at once; where more picks are in view, only the first ones carry theirs. */
const BADGES = 40;
const FIRST_BADGES = 10;
/** Picks looked through for those in view. */
const BADGES_AMONG = 5_000;
const MOST_LABELS = 60;

type Rectangle = [number, number, number, number];

export function paintOverlay(canvas: HTMLCanvasElement, content: OverlayContent, frame: OverlayFrame): void {
  const [width, height] = [Math.round(frame.width * frame.ratio), Math.round(frame.height * frame.ratio)];
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext("2d");
  if (context === null) return;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, width, height);
  paintContours(context, content.contours, frame);
  context.setTransform(frame.ratio, 0, 0, frame.ratio, 0, 0);
  paintNeighbors(context, content.neighbors, frame);
  paintFound(context, content.found, frame);
  const taken: Rectangle[] = [];
  paintLabels(context, content.labels, frame, taken);
  paintOrder(context, content.order, frame, taken);
  for (const point of [content.focused, content.pointed, content.hovered])
    if (point !== null) paintRing(context, point, frame);
  paintOutline(context, content.outline, frame);
  paintHint(context, content.hint, frame);
}

function paintContours(context: CanvasRenderingContext2D, contours: readonly Contour[], frame: OverlayFrame): void {
  const { view, ratio, theme } = frame;
  context.setTransform(view.sx * ratio, 0, 0, view.sy * ratio, view.tx * ratio, view.ty * ratio);
  context.lineWidth = 1.1 / view.sx;
  context.lineJoin = "round";
  for (const { path, height } of contours) {
    context.fillStyle = css(theme.foreground, 0.025);
    context.fill(path, "evenodd");
    context.strokeStyle = css(theme.foreground, 0.22 + 0.33 * height);
    context.stroke(path);
  }
}

function paintNeighbors(context: CanvasRenderingContext2D, neighbors: Neighbors | null, frame: OverlayFrame): void {
  if (neighbors === null || !frame.visible(neighbors.point)) return;
  const { theme } = frame;
  const [px, py] = place(neighbors.point, frame);
  for (const [width, color] of [
    [3.5, css(theme.background, 0.75)],
    [1.4, css(theme.selection, 0.95)],
  ] as const) {
    context.beginPath();
    for (let index = 0; index < neighbors.points.length; index++) {
      if (!frame.visible(neighbors.points[index])) continue;
      context.moveTo(px, py);
      context.lineTo(...place(neighbors.points[index], frame));
    }
    context.lineWidth = width;
    context.strokeStyle = color;
    context.stroke();
  }
  for (let index = 0; index < neighbors.points.length; index++) {
    if (frame.visible(neighbors.points[index])) dot(context, place(neighbors.points[index], frame), 3.6, frame);
  }
  dot(context, [px, py], 6, frame);
}

function dot(
  context: CanvasRenderingContext2D,
  [px, py]: [number, number],
  radius: number,
  { theme }: OverlayFrame,
): void {
  context.beginPath();
  context.arc(px, py, radius, 0, 2 * Math.PI);
  context.fillStyle = css(theme.selection);
  context.fill();
  context.lineWidth = 1.5;
  context.strokeStyle = css(theme.background);
  context.stroke();
}

const place = (point: number, { x, y, view }: OverlayFrame) => toScreen(view, x[point], y[point]);

const overlaps = (a: Rectangle, b: Rectangle) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

/** The largest clusters first; a name that would cover another is left out until there is room. */
function paintLabels(
  context: CanvasRenderingContext2D,
  labels: readonly Label[],
  frame: OverlayFrame,
  taken: Rectangle[],
): void {
  const { theme, width, height } = frame;
  const most = Math.max(1, ...labels.slice(0, 4096).map((label) => label.count));
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  for (const label of [...labels].sort((a, b) => b.count - a.count)) {
    if (taken.length >= MOST_LABELS) return;
    const [px, py] = toScreen(frame.view, label.x, label.y);
    const size = 11.5 + 3.5 * Math.sqrt(label.count / most);
    if (px < 0 || py < 0 || px > width || py > height) continue;
    context.font = `600 ${size}px ${theme.font}`;
    const text = shortened(label.text);
    const half = context.measureText(text).width / 2 + 4;
    const middle = Math.min(width - half, Math.max(half, px));
    const box: Rectangle = [middle - half, py - size * 0.75, middle + half, py + size * 0.75];
    if (taken.some((other) => overlaps(box, other))) continue;
    taken.push(box);
    context.lineWidth = 4;
    context.strokeStyle = css(theme.background, 0.85);
    context.strokeText(text, middle, py);
    context.fillStyle = css(theme.foreground);
    context.fillText(text, middle, py);
  }
}

const shortened = (text: string) => {
  const line = text.replace(/[\s\p{Cc}\p{Cf}]+/gu, " ").trim();
  return line.length > 28 ? `${Array.from(line).slice(0, 27).join("")}…` : line;
};

/** The places in the order that carry a number: all in view, or where these are too many the first of all. */
function numbered(order: ArrayLike<number>, frame: OverlayFrame): number[] {
  const inView: number[] = [];
  for (let rank = 0; rank < Math.min(BADGES_AMONG, order.length); rank++) {
    if (!frame.visible(order[rank])) continue;
    const [px, py] = place(order[rank], frame);
    if (px < 0 || py < 0 || px > frame.width || py > frame.height) continue;
    inView.push(rank);
    if (inView.length > BADGES) return inView.filter((at) => at < FIRST_BADGES);
  }
  return inView;
}

function paintFound(context: CanvasRenderingContext2D, found: ArrayLike<number>, frame: OverlayFrame): void {
  // The best ones last, so that they lie on top.
  for (let index = found.length - 1; index >= 0; index--) {
    if (frame.visible(found[index])) dot(context, place(found[index], frame), 3.6, frame);
  }
}

function paintOrder(
  context: CanvasRenderingContext2D,
  order: ArrayLike<number>,
  frame: OverlayFrame,
  taken: Rectangle[],
): void {
  const { theme } = frame;
  context.font = `600 10px ${theme.font}`;
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (const rank of numbered(order, frame)) {
    const [px, py] = place(order[rank], frame);
    const text = String(rank + 1);
    const left = px + frame.markSize / 2 + 2;
    const box: Rectangle = [left - 1, py - 6, left + 6 * text.length + 2, py + 6];
    if (taken.some((other) => overlaps(box, other))) continue;
    taken.push(box);
    context.lineWidth = 3;
    context.strokeStyle = css(theme.background, 0.9);
    context.strokeText(text, left, py);
    context.fillStyle = css(theme.foreground);
    context.fillText(text, left, py);
  }
}

function paintRing(context: CanvasRenderingContext2D, point: number, frame: OverlayFrame): void {
  const [px, py] = place(point, frame);
  for (const [width, color] of [
    [4, css(frame.theme.background, 0.9)],
    [2, css(frame.theme.foreground)],
  ] as const) {
    context.beginPath();
    context.arc(px, py, frame.markSize / 2 + 3.5, 0, 2 * Math.PI);
    context.lineWidth = width;
    context.strokeStyle = color;
    context.stroke();
  }
}

function paintOutline(context: CanvasRenderingContext2D, outline: readonly number[] | null, frame: OverlayFrame): void {
  if (outline === null || outline.length < 4) return;
  context.beginPath();
  for (let at = 0; at < outline.length; at += 2) context.lineTo(outline[at], outline[at + 1]);
  context.closePath();
  context.fillStyle = css(frame.theme.selection, 0.12);
  context.fill("nonzero");
  context.lineWidth = 1.5;
  context.strokeStyle = css(frame.theme.selection);
  context.setLineDash([5, 3]);
  context.stroke();
  context.setLineDash([]);
}

function paintHint(context: CanvasRenderingContext2D, hint: string | null, frame: OverlayFrame): void {
  if (hint === null) return;
  const { theme } = frame;
  context.font = `500 12px ${theme.font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  const half = context.measureText(hint).width / 2 + 12;
  const [px, py] = [frame.width / 2, frame.height - 26];
  context.beginPath();
  context.roundRect(px - half, py - 13, 2 * half, 26, 13);
  context.fillStyle = css(theme.foreground, 0.86);
  context.fill();
  context.fillStyle = css(theme.background);
  context.fillText(hint, px, py);
}
