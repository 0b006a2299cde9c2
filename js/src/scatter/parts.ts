/** Makes the parts of one plot and ties them together. */
import { CanvasKeeper, type KeeperEvents } from "./canvas-keeper";
import { Frames } from "./frames";
import { Interaction } from "./interaction";
import { Navigation } from "./navigation";
import { OverlayLayer } from "./overlay-layer";
import { Painter } from "./painter";
import { PlotData } from "./plot-data";
import { Stage } from "./stage";
import type { Debug, ScatterEvents, ScatterOptions } from "./types";
import { Viewport } from "./viewport";

export interface Parts {
  debug: Debug;
  data: PlotData;
  frames: Frames;
  stage: Stage;
  navigation: Navigation;
  viewport: Viewport;
  overlay: OverlayLayer;
  keeper: CanvasKeeper;
  painter: Painter;
  interaction: Interaction;
}

export function makeParts(
  host: HTMLElement,
  events: Partial<ScatterEvents>,
  options: ScatterOptions,
  signal: AbortSignal,
): Parts {
  // The parts call each other through these functions, when all of them are there.
  const frames = new Frames({ unfinished: () => painter.unfinished, draw: () => draw(parts) }, signal);
  const data = new PlotData(host);
  const debug = newDebug(frames);
  const overlay = new OverlayLayer(data, () => frames.repaint());
  const stage = new Stage(
    host,
    {
      resized: () => {
        navigation.refit();
        frames.invalidate();
      },
      seen: (inView) => seen(parts, inView),
      restyled: () => restyled(parts, data.setTheme()),
    },
    signal,
  );
  const keeperEvents: KeeperEvents = {
    frame: () => painter.frame(),
    lost: () => debug.contextLost++,
    stale: () => frames.invalidate(),
    announce: (kind, note) => {
      debug.renderer = kind;
      events.renderer?.(kind, note);
    },
    later: (work, ms) => frames.later(work, ms),
  };
  const keeper = new CanvasKeeper(stage, options.renderer !== "canvas2d", keeperEvents, signal);
  const navigation = new Navigation(
    stage,
    (byUser) => interaction.moved(byUser),
    () => interaction.hint("Click the plot, or hold Ctrl or ⌘, to zoom with the wheel"),
  );
  const viewport = new Viewport(stage, navigation, data, () => frames.invalidate());
  const painter = new Painter({ stage, navigation, data, overlay, frames, keeper, debug });
  const interaction = new Interaction({ stage, navigation, viewport, data, overlay, frames, painter }, events, signal);
  const parts = { debug, data, frames, stage, navigation, viewport, overlay, keeper, painter, interaction };
  stage.measure();
  return parts;
}

/** See `FrameWork.draw`. */
function draw({ stage: { size, inView }, interaction, painter }: Parts): boolean | null {
  if (inView === null) return null;
  interaction.hover.update();
  if (size.width === 0 || !inView) return false;
  if (painter.draw()) interaction.drawn();
  return true;
}

function seen({ keeper, frames }: Parts, inView: boolean): void {
  if (inView) frames.invalidate();
  else {
    keeper.giveBack();
    frames.schedule(); // whoever waits for the picture need not wait any longer
  }
}

/** Colors changed, those of the points or those of the page. */
export function restyled({ keeper, frames }: Parts, different = true): void {
  if (!different) return;
  keeper.renderer?.colorsChanged();
  frames.invalidate();
}

const newDebug = (frames: Frames): Debug => ({
  frames: 0,
  drawn: 0,
  marked: 0,
  contextLost: 0,
  uploaded: 0,
  get settled() {
    return frames.isSettled;
  },
  renderer: null,
});
