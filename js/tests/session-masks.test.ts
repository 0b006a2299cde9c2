/** Masks of the filter, the selection and a tag to start with. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FLAG } from "../src/flags";
import { flagged, ready } from "./opened";

test("masks become flags, and none clears them", () => {
  const { kernel, session } = ready();
  kernel.say({ kind: "mask", mask: "filter", count: 2, bits: Uint8Array.of(0b0000_0101, 0) });
  kernel.say({ kind: "mask", mask: "selection", count: 2, bits: Uint8Array.of(0b1000_0000, 0b10) });
  kernel.say({ kind: "mask", mask: "preselected", count: 1, bits: Uint8Array.of(1, 0) });
  assert.deepEqual(flagged(session, FLAG.HIDDEN), [1, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(flagged(session, FLAG.SELECTED), [7, 9]);
  assert.deepEqual(session.masks.selected(), [7, 9]);
  assert.deepEqual(flagged(session, FLAG.PRESELECTED), [0]);
  kernel.say({ kind: "mask", mask: "filter", count: 10, bits: null });
  kernel.say({ kind: "mask", mask: "selection", count: 0, bits: null });
  assert.deepEqual(flagged(session, FLAG.HIDDEN | FLAG.SELECTED), []);
  assert.deepEqual(session.masks.selected(), []);
});
