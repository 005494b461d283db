/** A thread of 5,000 messages in the page, in a real browser: it scrolls from its end to its beginning, and the document does not grow with it. */
import { AxeBuilder } from "@axe-core/playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { NormalizedEvent } from "../../js-wrapper/bridge/index.js";
import { WITHOUT_BROWSER } from "./browser.js";
import { startServedPage, type ServedPage } from "./served-page.js";

const THREAD = "long";
const MESSAGES = 5_000;
const TURN_MESSAGES = 100;
/** What the page asks for at first, and keeps in the document. */
const NEWEST = 30;
/** A command whose output is folded. */
const COMMAND = 2;
/** Rows are of different heights: so many lines at most. */
const LINES_MAX = 4;
/** A tall page takes fewer steps. */
const PAGE_SIZE = { width: 1280, height: 2_400 };
/** Rows in a document: the newest, those in view, and a few on both sides. */
const ROWS_MAX = 90;
const ELEMENTS_MAX = 1_000;
/** Nothing is timed: a machine that is busy takes its time. */
const PATIENCE_MS = 900_000;
/** A browser places text on fractions of a pixel. */
const SHIFT_PX_MAX = 1;
const SERIOUS = ["serious", "critical"];

/** Events of a turn, as a bridge numbers them. */
function turnOf(turnId: string, messages: readonly { method: string; params: object }[], from = 0): NormalizedEvent[] {
  return messages.map(({ method, params }, at) => ({
    eventId: `${turnId} ${from + at}`,
    threadId: THREAD,
    turnId,
    streamId: `${THREAD}:${turnId}:0`,
    cursorStart: from + at,
    cursorEnd: from + at + 1,
    kind: method,
    payloadJson: JSON.stringify({ method, params: { threadId: THREAD, turnId, ...params } }),
    createdAt: 1_795_338_612_000 + from + at,
  }));
}

/** The message of a number, counted from 1. */
function itemOf(number: number) {
  const id = `item-${number}`;
  const words = `message ${number}`;
  if (number === COMMAND) {
    const aggregatedOutput = Array.from({ length: 40 }, (_, line) => `line ${line}\n`).join("");
    return { type: "commandExecution", id, command: words, cwd: "/workspace", status: "completed", exitCode: 0, aggregatedOutput };
  }
  if (number % TURN_MESSAGES === 1) return { type: "userMessage", id, content: [{ type: "text", text: words, text_elements: [] }] };
  return { type: "agentMessage", id, text: [words, ...Array.from({ length: number % LINES_MAX }, (_, line) => `line ${line}`)].join("  \n") };
}

const turn = (id: string, status: string) => ({ turn: { id, items: [], status, error: null } });
const LAST_TURN = `turn-${MESSAGES / TURN_MESSAGES}`;
const LAST_ITEM = `item-${MESSAGES}`;

/** Every turn completed but for the last, whose last message is being written. */
function wholeThread(): NormalizedEvent[] {
  return Array.from({ length: MESSAGES / TURN_MESSAGES }, (_, at) => {
    const turnId = `turn-${at + 1}`;
    const items = Array.from({ length: TURN_MESSAGES }, (_, place) => itemOf(at * TURN_MESSAGES + place + 1));
    const isLast = turnId === LAST_TURN;
    return turnOf(turnId, [
      { method: "turn/started", params: turn(turnId, "inProgress") },
      ...items.map((item) => (item.id === LAST_ITEM ? { method: "item/started", params: { item } } : { method: "item/completed", params: { item } })),
      ...(isLast ? [] : [{ method: "turn/completed", params: turn(turnId, "completed") }]),
    ]);
  }).flat();
}

let written = TURN_MESSAGES + 1;
const wordsOf = (delta: string) => turnOf(LAST_TURN, [{ method: "item/agentMessage/delta", params: { itemId: LAST_ITEM, delta } }], written++);

/** What is told of a way through the thread. */
interface Walk {
  /** The messages in the order in which they came into view. */
  seen: number[];
  /** The most that the document held. */
  rows: number;
  elements: number;
  /** The farthest that a row in view moved without its reader, in pixels. */
  shift: number;
  /** Neighbours in view that were not each other's, or lay on each other. */
  torn: string[];
}

/** Reads from where it is to the beginning of the thread, in the page itself: most of a view at a time. */
async function readToStart(): Promise<Walk> {
  const view = document.querySelector<HTMLElement>(".scroll")!;
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const numberOf = (row: Element) => Number(/message (\d+)/.exec(row.textContent)?.[1]);
  const inView = () => {
    const { top, bottom } = view.getBoundingClientRect();
    return [...document.querySelectorAll(".row")]
      .map((row) => ({ row, box: row.getBoundingClientRect() }))
      .filter(({ box }) => box.bottom > top && box.top < bottom);
  };
  const walk: Walk = { seen: [], rows: 0, elements: 0, shift: 0, torn: [] };
  const known = new Set<number>();
  for (;;) {
    const shown = inView();
    const numbers = shown.map(({ row }) => numberOf(row));
    for (const [at, { box }] of shown.entries()) {
      const before = shown[at - 1];
      if (before !== undefined && (numbers[at] !== numbers[at - 1]! + 1 || Math.abs(box.top - before.box.bottom) > 1)) {
        walk.torn.push(`${numbers[at - 1]} at ${before.box.bottom}, ${numbers[at]} at ${box.top}`);
      }
    }
    for (const number of numbers.toReversed()) {
      if (!known.has(number)) walk.seen.push(number);
      known.add(number);
    }
    walk.rows = Math.max(walk.rows, document.querySelectorAll(".row").length);
    walk.elements = Math.max(walk.elements, document.querySelectorAll(".transcript *").length);
    if (view.scrollTop === 0 && document.querySelector(".earlier")?.textContent === "Start of the thread") return walk;

    view.scrollBy(0, -0.8 * view.clientHeight);
    await frame();
    const anchor = inView().find(({ box }) => box.top >= view.getBoundingClientRect().top);
    do await frame();
    while (document.querySelector(".earlier")?.textContent !== "Start of the thread" && view.scrollTop < view.clientHeight / 2);
    await frame();
    if (anchor !== undefined) walk.shift = Math.max(walk.shift, Math.abs(anchor.row.getBoundingClientRect().top - anchor.box.top));
  }
}

describe.skipIf(WITHOUT_BROWSER)(`a thread of ${MESSAGES} messages`, { timeout: PATIENCE_MS }, () => {
  let served: ServedPage;
  let elementsAtEnd: number;
  beforeAll(async () => {
    served = await startServedPage();
    await served.page.setViewportSize(PAGE_SIZE);
    await served.ingest(wholeThread());
  }, PATIENCE_MS);
  afterAll(() => served.stop());

  const rows = () => served.page.locator(".row");
  const elements = () => served.page.locator(".transcript *").count();
  const toEnd = () => served.page.locator(".scroll").evaluate((view) => view.scrollHeight - view.scrollTop - view.clientHeight);

  test("opens at its end", async () => {
    const { page } = served;
    await served.open(THREAD);
    await page.getByText(`message ${MESSAGES}`).waitFor();
    expect(await rows().count()).toBe(NEWEST);
    await expect.poll(toEnd).toBeLessThanOrEqual(SHIFT_PX_MAX);
    elementsAtEnd = await elements();
    expect(elementsAtEnd).toBeLessThan(ELEMENTS_MAX);
  });

  test("is read to its beginning: each message once and in order, none moved by what comes in before it", async () => {
    const { seen, rows, elements, shift, torn } = await served.page.evaluate(readToStart);
    console.log({ rows, elements, shift, n: seen.length });
    expect(torn).toEqual([]);
    expect(seen).toEqual(Array.from({ length: MESSAGES }, (_, at) => MESSAGES - at));
    expect(shift).toBeLessThanOrEqual(SHIFT_PX_MAX);
    expect(rows).toBeLessThanOrEqual(ROWS_MAX);
    expect(elements).toBeLessThan(ELEMENTS_MAX);
  });

  test("says to those who cannot see it where a message stands", async () => {
    const first = served.page.getByRole("listitem").filter({ hasText: /^message 1(?!\d)/ });
    expect(await first.getAttribute("aria-posinset")).toBe("1");
    expect(await first.getAttribute("aria-setsize")).toBe(String(MESSAGES));
    const { violations } = await new AxeBuilder({ page: served.page }).analyze();
    expect(violations.filter(({ impact }) => SERIOUS.includes(impact ?? "")).map(({ id }) => id)).toEqual([]);
  });

  test("words at its end change their own row, and move nobody who reads elsewhere", async () => {
    const { page } = served;
    const before = await page.locator(".scroll").evaluate((view) => view.scrollTop);
    await page.evaluate(() => {
      const changed = new Set<string>();
      const note = (node: Node) => changed.add((node instanceof Element ? node : node.parentElement)?.closest(".row")?.getAttribute("aria-posinset") ?? "list");
      const observer = new MutationObserver((records) => {
        for (const { type, target } of records) if (type !== "attributes" || target !== document.querySelector(".rows")) note(target);
      });
      observer.observe(document.querySelector(".rows")!, { subtree: true, childList: true, characterData: true, attributes: true });
      Object.assign(window, { changed });
    });
    await served.ingest(wordsOf(" and more of it"));
    await expect.poll(() => page.locator(`.row[aria-posinset="${MESSAGES}"]`).textContent()).toContain("and more of it");
    expect(await page.evaluate(() => [...(window as unknown as { changed: Set<string> }).changed])).toEqual([String(MESSAGES)]);
    expect(await page.locator(".scroll").evaluate((view) => view.scrollTop)).toBe(before);
  });

  test("what its reader opened stays open, and nothing else stays", async () => {
    const { page } = served;
    const command = page.locator(`.row[aria-posinset="${COMMAND}"]`);
    await command.getByRole("button", { name: "Show all 40 lines" }).click();
    await page.getByRole("button", { name: "Latest" }).click();
    await expect.poll(toEnd).toBeLessThanOrEqual(SHIFT_PX_MAX);
    await expect.poll(() => rows().count()).toBe(NEWEST + 1);
    expect(await command.locator(".output-open").count()).toBe(1);
    const ofCommand = await command.locator("*").count();
    expect(await elements()).toBe(elementsAtEnd + 1 + ofCommand);
  });

  test("its end stays in view while it grows", async () => {
    const { page } = served;
    await served.ingest(wordsOf("\n\nlast words".repeat(60)));
    await expect.poll(() => page.getByText("last words").count()).toBe(60);
    await expect.poll(toEnd).toBeLessThanOrEqual(SHIFT_PX_MAX);
    expect(served.complaints).toEqual([]);
  });
});
