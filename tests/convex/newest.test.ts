/** What turns and threads keep the newest of: tokens, diffs, plans, goals, settings, warnings; and what readers get of it. */
import { describe, expect, test } from "vitest";
import { classifyLine } from "../../js-wrapper/core/bridge.js";
import { Numbering } from "../../js-wrapper/bridge/numbering.js";
import { agentMessage, api, dump, dumpWithoutBeats, ingest, ingestOk, lifecycle, OWNER, refusal, startComponent, startThread, THREAD, TURN, turnOf, TurnStream, type Component, type StreamEvent, type ThreadEvent } from "./build.js";

const PAGE = { cursor: null, numItems: 50 };
const DIFF_UNITS = 2 * 1024 * 1024;

const counts = (totalTokens: number, more: object = {}) => ({ totalTokens, inputTokens: 0, cachedInputTokens: 0, cacheWriteInputTokens: 0, outputTokens: 0, reasoningOutputTokens: 0, ...more });
const usage = (total: number, last: number) => ({ total: counts(total), last: counts(last), modelContextWindow: 258_400 });
const usageEvent = (turn: TurnStream, total: number, last = total) => turn.event("thread/tokenUsage/updated", { tokenUsage: usage(total, last) });
const repeated = (n: number, turnId: string, total: number) => lifecycle(n, "thread/tokenUsage/updated", { turnId, tokenUsage: usage(total, 1) }, turnId);

const turnState = (component: Component, turnId = TURN) => component.query(api.turns.get, { actor: OWNER, threadId: THREAD, turnId });
const threadState = (component: Component, threadId = THREAD) => component.query(api.threads.get, { actor: OWNER, threadId });
const usagesOf = async (component: Component, threadId = THREAD) => {
  const { page, thread } = await component.query(api.tokenUsage.listByThread, { actor: OWNER, threadId, paginationOpts: PAGE });
  return { thread: thread?.total.totalTokens, turns: Object.fromEntries(page.map((row) => [row.turnId, row.total.totalTokens])) };
};

describe("tokens used", () => {
  test("are the turn's and the thread's, the newest of a turn's many, never summed", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), usageEvent(turn, 120), usageEvent(turn, 240, 120)]);
    await ingestOk(component, [usageEvent(turn, 200, 80), turn.completed()]);
    const read = await component.query(api.tokenUsage.listByThread, { actor: OWNER, threadId: THREAD, paginationOpts: PAGE });
    expect(read).toMatchObject({ page: [{ turnId: TURN, turnOrder: 0, ...usage(200, 80) }], isDone: true, thread: usage(200, 80) });
    expect((await turnState(component)).usage).toEqual(usage(200, 80));
    expect((await threadState(component)).usage).toEqual(usage(200, 80));
  });

  test("are counted in all six kinds; what an older app-server does not count is 0", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const all = { totalTokens: 9, inputTokens: 5, cachedInputTokens: 1, cacheWriteInputTokens: 2, outputTokens: 3, reasoningOutputTokens: 4 };
    const tokenUsage = { total: { ...all, newKind: "x" }, last: { totalTokens: 7, inputTokens: -1, outputTokens: 1.5 }, modelContextWindow: null };
    await ingestOk(component, [turn.started(), turn.event("thread/tokenUsage/updated", { tokenUsage })]);
    expect((await turnState(component)).usage).toEqual({ total: all, last: counts(7) });
  });

  test("of a turn that is not known are the thread's only, until a known turn says its own", async () => {
    const component = await startThread();
    await ingestOk(component, [], {}, [repeated(0, "old", 240)]);
    expect(await usagesOf(component)).toEqual({ thread: 240, turns: {} });
    expect((await dump(component)).turns).toEqual([]);
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), usageEvent(turn, 360)], {}, [repeated(1, "old", 240)]);
    expect(await usagesOf(component)).toEqual({ thread: 360, turns: { [TURN]: 360 } });
  });

  test("that are repeated of a turn that ended change no row but the counter", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), usageEvent(turn, 120), turn.completed()]);
    const { lifecycleMarks: _, ...before } = await dumpWithoutBeats(component);
    await ingestOk(component, [], {}, [repeated(0, TURN, 90)]);
    const { lifecycleMarks: __, ...after } = await dumpWithoutBeats(component);
    expect(after).toEqual(before);
  });

  test("of an earlier turn that come late are not the thread's", async () => {
    const component = await startThread();
    const [first, second] = [new TurnStream(), new TurnStream({ turnId: "turn_2" })];
    await ingestOk(component, [first.started(), first.completed(), second.started(), usageEvent(second, 500)]);
    await ingestOk(component, [usageEvent(first, 120)]);
    expect(await usagesOf(component)).toEqual({ thread: 500, turns: { [TURN]: 120, turn_2: 500 } });
  });

  test("are listed newest turn first, page by page", async () => {
    const component = await startThread();
    for (let at = 0; at < 5; at++) {
      const turn = new TurnStream({ turnId: `turn_${at}` });
      await ingestOk(component, [turn.started(), usageEvent(turn, at), turn.completed()]);
    }
    const turns: string[] = [];
    let cursor: string | null = null;
    for (let pages = 1; pages <= 3; pages++) {
      const read: { page: { turnId: string }[]; isDone: boolean; continueCursor: string } = await component.query(api.tokenUsage.listByThread, {
        actor: OWNER,
        threadId: THREAD,
        paginationOpts: { cursor, numItems: 2 },
      });
      turns.push(...read.page.map(({ turnId }) => turnId));
      cursor = read.continueCursor;
      expect(read.isDone).toBe(pages === 3);
    }
    expect(turns).toEqual(["turn_4", "turn_3", "turn_2", "turn_1", "turn_0"]);
  });

  describe("said by a client", () => {
    const upsert = (component: Component, turnId: string, total: number, more = {}) =>
      component.mutation(api.tokenUsage.upsert, { actor: OWNER, threadId: THREAD, turnId, total: counts(total, more), last: counts(1) });

    test("follow the same rules", async () => {
      const component = await startThread();
      await upsert(component, "unknown", 50);
      expect(await usagesOf(component)).toEqual({ thread: 50, turns: {} });
      const [first, second] = [new TurnStream(), new TurnStream({ turnId: "turn_2" })];
      await ingestOk(component, [first.started(), first.completed(), second.started()]);
      await upsert(component, "turn_2", 200);
      await upsert(component, TURN, 100);
      expect(await usagesOf(component)).toEqual({ thread: 200, turns: { [TURN]: 100, turn_2: 200 } });
      expect((await dump(component)).turns).toHaveLength(2);
      const before = await dump(component);
      await upsert(component, "turn_2", 200);
      expect(await dump(component)).toEqual(before);
    });

    test.each([NaN, Infinity, -1, 0.5, 2 ** 53])("are refused where they are no count: %d", async (inputTokens) => {
      const component = await startThread();
      await ingestOk(component, [new TurnStream().started()]);
      const before = await dump(component);
      expect(await refusal(upsert(component, TURN, 1, { inputTokens }))).toMatchObject({ code: "E_USAGE_INVALID" });
      expect(await dump(component)).toEqual(before);
    });
  });
});

describe("a turn", () => {
  test("keeps its newest diff, plan and reroute, and no row of it is written by what says the same again", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const plan = { explanation: "why", plan: [{ step: "look", status: "inProgress" }] };
    const rest = { threadId: THREAD, turnId: TURN };
    await ingestOk(component, [turn.started(), turn.event("turn/diff/updated", { diff: "old" }), turn.event("turn/plan/updated", { ...plan, explanation: null })]);
    await ingestOk(component, [turn.event("turn/diff/updated", { diff: "a\n+b😀" }), turn.event("turn/plan/updated", plan)]);
    await ingestOk(component, [turn.event("model/rerouted", { fromModel: "a", toModel: "b", reason: "highRisk" })]);
    const read = await turnState(component);
    expect(read.diff).toBe("a\n+b😀");
    expect(JSON.parse(read.planJson!)).toEqual({ ...rest, ...plan });
    expect(JSON.parse(read.rerouteJson!)).toEqual({ ...rest, fromModel: "a", toModel: "b", reason: "highRisk" });
    const { chunks: _, streamHeads: __, ...before } = await dumpWithoutBeats(component);
    await ingestOk(component, [turn.event("turn/diff/updated", { diff: "a\n+b😀" }), turn.event("turn/plan/updated", plan)]);
    const { chunks: _chunks, streamHeads: _heads, ...after } = await dumpWithoutBeats(component);
    expect(after).toEqual(before);
  });

  test("is listed as one that has a plan from its first one on, itself and its copy", async () => {
    const component = await startThread();
    const hasPlan = async (threadId: string) => (await component.query(api.turns.list, { actor: OWNER, threadId })).map((turn) => turn.hasPlan);
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.event("turn/diff/updated", { diff: "d" })]);
    expect(await hasPlan(THREAD)).toEqual([false]);
    await ingestOk(component, [turn.event("turn/plan/updated", { plan: [] })]);
    expect(await hasPlan(THREAD)).toEqual([true]);
    await ingestOk(component, [turn.event("turn/plan/updated", { plan: [{ step: "look", status: "pending" }] }), turn.completed()]);
    const next = new TurnStream({ turnId: "turn_2" });
    await ingestOk(component, [next.started(), next.event("turn/plan/updated", { plan: [] }), next.completed()]);
    const last = new TurnStream({ turnId: "turn_3" });
    await ingestOk(component, [last.started(), last.completed()]);
    expect(await hasPlan(THREAD)).toEqual([false, true, true]);
    await component.mutation(api.threads.fork, { actor: OWNER, threadId: THREAD, newThreadId: "th_copy" });
    expect(await hasPlan("th_copy")).toEqual([false, true, true]);
  });

  test("that has said none of it has none of it", async () => {
    const component = await startThread();
    await ingestOk(component, [new TurnStream().started()]);
    const { createdAt, startedAt, ...read } = await turnState(component);
    expect([createdAt, startedAt]).toEqual([expect.any(Number), expect.any(Number)]);
    expect(read).toEqual({ turnId: TURN, turnOrder: 0, status: "inProgress" });
  });

  test("keeps a diff that no document holds, whole, and a shorter one in its place", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const diff = "+ é\n".repeat(DIFF_UNITS / 4);
    await ingestOk(component, [turn.started(), turn.event("turn/diff/updated", { diff })]);
    expect((await turnState(component)).diff === diff).toBe(true);
    await ingestOk(component, [turn.event("turn/diff/updated", { diff: "short" })]);
    expect((await turnState(component)).diff).toBe("short");
    await ingestOk(component, [turn.event("turn/diff/updated", { diff: "" })]);
    expect((await turnState(component)).diff).toBeUndefined();
    expect((await dump(component)).parts).toEqual([]);
  });

  test("keeps the newest by cursor where an older one fills a hole", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const [started, old, now] = [turn.started(), turn.event("turn/diff/updated", { diff: "old" }), turn.event("turn/diff/updated", { diff: "new" })];
    await ingestOk(component, [started]);
    expect((await ingest(component, [now])).ingestStatus).toBe("partial");
    await ingestOk(component, [old]);
    expect((await turnState(component)).diff).toBe("new");
  });

  test("that does not exist is refused", async () => {
    const component = await startThread();
    expect(await refusal(turnState(component, "none"))).toMatchObject({ code: "E_AUTH_TURN_FORBIDDEN" });
  });
});

describe("a thread", () => {
  test("keeps its newest goal, settings and warning, and forgets a goal that is cleared", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const goal = (objective: string) => turn.event("thread/goal/updated", { goal: { objective, status: "active" } });
    await ingestOk(component, [turn.started(), goal("first"), goal("then")], {}, [
      lifecycle(0, "thread/settings/updated", { threadSettings: { model: "m" } }),
      lifecycle(1, "warning", { message: "careful" }),
      lifecycle(2, "guardianWarning", { message: "stop" }),
      lifecycle(3, "thread/name/updated", { threadName: "n" }),
    ]);
    const read = await threadState(component);
    expect(read).toMatchObject({ threadId: THREAD, status: "active", name: "n", warning: "stop" });
    expect([JSON.parse(read.goalJson!), JSON.parse(read.settingsJson!)]).toEqual([{ objective: "then", status: "active" }, { model: "m" }]);
    await ingestOk(component, [], {}, [lifecycle(4, "thread/goal/cleared", {})]);
    expect((await threadState(component)).goalJson).toBeUndefined();
  });

  test("is warned of a retry in a turn that it does not know", async () => {
    const component = await startThread();
    await ingestOk(component, [new TurnStream().failed("Reconnecting... 1/2", true)]);
    expect((await threadState(component)).warning).toBe("Reconnecting... 1/2");
    expect((await dump(component)).turns).toEqual([]);
  });

  test("is not moved up by them", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started()]);
    const before = (await dump(component)).threads;
    await ingestOk(component, [usageEvent(turn, 1), turn.event("turn/diff/updated", { diff: "d" })], {}, [lifecycle(0, "warning", { message: "w" })]);
    expect((await dump(component)).threads).toEqual(before);
  });

  test("of whose session nothing is shown changes by its counter only", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", ""))]);
    const { lifecycleMarks: _, ...before } = await dumpWithoutBeats(component);
    const kinds = ["thread/closed", "thread/deleted", "thread/reverted", "thread/status/changed", "thread/compacted", "thread/started", "mcpServer/startupStatus/updated", "thread/somethingNew"];
    await ingestOk(component, [], {}, kinds.map((kind, n) => lifecycle(n, kind, {})));
    const { lifecycleMarks: __, ...after } = await dumpWithoutBeats(component);
    expect(after).toEqual(before);
    expect((await turnOf(component)).status).toBe("inProgress");
  });
});

const RECORDINGS: Record<string, string> = import.meta.glob("../fixtures/transcripts/{lifecycle,crash,legacy}.jsonl", { query: "?raw", import: "default", eager: true });

type Recorded = { streamDeltas: StreamEvent[]; lifecycleEvents: ThreadEvent[]; turns: string[] };

/** What the bridge sends of each thread of a recording, process by process. */
function recorded(name: string): Map<string, Recorded>[] {
  const processes: Map<string, Recorded>[] = [];
  const numbering = new Numbering("rt", 0);
  for (const line of RECORDINGS[`../fixtures/transcripts/${name}.jsonl`]!.trim().split("\n")) {
    const { dir, msg } = JSON.parse(line) as { dir: string; msg: Record<string, unknown> };
    if (dir === "proc" && msg["event"] === "start") {
      processes.push(new Map());
      numbering.beginGeneration(processes.length);
    }
    if (dir !== "in") continue;
    const { emittedAtMs: _, ...message } = msg;
    const payloadJson = JSON.stringify(message);
    const found = classifyLine(payloadJson);
    if (found.type !== "event") continue;
    const { streamId, threadId, ...number } = numbering.number(found);
    const threads = processes.at(-1)!;
    const thread = threads.get(threadId) ?? { streamDeltas: [], lifecycleEvents: [], turns: [] };
    threads.set(threadId, thread);
    const event = { eventId: number.eventId, kind: found.kind, payloadJson, createdAt: 0 };
    if (streamId === undefined) thread.lifecycleEvents.push({ type: "lifecycle_event", ...event, ...(found.turnId === undefined ? {} : { turnId: found.turnId }) });
    else thread.streamDeltas.push({ type: "stream_delta", ...event, ...number, streamId, turnId: found.turnId! });
    if (found.kind === "turn/started" && found.turnId !== undefined) thread.turns.push(found.turnId);
  }
  return processes;
}

describe("resume, then fork, of a thread with finished turns, as it was recorded", () => {
  const usages = (process: Map<string, Recorded>) => [...process.values()].flatMap(({ lifecycleEvents }) => lifecycleEvents.filter(({ kind }) => kind === "thread/tokenUsage/updated"));

  test.each([
    ["lifecycle", [[120, 240], [360, 240]], [240, 360]],
    ["crash", [[120], [240]], [240]],
    ["legacy", [[240, 360], [480]], [480, 240]],
  ])("%s: every batch ok, no turn added, usage unchanged", async (name, turns, threads) => {
    const component = startComponent();
    const processes = recorded(name);
    expect(processes.flatMap(usages)).not.toEqual([]);
    for (const process of processes) {
      for (const [threadId, { streamDeltas, lifecycleEvents }] of process) {
        const before = (await dump(component)).tokenUsage.filter((row) => row.threadId === threadId);
        const repeats = lifecycleEvents.filter(({ kind }) => kind === "thread/tokenUsage/updated");
        const known = repeats.filter(({ turnId }) => before.some((row) => row.of === "turn" && row.turnId === turnId));
        // The repeats alone first: they come before the process begins a turn.
        if (known.length > 0) {
          const answer = await component.mutation(api.sync.ingestSafe, { actor: OWNER, sessionId: "s", threadId, streamDeltas: [], lifecycleEvents });
          expect(answer.errors).toEqual([]);
          expect((await dump(component)).tokenUsage.filter((row) => row.threadId === threadId)).toEqual(before);
        }
        const answer = await component.mutation(api.sync.ingestSafe, { actor: OWNER, sessionId: "s", threadId, streamDeltas, lifecycleEvents });
        expect(answer).toMatchObject({ ingestStatus: "ok", errors: [] });
      }
    }
    const began = new Set(processes.flatMap((process) => [...process.values()].flatMap((thread) => thread.turns)));
    const rows = await dump(component);
    expect(new Set(rows.turns.map(({ turnId }) => turnId))).toEqual(began);
    const totals = (of: "turn" | "thread") => rows.tokenUsage.filter((row) => row.of === of).map(({ total }) => total.totalTokens);
    expect(totals("thread")).toEqual(threads);
    expect(totals("turn").sort()).toEqual([...turns.flat(), ...(name === "lifecycle" ? [360] : [])].sort());
  });
});
