import { describe, expect, it, vi } from "vitest";
import { ConvexDelivery, type EventPersistence, type ThreadNotes } from "../../js-wrapper/runtime/convex-delivery.js";
import { dump, messagesOf, OWNER, SESSION, startComponent } from "../convex/build.js";
import { delta, lifecycle, range } from "../outbox/build.js";
import { persistenceOver } from "./build.js";
import { eventsOf, THREADS, wordOf } from "../outbox/story.mjs";

const TARGET = { actor: OWNER, sessionId: SESSION };
const bound = { threadId: "th", created: true };
const ok = { status: "ok" as const, errors: [] };
const refusal = (errorCode: string, recoverable: boolean) => ({ status: "rejected" as const, errors: [{ code: "UNKNOWN" as const, message: errorCode, recoverable, errorCode }] });

function notes(kept = new Map<string, unknown>()): ThreadNotes {
  return { note: (threadId) => kept.get(threadId), keepNote: (threadId, note) => void kept.set(threadId, note), notes: () => kept };
}

function fake(changes: Partial<EventPersistence> = {}) {
  const persistence = { ensureThread: vi.fn(async () => bound), ensureSession: vi.fn(async () => null), ingestSafe: vi.fn(async () => ok), ...changes };
  return { persistence, delivery: new ConvexDelivery(persistence, TARGET, notes()) };
}

describe("a thread of the app-server", () => {
  it("is made, and the session bound to it, before its first batch, once however many come at once", async () => {
    const { persistence, delivery } = fake();
    delivery.name("t", { externalThreadId: "mine", model: "m" });
    await Promise.all([delivery.deliver({ threadId: "t", events: [delta(0)] }), delivery.bind("t"), delivery.deliver({ threadId: "t", events: [delta(1)] })]);
    expect(persistence.ensureThread).toHaveBeenCalledExactlyOnceWith({ actor: OWNER, localThreadId: "t", externalThreadId: "mine", model: "m" });
    expect(persistence.ensureSession).toHaveBeenCalledExactlyOnceWith({ ...TARGET, threadId: "th", lastEventCursor: 0 });
    expect(persistence.ingestSafe).toHaveBeenCalledTimes(2);
  });

  it("is not made again by another process over the same notes, but bound", async () => {
    const { persistence } = fake();
    const kept = new Map<string, unknown>();
    const first = new ConvexDelivery(persistence, TARGET, notes(kept));
    first.name("t", { externalThreadId: "mine" });
    await first.bind("t");
    first.name("s", { externalThreadId: "later" });
    const second = new ConvexDelivery(persistence, TARGET, notes(kept));
    expect(await second.bind("t")).toEqual({ threadId: "th" });
    expect(persistence.ensureThread).toHaveBeenCalledTimes(1);
    expect(persistence.ensureSession).toHaveBeenCalledTimes(2);
    await second.bind("s");
    expect(persistence.ensureThread).toHaveBeenLastCalledWith({ actor: OWNER, localThreadId: "s", externalThreadId: "later" });
  });

  it("that could not be made is asked for again, and its batch waits", async () => {
    const ensureThread = vi.fn(async () => bound).mockRejectedValueOnce(new TypeError("fetch failed"));
    const { delivery, persistence } = fake({ ensureThread });
    expect(await delivery.deliver({ threadId: "t", events: [delta(0)] })).toEqual({ type: "again", reason: "fetch failed" });
    expect(persistence.ingestSafe).not.toHaveBeenCalled();
    expect(await delivery.deliver({ threadId: "t", events: [delta(0)] })).toEqual({ type: "acknowledged" });
  });

  it("has a thread of its own in Convex, where its events arrive as they are", async () => {
    const component = startComponent();
    const delivery = new ConvexDelivery(persistenceOver(component), TARGET, notes());
    const events = [...eventsOf(40)];
    for (const threadId of THREADS) {
      const mine = events.filter((event) => event.threadId === threadId);
      expect(await delivery.deliver({ threadId, events: [...mine, { ...lifecycle(0, { threadId }), payloadJson: JSON.stringify({ method: "thread/name/updated", params: { threadId, threadName: threadId } }) }] })).toEqual({ type: "acknowledged" });
      const { threadId: inConvex } = await delivery.bind(threadId);
      expect(inConvex).not.toBe(threadId);
      expect((await messagesOf(component, inConvex)).map(({ text }) => text)).toEqual([range(2, 40).map(wordOf).join("")]);
    }
    const { threads, quarantine } = await dump(component);
    expect(threads.map(({ name, localThreadId }) => [name, localThreadId])).toEqual(THREADS.map((name) => [name, name]));
    expect(quarantine).toEqual([]);
  });
});

describe("a batch", () => {
  it("is sent with the events as they came, of the thread in Convex", async () => {
    const { persistence, delivery } = fake();
    const [event, ofThread] = [delta(0), { ...lifecycle(3), turnId: "late" }];
    await delivery.deliver({ threadId: "t", events: [event, ofThread] });
    const { cursorStart: _, cursorEnd: __, ...named } = ofThread;
    const deltas = [{ ...event, type: "stream_delta", threadId: "th" }, { ...named, type: "lifecycle_event", threadId: "th" }];
    expect(persistence.ingestSafe).toHaveBeenCalledExactlyOnceWith({ ...TARGET, threadId: "th", deltas });
  });

  it("whose session is not known is sent once more when it is", async () => {
    const ingestSafe = vi.fn(async () => ok as Awaited<ReturnType<EventPersistence["ingestSafe"]>>).mockResolvedValueOnce(refusal("E_SYNC_SESSION_NOT_FOUND", true));
    const { delivery, persistence } = fake({ ingestSafe });
    expect(await delivery.deliver({ threadId: "t", events: [delta(0)] })).toEqual({ type: "acknowledged" });
    expect(persistence.ensureSession).toHaveBeenCalledTimes(2);
    expect(ingestSafe).toHaveBeenCalledTimes(2);
  });

  it.each([
    ["E_SYNC_SESSION_DEVICE_MISMATCH", "taken"],
    ["E_THREAD_DELETED", "deleted"],
    ["E_SYNC_OUT_OF_ORDER", "refused"],
  ])("that is rejected with %s is %s, and the thread is not fought for", async (code, type) => {
    const { delivery, persistence } = fake({ ingestSafe: async () => refusal(code, code.includes("SESSION")) });
    expect(await delivery.deliver({ threadId: "t", events: [delta(0)] })).toMatchObject({ type });
    expect(persistence.ensureSession).toHaveBeenCalledTimes(1);
    await delivery.take("t");
    expect(persistence.ensureSession).toHaveBeenCalledTimes(2);
  });
});
