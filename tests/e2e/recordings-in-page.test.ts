/** Every recording of the real app-server in the page, in a real browser: through the bridge, the example app and the embedded Convex. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { NormalizedEvent } from "../../js-wrapper/bridge/index.js";
import { WITHOUT_BROWSER } from "./browser.js";
import { expectedOf, recordings, type ExpectedItem } from "./recorded.js";
import { eventsOf } from "./recorded-events.js";
import { startServedPage, type ServedPage } from "./served-page.js";

describe.skipIf(WITHOUT_BROWSER)("in the page", () => {
  let served: ServedPage;
  beforeAll(async () => {
    served = await startServedPage();
  });
  afterAll(() => served.stop());

  /** Shows a thread from its beginning, and says what is read there. */
  async function show(threadId: string): Promise<string> {
    const { page } = served;
    await served.open(threadId);
    const earlier = page.getByRole("button", { name: "Earlier messages" });
    const start = page.getByText("Start of the thread");
    for (;;) {
      await earlier.or(start).first().waitFor();
      if (!(await earlier.isVisible())) break;
      await earlier.click();
      await page.waitForTimeout(50);
    }
    // What was thought is folded.
    for (const folded of await page.locator(".transcript details:not([open]) > summary").all()) await folded.click();
    return page.locator(".transcript").innerText();
  }

  const spoken = recordings.filter((name) => expectedOf(name).items.size > 0);

  test.each(spoken)("%s is shown to its end", async (name) => {
    const expected = expectedOf(name);
    const named = new Map<string, string>();
    for (let at = 1; at <= expected.processes; at++) {
      const { events } = await eventsOf(name, at);
      await served.ingest(renamed(events, named));
    }
    for (const [threadId, items] of expected.items) {
      const shown = letters(await show(named.get(threadId)!));
      for (const words of items.flatMap(wordsOf)) expect(shown).toContain(letters(words));
      expect(await served.page.locator(".transcript .lamp").count()).toBe(0);
      const prompts = items.filter(({ type }) => type === "userMessage");
      expect(await served.page.locator(".transcript .bubble").count()).toBe(prompts.length);
    }
    expect(served.complaints).toEqual([]);
  });
});

/** The same in threads of other names, which `named` keeps: a deployment has those of the runs before. */
function renamed(events: readonly NormalizedEvent[], named: Map<string, string>): NormalizedEvent[] {
  for (const { threadId } of events) if (!named.has(threadId)) named.set(threadId, randomUUID());
  let text = JSON.stringify(events);
  for (const [threadId, name] of named) text = text.replaceAll(threadId, name);
  return JSON.parse(text) as NormalizedEvent[];
}

/** What the page must say of an item. */
function wordsOf({ type, text }: ExpectedItem): string[] {
  switch (type) {
    case "reasoning":
      return text === "" ? [] : [text.split("\n")[0]!];
    case "commandExecution":
      return [/^\S*sh -lc '([\s\S]*)'$/.exec(text)?.[1] ?? text];
    case "fileChange":
      return text.replace(/^\d+ files?: /, "").split(", ").map((path) => path.slice(path.lastIndexOf("/") + 1));
    case "contextCompaction":
      return ["Context compacted"];
    default:
      return [text];
  }
}

/** Letters alone: what Markdown makes of the rest, the numbers of a list among it, is its own matter. */
function letters(text: string): string {
  return text.replace(/\P{L}/gu, "");
}
