/** What the page knows of single samples: all that was recorded of some, and of the others their name and colors. */
import type { MessageOf } from "../protocol";
import { decode } from "../wire";
import type { PageData, Recorded, Said } from "./data";

type Detail = Recorded<MessageOf<"detail">>;

export class PageSamples {
  private readonly details: Map<number, Detail>;

  constructor(private readonly data: PageData) {
    this.details = new Map(data.details.map((detail) => [detail.message.point, detail]));
  }

  detail(point: number): Detail {
    return this.details.get(point) ?? { message: this.known(point), buffers: [] };
  }

  /** The same pictures as in the details, and the beginnings of texts. */
  thumbnails(points: number[]): Recorded<MessageOf<"thumbnails">> {
    const buffers: DataView[] = [];
    const details = points.map((point) => this.detail(point));
    const images = details.map(({ message, buffers: [picture] }) => {
      if (message.thumbnail === null) return null;
      buffers.push(picture);
      return { ...message.thumbnail, buffer: buffers.length - 1 };
    });
    const message: Said<MessageOf<"thumbnails">> = {
      kind: "thumbnails",
      points,
      images,
      texts: details.map(({ message: { text } }) => text),
      titles: details.map(({ message: { title } }) => title),
      mime: details.find(({ message }) => message.thumbnail !== null)?.message.mime ?? "image/webp",
    };
    return { message, buffers };
  }

  private known(point: number): Said<MessageOf<"detail">> {
    const title = this.data.titles?.[point] ?? `sample ${point}`;
    const known = { labels: [] as string[], tags: [] as string[], fields: [] as [string, string][] };
    for (const { color_by: by, replies } of this.data.colors) {
      const value = colorValue(replies, point);
      if (value === null) continue;
      if (by.by === "label") known.labels.push(value);
      else if (by.by === "tag") known.tags.push(value);
      else known.fields.push(["key" in by ? by.key : by.by, value]);
    }
    return { kind: "detail", point, sample_id: title, title, text: null, ...known, thumbnail: null, mime: "" };
  }
}

/** The value of one point in a coloring, for people to read; null where it has none. */
function colorValue(replies: PageData["colors"][number]["replies"], point: number): string | null {
  for (const { message, buffers } of replies) {
    if (message.values === null) continue;
    const values = decode(message.values, buffers);
    if (point < message.offset || point >= message.offset + values.length) continue;
    const value = values[point - message.offset];
    if (message.scale === "category") return message.categories[value]?.name ?? null;
    return Number.isNaN(value) ? null : String(Number(value.toPrecision(6)));
  }
  return null;
}
