/** The foot of the panel: sample, follow it, stop it, keep it. Always in reach, whatever is scrolled above. */
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { FilterDict } from "../protocol";
import { Compared } from "./Compared";
import { Count } from "./Count";
import { Button, Toggle } from "./controls/Button";
import { Note, Progress } from "./controls/boxes";
import { Menu } from "./controls/Menu";
import { count, plural, sampleWords, seconds } from "./format";
import { Dialog } from "./Save";
import { type DialogName, useView } from "./view";

/** Shorter work shows no Cancel: the button would only flicker under the pointer. */
const CANCEL_AFTER_MS = 300;
/** Nobody reads a button faster: a click so soon was meant for the one whose place this one has taken. */
const DEAF_MS = 300;

function SampleOrCancel({ disabled }: { disabled: boolean }) {
  const { session } = useView();
  const { running } = session.sampling.state.value;
  const [slow, setSlow] = useState(false);
  const since = useRef(Number.NEGATIVE_INFINITY);
  useEffect(() => {
    if (!running) {
      setSlow(false);
      return;
    }
    const timer = setTimeout(() => setSlow(true), CANCEL_AFTER_MS);
    return () => clearTimeout(timer);
  }, [running]);
  const cancels = running && slow;
  const cancelled = useRef(false);
  useLayoutEffect(() => {
    // Not after a run that ended by itself: what is clicked then is Sample.
    since.current = cancels || cancelled.current ? performance.now() : Number.NEGATIVE_INFINITY;
    cancelled.current = false;
  }, [cancels]);
  const act = () => {
    if (performance.now() - since.current < DEAF_MS) return;
    cancelled.current = cancels;
    if (cancels) session.sampling.cancel();
    else session.sampling.start();
  };
  // One element for both, so that the keyboard's focus stays on it.
  return (
    <Button
      label={cancels ? "Cancel" : "Sample"}
      kind={cancels ? undefined : "primary"}
      class="wide"
      disabled={!cancels && disabled}
      onClick={act}
    />
  );
}

/** Which form is open; when it closes, the focus goes back to where it was opened. */
function useDialog() {
  const view = useView();
  const dialog = view.dialog.value;
  const foot = useRef<HTMLElement>(null);
  const closed = useRef(false);
  useLayoutEffect(() => {
    if (closed.current) foot.current?.querySelector<HTMLElement>(".keep .btn")?.focus();
    closed.current = false;
  }, [dialog]);
  const close = useCallback(() => {
    closed.current = true;
    view.dialog.value = null;
  }, [view]);
  const open = (name: DialogName) => {
    view.dialog.value = name;
  };
  return { foot, dialog, open, close };
}

export function Foot() {
  const { session } = useView();
  const { foot, dialog, open, close } = useDialog();
  const { running, fraction } = session.sampling.state.value;
  const has = session.picks.count.value > 0;
  return (
    <footer ref={foot} class="foot">
      {(session.hasKernel || has) && <Count />}
      {session.hasKernel && <Start />}
      <Outcome />
      {running && <Progress fraction={fraction > 0 ? fraction : null} label="Sampling" />}
      {dialog !== null && <Dialog name={dialog} onClose={close} />}
      {dialog === null && has && <Compared />}
      {dialog === null && has && <Keep open={open} />}
    </footer>
  );
}

function Start() {
  const { session } = useView();
  const { live } = session.sampling;
  const idle = session.traits.strategies.value.length === 0 || session.connection.gone.value;
  return (
    <div class="row">
      <Toggle
        label="Live"
        checked={live.value}
        title="Sample again by itself after every change"
        onChange={(on) => {
          live.value = on;
        }}
      />
      <span class="push" />
      <SampleOrCancel disabled={idle} />
    </div>
  );
}

/** What can be done with a sample; without a kernel, it can be compared. */
function Keep({ open }: { open(dialog: DialogName): void }) {
  const { session } = useView();
  const comparing = session.picks.b.value.points.length > 0;
  const more = [
    { key: "grow", title: "Grow a tag", hint: "Add these samples to an existing tag" },
    { key: "code", title: "Copy as Python", hint: "The code that repeats this sample" },
    { key: "export", title: "Export", hint: "File names or a table, as a file" },
  ] as const;
  return (
    <div class="row keep">
      {session.hasKernel && <Button label="Save as tag" icon="tag" onClick={() => open("save")} />}
      <Button
        label={comparing ? "Stop comparing" : "Compare"}
        icon={comparing ? undefined : "compare"}
        title={comparing ? "Drop B" : "Keep this sample as B and go on with A"}
        pressed={comparing}
        onClick={() => void session.history.compare(comparing ? "clear" : "keep")}
      />
      <span class="push" />
      {session.hasKernel && (
        <Menu
          label="More"
          icon="more"
          iconOnly
          items={more.map((item) => ({ ...item, onSelect: () => open(item.key) }))}
        />
      )}
    </div>
  );
}

/** Why it stopped and what to do about it, in the kernel's words. */
function Outcome() {
  const { session } = useView();
  const {
    running,
    message,
    stopReason,
    warnings,
    error,
    missing,
    seconds: took,
    cancelled,
  } = session.sampling.state.value;
  const picked = session.picks.a.value.points.length;
  if (running) {
    return (
      <p class="small muted" role="status">
        Choosing … {picked > 0 && `${count(picked)} so far`}
      </p>
    );
  }
  if (missing !== null) return <LeaveOut field={missing.key} lacking={missing.count} />;
  if (error !== null) {
    return (
      <Note icon="warning" tone="error">
        {error}
      </Note>
    );
  }
  if (!stopReason) {
    return picked > 0 ? null : (
      <p class="small muted outcome" role="status">
        {cancelled && message ? message : "Nothing sampled yet."}
      </p>
    );
  }
  const plain = stopReason === "complete" && !cancelled;
  return (
    <div class="stack outcome" role="status">
      {plain ? (
        <p class="small muted">
          {sampleWords(session.picks.count.value, session.picks.before.value)}
          {session.picks.count.value < picked && ` of ${count(picked)}`} · chosen in {seconds(took)}
        </p>
      ) : (
        <Note icon="info">{message}</Note>
      )}
      {warnings.map((warning) => (
        <Note key={warning} icon="warning" tone="warn">
          {warning}
        </Note>
      ))}
    </div>
  );
}

/** Some candidates lack a value that a strategy or a limit reads: a filter leaves them out, where candidates follow it. */
function LeaveOut({ field, lacking }: { field: string; lacking: number }) {
  const { session } = useView();
  const { from } = session.traits.candidates.value;
  const leaveOut = async () => {
    const filled: FilterDict = { op: "not", item: { op: "is_null", field: `metadata.${field}` } };
    const now = session.traits.filter.peek();
    const filter: FilterDict = now === null ? filled : { op: "and", items: [now, filled] };
    if (!(await session.masks.setFilter(filter))) return;
    session.set("candidates", { from: "filter" });
    session.sampling.start();
  };
  return (
    <div class="stack outcome" role="status">
      <Note icon="warning" tone="error">
        {plural(lacking, "candidate")} {lacking === 1 ? "has" : "have"} no value of “{field}”.
      </Note>
      {(from === "all" || from === "filter") && (
        <Button label={`Leave ${count(lacking)} out`} mini onClick={() => void leaveOut()} />
      )}
    </div>
  );
}
