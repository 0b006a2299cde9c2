/** The kernel's recorded answers (record.py), looked up by what tells requests of a kind apart, and fitted to the page. */
import type { Said } from "../src/page/data";
import type { Info, MessageOf, Request, SampleSpec } from "../src/protocol";
import { decode } from "../src/wire";
import { f32, u8 } from "./model";
import recorded from "./recordings/answers.json";

type Sampled = MessageOf<"sampled">;
interface Kept {
  content: Said;
  buffers: string[];
}
interface Recording {
  /** How many there were. */
  points: number;
  essential: Record<string, string[]>;
  info: Record<"image" | "text", Info>;
  picks: Record<"positive" | "negative", { points: number[]; gains: number[] }>;
  ends: Record<"complete" | "exhausted" | "cancelled", Sampled> &
    Record<"undo" | "redo" | "no_strategy", MessageOf<"error">>;
  answers: Record<string, Kept[]>;
  files: Record<"free" | "taken" | "folder" | "exported" | "refused", Said>;
  tag: Record<"saved" | "refused", Said>;
}
export const RECORDING = recorded as unknown as Recording;

export interface Answer {
  body: Said;
  arrays: (Uint8Array | Float32Array)[];
}

const bytesOf = (text: string) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** What the kernel said to such a request about `n` samples; an error names the request that was not recorded. */
export function answersTo(request: Request, n: number): Answer[] {
  const fields = RECORDING.essential[request.kind] ?? [];
  const key = JSON.stringify([request.kind, ...fields.map((name) => request[name as keyof Request] ?? null)]);
  const found = RECORDING.answers[key];
  if (!found) throw new Error(`No answer to ${key} is recorded: add the request to js/dev/record.py and run that.`);
  return found.map(({ content, buffers }) => fitted(content, buffers.map(bytesOf), n));
}

/** Fewer samples than were recorded are the first of these; more are these again and again. */
function fitted(content: Said, bytes: Uint8Array[], n: number): Answer {
  const views = bytes.map((part) => new DataView(part.buffer));
  if (content.kind === "mask") {
    const bits = content.bits && cut(repeated(bytes[0], Math.ceil(n / 8)), n);
    const count = bits ? ones(bits) : n;
    return { body: { ...content, count, bits: bits && u8(bits) }, arrays: bits ? [bits] : [] };
  }
  if (content.kind === "colors" && content.values) {
    const values = repeated(decode(content.values, views) as Uint8Array | Float32Array, n);
    const ref = values instanceof Uint8Array ? u8(values) : f32(0, n);
    const categories = content.categories.map(({ name }, code) => ({ name, count: countOf(values, code) }));
    return { body: { ...content, total: n, values: ref, categories }, arrays: [values] };
  }
  return { body: content, arrays: bytes };
}

const countOf = (values: Iterable<number>, code: number) => {
  let count = 0;
  for (const value of values) if (value === code) count++;
  return count;
};

function repeated<T extends Uint8Array | Float32Array>(values: T, length: number): T {
  if (length <= values.length) return values.slice(0, length) as T;
  const all = new (values.constructor as new (length: number) => T)(length);
  for (let at = 0; at < length; at += values.length) all.set(values.subarray(0, length - at), at);
  return all;
}

/** Without the bits after the last sample. */
function cut(bits: Uint8Array, n: number): Uint8Array {
  if (n % 8 > 0) bits[bits.length - 1] &= (1 << (n % 8)) - 1;
  return bits;
}

export const has = (bits: Uint8Array, point: number): boolean => (bits[point >> 3] & (1 << (point & 7))) > 0;

function ones(bits: Uint8Array): number {
  let count = 0;
  for (let point = 0; point < 8 * bits.length; point++) if (has(bits, point)) count++;
  return count;
}

export function bitsOf(points: Iterable<number>, n: number): Uint8Array {
  const bits = new Uint8Array(Math.ceil(n / 8));
  for (const point of points) bits[point >> 3] |= 1 << (point & 7);
  return bits;
}

/** The recorded picks that are candidates, then the candidates that the recording does not know. */
export function* picksOf(
  { strategies, pinned }: SampleSpec,
  pool: readonly number[],
): Generator<readonly [number, number]> {
  const run = RECORDING.picks[strategies[0].strength < 0 ? "negative" : "positive"];
  const wanted = new Set(pool);
  for (const point of pinned) wanted.delete(point);
  for (const [index, point] of run.points.entries()) {
    if (wanted.delete(point)) yield [point, run.gains[index]];
  }
  for (const point of wanted) yield [point, 0];
}

/** Recorded words about other numbers or names. */
export function about<T>(message: T, was: string | number, now: string | number): T {
  const wanted = JSON.stringify(String(now)).slice(1, -1);
  return JSON.parse(JSON.stringify(message).replaceAll(String(was), wanted.replaceAll("$", "$$$$")));
}
