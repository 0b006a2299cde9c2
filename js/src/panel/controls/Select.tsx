/** A list to choose from, with its label. Values and labels are text, never HTML. */
import { useId } from "preact/hooks";
import { Icon } from "../icons";

export interface Option {
  value: string;
  label: string;
  disabled?: boolean;
  group?: string;
}

interface SelectProps {
  label: string;
  /** Keeps the label for screen readers only. */
  bare?: boolean;
  value: string;
  options: Option[];
  title?: string;
  onChange(value: string): void;
}

export function Select({ label, bare, value, options, title, onChange }: SelectProps) {
  const id = useId();
  const groups = new Map<string, Option[]>();
  for (const option of options) {
    const name = option.group ?? "";
    groups.set(name, [...(groups.get(name) ?? []), option]);
  }
  const one = (option: Option) => (
    <option key={option.value} value={option.value} disabled={option.disabled} selected={option.value === value}>
      {option.label}
    </option>
  );
  const select = (
    <span class="select-box">
      <select
        id={id}
        class="select"
        title={title}
        aria-label={bare ? label : undefined}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
      >
        {[...groups].map(([name, members]) =>
          name === "" ? (
            members.map(one)
          ) : (
            <optgroup key={name} label={name}>
              {members.map(one)}
            </optgroup>
          ),
        )}
      </select>
      <Icon name="down" />
    </span>
  );
  if (bare) return select;
  return (
    <div class="inline-field">
      <label class="label" for={id}>
        {label}
      </label>
      {select}
    </div>
  );
}
