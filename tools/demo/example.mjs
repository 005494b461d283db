// The example's page and its app, served on this machine: built once, the app in the embedded Convex or in a deployment, somebody signed in, and a
// bridge's credential. What feeds it is another matter.
import { fileURLToPath } from "node:url";
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { createDeviceEntropy } from "convex-codex-local/client";
import { startServer } from "../embedded-convex/run.mjs";
import { buildPage, servePage } from "./page.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Whom the embedded Convex takes everybody for who has its address. `example/convex/viewer.ts` knows the issuer. */
export const DEMO_IDENTITY = { issuer: "embedded-convex", subject: "demo", name: "Demo" };

/**
 * The deployment that CONVEX_URL names, as `npx convex dev` left it; CONVEX_AUTH_TOKEN says who asks there. Undefined where none is named.
 *
 * @returns {{url: string, authToken: string | undefined} | undefined}
 */
export function ownDeployment() {
  const { CONVEX_URL: url, CONVEX_AUTH_TOKEN: authToken } = process.env;
  return url ? { url, authToken: authToken || undefined } : undefined;
}

/**
 * Serves both, or the page alone where there is a deployment; `addressOf` is a thread's in the page, `origins` are all that the page may talk to.
 *
 * @param {{wayOfPage?: (deploymentUrl: string) => Promise<string>}} [options] `wayOfPage`: the address by which the page goes to the deployment
 */
export async function serveExample({ wayOfPage = async (deploymentUrl) => deploymentUrl } = {}) {
  await buildPage();
  const site = await servePage();
  const { url, authToken, stop } = ownDeployment() ?? (await startServer(ROOT, { allowedOrigins: [site.origin], identity: DEMO_IDENTITY }));
  const pageUrl = await wayOfPage(url);
  site.connectTo(pageUrl);
  const convex = new ConvexHttpClient(url, { logger: false });
  if (authToken !== undefined) convex.setAuth(authToken);
  const { token: deviceToken } = await convex.mutation(anyApi.chat.issueDeviceToken, { deviceId: "laptop", entropy: createDeviceEntropy() });
  return {
    url,
    convex,
    deviceToken,
    origins: [site.origin, new URL(pageUrl).origin],
    addressOf: (threadId) => `${site.origin}/#${new URLSearchParams({ url: pageUrl, thread: threadId, ...(authToken === undefined ? {} : { token: authToken }) })}`,
    async close() {
      await site.close();
      await stop?.();
    },
  };
}
