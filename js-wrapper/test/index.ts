/**
 * The component for tests of an app with convex-test. Needs no bundler: every module is named, and loaded where it is called.
 */
import type { GenericSchema, SchemaDefinition } from "convex/server";
import tables from "#component/schema.js";

/** The component's schema, for convex-test: what its tables hold is the component's own matter. */
export const schema: SchemaDefinition<GenericSchema, boolean> = tables;

/** The component's modules, as `import.meta.glob` would have them. */
export const modules: Record<string, () => Promise<unknown>> = {
  // By its place convex-test knows the folder.
  "./_generated/api.js": () => import("#component/_generated/api.js"),
  "./approvals.js": () => import("#component/approvals.js"),
  "./commands.js": () => import("#component/commands.js"),
  "./crons.js": () => import("#component/crons.js"),
  "./deletions.js": () => import("#component/deletions.js"),
  "./devices.js": () => import("#component/devices.js"),
  "./forks.js": () => import("#component/forks.js"),
  "./imports.js": () => import("#component/imports.js"),
  "./messages.js": () => import("#component/messages.js"),
  "./presence.js": () => import("#component/presence.js"),
  "./quarantine.js": () => import("#component/quarantine.js"),
  "./readers.js": () => import("#component/readers.js"),
  "./reasoning.js": () => import("#component/reasoning.js"),
  "./retention.js": () => import("#component/retention.js"),
  "./serverRequests.js": () => import("#component/serverRequests.js"),
  "./sessions.js": () => import("#component/sessions.js"),
  "./silence.js": () => import("#component/silence.js"),
  "./stats.js": () => import("#component/stats.js"),
  "./streams.js": () => import("#component/streams.js"),
  "./sync.js": () => import("#component/sync.js"),
  "./threads.js": () => import("#component/threads.js"),
  "./tokenUsage.js": () => import("#component/tokenUsage.js"),
  "./tombstones.js": () => import("#component/tombstones.js"),
  "./turns.js": () => import("#component/turns.js"),
};

/** What is registered with: a test of convex-test. */
export interface CodexTest {
  registerComponent(path: string, schema: SchemaDefinition<GenericSchema, boolean>, modules: Record<string, () => Promise<unknown>>): void;
}

/**
 * Mounts the component in a test, as `app.use(codexLocal)` does in an app.
 *
 * @param t what `convexTest` answered
 * @param name the name that the app gave it, where it gave one
 * @example
 * ```ts
 * const t = convexTest(schema, import.meta.glob("../convex/**\/*.ts"));
 * register(t);
 * await t.mutation(api.chat.ensureThread, { actor, threadId: "th_1" });
 * ```
 */
export function register(t: CodexTest, name = "codexLocal"): void {
  t.registerComponent(name, schema, modules);
}
