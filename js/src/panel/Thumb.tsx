/** A sample as a small picture or a few words. Pictures of one moment are asked for together, in one message. */
import { useEffect, useState } from "preact/hooks";
import type { Store, Thumbnail } from "../state";
import { dataUrl, useView } from "./view";

export function useThumb(row: number, size: number): Thumbnail | null {
  const { store } = useView();
  const [thumb, setThumb] = useState<{ row: number; value: Thumbnail } | null>(null);
  useEffect(() => {
    let wanted = true;
    together(store, row, size).then(
      (value) => wanted && setThumb({ row, value }),
      () => undefined, // the store showed it as a toast
    );
    return () => {
      wanted = false;
    };
  }, [store, row, size]);
  return thumb?.row === row ? thumb.value : null;
}

interface Batch {
  rows: Set<number>;
  all: Promise<Map<number, Thumbnail>>;
}

const open = new WeakMap<Store, Map<number, Batch>>();

/** Gathers the rows asked for until the end of this turn of the event loop. */
function together(store: Store, row: number, size: number): Promise<Thumbnail> {
  const batches = open.get(store) ?? new Map<number, Batch>();
  open.set(store, batches);
  let batch = batches.get(size);
  if (batch === undefined) {
    const rows = new Set<number>();
    const gathered = new Promise((resolve) => setTimeout(resolve, 0));
    const all = gathered.then(async () => {
      batches.delete(size);
      const wanted = [...rows];
      const thumbs = await store.thumbnails(wanted, size);
      return new Map(wanted.map((wantedRow, index) => [wantedRow, thumbs[index]]));
    });
    batch = { rows, all };
    batches.set(size, batch);
  }
  batch.rows.add(row);
  return batch.all.then((thumbs) => thumbs.get(row) as Thumbnail);
}

interface Props {
  row: number;
  size: number;
  /** More to say about it, after its name. */
  note?: string;
  /** Its place in the sample, from 1. */
  rank?: number;
  class?: string;
  tabIndex?: number;
  onClick(): void;
}

export function Thumb({ row, size, rank, note, tabIndex, onClick, ...props }: Props) {
  const thumb = useThumb(row, size);
  const name = [thumb?.title, note].filter(Boolean).join(", ");
  return (
    <button
      type="button"
      class={`thumb ${props.class ?? ""}`}
      tabIndex={tabIndex}
      aria-label={rank === undefined ? name || "sample" : `${rank}: ${name}`}
      title={name}
      onClick={onClick}
    >
      {thumb?.image && thumb.image.length > 0 ? (
        <img src={dataUrl(thumb.image, thumb.mime)} alt="" draggable={false} />
      ) : (
        <span class="thumb-text" dir="auto">
          {thumb === null ? "" : thumb.text || thumb.title}
        </span>
      )}
      {rank !== undefined && (
        <span class="thumb-rank" aria-hidden="true">
          {rank}
        </span>
      )}
    </button>
  );
}
