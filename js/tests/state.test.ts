/** The store against a stand-in kernel: what it asks, what it shows, and how it comes back from losses. */
import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";
import { FLAG, type Points, STATUS_WORDS, Store, WireError } from "../src/state";
import { Kernel } from "./kernel";

const stores: Store[] = [];
mock.timers.enable({ apis: ["setTimeout"] });

function open(kernel = new Kernel()): { kernel: Kernel; store: Store } {
  const store = new Store(kernel.model);
  stores.push(store);
  return { kernel, store };
}

function ready(kernel = new Kernel()): { kernel: Kernel; store: Store } {
  const opened = open(kernel);
  const n = opened.store.nSamples;
  const x = Float32Array.from({ length: n }, (_, row) => row);
  kernel.say({ kind: "points", projection: "pca", animate: false, offset: 0, total: n, x, y: x, last: true });
  kernel.welcome();
  return opened;
}

/** Lets promises settle. */
const settle = () => new Promise((resolve) => setImmediate(resolve));
const after = async (ms: number) => {
  await settle();
  mock.timers.tick(ms);
  await settle();
};
const rowsWith = (store: Store, flag: number) => [...store.flags.keys()].filter((row) => store.flags[row] & flag);

afterEach(() => {
  for (const store of stores.splice(0)) store.close();
});

test("opening says hello and shows the points when they are all there", async () => {
  const { kernel, store } = open();
  assert.equal(store.status.value, "connecting");
  const part = (offset: number, last: boolean, ...values: number[]) => {
    const x = Float32Array.from(values);
    kernel.say({ kind: "points", projection: "pca", animate: false, offset, total: 4, x, y: x, last });
  };
  part(0, false, 1, 2);
  assert.ok(store.points.value === null);
  part(2, true, 3, 4);
  assert.deepEqual(Array.from((store.points.value as Points | null)?.x ?? []), [1, 2, 3, 4]);
  kernel.welcome();
  await settle();
  assert.equal(store.status.value, "ready");
  assert.equal(store.statusText.value, null);
});

test("an answer of the wrong shape becomes an error that the asker gets", async () => {
  const { kernel, store } = ready();
  const answer = store.neighbors(1);
  const lies = { rows: { buffer: 7, dtype: "u32", shape: [1] }, distances: new Float32Array(1) };
  kernel.say({ kind: "neighbors", row: 1, ...lies }, kernel.last("neighbors").id, true);
  await assert.rejects(answer, WireError);
});

test("each request gets its own answer, whatever the order", async () => {
  const { kernel, store } = ready();
  const [one, two] = [store.recipe("a"), store.recipe("b")];
  const [first, second] = kernel.of("recipe");
  kernel.say({ kind: "recipe", code: "B" }, second.id, true);
  kernel.say({ kind: "recipe", code: "A" }, first.id, true);
  assert.deepEqual([await one, await two], ["A", "B"]);
});

test("an error answer rejects, and becomes a toast once, which can be dismissed", async () => {
  const { kernel, store } = ready();
  for (let time = 0; time < 2; time++) {
    const answer = store.saveTag("x");
    kernel.say({ kind: "error", error: "InvalidValueError", message: "taken" }, kernel.last("save_tag").id, true);
    await assert.rejects(answer, /taken/);
  }
  assert.deepEqual(
    store.errors.value.map((toast) => toast.message),
    ["taken"],
  );
  store.dismiss(store.errors.value[0].key);
  assert.equal(store.errors.value.length, 0);
});

test("an error that answers nothing is a toast too", () => {
  const { kernel, store } = ready();
  kernel.say({ kind: "error", error: "TraitError", message: "view is empty" });
  assert.equal(store.errors.value[0].message, "view is empty");
});

// Traits --------------------------------------------------------------------------------------------------------------

test("a dragged slider shows at once and is saved now and then", async () => {
  const { kernel, store } = ready();
  for (let n = 1; n <= 60; n++) store.set("n_samples_to_select", n);
  assert.equal(store.traits.n_samples_to_select.value, 60);
  assert.equal(kernel.saved.length, 0);
  await after(120);
  assert.deepEqual(kernel.saved, [{ n_samples_to_select: 60 }]);
});

test("an echo of an older value does not pull back what is being moved", async () => {
  const { kernel, store } = ready();
  store.set("n_samples_to_select", 5);
  await after(120);
  store.set("n_samples_to_select", 9);
  kernel.change("n_samples_to_select", 5);
  assert.equal(store.traits.n_samples_to_select.value, 9);
  await after(120);
  assert.deepEqual(kernel.saved, [{ n_samples_to_select: 5 }, { n_samples_to_select: 9 }]);
  store.set("n_samples_to_select", 8);
  kernel.change("n_samples_to_select", 7); // no echo: Python has the last word
  assert.equal(store.traits.n_samples_to_select.value, 7);
  await after(120);
  assert.equal(kernel.traits.n_samples_to_select, 7);
});

test("a trait set in Python arrives, one set to the same value does not go back", async () => {
  const { kernel, store } = ready();
  kernel.change("height", 700);
  assert.equal(store.traits.height.value, 700);
  store.set("color_by", { by: "none" });
  await after(200);
  assert.equal(kernel.saved.length, 0);
});

// Picks and the count -------------------------------------------------------------------------------------------------

test("picks show in pick order up to the count, and moving the count asks nothing", async () => {
  const { kernel, store } = ready();
  store.sample();
  const { id } = kernel.last("sample");
  kernel.picks([7, 2], { id });
  kernel.picks([9, 0, 4], { id, offset: 2 });
  kernel.sampled(5, id, { requested: 5 });
  await settle();
  assert.deepEqual(Array.from(store.picksA.value.rows), [7, 2, 9, 0, 4]);
  assert.deepEqual(rowsWith(store, FLAG.A), [2, 7, 9]);
  const before = kernel.sent.length;
  const changes: number[][] = [];
  store.onFlags((rows) => changes.push(Array.from(rows ?? [])));
  store.set("n_samples_to_select", 1);
  assert.deepEqual(rowsWith(store, FLAG.A), [7]);
  store.set("n_samples_to_select", 4);
  assert.deepEqual(rowsWith(store, FLAG.A), [0, 2, 7, 9]);
  assert.deepEqual(changes, [
    [2, 9],
    [2, 9, 0],
  ]);
  await after(1_000);
  assert.equal(kernel.sent.length, before);
});

test("moving the count touches only the rows between, however many points there are", () => {
  const kernel = new Kernel({
    info: { ...new Kernel().traits.info, n_samples: 1_000_000 },
    n_samples_to_select: 1_000,
  });
  const { store } = open(kernel);
  kernel.picks(Array.from({ length: 1_000 }, (_, index) => index * 997));
  let touched = 0;
  store.onFlags((rows) => {
    touched += rows?.length ?? Number.POSITIVE_INFINITY;
  });
  for (let n = 1_000; n >= 500; n--) store.set("n_samples_to_select", n);
  assert.equal(touched, 500);
  assert.equal(rowsWith(store, FLAG.A).length, 500);
});

test("asking for more than there is samples again, but not when the kernel gave all it could", async () => {
  const { kernel, store } = ready();
  store.sample();
  kernel.picks([1, 2, 3], { id: kernel.last("sample").id });
  kernel.sampled(3, kernel.last("sample").id);
  store.set("n_samples_to_select", 5);
  await after(200);
  assert.equal(kernel.of("sample").length, 2);
  assert.equal(kernel.last("sample").n, 5);
  kernel.sampled(4, kernel.last("sample").id, { requested: 5 });
  store.set("n_samples_to_select", 9);
  await after(200);
  assert.equal(kernel.of("sample").length, 2);
});

test("picks that leave a gap bring a resync", async () => {
  const { kernel, store } = ready();
  store.sample();
  const { id } = kernel.last("sample");
  kernel.picks([1], { id });
  kernel.picks([5], { id, offset: 3 });
  assert.deepEqual(Array.from(store.picksA.value.rows), [1]);
  await after(300);
  assert.equal(kernel.of("hello").length, 2);
});

// Live sampling -------------------------------------------------------------------------------------------------------

test("opening samples nothing; a change does, and many changes at once do so once", async () => {
  const { kernel, store } = ready();
  await after(1_000);
  assert.equal(kernel.of("sample").length, 0);
  for (let step = 1; step <= 20; step++) store.set("strategies", [{ type: "diversity", strength: step / 10 }]);
  await after(200);
  assert.equal(kernel.of("sample").length, 1);
  assert.equal(kernel.last("sample").strategies[0].strength, 2);
});

test("live off: changes wait for the button", async () => {
  const { kernel, store } = ready();
  store.live.enabled.value = false;
  store.set("n_samples_to_select", 7);
  await after(1_000);
  assert.equal(kernel.of("sample").length, 0);
  store.sample();
  assert.equal(kernel.last("sample").n, 7);
});

test("the newest run wins: picks of the one before are dropped", async () => {
  const { kernel, store } = ready();
  store.sample();
  const old = kernel.last("sample").id;
  kernel.picks([1], { id: old });
  store.sample();
  const { id } = kernel.last("sample");
  kernel.picks([8], { id: old, offset: 1 });
  kernel.picks([5], { id });
  kernel.picks([8], { id: old, offset: 0 });
  kernel.say({ kind: "error", error: "Cancelled", message: "replaced" }, old, true);
  await settle();
  assert.deepEqual(Array.from(store.picksA.value.rows), [5]);
  assert.equal(store.sampling.value.running, true);
  assert.equal(store.errors.value.length, 0);
});

test("cancel goes to the run, the sample before is shown again, and nothing starts by itself", async () => {
  const { kernel, store } = ready();
  store.sample();
  kernel.picks([1, 2, 3], { id: kernel.last("sample").id });
  kernel.sampled(3, kernel.last("sample").id);
  store.set("strategies", [{ type: "random", strength: 1 }]);
  await after(200);
  const { id } = kernel.last("sample");
  kernel.picks([9], { id });
  store.cancel();
  assert.equal(kernel.last("cancel").target, id);
  kernel.picks([1, 2, 3]);
  kernel.sampled(3, null, { cancelled: true });
  kernel.say({ kind: "error", error: "Cancelled", message: "cancelled" }, id, true);
  await after(1_000);
  assert.deepEqual(Array.from(store.picksA.value.rows), [1, 2, 3]);
  assert.equal(store.sampling.value.running, false);
  assert.equal(store.sampling.value.error, null);
  assert.equal(kernel.of("sample").length, 2);
});

test("after a cancelled run the count moves along the sample before, and beyond it samples again", async () => {
  const { kernel, store } = ready();
  store.set("n_samples_to_select", 4);
  store.sample();
  kernel.picks([1, 2, 3, 4], { id: kernel.last("sample").id });
  kernel.sampled(4, kernel.last("sample").id, { requested: 4 });
  store.set("n_samples_to_select", 9);
  await after(200);
  store.cancel();
  kernel.picks([1, 2, 3, 4]);
  kernel.sampled(4, null, { requested: 4, cancelled: true });
  kernel.say({ kind: "error", error: "Cancelled", message: "cancelled" }, kernel.last("sample").id, true);
  await settle();
  store.set("n_samples_to_select", 3);
  await after(200);
  assert.equal(kernel.of("sample").length, 2);
  store.set("n_samples_to_select", 6);
  await after(200);
  assert.equal(kernel.of("sample").length, 3);
  assert.equal(kernel.last("sample").n, 6);
});

test("a run that fails says why, and the next change tries again", async () => {
  const { kernel, store } = ready();
  store.sample();
  const { id } = kernel.last("sample");
  kernel.say({ kind: "error", error: "InvalidValueError", message: "no embeddings" }, id, true);
  await after(1_000);
  assert.equal(store.sampling.value.error, "no embeddings");
  assert.equal(kernel.of("sample").length, 1);
  store.set("strategies", [{ type: "random", strength: 1 }]);
  await after(200);
  assert.equal(kernel.of("sample").length, 2);
});

test("a sample made in Python is taken as it is", async () => {
  const { kernel, store } = ready();
  store.set("height", 600);
  kernel.picks([4, 5]);
  kernel.sampled(2, null);
  kernel.change("n_samples_to_select", 2);
  await after(1_000);
  assert.equal(kernel.of("sample").length, 0);
  assert.deepEqual(rowsWith(store, FLAG.A), [4, 5]);
});

test("undo brings back picks and controls without sampling", async () => {
  const { kernel, store } = ready();
  store.sample();
  kernel.sampled(3, kernel.last("sample").id);
  store.setPinned([6]);
  await after(200);
  kernel.sampled(3, kernel.last("sample").id);
  const samples = kernel.of("sample").length;
  const undone = store.undo();
  const { id } = kernel.last("undo");
  kernel.change("strategies", [{ type: "random", strength: 1 }]);
  kernel.picks([0, 1], { id });
  const spec = { ...store.spec(), pinned: [2], excluded: [] };
  kernel.sampled(2, id, { requested: 3, spec, can_redo: true });
  assert.equal(await undone, true);
  await after(1_000);
  assert.equal(kernel.of("sample").length, samples);
  assert.deepEqual(rowsWith(store, FLAG.PINNED), [2]);
  assert.equal(store.sampling.value.canRedo, true);
});

test("pinned and removed rows go with the sample", async () => {
  const { kernel, store } = ready();
  store.setPinned([6, 1]);
  store.setExcluded([3]);
  await after(200);
  assert.deepEqual(kernel.last("sample").pinned, [6, 1]);
  assert.deepEqual(kernel.last("sample").excluded, [3]);
  assert.deepEqual(rowsWith(store, FLAG.PINNED), [1, 6]);
});

test("sampling from the selection follows the selection, not other masks", async () => {
  const kernel = new Kernel({ candidates: { from: "selection" } });
  const { store } = ready(kernel);
  store.sample();
  kernel.sampled(3, kernel.last("sample").id);
  kernel.say({ kind: "mask", mask: "filter", count: 1, bits: Uint8Array.of(1, 0) });
  await after(200);
  assert.equal(kernel.of("sample").length, 1);
  kernel.say({ kind: "mask", mask: "selection", count: 1, bits: Uint8Array.of(1, 0) });
  await after(200);
  assert.equal(kernel.of("sample").length, 2);
  kernel.sampled(3, kernel.last("sample").id);
  kernel.say({ kind: "mask", mask: "selection", count: 1, bits: Uint8Array.of(1, 0) });
  await after(200);
  assert.equal(kernel.of("sample").length, 2);
});

// Masks, colors ------------------------------------------------------------------------------------------------------

test("masks become flags, and none clears them", () => {
  const { kernel, store } = ready();
  kernel.say({ kind: "mask", mask: "filter", count: 2, bits: Uint8Array.of(0b0000_0101, 0) });
  kernel.say({ kind: "mask", mask: "selection", count: 2, bits: Uint8Array.of(0b1000_0000, 0b10) });
  kernel.say({ kind: "mask", mask: "preselected", count: 1, bits: Uint8Array.of(1, 0) });
  assert.deepEqual(rowsWith(store, FLAG.HIDDEN), [1, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(rowsWith(store, FLAG.SELECTED), [7, 9]);
  assert.deepEqual(rowsWith(store, FLAG.PRESELECTED), [0]);
  kernel.say({ kind: "mask", mask: "filter", count: 10, bits: null });
  kernel.say({ kind: "mask", mask: "selection", count: 0, bits: null });
  assert.deepEqual(rowsWith(store, FLAG.HIDDEN | FLAG.SELECTED), []);
});

test("A and B are marked apart, and clearing B leaves A", () => {
  const { kernel, store } = ready();
  kernel.picks([1, 2, 3]);
  kernel.picks([3, 4], { slot: "B" });
  assert.deepEqual(rowsWith(store, FLAG.A), [1, 2, 3]);
  assert.deepEqual(rowsWith(store, FLAG.B), [3, 4]);
  kernel.picks([], { slot: "B" });
  assert.deepEqual(rowsWith(store, FLAG.B), []);
  assert.deepEqual(rowsWith(store, FLAG.A), [1, 2, 3]);
});

function colorMessage(values: Uint8Array) {
  const categories = [
    { name: "cat", count: 6 },
    { name: "dog", count: 3 },
  ];
  const about = { color_by: { by: "label", key: "k" }, scale: "category", domain: null, note: null, categories };
  return { kind: "colors" as const, ...about, values, offset: 0, total: 10, last: true };
}

test("colors come in parts; the legend counts all, filtered and picked; muting hides", async () => {
  const { kernel, store } = ready();
  store.setColorBy({ by: "label", key: "k" });
  const { id } = kernel.last("colors");
  const codes = Uint8Array.of(0, 0, 0, 0, 0, 0, 1, 1, 1, 255);
  kernel.say({ ...colorMessage(codes.slice(0, 4)), last: false }, id);
  assert.equal(store.colors.value.values, null);
  kernel.say({ ...colorMessage(codes.slice(4)), offset: 4 }, id, true);
  assert.deepEqual(Array.from(store.colors.value.values ?? []), Array.from(codes));
  kernel.picks([6, 0, 9]);
  kernel.say({ kind: "mask", mask: "filter", count: 2, bits: Uint8Array.of(0b1100_0000, 0) });
  assert.deepEqual(store.legend.value, { all: [6, 3], filtered: [0, 2], sample: [1, 1] });
  store.setMuted(new Set([1]));
  assert.deepEqual(rowsWith(store, FLAG.MUTED), [6, 7, 8]);
  store.setMuted(new Set());
  assert.deepEqual(rowsWith(store, FLAG.MUTED), []);
});

test("colors are asked for with hello, and again only when another wish came meanwhile", async () => {
  const { kernel, store } = open();
  assert.equal(kernel.of("colors").length, 1);
  kernel.welcome();
  await settle();
  assert.equal(kernel.of("colors").length, 1);
  const other = open();
  other.kernel.change("color_by", { by: "label", key: "truth" });
  other.kernel.welcome();
  await settle();
  assert.deepEqual(other.kernel.last("colors").color_by, { by: "label", key: "truth" });
  assert.equal(store.colorsLoading.value, true);
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
  const { kernel, store } = ready();
  store.setColorBy({ by: "label", key: "k" });
  const { id } = kernel.last("colors");
  store.setColorBy({ by: "tag", key: "t" });
  kernel.say(colorMessage(new Uint8Array(10)), id, true);
  assert.equal(store.colors.value.values, null);
});

test("pick order is colored here, without the kernel, and follows the count", () => {
  const { kernel, store } = ready();
  kernel.picks([5, 1, 8]);
  const asked = kernel.of("colors").length;
  store.setColorBy({ by: "rank" });
  assert.deepEqual(
    [5, 1, 8].map((row) => store.colors.value.values?.[row]),
    [1, 2, 3],
  );
  store.set("n_samples_to_select", 2);
  assert.ok(Number.isNaN(store.colors.value.values?.[8]));
  assert.equal(kernel.of("colors").length, asked);
});

// Looking -------------------------------------------------------------------------------------------------------------

const DETAIL = { title: "t", text: null, fields: [], tags: [], labels: [], thumbnail: null, mime: "" };

test("a detail is asked for once; a failed one again", async () => {
  const { kernel, store } = ready();
  const failed = store.detail(1);
  kernel.say({ kind: "error", error: "E", message: "no" }, kernel.last("detail").id, true);
  await assert.rejects(failed);
  const [one, two] = [store.detail(1), store.detail(1)];
  kernel.say({ kind: "detail", row: 1, sample_id: "id-1", ...DETAIL }, kernel.last("detail").id, true);
  assert.equal((await one).sample_id, "id-1");
  assert.equal(await two, await one);
  assert.equal(kernel.of("detail").length, 2);
});

test("hovering sets the trait to the id, unless the pointer is elsewhere by then", async () => {
  const { kernel, store } = ready();
  store.hover(1);
  const first = kernel.last("detail").id;
  store.hover(2);
  kernel.say({ kind: "detail", row: 1, sample_id: "id-1", ...DETAIL }, first, true);
  kernel.say({ kind: "detail", row: 2, sample_id: "id-2", ...DETAIL }, kernel.last("detail").id, true);
  await settle();
  assert.equal(store.traits.hovered.value, "id-2");
  store.hover(null);
  assert.equal(store.traits.hovered.value, null);
});

test("thumbnails: only those that are missing are asked for", async () => {
  const { kernel, store } = ready();
  const answer = (rows: number[]) => {
    const each = { images: rows.map(() => null), texts: rows.map(String), titles: rows.map(String) };
    kernel.say({ kind: "thumbnails", rows, mime: "", ...each }, kernel.last("thumbnails").id, true);
  };
  const first = store.thumbnails([1, 2], 64);
  answer([1, 2]);
  await first;
  const second = store.thumbnails([2, 3], 64);
  assert.deepEqual(kernel.last("thumbnails").rows, [3]);
  answer([3]);
  assert.deepEqual(
    (await second).map((thumbnail) => thumbnail.title),
    ["2", "3"],
  );
});

// The connection ------------------------------------------------------------------------------------------------------

test("a dropped message brings a resync, and answers that got lost are told so", async () => {
  const { kernel, store } = ready();
  await settle();
  const lost = store.recipe("a");
  const rejected = assert.rejects(lost, /lost on the way/);
  kernel.lose();
  kernel.say({ kind: "progress", task: "t", text: "t", fraction: 0.5 });
  await after(300);
  assert.equal(kernel.of("hello").length, 2);
  kernel.welcome();
  await rejected;
});

test("a run still being worked on is not lost; one that ended unheard stops showing as running", async () => {
  const { kernel, store } = ready();
  await settle();
  store.sample();
  const { id } = kernel.last("sample");
  kernel.lose();
  kernel.picks([1], { id });
  await after(300);
  kernel.welcome([id]);
  await settle();
  assert.equal(store.sampling.value.running, true);
  kernel.lose();
  kernel.say({ kind: "progress", task: "t", text: "t", fraction: 1 });
  await after(300);
  kernel.welcome([]);
  await settle();
  assert.equal(store.sampling.value.running, false);
});

test("1,000 messages of which every seventh is lost end in the kernel's state", async () => {
  const { kernel, store } = ready();
  await settle();
  for (let count = 1; count <= 1_000; count++) {
    if (count % 7 === 0) kernel.lose();
    else kernel.say({ kind: "mask", mask: "selection", count: 1, bits: Uint8Array.of(count & 255, 0) });
  }
  await after(300);
  assert.equal(kernel.of("hello").length, 2);
  kernel.say({ kind: "mask", mask: "selection", count: 1, bits: Uint8Array.of(0b100, 0) });
  kernel.welcome();
  await after(1_000);
  assert.deepEqual(rowsWith(store, FLAG.SELECTED), [2]);
  assert.equal(kernel.of("hello").length, 2);
});

test("after the last message was lost, `sync` brings everything again, traits and colors too", async () => {
  const { kernel, store } = ready();
  await settle();
  assert.equal(kernel.last("hello").lost, false);
  const asked = kernel.of("colors").length;
  kernel.lose();
  kernel.say({ kind: "sync" });
  await after(300);
  assert.equal(kernel.of("hello").length, 2);
  assert.equal(kernel.last("hello").lost, true);
  kernel.change("color_by", { by: "metadata", key: "score" });
  kernel.welcome();
  await settle();
  assert.ok(kernel.of("colors").length > asked);
  assert.deepEqual(kernel.last("colors").color_by, store.traits.color_by.value);
  kernel.say({ kind: "sync" });
  await after(1_000);
  assert.equal(kernel.of("hello").length, 2, "no gap, no question");
});

test("a model that a saved notebook brought back knows that its kernel is gone", async () => {
  const kernel = new Kernel();
  const model = { ...kernel.model, set: () => ({ comm_live: false }) } as unknown as Kernel["model"];
  const store = new Store(model);
  stores.push(store);
  assert.equal(store.statusText.value, STATUS_WORDS.gone);
  await after(10_000);
  assert.ok(store.gone.value);
});

test("a kernel that says nothing is told of in words, and all is well when it answers", async () => {
  const { kernel, store } = open();
  await after(10_000);
  assert.equal(store.status.value, "silent");
  assert.equal(store.statusText.value, STATUS_WORDS.silent);
  kernel.welcome();
  await settle();
  assert.equal(store.status.value, "ready");
  store.summary().catch(() => undefined); // ends unanswered
  await after(10_000);
  assert.equal(store.status.value, "silent");
  kernel.say({ kind: "progress", task: "t", text: "t", fraction: 0.1 });
  assert.notEqual(store.status.value, "silent");
});

test("a closed connection is told of in words, without toasts, and comes back", async () => {
  const { kernel, store } = ready();
  await settle();
  kernel.broken = true;
  kernel.trigger("comm_live_update");
  store.sample();
  await settle();
  assert.equal(store.status.value, "gone");
  assert.equal(store.statusText.value, STATUS_WORDS.gone);
  assert.equal(store.errors.value.length, 0);
  assert.equal(store.sampling.value.running, false);
  kernel.broken = false;
  kernel.trigger("comm_live_update");
  kernel.welcome();
  await settle();
  assert.equal(store.status.value, "ready");
});

test("a projection is wanted until it is there, and then all of it is shown", async () => {
  const { kernel, store } = ready();
  store.set("view", [0, 0, 1, 1]);
  const shown = store.showProjection("umap");
  assert.equal(kernel.last("projection").name, "umap");
  assert.equal(store.projectionWanted.value, "umap");
  assert.deepEqual(store.traits.view.value, [0, 0, 1, 1]);
  kernel.say({ kind: "ok" }, kernel.last("projection").id, true);
  await shown;
  assert.equal(store.projectionWanted.value, null);
  assert.equal(store.traits.view.value, null);
});

test("of two projections the last is wanted, and one that failed leaves the view alone", async () => {
  const { kernel, store } = ready();
  store.set("view", [0, 0, 1, 1]);
  void store.showProjection("umap");
  const first = kernel.last("projection").id;
  const second = store.showProjection("pca");
  kernel.say({ kind: "error", error: "Cancelled", message: "another was chosen" }, first, true);
  await settle();
  assert.equal(store.projectionWanted.value, "pca");
  assert.equal(store.errors.value.length, 0);
  kernel.say({ kind: "error", error: "ValueError", message: "no" }, kernel.last("projection").id, true);
  await second;
  assert.equal(store.projectionWanted.value, null);
  assert.equal(store.errors.value.length, 1);
  assert.deepEqual(store.traits.view.value, [0, 0, 1, 1]);
});

test("a picture to look for goes into the buffer", async () => {
  const { kernel, store } = ready();
  const frame = Uint8Array.of(9, 9, 1, 2, 3, 9);
  const found = store.find({ image: frame.subarray(2, 5) }, 4);
  const { id, ...asked } = kernel.last("find");
  assert.deepEqual(asked, { kind: "find", k: 4, image: { buffer: 0, dtype: "u8", shape: [3] } });
  const [{ buffer, byteOffset, byteLength }] = kernel.buffers;
  assert.deepEqual([...new Uint8Array(buffer, byteOffset, byteLength)], [1, 2, 3]);
  kernel.say({ kind: "found", rows: Uint32Array.of(4), scores: Float32Array.of(0.5) }, id, true);
  assert.deepEqual([...(await found).rows], [4]);
});

test("progress shows until it is done", () => {
  const { kernel, store } = ready();
  kernel.say({ kind: "progress", task: "map", text: "Laying out", fraction: 0.5 });
  assert.deepEqual(store.progress.value.get("map"), { text: "Laying out", fraction: 0.5 });
  kernel.say({ kind: "progress", task: "map", text: "", fraction: 1 });
  assert.equal(store.progress.value.size, 0);
});

test("messages of others are ignored", () => {
  const { kernel, store } = ready();
  kernel.trigger("msg:custom", { kind: "anywidget-command", id: "x" }, []);
  kernel.trigger("msg:custom", null, []);
  kernel.trigger("msg:custom", "text", undefined);
  assert.equal(store.errors.value.length, 0);
});

test("two tabs on one kernel: the other's answers are not taken for ours", async () => {
  const { kernel, store } = ready();
  const answer = store.recipe("a");
  const { id } = kernel.last("recipe");
  kernel.say({ kind: "recipe", code: "theirs" }, id + 12_345, true);
  kernel.say({ kind: "recipe", code: "ours" }, id, true);
  assert.equal(await answer, "ours");
});

test("closing removes every listener and rejects what waits", async () => {
  const kernel = new Kernel();
  const controller = new AbortController();
  const store = new Store(kernel.model, controller.signal);
  const waiting = store.recipe("a");
  controller.abort();
  await assert.rejects(waiting, /closed/);
  assert.equal(kernel.listenerCount, 0);
  assert.equal(store.errors.value.length, 0);
});
