/** Loads the rows that a plan is made from: each by its key, each list by an index range. */
import type { IngestCall, LoadedRows, Needs, Range, SessionContext, SessionFacts } from "../../js-wrapper/core/boundary.js";
import type { Doc } from "../_generated/dataModel.js";
import { coded } from "../errors.js";
import type { Actor } from "../validators.js";
import { findUsage, usagePlaceOf } from "./newest.js";
import { loadFold } from "./folds.js";
import { quarantineOf } from "./quarantine.js";
import { loadRequests } from "./requests.js";
import { Room } from "./room.js";
import { findThread, findTurn, scopeOf, type ReadCtx, type Scope } from "./scope.js";
import { findTally, type Tally } from "./tally.js";
import { isDeletedTurn } from "./visible.js";

/** Beyond this the core refuses the batch, so that nothing more need be loaded. SOURCE: `src/limits.rs`, BATCH_STREAMS_MAX. */
const STREAMS_MAX = 64;
/** Newest messages of one item: more than any provider was seen to repeat an id in a turn. */
const OCCURRENCES_MAX = 8;
/** Messages of a turn that end with it. Codex was seen to have a handful open at once. SOURCE: `src/limits.rs`, CLOSING_MESSAGES_MAX. */
const CLOSING_MESSAGES_MAX = 1_000;
/** Streams of one turn: its own, an import's, a sender's further ones. SOURCE: `src/limits.rs`, TURN_STREAMS_MAX. */
const TURN_STREAMS_MAX = 64;
/** Names that are looked up at once: of a row each, of a few, of a thousand and more; and ranges of chunks, which are large. */
const [ONE, FEW, MANY, RANGES] = [64, 16, 1, 8];
/** Turns in progress of one thread: Codex runs one at a time, a review two. */
const OPEN_TURNS_MAX = 64;

export type StreamEvents = IngestCall["deltas"];

/** What a batch is sent with. */
export type IngestArgs = {
  actor: Actor;
  sessionId: string;
  threadId: string;
  streamDeltas: StreamEvents;
  lifecycleEvents: IngestCall["lifecycle"];
  runtime?: IngestCall["runtime"];
};

/** The rows behind a call, for the writes. */
export type IngestRows = {
  thread: Doc<"threads"> | null;
  own: Doc<"sessions"> | null;
  heads: Doc<"streamHeads">[];
  marks: Doc<"lifecycleMarks"> | null;
  turns: Doc<"turns">[];
  messages: Doc<"messages">[];
  streams: Doc<"streams">[];
  quarantine: Doc<"quarantine">[];
  requests: Doc<"serverRequests">[];
  /** Where the batch makes its thread; see `tally.ts`. */
  tally: Tally;
};

export type LoadedIngest = { call: IngestCall; rows: IngestRows };

/** What there is of a thread that does not exist. */
const NOTHING: LoadedRows = {
  ...{ turns: [], messages: [], streams: [], quarantine: [], requests: [], places: [], nextOrders: [] },
  ...{ lifecycleIds: [], usagePlace: 0, folds: [], deletedTurns: [] },
};

export async function loadIngest(ctx: ReadCtx, args: IngestArgs, strict: boolean, nowMs: number): Promise<LoadedIngest> {
  const scope = scopeOf(args.actor);
  const streamIds = [...new Set(args.streamDeltas.map((delta) => delta.streamId))].slice(0, STREAMS_MAX);
  const [thread, session, heads, marks] = await Promise.all([
    findThread(ctx, scope, args.threadId),
    loadSession(ctx, args.actor, args.sessionId, args.threadId),
    Promise.all(streamIds.map((streamId) => findHead(ctx, scope, streamId))),
    args.lifecycleEvents.length === 0 ? null : findMarks(ctx, scope, args.threadId),
  ]);
  const found = heads.filter((head) => head !== null);
  const tally = thread === null && !strict ? await findTally(ctx, scope) : null;
  return {
    call: {
      strict,
      nowMs,
      threadId: args.threadId,
      runtime: args.runtime,
      thread,
      session: session.facts,
      heads: found,
      marks: marks?.runtimes ?? [],
      deltas: args.streamDeltas,
      lifecycle: args.lifecycleEvents,
      // The core need not ask for what cannot be there.
      loaded: thread === null ? NOTHING : null,
    },
    rows: { thread, own: session.own, heads: found, marks, turns: [], messages: [], streams: [], quarantine: [], requests: [], tally },
  };
}

/** The session that writes a thread: the binding with the highest epoch. */
export function writerOf(ctx: ReadCtx, { tenantId, userId }: Scope, threadId: string): Promise<Doc<"sessions"> | null> {
  return ctx.db
    .query("sessions")
    .withIndex("by_epoch", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId))
    .order("desc")
    .first();
}

export async function loadSession(
  ctx: ReadCtx,
  actor: Actor,
  sessionId: string,
  threadId: string,
): Promise<{ facts: SessionContext; own: Doc<"sessions"> | null; writer: Doc<"sessions"> | null }> {
  const { tenantId, userId } = scopeOf(actor);
  const writer = await writerOf(ctx, { tenantId, userId }, threadId);
  const sessions = () => ctx.db.query("sessions");
  const own =
    writer?.sessionId === sessionId
      ? writer
      : await sessions()
          .withIndex("by_session", (q) =>
            q.eq("tenantId", tenantId).eq("userId", userId).eq("sessionId", sessionId).eq("threadId", threadId),
          )
          .unique();
  const elsewhere =
    own !== null
      ? null
      : await sessions()
          .withIndex("by_session", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("sessionId", sessionId))
          .first();
  const facts: SessionContext = {
    sessionId,
    deviceId: actor.deviceId,
    own: own satisfies SessionFacts | null,
    writer: writer satisfies SessionFacts | null,
    boundElsewhere: elsewhere !== null,
  };
  return { facts, own, writer };
}

/** Loads what the core asked for, and adds it to the call; null where that is more than one call may read. */
export async function loadNeeds(ctx: ReadCtx, args: IngestArgs, before: LoadedIngest, needs: Needs): Promise<LoadedIngest | null> {
  const scope = scopeOf(args.actor);
  const { threadId } = args;
  const room = new Room(args.streamDeltas.length + args.lifecycleEvents.length > 1);
  const [named, open, items] = await Promise.all([
    room.load(needs.turns, ONE, async (turnId) => some(await findTurn(ctx, scope, threadId, turnId))),
    needs.openTurns ? openTurns(ctx, scope, threadId) : [],
    room.load(needs.items, FEW, (item) => messagesOfItem(ctx, scope, threadId, item.turnId, item.itemId)),
  ]);
  const found = new Set(named.map(({ turnId }) => turnId));
  const missing = needs.turns.filter((turnId) => !found.has(turnId));
  const turns = unique([...named, ...open]);
  // A stream that has not begun has no chunks.
  const known = new Set(before.rows.heads.map(({ streamId }) => streamId));
  const begun = needs.chunks.filter(({ event }) => known.has(streamIdOf(args, event)));
  const closing = [...new Set([...needs.closing, ...open.map((turn) => turn.turnId)])];
  const [closingMessages, streams, places, last, lifecycleIds, requests, usage, deleted] = await Promise.all([
    room.load(needs.closing, MANY, (turnId) => messagesThatClose(ctx, scope, threadId, turnId)),
    room.load(closing, FEW, (turnId) => streamsOfTurn(ctx, scope, threadId, turnId)),
    room.each(begun, RANGES, (asked) => placesIn(ctx, scope, streamIdOf(args, asked.event), asked, room)),
    room.load(needs.nextOrders, ONE, async (turnId) => some(await lastOfTurn(ctx, scope, threadId, turnId))),
    room.load(needs.lifecycleIds, ONE, async (event) => some(await findLifecycleId(ctx, scope, threadId, eventAt(args, event).eventId))),
    loadRequests(ctx, scope, threadId, needs.requestIds, needs.openRequests, room),
    needs.usage ? findUsage(ctx, scope, threadId, "thread") : null,
    room.isFull ? [] : Promise.all(missing.map((turnId) => isDeletedTurn(ctx, scope, threadId, turnId))),
  ]);
  if (room.isFull) return null;
  const orders = new Map(last.map(({ turnId, orderInTurn }) => [turnId, orderInTurn]));
  const nextOrders = needs.nextOrders.map((turnId) => ({ turnId, next: (orders.get(turnId) ?? -1) + 1 }));
  const messages = unique([...items, ...closingMessages]);
  const [folds, quarantine] = await Promise.all([
    Promise.all(needs.folds.map((fold) => findFold(ctx, messages, streamIdOf(args, fold.event), fold))),
    needs.quarantine ? quarantineOf(ctx, scope, threadId) : [],
  ]);
  const rows = { turns, messages, streams: unique(streams), quarantine, requests };
  const loaded: LoadedRows = {
    ...rows,
    places,
    nextOrders,
    lifecycleIds: lifecycleIds.map(({ eventId }) => eventId),
    usagePlace: usagePlaceOf(usage),
    folds: folds.filter((fold) => fold !== null),
    deletedTurns: missing.filter((_, at) => deleted[at]),
  };
  return { call: { ...before.call, loaded }, rows: { ...before.rows, ...rows } };
}

async function findFold(ctx: ReadCtx, messages: Doc<"messages">[], streamId: string, { messageId, end }: Needs["folds"][number]) {
  const at = messages.findIndex((message) => message.messageId === messageId && message.streamId === streamId);
  const message = messages[at];
  return message === undefined ? null : loadFold(ctx, message, streamId, at, end);
}

export type TurnToEnd = Awaited<ReturnType<typeof loadTurnToEnd>>;

/** What the core is told of a turn that {@link loadTurnToEnd} loaded: no batch is behind it. */
export function loadedTurn(rows: TurnToEnd): LoadedRows {
  return { ...NOTHING, ...rows };
}

/** A turn with everything that is open in it, for those who end it beside a batch. */
export async function loadTurnToEnd(ctx: ReadCtx, scope: Scope, threadId: string, turnId: string) {
  const [turn, messages, streams, requests] = await Promise.all([
    findTurn(ctx, scope, threadId, turnId),
    messagesThatClose(ctx, scope, threadId, turnId),
    streamsOfTurn(ctx, scope, threadId, turnId),
    loadRequests(ctx, scope, threadId, [], true),
  ]);
  return { turns: turn === null ? [] : [turn], messages, streams, requests };
}

export function findHead(ctx: ReadCtx, { tenantId, userId }: Scope, streamId: string): Promise<Doc<"streamHeads"> | null> {
  return ctx.db
    .query("streamHeads")
    .withIndex("by_stream", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("streamId", streamId))
    .unique();
}

/** An event of the batch by its index: the streams' events, then the lifecycle events. */
export function eventAt(args: IngestArgs, event: number): StreamEvents[number] | IngestCall["lifecycle"][number] {
  const found = args.streamDeltas[event] ?? args.lifecycleEvents[event - args.streamDeltas.length];
  if (found === undefined) throw coded("E_INTERNAL", `the core named event ${String(event)}`);
  return found;
}

/** The stream that an event of the batch is of, by the event's index. */
export function streamIdOf(args: IngestArgs, event: number): string {
  const delta = args.streamDeltas[event];
  if (delta === undefined) throw coded("E_INTERNAL", `the core named stream event ${String(event)}`);
  return delta.streamId;
}

function findMarks(ctx: ReadCtx, { tenantId, userId }: Scope, threadId: string) {
  return ctx.db
    .query("lifecycleMarks")
    .withIndex("by_thread", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId))
    .unique();
}

function findLifecycleId(ctx: ReadCtx, { tenantId, userId }: Scope, threadId: string, eventId: string) {
  return ctx.db
    .query("lifecycleIds")
    .withIndex("by_event", (q) =>
      q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).eq("eventId", eventId),
    )
    .unique();
}

/** The thread's turns in progress. */
export function openTurns(ctx: ReadCtx, { tenantId, userId }: Scope, threadId: string) {
  return ctx.db
    .query("turns")
    .withIndex("by_status", (q) =>
      q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).eq("status", "inProgress"),
    )
    .take(OPEN_TURNS_MAX);
}

function messagesOfItem(ctx: ReadCtx, { tenantId, userId }: Scope, threadId: string, turnId: string, itemId: string) {
  return ctx.db
    .query("messages")
    .withIndex("by_item", (q) =>
      q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).eq("turnId", turnId).eq("itemId", itemId),
    )
    .order("desc")
    .take(OCCURRENCES_MAX);
}

async function messagesThatClose(ctx: ReadCtx, { tenantId, userId }: Scope, threadId: string, turnId: string) {
  const closedBy = (closing: "open" | "turn") =>
    ctx.db
      .query("messages")
      .withIndex("by_closing", (q) =>
        q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).eq("turnId", turnId).eq("closing", closing),
      )
      .take(CLOSING_MESSAGES_MAX);
  return [...(await closedBy("open")), ...(await closedBy("turn"))];
}

/** A turn's streams; those that go on come first: by the names of their states, backwards. */
export function streamsOfTurn(ctx: ReadCtx, { tenantId, userId }: Scope, threadId: string, turnId: string) {
  return ctx.db
    .query("streams")
    .withIndex("by_turn", (q) =>
      q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).eq("turnId", turnId),
    )
    .order("desc")
    .take(TURN_STREAMS_MAX);
}

/** Where the last event of a stream lies: in its last chunk, or where the head says, if that has gone. */
export async function lastPlaceOf(ctx: ReadCtx, scope: Scope, streamId: string): Promise<LoadedRows["places"]> {
  const { tenantId, userId } = scope;
  const last = await ctx.db
    .query("chunks")
    .withIndex("by_start", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("streamId", streamId))
    .order("desc")
    .first();
  if (last !== null) return lastOf(last);
  const head = await findHead(ctx, scope, streamId);
  if (head?.lastEvent === undefined) return [];
  const { cursor, eventId } = head.lastEvent;
  return [{ streamId, range: { start: cursor, end: head.latest }, eventId }];
}

/** Where a chunk's last event lies. */
export const lastOf = (chunk: Doc<"chunks">): LoadedRows["places"] => placesOf(chunk).slice(-1);

/** The events that lie in a range. Reads that range and the chunk before it, never a stream's open end. */
async function placesIn(ctx: ReadCtx, { tenantId, userId }: Scope, streamId: string, asked: Range, room: Room) {
  const chunks = () => ctx.db.query("chunks");
  const before = await chunks()
    .withIndex("by_start", (q) =>
      q.eq("tenantId", tenantId).eq("userId", userId).eq("streamId", streamId).lt("cursorStart", asked.start),
    )
    .order("desc")
    .first();
  const inside = chunks().withIndex("by_start", (q) =>
    q
      .eq("tenantId", tenantId)
      .eq("userId", userId)
      .eq("streamId", streamId)
      .gte("cursorStart", asked.start)
      .lt("cursorStart", asked.end),
  );
  const places = [];
  for await (const chunk of withFirst(before, inside)) {
    room.take(chunk, 1);
    if (room.isFull) break;
    places.push(...placesOf(chunk));
  }
  return places;
}

async function* withFirst<Row>(first: Row | null, rows: AsyncIterable<Row>) {
  if (first !== null) yield first;
  yield* rows;
}

function placesOf(chunk: Doc<"chunks">): LoadedRows["places"] {
  let start = chunk.cursorStart;
  return chunk.eventIds.map((eventId, at) => {
    const range = { start, end: chunk.eventEnds[at] ?? chunk.cursorEnd };
    start = range.end;
    return { streamId: chunk.streamId, range, eventId };
  });
}

function lastOfTurn(ctx: ReadCtx, { tenantId, userId }: Scope, threadId: string, turnId: string) {
  return ctx.db
    .query("messages")
    .withIndex("by_turn", (q) =>
      q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).eq("turnId", turnId),
    )
    .order("desc")
    .first();
}

function some<Row>(row: Row | null): Row[] {
  return row === null ? [] : [row];
}

function unique<Row extends { _id: string }>(rows: Row[]): Row[] {
  return [...new Map(rows.map((row) => [row._id, row])).values()];
}
