/** A thread that the app has a name of its own for: Convex's id is another than the one by which the bridge makes its ids. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  agentMessage,
  api,
  dump,
  ingest,
  ingestOk,
  internal,
  lifecycle,
  LOCAL_THREAD,
  messagesOf,
  OWNER,
  SESSION,
  startComponent,
  startNamed,
  TURN,
  TurnStream,
  type Component,
} from "./build.js";

const DAY = 24 * 60 * 60_000;
const QUESTION = "item/tool/requestUserInput";

beforeEach(() => vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => vi.useRealTimers());

async function begin(): Promise<{ component: Component; threadId: string; turn: TurnStream }> {
  const component = startComponent();
  const threadId = await startNamed(component);
  expect(threadId).not.toBe(LOCAL_THREAD);
  return { component, threadId, turn: new TurnStream({ threadId: LOCAL_THREAD }) };
}

const idsOf = async (component: Component, threadId: string) => (await messagesOf(component, threadId)).map(({ messageId }) => messageId);
const resume = (component: Component, threadId: string, fromCursor = 0, turnId = TURN) =>
  component.query(api.sync.resumeReplay, { actor: OWNER, threadId, turnId, fromCursor, runtime: { saveStreamDeltas: true } });

describe("of a thread that has the app's own name", () => {
  test("items stand in the order in which they were begun, whichever arrived first", async () => {
    const { component, threadId, turn } = await begin();
    const [started, first, second] = [turn.started(), turn.itemStarted(agentMessage("first", "")), turn.itemStarted(agentMessage("second", ""))];
    await ingestOk(component, [started], { threadId });
    await ingest(component, [second], { threadId });
    await ingest(component, [first], { threadId });
    expect(await idsOf(component, threadId)).toEqual(["first", "second"]);
  });

  test("a lifecycle event that comes again has no effect, however old it is", async () => {
    const { component, threadId } = await begin();
    const named = (n: number, threadName: string) => lifecycle(n, "thread/name/updated", { threadName }, undefined, LOCAL_THREAD);
    for (const event of [named(0, "old"), named(1, "new")]) await ingestOk(component, [], { threadId }, [event]);
    vi.setSystemTime(Date.now() + 13 * DAY);
    await component.mutation(internal.retention.cleanupLifecycleIds, {});
    await ingestOk(component, [], { threadId }, [named(0, "old")]);
    const { threads, lifecycleMarks } = await dump(component);
    expect([threads[0]!.name, lifecycleMarks.flatMap(({ runtimes }) => runtimes)]).toEqual(["new", [{ runtimeId: `rt:${LOCAL_THREAD}`, next: 2 }]]);
  });

  test("what is told of the thread that Codex began in the place of one is not taken for old", async () => {
    const { component, threadId } = await begin();
    const named = (n: number, threadName: string, local: string) => lifecycle(n, "thread/name/updated", { threadName }, undefined, local);
    for (const n of [0, 1, 2]) await ingestOk(component, [], { threadId }, [named(n, `first ${n}`, LOCAL_THREAD)]);
    const another = LOCAL_THREAD.replace(/.$/, "f");
    expect(await component.mutation(api.threads.resolve, { actor: OWNER, externalThreadId: "shop", localThreadId: another })).toMatchObject({ threadId });
    // The same runtime counts anew for it.
    await ingestOk(component, [], { threadId }, [named(0, "second", another)]);
    expect((await dump(component)).threads[0]!.name).toBe("second");
    await ingestOk(component, [], { threadId }, [named(1, "third", another)]);
    await ingestOk(component, [], { threadId }, [named(0, "second", another)]);
    expect((await dump(component)).threads[0]!.name).toBe("third");
  });

  test("Codex's name of it stays where an app that does not know it says its own", async () => {
    const { component, threadId } = await begin();
    await component.mutation(api.threads.resolve, { actor: OWNER, externalThreadId: "shop", localThreadId: "shop" });
    await component.mutation(api.threads.create, { actor: OWNER, threadId, localThreadId: threadId });
    expect((await dump(component)).threads).toMatchObject([{ localThreadId: LOCAL_THREAD }]);
  });

  test("an event that another numbered is remembered for longer than an outbox keeps it", async () => {
    const { component, threadId } = await begin();
    const foreign = { ...lifecycle(0, "thread/name/updated", { threadName: "old" }, undefined, LOCAL_THREAD), eventId: `rt:${LOCAL_THREAD}:L0:resent` };
    await ingestOk(component, [], { threadId }, [foreign]);
    await ingestOk(component, [], { threadId }, [lifecycle(1, "thread/name/updated", { threadName: "new" }, undefined, LOCAL_THREAD)]);
    vi.setSystemTime(Date.now() + 14 * DAY);
    await component.mutation(internal.retention.cleanupLifecycleIds, {});
    await ingestOk(component, [], { threadId }, [foreign]);
    expect((await dump(component)).threads[0]!.name).toBe("new");
  });

  test("who keeps a place on a turn's stream goes on from there", async () => {
    const { component, threadId, turn } = await begin();
    await ingestOk(component, turn.whole(), { threadId });
    const read = await resume(component, threadId);
    expect(read).toMatchObject({ streamWindow: { streamId: turn.streamId, status: "ok", serverCursorStart: 0, serverCursorEnd: turn.cursor }, nextCursor: turn.cursor });
    expect(read.texts.map(({ text }) => text).join("")).toBe("Hello.");
    expect((await resume(component, threadId, turn.cursor)).streamWindow.status).toBe("ok");
  });

  test("a request that a lifecycle event asks is its runtime's", async () => {
    const { component, threadId } = await begin();
    const asked = { ...lifecycle(0, QUESTION, { questions: [] }, undefined, LOCAL_THREAD) };
    const payloadJson = JSON.stringify({ ...(JSON.parse(asked.payloadJson) as object), id: 7 });
    await ingestOk(component, [], { threadId }, [{ ...asked, payloadJson }]);
    expect((await dump(component)).serverRequests).toMatchObject([{ requestId: 7, runtimeId: "rt" }]);
  });

  test("a history is imported, in order, and leaves alone what was told", async () => {
    const { component, threadId, turn } = await begin();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("told", ""))], { threadId });
    const items = ["told", "missed"].map((id) => JSON.stringify(agentMessage(id, "of before")));
    const history = [{ turnId: TURN, turnJson: JSON.stringify({ id: TURN, status: "completed", error: null }), items }];
    const page = { actor: OWNER, sessionId: SESSION, threadId, position: { turn: 0, item: 0 }, turns: history, atEnd: true };
    for (let again = 0; again < 2; again++) {
      expect(await component.mutation(api.imports.importHistory, page)).toMatchObject({ status: "completed", quarantined: 0 });
    }
    expect((await messagesOf(component, threadId)).map(({ messageId, text }) => [messageId, text])).toEqual([
      ["told", ""],
      ["missed", "of before"],
    ]);
  });
});

describe("a stream that began before Codex's name was known", () => {
  test("is the turn's own all the same, and so is one that begins later", async () => {
    const component = startComponent();
    const { threadId } = await component.mutation(api.threads.resolve, { actor: OWNER, externalThreadId: "shop" });
    await component.mutation(api.sync.ensureSession, { actor: OWNER, sessionId: SESSION, threadId, lastEventCursor: 0 });
    const before = new TurnStream({ threadId: LOCAL_THREAD, turnId: "before" });
    const [started, first, second] = [before.started(), before.itemStarted(agentMessage("first", "")), before.itemStarted(agentMessage("second", ""))];
    await ingest(component, [started, second], { threadId });
    const told = new TurnStream({ threadId, turnId: "by Convex's name" });
    await ingestOk(component, [{ ...told.started(), payloadJson: told.started().payloadJson.replaceAll(threadId, LOCAL_THREAD) }], { threadId });
    await component.mutation(api.threads.resolve, { actor: OWNER, externalThreadId: "shop", localThreadId: LOCAL_THREAD });
    await ingest(component, [first], { threadId });
    expect(await idsOf(component, threadId)).toEqual(["first", "second"]);
    for (const { streamId, turnId } of [before, told]) expect((await resume(component, threadId, 0, turnId)).streamWindow).toMatchObject({ streamId, status: "ok" });
    expect((await resume(component, threadId, 0, "not yet")).streamWindow.streamId).toBe(`${LOCAL_THREAD}:not yet:0`);
  });
});
