/** The strategies as the panel offers them: functions over the catalog, which Python's declarations are the source of. */
import { type OptionSpec, STRATEGIES, type StrategySpec } from "../generated/catalog";
import type { Info, StrategyDict } from "../protocol";

export { type OptionSpec, STRATEGIES, type StrategySpec };

export const specOf = (type: string): StrategySpec =>
  STRATEGIES.find((spec) => spec.type === type) ?? {
    type,
    title: type,
    useWhen: "it was set in Python.",
    inverted: "Inverted.",
    options: [],
  };

const metadataOf = (info: Info, types: string[]) => info.metadata.filter((entry) => types.includes(entry.type));

/** What an option can be set to, with the value that stands for "not set" first where that is allowed. */
export function choices(
  option: Pick<OptionSpec, "kind" | "choices">,
  info: Info,
): { value: string | null; label: string }[] {
  const plain = (name: string) => ({ value: name, label: name });
  switch (option.kind) {
    case "model":
      return info.embedding_models.map(plain);
    case "source":
      return info.sources.map((entry) => plain(entry.name));
    case "tag":
      return info.tags.map((tag) => plain(tag.name));
    case "metadata-number":
      return metadataOf(info, ["number", "boolean"]).map((entry) => plain(entry.key));
    case "weight":
      return [
        { value: null, label: "nothing" },
        ...metadataOf(info, ["number", "boolean"]).map((entry) => plain(entry.key)),
      ];
    case "metadata-category":
      return metadataOf(info, ["string", "boolean"]).map((entry) => plain(entry.key));
    case "stratify":
      return [
        { value: null, label: "nothing" },
        ...metadataOf(info, ["string", "boolean"]).map((entry) => plain(entry.key)),
      ];
    case "choice":
      return (option.choices ?? []).map(plain);
    default:
      return [];
  }
}

/** A new strategy with every option set to something that can be used at once. */
export function newStrategy(type: string, info: Info): StrategyDict {
  const made: StrategyDict = { type, strength: 1 };
  for (const option of specOf(type).options) made[option.name] = option.initial ?? first(option, info);
  return made;
}

/** With one model or one source there is nothing to name: null then means that one. */
function first(option: OptionSpec, info: Info): string | number | null {
  if (option.kind === "number" || option.kind === "integer") return option.minimum ?? 0;
  const all = choices(option, info);
  return isImplied(option, all.length) ? null : (all[0]?.value ?? null);
}

/** Whether an option need not be asked for, as there is only one thing that it could name. */
export const isImplied = (option: OptionSpec, count: number): boolean =>
  (option.kind === "model" || option.kind === "source") && count < 2;

/** Classes or values that a target can name: those of the labels or of the metadata that the strategy balances. */
export function targetNames(strategy: StrategyDict, info: Info): string[] {
  const { options } = specOf(strategy.type);
  const labels = options.find((option) => option.kind === "source");
  if (labels) {
    const wanted = strategy[labels.name];
    return (info.sources.find((entry) => entry.name === wanted) ?? info.sources[0])?.classes ?? [];
  }
  const key = options.find((option) => option.kind === "metadata-category");
  const entry = info.metadata.find((item) => item.key === (key && strategy[key.name]));
  return entry?.values ?? (entry?.type === "boolean" ? ["true", "false"] : []);
}

/** One line for a collapsed card. */
export function brief(strategy: StrategyDict, info: Info): string {
  const spec = specOf(strategy.type);
  const parts = spec.options.flatMap((option) => {
    const value = strategy[option.name];
    if (option.kind === "model") return info.embedding_models.length > 1 && value ? [String(value)] : [];
    if (value === null || value === undefined) return [];
    if (typeof value === "object") return ["own shares"];
    return [option.brief?.replace("{}", String(value)) ?? String(value)];
  });
  if (spec.inverted && strategy.strength !== 1) parts.push(`× ${strategy.strength}`);
  return parts.join(" · ");
}

/** The key of what a model says of each sample: of the newest probe or predictions that say it. */
export function saidByModel(info: Info, what: "uncertainty" | "doubt"): string | null {
  const keys = metadataOf(info, ["number"]).map(({ key }) => key);
  return keys.findLast((key) => key.endsWith(`_${what}`)) ?? null;
}
