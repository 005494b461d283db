import { expect, it } from "vitest";
import {
  ensureSession,
  ensureThreadByCreate,
  ensureThreadByResolve,
  interruptTurnForHooksForActor,
  registerTurnStart,
} from "../../js-wrapper/host/convex.js";
import { FakeComponent } from "./fake-component.js";

const actor = { tenantId: "tenant", userId: "user", deviceId: "device" };
const turn = { actor, threadId: "t", turnId: "u" };

async function sent(call: (fake: FakeComponent) => Promise<unknown>): Promise<unknown> {
  const fake = new FakeComponent();
  await call(fake);
  return fake.calls;
}

it("each helper calls its function, with what was given and nothing else", async () => {
  const resolved = { actor, externalThreadId: "x" };
  const start = { ...turn, inputText: "hi", idempotencyKey: "k" };
  const input = [{ type: "text", text: "hi" }];
  expect(await sent(({ ctx, component }) => ensureThreadByCreate(ctx, component, { actor, threadId: "t" }))).toEqual([
    ["threads.create", { actor, threadId: "t", localThreadId: "t" }],
  ]);
  expect(await sent(({ ctx, component }) => ensureThreadByCreate(ctx, component, { actor, threadId: "t", model: "m", cwd: "" }))).toEqual([
    ["threads.create", { actor, threadId: "t", localThreadId: "t", model: "m", cwd: "" }],
  ]);
  expect(await sent(({ ctx, component }) => ensureThreadByResolve(ctx, component, resolved))).toEqual([
    ["threads.resolve", { ...resolved, localThreadId: "x" }],
  ]);
  expect(await sent(({ ctx, component }) => ensureThreadByResolve(ctx, component, { actor, model: undefined }))).toEqual([
    ["threads.resolve", { actor }],
  ]);
  expect(await sent(({ ctx, component }) => ensureThreadByCreate(ctx, component, { actor, threadId: "t", parentThreadId: "p" }))).toEqual([
    ["threads.create", { actor, threadId: "t", localThreadId: "t", parentThreadId: "p" }],
  ]);
  expect(await sent(({ ctx, component }) => ensureThreadByResolve(ctx, component, { ...resolved, parentThreadId: "p" }))).toEqual([
    ["threads.resolve", { ...resolved, localThreadId: "x", parentThreadId: "p" }],
  ]);
  expect(await sent(({ ctx, component }) => registerTurnStart(ctx, component, start))).toEqual([
    ["turns.start", { ...turn, input, idempotencyKey: "k" }],
  ]);
  expect(await sent(({ ctx, component }) => registerTurnStart(ctx, component, { ...start, model: "m" }))).toEqual([
    ["turns.start", { ...turn, input, idempotencyKey: "k", options: { model: "m" } }],
  ]);
  const session = { actor, threadId: "t", sessionId: "s" };
  expect(await sent(({ ctx, component }) => ensureSession(ctx, component, session))).toEqual([
    ["sync.ensureSession", { ...session, lastEventCursor: 0 }],
  ]);
  expect(await sent(({ ctx, component }) => interruptTurnForHooksForActor(ctx, component, turn))).toEqual([["turns.interrupt", turn]]);
  expect(await sent(({ ctx, component }) => interruptTurnForHooksForActor(ctx, component, { ...turn, reason: "r" }))).toEqual([
    ["turns.interrupt", { ...turn, reason: "r" }],
  ]);
});

it("a session of no thread says whose the caller is, by a name that one runtime alone has for it, and calls nothing", async () => {
  const fake = new FakeComponent();
  const asked = { sessionId: "s", threadId: "", runtimeId: "rt" };
  const whose = async (as: Partial<typeof actor>, runtimeId = "rt") => (await ensureSession(fake.ctx, fake.component, { ...asked, actor: { ...actor, ...as }, runtimeId })).owner;
  expect(await ensureSession(fake.ctx, fake.component, { ...asked, actor })).toEqual({ sessionId: "s", threadId: "", status: "active", owner: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
  const owner = await whose({});
  expect(await whose({ deviceId: "desk" })).toBe(owner);
  for (const other of [whose({ userId: "bob" }), whose({ tenantId: "else" }), whose({}, "another")]) expect(await other).not.toBe(owner);
  expect(fake.calls).toEqual([]);
});
