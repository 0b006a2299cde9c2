/** What a pointer and a key in the plot mean: hovering, clicking, going from sample to sample. */
import { labelByKey } from "./LabelBar";
import type { View } from "./view";

const HOVER_MS = 80;

/** The card opens when the pointer has rested, so that a sweep across the plot asks for nothing. */
export function hoverAfter(view: View) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hover = (row: number | null, x: number, y: number) => {
    clearTimeout(timer);
    if (row === null) {
      view.hovered.value = null;
      if (view.session.samples.hovered.peek() !== null) view.session.samples.hover(null);
      return;
    }
    if (view.hovered.peek()?.row === row) return;
    timer = setTimeout(() => {
      view.hovered.value = { row, x, y };
      view.session.samples.hover(row);
    }, HOVER_MS);
  };
  hover.stop = () => clearTimeout(timer);
  return hover;
}

export function clicked(view: View, row: number | null, shift: boolean, alt: boolean): void {
  view.hovered.value = null;
  if (row !== null && (shift || alt)) void view.session.masks.selectPoints([row], alt ? "remove" : "add");
  else void view.inspect(row === view.inspected.peek() ? null : row);
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
