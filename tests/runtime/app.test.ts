/** A runtime over an app as its developer has it: `defineCodexHost`, a device token, `createConvexPersistence`. */
import { anyApi, type ApiFromModules, type UserIdentity } from "convex/server";
import { expect, test, vi } from "vitest";
import { createDeviceEntropy } from "../../js-wrapper/client/index.js";
import { defineCodexHost, resolveActorFromAuth } from "../../js-wrapper/host/convex.js";
import { createConvexPersistence, type CodexBridgeClient } from "../../js-wrapper/runtime/index.js";
import { codexLocal, startApp } from "../convex/app.js";
import { runtimeWith, START } from "./build.js";

const ANN = { subject: "ann", issuer: "https://id.test", tokenIdentifier: "https://id.test|ann", sid: "phone" } satisfies Partial<UserIdentity>;
const WAIT = { timeout: 20_000, interval: 20 };

const chat = defineCodexHost(codexLocal, { actor: resolveActorFromAuth });
const host = anyApi["chat"] as unknown as ApiFromModules<{ chat: typeof chat }>["chat"];

test.each([
  ["the app's own", { externalThreadId: "my-thread" }],
  ["the app-server's", {}],
])("its thread has %s name, is read by its user, and nobody else", async (_whose, { externalThreadId }: { externalThreadId?: string }) => {
  const app = startApp({ chat });
  const ann = app.withIdentity(ANN);
  const { token: deviceToken } = await ann.mutation(host.issueDeviceToken, { deviceId: "laptop", entropy: createDeviceEntropy() });
  const client = { query: app.query, mutation: app.mutation } as unknown as CodexBridgeClient;
  const { runtime, problems } = runtimeWith(createConvexPersistence(client, host, { deviceToken }));
  const { externalThreadId: _, ...start } = START;
  await runtime.start({ ...start, ...(externalThreadId === undefined ? {} : { externalThreadId }) });
  await runtime.ready();
  const { threadId, runtimeThreadId } = runtime.getState();
  expect(threadId === runtimeThreadId).toBe(externalThreadId === undefined);
  runtime.sendTurn("Hello.");
  const args = { threadId: threadId!, paginationOpts: { cursor: null, numItems: 10 } };
  const texts = async (user: typeof ann) => (await user.query(host.listThreadMessagesForHooks, args)).page.map(({ text }) => text);
  await vi.waitFor(async () => expect(await texts(ann)).toEqual(["you said: Hello.", "Hello."]), WAIT);
  expect(await texts(app.withIdentity({ ...ANN, subject: "bob", tokenIdentifier: "https://id.test|bob" }))).toEqual([]);
  expect(problems).toEqual([]);
});
