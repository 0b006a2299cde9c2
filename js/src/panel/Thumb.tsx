/** A sample as a small picture or a few words. Pictures of one moment are asked for together, in one message. */
import { useEffect, useState } from "preact/hooks";
import type { Thumbnail } from "../session/samples";
import type { Session } from "../session/session";
import { dataUrl, useView } from "./view";

function useThumb(point: number, size: number): Thumbnail | null {
  const { session } = useView();
  const [thumb, setThumb] = useState<{ point: number; value: Thumbnail } | null>(null);
  useEffect(() => {
    let wanted = true;
    together(session, point, size).then(
      (value) => wanted && setThumb({ point, value }),
      () => undefined, // a toast shows it
    );
    return () => {
      wanted = false;
    };
  }, [session, point, size]);
  return thumb?.point === point ? thumb.value : null;
}

interface Batch {
  points: Set<number>;
  all: Promise<Map<number, Thumbnail>>;
}

const open = new WeakMap<Session, Map<number, Batch>>();

/** Gathers the points asked for until the end of this turn of the event loop. */
function together(session: Session, point: number, size: number): Promise<Thumbnail> {
  const batches = open.get(session) ?? new Map<number, Batch>();
  open.set(session, batches);
  let batch = batches.get(size);
  if (batch === undefined) {
    const points = new Set<number>();
    const gathered = new Promise((resolve) => setTimeout(resolve, 0));
    const all = gathered.then(async () => {
      batches.delete(size);
      const wanted = [...points];
      const thumbs = await session.samples.thumbnails(wanted, size);
      return new Map(wanted.map((wantedRow, index) => [wantedRow, thumbs[index]]));
    });
    batch = { points, all };
    batches.set(size, batch);
  }
  batch.points.add(point);
  return batch.all.then((thumbs) => thumbs.get(point) as Thumbnail);
}

interface Props {
  point: number;
  size: number;
  /** More to say about it, after its name. */
  note?: string;
  /** Its place in the sample, from 1. */
  rank?: number;
  class?: string;
  tabIndex?: number;
  onClick(): void;
}

export function Thumb({ point, size, rank, note, tabIndex, onClick, ...props }: Props) {
  const thumb = useThumb(point, size);
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
