/** The tie to the kernel: what it asks, whose answers it takes, and how it comes back from losses. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FLAG } from "../src/flags";
import type { Positions } from "../src/session/points";
import { Session } from "../src/session/session";
import { STATUS_TEXTS } from "../src/session/status";
import { WireError } from "../src/wire";
import { Kernel } from "./kernel";
import { after, flagged, open, ready, settle } from "./opened";

test("opening says hello and shows the points when they are all there", async () => {
  const { kernel, session } = open();
  assert.equal(session.connection.status.value, "connecting");
  const part = (offset: number, last: boolean, ...values: number[]) => {
    const x = Float32Array.from(values);
    kernel.say({ kind: "positions", projection: "pca", animate: false, offset, total: 4, x, y: x, last });
  };
  part(0, false, 1, 2);
  assert.ok(session.points.positions.value === null);
  part(2, true, 3, 4);
  assert.deepEqual(Array.from((session.points.positions.value as Positions | null)?.x ?? []), [1, 2, 3, 4]);
  kernel.welcome();
  await settle();
  assert.equal(session.connection.status.value, "ready");
  assert.equal(session.statusText.value, null);
});

test("an answer of the wrong shape becomes an error that the asker gets", async () => {
  const { kernel, session } = ready();
  const answer = session.samples.neighbors(1);
  const lies = { points: { buffer: 7, dtype: "u32", shape: [1] }, distances: new Float32Array(1) };
  kernel.say({ kind: "neighbors", point: 1, ...lies }, kernel.last("neighbors").id, true);
  await assert.rejects(answer, WireError);
});

test("each request gets its own answer, whatever the order", async () => {
  const { kernel, session } = ready();
  const [one, two] = [session.results.recipe("a"), session.results.recipe("b")];
  const [first, second] = kernel.of("recipe");
  kernel.say({ kind: "recipe", code: "B" }, second.id, true);
  kernel.say({ kind: "recipe", code: "A" }, first.id, true);
  assert.deepEqual([await one, await two], ["A", "B"]);
});

test("an error answer rejects, and becomes a toast once, which can be dismissed", async () => {
  const { kernel, session } = ready();
  for (let time = 0; time < 2; time++) {
    const answer = session.results.saveTag("x");
    kernel.say({ kind: "error", error: "InvalidValueError", message: "taken" }, kernel.last("save_tag").id, true);
    await assert.rejects(answer, /taken/);
  }
  assert.deepEqual(
    session.errors.list.value.map((toast) => toast.message),
    ["taken"],
  );
  session.errors.dismiss(session.errors.list.value[0].key);
  assert.equal(session.errors.list.value.length, 0);
});

test("an error that answers nothing is a toast too", () => {
  const { kernel, session } = ready();
  kernel.say({ kind: "error", error: "TraitError", message: "viewport is empty" });
  assert.equal(session.errors.list.value[0].message, "viewport is empty");
});

test("a dropped message brings a resync, and answers that got lost are told so", async () => {
  const { kernel, session } = ready();
  await settle();
  const lost = session.results.recipe("a");
  const rejected = assert.rejects(lost, /lost on the way/);
  kernel.lose();
  kernel.say({ kind: "progress", task: "t", text: "t", fraction: 0.5 });
  await after(300);
  assert.equal(kernel.of("hello").length, 2);
  kernel.welcome();
  await rejected;
});

test("a run still being worked on is not lost; one that ended unheard stops showing as running", async () => {
  const { kernel, session } = ready();
  await settle();
  session.sampling.start();
  const { id } = kernel.last("sample");
  kernel.lose();
  kernel.picks([1], { id });
  await after(300);
  kernel.welcome([id]);
  await settle();
  assert.equal(session.sampling.state.value.running, true);
  kernel.lose();
  kernel.say({ kind: "progress", task: "t", text: "t", fraction: 1 });
  await after(300);
  kernel.welcome([]);
  await settle();
  assert.equal(session.sampling.state.value.running, false);
});

test("1,000 messages of which every seventh is lost end in the kernel's state", async () => {
  const { kernel, session } = ready();
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
  assert.deepEqual(flagged(session, FLAG.SELECTED), [2]);
  assert.equal(kernel.of("hello").length, 2);
});

test("after the last message was lost, `sync` brings everything again, traits and colors too", async () => {
  const { kernel, session } = ready();
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
  assert.deepEqual(kernel.last("colors").color_by, session.traits.color_by.value);
  kernel.say({ kind: "sync" });
  await after(1_000);
  assert.equal(kernel.of("hello").length, 2, "no gap, no question");
});

test("a model that a saved notebook brought back knows that its kernel is gone", async () => {
  const kernel = new Kernel();
  const model = { ...kernel.model, set: () => ({ comm_live: false }) } as unknown as Kernel["model"];
  const session = new Session(model);
  assert.equal(session.statusText.value, STATUS_TEXTS.gone);
  await after(10_000);
  assert.ok(session.connection.gone.value);
  session.close();
});

test("a kernel that says nothing is told of in words, and all is well when it answers", async () => {
  const { kernel, session } = open();
  await after(10_000);
  assert.equal(session.connection.status.value, "silent");
  assert.equal(session.statusText.value, STATUS_TEXTS.silent);
  kernel.welcome();
  await settle();
  assert.equal(session.connection.status.value, "ready");
  session.results.metrics().catch(() => undefined); // ends unanswered
  await after(10_000);
  assert.equal(session.connection.status.value, "silent");
  kernel.say({ kind: "progress", task: "t", text: "t", fraction: 0.1 });
  assert.notEqual(session.connection.status.value, "silent");
});

test("a closed connection is told of in words, without toasts, and comes back", async () => {
  const { kernel, session } = ready();
  await settle();
  kernel.broken = true;
  kernel.trigger("comm_live_update");
  session.sampling.start();
  await settle();
  assert.equal(session.connection.status.value, "gone");
  assert.equal(session.statusText.value, STATUS_TEXTS.gone);
  assert.equal(session.errors.list.value.length, 0);
  assert.equal(session.sampling.state.value.running, false);
  kernel.broken = false;
  kernel.trigger("comm_live_update");
  kernel.welcome();
  await settle();
  assert.equal(session.connection.status.value, "ready");
});

test("messages of others are ignored", () => {
  const { kernel, session } = ready();
  kernel.trigger("msg:custom", { kind: "anywidget-command", id: "x" }, []);
  kernel.trigger("msg:custom", null, []);
  kernel.trigger("msg:custom", "text", undefined);
  assert.equal(session.errors.list.value.length, 0);
});

test("two tabs on one kernel: the other's answers are not taken for ours", async () => {
  const { kernel, session } = ready();
  const answer = session.results.recipe("a");
  const { id } = kernel.last("recipe");
  kernel.say({ kind: "recipe", code: "theirs" }, id + 12_345, true);
  kernel.say({ kind: "recipe", code: "ours" }, id, true);
  assert.equal(await answer, "ours");
});

test("closing removes every listener and rejects what waits", async () => {
  const kernel = new Kernel();
  const controller = new AbortController();
  const session = new Session(kernel.model, controller.signal);
  const waiting = session.results.recipe("a");
  controller.abort();
  await assert.rejects(waiting, /closed/);
  assert.equal(kernel.listenerCount, 0);
  assert.equal(session.errors.list.value.length, 0);
});
