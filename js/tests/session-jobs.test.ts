/** Background work: shown until it is done. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ready } from "./opened";

test("progress shows until it is done", () => {
  const { kernel, session } = ready();
  kernel.say({ kind: "progress", task: "map", text: "Laying out", fraction: 0.5 });
  assert.deepEqual(session.jobs.running.value.get("map"), { text: "Laying out", fraction: 0.5 });
  kernel.say({ kind: "progress", task: "map", text: "", fraction: 1 });
  assert.equal(session.jobs.running.value.size, 0);
});
