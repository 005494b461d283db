/** Server requests: loaded for a plan, written as it says, and as readers get them. */
import { convexToJson, type Value } from "convex/values";
import type { RequestWrite } from "../../js-wrapper/core/control.js";
import { given } from "../../js-wrapper/given.js";
import type { Doc } from "../_generated/dataModel.js";
import { coded } from "../errors.js";
import type { ApprovalRow, DecidedRequestRow, ServerRequestRow } from "../validators.js";
import { PAYLOAD_PART_UNITS, partsOf, readParts, splitUnits, utf8Bytes, writeParts } from "./parts.js";
import { Room } from "./room.js";
import type { ReadCtx, Scope, WriteCtx } from "./scope.js";

/** Requests of one thread that are open at once. SOURCE: `src/limits.rs`, OPEN_REQUESTS_MAX. */
export const OPEN_REQUESTS_MAX = 200;
/** Newest requests of one id: one for each process of the app-server that used it. */
const REQUESTS_OF_ID_MAX = 8;
/** Ids whose requests are looked up at once. */
const IDS_AT_ONCE = 16;
/** Newest requests about one item: Codex was seen to ask once for each command in a line. */
const REQUESTS_OF_ITEM_MAX = 50;
/**
 * UTF-8 bytes of a text that a request's row holds; a longer one lies in parts beside it. Batches, ends of turns and the
 * thread's state read all rows that are open: those, each with every name and text at its bound (26 KiB), are a third of what
 * one call may read.
 */
const INLINE_BYTES_MAX = 2 * 1024;
/** UTF-8 bytes, about, after which a list of requests ends: a payload is never cut. */
export const REQUESTS_LISTED_BYTES_MAX = 4 * 1024 * 1024;
/** What a request's row weighs, about, with the texts that it holds. */
const ROW_BYTES = 4 * 1024;

type Request = Doc<"serverRequests">;
/** The texts that may be too long for a row, and the fields that hold them where they are not. */
const FIELD_OF = { payload: "payloadJson", questions: "questionsJson", response: "responseJson", decision: "decisionJson" } as const;
type LongText = keyof typeof FIELD_OF;
type Place = { scope: Scope; threadId: string; nowMs: number };

/** What a request says of itself where it is asked. */
export type Asked = {
  method: string;
  turnId: string;
  payloadJson: string;
  createdAt: number;
  itemId?: string;
  reason?: string;
  questionsJson?: string;
  eventId?: string;
  runtimeId?: string;
  generation?: number;
  appGeneration?: number;
};

/** The requests of these ids (as JSON), and the thread's open ones where they are asked for; newest last. */
export async function loadRequests(
  ctx: ReadCtx,
  scope: Scope,
  threadId: string,
  ids: readonly string[],
  open: boolean,
  room = new Room(false),
): Promise<Request[]> {
  const found = await Promise.all([
    room.load(ids, IDS_AT_ONCE, (id) => requestsOfId(ctx, scope, threadId, JSON.parse(id) as Request["requestId"])),
    ...(open ? (["pending", "answering"] as const) : []).map((status) =>
      inStatus(ctx, scope, threadId, status).take(OPEN_REQUESTS_MAX),
    ),
  ]);
  return inOrder(found.flat());
}

/** The requests of an id, newest last. */
export async function requestsOfId(ctx: ReadCtx, scope: Scope, threadId: string, requestId: Request["requestId"]): Promise<Request[]> {
  return (await ofId(ctx, scope, threadId, requestId).take(REQUESTS_OF_ID_MAX)).reverse();
}

/** The newest request of an id that is the wanted one, and how many were read for it. */
export async function newestOfId(
  ctx: ReadCtx,
  scope: Scope,
  threadId: string,
  requestId: Request["requestId"],
  isWanted: (row: Request) => boolean,
): Promise<{ row: Request | null; read: number }> {
  let read = 0;
  for await (const row of ofId(ctx, scope, threadId, requestId)) {
    read += 1;
    if (isWanted(row)) return { row, read };
    if (read === REQUESTS_OF_ID_MAX) break;
  }
  return { row: null, read };
}

/** The requests of an id, newest first. */
function ofId(ctx: ReadCtx, { tenantId, userId }: Scope, threadId: string, requestId: Request["requestId"]) {
  return ctx.db
    .query("serverRequests")
    .withIndex("by_request", (q) =>
      q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).eq("requestId", requestId),
    )
    .order("desc");
}

/** The requests about an item, newest last. */
export async function requestsOfItem(
  ctx: ReadCtx,
  { tenantId, userId }: Scope,
  threadId: string,
  turnId: string,
  itemId: string,
): Promise<Request[]> {
  const newest = await ctx.db
    .query("serverRequests")
    .withIndex("by_item", (q) =>
      q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).eq("turnId", turnId).eq("itemId", itemId),
    )
    .order("desc")
    .take(REQUESTS_OF_ITEM_MAX);
  return newest.reverse();
}

/** The requests of a status, of one thread or of all, last changed first. */
export function inStatus(ctx: ReadCtx, { tenantId, userId }: Scope, threadId: string | undefined, status: Request["status"]) {
  const requests = ctx.db.query("serverRequests");
  return (
    threadId === undefined
      ? requests.withIndex("by_status", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("status", status))
      : requests.withIndex("by_thread_status", (q) =>
          q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).eq("status", status),
        )
  ).order("desc");
}

/** The decisions of a thread that no command was sent for, for nobody was there to do it; the first ones first. */
export async function unsentDecisions(ctx: ReadCtx, scope: Scope, threadId: string): Promise<Request[]> {
  const answering = await inStatus(ctx, scope, threadId, "answering").take(OPEN_REQUESTS_MAX);
  return answering.filter(({ commandId }) => commandId === undefined).reverse();
}

/** Writes a request as the core says: `asked` is what it says of itself, where this call brings that. */
export async function writeRequest(
  ctx: WriteCtx,
  { scope, threadId, nowMs }: Place,
  row: Request | null,
  write: RequestWrite,
  asked?: Asked,
): Promise<void> {
  const approval = row === null ? write.approval : row.approval;
  const set = {
    ...statusFields(write.state, approval, nowMs, row),
    ...given({
      cause: write.cause,
      runtimeId: write.runtimeId,
      generation: write.generation,
      eventId: asked?.eventId,
      appGeneration: asked?.appGeneration,
    }),
  };
  if (row !== null) return ctx.db.patch("serverRequests", row._id, set);
  if (asked === undefined) return;
  const texts = placed({ payload: asked.payloadJson, questions: asked.questionsJson });
  const id = await ctx.db.insert("serverRequests", {
    ...scope,
    threadId,
    turnId: asked.turnId,
    itemId: asked.itemId ?? write.itemId ?? "",
    requestId: JSON.parse(write.id ?? "0") as Request["requestId"],
    method: asked.method,
    ...given({
      approval,
      reason: asked.reason ?? write.reason,
      autoResolutionMs: write.autoResolutionMs,
      ...texts.inline,
    }),
    parted: texts.long.map(({ kind, bytes }) => ({ kind, bytes })),
    createdAt: asked.createdAt,
    ...set,
  });
  for (const { kind, text } of texts.long) await writeParts(ctx, id, kind, splitUnits(text, PAYLOAD_PART_UNITS), true);
}

/** Stores texts of a request, its answer or what was decided; what they were before is gone. One that is undefined is taken away. */
export async function writeTexts(ctx: WriteCtx, row: Request, texts: Partial<Record<"response" | "decision", string | undefined>>): Promise<void> {
  if (Object.keys(texts).length === 0) return;
  const { inline, long } = placed(texts);
  const isGiven = (kind: string) => Object.hasOwn(texts, kind);
  const others = row.parted.filter(({ kind }) => !isGiven(kind));
  await ctx.db.patch("serverRequests", row._id, { ...inline, parted: [...others, ...long.map(({ kind, bytes }) => ({ kind, bytes }))] });
  for (const { kind } of row.parted.filter(({ kind }) => isGiven(kind))) await writeParts(ctx, row._id, kind, []);
  for (const { kind, text } of long) await writeParts(ctx, row._id, kind, splitUnits(text, PAYLOAD_PART_UNITS), true);
}

/** Keeps what was decided as overruled, the last time, and makes room for another decision. @param code why it is lost, where it is */
export async function overrule(ctx: WriteCtx, row: Request, code?: string): Promise<Request> {
  const { decisionJson, decidedBy, decidedByDevice, decidedAt } = row;
  const isLong = row.parted.some(({ kind }) => kind === "decision");
  if ((!isLong && decisionJson === undefined) || decidedBy === undefined || decidedByDevice === undefined || decidedAt === undefined) return row;
  if (row.parted.some(({ kind }) => kind === "overruled")) await writeParts(ctx, row._id, "overruled", []);
  for await (const part of partsOf(ctx, row._id, "decision")) await ctx.db.patch("parts", part._id, { kind: "overruled" });
  const others = row.parted.filter(({ kind }) => kind !== "overruled");
  const parted = others.map(({ kind, bytes }) => ({ kind: kind === "decision" ? "overruled" : kind, bytes }));
  const overruled = { ...given({ decisionJson, code }), decidedBy, decidedByDevice, decidedAt };
  await ctx.db.patch("serverRequests", row._id, { decisionJson: undefined, overruled, parted });
  return { ...row, parted };
}

/** The last decision that is not what Codex was told, whole; undefined where there is none. */
async function overruledOf(ctx: ReadCtx, { _id, parted, overruled }: Request) {
  if (overruled === undefined) return undefined;
  const isLong = parted.some(({ kind }) => kind === "overruled");
  return { ...overruled, decisionJson: isLong ? await readParts(ctx, _id, "overruled") : (overruled.decisionJson ?? "") };
}

/** A request that the core named among those that it was given: anything else is a bug of this software. */
export function rowAt(rows: readonly Request[], at: number): Request {
  const row = rows[at];
  if (row === undefined) throw coded("E_INTERNAL", `the core named request ${String(at)}`);
  return row;
}

/** The requests that the core was given, and the payload of the one that it asks for, with what was decided. */
export async function withPayload(ctx: ReadCtx, rows: readonly Request[], asked: number): Promise<Request[]> {
  const row = rowAt(rows, asked);
  const [payloadJson, decisionJson] = await Promise.all([payloadOf(ctx, row), textOf(ctx, row, "decision")]);
  return rows.map((other, at) => (at === asked ? { ...other, payloadJson, ...given({ decisionJson }) } : other));
}

/** The requests with what was decided of each that the bridge has not told the end of: of another nothing is asked. */
export function withDecisions(ctx: ReadCtx, rows: readonly Request[]): Promise<Request[]> {
  return Promise.all(
    rows.map(async (row) => (row.cause === "reported" ? row : { ...row, ...given({ decisionJson: await textOf(ctx, row, "decision") }) })),
  );
}

/** The fields that follow from a status. */
export function statusFields(status: Request["status"], approval: string | undefined, nowMs: number, before: Request | null) {
  const ended = status === "answered" || status === "expired";
  return {
    status,
    waiting: status === "pending" ? (approval === undefined ? ("request" as const) : ("approval" as const)) : ("none" as const),
    updatedAt: nowMs,
    ...(ended && before?.status !== status ? { resolvedAt: nowMs } : {}),
  };
}

/** A request's payload as it came. */
export function payloadOf(ctx: ReadCtx, row: Request): Promise<string> {
  return textOf(ctx, row, "payload").then((text) => text ?? "");
}

/** What reading these texts of a request costs with its row, in UTF-8 bytes: known before they are read. */
export function weightOf(row: Request, texts: readonly LongText[] = ["payload", "questions", "response"]): number {
  return row.parted.reduce((sum, { kind, bytes }) => sum + ((texts as readonly string[]).includes(kind) ? bytes : 0), ROW_BYTES);
}

export async function presentApproval(ctx: ReadCtx, row: Request): Promise<ApprovalRow> {
  const { threadId, turnId, itemId, approval = "", reason, createdAt, requestId, method } = row;
  const payloadJson = await payloadOf(ctx, row);
  return { threadId, turnId, itemId, kind: approval, createdAt, requestId, method, payloadJson, ...given({ reason, overruled: await overruledOf(ctx, row) }) };
}

export async function presentRequest(ctx: ReadCtx, row: Request): Promise<ServerRequestRow> {
  const { requestId, method, threadId, turnId, itemId, status, createdAt, updatedAt } = row;
  const [payloadJson, questionsJson, responseJson] = await Promise.all([
    payloadOf(ctx, row),
    textOf(ctx, row, "questions"),
    textOf(ctx, row, "response"),
  ]);
  return {
    ...{ requestId, method, threadId, turnId, itemId, payloadJson, status, createdAt, updatedAt },
    ...given({
      reason: row.reason,
      questions: questionsOf(questionsJson, payloadJson),
      resolvedAt: row.resolvedAt,
      responseJson,
      autoResolutionMs: row.autoResolutionMs,
      decidedBy: row.decidedBy,
      decidedByDevice: row.decidedByDevice,
      decidedAt: row.decidedAt,
      overruled: await overruledOf(ctx, row),
    }),
  };
}

/** A request that was decided; null for one that was not. */
export async function presentDecided(ctx: ReadCtx, row: Request): Promise<DecidedRequestRow | null> {
  const { decidedBy, decidedByDevice, decidedAt, decidedByPolicy, shownSha256 } = row;
  if (decidedBy === undefined || decidedByDevice === undefined || decidedAt === undefined) return null;
  const decisionJson = await textOf(ctx, row, "decision");
  return { ...(await presentRequest(ctx, row)), decidedBy, decidedByDevice, decidedAt, ...given({ decidedByPolicy, decisionJson, shownSha256 }) };
}

/** The questions as they were given, else those that the payload asks; none where they cannot be read, or sent. */
function questionsOf(questionsJson: string | undefined, payloadJson: string): unknown {
  try {
    const payload = questionsJson === undefined ? (JSON.parse(payloadJson) as { params?: { questions?: Value } } | null) : undefined;
    const questions = questionsJson === undefined ? payload?.params?.questions : (JSON.parse(questionsJson) as Value);
    if (questions === undefined) return undefined;
    // Throws where a value or a key is none of Convex's.
    const json = JSON.stringify(convexToJson(questions));
    return HALF_A_PAIR.test(json) ? undefined : questions;
  } catch {
    return undefined;
  }
}

/** An unpaired surrogate, as JSON writes it: the backend drops a connection that carries one. */
const HALF_A_PAIR = /(?<!\\)(?:\\\\)*\\ud[89a-f]/i;

/** A request's text, from its row or its parts; none where it has none. */
export function textOf(ctx: ReadCtx, row: Request, kind: LongText): Promise<string | undefined> {
  return row.parted.some((part) => part.kind === kind) ? readParts(ctx, row._id, kind) : Promise.resolve(row[FIELD_OF[kind]]);
}

type Inline = { [Kind in LongText as (typeof FIELD_OF)[Kind]]?: string | undefined };

/** Each text where it is kept: in its row's field, or, where it is too long for that, in parts. */
function placed(texts: { [Kind in LongText]?: string | undefined }): { inline: Inline; long: { kind: LongText; bytes: number; text: string }[] } {
  const measured = (Object.entries(texts) as [LongText, string | undefined][]).map(([kind, text]) => ({
    kind,
    text,
    bytes: text === undefined ? 0 : utf8Bytes(text),
  }));
  // In a patch, `undefined` takes a field away: what is long has none.
  const fields = measured.map(({ kind, text, bytes }) => [FIELD_OF[kind], bytes > INLINE_BYTES_MAX ? undefined : text]);
  const long = measured.flatMap(({ kind, text, bytes }) => (text === undefined || bytes <= INLINE_BYTES_MAX ? [] : [{ kind, bytes, text }]));
  return { inline: Object.fromEntries(fields) as Inline, long };
}

/** Without repeats, newest last. */
function inOrder(rows: Request[]): Request[] {
  return [...new Map(rows.map((row) => [row._id, row])).values()].sort((one, other) => one._creationTime - other._creationTime);
}
