/** Agents' threads and the threads that began them. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ANCESTORS_MAX } from "../../convex/model/parents.js";
import { api, dump, OWNER, refusal, startComponent, stepDeletion, type Component } from "./build.js";

const PAGE = { cursor: null, numItems: 100 };
const STRANGERS = [["another user", { ...OWNER, userId: "bob" }], ["another tenant", { ...OWNER, tenantId: "other" }]] as const;

beforeEach(() => vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] }));
afterEach(() => vi.useRealTimers());

const make = (component: Component, threadId: string, parentThreadId?: string, actor = OWNER) => {
  vi.setSystemTime(Date.now() + 1);
  return component.mutation(api.threads.create, { actor, threadId, ...(parentThreadId === undefined ? {} : { parentThreadId }) });
};
const parentOf = async (component: Component, threadId: string) => (await component.query(api.threads.get, { actor: OWNER, threadId })).parentThreadId;
const listed = async (component: Component, parentThreadId?: string | null) =>
  (await component.query(api.threads.list, { actor: OWNER, ...(parentThreadId === undefined ? {} : { parentThreadId }), paginationOpts: PAGE })).page.map((row) => [row.threadId, row.parentThreadId]);

/** A thread with two agents, of which the second has one itself, beside another thread. */
async function family() {
  const component = startComponent();
  await make(component, "top");
  await make(component, "other");
  await make(component, "one", "top");
  await make(component, "two", "top");
  await make(component, "deep", "two");
  return component;
}

describe("a thread's parent", () => {
  test("is said where it is made, and told with it", async () => {
    const component = await family();
    expect([await parentOf(component, "one"), await parentOf(component, "deep"), await parentOf(component, "top")]).toEqual(["top", "two", undefined]);
    const made = await component.mutation(api.threads.resolve, { actor: OWNER, externalThreadId: "ext", parentThreadId: "top" });
    const unnamed = await component.mutation(api.threads.resolve, { actor: OWNER, parentThreadId: "one" });
    expect([await parentOf(component, made.threadId), await parentOf(component, unnamed.threadId)]).toEqual(["top", "one"]);
  });

  test("is set where it becomes known later, and stays where nothing is said", async () => {
    const component = await family();
    await make(component, "other", "top");
    await make(component, "other");
    await make(component, "other", "top");
    const { threadId } = await component.mutation(api.threads.resolve, { actor: OWNER, externalThreadId: "ext" });
    expect(await component.mutation(api.threads.resolve, { actor: OWNER, externalThreadId: "ext", parentThreadId: "other" })).toMatchObject({ threadId, created: false });
    expect([await parentOf(component, "other"), await parentOf(component, threadId)]).toEqual(["top", "other"]);
  });

  test("is never another one: codex changes none", async () => {
    const component = await family();
    const before = await dump(component);
    expect(await refusal(make(component, "one", "other"))).toMatchObject({ code: "E_REQUEST_INVALID", threadId: "one", field: "parentThreadId", retryable: false });
    await component.mutation(api.threads.resolve, { actor: OWNER, externalThreadId: "ext", parentThreadId: "top" });
    expect((await refusal(component.mutation(api.threads.resolve, { actor: OWNER, externalThreadId: "ext", parentThreadId: "other" }))).code).toBe("E_REQUEST_INVALID");
    expect((await dump(component)).threads).toEqual(expect.arrayContaining(before.threads));
  });

  test("stands above it, and so not below: neither is itself, nor an agent of its own, however deep", async () => {
    const component = await family();
    for (const below of ["top", "one", "deep"]) expect((await refusal(make(component, "top", below))).code, below).toBe("E_REQUEST_INVALID");
    expect((await refusal(make(component, "new", "new"))).code).toBe("E_REQUEST_INVALID");
    expect(await listed(component, null)).toEqual([["other", undefined], ["top", undefined]]);
  });

  test("has at most 32 above the thread, so that no chain is walked further", async () => {
    const component = startComponent();
    await make(component, "0");
    for (let at = 1; at <= ANCESTORS_MAX; at++) await make(component, String(at), String(at - 1));
    expect(await parentOf(component, "32")).toBe("31");
    expect((await refusal(make(component, "33", "32"))).code).toBe("E_REQUEST_INVALID");
    // The first of them under another: the chain is longer then, and the walk no longer.
    await make(component, "above");
    await make(component, "0", "above");
    expect((await refusal(make(component, "above", "32"))).code).toBe("E_REQUEST_INVALID");
    expect(await parentOf(component, "above")).toBeUndefined();
  });

  test("is the same user's: a stranger's is missing, as one that nobody has, whatever asks for it", async () => {
    const component = await family();
    for (const [who, actor] of STRANGERS) {
      await make(component, "mine", undefined, actor);
      for (const ask of [
        (parentThreadId: string) => make(component, "made", parentThreadId, actor),
        (parentThreadId: string) => make(component, "mine", parentThreadId, actor),
        (parentThreadId: string) => component.mutation(api.threads.resolve, { actor, externalThreadId: "ext", parentThreadId }),
        (parentThreadId: string) => component.query(api.threads.list, { actor, parentThreadId, paginationOpts: PAGE }),
      ]) {
        const [strange, missing] = [await refusal(ask("top")), await refusal(ask("nope"))];
        expect(strange, who).toMatchObject({ code: "E_AUTH_THREAD_FORBIDDEN", threadId: "top" });
        expect(JSON.stringify(strange).replaceAll("top", "nope"), who).toBe(JSON.stringify(missing));
      }
      expect((await component.query(api.threads.list, { actor, paginationOpts: PAGE })).page.map(({ threadId }) => threadId)).toEqual(["mine"]);
    }
  });

  test("of the same name is each user's own", async () => {
    const component = await family();
    const [, bob] = STRANGERS[0];
    await make(component, "top", undefined, bob);
    await make(component, "his", "top", bob);
    expect((await component.query(api.threads.list, { actor: bob, parentThreadId: "top", paginationOpts: PAGE })).page.map(({ threadId }) => threadId)).toEqual(["his"]);
    expect(await listed(component, "top")).toEqual([["two", "top"], ["one", "top"]]);
  });

  test("is no longer than an id", async () => {
    const component = await family();
    expect(await refusal(make(component, "new", "x".repeat(1025)))).toMatchObject({ code: "E_REQUEST_INVALID", field: "parentThreadId" });
  });

  test("is not a copy's: that goes on by itself", async () => {
    const component = await family();
    await component.mutation(api.threads.fork, { actor: OWNER, threadId: "one", newThreadId: "copy" });
    expect([await parentOf(component, "copy"), await parentOf(component, "one")]).toEqual([undefined, "top"]);
  });
});

describe("the list of threads", () => {
  test("is all of them, each with its parent; or a thread's agents; or those that are no agents; last changed first", async () => {
    const component = await family();
    expect(await listed(component)).toEqual([["deep", "two"], ["two", "top"], ["one", "top"], ["other", undefined], ["top", undefined]]);
    expect(await listed(component, "top")).toEqual([["two", "top"], ["one", "top"]]);
    expect(await listed(component, "deep")).toEqual([]);
    expect(await listed(component, null)).toEqual([["other", undefined], ["top", undefined]]);
    await make(component, "one");
    expect(await listed(component, "top")).toEqual([["one", "top"], ["two", "top"]]);
  });

  test("of agents has pages, in which none is lost or doubled", async () => {
    const component = await family();
    for (let at = 0; at < 7; at++) await make(component, `agent ${String(at)}`, "other");
    for (const parentThreadId of ["other", null]) {
      const whole = await listed(component, parentThreadId);
      const seen: string[] = [];
      for (let cursor: string | null = null, isDone = false; !isDone; ) {
        const answer: { page: { threadId: string }[]; isDone: boolean; continueCursor: string } = await component.query(api.threads.list, { actor: OWNER, parentThreadId, paginationOpts: { cursor, numItems: 3 } });
        expect(answer.page.length).toBeLessThanOrEqual(3);
        seen.push(...answer.page.map(({ threadId }) => threadId));
        ({ isDone, continueCursor: cursor } = answer);
      }
      expect(seen).toEqual(whole.map(([threadId]) => threadId));
    }
  });
});

describe("a deleted parent", () => {
  const finish = (component: Component) => component.finishAllScheduledFunctions(() => vi.runAllTimers());

  test("leaves its agents, which are nobody's then: its name is nowhere", async () => {
    const component = await family();
    const updated = (await dump(component)).threads.find(({ threadId }) => threadId === "one")?.updatedAt;
    await component.mutation(api.threads.deleteCascade, { actor: OWNER, threadId: "top" });
    expect((await refusal(component.query(api.threads.list, { actor: OWNER, parentThreadId: "top", paginationOpts: PAGE }))).code).toBe("E_AUTH_THREAD_FORBIDDEN");
    // Who says it once more is not stopped by that.
    await component.mutation(api.threads.create, { actor: OWNER, threadId: "two", parentThreadId: "top" });
    await finish(component);
    expect(await listed(component)).toEqual([["two", undefined], ["deep", "two"], ["one", undefined], ["other", undefined]]);
    expect(await listed(component, null)).toEqual([["two", undefined], ["one", undefined], ["other", undefined]]);
    const { threads } = await dump(component);
    expect(threads.find(({ threadId }) => threadId === "one")?.updatedAt).toBe(updated);
    expect(JSON.stringify(threads)).not.toContain('"top"');
    // A thread of that name is another one.
    await component.mutation(api.threads.create, { actor: OWNER, threadId: "top", recreate: true });
    expect(await listed(component, "top")).toEqual([]);
    await make(component, "one", "other");
    expect(await parentOf(component, "one")).toBe("other");
  });

  test("is forgotten a batch at a time, however many its agents are", async () => {
    const component = startComponent();
    await make(component, "top");
    const count = 700;
    await component.run(async (ctx) => {
      const { _id: _, _creationTime: __, ...row } = (await ctx.db.query("threads").first())!;
      for (let at = 0; at < count; at++) await ctx.db.insert("threads", { ...row, threadId: `agent ${String(at)}`, parentThreadId: "top" });
    });
    const { deletionJobId } = await component.mutation(api.threads.deleteCascade, { actor: OWNER, threadId: "top" });
    const left = async () => (await dump(component)).threads.filter(({ parentThreadId }) => parentThreadId === "top").length;
    const steps: number[] = [await left()];
    const job = (await dump(component)).deletions[0]!._id;
    for (let hasMore = true; hasMore; steps.push(await left())) ({ hasMore } = await stepDeletion(component, job));
    expect(steps.at(-1)).toBe(0);
    expect(Math.max(...steps.slice(1).map((now, at) => steps[at]! - now))).toBeLessThan(count);
    expect(await component.query(api.threads.getDeletionJobStatus, { actor: OWNER, deletionJobId })).toMatchObject({ status: "completed" });
  });

  test("with all else of the user's goes with its agents", async () => {
    const component = await family();
    await component.mutation(api.threads.purgeActorData, { actor: OWNER });
    await finish(component);
    const { threads, tallies } = await dump(component);
    expect([threads, tallies]).toEqual([[], []]);
  });
});

test("an agent's approvals are among its user's, by the agent's thread", async () => {
  const component = await family();
  const ask = (threadId: string, requestId: number) =>
    component.mutation(api.serverRequests.upsertPending, { actor: OWNER, threadId, turnId: "u", itemId: "c", requestId, method: "item/commandExecution/requestApproval", payloadJson: "{}", requestedAt: requestId });
  for (const [at, threadId] of ["top", "one", "deep"].entries()) {
    await component.mutation(api.turns.start, { actor: OWNER, threadId, turnId: "u", input: [], idempotencyKey: "k" });
    await ask(threadId, at);
  }
  const pending = async (threadId?: string) =>
    (await component.query(api.approvals.listPending, { actor: OWNER, ...(threadId === undefined ? {} : { threadId }), paginationOpts: PAGE })).page.map((row) => row.threadId).sort();
  expect([await pending(), await pending("top"), await pending("deep")]).toEqual([["deep", "one", "top"], ["top"], ["deep"]]);
  expect((await component.query(api.serverRequests.listPending, { actor: OWNER })).map(({ threadId }) => threadId).sort()).toEqual(["deep", "one", "top"]);
});
