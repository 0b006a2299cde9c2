/** What is known of single samples: their details and pictures (cached), what is near them, which one is hovered. */
import { type Signal, signal } from "@preact/signals";
import type { PointIndex } from "../flags";
import type { Ask, MessageOf } from "../protocol";
import { decodeAs } from "../wire";
import { Cache } from "./cache";
import type { Connection } from "./connection";

export interface Detail extends Omit<MessageOf<"detail">, "seq" | "id" | "done" | "kind" | "thumbnail"> {
  /** Encoded image bytes of type `mime`, or null. */
  thumbnail: Uint8Array | null;
}

export interface Thumbnail {
  image: Uint8Array | null;
  mime: string;
  text: string | null;
  title: string;
}

/** What to look for: one of text, point and image. */
export interface Query {
  text?: string;
  point?: PointIndex;
  image?: Uint8Array<ArrayBuffer>;
  sign?: 1 | -1;
}

const NO_THUMBNAIL: Thumbnail = { image: null, mime: "", text: null, title: "" };

export class Samples {
  /** The point under a pointer here, or that Python (or a linked explorer) set. */
  readonly hovered: Signal<PointIndex | null> = signal(null);
  /** How often what was known of samples was forgotten: whoever shows a detail asks again then. */
  readonly changes: Signal<number> = signal(0);
  private readonly details = new Cache<PointIndex, Promise<Detail>>(500);
  private readonly thumbs = new Cache<string, Promise<Thumbnail>>(2_000);

  constructor(
    private readonly connection: Connection,
    /** Sets the trait `hovered`. */
    private readonly setHovered: (sampleId: string | null) => void,
  ) {}

  /** Name, fields and picture of a point. */
  detail(point: PointIndex): Promise<Detail> {
    return this.details.get(point, async () => {
      const { reply, ...message } = await this.connection.result("detail", { kind: "detail", point });
      const thumbnail = message.thumbnail && decodeAs(Uint8Array, message.thumbnail, reply.buffers);
      return { ...message, thumbnail };
    });
  }

  /** Tags or labels have changed. */
  forgetDetails(): void {
    this.details.clear();
    this.changes.value++;
  }

  /** Sets the trait `hovered` to the sample id of `point` once that is known. */
  hover(point: PointIndex | null): void {
    this.hovered.value = point;
    if (point === null) this.setHovered(null);
    else {
      this.detail(point).then(
        (detail) => this.hovered.peek() === point && this.setHovered(detail.sample_id),
        () => undefined, // a toast shows it
      );
    }
  }

  /** Pictures (or texts) of points; only those missing are asked for, in one message. */
  async thumbnails(points: readonly PointIndex[], size: number): Promise<Thumbnail[]> {
    const missing = points.filter((point) => !this.thumbs.has(`${size}:${point}`));
    if (missing.length > 0) {
      const answer = this.connection.result("thumbnails", { kind: "thumbnails", points: missing, size });
      missing.forEach((point, index) => {
        this.thumbs.get(`${size}:${point}`, async () => {
          const { reply, images, texts, titles, mime } = await answer;
          const image = images[index] && decodeAs(Uint8Array, images[index], reply.buffers);
          return { image, mime, text: texts[index], title: titles[index] };
        });
      });
      await answer;
    }
    return Promise.all(points.map((point) => this.thumbs.get(`${size}:${point}`, async () => NO_THUMBNAIL)));
  }

  /** The nearest points in the full embedding space, nearest first, with Euclidean distances. */
  async neighbors(point: PointIndex, k = 10, model: string | null = null) {
    const ask = { kind: "neighbors", point, k, model } as const;
    const { reply, ...message } = await this.connection.result("neighbors", ask);
    return {
      points: decodeAs(Uint32Array, message.points, reply.buffers),
      distances: decodeAs(Float32Array, message.distances, reply.buffers),
    };
  }

  /** By text, a sample, or an encoded picture. */
  async find({ image, ...query }: Query, k = 50) {
    const picture = image && { image: { buffer: 0, dtype: "u8", shape: [image.length] } as const };
    const ask = { kind: "find", k, ...query, ...picture } as const;
    const { reply, ...message } = await this.connection.result("found", ask as Ask, image);
    return {
      points: decodeAs(Uint32Array, message.points, reply.buffers),
      scores: decodeAs(Float32Array, message.scores, reply.buffers),
    };
  }
}
