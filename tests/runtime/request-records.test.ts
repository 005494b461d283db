/** What Convex is told of an answer that was given at the machine. */
import { ConvexError } from "convex/values";
import { describe, expect, it } from "vitest";
import { LeftRequests } from "../../js-wrapper/runtime/left-requests.js";
import { RequestNotes } from "../../js-wrapper/runtime/request-notes.js";
import { RequestRecords, type RequestRecordsOptions } from "../../js-wrapper/runtime/request-records.js";
import type { ServerRequest, ServerRequestEnd } from "../../js-wrapper/runtime/server-requests.js";

const ACTOR = { tenantId: "t", userId: "ann", deviceId: "laptop" };
const PROCESS = { runtimeId: "r", generation: 2, appGeneration: 1 };

/** Notes of threads, in memory. */
function notesIn(kept = new Map<string, unknown>()) {
  return new RequestNotes({ note: (id) => kept.get(id), keepNote: (id, note) => void kept.set(id, note), notes: () => kept });
}

/** Records, and what they tell, in its order. */
function build(changes: Partial<RequestRecordsOptions> = {}) {
  const told: [string, Record<string, unknown>][] = [];
  const notes = notesIn();
  const records = new RequestRecords({
    persistence: {
      upsertPendingServerRequest: async ({ request }) => told.push(["asked", { ...request }]),
      resolvePendingServerRequest: async (args) => told.push(["resolved", { ...args }]),
    },
    actor: ACTOR,
    process: () => PROCESS,
    bind: async (id) => ({ threadId: `${id} in Convex` }),
    threadIdOf: (id) => `${id} in Convex`,
    waiting: () => undefined,
    again: (attempt) => attempt(),
    notes,
    ...changes,
  });
  return { records, told, notes };
}

function requestOf(method: string, params: object, threadId: string | undefined): ServerRequest {
  return { id: 5, method, threadId, turnId: "u", itemId: "i", params, payloadJson: JSON.stringify({ id: 5, method, params }), askedAt: 1 };
}

/** What was told, in its order, of a request of the method with these params that ended so. */
async function toldOf(method: string, params: object, end: ServerRequestEnd, { threadId }: { threadId?: string } = { threadId: "c" }): Promise<[string, Record<string, unknown>][]> {
  const { records, told } = build();
  const request = requestOf(method, params, threadId);
  records.opened(request);
  records.closed(request, end);
  await records.told;
  return told;
}

const question = (isSecret: boolean) => ({ questions: [{ id: "q", header: "h", question: "Which?", isSecret, options: null }] });
const answered = (answer: string): ServerRequestEnd => ({ type: "answered", result: { answers: { q: { answers: [answer] } } } });
const ASK = "item/tool/requestUserInput";

it("is that it was answered, and with what, unless the question is for a secret", async () => {
  const open = await toldOf(ASK, question(false), answered("blue"));
  expect(open.map(([what, { threadId, requestId, runtimeId, generation, appGeneration }]) => [what, threadId, requestId, { runtimeId, generation, appGeneration }])).toEqual([
    ["asked", "c in Convex", 5, PROCESS],
    ["resolved", "c in Convex", 5, PROCESS],
  ]);
  expect(open[1]![1]).toMatchObject({ actor: ACTOR, status: "answered", responseJson: '{"answers":{"q":{"answers":["blue"]}}}' });

  const secret = await toldOf(ASK, question(true), answered("hunter2 of no known shape"));
  expect(JSON.stringify(secret)).not.toContain("hunter2");
  expect(secret[1]![1]).toMatchObject({ status: "answered", responseJson: expect.stringContaining("[redacted:") as unknown });
});

it("has no secret of a known shape, whatever was asked", async () => {
  const key = "sk-proj-4fTq8ZxWvYb2Lk9PnRs3Ud7a";
  expect(JSON.stringify(await toldOf(ASK, question(false), answered(`it is ${key}`)))).not.toContain(key);
});

it("is no answer where nobody gave one, and nothing of what is of no thread", async () => {
  const expired = await toldOf(ASK, question(true), { type: "expired" });
  expect(expired[1]![1]).toMatchObject({ status: "expired" });
  expect(expired[1]![1]).not.toHaveProperty("responseJson");
  const tokens = { accessToken: "a", chatgptAccountId: "b", chatgptPlanType: null };
  expect(await toldOf("account/chatgptAuthTokens/refresh", { reason: "unauthorized" }, { type: "answered", result: tokens }, {})).toEqual([]);
});

describe("a request that is noted", () => {
  const names = (told: [string, Record<string, unknown>][]) => told.map(([what, { requestId, generation, appGeneration }]) => [what, requestId, generation, appGeneration]);

  it("is so from before it is told until its end is, beside what else is kept of its thread", async () => {
    const kept = new Map<string, unknown>([["c", { names: "kept" }]]);
    const notes = notesIn(kept);
    const { records } = build({ notes });
    const request = requestOf(ASK, question(false), "c");
    records.opened(request);
    expect(kept.get("c")).toEqual({ names: "kept", requests: [{ requestId: 5, generation: 2, appGeneration: 1 }] });
    expect(notes.list()).toEqual([["c", [{ requestId: 5, generation: 2, appGeneration: 1 }]]]);
    records.closed(request, { type: "expired" });
    expect(notes.list()).toHaveLength(1);
    await records.told;
    expect(kept.get("c")).toEqual({ names: "kept" });
  });

  it("stays so where the runtime stops before Convex was told of its end", async () => {
    const { records, notes } = build({ again: () => Promise.resolve(undefined) });
    const request = requestOf(ASK, question(false), "c");
    records.opened(request);
    records.closed(request, { type: "expired" });
    await records.told;
    expect(notes.list()).toHaveLength(1);
  });

  it("and was left by an earlier start ends under its own name, whatever Convex has of it, and its thread is not taken", async () => {
    const refused = (code: string) => build({
      bind: () => Promise.reject(new Error("taken")),
      persistence: { upsertPendingServerRequest: () => Promise.resolve(), resolvePendingServerRequest: () => Promise.reject(new ConvexError({ code, message: `[${code}] so it is`, retryable: false })) },
    });
    const left = { requestId: 5, generation: 1, appGeneration: 3 };
    const { records, told, notes } = build({ bind: () => Promise.reject(new Error("taken")) });
    notes.add("c", left);
    records.left("c", left);
    await records.told;
    expect([names(told), told[0]![1]["status"], notes.list()]).toEqual([[["resolved", 5, 1, 3]], "expired", []]);
    for (const code of ["E_REQUEST_NOT_FOUND", "E_REQUEST_NOT_PENDING", "E_AUTH_THREAD_FORBIDDEN"]) {
      const { records, notes } = refused(code);
      notes.add("c", left);
      records.left("c", left);
      await records.told;
      expect(notes.list()).toEqual([]);
    }
    const { records: other } = refused("E_REQUEST_INVALID");
    other.left("c", left);
    await expect(other.told).rejects.toMatchObject({ data: { code: "E_REQUEST_INVALID" } });
  });

  it("waits behind what else is told of its thread, and behind no other's", async () => {
    let bound: (to: { threadId: string }) => void = () => undefined;
    const { records, told } = build({ bind: (id) => (id === "c" ? new Promise((resolve) => (bound = resolve)) : Promise.resolve({ threadId: id })) });
    records.opened(requestOf(ASK, question(false), "c"));
    records.closed(requestOf(ASK, question(false), "c"), { type: "expired" });
    records.opened({ ...requestOf(ASK, question(false), "d"), id: 6 });
    await new Promise((resolve) => setImmediate(resolve));
    expect(names(told)).toEqual([["asked", 6, 2, 1]]);
    bound({ threadId: "c" });
    await new Promise((resolve) => setImmediate(resolve));
    bound({ threadId: "c" });
    await records.told;
    expect(names(told).slice(1)).toEqual([["asked", 5, 2, 1], ["resolved", 5, 2, 1]]);
  });

  it("is forgotten where Convex never had its thread", () => {
    const { records, told, notes } = build({ threadIdOf: () => undefined });
    const left = { requestId: 5, generation: 1, appGeneration: 3 };
    notes.add("c", left);
    records.left("c", left);
    expect([told, notes.list()]).toEqual([[], []]);
  });

  it("ends behind a newer one of the same id that Convex knows the process of by then", async () => {
    const newer = requestOf(ASK, question(false), "c");
    const { records, told } = build({ waiting: () => newer });
    records.left("c", { requestId: 5, generation: 1, appGeneration: 3 });
    records.left("another", { requestId: 5, generation: 1, appGeneration: 3 });
    await records.told;
    expect(names(told)).toEqual([["asked", 5, 2, 1], ["resolved", 5, 1, 3], ["resolved", 5, 1, 3]]);
  });
});

it("what was left is settled behind what waited of its thread, at once where nothing did", () => {
  const settled: [string, unknown][] = [];
  const [one, two] = [{ requestId: 1, generation: 1, appGeneration: 1 }, { requestId: 2, generation: 1, appGeneration: 1 }];
  const backlog = [{ threadId: "behind", events: 3, isHalted: false }];
  const left = new LeftRequests([["free", [one]], ["behind", [one, two]]], backlog, (threadId, request) => void settled.push([threadId, request]));
  left.settle();
  expect(settled).toEqual([["free", one]]);
  left.arrived("behind", 2);
  left.settle();
  left.arrived("unknown", 9);
  expect(settled).toHaveLength(1);
  left.arrived("behind", 1);
  left.arrived("behind", 1);
  left.settle();
  expect(settled.slice(1)).toEqual([["behind", one], ["behind", two]]);
});
