/** Two tabs on one thread: what is done in one is seen in the other, and what is done in both at once is done once. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { api } from "../../example/convex/_generated/api.js";
import type { StartArgs } from "../../js-wrapper/runtime/index.js";
import { serveExample, type ServedExample } from "../../tools/demo/example.mjs";
import { networkTo, type Network } from "../soak/network.mjs";
import { WITHOUT_BROWSER, startBrowser } from "./browser.js";
import { startLiveCodex, type LiveCodex } from "./live-codex.js";
import { decisions, openTab, reads, transcript } from "./tab.js";

const ASKS_FIRST: StartArgs = { approvalPolicy: "untrusted", sandbox: "danger-full-access" };

const cardIn = (page: Page) => page.getByRole("region", { name: "Codex wants to run a command" });
const acceptIn = (page: Page) => cardIn(page).getByRole("button", { name: "Run it" });
const declineIn = (page: Page) => cardIn(page).getByRole("button", { name: "Decline", exact: true });
const stands = (page: Page, how: RegExp) => page.getByRole("status").getByText(how).waitFor();
const waitingIn = (page: Page) => page.getByRole("list", { name: "On its way" }).getByRole("listitem");

describe.skipIf(WITHOUT_BROWSER)("two tabs", () => {
  let browser: Browser;
  let example: ServedExample;
  let network: Network;
  beforeAll(async () => {
    example = await serveExample({ wayOfPage: async (url) => (network = await networkTo(url, () => 1, {})).url });
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser.close();
    network.close();
    await example.close();
  });

  /** A recording that is played to its first wait, and two tabs on it. */
  async function open(record: string, prompt: string, thread?: StartArgs): Promise<{ codex: LiveCodex; one: Page; other: Page; complaints: string[] }> {
    const codex = await startLiveCodex(example.url, example.deviceToken, record, 0, thread);
    onTestFinished(() => codex.stop());
    const complaints: string[] = [];
    const [one, other] = await Promise.all([0, 1].map(() => openTab(browser, example.addressOf(codex.threadId), complaints))) as [Page, Page];
    onTestFinished(async () => {
      for (const page of [one, other]) await page.context().close();
    });
    await codex.prompt(prompt);
    return { codex, one, other, complaints };
  }

  const ask = async () => {
    const opened = await open("command-approved", "How many lines are in notes.txt?", ASKS_FIRST);
    for (const page of [opened.one, opened.other]) await expect.poll(() => acceptIn(page).isEnabled()).toBe(true);
    return opened;
  };

  /** Both tabs show that nothing is asked any more, the same words, and the same decision, which codex was given once. */
  async function expectOneOutcome({ codex, one, other }: Awaited<ReturnType<typeof ask>>): Promise<"accept" | "decline"> {
    for (const page of [one, other]) {
      await cardIn(page).waitFor({ state: "detached" });
      await stands(page, /^(?:Idle|Interrupted)$/);
    }
    const [given] = codex.answers() as [{ decision: "accept" | "decline" }];
    const { decision } = given;
    expect(codex.answers()).toEqual([{ decision }]);
    for (const page of [one, other]) {
      await stands(page, decision === "accept" ? /^Idle$/ : /^Interrupted$/);
      await expect.poll(async () => (await transcript(page)).includes("There are three lines.")).toBe(decision === "accept");
    }
    expect(await transcript(other)).toBe(await transcript(one));
    const listed = await decisions(one);
    expect(listed).toEqual([expect.stringMatching(decision === "accept" ? /^Accepted/ : /^Declined/)]);
    expect(await decisions(other)).toEqual(listed);
    return decision;
  }

  test("an approval that is answered in one is gone from the other, with the same outcome", async () => {
    const tabs = await ask();
    await acceptIn(tabs.other).click();
    expect(await expectOneOutcome(tabs)).toBe("accept");
    expect(tabs.complaints).toEqual([]);
  });

  test("an approval that is answered in both at once, in either way, has one outcome, which both show", async () => {
    const tabs = await ask();
    // Neither hears of the other before it has answered.
    network.state.isDown = true;
    network.cut();
    for (const page of [tabs.one, tabs.other]) await page.getByText("Reconnecting").waitFor();
    await Promise.all([acceptIn(tabs.one).click(), declineIn(tabs.other).click()]);
    for (const page of [tabs.one, tabs.other]) await expect.poll(() => declineIn(page).isDisabled()).toBe(true);
    expect(tabs.codex.answers()).toEqual([]);
    network.state.isDown = false;
    await expectOneOutcome(tabs);
    // Who came second was told so.
    await expect.poll(() => tabs.complaints).toEqual([expect.stringContaining("CONVEX M(chat:respondApprovalForHooks)")]);
  });

  test("a message that waits in one waits in the other, and is taken back there for both", async () => {
    const { codex, one, other, complaints } = await open("interrupt", "Write a very long essay.");
    for (const page of [one, other]) await reads(page, "word 1 word 2");
    await one.getByRole("textbox", { name: "Message" }).fill("Never mind.");
    await one.getByRole("button", { name: "Queue" }).click();
    for (const page of [one, other]) await waitingIn(page).getByText("Never mind.").waitFor();
    expect(await waitingIn(one).locator(".fate").allInnerTexts()).toEqual([expect.stringContaining("waits for its turn")]);
    expect(await waitingIn(other).allInnerTexts()).toEqual(await waitingIn(one).allInnerTexts());
    await waitingIn(other).getByRole("button", { name: "Take back" }).click();
    for (const page of [one, other]) await waitingIn(page).waitFor({ state: "detached" });
    const paginationOpts = { cursor: null, numItems: 10 };
    const { page: commands } = await example.convex.query(api.chat.listCommands, { threadId: codex.threadId, paginationOpts });
    expect(commands.map(({ kind, state }) => ({ kind, state }))).toEqual([{ kind: "turn", state: "cancelled" }]);

    await other.getByRole("button", { name: "Stop" }).click();
    for (const page of [one, other]) {
      await reads(page, "Interrupted");
      await stands(page, /^Interrupted$/);
    }
    expect(await transcript(other)).toBe(await transcript(one));
    expect(await transcript(one)).not.toContain("Never mind.");
    expect(complaints).toEqual([]);
  });
});
