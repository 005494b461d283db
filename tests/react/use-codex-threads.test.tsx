import { act, cleanup, renderHook } from "@testing-library/react";
import type { ApiFromModules, PaginationOptions } from "convex/server";
import { anyApi } from "convex/server";
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from "vitest";
import type { defineCodexHost } from "../../js-wrapper/host/convex.js";
import type {
  CodexThreadRow,
  CodexThreadsPage,
  UseCodexThreadsResult,
} from "../../js-wrapper/react/index.js";
import { useCodexThreads } from "../../js-wrapper/react/index.js";
import { FakeConvex } from "./fake-convex.js";
import { inStrictMode } from "./in-strict-mode.js";

const api = anyApi as unknown as ApiFromModules<{ chat: ReturnType<typeof defineCodexHost> }>;

let threads: CodexThreadRow[];
let error: Error | undefined;
let convex: FakeConvex;

beforeEach(() => {
  threads = [];
  error = undefined;
  convex = new FakeConvex((args) => serve(args as unknown as Asked));
  put("top");
  put("other");
  put("one", "top");
  put("two", "top");
});
afterEach(cleanup);

interface Asked {
  parentThreadId?: string | null;
  paginationOpts: PaginationOptions;
}

/** A FAKE host: the contract of `listThreadsForHooks`, over rows in memory, newest first. */
function serve({ parentThreadId, paginationOpts }: Asked): CodexThreadsPage {
  if (error !== undefined) throw error;
  const { cursor, numItems } = paginationOpts;
  const isThere = threads.some(({ threadId }) => threadId === parentThreadId);
  if (typeof parentThreadId === "string" && !isThere) {
    return { page: [], isDone: true, continueCursor: "", threadStatus: "missing" };
  }
  const rows = threads.filter(
    (row) => parentThreadId === undefined || row.parentThreadId === (parentThreadId ?? undefined),
  );
  const at = ({ updatedAt }: CodexThreadRow) => String(updatedAt);
  const { endCursor } = paginationOpts as { endCursor?: string };
  const behind = rows.filter((row) => cursor === null || Number(at(row)) < Number(cursor));
  const page = endCursor
    ? behind.filter((row) => Number(at(row)) >= Number(endCursor))
    : behind.slice(0, numItems);
  return {
    page,
    isDone: page.length === behind.length,
    continueCursor: page.map(at).at(-1) ?? cursor ?? "",
  };
}

/** Makes a thread, or writes it: it comes first. */
function put(threadId: string, parentThreadId?: string): void {
  const before = threads.find((row) => row.threadId === threadId);
  const updatedAt = Math.max(0, ...threads.map((row) => row.updatedAt)) + 1;
  const row: CodexThreadRow = {
    ...(before ?? { threadId, status: "active" }),
    ...(parentThreadId !== undefined && { parentThreadId }),
    updatedAt,
  };
  threads = [row, ...threads.filter((other) => other !== before)];
}

type Args = Parameters<typeof useCodexThreads<typeof api.chat.listThreadsForHooks>>[1];

function follow(args: Args, initialNumItems = 10) {
  const hook = renderHook(
    (given: { args: Args }) =>
      useCodexThreads(api.chat.listThreadsForHooks, given.args, { initialNumItems }),
    {
      initialProps: { args },
      wrapper: inStrictMode(convex.client),
    },
  );
  return {
    get current() {
      return hook.result.current;
    },
    rerender: (next: Args) => hook.rerender({ args: next }),
  };
}

async function settle(): Promise<void> {
  for (let i = 0; i < 10; i += 1) await act(() => convex.flush());
}

const ids = ({ results }: UseCodexThreadsResult) => results.map(({ threadId }) => threadId);

describe("the threads", () => {
  it("are all of the user's, the one last written to first, with whose agents they are", async () => {
    const view = follow({});
    expect(view.current).toMatchObject({ status: "LoadingFirstPage", results: [] });
    await settle();
    expect(view.current).toMatchObject({ status: "Exhausted", isLoading: false });
    expect(view.current.results.map((row) => [row.threadId, row.parentThreadId])).toEqual([
      ["two", "top"],
      ["one", "top"],
      ["other", undefined],
      ["top", undefined],
    ]);
  });

  it("are a thread's agents, or those that are no agents, as is asked", async () => {
    const view = follow({ parentThreadId: "top" });
    await settle();
    expect(ids(view.current)).toEqual(["two", "one"]);
    view.rerender({ parentThreadId: null });
    expect(view.current).toMatchObject({ status: "LoadingFirstPage", results: [] });
    await settle();
    expect(ids(view.current)).toEqual(["other", "top"]);
    put("three", "top");
    view.rerender({ parentThreadId: "top" });
    await settle();
    expect(ids(view.current)).toEqual(["three", "two", "one"]);
  });

  it("of a parent that is not there are none, until it is", async () => {
    const view = follow({ parentThreadId: "new" });
    await settle();
    expect(view.current).toMatchObject({ results: [], threadStatus: "missing" });
    put("new");
    put("its", "new");
    await settle();
    expect(ids(view.current)).toEqual(["its"]);
    expect(view.current).not.toHaveProperty("threadStatus");
  });

  it("come by pages, and none is lost or doubled while one moves up", async () => {
    const view = follow({}, 2);
    await settle();
    expect(view.current.status).toBe("CanLoadMore");
    act(() => view.current.loadMore(1));
    expect(view.current).toMatchObject({ status: "LoadingMore", isLoading: true });
    await settle();
    expect(ids(view.current)).toEqual(["two", "one", "other"]);
    put("other");
    await settle();
    // What moved up is with the first page, and what comes next fills the last.
    expect(ids(view.current)).toEqual(["other", "two", "one", "top"]);
    expect(view.current.status).toBe("Exhausted");
  });

  it("that did not change are the same objects, and so is the list", async () => {
    const view = follow({});
    await settle();
    const { results: before } = view.current;
    view.rerender({});
    await settle();
    expect(view.current.results).toBe(before);
    put("two");
    await settle();
    const { results: after } = view.current;
    expect(after).not.toBe(before);
    expect(after[0]).not.toBe(before[0]);
    expect(after.slice(1).every((row, at) => row === before[at + 1])).toBe(true);
  });

  it.each([
    ["its parent", { parentThreadId: "other" }],
    ["its status", { status: "archived" as const }],
  ])("of which %s changed alone are told", async (_what, change) => {
    const view = follow({});
    await settle();
    threads = threads.map((row) => (row.threadId === "top" ? { ...row, ...change } : row));
    await settle();
    expect(view.current.results.at(-1)).toMatchObject(change);
  });

  it("that could not be read are an error that passes, and none are asked for with skip", async () => {
    const view = follow("skip");
    await settle();
    expect([convex.subscribed, view.current.status]).toEqual([[], "LoadingFirstPage"]);
    error = new Error("no such function");
    view.rerender({});
    await settle();
    expect(view.current.error?.message).toBe("no such function");
    error = undefined;
    await settle();
    expect(ids(view.current)).toHaveLength(4);
    expect(view.current.error).toBeUndefined();
  });
});

it("takes the app's own arguments of the query, and no others", () => {
  expectTypeOf<Args>().not.toBeAny();
  expectTypeOf<{ parentThreadId: null }>().toExtend<Args>();
  expectTypeOf<{ parentThreadId: number }>().not.toExtend<Args>();
  expectTypeOf<Args>().not.toExtend<{ paginationOpts: PaginationOptions }>();
});
