/** Filter rows: what the panel can show and change of a FilterDict, and the way back. */
import type { FilterDict, Info } from "../protocol";

/** One row. `what` is a field's name, "tag", or "class:<source>" ("class:" = any source). */
export interface Draft {
  what: string;
  test: string;
  value: string;
}

export interface Test {
  value: string;
  label: string;
  /** Takes no value. */
  bare?: boolean;
}

const NUMBER: Test[] = ["==", "!=", "<", "<=", ">", ">="].map((value) => ({ value, label: SIGNS(value) }));
const NULLS: Test[] = [
  { value: "is_null", label: "is missing", bare: true },
  { value: "not is_null", label: "is there", bare: true },
];
const TEXT: Test[] = [
  { value: "==", label: "is" },
  { value: "!=", label: "is not" },
  { value: "contains", label: "contains" },
  { value: "starts_with", label: "starts with" },
];
const MEMBER: Test[] = [
  { value: "has", label: "is" },
  { value: "not has", label: "is not" },
];

const CLASS: Test[] = [
  ...MEMBER,
  { value: "any", label: "is there", bare: true },
  { value: "not any", label: "is missing", bare: true },
];

function SIGNS(sign: string): string {
  return { "==": "=", "!=": "≠", "<=": "≤", ">=": "≥" }[sign] ?? sign;
}

export type ValueKind = "number" | "text" | "boolean" | "datetime" | "tag" | "class";

export function kindOf(what: string, info: Info): ValueKind {
  if (what === "tag") return "tag";
  if (what.startsWith("class:")) return "class";
  const type = info.fields.find((field) => field.name === what)?.type ?? "string";
  return type === "string" ? "text" : type;
}

export function testsOf(kind: ValueKind): Test[] {
  if (kind === "tag") return MEMBER;
  if (kind === "class") return CLASS;
  if (kind === "number" || kind === "datetime") return [...NUMBER, ...NULLS];
  return kind === "boolean" ? [TEXT[0], ...NULLS] : [...TEXT, ...NULLS];
}

/** Everything a row can ask about, with the group it is shown in. */
export function subjects(info: Info): { value: string; label: string; group: string }[] {
  const metadata = info.fields.filter((field) => field.name.startsWith("metadata."));
  const own = info.fields.filter((field) => !field.name.startsWith("metadata."));
  return [
    ...(info.tags.length > 0 ? [{ value: "tag", label: "tag", group: "Tags and labels" }] : []),
    ...info.sources.map(({ name }) => ({
      value: `class:${name}`,
      label: `class in ${name}`,
      group: "Tags and labels",
    })),
    ...metadata.map(({ name }) => ({ value: name, label: name.slice("metadata.".length), group: "Metadata" })),
    ...own.map(({ name }) => ({ value: name, label: name.replaceAll("_", " "), group: "Sample" })),
  ];
}

/** A row that asks for nothing until a value is chosen. */
export const newDraft = (what: string, info: Info): Draft => ({
  what,
  test: testsOf(kindOf(what, info))[0].value,
  value: "",
});

/** Values to choose from; null where any can be typed. */
export function suggestions(what: string, info: Info): string[] | null {
  if (what === "tag") return info.tags.map((tag) => tag.name);
  if (what.startsWith("class:")) {
    const source = what.slice("class:".length);
    return info.sources.filter((entry) => source === "" || entry.name === source).flatMap((entry) => entry.classes);
  }
  if (kindOf(what, info) === "boolean") return ["true", "false"];
  const key = what.startsWith("metadata.") ? what.slice("metadata.".length) : null;
  const values = info.metadata.find((entry) => entry.key === key)?.values;
  return values && values.length > 0 ? values : null;
}

/** Null while the row is not complete. */
export function toFilter(draft: Draft, info: Info): FilterDict | null {
  const negated = draft.test.startsWith("not ");
  const test = negated ? draft.test.slice(4) : draft.test;
  const inner = leaf(draft, test, info);
  return inner && negated ? { op: "not", item: inner } : inner;
}

function leaf({ what, value }: Draft, test: string, info: Info): FilterDict | null {
  const kind = kindOf(what, info);
  if (test === "is_null") return { op: "is_null", field: what };
  if (test === "any") return { op: "annotated", type: null, criteria: fromSource(what.slice("class:".length)) };
  if (value.trim() === "") return null;
  if (kind === "tag") return { op: "has_tag", tag: value };
  if (kind === "class") return withClass(value, what.slice("class:".length), info);
  if (test === "contains" || test === "starts_with") return { op: test, field: what, value };
  const cmp = test as "==";
  if (kind === "boolean") return { op: "compare", field: what, cmp, value: value === "true" };
  if (kind !== "number") return { op: "compare", field: what, cmp, value };
  const number = Number(value.replace("−", "-"));
  return Number.isFinite(number) ? { op: "compare", field: what, cmp, value: number } : null;
}

/** Any annotation of a source: what is not, is unlabeled. */
const fromSource = (source: string): FilterDict | null =>
  source === "" ? null : { op: "compare", field: "annotation_source", cmp: "==", value: source };

/** The same dict as `ClassificationQuery.match(class_name == …, annotation_source == …)` has in Python. */
function withClass(name: string, source: string, info: Info): FilterDict {
  const type = info.sources.find((entry) => entry.name === source)?.type;
  if (type === undefined) return { op: "has_class", class: name, source: source || null };
  const is = (field: string, value: string) => ({ op: "compare", field, cmp: "==", value }) as const;
  return {
    op: "annotated",
    type,
    criteria: { op: "and", items: [is("class_name", name), is("annotation_source", source)] },
  };
}

export function joined(drafts: Draft[], joiner: "and" | "or", info: Info): FilterDict | null {
  const items = drafts.map((draft) => toFilter(draft, info)).filter((item) => item !== null);
  if (items.length < 2) return items[0] ?? null;
  return { op: joiner, items };
}

/** The rows that show this filter; null when rows cannot (nested or of another kind: it was made in Python). */
export function draftsOf(filter: FilterDict | null): { drafts: Draft[]; joiner: "and" | "or" } | null {
  if (filter === null) return { drafts: [], joiner: "and" };
  const flat = filter.op === "and" || filter.op === "or";
  const drafts = (flat ? filter.items : [filter]).map((item) => draftOf(item));
  if (drafts.some((draft) => draft === null)) return null;
  return { drafts: drafts as Draft[], joiner: filter.op === "or" ? "or" : "and" };
}

function draftOf(filter: FilterDict): Draft | null {
  if (filter.op === "not") {
    const inner = draftOf(filter.item);
    return inner && ["has", "any", "is_null"].includes(inner.test) ? { ...inner, test: `not ${inner.test}` } : null;
  }
  if (filter.op === "has_tag") return { what: "tag", test: "has", value: filter.tag };
  if (filter.op === "has_class") return { what: `class:${filter.source ?? ""}`, test: "has", value: filter.class };
  if (filter.op === "annotated") {
    const draft = classOf(filter.criteria);
    // The row "is there" asks for an annotation of any type.
    return draft?.test === "any" && filter.type !== null ? null : draft;
  }
  if (filter.op === "is_null") return { what: filter.field, test: "is_null", value: "" };
  if (filter.op === "compare") return { what: filter.field, test: filter.cmp, value: String(filter.value) };
  if (filter.op === "contains" || filter.op === "starts_with") {
    return { what: filter.field, test: filter.op, value: filter.value };
  }
  return null;
}

function classOf(criteria: FilterDict | null): Draft | null {
  if (criteria === null) return { what: "class:", test: "any", value: "" };
  const parts = criteria.op === "and" ? criteria.items : [criteria];
  const found = new Map<string, string>();
  for (const part of parts) {
    if (part?.op !== "compare" || part.cmp !== "==") return null;
    found.set(part.field, String(part.value));
  }
  const name = found.get("class_name");
  const known = [...found.keys()].every((field) => field === "class_name" || field === "annotation_source");
  if (!known) return null;
  const what = `class:${found.get("annotation_source") ?? ""}`;
  return name === undefined ? { what, test: "any", value: "" } : { what, test: "has", value: name };
}
