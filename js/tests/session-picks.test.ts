/** Picks and the count: what is marked, and what is asked. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FLAG } from "../src/flags";
import { Kernel } from "./kernel";
import { after, flagged, open, ready, settle } from "./opened";

test("picks show in pick order up to the count, and moving the count asks nothing", async () => {
  const { kernel, session } = ready();
  session.sampling.start();
  const { id } = kernel.last("sample");
  kernel.picks([7, 2], { id });
  kernel.picks([9, 0, 4], { id, offset: 2 });
  kernel.sampled(5, id, { requested: 5 });
  await settle();
  assert.deepEqual(Array.from(session.picks.a.value.points), [7, 2, 9, 0, 4]);
  assert.deepEqual(flagged(session, FLAG.A), [2, 7, 9]);
  const before = kernel.sent.length;
  const changes: number[][] = [];
  session.flags.listen((rows) => changes.push(Array.from(rows ?? [])));
  session.set("n_samples_to_select", 1);
  assert.deepEqual(flagged(session, FLAG.A), [7]);
  session.set("n_samples_to_select", 4);
  assert.deepEqual(flagged(session, FLAG.A), [0, 2, 7, 9]);
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
  const { session } = open(kernel);
  kernel.picks(Array.from({ length: 1_000 }, (_, index) => index * 997));
  let touched = 0;
  session.flags.listen((rows) => {
    touched += rows?.length ?? Number.POSITIVE_INFINITY;
  });
  for (let n = 1_000; n >= 500; n--) session.set("n_samples_to_select", n);
  assert.equal(touched, 500);
  assert.equal(flagged(session, FLAG.A).length, 500);
});

test("asking for more than there is samples again, but not when the kernel gave all it could", async () => {
  const { kernel, session } = ready();
  session.sampling.start();
  kernel.picks([1, 2, 3], { id: kernel.last("sample").id });
  kernel.sampled(3, kernel.last("sample").id);
  session.set("n_samples_to_select", 5);
  await after(200);
  assert.equal(kernel.of("sample").length, 2);
  assert.equal(kernel.last("sample").n_samples_to_select, 5);
  kernel.sampled(4, kernel.last("sample").id, { requested: 5 });
  session.set("n_samples_to_select", 9);
  await after(200);
  assert.equal(kernel.of("sample").length, 2);
});

test("picks that leave a gap bring a resync", async () => {
  const { kernel, session } = ready();
  session.sampling.start();
  const { id } = kernel.last("sample");
  kernel.picks([1], { id });
  kernel.picks([5], { id, offset: 3 });
  assert.deepEqual(Array.from(session.picks.a.value.points), [1]);
  await after(300);
  assert.equal(kernel.of("hello").length, 2);
});

test("A and B are marked apart, and clearing B leaves A", () => {
  const { kernel, session } = ready();
  kernel.picks([1, 2, 3]);
  kernel.picks([3, 4], { slot: "B" });
  assert.deepEqual(flagged(session, FLAG.A), [1, 2, 3]);
  assert.deepEqual(flagged(session, FLAG.B), [3, 4]);
  kernel.picks([], { slot: "B" });
  assert.deepEqual(flagged(session, FLAG.B), []);
  assert.deepEqual(flagged(session, FLAG.A), [1, 2, 3]);
});

test("the sample is what was in it before, then the picks; undo brings back its pins and exclusions", async () => {
  const { kernel, session } = ready();
  const spec = {
    strategies: session.traits.strategies.value,
    candidates: session.traits.candidates.value,
    preselected_tag_name: null,
    pinned: [5],
    excluded: [1],
  };
  session.picks.setPinned([5]);
  session.picks.setExcluded([1]);
  session.sampling.start();
  const { id } = kernel.last("sample");
  kernel.picks([7, 2], { id });
  kernel.sampled(2, id, { before: Uint32Array.from([3, 5]), spec });
  await settle();
  assert.deepEqual(Array.from(session.picks.before.value.points), [3, 5]);
  assert.equal(session.picks.before.value.pinned, 1);
  session.picks.setPinned([9]);
  session.picks.setExcluded([]);
  void session.history.undo();
  kernel.sampled(2, kernel.last("undo").id, { before: Uint32Array.from([5]), spec });
  await settle();
  assert.deepEqual([session.picks.pinned.value, session.picks.excluded.value], [[5], [1]]);
  void session.history.undo();
  kernel.picks([]);
  kernel.sampled(0, kernel.last("undo").id);
  await settle();
  assert.deepEqual([session.picks.pinned.value, session.picks.excluded.value], [[], []]);
  assert.equal(session.picks.before.value.points.length, 0);
});
