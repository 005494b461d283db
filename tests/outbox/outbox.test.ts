import { readdir, stat, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import { ClassicLevel } from "classic-level";
import { describe, expect, it, onTestFinished, test, vi } from "vitest";
import { type Clock, RETRY_FIRST_MS, SYSTEM_CLOCK } from "../../js-wrapper/clock.js";
import { DELIVERY_TIMEOUT_MS, NOT_TAKEN_TOLD } from "../../js-wrapper/outbox/sender.js";
import { deleteOutbox, type OutboxBatch, type Verdict, verdictOfAnswer, verdictOfError } from "../../js-wrapper/outbox/index.js";
import { BATCH_WAIT_MS, Lane } from "../../js-wrapper/outbox/lane.js";
import { OutboxStore, type StoreChange } from "../../js-wrapper/outbox/store.js";
import type { NormalizedEvent } from "../../js-wrapper/protocol/index.js";
import { ManualClock } from "../runtime/manual-clock.js";
import { ACKNOWLEDGED, cursorsOf, delta, folder, lifecycle, open, range } from "./build.js";

const FLUSH_MS = 20_000;
const DAY_MS = 86_400_000;
const MIB = 1024 * 1024;
/** Nothing is old by it. */
const LONG_AGO: Clock = { ...SYSTEM_CLOCK, now: () => 0 };
const REFUSED: Verdict = { type: "refused", code: "E_ARGUMENTS", message: "no" };

/** Everything arrives, and nothing is left. */
const arrives = async ({ outbox }: { outbox: { flush(ms: number): Promise<number> } }) => expect(await outbox.flush(FLUSH_MS)).toBe(0);

describe("what is appended", () => {
  it("arrives in order, in batches of at most 100, a thread beside the other", async () => {
    const opened = await open();
    for (const at of range(0, 250)) for (const threadId of ["t", "s"]) opened.outbox.append(delta(at, { threadId }));
    await arrives(opened);
    for (const threadId of ["t", "s"]) {
      const mine = opened.batches.filter((batch) => batch.threadId === threadId);
      expect(cursorsOf(mine).flat()).toEqual(range(0, 250));
      expect(mine.every(({ events }) => events.length <= 100)).toBe(true);
      expect(mine.length).toBeLessThan(6);
    }
  });

  it("is cut at 256 KiB, and what is larger than 1 MiB travels alone", async () => {
    let arrive: (verdict: Verdict) => void = () => undefined;
    const first = new Promise<Verdict>((resolve) => (arrive = resolve));
    const isFirst = ({ threadId, events }: OutboxBatch) => threadId === "t" && events[0]?.cursorStart === 0;
    const opened = await open({ deliver: (batch) => (isFirst(batch) ? first : Promise.resolve(ACKNOWLEDGED)) });
    opened.outbox.append(delta(0, { threadId: "t", kind: "turn/completed" }));
    const sizes = [100, 100, 100, 1_100, 10, 3_000, 10];
    for (const [at, kib] of sizes.entries()) opened.outbox.append(delta(1 + at, { threadId: "t", text: "x".repeat(kib * 1024) }));
    // What is sent is on disk, and so is what came before it: then the timer has no say in where batches are cut.
    opened.outbox.append(delta(0, { threadId: "s", kind: "turn/completed" }));
    await vi.waitFor(() => expect(opened.batches.map(({ threadId }) => threadId).sort()).toEqual(["s", "t"]));
    arrive(ACKNOWLEDGED);
    await arrives(opened);
    const cut = opened.batches.filter(({ threadId }) => threadId === "t");
    expect(cursorsOf(cut)).toEqual([[0], [1, 2], [3], [4], [5], [6], [7]]);
  });

  it("leaves when the disk has it for good, and not before", async () => {
    const calls: string[] = [];
    const sync: (this: OutboxStore) => Promise<void> = Reflect.get(OutboxStore.prototype, "sync");
    const spied = vi.spyOn(OutboxStore.prototype, "sync").mockImplementation(async function (this: OutboxStore) {
      await sync.call(this);
      calls.push("synced");
    });
    onTestFinished(() => spied.mockRestore());
    const opened = await open({
      deliver: async ({ events }) => {
        calls.push(`sent ${String(events[0]!.cursorStart)}`);
        return Promise.resolve(ACKNOWLEDGED);
      },
    });
    for (const at of range(0, 2)) {
      opened.outbox.append(delta(at, { kind: "turn/completed" }));
      await arrives(opened);
    }
    expect(calls).toEqual(["synced", "sent 0", "synced", "sent 1"]);
  });

  it("keeps what it holds, whatever characters it is made of", async () => {
    const opened = await open();
    const event = { ...delta(0, { threadId: "t/ü:\n\"'😀" }), payloadJson: '{"a":"line\\n\u2028é😀"}\n{"not":"ours"}' };
    opened.outbox.append(event);
    await arrives(opened);
    expect(opened.batches).toEqual([{ threadId: event.threadId, events: [event] }]);
  });

  it("goes once: one batch a thread is on its way, and the next one has what came meanwhile", async () => {
    let arrive: (verdict: Verdict) => void = () => undefined;
    const opened = await open({ deliver: () => new Promise((resolve) => (arrive = resolve)) });
    opened.outbox.append(delta(0, { kind: "turn/completed" }));
    await vi.waitFor(() => expect(opened.batches).toHaveLength(1));
    for (const at of range(1, 150)) opened.outbox.append(delta(at));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(opened.batches).toHaveLength(1);
    arrive(ACKNOWLEDGED);
    await vi.waitFor(() => expect(cursorsOf(opened.batches)).toEqual([[0], range(1, 101)]));
    arrive(ACKNOWLEDGED);
    await vi.waitFor(() => expect(cursorsOf(opened.batches)).toHaveLength(3));
    arrive(ACKNOWLEDGED);
    await arrives(opened);
  });
});

it.each([
  ["in a turn", delta(0)],
  ["beside one", lifecycle(0)],
])("sends an event %s at its time where the machine's clock is set back while it waits", async (_where, event) => {
  const opened = await open();
  opened.outbox.append(event);
  const setBackTo = Date.now() - 79_000_000;
  const spied = vi.spyOn(Date, "now").mockImplementation(() => setBackTo);
  onTestFinished(() => spied.mockRestore());
  await arrives(opened);
  expect(opened.batches).toEqual([{ threadId: event.threadId, events: [event] }]);
});

it("sends at once that a thread was taken back, and nothing of it before that has arrived", async () => {
  let arrive: (verdict: Verdict) => void = () => undefined;
  const opened = await open({ deliver: ({ events }) => (events.at(-1)?.kind === "thread/reverted" ? new Promise((resolve) => (arrive = resolve)) : Promise.resolve(ACKNOWLEDGED)) });
  for (const at of range(0, 2)) opened.outbox.append(delta(at));
  opened.outbox.append(lifecycle(0, { kind: "thread/reverted" }));
  opened.outbox.append(delta(2, { turnId: "v", kind: "turn/completed" }));
  const kinds = () => opened.batches.flatMap(({ events }) => events.map(({ kind }) => kind));
  const before = ["item/agentMessage/delta", "item/agentMessage/delta", "thread/reverted"];
  await vi.waitFor(() => expect(kinds()).toEqual(before));
  const { length } = opened.batches;
  arrive(ACKNOWLEDGED);
  await arrives(opened);
  expect(kinds()).toEqual([...before, "turn/completed"]);
  expect(opened.batches).toHaveLength(length + 1);
});

describe("a batch that does not arrive", () => {
  it("is sent again as it was, behind it comes the rest, and another thread does not wait", async () => {
    let failures = 2;
    const seen: OutboxBatch[] = [];
    const opened = await open({
      deliver: async (batch) => {
        if (batch.threadId === "s") return ACKNOWLEDGED;
        seen.push(batch);
        if (failures-- > 0) throw new TypeError("fetch failed");
        return ACKNOWLEDGED;
      },
    });
    opened.outbox.append(delta(0, { kind: "turn/completed" }));
    await vi.waitFor(() => expect(seen).toHaveLength(1));
    opened.outbox.append(delta(1));
    opened.outbox.append(delta(0, { threadId: "s", kind: "turn/completed" }));
    await vi.waitFor(() => expect(opened.batches.map(({ threadId }) => threadId)).toContain("s"));
    await arrives(opened);
    expect(cursorsOf(seen)).toEqual([[0], [0], [0], [1]]);
    expect(opened.errors).toEqual([]);
  });

  it("that nobody answers for 30 s is sent again", async () => {
    const answers = [new Promise<Verdict>(() => undefined), Promise.resolve(ACKNOWLEDGED)];
    let sentAt = 0;
    const opened = await open({
      deliver: () => {
        sentAt ||= performance.now();
        return answers.shift()!;
      },
    });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    onTestFinished(() => void vi.useRealTimers());
    opened.outbox.append(delta(0, { kind: "turn/completed" }));
    await vi.waitFor(() => expect(opened.batches).toHaveLength(1));
    await vi.advanceTimersByTimeAsync(sentAt + 29_999 - performance.now());
    expect(opened.batches).toHaveLength(1);
    await vi.waitFor(() => expect(cursorsOf(opened.batches)).toEqual([[0], [0]]), { interval: 100, timeout: 5_000 });
    expect(performance.now() - sentAt).toBeGreaterThanOrEqual(30_000);
    await arrives(opened);
  });

  it.each([["while it waits", 1], ["after it was sent again", 2]])("is not sent again when its answer comes late, %s, and what came meanwhile follows", async (_when, attempts) => {
    const answers: ((verdict: Verdict) => void)[] = [];
    const opened = await open({ deliver: ({ events }) => (events[0]!.cursorStart === 0 ? new Promise((resolve) => answers.push(resolve)) : Promise.resolve(ACKNOWLEDGED)) });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    opened.outbox.append(delta(0, { kind: "turn/completed" }));
    for (let sent = 1; ; sent++) {
      while (opened.batches.length < sent) await new Promise((resolve) => setImmediate(resolve));
      if (sent === 2) break;
      // Its 30 s are over; then it waits half a second at most.
      await vi.advanceTimersByTimeAsync(DELIVERY_TIMEOUT_MS);
      if (sent === attempts) break;
      await vi.advanceTimersByTimeAsync(RETRY_FIRST_MS);
    }
    opened.outbox.append(delta(1, { kind: "turn/completed" }));
    answers[0]!(ACKNOWLEDGED);
    while (opened.batches.at(-1)!.events[0]!.cursorStart === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(cursorsOf(opened.batches)).toEqual([...Array.from({ length: attempts }, () => [0]), [1]]);
  });

  it("is told once where that goes on, with why, and is sent until it is taken", async () => {
    let verdict: Verdict = { type: "again", reason: "busy" };
    const opened = await open({ deliver: async () => verdict });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const until = async (isSo: () => boolean) => {
      while (!isSo()) {
        await vi.advanceTimersToNextTimerAsync();
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    opened.outbox.append(delta(0, { kind: "turn/completed" }));
    await until(() => opened.batches.length === NOT_TAKEN_TOLD - 1);
    expect([opened.errors, opened.outbox.backlog()[0]]).toEqual([[], expect.not.objectContaining({ notTaken: "busy" })]);
    await until(() => opened.batches.length === 2 * NOT_TAKEN_TOLD);
    expect(opened.errors.map(({ code }) => code)).toEqual(["E_OUTBOX_NOT_TAKEN"]);
    const [waiting] = opened.outbox.backlog();
    expect(waiting).toMatchObject({ threadId: "t", events: 1, isHalted: false, notTaken: "busy" });
    const cameAt = waiting!.oldestEventAt!;
    expect([cameAt - 1, cameAt].map((thenMs) => opened.outbox.isSending("t", thenMs))).toEqual([false, true]);
    expect(opened.outbox.isSending("other", Infinity)).toBe(false);
    vi.useRealTimers();
    await opened.outbox.close();
    // Who opens the folder next is told why, until they are taken.
    const again = await open({ folder: opened.folder, deliver: async () => verdict });
    expect(again.outbox.backlog()).toMatchObject([{ threadId: "t", events: 1, notTaken: "busy" }]);
    verdict = ACKNOWLEDGED;
    await arrives(again);
    again.outbox.append(delta(1, { kind: "turn/completed" }));
    await arrives(again);
    expect([cursorsOf(again.batches).slice(-2), opened.errors.length, again.errors]).toEqual([[[0], [1]], 1, []]);
    expect(again.outbox.numbers()[0]).not.toHaveProperty("notTaken");
  });

  it("is taken apart where it is refused: the event at fault is kept aside, a stub takes its place, all else arrives", async () => {
    const accepted: number[] = [];
    const opened = await open({
      deliver: async ({ events }) => {
        if (events.some(({ kind }) => kind === "bad")) return REFUSED;
        accepted.push(...events.map(({ cursorStart }) => cursorStart));
        return ACKNOWLEDGED;
      },
    });
    const bad = delta(5, { kind: "bad" });
    for (const at of range(0, 12)) opened.outbox.append(at === 5 ? bad : delta(at));
    await arrives(opened);
    expect(accepted).toEqual(range(0, 12));
    const stub = opened.batches.flatMap(({ events }) => events).find(({ kind }) => kind === "unknown");
    expect(stub).toEqual({ ...bad, kind: "unknown", payloadJson: '{"method":"unknown","params":{"threadId":"t","turnId":"u"}}' });
    expect(opened.errors).toEqual([{ code: "E_OUTBOX_EVENT_REFUSED", event: bad }]);
    const [letter] = await opened.outbox.letters();
    expect(letter).toMatchObject({ event: bad, code: "E_ARGUMENTS", message: "no" });
  });

  it("is halved at once where it is too large as a whole, and one event that is so is kept aside at once", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    onTestFinished(() => void vi.useRealTimers());
    const tooLarge: Verdict = { type: "refused", code: "E_SYNC_BATCH_TOO_LARGE", message: "too large" };
    const opened = await open({ deliver: async ({ events }) => (events.length > 25 || events.some(({ kind }) => kind === "bad") ? tooLarge : ACKNOWLEDGED) });
    for (const at of range(0, 100)) opened.outbox.append(delta(at));
    opened.outbox.append(delta(100, { kind: "bad" }));
    opened.outbox.append(delta(101, { kind: "turn/completed" }));
    // No wait is waited for: no timer goes off, and no time passes, however long the disk takes.
    while (opened.batches.length < 11) await new Promise((resolve) => setImmediate(resolve));
    expect(opened.batches.map(({ events }) => events.length)).toEqual([100, 50, 25, 25, 50, 25, 25, 2, 1, 1, 1]);
    expect(opened.errors.map(({ code, event }) => [code, event?.cursorStart])).toEqual([["E_OUTBOX_EVENT_REFUSED", 100]]);
  });

  it("whose stub is refused too leaves a hole, and the thread goes on", async () => {
    const opened = await open({ deliver: async ({ events }) => (events.some(({ cursorStart }) => cursorStart === 1) ? REFUSED : ACKNOWLEDGED) });
    for (const at of range(0, 3)) opened.outbox.append(delta(at));
    await arrives(opened);
    expect(cursorsOf(opened.batches).at(-1)).toEqual([2]);
    expect(opened.errors).toHaveLength(1);
    expect(await opened.outbox.letters()).toHaveLength(1);
  });

  it("of a deleted thread goes with all that waits in it, and what comes later", async () => {
    const opened = await open({ deliver: async ({ threadId }) => (threadId === "t" ? { type: "deleted", message: "gone" } : ACKNOWLEDGED) });
    for (const at of range(0, 300)) opened.outbox.append(delta(at));
    await arrives(opened);
    opened.outbox.append(delta(300));
    opened.outbox.append(delta(0, { threadId: "s", kind: "turn/completed" }));
    await arrives(opened);
    expect(opened.batches.map(({ threadId }) => threadId)).toEqual(["t", "s"]);
    expect(opened.errors).toEqual([{ code: "E_THREAD_DELETED", event: undefined }]);
    await opened.outbox.close();
    const again = await open({ folder: opened.folder });
    await arrives(again);
    expect(again.batches).toEqual([]);
  });

  it("of a deleted thread counts once what has arrived before and is still on the disk", async () => {
    const write: (this: OutboxStore, changes: readonly StoreChange[]) => Promise<void> = Reflect.get(OutboxStore.prototype, "write");
    let goOn: () => void = () => undefined;
    const holds = [new Promise<void>((resolve) => (goOn = resolve))];
    const spied = vi.spyOn(OutboxStore.prototype, "write").mockImplementation(async function (this: OutboxStore, changes) {
      if (changes.some(({ type }) => type === "remove")) await holds.shift();
      return write.call(this, changes);
    });
    onTestFinished(() => spied.mockRestore());
    const opened = await open({ bytesMax: 4 * MIB, deliver: async ({ events }) => (events[0]!.cursorStart === 1 ? { type: "deleted", message: "gone" } : ACKNOWLEDGED) });
    for (const at of range(0, 2)) opened.outbox.append(delta(at, { text: "x".repeat(at === 0 ? 2 * MIB : 1), kind: "turn/completed" }));
    await vi.waitFor(() => expect(opened.errors.map(({ code }) => code)).toEqual(["E_THREAD_DELETED"]));
    goOn();
    await arrives(opened);
    opened.outbox.append(delta(0, { threadId: "s", text: "x".repeat(4 * MIB) }));
    expect(opened.outbox.isCrowded).toBe(true);
    await arrives(opened);
  });

  it("of a thread that another session has waits until it is asked for", async () => {
    let taken = true;
    const opened = await open({ deliver: async () => (taken ? { type: "taken", message: "another" } : ACKNOWLEDGED) });
    opened.outbox.append(delta(0, { kind: "turn/completed" }));
    await vi.waitFor(() => expect(opened.errors).toEqual([{ code: "E_SYNC_SESSION_DEVICE_MISMATCH", event: undefined }]));
    opened.outbox.append(delta(1, { kind: "turn/completed" }));
    // It is not waited for.
    expect(await opened.outbox.flush(DAY_MS)).toBe(2);
    expect(opened.outbox.backlog()).toMatchObject([{ threadId: "t", events: 2, isHalted: true }]);
    expect(opened.batches).toHaveLength(1);
    taken = false;
    opened.outbox.resume("t");
    await arrives(opened);
    expect(cursorsOf(opened.batches)).toEqual([[0], [0, 1]]);
  });
});

describe("after a restart", () => {
  const never = { deliver: () => new Promise<Verdict>(() => undefined) };

  it("what had not arrived is sent, in order, and nothing else", async () => {
    const opened = await open({ deliver: async ({ threadId }) => (threadId === "s" ? ACKNOWLEDGED : never.deliver()) });
    for (const at of range(0, 1_500)) for (const threadId of ["t", "s"]) opened.outbox.append(delta(at, { threadId }));
    await vi.waitFor(() => expect(opened.outbox.backlog()).toMatchObject([{ threadId: "t", events: 1_500 }]));
    await opened.outbox.close();
    const again = await open({ folder: opened.folder });
    await arrives(again);
    expect(again.batches.every(({ threadId }) => threadId === "t")).toBe(true);
    expect(cursorsOf(again.batches).flat()).toEqual(range(0, 1_500));
    await again.outbox.close();
    const empty = await open({ folder: opened.folder });
    await arrives(empty);
    expect(empty.batches).toEqual([]);
  });

  it("whose it is stays known, whatever is counted since", async () => {
    const opened = await open();
    expect(opened.outbox.owner).toBeUndefined();
    opened.outbox.keepOwner("ann");
    opened.outbox.nextGeneration();
    await opened.outbox.close();
    const again = await open({ folder: opened.folder });
    expect([again.outbox.owner, again.outbox.generation]).toEqual(["ann", 3]);
    await again.outbox.close();
    await deleteOutbox(opened.folder);
    expect((await open({ folder: opened.folder })).outbox.owner).toBeUndefined();
  });

  it("numbers go on, the runtime is the same, and its openings are counted", async () => {
    const opened = await open();
    for (const n of range(0, 4)) opened.outbox.append(lifecycle(n));
    opened.outbox.append(delta(0, { kind: "turn/started" }));
    opened.outbox.append(delta(1));
    await arrives(opened);
    const { runtimeId, generation } = opened.outbox;
    const numbers = [{ threadId: "t", index: 0, nextLifecycle: 4, turns: [["u", 2, "rt.1"]] }];
    expect(opened.outbox.numbers()).toEqual(numbers);
    await opened.outbox.close();
    const again = await open({ folder: opened.folder });
    expect(again.outbox.numbers()).toEqual(numbers);
    expect([again.outbox.runtimeId, again.outbox.generation]).toEqual([runtimeId, generation + 1]);
    // Each further process of codex has one of its own, and no later opening has it again.
    expect([again.outbox.nextGeneration(), again.outbox.nextGeneration()]).toEqual([generation + 2, generation + 3]);
    expect(again.outbox.generation).toBe(generation + 1);
    await again.outbox.close();
    expect((await open({ folder: opened.folder })).outbox.generation).toBe(generation + 4);
  });

  it("numbers of the newest turns that have ended go on where that is asked for, and are not these turns' ends again", async () => {
    const endedIn = async (keepsEnded: boolean) => {
      const opened = await open({ keepsEnded });
      for (const n of range(0, 10)) {
        opened.outbox.append(delta(0, { turnId: `u${String(n)}` }));
        opened.outbox.append(delta(1, { turnId: `u${String(n)}`, kind: "turn/completed" }));
      }
      opened.outbox.append(delta(2, { turnId: "u5" }));
      await arrives(opened);
      await opened.outbox.close();
      const again = await open({ folder: opened.folder, keepsEnded });
      again.outbox.interruptOpenTurns();
      again.outbox.append(delta(2, { turnId: "u9" }));
      await arrives(again);
      expect(cursorsOf(again.batches)).toEqual([[2]]);
      return again.outbox.numbers()[0]!.ended;
    };
    expect(await endedIn(true)).toEqual(range(2, 10).map((n) => [`u${String(n)}`, n === 5 || n === 9 ? 3 : 2]));
    // A turn is begun then by what comes of it.
    expect(await endedIn(false)).toBeUndefined();
  });

  it("what was noted of a thread is there, without an event of it", async () => {
    const opened = await open();
    opened.outbox.keepNote("t", { a: 1 });
    opened.outbox.keepNote("s", { b: 1 });
    opened.outbox.keepNote("s", { b: 2 });
    await arrives(opened);
    await opened.outbox.close();
    const again = await open({ folder: opened.folder });
    expect([again.outbox.note("t"), again.outbox.note("s"), again.outbox.note("none")]).toEqual([{ a: 1 }, { b: 2 }, undefined]);
    again.outbox.append(delta(0, { threadId: "none" }));
    expect(new Map(again.outbox.notes())).toEqual(new Map([["t", { a: 1 }], ["s", { b: 2 }]]));
    again.outbox.append(delta(0, { kind: "turn/started" }));
    await arrives(again);
    expect(again.outbox.note("t")).toEqual({ a: 1 });
  });

  it("turns that had begun are ended, once, and those that had ended are not", async () => {
    const opened = await open();
    for (const at of range(0, 3)) opened.outbox.append(delta(at));
    opened.outbox.append(delta(0, { turnId: "done" }));
    opened.outbox.append(delta(1, { turnId: "done", kind: "turn/completed" }));
    opened.outbox.append(delta(2, { turnId: "done" }));
    await arrives(opened);
    await opened.outbox.close();
    const again = await open({ folder: opened.folder });
    again.outbox.interruptOpenTurns();
    again.outbox.interruptOpenTurns();
    await arrives(again);
    const turn = { id: "u", items: [], status: "interrupted", error: null };
    const payload = { method: "turn/completed", params: { threadId: "t", turn, synthesized: true } };
    expect(again.batches).toEqual([{ threadId: "t", events: [{ ...delta(3, { kind: "turn/completed" }), createdAt: expect.any(Number) as number, payloadJson: JSON.stringify(payload) }] }]);
  });

  it("what came in an opening is left out where that is asked for, but for the ends of turns that had begun before", async () => {
    const away = async (): Promise<Verdict> => ({ type: "again", reason: "away" });
    const opened = await open({ deliver: away });
    opened.outbox.keepNote("t", { a: 1 });
    for (const at of range(0, 2)) opened.outbox.append(delta(at));
    await opened.outbox.close();
    for (const withoutOwn of [true, true, false]) {
      const other = await open({ folder: opened.folder, deliver: away });
      other.outbox.interruptOpenTurns();
      other.outbox.beginOwn();
      expect([other.outbox.notes(), other.outbox.openTurns(), other.outbox.backlog()]).toMatchObject([[["t", { a: 1 }]], new Map(), [{ threadId: "t" }]]);
      other.outbox.keepNote("t", { b: 1 });
      other.outbox.keepNote("s", { b: 2 });
      other.outbox.keepAside(delta(7), "E_BRIDGE_EVENT_TOO_LARGE", "too large");
      for (const threadId of ["t", "s"]) other.outbox.append(delta(0, { threadId, turnId: "v", kind: "turn/started" }));
      await other.outbox.close(withoutOwn);
    }
    const last = await open({ folder: opened.folder });
    expect([last.outbox.notes(), (await last.outbox.letters()).length]).toEqual([[["s", { b: 2 }], ["t", { b: 1 }]], 1]);
    await arrives(last);
    const cursors = (id: string) => last.batches.filter(({ threadId }) => threadId === id).flatMap(({ events }) => events.map(({ turnId, cursorStart }) => [turnId, cursorStart]));
    expect([cursors("t"), cursors("s")]).toEqual([[["u", 0], ["u", 1], ["u", 2], ["v", 0]], [["v", 0]]]);
  });

  it("an event that waited for 14 days is let go of, and that is told", async () => {
    const opened = await open({ ...never, clock: LONG_AGO });
    opened.outbox.append({ ...delta(0), createdAt: Date.now() - 14 * 86_400_000 - 1 });
    opened.outbox.append({ ...delta(1), createdAt: Date.now() - 14 * 86_400_000 + 60_000 });
    await vi.waitFor(() => expect(opened.outbox.backlog()).toHaveLength(1));
    await opened.outbox.close();
    const again = await open({ folder: opened.folder });
    await arrives(again);
    expect(cursorsOf(again.batches)).toEqual([[1]]);
    expect(again.errors).toEqual([{ code: "E_OUTBOX_EVENT_EXPIRED", event: undefined }]);
  });

  it.each([
    ["is not taken", { type: "again", reason: "away" }],
    ["waits for another session", { type: "taken", message: "another" }],
  ] as const)("nor is one kept longer in a process that runs on, where it %s", async (_what, verdict) => {
    const clock = new ManualClock(() => new Promise((resolve) => setImmediate(resolve)));
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const until = async (isSo: () => boolean) => {
      while (!isSo()) {
        vi.advanceTimersByTime(1_000);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    let isAway = true;
    const opened = await open({ clock, deliver: async () => Promise.resolve(isAway ? verdict : ACKNOWLEDGED) });
    for (const at of range(0, 2)) opened.outbox.append({ ...delta(at, { kind: "turn/completed" }), createdAt: clock.now() });
    opened.outbox.append({ ...delta(2), createdAt: clock.now() + 60_000 });
    const waiting = () => opened.outbox.backlog()[0]?.events;
    await until(() => waiting() === 3 && opened.batches.length > 0);
    const told = opened.errors.length;
    await clock.pass(14 * 86_400_000);
    expect(waiting()).toBe(3);
    await clock.pass(1);
    await until(() => waiting() === 1);
    expect(opened.errors.slice(told).map(({ code }) => code)).toEqual(["E_OUTBOX_EVENT_EXPIRED"]);
    isAway = false;
    opened.outbox.resume("t");
    await until(() => waiting() === undefined);
    expect(cursorsOf(opened.batches).at(-1)).toEqual([2]);
  });

  it("a write that was torn is left out, and what was written before it is there", async () => {
    const opened = await open(never);
    for (const at of range(0, 50)) {
      opened.outbox.append(delta(at));
      await vi.waitFor(() => expect(opened.outbox.backlog()).toMatchObject([{ events: at + 1 }]));
    }
    await opened.outbox.close();
    const logs = (await readdir(opened.folder)).filter((name) => name.endsWith(".log"));
    const log = path.join(opened.folder, logs.at(-1)!);
    await truncate(log, (await stat(log)).size - 300);
    const again = await open({ folder: opened.folder });
    await arrives(again);
    const arrived = cursorsOf(again.batches).flat();
    expect(arrived.length).toBeGreaterThan(40);
    expect(arrived).toEqual(range(0, arrived.length));
  });
});

it("leaves without a timer where nothing is to be waited for: what is urgent, and what an earlier process left", async () => {
  const opened = await open({ deliver: async () => ({ type: "again", reason: "away" }) });
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const sent = async ({ batches }: { batches: OutboxBatch[] }) => {
    while (batches.length === 0) await new Promise((resolve) => setImmediate(resolve));
    return cursorsOf(batches);
  };
  opened.outbox.append(delta(0));
  opened.outbox.append(delta(1, { kind: "turn/completed" }));
  expect(await sent(opened)).toEqual([[0, 1]]);
  await opened.outbox.close();
  const again = await open({ folder: opened.folder });
  expect(await sent(again)).toEqual([[0, 1]]);
});

it.each([
  ["turn/completed", true],
  ["thread/reverted", true],
  ["item/commandExecution/requestApproval", true],
  ["item/fileChange/requestApproval", true],
  ["item/tool/requestUserInput", true],
  ["item/tool/call", true],
  ["mcpServer/elicitation/request", true],
  ["execCommandApproval", true],
  ["serverRequest/resolved", true],
  ["item/completed", false],
])("waits for nothing else where somebody waits for it: %s, %s", (kind, isUrgent) => {
  const lane = new Lane();
  const waiting = (at: number, event: NormalizedEvent) => ({ seq: at, event, bytes: 1, since: 1_000 + at, written: 0 });
  lane.push(waiting(0, delta(0)));
  lane.push(waiting(1, delta(1, { kind })));
  expect(lane.dueAt()).toBe(isUrgent ? 1_000 : 1_000 + BATCH_WAIT_MS);
});

describe("a disk that takes nothing", () => {
  const full = () => {
    const spied = vi.spyOn(OutboxStore.prototype, "write").mockRejectedValue(new Error("ENOSPC"));
    onTestFinished(() => spied.mockRestore());
    return spied;
  };

  it("is told once, nothing leaves and nothing more is read, and all of it arrives when there is room", async () => {
    const opened = await open();
    const disk = full();
    opened.outbox.append(delta(0));
    await vi.waitFor(() => expect(disk.mock.calls.length).toBeGreaterThan(1));
    opened.outbox.append(delta(1, { kind: "turn/completed" }));
    expect([opened.errors.map(({ code }) => code), opened.crowds, opened.batches]).toEqual([["E_OUTBOX_WRITE_FAILED"], [true], []]);
    disk.mockRestore();
    await arrives(opened);
    expect([cursorsOf(opened.batches).flat(), opened.crowds]).toEqual([[0, 1], [true, false]]);
  });

  it("has what is kept aside when there is room", async () => {
    const opened = await open();
    const disk = full();
    opened.outbox.keepAside(delta(0), "E_BRIDGE_EVENT_TOO_LARGE", "too large");
    opened.outbox.append(delta(0));
    await vi.waitFor(() => expect(disk.mock.calls.length).toBeGreaterThan(1));
    disk.mockRestore();
    await arrives(opened);
    expect((await opened.outbox.letters()).map(({ code, event }) => [code, event.cursorStart])).toEqual([["E_BRIDGE_EVENT_TOO_LARGE", 0]]);
  });

  it("holds up no end", async () => {
    const opened = await open();
    const disk = full();
    opened.outbox.append(delta(0));
    await vi.waitFor(() => expect(disk).toHaveBeenCalled());
    expect(await opened.outbox.flush(1)).toBe(1);
    await opened.outbox.close();
  });

  it("holds up no end that waits for a write already", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const opened = await open();
    let refuse: () => void = () => undefined;
    const refusal = new Promise<never>((_, reject) => (refuse = () => reject(new Error("ENOSPC"))));
    const spied = vi.spyOn(OutboxStore.prototype, "write").mockReturnValue(refusal);
    onTestFinished(() => spied.mockRestore());
    opened.outbox.append(delta(0));
    const left = opened.outbox.flush(1);
    await vi.advanceTimersByTimeAsync(1);
    refuse();
    expect(await left).toBe(1);
  });
});

describe("a disk that syncs nothing", () => {
  const unsynced = () => {
    const spied = vi.spyOn(OutboxStore.prototype, "sync").mockRejectedValue(new Error("ENOSPC"));
    onTestFinished(() => spied.mockRestore());
    return spied;
  };

  it("is told once, nothing leaves and nothing more is read, and all of it arrives when it does again", async () => {
    const opened = await open();
    const disk = unsynced();
    for (const threadId of ["t", "s"]) opened.outbox.append(delta(0, { threadId, kind: "turn/completed" }));
    await vi.waitFor(() => expect(disk.mock.calls.length).toBeGreaterThan(2));
    expect([opened.errors.map(({ code }) => code), opened.crowds, opened.batches]).toEqual([["E_OUTBOX_WRITE_FAILED"], [true], []]);
    disk.mockRestore();
    await arrives(opened);
    expect([cursorsOf(opened.batches), opened.crowds, opened.errors.length]).toEqual([[[0], [0]], [true, false], 1]);
    // It is told anew when it happens anew.
    unsynced();
    opened.outbox.append(delta(1, { kind: "turn/completed" }));
    await vi.waitFor(() => expect(opened.errors).toHaveLength(2));
  });

  it("holds up no end, and keeps the folder from nobody", async () => {
    const opened = await open({ deliver: () => new Promise(() => undefined) });
    opened.outbox.append(delta(0));
    expect(await opened.outbox.flush(1)).toBe(1);
    const disk = unsynced();
    const ended = [opened.outbox.close(), opened.outbox.close()];
    expect(ended[0]).toBe(ended[1]);
    await ended[0];
    expect(opened.errors.map(({ code }) => code)).toEqual(["E_OUTBOX_WRITE_FAILED"]);
    disk.mockRestore();
    const again = await open({ folder: opened.folder });
    await arrives(again);
    expect(cursorsOf(again.batches)).toEqual([[0]]);
  });
});

it("drops a deleted thread when the disk takes that, and says once each what happened", async () => {
  const write: (this: OutboxStore, changes: readonly StoreChange[]) => Promise<void> = Reflect.get(OutboxStore.prototype, "write");
  let isFull = true;
  const spied = vi.spyOn(OutboxStore.prototype, "write").mockImplementation(async function (this: OutboxStore, changes) {
    if (isFull && changes.some(({ type }) => type === "remove")) throw new Error("ENOSPC");
    return write.call(this, changes);
  });
  onTestFinished(() => spied.mockRestore());
  const opened = await open({ deliver: async ({ threadId }) => (threadId === "t" ? { type: "deleted", message: "gone" } : ACKNOWLEDGED) });
  opened.outbox.append(delta(0, { kind: "turn/completed" }));
  await vi.waitFor(() => expect(opened.batches.length).toBeGreaterThan(1));
  isFull = false;
  await arrives(opened);
  expect(opened.errors.map(({ code }) => code)).toEqual(["E_OUTBOX_WRITE_FAILED", "E_THREAD_DELETED"]);
});

describe("the folder", () => {
  it("is nobody's where it could not be opened for a full disk", async () => {
    const opened = await open({ clock: LONG_AGO, deliver: () => new Promise(() => undefined) });
    opened.outbox.append({ ...delta(0), createdAt: 0 });
    expect(await opened.outbox.flush(1)).toBe(1);
    await opened.outbox.close();
    const writes = vi.spyOn(OutboxStore.prototype, "write").mockRejectedValue(new Error("ENOSPC"));
    await expect(open({ folder: opened.folder })).rejects.toMatchObject({ code: "E_OUTBOX_UNREADABLE", message: expect.stringContaining("ENOSPC") as unknown });
    writes.mockRestore();
    const puts = vi.spyOn(ClassicLevel.prototype, "put").mockRejectedValue(new Error("ENOSPC"));
    await expect(open({ folder: opened.folder })).rejects.toMatchObject({ code: "E_OUTBOX_UNREADABLE", message: expect.stringContaining("ENOSPC") as unknown });
    puts.mockRestore();
    await open({ folder: opened.folder });
  });

  it("is its user's alone", async () => {
    const { folder } = await open();
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });

  it("is one process's at a time", async () => {
    const { folder } = await open();
    await expect(open({ folder })).rejects.toMatchObject({ name: "OutboxError", code: "E_OUTBOX_LOCKED" });
  });

  it("that cannot be one is said to be none", async () => {
    const file = path.join(await folder(), "file");
    await writeFile(file, "");
    await expect(open({ folder: file })).rejects.toMatchObject({ name: "OutboxError", code: "E_OUTBOX_UNREADABLE" });
  });

  it("takes nothing any more when it is closed", async () => {
    const { outbox } = await open();
    await outbox.close();
    await outbox.close();
    expect(() => outbox.append(delta(0))).toThrow(expect.objectContaining({ code: "E_OUTBOX_CLOSED" }));
  });
});

describe("much", () => {
  it("waits on the disk beyond 32 MiB, and arrives in order", async () => {
    let down = true;
    const opened = await open({ deliver: async () => (down ? { type: "again", reason: "down" } : ACKNOWLEDGED) });
    const text = "x".repeat(MIB / 2);
    for (const at of range(0, 100)) opened.outbox.append(delta(at, { text }));
    await vi.waitFor(() => expect(opened.outbox.backlog()).toMatchObject([{ events: 100 }]), { timeout: FLUSH_MS });
    down = false;
    for (const at of range(100, 120)) opened.outbox.append(delta(at, { text }));
    await arrives(opened);
    const arrived = cursorsOf(opened.batches).flat();
    expect([...new Set(arrived)]).toEqual(range(0, 120));
    expect(opened.batches.flatMap(({ events }) => events).every(({ payloadJson }) => payloadJson.includes(text))).toBe(true);
  });

  it("is too much at its bound, and is not when a tenth of that is free", async () => {
    let down = true;
    const opened = await open({ bytesMax: 100_000, deliver: async () => (down ? { type: "again", reason: "down" } : ACKNOWLEDGED) });
    for (const at of range(0, 12)) opened.outbox.append(delta(at, { text: "x".repeat(10_000) }));
    expect([opened.crowds, opened.outbox.isCrowded]).toEqual([[true], true]);
    down = false;
    await arrives(opened);
    expect([opened.crowds, opened.outbox.isCrowded]).toEqual([[true, false], false]);
  });
});

describe("a connection that is back", () => {
  it("has what waits for its next try sent at once, thread by thread, until it is closed", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    let [isAway, isFollowed] = [true, false];
    let connected = (): void => undefined;
    const onConnected = (call: () => void) => {
      [connected, isFollowed] = [call, true];
      return () => void (isFollowed = false);
    };
    const opened = await open({ onConnected, deliver: async () => Promise.resolve(isAway ? { type: "again", reason: "away" } : ACKNOWLEDGED) });
    const until = async (isSo: () => boolean, ms = 0) => {
      for (let step = 0; step < 10_000 && !isSo(); step++) {
        vi.advanceTimersByTime(ms);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    for (const threadId of ["t", "s"]) opened.outbox.append(delta(0, { threadId, kind: "turn/completed" }));
    await until(() => opened.batches.length > 12, 5_000);
    isAway = false;
    connected();
    await until(() => opened.outbox.backlog().length === 0);
    expect(opened.outbox.backlog()).toEqual([]);
    expect(isFollowed).toBe(true);
    await opened.outbox.close();
    expect(isFollowed).toBe(false);
  });
});

describe("a dead letter", () => {
  const bury = async () => {
    const opened = await open({ deliver: async ({ events }) => (events.some(({ kind, eventId }) => kind === "bad" && !eventId.endsWith(":resent")) ? REFUSED : ACKNOWLEDGED) });
    for (const at of [0, 1]) opened.outbox.append(delta(at, { kind: "bad" }));
    await arrives(opened);
    return opened;
  };

  it("is sent once more as an event of its thread, and is none then", async () => {
    const opened = await bury();
    const [first, second] = await opened.outbox.letters();
    expect(await opened.outbox.resend(first!.seq)).toBe(true);
    await arrives(opened);
    const { streamId: _, ...bad } = delta(0, { kind: "bad" });
    expect(opened.batches.at(-1)!.events).toEqual([{ ...bad, eventId: `${bad.eventId}:resent`, cursorStart: 0, cursorEnd: 0, createdAt: expect.any(Number) as number }]);
    expect(await opened.outbox.letters()).toEqual([second]);
    expect(await opened.outbox.resend(first!.seq)).toBe(false);
  });

  it("waits for 14 days from then on, however old it is", async () => {
    const opened = await open({ clock: LONG_AGO, deliver: async () => Promise.resolve(REFUSED) });
    opened.outbox.append({ ...lifecycle(0), createdAt: 1 });
    await arrives(opened);
    const [letter] = await opened.outbox.letters();
    await opened.outbox.close();
    const away = await open({ deliver: () => new Promise(() => undefined), folder: opened.folder });
    expect(await away.outbox.resend(letter!.seq)).toBe(true);
    await away.outbox.close();
    const again = await open({ folder: opened.folder });
    await arrives(again);
    expect(again.batches).toMatchObject([{ events: [{ eventId: `${lifecycle(0).eventId}:resent`, createdAt: 1 }] }]);
    expect([away.errors, again.errors]).toEqual([[], []]);
  });

  it("is kept until it is forgotten", async () => {
    const opened = await bury();
    const [first, second] = await opened.outbox.letters();
    await opened.outbox.forget(first!.seq);
    await opened.outbox.close();
    const again = await open({ folder: opened.folder });
    expect(await again.outbox.letters()).toEqual([second]);
    again.outbox.append(delta(2, { kind: "turn/completed" }));
    await arrives(again);
    expect(await again.outbox.letters()).toEqual([second]);
  });
});

describe("a verdict", () => {
  const error = (code: string, recoverable = false) => [{ code: "UNKNOWN", message: `[${code}]`, recoverable, errorCode: code }];

  test.each([
    ["ok", verdictOfAnswer({ status: "ok", errors: [] }), "acknowledged"],
    ["partial, with errors", verdictOfAnswer({ status: "partial", errors: error("E_SYNC_MALFORMED_EVENT") }), "acknowledged"],
    ["a recovered session", verdictOfAnswer({ status: "session_recovered", errors: [] }), "acknowledged"],
    ["a rejection that can be mended", verdictOfAnswer({ status: "rejected", errors: error("E_SYNC_SESSION_NOT_FOUND", true) }), "again"],
    ["another session", verdictOfAnswer({ status: "rejected", errors: error("E_SYNC_SESSION_DEVICE_MISMATCH", true) }), "taken"],
    ["a deleted thread", verdictOfAnswer({ status: "rejected", errors: error("E_THREAD_DELETED") }), "deleted"],
    ["a rejection that says nothing", verdictOfAnswer({ status: "rejected", errors: [] }), "again"],
    ["any other rejection", verdictOfAnswer({ status: "rejected", errors: error("E_SYNC_OUT_OF_ORDER") }), "refused"],
    ["the network", verdictOfError(new TypeError("fetch failed")), "again"],
    ["a thread too many, until the user has room", verdictOfError({ data: { code: "E_QUOTA", retryable: false } }), "again"],
    ["the same, answered", verdictOfAnswer({ status: "rejected", errors: error("E_QUOTA") }), "again"],
    ["a token that was revoked", verdictOfError({ data: { code: "E_AUTH_DEVICE_FORBIDDEN", retryable: false } }), "again"],
    ["what is no error", verdictOfError("odd"), "again"],
    ["nothing", verdictOfError(undefined), "again"],
    ["408", verdictOfError({ status: 408 }), "again"],
    ["429", verdictOfError({ status: 429 }), "again"],
    ["500", verdictOfError({ status: 500 }), "again"],
    ["503", verdictOfError({ status: 503 }), "again"],
    ["400", verdictOfError({ status: 400 }), "refused"],
    ["413", verdictOfError({ status: 413 }), "refused"],
    ["401", verdictOfError({ status: 401 }), "again"],
    ["404, a proxy's", verdictOfError({ status: 404 }), "again"],
    ["E_INTERNAL", verdictOfError({ data: { code: "E_INTERNAL", retryable: true } }), "refused"],
    ["a code that may pass", verdictOfError({ data: { code: "E_ANY", retryable: true } }), "again"],
    ["an event at the wrong place", verdictOfError({ data: { code: "E_SYNC_OUT_OF_ORDER", retryable: false } }), "refused"],
    ["an event of another thread's turn", verdictOfError({ data: { code: "E_AUTH_TURN_FORBIDDEN", retryable: false } }), "refused"],
    ["a sign-in that failed", verdictOfError({ data: { code: "E_AUTH_SIGNED_OUT", retryable: false } }), "again"],
    ["the same, answered", verdictOfAnswer({ status: "rejected", errors: error("E_AUTH_SIGNED_OUT") }), "again"],
    ["an app's own code", verdictOfError({ data: { code: "MAINTENANCE" } }), "again"],
    ["a session that is not known", verdictOfError({ data: { code: "E_SYNC_SESSION_NOT_FOUND" } }), "again"],
    ["a deleted thread, thrown", verdictOfError({ data: { code: "E_THREAD_DELETED" } }), "deleted"],
    ["another session, thrown", verdictOfError({ data: { code: "E_SYNC_SESSION_DEVICE_MISMATCH" } }), "taken"],
    ["arguments", verdictOfError(new Error("ArgumentValidationError: Object is missing the required field")), "refused"],
  ])("of %s", (_what, verdict, type) => {
    expect(verdict.type).toBe(type);
  });
});
