/** Keeping a sample: as a new tag, in an existing tag, as code, as a file. One small form at a time, in the panel's foot. */
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Info, MessageOf, StrategyDict } from "../protocol";
import { Button } from "./controls/Button";
import { TextField } from "./controls/fields";
import { Select } from "./controls/Select";
import { plural } from "./format";
import { useView } from "./view";

export type DialogName = "save" | "grow" | "code" | "export";

export function Dialog({ name, onClose }: { name: DialogName; onClose(): void }) {
  const Form = { save: SaveTag, grow: GrowTag, code: CopyCode, export: Export }[name];
  return <Form onClose={onClose} />;
}

interface FormProps {
  title: string;
  action: string;
  problem?: string | null;
  run(): Promise<void>;
  onClose(): void;
  children: ComponentChildren;
}

function Form({ title, action, problem, run, onClose, children }: FormProps) {
  const form = useRef<HTMLFormElement>(null);
  const [busy, setBusy] = useState(false);
  useLayoutEffect(() => form.current?.querySelector<HTMLElement>("input, select, button")?.focus(), []);
  return (
    <form
      ref={form}
      class="stack dialog"
      aria-label={title}
      onSubmit={(event) => {
        event.preventDefault();
        if (problem || busy) return;
        setBusy(true);
        // What went wrong is shown as a toast; the form stays open to try again.
        run().then(onClose, () => setBusy(false));
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") onClose();
      }}
    >
      {children}
      <div class="row">
        <span class="push" />
        <Button label="Close" kind="quiet" onClick={onClose} />
        <button type="submit" class="btn primary" disabled={busy || Boolean(problem)}>
          {action}
        </button>
      </div>
    </form>
  );
}

/** diverse-100, and with a number behind it when that is taken. */
export function suggestTag(strategies: StrategyDict[], n: number, info: Info): string {
  const short: Record<string, string> = {
    diversity: "diverse",
    deduplication: "deduplicated",
    typicality: "typical",
    similarity: "similar",
    weights: "weighted",
    annotation_balancing: "balanced",
    metadata_balancing: "balanced",
    subpart_diversity: "diverse-objects",
  };
  const names = [...new Set(strategies.map(({ type }) => short[type] ?? type))].slice(0, 2);
  const base = [...names, n].join("-");
  const taken = new Set(info.tags.map((tag) => tag.name));
  if (!taken.has(base)) return base;
  for (let number = 2; ; number++) {
    if (!taken.has(`${base}-${number}`)) return `${base}-${number}`;
  }
}

export function tagProblem(name: string, info: Info): string | null {
  if (name.trim() === "") return "A tag needs a name.";
  if ([...name].length > 255) return "A tag's name has at most 255 characters.";
  const tag = info.tags.find((other) => other.name === name);
  return tag ? `This tag already exists, with ${plural(tag.count, "sample")}. Choose another name, or grow it.` : null;
}

function SaveTag({ onClose }: { onClose(): void }) {
  const view = useView();
  const { session } = view;
  const n = session.picks.count.value;
  const [name, setName] = useState(() => suggestTag(session.traits.strategies.peek(), n, session.info));
  const problem = tagProblem(name, session.info);
  return (
    <Form
      title="Save as tag"
      action={`Save ${plural(view.chosen.value.length, "sample")}`}
      problem={problem}
      onClose={onClose}
      run={async () => {
        const saved = await session.results.saveTag(name);
        view.say(`Saved ${plural(saved.count, "sample")} as ${saved.tag}`);
      }}
    >
      <TextField label="Tag name" value={name} invalid={problem} onInput={setName} />
    </Form>
  );
}

function GrowTag({ onClose }: { onClose(): void }) {
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
        const saved = await session.results.saveTag(tag.name, true);
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

function CopyCode({ onClose }: { onClose(): void }) {
  const view = useView();
  const { session } = view;
  const [code, setCode] = useState<string | null>(null);
  const box = useRef<HTMLPreElement>(null);
  useEffect(() => {
    const tag = suggestTag(session.traits.strategies.peek(), session.picks.count.peek(), session.info);
    session.results.recipe(tag).then(setCode, onClose);
  }, [session, onClose]);
  return (
    <Form
      title="Copy as Python"
      action="Copy"
      problem={code === null ? "not there yet" : null}
      onClose={onClose}
      run={async () => {
        if (await copy(code ?? "")) return view.say("Copied");
        if (box.current) getSelection()?.selectAllChildren(box.current);
        view.say("The browser did not let this page copy. The code is selected: copy it with the keyboard");
        throw new Error("not copied");
      }}
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
      <section class="code-box" aria-label="Python code" tabIndex={0}>
        <pre ref={box} class="code">
          {code ?? "…"}
        </pre>
      </section>
    </Form>
  );
}

/** False where the host forbids the clipboard. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

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

function Export({ onClose }: { onClose(): void }) {
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
