/** The chosen samples in pick order (or what was found), along the plot's foot; only those in sight exist. */
import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
  type VirtualizerOptions,
} from "@tanstack/virtual-core";
import { useEffect, useLayoutEffect, useReducer, useRef, useState } from "preact/hooks";
import { Button } from "./controls/Button";
import { count, plural } from "./format";
import { Thumb } from "./Thumb";
import { useView } from "./view";

const SIZE = 84;
const GAP = 6;
const PIXELS = 96;

export function Gallery() {
  const view = useView();
  const { store } = view;
  const found = view.found.value;
  const shown = found ? [...found.rows] : view.chosen.value;
  if (shown.length === 0 && !found && store.excluded.value.length === 0) return null;
  const open = view.drawer.value;
  const title = found ? `Found: ${found.what}` : "Chosen samples";
  return (
    <section class="gallery" aria-label={title}>
      <div class="row gallery-head">
        <Button
          label={open ? "Fold the gallery" : "Unfold the gallery"}
          icon={open ? "down" : "right"}
          iconOnly
          mini
          kind="quiet"
          onClick={() => {
            view.drawer.value = !open;
          }}
        />
        <h3 class="data">{title}</h3>
        <span class="muted small nowrap">{found ? count(shown.length) : `${count(shown.length)}, in pick order`}</span>
        <span class="push row tight">{found ? <FoundActions rows={shown} /> : <ByHand />}</span>
      </div>
      {open && shown.length > 0 && <Strip rows={shown} ranked={!found} />}
      {open && shown.length === 0 && <p class="muted small gallery-empty">Nothing was found.</p>}
    </section>
  );
}

function FoundActions({ rows }: { rows: readonly number[] }) {
  const view = useView();
  return (
    <>
      <Button label="Select these" mini kind="quiet" onClick={() => void view.store.selectRows([...rows])} />
      <Button
        label="Close"
        mini
        kind="quiet"
        onClick={() => {
          view.found.value = null;
        }}
      />
    </>
  );
}

/** What was pinned and removed by hand, and the way back. */
function ByHand() {
  const { store } = useView();
  const pinned = store.pinned.value.length;
  const removed = store.excluded.value.length;
  return (
    <>
      {pinned > 0 && <Button label={`Unpin ${count(pinned)}`} mini kind="quiet" onClick={() => store.setPinned([])} />}
      {removed > 0 && (
        <Button
          label={`Allow ${plural(removed, "removed one")} again`}
          mini
          kind="quiet"
          onClick={() => store.setExcluded([])}
        />
      )}
    </>
  );
}

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

function Strip({ rows, ranked }: { rows: readonly number[]; ranked: boolean }) {
  const view = useView();
  const { store } = view;
  const { box, virtual } = useVirtual(rows.length);
  const [at, setAt] = useState(0);
  const focused = Math.min(at, rows.length - 1);
  // Tiles come and go with scrolling: the focus follows its index until the user takes it elsewhere.
  const keepsFocus = useRef(false);
  useEffect(() => {
    if (!keepsFocus.current) return;
    box.current?.querySelector<HTMLElement>(`[data-index="${focused}"] .thumb`)?.focus({ preventScroll: true });
  });
  const inspected = view.inspected.value;
  useEffect(() => {
    const place = inspected === null ? -1 : rows.indexOf(inspected);
    if (place >= 0 && !keepsFocus.current) virtual.scrollToIndex(place);
  }, [inspected, rows, virtual]);
  const remove = (row: number) => {
    store.setPinned(store.pinned.peek().filter((other) => other !== row));
    store.setExcluded([...store.excluded.peek().filter((other) => other !== row), row]);
  };
  const pin = (row: number) => {
    const pinned = store.pinned.peek();
    store.setPinned(pinned.includes(row) ? pinned.filter((other) => other !== row) : [...pinned, row]);
  };
  const keys = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor((box.current?.clientWidth ?? 0) / (SIZE + GAP)) - 1);
    const moves: Record<string, number> = {
      ArrowRight: focused + 1,
      ArrowLeft: focused - 1,
      PageDown: focused + page,
      PageUp: focused - page,
      Home: 0,
      End: rows.length - 1,
    };
    const to = moves[event.key];
    if (to !== undefined) {
      const next = Math.max(0, Math.min(rows.length - 1, to));
      keepsFocus.current = true;
      setAt(next);
      virtual.scrollToIndex(next);
    } else if (ranked && (event.key === "Delete" || event.key === "Backspace")) remove(rows[focused]);
    else if (ranked && event.key.toLowerCase() === "p") pin(rows[focused]);
    else return;
    event.preventDefault();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys for the list inside it
    <div
      ref={box}
      class="strip"
      onKeyDown={keys}
      onFocusOut={({ target, relatedTarget, currentTarget }) => {
        if (currentTarget.contains(relatedTarget as Element | null)) return;
        queueMicrotask(() => {
          if ((target as Element).isConnected) keepsFocus.current = false;
        });
      }}
    >
      <ul
        class="strip-inner"
        aria-label={`${plural(rows.length, "sample")}. Arrow keys move${ranked ? ", P pins, Delete removes" : ""}.`}
        style={{ width: `${virtual.getTotalSize()}px` }}
      >
        {virtual.getVirtualItems().map(({ index, start }) => {
          const row = rows[index];
          const pinned = store.pinned.value.includes(row);
          return (
            <li
              key={row}
              data-index={index}
              class={`tile ${pinned ? "pinned" : ""} ${view.inspected.value === row ? "current" : ""}`}
              aria-setsize={rows.length}
              aria-posinset={index + 1}
              style={{ transform: `translateX(${start}px)` }}
            >
              <Thumb
                row={row}
                size={PIXELS}
                rank={ranked ? index + 1 : undefined}
                tabIndex={index === focused ? 0 : -1}
                onClick={() => {
                  setAt(index);
                  void view.inspect(row, true);
                }}
              />
              {ranked && (
                <span class="tile-actions">
                  <Button
                    label={pinned ? "Unpin" : "Pin: keep it in the next sample"}
                    icon="pin"
                    iconOnly
                    mini
                    pressed={pinned}
                    onClick={() => pin(row)}
                  />
                  <Button
                    label="Remove: choose another in its place"
                    icon="close"
                    iconOnly
                    mini
                    onClick={() => remove(row)}
                  />
                </span>
              )}
            </li>
          );
        })}
      </ul>
    </div>
  );
}
