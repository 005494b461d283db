/** What TypeScript has to know of the core's constants is a copy; the comment above its `const` ends with "SOURCE: `src/<file>.rs`, <NAME>." */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

const ROOT = path.join(import.meta.dirname, "../..");
const read = (...file: string[]) => readFileSync(path.join(ROOT, ...file), "utf8");
/** A text, or a number as both languages write it: products of literals. */
const valueOf = (text: string) =>
  text.startsWith('"') ? text : text.split("*").reduce((product, factor) => product * Number(factor.trim().replaceAll("_", "")), 1);

/** What a file of the core calls `name`. */
function inCore(file: string, name: string) {
  const value = new RegExp(String.raw`const ${name}: [^=]+ = ([^;]+);`).exec(read(file))?.[1];
  return value === undefined ? `nothing of ${file}` : valueOf(value);
}

const sources = ["convex", "js-wrapper", "example"].flatMap((folder) =>
  readdirSync(path.join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => /\.tsx?$/.test(file) && !/_generated|node_modules|dist\//.test(file))
    .map((file) => [`${folder}/${file}`, read(folder, file)] as const),
);

/** File, the core's file and name, the value here. */
const copies = sources.flatMap(([file, text]) => {
  const found = text.matchAll(/SOURCE: `(src\/[\w/]+\.rs)`, (\w+)\.\s*\*\/\n(?:export )?const \w+ = ([^;]+);/g);
  return [...found].map(([, source = "", name = "", value = ""]) => [file, source, name, valueOf(value)] as const);
});

test.each(copies)("%s: %s, %s", (_file, source, name, value) => {
  expect(value).toBe(inCore(source, name));
});

test("no copy is marked in another way", () => {
  const marked = sources.flatMap(([file, text]) => [...text.matchAll(/SOURCE: `?src\/[\w/]+\.rs`?, `?[A-Z]{2}|limits\.rs/g)].map(() => file));
  expect(copies.map(([file]) => file)).toEqual(marked);
  expect(copies.length).toBeGreaterThanOrEqual(24);
});
