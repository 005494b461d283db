/** `docs/api.json` says what the component has: every function, with its arguments and its answer. */
import { expect, test } from "vitest";
import architecture from "../../docs/ARCHITECTURE.md?raw";
import schema from "../../convex/schema.js";
import listed from "../../docs/api.json?raw";
import { apiText } from "../../tools/api-shape.mjs";
import { componentFunctions } from "./build.js";

const functions = await componentFunctions();

test("the list is the component's", () => {
  expect(functions.length).toBeGreaterThan(60);
  expect(listed, "run: npm run codegen").toBe(apiText(functions));
});

test("of the seed's internal functions those are there that have something to do", () => {
  const internal = functions.filter(({ visibility }) => visibility === "internal").map(({ name }) => name);
  const kept = ["sessions.timeoutStaleSessions", "streams.auditDataHygiene", "streams.cleanupExpiredDeltas", "streams.cleanupFinishedStream", "streams.timeoutStream"];
  expect(internal).toEqual(expect.arrayContaining(kept));
  // What these were scheduled for is done in the call itself: docs/ARCHITECTURE.md.
  expect(internal.filter((name) => /startExecution|finalizeTurnFromStream/.test(name))).toEqual([]);
});

test("every function says what it takes and answers", () => {
  const isAny = ({ args, returns }: (typeof functions)[number]) => [args, returns].some((shape) => shape === null || (shape as { type: string }).type === "any");
  expect(functions.filter(isAny).map(({ name }) => name)).toEqual([]);
});

test("the docs say of every table who writes and who reads it", () => {
  const [, rows = ""] = /^## Who writes what\n([\s\S]*?)^[^|\n]/m.exec(architecture) ?? [];
  const first = rows.split("\n").map((row) => row.split("|")[1] ?? "").join(" ");
  expect(Object.keys(schema.tables).filter((table) => !new RegExp(`\\b${table}\\b`).test(first))).toEqual([]);
});
