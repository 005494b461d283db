/** As many requests as a thread keeps open, each as large as it may be: no call that has to read them is stopped by it. */
import { getDocumentSize, type Value } from "convex/values";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { api, dump, ingestOk, internal, OWNER, refusal, startThread, THREAD, TURN, TurnStream, type Component } from "./build.js";

const COMMAND = "item/commandExecution/requestApproval";
const KiB = 1024;
const MiB = 1024 * KiB;
/** Of 3 bytes each: 94 of them are more than one call may read. */
const FAT = "\u6f22".repeat(60_000);
const FAT_REQUESTS = 94;
const PAGE = { cursor: null, numItems: 1_000 };

const asks = (turn: TurnStream, id: number, params: object = {}) =>
  turn.raw(COMMAND, JSON.stringify({ method: COMMAND, id, params: { threadId: THREAD, turnId: TURN, itemId: `call_${String(id)}`, ...params } }));

async function waiting(count = FAT_REQUESTS, params: object = { command: FAT }) {
  const component = await startThread();
  const turn = new TurnStream();
  await ingestOk(component, [turn.started()]);
  for (let id = 0; id < count; id++) await ingestOk(component, [asks(turn, id, params)]);
  return { component, turn };
}

const respond = (component: Component, id: number, decision: "accepted" | "declined" | { json: string } = "accepted") =>
  component.mutation(api.approvals.respond, { actor: OWNER, threadId: THREAD, turnId: TURN, itemId: `call_${String(id)}`, decision });

/** What became of them; their parts are more than one call may read. */
const statuses = async (component: Component) => [
  ...new Set((await component.run((ctx) => ctx.db.query("serverRequests").collect())).map(({ status }) => status)),
];

async function allApprovals(component: Component) {
  const ids = [];
  for (let cursor: string | null = null, isDone = false; !isDone; ) {
    const read: { page: { requestId: string | number; payloadJson: string }[]; isDone: boolean; continueCursor: string } = await component.query(
      api.approvals.listPending,
      { actor: OWNER, paginationOpts: { ...PAGE, cursor } },
    );
    for (const { requestId, payloadJson } of read.page) {
      expect(payloadJson).toContain(FAT);
      ids.push(requestId);
    }
    ({ isDone, continueCursor: cursor } = read);
  }
  return ids;
}

describe("94 requests of 180 KB", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] }));
  afterEach(() => void vi.useRealTimers());

  test("are listed, a page at a time, and stop no other call", async () => {
    const { component, turn } = await waiting();
    expect(await allApprovals(component)).toEqual(Array.from({ length: FAT_REQUESTS }, (_, at) => FAT_REQUESTS - 1 - at));
    const { pendingApprovals } = await component.query(api.threads.getState, { actor: OWNER, threadId: THREAD });
    expect(pendingApprovals).toHaveLength(FAT_REQUESTS);
    const listed = await component.query(api.serverRequests.listPending, { actor: OWNER, limit: 200 });
    // 4 MiB of them.
    expect(listed).toHaveLength(22);
    const payloadJson = JSON.stringify({ method: COMMAND, id: 500, params: {} });
    const told = { requestId: 500, threadId: THREAD, turnId: TURN, itemId: "more", method: COMMAND, payloadJson, requestedAt: 1 };
    await component.mutation(api.serverRequests.upsertPending, { actor: OWNER, ...told });
    expect((await component.query(api.stats.usage, { actor: OWNER })).pendingApprovals).toEqual({ count: FAT_REQUESTS + 1, more: false });
    await ingestOk(component, [turn.completed()]);
    expect(await statuses(component)).toEqual(["expired"]);
  });

  test("end with their turn, where it is interrupted", async () => {
    const { component } = await waiting();
    await component.mutation(api.turns.interrupt, { actor: OWNER, threadId: THREAD, turnId: TURN });
    expect(await statuses(component)).toEqual(["expired"]);
  });

  test("end with their turn, where nothing is heard of it for a day", async () => {
    const { component } = await waiting();
    vi.setSystemTime(Date.now() + 24 * 60 * 60 * 1000);
    await component.mutation(internal.silence.endSilentTurns, {});
    await component.finishAllScheduledFunctions(vi.runAllTimers);
    expect(await statuses(component)).toEqual(["expired"]);
  });

  test("can all be decided", async () => {
    const { component } = await waiting();
    for (let id = 0; id < FAT_REQUESTS; id++) await respond(component, id, "declined");
    expect(await statuses(component)).toEqual(["answering"]);
  });
});

describe("a request with every name and text at its bound", () => {
  const long = "n".repeat(KiB - 2);

  test("has a row of which 400 are read in one call, and is read whole", async () => {
    const component = await startThread();
    const texts = { payloadJson: JSON.stringify({ p: FAT }), questionsJson: JSON.stringify([FAT]), reason: FAT };
    const told = { requestId: long, threadId: THREAD, turnId: long, itemId: long, method: long, runtimeId: long, requestedAt: 1 };
    await component.mutation(api.serverRequests.upsertPending, { actor: OWNER, ...told, ...texts });
    const responseJson = JSON.stringify({ a: FAT });
    const [row] = await component.query(api.serverRequests.listPending, { actor: OWNER });
    expect(row).toMatchObject({ payloadJson: texts.payloadJson, questions: [FAT] });
    await component.mutation(api.serverRequests.resolve, { actor: OWNER, threadId: THREAD, requestId: long, status: "answered", resolvedAt: 1, responseJson });
    const { serverRequests, parts } = await dump(component);
    for (const request of serverRequests) expect(400 * getDocumentSize(request as unknown as Record<string, Value>)).toBeLessThan(12 * MiB);
    expect(parts.filter(({ kind }) => kind === "response").map(({ text }) => text).join("")).toBe(responseJson);
  });

  test("is decided with an offer that is as long, which its row does not hold", async () => {
    const offer = { acceptWithExecpolicyAmendment: { execpolicy_amendment: ["x".repeat(200 * KiB)] } };
    const { component } = await waiting(1, { availableDecisions: [offer, "decline"] });
    await respond(component, 0, { json: JSON.stringify(offer) });
    const before = await dump(component);
    expect(getDocumentSize(before.serverRequests[0] as unknown as Record<string, Value>)).toBeLessThan(8 * KiB);
    // The same again changes nothing, another one is refused.
    await respond(component, 0, { json: JSON.stringify(offer) });
    expect(await dump(component)).toEqual(before);
    expect(await refusal(respond(component, 0, "declined"))).toMatchObject({ code: "E_APPROVAL_NOT_PENDING", decidedBy: OWNER.userId });
  });

  test("is answered otherwise than it was decided: both are kept", async () => {
    const offer = { acceptWithExecpolicyAmendment: { execpolicy_amendment: ["x".repeat(200 * KiB)] } };
    const { component } = await waiting(1, { availableDecisions: [offer, "decline"] });
    await respond(component, 0, { json: JSON.stringify(offer) });
    const resolve = { actor: OWNER, threadId: THREAD, requestId: 0, status: "answered" as const, resolvedAt: 1 };
    await component.mutation(api.serverRequests.resolve, { ...resolve, responseJson: '{"decision":"decline"}' });
    const { serverRequests, parts } = await dump(component);
    expect(serverRequests).toMatchObject([{ decisionJson: '"decline"', overruled: { decidedBy: OWNER.userId }, responseJson: '{"decision":"decline"}' }]);
    const kept = (wanted: string) => parts.filter(({ kind }) => kind === wanted).map(({ text }) => text).join("");
    expect([kept("overruled"), kept("decision"), kept("response")]).toEqual([JSON.stringify(offer), "", ""]);
  });

  test("is answered as it was decided, with an offer that its row does not hold", async () => {
    const offer = { acceptWithExecpolicyAmendment: { execpolicy_amendment: ["x".repeat(200 * KiB)] } };
    const { component } = await waiting(1, { availableDecisions: [offer, "decline"] });
    await respond(component, 0, { json: JSON.stringify(offer) });
    const resolve = { actor: OWNER, threadId: THREAD, requestId: 0, status: "answered" as const, resolvedAt: 1 };
    await component.mutation(api.serverRequests.resolve, { ...resolve, responseJson: JSON.stringify({ decision: offer }) });
    const { serverRequests } = await dump(component);
    expect(serverRequests[0]).toMatchObject({ status: "answered" });
    expect(serverRequests[0]?.overruled).toBeUndefined();
  });
});

