/** Numbers and names as people read them. */
const whole = new Intl.NumberFormat("en-US");

export const count = (value: number): string => whole.format(value);

export const plural = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;

/** At most four significant digits, no exponent in the everyday range. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "no value" : value > 0 ? "∞" : "−∞";
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return count(value);
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}

export function percent(share: number): string {
  const value = share * 100;
  if (value > 0 && value < 0.1) return "<0.1 %";
  return `${value < 10 && value % 1 !== 0 ? value.toFixed(1) : Math.round(value)} %`;
}

export function seconds(value: number): string {
  if (value < 0.095) return `${Math.max(1, Math.round(value * 1000))} ms`;
  return value < 60 ? `${value.toFixed(value < 10 ? 1 : 0)} s` : `${Math.round(value / 60)} min`;
}

/** What a sample holds: '60 samples', or '60 new, 1 pinned, 3 preselected' where it holds more than new picks. */
export function sampleWords(fresh: number, before: { points: ArrayLike<number>; pinned: number }): string {
  if (before.points.length === 0) return plural(fresh, "sample");
  const preselected = before.points.length - before.pinned;
  const parts = [`${count(fresh)} new`];
  if (before.pinned > 0) parts.push(`${count(before.pinned)} pinned`);
  if (preselected > 0) parts.push(`${count(preselected)} preselected`);
  return parts.join(", ");
}
