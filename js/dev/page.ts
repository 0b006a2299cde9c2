/** The page: reads its options from the address, shows the widget, and leaves the handles that tests use on `window`. */
import type { AnyModel } from "@anywidget/types";
import type { Traits } from "../src/protocol";
import { Scatter } from "../src/scatter";
import makeWidget from "../src/widget";
import { HOSTILE } from "./hostile";
import { MockKernel } from "./kernel";

const wanted = new URLSearchParams(location.search);
const number = (name: string, otherwise: number) => Number(wanted.get(name) ?? otherwise);

const theme = wanted.get("theme");
if (theme !== null) document.body.dataset.jpThemeLight = String(theme === "light");
const place = document.getElementById("place") as HTMLElement;
if (wanted.has("width")) place.style.width = `${number("width", 1200)}px`;

const kernel = new MockKernel({
  n: number("n", 4000),
  media: wanted.get("media") === "text" ? "text" : "image",
  hostile: wanted.has("hostile") ? HOSTILE : [],
  silent: wanted.has("silent"),
  delay: number("delay", 2),
  block: number("block", 8),
  height: number("height", 640),
});
const model = kernel as unknown as AnyModel<Traits>;
const life = new AbortController();
const experimental = { invoke: () => Promise.reject(new Error("not used")) };

const widget = makeWidget();
/** As anywidget does: every hook gets a model object of its own. */
const proxy = (): AnyModel<Traits> => ({
  get: model.get.bind(model),
  set: model.set.bind(model),
  save_changes: model.save_changes.bind(model),
  send: model.send.bind(model),
  on: model.on.bind(model),
  off: model.off.bind(model),
  widget_manager: model.widget_manager,
});
widget.initialize({ model: proxy(), signal: life.signal, experimental });

/** Opens one more view of the same model; returns the way to close it. */
function open(): () => void {
  const el = document.createElement("div");
  place.append(el);
  const view = new AbortController();
  const close = widget.render({ model: proxy(), el, signal: view.signal, experimental, host: undefined as never });
  return () => {
    close();
    el.remove();
  };
}

/** The plots on this page, for tests that count what they upload. */
const plots = new Set<Scatter>();
const setPoints = Scatter.prototype.setPoints;
Scatter.prototype.setPoints = function (...args) {
  plots.add(this);
  return setPoints.apply(this, args);
};
const destroy = Scatter.prototype.destroy;
Scatter.prototype.destroy = function () {
  plots.delete(this);
  destroy.apply(this);
};

const close = open();
Object.assign(window, { demo: { kernel, plots, open, close, end: () => life.abort(), HOSTILE } });
