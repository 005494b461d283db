/** Who decided what, from which device or by which policy: listed as long as the thread. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Actor } from "../../convex/validators.js";
import { api, ingestOk, OWNER, refusal, SESSION, startThread, THREAD, TURN, TurnStream, type Component } from "./build.js";

const COMMAND = "item/commandExecution/requestApproval";
const QUESTION = "item/tool/requestUserInput";
const PHONE: Actor = { ...OWNER, deviceId: "phone" };
const RUNTIME = { runtimeId: "rt", generation: 1 };

beforeEach(() => vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => vi.useRealTimers());

async function bound(): Promise<{ component: Component; turn: TurnStream }> {
  const component = await startThread();
  await component.mutation(api.sync.ensureSession, { actor: OWNER, sessionId: SESSION, threadId: THREAD, lastEventCursor: 0, ...RUNTIME });
  const turn = new TurnStream();
  await ingestOk(component, [turn.started()]);
  return { component, turn };
}

const ask = (component: Component, requestId: number, method = COMMAND, params: object = { command: "ls" }, turnId = TURN) =>
  component.mutation(api.serverRequests.upsertPending, {
    ...{ actor: OWNER, requestId, threadId: THREAD, turnId, itemId: `item_${requestId}`, method, requestedAt: Date.now(), ...RUNTIME },
    payloadJson: JSON.stringify({ method, id: requestId, params: { threadId: THREAD, turnId, itemId: `item_${requestId}`, ...params } }),
  });
const decline = (component: Component, requestId: number, turnId = TURN) =>
  component.mutation(api.approvals.respond, { actor: PHONE, threadId: THREAD, turnId, itemId: `item_${requestId}`, decision: "declined" });
const told = (component: Component, requestId: number, response: object, more: object = {}) =>
  component.mutation(api.serverRequests.resolve, {
    ...{ actor: OWNER, threadId: THREAD, requestId, status: "answered" as const, resolvedAt: Date.now(), ...RUNTIME },
    ...{ responseJson: JSON.stringify(response), ...more },
  });
const decided = async (component: Component, paginationOpts: { cursor: string | null; numItems: number } = { cursor: null, numItems: 10 }, actor = PHONE) =>
  component.query(api.serverRequests.listDecided, { actor, threadId: THREAD, paginationOpts });
const rows = async (component: Component) => (await decided(component)).page.map(({ requestId, status, decidedByDevice }) => [requestId, status, decidedByDevice]);

/** Somebody answers from their phone, and the machine takes it. */
async function answerFromAfar(component: Component, requestId: number, steps: ("told" | "accepted")[]): Promise<void> {
  const payloadJson = JSON.stringify({ requestId, answer: { answers: { q: { answers: ["yes"] } } } });
  await component.mutation(api.commands.send, { actor: PHONE, threadId: THREAD, commandId: `answer_${requestId}`, kind: "answer", payloadJson });
  const [handed] = await component.mutation(api.commands.lease, { actor: OWNER, ...RUNTIME, threadId: THREAD, limit: 1 });
  const report = (state: string) => component.mutation(api.commands.report, { actor: OWNER, commandId: handed!.commandId, leaseToken: handed!.leaseToken, state });
  await report("delivered");
  for (const step of steps) await (step === "accepted" ? report(step) : told(component, requestId, { answers: { q: { answers: ["yes"] } } }));
}

describe("what was decided", () => {
  test("is listed newest first, with who decided, where, when, and what; what waits is not", async () => {
    const { component } = await bound();
    for (const requestId of [0, 1, 2, 3]) await ask(component, requestId);
    vi.setSystemTime(1_000_000);
    await decline(component, 0);
    vi.setSystemTime(1_000_500);
    await told(component, 0, { decision: "decline" });
    vi.setSystemTime(1_001_000);
    await told(component, 2, { decision: "accept" }, { policy: "read-only commands" });
    vi.setSystemTime(1_002_000);
    await decline(component, 1);

    const { page, isDone } = await decided(component);
    expect(isDone).toBe(true);
    expect(page).toMatchObject([
      { requestId: 1, status: "answering", decidedBy: "ann", decidedByDevice: "phone", decidedAt: 1_002_000, decisionJson: '"decline"', method: COMMAND },
      { requestId: 2, status: "answered", decidedBy: "ann", decidedByDevice: "laptop", decidedByPolicy: "read-only commands", decidedAt: 1_001_000, decisionJson: '"accept"' },
      { requestId: 0, status: "answered", decidedBy: "ann", decidedByDevice: "phone", decidedAt: 1_000_000, resolvedAt: 1_000_500, decisionJson: '"decline"' },
    ]);
    expect(page[0]!.payloadJson).toContain('"command":"ls"');
    expect(page.map(({ decidedByPolicy }) => decidedByPolicy)).toEqual([undefined, "read-only commands", undefined]);
  });

  test("is read by pages, each once", async () => {
    const { component } = await bound();
    for (let requestId = 0; requestId < 7; requestId += 1) {
      await ask(component, requestId);
      // Two at a time are decided in the same millisecond.
      if (requestId % 2 === 0) vi.setSystemTime(Date.now() + 1_000);
      await decline(component, requestId);
    }
    await ask(component, 7);
    const seen: unknown[] = [];
    for (let cursor: string | null = null, isDone = false; !isDone; ) {
      const page = await decided(component, { cursor, numItems: 3 });
      seen.push(...page.page.map(({ requestId }) => requestId));
      ({ continueCursor: cursor, isDone } = page);
    }
    expect(seen).toEqual([6, 5, 4, 3, 2, 1, 0]);
    expect((await refusal(decided(component, { cursor: "[]", numItems: 3 }))).code).toBe("E_CURSOR_INVALID");
  });

  test.each([[["told", "accepted"]], [["accepted", "told"]]] as const)("of a question is who answered it, in whichever order the machine tells: %s", async (steps) => {
    const { component } = await bound();
    await ask(component, 0, QUESTION, { questions: [{ id: "q", header: "h", question: "go on?" }] });
    await answerFromAfar(component, 0, [...steps]);
    const { page } = await decided(component);
    expect(page).toMatchObject([{ requestId: 0, status: "answered", decidedBy: "ann", decidedByDevice: "phone", responseJson: expect.stringContaining("yes") as string }]);
    expect(page[0]).not.toHaveProperty("decisionJson");
  });

  test("of a question that was answered at the machine is the machine's", async () => {
    const { component } = await bound();
    await ask(component, 0, QUESTION, { questions: [{ id: "q", header: "h", question: "go on?" }] });
    await told(component, 0, { answers: { q: { answers: ["no"] } } });
    expect(await rows(component)).toEqual([[0, "answered", "laptop"]]);
  });

  test("and lost on its way waits again, and is listed as what was overruled once it is decided otherwise", async () => {
    const { component } = await bound();
    await ask(component, 0);
    await decline(component, 0);
    const [handed] = await component.mutation(api.commands.lease, { actor: OWNER, ...RUNTIME, threadId: THREAD, limit: 1 });
    await component.mutation(api.commands.report, { actor: OWNER, commandId: handed!.commandId, leaseToken: handed!.leaseToken, state: "refused", code: "E_COMMAND_NOT_ALLOWED" });
    expect(await rows(component)).toEqual([]);
    await told(component, 0, { decision: "accept" });
    expect((await decided(component)).page).toMatchObject([
      { decidedByDevice: "laptop", decisionJson: '"accept"', overruled: { decidedByDevice: "phone", decisionJson: '"decline"', code: "E_COMMAND_NOT_ALLOWED" } },
    ]);
  });

  test("in a turn that was taken back is not listed, and not to strangers", async () => {
    const { component, turn } = await bound();
    await ask(component, 0);
    await decline(component, 0);
    await ingestOk(component, [turn.completed()]);
    const second = new TurnStream({ turnId: "turn_2" });
    await ingestOk(component, [second.started()]);
    await ask(component, 1, COMMAND, { command: "rm" }, "turn_2");
    await decline(component, 1, "turn_2");
    await ingestOk(component, [second.completed()]);
    expect(await rows(component)).toEqual([[1, "expired", "phone"], [0, "expired", "phone"]]);
    await component.mutation(api.threads.revert, { actor: OWNER, threadId: THREAD, turnId: TURN });
    expect((await rows(component)).map(([requestId]) => requestId)).toEqual([0]);
    for (const stranger of [{ ...OWNER, userId: "bob" }, { ...OWNER, tenantId: "globex" }]) {
      expect((await refusal(decided(component, undefined, stranger))).code).toBe("E_AUTH_THREAD_FORBIDDEN");
    }
  });
});
