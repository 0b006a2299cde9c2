/** The parts of a session on their own, without a kernel. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { signal } from "@preact/signals";
import { FLAG } from "../src/flags";
import { Cache } from "../src/session/cache";
import { Errors } from "../src/session/errors";
import { FlagBytes } from "../src/session/flag-bytes";
import { Picks } from "../src/session/picks";
import { same } from "../src/session/same";
import { statusText } from "../src/session/status";
import { Timers } from "../src/session/timers";
import { WireError } from "../src/wire";

test("of several tasks of one name the last one runs, once, and none after the end", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const ran: string[] = [];
  const timers = new Timers();
  timers.later("save", 100, () => ran.push("first"));
  mock.timers.tick(60);
  timers.later("save", 100, () => ran.push("second"));
  timers.later("hello", 200, () => ran.push("hello"));
  assert.ok(timers.has("save"));
  mock.timers.tick(40);
  assert.deepEqual(ran, ["second"]);
  timers.later("save", 100, () => ran.push("third"));
  timers.cancel("save");
  timers.close();
  timers.later("save", 0, () => ran.push("fourth"));
  mock.timers.tick(1_000);
  assert.deepEqual(ran, ["second"]);
  mock.timers.reset();
});

test("errors: each sentence once, the last five, and none for what the user asked for", () => {
  const errors = new Errors();
  for (const text of ["a", "b", "a", "c", "d", "e", "f"]) errors.report(new Error(text));
  errors.report(new WireError("Cancelled", "stopped"));
  errors.report("no error");
  assert.deepEqual(
    errors.list.value.map(({ message }) => message),
    ["a", "c", "d", "e", "f"],
  );
  errors.dismiss(errors.list.value[0].key);
  errors.close();
  errors.report(new Error("late"));
  assert.deepEqual(
    errors.list.value.map(({ message }) => message),
    ["c", "d", "e", "f"],
  );
});

test("flags: parts write their own bits, and listeners hear which points", () => {
  const flags = new FlagBytes(() => 10);
  const heard: (number[] | null)[] = [];
  const stop = flags.listen((points) => heard.push(points && [...points]));
  flags.move(FLAG.A, [], [1, 2]);
  flags.move(FLAG.B, [], [2]);
  flags.move(FLAG.A, [1], [3]);
  flags.setMask(FLAG.SELECTED, Uint8Array.of(0b101, 0));
  flags.setByCode(FLAG.MUTED, [0, 1, 0, 1, 0, 1, 0, 1, 0, 1], new Set([1]));
  stop();
  flags.setMask(FLAG.SELECTED, null);
  const { A, B, MUTED } = FLAG;
  assert.deepEqual([...flags.bytes], [0, MUTED, A | B, A | MUTED, 0, MUTED, 0, MUTED, 0, MUTED]);
  assert.deepEqual(heard, [[1, 2], [2], [1, 3], null, null]);
  assert.equal(flags.bytes, flags.bytes, "the same array for as long as there are as many points");
});

test("picks: pinning and removing touch the next sample, restoring does not", () => {
  const flags = new FlagBytes(() => 5);
  let touches = 0;
  const picks = new Picks(signal(3), flags, () => touches++);
  picks.setPinned([4]);
  picks.setExcluded([1]);
  assert.equal(touches, 2);
  assert.equal(flags.bytes[4], FLAG.PINNED);
  picks.restore({ pinned: [2], excluded: [] });
  assert.equal(touches, 2);
  assert.deepEqual([...flags.bytes], [0, 0, FLAG.PINNED, 0, 0]);
  assert.deepEqual(picks.excluded.value, []);
  picks.close();
});

test("a cache keeps what was used last, and forgets what failed", async () => {
  const cache = new Cache<number, Promise<number>>(2);
  const get = (key: number) => cache.get(key, async () => key);
  await Promise.all([get(1), get(2)]);
  await get(1);
  await get(3);
  assert.deepEqual(
    [1, 2, 3].map((key) => cache.has(key)),
    [true, false, true],
  );
  await assert.rejects(cache.get(9, () => Promise.reject(new Error("no"))));
  assert.ok(!cache.has(9));
});

test("plain data is compared by what it holds", () => {
  assert.ok(same({ a: [1, { b: 2 }], c: null }, { c: null, a: [1, { b: 2 }] }));
  assert.ok(same(Uint8Array.of(1, 2), Uint8Array.of(1, 2)));
  for (const [a, b] of [
    [{ a: 1 }, { a: 1, b: 2 }],
    [[1], { 0: 1 }],
    [Uint8Array.of(1), Uint8Array.of(2)],
    [null, {}],
  ]) {
    assert.ok(!same(a, b));
  }
});

test("the status is a sentence unless all is well, and another one with a plot on screen", () => {
  assert.equal(statusText("ready", true), null);
  assert.match(statusText("silent", false) ?? "", /plot appears/);
  assert.match(statusText("silent", true) ?? "", /What you asked for/);
  assert.match(statusText("gone", true) ?? "", /gone/);
});
