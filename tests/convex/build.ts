/** The component by itself, and what is sent to it: events with the payloads of the app-server. */
import { convexTest, type TestConvex } from "convex-test";
import type { FunctionArgs } from "convex/server";
import { ConvexError, type Infer } from "convex/values";
import { expect, inject, vi } from "vitest";
import { api, internal } from "../../convex/_generated/api.js";
import type { Doc, Id, TableNames } from "../../convex/_generated/dataModel.js";
import schema from "../../convex/schema.js";
import { describeModules, isFunctionModule } from "../../tools/api-shape.mjs";
import type { Actor, MessageRow, vLifecycleEvent, vStreamDelta } from "../../convex/validators.js";

// What is large takes its time where many tests run at once.
vi.setConfig({ testTimeout: 120_000 });

export { api, internal };
export type Component = TestConvex<typeof schema>;
export type StreamEvent = Infer<typeof vStreamDelta>;
export type ThreadEvent = Infer<typeof vLifecycleEvent>;
export type Dump = { [Table in TableNames]: Doc<Table>[] };

export const modules = import.meta.glob("../../convex/**/*.ts");

/** Every function of the component, found in its modules. */
export async function componentFunctions(): Promise<ReturnType<typeof describeModules>> {
  const loaded: Record<string, object> = {};
  for (const [file, load] of Object.entries(modules)) {
    const name = file.replace(/^.*\/convex\//, "").replace(/\.ts$/, "");
    if (isFunctionModule(name)) loaded[name] = (await load()) as object;
  }
  return describeModules(loaded);
}

export const OWNER: Actor = { tenantId: "acme", userId: "ann", deviceId: "laptop" };
export const THREAD = "th_1";
export const TURN = "turn_1";
export const SESSION = "session_1";
export const STREAM = `${THREAD}:${TURN}:0`;

const BEGAN_AT_MS = 1_795_338_645_000;
const TABLES = Object.keys(schema.tables) as TableNames[];

/** The project `bundle` runs the same tests in what the CLI pushes. */
const bundle = inject("pushRequest") === undefined ? undefined : await import("./bundle.js");

/** A fresh deployment that holds calls to Convex's limits, or to tighter ones. */
export function startComponent(transactionLimits: true | Record<string, number> = true): Component {
  return bundle?.startBundle(transactionLimits) ?? convexTest({ schema, modules, transactionLimits });
}

/** A fresh deployment, as {@link startComponent} makes one, with the owner's thread, written by the owner's session. */
export async function startThread(threadId = THREAD, transactionLimits?: Record<string, number>): Promise<Component> {
  const component = startComponent(transactionLimits);
  await component.mutation(api.threads.create, { actor: OWNER, threadId });
  await component.mutation(api.sync.ensureSession, { actor: OWNER, sessionId: SESSION, threadId, lastEventCursor: 0 });
  return component;
}

/** Codex's name for the thread of {@link startNamed}. */
export const LOCAL_THREAD = "019a-codex";

/** A thread that the app has a name of its own for, written by the owner's session: Convex's id of it, which Codex does not know. */
export async function startNamed(component: Component, externalThreadId = "shop"): Promise<string> {
  const { threadId } = await component.mutation(api.threads.resolve, { actor: OWNER, externalThreadId, localThreadId: LOCAL_THREAD });
  await component.mutation(api.sync.ensureSession, { actor: OWNER, sessionId: SESSION, threadId, lastEventCursor: 0 });
  return threadId;
}

/** Runs what was scheduled for now, in a test whose clock stands still. */
export async function runScheduledNow(component: Pick<Component, "finishInProgressScheduledFunctions">): Promise<void> {
  const behind = new Promise((resolve) => setTimeout(resolve, 0));
  if (vi.isFakeTimers()) vi.advanceTimersByTime(0);
  await behind;
  await component.finishInProgressScheduledFunctions();
}

/** Runs the sweep of commands with what it asks for, of a hundred commands at most; answers how many it moved. */
export async function sweepCommands(component: Component): Promise<number> {
  const read = () => component.run(async (ctx) => (await ctx.db.query("commands").collect()).map(({ state, lapses }) => `${state} ${String(lapses)}`));
  const before = await read();
  await component.mutation(internal.commands.expireCommands, {});
  await runScheduledNow(component);
  return (await read()).filter((now, at) => now !== before[at]).length;
}

/** Does a deletion's next batch, as the call does that is scheduled for it. */
export async function stepDeletion(component: Component, deletionJobId: string): Promise<{ deleted: number; hasMore: boolean }> {
  const job = deletionJobId as Id<"deletions">;
  const row = await component.run((ctx) => ctx.db.get("deletions", job));
  return component.mutation(internal.deletions.step, { job, dueAt: row?.dueAt ?? 0 });
}

/** Copies a fork's next batch, as the call does that is scheduled for it. */
export async function stepFork(component: Component, forkJobId: string): Promise<{ copied: number; hasMore: boolean }> {
  const job = forkJobId as Id<"forks">;
  const row = await component.run((ctx) => ctx.db.get("forks", job));
  return component.mutation(internal.forks.step, { job, dueAt: row?.dueAt ?? 0 });
}

/** Every row of every table. */
export async function dump(component: Component): Promise<Dump> {
  const tables = await Promise.all(
    TABLES.map(async (table) => [table, await component.run((ctx) => ctx.db.query(table).collect())] as const),
  );
  return Object.fromEntries(tables) as Dump;
}

/** Every row but the time of the sessions' last beat. */
export async function dumpWithoutBeats(component: Component) {
  const { sessions, ...rest } = await dump(component);
  return { ...rest, sessions: sessions.map(({ lastBeatAt: _, ...session }) => session) };
}

/** How many rows each table holds, of those that hold any. */
export async function countRows(component: Component): Promise<Partial<Record<TableNames, number>>> {
  const rows = await dump(component);
  return Object.fromEntries(TABLES.map((table) => [table, rows[table].length]).filter(([, count]) => count !== 0));
}

type IngestOptions = Partial<Omit<FunctionArgs<typeof api.sync.ingestSafe>, "streamDeltas" | "lifecycleEvents">>;

export function batch(streamDeltas: StreamEvent[], lifecycleEvents: ThreadEvent[] = [], options: IngestOptions = {}) {
  return { actor: OWNER, sessionId: SESSION, threadId: THREAD, streamDeltas, lifecycleEvents, ...options };
}

export function ingest(component: Component, streamDeltas: StreamEvent[], options: IngestOptions = {}, lifecycle: ThreadEvent[] = []) {
  return component.mutation(api.sync.ingestSafe, batch(streamDeltas, lifecycle, options));
}

/** Ingests what there is nothing to say against. */
export async function ingestOk(component: Component, streamDeltas: StreamEvent[], options: IngestOptions = {}, lifecycle: ThreadEvent[] = []) {
  const answer = await ingest(component, streamDeltas, options, lifecycle);
  expect(answer).toMatchObject({ status: "ok", ingestStatus: "ok", errors: [] });
  return answer;
}

/** The thread's messages, oldest first. */
export async function messagesOf(component: Component, threadId = THREAD, actor = OWNER): Promise<MessageRow[]> {
  const paginationOpts = { cursor: null, numItems: 1_000 };
  const { page } = await component.query(api.messages.listByThread, { actor, threadId, paginationOpts });
  return page.reverse();
}

/** Message ids with what the assertion is about. */
export async function textsOf(component: Component): Promise<[string, string, string][]> {
  return (await messagesOf(component)).map(({ messageId, status, text }) => [messageId, status, text]);
}

export async function turnOf(component: Component, turnId = TURN): Promise<Doc<"turns">> {
  const turns = (await dump(component)).turns.filter((turn) => turn.turnId === turnId);
  expect(turns).toHaveLength(1);
  return turns[0]!;
}

/** The data of the coded error that a call is refused with. */
export async function refusal(call: Promise<unknown>): Promise<{ code: string } & Record<string, unknown>> {
  const error: unknown = await call.then(
    () => expect.fail("nothing was refused"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof ConvexError)) throw error;
  return (typeof error.data === "string" ? JSON.parse(error.data) : error.data) as { code: string };
}

/** A turn's stream, as the bridge numbers it. */
export class TurnStream {
  cursor = 0;
  readonly threadId: string;
  readonly turnId: string;
  readonly streamId: string;

  constructor({ threadId = THREAD, turnId = TURN, streamId }: { threadId?: string; turnId?: string; streamId?: string } = {}) {
    this.threadId = threadId;
    this.turnId = turnId;
    this.streamId = streamId ?? `${threadId}:${turnId}:0`;
  }

  /** The next event, with the payload as it is given. */
  raw(kind: string, payloadJson: string): StreamEvent {
    const cursorStart = this.cursor++;
    const { turnId, streamId } = this;
    const eventId = `rt.1:${streamId}:${cursorStart}`;
    const createdAt = BEGAN_AT_MS + cursorStart;
    return { type: "stream_delta", eventId, turnId, streamId, kind, payloadJson, cursorStart, cursorEnd: this.cursor, createdAt };
  }

  event(method: string, params: object): StreamEvent {
    return this.raw(method, JSON.stringify({ method, params: { threadId: this.threadId, turnId: this.turnId, ...params } }));
  }

  started(): StreamEvent {
    const { threadId } = this;
    return this.raw("turn/started", JSON.stringify({ method: "turn/started", params: { threadId, turn: this.#turn("inProgress", null) } }));
  }

  completed(status = "completed", message?: string, extra: object = {}): StreamEvent {
    const error = message === undefined ? null : { message, codexErrorInfo: "other", additionalDetails: null };
    const params = { threadId: this.threadId, turn: this.#turn(status, error), ...extra };
    return this.raw("turn/completed", JSON.stringify({ method: "turn/completed", params }));
  }

  failed(message: string, willRetry: boolean): StreamEvent {
    return this.event("error", { error: { message, codexErrorInfo: "other", additionalDetails: null }, willRetry });
  }

  itemStarted(item: object): StreamEvent {
    return this.event("item/started", { item, startedAtMs: BEGAN_AT_MS });
  }

  itemCompleted(item: object): StreamEvent {
    return this.event("item/completed", { item, contentTokenCount: null, completedAtMs: BEGAN_AT_MS });
  }

  /** A delta of an agent message. */
  text(itemId: string, delta: string): StreamEvent {
    return this.event("item/agentMessage/delta", { itemId, delta });
  }

  /** A message that is written in pieces and completed. */
  reply(itemId: string, pieces: readonly string[]): StreamEvent[] {
    return [
      this.itemStarted(agentMessage(itemId, "")),
      ...pieces.map((piece) => this.text(itemId, piece)),
      this.itemCompleted(agentMessage(itemId, pieces.join(""))),
    ];
  }

  /** A turn in which the model says `pieces`. */
  whole(pieces: readonly string[] = ["Hel", "lo."]): StreamEvent[] {
    return [this.started(), ...this.prompt("Say hello."), ...this.reply("msg_1", pieces), this.completed()];
  }

  prompt(text: string): StreamEvent[] {
    const item = userMessage(`${this.turnId}_prompt`, text);
    return [this.itemStarted(item), this.itemCompleted(item)];
  }

  #turn(status: string, error: object | null) {
    const times = { startedAt: BEGAN_AT_MS / 1000, completedAt: null, durationMs: null };
    return { id: this.turnId, rootTurnId: this.turnId, items: [], itemsView: "notLoaded", status, error, ...times };
  }
}

/** An event of the thread, as the bridge numbers it; `threadId` is Codex's name for it. */
export function lifecycle(n: number, method: string, params: object, turnId?: string, threadId = THREAD): ThreadEvent {
  const payloadJson = JSON.stringify({ method, params: { threadId, ...params } });
  const named = turnId === undefined ? {} : { turnId };
  return { type: "lifecycle_event", eventId: `rt:${threadId}:L${n}`, kind: method, payloadJson, createdAt: BEGAN_AT_MS, ...named };
}

export function agentMessage(id: string, text: string) {
  const nothing = { moderation: null, phase: null, memoryCitation: null, delivery: null, questions: null };
  return { type: "agentMessage", id, text, ...nothing, startedAtMs: BEGAN_AT_MS, completedAtMs: null };
}

export function userMessage(id: string, text: string) {
  return { type: "userMessage", id, clientId: null, content: [{ type: "text", text, text_elements: [] }], startedAtMs: BEGAN_AT_MS };
}

export function reasoning(id: string, summary: string[], content: string[]) {
  return { type: "reasoning", id, summary, content, startedAtMs: BEGAN_AT_MS, completedAtMs: null };
}

export function command(id: string, line: string, status: string, aggregatedOutput: string | null = null) {
  const run = { pluginId: null, scriptPath: null, cwd: "/workspace", processId: "91630", source: "unifiedExecStartup" };
  return { type: "commandExecution", id, ...run, command: line, status, commandActions: [], aggregatedOutput, exitCode: 0, durationMs: 1 };
}
