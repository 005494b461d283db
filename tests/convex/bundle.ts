/** The component as it was pushed: every call in a fresh context of its own, as the isolate has it. */
import { readFile } from "node:fs/promises";
import { inject } from "vitest";
import { analyzePush, Backend } from "../../tools/embedded-convex/index.mjs";
import type { Component } from "./build.js";

const push = await analyzePush(JSON.parse(await readFile(inject("pushRequest") ?? "", "utf8")) as object);
const component = [...push.components.keys()].find((path) => path !== "")!;

export function startBundle(transactionLimits: true | Record<string, number>): Component {
  return new Backend(push, { component, transactionLimits }).t as unknown as Component;
}
