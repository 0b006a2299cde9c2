/** Fields for words and numbers, and a slider. */
import type { ComponentChildren, TargetedEvent } from "preact";
import { useId, useState } from "preact/hooks";

interface TextProps {
  label: string;
  bare?: boolean;
  value: string;
  placeholder?: string;
  invalid?: string | null;
  list?: string[];
  inputMode?: "text" | "decimal" | "numeric";
  class?: string;
  onInput?(value: string): void;
  /** Enter, or the field is left. */
  onCommit?(value: string): void;
}

export function TextField(props: TextProps) {
  const { label, bare, value, placeholder, invalid, list, inputMode = "text", onInput, onCommit } = props;
  const id = useId();
  const [draft, setDraft] = useState<string | null>(null);
  const commit = (event: TargetedEvent<HTMLInputElement>) => {
    const text = event.currentTarget.value;
    setDraft(null);
    if (text !== value || onInput) onCommit?.(text);
  };
  const input = (
    <>
      <input
        id={id}
        class={`input ${props.class ?? ""}`}
        type="text"
        dir="auto"
        spellcheck={false}
        autocomplete="off"
        inputMode={inputMode}
        aria-label={bare ? label : undefined}
        aria-invalid={invalid ? "true" : undefined}
        aria-describedby={invalid ? `${id}-why` : undefined}
        list={list ? `${id}-list` : undefined}
        placeholder={placeholder}
        value={draft ?? value}
        onInput={(event) => {
          setDraft(event.currentTarget.value);
          onInput?.(event.currentTarget.value);
        }}
        onBlur={commit}
        onKeyDown={(event) => {
          if (event.key === "Enter" && !event.isComposing) commit(event);
        }}
      />
      {list && (
        <datalist id={`${id}-list`}>
          {list.map((item) => (
            <option key={item} value={item} />
          ))}
        </datalist>
      )}
    </>
  );
  const why = invalid && (
    <p id={`${id}-why`} class="note error">
      {invalid}
    </p>
  );
  return (
    <Labeled label={label} bare={bare} id={id}>
      {input}
      {why}
    </Labeled>
  );
}

/** The label before a field, or the field alone. */
function Labeled({ label, bare, id, children }: LabeledProps) {
  if (bare) return <>{children}</>;
  return (
    <div class="inline-field">
      <label class="label" for={id}>
        {label}
      </label>
      {children}
    </div>
  );
}

interface LabeledProps {
  label: string;
  bare: boolean | undefined;
  id: string;
  children: ComponentChildren;
}

interface NumberProps {
  label: string;
  bare?: boolean;
  value: number | null;
  min?: number;
  max?: number;
  placeholder?: string;
  class?: string;
  /** null: the field was emptied, and may be. */
  optional?: boolean;
  format?(value: number): string;
  onChange(value: number | null): void;
}

/** A number typed as text, so that a half-typed one is not an error; nonsense falls back to the value there was. */
export function NumberField({ value, min, max, optional, format = String, onChange, ...rest }: NumberProps) {
  const commit = (text: string) => {
    const digits = text.replace(/[\s,_'%]/g, "").replace("−", "-");
    if (digits === "") {
      if (optional) onChange(null);
      return;
    }
    const parsed = Number(digits);
    if (!Number.isFinite(parsed)) return;
    const next = Math.min(max ?? parsed, Math.max(min ?? parsed, parsed));
    if (next !== value) onChange(next);
  };
  return <TextField {...rest} inputMode="decimal" value={value === null ? "" : format(value)} onCommit={commit} />;
}

interface SliderProps {
  label: string;
  value: number;
  min: number;
  max: number;
  step: number;
  /** Read out instead of the bare position. */
  text: string;
  /** Position of the fill's beginning; the left end when left out. */
  zero?: number;
  /** Up to here moving costs nothing (shown as a lighter track). */
  known?: number;
  disabled?: boolean;
  onInput(value: number): void;
}

export function Slider({
  label,
  value,
  min,
  max,
  step,
  text,
  zero = min,
  known = min,
  disabled,
  onInput,
}: SliderProps) {
  const share = (at: number) => `${max > min ? (100 * (Math.min(max, Math.max(min, at)) - min)) / (max - min) : 0}%`;
  return (
    <input
      class="slider"
      type="range"
      aria-label={label}
      aria-valuetext={text}
      min={min}
      max={max}
      step={step}
      value={value}
      disabled={disabled}
      style={{ "--at": share(value), "--zero": share(zero), "--known": share(known) }}
      onInput={(event) => onInput(Number(event.currentTarget.value))}
    />
  );
}
