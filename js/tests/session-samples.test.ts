/** Single samples: details, pictures, what is found. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ready, settle } from "./opened";

const DETAIL = { title: "t", text: null, fields: [], tags: [], labels: [], thumbnail: null, mime: "" };

test("a detail is asked for once; a failed one again", async () => {
  const { kernel, session } = ready();
  const failed = session.samples.detail(1);
  kernel.say({ kind: "error", error: "E", message: "no" }, kernel.last("detail").id, true);
  await assert.rejects(failed);
  const [one, two] = [session.samples.detail(1), session.samples.detail(1)];
  kernel.say({ kind: "detail", point: 1, sample_id: "id-1", ...DETAIL }, kernel.last("detail").id, true);
  assert.equal((await one).sample_id, "id-1");
  assert.equal(await two, await one);
  assert.equal(kernel.of("detail").length, 2);
});

test("hovering sets the trait to the id, unless the pointer is elsewhere by then", async () => {
  const { kernel, session } = ready();
  session.samples.hover(1);
  const first = kernel.last("detail").id;
  session.samples.hover(2);
  kernel.say({ kind: "detail", point: 1, sample_id: "id-1", ...DETAIL }, first, true);
  kernel.say({ kind: "detail", point: 2, sample_id: "id-2", ...DETAIL }, kernel.last("detail").id, true);
  await settle();
  assert.equal(session.traits.hovered.value, "id-2");
  session.samples.hover(null);
  assert.equal(session.traits.hovered.value, null);
});

test("thumbnails: only those that are missing are asked for", async () => {
  const { kernel, session } = ready();
  const answer = (rows: number[]) => {
    const each = { images: rows.map(() => null), texts: rows.map(String), titles: rows.map(String) };
    kernel.say({ kind: "thumbnails", points: rows, mime: "", ...each }, kernel.last("thumbnails").id, true);
  };
  const first = session.samples.thumbnails([1, 2], 64);
  answer([1, 2]);
  await first;
  const second = session.samples.thumbnails([2, 3], 64);
  assert.deepEqual(kernel.last("thumbnails").points, [3]);
  answer([3]);
  assert.deepEqual(
    (await second).map((thumbnail) => thumbnail.title),
    ["2", "3"],
  );
});

test("a picture to look for goes into the buffer", async () => {
  const { kernel, session } = ready();
  const frame = Uint8Array.of(9, 9, 1, 2, 3, 9);
  const found = session.samples.find({ image: frame.subarray(2, 5) }, 4);
  const { id, ...asked } = kernel.last("find");
  assert.deepEqual(asked, { kind: "find", k: 4, image: { buffer: 0, dtype: "u8", shape: [3] } });
  const [{ buffer, byteOffset, byteLength }] = kernel.buffers;
  assert.deepEqual([...new Uint8Array(buffer, byteOffset, byteLength)], [1, 2, 3]);
  kernel.say({ kind: "found", points: Uint32Array.of(4), scores: Float32Array.of(0.5) }, id, true);
  assert.deepEqual([...(await found).points], [4]);
});
