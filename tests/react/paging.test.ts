import { describe, expect, it } from "vitest";

import {
  growPaging,
  keepPages,
  pageRequests,
  readPages,
  settlePaging,
  startPaging,
} from "../../js-wrapper/react/paging.js";

describe("growing", () => {
  it("pins the last page and adds one after it, once", () => {
    const grown = growPaging(startPaging(2), "c", 3);
    expect(pageRequests(grown)).toMatchObject([
      { key: 0, cursor: null, numItems: 2 },
      { key: 1, cursor: null, endCursor: "c", numItems: 2 },
      { key: 2, cursor: "c", numItems: 3 },
    ]);
    expect(growPaging(grown, "c", 3)).toBe(grown);
  });

  it("shows the old pages until all of the new ones have loaded", () => {
    const grown = growPaging(startPaging(2), "c", 2);
    const half = { 0: page("ab", "c"), 1: page("ab", "c") };
    expect(readPages(grown, half)).toMatchObject({ rows: rows("ab") });
    expect(settlePaging(grown, half)).toBe(grown);
    const all = { ...half, 2: page("cd", "e") };
    expect(readPages(grown, all)).toMatchObject({ rows: rows("abcd") });
    expect(pageRequests(settlePaging(grown, all)).map(({ key }) => key)).toEqual([1, 2]);
  });

  it("an error of the next page leaves what is shown, and is told", () => {
    const grown = growPaging(startPaging(2), "c", 2);
    const results = { 0: page("ab", "c"), 1: page("ab", "c"), 2: new Error("no") };
    expect(readPages(grown, results)).toMatchObject({ rows: rows("ab"), error: new Error("no") });
    expect(settlePaging(grown, results)).toBe(grown);
  });
});

describe("a page that the server could not read to its end", () => {
  const pinned = settlePaging(growPaging(startPaging(2), "c", 2), {
    0: page("ab", "c"),
    1: page("ab", "c"),
    2: page("cd", "e"),
  });

  it("is cut where it ended, so that no row is lost", () => {
    const early = { 1: page("a", "b"), 2: page("cd", "e") };
    const cut = settlePaging(pinned, early);
    expect(pageRequests(cut).slice(2)).toMatchObject([
      { key: 3, cursor: null, endCursor: "b" },
      { key: 4, cursor: "b", endCursor: "c" },
    ]);
    const whole = { ...early, 3: page("a", "b"), 4: page("b", "c") };
    expect(readPages(cut, whole).rows).toEqual(rows("abcd"));
  });

  it("is not cut for ever by a server that names ends differently", () => {
    let paging = pinned;
    const steps = 20;
    for (let step = 0; step < steps; step += 1) {
      const results: Record<string, ReturnType<typeof page>> = {};
      for (const { key, cursor } of pageRequests(paging)) {
        results[key] = cursor === null ? page("a", `odd ${step}`) : page("", "odd");
      }
      paging = settlePaging(paging, results);
    }
    expect(pageRequests(paging).length).toBeLessThanOrEqual(pageRequests(pinned).length + 1);
  });

  it("is split where the server says", () => {
    const results = {
      1: { ...page("ab", "c"), splitCursor: "b", pageStatus: "SplitRecommended" as const },
      2: page("cd", "e"),
    };
    expect(pageRequests(settlePaging(pinned, results)).slice(2)).toMatchObject([
      { cursor: null, endCursor: "b" },
      { cursor: "b", endCursor: "c" },
    ]);
    expect(readPages(pinned, results).rows).toEqual(rows("abcd"));
  });

  it("shows no row of a page that has to be split first", () => {
    const results = {
      1: { ...page("ab", "c"), splitCursor: "b", pageStatus: "SplitRequired" as const },
      2: page("cd", "e"),
    };
    expect(readPages(pinned, results)).toMatchObject({ rows: [], last: undefined });
  });
});

describe("an invalid cursor", () => {
  const invalid = Object.assign(new Error("[CONVEX] cursor"), {
    data: { isConvexSystemError: true, paginationError: "InvalidCursor" },
  });

  it("starts the list again", () => {
    const grown = growPaging(startPaging(2), "c", 5);
    const restarted = settlePaging(grown, { 0: page("ab", "c"), 2: invalid });
    expect(pageRequests(restarted)).toMatchObject([{ cursor: null, numItems: 2 }]);
  });

  it("of a page that has none is a failure like any other", () => {
    const paging = startPaging(2);
    expect(settlePaging(paging, { 0: invalid })).toBe(paging);
    expect(readPages(paging, { 0: invalid }).error).toBe(invalid);
  });
});

describe("a page whose query fails", () => {
  it("is as it was, and so are those behind it", () => {
    const paging = settlePaging(growPaging(startPaging(2), "c", 2), { 0: page("ab", "c"), 1: page("ab", "c"), 2: page("cd", "e") });
    const results = { 1: page("ab", "c"), 2: page("cd", "e") };
    const kept = keepPages(paging, results);
    for (const failed of [{ ...results, 1: new Error("no") }, { ...results, 2: new Error("no") }]) {
      expect(readPages(paging, failed, keepPages(paging, failed, kept))).toMatchObject({ rows: rows("abcd"), last: page("cd", "e"), error: new Error("no") });
    }
  });
});

function page(letters: string, continueCursor: string) {
  return { page: rows(letters), isDone: false, continueCursor };
}

function rows(letters: string) {
  return Array.from(letters, (messageId) => ({
    messageId,
    turnId: "turn",
    role: "assistant" as const,
    status: "completed" as const,
    text: "",
    orderInTurn: 0,
    createdAt: 0,
    updatedAt: 0,
  }));
}
