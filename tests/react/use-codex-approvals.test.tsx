import { act, cleanup, render, renderHook } from "@testing-library/react";
import { anyApi, type FunctionReference, type PaginationOptions } from "convex/server";
import { useEffect } from "react";
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from "vitest";
import { codexApprovalDecisions, useCodexApprovals, type CodexApprovalsPage } from "../../js-wrapper/react/index.js";
import { api, startChat, THREAD, TURN, type ChatApp } from "./chat-app.js";
import { inStrictMode } from "./in-strict-mode.js";
import { Loopback } from "./loopback-convex.js";

const { listPendingApprovalsForHooks, respondApprovalForHooks } = api.chat;
const COMMAND = "item/commandExecution/requestApproval";

let chat: ChatApp;

beforeEach(async () => {
  chat = await startChat();
  await chat.say("turn/started", { turn: { id: TURN, status: "inProgress", items: [] } });
});
afterEach(async () => {
  cleanup();
  await chat.loopback.close();
});

async function open(args: { threadId?: string } | "skip" = { threadId: THREAD }) {
  const { result } = renderHook(() => useCodexApprovals(listPendingApprovalsForHooks, args, respondApprovalForHooks, { initialNumItems: 10 }), {
    wrapper: inStrictMode(chat.loopback.connect()),
  });
  await chat.settle();
  return result;
}

describe("an approval", () => {
  it("is accepted as it was shown, and its answer is on its way until the server has it", async () => {
    await chat.ask(COMMAND, { command: "ls" });
    const page = await open();
    expect(page.current.results).toMatchObject([{ threadId: THREAD, turnId: TURN, itemId: "item_1", requestId: 0, isAnswering: false }]);
    chat.loopback.held = [];
    const answered = page.current.accept(page.current.results[0]!);
    await chat.settle();
    expect(page.current.results).toMatchObject([{ isAnswering: true }]);
    chat.loopback.release();
    await chat.does(() => answered);
    expect(page.current.results).toEqual([]);
    expect(await chat.lease()).toMatchObject([{ kind: "decide", payloadJson: expect.stringContaining('"accept"') }]);
  });

  it("is declined, and decided in codex's own words", async () => {
    await chat.ask(COMMAND, { command: "ls" }, 0, TURN, "item_1");
    await chat.ask(COMMAND, { command: "rm", availableDecisions: ["accept", "cancel"] }, 1, TURN, "item_2");
    const page = await open();
    const [second, first] = page.current.results;
    await chat.does(() => page.current.decline(first!));
    expect(page.current.results.map(({ itemId }) => itemId)).toEqual(["item_2"]);
    expect(codexApprovalDecisions(second!)).toEqual(["accept", "cancel"]);
    await chat.does(() => page.current.decide(second!, { json: '"cancel"' }));
    expect(page.current.results).toEqual([]);
    expect((await chat.lease()).map(({ payloadJson }) => (JSON.parse(payloadJson) as { decision: string }).decision)).toEqual(["decline", "cancel"]);
  });

  it("that is no longer what was shown is not accepted, and says so", async () => {
    await chat.ask(COMMAND, { command: "ls" }, 0, TURN, "item_1");
    await chat.ask(COMMAND, { command: "ls" }, 1, TURN, "item_2");
    const page = await open();
    const [other, shown] = page.current.results;
    await act(() => expect(page.current.accept({ ...shown!, payloadJson: "{}" })).rejects.toMatchObject({ data: { code: "E_APPROVAL_CHANGED" } }));
    expect(page.current.results[1]).toMatchObject({ isAnswering: false, answerError: { data: { code: "E_APPROVAL_CHANGED" } } });
    expect(page.current.results[0]).toBe(other);
    await chat.does(() => page.current.accept(page.current.results[1]!));
    expect(page.current.results.map(({ itemId }) => itemId)).toEqual(["item_2"]);
  });

  it("decided on two pages at once is decided once, and the other page is told", async () => {
    await chat.ask(COMMAND, { command: "ls" });
    const [desk, phone] = [await open(), await open({})];
    const [here, there] = [desk.current.results[0]!, phone.current.results[0]!];
    const both = await chat.does(() => Promise.allSettled([desk.current.accept(here), phone.current.decline(there)]));
    expect(both.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(both.find(({ status }) => status === "rejected")).toMatchObject({ reason: { data: { code: "E_APPROVAL_NOT_PENDING" } } });
    expect([desk.current.results, phone.current.results]).toEqual([[], []]);
    expect(await chat.lease()).toHaveLength(1);
  });

  it("whose decision did not reach codex waits again, and can be decided", async () => {
    await chat.ask(COMMAND, { command: "ls" });
    const page = await open();
    await chat.does(() => page.current.accept(page.current.results[0]!));
    const [leased] = await chat.lease();
    await chat.report(leased!, "refused", { code: "E_COMMAND_NOT_ALLOWED" });
    await chat.settle();
    expect(page.current.results).toMatchObject([{ isAnswering: false, overruled: { code: "E_COMMAND_NOT_ALLOWED" } }]);
  });
});

it("asks for nothing with skip, and keeps its functions", async () => {
  const page = await open("skip");
  expect(page.current).toMatchObject({ results: [], status: "LoadingFirstPage" });
  const { accept, decline } = page.current;
  await chat.settle();
  expect([page.current.accept, page.current.decline]).toEqual([accept, decline]);
});

it("offers what a method takes where the request says nothing", () => {
  const payloadJson = JSON.stringify({ params: {} });
  expect(codexApprovalDecisions({ method: COMMAND, payloadJson })).toEqual(["accept", "acceptForSession", "decline", "cancel"]);
  expect(codexApprovalDecisions({ method: "item/permissions/requestApproval", payloadJson })).not.toContain("cancel");
  expect(codexApprovalDecisions({ method: "execCommandApproval", payloadJson: "no json" })).toContain("approved");
});

/** Request ids begin anew in every process of codex: another one asks the same of the same item. */
describe("an approval of the name of an earlier one", () => {
  const { listPendingApprovalsForHooks: list, respondApprovalForHooks: respond } = api.chat;
  const asked = (createdAt: number) => ({ threadId: THREAD, turnId: TURN, itemId: "i", requestId: 0, kind: "commandExecution", method: COMMAND, payloadJson: "{}", createdAt });
  const settle = async () => {
    for (let i = 0; i < 5; i += 1) await act(() => new Promise((resolve) => setTimeout(resolve, 0)));
  };

  async function openOn(rows: ReturnType<typeof asked>[]) {
    const got: unknown[] = [];
    const loopback = new Loopback({
      query: () => ({ page: rows, isDone: true, continueCursor: "" }),
      mutation: (_name, args) => {
        got.push(args);
        throw new Error("lost");
      },
    });
    const { result: page } = renderHook(() => useCodexApprovals(list, { threadId: THREAD }, respond, { initialNumItems: 5 }), { wrapper: inStrictMode(loopback.connect()) });
    await settle();
    return { page, got, loopback };
  }

  it("takes the app's own arguments, also under a name of the row's, and nothing of the row", async () => {
    const { page, got, loopback } = await openOn([{ ...asked(1), reason: "codex's" } as ReturnType<typeof asked>]);
    const decide = async (args: object) => {
      await act(() => expect(page.current.decline(args as (typeof page.current.results)[number])).rejects.toThrow("lost"));
    };
    const [row] = page.current.results;
    const name = { threadId: THREAD, turnId: TURN, itemId: "i" };
    await decide(row!);
    await decide({ ...row, reason: "ours", kind: "trade" });
    await decide({ ...name, reason: "by name", method: "ours" });
    await decide({ ...row, createdAt: 7, tenant: "a" });
    const ofRow = { ...name, requestId: 0, decision: "declined" };
    expect(got).toEqual([ofRow, { ...ofRow, reason: "ours", kind: "trade" }, { ...name, decision: "declined", reason: "by name", method: "ours" }, { ...ofRow, tenant: "a" }]);
    await loopback.close();
  });

  it("has nothing of the answer to that", async () => {
    const rows = [asked(1)];
    const { page, loopback } = await openOn(rows);
    await act(() => expect(page.current.decline(page.current.results[0]!)).rejects.toThrow("lost"));
    expect(page.current.results).toMatchObject([{ createdAt: 1, answerError: { message: expect.stringContaining("lost") } }]);
    rows.splice(0, 1, asked(2));
    await act(() => loopback.refresh());
    await settle();
    expect(page.current.results).toEqual([{ ...asked(2), isAnswering: false }]);
    await loopback.close();
  });

  it("stands beside it while both wait", async () => {
    const { page, loopback } = await openOn([asked(2), asked(1)]);
    expect(page.current.results.map(({ createdAt }) => createdAt)).toEqual([2, 1]);
    await act(() => expect(page.current.decline(page.current.results[1]!)).rejects.toThrow("lost"));
    expect(page.current.results.map(({ answerError }) => answerError !== undefined)).toEqual([false, true]);
    await loopback.close();
  });

  it.each([[{ requestId: 0 }], [{}]])("is meant by who names it by hand, with %j: the newest of that name", async (named) => {
    const { page, loopback } = await openOn([asked(2), asked(1)]);
    await act(() => expect(page.current.decline({ threadId: THREAD, turnId: TURN, itemId: "i", ...named })).rejects.toThrow("lost"));
    expect(page.current.results.map(({ answerError }) => answerError !== undefined)).toEqual([true, false]);
    await loopback.close();
  });

  it("is meant by a child's effect that names it by hand, which comes before its parent's", async () => {
    const loopback = new Loopback({
      query: () => ({ page: [asked(1)], isDone: true, continueCursor: "" }),
      mutation: () => {
        throw new Error("lost");
      },
    });
    const shown: (Error | undefined)[] = [];
    let calls = 0;
    function Child({ results, decline }: Pick<ReturnType<typeof useCodexApprovals<typeof list, typeof respond>>, "results" | "decline">) {
      useEffect(() => {
        shown.push(results[0]?.answerError);
        if (results.length > 0 && (calls += 1) === 1) decline({ threadId: THREAD, turnId: TURN, itemId: "i" }).catch(() => undefined);
      }, [results, decline]);
      return null;
    }
    function Parent() {
      const { results, decline } = useCodexApprovals(list, { threadId: THREAD }, respond, { initialNumItems: 5 });
      return <Child results={results} decline={decline} />;
    }
    render(<Parent />, { wrapper: inStrictMode(loopback.connect()) });
    await settle();
    expect([calls > 0, shown.at(-1)?.message]).toEqual([true, expect.stringContaining("lost") as string]);
    await loopback.close();
  });

  it("is sent without what the page says of it", async () => {
    const { page, got, loopback } = await openOn([asked(1)]);
    const shown = { ...page.current.results[0]!, answerCommandId: "c" };
    await act(() => expect(page.current.decide(shown, { json: '"cancel"' })).rejects.toThrow("lost"));
    // What lets nothing happen needs no hash: a page that is not served securely has none.
    expect(got).toEqual([{ threadId: THREAD, turnId: TURN, itemId: "i", requestId: 0, decision: { json: '"cancel"' } }]);
    await loopback.close();
  });
});

/** An app of the seed's day: its mutation takes the four names and the decision, and nothing else. */
describe("the seed's app", () => {
  type Seed = { actor: { userId: string }; threadId: string; turnId: string; itemId: string };
  const seed = anyApi["seed"] as unknown as {
    list: FunctionReference<"query", "public", { actor: { userId: string }; threadId?: string; paginationOpts: PaginationOptions }, CodexApprovalsPage>;
    respond: FunctionReference<"mutation", "public", Seed & { decision: "accepted" | "declined" }, null>;
  };
  const row = { threadId: THREAD, turnId: TURN, itemId: "i", kind: "commandExecution", createdAt: 1 };

  it("gets what its mutation takes", async () => {
    const got: unknown[] = [];
    const loopback = new Loopback({ query: () => ({ page: [row], isDone: true, continueCursor: "" }), mutation: (_name, args) => void got.push(args) });
    const actor = { userId: "ann" };
    const { result: page } = renderHook(() => useCodexApprovals(seed.list, { actor, threadId: THREAD }, seed.respond, { initialNumItems: 5 }), {
      wrapper: inStrictMode(loopback.connect()),
    });
    for (let i = 0; i < 5; i += 1) await act(() => new Promise((resolve) => setTimeout(resolve, 0)));
    expect(page.current.results).toEqual([{ ...row, isAnswering: false }]);
    await act(() => page.current.accept({ actor, threadId: THREAD, turnId: TURN, itemId: "i" }));
    await act(() => page.current.decline({ actor, ...page.current.results[0]! }));
    const named = { actor, threadId: THREAD, turnId: TURN, itemId: "i" };
    expect(got).toEqual([
      { ...named, decision: "accepted" },
      { ...named, decision: "declined" },
    ]);
    await loopback.close();
  });

  it("has its arguments checked", () => {
    type Page = ReturnType<typeof useCodexApprovals<typeof seed.list, typeof seed.respond>>;
    expectTypeOf<Seed>().toExtend<Parameters<Page["accept"]>[0]>();
    expectTypeOf<Omit<Seed, "actor">>().not.toExtend<Parameters<Page["accept"]>[0]>();
  });
});
