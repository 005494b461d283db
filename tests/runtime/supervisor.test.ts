import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { SYSTEM_CLOCK } from "../../js-wrapper/clock.js";
import { RESTART_FIRST_MS, RESTARTS_MAX, RESTARTS_WITHIN_MS, Supervisor } from "../../js-wrapper/runtime/supervisor.js";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function supervised(random = () => 1) {
  const starts: number[] = [];
  const beganAt = Date.now();
  let given = 0;
  const supervisor = new Supervisor({ start: () => void starts.push(Date.now() - beganAt), giveUp: () => (given += 1) }, { ...SYSTEM_CLOCK, random });
  return { supervisor, starts, givenUp: () => given };
}

it("waits longer each time, up to 30 s, and begins anew when the process answers", () => {
  const { supervisor, starts } = supervised();
  for (let at = 0; at < 8; at++) {
    expect(supervisor.ended()).toBe(true);
    vi.runAllTimers();
  }
  const waits = starts.map((at, place) => at - (starts[place - 1] ?? 0));
  expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  supervisor.isReady();
  supervisor.ended();
  vi.advanceTimersByTime(RESTART_FIRST_MS - 1);
  expect(starts).toHaveLength(8);
  vi.advanceTimersByTime(1);
  expect(starts).toHaveLength(9);
});

it("waits between half of it and all of it", () => {
  const { supervisor, starts } = supervised(() => 0);
  supervisor.ended();
  vi.runAllTimers();
  expect(starts).toEqual([RESTART_FIRST_MS / 2]);
});

it.each([
  ["", 0],
  [", though the clock is set back", -86_400_000],
  [", though the clock is set forward", 86_400_000],
])("gives up at the eleventh end in five minutes, and not at one that is later%s", (_what, stepMs) => {
  const { supervisor, starts, givenUp } = supervised();
  const end = () => {
    supervisor.isReady();
    return supervisor.ended();
  };
  const apart = Array.from({ length: RESTARTS_MAX }, () => {
    const again = end();
    vi.advanceTimersByTime(RESTART_FIRST_MS);
    return again;
  });
  expect(apart).toEqual(Array(RESTARTS_MAX).fill(true));
  vi.setSystemTime(Date.now() + stepMs);
  vi.advanceTimersByTime(RESTARTS_WITHIN_MS - RESTARTS_MAX * RESTART_FIRST_MS - 1);
  expect(end()).toBe(false);
  expect([starts.length, givenUp()]).toEqual([RESTARTS_MAX, 1]);
  vi.advanceTimersByTime(1);
  expect(end()).toBe(true);
  vi.advanceTimersByTime(RESTART_FIRST_MS);
  expect([starts.length, givenUp()]).toEqual([RESTARTS_MAX + 1, 1]);
});

it("starts nothing when it is stopped", () => {
  const { supervisor, starts } = supervised();
  supervisor.ended();
  supervisor.stop();
  vi.runAllTimers();
  expect(starts).toEqual([]);
});
