/** The chosen samples in pick order (or what was found), along the plot's foot; only those in sight exist. */
import { Button } from "./controls/Button";
import { count, plural, sampleWords } from "./format";
import { Strip } from "./Strip";
import { useView } from "./view";

export function Gallery() {
  const view = useView();
  const { session } = view;
  const found = view.found.value;
  const shown = found ? [...found.points] : view.chosen.value;
  const [picks, before] = [session.picks.count.value, session.picks.before.value];
  if (shown.length === 0 && !found && session.picks.excluded.value.length === 0) return null;
  const open = view.drawer.value;
  const title = found ? `Found: ${found.what}` : "Chosen samples";
  return (
    <section class="gallery" aria-label={title}>
      <div class="row gallery-head">
        <Button
          label={open ? "Fold the gallery" : "Unfold the gallery"}
          icon={open ? "down" : "right"}
          iconOnly
          mini
          kind="quiet"
          onClick={() => {
            view.drawer.value = !open;
          }}
        />
        <h3 class="data">{title}</h3>
        <span class="muted small nowrap">
          {found
            ? count(shown.length)
            : `${before.points.length > 0 ? sampleWords(picks, before) : count(picks)}, in pick order`}
        </span>
        <span class="push row tight">{found ? <FoundActions points={shown} /> : <ByHand />}</span>
      </div>
      {open && shown.length > 0 && <Strip points={shown} ranked={!found} before={found ? 0 : before.points.length} />}
      {open && shown.length === 0 && <p class="muted small gallery-empty">Nothing was found.</p>}
    </section>
  );
}

function FoundActions({ points }: { points: readonly number[] }) {
  const view = useView();
  return (
    <>
      <Button
        label="Select these"
        mini
        kind="quiet"
        onClick={() => void view.session.masks.selectPoints([...points])}
      />
      <Button
        label="Close"
        mini
        kind="quiet"
        onClick={() => {
          view.found.value = null;
        }}
      />
    </>
  );
}

/** What was pinned and removed by hand, and the way back. */
function ByHand() {
  const { session } = useView();
  const pinned = session.picks.pinned.value.length;
  const removed = session.picks.excluded.value.length;
  return (
    <>
      {pinned > 0 && (
        <Button label={`Unpin ${count(pinned)}`} mini kind="quiet" onClick={() => session.picks.setPinned([])} />
      )}
      {removed > 0 && (
        <Button
          label={`Allow ${plural(removed, "removed one")} again`}
          mini
          kind="quiet"
          onClick={() => session.picks.setExcluded([])}
        />
      )}
    </>
  );
}
