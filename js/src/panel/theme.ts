/** Light or dark, from what is really painted behind the widget, and again when the host changes its theme. */
export type ThemeName = "light" | "dark";

export function watchTheme(host: HTMLElement, signal: AbortSignal, changed: (theme: ThemeName) => void): void {
  const look = () => {
    const theme = themeOf(host);
    host.dataset.theme = theme;
    changed(theme); // also when light stays light: the host's colors may differ
  };
  let frame = 0;
  const soon = () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(look);
  };
  const observer = new MutationObserver(soon);
  const attributes = {
    attributes: true,
    attributeFilter: ["class", "style", "theme", "data-theme", "data-jp-theme-name", "data-jp-theme-light"],
  };
  observer.observe(document.documentElement, attributes);
  observer.observe(document.body, attributes);
  // JupyterLab swaps a style sheet: its variables are only there once that has loaded.
  observer.observe(document.head, { childList: true });
  document.head.addEventListener("load", soon, { capture: true, signal });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", soon, { signal });
  signal.addEventListener("abort", () => {
    observer.disconnect();
    cancelAnimationFrame(frame);
  });
  look();
}

function themeOf(host: HTMLElement): ThemeName {
  const jupyter = document.body.dataset.jpThemeLight;
  if (jupyter !== undefined) return jupyter === "true" ? "light" : "dark";
  for (let node: Element | null = host.parentElement; node !== null; node = node.parentElement) {
    const color = /^rgba?\((\d+), (\d+), (\d+)(?:, ([\d.]+))?\)$/.exec(getComputedStyle(node).backgroundColor);
    if (color === null || Number(color[4] ?? 1) < 0.5) continue;
    const [, r, g, b] = color.map(Number);
    return 0.299 * r + 0.587 * g + 0.114 * b < 128 ? "dark" : "light";
  }
  const named = document.documentElement.getAttribute("theme"); // Colab
  const dark = named === null ? matchMedia("(prefers-color-scheme: dark)").matches : named === "dark";
  return dark ? "dark" : "light";
}
