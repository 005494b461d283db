import { validate } from "convex-helpers/validators";
import { v } from "convex/values";
import { describe, expect, it } from "vitest";
import {
  ingestBatchMixed,
  ingestBatchSafe,
  ingestBatchStreamOnly,
  ingestEventMixed,
  ingestEventStreamOnly,
  vHostInboundEvent,
  vHostLifecycleInboundEvent,
  vHostStreamInboundEvent,
} from "../../js-wrapper/host/convex.js";
import type { NormalizedEvent } from "../../js-wrapper/protocol/index.js";
import { FakeComponent } from "./fake-component.js";

const actor = { tenantId: "tenant", userId: "user", deviceId: "device" };
const target = { actor, sessionId: "session", threadId: "t" };
const both = { eventId: "e", kind: "item/started", payloadJson: "{}", createdAt: 5 };
const cursors = { cursorStart: 0, cursorEnd: 1 };
const ofTurn: NormalizedEvent = { ...both, ...cursors, threadId: "t", turnId: "u", streamId: "t:u:0" };
const ofThread: NormalizedEvent = { ...both, ...cursors, threadId: "t" };
const ofOtherProcess: NormalizedEvent = { ...both, ...cursors, threadId: "t", turnId: "u" };
const delta = { ...both, ...cursors, type: "stream_delta", turnId: "u", streamId: "t:u:0" };
const lifecycle = { ...both, type: "lifecycle_event" };

async function sent(call: (fake: FakeComponent) => Promise<unknown>): Promise<Record<string, unknown>> {
  const fake = new FakeComponent();
  await call(fake);
  expect(fake.calls.map(([name]) => name)).toEqual(["sync.ingestSafe"]);
  return fake.calls[0]![1];
}

const sentMixed = (deltas: Parameters<typeof ingestBatchMixed>[2]["deltas"]) =>
  sent(({ ctx, component }) => ingestBatchMixed(ctx, component, { ...target, deltas }));

describe("ingestBatchMixed", () => {
  it("takes what the bridge emits, splits it, and strips what the component does not know", async () => {
    expect(await sentMixed([ofThread, ofTurn, ofOtherProcess])).toEqual({
      ...target,
      streamDeltas: [delta],
      lifecycleEvents: [lifecycle, { ...lifecycle, turnId: "u" }],
    });
  });

  it("goes by the type where there is one", async () => {
    const args = await sentMixed([
      { ...ofTurn, type: "lifecycle_event" },
      { ...both, ...cursors, type: "stream_delta", turnId: "u", streamId: "t:u:0" },
      { ...both, type: "lifecycle_event" },
    ]);
    expect(args).toMatchObject({ streamDeltas: [delta], lifecycleEvents: [{ ...lifecycle, turnId: "u" }, lifecycle] });
  });

  it("makes no stream's event of one that lacks its turn, its stream or a cursor", async () => {
    const args = await sentMixed([{ ...ofThread, streamId: "t:u:0" }, ofOtherProcess]);
    expect(args).toMatchObject({ streamDeltas: [], lifecycleEvents: [lifecycle, { ...lifecycle, turnId: "u" }] });
    const withoutCursors = { ...both, turnId: "u", streamId: "t:u:0" };
    const events = [withoutCursors, { ...withoutCursors, cursorStart: 0 }, { ...withoutCursors, cursorEnd: 1 }];
    const inTurn = { ...lifecycle, turnId: "u" };
    expect(await sentMixed(events)).toMatchObject({ streamDeltas: [], lifecycleEvents: [inTurn, inTurn, inTurn] });
  });

  it("keeps the order within each kind, and cursors of 0", async () => {
    const events = [3, 1, 2].flatMap((n) => [
      { ...ofTurn, eventId: `s${n}`, cursorStart: 0 },
      { ...ofThread, eventId: `l${n}` },
    ]);
    const args = (await sentMixed(events)) as Record<string, { eventId: string; cursorStart?: number }[]>;
    expect(args["streamDeltas"]!.map(({ eventId, cursorStart }) => [eventId, cursorStart])).toEqual([["s3", 0], ["s1", 0], ["s2", 0]]);
    expect(args["lifecycleEvents"]!.map(({ eventId }) => eventId)).toEqual(["l3", "l1", "l2"]);
  });

  it("refuses an event of another thread, whatever it is", async () => {
    for (const event of [{ ...ofTurn, threadId: "other" }, { ...ofThread, threadId: "" }]) {
      const fake = new FakeComponent();
      const call = ingestBatchMixed(fake.ctx, fake.component, { ...target, deltas: [ofTurn, event] });
      await expect(call).rejects.toMatchObject({
        data: {
          code: "E_SYNC_THREAD_MISMATCH",
          message: `[E_SYNC_THREAD_MISMATCH] event \`e\` names thread \`${event.threadId}\` in a batch of thread \`t\``,
          retryable: false,
          eventId: "e",
        },
      });
      expect(fake.calls).toEqual([]);
    }
  });

  it("passes the runtime options on, and only where they are given", async () => {
    const runtime = { saveStreamDeltas: true };
    expect(await sent(({ ctx, component }) => ingestBatchMixed(ctx, component, { ...target, deltas: [ofTurn], runtime }))).toHaveProperty("runtime", runtime);
    expect(await sent(({ ctx, component }) => ingestBatchMixed(ctx, component, { ...target, deltas: [ofTurn], runtime: undefined }))).not.toHaveProperty("runtime");
  });
});

describe("the other ingest helpers", () => {
  it("refuse an empty batch, but for ingestBatchSafe", async () => {
    const fake = new FakeComponent();
    for (const ingest of [ingestBatchMixed, ingestBatchStreamOnly]) {
      const call = ingest(fake.ctx, fake.component, { ...target, deltas: [] });
      await expect(call).rejects.toThrow("ingestBatch requires at least one delta");
      await expect(call).rejects.toMatchObject({ data: { code: "E_SYNC_EMPTY_BATCH", retryable: false } });
    }
    expect(fake.calls).toEqual([]);
    expect(await sent(({ ctx, component }) => ingestBatchSafe(ctx, component, { ...target, deltas: [] }))).toEqual({
      ...target,
      streamDeltas: [],
      lifecycleEvents: [],
    });
  });

  it("send one event, or events without a type", async () => {
    const untyped = { ...both, ...cursors, turnId: "u", streamId: "t:u:0" };
    expect(await sent(({ ctx, component }) => ingestEventMixed(ctx, component, { ...target, event: ofThread }))).toEqual({
      ...target,
      streamDeltas: [],
      lifecycleEvents: [lifecycle],
    });
    const streamOnly = { ...target, streamDeltas: [delta], lifecycleEvents: [] };
    expect(await sent(({ ctx, component }) => ingestEventStreamOnly(ctx, component, { ...target, event: untyped }))).toEqual(streamOnly);
    expect(await sent(({ ctx, component }) => ingestBatchStreamOnly(ctx, component, { ...target, deltas: [untyped] }))).toEqual(streamOnly);
  });
});

describe("the validators of events", () => {
  const ofBatch = v.union(vHostStreamInboundEvent, vHostLifecycleInboundEvent);

  it("accept every event of the bridge, and every typed one", () => {
    for (const event of [ofTurn, ofThread, ofOtherProcess, delta, lifecycle]) expect(validate(ofBatch, event)).toBe(true);
    expect(validate(vHostInboundEvent, { ...both, ...cursors, turnId: "u", streamId: "s" })).toBe(true);
  });

  it("refuse a stream's event that says it is one and is not", () => {
    for (const event of [{ ...lifecycle, type: "stream_delta" }, { ...delta, type: "other" }, { ...lifecycle, extra: 1 }]) {
      expect(validate(ofBatch, event)).toBe(false);
    }
  });
});
