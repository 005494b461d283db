/** An app whose `chat.ts` is ten lines: type-checked as strictly as TypeScript can, and pushed with the real CLI. */
import { createRequire } from "node:module";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PACKAGE, ROOT, installApp, node, pack, pushedModules, removeFolder, temporaryFolder, writeIn } from "./app.js";

const EMBEDDED_CONVEX = path.join(ROOT, "tools/embedded-convex/cli.mjs");
const TSC = createRequire(import.meta.url).resolve("typescript/bin/tsc");

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => removeFolder(folder));

/** The example of `defineCodexHost`'s own documentation. */
async function documented(): Promise<string> {
  const source = await readFile(path.join(ROOT, "js-wrapper/host/define.ts"), "utf8");
  const [, example = ""] = /```ts\n(.*?)```/s.exec(source) ?? [];
  return example.replaceAll(/^ \* ?/gm, "");
}

const USES = `
  import { api } from "../convex/_generated/api";
  import { createDeviceEntropy, isCodexError, mergeCodexDurableAndStreamMessages } from "${PACKAGE}";
  import { useCodexMessages } from "${PACKAGE}/react";
  import { ConvexHttpClient } from "convex/browser";

  export async function issue(convex: ConvexHttpClient): Promise<string> {
    const { token } = await convex.mutation(api.chat.issueDeviceToken, { deviceId: "laptop", entropy: createDeviceEntropy() });
    await convex.mutation(api.chat.ensureSession, { deviceToken: token, sessionId: "s", threadId: "t" });
    return token;
  }
  // @ts-expect-error: nobody says who they are
  export const wrong = (convex: ConvexHttpClient) => convex.mutation(api.chat.ensureSession, { actor: {}, sessionId: "s", threadId: "t" });
  export const useTexts = (threadId: string) => useCodexMessages(api.chat.listThreadMessagesForHooks, { threadId }, { initialNumItems: 30, stream: true }).results.map(({ text }) => text);
  export const code = (error: unknown) => (isCodexError(error) && error.data.code === "E_AUTH_SIGNED_OUT" ? "sign in" : undefined);
  export const merge = mergeCodexDurableAndStreamMessages;`;

test("the documented chat.ts has its types in the app's api, and is pushed", async () => {
  const { app } = await installApp(folder, await pack(folder));
  const options = { target: "es2022", lib: ["es2023", "dom"], module: "esnext", moduleResolution: "bundler", jsx: "react-jsx", strict: true, noEmit: true, types: ["node"] };
  const strictest = { exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: true };
  const chat = await documented();
  expect(chat.split("\n").filter((line) => line !== "" && !line.startsWith("//")).length).toBeLessThanOrEqual(10);
  await writeIn(app, {
    "convex/convex.config.ts": `
      import { defineApp } from "convex/server";
      import codexLocal from "${PACKAGE}/convex.config";
      const app = defineApp();
      app.use(codexLocal);
      export default app;`,
    "convex/chat.ts": chat,
    "src/uses.ts": USES,
    "tsconfig.json": JSON.stringify({ compilerOptions: { ...options, ...strictest }, include: ["convex", "src"] }),
  });
  await node(app, EMBEDDED_CONVEX, "codegen", app);
  await node(app, TSC, "--project", app);
  const { app: pushed } = await pushedModules(app, folder);
  expect(Object.keys(pushed ?? {})).toContain("chat.js");
});
