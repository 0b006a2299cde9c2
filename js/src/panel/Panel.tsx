/** The sampling panel: what to choose by, and what came of it; the foot with the count and Sample is always in sight. */
import type { TargetedKeyboardEvent } from "preact";
import { Candidates } from "./Candidates";
import { Button } from "./controls/Button";
import { Foot } from "./Foot";
import { Limits } from "./Limits";
import { Look } from "./Look";
import { Recipe } from "./Recipe";
import { Strategies } from "./Strategies";
import { type Tab, useView } from "./view";
import { Worth } from "./Worth";

const tabs = (hasKernel: boolean): { value: Tab; label: string }[] => [
  { value: "choose", label: hasKernel ? "Choose" : "Recipe" },
  { value: "look", label: "Result" },
  ...(hasKernel ? [{ value: "worth", label: "Worth" } as const] : []),
];

export function Panel() {
  const view = useView();
  const tab = view.tab.value;
  const { hasKernel } = view.session;
  return (
    <aside class="panel" aria-label="Sampling" inert={view.session.connection.gone.value}>
      <header class="row panel-head">
        <Tabs />
        {hasKernel && <Steps />}
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
      <div class="panel-body" id="tab-body" role="tabpanel" aria-labelledby={`tab-${tab}`} tabIndex={0}>
        {tab === "look" && <Look />}
        {tab === "worth" && <Worth />}
        {tab === "choose" && !hasKernel && <Recipe />}
        {tab === "choose" && hasKernel && (
          <>
            <Candidates />
            <Strategies />
            <Limits />
          </>
        )}
      </div>
      <Foot />
    </aside>
  );
}

function Tabs() {
  const view = useView();
  const tab = view.tab.value;
  const all = tabs(view.session.hasKernel);
  const move = (event: TargetedKeyboardEvent<HTMLDivElement>) => {
    if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
    event.preventDefault();
    const at = all.findIndex(({ value }) => value === tab) + (event.key === "ArrowRight" ? 1 : -1);
    const next = all[(at + all.length) % all.length].value;
    view.tab.value = next;
    event.currentTarget.querySelector<HTMLElement>(`#tab-${next}`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label="Sampling" onKeyDown={move}>
      {all.map(({ value, label }) => (
        <button
          key={value}
          type="button"
          role="tab"
          class="tab"
          id={`tab-${value}`}
          aria-selected={tab === value}
          aria-controls="tab-body"
          tabIndex={tab === value ? 0 : -1}
          onClick={() => {
            view.tab.value = value;
          }}
        >
          {label}
        </button>
      ))}
    </div>
  );
}

/** The way back to the sample before, and forth again. */
function Steps() {
  const { history, sampling } = useView().session;
  const { canUndo, canRedo, running } = sampling.state.value;
  const quiet = { iconOnly: true, mini: true, kind: "quiet" } as const;
  return (
    <span class="push row tight">
      <Button {...quiet} label="Undo" icon="undo" disabled={!canUndo || running} onClick={() => void history.undo()} />
      <Button {...quiet} label="Redo" icon="redo" disabled={!canRedo || running} onClick={() => void history.redo()} />
    </span>
  );
}
