/** Colors by category and number. */
import { interpolateViridis } from "d3-scale-chromatic";

export type Rgb = readonly [number, number, number];

/** Okabe & Ito (2008), told apart with the common color-vision deficiencies; dark gray in place of their black, which vanishes on dark. */
export const OKABE_ITO = [
  "#0072b2",
  "#e69f00",
  "#009e73",
  "#cc79a7",
  "#56b4e9",
  "#d55e00",
  "#f0e442",
  "#606060",
] as const;

export const MAX_CATEGORIES = 254;

/** What sRGB looks like with protanopia, deuteranopia and tritanopia: Machado, Oliveira & Fernandes (2009), severity 1, linear RGB. */
const DEFICIENCIES: readonly (readonly number[])[] = [
  [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
];

/**
 * `count` colors, 1 to 254: Okabe–Ito as far as it goes, then whichever color is farthest from all before it (OKLab),
 * by the worst of normal sight and the three deficiencies. A longer palette starts with the shorter one.
 */
export function categoryPalette(count: number): string[] {
  if (count <= OKABE_ITO.length) return OKABE_ITO.slice(0, Math.max(0, count));
  return largePalette().slice(0, Math.min(count, MAX_CATEGORIES));
}

let large: string[] | null = null;

function largePalette(): string[] {
  if (large !== null) return large;
  const candidates = candidateColors();
  const seen = candidates.map((hex) => appearances(parseHex(hex)));
  const nearest = new Float64Array(candidates.length).fill(Infinity);
  const keep = (chosen: Float64Array) => {
    for (let index = 0; index < seen.length; index++) {
      nearest[index] = Math.min(nearest[index], worstDistance(seen[index], chosen));
    }
  };
  const result: string[] = [...OKABE_ITO];
  for (const hex of OKABE_ITO) keep(appearances(parseHex(hex)));
  while (result.length < MAX_CATEGORIES) {
    const best = nearest.indexOf(nearest.reduce((a, b) => Math.max(a, b), -Infinity));
    result.push(candidates[best]);
    keep(seen[best]);
  }
  large = result;
  return result;
}

/** A lattice of sRGB, less what would vanish on a white or a black ground. */
function candidateColors(): string[] {
  const steps = [0, 32, 64, 96, 128, 160, 192, 224, 255];
  const colors: string[] = [];
  for (const r of steps) {
    for (const g of steps) {
      for (const b of steps) {
        const lightness = oklab([r, g, b])[0];
        if (lightness > 0.48 && lightness < 0.86) colors.push(toHex([r, g, b]));
      }
    }
  }
  return colors;
}

/** OKLab of a color with normal sight and each deficiency, 12 numbers. */
export function appearances(color: Rgb): Float64Array {
  const result = new Float64Array(3 + 3 * DEFICIENCIES.length);
  const linear = color.map(toLinear);
  result.set(oklabFromLinear(linear[0], linear[1], linear[2]));
  DEFICIENCIES.forEach((m, index) => {
    const row = (at: number) => clamp01(m[at] * linear[0] + m[at + 1] * linear[1] + m[at + 2] * linear[2]);
    result.set(oklabFromLinear(row(0), row(3), row(6)), 3 * (index + 1));
  });
  return result;
}

/** The smallest OKLab distance of two `appearances`, over the kinds of sight. */
export function worstDistance(a: Float64Array, b: Float64Array): number {
  let worst = Infinity;
  for (let at = 0; at < a.length; at += 3) {
    worst = Math.min(worst, (a[at] - b[at]) ** 2 + (a[at + 1] - b[at + 1]) ** 2 + (a[at + 2] - b[at + 2]) ** 2);
  }
  return Math.sqrt(worst);
}

const clamp01 = (value: number) => Math.min(1, Math.max(0, value));
const toLinear = (byte: number) => (byte <= 10.31475 ? byte / 3294.6 : ((byte / 255 + 0.055) / 1.055) ** 2.4);
const oklab = (color: Rgb) => oklabFromLinear(toLinear(color[0]), toLinear(color[1]), toLinear(color[2]));

function oklabFromLinear(r: number, g: number, b: number): [number, number, number] {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/** WCAG contrast of two colors, 1 to 21. */
export function contrast(a: Rgb, b: Rgb): number {
  const luminance = (c: Rgb) => 0.2126 * toLinear(c[0]) + 0.7152 * toLinear(c[1]) + 0.0722 * toLinear(c[2]);
  const [high, low] = [luminance(a), luminance(b)].sort((p, q) => q - p);
  return (high + 0.05) / (low + 0.05);
}

/** `#rgb` or `#rrggbb`; anything else is gray. */
export function parseHex(text: string): Rgb {
  const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])$/i.exec(text);
  const digits = short ? short.slice(1).map((digit) => digit + digit) : /^#(..)(..)(..)$/.exec(text)?.slice(1);
  const bytes = digits?.map((pair) => Number.parseInt(pair, 16)) ?? [];
  return bytes.length === 3 && bytes.every((byte) => byte >= 0) ? [bytes[0], bytes[1], bytes[2]] : [128, 128, 128];
}

const toHex = (color: Rgb) => `#${color.map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;

/** The code of points without a value. */
export const NO_VALUE = 255;

/** Numbers as codes 0 … 254 along the domain; NaN becomes `NO_VALUE`. */
export function codesOfValues(values: Float32Array, [low, high]: readonly [number, number]): Uint8Array {
  const codes = new Uint8Array(values.length);
  const scale = high > low ? 254 / (high - low) : 0;
  for (let point = 0; point < values.length; point++) {
    const value = values[point];
    codes[point] = Number.isNaN(value) ? NO_VALUE : Math.min(254, Math.max(0, Math.round((value - low) * scale)));
  }
  return codes;
}

export const viridisPalette = (): string[] => Array.from({ length: 255 }, (_, code) => interpolateViridis(code / 254));

/** RGBA by code; codes beyond the palette and `NO_VALUE` take the fallback. */
export function lookupTable(palette: readonly string[], fallback: Rgb): Uint8Array {
  const table = new Uint8Array(256 * 4);
  for (let code = 0; code < 256; code++) {
    const color = code < palette.length && code !== NO_VALUE ? parseHex(palette[code]) : fallback;
    table.set([...color, 255], 4 * code);
  }
  return table;
}
