/** Names of tags: suggested ones, free ones, and those that cannot be. */
import type { Info, StrategyDict } from "../protocol";

/** diverse-100, and with a number behind it when that is taken. */
export function suggestTag(strategies: StrategyDict[], n: number, info: Info): string {
  const short: Record<string, string> = {
    diversity: "diverse",
    deduplication: "deduplicated",
    typicality: "typical",
    similarity: "similar",
    metadata_weighting: "weighted",
    annotation_balancing: "balanced",
    metadata_balancing: "balanced",
    subpart_diversity: "diverse-objects",
  };
  const names = [...new Set(strategies.map(({ type }) => short[type] ?? type))].slice(0, 2);
  return freeName([...names, n].join("-"), info);
}

/** The name, with a number behind it when that is taken. */
export function freeName(base: string, info: Info): string {
  const taken = new Set(info.tags.map((tag) => tag.name));
  if (!taken.has(base)) return base;
  for (let number = 2; ; number++) {
    if (!taken.has(`${base}-${number}`)) return `${base}-${number}`;
  }
}

/** Why no tag can have that name. */
export function tagProblem(name: string): string | null {
  if (name.trim() === "") return "A tag needs a name.";
  return [...name].length > 255 ? "A tag's name has at most 255 characters." : null;
}

/** How many samples the tag of that name has; null where there is none. */
export const countOf = (name: string, info: Info): number | null =>
  info.tags.find((tag) => tag.name === name)?.count ?? null;
