export { FLAG } from "../flags";
export { categoryPalette, MAX_CATEGORIES, NO_VALUE, OKABE_ITO } from "./palettes";
export { Scatter } from "./scatter";
export type { Theme, ThemeColors } from "./theme";
export type {
  AreaOp,
  Box,
  Debug,
  Label,
  Mode,
  Neighbors,
  Overlays,
  RendererKind,
  ScatterEvents,
  ScatterOptions,
} from "./types";
