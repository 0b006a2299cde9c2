/** The plot's colors, taken from the host's variables: JupyterLab, VS Code, or the page's own. */
import { parseHex, type Rgb } from "./palettes";

export interface Theme {
  dark: boolean;
  background: Rgb;
  foreground: Rgb;
  /** Points without a color of their own. */
  base: Rgb;
  /** Points without a value. */
  muted: Rgb;
  selection: Rgb;
  a: Rgb;
  b: Rgb;
  font: string;
}

/** Colors to use instead of those read, as `#rrggbb`. */
export type ThemeColors = Partial<
  Record<"background" | "foreground" | "base" | "muted" | "selection" | "a" | "b", string>
>;

const BACKGROUND = ["--lw-plot-bg", "--lw-bg", "--jp-layout-color0", "--vscode-editor-background"];
const FOREGROUND = ["--lw-fg", "--jp-ui-font-color1", "--jp-content-font-color1", "--vscode-editor-foreground"];
const FONT = ["--lw-font", "--jp-ui-font-family", "--vscode-font-family"];

export function readTheme(host: HTMLElement, colors: ThemeColors = {}): Theme {
  const style = getComputedStyle(host);
  const variable = (names: readonly string[]) =>
    names.map((name) => style.getPropertyValue(name).trim()).find((value) => value !== "") ?? "";
  const background = hexOr(colors.background) ??
    resolve(variable(BACKGROUND)) ??
    resolve(groundOf(host)) ?? [255, 255, 255];
  const dark = luma(background) < 110;
  const own = dark ? DARK : LIGHT;
  const pick = (name: keyof typeof LIGHT) => hexOr(colors[name]) ?? parseHex(own[name]);
  return {
    dark,
    background,
    foreground: hexOr(colors.foreground) ?? resolve(variable(FOREGROUND)) ?? parseHex(dark ? "#e8e8e8" : "#1f2328"),
    base: pick("base"),
    muted: pick("muted"),
    selection: pick("selection"),
    a: pick("a"),
    b: pick("b"),
    font: variable(FONT) || "system-ui, sans-serif",
  };
}

const LIGHT = { base: "#5b7fb0", muted: "#b9bec6", selection: "#0b5fff", a: "#d9480f", b: "#0077b6" };
const DARK = { base: "#7fa6d9", muted: "#767d88", selection: "#7cb2ff", a: "#ff922b", b: "#4cc9f0" };

const hexOr = (text: string | undefined): Rgb | null => (text === undefined ? null : parseHex(text));
const luma = ([r, g, b]: Rgb) => 0.299 * r + 0.587 * g + 0.114 * b;

/** The first painted ground behind the plot. */
function groundOf(host: HTMLElement): string {
  for (let node: Node | null = host; node !== null; node = node.parentNode ?? (node as ShadowRoot).host ?? null) {
    if (!(node instanceof HTMLElement)) continue;
    const color = getComputedStyle(node).backgroundColor;
    if (color && color !== "transparent" && !/,\s*0\)$/.test(color)) return color;
  }
  return "";
}

/** Any CSS color as bytes, by painting it; null where it is not one. */
function resolve(text: string): Rgb | null {
  if (text === "") return null;
  if (/^#[0-9a-f]{6}$/i.test(text)) return parseHex(text);
  const known = resolved.get(text);
  if (known !== undefined) return known;
  const color = paint(text);
  resolved.set(text, color);
  return color;
}

const resolved = new Map<string, Rgb | null>();

function paint(text: string): Rgb | null {
  // Read back from memory: from the GPU it would take tens of milliseconds a color.
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  if (context === null) return null;
  context.fillStyle = "#010203";
  context.fillStyle = text;
  if (context.fillStyle === "#010203") return null;
  context.fillRect(0, 0, 1, 1);
  const [r, g, b] = context.getImageData(0, 0, 1, 1).data;
  return [r, g, b];
}

export const css = ([r, g, b]: Rgb, alpha = 1): string => `rgba(${r}, ${g}, ${b}, ${alpha})`;
