/** One strategy: what it is for, how strongly it counts, and its own options. */
import { useId } from "preact/hooks";
import type { StrategyDict } from "../protocol";
import { brief, choices, isImplied, type OptionSpec, specOf } from "./catalog";
import { Button } from "./controls/Button";
import { Note } from "./controls/boxes";
import { NumberField, Slider } from "./controls/fields";
import { Select } from "./controls/Select";
import { Icon } from "./icons";
import { TargetShares } from "./TargetShares";
import { useView } from "./view";

interface Props {
  strategy: StrategyDict;
  /** Why it cannot be used now. */
  reason: string | undefined;
  folded: boolean;
  onFold(folded: boolean): void;
  onChange(strategy: StrategyDict): void;
  onDuplicate(): void;
  onRemove(): void;
}

export function StrategyCard({ strategy, reason, folded, onFold, onChange, onDuplicate, onRemove }: Props) {
  const { info } = useView().session;
  const spec = specOf(strategy.type);
  const id = useId();
  return (
    <article class="strategy" aria-labelledby={id}>
      <div class="row tight strategy-head">
        <button type="button" class="strategy-fold" aria-expanded={!folded} onClick={() => onFold(!folded)}>
          <Icon name={folded ? "right" : "down"} />
          <span id={id} class="data strategy-title">
            {spec.title}
          </span>
          {folded && <span class="data muted small strategy-brief">{brief(strategy, info)}</span>}
        </button>
        <Button label={`Duplicate ${spec.title}`} icon="copy" iconOnly mini kind="quiet" onClick={onDuplicate} />
        <Button label={`Remove ${spec.title}`} icon="trash" iconOnly mini kind="quiet" onClick={onRemove} />
      </div>
      {reason !== undefined && (
        <Note icon="warning" tone="warn">
          {reason}
        </Note>
      )}
      {!folded && (
        <div class="stack strategy-body">
          <p class="muted small">Use it when {spec.useWhen}</p>
          {spec.inverted && <Strength strategy={strategy} inverted={spec.inverted} onChange={onChange} />}
          {spec.options.map((option) => (
            <OptionField key={option.name} option={option} strategy={strategy} onChange={onChange} />
          ))}
        </div>
      )}
    </article>
  );
}

function Strength({ strategy, inverted, onChange }: Pick<Props, "strategy" | "onChange"> & { inverted: string }) {
  const { strength } = strategy;
  const reach = Math.max(3, Math.ceil(Math.abs(strength)));
  const set = (value: number) => onChange({ ...strategy, strength: value });
  const words = strength === 0 ? "Off: it does not count." : strength < 0 ? inverted : null;
  return (
    <div class="stack strength">
      <div class="strength-row">
        <span class="label" aria-hidden="true">
          Strength
        </span>
        <Slider
          label="Strength"
          value={strength}
          min={-reach}
          max={reach}
          step={0.1}
          zero={0}
          text={`${strength}`}
          onInput={(value) => set(Math.round(value * 10) / 10)}
        />
        <NumberField
          label="Strength as a number"
          bare
          class="num"
          value={strength}
          onChange={(v) => v !== null && set(v)}
        />
      </div>
      {words && <p class="muted small">{words}</p>}
    </div>
  );
}

/** The list's values are positions, so that any name (an empty one too) can be chosen. */
function OptionField({ option, strategy, onChange }: Pick<Props, "strategy" | "onChange"> & { option: OptionSpec }) {
  const { info } = useView().session;
  const value = strategy[option.name];
  const set = (next: unknown) => onChange({ ...strategy, [option.name]: next });
  if (option.kind === "target") return <TargetShares strategy={strategy} onChange={onChange} />;
  if (option.kind === "number" || option.kind === "integer") {
    return (
      <NumberField
        label={option.label}
        value={typeof value === "number" ? value : 0}
        min={option.minimum}
        max={option.maximum}
        onChange={(next) => next !== null && set(option.kind === "integer" ? Math.round(next) : next)}
      />
    );
  }
  const all = choices(option, info);
  if (isImplied(option, all.length)) return null;
  const known = all.findIndex((choice) => choice.value === (value ?? null));
  const missing = { value: "-1", label: value ? String(value) : "choose …", disabled: true };
  const select = (
    <Select
      label={option.label}
      value={String(known)}
      options={[...(known < 0 ? [missing] : []), ...all.map(({ label }, index) => ({ value: String(index), label }))]}
      onChange={(index) => set(all[Number(index)].value)}
    />
  );
  return select;
}
