/** Projections: wanted until they are there. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ready, settle } from "./opened";

test("a projection is wanted until it is there, and then all of it is shown", async () => {
  const { kernel, session } = ready();
  session.set("viewport", [0, 0, 1, 1]);
  const shown = session.points.show("umap");
  assert.equal(kernel.last("projection").name, "umap");
  assert.equal(session.points.wanted.value, "umap");
  assert.deepEqual(session.traits.viewport.value, [0, 0, 1, 1]);
  kernel.say({ kind: "ok" }, kernel.last("projection").id, true);
  await shown;
  assert.equal(session.points.wanted.value, null);
  assert.equal(session.traits.viewport.value, null);
});

test("of two projections the last is wanted, and one that failed leaves the view alone", async () => {
  const { kernel, session } = ready();
  session.set("viewport", [0, 0, 1, 1]);
  void session.points.show("umap");
  const first = kernel.last("projection").id;
  const second = session.points.show("pca");
  kernel.say({ kind: "error", error: "Cancelled", message: "another was chosen" }, first, true);
  await settle();
  assert.equal(session.points.wanted.value, "pca");
  assert.equal(session.errors.list.value.length, 0);
  kernel.say({ kind: "error", error: "ValueError", message: "no" }, kernel.last("projection").id, true);
  await second;
  assert.equal(session.points.wanted.value, null);
  assert.equal(session.errors.list.value.length, 1);
  assert.deepEqual(session.traits.viewport.value, [0, 0, 1, 1]);
});
