// The JSON Schema on stdin as TypeScript on stdout; `python -m lightly_widget.wire.generate` calls this.
import { readFileSync } from "node:fs";
import { compile } from "json-schema-to-typescript";

const { $defs } = JSON.parse(readFileSync(0, "utf8"));
const definitions = JSON.parse(JSON.stringify($defs).replaceAll("#/$defs/", "#/definitions/"));
const all = { type: "object", properties: {}, additionalProperties: false, definitions };
const made = await compile(all, "Everything", {
  bannerComment: "",
  unreachableDefinitions: true,
  format: true,
  style: { printWidth: 120 },
});
const tidy = made
  .replace(/export interface Everything \{\}\n+/, "")
  .replace(/ \*\n \* This interface was referenced by[^\n]*\n[^\n]*\n/g, "")
  .replace(/\/\*\*\n \* This interface was referenced by[^\n]*\n[^\n]*\n \*\/\n/g, "");
process.stdout.write(tidy);
