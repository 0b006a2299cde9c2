/** How many: a count, the same as a share, and a slider along both. Within the picks at hand nothing is requested again. */
import { candidateCount } from "./Candidates";
import { NumberField, Slider } from "./controls/fields";
import { percent, count as words } from "./format";
import { useView } from "./view";

const STEPS = 1000;

/** Slider positions are logarithmic: tens and tens of thousands both get room. */
export const toCount = (position: number, most: number): number =>
  Math.max(1, Math.min(most, Math.round(most ** (position / STEPS))));
export const toPosition = (count: number, most: number): number =>
  most <= 1 ? STEPS : (STEPS * Math.log(Math.max(1, Math.min(most, count)))) / Math.log(most);

export function Count() {
  const view = useView();
  const { session } = view;
  const count = session.traits.n_samples_to_select.value;
  const known = session.picks.a.value.points.length;
  // Without a kernel there are no more picks than those at hand.
  const most = Math.max(1, session.hasKernel ? candidateCount(view) : known);
  const startsWith = session.traits.preselected_tag_name.value !== null || session.picks.pinned.value.length > 0;
  const set = (next: number) =>
    session.set(
      "n_samples_to_select",
      Math.max(1, Math.min(session.hasKernel ? session.nSamples || 1 : most, Math.round(next))),
    );
  return (
    <section class="count" aria-label="How many">
      <div class="row">
        <h3 class="grow">{startsWith ? "How many new" : "How many"}</h3>
        <NumberField
          label="Number of samples"
          bare
          class="num count-field"
          value={count}
          min={1}
          format={words}
          onChange={(next) => next && set(next)}
        />
        {session.hasKernel ? (
          <Percent share={(100 * count) / most} onChange={(next) => set((next * most) / 100)} />
        ) : (
          <span class="muted">of {words(known)}</span>
        )}
      </div>
      <Slider
        label="Number of samples"
        min={0}
        max={STEPS}
        step={1}
        value={toPosition(count, most)}
        known={known > 0 ? toPosition(known, most) : 0}
        text={`${words(count)}, ${percent(count / most)}`}
        onInput={(position) => {
          const next = toCount(position, most);
          // A key press moves one position, which for few samples is less than one sample.
          if (next === count && position !== Math.round(toPosition(count, most))) {
            set(count + Math.sign(position - toPosition(count, most)));
          } else set(next);
        }}
      />
    </section>
  );
}

function Percent({ share, onChange }: { share: number; onChange(share: number): void }) {
  const digits = share >= 10 ? 1 : share >= 0.1 ? 2 : 4;
  return (
    <>
      <span class="muted">or</span>
      <NumberField
        label="Percent of the candidates"
        bare
        class="num percent-field"
        value={Number(share.toFixed(digits))}
        min={0}
        max={100}
        onChange={(next) => next !== null && onChange(next)}
      />
      <span class="muted">%</span>
    </>
  );
}
