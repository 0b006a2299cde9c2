/** The recorded names replaced by hostile ones, on their way to the panel and back. */
import type { Said } from "../src/page/data";
import type { Info, Request } from "../src/protocol";
import { makeWorld } from "./data";

const { classes, weather, tags } = makeWorld(0);
const PLAIN = [
  ...["labels", "brightness", "weather", "street-scenes", "efficientnet-lite0"],
  ...classes,
  ...weather,
  ...tags.keys(),
];
const FIELD = "metadata.";

/** Every string in plain data, mapped. */
function mapped<T>(data: T, map: (text: string) => string): T {
  if (typeof data === "string") return map(data) as T;
  if (Array.isArray(data)) return data.map((item) => mapped(item, map)) as T;
  if (data === null || typeof data !== "object") return data;
  return Object.fromEntries(Object.entries(data).map(([key, item]) => [key, mapped(item, map)])) as T;
}

const through = (names: Map<string, string>) => (text: string) =>
  text.startsWith(FIELD)
    ? FIELD + (names.get(text.slice(FIELD.length)) ?? text.slice(FIELD.length))
    : (names.get(text) ?? text);

/** Without hostile names, all stays as it is. */
export class Names {
  private readonly out: Map<string, string>;
  private readonly back: Map<string, string>;
  /** Those that no recorded name needs. */
  private readonly rest: readonly string[];

  constructor(hostile: readonly string[]) {
    const used = hostile.length > 0 ? PLAIN : [];
    this.out = new Map(used.map((name, index) => [name, hostile[index]]));
    this.back = new Map(used.map((name, index) => [hostile[index], name]));
    this.rest = hostile.slice(used.length);
  }

  asked(request: Request): Request {
    return { ...mapped(request, through(this.back)), kind: request.kind } as Request;
  }

  said<T extends Said>(body: T): T {
    if (this.out.size === 0) return body;
    const made = { ...mapped(body, through(this.out)), kind: body.kind };
    if (made.kind === "colors" && made.color_by.by === "label") {
      made.categories.push(...this.rest.map((name) => ({ name, count: 0 })));
    }
    return made;
  }

  one(name: string): string {
    return this.out.get(name) ?? name;
  }

  /** With a class, a value and a tag of every name. */
  info(plain: Info): Info {
    const info = mapped(plain, through(this.out));
    info.sources[0].classes.push(...this.rest);
    info.metadata[1].values?.push(...this.rest);
    info.tags.push(...this.rest.map((name) => ({ name, count: 40 })));
    return info;
  }
}
