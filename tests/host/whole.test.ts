import { describe, expect, it } from "vitest";
import * as host from "../../js-wrapper/host/convex.js";
import { coded, FakeComponent } from "./fake-component.js";

const actor = { tenantId: "tenant", userId: "user", deviceId: "device" };
const inThread = { actor, threadId: "t" };
const message = { ...inThread, turnId: "u", messageId: "m" };
const paginationOpts = { numItems: 10, cursor: null };
const page = { page: [{ segmentId: "s" }], isDone: true, continueCursor: "c" };
const replay = { streams: [{ streamId: "s", state: "streaming" }], streamWindows: [], nextCheckpoints: [{ streamId: "s", cursor: 2 }], deltas: [], texts: [], snapshots: [] };
const { snapshots: _, ...live } = replay;
const EMPTY = { page: [], isDone: true, continueCursor: "", threadStatus: "missing" };
const MISSING = coded("E_AUTH_THREAD_FORBIDDEN");

describe("the reasoning for hooks", () => {
  const found = () => new FakeComponent({ "reasoning.listByThread": page, "readers.replay": replay });
  const list = (fake: FakeComponent, more: object = {}) =>
    host.listThreadReasoningForHooksForActor(fake.ctx, fake.component, { ...inThread, paginationOpts, ...more });

  it("is the page alone where no streams are asked for", async () => {
    const fake = found();
    const answer = await list(fake);
    expect(answer).toEqual({ ...page, streams: undefined });
    expect(Object.keys(answer)).toContain("streams");
    expect(fake.calls).toEqual([["reasoning.listByThread", { ...inThread, paginationOpts }]]);
    expect(host.listThreadReasoningForHooks).toBe(host.listThreadReasoningForHooksForActor);
  });

  it("has the streams that are asked for, and reads no page for the overlay", async () => {
    const listing = found();
    expect(await list(listing, { streamArgs: { kind: "list" } })).toEqual({ ...page, streams: { kind: "list", streams: replay.streams } });
    const overlay = found();
    const cursors = [{ streamId: "s", cursor: 0 }];
    const answer = await list(overlay, { paginationOpts: { numItems: 0, cursor: null }, streamArgs: { kind: "deltas", cursors } });
    expect(answer).toEqual({ page: [], isDone: false, continueCursor: "", streams: { kind: "deltas", ...live } });
    expect(overlay.calls).toEqual([["readers.replay", { ...inThread, streamCursorsById: cursors, snapshots: false, liveOnly: true }]]);
  });

  it("asks for raw thought where that is a boolean, and never against the server's own options", async () => {
    const asked = async (more: object) => {
      const fake = found();
      await list(fake, more);
      return fake.calls[0]![1];
    };
    const without = { ...inThread, paginationOpts };
    for (const includeRaw of [undefined, null, 1, "true"]) expect(await asked({ includeRaw })).toEqual(without);
    for (const runtime of [undefined, {}, { exposeRawReasoningDeltas: true }]) {
      for (const includeRaw of [true, false]) expect(await asked({ includeRaw, runtime })).toEqual({ ...without, includeRaw });
    }
    expect(await asked({ includeRaw: true, runtime: { exposeRawReasoningDeltas: false } })).toEqual({ ...without, includeRaw: false });
  });

  it("of a thread that is not there is empty, with a status, and throws every other error", async () => {
    const missing = () => new FakeComponent({ "reasoning.listByThread": MISSING, "readers.replay": MISSING });
    expect(await list(missing())).toEqual({ ...EMPTY, streams: undefined });
    expect(await list(missing(), { streamArgs: { kind: "list" } })).toEqual({ ...EMPTY, streams: { kind: "list", streams: [] } });
    const error = coded("E_CURSOR_INVALID");
    await expect(list(new FakeComponent({ "reasoning.listByThread": error }))).rejects.toBe(error);
  });
});

describe.each([
  ["messages.getText", host.getMessageTextForActor],
  ["messages.getPayload", host.getMessagePayloadForActor],
] as const)("%s", (name, get) => {
  it("passes on the message and where to go on", async () => {
    for (const cursor of [undefined, null, "", "[0]"]) {
      const fake = new FakeComponent({ [name]: { text: "x" } });
      expect(await get(fake.ctx, fake.component, { ...message, cursor })).toEqual({ text: "x" });
      expect(fake.calls).toEqual([[name, { ...message, ...(cursor === undefined ? {} : { cursor }) }]]);
    }
  });

  it("is null where there is no such thread, turn or message, and throws every other error", async () => {
    for (const answer of [null, MISSING, coded("E_AUTH_TURN_FORBIDDEN")]) {
      const fake = new FakeComponent({ [name]: answer });
      expect(await get(fake.ctx, fake.component, message)).toBeNull();
    }
    const error = coded("E_CURSOR_INVALID");
    const fake = new FakeComponent({ [name]: error });
    await expect(get(fake.ctx, fake.component, message)).rejects.toBe(error);
  });
});

describe("the quarantine", () => {
  it("is listed, and empty with a status where there is no thread", async () => {
    const fake = new FakeComponent({ "quarantine.list": page });
    expect(await host.listQuarantineForActor(fake.ctx, fake.component, { ...inThread, paginationOpts })).toEqual(page);
    expect(fake.calls).toEqual([["quarantine.list", { ...inThread, paginationOpts }]]);
    const missing = new FakeComponent({ "quarantine.list": MISSING });
    expect(await host.listQuarantineForActor(missing.ctx, missing.component, { ...inThread, paginationOpts })).toEqual(EMPTY);
  });

  it("is dropped by one or whole", async () => {
    for (const more of [{}, { eventId: "e" }, { eventId: "" }]) {
      const fake = new FakeComponent({ "quarantine.drop": { dropped: 1 } });
      expect(await host.dropQuarantineForActor(fake.ctx, fake.component, { ...inThread, ...more })).toEqual({ dropped: 1 });
      expect(fake.calls).toEqual([["quarantine.drop", { ...inThread, ...more }]]);
    }
    const missing = new FakeComponent({ "quarantine.drop": MISSING });
    await expect(host.dropQuarantineForActor(missing.ctx, missing.component, inThread)).rejects.toBe(MISSING);
  });
});

describe("the usage", () => {
  it("is the user's, and a thread's where one is named", async () => {
    for (const args of [{ actor }, inThread]) {
      const fake = new FakeComponent({ "stats.usage": { thread: null } });
      expect(await host.getUsageForActor(fake.ctx, fake.component, args)).toEqual({ thread: null });
      expect(fake.calls).toEqual([["stats.usage", args]]);
    }
  });

  it("is the user's with a status where the thread is not there", async () => {
    const fake = new FakeComponent();
    const answers = [MISSING, { thread: null }];
    fake.ctx.runQuery = async (reference: unknown, args: Record<string, unknown>) => {
      fake.calls.push([String(reference), args]);
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return answer;
    };
    expect(await host.getUsageForActor(fake.ctx, fake.component, inThread)).toEqual({ thread: null, threadStatus: "missing" });
    expect(fake.calls).toEqual([["stats.usage", inThread], ["stats.usage", { actor }]]);
  });
});
