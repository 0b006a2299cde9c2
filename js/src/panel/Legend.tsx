/** What the colors mean, with counts of all, of the filtered and of the sample. Click hides, double click isolates. */

import { interpolateViridis } from "d3-scale-chromatic";
import { useLayoutEffect, useRef } from "preact/hooks";
import { categoryPalette } from "../scatter/palettes";
import { Button } from "./controls/Button";
import { count, number } from "./format";
import { useView } from "./view";

/** At most this share of the plot is left to the legend alone; a wider one lies over the points. */
const OWN_SHARE = 0.42;

/** Tells the plot how much of its left side the legend covers; before the first frame, lest all is drawn twice. */
function useInset() {
  const view = useView();
  const place = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    const legend = place.current;
    const plot = legend?.parentElement;
    if (!legend || !plot) {
      view.inset.value = 0;
      return;
    }
    const tell = () => {
      if (view.foldedFor) return; // for a sample's card: the map stays where it is
      const covered = legend.offsetLeft + legend.offsetWidth;
      const open = view.legendOpen.value && covered <= OWN_SHARE * plot.clientWidth;
      view.inset.value = open ? covered : 0;
    };
    tell();
    const observer = new ResizeObserver(tell);
    observer.observe(legend);
    observer.observe(plot);
    return () => observer.disconnect();
  });
  return place;
}

export function Legend() {
  const view = useView();
  const place = useInset();
  const { scale, note, domain, colorBy } = view.session.colors.table.value;
  if (scale === "none" && note === null) return null;
  const title = "key" in colorBy ? colorBy.key : colorBy.by === "rank" ? "pick order" : colorBy.by;
  return (
    <section ref={place} class="legend" aria-label={`Legend: ${title}`}>
      <div class="row tight legend-head">
        <span class="data grow legend-title">{title}</span>
        {view.session.colors.muted.value.size > 0 && (
          <Button label="Show all" kind="link" mini onClick={() => view.session.colors.mute(new Set())} />
        )}
        <Button
          label={view.legendOpen.value ? "Fold the legend" : "Unfold the legend"}
          icon={view.legendOpen.value ? "down" : "right"}
          iconOnly
          mini
          kind="quiet"
          onClick={() => {
            view.toggleLegend();
          }}
        />
      </div>
      {view.legendOpen.value && scale === "category" && <Categories />}
      {view.legendOpen.value && scale === "number" && domain && <Gradient domain={domain} />}
      {view.legendOpen.value && note && <p class="muted small legend-note">{note}</p>}
    </section>
  );
}

const STOPS = Array.from({ length: 9 }, (_, index) => interpolateViridis(index / 8)).join(", ");

const Gradient = ({ domain }: { domain: [number, number] }) => (
  <div class="gradient">
    <div class="gradient-bar" style={{ background: `linear-gradient(90deg, ${STOPS})` }} />
    <div class="row small">
      <span>{number(domain[0])}</span>
      <span class="push">{number(domain[1])}</span>
    </div>
  </div>
);

function Categories() {
  const { session } = useView();
  const { categories } = session.colors.table.value;
  const { all, filtered, sample } = session.colors.legend.value;
  const muted = session.colors.muted.value;
  const palette = categoryPalette(categories.length);
  const hasFilter = session.masks.filter.value.bits !== null;
  const hasSample = session.picks.count.value > 0;
  const toggle = (code: number) => {
    const next = new Set(muted);
    if (!next.delete(code)) next.add(code);
    session.colors.mute(next);
  };
  const isolate = (code: number) => {
    const others = categories.map((_, index) => index).filter((index) => index !== code);
    const alone = others.every((index) => muted.has(index)) && !muted.has(code);
    session.colors.mute(new Set(alone ? [] : others));
  };
  return (
    <>
      <div class="legend-row legend-columns" aria-hidden="true">
        <span />
        <span />
        <span>all</span>
        {hasFilter && <span>filtered</span>}
        {hasSample && <span>sample</span>}
      </div>
      <ul class="legend-list">
        {categories.map((category, code) => (
          <li key={code}>
            <button
              type="button"
              class="legend-row"
              aria-pressed={!muted.has(code)}
              title={`${category.name}\nClick hides it, double click (or shift) shows it alone`}
              onClick={(event) => {
                // The second click of a double click would undo the first: it isolates instead.
                if (event.detail >= 2 || event.shiftKey) isolate(code);
                else toggle(code);
              }}
            >
              <span class="swatch" style={{ background: muted.has(code) ? undefined : palette[code] }} />
              <span class="data">{category.name === "" ? "(empty)" : category.name}</span>
              <span class="num">{count(all[code])}</span>
              {hasFilter && <span class="num">{count(filtered[code])}</span>}
              {hasSample && <span class="num sample-num">{count(sample[code])}</span>}
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
