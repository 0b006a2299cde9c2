/** Over the plot: how the pointer acts, what the colors mean, what lies over the points, and finding. */
import type { ColorBy } from "../protocol";
import { same } from "../session/same";
import { Button, Choice } from "./controls/Button";
import { Select } from "./controls/Select";
import { Find } from "./Find";
import { number } from "./format";
import { Popover } from "./Popover";
import { useView } from "./view";

export function Toolbar() {
  const view = useView();
  return (
    <div class="toolbar" role="toolbar" aria-label="Plot" inert={view.session.connection.gone.value}>
      <Choice
        label="Pointer"
        value={view.mode.value}
        options={[
          { value: "pan", label: "Pan", icon: "pan", title: "Pan and zoom (drag, wheel)" },
          {
            value: "lasso",
            label: "Lasso",
            icon: "lasso",
            title: "Lasso: draw around samples; shift adds, alt removes",
          },
          { value: "rect", label: "Rectangle", icon: "rect", title: "Rectangle: shift adds, alt removes" },
        ]}
        onChange={(mode) => {
          view.mode.value = mode;
        }}
      />
      <Button
        label="Show all points"
        icon="reset"
        iconOnly
        kind="quiet"
        onClick={() => view.scatter?.viewport.reset()}
      />
      <ColorMenu />
      <Layers />
      <Find />
      <Button
        label="Keyboard and mouse"
        icon="help"
        iconOnly
        kind="quiet"
        title="Keyboard and mouse (?)"
        onClick={() => {
          view.help.value = true;
        }}
      />
    </div>
  );
}

const inPage = (held: readonly ColorBy[] | undefined, wanted: ColorBy): boolean =>
  wanted.by === "rank" || (held?.some((one) => same(one, wanted)) ?? false);

/** What lies over the points, and the bar for labels. */
function Layers() {
  const view = useView();
  return (
    <div class="row tight">
      <Button
        label="Density contours"
        icon="contour"
        iconOnly
        kind="quiet"
        pressed={view.contours.value}
        onClick={() => {
          view.contours.value = !view.contours.value;
        }}
      />
      {view.session.info.page?.clusters !== false && (
        <Button
          label="Cluster names"
          icon="label"
          iconOnly
          kind="quiet"
          pressed={view.labels.value}
          onClick={() => {
            view.labels.value = !view.labels.value;
          }}
        />
      )}
      {view.session.hasKernel && (
        <Button
          label="Label samples"
          icon="check"
          iconOnly
          kind="quiet"
          pressed={view.labeling.value}
          title="Label samples: with classes and the keys 1 to 9"
          onClick={() => {
            view.labeling.value = !view.labeling.value;
          }}
        />
      )}
      <Appearance />
    </div>
  );
}

const AUTOMATIC = { size: 1, opacity: 1 };

/** Size and opacity of the points: they follow how crowded the plot is, times what is set here. */
function Appearance() {
  const view = useView();
  const tuning = view.tuning.value;
  const slider = (name: "size" | "opacity", label: string) => (
    <label class="stack small tuning">
      {label}
      <input
        type="range"
        min={-2}
        max={2}
        step={0.1}
        value={Math.log2(tuning[name])}
        aria-valuetext={`${number(tuning[name])} × automatic`}
        onInput={(event) => {
          view.tuning.value = { ...tuning, [name]: 2 ** Number(event.currentTarget.value) };
        }}
      />
    </label>
  );
  return (
    <Popover label="Size and opacity of the points" icon="dots">
      {slider("size", "Size")}
      {slider("opacity", "Opacity")}
      <Button
        label="Automatic"
        mini
        disabled={tuning.size === 1 && tuning.opacity === 1}
        onClick={() => {
          view.tuning.value = AUTOMATIC;
        }}
      />
    </Popover>
  );
}

/** The values of the list are positions, so that no name from data can be taken for one of ours. */
function ColorMenu() {
  const { session } = useView();
  const { info } = session;
  const all: { colorBy: ColorBy; label: string; group?: string }[] = [
    { colorBy: { by: "none" }, label: "one color" },
    ...info.sources.map(({ name }) => ({
      colorBy: { by: "label", key: name } as ColorBy,
      label: name,
      group: "Labels",
    })),
    ...info.tags.map(({ name }) => ({ colorBy: { by: "tag", key: name } as ColorBy, label: name, group: "Tags" })),
    ...info.metadata
      .filter(({ type }) => type !== "other")
      .map(({ key }) => ({ colorBy: { by: "metadata", key } as ColorBy, label: key, group: "Metadata" })),
    ...(info.embedding_models.length > 0 || !session.hasKernel
      ? [{ colorBy: { by: "typicality" } as ColorBy, label: "typicality", group: "Computed" }]
      : []),
    { colorBy: { by: "rank" }, label: "pick order", group: "Computed" },
  ];
  const offered = session.hasKernel ? all : all.filter(({ colorBy }) => inPage(session.info.page?.colorings, colorBy));
  const now = session.traits.color_by.value;
  const at = offered.findIndex(({ colorBy }) => same(colorBy, now));
  return (
    <div class="row tight color-menu" aria-busy={session.colors.loading.value}>
      <span class="label" aria-hidden="true">
        Color
      </span>
      <Select
        label="Color by"
        bare
        value={String(Math.max(0, at))}
        options={offered.map(({ label, group }, index) => ({ value: String(index), label, group }))}
        onChange={(index) => session.set("color_by", offered[Number(index)].colorBy)}
      />
    </div>
  );
}
