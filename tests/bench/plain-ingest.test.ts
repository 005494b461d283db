/** What the benchmark holds the core against has its rules: it plans what the core plans, for whatever steady batch. */
import { expect, test } from "vitest";
import type { IngestCall, LoadedRows, Range, StreamEvent } from "../../js-wrapper/core/boundary.js";
import { planIngest } from "../../js-wrapper/core/ingest.js";
import { seededRandom } from "../../tools/embedded-convex/random.mjs";
import { EVENTS_BEFORE, eventOf, ITEM_ID, steadyCall, STREAM_ID, textEvents } from "../core/steady-call.mjs";
import { NotCovered, planPlainly } from "./plain-ingest.mjs";

const NONE: Omit<LoadedRows, "places"> = { turns: [], messages: [], streams: [], nextOrders: [], lifecycleIds: [], usagePlace: 0, folds: [], quarantine: [], requests: [], deletedTurns: [] };
const CASES = 1_000;
/** What was accepted before, less the holes, is loaded as it was. */
const BEFORE = textEvents(EVENTS_BEFORE - 40, 40);
const TEXTS = ["a", "", "é", "😀", " words", '"\\\n', "x".repeat(3_000)];

function bothPlan(call: IngestCall, holes: readonly Range[] = []) {
  const accepted = BEFORE.filter(({ cursorStart }) => !holes.some(({ start, end }) => start <= cursorStart && cursorStart < end));
  const places = accepted.map(({ eventId, cursorStart: start, cursorEnd: end }) => ({ streamId: STREAM_ID, eventId, range: { start, end } }));
  const plain = planPlainly(call, new Map(accepted.map(({ eventId, cursorStart, cursorEnd }) => [cursorStart, { eventId, cursorEnd }])));
  return { plain, core: planIngest({ ...call, loaded: { ...NONE, places } }) };
}

test.each([1, 20, 100, 1_000, 4_096])("a steady batch of %d", (count) => {
  const { plain, core } = bothPlan(steadyCall(count));
  expect(core.type).toBe("plan");
  expect(plain).toEqual(core);
});

test("whatever order, holes, repeats and faults a batch has", () => {
  const outcomes = new Map<string, number>();
  const random = seededRandom(7);
  const below = (bound: number) => Math.floor(random() * bound);
  for (let at = 0; at < CASES; at++) {
    const holes = below(2) === 0 ? [] : [{ start: EVENTS_BEFORE - 20, end: EVENTS_BEFORE - 10 - below(8) }];
    const call = steadyCall(1);
    const first = EVENTS_BEFORE - below(30) + below(20);
    let deltas: StreamEvent[] = Array.from({ length: 1 + below(12) }, (_, next) => eventOf(first + next, "item/agentMessage/delta", { itemId: ITEM_ID, delta: TEXTS[below(TEXTS.length)] }));
    deltas = deltas.filter(() => below(6) > 0);
    if (below(3) === 0) deltas = [...deltas, ...deltas.slice(0, below(3))].sort(() => random() - 0.5);
    const any = deltas[below(deltas.length)];
    if (any !== undefined && below(4) === 0) Object.assign(any, spoiled(below(7), any));
    const { plain, core } = covered(() => bothPlan({ ...call, heads: [{ ...call.heads[0]!, holes }], deltas }, holes));
    expect(plain, JSON.stringify({ holes, deltas })).toEqual(core);
    const outcome = plain === undefined ? "not covered" : plain.type === "plan" ? `plan of ${String(plain.plan.writes.length)}` : plain.fault.errorCode;
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  const refusals = ["E_SYNC_EMPTY_BATCH", "E_SYNC_BATCH_TOO_LARGE", "E_SYNC_INVALID_CURSOR_RANGE", "E_SYNC_DUP_EVENT_IN_BATCH", "E_SYNC_OUT_OF_ORDER", "E_SYNC_STREAM_FORBIDDEN"];
  expect([...outcomes.keys()]).toEqual(expect.arrayContaining(["plan of 0", "plan of 2", "plan of 3", ...refusals]));
  expect(outcomes.get("not covered") ?? 0).toBeLessThan(CASES / 10);
});

function spoiled(how: number, { cursorStart, cursorEnd }: StreamEvent): Partial<StreamEvent> {
  const ways: Partial<StreamEvent>[] = [
    { cursorEnd: cursorStart },
    { cursorStart: cursorStart + 0.5 },
    { cursorEnd: cursorEnd + 1 },
    { turnId: "another" },
    { eventId: `of ${String(cursorStart)}` },
    { eventId: eventOf(EVENTS_BEFORE, "", {}).eventId },
    { eventId: "e".repeat(1_025) },
  ];
  return ways[how]!;
}

type Both = { [Key in keyof ReturnType<typeof bothPlan>]: ReturnType<typeof bothPlan>[Key] | undefined };

function covered(plan: () => Both): Both {
  try {
    return plan();
  } catch (error) {
    if (error instanceof NotCovered) return { plain: undefined, core: undefined };
    throw error;
  }
}
