import { expect, it } from "vitest";
import { Reverts } from "../../js-wrapper/runtime/reverts.js";
import type { NormalizedEvent } from "../../js-wrapper/protocol/index.js";

const event = (kind: string, turnId?: string): NormalizedEvent => ({
  ...{ eventId: `e of ${kind}`, threadId: "t", kind, payloadJson: "{}", cursorStart: 0, cursorEnd: 1, createdAt: 1 },
  ...(turnId === undefined ? {} : { turnId }),
});
const REVERTED = event("thread/reverted");

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
  return reverts.take(REVERTED);
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
  expect([await reverts.take(REVERTED), await reverts.take(REVERTED), await reverts.take(event("turn/started", "a"))]).toEqual([undefined, undefined, undefined]);
  expect(problems).toEqual([gone]);
});
