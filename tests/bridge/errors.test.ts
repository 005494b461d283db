import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";

const ROOT = path.resolve(import.meta.dirname, "../..");

test("the docs list every code of the bridge, its outbox and its runtime, and no other", async () => {
  const code = /\bE_(?:BRIDGE|CODEX|OUTBOX|RUNTIME)_[A-Z0-9_]+/g;
  const folder = path.join(ROOT, "js-wrapper");
  const sources = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith(".ts"));
  const texts = await Promise.all([...sources.map((file) => path.join(folder, file)), path.join(ROOT, "src/event/classify.rs")].map((file) => readFile(file, "utf8")));
  const docs = await readFile(path.join(ROOT, "docs/OPERATIONS_AND_ERRORS.md"), "utf8");
  const sorted = (found: Iterable<string>) => [...new Set(found)].sort();
  expect(sorted(docs.match(code) ?? [])).toEqual(sorted(texts.flatMap((text) => text.match(code) ?? [])));
});
