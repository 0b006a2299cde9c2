/** A button that opens a few controls in the browser's top layer. */
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Button } from "./controls/Button";
import { follow } from "./controls/Menu";
import type { IconName } from "./icons";

export function Popover({ label, icon, children }: { label: string; icon: IconName; children: ComponentChildren }) {
  const place = useRef<HTMLSpanElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);
  useLayoutEffect(() => {
    const button = place.current?.querySelector("button");
    if (!open || !box.current || !button) return;
    box.current.showPopover?.();
    box.current.querySelector<HTMLElement>("input, button")?.focus({ preventScroll: true });
    return follow(button, box.current);
  }, [open]);
  return (
    <span ref={place}>
      <Button label={label} icon={icon} iconOnly kind="quiet" pressed={open} onClick={() => setOpen(!open)} />
      {open && (
        <div
          ref={box}
          popover="auto"
          class="menu popover"
          role="dialog"
          aria-label={label}
          onToggle={(event) => {
            if ((event as unknown as ToggleEvent).newState === "closed") setOpen(false);
          }}
        >
          {children}
        </div>
      )}
    </span>
  );
}
