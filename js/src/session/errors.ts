/** What went wrong and has not been put away: shown as toasts. */
import { type Signal, signal } from "@preact/signals";
import { WireError } from "../wire";

export interface Toast {
  key: number;
  error: string;
  message: string;
}

const MAX_TOASTS = 5;
/** Known without a toast: the user asked for it, or the status says it. */
const QUIET = new Set(["Cancelled", "Gone"]);

export class Errors {
  readonly list: Signal<readonly Toast[]> = signal<readonly Toast[]>([]);
  private lastKey = 0;
  private closed = false;

  report(error: unknown): void {
    if (this.closed || !(error instanceof Error)) return;
    const kind = error instanceof WireError ? error.error : error.name;
    if (QUIET.has(kind)) return;
    const others = this.list.peek().filter((toast) => toast.message !== error.message);
    this.list.value = [...others, { key: ++this.lastKey, error: kind, message: error.message }].slice(-MAX_TOASTS);
  }

  dismiss(key: number): void {
    this.list.value = this.list.peek().filter((toast) => toast.key !== key);
  }

  close(): void {
    this.closed = true;
  }
}
