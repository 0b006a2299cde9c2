/** Makes the plot of a view and keeps it as the session's and the view's signals say; the plot knows neither. */
import { effect, type Signal, signal } from "@preact/signals";
import { type Box, Scatter } from "../scatter";
import { categoryPalette } from "../scatter/palettes";
import { clicked, hoverAfter, keyPressed } from "./gestures";
import type { View } from "./view";

/** How long the first picture waits for its colors: all is drawn once then, and whole sooner. */
const COLORS_MS = 400;

/** Creates the plot; returns the way to end it. */
export function bind(view: View, host: HTMLElement): () => void {
  const { session } = view;
  const hover = hoverAfter(view);
  /** The box that the user's own move has just led to. */
  const moved: { box: Box | null | undefined } = { box: undefined };
  const scatter = new Scatter(host, {
    view: (box) => {
      moved.box = box;
      session.set("viewport", box);
    },
    hover,
    click: (point, { shift, alt }) => clicked(view, point, shift, alt),
    area: (polygon, op) => void session.masks.select(polygon, op),
    key: (event) => keyPressed(view, event),
    renderer: (_, note) => {
      view.rendererNote.value = note;
    },
  });
  view.scatter = scatter;
  const drawn = signal(false);
  const stops = [
    showPoints(view, scatter, drawn),
    effect(() => {
      if (drawn.value) paint(view, scatter);
    }),
    effect(() => {
      scatter.mode = session.connection.gone.value ? "pan" : view.mode.value; // a lasso is worked out in the kernel
    }),
    effect(() => {
      const box = session.traits.viewport.value;
      // Our own moves come back as the trait: moving there again would stop the gesture that made them.
      if (drawn.value && box !== moved.box) scatter.viewport.show(box);
      moved.box = undefined;
    }),
    effect(() => scatter.viewport.setInset(view.inset.value)),
    effect(() => scatter.setTuning(view.tuning.value)),
    ...showOverlays(view, scatter, drawn),
    session.flags.listen((points) => scatter.flagsChanged(points ?? undefined)),
  ];
  return () => {
    for (const stop of stops) stop();
    hover.stop();
    view.scatter = null;
    scatter.destroy();
  };
}

/** Positions, the first ones together with their colors where these come soon. */
function showPoints(view: View, scatter: Scatter, drawn: Signal<boolean>): () => void {
  const { session } = view;
  const late = signal(false);
  let waiting: ReturnType<typeof setTimeout> | undefined;
  const stop = effect(() => {
    const points = session.points.positions.value;
    if (points === null) return;
    if (!drawn.peek() && session.colors.loading.value && !late.value) {
      waiting ??= setTimeout(() => {
        late.value = true;
      }, COLORS_MS);
      return;
    }
    scatter.setPoints(points.x, points.y, points.animate && !reducedMotion());
    scatter.setFlags(session.flags.bytes);
    view.outside.value = scatter.viewport.outside;
    drawn.value = true;
  });
  return () => {
    stop();
    clearTimeout(waiting);
  };
}

function showOverlays(view: View, scatter: Scatter, drawn: Signal<boolean>): (() => void)[] {
  return [
    effect(() => scatter.setOverlay({ contours: view.contours.value })),
    effect(() => showLabels(view, scatter)),
    effect(() => {
      const near = view.neighbors.value;
      const point = view.inspected.value;
      scatter.setOverlay({ neighbors: point === null ? null : { point, points: near?.points ?? [] } });
    }),
    effect(() => {
      const found = view.found.value;
      const chosen = view.chosen.value;
      if (!drawn.value) return;
      scatter.setOverlay({ found: found?.points ?? [] });
      scatter.setOrder(found === null ? chosen : null);
    }),
    effect(() => scatter.setOverlay({ pointed: view.session.samples.hovered.value })),
  ];
}

/** Colors that came before their points, or after newer ones, wait for the rest. */
function paint({ session }: View, scatter: Scatter): void {
  const { scale, values, categories, domain } = session.colors.table.value;
  const drawn = session.points.positions.value?.x.length ?? 0;
  if (values !== null && values.length !== drawn) return;
  if (scale === "number") scatter.setValues(values as Float32Array | null, domain ?? [0, 1]);
  else scatter.setCategories(scale === "category" ? (values as Uint8Array) : null, categoryPalette(categories.length));
}

const reducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

function showLabels(view: View, scatter: Scatter): void {
  const wanted = view.labels.value && view.session.points.positions.value !== null;
  void view.session.traits.color_by.value;
  if (!wanted) {
    scatter.setOverlay({ labels: [] });
    return;
  }
  view.session.colors.clusters().then(
    (labels) => {
      if (view.labels.peek() && view.scatter === scatter) scatter.setOverlay({ labels });
    },
    () => {
      view.labels.value = false; // the toast says why
    },
  );
}
