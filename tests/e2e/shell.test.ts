/** What is done with a thread as a whole, and the drawer of a phone, in a real browser over the real functions. */
import { AxeBuilder } from "@axe-core/playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { NormalizedEvent } from "../../js-wrapper/bridge/index.js";
import { WITHOUT_BROWSER } from "./browser.js";
import { newName, startServedPage, type ServedPage } from "./served-page.js";

const SERIOUS = ["serious", "critical"];
const PHONE = { width: 360, height: 740 };
const DESK = { width: 1280, height: 860 };
const FIRST = newName("first");
const SECOND = newName("second");
const THIRD = newName("third");
const FOLDER = "/home/somebody/projects/company/services/billing/invoices";

/** A turn that a person began, as a bridge tells of it, and what else is told in it. */
function turnOf(threadId: string, turnId: string, said: string, end: object, ...others: { method: string; params: object }[]): NormalizedEvent[] {
  const turn = (status: string, given = {}) => ({ turn: { id: turnId, items: [], status, error: null, ...given } });
  const item = { type: "userMessage", id: `${turnId} user`, content: [{ type: "text", text: said, text_elements: [] }] };
  const messages = [
    { method: "turn/started", params: turn("inProgress") },
    ...(said === "" ? [] : [{ method: "item/started", params: { item } }, { method: "item/completed", params: { item } }]),
    ...others,
    { method: "turn/completed", params: turn("completed", end) },
  ];
  return messages.map(({ method, params }, at) => ({
    eventId: `${turnId} ${at}`,
    threadId,
    turnId,
    streamId: `${threadId}:${turnId}:0`,
    cursorStart: at,
    cursorEnd: at + 1,
    kind: method,
    payloadJson: JSON.stringify({ method, params: { threadId, turnId, ...params } }),
    createdAt: 1_795_338_612_000 + at,
  }));
}

describe.skipIf(WITHOUT_BROWSER)("the page around a thread", () => {
  let served: ServedPage;
  const page = () => served.page;
  const menu = () => page().getByRole("region", { name: "This thread" });
  const openMenu = () => page().getByRole("button", { name: "Name, archive, delete" }).click();
  const header = (name: string) => page().getByRole("banner").getByRole("heading", { name }).waitFor();

  beforeAll(async () => {
    served = await startServedPage();
    await served.ingest(turnOf(SECOND, "turn-s", "Look at the other one.", {}));
    await served.ingest(turnOf(FIRST, "turn-1", "Fix the sum.", {}));
    await served.ingest(turnOf(FIRST, "turn-2", "", { status: "failed", error: { message: "Quota exceeded.", codexErrorInfo: "usageLimitExceeded", additionalDetails: null } }));
    await served.open(FIRST);
    await page().locator(".transcript").getByText("Fix the sum.").waitFor();
  });
  afterAll(() => served.stop());

  async function expectUsable() {
    for (const colorScheme of ["light", "dark"] as const) {
      await page().emulateMedia({ colorScheme });
      const { violations } = await new AxeBuilder({ page: page() }).analyze();
      const found = violations.filter(({ impact }) => SERIOUS.includes(impact ?? ""));
      expect(found.map(({ id, nodes }) => `${colorScheme} ${id}: ${nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
    }
    const overflow = await page().evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(overflow).toBeLessThanOrEqual(0);
  }

  test("a turn that failed before its first word is told, also once another has begun", async () => {
    await page().getByRole("status").getByText("Failed").waitFor();
    await page().locator(".newest-turn").getByText("Quota exceeded.").waitFor();
    await served.ingest(turnOf(FIRST, "turn-3", "And now?", {}));
    await page().locator(".transcript").getByText("And now?").waitFor();
    await page().getByRole("status").getByText("Idle").waitFor();
    const note = page().locator(".past-turn");
    await note.getByText("Quota exceeded.").waitFor();
    const [asked, failed, then] = await Promise.all([page().getByText("Fix the sum.").last(), note, page().getByText("And now?")].map((one) => one.boundingBox()));
    expect(failed!.y).toBeGreaterThan(asked!.y);
    expect(then!.y).toBeGreaterThan(failed!.y);
  });

  test("it is renamed", async () => {
    await openMenu();
    const name = menu().getByRole("textbox", { name: "Name" });
    await name.waitFor();
    await expectUsable();
    await name.fill("The sum");
    await name.press("Enter");
    await header("The sum");
    await menu().waitFor({ state: "hidden" });
    await page().getByRole("navigation").getByRole("button", { name: "The sum" }).waitFor();
    expect(await page().title()).toBe("The sum");
  });

  test("it is archived, and brought back from where it says so", async () => {
    await openMenu();
    await menu().getByRole("button", { name: "Archive" }).click();
    const note = page().getByText("This thread is archived: it takes no new turn.");
    await note.waitFor();
    expect(await page().getByRole("textbox", { name: "Message" }).isDisabled()).toBe(true);
    await expectUsable();
    await page().getByRole("button", { name: "Bring back" }).click();
    await note.waitFor({ state: "detached" });
    await expect.poll(() => page().getByRole("textbox", { name: "Message" }).isDisabled()).toBe(false);
  });

  test("it is deleted only when that is said twice; until it goes that is told, over a reload too, and taken back", async () => {
    await openMenu();
    await menu().getByRole("button", { name: "Delete …" }).click();
    await menu().getByText("It goes in 10 minutes").waitFor();
    expect(await page().evaluate(() => document.activeElement?.textContent)).toBe("No");
    await expectUsable();
    await menu().getByRole("button", { name: "No" }).click();
    await menu().getByRole("button", { name: "Delete …" }).click();
    await menu().getByRole("button", { name: "Delete in 10 minutes" }).click();
    const note = page().getByText(/^This thread will be deleted at /);
    await note.waitFor();
    await page().reload();
    await note.waitFor();
    await page().getByRole("button", { name: "Do not delete" }).click();
    await note.waitFor({ state: "detached" });
    await page().reload();
    await header("The sum");
    expect(await note.count()).toBe(0);
  });

  test("a phone has the list in a drawer: by keyboard it is opened, gone through, and left", async () => {
    await page().setViewportSize(PHONE);
    const button = page().getByRole("button", { name: "Threads and machines" });
    const list = page().getByRole("navigation");
    await button.focus();
    await page().keyboard.press("Enter");
    await list.waitFor();
    expect(await list.evaluate((one) => one === document.activeElement)).toBe(true);
    expect(await page().locator(".behind").evaluate((one) => (one as HTMLElement).inert)).toBe(true);
    await expectUsable();
    // Nothing behind it is reached.
    const reached = new Set<string>();
    for (let at = 0; at < 12; at += 1) {
      await page().keyboard.press("Tab");
      reached.add(await page().evaluate(() => document.activeElement?.closest(".behind")?.className ?? "in the list"));
    }
    expect([...reached]).toEqual(["in the list"]);
    await page().keyboard.press("Escape");
    await list.waitFor({ state: "hidden" });
    expect(await button.evaluate((one) => one === document.activeElement)).toBe(true);
    await openMenu();
    await menu().getByRole("textbox", { name: "Name" }).waitFor();
    await expectUsable();
    await page().keyboard.press("Escape");
    await page().setViewportSize(DESK);
  });

  test("a phone shows how full the context of an idle thread is, and the end of its folder, beside each other", async () => {
    const used = { totalTokens: 1_234_567, inputTokens: 1, cachedInputTokens: 0, outputTokens: 1, reasoningOutputTokens: 0 };
    const tokenUsage = { total: used, last: { ...used, totalTokens: 258_400 }, modelContextWindow: 258_400 };
    await served.ingest(turnOf(THIRD, "turn-t", "Look here.", {}, { method: "thread/tokenUsage/updated", params: { tokenUsage } }), FOLDER);
    for (const width of [390, 360]) {
      await page().setViewportSize({ ...PHONE, width });
      await served.open(THIRD);
      await page().getByRole("banner").getByText("context 100 %").waitFor();
      // What of the words is not cut off by what holds them.
      const seen = await page().getByRole("banner").evaluate((banner, texts) => {
        const walker = document.createTreeWalker(banner, NodeFilter.SHOW_TEXT);
        const isIn = (node: Node, part: string) => {
          const range = document.createRange();
          const at = node.textContent!.indexOf(part);
          range.setStart(node, at);
          range.setEnd(node, at + part.length);
          const { left, right } = range.getBoundingClientRect();
          for (let box = node.parentElement; box !== banner && box !== null; box = box.parentElement) {
            const { left: from, right: to } = box.getBoundingClientRect();
            if (getComputedStyle(box).overflowX === "hidden" && (left < from - 1 || right > to + 1)) return false;
          }
          return right > left;
        };
        const seen: string[] = [];
        for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
          seen.push(...texts.filter((part) => node.textContent!.includes(part) && isIn(node, part)));
        }
        return seen;
      }, ["invoices", "context 100 %"]);
      expect(seen, `${width} px`).toEqual(["invoices", "context 100 %"]);
      await expectUsable();
    }
    await page().setViewportSize(DESK);
  });

  test("nothing was complained of", () => expect(served.complaints).toEqual([]));
});
