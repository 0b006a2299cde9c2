/** The plot and all that lies over it. */
import { useEffect, useRef } from "preact/hooks";
import { bind } from "./bind";
import { Button } from "./controls/Button";
import { Progress } from "./controls/boxes";
import { plural } from "./format";
import { HoverCard } from "./HoverCard";
import { Inspector } from "./Inspector";
import { Legend } from "./Legend";
import { LAYING_OUT } from "./StatusBar";
import { useView } from "./view";

export function Plot() {
  const view = useView();
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => (host.current ? bind(view, host.current) : undefined), [view]);
  return (
    <div class="plot">
      <div ref={host} class="plot-host" />
      <Empty />
      <Outside />
      <Legend />
      <HoverCard />
      <Inspector />
    </div>
  );
}

function Empty() {
  const { session } = useView();
  const words = session.statusText.value;
  if (words) {
    if (session.points.positions.value !== null) return null; // the banner says it
    return (
      <div class="plot-words" role="status">
        {session.connection.status.value === "connecting" && <span class="spinner" aria-hidden="true" />}
        <p>{words}</p>
      </div>
    );
  }
  if (session.points.positions.value !== null && session.nSamples > 0) return null;
  if (session.nSamples > 0 && session.info.embedding_models.length > 0) return <LayingOut />;
  return (
    <div class="plot-words" role="status">
      <p>
        {session.nSamples === 0
          ? "This dataset holds no samples yet. Add some with dataset.add_images_from_path(…), then run the cell again."
          : "No positions to draw yet: the dataset has no embeddings. Compute them with dataset.embed()."}
      </p>
    </div>
  );
}

/** The first positions are being computed. */
function LayingOut() {
  const { session } = useView();
  const job = session.jobs.running.value.get(LAYING_OUT);
  return (
    <div class="plot-words" role="status">
      <span class="spinner" aria-hidden="true" />
      <div class="stack">
        <p class="data">
          {job?.text || "Laying out the points"}: {plural(session.nSamples, "sample")} …
        </p>
        {job && <Progress fraction={job.fraction} label="Laying out the points" />}
      </div>
    </div>
  );
}

/** Points far out, which the opening view leaves out. */
function Outside() {
  const view = useView();
  const outside = view.outside.value;
  if (outside === 0 || view.session.traits.viewport.value !== null) return null;
  return (
    <div class="outside">
      <Button
        label={`${plural(outside, "point")} farther out`}
        mini
        title="Show all points, those far out too"
        onClick={() => view.scatter?.viewport.showAll()}
      />
    </div>
  );
}
