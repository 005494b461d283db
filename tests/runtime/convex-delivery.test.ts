import { describe, expect, it, vi } from "vitest";
import { ConvexDelivery, type DeliveryNotes, type EventPersistence } from "../../js-wrapper/runtime/convex-delivery.js";
import { api, dump, messagesOf, OWNER, SESSION, startComponent } from "../convex/build.js";
import { delta, lifecycle, range } from "../outbox/build.js";
import { persistenceOver } from "./build.js";
import { eventsOf, THREADS, wordOf } from "../outbox/story.mjs";

const TARGET = { actor: OWNER, sessionId: SESSION };
const bound = { threadId: "th", created: true };
const ok = { status: "ok" as const, errors: [] };
const refusal = (errorCode: string, recoverable: boolean) => ({ status: "rejected" as const, errors: [{ code: "UNKNOWN" as const, message: errorCode, recoverable, errorCode }] });

function notes(kept = new Map<string, unknown>(), sending: ReadonlyMap<string, number> = new Map()): DeliveryNotes {
  return { note: (threadId) => kept.get(threadId), keepNote: (threadId, note) => void kept.set(threadId, note), notes: () => kept, isSending: (threadId, thenMs) => (sending.get(threadId) ?? Infinity) <= thenMs };
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

  describe("that only a note of an earlier start knows", () => {
    const SAME = { ...TARGET, isSame: () => true };
    const gone = Object.assign(new Error("Server Error"), { data: { code: "E_AUTH_THREAD_FORBIDDEN", message: "[E_AUTH_THREAD_FORBIDDEN] none", retryable: false } });

    it("is made again by its name in a deployment that has it no more, where the note is known to be this user's, and so is its agent, under it", async () => {
      const kept = new Map<string, unknown>();
      const before = new ConvexDelivery(persistenceOver(startComponent()), TARGET, notes(kept));
      before.name("t", { externalThreadId: "mine" });
      await before.bind("t");
      before.parent("a", "t");
      await before.bind("a");
      const component = startComponent();
      await expect(new ConvexDelivery(persistenceOver(component), TARGET, notes(kept)).bind("t")).rejects.toMatchObject({ data: { code: "E_AUTH_THREAD_FORBIDDEN" } });
      const delivery = new ConvexDelivery(persistenceOver(component), SAME, notes(kept));
      const { threadId, externalThreadId } = await delivery.bind("t");
      const agent = await delivery.bind("a");
      expect(externalThreadId).toBe("mine");
      expect(await delivery.deliver({ threadId: "t", events: [delta(0)] })).toEqual({ type: "acknowledged" });
      const { threads, bindings } = await dump(component);
      expect(threads.map((thread) => [thread.threadId, thread.parentThreadId])).toEqual([[threadId, undefined], [agent.threadId, threadId]]);
      expect(bindings).toContainEqual(expect.objectContaining({ externalThreadId: "mine", threadId }));
    });

    it("is deleted where that is why, and its events are no more", async () => {
      const component = startComponent();
      const kept = new Map<string, unknown>();
      const { threadId } = await new ConvexDelivery(persistenceOver(component), TARGET, notes(kept)).bind("t");
      await component.mutation(api.threads.deleteCascade, { actor: OWNER, threadId });
      expect(await new ConvexDelivery(persistenceOver(component), SAME, notes(kept)).deliver({ threadId: "t", events: [delta(0)] })).toMatchObject({ type: "deleted" });
    });

    it("is made again by its name where its events come before anybody goes on in it, and not where it may be somebody else's", async () => {
      const kept = new Map<string, unknown>();
      const before = new ConvexDelivery(persistenceOver(startComponent()), TARGET, notes(kept));
      before.name("t", { externalThreadId: "mine" });
      await before.bind("t");
      const component = startComponent();
      const early = (target: typeof TARGET) => new ConvexDelivery(persistenceOver(component), { ...target, goesOn: () => false }, notes(kept)).deliver({ threadId: "t", events: [delta(0)] });
      expect(await early(TARGET)).toEqual({ type: "again", reason: "[E_AUTH_THREAD_FORBIDDEN] the thread does not exist for this actor" });
      expect(Object.values(await dump(component)).flat()).toEqual([]);
      expect(await early(SAME)).toEqual({ type: "acknowledged" });
      const { threads, bindings, quarantine } = await dump(component);
      expect([threads.map(({ localThreadId }) => localThreadId), bindings.map(({ externalThreadId }) => externalThreadId), quarantine]).toEqual([["t"], ["mine"], []]);
    });

    it("is made again once at each attempt: where the deployment has it no more, by whoever made it", async () => {
      const isGone = refusal("E_AUTH_THREAD_FORBIDDEN", false);
      const answers = [ok, isGone, ok, isGone, isGone];
      const calls: string[] = [];
      const { delivery } = fake({
        ensureThread: async () => (calls.push("make"), bound),
        ensureSession: async () => calls.push("bind"),
        ingestSafe: async () => (calls.push("ingest"), answers.shift()!),
      });
      for (const want of ["acknowledged", "acknowledged", "again"]) expect(await delivery.deliver({ threadId: "t", events: [delta(0)] })).toMatchObject({ type: want });
      const make = ["make", "bind", "ingest"];
      expect(calls).toEqual([...make, "ingest", ...make, "ingest", ...make]);
    });

    it("is made again once, and not where this start made it", async () => {
      const kept = new Map<string, unknown>([["t", { names: {}, bound: { threadId: "old" } }]]);
      const ensureSession = vi.fn(() => Promise.reject(gone));
      const { persistence } = fake({ ensureSession });
      const delivery = new ConvexDelivery(persistence, SAME, notes(kept));
      for (let times = 0; times < 3; times++) await expect(delivery.bind("t")).rejects.toBe(gone);
      expect(persistence.ensureThread).toHaveBeenCalledTimes(1);
      for (let times = 0; times < 3; times++) await expect(delivery.bind("s")).rejects.toBe(gone);
      expect(persistence.ensureThread).toHaveBeenCalledTimes(2);
    });
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

describe("an agent's thread", () => {
  type Ensured = Parameters<EventPersistence["ensureThread"]>[0];
  const refused = (code: string) => Object.assign(new Error(code), { data: { code, message: `[${code}] why`, retryable: false } });
  /** Threads are in Convex by names of their own; `fails` says how a call ends that names a parent. */
  function linking(fails: (args: { parentThreadId?: string }) => Error | undefined = () => undefined, kept = new Map<string, unknown>()) {
    const told: string[] = [];
    const answer = ({ localThreadId, parentThreadId }: { localThreadId?: string; parentThreadId?: string }) => {
      const error = parentThreadId === undefined ? undefined : fails({ parentThreadId });
      if (error !== undefined) throw error;
      return { threadId: `${localThreadId!} in Convex`, created: true };
    };
    const persistence = {
      ensureThread: vi.fn(async (args: Ensured) => answer(args)),
      linkThread: vi.fn(async (args: Parameters<NonNullable<EventPersistence["linkThread"]>>[0]) => answer(args)),
      forkThread: vi.fn(async () => null),
      ensureSession: vi.fn(async () => null),
      ingestSafe: vi.fn(async () => ok),
    };
    const start = (with_: EventPersistence = persistence) => new ConvexDelivery(with_, TARGET, notes(kept), { onUnlinked: ({ code, message }) => void told.push(`${code}: ${message}`) });
    const batch = (delivery: ConvexDelivery, threadId: string) => delivery.deliver({ threadId, events: [delta(0, { threadId })] });
    return { persistence, start, batch, told, delivery: start() };
  }
  const made = (localThreadId: string, parentThreadId?: string) => [{ actor: OWNER, localThreadId, ...(parentThreadId === undefined ? {} : { parentThreadId }) }];
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  it("is made under its parent's, which is there", async () => {
    const { delivery, persistence, batch, told } = linking();
    await delivery.bind("t");
    delivery.parent("a", "t");
    expect(await batch(delivery, "a")).toEqual({ type: "acknowledged" });
    await batch(delivery, "a");
    expect(persistence.ensureThread.mock.calls).toEqual([made("t"), made("a", "t in Convex")]);
    expect([persistence.linkThread.mock.calls, told]).toEqual([[], []]);
  });

  it("is put there later where the parent comes later, which is not made for its sake, and once however often both have something", async () => {
    const { delivery, persistence, batch } = linking();
    delivery.parent("a", "t");
    for (let times = 0; times < 2; times++) await batch(delivery, "a");
    expect(persistence.ensureThread.mock.calls).toEqual([made("a")]);
    expect(persistence.linkThread).not.toHaveBeenCalled();
    const answers: ((made: typeof bound) => void)[] = [];
    persistence.linkThread.mockImplementationOnce(() => new Promise((resolve) => void answers.push(resolve)));
    for (let times = 0; times < 2; times++) await Promise.all([batch(delivery, "t"), batch(delivery, "a")]);
    answers[0]!(bound);
    await settled();
    await batch(delivery, "a");
    expect(persistence.ensureThread.mock.calls).toEqual([made("a"), made("t")]);
    expect(persistence.linkThread.mock.calls).toEqual([made("a", "t in Convex")]);
  });

  it("is put there later where that it is one is known later, by the name that the app gave it, and whose was said first stays", async () => {
    const { delivery, persistence, batch } = linking();
    delivery.name("a", { externalThreadId: "mine", model: "m" });
    for (const id of ["t", "a", "b"]) await batch(delivery, id);
    delivery.parent("b", "s");
    delivery.parent("b", "t");
    delivery.parent("a", "t");
    await settled();
    expect(persistence.linkThread).toHaveBeenCalledExactlyOnceWith({ actor: OWNER, localThreadId: "a", externalThreadId: "mine", parentThreadId: "t in Convex" });
  });

  it("is known to be one in the next process, whose notes they are", async () => {
    const kept = new Map<string, unknown>();
    const first = linking(undefined, kept);
    await first.delivery.bind("t");
    first.delivery.parent("late", "other");
    await first.delivery.bind("late");
    first.delivery.parent("new", "t");
    const second = linking(undefined, kept);
    await second.delivery.bind("new");
    // The parent is known to be there: it is not bound to this process for that.
    expect(second.persistence.ensureThread.mock.calls).toEqual([made("new", "t in Convex")]);
    expect(second.persistence.ensureSession).toHaveBeenCalledTimes(1);
    await second.delivery.bind("other");
    await settled();
    expect(second.persistence.linkThread.mock.calls).toEqual([made("late", "other in Convex")]);
    const third = linking(undefined, kept);
    for (const id of ["t", "other", "late", "new"]) await third.delivery.bind(id);
    await settled();
    expect([third.persistence.ensureThread, third.persistence.linkThread].flatMap(({ mock }) => mock.calls)).toEqual([]);
  });

  it.each(["E_AUTH_THREAD_FORBIDDEN", "E_REQUEST_INVALID"])("stands by itself where Convex refuses its parent with %s: its events arrive, it is told, and not asked for again", async (code) => {
    const kept = new Map<string, unknown>();
    const { delivery, persistence, start, batch, told } = linking(() => refused(code), kept);
    await delivery.bind("t");
    delivery.parent("a", "t");
    expect(await batch(delivery, "a")).toEqual({ type: "acknowledged" });
    await batch(delivery, "a");
    expect(persistence.ensureThread.mock.calls).toEqual([made("t"), made("a", "t in Convex"), made("a")]);
    expect(told).toEqual([`E_RUNTIME_THREAD_UNLINKED: the thread a is not under the one whose agent it is, t: [${code}] why`]);
    await batch(start(), "a");
    await settled();
    expect([persistence.linkThread.mock.calls, told.length]).toEqual([[], 1]);
  });

  it("and so where it is refused later", async () => {
    const { delivery, persistence, batch, told } = linking(() => refused("E_REQUEST_INVALID"));
    delivery.parent("a", "t");
    await batch(delivery, "a");
    for (let times = 0; times < 2; times++) await batch(delivery, "t");
    await settled();
    expect([persistence.linkThread.mock.calls.length, told.length]).toEqual([1, 1]);
  });

  it("of an app whose functions are older than parents stands by itself: they are asked three times, and it is told once", async () => {
    const older = new Error("[Request ID: 1] Server Error");
    const { delivery, persistence, start, batch, told } = linking(() => older);
    await delivery.bind("t");
    for (const id of ["a", "b", "c", "d"]) {
      delivery.parent(id, "t");
      for (let times = 0; times < 2; times++) expect(await batch(delivery, id)).toEqual({ type: "acknowledged" });
      await settled();
    }
    const asked = () => [persistence.ensureThread, persistence.linkThread].flatMap(({ mock }) => mock.calls.map(([args]) => args)).filter((args) => args.parentThreadId !== undefined).length;
    expect([asked(), told.length]).toEqual([3, 1]);
    // The next start asks again: the app may be newer by then.
    await batch(start(), "d");
    await settled();
    expect(asked()).toBeGreaterThan(3);
  });

  it("that could not be put there, for once, is put there with the next batch of either", async () => {
    for (const next of ["a", "t"]) {
      const failures = [new TypeError("fetch failed"), new TypeError("fetch failed")];
      const { delivery, persistence, batch, told } = linking(() => failures.shift());
      delivery.parent("a", "t");
      await batch(delivery, "a");
      await delivery.bind("t");
      await settled();
      for (let times = 0; times < 3; times++) {
        await batch(delivery, next);
        await settled();
      }
      expect([persistence.linkThread.mock.calls.length, told], next).toEqual([3, []]);
    }
  });

  it("is asked for again however many failed before, where one did not since", async () => {
    const failures = [true, true, false, true, true, false].map((fails) => (fails ? new TypeError("fetch failed") : undefined));
    const { delivery, batch, told } = linking(() => failures.shift());
    await batch(delivery, "t");
    for (const id of ["a", "b"]) {
      await batch(delivery, id);
      delivery.parent(id, "t");
      await settled();
      for (let times = 0; times < 2; times++) {
        await batch(delivery, id);
        await settled();
      }
    }
    expect([failures, told]).toEqual([[], []]);
  });

  it("waits with its batch where Convex cannot be reached, as any", async () => {
    let isAway = true;
    const { delivery, persistence, batch } = linking(() => (isAway ? new TypeError("fetch failed") : undefined));
    await delivery.bind("t");
    persistence.ensureThread.mockImplementationOnce(async () => Promise.reject(new TypeError("fetch failed"))).mockImplementationOnce(async () => Promise.reject(new TypeError("fetch failed")));
    delivery.parent("a", "t");
    expect(await batch(delivery, "a")).toEqual({ type: "again", reason: "fetch failed" });
    isAway = false;
    expect(await batch(delivery, "a")).toEqual({ type: "acknowledged" });
    expect(persistence.ensureThread.mock.lastCall).toEqual(made("a", "t in Convex"));
  });

  it("keeps its parent that becomes known while it is being made", async () => {
    const { delivery, persistence, batch } = linking();
    await delivery.bind("t");
    const going = batch(delivery, "a");
    delivery.parent("a", "t");
    await going;
    await settled();
    expect(persistence.linkThread.mock.calls).toEqual([made("a", "t in Convex")]);
  });

  it("that is a copy is nobody's, and Convex is asked for it by no name", async () => {
    const { delivery, persistence, batch } = linking();
    await delivery.bind("t");
    await delivery.copies("copy", "t", {}, Promise.resolve({}));
    delivery.parent("copy", "t");
    await batch(delivery, "copy");
    delivery.parent("copy", "t");
    await settled();
    expect([persistence.ensureThread.mock.calls, persistence.linkThread.mock.calls]).toEqual([[made("t")], []]);
  });

  it("of a persistence that puts none under another stands by itself where its parent came later", async () => {
    const { persistence, start, batch, told } = linking();
    const { linkThread: _, ...older } = persistence;
    const delivery = start(older);
    delivery.parent("a", "t");
    for (const id of ["a", "t", "a"]) await batch(delivery, id);
    await settled();
    expect([persistence.ensureThread.mock.calls, told]).toEqual([[made("a"), made("t")], []]);
  });

  it("is under its parent's in the component, and by itself where that was deleted", async () => {
    const component = startComponent();
    const told: string[] = [];
    const delivery = new ConvexDelivery(persistenceOver(component), TARGET, notes(), { onUnlinked: ({ code }) => void told.push(code) });
    delivery.parent("late", "t");
    const { threadId: late } = await delivery.bind("late");
    const { threadId: parent } = await delivery.bind("t");
    delivery.parent("a", "t");
    const { threadId: agent } = await delivery.bind("a");
    const parents = async () => new Map((await dump(component)).threads.map(({ threadId, parentThreadId }) => [threadId, parentThreadId]));
    await vi.waitFor(async () => expect([...(await parents())].sort()).toEqual([[late, parent], [parent, undefined], [agent, parent]].sort()));
    await component.mutation(api.threads.deleteCascade, { actor: OWNER, threadId: parent });
    delivery.parent("orphan", "t");
    const { threadId: orphan } = await delivery.bind("orphan");
    expect([(await parents()).has(orphan), (await parents()).get(orphan), told]).toEqual([true, undefined, ["E_RUNTIME_THREAD_UNLINKED"]]);
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

describe("a batch whose thread or session is refused", () => {
  const code = (code: string) => Object.assign(new Error("Server Error"), { data: { code, message: `[${code}] why`, retryable: false } });
  const REFUSALS: [string, () => Error][] = [
    ["arguments that the app's function does not take", () => new Error("[Request ID: 1] Server Error\nArgumentValidationError: Object contains extra field `runtimeId`")],
    ["a bug", () => code("E_INTERNAL")],
    ["a request that cannot be", () => Object.assign(new Error("bad request"), { status: 400 })],
    ["an argument out of bounds", () => code("E_SYNC_BATCH_TOO_LARGE")],
  ];
  const NOT_GOING_ON = { ...TARGET, goesOn: () => false };

  it.each(REFUSALS)("waits, whole: %s lies at no event", async (_what, thrown) => {
    const batch = { threadId: "t", events: [delta(0)] };
    const ensureThread = vi.fn(async () => bound).mockRejectedValueOnce(thrown());
    const ensureSession = vi.fn(async () => null).mockRejectedValueOnce(thrown());
    const { delivery, persistence } = fake({ ensureThread, ensureSession });
    for (const type of ["again", "again", "acknowledged"]) expect(await delivery.deliver(batch)).toMatchObject({ type });
    expect(persistence.ingestSafe).toHaveBeenCalledTimes(1);
    const left = fake({ ensureThread: vi.fn(async () => bound).mockRejectedValueOnce(thrown()) });
    const other = new ConvexDelivery(left.persistence, NOT_GOING_ON, notes());
    for (const type of ["again", "acknowledged"]) expect(await other.deliver(batch)).toMatchObject({ type });
    // The session that is ensured once more, for the thread does not know it.
    const ingestSafe = vi.fn(async () => ok as Awaited<ReturnType<EventPersistence["ingestSafe"]>>).mockResolvedValueOnce(refusal("E_SYNC_SESSION_NOT_FOUND", true));
    const once = fake({ ingestSafe, ensureSession: vi.fn(async () => null).mockResolvedValueOnce(null).mockRejectedValueOnce(thrown()) });
    for (const type of ["again", "acknowledged"]) expect(await once.delivery.deliver(batch)).toMatchObject({ type });
  });

  it.each([
    ["E_THREAD_DELETED", "deleted"],
    ["E_SYNC_SESSION_DEVICE_MISMATCH", "taken"],
  ])("with %s is %s", async (why, type) => {
    const { delivery } = fake({ ensureThread: async () => Promise.reject(code(why)) });
    expect(await delivery.deliver({ threadId: "t", events: [delta(0)] })).toMatchObject({ type });
  });

  it.each(REFUSALS)("is refused itself where its own call is: %s", async (_what, thrown) => {
    const { delivery } = fake({ ingestSafe: async () => Promise.reject(thrown()) });
    expect(await delivery.deliver({ threadId: "t", events: [delta(0)] })).toMatchObject({ type: "refused" });
  });
});

describe("a batch of a thread in which the start does not go on", () => {
  const left = (persistence: EventPersistence, goesOn: ReadonlySet<string> = new Set()) => {
    const told: string[] = [];
    const listeners = { onNoRoom: ({ code }: { code: string }) => void told.push(code), onRoom: () => void told.push("room") };
    return { told, delivery: new ConvexDelivery(persistence, { ...TARGET, goesOn: (id) => goesOn.has(id) }, notes(), listeners) };
  };
  const batch = { threadId: "t", events: [delta(0)] };

  it("arrives where nobody else writes it, and is left where another session does", async () => {
    const component = startComponent();
    const { delivery } = left(persistenceOver(component));
    expect(await delivery.deliver(batch)).toEqual({ type: "acknowledged" });
    const { threadId } = await delivery.find("t");
    expect(await messagesOf(component, threadId)).toHaveLength(1);
    await component.mutation(api.sync.ensureSession, { actor: { ...OWNER, deviceId: "desk" }, sessionId: "theirs", threadId, lastEventCursor: 0 });
    expect(await delivery.deliver({ threadId: "t", events: [delta(1)] })).toMatchObject({ type: "again" });
    expect((await dump(component)).sessions.map(({ sessionId, epoch }) => [sessionId, epoch])).toEqual([[SESSION, 1], ["theirs", 2]]);
  });

  it("arrives where the start goes on in the thread before that is answered, and takes it for that", async () => {
    const goesOn = new Set<string>();
    const ensureSession = vi.fn(async () => null);
    const ingestSafe = vi.fn(async (): ReturnType<EventPersistence["ingestSafe"]> => {
      if (ensureSession.mock.calls.length > 0) return ok;
      goesOn.add("t");
      return refusal("E_SYNC_SESSION_DEVICE_MISMATCH", true);
    });
    const { persistence } = fake({ ingestSafe, ensureSession });
    expect(await left(persistence, goesOn).delivery.deliver(batch)).toEqual({ type: "acknowledged" });
    expect(ingestSafe).toHaveBeenCalledTimes(2);
  });

  it("waits for room for the thread, which is told once, and when there is", async () => {
    const full = Object.assign(new Error("full"), { data: { code: "E_QUOTA", message: "[E_QUOTA] full", retryable: true } });
    const ensureThread = vi.fn(async () => bound).mockRejectedValueOnce(full).mockRejectedValueOnce(full);
    const { delivery, told } = left(fake({ ensureThread }).persistence);
    for (const type of ["again", "again", "acknowledged"]) expect(await delivery.deliver(batch)).toMatchObject({ type });
    expect(told).toEqual(["E_QUOTA", "room"]);
  });
});

describe("a copy", () => {
  const refused = (code: string) => Object.assign(new Error("Server Error"), { data: { code, message: `[${code}] why`, retryable: code === "E_QUOTA" } });
  /** Every call in its order, in a process that has had the thread `t`; `fails` says how the next copies end. */
  function copying(kept = new Map<string, unknown>([["t", { names: {} }]]), fails: (Error | undefined)[] = []) {
    const calls: string[] = [];
    const told: string[] = [];
    /** When the oldest event came that waits. */
    const sending = new Map<string, number>();
    const persistence = {
      ensureThread: async ({ localThreadId }: { localThreadId?: string }) => {
        calls.push(`make ${localThreadId!}`);
        return { threadId: `${localThreadId!} in Convex`, created: true };
      },
      forkThread: async ({ threadId, newThreadId, turnId, model }: { threadId: string; newThreadId: string; turnId?: string; model?: string }) => {
        calls.push(`copy ${threadId} to ${newThreadId} up to ${turnId ?? "its end"}${model === undefined ? "" : `, of ${model}`}`);
        const error = fails.shift();
        if (error !== undefined) throw error;
      },
      ensureSession: async ({ threadId }: { threadId: string }) => void calls.push(`bind ${threadId}`),
      ingestSafe: async ({ threadId }: { threadId: string }) => {
        calls.push(`ingest ${threadId}`);
        return ok;
      },
    };
    const tell = ({ code, message }: { code: string; message: string }) => void told.push(`${code}: ${message}`);
    const start = (with_: EventPersistence = persistence) => new ConvexDelivery(with_, TARGET, notes(kept, sending), { onNotCopied: tell, onNoRoom: tell, onRoom: () => void told.push("room") });
    const batch = (delivery: ConvexDelivery, threadId = "c") => delivery.deliver({ threadId, events: [delta(0, { threadId })] });
    const delivery = start();
    const copies = (lastTurnId = "u", id = "c", of = "t") => delivery.copies(id, of, {}, Promise.resolve({ lastTurnId }));
    return { persistence, calls, told, sending, start, batch, delivery, copies };
  }
  const COPIED = "copy t in Convex to c up to u";

  it("has the other's history before its first event, as far as codex says, and takes the other from nobody who writes it", async () => {
    const { delivery, calls, told, batch } = copying();
    delivery.name("c", { model: "m" });
    let says: (extent: { lastTurnId: string }) => void = () => undefined;
    const copies = delivery.copies("c", "t", {}, new Promise((resolve) => (says = resolve)));
    // Its first event is there before codex has said how far it goes.
    const first = batch(delivery);
    await new Promise((resolve) => setImmediate(resolve));
    expect(calls).toEqual([]);
    says({ lastTurnId: "u" });
    await copies;
    expect(await first).toEqual({ type: "acknowledged" });
    await batch(delivery);
    expect(calls).toEqual(["make t", `${COPIED}, of m`, "bind c", "ingest c", "ingest c"]);
    expect([await delivery.bind("c"), delivery.uncopied(), told]).toEqual([{ threadId: "c" }, [], []]);
  });

  it("is made by the next process where this one ends before, as far as it was asked for where codex had not said yet, once, and taken from nobody", async () => {
    const kept = new Map<string, unknown>([["t", { names: {} }]]);
    const first = copying(kept);
    void first.delivery.copies("c", "t", { lastTurnId: "asked" }, new Promise(() => undefined));
    const second = copying(kept, [new TypeError("fetch failed")]);
    expect(second.delivery.uncopied()).toEqual(["c"]);
    await expect(second.delivery.find("c")).rejects.toThrow("fetch failed");
    await second.delivery.find("c");
    const copied = "copy t in Convex to c up to asked";
    expect(second.calls).toEqual(["make t", copied, copied]);
    const third = copying(kept);
    expect(third.delivery.uncopied()).toEqual([]);
    await third.delivery.bind("c");
    expect(third.calls).toEqual(["bind c"]);
  });

  it("waits for what had happened in the other, not for what happens there since, and says nothing of that", async () => {
    const { delivery, calls, told, sending, batch, copies } = copying();
    sending.set("t", Date.now());
    await copies();
    expect(await batch(delivery)).toEqual({ type: "again", reason: "what had happened in t is on its way to Convex, and then into its copy c" });
    expect(calls).toEqual([]);
    sending.set("t", Date.now() + 1);
    expect(await batch(delivery)).toEqual({ type: "acknowledged" });
    expect([calls, told]).toEqual([["make t", COPIED, "bind c", "ingest c"], []]);
  });

  it("waits for room, with its events, and says so once", async () => {
    const { delivery, calls, told, batch, copies } = copying(undefined, [refused("E_QUOTA"), refused("E_QUOTA")]);
    await copies();
    for (let times = 0; times < 2; times++) expect(await batch(delivery)).toEqual({ type: "again", reason: "[E_QUOTA] why" });
    expect(await batch(delivery)).toEqual({ type: "acknowledged" });
    expect(calls).toEqual(["make t", COPIED, COPIED, COPIED, "bind c", "ingest c"]);
    expect(told).toEqual(["E_QUOTA: the thread c is not in Convex until there is room for it: why", "room"]);
  });

  it.each(["E_AUTH_EXPIRED", "E_AUTH_SIGNED_OUT", "E_AUTH_DEVICE_FORBIDDEN"])("waits for another credential where this one does not hold: %s", async (code) => {
    const { delivery, calls, told, batch, copies } = copying(undefined, [refused(code)]);
    await copies();
    expect(await batch(delivery)).toEqual({ type: "again", reason: `[${code}] why` });
    await batch(delivery);
    expect([calls, told]).toEqual([["make t", COPIED, COPIED, "bind c", "ingest c"], []]);
  });

  it.each<[string, Error, string]>([
    ["Convex refuses to copy", refused("E_AUTH_TURN_FORBIDDEN"), "E_AUTH_TURN_FORBIDDEN: the thread c begins without the history of t, whose copy it is: why"],
    [
      "the app has no function for",
      new Error("[Request ID: 1] Server Error\nCould not find public function for 'chat:forkThread'"),
      "E_INTERNAL: the thread c begins without the history of t, whose copy it is: [Request ID: 1] Server Error\nCould not find public function for 'chat:forkThread'",
    ],
  ])("begins without a history that %s, which is told, and not asked for again", async (_what, error, want) => {
    const { delivery, start, calls, told, batch, copies } = copying(undefined, [error]);
    await copies();
    expect(await batch(delivery)).toEqual({ type: "acknowledged" });
    await start().bind("c");
    expect(calls).toEqual(["make t", COPIED, "make c", "bind c in Convex", "ingest c in Convex", "bind c in Convex"]);
    expect([told, start().uncopied()]).toEqual([[want], []]);
  });

  it("of a copy that is not there yet is made behind it, each once", async () => {
    const { delivery, calls, copies } = copying();
    await copies();
    await copies("v", "d", "c");
    await Promise.all([delivery.bind("c"), delivery.bind("d")]);
    expect(calls.filter((call) => !call.startsWith("bind"))).toEqual(["make t", COPIED, "copy c to d up to v"]);
    expect(calls.filter((call) => call.startsWith("bind")).sort()).toEqual(["bind c", "bind d"]);
  });

  it("is a thread like any other where codex has copied nothing", async () => {
    const { delivery, calls, batch } = copying();
    await delivery.copies("c", "t", {}, Promise.resolve(undefined));
    await batch(delivery);
    expect([calls, delivery.uncopied()]).toEqual([["make c", "bind c in Convex", "ingest c in Convex"], []]);
  });

  it("of a thread of which nothing came from here is one too: that is not made for its sake", async () => {
    const { delivery, calls, told, batch, copies } = copying();
    await copies("u", "c", "theirs");
    await batch(delivery);
    expect([calls, told]).toEqual([["make c", "bind c in Convex", "ingest c in Convex"], []]);
  });

  it("begins without a history where the persistence copies none", async () => {
    const { persistence, start, calls, told, batch } = copying();
    const { forkThread: _, ...older } = persistence;
    const delivery = start(older);
    await delivery.copies("c", "t", {}, Promise.resolve({ lastTurnId: "u" }));
    await batch(delivery);
    expect([calls, told, delivery.uncopied()]).toEqual([["make c", "bind c in Convex", "ingest c in Convex"], [], []]);
  });
});
