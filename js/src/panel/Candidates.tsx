/** From how many samples, and which: all, the filter, the lasso, a tag. And what is chosen already. */
import { Select } from "./controls/Select";
import { FilterRows } from "./FilterRows";
import { count } from "./format";
import { useView, type View } from "./view";

/** How many samples can be picked from now. */
export function candidateCount({ session }: View): number {
  const candidates = session.traits.candidates.value;
  const filter = session.masks.filter.value;
  if (candidates.from === "filter") return filter.bits === null ? session.nSamples : filter.count;
  if (candidates.from === "selection") return session.masks.selection.value.count;
  if (candidates.from === "tag") return session.info.tags.find((tag) => tag.name === candidates.tag)?.count ?? 0;
  return session.nSamples;
}

const TAG = "tag:";

export function Candidates() {
  const view = useView();
  const { session } = view;
  const { info } = session;
  const candidates = session.traits.candidates.value;
  const filter = session.masks.filter.value;
  const filtered = filter.bits === null ? session.nSamples : filter.count;
  const selected = session.masks.selection.value.count;
  const value = candidates.from === "tag" ? TAG + candidates.tag : candidates.from;
  const preselected = session.traits.preselected_tag_name.value;
  return (
    <section class="section" aria-label="Candidates">
      <div class="row from">
        <h3>
          From <strong class="from-count">{count(candidateCount(view))}</strong> samples
        </h3>
      </div>
      <Select
        label="Sample from"
        value={value}
        options={[
          { value: "all", label: `All samples (${count(session.nSamples)})` },
          { value: "filter", label: `The filter (${count(filtered)})` },
          { value: "selection", label: `The selection (${count(selected)})` },
          ...info.tags.map((tag) => ({
            value: TAG + tag.name,
            label: `${tag.name} (${count(tag.count)})`,
            group: "A tag",
          })),
        ]}
        onChange={(next) => {
          if (next.startsWith(TAG)) session.set("candidates", { from: "tag", tag: next.slice(TAG.length) });
          else session.set("candidates", { from: next as "all" | "filter" | "selection" });
        }}
      />
      {candidates.from === "selection" && selected === 0 && (
        <p class="note">Nothing is selected: draw a lasso or a rectangle in the plot.</p>
      )}
      {info.tags.length > 0 && (
        <Select
          label="Start with"
          title="These samples count as picked: new ones are chosen beside them"
          value={preselected === null ? "" : TAG + preselected}
          options={[
            { value: "", label: "nothing" },
            ...info.tags.map((tag) => ({ value: TAG + tag.name, label: `${tag.name} (${count(tag.count)})` })),
          ]}
          onChange={(next) => session.set("preselected_tag_name", next === "" ? null : next.slice(TAG.length))}
        />
      )}
      <FilterRows />
    </section>
  );
}
