/** Rows that make a filter, and the same filter as the Python a cell would hold. */
import { useEffect, useState } from "preact/hooks";
import type { FilterDict } from "../protocol";
import { same } from "../session/same";
import { saidByModel } from "./catalog";
import { Button } from "./controls/Button";
import { TextField } from "./controls/fields";
import { Select } from "./controls/Select";
import { type Draft, joined, kindOf, newDraft, subjects, suggestions, testsOf, toFilter } from "./filters";
import { useView, type View } from "./view";

/** Sends what the rows say, once they say something else than what holds. */
function apply(view: View, drafts: Draft[]): void {
  view.drafts.value = drafts;
  view.foreign.value = null;
  const { session } = view;
  const filter = joined(drafts, view.joiner.value, session.info);
  const complete = drafts.every((draft) => toFilter(draft, session.info) !== null);
  if (!complete || same(filter, session.traits.filter.peek())) return;
  view.asked = [...view.asked, filter];
  void session.masks.setFilter(filter).then((worked) => {
    if (!worked) view.asked = view.asked.filter((asked) => asked !== filter);
    if (!worked || session.traits.candidates.peek().from === "tag") return;
    if (filter !== null && session.traits.candidates.peek().from === "all")
      session.set("candidates", { from: "filter" });
    if (filter === null && session.traits.candidates.peek().from === "filter")
      session.set("candidates", { from: "all" });
  });
}

export function FilterRows() {
  const view = useView();
  const { session } = view;
  const filter = session.traits.filter.value;
  useEffect(() => {
    // A filter set in Python, or by another view, replaces the rows here. Our own comes back as it went, perhaps when
    // the rows have been written further.
    const echo = view.asked.findIndex((asked) => same(filter, asked));
    view.asked = view.asked.slice(echo + 1);
    if (echo >= 0) return;
    if (!same(filter, joined(view.drafts.peek(), view.joiner.peek(), session.info))) view.readFilter(filter);
  }, [view, session, filter]);
  const drafts = view.drafts.value;
  const options = subjects(session.info);
  const change = (index: number, draft: Draft | null) =>
    apply(view, draft ? drafts.with(index, draft) : drafts.filter((_, at) => at !== index));
  return (
    <div class="stack filter">
      {drafts.map((draft, index) => (
        <Row key={index} draft={draft} onChange={(next) => change(index, next)} />
      ))}
      {drafts.length > 1 && (
        <Select
          label="Keep samples that match"
          bare
          value={view.joiner.value}
          options={[
            { value: "and", label: "Keep what matches all of these" },
            { value: "or", label: "Keep what matches any of these" },
          ]}
          onChange={(joiner) => {
            view.joiner.value = joiner as "and" | "or";
            apply(view, drafts);
          }}
        />
      )}
      {filter !== null && <FilterCode filter={filter} />}
      <div class="row">
        {view.foreign.value === null && options.length > 0 && (
          <Button
            label={drafts.length === 0 ? "Filter" : "And another"}
            icon={drafts.length === 0 ? "filter" : "plus"}
            kind="quiet"
            mini
            onClick={() => apply(view, [...drafts, newDraft(options[0].value, session.info)])}
          />
        )}
        <DoubtButton drafts={drafts} />
        {filter !== null && <Button label="Clear filter" kind="quiet" mini onClick={() => apply(view, [])} />}
      </div>
    </div>
  );
}

/** One button for the labels that a model contradicts, where one was asked. */
function DoubtButton({ drafts }: { drafts: Draft[] }) {
  const view = useView();
  const key = saidByModel(view.session.info, "doubt");
  const what = `metadata.${key}`;
  if (key === null || view.foreign.value !== null || drafts.some((draft) => draft.what === what)) return null;
  return (
    <Button
      label="Likely label errors"
      kind="quiet"
      mini
      title="Samples whose label a model contradicts"
      onClick={() => apply(view, [...drafts, { what, test: ">", value: "0.5" }])}
    />
  );
}

/** The same filter as the Python that a cell would hold, which the kernel writes. */
function FilterCode({ filter }: { filter: FilterDict }) {
  const { results } = useView().session;
  const [code, setCode] = useState("");
  useEffect(() => {
    let current = true;
    results.code(filter).then(
      (text) => current && setCode(text),
      () => undefined, // the toast said it
    );
    return () => {
      current = false;
    };
  }, [results, filter]);
  return code === "" ? null : (
    <pre class="code" title="The same filter in Python">
      {code}
    </pre>
  );
}

function Row({ draft, onChange }: { draft: Draft; onChange(draft: Draft | null): void }) {
  const { info } = useView().session;
  const kind = kindOf(draft.what, info);
  const tests = testsOf(kind);
  const values = suggestions(draft.what, info);
  const bare = tests.find((test) => test.value === draft.test)?.bare;
  const known = subjects(info);
  const options = known.some(({ value }) => value === draft.what)
    ? known
    : [...known, { value: draft.what, label: draft.what, group: "Sample" }];
  return (
    <div class="filter-row">
      <Select
        label="Filter by"
        bare
        value={draft.what}
        options={options}
        onChange={(what) => onChange(newDraft(what, info))}
      />
      <Select label="Test" bare value={draft.test} options={tests} onChange={(test) => onChange({ ...draft, test })} />
      {bare ? (
        <span />
      ) : values !== null && values.length <= 100 ? (
        <Select
          label="Value"
          bare
          value={draft.value}
          options={(values.includes(draft.value) ? values : [draft.value, ...values]).map((value) => ({
            value,
            label: value === "" ? "choose …" : value,
          }))}
          onChange={(value) => onChange({ ...draft, value })}
        />
      ) : (
        <TextField
          label="Value"
          bare
          value={draft.value}
          list={values?.slice(0, 1000)}
          placeholder={kind === "datetime" ? "2026-01-31" : kind === "number" ? "number" : "text"}
          invalid={kind === "number" && draft.value !== "" && !toFilter(draft, info) ? "not a number" : null}
          onCommit={(value) => onChange({ ...draft, value })}
        />
      )}
      <Button label="Remove this row" icon="close" iconOnly mini kind="quiet" onClick={() => onChange(null)} />
    </div>
  );
}
