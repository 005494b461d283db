/**
 * What the documents show compiles. Each document is an app: its `ts` and `tsx` blocks are that app's files, and `api` is made of its
 * own `convex/chat.ts`, or else of the example's. A file that is shown a second time begins another app. What a block takes for
 * granted stands before it in a comment, `<!-- given: … -->`. The package is what its sources are.
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";
import { PACKAGE, ROOT, manifest } from "./app.js";
import { documents, readDocument, type At, type CodeBlock, type Document } from "./documents.js";

/** No such folder is there: its files are the documents'. */
const APPS = path.join(ROOT, "apps");
const EXAMPLE = path.join(ROOT, "example/convex");
const GENERATED = ["api.d.ts", "server.d.ts", "dataModel.d.ts"];
const CHAT = "convex/chat.ts";

/** A block as a file: where its first line stands, and what is before it. */
interface Snippet {
  readonly document: string;
  readonly line: number;
  readonly file: string;
  readonly text: string;
}

/** What each export is built from: where it lies in `dist`, it lies in one of two folders. */
async function sources(): Promise<Record<string, string[]>> {
  const declared = Object.entries((await manifest()).exports).flatMap(([name, target]) => (typeof target === "string" ? [] : [[name, target.types ?? ""] as const]));
  const source = (types: string) => {
    const file = types.replace(/^\.\/dist\/[\w-]+\/(component\/)?/, "").replace(/\.d\.ts$/, ".ts");
    return ["js-wrapper", "convex"].map((folder) => path.join(ROOT, folder, file)).find((candidate) => existsSync(candidate)) ?? expect.fail(`no source of ${types}`);
  };
  return Object.fromEntries(declared.map(([name, types]) => [PACKAGE + name.slice(1), [source(types)]]));
}

/** A document's blocks, as the files of its apps. */
function snippetsOf({ file: document, blocks }: Document): Snippet[] {
  const name = document.replaceAll(/\W+/g, "-");
  const taken = new Set<string>();
  let app = 0;
  const snippetOf = ({ line, value: { language, text, given } }: At<CodeBlock>): Snippet => {
    const file = /^\/\/ (\S+\.tsx?)$/m.exec(text.split("\n")[0] ?? "")?.[1] ?? `src/line-${line}.${language}`;
    if (taken.has(file)) {
      taken.clear();
      app += 1;
    }
    taken.add(file);
    const before = given === "" ? "" : `${given}\n`;
    // What imports nothing is a module too.
    return { document, line: line - before.split("\n").length + 1, file: path.join(APPS, name, String(app), file), text: `${before}${text}\nexport {};\n` };
  };
  return blocks.filter(({ value }) => value.language === "ts" || value.language === "tsx").map(snippetOf);
}

const appOf = (file: string) => path.join(APPS, ...path.relative(APPS, file).split(path.sep).slice(0, 2));

/** Every file of the apps: the documents', and what the Convex CLI would make. */
function filesOf(snippets: readonly Snippet[]): Map<string, string> {
  const files = new Map(snippets.map(({ file, text }) => [file, text]));
  for (const app of new Set(snippets.map(({ file }) => appOf(file)))) {
    for (const name of GENERATED) files.set(path.join(app, "convex/_generated", name), readFileSync(path.join(EXAMPLE, "_generated", name), "utf8"));
    const chat = path.join(app, CHAT);
    if (!files.has(chat)) files.set(chat, readFileSync(path.join(EXAMPLE, path.basename(CHAT)), "utf8"));
  }
  return files;
}

/** What the compiler says of the snippets, each by its line in its document. */
async function compile(snippets: readonly Snippet[]): Promise<string[]> {
  const { config } = ts.readConfigFile(path.join(ROOT, "tsconfig.json"), (file) => ts.sys.readFile(file)) as { config: unknown };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  const files = filesOf(snippets);
  const disk = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (file) => files.has(path.normalize(file)) || disk.fileExists(file),
    readFile: (file) => files.get(path.normalize(file)) ?? disk.readFile(file),
    directoryExists: (folder) => path.normalize(folder).startsWith(APPS) || disk.directoryExists?.(folder) === true,
    getSourceFile: (file, ...rest) => {
      const text = files.get(path.normalize(file));
      return text === undefined ? disk.getSourceFile(file, ...rest) : ts.createSourceFile(file, text, rest[0]);
    },
  };
  const paths = { ...options.paths, ...(await sources()) };
  const program = ts.createProgram({ rootNames: snippets.map(({ file }) => file), options: { ...options, paths }, host });
  return snippets.flatMap(({ document, line, file }) => {
    const source = program.getSourceFile(file);
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return found.map(({ start = 0, messageText }) => {
      const at = line + (source?.getLineAndCharacterOfPosition(start).line ?? 0);
      return `${document}:${at} ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
    });
  });
}

/** It does not compile, so that a test that checks nothing is found out. */
const WRONG = '# Wrong\n\n<!-- given:\nimport { api } from "../convex/_generated/api";\n-->\n```tsx\n\nexport const wrong = api.chat.noSuchFunction;\n```\n';

test("every block compiles, and one that does not is named by its line", async () => {
  const snippets = [...documents, readDocument("WRONG.md", WRONG)].flatMap(snippetsOf);
  expect(snippets.length).toBeGreaterThan(30);
  expect(await compile(snippets)).toEqual([expect.stringMatching(/^WRONG\.md:8 Property 'noSuchFunction' does not exist/)]);
});

test("every block of JSON is some", () => {
  const json = documents.flatMap(({ blocks }) => blocks.filter(({ value }) => value.language === "json"));
  expect(json.length).toBeGreaterThan(0);
  for (const { value } of json) expect(() => JSON.parse(value.text) as unknown).not.toThrow();
});
