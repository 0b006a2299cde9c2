/** One line under the plot: how many of what, and what the kernel is busy with. */
import { Button } from "./controls/Button";
import { Progress } from "./controls/boxes";
import { count, plural } from "./format";
import { Projection } from "./Projection";
import { useView } from "./view";

/** The kernel's name for the work on positions. */
const LAYING_OUT = "Laying out the points";

export function StatusBar() {
  const view = useView();
  const { store } = view;
  const selected = store.selectionMask.value.count;
  const filter = store.filterMask.value;
  const shown = filter.bits === null ? store.nSamples : filter.count;
  const sampled = store.count.value;
  const compared = store.picksB.value.rows.length;
  return (
    <div class="status-bar">
      <span>
        {filter.bits === null
          ? plural(store.nSamples, "sample")
          : `${count(shown)} of ${plural(store.nSamples, "sample")}`}
      </span>
      {sampled > 0 && (
        <span class="key">
          <i class="dot a" />
          {count(sampled)} {compared > 0 ? "in A" : "sampled"}
        </span>
      )}
      {compared > 0 && (
        <span class="key">
          <i class="dot b" />
          {count(compared)} in B
        </span>
      )}
      {selected > 0 && (
        <span class="key">
          <i class="dot selected" />
          {count(selected)} selected
          <Button
            label="Sample these"
            kind="link"
            mini
            onClick={() => store.set("candidates", { from: "selection" })}
          />
          <Button label="Clear" kind="link" mini onClick={() => void store.clearSelection()} />
        </span>
      )}
      <span class="push status-end">
        {[...store.progress.value].map(([task, { text, fraction }]) => (
          <span key={task} class="task">
            <span class="data">{text}</span>
            <Progress fraction={fraction} label={text} />
            {task === LAYING_OUT && store.points.value !== null && (
              <Button
                label="Stop"
                icon="close"
                iconOnly
                mini
                kind="quiet"
                title="Keep the projection shown"
                onClick={() => void store.keepProjection()}
              />
            )}
          </span>
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
