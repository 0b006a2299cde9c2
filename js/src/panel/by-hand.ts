/** Pinning and removing single samples for the next sample. */
import type { PointIndex } from "../flags";
import type { Session } from "../session/session";

const without = (points: readonly PointIndex[], point: PointIndex) => points.filter((other) => other !== point);

/** Pins a sample, or unpins it. */
export function pin({ picks }: Session, point: PointIndex): void {
  const pinned = picks.pinned.peek();
  picks.setPinned(pinned.includes(point) ? without(pinned, point) : [...pinned, point]);
}

/** Removes a sample; a pinned one is no longer pinned. */
export function remove({ picks }: Session, point: PointIndex): void {
  picks.setPinned(without(picks.pinned.peek(), point));
  picks.setExcluded([...without(picks.excluded.peek(), point), point]);
}

/** Lets a removed sample be picked again. */
export function allow({ picks }: Session, point: PointIndex): void {
  picks.setExcluded(without(picks.excluded.peek(), point));
}
