/** The wire's fixture, read by the kernel's tests as well: arrays decode to the values it names. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type ArrayRef, PROTOCOL } from "../src/protocol";
import { decode, decodeAs, WireError } from "../src/wire";

interface Example {
  content: Record<string, unknown>;
  buffers: string[];
  arrays: unknown[][];
}
const FIXTURE: Record<"requests" | "replies", Example[]> = JSON.parse(
  readFileSync("../tests/fixtures/messages.json", "utf8"),
);

/** The buffers as they come: somewhere inside a frame, so that few are aligned. */
function framed(hex: string[], at: number): DataView[] {
  return hex.map((text) => {
    const bytes = Buffer.from(text, "hex");
    const frame = new Uint8Array(bytes.length + at + 5);
    frame.set(bytes, at);
    return new DataView(frame.buffer, at, bytes.length);
  });
}

function refsIn(value: unknown): ArrayRef[] {
  if (typeof value !== "object" || value === null) return [];
  if ("dtype" in value && "shape" in value) return [value as ArrayRef];
  return Object.values(value).flatMap(refsIn);
}

for (const side of ["requests", "replies"] as const) {
  for (const example of FIXTURE[side]) {
    for (const at of [0, 1, 4]) {
      test(`${side}: arrays of ${example.content.kind}, ${at} bytes into a frame`, () => {
        const buffers = framed(example.buffers, at);
        const refs = refsIn(example.content).sort((a, b) => a.buffer - b.buffer);
        assert.equal(refs.length, example.arrays.length);
        refs.forEach((ref, index) => {
          assert.deepEqual(Array.from(decode(ref, buffers)), example.arrays[index].flat());
        });
      });
    }
  }
}

test("hello says the protocol that this page speaks", () => {
  const hello = FIXTURE.requests.find((example) => example.content.kind === "hello");
  assert.equal(hello?.content.protocol, PROTOCOL);
});

test("every answer of the fixture is numbered, and its errors are in words", () => {
  FIXTURE.replies.forEach(({ content }, index) => {
    assert.equal(content.seq, index + 1);
    if (content.kind === "error") assert.ok(String(content.message).length > 0);
  });
});

const FOUR = [new DataView(new ArrayBuffer(16))];
for (const [what, ref] of Object.entries({
  "too few bytes": { buffer: 0, dtype: "f32", shape: [5] },
  "too many bytes": { buffer: 0, dtype: "u8", shape: [4] },
  "no such buffer": { buffer: 1, dtype: "f32", shape: [4] },
  "no such dtype": { buffer: 0, dtype: "f64", shape: [2] },
})) {
  test(`a reference with ${what} is refused`, () => {
    assert.throws(() => decode(ref as ArrayRef, FOUR), WireError);
  });
}

test("an array of another type than expected is refused", () => {
  assert.throws(() => decodeAs(Uint32Array, { buffer: 0, dtype: "f32", shape: [4] }, FOUR), WireError);
});
