/** The rules of the house, measured: sizes of files, functions and classes, no circle of imports, no export without a user. */
import assert from "node:assert/strict";
import { dirname, join, relative } from "node:path";
import { after, test } from "node:test";
import {
  type Identifier,
  isArrowFunction,
  isClassDeclaration,
  isExportDeclaration,
  isFunctionDeclaration,
  isFunctionExpression,
  isImportDeclaration,
  isStringLiteral,
  isVariableStatement,
  type Node,
  type SourceFile,
  type Statement,
  SyntaxKind,
} from "typescript/unstable/ast";
import { API } from "typescript/unstable/sync";

const MOST_LINES_OF_FILE = 300;
const MOST_LINES_OF_FUNCTION = 60;
const MOST_METHODS = 20;
/** Each room may import from those before it and from itself; files directly in src/ count as their own room; dev/ is above all. */
const LAYERS = ["generated", "wire", "session", "scatter", "panel", "widget", "page"];

const root = process.cwd();
const api = new API({ cwd: root });
after(() => api.close());
const [project] = api.updateSnapshot({ openProjects: [join(root, "tsconfig.json")] }).getProjects();

const files = new Map<string, SourceFile>();
for (const path of project.program.getSourceFileNames()) {
  const name = relative(root, path);
  const file =
    /^(src|tests|dev)\/.*\.tsx?$/.test(name) && !name.endsWith(".d.ts") && project.program.getSourceFile(path);
  if (file) files.set(name, file);
}
const house = new Map([...files].filter(([name]) => /^(src|dev)\//.test(name) && !name.startsWith("src/generated/")));
const ENTRIES = ["src/widget.ts", "dev/page.ts"];

const lineOf = (file: SourceFile, at: number) => file.text.slice(0, at).split("\n").length;
const linesOf = (file: SourceFile, node: Node) => lineOf(file, node.end) - lineOf(file, node.getStart(file)) + 1;

function* nodesOf(node: Node): Generator<Node> {
  yield node;
  const children: Node[] = [];
  node.forEachChild((child) => {
    children.push(child);
    return undefined;
  });
  for (const child of children) yield* nodesOf(child);
}

const FUNCTIONS = new Set([
  SyntaxKind.FunctionDeclaration,
  SyntaxKind.FunctionExpression,
  SyntaxKind.ArrowFunction,
  SyntaxKind.MethodDeclaration,
  SyntaxKind.Constructor,
  SyntaxKind.GetAccessor,
  SyntaxKind.SetAccessor,
]);

/** The file that an import names, or null for a package or a style sheet. */
function resolved(from: string, to: string): string | null {
  if (!to.startsWith(".")) return null;
  const base = join(dirname(from), to);
  const found = [`${base}.ts`, `${base}.tsx`, join(base, "index.ts")].find((name) => files.has(name));
  assert.ok(found !== undefined || /\.(css|json)$/.test(to), `${from} imports ${to}, which is not in the program`);
  return found ?? null;
}

interface Import {
  file: string;
  /** What is imported; null for all of it. */
  names: string[] | null;
}

function importOf(name: string, statement: Statement): Import | null {
  if (!isImportDeclaration(statement) && !isExportDeclaration(statement)) return null;
  const { moduleSpecifier: specifier } = statement;
  const file = specifier && isStringLiteral(specifier) ? resolved(name, specifier.text) : null;
  if (file === null) return null;
  const clause = isImportDeclaration(statement) ? statement.importClause : statement;
  const bindings = isImportDeclaration(statement) ? statement.importClause?.namedBindings : statement.exportClause;
  const elements = bindings && "elements" in bindings ? [...bindings.elements] : null;
  const names = elements?.map(({ propertyName, name: own }) => (propertyName ?? own).text) ?? null;
  const whole = clause && "name" in clause && clause.name ? ["default"] : [];
  return { file, names: names === null && whole.length === 0 ? null : [...whole, ...(names ?? [])] };
}

const importsOf = (name: string): Import[] =>
  [...(files.get(name) as SourceFile).statements].map((one) => importOf(name, one)).filter((one) => one !== null);

/** The values that a file exports; a type may be there for those who hold a value of it. */
function exportsOf(file: SourceFile): string[] {
  return [...file.statements].flatMap((statement) => {
    const modifiers = "modifiers" in statement ? [...((statement.modifiers as Iterable<Node> | undefined) ?? [])] : [];
    if (!modifiers.some(({ kind }) => kind === SyntaxKind.ExportKeyword)) return [];
    if (isVariableStatement(statement)) {
      return [...statement.declarationList.declarations].map(({ name }) => (name as Identifier).text);
    }
    const named = isFunctionDeclaration(statement) || isClassDeclaration(statement);
    return named && statement.name ? [statement.name.text] : [];
  });
}

test(`no file has more than ${MOST_LINES_OF_FILE} lines`, () => {
  assert.ok(house.size > 50);
  const long = [...house].map(([name, { text }]) => [name, text.split("\n").length - 1] as const);
  assert.deepEqual(
    long.filter(([, lines]) => lines > MOST_LINES_OF_FILE),
    [],
  );
});

test(`no function has more than ${MOST_LINES_OF_FUNCTION} lines`, () => {
  const long: string[] = [];
  let seen = 0;
  for (const [name, file] of house) {
    for (const node of nodesOf(file)) {
      if (!FUNCTIONS.has(node.kind)) continue;
      seen++;
      const lines = linesOf(file, node);
      if (lines > MOST_LINES_OF_FUNCTION) long.push(`${name}:${lineOf(file, node.getStart(file))} has ${lines} lines`);
    }
  }
  assert.ok(seen > 500);
  assert.deepEqual(long, []);
});

const METHODS = new Set([SyntaxKind.MethodDeclaration, SyntaxKind.GetAccessor, SyntaxKind.SetAccessor]);
/** A method written as a property: an arrow function. */
const isFunctional = (member: Node) =>
  "initializer" in member &&
  Boolean(member.initializer) &&
  (isArrowFunction(member.initializer as Node) || isFunctionExpression(member.initializer as Node));

test(`no class has more than ${MOST_METHODS} methods`, () => {
  const large: string[] = [];
  let seen = 0;
  for (const [name, file] of house) {
    for (const node of nodesOf(file)) {
      if (!isClassDeclaration(node)) continue;
      seen++;
      const methods = [...node.members].filter((member) => METHODS.has(member.kind) || isFunctional(member));
      if (methods.length > MOST_METHODS) large.push(`${name}: ${node.name?.text} has ${methods.length} methods`);
    }
  }
  assert.ok(seen > 10);
  assert.deepEqual(large, []);
});

test("no file imports itself by a detour, types included", () => {
  const done = new Set<string>();
  const visit = (name: string, path: string[]): void => {
    assert.ok(!path.includes(name), [...path, name].join(" → "));
    if (done.has(name)) return;
    for (const { file } of importsOf(name)) visit(file, [...path, name]);
    done.add(name);
  };
  for (const name of house.keys()) visit(name, []);
  assert.ok(done.size >= house.size);
});

const layerOf = (name: string) =>
  name.startsWith("dev/") ? LAYERS.length : LAYERS.indexOf(name.split("/")[1].replace(/\.tsx?$/, ""));

test("the rooms import downwards only, and the plot knows neither the session nor the panel", () => {
  const upward: string[] = [];
  for (const name of house.keys()) {
    for (const { file } of importsOf(name)) {
      const [from, to] = [layerOf(name), layerOf(file)];
      if (from < 0 || to < 0) continue; // a file that all rooms share
      const sideways = name.startsWith("src/scatter/") && file.startsWith("src/session/");
      if (to > from || sideways) upward.push(`${name} imports ${file}`);
    }
  }
  assert.deepEqual(upward, []);
});

test("every exported value has a user", () => {
  const used = new Set<string>();
  for (const name of files.keys()) {
    for (const { file, names } of importsOf(name)) for (const one of names ?? ["*"]) used.add(`${file} ${one}`);
  }
  const unused: string[] = [];
  for (const [name, file] of house) {
    if (ENTRIES.includes(name) || used.has(`${name} *`)) continue;
    for (const one of exportsOf(file)) if (!used.has(`${name} ${one}`)) unused.push(`${name}: ${one}`);
  }
  assert.deepEqual(unused, []);
});
