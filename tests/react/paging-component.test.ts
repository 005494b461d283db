/** The pages of a live thread whose texts are large, as the component itself ends them. */
import { expect, it } from "vitest";
import { growPaging, keepPages, pageRequests, readPages, settlePaging, startPaging, type KeptPages, type ListPage, type PageResults, type Paging } from "../../js-wrapper/react/paging.js";
import { api, startChat, THREAD } from "./chat-app.js";

/** So many fill a page of 4 MiB. */
const TEXT = "x".repeat(250 * 1024);
const FULL = 16;
const PATIENCE_MS = 120_000;

type Page = ListPage<{ messageId: string }>;

it("no message is missing at any moment while the newest page is filled and cut, again and again", { timeout: PATIENCE_MS }, async () => {
  const chat = await startChat();
  let newest = 0;
  const say = () => chat.say("item/completed", { item: { type: "agentMessage", id: `m${String((newest += 1))}`, text: TEXT } });
  await chat.say("turn/started", { turn: { id: "turn_1", items: [], status: "inProgress", error: null } });
  for (let n = 0; n < 8; n += 1) await say();

  let paging = startPaging(4);
  let results: PageResults<Page> = {};
  let kept: KeptPages<Page> = {};
  const read = () => readPages(paging, results, kept);
  const shown = () => read().rows.map(({ messageId }) => messageId);
  const all = () => Array.from({ length: newest }, (_, at) => `m${String(newest - at)}`);
  const moments: string[][] = [];
  let cuts = 0;
  const settle = async () => {
    for (let before: Paging | undefined; before !== paging; ) {
      before = paging;
      const answers = pageRequests(paging).map(async ({ key, cursor, endCursor, numItems }) => {
        const paginationOpts = { cursor, numItems, ...(endCursor !== undefined && { endCursor }) };
        return [key, await chat.ann.query(api.chat.listThreadMessagesForHooks, { threadId: THREAD, paginationOpts })] as const;
      });
      results = Object.fromEntries(await Promise.all(answers));
      kept = keepPages(paging, results, kept);
      moments.push(shown());
      paging = settlePaging(paging, results, kept);
      if (paging.shown.length > before.shown.length) cuts += 1;
      moments.push(shown());
    }
  };
  await settle();
  paging = growPaging(paging, read().last?.continueCursor ?? "", 4);
  await settle();
  expect(shown()).toEqual(all());
  [moments.length, cuts] = [0, 0];
  while (newest < 3 * FULL) {
    await say();
    await settle();
    expect(shown()).toEqual(all());
  }
  expect(cuts).toBeGreaterThan(1);
  const holed = moments.filter((rows) => rows.join() !== all().slice(-rows.length).join());
  expect(holed).toEqual([]);
});
