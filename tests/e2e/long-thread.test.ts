/** A long thread in the page, in a real browser: it scrolls from its end to its beginning, and the document does not grow with it. */
import { AxeBuilder } from "@axe-core/playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { NormalizedEvent } from "../../js-wrapper/bridge/index.js";
import { WITHOUT_BROWSER } from "./browser.js";
import { readToStart } from "./read-to-start.js";
import { newName, startServedPage, type ServedPage } from "./served-page.js";

const THREAD = newName("long");
const MESSAGES = 5_000;
const TURN_MESSAGES = 100;
/** What the page asks for at first, and keeps in the document. */
const NEWEST = 30;
/** How often the beginning of what is loaded is gone to by a key. */
const LEAPS = 10;
/** A command whose output is folded. */
const COMMAND = 2;
/** Rows are of different heights: so many lines at most. */
const LINES_MAX = 4;
/** Rows in a document: the newest, those in view, and a few on both sides. */
const ROWS_MAX = 60;
const ELEMENTS_MAX = 500;
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

describe.skipIf(WITHOUT_BROWSER)(`a thread of ${MESSAGES} messages`, { timeout: PATIENCE_MS }, () => {
  let served: ServedPage;
  let elementsAtEnd: number;
  beforeAll(async () => {
    served = await startServedPage();
    await served.ingest(wholeThread());
  }, PATIENCE_MS);
  afterAll(() => served.stop());

  const rows = () => served.page.locator(".row");
  /** But for the last row, whose words change. */
  const elements = () => served.page.locator(".row:not(:last-child) *").count();
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

  test("is gone up in by a key, ten times: what was its beginning stays in place while more comes in before it, and so does the focus", async () => {
    const { page } = served;
    const view = page.locator(".scroll");
    const loaded = async () => Number(await rows().last().getAttribute("aria-posinset"));
    /** Where a message stands in the view, in pixels. */
    const placeOf = (number: number) =>
      rows().evaluateAll((all, wanted) => {
        const row = all.find(({ textContent }) => Number(/^message (\d+)/.exec(textContent)?.[1]) === wanted);
        return row === undefined ? NaN : row.getBoundingClientRect().top - document.querySelector(".scroll")!.getBoundingClientRect().top;
      }, number);
    const atTop = await page.locator(".rows").evaluate((list) => (list as HTMLElement).offsetTop - document.querySelector<HTMLElement>(".scroll")!.offsetTop);
    await view.focus();
    for (let leap = 0; leap < LEAPS; leap += 1) {
      const before = await loaded();
      await page.keyboard.press("Home");
      await expect.poll(loaded).toBeGreaterThan(before);
      await expect.poll(async () => Math.abs((await placeOf(MESSAGES - before + 1)) - atTop)).toBeLessThanOrEqual(SHIFT_PX_MAX);
      expect(await view.evaluate((one) => one === document.activeElement)).toBe(true);
      expect(await rows().count()).toBeLessThanOrEqual(ROWS_MAX);
      expect(await elements()).toBeLessThan(ELEMENTS_MAX);
    }
    await page.getByRole("button", { name: "Latest" }).click();
    await expect.poll(toEnd).toBeLessThanOrEqual(SHIFT_PX_MAX);
    await expect.poll(() => rows().count()).toBe(NEWEST);
    expect(await elements()).toBe(elementsAtEnd);
  });

  test("is read to its beginning: each message once and in order, none moved by what comes in before it", async () => {
    const { seen, rows, elements, shift, torn } = await served.page.evaluate(readToStart);
    expect(torn).toEqual([]);
    expect(seen).toEqual(Array.from({ length: MESSAGES }, (_, at) => MESSAGES - at));
    expect(shift).toBeLessThanOrEqual(SHIFT_PX_MAX);
    expect(rows).toBeLessThanOrEqual(ROWS_MAX);
    expect(elements).toBeLessThan(ELEMENTS_MAX);
  });

  test("says to those who cannot see it where a message stands", async () => {
    const first = rows().first();
    expect(await first.innerText()).toMatch(/^message 1\n/);
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
    expect(await elements()).toBe(elementsAtEnd + ofCommand);
  });

  test("its end stays in view while it grows", async () => {
    const { page } = served;
    await served.ingest(wordsOf("\n\nlast words".repeat(60)));
    await expect.poll(() => page.getByText("last words").count()).toBe(60);
    await expect.poll(toEnd).toBeLessThanOrEqual(SHIFT_PX_MAX);
    expect(served.complaints).toEqual([]);
  });
});
