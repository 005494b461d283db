/** An app whose `chat.ts` is ten lines: type-checked as strictly as TypeScript can, pushed with the real CLI, and asked. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PACKAGE, ROOT, installApp, node, removeFolder, temporaryFolder, typeCheck, writeIn } from "./app.js";

const EMBEDDED_CONVEX = path.join(ROOT, "tools/embedded-convex/cli.mjs");

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

/** What a signed-in user does first, and what their bridge says with the token that they got. */
const STEPS = `
  import { createDeviceEntropy } from "${PACKAGE}";
  export default async ({ call, assert }) => {
    const ann = { subject: "ann", issuer: "https://issuer.example", tokenIdentifier: "https://issuer.example|ann" };
    const { token } = await call("chat:issueDeviceToken", { deviceId: "laptop", entropy: createDeviceEntropy() }, ann);
    await call("chat:ensureThread", { deviceToken: token, threadId: "t" });
    await call("chat:ensureSession", { deviceToken: token, sessionId: "s", threadId: "t" });
    const { page } = await call("chat:listThreadsForHooks", { paginationOpts: { cursor: null, numItems: 5 } }, ann);
    assert.deepEqual(page.map(({ threadId }) => threadId), ["t"]);
  };`;

test("the documented chat.ts has its types in the app's api, is pushed, and answers", async () => {
  const { app } = await installApp(folder);
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
    "steps.mjs": STEPS,
  });
  await node(app, EMBEDDED_CONVEX, "codegen", app);
  await typeCheck(app, ["convex", "src"], { exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, types: [] });
  expect(await node(app, EMBEDDED_CONVEX, "script", app, "steps.mjs")).toMatch(/script ok/);
});
