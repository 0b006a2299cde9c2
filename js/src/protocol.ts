/**
 * The wire: one TypeScript type for the model's traits and one for every message. Mirror of `lightly_widget/messages.py`.
 *
 * State lives in traits (small, saved with the notebook); requests and bulk data travel as custom messages.
 * `kind` is the one discriminator in both directions. Each request carries an `id` unique to the model and is answered by
 * at least one message with that id, the last of which has `done: true`; an error is an answer too.
 * A `row` is the index of a sample in the widget's own fixed order (`0 … n_samples-1`); sample ids never cross in bulk.
 */

/** Spoken by both sides; a kernel with another number answers `hello` with an error that says what to do. */
export const PROTOCOL = 1;

/** A typed array in the message's buffers: `buffers[buffer]` holds it, little-endian, honouring byteOffset/byteLength. */
export interface ArrayRef {
  buffer: number;
  dtype: "u8" | "u16" | "u32" | "f32";
  shape: number[];
}

/** One sampling strategy as plain data: the same dict as `strategy.to_dict()` in Python. */
export interface StrategyDict {
  type: string;
  strength: number;
  [option: string]: unknown;
}

/** What to sample from. `rows` are those of the current selection bitset in the kernel, never sent. */
export type Candidates = { from: "all" | "filter" | "selection" } | { from: "tag"; tag: string };

/** What a sample was made from; with `n` this is the whole of a `sample` request. */
export interface SampleSpec {
  strategies: StrategyDict[];
  candidates: Candidates;
  preselected_tag_name: string | null;
  /** Rows pinned by hand in the gallery: preselected for this run. At most 10,000. */
  pinned: number[];
  /** Rows removed by hand: no candidates in this run. At most 10,000. */
  excluded: number[];
}

/** A filter as plain data: the same dict as `expression.to_dict()` in Python. */
export type FilterDict =
  | { op: "and" | "or"; items: FilterDict[] }
  | { op: "not"; item: FilterDict }
  | { op: "compare"; field: string; cmp: "==" | "!=" | "<" | "<=" | ">" | ">="; value: string | number | boolean }
  | { op: "is_in"; field: string; values: (string | number | boolean)[] }
  | { op: "contains" | "starts_with"; field: string; value: string }
  | { op: "is_null"; field: string }
  | { op: "has_tag"; tag: string }
  | { op: "has_class"; class: string; source: string | null }
  /** One annotation of the type (null = any) meets all criteria: fields class_name, annotation_source, confidence … */
  | { op: "annotated"; type: string | null; criteria: FilterDict | null };

/** `none`; `label` = a classification/detection source; `tag`; `metadata` key; `typicality`; `rank` = pick order. */
export type ColorBy = { by: "none" | "typicality" | "rank" } | { by: "label" | "tag" | "metadata"; key: string };

/** Synced traits. None exceeds 64 kB. */
export interface Traits {
  n_samples_to_select: number;
  strategies: StrategyDict[];
  candidates: Candidates;
  preselected_tag_name: string | null;
  filter: FilterDict | null;
  color_by: ColorBy;
  /** sample_id under the pointer, or null. */
  hovered: string | null;
  /** Visible data box [x0, y0, x1, y1], or null for all. */
  viewport: [number, number, number, number] | null;
  /** Height of the widget in CSS pixels. */
  height: number;
  /** Python → browser only: name, size and what the dataset offers, see Info. */
  info: Info;
}

export interface Info {
  protocol: number;
  /** New for every kernel-side widget: a saved view whose kernel is gone keeps the old one and gets no answers. */
  session: string;
  dataset: string;
  n_samples: number;
  /** image | text | none: what hover shows. */
  media: "image" | "text" | "none";
  embedding_models: string[];
  /** Names of what can be shown: "pca", "umap", "umap of <model>" …; "grid" without embeddings. */
  projections: string[];
  /** By name: how long one that is not there yet will take, for people to read. */
  projection_notes: Record<string, string>;
  tags: { name: string; count: number }[];
  /** Annotation sources with the classes in each (at most 1000 named). */
  sources: { name: string; type: "classification" | "object_detection"; classes: string[] }[];
  metadata: {
    key: string;
    type: "number" | "string" | "boolean" | "other";
    min?: number;
    max?: number;
    values?: string[];
  }[];
  /** Fields a filter row can use. */
  fields: { name: string; type: "number" | "string" | "boolean" | "datetime" }[];
  /** Why a strategy type cannot be used now, by type; absent means usable. */
  unusable: Record<string, string>;
  can_find_text: boolean;
  /** Why no image can be looked for; null: one can. */
  no_find_image: string | null;
}

export type Request =
  /** The current geometry and state: answered by `points` parts, `mask`s, `picks`, `sampled`, at last `state`. Also the
   * resync request: what was asked before it, quick and unanswered when `state` comes, was lost on the way. */
  /** `lost`: messages were lost on the way, so the traits are wanted again as well. */
  | { kind: "hello"; id: number; protocol: number; lost?: boolean }
  | { kind: "colors"; id: number; color_by: ColorBy }
  | ({ kind: "sample"; id: number; n: number } & SampleSpec)
  | { kind: "cancel"; id: number; target: number }
  | { kind: "save_tag"; id: number; name: string; n: number; grow: boolean }
  /** Polygon in data coordinates in buffer 0 (f32, x0 y0 x1 y1 …), non-zero winding; `clear` has no buffer. */
  | { kind: "select"; id: number; op: "replace" | "add" | "remove" | "clear"; polygon?: ArrayRef }
  /** A handful of rows chosen by click or from the gallery. */
  | { kind: "select_rows"; id: number; op: "replace" | "add" | "remove"; rows: number[] }
  | { kind: "detail"; id: number; row: number }
  | { kind: "thumbnails"; id: number; rows: number[]; size: number }
  | { kind: "neighbors"; id: number; row: number; k: number; model: string | null }
  | { kind: "filter"; id: number; filter: FilterDict | null }
  | { kind: "summary"; id: number; n: number; source: string | null; metadata: string | null }
  | { kind: "recipe"; id: number; n: number; tag: string }
  | { kind: "export"; id: number; format: "txt" | "csv" | "parquet"; n: number; path: string; overwrite: boolean }
  | { kind: "undo"; id: number }
  | { kind: "redo"; id: number }
  /** A/B: keep the current picks as B, or drop B. */
  | { kind: "compare"; id: number; op: "keep" | "clear" | "swap" }
  /** By text, a row, or an encoded picture (PNG, JPEG, WebP; u8 in buffer 0, at most 2^20 bytes): one of them. */
  | { kind: "find"; id: number; text?: string; row?: number; image?: ArrayRef; sign?: 1 | -1; k: number }
  /** Whether `export` would meet a file: answered by `path`. */
  | { kind: "check_path"; id: number; path: string }
  /** Shows another projection of `info.projections`: answered when its `points` have come, or by why they will not. */
  | { kind: "projection"; id: number; name: string }
  | { kind: "clusters"; id: number; color_by: ColorBy };

export type RequestKind = Request["kind"];

/** Every kernel → browser message. `seq` rises by one per message of this widget; a gap makes the browser say `hello`. */
export type Message = { seq: number; id: number | null; done: boolean } & (
  | { kind: "error"; error: string; message: string }
  | { kind: "ok" }
  /** Geometry part: rows offset … offset+count-1. `projection` names it; `animate` glides from the old positions. */
  | {
      kind: "points";
      projection: string;
      animate: boolean;
      offset: number;
      total: number;
      x: ArrayRef;
      y: ArrayRef;
      /** Set in the last part. */
      last: boolean;
    }
  /** One bit per row, LSB first, in n_samples bits; null = every row (filter) or none (selection, preselected). */
  | { kind: "mask"; mask: "filter" | "selection" | "preselected"; count: number; bits: ArrayRef | null }
  | {
      kind: "colors";
      color_by: ColorBy;
      scale: "category" | "number" | "none";
      /** In parts as the points: rows offset … of total. `values` is null when there are none. */
      offset: number;
      total: number;
      last: boolean;
      /** category: code per row (u8), 255 = no value. number: f32 per row, NaN = no value. */
      values: ArrayRef | null;
      /** category: names by code with counts; the code 254 may be 'other (k more)'. */
      categories: { name: string; count: number }[];
      domain: [number, number] | null;
      note: string | null;
    }
  /** Picks in order: append at `offset` (0 starts afresh). `slot` A is the current sample, B the one compared with. */
  | { kind: "picks"; slot: "A" | "B"; offset: number; rows: ArrayRef; gains: ArrayRef; fraction: number }
  | {
      kind: "sampled";
      n: number;
      requested: number;
      n_candidates: number;
      stop_reason: string;
      /** What happened and what to do about it. */
      message: string;
      seconds: number;
      warnings: string[];
      cancelled: boolean;
      can_undo: boolean;
      can_redo: boolean;
      /** What this sample was made from; null when it was made in Python, where no control describes it. */
      spec: SampleSpec | null;
    }
  /** The last answer to `hello`: ids of the requests still being worked on. */
  | { kind: "state"; running: number[] }
  /** Follows the last message after some seconds of silence, so that the loss of that one shows as a gap. */
  | { kind: "sync" }
  /** The trait `hovered` was set in the kernel: the row of that sample. */
  | { kind: "hovered"; row: number | null }
  | { kind: "saved"; tag: string; count: number }
  | {
      kind: "detail";
      row: number;
      sample_id: string;
      title: string;
      text: string | null;
      fields: [string, string][];
      tags: string[];
      labels: string[];
      thumbnail: ArrayRef | null;
      mime: string;
    }
  | {
      kind: "thumbnails";
      rows: number[];
      images: (ArrayRef | null)[];
      texts: (string | null)[];
      titles: string[];
      mime: string;
    }
  | { kind: "neighbors"; row: number; rows: ArrayRef; distances: ArrayRef }
  | {
      kind: "summary";
      n: number;
      pool: Shares | null;
      histogram: Histogram | null;
      /** Coverage radius after each count in `at`, for the sample and for random. Euclidean. */
      coverage: { at: number[]; sample: number[]; random: number[]; sentence: string } | null;
    }
  | { kind: "recipe"; code: string }
  | { kind: "exported"; path: string; count: number }
  /** What is at a place to write to; `problem`: why nothing can be written there. */
  | { kind: "path"; path: string; exists: boolean; problem: string | null }
  | { kind: "found"; rows: ArrayRef; scores: ArrayRef }
  | { kind: "clusters"; labels: { text: string; x: number; y: number; count: number }[] }
  /** Progress of background work, for people to read (UMAP, embedding, neighbors); fraction in 0…1 or null. */
  | { kind: "progress"; task: string; text: string; fraction: number | null }
);

export interface Shares {
  classes: string[];
  pool: number[];
  sample: number[];
  random: number[];
  target: number[] | null;
}

export interface Histogram {
  key: string;
  edges: number[];
  pool: number[];
  sample: number[];
  random: number[];
}

export type MessageKind = Message["kind"];
/** The message of one kind. */
export type MessageOf<K extends MessageKind> = Extract<Message, { kind: K }>;
/** A request as the store takes it: it gives the id itself. */
export type Ask = Request extends infer R ? (R extends { id: number } ? Omit<R, "id"> : never) : never;
