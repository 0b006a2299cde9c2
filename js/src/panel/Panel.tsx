/** The sampling panel: what to choose by, and what came of it; the foot with the count and Sample is always in sight. */
import type { TargetedKeyboardEvent } from "preact";
import { Actions } from "./Actions";
import { Candidates } from "./Candidates";
import { Button } from "./controls/Button";
import { Look } from "./Look";
import { Strategies } from "./Strategies";
import { useView } from "./view";

const TABS = [
  { value: "choose", label: "Choose" },
  { value: "look", label: "Result" },
] as const;

export function Panel() {
  const view = useView();
  const { store } = view;
  const tab = view.tab.value;
  const { canUndo, canRedo, running } = store.sampling.value;
  const move = (event: TargetedKeyboardEvent<HTMLDivElement>) => {
    if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
    event.preventDefault();
    view.tab.value = tab === "choose" ? "look" : "choose";
    event.currentTarget.querySelector<HTMLElement>("[aria-selected=false]")?.focus();
  };
  return (
    <aside class="panel" aria-label="Sampling" inert={store.gone.value}>
      <header class="row panel-head">
        <div class="tabs" role="tablist" aria-label="Sampling" onKeyDown={move}>
          {TABS.map(({ value, label }) => (
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
        <span class="push row tight">
          <Button
            label="Undo"
            icon="undo"
            iconOnly
            mini
            kind="quiet"
            disabled={!canUndo || running}
            onClick={() => void store.undo()}
          />
          <Button
            label="Redo"
            icon="redo"
            iconOnly
            mini
            kind="quiet"
            disabled={!canRedo || running}
            onClick={() => void store.redo()}
          />
        </span>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
      <div class="panel-body" id="tab-body" role="tabpanel" aria-labelledby={`tab-${tab}`} tabIndex={0}>
        {tab === "choose" ? (
          <>
            <Candidates />
            <Strategies />
          </>
        ) : (
          <Look />
        )}
      </div>
      <Actions />
    </aside>
  );
}
