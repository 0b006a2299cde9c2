/** What is selected, and what can be done with it. */
import { MAX_POINTS_BY_HAND } from "../generated/messages";
import { copy } from "./clipboard";
import { Button } from "./controls/Button";
import { Menu, type MenuItem } from "./controls/Menu";
import { count, plural } from "./format";
import { useView, type View } from "./view";

/** As many fit into the trait that holds the filter. */
const MOST_IN_FILTER = 1_000;

async function copyIds(view: View): Promise<void> {
  const { ids, count: all } = await view.session.masks.selectedIds();
  const some = ids.length < all ? `the first ${count(ids.length)} of ${count(all)} IDs` : plural(all, "ID");
  view.say((await copy(ids.join("\n"))) ? `Copied ${some}` : "The browser did not let this page copy");
}

async function filterTo(view: View): Promise<void> {
  const { ids } = await view.session.masks.selectedIds();
  if (!(await view.session.masks.setFilter({ op: "is_in", field: "sample_id", values: ids }))) return;
  if (view.session.traits.candidates.peek().from === "all") view.session.set("candidates", { from: "filter" });
}

function exclude({ session }: View): void {
  const points = session.masks.selected();
  const out = new Set([...session.picks.excluded.peek(), ...points]);
  session.picks.setPinned(session.picks.pinned.peek().filter((point) => !out.has(point)));
  session.picks.setExcluded([...out]);
}

function actions(view: View): MenuItem[] {
  const { session } = view;
  const n = session.masks.selection.value.count;
  const quietly = (work: Promise<unknown>) => void work.catch(() => undefined); // a toast shows it
  return [
    {
      key: "zoom",
      title: "Zoom to these",
      onSelect: () => view.scatter?.viewport.showPoints(session.masks.selected()),
    },
    { key: "invert", title: "Invert", hint: "Select all others", onSelect: () => void session.masks.invertSelection() },
    {
      key: "filter",
      title: "Filter to these",
      hint: n > MOST_IN_FILTER ? `Up to ${count(MOST_IN_FILTER)}: tag them and filter by the tag` : undefined,
      disabled: n > MOST_IN_FILTER,
      onSelect: () => quietly(filterTo(view)),
    },
    {
      key: "exclude",
      title: "Exclude",
      hint: n > MAX_POINTS_BY_HAND ? `Up to ${count(MAX_POINTS_BY_HAND)}` : "They are never picked",
      disabled: n > MAX_POINTS_BY_HAND,
      onSelect: () => exclude(view),
    },
    { key: "copy", title: "Copy IDs", onSelect: () => quietly(copyIds(view)) },
  ];
}

export function Selected() {
  const view = useView();
  const { session } = view;
  return (
    <span class="key selected-actions">
      <i class="dot selected" />
      {count(session.masks.selection.value.count)} selected
      {session.hasKernel && (
        <>
          <Button
            label="Tag these"
            kind="link"
            mini
            onClick={() => {
              view.dialog.value = "tag";
            }}
          />
          <Button
            label="Sample these"
            kind="link"
            mini
            onClick={() => session.set("candidates", { from: "selection" })}
          />
          <Menu label="More for the selection" icon="more" iconOnly mini kind="quiet" items={actions(view)} />
        </>
      )}
      <Button label="Clear" kind="link" mini onClick={() => void session.masks.clearSelection()} />
    </span>
  );
}
