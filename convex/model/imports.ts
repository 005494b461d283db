/** History imports: pages of a history become batches of import streams, and a row remembers how far they came. */
import { planAdmission } from "../../js-wrapper/core/clients.js";
import { planImport, type ImportEvent, type Place } from "../../js-wrapper/core/imports.js";
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { coded } from "../errors.js";
import type { Actor, ImportStatus } from "../validators.js";
import { applySession } from "./apply.js";
import { checkBounds } from "./bounds.js";
import { decide, existing } from "./core.js";
import type { Foreseen, Outcome } from "./ingest.js";
import { findHead, loadSession, type IngestArgs } from "./load.js";
import { findThread, findTurn, scopeOf, type ReadCtx, type Scope } from "./scope.js";

/** A turn as a page has it: without its items, which stand beside it. */
export type ImportedTurn = { turnId: string; turnJson: string; items: string[]; more?: boolean };

/** A page of a thread's history: `position` is the place of its first item. */
export type ImportArgs = {
  actor: Actor;
  sessionId: string;
  threadId: string;
  historyMode?: string;
  restart?: boolean;
  position: Place;
  turns: ImportedTurn[];
  atEnd?: boolean;
};

type Progress = Pick<Doc<"imports">, "state" | "position" | "importedItems" | "quarantined" | "updatedAt">;

const NOT_GIVEN = "the core named a turn or an item that it was not given";

/** Takes a batch as every other is taken, but that it need not ask. */
export type Ingest = (args: IngestArgs, foreseen: Foreseen) => Promise<Outcome>;

/** Imports what is new of a page, as much as one call takes; answers how far the import is. */
export async function importPage(ctx: MutationCtx, args: ImportArgs, ingest: Ingest): Promise<ImportStatus> {
  const { actor, threadId, position, turns } = args;
  const scope = scopeOf(actor);
  const [thread, known] = await Promise.all([findThread(ctx, scope, threadId), findImport(ctx, scope, threadId)]);
  const isLegacy = args.historyMode === "legacy";
  const foreign = isLegacy ? await Promise.all(turns.map((turn) => isForeign(ctx, scope, threadId, turn.turnId))) : [];
  const answer = decide(() =>
    planImport({
      newThread: thread === null ? { ...scope, threadId } : null,
      legacy: isLegacy,
      restart: args.restart === true,
      used: thread !== null && thread.nextTurnOrder > 0,
      atEnd: args.atEnd === true,
      known,
      at: position,
      turns: turns.map((turn, at) => ({ ...turn, foreign: foreign[at] === true })),
    }),
  );
  if (answer.type === "rejected") throw coded(answer.code, answer.message, { threadId, ...(known === null ? {} : known.position) });
  const nowMs = Date.now();
  const streamDeltas = answer.events.map((event) => deltaOf(threadId, existing(turns[event.turn], NOT_GIVEN), event, nowMs));
  const { progress, writes } = answer;
  const quarantined = streamDeltas.length === 0 ? 0 : await take(ingest, { ...args, streamDeltas }, answer);
  // What brings no batch moves the import all the same: that is the writer's alone too.
  if (streamDeltas.length === 0 && writes && thread !== null) await admit(ctx, args, nowMs);
  const row = { ...progress, quarantined: progress.quarantined + quarantined, updatedAt: nowMs };
  if (!writes) return presentImport(known ?? row);
  if (known !== null) await ctx.db.patch("imports", known._id, row);
  else await ctx.db.insert("imports", { ...scope, threadId, ...row });
  return presentImport(row);
}

export function findImport(ctx: ReadCtx, { tenantId, userId }: Scope, threadId: string): Promise<Doc<"imports"> | null> {
  return ctx.db
    .query("imports")
    .withIndex("by_thread", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId))
    .unique();
}

export function presentImport({ state, position, importedItems, quarantined, updatedAt }: Progress): ImportStatus {
  return { status: state, position, importedItems, quarantined, updatedAt };
}

/** Takes the batch; answers how many of its events went to the quarantine. */
async function take(ingest: Ingest, batch: Omit<IngestArgs, "lifecycleEvents">, foreseen: Foreseen): Promise<number> {
  const { actor, sessionId, threadId, streamDeltas } = batch;
  const outcome = await ingest({ actor, sessionId, threadId, streamDeltas, lifecycleEvents: [] }, foreseen);
  if (outcome.type === "rejected") throw coded(outcome.fault.errorCode, outcome.fault.message, { threadId, retryable: outcome.fault.recoverable });
  return outcome.plan.errors.filter(({ errorCode }) => errorCode === "E_SYNC_MALFORMED_EVENT").length;
}

/** Asks whether the caller writes the thread, as a batch does, and with what it does to the session. */
async function admit(ctx: MutationCtx, args: ImportArgs, nowMs: number): Promise<void> {
  const { actor, sessionId, threadId } = args;
  checkBounds({ sessionId });
  const { facts, own } = await loadSession(ctx, actor, sessionId, threadId);
  const answer = decide(() => planAdmission(nowMs, facts));
  if (answer.type === "rejected") throw coded(answer.code, answer.message, { threadId, retryable: true });
  await applySession(ctx, args, own, answer.session, nowMs);
}

/** Whether the thread has the turn, and no import brought it. */
async function isForeign(ctx: ReadCtx, scope: Scope, threadId: string, turnId: string): Promise<boolean> {
  const turn = await findTurn(ctx, scope, threadId, turnId);
  return turn !== null && (await findHead(ctx, scope, streamOf(threadId, turnId))) === null;
}

function streamOf(threadId: string, turnId: string): string {
  return `${threadId}:${turnId}:import`;
}

/** An event as the app-server would have sent it, whose turn or item stands in it as it came. */
function deltaOf(threadId: string, { turnId, turnJson, items }: ImportedTurn, event: ImportEvent, nowMs: number): IngestArgs["streamDeltas"][number] {
  const { item, kind, begins, isJson, cursorStart, cursorEnd, createdAt = nowMs } = event;
  const streamId = streamOf(threadId, turnId);
  const whole = existing(item === undefined ? turnJson : items[item], NOT_GIVEN);
  const json = begins === undefined ? (isJson ? whole : JSON.stringify(whole)) : JSON.stringify(begins);
  const ids = item === undefined ? { threadId } : { threadId, turnId };
  const params = JSON.stringify(ids).slice(0, -1);
  const payloadJson = `{"method":"${kind}","params":${params},"${item === undefined ? "turn" : "item"}":${json}}}`;
  return { eventId: `import:${streamId}:${String(cursorStart)}`, turnId, streamId, kind, payloadJson, cursorStart, cursorEnd, createdAt };
}
