/** Three small charts as SVG. Each has a sentence about what it shows, and every shape has text beside it or in its title. */
import { scaleLinear, scaleLog } from "d3-scale";
import { useId, useState } from "preact/hooks";
import type { Histogram, MessageOf, Shares } from "../protocol";
import { Button } from "./controls/Button";
import { count, number, percent } from "./format";

type Coverage = NonNullable<MessageOf<"metrics">["coverage"]>;
const WIDTH = 300;
const HEIGHT = 110;
const LEFT = 34;
const BOTTOM = 18;

/** Places along the width, and up the height, of a chart. */
const ACROSS: [number, number] = [LEFT, WIDTH - 6];
const UP: [number, number] = [HEIGHT - BOTTOM, 6];

const line = (points: [number, number][]) =>
  points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

/** How far the farthest sample is from its nearest pick, after each number of picks. */
export function CoverageChart({ coverage, now }: { coverage: Coverage; now: number }) {
  const { at, sample, random, sentence } = coverage;
  const id = useId();
  if (at.length === 0) return <p class="muted small">{sentence}</p>;
  const most = Math.max(...sample, ...random, Number.MIN_VALUE);
  const x = scaleLog([Math.max(1, at[0]), Math.max(at[0] + 1, at[at.length - 1])], ACROSS);
  const y = scaleLinear([0, most], UP);
  const along = (values: number[]) => line(values.map((value, index) => [x(at[index]), y(value)]));
  const mark = Math.min(WIDTH - 6, Math.max(LEFT, x(Math.max(1, now))));
  return (
    <figure>
      <svg class="chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-labelledby={id}>
        <title id={id}>{`Coverage radius against the number of samples. ${sentence}`}</title>
        <Ticks values={[0, most]} y={y} />
        <path class="line random" d={along(random)} />
        <path class="line sample" d={along(sample)} />
        <line class="mark" x1={mark} x2={mark} y1={4} y2={HEIGHT - BOTTOM} />
        {mark > LEFT + 40 && (
          <text class="tick" x={LEFT} y={HEIGHT - 5}>
            {count(at[0])}
          </text>
        )}
        {mark < WIDTH - 60 && (
          <text class="tick" x={WIDTH - 6} y={HEIGHT - 5} text-anchor="end">
            {count(at[at.length - 1])}
          </text>
        )}
        <text
          class="tick strong"
          x={Math.min(WIDTH - 20, Math.max(LEFT + 8, mark))}
          y={HEIGHT - 5}
          text-anchor="middle"
        >
          {count(now)}
        </text>
      </svg>
      <figcaption class="muted small">{sentence}</figcaption>
    </figure>
  );
}

const Ticks = ({ values, y }: { values: number[]; y(value: number): number }) => (
  <>
    {values.map((value) => (
      <g key={value}>
        <line class="grid" x1={LEFT} x2={WIDTH - 6} y1={y(value)} y2={y(value)} />
        <text class="tick" x={LEFT - 5} y={y(value) + 3.5} text-anchor="end">
          {number(value)}
        </text>
      </g>
    ))}
  </>
);

const FEW = 10;

/** A bar a class: the sample filled, all candidates behind it, random and the target as ticks. */
export function SharesChart({ shares }: { shares: Shares }) {
  const [all, setAll] = useState(false);
  const { classes, pool, sample, random, target } = shares;
  const most = Math.max(...pool, ...sample, ...random, ...(target ?? []), Number.MIN_VALUE);
  const order = classes.map((_, index) => index).sort((a, b) => pool[b] - pool[a]);
  const shown = all ? order : order.slice(0, FEW);
  const width = (share: number) => `${(100 * share) / most}%`;
  return (
    <>
      <ul class="bars" aria-label="Share of each class: sample, all candidates, random">
        {shown.map((index) => (
          <li
            key={classes[index]}
            class="bar-row"
            title={`${classes[index]}\nsample ${percent(sample[index])}, all candidates ${percent(pool[index])}, random ${percent(random[index])}${target ? `, target ${percent(target[index])}` : ""}`}
          >
            <span class="data">{classes[index]}</span>
            <span class="bar" aria-hidden="true">
              <i class="bar-pool" style={{ width: width(pool[index]) }} />
              <i class="bar-sample" style={{ width: width(sample[index]) }} />
              <i class="bar-random" style={{ left: width(random[index]) }} />
              {target && <i class="bar-target" style={{ left: width(target[index]) }} />}
            </span>
            <span class="num">
              {percent(sample[index])}
              <span class="hidden-text">
                {` sample, ${percent(pool[index])} all candidates, ${percent(random[index])} random`}
              </span>
            </span>
          </li>
        ))}
      </ul>
      {order.length > FEW && (
        <Button
          label={all ? "Show fewer" : `Show all ${count(order.length)}`}
          kind="link"
          mini
          onClick={() => setAll(!all)}
        />
      )}
    </>
  );
}

export function HistogramChart({ histogram }: { histogram: Histogram }) {
  const { edges, pool, sample, random, key } = histogram;
  const id = useId();
  const total = (values: number[]) =>
    Math.max(
      1,
      values.reduce((sum, value) => sum + value, 0),
    );
  const share = (values: number[]) => values.map((value) => value / total(values));
  const [p, s, r] = [share(pool), share(sample), share(random)];
  const most = Math.max(...p, ...s, ...r, Number.MIN_VALUE);
  const [low, high] = [edges[0], edges[edges.length - 1]];
  const x = scaleLinear([low, high], ACROSS);
  const y = scaleLinear([0, most], UP);
  const steps = (values: number[]) =>
    values.flatMap((value, index): [number, number][] => [
      [x(edges[index]), y(value)],
      [x(edges[index + 1]), y(value)],
    ]);
  const closed = (values: number[]) => `${line([[x(low), y(0)], ...steps(values), [x(high), y(0)]])}Z`;
  const peak = (values: number[]) => values.indexOf(Math.max(...values));
  const mostOf = (values: number[]) => `${number(edges[peak(values)])} to ${number(edges[peak(values) + 1])}`;
  const words = `${key}: most of the sample lies at ${mostOf(s)}, most of all candidates at ${mostOf(p)}.`;
  return (
    <figure>
      <svg class="chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-labelledby={id}>
        <title id={id}>{words}</title>
        <Ticks values={[0, most]} y={y} />
        <path class="area pool" d={closed(p)} />
        <path class="line random" d={line(steps(r))} />
        <path class="line sample" d={line(steps(s))} />
        <text class="tick" x={LEFT} y={HEIGHT - 5}>
          {number(low)}
        </text>
        <text class="tick" x={WIDTH - 6} y={HEIGHT - 5} text-anchor="end">
          {number(high)}
        </text>
      </svg>
      <figcaption class="hidden-text">{words}</figcaption>
    </figure>
  );
}
