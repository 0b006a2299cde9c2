/** What is asked about the picks shown, and what they are kept as: a tag, code, a file. */
import type { ReadonlySignal } from "@preact/signals";
import type { FilterDict, MessageOf } from "../protocol";
import type { Connection } from "./connection";

export type ExportFormat = "txt" | "csv" | "parquet";

export class Results {
  constructor(
    private readonly connection: Connection,
    /** How many picks are shown. */
    private readonly count: ReadonlySignal<number>,
  ) {}

  /** What the picks are like beside all candidates and beside as many at random. */
  metrics(source: string | null = null, metadata: string | null = null): Promise<MessageOf<"metrics">> {
    return this.connection.result("metrics", {
      kind: "metrics",
      n_samples_to_select: this.count.peek(),
      source,
      metadata,
    });
  }

  /** What labels of the picks are worth, or without labels how coverage grows: work that can be cancelled. */
  worth(labels: string | null): { id: number; reply: Promise<MessageOf<"worth">> } {
    const { id, reply } = this.connection.start({ kind: "worth", n_samples_to_select: this.count.peek(), labels });
    return { id, reply: reply.then(({ message }) => message as MessageOf<"worth">) };
  }

  cancel(target: number): void {
    void this.connection.act({ kind: "cancel", target });
  }

  /** `how`: what becomes of a tag of that name. */
  saveTag(name: string, how: "new" | "grow" | "replace" = "new"): Promise<MessageOf<"saved">> {
    const n_samples_to_select = this.count.peek();
    const [grow, replace] = [how === "grow", how === "replace"];
    return this.connection.result("saved", { kind: "save_tag", name, n_samples_to_select, grow, replace });
  }

  /** Python code that repeats the sample. */
  async recipe(tag: string): Promise<string> {
    return (await this.connection.result("recipe", { kind: "recipe", n_samples_to_select: this.count.peek(), tag }))
      .code;
  }

  /** A filter as the Python that a cell would hold. */
  async code(filter: FilterDict): Promise<string> {
    return (await this.connection.result("code", { kind: "code", filter })).code;
  }

  export(format: ExportFormat, path: string, overwrite = false): Promise<MessageOf<"exported">> {
    const n_samples_to_select = this.count.peek();
    return this.connection.result("exported", { kind: "export", format, n_samples_to_select, path, overwrite });
  }

  /** What `export` would meet at that path. */
  checkPath(path: string): Promise<MessageOf<"path">> {
    return this.connection.result("path", { kind: "check_path", path });
  }
}
