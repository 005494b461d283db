/** Batches within every bound of their own that name more of what is there than one call may read: refused with a code, their halves taken. */
import { describe, expect, test } from "vitest";
import type { WithoutSystemFields } from "convex/server";
import type { Doc } from "../../convex/_generated/dataModel.js";
import { Room } from "../../convex/model/room.js";
import { agentMessage, api, batch, dump, ingest, ingestOk, OWNER, refusal, startThread, STREAM, THREAD, TURN, TurnStream, type Component, type StreamEvent } from "./build.js";

const KiB = 1024;
/** As long as a row holds it. */
const LONG = "l".repeat(2 * KiB);
const COMMAND = "item/commandExecution/requestApproval";
const TOO_LARGE = { status: "rejected", errors: [{ code: "UNKNOWN", errorCode: "E_SYNC_BATCH_TOO_LARGE", recoverable: false }] };
const HERE = { tenantId: OWNER.tenantId, userId: OWNER.userId, threadId: THREAD };

/** Sends events as a bridge does: what is refused, in halves; answers how many batches were taken. */
async function sendInHalves(component: Component, events: StreamEvent[]): Promise<number> {
  const answer = await ingest(component, events);
  if (answer.status === "ok") return 1;
  expect(answer).toMatchObject(TOO_LARGE);
  expect(events.length).toBeGreaterThan(1);
  const half = events.length >> 1;
  return (await sendInHalves(component, events.slice(0, half))) + (await sendInHalves(component, events.slice(half)));
}

type Ctx = Parameters<Parameters<Component["run"]>[0]>[0];

/** Puts rows into their table, some in each call. */
async function fill<Row>(component: Component, rows: Row[], atOnce: number, insert: (ctx: Ctx, row: Row) => Promise<unknown>) {
  for (let at = 0; at < rows.length; at += atOnce) {
    await component.run(async (ctx) => {
      for (const row of rows.slice(at, at + atOnce)) await insert(ctx, row);
    });
  }
}

/** It is refused in both forms, and nothing of it is written. */
async function isRefused(component: Component, events: StreamEvent[], options: Parameters<typeof ingest>[2] = {}) {
  const written = () =>
    component.run(async ({ db }) => ({
      heads: await db.query("streamHeads").collect(),
      sessions: await db.query("sessions").collect(),
      turns: await db.query("turns").collect(),
      newest: [await db.query("serverRequests").order("desc").first(), await db.query("messages").order("desc").first(), await db.query("chunks").order("desc").first()],
    }));
  const before = await written();
  expect(await ingest(component, events, options)).toMatchObject(TOO_LARGE);
  expect(await refusal(component.mutation(api.sync.ingest, batch(events, [], options)))).toMatchObject({ code: "E_SYNC_BATCH_TOO_LARGE" });
  expect(await written()).toEqual(before);
}

describe("a batch", () => {
  test("of requests whose ids every process of the app-server used before", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started()]);
    const asked = (requestId: number, generation: number): WithoutSystemFields<Doc<"serverRequests">> => ({
      ...{ ...HERE, turnId: TURN, itemId: "call", requestId, runtimeId: "another", generation, method: COMMAND, status: "answered", waiting: "none" },
      ...{ payloadJson: LONG, questionsJson: LONG, responseJson: LONG, decisionJson: LONG, reason: LONG + LONG, parted: [], createdAt: 1, updatedAt: 1 },
    });
    const ids = Array.from({ length: 180 }, (_, id) => id);
    await fill(component, ids.flatMap((id) => Array.from({ length: 8 }, (_, at) => asked(id, at))), 500, (ctx, row) => ctx.db.insert("serverRequests", row));
    const events = ids.map((id) => turn.raw(COMMAND, JSON.stringify({ method: COMMAND, id, params: { threadId: THREAD, turnId: TURN, itemId: `call_${String(id)}` } })));
    await isRefused(component, events);
    expect(await sendInHalves(component, events)).toBe(4);
    const pending = await component.run((ctx) => ctx.db.query("serverRequests").withIndex("by_status", (q) => q.eq("tenantId", OWNER.tenantId).eq("userId", OWNER.userId).eq("status", "pending")).collect());
    expect(pending.map(({ requestId }) => requestId).sort((one, other) => Number(one) - Number(other))).toEqual(ids);
  });

  test("of events at places where large ones are", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started()]);
    const chunk = (at: number): WithoutSystemFields<Doc<"chunks">> => ({
      ...{ ...HERE, streamId: STREAM, turnId: TURN, cursorStart: at, cursorEnd: at + 1, eventIds: [`e${String(at)}`], eventEnds: [at + 1], runs: [] },
      ...{ kept: [{ cursorStart: at, cursorEnd: at + 1, kind: "error", payloadJson: "p".repeat(200 * KiB) }], weight: 200 * KiB, itemIds: [], expiresAt: Number.MAX_SAFE_INTEGER },
    });
    const places = Array.from({ length: 100 }, (_, at) => at + 1);
    await fill(component, places.map(chunk), 20, (ctx, row) => ctx.db.insert("chunks", row));
    await component.run(async (ctx) => ctx.db.patch("streamHeads", (await ctx.db.query("streamHeads").first())!._id, { latest: 101 }));
    const first = turn.event("nobody/knows", {});
    const again = places.map((at) => ({ ...first, eventId: `e${String(at)}`, cursorStart: at, cursorEnd: at + 1 }));
    await isRefused(component, again);
    expect(await sendInHalves(component, again)).toBe(2);
  });

  test("of the ends of turns with hundreds of messages each, whose ids are long", async () => {
    const component = await startThread();
    const turns = Array.from({ length: 8 }, (_, at) => new TurnStream({ turnId: `turn_${String(at)}` }));
    await ingestOk(component, turns.map((turn) => turn.started()));
    await fill(component, turns.flatMap((turn) => Array.from({ length: 450 }, (_, at) => message(turn, at))), 500, (ctx, row) => ctx.db.insert("messages", row));
    const ends = turns.map((turn) => turn.completed());
    await isRefused(component, ends);
    expect(await sendInHalves(component, ends)).toBe(2);
    const { turns: rows, messages } = await dump(component);
    expect(new Set([...rows, ...messages].map(({ status }) => status))).toEqual(new Set(["completed"]));
  });
});

describe("a batch of MiBs", () => {
  const MiB = 1024 * KiB;
  const runtime = { saveStreamDeltas: true };
  const begin = async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", ""))]);
    return { component, turn };
  };
  /** A message's text of so many bytes, in so many deltas. */
  const textOf = (turn: TurnStream, bytes: number, count: number, unit = "o") => {
    const length = Math.floor((bytes / count - 300) / Buffer.byteLength(unit));
    return Array.from({ length: count }, () => turn.text("m", unit.repeat(length)));
  };
  const outputs = (turn: TurnStream, bytes: number) =>
    Array.from({ length: 40 }, (_, at) => {
      const aggregatedOutput = "o".repeat(bytes / 40 - 400);
      return turn.itemCompleted({ type: "commandExecution", id: `c${String(at)}`, command: "ls", cwd: "/", status: "completed", aggregatedOutput });
    });

  // Each is a text and a payload: more than may be written, of three bytes a unit too, or than may be read when it is sent again.
  test.each([
    [7.9, 4_000, "o"],
    [7.9, 400, "\u6f22"],
    [7.9, 40, "o"],
    [6.5, 4_000, "o"],
    [6.5, 400, "\u6f22"],
  ])("of %d, deltas that are kept, is refused, and its halves are taken, twice (%d, %s)", async (mib, count, unit) => {
    const { component, turn } = await begin();
    const events = textOf(turn, mib * MiB, count, unit);
    await isRefused(component, events, { runtime });
    const halves = [events.slice(0, count / 2), events.slice(count / 2)];
    for (const half of [...halves, ...halves]) await ingestOk(component, half, { runtime });
    expect(await component.run(async (ctx) => (await ctx.db.query("streamHeads").first())?.latest)).toBe(count + 2);
  });

  test.each([
    [5, 4_000, true],
    [4.8, 40, true],
    [7.9, 4_000, false],
  ])("of %d is taken, and again (%d deltas; kept: %s)", async (mib, count, saveStreamDeltas) => {
    const { component, turn } = await begin();
    const events = textOf(turn, mib * MiB, count);
    for (const _time of [1, 2]) await ingestOk(component, events, { runtime: { saveStreamDeltas } });
  });

  /** Live output of two commands that speak by turns: what each says at once is short. */
  const outputsOf = (turn: TurnStream, bytes: number, count: number) =>
    Array.from({ length: count }, (_, at) => turn.event("item/commandExecution/outputDelta", { itemId: at % 2 === 0 ? "c" : "d", delta: "o".repeat(bytes / count) }));

  test.each([
    [6.2, 40],
    [4.6, 4_000],
  ])("of %d of live output is taken, and again (%d deltas)", async (mib, count) => {
    const { component, turn } = await begin();
    const events = outputsOf(turn, mib * MiB, count);
    for (const _time of [1, 2]) await ingestOk(component, events, { runtime });
  });

  test("of 6.2 of live output that could not be read again is refused: it lies in rows, not in parts", async () => {
    const { component, turn } = await begin();
    await isRefused(component, outputsOf(turn, 6.2 * MiB, 4_000), { runtime });
  });

  test("of outputs, each in its message and for replay, is refused above 7.5", async () => {
    const { component, turn } = await begin();
    const events = outputs(turn, 7.9 * MiB);
    await isRefused(component, events);
    expect(await sendInHalves(component, events)).toBe(2);
    const fits = outputs(turn, 7.4 * MiB);
    for (const _time of [1, 2]) await ingestOk(component, fits);
  });
});

test("an event that names as much is taken by itself: it could not be sent in halves", async () => {
  const component = await startThread();
  const turn = new TurnStream({ turnId: "t".repeat(1_000) });
  await ingestOk(component, [turn.started()]);
  const rows = Array.from({ length: 1_400 }, (_, at) => ({ ...message(turn, at), closing: at < 1_000 ? ("open" as const) : ("turn" as const) }));
  await fill(component, rows, 500, (ctx, row) => ctx.db.insert("messages", row));
  const [end, usage] = [turn.completed(), turn.event("nobody/knows", {})];
  await isRefused(component, [end, usage]);
  expect(await sendInHalves(component, [end, usage])).toBe(2);
});

test("rows are counted, however small", () => {
  const fullAfter = (rows: number): boolean => {
    const room = new Room(true);
    for (let at = 0; at < rows; at++) room.take({}, 1);
    return room.isFull;
  };
  expect([fullAfter(12_000), fullAfter(12_001)]).toEqual([false, true]);
});

function message({ turnId, streamId }: TurnStream, at: number): WithoutSystemFields<Doc<"messages">> {
  const itemId = String(at).padStart(1_000, "m");
  return {
    ...{ ...HERE, turnId, streamId, turnOrder: 0, itemId, messageId: itemId, occurrence: 1, orderInTurn: at },
    ...{ role: "assistant", status: "streaming", closing: "open", sourceItemType: "agentMessage", startCursor: at, textWhole: false },
    ...{ textBytes: 0, payloadUnits: 0, createdAt: 1, updatedAt: 1 },
  };
}
