/** The parts of a plot that need no page. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Frames } from "../src/scatter/frames";
import { sharedPart } from "../src/scatter/shared-part";

/** Frames that come when the test says so. */
function frames(draw: () => boolean | null, unfinished: () => boolean = () => false) {
  const asked: (() => void)[] = [];
  Object.assign(globalThis, {
    requestAnimationFrame: (work: () => void) => asked.push(work),
    cancelAnimationFrame: () => undefined,
  });
  const life = new AbortController();
  const made = new Frames({ draw, unfinished }, life.signal);
  return { frames: made, life, next: () => asked.splice(0).map((work) => work()), asked };
}

test("many changes are one frame, and who waits is told when all is drawn", async () => {
  let drawn = 0;
  const {
    frames: loop,
    next,
    asked,
  } = frames(() => {
    drawn++;
    loop.dirty.points = loop.dirty.overlay = false;
    return true;
  });
  loop.invalidate();
  loop.repaint();
  loop.invalidate();
  assert.equal(asked.length, 1);
  assert.ok(!loop.isSettled);
  const settled = loop.settled();
  next();
  await settled;
  assert.equal(drawn, 1);
  assert.ok(loop.isSettled);
});

test("a picture in progress is not settled; one that nobody sees is; an ended plot draws nothing", () => {
  let left = 2;
  const busy = frames(
    () => {
      left--;
      busy.frames.dirty.points = busy.frames.dirty.overlay = false;
      if (left > 0) busy.frames.schedule();
      return true;
    },
    () => left > 0,
  );
  busy.frames.invalidate();
  busy.next();
  assert.ok(!busy.frames.isSettled);
  busy.next();
  assert.ok(busy.frames.isSettled);
  const unseen = frames(() => false);
  unseen.frames.invalidate();
  unseen.next();
  assert.ok(unseen.frames.isSettled);
  let drawn = 0;
  const ended = frames(() => Boolean(++drawn));
  ended.frames.invalidate();
  ended.life.abort();
  ended.next();
  assert.equal(drawn, 0);
});

test("a picture moved by whole pixels is kept but for a margin; by parts of pixels or by much it is not", () => {
  const size = { width: 100, height: 50 };
  const view = { sx: 1, sy: -1, tx: 0, ty: 0 };
  const moved = (dx: number, dy: number) => sharedPart(view, { ...view, tx: dx, ty: -dy }, 4, size, [200, 100]);
  assert.deepEqual(moved(10, 0), { kept: [25, 0, 200, 100], right: 20, up: 0 });
  assert.deepEqual(moved(-10, 5), { kept: [0, 15, 175, 100], right: -20, up: 10 });
  assert.equal(moved(0.3, 0), null);
  assert.equal(moved(60, 0), null);
});
