/** Every recording of the real app-server in the page, in a real browser: through the bridge, the example app and the embedded Convex. */
import { fileURLToPath } from "node:url";
import { ConvexHttpClient } from "convex/browser";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { api } from "../../example/convex/_generated/api.js";
import { createDeviceEntropy } from "../../js-wrapper/client/index.js";
import { buildPage, servePage } from "../../tools/demo/page.mjs";
import { startServer, type Server } from "../../tools/embedded-convex/run.mjs";
import { WITHOUT_BROWSER, startBrowser } from "./browser.js";
import { expectedOf, recordings, type ExpectedItem } from "./recorded.js";
import { batchesOf, eventsOf } from "./recorded-events.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PATIENCE_MS = 60_000;
const BESIDE = { sessionId: "session-1" };

describe.skipIf(WITHOUT_BROWSER)("in the page", () => {
  let server: Server;
  let site: Awaited<ReturnType<typeof servePage>>;
  let browser: Browser;
  let page: Page;
  let convex: ConvexHttpClient;
  let deviceToken: string;
  const complaints: string[] = [];

  beforeAll(async () => {
    await buildPage();
    site = await servePage();
    server = await startServer(ROOT, { allowedOrigins: [site.origin], identity: { issuer: "embedded-convex", subject: "demo", name: "Demo" } });
    site.connectTo(server.url);
    convex = new ConvexHttpClient(server.url, { logger: false });
    deviceToken = (await convex.mutation(api.chat.issueDeviceToken, { deviceId: "laptop", entropy: createDeviceEntropy() })).token;
    browser = await startBrowser();
    page = await browser.newPage({ viewport: { width: 1280, height: 860 }, reducedMotion: "reduce" });
    page.setDefaultTimeout(PATIENCE_MS);
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
  });
  afterAll(async () => {
    await browser.close();
    await site.close();
    await server.stop();
  });

  /** Shows a thread from its beginning, and says what is read there. */
  async function show(threadId: string): Promise<string> {
    await page.goto(`${site.origin}/#${new URLSearchParams({ url: server.url, thread: threadId }).toString()}`);
    const earlier = page.getByRole("button", { name: "Earlier messages" });
    const start = page.getByText("Start of the thread");
    for (;;) {
      await earlier.or(start).first().waitFor();
      if (!(await earlier.isVisible())) break;
      await earlier.click();
      await page.waitForTimeout(50);
    }
    // What was thought is folded.
    for (const folded of await page.locator(".transcript details:not([open]) > summary").all()) await folded.click();
    return page.locator(".transcript").innerText();
  }

  const spoken = recordings.filter((name) => expectedOf(name).items.size > 0);

  test.each(spoken)("%s is shown to its end", async (name) => {
    const expected = expectedOf(name);
    for (let at = 1; at <= expected.processes; at++) {
      const { events } = await eventsOf(name, at);
      for (const { threadId, deltas } of batchesOf(events)) {
        await convex.mutation(api.chat.ensureThread, { deviceToken, threadId });
        await convex.mutation(api.chat.ensureSession, { deviceToken, ...BESIDE, threadId });
        const { errors } = await convex.mutation(api.chat.ingestBatch, { deviceToken, ...BESIDE, threadId, deltas });
        expect(errors).toEqual([]);
      }
    }
    for (const [threadId, items] of expected.items) {
      const shown = letters(await show(threadId));
      for (const words of items.flatMap(wordsOf)) expect(shown).toContain(letters(words));
      expect(await page.locator(".transcript .lamp").count()).toBe(0);
      const prompts = items.filter(({ type }) => type === "userMessage");
      expect(await page.locator(".transcript .bubble").count()).toBe(prompts.length);
    }
    expect(complaints).toEqual([]);
  });
});

/** What the page must say of an item. */
function wordsOf({ type, text }: ExpectedItem): string[] {
  switch (type) {
    case "reasoning":
      return text === "" ? [] : [text.split("\n")[0]!];
    case "commandExecution":
      return [/^\S*sh -lc '([\s\S]*)'$/.exec(text)?.[1] ?? text];
    case "fileChange":
      return text.replace(/^\d+ files?: /, "").split(", ").map((path) => path.slice(path.lastIndexOf("/") + 1));
    case "contextCompaction":
      return ["Context compacted"];
    default:
      return [text];
  }
}

/** Letters alone: what Markdown makes of the rest, the numbers of a list among it, is its own matter. */
function letters(text: string): string {
  return text.replace(/\P{L}/gu, "");
}
