/** What is under the pointer: picture or text, name, label, tags, metadata. Never takes the pointer itself. */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Detail } from "../session/samples";
import { dataUrl, useView } from "./view";

/** The detail of a point; null until it is there. An answer for a point that is no longer asked for is dropped. */
export function useDetail(point: number | null): Detail | null {
  const { session } = useView();
  const [detail, setDetail] = useState<Detail | null>(null);
  const changes = session.samples.changes.value;
  useEffect(() => {
    if (point === null) return setDetail(null);
    let wanted = true;
    session.samples.detail(point).then(
      (found) => wanted && setDetail(found),
      () => wanted && setDetail(null),
    );
    return () => {
      wanted = false;
    };
  }, [session, point, changes]);
  return detail?.point === point ? detail : null;
}

export function HoverCard() {
  const view = useView();
  const at = view.hovered.value;
  const detail = useDetail(at?.point ?? null);
  const card = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (card.current && at) besides(card.current, at.x, at.y);
  });
  if (at === null || detail === null) return null;
  return (
    <div ref={card} class="card hover-card" role="tooltip">
      <Media detail={detail} />
      <div class="card-body">
        {!isBeginning(detail) && <p class="data card-title">{detail.title}</p>}
        <Facts detail={detail} most={5} />
      </div>
    </div>
  );
}

/** Text without a name is titled with its first words, which the card shows already. */
const isBeginning = ({ title, text }: Detail) => text?.startsWith(title.replace(/…$/, "")) ?? false;

export function Media({ detail }: { detail: Detail }) {
  if (detail.thumbnail && detail.thumbnail.length > 0) {
    return <img class="card-image" src={dataUrl(detail.thumbnail, detail.mime)} alt="" />;
  }
  if (detail.text) {
    return (
      <p class="card-text data wrap" dir="auto">
        {detail.text}
      </p>
    );
  }
  return null;
}

export function Facts({ detail, most }: { detail: Detail; most: number }) {
  const fields = detail.fields.slice(0, most);
  const more = detail.fields.length - fields.length;
  return (
    <>
      {detail.labels.length + detail.tags.length > 0 && (
        <ul class="chips" aria-label="Labels and tags">
          {detail.labels.slice(0, 6).map((label) => (
            <li key={`l${label}`} class="chip strong">
              <span class="data">{label}</span>
            </li>
          ))}
          {detail.tags.slice(0, 6).map((tag) => (
            <li key={`t${tag}`} class="chip">
              <span class="data">#{tag}</span>
            </li>
          ))}
        </ul>
      )}
      {fields.length > 0 && (
        <dl class="facts">
          {fields.map(([name, value], index) => (
            <div key={index}>
              <dt class="data">{name}</dt>
              <dd class="data">{value}</dd>
            </div>
          ))}
        </dl>
      )}
      {more > 0 && <p class="muted small">and {more} more</p>}
    </>
  );
}

/** To the right of the pointer, or to the left where there is no room. */
function besides(card: HTMLElement, x: number, y: number): void {
  const room = card.parentElement;
  if (room === null) return;
  const { offsetWidth: width, offsetHeight: height } = card;
  const left = x + 14 + width > room.clientWidth ? x - 14 - width : x + 14;
  const top = y + 14 + height > room.clientHeight ? Math.min(y, room.clientHeight - height - 8) : y + 14;
  card.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`;
}
