/**
 * The strangers of `tests/convex/tenancy.test.ts` in what the real CLI pushes. There each case has a world of its own; here a
 * stranger tries every function in one, beside another in which there is no owner: what they do to their own rows is the same in both.
 */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { answerOf, functions, functionsWithMore, ownerWorks, PREPARED, rowsOf, SECRET, shapesOf, STRANGERS } from "../convex/strangers.js";
import { startBackend } from "../convex/bundle.js";
import { OWNER } from "../convex/build.js";

beforeEach(() => vi.useFakeTimers({ toFake: ["Date"], now: 1_800_000_000_000 }));
afterEach(() => vi.useRealTimers());

const cases = STRANGERS.flatMap(([who, stranger]) => PREPARED.map(([how, prepare]) => [`${who}, ${how}`, stranger, prepare] as const));

test.each(cases)("%s: sees and changes nothing of the owner's", async (_case, stranger, prepare) => {
  const [beside, alone] = [startBackend({}), startBackend({})];
  await beside.quickly(() => ownerWorks(beside.t));
  for (const backend of [beside, alone]) await backend.quickly(() => prepare(backend.t, stranger));
  const before = await rowsOf(beside.t, OWNER);
  for (const found of [...functions, ...functionsWithMore]) {
    const answer = await answerOf(beside.t, found, stranger);
    expect(JSON.stringify(answer), found.name).not.toContain(SECRET);
    expect(await rowsOf(beside.t, OWNER), found.name).toEqual(before);
    expect(answer, found.name).toEqual(await answerOf(alone.t, found, stranger));
    expect(await shapesOf(beside.t, stranger), found.name).toEqual(await shapesOf(alone.t, stranger));
  }
});
