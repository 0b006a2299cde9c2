/** Delayed work by name: of several tasks of one name the last one runs, and none after the end. */
export class Timers {
  private readonly running = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly tasks = new Map<string, () => void>();
  private closed = false;

  has(name: string): boolean {
    return this.running.has(name);
  }

  /** Runs `task` once, at most every `ms`; the last task of a name wins. */
  later(name: string, ms: number, task: () => void): void {
    if (this.closed) return;
    this.tasks.set(name, task);
    if (this.running.has(name)) return;
    const timer = setTimeout(() => {
      this.running.delete(name);
      this.tasks.get(name)?.();
    }, ms);
    this.running.set(name, timer);
  }

  cancel(name: string): void {
    clearTimeout(this.running.get(name));
    this.running.delete(name);
  }

  close(): void {
    this.closed = true;
    for (const name of [...this.running.keys()]) this.cancel(name);
  }
}
