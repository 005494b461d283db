/** Bounds that TypeScript has to know too are the core's: each says which of `src/limits.rs` it is. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

const ROOT = path.join(import.meta.dirname, "../..");
/** A number as both languages write it: products of literals. */
const valueOf = (text: string) => text.split("*").reduce((product, factor) => product * Number(factor.trim().replaceAll("_", "")), 1);

const limits = new Map(
  [...readFileSync(path.join(ROOT, "src/limits.rs"), "utf8").matchAll(/pub const (\w+): \w+ = ([^;]+);/g)].map(([, name = "", value = ""]) => [name, valueOf(value)]),
);

/** Constants whose comment says that they are one of the core's: file, that one's name, the value here. */
const copies = ["convex", "js-wrapper"].flatMap((folder) =>
  readdirSync(path.join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.includes("_generated"))
    .flatMap((file) => {
      const text = readFileSync(path.join(ROOT, folder, file), "utf8");
      const found = text.matchAll(/SOURCE: `src\/limits\.rs`, (\w+)\. \*\/\n(?:export )?const \w+ = ([^;]+);/g);
      return [...found].map(([, name = "", value = ""]) => [`${folder}/${file}`, name, valueOf(value)] as const);
    }),
);

test.each(copies)("%s: %s", (_file, name, value) => {
  expect([limits.has(name), limits.get(name)]).toEqual([true, value]);
});

test("they are found", () => {
  expect(copies.length).toBeGreaterThanOrEqual(18);
  expect(limits.size).toBeGreaterThan(60);
});
