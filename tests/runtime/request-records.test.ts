/** What Convex is told of an answer that was given at the machine. */
import { expect, it } from "vitest";
import { RequestRecords } from "../../js-wrapper/runtime/request-records.js";
import type { ServerRequest, ServerRequestEnd } from "../../js-wrapper/runtime/server-requests.js";

const ACTOR = { tenantId: "t", userId: "ann", deviceId: "laptop" };
const PROCESS = { runtimeId: "r", generation: 2, appGeneration: 1 };

/** What was told, in its order, of a request of the method with these params that ended so. */
async function toldOf(method: string, params: object, end: ServerRequestEnd, { threadId }: { threadId?: string } = { threadId: "c" }): Promise<[string, Record<string, unknown>][]> {
  const told: [string, Record<string, unknown>][] = [];
  const records = new RequestRecords({
    persistence: {
      upsertPendingServerRequest: async ({ request }) => told.push(["asked", { ...request }]),
      resolvePendingServerRequest: async (args) => told.push(["resolved", { ...args }]),
    },
    actor: ACTOR,
    process: () => PROCESS,
    bind: async (id) => ({ threadId: `${id} in Convex` }),
    again: (attempt) => attempt(),
  });
  const payloadJson = JSON.stringify({ id: 5, method, params });
  const request: ServerRequest = { id: 5, method, threadId, turnId: "u", itemId: "i", params, payloadJson, askedAt: 1 };
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
