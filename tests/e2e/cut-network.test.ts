/** Ten seconds without a network, on the page's side and on the bridge's: connections that are really cut, and what was done meanwhile. */
import type { Browser } from "playwright-core";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { api } from "../../example/convex/_generated/api.js";
import type { StartArgs } from "../../js-wrapper/runtime/index.js";
import { serveExample, type ServedExample } from "../../tools/demo/example.mjs";
import { networkTo, type Network } from "../soak/network.mjs";
import { WITHOUT_BROWSER, startBrowser } from "./browser.js";
import { startLiveCodex, type LiveCodex } from "./live-codex.js";
import { decisions, openTab, reads, transcript } from "./tab.js";

const CUT_MS = 10_000;
const LOOK_MS = 50;
/** A count to 2,500 goes on longer than the cut. */
const TOKEN_MS = 6;
const COUNTED = Array.from({ length: 2_500 }, (_, at) => `tok${at + 1}`);
const ASKS_FIRST = { approvalPolicy: "untrusted", sandbox: "danger-full-access" } as const;

/** A network that loses nothing by itself. */
const steadyWayTo = (url: string) => networkTo(url, () => 1, {});
const countedIn = (text: string) => text.match(/tok\d+/g) ?? [];

/** Cuts every connection, lets none come about for ten seconds and until something is done meanwhile. */
async function cut(network: Network, meanwhile: () => Promise<void>): Promise<void> {
  expect(network.open()).toBeGreaterThan(0);
  network.state.isDown = true;
  network.cut();
  await expect.poll(() => network.open()).toBe(0);
  const { passed, refused } = { ...network.counts };
  let mostOpen = 0;
  const looking = setInterval(() => (mostOpen = Math.max(mostOpen, network.open())), LOOK_MS);
  try {
    await Promise.all([sleep(CUT_MS), meanwhile()]);
  } finally {
    clearInterval(looking);
  }
  expect(mostOpen).toBe(0);
  expect(network.counts.passed).toBe(passed);
  expect(network.counts.refused).toBeGreaterThan(refused);
  network.state.isDown = false;
}

describe.skipIf(WITHOUT_BROWSER)("ten seconds without a network", () => {
  let browser: Browser;
  let example: ServedExample;
  let [ofPage, ofBridge]: Network[] = [];
  beforeAll(async () => {
    example = await serveExample({ wayOfPage: async (url) => (ofPage = await steadyWayTo(url)).url });
    ofBridge = await steadyWayTo(example.url);
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser.close();
    for (const network of [ofPage, ofBridge]) network?.close();
    await example.close();
  });

  /** What of a thread's text Convex has. */
  async function stored({ threadId }: LiveCodex): Promise<string[]> {
    const { page } = await example.convex.query(api.chat.listThreadMessagesForHooks, { threadId, paginationOpts: { cursor: null, numItems: 10 } });
    return page.flatMap(({ text }) => countedIn(text));
  }
  /** How many approvals nobody has decided. */
  const pending = async ({ threadId }: LiveCodex) =>
    (await example.convex.query(api.chat.listPendingApprovalsForHooks, { threadId, paginationOpts: { cursor: null, numItems: 10 } })).page.length;

  test.each(["page", "bridge"] as const)("on the %s's side: events go on, the text is whole after it, and an answer given meanwhile arrives once", async (side) => {
    const network = side === "page" ? ofPage! : ofBridge!;
    const start = async (record: string, thread?: StartArgs) => {
      const codex = await startLiveCodex(ofBridge!.url, example.deviceToken, record, TOKEN_MS, thread);
      onTestFinished(() => codex.stop());
      return codex;
    };
    const [counting, asking] = await Promise.all([start("long"), start("command-approved", ASKS_FIRST)]);
    await asking.prompt("How many lines are in notes.txt?");
    const complaints: string[] = [];
    const open = ({ threadId }: LiveCodex) => openTab(browser, example.addressOf(threadId), complaints);
    const [reader, approver] = await Promise.all([open(counting), open(asking)]);
    const card = approver.getByRole("region", { name: "Codex wants to run a command" });
    const accept = card.getByRole("button", { name: "Run it" });
    await expect.poll(() => accept.isEnabled()).toBe(true);
    await counting.prompt("Count to 2500.");
    await reads(reader, "tok20");

    const shown = async () => countedIn(await transcript(reader)).length;
    const goesOn = async () => {
      const before = counting.told();
      await expect.poll(() => counting.told()).toBeGreaterThan(before + 100);
    };
    await cut(network, async () => {
      await accept.click();
      if (side === "page") {
        await reader.getByText("Reconnecting").waitFor();
        const [shownThen, storedThen] = [await shown(), (await stored(counting)).length];
        await goesOn();
        await expect.poll(async () => (await stored(counting)).length).toBeGreaterThan(storedThen);
        expect(await shown()).toBe(shownThen);
        expect(await accept.isDisabled()).toBe(true);
        expect(await pending(asking)).toBe(1);
      } else {
        await card.waitFor({ state: "detached" });
        await goesOn();
        const [waitingThen, storedThen] = [counting.waiting(), (await stored(counting)).length];
        await goesOn();
        expect(counting.waiting()).toBeGreaterThan(waitingThen);
        expect((await stored(counting)).length).toBe(storedThen);
        expect(await pending(asking)).toBe(0);
      }
      expect(asking.answers()).toEqual([]);
    });

    await reads(reader, "tok2500");
    await reader.getByRole("status").getByText("Idle").waitFor();
    expect(countedIn(await transcript(reader))).toEqual(COUNTED);
    await reads(approver, "There are three lines.");
    await card.waitFor({ state: "detached" });
    expect(asking.answers()).toEqual([{ decision: "accept" }]);
    expect(await decisions(approver)).toEqual([expect.stringMatching(/^Accepted/)]);
    await expect.poll(() => counting.waiting() + asking.waiting()).toBe(0);
    expect(complaints).toEqual([]);
  });
});
