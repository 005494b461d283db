/** The page as a remote control, in a real browser: what is done in it reaches codex (a stand-in that plays recordings), and comes back. */
import { AxeBuilder } from "@axe-core/playwright";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { WITHOUT_BROWSER, startBrowser } from "./browser.js";
import { openTab as openTabIn, reads, transcript } from "./tab.js";
import { startDemo, type Demo } from "../../tools/demo/process.mjs";

const SERIOUS = ["serious", "critical"];
/** Pieces come meanwhile. */
const AWAY_MS = 2_500;
const QUESTION = "The total of my cart is NaN sometimes. Please find out why, and fix it.";
const LAST_WORDS = "should mean.";

let browser: Browser;
const complaints: string[] = [];

beforeAll(async () => {
  if (!WITHOUT_BROWSER) browser = await startBrowser();
});
afterAll(async () => {
  if (!WITHOUT_BROWSER) await browser.close();
});

const openTab = (address: string, width?: number) => openTabIn(browser, address, complaints, width);

/** The newest of them: a deployment has those of other runs. */
const choose = (page: Page, thread: RegExp) => page.getByRole("navigation").getByRole("button", { name: thread }).first().click();
const bubbles = (page: Page) => page.locator(".transcript .bubble").count();

async function expectUsable(page: Page) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.filter(({ impact }) => SERIOUS.includes(impact ?? ""));
  expect(found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
}

describe.skipIf(WITHOUT_BROWSER)("an agent that codex begins of itself", () => {
  test("stands below the thread that began it, and what it asks is answered there", async () => {
    const demo = await startDemo("--record", "sub-agent-v1", "--speed", "4", "--token-ms", "5");
    onTestFinished(() => demo.stop());
    const page = await openTab(demo.address, 360);
    await reads(page, "Somebody counts them.");
    await page.getByRole("button", { name: "Threads and machines" }).click();
    const rows = page.locator(".thread-row");
    await rows.filter({ hasText: /Count the lines/ }).first().getByText("asks you").waitFor();
    expect((await rows.locator(".thread-name").allInnerTexts()).slice(0, 2)).toEqual(["Have somebody count the lines of notes.txt.", "Count the lines of notes.txt."]);
    const starts = await rows.evaluateAll((all) => all.map((row) => row.getBoundingClientRect().x));
    expect(starts[1]).toBeGreaterThan(starts[0]!);
    await expectUsable(page);
    await rows.nth(1).click();
    await page.getByRole("region", { name: "Codex wants to run a command" }).getByRole("button", { name: "Run it" }).click();
    await reads(page, "There are three lines.");
    await expectUsable(page);
    await page.getByRole("button", { name: "Parent thread" }).click();
    await reads(page, "Somebody counts them.");
    expect(await page.getByRole("button", { name: "Parent thread" }).count()).toBe(0);
    await page.locator(".transcript").getByRole("button", { name: "Count the lines of notes.txt." }).first().click();
    await reads(page, "There are three lines.");
    await page.getByRole("button", { name: "Parent thread" }).waitFor();
    // The thread that is shown already is chosen again: the list goes all the same.
    await page.getByRole("button", { name: "Threads and machines" }).click();
    await rows.nth(1).click();
    await page.locator(".shell[data-list=open]").waitFor({ state: "detached" });
  });
});

describe.skipIf(WITHOUT_BROWSER)("threads that wait for a person", () => {
  let demo: Demo;
  let page: Page;
  beforeAll(async () => {
    demo = await startDemo("--record", "command-approved", "--record", "user-input", "--record", "mcp", "--record", "interrupt", "--speed", "4", "--token-ms", "5");
    page = await openTab(demo.address);
  });
  afterAll(() => demo.stop());

  test("a command waits for its approval, and runs once that is given", async () => {
    const row = page.locator(".thread-row", { hasText: "How many lines" }).first();
    await row.getByText("asks you").waitFor();
    await row.click();
    const card = page.getByRole("region", { name: "Codex wants to run a command" });
    await card.waitFor();
    expect(await card.locator(".request-command").innerText()).toBe("/bin/bash -lc 'wc -l notes.txt && touch counted.txt'");
    expect(await card.innerText()).toContain("in /workspace");
    expect(await page.evaluate(() => document.activeElement?.textContent)).not.toContain("Run it");
    await expectUsable(page);
    await card.getByRole("button", { name: "Run it" }).click();
    await reads(page, "There are three lines.");
    expect(await card.count()).toBe(0);
    await row.getByText("asks you").waitFor({ state: "detached" });
    await reads(page, "3 notes.txt");
    await page.getByRole("button", { name: "Decisions" }).click();
    const decisions = page.getByRole("region", { name: "Who decided what" });
    await decisions.getByText("Accepted").waitFor();
    expect(await decisions.locator("li").allInnerTexts()).toEqual([expect.stringMatching(/^Accepted\s+\/bin\/bash -lc 'wc -l notes\.txt && touch counted\.txt'\s+on \S+ · /)]);
    await expectUsable(page);
    await page.keyboard.press("Escape");
    await decisions.waitFor({ state: "hidden" });
  });

  test("a question is answered in its form", async () => {
    await choose(page, /Plan the rename/);
    const card = page.getByRole("region", { name: "Codex asks you" });
    await card.waitFor();
    await card.getByLabel("Only the API").check();
    await card.getByRole("button", { name: "Answer" }).click();
    await card.waitFor({ state: "detached" });
    await page.getByRole("status").getByText("Idle").waitFor();
  });

  test("what an MCP server wants to do and to know is answered in its form", async () => {
    await choose(page, /Call the tiny tools/);
    const card = page.getByRole("region", { name: "tiny asks" });
    await card.getByText('Allow the tiny MCP server to run tool "ask"?').waitFor();
    expect(await card.locator(".request-command").innerText()).toContain('"text": "for ask"');
    await card.getByRole("button", { name: "Run it" }).click();
    await card.getByText("Which colour?").waitFor();
    await expectUsable(page);
    const colour = card.getByRole("textbox", { name: "colour" });
    await card.getByRole("button", { name: "Send" }).click();
    await card.getByText("This is asked for.").waitFor();
    expect(await colour.evaluate((field) => field === document.activeElement)).toBe(true);
    await colour.fill("green");
    await card.getByRole("button", { name: "Send" }).click();
    await reads(page, "All four tools were called.");
    await card.waitFor({ state: "detached" });
  });

  test("a message waits behind a turn, which is stopped: nothing begins by that, and it is sent again when it is wanted", async () => {
    await choose(page, /very long essay/);
    await reads(page, "word 1 word 2");
    const message = page.getByRole("textbox", { name: "Message" });
    const queued = page.getByRole("list", { name: "On its way" }).getByRole("listitem");
    const queue = async (text: string) => {
      await message.fill(text);
      await page.getByRole("button", { name: "Queue" }).click();
      await queued.getByText(text).waitFor();
      await expect.poll(() => message.inputValue()).toBe("");
    };
    await queue("Never mind.");
    await queued.getByRole("button", { name: "Take back" }).click();
    await queued.waitFor({ state: "detached" });
    await queue("Now a short one.");
    await expectUsable(page);
    await page.locator(".thread-row[aria-current]").getByText("working").waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await reads(page, "Interrupted");
    await queued.getByText("taken back").waitFor();
    await page.getByRole("button", { name: "Send", exact: true }).waitFor();
    expect(await transcript(page)).not.toContain("Short answer.");
    await queued.getByRole("button", { name: "Send again" }).click();
    await reads(page, "Short answer.");
    await queued.waitFor({ state: "detached" });
    expect(await bubbles(page)).toBe(2);
  });

  test("what codex refuses is told, and stays until it is dismissed", async () => {
    const message = page.getByRole("textbox", { name: "Message" });
    // What is said while a turn still runs is said to that one.
    await page.getByRole("button", { name: "Stop", exact: true }).waitFor({ state: "detached" });
    await message.fill("And a third one.");
    await message.press("Enter");
    const failed = page.getByRole("list", { name: "On its way" }).locator(".failed");
    await failed.waitFor();
    expect(await failed.innerText()).toContain("And a third one.");
    expect(await failed.innerText()).toContain("Codex refused it");
    await failed.getByRole("button", { name: "Dismiss" }).click();
    await failed.waitFor({ state: "detached" });
  });

  test("the list is searched; a phone has it in a drawer, and everything can be used there", async () => {
    await page.getByRole("searchbox").fill("ESSAY");
    const found = await page.locator(".thread-row").allInnerTexts();
    expect(found.length).toBeGreaterThan(0);
    expect(found.filter((row) => !row.includes("Write a very long essay."))).toEqual([]);
    const phone = await openTab(demo.address, 360);
    await phone.locator(".item").first().waitFor();
    expect(await phone.getByRole("navigation").isVisible()).toBe(false);
    await phone.getByRole("button", { name: "Threads and machines" }).click();
    await phone.locator(".viewer").getByText(/Demo identity\.|Signed in as/).waitFor();
    await expectUsable(phone);
    await choose(phone, /Plan the rename/);
    await reads(phone, "Plan the rename.");
    await expect.poll(() => phone.getByRole("navigation").isVisible()).toBe(false);
    const overflow = await phone.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(overflow).toBeLessThanOrEqual(0);
    await phone.context().close();
  });

  test("nothing was complained of", () => expect(complaints).toEqual([]));
});

test.skipIf(WITHOUT_BROWSER)("a live thread loses and doubles nothing: by a reload, by another thread shown meanwhile, in a second tab", async () => {
  const demo = await startDemo("--record", "demo", "--record", "plain", "--token-ms", "60");
  try {
    const [reloaded, switching] = await Promise.all([openTab(demo.address), openTab(demo.address)]);
    await reads(reloaded, "I will run the check");
    await reloaded.reload();
    await reads(reloaded, QUESTION);
    await switching.locator(".thread-row").nth(1).waitFor();
    const other = await switching.locator(".thread-row:not([aria-current])").first().innerText();
    await switching.locator(".thread-row:not([aria-current])").first().click();
    await switching.waitForTimeout(AWAY_MS);
    expect(await transcript(switching), other).not.toContain(QUESTION);
    await choose(switching, /The total of my cart/);
    for (const tab of [reloaded, switching]) {
      await reads(tab, LAST_WORDS);
      await tab.getByRole("status").getByText("Idle").waitFor();
    }
    const fresh = await openTab(demo.address);
    await reads(fresh, LAST_WORDS);
    const whole = await transcript(fresh);
    for (const tab of [reloaded, switching]) await expect.poll(() => transcript(tab)).toBe(whole);
    expect(await bubbles(fresh)).toBe(1);
    expect(complaints).toEqual([]);
  } finally {
    await demo.stop();
  }
});
