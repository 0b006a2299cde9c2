/** The strategies as the panel offers them: the same types and option names as the Python classes' dicts. */
import type { Info, StrategyDict } from "../protocol";

export type OptionKind =
  | "model"
  | "source"
  | "metadata-number"
  | "metadata-category"
  | "tag"
  | "target"
  | "distance"
  | "seed"
  | "stratify";

export interface OptionSpec {
  name: string;
  label: string;
  kind: OptionKind;
}

export interface StrategySpec {
  type: string;
  title: string;
  useWhen: string;
  /** What a negative strength does. */
  inverted: string;
  hasStrength: boolean;
  options: OptionSpec[];
}

const model: OptionSpec = { name: "embedding_model_name", label: "Embedding", kind: "model" };
const source: OptionSpec = { name: "annotation_source", label: "Labels", kind: "source" };
const target: OptionSpec = { name: "target_distribution", label: "Target", kind: "target" };

export const STRATEGIES: StrategySpec[] = [
  {
    type: "diversity",
    title: "Diverse",
    useWhen: "you want every kind of sample once, rare ones too.",
    inverted: "Inverted: near-copies of what is chosen come first.",
    hasStrength: true,
    options: [model],
  },
  {
    type: "representative",
    title: "Representative",
    useWhen: "you can label only a few and want them to stand for all.",
    inverted: "Inverted: samples that stand for few others come first.",
    hasStrength: true,
    options: [model],
  },
  {
    type: "deduplication",
    title: "Deduplicate",
    useWhen: "there are near-duplicates, such as frames of a video, and you want one of each.",
    inverted: "Inverted: near-copies come first.",
    hasStrength: true,
    options: [{ name: "stopping_condition_minimum_distance", label: "Min. distance", kind: "distance" }, model],
  },
  {
    type: "typicality",
    title: "Typical",
    useWhen: "you want the usual cases; with a negative strength, the odd ones.",
    inverted: "Inverted: the oddest samples come first.",
    hasStrength: true,
    options: [model],
  },
  {
    type: "similarity",
    title: "Similar to a tag",
    useWhen: "you have a few examples and want more like them.",
    inverted: "Inverted: samples least like the tag come first.",
    hasStrength: true,
    options: [{ name: "query_tag_name", label: "Like tag", kind: "tag" }, model],
  },
  {
    type: "metadata_weighting",
    title: "By metadata value",
    useWhen: "a number says how much you want a sample: uncertainty, quality, price.",
    inverted: "Inverted: the lowest values come first.",
    hasStrength: true,
    options: [{ name: "metadata_key", label: "Metadata", kind: "metadata-number" }],
  },
  {
    type: "annotation_balancing",
    title: "Balance classes",
    useWhen: "some classes are rare and should not stay so.",
    inverted: "Inverted: moves away from the target shares.",
    hasStrength: true,
    options: [source, target],
  },
  {
    type: "metadata_balancing",
    title: "Balance metadata",
    useWhen: "some groups are rare (a city, a sensor, night) and should not stay so.",
    inverted: "Inverted: moves away from the target shares.",
    hasStrength: true,
    options: [{ name: "metadata_key", label: "Metadata", kind: "metadata-category" }, target],
  },
  {
    type: "subpart_diversity",
    title: "Diverse objects",
    useWhen: "the objects matter more than the whole image: you want different ones.",
    inverted: "Inverted: objects like those chosen come first.",
    hasStrength: true,
    options: [source, model],
  },
  {
    type: "random",
    title: "Random",
    useWhen: "you need a baseline, or a test set that looks like the data.",
    inverted: "",
    hasStrength: false,
    options: [
      { name: "seed", label: "Seed", kind: "seed" },
      { name: "stratify_by", label: "Stratify by", kind: "stratify" },
    ],
  },
];

export const specOf = (type: string): StrategySpec =>
  STRATEGIES.find((spec) => spec.type === type) ?? {
    type,
    title: type,
    useWhen: "it was set in Python.",
    inverted: "Inverted.",
    hasStrength: true,
    options: [],
  };

const metadataOf = (info: Info, types: string[]) => info.metadata.filter((entry) => types.includes(entry.type));

/** What an option can be set to, with the value that stands for "not set" first where that is allowed. */
export function choices(kind: OptionKind, info: Info): { value: string | null; label: string }[] {
  const plain = (name: string) => ({ value: name, label: name });
  switch (kind) {
    case "model":
      return info.embedding_models.map(plain);
    case "source":
      return info.sources.map((entry) => plain(entry.name));
    case "tag":
      return info.tags.map((tag) => ({ value: tag.name, label: tag.name }));
    case "metadata-number":
      return metadataOf(info, ["number", "boolean"]).map((entry) => plain(entry.key));
    case "metadata-category":
      return metadataOf(info, ["string", "boolean"]).map((entry) => plain(entry.key));
    case "stratify":
      return [
        { value: null, label: "nothing" },
        ...metadataOf(info, ["string", "boolean"]).map((entry) => plain(entry.key)),
      ];
    default:
      return [];
  }
}

/** A new strategy with every option set to something that can be used at once. */
export function newStrategy(type: string, info: Info): StrategyDict {
  const spec = specOf(type);
  const made: StrategyDict = { type, strength: 1 };
  for (const option of spec.options) {
    if (option.kind === "target") made[option.name] = "uniform";
    else if (option.kind === "seed") made[option.name] = 0;
    else if (option.kind === "distance") made[option.name] = 0.1;
    else made[option.name] = first(option.kind, choices(option.kind, info));
  }
  return made;
}

/** With one model or one source there is nothing to name: null then means that one. */
const first = (kind: OptionKind, all: { value: string | null }[]): string | null =>
  (kind === "model" || kind === "source") && all.length < 2 ? null : (all[0]?.value ?? null);

/** Classes or values that a target can name. */
export function targetNames(strategy: StrategyDict, info: Info): string[] {
  if (strategy.type === "annotation_balancing") {
    const wanted = strategy.annotation_source;
    return (info.sources.find((entry) => entry.name === wanted) ?? info.sources[0])?.classes ?? [];
  }
  const entry = info.metadata.find((item) => item.key === strategy.metadata_key);
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
    return [option.kind === "distance" ? `≥ ${value}` : option.kind === "seed" ? `seed ${value}` : String(value)];
  });
  if (spec.hasStrength && strategy.strength !== 1) parts.push(`× ${strategy.strength}`);
  return parts.join(" · ");
}
