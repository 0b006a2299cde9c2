/** Samples made up for the dev page: clusters in the plane, with labels, metadata and small drawn pictures. */

export interface World {
  n: number;
  x: Float32Array;
  y: Float32Array;
  /** Cluster of each row, which is also its class. */
  group: Uint8Array;
  brightness: Float32Array;
  classes: string[];
  weather: string[];
  tags: Map<string, number[]>;
}

const CLASSES = ["bridge", "bus", "cat", "church", "dog", "forest", "harbour", "market", "mountain", "tram"];

/** The same numbers on every run (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function makeWorld(n: number): World {
  const random = randomNumbers(7);
  const normal = () => Math.sqrt(-2 * Math.log(random() || 1e-9)) * Math.cos(2 * Math.PI * random());
  const groups = CLASSES.length;
  const centers = Array.from({ length: groups }, (_, index) => {
    const angle = (2 * Math.PI * index * 0.382) % (2 * Math.PI);
    const radius = 0.18 + 0.62 * Math.sqrt((index + 0.5) / groups);
    return [radius * Math.cos(angle), radius * Math.sin(angle), 0.05 + 0.07 * random(), 0.05 + 0.05 * random()];
  });
  const x = new Float32Array(n);
  const y = new Float32Array(n);
  const group = new Uint8Array(n);
  const brightness = new Float32Array(n);
  for (let row = 0; row < n; row++) {
    const of = Math.floor(groups * random() ** 1.7);
    const [cx, cy, sx, sy] = centers[of];
    const bend = normal();
    x[row] = cx + sx * bend;
    y[row] = cy + sy * normal() + 0.4 * sx * bend * bend;
    group[row] = of;
    brightness[row] = Math.min(1, Math.max(0, 0.25 + 0.05 * of + 0.12 * normal()));
  }
  const tags = new Map<string, number[]>();
  for (const [index, name] of ["train-2025", "reviewed"].entries()) {
    tags.set(
      name,
      Array.from({ length: Math.min(n, 40) }, (_, at) => (at * 97 + index) % n),
    );
  }
  return { n, x, y, group, brightness, classes: CLASSES, weather: ["clear", "fog", "rain", "snow"], tags };
}

/** A picture of one row as PNG bytes; null where there is no canvas to draw on. */
export async function picture(world: World, row: number, size: number): Promise<Uint8Array | null> {
  if (typeof OffscreenCanvas === "undefined") return null;
  const canvas = new OffscreenCanvas(size, size);
  const context = canvas.getContext("2d");
  if (context === null) return null;
  const random = randomNumbers(row + 1);
  const hue = (world.group[row] * 137.5 + 20 * random()) % 360;
  const light = 35 + 40 * world.brightness[row];
  const sky = context.createLinearGradient(0, 0, 0, size);
  sky.addColorStop(0, `hsl(${hue} 45% ${light + 18}%)`);
  sky.addColorStop(1, `hsl(${hue + 30} 40% ${light - 12}%)`);
  context.fillStyle = sky;
  context.fillRect(0, 0, size, size);
  for (let shape = 0; shape < 5; shape++) {
    context.fillStyle = `hsl(${hue + 60 * random() - 30} 50% ${light - 20 + 40 * random()}% / 75%)`;
    context.beginPath();
    const [px, py] = [size * random(), size * (0.4 + 0.6 * random())];
    if (world.group[row] % 2 === 0) context.arc(px, py, size * (0.08 + 0.2 * random()), 0, 7);
    else context.rect(px, py - 0.3 * size * random(), size * (0.1 + 0.2 * random()), size);
    context.fill();
  }
  return new Uint8Array(await (await canvas.convertToBlob({ type: "image/png" })).arrayBuffer());
}

/** The name of a sample's file. */
export const titleOf = (point: number): string => `scene_${String(point).padStart(5, "0")}.jpg`;

/** What a sample says in a dataset of texts. */
export const textOf = ({ classes, group }: World, point: number): string =>
  `Sample ${point}: a ${classes[group[point]]} seen on a gray morning.`;
