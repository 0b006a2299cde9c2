/** A row of samples to move along; only the tiles in sight exist. */
import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
  type VirtualizerOptions,
} from "@tanstack/virtual-core";
import type { TargetedFocusEvent } from "preact";
import { useEffect, useLayoutEffect, useReducer, useRef, useState } from "preact/hooks";
import { pin, remove } from "./by-hand";
import { Button } from "./controls/Button";
import { plural } from "./format";
import { labelByKey } from "./LabelBar";
import { Thumb } from "./Thumb";
import { useView } from "./view";

const SIZE = 84;
const GAP = 6;
const PIXELS = 96;

function useVirtual(total: number) {
  const box = useRef<HTMLDivElement>(null);
  const [, draw] = useReducer((version: number) => version + 1, 0);
  const options: VirtualizerOptions<HTMLDivElement, HTMLElement> = {
    count: total,
    horizontal: true,
    getScrollElement: () => box.current,
    estimateSize: () => SIZE,
    gap: GAP,
    paddingStart: 10,
    paddingEnd: 10,
    overscan: 4,
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    onChange: () => draw(undefined),
  };
  const [virtual] = useState(() => new Virtualizer(options));
  virtual.setOptions(options);
  useLayoutEffect(() => virtual._didMount(), [virtual]);
  useLayoutEffect(() => virtual._willUpdate());
  return { box, virtual };
}

/** Which tile has the focus: it follows its index while tiles come and go with scrolling, until the user leaves. */
function useFocus({ box, virtual }: ReturnType<typeof useVirtual>, points: readonly number[]) {
  const view = useView();
  const [at, setAt] = useState(0);
  const focused = Math.min(at, points.length - 1);
  const keeps = useRef(false);
  useEffect(() => {
    if (!keeps.current) return;
    box.current?.querySelector<HTMLElement>(`[data-index="${focused}"] .thumb`)?.focus({ preventScroll: true });
  });
  const inspected = view.inspected.value;
  useEffect(() => {
    const place = inspected === null ? -1 : points.indexOf(inspected);
    if (place >= 0 && !keeps.current) virtual.scrollToIndex(place);
  }, [inspected, points, virtual]);
  const moveTo = (to: number) => {
    const next = Math.max(0, Math.min(points.length - 1, to));
    keeps.current = true;
    setAt(next);
    virtual.scrollToIndex(next);
  };
  const left = ({ target, relatedTarget, currentTarget }: TargetedFocusEvent<HTMLElement>) => {
    if (currentTarget.contains(relatedTarget as Element | null)) return;
    queueMicrotask(() => {
      if ((target as Element).isConnected) keeps.current = false;
    });
  };
  return { focused, setAt, moveTo, left };
}

/** Where a key leads from a tile, or undefined for other keys. */
function destination(key: string, at: number, total: number, page: number): number | undefined {
  const moves: Record<string, number> = {
    ArrowRight: at + 1,
    ArrowLeft: at - 1,
    PageDown: at + page,
    PageUp: at - page,
    Home: 0,
    End: total - 1,
  };
  return moves[key];
}

/** `before`: how many of the points were in the sample before its picks, and have no place in the order. */
export function Strip({ points, ranked, before }: { points: readonly number[]; ranked: boolean; before: number }) {
  const view = useView();
  const { session } = view;
  const virtualized = useVirtual(points.length);
  const { box, virtual } = virtualized;
  const { focused, setAt, moveTo, left } = useFocus(virtualized, points);
  /** In label mode a key leads on through the picks, with the card of each. */
  const next = () => {
    if (focused + 1 >= points.length) return;
    moveTo(focused + 1);
    void view.inspect(points[focused + 1], true);
  };
  const keys = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor((box.current?.clientWidth ?? 0) / (SIZE + GAP)) - 1);
    const to = destination(event.key, focused, points.length, page);
    if (to !== undefined) moveTo(to);
    else if (!session.hasKernel) return;
    else if (ranked && (event.key === "Delete" || event.key === "Backspace")) remove(session, points[focused]);
    else if (labelByKey(view, event.key, points[focused])) next();
    else if (ranked && event.key.toLowerCase() === "p") pin(session, points[focused]);
    else return;
    event.preventDefault();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys for the list inside it
    <div ref={box} class="strip" onKeyDown={keys} onFocusOut={left}>
      <ul
        class="strip-inner"
        aria-label={`${plural(points.length, "sample")}. Arrow keys move${ranked && session.hasKernel ? ", P pins, Delete removes" : ""}.`}
        style={{ width: `${virtual.getTotalSize()}px` }}
      >
        {virtual.getVirtualItems().map(({ index, start }) => (
          <Tile
            key={points[index]}
            {...{ point: points[index], index, start, ranked, total: points.length, focusable: index === focused }}
            rank={ranked && index >= before ? index - before + 1 : undefined}
            onFocus={() => setAt(index)}
          />
        ))}
      </ul>
    </div>
  );
}

interface TileProps {
  point: number;
  index: number;
  /** CSS pixels from the strip's beginning. */
  start: number;
  total: number;
  ranked: boolean;
  rank: number | undefined;
  focusable: boolean;
  onFocus(): void;
}

function Tile({ point, index, start, total, ranked, rank, focusable, onFocus }: TileProps) {
  const view = useView();
  const pinned = view.session.picks.pinned.value.includes(point);
  return (
    <li
      data-index={index}
      class={`tile ${pinned ? "pinned" : ""} ${view.inspected.value === point ? "current" : ""}`}
      aria-setsize={total}
      aria-posinset={index + 1}
      style={{ transform: `translateX(${start}px)` }}
    >
      <Thumb
        point={point}
        size={PIXELS}
        rank={rank}
        tabIndex={focusable ? 0 : -1}
        onClick={() => {
          onFocus();
          if (view.inspected.peek() === point) view.enlarge(point);
          else void view.inspect(point, true);
        }}
      />
      {ranked && view.session.hasKernel && <TileActions point={point} pinned={pinned} />}
    </li>
  );
}

function TileActions({ point, pinned }: { point: number; pinned: boolean }) {
  const { session } = useView();
  return (
    <span class="tile-actions">
      <Button
        label={pinned ? "Unpin" : "Pin: keep it in the next sample"}
        icon="pin"
        iconOnly
        mini
        pressed={pinned}
        onClick={() => pin(session, point)}
      />
      <Button
        label="Remove: choose another in its place"
        icon="close"
        iconOnly
        mini
        onClick={() => remove(session, point)}
      />
    </span>
  );
}
