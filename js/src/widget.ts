/**
 * Wiring only: anywidget's two hooks. One Store per model; one shadow root and one AbortController per view.
 *
 * A factory, because anywidget calls it once a model and hands each hook a model object of its own: the closure is what
 * they share.
 */
import type { InitializeProps, RenderProps } from "@anywidget/types";
import { mount } from "./panel/mount";
import type { Traits } from "./protocol";
import { Store } from "./state";

export default () => {
  let store: Store | null = null;
  return {
    initialize({ model, signal }: InitializeProps<Traits>): void {
      store = new Store(model, signal);
    },

    render({ el, signal }: RenderProps<Traits>): () => void {
      if (store === null) throw new Error("render came before initialize");
      const view = new AbortController();
      signal?.addEventListener("abort", () => view.abort(), { signal: view.signal });
      mount(store, el, view.signal);
      return () => view.abort();
    },
  };
};
