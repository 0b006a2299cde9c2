/** What a page holds: what the kernel said when the page was made. Written by `lightly_widget/page/pack.py`. */
import type { ColorBy, Message, MessageOf, Traits } from "../protocol";

type Body<M> = M extends { kind: string } ? Omit<M, "seq" | "id" | "done"> : never;
export type Said<M = Message> = Body<M>;
/** A message and the buffers that its arrays are in. */
export interface Recorded<M = Message> {
  message: Said<M>;
  buffers: DataView[];
}

/** A sample that can be shown as A: its picks, and what the kernel said about it. */
export interface RecordedSample {
  picks: Recorded<MessageOf<"picks">>[];
  sampled: Recorded<MessageOf<"sampled">>;
  metrics: { source: string | null; metadata: string | null; reply: Recorded<MessageOf<"metrics">> }[];
  recipe: string;
}

export interface PageData {
  traits: Traits;
  /** Positions and masks. */
  map: Recorded[];
  colors: { color_by: ColorBy; replies: Recorded<MessageOf<"colors">>[] }[];
  clusters: { color_by: ColorBy; reply: Recorded<MessageOf<"clusters">> }[];
  a: RecordedSample | null;
  b: RecordedSample | null;
  /** The picks of B that are marked: its first ones. */
  n_compared: number;
  /** Names of all samples; null where they were too long. */
  titles: string[] | null;
  details: Recorded<MessageOf<"detail">>[];
}

/** The bytes of a gzipped pack in base64. */
export async function unzipped(base64: string): Promise<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

/** A pack is the length of its JSON (u32), the JSON, then the buffers that the JSON says where to find. */
export function unpacked(pack: ArrayBuffer): PageData {
  const length = new DataView(pack).getUint32(0, true);
  const { page, buffers } = JSON.parse(new TextDecoder().decode(new Uint8Array(pack, 4, length)));
  const views = (buffers as [number, number][]).map(([offset, size]) => new DataView(pack, offset, size));
  const filled = (value: unknown): unknown => {
    if (Array.isArray(value)) return typeof value[0] === "object" ? value.map(filled) : value;
    if (value === null || typeof value !== "object") return value;
    const entries = Object.entries(value);
    if ("message" in value && "buffers" in value) {
      const numbers = value.buffers as number[];
      return { message: value.message, buffers: numbers.map((number) => views[number]) };
    }
    return Object.fromEntries(entries.map(([name, part]) => [name, name === "traits" ? part : filled(part)]));
  };
  return filled(page) as PageData;
}
