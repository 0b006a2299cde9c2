/**
 * The wire: one TypeScript type for the model's traits and one for every message. The messages are generated from
 * `lightly_widget/wire/`; what is here is what a schema of messages does not say.
 *
 * State lives in traits (small, saved with the notebook); requests and bulk data travel as custom messages.
 * `kind` is the one discriminator in both directions. Each request carries an `id` unique to the model and is answered by
 * at least one message with that id, the last of which has `done: true`; an error is an answer too.
 * A point is the index of a sample in the explorer's own fixed order (`0 … n_samples-1`); sample ids never cross in bulk.
 */
import type { Candidates, ColorBy, FilterDict, LimitDict, Message, Request, StrategyDict } from "./generated/messages";

export type {
  ArrayRef,
  Candidates,
  ColorBy,
  FilterDict,
  Histogram,
  LimitDict,
  Message,
  Request,
  SampleSpec,
  Shares,
  StrategyDict,
} from "./generated/messages";
export { MAX_LIMITS, MAX_STRATEGIES, PROTOCOL } from "./generated/messages";

/** Synced traits. None exceeds 64 kB. */
export interface Traits {
  n_samples_to_select: number;
  strategies: StrategyDict[];
  limits: LimitDict[];
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
  /** Only in a page without a kernel: what it holds. */
  page?: { colorings: ColorBy[]; clusters: boolean };
}

export type RequestKind = Request["kind"];
export type MessageKind = Message["kind"];
/** The message of one kind. */
export type MessageOf<K extends MessageKind> = Extract<Message, { kind: K }>;
/** A request as the session takes it: it gives the id itself. */
export type Ask = Request extends infer R ? (R extends { id: number } ? Omit<R, "id"> : never) : never;
