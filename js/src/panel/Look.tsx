/** What the sample is like, beside the pool and beside random. Asked for when the sample or the count has settled. */
import { useEffect, useState } from "preact/hooks";
import type { MessageOf } from "../protocol";
import { CoverageChart, HistogramChart, SharesChart } from "./charts";
import { Section, Select } from "./controls";
import { plural } from "./format";
import { useView } from "./view";

const SETTLE_MS = 250;

export function Look() {
  const view = useView();
  const { store } = view;
  const { sources, metadata } = store.info;
  const numbers = metadata.filter((entry) => entry.type === "number");
  const [source, setSource] = useState<string | null>(sources[0]?.name ?? null);
  const [key, setKey] = useState<string | null>(numbers[0]?.key ?? null);
  const [summary, setSummary] = useState<MessageOf<"summary"> | null>(null);
  const picks = store.picksA.value;
  const count = store.count.value;
  const { running } = store.sampling.value;
  useEffect(() => {
    if (running || count === 0) return;
    let wanted = true;
    const ask = () =>
      store.summary(source, key).then(
        (found) => wanted && setSummary(found),
        () => undefined, // the store showed it as a toast
      );
    const timer = setTimeout(ask, SETTLE_MS);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [store, picks, count, running, source, key]);
  if (count === 0) {
    return (
      <div class="empty">
        <p>
          Sample something, and this shows what the sample is like: beside all candidates, and beside the same number
          picked at random.
        </p>
      </div>
    );
  }
  if (summary === null) return <p class="empty muted">Looking at {plural(count, "sample")} …</p>;
  const position = (names: string[], name: string | null) => String(name === null ? -1 : names.indexOf(name));
  return (
    <div class="stack look">
      <Compared />
      <ul class="key-line" aria-hidden="true">
        <li class="key">
          <i class="bar-key sample" /> sample
        </li>
        <li class="key">
          <i class="bar-key pool" /> all candidates
        </li>
        <li class="key">
          <i class="bar-key random" /> random
        </li>
      </ul>
      {summary.coverage && (
        <Section title="Coverage">
          <CoverageChart coverage={summary.coverage} now={count} />
        </Section>
      )}
      {sources.length > 0 && (
        <Section
          title="Class shares"
          aside={
            sources.length > 1 && (
              <Select
                label="Labels of"
                bare
                value={position(
                  sources.map(({ name }) => name),
                  source,
                )}
                options={sources.map(({ name }, index) => ({ value: String(index), label: name }))}
                onChange={(index) => setSource(sources[Number(index)].name)}
              />
            )
          }
        >
          {summary.pool ? (
            <SharesChart shares={summary.pool} />
          ) : (
            <p class="muted small">No labels among these samples.</p>
          )}
        </Section>
      )}
      {numbers.length > 0 && (
        <Section
          title="Metadata"
          aside={
            <Select
              label="Metadata"
              bare
              value={position(
                numbers.map((entry) => entry.key),
                key,
              )}
              options={numbers.map((entry, index) => ({ value: String(index), label: entry.key }))}
              onChange={(index) => setKey(numbers[Number(index)].key)}
            />
          }
        >
          {summary.histogram ? <HistogramChart histogram={summary.histogram} /> : <p class="muted small">No values.</p>}
        </Section>
      )}
    </div>
  );
}

/** Only A, only B, both. */
function Compared() {
  const { store } = useView();
  const b = store.picksB.value.rows;
  if (b.length === 0) return null;
  const a = new Set(store.picksA.value.rows.subarray(0, store.count.value));
  const both = b.reduce((sum, row) => sum + (a.has(row) ? 1 : 0), 0);
  return (
    <Section title="A and B">
      <dl class="compared">
        <div>
          <dt>
            <i class="dot a" /> only A
          </dt>
          <dd>{a.size - both}</dd>
        </div>
        <div>
          <dt>both</dt>
          <dd>{both}</dd>
        </div>
        <div>
          <dt>
            <i class="dot b" /> only B
          </dt>
          <dd>{b.length - both}</dd>
        </div>
      </dl>
    </Section>
  );
}
