/** Colors: asked for when they are wanted, the legend, and pick order without the kernel. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FLAG } from "../src/flags";
import { after, flagged, open, ready, settle } from "./opened";

function colorMessage(values: Uint8Array) {
  const categories = [
    { name: "cat", count: 6 },
    { name: "dog", count: 3 },
  ];
  const about = { color_by: { by: "label", key: "k" }, scale: "category", domain: null, note: null, categories };
  return { kind: "colors" as const, ...about, values, offset: 0, total: 10, last: true };
}

test("colors come in parts; the legend counts all, filtered and picked; muting hides", async () => {
  const { kernel, session } = ready();
  session.set("color_by", { by: "label", key: "k" });
  const { id } = kernel.last("colors");
  const codes = Uint8Array.of(0, 0, 0, 0, 0, 0, 1, 1, 1, 255);
  kernel.say({ ...colorMessage(codes.slice(0, 4)), last: false }, id);
  assert.equal(session.colors.table.value.values, null);
  kernel.say({ ...colorMessage(codes.slice(4)), offset: 4 }, id, true);
  assert.deepEqual(Array.from(session.colors.table.value.values ?? []), Array.from(codes));
  kernel.picks([6, 0, 9]);
  kernel.say({ kind: "mask", mask: "filter", count: 2, bits: Uint8Array.of(0b1100_0000, 0) });
  assert.deepEqual(session.colors.legend.value, { all: [6, 3], filtered: [0, 2], sample: [1, 1] });
  session.colors.mute(new Set([1]));
  assert.deepEqual(flagged(session, FLAG.MUTED), [6, 7, 8]);
  session.colors.mute(new Set());
  assert.deepEqual(flagged(session, FLAG.MUTED), []);
});

test("colors are asked for with hello, and again only when another wish came meanwhile", async () => {
  const { kernel, session } = open();
  assert.equal(kernel.of("colors").length, 1);
  kernel.welcome();
  await settle();
  assert.equal(kernel.of("colors").length, 1);
  const other = open();
  other.kernel.change("color_by", { by: "label", key: "truth" });
  other.kernel.welcome();
  await settle();
  assert.deepEqual(other.kernel.last("colors").color_by, { by: "label", key: "truth" });
  assert.equal(session.colors.loading.value, true);
  const before = other.kernel.of("colors").length;
  other.kernel.lose(); // the colors
  other.kernel.picks([1]);
  await after(250);
  other.kernel.welcome();
  await settle();
  assert.equal(other.kernel.of("hello").length, 2);
  assert.equal(other.kernel.of("colors").length, before + 1, "they are asked for again");
});

test("colors of an older wish are ignored", () => {
  const { kernel, session } = ready();
  session.set("color_by", { by: "label", key: "k" });
  const { id } = kernel.last("colors");
  session.set("color_by", { by: "tag", key: "t" });
  kernel.say(colorMessage(new Uint8Array(10)), id, true);
  assert.equal(session.colors.table.value.values, null);
});

test("a label changes the colors of labels, and no others", async () => {
  const { kernel, session } = ready();
  const label = async () => {
    const given = session.labels.give("cat", [1]);
    const labeled = { source: "my labels", class_name: "cat", count: 1, can_undo: true };
    kernel.say({ kind: "labeled", ...labeled }, kernel.last("label").id, true);
    await given;
    return kernel.of("colors").length;
  };
  session.set("color_by", { by: "metadata", key: "k" });
  const before = kernel.of("colors").length;
  assert.equal(await label(), before);
  session.set("color_by", { by: "label", key: "k" });
  assert.equal(await label(), before + 2);
});

test("pick order is colored here, without the kernel, and follows the count", () => {
  const { kernel, session } = ready();
  kernel.picks([5, 1, 8]);
  const asked = kernel.of("colors").length;
  session.set("color_by", { by: "rank" });
  assert.deepEqual(
    [5, 1, 8].map((row) => session.colors.table.value.values?.[row]),
    [1, 2, 3],
  );
  session.set("n_samples_to_select", 2);
  assert.ok(Number.isNaN(session.colors.table.value.values?.[8]));
  assert.equal(kernel.of("colors").length, asked);
});
