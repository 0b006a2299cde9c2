/** A dialog over the whole page; Escape and a click beside it close it, and the focus goes back to where it was. */
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

interface Props {
  label: string;
  class: string;
  onClose(): void;
  onKey?(event: KeyboardEvent): void;
  children: ComponentChildren;
}

export function Modal({ label, class: name, onClose, onKey, children }: Props) {
  const box = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const dialog = box.current;
    dialog?.showModal?.();
    return () => dialog?.close?.();
  }, []);
  return (
    <dialog
      ref={box}
      class={`modal ${name}`}
      aria-label={label}
      onClick={(event) => {
        if (event.target === event.currentTarget) onClose();
      }}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onKeyDown={onKey}
    >
      {children}
    </dialog>
  );
}
