/** The few controls that everything else is made of. Labels and values are text; nothing here takes HTML. */
import type { ComponentChildren, TargetedEvent, TargetedKeyboardEvent } from "preact";
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon, type IconName } from "./icons";

interface ButtonProps {
  label: string;
  icon?: IconName;
  /** Shows the icon alone; `label` is then its name and its tooltip. */
  iconOnly?: boolean;
  kind?: "primary" | "quiet" | "link" | "plain";
  mini?: boolean;
  pressed?: boolean;
  disabled?: boolean;
  /** Why it is disabled, or more about what it does. */
  title?: string;
  class?: string;
  onClick(): void;
}

export function Button(props: ButtonProps) {
  const { label, icon, iconOnly, kind = "plain", mini, pressed, disabled, title } = props;
  const classes = ["btn", kind, iconOnly && "icon", mini && "mini", props.class].filter(Boolean).join(" ");
  return (
    <button
      type="button"
      class={classes}
      aria-label={iconOnly ? label : undefined}
      aria-pressed={pressed}
      title={title ?? (iconOnly ? label : undefined)}
      disabled={disabled}
      onClick={props.onClick}
    >
      {icon && <Icon name={icon} />}
      {!iconOnly && <span class="data">{label}</span>}
    </button>
  );
}

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
  if (bare) {
    return (
      <>
        {input}
        {why}
      </>
    );
  }
  return (
    <div class="inline-field">
      <label class="label" for={id}>
        {label}
      </label>
      {input}
      {why}
    </div>
  );
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

/** A number typed as text, so that a half-typed one is no error; nonsense falls back to the value there was. */
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

export function Toggle({
  label,
  checked,
  title,
  onChange,
}: {
  label: string;
  checked: boolean;
  title?: string;
  onChange(checked: boolean): void;
}) {
  return (
    <button
      type="button"
      role="switch"
      class="toggle"
      aria-checked={checked}
      title={title}
      onClick={() => onChange(!checked)}
    >
      <span class="track" aria-hidden="true" />
      {label}
    </button>
  );
}

/** Several exclusive choices as icons: one tab stop, arrow keys move between them. */
export function Choice<T extends string>({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: T;
  options: { value: T; label: string; icon?: IconName; title?: string }[];
  onChange(value: T): void;
}) {
  const move = (event: TargetedKeyboardEvent<HTMLDivElement>) => {
    const steps: Record<string, number> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const at = options.findIndex((option) => option.value === value);
    const next = (at + step + options.length) % options.length;
    onChange(options[next].value);
    event.currentTarget.querySelectorAll("button")[next].focus();
  };
  return (
    <div class="group" role="radiogroup" aria-label={label} onKeyDown={move}>
      {options.map((option) => (
        // biome-ignore lint/a11y/useSemanticElements: radios that look like buttons, with the keys of radios
        <button
          key={option.value}
          type="button"
          role="radio"
          class={`btn ${option.icon ? "icon" : ""}`}
          aria-checked={option.value === value}
          aria-label={option.label}
          title={option.title ?? option.label}
          tabIndex={option.value === value ? 0 : -1}
          onClick={() => onChange(option.value)}
        >
          {option.icon ? <Icon name={option.icon} /> : option.label}
        </button>
      ))}
    </div>
  );
}

export interface MenuItem {
  key: string;
  title: string;
  hint?: string;
  disabled?: boolean;
  onSelect(): void;
}

/** A button that opens a list in the browser's top layer, so that no scrolling box cuts it off. */
export function Menu({
  label,
  icon,
  items,
  kind = "plain",
  iconOnly,
  mini,
  disabled,
}: {
  label: string;
  icon?: IconName;
  items: MenuItem[];
  kind?: "primary" | "quiet" | "plain";
  iconOnly?: boolean;
  mini?: boolean;
  disabled?: boolean;
}) {
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);
  useLayoutEffect(() => {
    const element = list.current;
    if (!open || element === null || button.current === null) return;
    element.showPopover?.();
    place(element, button.current);
    entries(element)[0]?.focus();
  }, [open]);
  const close = (refocus: boolean) => {
    if (list.current?.matches(":popover-open")) list.current.hidePopover();
    setOpen(false);
    if (refocus) button.current?.focus();
  };
  const keys = (event: TargetedKeyboardEvent<HTMLDivElement>) => {
    const all = entries(event.currentTarget);
    const at = all.indexOf((event.currentTarget.getRootNode() as ShadowRoot).activeElement as HTMLElement);
    const moves: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 };
    const to = moves[event.key];
    if (to !== undefined) all[(to + all.length) % all.length]?.focus();
    else if (event.key === "Escape") close(true);
    else if (event.key === "Tab") return close(true);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class={`btn ${kind} ${iconOnly ? "icon" : ""} ${mini ? "mini" : ""}`}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-label={iconOnly ? label : undefined}
        title={iconOnly ? label : undefined}
        disabled={disabled}
        onClick={() => (open ? close(true) : setOpen(true))}
      >
        {icon && <Icon name={icon} />}
        {!iconOnly && label}
      </button>
      {open && (
        <div
          ref={list}
          popover="auto"
          class="menu"
          role="menu"
          tabIndex={-1}
          aria-label={label}
          onKeyDown={keys}
          onToggle={(event) => {
            if ((event as unknown as ToggleEvent).newState === "closed") setOpen(false);
          }}
        >
          {items.map((item) => (
            <button
              key={item.key}
              type="button"
              class="menu-item"
              role="menuitem"
              tabIndex={-1}
              aria-disabled={item.disabled ? "true" : undefined}
              onClick={() => {
                if (item.disabled) return;
                close(true);
                item.onSelect();
              }}
            >
              <span class="title data">{item.title}</span>
              {item.hint && <span class="hint">{item.hint}</span>}
            </button>
          ))}
        </div>
      )}
    </>
  );
}

const entries = (menu: HTMLElement) => [...menu.querySelectorAll<HTMLElement>("[role=menuitem]")];

function place(menu: HTMLElement, anchor: HTMLElement): void {
  const from = anchor.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const left = Math.max(8, Math.min(from.left, innerWidth - width - 8));
  const below = from.bottom + 4;
  const top = below + height < innerHeight - 8 ? below : Math.max(8, from.top - height - 4);
  menu.style.left = `${left}px`;
  menu.style.top = `${top}px`;
}

export function Section({
  title,
  aside,
  children,
}: {
  title: string;
  aside?: ComponentChildren;
  children: ComponentChildren;
}) {
  const id = useId();
  return (
    <section class="section" aria-labelledby={id}>
      <div class="row section-head">
        <h3 id={id}>{title}</h3>
        <div class="push row tight">{aside}</div>
      </div>
      {children}
    </section>
  );
}

export const Progress = ({ fraction, label }: { fraction: number | null; label: string }) => (
  <div
    class={`progress ${fraction === null ? "unknown" : ""}`}
    role="progressbar"
    aria-label={label}
    aria-valuemin={0}
    aria-valuemax={100}
    aria-valuenow={fraction === null ? undefined : Math.round(100 * fraction)}
  >
    <div style={fraction === null ? undefined : { width: `${100 * fraction}%` }} />
  </div>
);

export const Note = ({
  icon = "info",
  tone = "",
  children,
}: {
  icon?: IconName;
  tone?: "" | "warn" | "error";
  children: ComponentChildren;
}) => (
  <p class={`note ${tone}`}>
    <Icon name={icon} />
    <span class="data wrap">{children}</span>
  </p>
);
