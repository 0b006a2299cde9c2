/** What surrounds and accompanies controls: a section, a progress bar, a note. */
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { Icon, type IconName } from "../icons";

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
