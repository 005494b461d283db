/** An app of what README.md says, and nothing else: type-checked as the template that it names does, pushed with the real CLI, built by Vite, asked. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PACKAGE, ROOT, filesIn, installApp, node, removeFolder, temporaryFolder, typeCheck, writeIn } from "./app.js";
import { documents } from "./documents.js";

const EMBEDDED_CONVEX = path.join(ROOT, "tools/embedded-convex/cli.mjs");
/** SOURCE: tsconfig.app.json of create-vite 9.3.0, template react-ts. */
const TEMPLATE = {
  target: "es2023",
  lib: ["ES2023", "DOM"],
  types: ["vite/client"],
  allowArbitraryExtensions: true,
  skipLibCheck: true,
  allowImportingTsExtensions: true,
  verbatimModuleSyntax: true,
  moduleDetection: "force",
  noUnusedLocals: true,
  noUnusedParameters: true,
  erasableSyntaxOnly: true,
  noFallthroughCasesInSwitch: true,
};

/** The bridge finds every function that it can call. */
const USES = `
  import type { CodexBridgeApi } from "${PACKAGE}/host";
  import { api } from "../convex/_generated/api";
  export const functions: CodexBridgeApi = api.chat;`;

/** The button's token is one that the bridge's functions take, and its thread is the page's. */
const STEPS = `
  import { createDeviceEntropy } from "${PACKAGE}";
  export default async ({ call, assert }) => {
    const { token: deviceToken } = await call("chat:issueDeviceToken", { deviceId: "laptop", entropy: createDeviceEntropy() });
    const { threadId } = await call("chat:resolveThread", { deviceToken, externalThreadId: "shop" });
    const { page } = await call("chat:listThreadsForHooks", { paginationOpts: { cursor: null, numItems: 10 } });
    assert.deepEqual(page.map((thread) => thread.threadId), [threadId]);
    const payloadJson = JSON.stringify({ input: [{ type: "text", text: "What is in this folder?" }] });
    await call("chat:sendCommand", { threadId, commandId: "c1", kind: "turn", payloadJson });
    const [waiting] = await call("chat:listOpenCommandsForBridge", { deviceToken, threadId });
    assert.equal(waiting.commandId, "c1");
  };`;

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => removeFolder(folder));

test("the app of the README type-checks, is pushed, answers page and bridge, and is built", async () => {
  const { app } = await installApp(folder);
  const blocks = documents.find(({ file }) => file === "README.md")?.blocks ?? [];
  const named = blocks.flatMap(({ value: { text } }) => {
    const [, file] = /^\/\/ (\S+\.tsx?)\n/.exec(text) ?? [];
    return file === undefined ? [] : [[file, text] as const];
  });
  expect(named.map(([file]) => file)).toEqual(["convex/convex.config.ts", "convex/chat.ts", "src/main.tsx", "src/App.tsx"]);
  // Nothing that has to be typed in is hidden.
  expect(blocks.filter(({ value: { language } }) => /^tsx?$/.test(language))).toHaveLength(named.length);
  await writeIn(app, { ...Object.fromEntries(named), "src/uses.ts": USES, "steps.mjs": STEPS });
  await node(app, EMBEDDED_CONVEX, "codegen", app);
  await typeCheck(app, ["src"], TEMPLATE);
  expect(await node(app, EMBEDDED_CONVEX, "script", app, "steps.mjs")).toMatch(/script ok/);

  await writeIn(app, { "index.html": '<div id="root"></div><script type="module" src="/src/main.tsx"></script>' });
  await build({ root: app, configFile: false, logLevel: "error" });
  const built = await filesIn(path.join(app, "dist"));
  const script = built.find((file) => file.endsWith(".js"))!;
  expect(await readFile(path.join(app, "dist", script), "utf8")).toContain("Connect my laptop");
});
