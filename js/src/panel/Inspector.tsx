/** A pinned sample: its picture and facts, and its nearest neighbors in the full embedding space. */
import type { Detail } from "../session/samples";
import { allow, pin, remove } from "./by-hand";
import { Button } from "./controls/Button";
import { number } from "./format";
import { Facts, Media, useDetail } from "./HoverCard";
import { Thumb } from "./Thumb";
import { useView } from "./view";

export function Inspector() {
  const view = useView();
  const point = view.inspected.value;
  const detail = useDetail(point);
  if (point === null) return null;
  const near = view.neighbors.value;
  return (
    <section class="card inspector" aria-label="Chosen sample">
      <div class="row tight inspector-head">
        <p class="data grow card-title">{detail?.title ?? "…"}</p>
        <Button label="Close" icon="close" iconOnly mini kind="quiet" onClick={() => void view.inspect(null)} />
      </div>
      <div class="inspector-scroll">
        {detail && <Picture point={point} detail={detail} />}
        <div class="card-body">{detail && <Facts detail={detail} most={12} />}</div>
        {view.session.info.embedding_models.length > 0 && (
          <div class="card-body">
            <h3>Nearest in the embedding</h3>
            {near === null ? (
              <p class="muted small">Looking …</p>
            ) : (
              <ul
                class={`neighbor-strip ${view.session.info.media === "text" ? "texts" : ""}`}
                aria-label="Nearest neighbors, nearest first"
              >
                {[...near.points].map((other, index) => (
                  <li key={other}>
                    <Thumb
                      point={other}
                      size={96}
                      note={`distance ${number(near.distances[index])}`}
                      onClick={() => void view.inspect(other, true)}
                    />
                  </li>
                ))}
              </ul>
            )}
          </div>
        )}
        {view.session.hasKernel && (
          <div class="card-body">
            <Actions point={point} title={detail?.title ?? ""} />
          </div>
        )}
      </div>
    </section>
  );
}

/** What the sample looks like; a picture opens large. */
function Picture({ point, detail }: { point: number; detail: Detail }) {
  const view = useView();
  const media = <Media detail={detail} />;
  if (!detail.thumbnail) return media;
  const label = "Show it large";
  return (
    <button type="button" class="card-open" aria-label={label} title={label} onClick={() => view.enlarge(point)}>
      {media}
    </button>
  );
}

function Actions({ point, title }: { point: number; title: string }) {
  const view = useView();
  const { session } = view;
  const pinned = session.picks.pinned.value.includes(point);
  const removed = session.picks.excluded.value.includes(point);
  const canFind = session.info.embedding_models.length > 0;
  return (
    <div class="actions">
      {canFind && (
        <>
          <Button label="More like this" mini onClick={() => view.find({ point: point, sign: 1 }, `like ${title}`)} />
          <Button
            label="Less like this"
            mini
            onClick={() => view.find({ point: point, sign: -1 }, `unlike ${title}`)}
          />
        </>
      )}
      <Button
        label={pinned ? "Unpin" : "Always pick"}
        mini
        pressed={pinned}
        onClick={() => {
          allow(session, point);
          pin(session, point);
        }}
      />
      <Button
        label={removed ? "Allow again" : "Never pick"}
        mini
        pressed={removed}
        onClick={() => (removed ? allow(session, point) : remove(session, point))}
      />
    </div>
  );
}
