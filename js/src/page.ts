/** The entry of a page without a kernel: the widget of `widget.ts`, which the page holds too, over the page's data. */
import type { AnyModel, InitializeProps, RenderProps } from "@anywidget/types";
import { unpacked, unzipped } from "./page/data";
import { PageKernel } from "./page/kernel";
import { PageModel } from "./page/model";
import type { Traits } from "./protocol";

interface Widget {
  initialize(props: InitializeProps<Traits>): void;
  render(props: RenderProps<Traits>): void;
}

/** Room for the page's own lines above and below. */
const MARGIN = 150;
const LEAST_HEIGHT = 440;

async function open(makeWidget: () => Widget): Promise<void> {
  const data = unpacked(await unzipped(document.getElementById("data")?.textContent?.trim() ?? ""));
  data.traits.height = Math.max(LEAST_HEIGHT, window.innerHeight - MARGIN);
  const model = new PageModel(data.traits);
  model.answer = new PageKernel(data, model).answer;
  const props = { model: model as unknown as AnyModel<Traits>, signal: new AbortController().signal };
  const experimental = { invoke: () => Promise.reject(new Error("this page has no kernel")) };
  const widget = makeWidget();
  widget.initialize({ ...props, experimental });
  const el = document.getElementById("explorer") as HTMLElement;
  widget.render({ ...props, el, experimental, host: undefined as never });
}

const { makeLightlyWidget } = globalThis as unknown as { makeLightlyWidget: () => Widget };
open(makeLightlyWidget).catch((error) => {
  const place = document.getElementById("explorer");
  if (place) place.textContent = `This page cannot be shown in this browser: ${error}`;
});
