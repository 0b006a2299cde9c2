/** When to draw: at most once a frame, for as long as something is left to draw. */
export interface FrameWork {
  /** More than the dirty parts is left to draw: a picture in progress, a glide. */
  unfinished(): boolean;
  /** Draws; false = nothing can be seen, null = nobody knows yet whether it can. */
  draw(): boolean | null;
}

export class Frames {
  readonly dirty = { points: false, overlay: false };
  /** Nothing is outstanding: what is on screen is all there is. */
  isSettled = true;
  private frame = 0;
  private readonly timers = new Set<ReturnType<typeof setTimeout>>();
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly work: FrameWork,
    private readonly ended: AbortSignal,
  ) {}

  get pending(): boolean {
    return this.dirty.points || this.dirty.overlay || this.work.unfinished();
  }

  /** All is to be drawn again. */
  invalidate(): void {
    this.dirty.points = true;
    this.repaint();
  }

  /** What lies over the points is to be painted again. */
  repaint(): void {
    this.dirty.overlay = true;
    this.schedule();
  }

  schedule(): void {
    this.isSettled &&= !this.pending;
    if (this.frame !== 0 || this.ended.aborted) return;
    this.frame = requestAnimationFrame(() => this.tick());
  }

  /** Resolves when all of the picture is on screen. */
  settled(): Promise<void> {
    if (this.isSettled) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  later(work: () => void, ms: number): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      work();
    }, ms);
    this.timers.add(timer);
  }

  destroy(): void {
    cancelAnimationFrame(this.frame);
    for (const timer of this.timers) clearTimeout(timer);
    this.release();
  }

  private tick(): void {
    this.frame = 0;
    if (this.ended.aborted) return;
    const drawn = this.work.draw();
    if (drawn === null) return;
    if (!drawn || !this.pending) {
      this.isSettled = true;
      this.release();
    }
  }

  private release(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}
