/**
 * The wire: one TypeScript type for the model's traits and one for every message, generated from `lightly_widget/wire/`.
 * What is here is what a schema does not say.
 *
 * State lives in traits (small, saved with the notebook); requests and bulk data travel as custom messages.
 * `kind` is the one discriminator in both directions. Each request carries an `id` unique to the model and is answered by
 * at least one message with that id, the last of which has `done: true`; an error is an answer too.
 * A point is the index of a sample in the explorer's own fixed order (`0 … n_samples-1`); sample ids never cross in bulk.
 */
import type { Message, Request } from "./generated/messages";

export type {
  ArrayRef,
  Candidates,
  ColorBy,
  FilterDict,
  Histogram,
  Info,
  LimitDict,
  Message,
  Request,
  SampleSpec,
  Shares,
  StrategyDict,
  Traits,
} from "./generated/messages";
export { MAX_LIMITS, MAX_STRATEGIES, PROTOCOL } from "./generated/messages";

export type RequestKind = Request["kind"];
export type MessageKind = Message["kind"];
/** The message of one kind. */
export type MessageOf<K extends MessageKind> = Extract<Message, { kind: K }>;
/** A request as the session takes it: it gives the id itself. */
export type Ask = Request extends infer R ? (R extends { id: number } ? Omit<R, "id"> : never) : never;
