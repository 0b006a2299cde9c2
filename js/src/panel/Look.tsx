/** What the sample is like, beside the pool and beside random. Asked for when the sample or the count has settled. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Info, MessageOf } from "../protocol";
import { CoverageChart, HistogramChart, SharesChart } from "./charts";
import { Section } from "./controls/boxes";
import { Select } from "./controls/Select";
import { plural } from "./format";
import { useView } from "./view";

const SETTLE_MS = 250;
type Summary = MessageOf<"metrics">;

/** What shares can be shown of: a source of labels, or metadata that are words. */
const groupings = (info: Info): { source: string | null; metadata: string | null; label: string; group: string }[] => [
  ...info.sources.map(({ name }) => ({ source: name, metadata: null, label: name, group: "Labels" })),
  ...info.metadata
    .filter(({ type }) => type === "string" || type === "boolean")
    .map(({ key }) => ({ source: null, metadata: key, label: key, group: "Metadata" })),
];

/** The summary of the picks shown; null until there is one. While a newer one is on its way the older one stays. */
function useSummary(source: string | null, metadata: string | null, wanted: boolean): Summary | null {
  const { session } = useView();
  const [summary, setSummary] = useState<Summary | null>(null);
  const picks = session.picks.a.value;
  const count = session.picks.count.value;
  const { running } = session.sampling.state.value;
  useEffect(() => {
    if (running || count === 0 || !wanted) return;
    let current = true;
    const ask = () =>
      session.results.metrics(source, metadata).then(
        (found) => current && setSummary(found),
        () => undefined, // a toast shows it
      );
    const timer = setTimeout(ask, SETTLE_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [session, picks, count, running, source, metadata, wanted]);
  return summary;
}

export function Look() {
  const { session } = useView();
  const { info } = session;
  const groups = groupings(info);
  const numbers = info.metadata.filter((entry) => entry.type === "number").map((entry) => entry.key);
  const [grouped, setGrouped] = useState(0);
  const [measured, setMeasured] = useState(0);
  const group = groups[grouped];
  const key = numbers[measured] ?? null;
  // One answer holds the shares of labels and the numbers of one key; shares of metadata need an answer of their own.
  const main = useSummary(group?.source ?? null, key, true);
  const extra = useSummary(null, group?.metadata ?? null, group !== undefined && group.metadata !== null);
  const count = session.picks.count.value;
  if (count === 0) return <Nothing />;
  if (main === null) return <p class="empty muted">Looking at {plural(count, "sample")} …</p>;
  const pool = group?.metadata ? extra?.pool : main.pool;
  return (
    <div class="stack look">
      <Key />
      {main.coverage && (
        <Section title="Coverage">
          <CoverageChart coverage={main.coverage} now={count} />
        </Section>
      )}
      {groups.length > 0 && (
        <Section title="Shares" aside={<Pick label="Shares of" at={grouped} options={groups} onChange={setGrouped} />}>
          {pool ? <SharesChart shares={pool} /> : <p class="muted small">None among these samples.</p>}
        </Section>
      )}
      {numbers.length > 0 && (
        <Section
          title="Values"
          aside={
            <Pick
              label="Values of"
              at={measured}
              options={numbers.map((label) => ({ label }))}
              onChange={setMeasured}
            />
          }
        >
          {main.histogram ? <HistogramChart histogram={main.histogram} /> : <p class="muted small">No values.</p>}
        </Section>
      )}
    </div>
  );
}

function Pick({
  label,
  at,
  options,
  onChange,
}: {
  label: string;
  at: number;
  options: { label: string; group?: string }[];
  onChange(at: number): void;
}): ComponentChildren {
  return (
    <Select
      label={label}
      bare
      value={String(at)}
      options={options.map((option, index) => ({ ...option, value: String(index) }))}
      onChange={(index) => onChange(Number(index))}
    />
  );
}

const Nothing = () => (
  <div class="empty">
    <p>
      Sample something, and this shows what the sample is like: beside all candidates, and beside as many picked at
      random.
    </p>
  </div>
);

const Key = () => (
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
);
