/** Keeping a sample or the selection: as a new tag, in an existing tag, as code, as a file. One form at a time. */
import { useState } from "preact/hooks";
import { CopyCode } from "./CopyCode";
import { Button } from "./controls/Button";
import { TextField } from "./controls/fields";
import { Select } from "./controls/Select";
import { Export } from "./Export";
import { Form } from "./Form";
import { plural } from "./format";
import { countOf, freeName, suggestTag, tagProblem } from "./names";
import { type DialogName, useView } from "./view";

export function Dialog({ name, onClose }: { name: DialogName; onClose(): void }) {
  const Shown = { save: SaveTag, grow: GrowTag, tag: TagSelection, code: CopyCode, export: Export }[name];
  return <Shown onClose={onClose} />;
}

interface Props {
  onClose(): void;
}

function SaveTag({ onClose }: Props) {
  const view = useView();
  const { session } = view;
  const { info } = session;
  const n = session.picks.count.value;
  const [name, setName] = useState(() => suggestTag(session.traits.strategies.peek(), n, info));
  const problem = tagProblem(name);
  const taken = countOf(name, info);
  const save = async (as: string, how: "new" | "grow" | "replace") => {
    const saved = await session.results.saveTag(as, how);
    view.say(`${saved.tag} holds ${plural(saved.count, "sample")} now`);
  };
  const instead = (as: string, how: "new" | "grow" | "replace") => void save(as, how).then(onClose, () => undefined);
  const free = freeName(name, info);
  return (
    <Form
      title="Save as tag"
      action={`Save ${plural(view.chosen.value.length, "sample")}`}
      problem={taken === null ? problem : "taken"}
      onClose={onClose}
      run={() => save(name, "new")}
    >
      <TextField label="Tag name" value={name} invalid={problem} onInput={setName} />
      {taken !== null && (
        <>
          <p class="note warn">A tag of this name already exists, with {plural(taken, "sample")}.</p>
          <div class="row tight wrap">
            <Button
              label="Replace"
              mini
              title="The tag holds this sample alone"
              onClick={() => instead(name, "replace")}
            />
            <Button label="Grow" mini title="The tag keeps its samples" onClick={() => instead(name, "grow")} />
            <Button label={`Save as ${free}`} mini onClick={() => instead(free, "new")} />
          </div>
        </>
      )}
    </Form>
  );
}

/** Adds a tag, new or not, to what is selected. */
function TagSelection({ onClose }: Props) {
  const view = useView();
  const { session } = view;
  const n = session.masks.selection.value.count;
  const [name, setName] = useState(() => freeName("selection", session.info));
  const problem = n === 0 ? "Nothing is selected." : tagProblem(name);
  const taken = countOf(name, session.info);
  return (
    <Form
      title="Tag the selection"
      action={`Tag ${plural(n, "sample")}`}
      problem={problem}
      onClose={onClose}
      run={async () => {
        const saved = await session.masks.tagSelection(name);
        view.say(`Tagged ${plural(saved.count, "sample")} as ${saved.tag}`);
      }}
    >
      <TextField
        label="Tag name"
        value={name}
        invalid={problem}
        list={session.info.tags.slice(0, 1000).map((tag) => tag.name)}
        onInput={setName}
      />
      {taken !== null && <p class="muted small">The tag has {plural(taken, "sample")}; these are added to it.</p>}
    </Form>
  );
}

function GrowTag({ onClose }: Props) {
  const view = useView();
  const { session } = view;
  const { tags } = session.info;
  const preselected = tags.findIndex((tag) => tag.name === session.traits.preselected_tag_name.value);
  const [index, setIndex] = useState(Math.max(0, preselected));
  const tag = tags[index];
  return (
    <Form
      title="Grow a tag"
      action={`Add ${plural(session.picks.count.value, "sample")}`}
      problem={tag ? null : "none"}
      onClose={onClose}
      run={async () => {
        const saved = await session.results.saveTag(tag.name, "grow");
        view.say(`${saved.tag} holds ${plural(saved.count, "sample")} now`);
      }}
    >
      {tag ? (
        <Select
          label="Tag to grow"
          value={String(index)}
          options={tags.map(({ name, count }, at) => ({ value: String(at), label: `${name} (${count})` }))}
          onChange={(next) => setIndex(Number(next))}
        />
      ) : (
        <p class="note">There is no tag to grow yet: save one first.</p>
      )}
    </Form>
  );
}
