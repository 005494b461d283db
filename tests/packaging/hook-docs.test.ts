/**
 * What docs/CLIENT_AND_REACT_HOOKS.md shows compiles: every `ts` and `tsx` block is a file of one app, whose api is made of the
 * document's own `convex/chat.ts`. The package is what its sources are.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";
import { PACKAGE, ROOT } from "./app.js";

const DOCUMENT = "docs/CLIENT_AND_REACT_HOOKS.md";
/** No such folder is there: its files are the document's. */
const APP = path.join(ROOT, "docs/app");
const EXAMPLE = path.join(ROOT, "example/convex/_generated");
const GENERATED = ["api.d.ts", "server.d.ts", "dataModel.d.ts"];

const SOURCES: Record<string, string> = {
  [`${PACKAGE}/react`]: "js-wrapper/react/index.ts",
  [`${PACKAGE}/assistant-ui`]: "js-wrapper/assistant-ui/index.ts",
  [`${PACKAGE}/client`]: "js-wrapper/client/index.ts",
  [`${PACKAGE}/host/convex`]: "js-wrapper/host/convex.ts",
  [`${PACKAGE}/_generated/component.js`]: "convex/_generated/component.ts",
  [PACKAGE]: "js-wrapper/index.ts",
};

/** A block: where it stands, and the file that it is. Its first line names the file, or else it is one of `src`. */
interface Block {
  readonly line: number;
  readonly file: string;
  readonly text: string;
}

function readBlocks(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(tsx?)\n(.*?)^```$/gms)].map(({ 1: language = "", 2: text = "", index }) => {
    const line = markdown.slice(0, index).split("\n").length + 1;
    const named = /^\/\/ (convex\/\S+\.ts)\n/.exec(text)?.[1];
    // What imports nothing is a module too.
    return { line, file: path.join(APP, named ?? `src/line-${line}.${language}`), text: `${text}export {};\n` };
  });
}

/** What the compiler says of the blocks, each by its line in the document. */
function compile(blocks: readonly Block[]): string[] {
  const { config } = ts.readConfigFile(path.join(ROOT, "tsconfig.json"), (file) => ts.sys.readFile(file)) as { config: unknown };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  const paths = { ...options.paths, ...Object.fromEntries(Object.entries(SOURCES).map(([name, file]) => [name, [path.join(ROOT, file)]])) };
  const app = new Map(blocks.map(({ file, text }) => [file, text]));
  for (const name of GENERATED) app.set(path.join(APP, "convex/_generated", name), readFileSync(path.join(EXAMPLE, name), "utf8"));
  const disk = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (file) => app.has(path.normalize(file)) || disk.fileExists(file),
    readFile: (file) => app.get(path.normalize(file)) ?? disk.readFile(file),
    directoryExists: (folder) => path.normalize(folder).startsWith(APP) || disk.directoryExists?.(folder) === true,
    getSourceFile: (file, ...rest) => {
      const text = app.get(path.normalize(file));
      return text === undefined ? disk.getSourceFile(file, ...rest) : ts.createSourceFile(file, text, rest[0]);
    },
  };
  const program = ts.createProgram({ rootNames: blocks.map(({ file }) => file), options: { ...options, paths, types: ["node"] }, host });
  return blocks.flatMap(({ file, line }) => {
    const source = program.getSourceFile(file);
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return found.map(({ start = 0, messageText }) => {
      const at = line + (source?.getLineAndCharacterOfPosition(start).line ?? 0);
      return `${DOCUMENT}:${at} ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
    });
  });
}

const markdown = readFileSync(path.join(ROOT, DOCUMENT), "utf8");
/** It does not compile, so that a test that checks nothing is found out. */
const WRONG = '```tsx\nimport { api } from "../convex/_generated/api";\n\nexport const wrong = api.chat.noSuchFunction;\n```\n';

test("every block compiles, and one that does not is named by its line", () => {
  const said = compile(readBlocks(markdown + WRONG));
  const line = markdown.split("\n").length + 3;
  expect(said).toEqual([expect.stringMatching(new RegExp(`\\.md:${line} Property 'noSuchFunction' does not exist`))]);
});

test("every hook that is exported has its section, and is in the table", () => {
  const exported = readFileSync(path.join(ROOT, "js-wrapper/react/index.ts"), "utf8").match(/\buseCodex\w*/g) ?? [];
  const hooks = [...new Set(exported)].sort();
  expect(hooks.length).toBeGreaterThan(5);
  expect(hooks.filter((hook) => !markdown.includes(`\n### ${hook}\n`))).toEqual([]);
  expect(hooks.filter((hook) => !markdown.includes(`\n| [\`${hook}\`](#${hook.toLowerCase()}) |`))).toEqual([]);
});
