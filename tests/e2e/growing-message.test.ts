/** What a piece of text costs the page while its message grows to 10,000 deltas: by counts, which no busy machine changes. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { NormalizedEvent } from "../../js-wrapper/bridge/index.js";
import { WITHOUT_BROWSER } from "./browser.js";
import { newName, startServedPage, type ServedPage } from "./served-page.js";

const THREAD = newName("growing");
const TURN = "turn-1";
const DELTAS = 10_000;
/** A batch of a bridge, and one update of the page. */
const BATCH = 40;
/** The updates that are counted: 400 deltas behind the first thousand, and the last 400. */
const UPDATES = 10;
const EARLY = 1_000;
const LATE = DELTAS - UPDATES * BATCH;
/** Paragraphs of the same length: where a window begins in one of them, it is the same work. */
const WORDS = ["Some ", "words ", "of ", "an ", "answer, ", "with **bold** ", "and `code`", ".\n\n"];
/** An answer may come in one frame or in two, and a connection pings. What grows with the message is nine times as much. */
const NOISE = 1.25;
const FILL_BATCHES = 100;

let served: ServedPage;
beforeAll(async () => {
  if (!WITHOUT_BROWSER) served = await startServedPage();
});
afterAll(() => (WITHOUT_BROWSER ? undefined : served.stop()));

let cursor = 0;
function event(method: string, params: object): NormalizedEvent {
  const at = cursor++;
  return {
    eventId: `e${at}`,
    threadId: THREAD,
    turnId: TURN,
    streamId: `${THREAD}:${TURN}:0`,
    cursorStart: at,
    cursorEnd: at + 1,
    kind: method,
    payloadJson: JSON.stringify({ method, params: { threadId: THREAD, turnId: TURN, ...params } }),
    createdAt: 1_795_338_612_000 + at,
  };
}

/** Deltas of the message from a number on; the last one says how far it is. */
const deltas = (from: number, count: number) =>
  Array.from({ length: count }, (_, at) => {
    const delta = at === count - 1 ? `mark${from + count}end ` : WORDS[(from + at) % WORDS.length]!;
    return event("item/agentMessage/delta", { itemId: "message", delta });
  });

interface Work {
  /** Characters that Markdown's parser reads, one by one. */
  parsed: number;
  /** Times that React changed the document. */
  commits: number;
  /** What was changed in it: nodes that came, texts and attributes. What goes came once. */
  mutations: number;
  /** Characters of the texts that came or changed. */
  written: number;
}

/** Counts what the updates of a window cost, each of which is shown before the next one is sent. */
async function workOf(from: number): Promise<Work> {
  const { page } = served;
  await page.evaluate(() => window.startCounting());
  for (let sent = from; sent < from + UPDATES * BATCH; sent += BATCH) {
    await served.ingest(deltas(sent, BATCH));
    await page.waitForFunction((mark) => document.querySelector(".transcript")?.textContent.includes(mark), `mark${sent + BATCH}end`, { polling: "raf" });
  }
  return await page.evaluate(() => window.counted);
}

declare global {
  interface Window {
    counted: Work;
    startCounting: () => void;
  }
}

test.skipIf(WITHOUT_BROWSER)(`a delta costs the same at ${EARLY} as at ${DELTAS}`, { timeout: 600_000 }, async () => {
  const { page } = served;
  await page.addInitScript(() => {
    window.counted = { parsed: 0, commits: 0, mutations: 0, written: 0 };
    // eslint-disable-next-line @typescript-eslint/unbound-method
    const { charCodeAt } = String.prototype;
    String.prototype.charCodeAt = function (at) {
      window.counted.parsed += 1;
      return charCodeAt.call(this, at);
    };
    // React tells whoever is here of each of its commits.
    const onCommitFiberRoot = () => void (window.counted.commits += 1);
    Object.assign(window, { __REACT_DEVTOOLS_GLOBAL_HOOK__: { supportsFiber: true, isDisabled: false, inject: () => 1, onCommitFiberRoot, onCommitFiberUnmount: () => undefined } });
    let observer: MutationObserver | undefined;
    window.startCounting = () => {
      observer?.disconnect();
      window.counted = { parsed: 0, commits: 0, mutations: 0, written: 0 };
      observer = new MutationObserver((records) => {
        for (const { type, target, addedNodes } of records) {
          window.counted.mutations += type === "childList" ? addedNodes.length : 1;
          const texts = type === "characterData" ? [target] : [...addedNodes];
          for (const { textContent } of texts) window.counted.written += textContent?.length ?? 0;
        }
      });
      observer.observe(document.querySelector(".transcript")!, { subtree: true, childList: true, characterData: true, attributes: true });
    };
  });
  await served.ingest([
    event("turn/started", { turn: { id: TURN, items: [], status: "inProgress", error: null } }),
    event("item/started", { item: { id: "message", type: "agentMessage", text: "" } }),
  ]);
  await served.open(THREAD);
  await served.ingest(deltas(0, BATCH));
  await page.getByText(`mark${BATCH}end`).waitFor();
  const growTo = async (from: number, to: number) => {
    for (let sent = from; sent < to; sent += FILL_BATCHES) await served.ingest(deltas(sent, Math.min(FILL_BATCHES, to - sent)));
    await page.getByText(`mark${to}end`).waitFor();
  };
  await growTo(BATCH, EARLY);
  const early = await workOf(EARLY);
  await growTo(EARLY + UPDATES * BATCH, LATE);
  const late = await workOf(LATE);

  console.log(`of ${UPDATES} updates of ${BATCH} deltas: at ${EARLY} ${JSON.stringify(early)}, at ${LATE} ${JSON.stringify(late)}`);
  for (const name of ["parsed", "commits", "mutations", "written"] as const) expect(early[name], name).toBeGreaterThan(0);
  for (const name of ["parsed", "commits", "mutations", "written"] as const) expect(late[name], name).toBeLessThanOrEqual(early[name] * NOISE);
  expect(served.complaints).toEqual([]);
});
