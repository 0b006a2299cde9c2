/** The widget's lower edge: dragged, or moved by keys, it sets the height, which the trait remembers. */
import type { TargetedKeyboardEvent, TargetedPointerEvent } from "preact";
import { useRef } from "preact/hooks";
import { useView } from "./view";

const HEIGHTS = [320, 2000] as const;
const STEP = 20;
const PAGE = 100;

export const within = (height: number): number => Math.round(Math.min(HEIGHTS[1], Math.max(HEIGHTS[0], height)));

export function Resize() {
  const { session } = useView();
  const height = within(session.traits.height.value);
  const drag = useRef<{ from: number; height: number } | null>(null);
  const set = (next: number) => session.set("height", within(next));
  const start = (event: TargetedPointerEvent<HTMLDivElement>) => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    drag.current = { from: event.clientY, height };
  };
  const move = (event: TargetedPointerEvent<HTMLDivElement>) => {
    if (drag.current) set(drag.current.height + event.clientY - drag.current.from);
  };
  const end = () => {
    drag.current = null;
  };
  const keys = (event: TargetedKeyboardEvent<HTMLDivElement>) => {
    const moves: Record<string, number> = {
      ArrowDown: height + STEP,
      ArrowUp: height - STEP,
      PageDown: height + PAGE,
      PageUp: height - PAGE,
      Home: HEIGHTS[0],
      End: HEIGHTS[1],
    };
    if (event.key === "Escape" && drag.current) {
      set(drag.current.height);
      end();
    } else if (moves[event.key] !== undefined) set(moves[event.key]);
    else return;
    event.preventDefault();
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a rule cannot be moved; this separator can
    <div
      class="resize"
      role="separator"
      aria-orientation="horizontal"
      aria-label="Height of the widget"
      aria-valuenow={height}
      aria-valuemin={HEIGHTS[0]}
      aria-valuemax={HEIGHTS[1]}
      aria-valuetext={`${height} pixels`}
      title="Drag to change the height"
      tabIndex={0}
      onPointerDown={start}
      onPointerMove={move}
      onPointerUp={end}
      onPointerCancel={end}
      onKeyDown={keys}
    />
  );
}
