/** Buttons: one that acts, one that switches, several that exclude each other. Labels are text, never HTML. */
import type { TargetedKeyboardEvent } from "preact";
import { Icon, type IconName } from "../icons";

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
