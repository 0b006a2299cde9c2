/** The classes at hand: a click or a key (1–9) labels what is selected, or the sample whose card is open. */
import { useState } from "preact/hooks";
import { Button } from "./controls/Button";
import { TextField } from "./controls/fields";
import { plural } from "./format";
import { useDetail } from "./HoverCard";
import { useView, type View } from "./view";

/** The classes in the source of one's own, then those that were only named so far. */
function classesOf(view: View): string[] {
  const { session } = view;
  const source = session.labels.source.value;
  const known = session.info.sources.find(({ name }) => name === source)?.classes ?? [];
  return [...new Set([...view.classNames.value, ...known])];
}

/** What a label goes to now: points, null for the selection, undefined for nothing. */
function target(view: View): number[] | null | undefined {
  if (view.session.masks.selection.value.count > 0) return null;
  const point = view.inspected.value;
  return point === null ? undefined : [point];
}

/** Labels with the class of that number, counted from 1; 0 takes the label away. False: there is nothing to label. */
export function labelByKey(view: View, key: string, point?: number): boolean {
  if (!view.labeling.peek() || !/^[0-9]$/.test(key)) return false;
  const points = point === undefined ? target(view) : [point];
  const name = key === "0" ? null : classesOf(view)[Number(key) - 1];
  if (points === undefined || name === undefined) return false;
  void view.session.labels.give(name, points);
  return true;
}

export function LabelBar() {
  const view = useView();
  const { labels } = view.session;
  const [draft, setDraft] = useState("");
  if (!view.labeling.value) return null;
  const points = target(view);
  const classes = classesOf(view);
  const give = (name: string | null) => points !== undefined && void labels.give(name, points);
  const add = (name: string) => {
    setDraft("");
    if (name.trim() === "") return;
    view.classNames.value = [...new Set([...classes, name.trim()])];
    give(name.trim());
  };
  const what =
    points === undefined
      ? "Select samples, or open one, to label"
      : points === null
        ? `Label ${plural(view.session.masks.selection.value.count, "selected sample")}`
        : "Label this sample";
  return (
    <section class="row label-bar" aria-label="Labels">
      <span class="small nowrap">{what}</span>
      {classes.slice(0, 9).map((name, index) => (
        <Button
          key={name}
          label={`${index + 1} ${name}`}
          mini
          disabled={points === undefined}
          onClick={() => give(name)}
        />
      ))}
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          add(draft);
        }}
      >
        <TextField
          label="A class"
          bare
          class="label-name"
          value={draft}
          placeholder="a class …"
          list={classes}
          onInput={setDraft}
        />
      </form>
      {points?.length === 1 && <Guess point={points[0]} onAccept={give} />}
      <Button label="No label" mini kind="quiet" disabled={points === undefined} onClick={() => give(null)} />
      <Written />
    </section>
  );
}

/** What was just labeled, the way back, and where labels go. */
function Written() {
  const { labels } = useView().session;
  return (
    <>
      <span class="push muted small data">{labels.last.value}</span>
      <Button
        label="Undo the label"
        icon="undo"
        iconOnly
        mini
        kind="quiet"
        disabled={!labels.canUndo.value}
        onClick={() => void labels.undo()}
      />
      <TextField
        label="Source of these labels"
        bare
        class="label-source"
        value={labels.source.value}
        onCommit={(name) => {
          if (name.trim() !== "") labels.source.value = name.trim();
        }}
      />
    </>
  );
}

const GUESS = /_class$/;

/** What the newest probe, or a model whose predictions were added, takes the sample for; a click says yes. */
function Guess({ point, onAccept }: { point: number; onAccept(name: string): void }) {
  const guess = useDetail(point)?.fields.findLast(([name]) => GUESS.test(name))?.[1] ?? null;
  return guess === null ? null : <Button label={`Guess: ${guess}`} mini kind="quiet" onClick={() => onAccept(guess)} />;
}
