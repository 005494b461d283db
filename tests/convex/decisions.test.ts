/** Decisions on their way to Codex: of what was shown, lost where their command ends before it, and sent again. */
import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Actor } from "../../convex/validators.js";
import { api, dump, ingestOk, OWNER, refusal, runScheduledNow, SESSION, startThread, sweepCommands, THREAD, TURN, TurnStream, type Component } from "./build.js";

const MINUTE = 60_000;
const METHOD = "item/commandExecution/requestApproval";
const PHONE: Actor = { ...OWNER, deviceId: "phone" };
const RUNTIME = { runtimeId: "rt", generation: 1 };
const paginationOpts = { cursor: null, numItems: 10 };

beforeEach(() => vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => vi.useRealTimers());
const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);

const payloadOf = (turnId = TURN) => JSON.stringify({ method: METHOD, id: 0, params: { threadId: THREAD, turnId, itemId: "i", command: "ls" } });
const SHOWN = createHash("sha256").update(payloadOf()).digest("hex");

const bind = (component: Component, runtime: object = RUNTIME) =>
  component.mutation(api.sync.ensureSession, { actor: OWNER, sessionId: SESSION, threadId: THREAD, lastEventCursor: 0, ...runtime });

/** A thread whose turn asks for an approval. */
async function asking(runtime: object = RUNTIME): Promise<{ component: Component; turn: TurnStream }> {
  const component = await startThread();
  await bind(component, runtime);
  const turn = new TurnStream();
  await ingestOk(component, [turn.started(), turn.raw(METHOD, payloadOf())]);
  return { component, turn };
}

const respond = (component: Component, decision: "accepted" | "declined" = "accepted", actor = PHONE) =>
  component.mutation(api.approvals.respond, { actor, threadId: THREAD, turnId: TURN, itemId: "i", decision });
const decide = (component: Component, commandId: string, payload: object = {}, more: object = {}) =>
  component.mutation(api.commands.send, {
    ...{ actor: PHONE, threadId: THREAD, commandId, kind: "decide" },
    ...{ payloadJson: JSON.stringify({ requestId: 0, decision: "accept", shownSha256: SHOWN, ...payload }), ...more },
  });
const lease = (component: Component) => component.mutation(api.commands.lease, { actor: OWNER, ...RUNTIME, threadId: THREAD, limit: 10 });
type Handed = Awaited<ReturnType<typeof lease>>[number];
const report = (component: Component, { commandId, leaseToken }: Handed, state: string, code?: string) =>
  component.mutation(api.commands.report, { actor: OWNER, commandId, leaseToken, state, ...(code === undefined ? {} : { code }) });
/** The runtime takes what is next, and says that of it. */
async function end(component: Component, ...states: [state: string, code?: string][]): Promise<void> {
  const [handed] = await lease(component);
  for (const [state, code] of states) await report(component, handed ?? expect.fail("nothing waits"), state, code);
}
const statusOf = async (component: Component) => (await dump(component)).serverRequests.map(({ status }) => status);
const states = async (component: Component) => (await dump(component)).commands.map(({ state, code }) => (code === undefined ? state : `${state} ${code}`));
const waiting = async (component: Component) => (await component.query(api.approvals.listPending, { actor: PHONE, paginationOpts })).page;

describe("a decision that lets something happen", () => {
  test("says what was shown: a command that does not is refused, and nothing is written", async () => {
    const { component } = await asking();
    const before = await dump(component);
    for (const decision of ["accept", "acceptForSession"]) {
      for (const shownSha256 of [undefined, null, "", "00", 7]) {
        expect((await refusal(decide(component, "a", { decision, shownSha256 }))).code, `${decision} of ${String(shownSha256)}`).toBe("E_APPROVAL_CHANGED");
      }
    }
    expect(await dump(component)).toEqual(before);
    await decide(component, "a");
    expect(await statusOf(component)).toEqual(["answering"]);
    expect((await refusal(decide(component, "b", { shownSha256: undefined }))).code).toBe("E_APPROVAL_CHANGED");
  });

  test("stands: who decides otherwise is told of it, by either way", async () => {
    const { component } = await asking();
    await decide(component, "a");
    const told = { code: "E_APPROVAL_NOT_PENDING", threadId: THREAD, turnId: TURN, itemId: "i", requestId: 0, status: "answering", decidedByDevice: "phone" };
    expect(await refusal(decide(component, "b", { decision: "decline" }))).toMatchObject({ ...told, commandId: "b" });
    expect(await refusal(respond(component, "declined"))).toMatchObject(told);
  });

  test.each(["decline", "cancel"])("is no %s, which needs no word of it", async (decision) => {
    const { component } = await asking();
    await decide(component, "a", { decision, shownSha256: undefined });
    expect(await states(component)).toEqual(["queued"]);
  });

  test("tells the machine what was shown, where respond was not told either", async () => {
    const { component } = await asking();
    await respond(component);
    const [handed] = await lease(component);
    expect(JSON.parse(handed!.payloadJson)).toEqual({ requestId: 0, runtimeId: "rt", generation: 1, decision: "accept", shownSha256: SHOWN });
  });
});

describe("a decision that does not reach Codex", () => {
  const cases: [what: string, lose: (component: Component) => Promise<unknown>, state: string][] = [
    ["the machine's policy refuses it", (component) => end(component, ["refused", "E_COMMAND_NOT_ALLOWED"]), "refused E_COMMAND_NOT_ALLOWED"],
    ["it is of something else by then", (component) => end(component, ["refused", "E_APPROVAL_CHANGED"]), "refused E_APPROVAL_CHANGED"],
    ["the machine says that its time is over", (component) => end(component, ["expired"]), "expired E_COMMAND_EXPIRED"],
    [
      "nobody does it",
      async (component) => {
        for (let lapses = 0; lapses < 4; lapses++) {
          await lease(component);
          pass(MINUTE);
        }
        await sweepCommands(component);
      },
      "refused E_COMMAND_ABANDONED",
    ],
    [
      "its sender takes it back",
      async (component) => component.mutation(api.commands.cancel, { actor: PHONE, commandId: (await dump(component)).commands[0]!.commandId }),
      "cancelled E_COMMAND_CANCELLED",
    ],
  ];
  test.each(cases)("%s: the request waits again, and can be decided otherwise", async (_what, lose, state) => {
    const { component } = await asking();
    await respond(component);
    expect(await waiting(component)).toEqual([]);
    await lose(component);
    expect([await statusOf(component), await states(component)]).toEqual([["pending"], [state]]);
    const [, code] = state.split(" ");
    const overruled = { decisionJson: '"accept"', decidedBy: "ann", decidedByDevice: "phone", code };
    expect(await waiting(component)).toMatchObject([{ requestId: 0, overruled }]);
    const [request] = await component.query(api.serverRequests.listPending, { actor: PHONE });
    expect(request).toMatchObject({ status: "pending", overruled });
    for (const gone of ["decidedBy", "decidedByDevice", "decidedAt", "responseJson"]) expect(request).not.toHaveProperty(gone);
    await respond(component, "declined", OWNER);
    expect((await dump(component)).serverRequests).toMatchObject([{ status: "answering", decisionJson: '"decline"', decidedByDevice: "laptop" }]);
    expect(await lease(component)).toMatchObject([{ kind: "decide" }]);
  });

  test("at its own time it is lost too, and may be sent again", async () => {
    const { component } = await asking();
    await decide(component, "a", {}, { ttlMs: 5_000 });
    pass(5_000);
    await sweepCommands(component);
    expect([await statusOf(component), await states(component)]).toEqual([["pending"], ["expired E_COMMAND_EXPIRED"]]);
    await decide(component, "b");
    expect([await statusOf(component), await states(component)]).toEqual([["answering"], ["expired E_COMMAND_EXPIRED", "queued"]]);
  });

  test("a long answer that it was to get is gone with it", async () => {
    const { component } = await asking();
    const method = "item/permissions/requestApproval";
    const params = { threadId: THREAD, turnId: TURN, itemId: "j", permissions: { network: "x".repeat(100 * 1024) } };
    await component.mutation(api.serverRequests.upsertPending, { actor: OWNER, threadId: THREAD, turnId: TURN, itemId: "j", requestId: 1, method, payloadJson: JSON.stringify({ method, id: 1, params }), requestedAt: 1 });
    const parts = async () => (await dump(component)).parts.filter(({ kind }) => kind === "response").length;
    await component.mutation(api.approvals.respond, { actor: PHONE, threadId: THREAD, turnId: TURN, itemId: "j", decision: "accepted" });
    expect(await parts()).toBeGreaterThan(0);
    await end(component, ["refused", "E_COMMAND_NOT_ALLOWED"]);
    expect(await parts()).toBe(0);
  });

  test.each([
    ["that Codex may have it", [["delivered"], ["unknown"]]],
    ["that the request waits no more", [["refused", "E_REQUEST_NOT_PENDING"]]],
  ] as [string, [string, string?][]][])("is not one of which the machine says %s: it stands", async (_what, said) => {
    const { component } = await asking();
    await respond(component);
    await end(component, ...said);
    expect(await statusOf(component)).toEqual(["answering"]);
    expect((await refusal(respond(component, "declined"))).code).toBe("E_APPROVAL_NOT_PENDING");
    // It is never sent again by itself, and once more by whoever decides so again.
    await bind(component, { ...RUNTIME });
    expect((await dump(component)).commands).toHaveLength(1);
    for (let again = 0; again < 2; again++) await respond(component);
    expect((await dump(component)).commands).toHaveLength(2);
    expect((await states(component)).at(-1)).toBe("queued");
  });

  test("an unknown one that Codex did not get, as it turns out, is lost", async () => {
    const { component } = await asking();
    await respond(component);
    await end(component, ["delivered"], ["unknown"], ["refused", "E_CODEX_GONE"]);
    expect(await statusOf(component)).toEqual(["pending"]);
  });

  test("another command of the same decision is none of its business", async () => {
    const { component } = await asking();
    await decide(component, "a");
    await decide(component, "b");
    await component.mutation(api.commands.cancel, { actor: PHONE, commandId: "b" });
    expect(await statusOf(component)).toEqual(["answering"]);
    await component.mutation(api.commands.cancel, { actor: PHONE, commandId: "a" });
    expect(await statusOf(component)).toEqual(["pending"]);
  });

  test("an end of its request that came before stands", async () => {
    const { component, turn } = await asking();
    await respond(component);
    await ingestOk(component, [turn.completed()]);
    await lease(component);
    expect([await statusOf(component), await states(component)]).toEqual([["expired"], ["expired E_COMMAND_TARGET_GONE"]]);
  });
});

describe("a decision that no runtime was there for", () => {
  test("is sent when one binds the thread, once, as of who made it", async () => {
    const { component } = await asking({});
    await respond(component);
    expect([await statusOf(component), await states(component)]).toEqual([["answering"], []]);
    await bind(component, {});
    expect(await states(component)).toEqual([]);
    for (let again = 0; again < 2; again++) await bind(component);
    expect((await dump(component)).commands).toMatchObject([{ kind: "decide", state: "queued", deviceId: "phone" }]);
    const [handed] = await lease(component);
    expect(JSON.parse(handed!.payloadJson)).toMatchObject({ requestId: 0, decision: "accept", shownSha256: SHOWN });
  });

  test("is sent with all others at once, the first one first, each as of who made it", async () => {
    const { component, turn } = await asking({});
    const payload = JSON.parse(payloadOf()) as { params: object };
    const more = [1, 2].map((id) => turn.raw(METHOD, JSON.stringify({ ...payload, id, params: { ...payload.params, itemId: `i${id}` } })));
    await ingestOk(component, more);
    const makers = { i2: PHONE, i: { ...OWNER, deviceId: "tablet" }, i1: PHONE };
    for (const [itemId, actor] of Object.entries(makers)) {
      await component.mutation(api.approvals.respond, { actor, threadId: THREAD, turnId: TURN, itemId, decision: "accepted" });
      pass(1);
    }
    await bind(component);
    const { commands } = await dump(component);
    expect(commands.map(({ order, deviceId, request }) => [order, deviceId, request?.requestId])).toEqual([
      [0, "phone", 2],
      [1, "tablet", 0],
      [2, "phone", 1],
    ]);
  });

  test.each(["ensureSession", "lease"])("is sent by %s, however many there are", async (binds) => {
    const { component, turn } = await asking({});
    const payload = JSON.parse(payloadOf()) as { params: object };
    const itemIds = Array.from({ length: 45 }, (_, at) => `i${at}`);
    await ingestOk(component, itemIds.map((itemId, at) => turn.raw(METHOD, JSON.stringify({ ...payload, id: at + 1, params: { ...payload.params, itemId } }))));
    for (const itemId of itemIds) await component.mutation(api.approvals.respond, { actor: PHONE, threadId: THREAD, turnId: TURN, itemId, decision: "accepted" });
    await (binds === "lease" ? lease(component) : bind(component));
    for (let calls = 0; calls < 4; calls++) await runScheduledNow(component);
    expect((await dump(component)).commands.map(({ request }) => request?.requestId)).toEqual(itemIds.map((_, at) => at + 1));
    const scheduled = await component.run((ctx) => ctx.db.system.query("_scheduled_functions").collect());
    expect(scheduled.filter(({ name }) => name.includes("sendUnsent"))).toHaveLength(2);
  });

  test("is sent when one binds the thread by its first lease", async () => {
    const { component } = await asking({});
    await respond(component);
    expect(await lease(component)).toEqual([]);
    expect(await lease(component)).toMatchObject([{ kind: "decide" }]);
  });

  test("or no room is sent by whoever decides so again", async () => {
    const { component } = await asking();
    for (let at = 0; at < 100; at++) {
      await component.mutation(api.commands.send, { actor: PHONE, threadId: THREAD, commandId: `c${at}`, kind: "turn", payloadJson: '{"input":[{}]}' });
    }
    await respond(component);
    const sent = async () => (await dump(component)).commands.filter(({ kind }) => kind === "decide").length;
    if ((await sent()) === 0) {
      await component.mutation(api.commands.cancel, { actor: PHONE, commandId: "c0" });
      await respond(component);
    }
    expect([await sent(), await statusOf(component)]).toEqual([1, ["answering"]]);
    await respond(component);
    expect(await sent()).toBe(1);
  });
});

describe("what a command names in a turn that was reverted", () => {
  test("is not there: it is neither decided, answered, steered nor interrupted", async () => {
    const { component, turn } = await asking();
    const running = new TurnStream({ turnId: "b" });
    await ingestOk(component, [turn.completed(), running.started(), running.raw(METHOD, payloadOf("b"))]);
    await component.mutation(api.threads.revert, { actor: OWNER, threadId: THREAD, turnId: TURN });
    const before = await dump(component);
    const shownSha256 = createHash("sha256").update(payloadOf("b")).digest("hex");
    expect((await refusal(decide(component, "a", { shownSha256 }))).code).toBe("E_COMMAND_TARGET_GONE");
    const send = (kind: string, payload: object) =>
      component.mutation(api.commands.send, { actor: PHONE, threadId: THREAD, commandId: "a", kind, payloadJson: JSON.stringify(payload) });
    expect((await refusal(send("answer", { requestId: 0, answer: {} }))).code).toBe("E_COMMAND_TARGET_GONE");
    expect((await refusal(send("interrupt", { turnId: "b" }))).code).toBe("E_AUTH_TURN_FORBIDDEN");
    expect((await refusal(send("steer", { expectedTurnId: "b", input: [{ type: "text", text: "x" }] }))).code).toBe("E_AUTH_TURN_FORBIDDEN");
    expect(await dump(component)).toEqual(before);
  });
});

test("turns.interrupt again and again sends one command, until that is over", async () => {
  const { component } = await asking();
  const interrupt = () => component.mutation(api.turns.interrupt, { actor: PHONE, threadId: THREAD, turnId: TURN });
  for (let again = 0; again < 5; again++) await interrupt();
  expect(await states(component)).toEqual(["queued"]);
  await end(component, ["delivered"]);
  await interrupt();
  expect(await states(component)).toEqual(["delivered"]);
  pass(2 * MINUTE);
  // No sweep was there yet.
  await interrupt();
  expect(await states(component)).toEqual(["delivered", "queued"]);
  pass(2 * MINUTE);
  await interrupt();
  expect(await states(component)).toEqual(["delivered", "queued", "queued"]);
});
