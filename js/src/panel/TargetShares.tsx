/** The shares that a balancing aims at: even, as they are, or one's own per class. */
import type { StrategyDict } from "../protocol";
import { targetNames } from "./catalog";
import { NumberField } from "./controls/fields";
import { Select } from "./controls/Select";
import { percent } from "./format";
import { useView } from "./view";

const MOST = 50;

export function TargetShares({
  strategy,
  onChange,
}: {
  strategy: StrategyDict;
  onChange(strategy: StrategyDict): void;
}) {
  const { info } = useView().session;
  const target = strategy.target_distribution as "uniform" | "input" | Record<string, number>;
  const own = typeof target === "object";
  const names = targetNames(strategy, info);
  const set = (next: unknown) => onChange({ ...strategy, target_distribution: next });
  const listed = own ? [...new Set([...Object.keys(target), ...names])].slice(0, MOST) : [];
  const sum = own ? Object.values(target).reduce((total, share) => total + share, 0) : 0;
  return (
    <>
      <Select
        label="Target"
        value={own ? "own" : target}
        options={[
          { value: "uniform", label: "the same for all" },
          { value: "input", label: "as in the candidates" },
          { value: "own", label: "my own shares", disabled: names.length === 0 },
        ]}
        onChange={(next) => {
          const even = Math.round(1000 / Math.max(1, names.length)) / 1000;
          set(next === "own" ? Object.fromEntries(names.slice(0, MOST).map((name) => [name, even])) : next);
        }}
      />
      {own && (
        <fieldset class="stack shares" aria-label="Shares">
          {listed.map((name) => (
            <div key={name} class="row share">
              <span class="data grow" title={name}>
                {name}
              </span>
              <NumberField
                label={`Share of ${name} in percent`}
                bare
                class="num"
                value={name in target ? Math.round(target[name] * 1000) / 10 : null}
                min={0}
                optional
                placeholder="rest"
                onChange={(value) => {
                  const { [name]: _, ...others } = target;
                  set(value === null ? others : { ...others, [name]: value / 100 });
                }}
              />
              <span class="muted">%</span>
            </div>
          ))}
          <p class="muted small">{words(sum, Object.keys(target).length < names.length)}</p>
        </fieldset>
      )}
    </>
  );
}

function words(sum: number, others: boolean): string {
  if (sum > 1.0005) return `Together ${percent(sum)}: scaled down to 100 %.`;
  if (sum < 0.9995)
    return others
      ? `The other classes share the remaining ${percent(1 - sum)}.`
      : `Together ${percent(sum)}: scaled up to 100 %.`;
  return "Together 100 %.";
}
