import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { putInto } from "./table.mjs";

const document = readFileSync(new URL("../../docs/BENCHMARKS.md", import.meta.url), "utf8");

test("the table has its place in the document, and is replaced there alone", () => {
  const written = putInto(putInto(document, "OLD"), "NEW");
  const [before, after] = written.split("\n\nNEW\n\n");
  expect(written).not.toContain("OLD");
  expect(document.startsWith(before!)).toBe(true);
  expect(document.endsWith(after!)).toBe(true);
});

test("a document without the place is left alone", () => {
  expect(() => putInto("# Benchmarks\n", "NEW")).toThrow("no place");
});
