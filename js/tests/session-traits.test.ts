/** Synced traits: shown at once, saved soon, and not pulled back by echoes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { after, ready } from "./opened";

test("a dragged slider shows at once and is saved now and then", async () => {
  const { kernel, session } = ready();
  for (let n = 1; n <= 60; n++) session.set("n_samples_to_select", n);
  assert.equal(session.traits.n_samples_to_select.value, 60);
  assert.equal(kernel.saved.length, 0);
  await after(120);
  assert.deepEqual(kernel.saved, [{ n_samples_to_select: 60 }]);
});

test("an echo of an older value does not pull back what is being moved", async () => {
  const { kernel, session } = ready();
  session.set("n_samples_to_select", 5);
  await after(120);
  session.set("n_samples_to_select", 9);
  kernel.change("n_samples_to_select", 5);
  assert.equal(session.traits.n_samples_to_select.value, 9);
  await after(120);
  assert.deepEqual(kernel.saved, [{ n_samples_to_select: 5 }, { n_samples_to_select: 9 }]);
  session.set("n_samples_to_select", 8);
  kernel.change("n_samples_to_select", 7); // no echo: Python has the last word
  assert.equal(session.traits.n_samples_to_select.value, 7);
  await after(120);
  assert.equal(kernel.traits.n_samples_to_select, 7);
});

test("a trait set in Python arrives, one set to the same value does not go back", async () => {
  const { kernel, session } = ready();
  kernel.change("height", 700);
  assert.equal(session.traits.height.value, 700);
  session.set("color_by", { by: "none" });
  await after(200);
  assert.equal(kernel.saved.length, 0);
});
