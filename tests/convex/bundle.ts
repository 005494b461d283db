/** The component as it was pushed: every call in a fresh context of its own, as the isolate has it. */
import { readFile } from "node:fs/promises";
import { inject } from "vitest";
import { analyzePush, Backend, type BackendOptions } from "../../tools/embedded-convex/index.mjs";
import type { Component } from "./build.js";

const push = await analyzePush(JSON.parse(await readFile(inject("pushRequest") ?? "", "utf8")));
const component = [...push.components.keys()].find((path) => path !== "")!;

/** A deployment of the component alone. */
export function startBackend(options: BackendOptions): Backend {
  return new Backend(push, { component, ...options });
}

export function startBundle(transactionLimits: true | Record<string, number>): Component {
  return startBackend({ transactionLimits }).t;
}
