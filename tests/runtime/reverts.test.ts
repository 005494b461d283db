import { expect, it } from "vitest";
import { type Left, Reverts } from "../../js-wrapper/runtime/reverts.js";
import type { NormalizedEvent } from "../../js-wrapper/protocol/index.js";

const event = (kind: string, turnId?: string): NormalizedEvent => ({
  ...{ eventId: `e of ${kind}`, threadId: "t", kind, payloadJson: "{}", cursorStart: 0, cursorEnd: 1, createdAt: 1 },
  ...(turnId === undefined ? {} : { turnId }),
});
const REVERTED = event("thread/reverted");

const batchOf = (...events: NormalizedEvent[]) => ({ threadId: "t", events });

/** What Convex is told of a batch that has arrived. */
async function told(reverts: Reverts, last: NormalizedEvent): Promise<Left | undefined> {
  let stays: Left | undefined;
  await reverts.arrived(batchOf(event("turn/completed", "a"), last), async (left) => {
    stays = left;
  });
  return stays;
}

/** Codex, whose thread has these turns when it is asked, the newest first; `since` began while it was. */
function takingBack(turns: string[], since: string[] = []) {
  let answer: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const request = async (_: string, { cursor, limit }: { cursor: string | null; limit: number }) => {
    await asked;
    const [from, to] = [Number(cursor ?? 0), Number(cursor ?? 0) + limit];
    return { data: turns.slice(from, to).map((id) => ({ id })), nextCursor: to < turns.length ? String(to) : null };
  };
  const reverts = new Reverts({ request: request as never }, () => undefined);
  reverts.saw(REVERTED);
  for (const turnId of since) reverts.saw(event("turn/started", turnId));
  answer();
  return told(reverts, REVERTED);
}

it("stays the newest turn that has not begun since, however many have, or none does", async () => {
  const since = Array.from({ length: 7 }, (_, at) => `new ${String(at)}`);
  expect(await takingBack(["b", "a"])).toEqual({ lastTurnId: "b" });
  expect(await takingBack(["new", "b", "a"], ["new"])).toEqual({ lastTurnId: "b" });
  expect(await takingBack([...since, "b", "a"], since)).toEqual({ lastTurnId: "b" });
  expect(await takingBack(since, since)).toEqual({ lastTurnId: undefined });
  expect(await takingBack([])).toEqual({ lastTurnId: undefined });
});

it("is not known where codex does not say, and is told once", async () => {
  const problems: unknown[] = [];
  const gone = new Error("gone");
  const reverts = new Reverts({ request: () => Promise.reject(gone) }, (thrown) => void problems.push(thrown));
  reverts.saw(REVERTED);
  expect([await told(reverts, REVERTED), await told(reverts, REVERTED), await told(reverts, event("turn/started", "a"))]).toEqual([undefined, undefined, undefined]);
  expect(problems).toEqual([gone]);
});

it("is told once however often its batch arrives, is due until that was done, and not where a turn that began since has arrived", async () => {
  const reverts = new Reverts({ request: (async () => ({ data: [{ id: "a" }], nextCursor: null })) as never }, () => undefined);
  reverts.saw(REVERTED);
  reverts.saw(event("turn/started", "b"));
  const tries: (() => boolean)[] = [];
  let done: () => void = () => undefined;
  const tell = (_: Left, isDue: () => boolean) => {
    tries.push(isDue);
    return new Promise<void>((resolve) => {
      done = resolve;
    });
  };
  const arrivals = [reverts.arrived(batchOf(REVERTED), tell), reverts.arrived(batchOf(REVERTED), tell)];
  await new Promise((resolve) => setImmediate(resolve));
  expect(tries.map((isDue) => isDue())).toEqual([true]);
  await reverts.arrived(batchOf(event("turn/completed", "a")), tell);
  await reverts.arrived({ threadId: "another", events: [event("turn/started", "b")] }, tell);
  expect(tries[0]!()).toBe(true);
  await reverts.arrived(batchOf(event("turn/started", "b")), tell);
  expect(tries[0]!()).toBe(false);
  done();
  await Promise.all(arrivals);
  await reverts.arrived(batchOf(REVERTED), tell);
  expect(tries).toHaveLength(1);
});
