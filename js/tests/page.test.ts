/** The kernel of a page without one: it says again what was recorded, and works out lassos and comparisons itself. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { writeMask } from "../src/flags";
import { type PageData, unpacked, unzipped } from "../src/page/data";
import { PageKernel } from "../src/page/kernel";
import { PageModel } from "../src/page/model";
import { combined, inside, packed } from "../src/page/selection";
import type { Message, Request } from "../src/protocol";

const lassos = JSON.parse(readFileSync("../tests/fixtures/lassos.json", "utf-8")) as {
  x: number[];
  y: number[];
  polygon: number[];
  inside: number[];
}[];

test("a lasso holds the points that it holds in the kernel", () => {
  assert.ok(lassos.length > 5);
  for (const { x, y, polygon, inside: expected } of lassos) {
    const plane = { x: Float32Array.from(x), y: Float32Array.from(y) };
    assert.deepEqual([...inside(plane, Float32Array.from(polygon))], expected);
  }
});

test("selections replace, add and remove, and survive the way through bits", () => {
  const before = Uint8Array.of(1, 1, 0, 0, 1, 0, 0, 0, 1);
  const chosen = Uint8Array.of(0, 1, 1, 0, 0, 0, 0, 1, 0);
  assert.deepEqual([...combined(before, chosen, "replace")], [...chosen]);
  assert.deepEqual([...combined(before, chosen, "add")], [1, 1, 1, 0, 1, 0, 0, 1, 1]);
  assert.deepEqual([...combined(before, chosen, "remove")], [1, 0, 0, 0, 1, 0, 0, 0, 1]);
  const unpacked = new Uint8Array(9);
  writeMask(unpacked, 1, packed(before));
  assert.deepEqual([...unpacked], [...before]);
});

const bytes = (array: Float32Array | Uint32Array) => new DataView(array.buffer);
const ref = (buffer: number, dtype: "u32" | "f32", length: number) => ({ buffer, dtype, shape: [length] });

function recorded(points: number[]): NonNullable<PageData["a"]> {
  const n = points.length;
  return {
    picks: [
      {
        message: {
          kind: "picks",
          slot: "A",
          offset: 0,
          points: ref(0, "u32", n),
          gains: ref(1, "f32", n),
          fraction: 1,
        },
        buffers: [bytes(Uint32Array.from(points)), bytes(new Float32Array(n))],
      },
    ],
    sampled: {
      message: {
        kind: "sampled",
        n,
        before: ref(0, "u32", 0),
        requested: n,
        n_candidates: 4,
        stop_reason: "complete",
        message: "",
        seconds: 0,
        warnings: [],
        cancelled: false,
        can_undo: false,
        can_redo: false,
        spec: null,
      },
      buffers: [bytes(new Uint32Array(0))],
    },
    metrics: [1, 3].map((count) => ({
      source: null,
      metadata: null,
      reply: { message: { kind: "metrics", n: count, pool: null, histogram: null, coverage: null }, buffers: [] },
    })),
    recipe: "result = query.sampling().preview(\n    n_samples_to_select=3,\n)\n",
  };
}

function opened(): { ask(request: object): Promise<{ message: Message; buffers: DataView[] }[]>; model: PageModel } {
  const plane = [Float32Array.of(0, 1, 2, 3), Float32Array.of(0, 0, 0, 0)];
  const data = {
    traits: { n_samples_to_select: 2 },
    map: [
      {
        message: {
          kind: "positions",
          projection: "pca",
          animate: false,
          offset: 0,
          total: 4,
          x: ref(0, "f32", 4),
          y: ref(1, "f32", 4),
          last: true,
        },
        buffers: plane.map(bytes),
      },
    ],
    colors: [],
    clusters: [],
    a: recorded([3, 1, 2]),
    b: recorded([0]),
    n_compared: 1,
    titles: ["a", "b", "c", "d"],
    details: [],
  } as unknown as PageData;
  const model = new PageModel(data.traits);
  model.answer = new PageKernel(data, model).answer;
  const said: { message: Message; buffers: DataView[] }[] = [];
  model.on("msg:custom", (message, buffers) => {
    said.push({ message: message as Message, buffers: buffers as DataView[] });
  });
  let id = 0;
  const ask = async (request: object, buffers: DataView[] = []) => {
    said.length = 0;
    model.send({ ...request, id: ++id } as Request, undefined, buffers);
    await new Promise((resolve) => setTimeout(resolve));
    assert.ok(said.at(-1)?.message.done && said.at(-1)?.message.id === id);
    return [...said];
  };
  return { ask, model };
}

const points = ({ message, buffers }: { message: Message; buffers: DataView[] }) => {
  assert.equal(message.kind, "picks");
  const view = buffers[0];
  return [...new Uint32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength) as ArrayBuffer)];
};
const slot = (said: { message: Message; buffers: DataView[] }[], name: "A" | "B") =>
  said.filter(({ message }) => message.kind === "picks" && message.slot === name).map(points);

test("opening shows A whole and of B what was compared", async () => {
  const said = await opened().ask({ kind: "hello" });
  assert.deepEqual(slot(said, "A"), [[3, 1, 2]]);
  assert.deepEqual(slot(said, "B"), [[0]]);
  const numbers = said.map(({ message }) => message.seq);
  assert.deepEqual(
    numbers,
    numbers.map((_, at) => at),
  );
});

test("keeping, swapping and clearing B", async () => {
  const { ask, model } = opened();
  assert.deepEqual(slot(await ask({ kind: "compare", op: "keep" }), "B"), [[3, 1]]);
  assert.deepEqual(slot(await ask({ kind: "compare", op: "clear" }), "B"), [[]]);
  const other = opened();
  const swapped = await other.ask({ kind: "compare", op: "swap" });
  assert.deepEqual([slot(swapped, "A"), slot(swapped, "B")], [[[0]], [[3, 1]]]);
  assert.equal(other.model.get("n_samples_to_select"), 1);
  assert.equal(model.get("n_samples_to_select"), 2);
});

test("figures of the nearest count, and the recipe for the count shown", async () => {
  const { ask } = opened();
  const [metrics] = await ask({ kind: "metrics", n_samples_to_select: 9, source: null, metadata: null });
  assert.equal((metrics.message as { n: number }).n, 3);
  const [recipe] = await ask({ kind: "recipe", n_samples_to_select: 2, tag: 'a"b' });
  const { code } = recipe.message as { code: string };
  assert.ok(code.includes("    n_samples_to_select=2,"));
  assert.ok(code.endsWith('result.save_as("a\\"b")\n'));
});

test("what needs the dataset is answered with a sentence", async () => {
  const { ask } = opened();
  for (const kind of ["sample", "save_tag", "export", "filter", "find", "neighbors", "undo"]) {
    const [{ message }] = await ask({ kind });
    assert.equal(message.kind, "error");
    assert.match((message as { message: string }).message, /no kernel/);
  }
  const [colors] = await ask({ kind: "colors", color_by: { by: "metadata", key: "x" } });
  assert.match((colors.message as { message: string }).message, /colorings=/);
});

test("a sample without details has its name", async () => {
  const { ask } = opened();
  const [detail] = await ask({ kind: "detail", point: 2 });
  assert.equal((detail.message as { title: string }).title, "c");
});

test("a pack is read as it was written", async () => {
  const said = { message: { kind: "ok" }, buffers: [0] };
  const traits = { message: 1, buffers: 2 };
  const text = new TextEncoder().encode(JSON.stringify({ page: { map: [said], traits }, buffers: [[128, 4]] }));
  const pack = new Uint8Array(132);
  new DataView(pack.buffer).setUint32(0, text.length, true);
  pack.set(text, 4);
  pack.set([1, 2, 3, 4], 128);
  const page = unpacked(await unzipped(gzipSync(pack).toString("base64")));
  const [{ message, buffers }] = page.map;
  assert.deepEqual(message, { kind: "ok" });
  assert.deepEqual([...new Uint8Array(buffers[0].buffer, buffers[0].byteOffset, 4)], [1, 2, 3, 4]);
  assert.deepEqual(page.traits, traits);
});
