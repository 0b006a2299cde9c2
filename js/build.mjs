// One self-contained ES module for the wheel; with --tests, each test file bundled for Node's own test runner.
import { copyFileSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";

const BUDGET_KB = 180;
const outfile = "../lightly_widget/static/widget.js";
const pageFile = "../lightly_widget/static/page.js";
const shared = {
  bundle: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  loader: { ".css": "text" },
  logLevel: "info",
};

if (process.argv.includes("--tests")) {
  rmSync("dist/tests", { recursive: true, force: true });
  const tests = readdirSync("tests").filter((name) => /\.test\.tsx?$/.test(name));
  await esbuild.build({
    ...shared,
    entryPoints: tests.map((name) => `tests/${name}`),
    outdir: "dist/tests",
    outExtension: { ".js": ".mjs" },
    platform: "node",
    packages: "external",
    sourcemap: "inline",
  });
} else if (process.argv.includes("--dev")) {
  // The widget in a plain page against a mock kernel: for component tests, screenshots and trying things out.
  const dev = { ...shared, entryPoints: ["dev/page.ts"], outfile: "dist/dev/page.js", sourcemap: "inline" };
  await esbuild.build({ ...dev, format: "iife", logLevel: "warning" });
  copyFileSync("dev/index.html", "dist/dev/index.html");
} else {
  const options = { ...shared, entryPoints: ["src/widget.ts"], outfile, minify: true, legalComments: "none" };
  if (process.argv.includes("--watch")) {
    const context = await esbuild.context(options);
    await context.watch();
  } else {
    await esbuild.build(options);
    // The kernel of pages without one: they hold the bundle as it is, and this beside it.
    await esbuild.build({ ...options, entryPoints: ["src/page.ts"], outfile: pageFile, format: "iife" });
    const kilobytes = gzipSync(readFileSync(outfile), { level: 9 }).length / 1000;
    console.log(`widget.js: ${kilobytes.toFixed(1)} kB gzipped of ${BUDGET_KB}`);
    if (kilobytes > BUDGET_KB) {
      throw new Error(`the bundle is ${kilobytes.toFixed(1)} kB gzipped, over its budget of ${BUDGET_KB} kB`);
    }
  }
}
