/** Server requests: loaded for a plan, written as it says, and as readers get them. */
import { convexToJson, type Value } from "convex/values";
import type { RequestWrite } from "../../js-wrapper/core/control.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import { coded } from "../errors.js";
import type { ApprovalRow, ServerRequestRow } from "../validators.js";
import { PAYLOAD_PART_UNITS, readParts, splitUnits, writeParts } from "./parts.js";
import type { ReadCtx, Scope, WriteCtx } from "./scope.js";

/** Requests of one thread that are open at once. SOURCE: `src/limits.rs`, OPEN_REQUESTS_MAX. */
export const OPEN_REQUESTS_MAX = 200;
/** Newest requests of one id: one for each process of the app-server that used it. */
const REQUESTS_OF_ID_MAX = 8;
/** Newest requests about one item: Codex was seen to ask once for each command in a line. */
const REQUESTS_OF_ITEM_MAX = 50;
/** UTF-16 units of a text that a request's row holds; a longer one lies in parts beside it. */
const INLINE_UNITS_MAX = 64 * 1024;
/** UTF-8 bytes, about, after which a list of requests ends: a payload is never cut. */
export const REQUESTS_LISTED_BYTES_MAX = 4 * 1024 * 1024;
/** What a request's row weighs beside its payload. */
const ROW_BYTES = 1024;

type Request = Doc<"serverRequests">;
type LongText = "payload" | "questions" | "response";
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
): Promise<Request[]> {
  const found = await Promise.all([
    ...ids.map((id) => requestsOfId(ctx, scope, threadId, JSON.parse(id) as Request["requestId"])),
    ...(open ? (["pending", "answering"] as const) : []).map((status) =>
      inStatus(ctx, scope, threadId, status).take(OPEN_REQUESTS_MAX),
    ),
  ]);
  return inOrder(found.flat());
}

/** The requests of an id, newest last. */
export async function requestsOfId(
  ctx: ReadCtx,
  { tenantId, userId }: Scope,
  threadId: string,
  requestId: Request["requestId"],
): Promise<Request[]> {
  const newest = await ctx.db
    .query("serverRequests")
    .withIndex("by_request", (q) =>
      q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).eq("requestId", requestId),
    )
    .order("desc")
    .take(REQUESTS_OF_ID_MAX);
  return newest.reverse();
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
    ...defined({
      cause: write.cause,
      runtimeId: write.runtimeId,
      generation: write.generation,
      eventId: asked?.eventId,
      appGeneration: asked?.appGeneration,
    }),
  };
  if (row !== null) return ctx.db.patch("serverRequests", row._id, set);
  if (asked === undefined) return;
  const { payload, questions } = split({ payload: asked.payloadJson, questions: asked.questionsJson });
  const id = await ctx.db.insert("serverRequests", {
    ...scope,
    threadId,
    turnId: asked.turnId,
    itemId: asked.itemId ?? write.itemId ?? "",
    requestId: JSON.parse(write.id ?? "0") as Request["requestId"],
    method: asked.method,
    ...defined({
      approval,
      reason: asked.reason ?? write.reason,
      autoResolutionMs: write.autoResolutionMs,
      payloadJson: payload.inline,
      questionsJson: questions.inline,
    }),
    parted: [...payload.parted, ...questions.parted],
    createdAt: asked.createdAt,
    ...set,
  });
  await payload.write(ctx, id);
  await questions.write(ctx, id);
}

/** Stores the answer of a request; what it was before is gone. */
export async function writeResponse(ctx: WriteCtx, row: Request, responseJson: string): Promise<void> {
  const { response } = split({ response: responseJson });
  const parted = [...row.parted.filter((kind) => kind !== "response"), ...response.parted];
  await ctx.db.patch("serverRequests", row._id, { responseJson: response.inline, parted });
  if (row.parted.includes("response") || response.inline === undefined) {
    await writeParts(ctx, row._id, "response", response.pieces);
  }
}

/** Takes the answer of a request away. */
export async function forgetResponse(ctx: WriteCtx, row: Request): Promise<void> {
  await ctx.db.patch("serverRequests", row._id, { responseJson: undefined, parted: row.parted.filter((kind) => kind !== "response") });
  if (row.parted.includes("response")) await writeParts(ctx, row._id, "response", []);
}

/** A request that the core named among those that it was given: anything else is a bug of this software. */
export function rowAt(rows: readonly Request[], at: number): Request {
  const row = rows[at];
  if (row === undefined) throw coded("E_INTERNAL", `the core named request ${String(at)}`);
  return row;
}

/** The requests that the core was given, and the payload of the one that it asks for. */
export async function withPayload(ctx: ReadCtx, rows: readonly Request[], asked: number): Promise<(Request & { payloadJson?: string })[]> {
  const payloadJson = await payloadOf(ctx, rowAt(rows, asked));
  return rows.map((row, at) => (at === asked ? { ...row, payloadJson } : row));
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
  return textOf(ctx, row, "payload", row.payloadJson).then((text) => text ?? "");
}

export async function presentApproval(ctx: ReadCtx, row: Request): Promise<{ row: ApprovalRow; bytes: number }> {
  const { threadId, turnId, itemId, approval = "", reason, createdAt, requestId, method } = row;
  const payloadJson = await payloadOf(ctx, row);
  const shown = { threadId, turnId, itemId, kind: approval, createdAt, requestId, method, payloadJson, ...defined({ reason, overruled: row.overruled }) };
  return { row: shown, bytes: payloadJson.length + ROW_BYTES };
}

export async function presentRequest(ctx: ReadCtx, row: Request): Promise<{ row: ServerRequestRow; bytes: number }> {
  const { requestId, method, threadId, turnId, itemId, status, createdAt, updatedAt } = row;
  const [payloadJson, questionsJson, responseJson] = await Promise.all([
    payloadOf(ctx, row),
    textOf(ctx, row, "questions", row.questionsJson),
    textOf(ctx, row, "response", row.responseJson),
  ]);
  const shown = {
    ...{ requestId, method, threadId, turnId, itemId, payloadJson, status, createdAt, updatedAt },
    ...defined({
      reason: row.reason,
      questions: questionsOf(questionsJson, payloadJson),
      resolvedAt: row.resolvedAt,
      responseJson,
      autoResolutionMs: row.autoResolutionMs,
      decidedBy: row.decidedBy,
      decidedByDevice: row.decidedByDevice,
      decidedAt: row.decidedAt,
      overruled: row.overruled,
    }),
  };
  const bytes = payloadJson.length + (questionsJson?.length ?? 0) + (responseJson?.length ?? 0) + ROW_BYTES;
  return { row: shown, bytes };
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

function textOf(ctx: ReadCtx, row: Request, kind: LongText, inline: string | undefined): Promise<string | undefined> {
  return row.parted.includes(kind) ? readParts(ctx, row._id, kind) : Promise.resolve(inline);
}

type Split = {
  inline: string | undefined;
  parted: LongText[];
  pieces: string[];
  write: (ctx: WriteCtx, id: Id<"serverRequests">) => Promise<void>;
};

/** Each text as its row holds it, or in parts beside it. */
function split<Kind extends LongText>(texts: Record<Kind, string | undefined>): Record<Kind, Split> {
  const splitOne = ([kind, text]: [LongText, string | undefined]): [LongText, Split] => {
    const inline = text === undefined || text.length <= INLINE_UNITS_MAX;
    const pieces = inline ? [] : splitUnits(text, PAYLOAD_PART_UNITS);
    const write: Split["write"] = (ctx, id) => (inline ? Promise.resolve() : writeParts(ctx, id, kind, pieces, true));
    return [kind, { inline: inline ? text : undefined, parted: inline ? [] : [kind], pieces, write }];
  };
  return Object.fromEntries((Object.entries(texts) as [LongText, string | undefined][]).map(splitOne)) as Record<Kind, Split>;
}

/** Without repeats, newest last. */
function inOrder(rows: Request[]): Request[] {
  return [...new Map(rows.map((row) => [row._id, row])).values()].sort((one, other) => one._creationTime - other._creationTime);
}

/** The fields that have a value. */
function defined<Fields extends object>(fields: Fields): { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Fields]?: Exclude<Fields[Key], undefined>;
  };
}
