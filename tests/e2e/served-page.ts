/** The example's page, built and served, over the example app in the embedded Convex or in the deployment that CONVEX_URL names, in a real browser. */
import { randomUUID } from "node:crypto";
import type { Page } from "playwright-core";
import { api } from "../../example/convex/_generated/api.js";
import type { NormalizedEvent } from "../../js-wrapper/bridge/index.js";
import { startBrowser } from "../../tools/demo/browser.mjs";
import { serveExample } from "../../tools/demo/example.mjs";
import { batchesOf } from "./recorded-events.js";

const PATIENCE_MS = 60_000;
const SESSION = { sessionId: "session-1" };

export interface ServedPage {
  readonly page: Page;
  /** What the page's console said of errors and warnings, and what was thrown in it. */
  readonly complaints: readonly string[];
  /** Every address that the page asked for, but for its own files and its deployment. */
  readonly strayRequests: readonly string[];
  /** Sends events as a bridge does, of threads in a folder where that is given; throws where one is refused. */
  ingest(events: readonly NormalizedEvent[], cwd?: string): Promise<void>;
  /** Opens a thread. */
  open(threadId: string): Promise<void>;
  stop(): Promise<void>;
}

const RUN = randomUUID();

/** A name that no thread has yet: a deployment has those of the runs before. */
export function newName(name: string): string {
  return `${name} ${RUN}`;
}

export async function startServedPage(): Promise<ServedPage> {
  const { convex, deviceToken, ...example } = await serveExample();
  const browser = await startBrowser();
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, reducedMotion: "reduce" });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const complaints: string[] = [];
  const strayRequests: string[] = [];
  const opened = new Set<string>();
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== "data:" && !example.origins.includes(origin)) strayRequests.push(request.url());
  });
  return {
    page,
    complaints,
    strayRequests,
    async ingest(events, cwd) {
      for (const { threadId, deltas } of batchesOf(events)) {
        if (!opened.has(threadId)) {
          await convex.mutation(api.chat.ensureThread, { deviceToken, threadId, ...(cwd !== undefined && { cwd }) });
          await convex.mutation(api.chat.ensureSession, { deviceToken, ...SESSION, threadId });
          opened.add(threadId);
        }
        const { errors } = await convex.mutation(api.chat.ingestBatch, { deviceToken, ...SESSION, threadId, deltas });
        if (errors.length > 0) throw new Error(JSON.stringify(errors));
      }
    },
    async open(threadId) {
      await page.goto(example.addressOf(threadId));
    },
    async stop() {
      await browser.close();
      await example.close();
    },
  };
}
