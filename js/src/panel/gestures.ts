/** What a pointer and a key in the plot mean: hovering, clicking, going from sample to sample. */
import { labelByKey } from "./LabelBar";
import type { View } from "./view";

const HOVER_MS = 80;

/** The card opens when the pointer has rested, so that a sweep across the plot asks for nothing. */
export function hoverAfter(view: View) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hover = (point: number | null, x: number, y: number) => {
    clearTimeout(timer);
    if (point === null) {
      view.hovered.value = null;
      if (view.session.samples.hovered.peek() !== null) view.session.samples.hover(null);
      return;
    }
    if (view.hovered.peek()?.point === point) return;
    timer = setTimeout(() => {
      view.hovered.value = { point, x, y };
      view.session.samples.hover(point);
    }, HOVER_MS);
  };
  hover.stop = () => clearTimeout(timer);
  return hover;
}

export function clicked(view: View, point: number | null, shift: boolean, alt: boolean): void {
  view.hovered.value = null;
  if (point !== null && (shift || alt)) void view.session.masks.selectPoints([point], alt ? "remove" : "add");
  else void view.inspect(point === view.inspected.peek() ? null : point);
}

/** n and p go from sample to sample. Escape takes back one thing at a time: the card, the selection, the mode. */
export function keyPressed(view: View, event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  if (event.key === "n" || event.key === "p") {
    view.step(event.key === "n" ? 1 : -1);
    return true;
  }
  if (labelByKey(view, event.key)) return true;
  if (event.key !== "Escape") return false;
  if (view.inspected.peek() !== null) void view.inspect(null);
  else if (view.session.masks.selection.peek().count > 0) void view.session.masks.clearSelection();
  else view.mode.value = "pan";
  return true;
}
