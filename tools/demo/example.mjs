// The example's page and its app, served on this machine: built once, the app in the embedded Convex, somebody signed in, and a bridge's
// credential. What feeds it is another matter.
import { fileURLToPath } from "node:url";
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { createDeviceEntropy } from "convex-codex-local/client";
import { startServer } from "../embedded-convex/run.mjs";
import { buildPage, servePage } from "./page.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Whom the embedded Convex takes everybody for who has its address. `example/convex/viewer.ts` knows the issuer. */
export const DEMO_IDENTITY = { issuer: "embedded-convex", subject: "demo", name: "Demo" };

/** Serves both; `addressOf` is a thread's in the page, `origins` are all that the page may talk to. */
export async function serveExample() {
  await buildPage();
  const site = await servePage();
  const server = await startServer(ROOT, { allowedOrigins: [site.origin], identity: DEMO_IDENTITY });
  site.connectTo(server.url);
  const convex = new ConvexHttpClient(server.url, { logger: false });
  const { token: deviceToken } = await convex.mutation(anyApi.chat.issueDeviceToken, { deviceId: "laptop", entropy: createDeviceEntropy() });
  return {
    convex,
    deviceToken,
    origins: [site.origin, new URL(server.url).origin],
    addressOf: (threadId) => `${site.origin}/#${new URLSearchParams({ url: server.url, thread: threadId })}`,
    async close() {
      await site.close();
      await server.stop();
    },
  };
}
