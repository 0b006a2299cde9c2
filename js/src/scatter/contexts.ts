/**
 * Browsers keep about 16 WebGL contexts a page and drop the oldest: so plots share a small number, and the one that drew
 * longest ago gives its context back (its last picture stays). The list lives on the page, because every widget of a
 * notebook loads a module of its own.
 */

export interface Holder {
  /** Give the context back. */
  yieldContext(): void;
}

/** Leaves half of the browser's limit to others on the page. */
const MOST = 8;
const KEY = Symbol.for("lightly_widget.webgl_contexts.1");

function holders(): Set<Holder> {
  const page = globalThis as unknown as Record<symbol, Set<Holder> | undefined>;
  page[KEY] ??= new Set();
  return page[KEY];
}

/** Call before making a context and whenever drawing with it. */
export function hold(holder: Holder): void {
  const all = holders();
  all.delete(holder);
  while (all.size >= MOST) {
    const [oldest] = all;
    all.delete(oldest);
    oldest.yieldContext();
  }
  all.add(holder);
}

export function letGo(holder: Holder): void {
  holders().delete(holder);
}
