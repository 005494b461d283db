// What a message of 10,000 deltas costs the page, in a real browser: `npm run bench:page`. The page of the example follows a thread in
// the embedded Convex while a message grows in it by batches of 40. Told are the script of each update, by tenths of the message, and how
// many frames took more than 50 ms. Nothing is asserted, for times are the machine's: what is kept of it stands in docs/EVIDENCE.md.
/* global document, requestAnimationFrame, window */
import { setTimeout as sleep } from "node:timers/promises";
import { anyApi } from "convex/server";
import { startBrowser } from "../../tools/demo/browser.mjs";
import { serveExample } from "../../tools/demo/example.mjs";

const DELTAS = Number(process.argv[2] ?? 10_000);
const BATCH = 40;
const LONG_FRAME_MS = 50;
const WORDS = ["Some ", "words ", "of ", "an ", "answer, ", "with **bold** ", "and `code`", ".\n\n"];
const [threadId, turnId, sessionId] = ["thread", "turn", "session"];
const streamId = `${threadId}:${turnId}:0`;
const { chat } = anyApi;

const { convex, deviceToken, addressOf, close } = await serveExample();
await convex.mutation(chat.ensureThread, { deviceToken, threadId });
await convex.mutation(chat.ensureSession, { deviceToken, sessionId, threadId });

let cursor = 0;
const event = (kind, params) => {
  const payloadJson = JSON.stringify({ method: kind, params: { threadId, turnId, ...params } });
  return { type: "stream_delta", eventId: `e${cursor}`, turnId, streamId, kind, payloadJson, cursorStart: cursor, cursorEnd: ++cursor, createdAt: Date.now() };
};
const ingest = (deltas) => convex.mutation(chat.ingestBatch, { deviceToken, sessionId, threadId, deltas });
await ingest([
  event("turn/started", { turn: { id: turnId, items: [], status: "inProgress", error: null } }),
  event("item/started", { item: { id: "message", type: "agentMessage", text: "" } }),
]);

const browser = await startBrowser();
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
  await page.addInitScript(() => {
    window.frames50 = { all: 0, long: [] };
    const count = () => {
      window.frames50.all += 1;
      requestAnimationFrame(count);
    };
    requestAnimationFrame(count);
    new PerformanceObserver((list) => window.frames50.long.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: "long-animation-frame" });
  });
  await page.goto(addressOf(threadId));
  await page.locator(".transcript .item").first().waitFor();
  const metrics = await page.context().newCDPSession(page);
  await metrics.send("Performance.enable");
  const scriptMs = async () => (await metrics.send("Performance.getMetrics")).metrics.find(({ name }) => name === "ScriptDuration").value * 1000;
  // Of a long message the page shows the end: each update says which it is.
  const shown = (mark) => page.waitForFunction((word) => document.querySelector(".transcript")?.textContent.includes(word), mark);

  const costs = [];
  await page.evaluate(() => void (window.frames50 = { all: 0, long: [] }));
  for (let sent = 0; sent < DELTAS; sent += BATCH) {
    const mark = `update${sent}end`;
    const words = [...Array.from({ length: BATCH - 1 }, (_, at) => WORDS[(sent + at) % WORDS.length]), `${mark} `];
    const before = await scriptMs();
    await ingest(words.map((delta) => event("item/agentMessage/delta", { itemId: "message", delta })));
    await shown(mark);
    await sleep(20);
    costs.push((await scriptMs()) - before);
  }
  const { all, long } = await page.evaluate(() => window.frames50);
  const median = (numbers) => numbers.toSorted((one, other) => one - other)[numbers.length >> 1] ?? 0;
  const tenths = Array.from({ length: 10 }, (_, at) => costs.slice((at * costs.length) / 10, ((at + 1) * costs.length) / 10));
  console.log(`a message of ${DELTAS.toLocaleString("en")} deltas, ${costs.length} updates of ${BATCH}`);
  console.log(`script of an update, in ms, medians of the message's tenths: ${tenths.map((costs) => median(costs).toFixed(1)).join(" ")}`);
  console.log(`frames over ${LONG_FRAME_MS} ms: ${long.length} of ${all} (${((100 * long.length) / all).toFixed(1)} %), the longest ${Math.max(0, ...long).toFixed(0)} ms`);
} finally {
  await browser.close();
  await close();
}
process.exit(0);
