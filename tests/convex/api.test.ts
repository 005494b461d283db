/** `docs/api.json` says what the component has: every function, with its arguments and its answer. */
import { expect, test } from "vitest";
import listed from "../../docs/api.json?raw";
import { apiText, describeModules, isFunctionModule } from "../../tools/api-shape.mjs";
import { modules } from "./build.js";

const loaded: Record<string, object> = {};
for (const [file, load] of Object.entries(modules)) {
  const name = file.replace(/^.*\/convex\//, "").replace(/\.ts$/, "");
  if (isFunctionModule(name)) loaded[name] = (await load()) as object;
}
const functions = describeModules(loaded);

test("the list is the component's", () => {
  expect(functions.length).toBeGreaterThan(60);
  expect(listed, "run: npm run codegen").toBe(apiText(functions));
});

test("every function says what it takes and answers", () => {
  const isAny = ({ args, returns }: (typeof functions)[number]) => [args, returns].some((shape) => shape === null || (shape as { type: string }).type === "any");
  expect(functions.filter(isAny).map(({ name }) => name)).toEqual([]);
});
