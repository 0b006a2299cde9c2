/** What the labels of this sample are worth: a probe's learning curve beside random, or how coverage grows. */
import { useState } from "preact/hooks";
import type { Info } from "../protocol";
import { CoverageChart } from "./charts";
import { Button } from "./controls/Button";
import { Note, Progress, Section } from "./controls/boxes";
import { Select } from "./controls/Select";
import { plural } from "./format";
import { LearningChart, type Measure } from "./LearningChart";
import { type Measured, useView } from "./view";

/** The kernel's name for this work. */
const MEASURING = "Measuring what labels are worth";
const MEASURES = [
  { value: "accuracy", label: "Accuracy" },
  { value: "balanced", label: "Balanced accuracy" },
];

/** What a probe can learn: classes of samples, or metadata that names them. */
const learnable = (info: Info): (string | null)[] => [
  ...info.sources.filter(({ type }) => type === "classification").map(({ name }) => name),
  ...info.metadata.filter(({ type }) => type === "string" || type === "boolean").map(({ key }) => key),
  null,
];

/** Asks for the worth of the picks shown; one at a time, and it can be cancelled. The view keeps it: tabs come and go. */
function useMeasured() {
  const { session, worth } = useView();
  const { asked, measured, failed } = worth;
  const measure = (labels: string | null) => {
    const [picks, count] = [session.picks.a.peek(), session.picks.count.peek()];
    const { id, reply } = session.results.worth(labels);
    asked.value = id;
    failed.value = null;
    const done = () => {
      if (asked.peek() === id) asked.value = null;
    };
    reply
      .then(
        (found) => {
          measured.value = { found, picks, count };
        },
        (error: Error & { error?: string }) => {
          failed.value = error.error === "Cancelled" ? null : error.message;
        },
      )
      .finally(done);
  };
  const running = asked.value;
  const cancel = () => running !== null && session.results.cancel(running);
  return { running: running !== null, measured: measured.value, failed: failed.value, measure, cancel };
}

export function Worth() {
  const { session, worth } = useView();
  const options = learnable(session.info);
  const chosen = worth.labels.value;
  const labels = chosen !== undefined && options.includes(chosen) ? chosen : options[0];
  const { running, measured, failed, measure, cancel } = useMeasured();
  const count = session.picks.count.value;
  const stale = measured !== null && (measured.picks !== session.picks.a.value || measured.count !== count);
  if (count === 0 && measured === null) {
    return <p class="empty">Sample something, and this measures what its labels are worth beside random ones.</p>;
  }
  return (
    <div class="stack worth">
      <Section title="Worth of labels">
        <p class="muted small">
          A small classifier learns from the first samples of this strategy, and is tested on labeled samples that it
          was never shown.
        </p>
        <Select
          label="Labels"
          value={String(options.indexOf(labels))}
          options={options.map((name, at) => ({ value: String(at), label: name ?? "none: coverage only" }))}
          onChange={(at) => {
            worth.labels.value = options[Number(at)];
          }}
        />
        <div class="row">
          {running && <Measuring />}
          <span class="push" />
          {running ? (
            <Button label="Cancel" onClick={cancel} />
          ) : (
            <Button
              label={measured ? "Measure again" : "Measure"}
              kind="primary"
              disabled={count === 0}
              onClick={() => measure(labels)}
            />
          )}
        </div>
        {failed !== null && (
          <Note icon="warning" tone="error">
            {failed}
          </Note>
        )}
      </Section>
      {measured && <Outcome {...measured} stale={stale} />}
    </div>
  );
}

function Measuring() {
  const job = useView().session.jobs.running.value.get(MEASURING);
  return <Progress fraction={job?.fraction ?? null} label={MEASURING} />;
}

function Outcome({ found, count, stale }: Measured & { stale: boolean }) {
  const [measure, setMeasure] = useState<Measure>("accuracy");
  const { curves, coverage, findings } = found;
  return (
    <div class="stack" data-stale={stale || undefined}>
      {stale && <p class="note">This is about an earlier sample, of {plural(count, "pick")}.</p>}
      {curves && (
        <Section
          title="Learning curve"
          aside={
            <Select
              label="Measured by"
              bare
              value={measure}
              options={MEASURES}
              onChange={(next) => setMeasure(next as Measure)}
            />
          }
        >
          <LearningChart curves={curves} measure={measure} />
        </Section>
      )}
      {coverage && (
        <Section title="Coverage">
          <CoverageChart coverage={coverage} now={found.knee ?? count} />
        </Section>
      )}
      <ul class="stack findings" aria-label="What this shows">
        {findings.map((finding) => (
          <li key={finding}>{finding}</li>
        ))}
      </ul>
    </div>
  );
}
