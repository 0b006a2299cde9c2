/** The plot and all that lies over it. Binds the store's signals to the renderer; the renderer knows no store. */
import { effect, signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type Box, Scatter } from "../scatter";
import { categoryPalette } from "../scatter/palettes";
import { HoverCard } from "./HoverCard";
import { Inspector } from "./Inspector";
import { Legend } from "./Legend";
import { useView, type View } from "./view";

const HOVER_MS = 80;
/** How long the first picture waits for its colors: all is drawn once then, and whole sooner. */
const COLORS_MS = 400;

export function Plot() {
  const view = useView();
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => (host.current ? connect(view, host.current) : undefined), [view]);
  return (
    <div class="plot">
      <div ref={host} class="plot-host" />
      <Empty />
      <Legend />
      <HoverCard />
      <Inspector />
    </div>
  );
}

function Empty() {
  const { store } = useView();
  const words = store.statusText.value;
  if (words) {
    if (store.points.value !== null) return null; // the banner says it
    return (
      <div class="plot-words" role="status">
        {store.status.value === "connecting" && <span class="spinner" aria-hidden="true" />}
        <p>{words}</p>
      </div>
    );
  }
  if (store.points.value !== null && store.nSamples > 0) return null;
  return (
    <div class="plot-words" role="status">
      <p>
        {store.nSamples === 0
          ? "This dataset holds no samples yet. Add some with dataset.add_images_from_path(…), then run the cell again."
          : "No positions to draw yet: the dataset has no embeddings. Compute them with dataset.embed()."}
      </p>
    </div>
  );
}

/** Creates the renderer and keeps it up to date; returns the way to end both. */
function connect(view: View, host: HTMLElement): () => void {
  const { store } = view;
  const hover = hoverAfter(view);
  const drawn = signal(false);
  const late = signal(false);
  let waiting: ReturnType<typeof setTimeout> | undefined;
  let moved: Box | null | undefined;
  const scatter = new Scatter(host, {
    view: (box) => {
      moved = box;
      store.set("view", box);
    },
    hover,
    click: (row, { shift, alt }) => clicked(view, row, shift, alt),
    area: (polygon, op) => void store.select(polygon, op),
    key: (event) => keyPressed(view, event),
    renderer: (_, note) => {
      view.rendererNote.value = note;
    },
  });
  view.scatter = scatter;
  const stops = [
    effect(() => {
      const points = store.points.value;
      if (points === null) return;
      if (!drawn.peek() && store.colorsLoading.value && !late.value) {
        waiting ??= setTimeout(() => {
          late.value = true;
        }, COLORS_MS);
        return;
      }
      scatter.setPoints(points.x, points.y, points.animate && !reducedMotion());
      scatter.setFlags(store.flags);
      drawn.value = true;
    }),
    effect(() => {
      if (drawn.value) paint(view, scatter);
    }),
    effect(() => {
      scatter.mode = store.gone.value ? "pan" : view.mode.value; // a lasso is worked out in the kernel
    }),
    effect(() => {
      const box = store.traits.view.value;
      // Our own moves come back as the trait: moving there again would stop the gesture that made them.
      if (drawn.value && box !== moved) scatter.setView(box, false);
      moved = undefined;
    }),
    effect(() => scatter.setInset(view.inset.value)),
    effect(() => scatter.setOverlay({ contours: view.contours.value })),
    effect(() => showLabels(view, scatter)),
    effect(() => {
      const near = view.neighbors.value;
      const row = view.inspected.value;
      scatter.setOverlay({ neighbors: row === null ? null : { row, rows: near?.rows ?? [] } });
    }),
    effect(() => {
      const found = view.found.value;
      const chosen = view.chosen.value;
      if (!drawn.value) return;
      scatter.setOverlay({ found: found?.rows ?? [] });
      scatter.setOrder(found === null ? chosen : null);
    }),
    effect(() => scatter.setOverlay({ pointed: store.hoveredRow.value })),
    store.onFlags((rows) => scatter.flagsChanged(rows ?? undefined)),
  ];
  return () => {
    for (const stop of stops) stop();
    clearTimeout(waiting);
    hover.stop();
    view.scatter = null;
    scatter.destroy();
  };
}

/** Colors that came before their points, or after newer ones, wait for the rest. */
function paint({ store }: View, scatter: Scatter): void {
  const { scale, values, categories, domain } = store.colors.value;
  const drawn = store.points.value?.x.length ?? 0;
  if (values !== null && values.length !== drawn) return;
  if (scale === "number") scatter.setValues(values as Float32Array | null, domain ?? [0, 1]);
  else scatter.setCategories(scale === "category" ? (values as Uint8Array) : null, categoryPalette(categories.length));
}

const reducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

function showLabels(view: View, scatter: Scatter): void {
  const wanted = view.labels.value && view.store.points.value !== null;
  void view.store.traits.color_by.value;
  if (!wanted) {
    scatter.setOverlay({ labels: [] });
    return;
  }
  view.store.clusters().then(
    (labels) => {
      if (view.labels.peek() && view.scatter === scatter) scatter.setOverlay({ labels });
    },
    () => {
      view.labels.value = false; // the toast says why
    },
  );
}

/** The card opens when the pointer has rested, so that a sweep across the plot asks for nothing. */
function hoverAfter(view: View) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hover = (row: number | null, x: number, y: number) => {
    clearTimeout(timer);
    if (row === null) {
      view.hovered.value = null;
      if (view.store.hoveredRow.peek() !== null) view.store.hover(null);
      return;
    }
    if (view.hovered.peek()?.row === row) return;
    timer = setTimeout(() => {
      view.hovered.value = { row, x, y };
      view.store.hover(row);
    }, HOVER_MS);
  };
  hover.stop = () => clearTimeout(timer);
  return hover;
}

function clicked(view: View, row: number | null, shift: boolean, alt: boolean): void {
  view.hovered.value = null;
  if (row !== null && (shift || alt)) void view.store.selectRows([row], alt ? "remove" : "add");
  else void view.inspect(row === view.inspected.peek() ? null : row);
}

/** n and p go from sample to sample. Escape takes back one thing at a time: the card, the selection, the mode. */
function keyPressed(view: View, event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  if (event.key === "n" || event.key === "p") {
    view.step(event.key === "n" ? 1 : -1);
    return true;
  }
  if (event.key !== "Escape") return false;
  if (view.inspected.peek() !== null) void view.inspect(null);
  else if (view.store.selectionMask.peek().count > 0) void view.store.clearSelection();
  else view.mode.value = "pan";
  return true;
}
