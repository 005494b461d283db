/** A deployment of the pushed bundle, with as much in it as a test asks for: what each call costs there, and what it touches. */
import { makeFunctionReference, type FunctionReference } from "convex/server";
import type { Value } from "convex/values";
import type { TableNames } from "../../convex/_generated/dataModel.js";
import schema from "../../convex/schema.js";
import type { Actor } from "../../convex/validators.js";
import type { Backend, CallRecord } from "../../tools/embedded-convex/index.mjs";
import { agentMessage, api, componentFunctions, OWNER, SESSION, THREAD, TurnStream, type Component } from "../convex/build.js";
import { startBackend } from "../convex/bundle.js";

const TABLES = Object.keys(schema.tables) as TableNames[];
/** Rows that one transaction of copies may write. */
const ROWS_A_RUN = 8_000;
/** As many as every list's page takes, so that no page is longer where there is more. */
const LISTED = 25;

export const LIVE = "turn_live";
export const LIVE_ITEM = "msg_live";
export const DONE = "turn_done";
export const OTHER_THREAD = "th_other";
export const RUNTIME = { runtimeId: "rt", generation: 1 };
export const PAGE = { cursor: null, numItems: 20 };
export const DELTAS_A_BATCH = 20;

/** How many there are of each, beside what every world has. */
export interface Size {
  /** Turns of the thread that have ended. */
  turns: number;
  /** Threads of the owner. */
  threads: number;
  /** Other users of the tenant, and of other tenants, with threads, turns and streams of the same names. */
  users: number;
  tenants: number;
  /** Deltas of the message that is being written. */
  deltas: number;
}
export const SMALLEST: Size = { turns: 1, threads: 1, users: 1, tenants: 1, deltas: 20 };

/** A thread, and what its calls name. */
export interface Place {
  actor: Actor;
  threadId: string;
  /** Another thread of the same user. */
  otherThreadId: string;
  /** The stream of the turn that runs. */
  live: TurnStream;
  /** What the ids of its commands begin with. */
  prefix: string;
}

export interface World {
  backend: Backend;
  component: Component;
  place: Place;
}

function placeOf(threadId: string, otherThreadId = OTHER_THREAD): Place {
  return { actor: OWNER, threadId, otherThreadId, live: new TurnStream({ threadId, turnId: LIVE }), prefix: threadId };
}

/** The same place of another user, where everything has the same names. */
export function placeOfOther(place: Place, actor: Partial<Actor>): Place {
  const live = Object.assign(new TurnStream({ threadId: place.threadId, turnId: LIVE }), { cursor: place.live.cursor });
  return { ...place, actor: { ...place.actor, ...actor }, live };
}

type Row = Record<string, Value> & { _id: string; _creationTime: number };

export async function startWorld(size: Size = SMALLEST, footprints = false): Promise<World> {
  const backend = startBackend({ footprints, transactionLimits: footprints ? {} : true });
  const world: World = { backend, component: backend.t, place: placeOf(THREAD) };
  await backend.quickly(() => fill(world, size));
  return world;
}

async function fill({ component: db, place }: World, size: Size): Promise<void> {
  await makeThread(db, OTHER_THREAD);
  await copies(db, size.threads + LISTED, (row) => row.threadId === OTHER_THREAD, (text, at) => text.replaceAll(OTHER_THREAD, named("th", at)));
  await makeThread(db, THREAD);
  await copies(
    db,
    size.turns + LISTED,
    (row) => row.threadId === THREAD && row.turnId === DONE && row.of !== "thread",
    (text, at) => text.replaceAll(DONE, named("turn", at)),
    (row, at) => ("turnOrder" in row ? { ...row, turnOrder: (row.turnOrder as number) + 1 + at } : row),
  );
  await db.run(async (ctx) => {
    const threads = await ctx.db.query("threads").collect();
    const thread = threads.find(({ threadId }) => threadId === THREAD)!;
    await ctx.db.patch("threads", thread._id, { nextTurnOrder: thread.nextTurnOrder + size.turns + LISTED });
  });
  await beginLive(db, place, size.deltas);
  const isOwners = (row: Row) => [undefined, THREAD, OTHER_THREAD].includes(row.threadId as string) && [undefined, LIVE, DONE].includes(row.turnId as string) && row.userId === OWNER.userId && row.tenantId === OWNER.tenantId;
  for (const [many, name] of [
    [size.users, "userId"],
    [size.tenants, "tenantId"],
  ] as const) {
    await copies(db, many, isOwners, (text) => text, (row, at) => (name in row ? { ...row, [name]: named(row[name] as string, at) } : row));
  }
}

/** The name of a copy; as long as any other's, so that a row of it has as many bytes. */
export const named = (what: string, at: number) => `${what}_${String(at).padStart(5, "0")}`;

async function makeThread(db: Component, threadId: string): Promise<void> {
  await db.mutation(api.threads.resolve, { actor: OWNER, externalThreadId: `external ${threadId}` });
  await db.mutation(api.threads.create, { actor: OWNER, threadId });
  await db.mutation(api.sync.ensureSession, { actor: OWNER, sessionId: SESSION, threadId, lastEventCursor: 0, ...RUNTIME });
  const turn = new TurnStream({ threadId, turnId: DONE });
  const events = turn.whole();
  events.splice(-1, 0, usage(turn));
  await ingestInto(db, threadId, events);
}

function usage(turn: TurnStream) {
  return turn.event("thread/tokenUsage/updated", { tokenUsage: { total: COUNTS, last: COUNTS } });
}

export const INPUT = [{ type: "text", text: "Go." }];
export const COUNTS = { totalTokens: 7, inputTokens: 6, cachedInputTokens: 0, cacheWriteInputTokens: 0, outputTokens: 1, reasoningOutputTokens: 0 };

/** A turn that runs, and all that can wait for one. */
export async function beginLive(db: Component, { actor, threadId, live, prefix }: Place, deltas: number): Promise<void> {
  const of = { actor, threadId };
  await ingestInto(db, threadId, [live.started(), ...live.prompt("Go on."), usage(live), live.raw("error", "{"), live.itemStarted(agentMessage(LIVE_ITEM, ""))]);
  for (let at = 0; at < deltas; at += DELTAS_A_BATCH) await ingestInto(db, threadId, texts(live));
  const approval = { requestId: 0, method: "item/commandExecution/requestApproval", payloadJson: "{}", requestedAt: 1 };
  await db.mutation(api.serverRequests.upsertPending, { ...of, turnId: LIVE, itemId: "call_1", ...approval, ...RUNTIME });
  const payloadJson = JSON.stringify({ clientTurnId: "wish", input: INPUT });
  await db.mutation(api.commands.send, { ...of, commandId: `${prefix} waits`, kind: "turn", payloadJson });
  await db.mutation(api.sync.upsertCheckpoint, { ...of, streamId: live.streamId, cursor: 2 });
  await db.mutation(api.presence.beat, { actor, ...RUNTIME, phase: "running", threads: [] });
}

/** Another thread of the owner, in which a turn runs; its calls take another one down. */
export async function startPlace({ backend, component: db }: World, threadId: string): Promise<Place> {
  const place = placeOf(threadId, named("th", 0));
  await backend.quickly(async () => {
    await makeThread(db, threadId);
    await beginLive(db, place, DELTAS_A_BATCH);
  });
  return place;
}

export function texts(live: TurnStream) {
  return Array.from({ length: DELTAS_A_BATCH }, () => live.text(LIVE_ITEM, "word "));
}

async function ingestInto(db: Component, threadId: string, streamDeltas: ReturnType<TurnStream["whole"]>): Promise<void> {
  await db.mutation(api.sync.ingestSafe, { actor: OWNER, sessionId: SESSION, threadId, streamDeltas, lifecycleEvents: [] });
}

/** Copies every row that is chosen, its parts with it, so many times: by what is said of its text, then of its fields. */
async function copies(
  db: Component,
  many: number,
  isChosen: (row: Row) => boolean,
  rename: (text: string, at: number) => string,
  change: (row: Row, at: number) => Row = (row) => row,
): Promise<void> {
  // One transaction reads no more than 32,000 rows.
  const all: (readonly [TableNames, Row[]])[] = [];
  for (const table of TABLES) {
    if (table !== "tombstones") all.push([table, await db.run(async (ctx) => (await ctx.db.query(table).collect()) as unknown as Row[])]);
  }
  const own = all.filter(([table]) => table !== "parts").flatMap(([table, rows]) => rows.filter(isChosen).map((row) => [table, row] as const));
  const parts = all.find(([table]) => table === "parts")![1];
  const ids = new Set(own.map(([, { _id }]) => _id));
  const ownParts = parts.filter(({ owner }) => ids.has(owner as string));
  const step = Math.floor(ROWS_A_RUN / (own.length + ownParts.length));
  for (let from = 0; from < many; from += step) {
    await db.run(async (ctx) => {
      const rows = ctx.db as unknown as { insert: (table: string, row: object) => Promise<string> };
      for (let at = from; at < Math.min(many, from + step); at++) {
        for (const [table, row] of own) {
          const owner = await rows.insert(table, copied(row, at, rename, change));
          for (const part of ownParts.filter((one) => one.owner === row._id)) await rows.insert("parts", { ...copied(part, at, rename, change), owner });
        }
      }
    });
  }
}

function copied(row: Row, at: number, rename: (text: string, at: number) => string, change: (row: Row, at: number) => Row): object {
  const { _id, _creationTime, ...fields } = change(JSON.parse(rename(JSON.stringify(row), at)) as Row, at);
  return fields;
}

type Given = Record<string, Value>;
type Callable<Kind extends "query" | "mutation"> = FunctionReference<Kind, "public", Given, Value>;

/** A public function's name, as `threads.list`. */
export type Name = string;

const QUERIES = new Set((await componentFunctions()).filter(({ kind }) => kind === "query").map(({ name }) => name));

/** Calls a function of the bundle by its name; answers its value and what it did. */
export async function callOf({ backend, component: db }: World, name: Name, args: object): Promise<{ value: Value; record: CallRecord }> {
  const reference = makeFunctionReference<never>(name.replace(".", ":")) as unknown;
  const before = backend.calls.length;
  const value = QUERIES.has(name) ? await db.query(reference as Callable<"query">, args as Given) : await db.mutation(reference as Callable<"mutation">, args as Given);
  // Those that it made end before it does.
  const record = backend.calls.slice(before).find(({ fn }) => fn === name.replace(".", ":"));
  if (record === undefined) throw new Error(`${name} was not called in the bundle`);
  return { value, record };
}

/** The names of all functions of the component, of one visibility. */
export async function functionsOf(visibility: "public" | "internal"): Promise<Name[]> {
  return (await componentFunctions()).filter((one) => one.visibility === visibility).map(({ name }) => name);
}
