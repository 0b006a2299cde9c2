/** The plot's elements and what the page tells about them: size, pixel density, whether it is in view, light or dark. */
import type { Size } from "./camera";

export interface StageEvents {
  resized(): void;
  seen(inView: boolean): void;
  restyled(): void;
}

/** Smaller is a cell being folded or a tab being hidden, not a size to draw for. */
const LEAST = 50;

export class Stage {
  readonly root: HTMLDivElement;
  /** Where pointer and keyboard act, and the overlay is painted. */
  readonly surface: HTMLCanvasElement;
  /** The last picture of a plot whose context is given back. */
  readonly still: HTMLCanvasElement;
  size: Size = { width: 0, height: 0 };
  /** null until the page tells: a notebook full of plots must not make a context for each before it looks. */
  inView: boolean | null = typeof IntersectionObserver === "undefined" ? true : null;
  private readonly observers: { disconnect(): void }[] = [];

  constructor(
    host: HTMLElement,
    private readonly events: StageEvents,
    signal: AbortSignal,
  ) {
    const page = host.ownerDocument;
    this.root = page.createElement("div");
    this.root.style.cssText = "position:relative;width:100%;height:100%;overflow:hidden;contain:strict";
    this.still = page.createElement("canvas");
    this.surface = page.createElement("canvas");
    for (const canvas of [this.still, this.surface]) fill(canvas);
    this.still.style.display = "none";
    this.surface.style.touchAction = "none";
    this.surface.style.outlineOffset = "-2px";
    this.surface.tabIndex = 0;
    this.surface.setAttribute("role", "application");
    this.surface.setAttribute("aria-roledescription", "scatter plot");
    this.surface.setAttribute(
      "aria-label",
      "Scatter plot of all samples. Arrow keys move, plus and minus zoom, zero shows everything, Escape clears the selection.",
    );
    this.root.append(this.still, this.surface);
    host.append(this.root);
    this.watch(page, signal);
  }

  get ratio(): number {
    return this.root.ownerDocument.defaultView?.devicePixelRatio || 1;
  }

  get reducedMotion(): boolean {
    return globalThis.matchMedia?.("(prefers-reduced-motion: reduce)").matches ?? false;
  }

  get focused(): boolean {
    return (this.root.getRootNode() as Document | ShadowRoot).activeElement === this.surface;
  }

  /** Puts a renderer's canvas under the overlay. */
  show(canvas: HTMLCanvasElement): void {
    fill(canvas);
    this.root.insertBefore(canvas, this.surface);
  }

  /** Keeps a picture of `canvas` on screen while there is no renderer. */
  keep(canvas: HTMLCanvasElement): void {
    this.still.width = canvas.width;
    this.still.height = canvas.height;
    this.still.getContext("2d")?.drawImage(canvas, 0, 0);
    this.still.style.display = "";
  }

  unkeep(): void {
    this.still.style.display = "none";
    this.still.width = this.still.height = 0;
  }

  private watch(page: Document, signal: AbortSignal): void {
    const window = page.defaultView;
    if (typeof ResizeObserver !== "undefined") {
      const sizes = new ResizeObserver(() => this.measure());
      sizes.observe(this.root);
      this.observers.push(sizes);
    }
    if (typeof IntersectionObserver !== "undefined") {
      const views = new IntersectionObserver((entries) => this.viewed(entries[entries.length - 1].isIntersecting), {
        rootMargin: "200px",
      });
      views.observe(this.root);
      this.observers.push(views);
    }
    if (typeof MutationObserver !== "undefined" && page.body) {
      const themes = new MutationObserver(() => this.events.restyled());
      const attributeFilter = [
        "class",
        "style",
        "data-jp-theme-light",
        "data-jp-theme-name",
        "data-theme",
        "data-vscode-theme-kind",
      ];
      for (const element of [page.body, page.documentElement]) themes.observe(element, { attributeFilter });
      this.observers.push(themes);
    }
    window?.addEventListener("resize", () => this.measure(true), { signal });
    window
      ?.matchMedia?.("(prefers-color-scheme: dark)")
      .addEventListener("change", () => this.events.restyled(), { signal });
  }

  private viewed(inView: boolean): void {
    if (inView === this.inView) return;
    this.inView = inView;
    this.events.seen(inView);
  }

  /** Reads the size of the plot; the first time after its parts are there. */
  measure(always = false): void {
    const { clientWidth: width, clientHeight: height } = this.root;
    if (width < LEAST || height < LEAST) return;
    if (!always && width === this.size.width && height === this.size.height) return;
    this.size = { width, height };
    this.events.resized();
  }

  destroy(): void {
    for (const observer of this.observers) observer.disconnect();
    this.root.remove();
  }
}

function fill(canvas: HTMLCanvasElement): void {
  canvas.style.cssText = "position:absolute;inset:0;width:100%;height:100%;display:block";
}
