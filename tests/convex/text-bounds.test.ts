/** Ids and free texts that callers give: what is too long for a row is refused, or cut. */
import { describe, expect, test } from "vitest";
import { api, dump, ingest, OWNER, refusal, SESSION, startComponent, startThread, THREAD, TURN, TurnStream, type Component } from "./build.js";

const KiB = 1024;
const ID = "i".repeat(KiB);
const NOTE = "\u00e9".repeat(2 * KiB);
const start = { actor: OWNER, threadId: THREAD, input: [], idempotencyKey: "k" };

describe("are kept at their bound, and refused one byte above it:", () => {
  const create = (component: Component, fields: object) => component.mutation(api.threads.create, { actor: OWNER, threadId: "th_2", ...fields });
  const cases: [string, string, (component: Component, text: string) => Promise<unknown>][] = [
    ["threadId", ID, (component, threadId) => create(component, { threadId })],
    ["localThreadId", ID, (component, localThreadId) => create(component, { localThreadId })],
    ["model", NOTE, (component, model) => create(component, { model })],
    ["cwd", NOTE, (component, cwd) => create(component, { cwd })],
    ["personality", NOTE, (component, personality) => create(component, { personality })],
    ["externalThreadId", ID, (component, externalThreadId) => component.mutation(api.threads.resolve, { actor: OWNER, externalThreadId })],
    ["cwd", NOTE, (component, cwd) => component.mutation(api.threads.resolve, { actor: OWNER, cwd })],
    ["threadId", ID, (component, newThreadId) => component.mutation(api.threads.fork, { actor: OWNER, threadId: THREAD, newThreadId })],
    ["model", NOTE, (component, model) => component.mutation(api.threads.fork, { actor: OWNER, threadId: THREAD, newThreadId: "copy", model })],
    ["turnId", ID, (component, turnId) => component.mutation(api.turns.start, { ...start, turnId })],
    ["idempotencyKey", ID, (component, idempotencyKey) => component.mutation(api.turns.start, { ...start, turnId: TURN, idempotencyKey })],
    [
      "options",
      NOTE.slice('{"cwd":""}'.length / 2),
      (component, cwd) => component.mutation(api.turns.start, { ...start, turnId: TURN, options: { cwd } }),
    ],
    [
      "sessionId",
      ID,
      (component, sessionId) => component.mutation(api.sync.ensureSession, { actor: OWNER, sessionId, threadId: THREAD, lastEventCursor: 0 }),
    ],
    [
      "runtimeId",
      ID,
      (component, runtimeId) =>
        component.mutation(api.sync.ensureSession, { actor: OWNER, sessionId: SESSION, threadId: THREAD, lastEventCursor: 0, runtimeId, generation: 1 }),
    ],
  ];
  test.each(cases)("%s", async (field, text, call) => {
    const component = await startThread();
    const before = await dump(component);
    expect(await refusal(call(component, `${text}x`))).toMatchObject({ code: "E_REQUEST_INVALID", field });
    expect(await dump(component)).toEqual(before);
    await call(component, text);
    expect(await dump(component)).not.toEqual(before);
  });
});

test("a batch whose thread or session is named too long is rejected, and throws nothing", async () => {
  const component = await startThread();
  const before = await dump(component);
  const events = [new TurnStream().started()];
  for (const named of [{ sessionId: `${ID}x` }, { threadId: `${ID}x` }, { threadId: "x".repeat(900 * KiB) }]) {
    const answer = await ingest(component, events, named);
    expect([answer.status, answer.errors[0]?.errorCode]).toEqual(["rejected", "E_SYNC_BATCH_TOO_LARGE"]);
  }
  expect(await dump(component)).toEqual(before);
});

test.each([
  ["r".repeat(900 * KiB), 4 * KiB],
  ["\u6f22".repeat(2 * KiB), 1_365],
  [`a${"\u{1f600}".repeat(KiB + 1)}`, 1 + 2 * 1_023],
])("a deletion's reason is cut at 4 KiB, no character parted", async (reason, units) => {
  const component = await startThread();
  const { deletionJobId } = await component.mutation(api.threads.scheduleDeleteCascade, { actor: OWNER, threadId: THREAD, reason });
  const job = await component.query(api.threads.getDeletionJobStatus, { actor: OWNER, deletionJobId });
  expect(job?.reason).toBe(reason.slice(0, units));
});

test("a deletion's reason of 4 KiB is kept as it is", async () => {
  const component = startComponent();
  const { deletionJobId } = await component.mutation(api.threads.schedulePurgeActorData, { actor: OWNER, reason: NOTE });
  expect((await component.query(api.threads.getDeletionJobStatus, { actor: OWNER, deletionJobId }))?.reason).toBe(NOTE);
});
