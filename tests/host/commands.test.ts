import { expect, it } from "vitest";
import {
  beatPresence,
  cancelCommand,
  editCommand,
  ensureSession,
  getCommand,
  getPresence,
  leaseCommands,
  listCommands,
  listOpenCommands,
  listPresence,
  promoteCommand,
  reportCommand,
  sendCommand,
} from "../../js-wrapper/host/convex.js";
import { coded, FakeComponent } from "./fake-component.js";

const actor = { tenantId: "tenant", userId: "user", deviceId: "device" };
const paginationOpts = { numItems: 10, cursor: null };
const one = { actor, commandId: "c" };
const runtime = { runtimeId: "r", generation: 0 };

async function sent(call: (fake: FakeComponent) => Promise<unknown>): Promise<unknown> {
  const fake = new FakeComponent();
  await call(fake);
  return fake.calls;
}

it("each calls its function of the component, with what was given and nothing else", async () => {
  const send = { ...one, threadId: "t", kind: "turn" as const, payloadJson: "{}" };
  for (const args of [send, { ...send, ttlMs: 0 }]) {
    expect(await sent(({ ctx, component }) => sendCommand(ctx, component, args))).toEqual([["commands.send", args]]);
  }
  expect(await sent(({ ctx, component }) => sendCommand(ctx, component, { ...send, ttlMs: undefined }))).toEqual([["commands.send", send]]);
  expect(await sent(({ ctx, component }) => cancelCommand(ctx, component, one))).toEqual([["commands.cancel", one]]);
  const edited = { ...one, payloadJson: "{}" };
  expect(await sent(({ ctx, component }) => editCommand(ctx, component, edited))).toEqual([["commands.edit", edited]]);
  for (const args of [one, { ...one, expectedTurnId: "u" }]) {
    expect(await sent(({ ctx, component }) => promoteCommand(ctx, component, args))).toEqual([["commands.promote", args]]);
  }
  expect(await sent(({ ctx, component }) => getCommand(ctx, component, one))).toEqual([["commands.get", one]]);
  const page = { actor, threadId: "t", paginationOpts };
  for (const args of [page, { ...page, open: true as const }]) {
    expect(await sent(({ ctx, component }) => listCommands(ctx, component, args))).toEqual([["commands.list", args]]);
  }
  const lease = { actor, ...runtime, threadId: "t", limit: 1 };
  expect(await sent(({ ctx, component }) => leaseCommands(ctx, component, lease))).toEqual([["commands.lease", lease]]);
  const report = { ...one, leaseToken: "l", state: "accepted" as const };
  for (const args of [report, { ...report, turnId: "u", code: "E_X" }]) {
    expect(await sent(({ ctx, component }) => reportCommand(ctx, component, args))).toEqual([["commands.report", args]]);
  }
  const beat = { actor, ...runtime, phase: "ready" as const, threads: [] };
  for (const args of [beat, { ...beat, login: "in" as const }]) {
    expect(await sent(({ ctx, component }) => beatPresence(ctx, component, args))).toEqual([["presence.beat", args]]);
  }
  expect(await sent(({ ctx, component }) => listPresence(ctx, component, { actor }))).toEqual([["presence.list", { actor }]]);
  for (const args of [{ actor }, { actor, runtimeId: "r", threadId: "t" }]) {
    expect(await sent(({ ctx, component }) => getPresence(ctx, component, args))).toEqual([["presence.get", args]]);
  }
  const session = { actor, sessionId: "s", threadId: "t" };
  expect(await sent(({ ctx, component }) => ensureSession(ctx, component, { ...session, ...runtime }))).toEqual([["sync.ensureSession", { ...session, ...runtime, lastEventCursor: 0 }]]);
});

it("what is not there is empty, every other error is thrown", async () => {
  const missing = new FakeComponent({ "commands.get": coded("E_COMMAND_NOT_FOUND"), "commands.list": coded("E_AUTH_THREAD_FORBIDDEN") });
  expect(await getCommand(missing.ctx, missing.component, one)).toBeNull();
  expect(await listCommands(missing.ctx, missing.component, { actor, threadId: "t", paginationOpts })).toEqual({
    page: [],
    isDone: true,
    continueCursor: "",
    threadStatus: "missing",
  });
  const broken = new FakeComponent({ "commands.get": coded("E_INTERNAL"), "commands.list": coded("E_CURSOR_INVALID") });
  await expect(getCommand(broken.ctx, broken.component, one)).rejects.toThrow();
  await expect(listCommands(broken.ctx, broken.component, { actor, threadId: "t", paginationOpts })).rejects.toThrow();
});

it("a bridge is told of a thread's open commands without what they say", async () => {
  const told = { commandId: "c", kind: "turn", state: "queued", rank: 0, updatedAt: 1 };
  const row = { ...told, threadId: "t", payloadJson: "{}", order: 0, deviceId: "phone", lapses: 0, createdAt: 1 };
  const fake = new FakeComponent({ "commands.list": { page: [row], isDone: true, continueCursor: "" } });
  expect(await listOpenCommands(fake.ctx, fake.component, { actor, threadId: "t" })).toEqual([told]);
  expect(fake.calls).toEqual([["commands.list", { actor, threadId: "t", open: true, paginationOpts: { cursor: null, numItems: 20 } }]]);
  const missing = new FakeComponent({ "commands.list": coded("E_AUTH_THREAD_FORBIDDEN") });
  expect(await listOpenCommands(missing.ctx, missing.component, { actor, threadId: "t" })).toEqual([]);
});
