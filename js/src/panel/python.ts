/** A filter as the Python a user would write: what the filter rows make is the same query as in a cell. */
import type { FilterDict } from "../protocol";

/** A Python literal, safe to paste whatever the text holds: nothing in it is invisible or turns the line around. */
export function literal(value: string | number | boolean): string {
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : `float("${value}")`;
  const escaped = (letter: string) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}](?<![\u{10000}-\u{10ffff}])/gu, escaped);
}

const FIELDS = { image: "ImageSampleField", text: "SampleField", none: "SampleField" } as const;
export type Media = keyof typeof FIELDS;

function field(name: string, holder: string): string {
  if (name.startsWith("metadata.")) return `${holder}.metadata[${literal(name.slice("metadata.".length))}]`;
  return `${holder}.${name}`;
}

function expression(filter: FilterDict, holder: string, indent: string): string {
  switch (filter.op) {
    case "and":
    case "or":
      return call(filter.op.toUpperCase(), filter.items, holder, indent);
    case "not":
      return `NOT(${expression(filter.item, holder, indent)})`;
    case "compare":
      return `${field(filter.field, holder)} ${filter.cmp} ${literal(filter.value)}`;
    case "is_in":
      return `${field(filter.field, holder)}.is_in([${filter.values.map(literal).join(", ")}])`;
    case "contains":
    case "starts_with":
      return `${field(filter.field, holder)}.${filter.op}(${literal(filter.value)})`;
    case "is_null":
      return `${field(filter.field, holder)}.is_null()`;
    case "has_tag":
      return `${holder}.tags.contains(${literal(filter.tag)})`;
    case "has_class":
      return `has_class(${literal(filter.class)}${filter.source === null ? "" : `, ${literal(filter.source)}`})`;
    case "annotated": {
      const group = filter.type === "object_detection" ? "ObjectDetection" : "Classification";
      const criteria = filter.criteria?.op === "and" ? filter.criteria.items : filter.criteria ? [filter.criteria] : [];
      return call(`${group}Query.match`, criteria, `${group}Field`, indent);
    }
  }
}

/** Several arguments stand one a line. */
function call(name: string, items: FilterDict[], holder: string, indent: string): string {
  if (items.length < 2) return `${name}(${items.map((item) => expression(item, holder, indent)).join("")})`;
  const inner = `${indent}  `;
  const lines = items.map((item) => `${inner}${expression(item, holder, inner)},\n`);
  return `${name}(\n${lines.join("")}${indent})`;
}

export const toPython = (filter: FilterDict, media: Media): string => expression(filter, FIELDS[media], "");

/** The query that the filter is, as a cell would hold it; several conditions are arguments of `match`, which means AND. */
export function queryText(filter: FilterDict | null, media: Media): string {
  if (filter === null) return "dataset.query()";
  return call("dataset.match", filter.op === "and" ? filter.items : [filter], FIELDS[media], "");
}
