/** How the turns of a thread are gone through. */
import { expect, it } from "vitest";
import { type TurnPage, turnPages } from "../../js-wrapper/app-server/turn-pages.js";

const TOO_LARGE = new Error("too large");

/** A history of so many turns, and what was asked of it. */
function history(turns: number, largest = Infinity) {
  const asked: TurnPage[] = [];
  const list = async (page: TurnPage) => {
    asked.push(page);
    if (page.limit > largest) throw TOO_LARGE;
    const from = Number(page.cursor ?? 0);
    const data = Array.from({ length: Math.min(page.limit, turns - from) }, (_, at) => from + at);
    return { data, nextCursor: from + page.limit < turns ? String(from + page.limit) : null };
  };
  const read = async (limit: number, isTooLarge?: (thrown: unknown) => boolean) => {
    const pages: number[][] = [];
    for await (const { data } of turnPages(list, limit, isTooLarge)) pages.push(data);
    return pages;
  };
  return { asked, list, read };
}

it("goes from page to page to the end, and no further than somebody reads", async () => {
  const { asked, list, read } = history(5);
  expect(await read(2)).toEqual([[0, 1], [2, 3], [4]]);
  expect(asked).toEqual([{ limit: 2, cursor: null }, { limit: 2, cursor: "2" }, { limit: 2, cursor: "4" }]);
  for await (const { data } of turnPages(list, 2)) if (data.includes(0)) break;
  expect(asked).toHaveLength(4);
  expect(await history(0).read(2)).toEqual([[]]);
});

it("asks in half as many turns where a page is too large, from there on, and for a single turn once", async () => {
  const isTooLarge = (thrown: unknown) => thrown === TOO_LARGE;
  const { asked, read } = history(3, 1);
  expect(await read(5, isTooLarge)).toEqual([[0], [1], [2]]);
  expect(asked.map(({ limit }) => limit)).toEqual([5, 2, 1, 1, 1]);
  const none = history(3, 0);
  await expect(none.read(2, isTooLarge)).rejects.toBe(TOO_LARGE);
  await expect(none.read(2)).rejects.toBe(TOO_LARGE);
  expect(none.asked).toHaveLength(3);
});
