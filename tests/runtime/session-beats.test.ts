import { describe, expect, it } from "vitest";
import { SESSION_BEAT_EVERY_MS, SessionBeats } from "../../js-wrapper/runtime/session-beats.js";
import { ManualClock } from "./manual-clock.js";

function begin(running: string[]) {
  const clock = new ManualClock();
  const log: string[] = [];
  const answers: Promise<void>[] = [];
  const beat = async (threadId: string) => {
    log.push(threadId);
    await answers.shift();
  };
  const beats = new SessionBeats({ running: () => running, beat, clock });
  beats.start();
  const after = async (ms: number) => {
    await clock.pass(ms);
    return log.splice(0);
  };
  return { beats, after, answers };
}

describe("the sessions of threads in which a turn runs", () => {
  it("are refreshed every 15 s, those of which nothing arrived", async () => {
    const running = ["t", "s"];
    const { beats, after } = begin(running);
    expect([await after(SESSION_BEAT_EVERY_MS - 1), await after(1)]).toEqual([[], ["t", "s"]]);
    beats.arrived("t");
    expect([await after(SESSION_BEAT_EVERY_MS), await after(SESSION_BEAT_EVERY_MS)]).toEqual([["s"], ["t", "s"]]);
    running.pop();
    expect(await after(SESSION_BEAT_EVERY_MS)).toEqual(["t"]);
    beats.stop();
    expect(await after(SESSION_BEAT_EVERY_MS)).toEqual([]);
  });

  it("are not refreshed again while that is on its way, and are after it failed", async () => {
    const { after, answers } = begin(["t"]);
    let fail: (thrown: Error) => void = () => undefined;
    answers.push(new Promise((_, reject) => (fail = reject)));
    expect([await after(SESSION_BEAT_EVERY_MS), await after(SESSION_BEAT_EVERY_MS)]).toEqual([["t"], []]);
    fail(new TypeError("fetch failed"));
    expect(await after(SESSION_BEAT_EVERY_MS)).toEqual(["t"]);
  });
});
