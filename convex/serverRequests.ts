import { paginationOptsValidator } from "convex/server";
import { v } from "convex/values";
import { planResolve, planUpsert } from "../js-wrapper/core/control.js";
import { given } from "../js-wrapper/given.js";
import type { Doc } from "./_generated/dataModel.js";
import { mutation, query } from "./_generated/server.js";
import { decide } from "./model/core.js";
import { readPage, type Listed } from "./model/paging.js";
import { refused } from "./model/refusals.js";
import {
  inStatus,
  loadRequests,
  overrule,
  presentDecided,
  presentRequest,
  REQUESTS_LISTED_BYTES_MAX,
  requestsOfId,
  rowAt,
  statusFields,
  weightOf,
  withDecisions,
  withPayload,
  writeRequest,
  writeTexts,
} from "./model/requests.js";
import { findThread, findTurn, requireThread, scopeOf } from "./model/scope.js";
import { firstShown, isDeletedTurn, shownAnywhere } from "./model/visible.js";
import { vActor, vDecidedRequest, vPageOf, vRequestId, vRequestOrigin, vServerRequest } from "./validators.js";

const LISTED_DEFAULT = 100;
/** Requests of a status that are listed, and looked at: what is hidden is not listed. */
const LISTED_MAX = 200;

/**
 * Tells of a request of the app-server. With the event that asks the same, in either order, it makes one row; the same again
 * changes nothing, and one that has ended is never opened again. `runtimeId`, `generation` and `appGeneration` say which
 * process asked: ids restart at 0 in every one. A request of a turn that was deleted changes nothing.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`, `E_REQUEST_INVALID`
 */
export const upsertPending = mutation({
  args: {
    actor: vActor,
    requestId: vRequestId,
    threadId: v.string(),
    turnId: v.string(),
    itemId: v.string(),
    method: v.string(),
    payloadJson: v.string(),
    reason: v.optional(v.string()),
    questionsJson: v.optional(v.string()),
    requestedAt: v.number(),
    ...vRequestOrigin,
  },
  returns: v.null(),
  handler: async (ctx, { actor, threadId, runtimeId, generation, appGeneration, ...asked }) => {
    const scope = scopeOf(actor);
    const [thread, turn, known] = await Promise.all([
      findThread(ctx, scope, threadId),
      findTurn(ctx, scope, threadId, asked.turnId),
      loadRequests(ctx, scope, threadId, [JSON.stringify(asked.requestId)], true),
    ]);
    if (turn === null && (await isDeletedTurn(ctx, scope, threadId, asked.turnId))) return null;
    const { requestId, method, turnId, itemId, payloadJson, reason, questionsJson, requestedAt } = asked;
    const origin = { runtimeId, generation, appGeneration };
    const threadExists = thread !== null;
    const call = { threadExists, turnStatus: turn?.status, requestId, method, turnId, itemId, origin, payloadJson, reason, questionsJson, known };
    const answer = decide(() => planUpsert(call));
    if (answer.type === "rejected") throw refused(answer, known, { threadId, requestId });
    if (answer.type === "keep") return null;
    const nowMs = Date.now();
    for (const write of answer.requests) {
      const row = write.row === undefined ? null : rowAt(known, write.row);
      const said = write.row !== answer.row ? undefined : {
        ...{ method, turnId, itemId, createdAt: Number.isFinite(requestedAt) ? requestedAt : nowMs },
        payloadJson: answer.isPrivate ? "{}" : payloadJson,
        ...(appGeneration === undefined ? {} : { appGeneration }),
        ...(answer.reason === undefined ? {} : { reason: answer.reason }),
        ...(questionsJson === undefined ? {} : { questionsJson }),
      };
      await writeRequest(ctx, { scope, threadId, nowMs }, row, write, said);
    }
    if (thread !== null && answer.touches) await ctx.db.patch("threads", thread._id, { updatedAt: nowMs });
    return null;
  },
});

/**
 * Says how a request ended: `answered` when its answer was written to Codex, else `expired`. The bridge's word replaces what was
 * guessed (a turn that ended, `serverRequest/resolved`), and nothing replaces the bridge's. Answers to secret questions and of
 * account methods are not stored. `policy` names what decided where no person did.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`, `E_REQUEST_NOT_FOUND`, `E_REQUEST_NOT_PENDING`, `E_REQUEST_INVALID`
 */
export const resolve = mutation({
  args: {
    actor: vActor,
    threadId: v.string(),
    requestId: vRequestId,
    status: v.union(v.literal("answered"), v.literal("expired")),
    resolvedAt: v.number(),
    responseJson: v.optional(v.string()),
    policy: v.optional(v.string()),
    ...vRequestOrigin,
  },
  returns: v.null(),
  handler: async (ctx, { actor, threadId, requestId, status, resolvedAt, responseJson, policy, ...origin }) => {
    const scope = scopeOf(actor);
    const thread = await findThread(ctx, scope, threadId);
    const isShownIn = shownAnywhere(ctx, scope);
    const ofId = thread === null ? [] : await requestsOfId(ctx, scope, threadId, requestId);
    const shown = await Promise.all(ofId.map((row) => isShownIn(row)));
    const rows = ofId.filter((_, at) => shown[at]);
    const decided = await withDecisions(ctx, rows);
    const call = { threadExists: thread !== null, origin, answered: status === "answered", responseJson, policy, known: decided };
    let answer = decide(() => planResolve(call));
    if (answer.type === "needs") {
      const known = await withPayload(ctx, rows, answer.row);
      answer = decide(() => planResolve({ ...call, known }));
    }
    if (answer.type === "rejected") throw refused(answer, decided, { threadId, requestId });
    if (answer.type !== "resolve") return null;
    const found = rowAt(rows, answer.row);
    const row = answer.decides ? await overrule(ctx, found) : found;
    const nowMs = Date.now();
    // Of an answer from afar it is known who gave it, where its command was reported first.
    const isNews = answer.decides && (row.approval !== undefined || row.decidedAt === undefined);
    await ctx.db.patch("serverRequests", row._id, {
      ...statusFields(status, row.approval, nowMs, row),
      cause: "reported",
      resolvedAt: Number.isFinite(resolvedAt) ? resolvedAt : nowMs,
      ...(isNews ? { decidedBy: actor.userId, decidedByDevice: actor.deviceId, decidedByPolicy: policy, decidedAt: nowMs } : {}),
    });
    const response = answer.keepsResponse ? responseJson : undefined;
    await writeTexts(ctx, row, given({ decision: answer.decision, response }));
    return null;
  },
});

/**
 * The requests that Codex waits for, of one thread or of all of the actor's, last changed first: those that nobody has answered,
 * and those whose answer is on its way (`answering`, with the `responseJson` that Codex is to get). Payloads are whole: the list
 * ends early behind 4 MiB of them.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`
 */
export const listPending = query({
  args: { actor: vActor, threadId: v.optional(v.string()), limit: v.optional(v.number()) },
  returns: v.array(vServerRequest),
  handler: async (ctx, { actor, threadId, limit }) => {
    const scope = scopeOf(actor);
    if (threadId !== undefined) await requireThread(ctx, scope, threadId);
    const asked = limit !== undefined && Number.isFinite(limit) ? Math.floor(limit) : LISTED_DEFAULT;
    const rowsMax = Math.min(Math.max(asked, 1), LISTED_MAX);
    const shown = shownAnywhere(ctx, scope);
    const statuses = ["pending", "answering"] as const;
    const open = await Promise.all(statuses.map((status) => firstShown(inStatus(ctx, scope, threadId, status), rowsMax, LISTED_MAX, shown)));
    const newest = open.flat().sort((one, other) => other.updatedAt - one.updatedAt);
    const rows = [];
    let weight = 0;
    for (const doc of newest.slice(0, rowsMax)) {
      weight += weightOf(doc);
      if (rows.length > 0 && weight > REQUESTS_LISTED_BYTES_MAX) break;
      rows.push(await presentRequest(ctx, doc));
    }
    return rows;
  },
});

/**
 * A page of what was decided in a thread, newest decision first: by whom, from which device or by which policy, when, and what; kept as
 * long as the thread. What was decided and is not what Codex was told is in `overruled`, here or in the request that waits again. Payloads
 * are whole: a page ends early behind 4 MiB of them.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`, `E_CURSOR_INVALID`
 */
export const listDecided = query({
  args: { actor: vActor, threadId: v.string(), paginationOpts: paginationOptsValidator },
  returns: vPageOf(vDecidedRequest),
  handler: async (ctx, { actor, threadId, paginationOpts }) => {
    const scope = scopeOf(actor);
    await requireThread(ctx, scope, threadId);
    const shown = shownAnywhere(ctx, scope);
    const { tenantId, userId } = scope;
    const prefix = [tenantId, userId, threadId];
    // What nobody has decided has no time, and lies before all times.
    const list: Listed<"serverRequests"> = { table: "serverRequests", index: "by_decision", prefix, key: ["number"], shown: [{ from: 0.5, to: Infinity }] };
    const weigh = (doc: Doc<"serverRequests">) => weightOf(doc, ["payload", "questions", "response", "decision"]);
    const present = async (doc: Doc<"serverRequests">) => {
      const row = (await shown(doc)) ? await presentDecided(ctx, doc) : null;
      return row === null ? null : { row, bytes: weigh(doc) };
    };
    return readPage(ctx, list, paginationOpts, present, REQUESTS_LISTED_BYTES_MAX, weigh);
  },
});
