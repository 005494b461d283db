import { describe, expect, it } from "vitest";

import {
  growPaging,
  keepPages,
  pageRequests,
  readPages,
  settlePaging,
  startPaging,
  type KeptPages,
  type ListPage,
  type Paging,
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

describe("a list that grows", () => {
  it.each<[string, { initial: number; from: number; more: number; rowsMax?: number; burst?: number; each?: number }]>([
    ["its first page was the whole list", { initial: 30, from: 3, more: 0 }],
    ["more was loaded", { initial: 10, from: 60, more: 10 }],
    ["a page holds few rows", { initial: 10, from: 60, more: 10, rowsMax: 16 }],
    ["a page holds fewer rows than are asked for", { initial: 30, from: 60, more: 30, rowsMax: 7 }],
    ["many rows come at once", { initial: 10, from: 60, more: 10, rowsMax: 16, burst: 50 }],
    ["each row is loaded by itself", { initial: 1, from: 9, more: 1, rowsMax: 2 }],
    ["a row that counts is several rows", { initial: 5, from: 40, more: 5, rowsMax: 12, each: 4 }],
  ])("loses no row where %s, at no moment", (_what, { initial, from, more, rowsMax = 1_000, burst = 1, each = 1 }) => {
    const list = new List(initial, { rowsMax, each }, from);
    if (more > 0) list.loadMore(more);
    list.settle();
    const oldest = list.oldest();
    for (let step = 0; step < 120; step += burst) {
      list.add(burst);
      list.settle();
      expect(list.read()).toEqual({ from: oldest, to: list.newest, isWhole: oldest === 0 });
    }
    expect(list.moments).toEqual([]);
  });

  it.each(Array.from({ length: 60 }, (_, at) => at + 1))("loses no row, however late its answers are (%d)", (seed) => {
    const below = numbers(seed);
    const list = new List(1 + below(12), { rowsMax: [2, 5, 8, 16, 1_000][below(5)]!, each: 1 + below(2) }, below(60));
    for (let round = 0; round < 20; round += 1) {
      const oldest = list.oldest();
      list.isLate = () => below(3) === 0;
      for (let left = 1 + below(4); left > 0; left -= 1) {
        list.add(below(8) === 0 ? below(40) : 1);
        list.step();
        if (below(8) === 0) list.loadMore(1 + below(12));
      }
      list.isLate = () => false;
      list.settle();
      expect(list.read().to).toBe(list.newest);
      expect(list.oldest()).toBeLessThanOrEqual(Math.max(oldest, 0));
    }
    expect(list.moments).toEqual([]);
  });

  it("reads few rows for each that comes, and few pages in all", () => {
    const list = new List(30, {}, 3);
    for (let step = 0; step < 300; step += 1) {
      list.add(1);
      list.settle();
    }
    // The newest page has twice what was asked for at most; a page is read anew where it is cut.
    expect(list.rowsSent / 300).toBeLessThan(60);
    expect(pageRequests(list.paging).length).toBeLessThanOrEqual(300 / 30 + 2);
  });

  it("costs one subscription while nothing came that it has no room for", () => {
    const list = new List(30, {}, 3);
    for (let step = 0; step < 26; step += 1) {
      list.add(1);
      list.settle();
    }
    expect(pageRequests(list.paging)).toEqual([{ key: 0, cursor: null, numItems: 30 }]);
  });

  it("shows what is behind where most of a page was taken away", () => {
    const list = new List(10, {}, 60);
    list.add(1);
    list.settle();
    list.take(20);
    list.settle();
    expect(list.read()).toEqual({ from: 31, to: 40, isWhole: false });
  });

  it("shows what is behind where the page that lost all was just begun", () => {
    const list = new List(4, { rowsMax: 5 }, 20);
    list.add(2);
    list.settle();
    list.take(6);
    list.settle();
    expect(list.read()).toMatchObject({ to: 15, isWhole: false });
    expect(list.moments).toEqual([]);
  });

  it.each(Array.from({ length: 60 }, (_, at) => at + 1))("shows what is there, whatever is taken away (%d)", (seed) => {
    const below = numbers(seed);
    const list = new List(1 + below(12), { rowsMax: [2, 5, 8, 16, 1_000][below(5)]! }, 20 + below(60));
    for (let round = 0; round < 20; round += 1) {
      list.isLate = () => below(3) === 0;
      for (let left = 1 + below(4); left > 0; left -= 1) {
        if (below(3) === 0) list.take(below(30));
        else list.add(1 + below(8));
        list.step();
        if (below(8) === 0) list.loadMore(1 + below(12));
      }
      list.isLate = () => false;
      list.settle();
      expect(list.read().to).toBe(list.newest);
    }
    expect(list.moments).toEqual([]);
  });

  it("loads more where the list is being cut just then", () => {
    const list = new List(10, { rowsMax: 16 }, 60);
    list.loadMore(10);
    list.settle();
    list.add(20);
    list.step();
    expect(list.paging.next).toBeDefined();
    const oldest = list.oldest();
    list.loadMore(10);
    list.settle();
    expect(list.read()).toEqual({ from: oldest - 10, to: list.newest, isWhole: false });
    expect(list.moments).toEqual([]);
  });

  it("that slides shows as many as were asked for", () => {
    const list = new List(10, {}, 60, true);
    list.add(5);
    list.settle();
    expect(list.read()).toEqual({ from: 55, to: 64, isWhole: false });
    expect(pageRequests(list.paging)).toHaveLength(1);
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

/** Numbers below another, always the same for a seed. */
function numbers(seed: number): (count: number) => number {
  let state = seed;
  return (count) => ((state = (state * 48_271) % 2_147_483_647), state % count);
}

/** A list of numbered rows, newest first, as the component pages it, and who reads it: answers come one transition after they are asked for. */
class List {
  paging: Paging;
  /** What a reader saw that has a hole, or lacks what was there. */
  readonly moments: (readonly number[])[] = [];
  rowsSent = 0;
  /** Whether an answer that was not there yet is not there now. */
  isLate = () => false;
  #kept: KeptPages<ListPage<number>> = {};
  #sent = new Map<number, string>();
  #results: Record<string, ListPage<number>> = {};
  /** Newest first. A number is of one row alone. */
  readonly #all: number[] = [];
  #made = 0;
  readonly #rowsMax: number;
  readonly #each: number;

  constructor(initial: number, { rowsMax = 1_000, each = 1 }: { rowsMax?: number; each?: number }, count: number, isSliding = false) {
    this.paging = startPaging(initial, 0, isSliding);
    this.add(count);
    [this.#rowsMax, this.#each] = [rowsMax, each];
    this.settle();
  }

  get newest(): number {
    return this.#all[0]!;
  }

  add(count: number): void {
    for (const end = this.#made + count; this.#made < end; this.#made += 1) this.#all.unshift(this.#made);
  }

  /** Takes the newest rows away, but for one. */
  take(count: number): void {
    this.#all.splice(0, Math.min(count, this.#all.length - 1));
  }

  loadMore(numItems: number): void {
    const { last } = this.#loaded();
    if (last !== undefined && !last.isDone) this.paging = growPaging(this.paging, last.continueCursor, numItems);
  }

  oldest(): number {
    return this.#shown().at(-1) ?? -1;
  }

  read() {
    const shown = this.#shown();
    return { from: shown.at(-1), to: shown[0], isWhole: this.#loaded().last?.isDone };
  }

  settle(): void {
    for (let steps = 0, before: Paging | undefined; before !== this.paging; steps += 1) {
      if (steps > 500) throw new Error("the list does not come to rest");
      before = this.paging;
      this.step();
    }
  }

  /** What was asked for before this is answered, as of now. */
  step(): void {
    const asked = pageRequests(this.paging);
    const isThere = ({ key }: { key: number }) => this.#results[key] !== undefined || !this.isLate();
    this.#results = Object.fromEntries(asked.filter(isThere).map(({ key, ...opts }) => [key, this.#answer(opts)]));
    for (const { key } of asked) {
      const content = JSON.stringify(this.#results[key]);
      if (this.#sent.get(key) !== content) this.rowsSent += this.#results[key]?.page.length ?? 0;
      this.#sent.set(key, content);
    }
    const before = this.#shown();
    this.#kept = keepPages(this.paging, this.#results, this.#kept);
    this.#look(before);
    this.paging = settlePaging(this.paging, this.#results, this.#kept);
    this.#look(before);
  }

  #look(before: readonly number[]): void {
    const shown = this.#shown();
    const there = new Set(this.#all);
    // What was taken away may be shown a moment longer.
    const places = shown.filter((row) => there.has(row)).map((row) => this.#all.indexOf(row));
    const isHoled = places.some((place, at) => at > 0 && places[at - 1] !== place - 1);
    if (isHoled || before.some((row) => there.has(row) && !shown.includes(row))) this.moments.push(shown);
  }

  /** One row a number: pages that move against each other may both hold it. */
  #shown(): number[] {
    return [...new Set(this.#loaded().rows)];
  }

  #loaded() {
    return readPages(this.paging, this.#results, this.#kept);
  }

  #answer({ cursor, endCursor, numItems }: { cursor: string | null; endCursor?: string | undefined; numItems: number }): ListPage<number> {
    const within = this.#all.filter((row) => (!cursor || row < Number(cursor)) && (!endCursor || row >= Number(endCursor)));
    const itemsMax = Math.max(1, Math.floor(this.#rowsMax / this.#each));
    const items = within.slice(0, Math.min(itemsMax, endCursor === undefined ? numItems : Infinity));
    const isAtEnd = items.length === within.length;
    const page = items.flatMap((item) => Array.from({ length: this.#each }, () => item));
    return { page, isDone: isAtEnd && endCursor === undefined, continueCursor: isAtEnd && endCursor !== undefined ? endCursor : String(items.at(-1) ?? cursor ?? "") };
  }
}

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
