/** Server requests and approvals: who asks, who decides, what ends them, and who sees it. */
import { createHash } from "node:crypto";
import type { FunctionArgs } from "convex/server";
import { describe, expect, test } from "vitest";
import type { Actor } from "../../convex/validators.js";
import {
  api,
  command,
  dump,
  ingestOk,
  lifecycle,
  OWNER,
  refusal,
  SESSION,
  startThread,
  THREAD,
  TURN,
  TurnStream,
  type Component,
  type StreamEvent,
} from "./build.js";

const COMMAND = "item/commandExecution/requestApproval";
const QUESTION = "item/tool/requestUserInput";
const PHONE: Actor = { ...OWNER, deviceId: "phone" };
const STRANGER: Actor = { ...OWNER, userId: "bob" };
const OFFERS = ["accept", { acceptWithExecpolicyAmendment: { execpolicy_amendment: ["rm", "-rf", "build"] } }, "cancel"];
const KiB = 1024;

function asks(turn: TurnStream, id: number | string, method = COMMAND, params: object = {}): StreamEvent {
  const all = { threadId: turn.threadId, turnId: turn.turnId, itemId: "call_1", command: "rm -rf build", cwd: "/w", ...params };
  return turn.raw(method, JSON.stringify({ method, id, params: all }));
}

/** A turn that waits for an approval of `call_1` with id 0. */
async function waiting(params: object = {}): Promise<{ component: Component; turn: TurnStream; event: StreamEvent }> {
  const component = await startThread();
  const turn = new TurnStream();
  const event = () => asks(turn, 0, COMMAND, params);
  await ingestOk(component, [turn.started(), turn.itemStarted(command("call_1", "rm -rf build", "inProgress"))]);
  const asked = event();
  await ingestOk(component, [asked]);
  return { component, turn, event: asked };
}

type Respond = Partial<FunctionArgs<typeof api.approvals.respond>>;
const respond = (component: Component, args: Respond = {}) =>
  component.mutation(api.approvals.respond, { actor: OWNER, threadId: THREAD, turnId: TURN, itemId: "call_1", decision: "accepted", ...args });

type Resolve = Partial<FunctionArgs<typeof api.serverRequests.resolve>>;
const resolve = (component: Component, args: Resolve = {}) =>
  component.mutation(api.serverRequests.resolve, { actor: OWNER, threadId: THREAD, requestId: 0, status: "answered", resolvedAt: 5, ...args });

type Upsert = Partial<FunctionArgs<typeof api.serverRequests.upsertPending>>;
const upsert = (component: Component, args: Upsert = {}) =>
  component.mutation(api.serverRequests.upsertPending, {
    actor: OWNER,
    threadId: THREAD,
    turnId: TURN,
    itemId: "call_1",
    requestId: 0,
    method: COMMAND,
    payloadJson: JSON.stringify({ method: COMMAND, id: 0, params: {} }),
    requestedAt: 7,
    ...args,
  });

const approvals = async (component: Component, actor = OWNER, threadId?: string) => {
  const args = { actor, paginationOpts: { cursor: null, numItems: 50 }, ...(threadId === undefined ? {} : { threadId }) };
  return (await component.query(api.approvals.listPending, args)).page;
};
const requests = (component: Component, actor = OWNER, threadId?: string) =>
  component.query(api.serverRequests.listPending, { actor, ...(threadId === undefined ? {} : { threadId }) });

/** Status and cause of each request, in the order in which they were made. */
const states = async (component: Component) =>
  (await dump(component)).serverRequests.map(({ requestId, status, cause }) => [requestId, status, cause]);

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

describe("an approval that Codex asks for", () => {
  test("is listed as it came, in the thread and beside it, and in the thread's state", async () => {
    const { component, event } = await waiting({ reason: "to start clean" });
    const row = {
      threadId: THREAD,
      turnId: TURN,
      itemId: "call_1",
      kind: "commandExecution",
      reason: "to start clean",
      createdAt: event.createdAt,
      requestId: 0,
      method: COMMAND,
      payloadJson: event.payloadJson,
    };
    expect(await approvals(component)).toEqual([row]);
    expect(await approvals(component, OWNER, THREAD)).toEqual([row]);
    const state = await component.query(api.threads.getState, { actor: OWNER, threadId: THREAD });
    expect(state.pendingApprovals).toEqual([{ turnId: TURN, itemId: "call_1", kind: "commandExecution", reason: "to start clean" }]);
    expect(await requests(component, OWNER, THREAD)).toMatchObject([{ requestId: 0, status: "pending", payloadJson: event.payloadJson }]);
  });

  test("knows the process that asked by its event's id", async () => {
    const { component } = await waiting();
    expect((await dump(component)).serverRequests).toMatchObject([{ runtimeId: "rt", generation: 1 }]);
  });

  test("is decided once, and who decided is kept", async () => {
    const { component } = await waiting();
    await respond(component, { actor: PHONE });
    const [row] = (await dump(component)).serverRequests;
    expect(row).toMatchObject({
      status: "answering",
      decisionJson: '"accept"',
      responseJson: '{"decision":"accept"}',
      decidedBy: "ann",
      decidedByDevice: "phone",
    });
    expect(await approvals(component)).toEqual([]);
    expect((await component.query(api.threads.getState, { actor: OWNER, threadId: THREAD })).pendingApprovals).toEqual([]);
    expect(await requests(component)).toMatchObject([{ status: "answering", responseJson: '{"decision":"accept"}' }]);
  });

  test("answered on the phone and on the desk at once: one wins, the other is told", async () => {
    const { component } = await waiting();
    await respond(component, { actor: PHONE, decision: "declined" });
    const before = await dump(component);
    await respond(component, { decision: "declined" });
    expect(await dump(component)).toEqual(before);
    const refused = await refusal(respond(component, { decision: "accepted" }));
    expect(refused).toMatchObject({
      code: "E_APPROVAL_NOT_PENDING",
      decidedBy: "ann",
      decidedByDevice: "phone",
      decisionJson: '"decline"',
      status: "answering",
    });
    expect(await dump(component)).toEqual(before);
  });

  test("is missing for another user, another turn, another item, another id", async () => {
    const { component } = await waiting();
    await component.mutation(api.threads.create, { actor: STRANGER, threadId: THREAD });
    const wrong: Respond[] = [{ actor: STRANGER }, { turnId: "none" }, { itemId: "none" }, { requestId: 1 }, { requestId: "0" }];
    for (const args of wrong) expect((await refusal(respond(component, args))).code).toBe("E_APPROVAL_NOT_FOUND");
    expect((await refusal(respond(component, { threadId: "none" }))).code).toBe("E_AUTH_THREAD_FORBIDDEN");
    expect(await approvals(component, STRANGER)).toEqual([]);
    expect(await requests(component, STRANGER)).toEqual([]);
    expect(await approvals(component)).toHaveLength(1);
  });

  test("a thread that is not there is said in lists", async () => {
    const { component } = await waiting();
    for (const actor of [STRANGER, OWNER]) {
      const threadId = actor === OWNER ? "none" : THREAD;
      expect((await refusal(approvals(component, actor, threadId))).code).toBe("E_AUTH_THREAD_FORBIDDEN");
      expect((await refusal(requests(component, actor, threadId))).code).toBe("E_AUTH_THREAD_FORBIDDEN");
    }
  });

  test("carries the exact value out of availableDecisions", async () => {
    const { component } = await waiting({ availableDecisions: OFFERS });
    const spelled = '{ "acceptWithExecpolicyAmendment": {"execpolicy_amendment": ["rm","-rf","build"]} }';
    const widened = '{"acceptWithExecpolicyAmendment":{"execpolicy_amendment":["rm"]}}';
    for (const json of [widened, '"acceptForSession"', "{", "accept", "null"]) {
      expect((await refusal(respond(component, { decision: { json } }))).code).toBe("E_APPROVAL_NOT_OFFERED");
    }
    await respond(component, { decision: { json: spelled } });
    const exact = JSON.stringify(OFFERS[1]);
    expect((await dump(component)).serverRequests).toMatchObject([{ decisionJson: exact, responseJson: `{"decision":${exact}}` }]);
    await respond(component, { decision: { json: exact } });
    expect((await refusal(respond(component, { decision: { json: '"cancel"' } }))).code).toBe("E_APPROVAL_NOT_PENDING");
  });

  test("is an approval of what was shown", async () => {
    const { component, event } = await waiting({ reason: "grün 😀" });
    const shown = sha256(event.payloadJson);
    for (const wrong of [sha256("something else"), "", shown.slice(1), `${shown}0`]) {
      expect((await refusal(respond(component, { shownSha256: wrong }))).code).toBe("E_APPROVAL_CHANGED");
    }
    await respond(component, { shownSha256: shown.toUpperCase() });
    expect(await states(component)).toEqual([[0, "answering", undefined]]);
  });

  test("a payload is never cut, and over 256 KiB it can only be declined", async () => {
    const { component, event } = await waiting({ command: "x".repeat(300 * KiB) });
    const [row] = await approvals(component);
    expect(row?.payloadJson).toBe(event.payloadJson);
    expect((await dump(component)).serverRequests[0]?.payloadJson).toBeUndefined();
    expect((await refusal(respond(component))).code).toBe("E_APPROVAL_TOO_LARGE");
    await respond(component, { decision: "declined", shownSha256: sha256(event.payloadJson) });
    expect(await states(component)).toEqual([[0, "answering", undefined]]);
  });

  test("what was redacted can only be declined: nobody has seen what would be done", async () => {
    const { component } = await waiting({ command: "npm test # [redacted:pem]" });
    for (const decision of ["accepted" as const, { json: '"acceptForSession"' }]) {
      expect((await refusal(respond(component, { decision }))).code).toBe("E_APPROVAL_REDACTED");
    }
    await respond(component, { decision: { json: '"cancel"' } });
    expect(await states(component)).toEqual([[0, "answering", undefined]]);
  });
});

describe("several requests about one item", () => {
  test("are ambiguous without a requestId, and told apart by it", async () => {
    const { component, turn } = await waiting();
    await ingestOk(component, [asks(turn, 1), asks(turn, "1")]);
    expect((await refusal(respond(component))).code).toBe("E_APPROVAL_AMBIGUOUS");
    await respond(component, { requestId: "1", decision: "declined" });
    expect(await states(component)).toEqual([
      [0, "pending", undefined],
      [1, "pending", undefined],
      ["1", "answering", undefined],
    ]);
    expect((await approvals(component)).map(({ requestId }) => requestId)).toEqual([1, 0]);
    expect((await refusal(respond(component))).code).toBe("E_APPROVAL_AMBIGUOUS");
  });
});

describe("the end of a request", () => {
  test("the turn's end, by its own word or a client's, and the process's death expire it in the same batch", async () => {
    const ends: ((component: Component, turn: TurnStream) => Promise<unknown>)[] = [
      (component, turn) => ingestOk(component, [turn.completed("completed")]),
      (component, turn) => ingestOk(component, [turn.failed("gone", false)]),
      (component, turn) => ingestOk(component, [turn.completed("interrupted", undefined, { synthesized: true })]),
      (component) => component.mutation(api.turns.interrupt, { actor: OWNER, threadId: THREAD, turnId: TURN }),
    ];
    for (const end of ends) {
      const { component, turn } = await waiting();
      await ingestOk(component, [asks(turn, 1, QUESTION, { questions: [] })]);
      await respond(component);
      await end(component, turn);
      expect(await states(component)).toEqual([
        [0, "expired", "turnEnded"],
        [1, "expired", "turnEnded"],
      ]);
      expect(await approvals(component)).toEqual([]);
      expect(await requests(component)).toEqual([]);
      expect((await refusal(respond(component, { decision: "declined" }))).code).toBe("E_APPROVAL_NOT_PENDING");
      await ingestOk(component, [], {}, [lifecycle(0, "serverRequest/resolved", { requestId: 0 })]);
      expect(await states(component)).toMatchObject([[0, "expired", "turnEnded"], {}]);
    }
  });

  test("serverRequest/resolved: expired where nobody decided, answered where somebody did", async () => {
    for (const [decides, status] of [
      [false, "expired"],
      [true, "answered"],
    ] as const) {
      const { component } = await waiting();
      if (decides) await respond(component);
      await ingestOk(component, [], {}, [lifecycle(0, "serverRequest/resolved", { requestId: 0 })]);
      expect(await states(component)).toEqual([[0, status, "resolved"]]);
      expect((await dump(component)).serverRequests[0]?.resolvedAt).toBeTypeOf("number");
    }
  });

  test("request id 0 again after a restart of the app-server is another request", async () => {
    const { component, turn } = await waiting();
    await respond(component, { decision: "declined" });
    await resolve(component);
    await ingestOk(component, [turn.completed("interrupted")]);
    const next = new TurnStream({ turnId: "turn_2" });
    const restarted = (event: StreamEvent) => ({ ...event, eventId: event.eventId.replace("rt.1:", "rt.2:") });
    await ingestOk(component, [next.started(), asks(next, 0)].map(restarted));
    expect(await states(component)).toEqual([
      [0, "answered", "reported"],
      [0, "pending", undefined],
    ]);
    await respond(component, { turnId: "turn_2", requestId: 0 });
    await resolve(component);
    expect(await states(component)).toEqual([
      [0, "answered", "reported"],
      [0, "answered", "reported"],
    ]);
  });

  test("what an older process left pending expires when a newer one of its runtime asks or begins a turn", async () => {
    for (const how of ["event", "upsert"]) {
      const component = await startThread();
      const elicitation = { method: "mcpServer/elicitation/request", turnId: "", itemId: "", runtimeId: "rt" };
      await upsert(component, { ...elicitation, generation: 1, appGeneration: 1 });
      await upsert(component, { ...elicitation, requestId: 9, generation: 1, appGeneration: 2, runtimeId: "other" });
      if (how === "upsert") await upsert(component, { ...elicitation, requestId: 5, generation: 1, appGeneration: 2 });
      else {
        const started = new TurnStream().started();
        await ingestOk(component, [{ ...started, eventId: started.eventId.replace("rt.1:", "rt.2:") }]);
      }
      expect((await states(component)).slice(0, 2)).toEqual([
        [0, "expired", "processGone"],
        [9, "pending", undefined],
      ]);
      expect((await dump(component)).serverRequests.slice(0, 2).map(({ appGeneration }) => appGeneration)).toEqual([1, 2]);
    }
  });
});

describe("serverRequests.upsertPending", () => {
  test("with the event that asks the same, in either order, makes one row", async () => {
    const origin = { runtimeId: "rt", generation: 1, appGeneration: 3 };
    const rows = [];
    for (const first of ["event", "upsert"]) {
      const component = await startThread();
      const turn = new TurnStream();
      await ingestOk(component, [turn.started()]);
      const event = asks(turn, 0);
      const steps = [() => ingestOk(component, [event]), () => upsert(component, { ...origin, payloadJson: event.payloadJson, requestedAt: event.createdAt })];
      if (first === "upsert") steps.reverse();
      for (const step of steps) await step();
      const all = (await dump(component)).serverRequests;
      expect(all).toHaveLength(1);
      const { _id, _creationTime, updatedAt, ...row } = all[0]!;
      rows.push(row);
      await upsert(component, { ...origin, payloadJson: event.payloadJson });
      expect((await dump(component)).serverRequests).toHaveLength(1);
    }
    expect(rows[0]).toEqual(rows[1]);
    expect(rows[0]).toMatchObject({ ...origin, eventId: expect.any(String) as string, approval: "commandExecution", status: "pending" });
  });

  test("again while it is pending changes nothing, and never opens one that has ended", async () => {
    const component = await startThread();
    await upsert(component);
    const pending = await dump(component);
    await upsert(component, { requestedAt: 8 });
    expect(await dump(component)).toEqual(pending);
    await resolve(component);
    const answered = await dump(component);
    await upsert(component);
    await ingestOk(component, [new TurnStream().started()]);
    const late = { ...asks(new TurnStream(), 0), cursorStart: 1, cursorEnd: 2, eventId: `rt.1:${THREAD}:${TURN}:0:1` };
    await ingestOk(component, [late]);
    expect((await dump(component)).serverRequests).toMatchObject([{ status: "answered", eventId: late.eventId }]);
    expect(answered.serverRequests).toHaveLength(1);
  });

  test("shows questions, its own or the payload's, and none that cannot be read", async () => {
    const questions = [{ id: "scope", question: "What?", isSecret: false }];
    const payloadJson = JSON.stringify({ method: QUESTION, id: 0, params: { questions, autoResolutionMs: 60_000 } });
    const cases: [Upsert, unknown][] = [
      [{ payloadJson, questionsJson: JSON.stringify(["own"]) }, ["own"]],
      [{ payloadJson }, questions],
      [{ payloadJson, questionsJson: "{" }, undefined],
      [{ payloadJson: "no JSON" }, undefined],
      [{ payloadJson: "null" }, undefined],
      [{ payloadJson, questionsJson: '[{"$key":1}]' }, undefined],
      [{ payloadJson, questionsJson: '[{"schlüssel":1}]' }, undefined],
      [{ payloadJson, questionsJson: '["half \\ud83d"]' }, undefined],
      [{ payloadJson, questionsJson: '["written \\\\ud83d"]' }, ["written \\ud83d"]],
      [{ payloadJson, questionsJson: '["whole \\ud83d\\ude00"]' }, ["whole 😀"]],
    ];
    for (const [args, shown] of cases) {
      const component = await startThread();
      await upsert(component, { method: QUESTION, ...args });
      const [row] = await requests(component);
      expect(row?.questions).toEqual(shown);
    }
    const component = await startThread();
    await upsert(component, { method: QUESTION, payloadJson });
    expect(await requests(component)).toMatchObject([{ autoResolutionMs: 60_000 }]);
    await ingestOk(component, [], {}, [lifecycle(0, "serverRequest/resolved", { requestId: 0 })]);
    expect(await states(component)).toEqual([[0, "expired", "autoResolved"]]);
  });

  test("keeps an unknown method, and nothing of what an account method says", async () => {
    const component = await startThread();
    await upsert(component, { method: "thing/brandNew" });
    await upsert(component, { requestId: 1, method: "account/chatgptAuthTokens/refresh", payloadJson: '{"secret":"s3cret"}' });
    await resolve(component, { requestId: 1, responseJson: '{"accessToken":"s3cret"}' });
    expect(JSON.stringify(await dump(component))).not.toContain("s3cret");
    expect(await states(component)).toEqual([
      [0, "pending", undefined],
      [1, "answered", "reported"],
    ]);
  });

  test("refuses ids that are none and names that are too long, in a thread that is there", async () => {
    const component = await startThread();
    const long = "x".repeat(1025);
    const bad: Upsert[] = [{ requestId: -1 }, { requestId: 0.5 }, { requestId: Number.NaN }, { requestId: 2 ** 53 }, { requestId: long }, { requestId: 'a"b' }, { method: long }, { turnId: long }, { itemId: long }, { runtimeId: long }];
    for (const args of bad) expect((await refusal(upsert(component, args))).code).toBe("E_REQUEST_INVALID");
    expect((await refusal(upsert(component, { threadId: "none" }))).code).toBe("E_AUTH_THREAD_FORBIDDEN");
    expect((await refusal(upsert(component, { actor: STRANGER }))).code).toBe("E_AUTH_THREAD_FORBIDDEN");
    expect((await dump(component)).serverRequests).toEqual([]);
  });

  test("a long reason is cut to what a row keeps; generations that count nothing say nothing", async () => {
    const component = await startThread();
    await upsert(component, { reason: "x".repeat(100 * KiB), runtimeId: "rt", generation: -1, appGeneration: Number.NaN });
    const [row] = (await dump(component)).serverRequests;
    expect(row?.reason).toHaveLength(4 * KiB);
    expect(row?.generation).toBeUndefined();
  });

  test("of a turn that has ended waits for nobody", async () => {
    const component = await startThread();
    await ingestOk(component, new TurnStream().whole());
    await upsert(component);
    expect(await states(component)).toEqual([[0, "expired", "turnEnded"]]);
  });
});

describe("serverRequests.resolve", () => {
  test("the same again is a no-op, another end is refused", async () => {
    for (const [status, other] of [
      ["answered", "expired"],
      ["expired", "answered"],
    ] as const) {
      const component = await startThread();
      await upsert(component);
      await resolve(component, { status });
      const before = await dump(component);
      await resolve(component, { status, resolvedAt: 99 });
      expect(await dump(component)).toEqual(before);
      expect((await refusal(resolve(component, { status: other }))).code).toBe("E_REQUEST_NOT_PENDING");
      expect(await dump(component)).toEqual(before);
      expect(before.serverRequests).toMatchObject([{ status, resolvedAt: 5 }]);
    }
  });

  test("of what is not there, or is another user's, is refused", async () => {
    const component = await startThread();
    await upsert(component, { runtimeId: "rt", generation: 2 });
    await component.mutation(api.threads.create, { actor: STRANGER, threadId: THREAD });
    const wrong: Resolve[] = [{ requestId: 1 }, { requestId: "0" }, { actor: STRANGER }, { runtimeId: "rt", generation: 1 }];
    for (const args of wrong) expect((await refusal(resolve(component, args))).code).toBe("E_REQUEST_NOT_FOUND");
    expect((await refusal(resolve(component, { threadId: "none" }))).code).toBe("E_AUTH_THREAD_FORBIDDEN");
    expect(await states(component)).toEqual([[0, "pending", undefined]]);
  });

  test("the bridge's word replaces what was guessed", async () => {
    const { component, turn } = await waiting();
    await respond(component, { decision: { json: '"cancel"' } });
    await ingestOk(component, [turn.completed("interrupted")]);
    await resolve(component, { responseJson: '{"decision":"cancel"}', actor: { ...OWNER, deviceId: "bridge" } });
    expect((await dump(component)).serverRequests).toMatchObject([
      { status: "answered", cause: "reported", decisionJson: '"cancel"', decidedByDevice: "laptop" },
    ]);
  });

  test("what the desk told Codex is what counts, and what was overruled is kept", async () => {
    const { component } = await waiting();
    await respond(component, { actor: PHONE });
    await resolve(component, { responseJson: '{"decision":"decline"}' });
    expect((await dump(component)).serverRequests).toMatchObject([
      { status: "answered", decisionJson: '"decline"', decidedByDevice: "laptop", overruled: { decisionJson: '"accept"', decidedByDevice: "phone" } },
    ]);
  });

  test("who or what policy answered is kept, and the answer too", async () => {
    const component = await startThread();
    await upsert(component, { method: "item/tool/call" });
    const responseJson = JSON.stringify({ success: true, contentItems: [{ type: "inputText", text: "x".repeat(100 * KiB) }] });
    await resolve(component, { responseJson, policy: "tools: lookup_ticket" });
    const { serverRequests, parts } = await dump(component);
    expect(serverRequests).toMatchObject([{ status: "answered", decidedBy: "ann", decidedByDevice: "laptop", decidedByPolicy: "tools: lookup_ticket" }]);
    expect(parts.map(({ text }) => text).join("")).toBe(responseJson);
  });

  test("the answer to a secret question is not stored, only that it was answered", async () => {
    for (const [isSecret, padding] of [
      [true, 0],
      [true, 100 * KiB],
      [false, 0],
    ] as const) {
      const component = await startThread();
      const questions = [{ id: "key", question: `Key? ${"x".repeat(padding)}`, isSecret }];
      await upsert(component, { method: QUESTION, payloadJson: JSON.stringify({ method: QUESTION, id: 0, params: { questions } }) });
      await resolve(component, { responseJson: '{"answers":{"key":{"answers":["s3cret"]}}}' });
      expect(await states(component)).toEqual([[0, "answered", "reported"]]);
      expect(JSON.stringify(await dump(component)).includes("s3cret")).toBe(!isSecret);
    }
  });
});

describe("the other approvals", () => {
  test("permissions are granted as they were asked, or not at all", async () => {
    const method = "item/permissions/requestApproval";
    const permissions = { network: { enabled: true } };
    const cases: [Respond["decision"] & {}, string][] = [
      ["accepted", '{"permissions":{"network":{"enabled":true}},"scope":"turn"}'],
      ["declined", '{"permissions":{},"scope":"turn"}'],
      [{ json: '"acceptForSession"' }, '{"permissions":{"network":{"enabled":true}},"scope":"session"}'],
    ];
    for (const [decision, responseJson] of cases) {
      const component = await startThread();
      const turn = new TurnStream();
      await ingestOk(component, [turn.started(), asks(turn, 0, method, { permissions })]);
      expect(await approvals(component)).toMatchObject([{ kind: "permissions" }]);
      await respond(component, { decision });
      expect((await dump(component)).serverRequests).toMatchObject([{ responseJson }]);
    }
  });

  test("those of before are answered in their own words", async () => {
    for (const method of ["execCommandApproval", "applyPatchApproval"]) {
      const component = await startThread();
      const payloadJson = JSON.stringify({ method, id: 4, params: { conversationId: THREAD, callId: "call_1" } });
      const event = { type: "lifecycle_event" as const, eventId: `rt:${THREAD}:L0`, kind: method, payloadJson, createdAt: 1 };
      await ingestOk(component, [], {}, [event]);
      const [asked] = await approvals(component);
      expect(asked).toMatchObject({ turnId: "", itemId: "call_1", requestId: 4 });
      await respond(component, { turnId: "", decision: "declined" });
      expect((await dump(component)).serverRequests).toMatchObject([{ responseJson: '{"decision":{"denied":{"rejection":"declined"}}}' }]);
    }
  });
});

describe("lists", () => {
  test("are by page, newest first, and by limit, last changed first", async () => {
    const component = await startThread();
    for (let at = 0; at < 5; at++) await upsert(component, { requestId: at, itemId: `call_${String(at)}` });
    const seen = [];
    let cursor: string | null = null;
    for (let page = 0; page < 5; page++) {
      const paginationOpts = { cursor, numItems: 2 };
      const answer: { page: { requestId: string | number }[]; isDone: boolean; continueCursor: string } = await component.query(api.approvals.listPending, { actor: OWNER, threadId: THREAD, paginationOpts });
      seen.push(...answer.page.map(({ requestId }) => requestId));
      if (answer.isDone) break;
      cursor = answer.continueCursor;
    }
    expect(seen).toEqual([4, 3, 2, 1, 0]);
    const limited = (limit: number) => component.query(api.serverRequests.listPending, { actor: OWNER, limit });
    expect(await limited(2)).toHaveLength(2);
    for (const none of [0, -3, 0.5]) expect(await limited(none)).toHaveLength(1);
    for (const all of [1e9, Number.NaN]) expect(await limited(all)).toHaveLength(5);
  });

  test("are as many as asked for where newer ones are hidden", async () => {
    const component = await startThread();
    for (const turnId of ["a", "b"]) await ingestOk(component, [new TurnStream({ turnId }).started()]);
    await upsert(component, { requestId: "shown", turnId: "a" });
    for (let at = 0; at < 100; at++) await upsert(component, { requestId: at, turnId: "b" });
    await component.mutation(api.threads.revert, { actor: OWNER, threadId: THREAD, turnId: "a" });
    expect(await component.query(api.serverRequests.listPending, { actor: OWNER, limit: 1 })).toMatchObject([{ requestId: "shown" }]);
    expect((await component.query(api.threads.getState, { actor: OWNER, threadId: THREAD })).pendingApprovals).toMatchObject([{ turnId: "a" }]);
  });

  test("end early where payloads are large, and cut none", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started()]);
    for (let at = 0; at < 4; at++) await ingestOk(component, [asks(turn, at, COMMAND, { command: "x".repeat(2_000 * KiB) })]);
    const page = await approvals(component);
    expect(page.map(({ requestId }) => requestId)).toEqual([3, 2]);
    expect(await requests(component)).toHaveLength(2);
  });
});

test("a thread's 201st open request takes the place of its oldest", async () => {
  const component = await startThread();
  const turn = new TurnStream();
  await ingestOk(component, [turn.started(), ...Array.from({ length: 200 }, (_, id) => asks(turn, id))]);
  await ingestOk(component, [asks(turn, 200)]);
  const all = await states(component);
  expect(all[0]).toEqual([0, "expired", "crowdedOut"]);
  expect(all.filter(([, status]) => status === "pending")).toHaveLength(200);
  await ingestOk(component, [turn.completed()]);
  expect((await states(component)).filter(([, status]) => status === "pending")).toEqual([]);
});

test("a heartbeat away, a device takes the thread over, and a request asked before is decided by it", async () => {
  const { component } = await waiting();
  await component.mutation(api.sync.ensureSession, { actor: PHONE, sessionId: SESSION, threadId: THREAD, lastEventCursor: 0 });
  await respond(component, { actor: PHONE });
  expect(await states(component)).toEqual([[0, "answering", undefined]]);
});
