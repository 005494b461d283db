/** `./test` as a user has it: the packed tarball in an app whose functions are tested with convex-test. */
import { readdir, symlink, mkdir } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isFunctionModule } from "../../tools/api-shape.mjs";
import { modules } from "../../js-wrapper/test/index.js";
import { PACKAGE, ROOT, installApp, node, removeFolder, temporaryFolder, typeCheck, writeIn } from "./app.js";

/** What a user installs to test with. */
const TOOLS = ["vitest", "convex-test", "@edge-runtime/vm", "typescript"];

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => removeFolder(folder));

const CHAT = `
  import { defineCodexHost, resolveActorFromAuth } from "${PACKAGE}/host/convex";
  import { componentsGeneric } from "convex/server";
  const codex = defineCodexHost(componentsGeneric()["codexLocal"] as never, { actor: resolveActorFromAuth });
  export const { createThread, deleteThread, getDeletionJobStatus, listThreadsForHooks } = codex;`;

const CHAT_TEST = `
  import { convexTest } from "convex-test";
  import { anyApi, defineSchema } from "convex/server";
  import { expect, test, vi } from "vitest";
  import { modules, register, schema } from "${PACKAGE}/test";

  const app = { "./convex/_generated/api.ts": async () => ({}), "./convex/chat.ts": () => import("../convex/chat") };
  const paginationOpts = { cursor: null, numItems: 5 };

  test("a thread is made, listed and deleted", async () => {
    vi.useFakeTimers();
    const t = convexTest(defineSchema({}), app);
    register(t);
    const ann = t.withIdentity({ subject: "ann" });
    await ann.mutation(anyApi.chat!.createThread!, { threadId: "th_1" });
    const list = async (as: typeof ann) => (await as.query(anyApi.chat!.listThreadsForHooks!, { paginationOpts })).page.length;
    expect([await list(ann), await list(t.withIdentity({ subject: "bob" }))]).toEqual([1, 0]);
    const { deletionJobId } = await ann.mutation(anyApi.chat!.deleteThread!, { threadId: "th_1" });
    await t.finishAllScheduledFunctions(vi.runAllTimers);
    expect((await ann.query(anyApi.chat!.getDeletionJobStatus!, { deletionJobId })).status).toBe("completed");
    vi.useRealTimers();
  });

  test("under another name too", async () => {
    const t = convexTest(defineSchema({}), app);
    register(t, "other");
    await expect(t.withIdentity({ subject: "ann" }).mutation(anyApi.chat!.createThread!, { threadId: "th_1" })).rejects.toThrow(/codexLocal/);
    expect(Object.keys(schema.tables)).toContain("threads");
    expect(Object.keys(modules)).toContain("./threads.js");
  });`;

const CONFIG = `
  import { defineConfig } from "vitest/config";
  export default defineConfig({ test: { environment: "edge-runtime", server: { deps: { inline: ["convex-test"] } } } });`;

test("names every module of the component", async () => {
  const files = (await readdir(path.join(ROOT, "convex"))).filter((file) => file.endsWith(".ts")).map((file) => file.replace(/\.ts$/, ""));
  const loaded = await Promise.all(files.filter(isFunctionModule).map(async (name) => [name, await modules[`./${name}.js`]?.()] as const));
  // What is beside them has no functions.
  expect(loaded.filter(([, module]) => module === undefined).map(([name]) => name)).toEqual(["errors", "validators"]);
  expect(Object.keys(modules)).toHaveLength(loaded.length - 2 + 1);
});

test("is enough to test an app with", async () => {
  const { app } = await installApp(folder);
  for (const name of TOOLS) {
    const link = path.join(app, "node_modules", name);
    await mkdir(path.dirname(link), { recursive: true });
    await symlink(path.join(ROOT, "node_modules", name), link, "junction");
  }
  await writeIn(app, { "convex/chat.ts": CHAT, "tests/chat.test.ts": CHAT_TEST, "vitest.config.ts": CONFIG });
  const output = await node(app, path.join(ROOT, "node_modules/vitest/vitest.mjs"), "run", "--root", app);
  expect(output).toMatch(/Tests .*2 passed/);
  await typeCheck(app, ["convex", "tests"]);
});
