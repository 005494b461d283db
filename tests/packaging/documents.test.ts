/** What the documents name is there: files, headings, commands, options, error codes. What they show compiles: `snippets.test.ts`. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import * as client from "../../js-wrapper/client/index.js";
import { NEEDED, WANTED } from "../../js-wrapper/cli/doctor.js";
import { defineCodexHost } from "../../js-wrapper/host/define.js";
import { vHostSyncRuntimeOptions } from "../../js-wrapper/host/validators.js";
import { PACKAGE, ROOT, manifest, node, type Manifest } from "./app.js";
import { documents, readDocument, writtenFiles, type At, type Document } from "./documents.js";

const HISTORY = "CHANGELOG.md";
const ERRORS = "docs/OPERATIONS_AND_ERRORS.md";
const CLI = "docs/CLI.md";
/** Those that tell of what is, not of what was. */
const present = documents.filter(({ file }) => file !== HISTORY);
const textOf = (file: string) => readFileSync(path.join(ROOT, file), "utf8");

const named = (list: readonly Document[]) => list.map((document) => [document.file, document] as const);

/** Where something is wrong in a document, and what. */
function told({ file }: Document, found: readonly At<string>[], problemOf: (value: string) => string | undefined): string[] {
  return found.flatMap(({ line, value }) => {
    const problem = problemOf(value);
    return problem === undefined ? [] : [`${file}:${line} ${value} ${problem}`];
  });
}

test("the documents are found", () => {
  const files = documents.map(({ file }) => file);
  expect(files).toEqual(expect.arrayContaining(["README.md", HISTORY, "CONTRIBUTING.md", "convex/README.md", CLI, ERRORS, "docs/SECURITY.md", "docs/MIGRATION.md"]));
});

describe("links", () => {
  /** Why a link leads nowhere; undefined where it leads somewhere. */
  function problemOf(document: Document, url: string): string | undefined {
    if (/^[a-z]+:/.test(url)) return URL.canParse(url) && new URL(url).protocol === "https:" ? undefined : "is no https address";
    const [target = "", anchor] = url.split("#");
    const file = target === "" ? document.file : path.posix.join(path.posix.dirname(document.file), target);
    if (target !== "" && !existsSync(path.join(ROOT, file))) return "is not there";
    if (anchor === undefined) return undefined;
    const to = target === "" ? document : documents.find((other) => other.file === file);
    return to?.anchors.has(anchor) === true ? undefined : "has no such heading";
  }

  const problems = (document: Document) => told(document, document.links, (url) => problemOf(document, url));

  test.each(named(documents))("of %s lead somewhere", (_file, document) => expect(problems(document)).toEqual([]));

  test("of a document that is packed lead to what is packed, but for pictures", async () => {
    const { files } = await manifest();
    const packed = documents.filter(({ file }) => files.includes(file));
    expect(packed.map(({ file }) => file)).toEqual(expect.arrayContaining(["README.md", HISTORY, "docs/HOST_INTEGRATION.md", "docs/CLIENT_AND_REACT_HOOKS.md", CLI, ERRORS, "docs/SECURITY.md", "docs/MIGRATION.md"]));
    const problemThere = ({ file }: Document) => (url: string) => {
      const [target = ""] = url.split("#");
      const isElsewhere = target === "" || /^[a-z]+:/.test(url) || /\.(gif|png)$/.test(target);
      return isElsewhere || files.includes(path.posix.join(path.posix.dirname(file), target)) ? undefined : "is not packed";
    };
    expect(packed.flatMap((document) => told(document, document.links, problemThere(document)))).toEqual([]);
    const wrong = readDocument("docs/WRONG.md", "[a](EVIDENCE.md#x) [b](CLI.md#bridge) [c](../README.md) ![d](demo.gif)\n");
    expect(told(wrong, wrong.links, problemThere(wrong))).toEqual(["docs/WRONG.md:1 EVIDENCE.md#x is not packed"]);
  });

  test("that do not are found", () => {
    const wrong = readDocument("docs/WRONG.md", "# A `b` c\n\n[a](#a-b-c) [b](#b) [c](../README.md) [d](README.md) [e](CLI.md#exit-codes) [f](CLI.md#exit) ![g](demo.gif) [h](http://a.b) <https://a.b>\n");
    expect(problems(wrong)).toEqual([
      "docs/WRONG.md:3 #b has no such heading",
      "docs/WRONG.md:3 README.md is not there",
      "docs/WRONG.md:3 CLI.md#exit has no such heading",
      "docs/WRONG.md:3 http://a.b is no https address",
    ]);
  });
});

describe("files", () => {
  const written = writtenFiles();
  const names = new Set(written.map((file) => path.posix.basename(file)));
  /** What a path of this repository begins with. */
  const roots = new Set(written.map((file) => file.split("/")[0]));
  /** An app's, a machine's, another package's. */
  const ELSEWHERE = new Set(["bridge.ts", "policy.json", "convex/auth.config.ts", "convex/chat.ts", "convex/react", "convex/server", "convex/values", "convex/browser", "config.toml"]);
  const FILE = /^[\w.-]+\.(rs|tsx?|mjs|json|toml|md|sh|gif|png|yml)$/;
  const PATH = /^[\w.-]+(\/[\w.*{},-]+)*\/?$/;

  /** `a/{b,c}.ts` is two paths. */
  function spelledOut(name: string): string[] {
    const [whole, before = "", choices = "", after = ""] = /^(.*)\{(.*)\}(.*)$/.exec(name) ?? [];
    return whole === undefined ? [name] : choices.split(",").map((choice) => before + choice + after);
  }

  /** Whether something is called so; `*` stands for any name. */
  function isThere(name: string): boolean {
    if (!name.includes("*")) return existsSync(path.join(ROOT, name));
    const form = new RegExp(`^${name.replaceAll(".", "\\.").replaceAll("*", "[^/]*")}$`);
    return written.some((file) => form.test(file));
  }

  function problemOf(name: string): string | undefined {
    if (ELSEWHERE.has(name)) return undefined;
    const isOurs = name.includes("/") && PATH.test(name) && roots.has(name.split("/")[0]);
    const isAbsent = FILE.test(name) ? !names.has(name) : isOurs && !spelledOut(name).every(isThere);
    return isAbsent ? "is not there" : undefined;
  }

  const missing = (document: Document) => told(document, document.inlineCode, problemOf);

  test.each(named(present))("that %s names are there", (_file, document) => expect(missing(document)).toEqual([]));

  test("that are not are found", () => {
    const wrong = readDocument("WRONG.md", "`src/lib.rs` `src/nothing.rs` `lib.rs` `nothing.rs` `src/{lib,nothing}.rs` `tests/*/nothing-*.ts` `doors/ingest` `item/started`");
    expect(missing(wrong).map((line) => line.split(" ")[1])).toEqual(["src/nothing.rs", "nothing.rs", "src/{lib,nothing}.rs", "tests/*/nothing-*.ts"]);
  });
});

describe("commands", () => {
  let declared: Manifest & { scripts: Record<string, string> };
  let steps: string[];
  /** The options of each command, by its words, as `--help` prints them. */
  const options = new Map<string, Set<string>>();
  let names: string[];

  beforeAll(async () => {
    declared = (await manifest()) as typeof declared;
    steps = execFileSync(process.execPath, ["tools/test.mjs", "--list"], { cwd: ROOT, encoding: "utf8" }).trim().split("\n");
    const subcommands = async (words: string): Promise<string[]> => {
      const help = await node(ROOT, path.join(ROOT, declared.bin[PACKAGE]!), ...words.split(" ").filter(Boolean), "--help");
      const [, listed = ""] = /\nCommands:\n(.*?)\n\n/s.exec(help) ?? [];
      const below = Array.from(listed.matchAll(/^ {2}(\w+)/gm), ([, name]) => `${words} ${name!}`.trim()).filter((name) => !name.endsWith("help"));
      options.set(words, new Set(Array.from(help.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm), ([, option]) => option!)));
      return [...below, ...(await Promise.all(below.map(subcommands))).flat()];
    };
    names = await subcommands("");
  });

  /** Every line of a shell block, and what stands between backticks. */
  function commandsOf({ blocks, inlineCode }: Document): At<string>[] {
    const lines = blocks.filter(({ value }) => value.language === "sh").flatMap(({ line, value }) => value.text.split("\n").map((text, index) => ({ line: line + index, value: text })));
    return [...lines, ...inlineCode];
  }

  /** Why a command cannot be typed; undefined where it can, or is none of ours. */
  function problemOf(command: string): string | undefined {
    const [, script] = /\bnpm (?:run )?([a-z][\w:-]*)/.exec(command) ?? [];
    const isOfNpm = ["install", "i", "create", "pack", "publish", "ci", "audit"].includes(script ?? "");
    if (script !== undefined && !isOfNpm && !(script in declared.scripts)) return "is no script of package.json";
    const [, step] = /\bnpm test -- --only ([\w-]+)/.exec(command) ?? [];
    if (step !== undefined && !steps.includes(step)) return "is no step of tools/test.mjs";
    const [, typed] = new RegExp(`^(?:.*\\bnpx )?${PACKAGE} ([^|#]+)`).exec(command) ?? [];
    if (typed === undefined || typed.startsWith("<")) return undefined;
    const words = typed.trim().split(/\s+/);
    const called = [words.slice(0, 2).join(" "), words[0]!].find((name) => options.has(name));
    if (called === undefined) return "is no command";
    return words.filter((word) => word.startsWith("--")).every((option) => options.get(called)!.has(option)) ? undefined : `has another option than ${called}`;
  }

  const problems = (document: Document) => told(document, commandsOf(document), problemOf);

  test.each(named(present))("of %s can be typed", (_file, document) => expect(problems(document)).toEqual([]));

  test("that cannot are found", () => {
    const wrong = ["npm run nothing", "npm test -- --only nothing", `npx ${PACKAGE} nothing`, `npx ${PACKAGE} bridge --nothing`, `${PACKAGE} outbox show --thread x`];
    const right = ["npm test", "npm install x", `npx ${PACKAGE} outbox show --payload`, "npm run build && npm pack"];
    expect(problems(readDocument("WRONG.md", ["```sh", ...wrong, ...right, "```"].join("\n"))).map((line) => line.split(" ")[0])).toEqual([2, 3, 4, 5, 6].map((line) => `WRONG.md:${line}`));
  });

  test("are told of, with all of their options", () => {
    const text = textOf(CLI);
    expect(names.length).toBeGreaterThan(7);
    expect(names.filter((words) => !text.includes(`${PACKAGE} ${words}`))).toEqual([]);
    const all = new Set([...options.values()].flatMap((of) => [...of]));
    expect([...all].filter((option) => !text.includes(option))).toEqual([]);
  });
});

describe("error codes", () => {
  const listed = new Set(Array.from(textOf(ERRORS).matchAll(/^\| `(E_[A-Z_]+)` \|/gm), ([, code]) => code));

  const unions = writtenFiles("js-wrapper").filter((file) => /^export type \w+ErrorCode =$/m.test(textOf(file)));

  test.each(unions)("of %s are listed", (file) => {
    const codes = Array.from(textOf(file).matchAll(/^ {2}\| "(E_[A-Z_]+)"/gm), ([, code]) => code);
    expect(codes.length).toBeGreaterThan(2);
    expect(codes.filter((code) => !listed.has(code))).toEqual([]);
  });

  test.each(named(present))("that %s names are listed", (_file, document) => {
    const codes = document.inlineCode.filter(({ value }) => /^E_[A-Z_]+$/.test(value));
    expect(told(document, codes, (code) => (listed.has(code) ? undefined : "has no line"))).toEqual([]);
  });
});

test("every hook that is exported has its section, and is in the table", () => {
  const markdown = textOf("docs/CLIENT_AND_REACT_HOOKS.md");
  const exported = textOf("js-wrapper/react/index.ts").match(/\buseCodex\w*/g) ?? [];
  const hooks = [...new Set(exported)].sort();
  expect(hooks.length).toBeGreaterThan(5);
  expect(hooks.filter((hook) => !markdown.includes(`\n### ${hook}\n`))).toEqual([]);
  expect(hooks.filter((hook) => !markdown.includes(`\n| [\`${hook}\`](#${hook.toLowerCase()}) |`))).toEqual([]);
});

/** The part of a document below a heading, up to the next of its kind. */
function sectionOf(file: string, heading: string): string {
  const text = textOf(file);
  const start = text.indexOf(`\n${heading}\n`);
  if (start < 0) throw new Error(`${file} has no ${heading}`);
  const [section = ""] = text.slice(start + heading.length + 2).split(/^#+ /m);
  return section;
}

test("every function of ./client is in its table", () => {
  const section = sectionOf("docs/CLIENT_AND_REACT_HOOKS.md", "## `./client`");
  const listed = Array.from(section.matchAll(/^\|.*$/gm), ([row]) => Array.from(row.matchAll(/`(\w+)`/g), ([, name]) => name!)).flat();
  // Of every entry, and told of with the errors.
  const ofErrors = ["isCodexError", "parseCodexErrorCode"];
  expect(listed.sort()).toEqual(Object.keys(client).filter((name) => !ofErrors.includes(name)).sort());
});

/** What stands between backticks in the first column of a section's tables. */
const firstColumn = (section: string) => Array.from(section.matchAll(/^\| ([^|]*) \|/gm), ([, cell = ""]) => Array.from(cell.matchAll(/`(\w+)`/g), ([, name]) => name!)).flat();

describe("HOST_INTEGRATION lists", () => {
  const HOST = "docs/HOST_INTEGRATION.md";

  test("every function of `defineCodexHost`, once", () => {
    const made = Object.keys(defineCodexHost({} as never, { actor: () => ({ tenantId: "t", userId: "u", deviceId: "d" }) }));
    expect(made.length).toBeGreaterThan(50);
    expect(firstColumn(sectionOf(HOST, "### Every function")).sort()).toEqual(made.sort());
  });

  test("what a bridge needs, and what is lost without the rest, as doctor looks at it", () => {
    // The one function that doctor asks before it looks at any.
    const asked = "listPendingServerRequestsForBridge";
    const rows = [[...NEEDED, asked], ...WANTED.map(({ names }) => [...names])].map((names) => names.sort());
    const listed = Array.from(sectionOf(HOST, "## In one call").matchAll(/^\| `.*$/gm), ([row]) => firstColumn(row).sort());
    expect(listed).toEqual(rows);
  });

  test("the six options of ingest", () => {
    const options = Object.keys(vHostSyncRuntimeOptions.fields);
    expect(firstColumn(sectionOf(HOST, "### What is kept, and how much is read"))).toEqual(options);
  });

  test.each([
    ["js-wrapper/runtime/types.ts", "StartArgs", ["ingestFlushMs"]],
    ["js-wrapper/bridge/bridge.ts", "BridgeConfig", ["runtimeId", "generation", "numbers"]],
  ])("every member of what is in %s a %s", (file, name, left) => {
    const [, members = ""] = new RegExp(`export interface ${name} \\{\n(.*?)\n\\}`, "s").exec(textOf(file)) ?? [];
    const names = Array.from(members.matchAll(/^ {2}readonly (\w+)\?/gm), ([, member]) => member!).filter((member) => !left.includes(member));
    expect(names.length).toBeGreaterThan(5);
    const listed = firstColumn(sectionOf(HOST, "### What a runtime is made of"));
    expect(names.filter((member) => !listed.includes(member))).toEqual([]);
  });
});
