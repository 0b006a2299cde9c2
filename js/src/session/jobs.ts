/** The work that the kernel does in the background, by task, with its progress. */
import { type Signal, signal } from "@preact/signals";
import type { MessageOf } from "../protocol";

export interface Job {
  text: string;
  /** null: nobody knows how far it is. */
  fraction: number | null;
}

export class Jobs {
  readonly running: Signal<ReadonlyMap<string, Job>> = signal(new Map());

  take({ task, text, fraction }: MessageOf<"progress">): void {
    const all = new Map(this.running.peek());
    if (fraction !== null && fraction >= 1) all.delete(task);
    else all.set(task, { text, fraction });
    this.running.value = all;
  }
}
