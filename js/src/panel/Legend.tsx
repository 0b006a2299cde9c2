/** What the colors mean, with counts of all, of the filtered and of the sample. Click hides, double click isolates. */

import { interpolateViridis } from "d3-scale-chromatic";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { categoryPalette } from "../scatter/palettes";
import { Button } from "./controls/Button";
import { TextField } from "./controls/fields";
import { count, number } from "./format";
import { useView } from "./view";

/** At most this share of the plot is left to the legend alone; a wider one lies over the points. */
const OWN_SHARE = 0.42;
/** From so many entries on, one searches. */
const SEARCHED = 12;
/** Sooner than this nobody waits. */
const SLOW_MS = 300;

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
      const beside = covered <= OWN_SHARE * plot.clientWidth;
      // It covers points only where somebody unfolded it there.
      if (view.legendOpen.value && !beside && !view.legendAsked && plot.clientWidth > 0) view.legendOpen.value = false;
      const open = view.legendOpen.value && beside;
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
      <Coming />
      {view.legendOpen.value && scale === "category" && <Categories key={title} />}
      {view.legendOpen.value && scale === "number" && domain && <Gradient domain={domain} />}
      {view.legendOpen.value && note && <p class="muted small legend-note">{note}</p>}
    </section>
  );
}

/** Other colors are on their way; until they come, the legend explains those that are shown. */
function Coming() {
  const { colors, traits } = useView().session;
  const [slow, setSlow] = useState(false);
  const loading = colors.loading.value;
  useEffect(() => {
    if (!loading) return setSlow(false);
    const timer = setTimeout(() => setSlow(true), SLOW_MS);
    return () => clearTimeout(timer);
  }, [loading]);
  if (!loading || !slow) return null;
  const by = traits.color_by.value;
  return (
    <div class="row small legend-coming" role="status">
      <span class="spinner" aria-hidden="true" />
      <span class="data grow">Computing {"key" in by ? by.key : by.by} …</span>
      <Button label="Stop" kind="link" mini title="Keep these colors" onClick={() => colors.stop()} />
    </div>
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
  const [wanted, setWanted] = useState("");
  const words = wanted.trim().toLowerCase();
  const shown = categories
    .map((category, code) => ({ category, code }))
    .filter(({ category }) => words === "" || category.name.toLowerCase().includes(words));
  const palette = categoryPalette(categories.length);
  const hasFilter = session.masks.filter.value.bits !== null;
  const hasSample = session.picks.count.value > 0;
  return (
    <>
      <div class="legend-row legend-columns" aria-hidden="true">
        <span />
        <span />
        <span>all</span>
        {hasFilter && <span>filtered</span>}
        {hasSample && <span>sample</span>}
      </div>
      {categories.length >= SEARCHED && (
        <TextField
          label="Search the legend"
          bare
          class="legend-search"
          placeholder="Search"
          value={wanted}
          onInput={setWanted}
        />
      )}
      <ul class="legend-list">
        {shown.length === 0 && <li class="muted small">Nothing has “{wanted}” in its name.</li>}
        {shown.map(({ category, code }) => (
          <li key={code}>
            <Category name={category.name} code={code} color={palette[code]} />
          </li>
        ))}
      </ul>
    </>
  );
}

/** Shows or hides a class, or shows it alone. */
function useVisibility(code: number) {
  const { colors } = useView().session;
  const muted = colors.muted.value;
  const toggle = () => {
    const next = new Set(muted);
    if (!next.delete(code)) next.add(code);
    colors.mute(next);
  };
  const isolate = () => {
    const others = [...colors.table.peek().categories.keys()].filter((index) => index !== code);
    const alone = others.every((index) => muted.has(index)) && !muted.has(code);
    colors.mute(new Set(alone ? [] : others));
  };
  return { isMuted: muted.has(code), toggle, isolate };
}

function Category({ name, code, color }: { name: string; code: number; color: string }) {
  const { session } = useView();
  const { all, filtered, sample } = session.colors.legend.value;
  const { isMuted, toggle, isolate } = useVisibility(code);
  return (
    <button
      type="button"
      class="legend-row"
      aria-pressed={!isMuted}
      title={`${name}\nClick hides it, double click (or shift) shows it alone`}
      onClick={(event) => {
        // The second click of a double click would undo the first: it isolates instead.
        if (event.detail >= 2 || event.shiftKey) isolate();
        else toggle();
      }}
    >
      <span class="swatch" style={{ background: isMuted ? undefined : color }} />
      <span class="data">{name === "" ? "(empty)" : name}</span>
      <span class="num">{count(all[code])}</span>
      {session.masks.filter.value.bits !== null && <span class="num">{count(filtered[code])}</span>}
      {session.picks.count.value > 0 && <span class="num sample-num">{count(sample[code])}</span>}
    </button>
  );
}
