/** The shapes of what the store shows. */
import type { ColorBy, MessageOf, Traits } from "./protocol";

/** `silent`: no answer for some seconds (busy, or not running). `gone`: the connection to the kernel was closed. */
export type Status = "connecting" | "ready" | "silent" | "gone";

export interface Points {
  x: Float32Array;
  y: Float32Array;
  projection: string;
  /** Glide from the positions before. */
  animate: boolean;
}

/** A bitset over the rows, LSB first; `bits` null = every row for the filter, none for the others. */
export interface Mask {
  bits: Uint8Array | null;
  count: number;
}

export interface Colors {
  colorBy: ColorBy;
  scale: "category" | "number" | "none";
  /** Category codes (u8, 255 = no value) or numbers (f32, NaN = no value). */
  values: Uint8Array | Float32Array | null;
  categories: { name: string; count: number }[];
  domain: [number, number] | null;
  note: string | null;
}

export interface Detail extends Omit<MessageOf<"detail">, "seq" | "id" | "done" | "kind" | "thumbnail"> {
  /** Encoded image bytes of type `mime`, or null. */
  thumbnail: Uint8Array | null;
}

export interface Thumbnail {
  image: Uint8Array | null;
  mime: string;
  text: string | null;
  title: string;
}

export interface Toast {
  key: number;
  error: string;
  message: string;
}

export type TraitName = keyof Traits;
