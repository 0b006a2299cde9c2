/** One sample, large: its picture with boxes or its text, and all of its fields; arrow keys go through the list. */
import { useEffect, useState } from "preact/hooks";
import type { Detail, Thumbnail } from "../session/samples";
import { Button } from "./controls/Button";
import { count } from "./format";
import { Facts, useDetail } from "./HoverCard";
import { Modal } from "./Modal";
import { dataUrl, useView, type View } from "./view";

/** The largest picture that the kernel sends. */
const PIXELS = 512;

function step(view: View, by: number): void {
  const large = view.large.peek();
  if (large === null) return;
  const { points, at } = large;
  view.large.value = { points, at: (at + by + points.length) % points.length };
}

export function Viewer() {
  const view = useView();
  const large = view.large.value;
  if (large === null) return null;
  const { points, at } = large;
  const close = () => {
    view.large.value = null;
  };
  const keys = (event: KeyboardEvent) => {
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") step(view, event.key === "ArrowRight" ? 1 : -1);
    else if (event.key.toLowerCase() === "b") view.boxes.value = !view.boxes.peek();
    else return;
    event.preventDefault();
  };
  return (
    <Modal label="Sample" class="viewer" onClose={close} onKey={keys}>
      <Sample point={points[at]} place={`${count(at + 1)} of ${count(points.length)}`} single={points.length < 2} />
    </Modal>
  );
}

function Sample({ point, place, single }: { point: number; place: string; single: boolean }) {
  const view = useView();
  const detail = useDetail(point);
  const boxes = detail?.boxes ?? [];
  return (
    <>
      <div class="row viewer-head">
        <h3 class="data grow">{detail?.title ?? "…"}</h3>
        <span class="muted small nowrap">{place}</span>
        {boxes.length > 0 && (
          <Button
            label={`Boxes (${count(boxes.length)})`}
            mini
            pressed={view.boxes.value}
            title="Show the boxes (B)"
            onClick={() => {
              view.boxes.value = !view.boxes.value;
            }}
          />
        )}
        <Button label="Previous" icon="left" iconOnly kind="quiet" disabled={single} onClick={() => step(view, -1)} />
        <Button label="Next" icon="right" iconOnly kind="quiet" disabled={single} onClick={() => step(view, 1)} />
        <Button
          label="Close"
          icon="close"
          iconOnly
          kind="quiet"
          onClick={() => {
            view.large.value = null;
          }}
        />
      </div>
      <div class="viewer-body">
        <div class="viewer-stage">{detail && <Picture point={point} detail={detail} />}</div>
        <div class="viewer-facts">{detail && <Facts detail={detail} most={200} />}</div>
      </div>
    </>
  );
}

/** The small picture at once, the large one when it has come. */
function usePicture(point: number, detail: Detail): string | null {
  const { session } = useView();
  const [large, setLarge] = useState<{ point: number; thumb: Thumbnail } | null>(null);
  useEffect(() => {
    let wanted = true;
    session.samples.thumbnails([point], PIXELS).then(
      ([thumb]) => wanted && setLarge({ point, thumb }),
      () => undefined, // a toast shows it
    );
    return () => {
      wanted = false;
    };
  }, [session, point]);
  const { image, mime } =
    large?.point === point && large.thumb.image ? large.thumb : { image: detail.thumbnail, mime: detail.mime };
  return image && image.length > 0 ? dataUrl(image, mime) : null;
}

const share = (value: number) => `${100 * value}%`;

function Picture({ point, detail }: { point: number; detail: Detail }) {
  const view = useView();
  const picture = usePicture(point, detail);
  const [ratio, setRatio] = useState(4 / 3);
  if (picture === null) {
    return (
      <p class="viewer-text data wrap" dir="auto">
        {detail.text ?? "There is no picture of this sample."}
      </p>
    );
  }
  return (
    <div class="viewer-picture" style={{ "--ratio": ratio }}>
      <img
        src={picture}
        alt={detail.title}
        draggable={false}
        onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) => setRatio(naturalWidth / naturalHeight)}
      />
      {view.boxes.value &&
        detail.boxes?.map(({ label, x, y, width, height }, index) => (
          <div
            key={index}
            class="viewer-box"
            style={{ left: share(x), top: share(y), width: share(width), height: share(height) }}
          >
            <span class="data">{label}</span>
          </div>
        ))}
    </div>
  );
}
