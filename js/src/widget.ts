/**
 * Wiring only: anywidget's two hooks. One Session per model; one shadow root and one AbortController per view.
 *
 * A factory, because anywidget calls it once a model and hands each hook a model object of its own: the closure is what
 * they share.
 */
import type { InitializeProps, RenderProps } from "@anywidget/types";
import { mount } from "./panel/mount";
import type { Traits } from "./protocol";
import { Session } from "./session/session";

export default () => {
  let session: Session | null = null;
  return {
    initialize({ model, signal }: InitializeProps<Traits>): void {
      session = new Session(model, signal);
    },

    render({ el, signal }: RenderProps<Traits>): () => void {
      if (session === null) throw new Error("render came before initialize");
      const view = new AbortController();
      signal?.addEventListener("abort", () => view.abort(), { signal: view.signal });
      mount(session, el, view.signal);
      return () => view.abort();
    },
  };
};
