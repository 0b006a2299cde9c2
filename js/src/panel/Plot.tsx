/** The plot and all that lies over it. */
import { useEffect, useRef } from "preact/hooks";
import { bind } from "./bind";
import { HoverCard } from "./HoverCard";
import { Inspector } from "./Inspector";
import { Legend } from "./Legend";
import { useView } from "./view";

export function Plot() {
  const view = useView();
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => (host.current ? bind(view, host.current) : undefined), [view]);
  return (
    <div class="plot">
      <div ref={host} class="plot-host" />
      <Empty />
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
