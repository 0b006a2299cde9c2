/** Wiring only: anywidget's two hooks. One Store per model; one shadow root and one AbortController per view. */
import type { AnyModel, InitializeProps, RenderProps } from "@anywidget/types";
import { mount } from "./panel/mount";
import type { Traits } from "./protocol";
import { Store } from "./state";

const stores = new WeakMap<AnyModel<Traits>, Store>();

export default {
  initialize({ model, signal }: InitializeProps<Traits>): void {
    stores.set(model, new Store(model, signal));
  },

  render({ model, el, signal }: RenderProps<Traits>): () => void {
    const store = stores.get(model);
    if (store === undefined) throw new Error("render came before initialize");
    const view = new AbortController();
    signal?.addEventListener("abort", () => view.abort(), { signal: view.signal });
    mount(store, el, view.signal);
    return () => view.abort();
  },
};
