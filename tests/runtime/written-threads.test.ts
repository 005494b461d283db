/** What codex takes back, in Convex. */
import { ConvexError } from "convex/values";
import { expect, it, onTestFinished, vi } from "vitest";
import { OutboxError } from "../../js-wrapper/outbox/errors.js";
import { ConvexDelivery } from "../../js-wrapper/runtime/convex-delivery.js";
import { ConvexRetry } from "../../js-wrapper/runtime/retry.js";
import { Reverts } from "../../js-wrapper/runtime/reverts.js";
import { LoadedThreads } from "../../js-wrapper/runtime/threads.js";
import { WrittenThreads } from "../../js-wrapper/runtime/written-threads.js";
import { OWNER, SESSION } from "../convex/build.js";
import { lifecycle } from "../outbox/build.js";
import { WAIT } from "./machine.js";

/** Threads of which `revert` takes back what codex has: the turn `a` stays. */
function writing(revert: () => Promise<unknown>) {
  const isOver = new AbortController();
  onTestFinished(() => isOver.abort());
  const [told, recovered]: [unknown[], string[]] = [[], []];
  const revertThread = vi.fn(revert);
  const persistence = { ensureThread: async () => ({ threadId: "th", created: true }), ensureSession: async () => null, ingestSafe: async () => ({ status: "ok" as const, errors: [] }), revertThread };
  const kept = new Map<string, unknown>();
  const notes = { note: (id: string) => kept.get(id), keepNote: (id: string, note: unknown) => void kept.set(id, note), notes: () => kept, isSending: () => false };
  const reverts = new Reverts({ request: (async () => ({ data: [{ id: "a" }], nextCursor: null })) as never }, (thrown) => void told.push(thrown));
  const written = new WrittenThreads({
    ...{ persistence, reverts, actor: OWNER, sessionId: SESSION, threads: new LoadedThreads() },
    delivery: new ConvexDelivery(persistence, { actor: OWNER, sessionId: SESSION }, notes),
    outbox: { resume: () => undefined },
    retry: new ConvexRetry({ isOver: isOver.signal, failed: (thrown) => void told.push(thrown) }),
    state: { recovered: (code) => void recovered.push(code) },
    ...{ arrived: () => undefined, lost: () => undefined, takenBack: () => undefined, deleted: () => undefined, failed: (thrown: unknown) => void told.push(thrown) },
  });
  const event = lifecycle(0, { kind: "thread/reverted" });
  reverts.saw(event);
  return { written, revertThread, told, recovered, batch: { threadId: "t", events: [event] } };
}

it("stays where the app does not export what takes it back, which says nothing", async () => {
  const { written, revertThread, told, batch } = writing(() => Promise.reject(new Error("[Request ID: 1] Server Error: Could not find public function for 'chat:revertThreadForBridge'. Did you forget to run `npx convex dev`?")));
  expect(await written.deliver(batch)).toEqual({ type: "acknowledged" });
  expect([revertThread.mock.calls.length, told]).toEqual([1, []]);
});

it("is taken back before its batch counts as arrived, however often that is sent, and once", async () => {
  let isThere = false;
  const { written, revertThread, batch, told } = writing(() => (isThere ? Promise.resolve(null) : Promise.reject(new Error("away"))));
  let arrived = 0;
  const deliver = () => written.deliver(batch).then(() => (arrived += 1));
  const first = deliver();
  await vi.waitFor(() => expect(told.length).toBeGreaterThan(0), WAIT);
  const second = deliver();
  await vi.waitFor(() => expect(told.length).toBeGreaterThan(1), WAIT);
  expect(arrived).toBe(0);
  isThere = true;
  await Promise.all([first, second]);
  expect(revertThread).toHaveBeenLastCalledWith({ actor: OWNER, threadId: "th", turnId: "a" });
  expect(revertThread.mock.calls).toHaveLength(told.length + 1);
});

it.each(["E_AUTH_EXPIRED", "E_AUTH_SIGNED_OUT", "E_AUTH_DEVICE_FORBIDDEN"])("waits for another credential where this one does not hold, which is told once: %s", async (code) => {
  let isGood = false;
  const expired = new ConvexError({ code, message: `[${code}] no`, retryable: false });
  const { written, revertThread, batch, told } = writing(() => (isGood ? Promise.resolve(null) : Promise.reject(expired)));
  const arrives = written.deliver(batch);
  await vi.waitFor(() => expect(revertThread.mock.calls.length).toBeGreaterThan(1), WAIT);
  isGood = true;
  expect(await arrives).toEqual({ type: "acknowledged" });
  expect(told).toEqual([expired]);
});

it("that there is no room for is told, and keeps nothing that comes next", async () => {
  const { written, revertThread, batch, told } = writing(() => Promise.reject(new ConvexError({ code: "E_QUOTA", message: "[E_QUOTA] no", retryable: true })));
  expect(await written.deliver(batch)).toEqual({ type: "acknowledged" });
  expect([revertThread.mock.calls.length, told.length]).toEqual([1, 1]);
});

it("is not taken back behind another session, which may have written since", async () => {
  let tries = 0;
  const { written, batch, told } = writing(() => {
    tries += 1;
    return Promise.reject(new Error("away"));
  });
  const arrives = written.deliver(batch);
  await vi.waitFor(() => expect(told).toHaveLength(1), WAIT);
  written.lose("t", new Error("taken"));
  await arrives;
  expect(tries).toBe(1);
});

it.each([
  ["does not take its arguments", "ArgumentValidationError: Value does not match validator.", 1],
  ["fails over and over, and does not say why", "[Request ID: 1] Server Error", 5],
])("keeps nothing that comes next where the app's function %s", { timeout: 30_000 }, async (_, message, tries) => {
  vi.useFakeTimers({ shouldAdvanceTime: true, advanceTimeDelta: 1_000 });
  onTestFinished(() => void vi.useRealTimers());
  const { written, revertThread, told, batch } = writing(() => Promise.reject(new Error(message)));
  expect(await written.deliver(batch)).toEqual({ type: "acknowledged" });
  expect(revertThread).toHaveBeenCalledTimes(tries);
  expect(told).toHaveLength(tries);
});

it.each(["E_THREAD_DELETED", "E_SYNC_SESSION_DEVICE_MISMATCH"] as const)("says that nothing waits when the last thread that did is taken, or waits no more for %s", async (code) => {
  const { written, batch, recovered } = writing(async () => null);
  for (const threadId of ["t", "gone"]) written.outboxFailed(new OutboxError("E_OUTBOX_NOT_TAKEN", "no", undefined, threadId));
  await written.deliver(batch);
  expect(recovered, "another one waits").toEqual([]);
  written.outboxFailed(new OutboxError(code, "no", undefined, "gone"));
  expect(recovered).toEqual(["E_OUTBOX_NOT_TAKEN"]);
});
