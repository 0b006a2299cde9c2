/** One line under the plot: how many of what, and what the kernel is busy with. */
import type { Job } from "../session/jobs";
import { Button } from "./controls/Button";
import { Progress } from "./controls/boxes";
import { count, plural, sampleWords } from "./format";
import { Projection } from "./Projection";
import { Selected } from "./Selection";
import { useView } from "./view";

/** The kernel's name for the work on positions. */
export const LAYING_OUT = "Laying out the points";

export function StatusBar() {
  const view = useView();
  const { session } = view;
  const filter = session.masks.filter.value;
  const all = plural(session.nSamples, "sample");
  const sampled = session.picks.count.value;
  const before = session.picks.before.value;
  const compared = session.picks.b.value.points.length;
  return (
    <div class="status-bar">
      <span>{filter.bits === null ? all : `${count(filter.count)} of ${all}`}</span>
      {sampled > 0 && (
        <span class="key">
          <i class="dot a" />
          {before.points.length > 0 ? sampleWords(sampled, before) : count(sampled)} {compared > 0 ? "in A" : "sampled"}
        </span>
      )}
      {compared > 0 && (
        <span class="key">
          <i class="dot b" />
          {count(compared)} in B
        </span>
      )}
      {session.masks.selection.value.count > 0 && <Selected />}
      <span class="push status-end">
        {[...session.jobs.running.value].map(([task, job]) => (
          <Task key={task} task={task} job={job} />
        ))}
        {view.rendererNote.value && <span class="data muted">{view.rendererNote.value}</span>}
        <Projection />
      </span>
      <span class="hidden-text" role="status" aria-live="polite">
        {view.said.value}
      </span>
    </div>
  );
}

function Task({ task, job: { text, fraction } }: { task: string; job: Job }) {
  const { points } = useView().session;
  return (
    <span class="task">
      <span class="data">{text}</span>
      <Progress fraction={fraction} label={text} />
      {task === LAYING_OUT && points.positions.value !== null && (
        <Button
          label="Stop"
          icon="close"
          iconOnly
          mini
          kind="quiet"
          title="Keep the projection shown"
          onClick={() => void points.keep()}
        />
      )}
    </span>
  );
}
