/** The wire's fixture, read by the kernel's tests as well: arrays decode to the values it names. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { RECORDING } from "../dev/replay";
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

interface Schema {
  $ref?: string;
  anyOf?: Schema[];
  enum?: unknown[];
  type?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema | false;
  prefixItems?: Schema[];
}
const { $defs } = JSON.parse(readFileSync("src/generated/messages.schema.json", "utf8")) as {
  $defs: Record<string, Schema>;
};

const TYPES: Record<string, (value: unknown) => boolean> = {
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  integer: Number.isInteger,
  boolean: (value) => typeof value === "boolean",
  null: (value) => value === null,
  array: Array.isArray,
  object: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
};

/** Whether a value has the shape that the schema says; limits are the kernel's to check. */
function fits(value: unknown, schema: Schema): boolean {
  if (schema.$ref) return fits(value, $defs[schema.$ref.replace("#/$defs/", "")]);
  if (schema.anyOf) return schema.anyOf.some((option) => fits(value, option));
  if (schema.enum) return schema.enum.includes(value);
  if (schema.type && !TYPES[schema.type](value)) return false;
  if (Array.isArray(value))
    return value.every((item, at) => fits(item, schema.prefixItems?.[at] ?? (schema.items || {})));
  if (schema.type !== "object") return true;
  const fields = value as Record<string, unknown>;
  const { properties = {}, required = [], additionalProperties = true } = schema;
  const known = (name: string): Schema | false =>
    properties[name] ?? (additionalProperties === true ? {} : additionalProperties || false);
  return (
    required.every((name) => name in fields) &&
    Object.entries(fields).every(([name, item]) => {
      const field = known(name);
      return field !== false && fits(item, field);
    })
  );
}

for (const [side, name] of [
  ["requests", "Request"],
  ["replies", "Message"],
] as const) {
  for (const { content } of FIXTURE[side]) {
    test(`${side}: ${content.kind} has the shape that Python declares, and no field more or less`, () => {
      assert.ok(fits(content, $defs[name]));
      assert.ok(!fits({ ...content, surplus: 1 }, $defs[name]));
      const { kind: _, ...rest } = content;
      assert.ok(!fits(rest, $defs[name]));
    });
  }
}

test("what the dev page replays has the shape that Python declares: if not, run js/dev/record.py again", () => {
  const { answers, ends, files, tag } = RECORDING;
  const whole = [...Object.values(ends), ...Object.values(files), ...Object.values(tag)];
  const said = [...whole, ...Object.values(answers).flatMap((all) => all.map(({ content }) => content))];
  assert.ok(said.length > 40);
  for (const content of said) {
    assert.ok(fits({ ...content, seq: 0, id: 0, done: true }, $defs.Message), JSON.stringify(content).slice(0, 300));
  }
});
