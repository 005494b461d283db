// What a message of 10,000 deltas costs the page, in a real browser: `npm run bench:page`. The page of the example follows a thread in
// the embedded Convex while a message grows in it by batches of 40. It ends with 1 where the 95th percentile of script a frame is over 50 ms:
// times are the machine's, so that no test asks for them. What is kept of it stands in docs/EVIDENCE.md.
//
// Measured is a trace of the browser, of the thread that the page runs on. Script is every moment in which a callback, a timer, a message's
// handler or a microtask runs, with what it makes the browser do meanwhile (parse, lay out, collect garbage), each moment once. (The metric
// `ScriptDuration` of the DevTools has hardly any microtask in it, and most of the Convex client runs in those.) A frame is what the page
// hands to be drawn, and has all that ran since the frame before was handed over. Frames without script do not count: only those of an
// animation have none. What waits for each update in the page is among what is measured, and so is what a trace costs.
/* global document, MutationObserver, window */
import { setTimeout as sleep } from "node:timers/promises";
import { anyApi } from "convex/server";
import { startBrowser } from "../../tools/demo/browser.mjs";
import { serveExample } from "../../tools/demo/example.mjs";

const DELTAS = Number(process.argv[2] ?? 10_000);
const BATCH = 40;
/** What the 95th percentile of script a frame may be. */
const SCRIPT_MS_MAX = 50;
const WORDS = ["Some ", "words ", "of ", "an ", "answer, ", "with **bold** ", "and `code`", ".\n\n"];
const CATEGORIES = ["devtools.timeline", "disabled-by-default-devtools.timeline", "v8", "v8.execute", "blink.user_timing"];
const SCRIPT = ["v8.callFunction", "v8.run", "FunctionCall", "EvaluateScript", "RunMicrotasks", "FireAnimationFrame", "FireIdleCallback", "TimerFire", "EventDispatch"];
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
  await page.goto(addressOf(threadId));
  await page.locator(".transcript .item").first().waitFor();
  await page.evaluate(() => {
    let waits = [];
    // Of a long message the page shows the end: each update says which it is.
    new MutationObserver(() => {
      const { textContent } = document.querySelector(".row:last-child");
      for (const { mark, done } of waits) if (textContent.includes(mark)) done(performance.mark(mark));
      waits = waits.filter(({ mark }) => !textContent.includes(mark));
    }).observe(document.querySelector(".transcript"), { subtree: true, childList: true, characterData: true });
    window.shown = (mark) => new Promise((done) => waits.push({ mark, done: () => done() }));
  });

  await browser.startTracing(page, { categories: CATEGORIES });
  for (let sent = 0; sent < DELTAS; sent += BATCH) {
    const mark = `update${sent}end`;
    const words = [...Array.from({ length: BATCH - 1 }, (_, at) => WORDS[(sent + at) % WORDS.length]), `${mark} `];
    const shown = page.evaluate((mark) => window.shown(mark), mark);
    await ingest(words.map((delta) => event("item/agentMessage/delta", { itemId: "message", delta })));
    await shown;
    await sleep(20);
  }
  tell(JSON.parse((await browser.stopTracing()).toString()).traceEvents);
} finally {
  await browser.close();
  await close();
}
process.exit(process.exitCode ?? 0);

/** Reads the trace of the thread that the updates are marked on, and says what they cost. */
function tell(trace) {
  const marks = trace.filter(({ cat, name }) => cat.includes("blink.user_timing") && /^update\d+end$/.test(name));
  const ofPage = trace.filter(({ pid, tid }) => pid === marks[0].pid && tid === marks[0].tid);
  const spans = (names) => apart(ofPage.filter(({ ph, name }) => ph === "X" && names.includes(name)).map(({ ts, dur }) => ({ from: ts, to: ts + dur })));
  const script = spans(SCRIPT);
  const work = spans(["RunTask"]);
  const drawn = ofPage.filter(({ ph, name }) => ph === "X" && name === "Commit").map(({ ts, dur }) => ts + dur).toSorted((one, other) => one - other);
  const ofFrames = (spans) => msBetween(spans, drawn);
  const scriptOfFrames = ofFrames(script);
  const workOfFrames = ofFrames(work);
  const counted = scriptOfFrames.map((ms, at) => ({ script: ms, work: workOfFrames[at] })).filter(({ script }) => script > 0);
  const shown = marks.map(({ ts }) => ts).toSorted((one, other) => one - other);
  const costs = msBetween(script, shown);
  // Light frames would hide heavy ones.
  const heaviest = shown.slice(1).map((end, at) => Math.max(0, ...scriptOfFrames.filter((_, frame) => drawn[frame + 1] > shown[at] && drawn[frame + 1] <= end)));

  const ofSorted = (numbers, share) => numbers.toSorted((one, other) => one - other)[Math.ceil(share * numbers.length) - 1] ?? 0;
  const words = (numbers) => `median ${ofSorted(numbers, 0.5).toFixed(1)} ms, 95th percentile ${ofSorted(numbers, 0.95).toFixed(1)} ms, longest ${ofSorted(numbers, 1).toFixed(1)} ms`;
  const tenths = Array.from({ length: 10 }, (_, at) => costs.slice((at * costs.length) / 10, ((at + 1) * costs.length) / 10));
  const scripts = counted.map(({ script }) => script);
  console.log(`a message of ${DELTAS.toLocaleString("en")} deltas, ${marks.length} updates of ${BATCH}; frames: ${drawn.length}, of these with script: ${counted.length}`);
  console.log(`script of a frame: ${words(scripts)}; frames over ${SCRIPT_MS_MAX} ms: ${scripts.filter((ms) => ms > SCRIPT_MS_MAX).length}`);
  console.log(`of each update the frame with the most script: ${words(heaviest)}`);
  console.log(`all work of such a frame, with style, layout and paint: ${words(counted.map(({ work }) => work))}`);
  console.log(`script of an update, medians of the message's tenths: ${tenths.map((costs) => ofSorted(costs, 0.5).toFixed(1)).join(" ")} ms`);
  const ninetyFifth = ofSorted(scripts, 0.95);
  if (ninetyFifth <= SCRIPT_MS_MAX) return;
  console.error(`the 95th percentile of script a frame is ${ninetyFifth.toFixed(1)} ms, more than ${SCRIPT_MS_MAX} ms`);
  process.exitCode = 1;
}

/** The same moments, each once: what lies in another or on its end becomes one with it. */
function apart(spans) {
  const joined = [];
  for (const { from, to } of spans.toSorted((one, other) => one.from - other.from)) {
    const last = joined.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else joined.push({ from, to });
  }
  return joined;
}

/** How much of the spans lies between two neighbours of a list of moments, in ms. */
function msBetween(spans, moments) {
  return moments.slice(1).map((end, at) => spans.reduce((sum, { from, to }) => sum + Math.max(0, Math.min(to, end) - Math.max(from, moments[at])), 0) / 1000);
}
