import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Delivery, WAITING_UNITS_MAX } from "../../js-wrapper/bridge/delivery.js";
import { RETRY_FIRST_MS, RETRY_MAX_MS } from "../../js-wrapper/clock.js";
import type { NormalizedEvent } from "../../js-wrapper/protocol/index.js";

const event = (threadId: string, n: number, payloadJson = "{}"): NormalizedEvent => ({
  eventId: `${threadId}${n}`,
  threadId,
  cursorStart: n,
  cursorEnd: n + 1,
  kind: "x",
  payloadJson,
  createdAt: 0,
});

/** Takes events when the test says so. */
class Gate {
  readonly asked: string[] = [];
  readonly rejections: string[] = [];
  readonly crowds: boolean[] = [];
  readonly #answers: { take: () => void; reject: (error: Error) => void }[] = [];
  readonly delivery = new Delivery({
    handle: (event) => {
      this.asked.push(event.eventId);
      return new Promise((take, reject) => this.#answers.push({ take, reject }));
    },
    rejected: (event, thrown) => this.rejections.push(`${event.eventId}: ${(thrown as Error).message}`),
    crowded: (isCrowded) => this.crowds.push(isCrowded),
  });

  async answer(index: number, error?: Error): Promise<void> {
    if (error === undefined) this.#answers[index]!.take();
    else this.#answers[index]!.reject(error);
    await vi.advanceTimersByTimeAsync(0);
  }
}

describe("the delivery", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("hands one event after another within a thread, and lets threads overtake each other", async () => {
    const gate = new Gate();
    for (const next of [event("a", 0), event("a", 1), event("b", 0), event("a", 2)]) gate.delivery.push(next);
    expect(gate.asked).toEqual(["a0", "b0"]);
    await gate.answer(1);
    expect(gate.asked).toEqual(["a0", "b0"]);
    await gate.answer(0);
    expect(gate.asked).toEqual(["a0", "b0", "a1"]);
    gate.delivery.push(event("b", 1));
    expect(gate.asked).toEqual(["a0", "b0", "a1", "b1"]);
  });

  it("waits for no promise where there is none, and tries again what throws, with its thread behind it", async () => {
    const asked: string[] = [];
    const failures = [new Error("one"), new Error("two")];
    const handle = ({ eventId }: NormalizedEvent) => {
      asked.push(eventId);
      const failure = eventId === "a1" ? failures.shift() : undefined;
      if (failure !== undefined) throw failure;
    };
    const rejected = vi.fn();
    const delivery = new Delivery({ handle, rejected, crowded: () => undefined });
    for (const next of [event("a", 0), event("a", 1), event("a", 2), event("b", 0)]) delivery.push(next);
    expect(asked).toEqual(["a0", "a1", "b0"]);
    await vi.advanceTimersByTimeAsync(3 * RETRY_FIRST_MS);
    expect(asked).toEqual(["a0", "a1", "b0", "a1", "a1", "a2"]);
    expect(rejected).toHaveBeenCalledOnce();
    expect(await delivery.flush(0)).toBe(0);
  });

  it("hands a rejected event over again with a growing wait, tells it once, and makes its thread wait", async () => {
    const gate = new Gate();
    gate.delivery.push(event("a", 0));
    gate.delivery.push(event("a", 1));
    await gate.answer(0, new Error("one"));
    await vi.advanceTimersByTimeAsync(RETRY_FIRST_MS / 2 - 1);
    expect(gate.asked).toEqual(["a0"]);
    gate.delivery.push(event("b", 0));
    expect(gate.asked).toEqual(["a0", "b0"]);
    await vi.advanceTimersByTimeAsync(RETRY_FIRST_MS);
    expect(gate.asked).toEqual(["a0", "b0", "a0"]);
    await gate.answer(2, new Error("two"));
    await vi.advanceTimersByTimeAsync(RETRY_FIRST_MS - 1);
    expect(gate.asked).toHaveLength(3);
    await vi.advanceTimersByTimeAsync(RETRY_FIRST_MS);
    await gate.answer(3);
    expect(gate.asked).toEqual(["a0", "b0", "a0", "a0", "a1"]);
    expect(gate.rejections).toEqual(["a0: one"]);
  });

  it("waits no longer than the longest wait, however often it was rejected", async () => {
    const gate = new Gate();
    gate.delivery.push(event("a", 0));
    for (let attempt = 0; attempt < 40; attempt++) {
      await gate.answer(attempt, new Error("down"));
      await vi.advanceTimersByTimeAsync(RETRY_MAX_MS);
    }
    expect(gate.asked).toHaveLength(41);
    expect(gate.rejections).toHaveLength(1);
  });

  it("flushes: waits for what is there, and gives up what is not taken in time", async () => {
    const gate = new Gate();
    expect(await gate.delivery.flush(1_000)).toBe(0);
    gate.delivery.push(event("a", 0));
    const flushed = gate.delivery.flush(1_000);
    await gate.answer(0);
    expect(await flushed).toBe(0);

    for (const next of [event("a", 1), event("a", 2), event("b", 0)]) gate.delivery.push(next);
    await gate.answer(2, new Error("down"));
    const late = gate.delivery.flush(100);
    await vi.advanceTimersByTimeAsync(100);
    expect(await late).toBe(3);
    await gate.answer(1);
    await vi.advanceTimersByTimeAsync(RETRY_MAX_MS);
    expect(gate.asked).toEqual(["a0", "a1", "b0"]);
    gate.delivery.push(event("a", 3));
    expect(gate.asked).toEqual(["a0", "a1", "b0", "a3"]);
  });

  it("says when too much waits, and when half of it is gone", async () => {
    const gate = new Gate();
    const quarter = "x".repeat(WAITING_UNITS_MAX / 4);
    for (let n = 0; n < 4; n++) gate.delivery.push(event("a", n, quarter));
    expect(gate.crowds).toEqual([]);
    gate.delivery.push(event("a", 4, "x"));
    expect([gate.crowds, gate.delivery.isCrowded]).toEqual([[true], true]);
    await gate.answer(0);
    await gate.answer(1);
    expect(gate.crowds).toEqual([true]);
    await gate.answer(2);
    expect([gate.crowds, gate.delivery.isCrowded]).toEqual([[true, false], false]);
  });

  it("keeps its order over thousands of events of one thread", async () => {
    const asked: number[] = [];
    const delivery = new Delivery({
      handle: async (next) => void asked.push(next.cursorStart),
      rejected: () => undefined,
      crowded: () => undefined,
    });
    for (let n = 0; n < 5_000; n++) delivery.push(event("a", n));
    expect(await delivery.flush(1)).toBe(0);
    expect(asked).toEqual(Array.from({ length: 5_000 }, (_, n) => n));
  });
});
