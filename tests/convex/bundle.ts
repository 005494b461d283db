/** The component as it was pushed: every call in a fresh context of its own, as the isolate has it. */
import { readFile } from "node:fs/promises";
import { inject } from "vitest";
import { analyzePush, Backend, type BackendOptions } from "../../tools/embedded-convex/index.mjs";
import type { Component } from "./build.js";

const push = await analyzePush(JSON.parse(await readFile(inject("pushRequest") ?? "", "utf8")));
const component = [...push.components.keys()].find((path) => path !== "")!;

/** The sources, by the paths of the pushed modules. */
export const sources: Record<string, () => Promise<unknown>> = Object.fromEntries(
  Object.entries(import.meta.glob("../../convex/**/*.ts")).map(([path, load]) => [path.replace(/^.*\/convex\//, "").replace(/\.ts$/, ".js"), load]),
);

/** A deployment of the component alone. */
export function startBackend(options: BackendOptions): Backend {
  return new Backend(push, { component, modules: sources, ...options });
}

export function startBundle(transactionLimits: true | Record<string, number>): Component {
  return startBackend({ transactionLimits }).t;
}
