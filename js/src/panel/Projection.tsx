/** Which of the projections there are is shown. */
import { Select } from "./controls/Select";
import { useView } from "./view";

export function Projection() {
  const { store } = useView();
  const shown = store.points.value?.projection;
  if (shown === undefined) return null;
  const { projections, projection_notes: notes } = store.info;
  if (projections.length < 2) return <span class="muted data projection">{title(shown)}</span>;
  const wanted = store.projectionWanted.value ?? shown;
  const names = projections.includes(wanted) ? projections : [wanted, ...projections];
  // The values are positions, as in every list of names from data.
  return (
    <span class="projection" inert={store.gone.value} aria-busy={wanted !== shown}>
      <Select
        label="Projection"
        bare
        value={String(names.indexOf(wanted))}
        title="How the embeddings are laid out in the plane"
        options={names.map((name, index) => ({
          value: String(index),
          label: notes[name] && name !== shown ? `${title(name)} · ${notes[name]}` : title(name),
        }))}
        onChange={(index) => void store.showProjection(names[Number(index)])}
      />
    </span>
  );
}

/** "umap of clip" → "UMAP of clip". */
const title = (name: string): string => name.replace(/^(pca|umap)\b/, (method) => method.toUpperCase());
