/** A button that opens a list in the browser's top layer, where no scrolling box cuts it off. */
import { autoUpdate, computePosition, flip, offset, shift } from "@floating-ui/dom";
import type { RefObject, TargetedKeyboardEvent } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon, type IconName } from "../icons";

export interface MenuItem {
  key: string;
  title: string;
  hint?: string;
  disabled?: boolean;
  onSelect(): void;
}

interface MenuProps {
  label: string;
  icon?: IconName;
  items: MenuItem[];
  kind?: "primary" | "quiet" | "plain";
  iconOnly?: boolean;
  mini?: boolean;
  disabled?: boolean;
}

/** Between the menu and its button, and between the menu and the edge of the window, in CSS pixels. */
const GAP = 4;
const EDGE = 8;

/** Puts the menu below its button, or above it where there is no room; returns the way to stop. */
export function follow(button: HTMLElement, menu: HTMLElement): () => void {
  const middleware = [
    offset(GAP),
    flip({ padding: EDGE, crossAxis: false }),
    shift({ padding: EDGE, crossAxis: true }),
  ];
  return autoUpdate(button, menu, async () => {
    const { x, y } = await computePosition(button, menu, { placement: "bottom-start", strategy: "fixed", middleware });
    Object.assign(menu.style, { left: `${x}px`, top: `${y}px` });
  });
}

const entries = (menu: HTMLElement) => [...menu.querySelectorAll<HTMLElement>("[role=menuitem]")];

/** Whether the menu is open, and the way to open and close it. */
function useMenu(button: RefObject<HTMLButtonElement | null>, list: RefObject<HTMLDivElement | null>) {
  const [open, setOpen] = useState(false);
  useLayoutEffect(() => {
    if (!open || list.current === null || button.current === null) return;
    list.current.showPopover?.();
    entries(list.current)[0]?.focus({ preventScroll: true });
    return follow(button.current, list.current);
  }, [open, button, list]);
  const close = (refocus: boolean) => {
    if (list.current?.matches(":popover-open")) list.current.hidePopover();
    setOpen(false);
    if (refocus) button.current?.focus();
  };
  return { open, setOpen, close };
}

/** Arrow keys, Home and End move between the items; Escape and Tab close. */
function handleKey(event: TargetedKeyboardEvent<HTMLDivElement>, close: (refocus: boolean) => void): void {
  const all = entries(event.currentTarget);
  const at = all.indexOf((event.currentTarget.getRootNode() as ShadowRoot).activeElement as HTMLElement);
  const moves: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 };
  const to = moves[event.key];
  if (to !== undefined) all[(to + all.length) % all.length]?.focus();
  else if (event.key === "Escape" || event.key === "Tab") close(true);
  else return;
  if (event.key === "Tab") return; // from the button on to what comes after it
  event.preventDefault();
  event.stopPropagation();
}

export function Menu({ label, icon, items, kind = "plain", iconOnly, mini, disabled }: MenuProps) {
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const { open, setOpen, close } = useMenu(button, list);
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
          onKeyDown={(event) => handleKey(event, close)}
          onToggle={(event) => {
            if ((event as unknown as ToggleEvent).newState === "closed") setOpen(false);
          }}
        >
          {items.map((item) => (
            <Item key={item.key} item={item} close={close} />
          ))}
        </div>
      )}
    </>
  );
}

const Item = ({ item, close }: { item: MenuItem; close(refocus: boolean): void }) => (
  <button
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
);
