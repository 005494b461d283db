/** The generated types against what the real app-server said: each recorded message is a literal that TypeScript checks, surplus members included. */
import path from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";
import { RECORDED } from "./recorded.js";

const ROOT = path.resolve(import.meta.dirname, "../..");
const FILE = path.join(ROOT, "tests/bridge/recorded-literals.ts");
/** Messages of one method and item type that are checked: more say nothing new. */
const OF_A_KIND_MAX = 4;
const TEXT_MAX = 200;

/** Where the binary says something else than its own types: the member that is wrong, by the type that has it. */
const UNTRUE = [
  'ClientRequests["config/read"]["result"]: Property \'layers\' is missing',
  'ClientRequests["skills/list"]["result"]: Type \'null\' is not assignable to type \'string | undefined\'',
];

/** Each message of the app-server as `const x: <its type> = <itself>`. */
function literals(): { type: string; code: string }[] {
  const asked = new Map<unknown, string>();
  const count = new Map<string, number>();
  return RECORDED.flatMap(({ dir, msg }) => {
    if (msg.event === "start") asked.clear();
    if (dir === "out" && msg.method !== undefined) asked.set(msg.id, msg.method);
    if (dir !== "in" || msg.error !== undefined) return [];
    const list = msg.method === undefined ? "ClientRequests" : msg.id === undefined ? "ServerNotifications" : "ServerRequests";
    const type = `${list}[${JSON.stringify(msg.method ?? asked.get(msg.id))}]["${msg.method === undefined ? "result" : "params"}"]`;
    const kind = `${type} ${(msg.params as { item?: { type: string } } | undefined)?.item?.type ?? ""}`;
    const before = count.get(kind) ?? 0;
    count.set(kind, before + 1);
    if (before >= OF_A_KIND_MAX) return [];
    const value = JSON.stringify(msg.method === undefined ? msg.result : msg.params, (_key, value: unknown) => (typeof value === "string" ? value.slice(0, TEXT_MAX) : value));
    return [{ type, code: `{ const x: P.${type} = ${value}; void x; }` }];
  });
}

test("every recorded message of the app-server has its generated type", { timeout: 60_000 }, () => {
  const checked = literals();
  const text = ['import type * as P from "../../js-wrapper/protocol/index.js";', ...checked.map(({ code }) => code)].join("\n");
  const options: ts.CompilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    lib: ["lib.es2023.d.ts"],
  };
  const disk = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (name) => name === FILE || disk.fileExists(name),
    readFile: (name) => (name === FILE ? text : disk.readFile(name)),
    getSourceFile: (name, version, ...rest) => (name === FILE ? ts.createSourceFile(name, text, version) : disk.getSourceFile(name, version, ...rest)),
  };
  const program = ts.createProgram([FILE], options, host);
  const source = program.getSourceFile(FILE)!;
  const found = program.getSemanticDiagnostics(source).map(({ start = 0, messageText }) => {
    const { type } = checked[source.getLineAndCharacterOfPosition(start).line - 1]!;
    return `${type}: ${ts.flattenDiagnosticMessageText(messageText, "\n").split("\n")[0]!}`;
  });
  expect(found.filter((problem) => !UNTRUE.some((known) => problem.startsWith(known)))).toEqual([]);
  expect(UNTRUE.filter((known) => !found.some((problem) => problem.startsWith(known)))).toEqual([]);
  expect([checked.length, new Set(checked.map(({ type }) => type)).size]).toEqual([239, 72]);
});
