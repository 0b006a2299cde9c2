/** Which of the projections there are is shown. */
import { Select } from "./controls/Select";
import { useView } from "./view";

export function Projection() {
  const { session } = useView();
  const shown = session.points.positions.value?.projection;
  if (shown === undefined) return null;
  const { projections, projection_notes: notes } = session.info;
  if (projections.length < 2) return <span class="muted data projection">{title(shown)}</span>;
  const wanted = session.points.wanted.value ?? shown;
  const names = projections.includes(wanted) ? projections : [wanted, ...projections];
  // The values are positions, as in every list of names from data.
  return (
    <span class="projection" inert={session.connection.gone.value} aria-busy={wanted !== shown}>
      <Select
        label="Projection"
        bare
        value={String(names.indexOf(wanted))}
        title="How the embeddings are laid out in the plane"
        options={names.map((name, index) => ({
          value: String(index),
          label: notes[name] && name !== shown ? `${title(name)} · ${notes[name]}` : title(name),
        }))}
        onChange={(index) => void session.points.show(names[Number(index)])}
      />
    </span>
  );
}

/** "umap of clip" → "UMAP of clip". */
const title = (name: string): string => name.replace(/^(pca|umap)\b/, (method) => method.toUpperCase());
