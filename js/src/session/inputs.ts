/** What a sample made now would be made from. */
import type { SampleSpec } from "../protocol";
import type { Mask, Masks } from "./masks";
import type { Picks } from "./picks";
import type { TraitSignals } from "./traits";

export class Inputs {
  constructor(
    private readonly traits: TraitSignals,
    private readonly masks: Masks,
    private readonly picks: Picks,
  ) {}

  get count(): number {
    return this.traits.n_samples_to_select.value;
  }

  get spec(): SampleSpec {
    return {
      strategies: this.traits.strategies.value,
      candidates: this.traits.candidates.value,
      preselected_tag_name: this.traits.preselected_tag_name.value,
      pinned: [...this.picks.pinned.value],
      excluded: [...this.picks.excluded.value],
      limits: this.traits.limits.value ?? [], // a notebook saved by an older version has none
    };
  }

  /** A filter or a selection that candidates are taken from is part of what was asked. */
  get mask(): Mask | null {
    const { from } = this.traits.candidates.value;
    if (from === "filter") return this.masks.filter.value;
    return from === "selection" ? this.masks.selection.value : null;
  }
}
