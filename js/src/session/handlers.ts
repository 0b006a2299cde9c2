/** What each kind of message from the kernel does to the session. Answers that only their asker reads do nothing here. */
import type { MessageKind, MessageOf } from "../protocol";
import { decodeAs, WireError } from "../wire";
import type { Colors } from "./colors";
import type { Connection } from "./connection";
import type { Jobs } from "./jobs";
import type { Masks } from "./masks";
import type { Picks } from "./picks";
import type { Points } from "./points";
import type { Samples } from "./samples";
import type { Sampling } from "./sampling";

type Buffers = readonly DataView[];
/** One handler for each kind: a kind without one does not compile. */
export type Handlers = { readonly [K in MessageKind]: (message: MessageOf<K>, buffers: Buffers) => void };

export interface Parts {
  connection: Connection;
  points: Points;
  masks: Masks;
  picks: Picks;
  colors: Colors;
  samples: Samples;
  sampling: Sampling;
  jobs: Jobs;
}

const nothing = (): void => undefined;

export function handlersOf(parts: Parts): Handlers {
  const { connection, points, masks, picks, colors, samples, sampling, jobs } = parts;
  /** Of a run that something newer replaced. */
  const isStale = (id: number | null) => connection.isOurs(id) && sampling.isStale(id);
  return {
    positions: (message, buffers) => points.take(message, buffers),
    mask: (message, buffers) => masks.take(message, buffers),
    colors: (message, buffers) => colors.take(message, buffers),
    picks: (message, buffers) => {
      if (isStale(message.id)) return;
      if (!picks.take(message, buffers)) connection.resync();
      else if (message.slot === "A") sampling.advanced(message.id, message.fraction);
    },
    sampled: (message, buffers) => {
      if (isStale(message.id)) return;
      picks.takeBefore(decodeAs(Uint32Array, message.before, buffers), message.spec?.pinned.length ?? 0);
      // A run of this page, or one that failed, changes nothing about what was pinned since.
      if (!message.cancelled && !sampling.isLatest(message.id)) {
        if (message.spec) picks.restore(message.spec);
        else if (connection.isOurs(message.id)) picks.restore({ pinned: [], excluded: [] }); // back before the first
      }
      sampling.finished(message);
      colors.picksChanged();
    },
    ready: (message) => connection.welcomed(message),
    saved: () => samples.forgetDetails(),
    hovered: (message) => {
      samples.hovered.value = message.point;
    },
    progress: (message) => jobs.take(message),
    error: (message) => {
      if (message.id === null) connection.errors.report(new WireError(message.error, message.message));
    },
    ok: nothing,
    sync: nothing,
    selected_ids: nothing,
    detail: nothing,
    thumbnails: nothing,
    neighbors: nothing,
    found: nothing,
    metrics: nothing,
    worth: nothing,
    labeled: nothing,
    code: nothing,
    recipe: nothing,
    exported: nothing,
    path: nothing,
    clusters: nothing,
  };
}
