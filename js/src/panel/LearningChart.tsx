/** Accuracy by number of labels: A and B as lines, random as its mean and the band of its draws. */
import { scaleLinear, scaleLog } from "d3-scale";
import { useId } from "preact/hooks";
import type { MessageOf } from "../protocol";
import { count, percent } from "./format";

export type Measure = "accuracy" | "balanced";
type Curves = NonNullable<MessageOf<"worth">["curves"]>;
const [WIDTH, HEIGHT, LEFT, BOTTOM, EDGE] = [300, 150, 38, 18, 6];

export function LearningChart({ curves, measure }: { curves: Curves; measure: Measure }) {
  const id = useId();
  const { budgets, n_held_out, n_labeled } = curves;
  const band = curves[measure];
  const values = [...curves.curves.flatMap((curve) => curve[measure]), ...band.low, ...band.high];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const last = budgets.length - 1;
  const x = scaleLog([budgets[0], Math.max(budgets[0] + 1, budgets[last])], [LEFT, WIDTH - EDGE]);
  const y = scaleLinear([low, high > low ? high : low + 0.01], [HEIGHT - BOTTOM, EDGE]);
  const along = (heights: readonly number[]) =>
    heights.map((at, i) => `${x(budgets[i]).toFixed(1)} ${y(at).toFixed(1)}`);
  const line = (heights: readonly number[]) => `M${along(heights).join("L")}`;
  const area = `${line(band.high)}L${along(band.low).reverse().join("L")}Z`;
  const at = (heights: readonly number[]) => percent(heights[last]);
  const words = [
    ...curves.curves.map((curve) => `${curve.name} ${at(curve[measure])}`),
    `random ${at(band.mean)} (${percent(band.low[last])} to ${percent(band.high[last])})`,
  ].join(", ");
  return (
    <figure>
      <svg class="chart learning" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-labelledby={id}>
        <title id={id}>{`At ${count(budgets[last])} labels: ${words}.`}</title>
        {[low, high].map((value) => (
          <g key={value}>
            <line class="grid" x1={LEFT} x2={WIDTH - EDGE} y1={y(value)} y2={y(value)} />
            <text class="tick" x={LEFT - 4} y={y(value) + 3.5} text-anchor="end">
              {percent(value)}
            </text>
          </g>
        ))}
        <path class="area random" d={area} />
        <path class="line random" d={line(band.mean)} />
        {curves.curves.map((curve, index) => (
          <path key={curve.name} class={`line ${index === 0 ? "sample" : "other"}`} d={line(curve[measure])} />
        ))}
        {[0, last].map((index) => (
          <text
            key={index}
            class="tick"
            x={x(budgets[index])}
            y={HEIGHT - 5}
            text-anchor={index === 0 ? "start" : "end"}
          >
            {`${count(budgets[index])}${index === last ? " labels" : ""}`}
          </text>
        ))}
      </svg>
      <Key curves={curves} />
      <figcaption class="muted small">
        {`Tested on ${count(n_held_out)} of ${count(n_labeled)} labeled samples, which no strategy was shown.`}
      </figcaption>
    </figure>
  );
}

const Key = ({ curves }: { curves: Curves }) => (
  <ul class="key-line" aria-hidden="true">
    {curves.curves.map((curve, index) => (
      <li key={curve.name} class="key">
        <i class={`bar-key ${index === 0 ? "sample" : "other"}`} /> {curve.name}
      </li>
    ))}
    <li class="key">
      <i class="bar-key random" /> random, with the middle 95 % of its draws
    </li>
  </ul>
);
