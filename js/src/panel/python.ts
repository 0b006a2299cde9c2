/** A filter as the Python a user would write: what the filter rows make is the same query as in a cell. */
import type { FilterDict } from "../protocol";

/** A Python literal, safe to paste whatever the text holds. */
export function literal(value: string | number | boolean): string {
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : `float("${value}")`;
  const quoted = JSON.stringify(value).replace(
    /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]/g,
    (unit, at: number, whole: string) =>
      isPaired(whole, at) ? unit : `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return quoted;
}

function isPaired(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (code >= 0xd800 && code < 0xdc00) return (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00;
  if (code >= 0xdc00 && code < 0xe000) return (text.charCodeAt(at - 1) & 0xfc00) === 0xd800;
  return false;
}

const FIELD_CLASS = { image: "ImageSampleField", text: "SampleField", none: "SampleField" } as const;
export type Media = keyof typeof FIELD_CLASS;

function field(name: string, media: Media): string {
  const holder = FIELD_CLASS[media];
  if (name.startsWith("metadata.")) return `${holder}.metadata[${literal(name.slice("metadata.".length))}]`;
  return /^[A-Za-z_]\w*$/.test(name) ? `${holder}.${name}` : `${holder}[${literal(name)}]`;
}

export function toPython(filter: FilterDict, media: Media): string {
  const again = (inner: FilterDict) => toPython(inner, media);
  switch (filter.op) {
    case "and":
    case "or":
      return `${filter.op.toUpperCase()}(${filter.items.map(again).join(", ")})`;
    case "not":
      return `NOT(${again(filter.item)})`;
    case "compare":
      return `${field(filter.field, media)} ${filter.cmp} ${literal(filter.value)}`;
    case "is_in":
      return `${field(filter.field, media)}.is_in([${filter.values.map(literal).join(", ")}])`;
    case "contains":
    case "starts_with":
      return `${field(filter.field, media)}.${filter.op}(${literal(filter.value)})`;
    case "is_null":
      return `${field(filter.field, media)}.is_null()`;
    case "has_tag":
      return `${FIELD_CLASS[media]}.tags.contains(${literal(filter.tag)})`;
    case "has_class": {
      const source = filter.source === null ? "" : `, source=${literal(filter.source)}`;
      return `${FIELD_CLASS[media]}.annotations.contains(${literal(filter.class)}${source})`;
    }
  }
}

export const queryText = (filter: FilterDict | null, media: Media): string =>
  filter === null ? "dataset.query()" : `dataset.match(${toPython(filter, media)})`;
