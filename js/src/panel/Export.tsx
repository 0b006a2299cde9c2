/** The sample as a file. */
import { useEffect, useState } from "preact/hooks";
import type { MessageOf } from "../protocol";
import { TextField } from "./controls/fields";
import { Select } from "./controls/Select";
import { Form } from "./Form";
import { plural } from "./format";
import { suggestTag } from "./names";
import { useView } from "./view";

const TYPING_MS = 200;

/** What the kernel says about a path, soon after it was typed; null until then. */
function usePath(path: string) {
  const { session } = useView();
  const [answer, setAnswer] = useState<{ asked: string; there: MessageOf<"path"> } | null>(null);
  const [tries, setTries] = useState(0);
  useEffect(() => {
    if (path.trim() === "") return;
    let wanted = true;
    const ask = () =>
      session.results.checkPath(path).then(
        (there) => wanted && setAnswer({ asked: path, there }),
        () => undefined, // a toast shows it; writing will say more
      );
    const timer = setTimeout(ask, tries === 0 ? TYPING_MS : 0);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [session, path, tries]);
  return { there: answer?.asked === path ? answer.there : null, again: () => setTries((before) => before + 1) };
}

type Format = "txt" | "csv" | "parquet";

export function Export({ onClose }: { onClose(): void }) {
  const view = useView();
  const { session } = view;
  const n = session.picks.count.value;
  const [format, setFormat] = useState<Format>("txt");
  const [path, setPath] = useState<string | null>(null);
  const [overwrite, setOverwrite] = useState(false);
  const suggested = `${suggestTag(session.traits.strategies.peek(), n, { ...session.info, tags: [] })}.${format}`;
  const target = path ?? suggested;
  const { there, again } = usePath(target);
  const taken =
    there?.exists && !overwrite ? "A file with that name already exists. Replace it, or choose another name." : null;
  const problem = target.trim() === "" ? "A file needs a name." : (there?.problem ?? taken);
  return (
    <Form
      title="Export"
      action={`Write ${plural(n, "sample")}`}
      problem={problem}
      onClose={onClose}
      run={async () => {
        const written = await session.results.export(format, target, overwrite).catch((error) => {
          again(); // somebody else may have written that file meanwhile
          throw error;
        });
        view.say(`Wrote ${plural(written.count, "sample")} to ${written.path}`);
      }}
    >
      <Select
        label="Format"
        value={format}
        options={[
          { value: "txt", label: "file names, one per line (.txt)" },
          { value: "csv", label: "table (.csv)" },
          { value: "parquet", label: "table (.parquet)" },
        ]}
        onChange={(next) => {
          setFormat(next as Format);
          setPath(null);
        }}
      />
      <TextField label="File" value={target} invalid={problem} onInput={setPath} />
      {there && !problem && <p class="muted small data wrap">{there.path}</p>}
      <label class="row small">
        <input type="checkbox" checked={overwrite} onChange={(event) => setOverwrite(event.currentTarget.checked)} />
        Replace the file if it exists
      </label>
    </Form>
  );
}
