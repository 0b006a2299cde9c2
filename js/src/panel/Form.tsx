/** A small form in the panel's foot: what it asks for, and the button that does it. */
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Button } from "./controls/Button";

export interface FormProps {
  title: string;
  action: string;
  problem?: string | null;
  run(): Promise<void>;
  onClose(): void;
  children: ComponentChildren;
}

export function Form({ title, action, problem, run, onClose, children }: FormProps) {
  const form = useRef<HTMLFormElement>(null);
  const [busy, setBusy] = useState(false);
  useLayoutEffect(() => form.current?.querySelector<HTMLElement>("input, select, button")?.focus(), []);
  return (
    <form
      ref={form}
      class="stack dialog"
      aria-label={title}
      onSubmit={(event) => {
        event.preventDefault();
        if (problem || busy) return;
        setBusy(true);
        // What went wrong is shown as a toast; the form stays open to try again.
        run().then(onClose, () => setBusy(false));
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") onClose();
      }}
    >
      {children}
      <div class="row">
        <span class="push" />
        <Button label="Close" kind="quiet" onClick={onClose} />
        <button type="submit" class="btn primary" disabled={busy || Boolean(problem)}>
          {action}
        </button>
      </div>
    </form>
  );
}
