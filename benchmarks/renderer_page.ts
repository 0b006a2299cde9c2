/** In the page of renderer.py: the same things done with either plot, each timed until the GPU is through. */
import createScatterplot from "regl-scatterplot";
import { categoryPalette, FLAG, Scatter } from "../js/src/scatter";
import { pointsInPolygon } from "./polygon";

const CLUSTERS = 10;
const MOVES = 15;

interface Data {
  x: Float32Array;
  y: Float32Array;
  codes: Uint8Array;
}

/** What renderer.py asks for, for either plot; each resolves when its picture is whole. */
interface Plot {
  create(data: Data): Promise<void>;
  highlight(rows: number[]): Promise<void>;
  lasso(polygon: Float32Array): Promise<number>;
  /** One drag step of the pointer, until a frame shows it. */
  move(): Promise<void>;
  /** After the drag, until the picture is whole. */
  whole(): Promise<void>;
  press(x: number, y: number): void;
  gl(): WebGL2RenderingContext;
}

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function generate(n: number): Data {
  const next = random(7);
  const normal = () => Math.sqrt(-2 * Math.log(next() + 1e-12)) * Math.cos(2 * Math.PI * next());
  const centers = Array.from({ length: CLUSTERS }, () => [1.5 * next() - 0.75, 1.5 * next() - 0.75, 0.03 + 0.1 * next()]);
  const data = { x: new Float32Array(n), y: new Float32Array(n), codes: new Uint8Array(n) };
  for (let row = 0; row < n; row++) {
    const code = Math.floor(next() * CLUSTERS);
    const [cx, cy, spread] = centers[code];
    data.x[row] = Math.min(1, Math.max(-1, cx + spread * normal()));
    data.y[row] = Math.min(1, Math.max(-1, cy + spread * normal()));
    data.codes[row] = code;
  }
  return data;
}

const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve));

/** Waits for everything that was sent to the GPU. */
function finish(gl: WebGL2RenderingContext): void {
  gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
}

function mouse(target: EventTarget, type: string, x: number, y: number): void {
  target.dispatchEvent(
    new MouseEvent(type, { clientX: x, clientY: y, buttons: 1, bubbles: true, cancelable: true, view: window }),
  );
}

function ours(host: HTMLElement): Plot {
  let scatter: Scatter;
  let flags: Uint8Array;
  let kept: Data;
  const surface = () => host.querySelector<HTMLCanvasElement>("canvas[role=application]") as HTMLCanvasElement;
  const gl = () =>
    (host.querySelectorAll("canvas")[1] as HTMLCanvasElement).getContext("webgl2") as WebGL2RenderingContext;
  return {
    gl,
    async create(data) {
      kept = data;
      scatter = new Scatter(host, {});
      scatter.setPoints(data.x, data.y);
      scatter.setCategories(data.codes, categoryPalette(CLUSTERS));
      flags = new Uint8Array(data.x.length);
      scatter.setFlags(flags);
      await scatter.settled();
    },
    async highlight(rows) {
      for (const row of rows) flags[row] |= FLAG.A;
      scatter.flagsChanged(rows);
      await scatter.settled();
    },
    async lasso(polygon) {
      flags.fill(0);
      const rows = pointsInPolygon(kept.x, kept.y, polygon, flags, FLAG.HIDDEN | FLAG.MUTED);
      for (let index = 0; index < rows.length; index++) flags[rows[index]] |= FLAG.SELECTED;
      scatter.flagsChanged();
      await scatter.settled();
      return rows.length;
    },
    press: (x, y) => mouse(surface(), "mousedown", x, y),
    async move() {
      const before = scatter.debug.frames;
      while (scatter.debug.frames === before) await nextFrame();
    },
    whole: () => scatter.settled(),
  };
}

function theirs(host: HTMLElement): Plot {
  const canvas = document.createElement("canvas");
  canvas.style.cssText = "width:100%;height:100%";
  host.append(canvas);
  let plot: ReturnType<typeof createScatterplot>;
  let drawn: (() => void) | null = null;
  const nextDraw = () =>
    new Promise<void>((resolve) => {
      drawn = resolve;
    });
  return {
    gl: () => (plot.get("regl") as unknown as { _gl: WebGL2RenderingContext })._gl,
    async create(data) {
      const { width, height } = host.getBoundingClientRect();
      plot = createScatterplot({ canvas, width, height, pointSize: 3, opacityBy: "density" as never, pointColor: categoryPalette(CLUSTERS) });
      plot.set({ colorBy: "valueA" });
      plot.subscribe("draw", () => {
        drawn?.();
        drawn = null;
      });
      await plot.draw({ x: data.x, y: data.y, valueA: data.codes } as never, { zDataType: "categorical" } as never);
    },
    async highlight(rows) {
      const done = nextDraw();
      plot.select(rows);
      await done;
    },
    async lasso(polygon) {
      plot.deselect();
      await nextDraw();
      finish(this.gl());
      restart();
      const done = nextDraw();
      const corners = Array.from({ length: polygon.length / 2 }, (_, index) => [polygon[2 * index], polygon[2 * index + 1]]);
      plot.lassoSelect(corners as never, { isGl: true } as never);
      await done;
      return (plot.get("selectedPoints") as number[]).length;
    },
    press: (x, y) => mouse(canvas, "mousedown", x, y),
    move: nextDraw,
    whole: async () => {},
  };
}

let started = 0;
const restart = () => {
  started = performance.now();
};

async function timed(plot: Plot, work: () => Promise<unknown>): Promise<number> {
  restart();
  await work();
  finish(plot.gl());
  return performance.now() - started;
}

async function pan(plot: Plot): Promise<{ frame: number; whole: number }> {
  const frames: number[] = [];
  plot.press(400, 300);
  for (let step = 1; step <= MOVES; step++) {
    frames.push(
      await timed(plot, () => {
        const shown = plot.move();
        mouse(window, "mousemove", 400 + 6 * step, 300 + 2 * step);
        return shown;
      }),
    );
  }
  const whole = await timed(plot, () => plot.whole());
  mouse(window, "mouseup", 400 + 6 * MOVES, 300 + 2 * MOVES);
  frames.sort((a, b) => a - b);
  return { frame: frames[frames.length >> 1], whole: frames[frames.length >> 1] + whole };
}

let data: Data;
let plot: Plot;

Object.assign(window, {
  prepare(n: number) {
    data = generate(n);
  },
  async firstPaint(which: "ours" | "theirs") {
    const host = document.getElementById("host") as HTMLElement;
    plot = which === "ours" ? ours(host) : theirs(host);
    return timed(plot, () => plot.create(data));
  },
  async rest() {
    const n = data.x.length;
    await nextFrame();
    const rows = Array.from({ length: 1000 }, (_, index) => Math.floor((index * n) / 1000));
    const highlight = await timed(plot, () => plot.highlight(rows));
    const polygon = Float32Array.from({ length: 200 }, (_, at) => {
      const angle = (Math.floor(at / 2) / 100) * 2 * Math.PI;
      return (0.45 + 0.08 * Math.sin(7 * angle)) * (at % 2 ? Math.sin(angle) : Math.cos(angle));
    });
    let selected = 0;
    const lasso = await timed(plot, async () => {
      selected = await plot.lasso(polygon);
    });
    const { frame, whole } = await pan(plot);
    return { highlight, lasso, selected, pan: frame, pan_whole: whole };
  },
});
