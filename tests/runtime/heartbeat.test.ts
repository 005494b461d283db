/** When the runtime beats, and what it says. */
import { expect, it } from "vitest";
import { BEAT_EVERY_MS, BEAT_GAP_MS, Heartbeat, type HeartbeatOptions, type Present } from "../../js-wrapper/runtime/heartbeat.js";
import type { Beat } from "../../js-wrapper/runtime/persistence.js";
import { ManualClock, settle } from "./manual-clock.js";

/** A heartbeat whose beats are answered when the test says so. */
function begin(options: Partial<HeartbeatOptions> = {}, present: Present = { phase: "ready", threads: [] }) {
  const clock = new ManualClock();
  const began = clock.now();
  const beats: { at: number; said: Beat }[] = [];
  const open: { answer: (commandsWaiting?: number) => void; fail: (error: Error) => void }[] = [];
  const told: unknown[] = [];
  const persistence: HeartbeatOptions["persistence"] = {
    beat: (said) => {
      beats.push({ at: clock.now() - began, said });
      return new Promise((resolve, reject) => open.push({ answer: (commandsWaiting = 0) => resolve({ now: 1, commandsWaiting }), fail: reject }));
    },
  };
  const listeners = { onAnswer: (answer: unknown) => told.push(answer), onError: (thrown: unknown) => told.push(thrown) };
  const heartbeat = new Heartbeat({ runtimeId: "rt", generation: 1, clock, persistence, tell: () => present, ...listeners, ...options });
  const answer = async (commandsWaiting?: number) => {
    open.pop()!.answer(commandsWaiting);
    await settle();
  };
  const fail = async () => {
    open.pop()!.fail(new Error("away"));
    await settle();
  };
  const times = () => beats.map(({ at }) => at);
  return { clock, heartbeat, beats, times, told, answer, fail };
}

it("beats at once, every 15 s from beat to beat, and says what the runtime tells", async () => {
  const present: Present = { phase: "running", login: "in", threads: [{ threadId: "t", turnId: "u", pendingRequests: 1, outboxEvents: 2, oldestEventAt: 3 }] };
  const { clock, heartbeat, beats, times, told, answer } = begin({}, present);
  heartbeat.start();
  heartbeat.start();
  expect(beats).toEqual([{ at: 0, said: { runtimeId: "rt", generation: 1, ...present } }]);
  await clock.pass(4_000);
  await answer(7);
  expect(told).toEqual([{ now: 1, commandsWaiting: 7 }]);
  await clock.pass(BEAT_EVERY_MS - 4_001);
  expect(times()).toEqual([0]);
  await clock.pass(1);
  expect(times()).toEqual([0, BEAT_EVERY_MS]);
});

it("beats at once when something changed, but not twice in a second, and never twice at once", async () => {
  const { clock, heartbeat, times, answer } = begin();
  heartbeat.changed();
  expect(times()).toEqual([]);
  heartbeat.start();
  heartbeat.changed();
  await clock.pass(3 * BEAT_EVERY_MS);
  expect(times()).toEqual([0]);
  await answer();
  expect(times()).toEqual([0, 3 * BEAT_EVERY_MS]);
  await answer();
  for (let time = 0; time < 5; time++) heartbeat.changed();
  await clock.pass(BEAT_GAP_MS - 1);
  expect(times()).toHaveLength(2);
  await clock.pass(1);
  expect(times()).toEqual([0, 3 * BEAT_EVERY_MS, 3 * BEAT_EVERY_MS + BEAT_GAP_MS]);
  await answer();
  await clock.pass(5_000);
  heartbeat.changed();
  expect(times().at(-1)).toBe(3 * BEAT_EVERY_MS + BEAT_GAP_MS + 5_000);
  await answer();
  // What is due next is counted from there.
  await clock.pass(BEAT_EVERY_MS - 1);
  expect(times()).toHaveLength(4);
  await clock.pass(1);
  expect(times()).toHaveLength(5);
});

it.each([
  ["back", -79_000_000],
  ["forward", 79_000_000],
])("beats on where the machine's clock is set %s, whether something changes or not", async (_where, stepMs) => {
  const { clock, heartbeat, beats, answer } = begin();
  heartbeat.start();
  await answer();
  clock.step(stepMs);
  heartbeat.changed();
  await clock.pass(BEAT_GAP_MS);
  expect(beats).toHaveLength(2);
  // While a beat is on its way.
  clock.step(stepMs);
  await answer();
  await clock.pass(BEAT_EVERY_MS);
  expect(beats).toHaveLength(3);
});

it("goes on after a beat that failed, after a listener that throws, and after a runtime that cannot tell", async () => {
  const { clock, heartbeat, times, told, fail } = begin();
  heartbeat.start();
  await fail();
  expect(told).toEqual([new Error("away")]);
  await clock.pass(BEAT_EVERY_MS);
  expect(times()).toEqual([0, BEAT_EVERY_MS]);

  const throws = () => {
    throw new Error("listener");
  };
  const second = begin({ onAnswer: throws, onError: throws });
  second.heartbeat.start();
  await second.answer();
  await second.clock.pass(BEAT_EVERY_MS);
  await second.fail();
  await second.clock.pass(BEAT_EVERY_MS);
  expect(second.times()).toEqual([0, BEAT_EVERY_MS, 2 * BEAT_EVERY_MS]);

  const mute = begin({ tell: throws });
  mute.heartbeat.start();
  await mute.clock.pass(BEAT_EVERY_MS);
  expect([mute.times(), mute.told]).toEqual([[], [new Error("listener"), new Error("listener")]]);
});

it("tells who waits for it when a beat that began after was answered, or that none was", async () => {
  const { clock, heartbeat, times, answer, fail } = begin();
  await expect(heartbeat.tellNow()).rejects.toThrow("stopped");
  heartbeat.start();
  const heard: string[] = [];
  const wait = (name: string) => heartbeat.tellNow().then(() => heard.push(name), () => heard.push(`no ${name}`));
  void wait("first");
  await answer();
  expect(heard).toEqual([]);
  await clock.pass(BEAT_GAP_MS);
  await answer();
  expect([heard, times()]).toEqual([["first"], [0, BEAT_GAP_MS]]);
  void wait("second");
  await clock.pass(BEAT_GAP_MS);
  await fail();
  void wait("third");
  heartbeat.stop();
  await settle();
  expect(heard).toEqual(["first", "no second", "no third"]);
});

it("stops: nothing is sent or told any more, and it can start again behind the beat that is on its way", async () => {
  const { clock, heartbeat, times, told, answer } = begin();
  heartbeat.start();
  await answer();
  told.length = 0;
  heartbeat.stop();
  await clock.pass(10 * BEAT_EVERY_MS);
  expect([times(), clock.waiting]).toEqual([[0], 0]);
  heartbeat.start();
  heartbeat.changed();
  heartbeat.stop();
  heartbeat.changed();
  await answer();
  expect([times().length, told, clock.waiting]).toEqual([2, [], 0]);
  await clock.pass(BEAT_EVERY_MS);
  heartbeat.start();
  heartbeat.stop();
  heartbeat.start();
  expect(times()).toHaveLength(3);
  await answer();
  await clock.pass(BEAT_GAP_MS);
  expect(times()).toHaveLength(4);
});

it("says of which threads no lease is to be renewed", () => {
  const threads = ["a", "b"].map((threadId) => ({ threadId, pendingRequests: 0, outboxEvents: 0 }));
  const { heartbeat, beats } = begin({ letsLapse: (threadId) => threadId === "a" }, { phase: "ready", threads });
  heartbeat.start();
  expect(beats[0]!.said.threads).toEqual([{ ...threads[0], letsLapse: true }, threads[1]]);
});

it("of more threads than a beat holds tells the busiest: at work, with a turn, asked for, behind", () => {
  const idle = Array.from({ length: 70 }, (_, at) => ({ threadId: `idle ${at}`, pendingRequests: 0, outboxEvents: 0 }));
  const busy = [
    { threadId: "behind", pendingRequests: 0, outboxEvents: 9 },
    { threadId: "asked", pendingRequests: 1, outboxEvents: 0 },
    { threadId: "turn", turnId: "u", pendingRequests: 0, outboxEvents: 0 },
    { threadId: "at work", pendingRequests: 0, outboxEvents: 0 },
  ];
  const { heartbeat, beats } = begin({ isAtWork: (threadId) => threadId === "at work" }, { phase: "ready", threads: [...idle, ...busy] });
  heartbeat.start();
  const names = beats[0]!.said.threads.map(({ threadId }) => threadId);
  expect(names).toEqual(["at work", "turn", "asked", "behind", ...idle.slice(0, 60).map(({ threadId }) => threadId)]);
});
