/** Sampling by itself and by hand: the newest run wins, and what a failed one leaves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FLAG } from "../src/flags";
import { Kernel } from "./kernel";
import { after, flagged, ready, settle } from "./opened";

test("nothing is sampled before the first time; then a change does, and many changes at once do so once", async () => {
  const { kernel, session } = ready();
  await after(1_000);
  session.set("strategies", [{ type: "diversity", strength: 3 }]);
  session.picks.setPinned([2]);
  await after(1_000);
  assert.equal(kernel.of("sample").length, 0);
  kernel.picks([1, 2, 3]);
  kernel.sampled(3, null);
  await after(1_000);
  assert.equal(kernel.of("sample").length, 0);
  for (let step = 1; step <= 20; step++) session.set("strategies", [{ type: "diversity", strength: step / 10 }]);
  await after(200);
  assert.equal(kernel.of("sample").length, 1);
  assert.equal(kernel.last("sample").strategies[0].strength, 2);
});

test("live off: changes wait for the button", async () => {
  const { kernel, session } = ready();
  session.sampling.live.value = false;
  session.set("n_samples_to_select", 7);
  await after(1_000);
  assert.equal(kernel.of("sample").length, 0);
  session.sampling.start();
  assert.equal(kernel.last("sample").n_samples_to_select, 7);
});

test("the newest run wins: picks of the one before are dropped", async () => {
  const { kernel, session } = ready();
  session.sampling.start();
  const old = kernel.last("sample").id;
  kernel.picks([1], { id: old });
  session.sampling.start();
  const { id } = kernel.last("sample");
  kernel.picks([8], { id: old, offset: 1 });
  kernel.picks([5], { id });
  kernel.picks([8], { id: old, offset: 0 });
  kernel.say({ kind: "error", error: "Cancelled", message: "replaced" }, old, true);
  await settle();
  assert.deepEqual(Array.from(session.picks.a.value.points), [5]);
  assert.equal(session.sampling.state.value.running, true);
  assert.equal(session.errors.list.value.length, 0);
});

test("cancel goes to the run, the sample before is shown again, and nothing starts by itself", async () => {
  const { kernel, session } = ready();
  session.sampling.start();
  kernel.picks([1, 2, 3], { id: kernel.last("sample").id });
  kernel.sampled(3, kernel.last("sample").id);
  session.set("strategies", [{ type: "random", strength: 1 }]);
  await after(200);
  const { id } = kernel.last("sample");
  kernel.picks([9], { id });
  session.sampling.cancel();
  assert.equal(kernel.last("cancel").target, id);
  kernel.picks([1, 2, 3]);
  kernel.sampled(3, null, { cancelled: true });
  kernel.say({ kind: "error", error: "Cancelled", message: "cancelled" }, id, true);
  await after(1_000);
  assert.deepEqual(Array.from(session.picks.a.value.points), [1, 2, 3]);
  assert.equal(session.sampling.state.value.running, false);
  assert.equal(session.sampling.state.value.error, null);
  assert.equal(kernel.of("sample").length, 2);
});

test("after a cancelled run the count moves along the sample before, and beyond it samples again", async () => {
  const { kernel, session } = ready();
  session.set("n_samples_to_select", 4);
  session.sampling.start();
  kernel.picks([1, 2, 3, 4], { id: kernel.last("sample").id });
  kernel.sampled(4, kernel.last("sample").id, { requested: 4 });
  session.set("n_samples_to_select", 9);
  await after(200);
  session.sampling.cancel();
  kernel.picks([1, 2, 3, 4]);
  kernel.sampled(4, null, { requested: 4, cancelled: true });
  kernel.say({ kind: "error", error: "Cancelled", message: "cancelled" }, kernel.last("sample").id, true);
  await settle();
  session.set("n_samples_to_select", 3);
  await after(200);
  assert.equal(kernel.of("sample").length, 2);
  session.set("n_samples_to_select", 6);
  await after(200);
  assert.equal(kernel.of("sample").length, 3);
  assert.equal(kernel.last("sample").n_samples_to_select, 6);
});

test("a run that fails says why, and the next change tries again", async () => {
  const { kernel, session } = ready();
  session.sampling.start();
  const { id } = kernel.last("sample");
  kernel.say({ kind: "error", error: "InvalidValueError", message: "no embeddings" }, id, true);
  await after(1_000);
  assert.equal(session.sampling.state.value.error, "no embeddings");
  assert.equal(kernel.of("sample").length, 1);
  session.set("strategies", [{ type: "random", strength: 1 }]);
  await after(200);
  assert.equal(kernel.of("sample").length, 2);
});

test("a sample made in Python is taken as it is", async () => {
  const { kernel, session } = ready();
  session.set("height", 600);
  kernel.picks([4, 5]);
  kernel.sampled(2, null);
  kernel.change("n_samples_to_select", 2);
  await after(1_000);
  assert.equal(kernel.of("sample").length, 0);
  assert.deepEqual(flagged(session, FLAG.A), [4, 5]);
});

test("undo brings back picks and controls without sampling", async () => {
  const { kernel, session } = ready();
  session.sampling.start();
  kernel.sampled(3, kernel.last("sample").id);
  session.picks.setPinned([6]);
  await after(200);
  kernel.sampled(3, kernel.last("sample").id);
  const samples = kernel.of("sample").length;
  const undone = session.history.undo();
  const { id } = kernel.last("undo");
  kernel.change("strategies", [{ type: "random", strength: 1 }]);
  kernel.picks([0, 1], { id });
  const { kind: _, id: __, n_samples_to_select: ___, ...last } = kernel.last("sample");
  const spec = { ...last, strategies: kernel.traits.strategies, pinned: [2], excluded: [] };
  kernel.sampled(2, id, { requested: 3, spec, can_redo: true });
  assert.equal(await undone, true);
  await after(1_000);
  assert.equal(kernel.of("sample").length, samples);
  assert.deepEqual(flagged(session, FLAG.PINNED), [2]);
  assert.equal(session.sampling.state.value.canRedo, true);
});

test("pinned and removed rows go with the sample", async () => {
  const { kernel, session } = ready();
  session.sampling.start();
  session.picks.setPinned([6, 1]);
  session.picks.setExcluded([3]);
  await after(200);
  assert.deepEqual(kernel.last("sample").pinned, [6, 1]);
  assert.deepEqual(kernel.last("sample").excluded, [3]);
  assert.deepEqual(flagged(session, FLAG.PINNED), [1, 6]);
});

test("sampling from the selection follows the selection, not other masks", async () => {
  const kernel = new Kernel({ candidates: { from: "selection" } });
  const { session } = ready(kernel);
  session.sampling.start();
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
