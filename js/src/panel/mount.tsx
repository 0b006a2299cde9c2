/** Puts a view into the page and takes it out again when `signal` aborts: nothing is left behind. */
import { render } from "preact";
import type { Session } from "../session/session";
import base from "../styles/base.css";
import controls from "../styles/controls.css";
import layout from "../styles/layout.css";
import panel from "../styles/panel.css";
import plot from "../styles/plot.css";
import viewer from "../styles/viewer.css";
import { App } from "./App";
import { watchTheme } from "./theme";
import { View } from "./view";

const CSS = [base, controls, layout, plot, panel, viewer].join("\n");
const KEYS = ["keydown", "keypress", "keyup"] as const;

export function mount(session: Session, el: HTMLElement, signal: AbortSignal): void {
  const host = document.createElement("div");
  host.className = "lightly-widget";
  // JupyterLab listens in the capture phase, before we could stop a key: this attribute tells it to let go.
  host.dataset.lmSuppressShortcuts = "true";
  for (const kind of KEYS) host.addEventListener(kind, (event) => event.stopPropagation(), { signal });
  const root = host.attachShadow({ mode: "open" });
  addStyles(root);
  const place = document.createElement("div");
  root.append(place);
  host.style.minHeight = `${session.traits.height.peek()}px`; // its room, so that the notebook does not jump
  el.append(host);
  signal.addEventListener("abort", () => {
    render(null, place);
    host.remove();
  });
  soon(signal, () => {
    const view = new View(session, root, signal);
    view.legendOpen.value = el.clientWidth === 0 || el.clientWidth > 600;
    watchTheme(host, signal, () => view.scatter?.setTheme());
    render(<App view={view} />, place);
    host.style.minHeight = "";
  });
}

const NEXT_MS = 250;
let lastMounted = -Infinity;

/**
 * At once, or, moments after another view, when the page is idle: anywidget is deaf for ever to a model that took more
 * than two seconds to begin, and in a notebook full of widgets the first views must not take that time from the last.
 */
function soon(signal: AbortSignal, work: () => void): void {
  const done = () => {
    work();
    lastMounted = performance.now();
  };
  if (performance.now() - lastMounted > NEXT_MS) done();
  else if (typeof requestIdleCallback === "undefined") {
    const timer = setTimeout(done);
    signal.addEventListener("abort", () => clearTimeout(timer));
  } else {
    const waiting = requestIdleCallback(done, { timeout: 3_000 });
    signal.addEventListener("abort", () => cancelIdleCallback(waiting));
  }
}

/** A constructed style sheet where there is one: content security policies that forbid style elements allow it. */
function addStyles(root: ShadowRoot): void {
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
    root.adoptedStyleSheets = [sheet];
  } catch {
    const style = document.createElement("style");
    style.textContent = CSS;
    root.append(style);
  }
}
