/** The strategies in use, as cards, and the list of those that can be added. */
import type { StrategyDict } from "../protocol";
import { newStrategy, STRATEGIES, saidByModel } from "./catalog";
import { Button } from "./controls/Button";
import { Section } from "./controls/boxes";
import { Menu } from "./controls/Menu";
import { StrategyCard } from "./StrategyCard";
import { useView } from "./view";

/** Changes to the list; which cards are folded moves along with it. */
function useStrategies() {
  const view = useView();
  const { session } = view;
  const strategies = session.traits.strategies.value;
  const set = (next: StrategyDict[]) => session.set("strategies", next);
  return {
    strategies,
    change: (index: number, next: StrategyDict) => set(strategies.with(index, next)),
    fold: (index: number, folded: boolean) => {
      const next = new Set(view.collapsed.value);
      if (folded) next.add(index);
      else next.delete(index);
      view.collapsed.value = next;
    },
    replace: (strategy: StrategyDict) => {
      view.collapsed.value = new Set();
      set([strategy]);
    },
    insert: (index: number, strategy: StrategyDict) => {
      view.collapsed.value = new Set([...view.collapsed.value].map((at) => (at >= index ? at + 1 : at)));
      set(strategies.toSpliced(index, 0, strategy));
    },
    remove: (index: number) => {
      const others = [...view.collapsed.value].filter((at) => at !== index);
      view.collapsed.value = new Set(others.map((at) => (at > index ? at - 1 : at)));
      set(strategies.toSpliced(index, 1));
    },
  };
}

export function Strategies() {
  const view = useView();
  const { session } = view;
  const { unusable } = session.info;
  const { strategies, change, fold, insert, remove, replace } = useStrategies();
  const unsure = saidByModel(session.info, "uncertainty");
  return (
    <Section
      title="Strategies"
      aside={
        <Menu
          label="Add"
          icon="plus"
          mini
          kind="quiet"
          items={STRATEGIES.map((spec) => ({
            key: spec.type,
            title: spec.title,
            hint: unusable[spec.type] ?? `Use it when ${spec.useWhen}`,
            disabled: spec.type in unusable,
            onSelect: () => insert(strategies.length, newStrategy(spec.type, session.info)),
          }))}
        />
      }
    >
      {strategies.length === 0 && (
        <p class="note">No strategy yet. Add one that says which samples are worth choosing.</p>
      )}
      <ol class="stack">
        {strategies.map((strategy, index) => (
          <li key={index}>
            <StrategyCard
              strategy={strategy}
              reason={unusable[strategy.type]}
              folded={view.collapsed.value.has(index)}
              onFold={(folded) => fold(index, folded)}
              onChange={(next) => change(index, next)}
              onDuplicate={() => insert(index + 1, { ...strategy })}
              onRemove={() => remove(index)}
            />
          </li>
        ))}
      </ol>
      {unsure !== null && !("representative" in unusable) && (
        <Button
          label="Uncertain and representative"
          kind="quiet"
          mini
          title={`Cover the data, weighted by ${unsure}`}
          onClick={() => replace({ ...newStrategy("representative", session.info), weight_by: unsure })}
        />
      )}
    </Section>
  );
}
